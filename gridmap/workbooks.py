"""Workbooks for offices: plain lists with a header, and sheets to print with heading and sums.

Codes are text, and so is what begins like a formula, whatever it holds. Every sheet is set up for
A4 across, one page wide, with its header on each page. The same tables give the same bytes.
"""

import math
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from gridmap.words import name_grid_type, name_header

# openpyxl takes a tenth of a second: it is imported by what writes a workbook.
if TYPE_CHECKING:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

#: A text that begins with it stands out: a gap, a double.
MARK = "▲"
_WIDEST, _WIDEST_HEAD = 42, 12
#: Characters side by side on A4 across that are still read with ease.
_ROOM = 150
#: The same on A4 upright.
_UPRIGHT = 100
#: Room to write by hand into a column that has nothing in it, on pages that are handed out.
_HAND = 16
#: Share of a line that is filled where a text goes on below.
_FILLED = 0.87
#: Points of a line of text, of a row around its lines, and of the lowest row to write into by hand.
_LINE, _AROUND, _ROW_BY_HAND = 15.0, 4.0, 27.0
#: The font of cells without one: a program that has no Chinese in it takes that from another.
_FONT = "Calibri"
#: Kind of value -> its format; text is never taken for a number.
_FORMATS = {"number": "General", "text": "@", "day": "yyyy-mm-dd"}
_TOTAL = {"zh": "合计", "en": "Total"}
_SERIAL = {"zh": "序号", "en": "No."}
_NONE = {"zh": "（无）", "en": "(none)"}
_PAGE = {"zh": "第 &P 页　共 &N 页", "en": "Page &P of &N"}


@dataclass(frozen=True)
class Sheet:
    """A table to print and hang up.

    Parameters
    ----------
    table : DataFrame
        Without geometry; its rows are numbered in print.
    title : str
        In large letters above the header.
    note : str
        Below the title: of which plan and day, and who may see it.
    sums : tuple of str
        Columns that a last line adds up.
    room : int
        Characters side by side on a page; more of them are smaller.
    foot : str
        Below everything: who signs.
    """

    table: pd.DataFrame
    title: str
    note: str = ""
    sums: tuple[str, ...] = ()
    room: int = _ROOM
    foot: str = ""


@dataclass(frozen=True)
class Pages:
    """Tables of the same columns below each other in one sheet, each printed on a page of its own.

    Parameters
    ----------
    blocks : tuple of Sheet
        One at least; A4 upright.
    """

    blocks: tuple[Sheet, ...]


def write_book(tables: Mapping[str, pd.DataFrame | Sheet | Pages], path: Path, lang: str) -> None:
    """Write tables as the sheets of one workbook.

    Parameters
    ----------
    tables : mapping of str to DataFrame, Sheet or Pages
        Name of the sheet -> table without geometry. A plain one has its header in the first row
        and a filter on each column; ``deviation`` is a share and becomes per cent.
    path : Path
        ``.xlsx``.
    lang : {"zh", "en"}
        Language of the headers.
    """
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        if isinstance(table, Sheet):
            _add_printed(sheet, table, lang)
        elif isinstance(table, Pages):
            _add_pages(sheet, table, lang)
        else:
            _add_plain(sheet, list_lines(table, lang), lang)
    book.save(path)
    _fix_dates(path)


def list_lines(table: pd.DataFrame, lang: str) -> list[list[Any]]:
    """Return the header and the rows of a table as they are written."""
    told = table.copy()
    if "deviation" in told.columns:
        told["deviation"] = (100 * told["deviation"].astype(float)).round(1)
    if "grid_type" in told.columns:
        told["grid_type"] = [name_grid_type(kind, lang) for kind in told["grid_type"]]
    header = [name_header(str(column), lang) for column in told.columns]
    return [header, *_give_rows(told)]


def _give_rows(table: pd.DataFrame) -> Iterator[list[Any]]:
    """Give each row as plain values, missing ones as None."""
    for row in table.astype(object).where(table.notna(), None).itertuples(index=False):
        yield [value.item() if hasattr(value, "item") else value for value in row]


# --- a plain list ---------------------------------------------------------------------------------


def _add_plain(sheet: "WriteOnlyWorksheet", lines: Sequence[Sequence[Any]], lang: str) -> None:
    from openpyxl.utils import get_column_letter

    looks = _make_looks(sheet)
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(lines[0]))}{len(lines)}"
    wanted = [width + 3 for width in _measure_columns(lines)]
    widths = [min(width, _WIDEST) for width in wanted]
    _set_widths(sheet, widths)
    _set_page(sheet, 1, lang)
    sheet.append([_cell(sheet, name, looks, "header") for name in lines[0]])
    long = [at for at, width in enumerate(wanted) if width > _WIDEST]
    for row, line in enumerate(lines[1:], start=2):
        if long:
            needed = _count_lines([line[at] for at in long], [_WIDEST] * len(long))
            sheet.row_dimensions[row].height = _LINE * needed
        sheet.append([_cell(sheet, value, looks, "text") for value in line])


# --- a sheet to print -----------------------------------------------------------------------------


def _add_printed(sheet: "WriteOnlyWorksheet", printed: Sheet, lang: str) -> None:
    """Write one table with its header in sight and on each page."""
    top = 2 + len(_list_notes(printed.note))
    sheet.freeze_panes = f"C{top + 1}"
    lines = _list_printed(printed, lang)
    widths = _fit_widths(lines, printed.room)
    _set_widths(sheet, widths)
    _set_page(sheet, top, lang)
    columns, looks = _Columns(widths, _find_left(lines), 0.0), _make_looks(sheet)
    row = _add_block(sheet, printed, lines, columns, looks, 0)
    if printed.table.empty:
        sheet.row_dimensions[row + 1].height = _ROW_BY_HAND
        sheet.append([_cell(sheet, _NONE[lang], looks, "note")])


def _add_pages(sheet: "WriteOnlyWorksheet", pages: Pages, lang: str) -> None:
    """Write tables below each other, each on its page."""
    from openpyxl.worksheet.pagebreak import Break

    printed = [_list_printed(block, lang) for block in pages.blocks]
    every = list(chain.from_iterable(printed))
    widths = _fit_widths(every, _UPRIGHT, empty=_HAND)
    _set_widths(sheet, widths)
    _set_page(sheet, 0, lang)
    sheet.page_setup.orientation = "portrait"
    columns = _Columns(widths, _find_left(every), _ROW_BY_HAND)
    looks, row = _make_looks(sheet), 0
    for block, lines in zip(pages.blocks, printed, strict=True):
        row = _add_block(sheet, block, lines, columns, looks, row)
        sheet.row_breaks.append(Break(id=row))


class _Columns(NamedTuple):
    """How the columns of a sheet are laid out."""

    widths: list[int]
    left: list[bool]  #: texts stand on the left, not in the middle
    lowest: float  #: points of the lowest row


def _add_block(
    sheet: "WriteOnlyWorksheet",
    block: Sheet,
    lines: Sequence[Sequence[Any]],
    columns: _Columns,
    looks: Mapping[tuple[str, str], Any],
    row: int,
) -> int:
    """Write heading, header, numbered rows, sums and foot below a row; return the last row."""
    header, *rows = lines
    body = rows[:-1] if block.sums else rows
    notes = _list_notes(block.note)
    sheet.row_dimensions[row + 1].height = 32
    _add_title(sheet, block.title, len(header), looks)
    for note in notes:
        sheet.append([_cell(sheet, note, looks, "note")])
    # Not every office program makes rows as high as what goes on below in them.
    for at, line in enumerate(lines, start=row + 2 + len(notes)):
        lowest = _AROUND + _LINE * _count_lines(line, columns.widths)
        sheet.row_dimensions[at].height = max(lowest, columns.lowest)
    sheet.append([_cell(sheet, name, looks, "head") for name in header])
    for line in body:
        chosen = map(_choose_look, line, columns.left)
        sheet.append(
            [_cell(sheet, value, looks, look) for value, look in zip(line, chosen, strict=True)]
        )
    for line in rows[len(body) :]:
        sheet.append([_cell(sheet, value, looks, "head") for value in line])
    foot = ["", *_list_notes(block.foot)] if block.foot else []
    for text in foot:
        sheet.append([_cell(sheet, text, looks, "note")])
    return row + 2 + len(notes) + len(rows) + len(foot)


def _add_title(
    sheet: "WriteOnlyWorksheet", text: str, columns: int, looks: Mapping[tuple[str, str], Any]
) -> None:
    """Write a text into the middle of all columns; no cells are merged for it."""
    rest = [_cell(sheet, "", looks, "title") for _ in range(columns - 1)]
    sheet.append([_cell(sheet, text, looks, "title"), *rest])


def _list_notes(text: str) -> list[str]:
    return text.split("\n") if text else []


def _list_printed(block: Sheet, lang: str) -> list[list[Any]]:
    """Return header, numbered rows and sums."""
    header, *rows = list_lines(block.table, lang)
    numbered = ([at, *row] for at, row in enumerate(rows, start=1))
    return [[_SERIAL[lang], *header], *numbered, *_add_up(block, lang)]


def _add_up(printed: Sheet, lang: str) -> list[list[Any]]:
    """Return the line of sums, or none."""
    if not printed.sums:
        return []
    table = printed.table
    sums = [int(table[name].sum()) if name in printed.sums else None for name in table.columns]
    return [[_TOTAL[lang], *sums]]


def _fit_widths(lines: Sequence[Sequence[Any]], room: int, *, empty: int = 0) -> list[int]:
    """Return widths that have room side by side: long texts go on below, codes are never broken.

    A column that has nothing below its header gets ``empty`` at least.

    Examples
    --------
    >>> _fit_widths([["编码", "理由"], ["210802003002", "很长的理由" * 9]], 40)
    [15, 25]
    """
    columns = list(zip(*lines, strict=True))
    least = [3 + max(map(_longest_word, set(column))) for column in columns]
    wanted = [3 + max(map(_text_width, set(column[1:])), default=0) for column in columns]
    nothing = [all(value in (None, "", name) for value in column) for name, *column in columns]
    least = [max(few, empty * none) for few, none in zip(least, nothing, strict=True)]
    cap = _WIDEST
    while True:
        widths = [max(few, min(many, cap)) for few, many in zip(least, wanted, strict=True)]
        if cap == 0 or sum(widths) <= room:
            return _widen(widths, lines[0], room)
        cap -= 1


def _widen(widths: list[int], header: Sequence[Any], room: int) -> list[int]:
    """Widen columns to the words above them, from the left, as far as there is room."""
    left = room - sum(widths)
    for at, name in enumerate(header):
        more = min(_text_width(name), _WIDEST_HEAD) + 3 - widths[at]
        if 0 < more <= left:
            widths[at], left = widths[at] + more, left - more
    return widths


def _longest_word(value: Any) -> int:
    """Return how wide the longest part is that stays in one line: Chinese is broken anywhere."""
    words = re.findall(r"[!-~]+|[^\x00-\x7f]{1,2}", "" if value is None else str(value))
    return max(map(_text_width, words), default=0)


def _count_lines(line: Sequence[Any], widths: Sequence[int]) -> int:
    r"""Count the lines that the longest text of a row takes in columns of these widths.

    Examples
    --------
    >>> _count_lines(["210802003002", "很长的理由" * 4], [15, 23]), _count_lines([None, 3], [9, 9])
    (2, 1)
    >>> _count_lines(["two\nlines"], [15])
    2
    """
    return max(
        sum(_wrap(_text_width(part), width) for part in str(value).split("\n"))
        for value, width in zip(line, widths, strict=True)
    )


def _wrap(text: int, width: int) -> int:
    """Count the lines of a text so wide; what is broken between words leaves some of each empty."""
    return 1 if text < width else math.ceil(text / (_FILLED * width))


def _find_left(lines: Sequence[Sequence[Any]]) -> list[bool]:
    """Tell which columns have a long text below their header: all of theirs stand on the left."""
    return [
        any(isinstance(value, str) and len(value) > 8 and value != name for value in column)
        for name, *column in zip(*lines, strict=True)
    ]


def _choose_look(value: Any, left: bool) -> str:
    """Numbers and short texts stand in the middle, as offices print them; a mark stands out."""
    if isinstance(value, str) and value.startswith(MARK):
        return "marked"
    return "left" if left and isinstance(value, str) else "middle"


# --- cells and pages ------------------------------------------------------------------------------


def _make_looks(sheet: "WriteOnlyWorksheet") -> dict[tuple[str, str], Any]:
    """Make the looks of cells once: given to each cell anew they take most of the time."""
    from openpyxl.cell import WriteOnlyCell

    made = {}
    for name, parts in _list_looks().items():
        for kind, form in _FORMATS.items():
            cell = WriteOnlyCell(sheet)
            for part, value in {**parts, "number_format": form}.items():
                setattr(cell, part, value)
            made[name, kind] = cell._style
    return made


def _list_looks() -> dict[str, dict[str, Any]]:
    """Say how each kind of cell looks: font, fill, lines around it, where its text stands."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    box, thin = (
        {"border": Border(**dict.fromkeys(("left", "right", "top", "bottom"), side))}
        for side in (Side(style="thin", color="808080"), Side(style="thin", color="C8CCD0"))
    )
    middle, left = (
        {"alignment": Alignment(horizontal=side, vertical="center", wrap_text=True)}
        for side in ("center", "left")
    )
    across = Alignment(horizontal="centerContinuous", vertical="center")
    grey = {"font": Font(_FONT, bold=True), "fill": PatternFill("solid", fgColor="E8ECEF")}
    pink = PatternFill("solid", fgColor="FFC7CE")
    return {
        "text": {**thin, "alignment": Alignment(vertical="center", wrap_text=True)},
        "header": {**thin, **grey, "alignment": Alignment(vertical="center", wrap_text=True)},
        "title": {"font": Font(_FONT, size=18, bold=True), "alignment": across},
        "note": {"font": Font(_FONT, size=11)},
        "head": {**box, **grey, **middle},
        "middle": {**box, **middle},
        "left": {**box, **left},
        "marked": {**box, **middle, "font": Font(_FONT, bold=True, color="9C0006"), "fill": pink},
    }


def _cell(
    sheet: "WriteOnlyWorksheet", value: Any, looks: Mapping[tuple[str, str], Any], look: str
) -> "WriteOnlyCell":
    """Return a cell; text stays text, also a code or what begins like a formula."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value)
    kind = "text" if isinstance(value, str) else "day" if isinstance(value, date) else "number"
    if kind == "text":
        cell.data_type = "s"
    cell._style = copy(looks[look, kind])
    return cell


def _measure_columns(lines: Sequence[Sequence[Any]]) -> list[int]:
    return [max(map(_text_width, column)) for column in zip(*lines, strict=True)]


def _text_width(value: Any) -> int:
    """Return the width of a cell's longest line in characters; a Chinese one takes two."""
    lines = ("" if value is None else str(value)).split("\n")
    return max(sum(1 if ord(sign) < 0x2E80 else 2 for sign in line) for line in lines)


def _set_widths(sheet: "WriteOnlyWorksheet", widths: Sequence[int]) -> None:
    from openpyxl.utils import get_column_letter

    for at, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width


def _set_page(sheet: "WriteOnlyWorksheet", header: int, lang: str) -> None:
    """Set a sheet up for A4 across: one page wide, the rows up to the header on each page."""
    sheet.page_setup.paperSize, sheet.page_setup.orientation = 9, "landscape"
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToHeight = 0
    if header:
        sheet.print_title_rows = f"1:{header}"
    sheet.print_options.horizontalCentered = True
    for side in ("left", "right", "top"):
        setattr(sheet.page_margins, side, 0.4)
    sheet.page_margins.bottom, sheet.page_margins.footer = 0.7, 0.3  # the footer stands between
    sheet.oddFooter.center.text = _PAGE[lang]


def _fix_dates(path: Path) -> None:
    """Write the archive again without the time of writing: same table, same bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    core = members["docProps/core.xml"]
    members["docProps/core.xml"] = re.sub(
        rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2000-01-01T00:00:00Z", core
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)  # its date is 1 January 1980
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
