"""Who serves a grid, for the office: only with a key, and every look-up is recorded."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from api.access import Viewer, Worker, record, refuse_elsewhere
from api.dependencies import ONCE, UNKEPT, Day, PlanAt, TheShelf
from api.internal_models import (
    InternalGrid,
    InternalKey,
    InternalTasks,
    InternalVisited,
    InternalVisits,
)
from api.problems import PROBLEMS, ProblemError
from api.routes.grids import find_grid

router = APIRouter(
    prefix="/internal", tags=["internal"], responses=PROBLEMS, dependencies=[ONCE, UNKEPT]
)


GridCode = Annotated[str, Path(description="15 digits", max_length=40)]


@router.get("/key")
def get_key(caller: Worker) -> InternalKey:
    """Return what the key that is sent opens, and whose cases it is for."""
    return InternalKey(
        name=caller.name,
        role=caller.role.word,
        districts=list(caller.districts),
        worker_id=caller.worker_id,
    )


@router.get("/grids/{code}")
def get_internal_grid(
    caller: Viewer,
    request: Request,
    in_force: PlanAt,
    shelf: TheShelf,
    code: GridCode,
) -> InternalGrid:
    """Return a grid with its worker, deputies, party branches and liaisons on a day."""
    grid = find_grid(in_force.plan, code)
    refuse_elsewhere(caller, code)
    record(request, caller, "look-up", code, plan=in_force.plan.name)
    card = shelf.describe_staff(in_force, code, grid.community_id)
    return InternalGrid(
        code=code,
        name=grid.name,
        community_id=grid.community_id,
        community=grid.community,
        plan=in_force.plan.name,
        as_of=in_force.as_of,
        **card,
    )


@router.get("/grids/{code}/tasks")
def get_tasks(
    caller: Viewer,
    request: Request,
    in_force: PlanAt,
    shelf: TheShelf,
    code: GridCode,
) -> InternalTasks:
    """Return the ten duties of a grid's worker, each with what is in the grid."""
    grid = find_grid(in_force.plan, code)
    refuse_elsewhere(caller, code)
    record(request, caller, "look-at-tasks", code, plan=in_force.plan.name)
    contact = shelf.find_contact(in_force, code)
    return InternalTasks(
        code=code,
        name=grid.name,
        worker=contact.worker if contact else None,
        duties=shelf.describe_tasks(in_force, code),  # type: ignore[arg-type]  # pydantic checks it
        plan=in_force.plan.name,
        as_of=in_force.as_of,
    )


@router.get("/visits")
def get_visits(
    caller: Viewer,
    request: Request,
    in_force: PlanAt,
    shelf: TheShelf,
    starts: Annotated[Day, Query(alias="from", description="First day of the round.")],
    ends: Annotated[Day, Query(alias="to", description="Last day of the round.")],
    behind: Annotated[bool, Query(description="Only the grids that are behind.")] = False,
    community: Annotated[
        str | None, Query(description="Id or name of a community", max_length=100)
    ] = None,
) -> InternalVisits:
    """Return how far a round of visits is by the day of `at`, and who falls behind, as counts."""
    if ends < starts:
        detail = f"The round ends on {ends}, before it starts on {starts}."
        raise ProblemError(422, "bad-round", detail)
    grids = in_force.plan.grids
    rows = [
        row
        for row in shelf.describe_visits(in_force, starts, ends)
        if caller.covers(row["code"])
        and community in (None, grids[row["code"]].community_id, grids[row["code"]].community)
    ]
    record(request, caller, "look-at-visits", community or "", plan=in_force.plan.name)
    return InternalVisits(
        starts=starts,
        ends=ends,
        **_add_up(rows),
        grids=[
            InternalVisited(name=grid.name, community=grid.community, **_strip(row))
            for row in rows
            if row["behind"] or not behind
            for grid in [grids[row["code"]]]
        ],
        plan=in_force.plan.name,
        as_of=in_force.as_of,
    )


def _add_up(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Add up the grids of a round; more visited than there are count as all."""
    homes = sum(row["households"] for row in rows)
    visited = sum(row["visited"] for row in rows)
    known = sum(min(row["visited"], row["households"]) for row in rows)
    return {
        "expected": rows[0]["expected"] if rows else 0.0,
        "households": homes,
        "visited": visited,
        "coverage": round(100 * known / homes, 2) if homes else None,
        "behind": sum(row["behind"] for row in rows),
    }


def _strip(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without what the answer says once."""
    return {key: value for key, value in row.items() if key != "expected"}
