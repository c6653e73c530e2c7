"""The way round FastAPI for what is asked most, as almost everybody writes it: a place, a box.

Whatever is unusual about a request (a parameter that is wrong, missing, unknown or twice, a plan
that must be read first) goes on to the route, whose answers are the same.
"""

import re
from collections.abc import Callable
from datetime import date

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import PUBLIC
from api.answers import answer_place
from api.problems import ProblemError
from api.routes.features import ItemsQuery, answer_items
from api.shelf import Shelf
from gridmap.errors import GridmapError

_DEGREES = rb"-?[0-9]{1,3}(?:\.[0-9]{1,18})?"
_USUAL = re.compile(
    rb"lon=(%b)&lat=(%b)(?:&datum=([a-z0-9]{1,20}))?(?:&at=([0-9]{4}-[0-9]{2}-[0-9]{2}))?"
    % (_DEGREES, _DEGREES)
)
_ITEMS = re.compile(r"/collections/(grids|communities|streets|barriers|buildings)/items")
_BOX = re.compile(
    rb"(?:limit=[0-9]{1,5}&)?bbox=%b,%b,%b,%b(?:&limit=[0-9]{1,5})?"
    % (_DEGREES, _DEGREES, _DEGREES, _DEGREES)
)


class Express:
    """ASGI middleware: answers the usual GET /locate itself, and the features in a box.

    Parameters
    ----------
    app : ASGI application
        What answers everything else.
    shelf : Shelf
        The plans.
    today : callable
        The current day.
    """

    def __init__(self, app: ASGIApp, shelf: Shelf, today: Callable[[], date]) -> None:
        self._app, self._shelf, self._today = app, shelf, today

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        answer = self._find_answer(scope) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _find_answer(self, scope: Scope) -> ASGIApp | None:
        """Return what answers a request, or None to pass it on."""
        if scope["method"] != "GET":
            return None
        if scope["path"] == "/locate":
            body = self._locate(scope["query_string"])
            return None if body is None else _Sent(body)
        if scope["path"].startswith("/collections/"):
            return self._list_items(scope)
        return None

    def _list_items(self, scope: Scope) -> ASGIApp | None:
        """Return the features in a box, as the route does; compressed where that is wanted."""
        items = _ITEMS.fullmatch(scope["path"])
        if items is None or _BOX.fullmatch(scope["query_string"]) is None:
            return None
        in_force = self._shelf.peek(self._today())
        if in_force is None:
            return None
        request = Request(scope)
        given = ItemsQuery.model_validate(dict(request.query_params))
        try:
            answer = answer_items(request, PUBLIC, self._shelf, in_force, items.group(1), given)
        except (ProblemError, GridmapError):
            return None
        return GZipMiddleware(answer, minimum_size=1000)

    def _locate(self, query: bytes) -> bytes | None:
        """Return the answer; None where the route must look at it."""
        usual = _USUAL.fullmatch(query)
        if usual is None:
            return None
        lon, lat, datum, at = usual.groups()
        try:
            in_force = self._shelf.peek(date.fromisoformat(at.decode()) if at else self._today())
            if in_force is None:
                return None
            return answer_place(in_force, float(lon), float(lat), (datum or b"wgs84").decode())
        except (ValueError, GridmapError):
            return None


class _Sent:
    """An answer in JSON that is kept nowhere."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (b"content-length", b"%d" % len(self._body)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})
