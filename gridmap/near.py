"""Which edges may be near the places of each cell, so that few need to be measured.

A point is *near a border* if its own grid's border is less than so many metres away. For each cell
the edges are listed that can be so near to any place of it, grid by grid: most cells have none, and
the others have two or three, where a grid has twenty in the rows about. The lists leave out only
what is too far from everywhere in the cell, so what is measured is the same with them and without.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from gridmap.cells import (
    Flags,
    Index,
    Ints,
    Pair,
    Place,
    Whole,
    is_listed,
    mark_far,
    scale_metres,
    square_to_edge,
)

#: Entries per edge of the index and per cell at most: with more, it is as quick to do without.
_PER_EDGE, _PER_CELL = 8, 4
_FAR = 1e10  # units: farther is nothing on Earth
_SLACK = 0.01  # metres more than needed: no rounding on the way leaves out an edge

Scale = tuple[float, float]  # metres of 1e-7 degrees each way


class Near(NamedTuple):
    """What is known of the surroundings of each cell of an index."""

    heads: Ints  #: the list of cell c is listed[heads[c]:heads[c + 1]]; empty: there are no lists
    listed: Ints  #: edges of the index; in a cell with choices, those of grid g stand behind ~g
    bordering: Ints  #: a bit per cell, the lowest first: whether its list has any
    outside: Flags  #: per cell: whether each of its places is ``nearest`` metres outside, or more


def look_around(index: Index, near_border: float, nearest: float) -> Near:
    """List the edges near each cell, and find the cells far outside.

    Parameters
    ----------
    index : Index
        The cells and edges.
    near_border : float
        Metres from the border of its grid below which a point is near it.
    nearest : float
        Metres outside the territory from which no grid answers.

    Returns
    -------
    Near
        Without lists if they would be long, as they are where ``near_border`` is as large as grids.
    """
    nobody = index.frame[6]
    outside = mark_far(index.frame, index.cells == nobody, nearest)
    most = _PER_EDGE * len(index.edges) + _PER_CELL * len(index.cells)
    heads = np.zeros(len(index.cells) + 1, np.int32)
    arrays = (index.frame, index.cells, index.choices, index.spans, index.slabs, index.edges)
    if not _list_edges(*arrays, near_border, heads[1:], np.empty(0, np.int32), most):
        nothing = np.empty(0, np.int32)
        return Near(nothing, nothing, nothing.astype(np.uint8), outside)
    np.cumsum(heads, out=heads)
    listed = np.empty(heads[-1], np.int32)
    _list_edges(*arrays, near_border, heads[:-1].copy(), listed, most)
    bordering = np.packbits(heads[1:] > heads[:-1], bitorder="little")
    return Near(heads, listed, bordering, outside)


@njit(cache=True, nogil=True)
def _list_edges(
    frame: Ints, cells: Ints, choices: Ints, spans: Ints, slabs: Ints, edges: Ints,
    near_border: float, heads: Ints, listed: Ints, most: Whole,
) -> bool:  # fmt: skip
    """Write each edge into the lists of the cells that it is near, behind what is there.

    Where ``listed`` is empty, entries are only counted. It tells whether ``most`` were enough.
    """
    top = scale_metres(0, max(abs(frame[1]), abs(frame[1] + (frame[5] << frame[3]))))
    least = top.kx, scale_metres(0, 0).ky  # no place of the territory has fewer metres
    last = np.full(len(cells), -1, np.int32)  # per cell: the grid whose edges end its list
    looked = np.int64(0)
    for grid in range(len(spans)):
        for slab in range(spans[grid, 2], spans[grid, 2] + spans[grid, 1]):
            row = spans[grid, 0] + slab - spans[grid, 2]
            for edge in range(slabs[slab], slabs[slab + 1]):
                if (edges[edge, 1] - frame[1]) >> frame[3] == row:  # others began in a row below
                    looked += _list_edge(
                        frame, cells, choices, spans, edges, grid, edge, least,
                        near_border + _SLACK, heads, listed, last,
                    )  # fmt: skip
                if looked > most:
                    return False
    return True


@njit(cache=True, nogil=True)
def _list_edge(
    frame: Ints, cells: Ints, choices: Ints, spans: Ints, edges: Ints, grid: Whole, edge: Whole,
    least: Scale, reach: float, heads: Ints, listed: Ints, last: Ints,
) -> Whole:  # fmt: skip
    """Write an edge into the lists of cells; return how many were looked at."""
    x0, y0, shift_x, shift_y, columns, _, _ = frame
    kx, ky = least
    # What is written is as far from the edge, in the least metres, as a cell's middle may be.
    half_x, half_y = (1 << shift_x) / 2, (1 << shift_y) / 2
    farthest = reach + math.hypot(half_x * kx, half_y * ky)
    high = np.int64(min(reach / ky, _FAR)) + 1
    first = max((edges[edge, 1] - high - y0) >> shift_y, np.int64(spans[grid, 0]))
    behind = min(
        ((edges[edge, 3] + high - y0) >> shift_y) + 1, np.int64(spans[grid, 0] + spans[grid, 1])
    )
    looked = np.int64(0)
    for row in range(first, behind):
        west, east = _reach_columns(frame, edges, edge, row, high, np.int64(min(reach / kx, _FAR)))
        looked += east + 1 - west
        for cell in range(row * columns + west, row * columns + east + 1):
            x = x0 + ((cell - row * columns) << shift_x) + (1 << shift_x >> 1)
            at = Place(x, y0 + (row << shift_y) + (1 << shift_y >> 1), kx, ky)
            if square_to_edge(edges, edge, at) < farthest * farthest:
                _write_edge(cells, choices, cell, grid, edge, heads, listed, last)
    return looked


@njit(cache=True, nogil=True)
def _reach_columns(
    frame: Ints, edges: Ints, edge: Whole, row: Whole, high: Whole, wide: Whole
) -> Pair:
    """Return the first and the last column of a row that an edge may be near: so high, so wide."""
    low = frame[1] + (row << frame[3]) - high
    top = low + (1 << frame[3]) + 2 * high
    ax, ay = np.int64(edges[edge, 0]), np.int64(edges[edge, 1])
    bx, by = np.int64(edges[edge, 2]), np.int64(edges[edge, 3])
    west, east = min(ax, bx), max(ax, bx)
    if by > ay:
        slope = (bx - ax) / (by - ay)
        x1, x2 = ax + slope * (max(ay, low) - ay), ax + slope * (min(by, top) - ay)
        west = max(west, np.int64(math.floor(min(x1, x2))))
        east = min(east, np.int64(math.ceil(max(x1, x2))))
    west, east = west - wide - 1 - frame[0], east + wide + 1 - frame[0]
    return max(west >> frame[2], np.int64(0)), min(east >> frame[2], frame[4] - 1)


@njit(cache=True, nogil=True)
def _write_edge(
    cells: Ints, choices: Ints, cell: Whole, grid: Whole, edge: Whole,
    heads: Ints, listed: Ints, last: Ints,
) -> None:  # fmt: skip
    """Write an edge of a grid into the list of a cell, if a point of the cell may be the grid's."""
    only = np.int64(cells[cell])
    if not (only == grid or (only < 0 and is_listed(choices, -1 - only, grid))):
        return
    if only < 0 and last[cell] != grid:
        if listed.size:
            listed[heads[cell]] = ~grid
        last[cell] = grid
        heads[cell] += 1
    if listed.size:
        listed[heads[cell]] = edge
    heads[cell] += 1
