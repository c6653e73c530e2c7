"""What a case is, and what is written down of it: frozen values, without storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gridmap.errors import CaseError

#: What has been done of a case, in order: 发现, 查验, 解决, 反馈, 验收.
STAGES = ("found", "inspected", "resolved", "answered", "accepted")
STAGE_NAMES = {
    "found": "发现",
    "inspected": "查验",
    "resolved": "解决",
    "answered": "反馈",
    "accepted": "验收",
}
#: Whether the clock of a case runs: 在办, 挂账, 办结, 撤回.
STANDINGS = ("open", "suspended", "closed", "withdrawn")
#: Who acts: a citizen, the grid worker, community, street, district, a department's liaison.
ROLES = ("reporter", "worker", "community", "street", "district", "department")
#: Where a case comes from.
SOURCES = ("citizen", "worker", "hotline", "sensor", "department", "import", "open311")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something.

    Parameters
    ----------
    role : str
        One of `ROLES`.
    name : str
        Id of the account, worker or device; never a citizen's name.
    department : str
        Of a liaison.
    """

    role: str
    name: str = ""
    department: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise CaseError(f"no role {self.role!r}; choose one of {', '.join(ROLES)}")
        if self.role == "department" and not self.department:
            raise CaseError("an actor of a department names the department")


@dataclass(frozen=True, slots=True)
class Location:
    """Where it is: a point in a named datum, an address, or both."""

    lon: float | None = None
    lat: float | None = None
    datum: str = "wgs84"
    address: str = ""

    def __post_init__(self) -> None:
        if (self.lon is None) != (self.lat is None):
            raise CaseError(f"longitude is {self.lon} and latitude {self.lat}: give both")
        if self.lon is None and not self.address.strip():
            raise CaseError("no location: give longitude and latitude, an address, or both")


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reported it: kept apart from the case, erased in time."""

    name: str = ""
    phone: str = ""
    email: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What is told of an incident.

    Parameters
    ----------
    category : str
        A name in ``rules.incidents.categories``.
    location : Location
        Where it is.
    description : str
        In the reporter's words.
    source : str
        One of `SOURCES`.
    reporter : Reporter, optional
        Who reports it.
    reported_at : datetime, optional
        With its zone; now by default.
    department : str
        Who answers for it; the category's department by default.
    """

    category: str
    location: Location
    description: str = ""
    source: str = "citizen"
    reporter: Reporter | None = None
    reported_at: datetime | None = None
    department: str = ""

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise CaseError(f"no source {self.source!r}; choose one of {', '.join(SOURCES)}")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a location lies, and who answers there.

    Parameters
    ----------
    lon, lat : float, optional
        WGS-84.
    address : str
        As it was given.
    grid_code, runner_up : str
        The grid and the next one, or "".
    match : str
        As `gridmap.Owner.match`; ``none`` also where an address was not found.
    border, distance : float, optional
        Metres to the border of the grid, and outside of the territory.
    community_id, worker_id : str
        Of the grid, or "".
    flag : str
        What does not fit: the point and the address disagree, the address was not found.
    """

    lon: float | None
    lat: float | None
    address: str = ""
    grid_code: str = ""
    match: str = "none"
    border: float | None = None
    distance: float | None = None
    runner_up: str = ""
    community_id: str = ""
    worker_id: str = ""
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands after `version` entries of its log.

    Times have a zone. ``due`` holds the breach time of each duty, ``done`` when it was done.
    """

    case_id: int
    version: int
    source: str
    category: str
    department: str
    description: str
    stage: str
    standing: str
    lon: float | None
    lat: float | None
    address: str
    grid_code: str
    match: str
    border: float | None
    distance: float | None
    runner_up: str
    community_id: str
    worker_id: str
    flag: str
    plan: str
    reported_at: datetime
    updated_at: datetime
    due_inspect: datetime
    due_resolve: datetime
    due_answer: datetime
    due_accept: datetime
    done_inspect: datetime | None = None
    done_resolve: datetime | None = None
    done_answer: datetime | None = None
    done_accept: datetime | None = None
    suspended_at: datetime | None = None
    duplicate_of: int | None = None
    hops: int = 1  #: grids and departments that it has been sent to, the first one included

    @property
    def next_duty(self) -> str | None:
        """What is to be done next; None when nothing is."""
        return NEXT_DUTY.get(self.stage) if self.standing in ("open", "suspended") else None

    @property
    def next_due(self) -> datetime | None:
        """When the next duty is in breach; None where no clock runs."""
        duty = self.next_duty if self.standing == "open" else None
        return getattr(self, f"due_{duty}") if duty else None


#: Stage -> the duty that follows it.
NEXT_DUTY = {
    "found": "inspect",
    "inspected": "resolve",
    "resolved": "answer",
    "answered": "accept",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a case's log; it is never changed.

    Parameters
    ----------
    case_id, version : int
        The case, and which line it is, from 1.
    at : datetime
        When it was done.
    action : str
        A key of `gridmap.incidents.stages.TRANSITIONS`, or ``open``.
    actor : Actor
        Who did it.
    note : str
        In words: the 民情日志.
    facts : mapping
        What belongs to the action: hours granted, departments called, the reason of a refusal.
    changes : mapping
        Field of `Case` -> its new value.
    """

    case_id: int
    version: int
    at: datetime
    action: str
    actor: Actor
    note: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody wants to do with a case.

    Parameters
    ----------
    action : str
        A key of `gridmap.incidents.stages.TRANSITIONS`.
    actor : Actor
        Who.
    note : str
        In words; needed for a refusal, a suspension, a return and a withdrawal.
    at : datetime, optional
        When, with its zone; now by default.
    hours : float, optional
        Of an extension.
    departments : tuple of str
        Whom a whistle calls; one for arriving, replying, refusing and rerouting.
    grid_code : str
        Another grid, of a reroute.
    location : Location, optional
        Where the pin is moved to.
    reason : str
        Of a refusal: ``jurisdiction``, another grid's (the runner-up is called), or ``duty``,
        another department's.
    duplicate_of : int, optional
        The case that this one repeats.
    """

    action: str
    actor: Actor
    note: str = ""
    at: datetime | None = None
    hours: float | None = None
    departments: tuple[str, ...] = ()
    grid_code: str = ""
    location: Location | None = None
    reason: str = ""
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True)
class Whistle:
    """A department that was called to a case (吹哨报到).

    ``hop`` numbers the calls of a case from 1; ``state`` is called, arrived, answered or refused.
    """

    case_id: int
    hop: int
    department: str
    grid_code: str
    community_id: str
    post: str
    liaison: str
    phone: str
    state: str
    called_at: datetime
    arrived_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str = ""


@dataclass(frozen=True, slots=True)
class PublicCase:
    """What anybody may see of a case: no position, no words of a reporter, nobody's name."""

    case_id: int
    category: str
    department: str
    stage: str
    standing: str
    grid_code: str
    reported_at: datetime
    updated_at: datetime
    expected_at: datetime


def hide_case(case: Case) -> PublicCase:
    """Return what anybody may see of a case."""
    return PublicCase(
        case.case_id,
        case.category,
        case.department,
        case.stage,
        case.standing,
        case.grid_code,
        case.reported_at,
        case.updated_at,
        case.due_accept,
    )


def settle_moment(moment: datetime | None) -> datetime:
    """Return a moment in UTC to the millisecond; now by default.

    Raises
    ------
    CaseError
        If it has no zone.

    Examples
    --------
    >>> settle_moment(datetime.fromisoformat("2022-12-10T09:00:00.1234567+08:00")).isoformat()
    '2022-12-10T01:00:00.123000+00:00'
    """
    moment = moment or datetime.now(UTC)
    if moment.tzinfo is None:
        raise CaseError(f"{moment.isoformat()} has no zone; write +08:00 behind it")
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
