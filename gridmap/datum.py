"""Datums of degrees: WGS-84, CGCS2000, and the shifted GCJ-02 and BD-09 of Chinese web maps.

CGCS2000 differs from WGS-84 by less than 1 mm and is taken as the same. GCJ-02 (AMap, Tencent)
lies about 500 m and BD-09 (Baidu) about 1300 m from it. The forward formulas are the public ones;
no closed inverse exists, and the popular one-step inverse errs by up to 2.3 m in Yingkou. Here the
inverse repeats the forward formula for a fixed number of steps, so that a position gives the same
answer alone and among a million others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from gridmap.compiling import kernel, routine
from gridmap.errors import DatumError
from gridmap.later import later

if TYPE_CHECKING:
    import geopandas as gpd
else:
    gpd = later("geopandas")

DATUMS: tuple[str, ...] = ("wgs84", "cgcs2000", "gcj02", "bd09")

#: Ellipsoid of Krasovsky 1940, as the public formula has it: metres, first eccentricity squared.
_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323
#: Outside this box (° E, ° N) the public formula shifts nothing.
_WEST, _SOUTH, _EAST, _NORTH = 72.004, 0.8293, 137.8347, 55.8271
#: Each step of the inverse leaves 2 % of the error or less; after eight, rounding is all that is
#: left (1e-9 m).
_STEPS = 8
_BAIDU = np.pi * 3000.0 / 180.0

#: The datums that are shifted from WGS-84.
_SHIFTED = ("gcj02", "bd09")

Floats = npt.NDArray[np.float64]


def to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Convert degrees of a datum to degrees of WGS-84, exactly (well under 1 mm).

    Parameters
    ----------
    lon, lat : array of float
        Degrees, of one shape or of shapes that broadcast. NaN stays NaN.
    datum : str
        One of `DATUMS`.

    Returns
    -------
    tuple of array
        Longitude and latitude, of the shape of the input.

    Raises
    ------
    DatumError
        If the datum is unknown or a position is not on Earth.

    Notes
    -----
    The public formula stops at a box around China and jumps there by the shift, some 500 m (so far
    from its land border that no city is concerned). A GCJ-02 position in that strip can have two
    WGS-84 positions: the shifted one inside the box is then given. It can also have none: the
    formula is then continued beyond the box.

    Examples
    --------
    >>> lon, lat = to_wgs84(122.24017273918369, 40.67356911398605, "gcj02")
    >>> round(float(lon), 9), round(float(lat), 9)
    (122.235, 40.672)
    """
    east, north = _check_degrees(lon, lat, datum)
    if datum in _SHIFTED:
        _unshift_points(east.ravel(), north.ravel(), datum == "bd09")
    return east, north


def place_to_wgs84(lon: float, lat: float, datum: str) -> tuple[float, float]:
    """Convert one position as `to_wgs84` does, to the last bit; much quicker for one.

    Parameters, results and errors are those of `to_wgs84`.

    Examples
    --------
    >>> place_to_wgs84(116.4, 39.9, "bd09") == tuple(map(float, to_wgs84(116.4, 39.9, "bd09")))
    True
    """
    if datum not in DATUMS or abs(lon) > 180 or abs(lat) > 90:
        _check_degrees(lon, lat, datum)
    if datum not in _SHIFTED:
        return lon, lat
    east, north = _unshift_point(lon, lat, datum == "bd09")
    return float(east), float(north)


def from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Convert degrees of WGS-84 to degrees of a datum, by the public formulas.

    Parameters, results and errors are those of `to_wgs84`.

    Examples
    --------
    >>> lon, lat = from_wgs84(7.42, 43.73, "gcj02")  # outside China nothing is shifted
    >>> float(lon), float(lat)
    (7.42, 43.73)
    """
    east, north = _check_degrees(lon, lat, datum)
    if datum in _SHIFTED:
        _shift_points(east.ravel(), north.ravel(), datum == "bd09")
    return east, north


def shift_frame(frame: gpd.GeoDataFrame, datum: str) -> gpd.GeoDataFrame:
    """Return ``frame``, whose coordinates are degrees of ``datum``, in WGS-84 (EPSG:4326).

    Every vertex is converted once, from what was given; a ring that was closed is closed, for its
    first and last vertex are the same numbers before and after. Heights are dropped. What the
    frame says its CRS is does not matter: files with GCJ-02 degrees say EPSG:4326.

    Raises
    ------
    DatumError
        If the datum is unknown or a vertex is not on Earth.
    """

    def convert(vertices: Floats) -> Any:
        return np.column_stack(to_wgs84(vertices[:, 0], vertices[:, 1], datum))

    shapes = shapely.transform(frame.geometry.to_numpy(), convert)
    moved = frame.set_crs("EPSG:4326", allow_override=True)
    return moved.set_geometry(gpd.GeoSeries(shapes, frame.index, crs="EPSG:4326"))


def settle_datum(asked: str | None, told: Iterable[Any]) -> str:
    """Return the one datum of some points, wherever it is named.

    Parameters
    ----------
    asked : str or None
        What whoever asks calls it beside the points; None where he does not.
    told : iterable
        What is said with the points themselves, once or once for each. None and blanks say
        nothing: beside a name they are refused, unless ``asked`` is that name.

    Raises
    ------
    DatumError
        If one name is not the other, or some points have one and others none: nothing is read in a
        datum that somebody may not have meant.

    Examples
    --------
    >>> settle_datum(None, ["gcj02", "gcj02"]), settle_datum("bd09", []), settle_datum(None, [None])
    ('gcj02', 'bd09', 'wgs84')
    >>> settle_datum("gcj02", ["gcj02", None])
    'gcj02'
    """
    said = {_strip_name(one) for one in told}
    named = sorted(said - {""})
    if len(named) > 1:
        few = ", ".join(named[:5])
        raise DatumError(f"the points name more than one datum ({few}): send those of each apart")
    if asked and named and named[0] != asked:
        raise DatumError(
            f"the points say datum {named[0]!r}, but they are asked for in {asked!r}: name it "
            "once, beside the points or with them"
        )
    if named and not asked and "" in said:
        raise DatumError(
            f"some points say datum {named[0]!r} and others none: name it for each, or once for all"
        )
    return asked or next(iter(named), DATUMS[0])


def tell_datums(everywhere: Iterable[Any], placed: Iterable[Any]) -> list[Any]:
    """Return what rows of a table tell `settle_datum`.

    Parameters
    ----------
    everywhere : iterable
        What the column of datums holds, each once or as often as it stands there.
    placed : iterable
        What it holds where a row has coordinates: only there a blank leaves something open.

    Examples
    --------
    >>> tell_datums(["gcj02", None], ["gcj02"])
    ['gcj02', 'gcj02']
    """
    return [*filter(_strip_name, everywhere), *placed]


def _strip_name(name: Any) -> str:
    return "" if name is None else str(name).strip()


def _check_degrees(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: str) -> tuple[Floats, Floats]:
    if datum not in DATUMS:
        raise DatumError(f"no datum {datum!r}; there are {', '.join(DATUMS)}")
    east, north = np.broadcast_arrays(np.asarray(lon, np.float64), np.asarray(lat, np.float64))
    wrong = (np.abs(east) > 180) | (np.abs(north) > 90)
    if wrong.any():
        at = np.unravel_index(np.argmax(wrong), wrong.shape)
        raise DatumError(
            f"longitude {east[at]}, latitude {north[at]} is not on Earth: "
            "are these degrees, longitude first?"
        )
    return east.copy(), north.copy()


@kernel
def _shift_points(lon: Floats, lat: Floats, baidu: bool) -> None:
    """WGS-84 to GCJ-02 or BD-09, in place."""
    for i in range(len(lon)):
        if _is_in_box(lon[i], lat[i]):
            lon[i], lat[i] = _shift_anywhere(lon[i], lat[i])
        if baidu:
            lon[i], lat[i] = _shift_baidu(lon[i], lat[i])


@kernel
def _unshift_points(lon: Floats, lat: Floats, baidu: bool) -> None:
    """GCJ-02 or BD-09 to WGS-84, in place."""
    for i in range(len(lon)):
        lon[i], lat[i] = _unshift_point(lon[i], lat[i], baidu)


@kernel
def _unshift_point(lon: float, lat: float, baidu: bool) -> tuple[float, float]:
    """Take off the shifts found so far, again and again.

    The box is looked at once, at the end, for at its edge steps would jump.
    """
    if baidu:
        east, north = lon, lat
        for _ in range(_STEPS):
            moved_east, moved_north = _shift_baidu(east, north)
            east, north = east + (lon - moved_east), north + (lat - moved_north)
        lon, lat = east, north
    east, north = lon, lat
    for _ in range(_STEPS):
        moved_east, moved_north = _shift_anywhere(east, north)
        east, north = east + (lon - moved_east), north + (lat - moved_north)
    if _is_in_box(east, north) or _is_in_box(lon, lat):
        return east, north
    return lon, lat


@routine
def _is_in_box(lon: float, lat: float) -> bool:
    """Say whether a position is in the box around China in which the shift applies."""
    return _WEST <= lon <= _EAST and _SOUTH <= lat <= _NORTH


@routine
def _shift_anywhere(lon: float, lat: float) -> tuple[float, float]:
    """Shift from WGS-84 to GCJ-02 by the public formula, without regard to the box."""
    x, y = lon - 105.0, lat - 35.0
    waves = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north += (waves + 20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east += (waves + 20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    # Metres to degrees on the ellipsoid, at the unshifted latitude.
    slope = np.radians(lat)
    bend = 1.0 - _ECCENTRICITY * np.sin(slope) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY) / (bend * np.sqrt(bend))
    parallel = _AXIS / np.sqrt(bend) * np.cos(slope)
    return lon + np.degrees(east / parallel), lat + np.degrees(north / meridian)


@routine
def _shift_baidu(lon: float, lat: float) -> tuple[float, float]:
    """GCJ-02 to BD-09; this formula has no box."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BAIDU)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BAIDU)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006
