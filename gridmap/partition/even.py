"""Draw a small part as evenly as can be: quick drawings, each evened out, and the rest listed.

One long search of a small part ends in one local optimum; several short ones end in several, and
the best of them is far better where there are towers, which few combinations of units balance. Each
drawing is evened out by cutting two or three of its grids anew in the best way
(`gridmap.partition.prove.resplit`). After the first, all sets of units that could do better are
listed (`gridmap.partition.prove`): where that succeeds the balance is the optimum, and nothing
further is drawn. Then borders, crossings and compounds of all drawings that are even enough are
improved, at an exchange that favours balance. So balance comes first, which is what weights of the
preset `balance` mean but a sum of terms does not say.
"""

from typing import NamedTuple

import numpy as np

from gridmap.partition.improve import make_search
from gridmap.partition.objective import Weights, make_state, soften
from gridmap.partition.polish import choose_cheapest, comes_first, is_thorough
from gridmap.partition.problem import Bits, Graph, Ints, Positions
from gridmap.partition.prove.bounds import relax
from gridmap.partition.prove.resplit import TINY, recut
from gridmap.partition.prove.settle import cost_balance, measure_gap, settle_balance
from gridmap.partition.search import search_part
from gridmap.partition.split import make_pieces, make_tree

#: Units of the largest part that is drawn so, and of the largest that is worth it for a trifle.
MOST, FEW = 80, 64
#: Drawings at most, at little effort and where there is time for any part.
DRAWINGS, THOROUGH_DRAWINGS = 2, 6
#: A drawing after the first takes such a share of the steps, and the last improvement such a one.
DRAWN, LAST = 20, 1
#: Multiple of the steps that evening out a drawing may take, and the share of a group of grids.
EVENED, GROUP = 2, 20
#: Steps of listing sets and covering with them, for each step of the drawing: at little effort,
#: and where there is time for any part.
LISTED, THOROUGH_LISTED = 21, 5
#: Balance per grid above the bound, a squared relative deviation, at which no more is drawn: in a
#: part of up to `FEW` units, and in a larger one, which would pay for it with more border.
FINE, COARSE = 0.0003, 0.002
#: Balance per grid that may be paid for borders at little effort, beside the slack.
SPARE = 0.001
#: What cutting two or three grids anew must gain at least.
TRIFLE = 0.0003
#: What all but balance weighs when the most even drawings are improved, and when the first is.
EASED, AKIN = 0.12, 0.4


class _Part(NamedTuple):
    """What is asked for."""

    graph: Graph
    grids: int
    weights: Weights
    steps: int

    @property
    def thorough(self) -> bool:
        """Whether no balance is a trifle."""
        return is_thorough(len(self.graph.load), self.steps)

    def balance(self, labels: Ints) -> float:
        """Cost of the balance of a drawing."""
        return cost_balance(self.graph, labels, self.grids, self.weights)


def is_drawn_evenly(units: int, weights: Weights, steps: int) -> bool:
    """Say whether a part of so many units is drawn by `draw_even`."""
    return steps > 0 and units <= MOST and comes_first(units, weights, steps)


def draw_even(
    graph: Graph, first: Ints, grids: int, weights: Weights, words: Bits, steps: int
) -> Ints:
    """Draw a small part: nearly the best balance that is found, and of these the best of all else.

    Parameters
    ----------
    graph : Graph
        With at most `MOST` units.
    first : array of int, per unit
        A drawing by the whole objective, grid 0 … k-1, each connected and inhabited.
    grids : int
        Their number, 2 or more.
    weights : Weights
        ``slack`` says how much balance all else is worth.
    words : uint64 array
        State of the random numbers.
    steps : int
        1 or more; moves, sets and covers tried are counted by it.

    Returns
    -------
    int64 array, per unit
        Grid 0 … k-1, each in one piece and with a household.
    """
    part = _Part(graph, grids, weights, steps)
    drawings = _draw_several(part, first, words)
    least = min(part.balance(labels) for labels in drawings)
    spare = 0.0 if part.thorough else SPARE * grids
    allowed = least + max(weights.slack * least, spare)
    drawings.append(_cut_anew(part, first, AKIN))
    kept = [labels for labels in drawings if part.balance(labels) <= allowed]
    return choose_cheapest(graph, kept, grids, soften(weights, EASED), steps // LAST, allowed)


def _draw_several(part: _Part, first: Ints, words: Bits) -> list[Ints]:
    """Give the first drawing if it is even enough, or evened ones until one is, or is the best."""
    enough = _find_enough(part)
    if part.balance(first) <= enough:
        return [first]
    drawings = [_cut_anew(part, first, 0.0)]
    least = part.balance(drawings[0])
    if least <= enough:
        return drawings
    listed = (THOROUGH_LISTED if part.thorough else LISTED) * part.steps
    settled = settle_balance(part.graph, drawings[0], part.grids, part.weights, listed)
    if settled.labels is not drawings[0]:
        drawings.append(settled.labels)
        least = part.balance(settled.labels)
    if measure_gap(least, settled.bound) == 0.0:
        return drawings
    return drawings + _draw_quickly(part, words, min(least, enough))


def _find_enough(part: _Part) -> float:
    """Find the balance at which no more is drawn: at the bound, or a trifle above."""
    trifle = FINE if len(part.graph.load) <= FEW else COARSE
    floor = relax(part.graph.load.astype(np.float64), part.grids, part.weights).bound
    return floor + (0.0 if part.thorough else trifle * part.grids)


def _draw_quickly(part: _Part, words: Bits, enough: float) -> list[Ints]:
    """Draw and even out until a balance is good enough."""
    graph, grids = part.graph, part.grids
    state = make_state(graph, np.zeros(len(graph.load), np.int32), grids, part.weights)
    room = make_tree(graph, words), make_search(graph, words), make_pieces(graph, grids)
    drawings: list[Ints] = []
    for _ in range((THOROUGH_DRAWINGS if part.thorough else DRAWINGS) - 1):
        drawn = np.empty(len(graph.load), np.int32)
        search_part(state, *room, np.inf, drawn, 1, part.steps // DRAWN, 0)
        drawings.append(_cut_anew(part, drawn, 0.0))
        if part.balance(drawings[-1]) <= enough:
            break
    return drawings


def _cut_anew(part: _Part, labels: Ints | Positions, share: float) -> Ints:
    """Cut pairs and triples of grids anew while balance, and a share of all else, gets better."""
    weights, steps = soften(part.weights, share), EVENED * part.steps
    trifle = TINY if part.thorough else TRIFLE
    state, _ = recut(part.graph, labels, part.grids, weights, steps, steps // GROUP, trifle=trifle)
    return state.labels.astype(np.int64)
