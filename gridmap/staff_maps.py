"""Maps of who serves what: grids by their workers' loads, stations and homes, rounds on foot."""

import html
from datetime import date
from typing import Literal, cast

import folium
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from branca.element import Element, Figure

from gridmap.crs import to_degrees
from gridmap.maps import PlanMap, map_shading
from gridmap.maps.look import Shading
from gridmap.plan import Plan
from gridmap.staff.roster import list_duties
from gridmap.staff.stations import Siting

Language = Literal["zh", "en"]
#: Chinese and English.
Words = tuple[str, str]

#: The number of a stop, white on its dot.
_NUMBERS = (
    "<style>.leaflet-tooltip.stop-number { padding: 0; background: none; border: 0; "
    "box-shadow: none; color: #fff; font: bold 11px sans-serif; pointer-events: none; }</style>"
)

#: State of a grid -> fill, and what the legend says.
_STATES: dict[str, tuple[str, dict[Language, str]]] = {
    "usual": ("#cfe3d4", {"zh": "一人一格", "en": "one worker, one grid"}),
    "heavy": (
        "#f4b183",
        {"zh": "超过常规户数20%以上", "en": "20 % above the usual load"},
    ),
    "doubled": ("#9cc5de", {"zh": "一人兼管多格", "en": "one worker for several grids"}),
    "shared": ("#c9b6e4", {"zh": "多人分担一格", "en": "several workers share one grid"}),
    "vacant": ("#d1495b", {"zh": "空缺", "en": "vacant"}),
}
#: Of a grid, in its tooltip.
_TOLD = ["worker", "load", "walk", "others", "deputies", "reason"]
#: What a map of stations shows, as its colours do.
_PLACES: tuple[Words, ...] = (
    ("未覆盖住户", "homes out of reach"),
    ("已有驿站", "existing station"),
    ("新选驿站", "new station"),
)
#: Grids below stations or rounds.
_PLAIN = ("#eef1e6", ("网格", "grids"))
#: Told apart by the colour-blind too, used in turn.
_ROUNDS = ("#0b57d0", "#b3430f", "#1b7837", "#7b3294", "#00798c", "#8c510a", "#c51b7d", "#4d4d4d")


def map_staffing(
    plan: Plan,
    staffing: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    *,
    on: date | None = None,
    lang: Language = "zh",
) -> PlanMap:
    """Draw the grids of a plan by who serves them on a day; it needs no internet.

    Pointing at a grid shows its worker, load, way, deputies and the reason.

    Parameters
    ----------
    plan, staffing, workers
        The grids, `STAFFING` and `WORKERS`.
    on : date, optional
        Today by default.
    lang : {"zh", "en"}
        Of titles, at first; the reasons are as they stand in the table.
    """
    duties = list_duties(plan, staffing, workers, on=on)
    table = duties[_TOLD].assign(walk=duties["walk"].round().astype("Int64"))
    shading = Shading(
        "worker",
        ("谁来负责", "Who serves it"),
        tuple(fill for fill, _ in _STATES.values()),
        tuple((words["zh"], words["en"]) for _, words in _STATES.values()),
        _class_states(duties),
    )
    return map_shading(plan, shading, table=table, lang=lang)


def map_stations(plan: Plan, siting: Siting, *, lang: Language = "zh") -> PlanMap:
    """Draw stations, and the homes that reach none in time, larger with more households."""
    kinds = zip(("#d1495b", "#6b7785", "#0b57d0"), _PLACES, strict=True)
    page = _map_below(plan, ("驿站覆盖", "Reach of stations"), list(kinds), lang)
    out, unit = (("未覆盖住户", "户"), ("homes out of reach", " households"))[lang == "en"]
    for home in to_degrees(siting.uncovered).itertuples():
        folium.CircleMarker(
            (home.geometry.y, home.geometry.x),
            radius=2 + np.sqrt(home.households) / 2,
            color="#d1495b",
            weight=0,
            fill_opacity=0.7,
            fill=True,
            tooltip=html.escape(f"{out}：{home.households}{unit}"),
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
            tooltip=html.escape(f"{place.name or place.Index}：{place.households}{unit}"),
        ).add_to(page)
    return page


def map_patrols(plan: Plan, patrols: gpd.GeoDataFrame, *, lang: Language = "zh") -> PlanMap:
    """Draw rounds on foot, a colour for each worker's day, with the stops in their order."""
    walked = patrols[patrols["day"] > 0]
    rounds = [
        (who, day, legs, _ROUNDS[at % len(_ROUNDS)])
        for at, ((who, day), legs) in enumerate(walked.groupby(["worker_id", "day"], sort=True))
    ]
    legend = [(color, _name_round(who, day, legs)) for who, day, legs, color in rounds]
    page = _map_below(plan, ("走访路线", "Rounds on foot"), legend[: len(_ROUNDS)], lang)
    for _, _, legs, color in rounds:
        folium.GeoJson(
            to_degrees(legs[["geometry"]]).to_json(drop_id=True),
            style_function=lambda _, color=color: {"color": color, "weight": 4, "opacity": 0.8},
        ).add_to(page)
        _draw_stops(legs, color, page)
    cast(Figure, page.get_root()).header.add_child(Element(_NUMBERS))
    if len(walked):
        west, south, east, north = to_degrees(walked).total_bounds
        page.fit_bounds([[south, west], [north, east]], padding=(30, 30))
    return page


def _map_below(
    plan: Plan, title: Words, legend: list[tuple[str, Words]], lang: Language
) -> PlanMap:
    """Draw the grids in one pale colour; the legend lists what is drawn above."""
    colors, labels = zip(_PLAIN, *legend, strict=True)
    shading = Shading("name", title, colors, labels, np.zeros(len(plan.grids), np.int64))
    return map_shading(plan, shading, lang=lang)


def _name_round(who: str, day: int, legs: gpd.GeoDataFrame) -> Words:
    length = f"{legs['walk'].sum() / 1000:.1f} km"
    return f"{who} 第{day}天：{length}", f"{who}, day {day}: {length}"


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


def _class_states(duties: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the place of each grid's state in `_STATES`."""
    many = duties["worker_id"].map(duties["worker_id"].value_counts()) > 1
    heavy = duties["load"] > 1.2 * duties["capacity"]
    states = np.select(
        [duties["worker_id"] == "", duties["others"] != "", many, heavy],
        ["vacant", "shared", "doubled", "heavy"],
        "usual",
    )
    return np.array([list(_STATES).index(state) for state in states], np.int64)
