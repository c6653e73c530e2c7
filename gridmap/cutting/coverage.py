"""Polygons that tile an area as one plane graph: nodes, edges with a face on either side, rings.

Coordinates are whole multiples of `GRID`; two points are one node if they are the same multiple.
Everything here is linear in the number of edges, but for holes that have to look for their face.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from gridmap.compiling import kernel, routine
from gridmap.cutting.mesh import Flags, Floats, Ints

#: Metres. Far below what bends a border visibly, and even eastings that carry the number of their
#: zone (4 × 10⁷ m) are told apart to a tenth of it: a save and a load change nothing.
GRID = 1e-7
_PER_METRE = 10_000_000
_SCATTER = np.uint64(0x9E3779B97F4A7C15)


class Coverage(NamedTuple):
    """Edges between nodes, and the face on either side of each.

    Parameters
    ----------
    points : array of float, shape (n, 2)
        Metres.
    start, end : array of int
        Nodes: rows of ``points``. No two edges join the same two.
    left, right : array of int
        Faces; -1 is the outside.
    """

    points: Floats
    start: Ints
    end: Ints
    left: Ints
    right: Ints

    @property
    def length(self) -> Floats:
        """Metres of each edge."""
        return np.asarray(np.hypot(*(self.points[self.end] - self.points[self.start]).T))

    @property
    def middle(self) -> Floats:
        """The point half way along each edge."""
        return np.asarray((self.points[self.start] + self.points[self.end]) / 2)

    def take(self, rows: npt.NDArray[Any]) -> "Coverage":
        """Return the edges at ``rows`` (positions or a mask), with all points."""
        return Coverage(self.points, *(column[rows] for column in self[1:]))


class Rings(NamedTuple):
    """The rings around faces.

    Parameters
    ----------
    nodes, heads : array of int
        Nodes of all rings, and where each ring begins, and the last one ends.
    face : array of int
        The face that each ring is of. Faces are numbered by their outer rings.
    outer : array of bool
        Whether the ring runs around the face, anticlockwise, or around a hole in it.
    whole : array of int
        Per face, the value of ``left`` or ``right`` along its edges.
    sides : array of int, shape (n, 2)
        Per edge, the faces left and right of it; -1 is the outside.
    """

    nodes: Ints
    heads: Ints
    face: Ints
    outer: Flags
    whole: Ints
    sides: Ints


def round_points(points: npt.NDArray[Any]) -> Floats:
    """Return points in whole multiples of `GRID`, as the very floats that GEOS has for them."""
    return np.asarray(np.rint(points * _PER_METRE) / _PER_METRE)


def number_points(points: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """Return the node of each point and the first point of each node."""
    whole = np.rint(points * _PER_METRE).astype(np.int64)
    return number_pairs(whole[:, 0].copy(), whole[:, 1].copy())


@kernel
def number_pairs(one: Ints, two: Ints) -> tuple[Ints, Ints]:
    """Return numbers of pairs of integers, in the order of first rows, and those rows."""
    bits = 4
    while (1 << bits) < 2 * len(one):
        bits += 1
    table = np.full(1 << bits, -1, np.int64)
    number, first, count = np.empty(len(one), np.int64), np.empty(len(one), np.int64), 0
    shift, wrap = np.uint64(64 - bits), (1 << bits) - 1
    for i in range(len(one)):
        key = (np.uint64(one[i]) * _SCATTER) ^ np.uint64(two[i])
        slot = np.int64((key * _SCATTER) >> shift)
        while table[slot] >= 0:
            other = first[table[slot]]
            if one[other] == one[i] and two[other] == two[i]:
                break
            slot = (slot + 1) & wrap
        if table[slot] < 0:
            table[slot], first[count] = count, i
            count += 1
        number[i] = table[slot]
    return number, first[:count].copy()


def read_polygons(polygons: npt.NDArray[Any]) -> Coverage:
    """Return the graph of polygons that are a valid coverage; faces are their positions."""
    outlines = read_outlines(polygons)
    node, first = number_points(outlines.points)
    ring = np.repeat(np.arange(len(outlines.inwards)), np.diff(outlines.heads))
    at = np.flatnonzero(ring[1:] == ring[:-1])
    at = at[node[at] != node[at + 1]]
    back = outlines.inwards[ring[at]] < 0
    a, b = node[at], node[at + 1]
    start, end = np.where(back, b, a), np.where(back, a, b)
    return Coverage(outlines.points[first], *pair_edges(start, end, outlines.polygon[ring[at]]))


class Outlines(NamedTuple):
    """The closed rings of polygons.

    Parameters
    ----------
    points : array of float, shape (n, 2)
        Their corners; ``heads`` tells where each ring begins, and where the last one ends.
    polygon : array of int
        The polygon of each ring.
    inwards : array of float
        1 for rings with the polygon to their left, -1 for those with the polygon to their right.
    """

    points: Floats
    heads: Ints
    polygon: Ints
    inwards: Floats


def read_outlines(polygons: npt.NDArray[Any]) -> Outlines:
    """Return the rings of polygons."""
    if not len(polygons):
        return Outlines(np.empty((0, 2)), np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0))
    _, points, (ring_heads, tails) = shapely.to_ragged_array(polygons)
    points, heads = points[:, :2], np.asarray(ring_heads, dtype=np.int64)
    polygon = np.repeat(np.arange(len(polygons)), np.diff(tails))
    outer = np.zeros(len(polygon), dtype=np.bool_)
    outer[tails[:-1]] = True
    x, y = points.T.copy()
    inwards = np.where((measure_rings(x, y, heads) > 0) == outer, 1.0, -1.0)
    return Outlines(points, heads, polygon, inwards)


@kernel
def measure_rings(x: Floats, y: Floats, heads: Ints) -> Floats:
    """Return the area in each of some closed rings, below 0 for one that runs clockwise."""
    area = np.empty(len(heads) - 1)
    for ring in range(len(area)):
        area[ring] = ring_area(x, y, np.arange(heads[ring], heads[ring + 1]))
    return area


def pair_edges(start: Ints, end: Ints, face: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return each edge once: start, end, left and right face. Faces lie left of what is given."""
    edge, first = number_pairs(np.minimum(start, end), np.maximum(start, end))
    right = np.full(len(first), -1, dtype=np.int64)
    twin = np.flatnonzero(first[edge] != np.arange(len(edge)))
    right[edge[twin]] = face[twin]
    return start[first], end[first], face[first], right


def dissolve(coverage: Coverage, owner: npt.NDArray[Any]) -> Coverage:
    """Join the faces of each owner (0, 1, 2, …); edges between them go."""
    beside = np.append(owner, -1)
    left, right = beside[coverage.left], beside[coverage.right]
    merged = coverage._replace(left=left, right=right)
    return merged.take(left != right)


def make_polygons(coverage: Coverage) -> npt.NDArray[Any]:
    """Return the polygon of every face; each face is in one piece."""
    rings = trace_rings(coverage)
    polygons = draw_polygons(coverage.points, rings, np.arange(len(rings.whole)))
    return polygons[np.argsort(rings.whole, kind="stable")]


class Arcs(NamedTuple):
    """The longest ways along edges on which the same two faces meet.

    Parameters
    ----------
    nodes, heads : array of int
        Nodes of all arcs, where each arc begins, and where the last one ends. An arc around an
        island ends at the node where it begins.
    left, right : array of int
        Faces beside each arc, looking along it; -1 is the outside.
    """

    nodes: Ints
    heads: Ints
    left: Ints
    right: Ints


def chain_edges(coverage: Coverage) -> Arcs:
    """Join the edges of a coverage to arcs, from junction to junction."""
    ends = np.concatenate([coverage.start, coverage.end])
    degree = np.bincount(ends, minlength=len(coverage.points))
    at_node = np.argsort(ends, kind="stable") % max(1, len(coverage.start))
    heads = np.concatenate([[0], np.cumsum(degree)])
    return Arcs(*_walk_arcs(coverage.start, coverage.end, heads, at_node, *coverage[3:]))


@kernel
def _walk_arcs(
    start: Ints, end: Ints, heads: Ints, at_node: Ints, left: Ints, right: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Walk from each junction along its edges, then around the islands that have none.

    The edges at a node are ``at_node[heads[node] : heads[node + 1]]``.
    """
    size = len(start)
    nodes, ends = np.empty(2 * size, np.int64), np.zeros(size + 1, np.int64)
    west, east = np.empty(size, np.int64), np.empty(size, np.int64)
    used, count, filled = np.zeros(size, np.bool_), 0, 0
    for half in range(4 * size):
        first, against, islands = half // 2 % size, half % 2, half >= 2 * size
        node = end[first] if against else start[first]
        if used[first] or (heads[node + 1] - heads[node] == 2 and not islands):
            continue
        west[count] = right[first] if against else left[first]
        east[count] = left[first] if against else right[first]
        nodes[filled] = node
        filled += 1
        edge, origin = first, node
        while True:
            used[edge] = True
            node = start[edge] + end[edge] - node
            nodes[filled] = node
            filled += 1
            if node == origin or heads[node + 1] - heads[node] != 2:
                break
            one, two = at_node[heads[node]], at_node[heads[node] + 1]
            edge = two if one == edge else one
        count += 1
        ends[count] = filled
    return nodes[:filled].copy(), ends[: count + 1].copy(), west[:count].copy(), east[:count].copy()


def thin_lines(points: Floats, heads: Ints, most: float) -> tuple[Floats, Ints]:
    """Leave out points of lines for drawing; ends stay, so that lines go on meeting.

    Parameters
    ----------
    points : array of float, shape (n, 2)
        Metres.
    heads : array of int
        Where each line begins, and where the last one ends.
    most : float
        Metres that a point which is left out may be from the line that stays.

    Returns
    -------
    points : array of float
        Those that stay.
    counts : array of int
        How many each line has.
    """
    if not len(points):
        return points, np.zeros(0, np.int64)
    kept = _choose_points(points[:, 0].copy(), points[:, 1].copy(), heads, most)
    return points[kept], np.add.reduceat(kept.astype(np.int64), heads[:-1])


@kernel
def _choose_points(x: Floats, y: Floats, heads: Ints, most: float) -> Flags:
    """Flag the points that lines need to stay within ``most`` metres (Douglas and Peucker 1973)."""
    kept = np.zeros(len(x), np.bool_)
    first, last = np.empty(len(x) + 1, np.int64), np.empty(len(x) + 1, np.int64)
    for line in range(len(heads) - 1):
        first[0], last[0], waiting = heads[line], heads[line + 1] - 1, 1
        kept[first[0]] = kept[last[0]] = True
        while waiting > 0:
            waiting -= 1
            a, b = first[waiting], last[waiting]
            dx, dy = x[b] - x[a], y[b] - y[a]
            length = math.hypot(dx, dy)
            far, at = most, -1
            for i in range(a + 1, b):
                px, py = x[i] - x[a], y[i] - y[a]
                off = abs(dx * py - dy * px) / length if length > 0 else math.hypot(px, py)
                if off > far:
                    far, at = off, i
            if at >= 0:
                kept[at] = True
                first[waiting], last[waiting] = a, at
                first[waiting + 1], last[waiting + 1] = at, b
                waiting += 2
    return kept


def draw_polygons(points: Floats, rings: Rings, faces: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the polygons of some faces (ascending), outer rings anticlockwise."""
    chosen = np.zeros(len(rings.whole), dtype=np.bool_)
    chosen[faces] = True
    order = np.lexsort([~rings.outer, rings.face])
    order = order[chosen[rings.face[order]]]
    nodes, heads = _close_rings(rings.nodes, rings.heads, order)
    per_face = np.bincount(rings.face[order], minlength=len(chosen))[chosen]
    tails = np.concatenate([[0], np.cumsum(per_face)])
    shapes = shapely.from_ragged_array(shapely.GeometryType.POLYGON, points[nodes], (heads, tails))
    return np.asarray(shapes)


@kernel
def _close_rings(nodes: Ints, heads: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Return the rings in an order, the first node of each repeated at its end."""
    size = 0
    for ring in order:
        size += heads[ring + 1] - heads[ring] + 1
    closed, ends, count = np.empty(size, np.int64), np.zeros(len(order) + 1, np.int64), 0
    for place in range(len(order)):
        first, last = heads[order[place]], heads[order[place] + 1]
        closed[count : count + last - first] = nodes[first:last]
        count += last - first + 1
        closed[count - 1] = nodes[first]
        ends[place + 1] = count
    return closed, ends


def trace_rings(coverage: Coverage) -> Rings:
    """Trace the rings of all faces.

    ``left`` and ``right`` may also be larger things that the edges divide into faces (cells of a
    block): what counts is that -1 is outside.
    """
    x, y = coverage.points.T.copy()
    origin = np.stack([coverage.start, coverage.end], axis=1).reshape(-1)
    sides = np.stack([coverage.left, coverage.right], axis=1).reshape(-1)
    ahead = _link_edges(x, y, origin)
    nodes, heads, whole, shell, ring_of = _walk_faces(x, y, origin, sides, ahead)
    outer = shell == np.arange(len(shell))
    lost = np.flatnonzero(shell < 0)
    if len(lost):
        shell[lost] = _find_shells(x, y, nodes, heads, whole, np.flatnonzero(outer), lost)
    face = (np.cumsum(outer) - 1)[shell]
    traced = np.append(face, -1)[ring_of].reshape(-1, 2)
    return Rings(nodes, heads, face, outer, whole[outer], traced)


def _find_shells(
    x: Floats, y: Floats, nodes: Ints, heads: Ints, whole: Ints, outer: Ints, lost: Ints
) -> Ints:
    """Return for holes that touch no outer ring of their face the smallest one around them."""
    order = outer[np.argsort(whole[outer], kind="stable")]
    low = np.searchsorted(whole[order], whole[lost], side="left")
    high = np.searchsorted(whole[order], whole[lost], side="right")
    return np.asarray(_choose_shells(x, y, nodes, heads, order, lost, low, high))


@kernel
def _choose_shells(
    x: Floats, y: Floats, nodes: Ints, heads: Ints, order: Ints, lost: Ints, low: Ints, high: Ints
) -> Ints:
    """Return for each lost ring the smallest ring of ``order[low:high]`` that it lies in."""
    found = np.empty(len(lost), np.int64)
    for i in range(len(lost)):
        spot, least = nodes[heads[lost[i]]], np.inf
        found[i] = order[low[i]]
        if high[i] - low[i] == 1:
            continue
        for ring in order[low[i] : high[i]]:
            around = nodes[heads[ring] : heads[ring + 1]]
            if ring_holds(x, y, around, spot):
                area = ring_area(x, y, around)
                if area < least:
                    least, found[i] = area, ring
    return found


@routine
def ring_holds(x: Floats, y: Floats, ring: Ints, spot: int) -> bool:
    """Tell whether a node lies in a ring; one of the ring's own nodes does not."""
    inside, before = False, ring[-1]
    for node in ring:
        if node == spot:
            return False
        if (y[node] > y[spot]) != (y[before] > y[spot]):
            share = (y[spot] - y[before]) / (y[node] - y[before])
            inside ^= x[before] + share * (x[node] - x[before]) > x[spot]
        before = node
    return inside


@routine
def ring_area(x: Floats, y: Floats, ring: Ints) -> float:
    """Return the area in a ring, below 0 if it runs clockwise."""
    total, origin, before = 0.0, ring[0], ring[-1]
    for node in ring:
        ax, ay = x[before] - x[origin], y[before] - y[origin]
        bx, by = x[node] - x[origin], y[node] - y[origin]
        total += ax * by - bx * ay
        before = node
    return total / 2


@routine
def comes_first(ax: float, ay: float, bx: float, by: float) -> bool:
    """Tell whether a way turns off before another one, anticlockwise from due east."""
    upper, other = ay > 0 or (ay == 0 and ax > 0), by > 0 or (by == 0 and bx > 0)
    if upper != other:
        return upper
    return ax * by - ay * bx > 0


@kernel
def _link_edges(x: Floats, y: Floats, origin: Ints) -> Ints:
    """Return what follows each half-edge around the face to its left.

    Half-edge 2 e runs along edge e, 2 e + 1 against it. At a node the next one is the first
    clockwise from where the way came.
    """
    heads = np.zeros(len(x) + 1, np.int64)
    for half in range(len(origin)):
        heads[origin[half] + 1] += 1
    heads = np.cumsum(heads)
    out, filled = np.empty(len(origin), np.int64), heads[:-1].copy()
    for half in range(len(origin)):
        node = origin[half]
        dx, dy = x[origin[half ^ 1]] - x[node], y[origin[half ^ 1]] - y[node]
        at = filled[node]
        while at > heads[node]:
            other = origin[out[at - 1] ^ 1]
            if not comes_first(dx, dy, x[other] - x[node], y[other] - y[node]):
                break
            out[at] = out[at - 1]
            at -= 1
        out[at] = half
        filled[node] += 1
    ahead = np.empty(len(origin), np.int64)
    for node in range(len(x)):
        for at in range(heads[node], heads[node + 1]):
            before = at - 1 if at > heads[node] else heads[node + 1] - 1
            ahead[out[at] ^ 1] = out[before]
    return ahead


@kernel
def _walk_faces(
    x: Floats, y: Floats, origin: Ints, sides: Ints, ahead: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Walk around every face; return its rings.

    Where a walk comes back to a node its loop is a ring of its own: rings touch in points only.

    Returns
    -------
    nodes, heads, whole : array of int
        Nodes of the rings, where each begins, and what it is part of.
    shell : array of int
        The outer ring of the same walk, or -1.
    ring_of : array of int
        The ring that each half-edge is in; -1 outside.
    """
    halves = len(sides)
    nodes, heads = np.empty(halves, np.int64), np.zeros(halves + 1, np.int64)
    whole, shell = np.empty(halves, np.int64), np.empty(halves, np.int64)
    ring_of, place = np.full(halves, -1, np.int64), np.full(len(x), -1, np.int64)
    stack, count = np.empty(halves, np.int64), 0
    for first in range(halves):
        if sides[first] < 0 or ring_of[first] >= 0:
            continue
        half, top, walk, around = first, 0, count, -1
        while True:
            low = place[origin[half]]
            if low >= 0:
                heads[count + 1] = heads[count] + top - low
                for i in range(low, top):
                    at = origin[stack[i]]
                    nodes[heads[count] + i - low], place[at] = at, -1
                    ring_of[stack[i]] = count
                if ring_area(x, y, nodes[heads[count] : heads[count + 1]]) > 0:
                    around = count
                whole[count] = sides[first]
                count, top = count + 1, low
                if half == first:
                    break
            place[origin[half]] = top
            stack[top] = half
            top += 1
            half = ahead[half]
        for ring in range(walk, count):
            shell[ring] = around
    return (
        nodes[: heads[count]].copy(), heads[: count + 1].copy(), whole[:count].copy(),
        shell[:count].copy(), ring_of,
    )  # fmt: skip
