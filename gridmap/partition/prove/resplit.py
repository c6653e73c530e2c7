"""Cut two or three neighbouring grids anew in the best way there is, by the whole objective.

The units of such a group are bits of one word; where there are more than fit, some are merged
inside compounds and blocks first. Every way to cut the group is tried that can cost less, or until
so many steps are spent: a step is one connected set of units.
"""

from typing import NamedTuple

import numpy as np

from gridmap.partition.objective import State, Weights, balance_cost, moving_cost, shift_unit
from gridmap.partition.problem import Bits, Flags, Floats, Graph, Ints, Positions, kernel
from gridmap.partition.prove.region import NONE, ONE, bit_of, first_bit

#: Bits of a group; a larger one is contracted to so many atoms.
BITS, ATOMS = 64, 34
#: No atom grows beyond this share of a full grid.
ATOM_SHARE = 1 / 3
#: Sets that wait to be extended.
DEEP = 2048
#: Cheaper by less is not cheaper.
TINY = 1e-9
#: Cost of another name per load, where nothing moves by it: so grids keep theirs.
NAMED = 1e-15


class Group(NamedTuple):
    """Room for the grids that are cut anew; what is counted per atom stands by its bit."""

    grids: Ints  #: (3,) their labels; -1 for no third
    unit: Positions  #: units, as a sweep meets them
    place: Positions  #: per unit of the part, its atom; -1 outside the group
    near: Bits  #: per atom, those that it touches over usable pairs
    load: Ints
    merged: Ints  #: per place of a unit, the load of its atom while atoms are merged
    away: Floats  #: (atoms, 3) what it costs that an atom is in each grid, and not at home
    indptr: Positions  #: per atom, where its sides begin
    other: Positions  #: per side, the atom behind it
    cut: Floats  #: per side, what it costs that it is cut
    gain: Floats  #: (1,) what all pairs that cost less on a border would gain there
    compounds: Positions  #: compounds that may lie in several grids of the group
    members: Bits  #: their atoms
    outside: Positions  #: how many other grids they lie in
    counts: Ints  #: atoms, compounds, steps left, units
    stack: Bits  #: (2, DEEP, 3) sets that wait, what they must not get, neighbours
    loads: Ints  #: (2, DEEP) their loads
    cuts: Floats  #: (2, DEEP) what it costs to cut them from the rest of the group
    best: Bits  #: (3,) the best cut


class Memory(NamedTuple):
    """Which groups were tried, and since when nothing in them changed."""

    touch: Flags  #: (grids, grids)
    changes: Ints  #: per grid, how often it was cut anew
    pairs: Ints  #: (grids, grids) changes of both when they were tried last
    triples: Ints  #: (grids, grids, grids)


def make_group(graph: Graph) -> Group:
    """Make room for the groups of one part."""
    units, sides = len(graph.load), len(graph.neighbour)
    return Group(
        np.zeros(3, np.int64),
        np.zeros(units, np.int32),
        np.full(units, -1, np.int32),
        np.zeros(BITS, np.uint64),
        np.zeros(BITS, np.int64),
        np.zeros(units, np.int64),
        np.zeros((BITS, 3)),
        np.zeros(BITS + 1, np.int32),
        np.zeros(sides, np.int32),
        np.zeros(sides),
        np.zeros(1),
        np.zeros(BITS, np.int32),
        np.zeros(BITS, np.uint64),
        np.zeros(BITS, np.int32),
        np.zeros(4, np.int64),
        np.zeros((2, DEEP, 3), np.uint64),
        np.zeros((2, DEEP), np.int64),
        np.zeros((2, DEEP)),
        np.zeros(3, np.uint64),
    )


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
    ``allowed``.
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


@kernel
def _note_touching(state: State, memory: Memory) -> None:
    graph = state.graph
    memory.touch[:, :] = False
    for side in range(len(graph.neighbour)):
        if graph.usable[side]:
            one, two = state.labels[graph.owner[side]], state.labels[graph.neighbour[side]]
            memory.touch[one, two] = True


@kernel
def _resplit_triple(
    state: State, group: Group, memory: Memory, steps: int, share: int, allowed: float
) -> int:
    """Try triples that hang together until one is cut anew; give the steps, negative if one was."""
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


@kernel
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


@kernel
def _resplit_group(state: State, group: Group, allowed: float) -> bool:
    """Cut the grids of a group anew if that costs less than they do."""
    if not _sweep_group(state, group):
        return False
    _fill_atoms(state, group)
    _fill_compounds(state, group)
    limit, load, others = _cost_group(state, group) - TINY, 0, 0.0
    for grid in range(len(state.load)):
        if _in_group(group, grid):
            load += state.load[grid]
        else:
            others += balance_cost(state.load[grid], state.weights)
    frame = (bit_of(group.counts[0] - 1) << ONE) - ONE
    if group.grids[2] < 0:
        cost = _split_two(
            state, group, frame, load, allowed - others + TINY, limit, NONE, 0.0, 0.0
        )
    else:
        cost = _split_three(state, group, frame, load, allowed - others + TINY, limit)
    if cost >= limit:
        return False
    _take_best(state, group)
    return True


# --- the group as bits ----------------------------------------------------------------------------


@kernel
def _in_group(group: Group, label: int) -> bool:
    return bool(label == group.grids[0] or label == group.grids[1] or label == group.grids[2])


@kernel
def _sweep_group(state: State, group: Group) -> bool:
    """Number the units of a group from one of its ends; False if it does not hang together."""
    graph, first, total = state.graph, -1, 0
    group.place[:] = -1
    for unit in range(len(state.labels)):
        if _in_group(group, state.labels[unit]):
            group.place[unit] = -2
            total += 1
            first = unit
    tail = 0
    for mark in (-3, -4):
        group.unit[0], group.place[first] = first, mark
        head, tail = 0, 1
        while head < tail:
            unit = group.unit[head]
            head += 1
            for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
                other = graph.neighbour[side]
                if graph.usable[side] and group.place[other] < -1 and group.place[other] != mark:
                    group.place[other] = mark
                    group.unit[tail] = other
                    tail += 1
        first = group.unit[tail - 1]
    if tail < total:
        return False
    for index in range(total):
        group.place[group.unit[index]] = index
    group.counts[0] = group.counts[3] = total
    if total > BITS:
        _contract_group(state, group)
    return group.counts[0] <= BITS


@kernel
def _contract_group(state: State, group: Group) -> None:
    """Merge units inside compounds, then blocks, to `ATOMS`, the lightest first."""
    graph, total = state.graph, group.counts[0]
    most, left = int(ATOM_SHARE / state.weights.share), total
    for index in range(total):
        group.merged[index] = graph.load[group.unit[index]]
    for belongs in (graph.compound, graph.block):
        one, two = 0, 0
        while left > ATOMS and two >= 0:
            one, two = _find_lightest(state, group, belongs, most)
            if two >= 0:
                group.merged[one] += group.merged[two]
                _rename(group, total, two, one)
                left -= 1
    fresh = 0
    for index in range(total):
        if group.place[group.unit[index]] == index:  # the first unit of its atom
            _rename(group, total, index, fresh)
            fresh += 1
    group.counts[0] = fresh


@kernel
def _rename(group: Group, total: int, old: int, new: int) -> None:
    for index in range(total):
        if group.place[group.unit[index]] == old:
            group.place[group.unit[index]] = new


@kernel
def _find_lightest(state: State, group: Group, belongs: Positions, most: int) -> tuple[int, int]:
    """Find two atoms that touch inside one compound or block, the lightest together; or -1."""
    graph, best, other = state.graph, -1, -1
    for side in range(len(graph.neighbour)):
        unit, near = graph.owner[side], graph.neighbour[side]
        one, two = group.place[unit], group.place[near]
        inside = graph.usable[side] and one >= 0 and one < two
        if inside and belongs[unit] == belongs[near] and belongs[unit] >= 0:
            load = group.merged[one] + group.merged[two]
            if load <= most:
                best, other, most = one, two, load - 1
    return best, other


@kernel
def _fill_atoms(state: State, group: Group) -> None:
    """Fill what is counted per atom: sides, neighbours, loads, and what it costs to move."""
    fill, group.gain[0] = 0, 0.0
    for atom in range(group.counts[0]):
        group.indptr[atom] = fill
        group.near[atom], group.load[atom] = NONE, 0
        group.away[atom, :] = 0.0
        for index in range(group.counts[3]):
            unit = group.unit[index]
            if group.place[unit] == atom:
                fill = _add_sides(state, group, unit, fill)
                group.load[atom] += state.graph.load[unit]
                _add_away(state, group, unit)
    group.indptr[group.counts[0]] = fill


@kernel
def _add_sides(state: State, group: Group, unit: int, fill: int) -> int:
    """Add the sides of a unit to other atoms of the group."""
    graph, atom = state.graph, group.place[unit]
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        other = group.place[graph.neighbour[side]]
        if other >= 0 and other != atom:
            group.other[fill], group.cut[fill] = other, -state.inside[side]
            group.gain[0] += 0.5 * max(0.0, state.inside[side])
            fill += 1
            if graph.usable[side]:
                group.near[atom] |= bit_of(other)
    return fill


@kernel
def _add_away(state: State, group: Group, unit: int) -> None:
    """Add what it costs that a unit is not at home; hardly anything if it only is elsewhere now."""
    at_home = _in_group(group, state.home[unit])
    for index in range(3):
        grid = group.grids[index]
        if state.labels[unit] != grid:
            group.away[group.place[unit], index] += NAMED * state.graph.load[unit]
        if at_home and state.home[unit] != grid:
            group.away[group.place[unit], index] += moving_cost(state, unit)


@kernel
def _fill_compounds(state: State, group: Group) -> None:
    """List the compounds that lie in two atoms of the group or more; the others can't be spread."""
    listed = 0
    for index in range(group.counts[3]):
        compound = state.compound[group.unit[index]]
        spot = 0
        while spot < listed and group.compounds[spot] != compound:
            spot += 1
        if compound < 0 or spot == BITS:
            continue
        if spot == listed:
            group.compounds[spot], group.members[spot] = compound, NONE
            listed += 1
        group.members[spot] |= bit_of(group.place[group.unit[index]])
    kept = 0
    for spot in range(listed):
        members, compound = group.members[spot], group.compounds[spot]
        elsewhere = _count_elsewhere(state, group, compound)
        if members & (members - ONE) != NONE or state.used[compound] - elsewhere > 1:
            group.compounds[kept], group.members[kept] = compound, members
            group.outside[kept] = elsewhere
            kept += 1
    group.counts[1] = kept


@kernel
def _count_elsewhere(state: State, group: Group, compound: int) -> int:
    """Count the grids outside the group that a compound lies in."""
    first, elsewhere = state.start[compound], 0
    for slot in range(first, first + state.used[compound]):
        elsewhere += 0 if _in_group(group, state.slot_grid[slot]) else 1
    return elsewhere


# --- what a cut costs -----------------------------------------------------------------------------


@kernel
def _cost_group(state: State, group: Group) -> float:
    """Compute what the group costs as it is, as far as a cut can change it."""
    graph, weights, cost = state.graph, state.weights, 0.0
    for grid in range(len(state.load)):
        if _in_group(group, grid):
            cost += balance_cost(state.load[grid], weights)
    for index in range(group.counts[3]):
        unit = group.unit[index]
        if _in_group(group, state.home[unit]) and state.home[unit] != state.labels[unit]:
            cost += moving_cost(state, unit)
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            if group.place[other] >= 0 and state.labels[other] != state.labels[unit]:
                cost -= 0.5 * state.inside[side]
    for spot in range(group.counts[1]):
        compound = group.compounds[spot]
        cost += weights.compound * max(0, state.used[compound] - state.need[compound])
    return cost


@kernel
def _cost_spread(state: State, group: Group, one: int, two: int, three: int) -> float:
    """Compute what it costs that compounds are spread over more grids than they need."""
    extra = 0
    for spot in range(group.counts[1]):
        members, used = group.members[spot], group.outside[spot]
        used += 1 if members & one != NONE else 0
        used += 1 if members & two != NONE else 0
        used += 1 if members & three != NONE else 0
        extra += max(0, used - state.need[group.compounds[spot]])
    return state.weights.compound * extra


@kernel
def _cost_cut(group: Group, atom: int, inside: int, frame: int) -> float:
    """Compute what it costs more to cut a set from its frame when an atom joins the set."""
    cost = 0.0
    for side in range(group.indptr[atom], group.indptr[atom + 1]):
        other = bit_of(group.other[side])
        if inside & other != NONE:
            cost -= group.cut[side]
        elif frame & other != NONE:
            cost += group.cut[side]
    return cost


@kernel
def _cost_homes(group: Group, members: int, index: int) -> float:
    cost = 0.0
    while members != NONE:
        cost += group.away[first_bit(members), index]
        members &= members - ONE
    return cost


@kernel
def _name_sets(group: Group, one: int, two: int, three: int) -> tuple[float, int, int]:
    """Find which grid the first set and the second are best, and what is away from home then."""
    least, first, second = np.inf, 0, 1
    for name in range(3):
        for other in range(3):
            rest = 3 - name - other
            if name == other or (group.grids[2] < 0 and rest != 2):
                continue
            cost = _cost_homes(group, one, name) + _cost_homes(group, two, other)
            cost += _cost_homes(group, three, rest)
            if cost < least:
                least, first, second = cost, name, other
    return least, first, second


@kernel
def _take_best(state: State, group: Group) -> None:
    """Give every unit of the group its new grid."""
    best = group.best
    _, first, second = _name_sets(group, best[0], best[1], best[2])
    for index in range(group.counts[3]):
        unit = group.unit[index]
        bit, name = bit_of(group.place[unit]), 3 - first - second
        if best[0] & bit != NONE:
            name = first
        elif best[1] & bit != NONE:
            name = second
        if state.labels[unit] != group.grids[name]:
            shift_unit(state, unit, group.grids[name])


# --- the search -----------------------------------------------------------------------------------


@kernel
def _is_whole(group: Group, members: int) -> bool:
    """Say whether a set of atoms is in one piece."""
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


@kernel
def _start(group: Group, level: int, frame: int) -> None:
    """Put down the set of the first atom of a frame."""
    atom = first_bit(frame)
    stack, bit = group.stack[level, 0], bit_of(atom)
    stack[0] = bit
    stack[1] = bit
    stack[2] = group.near[atom] & frame
    group.loads[level, 0] = group.load[atom]
    group.cuts[level, 0] = _cost_cut(group, atom, NONE, frame)


@kernel
def _grow(group: Group, level: int, top: int, frame: int, most: int) -> int:
    """Put down the set at ``top`` with each neighbour that is not barred, to a load of ``most``.

    Neighbours tried before are barred from what follows, so each connected set is met once. Sets
    for which there is no room are left out.
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
            group.cuts[level, top] = cut + _cost_cut(group, atom, inside, frame)
            top += 1
    return top


@kernel
def _find_most(load: int, grids: int, most: float, weights: Weights) -> int:
    """Find the largest load of one of so many grids that together cost at most ``most``."""
    low, high, others = load // grids, load, grids - 1
    while low < high:
        middle = (low + high + 1) // 2
        cost = balance_cost(middle, weights)
        if cost + others * balance_cost((load - middle) / others, weights) <= most:
            low = middle
        else:
            high = middle - 1
    return low


@kernel
def _split_two(
    state: State,
    group: Group,
    frame: int,
    load: int,
    allowed: float,
    limit: float,
    fixed: int,
    spent: float,
    cut: float,
) -> float:
    """Find the cheapest cut of a frame in two; the best of the group is noted.

    Its balance must be at most ``allowed``, and with what is ``spent`` on the balance and the
    border of the ``fixed`` third grid it must cost less than ``limit``. Gives the cost, or the
    limit.
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
                cost += _cost_spread(state, group, inside, rest, fixed)
                if weights.moved > 0 and cost < limit:
                    cost += _name_sets(group, inside, rest, fixed)[0]
                if cost < limit and _is_whole(group, rest):
                    limit = cost
                    group.best[0], group.best[1], group.best[2] = inside, rest, fixed
        top = _grow(group, level, top, frame, most)
    return limit


@kernel
def _split_three(
    state: State, group: Group, frame: int, load: int, allowed: float, limit: float
) -> float:
    """Find the cheapest cut of a group in three: each first grid, and the best cut of the rest."""
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
                rest = frame & ~inside
                limit = _split_two(
                    state, group, rest, load - part, allowed, limit, inside, spent, cut
                )
        top = _grow(group, 0, top, frame, most)
    return limit


def improve_state(state: State, steps: int, share: int, allowed: float = np.inf) -> int:
    """Cut pairs and triples of a labelled part anew in place while that helps; give the steps.

    By the whole objective of the state, and without letting the balance rise above ``allowed``. A
    part of one grid stays as it is.
    """
    if len(state.load) < 2:
        return 0
    group, memory = make_group(state.graph), make_memory(len(state.load))
    return int(resplit_part(state, group, memory, steps, max(share, 1), allowed))
