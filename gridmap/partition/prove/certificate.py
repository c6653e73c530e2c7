"""Certificates: what is known of the balance of each part of a plan, in figures and in words."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import ArrayLike

from gridmap.errors import PlanError
from gridmap.partition.objective import Weights, weigh_problem
from gridmap.partition.problem import (
    Component,
    Flags,
    Floats,
    Graph,
    Ints,
    Problem,
    check_effort,
    separate,
    split_components,
)
from gridmap.partition.prove.bounds import (
    Sums,
    list_sums,
    measure_worst,
    relax,
    sum_costs,
    sum_loads,
)
from gridmap.partition.prove.numbers import Other, find_other
from gridmap.partition.prove.reasons import Place, explain, name_place
from gridmap.partition.prove.resplit import recut
from gridmap.partition.prove.settle import (
    GROUP_SHARE,
    cost_balance,
    find_balanced,
    measure_gap,
    settle_balance,
)
from gridmap.rules import Rules

#: Sets listed and covers tried per part at most.
DEFAULT_STEPS = 20_000_000
#: Share of the steps of a part that go into cutting its grids anew before anything is listed.
RESPLIT_SHARE = 4

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is known about the balance of one connected part of a community.

    Parameters
    ----------
    key : (int, int)
        Position of the community, and of the part inside it.
    units : int64 array
        Positions of its units in the problem.
    grids : int64 array
        Labels of its grids in the plan, ascending. A grid that lies in two parts counts in both,
        each time with what it has there.
    households : int64 array
        Households per grid.
    cost : float
        ``balance`` + ``outside`` of the plan here.
    bound : float
        No division of the part into as many connected grids costs less.
    best : float
        Cost of the best division known into as many: ``cost``, or that of ``labels``.
    labels : int64 array, optional
        Grid per unit of a better division, by the labels in ``grids``; None: none is known.
    other : Other, optional
        Another number of grids that is more even: known by a division, or possible by its bound.
        None where no other number costs less than ``best``.
    least : float
        No division of the part costs less, whatever its number of grids.
    deviation : float array
        Relative deviation of each grid from its target, signed.
    known : float array
        Deviations of the best division known, with any number of grids: without sign, the largest
        first.
    floor : float array
        The same of the least uneven loads, with the number of grids whose bound is the lowest; see
        `savable`.
    worst_bound : float
        In any division into as many some grid deviates at least that much.
    reason : str
        In words, what keeps it from 0; empty if nothing does.
    exceeds : bool
        A building alone is above the band.
    whole : bool
        Every grid of the plan is in one piece here.
    """

    key: tuple[int, int]
    units: Ints
    grids: Ints
    households: Ints
    cost: float
    bound: float
    best: float
    labels: Ints | None
    other: Other | None
    least: float
    deviation: Floats
    known: Floats
    floor: Floats
    worst_bound: float
    reason: str
    exceeds: bool
    whole: bool

    @property
    def worst(self) -> float:
        """The largest deviation of a grid, without sign."""
        return float(np.abs(self.deviation).max())

    @property
    def avoidable(self) -> Floats:
        """How far each grid deviates beyond the one of its rank in a more even division.

        Ranks are by deviation without sign, the largest first. The division is the best one known,
        with any number of grids; 0 everywhere if that is the plan, and proven. If it is the plan
        and not proven, see `savable`.
        """
        return self._exceed(self.floor if self._is_open else self.known)

    @property
    def savable(self) -> Floats:
        """How far each grid deviates beyond its rank in ``floor``: what could be avoided at most.

        Let d₁ ≥ d₂ ≥ … be the deviations of any division, and s₁ ≥ s₂ ≥ … those of the least uneven
        loads. These are majorised by the loads of the division (see `bound_balance`), and the
        deviation is convex in the load, so d₁ + … + dⱼ ≥ s₁ + … + sⱼ for every j (Tomić 1949, Weyl
        1949: a convex function keeps majorisation, weakly from below). Also d₁ ≥ ``worst_bound``.
        The sums of ``floor`` are the larger of the two bounds. So the j worst grids of no division
        into that many deviate less, together, than the first j of ``floor``; and no such division
        lowers the sum of the j worst by more than what is savable of them in this plan. One grid
        alone may lose more, where another gains.
        """
        return self._exceed(self.floor)

    def _exceed(self, ranked: Floats) -> Floats:
        """Say how far each grid deviates beyond its rank; a rank that there is not has 0."""
        off = np.abs(self.deviation)
        order = np.argsort(-off, kind="stable")
        beside, out = np.zeros(len(off)), np.zeros(len(off))
        beside[: len(ranked)] = ranked[: len(off)]
        out[order] = np.maximum(0.0, off[order] - beside)
        return out

    @property
    def _is_open(self) -> bool:
        """Is no better division known, and the plan not proven."""
        return self.labels is None and not self._is_other_known and self.gap > 0

    @property
    def _is_other_known(self) -> bool:
        return self.other is not None and self.other.labels is not None

    @property
    def gap(self) -> float:
        """How much of the plan's cost could be saved at most, as a share of ``least``.

        With any number of grids. 0 is a proven optimum; infinite where ``least`` is 0 and the cost
        is not.
        """
        return measure_gap(self.cost, self.least)

    @property
    def settled(self) -> bool:
        """Is the best division into as many grids known: the plan itself, or ``labels``."""
        return measure_gap(self.best, self.bound) == 0.0

    @property
    def proven(self) -> bool:
        """Is the optimum known: the plan itself, ``labels`` or those of ``other``."""
        known = self.best if self.other is None else min(self.best, self.other.cost)
        return measure_gap(known, self.least) == 0.0

    @property
    def status(self) -> str:
        """What is proven.

        ``optimal``, ``optimal for 3 grids`` where another number is or may be more even,
        ``within x %`` of the least cost, or ``bounded`` where a share says nothing.
        """
        if not self.whole:
            return "bounded"
        if self.gap > 0 and measure_gap(self.cost, self.bound) == 0:
            return f"optimal for {_count(len(self.grids))}"
        if self.gap > 1:
            return "bounded"
        return f"within {_say_share(self.gap)} %" if self.gap > 0 else "optimal"

    def to_text(self) -> str:
        """Say it in one line; points of deviation are per cent of the target."""
        if not self.whole:
            return (
                f"a grid is not in one piece: nothing can be said but the bound, {self._say_most()}"
            )
        if self.status == "optimal" and self.exceeds and self.reason:
            return f"{self.reason}: nothing better exists"
        parts = [self._say_own(), self._say_other(), self.reason]
        return "; ".join(part for part in parts if part)

    def _say_own(self) -> str:
        """Say what is known of as many grids."""
        text = self.status
        if self.labels is not None:
            text += ", better grids are known" + (" (optimal)" if self.settled else "")
        if self._is_other_known or self.gap == 0:
            return text
        if self._is_open:
            return f"{text}: {self._say_most()}"
        return f"{text}, which save {self._say_saved()}"

    def _say_other(self) -> str:
        """Say what is known of another number of grids."""
        if self.other is None or (self.other.labels is None and self.other.bound >= self.bound):
            return ""
        if not self._is_other_known:
            return f"{_count(self.other.grids)} may be more even"
        return f"{_count(self.other.grids)} would be more even and save {self._say_saved()}"

    def _say_most(self) -> str:
        """Say what could be saved at most."""
        return f"at most {_points(self.savable).removeprefix('under ')} a grid could be saved"

    def _say_saved(self) -> str:
        """Say what the best division known saves, and if it is not proven, what could be saved."""
        text, most = f"{_points(self.avoidable)} a grid", _round(self.savable)
        known = self.proven or most == _round(self.avoidable)
        return text if known else f"{text}, of at most {most}"


def _say_share(share: float) -> str:
    """Say a share in per cent with two digits, 0.01 at least.

    Examples
    --------
    >>> _say_share(0.997), _say_share(0.0417), _say_share(1e-9)
    ('100', '4.2', '0.01')
    """
    per_cent = max(100 * share, 0.01)
    return f"{per_cent:.0f}" if per_cent >= 10 else f"{per_cent:.2g}"


def _points(deviation: Floats) -> str:
    """Say a mean deviation.

    Examples
    --------
    >>> _points(np.array([0.02, 0.03])), _points(np.array([5.0])), _points(np.array([0.01]))
    ('2.5 points of deviation', '500 points of deviation', '1 point of deviation')
    >>> _points(np.array([0.0004]))
    'under 0.1 points of deviation'
    """
    figure = _round(deviation)
    return f"{figure} point{'' if figure == '1' else 's'} of deviation"


def _round(deviation: Floats) -> str:
    """Say a mean deviation in per cent of the target, with two digits."""
    mean = float(deviation.mean())
    if mean == 0:
        return "0"
    return "under 0.1" if mean < 0.001 else _say_share(mean)


def _count(grids: int) -> str:
    return f"{grids} grid{'s' if grids > 1 else ''}"


def prove(
    problem: Problem,
    labels: ArrayLike,
    rules: Rules,
    *,
    locked: ArrayLike = (),
    steps: int = DEFAULT_STEPS,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[Certificate]:
    """Bound the balance of a plan from below, part by part, and prove optima where that is cheap.

    An exclusive zone is one grid of any size, and a locked grid what it is: both are optimal.

    Parameters
    ----------
    problem : Problem
    labels : array of int, per unit
        Grid of each unit, 0 or more; drawn by the engine or by hand.
    rules : Rules
    locked : array of int, optional
        Labels of grids that stay as they are. What they separate are parts of their own, as in
        `gridmap.partition.partition_problem`.
    steps : int
        Sets listed and covers tried per part at most; 0 gives the relaxation's bound only.
    executor : concurrent.futures.Executor, optional
        Threads or processes; the certificates do not depend on it.
    progress : callable, optional
        Called as ``progress("prove", units done, units)``.

    Returns
    -------
    list of Certificate
        One per connected part, in order of first appearance.

    Raises
    ------
    PlanError
        If there is not one label, 0 or more, per unit, or a locked grid does not exist.
    RulesError
        If steps is no whole number from 0 up.

    Examples
    --------
    >>> from gridmap.partition import assemble_problem
    >>> row = assemble_problem(
    ...     households=[200, 100, 300], community=[0, 0, 0], compound=[-1, -1, -1],
    ...     block=[0, 0, 1], pairs=[(0, 1), (1, 2)], border=[10, 10], barrier=[0, 0],
    ...     usable=[True, True],
    ... )
    >>> one, = prove(row, [0, 0, 1], Rules())
    >>> one.status, one.cost, one.bound
    ('optimal', 0.0, 0.0)
    >>> one, = prove(row, [0, 1, 1], Rules())
    >>> one.labels.tolist(), one.proven
    ([0, 0, 1], True)
    """
    places, fixed = check_labels(problem, labels, locked)
    check_effort(steps=steps)
    tasks = _list_tasks(problem, places, fixed, rules, steps)
    results = map(_prove_part, tasks) if executor is None else executor.map(_prove_part, tasks)
    certificates, done = [], 0
    for certificate in results:
        certificates.append(certificate)
        done += len(certificate.units)
        if progress is not None:
            progress("prove", done, len(problem))
    return certificates


def check_labels(problem: Problem, labels: ArrayLike, locked: ArrayLike) -> tuple[Ints, Flags]:
    """Give the label of each unit, and flag those of locked grids."""
    places = np.asarray(labels)
    if places.shape != (len(problem),) or (len(places) and places.min() < 0):
        raise PlanError(f"labels of shape {places.shape}: give one, 0 or more, for each unit")
    closed = np.asarray(locked, np.int64)
    strange = closed[~np.isin(closed, places)]
    if len(strange):
        raise PlanError(f"locked grid {strange[0]} is not in the plan; lock grids that it has")
    return places.astype(np.int64), np.isin(places, closed)


def split_parts(problem: Problem, places: Ints, fixed: Flags, rules: Rules) -> list[Component]:
    """Give the parts, those that locked grids separate as well."""
    if fixed.any():
        problem = separate(problem, np.where(fixed, places, -1))
    return split_components(problem, rules)


# --- one part -------------------------------------------------------------------------------------


class _Task(NamedTuple):
    component: Component
    place: Place
    labels: Ints
    locked: bool
    weights: Weights
    steps: int


def _list_tasks(
    problem: Problem, places: Ints, fixed: Flags, rules: Rules, steps: int
) -> list[_Task]:
    """List what there is to prove, part by part."""
    weights, work = weigh_problem(problem, rules), rules.workload.instead
    parts = split_parts(problem, places, fixed, rules)
    count = Counter(part.key[0] for part in parts)
    names = [name_place(count[part.key[0]], work) for part in parts]
    return [
        _Task(part, name, places[part.units], bool(fixed[part.units[0]]), weights, steps)
        for part, name in zip(parts, names, strict=True)
    ]


def _prove_part(task: _Task) -> Certificate:
    """Say what is known of one part."""
    if task.component.exclusive or task.locked:
        return _certify_fixed(task)
    return _certify(task)


def _certify_fixed(task: _Task) -> Certificate:
    """Certify what nobody draws: an exclusive zone deviates from nothing, a locked grid stays."""
    component, weights = task.component, task.weights
    grids, places = np.unique(task.labels, return_inverse=True)
    filled, size = sum_loads(places, component.graph.load, len(grids)), len(grids)
    deviation = np.zeros(size) if component.exclusive else filled * weights.share - 1.0
    cost = 0.0 if component.exclusive else sum_costs(filled, weights)
    off = np.sort(np.abs(deviation))[::-1]
    return Certificate(
        key=component.key,
        units=component.units,
        grids=grids,
        households=sum_loads(places, component.graph.households, size).astype(np.int64),
        cost=cost,
        bound=cost,
        best=cost,
        labels=None,
        other=None,
        least=cost,
        deviation=deviation,
        known=off,
        floor=off,
        worst_bound=float(off[0]),
        reason="an exclusive zone has no size to keep"
        if component.exclusive
        else "the grid is locked",
        exceeds=False,
        whole=_count_pieces(component.graph, places) == size,
    )


def _certify(task: _Task) -> Certificate:
    """Settle one part: relaxation, re-splits, enumeration."""
    graph, weights = task.component.graph, task.weights
    grids, places = np.unique(task.labels, return_inverse=True)
    loads, size = graph.load.astype(np.float64), len(grids)
    filled, sums = sum_loads(places, loads, size), list_sums(loads, weights)
    relaxed = relax(loads, size, weights, sums)
    cost, bound, better = sum_costs(filled, weights), relaxed.bound, None
    whole = _count_pieces(graph, places) == size
    if whole and measure_gap(cost, bound) > 0 and size <= np.count_nonzero(loads):
        bound, better = _improve_part(graph, places, size, weights, task.steps, bound)
    best = cost if better is None else cost_balance(graph, better, size, weights)
    if measure_gap(cost, best) == 0:  # another division, but no better one
        best, better = cost, None
    bound = min(bound, best)
    other, least = find_other(graph, size, weights, sums, best, bound, task.steps)
    least = min(least, bound)
    worst = measure_worst(loads, size, weights, relaxed)
    return Certificate(
        key=task.component.key,
        units=task.component.units,
        grids=grids,
        households=sum_loads(places, graph.households, size).astype(np.int64),
        cost=cost,
        bound=bound,
        best=best,
        labels=None if better is None else grids[better],
        other=other,
        least=least,
        deviation=filled * weights.share - 1.0,
        known=_sort_off(_find_loads(loads, filled, better, other), weights),
        floor=_find_floor(loads, sums, size, weights, other, bound),
        worst_bound=worst,
        reason=explain(graph, size, weights, worst, task.place),
        exceeds=bool(loads.max(initial=0.0) * weights.share > 1.0 + weights.tolerance),
        whole=whole,
    )


def _find_loads(loads: Floats, filled: Floats, better: Ints | None, other: Other | None) -> Floats:
    """Give the loads of the grids of the best division known."""
    if other is not None and other.labels is not None:
        return sum_loads(other.labels, loads, other.grids)
    return filled if better is None else sum_loads(better, loads, len(filled))


def _find_floor(
    loads: Floats, sums: Sums, grids: int, weights: Weights, other: Other | None, bound: float
) -> Floats:
    """Find the ``floor`` of as many grids, or of the other number whose bound is lower."""
    if other is not None and other.bound < bound:
        grids = other.grids
    relaxed = relax(loads, grids, weights, sums)
    together = np.cumsum(_sort_off(relaxed.shares, weights))
    worst = measure_worst(loads, grids, weights, relaxed)
    return np.diff(np.maximum(together, worst), prepend=0.0)


def _sort_off(loads: Floats, weights: Weights) -> Floats:
    return np.sort(np.abs(loads * weights.share - 1.0))[::-1]


def _count_pieces(graph: Graph, labels: Ints) -> int:
    """Count the pieces of all grids of a part, over usable pairs."""
    inside = graph.usable & (labels[graph.owner] == labels[graph.neighbour])
    joins = scipy.sparse.coo_array(
        (np.ones(int(inside.sum()), np.int8), (graph.owner[inside], graph.neighbour[inside])),
        (len(labels), len(labels)),
    )
    return int(scipy.sparse.csgraph.connected_components(joins, directed=False)[0])


def _improve_part(
    graph: Graph, labels: Ints, grids: int, weights: Weights, steps: int, bound: float
) -> tuple[float, Ints | None]:
    """Raise the bound and lower the cost; give the bound and better labels, if any."""
    better, used = find_balanced(graph, labels, grids, weights, steps // RESPLIT_SHARE)
    found = settle_balance(graph, better, grids, weights, steps - used)
    better, bound = found.labels, max(bound, found.bound)
    if np.array_equal(better, labels):
        return bound, None
    better = _keep_labels(labels, better, grids, graph.households)
    allowed, steps = cost_balance(graph, better, grids, weights), steps // RESPLIT_SHARE
    state, _ = recut(graph, better, grids, weights, steps, steps // GROUP_SHARE, allowed=allowed)
    return bound, state.labels.astype(np.int64)


def _keep_labels(old: Ints, new: Ints, grids: int, households: Ints) -> Ints:
    """Name new grids so that most households keep theirs, then most units."""
    same = np.zeros((grids, grids))
    np.add.at(same, (new, old), households + 1.0 / (len(old) + 1))
    return np.asarray(scipy.optimize.linear_sum_assignment(same, maximize=True)[1], np.int64)[new]
