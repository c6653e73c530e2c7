"""Figures for reports: a plan as a picture, and how even it is. matplotlib, with Chinese glyphs."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager
from matplotlib.patches import Patch
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke

from gridmap.errors import GridmapError
from gridmap.files import write_whole
from gridmap.maps.fonts import FAMILY, font_path, printable
from gridmap.maps.look import Shading, legend_rows, shade_column, shade_deviation
from gridmap.measure import base_band, measure
from gridmap.plan import Plan
from gridmap.rosters import gather_columns, make_roster
from gridmap.words import check_language

_INK, _FAINT, _PAPER = "#1d1c19", "#5b5953", "#ffffff"
_OUTLINE, _COMMUNITY, _RIVER, _RAILWAY = "#55534d", "#7a2d86", "#2f9fb3", "#4a4a4a"
_CHANGED = "#b3261e"
_LENGTHS = (50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000, 20_000)
_WORDS = {
    "internal": ("内部使用（未经地图审核）", "Internal use – not for publication"),
    "approval": ("审图号：", "Map approval no. "),
    "north": ("北", "N"),
    "changes": ("变更区域", "Changed areas"),
    "grids": ("个网格", "grids"),
    "households": ("每网格户数", "Households of a grid"),
    "count": ("网格数", "Grids"),
    "target": ("目标", "Target"),
    "band": ("允许范围", "Band"),
    "within": ("偏差不超过", "Deviation of at most"),
    "share": ("网格占比", "Share of the grids"),
    "balance": ("各网格户数分布", "Households of the grids"),
    "cumulated": ("偏差累计分布", "Grids within a deviation"),
    "median": ("中位数", "median"),
    "worst": ("最大偏差", "worst"),
    "in_band": ("达标", "in the band"),
}


class PlanFigure(Figure):
    """A matplotlib figure that a notebook shows without pyplot; `save` writes it whole."""

    def save(self, path: str | Path) -> None:
        """Write the figure as .png, .svg or .pdf: complete or not there, and without a date."""
        suffix = Path(path).suffix.lower()
        dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
        with (
            write_whole(path) as draft,
            mpl.rc_context({"svg.hashsalt": FAMILY, "pdf.fonttype": 42}),
        ):
            self.savefig(draft, dpi=200, metadata=dates.get(suffix))

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=110)
        return picture.getvalue()


def figure_plan(
    plan: Plan,
    *,
    color: str = "deviation",
    table: pd.DataFrame | None = None,
    changes: gpd.GeoDataFrame | None = None,
    title: str | None = None,
    lang: str = "zh",
    approval: str = "",
) -> PlanFigure:
    """Draw a plan as a figure for a report.

    Parameters
    ----------
    plan : Plan
        The plan.
    color : str
        What fills the grids: ``deviation``, ``households``, ``community``, ``buildings`` or a
        column of ``table``.
    table : DataFrame, optional
        With ``grid_code`` as index or column.
    changes : GeoDataFrame, optional
        Areas that change grid, drawn over it.
    title : str, optional
        By default the name of the city and of the plan.
    lang : {"zh", "en"}
        Language of legend and marks.
    approval : str
        The map's approval number (审图号); without one the figure is marked 内部使用. With one,
        counts below ``plan.rules.min_cell`` are hidden.

    Returns
    -------
    PlanFigure
        A `matplotlib.figure.Figure`. Names of communities are written where there is room, codes of
        no grid.

    Raises
    ------
    GridmapError
        If ``color`` or ``lang`` is none of those.
    """
    check_language(lang)
    shading = _choose_shading(plan, color, table, approval)
    with _own_font():
        figure = PlanFigure(figsize=_size_figure(plan), facecolor=_PAPER, layout="constrained")
        axes = figure.add_subplot()
        _draw_ground(axes, plan, shading)
        marks = _draw_changes(axes, changes, plan, lang)
        _frame_map(axes, plan)
        _name_communities(axes, plan, figure.get_figwidth())
        _draw_legend(axes, [*legend_rows(shading, lang), *marks], shading, lang)
        axes.set_title(printable(_name(plan, title)), loc="left", fontsize=14, color=_INK)
        _mark_figure(axes, lang, approval)
    return figure


def figure_balance(plan: Plan, *, title: str | None = None, lang: str = "zh") -> PlanFigure:
    """Draw how even a plan is: households of its grids, and how many are how near the target.

    Parameters
    ----------
    plan : Plan
        The plan. Exclusive grids, which have no target, are left out.
    title : str, optional
        By default the name of the city and of the plan.
    lang : {"zh", "en"}
        Language of the words.

    Returns
    -------
    PlanFigure
        A `matplotlib.figure.Figure` with two axes.

    Raises
    ------
    GridmapError
        If ``lang`` is none of those, or the plan has only exclusive grids.
    """
    check_language(lang)
    measures = measure(plan)
    base = measures[measures["grid_type"] == "base"]
    if base.empty:
        raise GridmapError("the plan has only exclusive grids, which have no target to keep")
    with _own_font():
        figure = PlanFigure(figsize=(10, 4.2), facecolor=_PAPER, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        _draw_histogram(left, base, plan, lang)
        _draw_within(right, base, plan, lang)
        figure.suptitle(printable(_name(plan, title)), x=0.01, ha="left", fontsize=14, color=_INK)
    return figure


def _name(plan: Plan, title: str | None) -> str:
    if title is not None:
        return title
    return " · ".join(filter(None, dict.fromkeys((plan.city.name, plan.name))))


def _choose_shading(plan: Plan, color: str, table: pd.DataFrame | None, approval: str) -> Shading:
    roster = make_roster(plan, min_cell=plan.rules.min_cell if approval else 0)
    own = pd.DataFrame(index=plan.grids.index) if table is None else gather_columns(table, plan)
    if color == "deviation":
        measures = measure(plan).assign(deviation=roster["deviation"])
        return shade_deviation(measures, plan.rules)
    if color in own.columns:
        return shade_column(own[color], plan.grids)
    if color not in ("households", "community", "buildings"):
        known = ("deviation", "households", "community", "buildings", *own.columns)
        raise GridmapError(f"color is {color!r}; choose {', '.join(map(str, known))}")
    return shade_column(roster[color], plan.grids)


# --- the map -------------------------------------------------------------------------------------


def _size_figure(plan: Plan) -> tuple[float, float]:
    """Return inches that fit the city's shape."""
    west, south, east, north = plan.grids.total_bounds
    ratio = min(max((east - west) / (north - south), 0.6), 2.0)
    return (round(7.5 * ratio**0.5 + 1, 1), round(7.5 / ratio**0.5 + 0.8, 1))


def _draw_ground(axes: Axes, plan: Plan, shading: Shading) -> None:
    """Draw grids in their colours, water and railways, borders of communities, main streets."""
    shapes = [_outline(shape) for shape in plan.grids.geometry]
    axes.add_collection(PathCollection(shapes, facecolors=shading.fills(), linewidths=0))
    streets, barriers = plan.city.streets, plan.city.barriers
    _draw_lines(axes, streets[streets["kind"] == "main_road"], "#ffffff", 1.2)
    _draw_lines(axes, plan.grids, _OUTLINE, 0.3 if len(plan.grids) > 300 else 0.7)
    _draw_lines(axes, barriers[barriers["kind"] == "river"], _RIVER, 2.4)
    _draw_lines(axes, barriers[barriers["kind"] == "railway"], _RAILWAY, 1.0, "--")
    _draw_lines(axes, plan.city.communities, _COMMUNITY, 0.8)


def _outline(shape: shapely.Geometry) -> Outline:
    """Return an area as one path, holes and parts included."""
    rings = [np.asarray(ring.coords) for part in shapely.get_parts(shape) for ring in _rings(part)]
    return Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))


def _rings(area: shapely.Polygon) -> Sequence[Any]:
    return [area.exterior, *area.interiors]


def _draw_lines(
    axes: Axes, frame: gpd.GeoDataFrame, color: str, width: float, dashes: str = "-"
) -> None:
    """Draw lines, and areas by their outline."""
    shapes = frame.geometry.to_numpy()
    areas = shapely.get_dimensions(shapes) == 2
    lines = np.concatenate([shapes[~areas], shapely.boundary(shapes[areas])])
    parts = [shapely.get_coordinates(part) for part in shapely.get_parts(lines)]
    axes.add_collection(LineCollection(parts, colors=color, linewidths=width, linestyles=dashes))


def _draw_changes(
    axes: Axes, changes: gpd.GeoDataFrame | None, plan: Plan, lang: str
) -> list[tuple[str, str]]:
    """Draw areas that change grid; return their row of the legend."""
    if changes is None or changes.empty:
        return []
    shapes = changes.to_crs(plan.grids.crs).geometry
    areas = [_outline(shape) for shape in shapes if shapely.get_dimensions(shape) == 2]
    axes.add_collection(
        PathCollection(areas, facecolors=f"{_CHANGED}66", edgecolors=_CHANGED, linewidths=1)
    )
    return [(f"{_CHANGED}66", _say("changes", lang))]


def _frame_map(axes: Axes, plan: Plan) -> None:
    west, south, east, north = plan.grids.total_bounds
    margin = 0.02 * max(east - west, north - south)
    axes.set(xlim=(west - margin, east + margin), ylim=(south - margin, north + margin))
    axes.set_aspect("equal")
    axes.set_axis_off()


def _name_communities(axes: Axes, plan: Plan, inches: float) -> None:
    """Write the names of the largest communities, as far as none is written over another."""
    communities = plan.city.communities
    places = communities.geometry.representative_point()
    west, _, east, _ = plan.grids.total_bounds
    sign = (east - west) / (inches * 9)  # metres that a character takes
    taken: list[tuple[float, float, float, float]] = []
    for key in communities.geometry.area.sort_values(ascending=False, kind="stable").index:
        name, x, y = str(communities.at[key, "name"]), places[key].x, places[key].y
        half = sign * len(name) / 2
        box = (x - half, y - sign / 2, x + half, y + sign / 2)
        if name and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            words = axes.text(x, y, printable(name), ha="center", va="center", fontsize=7.5)
            words.set(color=_INK, path_effects=[withStroke(linewidth=2.5, foreground="#ffffffd0")])


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _draw_legend(axes: Axes, rows: list[tuple[str, str]], shading: Shading, lang: str) -> None:
    """List what is on the map, below it."""
    if not rows:
        return
    patches = [Patch(facecolor=color, edgecolor=_OUTLINE, linewidth=0.5) for color, _ in rows]
    title = shading.title[0 if lang == "zh" else 1]
    axes.legend(
        patches,
        [printable(words) for _, words in rows],
        title=printable(title),
        loc="upper center",
        bbox_to_anchor=(0.5, -0.03),
        ncols=min(len(rows), 5),
        frameon=False,
        fontsize=9,
    )


def _mark_figure(axes: Axes, lang: str, approval: str) -> None:
    """Draw scale bar and north arrow, and say what the map may be used for."""
    west, east = axes.get_xlim()
    south, _ = axes.get_ylim()
    length = max((size for size in _LENGTHS if size <= (east - west) / 5), default=_LENGTHS[0])
    axes.plot([west, west + length], [south, south], color=_INK, linewidth=3, clip_on=False)
    words = f"{length} m" if length < 1000 else f"{length / 1000:g} km"
    place = (west + length, south)
    label = axes.annotate(words, place, (4, 0), textcoords="offset points", annotation_clip=False)
    label.set(fontsize=8.5, color=_INK)
    arrow = {"arrowstyle": "-|>", "color": _INK, "lw": 1.2}
    top, foot = (0.985, 1.0), (0.985, 0.94)
    axes.annotate("", top, foot, xycoords="axes fraction", arrowprops=arrow)
    axes.text(0.985, 0.935, _say("north", lang), transform=axes.transAxes, ha="center", va="top")
    said = f"{_say('approval', lang)}{approval}" if approval else _say("internal", lang)
    mark = axes.text(1, -0.005, printable(said), transform=axes.transAxes, ha="right", va="top")
    mark.set(fontsize=8.5, color=_FAINT if approval else "#9b1c14")


# --- the balance ---------------------------------------------------------------------------------


def _draw_histogram(axes: Axes, base: pd.DataFrame, plan: Plan, lang: str) -> None:
    homes = base["households"]
    step = max(1, round((homes.max() - homes.min()) / 30))
    first = int(homes.min() // step * step)
    edges = np.arange(first, homes.max() + 2 * step, step).tolist()
    axes.hist(homes, edges, color="#7fa8a0", rwidth=0.92)
    targets = pd.Series([plan.rules.target])
    low, high = (int(end.iloc[0]) for end in base_band(targets, plan.rules))
    band = f"{_say('band', lang)} {low}–{high}"
    axes.axvspan(low, high, color="#eef1e6", zorder=0, label=band)
    target = f"{_say('target', lang)} {plan.rules.target:g}"
    axes.axvline(plan.rules.target, color=_CHANGED, linewidth=1.2, label=target)
    _dress_axes(axes, _say("balance", lang), _say("households", lang), _say("count", lang))
    place = (1.0, 1.0)  # above the axes: in the band its sign would not be seen
    axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=place, ncols=2)
    words = f"{len(base)} {_say('grids', lang)} · {_say('median', lang)} {homes.median():g}"
    axes.text(0.99, 0.97, words, transform=axes.transAxes, ha="right", va="top", fontsize=9)


def _draw_within(axes: Axes, base: pd.DataFrame, plan: Plan, lang: str) -> None:
    off = 100 * np.sort(base["deviation"].abs().to_numpy())
    share = 100 * np.arange(1, len(off) + 1) / len(off)
    limit = 100 * plan.rules.tolerance
    most = max(1.5 * limit, float(np.quantile(off, 0.995)) * 1.1)
    ends = np.r_[0, off, max(most, off[-1])], np.r_[0, share, 100]
    axes.step(*ends, where="post", color="#2b7372", linewidth=1.8)
    axes.axvline(limit, color=_CHANGED, linewidth=1.2)
    inside = 100 * (off <= limit + 1e-9).mean()
    words = (
        f"{inside:.1f}% {_say('in_band', lang)} (±{limit:g}%)\n{_say('worst', lang)} {off[-1]:.0f}%"
    )
    label = axes.text(0.97, 0.06, words, transform=axes.transAxes, ha="right", va="bottom")
    label.set(fontsize=9, bbox={"facecolor": _PAPER, "edgecolor": "none", "pad": 2})
    axes.set(ylim=(0, 103), xlim=(0, most))
    x_words = f"{_say('within', lang)} (%)"
    _dress_axes(axes, _say("cumulated", lang), x_words, f"{_say('share', lang)} (%)")


def _dress_axes(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.set_xlabel(x, color=_FAINT)
    axes.set_ylabel(y, color=_FAINT)
    axes.tick_params(labelfontfamily=FAMILY, labelsize=9, colors=_FAINT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color="#e4e2da", linewidth=0.6)


@contextmanager
def _own_font() -> Iterator[None]:
    """Write in the font that is carried along, and leave matplotlib's settings as they were."""
    if FAMILY not in {entry.name for entry in fontManager.ttflist}:
        fontManager.ttflist.append(FontEntry(fname=str(font_path()), name=FAMILY))
    with mpl.rc_context({"font.family": FAMILY, "axes.unicode_minus": True}):
        yield


def _say(key: str, lang: str) -> str:
    return _WORDS[key][0 if lang == "zh" else 1]
