"""A redraw starts from the grids that a city has, keeps their codes and moves few households."""

import dataclasses
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from gridmap.check import check_plan
from gridmap.city import City
from gridmap.compare import compare_plans
from gridmap.edit import lock_grids, merge_grids, rename_grid
from gridmap.errors import PlanError
from gridmap.history import history, undo
from gridmap.plan import Plan, codes_ever_given, draw_plan, redraw_plan
from gridmap.store import PlanStore
from gridmap.synthetic import make_city


@pytest.fixture(scope="module")
def before() -> Plan:
    """Draw a town from scratch."""
    return draw_plan(make_city(20, seed=4), steps=60)


def with_existing(city: City, plan: Plan, **changes: object) -> City:
    """Return the city with the grids of a plan as those in use."""
    existing = gpd.GeoDataFrame(plan.grids[["name", "geometry"]], crs=plan.grids.crs)
    return dataclasses.replace(city, existing=existing, **changes)  # type: ignore[arg-type]


def test_nothing_changes_where_nothing_has_to(before: Plan) -> None:
    """A balanced plan is redrawn as it was: every unit and every code stays."""
    after = redraw_plan(with_existing(before.city, before), steps=60)
    moved = compare_plans(before, after).households
    assert moved <= 0.02 * before.city.households
    assert set(after.grids.index) >= set(before.grids.index[:1])
    assert len(set(after.grids.index) & set(before.grids.index)) >= 19


def test_a_new_building_changes_few_grids(before: Plan) -> None:
    """120 households more in one building: most grids keep every household."""
    buildings = before.city.buildings.copy()
    row = buildings["households"].idxmin()
    buildings.loc[row, "households"] += 120
    after = redraw_plan(with_existing(before.city, before, buildings=buildings), steps=60)
    change = compare_plans(before, after)
    assert (change.grids["change"] == "kept").sum() >= 12
    assert after.grids.index.is_unique
    assert after.grids["households"].sum() == before.city.households + 120
    assert check_plan(after).count("objection") == 0


def test_locked_grids_stay(before: Plan) -> None:
    """A locked grid keeps its units, whatever happens around it."""
    code = before.grids.index[3]
    buildings = before.city.buildings.assign(
        households=(before.city.buildings["households"] * 1.3).astype("int64")
    )
    city = with_existing(before.city, before, buildings=buildings)
    for locked in ([code], code):  # one by itself is no list of digits
        after = redraw_plan(city, locked=locked, steps=60)
        assert after.grids.geometry[code].equals(before.grids.geometry[code])


def test_codes_that_end_have_successors(before: Plan) -> None:
    """With half the households fewer grids remain; each ended code names what came after it."""
    buildings = before.city.buildings.assign(households=before.city.buildings["households"] // 3)
    after = redraw_plan(with_existing(before.city, before, buildings=buildings), steps=60)
    ended = set(before.grids.index) - set(after.grids.index)
    assert ended
    assert set(after.lineage.index) == ended
    for successors in after.lineage["successors"]:
        assert set(successors.split()) <= set(after.grids.index)


def test_grids_without_codes_get_new_ones(before: Plan) -> None:
    """Existing grids that are named otherwise are a start all the same."""
    city = with_existing(before.city, before)
    renamed = city.existing.set_axis([f"old {row}" for row in range(len(city.existing))])
    city = dataclasses.replace(city, existing=renamed.rename_axis("grid_code"))
    after = redraw_plan(city, steps=60)
    assert all(len(code) == 15 for code in after.grids.index)


def test_a_city_without_grids_is_refused(before: Plan) -> None:
    """There is nothing to start from, and the message says what to call instead."""
    with pytest.raises(PlanError, match="draw_plan"):
        redraw_plan(before.city)


def test_codes_in_use_are_not_given_again(before: Plan) -> None:
    """A city with grids that is drawn from scratch gets codes after theirs; so does a merge."""
    plan = draw_plan(with_existing(before.city, before), steps=20)
    in_use = set(before.grids.index)
    assert not in_use & set(plan.grids.index)
    pairs = plan.adjacency[plan.adjacency["usable"]]
    grid = plan.units["grid_code"]
    one, two = pairs["unit_a"].map(grid), pairs["unit_b"].map(grid)
    row = (one != two).idxmax()
    merged = merge_grids(plan, [one[row], two[row]])
    [new] = set(merged.grids.index) - set(plan.grids.index)
    assert new not in in_use


def test_the_log_goes_on_after_a_redraw(before: Plan, tmp_path: Path) -> None:
    """What was edited before is still told, can't be undone, and its codes are not given again."""
    pair = _two_of_one_community(before)
    merged = dataclasses.replace(merge_grids(before, pair, by="李工", why="试一试"), name="2025")
    given = merged.log.moves["after"].iloc[0]
    edited = lock_grids(undo(merged), [before.grids.index[5]], by="王芳")
    after = redraw_plan(edited.city, edited.rules, before=edited, steps=20)
    told = history(after)
    assert told["verb"].tolist() == ["merge_grids", "lock_grids", "redraw_plan"]
    assert told["by"].tolist() == ["李工", "王芳", ""]
    assert told["state"].tolist() == ["dropped", "closed", "closed"]
    assert told["details"].iloc[2].startswith(f"from 2025: {len(before.grids)} of ")
    with pytest.raises(PlanError, match="nothing to undo"):
        undo(after)
    assert given in codes_ever_given(after)
    again = redraw_plan(edited.city, edited.rules, before=edited, steps=20)
    pd.testing.assert_frame_equal(history(again), told)
    store = PlanStore(tmp_path)
    store.keep(after, "2026")
    pd.testing.assert_frame_equal(history(store.load("2026")), told)
    named = rename_grid(after, after.grids.index[0], "东新网格", by="李工")
    assert history(named)["state"].tolist() == ["dropped", "closed", "closed", "done"]
    assert history(undo(named))["state"].iloc[-1] == "undone"


def _two_of_one_community(plan: Plan) -> list[str]:
    """Return two grids that touch, in one community."""
    grid = plan.units["grid_code"]
    pairs = plan.adjacency[plan.adjacency["usable"]]
    one, two = (pairs[side].map(grid) for side in ("unit_a", "unit_b"))
    row = (one != two).idxmax()
    return [one[row], two[row]]
