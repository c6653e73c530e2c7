"""Metric systems are chosen from the place, and kept where the data has one."""

import geopandas as gpd
import pytest
from shapely import Point

from gridmap.crs import is_metric, metric_crs, to_degrees, to_metric
from gridmap.errors import CrsError


def test_china_gets_its_own_zones() -> None:
    """Yingkou lies in the zone of 123° E, Urumqi in that of 87° E."""
    assert metric_crs(122.235, 40.672).to_epsg() == 4550
    assert metric_crs(87.6, 43.8).to_epsg() == 4538


def test_elsewhere_gets_utm() -> None:
    """North and south of the equator, and at the date line."""
    assert metric_crs(7.42, 43.73).to_epsg() == 32632
    assert metric_crs(-70.6, -33.4).to_epsg() == 32719
    assert metric_crs(180.0, 0.0).to_epsg() == 32660


def test_swapped_axes_are_refused() -> None:
    """A latitude of 122° is on no globe."""
    with pytest.raises(CrsError, match=r"122\.2"):
        metric_crs(40.7, 122.2)


def test_metric_data_is_kept() -> None:
    """A projected system in true metres stays; Web Mercator's metres are stretched, so it goes."""
    singapore = gpd.GeoDataFrame(geometry=[Point(28000, 29000)], crs=3414)
    assert to_metric(singapore) is singapore
    web = to_degrees(singapore).to_crs(3857)
    assert not is_metric(web.crs)
    assert to_metric(web).crs.to_epsg() == 32648
    assert not is_metric("EPSG:2263")  # US survey feet


def test_no_crs_is_refused() -> None:
    """Without a CRS nothing is guessed."""
    with pytest.raises(CrsError, match="no CRS"):
        to_metric(gpd.GeoDataFrame(geometry=[Point(0, 0)]))
