"""The figures of a casebook in one answer that can be written as JSON."""

import json
from datetime import datetime
from importlib.util import find_spec
from math import isnan
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap.casebook.book import Casebook
from gridmap.casebook.lists import CaseQuery
from gridmap.geojson import frame_features
from gridmap.incidents.figures import (
    find_hot_spots,
    find_repeats,
    measure_load,
    rate_dispatch,
    rate_on_time,
)


def sum_up(
    book: Casebook,
    grids: gpd.GeoDataFrame,
    query: CaseQuery,
    *,
    by: str = "",
    now: datetime,
) -> dict[str, Any]:
    """Return every figure of the cases that a query asks for; for the office.

    Parameters
    ----------
    book : Casebook
        The cases.
    grids : GeoDataFrame
        ``plan.grids``, for hot spots.
    query : CaseQuery
        Which cases.
    by : str
        What on-time rates are told apart by (`gridmap.incidents.figures.GROUPS`), or "".
    now : datetime
        The moment.

    Returns
    -------
    dict
        ``on_time``, ``loads`` and ``repeats`` (lists of rows), ``dispatch`` (first-dispatch
        accuracy, hops, returns), ``hot_spots`` (GeoJSON; None where PySAL is not installed).
    """
    tables = book.tables(query)
    cases, whistles = tables["cases"], tables["whistles"]
    own = whistles[whistles["case_id"].isin(cases.index)]
    return {
        "cases": len(cases),
        "on_time": _list_rows(rate_on_time(cases, by, now=now).reset_index()),
        "loads": _list_rows(measure_load(cases, now=now).reset_index()),
        "dispatch": {name: _plain(value) for name, value in rate_dispatch(cases, own).items()},
        "repeats": _list_rows(find_repeats(cases)),
        "hot_spots": _draw_hot_spots(cases, grids),
    }


def _draw_hot_spots(cases: pd.DataFrame, grids: gpd.GeoDataFrame) -> dict[str, Any] | None:
    """Return the grids where cases gather, or stay away, more than chance would have it."""
    if find_spec("esda") is None:
        return None
    table = find_hot_spots(cases, grids)
    told = table[table["hot"] | table["cold"]]
    frame = grids.loc[told.index, ["geometry"]].join(told)
    collection: dict[str, Any] = json.loads(frame_features(frame).collection())
    return collection


def _list_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what is not a number is None."""
    if isinstance(value, list):
        return value
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and isnan(value) else value
