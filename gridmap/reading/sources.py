"""The raw tables of a city: the layers that make them, in one CRS, with the columns they are of.

What the values are worth is seen later, in `attributes` and `repairs`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.crs import is_metric, to_metric
from gridmap.datum import DATUMS, shift_frame
from gridmap.errors import DatumError, TableError
from gridmap.reading.columns import (
    COLUMN_NAMES,
    PLAIN_TABLES,
    ColumnSource,
    Use,
    find_sources,
    missing_columns,
    take_column,
    to_text,
)
from gridmap.reading.findings import Finding, find_rows
from gridmap.reading.layers import SHORTENED, Layer, Source, explain_positions, read_layer

#: The datum of every layer, or of the tables and layers that are named.
Datums = str | Mapping[str, str] | None
#: The tables whose CRS the city may take, first to last.
_LEADERS = ("communities", "boundary", "buildings")
#: The tables that need no positions.
_LISTS = ("buildings", *PLAIN_TABLES)
#: Columns without which a layer is left out, though its name speaks of the table.
_MEANING = {
    "compounds": ("compound_id", "estate_type"),
    "entrances": ("building_id", "households"),
}
#: Text that lost its characters when it was saved in the wrong encoding: U+FFFD, and what UTF-8's
#: U+FFFD twice becomes when read as GBK.
_LOST_TEXT = "\N{REPLACEMENT CHARACTER}|锟斤拷"
#: A row that adds up others, by what is written in one of its cells without spaces: 幸福小区小计.
_TOTAL = r".{0,20}(?P<total>合计|总计|小计|共计)[:：]?"
#: What Excel makes of a building's number such as 3-1.
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}( .*)?"
#: Whole numbers that a float holds exactly end here.
_EXACT = 2.0**53


@dataclass(frozen=True)
class _Opened:
    """A layer that was opened for a use; ``listed`` if it is a list without positions."""

    use: Use
    frame: gpd.GeoDataFrame
    listed: bool


def read_pieces(
    sources: Sequence[Source],
    uses: Sequence[Use],
    datum: Datums,
    findings: list[Finding],
    *,
    counted: bool = True,
) -> dict[str, list[gpd.GeoDataFrame]]:
    """Read the layers that are used, with the columns of their table, in their own CRS.

    Buildings have besides the column ``row``, which names the row in its file, and ``total``: 合计,
    总计, 小计 or 共计 in a row that adds up others, else "". A list of buildings without positions
    is a piece without geometry and CRS. A piece's ``attrs`` say from which ``layer`` it is, in
    which ``datum`` its degrees were read, and whether its axes were ``swapped`` to be on Earth
    (each such row is refused then).

    Parameters
    ----------
    datum : str, mapping or None
        See `check_datums`; what names a layer goes before what names a table, that before the
        columns' mapping, and that before one name for all.
    counted : bool
        Whether a layer of buildings without a column of households is refused; beside a list of
        buildings none is.
    """
    opened = []
    for use in uses:
        found = [source for source in sources if source.name == use.layer]
        if not found:
            names = ", ".join(source.name for source in sources)
            problem = f"no layer of this name; there are {names}"
            findings.append(Finding(use.table, "", "layer", use.layer, problem, "refused"))
        opened += [_open_layer(source, use, datum, findings) for source in found]
    there = [layer for layer in opened if layer is not None]
    listed = any(layer.listed for layer in there if layer.use.table == "buildings")
    pieces: dict[str, list[gpd.GeoDataFrame]] = {}
    for layer in there:
        needed = counted and layer.use.table == "buildings" and (layer.listed or not listed)
        piece = _take_columns(layer, findings, ["households"] if needed else [])
        if piece is not None:
            pieces.setdefault(layer.use.table, []).append(piece)
    return pieces


def _open_layer(source: Source, use: Use, datum: Datums, findings: list[Finding]) -> _Opened | None:
    """Open one layer for (a part of) a table, None if that can't be."""
    names = [name for some in use.names.values() for name in some]
    try:
        layer = read_layer(source, names, lists=use.table in _LISTS)
    except TableError as error:
        findings.append(Finding(use.table, "", "", source.name, str(error), "refused"))
        return None
    if layer.frame.empty:
        action = "refused" if use.table in ("communities", "buildings") else "noted"
        findings.append(Finding(use.table, "", "", source.name, "the layer has no rows", action))
        return None
    if layer.encoding not in ("", "utf-8"):
        problem = f"text is in {layer.encoding}"
        findings.append(Finding(use.table, "", "", layer.source, problem, "noted"))
    if not layer.positions:
        joins = use.table != "buildings" or _can_join(layer, use, findings)
        return _Opened(use, layer.frame, listed=True) if joins else None
    frame = _settle_datum(layer, *_choose_datum(use, datum), findings)
    return None if frame is None else _Opened(use, frame, listed=False)


def _can_join(layer: Layer, use: Use, findings: list[Finding]) -> bool:
    """Refuse a list without compound and number; a sheet that counts nothing is left out."""
    columns = layer.frame.columns.drop("geometry")
    sources = find_sources(use, columns)
    if {"compound_id", "number"} <= sources.keys():
        return True
    if "/" in layer.name and "households" not in sources:
        problem, action = "a sheet without compounds, numbers and households: left out", "noted"
    else:
        problem = (
            f"{explain_positions(columns)}; or two of them compound_id and number (小区, 楼号)"
        )
        problem, action = f"{problem} to join the rows to footprints", "refused"
    findings.append(Finding(use.table, "", "", layer.name, problem, action))
    return False


def check_datums(datum: Datums, layers: Iterable[str]) -> None:
    """Check what was given as the datum: one name for all, or a mapping by table or layer.

    Raises
    ------
    DatumError
        If a datum is unknown, or a key is neither a table nor one of ``layers``.
    """
    given = datum if isinstance(datum, Mapping) else {} if datum is None else {"": datum}
    keys = ["", *COLUMN_NAMES, *layers]
    for key, name in given.items():
        if name not in DATUMS:
            raise DatumError(f"no datum {name!r}; there are {', '.join(DATUMS)}")
        if key not in keys:
            there = ", ".join(dict.fromkeys(keys[1:]))
            raise DatumError(f"datum of {key!r}: no such table or layer; there are {there}")


def _choose_datum(use: Use, datum: Datums) -> tuple[str | None, bool]:
    """Return a layer's datum, None if nothing says it, and whether it is named for this one."""
    given = datum if isinstance(datum, Mapping) else {}
    named = given.get(use.layer) or given.get(use.table) or use.datum
    return (named, True) if named else (datum if isinstance(datum, str) else None, False)


def _settle_datum(
    layer: Layer, datum: str | None, named: bool, findings: list[Finding]
) -> gpd.GeoDataFrame | None:
    """Bring degrees to WGS-84; None, with the reason, where it is unknown what they are."""
    frame, crs, name = layer.frame, layer.frame.crs, layer.name
    frame.attrs = {"datum": datum or "wgs84", "swapped": False}
    if crs is not None and crs.is_projected:
        return _settle_projected(layer, datum, named, findings)
    known = crs is not None and crs.is_geographic
    if not known and datum is None:
        problem = "no CRS: name it in the file, or give datum= if the coordinates are degrees"
        findings.append(Finding(name, "", "CRS", crs.name if crs else "", problem, "refused"))
        return None
    if _find_off_earth(frame, name, findings):
        # Each row is refused; if they were only swapped, the rest can be checked all the same.
        frame = _swap_axes(frame)
        if frame is None:
            return None
    if datum is not None:
        return shift_frame(frame, datum)
    if any(word in name.casefold() for word in DATUMS[2:]):
        problem = "the name speaks of a shifted datum, but these degrees are read as WGS-84"
    else:
        problem = "degrees are read as WGS-84 (CGCS2000)"
    problem += ": if they come from AMap, Tencent or Baidu, give datum="
    findings.append(Finding(name, "", "CRS", crs.name, problem, "noted"))
    return frame


def _settle_projected(
    layer: Layer, datum: str | None, named: bool, findings: list[Finding]
) -> gpd.GeoDataFrame | None:
    """Leave a projected layer as it is, but where a shifted datum is named for it itself."""
    frame, crs = layer.frame, layer.frame.crs
    if datum not in ("gcj02", "bd09"):
        return frame
    if not named:
        problem = f"projected, so datum={datum} is not applied"
        findings.append(Finding(layer.name, "", "CRS", crs.name, problem, "noted"))
        frame.attrs["datum"] = "wgs84"
        return frame
    degrees = frame.to_crs("EPSG:4326")
    if _find_off_earth(degrees, layer.name, findings):
        return None
    problem = f"projected from degrees of {datum}, as datum= says: moved to WGS-84"
    findings.append(Finding(layer.name, "", "CRS", crs.name, problem, "noted"))
    return shift_frame(degrees, datum).to_crs(crs)


def _swap_axes(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Exchange longitude and latitude; None where that doesn't bring every row onto Earth."""
    shapes = shapely.transform(frame.geometry.to_numpy(), lambda places: places[:, ::-1])
    if (np.nan_to_num(np.abs(shapely.bounds(shapes))) > (180, 90, 180, 90)).any():
        return None
    swapped = frame.set_geometry(gpd.GeoSeries(shapes, frame.index, crs=frame.crs))
    swapped.attrs["swapped"] = True
    return swapped


def _find_off_earth(frame: gpd.GeoDataFrame, name: str, findings: list[Finding]) -> bool:
    """Report the rows whose coordinates can't be degrees."""
    west, south, east, north = shapely.bounds(frame.geometry.to_numpy()).T
    wrong = (west < -180) | (east > 180) | (south < -90) | (north > 90)
    values = [f"{lon:.6f}, {lat:.6f}" for lon, lat in zip(east[wrong], north[wrong], strict=True)]
    rows = _name_rows(frame.index[wrong])
    problem = "not on Earth: are longitude and latitude swapped, or these no degrees?"
    findings += find_rows(name, rows, "geometry", values, problem=problem, action="refused")
    return bool(wrong.any())


def _name_rows(index: pd.Index) -> list[str]:
    """Name rows as a person counts them in the file."""
    return [f"row {at + 1}" for at in index]


def _take_columns(
    layer: _Opened, findings: list[Finding], needed: Sequence[str]
) -> gpd.GeoDataFrame | None:
    """Take the columns of the table out of a layer, None if one is not there."""
    frame, use = layer.frame, layer.use
    columns = frame.columns.drop("geometry")
    sources = find_sources(use, columns)
    missing = {to: missing_columns(source, columns) for to, source in sources.items()}
    missing |= {to: [to] for to in needed if to not in sources}
    absent = [name for name in _MEANING.get(use.table, ()) if name not in sources]
    if absent:
        problem = f"not read as {use.table}: no such column; name it with columns="
        findings.append(Finding(use.table, "", ", ".join(absent), use.layer, problem, "noted"))
        return None
    listed = ", ".join(map(str, columns))
    problem = f"no such column in layer {use.layer}: name it with columns=; there are {listed}"
    for column, names in missing.items():
        findings += find_rows(
            use.table, [""] * len(names), column, names, problem=problem, action="refused"
        )
    if any(missing.values()):
        return None
    if use.table == "buildings":
        sources = _widen_ids(sources, use, frame)
    taken = {to: take_column(frame, source) for to, source in sources.items()}
    read_from = ", ".join(f"{to} from {source}" for to, source in sources.items())
    problem = f"layer {use.layer} is read as {use.table}"
    findings.append(Finding(use.table, "", "", read_from, problem, "noted"))
    _find_lost_values(taken, use, findings)
    if use.table == "buildings":
        taken["total"] = _find_totals(frame)
        start = f"{use.layer} " if layer.listed else ""
        rows = [start + row for row in _name_rows(frame.index)]
        taken["row"] = pd.Series(rows, frame.index, dtype="str")
    piece = gpd.GeoDataFrame(taken, geometry=frame.geometry, index=frame.index)
    piece.attrs = {**frame.attrs, "layer": use.layer}
    return piece


def _widen_ids(
    sources: Mapping[str, ColumnSource], use: Use, frame: pd.DataFrame
) -> dict[str, ColumnSource]:
    """Add the compound to a number that is to be the id and stands in several compounds."""
    number, compound = sources.get("number"), sources.get("compound_id")
    found = isinstance(number, str) and isinstance(compound, str) and "building_id" in sources
    if not found or "building_id" in use.columns or sources["building_id"] != number:
        return dict(sources)
    numbers = to_text(take_column(frame, str(number)))
    twins = numbers[numbers != ""].duplicated().any()
    return {**sources, "building_id": [str(compound), str(number)]} if twins else dict(sources)


def _find_totals(frame: gpd.GeoDataFrame) -> pd.Series:
    """Say of each row whether it is a total, and of which kind; a row with a place is none."""
    totals = pd.Series("", frame.index, dtype="str")
    nowhere = frame[shapely.is_missing(frame.geometry.to_numpy())].drop(columns="geometry")
    for name in nowhere.columns[[not pd.api.types.is_numeric_dtype(d) for d in nowhere.dtypes]]:
        texts = to_text(nowhere[name]).str.replace(r"\s", "", regex=True)
        kinds = texts.str.extract(f"^{_TOTAL}$")["total"].dropna()
        totals.loc[kinds.index] = kinds.astype("str")
    return totals


def _find_lost_values(taken: Mapping[str, Any], use: Use, findings: list[Finding]) -> None:
    """Report what was damaged before it came here: characters, digits of codes, numbers."""
    for column, values in taken.items():
        texts = to_text(values)
        if pd.api.types.is_float_dtype(values.dtype):
            long = values.abs() >= _EXACT
        else:
            # A community's code is replaced later if it is none, with a finding of its own.
            long = texts.str.fullmatch(SHORTENED) & (column != "code")
        numbers = column in ("building_id", "number", "households", "floors")
        for lost, problem in (
            (
                texts.str.contains(_LOST_TEXT),
                "characters are lost: save the file again from its source, as UTF-8",
            ),
            (
                long,
                "digits are lost, for Excel keeps 15 of a number: type the code into cells that "
                "are formatted as text",
            ),
            (
                texts.str.fullmatch(_DATE) & numbers,
                "Excel made a date of it: type it into cells that are formatted as text",
            ),
        ):
            rows = _name_rows(texts.index[lost])
            findings += find_rows(
                use.table, rows, column, texts[lost], problem=problem, action="refused"
            )


def join_pieces(pieces: Mapping[str, list[gpd.GeoDataFrame]]) -> dict[str, gpd.GeoDataFrame]:
    """Bring every layer to one metric CRS and join those of a table."""
    leaders = [piece for name in _LEADERS for piece in pieces.get(name, [])]
    if not leaders:
        return {}
    placed = [piece for piece in leaders if np.isfinite(piece.total_bounds).all()]
    metric = [piece for piece in placed if is_metric(piece.crs)]
    crs = (metric or [to_metric(piece) for piece in placed[:1]] or leaders)[0].crs
    return {
        table: pd.concat([_bring_to(piece, crs) for piece in some], ignore_index=True)
        for table, some in pieces.items()
        if some
    }


def _bring_to(piece: gpd.GeoDataFrame, crs: Any) -> gpd.GeoDataFrame:
    """Bring a layer to a CRS; a list without positions is in any."""
    return piece.to_crs(crs) if piece.crs is not None else piece.set_crs(crs)
