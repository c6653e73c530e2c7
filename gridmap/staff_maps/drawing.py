"""What these maps have alike: pale grids below, dots and lines with words above."""

import html
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import shapely
from branca.element import MacroElement

from gridmap.crs import to_degrees
from gridmap.maps import PlanMap, map_shading
from gridmap.maps.look import Shading, drop_unused
from gridmap.plan import Plan
from gridmap.staff.reasons import Language

#: Chinese and English.
Words = tuple[str, str]
#: Grids below what is drawn.
_PLAIN = ("#eef1e6", ("网格", "grids"))


def map_below(plan: Plan, title: Words, legend: list[tuple[str, Words]], lang: Language) -> PlanMap:
    """Draw the grids in one pale colour; the legend lists what is drawn above."""
    colors, labels = zip(_PLAIN, *legend, strict=True)
    shading = Shading("name", title, colors, labels, np.zeros(len(plan.grids), np.int64))
    return map_shading(plan, shading, lang=lang)


def put_on(page: PlanMap, layer: MacroElement) -> None:
    """Add a layer under a number: with ids of its own folium makes another page at each run."""
    layer._id = str(len(page._children))
    for part in layer._children.values():
        part._id = layer._id
    layer.add_to(page)


def explain_drawn(shading: Shading, drawn: Iterable[tuple[str, Words]]) -> Shading:
    """Add what is drawn above the grids to a legend."""
    colors, labels = zip(*drawn, strict=True)
    return replace(shading, colors=(*shading.colors, *colors), labels=(*shading.labels, *labels))


def shade_states(
    key: str, title: Words, states: Mapping[str, tuple[str, Words]], found: Iterable[str]
) -> Shading:
    """Shade grids by their states, in the plan's order; the legend lists those that are there.

    Parameters
    ----------
    key, title
        As `Shading` has them.
    states : mapping of str to (fill, words)
        What a state looks like and is called, in the legend's order.
    found : iterable of str
        The state of each grid.
    """
    fills, words = zip(*states.values(), strict=True)
    places = {state: at for at, state in enumerate(states)}
    classes = np.array([places[state] for state in found], np.int64)
    return drop_unused(Shading(key, title, fills, words, classes))


def draw_dots(
    page: PlanMap,
    places: gpd.GeoSeries,
    radius: Iterable[float],
    color: str,
    texts: Iterable[str],
    *,
    opacity: float = 0.8,
    rim: int = 1,
) -> None:
    """Draw a dot with a white rim at each place; pointing at it shows its text."""
    degrees = shapely.get_coordinates(to_degrees(places).to_numpy()).round(6).tolist()
    features = [
        {
            "type": "Feature",
            "id": str(at),
            "geometry": {"type": "Point", "coordinates": spot},
            "properties": {"text": html.escape(text), "size": round(2 * size) / 2},
        }
        for at, (spot, size, text) in enumerate(zip(degrees, radius, texts, strict=True))
    ]
    if not features:
        return
    look: dict[str, Any] = {"color": "#ffffff", "weight": rim, "fill": True, "fill_color": color}
    dots = folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        marker=folium.CircleMarker(**look, fill_opacity=opacity),
        style_function=lambda feature: {"radius": feature["properties"]["size"]},
        tooltip=folium.GeoJsonTooltip(["text"], labels=False),
    )
    put_on(page, dots)


def draw_lines(
    page: PlanMap, lines: gpd.GeoSeries, color: str, weight: float, opacity: float = 0.8
) -> None:
    """Draw lines in one colour."""
    if len(lines):
        style = {"color": color, "weight": weight, "opacity": opacity}
        drawn = folium.GeoJson(
            to_degrees(gpd.GeoDataFrame(geometry=lines)).to_json(drop_id=True),
            style_function=lambda _: style,
            interactive=False,
        )
        put_on(page, drawn)
