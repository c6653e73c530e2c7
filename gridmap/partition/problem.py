"""The partition problem as arrays. Ids become positions here, and nowhere else.

Below this module there is no pandas and no shapely: a unit is its position 0 … n-1 in the units
table, and so are communities, compounds and blocks, in order of first appearance.
"""

import math
import operator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray

from gridmap.compiling import make_decorators
from gridmap.errors import PlanError, RulesError, TableError
from gridmap.rules import Rules
from gridmap.tables import ADJACENCY, CROSSINGS, UNITS, check_table

Ints: TypeAlias = NDArray[np.int64]
Positions: TypeAlias = NDArray[np.int32]
Codes: TypeAlias = NDArray[np.int8]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Bits: TypeAlias = NDArray[np.uint64]

# ``_nrt`` off: no reference counts, which triple the time of a move; so kernels allocate nothing.
#: Compile a function that works in place on arrays made by the caller, without the GIL.
kernel, routine = make_decorators(unsigned=True, error_model="numpy", _nrt=False)

#: Grains of a workload of 1: loads are whole, so that sums do not depend on an order.
WORK_GRAIN = 1000
#: Parts of a grid in which loads are counted at most; more only if targets have no common measure.
FINEST = 10**9
#: Households, or grains of workload, of all units together at most: whole numbers of a float.
MOST = 2**53


@dataclass(frozen=True)
class Problem:
    """Units, what they touch and what they belong to; read-only by convention.

    Neighbours are rows of a sparse matrix (CSR): those of unit ``i`` stand in
    ``indptr[i]:indptr[i + 1]``, each pair once from either side. Pairs that lie in two communities
    are left out: no grid can join them, and their border is nobody's choice.

    Parameters
    ----------
    households : int64 per unit
    community : int32 per unit
        Position of its community.
    part : int32 per unit
        Position of the connected part of the community that it is in, over usable pairs.
    compound : int32 per unit
        Position of its compound, -1 for none. A compound that lies in two parts counts as two:
        what is in another part can't share a grid anyway.
    block : int32 per unit
    target : float64 per unit
        Households of a usual grid where it lies; NaN is the target of the rules.
    work : int64 per unit
        Its workload, in thousandths (`WORK_GRAIN`); 0 where nobody asked for one.
    zone : int32 per unit
        Position of its exclusive zone, -1 for none. No pair between two zones, or a zone and none,
        is usable: each connected part of a zone is a part, and one grid.
    indptr : int32, units + 1
    neighbour : int32 per pair and side
    border : float64 per pair and side
        Metres that the two share.
    barrier : int8 per pair and side
        What lies between: position in `gridmap.tables.CROSSINGS`.
    usable : bool per pair and side
        May a grid be joined through it.
    """

    households: Ints
    community: Positions
    part: Positions
    compound: Positions
    block: Positions
    target: Floats
    work: Ints
    zone: Positions
    indptr: Positions
    neighbour: Positions
    border: Floats
    barrier: Codes
    usable: Flags

    def __len__(self) -> int:
        return len(self.households)


class Graph(NamedTuple):
    """One connected part as the kernels take it: positions count from its first unit.

    Pairs with the community's other parts are left out: no drawing changes them.
    """

    households: Ints
    compound: Positions
    block: Positions
    indptr: Positions
    owner: Positions  #: per pair and side, the unit that the row belongs to
    neighbour: Positions
    border: Floats
    barrier: Codes
    usable: Flags
    load: Ints  #: per unit, the share that it fills of a grid: households / target, in grains
    work: Ints  #: per unit, its workload where that is balanced beside the load, else 0


class Component(NamedTuple):
    """A subproblem that can be solved alone: one connected part of one community."""

    units: Ints  #: positions of its units in the problem
    graph: Graph
    grids: int  #: how many grids it gets
    key: tuple[int, int]  #: position of the community, and of the part inside it; seeds the draw
    exclusive: bool  #: an exclusive zone: one grid, whatever its size
    exact: bool = False  #: ``grids`` was asked for, so a redraw makes neither more nor fewer


def make_problem(units: pd.DataFrame, adjacency: pd.DataFrame) -> Problem:
    """Turn a units table and its adjacency into positions.

    Parameters
    ----------
    units : GeoDataFrame
        Keeps `gridmap.tables.UNITS`; the geometry is not read. Columns that may be missing:
        ``part_of``, the building that an entrance is of: entrances are kept together before
        compounds are; ``target``, households of a usual grid where the unit lies (else, and where
        it is NaN, the rules'); ``zone_id``, the exclusive zone that it is part of ("" for none);
        ``workload``, as `gridmap.workload.unit_workload` adds it up.
    adjacency : DataFrame
        Keeps `gridmap.tables.ADJACENCY`. ``usable`` says where a grid may be joined; a short
        contact was already judged when it was set.

    Raises
    ------
    TableError
        If a table does not keep its contract, a pair names a unit that does not exist, is of one
        unit or listed twice, a border is no length, or a target is below 1.
    """
    check_table(units, UNITS)
    check_table(adjacency, ADJACENCY)
    sides = [_find_positions(units.index, adjacency[side], side) for side in ("unit_a", "unit_b")]
    _check_pairs(sides, adjacency)
    return assemble_problem(
        households=units["households"],
        community=pd.factorize(units["community_id"])[0],
        compound=_number_compounds(units),
        block=pd.factorize(units["block_id"])[0],
        pairs=np.column_stack(sides),
        border=adjacency["border"],
        barrier=pd.Categorical(adjacency["barrier"], categories=CROSSINGS).codes,
        usable=adjacency["usable"],
        target=_read_targets(units) if "target" in units else None,
        work=_read_work(units) if "workload" in units else None,
        zone=_read_zones(units) if "zone_id" in units else None,
    )


def _number_compounds(units: pd.DataFrame) -> Ints:
    """Give a number to what should stay in one grid: the entrances of a building, or a compound."""
    group = "compound " + units["compound_id"].where(units["compound_id"] != "")
    if "part_of" in units:
        group = group.where(units["part_of"] == "", "building " + units["part_of"])
    return pd.factorize(group)[0]


def assemble_problem(
    *,
    households: ArrayLike,
    community: ArrayLike,
    compound: ArrayLike,
    block: ArrayLike,
    pairs: ArrayLike,
    border: ArrayLike,
    barrier: ArrayLike,
    usable: ArrayLike,
    target: ArrayLike | None = None,
    work: ArrayLike | None = None,
    zone: ArrayLike | None = None,
) -> Problem:
    """Make a problem from arrays: per unit, then per pair (each pair once, from either side).

    Parameters
    ----------
    households, community, compound, block : array of int, per unit
        Communities, compounds (-1 for none) and blocks by any whole numbers.
    pairs : (pairs, 2) array of int
        Positions of the two units.
    border, barrier, usable : array, per pair
        Metres, position in `gridmap.tables.CROSSINGS`, may a grid be joined through it.
    target : array of float, per unit, optional
        Households of a usual grid there; NaN, or no array, is the target of the rules.
    work : array of float, per unit, optional
        Workload, 0 or more, in any measure.
    zone : array of int, per unit, optional
        Exclusive zone by any whole number, -1 for none.

    Raises
    ------
    TableError
        If households or workload add up to more than can be counted.

    Examples
    --------
    >>> row = assemble_problem(
    ...     households=[200, 100, 300], community=[7, 7, 7], compound=[-1, -1, -1],
    ...     block=[0, 0, 1], pairs=[(0, 1), (1, 2)], border=[10, 10], barrier=[0, 1],
    ...     usable=[True, True],
    ... )
    >>> row.neighbour.tolist()
    [1, 0, 2, 1]
    """
    counts = _check_total(np.asarray(households, np.int64), "households")
    place = rank_by_appearance(community)
    two = np.asarray(pairs, np.int64).reshape(-1, 2)
    inside = place[two[:, 0]] == place[two[:, 1]]
    two = two[inside]
    zones = rank_by_appearance(np.full(len(counts), -1) if zone is None else zone)
    joined = np.asarray(usable, bool)[inside] & (zones[two[:, 0]] == zones[two[:, 1]])
    part = number_parts(two[joined], len(counts))
    rows = _sort_sides(two, len(counts))
    return Problem(
        households=counts,
        community=place,
        part=part,
        compound=_split_compounds(np.asarray(compound, np.int64), part),
        block=rank_by_appearance(block),
        target=np.asarray(np.full(len(counts), np.nan) if target is None else target, np.float64),
        work=_count_work(np.zeros(len(counts)) if work is None else work),
        zone=zones,
        indptr=rows.indptr,
        neighbour=rows.neighbour,
        border=np.asarray(border, np.float64)[inside][rows.pair],
        barrier=np.asarray(barrier, np.int8)[inside][rows.pair],
        usable=joined[rows.pair],
    )


def separate(problem: Problem, group: ArrayLike) -> Problem:
    """Make every pair between two groups of units unusable: no grid lies in two groups.

    Parameters
    ----------
    problem : Problem
    group : array of int, per unit
        Groups by any whole numbers.
    """
    groups = np.asarray(group)
    owner = owners(problem)
    usable = problem.usable & (groups[owner] == groups[problem.neighbour])
    part = number_parts(np.column_stack([owner, problem.neighbour])[usable], len(problem))
    compound = _split_compounds(problem.compound.astype(np.int64), part)
    return replace(problem, usable=usable, part=part, compound=compound)


def take_units(problem: Problem, units: ArrayLike) -> Problem:
    """Take some units and the pairs between them; a neighbourhood as a problem of its own.

    Parameters
    ----------
    problem : Problem
    units : array of int
        Their positions, each once; they keep this order.
    """
    chosen = np.asarray(units, np.int64)
    place = np.full(len(problem), -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    sides = np.diff(problem.indptr)[chosen]
    owner = np.repeat(np.arange(len(chosen)), sides)
    first = np.cumsum(sides) - sides
    slots = np.repeat(problem.indptr[chosen] - first, sides) + np.arange(len(owner))
    neighbour = place[problem.neighbour[slots]]
    inside = neighbour >= 0
    owner, neighbour, slots = owner[inside], neighbour[inside], slots[inside]
    usable = problem.usable[slots]
    part = number_parts(np.column_stack([owner, neighbour])[usable], len(chosen))
    ends = np.cumsum(np.bincount(owner, minlength=len(chosen)))
    return Problem(
        households=problem.households[chosen],
        community=problem.community[chosen],
        part=part,
        compound=_split_compounds(problem.compound[chosen].astype(np.int64), part),
        block=problem.block[chosen],
        target=problem.target[chosen],
        work=problem.work[chosen],
        zone=problem.zone[chosen],
        indptr=np.concatenate([[0], ends]).astype(np.int32),
        neighbour=neighbour.astype(np.int32),
        border=problem.border[slots],
        barrier=problem.barrier[slots],
        usable=usable,
    )


def owners(problem: Problem) -> Ints:
    """Give the unit that each pair and side belongs to."""
    return np.repeat(np.arange(len(problem)), np.diff(problem.indptr))


def measure_load(problem: Problem, rules: Rules) -> tuple[Ints, float]:
    """Say how much of a grid each unit fills: households / target, as a whole number of grains.

    Loads are whole, so that sums do not depend on an order. A grid is the smallest number of grains
    for which every load is exact, the least common multiple of the targets; if all are the rules',
    a grain is a household, even of a target that is not whole. Targets without a common measure
    below `FINEST` are rounded to it. Where the rules balance the workload instead of households
    (``rules.workload.instead``), a unit fills the share of a grid that its workload is.

    Returns
    -------
    load : int64 per unit
        1 or more where anybody lives.
    grain : int or float
        Grains of a full grid.

    Examples
    --------
    >>> town = {"community": [0, 0], "compound": [-1, -1], "block": [0, 0], "pairs": [(0, 1)],
    ...         "border": [9], "barrier": [0], "usable": [True], "households": [100, 100]}
    >>> measure_load(assemble_problem(**town), Rules(target=300))
    (array([100, 100]), 300)
    >>> measure_load(assemble_problem(**town, target=[200, 50]), Rules())
    (array([100, 400]), 200)
    """
    if rules.workload.instead:
        full = max(1, round(find_work_target(rules) * WORK_GRAIN))
        return np.maximum(problem.work, problem.households > 0), full
    given = np.where(np.isnan(problem.target), rules.target, problem.target)
    if (given == rules.target).all():
        return problem.households, rules.target
    targets, which = np.unique(given, return_inverse=True)
    parts = [Fraction(str(target)) for target in targets]
    grain = math.lcm(*(part.numerator for part in parts))
    if grain > FINEST:
        rounded = np.rint(problem.households * (FINEST / given)).astype(np.int64)
        return np.maximum(rounded, problem.households > 0), FINEST
    worth = np.array([grain * part.denominator // part.numerator for part in parts], np.int64)
    return problem.households * worth[which], grain


def find_work_target(rules: Rules) -> float:
    """Say how much workload a usual grid has.

    Raises
    ------
    RulesError
        If the rules leave that open: `gridmap.workload.fit_workload` settles it for a whole city.
    """
    if rules.workload.target is None:
        raise RulesError("workload.target is open; give one, or units with a table of their own")
    return float(rules.workload.target)


def split_components(problem: Problem, rules: Rules) -> list[Component]:
    """Give the parts that can be solved alone, in order of first appearance.

    Units keep their order inside a part. The arrays of all parts are cut from one sorted copy:
    O(units + pairs), whatever the number of parts.
    """
    load, grain = measure_load(problem, rules)
    work = problem.work if rules.workload.beside else np.zeros(len(problem), np.int64)
    sheets = _sort_parts(problem)
    bounds = np.searchsorted(
        problem.part[sheets.order], np.arange(problem.part.max(initial=-1) + 2)
    )
    seen: dict[int, int] = {}
    components = []
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        units = sheets.order[start:stop]
        community = int(problem.community[units[0]])
        seen[community] = seen.get(community, -1) + 1
        graph = _cut_graph(problem, sheets, start, stop, load, work)
        exclusive = bool(problem.zone[units[0]] >= 0)
        grids = 1 if exclusive else count_grids(graph.load, rules, grain)
        key = (community, seen[community])
        components.append(Component(units, graph, grids, key, exclusive))
    return components


class _Sheets(NamedTuple):
    """Units and sides of a problem, sorted by part; those of one part stand together."""

    order: Ints  #: units
    ends: Ints  #: per unit in that order, where its sides begin; and where the last ones end
    slots: Ints  #: sides inside a part
    owner: Ints  #: per such side, the places of its units in the order
    neighbour: Ints
    compound: Positions  #: per unit in the order, numbered as they appear
    before: Positions  #: the number of the next new compound


def _sort_parts(problem: Problem) -> _Sheets:
    """Sort units, and sides inside parts, by part; units keep their order inside one."""
    order = np.argsort(problem.part, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    owner = owners(problem)
    slots = np.flatnonzero(problem.part[owner] == problem.part[problem.neighbour])
    slots = slots[np.argsort(place[owner[slots]], kind="stable")]
    mine, other = place[owner[slots]], place[problem.neighbour[slots]]
    ends = np.concatenate([[0], np.cumsum(np.bincount(mine, minlength=len(order)))])
    compound = rank_by_appearance(problem.compound[order])  # no compound lies in two parts
    before = np.maximum.accumulate(np.concatenate([[-1], compound])) + 1
    return _Sheets(order, ends, slots, mine, other, compound, before)


def _cut_graph(
    problem: Problem, sheets: _Sheets, start: int, stop: int, load: Ints, work: Ints
) -> Graph:
    """Cut the graph of one part, units ``start`` to ``stop`` in order, from the sorted sheets."""
    units, ends = sheets.order[start:stop], sheets.ends[start : stop + 1]
    sides = slice(ends[0], ends[-1])
    pick = sheets.slots[sides]
    compound = np.maximum(sheets.compound[start:stop] - sheets.before[start], -1)
    return Graph(
        households=problem.households[units],
        compound=compound.astype(np.int32),
        block=problem.block[units],
        indptr=(ends - ends[0]).astype(np.int32),
        owner=(sheets.owner[sides] - start).astype(np.int32),
        neighbour=(sheets.neighbour[sides] - start).astype(np.int32),
        border=problem.border[pick],
        barrier=problem.barrier[pick],
        usable=problem.usable[pick],
        load=load[units],
        work=work[units],
    )


def check_effort(**efforts: Any) -> None:
    """Refuse an effort or a seed that is no whole number from 0 up.

    Raises
    ------
    RulesError
        With its name and value.

    Examples
    --------
    >>> check_effort(steps=1.5)
    Traceback (most recent call last):
    gridmap.errors.RulesError: steps is 1.5, not a whole number from 0 up
    """
    for name, value in efforts.items():
        if not is_whole(value) or value < 0:
            raise RulesError(f"{name} is {value!r}, not a whole number from 0 up")


def is_whole(value: Any) -> bool:
    """Say whether a value is a whole number, of Python or of numpy."""
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def count_grids(load: ArrayLike, rules: Rules, grain: float | None = None) -> int:
    """Say how many grids the units of one connected part of a community get.

    The sum of the loads, half up, at least 1: a part that touches nothing must be a grid of its
    own, even with nobody in it. Two corrections, so that no grid is made that can't be filled: a
    building above the band is alone in its grid and counts as one grid's worth (not where
    ``costs.even`` is 0: such a building breaks a band that is a must in any case, and the number
    of grids is the one asked for); and there are never more grids than units with households.

    Parameters
    ----------
    load : array of int, per unit
        In grains; see `measure_load`.
    rules : Rules
    grain : int or float, optional
        Grains of a full grid; the target by default, so that loads are households.

    Examples
    --------
    >>> count_grids([100, 200, 150], Rules(target=300))
    2
    >>> count_grids([1200, 100, 200], Rules(target=300))  # the tower counts as 300
    2
    >>> count_grids([0, 0], Rules())
    1
    """
    full = rules.target if grain is None else grain
    loads = np.asarray(load, np.int64)
    alone = (loads * rules.target > rules.band[1] * full) & (rules.costs.even > 0)
    worth = np.where(alone, full, loads)
    wanted = int(np.floor(worth.sum() / full + 0.5))
    return max(1, min(wanted, int(np.count_nonzero(loads))))


def share_grids(components: list[Component], grids: int) -> list[Component]:
    """Give components this number of grids together, each its share of it by load.

    Every component gets one; each further grid goes where a grid is fullest, as long as there is a
    unit with households for it.

    Raises
    ------
    PlanError
        If there are more components than grids, or too few units with households.
    """
    most = np.array(
        [1 if part.exclusive else max(1, np.count_nonzero(part.graph.load)) for part in components],
        np.int64,
    )
    _check_grids(grids, len(components), int(most.sum()))
    shares = np.ones(len(components), np.int64)
    loads = np.array([part.graph.load.sum() for part in components], np.float64)
    for _ in range(grids - len(components)):
        shares[np.argmax(np.where(shares < most, loads / shares, -1.0))] += 1
    pairs = zip(components, shares.tolist(), strict=True)
    return [part._replace(grids=share, exact=True) for part, share in pairs]


def _check_grids(grids: Any, least: int, most: int) -> None:
    """Refuse a number of grids that can't be made, and say which can."""
    if is_whole(grids) and least <= grids <= most:
        return
    possible = f"{least} to {most}" if most > least else f"exactly {most}"
    raise PlanError(
        f"{grids} grids can't be made of these units; ask for {possible}: each connected part "
        "of a community is a grid at least, and each further grid needs a unit with households"
    )


def rank_by_appearance(values: ArrayLike) -> Positions:
    """Rank the distinct values 0, 1, … in the order in which they first appear; -1 stays -1.

    Examples
    --------
    >>> rank_by_appearance([30, -1, 10, 30]).tolist()
    [0, -1, 1, 0]
    """
    values = np.asarray(values)
    return np.asarray(pd.factorize(np.where(values == -1, np.nan, values))[0], np.int32)


class _Sides(NamedTuple):
    indptr: Positions
    neighbour: Positions
    pair: Ints


def _sort_sides(pairs: Ints, units: int) -> _Sides:
    """List each pair from both sides, by unit and then in the order given."""
    owner = np.concatenate([pairs[:, 0], pairs[:, 1]])
    other = np.concatenate([pairs[:, 1], pairs[:, 0]])
    order = np.lexsort((other, owner))
    ends = np.cumsum(np.bincount(owner, minlength=units))
    indptr = np.concatenate([[0], ends]).astype(np.int32)
    return _Sides(indptr, other[order].astype(np.int32), order % max(len(pairs), 1))


def number_parts(pairs: Ints, units: int) -> Positions:
    """Give the connected part that each unit is in, over pairs; in order of appearance."""
    joins = scipy.sparse.coo_array(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), (units, units)
    )
    return rank_by_appearance(scipy.sparse.csgraph.connected_components(joins, directed=False)[1])


def _split_compounds(compound: Ints, part: Positions) -> Positions:
    """Give each part its own compounds; -1 stays."""
    key = (compound - compound.min(initial=0)) * (part.max(initial=0) + 1) + part
    return rank_by_appearance(np.where(compound < 0, -1, key))


def _read_targets(units: pd.DataFrame) -> Floats:
    targets = np.asarray(units["target"], np.float64)
    wrong = ~np.isnan(targets) & ~((targets >= 1) & np.isfinite(targets))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TableError(
            f"units: target {targets[row]:g} of unit {units.index[row]} is not a "
            "number from 1 up; give households of a usual grid, or nothing for the rules' target"
        )
    return targets


def _read_work(units: pd.DataFrame) -> Floats:
    work = np.asarray(units["workload"], np.float64)
    wrong = ~(np.isfinite(work) & (work >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TableError(
            f"units: workload {work[row]:g} of unit {units.index[row]} is not a number from 0 up"
        )
    return work


def _count_work(work: ArrayLike) -> Ints:
    grains = _check_total(np.asarray(work, np.float64) * WORK_GRAIN, "workload")
    return np.rint(grains).astype(np.int64)


def _check_total(counts: NDArray[Any], name: str) -> NDArray[Any]:
    """Give counts back, unless they add up to more than a float holds to the last digit."""
    total = float(counts.astype(np.float64).sum())
    if total > MOST:
        raise TableError(
            f"units: {name} add up to {total:g}, more than {MOST:g}; use a larger unit"
        )
    return counts


def _check_pairs(sides: list[Ints], adjacency: pd.DataFrame) -> None:
    """Refuse pairs of one unit, pairs that are listed twice, and borders that are no length."""
    one, two = np.minimum(*sides), np.maximum(*sides)
    border = np.asarray(adjacency["border"], np.float64)
    keys = pd.Series(one * (int(two.max(initial=0)) + 1) + two)
    for wrong, words in (
        (one == two, "joins a unit with itself; leave it out"),
        (keys.duplicated().to_numpy(), "is listed twice; list each pair once"),
        (~((border >= 0) & np.isfinite(border)), "has a border that is no length from 0 up"),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            a, b, metres = (adjacency[name].iloc[row] for name in ("unit_a", "unit_b", "border"))
            raise TableError(f"adjacency: the pair {a} and {b} ({metres} m) in row {row} {words}")


def _read_zones(units: pd.DataFrame) -> Ints:
    zones = units["zone_id"].fillna("")
    return np.asarray(pd.factorize(zones.where(zones != ""))[0], np.int64)


def _find_positions(index: pd.Index, ids: pd.Series, side: str) -> Ints:
    found = index.get_indexer(pd.Index(ids))
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        raise TableError(
            f"adjacency: {side} {ids.iloc[row]} in row {row} is not a unit; "
            "build the adjacency from these units"
        )
    return np.asarray(found, np.int64)
