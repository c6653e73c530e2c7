"""Which grid of a new plan is which grid of the plan before: the largest overlap, one to one."""

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

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
    joins = scipy.sparse.coo_array(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], size + pairs[:, 1])), (total, total)
    )
    group = scipy.sparse.csgraph.connected_components(joins, directed=False)[1][pairs[:, 0]]
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(pairs) else []


def _match_group(pairs: Ints, shared: Ints, match: Ints) -> None:
    new, rows = np.unique(pairs[:, 0], return_inverse=True)
    old, columns = np.unique(pairs[:, 1], return_inverse=True)
    overlap = np.zeros((len(new), len(old)))
    overlap[rows, columns] = shared
    chosen = scipy.optimize.linear_sum_assignment(overlap, maximize=True)
    for row, column in zip(*chosen, strict=True):
        if overlap[row, column] > 0:
            match[new[row]] = old[column]


def relate_grids(labels: ArrayLike, start: ArrayLike) -> NDArray[np.str_]:
    """Say of each grid of the plan before what became of it, as a census does for its areas.

    Parameters
    ----------
    labels : array of int, per unit
        New grid 0 … k-1.
    start : array of int, per unit
        Old grid 0 … m-1, -1 for a unit that had none: where that goes changes no old grid.

    Returns
    -------
    array of str, per old grid
        ``U`` unchanged; ``S`` split into several new grids; ``M`` merged with others into one;
        ``X`` irregular: units went to and fro. Empty for a number that no unit has. The letters
        are those of the lookup from 2001 to 2011 output areas (Office for National Statistics).

    Examples
    --------
    >>> relate_grids([0, 0, 1, 2, 3, 3, 4, 4, 5], [0, 0, 1, 1, 2, 3, 4, 5, 5]).tolist()
    ['U', 'S', 'M', 'M', 'X', 'X']
    """
    new, old = np.asarray(labels, np.int64), np.asarray(start, np.int64)
    known = old >= 0
    pairs = np.unique(np.column_stack([new[known], old[known]]), axis=0)
    relation = np.full(int(old.max(initial=-1)) + 1, "", "<U1")
    for rows in _group_pairs(pairs, int(new.max(initial=-1)) + 1):
        after, before = (len(np.unique(column)) for column in pairs[rows].T)
        letter = ("U" if after == 1 else "S") if before == 1 else ("M" if after == 1 else "X")
        relation[pairs[rows, 1]] = letter
    return relation
