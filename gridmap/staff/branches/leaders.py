"""Who leads: the primary workers of grids, and the secretaries made of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from gridmap.errors import TableError
from gridmap.plan import Plan
from gridmap.staff.branches.ground import Ground, Site
from gridmap.staff.branches.reasons import list_names, say
from gridmap.staff.branches.shaping import look_up
from gridmap.tables import LEADERS, check_table, empty_table, list_some


def find_leaders(staffing: pd.DataFrame, workers: pd.DataFrame, on: date) -> pd.DataFrame:
    """Say who leads each grid on a day: its primary worker, with his party membership.

    Parameters
    ----------
    staffing : DataFrame
        `STAFFING`.
    workers : DataFrame
        `WORKERS`.
    on : date
        The day.

    Returns
    -------
    DataFrame
        `LEADERS`; of two at a hand-over the one who stays longer.
    """
    day = pd.Timestamp(on)
    led = staffing[(staffing["role"] == "primary") & (staffing["worker_id"] != "")]
    there = (led["starts"].isna() | (led["starts"] <= day)) & (
        led["ends"].isna() | (led["ends"] >= day)
    )
    led = led[there].sort_values("ends", na_position="last", kind="stable")
    led = led.drop_duplicates("grid_code", keep="last").sort_values("grid_code")
    party = look_up(led["worker_id"], workers["party"].to_dict())
    return led[["grid_code", "worker_id"]].assign(party=party).reset_index(drop=True)


def check_leaders(plan: Plan, leaders: pd.DataFrame | None) -> pd.DataFrame:
    """Return the leaders by grid, or say which rows are wrong."""
    table = empty_table(LEADERS, None) if leaders is None else leaders
    check_table(table, LEADERS)
    stray = table[~table["grid_code"].isin(plan.grids.index)]
    if len(stray):
        raise TableError(f"leaders: no such grid: {list_some(stray['grid_code'])}")
    twice = table[table["grid_code"].duplicated()]
    if len(twice):
        raise TableError(f"leaders: grids {list_some(twice['grid_code'])} have two; name one each")
    return table.set_index("grid_code")


def appoint(
    ground: Ground,
    table: pd.DataFrame,
    sites: Mapping[str, tuple[Site, ...]],
    leading: pd.DataFrame,
) -> pd.DataFrame:
    """Make the grid's leader the secretary where he is a full member and leads no other branch.

    A member belongs to one branch; so of several that a leader could lead, the one with most
    members, which comes first, gets him.
    """
    if leading.empty:
        return table
    order = table.assign(total=table["full"] + table["probationary"])
    order = order.sort_values(["grids", "total"], ascending=[True, False], kind="stable")
    busy: set[str] = set()
    chosen: dict[str, str] = {}
    leader = leading.to_dict("index")
    reasons = table["reason"].to_dict()
    for name in order.index:
        codes = dict.fromkeys(site.code for site in sites[name])
        led = [leader[code] for code in codes if code in leader]
        fit = [str(one["worker_id"]) for one in led if one["party"] == "full"]
        free = [worker for worker in fit if worker not in busy]
        if free:
            chosen[name] = free[0]
            busy.add(free[0])
        else:
            reasons[name] += _say_vacant(ground, led, fit)
    names = table.index.to_series()
    return table.assign(
        secretary=look_up(names, chosen),
        reason=names.map(reasons).astype("str"),
    )


def _say_vacant(ground: Ground, led: list[Any], fit: list[str]) -> str:
    if fit:
        return say(ground, "vacant_busy", who=list_names(ground, fit))
    if led:
        young = led[0]["party"] == "probationary"
        who = led[0]["worker_id"]
        return say(ground, "vacant_young" if young else "vacant_outside", who=who)
    return say(ground, "vacant")
