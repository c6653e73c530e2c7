"""Answers that a client may keep and ask about again: entity tags and 304."""

import hashlib

from starlette.requests import Request
from starlette.responses import Response

from api import VERSION
from api.ogc import MVT

#: What belongs to a plan's name never changes.
_FOREVER = "public, max-age=31536000, immutable"


class GeoJSONResponse(Response):
    """GeoJSON, as RFC 7946 has it."""

    media_type = "application/geo+json"


def make_tag(*parts: object) -> str:
    """Return an entity tag: the same for the same plan, question and version of gridmap.

    It is weak because it stands for the answer with and without compression.
    """
    text = "\x1f".join(str(part) for part in (VERSION, *parts))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def cache_headers(tag: str) -> dict[str, str]:
    """Return the headers of an answer with ``tag``: keep it, but ask before using it again."""
    return {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}


def tag_tile(plan: str, zoom: int, row: int, column: int, *, named: bool) -> dict[str, str]:
    """Return the headers of a tile; where its address names the plan, it is kept for ever."""
    kept = {"Cache-Control": _FOREVER} if named else {}
    tag = make_tag("tile", plan, zoom, row, column)
    return {"Content-Type": MVT, **cache_headers(tag), **kept}


def not_modified(request: Request, tag: str) -> Response | None:
    """Return a 304 where the client has the answer with ``tag`` already, else None."""
    held = [held.strip().removeprefix("W/") for held in _held_tags(request)]
    if tag.removeprefix("W/") in held or "*" in held:
        return Response(status_code=304, headers=cache_headers(tag))
    return None


def _held_tags(request: Request) -> list[str]:
    return request.headers.get("if-none-match", "").split(",")
