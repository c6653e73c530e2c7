"""Answers that a client may keep and ask about again: entity tags, days of change, and 304."""

import hashlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import Response

from api import VERSION
from api.ogc import MVT

#: For the OpenAPI document.
NOT_MODIFIED = {"description": "The client has it already (If-None-Match, If-Modified-Since)."}
#: What belongs to a plan's name never changes.
_FOREVER = "public, max-age=31536000, immutable"
#: What a 304 says again, as RFC 9110 has it.
_KEPT = ("ETag", "Cache-Control", "Vary", "Last-Modified")


class GeoJSONResponse(Response):
    """GeoJSON, as RFC 7946 has it."""

    media_type = "application/geo+json"


def make_tag(*parts: object) -> str:
    """Return an entity tag: the same for the same plan, question and version of gridmap.

    It is weak because it stands for the answer with and without compression.
    """
    text = "\x1f".join(str(part) for part in (VERSION, *parts))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def cache_headers(tag: str, changed: str | None = None) -> dict[str, str]:
    """Return the headers of an answer with ``tag``: keep it, but ask before using it again.

    Parameters
    ----------
    tag : str
        Of the answer.
    changed : str, optional
        When it changed last, as HTTP writes it; None where nobody knows.
    """
    told = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    return told if changed is None else {**told, "Last-Modified": changed}


def tag_tile(plan: str, zoom: int, row: int, column: int, *, named: bool) -> dict[str, str]:
    """Return the headers of a tile; where its address names the plan, it is kept for ever."""
    kept = {"Cache-Control": _FOREVER} if named else {}
    tag = make_tag("tile", plan, zoom, row, column)
    return {"Content-Type": MVT, **cache_headers(tag), **kept}


def is_held(headers: Mapping[str, str], asked: Mapping[bytes, bytes]) -> bool:
    """Tell whether a client has an answer already; its tags count before its day (RFC 9110, 13.2).

    Parameters
    ----------
    headers : mapping of str to str
        Of the answer: ``ETag``, and ``Last-Modified`` where it has one.
    asked : mapping of bytes to bytes
        The headers of the request, in lower case.
    """
    tags = asked.get(b"if-none-match")
    if tags is not None:
        held = [one.strip().removeprefix("W/") for one in tags.decode("latin-1").split(",")]
        return headers["ETag"].removeprefix("W/") in held or "*" in held
    since, changed = asked.get(b"if-modified-since"), headers.get("Last-Modified")
    if since is None or changed is None:
        return False
    try:
        return parsedate_to_datetime(changed) <= parsedate_to_datetime(since.decode("latin-1"))
    except (ValueError, TypeError, OverflowError):  # no day, or without a zone: as if not there
        return False


def keep_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those headers of an answer that a 304 in its place has too."""
    return {name: value for name, value in headers.items() if name in _KEPT}


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """Return a 304 where the client has the answer with these headers already, else None."""
    if is_held(headers, dict(request.scope["headers"])):
        return Response(status_code=304, headers=keep_headers(headers))
    return None
