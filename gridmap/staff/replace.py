"""Who stands in while somebody is away, with nobody else moved."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.case import Case, make_case
from gridmap.staff.posts import take_posts
from gridmap.staff.reasons import Language, write_metres
from gridmap.tables import STAFFING, WAYS, check_table

_DAY = pd.Timedelta(days=1)

_TEXTS: dict[str, dict[Language, str]] = {
    "free": {
        "zh": "顶替{away}（{begin}至{end}不在岗），{name}本无网格，步行{walk}",
        "en": "stands in for {away}, away {begin} to {end}; {name} has no grid, {walk} on foot",
    },
    "deputy": {
        "zh": "顶替{away}（{begin}至{end}不在岗），{name}为代管人，合计{load}户，未超上限{limit}户",
        "en": "stands in for {away}, away {begin} to {end}; {name} is deputy, {load} households "
        "together, limit {limit}",
    },
    "none": {
        "zh": "{away}于{begin}至{end}不在岗，无人可顶替：无空闲人员，代管人{name}合计{load}户，"
        "超过上限{limit}户",
        "en": "{away} is away {begin} to {end} and nobody can stand in: no free worker, and deputy "
        "{name} would have {load} households, limit {limit}",
    },
    "nobody": {
        "zh": "{away}于{begin}至{end}不在岗，无人可顶替：无空闲人员，也没有代管人",
        "en": "{away} is away {begin} to {end} and nobody can stand in: no free worker, no deputy",
    },
}


def replace_worker(
    plan: Plan,
    staffing: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    worker_id: str,
    starts: date,
    ends: date,
    *,
    rules: Rules | None = None,
    lang: Language = "zh",
) -> pd.DataFrame:
    """Replace a worker for some days (sick leave, training); every other duty stays as it is.

    In each of his grids a worker without a grid stands in, the one who walks least; else the
    deputy, if both together are within his limit. If neither can, the days are in the table as a
    row without a worker, with the reason, and the deputy goes on looking after the grid. Who is
    away himself on these days, after an earlier replacement, does not stand in.

    Parameters
    ----------
    plan : Plan
        The grids.
    staffing : DataFrame
        `STAFFING`; not changed.
    workers : GeoDataFrame
        `WORKERS`: who is there on the first of the days.
    worker_id : str
        Who is away.
    starts, ends : date
        First and last day of it.
    rules : Rules, optional
        The plan's by default.
    lang : {"zh", "en"}
        Of the reasons.

    Returns
    -------
    DataFrame
        `STAFFING`. His own rows end the day before and begin again the day after.

    Raises
    ------
    StaffError
        If he has no grid on these days, or the days are in the wrong order.
    """
    check_table(staffing, STAFFING)
    if ends < starts:
        raise StaffError(f"away from {starts} to {ends}: the last day is before the first")
    begin, end = pd.Timestamp(starts), pd.Timestamp(ends)
    during = (staffing["starts"] <= end) & (staffing["ends"].isna() | (staffing["ends"] >= begin))
    away = during & (staffing["worker_id"] == worker_id)
    if not (away & (staffing["role"] == "primary")).any():
        raise StaffError(
            f"worker {worker_id} is primary worker of no grid from {starts} to {ends}: "
            "nothing to replace"
        )
    there = workers[~workers.index.isin({worker_id, *_list_absent(staffing, begin, end)})]
    own = staffing[away & (staffing["role"] == "primary")]
    own = own.sort_values("households", ascending=False, kind="stable")
    case = make_case(
        plan, there, rules or plan.rules, current=None, on=starts, posts=take_posts(plan, own)
    )
    rows = list(_split_rows(staffing[away], begin, end))
    rows += _stand_in(case, staffing[during & ~away], own, begin, end, lang)
    table = pd.concat([staffing[~away], pd.DataFrame(rows, columns=list(STAFFING.columns))])
    kinds = {"i": "int64", "f": "float64", "O": "str", "M": "datetime64[s]"}
    table = table.astype({name: kinds[kind] for name, kind in STAFFING.columns.items()})
    order = ["grid_code", "role", "starts"]
    return table.sort_values(order, ascending=[True, False, True], ignore_index=True)


def _list_absent(staffing: pd.DataFrame, begin: Any, end: Any) -> set[str]:
    """List who is away himself on some of the days: his duty in a grid stops and goes on later."""
    rows = staffing[(staffing["role"] == "primary") & (staffing["worker_id"] != "")]
    keys = ["grid_code", "worker_id"]
    before = rows[rows["ends"] < end].groupby(keys)["ends"].max()
    after = rows[rows["starts"] > begin].groupby(keys)["starts"].min()
    hole = (after - before).dropna()  # of those who have both
    return set(hole.index[hole > _DAY].get_level_values("worker_id"))


def _split_rows(rows: pd.DataFrame, begin: Any, end: Any) -> Iterator[dict[str, Any]]:
    """Yield what is left of the duties before and after."""
    for row in _records(rows):
        if row["starts"] < begin:
            yield {**row, "ends": begin - _DAY}
        if pd.isna(row["ends"]) or row["ends"] > end:
            yield {**row, "starts": end + _DAY}


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _stand_in(
    case: Case,
    others: pd.DataFrame,
    own: pd.DataFrame,
    begin: Any,
    end: Any,
    lang: Language,
) -> Iterator[dict[str, Any]]:
    """Yield who stands in, post by post as they come; a free worker is free once."""
    primary = others[(others["role"] == "primary") & (others["worker_id"] != "")]
    load = primary.drop_duplicates(["grid_code", "worker_id"]).groupby("worker_id")["households"]
    loads = {str(who): int(total) for who, total in load.sum().items()}
    deputies = others[(others["role"] == "deputy") & (others["worker_id"] != "")]
    for grid, row in enumerate(_records(own)):
        free, deputy = (
            _find_free(case, grid, loads, end),
            _find_deputy(case, deputies, row["grid_code"], end),
        )
        first, last = max(begin, row["starts"]), _earlier(end, row["ends"])
        yield _write_row(case, row, grid, free, deputy, loads, (first, last), lang)


def _earlier(end: Any, other: Any) -> Any:
    return end if pd.isna(other) else min(end, other)


def _find_free(case: Case, grid: int, loads: dict[str, int], end: Any) -> int:
    """Return the cheapest worker without a grid who may serve this one until the end, else -1."""
    ends = case.workers["ends"]
    free = ~case.workers.index.isin(loads) & (ends.isna() | (ends >= end)).to_numpy()
    cost = np.where(free, case.cost[:, grid], np.inf)
    best = int(cost.argmin()) if len(cost) else -1
    return best if best >= 0 and np.isfinite(cost[best]) else -1


def _find_deputy(case: Case, deputies: pd.DataFrame, code: str, end: Any) -> int:
    """Return the grid's first deputy who is there until the end, else -1."""
    some = deputies.loc[deputies["grid_code"] == code, "worker_id"]
    found = [at for at in case.workers.index.get_indexer(some) if at >= 0]
    ends = case.workers["ends"]
    return next((at for at in found if pd.isna(ends.iloc[at]) or ends.iloc[at] >= end), -1)


def _write_row(
    case: Case,
    row: dict[str, Any],
    grid: int,
    free: int,
    deputy: int,
    loads: dict[str, int],
    days: tuple[Any, Any],
    lang: Language,
) -> dict[str, Any]:
    """Write the row of who stands in, or of nobody; count his load."""
    chosen, told = free, "free"
    if free < 0 and deputy >= 0:
        who = str(case.workers.index[deputy])
        total = loads.get(who, 0) + row["households"]
        fits = total <= case.workers["limit"].iloc[deputy] and case.open_to[deputy, grid]
        chosen, told = (deputy, "deputy") if fits else (-1, "none")
    elif free < 0:
        told = "nobody"
    named = chosen if chosen >= 0 else deputy
    who = str(case.workers.index[named]) if named >= 0 else ""
    load = loads.get(who, 0) + row["households"]
    walk = float(case.walk[chosen, grid]) if chosen >= 0 else np.nan
    words = {
        "away": row["worker_id"],
        "begin": days[0].date(),
        "end": days[1].date(),
        "name": f"{case.workers['name'].iloc[named]}（{who}）" if named >= 0 else "",
        "walk": write_metres(walk, lang),
        "load": load,
        "limit": int(case.workers["limit"].iloc[named]) if named >= 0 else 0,
    }
    if chosen >= 0:
        loads[who] = load
    return {
        **row,
        "worker_id": who if chosen >= 0 else "",
        "starts": days[0],
        "ends": days[1],
        "load": load if chosen >= 0 else 0,
        "walk": walk,
        "way": WAYS[case.ways[chosen, grid]] if chosen >= 0 else "",
        "binding": "replacement" if chosen >= 0 else "absence",
        "rival": "",
        "rival_walk": np.nan,
        "extra": np.nan,
        "reason": _TEXTS[told][lang].format(**words),
    }
