"""What no term covers is taken along, day by day, by a worker of a grid beside it."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import geopandas as gpd
import pandas as pd

from gridmap.plan import Plan
from gridmap.staff.case import measure_walks
from gridmap.staff.gaps import Duty, list_primaries
from gridmap.staff.reasons import Language, write_metres
from gridmap.staff.standins import Neighbour, Neighbours
from gridmap.staff.successions import Row, Year, write_gap
from gridmap.tables import WAYS

_DAY = timedelta(days=1)

_TAKES: dict[Language, str] = {
    "zh": "{begin}至{end}无接替人员，由相邻网格的{name}兼管，合计{load}户（上限{limit}户），"
    "步行{walk}",
    "en": "nobody follows from {begin} to {end}: {name}, who has a grid beside it, takes it along, "
    "{load} households together (limit {limit}), {walk} on foot",
}


class _Piece(NamedTuple):
    """Days of a gap until before another, and who takes the grid along, if anybody."""

    begin: date
    until: date
    by: Neighbour | None


def fill_gaps(
    plan: Plan, workers: gpd.GeoDataFrame, old: pd.DataFrame, rows: list[Row], year: Year
) -> list[Row]:
    """Return the rows of a calendar with its gaps filled where a neighbour may carry more.

    Parameters
    ----------
    plan, workers
        The grids, and `WORKERS`.
    old : DataFrame
        `STAFFING` without gaps, in force before.
    rows : list
        What is new, as `gridmap.staff.successions.write_chain` has it.
    year : Year
        The days.
    """
    gaps = [row for row in rows if not row["worker_id"]]
    held = [row for row in rows if row["worker_id"]]
    duties = [*list_primaries(old, year.start, year.last), *map(_take_duty, held)]
    near = Neighbours(plan, workers, year.rules, duties)
    filled = [new for row in gaps for new in _fill_gap(near, row, year)]
    _measure_fillers(plan, workers, filled, year)
    return [*held, *filled]


def _take_duty(row: Row) -> Duty:
    """Return a row of a calendar as a duty; its days are numpy days."""
    begin, end = row["starts"].item(), row["ends"].item()
    return Duty(row["grid_code"], begin, end + _DAY, row["worker_id"], row["households"])


def _fill_gap(near: Neighbours, row: Row, year: Year) -> Iterator[Row]:
    """Yield a gap's days in pieces, as somebody takes them along or nobody does."""
    gap, why = _take_duty(row), row.pop("why")
    for piece in _cut_gap(near, gap):
        end = piece.until - _DAY
        if piece.by is None:
            text = write_gap(piece.begin, end, why, year.lang)
            yield {**row, "starts": piece.begin, "ends": end, "reason": text}
            continue
        near.add(Duty(gap.code, piece.begin, piece.until, piece.by.who, gap.homes))
        yield {
            **row,
            "worker_id": piece.by.who,
            "starts": piece.begin,
            "ends": end,
            "load": piece.by.load,
            "binding": "doubled",
            "taken": piece.by,
        }


def _cut_gap(near: Neighbours, gap: Duty) -> list[_Piece]:
    """Cut a gap where somebody comes or leaves beside it; who has taken it stays if he can."""
    pieces: list[_Piece] = []
    for begin, until in pairwise(near.list_changes(gap.code, gap.starts, gap.until)):
        some = near.find(gap.code, gap.homes, begin, until)
        before = pieces[-1].by if pieces else None
        least = min(some, key=lambda one: (one.load, one.who), default=None)
        by = before if before in some else least
        first = pieces.pop().begin if pieces and by == before else begin
        pieces.append(_Piece(first, until, by))
    return pieces


def _measure_fillers(plan: Plan, workers: gpd.GeoDataFrame, rows: list[Row], year: Year) -> None:
    """Add the ways of those who take a grid along, and the reasons, in place."""
    taken = [row for row in rows if "taken" in row]
    if not taken:
        return
    people = workers.loc[sorted({row["worker_id"] for row in taken})]
    walks, ways = measure_walks(plan, people, year.rules)
    for row in taken:
        at, grid = (
            people.index.get_loc(row["worker_id"]),
            plan.grids.index.get_loc(row["grid_code"]),
        )
        one: Neighbour = row.pop("taken")
        words: dict[str, Any] = {
            "begin": row["starts"],
            "end": row["ends"],
            "name": f"{people['name'].iloc[at]}（{one.who}）",
            "load": one.load,
            "limit": one.limit,
            "walk": write_metres(float(walks[at, grid]), year.lang),
        }
        row |= {"walk": float(walks[at, grid]), "way": WAYS[ways[at, grid]]}
        row["reason"] = _TAKES[year.lang].format(**words)
