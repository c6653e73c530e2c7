"""The partition engine: units into balanced grids, each in one piece and in one community.

`partition_units` takes and gives tables; `partition_problem` arrays. What a plan costs is written
once, in `gridmap.partition.objective`, and holds for plans drawn by hand as well.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import numpy as np
import pandas as pd

from gridmap.errors import RulesError
from gridmap.partition.improve import anneal, make_search
from gridmap.partition.objective import (
    Cost,
    Weights,
    evaluate,
    excess_imbalance,
    make_state,
    make_weights,
    part_cost,
)
from gridmap.partition.problem import (
    Component,
    Ints,
    Problem,
    assemble_problem,
    make_problem,
    split_components,
)
from gridmap.partition.split import make_pieces, make_tree, split_part
from gridmap.rules import Rules

__all__ = [
    "DEFAULT_STEPS",
    "Cost",
    "Problem",
    "assemble_problem",
    "evaluate",
    "make_problem",
    "partition_problem",
    "partition_units",
    "warm_up",
]

#: Moves tried per unit at most, over all starts.
DEFAULT_STEPS = 250
#: Starts at most; many short ones beat a long one while a part is small.
STARTS = 10
#: Units tried over all starts: parts above a tenth of it get fewer starts, each the longer.
REACH = 6000
#: Units that count at least, however small the part.
FLOOR = 100
#: Trees drawn for each cut of a split.
TRIES = 8
#: Cost of imbalance per grid above an even division at which no further start is made (its root is
#: a relative deviation, 3 %).
GOOD = 0.001
#: Units per task handed to an executor; fixed, so that the answer is the same for any workers.
BATCH = 1500

Progress = Callable[[str, int, int], None]


def partition_units(
    units: pd.DataFrame,
    adjacency: pd.DataFrame,
    rules: Rules,
    *,
    seed: int = 0,
    steps: int = DEFAULT_STEPS,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> pd.Series:
    """Draw grids: every unit in one, each in one piece over usable pairs and in one community.

    A community gets households / target grids, half up, at least one; where it falls into parts
    that touch over no usable pair, each part gets its own (see `problem.count_grids`).

    Parameters
    ----------
    units : GeoDataFrame
        Keeps `gridmap.tables.UNITS`.
    adjacency : DataFrame
        Keeps `gridmap.tables.ADJACENCY`.
    rules : Rules
        Target, tolerance and costs.
    seed : int
        Same input, seed and steps, same answer: with any number of workers, on any machine.
    steps : int
        Moves tried per unit at most, over all starts; 0 keeps a first split.
    executor : concurrent.futures.Executor, optional
        Threads scale, as the kernels release the GIL; processes work too.
    progress : callable, optional
        Called as ``progress("partition", units done, units)``.

    Returns
    -------
    Series of int64
        ``grid_id`` 0 … k-1 by ``unit_id``: communities in order of first appearance, inside a
        community in order of a grid's first unit.

    Raises
    ------
    TableError
        If a table does not keep its contract.
    RulesError
        If steps or seed is negative.
    """
    problem = make_problem(units, adjacency)
    labels = partition_problem(
        problem, rules, seed=seed, steps=steps, executor=executor, progress=progress
    )
    return pd.Series(labels, index=units.index, name="grid_id")


def partition_problem(
    problem: Problem,
    rules: Rules,
    *,
    seed: int = 0,
    steps: int = DEFAULT_STEPS,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Ints:
    """Draw grids for a problem made of arrays; see `partition_units`.

    Returns
    -------
    int64 array, per unit
        Grid 0 … k-1.
    """
    if steps < 0 or seed < 0:
        raise RulesError(f"steps {steps} and seed {seed} must be 0 or more")
    labels = np.zeros(len(problem), np.int64)
    done, first = 0, 0
    tasks = [(batch, make_weights(rules), seed, steps) for batch in _batch(problem, rules)]
    results = map(_solve_batch, tasks) if executor is None else executor.map(_solve_batch, tasks)
    for task, solved in zip(tasks, results, strict=True):
        for component, part in zip(task[0], solved, strict=True):
            labels[component.units] = part + first
            first += component.grids
            done += len(component.units)
        if progress is not None:
            progress("partition", done, len(problem))
    return _number_grids(problem, labels)


def warm_up() -> None:
    """Compile every kernel, by drawing a toy town; later calls in any process read the cache.

    The first time takes some seconds; call it at installation or at the start of a service.
    """
    side = 6
    spot = np.arange(side * side).reshape(side, side)
    pairs = [(spot[:, :-1], spot[:, 1:]), (spot[:-1], spot[1:])]
    town = assemble_problem(
        households=np.full(side * side, 50),
        community=np.zeros(side * side, int),
        compound=spot.ravel() // 4,
        block=spot.ravel() // 12,
        pairs=np.concatenate([np.column_stack([a.ravel(), b.ravel()]) for a, b in pairs]),
        border=np.full(60, 20.0),
        barrier=np.zeros(60, np.int8),
        usable=np.ones(60, bool),
    )
    partition_problem(town, Rules())


_Task = tuple[list[Component], Weights, int, int]


def _batch(problem: Problem, rules: Rules) -> Iterator[list[Component]]:
    """Group small components, so that a task is worth handing over."""
    batch: list[Component] = []
    for component in split_components(problem, rules):
        batch.append(component)
        if sum(len(each.units) for each in batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _solve_batch(task: _Task) -> list[Ints]:
    components, weights, seed, steps = task
    return [_solve_component(component, weights, seed, steps) for component in components]


def _solve_component(component: Component, weights: Weights, seed: int, steps: int) -> Ints:
    """Keep the cheapest of some starts. The random numbers depend on seed and component alone."""
    graph, grids = component.graph, component.grids
    size = len(component.units)
    best, least = np.zeros(size, np.int32), np.inf
    if grids == 1:
        return best.astype(np.int64)
    words = np.random.SeedSequence([seed, *component.key]).generate_state(1, np.uint64)
    tree, search = make_tree(graph, words.astype(np.uint64)), make_search(graph)
    starts = min(max(REACH // size, 1), STARTS) if steps > 0 else 1
    for _ in range(starts):
        state = make_state(graph, np.zeros(size, np.int32), grids, weights)
        split_part(state, tree, make_pieces(graph, grids), TRIES)
        anneal(state, tree, search, steps * max(size, FLOOR) // starts)
        cost = part_cost(state)
        if cost < least:
            best, least = state.labels, cost
        if excess_imbalance(state) < GOOD:
            break
    return best.astype(np.int64)


def _number_grids(problem: Problem, labels: Ints) -> Ints:
    """Give each grid its number: by its community's first unit, then its own."""
    grids, first, places = np.unique(labels, return_index=True, return_inverse=True)
    order = np.lexsort((first, problem.community[first]))
    number = np.empty(len(grids), np.int64)
    number[order] = np.arange(len(grids))
    return number[places]
