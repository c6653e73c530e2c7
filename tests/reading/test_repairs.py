"""Shapes made to fit: nothing is lost, and everything that changed is named."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import GeometryCollection, LineString, Point, Polygon, box

from gridmap.reading.repairs import (
    compare_communities,
    find_communities,
    mend_shapes,
    move_inside,
    place_buildings,
)

SQUARES = gpd.GeoDataFrame(
    geometry=[box(100, 0, 200, 100), box(0, 0, 100, 100)],
    index=pd.Index(["b", "a"], name="community_id"),
    crs=4550,
)


def mend(shape, dimensions):
    """Mend one shape; return it with what was found."""
    findings = []
    frame = gpd.GeoDataFrame(index=["r"], geometry=[shape], crs=4550)
    return mend_shapes(frame, "t", dimensions, findings).geometry["r"], findings


def test_good_shapes_stay():
    """A valid shape of an allowed dimension is the same, but flat."""
    shape, findings = mend(shapely.force_3d(box(0, 0, 1, 1), 5), (2, 0))
    assert shape.equals(box(0, 0, 1, 1))
    assert not shape.has_z
    assert not findings


@pytest.mark.parametrize("shape", [None, Polygon(), Point(), Point(np.inf, 0)])
def test_nothing_is_none(shape):
    """No geometry, an empty one and one at infinity are None; the table decides what that means."""
    assert mend(shape, (2, 0)) == (None, [])


def test_made_valid_once():
    """What make_valid leaves beside the area goes with the repair, in one finding."""
    spike = Polygon([(0, 0), (0, 2), (2, 2), (2, 0), (1, 0), (1, -5), (1, 0)])
    shape, findings = mend(spike, (2,))
    assert shape.equals(box(0, 0, 2, 2))
    assert [(f.row, f.action) for f in findings] == [("r", "repaired")]


def test_several_types_in_one():
    """Of a collection the areas are kept, where areas are allowed, else the lines."""
    line = LineString([(5, 5), (6, 6)])
    mixed = GeometryCollection([box(0, 0, 1, 1), line, Point(9, 9)])
    assert mend(mixed, (2, 1))[0].equals(box(0, 0, 1, 1))
    shape, findings = mend(mixed, (1,))
    assert shape.equals(line)
    assert findings[0].problem == "several types in one geometry: its lines are kept"


def test_border_belongs_to_the_smaller_id():
    """On the common border the smaller id has the point, whatever the order; outside none has."""
    points = shapely.points([[100, 50], [150, 50], [50, 50], [-1, 50]])
    assert find_communities(points, SQUARES).tolist() == [1, 0, 1, -1]
    assert find_communities(points, SQUARES[::-1]).tolist() == [0, 1, 0, -1]


def test_nearest_of_equals():
    """A building as far from two communities goes to the smaller id, moved but counted."""
    frame = gpd.GeoDataFrame({"households": [9]}, geometry=[Point(100, 130)], index=["h"], crs=4550)
    findings = []
    placed = place_buildings(frame, SQUARES, findings)
    assert placed["community_id"].tolist() == ["a"]
    assert SQUARES.geometry["a"].contains_properly(placed.geometry["h"])
    assert findings[0].value == "30.0 m, 9 households"


@given(
    st.floats(-150, 350),
    st.floats(-150, 250),
    st.sampled_from([box(0, 0, 200, 100), Point(100, 50).buffer(60), box(0, 0, 0.01, 0.01)]),
)
def test_moved_inside(x, y, area):
    """Wherever it comes from, the place is properly inside, about a metre from the nearest."""
    place = move_inside(Point(x, y), area)
    assert area.contains_properly(place)
    if not area.contains(Point(x, y)):
        assert place.distance(Point(x, y)) <= area.distance(Point(x, y)) + 1.5


@pytest.mark.parametrize(
    ("said", "noted"),
    [
        ("小雨社区", 0),
        ("小雨", 0),
        ("210802003002", 0),
        ("a", 0),
        ("", 0),
        ("别的", 0),
        ("东新", 1),
    ],
)
def test_community_in_the_file(said, noted):
    """What a file says about the community is noted only if it names another one."""
    areas = SQUARES.assign(name=["东新社区", "小雨社区"], code=["210802003003", "210802003002"])
    homes = gpd.GeoDataFrame(
        {"community": [said], "community_id": ["a"]}, geometry=[Point(50, 50)], index=["h"]
    )
    findings = []
    compare_communities(homes, areas, findings)
    assert [(f.row, f.value) for f in findings] == [("h", "东新, lies in a")] * noted
