"""Plans on disk: kept once and exactly, published atomically, in force by date."""

import json
import multiprocessing
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from pandas.testing import assert_frame_equal
from shapely import LineString, MultiLineString, MultiPolygon, Point, box

import gridmap.store
import gridmap.tiles
from gridmap.city import City, CityReport, Finding
from gridmap.days import today_in_china
from gridmap.errors import PlanDamagedError, PlanKeptError, PlanNotFoundError, StoreError
from gridmap.plan import Plan
from gridmap.rules import Costs, Estates, EstateSize, Rules
from gridmap.store import PlanStore
from gridmap.tables import ADJACENCY, BARRIERS, COMMUNITIES, UNITS, check_table, empty_table

CRS = "EPSG:4550"
X, Y = 500_000.0, 4_500_000.0
TODAY = date(2026, 3, 1)
TABLES = ("grids", "units", "adjacency", "lineage")
CITY_TABLES = ("communities", "buildings", "streets", "barriers")
SUPPLEMENTS = ("zones", "existing", "compounds", "entrances")


def make_table(index: str, keys: list, geometry: list, **columns: object) -> gpd.GeoDataFrame:
    """Make a table in the test's CRS."""
    return gpd.GeoDataFrame(columns, geometry=geometry, index=pd.Index(keys, name=index), crs=CRS)


def square(column: int, row: int, size: float = 100.0) -> object:
    """Make a square of the town, off whole metres so that every bit of a coordinate counts."""
    return box(X + column * 100 + 1 / 3, Y + row * 100 + 0.1, X + column * 100 + size, Y + size)


def make_tiny_city() -> City:
    """Two communities side by side; points, polygons and multipolygons; no barrier."""
    communities = make_table(
        "community_id",
        ["北", "210802003002"],
        [box(X, Y, X + 200, Y + 100), box(X + 200, Y, X + 400, Y + 100)],
        code=["999999001001", "210802003002"],
        name=["小雨社区", "“海”社区"],
        street=["建设街道", ""],
    )
    twins = MultiPolygon([square(2, 0, 30), box(X + 260, Y + 60, X + 280, Y + 80)])
    buildings = make_table(
        "building_id",
        ["001", "2", "c"],
        [Point(X + 50.1, Y + 50.7), square(1, 0, 40), twins],
        households=[310, 0, 295],
        community_id=["北", "北", "210802003002"],
        compound_id=["", "", "苑"],
        name=["1号楼", "", "3号楼"],
        floors=[6.0, np.nan, 33.5],
    )
    streets = make_table(
        "street_id",
        ["s1", "s2"],
        [
            LineString([(X, Y), (X + 400, Y + 0.3)]),
            MultiLineString([[(X, Y), (X, Y + 1)], [(X + 5, Y), (X + 5, Y + 9)]]),
        ],
        kind=["main_road", "path"],
        name=["市府路", ""],
    )
    found = Finding("buildings", "2", "floors", "", "no storeys", "noted")
    report = CityReport((found,), {"buildings": 3, "households": 605})
    return City(communities, buildings, streets, empty_table(BARRIERS, CRS), "雨城", report)


def make_tiny_plan(name: str = "春季方案") -> Plan:
    """Four units in a row, two to a grid, a grid to a community; one retired code."""
    communities = ["北", "北", "210802003002", "210802003002"]
    codes = ["999999001001001", "210802003002007"]
    units = make_table(
        "unit_id",
        [0, 1, 2, 3],
        [square(column, 0) for column in range(4)],
        households=[310, 0, 295, 0],
        buildings=[1, 1, 1, 0],
        community_id=communities,
        block_id=[4, 4, 5, 5],
        compound_id=["", "", "苑", ""],
        building_id=["001", "2", "c", ""],
        grid_code=[codes[0], codes[0], codes[1], codes[1]],
    )
    adjacency = pd.DataFrame(
        {
            "unit_a": [0, 1, 2],
            "unit_b": [1, 2, 3],
            "border": [100 / 3, 100.0, 0.1],
            "barrier": ["none", "main_road", "none"],
            "usable": [True, False, True],
        }
    )
    grids = make_table(
        "grid_code",
        codes,
        [box(X, Y, X + 200, Y + 100), box(X + 200, Y, X + 400, Y + 100)],
        name=["小雨社区第1网格", "“海”社区第7网格"],
        community_id=["北", "210802003002"],
        households=[310, 295],
        buildings=[2, 1],
        area=[20000.0, 20000.0],
        perimeter=[600.0, 600.0],
    )
    lineage = pd.DataFrame(
        {"successors": ["210802003002007"]}, pd.Index(["210802003002001"], name="grid_code")
    )
    rules = Rules(target=305, tolerance=0.15, costs=Costs(river=0.5))
    return Plan(make_tiny_city(), units, adjacency, grids, rules, name, lineage)


@pytest.fixture
def plan() -> Plan:
    """Give the tiny plan."""
    return make_tiny_plan()


@pytest.fixture
def store(tmp_path: Path) -> PlanStore:
    """Give an empty store; its folder does not exist yet."""
    return PlanStore(tmp_path / "plans")


@pytest.fixture(scope="session")
def two_kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the tiny plan as ``a`` and a changed one as ``b``, once for all tests."""
    folder = tmp_path_factory.mktemp("kept")
    PlanStore(folder).keep(make_tiny_plan(), "a")
    PlanStore(folder).keep(change_plan(make_tiny_plan()), "b")
    return folder


@pytest.fixture
def filled(two_kept: Path, tmp_path: Path) -> PlanStore:
    """Give a store of its own with the plans ``a`` and ``b``."""
    return PlanStore(shutil.copytree(two_kept, tmp_path / "filled"))


def change_plan(plan: Plan) -> Plan:
    """Return the same plan after somebody renamed a grid."""
    return replace(plan, grids=plan.grids.assign(name=["甲", "乙"]))


def list_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Every table of a plan, but for supplements without rows."""
    tables = {name: getattr(plan, name) for name in TABLES}
    supplements = [name for name in SUPPLEMENTS if len(getattr(plan.city, name))]
    return tables | {name: getattr(plan.city, name) for name in (*CITY_TABLES, *supplements)}


def assert_same_plan(left: Plan, right: Plan) -> None:
    """Compare tables to the dtype, the index and the byte of a geometry; rules, names, report."""
    assert list(list_tables(left)) == list(list_tables(right))
    for name, table in list_tables(left).items():
        other = list_tables(right)[name]
        assert type(table) is type(other), name
        assert type(table.index) is type(other.index), name
        if isinstance(table, gpd.GeoDataFrame):
            assert table.crs == other.crs
            assert table.geometry.name == other.geometry.name
            assert table.geometry.to_wkb().tolist() == other.geometry.to_wkb().tolist()
        frames = [
            pd.DataFrame(frame).drop(columns="geometry", errors="ignore")
            for frame in (table, other)
        ]
        assert table.columns.tolist() == other.columns.tolist(), name
        assert_frame_equal(*frames, check_exact=True, check_index_type="exact")
    assert (left.rules, left.name) == (right.rules, right.name)
    assert (left.city.name, left.city.report) == (right.city.name, right.city.report)


# --- keeping -----------------------------------------------------------------------------------


def test_tiny_plan_keeps_the_contracts(plan):
    """The fixture is a plan like those that gridmap makes."""
    check_table(plan.units, UNITS)
    check_table(plan.adjacency, ADJACENCY)
    check_table(plan.city.communities, COMMUNITIES)


def test_loaded_plan_equals_the_kept_one(store, plan):
    """Text codes, dtypes, missing floors, mixed geometry, an empty layer, rules and names."""
    store.keep(plan, "2026-春季")
    loaded = store.load("2026-春季")
    assert_same_plan(plan, loaded)
    assert loaded.grids.index[1] == "210802003002007"


def test_own_columns_and_names_come_back(store, plan):
    """Columns that people added stay: also fid, geom, small integers and another geometry name."""
    buildings = plan.city.buildings.assign(
        fid=["a", "b", "c"],
        geom=[1, 2, 3],
        lift=[True, False, True],
        year=np.array([1999, 2001, 2020], "int16"),
        note=pd.Series(["x", None, "z"], ["001", "2", "c"], dtype="str"),
    ).rename_geometry("shape")
    city = replace(plan.city, buildings=buildings)
    units = plan.units.set_axis(pd.RangeIndex(4, name="unit_id"), axis=0)
    adjacency = plan.adjacency.iloc[[2, 0]]
    store.keep(replace(plan, city=city, units=units, adjacency=adjacency), "own")
    loaded = store.load("own")
    assert_same_plan(replace(plan, city=city, units=units, adjacency=adjacency), loaded)
    assert loaded.city.buildings["year"].dtype == "int16"
    assert loaded.city.buildings.geometry.name == "shape"
    assert isinstance(loaded.units.index, pd.RangeIndex)
    assert loaded.adjacency.index.tolist() == [2, 0]


def add_supplements(city: City) -> City:
    """Give the tiny city everything that a city may have."""
    index = pd.Index(["苑"], name="compound_id")
    zones = make_table("zone_id", ["园"], [square(0, 0, 9)], kind=["park"], name=["站前公园"])
    codes = ["210802003002001", "旧"]
    existing = make_table("grid_code", codes, [square(0, 0), square(1, 0)], name=["一", ""])
    entrances = pd.DataFrame(
        {"building_id": ["c", "c"], "entrance": ["1", "东"], "households": [95, 200]}
    )
    return replace(
        city,
        communities=city.communities.assign(estate_type=["rural", ""]),
        buildings=city.buildings.assign(entrances=[0, 3, 2], part_of=["", "b", ""]),
        zones=zones,
        existing=existing,
        compounds=pd.DataFrame({"estate_type": ["old_estate"]}, index=index),
        entrances=entrances,
    )


def test_supplements_come_back(store, plan):
    """Zones, existing grids, compounds, entrances and their columns; sizes of estates."""
    rules = Rules(estates=Estates(rural=EstateSize(40, 60)), divide_above=360)
    full = replace(plan, city=add_supplements(plan.city), rules=rules)
    store.keep(full, "full")
    loaded = store.load("full")
    assert_same_plan(full, loaded)
    for name in SUPPLEMENTS:
        assert len(getattr(loaded.city, name)), name
    assert isinstance(loaded.city.entrances.index, pd.RangeIndex)


@pytest.mark.parametrize("doors", [[Point(X, Y), None], [None, None], [Point(X, Y)] * 2])
def test_doors_come_back(store, plan, doors):
    """Points of all entrances, of some, or of none."""
    city = add_supplements(plan.city)
    placed = gpd.GeoDataFrame(city.entrances, geometry=doors, crs=CRS)
    full = replace(plan, city=replace(city, entrances=placed))
    store.keep(full, "doors")
    assert_same_plan(full, store.load("doors"))


def test_empty_supplements_cost_nothing(store, plan):
    """A file of a city without them has no layers of them, and the same bytes as ever."""
    store.keep(plan, "none")
    layers = pyogrio.list_layers(store.folder / "none.gpkg")[:, 0]
    assert set(layers) == {*TABLES, *CITY_TABLES, "plan"}
    emptied = replace(plan, city=replace(plan.city, zones=plan.city.zones.iloc[:0]))
    assert store.keep(emptied, "emptied") == store.plans().loc["none", "fingerprint"]


def test_text_of_object_dtype_stays_object(store, plan):
    """Tables made with the older text dtype come back with it."""
    communities = plan.city.communities.astype({"name": object})
    store.keep(replace(plan, city=replace(plan.city, communities=communities)), "object")
    assert store.load("object").city.communities["name"].dtype == object


def test_projection_without_a_code_comes_back(store, plan):
    """A city's own projection, which no register knows, is kept in full."""
    own = "+proj=tmerc +lon_0=122.2345 +x_0=50000 +ellps=GRS80 +units=m +no_defs"
    moved = {
        name: table.to_crs(own) for name, table in list_tables(plan).items() if "geometry" in table
    }
    city = replace(plan.city, **{name: moved[name] for name in CITY_TABLES})
    plan = replace(plan, city=city, units=moved["units"], grids=moved["grids"])
    store.keep(plan, "own-crs")
    assert_same_plan(plan, store.load("own-crs"))


def test_column_that_would_not_come_back_is_refused(store, plan):
    """Rather an error at keeping than another value at loading."""
    strange = plan.city.buildings.assign(when=pd.to_timedelta([1, 2, 3], unit="s"))
    with pytest.raises(StoreError, match="buildings"):
        store.keep(replace(plan, city=replace(plan.city, buildings=strange)), "strange")
    fine = plan.city.buildings.assign(when=pd.to_datetime(["2026-01-01 00:00:00.000001"] * 3))
    with pytest.raises(StoreError, match=r"buildings would not come back .* drop the column"):
        store.keep(replace(plan, city=replace(plan.city, buildings=fine)), "fine")
    assert not list(store.folder.glob("*.gpkg"))


def test_name_is_kept_once(store, plan):
    """A second plan of the name is refused, whatever the case of its letters; the first stays."""
    fingerprint = store.keep(plan, "Spring")
    for name in ("Spring", "spring"):
        with pytest.raises(PlanKeptError, match="'Spring' is kept"):
            store.keep(change_plan(plan), name)
    assert_same_plan(plan, store.load("Spring"))
    assert store.plans().loc["Spring", "fingerprint"] == fingerprint


def test_kept_file_is_read_only_and_stays_as_it_is(filled):
    """Publishing writes beside the plan, never into it."""
    path = filled.folder / "a.gpkg"
    before, content = path.stat(), path.read_bytes()
    filled.publish("a", TODAY, by="王", today=TODAY)
    filled.load("a")
    after = path.stat()
    assert stat.S_IMODE(after.st_mode) == 0o444
    assert path.read_bytes() == content
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert after.st_nlink == 1


def test_same_plan_gives_the_same_bytes(tmp_path, plan):
    """Name, folder and time of keeping leave no trace in the file; GDAL's settings are restored."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2011-11-11T00:00:00.000Z"})
    try:
        first = PlanStore(tmp_path / "1").keep(plan, "a")
        assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") == "2011-11-11T00:00:00.000Z"
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    second = PlanStore(tmp_path / "2").keep(make_tiny_plan(), "另一个")
    assert first == second
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None
    files = [tmp_path / "1/a.gpkg", tmp_path / "2/另一个.gpkg"]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert PlanStore(tmp_path / "2").keep(change_plan(plan), "b") != first


@pytest.mark.parametrize("name", ["2026", "春季方案_1.2", "a", "Ä-b", "x" * 200])
def test_safe_names_are_kept(store, plan, name):
    """Letters of any script, digits, and three signs."""
    store.keep(plan, name)
    assert list(store.plans().index) == [name]


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a", "a/b", "a\\b", ".a", "-a", "_a", "a.", "a b", "a:b", "a\n", "a\0"),
        *("con", "LPT1.x", "x" * 201, "村" * 67, "a*", "e\u0301"),
    ],
)
def test_unsafe_names_are_refused(store, plan, name):
    """Nothing leaves the folder or fails on another system; reading refuses them as well."""
    for call in (lambda: store.keep(plan, name), lambda: store.load(name)):
        with pytest.raises(StoreError, match="name of a"):
            call()
    assert not store.folder.exists()


def test_foreign_file_is_left_alone(store, plan):
    """A file that this store did not keep is neither overwritten nor served as a plan."""
    store.folder.mkdir()
    (store.folder / "a.gpkg").write_text("mine")
    with pytest.raises(StoreError, match="not kept by this store"):
        store.keep(plan, "a")
    with pytest.raises(PlanNotFoundError):
        store.load("a")
    assert (store.folder / "a.gpkg").read_text() == "mine"


def test_layers_open_as_a_geopackage(filled, plan):
    """Every table is a layer, with its type, its rows and the plan's CRS."""
    path = filled.folder / "a.gpkg"
    layers = dict(pyogrio.list_layers(path).tolist())
    assert layers == {
        **{"grids": "Polygon", "units": "Polygon", "adjacency": None, "lineage": None},
        **{"communities": "Polygon", "buildings": "Unknown", "streets": "Unknown"},
        **{"barriers": "Unknown", "plan": None},
    }
    for name, table in list_tables(plan).items():
        about = pyogrio.read_info(path, layer=name)
        assert about["features"] == len(table)
        assert about["crs"] == (CRS if "geometry" in table else None)
    codes = pyogrio.read_dataframe(path, layer="grids")["grid_code"]
    assert codes.tolist() == plan.grids.index.tolist()


def test_system_gdal_reads_every_layer(filled, plan):
    """The GDAL that QGIS links opens the file as it is, with Chinese text."""
    try:
        command = ["ogrinfo", "-ro", "-al", str(filled.folder / "a.gpkg")]
        seen = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip("ogrinfo (gdal-bin) is not installed")
    for name, table in list_tables(plan).items():
        assert f"Layer name: {name}\n" in seen.stdout
        assert f"Feature Count: {len(table)}\n" in seen.stdout
    assert "grid_code (String) = 210802003002007" in seen.stdout
    assert "小雨社区第1网格" in seen.stdout
    assert "Warning" not in seen.stderr
    assert "ERROR" not in seen.stderr


def test_file_of_a_later_version_is_refused(store, plan, monkeypatch):
    """An old gridmap says that it is old, instead of guessing."""
    monkeypatch.setattr("gridmap.packages.FORMAT", 2)
    store.keep(plan, "a")
    monkeypatch.setattr("gridmap.packages.FORMAT", 1)
    with pytest.raises(StoreError, match="install a later version"):
        store.load("a")


# --- damage ------------------------------------------------------------------------------------


def spoil(path: Path, how: str) -> None:
    """Damage a kept file as disks and people do."""
    content = bytearray(path.read_bytes())
    path.unlink()
    if how == "gone":
        return
    if how == "one bit":
        content[len(content) // 2] ^= 1
    path.write_bytes(
        content[:-4096] if how == "cut short" else content[: 0 if how == "empty" else None]
    )


@pytest.mark.parametrize("how", ["cut short", "empty", "one bit", "gone"])
def test_damaged_plan_is_never_served(filled, plan, how):
    """Loading, serving and publishing all check the fingerprint; the message says what to do."""
    filled.publish("a", TODAY, by="王", today=TODAY)
    fingerprint = filled.publications()["fingerprint"].iloc[-1]
    spoil(filled.folder / "a.gpkg", how)
    for call in (
        lambda: filled.load("a"),
        lambda: filled.in_force(TODAY),
        lambda: filled.publish("a", TODAY + timedelta(1), by="王", today=TODAY),
    ):
        with pytest.raises(
            PlanDamagedError, match=f"{fingerprint}: restore that file from a backup"
        ):
            call()
    assert len(filled.publications()) == 1
    assert filled.name_in_force(TODAY) == "a"
    with pytest.raises(PlanKeptError):
        filled.keep(plan, "a")


def test_plan_exchanged_after_publication_is_noticed(store, plan):
    """In force is what was published, not whatever bears its name now."""
    store.keep(plan, "a")
    store.publish("a", TODAY, by="王", today=TODAY)
    record = (store.folder / "publications.json").read_bytes()
    for path in store.folder.glob("*.*"):
        path.unlink()
    store.keep(change_plan(plan), "a")
    (store.folder / "publications.json").write_bytes(record)
    store.load("a")
    with pytest.raises(PlanDamagedError):
        store.in_force(TODAY)


def test_unpublished_plan_whose_file_was_deleted_is_forgotten(store, plan):
    """Deleting a draft's file is how to be rid of it; its name is free again."""
    store.keep(plan, "a")
    (store.folder / "a.gpkg").unlink()
    assert store.plans().empty
    with pytest.raises(PlanNotFoundError):
        store.load("a")
    store.keep(change_plan(plan), "a")
    assert_same_plan(change_plan(plan), store.load("a"))


@pytest.mark.parametrize("content", ["", "[{", '[{"plan": "a"}]', "[1]", "7", "\x80"])
def test_damaged_record_is_reported(filled, content):
    """A record that a person broke is not read as an empty one."""
    (filled.folder / "publications.json").write_bytes(content.encode("latin-1"))
    for call in (filled.publications, filled.plans, lambda: filled.name_in_force(TODAY)):
        with pytest.raises(PlanDamagedError, match=r"publications\.json was changed"):
            call()
    with pytest.raises(PlanDamagedError):
        filled.publish("a", TODAY, by="王", today=TODAY)
    assert (filled.folder / "publications.json").read_bytes() == content.encode("latin-1")


# --- publishing --------------------------------------------------------------------------------


def test_plan_is_in_force_from_its_first_day(filled, plan):
    """Not the day before; on the day; on every day after until the next plan's first day."""
    filled.publish("a", date(2026, 3, 1), by="王", today=TODAY)
    filled.publish("b", date(2026, 9, 1), by="李", why="新楼入住", today=TODAY)
    with pytest.raises(PlanNotFoundError, match="the first is 'a', from 2026-03-01 on"):
        filled.name_in_force(date(2026, 2, 28))
    days = [date(2026, 3, 1), date(2026, 8, 31), date(2026, 9, 1), date(2099, 1, 1)]
    assert [filled.name_in_force(day) for day in days] == ["a", "a", "b", "b"]
    published = filled.publications().set_index("plan")["fingerprint"]
    assert published["b"] == filled.plans().loc["b", "fingerprint"] != published["a"]
    assert_same_plan(plan, filled.in_force(date(2026, 8, 31)))
    assert_same_plan(change_plan(plan), filled.in_force(date(2026, 9, 1)))


def test_order_of_publishing_does_not_matter_for_different_days(filled):
    """A plan decided later for an earlier day ends where the other begins."""
    filled.publish("a", TODAY + timedelta(30), by="王", today=TODAY)
    filled.publish("b", TODAY + timedelta(10), by="王", today=TODAY)
    days = [TODAY + timedelta(shift) for shift in (10, 29, 30)]
    assert [filled.name_in_force(day) for day in days] == ["b", "b", "a"]


def test_correction_on_the_same_day_counts(filled):
    """Of two publications for one day the later counts; both stay in the record."""
    filled.publish("a", TODAY, by="王", today=TODAY)
    filled.publish("b", TODAY, by="李", why="更正", today=TODAY)
    assert filled.name_in_force(TODAY) == "b"
    record = filled.publications()
    assert record["plan"].tolist() == ["a", "b"]
    assert record["by"].tolist() == ["王", "李"]
    assert record["why"].tolist() == ["", "更正"]
    filled.publish("a", TODAY, by="王", today=TODAY)
    assert filled.name_in_force(TODAY) == "a"


def test_past_is_not_rewritten(filled):
    """A day on which a plan was in force keeps it; today is not over yet."""
    filled.publish("a", TODAY - timedelta(20), by="王", today=TODAY)
    for back in (1, 19, 20):
        with pytest.raises(StoreError, match="days that are over can't be changed"):
            filled.publish("b", TODAY - timedelta(back), by="王", today=TODAY)
    assert len(filled.publications()) == 1
    filled.publish("b", TODAY, by="王", today=TODAY)
    assert filled.name_in_force(TODAY - timedelta(1)) == "a"
    assert filled.name_in_force(TODAY) == "b"


def test_days_without_a_plan_may_be_filled(filled):
    """The record of a city may begin in the past; what came after keeps its days."""
    filled.publish("a", TODAY - timedelta(20), by="王", today=TODAY)
    filled.publish("b", TODAY - timedelta(30), by="王", today=TODAY)
    days = [TODAY - timedelta(back) for back in (30, 21, 20, 0)]
    assert [filled.name_in_force(day) for day in days] == ["b", "b", "a", "a"]


def test_today_is_the_clocks_by_default(filled):
    """Without `today` the day is that of the system."""
    filled.publish("a", today_in_china() - timedelta(7), by="王")
    with pytest.raises(StoreError, match="can't be changed"):
        filled.publish("a", today_in_china() - timedelta(2), by="王")
    filled.publish("a", today_in_china() + timedelta(1), by="王")


def test_publication_needs_a_person_a_date_and_a_plan(filled):
    """What is missing is named, and nothing is recorded."""
    with pytest.raises(StoreError, match="by is empty"):
        filled.publish("a", TODAY, by=" ", today=TODAY)
    for day in ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC), pd.Timestamp(2026, 3, 1)):
        with pytest.raises(StoreError, match=r"not a datetime\.date"):
            filled.publish("a", day, by="王", today=TODAY)
    with pytest.raises(PlanNotFoundError, match=r"no plan 'c' is kept in .*; kept are a, b$"):
        filled.publish("c", TODAY, by="王", today=TODAY)
    assert filled.publications().empty


def test_unknown_plans_are_named(store, plan):
    """What was asked for, and what there is."""
    with pytest.raises(PlanNotFoundError, match="no plan is kept there"):
        store.load("a")
    with pytest.raises(PlanNotFoundError, match="none was ever published; no plan is kept there"):
        store.in_force(TODAY)
    store.keep(plan, "b")
    with pytest.raises(PlanNotFoundError, match="kept are b"):
        store.load("a")
    with pytest.raises(PlanNotFoundError, match="none was ever published; kept are b"):
        store.name_in_force(TODAY)


def test_plans_are_listed(store, plan):
    """One row a plan with its latest publication; an unpublished one has none."""
    empty = store.plans()
    assert empty.empty
    start = pd.Timestamp.now("UTC").floor("s")
    kept = [store.keep(plan, "z"), store.keep(change_plan(plan), "a")]
    store.publish("z", TODAY, by="王", today=TODAY)
    store.publish("z", TODAY + timedelta(5), by="李", why="延期", today=TODAY)
    plans = store.plans()
    assert (plans.index.name, plans.index.tolist()) == ("name", ["z", "a"])
    assert plans["grids"].tolist() == [2, 2]
    assert plans["households"].tolist() == [605, 605]
    assert plans["fingerprint"].tolist() == kept
    assert plans.loc["z", ["published_by", "why"]].tolist() == ["李", "延期"]
    assert plans.loc["z", "valid_from"] == pd.Timestamp(2026, 3, 6)
    assert plans.loc["a"][["valid_from", "published_at", "published_by"]].isna().all()
    assert plans["kept_at"].between(start, pd.Timestamp.now("UTC")).all()
    assert plans.columns.tolist() == empty.columns.tolist()
    assert plans.dtypes.astype(str).str[:8].tolist() == empty.dtypes.astype(str).str[:8].tolist()


def test_times_carry_their_zone(filled):
    """A record that says 09:00 says where."""
    filled.publish("a", TODAY, by="王", today=TODAY)
    record = json.loads((filled.folder / "publications.json").read_text("utf-8"))
    kept = json.loads((filled.folder / "plans.json").read_text("utf-8"))
    for moment in (record[0]["published_at"], kept["a"]["kept_at"]):
        assert datetime.fromisoformat(moment).tzinfo is not None


# --- several at once ---------------------------------------------------------------------------


def publish_many(folder: Path, name: str, times: int, start: Any) -> None:
    """Publish again and again from a common start, lingering between reading and writing."""
    check = gridmap.store._refuse_past
    gridmap.store._refuse_past = lambda *args: (check(*args), sleep(0.01))
    store = PlanStore(folder)
    start.wait()
    for time in range(times):
        store.publish(name, TODAY + timedelta(time), by=name, why=str(time), today=TODAY)


def test_publishers_lose_no_record(filled):
    """Two processes publish while this one reads: it sees the old or the new, and all is kept."""
    filled.publish("a", TODAY, by="王", today=TODAY)
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    publishers = [
        context.Process(target=publish_many, args=(filled.folder, name, 15, start))
        for name in ("a", "b")
    ]
    for publisher in publishers:
        publisher.start()
    lengths = [1]
    while any(publisher.is_alive() for publisher in publishers):
        assert filled.name_in_force(TODAY) in ("a", "b")
        lengths.append(len(filled.publications()))
    assert [publisher.exitcode for publisher in publishers] == [0, 0]
    assert lengths == sorted(lengths)
    record = filled.publications()[1:]
    for name in ("a", "b"):
        assert record.loc[record["by"] == name, "why"].tolist() == [str(n) for n in range(15)]


def test_whoever_waits_too_long_is_told(filled, monkeypatch):
    """A lock that another process holds ends in a message, not in silence."""
    monkeypatch.setattr("gridmap.store._PATIENCE", 0.05)
    held = (
        "import sys, filelock, time\n"
        "with filelock.FileLock(sys.argv[1]): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", held, str(filled.folder / ".publish.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        try:
            with pytest.raises(StoreError, match="busy to publish"):
                filled.publish("a", TODAY, by="王", today=TODAY)
        finally:
            holder.kill()
    monkeypatch.undo()
    filled.publish("a", TODAY, by="王", today=TODAY)


# --- failing and dying in the middle -----------------------------------------------------------


#: Runs `verb` in children. The n-th kills itself when it finds the folder in the n-th state that
#: differs from the one before, looking at every line of store.py and packages.py; prints each line.
KILLER = textwrap.dedent(
    """
    import os, shutil, signal, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[1])
    from test_store import TODAY, change_plan, make_tiny_plan
    import gridmap.store
    from gridmap.store import PlanStore

    def look_at(folder):
        files = ((entry.name, entry.stat()) for entry in os.scandir(folder))
        return sorted((name, s.st_ino, s.st_mode, s.st_nlink, s.st_size) for name, s in files)

    watched = gridmap.store.__file__, gridmap.packages.__file__

    def kill_at(n, folder):
        states = [None]
        def trace(frame, event, arg):
            if frame.f_code.co_filename not in watched:
                return None
            if (state := look_at(folder)) != states[-1]:
                states.append(state)
                if len(states) > n:
                    print(frame.f_code.co_name, frame.f_lineno, flush=True)
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace
        sys.settrace(trace)

    verb, base, work = sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    plan = change_plan(make_tiny_plan())
    for n in range(1, 1000):
        folder = work / str(n)
        shutil.copytree(base, folder)
        child = os.fork()
        if child == 0:
            kill_at(n, folder)
            if verb == "keep":
                PlanStore(folder).keep(plan, "new")
            else:
                PlanStore(folder).publish("new", TODAY, by="li", today=TODAY)
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            break
    """
)


def kill_everywhere(verb: str, base: Path, work: Path) -> list[str]:
    """Kill a call in each state that it brings the folder to, each on a copy of ``base``."""
    work.mkdir()
    command = [sys.executable, "-c", KILLER, str(Path(__file__).parent), verb, str(base), str(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_kill_while_keeping_leaves_old_or_new(store, plan, tmp_path):
    """In whatever state: no plan or the whole plan, the other untouched, and keeping goes on."""
    store.keep(plan, "old")
    old = store.plans()
    new = PlanStore(tmp_path / "whole").keep(change_plan(plan), "new")
    lines = kill_everywhere("keep", store.folder, tmp_path / "work")
    places = {line.split()[0] for line in lines}
    assert {"_write_layer", "_keep_new", "_replace_json", "_name_once"} <= places, lines
    outcomes = []
    for n, line in enumerate(lines, start=1):
        survivor = PlanStore(tmp_path / "work" / str(n))
        kept = survivor.plans().index.tolist()
        assert kept in (["old"], ["old", "new"]), line
        files = {path.stem for path in survivor.folder.glob("[!.]*.gpkg")}
        assert files == set(kept), line
        outcomes.append("new" in kept)
        if outcomes[-1]:
            assert_same_plan(change_plan(plan), survivor.load("new"))
            survivor.keep(plan, "next")
        else:
            assert survivor.keep(change_plan(plan), "new") == new, line
        assert not list(survivor.folder.glob(".keeping*")), line
        assert_frame_equal(survivor.plans()[:1], old)
    assert outcomes == sorted(outcomes)
    assert {True, False} == set(outcomes)


def test_kill_while_publishing_leaves_old_or_new(store, plan, tmp_path):
    """In whatever state: the old record or the new one, whole, and publishing goes on."""
    for name in ("old", "new"):
        store.keep(plan, name)
    store.publish("old", TODAY, by="wang", today=TODAY)
    lines = kill_everywhere("publish", store.folder, tmp_path / "work")
    assert len([line for line in lines if line.startswith("_replace_json")]) >= 2, lines
    outcomes = []
    for n, line in enumerate(lines, start=1):
        survivor = PlanStore(tmp_path / "work" / str(n))
        names = survivor.publications()["plan"].tolist()
        assert names in (["old"], ["old", "new"]), line
        assert survivor.name_in_force(TODAY) == names[-1]
        outcomes.append(len(names) == 2)
        survivor.publish("old", TODAY, by="wang", today=TODAY)
        assert survivor.publications()["plan"].tolist() == [*names, "old"]
    assert outcomes == sorted(outcomes)
    assert {True, False} == set(outcomes)


@pytest.mark.parametrize("pages", [1, 2, 3, 5, 9, 17, 30, 51])
def test_full_disk_leaves_nothing(store, plan, pages):
    """Where so many pages (of 52) do not fit, the store is as before.

    2 to 9 are those of the indexes that GDAL makes last, without a word when it can't.
    """
    store.keep(plan, "old")
    before = {path.name: path.read_bytes() for path in store.folder.iterdir()}
    limit = len(before["old.gpkg"]) - 4096 * pages
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(StoreError, match="free space"):
            store.keep(change_plan(plan), "new")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in store.folder.iterdir()} == before
    store.keep(change_plan(plan), "new")


@pytest.mark.parametrize("call", ["fsync", "link", "replace"])
def test_failing_disk_leaves_the_record_as_it_was(store, plan, monkeypatch, call):
    """Whatever the system refuses: an error that says so, no temporary file, the old state."""
    store.keep(plan, "old")
    store.publish("old", TODAY, by="王", today=TODAY)
    state = (store.plans(), store.publications())

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    monkeypatch.setattr(Path, "replace", fail if call == "replace" else Path.replace)
    with pytest.raises(StoreError, match="No space left"):
        store.keep(change_plan(plan), "new")
    if call != "link":
        with pytest.raises(StoreError, match=r"can't publish in .*No space left"):
            store.publish("old", TODAY + timedelta(1), by="王", today=TODAY)
    monkeypatch.undo()
    assert_frame_equal(store.plans(), state[0])
    assert_frame_equal(store.publications(), state[1])
    names = {path.name for path in store.folder.iterdir() if path.suffix != ".lock"}
    derived = {"old.locator", "old.prepared"}
    records = {"plans.json", "publications.json", "areas.json"}
    assert names - derived == {"old.gpkg", "old.search.sqlite", *records}


def test_stop_by_hand_leaves_nothing(store, plan, monkeypatch):
    """Ctrl+C in the middle of keeping removes the draft."""

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("gridmap.store._hash_file", interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may ignore Ctrl+C
    try:
        with pytest.raises(KeyboardInterrupt):
            store.keep(plan, "a")
    finally:
        signal.signal(signal.SIGINT, before)
    assert [path.name for path in store.folder.iterdir() if "lock" not in path.name] == []


# --- the index beside a plan -------------------------------------------------------------------


def test_publishing_makes_the_index(filled):
    """From then on the locator is opened from its file, and answers as one made of the plan."""
    filled.publish("a", TODAY, by="planner", today=TODAY)
    path = filled.folder / "a.locator"
    before = path.stat().st_mtime_ns
    grids = filled.load("a").grids
    spots = grids.representative_point().to_crs("EPSG:4326")
    for code, spot in spots.items():
        assert filled.locator("a").locate(spot.x, spot.y).grid_code == code
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["gone", "cut", "foreign", "of another plan"])
def test_a_wrong_index_is_made_again(filled, damage):
    """Whatever became of the file, the locator is that of the plan, and the file is mended."""
    path = filled.folder / "a.locator"
    whole = filled.locator("a").codes
    good = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(good[: len(good) // 2])
    elif damage == "foreign":
        path.write_bytes(b"something else")
    else:
        filled.locator("b")
        shutil.copy(filled.folder / "b.locator", path)
    assert filled.locator("a").codes == whole
    assert path.read_bytes() == good


def test_a_folder_that_cannot_be_written_has_a_locator(filled, monkeypatch):
    """Without a place for the file the locator is made in memory."""

    def refuse(*_args, **_options):
        raise OSError("no space left on device")

    monkeypatch.setattr(gridmap.store.Locator, "save", refuse)
    assert len(filled.locator("a")) == 2
    assert not (filled.folder / "a.locator").exists()


# --- made once ---------------------------------------------------------------------------------


@pytest.fixture
def served(four_by_two: Plan, tmp_path: Path) -> PlanStore:
    """Give a store with a plan ``a`` of which everything can be told."""
    store = PlanStore(tmp_path / "served")
    store.keep(four_by_two, "a")
    return store


@pytest.mark.parametrize("kind", ["locator", "prepared", "tiles"])
def test_one_makes_a_file_while_others_wait(served, monkeypatch, kind):
    """Of several workers that start without a file beside the plan, one makes it; all open it."""
    makers = {"locator": "Locator", "prepared": "prepare_plan", "tiles": "make_tiles"}
    module = gridmap.tiles if kind == "tiles" else gridmap.store
    make, made = getattr(module, makers[kind]), []

    def make_slowly(*args, **options):
        made.append(kind)
        sleep(0.3)
        return make(*args, **options)

    monkeypatch.setattr(module, makers[kind], make_slowly)
    with ThreadPoolExecutor(3) as workers:
        stores = [PlanStore(served.folder) for _ in range(3)]
        opened = list(workers.map(lambda store: getattr(store, kind)("a"), stores))
    assert made == [kind]
    assert len({id(one) for one in opened}) == 3


def test_no_lock_in_a_folder_that_refuses_one(filled):
    """Where no lock can be had the file is made all the same."""
    (filled.folder / ".locator.lock").mkdir()
    assert len(filled.locator("a")) == 2
    assert (filled.folder / "a.locator").exists()


def test_publishing_reads_the_plan_once(served, monkeypatch):
    """The file is compared with its fingerprint once, and read once for all that lies beside it."""
    seen = []
    for name in ("_hash_file", "read_plan"):
        real = getattr(gridmap.store, name)
        monkeypatch.setattr(
            gridmap.store, name, lambda path, real=real, name=name: seen.append(name) or real(path)
        )
    served.publish("a", TODAY, by="planner", today=TODAY)
    assert sorted(seen) == ["_hash_file", "read_plan"]
    for ending in ("locator", "prepared", "pmtiles"):
        assert (served.folder / f"a.{ending}").exists()


def test_publishing_numbers_the_areas(filled):
    """Numbers are there when the plan is, follow from the record alone, and need no old plan."""
    for name, day in (("a", TODAY), ("b", TODAY + timedelta(days=90))):
        filled.publish(name, day, by="王芳", today=TODAY)
    path = filled.folder / "areas.json"
    written = path.read_bytes()
    numbers = filled.area_numbers()
    assert set(numbers.plans) == {"a", "b"}
    path.unlink()
    assert filled.area_numbers() == numbers
    assert path.read_bytes() == written
    for file in filled.folder.glob("a.*"):
        file.unlink()
    filled.publish("b", TODAY, by="王芳", today=TODAY)
    assert filled.area_numbers() == numbers
    path.write_text('{"codes": ["210802003", "210802003"]}')
    with pytest.raises(PlanDamagedError, match="a code has two numbers"):
        filled.area_numbers()


def test_areas_are_numbered_where_nothing_can_be_written(filled, monkeypatch):
    """A folder that refuses costs a look at the plans, and no number."""
    filled.publish("a", TODAY, by="王芳", today=TODAY)
    numbers = filled.area_numbers()
    (filled.folder / "areas.json").unlink()

    def refuse(*_args, **_options):
        raise PermissionError("read-only")

    monkeypatch.setattr(gridmap.store, "_replace_json", refuse)
    assert filled.area_numbers() == numbers
    assert not (filled.folder / "areas.json").exists()
