"""Redraw: from a plan that exists back inside the band, moving as few households as possible.

The plan is first made legal: of a grid in pieces only the largest keeps its label, and units
without a grid join a neighbour. Then each connected part is annealed many times from where it
stands, paying `gridmap.rules.Costs.moved` for each household that leaves its grid, and the cheapest
plan is kept. The number of grids is decided by the same cost among a few proposals: as it is; with
grids that are far too large divided and far too small dissolved; with as many as a drawing from
scratch would have. Many short searches from different proposals find more than a few long ones:
which grid ends and where a new one begins matters most. What can gain next to nothing is left out
(`gridmap.partition.floor`): a plan that is even stays as it is, unit for unit. Of the best plan two
and three neighbouring grids are cut anew in the best way there is. In the end grids that changed a
little are held as they were, one by one, where the rest can do without them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy

from gridmap.partition.floor import balance_and_moves, bound_redraw
from gridmap.partition.improve import HOT, Search, anneal_part, can_leave, make_search
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
from gridmap.partition.polish import MOST_GRIDS
from gridmap.partition.problem import (
    Bits,
    Component,
    Flags,
    Graph,
    Ints,
    Positions,
    Problem,
    kernel,
    owners,
    rank_by_appearance,
    routine,
)
from gridmap.partition.prove.resplit import recut
from gridmap.partition.split import (
    Tree,
    choose_cut,
    draw_share,
    draw_tree,
    make_tree,
    moved_below,
    sum_stays,
    sum_subtrees,
)

#: Ways to begin at most; those nearest to the number of grids due.
PROPOSALS = 10
#: Times that proposals are made and annealed, each with so many times fewer moves than are given.
ROUNDS, SHORT = 10, 3
#: Rounds at least, and units searched in the others: a large part gets fewer, each the longer.
LEAST, REACH = 2, 4_000
#: Sets of units that may be tried per move to cut grids anew, and the share of one group of grids.
RECUT, GROUP = 10, 20
#: Where a grid is dissolved or made after the first time: the best place by a measure that is
#: stretched at random by up to this share.
SPREAD = 1.0
#: A proposal whose bound is less than this below the best plan is not worth a search: as much as a
#: grid that is 8 % off its target.
EVEN = 0.006
#: A redraw is to end inside the band: a household beyond it weighs so many times what it does in a
#: drawing, or many a grid would be left just outside because moving has a price.
FIRM = 1000.0
#: Cost of a grid that is not unit for unit as before: a new map, new neighbours to tell.
CHANGED = 0.01
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
    joins = scipy.sparse.coo_array(
        (np.ones(int(inside.sum()), np.int8), (owner[inside], problem.neighbour[inside])),
        (len(problem), len(problem)),
    )
    _, first, piece = np.unique(
        scipy.sparse.csgraph.connected_components(joins, directed=False)[1],
        return_index=True,
        return_inverse=True,
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
        Moves; each proposal gets a fraction of them (`SHORT`).

    Returns
    -------
    int32 array, per unit, or None
        Grid 0 … k-1; None where no unit has a grid to start from, or no way leads from there to
        as many grids as were asked for.
    """
    origin = rank_by_appearance(home)
    if origin.max(initial=-1) < 0:
        return None
    graph, firm = component.graph, weights._replace(outside=FIRM * weights.outside)
    tree, search = make_tree(graph, words), make_search(graph, words)
    rng = np.random.default_rng(words)
    begun = join_to_neighbours(graph, origin)
    best = _begin(graph, begun, origin, firm)
    fits = not component.exact or len(best.load) == component.grids
    rounds = min(ROUNDS, LEAST + REACH // len(origin))
    for turn in range(rounds):
        makers, tried = _Makers(tree, search, rng, SPREAD if turn > 0 else 0.0), False
        for labels, bound in _rank(component, origin, firm, makers):
            if not fits or balance_and_moves(best) - bound > EVEN:
                state, tried = _begin(graph, labels, origin, firm), True
                anneal_part(state, tree, search, steps // min(SHORT, rounds), HOT)
                if not fits or _redraw_cost(state) < _redraw_cost(best):
                    best, begun, fits = state, labels, True
        if not tried:
            break
    if not fits:
        return None
    return hold_grids(cut_anew(best, steps), begun, tree, search, steps).labels


def cut_anew(best: State, steps: int) -> State:
    """Cut two and three neighbouring grids in the best way there is, where that is cheaper.

    Not where nothing changed, where there are very many grids, or two quantities to balance:
    `recut` knows one.
    """
    grids = len(best.load)
    if grids > MOST_GRIDS or best.weights.work > 0.0 or not find_changed(best).any():
        return best
    state, _ = recut(
        *(best.graph, best.labels, grids, best.weights),
        *(RECUT * steps, RECUT * steps // GROUP),
        home=best.home,
    )
    return min(best, state, key=_redraw_cost)


def _redraw_cost(state: State) -> float:
    """Compute the cost of a redraw, with what it takes to tell people of another grid."""
    return float(part_cost(state)) + CHANGED * np.count_nonzero(find_changed(state))


def find_changed(state: State) -> Flags:
    """Flag the grids that are not unit for unit as before; the last flag is for those gone."""
    moved = (state.home != NO_HOME) & (state.home != state.labels)
    changed = np.zeros(len(state.load) + 1, bool)
    changed[state.labels[moved]] = True
    changed[np.where(state.home == HOME_GONE, -1, state.home)[moved]] = True
    return changed


def hold_grids(best: State, begun: Positions, tree: Tree, search: Search, steps: int) -> State:
    """Redraw again while one more grid stays as it was, as long as that is cheaper.

    Grids that changed are tried one by one, those first that exchanged least. Each time the grids
    that exchanged units with it, or with one that did, begin once more from ``begun``; all others
    stay as they are.
    """
    graph, grids = best.graph, len(best.load)
    begun = np.unique(begun, return_inverse=True)[1].astype(np.int32)
    strange = find_changed(best._replace(labels=begun))
    for grid in _sort_exchanged(best):
        free = _find_partners(begun, best.labels, grid)
        free[grid] = False
        if not strange[grid] and free.any():
            labels = np.where(free[begun] | (begun == grid), begun, best.labels)
            mine, other = labels[graph.owner], labels[graph.neighbour]
            usable = graph.usable & ((mine == other) | (free[mine] & free[other]))
            still = graph._replace(usable=usable)
            state = make_state(still, labels, grids, best.weights, best.home)
            anneal_part(state, tree, search, steps, HOT)
            best = min(best, state, key=_redraw_cost)
    return best._replace(graph=graph)


def _find_partners(begun: Positions, labels: Positions, grid: int) -> Flags:
    """Flag the grids that hold the same units in two drawings together, with one of them."""
    found = np.arange(int(begun.max()) + 1) == grid
    while True:
        units = found[begun] | found[labels]
        size = np.count_nonzero(found)
        found[begun[units]] = found[labels[units]] = True
        if np.count_nonzero(found) == size:
            return found


def _sort_exchanged(state: State) -> Ints:
    """List the grids that changed, those first that lost and gained least."""
    moved = (state.home != NO_HOME) & (state.home != state.labels)
    worth = np.bincount(state.labels[moved], state.graph.households[moved], len(state.load))
    known = moved & (state.home >= 0)
    worth += np.bincount(state.home[known], state.graph.households[known], len(state.load))
    changed = np.flatnonzero(find_changed(state)[:-1])
    return changed[np.argsort(worth[changed], kind="stable")]


class _Makers(NamedTuple):
    """What it takes to propose other numbers of grids."""

    tree: Tree
    search: Search
    rng: np.random.Generator
    spread: float  #: by how much the lightest, heaviest and best may be missed, 0 for not at all

    def vary(self, values: Any) -> Any:
        """Multiply values by 1 to 1 + spread."""
        return values * (1.0 + self.spread * self.rng.random(len(values)))

    def divide(self, state: State, grid: Any, new: Any) -> None:
        divide_grid(state, self.tree, grid, new)

    def seed(self, state: State, grid: Any, new: Any) -> None:
        seed_grid(state, self.tree, self.search, grid, new, self.spread)


def _rank(
    component: Component, origin: Positions, weights: Weights, makers: _Makers
) -> list[tuple[Positions, float]]:
    """List the proposals and what each costs at least, the most promising first."""
    graph = component.graph
    ranked = [
        (labels, bound_redraw(graph, labels, origin, weights))
        for labels in _propose(component, origin, weights, makers)
    ]
    return sorted(ranked, key=lambda each: each[1])


def _propose(
    component: Component, origin: Positions, weights: Weights, makers: _Makers
) -> list[Positions]:
    """List ways to begin, each once, the plan as it is first and at most `PROPOSALS`.

    Grids are dissolved, then made, one by one: as long as that gains by balance, and on to the
    number of grids due. Grids keep the number that they have in ``origin``; new ones follow.
    """
    graph, wanted = component.graph, component.grids
    labels = join_to_neighbours(graph, origin)
    drawings = [labels]
    while (fewer := _dissolve(graph, labels, weights, wanted, makers)) is not None:
        drawings.append(labels := fewer)
    for make in (makers.divide, makers.seed):
        more = labels
        while (larger := _add_grid(graph, more, origin, weights, wanted, makers, make)) is not None:
            drawings.append(more := larger)
    if component.exact:
        drawings = [each for each in drawings if len(np.unique(each)) == wanted]
    kept = drawings[:1]
    for labels in drawings[:-PROPOSALS:-1]:
        if not any(np.array_equal(labels, other) for other in kept):
            kept.append(labels)
    return kept


def _dissolve(
    graph: Graph, labels: Positions, weights: Weights, wanted: int, makers: _Makers
) -> Positions | None:
    """Share the lightest grid out among its neighbours, if that gains or there are too many."""
    load = np.bincount(labels, graph.load)
    present = np.flatnonzero(np.bincount(labels))
    if len(present) == 1:
        return None
    one = int(present[np.argmin(makers.vary(load[present]))])
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
    makers: _Makers,
    make: _Way,
) -> Positions | None:
    """Make a grid at the heaviest one, if halving that gains or there are too few grids."""
    load = np.bincount(labels, graph.load)
    lived = np.bincount(labels[graph.load > 0], minlength=len(load))
    grid = int(np.argmax(np.where(lived > 1, makers.vary(load), -1)))
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
def seed_grid(state: State, tree: Tree, search: Search, grid: int, new: int, spread: float) -> None:
    """Make a grid of one inhabited unit of ``grid`` and let it grow while that lowers the cost.

    The unit is one that touches the heaviest other grids, up to a share of ``spread`` that is
    drawn; what grows there takes from several
    grids, so that less moves than if one is halved. Halves it where no unit can leave. O(pairs of
    the part) for each unit that joins.
    """
    seed, most = -1, -1.0
    for unit in range(len(state.labels)):
        if state.labels[unit] == grid and state.graph.load[unit] > 0:
            around = _sum_around(state, unit) * (1.0 + spread * draw_share(tree.rng))
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


@routine
def _sum_around(state: State, unit: int) -> int:
    """Add up the loads of the grids that a unit touches, each as often as it does.

    O(degree of the unit).
    """
    graph, around = state.graph, 0
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        if graph.usable[side] and state.labels[graph.neighbour[side]] != state.labels[unit]:
            around += state.load[state.labels[graph.neighbour[side]]]
    return around


@routine
def _find_best_joiner(state: State, search: Search, new: int) -> int:
    """Find the unit beside grid ``new`` that lowers the cost most by joining it, or -1.

    O(pairs of the part) beside the checks.
    """
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


@routine
def _draw_cut(state: State, tree: Tree, root: int, grid: int, new: int) -> tuple[int, float]:
    """Draw a tree of a grid, and find the place of its best cut in two and what that costs.

    O(pairs of the grid).
    """
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
