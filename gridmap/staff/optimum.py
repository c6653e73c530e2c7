"""The cheapest way to give workers to grids, and the proof of it: numbers and positions only.

Every duty that is allowed is a column: a worker, a set of grids (one grid, or some adjacent ones),
a cost. A worker takes one column at most; a grid is in one column or vacant, at its price. While
nobody takes more than one grid that is an assignment problem, and its prices (dual values) prove
the optimum. If they show that a set of grids would pay, the linear relaxation is solved over the
columns that matter, all others are priced against it, and a mixed-integer programme over the
columns that could still be in an optimum finds it: a column whose reduced cost is above the gap
between the best solution and the bound is in none.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from gridmap.errors import StaffError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Reduced costs from here on are negative: costs are whole metres, prices are floats.
_BELOW = -1e-6
#: Reduced cost (m) up to which columns are in the first linear programme.
_NEAR = 300.0
#: Columns that one linear programme adds for each set of grids, and for each worker.
_ADDED = 12
_ROUNDS = 60
#: Nodes of a branch and bound; columns of a programme that is still solved to the end.
_NODES, _MOST_COLUMNS = 20_000, 400_000
#: Columns that are solved as one programme at once, or where nearly all others are ruled out.
_FEW_COLUMNS, _LEFT_COLUMNS = 20_000, 100_000
#: Turns of wages and sets, and the reduced cost (m) of the columns that they see.
_TURNS, _FAR = 12, 3000.0


@dataclass(frozen=True)
class Duties:
    """What may be: columns, and the price of a vacant grid.

    Parameters
    ----------
    worker, group, cost : arrays of shape (k,)
        Position of the worker, position in ``groups``, and a whole number of metres.
    groups : array of bool, shape (m, n), sparse
        Which grids each set holds; the first n sets are the single grids in order.
    doubled : float
        Price of each grid of a set beyond its first, a part of ``cost``.
    vacant : array of shape (n,)
        Whole numbers of metres.
    workers : int
        How many workers there are.
    """

    worker: Ints
    group: Ints
    cost: Floats
    groups: "scipy.sparse.csr_array"
    doubled: float
    vacant: Floats
    workers: int


class Optimum(NamedTuple):
    """The duties chosen, and the proof.

    ``columns`` are positions in the duties; ``cost`` counts vacant grids too. No choice costs less
    than ``bound``. ``reduced`` is of each column: the whole would cost as much more with it, at
    least, less ``cost - bound``.
    """

    columns: Ints
    cost: float
    bound: float
    reduced: Floats


def find_optimum(duties: Duties) -> Optimum:
    """Find the cheapest choice of duties.

    Returns
    -------
    Optimum
        ``bound`` is ``cost`` where the optimum is proven: always, unless sets of grids pay and a
        branch and bound of 20,000 nodes, or programmes of 400,000 columns, do not settle it.
    """
    n = len(duties.vacant)
    chosen, wages, _ = _match(duties, np.arange(n), np.ones(len(duties.worker), bool))
    bound, prices, _ = _price_out(duties, wages)
    found = _conclude(duties, chosen, bound, prices, wages)
    if _is_proven(found):
        return found
    if len(duties.worker) > _FEW_COLUMNS:
        found = _alternate(duties, found, wages)
    return found if _is_proven(found) else _improve(duties, found)


def _is_proven(found: Optimum) -> bool:
    """Costs are whole metres: nothing lies between a cost and a bound less than 1 m below it."""
    return found.cost - found.bound < 1


def _conclude(
    duties: Duties, columns: Ints, bound: float, prices: Floats, wages: Floats
) -> Optimum:
    cost = _evaluate(duties, columns)
    bound = min(cost, float(np.ceil(bound - 1e-3)))
    return Optimum(columns, cost, bound, np.maximum(_reduce(duties, prices, wages), 0.0))


def _alternate(duties: Duties, found: Optimum, wages: Floats) -> Optimum:
    """Choose sets of grids by the workers' wages, wages by the sets chosen, until they agree.

    Where they do the choice is proven: wages give a bound whatever they are (Lagrange).
    """
    near = (found.reduced <= _FAR) | (duties.group >= len(duties.vacant))
    best, tried = found, set()
    rows = _price_out(duties, wages)[2]
    for _ in range(_TURNS):
        tried.add(rows.tobytes())
        chosen, high, low = _match(duties, rows, near)
        if _evaluate(duties, chosen) < best.cost:
            best = best._replace(columns=chosen, cost=_evaluate(duties, chosen))
        # An assignment has many dual solutions, between its highest and its lowest wages; those
        # nearest to wages that were good before are often good again.
        some = (high, low, np.clip(wages, low, high), (high + low) / 2)
        bounds = [_price_out(duties, each) for each in some]
        turn = int(np.argmax([bound for bound, _, _ in bounds]))
        bound, prices, rows = bounds[turn]
        if bound > best.bound:
            wages = some[turn]
            best = _conclude(duties, best.columns, bound, prices, wages)
        if _is_proven(best) or rows.tobytes() in tried:
            return best
    return best


def _price_out(duties: Duties, wages: Floats) -> tuple[float, Floats, Ints]:
    """Bound the cost by any wages (0 or below): each worker at his wage in any number of duties.

    Returns the bound, prices of the grids that leave no column of a single grid below 0, and the
    sets in the cheapest choice.
    """
    n, m = duties.vacant.size, duties.groups.shape[0]
    paid = np.full(m, np.inf)
    np.minimum.at(paid, duties.group, duties.cost - wages[duties.worker])
    prices = np.minimum(paid[:n], duties.vacant)
    gain = duties.groups @ prices - paid
    gain[:n] = 0.0
    some = np.flatnonzero(gain > 1e-6)
    taken = _pack(duties.groups[some], gain[some]) if len(some) else some
    covered = np.asarray(duties.groups[some[taken]].sum(axis=0)).ravel() > 0
    rows = np.concatenate([np.flatnonzero(~covered), some[taken]])
    bound = wages.sum() + prices.sum() - gain[some[taken]].sum()
    return float(bound), prices, rows


def _pack(groups: "scipy.sparse.csr_array", gain: Floats) -> Ints:
    """Choose disjoint sets of most gain together."""
    found = scipy.optimize.milp(
        -gain,
        integrality=np.ones(len(gain), np.int64),
        bounds=scipy.optimize.Bounds(0, 1),
        constraints=scipy.optimize.LinearConstraint(groups.T.astype(float), 0, 1),
        options={"mip_rel_gap": 0},
    )
    if found.x is None:
        raise StaffError(f"no choice of adjacent grids was found: {found.message}")
    return np.flatnonzero(found.x > 0.5)


def _evaluate(duties: Duties, columns: Ints) -> float:
    """Add up the cost of some columns and of the grids that are in none of them."""
    served = np.asarray(duties.groups[duties.group[columns]].sum(axis=0)).ravel() > 0
    return float(duties.cost[columns].sum() + duties.vacant[~served].sum())


def _match(duties: Duties, rows: Ints, allowed: Flags) -> tuple[Ints, Floats, Floats]:
    """Give each of some disjoint sets one worker, or none; return the columns and the wages.

    These are the highest and the lowest that prove the matching.
    """
    n, top = len(rows), duties.workers
    place = np.full(duties.groups.shape[0], -1)
    place[rows] = np.arange(n)
    use = np.flatnonzero(allowed & (place[duties.group] >= 0))
    price = duties.groups[rows] @ duties.vacant
    at = np.concatenate([place[duties.group[use]], np.arange(n)])
    seats = np.concatenate([duties.worker[use], top + np.arange(n)])
    costs = np.concatenate([duties.cost[use], price])
    # A stored zero is no edge, so everything is 1 dearer: each row has one edge of a matching.
    graph = scipy.sparse.coo_array((costs + 1, (at, seats)), shape=(n, top + n)).tocsr()
    row, seat = scipy.sparse.csgraph.min_weight_full_bipartite_matching(graph)
    seat_of = np.empty(n, np.int64)
    seat_of[row] = seat
    taken = seat_of[place[duties.group[use]]] == duties.worker[use]
    high = find_wages(graph, seat_of)[:top]
    return use[taken], high, _find_low_wages(graph, seat_of, price + 1, top)


def find_wages(graph: "scipy.sparse.csr_array", seat_of: Ints) -> Floats:
    """Return the seats' dual values (0 or below) of an optimal matching: Bellman and Ford."""
    by_seat = graph.tocoo()
    order = np.argsort(by_seat.col, kind="stable")
    rows, seats, costs = by_seat.row[order], by_seat.col[order], by_seat.data[order]
    mine = seats == seat_of[rows]
    own = np.zeros(graph.shape[0])
    own[rows[mine]] = costs[mine]
    offers = costs - own[rows]
    first = np.flatnonzero(np.r_[True, seats[1:] != seats[:-1]])
    wages = np.zeros(graph.shape[1])
    while True:
        least = np.minimum.reduceat(offers + wages[seat_of][rows], first)
        new = np.minimum(wages[seats[first]], least)
        if not (new < wages[seats[first]] - 1e-9).any():
            return wages
        wages[seats[first]] = new


def _find_low_wages(
    graph: "scipy.sparse.csr_array", seat_of: Ints, vacant: Floats, workers: int
) -> Floats:
    """Return the lowest wages of an optimal matching: those at the highest prices of the rows."""
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    seats, costs = graph.indices, graph.data
    row_of = np.full(graph.shape[1], -1)
    row_of[seat_of] = np.arange(graph.shape[0])
    mine = row_of[seats] == rows
    own = np.zeros(graph.shape[0])
    own[rows[mine]] = costs[mine]
    rival = row_of[seats]
    offers = np.where(rival >= 0, costs - own[rival], costs)
    first = graph.indptr[:-1]  # each row has its vacant seat, so none is empty
    prices = vacant.copy()
    while True:
        least = np.minimum.reduceat(offers + np.where(rival >= 0, prices[rival], 0.0), first)
        new = np.minimum(prices, least)
        if not (new < prices - 1e-9).any():
            break
        prices = new
    wages = np.zeros(graph.shape[1])
    wages[seat_of] = np.minimum(own - prices, 0.0)
    return wages[:workers]


def _reduce(duties: Duties, prices: Floats, wages: Floats, structure: float = 0.0) -> Floats:
    """Return the reduced cost of every column; ``structure`` is the price of `_structure`."""
    worth = duties.groups @ prices
    reduced = duties.cost - worth[duties.group] - wages[duties.worker]
    if structure:
        reduced = reduced - structure * _structure(duties)
    return np.asarray(reduced, np.float64)


def _structure(duties: Duties) -> Floats:
    """Return the part of each column's cost that says how many grids share a worker."""
    sizes = np.asarray(duties.groups.sum(axis=1), np.float64).ravel()
    return np.asarray(duties.doubled * (sizes[duties.group] - 1), np.float64)


def _improve(duties: Duties, start: Optimum) -> Optimum:
    """Let workers take sets of grids: bound by the linear relaxation, solve what is left."""
    left = np.flatnonzero(start.reduced < start.cost - start.bound)
    if len(left) <= _LEFT_COLUMNS:
        return _finish(duties, start, np.union1d(left, start.columns))
    least = _bound_structure(duties)
    kept = (start.reduced <= _NEAR) & (duties.group < len(duties.vacant))
    kept[start.columns] = True
    kept |= _pick_cheapest(duties, start.reduced)
    for _ in range(_ROUNDS):
        bound, reduced = _relax(duties, np.flatnonzero(kept), least)
        new = (reduced < _BELOW) & ~kept
        if not new.any():
            break
        kept |= new & _pick_cheapest(duties, np.where(new, reduced, np.inf))
    else:
        bound += _missing(duties, reduced)
    bound = max(float(np.ceil(bound - 1e-3)), start.bound)
    best = _solve(duties, np.flatnonzero(kept), start.columns)[0]
    cost = _evaluate(duties, best)
    found = Optimum(best, cost, min(bound, cost), np.maximum(reduced, 0.0))
    left = np.flatnonzero(reduced < cost - bound)
    if _is_proven(found) or len(left) > _MOST_COLUMNS:
        return found
    return _finish(duties, found, np.union1d(left, best))


def _finish(duties: Duties, start: Optimum, columns: Ints) -> Optimum:
    """Solve over the columns that may be in an optimum; what is found then is proven."""
    best, solved = _solve(duties, columns, start.columns)
    cost = _evaluate(duties, best)
    return start._replace(columns=best, cost=cost, bound=cost if solved else start.bound)


def _missing(duties: Duties, reduced: Floats) -> float:
    """Return what a bound loses by columns that were not priced out: one for each worker."""
    worst = np.zeros(duties.workers)
    np.minimum.at(worst, duties.worker, np.minimum(reduced, 0.0))
    return float(worst.sum())


def _pick_cheapest(duties: Duties, reduced: Floats) -> Flags:
    """Flag the columns of lowest reduced cost of each worker and of each set."""
    flags = np.zeros(len(reduced), bool)
    some = np.flatnonzero(reduced < np.inf)
    for owner in (duties.group[some], duties.worker[some]):
        order = np.lexsort((reduced[some], owner))
        ranked = owner[order]
        first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        place = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
        flags[some[order[place < _ADDED]]] = True
    return flags & ((duties.group >= len(duties.vacant)) | (reduced < _NEAR))


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


def _relax(duties: Duties, columns: Ints, least: float) -> tuple[float, Floats]:
    """Solve the linear relaxation over some columns; return its value and all reduced costs."""
    cost, cover, once = _build(duties, columns)
    scale = max(duties.doubled, 1.0)
    structure = np.concatenate([_structure(duties)[columns], duties.vacant]) / scale
    rows = scipy.sparse.vstack([once, scipy.sparse.csr_array(-structure[None, :])], format="csc")
    limits = np.append(np.ones(duties.workers), -least / scale)
    found = scipy.optimize.linprog(
        cost, A_ub=rows, b_ub=limits, A_eq=cover, b_eq=np.ones(len(duties.vacant))
    )
    wages, price = found.ineqlin.marginals[:-1], found.ineqlin.marginals[-1]
    reduced = _reduce(duties, found.eqlin.marginals, wages, -price / scale)
    return float(found.fun or 0.0), reduced


def _bound_structure(duties: Duties) -> float:
    """Return the least that vacant and doubled grids cost, whatever the ways are.

    Workers who may take the same sets count as one kind here, so the programme is small.
    """
    order = np.lexsort((duties.group, duties.worker))
    starts = np.searchsorted(duties.worker[order], np.arange(1, duties.workers))
    of = np.split(duties.group[order], starts)
    kinds: dict[bytes, int] = {}
    kind = np.array([kinds.setdefault(groups.tobytes(), len(kinds)) for groups in of])
    pairs = np.unique(np.stack([kind[duties.worker], duties.group]), axis=1)
    sizes = np.asarray(duties.groups.sum(axis=1)).ravel()
    classes = Duties(
        worker=pairs[0],
        group=pairs[1],
        cost=duties.doubled * (sizes[pairs[1]] - 1.0),
        groups=duties.groups,
        doubled=duties.doubled,
        vacant=duties.vacant,
        workers=len(kinds),
    )
    cost, cover, once = _build(classes, np.arange(pairs.shape[1]))
    found = scipy.optimize.milp(
        cost,
        integrality=np.ones(len(cost), np.int64),
        bounds=scipy.optimize.Bounds(0, np.inf),
        constraints=[
            scipy.optimize.LinearConstraint(cover, 1, 1),
            scipy.optimize.LinearConstraint(once, 0, np.bincount(kind, minlength=len(kinds))),
        ],
        options={"mip_rel_gap": 0, "node_limit": _NODES},
    )
    bound = found.mip_dual_bound
    return 0.0 if bound is None else float(np.ceil(bound - 0.5))  # it is a whole number


def _solve(duties: Duties, columns: Ints, fallback: Ints) -> tuple[Ints, bool]:
    """Solve the mixed-integer programme over some columns; say whether to the end."""
    cost, cover, once = _build(duties, columns)
    found = scipy.optimize.milp(
        cost,
        integrality=np.ones(len(cost), np.int64),
        bounds=scipy.optimize.Bounds(0, 1),
        constraints=[
            scipy.optimize.LinearConstraint(cover, 1, 1),
            scipy.optimize.LinearConstraint(once, 0, 1),
        ],
        options={"mip_rel_gap": 0, "node_limit": _NODES},
    )
    if found.x is None:
        return fallback, False
    best = columns[found.x[: len(columns)] > 0.5]
    if _evaluate(duties, fallback) <= _evaluate(duties, best):
        best = fallback
    return best, found.status == 0
