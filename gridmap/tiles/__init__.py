"""Vector tiles of a plan: grids, communities and the base map, for any web map.

Borders that two grids share are rounded and simplified once (`gridmap.tiles.webs`), so at every
zoom grids fill their communities without gap and overlap, and every ring is valid. No grid is left
out: one that is too small for a zoom is a point there.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from gridmap.crs import to_degrees
from gridmap.errors import TableError
from gridmap.files import write_whole
from gridmap.geojson import TOLD, Bbox, tell_grids
from gridmap.later import later
from gridmap.tiles.archive import KeptTiles, Tileset, name_plan, open_tiles, write_archive
from gridmap.tiles.cutting import Pieces, merge_pieces, split_key, take_tile, tile_key
from gridmap.tiles.encoding import Properties, encode_pieces, encode_properties
from gridmap.tiles.levels import (
    FIRST,
    LAST,
    Coverage,
    Separate,
    place_shapes,
)

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from gridmap.plan import Plan
else:
    gpd = later("geopandas")
    pd = later("pandas")

__all__ = [
    "FIRST",
    "LAST",
    "LAYERS",
    "KeptTiles",
    "Tiles",
    "Tileset",
    "export_tiles",
    "keep_tiles",
    "make_tiles",
    "open_tiles",
]

#: What is told of a grid; `gridmap.geojson.describe_grids` says what each is.
_GRID_KEYS = {
    "code": "String",
    "name": "String",
    "grid_type": "String",
    "community_id": "String",
    "community": "String",
    "street": "String",
    "households": "Number",
    "deviation": "Number",
    "area": "Number",
}
#: Layer -> the first zoom that has it.
LAYERS = {"grids": FIRST, "communities": FIRST, "barriers": FIRST, "streets": 11, "buildings": 14}
_NUMBERS = ("floors",)


class Tiles(Tileset):
    """The vector tiles of a plan: built once, asked often, never changed.

    Tiles are Mapbox Vector Tiles 2.1, 4096 steps wide with a buffer of 64. Zooms 8 to 16 are there;
    a web map shows the last one enlarged beyond. What a zoom needs is made when it is first asked
    for, in a fraction of a second for a city; any number of threads may ask.

    Parameters
    ----------
    plan : Plan
        The plan.
    min_cell : int, optional
        Household counts below it are left out, and the deviations that would give them away; by
        default ``plan.rules.min_cell``, for the public.
    layers : sequence of str
        Which of `LAYERS`.

    Raises
    ------
    TableError
        If there is no such layer.
    """

    def __init__(
        self, plan: Plan, *, min_cell: int | None = None, layers: Sequence[str] = tuple(LAYERS)
    ) -> None:
        unknown = [name for name in layers if name not in LAYERS]
        if unknown:
            raise TableError(f"no layer {unknown[0]!r}; there are {', '.join(LAYERS)}")
        self.layers = tuple(name for name in LAYERS if name in layers)
        told_of = [_describe_layer(name) for name in self.layers]
        super().__init__(plan.name or plan.city.name, _find_bounds(plan), told_of)
        limit = plan.rules.min_cell if min_cell is None else min_cell
        told = [(name, list(_keys_of(name)), _describe(plan, name, limit)) for name in self.layers]
        self._told: Properties = encode_properties(told)
        communities = plan.city.communities.index
        groups = communities.get_indexer(plan.grids["community_id"])
        self._coverage = Coverage(place_shapes(plan.grids), groups)
        self._separate = {
            name: Separate(place_shapes(getattr(plan.city, name)))
            for name in self.layers
            if name not in ("grids", "communities")
        }
        self._pieces: dict[int, Pieces] = {}
        self._lock = Lock()

    def tile(self, zoom: int, column: int, row: int) -> bytes:
        """Return a tile, not compressed; empty where nothing is, or at a zoom that has no tiles.

        Parameters
        ----------
        zoom, column, row : int
            As in ``{z}/{x}/{y}``; rows are counted from the north.
        """
        if not FIRST <= zoom <= LAST:
            return b""
        key = tile_key(column, row)
        pieces = take_tile(self._get_pieces(zoom), key)
        return encode_pieces(pieces, self._told).get(key, b"") if len(pieces.tile) else b""

    def tiles(self, zoom: int) -> Iterator[tuple[int, int, bytes]]:
        """Give every tile of a zoom that is not empty: column, row, bytes."""
        for key, data in encode_pieces(self._get_pieces(zoom), self._told).items():
            yield *split_key(key), data

    def _get_pieces(self, zoom: int) -> Pieces:
        """Return what the tiles of a zoom are made of."""
        with self._lock:
            if zoom not in self._pieces:
                self._pieces[zoom] = self._draw(zoom)
            return self._pieces[zoom]

    def _draw(self, zoom: int) -> Pieces:
        """Put the pieces of all layers together, their features numbered through."""
        drawn = dict(zip(("grids", "communities"), self._coverage.draw(zoom), strict=True))
        for name, shapes in self._separate.items():
            if zoom >= LAYERS[name]:
                drawn[name] = shapes.draw(zoom)
        starts = zip(self.layers, self._told.starts.tolist(), strict=False)
        return merge_pieces(
            [
                drawn[name]._replace(feature=drawn[name].feature + start)
                for name, start in starts
                if name in drawn
            ]
        )


def make_tiles(
    plan: Plan, *, min_cell: int | None = None, layers: Sequence[str] = tuple(LAYERS)
) -> Tiles:
    """Prepare the vector tiles of a plan; see `Tiles`."""
    return Tiles(plan, min_cell=min_cell, layers=layers)


def export_tiles(tiles: Tiles, path: str | Path, *, attribution: str = "") -> int:
    """Write all tiles into one PMTiles archive, which any file server can serve.

    Parameters
    ----------
    tiles : Tiles
        What `make_tiles` made.
    path : path
        The archive, ``.pmtiles``; whole or not there, and the same bytes for the same plan.
    attribution : str
        Whom the data is from.

    Returns
    -------
    int
        How many tiles it has.
    """
    about = {"attribution": attribution} if attribution else {}
    with write_whole(path) as draft, draft.open("wb") as file:
        return write_archive(file, _list_all(tiles), tiles, about)


def keep_tiles(tiles: Tiles, *, fingerprint: str) -> bytes:
    """Return the archive that `open_tiles` opens for the plan's file with a fingerprint."""
    file = io.BytesIO()
    write_archive(file, _list_all(tiles), tiles, name_plan(tiles, fingerprint))
    return file.getvalue()


def _list_all(tiles: Tiles) -> Iterator[tuple[int, int, int, bytes]]:
    for zoom in range(FIRST, LAST + 1):
        for column, row, data in tiles.tiles(zoom):
            yield zoom, column, row, data


def _describe_layer(name: str) -> dict[str, Any]:
    return {"id": name, "fields": _keys_of(name), "minzoom": LAYERS[name], "maxzoom": LAST}


def _find_bounds(plan: Plan) -> Bbox:
    west, south, east, north = to_degrees(plan.grids).total_bounds.round(7).tolist()
    return west, south, east, north


def _keys_of(layer: str) -> dict[str, str]:
    """Return what is told of a layer's features, and whether it is text or a number."""
    if layer == "grids":
        return _GRID_KEYS
    return {key: "Number" if key in _NUMBERS else "String" for key in TOLD[layer]}


def _describe(plan: Plan, layer: str, min_cell: int) -> list[dict[str, Any]]:
    if layer == "grids":
        told = tell_grids(plan, min_cell=min_cell)
        return [{"code": str(code), **told[str(code)]} for code in plan.grids.index]
    frame: gpd.GeoDataFrame = getattr(plan.city, layer)
    columns = pd.DataFrame(frame[list(TOLD[layer])])
    rows = columns.astype(object).where(columns.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]
