"""Coverages as graphs: what goes in comes out, faces dissolve, holes find their face."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Polygon, box

from gridmap.cutting.coverage import (
    GRID,
    dissolve,
    make_polygons,
    number_points,
    read_polygons,
    round_points,
    trace_rings,
)

line = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=5, unique=True
).map(LineString)


def draw_faces(lines):
    """Return the faces between lines in a square."""
    noded = shapely.union_all([box(0, 0, 20, 20).boundary, *lines], grid_size=GRID)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


@given(st.lists(line, max_size=8))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_polygons_come_back(lines):
    """Reading a coverage and making its polygons again changes no shape, holes included."""
    faces = draw_faces(lines)
    again = make_polygons(read_polygons(faces))
    assert shapely.equals(faces, again).all()
    assert shapely.is_valid(again).all()
    assert shapely.is_ccw(shapely.get_exterior_ring(again)).all()


@given(st.lists(line, min_size=1, max_size=8))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_traced_without_faces(lines):
    """Edges that only know the square around them give the same faces, islands in the right one."""
    faces = draw_faces(lines)
    graph = dissolve_to_square(read_polygons(faces))
    again = make_polygons(
        graph._replace(left=(sides := trace_rings(graph).sides)[:, 0], right=sides[:, 1])
    )
    assert shapely.area(again).sum() == pytest.approx(400)
    assert shapely.normalize(shapely.multipolygons(again)).equals(
        shapely.normalize(shapely.multipolygons(faces))
    )


def dissolve_to_square(graph):
    """Return the graph with one whole on the inside of every edge, and no edge left out."""
    return graph._replace(left=np.minimum(graph.left, 0), right=np.minimum(graph.right, 0))


def test_dissolve_keeps_holes_and_points_of_touch():
    """A ring of faces has a hole; a hole that touches the outline is a ring of its own."""
    inner = box(5, 5, 15, 15)
    faces = draw_faces(
        [inner.boundary, LineString([(0, 10), (5, 10)]), LineString([(15, 10), (20, 10)])]
    )
    owner = np.array([0 if face.equals(inner) else 1 for face in faces])
    merged = make_polygons(dissolve(read_polygons(faces), owner))
    assert merged[0].equals(inner)
    assert merged[1].equals(box(0, 0, 20, 20).difference(inner))
    kite = Polygon([(0, 0), (10, 5), (15, 15), (5, 10)])
    again = make_polygons(read_polygons(draw_faces([kite.boundary])))
    assert sorted(len(face.interiors) for face in again) == [0, 1]
    assert shapely.is_valid(again).all()


def test_points_are_the_same_within_the_grid():
    """Points that round to the same multiple are one node, with the number of the first."""
    points = np.array([[4.5e6, 1.0], [4.5e6 + 1e-9, 1.0], [4.5e6, 1.0 + 2e-7], [4.5e6, 1.0]])
    node, first = number_points(points)
    assert node.tolist() == [0, 0, 1, 0]
    assert first.tolist() == [0, 2]


def test_rounding_is_that_of_geos():
    """What GEOS rounded stays as it is, eastings with the number of their zone too."""
    points = np.random.default_rng(0).uniform(0, 4.2e7, (500, 2))
    shapes = shapely.set_precision(shapely.points(points), GRID)
    rounded = shapely.get_coordinates(shapes)
    assert (round_points(rounded) == rounded).all()
    assert np.abs(round_points(points) - points).max() <= GRID
