"""`gridmap staff`: from a kept plan and a list of workers to the roster."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

import gridmap
from gridmap.cli import app
from tests.staff.towns import make_strip


def write_list(path: Path, number: int) -> Path:
    """Write a list of community workers."""
    rows = [
        {"编号": f"S{at}", "姓名": f"员{at}", "类别": "社区工作者", "所属社区": "1号社区"}
        for at in range(number)
    ]
    pd.DataFrame(rows).to_csv(path, index=False, encoding="gbk")
    return path


@pytest.mark.parametrize(("number", "code", "short"), [(2, 0, 0), (1, 1, 1)])
def test_a_share_without_a_worker_is_an_exit_code(
    tmp_path: Path, number: int, code: int, short: int
) -> None:
    """A grid of 600 households that has one worker of two is not wholly served."""
    gridmap.PlanStore(tmp_path / "plans").keep(make_strip([[600]]), "2025")
    people = write_list(tmp_path / "人员.csv", number)
    given = ["staff", str(tmp_path / "plans"), "2025", str(people), str(tmp_path / "a.xlsx")]
    done = CliRunner().invoke(app, [*given, "--on", "2025-03-03"])
    assert done.exit_code == code, done.output
    assert f"1 grids shared by several ({short} short of one)" in done.output


@pytest.mark.parametrize(("number", "code"), [(2, 0), (1, 1)])
def test_the_roster_is_written(tmp_path: Path, number: int, code: int) -> None:
    """Exit code 1 says that a grid is vacant; the table is what the next run keeps to."""
    gridmap.PlanStore(tmp_path / "plans").keep(make_strip([[300, 300]]), "2025")
    people = write_list(tmp_path / "人员.csv", number)
    table, page = tmp_path / "a.csv", tmp_path / "a.html"
    given = ["staff", str(tmp_path / "plans"), "2025", str(people), str(tmp_path / "名册.xlsx")]
    options = ["--on", "2025-03-03", "--table", str(table), "--map", str(page)]
    done = CliRunner().invoke(app, [*given, *options])
    assert done.exit_code == code, done.output
    assert f"{number} workers for 2 grids: {2 - number} vacant" in done.output
    assert ("—: 空缺：可用1人，岗位2个" in done.output) == (number == 1)
    sheet = openpyxl.load_workbook(tmp_path / "名册.xlsx")["网格名册"]
    assert sheet["A2"].value.startswith("网格方案：2025　　截至：2025年3月3日")
    assert "<html" in page.read_text(encoding="utf-8")
    again = CliRunner().invoke(app, [*given, "--on", "2025-04-01", "--current", str(table)])
    assert again.exit_code == code, again.output
    kept = gridmap.read_staffing(table)
    assert set(kept["starts"]) == {pd.Timestamp(2025, 3, 3)}
    gridmap.write_staffing(kept, tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_bytes() == table.read_bytes()


def test_who_has_two_grids_is_named(tmp_path: Path) -> None:
    """Two grids of 200 households and one worker: both rows say so."""
    gridmap.PlanStore(tmp_path / "plans").keep(make_strip([[200, 200]]), "2025")
    people = write_list(tmp_path / "人员.csv", 1)
    given = ["staff", str(tmp_path / "plans"), "2025", str(people), str(tmp_path / "a.xlsx")]
    done = CliRunner().invoke(app, [*given, "--on", "2025-03-03"])
    assert done.exit_code == 0, done.output
    assert done.output.count("S0: 人手不足，一人兼管相邻2个网格") == 2
