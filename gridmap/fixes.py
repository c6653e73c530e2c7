"""Mend a plan one step at a time: for a finding, the step that helps and makes nothing worse.

For each finding a few steps are tried on arrays: move units over the border of the grid, join a
loose piece to the grid that it touches, merge the grid into a neighbour, let the engine rebalance
it with neighbours. A step is accepted if the finding is gone and no other finding of a grid that it
touches is new or worse, by the figures and rules of `check_plan`. Of those accepted the simplest
kind counts, and of that the one that costs least by the plan's own objective.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
import shapely

from gridmap.changes import name_units
from gridmap.errors import PlanError
from gridmap.history import apply_change
from gridmap.judge import Figures, Verdict, judge_grid
from gridmap.partition import (
    Problem,
    evaluate,
    make_problem,
    partition_problem,
    take_units,
)
from gridmap.partition.matching import match_grids
from gridmap.partition.objective import count_pieces, weigh_moves
from gridmap.partition.problem import Flags, Floats, Ints, number_parts, owners
from gridmap.plan import Plan
from gridmap.reports import Fix, Objection, PlanReport, judge_plan
from gridmap.rules import Rules, band_ends
from gridmap.tables import CROSSINGS, list_some

#: Units that move in one step at most.
MOST_UNITS = 8
#: Neighbours that a grid is rebalanced with at once, at most.
MOST_NEIGHBOURS = 5
#: Effort of the engine for a neighbourhood, in steps for each unit.
STEPS = 60
#: How much worse a figure may look by rounding: households, metres or compactness.
_SLACK = 1e-6
#: What `Figures` has the metres of, in its order.
_CROSSED = ("river", "railway", "main_road")
#: Position in `CROSSINGS` of what each rule is about.
_BARRIERS = {f"across a {name.replace('_', ' ')}": CROSSINGS.index(name) for name in CROSSINGS[2:]}


class _Step(NamedTuple):
    """A change that is tried: the grid that each of these units comes to."""

    kind: str
    units: Ints
    grids: Ints


@dataclass(frozen=True)
class _Board:
    """A plan as arrays: units and grids are positions."""

    problem: Problem
    rules: Rules
    labels: Ints
    members: list[Ints]  # units of each grid
    area: Floats  # per unit, m²
    outline: Floats  # per unit, m
    locked: Flags  # per grid
    homes: Ints  # households of each grid
    bands: list[tuple[int, int]]  # of each grid


class _Scene(NamedTuple):
    """The units of the grids that a step touches, and their grids before and after it."""

    units: Ints
    part: Problem
    before: Ints
    after: Ints


def find_fixes(plan: Plan, report: PlanReport | None = None) -> PlanReport:
    """Look for what mends each finding of a plan in one step.

    Parameters
    ----------
    plan : Plan
        Any plan. Locked grids neither give nor take units.
    report : PlanReport, optional
        What was found in it; by default all that `check_plan` finds.

    Returns
    -------
    PlanReport
        The same findings, with `Fix` where a step was found. Each is for the plan as it is: after
        one was applied, others of the same grids may not help any more, and are then refused.
    """
    report = report or judge_plan(plan)
    board = _make_board(plan)
    fixes = (_find_fix(plan, board, finding) for finding in report.findings)
    findings = zip(report.findings, fixes, strict=True)
    return replace(report, findings=tuple(replace(item, fix=fix) for item, fix in findings))


def apply_fix(
    plan: Plan,
    finding: Objection,
    *,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Mend a finding in one step.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    finding : Objection
        What `check_plan` or `find_fixes` found in this plan. Where it carries no fix, one is looked
        for.
    by, why, at
        For the log, see `gridmap.edit`; ``why`` is the finding by default.

    Returns
    -------
    Plan
        Without the finding, and with none that is new or worse.

    Raises
    ------
    PlanError
        If the plan has no such finding (any more), or no single step mends it.
    """
    board = _make_board(plan)
    if finding.grid_code not in plan.grids.index or not _has_finding(plan, board, finding):
        raise PlanError(
            f"grid {finding.grid_code} is not {finding.rule!r} in this plan; check it again"
        )
    fix = finding.fix or _find_fix(plan, board, finding)
    if fix is None:
        raise PlanError(
            f"no single step mends {finding.rule!r} of grid {finding.grid_code} without making "
            "something worse; redraw it with its neighbours by hand, or unlock them"
        )
    units = plan.units.index.get_indexer([unit for unit, _ in fix.moves])
    grids = plan.grids.index.get_indexer([code for _, code in fix.moves])
    step = _Step(fix.kind, units, grids)
    grid = _find_grid(plan, finding)
    gone = min(*units, *grids) < 0
    if gone or not _helps(board, _play(board, step, grid), grid, finding.rule):
        raise PlanError(
            f"the fix of grid {finding.grid_code} does not help in this plan (any more); check it "
            "again"
        )
    codes = plan.units["grid_code"].copy()
    codes[[unit for unit, _ in fix.moves]] = [code for _, code in fix.moves]
    reason = why or f"{finding.rule}: {finding.words}"
    return apply_change(plan, f"apply_fix ({fix.kind})", codes=codes, by=by, why=reason, at=at)


def fix_plan(
    plan: Plan, *, by: str | None = None, at: datetime | None = None, rounds: int = 5
) -> Plan:
    """Mend all findings that single steps can mend, the worst first; each step is in the log.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    by, at
        For the log, see `gridmap.edit`.
    rounds : int
        How often the plan is checked again at most, as one step can make another possible.

    Returns
    -------
    Plan
        The same object if there is nothing to mend.
    """
    for _ in range(rounds):
        before, touched = plan, set[str]()
        for finding in find_fixes(plan).findings:
            if finding.fix is None:
                continue
            given = plan.units["grid_code"][[unit for unit, _ in finding.fix.moves]]
            grids = {finding.grid_code, *given, *(code for _, code in finding.fix.moves)}
            if not grids & touched:
                plan = apply_fix(plan, finding, by=by, at=at)
                touched |= grids
        if plan is before:
            break
    return plan


def _make_board(plan: Plan) -> _Board:
    labels = np.asarray(plan.grids.index.get_indexer(plan.units["grid_code"]), np.int64)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=len(plan.grids)))
    shapes = plan.units.geometry.to_numpy()
    problem = make_problem(plan.units, plan.adjacency)
    targets = evaluate(problem, labels, plan.rules).grids["target"].tolist()
    return _Board(
        problem,
        plan.rules,
        labels,
        np.split(order, ends[:-1]),
        shapely.area(shapes),
        shapely.length(shapes),
        plan.grids.index.isin(plan.locked),
        plan.grids["households"].to_numpy(),
        [band_ends(target, plan.rules.tolerance) for target in targets],
    )


def _find_fix(plan: Plan, board: _Board, finding: Objection) -> Fix | None:
    """Return the cheapest step of the simplest kind that helps."""
    grid = _find_grid(plan, finding)
    if board.locked[grid]:
        return None
    for steps in (_list_steps(board, grid, finding), _rebalance(board, grid, finding)):
        best, least = None, np.inf
        for step in steps:
            scene = _play(board, step, grid)
            if _helps(board, scene, grid, finding.rule):
                cost = _weigh(board, scene)
                if cost < least:
                    best, least = step, cost
        if best is not None:
            return _describe(plan, best)
    return None


def _has_finding(plan: Plan, board: _Board, finding: Objection) -> bool:
    grid = _find_grid(plan, finding)
    units = board.members[grid]
    verdicts = _judge(board, units, take_units(board.problem, units), board.labels[units])[grid]
    return any(verdict.rule == finding.rule for verdict in verdicts)


def _find_grid(plan: Plan, finding: Objection) -> int:
    return int(plan.grids.index.get_indexer([finding.grid_code])[0])


# --- steps that are tried ----------------------------------------------------------------------


def _list_steps(board: _Board, grid: int, finding: Objection) -> Iterator[_Step]:
    """List the steps of units that can mend a finding."""
    if finding.rule.endswith("too many households") or finding.rule == "too many households":
        yield from _give_units(board, grid, finding.limit)
    elif finding.rule.endswith("households"):
        yield from _take_in(board, grid, finding.limit)
        yield from _dissolve(board, grid)
    elif finding.rule == "in pieces":
        yield from _move_pieces(board, grid, -1, "join")
    elif finding.rule in _BARRIERS:
        yield from _move_pieces(board, grid, _BARRIERS[finding.rule], "move")
    elif finding.rule == "ragged":
        yield from _trade_units(board, grid)


def _give_units(board: _Board, grid: int, limit: float) -> Iterator[_Step]:
    """Give so many households to one neighbour that the limit is kept."""
    homes = int(board.homes[grid])
    low, _ = board.bands[grid]
    for other in _neighbours(board, grid):
        room = board.bands[other][1] - int(board.homes[other])
        need = (homes - limit, min(homes - low, room))
        yield from _move_some(board, grid, other, need)


def _take_in(board: _Board, grid: int, limit: float) -> Iterator[_Step]:
    """Take so many households from one neighbour that the limit is kept."""
    homes = int(board.homes[grid])
    _, high = board.bands[grid]
    for other in _neighbours(board, grid):
        spare = int(board.homes[other]) - board.bands[other][0]
        yield from _move_some(board, other, grid, (limit - homes, min(high - homes, spare)))


def _dissolve(board: _Board, grid: int) -> Iterator[_Step]:
    """Merge a grid into a neighbour, whose code goes on."""
    units = board.members[grid]
    for other in _neighbours(board, grid):
        yield _Step("merge", units, np.full(len(units), other))


def _move_some(board: _Board, giver: int, taker: int, need: tuple[float, float]) -> Iterator[_Step]:
    """List connected groups of units on the border that have as many households as needed."""
    least, most = need
    if most < max(least, 1):
        return
    seen = set[tuple[int, ...]]()
    for seed in _border_units(board, giver, taker):
        group = _grow_group(board, seed, giver, least, most)
        if group and group not in seen:
            seen.add(group)
            units = np.array(group, np.int64)
            yield _Step("move", units, np.full(len(units), taker))


def _grow_group(board: _Board, seed: int, giver: int, least: float, most: float) -> tuple[int, ...]:
    """Let a unit grow inside its grid, its compound first, to the households needed; () if not."""
    homes, compound = board.problem.households, board.problem.compound
    group, total = [seed], int(homes[seed])
    while total < least and len(group) < MOST_UNITS:
        beside = [
            other
            for unit in group
            for other in _beside(board, unit).tolist()
            if board.labels[other] == giver and other not in group and total + homes[other] <= most
        ]
        if not beside:
            return ()
        kin = [compound[seed] < 0 or compound[unit] != compound[seed] for unit in beside]
        order = sorted(zip(kin, (-homes[unit] for unit in beside), beside, strict=True))
        group.append(order[0][2])
        total += int(homes[group[-1]])
    return tuple(sorted(group)) if least <= total <= most else ()


def _move_pieces(board: _Board, grid: int, barrier: int, kind: str) -> Iterator[_Step]:
    """Move what would be cut off, if nothing were joined across a barrier, to what it touches."""
    units = board.members[grid]
    part = take_units(board.problem, units)
    if barrier >= 0:
        part = replace(part, usable=part.usable & (part.barrier != barrier))
    pairs = np.column_stack([owners(part), part.neighbour])[part.usable]
    piece = number_parts(pairs, len(units))
    largest = int(np.argmax(np.bincount(piece)))
    for number in range(int(piece.max()) + 1):
        loose = units[piece == number]
        if number == largest:
            continue
        for other in _neighbours(board, grid, loose):
            yield _Step(kind, loose, np.full(len(loose), other))


def _trade_units(board: _Board, grid: int) -> Iterator[_Step]:
    """Move single units over the borders of a grid, either way."""
    for other in _neighbours(board, grid):
        for giver, taker in ((grid, other), (other, grid)):
            for unit in _border_units(board, giver, taker):
                yield _Step("move", np.array([unit]), np.array([taker]))


def _rebalance(board: _Board, grid: int, finding: Objection) -> Iterator[_Step]:
    """Let the engine redraw the grid with each neighbour, then with all of them at once."""
    beside = _neighbours(board, grid)
    groups = [[grid, other] for other in beside]
    if len(beside) > 1:
        groups.append([grid, *beside[:MOST_NEIGHBOURS]])
    for group in groups:
        if finding.rule.endswith("households") and not _can_balance(board, group):
            continue
        units = np.sort(np.concatenate([board.members[each] for each in group]))
        after = _redraw(board, units, len(group))
        moved = after != board.labels[units]
        if moved.any():
            yield _Step("rebalance", units[moved], after[moved])


def _can_balance(board: _Board, group: list[int]) -> bool:
    """Say whether all grids of a group can be in their bands at the same time."""
    low, high = (sum(board.bands[each][side] for each in group) for side in (0, 1))
    return low <= int(board.homes[group].sum()) <= high


def _redraw(board: _Board, units: Ints, grids: int) -> Ints:
    """Return the grids of units as the engine would redraw them; as they are if it can't."""
    before = board.labels[units]
    places, start = np.unique(before, return_inverse=True)
    part = take_units(board.problem, units)
    try:
        labels = partition_problem(part, board.rules, steps=STEPS, grids=grids, start=start)
    except PlanError:  # they fall into more connected parts than there are grids
        return before
    match = match_grids(labels, start, weigh_moves(part.households))
    return before if (match < 0).any() else places[match[labels]]


# --- what a step does --------------------------------------------------------------------------


def _play(board: _Board, step: _Step, grid: int) -> _Scene:
    """Set the scene of a step: every grid that it touches, and the one that it is to mend."""
    touched = np.unique([*board.labels[step.units], *step.grids, grid])
    units = np.sort(np.concatenate([board.members[each] for each in touched]))
    before = board.labels[units]
    after = before.copy()
    after[np.searchsorted(units, step.units)] = step.grids
    return _Scene(units, take_units(board.problem, units), before, after)


def _helps(board: _Board, scene: _Scene, grid: int, rule: str) -> bool:
    """Say whether a grid breaks a rule no more after a step, and nothing is new or worse."""
    moved = scene.before != scene.after
    if board.locked[[*scene.before[moved], *scene.after[moved]]].any():
        return False
    new = _judge(board, scene.units, scene.part, scene.after)
    if any(verdict.rule == rule for verdict in new.get(grid, ())):
        return False
    old = _judge(board, scene.units, scene.part, scene.before)
    gone = [each for each in old if each not in new]
    worse = any(not _is_no_worse(old, verdicts, each, gone) for each, verdicts in new.items())
    return not worse and _is_plan(scene, new)


def _is_no_worse(
    old: dict[int, list[Verdict]], verdicts: list[Verdict], grid: int, gone: list[int]
) -> bool:
    """Compare the verdicts on a grid with those before; a merged grid inherits all but sizes."""
    for verdict in verdicts:
        before = [each.beyond for each in old[grid] if each.topic == verdict.topic]
        if verdict.topic != "size":
            before += [
                each.beyond for one in gone for each in old[one] if each.topic == verdict.topic
            ]
        if verdict.beyond > sum(before) + _SLACK:
            return False
    return True


def _is_plan(scene: _Scene, verdicts: dict[int, list[Verdict]]) -> bool:
    """Say whether each grid is in one piece, over any border where not over usable ones."""
    if not any(each.topic == "pieces" for found in verdicts.values() for each in found):
        return True
    part = replace(scene.part, usable=np.ones(len(scene.part.usable), bool))
    return bool((count_pieces(part, np.unique(scene.after, return_inverse=True)[1]) == 1).all())


def _judge(board: _Board, units: Ints, part: Problem, labels: Ints) -> dict[int, list[Verdict]]:
    """Judge each grid of these units, as `check_plan` does."""
    grids, places = np.unique(labels, return_inverse=True)
    terms = evaluate(part, places, board.rules).grids
    owner = owners(part)
    inner = places[owner] == places[part.neighbour]
    area = np.bincount(places, board.area[units])
    within = np.bincount(places[owner[inner]], part.border[inner], minlength=len(grids))
    outline = np.bincount(places, board.outline[units]) - within
    metres = [
        np.bincount(places[owner[cut]], part.border[cut], minlength=len(grids)) / 2
        for cut in (inner & (part.barrier == CROSSINGS.index(name)) for name in _CROSSED)
    ]
    compactness = 4 * np.pi * area / outline**2
    columns = [
        *(terms[name] for name in ("households", "target", "exclusive", "pieces")),
        *metres,
        compactness,
    ]
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {
        grid: list(judge_grid(Figures(*row), board.rules))
        for grid, row in zip(grids.tolist(), rows, strict=True)
    }


def _weigh(board: _Board, scene: _Scene) -> float:
    """Compute the cost of the grids that a step touches, after it, and of what it moves."""
    places = np.unique(scene.after, return_inverse=True)[1]
    start = np.unique(scene.before, return_inverse=True)[1]
    return evaluate(scene.part, places, board.rules, start=start).total


def _describe(plan: Plan, step: _Step) -> Fix:
    units, codes = plan.units.index[step.units], plan.grids.index[step.grids]
    homes = int(plan.units["households"].to_numpy()[step.units].sum())
    names = plan.grids["name"]
    takers = list_some([names[code] for code in dict.fromkeys(codes)])
    count = f"{homes} household{'' if homes == 1 else 's'}"
    what = f"{name_units(units)} with {count}"
    givers = sorted(set(plan.units["grid_code"].to_numpy()[step.units]))
    words = {
        "move": f"move {what} to {takers}",
        "join": f"join the loose piece, {what}, to {takers}",
        "merge": f"merge it, {count}, into {takers}",
        "rebalance": f"rebalance {list_some([names[code] for code in sorted({*givers, *codes})])}: "
        f"{count} change{'s' if homes == 1 else ''} grid",
    }[step.kind]
    moves = tuple(zip(map(int, units), map(str, codes), strict=True))
    return Fix(step.kind, moves, homes, words)


# --- neighbourhoods ----------------------------------------------------------------------------


def _beside(board: _Board, unit: int) -> Ints:
    """Return the units that a grid may be joined to from here."""
    row = slice(board.problem.indptr[unit], board.problem.indptr[unit + 1])
    return board.problem.neighbour[row][board.problem.usable[row]].astype(np.int64)


def _neighbours(board: _Board, grid: int, units: Iterable[int] | None = None) -> list[int]:
    """List the unlocked grids that units of a grid (all by default) may be joined to."""
    inside = board.members[grid] if units is None else units
    found = {int(label) for unit in inside for label in board.labels[_beside(board, unit)]}
    return sorted(other for other in found if other != grid and not board.locked[other])


def _border_units(board: _Board, giver: int, taker: int) -> list[int]:
    """List the units of a grid from which another one can be joined."""
    return [
        unit
        for unit in board.members[giver].tolist()
        if (board.labels[_beside(board, unit)] == taker).any()
    ]
