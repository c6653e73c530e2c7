"""What a plan costs, term by term, and how a single move changes it.

The same cost holds for a plan that the engine drew and for one that a person drew::

    cost =  sum over grids of   d²  +  outside · max(0, |d| - tolerance)²
          + sum over classes of weight[class] · touching pairs across it that share a grid
          + compound · grids that compounds are spread over beyond what their size needs
          + border · metres of border between grids of one community

with d = (households - target) / target. `evaluate` computes it for a whole plan; `shift_delta`
gives the change when one unit moves. Both are tested against each other.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.errors import PlanError
from gridmap.partition.problem import Floats, Graph, Ints, Positions, Problem, kernel
from gridmap.rules import Rules
from gridmap.tables import CROSSINGS

#: The terms of the cost, in the order of the report.
TERMS = ("balance", "outside", *CROSSINGS[1:], "compound", "border")


@dataclass(frozen=True)
class Cost:
    """The cost of a plan and what it is made of.

    Parameters
    ----------
    terms : dict of str to float
        Weighted cost by term (`TERMS`).
    counts : dict of str to float
        The same in natural units: grids outside the band, pairs crossed per class, further grids
        of compounds, metres of border (each border once).
    grids : dict of str to array
        Per grid label 0 … k-1: ``units``, ``households``, ``deviation`` (relative, signed),
        ``outside`` (households beyond the band), a count of pairs crossed per class (``street``,
        ``main_road``, ``railway``, ``river``), ``compound`` (compounds in it that are spread over
        more grids than they need), ``border`` (metres shared with other grids of its community; a
        border between two grids counts in both) and ``pieces``.
    """

    terms: dict[str, float]
    counts: dict[str, float]
    grids: dict[str, Floats]

    @property
    def total(self) -> float:
        """The sum of all terms."""
        return float(sum(self.terms.values()))


class Weights(NamedTuple):
    """`gridmap.rules.Costs` and the band as the kernels take them: floats only."""

    share: float  #: 1 / target
    tolerance: float
    largest: float  #: households that one grid can hold of a compound: the top of the band
    outside: float
    street: float
    main_road: float
    railway: float
    river: float
    compound: float
    border: float

    @property
    def crossing(self) -> Floats:
        """Weight per position in `gridmap.tables.CROSSINGS`."""
        return np.array([0.0, self.street, self.main_road, self.railway, self.river])


def make_weights(rules: Rules) -> Weights:
    """Read the weights from the rules."""
    costs = {item.name: float(getattr(rules.costs, item.name)) for item in fields(rules.costs)}
    return Weights(1.0 / rules.target, float(rules.tolerance), float(rules.band[1]), **costs)


def evaluate(problem: Problem, labels: ArrayLike, rules: Rules) -> Cost:
    """Compute the cost of any labelling, drawn by the engine or by hand.

    Parameters
    ----------
    problem : Problem
    labels : array of int, per unit
        Grid of each unit, 0 … k-1. Contiguity is not assumed: ``pieces`` tells.
    rules : Rules

    Raises
    ------
    PlanError
        If there is not one label, 0 or more, per unit.
    """
    places = _check_labels(problem, labels)
    size = int(places.max(initial=-1)) + 1
    weights = make_weights(rules)
    grids = _measure_grids(problem, places, size, rules)
    extra, split = _spread_compounds(problem, places, weights)
    grids["compound"] = np.bincount(split, minlength=size).astype(np.float64)
    counts = _count_terms(grids, float(extra.sum()))
    return Cost(_weigh_terms(grids, counts, weights), counts, grids)


def _check_labels(problem: Problem, labels: ArrayLike) -> Ints:
    places = np.asarray(labels)
    if places.shape != (len(problem),) or (len(places) and places.min() < 0):
        raise PlanError(
            f"labels of shape {places.shape} with least {places.min(initial=0)} "
            f"for {len(problem)} units; give one label, 0 or more, per unit"
        )
    return places.astype(np.int64)


def _measure_grids(problem: Problem, labels: Ints, size: int, rules: Rules) -> dict[str, Floats]:
    owner = np.repeat(np.arange(len(problem)), np.diff(problem.indptr))
    mine, same = labels[owner], labels[owner] == labels[problem.neighbour]
    homes = np.bincount(labels, problem.households, minlength=size).astype(np.float64)
    low, high = rules.band
    grids: dict[str, Floats] = {
        "units": np.bincount(labels, minlength=size).astype(np.float64),
        "households": homes,
        "deviation": (homes - rules.target) / rules.target,
        "outside": np.maximum(0.0, np.maximum(low - homes, homes - high)),
    }
    for code, name in enumerate(CROSSINGS[1:], start=1):
        crossed = same & (problem.barrier == code)
        grids[name] = np.bincount(mine[crossed], minlength=size) / 2
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


def _weigh_terms(
    grids: dict[str, Floats], counts: dict[str, float], weights: Weights
) -> dict[str, float]:
    squares = float((grids["deviation"] ** 2).sum())
    beyond = np.maximum(0.0, np.abs(grids["deviation"]) - weights.tolerance)
    crossings = {
        name: float(weight) * counts[name]
        for name, weight in zip(CROSSINGS[1:], weights.crossing[1:], strict=True)
    }
    return {
        "balance": squares,
        "outside": weights.outside * float((beyond**2).sum()),
        **crossings,
        "compound": weights.compound * counts["compound"],
        "border": weights.border * counts["border"],
    }


def count_pieces(problem: Problem, labels: ArrayLike) -> Ints:
    """Count the pieces of each grid, over usable pairs; a grid of a plan has exactly 1.

    A grid in two communities is in at least two pieces: no pair joins communities.
    """
    places = np.asarray(labels, np.int64)
    owner = np.repeat(np.arange(len(problem)), np.diff(problem.indptr))
    inside = problem.usable & (places[owner] == places[problem.neighbour])
    joins = coo_array(
        (np.ones(int(inside.sum()), np.int8), (owner[inside], problem.neighbour[inside])),
        (len(problem), len(problem)),
    )
    piece = connected_components(joins, directed=False)[1]
    first = np.unique(piece, return_index=True)[1]
    return np.bincount(places[first], minlength=int(places.max(initial=-1)) + 1)


def _spread_compounds(problem: Problem, labels: Ints, weights: Weights) -> tuple[Ints, Ints]:
    """Give the further grids per compound, and the grids that each such compound lies in."""
    lived = (problem.households > 0) & (problem.compound >= 0)
    compound, homes = problem.compound[lived], problem.households[lived]
    size = int(problem.compound.max(initial=-1)) + 1
    both = np.unique(np.column_stack([compound, labels[lived]]), axis=0)
    need = _grids_needed(np.bincount(compound, homes, minlength=size), weights.largest)
    extra = np.maximum(0, np.bincount(both[:, 0], minlength=size) - need)
    return extra, both[extra[both[:, 0]] > 0, 1]


def _grids_needed(homes: ArrayLike, largest: float) -> Ints:
    return np.maximum(1, np.ceil(np.asarray(homes) / largest)).astype(np.int64)


class State(NamedTuple):
    """A labelled part during the search, with every count that a move needs.

    The grids of compound ``c`` stand in the slots ``start[c]:start[c] + used[c]``: as many slots
    as it has units with households, so memory is linear whatever the number of grids.
    """

    graph: Graph
    weights: Weights
    labels: Positions
    homes: Ints  #: households per grid
    size: Ints  #: units per grid
    inside: Floats  #: per pair and side, what it costs more inside a grid than on its border
    compound: Positions  #: per unit; -1 for a unit without households, which is free to go
    start: Positions
    used: Positions
    need: Ints  #: grids that a compound needs for its size
    slot_grid: Positions
    slot_count: Positions  #: units of the compound in that grid


def make_state(graph: Graph, labels: Positions, grids: int, weights: Weights) -> State:
    """Count everything once for a labelled part. The state owns ``labels`` from here on."""
    compound = np.where(graph.households > 0, graph.compound, -1).astype(np.int32)
    lived = compound >= 0
    size = int(compound.max(initial=-1)) + 1
    slots = np.bincount(compound[lived], minlength=size)
    homes = np.bincount(compound[lived], graph.households[lived], minlength=size)
    state = State(
        graph,
        weights,
        labels,
        np.zeros(grids, np.int64),
        np.zeros(grids, np.int64),
        weights.crossing[graph.barrier] - weights.border * graph.border,
        compound,
        np.concatenate([[0], np.cumsum(slots)]).astype(np.int32),
        np.zeros(size, np.int32),
        _grids_needed(homes, weights.largest),
        np.zeros(int(slots.sum()), np.int32),
        np.zeros(int(slots.sum()), np.int32),
    )
    _count_all(state)
    return state


@kernel
def balance_cost(homes: float, weights: Weights) -> float:
    """Compute the cost of the households of one grid."""
    deviation = homes * weights.share - 1.0
    beyond = max(0.0, abs(deviation) - weights.tolerance)
    return deviation * deviation + weights.outside * beyond * beyond


@kernel
def part_cost(state: State) -> float:
    """Compute the cost of a labelled part, up to what no drawing of it changes. O(pairs).

    The difference of two drawings is that of `evaluate`.
    """
    graph, weights = state.graph, state.weights
    cost = 0.0
    for grid in range(len(state.homes)):
        cost += balance_cost(state.homes[grid], weights)
    for side in range(len(graph.neighbour)):
        if state.labels[graph.owner[side]] == state.labels[graph.neighbour[side]]:
            cost += 0.5 * state.inside[side]
    for compound in range(len(state.used)):
        cost += weights.compound * max(0, state.used[compound] - state.need[compound])
    return cost


@kernel
def excess_imbalance(state: State) -> float:
    """Compute the cost of imbalance per grid above that of an even division, its lower bound."""
    cost, homes, grids = 0.0, 0.0, len(state.homes)
    for grid in range(grids):
        cost += balance_cost(state.homes[grid], state.weights)
        homes += state.homes[grid]
    return cost / grids - balance_cost(homes / grids, state.weights)


@kernel
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
    homes = graph.households[unit]
    if homes > 0:
        from_old, to_new = state.homes[old], state.homes[new]
        delta += balance_cost(from_old - homes, weights) - balance_cost(from_old, weights)
        delta += balance_cost(to_new + homes, weights) - balance_cost(to_new, weights)
        delta += weights.compound * _spread_delta(state, state.compound[unit], old, new)
    return delta


@kernel
def _spread_delta(state: State, compound: int, old: int, new: int) -> int:
    """Count how many more grids beyond its need a compound is spread over after a shift."""
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


@kernel
def shift_unit(state: State, unit: int, new: int) -> None:
    """Move one unit to grid ``new`` and keep the counts. O(grids of its compound)."""
    _leave(state, unit)
    _enter(state, unit, new)


@kernel
def _count_all(state: State) -> None:
    for unit in range(len(state.labels)):
        _enter(state, unit, state.labels[unit])


@kernel
def _enter(state: State, unit: int, grid: int) -> None:
    state.labels[unit] = grid
    state.homes[grid] += state.graph.households[unit]
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


@kernel
def _leave(state: State, unit: int) -> None:
    grid = state.labels[unit]
    state.homes[grid] -= state.graph.households[unit]
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
