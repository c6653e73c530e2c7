"""Who stands in for the primary worker of a grid: a free worker, else one from a grid beside it."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gridmap.staff.case import Case
from gridmap.staff.matching import match_rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Metres of walking that are accepted to have a free worker, and one from an adjacent grid.
_FREE, _BESIDE = 2000.0, 500.0
#: A second grid to stand in for is dearer than any way, a third than two such, and nobody is worst.
AGAIN, _NOBODY = 100_000.0, 10_000_000.0
_MOST = 3  # grids of each rank that one worker stands in for


class Deputies(NamedTuple):
    """The deputies of each grid, rank by rank: arrays of shape (grids, deputies).

    ``worker`` and ``rival``, the next best, are positions, -1 where there is nobody; ``extra`` is
    how many metres the whole would be worse with the rival, maybe in exchange.
    """

    worker: Ints
    rival: Ints
    extra: Floats


def find_deputies(case: Case, primary: Ints) -> Deputies:
    """Find the deputies of each grid: the cheapest matching, rank by rank.

    A deputy belongs to the community of the grid, serves another grid of it, or is free and of no
    community. He stands in for as few grids as can be, then free workers come first, then those
    from adjacent grids and those who are its deputies now, then the shorter way.

    Parameters
    ----------
    case : Case
        Workers and grids.
    primary : array of shape (grids,)
        The primary worker of each grid, -1 where it is vacant.
    """
    n, ranks = len(primary), case.weights.deputies
    shape = (n, ranks)
    found = Deputies(np.full(shape, -1), np.full(shape, -1), np.full(shape, np.nan))
    if case.workers.empty:
        return found
    able, price = _price_deputies(case, primary)
    used = np.zeros(len(case.workers), np.int64)
    for rank in range(ranks):
        some = _match(able, price, used)
        found.worker[:, rank] = some
        found.rival[:, rank], found.extra[:, rank] = _find_next(able, price, used, some)
        taken = some >= 0
        np.add.at(used, some[taken], 1)
        able[some[taken], np.flatnonzero(taken)] = False
    return found


def _price_deputies(case: Case, primary: Ints) -> tuple[Flags, npt.NDArray[np.float64]]:
    """Say who may stand in where, and how far off he is."""
    grids, workers = np.arange(len(primary)), len(case.workers)
    served = primary >= 0
    serves = np.zeros((workers, len(primary)), bool)
    serves[primary[served], grids[served]] = True
    busy = np.asarray(serves.any(axis=1))
    number = np.unique(case.posts["community_id"].to_numpy(object), return_inverse=True)[1]
    inside = np.zeros((workers, number.max(initial=-1) + 1), bool)
    inside[primary[served], number[served]] = True
    own = (case.workers["community_id"] != "").to_numpy()
    able: Flags = inside[:, number] | (case.home & own[:, None]) | (~busy & ~own)[:, None]
    able &= ~serves
    near = np.zeros((workers, len(primary)), bool)
    for one, other in (case.beside.T, case.beside.T[::-1]):
        held = primary[one] >= 0
        near[primary[one[held]], other[held]] = True
    walk = np.where(np.isnan(case.walk), 0.0, case.walk)
    price = walk + busy[:, None] * (_FREE + _BESIDE * ~near)
    stays = case.aides & able
    changes = np.any(stays, axis=0)[None, :] & ~stays
    return able, price + case.weights.change * changes


def _match(able: Flags, price: Floats, used: Ints) -> Ints:
    """Match grids to workers, of whom each may be taken some times, ever dearer."""
    n, top = able.shape[1], _MOST * len(able)
    pairs = np.nonzero(able)
    again = np.repeat(np.arange(_MOST), len(pairs[0]))
    worker, grid = np.tile(pairs[0], _MOST), np.tile(pairs[1], _MOST)
    costs = price[worker, grid] + AGAIN * (again + used[worker])
    seat_of = match_rows(grid, _MOST * worker + again, costs, np.full(n, _NOBODY), top)[1]
    return np.where(seat_of < top, seat_of // _MOST, -1)


def _find_next(able: Flags, price: Floats, used: Ints, found: Ints) -> tuple[Ints, Floats]:
    """Return who is next best in each grid, and what he costs more.

    He comes in addition to what he stands in for, or changes places with the deputy.
    """
    n = len(found)
    taken = np.flatnonzero(found >= 0)
    number = used + np.bincount(found[taken], minlength=len(able))
    other = np.full(len(able), -1)
    other[found[taken]] = taken
    worker, grid = np.nonzero(able)
    some = (found[grid] >= 0) & (found[grid] != worker)
    worker, grid = worker[some], grid[some]
    deputy, place = found[grid], other[worker]
    more = price[worker, grid] - price[deputy, grid]
    added = more + AGAIN * (number[worker] - number[deputy] + 1)
    back = price[deputy, place] - price[worker, place]
    back[(place < 0) | ~able[deputy, place]] = np.inf
    extra = np.minimum(added, more + back)
    order = np.lexsort((worker, extra, grid))
    first = order[np.diff(grid[order], prepend=-1) > 0]
    rival, least = np.full(n, -1), np.full(n, np.nan)
    rival[grid[first]] = worker[first]
    least[grid[first]] = np.maximum(extra[first], 0.0)
    return rival, least
