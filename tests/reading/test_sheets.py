"""Sheets of Excel: the header under titles, merged cells, codes and numbers as text."""

import datetime

import openpyxl
import pytest

from gridmap.errors import TableError
from gridmap.reading.sheets import list_sheets, plain_name, read_sheet

NAMES = ("小区", "楼号", "户数")


def save(path, rows, merged=(), **sheets):
    """Write a workbook: rows of its first sheet, ranges to merge there, and rows of others."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    for name, others in sheets.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    book.save(path)
    return path


def read(tmp_path, rows, merged=(), names=NAMES):
    """Write and read one sheet."""
    path = save(tmp_path / "楼栋台账.xlsx", rows, merged)
    return read_sheet(path, list_sheets(path)[0], names)


def test_header_under_titles(tmp_path):
    """A merged title, a line about the form and empty rows above the header are passed over."""
    rows = [
        ["站前区楼栋台账"],
        ["填报单位：建设街道", None, "2023年5月"],
        [],
        ["小区", "楼号", "户数"],
        ["幸福小区", "3号楼", 72],
        [],
        ["幸福小区", "4号楼", 60],
    ]
    frame = read(tmp_path, rows, ["A1:C1"])
    assert frame.columns.tolist() == ["小区", "楼号", "户数"]
    assert frame["户数"].tolist() == ["72", "60"]
    assert frame.index.tolist() == [4, 6]  # rows 5 and 7 of the sheet


@pytest.mark.parametrize(
    ("rows", "header"),
    [
        ([["a", "b", "c"], ["x", 1, 2]], ["a", "b", "c"]),
        ([["title", None, None], ["a", "b", "c"], ["x", 1, 2]], ["a", "b", "c"]),
        ([["unit", "2023", None], ["a", "b", "c"], [1, 2, 3]], ["a", "b", "c"]),
    ],
)
def test_header_of_unknown_names(tmp_path, rows, header):
    """Without a known name the first row that is mostly text is the header."""
    assert read(tmp_path, rows).columns.tolist() == header


def test_no_header(tmp_path):
    """Numbers only have no header; nor has a sheet whose header stands below 20 rows."""
    with pytest.raises(TableError, match="no header among the first 20 rows"):
        read(tmp_path, [[1, 2, 3], [4, 5, 6]])
    for blank, found in ((19, True), (20, False)):
        rows = [[number] for number in range(blank)] + [list(NAMES), ["a", "b", 3]]
        if found:
            assert read(tmp_path, rows).columns.tolist() == list(NAMES)
        else:
            with pytest.raises(TableError, match="no header"):
                read(tmp_path, rows)


def test_header_of_two_rows(tmp_path):
    """Of a header of two rows the lower names the columns, and the upper where it reaches down."""
    rows = [
        ["小区", "楼号", "户数", None],
        [None, None, "常住", "流动"],
        ["幸福小区", "3号楼", 70, 2],
    ]
    frame = read(tmp_path, rows, ["A1:A2", "B1:B2", "C1:D1"])
    assert frame.columns.tolist() == ["小区", "楼号", "常住", "流动"]
    assert frame.iloc[0].tolist() == ["幸福小区", "3号楼", "70", "2"]


def test_merged_text_reaches_down_and_amounts_do_not(tmp_path):
    """A compound merged beside its buildings stands in each row; households are there once."""
    rows = [list(NAMES), ["幸福小区", "3号楼", 72], [None, "4号楼", None], [None, "5号楼", "60户"]]
    frame = read(tmp_path, [*rows, [None, "6号楼", None]], ["A2:A5", "C2:C3", "C4:C5"])
    assert frame["小区"].tolist() == ["幸福小区"] * 4
    assert frame["户数"].isna().tolist() == [False, True, False, True]


def test_values_as_text(tmp_path):
    """Whole floats lose .0, 15 digits are intact, 16 are marked as lost, dates are dates."""
    values = [3.0, 2.5, 210802003002001, 210802003002001.0, 2108020030020012, "007", " x ", True]
    day = datetime.datetime(2023, 3, 1)
    rows = [list(NAMES), *(["a", "b", value] for value in (*values, day))]
    assert read(tmp_path, rows)["户数"].tolist() == [
        *("3", "2.5", "210802003002001", "210802003002001", "2.1080200300200E+15"),
        *("007", "x", "True", "2023-03-01"),
    ]


def test_columns_that_are_empty_twins_or_nameless(tmp_path):
    """An empty column goes, one without a name is named by its letter, twins are told apart."""
    rows = [["小区", None, "户数", "户数", None, "楼号"], ["a", None, 1, 2, "x", "3"]]
    frame = read(tmp_path, rows)
    assert frame.columns.tolist() == ["小区", "户数", "户数.1", "column E", "楼号"]


def test_repeated_header(tmp_path):
    """The header that is printed on each page is no row."""
    frame = read(tmp_path, [list(NAMES), ["a", "1", 2], list(NAMES), ["a", "2", 3]])
    assert frame["楼号"].tolist() == ["1", "2"]


def test_sheets_that_hold_something(tmp_path):
    """Empty sheets are not listed; a workbook that changed is read again."""
    rows = [list(NAMES), ["a", "1", 2]]
    path = save(tmp_path / "a.xlsx", rows, 东新社区=rows, Sheet3=[])
    assert list_sheets(path) == ["Sheet", "东新社区"]
    save(path, rows, 别的=rows, 第三=rows)
    assert list_sheets(path) == ["Sheet", "别的", "第三"]


def test_files_that_are_no_workbook(tmp_path):
    """A text, and an archive of something else, are refused by name."""
    path = tmp_path / "a.xlsx"
    path.write_text("小区,楼号")
    with pytest.raises(TableError, match=r"a\.xlsx: not a readable workbook"):
        list_sheets(path)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("户 数", "户数"), ("户数\n(户)", "户数"), ("*小区", "小区"), ("户数（空置）", "户数(空置)")],
)
def test_names_of_columns(name, plain):
    """Spaces, stars and the unit make no difference; any other bracket does."""
    assert plain_name(name) == plain
