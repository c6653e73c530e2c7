"""Whom a redraw concerns: the workers and the branches of the grids that change."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from gridmap.tables import (
    BRANCH_GRIDS,
    BRANCH_UNITS,
    BRANCHES,
    STAFFING,
    WORKERS,
    check_table,
    duties_on,
)

#: Tables of a plan that are read here, by name; others are passed over.
_READ = {table.name: table for table in (WORKERS, STAFFING, BRANCHES, BRANCH_GRIDS, BRANCH_UNITS)}


def list_affected_workers(
    grids: pd.DataFrame, staff: Mapping[str, pd.DataFrame], on: date
) -> pd.DataFrame:
    """List the workers of grids that change, with what they carry before and after.

    Parameters
    ----------
    grids : DataFrame
        As in `gridmap.compare.PlanComparison`.
    staff : mapping of str to DataFrame
        Tables of the plan before, as `gridmap.PlanStore.staff` gives them. Without ``staffing``
        nobody is listed; ``workers`` gives names and limits.
    on : date
        Whose duties count: those of this day.

    Returns
    -------
    DataFrame
        Index worker_id; ``name``, ``grids`` and ``deputy_of`` (codes of grids that change, as
        primary worker and as deputy), ``retired`` (how many of both are retired), ``before`` and
        ``after`` (households of all grids that he is primary worker of; of a grid that several
        share his share, which stays what it was), ``gained``, ``lost``,
        ``limit`` (0 where unknown) and ``over``: afterwards he has more than that. Most households
        gained and lost first.
    """
    tables = _check_staff(staff)
    duties = _join_duties(grids, tables.get(STAFFING.name), on)
    touched = duties[duties["change"] != "kept"]
    primary = duties[duties["role"] == "primary"]
    table = pd.DataFrame(index=pd.Index(sorted(set(touched["worker_id"])), name="worker_id"))
    people = tables.get(WORKERS.name, pd.DataFrame(columns=["name", "limit"]))
    table["name"] = people["name"].reindex(table.index, fill_value="")
    table["grids"] = _join_codes(touched[touched["role"] == "primary"], "worker_id", table.index)
    table["deputy_of"] = _join_codes(touched[touched["role"] == "deputy"], "worker_id", table.index)
    table["retired"] = _count_retired(touched, "worker_id", table.index)
    table = table.join(_add_up(primary, "worker_id", ["before", "after", "gained", "lost"], table))
    table["limit"] = people["limit"].reindex(table.index, fill_value=0).astype("int64")
    table["over"] = (table["limit"] > 0) & (table["after"] > table["limit"])
    return _sort_by_moved(table)


def list_affected_branches(
    grids: pd.DataFrame, staff: Mapping[str, pd.DataFrame], moved: pd.Index
) -> pd.DataFrame:
    """List the branches that cover grids that change.

    Parameters
    ----------
    grids, staff
        As for `list_affected_workers`; ``branches`` and ``branch_grids`` count here, and
        ``branch_units`` for the members.
    moved : Index
        The units of the plan before that change grid.

    Returns
    -------
    DataFrame
        Index branch_id; ``name``, ``kind``, ``grids`` (codes of grids that change), ``retired``
        (how many of them are), ``gained`` and ``lost`` (households of those grids) and
        ``members``: how many live in buildings that change grid; never who. Most households first.
    """
    tables = _check_staff(staff)
    branches = tables.get(BRANCHES.name, pd.DataFrame(columns=["name", "kind"], dtype="str"))
    empty = pd.DataFrame(columns=["branch_id", "grid_code"], dtype="str")
    covers = tables.get(BRANCH_GRIDS.name, empty)[["branch_id", "grid_code"]]
    covers = covers.join(grids[["change", "gained", "lost"]], on="grid_code")
    touched = covers[covers["change"] != "kept"]
    table = pd.DataFrame(index=pd.Index(sorted(set(touched["branch_id"])), name="branch_id"))
    for column in ("name", "kind"):
        table[column] = branches[column].reindex(table.index, fill_value="")
    table["grids"] = _join_codes(touched, "branch_id", table.index)
    table["retired"] = _count_retired(touched, "branch_id", table.index)
    table = table.join(_add_up(touched, "branch_id", ["gained", "lost"], table))
    table["members"] = _count_members(tables.get(BRANCH_UNITS.name), moved, table.index)
    return _sort_by_moved(table)


def _join_duties(grids: pd.DataFrame, staffing: pd.DataFrame | None, on: date) -> pd.DataFrame:
    """Return the duties of a day with what becomes of their grids, or of their shares of them."""
    columns = ["worker_id", "role", "grid_code"]
    counts = ["before", "after", "gained", "lost"]
    if staffing is None:
        return pd.DataFrame(columns=[*columns, "change", *counts])
    held = duties_on(staffing, on)
    duties = held[held["worker_id"] != ""].drop_duplicates(columns)
    duties = duties[[*columns, "households"]].join(grids[["change", *counts]], on="grid_code")
    share = (duties["households"] / duties["before"]).where(duties["before"] > 0, 1.0)
    shared = {name: (share * duties[name]).round().astype("int64") for name in counts}
    return duties.assign(**shared)


def _check_staff(staff: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables that are read here; each keeps its contract."""
    tables = {name: staff[name] for name in _READ if name in staff}
    for name, table in tables.items():
        check_table(table, _READ[name])
    return tables


def _join_codes(rows: pd.DataFrame, key: str, index: pd.Index) -> pd.Series:
    """Return the codes of each key in one text."""
    codes = rows.groupby(key)["grid_code"].agg(lambda some: " ".join(sorted(set(some))))
    return codes.reindex(index, fill_value="").astype("str")


def _count_retired(rows: pd.DataFrame, key: str, index: pd.Index) -> pd.Series:
    retired = rows[rows["change"] == "retired"]
    return retired.groupby(key)["grid_code"].nunique().reindex(index, fill_value=0)


def _add_up(rows: pd.DataFrame, key: str, columns: list[str], table: pd.DataFrame) -> pd.DataFrame:
    sums = rows.groupby(key)[columns].sum()
    return sums.reindex(table.index, fill_value=0).astype("int64")


def _count_members(units: pd.DataFrame | None, moved: pd.Index, index: pd.Index) -> pd.Series:
    """Count the members of each branch in units that move."""
    if units is None:
        return pd.Series(0, index, dtype="int64")
    there = units[units.index.isin(moved)]
    counts = (there["full"] + there["probationary"]).groupby(there["branch_id"]).sum()
    return counts.reindex(index, fill_value=0).astype("int64")


def _sort_by_moved(table: pd.DataFrame) -> pd.DataFrame:
    order = (-(table["gained"] + table["lost"])).sort_values(kind="stable").index
    return table.loc[order]
