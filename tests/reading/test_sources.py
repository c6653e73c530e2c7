"""Raw tables: layers of several systems and files come together in one."""

import geopandas as gpd
import pandas as pd
from shapely import Point, box

from gridmap.reading.columns import choose_layers
from gridmap.reading.layers import list_layers
from gridmap.reading.sources import join_pieces, read_pieces


def read(folder, datum=None):
    """Read every layer of a folder that is recognised."""
    findings, sources = [], list_layers(folder)
    uses = choose_layers([source.name for source in sources], {})
    return join_pieces(read_pieces(sources, uses, datum, findings)), findings


def test_systems_become_one(tmp_path):
    """Degrees and metres meet in the metric system of the first table that has one."""
    homes = gpd.GeoDataFrame({"户数": [3]}, geometry=[Point(122.235, 40.672)], crs=4326)
    homes.to_file(tmp_path / "楼栋.geojson")
    homes.to_crs(32651).buffer(500).to_frame("geometry").to_file(tmp_path / "boundary.gpkg")
    tables, _ = read(tmp_path)
    assert {frame.crs.to_epsg() for frame in tables.values()} == {32651}
    assert tables["boundary"].contains(tables["buildings"]).all()


def test_tables_of_several_layers(tmp_path):
    """Layers of one table are joined, each with its own columns; rows count on."""
    for name, column in (("东区楼栋", "户数"), ("西区楼栋", "households")):
        table = pd.DataFrame({column: [3], "lon": [122.2], "lat": [40.6]})
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    tables, findings = read(tmp_path)
    assert tables["buildings"]["households"].tolist() == [3, 3]
    assert tables["buildings"].index.tolist() == [0, 1]
    noted = [f.value for f in findings if "is read as buildings" in f.problem]
    assert sorted(noted) == ["households from households", "households from 户数"]


def test_degrees_without_datum_are_noted(tmp_path):
    """What is not said about degrees is said in the report, and not when the datum is given."""
    gpd.GeoDataFrame({"户数": [3]}, geometry=[Point(122, 40)], crs=4326).to_file(
        tmp_path / "楼栋.geojson"
    )
    assert [f.action for f in read(tmp_path)[1] if "read as WGS-84" in f.problem] == ["noted"]
    assert not [f for f in read(tmp_path, "cgcs2000")[1] if "read as WGS-84" in f.problem]


def test_damaged_file_is_a_finding(tmp_path):
    """A file that can't be read is refused; the others are read all the same."""
    gpd.GeoDataFrame(geometry=[box(0, 0, 9, 9)], crs=4550).to_file(tmp_path / "boundary.gpkg")
    (tmp_path / "buildings.csv").write_text("a,b\n1,2\n")
    tables, findings = read(tmp_path)
    assert list(tables) == ["boundary"]
    assert [(f.layer, f.value) for f in findings if f.action == "refused"] == [
        ("buildings", "buildings")
    ]
