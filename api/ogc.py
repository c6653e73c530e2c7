"""What the OGC API routes share: links, conformance, coordinate systems, and their parameters.

A parameter that is wrong, or that a resource does not have, is answered with 400, as the standards
want it.
"""

import re
from collections.abc import Collection as Names
from datetime import date, datetime
from typing import Any

from fastapi import Request

from api.problems import ProblemError
from gridmap.days import china_day

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
#: No class of conformance is claimed for it: that of OGC API - Features is of OpenAPI 3.0.
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
SCHEMA = "application/schema+json"
_SPEC = "http://www.opengis.net/spec"
CONFORMS_TO = (
    f"{_SPEC}/ogcapi-common-1/1.0/conf/core",
    f"{_SPEC}/ogcapi-common-2/1.0/conf/collections",
    f"{_SPEC}/ogcapi-features-1/1.0/conf/core",
    f"{_SPEC}/ogcapi-features-1/1.0/conf/geojson",
    f"{_SPEC}/ogcapi-features-2/1.0/conf/crs",
    f"{_SPEC}/ogcapi-features-3/1.0/conf/queryables",
    f"{_SPEC}/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    f"{_SPEC}/ogcapi-features-3/1.0/conf/filter",
    f"{_SPEC}/ogcapi-features-3/1.0/conf/features-filter",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/core",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/tileset",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/tilesets-list",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/dataset-tilesets",
    f"{_SPEC}/ogcapi-tiles-1/1.0/conf/mvt",
    f"{_SPEC}/cql2/1.0/conf/cql2-text",
    f"{_SPEC}/cql2/1.0/conf/basic-cql2",
    f"{_SPEC}/cql2/1.0/conf/advanced-comparison-operators",
    f"{_SPEC}/cql2/1.0/conf/basic-spatial-functions",
)
#: The tile matrix set of web maps.
TMS = "WebMercatorQuad"
MVT = "application/vnd.mapbox-vector-tile"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = re.compile(r"(?:http://www\.opengis\.net/def/crs/EPSG/0/|EPSG:)([0-9]{4,6})")
#: WGS-84 and CGCS2000 with latitude first, as the register has them.
_LAT_FIRST = (4326, 4490)
#: Systems that every answer can be in: those, and that of web maps.
_EVERYWHERE = (*_LAT_FIRST, 3857)
_FOREVER = {"", ".."}


def link(href: str, rel: str, kind: str, title: str, **more: Any) -> dict[str, Any]:
    """Return a link as the OGC APIs write it."""
    return {"href": href, "rel": rel, "type": kind, "title": title, **more}


def is_ogc(request: Request) -> bool:
    """Tell whether a request is to one of the OGC APIs, where a wrong parameter is a 400."""
    tags = getattr(request.scope.get("route"), "tags", ())
    return any(str(tag).startswith("OGC") for tag in tags)


def root(request: Request) -> str:
    """Return the address of the service, without a slash at its end."""
    return str(request.base_url).rstrip("/")


def list_crs(metric: int | None) -> list[str]:
    """Return the systems of a plan's answers: degrees first, its own metric system last."""
    own = () if metric is None or metric in _EVERYWHERE else (metric,)
    return [CRS84, *(name_crs(code) for code in (*_EVERYWHERE, *own))]


def name_crs(code: int) -> str:
    """Return the URI of an EPSG system."""
    return f"http://www.opengis.net/def/crs/EPSG/0/{code}"


def is_lat_first(uri: str) -> bool:
    """Tell whether a system that is offered is of degrees with latitude first."""
    return uri in map(name_crs, _LAT_FIRST)


def parse_crs(text: str, parameter: str, known: Names[str]) -> str:
    """Read the name of a system: its URI, or ``EPSG:`` and a number.

    Raises
    ------
    ProblemError
        If it is none of the known ones.
    """
    match = _EPSG.fullmatch(text.strip("[]"))
    uri = name_crs(int(match[1])) if match else text
    if uri not in known:
        raise refuse(parameter, f"{text!r} is not offered; there are {', '.join(known)}")
    return uri


def parse_when(text: str | None, today: date) -> date:
    """Read ``datetime``: the day whose plan is asked for.

    A time counts on the day that it is in China. Of an interval the last plan counts: that of its
    last day, or of today where it is open.

    Raises
    ------
    ProblemError
        If it is neither a day, a time nor an interval.
    """
    if not text:
        return today
    ends = text.split("/")
    if len(ends) == 1:
        return _parse_instant(text)
    if len(ends) != 2:
        raise refuse("datetime", f"{text!r} has more than two ends")
    first, last = (None if end in _FOREVER else _parse_instant(end) for end in ends)
    if first and last and first > last:
        raise refuse("datetime", f"{text!r} ends before it begins")
    return last or max(today, first or today)


def _parse_instant(text: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refuse("datetime", f"{text!r} is no day or time; write 2025-03-01") from None
    if moment.tzinfo is None or "T" not in text:
        raise refuse("datetime", f"{text!r} has no time zone; write 2025-03-01T08:00:00+08:00")
    return china_day(moment)


def parse_number(name: str, text: str | None, default: int, least: int, most: int) -> int:
    """Read a whole number; one above the most means the most.

    Raises
    ------
    ProblemError
        If it is no whole number, or too small.
    """
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,15}", text) or int(text) < least:
        raise refuse(name, f"{text!r} is no whole number of at least {least}")
    return min(int(text), most)


def check_names(request: Request, known: Names[str]) -> None:
    """Refuse parameters that the resource does not have, and those given twice.

    Raises
    ------
    ProblemError
        With the first of them.
    """
    for name in request.query_params:
        if name not in known:
            raise refuse(name, f"there is no such parameter; there are {', '.join(known)}")
    check_once(request)


def check_once(request: Request) -> None:
    """Refuse parameters that are given twice: nobody knows which one was meant.

    Raises
    ------
    ProblemError
        With the first of them.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    twice = next((name for name in given if given.count(name) > 1), None)
    if twice is not None:
        raise refuse(twice, "given more than once")


def refuse(parameter: str, problem: str) -> ProblemError:
    """Return the problem of a parameter."""
    errors = [{"parameter": parameter, "problem": problem}]
    return ProblemError(400, "bad-parameter", f"{parameter}: {problem}", errors=errors)
