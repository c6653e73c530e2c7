"""Delaunay triangles of labelled points, and the lines between the regions of different labels.

Points are whole steps of a lattice (a millimetre), so that orientations are exact in 64 bits.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gridmap.compiling import kernel, routine

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: The Hilbert curve that orders points has 2 to this many cells along each side.
_ORDER = 10
#: Bound of rounding in the test for a circle (Shewchuk 1997: 10 + 96 ε times ε).
_CIRCLE_ERROR = 1.2e-15


@routine
def hilbert_keys(x: Ints, y: Ints) -> Ints:
    """Return where points lie on a Hilbert curve over their extent."""
    size = 1 << _ORDER
    left, low = x.min(), y.min()
    step = max(x.max() - left, y.max() - low) // size + 1
    keys = np.empty(len(x), np.int64)
    for i in range(len(x)):
        a, b, key, side = (x[i] - left) // step, (y[i] - low) // step, 0, size >> 1
        while side > 0:
            right, up = (a & side) > 0, (b & side) > 0
            key = 4 * key + ((3 if right else 0) ^ (1 if up else 0))
            if not up:
                if right:
                    a, b = size - 1 - a, size - 1 - b
                a, b = b, a
            side >>= 1
        keys[i] = key
    return keys


@routine
def turn(x: Ints, y: Ints, a: int, b: int, c: int) -> int:
    """Return twice the area of a triangle: above 0 if its corners run anticlockwise."""
    return (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a])


@routine
def in_circle(x: Ints, y: Ints, a: int, b: int, c: int, d: int) -> bool:
    """Tell whether ``d`` is surely inside of the circle through ``a``, ``b``, ``c``.

    Where rounding could decide the answer is no, so that flipping always comes to an end.
    """
    ax, ay = float(x[a] - x[d]), float(y[a] - y[d])
    bx, by = float(x[b] - x[d]), float(y[b] - y[d])
    cx, cy = float(x[c] - x[d]), float(y[c] - y[d])
    aa, bb, cc = ax * ax + ay * ay, bx * bx + by * by, cx * cx + cy * cy
    one, two, three = bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay
    most = (
        aa * (abs(bx * cy) + abs(cx * by))
        + bb * (abs(cx * ay) + abs(ax * cy))
        + cc * (abs(ax * by) + abs(bx * ay))
    )
    return aa * one + bb * two + cc * three > _CIRCLE_ERROR * most


@routine
def find_triangle(x: Ints, y: Ints, tri: Ints, beyond: Ints, start: int, point: int) -> int:
    """Walk from a triangle to the one that holds a point: O(√n) steps, few from a neighbour.

    Which edge is looked at first changes from step to step, so that no walk goes round for ever.
    """
    here, came, steps = start, -1, 0
    while True:
        ahead = -1
        steps += 1
        for i in range(3):
            k = (i + steps) % 3
            other = beyond[here, k]
            if other == came and came >= 0:
                continue
            a, b = tri[here, (k + 1) % 3], tri[here, (k + 2) % 3]
            if turn(x, y, a, b, point) < 0:
                ahead = other
                break
        if ahead < 0:
            return here
        came, here = here, ahead


@routine
def link(beyond: Ints, triangle: int, old: int, new: int) -> None:
    """Tell a triangle that its neighbour ``old`` is ``new`` now."""
    if triangle >= 0:
        for k in range(3):
            if beyond[triangle, k] == old:
                beyond[triangle, k] = new
                return


@routine
def divide_triangle(tri: Ints, beyond: Ints, t: int, count: int, point: int) -> None:
    """Divide a triangle into three at a point; the point is their first corner."""
    a, b, c = tri[t]
    na, nb, nc = beyond[t]
    u, v = count, count + 1
    tri[t], tri[u], tri[v] = (point, a, b), (point, b, c), (point, c, a)
    beyond[t], beyond[u], beyond[v] = (nc, u, v), (na, v, t), (nb, t, u)
    link(beyond, na, t, u)
    link(beyond, nb, t, v)


@routine
def flip_edges(x: Ints, y: Ints, tri: Ints, beyond: Ints, stack: Ints, top: int) -> None:
    """Flip the edges opposite to a new point (first corner) until no circle holds a corner.

    A point on an edge leaves a flat triangle, which goes with the first flip.
    """
    while top > 0:
        top -= 1
        t = stack[top]
        n = beyond[t, 0]
        if n < 0:
            continue
        p, a, b = tri[t]
        j = 0
        while beyond[n, j] != t:
            j += 1
        d = tri[n, j]
        if turn(x, y, p, a, b) != 0 and not in_circle(x, y, p, a, b, d):
            continue
        na, nb = beyond[n, (j + 1) % 3], beyond[n, (j + 2) % 3]
        # n is (d, b, a): across (d, a) lies the neighbour opposite to b, across (b, d) that of a.
        pb, pa = beyond[t, 1], beyond[t, 2]
        tri[t], tri[n] = (p, a, d), (p, d, b)
        beyond[t], beyond[n] = (na, n, pa), (nb, pb, t)
        link(beyond, na, n, t)
        link(beyond, pb, t, n)
        stack[top], stack[top + 1] = t, n
        top += 2


@routine
def triangulate(x: Ints, y: Ints, order: Ints) -> tuple[Ints, Ints]:
    """Return the Delaunay triangles of points, and what lies opposite to each corner.

    Parameters
    ----------
    x, y : array of int
        Coordinates; the last three points are a triangle around all others.
    order : array of int
        In which order the others are added; neighbours one after the other cost O(1) each.

    Returns
    -------
    triangles, beyond : array of int, shape (n, 3)
        Corners anticlockwise; neighbours opposite to them, or -1. Of equal points the first added
        is in.
    """
    first = len(x) - 3
    tri = np.empty((2 * first + 1, 3), np.int64)
    beyond = np.empty((2 * first + 1, 3), np.int64)
    stack = np.empty(2 * first + 8, np.int64)
    tri[0], beyond[0] = (first, first + 1, first + 2), (-1, -1, -1)
    count, t = 1, 0
    for point in order:
        t = find_triangle(x, y, tri, beyond, t, point)
        same = False
        for k in range(3):
            same |= x[tri[t, k]] == x[point] and y[tri[t, k]] == y[point]
        if same:
            continue
        divide_triangle(tri, beyond, t, count, point)
        stack[0], stack[1], stack[2] = t, count, count + 1
        count += 2
        flip_edges(x, y, tri, beyond, stack, 3)
    return tri[:count], beyond[:count]


@routine
def enclose_points(x: Ints, y: Ints, width: int, height: int) -> tuple[Ints, Ints]:
    """Return points and after them the corners of a wide triangle around (0, 0, width, height).

    The points lie in that rectangle. Each of its places is nearer to a point, wherever that is,
    than to the corners of the triangle.
    """
    n, size, middle_x, middle_y = len(x), max(width, height) + 1, width // 2, height // 2
    all_x, all_y = np.empty(n + 3, np.int64), np.empty(n + 3, np.int64)
    all_x[:n], all_y[:n] = x, y
    all_x[n], all_x[n + 1], all_x[n + 2] = middle_x - 6 * size, middle_x + 6 * size, middle_x
    all_y[n:] = middle_y - 4 * size
    all_y[n + 2] = middle_y + 8 * size
    return all_x, all_y


# --- lines between labels -------------------------------------------------------------------------


class Arcs(NamedTuple):
    """Lines between the regions of two labels.

    Parameters
    ----------
    x, y : array of int
        Vertices of all arcs, one arc after the other, in steps.
    heads : array of int
        Where each arc begins, and where the last one ends.
    left, right : array of int
        The labels on either side.
    """

    x: Ints
    y: Ints
    heads: Ints
    left: Ints
    right: Ints


@routine
def find_centre(x: Ints, y: Ints, corners: Ints) -> tuple[int, int]:
    """Return the centre of the circle through three points, in whole steps."""
    a, b, c = corners
    ux, uy = float(x[b] - x[a]), float(y[b] - y[a])
    vx, vy = float(x[c] - x[a]), float(y[c] - y[a])
    twice = 2.0 * (ux * vy - uy * vx)
    uu, vv = ux * ux + uy * uy, vx * vx + vy * vy
    dx, dy = (vy * uu - uy * vv) / twice, (ux * vv - vx * uu) / twice
    return x[a] + int(np.rint(dx)), y[a] + int(np.rint(dy))


@routine
def is_ridge(label: Ints, tri: Ints, t: int, k: int) -> bool:
    """Tell whether the edge opposite to corner ``k`` joins points of two labels."""
    a, b = tri[t, (k + 1) % 3], tri[t, (k + 2) % 3]
    return a < len(label) and b < len(label) and label[a] != label[b]


@routine
def count_ridges(label: Ints, tri: Ints) -> Ints:
    """Return for each triangle how many lines between labels meet in its centre."""
    degree = np.zeros(len(tri), np.int64)
    for t in range(len(tri)):
        for k in range(3):
            degree[t] += is_ridge(label, tri, t, k)
    return degree


@routine
def follow_arc(
    arcs: Arcs, x: Ints, y: Ints, label: Ints, tri: Ints, beyond: Ints, degree: Ints,
    done: Flags, first: int, k: int, count: int,
) -> int:  # fmt: skip
    """Write the arc that leaves a triangle across an edge; return how many arcs there are now.

    An arc ends where other than two lines meet, or where it began. One that is no longer than a
    step is left out.
    """
    head = arcs.heads[count]
    arcs.left[count] = label[tri[first, (k + 2) % 3]]
    arcs.right[count] = label[tri[first, (k + 1) % 3]]
    arcs.x[head], arcs.y[head] = find_centre(x, y, tri[first])
    end, t = head + 1, first
    while True:
        other, j = beyond[t, k], 0
        while beyond[other, j] != t:
            j += 1
        done[t, k] = done[other, j] = True
        at_x, at_y = find_centre(x, y, tri[other])
        if at_x != arcs.x[end - 1] or at_y != arcs.y[end - 1]:
            arcs.x[end], arcs.y[end] = at_x, at_y
            end += 1
        if degree[other] != 2 or other == first:
            break
        k, t = (j + 1) % 3, other
        if not is_ridge(label, tri, t, k):
            k = (j + 2) % 3
    if end == head + 1:
        return count
    arcs.heads[count + 1] = end
    return count + 1


@routine
def trace_block(arcs: Arcs, x: Ints, y: Ints, label: Ints, extent: Ints, count: int) -> int:
    """Add the arcs between labelled points of a block; return how many arcs there are now."""
    all_x, all_y = enclose_points(x, y, extent[0], extent[1])
    order = np.argsort(hilbert_keys(x, y), kind="mergesort")
    tri, beyond = triangulate(all_x, all_y, order)
    degree = count_ridges(label, tri)
    done = np.zeros(tri.shape, np.bool_)
    for closed in (False, True):
        for t in range(len(tri)):
            if degree[t] == 0 or (degree[t] == 2 and not closed):
                continue
            for k in range(3):
                if is_ridge(label, tri, t, k) and not done[t, k]:
                    count = follow_arc(
                        arcs, all_x, all_y, label, tri, beyond, degree, done, t, k, count
                    )
    return count


@kernel
def trace_arcs(x: Ints, y: Ints, label: Ints, blocks: Ints, extents: Ints) -> tuple[Arcs, Ints]:
    """Return the lines between what is nearest to points of different labels, O(n log n).

    Parameters
    ----------
    x, y : array of int
        Points in steps, block by block.
    label : array of int
        Label of each point.
    blocks : array of int
        Where each block begins among the points, and where the last one ends.
    extents : array of int, shape (n, 2)
        Width and height of each block, whose lower left is 0, 0; its points lie in it.

    Returns
    -------
    arcs : Arcs
        Their vertices are centres of Delaunay triangles, so that they only meet in their ends, but
        for rounding to a step. Arcs that leave the extent of their block end somewhere outside.
    heads : array of int
        Where each block begins among the arcs, and where the last one ends.
    """
    most = 6 * (len(x) + 3 * len(blocks))
    arcs = Arcs(
        np.empty(most, np.int64), np.empty(most, np.int64), np.zeros(most, np.int64),
        np.empty(most, np.int64), np.empty(most, np.int64),
    )  # fmt: skip
    heads = np.zeros(len(blocks), np.int64)
    count = 0
    for block in range(len(blocks) - 1):
        rows = slice(blocks[block], blocks[block + 1])
        count = trace_block(arcs, x[rows], y[rows], label[rows], extents[block], count)
        heads[block + 1] = count
    end = arcs.heads[count]
    kept = Arcs(
        arcs.x[:end].copy(), arcs.y[:end].copy(), arcs.heads[: count + 1].copy(),
        arcs.left[:count].copy(), arcs.right[:count].copy(),
    )  # fmt: skip
    return kept, heads


@routine
def mark_corners(x: Ints, y: Ints, first: int, last: int, tolerance: float, keep: Flags) -> None:
    """Mark the vertices of a line that it needs (Douglas and Peucker), the ends among them."""
    keep[first] = keep[last] = True
    stack = [(first, last)]
    while stack:
        low, high = stack.pop()
        dx, dy = float(x[high] - x[low]), float(y[high] - y[low])
        square = dx * dx + dy * dy
        far, at = tolerance * tolerance, -1
        for i in range(low + 1, high):
            px, py = float(x[i] - x[low]), float(y[i] - y[low])
            share = (px * dx + py * dy) / square if square > 0 else 0.0
            share = min(max(share, 0.0), 1.0)
            apart = (px - share * dx) ** 2 + (py - share * dy) ** 2
            if apart > far:
                far, at = apart, i
        if at >= 0:
            keep[at] = True
            stack.append((low, at))
            stack.append((at, high))


@kernel
def straighten_arcs(arcs: Arcs, tolerance: float, whole: Flags) -> Arcs:
    """Return arcs with the vertices that they need to stay within ``tolerance`` steps.

    Those of ``whole`` keep all. An arc keeps its place in the list, with no vertices if it comes
    back to where it began without going farther than that.
    """
    keep = np.zeros(len(arcs.x), np.bool_)
    heads = np.zeros(len(arcs.heads), np.int64)
    for arc in range(len(arcs.left)):
        first, last = arcs.heads[arc], arcs.heads[arc + 1] - 1
        if whole[arc]:
            keep[first : last + 1] = True
        else:
            mark_corners(arcs.x, arcs.y, first, last, tolerance, keep)
        count = keep[first : last + 1].sum()
        if count == 2 and arcs.x[first] == arcs.x[last] and arcs.y[first] == arcs.y[last]:
            keep[first : last + 1] = False
            count = 0
        heads[arc + 1] = heads[arc] + count
    return Arcs(arcs.x[keep], arcs.y[keep], heads, arcs.left, arcs.right)
