"""Sheets of an Excel workbook as plain tables: the header found under titles, every cell as text.

What offices put around a list is understood: a title and lines about who filled it in above the
header, a header of two rows, empty rows and columns, cells merged downwards (a compound's name
beside all of its buildings), the header once more on each printed page.
"""

from __future__ import annotations

import datetime
import functools
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from gridmap.errors import TableError
from gridmap.later import later

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = later("pandas")

#: Rows, from the top, among which the header is looked for.
_HEADER_ROWS = 20
#: Numbers from here on have 16 digits and more: Excel keeps 15 of them and puts zeros for the rest.
_TOO_LONG = 1e15
#: What openpyxl raises for a file that is damaged or encrypted, beside an error of its own.
_UNREADABLE = (zipfile.BadZipFile, KeyError, ValueError, ET.ParseError)
_AMOUNT = re.compile(r"[\d.,]+\s*[户戶层個个]?")

Grid = tuple[tuple[Any, ...], ...]
#: Left, top, right, bottom of merged cells, counted from 1.
Ranges = tuple[tuple[int, int, int, int], ...]


def list_sheets(path: Path) -> list[str]:
    """List the sheets that hold anything, in the order of the workbook.

    Raises
    ------
    TableError
        If the file is no readable workbook.
    """
    return list(_open_workbook(path))


def read_sheet(path: Path, sheet: str, names: Iterable[str] = ()) -> pd.DataFrame:
    """Read a sheet as text.

    The header is the row, among the first 20, with the most of ``names`` if one has two of them,
    else the first row more than half of whose cells, counted over the columns in use, are text. Of
    a header of two rows the lower one names the columns. Text merged downwards stands in each of
    its rows; an amount that is merged stands in the first one only, for it is there once.

    Parameters
    ----------
    path : Path
        An .xlsx file.
    sheet : str
        One of `list_sheets`.
    names : iterable of str
        Names that a header may hold; see `plain_name` for how they are compared.

    Returns
    -------
    DataFrame
        Text, missing where a cell is empty; whole numbers without ".0". A number of 16 digits and
        more is written 2.1080200300200E+16, for its last digits are lost. The index is the row's
        number in the sheet less 1. Empty rows, repeated headers and columns without any value or
        name are left out; a column without a name is "column D", a second 户数 is "户数.1".

    Raises
    ------
    TableError
        If the file is no readable workbook or no header is found.
    """
    grid, merged = _open_workbook(path)[sheet]
    texts = [[_write_cell(value) for value in row] for row in _fill_merged(grid, merged)]
    top = _find_header(texts, {plain_name(name) for name in names})
    last = max([top, *(bottom - 1 for _, first, _, bottom in merged if first == top + 1)])
    header = [low or high for low, high in zip(texts[last], texts[top], strict=True)]
    rows = [at for at in range(last + 1, len(texts)) if any(texts[at]) and texts[at] != texts[last]]
    frame = pd.DataFrame([texts[at] for at in rows], rows, range(len(header)), dtype="str")
    used = [at for at, name in enumerate(header) if name or frame[at].notna().any()]
    return frame[used].set_axis(_name_columns(header, used), axis=1)


def plain_name(name: Any) -> str:
    r"""Return a column's name as it is compared: one width, no spaces, no case, no (户) or *.

    Examples
    --------
    >>> plain_name(" *总\n户数（户） "), plain_name("户数（空置）"), plain_name("LON")
    ('总户数', '户数(空置)', 'lon')
    """
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", str(name))).casefold()
    return re.sub(r"\((户|戶|个|層|层|栋|幢)\)$", "", plain.strip("*"))


def _open_workbook(path: Path) -> dict[str, tuple[Grid, Ranges]]:
    """Return the cells of each sheet that holds any, and its merged ranges."""
    # openpyxl takes a tenth of a second to import, and most who read a city have no workbook.
    from openpyxl.utils.exceptions import InvalidFileException

    state = path.stat()
    try:
        return _parse_workbook(path, state.st_mtime_ns, state.st_size)
    except (InvalidFileException, *_UNREADABLE) as error:
        raise TableError(f"{path.name}: not a readable workbook (.xlsx): {error}") from error


# A workbook is parsed as a whole, and asked for again for each of its sheets: the last one is kept.
@functools.lru_cache(maxsize=1)
def _parse_workbook(path: Path, _changed: int, _size: int) -> dict[str, tuple[Grid, Ranges]]:
    import openpyxl

    with warnings.catch_warnings():  # about styles and validations, which are of no matter here
        warnings.filterwarnings("ignore", module="openpyxl")
        book = openpyxl.load_workbook(path, data_only=True)
    sheets = {}
    for sheet in book.worksheets:
        grid = tuple(sheet.iter_rows(values_only=True))
        merged = sorted(part.bounds for part in sheet.merged_cells.ranges)
        if any(value is not None for row in grid for value in row):
            sheets[sheet.title] = (grid, tuple(merged))
    book.close()
    return sheets


def _fill_merged(grid: Grid, merged: Ranges) -> list[list[Any]]:
    """Repeat text of cells that are merged downwards, in their first column."""
    rows = [list(row) for row in grid]
    for left, top, _, bottom in merged:
        value = rows[top - 1][left - 1]
        if isinstance(value, str) and not _AMOUNT.fullmatch(value.strip()):
            for at in range(top, min(bottom, len(rows))):
                rows[at][left - 1] = value
    return rows


def _write_cell(value: Any) -> str | None:
    """Write a cell's value as text, None where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        if isinstance(value, datetime.datetime):
            value = value.date() if value.time() == datetime.time() else value
        text = "" if value is None else str(value).strip()
        return text or None
    if abs(value) >= _TOO_LONG:
        return f"{value:.13E}"
    return f"{value:.0f}" if value % 1 == 0 else str(value)


def _find_header(texts: Sequence[Sequence[str | None]], known: Container[str]) -> int:
    """Return the position of the header row."""
    top = texts[:_HEADER_ROWS]
    scores = [len({text for text in row if text and plain_name(text) in known}) for row in top]
    if max(scores) >= 2:
        return scores.index(max(scores))
    used = sum(any(column) for column in zip(*texts, strict=True))
    for at, row in enumerate(top):
        words = {text for text in row if text and not _AMOUNT.fullmatch(text)}
        if len(words) > used / 2:
            return at
    raise TableError(f"no header among the first {_HEADER_ROWS} rows: name every column in one row")


def _name_columns(header: Sequence[str | None], used: Iterable[int]) -> list[str]:
    """Name the columns in use, each name once."""
    from openpyxl.utils import get_column_letter

    names: list[str] = []
    for at in used:
        name = header[at] or f"column {get_column_letter(at + 1)}"
        twins = sum(other == name or other.startswith(f"{name}.") for other in names)
        names.append(f"{name}.{twins}" if twins else name)
    return names
