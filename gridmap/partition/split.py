"""Recursive spanning-tree split: contiguous by construction, balanced by the choice of the cut.

A random spanning tree of a piece is drawn that prefers to stay inside compounds and blocks and
crosses main roads last. Cutting one tree edge leaves two connected sides, so every tree edge is a
candidate; the households and the exact cost of all of these cuts come from one pass. The best cut
is made and both sides are split again. Cutting trees for balanced pieces: DeFord, Duchin, Solomon,
"Recombination: a family of Markov chains for redistricting" (2019, arXiv:1911.05725).
"""

from typing import Any, NamedTuple

import numpy as np

from gridmap.partition.objective import (
    State,
    Weights,
    balance_cost,
    moving_cost,
    shift_delta,
    shift_unit,
    work_cost,
)
from gridmap.partition.problem import (
    Bits,
    Codes,
    Floats,
    Graph,
    Ints,
    Positions,
    kernel,
    routine,
)
from gridmap.tables import CROSSINGS

#: How reluctantly a tree takes a pair: 0 one compound or block, 1 no barrier, then by barrier.
LEVELS = len(CROSSINGS) + 1
#: Lots of which one is drawn for each side; the first `LEVELS` are a random level, so that no cut
#: is out of reach.
LOTS = 32

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)
_SHIFT_11, _SHIFT_33 = np.uint64(11), np.uint64(33)
_LOT, _ONE = np.uint64(LOTS - 1), np.uint64(1)
_SHIFT_5, _SHIFT_59 = np.uint64(5), np.uint64(59)


@routine
def draw_bits(rng: Bits) -> Any:
    """Draw 64 random bits: SplitMix64 (Steele, Lea, Flood 2014); ``rng`` is its one-word state."""
    rng[0] += _GOLDEN
    bits = rng[0]
    bits = (bits ^ (bits >> _SHIFT_30)) * _MIX_1
    bits = (bits ^ (bits >> _SHIFT_27)) * _MIX_2
    return bits ^ (bits >> _SHIFT_31)


@kernel
def draw_below(rng: Bits, size: int) -> Any:
    """Draw a whole number 0 … size-1, size < 2³¹."""
    return (np.int64(draw_bits(rng) >> _SHIFT_33) * size) >> 31


@routine
def draw_share(rng: Bits) -> Any:
    """Draw a float in [0, 1)."""
    return np.int64(draw_bits(rng) >> _SHIFT_11) * (1.0 / 9007199254740992.0)


class Tree(NamedTuple):
    """Room for one spanning tree of a piece; made once per part, used for every tree.

    Arrays per place are indexed by the place in the tree's preorder, so that the subtree of a place
    is ``place … place + size[place] - 1``.
    """

    rng: Bits  #: state of the random numbers
    level: Codes  #: per pair and side, how reluctantly the tree takes it
    drawn: Ints  #: [0] twice the number of trees drawn so far
    seen: Positions  #: per unit, ``drawn`` of the last tree that it was in, one less if it waited
    rank: Codes  #: per unit, the level that it waits at
    parent: Positions  #: per unit
    order: Positions  #: units as they joined the tree
    below: Positions  #: per unit, units below and including it
    place: Positions  #: per unit, its place
    unit: Positions  #: per place, the unit
    up: Positions  #: per place, the parent's place
    size: Positions  #: per place, units below and including it
    lived: Positions  #: per place, units with households below
    jump: Positions  #: per place, a shortcut towards the root
    load: Ints  #: per place, grains below
    work: Ints  #: per place, grains of workload below
    stay: Floats  #: per place, what moving all below costs if they leave one grid, less the other
    home: Floats  #: [2] what it costs if all with a home in one grid, in the other, leave it
    cut: Floats  #: per place, cost of cutting it from its parent, beside balance
    bucket: Positions  #: (LEVELS, sides) units that wait at each level, some more than once
    waiting: Ints  #: per level, how many


def make_tree(graph: Graph, rng: Bits) -> Tree:
    """Make room for trees of the pieces of one part, drawn with ``rng``."""
    units, sides = len(graph.households), len(graph.neighbour)
    places = np.zeros((9, units), np.int32)
    return Tree(
        rng=rng,
        level=_rank_sides(graph),
        drawn=np.zeros(1, np.int64),
        seen=places[0],
        rank=np.zeros(units, np.int8),
        parent=places[1],
        order=places[2],
        below=places[3],
        place=places[4],
        unit=places[5],
        up=places[6],
        size=places[7],
        lived=places[8],
        jump=np.zeros(units, np.int32),
        load=np.zeros(units, np.int64),
        work=np.zeros(units, np.int64),
        stay=np.zeros(units, np.float64),
        home=np.zeros(2, np.float64),
        cut=np.zeros(units, np.float64),
        bucket=np.zeros((LEVELS, sides), np.int32),
        waiting=np.zeros(LEVELS, np.int64),
    )


def _rank_sides(graph: Graph) -> Codes:
    mine, other = graph.owner, graph.neighbour
    estate = (graph.compound[mine] == graph.compound[other]) & (graph.compound[mine] >= 0)
    close = (graph.barrier == 0) & (estate | (graph.block[mine] == graph.block[other]))
    return np.where(close, 0, graph.barrier + 1).astype(np.int8)


class Pieces(NamedTuple):
    """Room for the pieces of a split; a piece is known by its first grid."""

    members: Positions  #: units, those of a piece together
    start: Ints  #: per piece, where its units start in ``members``
    stop: Ints
    grids: Ints  #: per piece, how many grids it is to become; 0 for no piece yet
    names: Positions  #: per piece, the label of its first grid
    kept: Positions  #: units of a neighbourhood
    before: Positions  #: the label of each


def make_pieces(graph: Graph, grids: int) -> Pieces:
    """Make room for the pieces of a part that becomes so many grids."""
    units = np.zeros((3, len(graph.households)), np.int32)
    start, stop, wanted = (np.zeros(grids, np.int64) for _ in range(3))
    names = np.zeros(grids, np.int32)
    return Pieces(units[0], start, stop, wanted, names, units[1], units[2])


@routine
def draw_tree(state: State, tree: Tree, root: int, also: int) -> int:
    """Draw a spanning tree of the grid of ``root``, joined with grid ``also``, and number it.

    If the two are not connected it is that of the piece of ``root``. Prim's algorithm: a unit waits
    at the lowest level of the sides that lead to it, and the next is drawn among those at the
    lowest level of all; a side gets a random level with probability `LEVELS` / `LOTS`. O(pairs of
    the piece). Returns the units in the tree.
    """
    tree.drawn[0] += 2
    taken, grid = tree.drawn[0], state.labels[root]
    wanted = state.size[grid] + (state.size[also] if also != grid else 0)
    tree.waiting[:] = 0
    tree.parent[root] = root
    unit = root
    for total in range(1, wanted + 1):
        tree.seen[unit] = taken
        tree.order[total - 1] = unit
        if total == wanted:
            break
        _let_wait(state, tree, unit, grid, also)
        unit = _take_unit(tree)
        if unit < 0:
            wanted = total
            break
    _number_places(tree, wanted)
    return wanted


@routine
def _let_wait(state: State, tree: Tree, unit: int, grid: int, also: int) -> None:
    """Let the units beside one that was taken wait at the level of the side, if it is lower.

    O(degree of the unit).
    """
    graph = state.graph
    waits, taken = tree.drawn[0] - 1, tree.drawn[0]
    bits = draw_bits(tree.rng)
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        other = graph.neighbour[side]
        known = tree.seen[other]
        if known == taken or not graph.usable[side]:
            continue
        if known != waits and state.labels[other] not in (grid, also):
            continue
        level = np.int64(bits & _LOT)
        bits = (bits >> _SHIFT_5) | (bits << _SHIFT_59)
        if level >= LEVELS:
            level = np.int64(tree.level[side])
        if known != waits or level < tree.rank[other]:
            tree.seen[other], tree.rank[other] = waits, level
            tree.parent[other] = unit
            tree.bucket[level, tree.waiting[level]] = other
            tree.waiting[level] += 1
        elif level == tree.rank[other] and bits & _ONE:
            tree.parent[other] = unit


@routine
def _take_unit(tree: Tree) -> int:
    """Take a random unit of the lowest level that is not in the tree yet; -1 if none waits.

    O(`LEVELS`), over all units of a tree O(pairs).
    """
    taken = tree.drawn[0]
    for level in range(LEVELS):
        while tree.waiting[level] > 0:
            pick = draw_below(tree.rng, tree.waiting[level])
            unit = tree.bucket[level, pick]
            tree.waiting[level] -= 1
            tree.bucket[level, pick] = tree.bucket[level, tree.waiting[level]]
            if tree.seen[unit] != taken:
                return int(unit)
    return -1


@routine
def _number_places(tree: Tree, total: int) -> None:
    """Give every unit its place in preorder, without recursion: sizes first, then places.

    O(units of the tree).
    """
    for step in range(total):
        tree.below[tree.order[step]] = 1
    for step in range(total - 1, 0, -1):
        unit = tree.order[step]
        tree.below[tree.parent[unit]] += tree.below[unit]
    free = tree.jump  # per unit here: the place of its next child
    for step in range(total):
        unit = tree.order[step]
        parent = tree.parent[unit]
        place = free[parent] if step > 0 else 0
        free[parent] = place + tree.below[unit]
        free[unit] = place + 1
        tree.place[unit] = place
        tree.unit[place] = unit
        tree.up[place] = tree.place[parent]
        tree.size[place] = tree.below[unit]


@routine
def sum_subtrees(state: State, tree: Tree, total: int) -> float:
    """Fill loads, inhabited units and the exact cost of cutting, for every place.

    A pair inside the piece is cut by the tree edges on the path between its ends: its cost is added
    at both ends and taken off twice at their lowest common ancestor, then summed up the tree.
    Ancestors are found as in Tarjan (1979), with path halving: places are walked backwards, so the
    first ancestor that is not behind the walk is the common one. Near linear in the pairs. Returns
    what the borders between grids inside the piece cost as they are.
    """
    graph, now = state.graph, 0.0
    for place in range(total):
        load = graph.load[tree.unit[place]]
        tree.load[place] = load
        tree.work[place] = graph.work[tree.unit[place]]
        tree.lived[place] = 1 if load > 0 else 0
        tree.cut[place] = 0.0
        tree.jump[place] = tree.up[place]
    for place in range(total - 1, -1, -1):
        unit = tree.unit[place]
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            far = tree.place[other]
            if tree.seen[other] == tree.drawn[0] and far > place:
                cost = -state.inside[side]
                tree.cut[far] += cost
                tree.cut[place] += cost
                tree.cut[_find_ancestor(tree, far, place)] -= 2.0 * cost
                if state.labels[unit] != state.labels[other]:
                    now += cost
    for place in range(total - 1, 0, -1):
        up = tree.up[place]
        tree.load[up] += tree.load[place]
        tree.work[up] += tree.work[place]
        tree.lived[up] += tree.lived[place]
        tree.cut[up] += tree.cut[place]
    return now


@routine
def sum_stays(state: State, tree: Tree, total: int, one: int, two: int) -> float:
    """Fill what it costs to move the units below each place from their homes in two grids.

    Returns what units with a home in either cost by being in the other now. O(units).
    """
    now = 0.0
    tree.home[:] = 0.0
    for place in range(total):
        unit = tree.unit[place]
        home = state.home[unit]
        tree.stay[place] = 0.0
        if home in (one, two):
            cost = moving_cost(state, unit)
            tree.stay[place] = cost if home == one else -cost
            tree.home[0 if home == one else 1] += cost
            if state.labels[unit] != home:
                now += cost
    for place in range(total - 1, 0, -1):
        tree.stay[tree.up[place]] += tree.stay[place]
    return now


@routine
def moved_below(tree: Tree, place: int, first: bool) -> float:
    """Compute what moves if the units below a place become the first grid, or the second."""
    return tree.home[0] - tree.stay[place] if first else tree.home[1] + tree.stay[place]


@routine
def _find_ancestor(tree: Tree, far: int, place: int) -> int:
    """Find the first ancestor of ``far`` at or before ``place``, with path halving.

    See `sum_subtrees`, which walks places backwards. Near constant, over many calls.
    """
    while far > place:
        up = tree.jump[far]
        if up > place:
            tree.jump[far] = tree.jump[up]
        far = up
    return far


@routine
def choose_cut(tree: Tree, total: int, grids: int, weights: Weights) -> tuple[int, int, float]:
    """Find the best tree edge to cut a piece of ``grids`` grids in two.

    The side below an edge may get any number of grids for which both sides keep at least one
    inhabited unit per grid. Cost: balance if both sides were divided evenly, plus the cut, plus
    what moves (nothing unless `sum_stays` ran). Returns the place below the edge, the grids it gets
    and the cost; place 0 if there is no cut. O(units).
    """
    best, below, least = 0, 0, np.inf
    all_load, all_lived = tree.load[0], tree.lived[0]
    for place in range(1, total):
        load, lived = tree.load[place], tree.lived[place]
        low = max(1, grids - (all_lived - lived))
        high = min(grids - 1, lived)
        if low > high or tree.cut[place] >= least:  # balance can only add to the cut
            continue
        fixed = tree.cut[place] + min(
            moved_below(tree, place, True), moved_below(tree, place, False)
        )
        floor = load * grids // all_load
        for part in range(min(max(floor, low), high), min(max(floor + 1, low), high) + 1):
            rest = grids - part
            cost = part * balance_cost(load / part, weights) + fixed
            cost += rest * balance_cost((all_load - load) / rest, weights)
            if weights.work > 0.0:
                work = tree.work[place]
                cost += part * work_cost(work / part, weights)
                cost += rest * work_cost((tree.work[0] - work) / rest, weights)
            if cost < least:
                best, below, least = place, part, cost
    return best, below, least


@kernel
def split_part(state: State, tree: Tree, room: Pieces, tries: int) -> None:
    """Divide a connected part, all of it in grid 0, into as many grids as there is room for.

    See `split_pieces`.
    """
    for unit in range(len(room.members)):
        room.members[unit] = unit
    for piece in range(len(room.grids)):
        room.names[piece] = piece
    room.start[0], room.stop[0], room.grids[0] = 0, len(room.members), len(room.grids)
    split_pieces(state, tree, room, len(room.grids), tries)


@routine
def split_pieces(state: State, tree: Tree, room: Pieces, grids: int, tries: int) -> float:
    """Divide piece 0 into so many grids, and give the change of the cost.

    It must be connected and have at least as many inhabited units. Each piece is cut in two at the
    best of ``tries`` random trees until every piece is one grid. O(tries · pairs · log grids) when
    cuts are even.
    """
    delta = 0.0
    for piece in range(grids):  # a cut makes a piece of higher number, split later
        while room.grids[piece] > 1:
            members = room.members[room.start[piece] : room.stop[piece]]
            middle, below = _cut_piece(state, tree, members, room.grids[piece], tries)
            new = piece + room.grids[piece] - below
            room.start[new], room.stop[new] = room.start[piece] + middle, room.stop[piece]
            room.stop[piece] = room.start[new]
            room.grids[piece], room.grids[new] = room.grids[piece] - below, below
            for unit in members[middle:]:
                delta += shift_delta(state, unit, room.names[new])
                shift_unit(state, unit, room.names[new])
    return delta


@routine
def _cut_piece(
    state: State, tree: Tree, members: Positions, grids: int, tries: int
) -> tuple[int, int]:
    """Cut the best of some trees; put the units below last. Returns where they start, and grids.

    O(tries · pairs of the piece).
    """
    middle, below, least = 0, 0, np.inf
    for _ in range(tries):
        root = members[draw_below(tree.rng, len(members))]
        total = draw_tree(state, tree, root, state.labels[root])
        sum_subtrees(state, tree, total)
        place, part, cost = choose_cut(tree, total, grids, state.weights)
        if cost < least:
            middle, below, least = total - tree.size[place], part, cost
            _list_sides(tree, total, place, members)
    return middle, below


@routine
def _list_sides(tree: Tree, total: int, place: int, members: Positions) -> None:
    """List the units of a tree, those below the cut last. O(units of the tree)."""
    size = tree.size[place]
    for index in range(total):
        if index < place:
            members[index] = tree.unit[index]
        elif index < place + size:
            members[index + total - size - place] = tree.unit[index]
        else:
            members[index - size] = tree.unit[index]


@routine
def cut_between(state: State, one: int, two: int, tree: Tree, total: int) -> float:
    """Compute what the border between two grids costs, both in one tree. O(pairs of a grid)."""
    graph, cost = state.graph, 0.0
    for place in range(total):
        unit = tree.unit[place]
        if state.labels[unit] == one:
            for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
                if state.labels[graph.neighbour[side]] == two:
                    cost -= state.inside[side]
    return cost


@routine
def cut_subtree(state: State, tree: Tree, total: int, place: int) -> float:
    """Compute what cutting off the units below a place costs. O(pairs of the smaller side)."""
    behind = place + tree.size[place]
    if 2 * tree.size[place] <= total:
        return _cut_places(state, tree, place, behind, place, behind)
    above = _cut_places(state, tree, 0, place, place, behind)
    return above + _cut_places(state, tree, behind, total, place, behind)


@routine
def _cut_places(state: State, tree: Tree, first: int, last: int, place: int, behind: int) -> float:
    """Sum the cost of sides from places ``first … last`` that one end of lies below the cut.

    O(pairs of the places).
    """
    graph, cost = state.graph, 0.0
    inside = place <= first < behind
    for index in range(first, last):
        unit = tree.unit[index]
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            if (
                tree.seen[other] == tree.drawn[0]
                and (place <= tree.place[other] < behind) != inside
            ):
                cost -= state.inside[side]
    return cost


@routine
def choose_halves(state: State, tree: Tree, total: int, limit: float) -> tuple[int, float]:
    """Find the best tree edge to divide two grids anew, if it costs less than ``limit``.

    Only edges whose balance alone is below that are measured: a handful. (A border that costs less
    than nothing, along a barrier, is found only if it is not needed to make up for imbalance.)
    Returns the place below the edge and the cost; place 0 if there is none. O(units), and the
    pairs of one side for each edge measured.
    """
    weights, best = state.weights, 0
    for place in range(total):
        tree.load[place] = state.graph.load[tree.unit[place]]
        tree.work[place] = state.graph.work[tree.unit[place]]
    for place in range(total - 1, 0, -1):
        tree.load[tree.up[place]] += tree.load[place]
        tree.work[tree.up[place]] += tree.work[place]
    all_load = tree.load[0]
    for place in range(1, total):
        load = tree.load[place]
        if load in (0, all_load):
            continue
        cost = balance_cost(load, weights) + balance_cost(all_load - load, weights)
        if weights.work > 0.0:
            work = tree.work[place]
            cost += work_cost(work, weights) + work_cost(tree.work[0] - work, weights)
        if weights.moved > 0:
            cost += min(moved_below(tree, place, True), moved_below(tree, place, False))
        if cost < limit:
            cost += cut_subtree(state, tree, total, place)
            if cost < limit:
                best, limit = place, cost
    return best, limit
