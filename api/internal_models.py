"""What the office is told. These types are none of the public ones, and share nothing with them.

They are answered under /internal only, to callers with a key (`api.access`).
"""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Internal(BaseModel):
    """An answer for the office."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class InternalKey(Internal):
    """What a key opens; the key itself is nowhere."""

    name: str
    role: str = Field(description="worker, viewer, dispatcher, planner or admin.")
    districts: list[str] = Field(description="Beginnings of the codes it is for; none: all.")
    worker_id: str = Field(description="Whose cases a worker's key is for, or empty.")


class InternalWorker(Internal):
    """Who serves a grid."""

    worker_id: str
    name: str
    kind: str = Field(description="community, cadre, recruit or part_time.")
    phone: str


class InternalBranch(Internal):
    """A party branch that covers a grid."""

    branch_id: str
    name: str
    kind: str = Field(description="grid, divided or joint.")
    grids: int
    members: int | None = Field(description="Null where there are fewer than may be told.")
    secretary: str = Field(description="Name, or empty where it is vacant.")


class InternalLiaison(Internal):
    """Who answers for a department in the grid's community."""

    department: str
    post: str
    name: str
    phone: str


class InternalContact(Internal):
    """A leader or a unit that helps the grid's community or a branch of the grid."""

    contact_id: str
    kind: str = Field(description="leader or unit.")
    name: str


class InternalGrid(Internal):
    """A grid and everybody who serves it on a day."""

    code: str
    name: str
    community_id: str
    community: str
    worker: InternalWorker | None = Field(description="The primary worker; null: vacant.")
    others: list[InternalWorker] = Field(
        description="Further primary workers: of the other shares of a grid that is too large for "
        "one, or who hands it over."
    )
    deputies: list[InternalWorker]
    branches: list[InternalBranch]
    liaisons: list[InternalLiaison]
    contacts: list[InternalContact]
    plan: str
    as_of: date


class InternalTask(Internal):
    """Something in a grid that its worker looks after."""

    subject: str = Field(description="What it is: households, shops, hydrants, elderly_alone …")
    amount: int
    task: str = Field(description="In words, as it was kept.")


class InternalDuty(Internal):
    """One of the ten basic duties, with what the grid asks for."""

    duty_id: int
    name: str
    english: str
    tasks: list[InternalTask]


class InternalTasks(Internal):
    """The task list of a grid's worker."""

    code: str
    name: str
    worker: str | None = Field(description="Name of the primary worker; null: vacant.")
    duties: list[InternalDuty]
    plan: str
    as_of: date


class InternalVisited(Internal):
    """How far the round of visits is in a grid, as counts."""

    code: str
    name: str
    community: str
    worker: str | None
    households: int
    visits: int
    visited: int = Field(description="Households visited in the round.")
    coverage: float | None = Field(description="Per cent; null for a grid without households.")
    band: str = Field(description="full, good, fair or none.")
    short: int = Field(description="Households behind the pace.")
    behind: bool
    last: date | None = Field(description="Day of the last visit.")
    problem: str


class InternalVisits(Internal):
    """A round of visits in the caller's districts, the grids that are furthest behind first."""

    starts: date
    ends: date
    expected: float = Field(description="Per cent that the pace of the round asks for by now.")
    households: int
    visited: int
    coverage: float | None
    behind: int = Field(description="Grids that are behind.")
    grids: list[InternalVisited]
    plan: str
    as_of: date


class InternalPosition(Internal):
    """A place in WGS-84."""

    lon: float
    lat: float


class InternalRef(Internal):
    """A grid by code and name."""

    code: str
    name: str


class InternalOwner(Internal):
    """The one grid that owns a place, how surely, and whom to send."""

    grid: InternalRef | None = Field(description="Null where no grid is near.")
    community: str | None
    street: str | None
    match: str = Field(description="inside, border, nearest or none; as in /locate.")
    border_m: float | None
    distance_m: float | None
    runner_up: InternalRef | None
    hint: str | None = Field(description="What to ask, or what may be wrong with the place.")
    place: InternalPosition | None
    worker: InternalWorker | None = Field(description="The primary worker; null: vacant.")
    others: list[InternalWorker]
    deputies: list[InternalWorker]
    branches: list[InternalBranch]
    liaisons: list[InternalLiaison]
    contacts: list[InternalContact]
    plan: str
    as_of: date


class InternalFound(Internal):
    """Something that was found, how many households it has, and whom to call."""

    kind: str = Field(description="As in /search.")
    code: str
    name: str
    address: str
    grid: InternalRef | None
    community: str | None
    street: str | None
    lon: float
    lat: float
    score: float
    hint: str | None
    missing: str | None = Field(description="As in /search.")
    sure: bool = Field(description="As in /search.")
    households: int = Field(description="Of a grid, community, compound or building; else 0.")
    worker: str | None = Field(description="Name of its grid's primary worker.")
    phone: str | None = Field(description="The worker's office phone.")


class InternalSearch(Internal):
    """What was found in the caller's districts, the best first."""

    results: list[InternalFound]
    plan: str
    as_of: date
