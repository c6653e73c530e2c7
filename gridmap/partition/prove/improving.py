"""Put the better divisions that certificates know into a plan."""

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from numpy.typing import ArrayLike

from gridmap.errors import RulesError
from gridmap.partition.matching import match_grids
from gridmap.partition.objective import Weights, cost_labels, weigh_moves, weigh_problem
from gridmap.partition.problem import Graph, Ints, Problem
from gridmap.partition.prove.certificate import (
    DEFAULT_STEPS,
    RESPLIT_SHARE,
    Certificate,
    check_labels,
    prove,
    split_parts,
)
from gridmap.partition.prove.resplit import recut
from gridmap.partition.prove.settle import GROUP_SHARE, cost_balance
from gridmap.rules import Rules


def improve_small(
    problem: Problem,
    labels: ArrayLike,
    rules: Rules,
    *,
    by: str = "cost",
    numbers: bool = False,
    locked: ArrayLike = (),
    steps: int = DEFAULT_STEPS,
    executor: Executor | None = None,
) -> Ints:
    """Put better balanced divisions, proven ones where known, into a plan.

    Parameters
    ----------
    problem, labels, rules, locked, steps, executor
        As for `prove`.
    by : str
        ``cost``: a part is changed only where its whole objective falls, so the plan never gets
        worse. ``balance``: wherever its balance does, whatever that costs in borders.
    numbers : bool
        Also take another number of grids where a division into it is known that is better
        (`Certificate.other`). By default a part keeps its number, whatever its certificate says.

    Returns
    -------
    int64 array, per unit
        Grid of each unit; grids keep their labels. With ``numbers`` they are numbered 0 … k-1
        instead, in the order of their labels; grids that go on come before new ones.

    Raises
    ------
    PlanError, RulesError
        As `prove`; RulesError also for another ``by``.
    """
    if by not in ("cost", "balance"):
        raise RulesError(f"by is {by!r}, not 'cost' or 'balance'")
    certificates = prove(problem, labels, rules, locked=locked, steps=steps, executor=executor)
    places, fixed = check_labels(problem, labels, locked)
    weights, better = weigh_problem(problem, rules), places.copy()
    measure = cost_balance if by == "balance" else cost_labels
    parts = split_parts(problem, places, fixed, rules)
    for component, one in zip(parts, certificates, strict=True):
        drawings = [places[one.units]] + ([] if one.labels is None else [one.labels])
        if numbers and one.other is not None and one.other.labels is not None:
            first = int(better.max()) + 1
            drawings.append(_take_other(component.graph, one, weights, drawings[0], steps, first))
        costs = [_measure_labels(component.graph, each, weights, measure) for each in drawings]
        better[one.units] = drawings[int(np.argmin(costs))]  # the first of equals
    return np.unique(better, return_inverse=True)[1] if numbers else better


def _take_other(
    graph: Graph, one: Certificate, weights: Weights, labels: Ints, steps: int, first: int
) -> Ints:
    """Draw the borders of the better division into another number, and name its grids.

    Each is named after the one before that it shares most with, a new one by a number from
    ``first`` on.
    """
    assert one.other is not None and one.other.labels is not None
    steps = steps // RESPLIT_SHARE
    state, _ = recut(
        *(graph, one.other.labels, one.other.grids, weights),
        *(steps, steps // GROUP_SHARE),
        allowed=one.other.cost,
    )
    same = match_grids(state.labels, labels, weigh_moves(graph.households))
    names = np.where(same >= 0, same, first + np.arange(len(same)))
    return np.asarray(names[state.labels], np.int64)


def _measure_labels(
    graph: Graph, labels: Ints, weights: Weights, measure: Callable[..., float]
) -> float:
    """Measure a part whose grids have any labels."""
    grids, places = np.unique(labels, return_inverse=True)
    return measure(graph, places, len(grids), weights)
