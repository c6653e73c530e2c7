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
    most = max(1, int(np.count_nonzero(graph.load)))
    feasible = [grids for grids in (due - 1, due, due + 1) if 1 <= grids <= most]
    floors = [bound_imbalance(graph, grids, weights) for grids in feasible]
    order = np.argsort(floors, kind="stable")
    return [feasible[place] for place in order[:2] if floors[place] < floors[order[0]] + NEAR]


def list_rivals(graph: Graph, numbers: list[int], weights: Weights, imbalance: float) -> list[int]:
    """List those of some numbers of grids that may be more even than a drawing, by `WORTH` or more.

    Borders and large units can make the number that promised most a poor one.
    """
    most = int(np.count_nonzero(graph.load))
    feasible = [grids for grids in numbers if 1 <= grids <= most]
    return [
        grids for grids in feasible if bound_imbalance(graph, grids, weights) < imbalance - WORTH
    ]


def bound_imbalance(graph: Graph, grids: int, weights: Weights) -> float:
    """Bound the imbalance of so many grids from below: large units alone, the rest in even shares.

    Borders are forgotten, and a workload is shared out evenly. See
    `gridmap.partition.prove.bound_balance` for the proof, and for a stronger bound.
    """
    largest = np.sort(graph.load)[::-1][:grids].copy()
    floor = float(_bound_loads(largest, int(graph.load.sum()), grids, weights))
    return floor + grids * float(work_cost(graph.work.sum() / grids, weights))


def bound_counts(graph: Graph, weights: Weights) -> Floats:
    """Bound the imbalance of 1, 2, … grids, as `bound_imbalance` does, but of the load alone.

    The last number is that of the inhabited units, at least 1. O(units · log units).
    """
    largest = np.sort(graph.load)[::-1].copy()
    floors = np.empty(max(1, int(np.count_nonzero(largest))))
    _sweep_counts(largest, int(graph.load.sum()), weights, floors)
    return floors


@kernel
def _sweep_counts(largest: Ints, total: int, weights: Weights, floors: Floats) -> None:
    """Bound every number of grids: a unit that is alone stays so when there are more grids."""
    spent, alone = 0.0, 0
    for grids in range(1, len(floors) + 1):
        while alone < grids - 1 and largest[alone] * (grids - alone) > total:
            spent += balance_cost(largest[alone], weights)
            total -= largest[alone]
            alone += 1
        even = total / (grids - alone)
        floors[grids - 1] = spent + (grids - alone) * balance_cost(even, weights)


@kernel
def _bound_loads(largest: Ints, total: int, grids: int, weights: Weights) -> float:
    cost, alone = 0.0, 0
    while alone < grids - 1 and largest[alone] * (grids - alone) > total:
        cost += balance_cost(largest[alone], weights)
        total -= largest[alone]
        alone += 1
    return cost + (grids - alone) * balance_cost(total / (grids - alone), weights)
