"""The index under the locator: whole numbers in, the owner of a point out."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from gridmap import cells
from gridmap.cells import Index, build_index, order_by_shape, own_points, trace_edges
from gridmap.errors import TableError
from tests.routines import compiled

number_cell, find_cell = compiled(cells._number_cell), compiled(cells._find_cell)
find_cells, order_by_cell = compiled(cells._find_cells), compiled(cells._order_by_cell)


def shapes_of(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Return rectangles in degrees, a to z."""
    return gpd.GeoDataFrame(geometry=[box(*corners) for corners in boxes], crs=4326).set_axis(
        [chr(97 + row) for row in range(len(boxes))]
    )


def test_edges_are_whole_numbers_pointing_up() -> None:
    """A square of one unit has four edges; none points down, level ones point east."""
    owner, edges = trace_edges(shapes_of((0, 0, 1e-7, 1e-7)).geometry)
    assert owner.tolist() == [0, 0, 0, 0]
    assert sorted(map(tuple, edges.tolist())) == [
        (0, 0, 0, 1),
        (0, 0, 1, 0),
        (0, 1, 1, 1),
        (1, 0, 1, 1),
    ]


def test_rounding_is_that_of_seven_decimals() -> None:
    """A half rounds as the decimal text of the same float does, also where the product lies."""
    for value in (0.00000005, 1.00000015, 122.23500025, -0.00000035):
        _, edges = trace_edges(shapes_of((value, 0, value + 1e-6, 1e-6)).geometry)
        assert edges[:, 0].min() == round(float(f"{value:.7f}") * 1e7)


def test_points_find_their_owner() -> None:
    """Inside, on the shared edge (the eastern one owns it), and outside (the number of grids)."""
    grids = shapes_of((0, 0, 1e-3, 1e-3), (1e-3, 0, 2e-3, 1e-3))
    owner, edges = trace_edges(grids.geometry)
    index = build_index(owner, edges, 2)
    x, y = np.array([5e-4, 1e-3, 1.5e-3, 3e-3]), np.full(4, 5e-4)
    found = own_points(index.frame, index.cells, index.choices, index.edges, x, y)
    assert found.tolist() == [0, 1, 1, 2]


def test_order_depends_on_shapes_alone() -> None:
    """Any order of the table gives the same order of shapes; the same shape twice is refused."""
    grids = shapes_of((0, 0, 1, 1), (1, 0, 2, 1), (2, 0, 3, 1))
    turned = grids.iloc[[2, 0, 1]]
    names = [
        table.index[order_by_shape(table, *trace_edges(table.geometry))].tolist()
        for table in (grids, turned)
    ]
    assert names[0] == names[1]
    twice = shapes_of((0, 0, 1, 1), (0, 0, 1, 1))
    with pytest.raises(TableError, match="a and b have the same shape"):
        order_by_shape(twice, *trace_edges(twice.geometry))


def index_of(grids: gpd.GeoDataFrame) -> tuple[Index, list[int]]:
    """Return the index of grids, and their rows in the order in which they own."""
    owner, edges = trace_edges(grids.geometry)
    rows = order_by_shape(grids, owner, edges)
    return build_index(np.argsort(rows)[owner], edges, len(grids)), rows.tolist()


def own_units(index: Index, units: np.ndarray) -> list[int]:
    """Return the owners of points given in whole numbers."""
    lon, lat = np.ascontiguousarray(units.T) / 1e7
    return own_points(index.frame, index.cells, index.choices, index.edges, lon, lat).tolist()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 4), min_size=1, max_size=7))
def test_boxes_that_overlap_and_leave_gaps(corners: list[tuple[int, int, int, int]]) -> None:
    """West and south borders in, east and north out, the first in order: also where three claim.

    A point that is in no box that way is owned by one that touches it, or by nobody.
    """
    sides = {(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in corners}
    boxes = np.array(sorted(sides))
    index, rows = index_of(shapes_of(*(boxes / 1e7)))
    units = np.stack(np.meshgrid(np.arange(-2, 16), np.arange(-2, 16)), -1).reshape(-1, 2)
    for at, owner in zip(units, own_units(index, units), strict=True):
        inside = [n for n, row in enumerate(rows) if in_box(boxes[row], at, 0)]
        touching = [n for n, row in enumerate(rows) if in_box(boxes[row], at, 1)]
        assert owner == inside[0] if inside else owner in (touching or [len(rows)])


def in_box(sides: np.ndarray, at: np.ndarray, more: int) -> bool:
    """Tell whether a point is in a box without its east and north borders; with them for 1."""
    return bool((sides[:2] <= at).all() and (at < sides[2:] + more).all())


def test_the_last_of_a_covered_cell_needs_no_test() -> None:
    """Lists end with a grid where there is no gap, and with nobody where there is one."""
    half = 5e-4
    together = shapes_of((0, 0, half, 1e-3), (half, 0, 1e-3, 1e-3))
    apart = shapes_of((0, 0, half - 1e-6, 1e-3), (half, 0, 1e-3, 1e-3))
    for grids, ends in ((together, {0, 1}), (apart, {2})):
        index, _ = index_of(grids)
        middle = (index.frame[5] // 2) * index.frame[4]
        cell = middle + ((5_000 - index.frame[0]) >> index.frame[2])
        place = -1 - int(index.cells[cell])
        while index.choices[place, 0] >= 0:
            place += 1
        assert ~index.choices[place, 0] in ends


def test_claims_that_cancel_each_other_out() -> None:
    """Two boxes and both as a third one: each edge is two grids', so nothing is an outline."""
    grids = shapes_of((0, 0, 4e-7, 4e-7), (4e-7, 0, 8e-7, 4e-7), (0, 0, 8e-7, 4e-7))
    ring = np.array([(0, 0), (4, 0), (8, 0), (8, 4), (4, 4), (0, 4)]) / 1e7
    grids.loc["c", "geometry"] = shapely.Polygon(ring)
    index, rows = index_of(grids)
    owners = own_units(index, np.array([(1, 1), (4, 1), (7, 3), (9, 4)]))
    for owner, claims in zip(owners, ({0, 2}, {1, 2}, {1, 2}), strict=False):
        assert owner == next(n for n, row in enumerate(rows) if row in claims)
    assert owners[3] == 3


def test_the_cell_of_a_point_is_the_same_for_all_who_ask() -> None:
    """One of 3 x 2 cells of 16 x 8, none outside; alone, among many and to put them in order."""
    frame = np.array([100, -50, 4, 3, 3, 2, 1], np.int64)
    x, y = np.meshgrid(np.arange(96, 152), np.arange(-54, -30), indexing="ij")
    x, y = x.ravel(), y.ravel()
    column, row = (x - 100) // 16, (y + 50) // 8
    inside = (column >= 0) & (column < 3) & (row >= 0) & (row < 2)
    wanted = np.where(inside, row * 3 + column, -1)
    lon, lat = x / 1e7, y / 1e7
    for held in (frame, tuple(frame[:6].tolist())):
        found = [number_cell(held, *place) for place in zip(x, y, strict=True)]
        assert found == wanted.tolist()
    degrees = [find_cell(frame, *place) for place in zip(lon, lat, strict=True)]
    assert degrees == wanted.tolist()
    whole_x, whole_y, place = (np.empty(len(x), np.int64) for _ in range(3))
    find_cells(frame, lon, lat, whole_x, whole_y, place)
    assert place.tolist() == wanted.tolist()
    order = order_by_cell(frame, lon, lat)
    assert np.all(np.diff(np.maximum(wanted, 0)[order]) >= 0)
