"""One owner for every point, how surely, and the same after any save."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Voronoi
from shapely import MultiPolygon, Polygon, box

from gridmap.datum import from_wgs84
from gridmap.errors import CrsError, DatumError, RulesError, TableError
from gridmap.locate import (
    ANSWER,
    MATCHES,
    SUSPECTS,
    Locator,
    locate_points,
    open_locator,
    read_points,
)

SHARED = Path(__file__).parents[2] / "shared" / "data"
WEST, SOUTH = 122.2, 40.6  # Yingkou
STEP = 0.001  # 111 m north, 84 m east
METRES = [84_620, 111_042]  # of a degree east and north


def make_grids(**shapes):
    """Grids by code, in degrees."""
    index = pd.Index(list(shapes), name="grid_code")
    return gpd.GeoDataFrame(geometry=list(shapes.values()), index=index, crs="EPSG:4326")


def place(x, y):
    """Turn steps east and north of the corner into degrees of seven decimals."""
    return round(WEST + x * STEP, 7), round(SOUTH + y * STEP, 7)


def draw(*corners):
    """Draw a polygon through corners given in steps."""
    return Polygon([place(*corner) for corner in corners])


def make_town():
    r"""Two rows of blocks, with a slanting border and a block (h) in the middle of another one.

    ::

        2 +-----+---------+
          |  c  |    d    |
        1 +-----+--+------+        the border between a and b runs from (1, 0) to (2, 1);
          |  a   \   b    |        h is a hole of d
        0 +------+--------+
          0      1   2    3
    """
    d = draw((1, 1), (2, 1), (3, 1), (3, 2), (1, 2))
    h = draw((1.5, 1.25), (2.5, 1.25), (2.5, 1.75), (1.5, 1.75))
    return make_grids(
        a=draw((0, 0), (1, 0), (2, 1), (1, 1), (0, 1)),
        b=draw((1, 0), (3, 0), (3, 1), (2, 1)),
        c=draw((0, 1), (1, 1), (1, 2), (0, 2)),
        d=Polygon(d.exterior.coords, [h.exterior.coords]),
        h=h,
    )


def make_voronoi(n, seed=0, width=0.03):
    """Make a coverage of n cells over a square."""
    seeds = np.random.default_rng(seed).random((n, 2))
    around = [seeds * flip + shift for flip, shift in (
        ([1, 1], [0, 0]), ([-1, 1], [0, 0]), ([1, -1], [0, 0]), ([-1, 1], [2, 0]), ([1, -1], [0, 2])
    )]  # fmt: skip
    cells = Voronoi(np.vstack(around))
    corners = np.round([WEST, SOUTH] + np.clip(cells.vertices, 0, 1) * width, 7)
    shapes = [Polygon(corners[cells.regions[cells.point_region[i]]]) for i in range(n)]
    return make_grids(**{f"{i:015d}": shape for i, shape in enumerate(shapes)})


def pick_points(grids, n, seed=1, margin=0.0):
    """Pick points of seven decimals at random over the bounds."""
    west, south, east, north = grids.total_bounds
    share = np.random.default_rng(seed).random((n, 2)) * (1 + 2 * margin) - margin
    points = np.round([west, south] + share * [east - west, north - south], 7)
    return points[:, 0], points[:, 1]


def code_at(locator, x, y):
    """Name the owner of a place given in steps."""
    return locator.locate(*place(x, y)).grid_code


@pytest.fixture(scope="module")
def town():
    """Return the locator of the drawn town."""
    return Locator(make_town())


BORDER_OWNERS = [
    ((0.5, 0.5), "a"), ((2.0, 1.5), "h"),  # inside
    ((0.5, 1.0), "c"),  # the grid to the north owns a level border
    ((1.0, 1.5), "d"),  # the grid to the east owns an upright one
    ((1.5, 0.5), "b"),  # and a slanting one
    ((1.0, 1.0), "d"), ((2.0, 1.0), "d"),  # corners: just north of due east
    ((1.0, 0.0), "b"), ((0.0, 0.0), "a"), ((0.0, 1.0), "c"),  # the outline, from inside
    ((3.0, 0.5), "b"), ((3.0, 1.0), "d"), ((3.0, 2.0), "d"), ((3.0, 0.0), "b"),  # east outline
    ((0.5, 2.0), "c"), ((1.0, 2.0), "c"), ((0.0, 2.0), "c"),  # north outline
    ((1.5, 1.5), "h"), ((2.5, 1.5), "d"), ((2.0, 1.25), "h"), ((2.0, 1.75), "d"),  # hole borders
    ((1.5, 1.25), "h"), ((2.5, 1.25), "d"), ((1.5, 1.75), "d"), ((2.5, 1.75), "d"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "code"), BORDER_OWNERS)
def test_border_rule(town, where, code):
    """Facing east and turning anticlockwise, the first grid seen owns the point."""
    assert code_at(town, *where) == code


def resave_geojson(grids, folder):
    """Save with seven decimals and read again."""
    path = folder / "grids.geojson"
    grids.to_file(path, driver="GeoJSON", COORDINATE_PRECISION=7)
    return gpd.read_file(path).set_index("grid_code")


def resave_gpkg(grids, folder):
    """Save as a GeoPackage and read again."""
    path = folder / "grids.gpkg"
    grids.to_file(path, layer="grids")
    return gpd.read_file(path).set_index("grid_code")


CHANGES = {
    "reversed rings": lambda grids, _: grids.set_geometry(shapely.reverse(grids.geometry)),
    "normalised rings": lambda grids, _: grids.set_geometry(grids.normalize()),
    "shuffled": lambda grids, _: grids.sample(frac=1, random_state=7),
    "GeoJSON": resave_geojson,
    "GeoPackage": resave_gpkg,
    "CGCS2000": lambda grids, _: grids.to_crs("EPSG:4490"),
    "metric GeoJSON": lambda grids, folder: resave_geojson(
        grids.to_crs("EPSG:4550").to_crs("EPSG:4326"), folder
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("make", [make_town, lambda: make_voronoi(60)], ids=["town", "voronoi"])
def test_same_answers_after(change, make, tmp_path):
    """Corners, points on edges and any others keep their whole answer."""
    grids = make()
    corners = shapely.get_coordinates(grids.geometry)
    middles = np.round((corners[1:] + corners[:-1]) / 2, 7)
    lon, lat = np.hstack([corners.T, middles.T, np.array(pick_points(grids, 500, margin=0.1))])
    before = Locator(grids).locate_many(lon, lat)
    after = Locator(CHANGES[change](grids, tmp_path)).locate_many(lon, lat)
    pd.testing.assert_frame_equal(before, after)


def test_halves_are_rounded_as_they_are_written(tmp_path):
    """Corners half-way between two units go the way that seven decimals send them."""
    grids = make_voronoi(80, seed=8)
    grids = grids.set_geometry(grids.translate(5e-8, 5e-8))
    before, after = Locator(grids), Locator(resave_geojson(grids, tmp_path))
    corners = shapely.get_coordinates(grids.geometry)
    for east in (-5e-8, 5e-8):
        for north in (-5e-8, 5e-8):
            lon, lat = np.round(corners + np.array([east, north]), 7).T
            assert (before.owners(lon, lat) == after.owners(lon, lat)).all()


def test_codes_do_not_decide(town):
    """Other codes in another order name the same shapes."""
    grids = make_town()
    renamed = grids.set_index(pd.Index(list("54321"), name="grid_code"))
    names = dict(zip(renamed.index, grids.index, strict=True))
    other = Locator(renamed)
    for where, code in BORDER_OWNERS:
        assert names[code_at(other, *where)] == code


def test_every_corner_is_owned():
    """Each corner of a coverage, outline and all, is owned by a grid that has it as a corner."""
    grids = make_voronoi(300, seed=3)
    corners, row = shapely.get_coordinates(grids.geometry, return_index=True)
    owners = Locator(grids).owners(corners[:, 0], corners[:, 1])
    has = {(lon, lat, number) for (lon, lat), number in zip(corners.tolist(), row, strict=True)}
    assert all((*at, owner) in has for at, owner in zip(corners.tolist(), owners, strict=True))


def test_spike_on_the_outline():
    """A corner that a grid reaches by a narrow wedge only is its own, whichever way it points."""
    for turn in range(0, 360, 15):
        spike = shapely.affinity.rotate(draw((0, 0), (5, 0.2), (5, 0.4)), turn, place(0, 0))
        locator = Locator(make_grids(spike=spike))
        assert code_at(locator, 0, 0) == "spike"
        assert locator.locate(*place(0, 0)).match == "border"


def test_touching_corners():
    """Where two grids touch at an outline corner only, the turn from east tells one owner."""
    upper, lower = draw((0, 0), (-1, 2), (-2, 1)), draw((0, 0), (-2, -1), (-1, -2))
    both = Locator(make_grids(lower=lower, upper=upper))
    assert code_at(both, 0, 0) == "upper"


def test_overlap_has_one_owner():
    """Where grids overlap the shapes decide, not the codes or the order."""
    one, two = box(122, 40, 122.002, 40.002), box(122.001, 40.001, 122.003, 40.003)
    first = Locator(make_grids(a=one, b=two)).owners([122.0015], [40.0015])
    second = Locator(make_grids(a=two, b=one)).owners([122.0015], [40.0015])
    assert first[0] + second[0] == 1


def make_park(park, base):
    """Make an exclusive grid of a square and a base grid of another one, the park first."""
    return make_grids(p=park, b=base).assign(grid_type=["exclusive", "base"])


LARGE, SMALL = draw((0, 0), (3, 0), (3, 3), (0, 3)), draw((1, 1), (3, 1), (3, 2), (1, 2))
CORNER, ACROSS = draw((-1, -1), (1, -1), (1, 1), (-1, 1)), draw((-1, 1), (4, 1), (4, 2), (-1, 2))


@pytest.mark.parametrize(
    ("park", "base"),
    [(SMALL, LARGE), (LARGE, SMALL), (CORNER, LARGE), (LARGE, CORNER), (ACROSS, LARGE)],
)
@pytest.mark.parametrize("turned", [False, True], ids=["park first", "base first"])
def test_exclusive_beats_base(park, base, turned, tmp_path):
    """Where a park lies over a base grid it owns the point: single, batch, and from the file."""
    grids = make_park(park, base)
    made = Locator(grids.iloc[::-1] if turned else grids)
    made.save(tmp_path / "park.locator")
    lon, lat = pick_points(grids, 400, seed=9)
    points = shapely.points(lon, lat)
    expected = np.where(park.contains(points), "p", np.where(base.contains(points), "b", None))
    assert "p" in expected
    for locator in (made, open_locator(tmp_path / "park.locator")):
        single = [locator.locate(*at) for at in zip(lon, lat, strict=True)]
        found = [one.grid_code if one.distance_m == 0 else None for one in single]
        assert found == expected.tolist()
        table = locator.locate_many(lon, lat)
        assert table["grid_code"].where(table["distance_m"] == 0, "").tolist() == [
            code or "" for code in expected
        ]
        codes = np.array([*locator.codes, None], dtype=object)
        judged = locator.judge(lon, lat)
        assert codes[np.where(judged.distance_m == 0, judged.grid, 2)].tolist() == expected.tolist()


def draw_box(west, south, east, north):
    """Draw a box of steps."""
    return draw((west, south), (east, south), (east, north), (west, north))


@pytest.mark.parametrize("east", [0.6, 1.4], ids=["in one", "over two"])
def test_border_of_an_overlay(east):
    """Beside a park the base grid's border is the park's, and across it lies the park."""
    lands = {"p": draw_box(0.4, 0.4, east, 0.6)}
    lands |= {"b": draw_box(0, 0, 1, 1), "c": draw_box(1, 0, 2, 1)}
    grids = make_grids(**lands).assign(grid_type=["exclusive", "base", "base"])
    locator = Locator(grids, near_border=15.0, nearest=50.0)
    for y, code, other in ((0.39, "b", "p"), (0.41, "p", "b")):
        owner = locator.locate(*place(0.5, y))
        assert (owner.grid_code, owner.match, owner.runner_up) == (code, "border", other)
        assert owner.border_m == pytest.approx(0.01 * STEP * 111_042, rel=1e-2)
    corner = locator.locate(*place(0.9, 0.2))
    assert (corner.grid_code, corner.runner_up) == ("b", "c")
    lon, lat = pick_points(grids, 300, seed=3)
    table = locator.locate_many(lon, lat)
    owned = {**lands, "b": lands["b"] - lands["p"], "c": lands["c"] - lands["p"]}
    metric = {code: shapely.transform(land, lambda at: at * METRES) for code, land in owned.items()}
    points = shapely.points(np.column_stack([lon, lat]) * METRES)
    for code, metres, point in zip(table["grid_code"], table["border_m"], points, strict=True):
        assert metric[code].covers(point)
        assert metres == pytest.approx(metric[code].boundary.distance(point), rel=0.01, abs=0.05)


def test_a_base_grid_that_is_covered_wholly():
    """It owns nothing; the grids over it and beside it are as they were."""
    grids = make_grids(
        p=draw_box(0, 0, 0.5, 1), q=draw_box(0.5, 0, 1, 1), b=draw_box(0, 0, 1, 1),
        c=draw_box(1, 0, 2, 1),
    )  # fmt: skip
    locator = Locator(grids.assign(grid_type=["exclusive", "exclusive", "base", "base"]))
    lon, lat = pick_points(grids, 200, seed=5)
    assert set(locator.locate_many(lon, lat)["grid_code"].dropna()) == {"p", "q", "c"}
    assert code_at(locator, 0.99, 0.5) == "q"


def test_exclusive_owns_shared_outline():
    """On the outline that both have, both are seen first at once: the exclusive one owns it."""
    locator = Locator(make_park(SMALL, LARGE))
    assert code_at(locator, 3, 1.5) == "p"
    assert code_at(locator, 3, 2.5) == code_at(locator, 3, 2) == "b"  # a corner looks into b first
    assert code_at(locator, 1, 1.5) == code_at(locator, 2, 1) == "p"
    assert code_at(locator, 2, 2) == "b"


def test_same_shape_of_another_kind_is_refused():
    """A park and a base grid of one shape are two claims to all of it: refused as any double."""
    with pytest.raises(TableError, match="the same shape"):
        Locator(make_park(SMALL, SMALL))


def test_equals_shapely_on_random_points():
    """On 100,000 points of a coverage of 2,157 grids, none differs; borders may be either side."""
    grids = make_voronoi(2157, seed=5, width=0.08)
    lon, lat = pick_points(grids, 100_000)
    owners = Locator(grids).owners(lon, lat)
    tree = shapely.STRtree(grids.geometry.to_numpy())
    point, grid = tree.query(shapely.points(lon, lat), predicate="intersects")
    assert (owners >= 0).all()
    times = np.bincount(point, minlength=len(lon))
    assert (owners[point[times[point] == 1]] == grid[times[point] == 1]).all()
    agree = np.bincount(point, owners[point] == grid, len(lon))
    assert (agree == 1).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 25), st.integers(0, 10_000), st.integers(0, 10_000))
def test_equals_shapely_inside(n, seed, points_seed):
    """Any coverage, any points strictly inside a grid or strictly outside: shapely's answer."""
    grids = make_voronoi(n, seed, width=0.005)
    lon, lat = pick_points(grids, 60, points_seed, margin=0.2)
    owners = Locator(grids).owners(lon, lat)
    for point, owner in zip(shapely.points(lon, lat), owners, strict=True):
        inside = np.flatnonzero(grids.contains(point))
        if inside.size:
            assert owner == inside[0]
        elif not grids.intersects(point).any():
            assert owner == -1


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000), st.data())
def test_on_edges_one_owner_that_touches(n, seed, data):
    """A point of whole units on an edge is owned by a grid that touches it to the unit."""
    grids = make_voronoi(n, seed, width=0.00001)  # 100 units wide: many points lie on edges
    units = [data.draw(st.integers(0, 100)) for _ in range(2)]
    lon, lat = round(WEST + units[0] / 1e7, 7), round(SOUTH + units[1] / 1e7, 7)
    owner = Locator(grids).owners([lon], [lat])[0]
    assert grids.geometry.iloc[owner].distance(shapely.Point(lon, lat)) < 1e-9


def test_single_is_batch():
    """One point at a time gives the rows of the table, borders and outside too."""
    grids = make_voronoi(40, seed=2)
    locator = Locator(grids)
    lon, lat = pick_points(grids, 300, margin=0.05)
    corners = shapely.get_coordinates(grids.geometry)[:200]
    lon, lat = np.append(lon, corners[:, 0]), np.append(lat, corners[:, 1])
    table = locator.locate_many(lon, lat)
    assert set(table["match"]) == {"inside", "border", "nearest", "none"}
    for x, y, row in zip(lon, lat, table.itertuples(index=False), strict=True):
        one = locator.locate(x, y)
        for name in ANSWER:
            value = getattr(one, name)
            assert value == getattr(row, name) or (pd.isna(value) and pd.isna(getattr(row, name)))
    assert (table["grid_code"].isna() == (table["match"] == "none")).all()


@pytest.mark.parametrize("near_border", [0.0, 0.0004, 5.5554, 40.0, 1e9])
def test_judge_is_locate(near_border):
    """The numbers of `judge` are those of the table, where it gives them: on borders and outside.

    Points lie at every distance from a border, about ``near_border`` most of all.
    """
    grids = make_voronoi(30, seed=7)
    locator = Locator(grids, near_border=near_border)
    lon, lat = pick_points(grids, 2_000, margin=0.05)
    rows = np.arange(0, 0.0006, 1e-7)  # 67 m north of the south border, in steps of 1 cm
    lon, lat = np.append(lon, np.full(len(rows), WEST + 0.011)), np.append(lat, SOUTH + rows)
    table, judged = locator.locate_many(lon, lat), locator.judge(lon, lat)
    codes = np.array([*locator.codes, None], dtype=object)
    told = np.isin(table["match"], ["border", "nearest"])
    assert codes[judged.grid].tolist() == table["grid_code"].astype(object).where(
        table["grid_code"].notna(), None
    ).tolist()  # fmt: skip
    assert np.array(MATCHES)[judged.match].tolist() == table["match"].tolist()
    assert judged.border_m[told].tolist() == table["border_m"][told].tolist()
    assert np.isnan(judged.border_m[~told]).all()
    across = table["runner_up"].astype(object).where(table["runner_up"].notna(), None)
    assert codes[judged.runner_up][told].tolist() == across[told].tolist()


def test_distance_to_border():
    """Metres to the border are those of the metric CRS, to 1 in 1,000; runner-up lies across.

    2 cm on top: edges of a kilometre that are straight in degrees are not quite so in metres.
    """
    grids = make_voronoi(50, seed=4)
    lon, lat = pick_points(grids, 400)
    answer = Locator(grids, near_border=15).locate_many(lon, lat)
    metric = grids.to_crs("EPSG:32651")
    points = gpd.GeoSeries.from_xy(lon, lat, crs=4326).to_crs("EPSG:32651")
    own = metric.geometry.loc[answer["grid_code"]].boundary
    true = own.distance(points.set_axis(own.index), align=False).to_numpy()
    np.testing.assert_allclose(answer["border_m"], true, rtol=1e-3, atol=0.02)
    assert ((answer["match"] == "border") == (answer["border_m"] < 15)).all()
    clear = answer["runner_up"].notna() & (answer["border_m"] > 0.1)
    across = metric.geometry.loc[answer["runner_up"][clear]]
    to_it = across.distance(points[clear].set_axis(across.index), align=False).to_numpy()
    np.testing.assert_allclose(to_it, true[clear], rtol=1e-3, atol=0.02)


def test_runner_up(town):
    """It is the grid across the nearest border; on the outline, another one only if it is near."""
    assert town.locate(*place(0.95, 1.5)).runner_up == "d"
    assert town.locate(*place(2.0, 1.3)).runner_up == "d"  # the hole's surrounding
    assert town.locate(*place(2.0, 1.2)).runner_up == "h"
    alone = town.locate(*place(0.02, 0.5))
    assert (alone.match, alone.runner_up) == ("border", None)
    assert town.locate(*place(0.01, 0.99)).runner_up == "c"  # the outline is nearest, c is near


def test_near_border_limit():
    """A point counts as near only below the limit; with 0 nothing is near."""
    at = place(0.5, 0.05)  # 5.55 m from the south border
    assert Locator(make_town(), near_border=5.5).locate(*at).match == "inside"
    assert Locator(make_town(), near_border=5.6).locate(*at).match == "border"
    assert Locator(make_town(), near_border=0).locate(*place(0.5, 0)).match == "inside"


def test_nearest_and_none(town):
    """Up to 50 m outside the nearest grid answers, with the metres; beyond nobody does."""
    near = town.locate(*place(0.5, -0.4))
    assert (near.grid_code, near.match, near.border_m) == ("a", "nearest", near.distance_m)
    assert near.distance_m == pytest.approx(0.4 * STEP * 111_042, rel=1e-3)
    far = town.locate(*place(0.5, -0.5))
    assert (far.grid_code, far.match, far.runner_up, far.hint) == (None, "none", None, "")
    assert np.isnan([far.border_m, far.distance_m]).all()
    assert town.locate(*place(1.01, -0.1)).runner_up == "a"
    assert Locator(make_town(), nearest=5000).locate(*place(-20, 30)).grid_code == "c"


def test_parts_and_gaps():
    """A grid in two parts owns both; the gap between them is outside, near both."""
    parts = MultiPolygon(
        [draw((0, 0), (1, 0), (1, 1), (0, 1)), draw((2, 0), (3, 0), (3, 1), (2, 1))]
    )
    locator = Locator(make_grids(both=parts))
    assert code_at(locator, 0.5, 0.5) == code_at(locator, 2.5, 0.5) == "both"
    assert locator.locate(*place(1.4, 0.5)).match == "nearest"


def test_metric_grids():
    """Grids in a projected CRS answer the same away from the borders."""
    grids = make_voronoi(80, seed=6)
    lon, lat = pick_points(grids, 2000)
    degrees = Locator(grids).locate_many(lon, lat)
    metres = Locator(grids.to_crs("EPSG:4550")).locate_many(lon, lat)
    clear = degrees["border_m"] > 0.1
    assert (degrees["grid_code"] == metres["grid_code"])[clear].all()


@pytest.mark.parametrize("datum", ["gcj02", "bd09", "cgcs2000"])
def test_other_datum(town, datum):
    """A point of another datum, read as such, has the grid of its WGS-84 origin."""
    lon, lat = np.array([place(0.5, 0.5), place(2.7, 1.5)]).T
    shifted = from_wgs84(lon, lat, datum)
    assert list(town.locate_many(*shifted, datum=datum)["grid_code"]) == ["a", "d"]
    one = town.locate(shifted[0][0], shifted[1][0], datum=datum)
    assert (one.grid_code, one.match) == ("a", "inside")


def test_hint_of_datum(town):
    """A point that is out, but in if read in another datum, is not located; the hint says so."""
    for datum in ("gcj02", "bd09"):
        lon, lat = (float(value[0]) for value in from_wgs84(*np.array([place(0.5, 0.5)]).T, datum))
        owner = town.locate(lon, lat)
        assert (owner.grid_code, owner.match) == (None, "none")
        assert owner.hint == f"inside if read as {datum}"
    assert town.locate(*place(0.5, 0.5), datum="gcj02").hint == "inside if read as wgs84"


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_hints_alone_are_those_among_others(town, datum):
    """Around the territory, and with axes swapped, one position is suspected as in the table."""
    east, north = (values.ravel() for values in np.meshgrid(*[np.arange(-20, 23.0, 1.3)] * 2))
    lon, lat = np.round(WEST + east * STEP, 7), np.round(SOUTH + north * STEP, 7)
    lon, lat = np.append(lon, lat[:50]), np.append(lat, lon[:50].clip(max=90))
    lon, lat = np.append(lon, lat[-9:]), np.append(lat, np.full(9, 89.0))
    table = town.locate_many(lon, lat, datum=datum)
    assert len(set(table["suspect"])) >= 3
    alone = [town.locate(x, y, datum=datum) for x, y in zip(lon, lat, strict=True)]
    assert [one.suspect for one in alone] == table["suspect"].tolist()
    assert [one.hint for one in alone] == table["hint"].tolist()


def test_hint_of_swapped_axes(town):
    """Latitude given first is told, not located, also where no latitude is that large."""
    lon, lat = place(0.5, 0.5)
    owner = town.locate(lat, lon)
    assert (owner.grid_code, owner.match, owner.hint) == (None, "none", SUSPECTS["swapped"])
    table = town.locate_many([lon, lat], [lat, lon])
    assert list(table["hint"]) == ["", SUSPECTS["swapped"]]
    africa = Locator(make_grids(a=box(30, 10, 30.01, 10.01)))
    assert africa.locate(10.005, 30.005).hint == SUSPECTS["swapped"]


@pytest.mark.parametrize(
    "bad", [(np.nan, 40.6), (122.2, None), ("east", 40.6), (500, 40), (1, -91)]
)
def test_bad_positions_are_refused(town, bad):
    """What is not a position raises, with the row and the value."""
    with pytest.raises(DatumError):
        town.locate(*bad)
    with pytest.raises(DatumError, match="row 1"):
        town.locate_many([122.2, bad[0]], [40.6, bad[1]])
    with pytest.raises(DatumError, match="row second"):
        town.locate_many(pd.Series([122.2, bad[0]], ["first", "second"]), [40.6, bad[1]])


def test_unknown_datum(town):
    """An unknown datum is named."""
    with pytest.raises(DatumError, match="wgs48"):
        town.locate(122.2, 40.6, datum="wgs48")


def test_sizes_must_agree(town):
    """Longitudes without their latitudes are refused."""
    with pytest.raises(TableError, match="latitudes"):
        town.locate_many([122.2, 122.3], [40.6])
    with pytest.raises(TableError, match="latitudes"):
        town.owners([122.2, 122.3], [40.6])


def test_no_points(town):
    """No points, no rows, all columns."""
    assert list(town.locate_many([], []).columns) == list(ANSWER)


def test_one_place_that_is_nowhere(town):
    """A place that is not on Earth is told as one: it is in no row; swapped ones are answered."""
    for wrong, words in (((500, 40), "are not on Earth"), ((float("nan"), 40), "not numbers")):
        with pytest.raises(DatumError, match=words) as found:
            town.locate(*wrong)
        assert str(found.value).startswith("longitude")
    lon, lat = place(0.5, 0.5)
    assert town.locate(lat, lon)[5:] == ("swapped", SUSPECTS["swapped"])


def test_datum_of_a_table(town):
    """A column says in which datum a table is; another one that is asked for is refused."""
    lon, lat = (float(one) for one in from_wgs84(*place(0.5, 0.5), "gcj02"))
    points = pd.DataFrame({"lon": [lon, lon], "lat": [lat, lat], "坐标系": ["gcj02", " gcj02"]})
    expected = town.locate(*place(0.5, 0.5)).grid_code
    assert expected
    for datum in (None, "gcj02"):
        assert list(locate_points(town, points, datum=datum)["grid_code"]) == [expected] * 2
    with pytest.raises(DatumError, match="'gcj02', but they are asked for in 'wgs84'"):
        locate_points(town, points, datum="wgs84")


@pytest.mark.parametrize("blank", [None, np.nan, " "])
def test_rows_without_a_datum(town, blank):
    """Rows that name none beside others that do are refused; not those without a place."""
    lon, lat = (float(one) for one in from_wgs84(*place(0.5, 0.5), "gcj02"))
    points = pd.DataFrame({"lon": [lon, lon], "lat": [lat, lat], "datum": ["gcj02", blank]})
    with pytest.raises(DatumError, match="some points say datum 'gcj02' and others none"):
        locate_points(town, points)
    expected = town.locate(*place(0.5, 0.5)).grid_code
    asked = locate_points(town, points, datum="gcj02")
    assert list(asked["grid_code"]) == [expected] * 2
    nowhere = locate_points(town, points.assign(lon=[lon, None]))
    assert list(nowhere["grid_code"])[:1] == [expected]
    assert list(nowhere["match"])[1:] == ["none"]


def test_locate_points(town):
    """All rows come back with their index; those without coordinates say so."""
    lon, lat = place(0.5, 0.5)
    points = pd.DataFrame(
        {"经度": [lon, None, lat], "纬度": [lat, lat, lon], "note": ["x", "y", "z"]},
        index=pd.Index(["p", "q", "r"], name="case"),
    )
    answer = locate_points(town, points)
    pd.testing.assert_frame_equal(answer[points.columns], points)
    assert list(answer["grid_code"].fillna("-")) == ["a", "-", "-"]
    assert list(answer["match"]) == ["inside", "none", "none"]
    assert list(answer["hint"]) == ["", SUSPECTS["missing"], SUSPECTS["swapped"]]


def test_columns_of_an_answer_are_kept(town):
    """A table that was answered before keeps what it said, beside what is true now."""
    lon, lat = place(0.5, 0.5)
    once = locate_points(town, pd.DataFrame({"lon": [lon], "lat": [lat], "grid_code": ["old"]}))
    twice = locate_points(town, once)
    assert list(once.columns) == ["lon", "lat", "given_grid_code", *ANSWER]
    assert (once.loc[0, "given_grid_code"], once.loc[0, "grid_code"]) == ("old", "a")
    assert twice.columns.is_unique
    assert list(twice.columns[-len(ANSWER) :]) == list(ANSWER)
    assert (twice.loc[0, "given_grid_code"], twice.loc[0, "grid_code"]) == ("old", "a")
    assert twice.loc[0, "given_given_grid_code"] == "a"


@pytest.mark.parametrize("names", [("lng", "lat"), ("Longitude", "Latitude"), ("X", "Y")])
def test_column_names(town, names):
    """Usual names are found in any case; the ones asked for come first."""
    lon, lat = place(0.5, 0.5)
    points = pd.DataFrame({names[0]: [str(lon)], names[1]: [f" {lat} "]})
    assert list(locate_points(town, points)["grid_code"]) == ["a"]
    asked = points.assign(e=place(2.7, 0.5)[0])
    assert list(locate_points(town, asked, lon="e")["grid_code"]) == ["b"]


def test_points_that_cannot_be_read(town):
    """No coordinates column, or text for a number: each is named."""
    with pytest.raises(TableError, match=r"no column 'lon'.*there are: address"):
        locate_points(town, pd.DataFrame({"address": ["x"]}))
    with pytest.raises(DatumError, match="row 7: latitude '四十' is not a number"):
        locate_points(town, pd.DataFrame({"lon": [122.2], "lat": ["四十"]}, index=[7]))


def test_csv_of_a_chinese_spreadsheet(town, tmp_path):
    """A GBK file with Chinese headers is read, codes stay text, empty cells are kept."""
    lon, lat = place(0.5, 0.5)
    text = f"编号,名称,经度,纬度\n007,暴露垃圾,{lon},{lat}\n008,积水,,\n"
    (tmp_path / "points.csv").write_bytes(text.encode("gbk"))
    answer = locate_points(town, read_points(tmp_path / "points.csv"))
    assert list(answer["编号"]) == ["007", "008"]
    assert list(answer["名称"]) == ["暴露垃圾", "积水"]
    assert list(answer["match"]) == ["inside", "none"]


def test_grids_are_checked():
    """Grids without a CRS, an area or a key of their own are refused, with their codes."""
    grids = make_town()
    with pytest.raises(CrsError, match="no CRS"):
        Locator(grids.set_crs(None, allow_override=True))
    with pytest.raises(CrsError, match="not on Earth"):
        Locator(grids.set_geometry(grids.translate(500)))
    with pytest.raises(TableError, match="duplicate grid_code: a"):
        Locator(pd.concat([grids, grids.loc[["a"]]]))
    with pytest.raises(TableError, match=r"(a and z|z and a) have the same shape"):
        Locator(pd.concat([grids, grids.loc[["a"]].set_axis(["z"])]))
    with pytest.raises(TableError, match="no area in rows p"):
        Locator(make_grids(p=shapely.Point(122, 40), a=box(122, 40, 123, 41)))
    with pytest.raises(TableError, match="thinner than 1 cm in rows t"):
        Locator(make_grids(t=box(122, 40, 122 + 1e-9, 40.1), a=box(123, 40, 124, 41)))
    with pytest.raises(TableError, match="too large"):
        Locator(make_grids(a=box(-180, -90, 180, 90)))
    with pytest.raises(TableError, match="1 rows without grid_code"):
        Locator(grids.rename(index={"a": None}))
    with pytest.raises(TableError, match="no rows"):
        Locator(grids.iloc[:0])


@pytest.mark.parametrize("distances", [{"near_border": -1}, {"nearest": float("inf")}])
def test_distances_are_checked(distances):
    """Distances below 0 or without end are refused."""
    with pytest.raises(RulesError, match="metres"):
        Locator(make_town(), **distances)


def test_unchanged_input():
    """Neither grids nor points are written to."""
    grids = make_town()
    copy = grids.copy(deep=True)
    lon = np.array([WEST, WEST])
    Locator(grids).locate_many(lon, np.array([SOUTH, SOUTH]), datum="gcj02")
    pd.testing.assert_frame_equal(grids, copy)
    assert (lon == WEST).all()


@pytest.mark.shared
def test_berlin_labels():
    """20,053 labelled points of Berlin: 99.995 % lie in the zone of their label, as for shapely.

    The one that does not is some 90 m outside every zone.
    """
    path = SHARED / "pip_labelled_berlin_4326.gpkg"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    zones = gpd.read_file(path, layer="zones")  # one zone has no name: rows are the codes
    points = gpd.read_file(path, layer="points")
    owners = Locator(zones).owners(points.geometry.x, points.geometry.y)
    found = zones["neighbourhood"].reindex(owners).to_numpy()
    wrong = np.flatnonzero(found != points["label"])
    assert len(wrong) <= 1
    assert (owners[wrong] == -1).all()
    tree = shapely.STRtree(zones.geometry.to_numpy())
    point, zone = tree.query(points.geometry.to_numpy(), predicate="intersects")
    expected = np.full(len(points), -1)
    expected[point] = zone
    assert (owners == expected).all()


@pytest.mark.shared
def test_shenzhen_districts():
    """Districts with thousands of corners and islands: shapely's answer for 50,000 real points."""
    path = SHARED / "shenzhen_districts_4326.gpkg"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    districts = gpd.read_file(path).set_index("qh")
    points = pd.read_parquet(SHARED / "points_shenzhen_gps_545k.parquet").iloc[::11]
    lon, lat = points["lon"].to_numpy(), points["lat"].to_numpy()
    owners = Locator(districts).owners(lon, lat)
    tree = shapely.STRtree(districts.geometry.to_numpy())
    point, district = tree.query(shapely.points(lon, lat), predicate="intersects")
    expected = np.full(len(points), -1)
    expected[point[::-1]] = district[::-1]
    odd = np.flatnonzero(owners != expected)
    border = districts.geometry.boundary.union_all()
    assert len(odd) < 20
    assert shapely.distance(shapely.points(lon[odd], lat[odd]), border).max(initial=0) < 2e-7
