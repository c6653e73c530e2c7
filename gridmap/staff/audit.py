"""What a staffing breaks, whoever made it, and its figures."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.days import today_in_china
from gridmap.plan import Plan
from gridmap.reading.findings import CityReport, Finding
from gridmap.rules import Rules
from gridmap.staff.case import BOUND_KINDS, check_workers_of, find_beside, keep_present
from gridmap.staff.posts import posts_on
from gridmap.tables import STAFFING, check_table, duties_on


def check_staffing(
    plan: Plan,
    staffing: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    *,
    on: date | None = None,
    rules: Rules | None = None,
) -> CityReport:
    """List what a staffing breaks on a day: limits, communities, terms; and what is vacant.

    Parameters
    ----------
    plan, staffing, workers
        The grids, `STAFFING` and `WORKERS`.
    on : date, optional
        Today by default.
    rules : Rules, optional
        The plan's by default.

    Returns
    -------
    CityReport
        ``refused`` for what no staffing may be (a load above the limit, a community worker outside
        his community, grids of one worker that are not adjacent or too many, somebody who is not
        there); ``noted`` for a grid without a worker. Two primary workers during a hand-over of
        the rules' length are no finding.
    """
    check_table(staffing, STAFFING)
    check_workers_of(plan, workers)
    day, rules = on or today_in_china(), rules or plan.rules
    held = _held_on(staffing, day)
    findings = [
        *_find_strangers(plan, held, workers, day),
        *_find_outsiders(plan, held, workers),
        *_find_overloads(plan, held, workers, rules),
        *_find_crowds(plan, held, rules, day),
        *_find_vacant(plan, held),
    ]
    counts = {"grids": len(plan.grids), "served": int(held["grid_code"].nunique())}
    return CityReport(tuple(findings), counts, "staffing")


def summarize_staffing(
    plan: Plan, staffing: pd.DataFrame, workers: gpd.GeoDataFrame, *, on: date | None = None
) -> dict[str, Any]:
    """Return the figures of a staffing on a day.

    Returns
    -------
    dict
        ``grids``, ``workers`` who are there, ``vacant`` grids, ``doubled``: workers with more than
        one grid, ``shared``: grids with several workers, ``short``: those of them of which a share
        has nobody, ``free`` workers, ``walk_km``: from homes and offices to grids, together,
        ``farthest`` (m), ``most``: the largest load in households, ``outside``: grids served by
        somebody who is sent elsewhere, ``straight``: ways that no street joins, and ``proof``,
        where the table has one.
    """
    check_table(staffing, STAFFING)
    day = on or today_in_china()
    held, there = _held_on(staffing, day), keep_present(workers, day)
    loads = held.groupby("worker_id")["households"].sum()
    shares = _list_shares(plan, staffing, day)
    home = held["worker_id"].map(workers["community_id"]).fillna("")
    place = held["grid_code"].map(plan.grids["community_id"])
    return {
        "grids": len(plan.grids),
        "workers": len(there),
        "vacant": int((~plan.grids.index.isin(held["grid_code"])).sum()),
        "doubled": int((held["worker_id"].value_counts() > 1).sum()),
        "shared": int(shares["grid_code"].nunique()),
        "short": int(shares.loc[shares["worker_id"] == "", "grid_code"].nunique()),
        "free": int((~there.index.isin(held["worker_id"])).sum()),
        "walk_km": round(float(held["walk"].sum()) / 1000, 1),
        "farthest": round(float(np.nan_to_num(held["walk"].max()))),
        "most": int(loads.max()) if len(loads) else 0,
        "outside": int(((home != "") & (home != place)).sum()),
        "straight": int((held["way"] == "straight").sum()),
        "proof": staffing.attrs.get("proof", {}),
    }


def _list_shares(plan: Plan, staffing: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return the posts that are shares of grids which somebody serves."""
    posts = posts_on(plan, staffing, day)
    several = posts["grid_code"].duplicated(keep=False)
    served = posts.loc[posts["worker_id"] != "", "grid_code"]
    return posts[several & posts["grid_code"].isin(served)]


def _held_on(staffing: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return the primary duties of a day."""
    rows = duties_on(staffing, day)
    return rows[(rows["role"] == "primary") & (rows["worker_id"] != "")]


def _refuse(row: str, column: str, value: object, problem: str) -> Finding:
    return Finding("staffing", row, column, str(value), problem, "refused")


def _find_strangers(
    plan: Plan, held: pd.DataFrame, workers: gpd.GeoDataFrame, day: date
) -> Iterator[Finding]:
    """Find duties of workers or grids that there are not, or not on that day."""
    at = pd.Timestamp(day)
    for code, who in zip(held["grid_code"], held["worker_id"], strict=True):
        if code not in plan.grids.index:
            yield _refuse(code, "grid_code", code, "the plan has no such grid")
        if who not in workers.index:
            yield _refuse(code, "worker_id", who, "there is no such worker")
            continue
        starts, ends = workers.at[who, "starts"], workers.at[who, "ends"]
        if starts > at or ends < at:  # a missing day is neither
            yield _refuse(code, "worker_id", who, f"his term does not include {day}")


def _find_outsiders(plan: Plan, held: pd.DataFrame, workers: gpd.GeoDataFrame) -> Iterator[Finding]:
    """Find community workers and part-timers outside their community."""
    known = held[held["worker_id"].isin(workers.index) & held["grid_code"].isin(plan.grids.index)]
    home = known["worker_id"].map(workers["community_id"])
    bound = known["worker_id"].map(workers["kind"]).isin(BOUND_KINDS)
    away = bound & (home != "") & (home != known["grid_code"].map(plan.grids["community_id"]))
    for code, who in zip(known["grid_code"][away], known["worker_id"][away], strict=True):
        yield _refuse(code, "worker_id", who, "serves a community that he does not belong to")


def _find_overloads(
    plan: Plan, held: pd.DataFrame, workers: gpd.GeoDataFrame, rules: Rules
) -> Iterator[Finding]:
    """Find workers with too many households or grids, or grids that do not hang together."""
    known = held[held["worker_id"].isin(workers.index) & held["grid_code"].isin(plan.grids.index)]
    beside = {frozenset(pair) for pair in find_beside(plan).tolist()}
    for who, rows in known.groupby("worker_id"):
        codes = rows["grid_code"]
        load = int(rows.drop_duplicates("grid_code")["households"].sum())
        limit = min(int(workers.at[who, "limit"]), rules.staffing.max_households)
        if load > limit:
            yield _refuse(str(who), "load", load, f"more than the {limit} households he may carry")
        places = plan.grids.index.get_indexer(codes.unique()).tolist()
        if len(places) > rules.staffing.max_grids_per_worker:
            yield _refuse(str(who), "grids", len(places), "more grids than one worker may have")
        elif not _hang_together(places, beside):
            yield _refuse(str(who), "grids", ", ".join(codes), "grids that are not adjacent")


def _hang_together(places: list[int], beside: set[frozenset[int]]) -> bool:
    """Tell whether each grid but the first can be reached from it through the others."""
    reached, left = places[:1], places[1:]
    while left:
        near = [at for at in left if any(frozenset((at, one)) in beside for one in reached)]
        if not near:
            return False
        reached, left = reached + near, [at for at in left if at not in near]
    return True


def _find_crowds(plan: Plan, held: pd.DataFrame, rules: Rules, day: date) -> Iterator[Finding]:
    """Find grids whose primary workers have more households than it, for longer than a hand-over.

    Those of a shared grid have a part each, so that their parts add up to the grid.
    """
    several = held[held["grid_code"].duplicated(keep=False)]
    far = pd.Timestamp(day) + pd.Timedelta(days=3650)
    for code, rows in several.groupby("grid_code"):
        newest = rows["starts"].max().date()
        ends = rows["ends"].fillna(far).dt.date + timedelta(days=1)
        leaving = np.busday_count(newest, ends.to_list()) <= rules.staffing.handover
        staying = rows[~leaving | (rows["starts"].dt.date == newest)]
        households = plan.grids["households"].get(code, 0)
        if len(staying) > 1 and staying["households"].sum() > households:
            names = ", ".join(staying.sort_values("starts")["worker_id"])
            yield _refuse(str(code), "worker_id", names, "two primary workers at a time")


def _find_vacant(plan: Plan, held: pd.DataFrame) -> Iterator[Finding]:
    """Find grids without a primary worker, and those of which a share has none."""
    served = held.groupby("grid_code")["households"].sum().reindex(plan.grids.index, fill_value=0)
    there = plan.grids.index.isin(held["grid_code"])
    left = plan.grids["households"] - served
    for code in plan.grids.index[~there | (left > 0)]:
        problem = "a share has no primary worker" if served[code] else "no primary worker"
        yield Finding("staffing", code, "households", str(left[code]), problem, "noted")
