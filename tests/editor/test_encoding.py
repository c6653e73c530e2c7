"""The map as bytes: every border once, nothing lost, small."""

from collections import Counter

import numpy as np
import pytest

from gridmap.cutting.coverage import chain_edges, read_polygons
from gridmap.editor import encoding
from gridmap.editor.encoding import encode_city, pack_integers
from gridmap.errors import GridmapError
from gridmap.partition import make_problem
from gridmap.plan import Plan, draw_plan
from gridmap.rules import Rules
from gridmap.synthetic import make_city


def unpack(data: bytes) -> np.ndarray:
    """Read varints, one by one: slow and plain."""
    numbers, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append((value >> 1) ^ -(value & 1))
            value = shift = 0
    return np.array(numbers, np.int64)


def read(plan: Plan, rules: Rules | None = None) -> dict[str, np.ndarray]:
    """Return the streams of a plan's map by name."""
    header, buffers = encode_city(
        plan, rules or plan.rules, make_problem(plan.units, plan.adjacency)
    )
    return dict(zip(header["streams"], map(unpack, buffers), strict=True))


def test_numbers_come_back() -> None:
    """Of every size and sign, and none at all."""
    for numbers in ([], [0], [-1], [63, 64, -64, -65], [2**31 - 1, -(2**31), 2**62, -(2**62)]):
        assert unpack(pack_integers(numbers)).tolist() == numbers


def test_each_border_is_sent_once(four_by_two: Plan) -> None:
    """Eight squares have 22 sides; arcs end where three units meet, and at no other place."""
    streams = read(four_by_two)
    left = np.cumsum(streams["arc_left"])
    right = left + streams["arc_right"]
    pairs = Counter((min(a, b), max(a, b)) for a, b in zip(left, right, strict=True))
    inner = {pair: count for pair, count in pairs.items() if pair[0] >= 0}
    assert len(inner) == 10
    assert set(inner.values()) == {1}
    corners = np.cumsum(streams["arc_steps"].reshape(-1, 2), axis=0) * encoding.STEP
    assert corners.min() == 0
    assert corners.max(axis=0).tolist() == [400, 200]
    assert streams["arc_points"].sum() == len(corners)


def test_pairs_are_the_usable_ones(four_by_two: Plan) -> None:
    """What a grid may be joined through, and nothing between communities."""
    streams = read(four_by_two)
    first = np.cumsum(streams["pair_a"])
    sent = set(zip(first.tolist(), (first + streams["pair_b"]).tolist(), strict=True))
    usable = four_by_two.adjacency[four_by_two.adjacency["usable"]]
    assert sent == set(zip(usable["unit_a"], usable["unit_b"], strict=True))


def test_drawn_borders_stay_near_the_true_ones() -> None:
    """Every corner of every unit lies within half a metre of what is drawn of its border."""
    import shapely

    plan = draw_plan(make_city(3), steps=10)
    streams = read(plan)
    points = np.cumsum(streams["arc_steps"].reshape(-1, 2), axis=0) * encoding.STEP
    points += np.floor(plan.units.total_bounds[:2])
    arc = np.repeat(np.arange(len(streams["arc_points"])), streams["arc_points"])
    drawn = shapely.union_all(shapely.linestrings(points, indices=arc))
    corners = shapely.points(shapely.get_coordinates(plan.units.geometry.to_numpy()))
    assert shapely.distance(drawn, corners).max() < encoding.THIN + 2 * encoding.STEP


def test_targets_travel_only_where_they_differ(four_by_two: Plan) -> None:
    """One target for all needs none; a unit with its own brings targets and loads of all."""
    assert not len(read(four_by_two)["targets"])
    units = four_by_two.units.assign(target=np.where(four_by_two.units.index == 0, 50.0, np.nan))
    mixed = Plan(**{**vars(four_by_two), "units": units})
    streams = read(mixed)
    assert (streams["targets"] / 1000).tolist() == [50.0, *[150.0] * 7]
    assert (streams["load"][0], streams["load"][1]) == (180, 60)


def test_too_many_grids(four_by_two: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is told with what to do."""
    monkeypatch.setattr(encoding, "MOST_GRIDS", 3)
    with pytest.raises(GridmapError, match="at most 3 grids, not 4; edit one district"):
        read(four_by_two)


def test_arcs_cover_every_edge_once() -> None:
    """Chained, the edges of a town are all there, with the faces that they had."""
    plan = draw_plan(make_city(3), steps=5)
    coverage = read_polygons(np.asarray(plan.units.geometry.array))
    arcs = chain_edges(coverage)
    steps = np.ones(len(arcs.nodes) - 1, bool)
    steps[arcs.heads[1:-1] - 1] = False
    arc = np.repeat(np.arange(len(arcs.left)), np.diff(arcs.heads))[:-1][steps]
    ways = np.column_stack(
        [arcs.nodes[:-1][steps], arcs.nodes[1:][steps], arcs.left[arc], arcs.right[arc]]
    )
    back = ways[:, 0] > ways[:, 1]
    ways[back] = ways[back][:, [1, 0, 3, 2]]
    edges = np.column_stack(coverage[1:])
    turned = edges[:, 0] > edges[:, 1]
    edges[turned] = edges[turned][:, [1, 0, 3, 2]]
    assert sorted(map(tuple, ways.tolist())) == sorted(map(tuple, edges.tolist()))
