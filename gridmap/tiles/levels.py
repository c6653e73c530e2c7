"""The layers of a plan on the lattice of the world, and each of them at every zoom.

Grids and communities are one web: a community's border is a border of its grids. It is rounded and
thinned from one zoom to the next lower one, so that what was left out stays left out. Everything
else (buildings, rivers, streets) is rounded by itself, from the first zoom that shows it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

from gridmap.crs import to_degrees
from gridmap.cutting.coverage import read_outlines, thin_lines
from gridmap.cutting.mesh import Floats, Ints
from gridmap.later import later
from gridmap.tiles.cutting import (
    SIZE_BITS,
    Pieces,
    cut_lines,
    cut_web,
    draw_sides,
    merge_pieces,
    no_pieces,
    place_points,
    trace_pieces,
)
from gridmap.tiles.thinning import thin_web
from gridmap.tiles.webs import Web, find_areas, relabel, round_web, weave

if TYPE_CHECKING:
    import geopandas as gpd
else:
    gpd = later("geopandas")

#: The world is 2 to this many steps wide: 0.6 mm at the equator.
WORLD_BITS = 36
#: First and last zoom; a map shows the last one enlarged where it goes on.
FIRST, LAST = 8, 16
#: Twice the area, in steps of the tile, of a corner that goes: about a quarter of a pixel.
_THIN = 32
#: Steps of the tile that a line may be from where it was.
_OFF = 2.0


def project(degrees: Floats) -> Floats:
    """Return longitude and latitude in steps of the world: to the east, and down from the north."""
    slope = np.radians(np.clip(degrees[:, 1], -85.05, 85.05))
    share = degrees[:, 0] / 360 + 0.5, 0.5 - np.arcsinh(np.tan(slope)) / (2 * np.pi)
    return np.rint(np.column_stack(share) * (1 << WORLD_BITS))


def place_shapes(frame: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """Return the shapes of a table in steps of the world."""
    flat = shapely.force_2d(to_degrees(frame).geometry.to_numpy())
    return np.asarray(shapely.transform(flat, project))


def _shift_of(zoom: int) -> int:
    """Return how much coarser the lattice of a zoom's tiles is than the world's."""
    return WORLD_BITS - SIZE_BITS - zoom


class Coverage:
    """The grids of a plan, and the communities that they make up.

    Parameters
    ----------
    shapes : array of geometry
        The grids, in steps of the world: borders are shared corner for corner.
    groups : array of int
        The community of each.
    """

    def __init__(self, shapes: npt.NDArray[np.object_], groups: Ints) -> None:
        self._shapes, self._groups = shapes, groups
        parts, row = shapely.get_parts(shapes, return_index=True)
        web = weave(read_outlines(parts), row, np.zeros(len(parts), np.int64))
        self._webs = {LAST: self._thin(round_web(web, _shift_of(LAST)))}

    def draw(self, zoom: int) -> tuple[Pieces, Pieces]:
        """Return the grids and the communities at a zoom."""
        web = draw_sides(self._get_web(zoom))
        groups = relabel(web, self._groups)
        return self._draw(web, self._shapes, zoom), self._draw(groups, self._join_groups, zoom)

    def _get_web(self, zoom: int) -> Web:
        """Return the web at a zoom: that of the next higher one, rounded and thinned."""
        if zoom not in self._webs:
            self._webs[zoom] = self._thin(round_web(self._get_web(zoom + 1), 1))
        return self._webs[zoom]

    @staticmethod
    def _thin(web: Web) -> Web:
        return thin_web(web, _THIN)

    @cached_property
    def _join_groups(self) -> npt.NDArray[np.object_]:
        """One shape a community, for the place of one that collapses: that of its first grid."""
        _, first = np.unique(self._groups, return_index=True)
        return np.asarray(self._shapes[first])

    @staticmethod
    def _draw(web: Web, shapes: npt.NDArray[np.object_], zoom: int) -> Pieces:
        gone = np.flatnonzero(~find_areas(web, len(shapes)))
        return merge_pieces([trace_pieces(cut_web(web)), place_collapsed(shapes, gone, zoom)])


def place_collapsed(shapes: npt.NDArray[np.object_], gone: Ints, zoom: int) -> Pieces:
    """Return areas that are too small for a zoom, or points, as points inside of them."""
    if not len(gone):
        return no_pieces()
    spots = shapely.get_coordinates(shapely.point_on_surface(shapes[gone]))
    x, y = round_places(spots, zoom)
    return place_points(x, y, gone)


def round_places(places: Floats, zoom: int) -> Ints:
    """Return x and y in steps of a zoom's tiles."""
    shift = _shift_of(zoom)
    whole = (np.rint(places).astype(np.int64) + (1 << shift >> 1)) >> shift
    return whole.T.copy()


class Separate:
    """Shapes that share nothing: buildings, rivers, streets; each is rounded by itself.

    Parameters
    ----------
    shapes : array of geometry
        Areas, lines and points, in steps of the world.
    """

    def __init__(self, shapes: npt.NDArray[np.object_]) -> None:
        self._shapes = shapes
        kinds = shapely.get_dimensions(shapes)
        self._areas, self._lines, self._points = (np.flatnonzero(kinds == d) for d in (2, 1, 0))

    @cached_property
    def _web(self) -> Web:
        parts, row = shapely.get_parts(self._shapes[self._areas], return_index=True)
        feature = self._areas[row]
        return weave(read_outlines(parts), feature, feature)

    def draw(self, zoom: int) -> Pieces:
        """Return the shapes at a zoom."""
        drawn = [self._draw_lines(zoom), place_collapsed(self._shapes, self._points, zoom)]
        if not len(self._areas):
            return merge_pieces(drawn)
        web = draw_sides(thin_web(round_web(self._web, _shift_of(zoom)), _THIN))
        there = find_areas(web, len(self._shapes))
        gone = self._areas[~there[self._areas]]
        drawn.append(place_collapsed(self._shapes, gone, zoom))
        return merge_pieces([trace_pieces(cut_web(web)), *drawn])

    def _draw_lines(self, zoom: int) -> Pieces:
        if not len(self._lines):
            return no_pieces()
        parts, row = shapely.get_parts(self._shapes[self._lines], return_index=True)
        points, line = shapely.get_coordinates(parts, return_index=True)
        heads = np.searchsorted(line, np.arange(len(parts) + 1))
        points, counts = thin_lines(points, heads, _OFF * (1 << _shift_of(zoom)))
        x, y = round_places(points, zoom)
        return cut_lines(x, y, np.concatenate([[0], np.cumsum(counts)]), self._lines[row])
