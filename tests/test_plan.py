"""A plan is a plan: one grid a unit, one piece and one community a grid; numbered N to S."""

from dataclasses import replace

import pandas as pd
import pytest
import shapely

from gridmap.errors import PlanError
from gridmap.plan import (
    Plan,
    count_pieces,
    draw_plan,
    make_plan,
    redraw_plan,
    regroup,
    set_locks,
)
from gridmap.rules import Rules
from gridmap.synthetic import make_city
from gridmap.tables import GRIDS, check_table


def remake(plan: Plan, labels: list[int]) -> Plan:
    """Make a plan of the same units with other labels."""
    assignment = pd.Series(labels, index=plan.units.index)
    return make_plan(plan.city, plan.units, plan.adjacency, assignment, plan.rules)


def test_grids_are_numbered_from_the_north_west(four_by_two: Plan) -> None:
    """In each community the northern grid is 001; the name carries the serial."""
    assert four_by_two.units["grid_code"].tolist() == [
        *["210802003002002"] * 2,
        *["210802003003002"] * 2,
        *["210802003002001"] * 2,
        *["210802003003001"] * 2,
    ]
    assert four_by_two.grids.loc["210802003002001", "name"] == "小雨社区第1网格"


def test_as_many_grids_as_asked_for() -> None:
    """The number may be said, of a drawing and of a redraw; one that can't be is refused."""
    city = make_city(8, seed=2)
    plan = draw_plan(city, grids=12, steps=10)
    assert len(plan.grids) == 12
    assert len(redraw_plan(plan.city, before=plan, grids=11, steps=10).grids) == 11
    with pytest.raises(PlanError, match="1000 grids can't be made"):
        draw_plan(city, grids=1000)


def test_a_grid_is_the_union_of_its_units(four_by_two: Plan) -> None:
    """Households, buildings, area and outline add up; the table keeps its contract."""
    check_table(four_by_two.grids, GRIDS)
    north = four_by_two.grids.loc["210802003002001"]
    assert (north["households"], north["buildings"]) == (180, 2)
    assert (north["area"], north["perimeter"]) == (20_000.0, 600.0)
    assert shapely.equals(north["geometry"], shapely.box(0, 100, 200, 200))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 0, 0, 1, 0, 0, 1, 1], "more than one community"),
        ([0, 1, 2, 2, 1, 0, 2, 2], "2, 2 pieces"),
    ],
)
def test_what_is_no_plan_is_refused(four_by_two: Plan, labels: list[int], words: str) -> None:
    """A grid over two communities, or one that touches itself at a corner only."""
    with pytest.raises(PlanError, match=words):
        remake(four_by_two, labels)


def test_every_unit_is_assigned_once(four_by_two: Plan) -> None:
    """A unit that is missing, twice or unknown is named."""
    units, complete = four_by_two.units, pd.Series(0, index=four_by_two.units.index)

    def attempt(assignment: pd.Series) -> None:
        make_plan(four_by_two.city, units, four_by_two.adjacency, assignment, four_by_two.rules)

    with pytest.raises(PlanError, match="units 3 have no grid"):
        attempt(complete.drop(3))
    with pytest.raises(PlanError, match="units 3 have no grid"):
        attempt(complete.astype("float").where(complete.index != 3))
    with pytest.raises(PlanError, match="units 8 do not exist"):
        attempt(pd.concat([complete, pd.Series([0], index=[8])]))
    with pytest.raises(PlanError, match="units 3 are assigned twice"):
        attempt(pd.concat([complete, pd.Series([0], index=[3])]))


def test_regroup_forms_only_what_changed(four_by_two: Plan) -> None:
    """Codes are kept as given, other grids stay the same object for object."""
    codes = four_by_two.units["grid_code"].copy()
    codes[4] = "210802003002002"
    changed = regroup(four_by_two, codes)
    assert changed.grids["households"].to_dict() == {
        "210802003002001": 90,
        "210802003002002": 210,
        "210802003003001": 180,
        "210802003003002": 120,
    }
    same = changed.grids.loc["210802003003001", "geometry"]
    assert same is four_by_two.grids.loc["210802003003001", "geometry"]
    assert four_by_two.units.loc[4, "grid_code"] == "210802003002001"
    assert regroup(four_by_two, four_by_two.units["grid_code"]) is four_by_two


def test_regroup_keeps_what_belongs_to_a_code(four_by_two: Plan) -> None:
    """Names, locks and an office's own columns stay with grids that go on."""
    grids = four_by_two.grids.assign(name=["北", "南", "东北", "东南"], head=["a", "b", "c", "d"])
    plan = replace(four_by_two, grids=set_locks(grids, ["210802003003001"]))
    codes = plan.units["grid_code"].copy()
    codes[4] = "210802003002002"
    changed = regroup(plan, codes).grids
    assert changed[["name", "head", "locked"]].equals(plan.grids[["name", "head", "locked"]])
    codes[[4, 5]] = "210802003002009"
    changed = regroup(plan, codes).grids
    assert changed.loc["210802003002009", "name"] == "小雨社区第9网格"
    assert changed["locked"].tolist() == [False, False, True, False]


def test_count_pieces_over_usable_pairs(four_by_two: Plan) -> None:
    """Where a crossing is closed, a grid that it joined is in two pieces."""
    whole = pd.Series("all", index=four_by_two.units.index)
    rows = four_by_two.adjacency
    assert count_pieces(rows, whole)["all"] == 1
    assert count_pieces(rows[rows["barrier"] == "none"], whole)["all"] == 2


def test_draw_plan_keeps_every_household() -> None:
    """Drawing loses no household, covers every community and nests in it; twice the same bytes."""
    city = make_city(12, seed=3)
    plan = draw_plan(city, Rules(), seed=1)
    assert plan.grids["households"].sum() == plan.units["households"].sum() == city.households
    assert shapely.coverage_is_valid(plan.grids.geometry.to_numpy())
    area = plan.grids["area"].groupby(plan.grids["community_id"]).sum()
    whole = city.communities.area[area.index].to_numpy()
    assert area.to_numpy() == pytest.approx(whole, rel=1e-9)
    again = draw_plan(city, Rules(), seed=1)
    assert again.grids.to_wkb().equals(plan.grids.to_wkb())
    assert again.units["grid_code"].equals(plan.units["grid_code"])
