"""The way round FastAPI for what is asked most, as almost everybody writes it.

That is GET /locate, a tile that was cut before, and the features of a box. Whatever is unusual
about a request (a parameter that is wrong, missing, unknown or twice, a plan that must be read
first) goes on to the route, whose answers are the same.
"""

import re
from collections.abc import Callable
from datetime import date

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import answer_place
from api.caching import tag_tile
from api.collections import COLLECTIONS
from api.dependencies import read_bbox
from api.ogc import GEOJSON, TMS, root
from api.paging import PAGE, Page, tag_items
from api.shelf import Shelf
from gridmap.errors import GridmapError

_DEGREES = rb"-?[0-9]{1,3}(?:\.[0-9]{1,18})?"
_USUAL = re.compile(
    rb"lon=(%b)&lat=(%b)(?:&datum=([a-z0-9]{1,20}))?(?:&at=([0-9]{4}-[0-9]{2}-[0-9]{2}))?"
    % (_DEGREES, _DEGREES)
)
_TILE = re.compile(rf"/tiles/{TMS}/([0-9]{{1,2}})/([0-9]{{1,6}})/([0-9]{{1,6}})")
_ITEMS = re.compile(r"/collections/(grids|communities|streets|barriers|buildings)/items")
_BOX = re.compile(r"bbox=([-0-9.,]{7,120})(?:&limit=([1-9][0-9]{0,3}))?")
_PLACE = {"Content-Type": "application/json", "Cache-Control": "no-store"}
#: Status, headers and body.
Answer = tuple[int, dict[str, str], bytes]


class Express:
    """ASGI middleware: answers what is usual itself.

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
        answer = None
        if scope["type"] == "http" and scope["method"] == "GET":
            answer = self._answer(scope)
        if answer is None:
            await self._app(scope, receive, send)
            return
        status, told, body = answer
        headers = [(name.lower().encode(), value.encode()) for name, value in told.items()]
        headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, scope: Scope) -> Answer | None:
        """Return the answer to a request; None where a route must look at it."""
        path = scope["path"]
        if path == "/locate":
            body = self._locate(scope["query_string"])
            return None if body is None else (200, _PLACE, body)
        if path.startswith("/tiles/"):
            return self._take_tile(path, scope)
        if path.startswith("/collections/"):
            return self._list_items(path, scope)
        return None

    def _take_tile(self, path: str, scope: Scope) -> Answer | None:
        """Return a tile of today's plan that was cut before, to who takes gzip."""
        usual, in_force = _TILE.fullmatch(path), self._shelf.peek(self._today())
        if usual is None or in_force is None:
            return None
        named = scope["query_string"] == in_force.plan.query
        asked = dict(scope["headers"])
        if (scope["query_string"] and not named) or b"if-none-match" in asked:
            return None
        zoom, row, column = map(int, usual.groups())
        body = self._shelf.peek_tile(in_force, zoom, column, row)
        if not body or b"gzip" not in asked.get(b"accept-encoding", b""):
            return None
        headers = tag_tile(in_force.plan.name, zoom, row, column, named=named)
        return 200, {**headers, "Content-Encoding": "gzip"}, body

    def _list_items(self, path: str, scope: Scope) -> Answer | None:
        """Return the first page of the features of a box, of today's plan."""
        usual, in_force = _ITEMS.fullmatch(path), self._shelf.peek(self._today())
        query, asked = scope["query_string"].decode("latin-1"), dict(scope["headers"])
        box = _BOX.fullmatch(query)
        if usual is None or in_force is None or box is None or b"if-none-match" in asked:
            return None
        try:
            bounds = read_bbox(box[1])
        except ValueError:
            return None
        collection, limit = COLLECTIONS[usual[1]], int(box[2] or PAGE)
        features = in_force.plan.list_features(collection.id)
        given = {"bbox": box[1], **({"limit": box[2]} if box[2] else {})}
        page = Page(_name_root(scope, asked), collection, given, 0, limit)
        found = features.find(bbox=bounds)
        texts = [features.texts[at] for at in page.cut(found)]
        body, links = page.write(texts, len(found))
        headers = tag_items(collection, in_force, 0, "items", query)
        return 200, {"Content-Type": GEOJSON, **headers, "Link": links}, body

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


def _name_root(scope: Scope, headers: dict[bytes, bytes]) -> str:
    """Return the address of the service as `api.ogc.root` does."""
    host = headers.get(b"host")
    if host is None:
        return root(Request(scope))
    path = scope.get("app_root_path", scope.get("root_path", "")).rstrip("/")
    return f"{scope['scheme']}://{host.decode('latin-1')}{path}"
