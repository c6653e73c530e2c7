"""The draft as a small picture, for whoever opens the notebook without a kernel."""

import io
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from PIL import Image, ImageDraw, ImageFont

from gridmap.editor.draft import Draft
from gridmap.editor.problems import find_problems
from gridmap.maps.fonts import font_path, printable
from gridmap.maps.look import shade_deviation

#: Pixels of the picture, of the strip below the map, and how much finer it is drawn.
WIDTH, HEIGHT, STRIP, FINER = 960, 600, 34, 2
_PAPER, _LINE, _COMMUNITY, _INK = "#fbfaf6", "#4d4b45", "#7a2d86", "#1d2733"
_HOUSE = "#b3ad9f"
_EXCLUSIVE = "#e4dcef"
_COLOURS = 64
#: So many grids are still drawn with buildings and stronger lines.
_FEW = 300
_WORDS = {
    "zh": "{name}网格 {grids} 个 · 达标 {share} · 静态图：运行此单元格即可编辑",
    "en": "{name}{grids} grids · {share} in band · a still picture: run this cell to edit",
}

Shapes = npt.NDArray[np.object_]


def draw_picture(draft: Draft, lang: str) -> bytes:
    """Return the draft as PNG: its grids by size, its communities, and what it is."""
    measures = draft.measure()
    page = Image.new("RGB", (FINER * WIDTH, FINER * (HEIGHT + STRIP)), _PAPER)
    _draw_map(ImageDraw.Draw(page), draft, measures)
    small = page.resize((WIDTH, HEIGHT + STRIP), Image.Resampling.BOX)
    _write(small, draft, measures, lang)
    out = io.BytesIO()
    small.quantize(_COLOURS, Image.Quantize.FASTOCTREE).save(out, "png", compress_level=4)
    return out.getvalue()


def _draw_map(pen: ImageDraw.ImageDraw, draft: Draft, measures: pd.DataFrame) -> None:
    frame = _fit(draft.start.units.total_bounds)
    fills = _fills_of(draft, measures)
    few, rings = len(fills) <= _FEW, list(_list_rings(_shapes_of(draft, measures.index), frame))
    for at, ring in rings:
        pen.polygon(ring, fill=fills[at])
    buildings = draft.start.city.buildings.geometry.to_numpy()
    areas = buildings[shapely.get_dimensions(buildings) == 2] if few else buildings[:0]
    for _, ring in _list_rings(areas, frame):
        pen.polygon(ring, fill=_HOUSE)
    for _, ring in rings:
        pen.line(ring, fill=_LINE, width=3 if few else 1)
    for _, ring in _list_rings(draft.start.city.communities.geometry.to_numpy(), frame):
        pen.line(ring, fill=_COMMUNITY, width=5 if few else 3)


def _shapes_of(draft: Draft, labels: pd.Index) -> Shapes:
    """Return the shape of each grid: the plan's own, or the union of its units if they changed."""
    plan = draft.start
    shapes = np.array(plan.grids.geometry.reindex(labels), object)
    moved = draft.grids != draft.before
    units = plan.units.geometry.to_numpy()
    for number in np.unique([draft.before[moved], draft.grids[moved]]):
        at = labels.get_indexer(pd.Index([draft.label(int(number))]))[0]
        if at >= 0:
            shapes[at] = shapely.union_all(units[draft.grids == number])
    return shapes


def _fills_of(draft: Draft, measures: pd.DataFrame) -> list[str]:
    fills = shade_deviation(measures, draft.rules).fills()
    alone = measures["grid_type"] == "exclusive"
    return [_EXCLUSIVE if each else fill for fill, each in zip(fills, alone, strict=True)]


def _fit(bounds: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return west, north and pixels a metre, so that the bounds are in the middle."""
    west, south, east, north = bounds
    margin = 12 * FINER
    wide, high = FINER * WIDTH - 2 * margin, FINER * HEIGHT - 2 * margin
    scale = min(wide / max(east - west, 1.0), high / max(north - south, 1.0))
    left = west - (margin + (wide - scale * (east - west)) / 2) / scale
    top = north + (margin + (high - scale * (north - south)) / 2) / scale
    return float(left), float(top), float(scale)


def _list_rings(
    shapes: Shapes, frame: tuple[float, float, float]
) -> Iterator[tuple[int, list[int]]]:
    """List the outer rings of shapes in pixels: which shape, and x and y in turn.

    The largest come first: what lies in the hole of a shape is a smaller one, drawn over it.
    """
    left, top, scale = frame
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings = shapely.get_exterior_ring(parts)
    points = (shapely.get_coordinates(rings) - (left, top)) * (scale, -scale)
    ends = np.cumsum(shapely.get_num_coordinates(rings))
    pixels = np.split(np.rint(points).astype(np.int64), ends[:-1])
    for at in np.argsort(-shapely.area(parts), kind="stable"):
        yield int(owner[at]), pixels[at].ravel().tolist()


def _write(page: Image.Image, draft: Draft, measures: pd.DataFrame, lang: str) -> None:
    """Write the name of the plan, its grids and how many keep to the band."""
    base = measures[measures["grid_type"] == "base"]
    wrong = find_problems(base, draft.rules)[["over", "under", "empty"]].any(axis=1)
    share = f"{100 * (1 - wrong.mean()):.1f}%" if len(base) else "–"
    name = f"{draft.start.name} · " if draft.start.name else ""
    text = _WORDS[lang].format(name=name, grids=len(measures), share=share)
    font = ImageFont.truetype(str(font_path()), 16)
    ImageDraw.Draw(page).text((14, HEIGHT + 6), printable(text), font=font, fill=_INK)
