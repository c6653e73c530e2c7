"""How much better could the balance of a plan be? Lower bounds, and proven optima of small parts.

`prove` gives a `Certificate` for each connected part of a community. What is proven is the balance
of the objective, ``balance`` + ``outside`` of `gridmap.partition.objective`: the sum over grids of
``balance_cost``, with as many grids as the plan has there. Three steps, each may settle it:

1. *Relaxation*, for any size: borders are forgotten, households may be dealt out almost freely
   (`bound_balance`). Where the plan reaches that bound, it is optimal.
2. *Re-split*: two or three neighbouring grids are joined and cut again in the best way there is,
   by step 3 on that group (contracted inside compounds and blocks where it is large), while that
   helps. This gives a better plan, and with it a narrower band for step 3.
3. *Enumeration*: every connected set that can be a grid of a better plan is listed, once, and the
   best exact cover of the units by such sets is searched, with the duals of the linear relaxation
   (column generation over the list, HiGHS) as potentials. Ideas: Garfinkel, Nemhauser, "Optimal
   political districting by implicit enumeration techniques" (1970); Mehrotra, Johnson, Nemhauser,
   "An optimization based heuristic for political districting" (1998); listing by Avis, Fukuda,
   "Reverse search for enumeration" (1996).

Effort is counted in steps: sets listed and covers tried. The same steps, the same certificates.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment, linprog
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.errors import PlanError, RulesError
from gridmap.partition.improve import Search, can_leave, make_search
from gridmap.partition.objective import (
    State,
    Weights,
    balance_cost,
    make_state,
    make_weights,
    part_cost,
    shift_delta,
    shift_unit,
)
from gridmap.partition.problem import (
    Bits,
    Component,
    Flags,
    Floats,
    Graph,
    Ints,
    Problem,
    kernel,
    measure_load,
    split_components,
)
from gridmap.rules import Rules

#: Sets listed and covers tried per part at most.
DEFAULT_STEPS = 200_000
#: A group of grids that is re-split is contracted to about so many atoms.
ATOMS = 34
#: Grids that are re-split together.
GROUPS = (2, 3)
#: Share of the steps of a part that one re-split may take.
GROUP_SHARE = 20
#: Costs inside a search are scaled so that the plan to beat is so far above an even division.
SPAN = 1000.0
#: Better by less than this share of `SPAN` is not better.
TINY = 1e-6
#: The list is given to the linear program at once below so many sets, else as they price out.
WHOLE = 3000
#: Sets that enter the linear program in one round.
ENTER = 500
#: Sets listed for one part at most, whatever the steps: 2⁲¹ sets of 128 units take 32 MB.
LISTED = 1 << 21
#: Covers tried per step: that is so much faster than listing a set.
TRIES = 200
#: Loads that add up to more are not listed sum by sum: the bound is that of even shares.
MOST_SUMS = 200_000
#: Sets that wait to be extended; more than that, and the part counts as too large.
WAITING = 1 << 15

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
        No division of the part into so many connected grids costs less.
    best : float
        Cost of the best division known: ``cost``, or that of ``labels``.
    labels : int64 array, optional
        Grid per unit of a better division, by the labels in ``grids``; None: none is known.
    deviation : float array
        Relative deviation of each grid from its target, signed.
    worst_bound : float
        In any division some grid deviates at least that much.
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
    deviation: Floats
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
        """How far each grid deviates beyond ``worst_bound``, which some grid can't avoid."""
        return np.maximum(0.0, np.abs(self.deviation) - self.worst_bound)

    @property
    def gap(self) -> float:
        """How much of the plan's cost could be saved at most, as a share of the bound.

        0 is a proven optimum; infinite where the bound is 0 and the cost is not.
        """
        return _measure_gap(self.cost, self.bound)

    @property
    def proven(self) -> bool:
        """Is the optimum known: the plan itself, or ``labels``."""
        return _measure_gap(self.best, self.bound) == 0.0

    @property
    def status(self) -> str:
        """``optimal``, ``within x %`` of the bound, or ``bounded`` where a share says nothing."""
        if not self.whole or self.gap > 1:
            return "bounded"
        return f"within {100 * self.gap:.2g} %" if self.gap > 0 else "optimal"

    def to_text(self) -> str:
        """Say it in one line."""
        if not self.whole:
            return "a grid is not in one piece: nothing can be said but the bound"
        if self.status == "optimal" and self.exceeds:
            return f"{self.reason}: nothing better exists"
        text = self.status
        if self.labels is not None:
            text += ", better grids are known" + (" (optimal)" if self.proven else "")
        return f"{text}; {self.reason}" if self.reason else text


def prove(
    problem: Problem,
    labels: ArrayLike,
    rules: Rules,
    *,
    steps: int = DEFAULT_STEPS,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[Certificate]:
    """Bound the balance of a plan from below, part by part, and prove optima where that is cheap.

    Parameters
    ----------
    problem : Problem
    labels : array of int, per unit
        Grid of each unit, 0 or more; drawn by the engine or by hand.
    rules : Rules
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
        If there is not one label, 0 or more, per unit.
    RulesError
        If steps is negative.

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
    places = np.asarray(labels)
    if places.shape != (len(problem),) or (len(places) and places.min() < 0):
        raise PlanError(f"labels of shape {places.shape}: give one, 0 or more, for each unit")
    if steps < 0:
        raise RulesError(f"steps is {steps}, not 0 or more")
    weights = make_weights(rules, measure_load(problem, rules)[1])
    tasks = [
        (component, places[component.units].astype(np.int64), weights, steps)
        for component in split_components(problem, rules)
    ]
    results = (
        map(_prove_component, tasks) if executor is None else executor.map(_prove_component, tasks)
    )
    certificates, done = [], 0
    for certificate in results:
        certificates.append(certificate)
        done += len(certificate.units)
        if progress is not None:
            progress("prove", done, len(problem))
    return certificates


def improve_small(
    problem: Problem,
    labels: ArrayLike,
    rules: Rules,
    *,
    by: str = "cost",
    steps: int = DEFAULT_STEPS,
    executor: Executor | None = None,
) -> Ints:
    """Put better balanced divisions, proven ones where known, into a plan.

    Parameters
    ----------
    problem, labels, rules, steps, executor
        As for `prove`.
    by : str
        ``cost``: a part is changed only where its whole objective falls, so the plan never gets
        worse. ``balance``: wherever its balance does, whatever that costs in borders.

    Returns
    -------
    int64 array, per unit
        Grid of each unit; grids keep their labels.

    Raises
    ------
    PlanError, RulesError
        As `prove`; RulesError also for another ``by``.
    """
    if by not in ("cost", "balance"):
        raise RulesError(f"by is {by!r}, not 'cost' or 'balance'")
    better = np.array(labels, np.int64)
    weights = make_weights(rules, measure_load(problem, rules)[1])
    certificates = prove(problem, labels, rules, steps=steps, executor=executor)
    for component, one in zip(split_components(problem, rules), certificates, strict=True):
        if one.labels is None:
            continue
        new, old = (np.searchsorted(one.grids, each) for each in (one.labels, better[one.units]))
        graph, grids = component.graph, len(one.grids)
        if by == "balance" or _cost_whole(graph, new, grids, weights) < _cost_whole(
            graph, old, grids, weights
        ):
            better[one.units] = one.labels
    return better


def _measure_gap(cost: float, bound: float) -> float:
    """Give the share that cost is above bound, 0 for what rounding explains."""
    over = cost - bound
    if over <= 1e-9 * max(bound, 1e-3):
        return 0.0
    return over / bound if bound > 0 else float("inf")


def _cost_whole(graph: Graph, labels: Ints, grids: int, weights: Weights) -> float:
    return float(part_cost(make_state(graph, labels.astype(np.int32), grids, weights)))


# --- bounds without borders ----------------------------------------------------------------------


def bound_balance(loads: ArrayLike, grids: int, rules: Rules) -> float:
    """Bound the balance of any division of units into so many grids, connected or not.

    Sort the units by load, u₁ ≥ u₂ ≥ …, and the grids of any division, b₁ ≥ b₂ ≥ …. The j largest
    units lie in at most j grids, so b₁ + … + bⱼ ≥ u₁ + … + uⱼ for every j < k; and all grids sum
    to all units. Among the vectors that keep this, one is majorised by all others: the largest
    units alone while they exceed the mean of what remains, and the rest in even shares. The cost
    of a grid is convex in its load, so by Karamata's inequality that vector costs least.

    A grid's load is also a sum of units. Let g be the lower convex hull of the cost over the sums
    that units can make, found by a bit set over whole loads: g is convex, at least the cost, and
    equal to it at every sum, so the same inequality holds with g and is stronger.

    Parameters
    ----------
    loads : array, per unit
        Households.
    grids : int
        1 or more.
    rules : Rules

    Examples
    --------
    >>> bound_balance([300, 150, 150], 2, Rules(target=300))
    0.0
    >>> round(bound_balance([330, 200, 100], 2, Rules(target=300)), 4)  # 330 and 300
    0.01
    >>> round(bound_balance([200, 200, 200], 2, Rules(target=300)), 3)  # no two make 300
    1.111
    """
    return _relax(np.asarray(loads, np.float64), grids, make_weights(rules)).bound


class _Relaxation(NamedTuple):
    shares: Floats  #: the least uneven loads that borders would allow, largest first
    large: int  #: how many of them are one unit alone
    bound: float  #: their cost over the sums that units can make
    below: float  #: largest sum that is at most the smallest share
    above: float  #: smallest sum that is at least the largest share


def _relax(loads: Floats, grids: int, weights: Weights) -> _Relaxation:
    """Find the least uneven loads; see `bound_balance` for the proof. O(units · households)."""
    largest = np.sort(loads)[::-1][: grids - 1]
    alone, share = _share_out(largest.tolist(), float(loads.sum()), grids)
    shares, large = np.array(alone + [share] * (grids - len(alone))), len(alone)
    sums = _list_sums(loads)
    if sums is None:
        return _Relaxation(shares, large, _sum_costs(shares, weights), shares[-1], shares[0])
    costs = _cost_all(sums, weights)
    hull = _find_hull(sums, costs)
    bound = float(np.interp(shares, sums[hull], costs[hull]).sum())
    below = float(sums[np.searchsorted(sums, shares[-1] * (1 + 1e-12), side="right") - 1])
    above = float(sums[min(np.searchsorted(sums, shares[0] * (1 - 1e-12)), len(sums) - 1)])
    return _Relaxation(shares, large, max(bound, _sum_costs(shares, weights)), below, above)


def _share_out(largest: list[float], total: float, grids: int) -> tuple[list[float], float]:
    """Give the units that are alone in the least uneven loads, and the even share of the others.

    ``largest``: units by load, the largest first, fewer than grids or as many.
    """
    alone = 0
    while alone < min(len(largest), grids - 1) and largest[alone] * (grids - alone) > total:
        total -= largest[alone]
        alone += 1
    return largest[:alone], total / (grids - alone)


def _list_sums(loads: Floats) -> Floats | None:
    """List the sums that subsets of whole loads make, ascending; None if not whole, or too many."""
    whole = loads.astype(np.int64)
    if (whole != loads).any() or whole.sum() > MOST_SUMS:
        return None
    reached = 1
    for load in whole.tolist():
        reached |= reached << load
    raw = np.frombuffer(reached.to_bytes(reached.bit_length() // 8 + 1, "little"), np.uint8)
    return np.flatnonzero(np.unpackbits(raw, bitorder="little")).astype(np.float64)


def _find_hull(x: Floats, y: Floats) -> Ints:
    """Find the corners of the lower convex hull of points sorted by x (Andrew 1979). O(points)."""
    hull: list[int] = []
    for new in range(len(x)):
        while len(hull) > 1 and _turns_right(x, y, hull[-2], hull[-1], new):
            hull.pop()
        hull.append(new)
    return np.array(hull, np.int64)


def _turns_right(x: Floats, y: Floats, a: int, b: int, c: int) -> bool:
    return bool((x[b] - x[a]) * (y[c] - y[a]) <= (y[b] - y[a]) * (x[c] - x[a]))


def _sum_loads(labels: Ints, loads: ArrayLike, grids: int) -> Floats:
    return np.bincount(labels, np.asarray(loads), minlength=grids).astype(np.float64)


def _cost_all(loads: Floats, weights: Weights) -> Floats:
    out = np.empty(len(loads))
    _fill_costs(loads, weights, out)
    return out


def _sum_costs(loads: Floats, weights: Weights) -> float:
    return float(_cost_all(loads, weights).sum())


@kernel
def _fill_costs(loads: Floats, weights: Weights, out: Floats) -> None:
    """Compute the balance of grids of given loads."""
    for index in range(len(loads)):
        out[index] = balance_cost(loads[index], weights)


def bound_worst(loads: ArrayLike, grids: int, rules: Rules) -> float:
    """Bound the worst relative deviation of any division into so many grids.

    Some grid is at least as large as the largest share of the least uneven loads (`bound_balance`),
    some at most as small as the smallest, and both are sums of units. Of the k + 1 largest units
    two are in one grid, so a grid has at least uₖ + uₖ₊₁.

    Examples
    --------
    >>> round(bound_worst([330, 200, 100], 2, Rules(target=300)), 3)
    0.1
    >>> round(bound_worst([200, 200, 200], 2, Rules(target=300)), 3)
    0.333
    """
    return _bound_worst(np.asarray(loads, np.float64), grids, make_weights(rules))


def _bound_worst(loads: Floats, grids: int, weights: Weights) -> float:
    relaxed = _relax(loads, grids, weights)
    largest = np.sort(loads)[::-1]
    two = float(largest[grids - 1 : grids + 1].sum()) if len(loads) > grids else 0.0
    over = max(relaxed.above, two) * weights.share - 1.0
    return max(over, 1.0 - relaxed.below * weights.share, 0.0)


def _explain(graph: Graph, grids: int, weights: Weights, worst: float) -> str:
    """Say in words what keeps the worst deviation from 0."""
    total, most = int(graph.households.sum()), int(np.argmax(graph.load))
    if worst < 1e-9:
        return ""
    if total == 0:
        return "nobody lives here"
    mean = float(graph.load.sum()) / grids * weights.share - 1.0
    alone = float(graph.load[most]) * weights.share - 1.0
    if alone > max(0.0, abs(mean)):
        homes = int(graph.households[most])
        return f"a building alone has {homes} households, the target is {homes / (alone + 1):.0f}"
    each = f"{total} households for {grids} grid{'s' if grids > 1 else ''}"
    if grids == 1 or abs(abs(mean) - worst) < 0.5 * weights.share:
        return f"the community has {each}, {total / grids:.0f} each"
    return f"the buildings, {each}, add up to no share nearer {total / grids / (mean + 1):.0f}"


# --- a part as bits ------------------------------------------------------------------------------


class Region(NamedTuple):
    """Connected atoms (units, or units contracted) as bit sets of ``words`` · 64 bits.

    Atoms without households that are never needed to hold a grid together are left out: one whose
    neighbours all touch each other is a cut of no set.
    """

    near: Bits  #: (atoms, words) neighbours over usable pairs
    loads: Floats
    lived: Bits  #: (words,) atoms with households
    atom: Ints  #: per place, the atom

    @property
    def words(self) -> int:
        """Words of a bit set."""
        return self.near.shape[1]


def _make_region(graph: Graph, atoms: Ints) -> Region:
    """Turn units (by their atom; -1: outside) into bits, numbered as a sweep from one end."""
    size = int(atoms.max()) + 1
    one, two = atoms[graph.owner], atoms[graph.neighbour]
    kept = graph.usable & (one >= 0) & (two >= 0) & (one != two)
    touch = np.zeros((size, size), bool)
    touch[one[kept], two[kept]] = True
    inside = atoms >= 0
    loads = np.bincount(atoms[inside], graph.load[inside], minlength=size).astype(float)
    order = _sweep(touch, _sweep(touch, 0)[-1])
    order = order[_needed(touch, loads)[order]]
    near = touch[np.ix_(order, order)]
    return Region(_pack(near), loads[order], _pack(loads[None, order] > 0)[0], order)


def _needed(touch: Flags, loads: Floats) -> Flags:
    """Find atoms that a grid may need; the neighbours are taken among these. O(atoms³) at worst."""
    alive = np.ones(len(loads), bool)
    changed = True
    while changed:
        changed = False
        for atom in np.flatnonzero(alive & (loads == 0)):
            near = np.flatnonzero(touch[atom] & alive)
            if touch[np.ix_(near, near)].sum() == len(near) * (len(near) - 1):
                alive[atom], changed = False, True
    return alive


def _sweep(touch: Flags, start: int) -> Ints:
    """Order atoms by distance from a start: a cover that starts there leaves no islands behind."""
    order, seen = [start], np.zeros(len(touch), bool)
    seen[start] = True
    for atom in order:
        new = np.flatnonzero(touch[atom] & ~seen)
        seen[new] = True
        order.extend(new.tolist())
    return np.array(order, np.int64)


def _pack(flags: Flags) -> Bits:
    """Pack rows of flags into words of 64 bits."""
    words = max(1, -(-flags.shape[1] // 64))
    padded = np.zeros((len(flags), words * 64), bool)
    padded[:, : flags.shape[1]] = flags
    raw = np.packbits(padded, axis=1, bitorder="little")
    return np.ascontiguousarray(raw).view("<u8").astype(np.uint64)


def _unpack(rows: Bits, size: int) -> Flags:
    raw = np.ascontiguousarray(rows.astype("<u8")).view(np.uint8)
    return np.unpackbits(raw, axis=1, bitorder="little")[:, :size].astype(bool)


_ONE, _NONE, _SHIFT_58 = np.uint64(1), np.uint64(0), np.uint64(58)
_DEBRUIJN = 0x03F79D71B4CB0A89
_DEBRUIJN_WORD = np.uint64(_DEBRUIJN)
_PLACES = np.argsort([((_DEBRUIJN << bit) & (2**64 - 1)) >> 58 for bit in range(64)])


@kernel
def _first_bit(word: int) -> Any:
    """Give the place of the lowest bit set (Leiserson, Prokop, Randall 1998)."""
    return _PLACES[((word & (~word + _ONE)) * _DEBRUIJN_WORD) >> _SHIFT_58]


@kernel
def _copy(source: Bits, target: Bits) -> None:
    for word in range(len(source)):
        target[word] = source[word]


@kernel
def _share_bits(one: Bits, two: Bits) -> bool:
    shared = _NONE
    for word in range(len(one)):
        shared |= one[word] & two[word]
    return shared != _NONE


# --- listing the sets that can be grids -----------------------------------------------------------


class _Band(NamedTuple):
    """Loads that a grid of a better division can have."""

    low: float
    high: float
    large_low: float  #: the same for a grid with one of the units that are large
    large_high: float
    large: Bits  #: (words,) those units


class _Room(NamedTuple):
    """Room for the listing; made once per part."""

    rows: Bits  #: (9, words) sets at hand
    stack: Ints  #: atoms to be visited by a flood
    waiting: Bits  #: (WAITING, words) sets to be extended
    load: Floats  #: their loads
    path: Bits  #: (WAITING, 2, words) paths of empty atoms, and what the next atom must not be
    end: Ints  #: last atom of each path


def _make_room(region: Region) -> _Room:
    atoms, words = region.near.shape
    return _Room(
        np.zeros((9, words), np.uint64),
        np.zeros(atoms + 1, np.int64),
        np.empty((WAITING, words), np.uint64),
        np.empty(WAITING),
        np.empty((WAITING, 2, words), np.uint64),
        np.empty(WAITING, np.int64),
    )


@kernel
def _is_cut(region: Region, room: _Room, inside: Bits, atom: int) -> bool:
    """Say whether a connected set falls apart without one of its atoms.

    Floods from one neighbour of the atom until all its neighbours in the set are reached.
    O(atoms of the set · words).
    """
    seen, wanted = room.rows[0], room.rows[1]
    first, left = -1, 0
    for word in range(len(inside)):
        wanted[word] = region.near[atom, word] & inside[word]
        seen[word] = _NONE
        bits = wanted[word]
        while bits != _NONE:
            first = (word << 6) + _first_bit(bits)
            left += 1
            bits &= bits - _ONE
    if left <= 1:
        return False
    seen[atom >> 6] |= _ONE << np.uint64(atom & 63)
    seen[first >> 6] |= _ONE << np.uint64(first & 63)
    return not _flood(region, room, inside, first, left - 1)


@kernel
def _flood(region: Region, room: _Room, inside: Bits, first: int, left: int) -> bool:
    """Walk from ``first`` over what is inside and not seen, until ``left`` wanted atoms are met."""
    seen, wanted, stack = room.rows[0], room.rows[1], room.stack
    stack[0], top = first, 1
    while top > 0:
        top -= 1
        atom = stack[top]
        for word in range(len(inside)):
            new = region.near[atom, word] & inside[word] & ~seen[word]
            seen[word] |= new
            met = new & wanted[word]
            while met != _NONE:
                left -= 1
                met &= met - _ONE
            while new != _NONE:
                stack[top] = (word << 6) + _first_bit(new)
                top += 1
                new &= new - _ONE
        if left == 0:
            return True
    return False


@kernel
def _is_new(region: Region, room: _Room, inside: Bits, added: int) -> bool:
    """Say whether a set is minimal and reached from its parent: see `_list_sets`."""
    for word in range(len(inside)):
        bits = inside[word]
        while bits != _NONE:
            atom = (word << 6) + _first_bit(bits)
            empty = region.lived[word] & bits & (~bits + _ONE) == _NONE
            if (empty or atom > added) and not _is_cut(region, room, inside, atom):
                return False
            bits &= bits - _ONE
    return True


@kernel
def _extend(region: Region, room: _Room, band: _Band, root: int, load: float, top: int) -> int:
    """Let the set at hand, with a path of empty atoms, grow by each inhabited candidate.

    Rows of the room: 2 the set, 3 the path, 4 the candidates. Returns the sets waiting, -1 if
    there is no room.
    """
    base, path, candidates = room.rows[2], room.rows[3], room.rows[4]
    for word in range(len(base)):
        bits = candidates[word] & region.lived[word]
        while bits != _NONE:
            atom = (word << 6) + _first_bit(bits)
            bits &= bits - _ONE
            total = load + region.loads[atom]
            if atom <= root or total > max(band.high, band.large_high):
                continue
            if top == len(room.waiting):
                return -1
            grown = room.waiting[top]
            for other in range(len(base)):
                grown[other] = base[other] | path[other]
            grown[word] |= _ONE << np.uint64(atom & 63)
            high = band.large_high if _share_bits(grown, band.large) else band.high
            if total <= high and _is_new(region, room, grown, atom):
                room.load[top] = total
                top += 1
    return top


@kernel
def _start_paths(region: Region, room: _Room) -> int:
    """Put the empty neighbours of the set at hand down as paths of one atom each."""
    base, near, deep = room.rows[2], room.rows[5], 0
    for word in range(len(base)):
        bits = near[word] & ~region.lived[word]
        while bits != _NONE:
            bit = bits & (~bits + _ONE)
            bits ^= bit
            for other in range(len(base)):
                room.path[deep, 0, other] = _NONE
                room.path[deep, 1, other] = base[other] | near[other]
            room.path[deep, 0, word] = bit
            room.end[deep] = (word << 6) + _first_bit(bit)
            deep += 1
    return deep


@kernel
def _lengthen_path(region: Region, room: _Room, deep: int) -> int:
    """Take the last path; set its candidates; put its lengthenings by an empty atom back.

    The next atom touches the end of the path and nothing before it. -1 if there is no room.
    """
    path, candidates, barred = room.rows[3], room.rows[4], room.rows[6]
    end = room.end[deep]
    for word in range(len(path)):
        path[word] = room.path[deep, 0, word]
        candidates[word] = region.near[end, word] & ~room.path[deep, 1, word] & ~path[word]
        barred[word] = room.path[deep, 1, word] | region.near[end, word]
    for word in range(len(path)):
        bits = candidates[word] & ~region.lived[word]
        while bits != _NONE:
            bit = bits & (~bits + _ONE)
            bits ^= bit
            if deep == len(room.path):
                return -1
            for other in range(len(path)):
                room.path[deep, 0, other] = path[other]
                room.path[deep, 1, other] = barred[other]
            room.path[deep, 0, word] |= bit
            room.end[deep] = (word << 6) + _first_bit(bit)
            deep += 1
    return deep


@kernel
def _grow(region: Region, room: _Room, band: _Band, root: int, load: float, top: int) -> int:
    """Put all children of the set at hand (row 2) down as waiting. -1 if there is no room."""
    base, path, candidates, near = room.rows[2], room.rows[3], room.rows[4], room.rows[5]
    near[:] = _NONE
    for word in range(len(base)):
        bits = base[word]
        while bits != _NONE:
            atom = (word << 6) + _first_bit(bits)
            bits &= bits - _ONE
            for other in range(len(base)):
                near[other] |= region.near[atom, other]
    for word in range(len(base)):
        near[word] &= ~base[word]
        path[word] = _NONE
        candidates[word] = near[word]
    top = _extend(region, room, band, root, load, top)
    deep = _start_paths(region, room)
    while deep > 0 and top >= 0:
        deep = _lengthen_path(region, room, deep - 1)
        top = _extend(region, room, band, root, load, top) if deep >= 0 else -1
    return top


@kernel
def _list_sets(
    region: Region, room: _Room, band: _Band, steps: int, sets: Bits, loads: Floats, roots: Ints
) -> tuple[int, int]:
    """List the connected sets whose load is in the band, without needless empty atoms.

    A set is *minimal* if it falls apart without any one of its empty atoms. From a division into
    connected grids, empty atoms that are not needed can be taken out one by one, and from disjoint
    minimal sets that cover all inhabited atoms a division of the same loads is made by giving the
    remaining empty atoms to sets that they touch. So minimal sets suffice.

    Reverse search (Avis, Fukuda 1996): a minimal set of two or more inhabited atoms has at least
    two atoms that are no cut, all inhabited. Its parent is the set without the highest of them,
    and without the empty atoms that are needless then. These can only be a path that led to it, on
    which each atom touches its two neighbours alone. So every minimal set is reached from its
    parent by adding an inhabited atom over such a path, and from there only; the root is its
    lowest inhabited atom. Nothing is stored but the sets that wait. O(atoms · words) per flood,
    some floods per set.

    Returns the sets listed, -1 if steps or room did not suffice, and the sets visited.
    """
    found, visited, base = 0, 0, room.rows[2]
    for root in range(len(region.loads)):
        if region.loads[root] == 0:
            continue
        top = 1
        room.waiting[0, :] = _NONE
        room.waiting[0, root >> 6] = _ONE << np.uint64(root & 63)
        room.load[0] = region.loads[root]
        while top > 0:
            top -= 1
            visited += 1
            load = room.load[top]
            _copy(room.waiting[top], base)
            large = _share_bits(base, band.large)
            low = band.large_low if large else band.low
            high = band.large_high if large else band.high
            if low <= load <= high:
                if found == len(sets):
                    return -1, visited
                _copy(base, sets[found])
                loads[found], roots[found] = load, root
                found += 1
            top = _grow(region, room, band, root, load, top)
            if top < 0 or visited >= steps:
                return -1, visited
    return found, visited


@kernel
def _can_divide(region: Region, room: _Room, taken: Bits, low: float, high: float, k: int) -> bool:
    """Say whether what is not taken may still become ``k`` grids with loads in the band.

    Each connected part of it must hold a whole number of grids. O(atoms · words).
    """
    seen, rest, least, most = room.rows[0], room.rows[7], 0, 0
    room.rows[1, :] = _NONE
    for word in range(len(rest)):
        rest[word] = ~taken[word]
        seen[word] = _NONE
    for start in range(len(region.loads)):
        bit = _ONE << np.uint64(start & 63)
        if (rest[start >> 6] & ~seen[start >> 6] & bit) == _NONE:
            continue
        _copy(seen, room.rows[8])
        seen[start >> 6] |= bit
        _flood(region, room, rest, start, 1 << 30)
        load = 0.0
        for word in range(len(rest)):
            bits = seen[word] & ~room.rows[8, word] & region.lived[word]
            while bits != _NONE:
                load += region.loads[(word << 6) + _first_bit(bits)]
                bits &= bits - _ONE
        if load > 0:
            fewest = int(np.ceil(load / high - 1e-9))
            largest = min(k, int(np.floor(load / low + 1e-9))) if low > 0 else k
            if fewest > largest:
                return False
            least += fewest
            most += largest
    return least <= k <= most


@kernel
def _keep_dividing(
    region: Region, room: _Room, band: _Band, k: int, sets: Bits, loads: Floats, roots: Ints
) -> int:
    """Keep the sets that leave a rest that can be divided, in place; give their number."""
    low, high = min(band.low, band.large_low), max(band.high, band.large_high)
    kept = 0
    for index in range(len(sets)):
        if _can_divide(region, room, sets[index], low, high, k - 1):
            _copy(sets[index], sets[kept])
            loads[kept], roots[kept] = loads[index], roots[index]
            kept += 1
    return kept


@kernel
def _price(sets: Bits, costs: Floats, duals: Floats, each: float, out: Floats) -> None:
    """Compute the reduced cost of every set. O(sets · atoms in a set)."""
    for index in range(len(sets)):
        price = costs[index] - each
        for word in range(sets.shape[1]):
            bits = sets[index, word]
            while bits != _NONE:
                price -= duals[(word << 6) + _first_bit(bits)]
                bits &= bits - _ONE
        out[index] = price


# --- the best cover ------------------------------------------------------------------------------


class _Cover(NamedTuple):
    """Room for the search of a cover; per depth, what the sets taken so far come to."""

    covered: Bits  #: (k + 1, words) atoms covered
    priced: Floats  #: sum of reduced costs
    spent: Floats  #: sum of costs
    left: Floats  #: load not covered
    at: Ints  #: the next set to try
    best: Bits  #: (k, words) the best cover


@kernel
def _search_cover(
    region: Region,
    room: _Room,
    cover: _Cover,
    weights: Weights,
    sets: Bits,
    loads: Floats,
    prices: Floats,
    start: Ints,
    ends: tuple[float, float],
    limit: float,
    scale: float,
    gap: float,
    tries: int,
) -> tuple[int, int]:
    """Find the disjoint sets that cover all inhabited atoms at the least cost, below ``limit``.

    Depth first: the lowest inhabited atom that is not covered is the root of the next set (all
    lower ones are covered), and the sets of a root stand together, by reduced cost. A branch ends
    where the reduced costs, all 0 or more and ``scale`` times the cost, sum to ``gap``; where even
    shares of the rest would cost too much; and where the rest can't be divided into the grids left.
    The last grid is the rest itself. Returns 1 if a cover was found, 0 if there is none, minus 2
    where the search was broken off after so many tries; and the tries.
    """
    grids, tried, found, depth = len(cover.best), 0, 0, 0
    cover.covered[0, :] = _NONE
    cover.at[0] = start[_next_root(region, cover.covered[0])]
    while depth >= 0:
        index, root = cover.at[depth], _next_root(region, cover.covered[depth])
        if index >= start[root + 1] or cover.priced[depth] + prices[index] >= gap:
            depth -= 1
            continue
        cover.at[depth] += 1
        tried += 1
        if tried > tries:
            return found - 2, tried
        if _share_bits(sets[index], cover.covered[depth]):
            continue
        left, rest = grids - depth - 1, cover.left[depth] - loads[index]
        spent = cover.spent[depth] + balance_cost(loads[index], weights)
        least = spent + left * balance_cost(rest / left, weights)
        if rest <= 0.0 or least >= limit:
            continue
        taken = cover.covered[depth + 1]
        for word in range(len(taken)):
            taken[word] = cover.covered[depth, word] | sets[index, word]
        if not _can_divide(region, room, taken, ends[0], ends[1], left):
            continue
        if left == 1:
            gap -= (limit - least) * scale
            found, limit = 1, least - TINY / scale
            _note_cover(region, room, cover, sets)
            continue
        depth += 1
        cover.priced[depth] = cover.priced[depth - 1] + prices[index]
        cover.spent[depth], cover.left[depth] = spent, rest
        cover.at[depth] = start[_next_root(region, taken)]
    return found, tried


@kernel
def _note_cover(region: Region, room: _Room, cover: _Cover, sets: Bits) -> None:
    """Write down the sets taken, and as the last grid what the flood of the rest has reached."""
    last = len(cover.best) - 1
    for level in range(last):
        _copy(sets[cover.at[level] - 1], cover.best[level])
    taken, root = cover.covered[last], _next_root(region, cover.covered[last])
    room.rows[0, :] = _NONE
    room.rows[1, :] = _NONE
    for word in range(len(taken)):
        room.rows[7, word] = ~taken[word]
    room.rows[0, root >> 6] = _ONE << np.uint64(root & 63)
    _flood(region, room, room.rows[7], root, 1 << 30)
    _copy(room.rows[0], cover.best[last])


@kernel
def _next_root(region: Region, covered: Bits) -> int:
    for word in range(len(covered)):
        bits = region.lived[word] & ~covered[word]
        if bits != _NONE:
            return (word << 6) + int(_first_bit(bits))
    return -1


class _Sets(NamedTuple):
    """The sets listed, and what each costs in units of `SPAN`."""

    bits: Bits
    loads: Floats
    roots: Ints
    costs: Floats


class _Duals(NamedTuple):
    """Prices of covering: with them every listed set costs 0 or more."""

    bound: float  #: no cover costs less, in units of `SPAN`
    prices: Floats  #: reduced cost per set


class _Answer(NamedTuple):
    """What a search knows."""

    bound: float  #: no division costs less; at most the limit
    groups: Ints | None  #: per atom, the grid of a better division; None: none found
    steps: int  #: steps taken


def _solve_region(
    region: Region, grids: int, limit: float, weights: Weights, steps: int, *, program: bool
) -> _Answer:
    """Find the best division that costs less than ``limit``, or show that there is none.

    With ``program`` the linear program is solved first; without, the tangent of the cost at an
    even division gives the prices, which is enough for few grids.
    """
    relaxed = _relax(region.loads, grids, weights)
    room, band = _make_room(region), _find_band(region, grids, limit, relaxed, weights)
    listed = _list(region, room, band, grids, steps)
    if isinstance(listed, int):
        return _Answer(relaxed.bound, None, listed)
    bits, loads, roots, used = listed
    mean = float(region.loads.sum()) / grids
    even = grids * float(balance_cost(mean, weights))
    sets = _Sets(bits, loads, roots, _scale_costs(loads, mean, limit, even, grids, weights))
    duals = _price_tangent(sets, grids)
    if program:
        duals = _solve_program(region, sets, grids, duals)
    bound = max(relaxed.bound, even + (limit - even) * duals.bound / SPAN)
    if duals.bound >= SPAN - TINY or not len(bits):
        return _Answer(limit, None, used)
    chosen, complete, tried = _find_cover(
        region, room, band, sets, duals, weights, (grids, limit, even), steps - used
    )
    if chosen is None:
        return _Answer(limit if complete else bound, None, used + tried)
    groups = np.full(len(region.loads), -1, np.int64)
    for grid, row in enumerate(_unpack(chosen, len(region.loads))):
        groups[row] = grid
    homes = _sum_loads(groups[groups >= 0], region.loads[groups >= 0], grids)
    return _Answer(_sum_costs(homes, weights) if complete else bound, groups, used + tried)


def _find_band(
    region: Region, grids: int, limit: float, relaxed: _Relaxation, weights: Weights
) -> _Band:
    """Find the loads of grids of a division that costs less than the limit.

    A grid of load h leaves k - 1 grids, which cost at least what the least uneven loads of the rest
    do; if it has none of the large units, these are among the rest. As the least of a convex cost
    over loads that sum to the rest, that is convex in h.
    """
    alone = relaxed.shares[: relaxed.large].tolist()
    total = float(region.loads.sum())
    flags = region.loads >= (alone[-1] if alone else np.inf)
    plain = _bisect_band(total, grids, alone, limit, weights)
    return _Band(*plain, *_bisect_band(total, grids, [], limit, weights), _pack(flags[None, :])[0])


def _bisect_band(
    total: float, grids: int, large: list[float], limit: float, weights: Weights
) -> tuple[float, float]:
    """Find the least and greatest load of a grid beside others that have the large units."""
    slack = 1e-9 * total

    def cost(load: float) -> float:
        alone, share = _share_out(large, total - load, grids - 1)
        costs = [float(balance_cost(each, weights)) for each in [load, share, *alone]]
        return costs[0] + costs[1] * (grids - 1 - len(alone)) + sum(costs[2:])

    ends = []
    for end in (0.0, total - sum(large)):
        inner, outer = _share_out(large, total, grids)[1], end
        for _ in range(40):
            middle = 0.5 * (inner + outer)
            inner, outer = (middle, outer) if cost(middle) < limit else (inner, middle)
        ends.append(end if cost(end) < limit else outer)
    return ends[0] - slack, ends[1] + slack


def _list(
    region: Region, room: _Room, band: _Band, grids: int, steps: int
) -> tuple[Bits, Floats, Ints, int] | int:
    """List the sets that can be grids of a better division; only the steps if they ran out."""
    size = min(steps, LISTED)
    sets, loads = np.empty((size, region.words), np.uint64), np.empty(size)
    roots = np.empty(size, np.int64)
    found, used = _list_sets(region, room, band, steps, sets, loads, roots)
    if found < 0:
        return int(used)
    kept = _keep_dividing(region, room, band, grids, sets[:found], loads, roots)
    return sets[:kept].copy(), loads[:kept].copy(), roots[:kept].copy(), int(used)


def _scale_costs(
    loads: Floats, mean: float, limit: float, even: float, grids: int, weights: Weights
) -> Floats:
    """Measure costs above the tangent at the mean: over a whole division tangents sum to even."""
    slope = float(balance_cost(mean * 1.0001, weights) - balance_cost(mean * 0.9999, weights))
    slope /= max(mean * 0.0002, 1e-300)
    above = _cost_all(loads, weights) - even / grids - slope * (loads - mean)
    return above * (SPAN / (limit - even))


def _price_tangent(sets: _Sets, grids: int) -> _Duals:
    """Price by the tangent alone: the costs are above it already, up to rounding."""
    least = float(sets.costs.min(initial=0.0))
    return _Duals(grids * least, sets.costs - least)


def _solve_program(region: Region, sets: _Sets, grids: int, start: _Duals) -> _Duals:
    """Solve the linear relaxation of the cover by column generation over the list.

    minimise the cost of the sets taken, so that every inhabited atom is in one, every empty atom in
    at most one, and ``grids`` are taken. Whatever the program answers, its duals bound every cover:
    the sum of the duals plus ``grids`` times the least reduced cost over the list (Farley 1990).
    The best of all rounds is kept.
    """
    best, size = start, len(sets.costs)
    inside = np.argsort(sets.costs, kind="stable")[: size if size <= WHOLE else ENTER]
    prices = np.empty(size)
    while True:
        duals, each = _solve_master(region, sets, inside, grids)
        _price(sets.bits, sets.costs, duals, each, prices)
        least = float(prices.min(initial=0.0))
        bound = float(duals.sum()) + grids * (each + least)
        if bound > best.bound:
            best = _Duals(bound, prices - least)
        new = np.flatnonzero(prices < -TINY * SPAN)
        if least >= -TINY * SPAN or best.bound >= SPAN - TINY or size <= WHOLE:
            return best
        entering = new[np.argsort(prices[new], kind="stable")[:ENTER]]
        grown = np.union1d(inside, entering)
        if len(grown) == len(inside):
            return best
        inside = grown


def _solve_master(region: Region, sets: _Sets, inside: Ints, grids: int) -> tuple[Floats, float]:
    """Solve the program over some of the sets; give the dual of each atom, and that of a grid.

    A dear artificial set per inhabited atom, and one that is no set, keep it feasible.
    """
    member = _unpack(sets.bits[inside], len(region.loads)).T.astype(np.float64)
    lived = region.loads > 0
    count, empty = int(lived.sum()), int((~lived).sum())
    artificial = np.vstack([np.ones((1, count + 1)), np.eye(count, count + 1)])
    cover = np.hstack([np.vstack([np.ones((1, len(inside))), member[lived]]), artificial])
    answer = linprog(
        np.concatenate([sets.costs[inside], np.full(count + 1, 2 * SPAN)]),
        A_ub=np.hstack([member[~lived], np.zeros((empty, count + 1))]),
        b_ub=np.ones(empty),
        A_eq=cover,
        b_eq=np.concatenate([[float(grids)], np.ones(count)]),
        method="highs",
    )
    duals = np.zeros(len(region.loads))
    if answer.status != 0:
        return duals, 0.0
    duals[lived] = answer.eqlin.marginals[1:]
    duals[~lived] = np.minimum(0.0, answer.ineqlin.marginals)
    return duals, float(answer.eqlin.marginals[0])


def _find_cover(
    region: Region,
    room: _Room,
    band: _Band,
    sets: _Sets,
    duals: _Duals,
    weights: Weights,
    wanted: tuple[int, float, float],
    steps: int,
) -> tuple[Bits | None, bool, int]:
    """Search the best cover below the limit among the sets whose reduced cost leaves room for it.

    ``wanted``: grids, the limit, and the cost of even shares. Gives the sets, whether the search is
    complete, and the steps.
    """
    grids, limit, even = wanted
    scale, gap = SPAN / (limit - even), SPAN - duals.bound - TINY
    kept = np.flatnonzero(duals.prices < gap)
    kept = kept[np.lexsort((duals.prices[kept], sets.roots[kept]))]
    start = np.searchsorted(sets.roots[kept], np.arange(len(region.loads) + 1))
    words, left = region.words, np.zeros(grids + 1)
    left[0] = region.loads.sum()
    cover = _Cover(
        np.zeros((grids + 1, words), np.uint64),
        np.zeros(grids + 1),
        np.zeros(grids + 1),
        left,
        np.zeros(grids + 1, np.int64),
        np.zeros((grids, words), np.uint64),
    )
    found, tried = _search_cover(
        region,
        room,
        cover,
        weights,
        sets.bits[kept],
        sets.loads[kept],
        duals.prices[kept],
        start,
        (min(band.low, band.large_low), max(band.high, band.large_high)),
        limit - TINY / scale,
        scale,
        gap,
        max(steps, 0) * TRIES,
    )
    return cover.best if found in (1, -1) else None, found >= 0, int(tried // TRIES) + 1


# --- one part -------------------------------------------------------------------------------------

_Task = tuple[Component, Ints, Weights, int]


def _prove_component(task: _Task) -> Certificate:
    """Settle one part: relaxation, re-splits, enumeration."""
    component, labels, weights, steps = task
    graph = component.graph
    grids, places = np.unique(labels, return_inverse=True)
    loads, size = graph.load.astype(np.float64), len(grids)
    homes = _sum_loads(places, graph.households, size).astype(np.int64)
    filled = _sum_loads(places, loads, size)
    cost, bound = _sum_costs(filled, weights), _relax(loads, size, weights).bound
    best, better = cost, None
    whole = _count_pieces(graph, places) == size
    if whole and _measure_gap(cost, bound) > 0 and size <= np.count_nonzero(loads):
        bound, better = _improve_part(graph, places.astype(np.int64), size, weights, steps, bound)
    if better is not None:
        best = _cost_balance(graph, better, size, weights)
    if _measure_gap(cost, best) == 0:  # another division, but no better one
        best, better = cost, None
    worst = _bound_worst(loads, size, weights)
    return Certificate(
        key=component.key,
        units=component.units,
        grids=grids,
        households=homes,
        cost=cost,
        bound=min(bound, best) if whole else min(bound, cost),
        best=best,
        labels=None if better is None else grids[better],
        deviation=filled * weights.share - 1.0,
        worst_bound=worst,
        reason=_explain(graph, size, weights, worst),
        exceeds=bool(loads.max(initial=0.0) * weights.share > 1.0 + weights.tolerance),
        whole=whole,
    )


def _count_pieces(graph: Graph, labels: Ints) -> int:
    """Count the pieces of all grids of a part, over usable pairs."""
    inside = graph.usable & (labels[graph.owner] == labels[graph.neighbour])
    joins = coo_array(
        (np.ones(int(inside.sum()), np.int8), (graph.owner[inside], graph.neighbour[inside])),
        (len(labels), len(labels)),
    )
    return int(connected_components(joins, directed=False)[0])


def _improve_part(
    graph: Graph, labels: Ints, grids: int, weights: Weights, steps: int, bound: float
) -> tuple[float, Ints | None]:
    """Raise the bound and lower the cost; give the bound and better labels, if any."""
    better, used = _resplit(graph, labels, grids, weights, steps // 2)
    atoms = np.arange(len(labels))
    region = _make_region(graph, atoms)
    while used < steps:
        cost = _cost_balance(graph, better, grids, weights)
        if _measure_gap(cost, bound) == 0:
            break
        answer = _solve_region(region, grids, cost, weights, steps - used, program=True)
        used, bound = used + answer.steps, max(bound, answer.bound)
        if answer.groups is None:
            break
        better = _expand(graph, atoms, region, answer.groups)
    if np.array_equal(better, labels):
        return bound, None
    better = _keep_labels(labels, better, grids, graph.households)
    state = make_state(graph, better.astype(np.int32), grids, weights)
    _polish_ties(state, make_search(graph, np.zeros(1, np.uint64)))
    return bound, state.labels.astype(np.int64)


def _keep_labels(old: Ints, new: Ints, grids: int, households: Ints) -> Ints:
    """Name new grids so that most households keep theirs, then most units."""
    same = np.zeros((grids, grids))
    np.add.at(same, (new, old), households + 1.0 / (len(old) + 1))
    return np.asarray(linear_sum_assignment(same, maximize=True)[1], np.int64)[new]


def _cost_balance(graph: Graph, labels: Ints, grids: int, weights: Weights) -> float:
    return _sum_costs(_sum_loads(labels, graph.load, grids), weights)


def _resplit(
    graph: Graph, labels: Ints, grids: int, weights: Weights, steps: int
) -> tuple[Ints, int]:
    """Cut groups of neighbouring grids anew while that helps, those that may gain most first."""
    labels, used = labels.copy(), 0
    stamp = np.zeros(grids, np.int64)  # how often a grid was changed
    tried: dict[tuple[int, ...], list[int]] = {}
    share = max(steps // GROUP_SHARE, 1)
    while used < steps:
        group = next(
            (
                g
                for g in _rank_groups(graph, labels, grids, weights)
                if tried.get(g) != stamp[[*g]].tolist()
            ),
            None,
        )
        if group is None:
            break
        used += _resplit_group(graph, labels, group, weights, min(share, steps - used), stamp)
        tried[group] = stamp[[*group]].tolist()
    return labels, used


def _rank_groups(graph: Graph, labels: Ints, grids: int, weights: Weights) -> list[tuple[int, ...]]:
    """List connected groups of grids that even shares would improve, the most gain first."""
    homes = _sum_loads(labels, graph.load, grids)
    costs = _cost_all(homes, weights)
    touch = np.zeros((grids, grids), bool)
    one, two = labels[graph.owner[graph.usable]], labels[graph.neighbour[graph.usable]]
    touch[one, two] = True
    gains = {}
    for group in _list_groups(touch):
        mean = homes[[*group]].sum() / len(group)
        gain = float(costs[[*group]].sum()) - len(group) * float(balance_cost(mean, weights))
        if gain > 1e-9:
            gains[group] = gain
    return sorted(gains, key=lambda group: (-gains[group], group))


def _list_groups(touch: Flags) -> Iterator[tuple[int, ...]]:
    """List pairs of grids that touch, and triples that hang together."""
    for one, two in np.argwhere(np.triu(touch, 1)).tolist():
        yield one, two
    for middle in range(len(touch)):
        near = [other for other in np.flatnonzero(touch[middle]).tolist() if other != middle]
        for one, two in combinations(near, 2):
            if not touch[one, two] or middle < one:  # a triangle counts once
                yield tuple(sorted((one, middle, two)))


def _resplit_group(
    graph: Graph, labels: Ints, group: tuple[int, ...], weights: Weights, steps: int, stamp: Ints
) -> int:
    """Cut one group anew, in place, if that costs less; give the steps."""
    atoms = _contract(graph, np.isin(labels, group), 1.0 / weights.share)
    region = _make_region(graph, atoms)
    cost = _sum_costs(_sum_loads(labels, graph.load, 0)[[*group]], weights)
    answer = _solve_region(region, len(group), cost, weights, steps, program=False)
    if answer.groups is not None:
        inside = atoms >= 0
        labels[inside] = np.array(group)[_expand(graph, atoms, region, answer.groups)[inside]]
        stamp[[*group]] += 1
    return answer.steps


def _expand(graph: Graph, atoms: Ints, region: Region, groups: Ints) -> Ints:
    """Give every unit the grid of its atom, and atoms left over a grid that they touch."""
    of_atom = np.full(int(atoms.max()) + 1, -1, np.int64)
    of_atom[region.atom] = groups
    labels = np.where(atoms >= 0, of_atom[atoms], -1)
    while ((labels < 0) & (atoms >= 0)).any():
        one, two = graph.owner, graph.neighbour
        open_ = graph.usable & (labels[one] < 0) & (atoms[one] >= 0) & (labels[two] >= 0)
        unit, side = np.unique(one[open_], return_index=True)
        labels[unit] = labels[two[open_][side]]
    return labels


def _contract(graph: Graph, inside: Flags, target: float) -> Ints:
    """Merge units inside compounds, then blocks, to about `ATOMS`, the smallest first.

    No atom grows beyond a third of the target. Gives the atom per unit, -1 outside.
    """
    atoms = np.where(inside, np.cumsum(inside) - 1, -1)
    kept = graph.usable & inside[graph.owner] & inside[graph.neighbour]
    one, two = graph.owner[kept], graph.neighbour[kept]
    loads = graph.load[inside].astype(np.float64)
    left = len(loads)
    for place in (graph.compound, graph.block):
        same = (place[one] == place[two]) & (place[one] >= 0)
        while left > ATOMS:
            a, b = atoms[one[same]], atoms[two[same]]
            merged = np.where(a < b, loads[a] + loads[b], np.inf)
            pick = int(np.argmin(merged)) if len(merged) else -1
            if pick < 0 or merged[pick] > target / 3:
                break
            loads[a[pick]] = merged[pick]
            atoms[atoms == b[pick]] = a[pick]
            left -= 1
    atoms[inside] = np.unique(atoms[inside], return_inverse=True)[1]
    return atoms


@kernel
def _polish_ties(state: State, search: Search) -> None:
    """Give units without households to the grid where they cost least; balance stays as it is."""
    graph, changed, rounds = state.graph, True, 0
    while changed and rounds < 20:
        changed = False
        rounds += 1
        for unit in range(len(state.labels)):
            if graph.load[unit] > 0:
                continue
            best, least = -1, -1e-12
            for side in range(graph.indptr[unit], graph.indptr[unit + 1]):
                new = state.labels[graph.neighbour[side]]
                if graph.usable[side] and new != state.labels[unit]:
                    delta = shift_delta(state, unit, new)
                    if delta < least:
                        best, least = new, delta
            if best >= 0 and can_leave(state, search, unit):
                shift_unit(state, unit, best)
                changed = True
