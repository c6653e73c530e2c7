"""Simulated annealing of a labelled part, with two moves that keep every grid in one piece.

*Shift*: a unit on a border goes to a neighbouring grid. *Recombine*: two neighbouring grids are
joined and cut again along a fresh spanning tree (ReCom: DeFord, Duchin, Solomon 2019,
arXiv:1911.05725). A move is accepted by Metropolis' rule; the temperature falls geometrically over
a fixed count of steps.
"""

from typing import NamedTuple

import numpy as np

from gridmap.partition.grow import Growth, make_growth, regrow
from gridmap.partition.objective import State, balance_cost, shift_delta, shift_unit, work_cost
from gridmap.partition.problem import Bits, Flags, Graph, Positions, kernel, routine
from gridmap.partition.split import (
    Tree,
    choose_halves,
    cut_between,
    draw_below,
    draw_share,
    draw_tree,
    moved_below,
    sum_stays,
)

#: Temperatures at the first and last step, in units of the cost (a squared relative deviation).
HOT, COLD = 0.002, 0.00002
#: Temperature at which a plan that exists is improved: it is good but for some places.
WARM = 0.0002
#: Every so many steps a recombination is tried instead of a shift.
RECOMBINE_EVERY = 2
#: It is worth its time if evening out the two grids would gain so many times what it may cost.
WORTH = 3.0
#: Recombinations of two grids in vain after which the next is tried half as often, and so on.
PATIENCE = 20
#: Recombinations in a hundred that grow a region instead of drawing a tree.
GROWN = 50
#: Compounds that a recombination is trusted to reunite: dearer cuts are given up unmeasured.
REUNITED = 2


class Search(NamedTuple):
    """Room for the contiguity check."""

    queue: Positions  #: units waiting
    seen: Positions  #: per unit, number of the last check that reached it
    checks: Positions  #: [0] number of checks so far
    vain: Positions  #: per grid, recombinations in vain since one that changed it
    open: Flags  #: per grid, whether units may leave and enter it
    everyone: Positions
    growth: Growth


def make_search(graph: Graph, rng: Bits) -> Search:
    """Make room for the moves in one part, drawn with ``rng``."""
    units = len(graph.households)
    queue, seen, vain = (np.zeros(units, np.int32) for _ in range(3))
    everyone = np.arange(units, dtype=np.int32)
    return Search(
        queue,
        seen,
        np.zeros(1, np.int32),
        vain,
        np.zeros(units, bool),
        everyone,
        make_growth(graph, rng),
    )


@routine
def can_leave(state: State, search: Search, unit: int) -> bool:
    """Say whether the grid of ``unit`` stays in one piece, and not empty, without it.

    Searches the grid from one neighbour of the unit until all its neighbours in the grid are
    reached. O(pairs of the grid) at worst, usually a few units.
    """
    graph, grid = state.graph, state.labels[unit]
    search.checks[0] += 1
    mark = search.checks[0]
    open_ends, first = 0, -1
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        other = graph.neighbour[side]
        if graph.usable[side] and state.labels[other] == grid:
            open_ends += 1
            search.seen[other] = -mark  # to be reached
            first = other
    if open_ends <= 1:
        return open_ends == 1
    search.seen[unit] = mark
    return _reach_all(state, search, first, open_ends)


@routine
def _reach_all(state: State, search: Search, first: int, open_ends: int) -> bool:
    """Say whether a breadth-first search inside a grid meets all of ``open_ends`` marked units.

    It begins at one of them, and stops at the last. O(pairs of the grid) at worst.
    """
    graph, mark, grid = state.graph, search.checks[0], state.labels[first]
    search.queue[0] = first
    search.seen[first] = mark
    open_ends -= 1
    head, tail = 0, 1
    while head < tail:
        unit = search.queue[head]
        head += 1
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            if not graph.usable[side] or state.labels[other] != grid or search.seen[other] == mark:
                continue
            if search.seen[other] == -mark:
                open_ends -= 1
                if open_ends == 0:
                    return True
            search.seen[other] = mark
            search.queue[tail] = other
            tail += 1
    return False


@kernel
def draw_patience(rng: Bits) -> float:
    """Draw how many temperatures a move may cost: exponential, so as Metropolis accepts."""
    return -np.log(1.0 - draw_share(rng))


@kernel
def anneal_part(state: State, tree: Tree, search: Search, steps: int, hot: float) -> None:
    """Improve the labels of a whole part in place; see `anneal`. O(grids) beside that."""
    grids = len(state.load)
    search.vain[:grids] = 0
    search.open[:grids] = True
    anneal(state, tree, search, search.everyone, steps, hot)
    search.open[:grids] = False


@routine
def anneal(
    state: State, tree: Tree, search: Search, members: Positions, steps: int, hot: float
) -> float:
    """Improve labels in place by a count of tried moves, from temperature ``hot`` to `COLD`.

    A step draws a unit of ``members`` and one that it touches; both must lie in grids that are open
    to the search, and not in the same. O(steps), each in the degree of a unit, or in the size of
    two grids when they are recombined. Gives the change of the cost.
    """
    graph, rng = state.graph, tree.rng
    heat, total = hot, 0.0
    cooling = (COLD / hot) ** (1.0 / max(steps, 1))
    for step in range(steps):
        heat *= cooling
        unit = members[draw_below(rng, len(members))]
        first = graph.indptr[unit]
        degree = graph.indptr[unit + 1] - first
        if degree == 0:
            continue
        side = first + draw_below(rng, degree)
        other = graph.neighbour[side]
        one, two = state.labels[unit], state.labels[other]
        if one == two or not graph.usable[side] or not (search.open[one] and search.open[two]):
            continue
        bound = heat * draw_patience(rng)
        if step % RECOMBINE_EVERY > 0:
            total += _try_shift(state, search, unit, other, bound)
        elif _gain_evened(state, one, two) > WORTH * bound:
            total += _try_recombination(state, tree, search, unit, other, bound)
    return total


@routine
def _try_shift(state: State, search: Search, unit: int, other: int, bound: float) -> float:
    """Shift a unit to the grid of its neighbour if that costs at most ``bound`` more.

    A grid never loses its last household, nor its last unit.
    """
    load, new = state.graph.load[unit], state.labels[other]
    if load > 0 and state.load[state.labels[unit]] == load:
        return 0.0
    delta = shift_delta(state, unit, new)
    if delta > bound or not can_leave(state, search, unit):
        return 0.0
    shift_unit(state, unit, new)
    return delta


@routine
def _try_recombination(
    state: State, tree: Tree, search: Search, unit: int, other: int, bound: float
) -> float:
    """Recombine two grids, the more rarely the more often it was in vain.

    Two grids of a tower each could gain much if they could be evened out, and never are.
    """
    one, two = state.labels[unit], state.labels[other]
    waiting = (search.vain[one] + search.vain[two]) // PATIENCE
    if waiting > 0 and draw_below(tree.rng, 1 + waiting) > 0:
        return 0.0
    if draw_below(tree.rng, 100) < GROWN:
        delta = regrow(state, search.growth, unit, other, bound)
    else:
        delta = recombine(state, tree, unit, other, bound)
    if delta != 0.0:
        search.vain[one] = search.vain[two] = 0
    else:
        search.vain[one] += 1
        search.vain[two] += 1
    return delta


@routine
def _gain_evened(state: State, one: int, two: int) -> float:
    """Compute what two grids would gain in balance if they shared load and workload evenly."""
    first, second = state.load[one], state.load[two]
    apart = balance_cost(first, state.weights) + balance_cost(second, state.weights)
    gain = apart - 2.0 * balance_cost(0.5 * (first + second), state.weights)
    if state.weights.work > 0.0:
        one_work, two_work = state.work[one], state.work[two]
        gain += work_cost(one_work, state.weights) + work_cost(two_work, state.weights)
        gain -= 2.0 * work_cost(0.5 * (one_work + two_work), state.weights)
    return gain


@routine
def recombine(state: State, tree: Tree, unit: int, other: int, bound: float) -> float:
    """Join the grids of two neighbours and cut them anew; undo if it costs more than ``bound``.

    Neither side is left without a household. Returns the change of the cost. O(pairs of the two
    grids).
    """
    one, two = state.labels[unit], state.labels[other]
    total = draw_tree(state, tree, unit, two)
    now = cut_between(state, one, two, tree, total)
    now += balance_cost(state.load[one], state.weights)
    now += balance_cost(state.load[two], state.weights)
    now += work_cost(state.work[one], state.weights) + work_cost(state.work[two], state.weights)
    if state.weights.moved > 0:
        now += sum_stays(state, tree, total, one, two)
    limit = now + bound + REUNITED * state.weights.compound
    place, _ = choose_halves(state, tree, total, limit)
    if place == 0:
        return 0.0
    behind = place + tree.size[place]
    below, above = _name_sides(state, tree, place, one, two)
    delta = 0.0
    old = tree.order  # per place from here on: the label to return to
    for index in range(total):
        old[index] = state.labels[tree.unit[index]]
        new = below if place <= index < behind else above
        if new != old[index]:
            delta += shift_delta(state, tree.unit[index], new)
            shift_unit(state, tree.unit[index], new)
    if delta <= bound:
        return delta
    for index in range(total):
        if state.labels[tree.unit[index]] != old[index]:
            shift_unit(state, tree.unit[index], old[index])
    return 0.0


@routine
def _name_sides(state: State, tree: Tree, place: int, one: int, two: int) -> tuple[int, int]:
    """Give the labels of the side below and above, so that least moves from home, or from here.

    O(units below).
    """
    if state.weights.moved > 0:
        stays = moved_below(tree, place, True) <= moved_below(tree, place, False)
        return (one, two) if stays else (two, one)
    below_one, all_one = 0, state.load[one]
    for index in range(place, place + tree.size[place]):
        if state.labels[tree.unit[index]] == one:
            below_one += state.graph.load[tree.unit[index]]
    below_two = tree.load[place] - below_one
    stay = below_one + state.load[two] - below_two
    move = below_two + all_one - below_one
    return (one, two) if stay >= move else (two, one)
