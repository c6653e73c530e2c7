"""The partition engine: units into balanced grids, each in one piece and in one community.

`partition_units` takes and gives tables; `partition_problem` arrays. What a plan costs is written
once, in `gridmap.partition.objective`, and holds for plans drawn by hand as well.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridmap.errors import PlanError
from gridmap.partition.contract import add_sides, contract_graph, grow_atoms, should_contract
from gridmap.partition.counts import bound_imbalance, list_rivals
from gridmap.partition.districts import draw_districts, is_hard
from gridmap.partition.even import FEW, draw_even, is_drawn_evenly
from gridmap.partition.improve import WARM, anneal_part, make_search
from gridmap.partition.matching import match_grids, relate_grids
from gridmap.partition.objective import (
    Cost,
    State,
    Weights,
    cost_labels,
    evaluate,
    make_state,
    soften,
    weigh_moves,
    weigh_problem,
)
from gridmap.partition.polish import LAX, favour_balance, polish_small
from gridmap.partition.problem import (
    Bits,
    Component,
    Graph,
    Ints,
    Positions,
    Problem,
    assemble_problem,
    check_effort,
    make_problem,
    separate,
    share_grids,
    split_components,
    take_units,
)
from gridmap.partition.prove import Certificate, improve_small, prove
from gridmap.partition.prove.numbers import choose_number, list_numbers
from gridmap.partition.redraw import keep_largest_pieces, redraw_part
from gridmap.partition.search import search_part
from gridmap.partition.split import make_pieces, make_tree
from gridmap.rules import Costs, Rules
from gridmap.tables import list_some
from gridmap.workload import fit_workload

__all__ = [
    "DEFAULT_STEPS",
    "Certificate",
    "Cost",
    "Problem",
    "assemble_problem",
    "evaluate",
    "improve_small",
    "make_problem",
    "match_labels",
    "partition_problem",
    "partition_units",
    "prove",
    "relate_labels",
    "take_units",
    "warm_up",
]

#: Moves tried per unit at most, over all starts.
DEFAULT_STEPS = 150
#: Starts at most; many short ones beat a long one while a part is small.
STARTS = 8
#: Units tried over all starts: parts above a tenth of it get fewer starts, each the longer.
REACH = 6000
#: Units that count at least, however small the part.
FLOOR = 100
#: A redraw spends so much less on each of its starts: it begins with a plan.
REDRAW = 3
#: Steps over a contracted part for each step over the whole of it afterwards.
ATOMS = 1
RENEWALS = 6
#: A part whose first drawing is one of several takes so many times fewer steps for it, and this
#: many starts at most.
SPARED, FEW_STARTS = 4, 3
#: Imbalance per grid above its lower bound at which no further start is made (its root is a
#: relative deviation, 3 %), and the same where the sum of all terms decides.
GOOD, BEST = 0.001, 0.0005
#: Units per task handed to an executor; fixed, so that the answer is the same for any workers.
BATCH = 800

Progress = Callable[[str, int, int], None]


def partition_units(
    units: pd.DataFrame,
    adjacency: pd.DataFrame,
    rules: Rules,
    *,
    seed: int = 0,
    steps: int = DEFAULT_STEPS,
    grids: int | None = None,
    start: pd.Series | None = None,
    locked: Iterable[Hashable] = (),
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> pd.Series:
    """Draw grids: every unit in one, each in one piece over usable pairs and in one community.

    A community gets about households / target grids, at least one: of the numbers near to that, and
    of what its units can add up to, the one that costs least. Where it falls into parts that touch
    over no usable pair, each part gets its own (see `problem.count_grids`, `counts`). Where units
    have targets of their own, their shares of a grid are added up instead; the units of an
    exclusive zone are one grid, in each community and connected part.

    With ``rules.costs.even`` at 0 (the preset `gridmap.rules.Costs.cut_edges`) the band is a must:
    a plan inside it is searched with the least of the other costs, see
    `gridmap.partition.districts`, at some thousand times the effort for each step. Where a building
    above the band leaves too little for as many grids as are due, there are fewer. Where none is
    found `evaluate` says so in ``counts["outside"]``.

    With ``start`` a plan is redrawn: it is brought back inside the band by moving as few households
    as possible (``rules.costs.moved``), with another number of grids where that is cheaper.
    `match_labels` says which grid is which.

    Parameters
    ----------
    units : GeoDataFrame
        Keeps `gridmap.tables.UNITS`; may have ``target`` and ``zone_id``, see `make_problem`, and
        has the columns of ``rules.workload``.
    adjacency : DataFrame
        Keeps `gridmap.tables.ADJACENCY`.
    rules : Rules
        Target, tolerance and costs.
    seed : int
        Same input, seed and steps, same answer: with any number of workers, on any machine.
    steps : int
        Moves tried per unit at most, over all starts; 0 keeps a first split.
    grids : int, optional
        How many grids to make of all units that are not locked, whatever their size asks for.
    start : Series, optional
        unit_id -> grid, any label; units that are missing or NaN had none. Grids that break a hard
        rule are repaired: the pieces of one but the largest have no grid either.
    locked : iterable of labels, optional
        Grids of ``start`` that stay as they are, unit for unit, in one piece or not.
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
        If steps or seed is no whole number from 0 up.
    PlanError
        If ``start`` names a unit twice or one that does not exist, ``locked`` a grid that is not
        in it or lies in two communities, or there can't be so many grids.
    """
    units, rules = fit_workload(units, rules)
    problem = make_problem(units, adjacency)
    places, before = _read_start(units, start)
    labels = partition_problem(
        problem,
        rules,
        seed=seed,
        steps=steps,
        grids=grids,
        start=places,
        locked=_find_locked(before, locked),
        executor=executor,
        progress=progress,
    )
    return pd.Series(labels, index=units.index, name="grid_id")


def match_labels(labels: pd.Series, start: pd.Series, households: pd.Series) -> pd.Series:
    """Say which grid of a new plan is which grid of the plan before, so that it keeps its code.

    Grids are matched one to one so that as many households as possible stay in their grid; a unit
    without households counts as `EMPTY_MOVED`. Grids that have no unit in common never match.

    Parameters
    ----------
    labels : Series
        unit_id -> new grid.
    start : Series
        unit_id -> grid before; NaN, or no row, for units that had none.
    households : Series
        unit_id -> households, of every unit in ``labels``.

    Returns
    -------
    Series
        New label, sorted -> label before; only of the grids that have one.

    Examples
    --------
    >>> labels, start = pd.Series([0, 0, 1, 1, 2]), pd.Series(["b", "b", "b", "a", None])
    >>> match_labels(labels, start, pd.Series([10, 10, 50, 90, 8])).to_dict()
    {0: 'b', 1: 'a'}
    """
    new, grids = pd.factorize(labels, sort=True)
    old, before = pd.factorize(start.reindex(labels.index))
    match = match_grids(new, old, weigh_moves(households.reindex(labels.index)))
    kept = match >= 0
    return pd.Series(before[match[kept]], index=pd.Index(grids)[kept], name="start")


def relate_labels(labels: pd.Series, start: pd.Series) -> pd.Series:
    """Say of each grid of the plan before what became of it, as a census does for its areas.

    Parameters
    ----------
    labels : Series
        unit_id -> new grid.
    start : Series
        unit_id -> grid before; NaN, or no row, for units that had none: they change no old grid.

    Returns
    -------
    Series of str
        Label before, sorted -> ``U`` unchanged, ``S`` split into several grids, ``M`` merged with
        others into one, ``X`` irregular: units went to and fro. See `matching.relate_grids`.

    Examples
    --------
    >>> labels = pd.Series([0, 0, 1, 2, 3, 3, 4])
    >>> start = pd.Series(["a", "a", "b", "b", "c", "d", None])
    >>> relate_labels(labels, start).to_dict()
    {'a': 'U', 'b': 'S', 'c': 'M', 'd': 'M'}
    """
    new, _ = pd.factorize(labels, sort=True)
    old, before = pd.factorize(start.reindex(labels.index), sort=True)
    return pd.Series(relate_grids(new, old), index=pd.Index(before), name="relation", dtype="str")


def partition_problem(
    problem: Problem,
    rules: Rules,
    *,
    seed: int = 0,
    steps: int = DEFAULT_STEPS,
    grids: int | None = None,
    start: Ints | None = None,
    locked: ArrayLike = (),
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Ints:
    """Draw grids for a problem made of arrays; see `partition_units`.

    Here ``start`` is an array per unit, grid 0 … m-1 or -1, and ``locked`` are numbers of grids.

    Returns
    -------
    int64 array, per unit
        Grid 0 … k-1.
    """
    check_effort(steps=steps, seed=seed)
    before = np.full(len(problem), -1, np.int64) if start is None else np.asarray(start, np.int64)
    fixed = _fix_locked(problem, before, np.asarray(locked, np.int64))
    problem = separate(problem, fixed) if (fixed >= 0).any() else problem
    home = before if start is None else keep_largest_pieces(problem, before)
    weights = weigh_problem(problem, rules)
    components = _list_parts(problem, rules, weights, fixed, grids)
    batches = [[part] for part in components] if is_hard(weights) else list(_batch(components))
    run = map if executor is None else executor.map
    labels = np.zeros(len(problem), np.int64)
    done, first = 0, int(fixed.max(initial=-1)) + 1
    for batch, solved in zip(
        batches, _solve(batches, home, weights, seed, steps, run), strict=True
    ):
        for component, part in zip(batch, solved, strict=True):
            labels[component.units] = part + first
            first += int(part.max()) + 1
            done += len(component.units)
        if progress is not None:
            progress("partition", done, len(problem))
    return _number_grids(problem, np.where(fixed >= 0, fixed, labels))


def _list_parts(
    problem: Problem, rules: Rules, weights: Weights, fixed: Ints, grids: int | None
) -> list[Component]:
    """List the parts to draw, each with its grids; of a number asked for locked grids are none."""
    components = split_components(problem, rules)
    if grids is not None:
        return share_grids([part for part in components if fixed[part.units[0]] < 0], grids)
    return [_choose_grids(part, weights) for part in components] if is_hard(weights) else components


def _choose_grids(part: Component, weights: Weights) -> Component:
    """Give a part the number of grids by which it can be nearest to a band that is a must."""
    if part.exclusive:
        return part
    return part._replace(grids=choose_number(part.graph, part.grids, weights))


def _solve(
    batches: list[list[Component]],
    home: Ints,
    weights: Weights,
    seed: int,
    steps: int,
    run: Callable[..., Iterator[Any]],
) -> Iterator[list[Ints]]:
    """Draw or redraw all parts, in the order of the batches; a batch is one task."""
    parts = [[(part, home[part.units]) for part in batch] for batch in batches]
    if is_hard(weights):
        alone = [part for batch in parts for part in batch]
        return ([plan] for plan in draw_districts(alone, weights, seed, steps, run))
    return run(_solve_batch, [(batch, weights, seed, steps) for batch in parts])


def _read_start(units: pd.DataFrame, start: pd.Series | None) -> tuple[Ints | None, pd.Index]:
    """Give the grid that each unit starts in, as a position, and the labels."""
    if start is None:
        return None, pd.Index([])
    if not start.index.is_unique:
        twice = start.index[start.index.duplicated()]
        raise PlanError(f"start: units {list_some(twice)} are named twice; give each one grid")
    strange = start.index.difference(units.index)
    if len(strange):
        raise PlanError(f"start: units {list_some(strange)} do not exist; give those of this city")
    places, grids = pd.factorize(start.reindex(units.index))
    return places.astype(np.int64), pd.Index(grids)


def _find_locked(grids: pd.Index, locked: Iterable[Hashable]) -> Ints:
    wanted = pd.Index(list(locked), dtype=object).unique()
    found = grids.get_indexer(wanted)
    if (found < 0).any():
        raise PlanError(
            f"locked grids {list_some(wanted[found < 0])} are not in the start plan; "
            "lock grids that it has"
        )
    return np.sort(found).astype(np.int64)


def _fix_locked(problem: Problem, start: Ints, locked: Ints) -> Ints:
    """Give the locked grid of each unit, -1 elsewhere."""
    fixed = np.where(np.isin(start, locked), start, -1)
    places = np.flatnonzero(fixed >= 0)
    homes = np.unique(np.column_stack([fixed, problem.community])[places], axis=0)[:, 0]
    if len(homes) > len(np.unique(homes)):
        grid = int(homes[np.flatnonzero(np.diff(homes) == 0)[0]])
        unit = int(np.argmax(fixed == grid))
        raise PlanError(
            f"the locked grid of the unit in row {unit} lies in two communities; unlock it"
        )
    return fixed


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
    labels = partition_problem(town, Rules())
    partition_problem(town, Rules(target=200), start=labels)
    partition_problem(town, Rules(costs=Costs.cut_edges()), steps=1)
    prove(town, np.arange(side * side) // 5, Rules(target=250))


#: A component with, per unit, the grid that it starts in (-1: none).
_Part = tuple[Component, Ints]
_Task = tuple[list[_Part], Weights, int, int]


def _batch(components: list[Component]) -> Iterator[list[Component]]:
    """Group small components, so that a task is worth handing over."""
    batch: list[Component] = []
    for component in components:
        batch.append(component)
        if sum(len(each.units) for each in batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _solve_batch(task: _Task) -> list[Ints]:
    parts, weights, seed, steps = task
    return [_solve_part(component, home, weights, seed, steps) for component, home in parts]


def _solve_part(component: Component, home: Ints, weights: Weights, seed: int, steps: int) -> Ints:
    """Redraw where there is a grid to start from, else draw.

    The random numbers depend on the seed and the component alone.
    """
    if component.exclusive:
        return np.zeros(len(home), np.int64)
    words = (
        np.random.SeedSequence([seed, *component.key])
        .generate_state(1, np.uint64)
        .astype(np.uint64)
    )
    effort = steps * max(len(home), FLOOR)
    redrawn = redraw_part(component, home, weights, words, effort // REDRAW)
    if redrawn is None:
        free = weights._replace(moved=0.0)
        if is_drawn_evenly(len(home), free, effort):
            return _draw_part(component, free, words, effort, _draw_evenly)
        drawn_by = favour_balance(component, free, effort)
        labels = _draw_part(component, drawn_by, words, effort, _draw_grids)
        return polish_small(component, labels, free, effort)
    return redrawn.astype(np.int64)


#: Draws so many grids of a graph, by weights, with random numbers and steps.
_Draw = Callable[[Graph, int, Weights, Bits, int], Ints]


def _draw_part(
    component: Component, weights: Weights, words: Bits, steps: int, draw: _Draw
) -> Ints:
    """Draw a part from nothing, with the number of grids that costs least."""
    graph = component.graph
    if component.exact:
        return draw(graph, component.grids, weights, words, steps)
    counts = list_numbers(graph, component.grids, weights)
    share = steps // len(counts)
    best = _choose_drawing(
        graph, weights, [draw(graph, grids, weights, words, share) for grids in counts]
    )
    grids = int(best.max()) + 1
    near = [each for each in (grids - 1, grids + 1) if each not in counts]
    imbalance = cost_labels(graph, best, grids, soften(weights, 0.0)._replace(work=weights.work))
    rivals = list_rivals(graph, near, weights, imbalance)
    others = [draw(graph, rival, weights, words, steps) for rival in rivals]
    return _choose_drawing(graph, weights, [best, *others])


def _choose_drawing(graph: Graph, weights: Weights, drawings: list[Ints]) -> Ints:
    """Choose the drawing that costs least, the first of equals."""
    if len(drawings) == 1:  # nearly always, and then there is nothing to cost
        return drawings[0]
    return min(
        drawings, key=lambda labels: cost_labels(graph, labels, int(labels.max()) + 1, weights)
    )


def _draw_evenly(graph: Graph, grids: int, weights: Weights, words: Bits, steps: int) -> Ints:
    """Draw a part whose balance comes first."""
    share = SPARED if len(graph.load) <= FEW else 1
    first = _draw_grids(graph, grids, weights, words, steps // share, FEW_STARTS)
    return first if grids == 1 else draw_even(graph, first, grids, weights, words, steps)


def _draw_grids(
    graph: Graph, grids: int, weights: Weights, words: Bits, steps: int, most: int = STARTS
) -> Ints:
    """Draw a part by the whole objective; where most units are empty, first without these."""
    if grids == 1:
        return np.zeros(len(graph.load), np.int64)
    if not should_contract(graph, grids):
        whole = make_state(graph, np.zeros(len(graph.load), np.int32), grids, weights)
        return _search(whole, words, steps, most).astype(np.int64)
    atom = grow_atoms(graph)
    atoms, place = contract_graph(graph, atom)
    first = make_state(atoms, np.zeros(len(atoms.load), np.int32), grids, weights)
    whole = make_state(graph, np.zeros(len(atom), np.int32), grids, weights)
    first.inside[:] = add_sides(whole.inside, place, len(atoms.neighbour))
    labels = _search(first, words, steps * ATOMS // (ATOMS + 1), most)
    whole = make_state(graph, labels[atom], grids, weights)
    anneal_part(
        whole, make_tree(graph, words), make_search(graph, words), steps // (ATOMS + 1), WARM
    )
    return whole.labels.astype(np.int64)


def _search(state: State, words: Bits, steps: int, most: int) -> Positions:
    """Give the labels of the cheapest of some drawings; a large part gets fewer, and renewals."""
    graph, grids = state.graph, len(state.load)
    size, best = len(graph.load), np.zeros(len(graph.load), np.int32)
    starts = min(max(REACH // size, 1), most) if steps > 0 else 1
    good = GOOD if state.weights.slack < LAX else BEST
    enough = bound_imbalance(graph, grids, state.weights) + good * grids
    rounds = int(grids * RENEWALS * (1 - starts / most)) if steps > 0 else 0
    search_part(
        state,
        make_tree(graph, words),
        make_search(graph, words),
        make_pieces(graph, grids),
        enough,
        best,
        starts,
        steps // most,
        rounds,
    )
    return best


def _number_grids(problem: Problem, labels: Ints) -> Ints:
    """Give each grid its number: by its community's first unit, then its own."""
    grids, first, places = np.unique(labels, return_index=True, return_inverse=True)
    order = np.lexsort((first, problem.community[first]))
    number = np.empty(len(grids), np.int64)
    number[order] = np.arange(len(grids))
    return number[places]
