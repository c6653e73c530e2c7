"""How many grids a connected part gets: the objective decides among the feasible numbers."""

import numpy as np

from gridmap.partition.objective import Weights, balance_cost, work_cost
from gridmap.partition.problem import Floats, Graph, Ints, kernel

#: Two numbers of grids are both drawn where the bounds of their imbalance differ by less: what
#: borders and crossings may still turn round.
NEAR = 0.01
#: Imbalance that another number must promise to save, before it is drawn after the first.
WORTH = 0.08


def list_counts(graph: Graph, due: int, weights: Weights) -> list[int]:
    """List the numbers of grids worth drawing, the one with the least imbalance first.

    Parameters
    ----------
    graph : Graph
    due : int
        Households / target, rounded; one more and one less compete with it. No grid is left
        without an inhabited unit.
    weights : Weights

    Returns
    -------
    list of int
        One number, or two that are as good as equal.
    """
    feasible = _list_feasible(graph, [due - 1, due, due + 1])
    floors = [bound_imbalance(graph, grids, weights) for grids in feasible]
    order = np.argsort(floors, kind="stable")
    return [feasible[place] for place in order[:2] if floors[place] <= floors[order[0]] + NEAR]


def list_rivals(graph: Graph, numbers: list[int], weights: Weights, imbalance: float) -> list[int]:
    """List those of some numbers of grids that may be more even than a drawing, by `WORTH` or more.

    Borders and large units can make the number that promised most a poor one.
    """
    return [
        grids
        for grids in _list_feasible(graph, numbers)
        if bound_imbalance(graph, grids, weights) < imbalance - WORTH
    ]


def _list_feasible(graph: Graph, numbers: list[int]) -> list[int]:
    """List those of some numbers of grids that leave none without an inhabited unit; 1 always."""
    most = max(1, int(np.count_nonzero(graph.load)))
    return [grids for grids in numbers if 1 <= grids <= most]


def bound_imbalance(graph: Graph, grids: int, weights: Weights) -> float:
    """Bound the imbalance of so many grids from below: large units alone, the rest in even shares.

    Borders are forgotten, and a workload is shared out evenly. See
    `gridmap.partition.prove.bound_balance` for the proof, and for a stronger bound.
    """
    floor = float(_bound_loads(graph, grids, weights)[-1])
    return floor + grids * float(work_cost(graph.work.sum() / grids, weights))


def bound_counts(graph: Graph, weights: Weights) -> Floats:
    """Bound the imbalance of 1, 2, … grids, as `bound_imbalance` does, but of the load alone.

    The last number is that of the inhabited units, at least 1. O(units · log units).
    """
    return _bound_loads(graph, max(1, int(np.count_nonzero(graph.load))), weights)


def _bound_loads(graph: Graph, most: int, weights: Weights) -> Floats:
    """Bound the imbalance of the loads of 1, 2, … ``most`` grids."""
    largest, floors = np.sort(graph.load)[::-1][:most].copy(), np.empty(most)
    _sweep_counts(largest, int(graph.load.sum()), weights, floors)
    return floors


@kernel
def _sweep_counts(largest: Ints, total: int, weights: Weights, floors: Floats) -> None:
    """Bound every number of grids: a unit that is alone stays so when there are more grids.

    O(grids).
    """
    spent, alone = 0.0, 0
    for grids in range(1, len(floors) + 1):
        while alone < grids - 1 and largest[alone] * (grids - alone) > total:
            spent += balance_cost(largest[alone], weights)
            total -= largest[alone]
            alone += 1
        even = total / (grids - alone)
        floors[grids - 1] = spent + (grids - alone) * balance_cost(even, weights)
