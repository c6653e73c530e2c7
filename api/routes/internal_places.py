"""Whom to send to a place, and what stands at an address, for dispatchers; each is recorded.

The record says who asked and which grid was the answer, never the place or the words: they may be
where a citizen lives.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request

from api.access import Caller, Dispatcher, record, refuse_elsewhere
from api.answers import find_hint, put_on_map, tell_metres
from api.dependencies import ONCE, UNKEPT, DatumBeside, PlanAt, TheShelf, settle_place
from api.internal_models import (
    InternalFound,
    InternalOwner,
    InternalPosition,
    InternalRef,
    InternalSearch,
)
from api.models import Place, Wanted
from api.problems import PROBLEMS
from api.routes.search import list_fields
from api.shelf import InForce, Shelf
from gridmap.locate import Owner
from gridmap.search import Found

router = APIRouter(
    prefix="/internal", tags=["internal"], responses=PROBLEMS, dependencies=[ONCE, UNKEPT]
)
_NOBODY: dict[str, Any] = {
    "worker": None,
    "others": [],
    "deputies": [],
    "branches": [],
    "liaisons": [],
    "contacts": [],
}


@dataclass(frozen=True)
class Enquiry:
    """Who asks about which plan."""

    caller: Caller
    request: Request
    in_force: InForce
    shelf: Shelf


async def take_enquiry(
    caller: Dispatcher, request: Request, in_force: PlanAt, shelf: TheShelf
) -> Enquiry:
    """Take an enquiry; so quick that it needs no thread."""
    return Enquiry(caller, request, in_force, shelf)


Asked = Annotated[Enquiry, Depends(take_enquiry)]


@router.get("/locate")
def locate_internally(asked: Asked, place: Annotated[Place, Query()]) -> InternalOwner:
    """Find the grid that owns a place, with its worker, branches and liaisons on a day."""
    return _locate(asked, place)


@router.post("/locate")
def locate_internally_and_privately(
    asked: Asked, place: Annotated[Place, Body()], datum: DatumBeside = None
) -> InternalOwner:
    """Find the same; the place is in no address and so in no log."""
    return _locate(asked, settle_place(place, datum))


@router.get("/search")
def search_internally(asked: Asked, wanted: Annotated[Wanted, Query()]) -> InternalSearch:
    """Find what `/search` does in the caller's districts, with households and whom to call."""
    return _search(asked, wanted)


@router.post("/search")
def search_internally_and_privately(
    asked: Asked, wanted: Annotated[Wanted, Body()]
) -> InternalSearch:
    """Find the same; what is searched for is in no address and so in no log."""
    return _search(asked, wanted)


def _locate(asked: Enquiry, place: Place) -> InternalOwner:
    in_force, caller = asked.in_force, asked.caller
    plan = in_force.plan
    owner = plan.locator.locate(place.lon, place.lat, datum=place.datum)
    code = owner.grid_code
    if code:
        refuse_elsewhere(caller, code)
    record(asked.request, caller, "locate", code or "", plan=plan.name)
    card = _NOBODY
    if code:
        card = asked.shelf.describe_staff(in_force, code, plan.grids[code].community_id)
    return InternalOwner(**_tell_owner(owner, place, in_force), **card)


def _tell_owner(owner: Owner, place: Place, in_force: InForce) -> dict[str, Any]:
    plan = in_force.plan
    grid = plan.grids[owner.grid_code] if owner.grid_code else None
    hint = find_hint(owner, plan)
    shown = put_on_map(place.lon, place.lat, place.datum)
    return {
        "grid": _refer(owner.grid_code, in_force),
        "community": grid.community if grid else None,
        "street": grid.street if grid else None,
        "match": owner.match,
        "border_m": tell_metres(owner.border_m),
        "distance_m": tell_metres(owner.distance_m),
        "runner_up": _refer(owner.runner_up, in_force),
        "hint": hint.text if hint else None,
        "place": InternalPosition(lon=shown[0], lat=shown[1]) if shown else None,
        "plan": plan.name,
        "as_of": in_force.as_of,
    }


def _search(asked: Enquiry, wanted: Wanted) -> InternalSearch:
    in_force, shelf = asked.in_force, asked.shelf
    found = shelf.search(in_force, wanted.q, wanted.limit, covers=asked.caller.covers)
    grids = sorted({one.place.grid_code for one in found} - {""})
    record(asked.request, asked.caller, "search", grids=grids, plan=in_force.plan.name)
    results = [_tell_found(one, in_force, shelf) for one in found]
    return InternalSearch(results=results, plan=in_force.plan.name, as_of=in_force.as_of)


def _tell_found(found: Found, in_force: InForce, shelf: Shelf) -> InternalFound:
    place = found.place
    contact = shelf.find_contact(in_force, place.grid_code) if place.grid_code else None
    return InternalFound(
        **list_fields(place),
        grid=_refer(place.grid_code, in_force),
        households=found.households,
        worker=contact.worker if contact else None,
        phone=contact.office_phone or None if contact else None,
    )


def _refer(code: str | None, in_force: InForce) -> InternalRef | None:
    return InternalRef(code=code, name=in_force.plan.grids[code].name) if code else None
