"""Lists that an office keeps, as tables: members, liaisons, contact points, visits.

A list is a CSV file or a sheet of a workbook; its columns are recognised by their names, English or
Chinese. Every function takes the rows as they were read (index: "row 7" of the file) and adds what
is wrong to a list of findings, row by row: nothing is dropped in silence.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap.datum import shift_frame
from gridmap.errors import StaffError, TableError
from gridmap.reading.columns import take_column, to_text
from gridmap.reading.findings import CityReport, Finding, find_rows
from gridmap.reading.layers import SHORTENED, Source, find_column, list_layers, read_layer

#: Column -> the names that it is recognised by, best first.
Names = Mapping[str, tuple[str, ...]]
#: What offices write behind a count.
_COUNTERS = re.compile(r"[人名户戶个個次]$")
_WHOLE = re.compile(r"[+-]?\d+(\.0+)?")
#: A row that adds up others.
_TOTAL = re.compile(r"(合计|总计|小计|共计)[:：]?")


def read_list(
    path: str | Path, names: Names, needed: Iterable[str], *, sheet: str | None = None
) -> pd.DataFrame:
    """Read the columns of a list that are recognised, every value as text.

    Parameters
    ----------
    path : str or Path
        A file that `gridmap.reading.layers.list_layers` opens.
    names : mapping
        Column -> names that it may have in the file, best first.
    needed : iterable of str
        Columns without which the list is none.
    sheet : str, optional
        The sheet of the workbook, or the layer; by default the first that has the needed columns.

    Returns
    -------
    DataFrame
        Index "row 2" (as the file counts, its header in row 1), the columns of ``names`` that are
        there, "" where a cell is empty, in the order of ``names``. Rows of sums (合计 …) are left
        out. The positions of the file, where it has any, stand in ``geometry``.

    Raises
    ------
    TableError
        If the file can't be read, or no sheet has the needed columns.
    """
    needed, tried = list(needed), []
    known = [name for some in names.values() for name in some]
    for source in _choose_sheets(path, sheet):
        frame = read_layer(source, known, lists=True).frame
        found = {column: find_column(frame.columns, some) for column, some in names.items()}
        missing = [column for column in needed if found[column] is None]
        if not missing:
            return _take_rows(frame, found)
        hints = "; ".join(f"{column} ({', '.join(names[column][:4])} …)" for column in missing)
        tried.append(f"{source.name} has no column {hints}")
    raise TableError(f"{Path(path).name}: {'; '.join(tried) or 'it holds no rows'}")


def read_sheets(path: str | Path, names: Names) -> pd.DataFrame:
    """Read every sheet of a list that people keep in several, as `read_list` reads one.

    Parameters
    ----------
    path : str or Path
        A file that `gridmap.reading.layers.list_layers` opens.
    names : mapping
        Column -> names that it may have in the file, best first; none is needed.

    Returns
    -------
    DataFrame
        As `read_list` gives it, but that rows are named "sheet:2". Positions of all sheets are in
        one CRS, degrees where any sheet has them so.

    Raises
    ------
    TableError
        If the file can't be read.
    """
    known = [name for some in names.values() for name in some]
    layers = [read_layer(source, known, lists=True) for source in list_layers(path, plain=True)]
    parts = [
        _take_rows(
            layer.frame,
            {column: find_column(layer.frame.columns, some) for column, some in names.items()},
            f"{layer.name}:",
        )
        for layer in layers
    ]
    if not parts:
        return pd.DataFrame()
    rows = pd.concat([part.drop(columns="geometry", errors="ignore") for part in parts]).fillna("")
    placed = [gpd.GeoSeries(part["geometry"]) for part in parts if "geometry" in part]
    if not placed:
        return rows
    if len({str(points.crs) for points in placed}) > 1:
        placed = [points.to_crs(4326) for points in placed]
    points = gpd.GeoSeries(pd.concat(placed))
    return rows.assign(geometry=points.reindex(rows.index))


def settle_counts(
    frame: pd.DataFrame, table: str, columns: Sequence[str], findings: list[Finding]
) -> pd.DataFrame:
    """Make whole numbers from 0 up of columns of text; an empty cell, or no such column, is 0."""
    for column in columns:
        texts = frame.get(column, pd.Series("", frame.index, dtype="str"))
        plain = texts.str.replace(",", "").str.replace(_COUNTERS, "", regex=True).str.strip()
        whole = plain.str.fullmatch(_WHOLE)
        numbers = pd.to_numeric(plain.where(whole), errors="coerce").fillna(0).astype("int64")
        strange = (texts != "") & ~whole
        findings += refuse_rows(table, column, texts[strange], "not a whole number")
        findings += refuse_rows(table, column, texts[numbers < 0], "below 0")
        frame = frame.assign(**{column: numbers})
    return frame


def settle_words(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Add columns of text that the list does not have, empty."""
    missing = {column: "" for column in columns if column not in frame}
    return frame.assign(**missing).astype(dict.fromkeys(missing, "str"))


def settle_days(
    frame: pd.DataFrame,
    table: str,
    column: str,
    findings: list[Finding],
    *,
    blank: Sequence[str] = (),
) -> pd.DataFrame:
    """Make days of texts such as 2026-03-01, 2026/3/1, 20260301 or 2026年3月1日.

    Words of ``blank``, such as 长期, are no day and no mistake.
    """
    texts = frame[column].str.strip()
    plain = texts.str.replace(r"[年月/.]", "-", regex=True).str.replace("日", "")
    plain = plain.str.replace(r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3", regex=True)
    days = pd.to_datetime(plain.str.split(" ").str[0], format="%Y-%m-%d", errors="coerce")
    strange = days.isna() & ~texts.isin(blank)
    findings += refuse_rows(table, column, texts[strange], "not a day such as 2026-03-01")
    return frame.assign(**{column: days.astype("datetime64[s]")})


def refuse_unknown(
    frame: pd.DataFrame,
    table: str,
    column: str,
    known: Iterable[str],
    findings: list[Finding],
    *,
    what: str,
) -> None:
    """Find the rows whose value is none of ``known``, and the codes that Excel cut short."""
    texts = frame[column]
    short = texts.str.fullmatch(SHORTENED)
    problem = "Excel cut this code short: keep the column as text, and fill it in again"
    findings += refuse_rows(table, column, texts[short], problem)
    findings += refuse_rows(
        table, column, texts[~short & ~texts.isin(list(known))], f"no such {what}"
    )


def refuse_twins(
    frame: pd.DataFrame, table: str, columns: Sequence[str], findings: list[Finding], problem: str
) -> None:
    """Find the rows that say again what a row before them says."""
    again = frame[frame.duplicated(list(columns))]
    values = [" ".join(map(str, row)) for row in again[list(columns)].itertuples(index=False)]
    findings += find_rows(
        *(table, again.index, ", ".join(columns), values), problem=problem, action="refused"
    )


def refuse_list(path: str | Path, subject: str, findings: Sequence[Finding]) -> None:
    """Raise one error with every row that was refused; else do nothing.

    Raises
    ------
    StaffError
        With the report, which lists every row.
    """
    if any(found.action == "refused" for found in findings):
        report = CityReport(tuple(findings), subject=subject)
        raise StaffError(f"{Path(path).name}: {report.to_text(most=20)}", report)


def place_list(frame: pd.DataFrame, crs: Any, datum: str) -> gpd.GeoDataFrame:
    """Give a list the positions of its file in a metric CRS; rows without one have none.

    Parameters
    ----------
    frame : DataFrame
        As `read_list` gives it; without ``geometry`` no row has a position.
    crs : any
        The CRS of the city.
    datum : str
        Datum of degrees in the file.
    """
    shapes = frame.get("geometry")
    if shapes is None or shapes.isna().all():
        nowhere = gpd.GeoSeries([None] * len(frame), frame.index, crs=crs)
        return gpd.GeoDataFrame(frame.drop(columns="geometry", errors="ignore"), geometry=nowhere)
    placed = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes))
    if placed.crs is None or placed.crs.is_projected:
        return placed.set_crs(crs) if placed.crs is None else placed.to_crs(crs)
    return shift_frame(placed, datum).to_crs(crs)


def _choose_sheets(path: str | Path, sheet: str | None) -> tuple[Source, ...]:
    """List the sheets to look into."""
    sources = list_layers(path, plain=True)
    chosen = tuple(one for one in sources if sheet in (None, one.part, one.name))
    if not chosen:
        names = ", ".join(one.part or one.name for one in sources)
        raise TableError(f"{Path(path).name}: no sheet {sheet!r}; there are {names}")
    return chosen


def _take_rows(
    frame: pd.DataFrame, found: Mapping[str, str | None], before: str = "row "
) -> pd.DataFrame:
    """Take the columns that were found, as text, without rows of sums and empty ones."""
    columns = {
        column: to_text(take_column(frame, name))
        for column, name in found.items()
        if name is not None
    }
    rows = [f"{before}{at + 2}" for at in range(len(frame))]
    if not isinstance(frame.index, pd.RangeIndex):  # of a sheet: its own row numbers
        rows = [f"{before}{at + 1}" for at in frame.index]
    texts = pd.DataFrame(columns)
    sums = texts.apply(lambda cells: cells.str.fullmatch(_TOTAL)).any(axis=1)
    kept = ~sums & (texts != "").any(axis=1)
    taken = texts.set_axis(rows, axis=0)
    if frame.geometry.notna().any():
        taken["geometry"] = gpd.GeoSeries(frame.geometry.to_numpy(), taken.index, crs=frame.crs)
    return taken[kept.to_numpy()]


def refuse_rows(table: str, column: str, values: pd.Series, problem: str) -> list[Finding]:
    """Refuse the rows of some values."""
    return find_rows(table, values.index, column, values, problem=problem, action="refused")
