"""Maps for notebooks and for sending around: folium, with everything inside the page.

A folium page loads Leaflet and five other libraries from the internet. A `PlanMap` carries Leaflet
from the installed package ``xstatic-leaflet`` instead. Its background is the city's own streets,
water and buildings, and it refuses to be written while anything in it would still be fetched.
"""

import base64
import html
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import folium
import geopandas as gpd
import pandas as pd
import shapely
from branca.element import Element, Figure
from xstatic.pkg import leaflet

from gridmap.crs import to_degrees
from gridmap.errors import GridmapError
from gridmap.measure import measure
from gridmap.plan import Plan

_LEAFLET = Path(leaflet.BASE_DIR)
#: What folium puts into every page: Leaflet, carried inside instead, and what no map here uses.
_REPLACED = ("/leaflet.js", "/leaflet.css", "jquery", "bootstrap", "awesome", "glyphicons")
#: Diverging, told apart by the colour-blind too: too few (blue), in the band, too many (red).
_CLASSES = (
    (-0.4, "#2f6fa8", "少 40% 以上"),
    (-0.2, "#9cc5de", "少 20–40%"),
    (0.2, "#e9efe2", "±20% 以内"),
    (0.4, "#f4b183", "多 20–40%"),
    (float("inf"), "#d1495b", "多 40% 以上"),
)
_IN_BAND = _CLASSES[2][1]
_PAPER = "<style>.leaflet-container { background: #f6f5f0; }</style>"
_TOOLTIP = {
    "name": "网格",
    "code": "编码",
    "households": "户数",
    "deviation": "偏差",
    "buildings": "楼栋",
}
#: Distinct pale fills for `color="community"`, used in turn.
_TINTS = ("#cfe3d4", "#f3dcc2", "#d5dcef", "#efd3dd", "#e6e6c3", "#cde5e8", "#e2d4ec", "#dcdcdc")
_LINE_STYLES = {
    "river": {"color": "#9cc3d9", "weight": 5, "fillColor": "#bfd9e8", "fillOpacity": 1},
    "path": {"color": "#dddddd", "weight": 1},
    "street": {"color": "#c9c9c9", "weight": 2},
    "main_road": {"color": "#e0b060", "weight": 4},
    "railway": {"color": "#777777", "weight": 2, "dashArray": "6 4"},
}


class PlanMap(folium.Map):
    """A folium map that needs no internet; add to it any layer that needs none either."""

    def to_html(self) -> str:
        """Return the whole page, with every script and style inside.

        Raises
        ------
        GridmapError
            If a layer that was added would fetch something.
        """
        return _inline_page(self.get_root().render())

    def save(
        self, outfile: str | bytes | Path | BinaryIO, close_file: bool = True, **_: Any
    ) -> None:
        """Write the page to a path or an open file; one that is refused leaves no file."""
        page = self.to_html().encode()
        if isinstance(outfile, str | bytes | Path):
            Path(os.fsdecode(outfile)).write_bytes(page)
            return
        outfile.write(page)
        if close_file:
            outfile.close()

    def _repr_html_(self, **_: Any) -> str:
        """Show the map in a notebook, in a frame of its own."""
        page = html.escape(self.to_html())
        return (
            f'<iframe srcdoc="{page}" style="width:100%;height:560px;border:1px solid #ccc" '
            'title="网格地图"></iframe>'
        )


def map_plan(plan: Plan, *, color: str = "deviation", most_buildings: int = 10_000) -> PlanMap:
    """Draw a plan as an interactive map that works without internet.

    Parameters
    ----------
    plan : Plan
        The plan.
    color : {"deviation", "community"}
        What fills the grids: how far the households are from the target, or the community.
    most_buildings : int
        Building outlines are drawn where the city has no more than this many: a page of a whole
        city with them would be tens of megabytes.

    Returns
    -------
    PlanMap
        Shown by Jupyter as it is; `PlanMap.save` writes one self-contained page. Pointing at a
        grid shows its name, code, households, deviation and buildings.
    """
    if color not in ("deviation", "community"):
        raise GridmapError(f"color is {color!r}; choose 'deviation' or 'community'")
    page = make_base_map(plan, most_buildings)
    _draw_grids(plan, color).add_to(page)
    if color == "deviation":
        cast(Figure, page.get_root()).html.add_child(Element(_write_legend(plan)))
    return page


def make_base_map(plan: Plan, most_buildings: int = 10_000) -> PlanMap:
    """Draw the city's own water, streets, railways and buildings; layers are added to that.

    Parameters are those of `map_plan`.
    """
    page = PlanMap(tiles=None, prefer_canvas=True, attribution_control=False, zoom_snap=0.25)
    cast(Figure, page.get_root()).header.add_child(Element(_PAPER))
    for layer in _draw_base(plan, most_buildings):
        layer.add_to(page)
    west, south, east, north = to_degrees(plan.grids).total_bounds
    page.fit_bounds([[south, west], [north, east]])
    return page


def _draw_base(plan: Plan, most_buildings: int) -> list[folium.GeoJson]:
    """Draw the city's own water, streets, railways and buildings, lowest first."""
    lines = pd.concat(
        [plan.city.barriers[["kind", "geometry"]], plan.city.streets[["kind", "geometry"]]]
    )
    layers = [
        _draw_layer(lines[lines["kind"] == kind], style)
        for kind, style in _LINE_STYLES.items()
        if (lines["kind"] == kind).any()
    ]
    areas = plan.city.buildings[plan.city.buildings.geom_type != "Point"]
    if 0 < len(areas) <= most_buildings:
        style = {"color": "#8d8677", "weight": 0.5, "fillColor": "#a49c8c", "fillOpacity": 0.9}
        layers.append(_draw_layer(areas, style))
    return layers


def _draw_layer(frame: gpd.GeoDataFrame, style: dict[str, object]) -> folium.GeoJson:
    shapes = six_decimals(frame[["geometry"]].reset_index(drop=True))
    return folium.GeoJson(
        shapes.to_json(drop_id=True), style_function=lambda _: style, control=False, smooth_factor=0
    )


def _draw_grids(plan: Plan, color: str) -> folium.GeoJson:
    measures = measure(plan)
    table = pd.DataFrame(
        {
            "name": measures["name"],
            "code": measures.index,
            "households": measures["households"],
            "deviation": [f"{100 * value:+.0f}%" for value in measures["deviation"]],
            "buildings": measures["buildings"],
            "fill": _fill_colors(measures, color),
        }
    )
    return folium.GeoJson(
        six_decimals(plan.grids[["geometry"]].join(table)).to_json(drop_id=True),
        name="网格",
        smooth_factor=0,
        style_function=lambda feature: {
            "color": "#3c4a57",
            "weight": 1.5,
            "fillColor": feature["properties"]["fill"],
            "fillOpacity": 0.1 if feature["properties"]["fill"] == _IN_BAND else 0.6,
        },
        highlight_function=lambda _: {"color": "#0b57d0", "weight": 4},
        tooltip=folium.GeoJsonTooltip(list(_TOOLTIP), list(_TOOLTIP.values()), sticky=True),
    )


def _fill_colors(measures: pd.DataFrame, color: str) -> list[str]:
    if color == "community":
        number = pd.factorize(measures["community_id"])[0]
        return [_TINTS[position % len(_TINTS)] for position in number]
    return [
        # Both ends of the pale class are in it: exactly 20 % too few is still in the band.
        next(fill for end, fill, _ in _CLASSES if (off < end if end < 0 else off <= end))
        for off in measures["deviation"]
    ]


def _write_legend(plan: Plan) -> str:
    rows = "".join(
        f'<div><i style="background:{fill};display:inline-block;width:16px;height:12px;'
        f'margin-right:6px;border:1px solid #999"></i>{words}</div>'
        for _, fill, words in _CLASSES
    )
    return (
        '<div style="position:absolute;right:12px;bottom:24px;z-index:1000;background:#fffffff0;'
        'padding:8px 12px;border-radius:6px;font:13px/1.6 sans-serif;box-shadow:0 1px 4px #0003">'
        f"<b>户数与目标 {plan.rules.target} 之差</b>{rows}</div>"
    )


def six_decimals(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the frame in degrees, to 0.1 m: a third of the page's size at no visible loss."""
    frame = to_degrees(frame)
    rounded = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy.round(6))
    return frame.set_geometry(gpd.GeoSeries(rounded, frame.index, crs=frame.crs))


def _inline_page(page: str) -> str:
    """Put Leaflet into a rendered page, take out what it does not use, refuse the rest."""
    page = re.sub(r"<script src=\"([^\"]+)\"></script>", _strip_unused, page)
    page = re.sub(r"<link rel=\"stylesheet\" href=\"([^\"]+)\"\s*/>", _strip_unused, page)
    remote = re.findall(r"[\"'(](?:https?:)?//[^\"')]+", page)
    if remote:
        raise GridmapError(
            f"the map would fetch {remote[0][1:]}; add only layers that need no files"
        )
    leaflet = f"<style>{_leaflet_style()}</style><script>{_leaflet_script()}</script>"
    return page.replace("<head>", f"<head>{leaflet}", 1)


def _strip_unused(tag: re.Match[str]) -> str:
    return "" if any(word in tag[1] for word in _REPLACED) else tag[0]


@cache
def _leaflet_script() -> str:
    script = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    return re.sub(r"//# sourceMappingURL=.*", "", script)


@cache
def _leaflet_style() -> str:
    """Return Leaflet's style sheet with its pictures inside."""
    style = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    return re.sub(r"url\((images/[^)]+)\)", _inline_picture, style)


def _inline_picture(link: re.Match[str]) -> str:
    picture = base64.b64encode((_LEAFLET / link[1]).read_bytes()).decode()
    return f"url(data:image/png;base64,{picture})"
