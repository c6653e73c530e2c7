"""The rows of a calendar: who follows whom in a post, who is next best, days without anybody."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.rules import Rules
from gridmap.staff.reasons import Language, write_metres, write_more
from gridmap.staff.terms import Terms
from gridmap.tables import WAYS

Floats = npt.NDArray[np.float64]
Row = dict[str, Any]

_DAY = np.timedelta64(1, "D")

_HANDOVER: dict[Language, str] = {
    "zh": "接替{who}，交接{shared}个工作日，步行{walk}",
    "en": "follows {who}, {shared} working days together, {walk} on foot",
}
_FILLS: dict[Language, str] = {
    "zh": "到岗补空缺，步行{walk}",
    "en": "comes to a vacant grid, {walk} on foot",
}
_INHERITS: dict[Language, str] = {
    "zh": "接替{who}，并接其代管，步行{walk}；代管不计入户数",
    "en": "follows {who}, as deputy too, {walk} on foot; standing in is not counted in his load",
}
_GAP: dict[Language, str] = {
    "zh": "{begin}至{end}无人：{why}",
    "en": "nobody from {begin} to {end}: {why}",
}
_WHY: dict[str, dict[Language, str]] = {
    "later": {
        "zh": "此前没有可到的人员，最早{who}于{end}次日到岗",
        "en": "nobody is free before; {who} is the first, the day after {end}",
    },
    "none": {
        "zh": "其后没有任期覆盖这些日子的人员",
        "en": "no free term covers these days",
    },
}
_RIVAL: dict[Language, str] = {
    "zh": "；次优{rival}，接续代价大致{more}",
    "en": "; next best {rival}, about {more}",
}


@dataclass(frozen=True)
class Year:
    """The days that are planned, and by what."""

    start: date
    last: date
    rules: Rules
    calendar: np.busdaycalendar
    lang: Language


@dataclass(frozen=True)
class _Before:
    """Who is in a post before somebody comes: himself a post's holder (row) or a term."""

    row: int
    who: str
    person: str
    end: Any


def write_chain(terms: Terms, at: int, chain: list[int], year: Year) -> Iterator[Row]:
    """Yield the rows of one post: terms with their hand-overs, stretches without anybody."""
    before = _Before(at, terms.holder[at], terms.person[at], terms.free[at])
    for term in chain:
        begin = _find_first_day(terms, term, before, year)
        if begin > before.end + _DAY:
            yield _write_gap(terms, at, before, begin - _DAY, term, year)
        yield _write_term(terms, at, term, begin, before, year)
        before = _Before(
            len(terms.codes) + term, terms.ids[term], terms.people[term], terms.ends[term]
        )
    if before.end < np.datetime64(year.last):
        yield _write_gap(terms, at, before, np.datetime64(year.last), -1, year)


def _find_first_day(terms: Terms, term: int, before: _Before, year: Year) -> Any:
    """Return the day on which a term comes to a post: early enough for a hand-over if it can."""
    handover = year.rules.staffing.handover
    early = before.end + _DAY
    if before.person != terms.people[term] and before.who and handover:
        early = np.busday_offset(before.end, 1 - handover, roll="backward", busdaycal=year.calendar)
    return max(terms.starts[term], early, np.datetime64(year.start))


def _write_term(terms: Terms, at: int, term: int, begin: Any, before: _Before, year: Year) -> Row:
    shared = np.busday_count(begin, before.end + _DAY, busdaycal=year.calendar)
    told = (_HANDOVER if before.who else _FILLS)[year.lang]
    where = int(terms.grid[at])
    words = {"who": before.who, "shared": max(int(shared), 0)}
    text = told.format(**words, walk=write_metres(float(terms.walk[term, where]), year.lang))
    return {
        **_write_plain(terms.codes[at], int(terms.households[at]), begin, terms.ends[term]),
        **_write_walk(terms, term, where),
        "worker_id": terms.ids[term],
        "load": int(terms.households[at]),
        "binding": "handover",
        "reason": text,
        "succession": (before.row, term),
    }


def _write_walk(terms: Terms, term: int, grid: int) -> Row:
    return {"walk": float(terms.walk[term, grid]), "way": WAYS[terms.ways[term, grid]]}


def _write_gap(terms: Terms, at: int, before: _Before, end: Any, term: int, year: Year) -> Row:
    named = terms.ids[term] if term >= 0 else before.who
    why = _WHY["later" if term >= 0 else "none"][year.lang].format(who=named, end=end)
    plain = _write_plain(terms.codes[at], int(terms.households[at]), before.end + _DAY, end)
    return {**plain, "reason": write_gap(before.end + _DAY, end, why, year.lang), "why": why}


def write_gap(begin: Any, end: Any, why: str, lang: Language) -> str:
    """Say that nobody is there on some days, and why."""
    return _GAP[lang].format(begin=begin, end=end, why=why)


def _write_plain(code: str, households: int, begin: Any, end: Any) -> Row:
    """Return a row of a grid without a worker."""
    return {
        "grid_code": code,
        "worker_id": "",
        "role": "primary",
        "starts": begin,
        "ends": end,
        "households": households,
        "load": 0,
        "walk": np.nan,
        "way": "",
        "binding": "term",
        "rival": "",
        "rival_walk": np.nan,
        "extra": np.nan,
        "reason": "",
    }


def name_rivals(
    terms: Terms, rows: list[Row], costs: Floats, reduced: Floats, lang: Language
) -> None:
    """Add the next best successor of each row and what he would cost, in place."""
    used = {row["succession"] for row in rows if "succession" in row}
    grid = dict(zip(terms.codes, terms.grid.tolist(), strict=True))
    for row in (row for row in rows if "succession" in row):
        before, term = row.pop("succession")
        price = np.where(np.isfinite(costs[before, :-1]), reduced[before], np.inf)
        price[term] = np.inf
        if before >= len(terms.codes):
            price[before - len(terms.codes)] = np.inf  # a term does not follow itself
        rival = int(price.argmin())
        if np.isfinite(price[rival]) and (before, rival) not in used:
            extra = max(float(price[rival]), 0.0)
            walk = float(terms.walk[rival, grid[row["grid_code"]]])
            row |= {"rival": terms.ids[rival], "extra": extra, "rival_walk": walk}
            row["reason"] += _RIVAL[lang].format(
                rival=terms.ids[rival], more=write_more(extra, lang)
            )


def hand_deputies_on(
    terms: Terms,
    chains: list[list[int]],
    deputies: pd.DataFrame,
    grids: pd.Index,
    year: Year,
) -> Iterator[Row]:
    """Yield the rows of those who become deputies with the post that they come to.

    Who stood in for another grid is followed in that as well, without a hand-over.
    """
    first = {who: at for at, who in reversed(list(enumerate(terms.holder))) if who}
    some = deputies[deputies["worker_id"].isin(first)]
    places = grids.get_indexer(pd.Index(some["grid_code"])).tolist()
    columns = (some[name].tolist() for name in ("grid_code", "households", "worker_id"))
    for where, code, households, who in zip(places, *columns, strict=True):
        plain = {**_write_plain(code, households, None, None), "role": "deputy"}
        yield from _inherit(terms, first[who], chains[first[who]], where, plain, year)


def _inherit(
    terms: Terms, at: int, chain: list[int], where: int, plain: Row, year: Year
) -> Iterator[Row]:
    """Yield the rows of those who come to a post, as deputies of another grid."""
    who, end = terms.holder[at], terms.free[at]
    for term in chain:
        walk = write_metres(float(terms.walk[term, where]), year.lang)
        yield {
            **plain,
            **_write_walk(terms, term, where),
            "worker_id": terms.ids[term],
            "starts": max(end + _DAY, terms.starts[term], np.datetime64(year.start)),
            "ends": terms.ends[term],
            "load": int(terms.households[at]),
            "binding": "handover",
            "reason": _INHERITS[year.lang].format(who=who, walk=walk),
        }
        end, who = terms.ends[term], terms.ids[term]
