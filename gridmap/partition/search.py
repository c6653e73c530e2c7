"""The whole search of one connected part: some starts from scratch, then neighbourhoods renewed.

One kernel for all of it, so that nothing waits for the interpreter.
"""

import numpy as np

from gridmap.partition.improve import HOT, Search, anneal_part
from gridmap.partition.objective import State, balance_cost, part_cost, recount, work_cost
from gridmap.partition.problem import Positions, kernel, routine
from gridmap.partition.renew import renew
from gridmap.partition.split import Pieces, Tree, split_part

#: Trees drawn for each cut of a split.
TRIES = 6
#: Starts in vain after which no further one is made.
WAIT = 5


@kernel
def search_part(
    state: State,
    tree: Tree,
    search: Search,
    room: Pieces,
    enough: float,
    best: Positions,
    starts: int,
    steps: int,
    rounds: int,
) -> None:
    """Leave in ``best`` the labels of the cheapest drawing of a connected part.

    O(starts · (steps + pairs · log grids)) and the renewals.

    Parameters
    ----------
    state : State
        Its labels are overwritten.
    tree, search, room
        Room for the search.
    enough : float
        Cost of imbalance below which no further start is made.
    best : int32 array, per unit
        The answer.
    starts, steps : int
        Drawings from scratch at most, and moves tried for each.
    rounds : int
        Neighbourhoods renewed in the best of them.
    """
    least, vain = np.inf, 0
    for _ in range(starts):
        state.labels[:] = 0
        recount(state)
        split_part(state, tree, room, TRIES)
        anneal_part(state, tree, search, steps, HOT)
        cost = part_cost(state)
        vain += 1
        if cost < least:
            least, vain = cost, 0
            copy_labels(state.labels, best)
        if vain == WAIT or imbalance(state) < enough:
            break
    if rounds > 0:
        copy_labels(best, state.labels)
        recount(state)
        renew(state, tree, search, room, rounds, HOT)
        copy_labels(state.labels, best)


@routine
def copy_labels(source: Positions, target: Positions) -> None:
    """Copy labels without memory of its own: a slice assigned to another would need some.

    O(units).
    """
    for unit in range(len(source)):
        target[unit] = source[unit]


@routine
def imbalance(state: State) -> float:
    """Compute what the loads of all grids cost. O(grids)."""
    cost = 0.0
    for grid in range(len(state.load)):
        cost += balance_cost(state.load[grid], state.weights)
        cost += work_cost(state.work[grid], state.weights)
    return cost
