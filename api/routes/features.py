"""OGC API - Features: collections, their items, and what can be asked of them.

Parts 1 (core), 2 (coordinate systems) and 3 (filters in CQL2 text). Which plan answers is said by
``datetime``.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import AnyCaller, Caller, Role, need_role, record
from api.caching import NOT_MODIFIED, GeoJSONResponse, not_modified
from api.collections import COLLECTIONS, Collection
from api.dependencies import TheShelf, read_bbox
from api.models import AnyCollection, AnyFeature
from api.ogc import (
    CRS84,
    GEOJSON,
    HTML,
    JSON,
    SCHEMA,
    check_names,
    is_lat_first,
    link,
    list_crs,
    parse_crs,
    parse_number,
    parse_when,
    refuse,
    root,
)
from api.paging import MOST, PAGE, Page, tag_items, with_query
from api.problems import OGC_PROBLEMS, ProblemError
from api.routes.grids import find_grid
from api.shelf import InForce, Shelf
from gridmap.crs import bounds_to_degrees
from gridmap.errors import CrsError, FilterError
from gridmap.filters import Filter, parse_filter
from gridmap.geojson import Bbox, Features

#: What a feature takes; and what a list of them does, besides its properties.
_ITEM = ("crs", "datetime")
_ITEMS = (
    *("limit", "offset", "bbox", "bbox-crs", "crs", "datetime"),
    *("filter", "filter-lang", "filter-crs"),
)

router = APIRouter(tags=["OGC API - Features"], responses=OGC_PROBLEMS)
Name = Annotated[str, Path(alias="collection", description="Id of a collection")]


class ItemQuery(BaseModel):
    """How a feature is asked for."""

    model_config = ConfigDict(extra="allow")

    crs: str = Field(
        default=CRS84, description="URI of the system of the answer, or EPSG: and a number."
    )
    datetime: str | None = Field(
        default=None,
        description="A day, a time or an interval: which plan answers. Today by default.",
    )


class ItemsQuery(ItemQuery):
    """Which features are asked for. Each property of the collection is a parameter too."""

    limit: str | None = Field(
        default=None,
        description=f"Features of a page: {PAGE} by default, at most {MOST}.",
        json_schema_extra={"type": "integer"},
    )
    offset: str | None = Field(
        default=None, description="Features before the page.", json_schema_extra={"type": "integer"}
    )
    bbox: str | None = Field(default=None, description="west,south,east,north")
    bbox_crs: str = Field(default=CRS84, alias="bbox-crs", description="System of bbox.")
    filter: str | None = Field(default=None, description="CQL2 text")
    filter_lang: str = Field(default="cql2-text", alias="filter-lang")
    filter_crs: str = Field(
        default=CRS84, alias="filter-crs", description="System of the shapes in filter."
    )


@dataclass(frozen=True)
class Question:
    """What is asked of a collection.

    Parameters
    ----------
    collection : Collection
        Of which features.
    in_force : InForce
        Of which plan.
    features : Features
        All that the caller may see.
    allowed : sequence of int
        Their positions.
    crs : str
        URI of the system of the answer.
    bbox : tuple of float or None
        Degrees.
    condition : Filter or None
        What must be true of a feature.
    offset, limit : int
        Which page.
    """

    collection: Collection
    in_force: InForce
    features: Features
    allowed: Sequence[int] | None
    crs: str
    bbox: Bbox | None
    condition: Filter | None
    offset: int
    limit: int

    def find(self) -> Sequence[int]:
        """Return the positions of all features that are asked for."""
        found: Sequence[int] = self.features.find(bbox=self.bbox)
        if self.allowed is not None:
            found = sorted(set(found) & set(self.allowed))
        return self.condition.find(self.features.texts, found) if self.condition else found

    def write(self, positions: Sequence[int]) -> Sequence[str]:
        """Return features as JSON, in the system that is asked for."""
        if self.crs == CRS84:
            return [self.features.texts[at] for at in positions]
        return self.features.project(positions, self.crs)


@router.get("/collections")
def list_collections(request: Request, caller: AnyCaller, shelf: TheShelf) -> dict[str, Any]:
    """List the collections that the caller may see."""
    in_force = _ask_plan(request, shelf, None)
    base = f"{root(request)}/collections"
    told = [one for one in COLLECTIONS.values() if _may_see(caller, one)]
    return {
        "links": [link(base, "self", JSON, "The collections")],
        "crs": list_crs(in_force.plan.metric),
        "collections": [_describe(request, one, in_force) for one in told],
    }


@router.get("/collections/{collection}")
def get_collection(
    request: Request, caller: AnyCaller, shelf: TheShelf, name: Name
) -> dict[str, Any]:
    """Describe a collection."""
    collection = _find_collection(caller, name)
    return _describe(request, collection, _ask_plan(request, shelf, None))


@router.get("/collections/{collection}/queryables")
def list_queryables(request: Request, caller: AnyCaller, name: Name) -> Response:
    """Say by which properties a collection can be filtered, as JSON Schema."""
    collection = _find_collection(caller, name)
    kinds = {key: {"title": key, "type": kind} for key, kind in collection.queryables.items()}
    shape = {"title": "geometry", "format": "geometry-any", "x-ogc-role": "primary-geometry"}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{root(request)}/collections/{name}/queryables",
        "type": "object",
        "title": collection.title,
        "properties": {**kinds, "geometry": shape},
        "additionalProperties": False,
    }
    return Response(json.dumps(schema, ensure_ascii=False), media_type=SCHEMA)


@router.get(
    "/collections/{collection}/items",
    response_class=GeoJSONResponse,
    responses={200: {"model": AnyCollection}, 304: NOT_MODIFIED},
)
def list_items(
    request: Request,
    caller: AnyCaller,
    shelf: TheShelf,
    name: Name,
    given: Annotated[ItemsQuery, Query()],
) -> Response:
    """List the features of a collection: in a box, in force on a day, as a filter says, by pages.

    Each property of the collection is a parameter too: ``community=小雨社区``.
    """
    asked = _ask(request, caller, shelf, name, given)
    headers = _tag(shelf, asked, "items", request.url.query)
    answer = not_modified(request, headers)
    if answer is not None:
        return answer
    found = asked.find()
    page = Page(
        root(request), asked.collection, dict(request.query_params), asked.offset, asked.limit
    )
    body, links = page.write(asked.write(page.cut(found)), len(found))
    return GeoJSONResponse(body, headers={**headers, "Link": links})


@router.get(
    "/collections/{collection}/items/{feature}",
    response_class=GeoJSONResponse,
    responses={200: {"model": AnyFeature}, 304: NOT_MODIFIED},
)
def get_item(
    request: Request,
    caller: AnyCaller,
    shelf: TheShelf,
    name: Name,
    feature: Annotated[str, Path(description="Id of a feature")],
    given: Annotated[ItemQuery, Query()],
) -> Response:
    """Return one feature. A grid that was retired answers 410 with what came after it."""
    asked = _ask(request, caller, shelf, name, given)
    at = _find_feature(asked, feature)
    headers = _tag(shelf, asked, "item", feature, asked.crs)
    answer = not_modified(request, headers)
    if answer is not None:
        return answer
    told = json.loads(asked.write([at])[0])
    here = f"{root(request)}/collections/{name}"
    told["links"] = [
        link(with_query(f"{here}/items/{feature}", request.query_params), "self", GEOJSON, name),
        link(here, "collection", JSON, asked.collection.title),
    ]
    return GeoJSONResponse(json.dumps(told, ensure_ascii=False), headers=headers)


def _find_collection(caller: Caller, name: str) -> Collection:
    """Return a collection that the caller may see."""
    if name not in COLLECTIONS:
        detail = f"There is no collection {name!r}; there are {', '.join(COLLECTIONS)}."
        raise ProblemError(404, "unknown-collection", detail)
    collection = COLLECTIONS[name]
    if collection.internal:
        need_role(caller, Role.VIEWER)
    return collection


def _may_see(caller: Caller, collection: Collection) -> bool:
    return not collection.internal or caller.role >= Role.VIEWER


def _ask_plan(request: Request, shelf: Shelf, when: str | None) -> InForce:
    return shelf.in_force(parse_when(when, request.app.state.today()))


def _describe(request: Request, collection: Collection, in_force: InForce) -> dict[str, Any]:
    """Return what is said of a collection."""
    here = f"{root(request)}/collections/{collection.id}"
    first = in_force.published.valid_from
    return {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "itemType": "feature",
        "extent": {
            "spatial": {"bbox": [in_force.plan.bbox], "crs": CRS84},
            "temporal": {"interval": [[f"{first.isoformat()}T00:00:00+08:00", None]]},
        },
        "crs": list_crs(in_force.plan.metric),
        "storageCrs": CRS84,
        "links": [
            link(here, "self", JSON, collection.title),
            link(f"{here}/items", "items", GEOJSON, collection.title),
            link(
                f"{here}/queryables",
                "http://www.opengis.net/def/rel/ogc/1.0/queryables",
                SCHEMA,
                "Properties to filter by",
            ),
            link(f"{root(request)}/map", "alternate", HTML, "The map"),
        ],
    }


def _ask(request: Request, caller: Caller, shelf: Shelf, name: str, given: ItemQuery) -> Question:
    """Read what is asked of a collection: of its features, or with no `ItemsQuery` of one."""
    collection = _find_collection(caller, name)
    of_many = isinstance(given, ItemsQuery)
    check_names(request, (*_ITEMS, *collection.properties) if of_many else _ITEM)
    in_force = _ask_plan(request, shelf, given.datetime)
    query = given if isinstance(given, ItemsQuery) else ItemsQuery(crs=given.crs)
    return _read_question(request, caller, shelf, collection, in_force, query)


def _read_question(
    request: Request,
    caller: Caller,
    shelf: Shelf,
    collection: Collection,
    in_force: InForce,
    given: ItemsQuery,
) -> Question:
    known = list_crs(in_force.plan.metric)
    features, allowed = _take_features(request, caller, shelf, collection, in_force)
    return Question(
        collection=collection,
        in_force=in_force,
        features=features,
        allowed=allowed,
        crs=parse_crs(given.crs, "crs", known),
        bbox=_read_box(given, known),
        condition=_read_filter(request, given, collection, known),
        offset=parse_number("offset", given.offset, 0, 0, 10**9),
        limit=parse_number("limit", given.limit, PAGE, 1, MOST),
    )


def _take_features(
    request: Request, caller: Caller, shelf: Shelf, collection: Collection, in_force: InForce
) -> tuple[Features, Sequence[int] | None]:
    """Return the features of a collection, and which of them the caller may see: None is all."""
    if collection.id == "units":
        record(request, caller, "look-up", "units", plan=in_force.plan.name)
        units = shelf.list_units(in_force)
        places = range(len(units.codes))
        return units.features, [at for at in places if caller.covers(units.codes[at])]
    if collection.id == "stations":
        return shelf.list_stations(in_force), None
    return in_force.plan.list_features(collection.id), None


def _read_box(given: ItemsQuery, known: Sequence[str]) -> Bbox | None:
    """Read ``bbox`` in the system of ``bbox-crs``, and return it in degrees."""
    crs = parse_crs(given.bbox_crs, "bbox-crs", known)
    try:
        degrees = crs == CRS84 or is_lat_first(crs)
        bounds = read_bbox(given.bbox, degrees=degrees, lat_first=is_lat_first(crs))
        return bounds if bounds is None or degrees else bounds_to_degrees(bounds, crs)
    except (ValueError, CrsError) as error:
        raise refuse("bbox", str(error)) from None


def _read_filter(
    request: Request, given: ItemsQuery, collection: Collection, known: Sequence[str]
) -> Filter | None:
    """Put ``filter`` and the parameters that are properties together."""
    if given.filter_lang != "cql2-text":
        raise refuse("filter-lang", "only cql2-text is read")
    crs = parse_crs(given.filter_crs, "filter-crs", known)
    parts = [
        _write_equality(name, request.query_params[name], kind)
        for name, kind in collection.properties.items()
        if name in request.query_params
    ]
    if not parts and given.filter is None:
        return None
    try:
        return _join_filter(given.filter, parts, collection.queryables, crs)
    except FilterError as error:
        raise ProblemError(400, "bad-filter", str(error)) from None


def _join_filter(
    text: str | None, parts: Sequence[str], known: Mapping[str, str], crs: str
) -> Filter:
    """Read a filter and more conditions; it must be one by itself, not only between parentheses."""
    alone = None if text is None else parse_filter(text, known, crs=crs)
    if alone is not None and not parts:
        return alone
    both = parts if alone is None else (f"({text})", *parts)
    return parse_filter(" AND ".join(both), known, crs=crs)


def _write_equality(name: str, value: str, kind: str) -> str:
    """Return a property's parameter as CQL2 text."""
    if kind == "string":
        escaped = value.replace("'", "''")
        return f"{name} = '{escaped}'"
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise refuse(name, f"{value!r} is no number")
    return f"{name} = {number:.15g}"


def _find_feature(asked: Question, feature: str) -> int:
    ids = asked.features.ids
    if asked.collection.id == "grids" and feature in asked.in_force.plan.retired:
        find_grid(asked.in_force.plan, feature)
    at = ids.index(feature) if feature in ids else None
    if at is None or (asked.allowed is not None and at not in asked.allowed):
        detail = f"There is no {feature!r} in {asked.collection.id}."
        raise ProblemError(404, "unknown-feature", detail)
    return at


def _tag(shelf: Shelf, asked: Question, *parts: object) -> dict[str, str]:
    kept = asked.collection.id == "stations"
    stamp = shelf.staff_stamp(asked.in_force) if kept else 0
    return tag_items(asked.collection, asked.in_force, stamp, *parts, crs=asked.crs)
