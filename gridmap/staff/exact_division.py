"""Divide one area exactly: a program of units in parts, each reached by a flow from its root."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from gridmap.staff.part_limits import Limits

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Branch-and-bound nodes of one program at most: a budget of steps, not of seconds.
_NODES = 2000


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
        both = np.concatenate([unit, unit])
        ends = np.concatenate([root, mine])
        self.add_rows(both, ends, np.repeat([1.0, -1.0], self.size), -np.inf, 0)
        # A root needs nothing from outside: inflow - outflow + size · root ≥ 1 for a unit of it.
        self.add_rows(
            np.concatenate([sides[:, 1], sides[:, 0], both]),
            np.concatenate([flow, flow, ends]),
            np.repeat([1.0, -1.0, self.size, -1.0], [self.sides] * 2 + [self.size] * 2),
            *(0, np.inf),
        )
        for end in (0, 1):  # nothing flows along a side that does not lie in the part
            side = np.tile(np.arange(self.sides), 2)
            columns = np.concatenate([flow, mine[sides[:, end]]])
            self.add_rows(
                side, columns, np.repeat([1.0, -float(self.size)], self.sides), -np.inf, 0
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
