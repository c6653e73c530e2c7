"""Redraw: from a plan that exists back inside the band, moving as few households as possible.

The plan is first made legal: of a grid in pieces only the largest keeps its label, and units
without a grid join a neighbour. Then each connected part is improved from where it stands, at a low
temperature, paying `gridmap.rules.Costs.moved` for each household that leaves its grid. The number
of grids is decided by the same cost among a few proposals: as it is; with grids that are far too
large divided and far too small dissolved; with as many as a drawing from scratch would have.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.partition.improve import WARM, Search, anneal, can_leave, make_search
from gridmap.partition.objective import (
    HOME_GONE,
    NO_HOME,
    State,
    Weights,
    balance_cost,
    make_state,
    part_cost,
    shift_delta,
    shift_unit,
)
from gridmap.partition.problem import (
    Bits,
    Component,
    Graph,
    Ints,
    Positions,
    Problem,
    kernel,
    owners,
    rank_by_appearance,
)
from gridmap.partition.split import (
    Tree,
    choose_cut,
    draw_tree,
    make_tree,
    moved_below,
    sum_stays,
    sum_subtrees,
)

#: Ways to begin at most; those nearest to the number of grids due.
PROPOSALS = 10
#: Trees drawn to divide a grid that is far too large.
TRIES = 8

#: Makes of a state's grid a second, new one.
_Way = Callable[[State, Any, Any], None]


def keep_largest_pieces(problem: Problem, start: Ints) -> Ints:
    """Take their label from all pieces of a grid but the largest: -1 is a unit without a grid.

    A piece is connected over usable pairs; the largest has most households, then most units, then
    the first unit. So a grid never lies in two communities, or in and beside an exclusive zone.
    """
    owner = owners(problem)
    inside = problem.usable & (start[owner] == start[problem.neighbour]) & (start[owner] >= 0)
    joins = coo_array(
        (np.ones(int(inside.sum()), np.int8), (owner[inside], problem.neighbour[inside])),
        (len(problem), len(problem)),
    )
    _, first, piece = np.unique(
        connected_components(joins, directed=False)[1], return_index=True, return_inverse=True
    )
    homes, units = np.bincount(piece, problem.households), np.bincount(piece)
    order = np.lexsort((first, -units, -homes, start[first]))  # the largest of a label comes first
    label = start[first][order]
    largest = np.zeros(len(first), bool)
    largest[order] = np.diff(label, prepend=-2) != 0
    return np.where(largest[piece], start, -1)


def join_to_neighbours(graph: Graph, labels: Positions) -> Positions:
    """Give units without a grid (-1) that of the neighbour with most border, from the edge inwards.

    Where no unit of the connected part has a grid, none gets one.
    """
    labels = labels.copy()
    while True:
        mine, other = labels[graph.owner], labels[graph.neighbour]
        edge = np.flatnonzero(graph.usable & (mine < 0) & (other >= 0))
        if not len(edge):
            return labels
        keys = graph.owner[edge].astype(np.int64) * (int(labels.max()) + 1) + other[edge]
        pairs, place = np.unique(keys, return_inverse=True)
        metres = np.bincount(place, graph.border[edge])
        unit, label = np.divmod(pairs, int(labels.max()) + 1)
        order = np.lexsort((label, -metres, unit))
        best = order[np.diff(unit[order], prepend=-1) != 0]
        labels[unit[best]] = label[best]


def redraw_part(
    component: Component, home: Ints, weights: Weights, words: Bits, steps: int
) -> Positions | None:
    """Improve one connected part from the grids that its units are in.

    Parameters
    ----------
    component : Component
    home : array of int, per unit of the part
        Its grid, by any number 0 or more; -1 for a unit without.
    weights : Weights
    words : uint64 array
        State of the random numbers.
    steps : int
        Moves tried for each proposal.

    Returns
    -------
    int32 array, per unit, or None
        Grid 0 … k-1; None where no unit has a grid to start from, or no way leads from there to
        as many grids as were asked for.
    """
    origin = rank_by_appearance(home)
    if origin.max(initial=-1) < 0:
        return None
    tree, search = make_tree(component.graph, words), make_search(component.graph)
    best, least = None, np.inf
    for labels in _propose(component, origin, weights, tree, search):
        state = _begin(component.graph, labels, origin, weights)
        if len(state.load) > 1:
            anneal(state, tree, search, steps, WARM)
        cost = part_cost(state)
        if cost < least:
            best, least = state.labels, cost
    return best


def _propose(
    component: Component, origin: Positions, weights: Weights, tree: Tree, search: Search
) -> list[Positions]:
    """List ways to begin, each once, the plan as it is first and at most `PROPOSALS`.

    Grids are dissolved, then made, one by one: as long as that gains by balance, and on to the
    number of grids due. Grids keep the number that they have in ``origin``; new ones follow.
    """
    graph, wanted = component.graph, component.grids
    labels = join_to_neighbours(graph, origin)
    drawings = [labels]
    while (fewer := _dissolve(graph, labels, weights, wanted)) is not None:
        drawings.append(labels := fewer)
    ways: tuple[_Way, _Way] = (
        lambda state, grid, new: divide_grid(state, tree, grid, new),
        lambda state, grid, new: seed_grid(state, tree, search, grid, new),
    )
    for make in ways:
        more = labels
        while (larger := _add_grid(graph, more, origin, weights, wanted, make)) is not None:
            drawings.append(more := larger)
    if component.exact:
        drawings = [each for each in drawings if len(np.unique(each)) == wanted]
    kept = drawings[:1]
    for labels in drawings[:-PROPOSALS:-1]:
        if not any(np.array_equal(labels, other) for other in kept):
            kept.append(labels)
    return kept


def _dissolve(graph: Graph, labels: Positions, weights: Weights, wanted: int) -> Positions | None:
    """Share the lightest grid out among its neighbours, if that gains or there are too many."""
    load = np.bincount(labels, graph.load)
    present = np.flatnonzero(np.bincount(labels))
    if len(present) == 1:
        return None
    one = int(present[np.argmin(load[present])])
    mine, other = labels[graph.owner], labels[graph.neighbour]
    beside = other[graph.usable & (mine == one) & (other != one)]
    least = load[beside].min()
    gain = balance_cost(load[one], weights) + balance_cost(least, weights)
    gain -= balance_cost(load[one] + least, weights)
    moved = weights.moved * graph.households[labels == one].sum()
    if len(present) <= wanted and gain <= moved:
        return None
    return join_to_neighbours(graph, np.where(labels == one, -1, labels).astype(np.int32))


def _add_grid(
    graph: Graph,
    labels: Positions,
    origin: Positions,
    weights: Weights,
    wanted: int,
    make: _Way,
) -> Positions | None:
    """Make a grid at the heaviest one, if halving that gains or there are too few grids."""
    load = np.bincount(labels, graph.load)
    lived = np.bincount(labels[graph.load > 0], minlength=len(load))
    grid = int(np.argmax(np.where(lived > 1, load, -1)))
    moved = weights.moved * graph.households[labels == grid].sum() / 2
    gain = balance_cost(load[grid], weights) - 2 * balance_cost(load[grid] / 2, weights)
    few = np.count_nonzero(np.bincount(labels)) < wanted
    if lived[grid] < 2 or not (few or gain > moved):
        return None
    new = max(len(load), int(origin.max()) + 1)
    state = make_state(graph, labels.copy(), new + 1, weights, origin)
    make(state, np.int32(grid), np.int32(new))
    return state.labels


@kernel
def seed_grid(state: State, tree: Tree, search: Search, grid: int, new: int) -> None:
    """Make a grid of one inhabited unit of ``grid`` and let it grow while that lowers the cost.

    The unit is one that touches the heaviest other grids; what grows there takes from several
    grids, so that less moves than if one is halved. Halves it where no unit can leave. O(pairs of
    the part) for each unit that joins.
    """
    seed, most = -1, -1
    for unit in range(len(state.labels)):
        if state.labels[unit] == grid and state.graph.load[unit] > 0:
            around = _sum_around(state, unit)
            if around > most and can_leave(state, search, unit):
                seed, most = unit, around
    if seed < 0:
        divide_grid(state, tree, grid, new)
        return
    shift_unit(state, seed, new)
    while True:
        unit = _find_best_joiner(state, search, new)
        if unit < 0:
            return
        shift_unit(state, unit, new)


@kernel
def _sum_around(state: State, unit: int) -> int:
    """Add up the loads of the grids that a unit touches, each as often as it does."""
    graph, around = state.graph, 0
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        if graph.usable[side] and state.labels[graph.neighbour[side]] != state.labels[unit]:
            around += state.load[state.labels[graph.neighbour[side]]]
    return around


@kernel
def _find_best_joiner(state: State, search: Search, new: int) -> int:
    """Find the unit beside grid ``new`` that lowers the cost most by joining it, or -1."""
    graph, best, least = state.graph, -1, 0.0
    for side in range(len(graph.neighbour)):
        unit = graph.owner[side]
        old, load = state.labels[unit], graph.load[unit]
        if not graph.usable[side] or old == new or state.labels[graph.neighbour[side]] != new:
            continue
        if load > 0 and state.load[old] == load:
            continue
        delta = shift_delta(state, unit, new)
        if delta < least and can_leave(state, search, unit):
            best, least = unit, delta
    return best


@kernel
def divide_grid(state: State, tree: Tree, grid: int, new: int) -> None:
    """Cut a grid in two at the best of `TRIES` trees; the side that moves less is ``new``.

    The grid must have two inhabited units. The best tree is drawn a second time, from the same
    random numbers. O(pairs of the grid).
    """
    root, least, best = 0, np.inf, tree.rng[0]
    while state.labels[root] != grid:
        root += 1
    for _ in range(TRIES):
        words = tree.rng[0]
        cost = _draw_cut(state, tree, root, grid, new)[1]
        if cost < least:
            least, best = cost, words
    words = tree.rng[0]
    tree.rng[0] = best
    place = _draw_cut(state, tree, root, grid, new)[0]
    tree.rng[0] = words
    below = moved_below(tree, place, True) > moved_below(tree, place, False)
    for index in range(state.size[grid]):
        if (place <= index < place + tree.size[place]) == below:
            shift_unit(state, tree.unit[index], new)


@kernel
def _draw_cut(state: State, tree: Tree, root: int, grid: int, new: int) -> tuple[int, float]:
    total = draw_tree(state, tree, root, grid)
    sum_subtrees(state, tree, total)
    sum_stays(state, tree, total, grid, new)
    place, _, cost = choose_cut(tree, total, 2, state.weights)
    return place, cost


def _begin(graph: Graph, labels: Positions, origin: Positions, weights: Weights) -> State:
    """Count a labelled part whose grids have any numbers, and say where its units come from."""
    grids, places = np.unique(labels, return_inverse=True)
    number = np.full(max(int(origin.max()), int(labels.max())) + 2, HOME_GONE, np.int32)
    number[grids] = np.arange(len(grids))
    home = np.where(origin < 0, NO_HOME, number[origin]).astype(np.int32)
    return make_state(graph, places.astype(np.int32), len(grids), weights, home)
