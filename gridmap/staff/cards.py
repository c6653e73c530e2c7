"""What is told of who serves a grid: a public card, and one for the office.

They are two functions with two results, not one with a flag: what is not named in the public one
does not leave the house. Counts of members below ``min_members`` are None in both.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from gridmap.rules import Party, Rules
from gridmap.staff.duties import basic_duties
from gridmap.staff.visits import cover_visits, name_primary
from gridmap.tables import TASKS, VISITS, empty_table

Tables = Mapping[str, pd.DataFrame]


def describe_contact(tables: Tables, grid_code: str, on: date) -> dict[str, Any] | None:
    """Say whom a resident may call: the name as posted and the office phone, nothing else.

    Parameters
    ----------
    tables : mapping
        ``workers`` and ``staffing``, as `gridmap.store.PlanStore.staff` gives them.
    grid_code : str
        The grid.
    on : date
        The day.

    Returns
    -------
    dict or None
        ``worker`` and ``office_phone`` of the primary worker on that day; None where there is none.
    """
    primary = _list_workers(tables, grid_code, on, "primary")
    if not primary:
        return None
    return {"worker": primary[-1]["name"], "office_phone": primary[-1]["phone"]}


def describe_staff(
    tables: Tables, grid_code: str, community_id: str, on: date, party: Party | None = None
) -> dict[str, Any]:
    """Say who serves a grid, for the office.

    Parameters
    ----------
    tables : mapping
        ``workers``, ``staffing``, ``branches``, ``branch_grids``, ``liaisons``, ``contacts`` and
        ``contact_matches``, as far as they are kept.
    grid_code, community_id : str
        The grid and its community.
    on : date
        The day.
    party : Party, optional
        ``min_members``, the count below which members are not told.

    Returns
    -------
    dict
        ``worker`` (worker_id, name, kind, phone; None for a vacant grid), ``others``: the primary
        workers of its other shares, or who hands it over, ``deputies``,
        ``branches`` (branch_id, name, kind, grids, members, secretary), ``liaisons`` (department,
        post, name, phone), ``contacts``: leaders and units (contact_id, kind, name) that are
        matched to its community or branches.
    """
    primary = _list_workers(tables, grid_code, on, "primary")
    branches = _list_branches(tables, grid_code, party or Party())
    helped = [community_id, *(branch["branch_id"] for branch in branches)]
    return {
        "worker": primary[-1] if primary else None,
        "others": primary[:-1],
        "deputies": _list_workers(tables, grid_code, on, "deputy"),
        "branches": branches,
        "liaisons": _list_liaisons(tables, community_id),
        "contacts": _list_contacts(tables, helped),
    }


def describe_tasks(tables: Tables, grid_code: str) -> list[dict[str, Any]]:
    """List the ten basic duties, each with what the grid asks for, for the office.

    Parameters
    ----------
    tables : mapping
        ``tasks``, where they are kept.
    grid_code : str
        The grid.

    Returns
    -------
    list of dict
        ``duty_id``, ``name``, ``english`` and ``tasks`` (subject, amount, task), by number.
    """
    rows = tables.get("tasks", empty_table(TASKS, None))
    mine = rows[rows["grid_code"] == grid_code].to_dict("records")
    keys = ("subject", "amount", "task")
    return [
        {
            "duty_id": number,
            "name": str(duty["name"]),
            "english": str(duty["english"]),
            "tasks": [{key: row[key] for key in keys} for row in mine if row["duty_id"] == number],
        }
        for number, duty in basic_duties().T.to_dict().items()
    ]


def describe_visits(
    tables: Tables,
    homes: pd.Series,
    rules: Rules,
    *,
    starts: date,
    ends: date,
    today: date,
) -> list[dict[str, Any]]:
    """Say how far a round of visits is in each grid, the furthest behind first, for the office.

    Parameters
    ----------
    tables : mapping
        ``visits``, and ``workers`` and ``staffing``, as far as they are kept.
    homes : Series
        Households by grid_code.
    rules : Rules
        ``visit_bands``.
    starts, ends, today : date
        As `measure_visits` takes them.

    Returns
    -------
    list of dict
        ``code``, the columns of `VISIT_COVERAGE` (None where missing), and ``worker``, the name of
        the primary worker, or None.

    Raises
    ------
    RulesError
        If the round ends before it starts.
    """
    log = tables.get("visits", empty_table(VISITS, None))
    log = log[log["grid_code"].isin(homes.index)]
    table = cover_visits(homes, log, rules, starts=starts, ends=ends, today=today)
    table = table.assign(worker=name_primary(tables, today).reindex(table.index))
    table["last"] = table["last"].dt.date
    table = table.sort_values(["behind", "short"], ascending=False, kind="stable")
    plain = table.astype(object).where(table.notna(), None).rename_axis("code").reset_index()
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]


def hide_members(table: pd.DataFrame, party: Party | None = None) -> pd.DataFrame:
    """Return a table of counts of members fit for the public: small ones are missing.

    One column ``members`` takes the place of ``full`` and ``probationary``, from which few
    probationary members could be told; reasons, which name counts, go too.

    Examples
    --------
    >>> hide_members(pd.DataFrame({"full": [1, 9], "probationary": [1, 0]}))["members"].tolist()
    [<NA>, 9]
    """
    members = (table["full"] + table["probationary"]).astype("Int64")
    told = table.drop(columns=["full", "probationary", "reason"], errors="ignore")
    return told.assign(members=members.where(members >= (party or Party()).min_members))


def _list_workers(tables: Tables, grid_code: str, on: date, role: str) -> list[dict[str, Any]]:
    """List those who have a role in a grid on a day; who stays longest comes last."""
    if "staffing" not in tables or "workers" not in tables:
        return []
    rows, workers, day = tables["staffing"], tables["workers"], pd.Timestamp(on)
    mine = rows[(rows["grid_code"] == grid_code) & (rows["role"] == role)]
    begun = mine["starts"].isna() | (mine["starts"] <= day)
    there = mine[begun & (mine["ends"].isna() | (mine["ends"] >= day))]
    there = there.sort_values("ends", na_position="last", kind="stable")
    known = [one for one in there["worker_id"] if one in workers.index]
    return [
        {"worker_id": one, **{key: str(workers.at[one, key]) for key in ("name", "kind", "phone")}}
        for one in known
    ]


def _list_branches(tables: Tables, grid_code: str, party: Party) -> list[dict[str, Any]]:
    if "branches" not in tables or "branch_grids" not in tables:
        return []
    pairs, branches = tables["branch_grids"], tables["branches"]
    names = pairs.loc[pairs["grid_code"] == grid_code, "branch_id"]
    rows = branches.loc[names]
    members = (rows["full"] + rows["probationary"]).tolist()
    workers = tables.get("workers", pd.DataFrame(columns=["name"]))
    return [
        {
            "branch_id": str(name),
            **{key: row[key] for key in ("name", "kind")},
            "grids": int(row["grids"]),
            "members": count if count >= party.min_members else None,
            "secretary": str(workers["name"].get(row["secretary"], row["secretary"])),
        }
        for (name, row), count in zip(rows.iterrows(), members, strict=True)
    ]


def _list_liaisons(tables: Tables, community_id: str) -> list[dict[str, Any]]:
    if "liaisons" not in tables:
        return []
    rows = tables["liaisons"]
    mine = rows[rows["community_id"] == community_id]
    keys = ["department", "post", "name", "phone"]
    return [{key: str(row[key]) for key in keys} for row in mine[keys].to_dict("records")]


def _list_contacts(tables: Tables, helped: list[str]) -> list[dict[str, Any]]:
    """List the leaders and units that are matched to any of some communities and branches."""
    if "contacts" not in tables or "contact_matches" not in tables:
        return []
    contacts, matches = tables["contacts"], tables["contact_matches"]
    mine = matches.loc[matches["target_id"].isin(helped), "contact_id"].drop_duplicates()
    return [
        {"contact_id": one, **{key: str(contacts.at[one, key]) for key in ("kind", "name")}}
        for one in mine
        if one in contacts.index
    ]
