"""Could another number of grids be more even? Bounds over all numbers, and divisions that prove it.

The objective chooses the number of grids as well, so that a plan is only as good as its number. The
relaxation of `bounds` is cheap for every number at once. Those whose bound is below the cost of the
best division known are rivals: the most promising are drawn and settled like the plan itself.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gridmap.partition.counts import NEAR, bound_counts, list_counts
from gridmap.partition.objective import Weights, make_state
from gridmap.partition.problem import Graph, Ints
from gridmap.partition.prove.bounds import Sums, list_sums, relax
from gridmap.partition.prove.settle import (
    cost_balance,
    find_balanced,
    measure_gap,
    settle_balance,
)
from gridmap.partition.split import make_pieces, make_tree, split_part

#: Other numbers of grids that are drawn, at most.
DRAWN = 3
#: Inhabited units per grid from which what they add up to hardly matters.
COARSE = 4
#: Trees per cut of the first drawing.
TREES = 4
#: Share of the steps of a drawing that go into cutting its grids anew.
RESPLIT_SHARE = 4


class Other(NamedTuple):
    """Another number of grids, by which a part may be more even."""

    grids: int
    bound: float  #: no division into so many costs less
    cost: float  #: cost of ``labels``; infinite if none is known
    labels: Ints | None  #: per unit, grid 0 … grids-1 of a division into so many


def rank_numbers(
    graph: Graph, weights: Weights, sums: Sums, limit: float = np.inf
) -> Iterator[tuple[float, int]]:
    """List the numbers of grids whose bound is below a limit, and the bound; least first.

    The bound that forgets what units add up to is computed for all, the stronger one of `relax`
    only where it may come next.
    """
    loads, floors = graph.load.astype(np.float64), bound_counts(graph, weights)
    heap = [(floors[count - 1], count, False) for count in np.flatnonzero(floors < limit) + 1]
    heapq.heapify(heap)
    while heap:
        bound, count, strong = heapq.heappop(heap)
        if strong:
            yield float(bound), int(count)
            continue
        bound = relax(loads, int(count), weights, sums).bound
        if measure_gap(limit, bound) > 0:
            heapq.heappush(heap, (bound, count, True))


def choose_number(graph: Graph, due: int, weights: Weights) -> int:
    """Choose the number of grids with the least bound.

    Where several have the same it is the one that is due, or else the nearest to what is due if
    units above the band count as one grid each.

    Examples
    --------
    >>> from gridmap.partition.objective import make_weights
    >>> from gridmap.partition.problem import assemble_problem, split_components
    >>> from gridmap.rules import Costs, Rules
    >>> row = assemble_problem(
    ...     households=[900, 200, 200], community=[0] * 3, compound=[-1] * 3, block=[0] * 3,
    ...     pairs=[(0, 1), (1, 2)], border=[9] * 2, barrier=[0] * 2, usable=[True] * 2,
    ... )
    >>> [part] = split_components(row, Rules())
    >>> choose_number(part.graph, 3, make_weights(Rules(costs=Costs.cut_edges())))  # 900 and 400
    2
    """
    chosen: list[tuple[float, int]] = []
    sums = list_sums(graph.load.astype(np.float64), weights)
    for bound, count in rank_numbers(graph, weights, sums):
        if chosen and measure_gap(bound, chosen[0][0]) > 0:
            break
        chosen.append((bound, count))
    worth = np.where(graph.load > weights.largest, 1.0, graph.load * weights.share)
    return min((count != due, abs(count - worth.sum()), count) for _, count in chosen)[2]


def list_numbers(graph: Graph, due: int, weights: Weights) -> list[int]:
    """List the numbers of grids worth drawing, as `list_counts` does.

    Where units are large it is what they add up to that decides: then a number far from the one
    that is due may be the best, and is drawn beside it.
    """
    counts = list_counts(graph, due, weights)
    if np.count_nonzero(graph.load) >= COARSE * counts[0]:
        return counts
    loads = graph.load.astype(np.float64)
    sums = list_sums(loads, weights)
    bound, best = next(rank_numbers(graph, weights, sums))
    known = min(relax(loads, count, weights, sums).bound for count in counts)
    return counts if best in counts or bound > known - NEAR else [best, counts[0]]


def find_other(
    graph: Graph,
    grids: int,
    weights: Weights,
    sums: Sums,
    cost: float,
    bound: float,
    steps: int,
) -> tuple[Other | None, float]:
    """Find another number of grids by which a part is more even, or may be.

    Parameters
    ----------
    graph : Graph
    grids : int
        The number that is known.
    weights : Weights
    sums : Sums
        Of the loads of the part.
    cost : float
        Balance of the best division known into so many.
    bound : float
        No division into so many costs less. While it is below ``cost``, another number is drawn
        only where that promises more than `NEAR`.
    steps : int
        Sets listed and covers tried, over all numbers; 0 gives bounds only.

    Returns
    -------
    other : Other or None
        The best division into another number that costs less; else the number with the least bound
        that is open; None where no other number costs less.
    least : float
        No division into another number costs less; ``cost`` if none is below.
    """
    best, open_ = None, []
    ranked = rank_numbers(graph, weights, sums, cost)
    rivals = (rival for rival in ranked if rival[1] != grids)
    worth = cost if measure_gap(cost, bound) == 0 else bound - NEAR
    for drawn, (floor, count) in enumerate(rivals):
        limit = cost if best is None else best.cost
        if measure_gap(limit, floor) == 0:
            break
        if drawn == DRAWN or steps == 0 or floor >= worth:
            open_.append(Other(count, floor, np.inf, None))  # all further bounds are higher
            break
        one = _draw_number(graph, count, weights, floor, steps // DRAWN)
        if measure_gap(limit, one.cost) > 0:
            best = one
        if measure_gap(limit, one.bound) > 0:
            open_.append(one)
    found = min(open_, key=lambda one: one.bound, default=None)
    if found is None:
        return None, cost
    return (found._replace(cost=np.inf, labels=None) if best is None else best), found.bound


def _draw_number(graph: Graph, grids: int, weights: Weights, bound: float, steps: int) -> Other:
    """Draw a part with so many grids, as evenly as the steps allow."""
    rng = np.random.SeedSequence(grids).generate_state(1, np.uint64).astype(np.uint64)
    state = make_state(graph, np.zeros(len(graph.load), np.int32), grids, weights)
    state.inside[:] = 0.0  # balance alone
    split_part(state, make_tree(graph, rng), make_pieces(graph, grids), TREES)
    labels = state.labels.astype(np.int64)
    labels, used = find_balanced(graph, labels, grids, weights, steps // RESPLIT_SHARE)
    found = settle_balance(graph, labels, grids, weights, steps - used)
    cost = cost_balance(graph, found.labels, grids, weights)
    return Other(grids, min(max(bound, found.bound), cost), cost, found.labels)
