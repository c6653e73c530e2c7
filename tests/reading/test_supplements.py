"""Zones, existing grids, compounds and entrances are read, and what does not fit is said."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from shapely import Point, Polygon, box

from gridmap.city import City, read_city
from gridmap.reading.columns import recognise_layer
from gridmap.tables import COMPOUNDS, ENTRANCES, EXISTING, ZONES, check_table
from tests.test_city import CRS, buildings, communities, found, house, save, town

SUPPLEMENTS = ("zones", "existing", "compounds", "entrances")


def land(west: float, south: float, east: float, north: float) -> Polygon:
    """Return a rectangle in the made-up town, metres from its south-west corner."""
    return box(500000 + west, 4500000 + south, 500000 + east, 4500000 + north)


def areas(shapes: list[Polygon], **columns: list[Any]) -> gpd.GeoDataFrame:
    """Make a layer of areas."""
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def add_table(path: Path, layer: str, **columns: list[Any]) -> Path:
    """Add a table without geometry to a GeoPackage."""
    pyogrio.write_dataframe(pd.DataFrame(columns), path, layer=layer, append=True)
    return path


def read_entrances(folder: Path, **columns: list[Any]) -> City:
    """Read the town with a table of entrances."""
    return read_city(add_table(town(folder), "单元表", **columns))


# --- none of them ---------------------------------------------------------------------------------


def test_a_city_needs_none(tmp_path):
    """Without such layers the tables are empty, in the city's CRS, and keep their contracts."""
    city = read_city(town(tmp_path))
    for name, table in zip(SUPPLEMENTS, (ZONES, EXISTING, COMPOUNDS, ENTRANCES), strict=True):
        assert getattr(city, name).empty
        check_table(getattr(city, name), table)
        assert name not in city.report.counts
    assert city.zones.crs == city.existing.crs == city.crs
    assert city.report.status == "clean"


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("zones", "zones"),
        ("站前区专属网格", "zones"),
        ("existing", "existing"),
        ("小雨社区网格", "existing"),
        ("compounds", "compounds"),
        ("小区边界", "compounds"),
        ("entrances", "entrances"),
        ("楼栋单元表", "entrances"),
        ("小雨社区楼栋台账", "buildings"),
        ("小区楼栋", "buildings"),
        ("subzones", "communities"),
        ("小区道路", "streets"),
        ("边界", "boundary"),
    ],
)
def test_layers_are_recognised(name, table):
    """By their English or Chinese names, and no other table loses its names to them."""
    assert recognise_layer(name)[0] == table


# --- zones ----------------------------------------------------------------------------------------


def test_zones_in_chinese(tmp_path):
    """Kinds are translated; an unknown one is other, and is counted."""
    kinds = ["公园", "商场", "学校", "医院", "农贸市场", "写字楼", "游乐场"]
    shapes = [land(30 * at, 200, 30 * at + 20, 220) for at in range(7)]
    names = [f"第{at}" for at in range(7)]
    city = read_city(town(tmp_path, 专属网格=areas(shapes, 类型=kinds, 名称=names)))
    assert city.zones.index.name == "zone_id"
    assert city.zones["kind"].tolist() == [
        *("park", "mall", "school", "hospital", "market", "office", "other")
    ]
    assert city.zones["name"].tolist() == names
    assert found(city.report, "taken as other") == [("noted", "", "游乐场 × 1")]
    assert city.report.counts["zones"] == 7


def test_overlapping_zones(tmp_path):
    """The smaller zone keeps the area; what is wholly covered by smaller ones is left out."""
    shapes = [land(0, 0, 100, 100), land(50, 50, 120, 100), land(52, 52, 62, 62)]
    shapes += [land(200, 0, 220, 10), land(200, 0, 210, 10), land(210, 0, 220, 10)]
    layer = areas(shapes, zone_id=list("abcdef"), kind=["park"] * 6)
    city = read_city(town(tmp_path, zones=layer))
    assert city.zones.area.round(6).to_dict() == {
        "a": 7500,
        "b": 3400,
        "c": 100,
        "e": 100,
        "f": 100,
    }
    assert found(city.report, "zones overlap")[:2] == [
        ("repaired", "a", "2500.00 m² with b"),
        ("repaired", "a", "100.00 m² with c"),
    ]
    assert found(city.report, "wholly in smaller zones") == [("noted", "d", "")]
    assert city.zones.union_all().area == pytest.approx(7500 + 3500 + 200)


def test_zones_and_communities(tmp_path):
    """Outside is left out, partly outside and in two communities is noted, a sliver is not."""
    shapes = [land(-50, 0, -10, 40), land(-20, 0, 20, 10), land(290, 0, 310, 10)]
    shapes.append(land(100, 200, 300.1, 250))
    city = read_city(town(tmp_path, zones=areas(shapes, zone_id=list("abcd"))))
    assert city.zones.index.tolist() == ["b", "c", "d"]
    assert found(city.report, "outside every community: left out") == [("noted", "a", "1600.00 m²")]
    assert found(city.report, "partly outside") == [("noted", "b", "200.00 m²")]
    spread = found(city.report, "several communities")
    assert spread == [("noted", "c", "210802003002, 210802003003")]


def test_an_invalid_zone_is_mended(tmp_path):
    """A zone that crosses itself becomes valid, which is said."""
    bow = Polygon([(500010, 4500010), (500030, 4500030), (500030, 4500010), (500010, 4500030)])
    city = read_city(town(tmp_path, zones=areas([bow], zone_id=["a"])))
    assert city.zones.is_valid.all()
    assert [f[:2] for f in found(city.report, "invalid geometry")] == [("repaired", "a")]


# --- existing grids -------------------------------------------------------------------------------


def test_existing_grids(tmp_path):
    """Codes stay text; overlaps and gaps are noted with their m², and nothing is changed."""
    shapes = [land(0, 0, 300, 300), land(290, 0, 600, 290), land(900, 0, 950, 9)]
    codes = ["210802003002001", "210802003003001", "旧三"]
    layer = areas(shapes, 网格编码=codes, 网格名称=["一", "二", "三"])
    city = read_city(town(tmp_path, 现有网格=layer))
    assert city.existing.index.tolist() == codes[:2]
    assert city.existing.area.tolist() == [90_000, 89_900]
    assert found(city.report, "existing grids overlap") == [
        ("noted", codes[0], "2900.00 m² with 210802003003001")
    ]
    assert found(city.report, "in no existing grid") == [("noted", "", "3000.00 m²")]
    assert found(city.report, "left out") == [("noted", "旧三", "450.00 m²")]


def test_existing_grids_that_tile_are_fine(tmp_path):
    """Borders drawn twice within a hair are no finding."""
    shapes = [land(0, 0, 300, 300), land(299.999, 0, 600, 300)]
    city = read_city(town(tmp_path, existing=areas(shapes, grid_code=["1", "2"])))
    assert not found(city.report, "overlap") + found(city.report, "existing grid")


# --- compounds ------------------------------------------------------------------------------------


def test_compounds_and_their_estates(tmp_path):
    """Kinds in Chinese; one that nobody knows is none; a compound without buildings is noted."""
    path = town(tmp_path, buildings=buildings(compound_id=["苑", "城", ""]))
    names = ["苑", "城", "村", "园"]
    add_table(path, "小区", 小区名称=names, 小区类型=["无物业", "商品房", "农村", "别墅区"])
    city = read_city(path)
    assert city.compounds["estate_type"].to_dict() == {
        "苑": "old_estate",
        "城": "managed_estate",
        "村": "rural",
        "园": "",
    }
    assert not isinstance(city.compounds, gpd.GeoDataFrame)
    assert found(city.report, "taken as none") == [("noted", "", "别墅区 × 1")]
    assert [f[1] for f in found(city.report, "no building names")] == ["村", "园"]


def test_estates_of_communities(tmp_path):
    """A column of the communities, in Chinese; without one there is none."""
    layer = communities(社区类型=["老旧小区", "村"])
    city = read_city(town(tmp_path, communities=layer))
    assert city.communities["estate_type"].tolist() == ["old_estate", "rural"]
    (tmp_path / "plain").mkdir()
    assert "estate_type" not in read_city(town(tmp_path / "plain")).communities


def test_outlines_of_compounds_are_no_estates(tmp_path):
    """A layer 小区 without kinds is left as it was: not read, and said so."""
    city = read_city(town(tmp_path, 小区=areas([land(0, 0, 9, 9)], 名称=["苑"])))
    assert city.compounds.empty
    [finding] = [f for f in city.report.findings if "not read as compounds" in f.problem]
    assert (finding.column, finding.action) == ("estate_type", "noted")


# --- entrances ------------------------------------------------------------------------------------


def test_entrances_that_sum(tmp_path):
    """A table in order says nothing; 2单元 is entrance 2."""
    city = read_entrances(
        tmp_path, building_id=["h1", "h1"], 单元=["1单元", "2"], 户数=["10", "20户"]
    )
    assert city.entrances.to_dict("list") == {
        "building_id": ["h1", "h1"],
        "entrance": ["1", "2"],
        "households": [10, 20],
    }
    assert not found(city.report, "households of the entrances")
    assert city.report.counts["entrances"] == 2


def test_entrances_that_do_not_fit(tmp_path):
    """Another sum, an unknown building, a name that is missing or twice: each with its row."""
    city = read_entrances(
        tmp_path,
        building_id=["h1", "h1", "h2", "h2", "h9"],
        单元=["1", "1", None, "2", "1"],
        户数=[10, 20, 19, 20, 7],
    )
    assert len(city.entrances) == 4
    assert found(city.report, "no such building") == [("noted", "row 5", "h9")]
    assert found(city.report, "which count") == [("noted", "h2", "entrances 39, building 40")]
    assert found(city.report, "no name of the entrance") == [("repaired", "row 3", "1")]
    assert found(city.report, "in an earlier row") == [("noted", "row 2", "h1 1")]
    assert city.households == 120


def test_entrances_with_doors(tmp_path):
    """Points are kept, and a row without one."""
    doors = gpd.GeoDataFrame(
        {"building_id": ["h1", "h1"], "entrance": ["1", "2"], "households": [10, 20]},
        geometry=[Point(500050, 4500050), None],
        crs=CRS,
    )
    city = read_city(town(tmp_path, entrances=doors))
    assert city.entrances.geometry.tolist() == [Point(500050, 4500050), None]
    assert city.entrances.crs == city.crs


def test_entrances_from_a_csv_file(tmp_path):
    """A list beside the map, in the encoding of Excel; numbers of entrances as well."""
    layer = buildings(单元数=["3", "三", None])
    save(tmp_path, buildings=layer, communities=communities())
    text = "楼栋编号,单元号,户数\nh1,1,12\nh1,2,18\n"
    (tmp_path / "单元表.csv").write_text(text, encoding="gbk")
    city = read_city(tmp_path)
    assert city.entrances["households"].tolist() == [12, 18]
    assert city.buildings["entrances"].tolist() == [3, 0, 0]
    assert found(city.report, "no number of entrances") == [("noted", "h2", "三")]


def test_a_table_that_a_mapping_names(tmp_path):
    """A table without geometry whose name says nothing; others are passed over as ever."""
    path = add_table(town(tmp_path), "dy", blk=["h1"], door=["1"], n=[30])
    add_table(path, "buildings_notes", text=["x"])
    names = {"building_id": "blk", "entrance": "door", "households": "n"}
    city = read_city(path, columns={"entrances": {"layer": "dy", **names}})
    assert city.entrances["households"].tolist() == [30]
    assert read_city(path).entrances.empty


def test_what_was_read_reads_itself(tmp_path):
    """The tables of a city with everything, saved as layers, are read as the same city."""
    path = town(
        tmp_path,
        buildings=buildings(compound_id=["苑", "苑", ""], entrances=[2, 0, 0]),
        communities=communities(estate_type=["rural", ""]),
        zones=areas([land(0, 0, 20, 20)], zone_id=["z"], kind=["park"]),
        existing=areas([land(0, 0, 600, 300)], grid_code=["1"], name=["一"]),
    )
    add_table(path, "compounds", compound_id=["苑"], estate_type=["old_estate"])
    add_table(path, "entrances", building_id=["h1"], entrance=["1"], households=[30])
    city = read_city(path)
    (tmp_path / "again").mkdir()
    names = ("communities", "buildings", "zones", "existing")
    again = save(tmp_path / "again", **{name: getattr(city, name) for name in names})
    for name in ("compounds", "entrances"):
        frame = getattr(city, name)
        plain = frame.reset_index() if frame.index.name else frame
        pyogrio.write_dataframe(plain, again, layer=name, append=True)
    again = read_city(again)
    for name in (*names, "compounds", "entrances"):
        assert getattr(again, name).equals(getattr(city, name)), name
    assert house(50, 50) in again.buildings.geometry.tolist()
