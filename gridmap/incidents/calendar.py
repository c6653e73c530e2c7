"""Working time in China: weekends, holidays, and the make-up days (调休) of each year."""

from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache

import chinese_calendar

from gridmap.errors import CalendarError
from gridmap.incident_rules import Incidents

_DAY = timedelta(days=1)


def is_workday(day: date, rules: Incidents) -> bool:
    """Say whether people work on a day.

    Raises
    ------
    CalendarError
        If the holidays of its year are not known: they are announced in the autumn before.

    Examples
    --------
    >>> is_workday(date(2022, 12, 10), Incidents()), is_workday(date(2023, 1, 28), Incidents())
    (False, True)
    """
    text = day.isoformat()
    if text in rules.workdays:
        return True
    if text in rules.holidays:
        return False
    return _ask_calendar(day, rules)


def _ask_calendar(day: date, rules: Incidents) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError as error:
        year = day.isoformat()[:4]
        if any(named[:4] == year for named in (*rules.holidays, *rules.workdays)):
            return day.weekday() < 5
        raise CalendarError(
            f"the holidays of {year} are not known: update the package chinesecalendar, or name "
            "them in incidents.holidays and incidents.workdays"
        ) from error


def add_working(start: datetime, hours: float, rules: Incidents) -> datetime:
    """Return when so many working hours after a moment are over; a wait for work counts nothing.

    Raises
    ------
    CalendarError
        If that goes beyond the years of the calendar.

    Examples
    --------
    >>> friday = datetime.fromisoformat("2022-12-09T17:00+08:00")
    >>> add_working(friday, 4, Incidents()).isoformat()
    '2022-12-12T11:30:00+08:00'
    """
    zone = rules.zone
    moment, left = start.astimezone(zone), timedelta(hours=hours)
    while True:
        for opens, end in _spans(moment.date(), rules):
            begin = max(opens, moment)
            if begin + left <= end and begin < end:
                return (begin + left).astimezone(start.tzinfo)
            left -= max(end - begin, timedelta())
        moment = datetime.combine(moment.date() + _DAY, time(), zone)


def count_working(start: datetime, end: datetime, rules: Incidents) -> float:
    """Return the working hours between two moments.

    Examples
    --------
    >>> moments = [datetime.fromisoformat(f"2022-12-{day}+08:00") for day in ("09T17", "12T10")]
    >>> count_working(*moments, Incidents())
    2.5
    """
    zone = rules.zone
    day, total = start.astimezone(zone).date(), timedelta()
    while day <= end.astimezone(zone).date():
        for begin, close in _spans(day, rules):
            total += max(min(close, end) - max(begin, start), timedelta())
        day += _DAY
    return total / timedelta(hours=1)


def _spans(day: date, rules: Incidents) -> tuple[tuple[datetime, datetime], ...]:
    """Return the working time of a day."""
    return _work_on(day, rules.hours, rules.zone) if is_workday(day, rules) else ()


@lru_cache(maxsize=4096)
def _work_on(
    day: date, hours: tuple[tuple[str, str], ...], zone: timezone
) -> tuple[tuple[datetime, datetime], ...]:
    return tuple(
        (
            datetime.combine(day, time.fromisoformat(begin), zone),
            datetime.combine(day, time.fromisoformat(end), zone),
        )
        for begin, end in hours
    )
