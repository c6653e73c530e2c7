"""Districts: a band that is a must, and inside it nothing but the borders counts.

With `gridmap.rules.Costs.even` at 0 any size inside the band is as good as another, and a plan
outside it is no answer. What is left is rugged: one large unit breaks the band. So the search is
another one than `improve.anneal`:

1. *Draw*: a random split is annealed by shifts alone, of which very many are made. What is outside
   the band is charged by the household, little at first, in the end more than any border is worth:
   on the way a grid may leave the band and return.
2. *Draw anew*: two to four grids that touch are joined and drawn again, from nothing or from what
   they are, and kept where that is not much worse, many times over: a large neighbourhood search
   (Shaw 1998). It is the recombination of DeFord, Duchin, Solomon (2019, arXiv:1911.05725),
   annealed.

Some such searches, the *islands*, are made from different random numbers, and the best plan is
kept: first by what is outside the band, then by cost.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gridmap.partition.improve import Search, can_leave, draw_patience, make_search
from gridmap.partition.matching import match_grids
from gridmap.partition.objective import (
    HOME_GONE,
    NO_HOME,
    State,
    Weights,
    make_state,
    part_cost,
    shift_delta,
    shift_unit,
    weigh_moves,
)
from gridmap.partition.problem import (
    Bits,
    Component,
    Flags,
    Floats,
    Graph,
    Ints,
    Positions,
    kernel,
    rank_by_appearance,
    routine,
)
from gridmap.partition.redraw import join_to_neighbours
from gridmap.partition.split import draw_below, make_pieces, make_tree, split_part

#: Searches from different random numbers; fixed, so that the answer is the same for any workers.
ISLANDS = 4
#: Drawings of the whole that an island begins with.
STARTS = 8
#: Shifts tried per unit in one drawing, and at least.
SHIFTS, FEWEST = 100, 8_000
#: Grids drawn anew together at most.
LARGEST = 4
#: Shifts tried per step asked for: for each part, and for each of its units.
PER_PART, PER_UNIT = 100_000, 500
#: Temperatures at the first and last shift, in borders of a usual pair.
HOT, COLD = 2.5, 0.3
#: Temperatures at which an annealing begins that is to remember where it started: in search of a
#: better plan, and in a redraw.
WARM, GENTLE = 1.6, 0.8
#: Times more shifts in a redraw than in a drawing.
RETURNS = 10
#: How much dearer a plan may become, on average, when grids are drawn anew: in the same.
WANDER = 0.5
#: What it costs at the first and last shift, in the same, that a usual unit is outside the band.
SOFT, HARD = 0.5, 5.0
#: Cheaper by less is not cheaper.
TINY = 1e-9


class Band(NamedTuple):
    """The loads of a grid inside the band, in grains, both inside."""

    low: int
    high: int


class Schedule(NamedTuple):
    """How warm and how strict an annealing begins and ends."""

    hot: float
    cold: float
    soft: float  #: cost of a grain outside the band
    hard: float


class Frontier(NamedTuple):
    """The sides of usable pairs that lie between two grids, to draw one from."""

    twin: Positions  #: per pair and side, the same pair from its other side
    sides: Positions  #: sides between two grids come first
    place: Positions  #: per side, its place among these, -1 inside a grid
    length: Ints  #: [0] how many


class Best(NamedTuple):
    """The best labels met so far: least outside the band, then cheapest."""

    labels: Positions
    excess: Ints  #: [0] grains outside the band
    cost: Floats  #: [0]


class Island(NamedTuple):
    """One search of one part."""

    component: Component
    home: Ints  #: per unit, the grid that it was in before, -1 for none
    weights: Weights
    seed: int
    steps: int
    number: int


def is_hard(weights: Weights) -> bool:
    """Say whether the band is a must, as sizes inside it do not matter."""
    return weights.even == 0.0


def find_band(weights: Weights) -> Band:
    """Give the fewest and most grains of a grid inside the band.

    Examples
    --------
    >>> from gridmap.partition.objective import make_weights
    >>> from gridmap.rules import Rules
    >>> rules = Rules(target=4779736 / 7, tolerance=0.005)
    >>> find_band(make_weights(rules))
    Band(low=679406, high=686233)
    """
    full = 1.0 / weights.share
    slack = 1e-12 * full  # of rounding: an end that is a whole number is inside
    low = math.ceil(full * (1.0 - weights.tolerance) - slack)
    return Band(low, math.floor(full * (1.0 + weights.tolerance) + slack))


def draw_districts(
    parts: Iterable[tuple[Component, Ints]],
    weights: Weights,
    seed: int,
    steps: int,
    run: Callable[..., Iterator[Any]] = map,
) -> Iterator[Ints]:
    """Draw parts in grids inside the band, where such are found, at the least cost.

    Parameters
    ----------
    parts : iterable of (Component, array of int)
        With, per unit, the grid that it was in before, -1 for none: what moves costs.
    weights : Weights
    seed, steps : int
        For a step, `PER_PART` + `PER_UNIT` · units shifts are tried.
    run : callable
        `map`, or that of an executor: the islands are tasks of their own.

    Yields
    ------
    int64 array, per unit of a part
        Grid 0 … k-1.
    """
    parts = list(parts)
    counts = [1 if part.exclusive or part.grids == 1 else ISLANDS for part, _ in parts]
    results = run(
        search_island,
        [
            Island(part, home, weights, seed, steps, number)
            for (part, home), count in zip(parts, counts, strict=True)
            for number in range(count)
        ],
    )
    for count in counts:
        best = next(results)
        for _ in range(count - 1):
            best = keep_better(best, next(results))
        yield best.labels.astype(np.int64)


def search_island(island: Island) -> Best:
    """Draw one part: some drawings of the whole, then groups of grids anew until moves run out."""
    graph, grids = island.component.graph, island.component.grids
    if grids == 1 or island.component.exclusive:
        return judge(graph, np.zeros(len(graph.load), np.int32), 1, island.weights)
    words = np.random.SeedSequence([island.seed, *island.component.key, island.number])
    rng = words.generate_state(1, np.uint64).astype(np.uint64)
    weights = island.weights._replace(moved=0.0)
    left = island.steps * (PER_PART + PER_UNIT * len(graph.load)) // ISLANDS
    best = draw_whole(graph, grids, weights, rng)
    for _ in range(STARTS - 1):
        if (left := left - count_shifts(graph)) > 0:
            best = keep_better(best, draw_whole(graph, grids, weights, rng))
    best = draw_groups_anew(graph, grids, weights, rng, best, left)
    if (island.home >= 0).any():
        return return_home(graph, grids, island.weights, rng, best, island.home)
    return best


def count_shifts(graph: Graph) -> int:
    """Say how many shifts one drawing tries."""
    return max(SHIFTS * len(graph.load), FEWEST)


def keep_better(one: Best, two: Best) -> Best:
    """Give the second where it is better: less outside the band, or as much and cheaper."""
    first, second = (int(each.excess[0]) for each in (one, two))
    if second != first:
        return two if second < first else one
    return two if two.cost[0] < one.cost[0] - TINY else one


def draw_whole(graph: Graph, grids: int, weights: Weights, rng: Bits) -> Best:
    """Draw a connected part from nothing: a random split, annealed."""
    even = weights._replace(even=1.0, outside=0.0, compound=0.0)
    split = make_state(graph, np.zeros(len(graph.load), np.int32), grids, even)
    split.inside[:] = 0.0  # the most even cut of a random tree, wherever it lies
    split_part(split, make_tree(graph, rng), make_pieces(graph, grids), 1)
    state = make_state(graph, split.labels, grids, ease_weights(weights))
    return _anneal_best(state, weights, rng, HOT, count_shifts(graph))


def _anneal_best(state: State, weights: Weights, rng: Bits, hot: float, shifts: int) -> Best:
    """Anneal a drawing, and give the best that is met on the way."""
    graph, band = state.graph, find_band(weights)
    best = Best(state.labels.copy(), np.full(1, 1 << 62), np.full(1, np.inf))
    frontier, search = make_frontier(graph, state.labels), make_search(graph, rng)
    schedule = make_schedule(state, band, hot)
    anneal_inside(state, frontier, search, rng, band, schedule, shifts, best)
    return best


def return_home(
    graph: Graph, grids: int, weights: Weights, rng: Bits, drawn: Best, before: Ints
) -> Best:
    """Redraw: anneal the plan before, and a plan drawn anew, gently, where moving has its price.

    The plan before is tried if it has as many grids as are due. Of the two, the better is kept.
    """
    origin = rank_by_appearance(before)
    plans = [drawn.labels]
    if origin.max() + 1 == grids:
        plans.insert(0, join_to_neighbours(graph, origin))
    best = Best(drawn.labels, np.full(1, 1 << 62), np.full(1, np.inf))
    for labels in plans:
        match = match_grids(labels, origin, weigh_moves(graph.households))
        number = np.full(int(origin.max()) + 1, HOME_GONE, np.int32)
        number[match[match >= 0]] = np.flatnonzero(match >= 0)
        home = np.where(origin < 0, NO_HOME, number[origin]).astype(np.int32)
        state = make_state(graph, labels.copy(), grids, ease_weights(weights), home)
        shifts = RETURNS * count_shifts(graph)
        best = keep_better(best, _anneal_best(state, weights, rng, GENTLE, shifts))
    return best


def ease_weights(weights: Weights) -> Weights:
    """Take the band out of the cost: the search charges what is outside it on its own."""
    return weights._replace(even=0.0, outside=0.0)


def make_schedule(state: State, band: Band, hot: float) -> Schedule:
    """Scale temperatures to what a usual border costs, and the band to a usual unit."""
    usual = price_border(state.graph, state.weights)
    load = state.graph.load[state.graph.load > 0].mean() if state.graph.load.any() else 1.0
    narrow = min(float(load), max(0.5 * (band.high - band.low), 1.0))
    return Schedule(hot * usual, COLD * usual, SOFT * usual / load, HARD * usual / narrow)


def price_border(graph: Graph, weights: Weights) -> float:
    """Give what the border of a usual pair costs; 1 where none costs anything."""
    prices = np.abs(weights.crossing[graph.barrier] - weights.border * graph.border)[graph.usable]
    return float(np.median(prices[prices > 0])) if prices.any() else 1.0


def make_frontier(graph: Graph, labels: Positions) -> Frontier:
    """List the sides between two grids."""
    owner, other = graph.owner.astype(np.int64), graph.neighbour.astype(np.int64)
    order = np.lexsort((np.maximum(owner, other), np.minimum(owner, other)))
    twin = np.empty(len(order), np.int32)
    twin[order] = order.reshape(-1, 2)[:, ::-1].ravel()
    between = np.flatnonzero(graph.usable & (labels[owner] != labels[other]))
    sides, place = np.zeros(len(order), np.int32), np.full(len(order), -1, np.int32)
    sides[: len(between)] = between
    place[between] = np.arange(len(between))
    return Frontier(twin, sides, place, np.array([len(between)]))


@kernel
def anneal_inside(
    state: State,
    frontier: Frontier,
    search: Search,
    rng: Bits,
    band: Band,
    schedule: Schedule,
    steps: int,
    best: Best,
) -> None:
    """Shift units between grids, ever cooler and ever stricter about the band; note the best.

    ``state`` must have the weights of `ease_weights`. A grid never loses its last unit, nor its
    last household. O(steps), each in the degree of a unit, and where it is accepted in the smaller
    of the pieces that its grid may fall into.
    """
    graph = state.graph
    heat, price = schedule.hot, schedule.soft
    cooling = (schedule.cold / schedule.hot) ** (1.0 / steps)
    rising = (schedule.hard / schedule.soft) ** (1.0 / steps)
    excess, cost = 0, part_cost(state)
    for grid in range(len(state.load)):
        excess += _exceed(state.load[grid], band)
    _note(state, best, excess, cost)
    for _ in range(steps):
        heat *= cooling
        price *= rising
        if frontier.length[0] == 0:
            return
        side = frontier.sides[draw_below(rng, frontier.length[0])]
        unit = graph.owner[side]
        old, new, load = state.labels[unit], state.labels[graph.neighbour[side]], graph.load[unit]
        if state.size[old] == 1 or (load > 0 and state.load[old] == load):
            continue
        more = _exceed(state.load[old] - load, band) - _exceed(state.load[old], band)
        more += _exceed(state.load[new] + load, band) - _exceed(state.load[new], band)
        delta = shift_delta(state, unit, new)
        total = delta + price * more
        if total > 0.0 and total > heat * draw_patience(rng):
            continue
        if can_part(state, search, unit):
            shift_unit(state, unit, new)
            _turn_sides(state, frontier, unit, old)
            excess += more
            cost += delta
            _note(state, best, excess, cost)


@routine
def _exceed(load: int, band: Band) -> int:
    """Count the grains by which a grid is outside the band."""
    return max(0, band.low - load, load - band.high)


@routine
def _note(state: State, best: Best, excess: int, cost: float) -> None:
    """Write labels down that are better than the best. O(units)."""
    if excess > best.excess[0] or (excess == best.excess[0] and cost >= best.cost[0] - TINY):
        return
    best.excess[0] = excess
    best.cost[0] = cost
    for unit in range(len(state.labels)):
        best.labels[unit] = state.labels[unit]


@routine
def _turn_sides(state: State, frontier: Frontier, unit: int, old: int) -> None:
    """Update the frontier at a unit that came from grid ``old``. O(degree of the unit)."""
    graph = state.graph
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        if graph.usable[side]:
            label = state.labels[graph.neighbour[side]]
            if label == state.labels[unit]:
                _leave_frontier(frontier, side)
                _leave_frontier(frontier, frontier.twin[side])
            elif label == old:
                _join_frontier(frontier, side)
                _join_frontier(frontier, frontier.twin[side])


@routine
def _leave_frontier(frontier: Frontier, side: int) -> None:
    """Take a side out of the frontier; the last one takes its place. O(1)."""
    frontier.length[0] -= 1
    last, place = frontier.sides[frontier.length[0]], frontier.place[side]
    frontier.sides[place] = last
    frontier.place[last] = place
    frontier.place[side] = -1


@routine
def _join_frontier(frontier: Frontier, side: int) -> None:
    """Append a side to the frontier. O(1)."""
    frontier.place[side] = frontier.length[0]
    frontier.sides[frontier.length[0]] = side
    frontier.length[0] += 1


@routine
def can_part(state: State, search: Search, unit: int) -> bool:
    """Say what `improve.can_leave` says, by a search from two ends.

    The neighbours in the grid that touch each other are one end; mostly there are no others. Where
    there is a second end, both grow in turn until they meet or the smaller piece is exhausted,
    O(pairs of that piece). More than two ends are rare, and left to `improve.can_leave`.
    """
    graph, grid = state.graph, state.labels[unit]
    one, two = search.checks[0] + 1, search.checks[0] + 2
    search.checks[0] = two
    open_ends, first = 0, -1
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        other = graph.neighbour[side]
        if graph.usable[side] and state.labels[other] == grid:
            open_ends += 1
            search.seen[other] = -one  # in no end yet
            first = other
    if open_ends <= 1:
        return open_ends == 1
    behind = _gather_end(graph, search, first, one, 0, 1)
    open_ends -= behind
    if open_ends == 0:
        return True
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        if search.seen[graph.neighbour[side]] == -one:
            first = graph.neighbour[side]
    before = _gather_end(graph, search, first, two, len(search.queue) - 1, -1)
    if open_ends > before:
        return can_leave(state, search, unit)
    return _meet(state, search, unit, behind, len(search.queue) - 1 - before)


@routine
def _gather_end(graph: Graph, search: Search, first: int, mark: int, start: int, way: int) -> int:
    """Mark the neighbours in no end yet that hang together with one, from ``start`` in the queue.

    Returns how many. O(pairs of the neighbours).
    """
    none = -search.checks[0] + 1
    search.seen[first] = mark
    search.queue[start] = first
    done, count = 0, 1
    while done < count:
        unit = search.queue[start + way * done]
        done += 1
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            if graph.usable[side] and search.seen[other] == none:
                search.seen[other] = mark
                search.queue[start + way * count] = other
                count += 1
    return count


@routine
def _meet(state: State, search: Search, unit: int, tail: int, end: int) -> bool:
    """Grow two ends in turn, one up the queue and one down, and say whether they meet.

    O(pairs of the smaller piece).
    """
    graph, grid, two = state.graph, state.labels[unit], search.checks[0]
    head, top = 0, len(search.queue) - 1
    while head < tail and top > end:
        place, mark = (head, two - 1) if tail - head <= top - end else (top, two)
        if mark == two:
            top -= 1
        else:
            head += 1
        at = search.queue[place]
        for side in range(graph.indptr[at], graph.indptr[at + 1]):
            other = graph.neighbour[side]
            if not graph.usable[side] or state.labels[other] != grid or other == unit:
                continue
            if search.seen[other] == 2 * two - 1 - mark:
                return True
            if search.seen[other] != mark:
                search.seen[other] = mark
                if mark == two:
                    search.queue[end] = other
                    end -= 1
                else:
                    search.queue[tail] = other
                    tail += 1
    return False


def draw_groups_anew(
    graph: Graph, grids: int, weights: Weights, rng: Bits, best: Best, shifts: int
) -> Best:
    """Join some grids that touch and draw them anew, again and again, while shifts are left.

    Every other time they are not drawn from nothing but warmed up. A drawing is kept where it is no
    worse or, at random, a little: the search wanders, and the best that it meets counts.
    """
    here, worth = best, WANDER * price_border(graph, weights)
    while shifts > 0:
        group = pick_group(graph, here.labels, grids, 2 + draw_below(rng, LARGEST - 1), rng)
        inside = np.isin(here.labels, group)
        part = take_units(graph, inside)
        shifts -= count_shifts(part)
        if draw_below(rng, 2) == 0:
            drawn = draw_whole(part, len(group), weights, rng)
        else:
            drawn = warm_up_plan(part, np.searchsorted(group, here.labels[inside]), weights, rng)
        labels = here.labels.copy()
        labels[inside] = group[drawn.labels]
        plan = judge(graph, labels, grids, weights)
        if is_near(plan, here, worth * draw_patience(rng)):
            here = plan
            best = keep_better(best, here)
    return best


def warm_up_plan(graph: Graph, labels: Ints, weights: Weights, rng: Bits) -> Best:
    """Anneal from a drawing that exists, so warm that borders move and places stay."""
    grids = int(labels.max()) + 1
    state = make_state(graph, labels.astype(np.int32), grids, ease_weights(weights))
    return _anneal_best(state, weights, rng, WARM, count_shifts(graph))


def is_near(plan: Best, here: Best, dearer: float) -> bool:
    """Say whether a plan has less outside the band, or as much and costs at most so much more."""
    if plan.excess[0] != here.excess[0]:
        return bool(plan.excess[0] < here.excess[0])
    return bool(plan.cost[0] <= here.cost[0] + dearer)


def pick_group(graph: Graph, labels: Positions, grids: int, size: int, rng: Bits) -> Ints:
    """Pick so many grids at random that hang together over usable pairs, ascending."""
    touch = np.zeros((grids, grids), bool)
    kept = graph.usable
    touch[labels[graph.owner[kept]], labels[graph.neighbour[kept]]] = True
    chosen = np.zeros(grids, bool)
    chosen[draw_below(rng, grids)] = True
    while chosen.sum() < min(size, grids):
        beside = np.flatnonzero(touch[chosen].any(axis=0) & ~chosen)
        chosen[beside[draw_below(rng, len(beside))]] = True
    return np.flatnonzero(chosen)


def take_units(graph: Graph, inside: Flags) -> Graph:
    """Make the graph of some units alone."""
    units = np.flatnonzero(inside)
    place = np.cumsum(inside) - 1
    sides = np.flatnonzero(inside[graph.owner] & inside[graph.neighbour])
    owner = place[graph.owner[sides]]
    ends = np.cumsum(np.bincount(owner, minlength=len(units)))
    return Graph(
        households=graph.households[units],
        compound=rank_by_appearance(graph.compound[units]),
        block=graph.block[units],
        indptr=np.concatenate([[0], ends]).astype(np.int32),
        owner=owner.astype(np.int32),
        neighbour=place[graph.neighbour[sides]].astype(np.int32),
        border=graph.border[sides],
        barrier=graph.barrier[sides],
        usable=graph.usable[sides],
        load=graph.load[units],
        work=graph.work[units],
    )


def judge(graph: Graph, labels: Positions, grids: int, weights: Weights) -> Best:
    """Measure a drawing of a part: what is outside the band, and the cost of the rest."""
    state, band = make_state(graph, labels, grids, ease_weights(weights)), find_band(weights)
    beyond = np.maximum(0, np.maximum(band.low - state.load, state.load - band.high))
    return Best(labels, np.array([beyond.sum()]), np.array([part_cost(state)]))
