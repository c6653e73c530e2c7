"""How many grids a connected part gets: the objective decides among the feasible numbers."""

import numpy as np

from gridmap.partition.objective import Weights, balance_cost, work_cost
from gridmap.partition.problem import Graph, Ints, kernel

#: Two numbers of grids are both drawn where the bounds of their imbalance differ by less: what
#: borders and crossings may still turn round.
NEAR = 0.01


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


def bound_imbalance(graph: Graph, grids: int, weights: Weights) -> float:
    """Bound the imbalance of so many grids from below: large units alone, the rest in even shares.

    Borders are forgotten, and a workload is shared out evenly. See
    `gridmap.partition.prove.bound_balance` for the proof, and for a stronger bound.
    """
    largest = np.sort(graph.load)[::-1][:grids].copy()
    floor = float(_bound_loads(largest, int(graph.load.sum()), grids, weights))
    return floor + grids * float(work_cost(graph.work.sum() / grids, weights))


@kernel
def _bound_loads(largest: Ints, total: int, grids: int, weights: Weights) -> float:
    cost, alone = 0.0, 0
    while alone < grids - 1 and largest[alone] * (grids - alone) > total:
        cost += balance_cost(largest[alone], weights)
        total -= largest[alone]
        alone += 1
    return cost + (grids - alone) * balance_cost(total / (grids - alone), weights)
