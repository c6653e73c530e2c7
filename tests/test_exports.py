"""Other programs read what is exported: names, codes as text, counts, places."""

import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

from gridmap.errors import StoreError, TableError
from gridmap.exports import LAYERS, export_plan, export_public
from gridmap.locate import Locator
from gridmap.plan import Plan, draw_plan
from gridmap.rules import Rules
from gridmap.store import PlanStore
from gridmap.synthetic import make_city

FORMATS = (".gpkg", ".parquet", ".fgb", ".shp", ".zip", ".geojson")


def read(path: Path, layer: str | None = None) -> gpd.GeoDataFrame:
    """Read a file as any program with GDAL does."""
    if path.suffix == ".parquet":
        return gpd.read_parquet(path)
    address = f"/vsizip/{path}" if path.suffix == ".zip" else path
    return gpd.read_file(address, layer=layer) if layer else gpd.read_file(address)


@pytest.mark.parametrize("suffix", FORMATS)
def test_grids_come_back(four_by_two: Plan, tmp_path: Path, suffix: str) -> None:
    """Every format has the codes as text, the counts and the shapes of the grids."""
    path = tmp_path / f"plan{suffix}"
    export_plan(four_by_two, path, layer="grids")
    frame = read(path).set_index("grid_code").sort_index().to_crs(four_by_two.grids.crs)
    assert frame.index.tolist() == four_by_two.grids.index.tolist()
    assert frame["households"].tolist() == [180, 120, 180, 120]
    assert frame["name"].iloc[0] == "小雨社区第1网格"
    assert frame.area.to_numpy() == pytest.approx(four_by_two.grids.area.to_numpy(), rel=1e-3)


@pytest.fixture(scope="module")
def town() -> Plan:
    """Return the plan of a town, in metres: its corners are no whole numbers of any unit."""
    return draw_plan(make_city(12, seed=5), steps=5)


def ask_everywhere(grids: gpd.GeoDataFrame, town: Plan) -> pd.DataFrame:
    """Return whole answers at the corners of a town, on its edges and all over it."""
    corners = shapely.get_coordinates(town.grids.to_crs(4326).geometry)
    low, high = corners.min(axis=0) - 1e-3, corners.max(axis=0) + 1e-3
    spread = low + np.random.default_rng(1).random((1_000, 2)) * (high - low)
    places = np.vstack([corners, (corners[1:] + corners[:-1]) / 2, spread])
    return Locator(grids).locate_many(*places.T)


@pytest.mark.parametrize("suffix", [*FORMATS, "public", "store"])
def test_every_place_keeps_its_owner(town: Plan, tmp_path: Path, suffix: str) -> None:
    """Grids that were exported and read again give each place the same answer as before."""
    path = tmp_path / f"plan{suffix}"
    if suffix == "store":
        store = PlanStore(path)
        store.keep(town, "town")
        grids = store.load("town").grids
    elif suffix == "public":
        export_public(town, path.with_suffix(".geojson"))
        grids = read(path.with_suffix(".geojson")).set_index("grid_code")
    else:
        export_plan(town, path, layer="grids")
        grids = read(path).set_index("grid_code")
    before = ask_everywhere(town.grids, town)
    assert set(before["match"]) == {"inside", "border", "nearest", "none"}
    pd.testing.assert_frame_equal(ask_everywhere(grids, town), before)


@pytest.mark.parametrize("suffix", FORMATS)
def test_chinese_names(four_by_two: Plan, tmp_path: Path, suffix: str) -> None:
    """Columns are called what people in a Chinese office call them."""
    path = tmp_path / f"网格{suffix}"
    export_plan(four_by_two, path, layer="grids", lang="zh")
    frame = read(path)
    assert {"编码", "名称", "街道", "社区", "户数", "偏差", "楼栋数"} <= set(frame.columns)
    assert frame["类型"].tolist() == ["基础网格"] * 4


def test_geopackage_has_every_layer(four_by_two: Plan, tmp_path: Path) -> None:
    """All tables by default, with as many rows; buildings with households."""
    path = tmp_path / "plan.gpkg"
    export_plan(four_by_two, path)
    assert [name for name, _ in pyogrio.list_layers(path)] == list(LAYERS)
    assert len(read(path, "units")) == 8
    assert read(path, "buildings")["households"].sum() == 600


@pytest.mark.parametrize(("encoding", "mark"), [("UTF-8", "UTF-8"), ("GBK", "GBK")])
def test_shapefile_for_chinese_programs(
    four_by_two: Plan, tmp_path: Path, encoding: str, mark: str
) -> None:
    """The .cpg names the encoding, fields have 10 bytes at most, and a list explains them."""
    path = tmp_path / "grids.shp"
    path.with_suffix(".qix").write_text("an index of older shapes")
    export_plan(four_by_two, path, lang="zh", encoding=encoding)
    assert path.with_suffix(".cpg").read_text() == mark
    assert not path.with_suffix(".qix").exists()
    header = path.with_suffix(".dbf").read_bytes()
    assert "小雨社区第1网格".encode(encoding) in header
    fields = pd.read_csv(path.with_suffix(".fields.csv"), encoding="utf-8-sig")
    assert fields["field"].map(lambda name: len(name.encode(encoding)) <= 10).all()
    assert dict(zip(fields["field"], fields["column"], strict=True))["户数"] == "households"
    assert read(path)["名称"].iloc[0] == "小雨社区第1网格"


def test_gdal_opens_it(four_by_two: Plan, tmp_path: Path) -> None:
    """GDAL's own program lists the Chinese fields and the CRS."""
    if shutil.which("ogrinfo") is None:
        pytest.skip("no ogrinfo")
    for name in ("a.shp", "a.fgb", "a.gpkg"):
        export_plan(four_by_two, tmp_path / name, layer="grids", lang="zh", encoding="GBK")
        told = subprocess.run(
            ["ogrinfo", "-al", "-geom=NO", tmp_path / name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "编码 (String) = 210802003002001" in told
        assert "名称 (String) = 小雨社区第1网格" in told
        assert "CGCS2000" in told


def test_every_layer_as_a_shapefile(four_by_two: Plan, tmp_path: Path) -> None:
    """No two columns of a layer share a field, in either language; one archive has all parts."""
    for layer in LAYERS:
        for lang in ("zh", "en"):
            path = tmp_path / f"{layer}_{lang}.zip"
            export_plan(four_by_two, path, layer=layer, lang=lang)
            with zipfile.ZipFile(path) as archive:
                names = set(archive.namelist())
            assert {f"{layer}.shp", f"{layer}.dbf", f"{layer}.cpg", f"{layer}.fields.csv"} <= names


def test_long_names_are_cut_and_numbered(four_by_two: Plan, tmp_path: Path) -> None:
    """A client's columns keep apart within 10 bytes."""
    units = four_by_two.units.assign(residential_area=1, residential_height=2, 住宅建筑面积=3)
    path = tmp_path / "units.shp"
    export_plan(replace(four_by_two, units=units), path, layer="units")
    frame = read(path)
    assert (frame["residentia"] == 1).all()
    assert (frame["residenti2"] == 2).all()
    assert (frame["住宅建"] == 3).all()


def test_public_files_hold_no_small_counts(four_by_two: Plan, tmp_path: Path) -> None:
    """Whole grids only: no units, no buildings, and counts below the limit are empty."""
    plan = replace(four_by_two, rules=replace(four_by_two.rules, min_cell=121))
    for suffix in FORMATS:
        path = tmp_path / f"public{suffix}"
        export_public(plan, path)
        frame = read(path).sort_values("grid_code")
        assert "buildings" not in frame.columns
        assert frame["households"].isna().tolist() == [False, True, False, True], suffix
        assert frame["deviation"].isna().tolist() == [False, True, False, True], suffix
    assert len(pyogrio.list_layers(tmp_path / "public.gpkg")) == 1
    export_public(plan, tmp_path / "public.xlsx", lang="zh")
    sheet = openpyxl.load_workbook(tmp_path / "public.xlsx").active
    column = [cell.value for cell in sheet[1]].index("户数")
    assert [row[column].value for row in sheet.iter_rows(min_row=2)] == [180, None, 180, None]


def test_geojson_keeps_to_the_standard(four_by_two: Plan, tmp_path: Path) -> None:
    """Ids, a bbox, WGS-84, null for what is unknown."""
    path = tmp_path / "buildings.geojson"
    export_plan(four_by_two, path, layer="buildings", lang="en")
    collection = json.loads(path.read_text(encoding="utf-8"))
    assert list(collection) == ["type", "bbox", "features"]
    first = collection["features"][0]
    assert first["id"] == first["properties"]["building_id"] == "b0"
    assert first["properties"]["households"] == 60


@pytest.mark.parametrize("suffix", [*FORMATS, ".xlsx", ".csv"])
def test_same_bytes(four_by_two: Plan, tmp_path: Path, suffix: str) -> None:
    """The same plan gives the same file, whenever it is written."""
    paths = [tmp_path / name / f"plan{suffix}" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        export_plan(four_by_two, path)
    files = [sorted(path.parent.iterdir()) for path in paths]
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_refusals_leave_no_file(four_by_two: Plan, tmp_path: Path) -> None:
    """What can't be done is said with what can; the file that was there stays."""
    old = tmp_path / "old.shp"
    old.write_text("old")
    with pytest.raises(TableError, match=r"plan\.dwg ends in \.dwg; use \.gpkg"):
        export_plan(four_by_two, tmp_path / "plan.dwg")
    with pytest.raises(TableError, match="no layer 'pipes'; there are grids"):
        export_plan(four_by_two, tmp_path / "plan.gpkg", layer="pipes")
    with pytest.raises(TableError, match="'big5'; use UTF-8 or GBK"):
        export_plan(four_by_two, old, encoding="big5")
    city = four_by_two.city
    named = city.buildings.assign(name=["\U00020164家园", *["x"] * 7])
    plan = replace(four_by_two, city=replace(city, buildings=named))
    with pytest.raises(StoreError, match=r"old\.shp can't be written"):
        export_plan(plan, old, layer="buildings", encoding="GBK")
    long = city.buildings.assign(name=["长" * 85, *["x"] * 7])
    plan = replace(four_by_two, city=replace(city, buildings=long))
    with pytest.raises(TableError, match="'name' has more than 254 bytes in rows 0"):
        export_plan(plan, old, layer="buildings")
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


def test_rules_default_hides_below_five() -> None:
    """The limit that exports use is the rules' own."""
    assert Rules().min_cell == 5
