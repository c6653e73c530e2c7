"""Codes and places through three published plans: what was in force when, and what came after."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from gridmap.crs import to_degrees
from gridmap.edit import assign_units, merge_grids, move_units, split_grid
from gridmap.errors import PlanNotFoundError, StoreError
from gridmap.history import undo
from gridmap.plan import Plan
from gridmap.store import PlanStore
from gridmap.trace import list_periods, locate_on, trace_code

NORTH, SOUTH, EAST = "210802003002001", "210802003002002", "210802003003001"
MERGED, WEST, REST = "210802003002003", "210802003002004", "210802003002005"
TODAY = date(2025, 1, 1)


@pytest.fixture(scope="module")
def store(four_by_two: Plan, tmp_path_factory: pytest.TempPathFactory) -> PlanStore:
    """Publish three plans: as drawn, with two grids merged in March, split otherwise in June."""
    store = PlanStore(tmp_path_factory.mktemp("plans"))
    spring = merge_grids(move_units(four_by_two, [7], "210802003003002"), [NORTH, SOUTH])
    summer = split_grid(spring, MERGED, [[0, 4]])
    for name, plan, day in (
        ("winter", four_by_two, date(2025, 1, 1)),
        ("spring", spring, date(2025, 3, 1)),
        ("summer", summer, date(2025, 6, 1)),
    ):
        store.keep(plan, name)
        store.publish(name, day, by="李工", today=TODAY)
    return store


def test_periods_follow_each_other(store: PlanStore) -> None:
    """Each ends the day before the next begins; the last goes on."""
    periods = list_periods(store)
    assert periods["plan"].tolist() == ["winter", "spring", "summer"]
    assert periods["valid_to"].tolist()[:2] == [
        pd.Timestamp("2025-02-28"),
        pd.Timestamp("2025-05-31"),
    ]
    assert pd.isna(periods["valid_to"].iloc[2])


def test_a_code_is_traced_through_plans(store: PlanStore) -> None:
    """A merged grid has its parents before it, and after it the parts that it was split into."""
    traced = trace_code(store, MERGED)
    assert traced["plan"].tolist() == ["spring"]
    row = traced.iloc[0]
    assert (row["valid_from"], row["valid_to"]) == (
        pd.Timestamp("2025-03-01"),
        pd.Timestamp("2025-05-31"),
    )
    assert (row["predecessors"], row["households"]) == (f"{NORTH} {SOUTH}", 300)
    assert row["successors"] == f"{WEST} {REST}"
    assert trace_code(store, NORTH).iloc[0]["successors"] == MERGED
    assert trace_code(store, NORTH).iloc[0]["predecessors"] == ""


def test_a_code_that_goes_on_has_a_row_for_each_plan(store: PlanStore) -> None:
    """It lost 90 households in March, to its neighbour; since then it is the same."""
    traced = trace_code(store, EAST)
    assert traced["households"].tolist() == [180, 90, 90]
    assert traced["successors"].tolist() == [f"{EAST} 210802003003002", EAST, ""]
    assert traced["predecessors"].tolist() == ["", EAST, EAST]


def test_an_unknown_code_is_named(store: PlanStore) -> None:
    """A code that was never published has no history."""
    with pytest.raises(
        PlanNotFoundError, match=r"no published plan of .* has a grid 210802003002009"
    ):
        trace_code(store, "210802003002009")


def test_which_grid_was_it_then(store: PlanStore, four_by_two: Plan) -> None:
    """One address, three days, three grids; before the first plan there was none."""
    point = to_degrees(four_by_two.units.representative_point().loc[[4]]).iloc[0]
    days = [date(2025, 2, 28), date(2025, 3, 1), date(2025, 7, 1)]
    found = [locate_on(store, point.x, point.y, on=day).grid_code for day in days]
    assert found == [NORTH, MERGED, WEST]
    with pytest.raises(PlanNotFoundError):
        locate_on(store, point.x, point.y, on=date(2024, 12, 31))


def test_a_published_code_never_stands_for_another_grid(four_by_two: Plan, tmp_path: Path) -> None:
    """Two planners begin from one plan and both get the next code: the second is refused."""
    labels = four_by_two.units["grid_code"].astype("object")
    labels[[2, 6]] = "new-1"
    labels[[3, 7]] = "new-2"
    other = assign_units(four_by_two, labels)
    branch = PlanStore(tmp_path)
    branch.keep(other, "columns")
    branch.publish("columns", date(2025, 1, 1), by="李工", today=TODAY)
    labels = four_by_two.units["grid_code"].astype("object")
    labels[[3]] = "new-1"
    branch.keep(assign_units(four_by_two, labels), "corner")
    with pytest.raises(StoreError, match="210802003003003 of plan 'corner' stand for other grids"):
        branch.publish("corner", date(2025, 2, 1), by="王工", today=TODAY)
    assert branch.publications()["plan"].tolist() == ["columns"]


def test_an_edit_undone_after_publication_does_not_reuse_the_code(
    four_by_two: Plan, tmp_path: Path
) -> None:
    """Merge, publish, undo, merge others: the second code is another one, and is accepted."""
    store = PlanStore(tmp_path)
    merged = merge_grids(four_by_two, [NORTH, SOUTH])
    store.keep(merged, "first")
    store.publish("first", date(2025, 1, 1), by="李工", today=TODAY)
    back = undo(merged)
    store.keep(back, "back")
    store.publish("back", date(2025, 2, 1), by="李工", today=TODAY)
    split = split_grid(back, SOUTH, [[0]])
    assert {WEST, REST} <= set(split.grids.index)
    store.keep(split, "third")
    store.publish("third", date(2025, 3, 1), by="李工", today=TODAY)
    assert trace_code(store, NORTH)["plan"].tolist() == ["back", "third"]
