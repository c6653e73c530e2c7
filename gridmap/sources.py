"""The raw tables of a city: the layers that make them, in one CRS, with the columns they are of.

What the values are worth is seen later, in `gridmap.attributes` and `gridmap.repairs`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.columns import Use, find_sources, missing_columns, take_column, to_text
from gridmap.crs import is_metric, to_metric
from gridmap.datum import DATUMS, shift_frame
from gridmap.errors import TableError
from gridmap.findings import Finding, find_rows
from gridmap.layers import Layer, Source, read_layer

#: The tables whose CRS the city may take, first to last.
_LEADERS = ("communities", "boundary", "buildings")
#: Text that lost its characters when it was saved in the wrong encoding: U+FFFD, and what UTF-8's
#: U+FFFD twice becomes when read as GBK.
_LOST_TEXT = "\N{REPLACEMENT CHARACTER}|锟斤拷"


def read_pieces(
    sources: Sequence[Source], uses: Sequence[Use], datum: str | None, findings: list[Finding]
) -> dict[str, list[gpd.GeoDataFrame]]:
    """Read the layers that are used, with the columns of their table, in their own CRS."""
    pieces: dict[str, list[gpd.GeoDataFrame]] = {}
    for use in uses:
        found = [source for source in sources if source.name == use.layer]
        if not found:
            names = ", ".join(source.name for source in sources)
            problem = f"no layer of this name; there are {names}"
            findings.append(Finding(use.table, "", "layer", use.layer, problem, "refused"))
        for source in found:
            piece = _read_piece(source, use, datum, findings)
            if piece is not None:
                pieces.setdefault(use.table, []).append(piece)
    return pieces


def _read_piece(
    source: Source, use: Use, datum: str | None, findings: list[Finding]
) -> gpd.GeoDataFrame | None:
    """Read one layer as (a part of) a table, None if that can't be."""
    try:
        layer = read_layer(source)
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
    frame = _settle_datum(layer, datum, findings)
    return None if frame is None else _take_columns(frame, use, findings)


def _settle_datum(
    layer: Layer, datum: str | None, findings: list[Finding]
) -> gpd.GeoDataFrame | None:
    """Bring degrees to WGS-84; None, with the reason, where it is unknown what they are."""
    frame, crs, name = layer.frame, layer.frame.crs, layer.name
    if crs is not None and crs.is_projected:
        if datum in ("gcj02", "bd09"):
            problem = f"projected, so datum={datum} is not applied"
            findings.append(Finding(name, "", "CRS", crs.name, problem, "noted"))
        return frame
    known = crs is not None and crs.is_geographic
    if not known and datum is None:
        problem = "no CRS: name it in the file, or give datum= if the coordinates are degrees"
        findings.append(Finding(name, "", "CRS", crs.name if crs else "", problem, "refused"))
        return None
    if _find_off_earth(frame, name, findings):
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


def _find_off_earth(frame: gpd.GeoDataFrame, name: str, findings: list[Finding]) -> bool:
    """Report the rows whose coordinates can't be degrees."""
    west, south, east, north = shapely.bounds(frame.geometry.to_numpy()).T
    wrong = (west < -180) | (east > 180) | (south < -90) | (north > 90)
    values = [f"{lon:.6f}, {lat:.6f}" for lon, lat in zip(east[wrong], north[wrong], strict=True)]
    rows = [f"row {at + 1}" for at in np.flatnonzero(wrong)]
    problem = "not on Earth: are longitude and latitude swapped, or these no degrees?"
    findings += find_rows(name, rows, "geometry", values, problem=problem, action="refused")
    return bool(wrong.any())


def _take_columns(
    frame: gpd.GeoDataFrame, use: Use, findings: list[Finding]
) -> gpd.GeoDataFrame | None:
    """Take the columns of the table out of a layer, None if one is not there."""
    sources = find_sources(use, frame.columns.drop("geometry"))
    listed = ", ".join(map(str, frame.columns.drop("geometry")))
    missing = {to: missing_columns(source, frame.columns) for to, source in sources.items()}
    if use.table == "buildings" and "households" not in sources:
        missing["households"] = ["households"]
    problem = f"no such column in layer {use.layer}: name it with columns=; there are {listed}"
    for column, names in missing.items():
        findings += find_rows(
            use.table, [""] * len(names), column, names, problem=problem, action="refused"
        )
    if any(missing.values()):
        return None
    taken = {to: take_column(frame, source) for to, source in sources.items()}
    read_from = ", ".join(f"{to} from {source}" for to, source in sources.items())
    problem = f"layer {use.layer} is read as {use.table}"
    findings.append(Finding(use.table, "", "", read_from, problem, "noted"))
    _find_lost_text(taken, use, findings)
    return gpd.GeoDataFrame(taken, geometry=frame.geometry, index=frame.index)


def _find_lost_text(taken: Mapping[str, Any], use: Use, findings: list[Finding]) -> None:
    """Report text that was damaged before it came here."""
    problem = "characters are lost: save the file again from its source, as UTF-8"
    for column, values in taken.items():
        texts = to_text(values) if not pd.api.types.is_numeric_dtype(values) else values.head(0)
        lost = texts[texts.astype("str").str.contains(_LOST_TEXT)]
        rows = [f"row {at + 1}" for at in lost.index]
        findings += find_rows(use.table, rows, column, lost, problem=problem, action="refused")


def join_pieces(pieces: Mapping[str, list[gpd.GeoDataFrame]]) -> dict[str, gpd.GeoDataFrame]:
    """Bring every layer to one metric CRS and join those of a table."""
    leaders = [piece for name in _LEADERS for piece in pieces.get(name, [])]
    if not leaders:
        return {}
    placed = [piece for piece in leaders if np.isfinite(piece.total_bounds).all()]
    metric = [piece for piece in placed if is_metric(piece.crs)]
    crs = (metric or [to_metric(piece) for piece in placed[:1]] or leaders)[0].crs
    return {
        table: pd.concat([piece.to_crs(crs) for piece in some], ignore_index=True)
        for table, some in pieces.items()
    }
