"""Could another number of grids be more even? Bounds over all numbers, and divisions that prove it.

The objective chooses the number of grids as well, so that a plan is only as good as its number. The
relaxation of `bounds` is cheap for every number at once. Those whose bound is below the cost of the
best division known are rivals: the most promising are drawn and settled like the plan itself.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gridmap.partition.counts import bound_counts
from gridmap.partition.objective import Weights, make_state
from gridmap.partition.problem import Graph, Ints
from gridmap.partition.prove.bounds import Sums, relax
from gridmap.partition.prove.settle import (
    cost_balance,
    find_balanced,
    measure_gap,
    settle_balance,
)
from gridmap.partition.split import make_pieces, make_tree, split_part

#: Other numbers of grids that are drawn, at most.
DRAWN = 3
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


def list_rivals(
    graph: Graph, grids: int, weights: Weights, sums: Sums, limit: float
) -> Iterator[tuple[float, int]]:
    """List the other numbers of grids whose bound is below a limit, and the bound; least first.

    The bound that forgets what units add up to is computed for all, the stronger one of `relax`
    only where it may come next.
    """
    loads, floors = graph.load.astype(np.float64), bound_counts(graph, weights)
    heap = [(floors[count - 1], count, False) for count in np.flatnonzero(floors < limit) + 1]
    heap = [each for each in heap if each[1] != grids]
    heapq.heapify(heap)
    while heap:
        bound, count, strong = heapq.heappop(heap)
        if strong:
            yield float(bound), int(count)
            continue
        bound = relax(loads, int(count), weights, sums).bound
        if measure_gap(limit, bound) > 0:
            heapq.heappush(heap, (bound, count, True))


def find_other(
    graph: Graph, grids: int, weights: Weights, sums: Sums, cost: float, steps: int
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
    rivals = list_rivals(graph, grids, weights, sums, cost)
    for drawn, (bound, count) in enumerate(rivals):
        limit = cost if best is None else best.cost
        if measure_gap(limit, bound) == 0:
            break
        if drawn == DRAWN or steps == 0:
            open_.append(Other(count, bound, np.inf, None))  # all further bounds are higher
            break
        one = _draw_number(graph, count, weights, bound, steps // DRAWN)
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
