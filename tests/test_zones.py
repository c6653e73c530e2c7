"""Exclusive zones and kinds of estate, from the city to the checked plan."""

import dataclasses

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from gridmap.check import check_plan
from gridmap.city import City
from gridmap.edit import move_units
from gridmap.errors import PlanError
from gridmap.measure import measure
from gridmap.partition import make_problem
from gridmap.plan import Plan, draw_plan
from gridmap.rules import Rules
from gridmap.synthetic import make_city


def add_zone(city: City, side: float = 150.0) -> City:
    """Put a square school into the middle of the community with most households."""
    homes = city.buildings.groupby("community_id")["households"].sum()
    middle = city.communities.geometry[homes.idxmax()].representative_point()
    zones = gpd.GeoDataFrame(
        {"kind": ["school"], "name": ["实验小学"]},
        index=pd.Index(["z1"], name="zone_id"),
        geometry=[shapely.box(*middle.buffer(side / 2).bounds)],
        crs=city.crs,
    )
    return dataclasses.replace(city, zones=zones)


@pytest.fixture(scope="module")
def schooled() -> Plan:
    """Draw a town with a school."""
    return draw_plan(add_zone(make_city(20, seed=1)), steps=60)


def test_a_zone_is_a_grid_of_its_own(schooled: Plan) -> None:
    """One grid is exclusive, covers the zone and nothing else, and is named after it."""
    own = schooled.grids[schooled.grids["grid_type"] == "exclusive"]
    assert len(own) == 1
    zone = schooled.city.zones.geometry.iloc[0]
    assert shapely.area(shapely.symmetric_difference(own.geometry.iloc[0], zone)) < 5.0
    assert own["name"].iloc[0].endswith("专属网格（实验小学）")
    assert schooled.grids["households"].sum() == schooled.city.households
    assert shapely.coverage_is_valid(schooled.grids.geometry.to_numpy())


def test_a_zone_has_no_household_target(schooled: Plan) -> None:
    """Its size is no finding, its deviation is 0, and the other grids are balanced without it."""
    own = schooled.grids.index[schooled.grids["grid_type"] == "exclusive"][0]
    assert measure(schooled).loc[own, "deviation"] == 0
    sizes = [item for item in check_plan(schooled).findings if "households" in item.rule]
    assert own not in [item.grid_code for item in sizes]


def test_units_do_not_cross_the_edge_of_a_zone(schooled: Plan) -> None:
    """Pairs across the edge are listed but not usable; an edit across it is refused."""
    zone = schooled.units["zone_id"]
    pairs = schooled.adjacency
    across = zone[pairs["unit_a"]].to_numpy() != zone[pairs["unit_b"]].to_numpy()
    assert across.any()
    assert not pairs["usable"][across].any()
    row = pairs[across].iloc[0]
    with pytest.raises(PlanError, match="exclusive zone"):
        move_units(schooled, [row["unit_a"]], schooled.units.loc[row["unit_b"], "grid_code"])


def test_estates_have_targets_of_their_own() -> None:
    """A town of managed estates gets grids of about 400 households, a rural one of about 50."""
    city = make_city(12, seed=4)
    for kind, target in (("managed_estate", 400), ("rural", 50)):
        communities = city.communities.assign(estate_type=kind)
        plan = draw_plan(dataclasses.replace(city, communities=communities), steps=60)
        expected = city.households / target
        assert len(plan.grids) == pytest.approx(expected, rel=0.12)
        table = measure(plan)
        assert table["target"].tolist() == [target] * len(table)
        low, high = 0.8 * target, 1.2 * target
        wrong = ~table["households"].between(low, high)
        rules = {item.rule for item in check_plan(plan).findings if "households" in item.rule}
        assert bool(rules) == bool(wrong.any())


def test_default_target_is_that_of_the_rules() -> None:
    """Without kinds of estate grids have the target of the rules, whichever they are judged by."""
    plan = draw_plan(make_city(3, seed=1), Rules(target=150), steps=20)
    assert set(measure(plan)["target"]) == {150.0}
    stricter = dataclasses.replace(plan, rules=Rules(target=200))
    assert set(measure(stricter)["target"]) == {200.0}


def test_entrances_of_a_building_stay_together() -> None:
    """A building of 500 households is divided, and lies in no more grids than it needs."""
    city = make_city(12, seed=4)
    large = city.buildings["households"].idxmax()
    buildings = city.buildings.assign(
        households=city.buildings["households"].mask(city.buildings.index == large, 500)
    )
    plan = draw_plan(dataclasses.replace(city, buildings=buildings))
    parts = plan.units[plan.units["part_of"] == large]
    assert parts["households"].sum() == 500
    assert len(parts) >= 5
    assert parts["grid_code"].nunique() <= 3
    assert check_plan(plan).count("objection") == 0
    problem = make_problem(plan.units, plan.adjacency)
    assert len(set(problem.compound[parts.index].tolist())) == 1
