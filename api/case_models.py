"""Cases in answers and bodies. What the public is told, and what the office is, share no type."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from api.internal_models import Internal
from api.models import Public
from gridmap.datum import DATUMS
from gridmap.incidents.model import STAGE_NAMES, Location, Reporter

#: 发现, 查验, 解决, 反馈, 验收; the same words as in the casebook.
Stage = Literal["found", "inspected", "resolved", "answered", "accepted"]
Standing = Literal["open", "suspended", "closed", "withdrawn"]
Role = Literal["worker", "community", "street", "district", "department"]
assert get_args(Stage) == tuple(STAGE_NAMES)


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a character that no text has (NUL)")
    return text


Text = Annotated[str, AfterValidator(_refuse_nul)]
#: A number of a case; larger ones no database has.
Number = Annotated[int, Field(ge=1, le=2**53)]
Name = Annotated[Text, Field(max_length=80)]
Words = Annotated[Text, Field(max_length=2000)]


class CategoryAnswer(Public):
    """A kind of incident."""

    name: str = Field(description="What reports name it by; also its Chinese name.")
    english: str
    department: str = Field(description="Who answers for it.")
    clock: Literal["wall", "working"] = Field(description="Whether nights and holidays count.")
    hours: dict[str, float] = Field(
        description="Hours from the report until inspect, resolve, answer and accept are due."
    )


class LocationBody(BaseModel):
    """Where it is: a point in a named datum, an address, or both."""

    model_config = ConfigDict(extra="forbid")

    lon: float | None = Field(None, allow_inf_nan=False)
    lat: float | None = Field(None, allow_inf_nan=False)
    datum: Text = Field("wgs84", max_length=20, description=" | ".join(DATUMS))
    address: Text = Field("", max_length=200)

    def to_location(self) -> Location:
        """Return it as the casebook has it.

        Raises
        ------
        CaseError
            If there is neither a point nor an address.
        """
        return Location(self.lon, self.lat, self.datum, self.address)


class ReporterBody(BaseModel):
    """Who reports it: kept apart from the case, told nobody, erased in time."""

    model_config = ConfigDict(extra="forbid")

    name: Text = Field("", max_length=80)
    phone: Text = Field("", max_length=40)

    def to_reporter(self) -> Reporter | None:
        """Return it as the casebook has it; None where nothing is told."""
        return Reporter(self.name, self.phone) if self.name or self.phone else None


class ReportBody(BaseModel):
    """A report of an incident."""

    model_config = ConfigDict(extra="forbid")

    category: Text = Field(max_length=80, description="A name of GET /categories.")
    location: LocationBody
    description: Words = ""
    reporter: ReporterBody | None = None
    source: Literal["citizen", "worker", "hotline", "sensor", "department"] = Field(
        "citizen",
        description="worker needs a grid worker's key or a dispatcher's, hotline, sensor and "
        "department a dispatcher's.",
    )


class CasePublic(Public):
    """What anybody may see of a case: no position, no words, nobody's name."""

    case_id: int
    category: str
    department: str
    stage: Stage
    standing: Standing
    grid_code: str = Field(description="Empty where it is in no grid.")
    reported_at: datetime
    updated_at: datetime
    expected_at: datetime = Field(description="When it is to be accepted at the latest.")


class CaseOpened(CasePublic):
    """A case that was opened just now, or by the same request before."""

    next_due: datetime | None = Field(description="When the next stage is in breach.")
    flag: str = Field(description="What does not fit: point and address lie apart, and the like.")
    receipt: str = Field(
        description="By it the reporter reads this case, adds photos, accepts or returns it. It is "
        "kept nowhere else, and can't be given again."
    )


class ReceiptAnswer(CasePublic):
    """What a reporter may see of his own case."""

    next_due: datetime | None
    stages: dict[str, datetime | None] = Field(description="Stage -> when it was reached.")
    actions: list[str] = Field(description="What the reporter may do now.")
    photos: int


class SimilarCase(Public):
    """A case that a report may repeat: nothing that says what or where it is."""

    category: str
    stage: Stage
    standing: Standing
    metres: int = Field(description="From the place that was asked about, to ten metres.")
    hours: int = Field(description="Since it was reported.")


class SimilarAnswer(Public):
    """Cases that a report may repeat, the nearest first."""

    cases: list[SimilarCase]


class CaseCount(Public):
    """Open cases of a category in a grid."""

    grid_code: str
    category: str
    cases: int | None = Field(description="Null where there are fewer than may be told.")


class CaseMap(Public):
    """Open cases by grid and category; never where they are."""

    counts: list[CaseCount]
    min_cell: int = Field(description="Smaller counts are not told.")


class ReceiptStep(BaseModel):
    """What a reporter does with his own case."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["withdraw", "accept", "return", "move"]
    note: Words = Field("", description="Needed for a return: what is not done.")
    location: LocationBody | None = Field(None, description="Of a move.")


class PhotoAnswer(Public):
    """A photo was taken in."""

    case_id: int
    photos: int = Field(description="How many the case has now.")


class InternalCase(Internal):
    """A case as it stands, for the office; who reported it is asked for apart."""

    case_id: int
    version: int = Field(description="To be named in a step, so that nobody is overtaken unseen.")
    source: str
    category: str
    department: str
    description: str
    stage: Stage
    standing: Standing
    lon: float | None = Field(description="WGS-84.")
    lat: float | None
    address: str
    grid_code: str
    match: str
    border: float | None = Field(description="Metres to the border of the grid.")
    distance: float | None = Field(description="Metres outside the territory.")
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
    done_inspect: datetime | None
    done_resolve: datetime | None
    done_answer: datetime | None
    done_accept: datetime | None
    suspended_at: datetime | None
    duplicate_of: int | None
    hops: int
    next_duty: str | None
    next_due: datetime | None


class InternalCases(Internal):
    """A page of cases."""

    cases: list[InternalCase]
    total: int = Field(description="How many the filters let through.")
    limit: int
    offset: int
    now: datetime = Field(description="The moment by which time left is counted.")
    soon: float = Field(description="Hours before a breach from which it is soon.")


class InternalEntry(Internal):
    """A line of a case's log."""

    version: int
    at: datetime
    action: str
    role: str
    actor: str
    department: str
    note: str
    facts: dict[str, Any]
    changes: dict[str, Any]


class InternalWhistle(Internal):
    """A department that was called (吹哨报到)."""

    hop: int
    department: str
    grid_code: str
    community_id: str
    post: str
    liaison: str
    phone: str
    state: Literal["called", "arrived", "answered", "refused"]
    called_at: datetime
    arrived_at: datetime | None
    answered_at: datetime | None
    answer: str


class InternalDuplicate(Internal):
    """A case that this one may repeat."""

    case_id: int
    stage: Stage
    standing: Standing
    reported_at: datetime
    metres: float


class InternalPhoto(Internal):
    """A photo of a case; the file is at GET /cases/{case_id}/photos/{number}."""

    number: int
    added_at: datetime
    width: int
    height: int
    size: int
    hint: tuple[float, float] | None = Field(description="Where the camera said it was, WGS-84.")


class InternalDossier(Internal):
    """Everything of a case but who reported it."""

    case: InternalCase
    log: list[InternalEntry]
    whistles: list[InternalWhistle]
    actions: dict[str, list[str]] = Field(
        description="As whom the caller may act -> what can be done now."
    )
    duplicates: list[InternalDuplicate]
    photos: list[InternalPhoto]
    reporter_known: bool


class InternalReporter(Internal):
    """Who reported a case; every look is recorded."""

    case_id: int
    name: str
    phone: str
    email: str


class StepBody(BaseModel):
    """A step of a case, and what it needs."""

    model_config = ConfigDict(extra="forbid")

    action: Text = Field(max_length=20, description="One of the case's actions.")
    version: int = Field(ge=1, le=2**31 - 1, description="Of the case as the caller saw it.")
    role: Role | None = Field(
        None, description="As whom; community for a dispatcher's key, district above, by default."
    )
    worker_id: Name = Field("", description="With role worker: who; the key's name by default.")
    department: Name = Field("", description="With role department: whose liaison.")
    note: Words = ""
    at: AwareDatetime | None = Field(None, description="When it was done; now by default.")
    hours: float | None = Field(None, allow_inf_nan=False, le=10_000, description="Extension.")
    departments: list[Name] = Field([], max_length=30, description="Whistle, reroute.")
    grid_code: Text = Field("", max_length=20, description="Reroute.")
    location: LocationBody | None = Field(None, description="Move.")
    reason: Literal["", "jurisdiction", "duty"] = Field("", description="Refusal.")
    duplicate_of: Number | None = Field(None, description="Merge.")


class InternalNotice(Internal):
    """Somebody is to be told of a case."""

    at: datetime
    kind: Literal["reminder", "breach"]
    level: Literal["worker", "community", "street", "district"]
    case_id: int
    duty: str
    due: datetime
    grid_code: str
    worker_id: str
    community_id: str


class InternalFigures(Internal):
    """Figures of cases, for the office; small counts are not hidden."""

    cases: int
    on_time: list[dict[str, Any]] = Field(description="By group and duty: decided, on_time, rate.")
    loads: list[dict[str, Any]] = Field(description="By worker: open, overdue, suspended, closed.")
    dispatch: dict[str, float | int | None] = Field(
        description="first_right: share that stayed where it was first sent; hops; returned."
    )
    repeats: list[dict[str, Any]] = Field(description="Places to which a category comes back.")
    hot_spots: dict[str, Any] | None = Field(
        description="Grids where cases gather, or stay away, more than by chance, as GeoJSON; null "
        "without PySAL."
    )


class ClockCount(Internal):
    """Running cases of a category at a stage, by how their clocks stand."""

    category: str
    stage: Stage
    overdue: int
    soon: int = Field(description="In breach within the hour of the reminder.")
    fine: int
    paused: int


class UrgentCase(Internal):
    """A case whose clock runs out soonest, or ran out longest ago."""

    case_id: int
    category: str
    department: str
    stage: Stage
    duty: str
    due: datetime
    grid_code: str
    community_id: str
    worker_id: str


class InternalScreen(Internal):
    """What a command screen shows at a moment."""

    version: int = Field(description="Last-Event-ID to follow the changes from here on.")
    now: int = Field(description="Milliseconds since 1970.")
    soon: float = Field(description="Hours before a breach from which it is soon.")
    opened: int = Field(description="Cases reported today.")
    closed: int = Field(description="Cases accepted today.")
    totals: list[ClockCount]
    urgent: list[UrgentCase]
    columns: list[str] = Field(description="What stands where in a row of cases.")
    cases: list[list[int | float | str | None]] = Field(
        description="Every case that is open or suspended; due in milliseconds since 1970, null "
        "where the clock stands."
    )
