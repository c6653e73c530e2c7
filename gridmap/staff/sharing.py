"""Give each of some as many targets as it takes: evenly, then at the least cost, and exactly.

It is an assignment problem where each takes one, else a flow; both are solved to the optimum.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def match_evenly(cost: Floats, points: Ints) -> list[list[int]]:
    """Give each contact so many targets: shares as even as can be, then the least sum of costs.

    The k-th contact of a target pays k levels, each more than all costs together: so the shares
    are the evenest that the forbidden pairs leave. An optimum that uses fewer levels than there
    were to choose from is the optimum over any number of them.

    Parameters
    ----------
    cost : array of float, contacts × targets
        0 or more; infinite where the pair is not allowed.
    points : int64 per contact
        How many different targets it takes.

    Returns
    -------
    list of list of int
        The targets of each contact, in order; fewer than its points where no more are allowed.

    Examples
    --------
    >>> match_evenly(np.array([[1.0, 5.0], [1.0, 9.0]]), np.array([1, 1]))
    [[1], [0]]
    """
    wanted = int(points.sum())
    if not wanted or not cost.shape[1]:
        return [[] for _ in points]
    levels = -(-wanted // cost.shape[1]) + 1
    solve = _assign_each if points.max() <= 1 else _flow_points
    while True:
        chosen = solve(cost, points, levels)
        used = np.bincount([at for some in chosen for at in some], minlength=cost.shape[1])
        if used.max() < levels or levels > wanted:
            return chosen
        levels *= 2


def _step_of(cost: Floats, points: Ints) -> float:
    """Return what a level costs: more than all pairs can differ by, over all contacts.

    One contact more, or one level less, is then worth any change of pairs: an augmenting path adds
    one contact to one target, whatever else it moves.
    """
    known = cost[np.isfinite(cost)]
    return 1.0 + float(known.max(initial=0.0)) * int(points.sum())


def _assign_each(cost: Floats, points: Ints, levels: int) -> list[list[int]]:
    """Solve it for contacts that take one target each: slots of targets, by assignment."""
    rows = np.flatnonzero(points)
    step = _step_of(cost, points)
    price = np.concatenate([cost[rows] + step * level for level in range(levels)], axis=1)
    allowed = np.isfinite(price)
    row, slot = scipy.optimize.linear_sum_assignment(np.where(allowed, price, step * (levels + 1)))
    chosen: list[list[int]] = [[] for _ in points]
    for at, where in zip(row, slot, strict=True):
        if allowed[at, where]:
            chosen[int(rows[at])] = [int(where) % cost.shape[1]]
    return chosen


def _flow_points(cost: Floats, points: Ints, levels: int) -> list[list[int]]:
    """Solve it for contacts that take several: a flow, whose linear program is whole by itself.

    Columns: allowed pairs, points that find no target, levels of targets.
    """
    one, two = np.nonzero(np.isfinite(cost))
    pairs, contacts, targets = len(one), *cost.shape
    step, level = _step_of(cost, points), np.arange(targets * levels)
    price = np.concatenate(
        [cost[one, two], np.full(contacts, step * (levels + 1)), step * (level // targets)]
    )
    upper = np.concatenate([np.ones(pairs), points, np.ones(len(level))])
    solver: Any = scipy.optimize.linprog  # its types know no sparse matrix
    result = solver(
        price,
        A_eq=_link_flow(one, two, contacts, targets, levels),
        b_eq=np.concatenate([points, np.zeros(targets)]),
        bounds=np.column_stack([np.zeros(len(price)), upper]),
        method="highs-ds",
    )
    chosen: list[list[int]] = [[] for _ in points]
    for pair in np.flatnonzero(result.x[:pairs] > 0.5).tolist():
        chosen[int(one[pair])].append(int(two[pair]))
    return chosen


def _link_flow(one: Ints, two: Ints, contacts: int, targets: int, levels: int) -> Any:
    """Return the equations: each point goes somewhere, and to a target on one of its levels."""
    pairs, level = len(one), np.arange(targets * levels)
    nowhere = np.arange(contacts)
    rows = np.concatenate([one, nowhere, contacts + two, contacts + level % targets])
    places = np.concatenate(
        [np.arange(pairs), pairs + nowhere, np.arange(pairs), pairs + contacts + level]
    )
    values = np.concatenate([np.ones(pairs + contacts), np.ones(pairs), -np.ones(len(level))])
    shape = (contacts + targets, pairs + contacts + len(level))
    return scipy.sparse.csc_array(scipy.sparse.coo_array((values, (rows, places)), shape))
