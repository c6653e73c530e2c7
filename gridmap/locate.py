"""Which grid owns a point, how surely, and which grid would be next.

**One owner.** Every corner of every grid, and every point asked for, is rounded to 1e-7 degrees
(about 1 cm), so that all tests are exact tests on whole numbers, the same before and after a save
with seven decimals. For a point on a border the rule depends on the shapes alone:

    Stand on the point, face due east and turn anticlockwise: the first grid that you look into
    owns the point.

Inside the territory that is the half-open rule: west and south borders are in, east and north
borders are out, a corner belongs to the grid just north of due east of it. On the outline, where
the view east may leave the territory, turning on finds a grid that touches the point. Grids are
found by the parity of the edges crossed on the way east. Each inner edge of a coverage belongs to
two grids, so inside the territory at least one grid has an odd count, always. Where grids overlap,
an exclusive grid owns the point before any base grid; among grids of a kind, the one whose list of
edges comes first in the order of numbers, whatever its code. What an exclusive grid covers is no
part of the base grid below it, so the metres to the border of either are those to land that
another grid owns, and each is the runner-up of the other.

Edges are straight in longitude and latitude. In a metric CRS they were straight there: over 1 km
the two differ by less than 2 cm, the same for both neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gridmap.cells import (
    NEAREST,
    NONE,
    Index,
    answer_point,
    answer_points,
    build_index,
    cut_zones,
    order_by_shape,
    own_points,
    trace_edges,
)
from gridmap.crs import to_degrees
from gridmap.datum import DATUMS, place_to_wgs84, settle_datum, tell_datums, to_wgs84
from gridmap.errors import CrsError, DatumError, IndexFileError, RulesError, TableError
from gridmap.index_files import open_arrays, write_arrays
from gridmap.later import later
from gridmap.near import Near, look_around
from gridmap.reading.layers import (
    DATUM_NAMES,
    LAT_NAMES,
    LON_NAMES,
    find_column,
    read_csv,
)
from gridmap.tables import AREAS, GRIDS, list_some

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from gridmap.plan import Plan
else:
    gpd = later("geopandas")
    pd = later("pandas")

Ints = NDArray[Any]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Answers = tuple[Ints, Ints, Floats, Floats, Ints]

#: What an answer can be, by the number that the kernels give it.
MATCHES = ("inside", "border", "nearest", "none")
#: The columns of an answer, in order.
ANSWER = ("grid_code", "match", "border_m", "distance_m", "runner_up", "suspect", "hint")
#: What may be suspected of a position that found no grid; a datum is one that would explain it.
SUSPECTED = ("", "missing", "swapped", *DATUMS, "impossible")
#: The same in words, but for datums.
SUSPECTS = {
    "missing": "no coordinates",
    "swapped": "longitude and latitude look swapped",
    "impossible": "not on Earth; are they degrees?",
}

_WHAT = "gridmap locator 5"  # goes up when the index or what it means changes
_MOST_NAMED = 1 << 16  # codes that are kept at hand
_SHIFT = 0.05  # degrees: no datum moves a position farther


class Owner(NamedTuple):
    """The grid that answers for a point.

    Parameters
    ----------
    grid_code : str or None
        The grid; None where the territory is farther than ``nearest`` metres.
    match : str
        ``inside``; ``border``: inside, but less than ``near_border`` metres from the border of the
        grid, which a phone can't tell from the other side; ``nearest``: outside the territory, the
        grid is the nearest one; ``none``.
    border_m : float
        Metres to the border of that grid, whatever lies across; NaN for ``none``.
    distance_m : float
        Metres outside the territory, 0 inside; NaN for ``none``.
    runner_up : str or None
        The grid across the nearest border. Where nothing lies across it, the nearest other grid
        within ``near_border`` metres; for ``nearest``, the second nearest within reach.
    suspect : str
        For ``none``: ``swapped`` if the position would be in a grid with longitude and latitude
        exchanged, else the first datum that it would be in a grid as; ``""`` if there is none.
    hint : str
        The same in words, with all that is possible.
    """

    grid_code: str | None
    match: str
    border_m: float
    distance_m: float
    runner_up: str | None
    suspect: str = ""
    hint: str = ""


_make_owner = partial(tuple.__new__, Owner)  # half the time of `Owner` itself


class Judged(NamedTuple):
    """The answers of `Locator.judge`, a row each.

    Parameters
    ----------
    grid, runner_up : array of int
        Positions in `Locator.codes`; their number for nobody.
    match : array of int
        Positions in `MATCHES`.
    border_m, distance_m : array of float
        Metres, as in `Owner`; NaN for none.
    suspect : array of int
        Positions in `SUSPECTED`.
    """

    grid: Ints
    match: Ints
    border_m: Floats
    distance_m: Floats
    runner_up: Ints
    suspect: Ints


class Locator:
    """An index over grids: built once, asked often, never changed.

    Every answer depends on the shapes of the grids only (and on their kind, where they overlap):
    not on their codes or their order in the table, and it is the same for one point and for many
    (see the module for the rule on borders and overlaps).
    Points are rounded to 1e-7 degrees, about 1 cm. Distances are measured on the WGS-84 ellipsoid's
    tangent plane at the point, given in whole millimetres; good to 0.1 % over a few km.

    Parameters
    ----------
    grids : GeoDataFrame
        Index ``grid_code``, Polygon or MultiPolygon, in any CRS. Expected to be a coverage: shared
        borders are identical, corner for corner. Where an exclusive grid (``grid_type`` is
        ``exclusive``, a column that may be absent) overlaps others, it owns what it covers.
    near_border : float
        Metres from the border below which an inside answer is called ``border``; to the millimetre.
    nearest : float
        Metres outside the territory up to which the nearest grid answers.

    Raises
    ------
    TableError
        If a code is missing or occurs twice; a shape is missing, not an area, thinner than 1 cm or
        the same as another one; or the territory is too large for exact arithmetic.
    CrsError
        If the grids have no CRS, or one in which they don't lie on Earth.
    RulesError
        If a distance is below 0 or not finite.

    Examples
    --------
    >>> from shapely import box
    >>> grids = gpd.GeoDataFrame(
    ...     geometry=[box(122.0, 40.0, 122.001, 40.001), box(122.001, 40.0, 122.002, 40.001)],
    ...     index=pd.Index(["west", "east"], name="grid_code"), crs="EPSG:4326")
    >>> owner = Locator(grids).locate(122.001, 40.0005)
    >>> owner.grid_code, owner.match, owner.border_m, owner.runner_up
    ('east', 'border', 0.0, 'west')
    """

    def __init__(
        self, grids: gpd.GeoDataFrame, *, near_border: float = 15.0, nearest: float = 50.0
    ) -> None:
        _check_distances(near_border, nearest)
        _check_grids(grids)
        self.near_border, self.nearest = round(float(near_border), 3), float(nearest)
        shapes = to_degrees(grids[[grids.geometry.name]]).geometry
        _check_bounds(shapes)
        owner, edges = trace_edges(shapes)
        _check_traced(grids, owner)
        rows = order_by_shape(grids, owner, edges)
        owner, edges = cut_zones(grids, shapes, owner, edges)
        place = np.empty(len(grids), np.int64)
        place[rows] = np.arange(len(grids))
        index = build_index(place[owner], edges, len(grids))
        self._fill(index, rows, [str(code) for code in grids.index[rows]])

    def _fill(
        self, index: Index, rows: Ints, codes: Sequence[str], near: Near | None = None
    ) -> None:
        """Take an index, the row of each of its grids, and their codes."""
        self._index, self._rows = index, rows
        self._near = near or look_around(index, self.near_border, self.nearest)
        self._codes = codes
        self._named = _Named(codes)
        self._asked = (*index, self.near_border, self.nearest)
        self._positions = np.append(rows, -1)

    @cached_property
    def _code_array(self) -> Any:
        """The codes as a column, and one for nobody; made when a table is first asked for."""
        return pd.array([*self._codes, None], dtype="str")

    def save(self, path: str | Path, *, fingerprint: str = "") -> None:
        """Write the index into a file that `open_locator` maps into memory.

        Parameters
        ----------
        path : path
            The file; it is whole or not there.
        fingerprint : str
            Of the plan that the grids are from: who opens the file can ask for it.
        """
        texts = [code.encode() for code in self._codes]
        heads = np.concatenate([[0], np.cumsum([len(text) for text in texts])])
        arrays = {**self._index._asdict(), **self._near._asdict(), "rows": self._rows}
        arrays |= {"codes": np.frombuffer(b"".join(texts), np.uint8), "code_heads": heads}
        about = {
            "what": _WHAT,
            "fingerprint": fingerprint,
            "near_border": self.near_border,
            "nearest": self.nearest,
        }
        write_arrays(path, arrays, about)

    def __len__(self) -> int:
        return len(self._rows)

    def locate(self, lon: float, lat: float, *, datum: str = "wgs84") -> Owner:
        """Find the grid that owns one position.

        Parameters
        ----------
        lon, lat : float
            Degrees, read in ``datum``.
        datum : str
            One of `gridmap.datum.DATUMS`.

        Raises
        ------
        DatumError
            If the position is not a number or not on Earth (unless swapping longitude and latitude
            puts it into the territory: then the answer is ``none`` and its hint says so), or if the
            datum is unknown.
        """
        try:
            east, north = float(lon), float(lat)
        except (TypeError, ValueError) as error:
            raise DatumError(f"longitude {lon!r}, latitude {lat!r} are not numbers") from error
        if not (-180 <= east <= 180 and -90 <= north <= 90):
            return self._locate_odd(east, north, datum)
        x, y = (east, north) if datum == "wgs84" else place_to_wgs84(east, north, datum)
        grid, match, border, distance, runner = answer_point(x, y, *self._asked)
        if match != NONE:
            named = self._named
            return _make_owner(
                (named[grid], MATCHES[match], border, distance, named[runner], "", "")
            )
        causes = self._suspect_one(east, north, datum)
        suspect = SUSPECTED[(causes & -causes).bit_length()]
        return Owner(None, MATCHES[NONE], math.nan, math.nan, None, suspect, _write_hint(causes))

    def locate_many(self, lon: ArrayLike, lat: ArrayLike, *, datum: str = "wgs84") -> pd.DataFrame:
        """Find the grid that owns each of many positions: the answers of `locate`, as a table.

        Parameters
        ----------
        lon, lat : array-like of float, shape (n,)
            Degrees, read in ``datum``.
        datum : str
            One of `gridmap.datum.DATUMS`.

        Returns
        -------
        DataFrame
            Columns `ANSWER`; the index of ``lon`` where it is a Series. No code is a missing value.

        Raises
        ------
        DatumError
            As `locate`, with the rows.
        TableError
            If there are not as many longitudes as latitudes.
        """
        index = lon.index if isinstance(lon, pd.Series) else None
        east, north = _to_numbers(lon, index, "longitude"), _to_numbers(lat, index, "latitude")
        _check_sizes(east, north)
        rows = pd.RangeIndex(east.size) if index is None else index
        _refuse(np.isnan(east) | np.isnan(north), east, north, rows, "not numbers")
        return self._tabulate(east, north, datum, rows)

    @property
    def codes(self) -> list[str]:
        """The codes of the grids, in the order of their shapes, by which `judge` numbers them."""
        return list(self._codes)

    def judge(self, lon: Floats, lat: Floats, *, datum: str = "wgs84") -> Judged:
        """Answer many positions as numbers, as quickly as can be: for those who write millions.

        Grid and match are those of `locate`. Metres and runner-up are given where the match is
        ``border`` or ``nearest`` only. Nothing is refused: what is not on Earth, or no number, has
        the match ``none``.

        Parameters
        ----------
        lon, lat : array of float, shape (n,)
            Degrees, read in ``datum``; NaN where one is missing.
        datum : str
            One of `gridmap.datum.DATUMS`.
        """
        east, north = _convert_possible(lon, lat, datum)
        grid, match, border, distance, runner = self._answer(east, north, self.near_border)
        suspect = np.zeros(len(lon), np.int8)
        rows = np.flatnonzero(match == NONE)
        suspect[rows] = _first_suspect(self._suspect(lon[rows], lat[rows], datum))
        return Judged(grid, match, border, distance, runner, suspect)

    def _answer(self, lon: Floats, lat: Floats, limit: float) -> Answers:
        """Answer positions; of borders, only those nearer than a limit are measured."""
        places = _lend(lon), _lend(lat)
        return answer_points(
            *self._index, *self._near, *places, self.near_border, self.nearest, limit
        )

    def owners(self, lon: ArrayLike, lat: ArrayLike, *, datum: str = "wgs84") -> NDArray[np.int64]:
        """Return the position, in the table of grids, of each point's owner; -1 outside.

        The quickest way to count points per grid: no distances are measured. Points that are not
        on Earth, or not numbers, lie outside.

        Parameters
        ----------
        lon, lat : array-like of float, shape (n,)
            Degrees, read in ``datum``.
        datum : str
            One of `gridmap.datum.DATUMS`.

        Raises
        ------
        TableError
            If there are not as many longitudes as latitudes.
        """
        east, north = _to_array(lon), _to_array(lat)
        _check_sizes(east, north)
        if datum != "wgs84":
            east, north = _convert_possible(east, north, datum)
        frame, cells, choices, _, _, edges, _ = self._index
        found = own_points(frame, cells, choices, edges, _lend(east), _lend(north))
        return self._positions.take(found, out=found, mode="clip")

    def _locate_odd(self, lon: float, lat: float, datum: str) -> Owner:
        """Answer a position that is not on Earth: raise, or say that it looks swapped."""
        if math.isnan(lon) or math.isnan(lat):
            raise DatumError(f"longitude {lon}, latitude {lat} are not numbers")
        if not self._owns(lat, lon, datum):
            raise DatumError(f"longitude {lon}, latitude {lat} are not on Earth; are they degrees?")
        hint = SUSPECTS["swapped"]
        return Owner(None, MATCHES[NONE], math.nan, math.nan, None, "swapped", hint)

    def _tabulate(self, lon: Floats, lat: Floats, datum: str, rows: pd.Index) -> pd.DataFrame:
        """Answer rows of which some may lack coordinates (NaN)."""
        missing = np.isnan(lon) | np.isnan(lat)
        odd = ~missing & ~_is_possible(lon, lat)
        if odd.any():
            swapped = self.owners(lat, lon, datum=datum) >= 0
            _refuse(odd & ~swapped, lon, lat, rows, "not on Earth; are they degrees?")
        east, north = _convert_possible(lon, lat, datum)
        grid, match, border, distance, runner = self._answer(east, north, math.inf)
        causes = np.zeros(len(lon), np.int64)
        nowhere = np.flatnonzero(match == NONE)
        causes[nowhere] = self._suspect(lon[nowhere], lat[nowhere], datum)
        columns = {
            "grid_code": self._code_array.take(grid),
            "match": pd.array(MATCHES, dtype="str").take(match),
            "border_m": border,
            "distance_m": distance,
            "runner_up": self._code_array.take(runner),
            "suspect": pd.array(SUSPECTED, dtype="str").take(_first_suspect(causes)),
            "hint": _write_hints(causes),
        }
        return pd.DataFrame(columns, index=rows)

    def _suspect_one(self, lon: float, lat: float, datum: str) -> int:
        """Return what `_suspect` does of one position on Earth; at once where nothing can be."""
        if not (self._is_about(lon, lat) or self._is_about(lat, lon)):
            return 0
        found = {"swapped": self._owns(lat, lon, datum)}
        found |= {name: self._owns(lon, lat, name) for name in _other_datums(datum)}
        return sum(1 << (SUSPECTED.index(name) - 1) for name, holds in found.items() if holds)

    def _owns(self, lon: float, lat: float, datum: str) -> bool:
        """Tell whether a grid owns one position; none owns what is not on Earth."""
        if abs(lon) > 180 or abs(lat) > 90:
            return False
        x, y = place_to_wgs84(lon, lat, datum)
        return bool(answer_point(x, y, *self._asked)[1] < NEAREST)

    def _is_about(self, lon: float, lat: float) -> bool:
        """Tell whether a position may be in the territory as any datum."""
        west, south, east, north = self._about
        return west <= lon <= east and south <= lat <= north

    @cached_property
    def _about(self) -> tuple[float, float, float, float]:
        """West, south, east and north of the territory, and of what any datum makes of it."""
        x0, y0, shift_x, shift_y, columns, rows, _ = (int(one) for one in self._index.frame)
        west, south = x0 / 1e7 - _SHIFT, y0 / 1e7 - _SHIFT
        east, north = x0 + (columns << shift_x), y0 + (rows << shift_y)
        return west, south, east / 1e7 + _SHIFT, north / 1e7 + _SHIFT

    def _suspect(self, lon: Floats, lat: Floats, datum: str) -> Ints:
        """Return what could be wrong with each position that found no grid.

        Bit n is set for what is at n + 1 in `SUSPECTED`.
        """
        causes = np.zeros(len(lon), np.int64)
        if not len(lon):
            return causes
        missing = np.isnan(lon) | np.isnan(lat)
        swapped = self.owners(lat, lon, datum=datum) >= 0
        found = {"missing": missing, "swapped": swapped}
        found |= {name: self.owners(lon, lat, datum=name) >= 0 for name in _other_datums(datum)}
        found["impossible"] = ~missing & ~swapped & ~_is_possible(lon, lat)
        for name, holds in found.items():
            causes |= holds.astype(np.int64) << (SUSPECTED.index(name) - 1)
        return causes


def _first_suspect(causes: Ints) -> Ints:
    """Return the place in `SUSPECTED` of the first of the causes that `_suspect` gives."""
    lowest = causes & -causes
    return np.frexp(lowest.astype(np.float64))[1].astype(np.int8)


def _write_hints(causes: Ints) -> Any:
    """Write all causes that `_suspect` gives in words."""
    found, places = np.unique(causes, return_inverse=True)
    return pd.array([_write_hint(int(one)) for one in found], dtype="str").take(places)


def _write_hint(causes: int) -> str:
    return "; ".join(
        SUSPECTS.get(name, f"inside if read as {name}")
        for bit, name in enumerate(SUSPECTED[1:])
        if causes >> bit & 1
    )


def open_locator(path: str | Path, *, fingerprint: str | None = None) -> Locator:
    """Open the index that `Locator.save` wrote; it is mapped into memory, not read.

    All processes of a machine that open it share its pages, and it answers from the first call on.

    Parameters
    ----------
    path : path
        The file.
    fingerprint : str, optional
        What it must have been saved with.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    IndexFileError
        If it is no index of grids, one of another version, of another plan, or cut short.
    """
    about, arrays = open_arrays(path)
    if about.get("what") != _WHAT:
        raise IndexFileError(
            f"{path} is an index of another kind ({about.get('what')}); delete it, and it is made "
            "again"
        )
    if fingerprint is not None and about["fingerprint"] != fingerprint:
        raise IndexFileError(
            f"{path} was made of the plan {about['fingerprint'][:12]}…, not {fingerprint[:12]}…; "
            "delete it, and it is made again"
        )
    locator = Locator.__new__(Locator)
    locator.near_border, locator.nearest = about["near_border"], about["nearest"]
    codes = _Codes(arrays["codes"], arrays["code_heads"])
    index = Index(*(arrays[name] for name in Index._fields))
    near = Near(*(arrays[name] for name in Near._fields))
    locator._fill(index, arrays["rows"], codes, near)
    _call_once(locator)
    return locator


class _Named(dict[Any, str | None]):
    """The code of a grid by its number, None for nobody: what was asked for lately is at hand."""

    def __init__(self, codes: Sequence[str]) -> None:
        self._codes = codes

    def __missing__(self, number: int) -> str | None:
        if len(self) >= _MOST_NAMED:
            self.clear()
        code = self._codes[number] if number < len(self._codes) else None
        self[number] = code
        return code


class _Codes(Sequence[str]):
    """Codes in a mapped file: each is read when it is asked for."""

    def __init__(self, text: NDArray[np.uint8], heads: NDArray[np.int64]) -> None:
        self._text, self._heads = text.data, heads.data  # views give plain numbers, and quicker

    def __len__(self) -> int:
        return len(self._heads) - 1

    def __getitem__(self, place: Any) -> Any:
        try:
            start, stop = self._heads[place], self._heads[place + 1]
        except TypeError:
            return [self[one] for one in range(*place.indices(len(self)))]
        return str(self._text[start:stop], "utf-8")


def _call_once(locator: Locator) -> None:
    """Ask in every way, so that what is not compiled yet is compiled before somebody waits."""
    lon, lat = (np.array([place / 1e7]) for place in locator._index.frame[:2])
    locator.locate(lon[0], lat[0])
    locator.judge(lon, lat)


def locate_points(
    locator: Locator,
    points: pd.DataFrame,
    *,
    lon: str = "lon",
    lat: str = "lat",
    datum: str | None = None,
) -> pd.DataFrame:
    """Join the owner of each point on to a table of points.

    Parameters
    ----------
    locator : Locator
        The grids.
    points : DataFrame
        One row per point. It is not changed.
    lon, lat : str
        Columns of degrees, numbers or text. Where one is missing, the first column is taken that
        has a usual name (lng, longitude, 经度, x; latitude, 纬度, y …) in any case.
    datum : str, optional
        One of `gridmap.datum.DATUMS`; by default what a column ``datum`` (坐标系) says, or WGS-84.

    Returns
    -------
    DataFrame
        All rows of ``points``, in order, with the columns `ANSWER`. A row without coordinates is
        kept: match ``none``, hint "no coordinates". A column of ``points`` that is called as one of
        `ANSWER` has ``given_`` before its name.

    Raises
    ------
    TableError
        If no column of longitudes or latitudes is found.
    DatumError
        If coordinates are not numbers or not on Earth, with the rows; or a column names another
        datum, or more than one, or one for some rows with coordinates and none for others.
    """
    columns = (
        points[_find_column(points, lon, (*LON_NAMES, "x"))],
        points[_find_column(points, lat, (*LAT_NAMES, "y"))],
    )
    east = _to_numbers(columns[0], points.index, "longitude")
    north = _to_numbers(columns[1], points.index, "latitude")
    datum = settle_datum(datum, _list_told(points, ~(np.isnan(east) | np.isnan(north))))
    answer = locator._tabulate(east, north, datum, points.index)
    given = points.set_axis(rename_given(points.columns, ANSWER), axis=1)
    return pd.concat([given, answer], axis=1)


def _list_told(points: pd.DataFrame, placed: NDArray[np.bool_]) -> list[Any]:
    naming = find_column(points.columns, DATUM_NAMES)
    if naming is None:
        return []
    names = points[naming].astype(object).where(points[naming].notna(), None)
    return tell_datums(names.unique(), names[placed].unique())


def rename_given(names: Iterable[Any], answer: Sequence[str]) -> list[Any]:
    """Return the names of given columns as they stand beside an answer's, so that none is lost.

    Parameters
    ----------
    names : iterable
        The given columns.
    answer : sequence of str
        Those of the answer, which always have their own names.

    Examples
    --------
    >>> rename_given(["case", "grid_code"], ["grid_code", "match"])
    ['case', 'given_grid_code']
    """
    told = list(names)
    taken = {*told, *answer}
    for place, name in enumerate(told):
        if name in answer:
            while told[place] in taken:
                told[place] = f"given_{told[place]}"
            taken.add(told[place])
    return told


def make_locator(plan: Plan) -> Locator:
    """Build the locator of a plan, with the distances of its rules."""
    return Locator(plan.grids, near_border=plan.rules.near_border, nearest=plan.rules.nearest)


def describe_owner(plan: Plan, owner: Owner) -> str:
    """Say in words which grid owns a place, and how sure that is.

    Parameters
    ----------
    plan : Plan
        The plan that the locator was made of.
    owner : Owner
        Its answer.
    """
    if owner.grid_code is None:
        hint = f": {owner.hint}" if owner.hint else ""
        return f"no grid within {plan.rules.nearest:g} m{hint}"
    grid = plan.grids.loc[owner.grid_code]
    community = plan.city.communities.loc[grid["community_id"]]
    street = f"{community['street']} " if community["street"] else ""
    lines = [f"{grid['name']}  {owner.grid_code}  {street}{community['name']}"]
    if owner.match == "nearest":
        lines.append(f"outside the territory by {owner.distance_m:.1f} m; this is the nearest grid")
    elif owner.match == "border":
        other = plan.grids["name"].get(owner.runner_up, "outside the territory")
        lines.append(f"only {owner.border_m:.1f} m from the border; across it: {other}")
    else:
        lines.append(f"inside, {owner.border_m:.0f} m from the border")
    return "\n".join(lines)


def read_points(path: str | Path) -> pd.DataFrame:
    """Read a CSV of points, in whatever encoding it was written; codes stay text.

    See `gridmap.reading.layers.read_csv`.
    """
    return read_csv(path)


def write_points(points: pd.DataFrame, path: str | Path) -> None:
    """Write a table as a CSV that Excel in Chinese opens right: UTF-8 with a BOM.

    The file is complete or not there: it is written beside its place and then put there.
    """
    path = Path(path)
    draft = path.with_name(f".{path.name}.part")
    points.to_csv(draft, index=False, encoding="utf-8-sig")
    draft.replace(path)


def summarize_points(located: pd.DataFrame) -> str:
    """Say in a line how many rows of `locate_points` found a grid, and how.

    Examples
    --------
    >>> summarize_points(pd.DataFrame({"match": ["inside", "none", "border"]}))
    '2 of 3 have a grid: 1 inside, 1 near a border, 0 outside but near; 1 without'
    """
    count = located["match"].value_counts().reindex(MATCHES, fill_value=0)
    return (
        f"{len(located) - count['none']} of {len(located)} have a grid: {count['inside']} inside, "
        f"{count['border']} near a border, {count['nearest']} outside but near; "
        f"{count['none']} without"
    )


# --- coordinates -------------------------------------------------------------------------------


def _to_numbers(values: Any, index: pd.Index | None, what: str) -> Floats:
    """Return floats, with NaN for what is missing; refuse text that is no number."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        return _to_array(values)
    given = pd.Series(np.asarray(values, dtype=object) if index is None else values, index=index)
    if given.dtype.kind in "fiu" and isinstance(given.dtype, np.dtype):
        return _to_array(given)
    texts = given.astype(object).where(given.notna(), "").astype(str).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    wrong = np.isnan(numbers) & (~texts.str.lower().isin(["", "nan"])).to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DatumError(
            f"row {given.index[row]}: {what} {texts.iloc[row]!r} is not a number"
            f"{_count_more(int(wrong.sum()))}"
        )
    return numbers


def _to_array(values: Any) -> Floats:
    """Return floats that kernels take as they are; pandas lends arrays that can't be written."""
    return np.require(values, np.float64, ["C", "W"])


def _lend(values: Floats) -> Floats:
    """Lend an array that can't be written: so kernels are compiled once, for such arrays alone."""
    lent = values.view()
    lent.flags.writeable = False
    return lent


def _check_sizes(lon: Floats, lat: Floats) -> None:
    if lon.ndim != 1 or lon.shape != lat.shape:
        raise TableError(f"longitudes of shape {lon.shape}, but latitudes of shape {lat.shape}")


def _refuse(
    wrong: NDArray[np.bool_], lon: Floats, lat: Floats, rows: pd.Index, reason: str
) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DatumError(
            f"row {rows[row]}: longitude {lon[row]}, latitude {lat[row]} are {reason}"
            f"{_count_more(int(wrong.sum()))}"
        )


def _count_more(count: int) -> str:
    return f" (and {count - 1} more rows)" if count > 1 else ""


def _is_possible(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    return (np.abs(lon) <= 180) & (np.abs(lat) <= 90)


def _convert_possible(lon: Floats, lat: Floats, datum: str) -> tuple[Floats, Floats]:
    """Convert the positions that are on Earth; the others are left as they are."""
    if datum == "wgs84":
        return lon, lat
    possible = _is_possible(lon, lat)
    east, north = lon.copy(), lat.copy()
    east[possible], north[possible] = to_wgs84(lon[possible], lat[possible], datum)
    return east, north


def _other_datums(datum: str) -> list[str]:
    """List the datums that a position may have been meant in; CGCS2000 is WGS-84 here."""
    same = ("wgs84", "cgcs2000")
    known = [other for other in DATUMS if other not in ("cgcs2000", datum)]
    return [other for other in known if not (other in same and datum in same)]


def _find_column(points: pd.DataFrame, wanted: str, names: Sequence[str]) -> Any:
    column = wanted if wanted in points.columns else find_column(points.columns, names)
    if column is None:
        listed = ", ".join(str(column) for column in points.columns)
        raise TableError(f"no column {wanted!r}, nor {', '.join(names)}; there are: {listed}")
    return column


# --- what can be indexed -----------------------------------------------------------------------


def _check_distances(near_border: float, nearest: float) -> None:
    for name, value in (("near_border", near_border), ("nearest", nearest)):
        if not (math.isfinite(value) and value >= 0):
            raise RulesError(f"{name} is {value}, not a distance of 0 metres or more")


def _check_grids(grids: gpd.GeoDataFrame) -> None:
    if not len(grids):
        raise TableError("grids: no rows")
    if grids.crs is None:
        raise CrsError("grids have no CRS: name it in the file, or say the datum of its degrees")
    if grids.index.hasnans:
        raise TableError(f"grids: {int(grids.index.isna().sum())} rows without {GRIDS.index}")
    if not grids.index.is_unique:
        raise TableError(
            f"grids: duplicate {GRIDS.index}: {list_some(grids.index[grids.index.duplicated()])}"
        )
    wrong = ~grids.geom_type.isin(AREAS) | grids.geometry.is_empty
    if wrong.any():
        raise TableError(f"grids: no area in rows {list_some(grids.index[wrong])}")


def _check_bounds(shapes: gpd.GeoSeries) -> None:
    west, south, east, north = shapes.total_bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise CrsError(
            f"grids span longitudes {west} to {east}, latitudes {south} to {north}, which is not "
            "on Earth: is their CRS the one they are in?"
        )


def _check_traced(grids: gpd.GeoDataFrame, owner: Ints) -> None:
    thin = np.bincount(owner, minlength=len(grids)) == 0
    if thin.any():
        raise TableError(f"grids: thinner than 1 cm in rows {list_some(grids.index[thin])}")
