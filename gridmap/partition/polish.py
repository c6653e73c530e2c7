"""Make the small parts of a drawing as good as they can be made, and prove it on the way.

The search of `gridmap.partition.improve` leaves a small part in a local optimum that no shift of a
unit and no fresh tree leads out of. Here two or three neighbouring grids are cut anew in the best
way there is, by the whole objective. Where the part is small enough the best balance of all
divisions is found first (`gridmap.partition.prove`), and then borders, crossings and compounds are
improved while the balance stays within ``slack`` of it: balance comes first, which is what weights
of the preset `balance` mean but a sum of terms does not say. At little effort a trifle of balance
per grid is not worth a border, and nothing is looked for where no more can be won. With a large
slack, as in the preset `shape`, the sum of all terms decides alone. Parts of up to 80 units whose
balance comes first are drawn by `gridmap.partition.even`, and do not come here.
"""

import numpy as np

from gridmap.partition.counts import bound_imbalance
from gridmap.partition.objective import Weights, part_cost, soften
from gridmap.partition.problem import Component, Graph, Ints
from gridmap.partition.prove.resplit import recut
from gridmap.partition.prove.settle import cost_balance, find_balanced, settle_balance

#: Units of the largest part that is always polished, of the largest whose balance comes first at
#: little effort, and grids of the largest ever.
LARGEST, MEDIUM, MOST_GRIDS = 64, 128, 40
#: Balance per grid, a squared relative deviation, that is not worth a border at little effort.
COARSE = 0.002
#: Steps for each set listed.
LISTED = 4
#: Moves per unit from which balance comes first in every part that is polished.
THOROUGH = 1000
#: What all but balance weighs then in the drawing that is polished.
EASED = 0.15
#: Share of the steps that cutting grids anew may take, and share of these for one group of grids.
RESPLIT, GROUP = 2, 5
#: A slack at which balance does not come first.
LAX = 1.0


def polish_small(component: Component, labels: Ints, weights: Weights, steps: int) -> Ints:
    """Improve a drawing of a small part; others stay as they are.

    Deterministic, and without random numbers. The result has as many grids, each in one piece and
    with a household.

    Parameters
    ----------
    component : Component
    labels : array of int, per unit
        Grid 0 … k-1, each connected and inhabited.
    weights : Weights
        ``slack`` says whether balance comes first.
    steps : int
        Moves that the part was drawn with. Sets tried here are counted by it.

    Returns
    -------
    int64 array, per unit
        Grid 0 … k-1.
    """
    graph, grids = component.graph, int(labels.max(initial=0)) + 1
    if grids == 1 or component.exclusive or not _is_polished(len(labels), grids, weights, steps):
        return labels
    if comes_first(len(labels), weights, steps):
        return _put_balance_first(graph, labels, grids, weights, steps)
    return choose_cheapest(graph, [labels], grids, weights, steps // RESPLIT, np.inf)


def _put_balance_first(
    graph: Graph, labels: Ints, grids: int, weights: Weights, steps: int
) -> Ints:
    """Find a better balance, and within its slack the best of all else.

    Nothing is looked for where the lower bound shows that it would not be worth a border.
    """
    spare = 0.0 if is_thorough(len(labels), steps) else COARSE * grids
    cost = cost_balance(graph, labels, grids, weights)
    if cost <= bound_imbalance(graph, grids, weights) + spare:
        return labels
    even, _ = find_balanced(graph, labels, grids, weights, steps // RESPLIT)
    if len(labels) <= MEDIUM:
        even = settle_balance(graph, even, grids, weights, steps // LISTED).labels
    best = cost_balance(graph, even, grids, weights)
    allowed = best + max(weights.slack * best, spare)
    starts = [even, labels] if cost <= allowed else [even]
    return choose_cheapest(graph, starts, grids, weights, steps // RESPLIT, allowed)


def favour_balance(component: Component, weights: Weights, steps: int) -> Weights:
    """Give the weights by which a part is drawn: balance first where there is time to polish it."""
    units = len(component.units)
    if not (is_thorough(units, steps) and comes_first(units, weights, steps)):
        return weights
    return soften(weights, EASED)


def _is_polished(units: int, grids: int, weights: Weights, steps: int) -> bool:
    """Say whether a part is polished; cutting grids anew knows one balance only."""
    small = units <= LARGEST or comes_first(units, weights, steps)
    return steps > 0 and small and grids <= MOST_GRIDS and weights.work == 0.0


def is_thorough(units: int, steps: int) -> bool:
    """Say whether there is so much time that balance comes first in a part of any size."""
    return steps >= THOROUGH * units


def comes_first(units: int, weights: Weights, steps: int) -> bool:
    """Say whether a part gets the best balance first, and then the best of all else."""
    small = units <= MEDIUM or is_thorough(units, steps)
    return small and weights.slack < LAX and weights.work == 0.0


def choose_cheapest(
    graph: Graph, starts: list[Ints], grids: int, weights: Weights, steps: int, allowed: float
) -> Ints:
    """Cut grids of each start anew by the whole objective; give the cheapest result."""
    best, least = starts[0], np.inf
    for labels in starts:
        state, _ = recut(graph, labels, grids, weights, steps, steps // GROUP, allowed=allowed)
        cost = part_cost(state)
        if cost < least:
            best, least = state.labels.astype(np.int64), cost
    return best
