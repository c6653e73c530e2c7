"""Layers: every format, and every encoding that comes out of an office."""

import gzip
import json
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
from shapely import LineString, Point, box

from gridmap.errors import TableError
from gridmap.reading.layers import decode_text, list_layers, place_rows, read_csv, read_layer

ROWS = gpd.GeoDataFrame(
    {"楼号": ["甲1号楼", "乙2号楼"], "户数": [30, 40], "code": ["007", "008"]},
    geometry=[Point(122.24, 40.67), Point(122.25, 40.68)],
    crs=4326,
)
CSV = "楼号,户数,经度,纬度\n甲1号楼,30,122.24,40.67\n乙2号楼,40,122.25,40.68\n"


def read_only(path):
    """Read the one layer that is there."""
    (source,) = list_layers(path)
    return read_layer(source)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".shp", ".parquet"])
def test_every_format_gives_the_same(tmp_path, suffix):
    """Names, values, geometry and CRS are the same from each format."""
    path = tmp_path / f"楼栋{suffix}"
    ROWS.to_parquet(path) if suffix == ".parquet" else ROWS.to_file(path)
    layer = read_only(path)
    assert (layer.name, layer.source) == ("楼栋", path.name)
    assert layer.frame["楼号"].tolist() == ["甲1号楼", "乙2号楼"]
    assert layer.frame["户数"].tolist() == [30, 40]
    assert layer.frame["code"].tolist() == ["007", "008"]
    assert layer.frame.geometry.tolist() == ROWS.geometry.tolist()
    assert layer.frame.crs == "EPSG:4326"


def test_geopackage_layers_by_name(tmp_path):
    """Every layer of a GeoPackage is listed, a table without geometry is not."""
    path = tmp_path / "city.gpkg"
    ROWS.to_file(path, layer="楼栋")
    ROWS.set_geometry([LineString([(0, 0), (1, 1)])] * 2).to_file(path, layer="roads")
    pyogrio.write_dataframe(pd.DataFrame({"a": [1]}), path, layer="styles", append=False)
    assert [source.name for source in list_layers(path)] == ["楼栋", "roads"]
    assert [source.plain for source in list_layers(path, plain=True)] == [False, False, True]
    layer = read_layer(list_layers(path, plain=True)[2], lists=True)
    assert (layer.frame["a"].tolist(), layer.positions) == ([1], False)


def test_folder_in_order_of_names(tmp_path):
    """A folder gives its files' layers by name; what is no layer's format is passed over."""
    ROWS.to_file(tmp_path / "b.geojson")
    ROWS.to_file(tmp_path / "a.shp", encoding="utf-8")
    (tmp_path / "c.CSV").write_text(CSV, encoding="utf-8")
    (tmp_path / "readme.txt").write_text("no layer")
    assert [source.name for source in list_layers(tmp_path)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
    ],
)
def test_csv_in_any_encoding(tmp_path, encoding, found):
    """UTF-8 with and without a mark, GBK and Excel's Unicode text read the same."""
    path = tmp_path / "楼栋.csv"
    path.write_bytes(CSV.encode(encoding))
    layer = read_only(path)
    assert layer.encoding == found
    assert layer.frame["楼号"].tolist() == ["甲1号楼", "乙2号楼"]
    assert layer.frame.geometry.tolist() == ROWS.geometry.tolist()
    assert read_csv(path).columns.tolist() == ["楼号", "户数", "经度", "纬度"]


def test_bytes_that_are_no_text(tmp_path):
    """Bytes of neither UTF-8 nor GB18030 are refused, with the byte and where it is."""
    path = tmp_path / "楼栋.csv"
    path.write_bytes("lon,lat,name\n1,2,Café,\n".encode("latin-1"))
    with pytest.raises(
        TableError, match=r"楼栋\.csv: text is not utf-8 \(byte 0xe9 at 20\) nor gb18030"
    ):
        read_csv(path)
    with pytest.raises(TableError, match=r"0xff at 0"):
        decode_text(b"\xff\xff\xff")


def test_codes_stay_text(tmp_path):
    """Digits that are a key are text: leading zeros, 12 to 20 digits; amounts are numbers."""
    path = tmp_path / "points.csv"
    path.write_text(
        "a12,a15,a20,zero,number,part,half,none\n"
        "210802003002,210802003002001,21080221080200300202,007,12,1.5,3,\n"
        "210802003003,210802003002002,21080221080200300203,12,-3,1e3,,\n",
        encoding="utf-8",
    )
    table = read_csv(path)
    assert table["a12"].tolist() == ["210802003002", "210802003003"]
    assert table["a15"].tolist() == ["210802003002001", "210802003002002"]
    assert table["a20"].tolist() == ["21080221080200300202", "21080221080200300203"]
    assert table["zero"].tolist() == ["007", "12"]
    assert table["number"].tolist() == [12, -3]
    assert table["part"].tolist() == [1.5, 1000]
    assert table["half"].isna().tolist() == [False, True]
    assert table["none"].isna().all()


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(tmp_path, separator):
    """The separator is the one that the header has most of."""
    path = tmp_path / "楼栋.csv"
    path.write_text(CSV.replace(",", separator), encoding="utf-8")
    assert read_csv(path)["户数"].tolist() == [30, 40]


def test_csv_that_is_no_table(tmp_path):
    """No header, rows that are too long, and no positions each say what is wrong."""
    path = tmp_path / "x.csv"
    for text, message in (
        ("", r"x\.csv: no header"),
        ("lon,lat\n1,2\n1,2,3\n", r"x\.csv: rows don't fit the header"),
        ("a,b\n1,2\n", r"x\.csv: no positions among the columns a, b"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(TableError, match=message):
            read_only(path)


def test_csv_of_wkt(tmp_path):
    """A column of WKT is the geometry; it says no CRS, and a broken one is no geometry."""
    path = tmp_path / "areas.csv"
    path.write_text('id,WKT\n1,"POINT (1 2)"\n2,POINT 1\n3,\n', encoding="utf-8")
    frame = read_only(path).frame
    assert frame.geometry.tolist() == [Point(1, 2), None, None]
    assert frame.crs is None
    assert frame.columns.tolist() == ["id", "geometry"]


def test_positions_that_are_missing():
    """A row without a number for a position is kept, without a geometry."""
    table = pd.DataFrame({"Lng": [122.1, "x", None], "LAT": [40.1, 40.2, 40.3]})
    frame = place_rows(table)
    assert frame.geometry.tolist() == [Point(122.1, 40.1), None, None]
    assert frame.crs == "EPSG:4326"


def test_header_only(tmp_path):
    """A CSV of a header only is a layer of no rows."""
    path = tmp_path / "x.csv"
    path.write_text("id,lon,lat\n", encoding="utf-8")
    assert len(read_only(path).frame) == 0


@pytest.mark.parametrize("codec", ["gb18030", "utf-8"])
def test_shapefile_without_cpg(tmp_path, codec):
    """A Shapefile that does not say its encoding is read as UTF-8 if it fits, else as GB18030."""
    path = tmp_path / "楼栋.shp"
    ROWS.to_file(path, encoding=codec)
    path.with_suffix(".cpg").unlink()
    layer = read_only(path)
    assert layer.encoding == codec
    assert layer.frame["楼号"].tolist() == ["甲1号楼", "乙2号楼"]


@pytest.mark.parametrize("label", ["GBK", "936", "ANSI 936", "UTF-8", "nonsense"])
def test_shapefile_whose_cpg_may_be_wrong(tmp_path, label):
    """The .cpg is followed if the text fits it, and not if it says UTF-8 of GBK bytes."""
    path = tmp_path / "楼栋.shp"
    ROWS.to_file(path, encoding="gbk")
    path.with_suffix(".cpg").write_text(label)
    layer = read_only(path)
    assert layer.frame.columns[0] == "楼号"
    assert layer.frame["楼号"].tolist() == ["甲1号楼", "乙2号楼"]


def test_shapefile_without_prj(tmp_path):
    """A Shapefile without .prj has no CRS."""
    path = tmp_path / "a.shp"
    ROWS.to_file(path, encoding="utf-8")
    path.with_suffix(".prj").unlink()
    assert read_only(path).frame.crs is None


def test_geojson_in_gbk(tmp_path):
    """GeoJSON ought to be UTF-8; in GBK it is read all the same."""
    path = tmp_path / "楼栋.geojson"
    text = json.dumps(ROWS.to_geo_dict(), ensure_ascii=False)
    path.write_bytes(text.encode("gbk"))
    layer = read_only(path)
    assert layer.encoding == "gb18030"
    assert layer.frame["楼号"].tolist() == ["甲1号楼", "乙2号楼"]


def test_parquet_with_columns_of_degrees(tmp_path):
    """A plain Parquet table with lon and lat is a layer; GeoParquet keeps its CRS."""
    pd.DataFrame({"id": ["a"], "lon": [122.2], "lat": [40.6]}).to_parquet(tmp_path / "p.parquet")
    frame = read_only(tmp_path / "p.parquet").frame
    assert frame.geometry.tolist() == [Point(122.2, 40.6)]
    areas = gpd.GeoDataFrame({"id": ["a"]}, geometry=[box(0, 0, 1, 1)], crs=4550)
    areas.rename_geometry("shape").to_parquet(tmp_path / "q.parquet")
    frame = read_only(tmp_path / "q.parquet").frame
    assert frame.crs == "EPSG:4550"
    assert frame.geometry.name == "geometry"


def test_files_that_cannot_be_read(tmp_path):
    """A missing file, an unknown format and damaged files each say which file and why."""
    with pytest.raises(TableError, match="no such file or folder"):
        list_layers(tmp_path / "none.gpkg")
    (tmp_path / "a.dwg").write_bytes(b"x")
    with pytest.raises(TableError, match=r"a\.dwg: '\.dwg' is none of \.gpkg"):
        list_layers(tmp_path / "a.dwg")
    (tmp_path / "b.gpkg").write_bytes(b"x")
    with pytest.raises(TableError, match=r"b\.gpkg: not a readable GeoPackage"):
        list_layers(tmp_path / "b.gpkg")
    for name in ("c.geojson", "d.parquet", "e.shp"):
        (tmp_path / name).write_bytes(b"{")
        with pytest.raises(TableError, match=f"{name}: "):
            read_only(tmp_path / name)


@pytest.mark.shared
def test_statistical_codes(shared_data):
    """The 849 codes of Yingkou's communities and villages are text of 12 digits."""
    codes = read_csv(shared_data / "yingkou_codes_12digit.csv")["code"]
    assert len(codes) == 849
    assert codes.str.fullmatch(r"\d{12}").all()


@pytest.mark.parametrize("label", ["GBK", None])
def test_shapefile_with_long_chinese_names(tmp_path, label):
    """Names of 10 bytes, five characters in GBK, are whole with .cpg and without."""
    path = tmp_path / "楼栋.shp"
    ROWS.rename(columns={"楼号": "楼栋编号甲", "户数": "居民总户数"}).to_file(path, encoding="gbk")
    if label is None:
        path.with_suffix(".cpg").unlink()
    else:
        path.with_suffix(".cpg").write_text(label)
    frame = read_only(path).frame
    assert frame.columns[:2].tolist() == ["楼栋编号甲", "居民总户数"]
    assert frame["楼栋编号甲"].tolist() == ["甲1号楼", "乙2号楼"]


def save_archive(path, folder):
    """Pack the files of a folder."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)


def test_shapefile_in_an_archive(tmp_path):
    """One Shapefile in a .zip is the layer of the archive's name, several have both names."""
    (tmp_path / "in").mkdir()
    ROWS.to_file(tmp_path / "in" / "a.shp", encoding="gbk")
    (tmp_path / "in" / "a.cpg").unlink()
    save_archive(tmp_path / "楼栋.zip", tmp_path / "in")
    layer = read_only(tmp_path / "楼栋.zip")
    assert (layer.name, layer.source, layer.encoding) == ("楼栋", "楼栋.zip", "gb18030")
    assert layer.frame["楼号"].tolist() == ["甲1号楼", "乙2号楼"]
    assert layer.frame.crs == "EPSG:4326"
    ROWS[:1].to_file(tmp_path / "in" / "社区.shp", encoding="utf-8")
    save_archive(tmp_path / "站前区.zip", tmp_path / "in")
    sources = list_layers(tmp_path / "站前区.zip")
    assert [source.name for source in sources] == ["站前区/a", "站前区/社区"]
    assert [len(read_layer(source).frame) for source in sources] == [2, 1]


class WindowsMember(zipfile.ZipInfo):
    """A member whose name is written in GBK, without the mark of UTF-8."""

    def _encodeFilenameFlags(self):  # noqa: N802  # what zipfile calls it
        return self.filename.encode("gbk"), 0


def test_names_in_an_archive_of_windows(tmp_path):
    """Names in GBK that the archive does not mark are read as what they are."""
    (tmp_path / "in").mkdir()
    ROWS.to_file(tmp_path / "in" / "楼栋.shp", encoding="utf-8")
    ROWS.to_file(tmp_path / "in" / "道路.shp", encoding="utf-8")
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted((tmp_path / "in").iterdir()):
            archive.writestr(WindowsMember(file.name), file.read_bytes())
    sources = list_layers(path)
    assert [source.name for source in sources] == ["a/楼栋", "a/道路"]
    assert len(read_layer(sources[0]).frame) == 2


def test_archives_without_a_shapefile(tmp_path):
    """An archive of other files, and a file that is none, are refused by name."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "x")
    (tmp_path / "b.zip").write_bytes(b"x")
    with pytest.raises(TableError, match=r"a\.zip: no Shapefile in the archive"):
        list_layers(tmp_path / "a.zip")
    with pytest.raises(TableError, match=r"b\.zip: not a readable archive"):
        list_layers(tmp_path / "b.zip")


def test_packed_csv(tmp_path):
    """A .csv.gz is read as the CSV in it; a damaged one is refused."""
    path = tmp_path / "楼栋.csv.gz"
    path.write_bytes(gzip.compress(CSV.encode("gbk")))
    layer = read_only(path)
    assert (layer.name, layer.encoding) == ("楼栋", "gb18030")
    assert layer.frame["户数"].tolist() == [30, 40]
    path.write_bytes(gzip.compress(CSV.encode("gbk"))[:-9])
    with pytest.raises(TableError, match=r"楼栋\.csv\.gz: not readable"):
        read_only(path)


def test_sheets_are_layers(tmp_path):
    """One sheet that holds anything has the file's name, several have both names."""
    book = openpyxl.Workbook()
    for row in (["楼号", "户数", "code", "经度", "纬度"], ["甲1号楼", 30.0, "007", 122.24, 40.67]):
        book.active.append(row)
    book.create_sheet("空")
    book.save(tmp_path / "楼栋.xlsx")
    layer = read_only(tmp_path / "楼栋.xlsx")
    assert (layer.name, layer.source, layer.encoding) == ("楼栋", "楼栋.xlsx", "")
    assert layer.frame["户数"].tolist() == [30]
    assert layer.frame["code"].tolist() == ["007"]
    assert layer.frame.geometry.tolist() == [Point(122.24, 40.67)]
    book["空"].append(["a", "b"])
    book.save(tmp_path / "楼栋.xlsx")
    names = [source.name for source in list_layers(tmp_path / "楼栋.xlsx")]
    assert names == ["楼栋/Sheet", "楼栋/空"]


def test_what_excel_leaves_in_a_folder(tmp_path):
    """The file that Excel keeps beside an open workbook is passed over; .xls is to be saved new."""
    (tmp_path / "~$楼栋.xlsx").write_bytes(b"x")
    (tmp_path / "._a.shp").write_bytes(b"x")
    assert list_layers(tmp_path) == ()
    (tmp_path / "楼栋.xls").write_bytes(b"x")
    with pytest.raises(TableError, match=r"save it as \.xlsx"):
        list_layers(tmp_path / "楼栋.xls")


@pytest.mark.parametrize(("x", "crs"), [("180", "EPSG:4326"), ("180.1", None), ("500000", None)])
def test_columns_x_and_y(tmp_path, x, crs):
    """X and Y within 180 are degrees; beyond that they are metres that say no CRS."""
    (tmp_path / "a.csv").write_text(f"id,X,Y\n1,{x},40\n2,122,40\n", encoding="utf-8")
    frame = read_only(tmp_path / "a.csv").frame
    assert frame.crs == crs
    assert frame.geometry.tolist() == [Point(float(x), 40), Point(122, 40)]


def test_list_without_positions(tmp_path):
    """A table without positions is a layer only if that is asked for, and says so."""
    (tmp_path / "a.csv").write_text("小区,楼号\n幸福小区,1\n", encoding="utf-8")
    (source,) = list_layers(tmp_path)
    layer = read_layer(source, lists=True)
    assert not layer.positions
    assert layer.frame.geometry.tolist() == [None]
    assert layer.frame.crs is None
    with pytest.raises(TableError, match="no positions"):
        read_layer(source)


def test_shortened_numbers_stay_text(tmp_path):
    """2.10802E+11 is a code that lost its digits and stays text; 1e10 is an amount."""
    (tmp_path / "a.csv").write_text("code,area\n2.10802E+11,1e10\n2.10802E+11,2\n")
    table = read_csv(tmp_path / "a.csv")
    assert table["code"].tolist() == ["2.10802E+11"] * 2
    assert table["area"].tolist() == [1e10, 2]


def test_full_width_digits_stay_text(tmp_path):
    """A column of full-width digits is text: what it means is said where it is used."""
    (tmp_path / "a.csv").write_text("户数\n３０\n４０\n", encoding="utf-8")
    assert read_csv(tmp_path / "a.csv")["户数"].tolist() == ["３０", "４０"]
