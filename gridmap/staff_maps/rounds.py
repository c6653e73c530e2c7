"""Maps of rounds: the way of each worker on foot, and how far a round of visits is."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import cast

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from branca.element import Element, Figure

from gridmap.crs import to_degrees
from gridmap.maps import PlanMap, map_shading
from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.visits import name_round
from gridmap.staff_maps.drawing import (
    Words,
    draw_dots,
    draw_lines,
    explain_drawn,
    map_below,
    put_on,
    shade_states,
)

#: The number of a stop, white on its dot.
_NUMBERS = (
    "<style>.leaflet-tooltip.stop-number { padding: 0; background: none; border: 0; "
    "box-shadow: none; color: #fff; font: bold 11px sans-serif; pointer-events: none; }</style>"
)
#: Told apart by the colour-blind too, used in turn.
_ROUNDS = ("#0b57d0", "#b3430f", "#1b7837", "#7b3294", "#00798c", "#8c510a", "#c51b7d", "#4d4d4d")
#: State of a grid in a round -> fill and words, best first.
_STATES: dict[str, tuple[str, Words]] = {
    "full": ("#2b7372", ("满分（{full:g}%以上）", "full marks (from {full:g} %)")),
    "on": ("#93c4a8", ("跟上进度", "on pace")),
    "behind": ("#fbd0a6", ("落后20个百分点以内", "behind by up to 20 points")),
    "far": ("#e0705f", ("落后20个百分点以上", "behind by more")),
    "none": ("#8c510a", ("本轮尚未走访", "nobody visited yet")),
    "empty": ("#ffffff", ("无住户", "without households")),
}
_FAR = 20.0
_SHORT = ("#8a2c0d", ("落后户数（圆点越大越多）", "households behind (larger dots: more)"))


def map_patrols(plan: Plan, patrols: gpd.GeoDataFrame, *, lang: Language = "zh") -> PlanMap:
    """Draw rounds on foot, a colour for each worker's day, with the stops in their order."""
    walked = patrols[patrols["day"] > 0]
    rounds = [
        (who, day, legs, _ROUNDS[at % len(_ROUNDS)])
        for at, ((who, day), legs) in enumerate(walked.groupby(["worker_id", "day"], sort=True))
    ]
    legend = [(color, _name_round(who, day, legs)) for who, day, legs, color in rounds]
    page = map_below(plan, ("走访路线", "Rounds on foot"), legend[: len(_ROUNDS)], lang)
    for _, _, legs, color in rounds:
        draw_lines(page, legs.geometry, color, 4)
        _draw_stops(legs, color, page)
    cast(Figure, page.get_root()).header.add_child(Element(_NUMBERS))
    if len(walked):
        west, south, east, north = to_degrees(walked).total_bounds
        page.fit_bounds([[south, west], [north, east]], padding=(30, 30))
    return page


def map_visits(
    plan: Plan,
    coverage: pd.DataFrame,
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    on: date | None = None,
    lang: Language = "zh",
) -> PlanMap:
    """Draw how far a round of visits is in each grid; who is behind has a dot, larger with more.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverage : DataFrame
        `VISIT_COVERAGE`, as `measure_visits` gives it.
    tables : mapping of str to DataFrame, optional
        ``workers`` and ``staffing``, for the names of those who visit.
    on : date, optional
        The day of the staffing; today by default.
    lang : {"zh", "en"}
        Of titles, at first.
    """
    told = name_round(plan, coverage, tables=tables, on=on).reindex(plan.grids.index)
    full = plan.rules.visit_bands[0]
    states: dict[str, tuple[str, Words]] = {
        state: (fill, (zh.format(full=full), en.format(full=full)))
        for state, (fill, (zh, en)) in _STATES.items()
    }
    title = ("走访进度", "How far the round is")
    shading = shade_states("coverage", title, states, _name_states(told, full))
    late = told[told["behind"]]
    shading = explain_drawn(shading, [_SHORT]) if len(late) else shading
    table = told[["worker", "visited", "coverage", "short", "last"]]
    table = table.assign(coverage=told["coverage"].round(1), last=told["last"].dt.date)
    page = map_shading(plan, shading, table=table, lang=lang)
    text = ("{grid}：落后 {short} 户", "{grid}: {short} households behind")[lang == "en"]
    texts = [
        text.format(grid=grid, short=short)
        for grid, short in zip(late["grid"], late["short"], strict=True)
    ]
    places = plan.grids.loc[late.index].representative_point()
    draw_dots(page, places, 3 + np.sqrt(late["short"]) / 2, _SHORT[0], texts)
    return page


def _name_states(told: pd.DataFrame, full: float) -> Iterable[str]:
    """Return the state of each grid, of `_STATES`."""
    return np.select(
        [
            told["households"] == 0,
            told["coverage"] >= full,
            ~told["behind"],
            told["visited"] == 0,
            told["coverage"] >= told["expected"] - _FAR,
        ],
        ["empty", "full", "on", "none", "behind"],
        "far",
    )


def _name_round(who: str, day: int, legs: gpd.GeoDataFrame) -> Words:
    length = f"{legs['walk'].sum() / 1000:.1f} km"
    return f"{who} 第{day}天：{length}", f"{who}, day {day}: {length}"


def _draw_stops(legs: gpd.GeoDataFrame, color: str, page: PlanMap) -> None:
    """Draw the numbered stops at the ends of the legs."""
    stops = legs[legs["stop_id"] != ""]
    if stops.empty:
        return
    ends = gpd.GeoSeries(shapely.get_point(stops.geometry.to_numpy(), -1), crs=legs.crs)
    rows = stops[["order", "kind", "name"]].to_dict("records")
    texts = [f"{row['order']}. {row['kind']} {row['name']}" for row in rows]
    draw_dots(page, ends, [10] * len(rows), color, texts, opacity=1)
    for row, (lon, lat) in zip(rows, shapely.get_coordinates(to_degrees(ends)), strict=True):
        number = folium.Tooltip(
            str(row["order"]), permanent=True, direction="center", class_name="stop-number"
        )
        spot = folium.CircleMarker(
            (lat, lon), radius=1, weight=0, fill=False, tooltip=number, interactive=False
        )
        put_on(page, spot)
