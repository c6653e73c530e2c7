"""Divide blocks among labelled points: every place belongs to the label of the nearest one.

The lines between labels are centres of Delaunay triangles. They are straightened, cut off where
they leave their block, and tested: where two lines came to touch, they get their vertices back,
and where that does not help GEOS nodes the block. Points where lines end on the outline of a block
become nodes of the block beyond too, so that nothing has to be noded twice.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy
import shapely

from gridmap.compiling import kernel, routine
from gridmap.cutting.coverage import (
    GRID,
    Coverage,
    number_points,
    read_polygons,
    round_points,
)
from gridmap.cutting.mesh import Arcs, Flags, Floats, Ints, straighten_arcs, trace_arcs

Array = npt.NDArray[Any]
Progress = Callable[[str, int, int], None]

#: Metres by which a border between cells may be straightened.
STRAIGHTEN = 0.15
#: Metres below which it is left to GEOS whether two lines touch.
_NEAR = 1e-6
#: Points come in steps of a millimetre, or of so many that a block has at most this many across.
_MOST_STEPS = 100_000_000
#: How often a block's lines get vertices back before GEOS nodes them.
_TRIES = 3
#: Seeds to a task: enough to keep a worker busy, few enough to share the work out.
_TASK_SEEDS = 20_000


class Seeds(NamedTuple):
    """Points that claim what is nearest to them: for a label, in a block."""

    points: Array
    label: Array
    block: Array


class Cells(NamedTuple):
    """What blocks are cut into.

    Parameters
    ----------
    graph : Coverage
        ``left`` and ``right`` are blocks: two cells of a block have the same on either side.
    labels : array of int, shape (n, 2)
        Per edge, the labels left and right of it; -1 on the outline of a block.
    """

    graph: Coverage
    labels: Array


class _Task(NamedTuple):
    """Some blocks with more than one label, one after the other in every column.

    Columns are ``points`` and ``label`` of seeds, ``start`` and ``end`` of the edges of outlines;
    ``seeds`` and ``edges`` tell where each block begins in them. ``origin`` (whole metres),
    ``step`` (millimetres) and ``extent`` (steps, seeds outside of the block included) are the
    lattice of each block.
    """

    origin: Array
    step: Array
    extent: Array
    points: Array
    label: Array
    seeds: Array
    start: Array
    end: Array
    edges: Array

    def pick(self, block: int) -> "_Task":
        """Return a task of one of the blocks."""
        own, sides = slice(*self.seeds[block : block + 2]), slice(*self.edges[block : block + 2])
        whole = slice(block, block + 1)
        seeds, edges = (np.array([0, part.stop - part.start]) for part in (own, sides))
        return _Task(
            *(self.origin[whole], self.step[whole], self.extent[whole]),
            *(self.points[own], self.label[own], seeds),
            *(self.start[sides], self.end[sides], edges),
        )


class _Cut(NamedTuple):
    """The lines in the blocks of a task, edge by edge, and what they add to outlines.

    ``start``, ``end``, ``left`` and ``right`` (labels), ``block`` (of the task) describe lines;
    ``edge`` (of the task) and ``node`` the points where they end on outlines.
    """

    start: Array
    end: Array
    left: Array
    right: Array
    block: Array
    edge: Array
    node: Array


class _Doubts(NamedTuple):
    """What is not sure to be plane: arcs that touch others, blocks that only GEOS can node."""

    arcs: Flags
    blocks: Flags


def cut_blocks(
    blocks: Coverage, seeds: Seeds, executor: Executor | None = None, report: Progress | None = None
) -> Cells:
    """Divide blocks among the labels of their seeds.

    Parameters
    ----------
    blocks : Coverage
        Faces are the blocks.
    seeds : Seeds
        A block with one label, or none, stays as it is.
    executor : Executor, optional
        Where blocks are cut, some at a time. The result does not depend on it.
    report : callable, optional
        Called as ``report("cells", done, total)``.
    """
    packed = list(_pack_tasks(blocks, seeds))
    cut: Iterable[_Cut] = (executor.map if executor else map)(cut_task, [t for t, _, _ in packed])
    found = []
    for done, (part, (_, numbers, rows)) in enumerate(zip(cut, packed, strict=True), start=1):
        found.append(part._replace(block=numbers[part.block], edge=rows[part.edge]))
        if report:
            report("cells", done, len(packed))
    if not found:
        return Cells(blocks, np.full((len(blocks.start), 2), -1))
    return _join_cuts(blocks, _stack_cuts(found))


def _pack_tasks(blocks: Coverage, seeds: Seeds) -> Iterator[tuple[_Task, Array, Array]]:
    """Yield tasks with the numbers of their blocks and of their edges."""
    order = np.lexsort([seeds.label, seeds.block])
    points, label, block = (column[order] for column in seeds)
    first = np.flatnonzero(np.diff(block, prepend=-1))
    last = np.append(first, len(block))[1:]
    many = label[first] != label[last - 1]
    first, last = first[many], last[many]
    sides = np.concatenate([blocks.left, blocks.right])
    edge = np.argsort(sides, kind="stable")
    sides = sides[edge]
    edge %= len(blocks.left)
    batch = np.cumsum(last - first) // _TASK_SEEDS
    for number in np.unique(batch):
        rows = np.flatnonzero(batch == number)
        low = np.searchsorted(sides, block[first[rows]], side="left")
        high = np.searchsorted(sides, block[first[rows]], side="right")
        own, heads = _join_ranges(first[rows], last[rows])
        around, ends = _join_ranges(low, high)
        start = blocks.points[blocks.start[edge[around]]]
        end = blocks.points[blocks.end[edge[around]]]
        task = _lay_lattice(points[own], label[own], heads, start, end, ends)
        yield task, block[first[rows]], edge[around]


def _join_ranges(first: Array, last: Array) -> tuple[Array, Array]:
    """Return all rows of some ranges, and where each range begins among them."""
    heads = np.concatenate([[0], np.cumsum(last - first)])
    return np.arange(heads[-1]) + np.repeat(first - heads[:-1], last - first), heads


def _lay_lattice(
    points: Array, label: Array, seeds: Array, start: Array, end: Array, edges: Array
) -> _Task:
    """Return a task; each block's lattice starts at its lower left and is as fine as it may be."""
    low = np.minimum(
        np.minimum.reduceat(points, seeds[:-1]), np.minimum.reduceat(start, edges[:-1])
    )
    high = np.maximum(
        np.maximum.reduceat(points, seeds[:-1]), np.maximum.reduceat(start, edges[:-1])
    )
    origin = np.floor(low).astype(np.int64)
    step = 1 + (1000 * (high - low).max(axis=1) / _MOST_STEPS).astype(np.int64)
    extent = 1 + np.floor((high - origin) * (1000 / step)[:, None]).astype(np.int64)
    return _Task(origin, step, extent, points, label, seeds, start, end, edges)


def _join_cuts(blocks: Coverage, cut: _Cut) -> Cells:
    """Put the new nodes into the outlines, and outlines and lines into one graph."""
    start, end, edge = _split_edges(
        blocks.points[blocks.start], blocks.points[blocks.end], cut.edge, cut.node
    )
    count = len(start)
    points = np.concatenate([start, cut.start, end, cut.end])
    node, first = number_points(points)
    one, two = node[: len(points) // 2], node[len(points) // 2 :]
    left = np.concatenate([blocks.left[edge], cut.block])
    right = np.concatenate([blocks.right[edge], cut.block])
    labels = np.full((len(one), 2), -1)
    labels[count:] = np.column_stack([cut.left, cut.right])
    return Cells(Coverage(points[first], one, two, left, right), labels)


def _split_edges(start: Array, end: Array, edge: Array, node: Array) -> tuple[Array, Array, Array]:
    """Split edges at nodes on them; return starts, ends and the edge that each piece is of.

    Of nodes at the same place one counts.
    """
    way = end - start
    share = ((node - start[edge]) * way[edge]).sum(axis=1) / (way[edge] ** 2).sum(axis=1)
    source = np.concatenate([np.arange(len(start)), edge])
    order = np.lexsort([np.concatenate([np.full(len(start), -1.0), share]), source])
    source = source[order]
    begin = np.concatenate([start, node])[order]
    last = np.append(source[1:] != source[:-1], True)
    stop = np.concatenate([begin[1:], begin[:1]])
    stop[last] = end[source[last]]
    long = (begin != stop).any(axis=1)
    return begin[long], stop[long], source[long]


# --- some blocks at a time ------------------------------------------------------------------------


def cut_task(task: _Task) -> _Cut:
    """Return the lines between the labels in the blocks of a task."""
    arcs, heads = _trace_task(task)
    cut, doubts = _clip_arcs(task, arcs, heads, np.zeros(len(arcs.left), dtype=np.bool_))
    bad = np.flatnonzero(doubts.blocks)
    if not len(bad):
        return cut
    sure, block = ~doubts.blocks[cut.block], np.searchsorted(task.edges, cut.edge, side="right") - 1
    parts = [_Cut(*(c[sure] for c in cut[:5]), *(c[~doubts.blocks[block]] for c in cut[5:]))]
    for number in bad:
        part = _mend_block(task.pick(int(number)), doubts.arcs[heads[number] : heads[number + 1]])
        parts.append(
            part._replace(
                block=np.full(len(part.left), number), edge=part.edge + task.edges[number]
            )
        )
    return _stack_cuts(parts)


def _stack_cuts(parts: list[_Cut]) -> _Cut:
    """Return several cuts as one."""
    return _Cut(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _trace_task(task: _Task) -> tuple[Arcs, Ints]:
    """Return the arcs of every block in its own lattice, and where each block begins."""
    block = np.repeat(np.arange(len(task.step)), np.diff(task.seeds))
    steps = (task.points - task.origin[block]) * (1000 / task.step[block])[:, None]
    x, y = np.rint(steps).astype(np.int64).T.copy()
    arcs, heads = trace_arcs(x, y, task.label, task.seeds, task.extent)
    return arcs, heads


def _mend_block(task: _Task, whole: Flags) -> _Cut:
    """Cut one block again, with all vertices of the arcs that touched others."""
    arcs, heads = _trace_task(task)
    for _ in range(_TRIES):
        if not whole.any():
            break
        cut, doubts = _clip_arcs(task, arcs, heads, whole)
        if not doubts.blocks[0]:
            return cut
        if not (doubts.arcs & ~whole).any():
            break
        whole = whole | doubts.arcs
    return _node_block(task, straighten_arcs(arcs, 0.0, np.ones_like(whole)))


def _clip_arcs(task: _Task, arcs: Arcs, heads: Ints, whole: Flags) -> tuple[_Cut, _Doubts]:
    """Straighten arcs, keep what lies in their block, and test whether all of it is plane."""
    arcs = straighten_arcs(arcs, 1000 * STRAIGHTEN / task.step.max(), whole)
    owner = np.repeat(np.arange(len(task.step)), np.diff(heads))
    points = _place_vertices(task, arcs, owner)
    around = np.repeat(np.arange(len(task.step)), np.diff(task.edges))
    sides = np.hstack([task.start - task.origin[around], task.end - task.origin[around]])
    lines = points - np.repeat(task.origin[owner], np.diff(arcs.heads), axis=0)
    inside, segment, share, edge, blocks = find_crossings(
        lines, arcs.heads, heads, sides, task.edges
    )
    at = lines[segment] + (lines[segment + 1] - lines[segment]) * share[:, None]
    node = round_points(at + task.origin[around[edge]])
    order = np.lexsort([share, segment])
    start, end, arc = keep_inside(points, arcs.heads, inside, segment[order], node[order])
    cut = _Cut(start, end, arcs.left[arc], arcs.right[arc], owner[arc], edge, node)
    return cut, _test_plane(task, cut, arc, _Doubts(np.zeros(len(whole), dtype=np.bool_), blocks))


def _place_vertices(task: _Task, arcs: Arcs, owner: Array) -> Array:
    """Return the vertices of arcs in metres, on the city's grid."""
    block = np.repeat(owner, np.diff(arcs.heads))
    steps = np.column_stack([arcs.x, arcs.y]) * task.step[block][:, None]
    return np.asarray((task.origin[block] * 1000 + steps) / 1000)


def _test_plane(task: _Task, cut: _Cut, arc: Array, doubts: _Doubts) -> _Doubts:
    """Mark lines that touch outlines or each other elsewhere than in a common end."""
    outer_start, outer_end, edge = _split_edges(task.start, task.end, cut.edge, cut.node)
    around = np.searchsorted(task.edges, edge, side="right") - 1
    block = np.concatenate([around, cut.block])
    order = np.argsort(block, kind="stable")
    start, end = np.concatenate([outer_start, cut.start]), np.concatenate([outer_end, cut.end])
    node = number_points(np.concatenate([start[order], end[order]]))[0].reshape(2, -1)
    origin = task.origin[block[order]]
    lines = np.hstack([start[order] - origin, end[order] - origin])
    line = np.concatenate([np.full(len(outer_start), -1), arc])[order]
    heads = np.searchsorted(block[order], np.arange(len(task.step) + 1))
    mark_touching(lines, node[0], node[1], line, heads, doubts.arcs, doubts.blocks)
    return doubts


def _node_block(task: _Task, arcs: Arcs) -> _Cut:
    """Let GEOS node the lines of one block on the grid; faces ask which seed is nearest."""
    points = _place_vertices(task, arcs, np.zeros(len(arcs.left), dtype=np.int64))
    number = np.repeat(np.arange(len(arcs.left)), np.diff(arcs.heads))
    outline = shapely.linestrings(np.stack([task.start, task.end], axis=1))
    lines = shapely.linestrings(points, indices=np.unique(number, return_inverse=True)[1])
    noded = shapely.union_all(np.concatenate([outline, lines]), grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    spots = shapely.get_coordinates(shapely.point_on_surface(faces))
    sides = np.hstack([task.start, task.end]) - np.tile(task.origin[0], 2)
    inside = hold_points(spots - task.origin[0], sides)
    faces, spots = faces[inside], spots[inside]
    label = task.label[scipy.spatial.cKDTree(task.points).query(spots)[1]]
    graph = read_polygons(faces)
    inner = graph.right >= 0
    lines_in = graph.take(inner)
    edge, node = _find_new_nodes(task, graph.take(~inner))
    return _Cut(
        *(graph.points[lines_in.start], graph.points[lines_in.end]),
        *(label[lines_in.left], label[lines_in.right]),
        *(np.zeros(len(lines_in.left), dtype=np.int64), edge, node),
    )


def _find_new_nodes(task: _Task, outline: Coverage) -> tuple[Array, Array]:
    """Return the nodes of a noded outline that the task's outline lacks, and their edges."""
    nodes = outline.points[np.unique(outline.start)]
    old = number_points(np.concatenate([task.start, nodes]))[1] - len(task.start)
    new = nodes[old[old >= 0]]
    outline_edges = shapely.linestrings(np.stack([task.start, task.end], axis=1))
    tree = shapely.STRtree(np.asarray(outline_edges))
    return np.asarray(tree.nearest(shapely.points(new))).reshape(-1), new


# --- how far apart --------------------------------------------------------------------------------


@routine
def hash_cell(x: int, y: int, block: int, mask: int) -> int:
    """Return the place of a cell in a table of ``mask`` + 1 places."""
    return ((x * 73856093) ^ (y * 19349663) ^ (block * 83492791)) & mask


@kernel
def measure_gaps(x: Floats, y: Floats, label: Ints, block: Ints, reach: float) -> Floats:
    """Return metres from each point to the nearest of another label in its block, up to ``reach``.

    Points are put into cells as wide as ``reach``: O(n) while a cell holds few.
    """
    size = 16
    while size < len(x):
        size *= 2
    heads, following = np.full(size, -1, np.int64), np.empty(len(x), np.int64)
    column, row = np.floor(x / reach).astype(np.int64), np.floor(y / reach).astype(np.int64)
    for i in range(len(x)):
        place = hash_cell(column[i], row[i], block[i], size - 1)
        following[i], heads[place] = heads[place], i
    gaps = np.empty(len(x))
    for i in range(len(x)):
        least = reach * reach
        for across in range(-1, 2):
            for up in range(-1, 2):
                j = heads[hash_cell(column[i] + across, row[i] + up, block[i], size - 1)]
                while j >= 0:
                    if label[j] != label[i] and block[j] == block[i]:
                        least = min(least, (x[j] - x[i]) ** 2 + (y[j] - y[i]) ** 2)
                    j = following[j]
        gaps[i] = np.sqrt(least)
    return gaps


# --- kernels --------------------------------------------------------------------------------------


@routine
def index_rows(
    low: Floats, high: Floats, bottom: float, height: float, rows: int
) -> tuple[Ints, Ints]:
    """Return where each row begins among items, and the items that reach into each row."""
    first, last = np.empty(len(low), np.int64), np.empty(len(low), np.int64)
    heads = np.zeros(rows + 1, np.int64)
    for item in range(len(low)):
        first[item] = find_row(low[item], bottom, height, rows)
        last[item] = find_row(high[item], bottom, height, rows)
        heads[first[item] + 1 : last[item] + 2] += 1
    heads = np.cumsum(heads)
    items, filled = np.empty(heads[-1], np.int64), heads[:-1].copy()
    for item in range(len(low)):
        for row in range(first[item], last[item] + 1):
            items[filled[row]] = item
            filled[row] += 1
    return heads, items


@routine
def find_row(y: float, bottom: float, height: float, rows: int) -> int:
    """Return the row of a northing; the first or last for one that lies beyond."""
    return int(min(max((y - bottom) / height, 0.0), rows - 1.0))


@routine
def side_of(line: Floats, x: float, y: float) -> float:
    """Return how far left of the line through two points another point is, metres."""
    dx, dy = line[2] - line[0], line[3] - line[1]
    return (dx * (y - line[1]) - dy * (x - line[0])) / np.hypot(dx, dy)


@routine
def reaches(line: Floats, x: float, y: float) -> bool:
    """Tell whether a point is within `_NEAR` of a segment."""
    dx, dy, px, py = line[2] - line[0], line[3] - line[1], x - line[0], y - line[1]
    share = min(max((px * dx + py * dy) / (dx * dx + dy * dy), 0.0), 1.0)
    return np.hypot(px - share * dx, py - share * dy) <= _NEAR


@routine
def relate(one: Floats, two: Floats) -> tuple[int, float]:
    """Return 0 for segments that are apart, 1 for a clean crossing, 2 if they touch.

    With it the share of the first segment that lies before the crossing.
    """
    if max(one[0], one[2]) + _NEAR < min(two[0], two[2]) or (
        max(two[0], two[2]) + _NEAR < min(one[0], one[2])
    ):
        return 0, 0.0
    a, b = side_of(two, one[0], one[1]), side_of(two, one[2], one[3])
    if min(a, b) > _NEAR or max(a, b) < -_NEAR:
        return 0, 0.0
    c, d = side_of(one, two[0], two[1]), side_of(one, two[2], two[3])
    if min(c, d) > _NEAR or max(c, d) < -_NEAR:
        return 0, 0.0
    if min(abs(a), abs(b), abs(c), abs(d)) <= _NEAR and have_near_end(one, two):
        return 2, 0.0
    if (a > 0) == (b > 0) or (c > 0) == (d > 0):
        return 0, 0.0
    return 1, a / (a - b)


@routine
def have_near_end(one: Floats, two: Floats) -> bool:
    """Tell whether an end of one of two segments is within `_NEAR` of the other."""
    if reaches(two, one[0], one[1]) or reaches(two, one[2], one[3]):
        return True
    return reaches(one, two[0], two[1]) or reaches(one, two[2], two[3])


@routine
def holds(sides: Floats, items: Ints, x: float, y: float) -> bool:
    """Tell whether a point lies inside of an outline; ``items`` are its edges at that northing."""
    inside = False
    for item in items:
        ax, ay, bx, by = sides[item]
        if (ay > y) != (by > y):
            inside ^= ax + (y - ay) / (by - ay) * (bx - ax) > x
    return inside


@kernel
def hold_points(points: Floats, sides: Floats) -> Flags:
    """Tell which points lie inside of an outline."""
    inside, items = np.empty(len(points), np.bool_), np.arange(len(sides))
    for i in range(len(points)):
        inside[i] = holds(sides, items, points[i, 0], points[i, 1])
    return inside


@kernel
def find_crossings(
    lines: Floats, heads: Ints, blocks: Ints, sides: Floats, edges: Ints
) -> tuple[Flags, Ints, Floats, Ints, Flags]:
    """Find where arcs cross the outlines of their blocks.

    Parameters
    ----------
    lines : array of float
        Vertices of arcs; ``heads``: where each arc begins; ``blocks``: where each block begins
        among the arcs.
    sides : array of float, shape (n, 4)
        Edges of outlines; ``edges``: where each block begins among them.

    Returns
    -------
    inside : array of bool
        Whether each arc begins inside.
    segment, share, edge : array
        The crossings: vertex of the arc before it, how far along to the next, edge of the outline.
    doubtful : array of bool
        Blocks in which an arc touches the outline rather than crossing it.
    """
    inside, doubtful = np.zeros(len(heads) - 1, np.bool_), np.zeros(len(blocks) - 1, np.bool_)
    found = [(np.int64(0), 0.0, np.int64(0)) for _ in range(0)]
    for block in range(len(blocks) - 1):
        around = sides[edges[block] : edges[block + 1]]
        low, high = np.minimum(around[:, 1], around[:, 3]), np.maximum(around[:, 1], around[:, 3])
        bottom, extent = low.min(), high.max() - low.min()
        rows = 1 + int(min(extent / max((high - low).mean(), _NEAR), len(around)))
        height = extent / rows
        row_heads, items = index_rows(low, high, bottom, height, rows)
        for arc in range(blocks[block], blocks[block + 1]):
            first, last = heads[arc], heads[arc + 1] - 1
            if last <= first:
                continue
            row = find_row(lines[first, 1], bottom, height, rows)
            beside = items[row_heads[row] : row_heads[row + 1]]
            inside[arc] = holds(around, beside, lines[first, 0], lines[first, 1])
            for i in range(first, last):
                one = np.array([lines[i, 0], lines[i, 1], lines[i + 1, 0], lines[i + 1, 1]])
                from_row = find_row(min(one[1], one[3]) - _NEAR, bottom, height, rows)
                to_row = find_row(max(one[1], one[3]) + _NEAR, bottom, height, rows)
                for row in range(from_row, to_row + 1):
                    for item in items[row_heads[row] : row_heads[row + 1]]:
                        if row > from_row and row > find_row(low[item], bottom, height, rows):
                            continue  # they met in a row before
                        kind, share = relate(one, around[item])
                        if kind == 1:
                            found.append((np.int64(i), share, edges[block] + item))
                        doubtful[block] |= kind == 2
    segment, share_of = np.empty(len(found), np.int64), np.empty(len(found))
    edge = np.empty(len(found), np.int64)
    for i in range(len(found)):
        segment[i], share_of[i], edge[i] = found[i]
    return inside, segment, share_of, edge, doubtful


@kernel
def keep_inside(
    points: Floats, heads: Ints, inside: Flags, segment: Ints, node: Floats
) -> tuple[Floats, Floats, Ints]:
    """Return the edges of arcs that lie inside, and the arc of each.

    ``segment`` and ``node`` are crossings in the order in which arcs come to them.
    """
    most = len(points) + len(segment)
    start, end, arc = np.empty((most, 2)), np.empty((most, 2)), np.empty(most, np.int64)
    count, crossing = 0, 0
    for line in range(len(heads) - 1):
        within = inside[line]
        for i in range(heads[line], heads[line + 1] - 1):
            at = points[i]
            while crossing < len(segment) and segment[crossing] == i:
                if within:
                    start[count], end[count], arc[count] = at, node[crossing], line
                    count += 1
                at, within = node[crossing], not within
                crossing += 1
            if within:
                start[count], end[count], arc[count] = at, points[i + 1], line
                count += 1
    return start[:count].copy(), end[:count].copy(), arc[:count].copy()


@routine
def touch(lines: Floats, one: Ints, two: Ints, i: int, j: int) -> bool:
    """Tell whether two segments touch elsewhere than in one common end."""
    from_start = one[i] == one[j] or one[i] == two[j]
    from_end = two[i] == one[j] or two[i] == two[j]
    if not (from_start or from_end):
        return relate(lines[i], lines[j])[0] > 0
    if from_start and from_end:
        return True
    common = one[i] if from_start else two[i]
    x, y = (lines[i, 2], lines[i, 3]) if from_start else (lines[i, 0], lines[i, 1])
    u, v = (lines[j, 2], lines[j, 3]) if one[j] == common else (lines[j, 0], lines[j, 1])
    return reaches(lines[j], x, y) or reaches(lines[i], u, v)


@kernel
def mark_touching(
    lines: Floats, one: Ints, two: Ints, arc: Ints, blocks: Ints, arcs: Flags, doubtful: Flags
) -> None:
    """Mark arcs, and their blocks, that touch another arc or the outline (``arc`` is -1)."""
    for block in range(len(blocks) - 1):
        here = slice(blocks[block], blocks[block + 1])
        order = np.argsort(np.minimum(lines[here, 0], lines[here, 2]), kind="mergesort")
        own, a, b, number = lines[here][order], one[here][order], two[here][order], arc[here][order]
        if len(own) > 0:
            doubtful[block] |= test_segments(own, a, b, number, arcs)


@routine
def test_segments(own: Floats, a: Ints, b: Ints, number: Ints, arcs: Flags) -> bool:
    """Test segments, sorted from west to east, in rows about as high as they are."""
    west, east = np.minimum(own[:, 0], own[:, 2]), np.maximum(own[:, 0], own[:, 2]) + _NEAR
    low, high = np.minimum(own[:, 1], own[:, 3]) - _NEAR, np.maximum(own[:, 1], own[:, 3])
    bottom, extent = low.min(), high.max() - low.min()
    rows = 1 + int(min(extent / (high - low).mean(), len(own)))
    heads, items = index_rows(low, high, bottom, extent / rows, rows)
    found = False
    for row in range(rows):
        for p in range(heads[row], heads[row + 1]):
            i, q = items[p], p + 1
            while q < heads[row + 1] and west[items[q]] <= east[i]:
                j = items[q]
                q += 1
                if max(number[i], number[j]) >= 0 and touch(own, a, b, i, j):
                    found = True
                    for k in (number[i], number[j]):
                        arcs[max(k, 0)] |= k >= 0
    return found
