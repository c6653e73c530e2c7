"""Lists of cases: by who has to act, nearest breach first; counts; cases that may be the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any

from pyproj import Geod
from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, or_, select

from gridmap.casebook.rows import CASE_COLUMNS, read_case
from gridmap.casebook.schema import cases, whistles
from gridmap.errors import CaseError
from gridmap.incidents.desk import Shared
from gridmap.incidents.model import Case, settle_moment

_EARTH = Geod(ellps="WGS84")
_METRES_A_DEGREE = 110_574.0  # of latitude at the equator, where a degree is shortest
#: Orders of a list: nearest breach first (paused and ended cases last), or the latest first.
ORDERS = ("due", "latest")
#: What cases may be counted by.
COUNTED = ("category", "department", "stage", "standing", "source", "grid_code", "community_id")


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Which cases are asked for; what is not named is not asked.

    Parameters
    ----------
    standings, stages, categories : tuple of str
        Any of them.
    grid_code : str
        A grid, or the beginning of its code: 210802 is a district.
    areas : tuple of str
        Beginnings of grid codes, any of them: what somebody is responsible for.
    worker_id, community_id : str
        Who serves it.
    shared : tuple of (str, tuple of str)
        Grids that the worker serves with others, each with all who do
        (`gridmap.incidents.desk.Desk.shared`): their cases there count as his.
    department : str
        Who answers for it, or was called to it and has neither answered nor refused.
    box : (west, south, east, north), optional
        Degrees, WGS-84.
    reported_from, reported_to, updated_from : datetime, optional
        From (included) and to (excluded).
    overdue_at : datetime, optional
        Cases whose next duty is in breach at that moment.
    flagged : bool
        Only those with something that does not fit.
    text : str
        Part of the description or of the address.
    """

    standings: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    grid_code: str = ""
    areas: tuple[str, ...] = ()
    worker_id: str = ""
    shared: Shared = ()
    community_id: str = ""
    department: str = ""
    box: tuple[float, float, float, float] | None = None
    reported_from: datetime | None = None
    reported_to: datetime | None = None
    updated_from: datetime | None = None
    overdue_at: datetime | None = None
    flagged: bool = False
    text: str = ""


def find_cases(
    connection: Connection,
    query: CaseQuery,
    *,
    order: str = "due",
    limit: int = 100,
    offset: int = 0,
) -> list[Case]:
    """Return the cases that a query asks for, in one of `ORDERS`."""
    statement = select(*CASE_COLUMNS).where(*_conditions(query)).order_by(*_order_by(order))
    return [read_case(row) for row in connection.execute(statement.limit(limit).offset(offset))]


def walk_cases(connection: Connection, query: CaseQuery, size: int = 1000) -> Iterator[Case]:
    """Give all cases that a query asks for, by number, without holding them all."""
    last = 0
    while True:
        statement = select(*CASE_COLUMNS).where(cases.c.case_id > last, *_conditions(query))
        rows = connection.execute(statement.order_by(cases.c.case_id).limit(size)).all()
        yield from map(read_case, rows)
        if len(rows) < size:
            return
        last = rows[-1].case_id


def count_cases(connection: Connection, by: Sequence[str], query: CaseQuery) -> dict[Any, int]:
    """Count cases by columns: their values -> how many; one column gives plain values."""
    unknown = [name for name in by if name not in COUNTED]
    if unknown or not by:
        raise CaseError(f"can't count by {', '.join(unknown) or 'nothing'}: {', '.join(COUNTED)}")
    columns = [cases.c[name] for name in by]
    statement: Select[Any] = select(*columns, func.count()).where(*_conditions(query))
    rows = connection.execute(statement.group_by(*columns).order_by(*columns)).all()
    return {row[0] if len(by) == 1 else tuple(row[:-1]): row[-1] for row in rows}


def find_similar(
    connection: Connection,
    category: str,
    lon: float,
    lat: float,
    at: datetime,
    *,
    radius: float,
    hours: float,
) -> list[tuple[Case, float]]:
    """Return cases that may be the same, with their metres, the nearest first.

    They are of the category, not withdrawn, and were reported within the hours before or after.
    """
    if radius <= 0 or hours <= 0:
        return []
    high = radius / _METRES_A_DEGREE
    wide = high / max(cos(radians(abs(lat) + high)), 1e-6)
    moment, span = settle_moment(at), timedelta(hours=hours)
    statement = select(*CASE_COLUMNS).where(
        cases.c.category == category,
        cases.c.lat.between(lat - high, lat + high),
        cases.c.lon.between(lon - wide, lon + wide),
        cases.c.reported_at.between(moment - span, moment + span),
        cases.c.standing != "withdrawn",
    )
    found = [read_case(row) for row in connection.execute(statement)]
    pairs = [(case, _measure(case, lon, lat)) for case in found]
    near = [pair for pair in pairs if pair[1] <= radius]
    return sorted(near, key=lambda pair: (pair[1], pair[0].case_id))


def _measure(case: Case, lon: float, lat: float) -> float:
    _, _, metres = _EARTH.inv(case.lon, case.lat, lon, lat)
    return float(metres)


def _conditions(query: CaseQuery) -> list[ColumnElement[bool]]:
    table = cases.c
    several = (
        (table.standing, query.standings),
        (table.stage, query.stages),
        (table.category, query.categories),
    )
    found: list[ColumnElement[bool]] = [column.in_(values) for column, values in several if values]
    if query.worker_id:
        found.append(_serves(query.worker_id, query.shared))
    if query.community_id:
        found.append(table.community_id == query.community_id)
    if query.grid_code:
        found.append(table.grid_code.startswith(query.grid_code, autoescape=True))
    if query.areas:
        found.append(in_areas(query.areas))
    if query.text:
        words = (table.description, table.address)
        found.append(or_(*(column.contains(query.text, autoescape=True) for column in words)))
    if query.department:
        found.append(_concerns(query.department))
    if query.flagged:
        found.append(table.flag != "")
    return found + _limits(query)


def in_areas(areas: Sequence[str]) -> ColumnElement[bool]:
    """Say that a case's grid code begins with one of these."""
    return or_(*(cases.c.grid_code.startswith(area, autoescape=True) for area in areas))


def _limits(query: CaseQuery) -> list[ColumnElement[bool]]:
    table = cases.c
    found: list[ColumnElement[bool]] = []
    if query.box is not None:
        west, south, east, north = query.box
        found += [table.lon.between(west, east), table.lat.between(south, north)]
    if query.reported_from is not None:
        found.append(table.reported_at >= settle_moment(query.reported_from))
    if query.reported_to is not None:
        found.append(table.reported_at < settle_moment(query.reported_to))
    if query.updated_from is not None:
        found.append(table.updated_at >= settle_moment(query.updated_from))
    if query.overdue_at is not None:
        found.append(table.next_due < settle_moment(query.overdue_at))
    return found


def _serves(worker_id: str, shared: Shared) -> ColumnElement[bool]:
    """Say that a case is a worker's, as `gridmap.incidents.desk.Desk.is_of` does of one."""
    table = cases.c
    theirs = (and_(table.grid_code == grid, table.worker_id.in_(team)) for grid, team in shared)
    return or_(table.worker_id == worker_id, *theirs)


def _concerns(department: str) -> ColumnElement[bool]:
    """Say that a department answers for a case, or was called and has not answered."""
    waiting = exists().where(
        whistles.c.case_id == cases.c.case_id,
        whistles.c.department == department,
        whistles.c.state.in_(("called", "arrived")),
    )
    return or_(cases.c.department == department, waiting)


def _order_by(order: str) -> tuple[ColumnElement[Any], ...]:
    if order not in ORDERS:
        raise CaseError(f"order is {order!r}; choose {' or '.join(ORDERS)}")
    if order == "latest":
        return (cases.c.reported_at.desc(), cases.c.case_id.desc())
    return (cases.c.next_due.is_(None), cases.c.next_due, cases.c.case_id)
