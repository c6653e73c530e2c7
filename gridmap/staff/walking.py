"""How far it is on foot: along the streets, across one block, or straight where nothing leads.

A position is taken to the nearest point of the nearest street. Two positions in one block (the
face between streets and barriers) may also be joined across it.
"""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy
import shapely
import shapely.ops

from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.tables import WAYS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Points = Any  # an array of shapely points, None where a position is unknown

_STREETS, _BLOCK, _STRAIGHT, _UNKNOWN = range(len(WAYS))
#: Distances that are measured at a time: what bounds the memory that they take.
_CELLS = 2_000_000


@dataclass(frozen=True)
class _Places:
    """Positions on the net: of each the edge, its two ends and the metres to them."""

    xy: Floats  # (n, 2)
    known: Flags  # (n,)
    edge: Ints  # (n,) -1 where there is no street
    along: Floats  # (n,) m from the start of the edge
    ends: Ints  # (n, 2) nodes
    access: Floats  # (n, 2) m to each of them, with the way to the street
    block: Ints  # (n,) -1 outside of all


class WalkNet:
    """The streets of a plan's city as a net for walking; built once, asked often.

    Streets that cross without a common vertex are joined there.

    Parameters
    ----------
    streets : GeoDataFrame
        `STREETS`, in metres; may be empty.
    units : GeoDataFrame
        `UNITS`: their ``block_id`` says which positions lie in one block.
    detour : float
        Metres walked per metre of straight line: to the street, across a block, or where no street
        joins two positions.
    """

    def __init__(
        self, streets: gpd.GeoDataFrame, units: gpd.GeoDataFrame, detour: float = 1.3
    ) -> None:
        self.detour = detour
        self._tree = shapely.STRtree(units.geometry.to_numpy())
        self._blocks = units["block_id"].to_numpy()
        self._edges = _cut_edges(streets.geometry.to_numpy())
        self._edge_tree = shapely.STRtree(self._edges)
        ends = np.stack([shapely.get_point(self._edges, at) for at in (0, -1)], axis=1)
        corners = shapely.get_coordinates(ends)
        nodes, inverse = np.unique(corners, axis=0, return_inverse=True)
        self._ends = inverse.reshape(-1, 2).astype(np.int64)
        self._length = shapely.length(self._edges)
        self._graph, self._shortest = _join_edges(self._ends, self._length, len(nodes))

    def measure(self, origins: Points, targets: Points) -> tuple[Floats, Ints]:
        """Measure the way from each origin to each target.

        Parameters
        ----------
        origins, targets : arrays of shapely points
            n and m positions in the CRS of the streets, None where one is unknown.

        Returns
        -------
        metres : array of shape (n, m)
            NaN where a position is unknown.
        ways : array of shape (n, m)
            Positions in `gridmap.tables.WAYS`: what it was measured along.
        """
        if len(targets) < len(origins):  # a way is as long back: look from the fewer ends
            metres, ways = self.measure(targets, origins)
            return metres.T, ways.T
        start, goal = self._place(origins), self._place(targets)
        metres = np.empty((len(start.xy), len(goal.xy)))
        ways = np.empty(metres.shape, np.int64)
        order = np.argsort(start.edge, kind="stable")  # neighbours look from the same nodes
        step = max(_CELLS // max(len(goal.xy), 1), 1)
        for top in range(0, len(metres), step):
            rows = order[top : top + step]
            metres[rows], ways[rows] = self._measure_some(_take(start, rows), goal)
        unknown = ~start.known[:, None] | ~goal.known[None, :]
        return np.where(unknown, np.nan, metres), np.where(unknown, _UNKNOWN, ways)

    def trace(self, origin: Any, target: Any) -> Any:
        """Return the line that is walked from one known point to another."""
        start, goal = self._place(np.array([origin])), self._place(np.array([target]))
        _, [[way]] = self._measure_some(start, goal)
        straight = [*origin.coords, *target.coords]
        if way != _STREETS:
            return shapely.LineString(straight)
        if start.edge[0] == goal.edge[0]:
            inner = self._cut(start.edge[0], start.along[0], goal.along[0])
        else:
            inner = self._follow(start, goal)
        return shapely.LineString([straight[0], *inner, straight[1]])

    def _place(self, points: Points) -> _Places:
        """Take positions to their nearest streets."""
        points = np.asarray(points, dtype=object)
        known: Flags = np.array([point is not None and not point.is_empty for point in points])
        known = known.astype(bool)  # of no points too
        somewhere = points.copy()
        somewhere[~known] = shapely.Point(0, 0)
        xy = shapely.get_coordinates(somewhere)
        if not len(self._edges):
            nowhere, blank = np.full(len(xy), -1), np.zeros((len(xy), 2))
            ends, block = blank.astype(np.int64), self._find_blocks(somewhere)
            return _Places(xy, known, nowhere, blank[:, 0], ends, blank, block)
        edge = self._edge_tree.nearest(somewhere)
        lines = self._edges[edge]
        along = shapely.line_locate_point(lines, somewhere)
        off = shapely.distance(lines, somewhere) * self.detour
        access = np.stack([off + along, off + self._length[edge] - along], axis=1)
        block = self._find_blocks(somewhere)
        return _Places(xy, known, edge, along, self._ends[edge], access, block)

    def _find_blocks(self, points: Points) -> Ints:
        """Return the block that each point lies in, the first unit's of several."""
        at, unit = self._tree.query(points, predicate="intersects")
        blocks = np.full(len(points), -1)
        blocks[at[::-1]] = self._blocks[unit[::-1]]
        return blocks

    def _measure_some(self, start: _Places, goal: _Places) -> tuple[Floats, Ints]:
        offset = start.xy[:, None, :] - goal.xy[None, :, :]
        straight = np.hypot(offset[..., 0], offset[..., 1]) * self.detour
        along = self._measure_along(start, goal)
        ways = np.where(np.isfinite(along), _STREETS, _STRAIGHT)
        metres = np.where(np.isfinite(along), along, straight)
        inner = start.block[:, None] == goal.block[None, :]
        inner &= (start.block[:, None] >= 0) & (straight <= metres)
        return np.where(inner, straight, metres), np.where(inner, _BLOCK, ways)

    def _measure_along(self, start: _Places, goal: _Places) -> Floats:
        """Measure along the streets only; infinite where none join the two."""
        if not len(self._edges):
            return np.full((len(start.xy), len(goal.xy)), np.inf)
        nodes, where = np.unique(start.ends, return_inverse=True)
        far = scipy.sparse.csgraph.dijkstra(self._graph, directed=False, indices=nodes)
        reach = _nearer(*(far[:, goal.ends[:, at]] + goal.access[:, at] for at in (0, 1)))
        where = where.reshape(-1, 2)
        best = _nearer(*(reach[where[:, at]] + start.access[:, at, None] for at in (0, 1)))
        return np.minimum(best, self._measure_beside(start, goal))

    def _measure_beside(self, start: _Places, goal: _Places) -> Floats:
        """Measure between positions on one edge without going to its ends."""
        off = [place.access[:, 0] - place.along for place in (start, goal)]
        metres = np.abs(start.along[:, None] - goal.along[None, :])
        metres += off[0][:, None] + off[1][None, :]
        return np.where(start.edge[:, None] == goal.edge[None, :], metres, np.inf)

    def _follow(self, start: _Places, goal: _Places) -> list[tuple[float, ...]]:
        """Return the corners of the shortest way between places on two edges."""
        far, before = scipy.sparse.csgraph.dijkstra(
            self._graph, directed=False, indices=start.ends[0], return_predecessors=True
        )
        total = far[:, goal.ends[0]] + start.access[0][:, None] + goal.access[0][None, :]
        out, home = np.unravel_index(np.argmin(total), total.shape)
        nodes = [int(goal.ends[0, home])]
        while nodes[-1] != start.ends[0, out]:
            nodes.append(int(before[out, nodes[-1]]))
        corners = self._cut(start.edge[0], start.along[0], self._length[start.edge[0]] * out)
        for left, right in zip(nodes[::-1], nodes[-2::-1], strict=False):
            corners += self._corners(left, right)
        return corners + self._cut(
            goal.edge[0], self._length[goal.edge[0]] * float(home), goal.along[0]
        )

    def _corners(self, left: int, right: int) -> list[tuple[float, ...]]:
        """Return the corners of the shortest edge between two nodes, from left to right."""
        edge = self._shortest[min(left, right), max(left, right)]
        corners = list(self._edges[edge].coords)
        return corners if self._ends[edge, 0] == left else corners[::-1]

    def _cut(self, edge: int, begin: float, end: float) -> list[tuple[float, ...]]:
        """Return the corners of an edge from one distance along it to another."""
        low, high = min(begin, end), max(begin, end)
        part = shapely.ops.substring(self._edges[edge], low, high)
        corners = list(part.coords)
        return corners if begin <= end else corners[::-1]


def make_walk_net(plan: Plan, rules: Rules | None = None) -> WalkNet:
    """Make the walking net of a plan's streets, under its rules or others."""
    return WalkNet(plan.city.streets, plan.units, (rules or plan.rules).staffing.detour)


def grid_points(plan: Plan) -> gpd.GeoSeries:
    """Return the point of each grid that walks end at: of its homes, the one nearest their middle.

    The middle is weighted by households; the point is that of a building (an entrance, where it
    was divided), so it is inside the grid. A grid without homes has an inner point of its own.
    """
    points = plan.grids.geometry.representative_point()
    homes = plan.units[plan.units["households"] > 0]
    if homes.empty:
        return points
    inner = homes.geometry.representative_point()
    weight = homes["households"]
    codes = homes["grid_code"]
    total = weight.groupby(codes).sum()
    x = (inner.x * weight).groupby(codes).sum() / total
    y = (inner.y * weight).groupby(codes).sum() / total
    off = np.hypot(inner.x - codes.map(x), inner.y - codes.map(y))
    nearest = off.groupby(codes).idxmin()
    points.loc[nearest.index] = inner.loc[nearest].to_numpy()
    return points


def _nearer(first: Floats, second: Floats) -> Floats:
    return np.minimum(first, second, out=first)


def _take(places: _Places, rows: Ints) -> _Places:
    return _Places(*(getattr(places, name)[rows] for name in _Places.__dataclass_fields__))


def _cut_edges(lines: Any) -> Any:
    """Return the streets between junctions: cut where they cross, joined where none branches."""
    if not len(lines):
        return np.array([], dtype=object)
    noded = shapely.node(shapely.union_all(lines))
    edges = shapely.get_parts(shapely.line_merge(noded))
    order = np.lexsort(shapely.get_coordinates(shapely.get_point(edges, 0)).T)
    return edges[order]


def _join_edges(
    ends: Ints, length: Floats, nodes: int
) -> tuple["scipy.sparse.csr_array", dict[tuple[int, int], int]]:
    """Return the graph, of two parallel edges the shorter, and which edge joins two nodes."""
    edges = pd.DataFrame({"a": ends.min(axis=1), "b": ends.max(axis=1), "length": length})
    edges = edges[edges["a"] != edges["b"]]  # a round that leads nowhere else
    edges = edges.sort_values(["a", "b", "length"]).drop_duplicates(["a", "b"])
    a, b = edges["a"].to_numpy(), edges["b"].to_numpy()
    graph = scipy.sparse.csr_array((edges["length"].to_numpy(), (a, b)), shape=(nodes, nodes))
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    return graph, dict(zip(pairs, edges.index.tolist(), strict=True))
