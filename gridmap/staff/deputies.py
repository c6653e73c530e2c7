"""Who stands in for the primary worker of a grid: a free worker, else one from a grid beside it."""

import numpy as np
import numpy.typing as npt
import scipy

from gridmap.staff.case import Case

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Metres of walking that are accepted to have a free worker, and one from an adjacent grid.
_FREE, _BESIDE = 2000.0, 500.0
#: A second grid to stand in for is dearer than any way, a third than two such, and nobody is worst.
_AGAIN, _NOBODY = 100_000.0, 10_000_000.0
_MOST = 3  # grids of each rank that one worker stands in for


def find_deputies(case: Case, primary: Ints) -> Ints:
    """Find the deputies of each grid: the cheapest matching, rank by rank.

    A deputy belongs to the community of the grid, serves another grid of it, or is free and of no
    community. He stands in for as few grids as can be, then free workers come first, then those
    from adjacent grids, then the shorter way.

    Parameters
    ----------
    case : Case
        Workers and grids.
    primary : array of shape (grids,)
        The primary worker of each grid, -1 where it is vacant.

    Returns
    -------
    array of shape (grids, deputies)
        Positions of workers, -1 where there is nobody.
    """
    found = np.full((len(primary), case.weights.deputies), -1)
    if case.workers.empty:
        return found
    able, price = _price_deputies(case, primary)
    used = np.zeros(len(case.workers), np.int64)
    for rank in range(case.weights.deputies):
        found[:, rank] = _match(able, price, used)
        some = found[:, rank][found[:, rank] >= 0]
        np.add.at(used, some, 1)
        able[found[:, rank], np.arange(len(primary))] &= found[:, rank] < 0
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
    return able, walk + busy[:, None] * (_FREE + _BESIDE * ~near)


def _match(able: Flags, price: npt.NDArray[np.float64], used: Ints) -> Ints:
    """Match grids to workers, of whom each may be taken some times, ever dearer."""
    workers, n = able.shape
    worker, grid = np.nonzero(able)
    rows, seats, costs = [np.arange(n)], [_MOST * workers + np.arange(n)], [np.full(n, _NOBODY)]
    for again in range(_MOST):
        rows.append(grid)
        seats.append(_MOST * worker + again)
        costs.append(1 + price[worker, grid] + _AGAIN * (again + used[worker]))
    shape = (n, _MOST * workers + n)
    graph = scipy.sparse.coo_array(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(seats))), shape
    )
    taken, seat = scipy.sparse.csgraph.min_weight_full_bipartite_matching(graph.tocsr())
    found = np.full(n, -1)
    found[taken] = np.where(seat < _MOST * workers, seat // _MOST, -1)
    return found
