"""Colours of grids follow the rules, and neighbours can be told apart."""

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import box

from gridmap.maps.look import find_owners, legend_rows, shade_column, shade_deviation
from gridmap.measure import measure
from gridmap.plan import Plan
from gridmap.rules import Rules


def test_both_ends_of_the_band_are_in_it(four_by_two: Plan) -> None:
    """Exactly 20 % off is balanced; a hair more is not."""
    measures = measure(four_by_two)
    shading = shade_deviation(measures, four_by_two.rules)
    assert legend_rows(shading, "zh") == [("#eef1e6", "±20% 以内")]
    measures["deviation"] = [-0.41, -0.21, 0.21, 0.41]
    shading = shade_deviation(measures, four_by_two.rules)
    assert shading.classes.tolist() == [0, 1, 2, 3]
    assert [words for _, words in legend_rows(shading, "en")] == [
        *("more than 40% below", "20–40% below", "20–40% above", "more than 40% above")
    ]


def test_steps_are_those_of_the_tolerance(four_by_two: Plan) -> None:
    """Rules of 10 % shade in steps of 10 %."""
    shading = shade_deviation(measure(four_by_two), Rules(target=150, tolerance=0.1))
    assert [words for _, words in legend_rows(shading, "zh")] == ["少 10–20%", "多 10–20%"]


def test_amounts_have_classes_of_equal_counts(four_by_two: Plan) -> None:
    """Many numbers make five classes; missing ones one of their own."""
    grids = pd.concat([four_by_two.grids] * 25)
    values = pd.Series([*range(99), np.nan], index=grids.index, name="visits")
    shading = shade_column(values, grids)
    counts = np.bincount(shading.classes)
    assert counts.sum() == 100
    assert len(counts) == 6
    assert counts[:5].min() >= 15
    assert shading.labels[-1] == ("无", "none")


def test_neighbours_of_many_kinds_differ(four_by_two: Plan) -> None:
    """With more kinds than colours none is listed, and grids side by side have two colours."""
    boxes = [box(x, y, x + 1, y + 1) for y in range(10) for x in range(10)]
    grids = gpd.GeoDataFrame(geometry=boxes, crs=four_by_two.grids.crs)
    values = pd.Series([f"w{number}" for number in range(100)], name="worker")
    shading = shade_column(values.iloc[:4], four_by_two.grids)
    assert len(set(shading.fills())) == 4
    many = shade_column(values, grids)
    assert legend_rows(many, "zh") == []
    fills = np.array(many.fills()).reshape(10, 10)
    assert (fills[:, 1:] != fills[:, :-1]).all()
    assert (fills[1:] != fills[:-1]).all()
    assert (fills[1:, 1:] != fills[:-1, :-1]).all()


def test_nothing_known(four_by_two: Plan) -> None:
    """A column without any value leaves every grid white."""
    values = pd.Series([None] * 4, index=four_by_two.grids.index, name="worker", dtype="str")
    assert set(shade_column(values, four_by_two.grids).fills()) == {"#ffffff"}


def test_owners(four_by_two: Plan) -> None:
    """Each building belongs to the grid that it stands in."""
    owners = find_owners(four_by_two, four_by_two.city.buildings)
    codes = four_by_two.grids.index[owners]
    assert codes.tolist() == four_by_two.units["grid_code"].tolist()
