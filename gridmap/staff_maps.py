"""Maps of who serves what: grids by their workers' loads, stations and homes, rounds on foot."""

import html
from datetime import date
from typing import Literal, cast

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
from branca.element import Element, Figure

from gridmap.crs import to_degrees
from gridmap.maps import PlanMap, make_base_map, six_decimals
from gridmap.plan import Plan
from gridmap.staff.roster import list_duties
from gridmap.staff.stations import Siting

Language = Literal["zh", "en"]

#: The number of a stop, white on its dot.
_NUMBERS = (
    "<style>.stop-number { background: none; border: 0; box-shadow: none; color: #fff; "
    "font: bold 11px sans-serif; pointer-events: none; }</style>"
)

#: State of a grid -> fill, and what the legend says.
_STATES: dict[str, tuple[str, dict[Language, str]]] = {
    "usual": ("#cfe3d4", {"zh": "一人一格", "en": "one worker, one grid"}),
    "heavy": (
        "#f4b183",
        {"zh": "超过常规户数20%以上", "en": "20 % above the usual load"},
    ),
    "doubled": ("#9cc5de", {"zh": "一人兼管多格", "en": "one worker for several grids"}),
    "vacant": ("#d1495b", {"zh": "空缺", "en": "vacant"}),
}
_FIELDS: dict[str, dict[Language, str]] = {
    "grid_code": {"zh": "编码", "en": "code"},
    "grid": {"zh": "网格", "en": "grid"},
    "households": {"zh": "户数", "en": "households"},
    "worker": {"zh": "网格员", "en": "worker"},
    "load": {"zh": "承担户数", "en": "load"},
    "walk": {"zh": "步行（米）", "en": "walk (m)"},
    "deputies": {"zh": "代管人", "en": "deputies"},
    "reason": {"zh": "理由", "en": "reason"},
}
#: Told apart by the colour-blind too, used in turn.
_ROUNDS = ("#0b57d0", "#b3430f", "#1b7837", "#7b3294", "#00798c", "#8c510a", "#c51b7d", "#4d4d4d")


def map_staffing(
    plan: Plan,
    staffing: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    *,
    on: date | None = None,
    language: Language = "zh",
) -> PlanMap:
    """Draw the grids of a plan by who serves them on a day; it needs no internet.

    Pointing at a grid shows its worker, load, way, deputies and the reason.

    Parameters
    ----------
    plan, staffing, workers
        The grids, `STAFFING` and `WORKERS`.
    on : date, optional
        Today by default.
    language : {"zh", "en"}
        Of titles; the reasons are as they stand in the table.
    """
    duties = list_duties(plan, staffing, workers, on=on)
    page = make_base_map(plan)
    table = duties[list(_FIELDS)[1:]].assign(
        walk=[f"{value:,.0f}" if value >= 0 else "" for value in duties["walk"]],
        fill=[_STATES[state][0] for state in _name_states(duties)],
    )
    shapes = plan.grids[["geometry"]].join(table).rename_axis("grid_code").reset_index()
    folium.GeoJson(
        six_decimals(shapes).to_json(drop_id=True),
        smooth_factor=0,
        style_function=lambda feature: {
            "color": "#3c4a57",
            "weight": 1.5,
            "fillColor": feature["properties"]["fill"],
            "fillOpacity": 0.6,
        },
        highlight_function=lambda _: {"color": "#0b57d0", "weight": 4},
        tooltip=folium.GeoJsonTooltip(
            list(_FIELDS), [title[language] for title in _FIELDS.values()], sticky=True
        ),
    ).add_to(page)
    _add_legend(page, [(fill, words[language]) for fill, words in _STATES.values()])
    return page


def map_stations(plan: Plan, siting: Siting, *, language: Language = "zh") -> PlanMap:
    """Draw stations, and the homes that reach none in time, larger with more households."""
    page = make_base_map(plan)
    words = {
        "zh": ("未覆盖住户", "已有驿站", "新选驿站", "户"),
        "en": ("homes out of reach", "existing station", "new station", "households"),
    }[language]
    for home in to_degrees(siting.uncovered).itertuples():
        folium.CircleMarker(
            (home.geometry.y, home.geometry.x),
            radius=2 + np.sqrt(home.households) / 2,
            color="#d1495b",
            weight=0,
            fill_opacity=0.7,
            fill=True,
            tooltip=html.escape(f"{words[0]}：{home.households}{words[3]}"),
        ).add_to(page)
    for place in to_degrees(siting.stations).itertuples():
        fill = "#6b7785" if place.existing else "#0b57d0"
        folium.CircleMarker(
            (place.geometry.y, place.geometry.x),
            radius=9,
            color="#ffffff",
            weight=2,
            fill=True,
            fill_color=fill,
            fill_opacity=1,
            tooltip=html.escape(f"{place.name or place.Index}：{place.households}{words[3]}"),
        ).add_to(page)
    _add_legend(page, list(zip(("#d1495b", "#6b7785", "#0b57d0"), words[:3], strict=True)))
    return page


def map_patrols(plan: Plan, patrols: gpd.GeoDataFrame, *, language: Language = "zh") -> PlanMap:
    """Draw rounds on foot, a colour for each worker's day, with the stops in their order."""
    page = make_base_map(plan)
    legend = []
    walked = patrols[patrols["day"] > 0]
    for at, ((who, day), legs) in enumerate(walked.groupby(["worker_id", "day"], sort=True)):
        color = _ROUNDS[at % len(_ROUNDS)]
        folium.GeoJson(
            six_decimals(legs[["geometry"]]).to_json(drop_id=True),
            style_function=lambda _, color=color: {"color": color, "weight": 4, "opacity": 0.8},
        ).add_to(page)
        _draw_stops(legs, color, page)
        title = f"{who} 第{day}天" if language == "zh" else f"{who}, day {day}"
        legend.append((color, f"{title}：{legs['walk'].sum() / 1000:.1f} km"))
    cast(Figure, page.get_root()).header.add_child(Element(_NUMBERS))
    if len(walked):
        west, south, east, north = to_degrees(walked).total_bounds
        page.fit_bounds([[south, west], [north, east]], padding=(30, 30))
    _add_legend(page, legend[: len(_ROUNDS)])
    return page


def _draw_stops(legs: gpd.GeoDataFrame, color: str, page: PlanMap) -> None:
    """Draw the numbered stops at the ends of the legs."""
    degrees = to_degrees(legs)
    for row, line in zip(legs.to_dict("records"), degrees.geometry, strict=True):
        if not row["stop_id"]:
            continue
        lon, lat = line.coords[-1]
        folium.CircleMarker(
            (lat, lon),
            radius=10,
            color="#ffffff",
            weight=1,
            fill=True,
            fill_color=color,
            fill_opacity=1,
            tooltip=html.escape(f"{row['order']}. {row['kind']} {row['name']}"),
        ).add_to(page)
        number = folium.Tooltip(
            str(row["order"]), permanent=True, direction="center", class_name="stop-number"
        )
        folium.CircleMarker(
            (lat, lon), radius=1, weight=0, fill=False, tooltip=number, interactive=False
        ).add_to(page)


def _name_states(duties: pd.DataFrame) -> list[str]:
    """Name the state of each grid."""
    many = duties["worker_id"].map(duties["worker_id"].value_counts()) > 1
    heavy = duties["load"] > 1.2 * duties["capacity"]
    return np.select(
        [duties["worker_id"] == "", many, heavy], ["vacant", "doubled", "heavy"], "usual"
    ).tolist()


def _add_legend(page: PlanMap, rows: list[tuple[str, str]]) -> None:
    lines = "".join(
        f'<div><i style="background:{fill};display:inline-block;width:16px;height:12px;'
        f'margin-right:6px;border:1px solid #999"></i>{html.escape(words)}</div>'
        for fill, words in rows
    )
    box = (
        '<div style="position:absolute;right:12px;bottom:24px;z-index:1000;background:#fffffff0;'
        'padding:8px 12px;border-radius:6px;font:13px/1.6 sans-serif;box-shadow:0 1px 4px #0003">'
        f"{lines}</div>"
    )
    cast(Figure, page.get_root()).html.add_child(Element(box))
