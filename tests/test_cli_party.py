"""The commands for who serves a grid: the library's verbs, exit codes, what they keep."""

import re
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from gridmap.audit import AuditLog
from gridmap.cli import app
from gridmap.days import today_in_china
from gridmap.rules import DEPARTMENTS
from gridmap.store import PlanStore

run = CliRunner().invoke


@pytest.fixture
def plans(tmp_path, four_by_two) -> Path:
    """Return a folder with a kept plan."""
    PlanStore(tmp_path / "plans").keep(four_by_two, "spring")
    return tmp_path / "plans"


def write(folder: Path, name: str, *rows: str) -> str:
    """Write a list as an office does."""
    path = folder / name
    path.write_text("\n".join(rows) + "\n", encoding="gbk")
    return str(path)


def call(*words: str):
    """Run a command."""
    return run(app, list(words))


def test_the_lines_of_the_readme_run(plans, tmp_path, monkeypatch):
    """Those about who serves a grid, as they stand, with lists as an office has them."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    [lines] = re.findall(r"```\n(gridmap staff .*?)```", readme, re.S)
    monkeypatch.chdir(tmp_path)
    PlanStore("plans").keep(PlanStore("plans").load("spring"), "2025")
    code = PlanStore("plans").load("2025").grids.index[0]
    write(tmp_path, "网格员.csv", "编号,姓名,类别,所属社区", "S1,王芳,社区工作者,小雨社区")
    write(tmp_path, "党员.csv", "楼号,正式党员,预备党员", "b0,9,1")
    write(tmp_path, "联络员.csv", "社区,部门,岗位", "小雨社区,供电,客户经理")
    write(tmp_path, "共建单位.csv", "编号,名称", "G1,图书馆")
    write(tmp_path, "候选点.csv", "名称,经度,纬度", "甲,122.2,40.6")
    write(tmp_path, "走访点.csv", "名称,经度,纬度", "店,122.2,40.6")
    write(tmp_path, "走访.csv", "日期,网格编码,走访户数", f"2025-03-03,{code},20")
    for line in lines.splitlines():
        result = call(*line.split()[1:])
        assert result.exit_code in (0, 1), (line, result.output)
        assert result.exception is None or isinstance(result.exception, SystemExit), line
    assert (tmp_path / "名册.xlsx").exists()
    assert (tmp_path / "网格员.html").exists()


def test_branches(plans, tmp_path):
    """Branches are told and kept; a second run goes on from them; a violation is exit code 1."""
    rows = ["楼号,正式党员,预备党员", "b0,9,1", "b4,2,0", "b2,5,0", "b6,4,0"]
    members = write(tmp_path, "党员.csv", *rows)
    keep = ["--keep-from", today_in_china().isoformat(), "--by", "王芳"]
    result = call("branches", str(plans), "spring", members, *keep)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("3 branches for 4 grids")
    first = PlanStore(plans).staff("spring", today_in_china())
    assert len(first["branches"]) == 3
    call("branches", str(plans), "spring", members, *keep)
    again = PlanStore(plans).staff("spring", today_in_china())
    assert again["branches"].index.equals(first["branches"].index)
    few = write(tmp_path, "少.csv", rows[0], "b0,9,1")
    result = call("branches", str(plans), "spring", few)
    assert result.exit_code == 1
    assert "没有支部覆盖" in result.output
    assert "is in no branch" in call("branches", str(plans), "spring", few, "--lang", "en").output
    strange = call("branches", str(plans), "spring", few, "--lang", "fr").exception
    assert "choose 'zh' or 'en'" in str(strange)


def test_liaisons(plans, tmp_path):
    """Gaps are listed and are exit code 1; a full list is 0 and is kept."""
    rows = [f"{home},{one},岗" for home in ("小雨社区", "东新社区") for one in DEPARTMENTS]
    path = write(tmp_path, "联络员.csv", "社区,部门,岗位", *rows[:-1])
    result = call("liaisons", str(plans), "spring", path)
    assert result.exit_code == 1
    assert "210802003003 东新社区 交通: 未明确联络员" in result.output
    path = write(tmp_path, "联络员.csv", "社区,部门,岗位", *rows)
    tomorrow = today_in_china() + timedelta(days=1)
    keep = ["--keep-from", tomorrow.isoformat(), "--by", "王芳"]
    result = call("liaisons", str(plans), "spring", path, *keep)
    assert result.exit_code == 0, result.output
    assert len(PlanStore(plans).staff("spring", tomorrow)["liaisons"]) == 28


def test_contacts(plans, tmp_path):
    """Each contact is told with its community and the reason."""
    path = write(tmp_path, "共建.csv", "编号,名称", "G1,图书馆", "G2,医院")
    out, page = tmp_path / "共建.xlsx", tmp_path / "共建.html"
    keep = ["--keep-from", today_in_china().isoformat(), "--by", "王芳"]
    given = ["contacts", str(plans), "spring"]
    result = call(*given, path, "--roster", str(out), "--map", str(page), *keep)
    assert result.exit_code == 0, result.output
    assert "G1 图书馆 -> 21080200300" in result.output
    assert openpyxl.load_workbook(out).sheetnames == ["共建单位", "结对汇总"]
    assert "共建单位" in page.read_text(encoding="utf-8")
    leaders = write(tmp_path, "领导.csv", "类别,名称,范围", "领导,区委书记,210802")
    result = call(*given, leaders, "--roster", str(out), *keep)
    assert "L001 区委书记 -> " in result.output
    assert "共建单位" in openpyxl.load_workbook(out).sheetnames
    kept = PlanStore(plans).staff("spring", today_in_china())
    assert kept["contacts"].index.tolist() == ["G1", "G2", "L001"]


def test_rosters(plans, tmp_path):
    """A list's roster beside it; all that is kept by one command; nothing kept is a refusal."""
    nothing = call("roster", str(plans), "spring", str(tmp_path / "a.xlsx")).exception
    assert "nothing for a roster" in str(nothing)
    members = write(tmp_path, "党员.csv", "楼号,正式党员", "b0,9", "b4,5", "b2,5", "b6,4")
    out, keep = (
        tmp_path / "党支部.xlsx",
        ["--keep-from", today_in_china().isoformat(), "--by", "王芳"],
    )
    page = tmp_path / "党支部.html"
    given = ["branches", str(plans), "spring", members, "--roster", str(out), "--map", str(page)]
    result = call(*given, *keep)
    assert result.exit_code == 0, result.output
    assert "党支部覆盖" in page.read_text(encoding="utf-8")
    sheet = openpyxl.load_workbook(out)["党支部"]
    assert sheet["A1"].value == "网格党支部名册"
    assert sheet["A2"].value.startswith("网格方案：四乘二　　截至：")
    path = write(tmp_path, "联络员.csv", "社区,部门,岗位", "小雨社区,供电,客户经理")
    call("liaisons", str(plans), "spring", path, "--roster", str(tmp_path / "b.xlsx"), *keep)
    assert "联络员" in openpyxl.load_workbook(tmp_path / "b.xlsx").sheetnames
    result = call("roster", str(plans), "spring", str(out), "--lang", "en", "--by", "王芳")
    assert result.exit_code == 0, result.output
    assert {"party branches", "liaisons"} < set(openpyxl.load_workbook(out).sheetnames)
    noted = AuditLog(plans).entries().iloc[-1]
    assert (noted["action"], noted["subject"], noted["who"]) == ("export", "spring", "王芳")
    call("roster", str(plans), "spring", str(out), "--part", "liaisons")
    assert "党支部" not in openpyxl.load_workbook(out).sheetnames


def test_tasks(plans, tmp_path):
    """On the screen, as pages and as a table, with the counts of a list; kept for the service."""
    counts = write(tmp_path, "台账.csv", "楼号,独居老人", "b0,3")
    given = ["tasks", str(plans), "spring"]
    result = call(*given, "--features", counts)
    assert result.exit_code == 0, result.output
    assert result.output.count("网格员任务清单") == 4
    assert "定期探访独居老人 3 人" in result.output
    page = tmp_path / "任务.html"
    today = today_in_china()
    keep = ["--keep-from", today.isoformat(), "--by", "王芳"]
    result = call(*given, str(page), "--features", counts, "--lang", "en", *keep)
    assert "9 tasks in 4 grids" in result.output
    assert "look in on 3 elderly people" in page.read_text(encoding="utf-8")
    assert len(PlanStore(plans).staff("spring", today)["tasks"]) == 9
    assert AuditLog(plans).entries()["action"].tolist() == ["export", "keep staff"]
    assert "定期探访独居老人 3 人" in call(*given).output
    assert "serves no grid" in str(call(*given, "--worker", "S9").exception)


def test_visits(plans, tmp_path):
    """Who is behind is told, the worst first."""
    code = PlanStore(plans).load("spring").grids.index[0]
    path = write(tmp_path, "走访.csv", "日期,网格编码,走访户数", f"2026-03-01,{code},120")
    words = ["--from", "2026-03-01", "--to", "2026-03-10", "--on", "2026-03-05"]
    result = call("visits", str(plans), "spring", path, *words)
    assert result.exit_code == 1
    assert result.output.endswith("3 of 4 grids are behind\n")
    assert "120 of 600 households visited in 120 calls; the pace asks for 50 %" in result.output


def test_the_log_of_visits_is_kept_and_grows(plans, tmp_path):
    """A second list goes on from the first; without a list the kept one counts; it is printed."""
    first, second = PlanStore(plans).load("spring").grids.index[:2]
    header, today = "日期,网格编码,走访户数", today_in_china().isoformat()
    words = ["--from", "2026-03-01", "--to", "2026-03-10", "--on", today, "--by", "王芳"]
    given = ["visits", str(plans), "spring"]
    assert "no visits kept" in str(call(*given, *words).exception)
    one = write(tmp_path, "一.csv", header, f"2026-03-01,{first},120")
    two = write(tmp_path, "二.csv", header, f"2026-03-02,{second},100")
    for path in (one, two):
        result = call(*given, path, *words, "--keep-from", today)
        assert f"kept with spring from {today}" in result.output
    assert "are in the log already" in str(call(*given, two, *words).exception)
    out, page = tmp_path / "走访.xlsx", tmp_path / "走访.html"
    result = call(*given, *words, "--roster", str(out), "--map", str(page))
    assert result.exit_code == 1
    assert "220 of 600 households visited" in result.output
    assert "走访进度" in openpyxl.load_workbook(out).sheetnames
    assert "<html" in page.read_text(encoding="utf-8")
