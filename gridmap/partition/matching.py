"""Which grid of a new plan is which grid of the plan before: the largest overlap, one to one."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.partition.problem import Ints


def match_grids(labels: ArrayLike, start: ArrayLike, worth: ArrayLike) -> Ints:
    """Match the grids of two plans so that as much as possible stays in its grid.

    Grids that share no unit never match. The plans fall apart into groups of grids that overlap;
    each is an assignment problem, solved exactly: O(g³) in the grids of the largest group.

    Parameters
    ----------
    labels : array of int, per unit
        New grid 0 … k-1.
    start : array of int, per unit
        Old grid 0 … m-1, -1 for a unit that had none.
    worth : array of int, per unit
        What a unit counts, 1 or more: its households.

    Returns
    -------
    int64 array, per new grid
        Its old grid, -1 for a grid that is new.

    Examples
    --------
    >>> match_grids([0, 0, 1, 1, 2], [5, 5, 5, 3, 3], [10, 10, 50, 9, 8]).tolist()
    [-1, 5, 3]
    """
    new, old, weight = (np.asarray(each, np.int64) for each in (labels, start, worth))
    size = int(new.max(initial=-1)) + 1
    match = np.full(size, -1, np.int64)
    known = old >= 0
    pairs, place = np.unique(np.column_stack([new[known], old[known]]), axis=0, return_inverse=True)
    shared = np.bincount(place.ravel(), weight[known], minlength=len(pairs))
    for rows in _group_pairs(pairs, size):
        _match_group(pairs[rows], shared[rows], match)
    return match


def _group_pairs(pairs: Ints, size: int) -> list[Ints]:
    """List the rows of pairs of grids group by group, where a group shares no grid with another."""
    total = size + int(pairs[:, 1].max(initial=-1)) + 1
    joins = coo_array(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], size + pairs[:, 1])), (total, total)
    )
    group = connected_components(joins, directed=False)[1][pairs[:, 0]]
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(pairs) else []


def _match_group(pairs: Ints, shared: Ints, match: Ints) -> None:
    new, rows = np.unique(pairs[:, 0], return_inverse=True)
    old, columns = np.unique(pairs[:, 1], return_inverse=True)
    overlap = np.zeros((len(new), len(old)))
    overlap[rows, columns] = shared
    chosen = linear_sum_assignment(overlap, maximize=True)
    for row, column in zip(*chosen, strict=True):
        if overlap[row, column] > 0:
            match[new[row]] = old[column]
