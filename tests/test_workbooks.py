"""Workbooks: plain lists, and sheets to print with heading, lines, sums and a page set-up."""

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from gridmap.workbooks import MARK, Pages, Sheet, write_book

TABLE = pd.DataFrame(
    {
        "grid_code": ["210802003002001", "210802003002002"],
        "worker": ["=1+1", f"{MARK}空缺"],
        "households": [300, 280],
        "starts": [date(2026, 3, 2), None],
        "reason": ["很长的理由，" * 20, ""],
    }
)


@pytest.fixture
def printed(tmp_path: Path) -> Any:
    """Return a sheet that was written to print, and read again."""
    sheet = Sheet(TABLE, "网格员名册", "截至：2026年3月2日", ("households",))
    write_book({"名册": sheet}, tmp_path / "a.xlsx", "zh")
    return openpyxl.load_workbook(tmp_path / "a.xlsx")["名册"]


def test_a_printed_sheet_has_heading_numbers_and_sums(printed: Any) -> None:
    """Title and note across the sheet, a numbered row for each of the table, the sums below."""
    rows = [[cell.value for cell in row] for row in printed.iter_rows()]
    assert rows[0][0] == "网格员名册"
    assert rows[1][0] == "截至：2026年3月2日"
    assert rows[2][:4] == ["序号", "网格编码", "网格员", "户数"]
    assert [row[0] for row in rows[3:]] == [1, 2, "合计"]
    assert rows[-1][3] == 580
    assert printed["A1"].alignment.horizontal == printed["F1"].alignment.horizontal
    assert printed["A1"].alignment.horizontal == "centerContinuous"
    assert not printed.merged_cells.ranges


def test_a_printed_sheet_is_set_up_for_a4_across(printed: Any) -> None:
    """One page wide, the header on each page and always in sight."""
    assert (printed.page_setup.orientation, printed.page_setup.paperSize) == ("landscape", 9)
    assert printed.sheet_properties.pageSetUpPr.fitToPage
    assert printed.page_setup.fitToHeight == 0
    assert printed.print_title_rows == "$1:$3"
    assert printed.freeze_panes == "C4"
    assert "&P" in printed.oddFooter.center.text


def test_cells_keep_what_they_hold(printed: Any) -> None:
    """Codes and what begins like a formula are text, days are days, a mark stands out."""
    code, formula, day = printed["B4"], printed["C4"], printed["E4"]
    assert (code.data_type, code.number_format) == ("s", "@")
    assert (formula.value, formula.data_type) == ("=1+1", "s")
    assert (day.is_date, day.number_format) == (True, "yyyy-mm-dd")
    assert printed["C5"].fill.fgColor.rgb.endswith("FFC7CE")
    assert printed["C4"].fill.fill_type is None
    assert printed["C4"].border.left.style == "thin"


def test_codes_are_as_wide_as_they_are_and_long_texts_are_not(printed: Any) -> None:
    """A page has room for 150 characters; a reason goes on below."""
    widths = {name: printed.column_dimensions[name].width for name in "ABCDEF"}
    assert widths["B"] >= 17
    assert widths["F"] <= 42
    assert printed["F4"].alignment.wrap_text


def test_rows_are_as_high_as_what_goes_on_below(printed: Any, tmp_path: Path) -> None:
    """Not every office program sees to it: four lines of a reason need more than 60 points.

    In a plain list, too; a row of short texts stays as it is.
    """
    assert printed.row_dimensions[4].height > 4 * 15
    assert printed.row_dimensions[5].height < 2 * 15
    write_book({"表": TABLE}, tmp_path / "b.xlsx", "zh")
    plain = openpyxl.load_workbook(tmp_path / "b.xlsx")["表"]
    assert plain.row_dimensions[2].height >= 4 * 15
    assert plain.row_dimensions[3].height == 15
    assert plain["E2"].alignment.wrap_text
    assert plain["C2"].border.right.style == "thin"  # a number does not run into a text


def test_the_number_of_the_page_is_above_the_edge(printed: Any) -> None:
    """Its line is in the lower margin and has 0.3 inches at least."""
    margins = printed.page_margins
    assert margins.bottom - margins.footer >= 0.3
    assert margins.footer >= 0.25


def test_texts_of_a_column_stand_below_each_other(tmp_path: Path) -> None:
    """One long name and all of its column are on the left."""
    names = pd.DataFrame({"grid": ["银泉社区第9网格", "银泉社区第10网格"], "households": [1, 2]})
    write_book({"名册": Sheet(names, "名册")}, tmp_path / "a.xlsx", "zh")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["名册"]
    assert [sheet[f"B{row}"].alignment.horizontal for row in (3, 4)] == ["left"] * 2
    assert [sheet[f"C{row}"].alignment.horizontal for row in (3, 4)] == ["center"] * 2


@pytest.mark.parametrize(("lang", "words"), [("zh", "（无）"), ("en", "(none)")])
def test_a_sheet_of_nothing_says_so(tmp_path: Path, lang: str, words: str) -> None:
    """Below its header, so that nobody takes it for a page that was lost."""
    write_book({"x": Sheet(TABLE.iloc[:0], "空缺")}, tmp_path / "a.xlsx", lang)
    rows = list(openpyxl.load_workbook(tmp_path / "a.xlsx")["x"].values)
    assert [row[0] for row in rows[1:]] == [{"zh": "序号", "en": "No."}[lang], words]


def test_a_page_to_hand_out_has_room_to_write(tmp_path: Path) -> None:
    """The column of notes is wide where nothing is in it, and every row is high."""
    block = Sheet(pd.DataFrame({"task": ["走访"], "note": [""]}), "任务")
    write_book({"单": Pages((block, block))}, tmp_path / "a.xlsx", "zh")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["单"]
    assert sheet.column_dimensions["C"].width >= 16
    assert {sheet.row_dimensions[row].height for row in (2, 3, 5, 6)} == {27.0}


def test_words_above_a_column_stay_together_where_there_is_room(tmp_path: Path) -> None:
    """A unit in brackets is not cut off; among long texts names of grids go before headers."""
    table = pd.DataFrame({"walk": [5], "worker_id": ["S1"]})
    for more, whole in ((0, True), (9, False)):
        names = {f"grid_{at}": ["银泉社区第10网格"] for at in range(more)}
        write_book({"a": Sheet(table.assign(**names), "a")}, tmp_path / "a.xlsx", "zh")
        sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["a"]
        assert (sheet.column_dimensions["B"].width >= len("步行（米）") * 2) == whole


def test_english_headings(tmp_path: Path) -> None:
    """Headers and the sums are in the other language; a table of no rows has sums of 0."""
    sheet = Sheet(TABLE.iloc[:0], "Grids", "", ("households",))
    write_book({"grids": sheet}, tmp_path / "a.xlsx", "en")
    rows = list(openpyxl.load_workbook(tmp_path / "a.xlsx")["grids"].iter_rows(values_only=True))
    assert rows[1][:3] == ("No.", "Grid code", "Grid worker")
    assert rows[2][0] == "Total"
    assert rows[2][3] == 0


def test_pages_are_printed_one_by_one(tmp_path: Path) -> None:
    """Each table has its heading, numbers, sums and foot, and a break below; bytes are the same."""
    sheet = Sheet(TABLE, "清单", "一\n二", ("households",), foot="签字：")
    for name in ("a.xlsx", "b.xlsx"):
        write_book({"清单": Pages((sheet, sheet))}, tmp_path / name, "zh")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    page = openpyxl.load_workbook(tmp_path / "a.xlsx")["清单"]
    first = [row[0] for row in page.iter_rows(values_only=True)]
    assert first == ["清单", "一", "二", "序号", 1, 2, "合计", None, "签字："] * 2
    assert [one.id for one in page.row_breaks.brk] == [9, 18]
    assert page.page_setup.orientation == "portrait"
    assert [page.row_dimensions[row].height for row in (1, 10)] == [32, 32]
