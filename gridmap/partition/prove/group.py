"""Some neighbouring grids as bits of one word, with all that cutting them anew can change.

Where a group has more units than bits, some are merged inside compounds and blocks first.
"""

from typing import NamedTuple

import numpy as np

from gridmap.partition.objective import State, balance_cost, moving_cost, shift_unit
from gridmap.partition.problem import Bits, Floats, Graph, Ints, Positions, routine
from gridmap.partition.prove.region import NONE, ONE, Word, bit_of, first_bit

#: Bits of a group; a larger one is contracted to so many atoms.
BITS, ATOMS = 64, 34
#: No atom grows beyond this share of a full grid.
ATOM_SHARE = 1 / 3
#: Sets that wait to be extended.
DEEP = 2048
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
    trifle: Floats  #: (1,) a cut that is cheaper by less is not worth making
    stack: Bits  #: (2, DEEP, 3) sets that wait, what they must not get, neighbours
    loads: Ints  #: (2, DEEP) their loads
    cuts: Floats  #: (2, DEEP) what it costs to cut them from the rest of the group
    best: Bits  #: (3,) the best cut


def make_group(graph: Graph, trifle: float) -> Group:
    """Make room for the groups of one part, cut anew only where that saves more than a trifle."""
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
        np.full(1, trifle),
        np.zeros((2, DEEP, 3), np.uint64),
        np.zeros((2, DEEP), np.int64),
        np.zeros((2, DEEP)),
        np.zeros(3, np.uint64),
    )


@routine
def in_group(group: Group, label: int) -> bool:
    """Say whether a grid belongs to the group; no grid, below 0, does not."""
    return bool(
        label >= 0
        and (label == group.grids[0] or label == group.grids[1] or label == group.grids[2])
    )


@routine
def gather_group(state: State, group: Group) -> bool:
    """List the units of a group from one of its ends; False if it does not hang together.

    O(units of the part + pairs of the group).
    """
    graph, first, total = state.graph, -1, 0
    group.place[:] = -1
    for unit in range(len(state.labels)):
        if in_group(group, state.labels[unit]):
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


@routine
def _contract_group(state: State, group: Group) -> None:
    """Merge units inside compounds, then blocks, to `ATOMS`, the lightest first.

    O(pairs of the part) for each merger.
    """
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


@routine
def _rename(group: Group, total: int, old: int, new: int) -> None:
    """Give all units of one atom to another, by its number. O(units of the group)."""
    for index in range(total):
        if group.place[group.unit[index]] == old:
            group.place[group.unit[index]] = new


@routine
def _find_lightest(state: State, group: Group, belongs: Positions, most: int) -> tuple[int, int]:
    """Find two atoms that touch inside one compound or block, the lightest together; or -1.

    O(pairs of the part).
    """
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


@routine
def fill_atoms(state: State, group: Group) -> None:
    """Fill what is counted per atom: sides, neighbours, loads, and what it costs to move.

    O(atoms · units of the group + their pairs).
    """
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


@routine
def _add_sides(state: State, group: Group, unit: int, fill: int) -> int:
    """Add the sides of a unit to other atoms of the group, where they cost anything.

    O(degree of the unit).
    """
    graph, atom = state.graph, group.place[unit]
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        other = group.place[graph.neighbour[side]]
        if other >= 0 and other != atom:
            if state.inside[side] != 0.0:
                group.other[fill], group.cut[fill] = other, -state.inside[side]
                group.gain[0] += 0.5 * max(0.0, state.inside[side])
                fill += 1
            if graph.usable[side]:
                group.near[atom] |= bit_of(other)
    return fill


@routine
def _add_away(state: State, group: Group, unit: int) -> None:
    """Add what a unit costs away from home; hardly anything if it only is elsewhere now. O(1)."""
    at_home = in_group(group, state.home[unit])
    for index in range(3):
        grid = group.grids[index]
        if state.labels[unit] != grid:
            group.away[group.place[unit], index] += NAMED * state.graph.load[unit]
        if at_home and state.home[unit] != grid:
            group.away[group.place[unit], index] += moving_cost(state, unit)


@routine
def fill_compounds(state: State, group: Group) -> None:
    """List the compounds that lie in two atoms of the group or more; the others can't be spread.

    O(units · compounds of the group).
    """
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


@routine
def _count_elsewhere(state: State, group: Group, compound: int) -> int:
    """Count the grids outside the group that a compound lies in. O(grids of the compound)."""
    first, elsewhere = state.start[compound], 0
    for slot in range(first, first + state.used[compound]):
        elsewhere += 0 if in_group(group, state.slot_grid[slot]) else 1
    return elsewhere


# --- what a cut costs -----------------------------------------------------------------------------


@routine
def cost_group(state: State, group: Group) -> float:
    """Compute what the group costs as it is, as far as a cut can change it.

    O(grids of the part + pairs of the group).
    """
    graph, weights, cost = state.graph, state.weights, 0.0
    for grid in range(len(state.load)):
        if in_group(group, grid):
            cost += balance_cost(state.load[grid], weights)
    for index in range(group.counts[3]):
        unit = group.unit[index]
        if in_group(group, state.home[unit]) and state.home[unit] != state.labels[unit]:
            cost += moving_cost(state, unit)
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            if group.place[other] >= 0 and state.labels[other] != state.labels[unit]:
                cost -= 0.5 * state.inside[side]
    for spot in range(group.counts[1]):
        compound = group.compounds[spot]
        cost += weights.compound * max(0, state.used[compound] - state.need[compound])
    return cost


@routine
def cost_spread(state: State, group: Group, one: Word, two: Word, three: Word) -> float:
    """Compute what it costs that compounds are spread over more grids than they need.

    O(compounds of the group).
    """
    extra = 0
    for spot in range(group.counts[1]):
        members, used = group.members[spot], group.outside[spot]
        used += 1 if members & one != NONE else 0
        used += 1 if members & two != NONE else 0
        used += 1 if members & three != NONE else 0
        extra += max(0, used - state.need[group.compounds[spot]])
    return state.weights.compound * extra


@routine
def cost_cut(group: Group, atom: int, inside: Word, frame: Word) -> float:
    """Compute what it costs more to cut a set from its frame when an atom joins the set.

    O(degree of the atom).
    """
    cost = 0.0
    for side in range(group.indptr[atom], group.indptr[atom + 1]):
        other = bit_of(group.other[side])
        if inside & other != NONE:
            cost -= group.cut[side]
        elif frame & other != NONE:
            cost += group.cut[side]
    return cost


@routine
def _cost_homes(group: Group, members: Word, index: int) -> float:
    """Add up what it costs that a set of atoms is in grid ``index`` of the group. O(atoms)."""
    cost = 0.0
    while members != NONE:
        cost += group.away[first_bit(members), index]
        members &= members - ONE
    return cost


@routine
def name_sets(group: Group, one: Word, two: Word, three: Word) -> tuple[float, int, int]:
    """Find which grid the first set and the second are best, and what is away from home then.

    O(atoms).
    """
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


@routine
def take_best(state: State, group: Group) -> None:
    """Give every unit of the group its new grid. O(units of the group)."""
    best = group.best
    _, first, second = name_sets(group, best[0], best[1], best[2])
    for index in range(group.counts[3]):
        unit = group.unit[index]
        bit, name = bit_of(group.place[unit]), 3 - first - second
        if best[0] & bit != NONE:
            name = first
        elif best[1] & bit != NONE:
            name = second
        if state.labels[unit] != group.grids[name]:
            shift_unit(state, unit, group.grids[name])
