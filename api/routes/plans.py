"""What was published, what is in force, and whether the service is well."""

from fastapi import APIRouter, Request

from api import VERSION
from api.dependencies import ONCE, PlanAt, TheShelf
from api.models import Health, PlanAnswer, PlanRow
from api.problems import PROBLEMS
from api.shelf import InForce, Published, Shelf
from gridmap.errors import PlanNotFoundError

router = APIRouter(tags=["plans"], responses=PROBLEMS, dependencies=[ONCE])


@router.get("/plans")
def list_plans(request: Request, shelf: TheShelf) -> list[PlanRow]:
    """List what was published, by first day.

    Households are told of the plan in force only, as the sum of what is told of its grids: from a
    full total, the count that is hidden for one grid could be computed.
    """
    counts, current = shelf.count_grids(), _find_current(request, shelf)
    return [
        PlanRow(
            name=row.name,
            valid_from=row.valid_from,
            grids=counts[row.name],
            in_force=row == current,
        )
        for row in shelf.publications()
    ]


def _find_current(request: Request, shelf: Shelf) -> Published | None:
    try:
        return shelf.find(request.app.state.today())
    except PlanNotFoundError:
        return None


@router.get("/plans/in-force")
def get_plan_in_force(in_force: PlanAt) -> PlanAnswer:
    """Describe the plan in force on a day."""
    return _describe_plan(in_force)


@router.get("/health")
def get_health(request: Request, shelf: TheShelf) -> Health:
    """Say whether a plan is in force and can be read; a damaged one is a problem, status 503."""
    try:
        in_force = shelf.in_force(request.app.state.today())
    except PlanNotFoundError:
        return Health(status="no-plan", version=VERSION, plan=None)
    return Health(status="ok", version=VERSION, plan=_describe_plan(in_force))


def _describe_plan(in_force: InForce) -> PlanAnswer:
    """Say what the public is told of a plan as a whole."""
    plan = in_force.plan
    told = [grid.households for grid in plan.grids.values() if grid.households is not None]
    return PlanAnswer(
        name=plan.name,
        valid_from=in_force.published.valid_from,
        as_of=in_force.as_of,
        grids=len(plan.grids),
        households=sum(told),
        hidden_grids=len(plan.grids) - len(told),
        communities=len(plan.layers["communities"].ids),
        target=plan.rules.target,
        band=plan.rules.band,
        min_cell=plan.rules.min_cell,
        near_border=plan.rules.near_border,
        bbox=plan.bbox,
    )
