"""Layers that don't lie on each other, and the datum, axes or CRS under which they would.

Files in GCJ-02 and BD-09 say EPSG:4326 like those in WGS-84, so a city's layers may come together
some 500 or 1300 m apart, latitude first, or a zone of the projection away. Each layer is therefore
read in every other way on a sample of its rows, and what only fits in another way is reported.
Nothing is moved here.

Three things tell whether two layers fit: households stand inside communities, buildings don't stand
on streets and water, and borders of communities run along streets. A reading is *clearly better*

- if the households outside were more than 5 %, and become a fifth of that or fewer. A shift of
  GCJ-02 puts 7 % of a city of 10 km outside; a boundary that is out of date leaves 1 or 2 %.
- if the buildings crossed were at least 4 % and 20 of them, and become a third of that or fewer:
  by chance 7 to 28 % are crossed, in their place 0 to 4 % (passages, bridges).
- if the borders away from every street become 0.6 of what they were or fewer, and that is a fifth
  of all borders. By chance that is 0.78 and more; in place it was 0.1 to 0.42.

The fewest layers are blamed with which no other reading of any two layers is clearly better.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS, Geod, Transformer

from gridmap.attributes import parse_numbers
from gridmap.columns import to_text
from gridmap.crs import metric_crs, to_degrees, to_metric
from gridmap.datum import from_wgs84, to_wgs84
from gridmap.errors import TableError
from gridmap.findings import Finding

__all__ = ["compare_areas", "find_misread"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

#: The readings of degrees; CGCS2000 is WGS-84 here.
READINGS = ("wgs84", "gcj02", "bd09")
#: Rows of a layer, and places on borders, that are looked at.
_SAMPLE, _BORDER_PLACES = 2000, 1000
#: Metres: a household farther outside than this is refused when buildings are placed.
_OUTSIDE = 100.0
#: Metres from a street: what a point may be to stand on it, a border to run along it, and a
#: building to have a street at all.
_ON_STREET, _ALONG_STREET, _NEAR_STREET = 4.0, 15.0, 150.0
#: Metres between layers from which no datum explains it.
_FAR = 100_000.0


@dataclass(frozen=True)
class _Pair:
    """Two layers, and how badly they fit in each pair of readings (0: perfectly, 1: not at all)."""

    first: str
    second: str
    words: str
    scores: Mapping[tuple[str, str], float]
    is_better: Callable[[float, float], bool]

    def fits(self, readings: Mapping[str, str]) -> bool:
        """Tell whether no readings of the two are clearly better than these."""
        base = self.score(readings)
        return not any(self.is_better(base, score) for score in self.scores.values())

    def score(self, readings: Mapping[str, str]) -> float:
        """Say how badly the two fit."""
        return self.scores[readings[self.first], readings[self.second]]


@dataclass(frozen=True)
class _Layer:
    """A sample of a layer, as it is read.

    Parameters
    ----------
    name : str
        What it is called in findings and in ``datum=``: its table, or its layer where the table has
        several.
    table : str
        The table that it is (a part of).
    datum : str
        The reading of its degrees, "" where its parts differ.
    frame : GeoDataFrame
        Its rows in their own CRS: all of the areas and lines, a sample of the buildings.
    weights : array of float
        Households of each row of buildings, else ones.
    """

    name: str
    table: str
    datum: str
    frame: gpd.GeoDataFrame
    weights: Floats

    @property
    def readings(self) -> tuple[str, ...]:
        """The ways in which it may be read."""
        return READINGS if self.datum else ("",)


def find_misread(pieces: Mapping[str, Sequence[gpd.GeoDataFrame]]) -> list[Finding]:
    """Say which layers are probably in another datum, axis order or CRS than they are read in.

    Parameters
    ----------
    pieces : mapping of str to sequence of GeoDataFrame
        Table -> its layers, as `gridmap.sources.read_pieces` returns them, each in its own CRS.
        ``attrs["layer"]`` is a layer's name, ``attrs["datum"]`` the datum that it was read in.

    Returns
    -------
    list of Finding
        ``refused`` if households lie farther than 100 m outside of every community because of it,
        else ``noted``; ``value`` is the evidence.
    """
    layers = _gather_layers(pieces)
    areas = next((each for each in layers if each.table in ("communities", "boundary")), None)
    anchor = areas or next((each for each in layers if each.table == "buildings"), None)
    if anchor is None:
        return []
    findings, near = [], [anchor]
    for layer in layers:
        if layer is not anchor and layer.table != "boundary":
            apart = _find_far(layer, anchor)
            findings += apart
            near += [] if apart else [layer]
    for homes in (each for each in near if each.table == "buildings"):
        others = [each for each in near if each.table in ("streets", "barriers")]
        findings += _find_shifted(homes, areas, others)
    return list(dict.fromkeys(findings))


def compare_areas(
    first: gpd.GeoDataFrame, second: gpd.GeoDataFrame, *, key: str | None = None
) -> pd.DataFrame:
    """Compare two layers of the same areas, each also read as GCJ-02 and BD-09.

    Parameters
    ----------
    first, second : GeoDataFrame
        Layers of areas with a CRS, whose degrees were read as WGS-84.
    key : str, optional
        Column that says which areas are the same in both; areas of one key are joined, keys of one
        layer only are left out. By default each layer is one area.

    Returns
    -------
    DataFrame
        Index: the key, as text. Columns ``as_read``, ``first_gcj02``, ``first_bd09``,
        ``second_gcj02``, ``second_bd09``: area of the intersection by that of the union, 0 to 1.
        ``probable``: the best of these columns where it is clearly better, else "as_read". Clearly:
        what does not overlap falls by half or more, and by 0.2 % of the union at least.

    Raises
    ------
    TableError
        If a layer has no CRS, the key is not a column of both, or they have no key in common.

    Examples
    --------
    >>> town = gpd.GeoDataFrame(geometry=[shapely.box(122.2, 40.6, 122.3, 40.7)], crs=4326)
    >>> compare_areas(town, town)[["as_read", "probable"]].values.tolist()
    [[1.0, 'as_read']]
    """
    areas = [_join_areas(frame, key) for frame in (first, second)]
    keys = areas[0].index.intersection(areas[1].index, sort=False)
    if keys.empty:
        raise TableError(f"no area of the one layer has the {key} of an area of the other")
    one, two = (each[keys].to_numpy(object) for each in areas)
    table = {"as_read": _share_overlap(one, two)}
    for datum in READINGS[1:]:
        table[f"first_{datum}"] = _share_overlap(_read_areas(one, datum), two)
    for datum in READINGS[1:]:
        table[f"second_{datum}"] = _share_overlap(one, _read_areas(two, datum))
    overlaps = pd.DataFrame(table, index=keys)
    best = overlaps.idxmax(axis=1)
    apart, left = 1 - overlaps["as_read"], 1 - overlaps.max(axis=1)
    clear = (left <= apart / 2) & (apart - left >= 0.002)
    return overlaps.assign(probable=best.where(clear, "as_read"))


def _gather_layers(pieces: Mapping[str, Sequence[gpd.GeoDataFrame]]) -> list[_Layer]:
    """Make one layer of each table, but one of each layer of buildings; areas first."""
    layers = []
    for table in ("communities", "boundary", "buildings", "streets", "barriers"):
        frames = [frame for frame in map(_keep_shapes, pieces.get(table, [])) if len(frame)]
        for part in [[each] for each in frames] if table == "buildings" else filter(None, [frames]):
            alone = len(frames) == 1 or len(part) > 1
            name = table if alone else str(part[0].attrs.get("layer", table))
            layers.append(_make_layer(name, table, part))
    return layers


def _keep_shapes(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Leave out rows without a place, and paths, which lead through buildings."""
    shapes = frame.geometry.to_numpy()
    whole = np.isfinite(shapely.bounds(shapes)).all(axis=1) & ~shapely.is_empty(shapes)
    return frame[whole]


def _make_layer(name: str, table: str, frames: Sequence[gpd.GeoDataFrame]) -> _Layer:
    """Put the parts of a table together, with a sample of the buildings."""
    datums = {_plain_datum(frame) for frame in frames}
    crs = frames[0].crs
    shapes = pd.concat([frame.geometry.to_crs(crs) for frame in frames], ignore_index=True)
    weights = np.ones(len(shapes))
    if table == "buildings":
        weights = _count_homes(frames[0])
        lived = np.flatnonzero(weights > 0)
        rows = lived[_spread(len(lived), _SAMPLE)]
        shapes, weights = shapes.iloc[rows], weights[rows]
    datum = datums.pop() if len(datums) == 1 else ""
    return _Layer(name, table, datum, gpd.GeoDataFrame(geometry=shapes), weights)


def _plain_datum(frame: gpd.GeoDataFrame) -> str:
    datum = str(frame.attrs.get("datum", "wgs84"))
    return "wgs84" if datum == "cgcs2000" else datum


def _count_homes(frame: gpd.GeoDataFrame) -> Floats:
    """Return the households of each row; ones where none are known."""
    if "households" not in frame:
        return np.ones(len(frame))
    homes = np.nan_to_num(parse_numbers(frame["households"])[0]).clip(0)
    return homes if homes.sum() > 0 else np.ones(len(frame))


def _spread(count: int, most: int) -> Ints:
    """Choose up to ``most`` positions, evenly spread over all."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))
