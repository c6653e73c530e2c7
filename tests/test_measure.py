"""Figures of grids and plans, by hand on a town that can be counted."""

import math

import pytest

from gridmap.edit import merge_grids
from gridmap.measure import measure, summarize
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
