"""The least that a redraw can cost, whatever the map: where it is nearly reached, search no more.

Only the households of each grid count here. They can be divided, and go from any grid to any other
over no distance; borders cost nothing. What is left is convex: households leave grids above one
load and join grids below another, as water finds its level, and these two loads lie so far apart
that moving one more household costs what it gains.
"""

import numpy as np

from gridmap.partition.objective import (
    NO_HOME,
    State,
    Weights,
    balance_cost,
    moving_cost,
    work_cost,
)
from gridmap.partition.problem import Floats, Graph, Positions, kernel, routine

#: Halvings of the interval in which the level is looked for.
HALVINGS = 60


def bound_redraw(graph: Graph, labels: Positions, origin: Positions, weights: Weights) -> float:
    """Bound the balance and moves of all drawings that have the grids of this one.

    Parameters
    ----------
    graph : Graph
    labels : int32 array, per unit
        Tell which grids there are: of ``origin``, or new ones with numbers above.
    origin : int32 array, per unit
        Grid 0 … m-1 that a unit comes from, -1 for none.
    weights : Weights

    Returns
    -------
    float
        No drawing with these grids has terms ``balance``, ``outside``, ``workload`` and ``moved``
        that add up to less. All households of a grid that is no more move; a new one has none at
        first.

    Examples
    --------
    >>> from gridmap.partition.objective import make_weights
    >>> from gridmap.partition.problem import assemble_problem, split_components
    >>> from gridmap.rules import Costs, Rules
    >>> town = assemble_problem(
    ...     households=[330, 270], community=[0, 0], compound=[-1, -1], block=[0, 0],
    ...     pairs=[(0, 1)], border=[9], barrier=[0], usable=[True],
    ... )
    >>> [part] = split_components(town, Rules())
    >>> labels = np.array([0, 1], np.int32)
    >>> for price in (0.0, 0.0002, 0.002):
    ...     weights = make_weights(Rules(costs=Costs(moved=price)))
    ...     print(round(bound_redraw(part.graph, labels, labels, weights), 4))
    0.0
    0.0056
    0.02
    """
    known, size = origin >= 0, int(max(origin.max(), labels.max())) + 1
    load = np.bincount(origin[known], graph.load[known], minlength=size)
    kept = np.bincount(labels, minlength=size) > 0
    gone = known & ~kept[origin]
    lived = graph.load > 0
    each = (graph.households[lived] / graph.load[lived]).min(initial=np.inf)
    price = weights.moved * each if lived.any() else 0.0
    least = _even_out(load[kept].astype(np.float64), float(graph.load.sum()), price, weights)
    grids = np.count_nonzero(kept)
    least += grids * work_cost(graph.work.sum() / grids, weights)
    return float(least + weights.moved * graph.households[gone].sum())


@kernel
def _even_out(load: Floats, total: float, price: float, weights: Weights) -> float:
    """Compute the least cost if grids of these loads share out ``total`` at a price per grain.

    ``level`` is what one more grain costs by balance in a grid that takes some; in one that gives
    some it is the price more. Grids between the two loads that belong to it are left as they are.
    O(`HALVINGS` · grids).
    """
    low, high = _find_slope(0.0, weights) - price, _find_slope(total, weights)
    for _ in range(HALVINGS):
        level, shared = 0.5 * (low + high), 0.0
        least, most = _find_load(level, weights), _find_load(level + price, weights)
        for grid in range(len(load)):
            shared += min(max(load[grid], least), most)
        if shared < total:
            low = level
        else:
            high = level
    cost = 0.0
    for grid in range(len(load)):
        after = min(max(load[grid], least), most)
        cost += balance_cost(after, weights) + price * max(0.0, load[grid] - after)
    return cost


@routine
def _find_slope(load: float, weights: Weights) -> float:
    """Compute what one more grain costs a grid by balance."""
    deviation = load * weights.share - 1.0
    beyond = max(0.0, abs(deviation) - weights.tolerance)
    side = 1.0 if deviation > 0 else -1.0
    return 2.0 * weights.share * (deviation + side * weights.outside * beyond)


@routine
def _find_load(slope: float, weights: Weights) -> float:
    """Find the load at which one more grain costs so much: the inverse, but 0 at least."""
    deviation = slope / (2.0 * weights.share)
    side = 1.0 if deviation > 0 else -1.0
    if abs(deviation) > weights.tolerance:
        beyond = abs(deviation) - weights.tolerance
        deviation = side * (weights.tolerance + beyond / (1.0 + weights.outside))
    return max(0.0, (1.0 + deviation) / weights.share)


@kernel
def balance_and_moves(state: State) -> float:
    """Compute the terms that `bound_redraw` bounds. O(units)."""
    cost = 0.0
    for grid in range(len(state.load)):
        cost += balance_cost(state.load[grid], state.weights)
        cost += work_cost(state.work[grid], state.weights)
    for unit in range(len(state.home)):
        if state.home[unit] != NO_HOME and state.home[unit] != state.labels[unit]:
            cost += moving_cost(state, unit)
    return cost
