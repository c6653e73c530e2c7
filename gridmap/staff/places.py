"""Lists of places: stations and where they could be, stops of a round, offices that help."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap.city import City
from gridmap.errors import StaffError
from gridmap.files import write_layers, write_whole
from gridmap.plan import Plan
from gridmap.reading.findings import Finding
from gridmap.reading.lists import (
    Names,
    place_list,
    read_list,
    refuse_list,
    refuse_rows,
    refuse_twins,
    settle_counts,
    settle_words,
)
from gridmap.staff.reasons import Language
from gridmap.staff.stations import Siting
from gridmap.tables import CONTACT_KINDS, CONTACTS, STATIONS, STOPS, Table
from gridmap.workbooks import write_book

#: Names of the columns of a list of stations, best first.
STATION_NAMES: Names = {
    "station_id": ("station_id", "驿站编号", "编号", "编码", "id"),
    "name": ("name", "驿站名称", "名称", "驿站", "服务站", "点位名称", "站点"),
}
#: Names of the columns of a list of stops, best first.
STOP_NAMES: Names = {
    "stop_id": ("stop_id", "点位编号", "编号", "编码", "id"),
    "name": ("name", "点位名称", "名称", "店名", "商铺名称", "点位", "地点"),
    "kind": ("kind", "类别", "类型", "点位类型"),
    "minutes": ("minutes", "停留分钟", "停留时间", "停留", "时长", "分钟"),
}
#: Names of the columns of a list of contacts, best first.
CONTACT_NAMES: Names = {
    "contact_id": ("contact_id", "编号", "编码", "序号", "id"),
    "kind": ("kind", "类别", "类型"),
    "name": ("name", "名称", "单位名称", "单位", "职务", "岗位", "领导", "姓名"),
    "scope": ("scope", "范围", "区划代码", "街道代码", "区划", "所属区划"),
    "points": ("points", "联系点数", "点数", "数量"),
}
_KINDS = {
    "leader": ("leader", "领导", "市级领导", "区级领导", "街道领导", "包联领导", "联系领导"),
    "unit": ("unit", "单位", "共建单位", "机关", "企业", "事业单位", "企事业单位"),
}
_STAY = 10  # minutes at a stop whose list says nothing
_SHEETS: dict[str, dict[Language, str]] = {
    "stations": {"zh": "驿站", "en": "stations"},
    "uncovered": {"zh": "未覆盖楼栋", "en": "out of reach"},
}


def read_stations(
    path: str | Path, plan: Plan, *, datum: str = "wgs84", sheet: str | None = None
) -> gpd.GeoDataFrame:
    """Read a list of service stations, or of places where one could be.

    Parameters
    ----------
    path : str or Path
        A row each: 名称, 经度 and 纬度, and 编号; the name takes its place where there is none.
    plan : Plan
        For its CRS.
    datum : str
        Of the degrees in the file.
    sheet : str, optional
        The sheet of the workbook.

    Returns
    -------
    GeoDataFrame
        `STATIONS`.

    Raises
    ------
    StaffError
        With every row that has no position or no name, or stands there twice.
    TableError
        If the file can't be read or has no such columns.
    """
    rows = read_list(path, STATION_NAMES, ("name",), sheet=sheet)
    rows = _name_rows(rows, "station_id")
    return _place_rows(path, rows, STATIONS, plan.grids.crs, datum, [])


def read_stops(
    path: str | Path, plan: Plan, *, datum: str = "wgs84", sheet: str | None = None
) -> gpd.GeoDataFrame:
    """Read a list of what is looked at on a round: shops, hydrants, homes that need a visit.

    Parameters
    ----------
    path : str or Path
        A row each: 名称 (of the place, never of a resident), 类别, 停留分钟 (10 where empty), 经度
        and 纬度, and 编号; the name takes its place where there is none.
    plan, datum, sheet
        As `read_stations`.

    Returns
    -------
    GeoDataFrame
        `STOPS`.

    Raises
    ------
    StaffError
        With every row that has no position or no name, stands there twice, or whose minutes are
        no whole number from 0 up.
    TableError
        If the file can't be read or has no such columns.
    """
    findings: list[Finding] = []
    rows = settle_words(read_list(path, STOP_NAMES, ("name",), sheet=sheet), ("kind", "minutes"))
    rows = _name_rows(rows, "stop_id")
    plain = rows["minutes"].str.removesuffix("钟").str.removesuffix("分")
    rows = rows.assign(minutes=plain.where(plain != "", str(_STAY)))
    rows = settle_counts(rows, STOPS.name, ("minutes",), findings)
    return _place_rows(
        path, rows.astype({"minutes": "float64"}), STOPS, plan.grids.crs, datum, findings
    )


def read_contacts(
    path: str | Path, city: City, *, datum: str = "wgs84", sheet: str | None = None
) -> gpd.GeoDataFrame:
    """Read a list of leaders with contact points, or of co-building units.

    Parameters
    ----------
    path : str or Path
        A row each: 编号, 类别 (领导 or 单位), 名称, 范围 (the beginning of the community codes
        that it may be matched to, 210802 for a district; empty for the city), 点数 (how many it
        takes, 1 where empty), and positions of the offices where they are known.
    city : City
        For its CRS.
    datum, sheet
        As `read_stations`.

    Returns
    -------
    GeoDataFrame
        `CONTACTS`.

    Raises
    ------
    StaffError
        With every row that is wrong.
    TableError
        If the file can't be read or has no such columns.
    """
    rows = read_list(path, CONTACT_NAMES, ("name",), sheet=sheet)
    rows = settle_words(rows, ("kind", "scope", "points"))
    kinds = {word: kind for kind, words in _KINDS.items() for word in words}
    rows["kind"] = rows["kind"].map(lambda text: kinds.get(text, text or "unit")).astype("str")
    # Lists of leaders and of units are kept together: their ids differ.
    ids = [f"{kind[:1].upper()}{at + 1:03d}" for at, kind in enumerate(rows["kind"])]
    rows = rows if "contact_id" in rows else rows.assign(contact_id=ids)
    rows["points"] = rows["points"].where(rows["points"] != "", "1")
    strange = rows.loc[~rows["kind"].isin(CONTACT_KINDS), "kind"]
    findings = refuse_rows(CONTACTS.name, "kind", strange, "neither 领导 nor 单位")
    codes = city.communities["code"]
    nowhere = [not codes.str.startswith(scope).any() for scope in rows["scope"]]
    problem = "no community's code begins so"
    findings += refuse_rows(CONTACTS.name, "scope", rows.loc[nowhere, "scope"], problem)
    rows = settle_counts(rows, CONTACTS.name, ("points",), findings)
    return _place_rows(path, rows, CONTACTS, city.crs, datum, findings)


def write_stations(siting: Siting, path: str | Path, *, lang: Language = "zh") -> None:
    """Write where stations are and whom they leave out: .xlsx for the office, .gpkg for a GIS.

    The workbook has a sheet of the stations and one of the buildings out of reach, most households
    first; the GeoPackage has them as layers. It is an internal document.

    Raises
    ------
    StaffError
        If the path ends in neither.
    """
    path = Path(path)
    if path.suffix not in (".gpkg", ".xlsx"):
        raise StaffError(f"{path.name}: stations are written to an .xlsx or a .gpkg file")
    layers = {"stations": siting.stations, "uncovered": siting.uncovered}
    with write_whole(path) as draft:
        if path.suffix == ".gpkg":
            write_layers(layers, draft)
        else:
            sheets = {_SHEETS[name][lang]: _list_lines(layer) for name, layer in layers.items()}
            write_book(sheets, draft, lang)


def _list_lines(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a layer as it is printed: metres whole, and no columns of the computer's."""
    plain = pd.DataFrame(layer.drop(columns=["geometry", "covered"], errors="ignore"))
    metres = [column for column in ("walk", "farthest") if column in plain]
    plain = plain.assign(**{column: plain[column].round().astype("Int64") for column in metres})
    if "existing" in plain:
        plain["existing"] = ["√" if old else "" for old in plain["existing"]]
    return plain.reset_index()


def _name_rows(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Give rows without an id their name as one."""
    rows = settle_words(rows, (key,))
    return rows.assign(**{key: rows[key].where(rows[key] != "", rows["name"])})


def _place_rows(
    path: str | Path,
    rows: pd.DataFrame,
    table: Table,
    crs: Any,
    datum: str,
    findings: list[Finding],
) -> gpd.GeoDataFrame:
    """Give rows their positions and ids, or list every one that can't have them.

    Where the contract asks for a position, a row needs a name as well.
    """
    key = str(table.index)
    placed = place_list(rows, crs, datum)
    if table.placed:
        bare = rows.loc[rows["name"] == "", "name"]
        findings += refuse_rows(table.name, "name", bare, "no name")
        lost = placed.geometry.isna() | placed.geometry.is_empty | (placed.geom_type != "Point")
        nowhere = rows.loc[lost.to_numpy(), "name"]
        findings += refuse_rows(table.name, "position", nowhere, "no position: give 经度 and 纬度")
    refuse_twins(rows, table.name, [key], findings, "the id stands in a row above")
    refuse_list(path, table.name, findings)
    return placed.set_index(key)[[*table.columns, "geometry"]]
