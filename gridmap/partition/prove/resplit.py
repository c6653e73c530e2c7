"""Cut two or three neighbouring grids anew in the best way there is, by the whole objective.

Every way to cut a group is tried that can cost less, or until so many steps are spent: a step is
one connected set of units.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gridmap.partition.objective import State, Weights, balance_cost, make_state
from gridmap.partition.problem import Flags, Graph, Ints, Positions, kernel, routine
from gridmap.partition.prove.group import (
    DEEP,
    Group,
    cost_cut,
    cost_group,
    cost_spread,
    fill_atoms,
    fill_compounds,
    gather_group,
    in_group,
    make_group,
    name_sets,
    take_best,
)
from gridmap.partition.prove.region import NONE, ONE, Word, bit_of, first_bit

#: Cheaper by less is not cheaper.
TINY = 1e-9


class Memory(NamedTuple):
    """Which groups were tried, and since when nothing in them changed."""

    touch: Flags  #: (grids, grids)
    changes: Ints  #: per grid, how often it was cut anew
    pairs: Ints  #: (grids, grids) changes of both when they were tried last
    triples: Ints  #: (grids, grids, grids)


def make_memory(grids: int) -> Memory:
    """Remember nothing."""
    return Memory(
        np.zeros((grids, grids), bool),
        np.ones(grids, np.int64),
        np.zeros((grids, grids), np.int64),
        np.zeros((grids, grids, grids), np.int64),
    )


@kernel
def resplit_part(
    state: State, group: Group, memory: Memory, steps: int, share: int, allowed: float
) -> int:
    """Cut pairs of grids, then triples, anew until none gets cheaper; give the steps.

    No group takes more than ``share`` steps, and the balance of the part never rises above
    ``allowed``. O(steps · degree) and, a round, O(pairs + grids³).
    """
    used, grids = 0, len(state.load)
    changed = True
    while changed and used < steps:
        changed = False
        _note_touching(state, memory)
        for one in range(grids):
            for two in range(one + 1, grids):
                if used < steps and memory.touch[one, two]:
                    spent = _try_group(state, group, memory, one, two, -1, share, allowed)
                    changed |= spent < 0
                    used += abs(spent)
        if not changed:
            spent = _resplit_triple(state, group, memory, steps - used, share, allowed)
            changed = spent < 0
            used += abs(spent)
    return used


@routine
def _note_touching(state: State, memory: Memory) -> None:
    """Note which grids touch over a usable pair. O(pairs + grids²)."""
    graph = state.graph
    memory.touch[:, :] = False
    for side in range(len(graph.neighbour)):
        if graph.usable[side]:
            one, two = state.labels[graph.owner[side]], state.labels[graph.neighbour[side]]
            memory.touch[one, two] = True


@routine
def _resplit_triple(
    state: State, group: Group, memory: Memory, steps: int, share: int, allowed: float
) -> int:
    """Try triples that hang together until one is cut anew; give the steps, negative if one was.

    O(grids³) beside the steps.
    """
    used, grids, touch = 0, len(state.load), memory.touch
    for one in range(grids):
        for two in range(one + 1, grids):
            for three in range(two + 1, grids):
                links = int(touch[one, two]) + int(touch[one, three]) + int(touch[two, three])
                if links < 2 or used >= steps:
                    continue
                spent = _try_group(state, group, memory, one, two, three, share, allowed)
                used += abs(spent)
                if spent < 0:
                    return -used
    return used


@routine
def _try_group(
    state: State,
    group: Group,
    memory: Memory,
    one: int,
    two: int,
    three: int,
    share: int,
    allowed: float,
) -> int:
    """Cut a group anew unless it was tried as it is; give the steps, negative if it changed."""
    changes = memory.changes
    now = changes[one] + changes[two] + (changes[three] if three >= 0 else 0)
    before = memory.triples[one, two, three] if three >= 0 else memory.pairs[one, two]
    if before == now:
        return 0
    if three >= 0:
        memory.triples[one, two, three] = now
    else:
        memory.pairs[one, two] = now
    group.grids[0], group.grids[1], group.grids[2] = one, two, three
    group.counts[2] = share
    changed = _resplit_group(state, group, allowed)
    spent = share - max(group.counts[2], 0) + 1
    if not changed:
        return spent
    changes[one] += 1
    changes[two] += 1
    if three >= 0:
        changes[three] += 1
    return -spent


@routine
def _resplit_group(state: State, group: Group, allowed: float) -> bool:
    """Cut the grids of a group anew if that costs less than they do.

    O(grids + pairs of the part) beside the steps.
    """
    if not gather_group(state, group):
        return False
    fill_atoms(state, group)
    fill_compounds(state, group)
    limit, load, others = cost_group(state, group) - group.trifle[0], 0, 0.0
    for grid in range(len(state.load)):
        if in_group(group, grid):
            load += state.load[grid]
        else:
            others += balance_cost(state.load[grid], state.weights)
    frame = (bit_of(group.counts[0] - 1) << ONE) - ONE
    if group.grids[2] < 0:
        cost = _split_two(state, group, frame, load, allowed - others + TINY, limit, NONE, 0.0, 0.0)
    else:
        cost = _split_three(state, group, frame, load, allowed - others + TINY, limit)
    if cost >= limit:
        return False
    take_best(state, group)
    return True


@routine
def _is_whole(group: Group, members: Word) -> bool:
    """Say whether a set of atoms is in one piece. O(atoms)."""
    seen = members & (~members + ONE)
    fresh = seen
    while fresh != NONE:
        near = NONE
        while fresh != NONE:
            near |= group.near[first_bit(fresh)]
            fresh &= fresh - ONE
        fresh = near & members & ~seen
        seen |= fresh
    return bool(seen == members)


@routine
def _start(group: Group, level: int, frame: Word) -> None:
    """Put down the set of the first atom of a frame."""
    atom = first_bit(frame)
    stack, bit = group.stack[level, 0], bit_of(atom)
    stack[0] = bit
    stack[1] = bit
    stack[2] = group.near[atom] & frame
    group.loads[level, 0] = group.load[atom]
    group.cuts[level, 0] = cost_cut(group, atom, NONE, frame)


@routine
def _grow(group: Group, level: int, top: int, frame: Word, most: int) -> int:
    """Put down the set at ``top`` with each neighbour that is not barred, to a load of ``most``.

    Neighbours tried before are barred from what follows, so each connected set is met once. Sets
    for which there is no room are left out. O(neighbours · degree).
    """
    stack = group.stack[level]
    inside, barred, near = stack[top, 0], stack[top, 1], stack[top, 2]
    load, cut = group.loads[level, top], group.cuts[level, top]
    fresh = near & ~barred
    while fresh != NONE:
        atom = first_bit(fresh)
        bit = fresh & (~fresh + ONE)
        fresh ^= bit
        barred |= bit
        if load + group.load[atom] <= most and top < DEEP:
            stack[top, 0], stack[top, 1] = inside | bit, barred
            stack[top, 2] = near | (group.near[atom] & frame)
            group.loads[level, top] = load + group.load[atom]
            group.cuts[level, top] = cut + cost_cut(group, atom, inside, frame)
            top += 1
    return top


@routine
def _find_most(load: int, grids: int, most: float, weights: Weights) -> int:
    """Find the largest load of one of so many grids that together cost at most ``most``.

    O(log load).
    """
    low, high, others = load // grids, load, grids - 1
    while low < high:
        middle = (low + high + 1) // 2
        cost = balance_cost(middle, weights)
        if cost + others * balance_cost((load - middle) / others, weights) <= most:
            low = middle
        else:
            high = middle - 1
    return low


@routine
def _split_two(
    state: State,
    group: Group,
    frame: Word,
    load: int,
    allowed: float,
    limit: float,
    fixed: Word,
    spent: float,
    cut: float,
) -> float:
    """Find the cheapest cut of a frame in two; the best of the group is noted.

    Its balance must be at most ``allowed``, and with what is ``spent`` on the balance and the
    border of the ``fixed`` third grid it must cost less than ``limit``. Gives the cost, or the
    limit. O(degree + compounds) a step, and O(atoms) for a cut that is better.
    """
    weights, level = state.weights, 1 if fixed != NONE else 0
    bound = min(allowed - spent, limit - spent - cut + group.gain[0])
    if 2.0 * balance_cost(0.5 * load, weights) > bound:
        return limit
    most, top = _find_most(load, 2, bound, weights), 1
    _start(group, level, frame)
    while top > 0 and group.counts[2] > 0:
        top -= 1
        group.counts[2] -= 1
        inside, part = group.stack[level, top, 0], group.loads[level, top]
        if 0 < part < load:
            balance = spent + balance_cost(part, weights) + balance_cost(load - part, weights)
            cost = balance + cut + group.cuts[level, top]
            if balance <= allowed and cost < limit:
                rest = frame & ~inside
                cost += cost_spread(state, group, inside, rest, fixed)
                if weights.moved > 0 and cost < limit:
                    cost += name_sets(group, inside, rest, fixed)[0]
                if cost < limit and _is_whole(group, rest):
                    limit = cost
                    group.best[0], group.best[1], group.best[2] = inside, rest, fixed
                    bound = min(allowed - spent, limit - spent - cut + group.gain[0])
                    most = _find_most(load, 2, bound, weights)
        top = _grow(group, level, top, frame, most)
    return limit


@routine
def _split_three(
    state: State, group: Group, frame: Word, load: int, allowed: float, limit: float
) -> float:
    """Find the cheapest cut of a group in three: each first grid, and the best cut of the rest.

    O(degree) a step, and a `_split_two` for each first grid that may do.
    """
    weights = state.weights
    bound = min(allowed, limit + group.gain[0])
    if 3.0 * balance_cost(load / 3.0, weights) > bound:
        return limit
    most, top = _find_most(load, 3, bound, weights), 1
    _start(group, 0, frame)
    while top > 0 and group.counts[2] > 0:
        top -= 1
        group.counts[2] -= 1
        inside, part = group.stack[0, top, 0], group.loads[0, top]
        if 0 < part < load:
            spent, cut = balance_cost(part, weights), group.cuts[0, top]
            even = spent + 2.0 * balance_cost(0.5 * (load - part), weights)
            if even <= allowed and even + cut - group.gain[0] < limit:
                before, rest = limit, frame & ~inside
                limit = _split_two(
                    state, group, rest, load - part, allowed, limit, inside, spent, cut
                )
                if limit < before:
                    most = _find_most(load, 3, min(allowed, limit + group.gain[0]), weights)
        top = _grow(group, 0, top, frame, most)
    return limit


def recut(
    graph: Graph,
    labels: ArrayLike,
    grids: int,
    weights: Weights,
    steps: int,
    share: int,
    *,
    allowed: float = np.inf,
    trifle: float = TINY,
    home: Positions | None = None,
) -> tuple[State, int]:
    """Cut pairs and triples of a drawing anew while that helps; give the result and the steps.

    The labels given stay as they are. What helps is said by `improve_state`.
    """
    state = make_state(graph, np.array(labels, np.int32), grids, weights, home)
    return state, improve_state(state, steps, share, allowed, trifle)


def improve_state(
    state: State, steps: int, share: int, allowed: float = np.inf, trifle: float = TINY
) -> int:
    """Cut pairs and triples of a labelled part anew in place while that helps; give the steps.

    By the whole objective of the state, without letting the balance rise above ``allowed``, and
    only where a cut saves more than a ``trifle``. A part of one grid stays as it is.
    """
    if len(state.load) < 2:
        return 0
    group, memory = make_group(state.graph, trifle), make_memory(len(state.load))
    return int(resplit_part(state, group, memory, steps, max(share, 1), allowed))
