"""Lists of an office: columns by name, rows by number, days and counts as people write them."""

import pandas as pd
import pytest

from gridmap.errors import StaffError, TableError
from gridmap.reading.findings import Finding
from gridmap.reading.lists import read_list, refuse_list, settle_counts, settle_days

NAMES = {"who": ("who", "姓名"), "count": ("count", "数量")}


def test_rows_are_numbered_as_in_the_file(tmp_path):
    """The header is row 1; sums and empty rows are left out and count on."""
    path = tmp_path / "x.csv"
    path.write_text("姓名,数量,备注\n甲,1,\n,,\n小计,1,\n乙,2,x\n", encoding="utf-8")
    rows = read_list(path, NAMES, ["who"])
    assert rows.index.tolist() == ["row 2", "row 5"]
    assert rows.columns.tolist() == ["who", "count"]


def test_the_sheet_is_found(tmp_path):
    """Of several sheets the first with the needed columns is read, or the one that is named."""
    path = tmp_path / "x.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"说明": ["a"], "b": ["c"]}).to_excel(book, sheet_name="封面", index=False)
        pd.DataFrame({"姓名": ["甲"], "数量": [1]}).to_excel(book, sheet_name="一", index=False)
        pd.DataFrame({"姓名": ["乙"], "数量": [2]}).to_excel(book, sheet_name="二", index=False)
    assert read_list(path, NAMES, ["who"])["who"].tolist() == ["甲"]
    assert read_list(path, NAMES, ["who"], sheet="二")["who"].tolist() == ["乙"]
    with pytest.raises(TableError, match="no sheet '三'; there are 封面, 一, 二"):
        read_list(path, NAMES, ["who"], sheet="三")


@pytest.mark.parametrize(
    ("text", "value"), [("3", 3), ("1,200", 1200), ("5人", 5), ("", 0), ("4.0", 4)]
)
def test_counts(text, value):
    """Counters and thousands are understood, an empty cell is none."""
    findings: list[Finding] = []
    frame = pd.DataFrame({"count": [text]}, ["row 2"], dtype="str")
    assert settle_counts(frame, "t", ["count"], findings)["count"].tolist() == [value]
    assert not findings


@pytest.mark.parametrize(
    "text", ["2026-03-01", "2026/3/1", "2026.03.01", "20260301", "2026年3月1日"]
)
def test_days(text):
    """A day in any of the usual forms."""
    findings: list[Finding] = []
    frame = pd.DataFrame({"day": [text]}, ["row 2"], dtype="str")
    assert settle_days(frame, "t", "day", findings)["day"].iloc[0] == pd.Timestamp("2026-03-01")
    assert not findings


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "1"])
def test_no_days(text):
    """What is no day of the calendar is refused by its row."""
    findings: list[Finding] = []
    settle_days(pd.DataFrame({"day": [text]}, ["row 7"], dtype="str"), "t", "day", findings)
    assert [one.row for one in findings] == ["row 7"]


def test_refusal_lists_every_row():
    """One error with all rows; without a refused row there is none."""
    refuse_list("x.csv", "members", [Finding("t", "row 2", "c", "v", "odd", "noted")])
    findings = [Finding("t", f"row {at}", "c", "v", "bad", "refused") for at in (2, 3)]
    with pytest.raises(StaffError, match=r"(?s)x.csv: members: refused.*row 2.*row 3") as caught:
        refuse_list("x.csv", "members", findings)
    assert len(caught.value.report.findings) == 2
