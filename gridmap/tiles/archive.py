"""Tiles in one file: a PMTiles archive, which any file server can serve, and so can we.

The archive is mapped into memory and its directory read at once, so each tile is at hand as it is
sent, compressed: nothing is cut, and no plan is read.
"""

import gzip
import json
import mmap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from pmtiles.tile import (
    Compression,
    TileType,
    deserialize_directory,
    deserialize_header,
    zxy_to_tileid,
)
from pmtiles.writer import Writer

from gridmap.errors import IndexFileError
from gridmap.files import write_whole
from gridmap.geojson import Bbox
from gridmap.tiles.levels import FIRST, LAST, WORLD_BITS, project

#: Bytes of an archive's header.
_HEADER = 127
#: How often a directory may lead to another one.
_DEEPEST = 4
_WHAT = "gridmap tiles 1"  # goes up when what is in the tiles changes

Layers = list[dict[str, Any]]


class Tileset:
    """What is told of vector tiles, wherever they come from.

    Parameters
    ----------
    name : str
        Of the plan.
    bounds : tuple of float
        West, south, east and north, in degrees.
    vector_layers : list of dict
        As TileJSON has them.
    """

    def __init__(self, name: str, bounds: Bbox, vector_layers: Layers) -> None:
        self.name, self.bounds, self._vector_layers = name, bounds, vector_layers

    def describe(self, url: str, *, attribution: str = "") -> dict[str, Any]:
        """Return the TileJSON 3.0 document of the tiles.

        Parameters
        ----------
        url : str
            Where they are served, with ``{z}``, ``{x}`` and ``{y}``.
        attribution : str
            Whom the data is from.
        """
        west, south, east, north = self.bounds
        about = {
            "tilejson": "3.0.0",
            "name": self.name,
            "tiles": [url],
            "minzoom": FIRST,
            "maxzoom": LAST,
            "bounds": [west, south, east, north],
            "center": [round((west + east) / 2, 6), round((south + north) / 2, 6), 12],
            "vector_layers": self.list_layers(),
        }
        return {**about, "attribution": attribution} if attribution else about

    def list_layers(self) -> Layers:
        """Return the ``vector_layers`` of TileJSON: names, fields, first and last zoom."""
        return [dict(layer) for layer in self._vector_layers]

    def limits(self, zoom: int) -> tuple[int, int, int, int]:
        """Return the first column, first row, last column and last row of the bounds at a zoom."""
        west, south, east, north = self.bounds
        corners = project(np.array([[west, north], [east, south]])).astype(np.int64)
        places = (corners >> (WORLD_BITS - zoom)).clip(0, (1 << zoom) - 1)
        first, last = places.tolist()
        return first[0], first[1], last[0], last[1]


class KeptTiles(Tileset):
    """The tiles of an archive.

    Parameters
    ----------
    data : bytes or mmap
        The archive.
    fingerprint : str
        SHA-256 of the plan's file that they must be of.

    Raises
    ------
    IndexFileError
        If it is no archive of these tiles, or cut short.
    """

    def __init__(self, data: bytes | mmap.mmap, *, fingerprint: str) -> None:
        try:
            header = deserialize_header(data[:_HEADER])
            about = json.loads(gzip.decompress(_cut(data, header, "metadata")))
            self._places = dict(_list_places(data, header))
        except Exception as error:  # whatever its reader makes of bytes that are no archive
            raise IndexFileError(f"no PMTiles archive of gridmap: {error!r}") from error
        made_of = about.get("what"), about.get("fingerprint")
        if made_of != (_WHAT, fingerprint):
            raise IndexFileError(f"made as {made_of[0]!r} of a plan {made_of[1]!r}")
        if len(data) != header["tile_data_offset"] + header["tile_data_length"]:
            raise IndexFileError(f"{len(data)} bytes: it was cut short")
        self._data = data
        super().__init__(about["name"], tuple(about["bounds"]), about["vector_layers"])

    def packed(self, zoom: int, column: int, row: int) -> bytes:
        """Return a tile, compressed with gzip; empty where nothing is, or there are no tiles."""
        if not (FIRST <= zoom <= LAST and max(column, row) < 1 << zoom):
            return b""
        start, stop = self._places.get(zxy_to_tileid(zoom, column, row), (0, 0))
        return self._data[start:stop]

    def save(self, path: Path) -> None:
        """Write the archive; the file is whole or not there."""
        with write_whole(path) as draft:
            draft.write_bytes(self._data)


def open_tiles(path: str | Path, *, fingerprint: str) -> KeptTiles:
    """Map an archive into memory that was written with `write_archive` for a plan's file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IndexFileError
        If it is something else, of another plan or version, or cut short.
    """
    with Path(path).open("rb") as file:
        try:
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise IndexFileError(f"{path} is empty; delete it, and it is made again") from error
    try:
        return KeptTiles(memory, fingerprint=fingerprint)
    except IndexFileError as error:
        raise IndexFileError(f"{path}: {error}; delete it, and it is made again") from error


def write_archive(
    file: IO[bytes],
    tiles: Iterable[tuple[int, int, int, bytes]],
    tileset: Tileset,
    about: Mapping[str, Any],
) -> int:
    """Write an archive; return how many tiles it has.

    Parameters
    ----------
    file : file
        Open for writing.
    tiles : iterable
        Zoom, column, row and bytes of each tile that is not empty.
    tileset : Tileset
        What is told of them.
    about : mapping
        More of that.
    """
    rows = sorted((zxy_to_tileid(*tile[:3]), tile[3]) for tile in tiles)
    writer: Any = Writer(file)  # type: ignore[no-untyped-call]  # it has no types
    for number, data in rows:
        writer.write_tile(number, gzip.compress(data, 6, mtime=0))
    told = {"name": tileset.name, "format": "pbf", "vector_layers": tileset.list_layers()}
    writer.finalize(_write_header(tileset), {**told, **about})
    return len(rows)


def name_plan(tileset: Tileset, fingerprint: str) -> dict[str, Any]:
    """Return what an archive has to say for `open_tiles` to know it again."""
    return {"what": _WHAT, "fingerprint": fingerprint, "bounds": list(tileset.bounds)}


def _write_header(tileset: Tileset) -> dict[str, Any]:
    west, south, east, north = (round(degrees * 1e7) for degrees in tileset.bounds)
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_zoom": FIRST,
        "max_zoom": LAST,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": 12,
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }


def _cut(data: bytes | mmap.mmap, header: Mapping[str, Any], part: str) -> bytes:
    start = header[f"{part}_offset"]
    return data[start : start + header[f"{part}_length"]]


def _list_places(
    data: bytes | mmap.mmap, header: Mapping[str, Any]
) -> Iterable[tuple[int, tuple[int, int]]]:
    """Give the number of each tile, and where it begins and ends."""
    directories = [_cut(data, header, "root")]
    leaves, tiles = header["leaf_directory_offset"], header["tile_data_offset"]
    for _ in range(_DEEPEST):
        entries = [one for packed in directories for one in deserialize_directory(packed)]
        directories = []
        for entry in entries:
            if entry.run_length == 0:
                start = leaves + entry.offset
                directories.append(data[start : start + entry.length])
            start = tiles + entry.offset
            for number in range(entry.tile_id, entry.tile_id + entry.run_length):
                yield number, (start, start + entry.length)
