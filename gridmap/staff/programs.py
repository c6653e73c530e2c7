"""Programs over columns, as HiGHS solves them: relaxed, in whole numbers, and in small parts."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import scipy

from gridmap.errors import StaffError
from gridmap.staff.columns import Duties, Floats, Ints, add_up, reduce_costs, weigh_structure

#: Nodes of a branch and bound: a budget of steps, not of seconds.
_NODES = 20_000


def pack_sets(groups: "scipy.sparse.csr_array", gain: Floats) -> tuple[Ints, float]:
    """Choose disjoint sets of most gain; return them, and a gain that no choice exceeds."""
    if not len(gain):
        return np.empty(0, np.int64), 0.0
    limit = scipy.optimize.LinearConstraint(groups.T.astype(float), 0, 1)
    found = _solve_whole(-gain, [limit])
    if found.x is None:
        raise StaffError(f"no choice of adjacent grids was found: {found.message}")
    taken = np.flatnonzero(found.x > 0.5)
    return taken, float(gain[taken].sum()) if found.status == 0 else -float(found.mip_dual_bound)


def solve_columns(duties: Duties, columns: Ints, fallback: Ints) -> tuple[Ints, float]:
    """Take the cheapest of some columns; return what is taken, and what no choice of them is below.

    Where that is solved to the end both are one figure.
    """
    cost, cover, once = _build(duties, columns)
    limits = [
        scipy.optimize.LinearConstraint(cover, 1, 1),
        scipy.optimize.LinearConstraint(once, 0, 1),
    ]
    found = _solve_whole(cost, limits)
    best = fallback if found.x is None else columns[found.x[: len(columns)] > 0.5]
    best = min(best, fallback, key=lambda some: add_up(duties, some))
    if found.status == 0:
        return best, add_up(duties, best)
    return best, -np.inf if found.mip_dual_bound is None else float(found.mip_dual_bound)


class Decision(NamedTuple):
    """How many of some sets are taken: ``number`` at most (side 1) or at least (side -1)."""

    sets: tuple[int, ...]
    side: int
    number: int


class Relaxed(NamedTuple):
    """A linear relaxation: its value, how much of each set it takes, all columns' reduced costs."""

    value: float
    taken: Floats
    reduced: Floats


def relax_columns(
    duties: Duties, columns: Ints, least: float, decisions: Sequence[Decision] = ()
) -> Relaxed:
    """Solve the linear relaxation over some columns.

    ``least`` is what vacant and doubled grids cost at least (`bound_structure`). Decisions that
    these columns can't keep are bought off, at a price that no staffing would pay.
    """
    cost, cover, once = _build(duties, columns)
    n, d, scale = len(duties.vacant), len(decisions), max(duties.doubled, 1.0)
    structure = np.concatenate([weigh_structure(duties)[columns], duties.vacant]) / scale
    sides, numbers = _weigh_decisions(duties, decisions)
    decided = np.hstack([sides[:, duties.group[columns]], np.zeros((d, n))])
    rows = scipy.sparse.vstack([once, scipy.sparse.csr_array([-structure, *decided])])
    bought = scipy.sparse.eye_array(rows.shape[0], d, k=d - rows.shape[0])
    found = scipy.optimize.linprog(
        np.concatenate([cost, np.full(d, 2 * duties.vacant.max())]),
        A_ub=scipy.sparse.hstack([rows, -bought], format="csc"),
        b_ub=np.concatenate([np.ones(duties.workers), [-least / scale], numbers]),
        A_eq=scipy.sparse.hstack([cover, scipy.sparse.csr_array((n, d))], format="csc"),
        b_eq=np.ones(n),
    )
    prices, price = found.eqlin.marginals, found.ineqlin.marginals
    wages, price, decided_price = np.split(price, [duties.workers, duties.workers + 1])
    reduced = reduce_costs(duties, prices, wages, -float(price[0]) / scale)
    reduced -= (decided_price @ sides)[duties.group]
    shares = np.asarray(found.x, np.float64)[: len(columns)]
    taken = np.bincount(duties.group[columns], shares, duties.groups.shape[0])
    return Relaxed(float(found.fun or 0.0), np.asarray(taken, np.float64), reduced)


def _weigh_decisions(duties: Duties, decisions: Sequence[Decision]) -> tuple[Floats, Floats]:
    """Return decisions as rows over the sets, and the numbers that these rows do not exceed."""
    rows = np.zeros((len(decisions), duties.groups.shape[0]))
    for row, one in zip(rows, decisions, strict=True):
        row[list(one.sets)] = one.side
    return rows, np.array([one.side * one.number for one in decisions], float)


def bound_structure(duties: Duties) -> float:
    """Return the least that vacant and doubled grids cost, whatever the ways are.

    Workers who may take the same sets count as one kind here, so the programme is small.
    """
    kind = _sort_workers(duties)
    first = np.unique(kind, return_index=True)[1]
    some = np.flatnonzero(first[kind[duties.worker]] == duties.worker)
    classes = replace(
        duties,
        worker=kind[duties.worker[some]],
        group=duties.group[some],
        cost=weigh_structure(duties)[some],
        workers=len(first),
    )
    cost, cover, once = _build(classes, np.arange(len(some)))
    limits = [
        scipy.optimize.LinearConstraint(cover, 1, 1),
        scipy.optimize.LinearConstraint(once, 0, np.bincount(kind)),
    ]
    bound = _solve_whole(cost, limits, most=np.inf).mip_dual_bound
    return 0.0 if bound is None else float(np.ceil(bound - 0.5))  # it is a whole number


def _sort_workers(duties: Duties) -> Ints:
    """Give workers a number for what they are: those of one may take the same sets."""
    order = np.lexsort((duties.group, duties.worker))
    starts = np.searchsorted(duties.worker[order], np.arange(1, duties.workers))
    kinds: dict[bytes, int] = {}
    of = np.split(duties.group[order], starts)
    return np.array([kinds.setdefault(groups.tobytes(), len(kinds)) for groups in of])


def _solve_whole(cost: Floats, limits: Any, most: float = 1.0) -> Any:
    """Solve a programme of whole numbers to the end: HiGHS stops 0.01 % before it by default."""
    return scipy.optimize.milp(
        cost,
        integrality=np.ones(len(cost), np.int64),
        bounds=scipy.optimize.Bounds(0, most),
        constraints=limits,
        options={"mip_rel_gap": 0, "node_limit": _NODES},
    )


def _build(duties: Duties, columns: Ints) -> tuple[Floats, Any, Any]:
    """Return costs and the two matrices: grids x columns (with vacancies), workers x columns."""
    n, k = len(duties.vacant), len(columns)
    cost = np.concatenate([duties.cost[columns], duties.vacant])
    cover = duties.groups[duties.group[columns]].T.astype(float)
    identity = scipy.sparse.coo_array((np.ones(n), (np.arange(n), np.arange(n))), shape=(n, n))
    once = scipy.sparse.coo_array(
        (np.ones(k), (duties.worker[columns], np.arange(k))), shape=(duties.workers, k + n)
    )
    return cost, scipy.sparse.hstack([cover, identity], format="csc"), once.tocsc()
