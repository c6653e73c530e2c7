"""The calendar of a rotation as an office keeps it: who is where from when to when, and gaps."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridmap.errors import StaffError
from gridmap.files import write_whole
from gridmap.plan import Plan
from gridmap.staff.case import check_workers_of
from gridmap.staff.gaps import find_gaps
from gridmap.staff.reasons import Language
from gridmap.staff.roster import write_staffing
from gridmap.tables import STAFFING, check_table
from gridmap.workbooks import write_book

_SHEETS: dict[str, dict[Language, str]] = {
    "calendar": {"zh": "轮换日历", "en": "calendar"},
    "months": {"zh": "按月", "en": "by month"},
    "gaps": {"zh": "无人日期", "en": "days without a worker"},
}


def write_rotation(
    plan: Plan,
    calendar: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    path: str | Path,
    *,
    start: date,
    last: date,
    lang: Language = "zh",
) -> None:
    """Write a calendar: .xlsx for the office, .csv for `read_staffing`.

    The workbook has a sheet of the terms of each grid in their order, with the reason for each
    succession; one with a column a month and the names of who is there; and one of the days on
    which a grid, or a share of one, has nobody.

    Parameters
    ----------
    plan, calendar, workers
        The grids, `STAFFING` as `plan_rotation` makes it, and `WORKERS`.
    path : str or Path
        What to write; the file is complete or not there.
    start, last : date
        The days that the workbook tells of; the CSV has every row.
    lang : {"zh", "en"}
        Of headers; reasons are as they stand in the table.

    Raises
    ------
    StaffError
        If the path ends in neither.
    """
    check_table(calendar, STAFFING)
    check_workers_of(plan, workers)
    path = Path(path)
    if path.suffix not in (".csv", ".xlsx"):
        raise StaffError(f"{path.name}: a calendar is an .xlsx or a .csv file")
    if path.suffix == ".csv":
        write_staffing(calendar, path)
        return
    terms = _list_terms(plan, calendar, workers, start, last)
    sheets = {
        "calendar": terms,
        "months": _list_months(terms, start, last),
        "gaps": _list_gaps(plan, calendar, start, last),
    }
    with write_whole(path) as draft:
        write_book({_SHEETS[name][lang]: sheet for name, sheet in sheets.items()}, draft, lang)


def _list_terms(
    plan: Plan, calendar: pd.DataFrame, workers: gpd.GeoDataFrame, start: date, last: date
) -> pd.DataFrame:
    """List the primary workers of these days, grid by grid; who is not there has a row, too."""
    rows = calendar[calendar["role"] == "primary"]
    rows = rows[rows["ends"].isna() | (rows["ends"] >= pd.Timestamp(start))]
    rows = rows[rows["starts"] <= pd.Timestamp(last)].sort_values(["grid_code", "starts"])
    table = pd.DataFrame(rows[["grid_code"]])
    table["grid"] = rows["grid_code"].map(plan.grids["name"]).fillna("")
    table["worker_id"] = rows["worker_id"]
    table["worker"] = rows["worker_id"].map(workers["name"]).fillna(rows["worker_id"])
    table["home_unit"] = rows["worker_id"].map(workers["home_unit"]).fillna("")
    table["starts"], table["ends"] = rows["starts"].dt.date, rows["ends"].dt.date
    table["households"], table["reason"] = rows["households"], rows["reason"]
    return table.reset_index(drop=True)


def _list_months(terms: pd.DataFrame, start: date, last: date) -> pd.DataFrame:
    """Name who is in each grid in each month, in the order in which they come; — is nobody."""
    table = terms[["grid_code", "grid"]].drop_duplicates("grid_code").set_index("grid_code")
    names = terms["worker"].where(terms["worker"] != "", "—")
    first, final = pd.to_datetime(terms["starts"]), pd.to_datetime(terms["ends"])
    for month in pd.period_range(start, last, freq="M"):
        there = (first <= month.end_time) & (final.isna() | (final >= month.start_time))
        told = names[there].groupby(terms["grid_code"]).agg("、".join)
        table[str(month)] = told.reindex(table.index).fillna("—")
    return table.reset_index()


def _list_gaps(plan: Plan, calendar: pd.DataFrame, start: date, last: date) -> pd.DataFrame:
    gaps = find_gaps(plan, calendar, start, last)
    days = {name: gaps[name].dt.date for name in ("starts", "ends")}
    table = gaps.assign(**days)
    table.insert(1, "grid", gaps["grid_code"].map(plan.grids["name"]))
    return table
