"""Which edges may be near the places of a cell: none is left out, and few are listed."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridmap.cells import (
    Index,
    Place,
    build_index,
    order_by_shape,
    own_points,
    scale_metres,
    square_to_edge,
    trace_edges,
)
from gridmap.near import Near, look_around
from tests.routines import compiled

scale_metres = compiled(scale_metres)
square_to_edge = compiled(square_to_edge)

WEST, SOUTH, STEP = 122.2, 40.6, 0.002
NOTHING = 1e9  # metres: no point is so far from a border


def make_index(seed: int = 0, side: int = 5) -> Index:
    """Index a field of squares of about 200 m whose corners are moved at random."""
    y, x = np.mgrid[0 : side + 1, 0 : side + 1] + np.random.default_rng(seed).uniform(
        -0.3, 0.3, (2, side + 1, side + 1)
    )
    corners = np.round(np.stack([WEST + x * STEP, SOUTH + y * STEP], -1), 7)
    shapes = [
        shapely.Polygon(
            [corners[r, c], corners[r, c + 1], corners[r + 1, c + 1], corners[r + 1, c]]
        )
        for r in range(side)
        for c in range(side)
    ]
    grids = gpd.GeoDataFrame(geometry=shapes, crs="EPSG:4326")
    owner, edges = trace_edges(grids.geometry)
    rows = order_by_shape(grids, owner, edges)
    return build_index(np.argsort(rows)[owner], edges, len(grids))


def read_list(index: Index, near: Near, cell: int, grid: int) -> set[tuple[int, ...]]:
    """Return the edges of a grid that are listed for a cell."""
    found, own = set(), index.cells[cell] >= 0
    for number in near.listed[near.heads[cell] : near.heads[cell + 1]].tolist():
        if number < 0:
            own = ~number == grid
        elif own:
            found.add(tuple(index.edges[number].tolist()))
    return found


def edges_of(index: Index, grid: int) -> list[int]:
    """Return the places of all edges of a grid."""
    _, count, slab = index.spans[grid]
    return list(range(index.slabs[slab], index.slabs[slab + count]))


@pytest.mark.parametrize("near_border", [0.5, 10.0, 35.0])
def test_no_near_edge_is_left_out(near_border: float) -> None:
    """Each edge of its grid that is nearer to a point is in the list of the point's cell."""
    index = make_index()
    near = look_around(index, near_border, 50.0)
    x0, y0, shift_x, shift_y, columns, rows, grids = index.frame.tolist()
    random = np.random.default_rng(1)
    x = random.integers(x0, x0 + (columns << shift_x), 4_000)
    y = random.integers(y0, y0 + (rows << shift_y), 4_000)
    owners = own_points(index.frame, index.cells, index.choices, index.edges, x / 1e7, y / 1e7)
    seen = 0
    for px, py, grid in zip(x.tolist(), y.tolist(), owners.tolist(), strict=True):
        if grid == grids:
            continue
        at = Place(px, py, *scale_metres(px, py)[2:])
        cell = ((py - y0) >> shift_y) * columns + ((px - x0) >> shift_x)
        needed = {
            tuple(index.edges[edge].tolist())
            for edge in edges_of(index, grid)
            if square_to_edge(index.edges, edge, at) < near_border**2
        }
        assert needed <= read_list(index, near, cell, grid)
        seen += len(needed)
    assert seen > 10


def test_most_cells_list_nothing() -> None:
    """Of grids of 200 m most cells are 10 m from any border, and the others list few edges."""
    index = make_index()
    near = look_around(index, 10.0, 50.0)
    lengths = np.diff(near.heads)[index.cells >= 0]
    assert (lengths == 0).mean() > 0.5
    assert lengths.max() <= 10


def test_lists_that_would_be_long_are_left_out() -> None:
    """Where every edge is near every place there are no lists, and no room is taken for them."""
    near = look_around(make_index(), NOTHING, 50.0)
    assert len(near.heads) == len(near.listed) == 0


def test_cells_far_outside_are_told() -> None:
    """Of a grid beside an empty field, cells are outside that are ``nearest`` metres from it."""
    shape = shapely.union(
        shapely.box(WEST, SOUTH, WEST + STEP, SOUTH + 2 * STEP),
        shapely.box(WEST + STEP, SOUTH, WEST + 3 * STEP, SOUTH + 1e-4),
    )
    owner, edges = trace_edges(gpd.GeoSeries([shape], crs="EPSG:4326"))
    index = build_index(owner, edges, 1)
    outside = look_around(index, 10.0, 50.0).outside
    x0, y0, shift_x, shift_y, columns, _, _ = index.frame.tolist()

    def is_outside(lon: float, lat: float) -> bool:
        column = (round(lon * 1e7) - x0) >> shift_x
        return bool(outside[((round(lat * 1e7) - y0) >> shift_y) * columns + column])

    assert is_outside(WEST + 2 * STEP, SOUTH + 1.5 * STEP)  # 160 m from it
    assert not is_outside(WEST + STEP + 3e-4, SOUTH + 1.5 * STEP)  # 25 m
    assert not is_outside(WEST + STEP / 2, SOUTH + STEP)  # inside
