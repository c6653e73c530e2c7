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
from gridmap.compiling import kernel, routine

#: Cells looked at, per edge of the index and per cell, at most: with more, it is as quick to do
#: without lists.
_PER_EDGE, _PER_CELL = 8, 4
_FAR = 1e10  # units: farther is nothing on Earth
_SLACK = 0.01  # metres more than needed: no rounding on the way leaves out an edge


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
        Without lists if too many cells must be looked at for them, as they must be where
        ``near_border`` is as large as grids.
    """
    nobody = index.frame[6]
    outside = mark_far(index.frame, index.cells == nobody, nearest)
    most = _PER_EDGE * len(index.edges) + _PER_CELL * len(index.cells)
    arrays = (index.frame, index.cells, index.choices, index.spans, index.slabs, index.edges)
    cell, listed = _list_edges(*arrays, near_border, most)
    if not len(cell):
        return Near(listed, listed, listed.astype(np.uint8), outside)
    lengths = np.bincount(cell, minlength=len(index.cells))
    heads = np.append(0, np.cumsum(lengths)).astype(np.int32)
    listed = listed[np.argsort(cell, kind="stable")]  # in a cell grid by grid, as they were found
    return Near(heads, listed, np.packbits(lengths > 0, bitorder="little"), outside)


@kernel
def _list_edges(
    frame: Ints, cells: Ints, choices: Ints, spans: Ints, slabs: Ints, edges: Ints,
    near_border: float, most: Whole,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Pair cells with the edges that they are near to, grid by grid; nothing if many are looked at.

    In a cell with choices, ~grid stands before the edges of a grid.
    """
    top = scale_metres(0, max(abs(frame[1]), abs(frame[1] + (frame[5] << frame[3]))))
    scale = Place(0, 0, top.kx, scale_metres(0, 0).ky)  # no place of the territory has less
    reach = near_border + _SLACK
    high = np.int64(min(reach / scale.ky, _FAR)) + 1
    last = np.full(len(cells), -1, np.int32)  # per cell: the grid whose edges were noted last
    cell, listed = np.empty(1 << 16, np.int32), np.empty(1 << 16, np.int32)
    found: Whole = np.int64(0)
    looked = np.int64(0)
    for grid in range(len(spans)):
        begin, count, start = spans[grid]
        for slab in range(start, start + count):
            for edge in range(slabs[slab], slabs[slab + 1]):
                if (edges[edge, 1] - frame[1]) >> frame[3] != begin + slab - start:
                    continue  # it began in a row below, and was looked at there
                south = max((edges[edge, 1] - high - frame[1]) >> frame[3], np.int64(begin))
                north = (edges[edge, 3] + high - frame[1]) >> frame[3]
                for row in range(south, min(north + 1, np.int64(begin + count))):
                    west, east = _reach_columns(frame, edges, edge, row, reach, scale)
                    looked += max(east + 1 - west, np.int64(0))
                    if looked > most:
                        return cell[:0], listed[:0]
                    while found + 2 * (east + 1 - west) > cell.size:
                        cell, listed = np.append(cell, cell), np.append(listed, listed)
                    found = _list_row(
                        frame, cells, choices, edges, grid, edge, row, west, east, reach, scale,
                        last, cell, listed, found,
                    )  # fmt: skip
    return cell[:found], listed[:found]


@routine
def _list_row(
    frame: Ints, cells: Ints, choices: Ints, edges: Ints, grid: Whole, edge: Whole, row: Whole,
    west: Whole, east: Whole, reach: float, scale: Place,
    last: Ints, cell: Ints, listed: Ints, found: Whole,
) -> Whole:  # fmt: skip
    """Note the cells of a row that an edge is near to, behind what was found; return how many."""
    wide, high = 1 << frame[2], 1 << frame[3]
    # A cell is near if its middle is less than this from the edge, in the least metres.
    farthest = reach + math.hypot(wide / 2 * scale.kx, high / 2 * scale.ky)
    for column in range(west, east + 1):
        one = row * frame[4] + column
        only = np.int64(cells[one])
        if not (only == grid or (only < 0 and is_listed(choices, -1 - only, grid))):
            continue  # no point of the cell is the grid's
        x, y = frame[0] + (column << frame[2]), frame[1] + (row << frame[3])
        at = Place(x + (wide >> 1), y + (high >> 1), scale.kx, scale.ky)
        if square_to_edge(edges, edge, at) >= farthest * farthest:
            continue
        if only < 0 and last[one] != grid:
            cell[found], listed[found], last[one] = one, ~grid, grid
            found += 1
        cell[found], listed[found] = one, edge
        found += 1
    return found


@routine
def _reach_columns(
    frame: Ints, edges: Ints, edge: Whole, row: Whole, reach: float, scale: Place
) -> Pair:
    """Return the first and the last column of a row in which cells may be so near an edge."""
    wide = np.int64(min(reach / scale.kx, _FAR)) + 1
    high = np.int64(min(reach / scale.ky, _FAR)) + 1
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
    west, east = west - wide - frame[0], east + wide - frame[0]
    return max(west >> frame[2], np.int64(0)), min(east >> frame[2], frame[4] - 1)
