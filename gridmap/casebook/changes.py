"""The command screen: every open case in a few numbers each, and what changed since a moment.

A row of a case is a list: number, longitude, latitude, category, stage, breach time of the next
duty (milliseconds since 1970, or None where the clock stands), grid code. 20,000 of them are read
without making a `Case` of each.

Changes are read from the log by the moment at which they were written. Two processes may commit in
another order than they wrote, so whoever follows reads a little of what he has seen again
(`OVERLAP`) and knows a change by its case and version.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Select, func, select, type_coerce

from gridmap.casebook.lists import CaseQuery, find_cases, in_areas
from gridmap.casebook.schema import cases, entries
from gridmap.incidents.model import Case

#: How long a change may take from its moment to where others see it.
OVERLAP = timedelta(seconds=5)
#: Changes that are read at once.
MOST = 5_000
_RUNNING = ("open", "suspended")
_ROW = (
    cases.c.case_id,
    cases.c.lon,
    cases.c.lat,
    cases.c.category,
    cases.c.stage,
    type_coerce(cases.c.next_due, BigInteger).label("due"),
    cases.c.grid_code,
)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a case.

    Parameters
    ----------
    at : datetime
        When it was written, or when the clock ran out.
    kind : str
        ``opened``, ``stepped`` or ``breached``.
    case_id, version : int
        Which case, and which entry of its log; of a breach the entry before it.
    action : str
        What was done; of a breach "".
    standing : str
        Of the case as it stands now.
    row : list
        The case as it stands now.
    """

    at: datetime
    kind: str
    case_id: int
    version: int
    action: str
    standing: str
    row: list[Any]


@dataclass(frozen=True, slots=True)
class Screen:
    """What a command screen shows at a moment.

    Parameters
    ----------
    at : datetime
        The moment; changes are followed from it.
    totals : dict of (category, stage, clock) to int
        Clock is ``overdue``, ``soon`` (within the hours), ``fine`` or ``paused``.
    rows : list of list
        Every case that is open or suspended.
    urgent : list of Case
        Those whose clock runs out first, or ran out longest ago.
    opened, closed : int
        Cases reported, and cases that ended, since the day began.
    """

    at: datetime
    totals: dict[tuple[str, str, str], int]
    rows: list[list[Any]]
    urgent: list[Case]
    opened: int
    closed: int


def read_screen(
    connection: Connection,
    now: datetime,
    *,
    since: datetime,
    soon: float,
    areas: Sequence[str] = (),
    most: int = 20,
) -> Screen:
    """Return what a command screen shows.

    Parameters
    ----------
    connection : Connection
        The casebook.
    now, since : datetime
        The moment, and when the day began.
    soon : float
        Hours before a breach from which on it is soon.
    areas : sequence of str
        Beginnings of grid codes; all without one.
    most : int
        How many are named as urgent.
    """
    statement: Select[Any] = select(*_ROW).where(cases.c.standing.in_(_RUNNING))
    if areas:
        statement = statement.where(in_areas(areas))
    rows = [list(row) for row in connection.execute(statement.order_by(cases.c.case_id))]
    limits = (to_milliseconds(now), to_milliseconds(now + timedelta(hours=soon)))
    totals = Counter((row[3], row[4], _read_clock(row[5], *limits)) for row in rows)
    query = CaseQuery(standings=("open",), areas=tuple(areas))
    return Screen(
        now,
        dict(sorted(totals.items())),
        rows,
        find_cases(connection, query, limit=most),
        _count(connection, areas, cases.c.reported_at >= since),
        _count(connection, areas, cases.c.standing == "closed", cases.c.updated_at >= since),
    )


def find_changes(
    connection: Connection, since: datetime, until: datetime, *, areas: Sequence[str] = ()
) -> list[Change]:
    """Return what was written and which clocks ran out from a moment on, in the order of time.

    Parameters
    ----------
    connection : Connection
        The casebook.
    since, until : datetime
        From (included) to (excluded); what was written is read up to now, whatever `until`.
    areas : sequence of str
        Beginnings of grid codes; all without one.
    """
    own = [in_areas(areas)] if areas else []
    lines = (
        select(entries.c.recorded_at, entries.c.action, entries.c.version, cases.c.standing, *_ROW)
        .join(cases, cases.c.case_id == entries.c.case_id)
        .where(entries.c.recorded_at >= since, *own)
        .order_by(entries.c.recorded_at, entries.c.case_id, entries.c.version)
        .limit(MOST + 1)
    )
    breaches = (
        select(cases.c.next_due, cases.c.version, cases.c.standing, *_ROW)
        .where(cases.c.standing == "open", *own)
        .where(cases.c.next_due >= since, cases.c.next_due < until)
        .order_by(cases.c.next_due, cases.c.case_id)
        .limit(MOST + 1)
    )
    written = [_tell_line(row) for row in connection.execute(lines)]
    broken = [_tell_breach(row) for row in connection.execute(breaches)]
    return sorted([*written, *broken], key=lambda change: (change.at, change.case_id))


def _tell_line(row: Row[Any]) -> Change:
    at, action, version, standing, *told = tuple(row)
    kind = "opened" if action == "open" else "stepped"
    return Change(at, kind, told[0], version, action, standing, told)


def _tell_breach(row: Row[Any]) -> Change:
    at, version, standing, *told = tuple(row)
    return Change(at, "breached", told[0], version, "", standing, told)


def to_milliseconds(moment: datetime) -> int:
    """Return a moment as screens count it: milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def _read_clock(due: int | None, now: int, soon: int) -> str:
    if due is None:
        return "paused"
    if due < now:
        return "overdue"
    return "soon" if due < soon else "fine"


def _count(connection: Connection, areas: Sequence[str], *conditions: Any) -> int:
    own = [in_areas(areas)] if areas else []
    statement = select(func.count()).select_from(cases).where(*conditions, *own)
    return connection.execute(statement).scalar_one()
