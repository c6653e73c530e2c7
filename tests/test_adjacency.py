"""Adjacency: exact borders, what lies along them, and where bridges and contact open them."""

import dataclasses

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box

from gridmap.adjacency import build_adjacency, to_graph
from gridmap.errors import TableError
from gridmap.rules import Rules
from gridmap.tables import ADJACENCY, check_table
from gridmap.units import make_units
from tests.test_units import CRS, draw_city, read_bukit_merah, read_vologda_centre

RULES = Rules()


def make_table(shapes, households=None, communities=None, blocks=None):
    """Make a units table of shapes, each a block of its own where nothing else is said."""
    count = len(shapes)
    columns = {
        "households": np.array(households or [1] * count, dtype=np.int64),
        "buildings": np.ones(count, dtype=np.int64),
        "community_id": pd.Series(communities or ["A"] * count, dtype="str"),
        "block_id": np.array(blocks or range(count), dtype=np.int64),
        "compound_id": pd.Series([""] * count, dtype="str"),
        "building_id": pd.Series([f"b{i}" for i in range(count)], dtype="str"),
    }
    index = pd.RangeIndex(count, name="unit_id")
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS).set_index(index)


def join(units, streets=(), barriers=(), rules=RULES):
    """Build the adjacency of units in a city of these lines, and check its contract."""
    city = draw_city([box(*units.total_bounds)], (), streets, barriers)
    adjacency = build_adjacency(units, city, rules)
    check_table(adjacency, ADJACENCY)
    pairs = adjacency[["unit_a", "unit_b"]]
    assert (pairs["unit_a"] < pairs["unit_b"]).all()
    assert pairs.equals(pairs.sort_values(["unit_a", "unit_b"], ignore_index=True))
    return adjacency


def rows(adjacency, *columns):
    """Return some columns as a list of tuples."""
    return list(adjacency[list(columns)].itertuples(index=False, name=None))


#: Two units of 100 m on either side of x = 100.
PAIR = (box(0, 0, 100, 100), box(100, 0, 200, 100))
MIDDLE = LineString([(100, -50), (100, 150)])


def test_border_and_corner():
    """Four squares: borders are 100 m; the two pairs that meet in the corner only are no pairs."""
    squares = [box(x, y, x + 100, y + 100) for y in (0, 100) for x in (0, 100)]
    adjacency = join(make_table(squares))
    assert rows(adjacency, "unit_a", "unit_b", "border") == [
        (0, 1, 100.0),
        (0, 2, 100.0),
        (1, 3, 100.0),
        (2, 3, 100.0),
    ]
    assert adjacency["barrier"].unique().tolist() == ["none"]
    assert adjacency["usable"].all()


@pytest.mark.parametrize("kind", ["street", "main_road", "railway", "river", "path"])
@pytest.mark.parametrize("aside", [0.0, 2.0, 3.0])
def test_barrier_class(kind, aside):
    """A line on the border or 2 m beside it is its class, 3 m away it is not; a path never is."""
    line = [(shapely.affinity.translate(MIDDLE, aside), kind)]
    lines = {"barriers": line} if kind in ("railway", "river") else {"streets": line}
    adjacency = join(make_table(PAIR), **lines)
    expected = kind if kind != "path" and aside < 3 else "none"
    assert rows(adjacency, "border", "barrier", "usable") == [
        (100.0, expected, expected != "river")
    ]


def test_most_of_the_border_decides():
    """A street along 60 m and a railway along 40 m of a border: a street."""
    low, high = Polygon([(0, 0), (100, 0), (100, 60), (100, 100), (0, 100)]), PAIR[1]
    high = Polygon([(100, 0), (200, 0), (200, 100), (100, 100), (100, 60)])
    street = [(LineString([(100, 0), (100, 60)]), "street")]
    railway = [(LineString([(100, 60), (100, 100)]), "railway")]
    assert join(make_table([low, high]), street, railway)["barrier"].tolist() == ["street"]


def test_nothing_lies_between_cells_of_one_block():
    """A street that ends in a block is no barrier between its cells."""
    adjacency = join(make_table(PAIR, blocks=[7, 7]), [(MIDDLE, "street")])
    assert adjacency["barrier"].tolist() == ["none"]


def test_communities_are_listed_but_closed():
    """A pair of two communities keeps its border and class; no grid is joined through it."""
    adjacency = join(make_table(PAIR, communities=["A", "B"]), [(MIDDLE, "street")])
    assert rows(adjacency, "border", "barrier", "usable") == [(100.0, "street", False)]


@pytest.mark.parametrize(
    ("roads", "usable"),
    [
        ([LineString([(50, 50), (150, 50)])], True),
        ([LineString([(50, 50), (100, 50), (150, 50)])], True),
        ([LineString([(50, 50), (100, 50)]), LineString([(100, 50), (150, 50)])], True),
        ([LineString([(50, 104), (150, 104)])], True),
        ([LineString([(50, 106), (150, 106)])], False),
        ([LineString([(50, 50), (100, 50)])], False),
        ([LineString([(50, 50), (100, 50), (50, 60)])], False),
        ([LineString([(103, 0), (103, 100)])], False),
        ([LineString([(100, 0), (100, 100)])], False),
        ([], False),
    ],
    ids=[
        "bridge",
        "vertex on the river",
        "two pieces",
        "4 m beyond the border",
        "6 m beyond the border",
        "ends at the river",
        "turns back at the river",
        "embankment",
        "in the river",
        "none",
    ],
)
@pytest.mark.parametrize("kind", ["street", "path"])
def test_bridge(roads, usable, kind):
    """A river joins units only where a road or a path leads across it at their border."""
    river = [(MIDDLE, "river")]
    adjacency = join(make_table(PAIR), [(road, kind) for road in roads], river)
    assert rows(adjacency, "barrier", "usable") == [("river", usable)]


def test_railway_bridge_does_not_help_on_foot():
    """A railway across a river joins nobody."""
    lines = [(MIDDLE, "river"), (LineString([(50, 50), (150, 50)]), "railway")]
    assert not join(make_table(PAIR), (), lines)["usable"].any()


def test_contact():
    """Below the contact a border is closed, at the contact it is open; its length is kept."""
    shapes = [
        box(0, 0, 100, 100),
        box(100, 97, 200, 197),
        box(100, 0, 200, 97),
        box(0, 100, 100, 197),
    ]
    shapes[0] = Polygon([(0, 0), (100, 0), (100, 97), (100, 100), (0, 100)])
    shapes[1] = Polygon([(100, 97), (200, 97), (200, 197), (100, 197), (100, 100)])
    adjacency = join(make_table(shapes)).set_index(["unit_a", "unit_b"])
    assert adjacency.loc[(0, 1), ["border", "usable"]].tolist() == [3.0, True]
    rules = dataclasses.replace(RULES, contact=3.001)
    closed = join(make_table(shapes), rules=rules).set_index(["unit_a", "unit_b"])
    assert closed.loc[(0, 1), ["border", "usable"]].tolist() == [3.0, False]
    assert closed["usable"].sum() == 4


def test_short_border_opens_where_a_community_would_fall_apart():
    """Short borders are opened where nothing else joins; of two on the same way the longer."""
    low = Polygon([(0, 0), (10, 0), (10, 1), (10, 8), (10, 10), (0, 10)])
    upper = Polygon([(10, 8), (20, 8), (20, 20), (10, 20), (10, 10)])
    lower = Polygon([(10, 0), (20, 0), (20, 7), (10, 1)])
    shapes = [low, upper, lower]
    adjacency = join(make_table(shapes), rules=dataclasses.replace(RULES, contact=5))
    assert rows(adjacency, "unit_a", "unit_b", "border", "usable") == [
        (0, 1, 2.0, True),
        (0, 2, 1.0, True),
    ]
    ring = [box(0, 0, 10, 10), box(10, 0, 11, 10), box(0, 10, 10, 12), box(10, 10, 11, 12)]
    adjacency = join(make_table(ring), rules=dataclasses.replace(RULES, contact=5))
    assert rows(adjacency, "unit_a", "unit_b", "border", "usable") == [
        (0, 1, 10.0, True),
        (0, 2, 10.0, True),
        (1, 3, 1.0, False),
        (2, 3, 2.0, True),
    ]


@pytest.mark.parametrize(
    ("households", "usable"), [([5, 0], True), ([0, 5], True), ([5, 5], False)]
)
def test_islet_has_to_be_in_some_grid(households, usable):
    """A river without bridge is opened towards a part where nobody lives, and to no other."""
    adjacency = join(make_table(PAIR, households), (), [(MIDDLE, "river")])
    assert adjacency["usable"].tolist() == [usable]


def test_islet_joins_along_its_longest_border():
    """An islet of two units joins one bank only, the one with which it shares most border."""
    shapes = [
        Polygon([(0, 0), (50, 0), (50, 10), (50, 30), (50, 50), (0, 50)]),
        box(50, 10, 60, 30),
        Polygon([(50, 30), (60, 30), (60, 40), (50, 50)]),
        Polygon([(60, 10), (90, 10), (90, 40), (60, 40), (60, 30)]),
    ]
    river = [(shapes[1].boundary.difference(LineString([(50, 30), (60, 30)])), "river")]
    river.append((shapes[2].boundary.difference(LineString([(50, 30), (60, 30)])), "river"))
    adjacency = join(make_table(shapes, [4, 0, 0, 4]), (), river)
    assert rows(adjacency, "unit_a", "unit_b", "barrier", "usable") == [
        (0, 1, "river", True),
        (0, 2, "river", False),
        (1, 2, "none", True),
        (1, 3, "river", False),
        (2, 3, "river", False),
    ]


WATER = box(-10, 40, 410, 80)
BRIDGE = LineString([(200, -5), (200, 125)])


@pytest.mark.parametrize("bridge", [[], [(BRIDGE, "street")], [(BRIDGE, "path")]])
def test_open_water(bridge):
    """Across divided water lies a river; neighbours on one bank are not parted by it."""
    homes = [(Point(x, y), 1) for y in (20, 100) for x in (50, 150, 250, 350)]
    city = draw_city([box(0, 0, 400, 120)], homes, bridge, [(WATER, "river")])
    units = make_units(city)
    adjacency = build_adjacency(units, city, RULES)
    south = units.centroid.y < 60
    across = south[adjacency["unit_a"]].to_numpy() != south[adjacency["unit_b"]].to_numpy()
    assert adjacency["barrier"][across].unique().tolist() == ["river"]
    assert set(adjacency["barrier"][~across]) <= {"none", "street"}
    assert adjacency["usable"][~across].all()
    assert adjacency["usable"][across].sum() == (2 if bridge else 0)


def test_graph():
    """Units are nodes with households and community, pairs are edges; a lonely unit is a node."""
    units = make_table([*PAIR, box(500, 0, 600, 100)], [3, 4, 5])
    graph = to_graph(units, join(units))
    assert dict(graph.nodes(data="households")) == {0: 3, 1: 4, 2: 5}
    assert graph.nodes[2]["community_id"] == "A"
    assert list(graph.edges(data=True)) == [
        (0, 1, {"border": 100.0, "barrier": "none", "usable": True})
    ]


def test_units_are_checked():
    """A table that is no units table is refused by name."""
    with pytest.raises(TableError, match="units: no column 'block_id'"):
        join(make_table(PAIR).drop(columns="block_id"))


def test_one_unit_has_no_pairs():
    """The table of a single unit is empty and keeps the contract."""
    assert len(join(make_table(PAIR[:1]))) == 0


@given(
    places=st.lists(st.tuples(st.integers(5, 95), st.integers(5, 95)), min_size=2, max_size=15),
    cut=st.integers(10, 90),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_borders_equal_what_shapely_intersects(places, cut):
    """Pairs and lengths are those of the intersection of every two units."""
    homes = [(Point(x, y), 1) for x, y in places]
    street = [(LineString([(cut, -5), (100 - cut, 105)]), "street")]
    city = draw_city([box(0, 0, 100, 100)], homes, street)
    units = make_units(city)
    adjacency = build_adjacency(units, city, RULES)
    shapes = units.geometry.to_numpy()
    a, b = np.triu_indices(len(shapes), k=1)
    length = shapely.length(shapely.intersection(shapes[a], shapes[b]))
    assert rows(adjacency, "unit_a", "unit_b") == list(
        zip(a[length > 0], b[length > 0], strict=True)
    )
    assert adjacency["border"].to_numpy() == pytest.approx(length[length > 0], rel=0, abs=1e-6)


@pytest.mark.shared
@pytest.mark.parametrize("read", [read_bukit_merah, read_vologda_centre])
def test_real_places_hold_together(shared_data, read):
    """Outlines are all accounted for; each community is in one part, over bridges where it must."""
    units = make_units(read(shared_data))
    adjacency = build_adjacency(units, read(shared_data), RULES)
    outer = shapely.coverage_union_all(units.geometry.to_numpy()).length
    assert 2 * adjacency["border"].sum() + outer == pytest.approx(units.length.sum(), rel=1e-9)
    parts = list(nx.connected_components(to_graph(units, adjacency[adjacency["usable"]])))
    assert len(parts) == units["community_id"].nunique()
    assert all(units.loc[sorted(part), "community_id"].nunique() == 1 for part in parts)
    river = adjacency[adjacency["barrier"] == "river"]
    assert (read is read_bukit_merah) == river.empty
    assert river.empty or river["usable"].nunique() == 2
