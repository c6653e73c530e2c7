"""The mesh: Delaunay triangles as Qhull has them, and arcs half way between labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from gridmap.cutting.mesh import (
    Arcs,
    enclose_points,
    hilbert_keys,
    straighten_arcs,
    trace_arcs,
    triangulate,
    turn,
)
from tests.routines import compiled

enclose_points = compiled(enclose_points)
hilbert_keys = compiled(hilbert_keys)
triangulate = compiled(triangulate)
turn = compiled(turn)

places = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=60)


def join(points):
    """Return the triangles of points within a wide triangle, and all corners."""
    x, y = np.array(points, dtype=np.int64).T.copy()
    order = np.argsort(hilbert_keys(x, y), kind="stable")
    x, y = enclose_points(x, y, x.max(), y.max())
    return x, y, *triangulate(x, y, order)


def test_triangles_are_those_of_qhull():
    """On scattered points, where the triangulation is unique, both agree."""
    points = np.random.default_rng(0).integers(0, 1_000_000, (3000, 2))
    x, y, triangles, _ = join(points)
    peer = Delaunay(np.column_stack([x, y])).simplices
    assert {*map(tuple, np.sort(triangles, axis=1).tolist())} == {
        *map(tuple, np.sort(peer, axis=1).tolist())
    }


@given(places)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_triangles_tile_and_circles_are_empty(points):
    """Rows, doubles and squares: triangles tile the wide one, no point lies in a circle."""
    x, y, triangles, beyond = join(points)
    areas = [turn(x, y, *corners) for corners in triangles]
    assert min(areas) > 0
    assert sum(areas) == turn(x, y, *range(len(x) - 3, len(x)))
    for t, row in enumerate(beyond):
        for other in row[row >= 0]:
            assert t in beyond[other]
    lifted = np.column_stack([x, y, x**2 + y**2]).astype(object)
    for corners in triangles:
        a, b, c = lifted[corners]
        across = np.cross((b - a).astype(float), (c - a).astype(float))
        height = (lifted[:-3] - a).astype(float) @ across
        assert height.min(initial=0) >= -1e-9 * np.abs(across).max()


@given(places)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_arcs_are_half_way(points):
    """Every vertex of an arc is as far from one of its labels as from the other."""
    x, y = 1000 * np.array(sorted(set(points)), dtype=np.int64).T.copy()
    label = np.arange(len(x)) % 3
    arcs, heads = trace_arcs(x, y, label, np.array([0, len(x)]), np.array([[40_000, 40_000]]))
    assert heads.tolist() == [0, len(arcs.left)]
    for arc, (left, right) in enumerate(zip(arcs.left, arcs.right, strict=True)):
        for i in range(arcs.heads[arc], arcs.heads[arc + 1]):
            apart = np.hypot(x - arcs.x[i], y - arcs.y[i])
            one, two = apart[label == left].min(), apart[label == right].min()
            assert one == pytest.approx(two, abs=2)
            assert apart.min() >= min(one, two) - 2


def test_two_points_have_their_label_on_its_side():
    """The arc between a western and an eastern point divides the whole block."""
    x, y = np.array([0, 1000]), np.array([0, 0])
    arcs, _ = trace_arcs(x, y, np.array([7, 8]), np.array([0, 2]), np.array([[9000, 9000]]))
    assert arcs.x.tolist() == [500, 500]
    assert min(arcs.y) < 0
    assert max(arcs.y) > 9000
    northwards = arcs.y[1] > arcs.y[0]
    assert (arcs.left[0], arcs.right[0]) == ((7, 8) if northwards else (8, 7))


def test_straighten():
    """A vertex within the tolerance goes, unless the arc is to stay whole; a tiny loop goes."""
    x = np.array([0, 100, 200, 0, 3, 0, 0], dtype=np.int64)
    y = np.array([0, 4, 0, 0, 0, 3, 0], dtype=np.int64)
    heads, label = np.array([0, 3, 7]), np.array([1, 2])
    arcs = Arcs(x, y, heads, label, label)
    assert straighten_arcs(arcs, 5.0, np.array([False, False])).x.tolist() == [0, 200]
    assert straighten_arcs(arcs, 3.0, np.array([False, False])).x.tolist() == [0, 100, 200]
    kept = straighten_arcs(arcs, 5.0, np.array([True, True]))
    assert kept.heads.tolist() == [0, 3, 7]
