"""What keeps the grids of a part from their target, in words."""

from typing import NamedTuple

import numpy as np

from gridmap.partition.objective import Weights
from gridmap.partition.problem import WORK_GRAIN, Graph

#: Deviations below are not worth a reason; and from here on the buildings' part in one is named.
TRIFLE, NOTABLE = 0.01, 0.005


class Place(NamedTuple):
    """How a part is spoken of."""

    name: str  #: the community, or a part of it
    work: bool  #: what is balanced is the workload, instead of households

    def amount(self, households: float, load: float) -> str:
        """Say how much there is of what is balanced."""
        return f"a workload of {load / WORK_GRAIN:.0f}" if self.work else f"{households} households"


def name_place(parts: int, work: bool) -> Place:
    """Name a part of a community that falls into so many.

    Examples
    --------
    >>> name_place(1, False).name, name_place(3, False).name
    ('the community', 'this part of the community')
    """
    return Place("the community" if parts == 1 else "this part of the community", work)


def explain(graph: Graph, grids: int, weights: Weights, worst: float, place: Place) -> str:
    """Say in words what keeps the worst deviation from 0; "" if that is below 1 %.

    A building that alone is above the target, if the mean of all grids is nearer to it; else that
    mean; and where this is not all, that the buildings add up to nothing nearer.
    """
    load = float(graph.load.sum())
    if worst < TRIFLE:
        return ""
    if load == 0:
        return "nobody lives here"
    mean = load / grids * weights.share - 1.0
    alone = float(graph.load.max()) * weights.share - 1.0
    if alone > 1e-12 and alone >= abs(mean) - 1e-12:
        return _explain_building(graph, alone, place)
    return _explain_mean(graph, grids, mean, worst, place)


def _explain_building(graph: Graph, alone: float, place: Place) -> str:
    """Name the largest building, and its target."""
    most = int(np.argmax(graph.load))
    homes, load = int(graph.households[most]), float(graph.load[most])
    target = (load / WORK_GRAIN if place.work else homes) / (alone + 1)
    return f"a building alone has {place.amount(homes, load)}, the target is {target:.0f}"


def _explain_mean(graph: Graph, grids: int, mean: float, worst: float, place: Place) -> str:
    """Set all that there is against the number of grids, and say what the buildings add to it."""
    homes, load = int(graph.households.sum()), float(graph.load.sum())
    each = (load / WORK_GRAIN if place.work else homes) / grids
    share = f"{place.amount(homes, load)} for {grids} grid{'s' if grids > 1 else ''}"
    target = f"{each / (mean + 1):.0f}"
    if 2 * abs(mean) < worst:
        return f"the buildings, {share}, add up to no share nearer {target}"
    text = f"{place.name} has {share}" + (f", {each:.0f} each" if grids > 1 else "")
    more = ", and its buildings add up to nothing nearer"
    text += f", the target is {target}"
    return text + (more if grids > 1 and worst - abs(mean) > NOTABLE else "")
