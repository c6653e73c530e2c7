"""Maps for notebooks and for sending around: folium, with everything inside the page.

A folium page loads Leaflet and five other libraries from the internet. A `PlanMap` carries Leaflet
from the installed package ``xstatic-leaflet`` instead. Its background is the city's own streets,
water and buildings, it refuses to be written while anything in it would still be fetched, and its
own policy forbids the browser to fetch anything.
"""

import base64
import html
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import folium
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from branca.element import Figure, MacroElement
from folium.template import Template
from xstatic.pkg import leaflet

from gridmap.crs import to_degrees
from gridmap.errors import GridmapError, TableError
from gridmap.files import write_whole
from gridmap.maps.look import Shading, find_owners, shade_column, shade_deviation
from gridmap.measure import measure
from gridmap.plan import Plan
from gridmap.rosters import gather_columns, make_roster
from gridmap.words import check_language, name_column, write_deviation

_HERE = Path(__file__).parent
_LEAFLET = Path(leaflet.BASE_DIR)
#: What folium puts into every page: Leaflet, carried inside instead, and what no map here uses.
_REPLACED = ("/leaflet.js", "/leaflet.css", "jquery", "bootstrap", "awesome", "glyphicons")
#: A place where something would be fetched: a source or link that is not inside, an address.
_FETCHED = (
    r"<[^>]*\s(?:src|srcset|href)\s*=\s*[\"']?(?!data:|#|[\"'])([^\"'\s>]+)",
    r"url\(\s*[\"']?(?!data:|#)([^\"')]+)",
    r"[\"'(`]((?:https?:)?//[^\"')`]+)",
)
#: Our data between these is text, whatever addresses are in it.
_DATA = re.compile(r"(<script id=\"plan\" type=\"application/json\">)(.*?)(</script>)", re.DOTALL)
#: The browser fetches nothing, even if the page asked for it.
_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:\">"
)
#: Beyond it outlines of buildings would make a page too large to send around.
_MOST_BUILDINGS = 60_000
#: Coordinates are whole millionths of a degree: 0.1 m.
_PARTS = 1_000_000
_LINES = ("river", "railway", "path", "street", "main_road")
_OWN = ("deviation", "households", "community", "buildings")


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
            with write_whole(os.fsdecode(outfile)) as draft:
                draft.write_bytes(page)
            return
        outfile.write(page)
        if close_file:
            outfile.close()

    def _repr_html_(self, **_: Any) -> str:
        """Show the map in a notebook, in a frame of its own."""
        page = html.escape(self.to_html())
        return (
            f'<iframe srcdoc="{page}" style="width:100%;height:600px;border:1px solid #ccc" '
            'title="网格地图"></iframe>'
        )


class _PlanLayer(MacroElement):
    """The plan's data in a map, with the script that draws, names and finds it."""

    _template = Template(
        "{% macro header(this, kwargs) %}{{ this.policy }}<style>{{ this.style }}</style>"
        "{% endmacro %}"
        "{% macro html(this, kwargs) %}{{ this.panel }}"
        '<script id="plan" type="application/json">{{ this.data }}</script>{% endmacro %}'
        "{% macro script(this, kwargs) %}{{ this.code }}"
        "showPlan({{ this._parent.get_name() }}, "
        'JSON.parse(document.getElementById("plan").textContent));{% endmacro %}'
    )

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "PlanLayer"
        self._id = "plan"
        self.policy = _POLICY
        self.style = (_HERE / "page.css").read_text(encoding="utf-8")
        self.panel = (_HERE / "page.html").read_text(encoding="utf-8")
        self.code = (_HERE / "page.js").read_text(encoding="utf-8")
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        self.data = text.replace("</", "<\\/").replace("<!--", "<\\!--")


def map_plan(
    plan: Plan,
    *,
    color: str = "deviation",
    table: pd.DataFrame | None = None,
    changes: gpd.GeoDataFrame | None = None,
    lang: str = "zh",
    approval: str = "",
    attribution: str = "",
) -> PlanMap:
    """Draw a plan as an interactive map that works without internet.

    The page has a search for codes, grids, communities and buildings, a tooltip on each grid, and
    a choice of what colours the grids: the deviation from the target, households, communities,
    buildings, and every column of ``table``. The legend lists what is on the map. Names of grids
    and outlines of buildings appear as one comes near (up to 60,000 buildings; none of them with
    its households).

    Parameters
    ----------
    plan : Plan
        The plan.
    color : str
        What fills the grids at first: ``deviation``, ``households``, ``community``, ``buildings``
        or a column of ``table``.
    table : DataFrame, optional
        With ``grid_code`` as index or column; each other column becomes a layer and a line of the
        tooltips: workers, branches, what changed. Up to five numbers are kinds; more are five
        classes of equal counts. Of many kinds (workers), neighbours differ in colour.
    changes : GeoDataFrame, optional
        Areas that change grid, with ``old``, ``new`` (codes), ``households`` and the geometry; a
        layer of its own.
    lang : {"zh", "en"}
        Language at first; a button switches.
    approval : str
        The map's approval number (审图号). Without one the page is marked 内部使用. With one it
        may leave the house: household counts below ``plan.rules.min_cell`` are hidden.
    attribution : str
        Whom the data is from: OpenStreetMap's licence asks for "© OpenStreetMap contributors".

    Returns
    -------
    PlanMap
        Shown by Jupyter as it is; `PlanMap.save` writes one self-contained page, the same bytes
        for the same plan. 2,157 grids with 37,466 buildings are 3 MB.

    Raises
    ------
    GridmapError
        If ``color`` or ``lang`` is none of those.
    TableError
        If ``table`` or ``changes`` is not as above.
    """
    check_language(lang)
    roster = make_roster(plan, min_cell=plan.rules.min_cell if approval else 0)
    own = None if table is None else gather_columns(table, plan)
    shadings = _shade_grids(plan, roster, own)
    if color not in [shading.key for shading in shadings]:
        raise GridmapError(
            f"color is {color!r}; choose {', '.join(shading.key for shading in shadings)}"
        )
    content = {
        "lang": lang,
        "first": color,
        "approval": approval,
        "attribution": attribution,
        **_tell_plan(plan, roster, own, shadings),
        "changes": _tell_changes(plan, changes),
    }
    return _make_page(plan, content)


def map_shading(
    plan: Plan, shading: Shading, *, table: pd.DataFrame | None = None, lang: str = "zh"
) -> PlanMap:
    """Draw a plan in colours of the caller's own, for internal use; further layers go above.

    Parameters
    ----------
    plan : Plan
        The plan.
    shading : Shading
        The class of each grid. The legend lists every class, also one that no grid has: what is
        drawn above.
    table : DataFrame, optional
        With ``grid_code`` as index or column; its columns are lines of the tooltips.
    lang : {"zh", "en"}
        Language at first; a button switches.

    Returns
    -------
    PlanMap
        The page of `map_plan` with this one shading.
    """
    check_language(lang)
    own = None if table is None else gather_columns(table, plan)
    content = {
        "lang": lang,
        "first": shading.key,
        "approval": "",
        "attribution": "",
        **_tell_plan(plan, make_roster(plan), own, [shading]),
        "changes": [],
    }
    return _make_page(plan, content)


def _make_page(plan: Plan, content: dict[str, Any]) -> PlanMap:
    """Put the plan's data on an empty map; its names are fixed, so the page's bytes are too."""
    page = PlanMap(
        tiles=None,
        prefer_canvas=True,
        attribution_control=False,
        zoom_snap=0.25,
        max_zoom=20,
        zoom_control="bottomleft",
    )
    page._id = "map"
    cast(Figure, page.get_root())._id = "page"
    _PlanLayer(content).add_to(page)
    west, south, east, north = to_degrees(plan.grids).total_bounds
    page.fit_bounds([[south, west], [north, east]])
    for part in page._children.values():
        part._id = part._id if isinstance(part, _PlanLayer) else part._name.lower()
    return page


# --- what the page is told -----------------------------------------------------------------------


def _tell_plan(
    plan: Plan, roster: pd.DataFrame, own: pd.DataFrame | None, shadings: list[Shading]
) -> dict[str, Any]:
    """Tell the grids, how they may be coloured, and what lies below them."""
    buildings = _tell_buildings(plan)
    return {
        "plan": plan.name,
        **_tell_grids(plan, roster, own),
        "shadings": [_tell_shading(shading) for shading in shadings],
        "lines": _tell_lines(plan),
        "compounds": buildings.pop("compounds"),
        "buildings": buildings,
    }


def _shade_grids(plan: Plan, roster: pd.DataFrame, own: pd.DataFrame | None) -> list[Shading]:
    measures = measure(plan).assign(deviation=roster["deviation"])
    shadings = [shade_deviation(measures, plan.rules)]
    shadings += [shade_column(roster[key], plan.grids) for key in _OWN[1:]]
    if own is not None:
        shadings += [shade_column(own[key].rename(str(key)), plan.grids) for key in own.columns]
    return shadings


def _tell_shading(shading: Shading) -> dict[str, Any]:
    return {
        "key": shading.key,
        "name": (name_column(shading.key, "zh"), name_column(shading.key, "en")),
        "title": shading.title,
        "colors": shading.colors,
        "labels": shading.labels,
        "classes": shading.classes.tolist(),
    }


def _tell_grids(plan: Plan, roster: pd.DataFrame, own: pd.DataFrame | None) -> dict[str, Any]:
    """Tell codes, names, counts and shapes of the grids, and the columns of the client's table."""
    number, _ = pd.factorize(plan.grids["community_id"])
    places = roster.groupby(number)[["community", "street"]].first()
    outlines = _simplify_grids(plan.grids)
    labels = gpd.GeoSeries(plan.grids.geometry.representative_point(), crs=plan.grids.crs)
    grids = {
        "code": roster.index.tolist(),
        "name": roster["name"].tolist(),
        "community": number.tolist(),
        "households": [None if pd.isna(count) else int(count) for count in roster["households"]],
        "deviation": ["" if pd.isna(off) else write_deviation(off) for off in roster["deviation"]],
        "buildings": roster["buildings"].tolist(),
        "label": _to_parts(labels, plan)[0].tolist(),
        "rings": _pack_shapes(outlines, plan),
    }
    columns = [] if own is None else [_tell_column(own[key]) for key in own.columns]
    origin = _origin(plan).tolist()
    return {
        "origin": origin,
        "communities": places.to_numpy().tolist(),
        "grids": grids,
        "columns": columns,
    }


def _tell_column(values: pd.Series) -> dict[str, Any]:
    key = str(values.name)
    told = values.astype(object).where(values.notna(), None)
    plain = [value.item() if hasattr(value, "item") else value for value in told]
    return {
        "title": (name_column(key, "zh"), name_column(key, "en")),
        "values": [
            value if isinstance(value, int | float | None) else str(value) for value in plain
        ],
    }


def _simplify_grids(grids: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Leave out what is not seen (half a metre); neighbours keep one border."""
    shapes = shapely.coverage_simplify(grids.geometry.to_numpy(), 0.5)
    return gpd.GeoSeries(shapes, crs=grids.crs)


def _tell_lines(plan: Plan) -> list[dict[str, Any]]:
    """Tell water, railways, streets and the borders of communities, lowest first."""
    city = plan.city
    communities = city.communities[["geometry"]].assign(kind="community")
    frame = pd.concat(
        [city.barriers[["kind", "geometry"]], city.streets[["kind", "geometry"]], communities]
    )
    frame = frame.assign(geometry=frame.geometry.simplify(0.5)).explode(ignore_index=True)
    frame["order"] = frame["kind"].map({kind: at for at, kind in enumerate(_LINES)}).fillna(9)
    frame = frame.sort_values("order", kind="stable")
    closed = frame.geom_type == "Polygon"
    rings = _pack_shapes(frame.geometry, plan)
    return [
        {"kind": kind, "closed": bool(area), "rings": shape}
        for kind, area, shape in zip(frame["kind"], closed, rings, strict=True)
    ]


def _tell_buildings(plan: Plan) -> dict[str, Any]:
    """Tell outline and name of each building, grid by grid, never its households."""
    buildings = plan.city.buildings
    buildings = buildings[buildings.geom_type != "Point"]
    if len(buildings) > _MOST_BUILDINGS:
        buildings = buildings.iloc[:0]
    owners = find_owners(plan, buildings)
    order = np.argsort(owners, kind="stable")
    buildings, owners = buildings.iloc[order], owners[order]
    number, compounds = pd.factorize(buildings["compound_id"])
    shapes = buildings.geometry.simplify(0.3).explode()
    largest = shapes.to_frame("geometry").assign(size=shapes.area.to_numpy())
    largest = largest.sort_values("size").groupby(level=0)["geometry"].last()
    outer = gpd.GeoSeries(largest.reindex(buildings.index), crs=buildings.crs).exterior
    return {
        "name": buildings["name"].tolist(),
        "compound": number.tolist(),
        "compounds": compounds.tolist(),
        "count": np.bincount(owners, minlength=len(plan.grids)).tolist(),
        "rings": [ring for [ring] in _pack_shapes(gpd.GeoSeries(outer), plan)],
    }


def _tell_changes(plan: Plan, changes: gpd.GeoDataFrame | None) -> list[dict[str, Any]]:
    if changes is None or not len(changes):
        return []
    missing = [name for name in ("old", "new", "households") if name not in changes.columns]
    if missing:
        raise TableError(f"changes have no column {', '.join(missing)}; compare_plans gives them")
    parts = changes.to_crs(plan.grids.crs).explode(ignore_index=True)
    parts = parts[parts.geom_type == "Polygon"]
    rings = _pack_shapes(parts.geometry.simplify(0.3), plan)
    rows = zip(parts["old"], parts["new"], parts["households"], rings, strict=True)
    return [
        {"old": str(old), "new": str(new), "households": int(homes), "rings": shape}
        for old, new, homes, shape in rows
    ]


# --- shapes as small whole numbers ---------------------------------------------------------------


def _origin(plan: Plan) -> npt.NDArray[np.int64]:
    """Return the corner in the south-west that shapes are counted from, in parts of a degree."""
    corner = to_degrees(plan.grids).total_bounds[:2]
    return np.floor(corner * _PARTS).astype(np.int64)


def _to_parts(
    shapes: gpd.GeoSeries, plan: Plan
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the vertices of lines in whole parts from the origin, and the row of each."""
    degrees = shapes.set_crs(plan.grids.crs, allow_override=True).to_crs("EPSG:4326").to_numpy()
    places, row = shapely.get_coordinates(degrees, return_index=True)
    return np.rint(places * _PARTS).astype(np.int64) - _origin(plan), row


def _pack_shapes(shapes: gpd.GeoSeries, plan: Plan) -> list[list[list[int]]]:
    """Write each polygon or line as its rings, each as steps in x and y from vertex to vertex.

    The first step is from where the ring before begins, the very first from the origin. The vertex
    that closes a ring is left out.
    """
    values = np.asarray(shapes.to_numpy())
    areas = shapely.get_type_id(values) == 3
    parts, owner = shapely.get_rings(values[areas], return_index=True)
    lines = np.concatenate([parts, values[~areas]])
    owners = np.concatenate([np.flatnonzero(areas)[owner], np.flatnonzero(~areas)])
    closed = np.concatenate([np.ones(len(parts), bool), np.zeros(int((~areas).sum()), bool)])
    places, row = _to_parts(gpd.GeoSeries(lines), plan)
    turn = np.argsort(owners, kind="stable")
    ends = np.searchsorted(row, np.arange(len(lines) + 1))
    packed: list[list[list[int]]] = [[] for _ in values]
    start = np.zeros((1, 2), np.int64)
    for at in turn:
        ring = places[ends[at] : ends[at + 1] - (1 if closed[at] else 0)]
        packed[owners[at]].append(np.diff(ring, axis=0, prepend=start).ravel().tolist())
        start = ring[:1]
    return packed


# --- one page without addresses ------------------------------------------------------------------


def _inline_page(page: str) -> str:
    """Put Leaflet into a rendered page, take out what it does not use, refuse the rest."""
    page = re.sub(r"<script src=\"([^\"]+)\"></script>", _strip_unused, page)
    page = re.sub(r"<link rel=\"stylesheet\" href=\"([^\"]+)\"\s*/>", _strip_unused, page)
    shown = _DATA.sub(r"\1\3", page)
    for pattern in _FETCHED:
        found = re.search(pattern, shown)
        if found:
            raise GridmapError(
                f"the map would fetch {found[1]}; add only layers that need no files"
            )
    inside = f"<style>{_leaflet_style()}</style><script>{_leaflet_script()}</script>"
    return page.replace("<head>", f"<head>{inside}", 1)


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
