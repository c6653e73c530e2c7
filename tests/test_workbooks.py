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
