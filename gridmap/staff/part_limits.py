"""What every part of a divided area keeps: members, and being in one piece."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Limits:
    """What every part keeps.

    Parameters
    ----------
    full : int
        Full members at least.
    total : int
        Members at least.
    most : int
        Members at most; 0 is any number.
    """

    full: int
    total: int = 0
    most: int = 0


def keeps_limits(labels: Ints, links: Ints, counts: npt.NDArray[np.int64], limits: Limits) -> bool:
    """Say whether each part is in one piece and keeps the limits.

    Parameters
    ----------
    labels : int64 per unit
    links : array of int, pairs × 2
        Positions of units that touch.
    counts : int64, units × 2
        Full and probationary members.
    limits : Limits
    """
    parts, place = np.unique(labels, return_inverse=True)
    full, young = (np.bincount(place, column, len(parts)) for column in counts.T)
    total = full + young
    most = limits.most or np.inf
    if (full < limits.full).any() or (total < limits.total).any() or (total > most).any():
        return False
    same = links[labels[links[:, 0]] == labels[links[:, 1]]]
    graph = scipy.sparse.coo_array(
        (np.ones(len(same)), (same[:, 0], same[:, 1])), (len(labels),) * 2
    )
    return bool(scipy.sparse.csgraph.connected_components(graph, directed=False)[0] == len(parts))
