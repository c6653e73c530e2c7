"""Layers that don't lie on each other: which is in another datum, axis order or CRS is said."""

from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString, Point, box

from gridmap.city import check_city, read_city
from gridmap.datum import from_wgs84
from gridmap.errors import CityError, DatumError, TableError
from gridmap.reading.alignment import compare_areas, find_misread
from gridmap.reading.columns import choose_layers
from gridmap.reading.layers import list_layers
from gridmap.reading.sources import read_pieces
from gridmap.synthetic import make_city

CRS = 4550
#: Where real cities are put to be shifted: metres in the CRS above, in Yingkou.
YINGKOU = (435_700.0, 4_504_200.0)
TABLES = ("communities", "buildings", "streets", "barriers")


def transform(frame, convert):
    """Return a frame with every vertex converted."""
    shapes = shapely.transform(frame.geometry.to_numpy(), convert)
    return frame.set_geometry(gpd.GeoSeries(shapes, frame.index, crs=frame.crs))


def disguise(frame, datum):
    """Write true positions as degrees of a datum, which a file takes for WGS-84."""
    return transform(
        frame.to_crs(4326), lambda places: np.column_stack(from_wgs84(*places.T, datum))
    )


def swap(frame):
    """Exchange the axes."""
    return transform(frame, lambda places: places[:, ::-1])


def raw_tables(city):
    """Return a city's tables as a file has them, in degrees."""
    frames = {name: getattr(city, name).reset_index().to_crs(4326) for name in TABLES}
    return {name: frame for name, frame in frames.items() if len(frame)}


def diagnose(tables):
    """Return what is said of the datum of each layer, and the findings."""
    findings = find_misread({name: [frame] for name, frame in tables.items()})
    said = {f.layer: f.problem.split(",")[0].split()[-1] for f in findings if f.column == "datum"}
    return said, findings


def save(folder, tables):
    """Write layers to one GeoPackage."""
    path = folder / "town.gpkg"
    for name, frame in tables.items():
        frame.to_file(path, layer=name)
    return path


@pytest.fixture(scope="module")
def town():
    """Return the tables of a made-up city of 60 grids."""
    return raw_tables(make_city(60))


# --- datum ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@pytest.mark.parametrize(
    "moved", [["buildings"], ["communities"], ["streets"], ["buildings", "streets"]]
)
def test_datum_is_recognised(town, datum, moved):
    """The layers that are in another datum are named, and no other."""
    said, findings = diagnose({**town, **{name: disguise(town[name], datum) for name in moved}})
    assert said == dict.fromkeys(moved, datum)
    for found in findings:
        homeless = found.layer in ("buildings", "communities")
        assert found.action == ("refused" if homeless else "noted")
        assert f'give datum={{"{found.layer}": "{datum}"}}' in found.problem


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@pytest.mark.parametrize("moved", ["buildings", "communities"])
def test_datum_without_lines(town, datum, moved):
    """Households outside of the communities alone are enough."""
    areas = {name: town[name] for name in ("buildings", "communities")}
    said, findings = diagnose({**areas, moved: disguise(areas[moved], datum)})
    assert said == {moved: datum}
    share, then = findings[0].value.split(" % of households inside communities as read, ")
    assert float(share) < 90 and then == f"100.0 % with {moved} read as {datum}"


@pytest.mark.parametrize("seed", range(4))
def test_no_alarm_in_a_right_city(seed):
    """Nothing is said of cities whose layers agree, all in WGS-84 or all in GCJ-02."""
    tables = raw_tables(make_city(60, seed=seed))
    assert find_misread({name: [frame] for name, frame in tables.items()}) == []
    shifted = {name: [disguise(frame, "gcj02")] for name, frame in tables.items()}
    assert find_misread(shifted) == []


@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_compact_town_by_its_streets(town, datum, points):
    """Where no household falls outside, buildings on streets tell; without streets nothing does."""
    wide = town["communities"].dissolve().to_crs(CRS).buffer(3000).to_crs(4326)
    compact = {**town, "communities": wide.to_frame("geometry")}
    homes = disguise(town["buildings"], datum)
    if points:
        homes = homes.to_crs(CRS).set_geometry(homes.to_crs(CRS).centroid).to_crs(4326)
    said, findings = diagnose({**compact, "buildings": homes})
    assert said == {"buildings": datum}
    assert (
        findings[0].action == "noted" and "% of buildings on streets as read" in findings[0].value
    )
    assert find_misread({"communities": [compact["communities"]], "buildings": [homes]}) == []
    assert diagnose(compact) == ({}, [])


def test_wrongly_given_datum_is_found(town, tmp_path):
    """A datum that was given for a layer and does not fit is doubted too."""
    path = save(tmp_path, town)
    report = check_city(path, datum={"buildings": "bd09"})
    found = [f for f in report.findings if f.column == "datum"]
    assert [f.problem for f in found] == [
        'probably in wgs84, not bd09: if so, give datum={"buildings": "wgs84"}'
    ]


def quarter(centre, edge=0, lost=0):
    """Return a community of 4 km; homes in its middle, at its eastern edge, and 5 km outside.

    In GCJ-02 they lie 437 m farther east, so those at the edge are outside.
    """
    x, y = YINGKOU
    area = gpd.GeoDataFrame(geometry=[box(x - 2000, y - 2000, x + 2000, y + 2000)], crs=CRS)
    places = [Point(x, y + at) for at in range(centre)]
    places += [Point(x + 1900, y + at) for at in range(edge)]
    places += [Point(x - 5000, y + at) for at in range(lost)]
    homes = gpd.GeoDataFrame({"households": 1}, geometry=places, crs=CRS, index=range(len(places)))
    return {"communities": area, "buildings": disguise(homes, "gcj02")}


@pytest.mark.parametrize(
    ("centre", "edge", "lost", "said"),
    [
        (95, 5, 0, {}),
        (94, 6, 0, {"buildings": "gcj02"}),
        (88, 8, 2, {"buildings": "gcj02"}),
        (88, 8, 3, {}),
    ],
)
def test_thresholds_of_households(centre, edge, lost, said):
    """Outside must be more than 5 % as read, and a fifth of that or less otherwise."""
    found, findings = diagnose(quarter(centre, edge, lost))
    assert found == said
    assert {f.action for f in findings} == ({"refused"} if said else set())


@pytest.mark.parametrize(("standing", "said"), [(19, {}), (20, {"buildings": "gcj02"})])
def test_thresholds_of_streets(standing, said):
    """On streets must be 4 % of the buildings as read, and a third of that or less otherwise."""
    x, y = YINGKOU
    lines = [LineString([(x + at, y - 3000), (x + at, y + 3000)]) for at in range(-3000, 3000, 100)]
    streets = gpd.GeoDataFrame(geometry=lines, crs=CRS)
    true = gpd.GeoSeries([Point(x, y)], crs=CRS)
    shift = disguise(true.to_frame("geometry"), "gcj02").to_crs(CRS).geometry.x.iloc[0] - x
    # As read on a street; never on one as GCJ-02; on one if the streets were in GCJ-02.
    offsets = [-shift] * standing + [50.0] * (300 - standing) + [-2 * shift] * 200
    places = [box(x + o - 3, y + n - 3, x + o + 3, y + n + 3) for n, o in enumerate(offsets)]
    homes = gpd.GeoDataFrame({"households": 1}, geometry=places, crs=CRS, index=range(500))
    assert diagnose({"buildings": disguise(homes, "gcj02"), "streets": streets})[0] == said


def test_a_new_quarter_is_no_datum():
    """Homes beyond the border that a shift would bring in blame no layer if streets contradict."""
    x, y = YINGKOU
    area = gpd.GeoDataFrame(geometry=[box(x - 2000, y - 2000, x + 2000, y + 2000)], crs=CRS)
    # 37 m east of a street; 437 m farther west, where GCJ-02 would have them, they stand on it.
    offsets = [(-1463, at) for at in range(90)] + [(2137, at) for at in range(10)]
    places = [box(x + e - 5, y + n - 5, x + e + 5, y + n + 5) for e, n in offsets]
    homes = gpd.GeoDataFrame({"households": 1}, geometry=places, crs=CRS, index=range(100))
    lines = [LineString([(x + at, y - 3000), (x + at, y + 3000)]) for at in range(-3000, 3000, 100)]
    town = {"communities": area, "buildings": homes}
    assert diagnose(town)[0] == {"buildings": "gcj02"}
    assert diagnose({**town, "streets": gpd.GeoDataFrame(geometry=lines, crs=CRS)})[0] == {}


def test_layers_of_buildings_are_judged_each(town):
    """Of two layers of buildings only the shifted one is named, by its own name."""
    homes = town["buildings"]
    east, west = homes.iloc[::2].copy(), disguise(homes.iloc[1::2], "gcj02")
    east.attrs, west.attrs = {"layer": "东区楼栋"}, {"layer": "西区楼栋"}
    pieces = {"communities": [town["communities"]], "buildings": [east, west]}
    assert [f.layer for f in find_misread(pieces)] == ["西区楼栋"]


# --- datums given ---------------------------------------------------------------------------------


def test_advice_heals_the_city(town, tmp_path):
    """A city is refused with advice; followed, it is read, and lies where it truly is."""
    path = save(tmp_path, {**town, "buildings": disguise(town["buildings"], "gcj02")})
    with pytest.raises(CityError, match="probably in gcj02, not wgs84"):
        read_city(path)
    for given in (
        {"datum": {"buildings": "gcj02"}},
        {"columns": {"buildings": {"datum": "gcj02"}}},
        {"columns": {"buildings": {"datum": "gcj02"}}, "datum": "wgs84"},
        {"columns": {"buildings": {"datum": "bd09"}}, "datum": {"buildings": "gcj02"}},
    ):
        city = read_city(path, **given)
        true = town["buildings"].to_crs(city.crs).set_index("building_id").centroid
        assert city.buildings.centroid.distance(true).max() < 0.001


def test_datum_of_a_layer_goes_before_that_of_its_table(town, tmp_path):
    """The name of a layer is more exact than that of a table."""
    homes = town["buildings"]
    path = save(
        tmp_path,
        {
            "communities": town["communities"],
            "东区楼栋": homes.iloc[::2],
            "西区楼栋": disguise(homes.iloc[1::2], "bd09"),
        },
    )
    city = read_city(path, datum={"buildings": "bd09", "东区楼栋": "wgs84"})
    assert city.households == homes["households"].sum()
    assert not [f for f in city.report.findings if f.column == "datum"]


def test_datum_of_a_projected_layer(town, tmp_path):
    """Metres that were made of GCJ-02 degrees are moved by a datum of their own table only."""
    metres = {name: frame.to_crs(CRS) for name, frame in town.items()}
    metres["buildings"] = disguise(town["buildings"], "gcj02").to_crs(CRS)
    path = save(tmp_path, metres)
    report = check_city(path, datum="gcj02")
    assert [f.layer for f in report.findings if f.column == "datum"] == ["buildings"]
    city = read_city(path, datum={"buildings": "gcj02"})
    true = town["buildings"].to_crs(city.crs).set_index("building_id").centroid
    assert city.buildings.centroid.distance(true).max() < 0.001
    assert city.crs.to_epsg() == CRS


@pytest.mark.parametrize(
    ("datum", "message"),
    [
        ({"buildings": "gcj2"}, "no datum 'gcj2'; there are wgs84, cgcs2000, gcj02, bd09"),
        (
            {"building": "gcj02"},
            "datum of 'building': no such table or layer; there are communities",
        ),
    ],
)
def test_unknown_names_in_a_datum(town, tmp_path, datum, message):
    """A datum, table or layer that does not exist is the caller's error."""
    with pytest.raises(DatumError, match=message):
        check_city(save(tmp_path, {"buildings": town["buildings"]}), datum=datum)


def test_unknown_datum_in_columns(town, tmp_path):
    """A mapping with an unknown datum is refused."""
    path = save(tmp_path, {"buildings": town["buildings"]})
    report = check_city(path, columns={"buildings": {"datum": "amap"}})
    assert "buildings.datum is 'amap'; there are wgs84" in report.findings[0].problem


# --- axes and CRS ---------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["buildings", "communities"])
def test_swapped_axes(town, tmp_path, table):
    """Latitude first can't be on Earth in eastern China: it is refused, with the evidence."""
    report = check_city(save(tmp_path, {**town, table: swap(town[table])}))
    found = [f for f in report.findings if "latitude first" in f.problem]
    assert [(f.layer, f.action) for f in found] == [(table, "refused")]
    assert "100.0 % of households inside communities if exchanged" in found[0].value


@pytest.mark.parametrize("table", ["buildings", "communities"])
def test_swapped_axes_in_the_west(town, table):
    """In Ürümqi (87° E) latitude first is a place on Earth, but not one in this city."""
    west = {
        name: frame.translate(87.6 - 122.24, 0).to_frame("geometry") for name, frame in town.items()
    }
    west["buildings"]["households"] = town["buildings"]["households"]
    _, findings = diagnose({**west, table: swap(west[table])})
    assert [(f.layer, f.action) for f in findings] == [(table, "refused")]
    assert f"probably {table} with exchanged axes" in findings[0].problem
    assert "100.0 % of households inside communities if so" in findings[0].value


@pytest.mark.parametrize(("table", "action"), [("buildings", "refused"), ("streets", "noted")])
def test_wrong_zone(town, table, action):
    """Metres of one zone that are said to be of another lie 250 km away; the zone is named."""
    wrong = town[table].to_crs(CRS).set_crs(4549, allow_override=True)
    _, (found,) = diagnose({**town, table: wrong})
    assert (found.layer, found.column, found.action) == (table, "CRS", action)
    assert f"probably {table} in EPSG:4550, not EPSG:4549" in found.problem
    assert found.value.startswith("25") and "km from communities" in found.value


def test_wrong_zone_of_the_communities(town):
    """Communities far from everything else are blamed themselves; of two layers either may be."""
    wrong = town["communities"].to_crs(CRS).set_crs(4549, allow_override=True)
    _, (found,) = diagnose({**town, "communities": wrong})
    assert (found.layer, found.action) == ("communities", "refused")
    assert "probably communities in EPSG:4550, not EPSG:4549;" in found.problem
    homes = town["buildings"].to_crs(CRS)
    _, (found,) = diagnose({"communities": wrong, "buildings": homes})
    assert "buildings in EPSG:4549, not EPSG:4550, or communities in EPSG:4550" in found.problem


def test_a_zone_without_its_number(town):
    """Eastings with the number of the zone before them lie beyond the projection without it."""
    wrong = town["buildings"].to_crs(4529).set_crs(CRS, allow_override=True)
    _, (found,) = diagnose({**town, "buildings": wrong})
    assert "probably buildings in EPSG:4529, not EPSG:4550" in found.problem


def test_another_city(town):
    """What no reading brings here is said to be far away, and nothing more."""
    south = town["buildings"].to_crs(CRS)
    south = south.set_geometry(south.translate(0, -500_000))
    _, (found,) = diagnose({**town, "buildings": south})
    assert found.problem == "far from communities: is its CRS right, and is it of this city?"


def test_nothing_to_compare(town):
    """Lines alone, places that are missing, and points among areas raise no finding or error."""
    assert find_misread({}) == []
    assert find_misread({"streets": [town["streets"]]}) == []
    empty = town["buildings"].set_geometry(gpd.GeoSeries([None] * len(town["buildings"]), crs=4326))
    assert find_misread({"buildings": [empty], "communities": [town["communities"]]}) == []
    dots = town["communities"].to_crs(CRS).centroid.to_frame("geometry")
    assert find_misread({"buildings": [town["buildings"]], "communities": [dots]}) == []


# --- areas ----------------------------------------------------------------------------------------


@pytest.mark.shared
def test_districts_of_yingkou(shared_data):
    """Read as GCJ-02, every district of cnmaps lies better on that of AMap; 西市区 above 0.999."""
    path = shared_data / "yingkou_boundaries.gpkg"
    first, second = (gpd.read_file(path, layer=name) for name in ("cnmaps_gcj02", "amap_wgs84"))
    table = compare_areas(first, second, key="name")
    overlaps = table.drop(columns="probable")
    assert len(table) == 7 and (overlaps.idxmax(axis=1) == "first_gcj02").all()
    assert round(table.loc["西市区", "as_read"], 3) == 0.871
    assert table.loc["西市区", "first_gcj02"] > 0.999
    # cnmaps lacks the detached parts of 站前区, which no datum brings.
    assert table.index[table["probable"] != "first_gcj02"].tolist() == ["站前区"]
    back = compare_areas(second, first, key="name")
    assert back["second_gcj02"].to_numpy() == pytest.approx(table["first_gcj02"].to_numpy())


@pytest.mark.shared
def test_sources_in_one_datum_are_not_blamed(shared_data):
    """Two sources in WGS-84, or two in GCJ-02, differ otherwise, and no datum is named for that."""
    path = shared_data / "yingkou_boundaries.gpkg"
    for pair in (("amap_wgs84", "tianditu_cgcs2000"), ("echarts_gcj02_coarse", "cnmaps_gcj02")):
        table = compare_areas(*(gpd.read_file(path, layer=name) for name in pair), key="adcode")
        assert set(table["probable"]) == {"as_read"}


@pytest.mark.parametrize(("gap", "probable"), [(0, "first_bd09"), (3000, "as_read")])
def test_thresholds_of_areas(gap, probable):
    """A datum is named if what does not overlap becomes half of what it was or less."""
    x, y = YINGKOU
    area = gpd.GeoDataFrame(geometry=[box(x, y, x + 9000, y + 9000)], crs=CRS)
    other = gpd.GeoDataFrame(geometry=[box(x, y, x + 9000, y + 9000 + gap)], crs=CRS)
    table = compare_areas(disguise(area, "bd09"), other)
    assert table["probable"].tolist() == [probable]
    assert table["first_bd09"].iloc[0] == pytest.approx(9000 / (9000 + gap), abs=1e-6)


def test_areas_that_cannot_be_compared(town):
    """A missing CRS, row or key is said."""
    areas = town["communities"]
    for first, key, message in (
        (areas.set_crs(None, allow_override=True), None, "the first layer has no CRS"),
        (areas[:0], None, "the first layer has no row"),
        (areas, "adcode", "no column 'adcode'; it has"),
        (areas.assign(code="1"), "code", "no area of the first layer has the code"),
    ):
        with pytest.raises(TableError, match=message):
            compare_areas(first, areas, key=key)


# --- real cities ----------------------------------------------------------------------------------


@cache
def read_real(folder, name):
    """Return the layers of a real city as they are read."""
    sources = list_layers(folder / f"{name}.gpkg")
    uses = choose_layers([source.name for source in sources], MAPPINGS[name])
    pieces = read_pieces(sources, uses, None, [])
    return {table: pd.concat(frames) for table, frames in pieces.items()}


def move_to_yingkou(tables):
    """Put a city as it is to where GCJ-02 shifts."""
    centre = tables["buildings"].total_bounds.reshape(2, 2).mean(axis=0)
    moved = {
        name: transform(frame, lambda places: places - centre + YINGKOU)
        for name, frame in tables.items()
    }
    return {name: frame.set_crs(CRS, allow_override=True) for name, frame in moved.items()}


#: City -> which layers and columns it is read from.
MAPPINGS = {
    "singapore_hdb_bukitmerah_3414": {
        "buildings": [{"layer": "hdb_blocks", "households": "total_dwelling_units"}],
        "communities": [{"layer": "subzones"}],
        "streets": [{"layer": "road_sections", "kind": "=street"}],
    },
    "vologda_osm_32637": {"streets": [{"layer": "roads", "kind": "=main_road"}]},
    "monaco_osm_32632": {},
    "shanghai_lujiazui_osm_32651": {},
}
CITIES = tuple(MAPPINGS)


@pytest.mark.shared
@pytest.mark.parametrize("name", CITIES)
def test_no_alarm_in_real_cities(shared_data, name):
    """Nothing is said of real cities, neither in their place nor where GCJ-02 would shift them."""
    tables = read_real(shared_data, name)
    assert diagnose(tables)[1] == []
    assert diagnose(move_to_yingkou(tables))[1] == []


@pytest.mark.shared
@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
@pytest.mark.parametrize("name", CITIES)
def test_datum_of_real_cities(shared_data, name, datum):
    """Buildings, or streets, of real cities that are in another datum are recognised."""
    tables = move_to_yingkou(read_real(shared_data, name))
    for moved in ("buildings", "streets"):
        assert diagnose({**tables, moved: disguise(tables[moved], datum)})[0] == {moved: datum}


@pytest.mark.shared
def test_communities_by_their_borders(shared_data):
    """Subzones with room around the blocks are recognised by their borders along streets."""
    tables = move_to_yingkou(read_real(shared_data, CITIES[0]))
    moved = {**tables, "communities": disguise(tables["communities"], "gcj02")}
    said, findings = diagnose(moved)
    assert said == {"communities": "gcj02"}
    assert "% of the borders of communities away from streets as read" in findings[0].value
