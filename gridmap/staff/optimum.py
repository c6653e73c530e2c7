"""The cheapest way to give workers to grids, and the proof of it: numbers and positions only.

Every duty that is allowed is a column: a worker, a set of grids (one grid, or some adjacent ones),
a cost. A worker takes one column at most; a grid is in one column or vacant, at its price. While
nobody takes more than one grid that is an assignment problem, and its prices (dual values) prove
the optimum. If they show that a set of grids would pay, sets are chosen by the workers' wages, and
wages by the sets, which bounds the cost ever closer; a mixed-integer programme over the columns
that could still be in an optimum finds it: a column whose floor is not below the best solution is
in nothing better. Where too many are left, linear relaxations tell more of them apart first.
"""

import numpy as np

from gridmap.staff.branching import branch_sets
from gridmap.staff.columns import (
    Duties,
    Floats,
    Ints,
    Optimum,
    add_up,
    is_proven,
    list_left,
    reduce_costs,
    take_bound,
    take_columns,
)
from gridmap.staff.matching import match_sets
from gridmap.staff.programs import pack_sets, solve_columns

#: Columns of a programme that is still solved to the end.
_MOST_COLUMNS = 400_000
#: Columns that are solved as one programme at once, or where nearly all others are ruled out.
_FEW_COLUMNS, _LEFT_COLUMNS = 20_000, 100_000
#: Turns of wages and sets, and the sets of several grids up to which they come to agree.
_TURNS, _FEW_SETS = 12, 300


def find_optimum(duties: Duties) -> Optimum:
    """Find the cheapest choice of duties.

    Returns
    -------
    Optimum
        ``bound`` is ``cost`` where the optimum is proven: always, unless sets of grids pay and
        neither 60 nodes of `branch_sets` nor a programme of 400,000 columns and 20,000 nodes
        settle it.
    """
    everything = np.arange(len(duties.worker))
    chosen, wages, _ = match_sets(duties, np.arange(len(duties.vacant)), everything)
    bound, prices, rows = _price_out(duties, wages)
    unknown = Optimum(chosen, add_up(duties, chosen), -np.inf, np.zeros(len(duties.worker)))
    found = take_bound(unknown, bound, reduce_costs(duties, prices, wages))
    sets = duties.groups.shape[0] - len(duties.vacant)
    if not is_proven(found) and len(duties.worker) > _FEW_COLUMNS and sets <= _FEW_SETS:
        found = _alternate(duties, found, wages, rows)
    return found if is_proven(found) else _improve(duties, found)


def _alternate(duties: Duties, found: Optimum, wages: Floats, rows: Ints) -> Optimum:
    """Choose sets of grids by the workers' wages, wages by the sets chosen, until they agree.

    Where they do the choice is proven: wages give a bound whatever they are (Lagrange).
    """
    tried: set[bytes] = set()
    while rows.tobytes() not in tried and len(tried) < _TURNS and not is_proven(found):
        tried.add(rows.tobytes())
        chosen, high, low = match_sets(duties, rows, list_left(found))
        found = take_columns(duties, found, chosen)
        # An assignment has many dual solutions, between its highest and its lowest wages; those
        # nearest to wages that were good before are often good again.
        some = (high, low, np.clip(wages, low, high), (high + low) / 2)
        bounds = [_price_out(duties, each) for each in some]
        turn = int(np.argmax([bound for bound, _, _ in bounds]))
        bound, prices, rows = bounds[turn]
        if bound > found.bound:
            wages = some[turn]
        found = take_bound(found, bound, reduce_costs(duties, prices, some[turn]))
    return found


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
    taken, most = pack_sets(duties.groups[some], gain[some])
    covered = np.asarray(duties.groups[some[taken]].sum(axis=0)).ravel() > 0
    rows = np.concatenate([np.flatnonzero(~covered), some[taken]])
    return float(wages.sum() + prices.sum() - most), prices, rows


def _improve(duties: Duties, found: Optimum) -> Optimum:
    """Solve what is left as one programme, after linear relaxations where that is much."""
    if len(list_left(found)) > _LEFT_COLUMNS:
        found = branch_sets(duties, found, _LEFT_COLUMNS)
    left = list_left(found)
    if is_proven(found) or len(left) > _MOST_COLUMNS:
        return found
    best, bound = solve_columns(duties, left, found.columns)
    found = take_columns(duties, found, best)
    return take_bound(found, bound, np.zeros(len(duties.worker)))
