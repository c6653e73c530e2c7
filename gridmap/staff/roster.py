"""Who serves each grid on a day as a table; the staffing as a file; rounds to print."""

import re
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridmap.errors import StaffError
from gridmap.files import write_whole
from gridmap.plan import Plan
from gridmap.reading.columns import to_text
from gridmap.reading.layers import read_csv
from gridmap.staff.case import check_workers_of
from gridmap.staff.posts import posts_on
from gridmap.staff.reasons import Language
from gridmap.tables import OLD_BINDINGS, PATROLS, STAFFING, check_table, duties_on
from gridmap.workbooks import write_book

_SHEETS: dict[str, dict[Language, str]] = {
    "days": {"zh": "走访日程", "en": "days"},
}

_NO_SHEET = re.compile(r"[][:*?/\\]")
#: Workers whose rounds are printed into one workbook.
_MOST_SHEETS = 200


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
        ``load``, ``capacity``, ``limit``, ``walk``, ``deputies`` (names), ``others`` (who has
        the other shares of a grid that is shared, with their households; — where nobody has one),
        ``reason``. During a hand-over the one who came first. A vacant grid has "" and 0, and the
        reason for it.
    """
    check_table(staffing, STAFFING)
    check_workers_of(plan, workers)
    rows = duties_on(staffing, on or date.today())
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
    frame["others"] = _name_others(plan, staffing, workers, on).reindex(frame.index).fillna("")
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


def write_patrols(
    patrols: gpd.GeoDataFrame,
    workers: gpd.GeoDataFrame,
    path: str | Path,
    *,
    lang: Language = "zh",
) -> None:
    """Write rounds to print: an .xlsx with a sheet for each worker, after one with all days.

    Each line is a stop, in order: the day, the way to it, when he is there and how long he stays,
    and a box to tick. Stops in no round stand at the end with the reason.

    Raises
    ------
    StaffError
        If the path does not end in .xlsx, or there are more than 200 workers: print fewer.
    """
    check_table(patrols, PATROLS)
    path = Path(path)
    if path.suffix != ".xlsx":
        raise StaffError(f"{path.name}: rounds to print are an .xlsx file")
    people = patrols["worker_id"].nunique()
    if people > _MOST_SHEETS:
        raise StaffError(f"rounds of {people} workers: print those of {_MOST_SHEETS} at a time")
    names = patrols["worker_id"].map(workers["name"]).fillna("")
    sheets = {_SHEETS["days"][lang]: _list_days(patrols.assign(worker=names))}
    for number, (who, legs) in enumerate(patrols.groupby("worker_id", sort=True), start=1):
        sheets[_name_sheet(number, str(names[legs.index[0]]) or str(who))] = _list_stops(legs)
    with write_whole(path) as draft:
        write_book(sheets, draft, lang)


def _list_days(patrols: pd.DataFrame) -> pd.DataFrame:
    """Add up each day of each worker: stops, metres, minutes; day 0 is what is in no round."""
    at = patrols.assign(
        stops=(patrols["stop_id"] != "").astype("int64"), end=patrols["arrive"] + patrols["minutes"]
    )
    days = at.groupby(["worker_id", "worker", "day"], sort=True, as_index=False).agg(
        stops=("stops", "sum"), walk=("walk", "sum"), spent=("end", "max")
    )
    return days.assign(walk=days["walk"].round().astype("Int64"), spent=days["spent"].round(0))


def _list_stops(legs: pd.DataFrame) -> pd.DataFrame:
    """Return one worker's stops as they are printed."""
    last = legs["day"] == 0
    lines = pd.concat([legs[~last].sort_values(["day", "order"]), legs[last]])
    table = pd.DataFrame(lines[["day", "order", "name", "kind", "grid_code"]])
    table["walk"] = lines["walk"].round().astype("Int64")
    table["arrive"] = lines["arrive"].round(0)
    table["minutes"] = lines["minutes"].round(0)
    table["note"] = lines["note"]
    table["done"] = ["□" if stop else "" for stop in lines["stop_id"]]
    return table


def _name_sheet(number: int, name: str) -> str:
    """Name a sheet as Excel allows: 31 characters, and none of its brackets and slashes."""
    plain = _NO_SHEET.sub(" ", name)
    return f"{number} {plain}"[:31].strip()


def write_staffing(staffing: pd.DataFrame, path: str | Path) -> None:
    """Write `STAFFING` as a CSV that Excel opens right and `read_staffing` reads back.

    The file is complete or not there.
    """
    check_table(staffing, STAFFING)
    with write_whole(path) as draft:
        staffing.to_csv(draft, index=False, encoding="utf-8-sig", date_format="%Y-%m-%d")


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
    staffing = staffing.replace({"binding": OLD_BINDINGS})
    check_table(staffing, STAFFING)
    return staffing


def _name_deputies(rows: pd.DataFrame, workers: gpd.GeoDataFrame) -> pd.Series:
    deputies = rows[(rows["role"] == "deputy") & (rows["worker_id"] != "")]
    names = deputies["worker_id"].map(workers["name"]).fillna(deputies["worker_id"])
    return names.groupby(deputies["grid_code"]).agg("、".join)


def _name_others(
    plan: Plan, staffing: pd.DataFrame, workers: gpd.GeoDataFrame, on: date | None
) -> pd.Series:
    """Name who has the second and further shares of each shared grid."""
    posts = posts_on(plan, staffing, on or date.today())
    others = posts[posts["grid_code"].duplicated()]
    names = others["worker_id"].map(workers["name"]).fillna(others["worker_id"]).replace("", "—")
    told = names + " " + others["households"].astype("str")
    return told.groupby(others["grid_code"]).agg("、".join)
