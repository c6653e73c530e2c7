"""Duties, tasks from what is in a grid, and the round of visits."""

from datetime import date

import pandas as pd
import pytest

from gridmap.errors import RulesError, StaffError, TableError
from gridmap.plan import draw_plan
from gridmap.rules import Rules
from gridmap.staff.duties import (
    TASK_KINDS,
    basic_duties,
    extend_visits,
    list_tasks,
    measure_visits,
    read_visits,
)
from gridmap.synthetic import make_city
from gridmap.tables import DUTIES, TASKS, VISIT_COVERAGE, VISITS, check_table
from tests.staff.blocks import code_of, make_blocks

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


def test_ten_basic_duties():
    """Ten, numbered, each with a name in both languages."""
    duties = basic_duties()
    check_table(duties, DUTIES)
    assert duties.index.tolist() == list(range(1, 11))
    assert duties["name"].is_unique


def test_tasks_belong_to_duties():
    """Each kind of task is part of a duty, and has a place for its number."""
    for kind in TASK_KINDS.values():
        assert kind.duty in basic_duties().index
        assert "{}" in kind.words


def test_tasks_come_from_what_is_there(plan):
    """Households always; shops, elderly and stations where they are counted; zeros make none."""
    ids = plan.city.buildings.index
    features = pd.DataFrame({"shops": 0, "elderly": 0, "colour": 7}, ids)
    features.loc["A1", ["shops", "elderly"]] = [3, 1]
    features.loc["A2", "shops"] = 2
    stations = pd.Series({code_of(plan, "B"): 1})
    tasks = list_tasks(plan, features=features, stations=stations)
    check_table(tasks, TASKS)
    told = tasks.groupby("grid_code")["subject"].agg(list)
    assert told[code_of(plan, "A")] == ["households", "elderly", "shops"]
    assert told[code_of(plan, "B")] == ["households", "stations"]
    assert tasks.loc[tasks["subject"] == "shops", "amount"].tolist() == [5]
    assert "5 家" in tasks.loc[tasks["subject"] == "shops", "task"].iloc[0]


def test_tasks_of_a_city():
    """High-rises and main roads of a drawn city are found; sums are those of the buildings."""
    town = draw_plan(make_city(12), steps=1)
    tasks = list_tasks(town)
    assert {"households", "main_roads"} <= set(tasks["subject"])
    high = tasks.loc[tasks["subject"] == "high_rises", "amount"].sum()
    buildings = town.city.buildings
    assert high == ((buildings["floors"] >= 11) & (buildings["households"] > 0)).sum()


@pytest.mark.parametrize(
    ("features", "match"),
    [
        (pd.DataFrame({"shops": [1]}, ["nowhere"]), "no such building: nowhere"),
        (pd.DataFrame({"shops": [-1]}, ["A0"]), "shops of A0"),
        (pd.DataFrame({"shops": [1.5]}, ["A0"]), "shops of A0"),
    ],
)
def test_wrong_counts_are_refused(plan, features, match):
    """A building that is not there and a count that is none are named."""
    with pytest.raises(TableError, match=match):
        list_tasks(plan, features=features)


def test_stations_of_other_grids_are_refused(plan):
    """A station in a grid that is not there is named."""
    with pytest.raises(TableError, match="no such grid: 1"):
        list_tasks(plan, stations=pd.Series({"1": 1}))


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


def test_a_log_only_grows(plan):
    """New rows come at the end; a day that is there already is refused."""
    first = log(plan, A=5)
    longer = extend_visits(first, log(plan, B=7))
    assert longer["households"].tolist() == [5, 7]
    with pytest.raises(TableError, match="2026-03-02"):
        extend_visits(longer, first)
