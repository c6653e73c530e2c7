"""Who serves a grid, for the office: only with a key, and every look-up is recorded."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.access import Viewer, record, refuse_elsewhere
from api.dependencies import ONCE, PlanAt, TheShelf
from api.internal_models import InternalGrid
from api.problems import PROBLEMS
from api.routes.grids import find_grid

router = APIRouter(prefix="/internal", tags=["internal"], responses=PROBLEMS, dependencies=[ONCE])


@router.get("/grids/{code}")
def get_internal_grid(
    caller: Viewer,
    request: Request,
    response: Response,
    in_force: PlanAt,
    shelf: TheShelf,
    code: Annotated[str, Path(description="15 digits", max_length=40)],
) -> InternalGrid:
    """Return a grid with its worker, deputies, party branches and liaisons on a day."""
    grid = find_grid(in_force.plan, code)
    refuse_elsewhere(caller, code)
    record(request, caller, "look-up", code, plan=in_force.plan.name)
    card = shelf.describe_staff(in_force, code, grid.community_id)
    response.headers["Cache-Control"] = "no-store"
    return InternalGrid(
        code=code,
        name=grid.name,
        community_id=grid.community_id,
        community=grid.community,
        plan=in_force.plan.name,
        as_of=in_force.as_of,
        **card,
    )
