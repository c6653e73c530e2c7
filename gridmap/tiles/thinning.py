"""Fewer corners along the borders of a web, every border once, and nothing crosses or collapses.

Visvalingam's rule: the corner whose triangle with its two neighbours is smallest goes first. It
stays where another node lies in that triangle, or where the new edge is there already: so the web
stays what it was, but for its corners.
"""

import heapq

import numpy as np

from gridmap.compiling import kernel, routine
from gridmap.cutting.mesh import Flags, Ints
from gridmap.tiles.webs import Web, drop_loose, find_first


def thin_web(web: Web, most: int) -> Web:
    """Leave out corners between two edges.

    Parameters
    ----------
    web : Web
        A web in one plane; junctions of three edges or more stay.
    most : int
        Twice the area of a triangle, in steps of the lattice, up to which its corner goes.
    """
    edges = len(web.start)
    node = np.concatenate([web.start, web.end])
    order = np.argsort(node, kind="stable")
    heads = np.searchsorted(node[order], np.arange(len(web.x) + 1))
    beside = np.concatenate([web.end, web.start])[order]
    left = np.concatenate([web.left, web.right])[order]
    band = max(0, int(np.ptp(web.y)).bit_length() - len(web.y).bit_length() // 2) if edges else 0
    by_band = np.lexsort([web.x, web.y >> band])
    rows = web.y[by_band] >> band
    low = int(rows[0]) if edges else 0
    count = int(rows[-1]) - low + 1 if edges else 0
    bands = np.searchsorted(rows, np.arange(low, low + count + 1))
    start, end, one, other = _thin(
        web.x, web.y, heads, beside, left, by_band, bands, band, low, most
    )
    return drop_loose(Web(*web[:3], start, end, one, other))


@kernel
def _thin(
    x: Ints, y: Ints, heads: Ints, beside: Ints, left: Ints, order: Ints, bands: Ints, band: int,
    low: int, most: int,
) -> tuple[Ints, Ints, Ints, Ints]:  # fmt: skip
    """Take corners away, and return the edges that are left.

    ``beside[heads[n] : heads[n + 1]]`` are the neighbours of node n, ``left`` what is left of the
    way to them.
    """
    gone = np.zeros(len(x), np.bool_)
    heap = [(0, 0)]  # a list of pairs of whole numbers, for numba
    heapq.heappop(heap)
    for node in range(len(x)):
        if heads[node + 1] - heads[node] == 2:
            size = _corner(x, y, heads, beside, node)
            if size <= most:
                heapq.heappush(heap, (size, node))
    while heap:
        size, node = heapq.heappop(heap)
        if gone[node] or size != _corner(x, y, heads, beside, node):
            continue  # an older entry of a corner that has changed since
        a, b = beside[heads[node]], beside[heads[node] + 1]
        if _find_slot(heads, beside, a, b) >= 0 or not _is_empty(
            x, y, gone, order, bands, band, low, a, node, b
        ):
            continue
        gone[node] = True
        beside[_find_slot(heads, beside, a, node)] = b
        beside[_find_slot(heads, beside, b, node)] = a
        for end in (a, b):
            if heads[end + 1] - heads[end] == 2:
                size = _corner(x, y, heads, beside, end)
                if size <= most:
                    heapq.heappush(heap, (size, end))
    return _list_edges(heads, beside, left, gone)


@routine
def _list_edges(
    heads: Ints, beside: Ints, left: Ints, gone: Flags
) -> tuple[Ints, Ints, Ints, Ints]:
    """List the edges between nodes that are left, each once: ends, and what is on either side."""
    size = len(beside)
    start, end = np.empty(size, np.int64), np.empty(size, np.int64)
    one, other = np.empty(size, np.int64), np.empty(size, np.int64)
    count = 0
    for node in range(len(heads) - 1):
        if gone[node]:
            continue
        for slot in range(heads[node], heads[node + 1]):
            if node < beside[slot]:
                start[count], end[count], one[count] = node, beside[slot], left[slot]
                other[count] = left[_find_slot(heads, beside, beside[slot], node)]
                count += 1
    return start[:count].copy(), end[:count].copy(), one[:count].copy(), other[:count].copy()


@routine
def _corner(x: Ints, y: Ints, heads: Ints, beside: Ints, node: int) -> int:
    """Return twice the area of the triangle of a node and its two neighbours."""
    a, b = beside[heads[node]], beside[heads[node] + 1]
    return abs((x[a] - x[node]) * (y[b] - y[node]) - (x[b] - x[node]) * (y[a] - y[node]))


@routine
def _find_slot(heads: Ints, beside: Ints, node: int, other: int) -> int:
    """Return where a neighbour of a node is listed, or -1."""
    for slot in range(heads[node], heads[node + 1]):
        if beside[slot] == other:
            return slot
    return -1


@routine
def _is_empty(
    x: Ints, y: Ints, gone: Flags, order: Ints, bands: Ints, band: int, low: int, a: int, node: int,
    b: int,
) -> bool:  # fmt: skip
    """Tell whether no other node lies in a triangle or on its sides."""
    west, east = min(x[a], x[node], x[b]), max(x[a], x[node], x[b])
    south, north = min(y[a], y[node], y[b]), max(y[a], y[node], y[b])
    for row in range((south >> band) - low, (north >> band) - low + 1):
        at = find_first(x, order, bands[row], bands[row + 1], west)
        while at < bands[row + 1] and x[order[at]] <= east:
            other = order[at]
            at += 1
            if gone[other] or other in (a, b, node):
                continue
            if south <= y[other] <= north and _holds(x, y, a, node, b, other):
                return False
    return True


@routine
def _holds(x: Ints, y: Ints, a: int, b: int, c: int, spot: int) -> bool:
    """Tell whether a node lies in a triangle or on it."""
    one = (x[b] - x[a]) * (y[spot] - y[a]) - (x[spot] - x[a]) * (y[b] - y[a])
    two = (x[c] - x[b]) * (y[spot] - y[b]) - (x[spot] - x[b]) * (y[c] - y[b])
    three = (x[a] - x[c]) * (y[spot] - y[c]) - (x[spot] - x[c]) * (y[a] - y[c])
    low, high = min(one, two, three), max(one, two, three)
    return low >= 0 or high <= 0
