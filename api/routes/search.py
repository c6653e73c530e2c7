"""What a person means by what he types: a code, a name, an address, a position."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from api.dependencies import ONCE, UNKEPT, PlanAt, TheShelf
from api.models import FoundPlace, GridRef, SearchAnswer, Wanted
from api.problems import PROBLEMS
from api.shelf import InForce, Shelf
from gridmap.search import Place

router = APIRouter(tags=["search"], responses=PROBLEMS, dependencies=[ONCE, UNKEPT])


@router.get("/search")
def search(wanted: Annotated[Wanted, Query()], in_force: PlanAt, shelf: TheShelf) -> SearchAnswer:
    """Find grids, communities, street offices, compounds, streets and buildings, the best first.

    By any part of a code from its beginning or end, by name, by address with its usual
    abbreviations and a wrong or missing character, by pinyin or its initials, or ``lon,lat``. Where
    a proxy on the way writes addresses into a log, send it in a body instead (POST).
    """
    return _answer(wanted, in_force, shelf)


@router.post("/search")
def search_privately(
    wanted: Annotated[Wanted, Body()], in_force: PlanAt, shelf: TheShelf
) -> SearchAnswer:
    """Find the same; what is searched for is in no address and so in no log."""
    return _answer(wanted, in_force, shelf)


def _answer(wanted: Wanted, in_force: InForce, shelf: Shelf) -> SearchAnswer:
    found = shelf.search(in_force, wanted.q, wanted.limit)
    return SearchAnswer(
        results=[tell_place(one.place) for one in found],
        plan=in_force.plan.name,
        as_of=in_force.as_of,
    )


def tell_place(place: Place) -> FoundPlace:
    """Say of a place what the public may know."""
    return FoundPlace(
        grid=GridRef(code=place.grid_code, name=place.grid_name) if place.grid_code else None,
        **list_fields(place),
    )


def list_fields(place: Place) -> dict[str, Any]:
    """Return what the public and the office are told of a place alike."""
    return {
        "kind": place.kind,
        "code": place.code,
        "name": place.name,
        "address": place.address,
        "community": place.community or None,
        "street": place.street or None,
        "lon": place.lon,
        "lat": place.lat,
        "score": place.score,
        "hint": place.hint or None,
        "missing": place.missing or None,
        "sure": place.sure,
    }
