"""The posted notice of a grid: a small map without scripts, and what it borders on, side by side.

Both are made from the GeoJSON that is told in public anyway (`gridmap.geojson.Features`): nothing
of a household or a resident is at hand here. The map is SVG without styles or links, so that it can
stand inside a page with a strict content policy, be printed, and be read by programs.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import segno
import shapely

from gridmap.geojson import Bbox, Features

#: The sides of a grid as notices name them: 东, 南, 西, 北.
SIDES = ("east", "south", "west", "north")

_WIDTH, _HEIGHT = 800, 560
_MARGIN = 0.22  # of the grid's own size, on each side
_METRES = 111_320.0  # to a degree of latitude
_REACH = 25.0  # metres from a border to the middle of a street along it
_STEP = 10.0  # metres between the places of a border that are looked at
_BEYOND = 4.0  # metres across a border, to see who lies there
_SHARE = 0.3  # of a side, from which what runs along it is named
_ROADS = {"main_road": 11.0, "street": 7.0, "path": 2.0}
_LABEL_ROOM = 90.0
#: Where scale bar and north arrow are: a name there would lie on them.
_FURNITURE = ((60.0, _HEIGHT - 30.0), (160.0, _HEIGHT - 30.0), (_WIDTH + 5.0, 45.0))
_RAIL = 'fill="none" stroke="#4a4a4a" stroke-width="3" stroke-dasharray="12 7"'


@dataclass(frozen=True)
class Bound:
    """What a grid ends at.

    Parameters
    ----------
    kind : str
        ``main_road``, ``street``, ``path``, ``railway``, ``river`` or ``grid``.
    name : str
        Its name, or empty.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Notice:
    """What is posted of a grid's extent.

    Parameters
    ----------
    bounds : dict of str to tuple of Bound
        What it ends at on each of `SIDES`, the longest first; empty at the edge of the territory.
    svg : str
        The small map.
    """

    bounds: dict[str, tuple[Bound, ...]]
    svg: str


@dataclass(frozen=True)
class _Part:
    """A feature near the grid, in metres east and north of its middle."""

    key: str
    shape: shapely.Geometry
    told: Mapping[str, Any]


@dataclass(frozen=True)
class _Frame:
    """Where metres lie on the drawing."""

    west: float
    north: float
    scale: float

    def place(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(
            ((points[:, 0] - self.west) * self.scale, (self.north - points[:, 1]) * self.scale)
        )

    @property
    def area(self) -> tuple[float, float, float, float]:
        south = self.north - _HEIGHT / self.scale
        return self.west, south, self.west + _WIDTH / self.scale, self.north


def make_notice(grids: Features, layers: Mapping[str, Features], code: str) -> Notice:
    """Draw a grid among its neighbours, and say what it borders on.

    Parameters
    ----------
    grids : Features
        The grids of a plan, as `gridmap.geojson.grid_features` writes them.
    layers : mapping of str to Features
        ``streets``, ``barriers``, ``communities`` and ``buildings`` of the plan's city.
    code : str
        The grid.
    """
    bounds = grids.bounds[grids.ids.index(code)]
    box = _widen(tuple(bounds.tolist()))
    centre = (float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2)
    parts = {
        name: _read_parts(features, box, centre)
        for name, features in {**layers, "grids": grids}.items()
    }
    own = next(part for part in parts["grids"] if part.key == code)
    frame = _fit(shapely.bounds(own.shape).tolist())
    return Notice(_find_bounds(own, parts), _draw(own, parts, frame))


def draw_code(text: str) -> str:
    """Return a QR code of a text as SVG, to stand inside a page; readable with a seventh lost.

    Examples
    --------
    >>> draw_code("https://grid.example/g/210802001002001").startswith("<svg")
    True
    """
    code = segno.make(text, error="m", boost_error=False)
    return code.svg_inline(border=2, omitsize=True, title=text)


def _widen(bounds: Bbox) -> Bbox:
    """Return a box that holds all that is drawn around a grid, whatever its proportions."""
    west, south, east, north = bounds
    across = math.cos(math.radians((south + north) / 2))
    half = max((east - west) * across, (north - south) * _WIDTH / _HEIGHT) * (0.5 + _MARGIN) + 5e-4
    x, y = (west + east) / 2, (south + north) / 2
    return x - half / across, y - half, x + half / across, y + half


def _read_parts(features: Features, box: Bbox, centre: tuple[float, float]) -> list[_Part]:
    """Read the features that meet a box, in metres from the centre."""
    across = _METRES * math.cos(math.radians(centre[1]))

    def to_metres(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return (points - centre) * (across, _METRES)

    parts = []
    for at in features.find(bbox=box):
        feature = json.loads(features.texts[at])
        if feature["geometry"] is not None:
            shape = shapely.transform(shapely.geometry.shape(feature["geometry"]), to_metres)
            parts.append(_Part(features.ids[at], shape, feature["properties"]))
    return parts


def _fit(bounds: Sequence[float]) -> _Frame:
    """Return the frame in which a grid stands in the middle, with room around it."""
    west, south, east, north = bounds
    room = 1 + 2 * _MARGIN
    scale = min(_WIDTH / ((east - west) * room), _HEIGHT / ((north - south) * room))
    x, y = (west + east) / 2, (south + north) / 2
    return _Frame(x - _WIDTH / scale / 2, y + _HEIGHT / scale / 2, scale)


# --- what a grid ends at ---------------------------------------------------------------------


def _find_bounds(own: _Part, parts: Mapping[str, list[_Part]]) -> dict[str, tuple[Bound, ...]]:
    """Walk along the border and note what runs there; a street counts before who lies beyond."""
    places, outward = _walk_border(own.shape)
    lines = [*parts["streets"], *parts["barriers"]]
    others = [part for part in parts["grids"] if part.key != own.key]
    along = _nearest(lines, places)
    beyond = _holders(others, places + outward * _BEYOND)
    seen: dict[str, Counter[Bound | None]] = {side: Counter() for side in SIDES}
    for at, (x, y) in enumerate(outward.tolist()):
        side = (
            ("east" if x > 0 else "west") if abs(x) >= abs(y) else ("north" if y > 0 else "south")
        )
        seen[side][along.get(at) or beyond.get(at)] += 1
    return {side: _choose(seen[side]) for side in SIDES}


def _walk_border(
    shape: shapely.Geometry,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return places along the outer border, evenly, and the way out at each."""
    places, outward = [], []
    for polygon in shapely.get_parts(shapely.orient_polygons(shape)):
        corners = shapely.get_coordinates(shapely.segmentize(polygon.exterior, _STEP))
        steps = np.diff(corners, axis=0)
        length = np.hypot(steps[:, 0], steps[:, 1])
        kept = length > _STEP / 20
        places.append(((corners[:-1] + corners[1:]) / 2)[kept])
        outward.append((np.column_stack((steps[:, 1], -steps[:, 0])) / length[:, None])[kept])
    return np.vstack(places), np.vstack(outward)


def _nearest(lines: list[_Part], places: npt.NDArray[np.float64]) -> dict[int, Bound]:
    """Return the street, railway or river along each place, where one has a name or is known."""
    known = [part for part in lines if part.told["name"] or part.told["kind"] not in _ROADS]
    if not known:
        return {}
    tree = shapely.STRtree([part.shape for part in known])
    pairs = tree.query_nearest(shapely.points(places), max_distance=_REACH, all_matches=False)
    return {
        int(at): Bound(known[line].told["kind"], known[line].told["name"] or "")
        for at, line in pairs.T.tolist()
    }


def _holders(others: list[_Part], places: npt.NDArray[np.float64]) -> dict[int, Bound]:
    """Return the grid at each place, where there is one."""
    if not others:
        return {}
    tree = shapely.STRtree([part.shape for part in others])
    pairs = tree.query(shapely.points(places), predicate="intersects")
    return {int(at): Bound("grid", others[grid].told["name"]) for at, grid in pairs.T.tolist()}


def _choose(seen: "Counter[Bound | None]") -> tuple[Bound, ...]:
    """Return what takes a fair share of a side, the longest first."""
    least = _SHARE * sum(seen.values())
    return tuple(bound for bound, count in seen.most_common() if bound and count >= least)


# --- the map ---------------------------------------------------------------------------------


def _draw(own: _Part, parts: Mapping[str, list[_Part]], frame: _Frame) -> str:
    """Write the map as SVG, from the ground up."""
    water = [part for part in parts["barriers"] if part.told["kind"] == "river"]
    rails = [part for part in parts["barriers"] if part.told["kind"] == "railway"]
    around = [part for part in parts["grids"] if part.key != own.key]
    layers = [
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#e4e6e0"/>',
        _shapes(around, frame, 'fill="#f2f3ec"'),
        _shapes([own], frame, 'fill="#dbe6f7"'),
        _shapes(water, frame, 'fill="#7fc6d2" stroke="#7fc6d2" stroke-width="9"'),
        *(_streets(parts["streets"], kind, frame) for kind in ("path", "street", "main_road")),
        _shapes(parts["buildings"], frame, 'fill="#aaa497"'),
        _shapes(rails, frame, _RAIL),
        _shapes(around, frame, 'fill="none" stroke="#55534d"'),
        _shapes(parts["communities"], frame, 'fill="none" stroke="#7a2d86" stroke-width="2.5"'),
        _shapes([own], frame, 'fill="none" stroke="#0b57d0" stroke-width="5"'),
        _name_all(own, around, parts["streets"], frame),
        _scale_bar(frame),
        _north_arrow(),
    ]
    body = "\n".join(layer for layer in layers if layer)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(own.told["name"])}">\n{body}\n</svg>'
    )


def _streets(streets: list[_Part], kind: str, frame: _Frame) -> str:
    chosen = [part for part in streets if part.told["kind"] == kind]
    look = f'fill="none" stroke="#ffffff" stroke-width="{_ROADS[kind]}" stroke-linecap="round"'
    return _shapes(chosen, frame, look)


def _shapes(parts: Iterable[_Part], frame: _Frame, look: str) -> str:
    """Write shapes, cut at the frame, as one path."""
    west, south, east, north = frame.area
    edge = 20 / frame.scale  # outlines along the cut stay out of sight
    cut = shapely.clip_by_rect(
        [part.shape for part in parts], west - edge, south - edge, east + edge, north + edge
    )
    pieces = shapely.get_parts(cut[~shapely.is_empty(cut)])
    drawn = "".join(_trace(shape, frame) for shape in pieces)
    if not drawn:
        return ""
    return f'<path d="{drawn}" {look} fill-rule="evenodd" stroke-linejoin="round"/>'


def _trace(shape: Any, frame: _Frame) -> str:
    """Write the outlines or the line of one part."""
    if shape.geom_type == "Polygon":
        return "".join(_trace(ring, frame) + "Z" for ring in (shape.exterior, *shape.interiors))
    if shape.geom_type not in ("LineString", "LinearRing"):
        return ""
    points = frame.place(shapely.get_coordinates(shape))
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist())


def _name_all(own: _Part, around: list[_Part], streets: list[_Part], frame: _Frame) -> str:
    """Write the names, the grid's own first; what would lie on another one is left out."""
    taken: list[tuple[float, float]] = []
    centre = _middle(own.shape)
    words = [_write(own.told["name"], frame, centre, taken, size=28, color="#0842a0", weight=700)]
    taken += _FURNITURE
    for part in around:
        west, south, east, north = frame.area
        seen = shapely.clip_by_rect(part.shape, west, south, east, north)
        if seen.area * frame.scale**2 > 0.02 * _WIDTH * _HEIGHT:
            words.append(_write(_short(part.told), frame, _middle(seen), taken))
    for name, place, turn in _list_streets(streets, frame):
        words.append(_write(name, frame, place, taken, size=18, color="#3c3a35", turn=turn))
    return "\n".join(word for word in words if word)


def _short(told: Mapping[str, Any]) -> str:
    """Return a grid's name without its community's."""
    return str(told["name"]).removeprefix(str(told["community"])) or str(told["name"])


def _middle(shape: Any) -> tuple[float, float]:
    circle = shapely.maximum_inscribed_circle(shape, tolerance=5.0)
    [[x, y], _] = shapely.get_coordinates(circle)
    return float(x), float(y)


def _list_streets(
    streets: list[_Part], frame: _Frame
) -> Iterable[tuple[str, tuple[float, float], float]]:
    """Return each named street's longest straight piece in the frame: its middle and its slope."""
    longest: dict[str, tuple[float, tuple[float, float], float]] = {}
    for part in streets:
        if not part.told["name"]:
            continue
        cut = shapely.clip_by_rect(part.shape, *frame.area)
        for line in shapely.get_parts(cut):
            points = shapely.get_coordinates(line)
            for (x1, y1), (x2, y2) in zip(points[:-1].tolist(), points[1:].tolist(), strict=True):
                length = math.hypot(x2 - x1, y2 - y1)
                if length > longest.get(part.told["name"], (_LABEL_ROOM / frame.scale,))[0]:
                    turn = math.degrees(math.atan((y1 - y2) / (x2 - x1))) if x2 != x1 else -90.0
                    longest[part.told["name"]] = (length, ((x1 + x2) / 2, (y1 + y2) / 2), turn)
    for name, (_, place, turn) in longest.items():
        yield name, place, turn


def _write(
    text: str,
    frame: _Frame,
    place: tuple[float, float],
    taken: list[tuple[float, float]],
    *,
    size: int = 20,
    color: str = "#1d1c19",
    weight: int = 400,
    turn: float = 0.0,
) -> str:
    """Write a name with a pale rim, unless another one is near."""
    [[x, y]] = frame.place(np.array([place])).tolist()
    if any(abs(x - other) < _LABEL_ROOM and abs(y - level) < size * 1.6 for other, level in taken):
        return ""
    taken.append((x, y))
    turned = f' transform="rotate({turn:.0f} {x:.0f} {y:.0f})"' if turn else ""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" fill="{color}" '
        'text-anchor="middle" dominant-baseline="central" stroke="#ffffff" stroke-width="4" '
        f'paint-order="stroke" stroke-linejoin="round"{turned}>{escape(text)}</text>'
    )


def _scale_bar(frame: _Frame) -> str:
    """Write a bar of a round number of metres, at most a quarter of the map."""
    most = _WIDTH / 4 / frame.scale
    step = 10 ** math.floor(math.log10(most))
    metres = max(size * step for size in (1, 2, 5) if size * step <= most)
    end = 24 + metres * frame.scale
    bar = f"M24 {_HEIGHT - 32}v10H{end:.1f}v-10"
    return (
        f'<path d="{bar}" fill="none" stroke="#1d1c19" stroke-width="2"/>'
        f'<text x="30" y="{_HEIGHT - 30}" font-size="18" fill="#1d1c19" stroke="#ffffff" '
        f'stroke-width="4" paint-order="stroke">{metres:g} m</text>'
    )


def _north_arrow() -> str:
    x = _WIDTH - 34
    return (
        f'<path d="M{x} 22l11 30-11-8-11 8z" fill="#1d1c19" stroke="#ffffff" stroke-width="1.5"/>'
        f'<text x="{x}" y="72" font-size="18" fill="#1d1c19" text-anchor="middle">N</text>'
    )
