"""The way round FastAPI for what is asked most: GET /locate, as almost everybody writes it.

Whatever is unusual about a request (a parameter that is wrong, missing, unknown or twice, a plan
that must be read first) goes on to the route, whose answers are the same.
"""

import re
from collections.abc import Callable
from datetime import date

from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import answer_place
from api.shelf import Shelf
from gridmap.errors import GridmapError

_DEGREES = rb"-?[0-9]{1,3}(?:\.[0-9]{1,18})?"
_USUAL = re.compile(
    rb"lon=(%b)&lat=(%b)(?:&datum=([a-z0-9]{1,20}))?(?:&at=([0-9]{4}-[0-9]{2}-[0-9]{2}))?"
    % (_DEGREES, _DEGREES)
)


class Express:
    """ASGI middleware: answers the usual GET /locate itself.

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
        body = None
        if scope["type"] == "http" and scope["path"] == "/locate" and scope["method"] == "GET":
            body = self._locate(scope["query_string"])
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            (b"content-length", b"%d" % len(body)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

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
