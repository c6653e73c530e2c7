"""Who owns a place: one grid, and how surely."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from api.access import AnyCaller
from api.answers import answer_batch, answer_place
from api.batch_way import may_be_one, name_kind, respond
from api.dependencies import ONCE, DatumBeside, PlanAt, settle_place
from api.models import LocateAnswer, LocateBatch, Place, PointBatch
from api.problems import PROBLEMS, ProblemError, describe_problem
from api.shelf import InForce
from gridmap.batches import ARROW, CSV, JSON, MEDIA_TYPES

router = APIRouter(tags=["locate"], responses=PROBLEMS, dependencies=[ONCE])
_ANSWER = {"model": LocateAnswer}
_NO_STORE = {"Cache-Control": "no-store"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TEXT = {"schema": {"type": "string"}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {"anyOf": [Place.model_json_schema(), PointBatch.model_json_schema()]}
            },
            CSV: _TEXT,
            ARROW: _BINARY,
        },
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": LocateAnswer | LocateBatch, "content": {CSV: _TEXT, ARROW: _BINARY}},
    415: describe_problem(415),
}


@router.get("/locate", response_class=JSONResponse, responses={200: _ANSWER})
def locate(place: Annotated[Place, Query()], in_force: PlanAt) -> Response:
    """Find the one grid that owns a place.

    A place outside every grid is an answer too: its match is ``none``. Where a proxy on the way
    writes addresses into a log, send the place in a body instead (POST).
    """
    return _answer(place, in_force)


@router.post("/locate", response_class=JSONResponse, responses=_ANSWERS, openapi_extra=_BODY)
async def locate_privately(
    request: Request,
    caller: AnyCaller,
    in_force: PlanAt,
    datum: DatumBeside = None,
) -> Response:
    """Find the grids that own a place, or each of up to 10,000; they are in no log.

    With a key, other than a grid worker's, it is up to 1,000,000 at once. JSON: ``{"lon": 122.2,
    "lat": 40.6}`` for one; ``{"lon": […], "lat": […]}`` or ``{"points": [[lon, lat], …]}`` for
    many. CSV with a header, or an Arrow IPC stream: every column comes back, and the answers beside
    them. The answer is of the kind that was sent.
    Another datum than WGS-84 is named once: in the query, as ``"datum"`` in JSON, or in a column
    ``datum``.
    """
    kind = name_kind(request.headers.get("content-type", JSON))
    if kind not in MEDIA_TYPES:
        raise ProblemError(415, "unknown-type", f"Send {', '.join(MEDIA_TYPES)}; not {kind}.")
    body = await request.body()
    if may_be_one(body, kind):
        given = _read_json(body)
        if not _is_batch(given):
            return _answer(settle_place(_read_place(given), datum), in_force)
    answers = await run_in_threadpool(answer_batch, in_force, body, kind, datum, caller)
    return respond(answers, kind)


def _answer(place: Place, in_force: InForce) -> Response:
    body = answer_place(in_force, place.lon, place.lat, place.datum)
    return Response(body, media_type=JSON, headers=_NO_STORE)


def _read_json(body: bytes) -> Any:
    """Read JSON.

    Raises
    ------
    RequestValidationError
        As FastAPI does, where it is none.
    ProblemError
        If more is inside one another than can be read.
    """
    try:
        return json.loads(body)
    except RecursionError as error:
        detail = "The body is nested too deep to be read; send a place, or a list of points."
        raise ProblemError(400, "bad-request", detail) from error
    except ValueError as error:
        place = getattr(error, "pos", 0)
        wrong = {"type": "json_invalid", "loc": ("body", place), "msg": "JSON decode error"}
        raise RequestValidationError([wrong]) from error


def _is_batch(given: Any) -> bool:
    return isinstance(given, dict) and ("points" in given or isinstance(given.get("lon"), list))


def _read_place(given: Any) -> Place:
    """Read one place.

    Raises
    ------
    RequestValidationError
        With the parameters that are wrong, and without their values.
    """
    try:
        return Place.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError(
            [{**one, "loc": ("body", *one["loc"])} for one in found]
        ) from None
