"""Units: they tile each community, keep every household, and share borders vertex for vertex."""

from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box

from gridmap.city import City
from gridmap.cutting.coverage import round_points
from gridmap.errors import TableError
from gridmap.tables import UNITS, check_table
from gridmap.units import (
    SLIVER_WIDTH,
    WATER_AREA,
    absorb,
    class_lines,
    find_water,
    make_units,
    shared_edges,
)

CRS = "EPSG:4550"


def draw_city(communities, buildings=(), streets=(), barriers=()):
    """Make a city of shapes.

    ``communities`` are polygons, called A, B, …; ``buildings`` are (shape, households) or (shape,
    households, community); ``streets`` and ``barriers`` are (shape, kind).
    """
    names = [chr(ord("A") + i) for i in range(len(communities))]
    stock = [(*row, "A")[:3] for row in buildings]
    return City(
        communities=_table(
            "community_id",
            names,
            communities,
            {"code": ["210802003002"] * len(names), "name": names, "street": [""] * len(names)},
        ),
        buildings=_table(
            "building_id",
            [f"b{i}" for i in range(len(stock))],
            [shape for shape, *_ in stock],
            {
                "households": np.array([count for _, count, _ in stock], dtype=np.int64),
                "community_id": [community for *_, community in stock],
                "compound_id": [f"c{i}" for i in range(len(stock))],
                "name": [""] * len(stock),
                "floors": np.full(len(stock), np.nan),
            },
        ),
        streets=_lines("street_id", streets),
        barriers=_lines("barrier_id", barriers),
    )


def _lines(key, rows):
    columns = {"kind": [kind for _, kind in rows], "name": [""] * len(rows)}
    ids = [f"l{i}" for i in range(len(rows))]
    return _table(key, ids, [shape for shape, _ in rows], columns)


def _table(key, ids, shapes, columns):
    columns = {
        name: pd.Series(values, dtype=None if isinstance(values, np.ndarray) else "str")
        for name, values in columns.items()
    }
    frame = gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(list(shapes), crs=CRS), crs=CRS)
    return frame.set_axis(pd.Index(ids, dtype="str", name=key), axis=0)


def assert_tiles(units, city):
    """Check what has to hold of the units of any city."""
    check_table(units, UNITS)
    shapes = units.geometry.to_numpy()
    assert units.index.tolist() == list(range(len(units)))
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert units["households"].sum() == city.households
    assert units["buildings"].sum() == len(city.buildings)
    points = shapely.get_coordinates(shapes)
    assert (round_points(points) == points).all()
    one, two = shapely.STRtree(shapes).query(shapes, "intersects")
    one, two = one[one < two], two[one < two]
    assert shapely.area(shapely.intersection(shapes[one], shapes[two])).max(initial=0) <= 1e-6
    for community, rows in units.groupby("community_id"):
        outline = city.communities.geometry[community]
        assert rows.area.sum() == pytest.approx(outline.area, rel=1e-9)
        whole = shapely.coverage_union_all(rows.geometry.to_numpy())
        assert whole.area == pytest.approx(outline.area, rel=1e-9)
        assert shapely.symmetric_difference(whole, outline).area <= 1e-9 * outline.area
        residents = city.buildings["community_id"] == community
        assert rows["households"].sum() == city.buildings["households"][residents].sum()


def at(units, x, y):
    """Return the unit that holds a point."""
    rows = units[units.contains(Point(x, y))]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.fixture(scope="module")
def two_blocks():
    """Draw a street at y = 50, 100 m wide, with two houses south of it and one north of it."""
    return draw_city(
        [box(0, 0, 100, 100)],
        [(box(10, 10, 20, 20), 5), (box(80, 10, 90, 20), 7), (box(45, 70, 55, 80), 9)],
        [(LineString([(-10, 50), (110, 50)]), "street")],
    )


def test_street_cuts_two_blocks(two_blocks):
    """The street makes two blocks; in the southern one the border is half way between houses."""
    units = make_units(two_blocks)
    assert_tiles(units, two_blocks)
    assert units["block_id"].tolist() == [0, 1, 1]
    assert units["building_id"].tolist() == ["b2", "b0", "b1"]
    assert units["compound_id"].tolist() == ["c2", "c0", "c1"]
    assert units["households"].tolist() == [9, 5, 7]
    assert units.area.tolist() == pytest.approx([5000, 2500, 2500], rel=0.01)
    # Where the cells meet the street, the unit across it has a vertex too.
    corners = shapely.get_coordinates(units.geometry[0])
    assert ((np.abs(corners - [50, 50]) < 0.2).all(axis=1)).any()


@pytest.mark.parametrize(
    ("kind", "blocks"), [("main_road", 2), ("railway", 2), ("river", 2), ("path", 1)]
)
def test_what_cuts(kind, blocks):
    """Roads, railways and rivers cut; a path does not."""
    line = LineString([(50, -5), (50, 105)])
    rows = [(line, kind)]
    lines = {"barriers": rows} if kind in ("railway", "river") else {"streets": rows}
    units = make_units(draw_city([box(0, 0, 100, 100)], **lines))
    assert units["block_id"].nunique() == blocks


def test_empty_city_is_one_unit():
    """Without lines and buildings a community is one unit where nobody lives."""
    city = draw_city([box(0, 0, 100, 100)])
    units = make_units(city)
    assert_tiles(units, city)
    assert units[["households", "buildings"]].values.tolist() == [[0, 0]]
    assert units[["compound_id", "building_id"]].values.tolist() == [["", ""]]


def test_dead_end_does_not_cut():
    """A street that ends inside of a block leaves it whole."""
    street = LineString([(50, -5), (50, 60)])
    city = draw_city([box(0, 0, 100, 100)], [(Point(20, 50), 1)], [(street, "street")])
    units = make_units(city)
    assert_tiles(units, city)
    assert len(units) == 1


def test_touching_buildings_part_at_their_wall():
    """Two houses with a common wall have a border along it."""
    houses = [(box(30, 40, 50, 60), 3), (box(50, 40, 70, 60), 4)]
    city = draw_city([box(0, 0, 100, 100)], houses)
    units = make_units(city)
    assert_tiles(units, city)
    cells = units.set_index("building_id")
    for name, (shape, _) in zip(["b0", "b1"], houses, strict=True):
        assert cells.geometry[name].intersection(shape).area > 0.97 * shape.area


def test_buildings_in_one_place_share_a_unit():
    """Of coincident footprints the one with most households names the unit; ties go by id."""
    stack = [(box(40, 40, 60, 60), 2), (box(40, 40, 60, 60), 8), (box(40, 40, 60, 60), 8)]
    city = draw_city([box(0, 0, 100, 100)], [*stack, (box(5, 5, 10, 10), 1)])
    units = make_units(city)
    assert_tiles(units, city)
    shared = units[units["buildings"] == 3]
    assert shared[["building_id", "compound_id"]].values.tolist() == [["b1", "c1"]]
    assert shared["households"].tolist() == [18]


def test_overlapping_buildings():
    """A footprint mostly inside of another shares its unit; one that overlaps a little does not."""
    base = (box(20, 20, 60, 60), 10)
    inside = draw_city([box(0, 0, 100, 100)], [base, (box(50, 40, 62, 50), 1)])
    beside = draw_city([box(0, 0, 100, 100)], [base, (box(55, 40, 90, 50), 1)])
    for city, count in ((inside, 1), (beside, 2)):
        units = make_units(city)
        assert_tiles(units, city)
        assert len(units) == count


def test_points_and_duplicates():
    """Buildings that are points have cells; two at one point share one."""
    spots = [(Point(25, 50), 4), (Point(75, 50), 5), (Point(75, 50), 6), (Point(75, 50.0002), 1)]
    city = draw_city([box(0, 0, 100, 100)], spots)
    units = make_units(city)
    assert_tiles(units, city)
    assert units["households"].tolist() == [4, 12]
    assert units.area.tolist() == pytest.approx([5000, 5000], rel=0.01)


def test_building_across_a_street_stays_whole():
    """It stands in the block with most of its footprint, and the others give it nothing."""
    street = [(LineString([(0, 50), (100, 50)]), "street")]
    houses = [(box(40, 45, 60, 80), 9), (box(10, 10, 20, 20), 2)]
    city = draw_city([box(0, 0, 100, 100)], houses, street)
    units = make_units(city)
    assert_tiles(units, city)
    assert at(units, 50, 90)["building_id"] == "b0"
    assert at(units, 50, 48)["building_id"] == "b1"


def test_building_keeps_its_community():
    """A building drawn over the border, or wholly outside, is counted where its row says."""
    houses = [(box(90, 10, 130, 20), 6, "A"), (Point(150, 90), 3, "A"), (Point(180, 50), 2, "B")]
    city = draw_city([box(0, 0, 100, 100), box(100, 0, 200, 100)], houses)
    units = make_units(city)
    assert_tiles(units, city)
    assert units.groupby("community_id")["households"].sum().to_dict() == {"A": 9, "B": 2}


def test_l_shaped_block_has_no_cut_off_parts():
    """What is nearest to a building but cut off from it joins a neighbour; units are one piece."""
    ell = Polygon([(0, 0), (100, 0), (100, 100), (60, 100), (60, 4), (40, 4), (40, 100), (0, 100)])
    houses = [(Point(38, 60), 1), (Point(90, 60), 2), (Point(20, 20), 3)]
    city = draw_city([ell], houses)
    units = make_units(city)
    assert_tiles(units, city)
    assert len(units) == 3
    assert at(units, 62, 60)["building_id"] == "b1"


def test_few_buildings_in_a_large_block():
    """Two houses side by side in a corner divide all of the block, to its far end."""
    homes = [(Point(1010, 1020), 1), (Point(1020, 1010), 2)]
    city = draw_city([box(1000, 1000, 3000, 3000.5)], homes)
    units = make_units(city)
    assert_tiles(units, city)
    assert units.area.to_numpy() == pytest.approx([2e6, 2e6], rel=0.001)


def test_courtyard_and_block_in_block():
    """A unit can have a hole: a ring street with a block in it, a house in a courtyard."""
    ring = LineString(box(30, 30, 70, 70).exterior.coords)
    court = box(35, 35, 65, 65).difference(box(42, 42, 58, 58))
    houses = [(Point(10, 10), 1), (court, 20), (box(48, 48, 52, 52), 3)]
    city = draw_city([box(0, 0, 100, 100)], houses, [(ring, "street")])
    units = make_units(city)
    assert_tiles(units, city)
    assert len(units) == 3
    assert sorted(len(shape.interiors) for shape in units.geometry) == [0, 1, 1]


def test_detached_part_is_a_unit_of_its_community():
    """A community in two parts has units in both."""
    parts = MultiPolygon([box(0, 0, 100, 100), box(200, 0, 250, 50)])
    city = draw_city([parts, box(100, 0, 200, 100)], [(Point(50, 50), 4), (Point(160, 50), 1, "B")])
    units = make_units(city)
    assert_tiles(units, city)
    assert units["community_id"].tolist() == ["A", "A", "B"]


def test_sliver_along_a_road_joins_its_own_side():
    """A road that wanders about the community border leaves no face thinner than the limit."""
    x = np.linspace(0, 400, 41)
    road = LineString(np.column_stack([x, 100 + np.sin(x / 15)]))
    houses = [(Point(50, 50), 1, "A"), (Point(50, 150), 2, "B")]
    city = draw_city([box(0, 0, 400, 100), box(0, 100, 400, 200)], houses, [(road, "street")])
    units = make_units(city)
    assert_tiles(units, city)
    assert len(units) == 2


def test_width_that_is_no_sliver():
    """A strip wider than the limit stays a block; one with a building stays however thin."""
    for width, house, count in ((SLIVER_WIDTH - 1, [], 1), (SLIVER_WIDTH + 1, [], 2)):
        street = LineString([(-5, 100 - width), (405, 100 - width)])
        city = draw_city([box(0, 0, 400, 100)], house, [(street, "street")])
        assert len(make_units(city)) == count
    street = LineString([(-5, 99), (405, 99)])
    city = draw_city([box(0, 0, 400, 100)], [(Point(9, 99.5), 1)], [(street, "street")])
    assert len(make_units(city)) == 2


def test_sliver_joins_across_a_street_rather_than_a_river():
    """The strip between a river and the road beside it belongs to the road's side."""
    road = (LineString([(-5, 51), (405, 51)]), "street")
    river = (LineString([(-5, 50), (405, 50)]), "river")
    city = draw_city([box(0, 0, 400, 100)], (), [road], [river])
    units = make_units(city)
    assert_tiles(units, city)
    assert units.area.tolist() == pytest.approx([20000, 20000])


def test_river_area_is_divided_between_its_banks():
    """The middle line of open water is the border, and no unit is on both banks."""
    water = box(-10, 40, 410, 80)
    assert water.area > WATER_AREA
    houses = [(Point(100, 20), 1), (Point(300, 20), 2), (Point(200, 95), 4)]
    city = draw_city([box(0, 0, 400, 120)], houses, (), [(water, "river")])
    units = make_units(city)
    assert_tiles(units, city)
    assert units["block_id"].nunique() == 2
    south = shapely.union_all(units.geometry[units["block_id"] == 1].to_numpy())
    assert south.symmetric_difference(box(0, 0, 400, 60)).area < 0.01 * south.area


def test_water_between_two_streets_is_given_to_its_shore():
    """Across a street from the water is no bank: a lake joins the block that it lies in."""
    street = (LineString([(200, -5), (200, 305)]), "street")
    lake = box(80, 80, 200, 220)
    city = draw_city([box(0, 0, 400, 300)], [(Point(20, 20), 1)], [street], [(lake, "river")])
    units = make_units(city)
    assert_tiles(units, city)
    assert units.area.tolist() == pytest.approx([60000, 60000])


def test_small_water_belongs_to_its_surroundings():
    """A pond below 1 ha cuts nothing, two parts of one river above it together do."""
    pond = draw_city([box(0, 0, 400, 90)], (), (), [(box(150, -5, 240, 95), "river")])
    assert len(find_water(pond)) == 0
    assert len(make_units(pond)) == 1
    halves = [(box(150, -5, 220, 95), "river"), (box(220, -5, 290, 95), "river")]
    river = draw_city([box(0, 0, 400, 90)], (), (), halves)
    assert len(make_units(river)) == 2


def test_community_under_water():
    """A community that is all water is one unit."""
    city = draw_city([box(0, 0, 300, 300)], (), (), [(box(-9, -9, 309, 309), "river")])
    units = make_units(city)
    assert_tiles(units, city)
    assert len(units) == 1


def test_overlapping_communities():
    """The first of two communities has what both claim; one that has nothing left is named."""
    city = draw_city([box(0, 0, 100, 100), box(50, 0, 200, 100)])
    area = make_units(city).dissolve("community_id").area
    assert area.to_dict() == {"A": 10000.0, "B": 10000.0}
    with pytest.raises(TableError, match="nothing is left of B"):
        make_units(draw_city([box(0, 0, 100, 100), box(50, 0, 100, 100)]))


def test_untidy_footprints():
    """Outlines that cross themselves or are flat are one building each all the same."""
    bow = Polygon([(20, 20), (40, 40), (40, 20), (20, 40)])
    flat = Polygon([(70, 70), (80, 80), (70, 70), (70, 70)])
    two = MultiPolygon([box(10, 80, 20, 90), box(40, 80, 50, 90)])
    city = draw_city([box(0, 0, 100, 100)], [(bow, 1), (flat, 2), (two, 4)])
    units = make_units(city)
    assert_tiles(units, city)
    assert len(units) == 3


def test_order_is_by_community_then_north_to_south_then_west_to_east():
    """Ids follow communities as the city lists them, rows of blocks, and blocks in a row."""
    lines = [(LineString([(200, -5), (200, 405)]), "street")]
    lines.append((LineString([(-5, 200), (405, 200)]), "street"))
    city = draw_city([box(0, 0, 400, 400), box(0, 400, 400, 500)], (), lines)
    centres = make_units(city).centroid
    assert centres.x.round().tolist() == [100, 300, 100, 300, 200]
    assert centres.y.round().tolist() == [300, 300, 100, 100, 450]


def test_executor_and_progress_change_nothing(two_blocks):
    """Threads give the same bytes; progress ends with everything done."""
    calls = []
    alone = make_units(two_blocks, progress=lambda *call: calls.append(call))
    with ThreadPoolExecutor(2) as executor:
        together = make_units(two_blocks, executor=executor)
    assert alone.to_wkb().equals(together.to_wkb())
    assert {stage for stage, *_ in calls} == {"blocks", "cells", "units"}
    assert [done == total for stage, done, total in calls if stage == "units"] == [False, True]


def test_units_survive_a_file(two_blocks, tmp_path):
    """A GeoPackage gives the same coordinates back."""
    units = make_units(two_blocks)
    units.to_file(tmp_path / "units.gpkg", layer="units")
    again = gpd.read_file(tmp_path / "units.gpkg", layer="units")
    assert shapely.equals_exact(again.geometry.to_numpy(), units.geometry.to_numpy()).all()


def test_shared_edges_of_squares():
    """Two squares side by side share one edge; squares that meet in a corner share none."""
    edges = shared_edges(np.array([box(0, 0, 1, 1), box(1, 0, 2, 1), box(2, 1, 3, 2)]))
    assert (edges.left.tolist(), edges.right.tolist()) == ([0], [1])
    assert edges.length.tolist() == [1.0]
    assert edges.middle.tolist() == [[1.0, 0.5]]


def test_absorb_in_rounds():
    """Loose faces join the neighbour of most weight in sum, chains follow, the rest stays."""
    left, right = np.array([0, 0, 1, 1, 3, 5]), np.array([1, 1, 2, 3, 4, 6])
    edges = shared_edges(np.array([box(0, 0, 1, 1)]))._replace(left=left, right=right)
    loose = np.array([False, True, False, True, True, True, True])
    owner = absorb(loose, edges, np.array([2.0, 2.0, 3.0, 9.0, 1.0, 1.0]))
    assert owner.tolist() == [0, 0, 2, 0, 0, 5, 6]


def test_class_lines_takes_the_strongest():
    """Within reach the strongest line counts; the usual reach is the rounding of coordinates."""
    lines = {
        "streets": [(LineString([(0, 0), (100, 0)]), "street")],
        "barriers": [(LineString([(0, 2), (100, 2)]), "railway")],
    }
    city = draw_city([box(0, 0, 100, 100)], **lines)
    points = np.array([[50.0, 0.001], [50.0, 1.0], [50.0, 4.6]])
    assert class_lines(points, city).tolist() == [1, 0, 0]
    assert class_lines(points, city, 2.5).tolist() == [3, 3, 0]


coordinate = st.integers(0, 200)
footprint = st.builds(
    lambda x, y, wide, high: box(x / 2, y / 2, min(x / 2 + wide, 100), min(y / 2 + high, 100)),
    st.integers(0, 195),
    st.integers(0, 195),
    st.integers(1, 25),
    st.integers(1, 25),
)
spot = st.builds(lambda x, y: Point(x / 2, y / 2), coordinate, coordinate)
line = st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=4, unique=True).map(
    lambda points: LineString([(x * 0.55 - 5, y * 0.55 - 5) for x, y in points])
)
kind = st.sampled_from(["street", "main_road", "path"])
barrier = st.sampled_from(["railway", "river"])


@given(
    split=st.integers(10, 90),
    homes=st.lists(st.tuples(st.one_of(footprint, spot), st.integers(0, 50)), max_size=12),
    streets=st.lists(st.tuples(line, kind), max_size=6),
    barriers=st.lists(st.tuples(line, barrier), max_size=2),
)
@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
def test_any_city_is_tiled(split, homes, streets, barriers):
    """Whatever is drawn: exact tiling, every household in one unit."""
    slope = [(split, 0), (100 - split, 100)]
    west = Polygon([(0, 0), *slope, (0, 100)])
    east = Polygon([slope[0], (100, 0), (100, 100), slope[1]])
    homes = [
        (shape, count, "A" if west.intersects(shape.representative_point()) else "B")
        for shape, count in homes
    ]
    city = draw_city([west, east], homes, streets, barriers)
    assert_tiles(make_units(city), city)


lake = st.builds(
    lambda x, y, wide, high, turn: shapely.affinity.rotate(box(x, y, x + wide, y + high), turn),
    st.integers(-50, 550),
    st.integers(-50, 550),
    st.integers(60, 700),
    st.integers(60, 300),
    st.integers(0, 90),
)


@given(
    homes=st.lists(spot, max_size=8),
    streets=st.lists(st.tuples(line, kind), max_size=4),
    rivers=st.lists(line, max_size=2),
    lakes=st.lists(lake, min_size=1, max_size=3),
)
@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
def test_any_water_is_divided(homes, streets, rivers, lakes):
    """Lakes and rivers of any shape, over streets and one another, leave an exact tiling."""
    scale = {"xfact": 6, "yfact": 6, "origin": (0, 0)}
    homes = [(shapely.affinity.scale(home, **scale), 1) for home in homes]
    streets = [(shapely.affinity.scale(street, **scale), kind) for street, kind in streets]
    barriers = [(shapely.affinity.scale(river, **scale), "river") for river in rivers]
    barriers += [(shape, "river") for shape in lakes]
    city = draw_city([box(0, 0, 600, 600)], homes, streets, barriers)
    assert_tiles(make_units(city), city)


def read_bukit_merah(folder):
    """Return the Singapore town: points, 17 subzones whose borders run along roads."""
    path = folder / "singapore_hdb_bukitmerah_3414.gpkg"
    blocks, roads, zones = (
        gpd.read_file(path, layer=layer).to_crs(3414).set_crs(CRS, allow_override=True)
        for layer in ("hdb_blocks", "road_sections", "subzones")
    )
    names = np.array([chr(ord("A") + i) for i in range(len(zones))])
    own = names[shapely.STRtree(zones.geometry.to_numpy()).nearest(blocks.geometry.to_numpy())]
    homes = zip(blocks.geometry, blocks["total_dwelling_units"].astype(int), own, strict=True)
    return draw_city(zones.geometry, list(homes), [(road, "street") for road in roads.geometry])


def read_monaco(folder):
    """Return Monaco: polygons wall to wall, of which one crosses itself."""
    path = folder / "monaco_osm_32632.gpkg"
    houses, roads = (
        gpd.read_file(path, layer=layer).set_crs(CRS, allow_override=True)
        for layer in ("buildings", "roads")
    )
    ways = ["path" if kind in ("footway", "path", "steps") else "street" for kind in roads.highway]
    counts = houses["households_est"].fillna(0).round().astype(int)
    return draw_city(
        [box(*houses.total_bounds).buffer(50)],
        list(zip(houses.geometry, counts, strict=True)),
        list(zip(roads.geometry, ways, strict=True)),
    )


def read_vologda_centre(folder):
    """Return 2 km of Vologda with its river, bridges and railway; the whole city takes 10 s."""
    path = folder / "vologda_osm_32637.gpkg"
    centre = box(549000, 6564500, 551000, 6566500)
    houses, roads, railways, water = (
        gpd.read_file(path, layer=layer, bbox=centre).set_crs(CRS, allow_override=True)
        for layer in ("buildings", "roads", "railways", "water")
    )
    houses = houses[houses.representative_point().within(centre)]
    counts = houses["households_est"].fillna(0).round().astype(int)
    barriers = [(shape, "railway") for shape in railways.geometry]
    barriers += [(shape, "river") for shape in water.geometry]
    return draw_city(
        [centre],
        list(zip(houses.geometry, counts, strict=True)),
        [(road, "street") for road in roads.geometry],
        barriers,
    )


@pytest.mark.shared
@pytest.mark.parametrize(
    ("read", "households", "cells"),
    # The register gives 415 blocks 394 positions; elsewhere 8 and 7 overlap another by half.
    [
        (read_bukit_merah, 51791, 394),
        (read_monaco, 22605, 1275),
        (read_vologda_centre, 7065, 1245),
    ],
)
def test_real_places(shared_data, read, households, cells):
    """Every household is in one unit, and no building shares one that has a place of its own."""
    city = read(shared_data)
    units = make_units(city)
    check_table(units, UNITS)
    shapes = units.geometry.to_numpy()
    assert units["households"].sum() == households
    assert (units["buildings"] > 0).sum() == cells
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    points = shapely.get_coordinates(shapes)
    assert (round_points(points) == points).all()
    area = units.area.groupby(units["community_id"]).sum()
    outlines = city.communities.geometry[area.index].to_numpy()
    # Two subzones of Bukit Merah overlap by 54 cm²: the first has them.
    earlier = [shapely.union_all(outlines[:place]) for place in range(len(outlines))]
    own = shapely.area(shapely.difference(outlines, earlier))
    assert area.to_numpy() == pytest.approx(own, rel=1e-9)
