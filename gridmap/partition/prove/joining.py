"""Join the units of each grid by units without households, each of which one grid can have."""

from typing import NamedTuple

import numpy as np

from gridmap.partition.problem import Bits, Graph, Ints, kernel, routine
from gridmap.partition.prove.region import (
    NONE,
    Region,
    Word,
    bit_of,
    first_atom,
    high_bit,
    low_bit,
)

#: In no grid yet, and in a grid that is not looked at.
FREE, BARRED = -1, -2
#: Units that `find_needs` can tell apart.
MOST = 64
#: Units that are tried in each grid, one below the other, and tries in all.
DEPTH, TRIES = 12, 100


class Paths(NamedTuple):
    """Room to join pieces, one place per unit."""

    groups: Ints  #: the grid of each unit, or `FREE`, or `BARRED`
    queue: Ints
    came: Ints  #: the unit before on a walk; `FREE` if it was not visited
    joining: Ints  #: units that join the pieces of one grid
    base: Ints  #: (DEPTH, units) the grid of units that are settled, `FREE` for others
    split: Ints  #: (DEPTH, 2) the unit that is tried in one grid after another, and the next grid
    number: Ints  #: bit of a unit that some set needs; `FREE` for others


def make_paths(units: int) -> Paths:
    """Make room for so many units."""
    groups, queue, came, joining, number = np.full((5, units), FREE, np.int64)
    base, split = np.empty((DEPTH, units), np.int64), np.empty((DEPTH, 2), np.int64)
    return Paths(groups, queue, came, joining, base, split, number)


@routine
def join_sets(region: Region, sets: Bits, paths: Paths) -> int:
    """Give units without households to sets of atoms, so that each is in one piece.

    Depth first: units that a set can't do without are settled, and the pieces of the sets are
    joined by shortest paths in turn. Where that fails one of the units on these paths is given to
    each set after the other. Writes the set of each unit into ``groups``, `FREE` for those not
    needed. Returns 1 if that worked, 0 if nothing can, -1 where it was broken off.
    O(sets² · pairs) for each of `TRIES` tries at most, and `_settle_needed`.
    """
    base, split, depth, tries, whole = paths.base, paths.split, 0, 0, True
    base[0, :] = FREE
    for group in range(len(sets)):
        _put_down(region, sets[group, 0], sets[group, 1], base[0], group)
    if _join_in_turn(region, sets, paths, base[0]):
        return 1
    split[0, 0] = FREE
    while depth >= 0 and tries < TRIES:
        if split[depth, 0] == FREE:
            tries += 1
            if not _settle_needed(region, sets, paths, base[depth]):
                depth -= 1
                continue
            if _join_in_turn(region, sets, paths, base[depth]):
                return 1
            split[depth, 0], split[depth, 1] = _choose_unit(region, sets, paths, base[depth]), 0
        if split[depth, 1] == len(sets) or depth + 1 == DEPTH:
            whole &= split[depth, 1] == len(sets)
            depth -= 1
            continue
        copy_groups(base[depth], base[depth + 1])
        base[depth + 1, split[depth, 0]] = split[depth, 1]
        split[depth, 1] += 1
        depth += 1
        split[depth, 0] = FREE
    return 0 if depth < 0 and whole else -1


@routine
def _choose_unit(region: Region, sets: Bits, paths: Paths, base: Ints) -> int:
    """Choose the first unit that would join pieces of the first set that is in pieces.

    O(sets · pairs · pieces).
    """
    copy_groups(base, paths.groups)
    for group in range(len(sets)):
        start = _first_unit(region, sets, group)
        _join_pieces(region.graph, paths, start)
        for unit in range(len(base)):
            if paths.groups[unit] == group and base[unit] == FREE:
                return unit
    return FREE


@routine
def _join_in_turn(region: Region, sets: Bits, paths: Paths, base: Ints) -> bool:
    """Join the pieces of each set by shortest paths, beginning with each set once.

    O(sets² · pairs · pieces).
    """
    count = len(sets)
    for first in range(count):
        copy_groups(base, paths.groups)
        joined = 0
        while joined < count:
            start = _first_unit(region, sets, (first + joined) % count)
            if not _join_pieces(region.graph, paths, start):
                break
            joined += 1
        if joined == count:
            return True
    return False


@routine
def _settle_needed(region: Region, sets: Bits, paths: Paths, base: Ints) -> bool:
    """Give each set the units that it can't do without, until no more are; say if that works.

    O(sets · units that join · pairs) a round.
    """
    graph, groups, settled = region.graph, paths.groups, 0
    copy_groups(base, groups)
    while True:
        before, settled = settled, 0
        for group in range(len(sets)):
            start = _first_unit(region, sets, group)
            if not _hangs_together(graph, paths, start):
                return False
            for place in range(_note_joining(graph, paths, start)):
                unit = paths.joining[place]
                groups[unit] = BARRED
                needed = not _hangs_together(graph, paths, start)
                groups[unit] = group if needed or base[unit] == group else FREE
                settled += needed
        if settled == before:
            copy_groups(groups, base)
            return True


@routine
def _first_unit(region: Region, sets: Bits, group: int) -> int:
    """Give the unit of the first atom of a set."""
    return int(region.unit[first_atom(sets[group, 0], sets[group, 1])])


@routine
def copy_groups(source: Ints, target: Ints) -> None:
    """Write the group of each unit into another array. O(units)."""
    for unit in range(len(source)):
        target[unit] = source[unit]


@kernel
def find_needs(region: Region, sets: Bits, paths: Paths) -> None:
    """Find the units without households that each set can't be in one piece without.

    They are among those of any way to join its pieces, so only these are tried. Writes the third
    word of each set: a bit for each unit, for the first `MOST` that are met. O(sets · units that
    join · pairs).
    """
    graph, groups, used = region.graph, paths.groups, 0
    for index in range(len(sets)):
        for unit in range(len(groups)):
            groups[unit] = FREE if graph.load[unit] == 0 else BARRED
        _put_down(region, sets[index, 0], sets[index, 1], groups, 0)
        start = _first_unit(region, sets, index)
        for place in range(_note_joining(graph, paths, start)):
            unit = paths.joining[place]
            groups[unit] = BARRED
            if not _hangs_together(graph, paths, start):
                if paths.number[unit] < 0 and used < MOST:
                    paths.number[unit] = used
                    used += 1
                if paths.number[unit] >= 0:
                    sets[index, 2] |= bit_of(paths.number[unit])
            groups[unit] = FREE


@routine
def _put_down(region: Region, low: Word, high: Word, groups: Ints, group: int) -> None:
    """Write the set of its units with households. O(atoms)."""
    while low | high != NONE:
        atom = first_atom(low, high)
        low &= ~low_bit(atom)
        high &= ~high_bit(atom)
        groups[region.unit[atom]] = group


@routine
def _note_joining(graph: Graph, paths: Paths, start: int) -> int:
    """Note which units join the pieces of the set of a unit, and free them; give their number.

    O(pairs · pieces).
    """
    _join_pieces(graph, paths, start)
    count, group = 0, paths.groups[start]
    for unit in range(len(paths.groups)):
        if paths.groups[unit] == group and graph.load[unit] == 0:
            paths.joining[count] = unit
            paths.groups[unit] = FREE
            count += 1
    return count


@routine
def _join_pieces(graph: Graph, paths: Paths, start: int) -> bool:
    """Join the pieces of the set of a unit by shortest paths over free units; say if that works.

    O(pairs · pieces).
    """
    groups, came, group = paths.groups, paths.came, paths.groups[start]
    while True:
        size = _flood(graph, paths, start, False)
        if size == _count(groups, group):
            return True
        unit = _reach_piece(graph, paths, size)
        if unit < 0:
            return False
        unit = came[unit]
        while groups[unit] == FREE:
            groups[unit] = group
            unit = came[unit]


@routine
def _hangs_together(graph: Graph, paths: Paths, start: int) -> bool:
    """Say whether all units of the set of one are reached over them and free units. O(pairs)."""
    groups, group, found = paths.groups, paths.groups[start], 0
    for place in range(_flood(graph, paths, start, True)):
        found += groups[paths.queue[place]] == group
    return found == _count(groups, group)


@routine
def _count(groups: Ints, group: int) -> int:
    """Count the units of a group. O(units)."""
    count = 0
    for unit in range(len(groups)):
        if groups[unit] == group:
            count += 1
    return count


@routine
def _flood(graph: Graph, paths: Paths, start: int, over_free: bool) -> int:
    """Put the units that one reaches, over its set or free units too, in the queue; count them.

    O(pairs).
    """
    groups, queue, came = paths.groups, paths.queue, paths.came
    group = groups[start]
    came[:] = FREE
    queue[0], came[start] = start, start
    head, tail = 0, 1
    while head < tail:
        unit = queue[head]
        head += 1
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            open_ = groups[other] == group or (over_free and groups[other] == FREE)
            if graph.usable[side] and open_ and came[other] < 0:
                queue[tail], came[other] = other, unit
                tail += 1
    return tail


@routine
def _reach_piece(graph: Graph, paths: Paths, size: int) -> int:
    """Find the nearest unit of another piece of a set over free units; `FREE` if there is none.

    O(pairs).
    """
    groups, queue, came = paths.groups, paths.queue, paths.came
    group, head, tail = groups[queue[0]], 0, size
    while head < tail:
        unit = queue[head]
        head += 1
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            if not graph.usable[side] or came[other] >= 0:
                continue
            if groups[other] == group:
                came[other] = unit
                return int(other)
            if groups[other] == FREE:
                queue[tail], came[other] = other, unit
                tail += 1
    return FREE
