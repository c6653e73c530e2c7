"""Find the best balanced division of a part, by cutting grids anew and then by listing sets."""

from typing import NamedTuple

import numpy as np

from gridmap.partition.objective import Weights, soften
from gridmap.partition.problem import Graph, Ints
from gridmap.partition.prove.bounds import sum_costs, sum_loads
from gridmap.partition.prove.cover import solve_region
from gridmap.partition.prove.region import make_region
from gridmap.partition.prove.resplit import recut

#: Share of its steps that one group of grids may take.
GROUP_SHARE = 50


def find_balanced(
    graph: Graph, labels: Ints, grids: int, weights: Weights, steps: int
) -> tuple[Ints, int]:
    """Cut groups of grids anew while their balance gets better; give the labels and the steps."""
    alone = soften(weights, 0.0)
    state, used = recut(graph, labels, grids, alone, steps, steps // GROUP_SHARE)
    return state.labels.astype(np.int64), used


class Settled(NamedTuple):
    """The best division of a part that is known."""

    labels: Ints
    bound: float  #: no division costs less


def settle_balance(graph: Graph, labels: Ints, grids: int, weights: Weights, steps: int) -> Settled:
    """Find better and better balanced divisions of a part until none is left, or steps are spent.

    ``labels``: a division into connected grids, each with a household.
    """
    region, bound, used = make_region(graph), 0.0, 0
    while region is not None and used < steps:
        cost = cost_balance(graph, labels, grids, weights)
        if measure_gap(cost, bound) == 0:
            break
        answer = solve_region(region, grids, cost, weights, steps - used)
        used, bound = used + answer.steps, max(bound, answer.bound)
        if answer.groups is None:
            break
        labels = _fill(graph, answer.groups)
    return Settled(labels, bound)


def measure_gap(cost: float, bound: float) -> float:
    """Give the share that cost is above bound, 0 for what rounding explains."""
    over = cost - bound
    if over <= 1e-9 * max(bound, 1e-3):
        return 0.0
    return over / bound if bound > 0 else float("inf")


def cost_balance(graph: Graph, labels: Ints, grids: int, weights: Weights) -> float:
    """Compute the balance of a labelled part."""
    return sum_costs(sum_loads(labels, graph.load, grids), weights)


def _fill(graph: Graph, groups: Ints) -> Ints:
    """Give the units that no grid needs to a grid that they touch."""
    labels = groups.copy()
    while (labels < 0).any():
        one, two = graph.owner, graph.neighbour
        open_ = graph.usable & (labels[one] < 0) & (labels[two] >= 0)
        unit, side = np.unique(one[open_], return_index=True)
        labels[unit] = labels[two[open_][side]]
    return labels
