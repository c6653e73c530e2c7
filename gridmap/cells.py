"""An exact index of a coverage on whole numbers, and the kernels that ask it.

Cells of a power of two lie over the territory. A cell without an edge answers at once. A cell with
edges lists the grids that it may belong to; for each (grid, row of cells), its *slab*, the edges of
the grid in that row are kept together. That is all a test needs. Grids are found by the parity of
the edges crossed on the way east; what happens on a border is said in `gridmap.locate`. Where grids
cover a cell without a gap the last one listed needs no test: what is in none of the others is in
that one.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from gridmap.compiling import kernel, routine
from gridmap.errors import TableError
from gridmap.later import later

if TYPE_CHECKING:
    import geopandas as gpd
else:
    gpd = later("geopandas")

Ints = NDArray[Any]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Whole = int | np.int64  # numba's and numpy's whole numbers are the same 64 bits
Truth = bool | np.bool_  # so are their truths
Pair = tuple[Whole, Whole]
Frame = Ints | tuple[Whole, ...]  # that of an index, or its numbers
Nearest = tuple[float, Whole]  # the square of a distance in metres, and a grid

INSIDE, BORDER, NEAREST, NONE = range(4)  #: what an answer can be
_UNITS = 10_000_000  # whole numbers per degree
_RADIUS, _FLATNESS = 6378137.0, 0.0066943799901413165  # WGS-84: equator in metres, e²
_CELLS_PER_GRID, _CELLS_PER_EDGE = 128, 4
_FEWEST_CELLS, _MOST_CELLS = 1 << 12, 1 << 23
_CACHED = 1 << 23  # bytes of edges that the caches of a processor hold
_OVERLAP = 1e-10  # square degrees that two grids share at least to overlap: about 1 m²
_BLOCK = 1 << 10  # points that go through the steps of `own_points` together
_FEWEST_SORTED = 1 << 14  # fewer points are not worth sorting


def trace_edges(shapes: gpd.GeoSeries, whose: Ints | None = None) -> tuple[Ints, Ints]:
    """Return the row of the shape of each edge, and the edges: ax, ay, bx, by, with a below b.

    Level edges run eastward. An edge that one row has twice is no border of it, and left out.

    Parameters
    ----------
    shapes : GeoSeries
        In degrees.
    whose : array of int, optional
        The row that each shape counts for, where that is not its own: of two in a row that overlap,
        what is in both is in none.
    """
    parts, part_row = shapely.get_parts(shapes.to_numpy(), return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    points = _round_degrees(corners)
    edges = np.hstack([points[:-1], points[1:]])
    real = (ring[:-1] == ring[1:]) & (edges[:, :2] != edges[:, 2:]).any(axis=1)
    edges, rows = edges[real], part_row[ring_part[ring[:-1][real]]]
    rows = rows if whose is None else whose[rows]
    down = (edges[:, 1] > edges[:, 3]) | (
        (edges[:, 1] == edges[:, 3]) & (edges[:, 0] > edges[:, 2])
    )
    edges[down] = edges[down][:, [2, 3, 0, 1]]
    order = np.lexsort([*edges.T[::-1], rows])
    edges, rows = edges[order], rows[order]
    new = np.ones(len(rows) + 1, np.bool_)
    new[1:-1] = (rows[1:] != rows[:-1]) | (edges[1:] != edges[:-1]).any(axis=1)
    heads = np.flatnonzero(new)
    once = heads[:-1][np.diff(heads) % 2 == 1]
    return rows[once], edges[once]


def _round_degrees(degrees: Floats) -> Ints:
    """Round to 1e-7 degrees exactly as writing with seven decimals does."""
    scaled = degrees * _UNITS
    whole = np.rint(scaled)
    # The product itself is rounded: near a half only the decimal expansion tells the way.
    for place in zip(*np.nonzero(np.abs(np.abs(scaled - whole) - 0.5) < 1e-6), strict=True):
        whole[place] = int(f"{degrees[place]:.7f}".replace(".", ""))
    return whole.astype(np.int64)


def order_by_shape(grids: gpd.GeoDataFrame, owner: Ints, edges: Ints) -> Ints:
    """Return the rows of the grids in the order in which they own: exclusive grids come first.

    Those of a kind (column ``grid_type``; base where there is none) are in the order of their
    (sorted) lists of edges.
    """
    raw = (edges + (1 << 31)).astype(">u4")
    cuts = np.searchsorted(owner, np.arange(len(grids) + 1))
    keys = [raw[start:stop].tobytes() for start, stop in pairwise(cuts)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    for one, other in pairwise(order):
        if keys[one] == keys[other]:
            pair = f"{grids.index[one]} and {grids.index[other]}"
            raise TableError(f"grids: {pair} have the same shape: drop one")
    rows = np.array(order)
    return rows[np.argsort(~_are_exclusive(grids)[rows], kind="stable")]


def _are_exclusive(grids: gpd.GeoDataFrame) -> Flags:
    """Say which grids are exclusive; none where their types are not told."""
    kinds = grids.get("grid_type")
    return np.zeros(len(grids), np.bool_) if kinds is None else (kinds == "exclusive").to_numpy()


def cut_zones(
    grids: gpd.GeoDataFrame, shapes: gpd.GeoSeries, owner: Ints, edges: Ints
) -> tuple[Ints, Ints]:
    """Take what exclusive grids cover out of the base grids below, which do not own it.

    So the distance to a border is that to the land of another owner, and what lies across is known.

    Parameters
    ----------
    grids : GeoDataFrame
        The grids, exclusive where ``grid_type`` says so.
    shapes : GeoSeries
        Theirs, in degrees.
    owner, edges : array
        As `trace_edges` gives them; so are those that come back.
    """
    over, under = _find_overlays(grids, shapes)
    if not len(over):
        return owner, edges
    rows = np.arange(len(grids))
    both = shapes.iloc[np.concatenate([rows, over])]
    cut_owner, cut_edges = trace_edges(both, np.concatenate([rows, under]))
    # A base grid that is covered wholly owns nothing, but has to be somewhere.
    gone = ~np.isin(rows, cut_owner)[owner]
    return np.concatenate([cut_owner, owner[gone]]), np.concatenate([cut_edges, edges[gone]])


def _find_overlays(grids: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> tuple[Ints, Ints]:
    """Return the rows of exclusive grids and of the base grids below, a pair for each overlap."""
    exclusive = _are_exclusive(grids)
    if not exclusive.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    zones, bases = np.flatnonzero(exclusive), np.flatnonzero(~exclusive)
    outlines = shapes.to_numpy()
    tree = shapely.STRtree(outlines[bases])
    over, under = tree.query(outlines[zones], predicate="intersects")
    over, under = zones[over], bases[under]
    shared = shapely.area(shapely.intersection(outlines[over], outlines[under]))
    return over[shared > _OVERLAP], under[shared > _OVERLAP]


def _match_edges(owner: Ints, edges: Ints, grids: int) -> tuple[Ints, Ints]:
    """Return the grid on the other side of each edge, and the outline of all grids.

    The grid is ``grids`` where there is none; the outline is the edges of an odd number of grids.
    """
    distinct, edge, times = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    edge = edge.ravel()
    order = np.lexsort([owner, edge])
    heads = np.cumsum(times) - times
    first, second = order[heads], order[np.minimum(heads + 1, len(order) - 1)]
    # Where several claim an edge (a zone over several grids), the first in order is across from
    # all others: it owns what lies there.
    across = owner[first][edge]
    across[first] = np.where(times > 1, owner[second], grids)
    return across, distinct[times % 2 == 1]


# --- the index ---------------------------------------------------------------------------------


class Index(NamedTuple):
    """The arrays that the kernels read; grids are numbered in the order of their shapes."""

    frame: Ints  #: x0, y0, shift_x, shift_y, columns, rows, grids: cells are 1 << shift wide, high
    cells: Ints  #: per cell its grid, the number of grids if outside; -1 - c: its choices are at c
    choices: Ints  #: grid, first edge, edge behind the last; of the last one of a cell: ~grid
    spans: Ints  #: per grid its first row of cells, its number of rows, its first slab
    slabs: Ints  #: per slab s: its edges are edges[slabs[s]:slabs[s + 1]]
    edges: Ints  #: ax, ay, bx, by; a is below b
    across: Ints  #: per edge the grid on its other side, the number of grids for none


def build_index(owner: Ints, edges: Ints, grids: int) -> Index:
    """Lay cells over the edges of a coverage and sort the edges into them.

    Parameters
    ----------
    owner : array of int, shape (m,)
        The grid of each edge.
    edges : array of int, shape (m, 4)
        As `trace_edges` gives them.
    grids : int
        How many grids there are.
    """
    frame = _lay_cells(edges, grids)
    across, outline = _match_edges(owner, edges, grids)
    spans, slabs, edge = _sort_into_slabs(frame, owner, edges, grids)
    table = np.ascontiguousarray(edges[edge], np.int32)
    related = _relate_cells(frame, spans, slabs, table)
    covered = _find_covered(frame, outline)
    cells, choices = _list_choices(frame, spans, slabs, *related, covered)
    return Index(frame, cells, choices, spans, slabs, table, across[edge].astype(np.int32))


def _lay_cells(edges: Ints, grids: int) -> Ints:
    """Choose the size of the cells: about square on the ground, a power of two each way."""
    x, y = edges[:, 0::2], edges[:, 1::2]
    x0, y0 = int(x.min()), int(y.min())
    width, height = int(x.max()) - x0 + 1, int(y.max()) - y0 + 1
    if 2 * width * height >= 1 << 63:
        raise TableError("grids: the territory is too large for exact arithmetic; is it a city?")
    wanted = min(
        max(_CELLS_PER_GRID * grids, _CELLS_PER_EDGE * len(edges), _FEWEST_CELLS), _MOST_CELLS
    )
    squeeze = math.cos(math.radians((y0 + height / 2) / _UNITS))
    side = math.sqrt(width * squeeze * height / wanted)  # in units of latitude
    shift_x = max(round(math.log2(max(side / max(squeeze, 1e-3), 1.0))), 0)
    shift_y = max(round(math.log2(max(side, 1.0))), 0)
    columns, rows = ((width - 1) >> shift_x) + 1, ((height - 1) >> shift_y) + 1
    return np.array([x0, y0, shift_x, shift_y, columns, rows, grids], np.int64)


def _sort_into_slabs(frame: Ints, owner: Ints, edges: Ints, grids: int) -> tuple[Ints, Ints, Ints]:
    """Return spans, slabs, and which edge is where in the slabs: one in each row that it meets."""
    low = (edges[:, 1] - frame[1]) >> frame[3]
    high = (edges[:, 3] - frame[1]) >> frame[3]
    first = np.full(grids, np.iinfo(np.int64).max)
    last = np.full(grids, -1)
    np.minimum.at(first, owner, low)
    np.maximum.at(last, owner, high)
    count = last - first + 1
    start = _place_slabs(owner, edges, first, count)
    times = high - low + 1
    edge = np.repeat(np.arange(len(edges)), times)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(times) - times, times)
    slab = (start - first)[owner[edge]] + low[edge] + step
    order = np.lexsort([edge, slab])
    slabs = np.searchsorted(slab[order], np.arange(count.sum() + 1))
    return (
        np.column_stack([first, count, start]).astype(np.int32),
        slabs.astype(np.int32),
        edge[order],
    )


def _place_slabs(owner: Ints, edges: Ints, first: Ints, count: Ints) -> Ints:
    """Return the first slab of each grid: grids follow each other in memory as on the map.

    So points in the order of cells find what they need where the last one did, or just behind.
    """
    west = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(west, owner, edges[:, 0])
    order = np.lexsort([west, first])
    start = np.empty(len(first), np.int64)
    start[order] = np.cumsum(count[order]) - count[order]
    return start


def _find_covered(frame: Ints, outline: Ints) -> Flags:
    """Return the cells of which every point is in an odd number of grids: there is one at least."""
    covered = np.zeros(int(frame[4] * frame[5]), np.bool_)
    if len(outline):
        all_one = np.zeros(len(outline), np.int64)  # as if there were one grid of that border
        spans, slabs, edge = _sort_into_slabs(frame, all_one, outline, 1)
        table = np.ascontiguousarray(outline[edge], np.int32)
        cell, _, touched = _relate_cells(frame, spans, slabs, table)
        covered[cell] = True
        covered &= ~touched
    return covered


def _list_choices(
    frame: Ints, spans: Ints, slabs: Ints, cell: Ints, choice: Ints, touched: Ints, covered: Flags
) -> tuple[Ints, Ints]:
    """Turn pairs (cell, grid) into the tables of cells and choices."""
    columns, rows, grids = int(frame[4]), int(frame[5]), int(frame[6])
    cells = np.full(columns * rows, grids, np.int32)
    order = np.argsort(cell, kind="stable")  # grids were related in order, and stay in it
    cell, choice = cell[order], choice[order]
    inner = ~touched[cell]
    cells[cell[inner][::-1]] = choice[inner][::-1]  # of several, the first is written last
    cell, choice = cell[~inner], choice[~inner]
    slab = spans[choice, 2] + cell // columns - spans[choice, 0]
    choices = np.column_stack([choice, slabs[slab], slabs[slab + 1]])
    last = np.flatnonzero(np.append(cell[1:] != cell[:-1], True))
    open_ended = ~covered[cell[last]]
    choices[last[~open_ended], 0] = ~choices[last[~open_ended], 0]
    choices = np.insert(choices, last[open_ended] + 1, [~grids, 0, 0], axis=0)
    ends = last + np.cumsum(open_ended)
    cells[cell[last]] = -1 - np.append(0, ends[:-1] + 1)
    return cells, choices.astype(np.int32)


@kernel
def mark_far(frame: Ints, kind: Flags, metres: float) -> Flags:
    """Mark the cells of a kind of which every place is so far from all cells of another kind."""
    columns, rows = frame[4], frame[5]
    top = scale_metres(0, max(abs(frame[1]), abs(frame[1] + (rows << frame[3]))))
    wide = np.int64(min(math.ceil(metres / max(top.kx * (1 << frame[2]), 1e-9)), columns))
    high = np.int64(min(math.ceil(metres / (scale_metres(0, 0).ky * (1 << frame[3]))), rows))
    level, far = np.zeros(columns * rows, np.bool_), np.zeros(columns * rows, np.bool_)
    for row in range(rows):  # first along each row, then across the rows
        since = np.int64(0)
        for column in range(columns):
            since = since + 1 if kind[row * columns + column] else np.int64(0)
            if since > 2 * wide:
                level[row * columns + column - wide] = True
    run = np.zeros(columns, np.int64)
    for row in range(rows):
        for column in range(columns):
            run[column] = run[column] + 1 if level[row * columns + column] else 0
            if run[column] > 2 * high:
                far[(row - high) * columns + column] = True
    return far


@kernel
def _relate_cells(frame: Ints, spans: Ints, slabs: Ints, edges: Ints) -> tuple[Ints, Ints, Ints]:
    """Pair each cell with the grids that have an edge in it or cover it; tell which have edges."""
    columns, rows, grids = frame[4], frame[5], len(spans)
    touched = np.zeros(columns * rows, np.bool_)
    stamp = np.full(columns, -1, np.int64)  # per column: the last slab with an edge in it
    most = 0
    for grid in range(grids):
        most += spans[grid, 1] * columns
    most = min(most, 1 << 22)
    cell, choice = np.empty(most, np.int32), np.empty(most, np.int32)
    found = 0
    for grid in range(grids):
        for row in range(spans[grid, 0], spans[grid, 0] + spans[grid, 1]):
            slab = spans[grid, 2] + row - spans[grid, 0]
            start, stop = slabs[slab], slabs[slab + 1]
            west, east = _stamp_row(frame, edges[start:stop], row, slab, stamp)
            if found + columns > cell.size:
                cell = np.append(cell, np.empty(cell.size + columns, np.int32))
                choice = np.append(choice, np.empty(choice.size + columns, np.int32))
            for column in range(west, east + 1):
                has_edge = stamp[column] == slab
                x = frame[0] + (column << frame[2])
                y = frame[1] + (row << frame[3])
                if has_edge or _is_inside(edges, start, stop, x, y):
                    cell[found], choice[found] = row * columns + column, grid
                    touched[row * columns + column] |= has_edge
                    found += 1
    return cell[:found], choice[:found], touched


@routine
def _stamp_row(frame: Ints, edges: Ints, row: Whole, slab: Whole, stamp: Ints) -> Pair:
    """Stamp the cells of a row that edges may meet (one unit generous); return first and last."""
    first, last = frame[4], np.int64(-1)
    low = frame[1] + (row << frame[3]) - 1
    high = low + (1 << frame[3]) + 1
    for edge in range(len(edges)):
        ax, ay = np.int64(edges[edge, 0]), np.int64(edges[edge, 1])
        bx, by = np.int64(edges[edge, 2]), np.int64(edges[edge, 3])
        west, east = min(ax, bx), max(ax, bx)
        if by > ay:
            slope = (bx - ax) / (by - ay)
            x1 = ax + slope * (max(ay, low) - ay)
            x2 = ax + slope * (min(by, high) - ay)
            west = max(west, np.int64(math.floor(min(x1, x2))) - 1)
            east = min(east, np.int64(math.ceil(max(x1, x2))) + 1)
        west, east = (west - frame[0]) >> frame[2], (east - frame[0]) >> frame[2]
        first, last = min(first, west), max(last, east)
        stamp[west : east + 1] = slab
    return first, last


# --- owning ------------------------------------------------------------------------------------


@njit(cache=True, nogil=True, inline="always")
def _is_inside(edges: Ints, start: Whole, stop: Whole, x: Whole, y: Whole) -> Truth:
    """Tell whether an odd number of a grid's edges lies on the way east.

    The point is taken a little east and, by less, north of where it is, so none is on an edge.
    Every test is made, for a wrong guess of what is next costs a processor more than all of them.
    """
    odd: Truth = False
    for edge in range(start, stop):
        ax, ay = np.int64(edges[edge, 0]), np.int64(edges[edge, 1])
        bx, by = np.int64(edges[edge, 2]), np.int64(edges[edge, 3])
        odd ^= (ay <= y) & (y < by) & ((bx - ax) * (y - ay) > (by - ay) * (x - ax))
    return odd


@njit(cache=True, nogil=True, inline="always")
def _choose(choices: Ints, edges: Ints, place: Whole, x: Whole, y: Whole) -> Whole:
    """Return the first grid of a list of choices that a point is inside, or the last one."""
    while choices[place, 0] >= 0:
        if _is_inside(edges, choices[place, 1], choices[place, 2], x, y):
            return np.int64(choices[place, 0])
        place += 1
    return ~np.int64(choices[place, 0])


@routine
def _turn_from_east(choices: Ints, edges: Ints, place: Whole, x: Whole, y: Whole) -> Whole:
    """Return the first grid that begins, turning anticlockwise from due east, at this point.

    Called where the view just north of due east meets none, so a grid that touches the point begins
    at one of its edges there. An edge due east ends a grid: it comes last, after a whole turn.
    The list of choices then ends with nobody, who owns the point if no grid touches it.
    """
    best, best_x, best_y = np.int64(-1), np.int64(0), np.int64(0)
    while choices[place, 0] >= 0:
        for edge in range(choices[place, 1], choices[place, 2]):
            ax, ay = np.int64(edges[edge, 0]) - x, np.int64(edges[edge, 1]) - y
            bx, by = np.int64(edges[edge, 2]) - x, np.int64(edges[edge, 3]) - y
            if ay > 0 or by < 0 or min(ax, bx) > 0 or max(ax, bx) < 0 or ax * by != ay * bx:
                continue  # the point is not on this edge
            for end_x, end_y in ((ax, ay), (bx, by)):
                real = end_x != 0 or end_y != 0
                if real and (best < 0 or _comes_before(end_x, end_y, best_x, best_y)):
                    best, best_x, best_y = np.int64(choices[place, 0]), end_x, end_y
        place += 1
    return best if best >= 0 else ~np.int64(choices[place, 0])


@routine
def _comes_before(ax: Whole, ay: Whole, bx: Whole, by: Whole) -> bool:
    """Compare two directions by the turn from due east, in (0°, 360°]."""
    east_a, east_b = ay == 0 and ax > 0, by == 0 and bx > 0
    if east_a or east_b:
        return not east_a
    if (ay < 0) != (by < 0):
        return bool(by < 0)
    return bool(ax * by > ay * bx)


@njit(cache=True, nogil=True, inline="always")
def _number_cell(frame: Frame, x: Whole, y: Whole) -> Whole:
    """Return the number of the cell of a point in whole numbers; -1 where there is none."""
    column, row = (x - frame[0]) >> frame[2], (y - frame[1]) >> frame[3]
    real = (column >= 0) & (row >= 0) & (column < frame[4]) & (row < frame[5])
    return row * frame[4] + column if real else np.int64(-1)


@njit(cache=True, nogil=True, inline="always")
def _hold_frame(frame: Ints) -> tuple[Whole, ...]:
    """Return what `_number_cell` needs of a frame as numbers, which a loop need not read again."""
    return frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]


@routine
def _own_point(frame: Ints, cells: Ints, choices: Ints, edges: Ints, x: Whole, y: Whole) -> Whole:
    """Return the owner of one point; the number of grids for none."""
    cell = _number_cell(frame, x, y)
    if cell < 0:
        return frame[6]
    found = np.int64(cells[cell])
    if found >= 0:
        return found
    grid = _choose(choices, edges, -1 - found, x, y)
    return grid if grid < frame[6] else _turn_from_east(choices, edges, -1 - found, x, y)


@kernel
def own_points(
    frame: Ints, cells: Ints, choices: Ints, edges: Ints, lon: Floats, lat: Floats
) -> Ints:
    """Return each point's owner; the number of grids for none.

    Where the index is larger than the caches, points are taken in the order of their cells.
    """
    if edges.nbytes < _CACHED or lon.size < _FEWEST_SORTED:
        return _own_in_turn(frame, cells, choices, edges, lon, lat)
    order = _order_by_cell(frame, lon, lat)
    found = _own_in_turn(frame, cells, choices, edges, lon[order], lat[order])
    out = np.empty_like(found)
    for place in range(order.size):
        out[order[place]] = found[place]
    return out


@routine
def _own_in_turn(
    frame: Ints, cells: Ints, choices: Ints, edges: Ints, lon: Floats, lat: Floats
) -> Ints:
    """Return each point's owner, as `own_points` does: block by block, each step for all of it."""
    out = np.empty(lon.size, np.int64)
    x, y = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    place, waiting = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    for start in range(0, lon.size, _BLOCK):
        found = out[start : start + _BLOCK]
        block = slice(start, start + found.size)
        _find_cells(frame, lon[block], lat[block], x, y, place)
        count = _read_cells(frame, cells, place, found, waiting)
        _fetch_choices(choices, edges, found, waiting[:count], place)
        for i in waiting[:count]:
            first = -1 - found[i]
            found[i] = _choose(choices, edges, first, x[i], y[i])
            if found[i] == frame[6]:
                found[i] = _turn_from_east(choices, edges, first, x[i], y[i])
    return out


@routine
def _find_cells(frame: Ints, lon: Floats, lat: Floats, x: Ints, y: Ints, place: Ints) -> None:
    """Write the whole numbers of points, and the place of the cell of each; -1 for no cell."""
    held = _hold_frame(frame)
    for i in range(lon.size):
        x[i], y[i] = np.int64(np.rint(lon[i] * _UNITS)), np.int64(np.rint(lat[i] * _UNITS))
        cell = _number_cell(held, x[i], y[i])
        real = (abs(lon[i]) <= 180) & (abs(lat[i]) <= 90)
        place[i] = cell if real else -1


@routine
def _read_cells(frame: Ints, cells: Ints, place: Ints, found: Ints, waiting: Ints) -> Whole:
    """Write what the cells of points say, and list the points that are still to be tested."""
    count = 0
    for i in range(found.size):
        found[i] = cells[place[i]] if place[i] >= 0 else frame[6]
        waiting[count] = i  # the next one is written over it, unless this one waits
        count += found[i] < 0
    return count


@routine
def _fetch_choices(choices: Ints, edges: Ints, found: Ints, waiting: Ints, read: Ints) -> None:
    """Read the ends of the first edges that points are tested with, so that they are at hand.

    Memory answers many such questions at a time, but one after the other once each waits for what
    became of the last. What is read is written down, or it would not be read at all.
    """
    final = len(edges) - 1
    for i in waiting:
        place = np.uint64(-1 - found[i])
        first, last = np.int64(choices[place, 1]), np.int64(choices[place, 2])
        read[i] = edges[np.uint64(first), 1] ^ edges[np.uint64(last if last < final else final), 1]


@routine
def _order_by_cell(frame: Ints, lon: Floats, lat: Floats) -> Ints:
    """Return the places of points in the order of their cells (in two rounds of counting)."""
    held = _hold_frame(frame)
    keys = np.zeros(lon.size, np.int32)  # where a point is in no cell, its place does not matter
    for i in range(lon.size):
        keys[i] = max(_find_cell(held, lon[i], lat[i]), 0)
    order = np.arange(lon.size).astype(np.int32)
    for shift in (0, 13):  # there are less than 1 << 26 cells
        heads = np.zeros((1 << 13) + 1, np.int64)
        for key in keys:
            heads[((key >> shift) & 8191) + 1] += 1
        heads = np.cumsum(heads)
        sorted_keys, sorted_order = np.empty_like(keys), np.empty_like(order)
        for i in range(keys.size):
            digit = (keys[i] >> shift) & 8191
            sorted_keys[heads[digit]], sorted_order[heads[digit]] = keys[i], order[i]
            heads[digit] += 1
        keys, order = sorted_keys, sorted_order
    return order


# --- distances ---------------------------------------------------------------------------------


class Place(NamedTuple):
    """A point in whole numbers, and the metres of 1e-7 degrees each way around it."""

    x: Whole
    y: Whole
    kx: float
    ky: float


@routine
def scale_metres(x: Whole, y: Whole) -> Place:
    """Make a place: the scales are those of the WGS-84 ellipsoid at its latitude."""
    unit = math.radians(1 / _UNITS)
    cosine = math.cos(y * unit)
    narrow = 1 - _FLATNESS * (1 - cosine * cosine)
    prime = _RADIUS / math.sqrt(narrow)
    return Place(x, y, unit * prime * cosine, unit * prime * (1 - _FLATNESS) / narrow)


@njit(cache=True, nogil=True, inline="always")
def square_to_edge(edges: Ints, edge: Whole | np.uint64, at: Place) -> float:
    """Return the square of the metres from a place to an edge."""
    ax, ay = (edges[edge, 0] - at.x) * at.kx, (edges[edge, 1] - at.y) * at.ky
    dx, dy = (edges[edge, 2] - edges[edge, 0]) * at.kx, (edges[edge, 3] - edges[edge, 1]) * at.ky
    along = min(max(-(ax * dx + ay * dy) / (dx * dx + dy * dy), 0.0), 1.0)
    px, py = ax + along * dx, ay + along * dy
    return px * px + py * py


@routine
def _square_to_row(frame: Ints, row: Whole, at: Place) -> float:
    """Return the square of the metres that a place is from a row of cells, at least."""
    low = frame[1] + (row << frame[3]) - 1
    high = low + (1 << frame[3]) + 1
    gap = max(low - at.y, at.y - high, 0) * at.ky
    return gap * gap


@routine
def _measure_border(
    frame: Ints, spans: Ints, slabs: Ints, edges: Ints, across: Ints, grid: Whole, at: Place
) -> Nearest:
    """Return the square of the metres to a grid's own border, and the grid across it there."""
    best, nearest = np.inf, frame[6]
    first, count, base = spans[grid, 0], spans[grid, 1], spans[grid, 2]
    start = min(max((at.y - frame[1]) >> frame[3], first), first + count - 1)
    for step in (1, -1):  # the place's own row and those north of it, then those south of it
        row = start if step == 1 else start - 1
        while first <= row < first + count and _square_to_row(frame, row, at) <= best:
            slab = base + row - first
            for edge in range(slabs[slab], slabs[slab + 1]):
                square = square_to_edge(edges, edge, at)
                if square < best or (square == best and across[edge] < nearest):
                    best, nearest = square, np.int64(across[edge])
            row += step
    return best, nearest


@njit(cache=True, nogil=True, inline="always")
def _measure_listed(
    edges: Ints, across: Ints, listed: Ints, first: Whole, last: Whole, grid: Whole, at: Place,
    most: float, nobody: Whole,
) -> Nearest:  # fmt: skip
    """Return what `_measure_border` does where a border is less than ``most`` metres away.

    Where none is, the square of these comes back.
    """
    best, nearest = most * most, nobody
    own: Truth = True  # a list of one grid does not name it
    for place in range(np.uint64(first), np.uint64(last)):
        if listed[place] < 0:
            own = ~np.int64(listed[place]) == grid
        elif own:
            edge = np.uint64(listed[place])  # with a sign it could count from the end
            square = square_to_edge(edges, edge, at)
            if square < best:
                best, nearest = square, np.int64(across[edge])
            elif square == best:
                nearest = min(nearest, np.int64(across[edge]))
    return best, nearest


@routine
def _find_nearest(
    frame: Ints, cells: Ints, choices: Ints, edges: Ints, at: Place, most: float, skip: Whole
) -> Nearest:
    """Return the square of the metres to the nearest border of a grid but ``skip``, and the grid.

    At most ``most`` metres are searched; the number of grids comes back if there is none.
    """
    best, nearest = most * most, frame[6]
    start = min(max((at.y - frame[1]) >> frame[3], 0), frame[5] - 1)
    for step in (1, -1):
        row = start if step == 1 else start - 1
        while 0 <= row < frame[5] and _square_to_row(frame, row, at) <= best:
            best, nearest = _search_row(
                frame, cells, choices, edges, at, row, skip, (best, nearest)
            )
            row += step
    return best, nearest


@routine
def _search_row(
    frame: Ints, cells: Ints, choices: Ints, edges: Ints, at: Place, row: Whole, skip: Whole,
    so_far: Nearest,
) -> Nearest:  # fmt: skip
    """Improve on the nearest grid so far by those with a border in a row of cells."""
    best, nearest = so_far
    reach = np.int64(math.sqrt(best) / at.kx) + 1
    west = max((at.x - reach - frame[0]) >> frame[2], 0)
    east = min((at.x + reach - frame[0]) >> frame[2], frame[4] - 1)
    before = np.int64(-1)  # the list of the cell to the west
    for column in range(west, east + 1):
        first = -1 - np.int64(cells[row * frame[4] + column])
        place, more = first, bool(first >= 0)
        while more:
            grid, more = _read_choice(choices, place)
            place += 1
            if grid == skip or is_listed(choices, before, grid):
                continue  # the edges of its whole row have been looked at
            for edge in range(choices[place - 1, 1], choices[place - 1, 2]):
                if max(edges[edge, 0], edges[edge, 2]) < at.x - reach:
                    continue
                if min(edges[edge, 0], edges[edge, 2]) > at.x + reach:
                    continue
                square = square_to_edge(edges, edge, at)
                if square < best or (square == best and grid < nearest):
                    best, nearest = square, grid
        before = first
    return best, nearest


@njit(cache=True, nogil=True, inline="always")
def _read_choice(choices: Ints, place: Whole) -> tuple[Whole, bool]:
    """Return the grid of a choice, and whether more follow in its list."""
    number = np.int64(choices[place, 0])
    return (number, True) if number >= 0 else (~number, False)


@routine
def is_listed(choices: Ints, place: Whole, grid: Whole) -> bool:
    """Tell whether a grid is in a list of choices; in no list, -1, is none."""
    listed, more = False, place >= 0
    while more:
        other, more = _read_choice(choices, place)
        listed |= other == grid
        place += 1
    return listed


@routine
def _round_metres(square: float) -> float:
    """Return whole millimetres: the same on machines whose last bits differ."""
    return np.rint(math.sqrt(square) * 1000) / 1000


@kernel
def answer_point(
    lon: float, lat: float, frame: Ints, cells: Ints, choices: Ints, spans: Ints, slabs: Ints,
    edges: Ints, across: Ints, near_border: float, most: float,
) -> tuple[Whole, Whole, float, float, Whole]:  # fmt: skip
    """Return grid, number of the match, metres to its border, metres outside, runner-up."""
    nobody = frame[6]
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        return nobody, NONE, np.nan, np.nan, nobody
    x, y = np.int64(np.rint(lon * _UNITS)), np.int64(np.rint(lat * _UNITS))
    at = scale_metres(x, y)
    grid = _own_point(frame, cells, choices, edges, x, y)
    if grid < nobody:
        square, runner = _measure_border(frame, spans, slabs, edges, across, grid, at)
        border = _round_metres(square)
        if runner == nobody and border < near_border:
            _, runner = _find_nearest(frame, cells, choices, edges, at, near_border, grid)
        return grid, BORDER if border < near_border else INSIDE, border, 0.0, runner
    square, grid = _find_nearest(frame, cells, choices, edges, at, most, nobody)
    if grid == nobody:
        return nobody, NONE, np.nan, np.nan, nobody
    _, runner = _find_nearest(frame, cells, choices, edges, at, most, grid)
    outside = _round_metres(square)
    return grid, NEAREST, outside, outside, runner


@kernel
def answer_points(
    frame: Ints, cells: Ints, choices: Ints, spans: Ints, slabs: Ints, edges: Ints, across: Ints,
    heads: Ints, listed: Ints, bordering: Ints, outside: Flags,
    lon: Floats, lat: Floats, near_border: float, most: float, limit: float,
) -> tuple[Ints, Ints, Floats, Floats, Ints]:  # fmt: skip
    """Answer each point as `answer_point` does; what is rare has its own pass.

    Only borders nearer than ``limit`` are measured: a point farther from one has no number (NaN)
    and no runner-up. With ``near_border`` as the limit, `gridmap.near` knows which edges to look
    at; with another, all of the grid are looked at.
    """
    nobody, far = frame[6], limit * limit
    grid = own_points(frame, cells, choices, edges, lon, lat)
    match, runner = np.empty(lon.size, np.int8), np.full(lon.size, nobody)
    border, distance = np.full(lon.size, np.nan), np.zeros(lon.size)
    use_lists = len(heads) > 0 and limit <= near_border
    rows = _leave_far(frame, bordering if use_lists else bordering[:0], lon, lat, grid, match)
    first, last = _read_lists(frame, heads, lon, lat, rows if use_lists else rows[:0])
    _fetch_edges(edges, across, listed, first, last)
    for k in range(len(rows)):
        i = rows[k]
        at = scale_metres(np.int64(np.rint(lon[i] * _UNITS)), np.int64(np.rint(lat[i] * _UNITS)))
        if use_lists:
            square, beyond = _measure_listed(
                edges, across, listed, first[k], last[k], grid[i], at, near_border, nobody
            )
        else:
            square, beyond = _measure_border(frame, spans, slabs, edges, across, grid[i], at)
        if square < far:
            metres = _round_metres(square)
            if metres < near_border:
                match[i] = BORDER
            if metres < limit:
                border[i], runner[i] = metres, beyond
    for i in range(lon.size):
        if (runner[i] != nobody) | (match[i] == INSIDE):
            continue
        cell = _find_cell(frame, lon[i], lat[i])
        if cell >= 0 and outside[cell]:
            distance[i] = np.nan
            continue
        grid[i], match[i], border[i], distance[i], runner[i] = answer_point(
            lon[i], lat[i], frame, cells, choices, spans, slabs, edges, across, near_border, most
        )
    return grid, match, border, distance, runner


@routine
def _leave_far(
    frame: Ints, bordering: Ints, lon: Floats, lat: Floats, grid: Ints, match: Ints
) -> Ints:
    """Call all points of grids inside; return the rows of those to be measured.

    These are the points in ``bordering`` cells, a bit each; without bits, all of them.
    """
    rows, count = np.empty(lon.size, np.int64), 0
    for i in range(lon.size):
        owned = grid[i] < frame[6]
        match[i], rows[count] = INSIDE if owned else NONE, i
        if len(bordering):
            cell = np.uint64(max(_find_cell(frame, lon[i], lat[i]), 0))
            owned &= (bordering[cell >> np.uint64(3)] >> (cell & np.uint64(7))) & 1 > 0
        count += owned
    return rows[:count]


@routine
def _read_lists(
    frame: Ints, heads: Ints, lon: Floats, lat: Floats, rows: Ints
) -> tuple[Ints, Ints]:
    """Return where the lists of the cells of points begin and end."""
    first, last = np.empty(len(rows), np.int32), np.empty(len(rows), np.int32)
    for k in range(len(rows)):
        cell = np.uint64(_find_cell(frame, lon[rows[k]], lat[rows[k]]))
        first[k], last[k] = heads[cell], heads[cell + np.uint64(1)]
    return first, last


@routine
def _fetch_edges(edges: Ints, across: Ints, listed: Ints, first: Ints, last: Ints) -> Ints:
    """Read some edges of each list, so that they are at hand; see `_fetch_choices`."""
    read = np.zeros(len(first), np.int32)
    for k in range(len(first)):
        begin, end = np.uint64(first[k]), np.uint64(last[k] - 1)
        for place in (begin, (begin + end) >> np.uint64(1), end):
            edge = np.uint64(max(listed[place], 0))
            read[k] ^= edges[edge, 0] ^ across[edge]
    return read


@njit(cache=True, nogil=True, inline="always")
def _find_cell(frame: Frame, lon: float, lat: float) -> Whole:
    """Return the number of the cell of a point; -1 where there is none."""
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        return np.int64(-1)
    return _number_cell(frame, np.int64(np.rint(lon * _UNITS)), np.int64(np.rint(lat * _UNITS)))
