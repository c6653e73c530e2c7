"""Ways on foot: along streets, across blocks, straight, and the lines of them."""

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
from shapely import LineString, Point, box

from gridmap.staff.walking import WalkNet, grid_points, make_walk_net
from gridmap.tables import STREETS, empty_table
from tests.staff.towns import make_strip


def make_net(*lines: list[tuple[float, float]], blocks: int = 1) -> WalkNet:
    """Return the net of some lines; the blocks are strips far off to the south."""
    streets = gpd.GeoDataFrame(geometry=[LineString(line) for line in lines], crs=4550)
    cells = [box(100 * at, -900, 100 * at + 100, -800) for at in range(blocks)]
    units = gpd.GeoDataFrame({"block_id": range(blocks)}, geometry=cells, crs=4550)
    return WalkNet(streets, units, 1.3)


def ask(net: WalkNet, a: tuple[float, float], b: tuple[float, float]) -> tuple[float, int]:
    """Return metres and way from a to b."""
    metres, ways = net.measure([Point(a)], [Point(b)])
    return float(metres[0, 0]), int(ways[0, 0])


def test_a_way_goes_round_the_corner() -> None:
    """100 m east and 100 m north along two streets, not 141 m across."""
    net = make_net([(0, 0), (100, 0)], [(100, 0), (100, 100)])
    assert ask(net, (0, 0), (100, 100)) == (200.0, 0)


def test_streets_that_cross_without_a_vertex_are_joined() -> None:
    """A cross of two lines: from the west to the north over the middle."""
    net = make_net([(-100, 0), (100, 0)], [(0, -100), (0, 100)])
    assert ask(net, (-100, 0), (0, 100)) == (200.0, 0)


def test_between_two_places_on_one_street_nothing_else_is_walked() -> None:
    """20 m along the street, and twice 10 m with the detour to it."""
    net = make_net([(0, 0), (100, 0)])
    assert ask(net, (40, 10), (60, 10))[0] == pytest.approx(20 + 2 * 13)


def test_streets_that_nothing_joins_are_walked_straight() -> None:
    """With the detour, and called straight."""
    net = make_net([(0, 0), (100, 0)], [(0, 50), (100, 50)])
    assert ask(net, (0, 0), (0, 50)) == (65.0, 2)


def test_within_a_block_one_may_walk_across() -> None:
    """Where that is nearer than round by the street; not into another block."""
    net = make_net([(0, 0), (1000, 0)], blocks=2)
    assert ask(net, (10, -850), (90, -850)) == (pytest.approx(104.0), 1)
    metres, way = ask(net, (90, -850), (110, -850))
    assert way == 0
    assert metres == pytest.approx(2 * 850 * 1.3 + 20)


def test_an_unknown_position_has_no_distance() -> None:
    """NaN, and no way."""
    net = make_net([(0, 0), (100, 0)])
    metres, ways = net.measure([None, Point(0, 0)], [Point(10, 0)])
    assert np.isnan(metres[0, 0])
    assert ways.ravel().tolist() == [3, 0]


def test_a_way_is_as_long_back() -> None:
    """Many origins to one target, and the other way round: the same metres, turned."""
    net = make_net([(0, 0), (100, 0)], [(100, 0), (100, 100)], [(0, 50), (100, 50)])
    some = [Point(x, y) for x, y in ((10, 5), (60, 20), (90, 80), (100, 40))] + [None]
    metres, ways = net.measure(some, some[:2])
    back, ways_back = net.measure(some[:2], some)
    assert metres == pytest.approx(back.T, nan_ok=True)
    assert (ways == ways_back.T).all()
    assert ways[4].tolist() == [3, 3]


def test_no_streets_is_straight_lines() -> None:
    """The net of an empty table."""
    units = gpd.GeoDataFrame({"block_id": [0]}, geometry=[box(0, 0, 1, 1)], crs=4550)
    net = WalkNet(empty_table(STREETS, 4550), units, 1.3)
    assert ask(net, (10, 0), (20, 0)) == (13.0, 2)


def test_distances_are_those_of_networkx() -> None:
    """A random lattice with streets left out: from corner to corner, and both ways alike."""
    rng = np.random.default_rng(3)
    lines = [[(x, y), (x + dx, y + dy)] for x in range(8) for y in range(8)
             for dx, dy in ((1, 0), (0, 1)) if rng.random() < 0.75]  # fmt: skip
    graph = nx.Graph([(tuple(a), tuple(b)) for a, b in lines])
    main = sorted(max(nx.connected_components(graph), key=len))
    net = make_net(*([(100 * x, 100 * y) for x, y in line] for line in lines))
    points = [Point(100 * x, 100 * y) for x, y in main]
    metres, _ = net.measure(points, points)
    for at in rng.integers(0, len(main), 20):
        far = nx.single_source_shortest_path_length(graph, main[at])
        assert metres[at] == pytest.approx([100 * far[node] for node in main])
    assert metres == pytest.approx(metres.T)


def test_the_line_of_a_way_is_as_long_as_the_way_on_streets() -> None:
    """From a place on one street to a place on another, and along one edge, both directions."""
    net = make_net([(0, 0), (100, 0)], [(100, 0), (100, 100)], [(100, 100), (0, 100)])
    for a, b in (((20, 0), (30, 100)), ((20, 0), (80, 0)), ((80, 0), (20, 0)), ((100, 9), (7, 0))):
        line = net.trace(Point(a), Point(b))
        assert line.coords[0] == a
        assert line.coords[-1] == b
        assert line.length == pytest.approx(ask(net, a, b)[0])


def test_grids_are_walked_to_where_their_homes_are() -> None:
    """A point inside of the grid; one without homes has a point as well."""
    plan = make_strip([[300, 0]])
    points = grid_points(plan)
    assert points.within(plan.grids.geometry).all()
    assert make_walk_net(plan).measure(points.to_numpy(), points.to_numpy())[0].shape == (2, 2)
