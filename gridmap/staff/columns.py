"""What may be given to whom, as columns of numbers: a worker, a set of grids, a cost."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Duties:
    """What may be: columns, and the price of a vacant grid.

    Parameters
    ----------
    worker, group, cost : arrays of shape (k,)
        Position of the worker, position in ``groups``, and a whole number of metres.
    groups : array of bool, shape (m, n), sparse
        Which grids each set holds; the first n sets are the single grids in order.
    doubled : float
        Price of each grid of a set beyond its first, a part of ``cost``.
    vacant : array of shape (n,)
        Whole numbers of metres.
    workers : int
        How many workers there are.
    """

    worker: Ints
    group: Ints
    cost: Floats
    groups: "scipy.sparse.csr_array"
    doubled: float
    vacant: Floats
    workers: int


class Optimum(NamedTuple):
    """The duties chosen, and the proof.

    ``columns`` are positions in the duties; ``cost`` counts vacant grids too. No choice costs less
    than ``bound``, and none with a column less than ``bound + reduced`` of it.
    """

    columns: Ints
    cost: float
    bound: float
    reduced: Floats


def is_proven(found: Optimum) -> bool:
    """Costs are whole metres: nothing lies between a cost and a bound less than 1 m below it."""
    return found.cost - found.bound < 1


def take_columns(duties: Duties, found: Optimum, columns: Ints) -> Optimum:
    """Keep the cheaper of two choices."""
    cost = add_up(duties, columns)
    return found._replace(columns=columns, cost=cost) if cost < found.cost else found


def take_bound(found: Optimum, bound: float, reduced: Floats) -> Optimum:
    """Take in what other prices prove: for the whole and for each column the higher floor counts.

    A column's floor is its own. To take the higher of two bounds with the reduced costs of the
    lower would rule columns out that may be in an optimum.
    """
    bound = min(found.cost, float(np.ceil(bound - 1e-3)))
    floor = np.maximum(found.bound + found.reduced, bound + np.maximum(reduced, 0.0))
    bound = max(found.bound, bound)
    return found._replace(bound=bound, reduced=np.maximum(floor - bound, 0.0))


def list_left(found: Optimum) -> Ints:
    """List the columns that may be in something cheaper, and those of the best so far."""
    left = found.reduced < found.cost - found.bound
    left[found.columns] = True
    return np.flatnonzero(left)


def add_up(duties: Duties, columns: Ints) -> float:
    """Add up the cost of some columns and of the grids that are in none of them."""
    served = np.asarray(duties.groups[duties.group[columns]].sum(axis=0)).ravel() > 0
    return float(duties.cost[columns].sum() + duties.vacant[~served].sum())


def reduce_costs(duties: Duties, prices: Floats, wages: Floats, structure: float = 0.0) -> Floats:
    """Return what each column costs beyond the prices of its grids and the wage of its worker.

    ``structure`` is the price of `weigh_structure`.
    """
    worth = duties.groups @ prices
    reduced = duties.cost - worth[duties.group] - wages[duties.worker]
    if structure:
        reduced = reduced - structure * weigh_structure(duties)
    return np.asarray(reduced, np.float64)


def weigh_structure(duties: Duties) -> Floats:
    """Return the part of each column's cost that says how many grids share a worker."""
    sizes = np.asarray(duties.groups.sum(axis=1), np.float64).ravel()
    return np.asarray(duties.doubled * (sizes[duties.group] - 1), np.float64)
