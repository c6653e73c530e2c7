"""Task lists to hand out: a page a worker, as workbook, page, text and table."""

from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from gridmap.errors import StaffError, TableError
from gridmap.plan import Plan
from gridmap.rosters import read_roster
from gridmap.staff.assign import assign_workers
from gridmap.staff.duties import basic_duties, list_tasks
from gridmap.staff.features import read_features
from gridmap.staff.task_lists import assign_tasks, tell_tasks, write_tasks
from tests.staff.towns import make_people, make_strip

DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def town() -> tuple[Plan, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Return a strip of two small grids of one worker, a shared one and a vacant one; its tasks."""
    plan = make_strip([[240, 250], [800], [300]])
    people = make_people(
        {"name": "王<芳", "x": 100.0, "phone": "0417-1", "community_id": "210802003001"},
        {"name": "李强", "x": 240.0, "kind": "community", "community_id": "210802003002"},
        {"name": "赵敏", "x": 260.0, "kind": "community", "community_id": "210802003002"},
    )
    people.loc["w0", "kind"] = "community"
    staffing = assign_workers(plan, people, on=DAY)
    features = pd.DataFrame({"shops": [3], "elderly_alone": [2]}, ["b0"])
    tables = {"workers": people, "staffing": staffing}
    return plan, list_tasks(plan, features=features), tables


def test_each_task_is_somebodys(town) -> None:
    """A worker has those of both his grids, each sharer all of one, a vacant grid has nobody."""
    plan, tasks, tables = town
    listed = assign_tasks(plan, tasks, tables=tables, on=DAY)
    of = listed.groupby("worker_id")["grid_code"].agg(lambda codes: sorted(set(codes)))
    codes = plan.grids.index.tolist()
    assert of.to_dict() == {"w0": codes[:2], "w1": codes[2:3], "w2": codes[2:3], "": codes[3:]}
    alone = assign_tasks(plan, tasks)
    assert alone["worker_id"].eq("").all()
    assert len(alone) == len(tasks)


def test_a_page_in_words(town) -> None:
    """Name, phone, grids, all ten duties in order, the tasks with their grid, who signs."""
    plan, tasks, tables = town
    text = tell_tasks(plan, tasks, tables=tables, worker="w0", on=DAY)
    assert text.startswith(
        "网格员任务清单\n网格员：王<芳（w0）　　办公电话：0417-1　　日期：2026年3月2日"
    )
    first, second = plan.grids["name"].iloc[:2]
    assert f"负责网格：{first}（{plan.grids.index[0]}，240户）" in text
    assert f"基础信息采集：{second}：入户走访 250 户" in text
    assert "走访沿街商铺 3 家" in text
    places = [text.index(name) for name in basic_duties()["name"]]
    assert places == sorted(places)
    assert "签字" in text
    shared = tell_tasks(plan, tasks, tables=tables, worker="w1", on=DAY)
    assert "800户，2人分担" in shared
    with pytest.raises(StaffError, match="worker 'w9' serves no grid"):
        tell_tasks(plan, tasks, tables=tables, worker="w9", on=DAY)


def test_a_grid_that_asks_for_nothing(town) -> None:
    """Who serves it has a page of the ten duties with that grid on it, as his second grid is."""
    plan, tasks, tables = town
    first, second, shared, _ = plan.grids.index
    none = tasks[tasks["grid_code"].isin([first])]
    text = tell_tasks(plan, none, tables=tables, worker="w1", on=DAY)
    assert shared in text
    assert text.count("日常开展") == len(basic_duties())
    both = tell_tasks(plan, none, tables=tables, worker="w0", on=DAY)
    assert second in both
    assert f"{plan.grids.at[first, 'name']}：入户走访 240 户" in both
    assert tell_tasks(plan, none, tables=tables, on=DAY).count("\f") == 3


def test_english(town) -> None:
    """Headings, duties and tasks are in the other language."""
    plan, _, tables = town
    tasks = list_tasks(plan, lang="en")
    text = tell_tasks(plan, tasks, tables=tables, worker="w1", on=DAY, lang="en")
    assert "collect basic data: visit 800 households" in text
    assert "800 households, shared by 2" in text
    assert "as it comes up" in text


def test_a_page_a_worker(town, tmp_path: Path) -> None:
    """Four pages for three workers and a vacant grid: in Excel, in HTML and as text."""
    plan, tasks, tables = town
    for suffix in ("xlsx", "html", "txt", "csv"):
        write_tasks(plan, tasks, tmp_path / f"a.{suffix}", tables=tables, on=DAY)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["任务清单", "任务总表"]
    assert len(book["任务清单"].row_breaks.brk) == 4
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert page.count("<section>") == 4
    assert "王&lt;芳" in page
    assert "http" not in page.replace("http-equiv", "")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8").count("\f") == 3
    rows = read_roster(tmp_path / "a.csv")
    assert len(rows) == len(assign_tasks(plan, tasks, tables=tables, on=DAY))
    assert set(rows["worker"].dropna()) == {"王<芳", "李强", "赵敏"}
    with pytest.raises(StaffError, match=r"a\.pdf"):
        write_tasks(plan, tasks, tmp_path / "a.pdf")


def test_counts_are_read_from_an_offices_list(town, tmp_path: Path) -> None:
    """Chinese headers in GBK; names are not read; every wrong row is listed."""
    plan, _, _ = town
    path = tmp_path / "台账.csv"
    path.write_text("楼栋编码,独居老人,商铺,户主姓名\nb0,2人,5,某人\nb1,,1,\n", encoding="gbk")
    counts = read_features(path, plan.city)
    assert counts.columns.tolist() == ["elderly_alone", "shops"]
    assert counts.loc["b0"].tolist() == [2, 5]
    path.write_text("楼号,消火栓\nb0,-1\nb0,很多\nb9,1\n", encoding="utf-8")
    with pytest.raises(StaffError) as caught:
        read_features(path, plan.city)
    found = {(one.row, one.column) for one in caught.value.report.findings}
    assert found == {
        ("row 2", "hydrants"),
        ("row 3", "hydrants"),
        ("row 3", "building_id"),
        ("row 4", "building_id"),
    }
    path.write_text("楼号,颜色\nb0,红\n", encoding="utf-8")
    with pytest.raises(TableError, match="no column of counts; there may be elderly_alone"):
        read_features(path, plan.city)
