"""Datums: published vectors, exact inverses, rings that stay closed."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.datum import DATUMS, from_wgs84, shift_frame, to_wgs84
from gridmap.errors import DatumError

#: (WGS-84, GCJ-02, BD-09) of one place in Yingkou.
YINGKOU = (
    (122.235, 40.672),
    (122.24017273918369, 40.67356911398605),
    (122.24672652124833, 40.67938654740705),
)


def metres(one, other):
    """Metres between positions in degrees, on a sphere; exact enough for differences of metres."""
    (lon_1, lat_1), (lon_2, lat_2) = np.radians(np.array(one)), np.radians(np.array(other))
    chord = np.sin((lat_2 - lat_1) / 2) ** 2
    chord = chord + np.cos(lat_1) * np.cos(lat_2) * np.sin((lon_2 - lon_1) / 2) ** 2
    return 2 * 6371008.8 * np.arcsin(np.sqrt(chord))


def test_published_vector_of_yingkou():
    """The place in Yingkou has the published GCJ-02 and BD-09 degrees to 1e-9."""
    wgs, gcj, baidu = YINGKOU
    assert from_wgs84(*wgs, "gcj02") == pytest.approx(gcj, abs=1e-9)
    assert from_wgs84(*wgs, "bd09") == pytest.approx(baidu, abs=1e-9)
    assert metres(wgs, gcj) == pytest.approx(470.37, abs=1)
    assert metres(wgs, baidu) == pytest.approx(1286.96, abs=2)


def test_inverse_of_the_published_vector():
    """Both inverses come back to the place in Yingkou within 0.1 mm."""
    wgs, gcj, baidu = YINGKOU
    assert metres(to_wgs84(*gcj, "gcj02"), wgs) < 1e-4
    assert metres(to_wgs84(*baidu, "bd09"), wgs) < 1e-4


def test_vector_of_another_company():
    """Alibaba's triple agrees to 0.1 m; its WGS-84 is a one-step inverse, so that within 2 m."""
    wgs, gcj, baidu = (120.021519, 30.281543), (120.026268, 30.279164), (120.032768, 30.285238)
    lon, lat = to_wgs84(*baidu, "bd09")
    assert metres(from_wgs84(lon, lat, "gcj02"), gcj) < 0.2
    assert metres(from_wgs84(*to_wgs84(*gcj, "gcj02"), "bd09"), baidu) < 0.1
    assert 1 < metres(to_wgs84(*gcj, "gcj02"), wgs) < 2


@pytest.mark.parametrize("datum", DATUMS)
def test_round_trip_is_below_a_millimetre(datum):
    """There and back again is under 1 mm, all over China."""
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(72.1, 137.8, 50_000), rng.uniform(0.9, 55.8, 50_000)
    back = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    assert metres(back, (lon, lat)).max() < 1e-3


def test_one_step_is_not_enough():
    """In Yingkou the popular one-step inverse errs by more than 0.1 m everywhere, ours does not."""
    lon, lat = np.meshgrid(np.linspace(122.05, 122.45, 40), np.linspace(40.55, 40.80, 40))
    gcj = from_wgs84(lon, lat, "gcj02")
    again = from_wgs84(*gcj, "gcj02")
    one_step = (2 * gcj[0] - again[0], 2 * gcj[1] - again[1])
    assert metres(one_step, (lon, lat)).min() > 0.1
    assert metres(to_wgs84(*gcj, "gcj02"), (lon, lat)).max() < 1e-3


@pytest.mark.shared
def test_five_libraries_agree(shared_data):
    """206 places in Yingkou: forward 2 cm from each of five libraries, backward 1 mm."""
    table = pd.read_csv(shared_data / "coord_vectors_yingkou_5libs.csv")
    wgs = (table["wgs_lon"], table["wgs_lat"])
    libraries = ("gcoord", "coordtransform", "eviltransform", "coord_convert", "prcoords")
    for library in libraries:
        for datum, short in (("gcj02", "gcj"), ("bd09", "bd")):
            theirs = table[f"{library}_{short}_lon"], table[f"{library}_{short}_lat"]
            assert metres(from_wgs84(*wgs, datum), theirs).max() < 0.02
    for datum in ("gcj02", "bd09"):
        assert metres(to_wgs84(*from_wgs84(*wgs, datum), datum), wgs).max() < 1e-3


@pytest.mark.shared
def test_cities_of_china(shared_data):
    """332 cities: within 1 m of the published GCJ-02 and BD-09, which are rounded."""
    table = pd.read_csv(shared_data / "coord_vectors_gcoord_cities.csv")
    wgs = (table["wgs_lon"], table["wgs_lat"])
    for datum, short in (("gcj02", "gcj"), ("bd09", "bd")):
        theirs = table[f"{short}_lon"], table[f"{short}_lat"]
        assert metres(from_wgs84(*wgs, datum), theirs).max() < 1


def test_outside_china_nothing_is_shifted():
    """GCJ-02 is WGS-84 outside the box of the public formula, both ways."""
    for convert in (from_wgs84, to_wgs84):
        lon, lat = convert([7.42, -73.9, 139.7], [43.73, 40.7, 35.7], "gcj02")
        assert lon.tolist() == [7.42, -73.9, 139.7]
        assert lat.tolist() == [43.73, 40.7, 35.7]


def test_border_of_the_box():
    """On both sides of the box's edge: inside comes back exactly, 2 km outside nothing moves."""
    lat = np.linspace(1, 55.8, 500)
    for edge, outward in ((72.004, -1), (137.8347, 1)):
        inside = np.full(500, edge - outward * 1e-9)
        back = to_wgs84(*from_wgs84(inside, lat, "gcj02"), "gcj02")
        assert metres(back, (inside, lat)).max() < 1e-3
        outside = np.full(500, edge + outward * 0.04)
        assert (to_wgs84(outside, lat, "gcj02")[0] == outside).all()


def test_position_that_no_place_has():
    """A GCJ-02 position in the gap inside the box's edge gives a place near by, without a jump."""
    lon, lat = to_wgs84(72.0041, 40.0, "gcj02")
    assert metres((lon, lat), (72.0041, 40.0)) < 1000


def test_cgcs2000_is_wgs84():
    """CGCS2000 is taken as WGS-84."""
    assert to_wgs84([122.2], [40.6], "cgcs2000")[0].tolist() == [122.2]


def test_alone_and_among_others():
    """A position gives the same answer (to rounding, 1e-8 m) alone and among any others."""
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(73, 135, 1001), rng.uniform(18, 53, 1001)
    for datum in ("gcj02", "bd09"):
        many = np.array(to_wgs84(lon, lat, datum))
        alone = [to_wgs84(lon[at], lat[at], datum) for at in (0, 500, 1000)]
        np.testing.assert_allclose(many[:, [0, 500, 1000]], np.array(alone).T, rtol=0, atol=1e-13)


def test_shapes_and_missing():
    """The shape of the input is kept, scalars broadcast, and NaN stays NaN."""
    lon, lat = to_wgs84([[122.2, np.nan]], 40.6, "gcj02")
    assert lon.shape == lat.shape == (1, 2)
    assert np.isnan(lon[0, 1])
    assert np.isfinite(lon[0, 0])


def test_input_is_not_changed():
    """The caller's arrays are left as they were, also where nothing is to be converted."""
    given = np.array([122.2])
    to_wgs84(given, 40.6, "wgs84")[0][0] = 0
    assert given[0] == 122.2


def test_unknown_datum():
    """A datum that does not exist is named, with those that do."""
    with pytest.raises(DatumError, match="no datum 'xian80'; there are wgs84, cgcs2000"):
        to_wgs84(1, 2, "xian80")


def test_metres_are_no_degrees():
    """Metres, or latitude first, are refused with the numbers."""
    with pytest.raises(
        DatumError, match=r"longitude 380000\.0, latitude 4500000\.0 is not on Earth"
    ):
        from_wgs84([122, 380000], [40, 4500000], "gcj02")
    with pytest.raises(DatumError, match="longitude first"):
        to_wgs84(40.6, 122.2, "gcj02")


def test_rings_stay_closed():
    """Rings with holes are closed after conversion and each vertex is converted once, exactly."""
    shell = shapely.Point(122.235, 40.672).buffer(0.01, quad_segs=50)
    ring = shell.difference(shapely.Point(122.235, 40.672).buffer(0.004))
    lon, lat = from_wgs84(*shapely.get_coordinates(ring).T, "gcj02")
    shifted = shapely.set_coordinates(shapely.from_wkb(ring.wkb), np.column_stack([lon, lat]))
    frame = gpd.GeoDataFrame({"a": [7, 8]}, geometry=[shifted, None], crs=None, index=["x", "y"])
    back = shift_frame(frame, "gcj02")
    assert back.crs == "EPSG:4326"
    assert back["a"].to_dict() == {"x": 7, "y": 8}
    assert back.geometry["y"] is None
    assert all(
        line.is_closed for line in (back.geometry["x"].exterior, *back.geometry["x"].interiors)
    )
    moved = shapely.get_coordinates(back.geometry["x"]).T
    assert metres(moved, shapely.get_coordinates(ring).T).max() < 1e-3
    assert frame.geometry["x"].equals(shifted)
