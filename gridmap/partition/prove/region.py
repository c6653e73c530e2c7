"""A connected part as bit sets: one bit per atom, a unit that a grid may need."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from gridmap.partition.problem import Bits, Flags, Floats, Graph, Ints, kernel

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
    """Connected atoms, at most `BITS`, as bits.

    Atoms without households that are never needed to hold a grid together are left out: one whose
    neighbours all touch each other is a cut of no set.
    """

    near: Bits  #: (atoms, 2) neighbours over usable pairs
    loads: Floats
    lived: Bits  #: (2,) atoms with households
    ranked: Ints  #: atoms by load, the largest first
    unit: Ints  #: per atom, the unit


def make_region(graph: Graph) -> Region | None:
    """Turn the units of a part into bits, numbered as a sweep from one of its ends.

    A cover that starts there leaves no islands behind. None if there are more than `BITS`.
    """
    size, words = len(graph.load), -(-len(graph.load) // 64)
    touch = np.zeros((size, words), np.uint64)
    alive, order, place = (np.zeros(size, np.int64) for _ in range(3))
    _join_atoms(graph, touch)
    _sweep(touch, order, place)
    _drop_needless(touch, graph.load, alive)
    kept = order[alive[order] > 0]
    if len(kept) > BITS:
        return None
    place[:] = -1
    place[kept] = np.arange(len(kept))
    near = np.zeros((len(kept), 2), np.uint64)
    _renumber(touch, kept, place, near)
    loads = graph.load[kept].astype(np.float64)
    return Region(near, loads, pack(loads > 0), np.argsort(-loads, kind="stable"), kept)


def pack(flags: Flags) -> Bits:
    """Pack flags into two words."""
    padded = np.zeros(BITS, bool)
    padded[: len(flags)] = flags
    return np.packbits(padded, bitorder="little").view("<u8").astype(np.uint64)


def unpack(rows: Bits, size: int) -> Flags:
    """Unpack rows of words into so many flags each."""
    raw = np.ascontiguousarray(rows.astype("<u8")).view(np.uint8)
    return np.unpackbits(raw, axis=1, bitorder="little")[:, :size].astype(bool)


@kernel
def first_bit(word: Word) -> Any:
    """Give the place of the lowest bit set (Leiserson, Prokop, Randall 1998)."""
    return _PLACES[((word & (~word + ONE)) * _DEBRUIJN_WORD) >> _SHIFT_58]


@kernel
def bit_of(place: int) -> Any:
    """Give the word in which only the bit of a place is set; its word is ``place >> 6``."""
    return ONE << np.uint64(place & 63)


@kernel
def low_bit(atom: int) -> Any:
    """Give the low word of the bit of an atom."""
    return bit_of(atom) if atom < 64 else NONE


@kernel
def high_bit(atom: int) -> Any:
    """Give the high word of the bit of an atom."""
    return bit_of(atom) if atom >= 64 else NONE


@kernel
def first_atom(low: Word, high: Word) -> int:
    """Give the first atom of a set that is not empty."""
    return int(first_bit(low)) if low != NONE else 64 + int(first_bit(high))


@kernel
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


@kernel
def flood(region: Region, low: Word, high: Word, inside_low: Word, inside_high: Word) -> Any:
    """Give all that is connected to a set, which is inside, without leaving what is inside."""
    fresh_low, fresh_high = low, high
    while fresh_low | fresh_high != NONE:
        near_low, near_high = find_near(region, fresh_low, fresh_high)
        fresh_low = near_low & inside_low & ~low
        fresh_high = near_high & inside_high & ~high
        low |= fresh_low
        high |= fresh_high
    return low, high


@kernel
def sum_atoms(region: Region, low: Word, high: Word) -> float:
    """Add up the loads of a set."""
    load = 0.0
    while low != NONE:
        load += region.loads[first_bit(low)]
        low &= low - ONE
    while high != NONE:
        load += region.loads[64 + first_bit(high)]
        high &= high - ONE
    return load


@kernel
def _join_atoms(graph: Graph, touch: Bits) -> None:
    for side in range(len(graph.neighbour)):
        if graph.usable[side]:
            other = graph.neighbour[side]
            touch[graph.owner[side], other >> 6] |= bit_of(other)


@kernel
def _sweep(touch: Bits, order: Ints, seen: Ints) -> None:
    """Order atoms by distance from the atom that is farthest from the first."""
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
def _drop_needless(touch: Bits, loads: Ints, alive: Ints) -> None:
    """Flag atoms that a grid may need; their neighbours are taken among these."""
    alive[:] = 1
    changed = True
    while changed:
        changed = False
        for atom in range(len(loads)):
            if loads[atom] == 0 and alive[atom] > 0 and _is_clique(touch, touch[atom]):
                alive[atom], changed = 0, True
                for other in range(len(loads)):
                    touch[other, atom >> 6] &= ~bit_of(atom)


@kernel
def _is_clique(touch: Bits, members: Bits) -> bool:
    """Say whether all members touch each other."""
    for word in range(len(members)):
        bits = members[word]
        while bits != NONE:
            atom = (word << 6) + first_bit(bits)
            bits &= bits - ONE
            for other in range(len(members)):
                missing = members[other] & ~touch[atom, other]
                if other == atom >> 6:
                    missing &= ~bit_of(atom)
                if missing != NONE:
                    return False
    return True


@kernel
def _renumber(touch: Bits, kept: Ints, place: Ints, near: Bits) -> None:
    for row in range(len(kept)):
        for word in range(touch.shape[1]):
            bits = touch[kept[row], word]
            while bits != NONE:
                other = place[(word << 6) + first_bit(bits)]
                bits &= bits - ONE
                if other >= 0:
                    near[row, other >> 6] |= bit_of(other)
