"""Change a plan on the record: who, when and why; list what was changed, undo and redo it.

Every edit by hand goes through `apply_change`, so that each keeps to the locks, says what came
after a code that it retires, and can be taken back. `undo` gives back the tables before it, byte
for byte: a code that the edit retired is in use again, and one that it gave is not given to another
grid, for the plan may have been published in between.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

import pandas as pd

from gridmap.changes import make_marks, name_units, sign_change
from gridmap.errors import PlanError
from gridmap.plan import Plan, regroup, set_locks
from gridmap.tables import CHANGES, LINEAGE, list_some

#: A mark of the log: grid, field, value before and after.
Mark = tuple[str, str, str, str]


def apply_change(
    plan: Plan,
    verb: str,
    *,
    codes: pd.Series | None = None,
    marks: Iterable[Mark] = (),
    by: str | None = None,
    why: str = "",
    at: datetime | None = None,
) -> Plan:
    """Change a plan and write it into its log; every edit by hand is one call of this.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    verb : str
        What is done, for the log.
    codes : Series, optional
        unit_id -> 15-digit code, of every unit. A grid that loses its last unit is retired; what
        its units came to are its successors.
    marks : iterable of (grid, field, before, after)
        What else changes: ``name`` or ``locked`` of grids.
    by : str, optional
        Who; by default the user of the operating system.
    why : str
        The reason, for the record.
    at : datetime, optional
        When, with a time zone; by default now.

    Returns
    -------
    Plan
        The same object if nothing changes; then nothing is logged.

    Raises
    ------
    PlanError
        If a locked grid would change, a grid would be in two communities or in two pieces, ``by``
        is empty, or ``at`` has no time zone.
    """
    signed = sign_change(by, why, at)
    before = plan.units["grid_code"]
    after = before if codes is None else codes.reindex(plan.units.index)
    moves = _list_moves(before, after)
    _refuse_locked(plan, moves)
    retired = _find_successors(moves, after)
    changed = regroup(plan, after, lineage=retired) if len(moves) else plan
    rows = [*marks, *_mark_retired(plan, retired)]
    if not len(moves) and not rows:
        return plan
    changed = _set_marks(changed, [(grid, field, value) for grid, field, _, value in rows])
    details = _describe(plan, moves, rows)
    log = plan.log.add({**signed, "verb": verb, "details": details}, moves, make_marks(rows))
    return replace(changed, log=log)


def history(plan: Plan) -> pd.DataFrame:
    """List what was changed in a plan by hand, the oldest first.

    Returns
    -------
    DataFrame
        `gridmap.tables.CHANGES`, and ``units`` and ``households`` that each moved. ``state`` is
        ``done``; ``undone``, which `redo` makes again; ``dropped``: undone, and then something
        else was changed; or ``closed``: from before a redraw, which is a row of its own and signed
        by who keeps and publishes the plan. Units and households of closed changes are missing:
        ``details`` says them.
    """
    log = plan.log
    homes = log.moves["unit_id"].map(plan.units["households"])
    moved = homes.groupby(log.moves["number"]).agg(["size", "sum"])
    moved = moved.reindex(log.changes.index, fill_value=0).astype("Int64")
    moved[log.changes["state"] == "closed"] = pd.NA
    return log.changes.assign(units=moved["size"], households=moved["sum"])[
        ["at", "by", "why", "verb", "details", "units", "households", "state"]
    ].rename_axis(CHANGES.index)


def undo(plan: Plan) -> Plan:
    """Take the last change back; the tables are those before it, byte for byte.

    The change stays in the log as ``undone``, and `redo` makes it again. Codes that it retired are
    in use again. Codes that it gave are not given to other grids.

    Raises
    ------
    PlanError
        If there is no change to undo.
    """
    number = plan.log.last_done()
    if number is None:
        raise PlanError("nothing to undo: nobody changed this plan since it was drawn")
    return replace(_replay(plan, number, "before"), log=plan.log.set_state(number, "undone"))


def redo(plan: Plan) -> Plan:
    """Make the change again that was undone last.

    Raises
    ------
    PlanError
        If nothing was undone since the last change.
    """
    number = plan.log.first_undone()
    if number is None:
        raise PlanError("nothing to redo: no change was undone since the last one")
    return replace(_replay(plan, number, "after"), log=plan.log.set_state(number, "done"))


def _replay(plan: Plan, number: int, side: str) -> Plan:
    """Bring units and grids to the side of a change: ``before`` or ``after``."""
    moves, marks = plan.log.moves_of(number), plan.log.marks_of(number)
    codes = plan.units["grid_code"].copy()
    codes[moves["unit_id"].to_numpy()] = moves[side].to_numpy()
    rows = zip(marks["grid_code"], marks["field"], marks[side], strict=True)
    return _set_marks(regroup(plan, codes), list(rows))


def _list_moves(before: pd.Series, after: pd.Series) -> pd.DataFrame:
    moved = before.to_numpy() != after.to_numpy()
    return pd.DataFrame(
        {
            "unit_id": before.index[moved],
            "before": before[moved].to_numpy(),
            "after": after[moved].to_numpy(),
        }
    )


def _refuse_locked(plan: Plan, moves: pd.DataFrame) -> None:
    locked = plan.locked
    if not locked:
        return
    gives, takes = moves["before"].isin(locked), moves["after"].isin(locked)
    if (gives | takes).any():
        grids = sorted({*moves["before"][gives], *moves["after"][takes]})
        units = moves["unit_id"][gives | takes]
        raise PlanError(
            f"grids {list_some(grids)} are locked and neither give nor take units "
            f"(here {list_some(units)}); unlock_grids first"
        )


def _find_successors(moves: pd.DataFrame, after: pd.Series) -> dict[str, list[str]]:
    """Return the grids that lost their last unit -> where their units came to."""
    left = moves[~moves["before"].isin(after[after.isin(moves["before"])])]
    groups = left.groupby("before")["after"].agg(lambda codes: sorted(set(codes)))
    return {str(code): codes for code, codes in groups.items()}


def _mark_retired(plan: Plan, retired: Mapping[str, list[str]]) -> Iterable[Mark]:
    """Mark what a retired grid came to, and its name, which is its own again after an undo."""
    for code, successors in retired.items():
        yield code, "successors", "", " ".join(successors)
        yield code, "name", str(plan.grids.at[code, "name"]), ""


def _set_marks(plan: Plan, marks: list[tuple[str, str, str]]) -> Plan:
    """Return the plan with names, locks and successors as the marks say."""
    values = {
        field: {grid: value for grid, key, value in marks if key == field}
        for field in ("name", "locked", "successors")
    }
    grids, names = plan.grids, values["name"]
    if any(code in grids.index for code in names):
        grids = grids.assign(
            name=pd.Series(names, dtype="str").reindex(grids.index).fillna(grids["name"])
        )
    if values["locked"]:
        kept = [code for code in plan.locked if code not in values["locked"]]
        grids = set_locks(grids, [*kept, *(code for code, yes in values["locked"].items() if yes)])
    return replace(plan, grids=grids, lineage=_set_successors(plan.lineage, values["successors"]))


def _set_successors(lineage: pd.DataFrame, successors: dict[str, str]) -> pd.DataFrame:
    """Take codes out of a lineage that have none, and add those that do."""
    gone = [code for code, after in successors.items() if not after]
    if gone:
        return lineage[~lineage.index.isin(gone)]
    new = {code: after for code, after in successors.items() if code not in lineage.index}
    if not new:
        return lineage
    rows = pd.DataFrame({"successors": pd.Series(new, dtype="str")}).rename_axis(LINEAGE.index)
    return pd.concat([lineage, rows])


def _describe(plan: Plan, moves: pd.DataFrame, marks: Iterable[Mark]) -> str:
    """Say a change in a few words: how many units and households went where, and what else."""
    words = []
    if len(moves):
        homes = int(plan.units["households"][moves["unit_id"]].sum())
        words.append(
            f"{name_units(moves['unit_id'])} with {homes} households from "
            f"{list_some(sorted(set(moves['before'])), 3)} to "
            f"{list_some(sorted(set(moves['after'])), 3)}"
        )
    words += [
        _describe_mark(code, field, after)
        for code, field, _, after in marks
        if field != "name" or after
    ]
    return "; ".join([*words[:5], *(["…"] if len(words) > 5 else [])])


def _describe_mark(code: str, field: str, after: str) -> str:
    if field == "successors":
        return f"{code} is retired, followed by {after}"
    if field == "name":
        return f"{code} is named {after}"
    return f"{code} is {'locked' if after else 'unlocked'}"
