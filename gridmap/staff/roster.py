"""Who serves each grid on a day as a table, and the staffing as a file."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridmap.days import today_in_china
from gridmap.files import write_whole
from gridmap.plan import Plan
from gridmap.reading.columns import to_text
from gridmap.reading.layers import read_csv
from gridmap.staff.case import check_workers_of
from gridmap.staff.posts import posts_on
from gridmap.tables import OLD_BINDINGS, STAFFING, check_table, duties_on

#: What is told of a grid's worker.
_OF_WORKERS = ("name", "kind", "home_unit", "phone", "capacity", "limit")


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
    rows = duties_on(staffing, on or today_in_china())
    first = _pick_first(rows).reindex(plan.grids.index)
    who = first["worker_id"].fillna("")
    told = {column: who.map(workers[column]) for column in _OF_WORKERS}
    grids, communities = plan.grids, plan.city.communities["name"]
    frame = pd.DataFrame({"grid": grids["name"]})
    frame["community"] = grids["community_id"].map(communities)
    frame["households"], frame["worker_id"] = grids["households"], who
    frame["worker"] = told["name"].fillna("")
    for column in ("kind", "home_unit", "phone"):
        frame[column] = told[column].fillna("")
    frame["starts"], frame["ends"] = first["starts"], first["ends"]
    frame["load"] = first["load"].fillna(0).astype("int64")
    for column in ("capacity", "limit"):
        frame[column] = told[column].fillna(0).astype("int64")
    frame["walk"] = first["walk"].where(who != "")
    frame["deputies"] = _name_deputies(rows, workers).reindex(frame.index).fillna("")
    frame["others"] = _name_others(plan, staffing, workers, on).reindex(frame.index).fillna("")
    return frame.assign(reason=first["reason"].fillna(""))


def _pick_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the primary row of each grid that came first; one without a worker comes last."""
    primary = rows[rows["role"] == "primary"]
    empty = (primary["worker_id"] == "").astype("int64")
    primary = primary.assign(empty=empty).sort_values(["grid_code", "empty", "starts"])
    return primary.drop_duplicates("grid_code").set_index("grid_code")


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
    posts = posts_on(plan, staffing, on or today_in_china())
    others = posts[posts["grid_code"].duplicated()]
    names = others["worker_id"].map(workers["name"]).fillna(others["worker_id"]).replace("", "—")
    told = names + " " + others["households"].astype("str")
    return told.groupby(others["grid_code"]).agg("、".join)
