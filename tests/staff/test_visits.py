"""The round of visits: bands, the pace, who is behind, the log."""

from datetime import date

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from gridmap.errors import RulesError, StaffError, TableError
from gridmap.rules import Rules
from gridmap.staff.assign import assign_workers
from gridmap.staff.registers import write_visits
from gridmap.staff.visits import (
    cover_visits,
    extend_visits,
    list_behind,
    measure_visits,
    read_visits,
)
from gridmap.tables import VISIT_COVERAGE, VISITS, check_table
from tests.staff.blocks import code_of, make_blocks
from tests.staff.towns import make_people

START, END = date(2026, 3, 1), date(2026, 3, 10)


@pytest.fixture(scope="module")
def plan():
    """Two grids of 120 and 240 households."""
    return make_blocks("AAAABBBBBBBB")


def log(plan, **visited) -> pd.DataFrame:
    """Return a log of one day: households visited by letter."""
    rows = [
        ("2026-03-02", code_of(plan, grid), "", count, count) for grid, count in visited.items()
    ]
    frame = pd.DataFrame(rows, columns=list(VISITS.columns))
    days = pd.to_datetime(frame["day"]).astype("datetime64[s]")
    return frame.assign(day=days).astype({"grid_code": "str", "worker_id": "str"})


def measure(plan, today=END, lang="zh", **visited) -> pd.DataFrame:
    """Measure a round of ten days."""
    visits = log(plan, **visited)
    table = measure_visits(plan, visits, starts=START, ends=END, today=today, lang=lang)
    check_table(table, VISIT_COVERAGE)
    return table


@pytest.mark.parametrize(
    ("visited", "band"),
    [
        (120, "full"),
        (114, "full"),
        (113, "good"),
        (108, "good"),
        (107, "fair"),
        (102, "fair"),
        (101, "none"),
        (0, "none"),
    ],
)
def test_bands(plan, visited, band):
    """Of 120 households: full marks from 95 %, good from 90, fair from 85, else none."""
    assert measure(plan, A=visited)["band"].iloc[0] == band


def test_bands_are_a_setting(plan):
    """Other limits, other bands."""
    rules = Rules(visit_bands=(50, 40, 30))
    table = measure_visits(plan, log(plan, A=60), rules, starts=START, ends=END, today=END)
    assert table["band"].iloc[0] == "full"


def test_pace(plan):
    """At half of the round half of the households are expected; five points below is behind."""
    half = date(2026, 3, 5)
    table = measure(plan, today=half, A=54, B=107)
    assert table["expected"].tolist() == [50.0, 50.0]
    assert table["behind"].tolist() == [False, True]
    assert table["short"].tolist() == [6, 13]
    before = measure(plan, today=date(2026, 2, 1), A=54)
    assert before["visited"].sum() == 0
    assert not before["behind"].any()


def test_more_visited_than_there_are(plan):
    """Coverage ends at 100 %, and the row says that first visits are to be counted."""
    table = measure(plan, A=130)
    assert table["coverage"].iloc[0] == 100
    assert "走访130户，超过全部120户" in table["problem"].iloc[0]
    told = measure(plan, lang="en", A=130)["problem"].iloc[0]
    assert told.startswith("130 households visited of 120")


def test_round_must_run_forwards(plan):
    """A round that ends before it starts is refused, and so are visits in other grids."""
    with pytest.raises(RulesError, match="before it starts"):
        measure_visits(plan, log(plan), starts=END, ends=START, today=END)
    stray = log(plan, A=1).assign(grid_code="1").astype({"grid_code": "str"})
    with pytest.raises(TableError, match="no such grid: 1"):
        measure_visits(plan, stray, starts=START, ends=END, today=END)


def test_read_visits(tmp_path, plan):
    """A log with Chinese headers; days in any usual form; codes stay text."""
    code = code_of(plan, "A")
    path = tmp_path / "走访.csv"
    rows = [
        "日期,网格编码,走访次数,走访户数",
        f"2026/3/2,{code},20,18户",
        f"2026年3月1日,{code},5,5",
    ]
    path.write_text("\n".join(rows), encoding="gbk")
    visits = read_visits(path, plan)
    check_table(visits, VISITS)
    assert visits["day"].dt.day.tolist() == [1, 2]
    assert visits["households"].tolist() == [5, 18]


def test_wrong_visits_are_listed(tmp_path, plan):
    """No day, an unknown grid, a shortened code, more households than visits, and twins."""
    code = code_of(plan, "A")
    rows = [
        "日期,网格编码,走访次数,走访户数",
        f"soon,{code},1,1",
        "2026-03-01,9,1,1",
        "2026-03-01,2.10802E+14,1,1",
        f"2026-03-01,{code},1,2",
        f"2026-03-01,{code},3,2",
    ]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(StaffError) as caught:
        read_visits(path, plan)
    found = [(one.row, one.column) for one in caught.value.report.findings]
    assert ("row 2", "day") in found
    assert {("row 3", "grid_code"), ("row 4", "grid_code"), ("row 5", "households")} <= set(found)
    assert ("row 6", "day, grid_code, worker_id") in found
    path.write_text(f"日期,网格编码,走访户数\n2026-03-01,{code},-1\n", encoding="utf-8")
    with pytest.raises(StaffError) as caught:
        read_visits(path, plan)
    [one] = caught.value.report.findings  # of the column that is there, not of one that is made
    assert (one.row, one.column) == ("row 2", "households")


def test_a_log_only_grows(plan):
    """New rows come at the end; a day that is there already is refused."""
    first = log(plan, A=5)
    longer = extend_visits(first, log(plan, B=7))
    assert longer["households"].tolist() == [5, 7]
    with pytest.raises(TableError, match="2026-03-02"):
        extend_visits(longer, first)


def test_the_plan_is_not_needed(plan):
    """Households by grid are enough; the same comes out."""
    visits = log(plan, A=60)
    days = {"starts": START, "ends": END, "today": END}
    by_plan = measure_visits(plan, visits, **days)
    by_homes = cover_visits(plan.grids["households"], visits, plan.rules, **days)
    pd.testing.assert_frame_equal(by_homes, by_plan)


def test_who_falls_behind_is_named(plan):
    """The worst first, with the worker; nobody is named where nobody is kept."""
    coverage = measure(plan, A=20, B=100)
    late = list_behind(plan, coverage)
    assert late.index.tolist() == [code_of(plan, "B"), code_of(plan, "A")]
    assert late["short"].tolist() == [140, 100]
    assert late["worker"].tolist() == ["", ""]
    people = make_people({"name": "王芳", "x": 100.0})
    staffing = assign_workers(plan, people, on=START)
    named = list_behind(plan, coverage, tables={"workers": people, "staffing": staffing}, on=START)
    assert set(named["worker"]) == {"王芳"}  # both grids are his: 360 households
    assert list_behind(plan, measure(plan, A=120, B=240)).empty


def test_a_round_is_printed(plan, tmp_path):
    """Communities and grids with sums; who is behind stands out; a layer for a GIS."""
    coverage = measure(plan, A=120, B=100)
    write_visits(plan, coverage, tmp_path / "a.xlsx", on=END)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["社区汇总", "走访进度"]
    rows = list(book["走访进度"].iter_rows(values_only=True))
    assert "正常" in rows[3]
    assert "▲落后140户" in rows[4]
    assert rows[5][6:9] == (360, 220, 220)
    [community] = list(book["社区汇总"].iter_rows(min_row=4, max_row=4, values_only=True))
    assert community[3:] == (2, 360, 220, 220, 1, 61.1)
    write_visits(plan, coverage, tmp_path / "a.gpkg", on=END)
    layer = gpd.read_file(tmp_path / "a.gpkg", layer="visits")
    assert layer["short"].tolist() == [0, 140]
    with pytest.raises(StaffError, match=r"a\.csv"):
        write_visits(plan, coverage, tmp_path / "a.csv")
