"""What a plan costs, term by term, and how a single move changes it.

The same cost holds for a plan that the engine drew and for one that a person drew::

    cost =  sum over grids of   even · d²  +  outside · max(0, |d| - tolerance)²
          + sum over classes of weight[class] · metres along which a grid lies on both its sides
          + compound · grids that compounds are spread over beyond what their size needs
          + border · metres of border between grids of one community
          + moved · households that leave the grid they are in, in a redraw
          + workload · (even · w²  +  outside · max(0, |w| - tolerance)²), summed over grids

with d = load - 1, the load of a grid being the sum over its units of households / target: where one
target holds for all, d = (households - target) / target. w is the same of the workload, where the
rules balance that beside the households; where they balance it instead, d is of the workload. An
exclusive grid has d = w = 0. `evaluate`
computes it for a whole plan; `shift_delta` gives the change when one unit moves. Both are tested
against each other.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from gridmap.errors import PlanError
from gridmap.partition.matching import match_grids
from gridmap.partition.problem import (
    WORK_GRAIN,
    Flags,
    Floats,
    Graph,
    Ints,
    Positions,
    Problem,
    find_work_target,
    kernel,
    measure_load,
    owners,
    routine,
)
from gridmap.rules import Rules, band_ends
from gridmap.tables import CROSSINGS

#: The terms of the cost, in the order of the report; ``moved`` only beside a plan to start from,
#: ``workload`` only where that is balanced beside the households.
TERMS = ("balance", "outside", *CROSSINGS[1:], "compound", "border", "moved", "workload")
#: A workload that is off by the tolerance and no more than rounding beyond it is inside the band.
ROUNDING = 1e-12
#: Home of a unit in a redraw: it had none, and is free; its grid is gone, and it moves anyhow.
NO_HOME, HOME_GONE = -1, -2
#: Households that a unit without any counts for when it moves: a border that moves is to be
#: explained to people, whoever lives there.
EMPTY_MOVED = 10


@dataclass(frozen=True)
class Cost:
    """The cost of a plan and what it is made of.

    Parameters
    ----------
    terms : dict of str to float
        Weighted cost by term (`TERMS`).
    counts : dict of str to float
        The same in natural units: grids outside the band, metres crossed per class, further grids
        of compounds, metres of border (each border once), households moved.
    grids : dict of str to array
        Per grid label 0 … k-1: ``units``, ``households``, ``target`` (households / load: what its
        units, each with a target of its own, ask for together), ``deviation`` (relative, signed),
        ``outside`` (households beyond the band of its target), ``exclusive`` (1 for an exclusive
        zone's: its deviation is 0, as it has no size to keep), a count of pairs crossed per class
        (``street``, ``main_road``, ``railway``, ``river``), ``compound`` (compounds in it that are
        spread over more grids than they need), ``border`` (metres shared with other grids of its
        community; a border between two grids counts in both) and ``pieces``. Where the rules have
        a workload also ``workload`` and ``workload_deviation`` (relative, signed).
    shares : dict of str to array
        Weighted cost by term and grid; they add up to ``terms``. Half of a border is each grid's,
        and a compound that is spread over too many is shared evenly by the grids that it lies in.
    """

    terms: dict[str, float]
    counts: dict[str, float]
    grids: dict[str, Floats]
    shares: dict[str, Floats]

    @property
    def total(self) -> float:
        """The sum of all terms."""
        return float(sum(self.terms.values()))


class Weights(NamedTuple):
    """`gridmap.rules.Costs` and the band as the kernels take them: floats only."""

    share: float  #: 1 / grains of a full grid
    tolerance: float
    largest: float  #: grains that one grid can hold of a compound: the top of the band
    even: float
    outside: float
    street: float
    main_road: float
    railway: float
    river: float
    compound: float
    border: float
    moved: float
    slack: float
    work_share: float  #: 1 / grains of workload of a usual grid
    work: float  #: × the imbalance of the workload; 0 where it is not balanced beside households

    @property
    def crossing(self) -> Floats:
        """Weight per metre and position in `gridmap.tables.CROSSINGS`."""
        return np.array([0.0, self.street, self.main_road, self.railway, self.river])


def make_weights(
    rules: Rules, grain: float | None = None, work_target: float | None = None
) -> Weights:
    """Read the weights from the rules, for loads of which so many grains are a full grid.

    By default a grain is a household; see `gridmap.partition.problem.measure_load`. Without the
    workload of a usual grid none is balanced beside the households.
    """
    costs = {item.name: float(getattr(rules.costs, item.name)) for item in fields(rules.costs)}
    full = rules.target if grain is None else grain
    largest = rules.band[1] * full / rules.target
    share, work = 0.0, 0.0
    if work_target is not None:
        share, work = 1.0 / (work_target * WORK_GRAIN), float(rules.workload.weight)
    return Weights(
        1.0 / full, float(rules.tolerance), largest, **costs, work_share=share, work=work
    )


def soften(weights: Weights, share: float) -> Weights:
    """Weigh everything but the balance of the load by a share of what it weighs."""
    return weights._replace(
        street=share * weights.street,
        main_road=share * weights.main_road,
        railway=share * weights.railway,
        river=share * weights.river,
        compound=share * weights.compound,
        border=share * weights.border,
        moved=share * weights.moved,
        work=share * weights.work,
    )


def weigh_problem(problem: Problem, rules: Rules) -> Weights:
    """Read the weights from the rules, for the loads and the workload of a problem."""
    beside = find_work_target(rules) if rules.workload.beside else None
    return make_weights(rules, measure_load(problem, rules)[1], beside)


def evaluate(
    problem: Problem, labels: ArrayLike, rules: Rules, *, start: ArrayLike | None = None
) -> Cost:
    """Compute the cost of any labelling, drawn by the engine or by hand.

    Parameters
    ----------
    problem : Problem
    labels : array of int, per unit
        Grid of each unit, 0 … k-1. Contiguity is not assumed: ``pieces`` tells.
    rules : Rules
    start : array of int, per unit, optional
        Grid of each unit in the plan before, -1 for none: what was moved is counted against the
        best match of the grids (`gridmap.partition.matching`).

    Raises
    ------
    PlanError
        If there is not one label, 0 or more, per unit.
    """
    places = _check_labels(problem, labels)
    size = int(places.max(initial=-1)) + 1
    load, grain = measure_load(problem, rules)
    weights = weigh_problem(problem, rules)
    grids = _measure_sizes(problem, places, load, grain, rules)
    grids |= _measure_outlines(problem, places, size)
    spread = _spread_compounds(problem, places, load, weights)
    grids["compound"] = np.bincount(spread.grid, minlength=size).astype(np.float64)
    if rules.workload.columns:
        grids |= _measure_work(problem, places, grids["exclusive"], rules)
    counts = _count_terms(grids, float(spread.further.sum()))
    shares = _weigh_shares(grids, spread, weights)
    if start is not None:
        moved = np.bincount(places, _find_moved(problem, places, start), size)
        counts["moved"] = float(moved.sum())
        shares["moved"] = np.asarray(weights.moved * moved, np.float64)
    if rules.workload.beside:
        off = np.abs(grids["workload_deviation"])
        counts["workload"] = float(np.count_nonzero(off > weights.tolerance + ROUNDING))
        even, beyond = _square(grids["workload_deviation"], weights)
        shares["workload"] = weights.work * (even + beyond)
    terms = {name: float(shares[name].sum()) for name in TERMS if name in shares}
    return Cost(terms, counts, grids, shares)


def _find_moved(problem: Problem, labels: Ints, start: ArrayLike) -> Ints:
    """Count, per unit, the households in another grid than before; an empty one is `EMPTY_MOVED`.

    Grids are the same as before where `match_grids` says so. Units that had no grid do not move.
    """
    before = np.asarray(start, np.int64)
    worth = weigh_moves(problem.households)
    same = match_grids(labels, before, worth)
    return np.where((before >= 0) & (same[labels] != before), worth, 0)


def weigh_moves(households: ArrayLike) -> Ints:
    """Say for how many households each unit counts when it moves: `EMPTY_MOVED` without any."""
    homes = np.asarray(households, np.int64)
    return np.where(homes > 0, homes, EMPTY_MOVED)


def _check_labels(problem: Problem, labels: ArrayLike) -> Ints:
    places = np.asarray(labels)
    if places.shape != (len(problem),) or (len(places) and places.min() < 0):
        raise PlanError(
            f"labels of shape {places.shape} with least {places.min(initial=0)} "
            f"for {len(problem)} units; give one label, 0 or more, per unit"
        )
    return places.astype(np.int64)


def _measure_sizes(
    problem: Problem, labels: Ints, load: Ints, grain: float, rules: Rules
) -> dict[str, Floats]:
    """Measure the households of each grid against what its units ask for."""
    size = int(labels.max(initial=-1)) + 1
    units = np.bincount(labels, minlength=size).astype(np.float64)
    homes = np.bincount(labels, problem.households, minlength=size).astype(np.float64)
    filled = np.bincount(labels, load, minlength=size).astype(np.float64)
    exclusive = _find_exclusive(problem, labels, size)
    target = _find_targets(problem, labels, rules, homes * grain / np.maximum(filled, 1))
    low, high = band_ends(target, rules.tolerance)
    beyond = np.maximum(0.0, np.maximum(low - homes, homes - high))
    return {
        "units": units,
        "households": homes,
        "target": target,
        "deviation": np.where(exclusive, 0.0, (filled - grain) / grain),
        "outside": np.where(exclusive, 0.0, beyond),
        "exclusive": exclusive.astype(np.float64),
    }


def _measure_work(
    problem: Problem, labels: Ints, exclusive: Floats, rules: Rules
) -> dict[str, Floats]:
    """Add up the workload of each grid, and set it against that of a usual one."""
    work = np.bincount(labels, problem.work, len(exclusive)) / WORK_GRAIN
    deviation = work / find_work_target(rules) - 1.0
    return {"workload": work, "workload_deviation": np.where(exclusive > 0, 0.0, deviation)}


def _find_targets(problem: Problem, labels: Ints, rules: Rules, filled: Floats) -> Floats:
    """Give the target of each grid: ``filled``, households / load, or the mean if it is empty.

    Where the workload is balanced instead, the households of a grid with more work are fewer.
    """
    given = np.where(np.isnan(problem.target), rules.target, problem.target)
    if (given == rules.target).all() and not rules.workload.instead:
        return np.full(len(filled), float(rules.target))
    units = np.bincount(labels, minlength=len(filled))
    mean = np.bincount(labels, given, minlength=len(filled)) / np.maximum(units, 1)
    return np.where(filled > 0, filled, mean)


def _find_exclusive(problem: Problem, labels: Ints, size: int) -> Flags:
    """Flag the grids whose units all lie in one exclusive zone."""
    first = np.full(size, -1, np.int64)
    first[labels[::-1]] = problem.zone[::-1]  # the zone of each grid's first unit
    strangers = np.bincount(labels[problem.zone != first[labels]], minlength=size)
    return (first >= 0) & (strangers == 0)


def _measure_outlines(problem: Problem, labels: Ints, size: int) -> dict[str, Floats]:
    """Count what each grid lies across, its border and its pieces."""
    owner = owners(problem)
    mine, same = labels[owner], labels[owner] == labels[problem.neighbour]
    grids: dict[str, Floats] = {}
    for code, name in enumerate(CROSSINGS[1:], start=1):
        crossed = same & (problem.barrier == code)
        grids[name] = np.bincount(mine[crossed], problem.border[crossed], minlength=size) / 2
    border = np.bincount(mine[~same], problem.border[~same], minlength=size)
    grids["border"] = border.astype(np.float64)
    grids["pieces"] = count_pieces(problem, labels).astype(np.float64)
    return grids


def _count_terms(grids: dict[str, Floats], compounds: float) -> dict[str, float]:
    crossings = {name: float(grids[name].sum()) for name in CROSSINGS[1:]}
    return {
        "outside": float(np.count_nonzero(grids["outside"])),
        **crossings,
        "compound": compounds,
        "border": float(grids["border"].sum() / 2),
    }


class _Spread(NamedTuple):
    """Compounds that are spread over more grids than their size needs."""

    further: Ints  #: per compound, grids beyond its need
    grid: Ints  #: per such compound and grid that it lies in, the grid
    share: Floats  #: of the further grids, evenly


def _weigh_shares(grids: dict[str, Floats], spread: _Spread, weights: Weights) -> dict[str, Floats]:
    """Weigh what each grid costs, term by term."""
    compounds: Floats = np.bincount(spread.grid, spread.share, len(grids["units"])).astype(float)
    even, beyond = _square(grids["deviation"], weights)
    crossings = {
        name: float(weight) * grids[name]
        for name, weight in zip(CROSSINGS[1:], weights.crossing[1:], strict=True)
    }
    return {
        "balance": even,
        "outside": beyond,
        **crossings,
        "compound": weights.compound * compounds,
        "border": weights.border * grids["border"] / 2,
    }


def _square(deviation: Floats, weights: Weights) -> tuple[Floats, Floats]:
    """Weigh deviations, and what of them is beyond the tolerance."""
    beyond = np.maximum(0.0, np.abs(deviation) - weights.tolerance)
    return weights.even * deviation**2, weights.outside * beyond**2


def count_pieces(problem: Problem, labels: ArrayLike) -> Ints:
    """Count the pieces of each grid, over usable pairs; a grid of a plan has exactly 1.

    A grid in two communities is in at least two pieces: no pair joins communities.
    """
    places = np.asarray(labels, np.int64)
    owner = owners(problem)
    inside = problem.usable & (places[owner] == places[problem.neighbour])
    joins = scipy.sparse.coo_array(
        (np.ones(int(inside.sum()), np.int8), (owner[inside], problem.neighbour[inside])),
        (len(problem), len(problem)),
    )
    piece = scipy.sparse.csgraph.connected_components(joins, directed=False)[1]
    first = np.unique(piece, return_index=True)[1]
    return np.bincount(places[first], minlength=int(places.max(initial=-1)) + 1)


def _spread_compounds(problem: Problem, labels: Ints, load: Ints, weights: Weights) -> _Spread:
    lived = (problem.households > 0) & (problem.compound >= 0)
    compound = problem.compound[lived]
    size = int(problem.compound.max(initial=-1)) + 1
    both = np.unique(np.column_stack([compound, labels[lived]]), axis=0)
    used = np.bincount(both[:, 0], minlength=size)
    need = _grids_needed(np.bincount(compound, load[lived], minlength=size), weights.largest)
    further = np.maximum(0, used - need)
    split = both[further[both[:, 0]] > 0]
    return _Spread(further, split[:, 1], further[split[:, 0]] / used[split[:, 0]])


def _grids_needed(load: ArrayLike, largest: float) -> Ints:
    return np.maximum(1, np.ceil(np.asarray(load) / largest)).astype(np.int64)


class State(NamedTuple):
    """A labelled part during the search, with every count that a move needs.

    The grids of compound ``c`` stand in the slots ``start[c]:start[c] + used[c]``: as many slots
    as it has units with households, so memory is linear whatever the number of grids.
    """

    graph: Graph
    weights: Weights
    labels: Positions
    load: Ints  #: grains per grid
    work: Ints  #: grains of workload per grid, where that is balanced beside the load
    size: Ints  #: units per grid
    inside: Floats  #: per pair and side, what it costs more inside a grid than on its border
    compound: Positions  #: per unit; -1 for a unit without households, which is free to go
    start: Positions
    used: Positions
    need: Ints  #: grids that a compound needs for its size
    slot_grid: Positions
    slot_count: Positions  #: units of the compound in that grid
    home: Positions  #: per unit, the grid that it was in before; or `NO_HOME`, `HOME_GONE`


def make_state(
    graph: Graph,
    labels: Positions,
    grids: int,
    weights: Weights,
    home: Positions | None = None,
) -> State:
    """Count everything once for a labelled part. The state owns ``labels`` from here on.

    ``home`` says which units move in a redraw: by default none has a home to leave.
    """
    compound = np.where(graph.households > 0, graph.compound, -1).astype(np.int32)
    lived = compound >= 0
    size = int(compound.max(initial=-1)) + 1
    slots = np.bincount(compound[lived], minlength=size)
    load = np.bincount(compound[lived], graph.load[lived], minlength=size)
    state = State(
        graph,
        weights,
        labels,
        np.zeros(grids, np.int64),
        np.zeros(grids, np.int64),
        np.zeros(grids, np.int64),
        (weights.crossing[graph.barrier] - weights.border) * graph.border,
        compound,
        np.concatenate([[0], np.cumsum(slots)]).astype(np.int32),
        np.zeros(size, np.int32),
        _grids_needed(load, weights.largest),
        np.zeros(int(slots.sum()), np.int32),
        np.zeros(int(slots.sum()), np.int32),
        np.full(len(labels), NO_HOME, np.int32) if home is None else home,
    )
    recount(state)
    return state


def cost_labels(graph: Graph, labels: Ints, grids: int, weights: Weights) -> float:
    """Compute the cost of a part that is labelled 0 … k-1, up to what no drawing of it changes."""
    return float(part_cost(make_state(graph, labels.astype(np.int32), grids, weights)))


@kernel
def balance_cost(load: float, weights: Weights) -> float:
    """Compute the cost of the load of one grid, in grains."""
    deviation = load * weights.share - 1.0
    beyond = max(0.0, abs(deviation) - weights.tolerance)
    return weights.even * deviation * deviation + weights.outside * beyond * beyond


@kernel
def work_cost(work: float, weights: Weights) -> float:
    """Compute the cost of the workload of one grid, in grains."""
    if weights.work == 0.0:
        return 0.0
    deviation = work * weights.work_share - 1.0
    beyond = max(0.0, abs(deviation) - weights.tolerance)
    squares = weights.even * deviation * deviation + weights.outside * beyond * beyond
    return weights.work * squares


@kernel
def part_cost(state: State) -> float:
    """Compute the cost of a labelled part, up to what no drawing of it changes. O(pairs).

    The difference of two drawings is that of `evaluate`.
    """
    graph, weights = state.graph, state.weights
    cost = 0.0
    for grid in range(len(state.load)):
        cost += balance_cost(state.load[grid], weights) + work_cost(state.work[grid], weights)
    for side in range(len(graph.neighbour)):
        if state.labels[graph.owner[side]] == state.labels[graph.neighbour[side]]:
            cost += 0.5 * state.inside[side]
    for unit in range(len(state.home)):
        if state.home[unit] != NO_HOME and state.home[unit] != state.labels[unit]:
            cost += moving_cost(state, unit)
    for compound in range(len(state.used)):
        cost += weights.compound * max(0, state.used[compound] - state.need[compound])
    return cost


@routine
def moving_cost(state: State, unit: int) -> float:
    """Compute what it costs that a unit is not in the grid that it was in before."""
    homes = state.graph.households[unit]
    return state.weights.moved * (homes if homes > 0 else EMPTY_MOVED)


@routine
def shift_delta(state: State, unit: int, new: int) -> float:
    """Compute the change of the cost when one unit moves to grid ``new``; nothing is changed.

    O(degree of the unit + grids of its compound).
    """
    graph, weights = state.graph, state.weights
    old = state.labels[unit]
    delta = 0.0
    for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
        other = state.labels[graph.neighbour[side]]
        if other == old:
            delta -= state.inside[side]
        elif other == new:
            delta += state.inside[side]
    if state.home[unit] == old:
        delta += moving_cost(state, unit)
    elif state.home[unit] == new:
        delta -= moving_cost(state, unit)
    load = graph.load[unit]
    if load > 0:
        from_old, to_new = state.load[old], state.load[new]
        delta += balance_cost(from_old - load, weights) - balance_cost(from_old, weights)
        delta += balance_cost(to_new + load, weights) - balance_cost(to_new, weights)
        delta += weights.compound * _spread_delta(state, state.compound[unit], old, new)
    work = graph.work[unit]
    if weights.work > 0.0 and work > 0:
        from_old, to_new = state.work[old], state.work[new]
        delta += work_cost(from_old - work, weights) - work_cost(from_old, weights)
        delta += work_cost(to_new + work, weights) - work_cost(to_new, weights)
    return delta


@routine
def _spread_delta(state: State, compound: int, old: int, new: int) -> int:
    """Count how many more grids beyond its need a compound is spread over after a shift.

    O(grids of the compound).
    """
    if compound < 0:
        return 0
    first, used = state.start[compound], state.used[compound]
    leaves, enters = 0, 1
    for slot in range(first, first + used):
        if state.slot_grid[slot] == old:
            leaves = 1 if state.slot_count[slot] == 1 else 0
        elif state.slot_grid[slot] == new:
            enters = 0
    spread = used - state.need[compound]
    return max(0, spread + enters - leaves) - max(0, spread)


@routine
def shift_unit(state: State, unit: int, new: int) -> None:
    """Move one unit to grid ``new`` and keep the counts. O(grids of its compound)."""
    _leave(state, unit)
    _enter(state, unit, new)


@kernel
def recount(state: State) -> None:
    """Count everything anew for the labels as they are. O(units)."""
    state.load[:] = 0
    state.work[:] = 0
    state.size[:] = 0
    state.used[:] = 0
    for unit in range(len(state.labels)):
        _enter(state, unit, state.labels[unit])


@routine
def _enter(state: State, unit: int, grid: int) -> None:
    """Count a unit in a grid that it joins. O(grids of its compound)."""
    state.labels[unit] = grid
    state.load[grid] += state.graph.load[unit]
    state.work[grid] += state.graph.work[unit]
    state.size[grid] += 1
    compound = state.compound[unit]
    if compound < 0:
        return
    slot, stop = state.start[compound], state.start[compound] + state.used[compound]
    while slot < stop and state.slot_grid[slot] != grid:
        slot += 1
    if slot == stop:
        state.used[compound] += 1
        state.slot_grid[slot] = grid
        state.slot_count[slot] = 0
    state.slot_count[slot] += 1


@routine
def _leave(state: State, unit: int) -> None:
    """Count a unit no more in its grid; its label stays for now. O(grids of its compound)."""
    grid = state.labels[unit]
    state.load[grid] -= state.graph.load[unit]
    state.work[grid] -= state.graph.work[unit]
    state.size[grid] -= 1
    compound = state.compound[unit]
    if compound < 0:
        return
    slot = state.start[compound]
    while state.slot_grid[slot] != grid:
        slot += 1
    state.slot_count[slot] -= 1
    if state.slot_count[slot] == 0:  # the last slot takes its place
        state.used[compound] -= 1
        last = state.start[compound] + state.used[compound]
        state.slot_grid[slot] = state.slot_grid[last]
        state.slot_count[slot] = state.slot_count[last]
