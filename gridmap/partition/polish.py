"""Make the small parts of a drawing as good as they can be made, and prove it on the way.

The search of `gridmap.partition.improve` leaves a small part in a local optimum that no shift of a
unit and no fresh tree leads out of. Here two or three neighbouring grids are cut anew in the best
way there is, by the whole objective. Where the part is small enough the best balance of all
divisions is found first (`gridmap.partition.prove`), and then borders, crossings and compounds are
improved while the balance stays within ``slack`` of it: balance comes first, which is what weights
of the preset `balance` mean but a sum of terms does not say. With a large slack, as in the preset
`shape`, the sum of all terms decides alone.
"""

import numpy as np

from gridmap.partition.objective import Weights, make_state, part_cost
from gridmap.partition.problem import Component, Graph, Ints
from gridmap.partition.prove.resplit import improve_state
from gridmap.partition.prove.settle import cost_balance, find_balanced, settle_balance

#: Units of the largest part that is polished at little effort, and grids of the largest ever.
LARGEST, MOST_GRIDS = 64, 40
#: Units of a part up to which balance comes first at little effort: larger ones seldom get to the
#: best balance then, and would only pay for it with borders.
QUICK = 40
#: Moves per unit from which balance comes first in every part that is polished.
THOROUGH = 1000
#: What all but balance weighs then in the drawing that is polished.
EASED = 0.15
#: Sets listed per move then.
LISTED = 5
#: Share of the steps that cutting grids anew may take, and share of these for one group of grids.
RESPLIT, GROUP = 2, 5
#: A slack at which balance does not come first.
LAX = 1.0
#: A part whose balance comes first is drawn with so many times fewer moves.
SPARED = 4


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
    starts, allowed = [labels], np.inf
    if _comes_first(len(labels), weights, steps):
        even = _find_even(graph, labels, grids, weights, steps)
        allowed = cost_balance(graph, even, grids, weights) * (1.0 + weights.slack)
        fair = cost_balance(graph, labels, grids, weights) <= allowed
        starts = [even, labels] if fair else [even]
    return _choose_cheapest(graph, starts, grids, weights, steps // RESPLIT, allowed)


def ease_weights(component: Component, weights: Weights, steps: int) -> Weights:
    """Give the weights by which a part is drawn: balance first where there is time to polish it."""
    units = len(component.units)
    if not (_is_thorough(units, steps) and _comes_first(units, weights, steps)):
        return weights
    return weights._replace(
        street=EASED * weights.street,
        main_road=EASED * weights.main_road,
        railway=EASED * weights.railway,
        river=EASED * weights.river,
        compound=EASED * weights.compound,
        border=EASED * weights.border,
    )


def _is_polished(units: int, grids: int, weights: Weights, steps: int) -> bool:
    """Say whether a part is polished; cutting grids anew knows one balance only."""
    small = units <= LARGEST or (_is_thorough(units, steps) and weights.slack < LAX)
    return steps > 0 and small and grids <= MOST_GRIDS and weights.work == 0.0


def _is_thorough(units: int, steps: int) -> bool:
    return steps >= THOROUGH * units


def spare_steps(component: Component, weights: Weights, steps: int) -> int:
    """Say how many moves a part is to be drawn with: fewer where `polish_small` settles it."""
    units = len(component.units)
    settled = units <= LARGEST and _comes_first(units, weights, steps)
    return steps // SPARED if settled else steps


def _comes_first(units: int, weights: Weights, steps: int) -> bool:
    """Say whether a part gets the best balance first, and then the best of all else."""
    small = units <= QUICK or _is_thorough(units, steps)
    return small and weights.slack < LAX and weights.work == 0.0


def _find_even(graph: Graph, labels: Ints, grids: int, weights: Weights, steps: int) -> Ints:
    """Find a division that is as even as can be, or as it gets in so many steps."""
    even, _ = find_balanced(graph, labels, grids, weights, steps // RESPLIT)
    if len(labels) > LARGEST:
        return even
    thorough = _is_thorough(len(labels), steps)
    return settle_balance(graph, even, grids, weights, LISTED * steps if thorough else steps).labels


def _choose_cheapest(
    graph: Graph, starts: list[Ints], grids: int, weights: Weights, steps: int, allowed: float
) -> Ints:
    """Cut grids of each start anew by the whole objective; give the cheapest result."""
    best, least = starts[0], np.inf
    for labels in starts:
        state = make_state(graph, labels.astype(np.int32), grids, weights)
        improve_state(state, steps, steps // GROUP, allowed)
        cost = part_cost(state)
        if cost < least:
            best, least = state.labels.astype(np.int64), cost
    return best
