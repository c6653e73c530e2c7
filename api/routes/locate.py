"""Who owns a place: one grid, and how surely."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import JSONResponse

from api.answers import answer_place
from api.dependencies import PlanAt
from api.models import LocateAnswer, Place
from api.problems import PROBLEMS
from api.shelf import InForce

router = APIRouter(tags=["locate"], responses=PROBLEMS)
_ANSWER = {"model": LocateAnswer}


@router.get("/locate", response_class=JSONResponse, responses={200: _ANSWER})
def locate(place: Annotated[Place, Query()], in_force: PlanAt) -> Response:
    """Find the one grid that owns a place.

    A place outside every grid is an answer too: its match is ``none``. Where a proxy on the way
    writes addresses into a log, send the place in a body instead (POST).
    """
    return _answer(place, in_force)


@router.post("/locate", response_class=JSONResponse, responses={200: _ANSWER})
def locate_privately(place: Annotated[Place, Body()], in_force: PlanAt) -> Response:
    """Find the one grid that owns a place; the place is in no address and so in no log."""
    return _answer(place, in_force)


def _answer(place: Place, in_force: InForce) -> Response:
    body = answer_place(in_force, place.lon, place.lat, place.datum)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
