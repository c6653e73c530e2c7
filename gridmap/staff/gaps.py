"""The days on which a grid, or a share of one that several workers share, has nobody."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from gridmap.plan import Plan
from gridmap.tables import STAFFING, check_table

_DAY = timedelta(days=1)


class Duty(NamedTuple):
    """A primary duty: from a day until the one after its last; nobody's where ``who`` is ""."""

    code: str
    starts: date
    until: date
    who: str
    homes: int


def find_gaps(plan: Plan, staffing: pd.DataFrame, start: date, last: date) -> pd.DataFrame:
    """List the days on which a grid, or a share of one that several workers share, has nobody.

    A day counts if those who hold the grid have fewer households together than it has, or if a
    share of it is a row without a worker.

    Returns
    -------
    DataFrame
        ``grid_code``, ``starts``, ``ends`` (both days without a worker), how many ``days``, and how
        many ``households`` have nobody on each of them.
    """
    check_table(staffing, STAFFING)
    duties: dict[str, list[Duty]] = {}
    for duty in list_primaries(staffing, start, last):
        duties.setdefault(duty.code, []).append(duty)
    found = [
        (code, begin, end, (end - begin).days + 1, homes)
        for code, whole in plan.grids["households"].items()
        for begin, end, homes in _find_stretches(duties.get(str(code), []), whole, start, last)
    ]
    frame = pd.DataFrame(found, columns=["grid_code", "starts", "ends", "days", "households"])
    kinds = {"starts": "datetime64[s]", "ends": "datetime64[s]", "days": "int64"}
    return frame.astype({"grid_code": "str", **kinds, "households": "int64"})


def list_primaries(staffing: pd.DataFrame, start: date, last: date) -> list[Duty]:
    """List the primary duties of some days."""
    rows = staffing[(staffing["role"] == "primary") & (staffing["starts"] <= pd.Timestamp(last))]
    rows = rows[rows["ends"].isna() | (rows["ends"] >= pd.Timestamp(start))]
    until = rows["ends"].fillna(pd.Timestamp(last)) + pd.Timedelta(days=1)
    days = [column.dt.date.tolist() for column in (rows["starts"], until)]
    columns = [rows[name].tolist() for name in ("grid_code", "worker_id", "households")]
    return [
        Duty(code, starts, ends, who, homes)
        for code, starts, ends, who, homes in zip(columns[0], *days, *columns[1:], strict=True)
    ]


def _find_stretches(
    duties: list[Duty], whole: int, start: date, last: date
) -> Iterator[tuple[date, date, int]]:
    """Yield the stretches of days on which households of a grid have nobody, and how many."""
    days = {start, last + _DAY}
    days |= {day for one in duties for day in (one.starts, one.until) if start < day <= last}
    stretches: list[tuple[date, date, int]] = []
    for begin, end in pairwise(sorted(days)):
        missing = _count_missing([one for one in duties if one.starts <= begin < one.until], whole)
        if missing is None:
            continue
        goes_on = stretches and stretches[-1][1:] == (begin - _DAY, missing)
        first = stretches.pop()[0] if goes_on else begin
        stretches.append((first, end - _DAY, missing))
    yield from stretches


def _count_missing(there: list[Duty], whole: int) -> int | None:
    """Return how many households have nobody, None where everybody is served.

    During a hand-over two workers have one share, so a share that is said to be vacant counts
    whatever the others add up to. A grid without households needs somebody too.
    """
    held = [one.homes for one in there if one.who]
    vacant = sum(one.homes for one in there if not one.who and one.homes < whole)
    missing = max(whole - sum(held), vacant if held else 0)
    return missing if missing > 0 or not held else None
