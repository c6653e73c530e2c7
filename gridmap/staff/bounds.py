"""How short rounds on foot could be at best: a lower bound that needs no search (Held and Karp).

Take one way at the start away from each of some rounds: a tree over all stops is left. So the
rounds are no shorter than the least tree and, for each of them, the least way at the start. Prices
for the stops, of which each has two ways in any rounds, raise that bound (subgradient steps).
"""

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]

_STEPS = 120


def bound_rounds(walk: Floats, days: int = 1) -> float:
    """Return metres that rounds through all stops have at least.

    Parameters
    ----------
    walk : array of shape (n, n)
        Metres between places, the first of which is the start of each round.
    days : int
        How many rounds. The bound for 1 is one for any number of them.

    Examples
    --------
    >>> square = np.array([[0.0, 0], [0, 1], [1, 1], [1, 0]])
    >>> round(bound_rounds(np.hypot(*(square[:, None] - square[None]).transpose(2, 0, 1))), 3)
    4.0
    """
    if len(walk) < 2:
        return 0.0
    ways = np.minimum(walk, walk.T)
    price, best = np.zeros(len(ways)), 0.0
    step = ways[np.triu_indices(len(ways), 1)].mean()
    for _ in range(_STEPS):
        priced = ways + price[:, None] + price[None, :]
        low, degree = _weigh_tree(priced, days)
        if low is not None:
            best = max(best, float(low - 2 * price.sum()))
        price[1:] += step * (degree[1:] - 2)
        step *= 0.95
    return best


def _weigh_tree(priced: Floats, days: int) -> tuple[float | None, Floats]:
    """Return the tree's metres with the ways added at the start, and the ways of each place.

    No metres where such a way is below 0: more rounds than asked for could be shorter then.
    """
    lift = 1.0 - priced.min()  # a way of 0 would count as none
    tree = scipy.sparse.csgraph.minimum_spanning_tree(priced + lift).tocoo()
    degree = np.bincount(np.concatenate([tree.row, tree.col]), minlength=len(priced)).astype(float)
    nearest = 1 + int(priced[0, 1:].argmin())
    degree[nearest] += days
    added = float(priced[0, nearest])
    total = float(tree.data.sum()) - lift * (len(priced) - 1) + days * added
    return (total if added >= 0 else None), degree
