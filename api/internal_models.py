"""What the office is told. These types are none of the public ones, and share nothing with them.

They are answered under /internal only, to callers with a key (`api.access`).
"""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field


class Internal(BaseModel):
    """An answer for the office."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    plan: str
    as_of: date
