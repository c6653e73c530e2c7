"""Rosters keep codes as text on their way to Excel and back."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from gridmap.errors import TableError
from gridmap.plan import Plan
from gridmap.rosters import gather_columns, make_roster, read_roster, write_roster

FIRST = "210802003002001"


def staff(plan: Plan) -> pd.DataFrame:
    """Return two workers for the first grid and one for the second."""
    codes = [plan.grids.index[0], plan.grids.index[0], plan.grids.index[1]]
    names = {"worker": ["王芳", "李强", "=HYPERLINK(1)"], "phone": ["0417-1", "0417-1", "0417-2"]}
    return pd.DataFrame({"grid_code": codes, **names})


def test_roster_tells_names_and_figures(four_by_two: Plan) -> None:
    """Street and community stand beside each grid; the target is 150."""
    row = make_roster(four_by_two).loc[FIRST]
    assert row["name"] == "小雨社区第1网格"
    assert (row["street"], row["community"]) == ("建设街道", "小雨社区")
    assert (row["households"], row["target"]) == (180, 150)
    assert row["deviation"] == pytest.approx(0.2)


def test_small_counts_are_hidden_with_their_deviation(four_by_two: Plan) -> None:
    """At a limit of 121 the grids of 120 have neither."""
    roster = make_roster(four_by_two, min_cell=121)
    assert roster["households"].isna().tolist() == [False, True, False, True]
    assert roster["deviation"].isna().tolist() == [False, True, False, True]


def test_gathered_columns_have_one_row_a_grid(four_by_two: Plan) -> None:
    """Different values are joined, equal ones told once, and grids without are missing."""
    gathered = gather_columns(staff(four_by_two), four_by_two)
    assert gathered.index.equals(four_by_two.grids.index)
    assert gathered["worker"].iloc[0] == "王芳、李强"
    assert gathered["phone"].iloc[0] == "0417-1"
    assert gathered["worker"].isna().tolist() == [False, False, True, True]


def test_strange_codes_are_refused(four_by_two: Plan, tmp_path: Path) -> None:
    """A number in place of a code, or no codes at all, is said; no file is left."""
    with pytest.raises(TableError, match="2108 are not in the plan; codes are text"):
        gather_columns(
            pd.DataFrame({"x": [1]}, index=pd.Index([2108], name="grid_code")), four_by_two
        )
    with pytest.raises(TableError, match="no 'grid_code', only worker"):
        write_roster(four_by_two, tmp_path / "a.xlsx", table=staff(four_by_two)[["worker"]])
    with pytest.raises(TableError, match=r"\.ods; use \.xlsx or \.csv"):
        write_roster(four_by_two, tmp_path / "a.ods")
    assert list(tmp_path.iterdir()) == []


def test_workbook_is_made_for_an_office(four_by_two: Plan, tmp_path: Path) -> None:
    """Codes and what looks like a formula are text, the header is frozen, columns fit."""
    write_roster(four_by_two, tmp_path / "网格.xlsx", table=staff(four_by_two))
    sheet = openpyxl.load_workbook(tmp_path / "网格.xlsx").active
    header = [cell.value for cell in sheet[1]]
    assert header[:3] == ["网格编码", "名称", "类型"]
    assert header[-2:] == ["网格员", "电话"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("C2", "A1:M6")
    assert sheet["A2"].value == FIRST
    assert (sheet["A2"].data_type, sheet["A2"].number_format) == ("s", "@")
    assert sheet["C2"].value == "基础网格"
    assert sheet.column_dimensions["A"].width > 15
    workers = [sheet.cell(row, header.index("网格员") + 1) for row in range(2, 7)]
    assert [cell.value for cell in workers] == ["王芳", "李强", "=HYPERLINK(1)", None, None]
    assert workers[2].data_type == "s"


def test_csv_opens_right_in_excel(four_by_two: Plan, tmp_path: Path) -> None:
    """A byte order mark, codes as ="…", and no formula from the data."""
    path = tmp_path / "网格.csv"
    write_roster(four_by_two, path, table=staff(four_by_two))
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    text = data.decode("utf-8-sig")
    assert text.splitlines()[1].startswith(f'"=""{FIRST}""",小雨社区第1网格')
    assert "'=HYPERLINK(1)" in text


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_written_is_read(four_by_two: Plan, tmp_path: Path, suffix: str, lang: str) -> None:
    """Codes, names, numbers and the client's columns come back under gridmap's names."""
    path = tmp_path / f"roster{suffix}"
    write_roster(four_by_two, path, table=staff(four_by_two), lang=lang)
    back = read_roster(path)
    assert back.index.tolist() == [FIRST, *four_by_two.grids.index]
    assert back["worker"].tolist()[:3] == ["王芳", "李强", "=HYPERLINK(1)"]
    assert back["households"].tolist() == [180, 180, 120, 180, 120]
    assert back["deviation"].tolist()[0] == 20.0
    again = tmp_path / f"again{suffix}"
    write_roster(four_by_two, again, table=staff(four_by_two), lang=lang)
    assert again.read_bytes() == path.read_bytes()


def test_a_list_from_an_office_is_read(tmp_path: Path) -> None:
    """GBK, Chinese headers and a client's own column."""
    path = tmp_path / "花名册.csv"
    path.write_bytes(f"网格编码,网格员,甲方列\n{FIRST},王芳,组长\n".encode("gbk"))
    frame = read_roster(path)
    assert frame.columns.tolist() == ["worker", "甲方列"]
    assert frame.loc[FIRST, "worker"] == "王芳"
    path.write_bytes(f"网格编码,备注,问题,Note\n{FIRST},甲,乙,丙\n".encode("gbk"))
    assert read_roster(path).columns.tolist() == ["备注", "问题", "Note"]
    path.write_text("worker\n王芳\n", encoding="utf-8")
    with pytest.raises(TableError, match="no column of grid codes among worker"):
        read_roster(path)
    path.write_text("grid_code,worker\n,王芳\n", encoding="utf-8")
    with pytest.raises(TableError, match="no grid code in rows 1"):
        read_roster(path)
