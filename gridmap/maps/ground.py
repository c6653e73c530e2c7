"""The city under a printed map: found by place, clipped to the frame, drawn from below upwards."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from reportlab.pdfgen.canvas import Canvas

from gridmap.maps.look import find_owners, shorten_number
from gridmap.maps.paper import (
    FAINT,
    INK,
    Box,
    Window,
    fill_areas,
    stroke_lines,
    write_along,
    write_label,
    write_numbers,
)
from gridmap.plan import Plan

#: What a grid without a colour is filled with, and the one that a page is about.
GROUND, OWN_GROUND = "#f1f0e9", "#fffef8"
_RIVER, _RAILWAY, _COMMUNITY, _OUTLINE, _OWN = "#9fd0da", "#6b6b6b", "#7a2d86", "#77746b", "#c1281e"
_HOUSE, _OWN_HOUSE = "#d3d0c5", "#93a9cc"
#: Metres that a street takes on the map.
_WIDTHS = {"main_road": 14.0, "street": 7.0, "path": 2.5}
#: Metres around a grid in which other buildings have their number on its map.
_NEAR = 40.0

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Layer:
    """Shapes that are found by place.

    Parameters
    ----------
    shapes : array of shapely geometry
        In metres.
    tree : STRtree
        Over the shapes.
    """

    shapes: Shapes
    tree: shapely.STRtree

    def clip(self, bounds: Box) -> tuple[npt.NDArray[np.int64], Shapes]:
        """Return the positions of what lies in the bounds, and the parts of it that do."""
        found = np.sort(self.tree.query(shapely.box(*bounds)))
        parts = shapely.clip_by_rect(self.shapes[found], *bounds)
        seen = ~shapely.is_empty(parts)
        return found[seen], parts[seen]


@dataclass(frozen=True)
class Ground:
    """A plan's shapes and names, ready to be drawn page by page.

    Parameters
    ----------
    grids, communities, buildings, streets, barriers : Layer
        The layers, in the order of the plan's tables.
    grid_lines, community_lines : Layer
        Their borders; one that two share is there once.
    owners : array of int
        The grid of each building.
    numbers : list of str
        What is written on each building.
    street_names, street_kinds, barrier_kinds : array of str
        What streets and barriers are.
    """

    grids: Layer
    communities: Layer
    buildings: Layer
    streets: Layer
    barriers: Layer
    grid_lines: Layer
    community_lines: Layer
    owners: npt.NDArray[np.int64]
    numbers: list[str]
    street_names: npt.NDArray[np.object_]
    street_kinds: npt.NDArray[np.object_]
    barrier_kinds: npt.NDArray[np.object_]


def make_ground(plan: Plan) -> Ground:
    """Index a plan's shapes, once for all pages."""
    city = plan.city
    return Ground(
        grids=_index(plan.grids.geometry),
        communities=_index(city.communities.geometry),
        buildings=_index(city.buildings.geometry),
        streets=_index(city.streets.geometry),
        barriers=_index(city.barriers.geometry),
        grid_lines=_index(_trace_borders(plan.grids)),
        community_lines=_index(_trace_borders(city.communities)),
        owners=find_owners(plan, city.buildings),
        numbers=[shorten_number(name) for name in city.buildings["name"]],
        street_names=city.streets["name"].to_numpy(object),
        street_kinds=city.streets["kind"].to_numpy(object),
        barrier_kinds=city.barriers["kind"].to_numpy(object),
    )


def _index(series: gpd.GeoSeries) -> Layer:
    shapes = np.asarray(series.to_numpy(), object)
    return Layer(shapes, shapely.STRtree(shapes))


def _trace_borders(areas: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the borders of areas as lines from corner to corner, each once."""
    union = shapely.union_all(shapely.boundary(areas.geometry.to_numpy()))
    return gpd.GeoSeries(shapely.get_parts(shapely.line_merge(union)))


def find_neighbours(plan: Plan) -> dict[int, list[int]]:
    """Return the positions of the grids that share more than a metre of border, for each grid."""
    shapes = plan.grids.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.length(shapely.intersection(shapes[first], shapes[second])) > 1
    pairs = pd.DataFrame({"one": first[shared], "other": second[shared]})
    both = pd.concat([pairs, pairs.set_axis(["other", "one"], axis=1)])
    groups = both.sort_values(["one", "other"]).groupby("one")["other"]
    return {one: others.tolist() for one, others in groups}  # type: ignore[misc]


def draw_ground(canvas: Canvas, window: Window, ground: Ground, fills: Sequence[str]) -> None:
    """Draw what lies under the borders: the colour of each grid, water, streets, railways."""
    found, parts = ground.grids.clip(window.bounds)
    colors = np.array([fills[at] for at in found], object)
    for color in dict.fromkeys(colors.tolist()):
        fill_areas(canvas, window, parts[colors == color], color)
    _draw_barriers(canvas, window, ground)
    _draw_streets(canvas, window, ground)


def _draw_barriers(canvas: Canvas, window: Window, ground: Ground) -> None:
    found, parts = ground.barriers.clip(window.bounds)
    kinds = ground.barrier_kinds[found]
    rivers, rails = parts[kinds == "river"], parts[kinds == "railway"]
    areas = shapely.get_dimensions(rivers) == 2
    fill_areas(canvas, window, rivers[areas], _RIVER)
    stroke_lines(canvas, window, rivers[~areas], _RIVER, max(2.5, 15 * window.points))
    stroke_lines(canvas, window, rails, _RAILWAY, 2.2)
    stroke_lines(canvas, window, rails, "#ffffff", 1.2, (5, 5))


def _draw_streets(canvas: Canvas, window: Window, ground: Ground) -> None:
    """Draw streets white between grey edges, small ones first."""
    found, parts = ground.streets.clip(window.bounds)
    kinds = ground.street_kinds[found]
    for kind in ("path", "street", "main_road"):
        lines, width = parts[kinds == kind], _WIDTHS[kind] * window.points
        if width >= 1.5 and len(lines):
            stroke_lines(canvas, window, lines, "#cfccc2", width + 0.6)
            stroke_lines(canvas, window, lines, "#ffffff", width)
        elif len(lines):
            stroke_lines(canvas, window, lines, "#ffffff", max(width, 0.4))


def draw_houses(
    canvas: Canvas, window: Window, ground: Ground, own: int | None = None
) -> tuple[npt.NDArray[np.int64], Shapes]:
    """Draw buildings, those of a grid in colour; return what is seen."""
    found, parts = ground.buildings.clip(window.bounds)
    mine = ground.owners[found] == own
    areas = shapely.get_dimensions(parts) == 2
    fill_areas(canvas, window, parts[~mine & areas], _HOUSE)
    fill_areas(canvas, window, parts[mine & areas], _OWN_HOUSE)
    stroke_lines(canvas, window, parts[mine & areas], "#5d7399", 0.4)
    for point in shapely.get_coordinates(parts[~areas]):
        x, y = window.place(point)
        canvas.circle(x, y, 2, stroke=0, fill=1)
    return found, parts


def draw_borders(
    canvas: Canvas, window: Window, ground: Ground, own: int | None = None
) -> tuple[npt.NDArray[np.int64], Shapes]:
    """Draw the borders of grids and communities, and strongly of one; return the grids seen."""
    found, parts = ground.grids.clip(window.bounds)
    _, lines = ground.grid_lines.clip(window.bounds)
    stroke_lines(canvas, window, lines, _OUTLINE, 0.7)
    _, lines = ground.community_lines.clip(window.bounds)
    stroke_lines(canvas, window, lines, "#ffffff", 2.2)
    stroke_lines(canvas, window, lines, _COMMUNITY, 1.4, (6, 3))
    if own is not None:
        stroke_lines(canvas, window, ground.grids.shapes[[own]], "#ffffff", 3.6)
        stroke_lines(canvas, window, ground.grids.shapes[[own]], _OWN, 2.2)
    return found, parts


def outline_community(canvas: Canvas, window: Window, ground: Ground, own: int) -> None:
    """Draw the border of the community that a page is about strongly."""
    stroke_lines(canvas, window, ground.communities.shapes[[own]], "#ffffff", 4)
    stroke_lines(canvas, window, ground.communities.shapes[[own]], _COMMUNITY, 2.4)


def number_houses(
    canvas: Canvas,
    window: Window,
    ground: Ground,
    seen: tuple[npt.NDArray[np.int64], Shapes],
    own: int,
) -> None:
    """Write the numbers of a grid's buildings and of those near it; where there is room."""
    found, parts = seen
    near = shapely.distance(parts, ground.grids.shapes[own]) < _NEAR
    found, parts = found[near], parts[near]
    middles = window.place(shapely.get_coordinates(shapely.point_on_surface(parts)))
    mine = ground.owners[found] == own
    for chosen, size, color in ((mine, 6.5, INK), (~mine, 5.5, FAINT)):
        places = [
            (float(x), float(y), number)
            for (x, y), number in zip(
                middles[chosen], (ground.numbers[at] for at in found[chosen]), strict=True
            )
            if number and _claim_words(window, x, y, number, size)
        ]
        if places:
            write_numbers(canvas, places, size, color)


def _claim_words(window: Window, x: float, y: float, words: str, size: float) -> bool:
    half = (0.3 * size * len(words) + 1, size * 0.5)
    return window.claim((x - half[0], y - half[1], x + half[0], y + half[1]))


def name_streets(canvas: Canvas, window: Window, ground: Ground, size: float = 7.0) -> None:
    """Write the name of each street once, along its longest straight piece in the frame."""
    found, parts = ground.streets.clip(window.bounds)
    named = np.array([bool(ground.street_names[at]) for at in found], bool)
    pieces, street = shapely.get_parts(parts[named], return_index=True)
    # Curves no wider than the letters count as straight.
    straight = shapely.simplify(pieces, 3 / window.points)
    places, row = shapely.get_coordinates(straight, return_index=True)
    points = window.place(places)
    inner = np.flatnonzero(row[:-1] == row[1:])
    steps = points[inner + 1] - points[inner]
    names = ground.street_names[found[named]][street[row[inner]]]
    table = pd.DataFrame({"name": names, "length": np.hypot(*steps.T), "at": inner})
    table = table.sort_values(["length", "name"], ascending=[False, True], kind="stable")
    for name, at in table.drop_duplicates("name")[["name", "at"]].itertuples(index=False):
        write_along(canvas, window, points[at].tolist(), points[at + 1].tolist(), name, size)


def name_areas(
    canvas: Canvas,
    window: Window,
    seen: tuple[npt.NDArray[np.int64], Shapes],
    labels: dict[int, list[str]],
    size: float,
) -> dict[int, Box]:
    """Write lines into areas, the largest first; return where each one stands."""
    found, parts = seen
    written = {}
    for at in np.argsort(-shapely.area(parts), kind="stable"):
        lines = labels.get(int(found[at]))
        if not lines:
            continue
        point = window.place(shapely.get_coordinates(shapely.point_on_surface(parts[at])))[0]
        box = write_label(canvas, window, point.tolist(), lines, size)
        if box is not None:
            written[int(found[at])] = box
    return written
