"""Rosters: who serves each grid on a day, as a table, an Excel workbook or a GeoPackage."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from gridmap.columns import to_text
from gridmap.errors import StaffError
from gridmap.layers import read_csv
from gridmap.plan import Plan
from gridmap.staff.case import check_workers_of, keep_present
from gridmap.staff.reasons import Language
from gridmap.tables import STAFFING, check_table

#: Column -> its title.
_TITLES: dict[str, dict[Language, str]] = {
    "grid_code": {"zh": "网格编码", "en": "grid code"},
    "grid": {"zh": "网格", "en": "grid"},
    "community": {"zh": "社区", "en": "community"},
    "households": {"zh": "户数", "en": "households"},
    "worker_id": {"zh": "网格员编号", "en": "worker id"},
    "worker": {"zh": "网格员", "en": "worker"},
    "kind": {"zh": "类别", "en": "kind"},
    "home_unit": {"zh": "派出单位", "en": "home unit"},
    "phone": {"zh": "办公电话", "en": "office phone"},
    "starts": {"zh": "到岗日期", "en": "from"},
    "ends": {"zh": "离岗日期", "en": "to"},
    "load": {"zh": "承担户数", "en": "load"},
    "capacity": {"zh": "常规户数", "en": "usual load"},
    "limit": {"zh": "户数上限", "en": "limit"},
    "walk": {"zh": "步行（米）", "en": "walk (m)"},
    "deputies": {"zh": "代管人", "en": "deputies"},
    "reason": {"zh": "理由", "en": "reason"},
    "grids": {"zh": "负责网格", "en": "grids"},
}
_KINDS: dict[str, dict[Language, str]] = {
    "community": {"zh": "社区工作者", "en": "community worker"},
    "cadre": {"zh": "轮换干部", "en": "cadre"},
    "recruit": {"zh": "专职网格员", "en": "recruit"},
    "part_time": {"zh": "兼职网格员", "en": "part-timer"},
    "": {"zh": "", "en": ""},
}
_SHEETS: dict[str, dict[Language, str]] = {
    "duties": {"zh": "网格名册", "en": "grids"},
    "open": {"zh": "空缺与兼管", "en": "vacant and doubled"},
    "workers": {"zh": "人员", "en": "workers"},
}


def list_duties(
    plan: Plan,
    staffing: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    *,
    on: date | None = None,
) -> pd.DataFrame:
    """List each grid with its primary worker and its deputies on a day.

    Returns
    -------
    DataFrame
        Index grid_code, every grid once: ``grid`` and ``community`` (names), ``households``,
        ``worker_id``, ``worker`` (name), ``kind``, ``home_unit``, ``phone``, ``starts``, ``ends``,
        ``load``, ``capacity``, ``limit``, ``walk``, ``deputies`` (names), ``reason``. During a
        hand-over the one who came first. A vacant grid has "" and 0, and the reason for it.
    """
    check_table(staffing, STAFFING)
    check_workers_of(plan, workers)
    rows = _rows_on(staffing, on or date.today())
    order = {True: 1, False: 0}
    primary = rows[rows["role"] == "primary"]
    empty = (primary["worker_id"] == "").map(order)
    primary = primary.assign(empty=empty).sort_values(["grid_code", "empty", "starts"])
    first = primary.drop_duplicates("grid_code").set_index("grid_code").reindex(plan.grids.index)
    who = first["worker_id"].fillna("")
    frame = pd.DataFrame(index=plan.grids.index)
    frame["grid"] = plan.grids["name"]
    frame["community"] = plan.grids["community_id"].map(plan.city.communities["name"])
    frame["households"] = plan.grids["households"]
    frame["worker_id"] = who
    frame["worker"] = who.map(workers["name"]).fillna("")
    for column in ("kind", "home_unit", "phone"):
        frame[column] = who.map(workers[column]).fillna("")
    frame["starts"], frame["ends"] = first["starts"], first["ends"]
    frame["load"] = first["load"].fillna(0).astype("int64")
    for column in ("capacity", "limit"):
        frame[column] = who.map(workers[column]).fillna(0).astype("int64")
    frame["walk"] = first["walk"].where(who != "")
    frame["deputies"] = _name_deputies(rows, workers).reindex(frame.index).fillna("")
    frame["reason"] = first["reason"].fillna("")
    return frame


def list_contacts(
    plan: Plan, staffing: pd.DataFrame, workers: gpd.GeoDataFrame, *, on: date | None = None
) -> pd.DataFrame:
    """List what is posted in public of each grid: code, name, the worker's name, office phone.

    Returns
    -------
    DataFrame
        Index grid_code; ``grid``, ``worker``, ``phone``, and nothing else.
    """
    return list_duties(plan, staffing, workers, on=on)[["grid", "worker", "phone"]]


def write_roster(
    plan: Plan,
    staffing: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    path: str | Path,
    *,
    on: date | None = None,
    language: Language = "zh",
) -> None:
    """Write the roster of a day: .xlsx for the office, .gpkg for a GIS.

    The workbook has a sheet of all grids, one of those that are vacant or share a worker, and one
    of the workers with their grids; codes are text. The GeoPackage has the layer ``staffing``, the
    grids with the same columns. It is an internal document: `list_contacts` is what may be posted.

    Raises
    ------
    StaffError
        If the path ends in neither.
    """
    path = Path(path)
    duties = list_duties(plan, staffing, workers, on=on)
    draft = path.with_name(f".{path.stem}.part{path.suffix}")
    if path.suffix == ".gpkg":
        shapes = gpd.GeoDataFrame(duties, geometry=plan.grids.geometry)
        shapes.to_file(draft, layer="staffing", index=True)
    elif path.suffix == ".xlsx":
        there = keep_present(workers, on or date.today())
        _make_book(duties, there, language).save(draft)
    else:
        raise StaffError(f"{path.name}: a roster is an .xlsx or a .gpkg file")
    draft.replace(path)  # the file is complete or not there


def write_staffing(staffing: pd.DataFrame, path: str | Path) -> None:
    """Write `STAFFING` as a CSV that Excel opens right and `read_staffing` reads back.

    The file is complete or not there.
    """
    check_table(staffing, STAFFING)
    path = Path(path)
    draft = path.with_name(f".{path.name}.part")
    staffing.to_csv(draft, index=False, encoding="utf-8-sig", date_format="%Y-%m-%d")
    draft.replace(path)


def read_staffing(path: str | Path) -> pd.DataFrame:
    """Read what `write_staffing` wrote.

    Raises
    ------
    TableError
        If the file can't be read or is no such table.
    """
    frame = read_csv(path).reindex(columns=list(STAFFING.columns))
    text = [name for name, kind in STAFFING.columns.items() if kind == "O"]
    frame[text] = frame[text].apply(to_text)
    for name in ("starts", "ends"):
        frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d").astype("datetime64[s]")
    floats = {name: "float64" for name, kind in STAFFING.columns.items() if kind == "f"}
    staffing = frame.astype({**floats, **dict.fromkeys(text, "str")})
    check_table(staffing, STAFFING)
    return staffing


def _rows_on(staffing: pd.DataFrame, day: date) -> pd.DataFrame:
    at = pd.Timestamp(day)
    return staffing[
        (staffing["starts"] <= at) & (staffing["ends"].isna() | (staffing["ends"] >= at))
    ]


def _name_deputies(rows: pd.DataFrame, workers: gpd.GeoDataFrame) -> pd.Series:
    deputies = rows[(rows["role"] == "deputy") & (rows["worker_id"] != "")]
    names = deputies["worker_id"].map(workers["name"]).fillna(deputies["worker_id"])
    return names.groupby(deputies["grid_code"]).agg("、".join)


def _make_book(duties: pd.DataFrame, workers: gpd.GeoDataFrame, language: Language) -> Workbook:
    """Make the workbook of a roster."""
    book = Workbook()
    book.remove(book.active)
    table = duties.rename_axis("grid_code").reset_index()
    table["kind"] = [_KINDS[kind][language] for kind in table["kind"]]
    many = table["worker_id"].map(table["worker_id"].value_counts()) > 1
    _add_sheet(book, table, "duties", language)
    _add_sheet(book, table[(table["worker_id"] == "") | many], "open", language)
    _add_sheet(book, _list_people(duties, workers, language), "workers", language)
    return book


def _list_people(
    duties: pd.DataFrame, workers: gpd.GeoDataFrame, language: Language
) -> pd.DataFrame:
    """List the workers with their grids, those without any too."""
    names = duties["grid"].groupby(duties["worker_id"]).agg("、".join)
    load = duties["households"].groupby(duties["worker_id"]).sum()
    frame = pd.DataFrame(index=workers.index)
    frame["worker_id"], frame["worker"] = workers.index, workers["name"]
    frame["kind"] = [_KINDS[kind][language] for kind in workers["kind"]]
    frame["home_unit"], frame["phone"] = workers["home_unit"], workers["phone"]
    frame["load"] = load.reindex(workers.index).fillna(0).astype("int64")
    frame["capacity"], frame["limit"] = workers["capacity"], workers["limit"]
    frame["grids"] = names.reindex(workers.index).fillna("")
    return frame


def _add_sheet(book: Workbook, frame: pd.DataFrame, sheet: str, language: Language) -> None:
    """Add a table as a sheet: a bold header that stays, widths by content, text as text."""
    page = book.create_sheet(_SHEETS[sheet][language])
    page.append([_TITLES[column][language] for column in frame.columns])
    for row in frame.itertuples(index=False):
        _append_row(page, row)
    for cell in page[1]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(vertical="top")
    page.freeze_panes = "C2"
    page.auto_filter.ref = page.dimensions
    for at, column in enumerate(frame.columns, start=1):
        texts = [_TITLES[column][language], *map(str, frame[column].head(200))]
        width = max(sum(2 if ord(letter) > 255 else 1 for letter in text) for text in texts)
        page.column_dimensions[get_column_letter(at)].width = min(max(width + 2, 8), 60)


def _append_row(page: Any, row: Iterable[Any]) -> None:
    """Append a row; text that begins with = is text, not a formula."""
    page.append([_plain(value) for value in row])
    for cell in page[page.max_row]:
        if isinstance(cell.value, str):
            cell.data_type = "s"


def _plain(value: Any) -> Any:
    """Return a value as Excel keeps it."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date()
    if isinstance(value, np.floating | float):
        return round(float(value))
    return value.item() if isinstance(value, np.generic) else value
