"""A connected part as bit sets: one bit per atom, a unit with households."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from gridmap.partition.problem import Bits, Flags, Floats, Graph, Ints, kernel, routine

#: 64 bits, as a kernel holds them.
Word: TypeAlias = Any
ONE: Word = np.uint64(1)
NONE: Word = np.uint64(0)
_SHIFT_58 = np.uint64(58)
_DEBRUIJN = 0x03F79D71B4CB0A89
_DEBRUIJN_WORD = np.uint64(_DEBRUIJN)
_PLACES = np.argsort([((_DEBRUIJN << bit) & (2**64 - 1)) >> 58 for bit in range(64)])


#: Bits of a set: two words, which kernels hold apart as ``low`` and ``high``.
BITS = 128


class Region(NamedTuple):
    """A connected part: its units with households are atoms, at most `BITS`, as bits.

    Two atoms are near each other if they touch, or if units without households join them. So all
    sets that can be grids are connected; which grid gets the units between is settled when a
    division is found (`gridmap.partition.prove.joining`).
    """

    near: Bits  #: (atoms, 2) atoms near each
    loads: Floats
    all: Bits  #: (2,) all atoms
    ranked: Ints  #: atoms by load, the largest first
    unit: Ints  #: per atom, its unit
    graph: Graph


def make_region(graph: Graph) -> Region | None:
    """Turn the units of a part into bits, numbered as a sweep from one of its ends.

    A cover that starts there leaves no islands behind. None if there are more than `BITS` atoms.
    """
    lived = np.flatnonzero(graph.load > 0)
    if not 0 < len(lived) <= BITS:
        return None
    place = np.full(len(graph.load), -1, np.int64)
    place[lived] = np.arange(len(lived))
    touch = np.zeros((len(lived), 2), np.uint64)
    queue, joined = np.empty(len(place), np.int64), np.empty(2, np.uint64)
    _join_atoms(graph, place, touch, place >= 0, queue, joined)
    order, seen = np.zeros(len(lived), np.int64), np.zeros(len(lived), np.int64)
    _sweep(touch, order, seen)
    near = np.zeros((len(lived), 2), np.uint64)
    _renumber(touch, order, np.argsort(order), near)
    loads = graph.load[lived[order]].astype(np.float64)
    ranked = np.argsort(-loads, kind="stable")
    return Region(near, loads, pack(loads > 0), ranked, lived[order], graph)


def pack(flags: Flags) -> Bits:
    """Pack flags into two words."""
    padded = np.zeros(BITS, bool)
    padded[: len(flags)] = flags
    return np.packbits(padded, bitorder="little").view("<u8").astype(np.uint64)


def unpack(rows: Bits, size: int) -> Flags:
    """Unpack rows of words into so many flags each."""
    raw = np.ascontiguousarray(rows.astype("<u8")).view(np.uint8)
    return np.unpackbits(raw, axis=1, bitorder="little")[:, :size].astype(bool)


@routine
def first_bit(word: Word) -> Any:
    """Give the place of the lowest bit set (Leiserson, Prokop, Randall 1998)."""
    return _PLACES[((word & (~word + ONE)) * _DEBRUIJN_WORD) >> _SHIFT_58]


@routine
def bit_of(place: int) -> Any:
    """Give the word in which only the bit of a place is set; its word is ``place >> 6``."""
    return ONE << np.uint64(place & 63)


@routine
def low_bit(atom: int) -> Any:
    """Give the low word of the bit of an atom."""
    return bit_of(atom) if atom < 64 else NONE


@routine
def high_bit(atom: int) -> Any:
    """Give the high word of the bit of an atom."""
    return bit_of(atom) if atom >= 64 else NONE


@routine
def first_atom(low: Word, high: Word) -> int:
    """Give the first atom of a set that is not empty."""
    return int(first_bit(low)) if low != NONE else 64 + int(first_bit(high))


@routine
def find_near(region: Region, low: Word, high: Word) -> tuple[Any, Any]:
    """Unite the neighbours of the atoms of a set. O(atoms of the set)."""
    near_low, near_high = NONE, NONE
    while low != NONE:
        atom = first_bit(low)
        near_low |= region.near[atom, 0]
        near_high |= region.near[atom, 1]
        low &= low - ONE
    while high != NONE:
        atom = 64 + first_bit(high)
        near_low |= region.near[atom, 0]
        near_high |= region.near[atom, 1]
        high &= high - ONE
    return near_low, near_high


@routine
def flood(region: Region, low: Word, high: Word, inside_low: Word, inside_high: Word) -> Any:
    """Give all that is connected to a set, which is inside, without leaving what is inside.

    O(atoms).
    """
    fresh_low, fresh_high = low, high
    while fresh_low | fresh_high != NONE:
        near_low, near_high = find_near(region, fresh_low, fresh_high)
        fresh_low = near_low & inside_low & ~low
        fresh_high = near_high & inside_high & ~high
        low |= fresh_low
        high |= fresh_high
    return low, high


@routine
def sum_atoms(region: Region, low: Word, high: Word) -> float:
    """Add up the loads of a set. O(atoms)."""
    load = 0.0
    while low != NONE:
        load += region.loads[first_bit(low)]
        low &= low - ONE
    while high != NONE:
        load += region.loads[64 + first_bit(high)]
        high &= high - ONE
    return load


@kernel
def _join_atoms(
    graph: Graph, place: Ints, touch: Bits, seen: Flags, queue: Ints, joined: Bits
) -> None:
    """Note which atoms touch, and which the same units without households join. O(pairs)."""
    for side in range(len(graph.neighbour)):
        atom, other = place[graph.owner[side]], place[graph.neighbour[side]]
        if graph.usable[side] and atom >= 0 and other >= 0:
            touch[atom, other >> 6] |= bit_of(other)
    for start in range(len(place)):
        if not seen[start]:
            joined[:] = NONE
            _flood_empty(graph, place, start, seen, queue, joined)
            _join_all(touch, joined)


@routine
def _flood_empty(
    graph: Graph, place: Ints, start: int, seen: Flags, queue: Ints, joined: Bits
) -> None:
    """Visit the units without households that hang together, and collect the atoms they touch.

    O(pairs of the units).
    """
    queue[0], seen[start] = start, True
    head, tail = 0, 1
    while head < tail:
        unit = queue[head]
        head += 1
        for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
            other = graph.neighbour[side]
            if not graph.usable[side]:
                continue
            if place[other] >= 0:
                joined[place[other] >> 6] |= bit_of(place[other])
            elif not seen[other]:
                seen[other], queue[tail] = True, other
                tail += 1


@routine
def _join_all(touch: Bits, joined: Bits) -> None:
    """Let each of some atoms touch the others. O(atoms)."""
    low, high = joined[0], joined[1]
    while low | high != NONE:
        atom = first_atom(low, high)
        low &= ~low_bit(atom)
        high &= ~high_bit(atom)
        touch[atom, 0] |= joined[0] & ~low_bit(atom)
        touch[atom, 1] |= joined[1] & ~high_bit(atom)


@kernel
def _sweep(touch: Bits, order: Ints, seen: Ints) -> None:
    """Order atoms by distance from the atom that is farthest from the first. O(touching pairs)."""
    first = 0
    for turn in range(1, 3):
        order[0], seen[first] = first, turn
        head, tail = 0, 1
        while head < tail:
            atom = order[head]
            head += 1
            for word in range(touch.shape[1]):
                bits = touch[atom, word]
                while bits != NONE:
                    other = (word << 6) + first_bit(bits)
                    bits &= bits - ONE
                    if seen[other] != turn:
                        seen[other] = turn
                        order[tail] = other
                        tail += 1
        first = order[tail - 1]


@kernel
def _renumber(touch: Bits, order: Ints, place: Ints, near: Bits) -> None:
    """Fill which atoms touch when they are numbered in another order. O(touching pairs)."""
    for row in range(len(order)):
        for word in range(2):
            bits = touch[order[row], word]
            while bits != NONE:
                other = place[(word << 6) + first_bit(bits)]
                bits &= bits - ONE
                near[row, other >> 6] |= bit_of(other)
