"""A city from files: what is right is read, what is wrong is named, no household is lost."""

import dataclasses
import json
import time
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from shapely import LineString, MultiPoint, Point, Polygon, box

from gridmap.city import City, Estimate, check_city, divide_communities, read_city
from gridmap.codes import is_community_code
from gridmap.crs import is_metric
from gridmap.datum import from_wgs84
from gridmap.errors import CityError, DatumError, TableError
from gridmap.tables import BARRIERS, COMMUNITIES, STREETS, empty_table

DATA = Path(__file__).parents[1] / "data"
CRS = 4550
#: Two communities of 300 m side by side; all made-up towns stand on them.
WEST, EAST = box(500000, 4500000, 500300, 4500300), box(500300, 4500000, 500600, 4500300)
MAPPINGS = {
    "singapore_hdb_bukitmerah_3414": {
        "buildings": {
            "layer": "hdb_blocks",
            "building_id": ["blk_no", "street"],
            "households": "total_dwelling_units",
        },
        "communities": {"layer": "subzones", "community_id": "SUBZONE_C", "name": "SUBZONE_N"},
        "streets": {"layer": "road_sections", "kind": "=street", "name": "RD_CD_DESC"},
    },
    "vologda_osm_32637": {"streets": {"layer": "roads", "kind": "=main_road"}},
    "monaco_osm_32632": {"buildings": {"building_id": "osm_id|osm_way_id"}},
    "shanghai_lujiazui_osm_32651": {"buildings": {"name": "name|addr_street"}},
}


def at(x, y):
    """Return a place in the made-up town, metres from its south-west corner."""
    return Point(500000 + x, 4500000 + y)


def house(x, y, size=20):
    """Return a square building."""
    return box(500000 + x, 4500000 + y, 500000 + x + size, 4500000 + y + size)


def buildings(households=(30, 40, 50), shapes=None, **columns):
    """Return three buildings: two in the western community, one in the eastern."""
    shapes = shapes or [house(50, 50), house(150, 50), house(400, 50)]
    ids = [f"h{number}" for number in range(1, len(shapes) + 1)]
    table = {"building_id": ids, "households": list(households), **columns}
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def communities(shapes=(WEST, EAST), **columns):
    """Return the two communities, with codes of Yingkou."""
    table = {
        "社区编码": ["210802003002", "210802003003"][: len(shapes)],
        "名称": ["小雨社区", "东新社区"][: len(shapes)],
        "街道": ["建设街道"] * len(shapes),
        **columns,
    }
    return gpd.GeoDataFrame(table, geometry=list(shapes), crs=CRS)


def save(folder, **layers):
    """Write layers of any frame to one GeoPackage."""
    path = folder / "town.gpkg"
    for name, frame in layers.items():
        frame.to_file(path, layer=name)
    return path


def town(folder, **layers):
    """Write a town with three buildings in two communities, but for the layers that are given."""
    return save(folder, **{"buildings": buildings(), "communities": communities(), **layers})


def found(report, word):
    """List row and value of each finding whose problem contains a word."""
    return [(f.action, f.row, f.value) for f in report.findings if word in f.problem]


def test_clean_town(tmp_path):
    """A town in order is clean; its tables keep their contracts, codes and names."""
    streets = gpd.GeoDataFrame(
        {"道路等级": ["主干道", "支路"], "路名": ["建设大街", ""]},
        geometry=[LineString([at(0, 100), at(600, 100)]), LineString([at(100, 0), at(100, 300)])],
        crs=CRS,
    )
    city = read_city(town(tmp_path, 道路=streets))
    assert city.report.status == "clean"
    assert city.name == "town"
    assert city.crs == CRS
    assert city.households == 120
    assert city.communities.index.tolist() == ["210802003002", "210802003003"]
    assert city.communities["code"].tolist() == ["210802003002", "210802003003"]
    assert city.communities["name"].tolist() == ["小雨社区", "东新社区"]
    assert city.communities["street"].tolist() == ["建设街道"] * 2
    assert city.buildings["community_id"].to_dict() == {
        "h1": "210802003002",
        "h2": "210802003002",
        "h3": "210802003003",
    }
    assert city.streets["kind"].tolist() == ["main_road", "street"]
    assert city.barriers.empty
    assert city.report.counts == {
        "buildings_in": 3,
        "households_in": 120,
        "buildings_out": 3,
        "households_out": 120,
        "communities": 2,
        "streets": 2,
        "barriers": 0,
    }


def test_city_that_is_read_reads_itself(tmp_path):
    """The tables of a city, saved as layers, are read as the same city."""
    city = read_city(town(tmp_path))
    (tmp_path / "again").mkdir()
    names = ("communities", "buildings")
    again = read_city(save(tmp_path / "again", **{n: getattr(city, n) for n in names}))
    for name in names:
        assert getattr(again, name).equals(getattr(city, name))


def test_tables_must_agree():
    """A city refuses tables of two systems, degrees, strange communities and negative numbers."""
    good = {
        "communities": gpd.GeoDataFrame(
            {"code": ["210802003002"], "name": ["a"], "street": [""]},
            geometry=[WEST],
            index=pd.Index(["a"], name="community_id"),
            crs=CRS,
        ),
        "buildings": gpd.GeoDataFrame(
            {
                "households": [3],
                "community_id": ["a"],
                "compound_id": [""],
                "name": [""],
                "floors": [2.0],
            },
            geometry=[house(50, 50)],
            index=pd.Index(["h1"], name="building_id"),
            crs=CRS,
        ),
        "streets": empty_table(STREETS, CRS),
        "barriers": empty_table(BARRIERS, CRS),
    }
    assert City(**good).households == 3
    for change, message in (
        ({"streets": empty_table(STREETS, 32651)}, "streets: CRS EPSG:32651 is not that of"),
        ({"communities": empty_table(COMMUNITIES, CRS)}, "communities: no row"),
        ({"communities": good["communities"].to_crs(4326)}, "communities: the CRS is EPSG:4326"),
        ({name: good[name].to_crs(3857) for name in good}, "CRS EPSG:3857 is not metric"),
        ({"buildings": good["buildings"].assign(community_id="b")}, "no such community: h1 in 'b'"),
        ({"buildings": good["buildings"].assign(households=-1)}, "negative in rows h1"),
        ({"buildings": good["buildings"].drop(columns="floors")}, "no column 'floors'"),
    ):
        with pytest.raises(TableError, match=message):
            City(**{**good, **change})


def test_supplements_must_agree(tmp_path):
    """A city checks what it need not have; an empty table of it follows the city's CRS."""
    city = read_city(town(tmp_path))
    zone = gpd.GeoDataFrame(
        {"kind": ["park"], "name": [""]},
        geometry=[WEST],
        index=pd.Index(["z"], name="zone_id"),
        crs=CRS,
    )
    doors = pd.DataFrame({"building_id": ["h1"], "entrance": ["1"], "households": [3]})
    assert len(dataclasses.replace(city, zones=zone, entrances=doors).zones) == 1
    for change, message in (
        ({"zones": zone.assign(kind="zoo")}, "zones: column 'kind' holds zoo"),
        ({"zones": zone.to_crs(32651)}, "zones: CRS EPSG:32651 is not that of"),
        ({"entrances": doors.assign(building_id="h9")}, "entrances: no such building: h9"),
        ({"entrances": doors.drop(columns="entrance")}, "entrances: no column 'entrance'"),
        ({"compounds": doors}, "compounds: the index is None, not 'compound_id'"),
    ):
        with pytest.raises(TableError, match=message):
            dataclasses.replace(city, **change)
    tables = ("communities", "buildings", "streets", "barriers")
    moved = {name: getattr(city, name).to_crs(32651) for name in tables}
    assert dataclasses.replace(city, **moved).zones.crs.to_epsg() == 32651


# --- real data ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "houses", "households", "communities_out"),
    [
        ("singapore_hdb_bukitmerah_3414", 415, 51_791, 17),
        ("vologda_osm_32637", 25_324, 148_674, 1),
        ("monaco_osm_32632", 1_283, 22_605, 1),
        ("shanghai_lujiazui_osm_32651", 1_321, 5_229, 1),
    ],
)
@pytest.mark.shared
def test_shared_cities_keep_their_households(
    shared_data, name, houses, households, communities_out
):
    """Every real city is read whole, in its own system, each building in a community."""
    city = read_city(shared_data / f"{name}.gpkg", columns=MAPPINGS[name])
    assert city.households == city.report.counts["households_in"] == households
    assert len(city.buildings) == houses
    assert len(city.communities) == communities_out
    assert city.crs.to_epsg() == int(name.rsplit("_", 1)[1])
    owner = city.communities.geometry.loc[city.buildings["community_id"]].to_numpy()
    inner = shapely.point_on_surface(city.buildings.geometry.to_numpy())
    assert shapely.intersects(owner, inner).all()
    assert city.communities["code"].map(is_community_code).all()
    assert city.communities["code"].is_unique


@pytest.mark.shared
def test_bukit_merah_is_clean(shared_data):
    """Bukit Merah needs no repair: its borders run along roads and fit together."""
    path = shared_data / "singapore_hdb_bukitmerah_3414.gpkg"
    city = read_city(path, columns=MAPPINGS[path.stem])
    assert city.report.status == "clean"
    assert city.communities.is_valid_coverage()
    assert city.buildings.index.is_unique


@pytest.mark.shared
def test_vologda_is_read_in_seconds(shared_data):
    """25,324 buildings, roads, railways and mixed water take a few seconds of one core."""
    start = time.process_time()
    city = read_city(shared_data / "vologda_osm_32637.gpkg")
    assert time.process_time() - start < 5
    assert city.barriers["kind"].value_counts().to_dict() == {"railway": 328, "river": 221}
    assert {"Polygon", "LineString"} <= set(city.barriers.geom_type)
    assert found(city.report, "unknown class") == [("noted", "", "no class × 1901")]
    assert len(found(city.report, "moved to the nearest place inside")) == 3


@pytest.mark.shared
@pytest.mark.parametrize(
    ("layer", "datum", "noted"),
    [
        ("amap_wgs84", None, 0),
        ("tianditu_cgcs2000", "cgcs2000", 0),
        ("cnmaps_gcj02", None, 1),
        ("cnmaps_gcj02", "gcj02", 0),
        ("echarts_gcj02_coarse", "gcj02", 0),
    ],
)
def test_boundaries_of_yingkou(shared_data, layer, datum, noted):
    """Each source of Yingkou's districts is looked at; a name with GCJ-02 asks for the datum."""
    mapping = {"communities": {"layer": layer, "community_id": "adcode"}}
    report = check_city(shared_data / "yingkou_boundaries.gpkg", columns=mapping, datum=datum)
    assert len(found(report, "no layer of buildings")) == 1
    assert len(found(report, "the name speaks of a shifted datum")) == noted


@pytest.mark.shared
def test_datum_brings_yingkou_to_its_place(shared_data, tmp_path):
    """With its datum a GCJ-02 district lies on the WGS-84 one; without it, 480 m off."""
    path = shared_data / "yingkou_boundaries.gpkg"
    true = gpd.read_file(path, layer="amap_wgs84").set_index("adcode").to_crs(CRS)
    shifted = gpd.read_file(path, layer="cnmaps_gcj02").query("adcode == '210803'")
    home = shifted.set_geometry(shifted.representative_point()).assign(households=7)
    files = save(tmp_path, boundary=shifted, buildings=home[["households", "geometry"]])
    for datum, least, most in (("gcj02", 0, 2), (None, 466, 504)):
        place = read_city(files, datum=datum).communities.geometry.iloc[0].centroid
        assert least <= place.distance(true.geometry["210803"].centroid) <= most


def test_bundled_city():
    """The bundled Monaco is read with its own mapping; every building has an id of OSM."""
    city = read_city(DATA / "monaco.gpkg", columns=DATA / "monaco.columns.toml")
    assert city.households == city.report.counts["households_in"] == 22_605
    assert (len(city.buildings), len(city.streets)) == (1_283, 2_829)
    assert city.buildings.index.str.fullmatch(r"\d+").all()
    assert set(city.streets["kind"]) == {"main_road", "street", "path"}
    assert found(city.report, "unknown class") == [
        ("noted", "", "construction × 6"),
        ("noted", "", "raceway × 7"),
    ]
    assert city.communities.geometry.iloc[0].contains(city.buildings.union_all())


def test_bundled_data_is_documented():
    """The README of the data names every layer and every column."""
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert "© OpenStreetMap contributors, ODbL 1.0" in text
    for layer in ("buildings", "roads"):
        assert f"Layer `{layer}`" in text
        for column in gpd.read_file(DATA / "monaco.gpkg", layer=layer).columns.drop("geometry"):
            assert f"| `{column}` |" in text


# --- wrong input ----------------------------------------------------------------------------------


def test_many_problems_in_one_report(tmp_path):
    """Everything that is wrong is in one report, worst first; the error carries it."""
    wrong = buildings(
        ["12户", "-3", "viele", None],
        [house(50, 50), house(150, 50), house(400, 50), house(2000, 2000)],
    ).assign(building_id=["h1", "h1", "", "h4"])
    overlapping = communities((WEST, box(500200, 4500000, 500600, 4500300)))
    path = town(tmp_path, buildings=wrong, communities=overlapping)
    report = check_city(path)
    assert report.status == "refused"
    assert found(report, "read as the number") == [("repaired", "h1", "12户")]
    assert found(report, "below 0") == [("refused", "h1-2", "-3")]
    assert found(report, "not a number") == [("refused", "b3", "viele")]
    assert found(report, "missing: counted as 0") == [("repaired", "h4", "")]
    assert found(report, "communities overlap") == [
        ("refused", "210802003002", "30000.00 m² with 210802003003")
    ]
    assert [row for _, row, _ in found(report, "without households: left out")] == ["h4"]
    text = report.to_text()
    assert text.index("refused: ") < text.index("repaired: ") < text.index("noted: ")
    with pytest.raises(CityError, match="communities overlap") as caught:
        read_city(path)
    assert caught.value.report == report
    assert json.loads(json.dumps(report.to_dict()))["status"] == "refused"


def test_households_as_they_are_written(tmp_path):
    """Full-width digits, 12户, 1,200, halves and missing cells are read and listed."""
    written = ["１２", "12户", "1,200", "2.5", None, "40"]
    houses = buildings(written, [house(10 + 40 * number, 50) for number in range(6)])
    city = read_city(town(tmp_path, buildings=houses))
    assert city.buildings["households"].tolist() == [12, 12, 1200, 3, 0, 40]
    assert city.households == city.report.counts["households_in"] == 1267
    assert [row for _, row, _ in found(city.report, "read as the number")] == ["h1", "h2", "h3"]
    assert found(city.report, "rounded half up") == [("repaired", "h4", "2.5")]
    assert found(city.report, "missing") == [("repaired", "h5", "")]
    assert city.report.status == "repaired"


def test_halves_of_numbers_are_rounded_up(tmp_path):
    """A column of floats is rounded half up, not to even."""
    city = read_city(town(tmp_path, buildings=buildings([0.5, 1.5, 2.5])))
    assert city.buildings["households"].tolist() == [1, 2, 3]


def test_numbers_that_are_no_households(tmp_path):
    """A column of codes is not taken for households."""
    report = check_city(town(tmp_path, buildings=buildings([1, 2, 210802003002])))
    assert found(report, "more than 100000") == [("refused", "h3", "210802003002")]


def test_ids_are_text_and_unique(tmp_path):
    """Numbers become text without .0, missing ids are given, twins are told apart."""
    shapes = [house(10 + 40 * number, 50) for number in range(5)]
    houses = buildings([1] * 5, shapes).assign(building_id=[7.0, 8.0, None, 7.0, 7.0])
    city = read_city(town(tmp_path, buildings=houses))
    assert city.buildings.index.tolist() == ["7", "8", "b3", "7-2", "7-3"]
    assert found(city.report, "made unique") == [("repaired", "7-2", "7"), ("repaired", "7-3", "7")]
    assert found(city.report, "id given") == [("repaired", "b3", "")]


def test_no_ids_at_all(tmp_path):
    """A layer without ids gets them in the order of its rows, which is noted once."""
    city = read_city(town(tmp_path, buildings=buildings().drop(columns="building_id")))
    assert city.buildings.index.tolist() == ["b1", "b2", "b3"]
    assert found(city.report, "no ids: b1 to b3") == [("noted", "", "")]
    assert city.report.status == "clean"


def test_no_crs(tmp_path):
    """A layer without CRS is refused, and read if the datum of its degrees is given."""
    text = "building_id,households,WKT\nh1,5,POINT (122.235 40.672)\nh2,6,POINT (122.236 40.672)\n"
    (tmp_path / "buildings.csv").write_text(text, encoding="utf-8")
    report = check_city(tmp_path)
    assert [f.action for f in report.findings if "no CRS" in f.problem] == ["refused"]
    assert read_city(tmp_path, datum="wgs84").households == 11


def test_invalid_rings(tmp_path):
    """A bow tie is made valid and reported; its households stay."""
    tie = Polygon([at(50, 50), at(90, 90), at(90, 50), at(50, 90)])
    city = read_city(town(tmp_path, buildings=buildings(shapes=[tie, *buildings().geometry[1:]])))
    assert city.buildings.geometry.is_valid.all()
    assert [row for _, row, _ in found(city.report, "made valid")] == ["h1"]
    assert city.households == 120


@pytest.mark.parametrize("nothing", [None, Polygon()])
def test_missing_geometry(tmp_path, nothing):
    """A building without geometry is left out if nobody lives there, and refused otherwise."""
    shapes = [nothing, *buildings().geometry[1:]]
    (tmp_path / "empty").mkdir()
    city = read_city(town(tmp_path / "empty", buildings=buildings([0, 40, 50], shapes)))
    assert city.buildings.index.tolist() == ["h2", "h3"]
    assert found(city.report, "left out") == [("noted", "h1", "0")]
    report = check_city(town(tmp_path, buildings=buildings([30, 40, 50], shapes)))
    assert found(report, "but households") == [("refused", "h1", "30")]


def test_no_building_has_a_place(tmp_path):
    """Positions that are all missing are refused row by row, not with an error on the way."""
    (tmp_path / "buildings.csv").write_text("households,lat,lon\n3,,\n0,x,y\n")
    report = check_city(tmp_path)
    assert found(report, "but households") == [("refused", "b1", "3")]
    assert found(report, "no building has a place") == [("refused", "", "")]


def test_sliver_between_communities(tmp_path):
    """A sliver of overlap and a narrow gap are closed, with their m²; the rest stays."""
    sliver = box(500299.9, 4500000, 500600, 4500300)
    (tmp_path / "overlap").mkdir()
    city = read_city(town(tmp_path / "overlap", communities=communities((WEST, sliver))))
    assert found(city.report, "sliver") == [
        ("repaired", "210802003002", "30.00 m² with 210802003003")
    ]
    assert city.communities.is_valid_coverage()
    assert city.communities.area.sum() == pytest.approx(180_000)
    corners = [(300, 0), (600, 0), (600, 300), (300, 300), (300.5, 200), (300.5, 100)]
    notched = Polygon([at(*corner) for corner in corners])
    city = read_city(town(tmp_path, communities=communities((WEST, notched))))
    assert found(city.report, "gaps narrower than 1 m") == [("repaired", "", "100.00 m²")]
    assert city.communities.area.sum() == pytest.approx(180_000)


def test_overlap_with_buildings(tmp_path):
    """More than 1000 m² with a building in them are refused though they are less than 1 %."""
    west, east = box(0, 0, 1000, 1000), box(998.5, 0, 2000, 1000)
    move = shapely.affinity.translate
    shapes = [move(area, 500000, 4500000) for area in (west, east)]
    on_line = buildings([5], [at(999, 500)])
    report = check_city(town(tmp_path, communities=communities(shapes), buildings=on_line))
    assert found(report, "communities overlap")[0][0] == "refused"
    (tmp_path / "empty").mkdir()
    path = town(tmp_path / "empty", communities=communities(shapes), buildings=buildings())
    assert found(check_city(path), "sliver")[0][0] == "repaired"


def test_buildings_outside(tmp_path):
    """Within 100 m a building is moved inside with its households, farther it is refused."""
    shapes = [at(-99, 50), at(-30, 150), at(701, 150), house(50, 50)]
    city = read_city(town(tmp_path, buildings=buildings([5, 6, 0, 7], shapes)))
    assert city.buildings.index.tolist() == ["h1", "h2", "h4"]
    assert city.buildings["community_id"].tolist() == ["210802003002"] * 3
    assert city.communities.geometry.iloc[0].contains(city.buildings.geometry.iloc[:2]).all()
    assert city.buildings.geometry["h1"].distance(at(0, 50)) < 1
    assert found(city.report, "moved") == [
        ("repaired", "h1", "99.0 m, 5 households"),
        ("repaired", "h2", "30.0 m, 6 households"),
    ]
    assert found(city.report, "left out") == [("noted", "h3", "101.0 m, 0 households")]
    (tmp_path / "far").mkdir()
    report = check_city(town(tmp_path / "far", buildings=buildings([1], [at(-101, 50)])))
    assert found(report, "100 m outside") == [("refused", "h1", "101.0 m, 1 households")]


def test_building_on_a_border(tmp_path):
    """A point on the border of two communities is in the one of the smaller id, in any order."""
    houses = buildings([5], [at(300, 150)])
    for name, shapes, codes in (
        ("one", (WEST, EAST), ["210802003002", "210802003003"]),
        ("two", (EAST, WEST), ["210802003003", "210802003002"]),
    ):
        (tmp_path / name).mkdir()
        layer = communities(shapes, 社区编码=codes)
        city = read_city(town(tmp_path / name, communities=layer, buildings=houses))
        assert city.buildings["community_id"].tolist() == ["210802003002"]


def test_empty_layer(tmp_path):
    """An empty layer of buildings is refused, one of streets is noted."""
    report = check_city(town(tmp_path, buildings=buildings()[:0], streets=communities()[:0]))
    assert found(report, "the layer has no rows") == [
        ("refused", "", "buildings"),
        ("noted", "", "streets"),
    ]


def test_lost_characters(tmp_path):
    """Text that was damaged before is refused with its row, not kept as nonsense."""
    houses = buildings(
        name=["一号楼", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}楼", "锟斤拷"]
    )
    report = check_city(town(tmp_path, buildings=houses))
    assert [row for _, row, _ in found(report, "characters are lost")] == ["row 2", "row 3"]
    assert report.status == "refused"


def test_bytes_that_are_no_text(tmp_path):
    """A CSV whose bytes are no text at all is refused."""
    (tmp_path / "buildings.csv").write_bytes(b"id,lon,lat,households\n\xff\xff,1,2,3\n")
    assert found(check_city(tmp_path), "text is not utf-8")[0][0] == "refused"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
def test_csv_of_an_office(tmp_path, encoding):
    """Chinese headers, 12-digit codes and a mark or GBK: the town is read as it is meant."""
    text = "楼号,小区,户数,层数,经度,纬度\n1号楼,阳光花园,３０,6,122.235,40.672\n"
    text += "2号楼,阳光花园,40户,,122.236,40.672\n"
    (tmp_path / "楼栋.csv").write_bytes(text.encode(encoding))
    area = "社区编码,社区名称,WKT\n"
    area += f'210802003002,小雨社区,"{box(122.23, 40.66, 122.24, 40.68).wkt}"\n'
    (tmp_path / "社区.csv").write_bytes(area.encode(encoding))
    city = read_city(tmp_path, datum="cgcs2000")
    assert city.crs == CRS
    assert city.buildings.index.tolist() == ["1号楼", "2号楼"]
    assert city.buildings["households"].tolist() == [30, 40]
    assert city.buildings["compound_id"].tolist() == ["阳光花园"] * 2
    assert city.buildings["floors"].isna().tolist() == [False, True]
    assert city.communities.index.tolist() == ["210802003002"]
    assert city.communities["name"].tolist() == ["小雨社区"]


def test_shapefile_in_gbk(tmp_path):
    """A Shapefile in GBK without .cpg is read, and its encoding is noted."""
    houses = buildings().rename(columns={"building_id": "楼号", "households": "户数"})
    houses["楼号"] = ["甲一", "甲二", "乙一"]
    houses.to_file(tmp_path / "楼栋.shp", encoding="gbk")
    (tmp_path / "楼栋.cpg").unlink()
    communities().to_file(tmp_path / "社区.geojson")
    city = read_city(tmp_path)
    assert city.buildings.index.tolist() == ["甲一", "甲二", "乙一"]
    assert found(city.report, "text is in gb18030") == [("noted", "", "楼栋.shp")]
    assert is_metric(city.crs)


def test_gcj02_input(tmp_path):
    """Degrees in GCJ-02 come to their place within a millimetre if the datum is said."""
    true = buildings().to_crs(4326)
    lon, lat = from_wgs84(*shapely.get_coordinates(true.geometry).T, "gcj02")
    coordinates = shapely.get_coordinates(true.geometry)
    coordinates[:, 0], coordinates[:, 1] = lon, lat
    wrong = true.set_geometry(shapely.set_coordinates(true.geometry.to_numpy().copy(), coordinates))
    path = save(tmp_path, buildings=wrong.set_crs(4326))
    city = read_city(path, datum="gcj02")
    assert city.buildings.hausdorff_distance(buildings().set_index("building_id")).max() < 1e-3
    off = read_city(path).buildings.centroid.distance(city.buildings.centroid)
    assert off.between(400, 560).all()


def test_projected_layers_have_no_datum(tmp_path):
    """The datum of degrees does not move a layer in metres, and that is noted."""
    report = check_city(town(tmp_path), datum="gcj02")
    assert len(found(report, "projected, so datum=gcj02 is not applied")) == 2
    assert report.status == "clean"


def test_swapped_degrees(tmp_path):
    """Latitude first is refused with the row and the numbers."""
    (tmp_path / "buildings.csv").write_text("households,lat,lon\n3,122.235,40.672\n")
    report = check_city(tmp_path)
    assert found(report, "not on Earth") == [("refused", "row 1", "40.672000, 122.235000")]


def test_unknown_datum(tmp_path):
    """An unknown datum is the caller's error."""
    with pytest.raises(DatumError, match="no datum 'gcj'"):
        check_city(town(tmp_path), datum="gcj")


def test_streets_far_away(tmp_path):
    """Streets within 200 m of the territory are kept whole, farther ones counted and left out."""
    lines = [
        LineString([at(-50, 100), at(900, 100)]),
        LineString([at(-150, 0), at(-150, 300)]),
        LineString([at(900, 0), at(900, 300)]),
    ]
    streets = gpd.GeoDataFrame({"highway": ["primary_link", "x", "x"]}, geometry=lines, crs=CRS)
    city = read_city(town(tmp_path, streets=streets))
    assert city.streets.geometry.tolist() == lines[:2]
    assert city.streets["kind"].tolist() == ["main_road", "street"]
    assert found(city.report, "200 m") == [("noted", "", "1 of 3")]
    assert found(city.report, "unknown class") == [("noted", "", "x × 2")]


def test_types_that_have_no_place(tmp_path):
    """Points among streets are left out, areas give their outline; odd buildings become points."""
    streets = gpd.GeoDataFrame(
        {"kind": ["street"] * 3},
        geometry=[at(5, 5), house(100, 100), LineString([at(0, 9), at(9, 9)])],
        crs=CRS,
    )
    shapes = [
        MultiPoint([at(50, 50), at(60, 50)]),
        LineString([at(80, 80), at(90, 80)]),
        at(400, 9),
    ]
    path = tmp_path / "town"
    path.mkdir()
    for name, frame in (("streets", streets), ("buildings", buildings(shapes=shapes))):
        frame.to_parquet(path / f"{name}.parquet")
    communities().to_parquet(path / "communities.parquet")
    city = read_city(path)
    assert city.streets.geom_type.tolist() == ["LineString", "LineString"]
    assert city.buildings.geom_type.tolist() == ["Point"] * 3
    assert city.households == 120
    assert [action for action, _, _ in found(city.report, "no place here")] == ["noted"]
    assert [action for action, _, _ in found(city.report, "outline is kept")] == ["repaired"]
    assert len(found(city.report, "a point on it is kept")) == 2


def test_no_communities(tmp_path):
    """The boundary is the one community; without it an outline around the buildings is."""
    outline = gpd.GeoDataFrame({"名称": ["站前区"]}, geometry=[WEST.union(EAST)], crs=CRS)
    city = read_city(save(tmp_path, buildings=buildings(), 边界=outline))
    assert city.communities["name"].tolist() == ["站前区"]
    assert city.communities["code"].tolist() == ["999999001001"]
    assert city.communities.area.tolist() == [180_000]
    for count in (1, 2, 3):
        folder = tmp_path / str(count)
        folder.mkdir()
        city = read_city(
            save(
                folder,
                buildings=buildings()[:count].set_geometry(buildings().geometry[:count].centroid),
            )
        )
        assert city.communities.geometry.iloc[0].contains(city.buildings.union_all())


def test_codes_of_communities(tmp_path):
    """A code that is none, and a twin, get placeholders that no other community has."""
    shapes = [box(500000 + 100 * at, 4500000, 500100 + 100 * at, 4500300) for at in range(4)]
    codes = ["999999001001", "2.10802E+11", "210802003002", "210802003002"]
    layer = gpd.GeoDataFrame(
        {"community_id": list("abcd"), "code": codes}, geometry=shapes, crs=CRS
    )
    city = read_city(town(tmp_path, communities=layer))
    assert city.communities["code"].to_dict() == {
        "a": "999999001001",
        "b": "999999001002",
        "c": "210802003002",
        "d": "999999001003",
    }
    assert found(city.report, "not the 12-digit code") == [("repaired", "b", "2.10802E+11")]
    assert found(city.report, "code of another") == [("repaired", "d", "210802003002")]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"houses": {"layer": "buildings"}}, "no table 'houses'"),
        ({"buildings": {"layer": "buildings", "flats": "x"}}, "buildings has no column 'flats'"),
        ({"buildings": {"layer": "blocks"}}, "no layer of this name; there are buildings"),
        ({"buildings": {"layer": "buildings", "households": "x"}}, "no such column in layer"),
        ({"buildings": []}, "no layer of buildings"),
        ("none.toml", "columns: no file"),
    ],
)
def test_wrong_mapping(tmp_path, columns, problem):
    """A mapping that does not fit is refused, with what there is."""
    columns = tmp_path / columns if isinstance(columns, str) else columns
    report = check_city(town(tmp_path), columns=columns)
    assert [action for action, _, _ in found(report, problem)] == ["refused"]


def test_no_households(tmp_path):
    """Buildings without a column of households are refused, and the columns are listed."""
    report = check_city(town(tmp_path, buildings=buildings().rename(columns={"households": "n"})))
    (finding,) = [f for f in report.findings if f.action == "refused"]
    assert (finding.column, finding.value) == ("households", "households")
    assert "there are building_id, n" in finding.problem


def test_missing_file(tmp_path):
    """A path that does not exist is in the report, and an error when reading."""
    assert "no such file" in check_city(tmp_path / "x.gpkg").to_text()
    with pytest.raises(CityError, match="no such file"):
        read_city(tmp_path / "x.gpkg")


def test_barriers_from_two_layers(tmp_path):
    """Railways and water are barriers of their kinds by their layers' names; areas stay areas."""
    rail = gpd.GeoDataFrame(geometry=[LineString([at(0, 200), at(600, 200)])], crs=CRS)
    water = gpd.GeoDataFrame({"name": ["大辽河"]}, geometry=[house(500, 250)], crs=CRS)
    city = read_city(town(tmp_path, 铁路=rail, 水系=water))
    assert city.barriers["kind"].tolist() == ["railway", "river"]
    assert city.barriers["name"].tolist() == ["", "大辽河"]
    assert city.barriers.geom_type.tolist() == ["LineString", "Polygon"]


def test_reading_twice_is_the_same(tmp_path):
    """Two readings give the same report, and the same bytes of every table."""
    path = DATA / "monaco.gpkg"
    one, two = (read_city(path, columns=DATA / "monaco.columns.toml") for _ in range(2))
    assert one.report == two.report
    for first, second in ((one, two), (divide_communities(one), divide_communities(two))):
        for name in ("communities", "buildings", "streets", "barriers"):
            assert getattr(first, name).to_wkb().equals(getattr(second, name).to_wkb())


# --- dividing -------------------------------------------------------------------------------------


def check_division(old, new):
    """Assert that new communities tile the old ones, in one piece each, and hold every building."""
    assert new.households == old.households
    assert new.buildings.index.equals(old.buildings.index)
    assert new.communities.is_valid_coverage()
    assert (new.communities.geom_type == "Polygon").all()
    assert new.communities.area.sum() == pytest.approx(old.communities.area.sum(), abs=1e-3)
    outside = new.communities.union_all().symmetric_difference(old.communities.union_all())
    assert outside.area < 1e-3
    inner = shapely.point_on_surface(new.buildings.geometry.to_numpy())
    owner = new.communities.geometry.loc[new.buildings["community_id"]].to_numpy()
    assert shapely.dwithin(owner, inner, 1e-6).all()
    assert new.communities["code"].is_unique


def test_division_by_main_roads(tmp_path):
    """A main road and a railway cross: four quarters, named in rows from north to south."""
    boundary = gpd.GeoDataFrame(geometry=[box(500000, 4500000, 500600, 4500300)], crs=CRS)
    shapes = [house(x, y) for y in (200, 50) for x in (100, 400)]
    streets = gpd.GeoDataFrame(
        {"kind": ["main_road", "street"]},
        geometry=[LineString([at(-9, 150), at(609, 150)]), LineString([at(50, 0), at(50, 300)])],
        crs=CRS,
    )
    rail = gpd.GeoDataFrame(geometry=[LineString([at(300, -9), at(300, 309)])], crs=CRS)
    path = save(
        tmp_path,
        boundary=boundary,
        buildings=buildings([100] * 4, shapes),
        streets=streets,
        railways=rail,
    )
    city = read_city(path)
    quarters = divide_communities(city, 100)
    check_division(city, quarters)
    assert quarters.communities["name"].tolist() == ["片区1", "片区2", "片区3", "片区4"]
    assert quarters.communities.area.tolist() == pytest.approx([45_000] * 4)
    names = quarters.communities["name"].loc[quarters.buildings["community_id"]].tolist()
    assert names == ["片区1", "片区2", "片区3", "片区4"]
    # Twice the size: halves, joined along the longest border, which is the road.
    halves = divide_communities(city, 200)
    check_division(city, halves)
    assert halves.communities.area.tolist() == pytest.approx([90_000] * 2)
    assert halves.communities.geometry.iloc[0].bounds[2] == 500300
    # The whole is the old community still.
    whole = divide_communities(city, 5000)
    assert whole.communities["name"].tolist() == city.communities["name"].tolist()
    assert whole.communities.index.equals(city.communities.index)


def test_division_without_lines(tmp_path):
    """A city without any line stays as it is."""
    city = read_city(town(tmp_path))
    same = divide_communities(city, 10)
    check_division(city, same)
    assert same.communities.index.equals(city.communities.index)
    with pytest.raises(TableError, match="communities of 0 households"):
        divide_communities(city, 0)


def test_division_of_monaco():
    """Monaco becomes a few communities of thousands, none of them tiny."""
    city = read_city(DATA / "monaco.gpkg", columns=DATA / "monaco.columns.toml")
    new = divide_communities(city, 3000)
    check_division(city, new)
    sizes = new.buildings.groupby("community_id")["households"].sum()
    assert len(sizes) == len(new.communities) >= 4
    assert sizes.min() >= 1500


@pytest.mark.shared
def test_division_of_shared_cities(shared_data):
    """Vologda (one territory) and Bukit Merah (17 subzones) are divided without loss."""
    for name, least in (("vologda_osm_32637", 35), ("singapore_hdb_bukitmerah_3414", 17)):
        city = read_city(shared_data / f"{name}.gpkg", columns=MAPPINGS[name])
        new = divide_communities(city)
        check_division(city, new)
        assert len(new.communities) >= least
        inside = shapely.STRtree(city.communities.geometry).query(
            new.communities.representative_point(), predicate="within"
        )[1]
        assert len(inside) == len(new.communities)


# --- what an office really has --------------------------------------------------------------------


def save_book(path, **sheets):
    """Write a workbook of sheets, each a list of rows; a cell "↑" is merged with the one above."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([None if cell == "↑" else cell for cell in row])
        for column in range(max(map(len, rows))):
            tall = [at for at, row in enumerate(rows) if column < len(row) and row[column] == "↑"]
            for at in (at for at in tall if at - 1 not in tall):
                last = next(end for end in range(at, len(rows) + 1) if end not in tall)
                sheet.merge_cells(None, at, column + 1, last, column + 1)
    book.save(path)


def save_footprints(folder, numbers=("1号楼", "2#", "三幢"), **columns):
    """Write 楼栋.shp in GBK without .cpg, of three buildings in 幸福小区, and the communities."""
    drawn = buildings(**{"小区": ["幸福小区"] * 3, "楼号": list(numbers), **columns})
    drawn = drawn.drop(columns="households").rename(columns={"building_id": "楼栋编码"})
    drawn.to_file(folder / "楼栋.shp", encoding="gbk")
    (folder / "楼栋.cpg").unlink()
    communities().to_file(folder / "社区.gpkg")


TITLE = [["站前区楼栋台账"], ["填报单位：建设街道", None, None, "2023年5月"]]
HEADER = ["序号", "小区名称", "楼号", "总层数", "总户数（户）", "所属社区"]


def test_list_in_excel_and_footprints_in_a_shapefile(tmp_path):
    """Titles, merged cells, three ways to write a number and a total: the town is read whole."""
    rows = [
        [1, "营口市幸福小区", "１栋", 6, 30, "小雨社区"],
        [2, "↑", "2号楼", 6.0, 40, "↑"],
        [3, "↑", "3号楼1单元", 11, 20, "东新社区"],
        [4, "↑", "3号楼2单元", 11, 30, "↑"],
        ["合  计", None, None, None, 120],
        ["填表人：张", None, None, None, None],
    ]
    save_book(tmp_path / "楼栋台账.xlsx", Sheet1=[*TITLE, HEADER, *rows], Sheet2=[[]])
    save_footprints(tmp_path)
    city = read_city(tmp_path)
    assert city.buildings["households"].to_dict() == {"h1": 30, "h2": 40, "h3": 50}
    assert city.buildings["floors"].tolist() == [6, 6, 11]
    assert city.households == city.report.counts["households_in"] == 120
    assert city.buildings.geometry.geom_equals(
        buildings().geometry.set_axis(["h1", "h2", "h3"])
    ).all()
    assert "estimated" not in city.buildings
    assert found(city.report, "a total: left out") == [
        ("noted", "楼栋台账 row 8", "合计 120, 4 rows have 120")
    ]
    assert found(city.report, "are joined") == [("noted", "", "4 of 5")]
    assert found(city.report, "no compound or no number") == [
        ("noted", "楼栋台账 row 9", "no households")
    ]
    assert not found(city.report, "another community")
    assert city.report.status == "clean"


def test_everything_wrong_in_a_list(tmp_path):
    """Lost digits, a date, strange numbers and a wrong total are each named, with their rows."""
    header = ["楼栋编码", *HEADER[1:]]
    rows = [
        ["A1", "幸福小区", "1", 6, 30, "东新社区"],
        [21080200300200112, "幸福小区", "2", 6, 40, None],
        ["A3", "幸福小区", "9", 6, 72, None],
        ["A4", "幸福小区", pd.Timestamp("2023-03-01").to_pydatetime(), 6, 1, None],
        ["总计", None, None, None, 150, None],
    ]
    save_book(tmp_path / "楼栋台账.xlsx", Sheet1=[*TITLE, header, *rows])
    save_footprints(tmp_path)
    report = check_city(tmp_path)
    assert found(report, "digits are lost") == [("refused", "row 5", "2.1080200300200E+16")]
    assert found(report, "Excel made a date of it") == [("refused", "row 7", "2023-03-01")]
    assert found(report, "no footprint of this") == [
        ("refused", "楼栋台账 row 6", "幸福小区 9, 72 households"),
        ("refused", "楼栋台账 row 7", "幸福小区 2023-03-01, 1 households"),
    ]
    assert found(report, "not the sum") == [
        ("noted", "楼栋台账 row 8", "总计 150, 4 rows have 143")
    ]
    assert found(report, "in no row of the list") == [("noted", "h3", "幸福小区 3")]
    assert not found(report, "missing: counted as 0")
    assert found(report, "another community") == [("noted", "h1", "东新社区, lies in 210802003002")]


def test_codes_in_excel(tmp_path):
    """Codes of 12 and 15 digits, numbers or text, and numbers of buildings come out as text."""
    header = ["楼栋编码", "楼号", "户数", "经度", "纬度"]
    rows = [
        [210802003002001, 3.0, 10, 122.235, 40.672],
        ["210802003002002", "04", 20.0, 122.236, 40.672],
    ]
    save_book(tmp_path / "楼栋.xlsx", Sheet1=[header, *rows])
    city = read_city(tmp_path, datum="cgcs2000")
    assert city.buildings.index.tolist() == ["210802003002001", "210802003002002"]
    assert city.buildings["name"].tolist() == ["3", "04"]
    assert city.buildings["households"].tolist() == [10, 20]


def test_shortened_codes_in_csv(tmp_path):
    """A CSV that Excel saved with 2.10802E+14 for a code is refused: its digits are gone."""
    text = "楼栋编码,户数,经度,纬度\n2.10802E+14,10,122.235,40.672\n2.10802E+14,5,122.236,40.672\n"
    (tmp_path / "楼栋.csv").write_text(text, encoding="gbk")
    report = check_city(tmp_path, datum="cgcs2000")
    assert found(report, "digits are lost") == [
        ("refused", "row 1", "2.10802E+14"),
        ("refused", "row 2", "2.10802E+14"),
    ]


def test_sheets_of_communities(tmp_path):
    """A sheet for each community is one list; a sheet of remarks is left out, and that is noted."""
    save_book(
        tmp_path / "楼栋台账.xlsx",
        小雨社区=[["小区", "楼号", "户数"], ["幸福小区", 1, 30], ["幸福小区", 2, 40]],
        东新社区=[["小区", "楼号", "户数"], ["幸福小区", 3, 50]],
        说明=[["项目", "说明"], ["户数", "以派出所为准"]],
    )
    save_footprints(tmp_path)
    city = read_city(tmp_path)
    assert city.buildings["households"].tolist() == [30, 40, 50]
    assert found(city.report, "a sheet without compounds") == [("noted", "", "楼栋台账/说明")]


def test_sheet_with_households_that_cannot_be_placed(tmp_path):
    """A sheet that counts households and has no numbers is refused, for they would be lost."""
    save_book(
        tmp_path / "楼栋台账.xlsx",
        小雨社区=[["小区", "楼号", "户数"], ["幸福小区", 1, 30]],
        汇总=[["社区", "户数"], ["小雨社区", 30]],
    )
    save_footprints(tmp_path)
    report = check_city(tmp_path)
    assert found(report, "no positions among the columns 社区, 户数") == [
        ("refused", "", "楼栋台账/汇总")
    ]


def test_list_without_footprints(tmp_path):
    """A list of buildings alone is refused with what is missing."""
    (tmp_path / "楼栋台账.csv").write_text("小区,楼号,户数\n幸福小区,1,30\n", encoding="gbk")
    report = check_city(tmp_path)
    assert found(report, "no layer of footprints") == [
        ("refused", "", "1 rows from 楼栋台账 row 1")
    ]


def test_numbers_that_stand_in_several_compounds(tmp_path):
    """A number that is the id of several buildings gets its compound, not -2."""
    text = "楼号,小区,户数,经度,纬度\n1,东苑,3,122.235,40.672\n1,西苑,4,122.236,40.672\n"
    (tmp_path / "楼栋.csv").write_text(text, encoding="utf-8")
    city = read_city(tmp_path, datum="cgcs2000")
    assert city.buildings.index.tolist() == ["东苑 1", "西苑 1"]
    assert city.report.status == "clean"


def test_aliases_of_an_office(tmp_path):
    """A name in [aliases] adds to those that are known, and comes before them."""
    (tmp_path / "columns.toml").write_text(
        '[aliases.buildings]\nhouseholds = ["常住户"]\n', encoding="utf-8"
    )
    houses = buildings().rename(columns={"households": "常住户"})
    path = town(tmp_path, buildings=houses.assign(户数=1))
    assert read_city(path).households == 3
    assert read_city(path, columns=tmp_path / "columns.toml").households == 120
    report = check_city(path, columns={"aliases": {"buildings": {"flats": ["x"]}}})
    assert found(report, "aliases.buildings has no column 'flats'")


def test_estimate_only_if_asked(tmp_path):
    """Without an estimate a missing number is 0; with one it is marked, and the report says all."""
    houses = buildings([30, None, None], 用途=["住宅", "住宅", "商业"], floors=[6, 6, 2])
    path = town(tmp_path, buildings=houses)
    assert read_city(path).households == 30
    assert found(check_city(path), "missing: counted as 0")
    city = read_city(path, estimate=Estimate())
    assert city.buildings["households"].tolist() == [30, 27, 0]  # 6 × 400 / 90 = 26.7
    assert city.buildings["estimated"].tolist() == [False, True, True]
    assert city.report.counts["households_estimated"] == 27
    assert not found(city.report, "missing: counted as 0")
    assert "households_estimated 27 (47.4%)" in city.report.to_text()
    assert found(city.report, "× 1 / 90 m² per dwelling") == [
        ("repaired", "", "2 buildings, 27 of 57 households (47.4%)")
    ]
    assert check_city(path, estimate=Estimate()) == city.report


def test_estimate_without_a_column(tmp_path):
    """Buildings without any column of households are read if an estimate is asked for."""
    houses = buildings(use=["apartments"] * 3, floors=[6, 6, 6]).drop(columns="households")
    path = town(tmp_path, buildings=houses)
    assert check_city(path).status == "refused"
    assert read_city(path, estimate=Estimate(dwelling_area=120)).households == 60


def test_estimate_of_footprints_that_no_list_names(tmp_path):
    """A footprint without a row is 0, and estimated where that is asked for."""
    save_book(tmp_path / "楼栋台账.xlsx", Sheet1=[["小区", "楼号", "户数"], ["幸福小区", 1, 30]])
    save_footprints(tmp_path, 用途=["住宅", "住宅", "仓库"], 层数=[6, 6, 1])
    assert read_city(tmp_path).buildings["households"].tolist() == [30, 0, 0]
    city = read_city(tmp_path, estimate=Estimate())
    assert city.buildings["households"].tolist() == [30, 27, 0]
    assert city.report.counts["households_estimated"] == 27


def test_estimate_of_monaco():
    """By its own rule (146 m² of floor area) Monaco's buildings of known storeys come out alike."""
    mapping = {
        "buildings": {
            "layer": "buildings",
            "building_id": "osm_id|osm_way_id",
            "households": "=",
            "floors": "floors",
        },
        "streets": [],
    }
    rule = Estimate(dwelling_area=146, residential=("yes", "apartments", "residential", "house"))
    city = read_city(DATA / "monaco.gpkg", columns=mapping, estimate=rule)
    known = read_city(DATA / "monaco.gpkg", columns=DATA / "monaco.columns.toml").buildings
    told = city.buildings["floors"].notna() & city.buildings["estimated"]
    ours = city.buildings.loc[told, "households"].sum()
    assert ours == pytest.approx(known.loc[told, "households"].sum(), rel=0.05)
    assert found(city.report, "no storeys or no footprint")


def test_city_with_estimates_is_kept(tmp_path):
    """The mark of an estimate is part of the table's contract: true or false, in every row."""
    houses = buildings([30, None, None], 用途=["住宅"] * 3, floors=[6, 6, 2])
    city = read_city(town(tmp_path, buildings=houses), estimate=Estimate())
    with pytest.raises(TableError, match="column 'estimated' is int64, not true or false"):
        dataclasses.replace(
            city, buildings=city.buildings.assign(estimated=city.buildings["households"])
        )
