"""Every edit is on the record and can be taken back, byte for byte."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridmap import edit
from gridmap.edit import (
    assign_units,
    lock_grids,
    merge_grids,
    move_units,
    rename_grid,
    split_grid,
    unlock_grids,
)
from gridmap.errors import PlanError
from gridmap.history import history, redo, undo
from gridmap.plan import Plan, codes_ever_given, draw_plan
from gridmap.store import PlanStore
from gridmap.synthetic import make_city
from gridmap.tables import CHANGES, GRIDS, LINEAGE, MARKS, MOVES, check_table

NORTH, SOUTH, EAST = "210802003002001", "210802003002002", "210802003003001"
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def town() -> Plan:
    """Draw a small town; the same for every test of this file."""
    return draw_plan(make_city(8, seed=2), steps=20)


def assert_same(one: Plan, other: Plan) -> None:
    """Two plans have the same tables, to the byte of every geometry; the log is left out."""
    for name in ("units", "grids", "lineage", "adjacency"):
        first, second = getattr(one, name), getattr(other, name)
        if "geometry" in first:
            assert first.geometry.to_wkb().equals(second.geometry.to_wkb())
        pd.testing.assert_frame_equal(
            pd.DataFrame(first.drop(columns="geometry", errors="ignore")),
            pd.DataFrame(second.drop(columns="geometry", errors="ignore")),
            check_exact=True,
        )


def test_the_log_says_who_when_why_and_what(four_by_two: Plan) -> None:
    """One row a change, with the units and households that it moved."""
    plan = move_units(four_by_two, [4], SOUTH, by="李工", why="学区", at=NOON)
    plan = rename_grid(plan, SOUTH, "南网格", by="王工", at=NOON)
    log = history(plan)
    assert log["by"].tolist() == ["李工", "王工"]
    assert log["why"].tolist() == ["学区", ""]
    assert log["at"].tolist() == ["2025-03-01T12:00:00+00:00"] * 2
    assert log["verb"].tolist() == ["move_units", "rename_grid"]
    assert log["units"].tolist() == [1, 0]
    assert log["households"].tolist() == [90, 0]
    assert log["details"].tolist() == [
        f"unit 4 with 90 households from {NORTH} to {SOUTH}",
        f"{SOUTH} is named 南网格",
    ]
    for table, contract in zip(
        (plan.log.changes, plan.log.moves, plan.log.marks), (CHANGES, MOVES, MARKS), strict=True
    ):
        check_table(table, contract)


def test_nothing_done_is_not_logged(four_by_two: Plan) -> None:
    """A move of units that are there already gives the plan itself."""
    assert move_units(four_by_two, [0], SOUTH) is four_by_two
    assert rename_grid(four_by_two, SOUTH, "小雨社区第2网格") is four_by_two
    assert unlock_grids(four_by_two, [SOUTH]) is four_by_two


def test_undo_and_redo_a_merge(four_by_two: Plan) -> None:
    """Parents are in use again with their names; redo gives the merged plan again."""
    named = rename_grid(four_by_two, NORTH, "北网格")
    merged = merge_grids(named, [NORTH, SOUTH])
    back = undo(merged)
    assert_same(back, named)
    assert back.grids.at[NORTH, "name"] == "北网格"
    assert history(back)["state"].tolist() == ["done", "undone"]
    assert_same(redo(back), merged)
    assert history(redo(back))["state"].tolist() == ["done", "done"]
    assert_same(undo(back), four_by_two)
    assert_same(redo(redo(undo(back))), merged)


def test_the_code_of_an_undone_merge_is_not_given_again(four_by_two: Plan) -> None:
    """The plan may have been published with it: the next new grid gets another code."""
    again = merge_grids(undo(merge_grids(four_by_two, [NORTH, SOUTH])), [NORTH, SOUTH])
    assert "210802003002004" in again.grids.index
    assert "210802003002003" in codes_ever_given(again)
    assert history(again)["state"].tolist() == ["dropped", "done"]


def test_nothing_to_undo_or_redo(four_by_two: Plan) -> None:
    """A plan without changes has nothing to undo; after another change nothing to redo."""
    with pytest.raises(PlanError, match="nothing to undo"):
        undo(four_by_two)
    moved = move_units(four_by_two, [4], SOUTH)
    other = move_units(undo(moved), [5], SOUTH)
    with pytest.raises(PlanError, match="nothing to redo"):
        redo(other)


def test_undo_of_a_lock(four_by_two: Plan) -> None:
    """The column of locks is there while any grid is locked."""
    locked = lock_grids(four_by_two, [NORTH, EAST])
    assert locked.locked == [NORTH, EAST]
    check_table(locked.grids, GRIDS)
    one = unlock_grids(locked, [NORTH])
    assert one.locked == [EAST]
    assert undo(one).locked == [NORTH, EAST]
    assert_same(undo(undo(one)), four_by_two)


def test_the_log_survives_the_store(four_by_two: Plan, tmp_path: Path) -> None:
    """A plan that was kept is undone and redone as if it had never left; old files have no log."""
    store = PlanStore(tmp_path)
    plan = lock_grids(merge_grids(four_by_two, [NORTH, SOUTH], by="李工", at=NOON), [EAST])
    plan = undo(rename_grid(plan, EAST, "东"))
    store.keep(plan, "edited")
    loaded = store.load("edited")
    pd.testing.assert_frame_equal(history(loaded), history(plan))
    assert loaded.locked == [EAST]
    assert_same(undo(undo(loaded)), four_by_two)
    assert_same(redo(loaded), redo(plan))
    store.keep(four_by_two, "first")
    assert store.load("first").log.changes.empty
    with pytest.raises(PlanError, match="nothing to undo"):
        undo(store.load("first"))


VERBS = ("move", "merge", "split", "swap", "rebalance", "lock", "unlock", "rename", "assign")


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 10_000)), max_size=6))
def test_any_edits_then_undo_all(town: Plan, script: list[tuple[str, int]]) -> None:
    """Households, locks and codes hold after every verb; undoing all gives the first plan."""
    plan, given_codes = town, set(town.grids.index)
    for verb, number in script:
        changed = attempt(plan, verb, number)
        assert_sound(plan, changed, given_codes)
        given_codes |= set(changed.grids.index)
        plan = changed
    while plan.log.last_done():
        plan = undo(plan)
    assert_same(plan, town)
    assert set(history(plan)["state"]) <= {"undone"}


def attempt(plan: Plan, verb: str, number: int) -> Plan:
    """Do something to the plan, or nothing where it is refused."""
    actions: dict[str, Callable[[Plan, int], Plan]] = {
        "move": lambda plan, number: move_units(plan, *pick_move(plan, number)),
        "merge": lambda plan, number: merge_grids(plan, pick_pair(plan, number)),
        "split": lambda plan, number: split_grid(plan, pick_pair(plan, number)[0], 2),
        "swap": swap_some,
        "rebalance": lambda plan, number: edit.rebalance(
            plan, pick_pair(plan, number)[:1], neighbours=True, steps=10, seed=number
        ),
        "lock": lambda plan, number: lock_grids(plan, pick_pair(plan, number)[:1]),
        "unlock": lambda plan, _: unlock_grids(plan, plan.locked),
        "rename": lambda plan, number: rename_grid(plan, pick_pair(plan, number)[0], f"第{number}"),
        "assign": assign_some,
    }
    before = plan.units["grid_code"].copy()
    try:
        return actions[verb](plan, number)
    except PlanError:
        assert plan.units["grid_code"].equals(before)
        return plan


def assert_sound(plan: Plan, changed: Plan, given_codes: set[str]) -> None:
    """Check what holds after every verb."""
    assert changed.grids["households"].sum() == plan.city.households
    assert changed.grids.index.is_unique
    assert set(changed.grids.index) == set(changed.units["grid_code"])
    assert not (set(changed.grids.index) - set(plan.grids.index)) & given_codes
    assert set(changed.lineage.index) == given_codes - set(changed.grids.index)
    for code in set(plan.locked) & set(changed.locked):
        assert changed.grids.geometry[code].equals(plan.grids.geometry[code])
    check_table(changed.grids, GRIDS)
    check_table(changed.lineage, LINEAGE)


def pick_sides(plan: Plan, number: int) -> tuple[int, int]:
    """Return two units of two grids of one community that touch."""
    pairs, grid = plan.adjacency, plan.units["grid_code"]
    one, two = pairs["unit_a"].map(grid), pairs["unit_b"].map(grid)
    rows = pairs[pairs["usable"] & (one != two)]
    row = rows.iloc[number % len(rows)]
    return int(row["unit_a"]), int(row["unit_b"])


def pick_pair(plan: Plan, number: int) -> list[str]:
    """Return two grids that touch."""
    return [str(plan.units.at[unit, "grid_code"]) for unit in pick_sides(plan, number)]


def pick_move(plan: Plan, number: int) -> tuple[list[int], str]:
    """Return a unit and the grid beside it."""
    one, two = pick_sides(plan, number)
    return [one], str(plan.units.at[two, "grid_code"])


def swap_some(plan: Plan, number: int) -> Plan:
    """Exchange two units of the same border."""
    one, two = pick_sides(plan, number)
    other = pick_sides(plan, number + 1)
    return edit.swap_units(plan, [one], [other[1] if other[1] != one else two])


def assign_some(plan: Plan, number: int) -> Plan:
    """Make one grid a new one."""
    codes = plan.units["grid_code"].astype("object")
    return assign_units(plan, codes.replace(pick_pair(plan, number)[0], "new-1"))
