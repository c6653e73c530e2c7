"""When each duty is in breach: computed in advance, shifted by pauses; and who is told when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gridmap.errors import CaseError
from gridmap.incident_rules import DUTIES, LEVELS, Incidents
from gridmap.incidents.calendar import add_working, count_working
from gridmap.incidents.model import Case


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody is to be told of a case.

    Parameters
    ----------
    at : datetime
        From when on.
    kind : str
        ``reminder`` before the breach, ``breach`` from it on.
    level : str
        One of `gridmap.incident_rules.LEVELS`.
    case_id : int
        The case.
    duty : str
        What is to be done.
    due : datetime
        When it is, or was, in breach.
    grid_code, worker_id, community_id : str
        Whom the level means.
    """

    at: datetime
    kind: str
    level: str
    case_id: int
    duty: str
    due: datetime
    grid_code: str
    worker_id: str
    community_id: str


def breach_times(reported_at: datetime, rules: Incidents, category: str) -> dict[str, datetime]:
    """Return when each duty of a case is in breach if nothing is done until then.

    Raises
    ------
    CaseError
        If there is no such category.
    CalendarError
        If a working clock runs beyond the years of the calendar.

    Examples
    --------
    >>> saturday = datetime.fromisoformat("2022-12-10T09:00+08:00")
    >>> for duty, due in breach_times(saturday, Incidents(), "市容环境").items():
    ...     print(duty, due.strftime("%a %H:%M"))
    inspect Sat 12:00
    resolve Sun 09:00
    answer Sun 21:00
    accept Mon 09:00
    """
    check_category(category, rules)
    hours, clock = rules.hours_of(category), rules.clock_of(category)
    return {duty: _add(reported_at, hours[duty], clock, rules) for duty in DUTIES}


def check_category(category: str, rules: Incidents) -> None:
    """Refuse a category that the rules do not name."""
    if category not in rules.categories:
        known = ", ".join(rules.categories)
        raise CaseError(f"no category {category!r}; there are {known}")


def renew_times(case: Case, done: str, at: datetime, rules: Incidents) -> dict[str, datetime]:
    """Return the breach times that change because a duty is done: those behind it.

    With the anchor ``report`` none does. With ``stage`` each later duty has its own hours from
    now.
    """
    if rules.anchor == "report":
        return {}
    hours, clock = rules.hours_of(case.category), rules.clock_of(case.category)
    later = DUTIES[DUTIES.index(done) + 1 :]
    return {duty: _add(at, hours[duty] - hours[done], clock, rules) for duty in later}


def shift_times(case: Case, until: datetime, rules: Incidents) -> dict[str, datetime]:
    """Return the breach times after a pause: those that lay ahead when it began move by it."""
    paused = case.suspended_at
    if paused is None:
        return {}
    ahead = {duty: due for duty in DUTIES if (due := getattr(case, f"due_{duty}")) > paused}
    if rules.clock_of(case.category) == "wall":
        return {duty: due + (until - paused) for duty, due in ahead.items()}
    lost = count_working(paused, until, rules)
    return {duty: add_working(due, lost, rules) for duty, due in ahead.items()}


def extend_times(case: Case, hours: float, rules: Incidents) -> dict[str, datetime]:
    """Return the breach times after an extension: the duties that are not done get the hours."""
    clock = rules.clock_of(case.category)
    open_duties = [duty for duty in DUTIES if getattr(case, f"done_{duty}") is None]
    return {duty: _add(getattr(case, f"due_{duty}"), hours, clock, rules) for duty in open_duties}


def _add(start: datetime, hours: float, clock: str, rules: Incidents) -> datetime:
    if clock == "wall":
        return start + timedelta(hours=hours)
    return add_working(start, hours, rules)


def list_notices(case: Case, rules: Incidents) -> list[Notice]:
    """Return who is to be told of a case and when, if nothing is done: reminders, then levels.

    Examples
    --------
    A case that nobody inspects within three hours: the worker at 11:00 and 12:00, the community at
    14:00, the street at 18:00, the district at midnight.
    """
    due, duty = case.next_due, case.next_duty
    if due is None or duty is None:
        return []
    times = [
        *((-hours, "reminder", LEVELS[0]) for hours in sorted(rules.remind, reverse=True)),
        *((hours, "breach", level) for hours, level in zip(rules.escalate, LEVELS, strict=True)),
    ]
    people = (case.grid_code, case.worker_id, case.community_id)
    return [
        Notice(due + timedelta(hours=hours), kind, level, case.case_id, duty, due, *people)
        for hours, kind, level in times
    ]


def find_notices(
    cases: Iterable[Case], rules: Incidents, *, now: datetime, since: datetime | None = None
) -> list[Notice]:
    """List what is to be told by now, the longest breach first.

    Parameters
    ----------
    cases : iterable of Case
        Whose clocks are read.
    rules : Incidents
        When who is told.
    now : datetime
        The moment.
    since : datetime, optional
        Every notice that came due after it; without it, the last one of each case.
    """
    found: list[Notice] = []
    for case in cases:
        told = [notice for notice in list_notices(case, rules) if notice.at <= now]
        found += told[-1:] if since is None else [one for one in told if one.at > since]
    return sorted(found, key=lambda notice: (notice.due, notice.case_id, notice.at))


def to_changes(times: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return breach times by the names that they have in a case."""
    return {f"due_{duty}": due for duty, due in times.items()}
