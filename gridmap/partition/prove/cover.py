"""The best cover of a part by listed sets: prices from a linear program, then a search.

Ideas: Mehrotra, Johnson, Nemhauser, "An optimization based heuristic for political districting"
(1998).
"""

from typing import NamedTuple

import numpy as np
import scipy

from gridmap.partition.objective import Weights, balance_cost
from gridmap.partition.problem import Bits, Floats, Ints, kernel
from gridmap.partition.prove.bounds import Relaxation, cost_all, relax, sum_costs, sum_loads
from gridmap.partition.prove.listing import Sets, can_divide, find_band, list_grids
from gridmap.partition.prove.region import (
    NONE,
    ONE,
    Region,
    Word,
    bit_of,
    first_atom,
    first_bit,
    flood,
    high_bit,
    low_bit,
    unpack,
)

#: Costs inside a search are scaled so that the plan to beat is so far above an even division.
SPAN = 1000.0
#: Better by less than this share of `SPAN` is not better.
TINY = 1e-6
#: The list is given to the linear program at once below so many sets, else as they price out.
WHOLE = 3000
#: Sets that enter the linear program in one round.
ENTER = 500
#: Covers tried per step: that is so much faster than listing a set.
TRIES = 20
#: Covers tried before the linear program is worth its time.
QUICK = 400_000


class Answer(NamedTuple):
    """What a search knows."""

    bound: float  #: no division costs less; at most the limit
    groups: Ints | None  #: per atom, the grid of a better division; None: none found
    steps: int  #: steps taken


class _Question(NamedTuple):
    """What is asked of a part."""

    grids: int
    limit: float  #: cost to beat
    even: float  #: cost of even shares
    ends: tuple[float, float]  #: least and greatest load of a grid
    weights: Weights

    @property
    def scale(self) -> float:
        """`SPAN` per cost."""
        return SPAN / max(self.limit - self.even, 1e-15)


class _Duals(NamedTuple):
    """Prices of covering: with them every listed set costs 0 or more."""

    bound: float  #: no cover costs less, in units of `SPAN`
    prices: Floats  #: reduced cost per set


class _Found(NamedTuple):
    groups: Ints | None  #: per atom, the grid of the best cover below the limit
    complete: bool  #: everything was searched
    steps: int


def solve_region(
    region: Region, grids: int, limit: float, weights: Weights, steps: int, *, program: bool = True
) -> Answer:
    """Find the best division that costs less than ``limit``, or show that there is none.

    The tangent of the cost at an even division gives prices at once. Where these leave too much to
    search, those of the linear relaxation are computed, if ``program`` allows it.
    """
    relaxed = relax(region.loads, grids, weights)
    band = find_band(region, grids, limit, relaxed, weights)
    sets, used = list_grids(region, band, grids, steps)
    if sets is None:
        return Answer(relaxed.bound, None, used)
    mean = float(region.loads.sum()) / grids
    even = grids * float(balance_cost(mean, weights))
    question = _Question(grids, limit, even, band.ends, weights)
    costs = _scale_costs(sets.loads, mean, question)
    duals, most = _price_tangent(costs, grids), (steps - used) * TRIES
    found = _find_cover(region, sets, duals, question, min(QUICK, most))
    used += found.steps
    if not found.complete and program and most > QUICK:
        duals = _solve_program(region, sets, costs, grids, duals)
        if duals.bound < SPAN - TINY:
            found = _find_cover(region, sets, duals, question, (steps - used) * TRIES)
            used += found.steps
        else:
            found = _Found(found.groups, True, 0)
    return _answer(region, question, relaxed, duals, found, used)


def _answer(
    region: Region,
    question: _Question,
    relaxed: Relaxation,
    duals: _Duals,
    found: _Found,
    used: int,
) -> Answer:
    """Say what a search means: the optimum, or no better than the limit, or a bound alone."""
    if found.groups is None:
        if found.complete:
            return Answer(question.limit, None, used)
    else:
        inside = found.groups >= 0
        loads = sum_loads(found.groups[inside], region.loads[inside], question.grids)
        if found.complete:
            return Answer(sum_costs(loads, question.weights), found.groups, used)
    bound = max(relaxed.bound, question.even + duals.bound / question.scale)
    return Answer(min(bound, question.limit), found.groups, used)


def _scale_costs(loads: Floats, mean: float, question: _Question) -> Floats:
    """Measure costs above the tangent at the mean: over a whole division tangents sum to even."""
    weights = question.weights
    slope = float(balance_cost(mean * 1.0001, weights) - balance_cost(mean * 0.9999, weights))
    slope /= max(mean * 0.0002, 1e-300)
    above = cost_all(loads, weights) - question.even / question.grids - slope * (loads - mean)
    return above * question.scale


def _price_tangent(costs: Floats, grids: int) -> _Duals:
    """Price by the tangent alone: the costs are above it already, up to rounding."""
    least = float(costs.min(initial=0.0))
    return _Duals(grids * least, costs - least)


# --- the linear program ---------------------------------------------------------------------------


def _solve_program(region: Region, sets: Sets, costs: Floats, grids: int, start: _Duals) -> _Duals:
    """Solve the linear relaxation of the cover by column generation over the list.

    minimise the cost of the sets taken, so that every inhabited atom is in one, every empty atom in
    at most one, and ``grids`` are taken. Whatever the program answers, its duals bound every cover:
    the sum of the duals plus ``grids`` times the least reduced cost over the list (Farley 1990).
    The best of all rounds is kept.
    """
    best, size = start, len(costs)
    inside = np.argsort(costs, kind="stable")[: size if size <= WHOLE else ENTER]
    prices = np.empty(size)
    while True:
        duals, each = _solve_master(region, sets.bits[inside], costs[inside], grids)
        _price(sets.bits, costs, duals, each, prices)
        least = float(prices.min(initial=0.0))
        bound = float(duals.sum()) + grids * (each + least)
        if bound > best.bound:
            best = _Duals(bound, prices - least)
        new = np.flatnonzero(prices < -TINY * SPAN)
        if least >= -TINY * SPAN or best.bound >= SPAN - TINY or size <= WHOLE:
            return best
        entering = new[np.argsort(prices[new], kind="stable")[:ENTER]]
        grown = np.union1d(inside, entering)
        if len(grown) == len(inside):
            return best
        inside = grown


@kernel
def _price(sets: Bits, costs: Floats, duals: Floats, each: float, out: Floats) -> None:
    """Compute the reduced cost of every set. O(sets · atoms in a set)."""
    for index in range(len(sets)):
        price = costs[index] - each
        for word in range(sets.shape[1]):
            bits = sets[index, word]
            while bits != NONE:
                price -= duals[(word << 6) + first_bit(bits)]
                bits &= bits - ONE
        out[index] = price


def _solve_master(region: Region, sets: Bits, costs: Floats, grids: int) -> tuple[Floats, float]:
    """Solve the program over some sets; give the dual of each atom, and that of a grid.

    A dear artificial set per inhabited atom, and one that is no set, keep it feasible.
    """
    member = unpack(sets, len(region.loads)).T.astype(np.float64)
    lived = region.loads > 0
    count, empty = int(lived.sum()), int((~lived).sum())
    artificial = np.vstack([np.ones((1, count + 1)), np.eye(count, count + 1)])
    answer = scipy.optimize.linprog(
        np.concatenate([costs, np.full(count + 1, 2 * SPAN)]),
        A_ub=np.hstack([member[~lived], np.zeros((empty, count + 1))]),
        b_ub=np.ones(empty),
        A_eq=np.hstack([np.vstack([np.ones((1, len(sets))), member[lived]]), artificial]),
        b_eq=np.concatenate([[float(grids)], np.ones(count)]),
        method="highs",
    )
    duals = np.zeros(len(region.loads))
    if answer.status != 0:
        return duals, 0.0
    duals[lived] = answer.eqlin.marginals[1:]
    duals[~lived] = np.minimum(0.0, answer.ineqlin.marginals)
    return duals, float(answer.eqlin.marginals[0])


# --- the search -----------------------------------------------------------------------------------


class _Cover(NamedTuple):
    """Room for the search of a cover; per depth, what the sets taken so far come to."""

    covered: Bits  #: (k + 1, 2) atoms covered
    priced: Floats  #: sum of reduced costs
    spent: Floats  #: sum of costs
    left: Floats  #: load not covered
    at: Ints  #: the next set to try
    best: Bits  #: (k, 2) the best cover


def _find_cover(
    region: Region, sets: Sets, duals: _Duals, question: _Question, tries: int
) -> _Found:
    """Search the best cover below the limit among the sets that are not too dear for one."""
    gap, grids = SPAN - duals.bound - TINY, question.grids
    kept = np.flatnonzero(duals.prices < gap)
    kept = kept[np.lexsort((duals.prices[kept], sets.roots[kept]))]
    start = np.searchsorted(sets.roots[kept], np.arange(len(region.loads) + 1))
    left = np.zeros(grids + 1)
    left[0] = region.loads.sum()
    cover = _Cover(
        np.zeros((grids + 1, 2), np.uint64),
        np.zeros(grids + 1),
        np.zeros(grids + 1),
        left,
        np.zeros(grids + 1, np.int64),
        np.zeros((grids, 2), np.uint64),
    )
    listed = Sets(sets.bits[kept], sets.loads[kept], sets.roots[kept])
    found, tried = _search_cover(
        region,
        cover,
        question.weights,
        listed,
        duals.prices[kept],
        start,
        question.ends,
        (question.limit - TINY / question.scale, question.scale, gap),
        max(tries, 1),
    )
    steps = int(tried // TRIES) + 1
    if found not in (1, -1):
        return _Found(None, found >= 0, steps)
    groups = np.full(len(region.loads), -1, np.int64)
    for grid, row in enumerate(unpack(cover.best, len(region.loads))):
        groups[row] = grid
    return _Found(groups, found >= 0, steps)


@kernel
def _search_cover(
    region: Region,
    cover: _Cover,
    weights: Weights,
    sets: Sets,
    prices: Floats,
    start: Ints,
    ends: tuple[float, float],
    aims: tuple[float, float, float],
    tries: int,
) -> tuple[int, int]:
    """Find the disjoint sets that cover all inhabited atoms at the least cost, below a limit.

    ``aims``: the limit, `SPAN` per cost, and the gap between the limit and the bound in that unit.
    Depth first: the lowest inhabited atom that is not covered is the root of the next set (all
    lower ones are covered), and the sets of a root stand together, by reduced cost. A branch ends
    where the reduced costs, all 0 or more, sum to the gap; where the least uneven loads of the rest
    would cost too much; and where the rest can't be divided into the grids left. The last grid is
    the rest itself. Returns 1 if a cover was found, 0 if there is none, minus 2 where the search
    was broken off after so many tries; and the tries.
    """
    limit, scale, gap = aims
    grids, tried, found, depth = len(cover.best), 0, 0, 0
    cover.covered[0, :] = NONE
    cover.at[0] = start[_next_root(region, NONE, NONE)]
    while depth >= 0:
        low, high = cover.covered[depth, 0], cover.covered[depth, 1]
        index, root = cover.at[depth], _next_root(region, low, high)
        if index >= start[root + 1] or cover.priced[depth] + prices[index] >= gap:
            depth -= 1
            continue
        cover.at[depth] += 1
        tried += 1
        if tried > tries:
            return found - 2, tried
        if (sets.bits[index, 0] & low) | (sets.bits[index, 1] & high) != NONE:
            continue
        left, rest = grids - depth - 1, cover.left[depth] - sets.loads[index]
        spent = cover.spent[depth] + balance_cost(sets.loads[index], weights)
        if rest <= 0.0 or spent + left * balance_cost(rest / left, weights) >= limit:
            continue
        low |= sets.bits[index, 0]
        high |= sets.bits[index, 1]
        least = spent + _bound_rest(region, low, high, rest, left, weights)
        if least >= limit or not can_divide(region, ~low, ~high, ends, left):
            continue
        if left == 1:
            gap -= (limit - least) * scale
            found, limit = 1, least - TINY / scale
            _note_cover(region, cover, sets.bits, low, high)
            continue
        depth += 1
        cover.covered[depth, 0], cover.covered[depth, 1] = low, high
        cover.priced[depth] = cover.priced[depth - 1] + prices[index]
        cover.spent[depth], cover.left[depth] = spent, rest
        cover.at[depth] = start[_next_root(region, low, high)]
    return found, tried


@kernel
def _bound_rest(
    region: Region, low: Word, high: Word, rest: float, left: int, weights: Weights
) -> float:
    """Bound what is not covered costs in so many grids: the least uneven loads of its atoms."""
    cost = 0.0
    for atom in region.ranked:
        if left == 1 or region.loads[atom] * left <= rest:
            break
        if (low if atom < 64 else high) & bit_of(atom) == NONE:
            cost += balance_cost(region.loads[atom], weights)
            rest -= region.loads[atom]
            left -= 1
    return cost + left * balance_cost(rest / left, weights)


@kernel
def _note_cover(region: Region, cover: _Cover, sets: Bits, low: Word, high: Word) -> None:
    """Write down the sets taken, and as the last grid what hangs together of the rest."""
    last = len(cover.best) - 1
    for level in range(last):
        index = cover.at[level] - 1
        cover.best[level, 0], cover.best[level, 1] = sets[index, 0], sets[index, 1]
    root = _next_root(region, low, high)
    rest = flood(region, low_bit(root), high_bit(root), ~low, ~high)
    cover.best[last, 0], cover.best[last, 1] = rest


@kernel
def _next_root(region: Region, low: Word, high: Word) -> int:
    """Give the lowest inhabited atom that is not covered; there must be one."""
    return first_atom(region.lived[0] & ~low, region.lived[1] & ~high)
