"""Rosters: one row a grid with what an office knows of it, in and out of Excel and CSV.

Codes stay text in both. A cell that Excel would take for a formula is text too, whatever it holds.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gridmap.errors import TableError
from gridmap.files import write_whole
from gridmap.measure import measure
from gridmap.plan import Plan
from gridmap.reading.layers import convert_numbers, read_csv
from gridmap.reading.sheets import list_sheets, read_sheet
from gridmap.tables import list_some
from gridmap.words import check_language, find_columns, name_column
from gridmap.workbooks import list_lines, write_book

#: What a spreadsheet takes for the begin of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Numbers from here on lose digits, or are shown as 2.1E+14, in a spreadsheet.
_LONG = 12


def make_roster(plan: Plan, *, min_cell: int = 0) -> pd.DataFrame:
    """List the grids of a plan with what is printed of them.

    Parameters
    ----------
    plan : Plan
        The plan.
    min_cell : int
        Household counts below it are hidden, and the deviation with them; what leaves the house
        passes ``plan.rules.min_cell``.

    Returns
    -------
    DataFrame
        Index grid_code; ``name``, ``grid_type``, ``street``, ``community``, ``households`` (missing
        where hidden), ``target``, ``deviation`` (a share of the target), ``buildings``, ``area``
        (m²), ``perimeter`` (m).
    """
    measures = measure(plan)
    places = plan.city.communities.loc[measures["community_id"], ["street", "name"]]
    told = measures["households"] >= min_cell
    return pd.DataFrame(
        {
            "name": measures["name"],
            "grid_type": measures["grid_type"],
            "street": places["street"].to_numpy(),
            "community": places["name"].to_numpy(),
            "households": measures["households"].astype("Int64").where(told),
            "target": measures["target"].round().astype("int64"),
            "deviation": measures["deviation"].where(told),
            "buildings": measures["buildings"],
            "area": measures["area"].round().astype("int64"),
            "perimeter": measures["perimeter"].round().astype("int64"),
        },
        index=measures.index,
    )


def gather_columns(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Bring a table by grid code to one row a grid, in the plan's order.

    Parameters
    ----------
    table : DataFrame
        With ``grid_code`` as index or column and any number of rows a grid: a staffing, a list of
        branches. Geometry is left out.
    plan : Plan
        The plan whose grids it is about.

    Returns
    -------
    DataFrame
        The other columns. Several different texts of a grid are joined by 、 and several numbers
        too; a grid without rows has missing values.

    Raises
    ------
    TableError
        If there is no ``grid_code``, or a code is none of the plan's.
    """
    rows = _by_grid(table, plan)
    if rows.index.is_unique:
        return rows.reindex(plan.grids.index)
    gathered = rows.groupby(level=0).agg(_join_values)
    return gathered.reindex(plan.grids.index)


def write_roster(
    plan: Plan,
    path: str | Path,
    *,
    table: pd.DataFrame | None = None,
    lang: str = "zh",
) -> None:
    """Write the grids of a plan, and a table about them, for Excel; for internal use.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : path
        ``.xlsx``: codes as text, the header stays in sight, columns as wide as what they hold, a
        filter on each. ``.csv``: UTF-8 with a byte order mark, codes written ``="2108…"`` so that
        Excel and WPS keep them as text; `read_roster` reads both.
    table : DataFrame, optional
        With ``grid_code`` as index or column: workers, branches. Its columns follow those of the
        grid; a grid with several rows is there once for each, a grid without is there once.
    lang : {"zh", "en"}
        Language of the header; columns that are not gridmap's keep their name.

    Raises
    ------
    TableError
        If the table has no ``grid_code`` or names a grid that the plan does not have, or the suffix
        is another. Nothing is written then.
    """
    check_language(lang)
    roster = make_roster(plan)
    if table is not None:
        rows = _by_grid(table, plan)
        roster = roster.join(rows.drop(columns=roster.columns, errors="ignore"))
    with write_whole(path) as draft:
        write_sheet(roster.reset_index(), draft, lang)


def write_sheet(table: pd.DataFrame, path: Path, lang: str) -> None:
    """Write any table for Excel, as `write_roster` does.

    Parameters
    ----------
    table : DataFrame
        Without geometry; ``deviation`` is a share and becomes per cent.
    path : Path
        ``.xlsx`` or ``.csv``.
    lang : {"zh", "en"}
        Language of the header.

    Raises
    ------
    TableError
        If the suffix is another.
    """
    if path.suffix.lower() == ".xlsx":
        write_book({"grids": table}, path, lang)
    elif path.suffix.lower() == ".csv":
        _write_csv(list_lines(table, lang), path)
    else:
        raise TableError(f"{path.name} ends in {path.suffix or 'nothing'}; use .xlsx or .csv")


def read_roster(path: str | Path) -> pd.DataFrame:
    """Read a table by grid code from Excel or CSV, such as a list of workers.

    Parameters
    ----------
    path : path
        ``.xlsx`` (its first sheet) or ``.csv`` in UTF-8, GBK or GB18030, with a column 网格编码 or
        ``grid_code``; names that `write_roster` gives are understood in both languages.

    Returns
    -------
    DataFrame
        Index grid_code; columns under gridmap's names where they have one.

    Raises
    ------
    TableError
        If no column holds grid codes, or a row has none.
    """
    path = Path(path)
    known = [name for column in ("grid_code", "name") for name in _spellings(column)]
    if path.suffix.lower() == ".xlsx":
        frame = read_sheet(path, list_sheets(path)[0], known).apply(convert_numbers)
    else:
        frame = read_csv(path).map(undress)
    names = {column: (find_columns(str(column)) or [column])[0] for column in frame.columns}
    frame = frame.rename(columns=names)
    if "grid_code" not in frame.columns:
        raise TableError(
            f"{path.name}: no column of grid codes among {list_some(frame.columns)}; "
            "call it 网格编码 or grid_code"
        )
    bare = frame.index[frame["grid_code"].isna()]
    if len(bare):
        raise TableError(f"{path.name}: no grid code in rows {list_some(bare + 1)}")
    return frame.set_index(frame["grid_code"].astype("str")).drop(columns="grid_code")


def _by_grid(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return the table with its codes as index and without geometry; refuse unknown codes."""
    if table.index.name != "grid_code":
        if "grid_code" not in table.columns:
            raise TableError(
                f"the table has no 'grid_code', only {list_some(table.columns)}; set it as index"
            )
        table = table.set_index("grid_code")
    rows = pd.DataFrame(table).drop(columns="geometry", errors="ignore")
    strange = rows.index[~rows.index.isin(plan.grids.index)].unique()
    if len(strange):
        raise TableError(
            f"grids {list_some(strange)} are not in the plan; codes are text of 15 digits"
        )
    return rows


def _join_values(values: pd.Series) -> Any:
    """Return the one value of a grid, or all that it has, each once and in their order."""
    different = values.dropna().drop_duplicates()
    if len(different) < 2:
        return different.iloc[0] if len(different) else None
    return "、".join(map(str, different))


def _write_csv(lines: Sequence[Sequence[Any]], path: Path) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerows([_dress(value) for value in line] for line in lines)


def _dress(value: Any) -> Any:
    """Write a text so that a spreadsheet keeps it: codes as ="…", formulas behind an apostrophe."""
    if not isinstance(value, str):
        return value
    if len(value) >= _LONG and value.isdecimal():
        return f'="{value}"'
    if value.startswith(_FORMULA) or (value.isdecimal() and value.startswith("0")):
        return f"'{value}" if value.startswith(_FORMULA) else f'="{value}"'
    return value


def undress(value: Any) -> Any:
    """Take a code out of ="…", and the apostrophe off: a cell of CSV as it was before."""
    if not isinstance(value, str):
        return value
    if value.startswith('="') and value.endswith('"'):
        return value[2:-1]
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA) else value


def _spellings(column: str) -> tuple[str, ...]:
    return (column, name_column(column, "zh"), name_column(column, "en"))
