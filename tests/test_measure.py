"""Figures of grids and plans, by hand on a town that can be counted."""

import math

import pytest

from gridmap.edit import merge_grids, move_units
from gridmap.errors import PlanError
from gridmap.measure import explain_cost, measure, summarize
from gridmap.plan import Plan


def test_measures_of_a_grid(four_by_two: Plan) -> None:
    """Two squares side by side: 180 households against 150, a 1:2 rectangle."""
    north = measure(four_by_two).loc["210802003002001"]
    assert north["deviation"] == pytest.approx(0.2)
    assert north["compactness"] == pytest.approx(4 * math.pi * 2 / 36)
    assert (north["largest"], north["pieces"], north["main_roads"]) == (90, 1, 0.0)


def test_a_merged_grid_lies_across_the_road(four_by_two: Plan) -> None:
    """Both rows in one grid: 200 m of main road inside, and the compound is whole again."""
    parents = ["210802003002001", "210802003002002"]
    assert measure(four_by_two).loc[parents, "split_compounds"].tolist() == [1, 1]
    merged = measure(merge_grids(four_by_two, parents)).loc["210802003002003"]
    assert (merged["main_roads"], merged["split_compounds"]) == (200.0, 0)


def test_summary_adds_up(four_by_two: Plan) -> None:
    """Grids of 180 and 120 around 150: all within 20 %, none within 10 %."""
    figures = summarize(four_by_two)
    assert (figures["grids"], figures["households"], figures["mean"]) == (4, 600, 150.0)
    assert (figures["within_10"], figures["within_20"], figures["worst"]) == (0.0, 100.0, 20.0)
    assert figures["border_km"] == 0.4
    assert figures["split_compounds"] == 1


def test_every_term_is_told_by_grid_community_and_plan(four_by_two: Plan) -> None:
    """Rows add up: grids to communities, these to the plan, that to what `summarize` tells."""
    terms = ["balance", "outside", "street", "main_road", "railway", "river", "compound", "border"]
    by_grid = explain_cost(four_by_two)
    assert by_grid.columns.tolist() == [*terms, "total"]
    assert by_grid.index.tolist() == four_by_two.grids.index.tolist()
    assert by_grid["balance"].tolist() == pytest.approx([0.04] * 4)
    costs = four_by_two.rules.costs
    assert by_grid["border"].tolist() == pytest.approx([costs.border * 100] * 4)
    communities = explain_cost(four_by_two, "community")
    assert communities.index.tolist() == ["210802003002", "210802003003"]
    assert communities.loc["210802003002", "compound"] == pytest.approx(costs.compound)
    assert communities.loc["210802003003", "compound"] == 0
    whole = explain_cost(four_by_two, "plan").iloc[0]
    for table in (by_grid, communities):
        assert table.sum().tolist() == pytest.approx(whole.tolist())
    assert {name: round(value, 4) for name, value in whole.items()} == summarize(four_by_two)[
        "cost"
    ]


def test_what_moved_is_a_term_beside_a_plan_before(four_by_two: Plan) -> None:
    """A unit of 60 households that left its grid is charged where it went."""
    south, north = "210802003002001", "210802003002002"
    unit = four_by_two.units.index[four_by_two.units["grid_code"] == south][0]
    moved = move_units(four_by_two, [unit], north)
    table = explain_cost(moved, start=four_by_two)
    homes = four_by_two.units.loc[unit, "households"]
    assert table["moved"].sum() == pytest.approx(moved.rules.costs.moved * homes)
    assert table.loc[north, "moved"] > 0
    with pytest.raises(PlanError, match="by is 'street'"):
        explain_cost(moved, "street")
