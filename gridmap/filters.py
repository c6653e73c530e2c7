"""Filters in CQL2 text (OGC 21-065r2) over features; the cql2 library parses and evaluates them.

What is not known stays unknown, as in SQL: a comparison with a hidden count is neither true nor
false, and a feature counts only where the whole filter is true.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cql2
import shapely

from gridmap.crs import bounds_to_degrees, shape_to_degrees
from gridmap.errors import CrsError, FilterError

#: The property by which a filter names the shape of a feature.
GEOMETRY = "geometry"
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
#: Longest filter, and most parentheses inside one another: the parser tries again at each of them,
#: so ones that are not closed take twice as long with every level.
LONGEST, DEEPEST = 2_000, 8
#: A value of each type that a property can have: what a filter is tried on.
_SAMPLES: dict[str, Any] = {"string": "2026-01-01", "number": 1.5, "integer": 1, "boolean": True}
_SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}


@dataclass(frozen=True)
class Filter:
    """A filter that was read and fits the properties of a collection.

    Parameters
    ----------
    expression : cql2.Expr
        What was read.
    spatial : bool
        Whether it asks for shapes.
    """

    expression: Any
    spatial: bool

    def find(self, texts: Sequence[str], positions: Iterable[int]) -> tuple[int, ...]:
        """Return those of the positions whose feature (GeoJSON text) the filter is true for."""
        return tuple(at for at in positions if self._matches(json.loads(texts[at])))

    def _matches(self, feature: dict[str, Any]) -> bool:
        if not self.spatial:
            feature["geometry"] = None  # it would be translated for each feature
        elif feature["geometry"] is None:
            return False
        return _evaluate(self.expression, feature) is True


def parse_filter(text: str, properties: Mapping[str, str], *, crs: str = _CRS84) -> Filter:
    """Read a filter, and try it on a made-up feature.

    Parameters
    ----------
    text : str
        CQL2 text, for example ``community = '小雨社区' AND deviation > 0.1`` or
        ``S_INTERSECTS(geometry, BBOX(122.2, 40.6, 122.3, 40.7))``; degrees of WGS-84 by default.
    properties : mapping of str to str
        Each property that may be asked for, and its type of JSON.
    crs : str
        The system of the shapes in the filter, axes in its own order.

    Raises
    ------
    FilterError
        If it is no CQL2, asks for a property that there is not, or compares what can't be compared.

    Examples
    --------
    >>> parse_filter("area > 1e4", {"area": "number"}).spatial
    False
    """
    _check_size(text)
    try:
        expression = cql2.parse_text(text)
    except cql2.ParseError as error:
        raise FilterError(f"filter {text!r} is no CQL2 text: {_shorten(error)}") from error
    named = sorted(set(_list_properties(expression.to_json())))
    unknown = [name for name in named if name not in properties and name != GEOMETRY]
    if unknown:
        raise FilterError(
            f"filter: no property {', '.join(unknown)}; there are {', '.join(properties)}"
        )
    if crs != _CRS84 and GEOMETRY in named:
        expression = _move_shapes(expression, crs)
    if _evaluate(expression, _make_sample(properties)) is None:
        raise FilterError(f"filter {text!r} can't be evaluated: it compares values of other types")
    return Filter(expression, GEOMETRY in named)


def _move_shapes(expression: Any, crs: str) -> Any:
    """Return a filter whose shapes, given in another system, are in degrees of WGS-84."""
    try:
        return cql2.Expr(_move(expression.to_json(), crs))
    except (CrsError, shapely.errors.ShapelyError) as error:
        raise FilterError(f"filter: a shape can't be read in {crs}: {error}") from error


def _move(node: Any, crs: str) -> Any:
    """Walk through CQL2 as JSON, and move what is a box or a GeoJSON geometry."""
    if isinstance(node, list):
        return [_move(inner, crs) for inner in node]
    if not isinstance(node, dict):
        return node
    if "bbox" in node:
        box, half = node["bbox"], len(node["bbox"]) // 2
        return {"bbox": bounds_to_degrees((*box[:2], *box[half : half + 2]), crs)}
    if "coordinates" in node or "geometries" in node:
        shape = shapely.force_2d(shapely.from_geojson(json.dumps(node)))
        return json.loads(shapely.to_geojson(shape_to_degrees(shape, crs)))
    return {key: _move(inner, crs) for key, inner in node.items()}


def _check_size(text: str) -> None:
    if len(text) > LONGEST:
        raise FilterError(f"the filter has {len(text)} characters; at most {LONGEST}")
    depth = deepest = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise FilterError(f"filter: {deepest} parentheses inside one another; at most {DEEPEST}")


def _evaluate(expression: Any, feature: Mapping[str, Any]) -> bool | None:
    """Return whether a filter is true of a feature; None where it can't be told."""
    try:
        return bool(expression.matches(feature))
    # The library has no class for "neither true nor false": it raises Exception itself.
    except Exception as error:
        if type(error) is not Exception:
            raise
        return None


def _make_sample(properties: Mapping[str, str]) -> dict[str, Any]:
    told = {name: _SAMPLES[kind] for name, kind in properties.items()}
    return {"type": "Feature", "id": "", "geometry": _SQUARE, "properties": told}


def _list_properties(node: Any) -> Iterator[str]:
    """Walk through CQL2 as JSON."""
    if isinstance(node, dict):
        if isinstance(node.get("property"), str):
            yield node["property"]
        for inner in node.values():
            yield from _list_properties(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _list_properties(inner)


def _shorten(error: Exception) -> str:
    """Return the place and the expectation out of a parser's drawing."""
    lines = [line.strip(" |=") for line in str(error).splitlines()]
    return " ".join(line for line in lines if line and set(line) != {"^", "-"})[:300]
