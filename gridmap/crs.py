"""Projected coordinate systems for metric work, and the way back to longitude and latitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.errors import CrsError
from gridmap.later import later

if TYPE_CHECKING:
    import geopandas as gpd
    import pyproj
else:
    gpd = later("geopandas")
    pyproj = later("pyproj")

#: CGCS2000 3-degree Gauss-Kruger zones without a zone prefix: EPSG 4534 has its meridian at 75° E.
_FIRST_ZONE, _FIRST_MERIDIAN, _LAST_MERIDIAN = 4534, 75, 135
#: Inside this box (° E, ° N) metric work is done in a CGCS2000 zone, elsewhere in UTM.
_CHINA = (73.5, 17.5, 135.1, 53.6)
#: Exact enough to be kept: metres whose scale is true (Web Mercator's are 1.3 m each at 40° N).
_NOT_METRIC = ("popular visualisation", "mercator (variant")


def is_metric(crs: Any) -> bool:
    """Tell whether distances in ``crs`` are metres on the ground.

    Examples
    --------
    >>> is_metric("EPSG:32651"), is_metric("EPSG:3857"), is_metric("EPSG:4326")
    (True, False, False)
    """
    crs = pyproj.CRS.from_user_input(crs)
    if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        return False
    method = (crs.coordinate_operation.method_name if crs.coordinate_operation else "").lower()
    return not any(word in method for word in _NOT_METRIC)


def metric_crs(lon: float, lat: float) -> pyproj.CRS:
    """Choose the projected system for a city around a WGS-84 position.

    In China the CGCS2000 3-degree Gauss-Kruger zone of the longitude (EPSG 4534 to 4554), elsewhere
    the UTM zone.

    Raises
    ------
    CrsError
        If the position is not on Earth.

    Examples
    --------
    >>> metric_crs(122.235, 40.672).to_epsg()  # Yingkou: meridian 123° E
    4550
    >>> metric_crs(7.42, 43.73).to_epsg()  # Monaco: UTM 32 N
    32632
    """
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise CrsError(f"longitude {lon}, latitude {lat} is not on Earth; are they degrees?")
    west, south, east, north = _CHINA
    if west <= lon <= east and south <= lat <= north:
        meridian = min(max(3 * round(lon / 3), _FIRST_MERIDIAN), _LAST_MERIDIAN)
        return pyproj.CRS.from_epsg(_FIRST_ZONE + (meridian - _FIRST_MERIDIAN) // 3)
    zone = min(int((lon + 180) // 6) + 1, 60)
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def to_metric(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return ``frame`` in a metric system: its own where that is one, else the local one.

    Raises
    ------
    CrsError
        If the frame has no CRS.
    """
    if frame.crs is None:
        raise CrsError("no CRS: name it in the file, or say the datum of its degrees")
    if is_metric(frame.crs):
        return frame
    west, south, east, north = frame.to_crs("EPSG:4326").total_bounds
    return frame.to_crs(metric_crs((west + east) / 2, (south + north) / 2))


def to_degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return ``frame`` in longitude and latitude of WGS-84 (CGCS2000 is within 1 mm of it)."""
    return frame.to_crs("EPSG:4326")


def from_degrees(shapes: NDArray[np.object_], crs: Any) -> NDArray[np.object_]:
    """Return shapes in longitude and latitude of WGS-84 in another system, axes in its own order.

    EPSG:4326 and EPSG:4490 have latitude first, the Gauss-Kruger zones north first: that is what
    clients of OGC services expect. Rounded to 7 decimals of a degree or to millimetres.

    Parameters
    ----------
    shapes : array of shapely geometry
        In degrees; None stays None.
    crs : anything that pyproj takes
        The system to go to.
    """
    target = pyproj.CRS.from_user_input(crs)
    transformer = pyproj.Transformer.from_crs("OGC:CRS84", target)
    decimals = 3 if target.is_projected else 7

    def move(places: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(places[:, 0], places[:, 1])).round(decimals)

    return shapely.transform(shapes, move)


def shape_to_degrees(shape: Any, crs: Any) -> Any:
    """Return one shape of another system, axes in its own order, in longitude and latitude.

    Raises
    ------
    CrsError
        If it lies where the system is not defined.
    """
    transformer = pyproj.Transformer.from_crs(pyproj.CRS.from_user_input(crs), "OGC:CRS84")
    moved = shapely.transform(
        shape, lambda places: np.column_stack(transformer.transform(*places.T))
    )
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise CrsError(f"{shape.wkt:.100} is outside of where {crs} is defined")
    return moved


def to_xy(shape: Any, crs: Any) -> Any:
    """Return one shape in longitude and latitude of WGS-84 in another system, east first."""
    transformer = pyproj.Transformer.from_crs(
        "OGC:CRS84", pyproj.CRS.from_user_input(crs), always_xy=True
    )
    return shapely.transform(
        shape, lambda places: np.column_stack(transformer.transform(*places.T))
    )


def position_to_degrees(x: float, y: float, crs: Any) -> tuple[float, float]:
    """Return longitude and latitude of WGS-84 of a position in another system, east first.

    Raises
    ------
    CrsError
        If there is no such system, or the position is outside of it.
    """
    try:
        transformer = pyproj.Transformer.from_crs(
            pyproj.CRS.from_user_input(crs), "OGC:CRS84", always_xy=True
        )
    except pyproj.exceptions.ProjError as error:
        raise CrsError(f"there is no system {crs}") from error
    lon, lat = transformer.transform(x, y)
    if not (np.isfinite(lon) and np.isfinite(lat)):
        raise CrsError(f"{x}, {y} is outside of where {crs} is defined")
    return float(lon), float(lat)


def bounds_to_degrees(
    bounds: tuple[float, float, float, float], crs: Any
) -> tuple[float, float, float, float]:
    """Return the longitudes and latitudes around a box of another system, axes in its own order.

    Raises
    ------
    CrsError
        If the box lies where the system is not defined.
    """
    transformer = pyproj.Transformer.from_crs(pyproj.CRS.from_user_input(crs), "OGC:CRS84")
    try:
        west, south, east, north = transformer.transform_bounds(*bounds)
    except pyproj.exceptions.ProjError as error:
        raise CrsError(f"box {bounds} is no box of {crs}") from error
    if not np.isfinite([west, south, east, north]).all():
        raise CrsError(f"box {bounds} is outside of where {crs} is defined")
    return west, south, east, north
