"""The best cover of a part by listed sets: prices from a linear program, then a search.

Ideas: Mehrotra, Johnson, Nemhauser, "An optimization based heuristic for political districting"
(1998).
"""

from typing import NamedTuple

import numpy as np
import scipy

from gridmap.partition.objective import Weights, balance_cost
from gridmap.partition.problem import Bits, Floats, Ints, kernel, routine
from gridmap.partition.prove.bounds import Relaxation, cost_all, relax, sum_costs, sum_loads
from gridmap.partition.prove.joining import Paths, copy_groups, find_needs, join_sets, make_paths
from gridmap.partition.prove.listing import Sets, can_divide, find_band, list_grids
from gridmap.partition.prove.region import (
    BITS,
    NONE,
    ONE,
    Region,
    Word,
    bit_of,
    first_atom,
    first_bit,
    unpack,
)

#: Costs inside a search are scaled so that the plan to beat is so far above an even division.
SPAN = 1000.0
#: Better by less than this share of `SPAN` is not better.
TINY = 1e-6
#: The list is given to the linear program at once below so many sets, else as they price out.
WHOLE = 200
#: Sets that enter the linear program in one round.
ENTER = 200
#: Covers tried per step: that is so much faster than listing a set.
TRIES = 20
#: Covers that could be tried in the time that joining the sets of one takes.
JOINING = 4000
#: Covers tried before the linear program is worth its time.
QUICK = 400_000
#: Steps that could be taken in the time of the linear program, and in that for each set in it.
PROGRAM, NEEDING = 100_000, 100


class Answer(NamedTuple):
    """What a search knows."""

    bound: float  #: no division costs less; at most the limit
    groups: Ints | None  #: per unit, the grid of a better division, -1 for any; None: none found
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
    groups: Ints | None  #: per unit, the grid of the best cover below the limit
    complete: bool  #: everything was searched
    unsure: float  #: cost of the best cover that was passed over
    steps: int


def solve_region(region: Region, grids: int, limit: float, weights: Weights, steps: int) -> Answer:
    """Find the best division that costs less than ``limit``, or show that there is none.

    The tangent of the cost at an even division gives prices at once. Where these leave too much to
    search, those of the linear relaxation are computed. Which units between a set can't do without
    is found out only where it matters.
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
    if found.groups is not None and not found.complete:  # a lower limit leaves fewer sets
        return _answer(region, question, relaxed, duals, found, used)
    dear = PROGRAM + NEEDING * len(costs)
    if used + dear <= steps and (found.unsure < np.inf if found.complete else most > QUICK):
        used += dear
        find_needs(region, sets.bits, make_paths(len(region.graph.load)))
        if not found.complete:
            duals = _solve_program(region, sets, costs, grids, duals)
        if duals.bound < SPAN - TINY:
            again = _find_cover(region, sets, duals, question, (steps - used) * TRIES)
            used += again.steps
            found = again if again.groups is not None else again._replace(groups=found.groups)
        else:
            found = found._replace(complete=True, unsure=np.inf)
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
    cost = question.limit
    if found.groups is not None:
        inside = found.groups >= 0
        loads = sum_loads(found.groups[inside], region.graph.load[inside], question.grids)
        cost = sum_costs(loads, question.weights)
    if found.complete:
        return Answer(min(cost, found.unsure), found.groups, used)
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

    minimise the cost of the sets taken, so that every atom is in one, every unit between that is
    needed in at most one, and ``grids`` are taken. Whatever the program answers, its duals bound
    every cover: the sum of the duals plus ``grids`` times the least reduced cost over the list
    (Farley 1990). The best of all rounds is kept.
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
    """Solve the program over some sets; give the dual of each bit, and that of a grid.

    A dear artificial set per atom, and one that is no set, keep it feasible.
    """
    count, bits = len(region.loads), 64 * sets.shape[1]
    member = unpack(sets, bits).T.astype(np.float64)
    artificial = np.vstack([np.ones((1, count + 1)), np.eye(count, count + 1)])
    needed = np.hstack([member[BITS:], np.zeros((bits - BITS, count + 1))])
    answer = scipy.optimize.linprog(
        np.concatenate([costs, np.full(count + 1, 2 * SPAN)]),
        A_ub=needed,
        b_ub=np.ones(len(needed)),
        A_eq=np.hstack([np.vstack([np.ones((1, len(sets))), member[:count]]), artificial]),
        b_eq=np.concatenate([[float(grids)], np.ones(count)]),
        method="highs",
    )
    duals = np.zeros(bits)
    if answer.status != 0:
        return duals, 0.0
    duals[:count] = answer.eqlin.marginals[1:]
    duals[BITS:] = np.minimum(0.0, answer.ineqlin.marginals)
    return duals, float(answer.eqlin.marginals[0])


# --- the search -----------------------------------------------------------------------------------


class _Cover(NamedTuple):
    """Room for the search of a cover; per depth, what the sets taken so far come to."""

    covered: Bits  #: (k + 1, 3) atoms covered, and units between that are needed for it
    priced: Floats  #: sum of reduced costs
    spent: Floats  #: sum of costs
    left: Floats  #: load not covered
    at: Ints  #: the next set to try
    sets: Bits  #: (k, 2) the cover just found
    paths: Paths
    best: Ints  #: per unit, its grid in the best cover


def _find_cover(
    region: Region,
    sets: Sets,
    duals: _Duals,
    question: _Question,
    tries: int,
) -> _Found:
    """Search the best cover below the limit among the sets that are not too dear for one."""
    gap, grids = SPAN - duals.bound - TINY, question.grids
    kept = np.flatnonzero(duals.prices < gap)
    kept = kept[np.lexsort((duals.prices[kept], sets.roots[kept]))]
    start = np.searchsorted(sets.roots[kept], np.arange(len(region.loads) + 1))
    left = np.zeros(grids + 1)
    left[0] = region.loads.sum()
    cover = _Cover(
        np.zeros((grids + 1, 3), np.uint64),
        np.zeros(grids + 1),
        np.zeros(grids + 1),
        left,
        np.zeros(grids + 1, np.int64),
        np.zeros((grids, 2), np.uint64),
        make_paths(len(region.graph.load)),
        np.zeros(len(region.graph.load), np.int64),
    )
    listed = Sets(sets.bits[kept], sets.loads[kept], sets.roots[kept])
    found, unsure, tried = _search_cover(
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
    groups = cover.best if found in (1, -1) else None
    return _Found(groups, found >= 0, unsure, int(tried // TRIES) + 1)


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
) -> tuple[int, float, int]:
    """Find the disjoint sets that cover all atoms at the least cost, below a limit.

    ``aims``: the limit, `SPAN` per cost, and the gap between the limit and the bound in that unit.
    Depth first: the lowest atom that is not covered is the root of the next set (all lower ones
    are covered), and the sets of a root stand together, by reduced cost. A branch ends
    where the reduced costs, all 0 or more, sum to the gap; where the least uneven loads of the rest
    would cost too much; and where the rest can't be divided into the grids left. The last grid is
    the rest itself. Covers whose sets can't be joined are left out; one that other choices of the
    units between them may join is passed over.

    Returns 1 if a cover was found, 0 if there is none, minus 2 where the search was broken off
    after so many tries; the cost of the best cover that was passed over; and the tries.
    Each try is O(atoms); covers found cost as `join_sets` does.
    """
    limit, scale, gap = aims
    grids, tried, found, depth, unsure = len(cover.sets), 0, 0, 0, np.inf
    cover.covered[0, :] = NONE
    cover.at[0] = start[0]
    while depth >= 0:
        low, high = cover.covered[depth, 0], cover.covered[depth, 1]
        first = cover.at[depth]
        index, last = _find_next(sets, prices, start, cover, depth, gap)
        cover.at[depth] = index + 1
        tried += index + 1 - first
        if tried > tries:
            return found - 2, unsure, tried
        if last:
            depth -= 1
            continue
        needed = sets.bits[index, 2]
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
            tried += JOINING
            joined = _note_cover(region, cover, sets.bits, low, high)
            if joined > 0:
                gap -= (limit - least) * scale
                found, limit = 1, least - TINY / scale
            elif joined < 0:
                unsure = min(unsure, least)
            continue
        depth += 1
        cover.covered[depth, 0], cover.covered[depth, 1] = low, high
        cover.covered[depth, 2] = cover.covered[depth - 1, 2] | needed
        cover.priced[depth] = cover.priced[depth - 1] + prices[index]
        cover.spent[depth], cover.left[depth] = spent, rest
        cover.at[depth] = start[first_atom(~low, ~high)]
    return found, unsure, tried


@routine
def _find_next(
    sets: Sets, prices: Floats, start: Ints, cover: _Cover, depth: int, gap: float
) -> tuple[int, bool]:
    """Find the next set that shares nothing with those taken; or where they end or get too dear.

    Returns the place, and whether it is the end. O(sets passed over).
    """
    low, high, needed = cover.covered[depth, 0], cover.covered[depth, 1], cover.covered[depth, 2]
    dear = gap - cover.priced[depth]
    index, end = cover.at[depth], start[first_atom(~low, ~high) + 1]
    while index < end and prices[index] < dear:
        shared = (sets.bits[index, 0] & low) | (sets.bits[index, 1] & high)
        if shared | (sets.bits[index, 2] & needed) == NONE:
            return index, False
        index += 1
    return index, True


@routine
def _bound_rest(
    region: Region, low: Word, high: Word, rest: float, left: int, weights: Weights
) -> float:
    """Bound what is not covered costs in so many grids: the least uneven loads of its atoms.

    O(grids left + atoms that are covered).
    """
    cost = 0.0
    for atom in region.ranked:
        if left == 1 or region.loads[atom] * left <= rest:
            break
        if (low if atom < 64 else high) & bit_of(atom) == NONE:
            cost += balance_cost(region.loads[atom], weights)
            rest -= region.loads[atom]
            left -= 1
    return cost + left * balance_cost(rest / left, weights)


@routine
def _note_cover(region: Region, cover: _Cover, sets: Bits, low: Word, high: Word) -> int:
    """Write down the sets taken, and as the last grid the rest, if each can be in one piece.

    Returns, and costs what `join_sets` does.
    """
    last = len(cover.sets) - 1
    for level in range(last):
        index = cover.at[level] - 1
        cover.sets[level, 0], cover.sets[level, 1] = sets[index, 0], sets[index, 1]
    cover.sets[last, 0], cover.sets[last, 1] = ~low & region.all[0], ~high & region.all[1]
    joined = join_sets(region, cover.sets, cover.paths)
    if joined > 0:
        copy_groups(cover.paths.groups, cover.best)
    return joined
