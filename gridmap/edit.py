"""Redraw a plan by hand. Each edit gives a new plan; what is not a plan is refused, ugly is not.

Every verb takes ``by`` (who; by default the user of the operating system), ``why`` and ``at`` (a
time with its zone; by default now) for the log of the plan, see `gridmap.history`. A locked grid
neither gives nor takes units.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import pandas as pd

from gridmap.errors import PlanError
from gridmap.history import apply_change
from gridmap.partition import DEFAULT_STEPS, match_labels, partition_units
from gridmap.plan import Plan, check_assignment, make_new_codes
from gridmap.rules import Rules
from gridmap.tables import list_some
from gridmap.workload import fit_workload


def move_units(
    plan: Plan,
    unit_ids: Iterable[int],
    grid_code: str,
    *,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Move units into a grid that exists.

    A grid that gives its last unit is retired, with ``grid_code`` as its successor.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    unit_ids : iterable of int
        The units to move.
    grid_code : str
        The grid that takes them.
    by, why, at
        For the log, see `gridmap.edit`.

    Returns
    -------
    Plan
        With every code kept.

    Raises
    ------
    PlanError
        If a unit or the grid does not exist, a grid is locked, or would be in two pieces or two
        communities.
    """
    units = _known_units(plan, unit_ids)
    _known_grids(plan, [grid_code])
    codes = plan.units["grid_code"].copy()
    codes[units] = grid_code
    return apply_change(plan, "move_units", codes=codes, by=by, why=why, at=at)


def swap_units(
    plan: Plan,
    unit_ids: Iterable[int],
    other_ids: Iterable[int],
    *,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Exchange units between two grids, in one step.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    unit_ids, other_ids : iterable of int
        Units of one grid, and units of another; each go to the other's grid.
    by, why, at
        For the log, see `gridmap.edit`.

    Raises
    ------
    PlanError
        If a unit does not exist, either side lies in several grids, both lie in the same, a grid
        is locked, or would be in two pieces or two communities.
    """
    sides = [_known_units(plan, unit_ids), _known_units(plan, other_ids)]
    codes = plan.units["grid_code"].copy()
    grids = [codes[units].unique() for units in sides]
    for units, found in zip(sides, grids, strict=True):
        if len(found) > 1:
            raise PlanError(
                f"units {list_some(units)} lie in grids {list_some(found)}; swap units of one "
                "grid for units of another"
            )
    if grids[0][0] == grids[1][0]:
        raise PlanError(f"both sides lie in grid {grids[0][0]}; swap units of two grids")
    codes[sides[0]], codes[sides[1]] = grids[1][0], grids[0][0]
    return apply_change(plan, "swap_units", codes=codes, by=by, why=why, at=at)


def merge_grids(
    plan: Plan,
    grid_codes: Sequence[str],
    *,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Merge grids of one community into a new one, and retire their codes.

    To let one of them go on under its code, move the units of the others into it (`move_units`).

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    grid_codes : sequence of str
        Two or more grids, connected with each other.
    by, why, at
        For the log, see `gridmap.edit`.

    Returns
    -------
    Plan
        The new grid has the community's next free serial.

    Raises
    ------
    PlanError
        If a grid does not exist or is locked, fewer than two are named, or they do not form one
        piece.
    """
    parents = sorted(set(grid_codes))
    _known_grids(plan, parents)
    if len(parents) < 2:
        raise PlanError(
            f"{list_some(parents) or 'nothing'} can't be merged; name two grids or more"
        )
    codes = plan.units["grid_code"]
    labels = codes.mask(codes.isin(parents), "merged")
    return apply_change(plan, "merge_grids", codes=_give_codes(plan, labels), by=by, why=why, at=at)


def split_grid(
    plan: Plan,
    grid_code: str,
    parts: int | Sequence[Iterable[int]] = 2,
    *,
    seed: int = 0,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Split a grid, and retire its code: every part is a new grid.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    grid_code : str
        The grid to split.
    parts : int or sequence of iterables of int
        How many parts the engine draws: balanced, in one piece each, compounds kept together. Or
        groups of units; what is in none of them is one more part.
    seed : int
        Of the engine; same plan and seed, same parts.
    by, why, at
        For the log, see `gridmap.edit`.

    Returns
    -------
    Plan
        The parts have the community's next free serials, north to south and west to east.

    Raises
    ------
    PlanError
        If the grid does not exist or is locked, a group holds units of another grid or those of
        another group, there would be fewer than two parts or one without units, or a part would be
        in two pieces.
    """
    _known_grids(plan, [grid_code])
    rows = plan.units["grid_code"] == grid_code
    groups = (
        _draw_parts(plan, rows, parts, seed)
        if isinstance(parts, int)
        else _name_parts(plan.units.index[rows], parts, grid_code)
    )
    if groups.nunique() < 2:
        raise PlanError(f"grid {grid_code} would stay one grid; name two parts or more")
    codes = plan.units["grid_code"].astype("object")
    codes[groups.index] = "part " + groups.astype("str")
    return apply_change(plan, "split_grid", codes=_give_codes(plan, codes), by=by, why=why, at=at)


def rebalance(
    plan: Plan,
    grid_codes: Sequence[str],
    rules: Rules | None = None,
    *,
    neighbours: bool = False,
    grids: int | None = None,
    seed: int = 0,
    steps: int = DEFAULT_STEPS,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Let the engine redraw some grids, moving as few households as possible; all others stay.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    grid_codes : sequence of str
        The grids to redraw.
    rules : Rules, optional
        What to aim at; the plan's by default. ``rules.costs.moved`` is the price of a household
        that changes grid.
    neighbours : bool
        Redraw the grids that touch these as well, except locked ones.
    grids : int, optional
        How many grids to make of them; by default as many as there are.
    seed, steps
        As for `draw_plan`.
    by, why, at
        For the log, see `gridmap.edit`.

    Returns
    -------
    Plan
        Codes stay with the grids that share most households with them, others are new. The plan's
        own rules are kept.

    Raises
    ------
    PlanError
        If a grid does not exist or is locked, or there can't be so many grids.
    """
    chosen = sorted(set(grid_codes))
    _known_grids(plan, chosen)
    _refuse_locked_grids(plan, chosen)
    if neighbours:
        chosen = sorted({*chosen, *_find_neighbours(plan, chosen)} - set(plan.locked))
    rows = plan.units["grid_code"].isin(chosen)
    start = plan.units["grid_code"][rows]
    wanted = len(chosen) if grids is None else grids
    labels = partition_units(
        *_take_units(plan, rows),
        fit_workload(plan.units, rules or plan.rules)[1],
        seed=seed,
        steps=steps,
        grids=wanted,
        start=start,
    )
    names = match_labels(labels, start, plan.units["households"])
    fresh = "new " + labels.astype("str")
    codes = plan.units["grid_code"].astype("object")
    codes[labels.index] = labels.map(names).astype("object").fillna(fresh)
    return apply_change(plan, "rebalance", codes=_give_codes(plan, codes), by=by, why=why, at=at)


def assign_units(
    plan: Plan,
    codes: pd.Series,
    *,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Take a whole assignment, drawn on a map or made by another tool, in one step.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    codes : Series
        unit_id -> grid, of every unit: a code of this plan, or any other label, such as "new-1",
        for a new grid, which gets the next free serial of its community. A grid of the plan that
        is in it no more is retired; what its units came to are its successors.
    by, why, at
        For the log, see `gridmap.edit`.

    Raises
    ------
    PlanError
        If a unit is missing, twice or unknown; a label has 15 digits and is no grid of this plan (a
        retired code, perhaps); a grid is locked, or would be in two pieces or two communities.
    """
    labels = check_assignment(plan.units, codes).astype("object").map(str)
    strange = labels[~labels.isin(plan.grids.index)]
    coded = strange[[re.fullmatch(r"[0-9]{15}", label) is not None for label in strange]]
    if len(coded):
        raise PlanError(
            f"no grid {list_some(coded.unique())} in this plan; codes are given by gridmap, and "
            "a retired one never again: give a new grid a label such as new-1"
        )
    return apply_change(
        plan, "assign_units", codes=_give_codes(plan, labels), by=by, why=why, at=at
    )


def rename_grid(
    plan: Plan,
    grid_code: str,
    name: str,
    *,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Give a grid another name; it keeps it as long as its code is in use, also if it is locked.

    Raises
    ------
    PlanError
        If the grid does not exist, the name is empty, or another grid of its community has it.
    """
    _known_grids(plan, [grid_code])
    name = name.strip()
    beside = plan.grids[plan.grids["community_id"] == plan.grids.at[grid_code, "community_id"]]
    taken = beside.index[(beside["name"] == name) & (beside.index != grid_code)]
    if not name or len(taken):
        reason = f"grid {taken[0]} has it" if name else "it is empty"
        raise PlanError(f"grid {grid_code} can't be named {name!r}: {reason}; choose another name")
    before = str(plan.grids.at[grid_code, "name"])
    marks = [] if name == before else [(grid_code, "name", before, name)]
    return apply_change(plan, "rename_grid", marks=marks, by=by, why=why, at=at)


def lock_grids(
    plan: Plan,
    grid_codes: Iterable[str],
    *,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Lock grids: from now on no verb, and no redraw of this plan, changes which units they have.

    Grids that are locked already stay so. Locks are kept with the plan (``grids["locked"]``).

    Raises
    ------
    PlanError
        If a grid does not exist.
    """
    codes = sorted(set(grid_codes))
    _known_grids(plan, codes)
    locked = plan.locked
    marks = [(code, "locked", "", "yes") for code in codes if code not in locked]
    return apply_change(plan, "lock_grids", marks=marks, by=by, why=why, at=at)


def unlock_grids(
    plan: Plan,
    grid_codes: Iterable[str],
    *,
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Unlock grids; those that are not locked stay so.

    Raises
    ------
    PlanError
        If a grid does not exist.
    """
    codes = sorted(set(grid_codes))
    _known_grids(plan, codes)
    locked = plan.locked
    marks = [(code, "locked", "yes", "") for code in codes if code in locked]
    return apply_change(plan, "unlock_grids", marks=marks, by=by, why=why, at=at)


def _give_codes(plan: Plan, labels: pd.Series) -> pd.Series:
    """Replace the labels of new grids by codes."""
    new = labels[~labels.isin(plan.grids.index)]
    if not len(new):
        return labels
    codes = labels.astype("object")
    codes[new.index] = new.map(make_new_codes(plan, new))
    return codes


def _draw_parts(plan: Plan, rows: pd.Series, parts: int, seed: int) -> pd.Series:
    """Let the engine divide the units of one grid; inside an exclusive zone as anywhere else."""
    units, adjacency = _take_units(plan, rows)
    units = units.drop(columns="zone_id", errors="ignore")
    return partition_units(units, adjacency, plan.rules, seed=seed, grids=max(parts, 1))


def _name_parts(units: pd.Index, parts: Sequence[Iterable[int]], grid_code: str) -> pd.Series:
    """Say for each unit of a grid in which group it is named; the rest is one more."""
    number = pd.Series(len(parts), index=units)
    seen: list[int] = []
    for place, part in enumerate(parts):
        group = pd.Index(list(part))
        strange, twice = group.difference(units), group[group.isin(seen)]
        if not len(group) or len(strange):
            raise PlanError(
                f"part {place + 1} has units {list_some(strange) or 'none'} that are not in grid "
                f"{grid_code}; name units of it"
            )
        if len(twice):
            raise PlanError(f"units {list_some(twice)} are in two parts; name each once")
        number[group] = place
        seen += group.tolist()
    return number


def _take_units(plan: Plan, rows: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the units of these rows and the pairs between them."""
    units = plan.units[rows]
    pairs = plan.adjacency
    inside = pairs["unit_a"].isin(units.index) & pairs["unit_b"].isin(units.index)
    return units, pairs[inside]


def _find_neighbours(plan: Plan, grid_codes: list[str]) -> list[str]:
    """List the grids of the same communities that these touch where a grid may be joined."""
    pairs = plan.adjacency[plan.adjacency["usable"]]
    codes, homes = plan.units["grid_code"], plan.units["community_id"]
    sides = [pairs["unit_a"], pairs["unit_b"]]
    first, second = (side.map(codes) for side in sides)
    one, two = (side.map(homes) for side in sides)
    beside = [
        second[first.isin(grid_codes) & (one == two)],
        first[second.isin(grid_codes) & (one == two)],
    ]
    return sorted(set(pd.concat(beside)) - set(grid_codes))


def _known_units(plan: Plan, unit_ids: Iterable[int]) -> pd.Index:
    units = pd.Index(list(unit_ids))
    strange = units.difference(plan.units.index)
    if len(strange) or not len(units):
        raise PlanError(f"no units {list_some(strange)}; name units of this plan")
    return units


def _known_grids(plan: Plan, grid_codes: Sequence[str]) -> None:
    strange = [code for code in grid_codes if code not in plan.grids.index]
    if strange:
        raise PlanError(f"no grid {list_some(strange)} in this plan; it has {len(plan.grids)}")


def _refuse_locked_grids(plan: Plan, grid_codes: list[str]) -> None:
    locked = plan.locked
    chosen = [code for code in grid_codes if code in locked]
    if chosen:
        raise PlanError(f"grids {list_some(chosen)} are locked; unlock_grids first, or leave out")
