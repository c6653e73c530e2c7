"""The way round FastAPI for what is asked most, as almost everybody writes it.

That is GET /locate, a tile, and the features of a box. Whatever is unusual
about a request (a parameter that is wrong, missing, unknown or twice, a plan that must be read
first) goes on to the route, whose answers are the same.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import answer_place
from api.caching import is_held, keep_headers, tag_tile
from api.collections import COLLECTIONS
from api.dependencies import read_bbox
from api.ogc import GEOJSON, TMS
from api.paging import PAGE, Page, tag_items
from api.shelf import Shelf
from api.zipping import takes_gzip
from gridmap.errors import GridmapError
from gridmap.tiles import FIRST, LAST

_DEGREES = rb"-?[0-9]{1,3}(?:\.[0-9]{1,18})?"
_USUAL = re.compile(
    rb"lon=(%b)&lat=(%b)(?:&datum=([a-z0-9]{1,20}))?(?:&at=([0-9]{4}-[0-9]{2}-[0-9]{2}))?"
    % (_DEGREES, _DEGREES)
)
_TILE = re.compile(rf"/tiles/{TMS}/([0-9]{{1,2}})/([0-9]{{1,6}})/([0-9]{{1,6}})")
_ITEMS = re.compile(r"/collections/(grids|communities|streets|barriers|buildings)/items")
_BOX = re.compile(r"bbox=([-0-9.,]{7,120})(?:&limit=([1-9][0-9]{0,3}))?")
#: Where the paths begin that may be answered here.
PATHS = ("/locate", "/tiles/", "/collections/")
Pairs = list[tuple[bytes, bytes]]
#: Status, headers (without the length) and body.
Answer = tuple[int, Pairs, bytes]


class Asked(NamedTuple):
    """What of a GET request counts here.

    Parameters
    ----------
    path : str
        As it was sent.
    query : bytes
        As it was sent.
    headers : mapping of bytes to bytes
        By name in lower case.
    scheme, mount : str
        Of the address of the service: before the host, and the path under which it is.
    """

    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    scheme: str
    mount: str


class Express:
    """Answers what is usual, from what is at hand.

    Parameters
    ----------
    shelf : Shelf
        The plans.
    today : callable
        The current day.
    """

    def __init__(self, shelf: Shelf, today: Callable[[], date]) -> None:
        self._shelf, self._today = shelf, today

    def answer(self, asked: Asked) -> Answer | None:
        """Return the answer to a request; None where a route must look at it."""
        path = asked.path
        if path == "/locate":
            body = self._locate(asked.query)
            return None if body is None else (200, _PLACE, body)
        if path.startswith("/tiles/"):
            return self._take_tile(asked)
        if path.startswith("/collections/"):
            return self._list_items(asked)
        return None

    def _take_tile(self, asked: Asked) -> Answer | None:
        """Return a tile of today's plan to who takes gzip."""
        usual, in_force = _TILE.fullmatch(asked.path), self._shelf.peek(self._today())
        if usual is None or in_force is None:
            return None
        named = asked.query == in_force.plan.query
        zoom, row, column = map(int, usual.groups())
        body = self._shelf.peek_tile(in_force, zoom, column, row)
        if body is None or (asked.query and not named) or not takes_gzip(asked.headers):
            return None
        if not FIRST <= zoom <= LAST or max(row, column) >= 1 << zoom:
            return None
        headers = tag_tile(in_force.plan.name, zoom, row, column, named=named)
        if not body and not is_held(headers, asked.headers):
            return 204, _encode(headers), body
        return _unless_held({**headers, "Content-Encoding": "gzip"}, body, asked)

    def _list_items(self, asked: Asked) -> Answer | None:
        """Return the first page of the features of a box, of today's plan."""
        usual, in_force = _ITEMS.fullmatch(asked.path), self._shelf.peek(self._today())
        query, host = asked.query.decode("latin-1"), asked.headers.get(b"host")
        box = _BOX.fullmatch(query)
        if usual is None or in_force is None or box is None or host is None:
            return None
        try:
            bounds = read_bbox(box[1])
        except ValueError:
            return None
        collection, limit = COLLECTIONS[usual[1]], int(box[2] or PAGE)
        features = in_force.plan.list_features(collection.id)
        given = {"bbox": box[1], **({"limit": box[2]} if box[2] else {})}
        base = f"{asked.scheme}://{host.decode('latin-1')}{asked.mount}"
        page = Page(base, collection, given, 0, limit)
        found = features.find(bbox=bounds)
        texts = [features.texts[at] for at in page.cut(found)]
        body, links = page.write(texts, len(found))
        headers = tag_items(collection, in_force, 0, "items", query)
        return _unless_held({"Content-Type": GEOJSON, **headers, "Link": links}, body, asked)

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


class ExpressWay:
    """ASGI middleware: lets an `Express` answer what it can, and the routes everything else.

    Parameters
    ----------
    app : ASGI application
        What answers everything else.
    express : Express
        What answers what is usual.
    """

    def __init__(self, app: ASGIApp, express: Express) -> None:
        self._app, self._express = app, express

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        answer = None
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(PATHS):
            mount = scope.get("app_root_path", scope.get("root_path", "")).rstrip("/")
            asked = dict(scope["headers"])
            answer = self._express.answer(
                Asked(scope["path"], scope["query_string"], asked, scope["scheme"], mount)
            )
        if answer is None:
            await self._app(scope, receive, send)
            return
        status, headers, body = answer
        told = [*headers, (b"content-length", b"%d" % len(body))] if body else headers
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})


def _unless_held(headers: dict[str, str], body: bytes, asked: Asked) -> Answer:
    """Return an answer, or 304 to who has it already."""
    if is_held(headers, asked.headers):
        return 304, _encode(keep_headers(headers)), b""
    return 200, _encode(headers), body


def _encode(headers: Mapping[str, str]) -> Pairs:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_PLACE = _encode({"Content-Type": "application/json", "Cache-Control": "no-store"})
