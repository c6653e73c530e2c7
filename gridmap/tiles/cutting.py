"""A web cut into the squares of tiles, each with its buffer: whole rings, whatever they meet.

The sides of all squares are drawn through the web as further lines before it is rounded, so an edge
meets a side in a node or not at all. A tile is then the edges inside of its square and pieces of
its sides, each with the area that it bounds; its rings are traced from those.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gridmap.compiling import kernel, routine
from gridmap.cutting.coverage import Coverage, number_pairs, trace_rings
from gridmap.cutting.mesh import Ints
from gridmap.tiles.webs import X_BITS, Web, round_web

#: Steps along the side of a tile, as a power of two: 4096, what every reader expects.
SIZE_BITS = 12
SIZE = 1 << SIZE_BITS
#: Steps that a tile reaches over its side, so that no seam is drawn there.
BUFFER = 64
_SPAN = SIZE + 2 * BUFFER  # of a tile with its buffer
#: Which sides: those with the square above (y grows), below, to the east, to the west.
_SOUTH, _NORTH, _WEST, _EAST = range(4)
#: A tile's column is written above the bits of its row.
TILE_BITS = 32


class Pieces(NamedTuple):
    """What tiles are made of: rings, lines and points in the order of tiles and features.

    Parameters
    ----------
    x, y : array of int
        Corners, in steps from the origin of the world; rings are not closed.
    heads : array of int
        Where each piece begins, and where the last one ends.
    tile : array of int
        Of each piece: `tile_key` of its tile.
    feature : array of int
        Of each piece: whose it is.
    kind : array of int
        1 for a point, 2 for a line, 3 for a ring. An outer ring comes before its holes, and has its
        area to the left, where y grows upwards; a hole has it to the right.
    """

    x: Ints
    y: Ints
    heads: Ints
    tile: Ints
    feature: Ints
    kind: Ints


class Cut(NamedTuple):
    """Edges of tiles, by tile.

    Parameters
    ----------
    x, y : array of int
        The nodes.
    tile, start, end, left, right : array of int
        Of each edge: its tile, its nodes, the areas beside it.
    """

    x: Ints
    y: Ints
    tile: Ints
    start: Ints
    end: Ints
    left: Ints
    right: Ints


def tile_key(column: int, row: int) -> int:
    """Return the number of a tile; tiles are in this order."""
    return column << TILE_BITS | row


def split_key(key: int) -> tuple[int, int]:
    """Return column and row of a tile."""
    return key >> TILE_BITS, key & ((1 << TILE_BITS) - 1)


def draw_sides(web: Web) -> Web:
    """Return the web with a node wherever an edge meets the side of a tile's square."""
    return round_web(web, 0, _meet_sides(*web[:5]))


def cut_web(web: Web) -> Cut:
    """Cut a web, in which the sides are drawn, into tiles."""
    tile, edge = _list_inner(web.x, web.y, web.start, web.end)
    inner = (tile, *(column[edge] for column in web[3:]))
    x, y, *sides = _trace_sides(web)
    tile, start, end, left, right = (
        np.concatenate([a, b]) for a, b in zip(inner, sides, strict=True)
    )
    order = np.argsort(tile, kind="stable")
    return Cut(x, y, *(column[order] for column in (tile, start, end, left, right)))


def trace_pieces(cut: Cut) -> Pieces:
    """Trace the rings of the areas in each tile of a cut."""
    if not len(cut.tile):
        return no_pieces()
    tiles, first = np.unique(cut.tile, return_index=True)
    number = np.repeat(np.arange(len(tiles)), np.diff(np.append(first, len(cut.tile))))
    node, where = number_pairs(np.tile(number, 2), np.concatenate([cut.start, cut.end]))
    old = np.concatenate([cut.start, cut.end])[where]
    points = np.column_stack([cut.x[old], cut.y[old]])
    areas = int(max(cut.left.max(), cut.right.max())) + 1
    left = np.where(cut.left < 0, -1, number * areas + cut.left)
    right = np.where(cut.right < 0, -1, number * areas + cut.right)
    here = points.min(axis=0)  # whole numbers near 0 are exact in products of floats
    start, end = node[: len(number)], node[len(number) :]
    rings = trace_rings(Coverage((points - here).astype(np.float64), start, end, left, right))
    order = np.lexsort([~rings.outer, rings.face, rings.whole[rings.face]])
    nodes, heads = _gather(rings.nodes, rings.heads, order)
    whole = rings.whole[rings.face[order]]
    return Pieces(
        points[nodes, 0], points[nodes, 1], heads, tiles[whole // areas], whole % areas,
        np.full(len(order), 3),
    )  # fmt: skip


def cut_lines(x: Ints, y: Ints, heads: Ints, feature: Ints) -> Pieces:
    """Cut lines into tiles; a line that leaves a tile and comes back is two there.

    Parameters
    ----------
    x, y, heads : array of int
        Corners of the lines, and where each begins.
    feature : array of int
        Whose each line is, ascending. Where all lines of one are on one spot it is a point.
    """
    edges = _split_lines(x, y, heads)
    edges = edges[np.lexsort([edges[:, 2], edges[:, 1], edges[:, 0]])]
    tile, line, order, ax, ay, bx, by = edges.T
    new = np.ones(len(tile), np.bool_)
    new[1:] = (tile[1:] != tile[:-1]) | (line[1:] != line[:-1]) | (order[1:] != order[:-1] + 1)
    first = np.flatnonzero(new)
    # A piece has a corner more than edges: its first start, then every end.
    place = np.arange(len(tile)) + np.cumsum(new)
    px, py = (np.empty(len(tile) + len(first), np.int64) for _ in range(2))
    px[place], py[place] = bx, by
    px[place[first] - 1], py[place[first] - 1] = ax[first], ay[first]
    begins = np.append(place[first] - 1, len(px))
    lines = Pieces(px, py, begins, tile[first], feature[line[first]], np.full(len(first), 2))
    gone, at = np.unique(feature, return_index=True)
    dots = ~np.isin(gone, lines.feature)
    corner = heads[:-1][at[dots]]
    return merge_pieces([lines, place_points(x[corner], y[corner], gone[dots])])


def place_points(x: Ints, y: Ints, feature: Ints) -> Pieces:
    """Return points in every tile whose square they are in."""
    tile, point = _list_inner(x, y, np.arange(len(x)), np.arange(len(x)))
    order = np.lexsort([feature[point], tile])
    tile, point = tile[order], point[order]
    heads = np.arange(len(point) + 1)
    kind = np.full(len(point), 1)
    return Pieces(x[point], y[point], heads, tile, feature[point], kind)


def no_pieces() -> Pieces:
    """Return nothing."""
    none = np.zeros(0, np.int64)
    return Pieces(none, none, np.zeros(1, np.int64), none, none, none)


def merge_pieces(many: list[Pieces]) -> Pieces:
    """Return pieces together, in the order of tiles and features; else each stays in its order."""
    x, y = np.concatenate([one.x for one in many]), np.concatenate([one.y for one in many])
    sizes = np.concatenate([np.diff(one.heads) for one in many])
    tile, feature, kind = (np.concatenate([one[column] for one in many]) for column in (3, 4, 5))
    order = np.lexsort([feature, tile])
    heads = np.concatenate([[0], np.cumsum(sizes)])
    at, heads = _gather(np.arange(len(x)), heads, order)
    return Pieces(x[at], y[at], heads, tile[order], feature[order], kind[order])


def take_tile(pieces: Pieces, tile: int) -> Pieces:
    """Return the pieces of one tile."""
    begin, stop = np.searchsorted(pieces.tile, (tile, tile + 1))
    first, last = pieces.heads[begin], pieces.heads[stop]
    return Pieces(
        pieces.x[first:last], pieces.y[first:last], pieces.heads[begin : stop + 1] - first,
        *(column[begin:stop] for column in pieces[3:]),
    )  # fmt: skip


@kernel
def _gather(nodes: Ints, heads: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Return lists of nodes in another order."""
    size = 0
    for row in order:
        size += heads[row + 1] - heads[row]
    out, stops, count = np.empty(size, np.int64), np.zeros(len(order) + 1, np.int64), 0
    for place in range(len(order)):
        for at in range(heads[order[place]], heads[order[place] + 1]):
            out[count] = nodes[at]
            count += 1
        stops[place + 1] = count
    return out, stops


# --- sides -------------------------------------------------------------------------------------


@routine
def _next_side(at: int) -> int:
    """Return the first side, BUFFER before or after a multiple of SIZE, that is beyond ``at``."""
    before = ((at + BUFFER) >> SIZE_BITS) * SIZE + SIZE - BUFFER
    after = ((at - BUFFER) >> SIZE_BITS) * SIZE + SIZE + BUFFER
    return min(before, after)


@routine
def _meet(ax: int, ay: int, bx: int, by: int, at: int) -> int:
    """Return the y, to the nearest whole, at which a segment has an x between its ends."""
    dx, rise = bx - ax, 2 * (by - ay) * (at - ax)
    if dx < 0:
        dx, rise = -dx, -rise
    return ay + (rise + dx) // (2 * dx)


@kernel
def _meet_sides(x: Ints, y: Ints, plane: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints, Ints]:
    """Return where edges meet sides between their ends: x, y and plane."""
    px, py = np.empty(64, np.int64), np.empty(64, np.int64)
    planes, count = np.empty(64, np.int64), 0
    for edge in range(len(start)):
        a, b = start[edge], end[edge]
        for upright in range(2):
            if upright:
                low, high = min(x[a], x[b]), max(x[a], x[b])
            else:
                low, high = min(y[a], y[b]), max(y[a], y[b])
            side = _next_side(low)
            while side < high:
                if count == len(px):
                    px, py = np.append(px, px), np.append(py, py)
                    planes = np.append(planes, planes)
                if upright:
                    px[count], py[count] = side, _meet(x[a], y[a], x[b], y[b], side)
                else:
                    px[count], py[count] = _meet(y[a], x[a], y[b], x[b], side), side
                planes[count] = plane[a]
                count += 1
                side = _next_side(side)
    return px[:count].copy(), py[:count].copy(), planes[:count].copy()


@kernel
def _list_inner(x: Ints, y: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Pair tiles with the edges (or points) in their squares but not along a side."""
    tile, inner, count = np.empty(64, np.int64), np.empty(64, np.int64), 0
    for edge in range(len(start)):
        a, b = start[edge], end[edge]
        west, east = min(x[a], x[b]), max(x[a], x[b])
        south, north = min(y[a], y[b]), max(y[a], y[b])
        upright, level = a != b and west == east, a != b and south == north
        for column in range(_first_tile(east), (west + BUFFER >> SIZE_BITS) + 1):
            side = column * SIZE - BUFFER
            if upright and (west == side or west == side + _SPAN):
                continue
            for row in range(_first_tile(north), (south + BUFFER >> SIZE_BITS) + 1):
                side = row * SIZE - BUFFER
                if level and (south == side or south == side + _SPAN):
                    continue
                if count == len(tile):
                    tile, inner = np.append(tile, tile), np.append(inner, inner)
                tile[count], inner[count] = column << TILE_BITS | row, edge
                count += 1
    return tile[:count].copy(), inner[:count].copy()


class _Events(NamedTuple):
    """Where the area along a side may change, seen from inside of a square.

    Sorted by ``line`` (which kind of side, plane and position), then by ``along``; ``area`` is what
    lies behind each, where the coordinate grows.
    """

    line: Ints
    along: Ints
    area: Ints


def _trace_sides(web: Web) -> tuple[Ints, ...]:
    """Return all nodes, and the pieces of sides: x, y, tile, start, end, left, right."""
    planes = int(web.plane.max()) + 1 if len(web.plane) else 0
    bounds = _bound_planes(web.x, web.y, web.plane, planes)
    events = _list_events(web, planes)
    tile, plane, area, ax, ay, bx, by = _walk_sides(*events, bounds).T
    planes_of = np.concatenate([web.plane, plane, plane])
    x, y = np.concatenate([web.x, ax, bx]), np.concatenate([web.y, ay, by])
    node, first = number_pairs((planes_of << X_BITS) + x, y)  # those of the web keep their numbers
    start, end = node[len(web.x) :].reshape(2, -1)
    return x[first], y[first], tile, start, end, area, np.full(len(area), -1)


def _list_events(web: Web, planes: int) -> _Events:
    kind, side, along, slope, node, area = _find_events(
        web.x, web.y, web.start, web.end, web.left, web.right
    )
    line = ((side << 2) + kind) * max(planes, 1) + web.plane[node]
    order = np.lexsort([slope, along, line])
    line, along, area = line[order], along[order], area[order]
    last = np.ones(len(line), np.bool_)  # of the edges at a node the last one says what follows
    last[:-1] = (line[1:] != line[:-1]) | (along[1:] != along[:-1])
    return _Events(line[last], along[last], area[last])


@kernel
def _find_events(
    x: Ints, y: Ints, start: Ints, end: Ints, left: Ints, right: Ints
) -> tuple[Ints, Ints, Ints, npt.NDArray[np.float64], Ints, Ints]:
    """Return of each edge that begins at a side and goes into the square behind it.

    Kind of side; column or row of the tile; where along it; how far the edge leans to where that
    grows; the node; the area on that side of the edge.
    """
    size = 4 * len(start)
    kind, side, along = np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size, np.int64)
    slope, node, area = np.empty(size), np.empty(size, np.int64), np.empty(size, np.int64)
    count = 0
    for half in range(2 * len(start)):
        edge = half // 2
        back = half % 2 == 1
        a, b = (end[edge], start[edge]) if back else (start[edge], end[edge])
        west, east = (right[edge], left[edge]) if back else (left[edge], right[edge])
        dx, dy = x[b] - x[a], y[b] - y[a]
        for upright in range(2):
            place, step, lean = (x[a], dx, dy) if upright else (y[a], dy, dx)
            opens = (place + BUFFER) % SIZE == 0 and step > 0
            closes = (place - BUFFER) % SIZE == 0 and step < 0
            if not (opens or closes):
                continue
            # Looking along the way, east of one that goes up lies right, of one down left;
            # north of one that goes east lies left, of one west right.
            kind[count] = 2 * upright + (0 if opens else 1)
            side[count] = (place + BUFFER) // SIZE if opens else (place - BUFFER) // SIZE - 1
            along[count] = y[a] if upright else x[a]
            slope[count] = lean / abs(step)
            node[count] = a
            area[count] = east if opens != (upright == 1) else west
            count += 1
    return (
        kind[:count].copy(), side[:count].copy(), along[:count].copy(), slope[:count].copy(),
        node[:count].copy(), area[:count].copy(),
    )  # fmt: skip


@kernel
def _bound_planes(x: Ints, y: Ints, plane: Ints, planes: int) -> Ints:
    """Return west, south, east and north of the nodes in each plane."""
    bounds = np.empty((planes, 4), np.int64)
    bounds[:, :2], bounds[:, 2:] = np.iinfo(np.int64).max, np.iinfo(np.int64).min
    for node in range(len(x)):
        box = bounds[plane[node]]
        box[0], box[1] = min(box[0], x[node]), min(box[1], y[node])
        box[2], box[3] = max(box[2], x[node]), max(box[3], y[node])
    return bounds


@kernel
def _walk_sides(line: Ints, along: Ints, area: Ints, bounds: Ints) -> Ints:
    """Walk anticlockwise around the square of each tile that a plane reaches.

    Returns
    -------
    array of int, shape (n, 7)
        The pieces with an area behind them: tile, plane, area, from x, y to x, y.
    """
    size = 2 * len(line)  # squares overlap, so an event is in two of them at most
    for plane in range(len(bounds)):
        west, south, east, north = bounds[plane]
        size += (
            4
            * ((east + BUFFER >> SIZE_BITS) - (west - BUFFER >> SIZE_BITS) + 1)
            * ((north + BUFFER >> SIZE_BITS) - (south - BUFFER >> SIZE_BITS) + 1)
        )
    out, count = np.empty((size, 7), np.int64), 0
    for plane in range(len(bounds)):
        west, south, east, north = bounds[plane]
        for column in range(west - BUFFER >> SIZE_BITS, (east + BUFFER >> SIZE_BITS) + 1):
            for row in range(south - BUFFER >> SIZE_BITS, (north + BUFFER >> SIZE_BITS) + 1):
                x, y = column * SIZE - BUFFER, row * SIZE - BUFFER
                if west > x and south > y and east < x + _SPAN and north < y + _SPAN:
                    continue  # nothing of the plane reaches a side
                before = count
                for kind in range(4):
                    side = column if kind >= _WEST else row
                    key = ((side << 2) + kind) * len(bounds) + plane
                    count = _walk_side(line, along, area, key, kind, x, y, out, count)
                out[before:count, 0], out[before:count, 1] = column << TILE_BITS | row, plane
    return out[:count].copy()


@routine
def _walk_side(
    line: Ints, along: Ints, area: Ints, key: int, kind: int, x: int, y: int, out: Ints, count: int
) -> int:
    """Write the pieces of one side, but for tile and plane; return how many there are by now."""
    upright, back = kind >= _WEST, kind in (_NORTH, _WEST)
    begin, across = (y, x) if upright else (x, y)
    stop = begin + _SPAN
    if kind in (_NORTH, _EAST):
        across += _SPAN
    at = _find_event(line, along, key, begin + 1) - 1
    inside = area[at] if at >= 0 and line[at] == key else np.int64(-1)
    last = begin
    while True:
        at += 1
        ends = at >= len(line) or line[at] != key or along[at] >= stop
        here = stop if ends else along[at]
        if inside >= 0:
            one, other = (here, last) if back else (last, here)
            out[count, 2] = inside
            out[count, 3], out[count, 4] = (across, one) if upright else (one, across)
            out[count, 5], out[count, 6] = (across, other) if upright else (other, across)
            count += 1
        if ends:
            return count
        last, inside = here, area[at]


@routine
def _find_event(line: Ints, along: Ints, key: int, place: int) -> int:
    """Return the first event of a line at a place or behind it."""
    low, high = 0, len(line)
    while low < high:
        middle = (low + high) // 2
        if line[middle] < key or (line[middle] == key and along[middle] < place):
            low = middle + 1
        else:
            high = middle
    return low


# --- lines -------------------------------------------------------------------------------------


@kernel
def _split_lines(x: Ints, y: Ints, heads: Ints) -> Ints:
    """Return the edges of lines in each tile: tile, line, running number, from x, y to x, y."""
    out, count, number = np.empty((64, 7), np.int64), 0, 0
    for line in range(len(heads) - 1):
        number += 1  # so that no line goes on where another one ended
        for at in range(heads[line] + 1, heads[line + 1]):
            ax, ay = x[at - 1], y[at - 1]
            while ax != x[at] or ay != y[at]:
                bx, by = _step_to_side(ax, ay, x[at], y[at])
                number += 1
                west, east, south, north = min(ax, bx), max(ax, bx), min(ay, by), max(ay, by)
                for column in range(_first_tile(east), (west + BUFFER >> SIZE_BITS) + 1):
                    for row in range(_first_tile(north), (south + BUFFER >> SIZE_BITS) + 1):
                        if count == len(out):
                            out = np.concatenate((out, out))
                        out[count, 0], out[count, 1] = column << TILE_BITS | row, line
                        out[count, 2] = number
                        out[count, 3], out[count, 4] = ax, ay
                        out[count, 5], out[count, 6] = bx, by
                        count += 1
                ax, ay = bx, by
    return out[:count].copy()


@routine
def _step_to_side(ax: int, ay: int, bx: int, by: int) -> tuple[int, int]:
    """Return the first place on the way from a to b that is on a side, or b."""
    best_x, best_y, best = bx, by, abs(bx - ax) + abs(by - ay)
    if ax != bx:
        side = _next_side(ax) if bx > ax else -_next_side(-ax)
        if (side < bx) if bx > ax else (side > bx):
            y = _meet(ax, ay, bx, by, side)
            if abs(side - ax) + abs(y - ay) < best:
                best_x, best_y, best = side, y, abs(side - ax) + abs(y - ay)
    if ay != by:
        side = _next_side(ay) if by > ay else -_next_side(-ay)
        if (side < by) if by > ay else (side > by):
            x = _meet(ay, ax, by, bx, side)
            if abs(side - ay) + abs(x - ax) < best:
                best_x, best_y = x, side
    return best_x, best_y


@routine
def _first_tile(high: int) -> int:
    """Return the first column or row whose square reaches as far as ``high``."""
    return -((SIZE + BUFFER - high) >> SIZE_BITS)
