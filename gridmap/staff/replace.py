"""Who stands in while somebody is away, with nobody else moved."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.case import Case, make_case
from gridmap.staff.gaps import Duty, list_primaries
from gridmap.staff.posts import take_posts
from gridmap.staff.reasons import Language, write_metres, write_more
from gridmap.staff.standins import Neighbours
from gridmap.tables import STAFFING, WAYS, cast_columns, check_table

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
    "neighbour": {
        "zh": "顶替{away}（{begin}至{end}不在岗），{name}在相邻网格，合计{load}户，"
        "未超上限{limit}户，步行{walk}",
        "en": "stands in for {away}, away {begin} to {end}; {name} has a grid beside it, {load} "
        "households together, limit {limit}, {walk} on foot",
    },
    "none": {
        "zh": "{away}于{begin}至{end}不在岗，无人可顶替：无可承担的空闲人员，"
        "代管人{name}合计{load}户，超过上限{limit}户",
        "en": "{away} is away {begin} to {end} and nobody can stand in: no free worker may, and "
        "deputy {name} would have {load} households, limit {limit}",
    },
    "apart": {
        "zh": "{away}于{begin}至{end}不在岗，无人可顶替：无可承担的空闲人员，"
        "代管人{name}的网格不相邻或已兼管，相邻网格的人员再加{households}户会超过上限",
        "en": "{away} is away {begin} to {end} and nobody can stand in: no free worker may, deputy "
        "{name} has no grid beside it or several already, and nobody beside it can carry "
        "{households} households more",
    },
    "nobody": {
        "zh": "{away}于{begin}至{end}不在岗，无人可顶替：无可承担的空闲人员，也没有代管人",
        "en": "{away} is away {begin} to {end} and nobody can stand in: no free worker may, and "
        "there is no deputy",
    },
}
_NEXT: dict[Language, str] = {
    "zh": "；次优{rival}，{holds}步行{walk}，总代价{more}",
    "en": "; next best {rival} ({holds}{walk} on foot), {more}",
}
#: Why somebody who may live nearer is worse.
_HOLDS: dict[Language, str] = {"zh": "已有网格，", "en": "has a grid, "}


class _Choice(NamedTuple):
    """Who could stand in in a grid, and what that counts in metres."""

    price: float
    at: int  # position of the worker
    told: str
    load: int


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

    In each of his grids a worker without a grid stands in, the one who walks least; else somebody
    who has a grid beside it, if both together are within his limit: the deputy, unless another one
    walks so much less that a change would pay. If nobody can, the days are in the table as a row
    without a worker, with the reason, and the deputy goes on looking after the grid. Who stands in
    is not his own deputy on these days. Who is away himself on these days, after an earlier
    replacement, does not stand in.

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
    rules = rules or plan.rules
    case = make_case(plan, there, rules, current=None, on=starts, posts=take_posts(plan, own))
    others = staffing[during & ~away]
    near = Neighbours(plan, case.workers, rules, list_primaries(others, starts, ends))
    rows = list(_stand_in(case, near, others, own, (begin, end), lang))
    deputies = _flag_deputies(staffing, rows)
    rows += [
        *_cut_deputies(staffing[deputies], rows),
        *(left for row in _records(staffing[away]) for left in _cut_days(row, begin, end)),
    ]
    split = away | deputies
    new = pd.DataFrame(rows, columns=list(STAFFING.columns))
    table = cast_columns(pd.concat([staffing[~split], new]), STAFFING)
    order = ["grid_code", "role", "starts"]
    return table.sort_values(order, ascending=[True, False, True], ignore_index=True)


def _list_absent(staffing: pd.DataFrame, begin: Any, end: Any) -> set[str]:
    """List who is away himself on some of the days: a row of another takes his place in a grid."""
    rows = staffing[staffing["role"] == "primary"]
    stands_in = rows["binding"].isin(["replacement", "absence"])
    breaks = rows[stands_in & (rows["starts"] <= end) & (rows["ends"] >= begin)]
    own = rows[(rows["worker_id"] != "") & ~stands_in]
    pairs = own.merge(breaks, on="grid_code", suffixes=("", "_break"))
    until, again = pairs["starts_break"] - _DAY, pairs["ends_break"] + _DAY
    return set(pairs.loc[(pairs["ends"] == until) | (pairs["starts"] == again), "worker_id"])


def _flag_deputies(staffing: pd.DataFrame, rows: list[dict[str, Any]]) -> pd.Series:
    """Flag the duties as deputy of those who stand in as primary worker of the same grid."""
    pairs = pd.MultiIndex.from_tuples([(row["grid_code"], row["worker_id"]) for row in rows])
    same = pd.MultiIndex.from_frame(staffing[["grid_code", "worker_id"]]).isin(pairs)
    return (staffing["role"] == "deputy") & (staffing["worker_id"] != "") & same


def _cut_deputies(deputies: pd.DataFrame, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what is left of duties as deputy, without the days on which he stands in himself."""
    for duty in _records(deputies):
        left = [duty]
        for row in rows:
            if (row["grid_code"], row["worker_id"]) == (duty["grid_code"], duty["worker_id"]):
                days = (row["starts"], row["ends"])
                left = [piece for one in left for piece in _cut_days(one, *days)]
        yield from left


def _cut_days(row: dict[str, Any], begin: Any, end: Any) -> Iterator[dict[str, Any]]:
    """Yield what is left of a duty before and after some days."""
    stays = pd.isna(row["ends"])
    if row["starts"] < begin:
        yield {**row, "ends": begin - _DAY if stays else min(row["ends"], begin - _DAY)}
    if stays or row["ends"] > end:
        yield {**row, "starts": max(row["starts"], end + _DAY)}


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def _stand_in(
    case: Case,
    near: Neighbours,
    others: pd.DataFrame,
    own: pd.DataFrame,
    days: tuple[Any, Any],
    lang: Language,
) -> Iterator[dict[str, Any]]:
    """Yield who stands in, post by post as they come; a free worker is free once."""
    deputies = others[(others["role"] == "deputy") & (others["worker_id"] != "")]
    busy = set(others.loc[others["role"] == "primary", "worker_id"])
    for grid, row in enumerate(_records(own)):
        first, last = max(days[0], row["starts"]), days[1]
        last = last if pd.isna(row["ends"]) else min(last, row["ends"])
        named = _list_deputies(case, deputies, row["grid_code"], last)
        free = _list_free(case, grid, busy, last)
        beside = _list_beside(case, near, grid, row, (first, last), named)
        choices = sorted([*free, *beside])
        if not choices:
            yield _write_nobody(case, near, row, named, (first, last), lang)
            continue
        who = str(case.workers.index[choices[0].at])
        busy.add(who)
        near.add(Duty(row["grid_code"], first.date(), (last + _DAY).date(), who, row["households"]))
        yield _write_choice(case, row, grid, choices, (first, last), lang)


def _list_deputies(case: Case, deputies: pd.DataFrame, code: str, last: Any) -> list[int]:
    """List the deputies of a grid who are there until the last day."""
    some = deputies.loc[deputies["grid_code"] == code, "worker_id"]
    ends = case.workers["ends"]
    found = [at for at in case.workers.index.get_indexer(some) if at >= 0]
    return [at for at in found if pd.isna(ends.iloc[at]) or ends.iloc[at] >= last]


def _list_free(case: Case, grid: int, busy: set[str], last: Any) -> Iterator[_Choice]:
    """Yield the workers without a grid who may serve this one until the last day."""
    ends = case.workers["ends"]
    free = ~case.workers.index.isin(busy) & (ends.isna() | (ends >= last)).to_numpy()
    load = int(case.posts["households"].iloc[grid])
    for at in np.flatnonzero(free & np.isfinite(case.cost[:, grid])).tolist():
        yield _Choice(float(case.cost[at, grid]), at, "free", load)


def _list_beside(
    case: Case,
    near: Neighbours,
    grid: int,
    row: dict[str, Any],
    days: tuple[Any, Any],
    deputies: list[int],
) -> Iterator[_Choice]:
    """Yield those in a grid beside who can take this one along; that counts as a second grid."""
    weights = case.weights
    until = (days[1] + _DAY).date()
    for one in near.find(row["grid_code"], row["households"], days[0].date(), until):
        at = int(case.workers.index.get_loc(one.who))
        known = at in deputies
        price = float(case.cost[at, grid]) + weights.doubled - weights.change * known
        if np.isfinite(price):
            yield _Choice(price, at, "deputy" if known else "neighbour", one.load)


def _write_choice(
    case: Case,
    row: dict[str, Any],
    grid: int,
    choices: list[_Choice],
    days: tuple[Any, Any],
    lang: Language,
) -> dict[str, Any]:
    """Write the row of who stands in."""
    best = choices[0]
    words = {**_tell_days(row, days), "load": best.load, **_name(case, best.at, grid, lang)}
    return {
        **row,
        "worker_id": str(case.workers.index[best.at]),
        "starts": days[0],
        "ends": days[1],
        "load": best.load,
        "walk": float(case.walk[best.at, grid]),
        "way": WAYS[case.ways[best.at, grid]],
        "binding": "replacement",
        **_name_next(case, grid, choices, _TEXTS[best.told][lang].format(**words), lang),
    }


def _tell_days(row: dict[str, Any], days: tuple[Any, Any]) -> dict[str, Any]:
    return {"away": row["worker_id"], "begin": days[0].date(), "end": days[1].date()}


def _name(case: Case, at: int, grid: int, lang: Language) -> dict[str, Any]:
    """Return what the texts say of a worker."""
    return {
        "name": f"{case.workers['name'].iloc[at]}（{case.workers.index[at]}）",
        "walk": write_metres(float(case.walk[at, grid]), lang),
        "limit": int(case.workers["limit"].iloc[at]),
    }


def _name_next(
    case: Case, grid: int, choices: list[_Choice], reason: str, lang: Language
) -> dict[str, Any]:
    """Return the next best, if there is any, and what he would cost, and the reason with it."""
    if len(choices) < 2:
        return {"rival": "", "rival_walk": np.nan, "extra": np.nan, "reason": reason}
    one, extra = choices[1], choices[1].price - choices[0].price
    words = _name(case, one.at, grid, lang)
    text = _NEXT[lang].format(
        rival=words["name"],
        holds="" if one.told == "free" else _HOLDS[lang],
        walk=words["walk"],
        more=write_more(extra, lang),
    )
    return {
        "rival": str(case.workers.index[one.at]),
        "rival_walk": float(case.walk[one.at, grid]),
        "extra": extra,
        "reason": reason + text,
    }


def _write_nobody(
    case: Case,
    near: Neighbours,
    row: dict[str, Any],
    deputies: list[int],
    days: tuple[Any, Any],
    lang: Language,
) -> dict[str, Any]:
    """Write the row of days on which nobody can stand in, and why."""
    words = {**_tell_days(row, days), "households": row["households"]}
    told = "nobody"
    if deputies:
        who = str(case.workers.index[deputies[0]])
        until = (days[1] + _DAY).date()
        load = row["households"] + sum(near.list_own(who, days[0].date(), until).values())
        words |= {**_name(case, deputies[0], 0, lang), "load": load}
        told = "none" if load > words["limit"] else "apart"
    return {
        **row,
        "worker_id": "",
        "starts": days[0],
        "ends": days[1],
        "load": 0,
        "walk": np.nan,
        "way": "",
        "binding": "absence",
        "rival": "",
        "rival_walk": np.nan,
        "extra": np.nan,
        "reason": _TEXTS[told][lang].format(**words),
    }
