"""Whose grid is left in a year, and whose term may follow, as arrays."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.case import measure_walks
from gridmap.staff.posts import posts_on

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Kinds that are sent where they are needed.
_SENT = ("cadre", "recruit")


@dataclass(frozen=True)
class Terms:
    """Posts that need somebody, and the terms that may follow, as arrays.

    Days are numpy days. ``free`` is the last day of the worker that a post has, the day before the
    first where it has none.
    """

    codes: list[str]  # of each post that needs somebody, its grid
    grid: Ints  # position in the plan
    place: list[str]  # community_id
    households: Ints
    holder: list[str]  # worker_id, or ""
    person: list[str]
    free: Any
    ids: list[str]  # of each term, its worker_id
    sent: list[str]  # community_id, or ""
    people: list[str]
    starts: Any
    ends: Any
    limit: Ints
    walk: Floats  # (terms, all grids)
    ways: Ints


def list_terms(
    plan: Plan,
    staffing: pd.DataFrame,
    cadres: gpd.GeoDataFrame,
    rules: Rules,
    start: date,
    last: date,
) -> Terms:
    """Find the posts whose workers leave before the last day, and the terms that may follow."""
    held = posts_on(plan, staffing, start)
    held = held.assign(ends=_last_days(staffing, held, start))
    first, final = pd.Timestamp(start), pd.Timestamp(last)
    leaving = held[held["ends"] < final]
    some = _pick_free(cadres, held, first, final)
    walk, ways = measure_walks(plan, some, rules)
    grid = plan.grids.index.get_indexer(leaving["grid_code"]).astype(np.int64)
    people = cadres["person"].to_dict()
    return Terms(
        codes=leaving["grid_code"].tolist(),
        grid=grid,
        place=plan.grids["community_id"].iloc[grid].tolist(),
        households=leaving["households"].to_numpy(np.int64),
        holder=leaving["worker_id"].tolist(),
        person=[str(people.get(who, who)) for who in leaving["worker_id"]],
        free=leaving["ends"].to_numpy("datetime64[D]"),
        ids=some.index.tolist(),
        sent=some["community_id"].tolist(),
        people=some["person"].tolist(),
        starts=some["starts"].fillna(first).clip(lower=first).to_numpy("datetime64[D]"),
        ends=some["ends"].fillna(final + pd.Timedelta(days=1)).to_numpy("datetime64[D]"),
        limit=some["limit"].to_numpy(np.int64).clip(max=rules.staffing.max_households),
        walk=walk,
        ways=ways,
    )


def _pick_free(
    cadres: gpd.GeoDataFrame, held: pd.DataFrame, first: pd.Timestamp, final: pd.Timestamp
) -> gpd.GeoDataFrame:
    """Return the terms of these days of who is sent where he is needed and has no post at first."""
    there = cadres["kind"].isin(_SENT) & ~cadres.index.isin(held["worker_id"])
    there &= cadres["starts"].isna() | (cadres["starts"] <= final)
    return cadres[there & (cadres["ends"].isna() | (cadres["ends"] >= first))]


def _last_days(staffing: pd.DataFrame, held: pd.DataFrame, start: date) -> pd.Series:
    """Return the last day of each post's worker; far off if open, the day before if vacant."""
    rows = staffing[staffing["role"] == "primary"]
    rows = rows[rows["ends"].isna() | (rows["ends"] >= pd.Timestamp(start))]
    far = pd.Timestamp(2200, 1, 1)
    last = rows["ends"].fillna(far).groupby([rows["grid_code"], rows["worker_id"]]).max()
    key = pd.MultiIndex.from_frame(held[["grid_code", "worker_id"]])
    days = pd.Series(last.reindex(key).to_numpy(), held.index)
    before = pd.Timestamp(start) - pd.Timedelta(days=1)
    return days.where((held["worker_id"] != "") & days.notna(), before)
