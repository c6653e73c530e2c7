"""Parameters, parsed once; routes get values."""

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from pydantic import BeforeValidator

from api.models import Place
from api.ogc import check_once
from api.shelf import InForce, Shelf
from gridmap.datum import settle_datum
from gridmap.geojson import Bbox

if TYPE_CHECKING:
    from gridmap import Casebook
else:  # it comes late, and a database's driver with it; FastAPI makes none, and asks for no more
    Casebook = Any


def parse_day(text: Any) -> Any:
    """Read a day as YYYY-MM-DD and nothing else; a number would be taken for seconds since 1970.

    Raises
    ------
    ValueError
        If it is not a day of the calendar.
    """
    if isinstance(text, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("not a day; write it as YYYY-MM-DD")
    return text


Day = Annotated[date, BeforeValidator(parse_day)]
At = Annotated[
    Day | None,
    Query(description="The day on which the plan was in force, YYYY-MM-DD; today by default."),
]


async def get_shelf(request: Request) -> Shelf:
    """Return the plans of this application; in the loop, as all here that never waits."""
    shelf: Shelf = request.app.state.shelf
    return shelf


async def ask_once(request: Request) -> None:
    """Refuse parameters that are given twice; so quick that it needs no thread."""
    check_once(request)


async def forbid_keeping(response: Response) -> None:
    """Say that nobody keeps the answer; one that is a response already says so itself."""
    response.headers["Cache-Control"] = "no-store"


def settle_place(place: Place, datum: str | None) -> Place:
    """Return a place of a body in its one datum, whether the query names that or the body.

    Raises
    ------
    DatumError
        If one says another than the other.
    """
    told = [place.datum] if "datum" in place.model_fields_set else []
    return place.model_copy(update={"datum": settle_datum(datum, told)})


async def plan_at(request: Request, at: At = None) -> InForce:
    """Return the plan in force on the day asked for, today by default; a thread reads a new one."""
    shelf: Shelf = request.app.state.shelf
    day = at or request.app.state.today()
    known = shelf.peek(day)
    return await run_in_threadpool(shelf.in_force, day) if known is None else known


async def parse_bbox(
    bbox: Annotated[
        str | None,
        Query(
            description="west,south,east,north in degrees of WGS-84; west above east: across 180°",
            max_length=200,
        ),
    ] = None,
) -> Bbox | None:
    """Read a bbox.

    Raises
    ------
    RequestValidationError
        If it is not four numbers on Earth, south below north.
    """
    try:
        return read_bbox(bbox)
    except ValueError as error:
        raise _bbox_error(str(error)) from None


def read_bbox(text: str | None, *, degrees: bool = True, lat_first: bool = False) -> Bbox | None:
    """Read four numbers, or six with heights, which do not count.

    A box of degrees whose west is above its east lies across the 180th meridian.

    Raises
    ------
    ValueError
        If they are others, or the lower ones do not come first; of degrees, if not on Earth.
    """
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6):
        raise ValueError("not four numbers: west,south,east,north")
    half = len(numbers) // 2
    west, south, east, north = *numbers[:2], *numbers[half : half + 2]
    if lat_first:
        west, south, east, north = south, west, north, east
    if degrees:
        if not (max(abs(west), abs(east)) <= 180 and -90 <= south <= north <= 90):
            raise ValueError("west,south,east,north must be degrees, south below north")
        return west, south, east, north
    if not (-1e9 < west <= east < 1e9 and -1e9 < south <= north < 1e9):
        raise ValueError("not the lower numbers first, or not on Earth")
    return west, south, east, north


def _bbox_error(message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("query", "bbox"), "msg": message, "type": "bbox"}])


def get_book(request: Request) -> Casebook:
    """Return the casebook, with the desk of today."""
    book: Casebook = request.app.state.bookcase.open(request.app.state.today())
    return book


TheBook = Annotated[Casebook, Depends(get_book)]
#: A repeated request with the same key gives the answer of the first.
OnceKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=100,
        pattern=r"^[!-~]+$",
        description="Random text: the same request with the same key is done once.",
    ),
]
#: The datum of what is in a body, in the address: neither says that anybody is there.
DatumBeside = Annotated[
    str | None,
    Query(
        alias="datum",
        max_length=20,
        description="Datum of the body, where that names none; one that differs is refused.",
    ),
]
PlanAt = Annotated[InForce, Depends(plan_at)]
InBbox = Annotated[Bbox | None, Depends(parse_bbox)]
TheShelf = Annotated[Shelf, Depends(get_shelf)]
#: For routers whose parameters are each given once.
ONCE = Depends(ask_once)
#: For routers whose answers nobody keeps.
UNKEPT = Depends(forbid_keeping)
