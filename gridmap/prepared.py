"""What a service tells of a plan, worked out once and kept in a file that its processes share.

The file is an index file (`gridmap.index_files`), the same bytes for the same plan. It names the
fingerprint and the size of the plan's file, so one of another plan, or beside a plan's file that
was cut short since, is not believed; and when the plan's file was written, so a store looks at one
again that was touched since. Texts and shapes stay in the mapped pages until somebody asks
for them: opening takes milliseconds where making it takes seconds.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.errors import IndexFileError
from gridmap.geojson import BASE_LAYERS, Features, describe_grids, grid_features, layer_features
from gridmap.index_files import open_arrays, write_arrays
from gridmap.rules import Rules

if TYPE_CHECKING:
    from gridmap.plan import Plan

_WHAT = "gridmap prepared 2"  # goes up when the layout changes, or what is told of a plan
_GRIDS = "grids"


@dataclass(frozen=True)
class Prepared:
    """What may be told of a plan; no household count of a building.

    Parameters
    ----------
    rules : Rules
        What it was drawn under.
    metric : int or None
        EPSG code of its coordinates; None where they have none.
    told : mapping
        Code -> what `gridmap.geojson.describe_grids` says of the grid, counts below
        ``rules.min_cell`` hidden.
    retired : mapping of str to str
        Retired code -> the codes that came after it.
    grids : Features
        The grids.
    layers : mapping of str to Features
        Layer of `gridmap.geojson.BASE_LAYERS` -> what is in it.
    document, document_gzip : bytes
        All grids as a FeatureCollection, and the same compressed.
    written : int
        When the plan's file was written that this was read from, in ns since 1970; 0: from none.
    """

    rules: Rules
    metric: int | None
    told: Mapping[str, dict[str, Any]]
    retired: Mapping[str, str]
    grids: Features
    layers: Mapping[str, Features]
    document: bytes
    document_gzip: bytes
    written: int = 0


def prepare_plan(plan: Plan) -> Prepared:
    """Work out what is told of a plan."""
    told = describe_grids(plan, min_cell=plan.rules.min_cell)
    grids = grid_features(plan, told)
    document = grids.collection()
    successors = plan.lineage["successors"]
    return Prepared(
        rules=plan.rules,
        metric=plan.grids.crs.to_epsg(),
        told=told,
        retired={str(code): str(after) for code, after in successors.items()},
        grids=grids,
        layers={layer: layer_features(plan, layer) for layer in BASE_LAYERS},
        document=document,
        document_gzip=gzip.compress(document, 6, mtime=0),
    )


def write_prepared(
    prepared: Prepared, path: str | Path, *, fingerprint: str, size: int, written: int
) -> None:
    """Write what is told of a plan into a file that is whole or not there.

    Parameters
    ----------
    prepared : Prepared
        Of the plan.
    path : path
        The file; one of that name is replaced, and whoever has it open keeps the old one.
    fingerprint : str
        SHA-256 of the plan's file.
    size, written : int
        Bytes of the plan's file, and when it was written, in ns since 1970.
    """
    features = {_GRIDS: prepared.grids, **prepared.layers}
    arrays = {
        "document": np.frombuffer(prepared.document, np.uint8),
        "document_gzip": np.frombuffer(prepared.document_gzip, np.uint8),
    }
    for layer, told in features.items():
        arrays |= _to_arrays(layer, told)
    about = {
        "what": _WHAT,
        "fingerprint": fingerprint,
        "size": size,
        "written": written,
        "rules": prepared.rules.to_dict(),
        "metric": prepared.metric,
        "told": dict(prepared.told),
        "retired": dict(prepared.retired),
        "ids": {layer: told.ids for layer, told in features.items()},
    }
    write_arrays(path, arrays, about)


def open_prepared(path: str | Path, *, fingerprint: str, size: int) -> Prepared:
    """Map what `write_prepared` wrote into memory.

    Parameters
    ----------
    path : path
        The file.
    fingerprint : str
        SHA-256 that the plan's file was kept with.
    size : int
        Bytes of the plan's file as it is now.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IndexFileError
        If it is something else, cut short, of another version, or made of another file.
    """
    about, arrays = open_arrays(path)
    made_of = about.get("what"), about.get("fingerprint"), about.get("size")
    if made_of != (_WHAT, fingerprint, size):
        raise IndexFileError(
            f"{path} was made as {made_of[0]!r} of a plan {made_of[1]!r} of {made_of[2]} bytes, "
            f"not as {_WHAT!r} of {fingerprint!r} of {size}; delete it, and it is made again"
        )
    features = _KeptFeatures(about["ids"], arrays)
    return Prepared(
        rules=Rules.from_dict(about["rules"]),
        metric=about["metric"],
        told=about["told"],
        retired=about["retired"],
        grids=features[_GRIDS],
        layers=features.without(_GRIDS),
        document=arrays["document"].tobytes(),
        document_gzip=arrays["document_gzip"].tobytes(),
        written=about["written"],
    )


class _Pieces:
    """Pieces of bytes one after the other, cut out when they are asked for."""

    def __init__(self, joined: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self._joined = joined.data.toreadonly()
        self._ends: list[int] = ends.tolist()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def cut(self, at: int) -> memoryview:
        """Return the piece at a position from 0 on."""
        return self._joined[self._ends[at] : self._ends[at + 1]]


class _Texts(Sequence[str]):
    """Texts that stay in the mapped file; each is read when it is asked for."""

    def __init__(self, pieces: _Pieces) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return len(self._pieces)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...
    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        """Return the text at a position, or those of a slice."""
        places = range(len(self))[at]
        if isinstance(places, range):
            return tuple(self[place] for place in places)
        return str(self._pieces.cut(places), "utf-8")


class _KeptFeatures(Mapping[str, Features]):
    """The features of each layer of a mapped file, put together when they are first asked for."""

    def __init__(
        self, ids: Mapping[str, Sequence[str]], arrays: Mapping[str, NDArray[Any]]
    ) -> None:
        self._ids, self._arrays = ids, arrays
        self._made: dict[str, Features] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, layer: str) -> Features:
        """Return the features of a layer."""
        if layer not in self._made:
            self._made[layer] = _from_arrays(layer, self._ids[layer], self._arrays)
        return self._made[layer]

    def without(self, layer: str) -> _KeptFeatures:
        """Return all but a layer."""
        ids = {other: keys for other, keys in self._ids.items() if other != layer}
        return _KeptFeatures(ids, self._arrays)


def _to_arrays(layer: str, features: Features) -> dict[str, NDArray[Any]]:
    """Return the features of a layer as arrays, by the names that `_from_arrays` looks for."""
    shapes = shapely.to_wkb(features.shapes)
    return {
        f"{layer}.bounds": features.bounds,
        **_join(f"{layer}.texts", [text.encode() for text in features.texts]),
        **_join(f"{layer}.shapes", [shape or b"" for shape in shapes]),
    }


def _join(name: str, pieces: Sequence[bytes]) -> dict[str, NDArray[Any]]:
    ends = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    return {name: np.frombuffer(b"".join(pieces), np.uint8), f"{name}.ends": ends}


def _from_arrays(layer: str, ids: Sequence[str], arrays: Mapping[str, NDArray[Any]]) -> Features:
    texts, shapes = (
        _Pieces(arrays[f"{layer}.{what}"], arrays[f"{layer}.{what}.ends"])
        for what in ("texts", "shapes")
    )
    wkb = np.array([bytes(shapes.cut(at)) or None for at in range(len(shapes))], object)
    return Features(tuple(ids), arrays[f"{layer}.bounds"], _Texts(texts), shapely.from_wkb(wkb))
