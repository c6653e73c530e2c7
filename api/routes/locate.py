"""Who owns a place: one grid, and how surely."""

import math
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response

from api.dependencies import PlanAt
from api.models import GridRef, Hint, LocateAnswer, Place, Position
from api.problems import PROBLEMS
from api.shelf import InForce, ServedPlan
from gridmap.datum import DATUMS, to_wgs84
from gridmap.locate import Owner

router = APIRouter(tags=["locate"], responses=PROBLEMS)


@router.get("/locate")
def locate(place: Annotated[Place, Query()], in_force: PlanAt, response: Response) -> LocateAnswer:
    """Find the one grid that owns a place.

    A place outside every grid is an answer too: its match is ``none``. Where a proxy on the way
    writes addresses into a log, send the place in a body instead (POST).
    """
    return _answer(place, in_force, response)


@router.post("/locate")
def locate_privately(
    place: Annotated[Place, Body()], in_force: PlanAt, response: Response
) -> LocateAnswer:
    """Find the one grid that owns a place; the place is in no address and so in no log."""
    return _answer(place, in_force, response)


def _answer(place: Place, in_force: InForce, response: Response) -> LocateAnswer:
    response.headers["Cache-Control"] = "no-store"
    plan = in_force.plan
    owner = plan.locator.locate(place.lon, place.lat, datum=place.datum)
    return _describe(owner, place, in_force)


def _describe(owner: Owner, place: Place, in_force: InForce) -> LocateAnswer:
    plan = in_force.plan
    grid = plan.grids[owner.grid_code] if owner.grid_code else None
    return LocateAnswer(
        grid_code=owner.grid_code,
        name=grid.name if grid else None,
        community=grid.community if grid else None,
        street=grid.street if grid else None,
        households=grid.households if grid else None,
        match=owner.match,  # type: ignore[arg-type]  # pydantic checks that it is one of the four
        border_m=_tell_metres(owner.border),
        distance_m=_tell_metres(owner.distance),
        runner_up=_refer(owner.runner_up, plan),
        hint=_find_hint(owner, place, plan),
        place=_put_on_map(place),
        plan=plan.name,
        as_of=in_force.as_of,
    )


def _put_on_map(place: Place) -> Position | None:
    """Return where a map shows a place; None where it is not on Earth as it stands."""
    if abs(place.lon) > 180 or abs(place.lat) > 90:
        return None
    lon, lat = to_wgs84(place.lon, place.lat, place.datum)
    return Position(lon=round(float(lon), 7), lat=round(float(lat), 7))


def _find_hint(owner: Owner, place: Place, plan: ServedPlan) -> Hint | None:
    """Say what to ask about a place near a border, or what may be wrong with one outside."""
    if owner.match == "border":
        text = f"{owner.border:.1f} m from the border of the grid: ask on which side."
        return Hint(code="border", text=text)
    if owner.match == "nearest":
        text = f"{owner.distance:.1f} m outside the territory: this is the nearest grid."
        return Hint(code="nearest", text=text)
    if owner.match == "none":
        return _suspect(place, plan)
    return None


def _suspect(place: Place, plan: ServedPlan) -> Hint:
    """Look whether a place that is in no grid would be in one if it was read otherwise."""
    if _is_inside(plan, place.lat, place.lon, place.datum):
        return Hint(code="swapped", text="Longitude and latitude look exchanged.")
    for datum in DATUMS:
        if _is_inside(plan, place.lon, place.lat, datum):
            text = f"It would lie in a grid if its datum was {datum}."
            return Hint(code="datum", text=text, datum=datum)
    return Hint(code="outside", text=f"No grid within {plan.rules.nearest:g} m.")


def _is_inside(plan: ServedPlan, lon: float, lat: float, datum: str) -> bool:
    if abs(lat) > 90:
        return False
    return plan.locator.locate(lon, lat, datum=datum).match in ("inside", "border")


def _tell_metres(metres: float) -> float | None:
    return round(metres, 1) if math.isfinite(metres) else None


def _refer(code: str | None, plan: ServedPlan) -> GridRef | None:
    return GridRef(code=code, name=plan.grids[code].name) if code else None
