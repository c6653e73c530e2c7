"""GeoJSON as RFC 7946 has it, and what of a plan it tells."""

import json
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import Point, shape

from gridmap.errors import TableError
from gridmap.geojson import (
    BASE_LAYERS,
    describe_grids,
    grid_features,
    layer_features,
)


def grids_geojson(plan, *, min_cell=0):
    """Return the collection of a plan's grids, as a server writes it."""
    return grid_features(plan, describe_grids(plan, min_cell=min_cell)).collection()


def layer_geojson(plan, layer):
    """Return the collection of a layer of a plan's city."""
    return layer_features(plan, layer).collection()


def read(text):
    """Read a collection."""
    return json.loads(text)["features"]


def test_members(four_by_two):
    """A collection of features with the codes as ids, a bbox, and no crs."""
    collection = json.loads(grids_geojson(four_by_two))
    assert list(collection) == ["type", "bbox", "features"]
    assert collection["type"] == "FeatureCollection"
    assert [feature["id"] for feature in collection["features"]] == list(four_by_two.grids.index)
    for feature in collection["features"]:
        assert list(feature) == ["type", "id", "bbox", "geometry", "properties"]
        assert tuple(feature["bbox"]) == shape(feature["geometry"]).bounds


def test_places(four_by_two):
    """Corners are WGS-84 longitude, latitude to 7 decimals of where they are in metres."""
    to_degrees = Transformer.from_crs(4550, 4326, always_xy=True)
    feature = read(grids_geojson(four_by_two))[0]
    corners = shapely.get_coordinates(four_by_two.grids.geometry.iloc[0])
    expected = {tuple(round(value, 7) for value in to_degrees.transform(*at)) for at in corners}
    assert {tuple(at) for at in feature["geometry"]["coordinates"][0]} == expected


def test_decimals(four_by_two):
    """No coordinate of any layer has more than 7 decimals."""
    texts = [grids_geojson(four_by_two), *(layer_geojson(four_by_two, x) for x in BASE_LAYERS)]
    for text in texts:
        for geometry in (feature["geometry"] for feature in read(text)):
            assert not re.search(r"\.\d{8,}", json.dumps(geometry))


def test_winding(four_by_two):
    """Outer rings turn counter-clockwise and holes clockwise, whatever the table has."""
    city = four_by_two.city
    pierced = shapely.Polygon(
        shapely.box(0, 0, 200, 200).exterior.coords[::-1],
        [shapely.box(50, 50, 60, 60).exterior.coords],
    )
    shapes = [pierced, shapely.MultiPolygon([pierced.reverse()])]
    plan = replace(
        four_by_two, city=replace(city, communities=city.communities.set_geometry(shapes))
    )
    first, second = (
        shape(feature["geometry"]) for feature in read(layer_geojson(plan, "communities"))
    )
    for polygon in (first, second.geoms[0]):
        assert polygon.exterior.is_ccw
        assert not polygon.interiors[0].is_ccw


def test_shared_borders(four_by_two):
    """Rounding opens no gap: the grids are a valid coverage as written."""
    shapes = [shape(feature["geometry"]) for feature in read(grids_geojson(four_by_two))]
    assert shapely.coverage_is_valid(shapes)


def test_properties(four_by_two):
    """Names, community and street of each grid; the deviation is from the plan's target of 150."""
    told = describe_grids(four_by_two)
    first = told["210802003002001"]
    assert (first["name"], first["community"]) == ("小雨社区第1网格", "小雨社区")
    assert (first["street"], first["community_id"]) == ("建设街道", "210802003002")
    assert (first["households"], first["deviation"], first["area"]) == (180, 0.2, 20_000)
    assert told["210802003002002"]["deviation"] == -0.2
    for feature in read(grids_geojson(four_by_two)):
        assert feature["properties"] == told[feature["id"]]


def test_labels(four_by_two):
    """Each label lies inside its grid, away from the border: in a 200 m x 100 m grid 50 m."""
    labels = [Point(told["label"]) for told in describe_grids(four_by_two).values()]
    places = gpd.GeoSeries(labels, index=four_by_two.grids.index, crs=4326).to_crs(4550)
    depth = four_by_two.grids.boundary.distance(places)
    assert four_by_two.grids.contains(places).all()
    assert depth.to_numpy() == pytest.approx(np.full(4, 50), abs=2)


def test_small_counts(four_by_two):
    """Counts of 120 are told at a limit of 120 and hidden at 121, with the deviation."""
    at, above = (
        [told["households"] for told in describe_grids(four_by_two, min_cell=limit).values()]
        for limit in (120, 121)
    )
    assert sorted(at) == [120, 120, 180, 180]
    assert [count for count in above if count is not None] == [180, 180]
    hidden = [
        t for t in describe_grids(four_by_two, min_cell=121).values() if t["deviation"] is None
    ]
    assert len(hidden) == 2
    assert b"-0.2" not in grids_geojson(four_by_two, min_cell=121)


def test_layers(four_by_two):
    """Every row of a layer with its kinds and names; an empty layer is an empty collection."""
    [street] = read(layer_geojson(four_by_two, "streets"))
    assert street["properties"] == {"kind": "main_road", "name": "建设大街"}
    assert street["geometry"]["type"] == "LineString"
    assert json.loads(layer_geojson(four_by_two, "barriers")) == {
        "type": "FeatureCollection",
        "features": [],
    }
    with pytest.raises(TableError, match="no layer 'pipes'; there are streets"):
        layer_geojson(four_by_two, "pipes")


def test_buildings(four_by_two):
    """Buildings are footprints with number and storeys, null where unknown; never households."""
    city = four_by_two.city
    buildings = city.buildings.assign(floors=[np.nan, *[6.0] * 7], households=7919)
    plan = replace(four_by_two, city=replace(city, buildings=buildings))
    text = layer_geojson(plan, "buildings")
    features = read(text)
    assert features[0]["properties"] == {"name": "0号楼", "floors": None}
    assert features[1]["properties"] == {"name": "1号楼", "floors": 6.0}
    assert b"7919" not in text
    assert b"household" not in text


def test_bbox(four_by_two):
    """A bbox finds what it meets or touches, not what begins a rounding step beyond it."""
    features = layer_features(four_by_two, "buildings")
    west, south, east, north = features.bounds[0]
    assert features.find(bbox=(west - 1, south, west, north))[0] == 0
    assert 0 not in features.find(bbox=(west - 1, south, west - 1e-7, north))
    assert features.find(bbox=(10, 10, 11, 11)) == ()
    assert features.find(ids={"b3", "b1"}) == (1, 3)
    assert features.find(bbox=(west, south, east, north), ids={"b1"}) == ()
    assert features.bounds_of(()) is None


def test_part(four_by_two):
    """A chosen part has the bbox of that part, and the features of the whole, text for text."""
    features = grid_features(four_by_two, describe_grids(four_by_two))
    part = json.loads(features.collection((2,)))
    assert part["bbox"] == features.bounds[2].tolist()
    assert part["features"] == [read(features.collection())[2]]


def test_same_bytes(four_by_two):
    """The same plan gives the same bytes."""
    assert grids_geojson(four_by_two) == grids_geojson(replace(four_by_two))


def test_read_by_gdal(four_by_two, tmp_path):
    """GDAL reads what is written, in WGS-84, with codes as text."""
    path = tmp_path / "grids.geojson"
    path.write_bytes(grids_geojson(four_by_two))
    frame = gpd.read_file(path)
    assert frame.crs == "EPSG:4326"
    assert list(frame["id"]) == list(four_by_two.grids.index)
    areas = frame.to_crs(4550).area.to_numpy()
    assert areas == pytest.approx(four_by_two.grids["area"].to_numpy(), rel=1e-3)
