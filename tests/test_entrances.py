"""Large buildings are divided into their entrances: every household stays, every part is valid."""

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, affinity, box

from gridmap.city import City, read_city
from gridmap.entrances import divide_buildings
from gridmap.errors import TableError
from gridmap.plan import draw_plan
from gridmap.rules import Rules
from gridmap.tables import BARRIERS, BUILDINGS, STREETS, check_table, empty_table
from gridmap.units import make_units
from tests.test_city import MAPPINGS

CRS = 4550
X, Y = 500_000.0, 4_500_000.0
TOWN = box(X, Y, X + 600, Y + 300)
L_SHAPE = Polygon([(0, 0), (60, 0), (60, 12), (12, 12), (12, 40), (0, 40)])
U_SHAPE = Polygon([(0, 0), (60, 0), (60, 40), (48, 40), (48, 12), (12, 12), (12, 40), (0, 40)])
COURT = box(0, 0, 50, 30) - box(10, 10, 40, 20)


def at(shape: Any, x: float = 100, y: float = 100) -> Any:
    """Put a shape into the town."""
    return affinity.translate(shape, X + x, Y + y)


def make_town(shapes: list[Any], households: list[int], **columns: Any) -> City:
    """Make a city of one community with these buildings, h1, h2 …"""
    ids = [f"h{number}" for number in range(1, len(shapes) + 1)]
    lines = columns.pop("lines", [])
    entrances = columns.pop("entrances_table", None)
    table = {
        "households": households,
        "community_id": "c",
        "compound_id": "苑",
        "name": "3号楼",
        "floors": 6.0,
        **columns,
    }
    streets = gpd.GeoDataFrame(
        {"kind": ["street"] * len(lines), "name": [""] * len(lines)},
        geometry=lines,
        index=pd.Index([f"s{number}" for number in range(len(lines))], name="street_id"),
        crs=CRS,
    )
    communities = gpd.GeoDataFrame(
        {"code": ["210802003002"], "name": ["小雨社区"], "street": ["建设街道"]},
        geometry=[TOWN],
        index=pd.Index(["c"], name="community_id"),
        crs=CRS,
    )
    buildings = gpd.GeoDataFrame(
        table, geometry=shapes, index=pd.Index(ids, name="building_id"), crs=CRS
    )
    return City(
        communities,
        buildings,
        streets if lines else empty_table(STREETS, CRS),
        empty_table(BARRIERS, CRS),
        entrances=entrances,
    )


def list_entrances(counts: dict[str, int], building: str = "h1") -> pd.DataFrame:
    """Make a table of the entrances of one building."""
    return pd.DataFrame(
        {"building_id": building, "entrance": list(counts), "households": list(counts.values())}
    )


def parts_of(city: City, building: str = "h1") -> gpd.GeoDataFrame:
    """Return the parts of a building."""
    return city.buildings[city.buildings["part_of"] == building]


# --- how many, and how large ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("households", "parts"), [(499, 0), (500, 0), (501, 5), (625, 5), (626, 6)]
)
def test_only_above_the_limit(households: int, parts: int) -> None:
    """At the limit a building stays; above it, each part has at most a quarter of the limit."""
    city = make_town([at(box(0, 0, 60, 12))], [households])
    divided = divide_buildings(city, 500)
    assert len(divided.buildings) == (parts or 1)
    assert (divided is city) == (parts == 0)
    counts = divided.buildings["households"]
    assert counts.sum() == households
    assert counts.max() - counts.min() <= 1
    if parts:
        assert counts.max() <= 125
        assert divided.report.counts["buildings_divided"] == 1


def test_a_limit_of_one_gives_at_least_two_parts() -> None:
    """The smallest limit: two homes become two parts of one; a limit of 0 is refused."""
    city = make_town([at(box(0, 0, 60, 12))], [2])
    assert divide_buildings(city, 1).buildings["households"].tolist() == [1, 1]
    with pytest.raises(TableError, match="above 0 households: give 1 or more"):
        divide_buildings(city, 0)


def test_parts_take_the_place_of_their_building() -> None:
    """Ids, names, the parent and everything else of it; the other rows as they were."""
    shapes = [at(box(0, 0, 9, 9), 10), at(box(0, 0, 60, 12)), at(box(0, 0, 9, 9), 300)]
    city = make_town(shapes, [3, 9, 4], extra=["a", "b", "c"])
    table = divide_buildings(city, 8).buildings
    check_table(table, BUILDINGS)
    parts = [f"h2-{serial}单元" for serial in range(1, 6)]
    assert table.index.tolist() == ["h1", *parts, "h3"]
    assert table["households"].tolist() == [3, 2, 2, 2, 2, 1, 4]
    assert table["part_of"].tolist() == ["", *["h2"] * 5, ""]
    assert table["name"].tolist()[:3] == ["3号楼", "3号楼1单元", "3号楼2单元"]
    assert table["extra"].tolist() == ["a", *["b"] * 5, "c"]
    assert table.loc[["h1", "h3"], "geometry"].tolist() == [shapes[0], shapes[2]]
    assert table.index.dtype == city.buildings.index.dtype
    assert table.crs == city.crs


def test_an_id_that_is_taken_is_not_given_again() -> None:
    """A part gets a dash more than the building that has its id."""
    city = make_town([at(box(0, 0, 60, 12)), at(box(0, 0, 9, 9), 300)], [9, 1])
    buildings = city.buildings.rename(index={"h2": "h1-2单元"}).rename_axis("building_id")
    divided = divide_buildings(replace(city, buildings=buildings), 8).buildings
    assert divided.index.tolist()[:3] == ["h1-1单元", "h1-2单元-", "h1-3单元"]
    assert divided.loc["h1-2单元", "households"] == 1


def test_parts_are_never_divided_again() -> None:
    """An entrance that is above the limit itself stays: there is no door inside of it."""
    entrances = list_entrances({"1": 20, "2": 5})
    city = make_town([at(box(0, 0, 60, 12))], [25], entrances_table=entrances)
    once = divide_buildings(city, 10)
    assert once.buildings["households"].tolist() == [20, 5]
    assert divide_buildings(once, 10) is once


def test_each_building_may_have_its_limit() -> None:
    """A building without one stays whole; a limit below 1 is refused."""
    shapes = [at(box(0, 0, 60, 12), 100, y) for y in (50, 100, 150)]
    city = make_town(shapes, [100, 100, 100])
    divided = divide_buildings(city, pd.Series({"h3": 40, "h1": 100}))
    assert divided.buildings["part_of"].tolist() == ["", "", *["h3"] * 10]
    assert divide_buildings(city, pd.Series([], index=pd.Index([], dtype="str"), dtype=int)) is city
    with pytest.raises(TableError, match="above -1 households"):
        divide_buildings(city, pd.Series({"h1": 100, "h2": -1}))


# --- what is known of the entrances ---------------------------------------------------------------


def test_the_table_of_entrances_goes_first() -> None:
    """Its counts are those of the parts, in the order of the numbers; its rows name the parts."""
    entrances = list_entrances({"10": 30, "2": 50, "东单元": 20})
    city = make_town([at(box(0, 0, 60, 12))], [100], entrances_table=entrances, entrances=[7])
    divided = divide_buildings(city, 99)
    assert divided.buildings["households"].to_dict() == {
        "h1-2单元": 50,
        "h1-10单元": 30,
        "h1-东单元": 20,
    }
    assert divided.buildings["entrances"].tolist() == [1, 1, 1]
    assert divided.entrances["building_id"].tolist() == ["h1-10单元", "h1-2单元", "h1-东单元"]
    assert divided.entrances["households"].tolist() == [30, 50, 20]
    [finding] = divided.report.findings
    assert (finding.row, finding.value, finding.action) == ("h1", "100: 50, 30, 20", "noted")


def test_entrances_that_do_not_sum_are_scaled() -> None:
    """The building's households are kept; an empty entrance stays empty."""
    entrances = list_entrances({"1": 10, "2": 20, "3": 0})
    city = make_town([at(box(0, 0, 60, 12))], [100], entrances_table=entrances)
    assert divide_buildings(city, 50).buildings["households"].tolist() == [33, 67, 0]
    entrances = list_entrances({"1": 0, "2": 0})
    city = make_town([at(box(0, 0, 60, 12))], [101], entrances_table=entrances)
    assert divide_buildings(city, 50).buildings["households"].tolist() == [51, 50]


def test_rows_of_one_entrance_are_added_up() -> None:
    """An entrance that stands in two rows is one part."""
    entrances = list_entrances({"1": 10, "1单元": 20, "2": 30})
    city = make_town([at(box(0, 0, 60, 12))], [60], entrances_table=entrances)
    divided = divide_buildings(city, 50)
    assert divided.buildings["households"].tolist() == [30, 30]
    assert divided.entrances["building_id"].tolist() == ["h1-1单元", "h1-1单元", "h1-2单元"]


def test_the_number_of_entrances_goes_second() -> None:
    """As many parts as the column says; 0 is unknown, 1 is a tower that can't be divided."""
    shapes = [at(box(0, 0, 60, 12), 100, y) for y in (50, 100, 150)]
    city = make_town(shapes, [100, 100, 100], entrances=[3, 0, 1])
    divided = divide_buildings(city, 80)
    assert parts_of(divided, "h1")["households"].tolist() == [34, 33, 33]
    assert parts_of(divided, "h2")["households"].tolist() == [20] * 5
    assert divided.buildings["entrances"].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 1]
    assert divided.buildings.loc["h3", "part_of"] == ""
    assert divided.report.counts["buildings_divided"] == 2
    assert [f.row for f in divided.report.findings if "one entrance" in f.problem] == ["h3"]


def test_doors_say_where_to_cut() -> None:
    """Cuts are half way between the doors, which may run from east to west."""
    entrances = list_entrances({"1": 30, "2": 30, "3": 30})
    doors = [Point(X + 100 + x, Y + 99) for x in (50, 40, 10)]
    entrances = gpd.GeoDataFrame(entrances, geometry=doors, crs=CRS)
    city = make_town([at(box(0, 0, 60, 12))], [90], entrances_table=entrances)
    divided = divide_buildings(city, 60)
    assert divided.buildings.area.tolist() == pytest.approx([15 * 12, 20 * 12, 25 * 12])
    assert divided.buildings.bounds["minx"].tolist() == pytest.approx([X + 145, X + 125, X + 100])


def test_doors_in_one_place_say_nothing() -> None:
    """Doors on the two ends of one stairwell: equal strips, from west to east."""
    entrances = list_entrances({"1": 30, "2": 30})
    doors = [Point(X + 130, Y + y) for y in (100, 112)]
    entrances = gpd.GeoDataFrame(entrances, geometry=doors, crs=CRS)
    city = make_town([at(box(0, 0, 60, 12))], [60], entrances_table=entrances)
    assert divide_buildings(city, 50).buildings.area.tolist() == pytest.approx([360, 360])


# --- footprints -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape",
    [
        box(0, 0, 60, 12),
        box(0, 0, 30, 30),
        L_SHAPE,
        U_SHAPE,
        COURT,
        Point(0, 0).buffer(20),
        MultiPolygon([box(0, 0, 10, 10), box(40, 0, 45, 5)]),
    ],
    ids=["slab", "square", "L", "U", "court", "round", "two towers"],
)
@pytest.mark.parametrize("angle", [0, 30, 90, 137])
def test_strips_of_a_footprint(shape: Any, angle: float) -> None:
    """Valid, of equal area, disjoint, sharing borders vertex for vertex; together the footprint."""
    footprint = at(affinity.rotate(shape, angle), 200, 150)
    parts = divide_buildings(make_town([footprint], [9]), 8).buildings
    assert parts.is_valid.all()
    assert parts.area.to_numpy() == pytest.approx(footprint.area / 5, rel=1e-7)
    assert shapely.coverage_is_valid(parts.geometry.to_numpy())
    whole = shapely.union_all(parts.geometry.to_numpy())
    assert whole.symmetric_difference(footprint).area < 1e-6


def test_strips_lie_across_the_long_axis_from_west_to_east() -> None:
    """Also where the axis leans; from south to north where it runs so."""
    leaning = at(affinity.rotate(box(0, 0, 60, 12), 60))
    parts = divide_buildings(make_town([leaning], [9]), 8).buildings
    assert (np.diff(parts.centroid.x) > 0).all()
    near = parts.translate(-X, -Y)  # a rectangle so far from the origin is inexact
    assert near.minimum_rotated_rectangle().area.tolist() == pytest.approx([144] * 5)
    upright = at(box(0, 0, 12, 60))
    parts = divide_buildings(make_town([upright], [9]), 8).buildings
    assert (np.diff(parts.centroid.y) > 11).all()


def test_an_outline_that_crosses_itself_is_cut_too() -> None:
    """What a city may hold without reading repairs is made valid first."""
    bow = at(Polygon([(0, 0), (60, 20), (60, 0), (0, 20)]))
    parts = divide_buildings(make_town([bow], [9]), 8).buildings
    assert len(parts) == 5
    assert parts.is_valid.all()
    assert parts.area.sum() == pytest.approx(600)


@settings(max_examples=60, deadline=None)
@given(
    corners=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80)), min_size=3, max_size=9),
    households=st.integers(2, 2000),
    limit=st.integers(1, 600),
)
def test_any_footprint_keeps_its_households(
    corners: list[tuple[int, int]], households: int, limit: int
) -> None:
    """Around random corners: the sum stays, parts differ by one, and every part is valid."""
    hull = shapely.MultiPoint(corners).convex_hull
    footprint = at(hull if hull.area > 1 else box(0, 0, 40, 10))
    city = make_town([footprint], [households])
    parts = divide_buildings(city, limit).buildings
    assert parts["households"].sum() == households
    assert parts["households"].max() - parts["households"].min() <= 1
    assert parts.is_valid.all()
    assert parts.area.sum() == pytest.approx(footprint.area)
    if households > limit:
        assert len(parts) >= 2
        assert parts["households"].max() <= max(1, limit // 4)


# --- points ---------------------------------------------------------------------------------------


def test_a_point_becomes_a_row_of_points() -> None:
    """8 m apart from west to east around the old place, which is far from everything else."""
    parts = divide_buildings(make_town([at(Point(0, 0))], [9]), 8).buildings
    assert [(point.x - X, point.y - Y) for point in parts.geometry] == [
        (84, 100),
        (92, 100),
        (100, 100),
        (108, 100),
        (116, 100),
    ]


def test_points_keep_to_community_street_and_neighbour() -> None:
    """Beside the border, on it, beside a street, on it, and near another building."""
    street = LineString([(X, Y + 200), (X + 600, Y + 200)])
    shapes = [
        Point(X + 1, Y + 50),
        Point(X, Y + 150),
        Point(X + 200, Y + 199),
        Point(X + 300, Y + 200),
        Point(X + 400, Y + 100),
        Point(X + 410, Y + 100),
    ]
    city = make_town(shapes, [9] * 6, lines=[street])
    divided = divide_buildings(city, 8)
    points = divided.buildings
    assert divided.report.counts["buildings_divided"] == 6
    assert points.within(TOWN.buffer(1e-9)).all()
    sides = points.geometry.y > Y + 200
    assert sides.groupby(points["part_of"]).nunique().eq(1).all()
    for name, shape in city.buildings.geometry.items():
        others = city.buildings.geometry.drop(name)
        reach = parts_of(divided, name).distance(shape).max()
        assert reach <= 0.4 * others.distance(shape).min() + 1e-9
    assert not points.geometry.duplicated().any()


def test_a_point_without_room_stays_whole() -> None:
    """Two buildings half a metre apart leave no room for parts; the report says so."""
    city = make_town([at(Point(0, 0)), at(Point(0.5, 0))], [9, 1])
    divided = divide_buildings(city, 8)
    assert divided.buildings.equals(city.buildings)
    assert [f.row for f in divided.report.findings if "no room" in f.problem] == ["h1"]
    assert divided.report.counts["buildings_divided"] == 0


def test_doors_are_the_parts_of_a_point() -> None:
    """Where the doors were surveyed nothing is made up; in one place they tell nothing."""
    entrances = list_entrances({"1": 5, "2": 4})
    doors = [at(Point(30, 0)), at(Point(0, 3))]
    placed = gpd.GeoDataFrame(entrances, geometry=doors, crs=CRS)
    parts = divide_buildings(make_town([at(Point(0, 0))], [9], entrances_table=placed), 8)
    assert parts.buildings.geometry.tolist() == doors
    placed = placed.set_geometry([doors[0]] * 2)
    parts = divide_buildings(make_town([at(Point(0, 0))], [9], entrances_table=placed), 8)
    assert parts.buildings.distance(at(Point(0, 0))).tolist() == [4, 4]


# --- plans and real cities ------------------------------------------------------------------------


def test_every_part_has_a_unit_of_its_own() -> None:
    """Cells of strips and of points bear the ids of all parts."""
    city = divide_buildings(make_town([at(L_SHAPE), at(Point(0, 0), 400)], [9, 9]), 8)
    units = make_units(city)
    assert set(city.buildings.index) <= set(units["building_id"])
    assert units["households"].sum() == 18
    assert units["households"].max() == 2


def test_a_plan_divides_what_no_grid_can_hold() -> None:
    """By default above the band: the plan's city has the parts; 0 divides nothing."""
    shapes = [at(box(0, 0, 80, 14), 100, 100), at(box(0, 0, 80, 14), 100, 200)]
    city = make_town(shapes, [900, 360])
    plan = draw_plan(city, Rules())
    assert parts_of(plan.city)["households"].tolist() == [90] * 10
    assert "h2" in plan.city.buildings.index
    assert plan.grids["households"].sum() == 1260
    assert plan.grids["households"].between(240, 360).all()
    whole = draw_plan(city, Rules(divide_above=0))
    assert whole.city is city
    assert whole.grids["households"].max() >= 900


def test_the_same_city_gives_the_same_parts() -> None:
    """Twice the same bytes."""
    city = make_town([at(U_SHAPE), at(Point(0, 0), 400)], [1000, 700])
    one, two = (divide_buildings(city, 300) for _ in range(2))
    assert one.buildings.to_wkb().equals(two.buildings.to_wkb())
    assert one.report == two.report


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "limit", "divided", "rows"),
    [
        ("vologda_osm_32637", 300, 89, 25_832),
        ("vologda_osm_32637", 500, 25, 25_451),
        ("singapore_hdb_bukitmerah_3414", 200, 47, 651),
        ("singapore_hdb_bukitmerah_3414", 500, 2, 423),
    ],
)
def test_real_cities_keep_their_households(
    shared_data: Any, name: str, limit: int, divided: int, rows: int
) -> None:
    """Blocks above the limit become valid parts with the same households in the same place."""
    city = read_city(shared_data / f"{name}.gpkg", columns=MAPPINGS[name])
    large = city.buildings[city.buildings["households"] > limit]
    result = divide_buildings(city, limit)
    assert result.report.counts["buildings_divided"] == len(large) == divided
    assert len(result.buildings) == rows
    assert result.households == city.households
    parts = result.buildings[result.buildings["part_of"] != ""]
    sums = parts["households"].groupby(parts["part_of"]).sum()
    assert sums.to_dict() == large["households"].to_dict()
    assert parts["households"].max() <= limit // 4
    assert parts.is_valid.all()
    areas = parts.area.groupby(parts["part_of"]).sum()[large.index]
    assert areas.to_numpy() == pytest.approx(large.area.to_numpy(), rel=1e-9)
    owner = city.communities.geometry.loc[parts["community_id"]].to_numpy()
    assert shapely.intersects(owner, parts.geometry.to_numpy()).all()
