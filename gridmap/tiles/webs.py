"""Areas as webs of edges on whole numbers, and their rounding that tears and crosses nothing.

A web holds each border once: an edge between two nodes, and the area on either side. Areas that
share borders (a coverage) are in one plane; areas that may overlap (buildings) have a plane each,
and edges of different planes know nothing of each other.

**Rounding.** Corners are rounded to a coarser lattice by *snap rounding* (Hobby 1999): a pixel is
the half-open square around a lattice point; it is hot if a corner lies in it; each edge is bent
through the centres of all hot pixels that it passes. So no two edges cross afterwards that did not
cross before, whatever the lattice, and neighbours stay neighbours. Edges that fall on each other
become one, and an area that they enclosed is gone: it has *collapsed*.
"""

from typing import NamedTuple

import numpy as np

from gridmap.compiling import kernel, routine
from gridmap.cutting.coverage import Outlines, number_pairs
from gridmap.cutting.mesh import Flags, Ints

#: A plane's number is written above the bits of x.
X_BITS = 37


class Web(NamedTuple):
    """Edges between nodes of a lattice, and the area on either side of each.

    Parameters
    ----------
    x, y, plane : array of int, shape (n,)
        The nodes. Seen with x to the right and y upwards (tiles have it downwards).
    start, end : array of int, shape (m,)
        Nodes of each edge; no two edges join the same two.
    left, right : array of int, shape (m,)
        Areas beside it, looking from start to end; -1 is nothing.
    """

    x: Ints
    y: Ints
    plane: Ints
    start: Ints
    end: Ints
    left: Ints
    right: Ints


def weave(outlines: Outlines, area: Ints, plane: Ints) -> Web:
    """Make a web of closed rings.

    Parameters
    ----------
    outlines : Outlines
        Rings of polygons in whole numbers.
    area, plane : array of int
        The area and the plane of each polygon; parts of one area may have several polygons.
    """
    x, y = np.rint(outlines.points).astype(np.int64).T.copy()
    ring = np.repeat(np.arange(len(outlines.inwards)), np.diff(outlines.heads))
    polygon = outlines.polygon[ring] if len(ring) else ring
    node, first = number_pairs((plane[polygon] << X_BITS) + x, y)
    at = np.flatnonzero(ring[1:] == ring[:-1])
    back = outlines.inwards[ring[at]] < 0
    start, end = np.where(back, node[at + 1], node[at]), np.where(back, node[at], node[at + 1])
    left = area[polygon[at]]
    edges = merge_edges(start, end, left, np.full(len(left), -1))
    return Web(x[first], y[first], plane[polygon[first]], *edges)


def merge_edges(start: Ints, end: Ints, left: Ints, right: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return each pair of nodes once, with what is left and right of all edges between them.

    Where edges lie on each other, an area that is left of one and right of another is between the
    two and has no width there. An edge with the same on both sides is none.
    """
    flip = start > end
    low, high = np.where(flip, end, start), np.where(flip, start, end)
    left, right = np.where(flip, right, left), np.where(flip, left, right)
    pair, first = number_pairs(low, high)
    order = np.argsort(pair, kind="stable")
    heads = np.searchsorted(pair[order], np.arange(len(first) + 1))
    one, other = _cancel(heads, left[order], right[order])
    real = (one != other) & (low[first] != high[first])
    return low[first][real], high[first][real], one[real], other[real]


@kernel
def _cancel(heads: Ints, left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Return per group of edges the area that is left of one of them more often than right."""
    count = len(heads) - 1
    one, other = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    for group in range(count):
        begin, stop = heads[group], heads[group + 1]
        taken = np.zeros(stop - begin, np.bool_)
        for i in range(begin, stop):
            found = False
            for j in range(begin, stop):
                if not found and not taken[j - begin] and right[j] == left[i]:
                    taken[j - begin] = found = True
            if not found:
                one[group] = left[i]
        for j in range(begin, stop):
            if not taken[j - begin]:
                other[group] = right[j]
    return one, other


def relabel(web: Web, area: Ints) -> Web:
    """Return the web with areas joined: ``area`` is the new number of each old one."""
    beside = np.append(area, -1)
    left, right = beside[web.left], beside[web.right]
    real = left != right
    return Web(*web[:3], web.start[real], web.end[real], left[real], right[real])


def round_web(web: Web, shift: int, spots: tuple[Ints, Ints, Ints] | None = None) -> Web:
    """Round a web to a lattice that is coarser by a power of two.

    Parameters
    ----------
    web : Web
        The web; it is not changed.
    shift : int
        The new step is 2 to this many old ones; 0 keeps all nodes where they are.
    spots : tuple of array, optional
        x, y (new steps) and plane of further places that edges are bent through.
    """
    half = (1 << shift) >> 1
    x, y, plane = (web.x + half) >> shift, (web.y + half) >> shift, web.plane
    if spots is not None:
        x, y, plane = (np.concatenate([a, b]) for a, b in zip((x, y, plane), spots, strict=True))
    pixel, first = number_pairs((plane << X_BITS) + x, y)
    x, y, plane = x[first], y[first], plane[first]
    band = max(0, int(np.ptp(y)).bit_length() - len(y).bit_length() // 2) if len(y) else 0
    order = np.lexsort([x, y >> band])
    rows = y[order] >> band
    low = int(rows[0]) if len(rows) else 0
    heads = np.searchsorted(rows, np.arange(low, low + int(np.ptp(rows)) + 2 if len(rows) else 1))
    ends = pixel[web.start], pixel[web.end]
    nodes, stops = _bend_edges(
        *web[:2], web.start, web.end, *ends, x, y, plane, order, heads, band, low, shift
    )
    edge = np.repeat(np.arange(len(web.start)), np.diff(stops))
    at = np.flatnonzero(edge[1:] == edge[:-1])
    row = edge[at]
    edges = merge_edges(nodes[at], nodes[at + 1], web.left[row], web.right[row])
    return drop_loose(Web(x, y, plane, *edges))


def drop_loose(web: Web) -> Web:
    """Return the web without nodes that no edge ends at."""
    used = np.zeros(len(web.x), np.bool_)
    used[web.start] = used[web.end] = True
    place = np.cumsum(used) - 1
    x, y, plane = (column[used] for column in web[:3])
    return Web(x, y, plane, place[web.start], place[web.end], web.left, web.right)


@kernel
def _bend_edges(
    x: Ints, y: Ints, start: Ints, end: Ints, first: Ints, last: Ints, px: Ints, py: Ints,
    plane: Ints, order: Ints, heads: Ints, band: int, low: int, shift: int,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Return the hot pixels that each edge passes, in order, and where each edge's begin.

    Pixels ``order[heads[i] : heads[i + 1]]`` are those of band ``low + i``, by x.
    """
    nodes, stops = np.empty(4 * len(start) + 16, np.int64), np.zeros(len(start) + 1, np.int64)
    count = 0
    for edge in range(len(start)):
        a, b = first[edge], last[edge]
        west, east = min(px[a], px[b]), max(px[a], px[b])
        south, north = min(py[a], py[b]), max(py[a], py[b])
        begin = count
        for row in range((south >> band) - low, (north >> band) - low + 1):
            at = find_first(px, order, heads[row], heads[row + 1], west)
            while at < heads[row + 1] and px[order[at]] <= east:
                pixel = order[at]
                at += 1
                if plane[pixel] != plane[a] or py[pixel] < south or py[pixel] > north:
                    continue
                if _passes(
                    x[start[edge]], y[start[edge]], x[end[edge]], y[end[edge]],
                    px[pixel], py[pixel], shift,
                ):  # fmt: skip
                    if count == len(nodes):
                        nodes = np.append(nodes, np.empty(len(nodes), np.int64))
                    nodes[count] = pixel
                    count += 1
        _sort_along(nodes, begin, count, px, py, a, b)
        stops[edge + 1] = count
    return nodes[:count].copy(), stops


@routine
def find_first(x: Ints, order: Ints, at: int, stop: int, west: int) -> int:
    """Return where, in a part of an order by x, the first stands that is not west of something."""
    while at < stop:
        middle = (at + stop) // 2
        if x[order[middle]] < west:
            at = middle + 1
        else:
            stop = middle
    return at


@routine
def _passes(ax: int, ay: int, bx: int, by: int, px: int, py: int, shift: int) -> bool:
    """Tell whether a segment meets the half-open square around a point of the lattice.

    Everything is doubled, so that halves are whole. The west and south sides belong to the square.
    """
    half = 1 << shift
    ax, ay, bx, by = 2 * ax, 2 * ay, 2 * bx, 2 * by
    west, south = (px << (shift + 1)) - half, (py << (shift + 1)) - half
    side = 2 * half
    if max(ax, bx) < west or min(ax, bx) >= west + side:
        return False
    if max(ay, by) < south or min(ay, by) >= south + side:
        return False
    dx, dy = bx - ax, by - ay
    corner = dx * (south - ay) - dy * (west - ax)  # of the south-west corner: it is in the square
    across, up = -dy * side, dx * side  # what a step east or north adds
    least = corner + min(across, 0) + min(up, 0)
    most = corner + max(across, 0) + max(up, 0)
    if least > 0 or most < 0:
        return False
    if least == 0 and (across < 0 or up < 0):
        return False  # only touched on the north or east side, which is not in the square
    return not (most == 0 and (across > 0 or up > 0))


@routine
def _sort_along(nodes: Ints, begin: int, stop: int, px: Ints, py: Ints, a: int, b: int) -> None:
    """Sort the pixels of an edge from its start to its end: both coordinates only go one way."""
    east = 1 if px[b] >= px[a] else -1
    north = 1 if py[b] >= py[a] else -1
    for i in range(begin + 1, stop):
        pixel, j = nodes[i], i
        key = east * px[pixel] + north * py[pixel]
        while j > begin and east * px[nodes[j - 1]] + north * py[nodes[j - 1]] > key:
            nodes[j] = nodes[j - 1]
            j -= 1
        nodes[j] = pixel


def find_areas(web: Web, count: int) -> Flags:
    """Tell which of the areas have an edge."""
    present = np.zeros(count + 1, np.bool_)
    present[web.left] = present[web.right] = True
    return present[:count]
