"""The least that any redraw must move for a balance, proven: for benchmarks/redraw.py.

What a redraw can do is made easier, and the easier problem solved. Units stay whole, each in one
grid of its community; but borders are forgotten, so a grid may be any units, and from each grid the
units leave whose going costs least, whichever it takes in. So a grid has a list: what must leave it
for so many households afterwards. A new grid may have any sum that units make.

The balance to be reached, a mean deviation, its mean square and shares of grids within 20, 10 and
5 %, is of the whole city. Its conditions get prices (Lagrange's relaxation), after which each
connected part chooses alone, by dynamic programming over its households. Whatever the prices, the
sum is a bound; good ones are found by a linear program over the choices that were made so far
(Dantzig, Wolfe 1960).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from gridmap.partition import Problem
from gridmap.partition.problem import Flags, Floats, Ints, Positions, kernel
from gridmap.partition.prove.bounds import flag_sums

#: Shares of grids within so much of the target belong to a balance.
BANDS = np.array([0.2, 0.1, 0.05])
#: Households of the largest grid that is told apart; what a larger one has beyond is added to it.
LARGEST = 700
#: Prices at first, in households: of a relative deviation and its square, and of a grid beyond each
#: band.
FIRST = np.array([400.0, 200.0, 50.0, 25.0, 1.0])
#: Rounds of prices at most; a bound so near to its linear program (a share of all) is good enough.
ROUNDS, NEAR = 30, 0.0001
#: The highest price that is tried at once.
MOST = 2000.0


class Balance(NamedTuple):
    """What a redraw is to reach at least."""

    target: float
    deviation: float  #: mean relative deviation
    square: float  #: mean of its squares
    outside: Floats  #: share of grids beyond each of `BANDS`


class Part(NamedTuple):
    """A connected part, as far as the bound knows it."""

    total: int  #: households
    leave: list[Floats]  #: per grid, what must leave it, by households afterwards; at 0 it ends
    sums: Flags  #: what whole units can add up to
    choices: list[Floats]  #: terms of the choices that were made so far, as it is first


def measure_balance(homes: ArrayLike, labels: Ints, target: float) -> Balance:
    """Measure the balance of a plan."""
    off = np.abs(np.bincount(labels, homes) / target - 1)
    outside = np.array([_is_outside(off, band).mean() for band in BANDS])
    return Balance(target, float(off.mean()), float((off**2).mean()), outside)


def bound_moved(now: Problem, start: Ints, wanted: Balance, worth: Ints, redrawn: Flags) -> float:
    """Bound the share of ``worth`` that is in another grid than before, in any redraw.

    Parameters
    ----------
    now : Problem
        The city after the change.
    start : array of int, per unit
        The grids before.
    wanted : Balance
        Of all grids of the city, reached at least.
    worth : array of int, per unit
        What counts when the unit moves: its households, or those who lived there before.
    redrawn : array of bool, per connected part
        The parts that may change.
    """
    live, still = [], np.zeros(1 + len(FIRST))
    for number in range(int(now.part.max()) + 1):
        here = np.flatnonzero(now.part == number)
        grids = np.unique(start[here], return_inverse=True)[1]
        homes = now.households[here]
        as_it_is = _list_terms(np.bincount(grids, homes), 0.0, wanted)
        if redrawn[number]:
            live.append(_make_part(homes, worth[here], grids, as_it_is))
        else:
            still += as_it_is
    return _raise_prices(live, still, wanted, float(worth.sum()))


def _is_outside(off: Floats, band: float) -> Flags:
    return off > band + 1e-12


def _list_terms(loads: Ints | Floats, moved: float, wanted: Balance) -> Floats:
    """List what moved, and by how much each condition is missed (below 0: kept to spare)."""
    off = np.abs(loads[loads > 0] / wanted.target - 1)
    beyond = [_is_outside(off, band).sum() for band in BANDS] - len(off) * wanted.outside
    even = [(off - wanted.deviation).sum(), (off**2 - wanted.square).sum()]
    return np.concatenate([[moved], even, beyond])


def _make_part(homes: Ints, worth: Ints, grids: Ints, as_it_is: Floats) -> Part:
    loads = np.bincount(grids, homes).astype(int)
    top = max(LARGEST, int(loads.max()) + 1)
    leave = []
    for grid in range(len(loads)):
        mine = grids == grid
        taken = _fit(flag_sums(homes[~mine]), top + 1)
        least = _list_least(homes[mine], worth[mine], int(loads[grid]))
        afterwards = np.full(top + 1, np.inf)
        _fill_leave(least, taken, afterwards)
        afterwards[0], afterwards[top] = worth[mine].sum(), 0.0
        leave.append(afterwards)
    sums = _fit(flag_sums(homes), top + 1)
    sums[top] = True
    return Part(int(homes.sum()), leave, sums, [as_it_is])


def _fit(flags: Flags, count: int) -> Flags:
    """Cut flags off behind so many, or fill them up to that with False."""
    return np.pad(flags, (0, max(count - len(flags), 0)))[:count]


def _list_least(homes: Ints, worth: Ints, load: int) -> Floats:
    """List the least worth of units that have exactly so many households (knapsack)."""
    least = np.full(load + 1, np.inf)
    least[0] = 0.0
    for count, value in zip(homes.tolist(), worth.tolist(), strict=True):
        if count > 0:
            least[count:] = np.minimum(least[count:], least[: load + 1 - count] + value)
    return least


@kernel
def _fill_leave(least: Floats, taken: Flags, afterwards: Floats) -> None:
    """Fill in what must leave a grid of which some units leave while it takes in others."""
    load, top = len(least) - 1, len(afterwards) - 1
    for gone in range(load + 1):
        if least[gone] < np.inf:
            for new in range(top - load + gone + 1):
                if taken[new]:
                    total = load - gone + new
                    afterwards[total] = min(afterwards[total], least[gone])


def _raise_prices(live: list[Part], still: Floats, wanted: Balance, worth: float) -> float:
    """Find prices that make the bound high."""
    prices, best = FIRST, -float("inf")
    for _ in range(ROUNDS):
        bound = float(prices @ still[1:])
        for part in live:
            terms = _choose(part, prices, wanted)
            bound += _price(terms, prices)
            part.choices.append(terms)
        best = max(best, bound)
        least, dual = _solve_master(live, still)
        if least - best < NEAR * worth:
            break
        prices = (prices + np.minimum(dual, MOST)) / 2
    return float(best / worth)


def _price(terms: Floats, prices: Floats) -> float:
    return float(terms[0] + prices @ terms[1:])


def _choose(part: Part, prices: Floats, wanted: Balance) -> Floats:
    """Choose the households of each grid for these prices; give the terms of the cheapest choice.

    One row of costs per grid that there is, then one per new grid, as many as lower any cost; the
    last is for households beyond those that are told apart, which cost their deviation alone.
    """
    size = _price_sizes(len(part.sums), prices, wanted)
    rows = [np.append(leave[0], (leave + size)[1:]) for leave in part.leave]
    new = np.append(0.0, np.where(part.sums, size, np.inf)[1:])
    picks: list[Positions] = []
    best = np.full(part.total + 1, np.inf)
    best[0] = 0.0
    for row in rows:
        best = _add_row(best, row, picks)
    lower = _add_row(best, new, picks)
    while (lower < best).any():
        best, lower = lower, _add_row(lower, new, picks)
    _add_row(best, np.arange(part.total + 1) * prices[0] / wanted.target, picks)
    loads, left = [], part.total
    for pick in reversed(picks):
        loads.append(int(pick[left]))
        left -= loads[-1]
    *grids, more = reversed(loads)
    moved = sum(leave[load] for leave, load in zip(part.leave, grids, strict=False))
    terms = _list_terms(np.array(grids), float(moved), wanted)
    terms[1] += more / wanted.target
    return terms


def _price_sizes(count: int, prices: Floats, wanted: Balance) -> Floats:
    """List what a grid of 0, 1, … households costs at these prices."""
    off = np.abs(np.arange(count) / wanted.target - 1)
    beyond = [_is_outside(off, band) for band in BANDS] - wanted.outside[:, None]
    even = [off - wanted.deviation, off**2 - wanted.square]
    return np.asarray(prices @ np.vstack([*even, beyond]), np.float64)


def _add_row(before: Floats, row: Floats, picks: list[Positions]) -> Floats:
    """Add a grid to a sum of grids: the least cost by households in all, and the pick for each."""
    after, pick = np.full(len(before), np.inf), np.zeros(len(before), np.int32)
    _add_best(before, row, after, pick)
    picks.append(pick)
    return after


@kernel
def _add_best(before: Floats, row: Floats, after: Floats, pick: Positions) -> None:
    for load in range(len(row)):
        if row[load] < np.inf:
            for total in range(load, len(before)):
                cost = before[total - load] + row[load]
                if cost < after[total]:
                    after[total], pick[total] = cost, load


def _solve_master(live: list[Part], still: Floats) -> tuple[float, Floats]:
    """Mix the choices made so far to the least that moves; give that and the prices it implies."""
    columns = [np.array(part.choices) for part in live]
    terms = np.concatenate([*columns, np.zeros((len(FIRST), 1 + len(FIRST)))])
    terms[-len(FIRST) :, 0], terms[-len(FIRST) :, 1:] = 1e6, -np.eye(len(FIRST))
    number = np.repeat(np.arange(len(live)), [len(each) for each in columns])
    each = np.zeros((len(live), len(terms)))
    each[number, np.arange(len(number))] = 1.0
    answer = linprog(
        terms[:, 0], A_ub=terms[:, 1:].T, b_ub=-still[1:], A_eq=each, b_eq=np.ones(len(live))
    )
    return float(answer.fun or 0.0), -np.asarray(answer.ineqlin.marginals)
