"""List the sets of units that can be grids of a division better than one that is known.

Ideas: Garfinkel, Nemhauser, "Optimal political districting by implicit enumeration techniques"
(1970).
"""

from typing import NamedTuple

import numpy as np

from gridmap.partition.objective import Weights, balance_cost
from gridmap.partition.problem import Bits, Floats, Ints, kernel, routine
from gridmap.partition.prove.bounds import Relaxation
from gridmap.partition.prove.region import (
    NONE,
    ONE,
    Region,
    Word,
    first_atom,
    flood,
    high_bit,
    low_bit,
    pack,
    sum_atoms,
)

#: Sets listed for one part at most, whatever the steps: 2²¹ sets of 128 units take 32 MB.
LISTED = 1 << 21
#: Sets that wait to be extended; more than that, and the part counts as too large.
WAITING = 1 << 13
#: Sets listed at most, but for one more for each so many steps: to cover with more is too dear.
FEWEST, VISITED = 1000, 200
#: Halvings when the band is searched.
HALVINGS = 40


class Band(NamedTuple):
    """Loads that a grid of a better division can have."""

    low: float
    high: float
    large_low: float  #: the same for a grid with one of the units that are large
    large_high: float
    large: Bits  #: (2,) those units

    @property
    def ends(self) -> tuple[float, float]:
        """The least and greatest load of any grid."""
        return min(self.low, self.large_low), max(self.high, self.large_high)


def find_band(
    region: Region, grids: int, limit: float, relaxed: Relaxation, weights: Weights
) -> Band:
    """Find the loads of grids of a division that costs less than the limit.

    A grid of load h leaves k - 1 grids, which cost at least what the least uneven loads of the rest
    do; if it has none of the large units, these are among the rest. As the least of a convex cost
    over loads that sum to the rest, that is convex in h.
    """
    alone = relaxed.shares[: relaxed.large]
    total = float(region.loads.sum())
    flags = region.loads >= (alone[-1] if len(alone) else np.inf)
    plain = _find_ends(total, grids, alone, limit, weights)
    large = _find_ends(total, grids, alone[:0], limit, weights)
    return Band(*plain, *large, pack(flags))


@kernel
def _find_ends(
    total: float, grids: int, large: Floats, limit: float, weights: Weights
) -> tuple[float, float]:
    """Find the least and greatest load of a grid beside others that have the large units.

    O(`HALVINGS` · large units).
    """
    rest = total
    for load in large:
        rest -= load
    even = rest / (grids - len(large))
    slack = 1e-9 * total
    low = _find_end(total, grids, large, limit, weights, even, 0.0)
    return low - slack, _find_end(total, grids, large, limit, weights, even, rest) + slack


@routine
def _find_end(
    total: float,
    grids: int,
    large: Floats,
    limit: float,
    weights: Weights,
    inner: float,
    outer: float,
) -> float:
    """Find how far from ``inner``, towards ``outer``, the load of one grid may be.

    O(`HALVINGS` · large units).
    """
    if _cost_beside(outer, total, grids, large, weights) < limit:
        return outer
    for _ in range(HALVINGS):
        middle = 0.5 * (inner + outer)
        if _cost_beside(middle, total, grids, large, weights) < limit:
            inner = middle
        else:
            outer = middle
    return outer


@routine
def _cost_beside(load: float, total: float, grids: int, large: Floats, weights: Weights) -> float:
    """Compute the least cost of a division in which one grid has a load and others are large.

    O(large units).
    """
    cost, rest, left = balance_cost(load, weights), total - load, grids - 1
    for index in range(len(large)):
        if left < 2 or large[index] * left <= rest:
            break
        cost += balance_cost(large[index], weights)
        rest -= large[index]
        left -= 1
    return cost + left * balance_cost(rest / left, weights)


class Room(NamedTuple):
    """Room for the sets that wait to be extended."""

    sets: Bits  #: (WAITING, 6) atoms in it, atoms that it must not get, neighbours: two words each
    load: Floats


class Sets(NamedTuple):
    """Sets that can be grids."""

    bits: Bits  #: (sets, 3) its atoms, and the units between that it can't do without
    loads: Floats
    roots: Ints  #: lowest atom


def list_grids(region: Region, band: Band, grids: int, steps: int) -> tuple[Sets | None, int]:
    """List the sets that can be grids of a better division, and count the steps.

    None if so many steps, or the room, did not suffice.
    """
    size = min(steps, LISTED, FEWEST + steps // VISITED)
    sets = Sets(np.zeros((size, 3), np.uint64), np.empty(size), np.empty(size, np.int64))
    room = Room(np.empty((WAITING, 6), np.uint64), np.empty(WAITING))
    found, used = list_sets(region, room, band, steps, sets)
    if found < 0:
        return None, int(used)
    kept = _keep_dividing(region, band.ends, grids, sets, found)
    bits, loads, roots = sets
    return Sets(bits[:kept].copy(), loads[:kept].copy(), roots[:kept].copy()), int(used)


@kernel
def list_sets(region: Region, room: Room, band: Band, steps: int, sets: Sets) -> tuple[int, int]:
    """List the connected sets whose load is in the band.

    A set grows from its lowest atom by one neighbour at a time; the neighbours tried before are
    barred from what follows, so every connected set is met once. O(neighbours) per set.

    Returns the sets listed, -1 if steps or room did not suffice, and the sets visited.
    """
    found, visited = 0, 0
    for root in range(len(region.loads)):
        top = _start_at(region, room, root)
        while top > 0:
            top -= 1
            visited += 1
            if _is_listed(room, band, top):
                if found == len(sets.loads):
                    return -1, visited
                sets.bits[found, 0], sets.bits[found, 1] = room.sets[top, 0], room.sets[top, 1]
                sets.loads[found], sets.roots[found] = room.load[top], root
                found += 1
            top = _grow(region, room, band, top)
            if top < 0 or visited >= steps:
                return -1, visited
    return found, visited


@routine
def _start_at(region: Region, room: Room, root: int) -> int:
    """Put down the set of one atom; those below it are in other sets."""
    low, high = low_bit(root), high_bit(root)
    room.sets[0, 0], room.sets[0, 1] = low, high
    room.sets[0, 2] = low | (low - ONE) if root < 64 else ~NONE
    room.sets[0, 3] = high | (high - ONE) if root >= 64 else NONE
    room.sets[0, 4], room.sets[0, 5] = region.near[root, 0], region.near[root, 1]
    room.load[0] = region.loads[root]
    return 1


@routine
def _is_listed(room: Room, band: Band, top: int) -> bool:
    """Say whether the load of a set is in the band."""
    large = (room.sets[top, 0] & band.large[0]) | (room.sets[top, 1] & band.large[1]) != NONE
    least = band.large_low if large else band.low
    most = band.large_high if large else band.high
    return bool(least <= room.load[top] <= most)


@routine
def _grow(region: Region, room: Room, band: Band, top: int) -> int:
    """Put down the set at ``top`` with each neighbour that is not barred; -1: there is no room.

    O(neighbours).
    """
    low, high, load = room.sets[top, 0], room.sets[top, 1], room.load[top]
    barred_low, barred_high = room.sets[top, 2], room.sets[top, 3]
    near_low, near_high = room.sets[top, 4], room.sets[top, 5]
    large = (low & band.large[0]) | (high & band.large[1]) != NONE
    open_low, open_high = near_low & ~barred_low, near_high & ~barred_high
    while open_low | open_high != NONE:
        atom = first_atom(open_low, open_high)
        bit_low, bit_high = low_bit(atom), high_bit(atom)
        open_low ^= bit_low
        open_high ^= bit_high
        barred_low |= bit_low
        barred_high |= bit_high
        new_low, new_high = region.near[atom, 0], region.near[atom, 1]
        total = load + region.loads[atom]
        more = large or (bit_low & band.large[0]) | (bit_high & band.large[1]) != NONE
        if total > (band.large_high if more else max(band.high, band.large_high)):
            continue
        if top == len(room.load):
            return -1
        room.sets[top, 0], room.sets[top, 1] = low | bit_low, high | bit_high
        room.sets[top, 2], room.sets[top, 3] = barred_low, barred_high
        room.sets[top, 4], room.sets[top, 5] = near_low | new_low, near_high | new_high
        room.load[top] = total
        top += 1
    return top


@routine
def can_divide(
    region: Region, low: Word, high: Word, ends: tuple[float, float], grids: int
) -> bool:
    """Say whether a set of atoms may become so many grids with loads between two ends.

    Each connected part of it must hold a whole number of grids. O(atoms).
    """
    least, most = 0, 0
    low, high = low & region.all[0], high & region.all[1]
    open_low, open_high = low, high
    while open_low | open_high != NONE:
        start = first_atom(open_low, open_high)
        part_low, part_high = flood(region, low_bit(start), high_bit(start), low, high)
        open_low &= ~part_low
        open_high &= ~part_high
        load = sum_atoms(region, part_low, part_high)
        fewest = int(np.ceil(load / ends[1] - 1e-9))
        largest = grids
        if ends[0] > 0:
            largest = min(grids, int(np.floor(load / ends[0] + 1e-9)))
        if fewest > largest:
            return False
        least += fewest
        most += largest
    return least <= grids <= most


@kernel
def _keep_dividing(
    region: Region, ends: tuple[float, float], grids: int, sets: Sets, found: int
) -> int:
    """Keep the sets that leave a rest that can be divided, in place; give their number.

    O(sets · atoms).
    """
    kept = 0
    for index in range(found):
        low, high = ~sets.bits[index, 0], ~sets.bits[index, 1]
        if can_divide(region, low, high, ends, grids - 1):
            sets.bits[kept, 0], sets.bits[kept, 1] = sets.bits[index, 0], sets.bits[index, 1]
            sets.loads[kept], sets.roots[kept] = sets.loads[index], sets.roots[index]
            kept += 1
    return kept
