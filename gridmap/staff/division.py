"""Divide areas by building into connected parts with enough members and not too many.

The partition engine draws the parts, with members for households: even, compact, compounds whole.
What it leaves that breaks a limit is drawn again by an exact program (HiGHS), which also tells how
many parts are needed where buildings are too large for the fewest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from gridmap.partition import partition_units
from gridmap.rules import Rules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Effort of the engine for each unit.
STEPS = 40
#: Times that the engine draws what breaks a limit, before the exact program does.
_SEEDS = 4
#: Branch-and-bound nodes of one program at most: a budget of steps, not of seconds.
_NODES = 2000
#: The engine's own target is of no matter: each unit has one.
_RULES = Rules(target=100, tolerance=0.2)


@dataclass(frozen=True)
class Limits:
    """What every part keeps.

    Parameters
    ----------
    full : int
        Full members at least.
    total : int
        Members at least.
    most : int
        Members at most; 0 is any number.
    """

    full: int
    total: int = 0
    most: int = 0


def divide_areas(
    units: pd.DataFrame,
    adjacency: pd.DataFrame,
    counts: pd.DataFrame,
    parts: pd.Series,
    limits: Limits,
) -> tuple[pd.Series, pd.Series]:
    """Divide areas into the fewest connected parts that keep the limits.

    Parameters
    ----------
    units : GeoDataFrame
        `UNITS` of the areas, with the column ``area``; each area is in one piece.
    adjacency : DataFrame
        `ADJACENCY`; pairs of two areas are passed over.
    counts : DataFrame
        ``full`` and ``probationary`` by unit_id.
    parts : Series
        area -> how many parts at least, 2 or more.
    limits : Limits
        What each part keeps.

    Returns
    -------
    tuple of Series and Series
        unit_id -> 0 … k-1 inside its area; area -> members beyond ``limits.most``, over all parts.
        An area that can't be divided at all is one part.
    """
    labels = pd.Series(0, units.index)
    excess = pd.Series(0, parts.index)
    left: Any = parts.index
    for seed in range(_SEEDS):
        rows = units[units["area"].isin(left)]
        if len(rows):
            labels[rows.index] = draw_parts(rows, adjacency, counts, parts[left], seed=seed)
        left = [
            area
            for area in left
            if labels[units["area"] == area].nunique() != parts[area]
            or not keeps_limits(*_take_area(units, adjacency, counts, area, labels), limits)
        ]
    for area in left:
        _, links, numbers = _take_area(units, adjacency, counts, area, labels)
        found, over = _divide_hard(links, numbers, int(parts[area]), limits)
        labels[units.index[units["area"] == area]] = found
        excess[area] = over
    return labels, excess


def draw_parts(
    units: pd.DataFrame,
    adjacency: pd.DataFrame,
    counts: pd.DataFrame,
    parts: pd.Series,
    *,
    seed: int = 0,
    steps: int = STEPS,
) -> pd.Series:
    """Divide areas into connected parts of about equal numbers of members, by the engine.

    Parameters
    ----------
    units, adjacency, counts
        As for `divide_areas`.
    parts : Series
        area -> how many; the engine may make fewer or more where buildings are large.
    seed, steps : int
        Of the engine; steps for each unit.

    Returns
    -------
    Series of int64
        unit_id -> 0 … k-1 inside its area.
    """
    members = counts.loc[units.index].sum(axis=1)
    share = members.groupby(units["area"]).sum() / parts
    loads = units.assign(
        households=members.astype("int64"),
        community_id=units["area"].astype("str"),
        target=units["area"].map(share).clip(lower=0.5).astype("float64"),
    ).drop(columns="zone_id", errors="ignore")
    inside = adjacency["unit_a"].isin(units.index) & adjacency["unit_b"].isin(units.index)
    pairs = adjacency[inside].assign(usable=True)
    labels = partition_units(loads, pairs, _RULES, seed=seed, steps=steps)
    return labels - labels.groupby(units["area"]).transform("min")


def merge_small(labels: Ints, links: Ints, counts: Ints, limits: Limits) -> Ints:
    """Join parts that are below a limit to the smallest part that touches them.

    Parameters are those of `keeps_limits`; ``limits.most`` is passed over.
    """
    labels = labels.copy()
    while True:
        full, young = (np.bincount(labels, column) for column in counts.T)
        total = full + young
        there = np.bincount(labels) > 0
        small = np.flatnonzero(there & ((full < limits.full) | (total < limits.total)))
        sides = np.concatenate([labels[links], labels[links][:, ::-1]])
        for part in small[np.argsort(total[small], kind="stable")].tolist():
            beside = np.unique(sides[(sides[:, 0] == part) & (sides[:, 1] != part), 1])
            if len(beside):
                labels[labels == part] = beside[np.argmin(total[beside])]
                break
        else:
            return np.unique(labels, return_inverse=True)[1]


def _take_area(
    units: pd.DataFrame,
    adjacency: pd.DataFrame,
    counts: pd.DataFrame,
    area: object,
    labels: pd.Series,
) -> tuple[Ints, Ints, Ints]:
    """Return the labels, the touching pairs and the members of an area, by position."""
    rows = units.index[units["area"] == area]
    return labels[rows].to_numpy(), find_links(rows, adjacency), counts.loc[rows].to_numpy()


def find_links(units: pd.Index, adjacency: pd.DataFrame) -> Ints:
    """Return the pairs of some units that touch, by position."""
    ends = [units.get_indexer(pd.Index(adjacency[side])) for side in ("unit_a", "unit_b")]
    links = np.column_stack(ends).astype(np.int64)
    return links[(links >= 0).all(axis=1)]


def _divide_hard(links: Ints, counts: Ints, parts: int, limits: Limits) -> tuple[Ints, int]:
    """Divide an area that the engine could not, into more parts if it must be."""
    atom = _join_empty(links, counts.sum(axis=1))
    pairs = np.unique(np.sort(atom[links], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    members = np.column_stack([np.bincount(atom, column) for column in counts.T]).astype(np.int64)
    total = members.sum(axis=1)
    floor = int(np.maximum(total - limits.most, 0).sum())  # of buildings that alone are too large
    best, least = np.zeros(len(total), np.int64), int(total.sum()) - limits.most
    most = min(int(members[:, 0].sum()) // max(limits.full, 1), len(total))
    for count in range(parts, most + 1):
        found = divide_exactly(pairs, members, count, limits)
        if found is not None and found[1] < least:
            best, least = found
        if least <= floor:
            break
    return best[atom], least


def _join_empty(links: Ints, total: Ints) -> Ints:
    """Join units without members to those with some that are the fewest steps away."""
    lived = np.flatnonzero(total)
    atom = np.full(len(total), -1, np.int64)
    atom[lived] = np.arange(len(lived))
    sides = np.concatenate([links, links[:, ::-1]])
    while (atom < 0).any():
        ahead = sides[(atom[sides[:, 0]] >= 0) & (atom[sides[:, 1]] < 0)]
        if not len(ahead):
            break
        atom[ahead[::-1, 1]] = atom[ahead[::-1, 0]]
    return np.maximum(atom, 0)


def keeps_limits(labels: Ints, links: Ints, counts: npt.NDArray[np.int64], limits: Limits) -> bool:
    """Say whether each part is in one piece and keeps the limits.

    Parameters
    ----------
    labels : int64 per unit
    links : array of int, pairs × 2
        Positions of units that touch.
    counts : int64, units × 2
        Full and probationary members.
    limits : Limits
    """
    parts, place = np.unique(labels, return_inverse=True)
    full, young = (np.bincount(place, column, len(parts)) for column in counts.T)
    total = full + young
    most = limits.most or np.inf
    if (full < limits.full).any() or (total < limits.total).any() or (total > most).any():
        return False
    same = links[labels[links[:, 0]] == labels[links[:, 1]]]
    graph = scipy.sparse.coo_array(
        (np.ones(len(same)), (same[:, 0], same[:, 1])), (len(labels),) * 2
    )
    return bool(scipy.sparse.csgraph.connected_components(graph, directed=False)[0] == len(parts))


def divide_exactly(
    links: Ints, counts: npt.NDArray[np.int64], parts: int, limits: Limits
) -> tuple[Ints, int] | None:
    """Divide one area into exactly so many connected parts, with as little excess as can be.

    Parts are trees of units that a flow from one root each reaches. Minimised are
    the members beyond ``limits.most``, over all parts.

    Parameters
    ----------
    links, counts, limits
        As for `keeps_limits`.
    parts : int
        How many parts, 2 or more.

    Returns
    -------
    tuple of int64 array and int, or None
        The part of each unit and the excess in members; None where there is no such division.
    """
    size = len(counts)
    sides = np.concatenate([links, links[:, ::-1]]) if len(links) else np.zeros((0, 2), np.int64)
    program = _Program(size, len(sides), parts)
    program.assign_units()
    for part in range(parts):
        program.reach_units(part, sides)
        program.bound_part(part, counts, limits)
    program.order_parts(counts.sum(axis=1))
    result = program.solve()
    if result is None:
        return None
    chosen = result[: size * parts].reshape(parts, size).argmax(axis=0)
    total = np.bincount(chosen, counts.sum(axis=1), parts)
    over = np.maximum(total - limits.most, 0).sum() if limits.most else 0
    return chosen.astype(np.int64), int(over)


class _Program:
    """A program of units in parts, each reached by a flow from its root.

    Columns: unit in part, root of part, flow along a side for a part, excess of a part.
    """

    def __init__(self, size: int, sides: int, parts: int) -> None:
        self.size, self.sides, self.parts = size, sides, parts
        self.roots = parts * size
        self.flows = 2 * parts * size
        self.excess = self.flows + parts * sides
        self.columns = self.excess + parts
        self.cells: list[tuple[Ints, Ints, Floats]] = []
        self.low: list[float] = []
        self.high: list[float] = []

    def add_rows(self, rows: Any, columns: Any, values: Any, low: float, high: float) -> None:
        """Add rows that begin at 0: low ≤ Σ value · column ≤ high."""
        rows = np.asarray(rows, np.int64)
        columns, values = np.broadcast_arrays(np.asarray(columns), np.asarray(values, float))
        self.cells.append((rows + len(self.low), columns.astype(np.int64), values))
        count = int(rows.max(initial=-1)) + 1
        self.low += [low] * count
        self.high += [high] * count

    def assign_units(self) -> None:
        """Put each unit in one part."""
        units = np.tile(np.arange(self.size), self.parts)
        self.add_rows(units, np.arange(self.parts * self.size), np.ones(len(units)), 1, 1)

    def reach_units(self, part: int, sides: Ints) -> None:
        """Let a flow from one root bring 1 to each unit of the part, and pass through no other."""
        unit = np.arange(self.size)
        mine, root = part * self.size + unit, self.roots + part * self.size + unit
        flow = self.flows + part * self.sides + np.arange(self.sides)
        self.add_rows(np.zeros(self.size, np.int64), root, np.ones(self.size), 1, 1)
        self.add_rows(
            np.concatenate([unit, unit]),
            np.concatenate([root, mine]),
            np.repeat([1.0, -1.0], self.size),
            *(-np.inf, 0),
        )
        # A root needs nothing from outside: inflow - outflow + size · root ≥ 1 for a unit of it.
        self.add_rows(
            np.concatenate([sides[:, 1], sides[:, 0], unit, unit]),
            np.concatenate([flow, flow, root, mine]),
            np.concatenate(
                [
                    np.ones(self.sides),
                    -np.ones(self.sides),
                    np.full(self.size, float(self.size)),
                    -np.ones(self.size),
                ]
            ),
            *(0, np.inf),
        )
        for end in (0, 1):
            side = np.arange(self.sides)
            self.add_rows(
                np.concatenate([side, side]),
                np.concatenate([flow, mine[sides[:, end]]]),
                np.repeat([1.0, -float(self.size)], self.sides),
                *(-np.inf, 0),
            )

    def bound_part(self, part: int, counts: Ints, limits: Limits) -> None:
        """Keep the limits, with an excess that is paid for."""
        mine = part * self.size + np.arange(self.size)
        full, total = counts[:, 0].astype(float), counts.sum(axis=1).astype(float)
        zero = np.zeros(self.size, np.int64)
        self.add_rows(zero, mine, full, limits.full, np.inf)
        self.add_rows(zero, mine, total, limits.total, np.inf)
        over = np.zeros(self.size + 1, np.int64)
        if limits.most:
            self.add_rows(over, [*mine, self.excess + part], [*total, -1.0], -np.inf, limits.most)

    def order_parts(self, total: Ints) -> None:
        """Put the parts in order of their members, so that no division stands there twice."""
        weights = np.concatenate([total, -total]).astype(float)
        zero = np.zeros(2 * self.size, np.int64)
        for part in range(self.parts - 1):
            mine = part * self.size + np.arange(2 * self.size)
            self.add_rows(zero, mine, weights, 0, np.inf)

    def solve(self) -> Floats | None:
        """Return the columns of the best solution, None where there is none."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self.cells, strict=True))
        shape = (len(self.low), self.columns)
        matrix = scipy.sparse.csc_array(scipy.sparse.coo_array((values, (rows, columns)), shape))
        cost = np.zeros(self.columns)
        cost[self.excess :] = 1
        upper = np.full(self.columns, np.inf)
        upper[: self.flows] = 1
        whole = np.zeros(self.columns, np.int64)
        whole[: self.flows] = 1
        result = scipy.optimize.milp(
            cost,
            integrality=whole,
            bounds=scipy.optimize.Bounds(0, upper),
            constraints=scipy.optimize.LinearConstraint(matrix, self.low, self.high),
            options={"mip_rel_gap": 0.0, "node_limit": _NODES},
        )
        return None if result.x is None else np.asarray(result.x)
