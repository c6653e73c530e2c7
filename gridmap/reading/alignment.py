"""Layers that don't lie on each other, and the datum, axes or CRS under which they would.

Files in GCJ-02 and BD-09 say EPSG:4326 like those in WGS-84, so a city's layers may come together
some 500 or 1300 m apart, latitude first, or a zone of the projection away. A sample of each layer
is therefore read in every other way, and what fits only in another way is reported. Nothing is
moved here.

Three things tell whether two layers fit: households stand inside communities, buildings don't stand
on streets and water, and borders of communities run along streets. A reading is *clearly better*

- if the households outside were more than 5 %, and become a fifth of that or fewer. A shift of
  GCJ-02 puts 7 % of a city of 10 km outside; a boundary that is out of date leaves 1 or 2 %.
- if the buildings that stand on a line were at least 4 %, and 20 of the sample, and become a third
  of that or fewer. In four real cities they are 0 to 4 % (passages, bridges), shifted mostly 7 to
  30 %.
- if the borders away from every street become 0.6 of what they were or fewer, and that is a fifth
  of all borders. Where a layer comes to its place that ratio was 0.42 and less, by chance 0.78 and
  more.

The fewest layers are blamed with which no other reading of any two layers is clearly better.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Geod, Transformer

from gridmap.crs import to_metric
from gridmap.datum import from_wgs84, shift_frame, to_wgs84
from gridmap.errors import TableError
from gridmap.reading.attributes import parse_numbers, settle_kinds
from gridmap.reading.columns import to_text
from gridmap.reading.findings import Finding

__all__ = ["compare_areas", "find_misread"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
#: The reading of a layer, and that of another one.
Readings = tuple[str, str]

#: The readings of degrees; CGCS2000 is WGS-84 here.
READINGS = ("wgs84", "gcj02", "bd09")
#: Rows of a layer, and places on borders, that are looked at.
_SAMPLE, _BORDER_PLACES = 1000, 1000
#: Metres: a household farther outside than this is refused when buildings are placed.
_OUTSIDE = 100.0
#: Metres from a line: where a point stands on it, a border runs along it, and a building has it as
#: its street at all.
_ON_LINE, _ALONG_STREET, _NEAR_LINE = 4.0, 15.0, 150.0
#: Clearly better, as said above.
_OUTSIDE_SHARE, _OUTSIDE_RATIO = 0.05, 0.2
_ON_SHARE, _ON_FEWEST, _ON_RATIO = 0.04, 20, 1 / 3
_BORDER_FALL, _BORDER_RATIO = 0.2, 0.6
_AREA_FALL, _AREA_RATIO = 0.002, 0.5
#: Metres between layers that no datum explains, and the share inside with which another CRS does.
_FAR, _RESCUED = 100_000.0, 0.5
_SWAPPED = "probably latitude first: exchange longitude and latitude in the file"


@dataclass(frozen=True)
class _Layer:
    """A layer as it is read.

    Parameters
    ----------
    name : str
        What findings and ``datum=`` call it: its table, or its layer where buildings have several.
    table : str
        The table that it makes.
    datum : str
        The reading of its degrees; "" where its parts differ, and then it is not doubted.
    shapes : GeoSeries
        Its rows in their own CRS.
    weights : array of float
        Households of each row of buildings, else ones.
    swapped : bool
        Whether its axes were exchanged to read it at all.
    """

    name: str
    table: str
    datum: str
    shapes: gpd.GeoSeries
    weights: Floats
    swapped: bool

    @property
    def readings(self) -> tuple[str, ...]:
        """The ways in which its degrees may be read."""
        return READINGS if self.datum else ("",)

    @property
    def things(self) -> str:
        """What the weights count."""
        return self.table if (self.weights == 1).all() else "households"


class _Fit(NamedTuple):
    """How badly two layers fit in one reading of each."""

    bad: float  # share of what does not fit, 0 to 1
    metres: float = 0.0  # how far that is away, on average over everything
    lost: float = 0.0  # share of it that would be refused for its distance


@dataclass(frozen=True)
class _Pair:
    """Two layers, words for how well they fit, and how to measure that in a reading of each.

    ``inside`` tells whether the words are of what fits, not of what does not. Other readings are
    measured only where those at hand could be bettered.
    """

    first: _Layer
    second: _Layer
    words: str
    measure: Callable[[Readings], _Fit]
    is_better: Callable[[float, float], bool]
    inside: bool = False

    def find_fit(self, readings: Mapping[str, str]) -> _Fit:
        """Return how badly the two fit."""
        return self.measure((readings[self.first.name], readings[self.second.name]))

    def is_best(self, readings: Mapping[str, str]) -> bool:
        """Tell whether no readings of the two are clearly better than these."""
        bad = self.find_fit(readings).bad
        others = product(self.first.readings, self.second.readings)
        return not self.is_better(bad, 0.0) or not any(
            self.is_better(bad, self.measure(other).bad) for other in others
        )

    def describe(self, as_read: Mapping[str, str], chosen: Mapping[str, str]) -> str:
        """Say in words how well the two fit as read, and how well as chosen."""
        fits = [self.find_fit(readings).bad for readings in (as_read, chosen)]
        before, after = (100 * (1 - bad if self.inside else bad) for bad in fits)
        return f"{before:.1f} % of {self.words} as read, {after:.1f} %"


class _Ground:
    """The metric plane that layers are compared on, and readings of places in it."""

    def __init__(self, crs: Any) -> None:
        self.crs = crs
        self._degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def reread(self, places: Floats, first: _Layer, second: _Layer, readings: Readings) -> Floats:
        """Move places of ``first`` to where they lie among ``second`` if both are read so.

        ``second`` stays as it was read: what it would move by is taken off the places.
        """
        degrees = np.column_stack(self._degrees.transform(*places.T))
        lon, lat = np.where(np.isfinite(degrees), degrees, np.nan).T
        lon, lat = _change_reading(lon, lat, first.datum, readings[0])
        lon, lat = _change_reading(lon, lat, readings[1], second.datum)
        return np.column_stack(self._degrees.transform(lon, lat, direction="INVERSE"))

    def place(self, shapes: gpd.GeoSeries) -> tuple[Any, Flags]:
        """Bring shapes to the plane; tell which of them are in reach of its projection."""
        placed = shapes.to_crs(self.crs).to_numpy()
        known: Flags = np.asarray(np.isfinite(shapely.bounds(placed)).all(axis=1))
        return placed[known], known


def find_misread(pieces: Mapping[str, Sequence[gpd.GeoDataFrame]]) -> list[Finding]:
    """Say which layers are probably in another datum, axis order or CRS than they are read in.

    Parameters
    ----------
    pieces : mapping of str to sequence of GeoDataFrame
        Table -> its layers, as `sources.read_pieces` returns them, each in its own CRS.
        ``attrs`` has a layer's name (``layer``), the datum that it was read in (``datum``), and
        whether its axes had to be exchanged for that (``swapped``).

    Returns
    -------
    list of Finding
        ``refused`` if households lie farther than 100 m outside of every community because of it,
        else ``noted``. ``value`` is the evidence.
    """
    layers = list(_gather_layers(pieces))
    areas = next((each for each in layers if each.table in ("communities", "boundary")), None)
    anchor = areas or next((each for each in layers if each.table == "buildings"), None)
    if anchor is None:
        return []
    places = _read_degrees(anchor)[0]
    gaps = {each.name: _measure_gap(_read_degrees(each)[0], places) for each in layers}
    near = [layer for layer in layers if layer is anchor or gaps[layer.name] < _FAR]
    findings = _describe_swapped(layers, anchor) + _find_far(layers, anchor, gaps)
    lines = [each for each in near if each.table in ("streets", "barriers")]
    for homes in (each for each in near if each.table == "buildings"):
        findings += _find_shifted(homes, areas, lines)
    return list(dict.fromkeys(findings))


def compare_areas(
    first: gpd.GeoDataFrame, second: gpd.GeoDataFrame, *, key: str | None = None
) -> pd.DataFrame:
    """Compare two layers of the same areas, each also read as GCJ-02 and as BD-09.

    Parameters
    ----------
    first, second : GeoDataFrame
        Layers of areas with a CRS, whose degrees were read as WGS-84.
    key : str, optional
        Column of both that says which areas are the same; areas of one key are joined, those of a
        key that only one layer has are left out. By default each layer is one area.

    Returns
    -------
    DataFrame
        Index: the key, as text, in the order of ``first``. ``as_read``, ``first_gcj02``,
        ``first_bd09``, ``second_gcj02`` and ``second_bd09`` are the area of the intersection by
        that of the union (0 to 1). ``probable`` is the best of these columns where it is clearly
        better, else ``as_read``: what does not overlap is half of what it was or less, and that is
        0.2 % of the union or more.

    Raises
    ------
    TableError
        If a layer has no row or no CRS, ``key`` is not a column of both, or no key is in both.

    Examples
    --------
    >>> town = gpd.GeoDataFrame(geometry=[shapely.box(122.2, 40.6, 122.3, 40.7)], crs=4326)
    >>> compare_areas(town, town)["probable"].tolist()
    ['as_read']
    """
    areas = [
        _join_areas(frame, key, name) for frame, name in ((first, "first"), (second, "second"))
    ]
    keys = [name for name in areas[0].index if name in areas[1].index]
    if not keys:
        raise TableError(f"no area of the first layer has the {key} of one of the second")
    one, two = (each.loc[keys] for each in areas)
    table = {"as_read": _share_overlap(one, two)}
    table |= {f"first_{name}": _share_overlap(_read_as(one, name), two) for name in READINGS[1:]}
    table |= {f"second_{name}": _share_overlap(one, _read_as(two, name)) for name in READINGS[1:]}
    overlaps = pd.DataFrame(table, index=pd.Index(keys, dtype="str", name=key))
    apart, left = 1 - overlaps["as_read"], 1 - overlaps.max(axis=1)
    clear = (left <= _AREA_RATIO * apart) & (apart - left >= _AREA_FALL)
    return overlaps.assign(probable=overlaps.idxmax(axis=1).where(clear, "as_read"))


def _gather_layers(pieces: Mapping[str, Sequence[gpd.GeoDataFrame]]) -> Iterator[_Layer]:
    """Make a layer of each table, or of each part of the buildings; areas first."""
    for table in ("communities", "boundary", "buildings", "streets", "barriers"):
        kept = [_keep_placed(frame, table) for frame in pieces.get(table, [])]
        frames = [frame for frame in kept if len(frame)]
        if table == "buildings":
            for frame in frames:
                name = table if len(frames) == 1 else str(frame.attrs.get("layer", table))
                yield _make_layer(name, table, [frame])
        elif frames:
            yield _make_layer(table, table, frames)


def _keep_placed(frame: gpd.GeoDataFrame, table: str) -> gpd.GeoDataFrame:
    """Leave out rows without a place, what is no area among areas, and paths.

    Paths lead through buildings and courtyards, so they tell nothing.
    """
    shapes = frame.geometry.to_numpy()
    kept = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    if table in ("communities", "boundary"):
        kept &= shapely.get_dimensions(shapes) == 2
    if table == "streets":
        kept &= (settle_kinds(frame, table, [], "street")["kind"] != "path").to_numpy()
    return frame[kept]


def _make_layer(name: str, table: str, frames: Sequence[gpd.GeoDataFrame]) -> _Layer:
    """Put the parts of a table together."""
    crs = frames[0].crs
    shapes = pd.concat([frame.geometry.to_crs(crs) for frame in frames], ignore_index=True)
    datums = sorted({_plain_datum(frame) for frame in frames})
    weights = _count_homes(frames[0]) if table == "buildings" else np.ones(len(shapes))
    swapped = any(frame.attrs.get("swapped", False) for frame in frames)
    datum = datums[0] if len(datums) == 1 else ""
    return _Layer(name, table, datum, shapes, weights, swapped)


def _plain_datum(frame: gpd.GeoDataFrame) -> str:
    datum = str(frame.attrs.get("datum", "wgs84"))
    return "wgs84" if datum == "cgcs2000" else datum


def _count_homes(frame: gpd.GeoDataFrame) -> Floats:
    """Return the households of each row; ones where none are known."""
    if "households" not in frame:
        return np.ones(len(frame))
    homes = np.nan_to_num(parse_numbers(frame["households"])[0]).clip(0)
    return homes if homes.sum() > 0 else np.ones(len(frame))


def _spread(count: int) -> Ints:
    """Choose the positions of a sample, evenly spread over all."""
    return np.unique(np.linspace(0, count - 1, min(count, _SAMPLE)).round().astype(np.int64))


def _sample_lived(layer: _Layer) -> tuple[gpd.GeoSeries, Floats]:
    """Choose rows with weight, as points in their own CRS, and their weights."""
    rows = np.flatnonzero(layer.weights > 0)
    rows = rows[_spread(len(rows))]
    shapes = layer.shapes.iloc[rows]
    centres = shapely.centroid(shapes.to_numpy())
    return gpd.GeoSeries(centres, crs=shapes.crs), layer.weights[rows]


def _find_inside(points: Any, areas: Any) -> Flags:
    """Tell which points lie inside or on the border of an area."""
    inside = np.zeros(len(points), np.bool_)
    # The tree prepares what is asked for: few areas of many vertices, not many points.
    inside[shapely.STRtree(points).query(areas, predicate="intersects")[1]] = True
    return inside


# --- datum ----------------------------------------------------------------------------------------


def _find_shifted(homes: _Layer, areas: _Layer | None, lines: Sequence[_Layer]) -> list[Finding]:
    """Say in which datum buildings, areas and lines probably are, if not as they are read."""
    group = [homes, *([areas] if areas else []), *lines]
    ground = _Ground(to_metric((areas or homes).shapes).crs)
    lon, lat = np.median(_read_degrees(areas or homes)[0], axis=0)
    if from_wgs84(lon, lat, "gcj02")[0] == lon:
        return []  # outside China: no datum is shifted
    pairs = [_compare_inside(homes, areas, ground)] if areas else []
    pairs += [_compare_lines(homes, line, ground) for line in lines]
    if areas:
        pairs += [
            _compare_borders(areas, each, ground) for each in lines if each.table == "streets"
        ]
    as_read = {layer.name: layer.datum for layer in group}
    chosen = _choose_readings(group, pairs, as_read)
    changed = [layer for layer in group if chosen[layer.name] != layer.datum]
    return _describe_readings(changed, pairs, as_read, chosen)


def _choose_readings(
    group: Sequence[_Layer], pairs: Sequence[_Pair], as_read: dict[str, str]
) -> dict[str, str]:
    """Choose readings with which all pairs fit, of the fewest layers; as read if there are none."""
    if all(pair.is_best(as_read) for pair in pairs):
        return as_read

    def rank(readings: dict[str, str]) -> tuple[float, ...]:
        fits = [pair.find_fit(readings) for pair in pairs]
        kept = [readings[name] == datum for name, datum in as_read.items()]
        # Among equals buildings are blamed before areas, and those before lines.
        return -sum(kept), sum(fit.bad for fit in fits), sum(fit.metres for fit in fits), *kept

    choices = product(*(layer.readings for layer in group))
    options = [dict(zip(as_read, choice, strict=True)) for choice in choices]
    fitting = [each for each in options if all(pair.is_best(each) for pair in pairs)]
    return min(fitting, key=rank, default=as_read)


def _describe_readings(
    changed: Sequence[_Layer],
    pairs: Sequence[_Pair],
    as_read: Mapping[str, str],
    chosen: Mapping[str, str],
) -> list[Finding]:
    """Make a finding of each layer that is probably not in the datum that it was read in."""
    how = " and ".join(f"{layer.name} read as {chosen[layer.name]}" for layer in changed)
    doubts = [pair.describe(as_read, chosen) for pair in pairs if not pair.is_best(as_read)]
    evidence = f"{doubts[0]} with {how}" if doubts else ""
    evidence = "; ".join([evidence, *(f"{each} then" for each in doubts[1:])])
    lost = any(pair.find_fit(as_read).lost > pair.find_fit(chosen).lost for pair in pairs)
    findings = []
    for layer in changed:
        datum = chosen[layer.name]
        advice = f'if so, give datum={{"{layer.name}": "{datum}"}}'
        problem = f"probably in {datum}, not {layer.datum}: {advice}"
        action = "refused" if lost and layer.table not in ("streets", "barriers") else "noted"
        findings.append(Finding(layer.name, "", "datum", evidence, problem, action))
    return findings


def _compare_inside(homes: _Layer, areas: _Layer, ground: _Ground) -> _Pair:
    """Compare buildings with areas by the households that live outside of every area."""
    points, weights = _sample_lived(homes)
    placed, known = ground.place(points)
    places, shares = shapely.get_coordinates(placed), weights[known] / weights[known].sum()
    shapes = areas.shapes.to_crs(ground.crs).to_numpy()
    tree = shapely.STRtree(shapes)

    @cache
    def measure(readings: Readings) -> _Fit:
        moved: Any = shapely.points(ground.reread(places, homes, areas, readings))
        outside = np.flatnonzero(~_find_inside(moved, shapes))
        metres = np.zeros(len(moved))
        (at, _), far = tree.query_nearest(moved[outside], return_distance=True, all_matches=False)
        metres[outside[at]] = far
        lost = shares[metres > _OUTSIDE].sum()
        return _Fit(float(shares[outside].sum()), float(metres @ shares), float(lost))

    words = f"{homes.things} inside {areas.name}"
    return _Pair(homes, areas, words, measure, _is_clearly_inside, inside=True)


def _is_clearly_inside(base: float, other: float) -> bool:
    return base > _OUTSIDE_SHARE and other <= _OUTSIDE_RATIO * base


def _compare_lines(homes: _Layer, lines: _Layer, ground: _Ground) -> _Pair:
    """Compare buildings with streets or barriers by those that stand on one, of those near one.

    Where a reading leaves half of the buildings or fewer near a line that another one has there,
    their share on it says nothing: it counts as high as it is by chance.
    """
    shapes, _ = ground.place(homes.shapes.iloc[_spread(len(homes.shapes))])
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    reach = np.where(shapely.get_dimensions(shapes) == 2, 0.0, _ON_LINE)
    counts = shapely.get_num_coordinates(shapes)
    tree = shapely.STRtree(_cut_segments(lines.shapes.to_crs(ground.crs).to_numpy()))

    @cache
    def count(readings: Readings) -> tuple[int, int]:
        shifts = ground.reread(centres, homes, lines, readings) - centres
        vertices = shapely.get_coordinates(shapes) + np.repeat(shifts, counts, axis=0)
        moved = shapely.set_coordinates(shapes.copy(), vertices)
        (at, _), metres = tree.query_nearest(
            moved, max_distance=_NEAR_LINE, return_distance=True, all_matches=False
        )
        return len(at), int((metres <= reach[at]).sum())

    def measure(readings: Readings) -> _Fit:
        near, standing = count(readings)
        if near > len(shapes) / 2:
            return _Fit(standing / near)
        tried = [count(each) for each in product(homes.readings, lines.readings)]
        most = max(near for near, _ in tried)
        shares = [standing / near for near, standing in tried if near > most / 2]
        return _Fit(standing / near if near > most / 2 else max(shares, default=0.0))

    words = f"{homes.name} on {lines.name}"
    least = max(_ON_SHARE, _ON_FEWEST / len(shapes))
    return _Pair(homes, lines, words, measure, partial(_is_clearly_off, least=least))


def _is_clearly_off(base: float, other: float, least: float) -> bool:
    return base >= least and other <= _ON_RATIO * base


def _cut_segments(shapes: Any) -> Any:
    """Cut lines into pieces of two vertices, which a tree finds the nearest of sooner."""
    parts = shapely.get_parts(shapes)
    lines = parts[shapely.get_dimensions(parts) == 1]
    vertices, line = shapely.get_coordinates(lines, return_index=True)
    inner = np.flatnonzero(line[1:] == line[:-1])
    segments = shapely.linestrings(np.stack([vertices[inner], vertices[inner + 1]], axis=1))
    return np.concatenate([segments, parts[shapely.get_dimensions(parts) != 1]])


def _compare_borders(areas: _Layer, streets: _Layer, ground: _Ground) -> _Pair:
    """Compare areas with streets by the share of their borders that no street runs along."""
    borders: Any = shapely.get_parts(shapely.boundary(areas.shapes.to_crs(ground.crs).to_numpy()))
    places = shapely.get_coordinates(_spread_places(borders))
    tree = shapely.STRtree(_cut_segments(streets.shapes.to_crs(ground.crs).to_numpy()))

    @cache
    def measure(readings: Readings) -> _Fit:
        moved = shapely.points(ground.reread(places, areas, streets, readings))
        hits, _ = tree.query(moved, predicate="dwithin", distance=_ALONG_STREET)
        return _Fit(1.0 - len(np.unique(hits)) / len(places))

    words = f"the borders of {areas.name} away from {streets.name}"
    return _Pair(areas, streets, words, measure, _is_clearly_along)


def _spread_places(lines: Any) -> Any:
    """Return places on lines, as many on each as its length asks for."""
    lengths = shapely.length(lines)
    counts = np.ceil(_BORDER_PLACES * lengths / lengths.sum()).astype(np.int64)
    line = np.repeat(np.arange(len(lines)), counts)
    # The k-th of n places lies in the middle of the k-th n-th of the line.
    number = np.arange(len(line)) - np.repeat(np.cumsum(counts) - counts, counts)
    steps = (number + 0.5) / counts[line]
    return shapely.line_interpolate_point(lines[line], steps, normalized=True)


def _is_clearly_along(base: float, other: float) -> bool:
    return base - other >= _BORDER_FALL and other <= _BORDER_RATIO * base


def _change_reading(lon: Floats, lat: Floats, was: str, now: str) -> tuple[Floats, Floats]:
    """Convert WGS-84 degrees that were made in reading ``was`` to those of reading ``now``."""
    return (lon, lat) if was == now else to_wgs84(*from_wgs84(lon, lat, was), now)


# --- axes and CRS ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Way:
    """A way to read a layer: in which CRS, and whether its axes are exchanged for that."""

    words: str
    crs: Any
    swapped: bool = False

    def to_degrees(self, places: Floats) -> Floats:
        """Bring a layer's coordinates to degrees."""
        x, y = (places[:, ::-1] if self.swapped else places).T
        return np.column_stack(self._degrees.transform(x, y))

    def from_degrees(self, degrees: Floats) -> Floats:
        """Bring degrees to the layer's coordinates."""
        lon, lat = degrees.T
        places = np.column_stack(self._degrees.transform(lon, lat, direction="INVERSE"))
        return places[:, ::-1] if self.swapped else places

    @property
    def _degrees(self) -> Transformer:
        return Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True)


def _describe_swapped(layers: Sequence[_Layer], anchor: _Layer) -> list[Finding]:
    """Report layers that were on Earth only with their axes exchanged."""
    findings = []
    homes = next((each for each in layers if each.table == "buildings"), anchor)
    for layer in (each for each in layers if each.swapped):
        other = homes if layer is anchor else layer
        value = "no row on Earth as read"
        if other is not anchor:
            share = _share_inside(*_read_degrees(other), _outline(anchor, "EPSG:4326"))
            value += f", {100 * share:.1f} % of {other.things} inside {anchor.name} if exchanged"
        findings.append(Finding(layer.name, "", "geometry", value, _SWAPPED, "refused"))
    return findings


def _find_far(layers: Sequence[_Layer], anchor: _Layer, gaps: Mapping[str, float]) -> list[Finding]:
    """Report what lies in another part of the country: the anchor, if that is far from all."""
    others = [layer for layer in layers if layer is not anchor]
    far = [layer for layer in others if gaps[layer.name] >= _FAR]
    if len(far) < len(others):
        return [_describe_far(layer, anchor, [layer], gaps[layer.name]) for layer in far]
    doubted = [anchor] if len(far) > 1 else [*far, anchor]
    return [_describe_far(layer, anchor, doubted, gaps[layer.name]) for layer in far[:1]]


def _describe_far(
    layer: _Layer, anchor: _Layer, doubted: Sequence[_Layer], metres: float
) -> Finding:
    """Report a layer that is far from the anchor, and which reading of those doubted mends that."""
    ways = [way for each in doubted for way in _read_otherwise(each, layer, anchor)]
    of, other = (anchor, layer) if doubted[0] is anchor else (layer, anchor)
    gap = f"{metres / 1000:.0f} km" if np.isfinite(metres) else "more than the projection reaches"
    value, problem = f"{gap} from {other.name} as read", f"far from {other.name}: "
    share = max((share for share, _ in ways), default=0.0)
    if share >= _RESCUED:
        best = ", or ".join(words for each, words in ways if each == share)
        value += f", {100 * share:.1f} % of {layer.things} inside {anchor.name} if so"
        problem += f"probably {best}; correct it in the file"
    else:
        problem += "is its CRS right, and is it of this city?"
    action = "noted" if of.table in ("streets", "barriers", "boundary") else "refused"
    return Finding(of.name, "", "CRS", value, problem, action)


def _read_otherwise(doubted: _Layer, layer: _Layer, anchor: _Layer) -> Iterator[tuple[float, str]]:
    """Yield how much of the layer lies inside the anchor in each other way to read one of them."""
    degrees, weights = _read_degrees(anchor if doubted is layer else layer)
    if doubted is layer:
        points, weights = _sample_lived(layer)
        places, outline = shapely.get_coordinates(points.to_numpy()), _outline(anchor, "EPSG:4326")
    else:
        outline = _outline(anchor, anchor.shapes.crs)
    for way in _other_ways(doubted, np.median(degrees, axis=0)) if len(degrees) else ():
        moved = way.to_degrees(places) if doubted is layer else way.from_degrees(degrees)
        yield _share_inside(moved, weights, outline), f"{doubted.name} {way.words}"


def _other_ways(layer: _Layer, centre: Floats) -> Iterator[_Way]:
    """Yield the other ways to read a layer: axes exchanged, and projections used around there."""
    crs = layer.shapes.crs
    if crs.is_projected or np.abs(layer.shapes.total_bounds).max() <= 90:
        yield _Way("with exchanged axes", crs, swapped=True)
    for code in _list_projections(*centre) if crs.is_projected else []:
        if code != crs.to_epsg():
            yield _Way(f"in EPSG:{code}, not {crs.to_string()}", f"EPSG:{code}")


def _list_projections(lon: float, lat: float) -> list[int]:
    """List the EPSG codes in use around a place: CGCS2000 zones of 3° and 6°, and UTM."""
    codes = []
    for meridian in range(75, 138, 3):
        if abs(meridian - lon) <= 4.5:
            # Without and with the number of the zone before the easting.
            codes += [4534 + (meridian - 75) // 3, 4513 + (meridian - 75) // 3]
            codes += [4491 + (meridian - 75) // 6] if meridian % 6 == 3 else []
    zone = int((lon + 180) // 6) + 1
    north = 32600 if lat >= 0 else 32700
    return codes + [north + each for each in (zone - 1, zone, zone + 1) if 1 <= each <= 60]


def _read_degrees(layer: _Layer) -> tuple[Floats, Floats]:
    """Return a sample of the layer in degrees as it is read, and its weights."""
    points, weights = _sample_lived(layer)
    degrees = shapely.get_coordinates(points.to_crs("EPSG:4326").to_numpy())
    known = np.isfinite(degrees).all(axis=1)
    return degrees[known], weights[known]


def _share_inside(places: Floats, weights: Floats, outline: Any) -> float:
    """Return the share of the weight at these places that lies inside the outline."""
    placed = np.isfinite(places).all(axis=1)
    inside = _find_inside(shapely.points(places[placed]), outline)
    return float(weights[placed][inside].sum() / weights.sum())


def _outline(layer: _Layer, crs: Any) -> Any:
    """Return the areas of a layer, or the hull of its buildings."""
    shapes = layer.shapes.to_crs(crs).to_numpy()
    if layer.table != "buildings":
        return shapes
    return np.array([shapely.convex_hull(shapely.multipoints(shapely.get_coordinates(shapes)))])


def _measure_gap(one: Floats, two: Floats) -> float:
    """Return the metres between the boxes of two sets of degrees, each without its outer tenth."""
    if not (len(one) and len(two)):
        return np.inf
    (west, south), (east, north) = np.quantile(one, (0.05, 0.95), axis=0)
    (left, low), (right, high) = np.quantile(two, (0.05, 0.95), axis=0)
    lon = (east, left) if east < left else (west, right) if right < west else (west, west)
    lat = (north, low) if north < low else (south, high) if high < south else (south, south)
    return float(Geod(ellps="WGS84").inv(lon[0], lat[0], lon[1], lat[1])[2])


# --- areas ----------------------------------------------------------------------------------------


def _join_areas(frame: gpd.GeoDataFrame, key: str | None, name: str) -> gpd.GeoSeries:
    """Return the areas in degrees, joined by the key."""
    if frame.crs is None or frame.empty:
        raise TableError(f"the {name} layer has no {'row' if frame.empty else 'CRS'}")
    if key is not None and key not in frame:
        raise TableError(f"the {name} layer has no column {key!r}; it has {list(frame.columns)}")
    areas = frame.set_geometry(frame.make_valid())[[frame.geometry.name]].to_crs("EPSG:4326")
    keys = to_text(frame[key]).to_numpy(object) if key is not None else np.full(len(frame), "")
    return areas.dissolve(by=keys, sort=False).geometry


def _read_as(areas: gpd.GeoSeries, datum: str) -> gpd.GeoSeries:
    """Return the areas as they lie if their degrees are of ``datum``."""
    return shift_frame(gpd.GeoDataFrame(geometry=areas), datum).make_valid()


def _share_overlap(first: gpd.GeoSeries, second: gpd.GeoSeries) -> Floats:
    """Return the area of each intersection by that of the union."""
    crs = to_metric(gpd.GeoDataFrame(geometry=first)).crs
    one, two = (each.to_crs(crs).to_numpy() for each in (first, second))
    both = shapely.area(shapely.intersection(one, two))
    return both / (shapely.area(one) + shapely.area(two) - both)
