"""Fill blocks with buildings: estates of walk-ups and towers, shops, schools, parks."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely

from gridmap.synthetic.blocks import Blocks
from gridmap.synthetic.figures import Flags, Floats, Geometries, Geometry, Ints


class _Form(NamedTuple):
    """How buildings of one kind stand: metres, storeys, households."""

    depth: float
    gap: float  # between neighbours of a row
    yard: float  # between rows, whatever the height
    shade: float  # more of it for each storey: the sun reaches the ground floor in winter
    lengths: tuple[float, float]
    module: float  # lengths are whole numbers of it; 0: any length
    floors: tuple[int, int]
    kept: float  # share of the places that are built on
    households: tuple[int, int]  # fewest and most
    walled: bool  # stands in a compound


_ENTRANCE = 15.0  # m of a slab to an entrance
_FORMS = {
    "walk_up": _Form(12, 7, 4, 2.8, (30, 75), _ENTRANCE, (5, 7), 0.98, (20, 84), True),
    "tower": _Form(17, 15, 24, 0.3, (27, 42), 0, (18, 33), 0.95, (68, 264), True),
    "low_rise": _Form(8, 4, 7, 0, (9, 22), 0, (1, 3), 0.94, (1, 10), False),
    "villa": _Form(11, 10, 15, 0, (11, 14), 0, (2, 3), 0.96, (1, 2), True),
    "shop": _Form(11, 5, 0, 0, (12, 36), 0, (1, 4), 0.94, (0, 0), False),
    "office": _Form(22, 18, 24, 0, (24, 52), 0, (3, 20), 0.85, (0, 0), False),
    "school": _Form(14, 18, 30, 0, (36, 60), 0, (3, 5), 0.55, (0, 0), False),
    "park": _Form(10, 80, 90, 0, (10, 16), 0, (1, 1), 0.10, (0, 0), False),
}
_KINDS = tuple(_FORMS)

#: Share of the land, first scattered over the whole city, then of the rest from the centre out.
_SCATTERED = (("park", 0.04), ("school", 0.035))
_RINGS = (("office", 0.05), ("walk_up", 0.56), ("tower", 0.215), ("low_rise", 0.15), ("villa", 1.0))


class _Row(NamedTuple):
    """Buildings of one plot or street front, before they are put in one table."""

    block: int
    plot: int  # the walled compound, or -1
    kind: int  # place in `_KINDS`
    angle: float
    centre: Floats  # (n, 2) m
    size: Floats  # (n, 2) m
    floors: Ints  # (n,)


class Stock(NamedTuple):
    """Every building of the city."""

    block: Ints
    plot: Ints
    kind: Ints
    shape: Geometries
    floors: Ints
    dwellings: Floats  # homes that are lived in; fractions are rounded when the total is settled

    def pick(self, rows: Any) -> "Stock":
        """Return the buildings of some rows, or all in another order."""
        return Stock(
            *(self.block[rows], self.plot[rows], self.kind[rows]),
            *(self.shape[rows], self.floors[rows], self.dwellings[rows]),
        )


def fill_blocks(rng: np.random.Generator, blocks: Blocks) -> Stock:
    """Build on every block, as its use is."""
    uses = _zone_blocks(rng, blocks)
    rows: list[_Row] = []
    plots = 0
    built = np.flatnonzero(~blocks.strip)
    for block, own in zip(built, rng.spawn(len(built)), strict=True):
        ground = shapely.buffer(
            blocks.shape[block], -14.0 if blocks.busy[block] else -9.0, join_style="mitre"
        )
        for line in blocks.dead_ends.get(int(block), ()):
            ground = shapely.difference(ground, shapely.buffer(line, 8.0))
        use = uses[block]
        if use not in ("office", "school", "park"):
            fronts, ground = _line_streets(own, int(block), ground)
            rows += fronts
        angle = float(blocks.angle[block])
        for plot in _divide_plots(own, _clear_corners(ground), angle, use):
            rows += _fill_plot(own, (int(block), plots), plot, angle, use)
            plots += 1
    return _collect_stock(rng, rows)


def _zone_blocks(rng: np.random.Generator, blocks: Blocks) -> Geometries:
    """Give each block its use, in shares of the land that hold for few blocks too."""
    area = np.where(blocks.strip, 0.0, shapely.area(blocks.shape))
    centres = shapely.get_coordinates(shapely.centroid(blocks.shape))
    reach = np.sqrt(area.sum() / np.pi)
    away = np.hypot(*(centres - centres.mean(axis=0)).T) / reach
    uses = _share_out(rng.random(len(area)), area, _SCATTERED, "")
    score = away + rng.normal(0, 0.42, len(area))
    rest = uses == ""
    uses[rest] = _share_out(score[rest], area[rest], _RINGS, "villa")
    # A block of towers alone must not be more than a community holds.
    uses[(uses == "tower") & (area > 60_000)] = "walk_up"
    return uses


def _share_out(
    score: Floats, area: Floats, shares: tuple[tuple[str, float], ...], last: str
) -> Geometries:
    """Hand out the land in the order of ``score``, each use its share of the area."""
    order = np.argsort(score, kind="stable")
    middle = np.cumsum(area[order]) - area[order] / 2
    limits = np.cumsum([share for _, share in shares]) * area.sum()
    names = np.array([*(name for name, _ in shares), last], object)
    uses = np.empty(len(area), object)
    uses[order] = names[np.searchsorted(limits, middle, side="right")]
    return uses


def _line_streets(
    rng: np.random.Generator, block: int, ground: Geometry
) -> tuple[list[_Row], Geometry]:
    """Put shops along some sides of a block; return them and the ground that is left."""
    form, kind = _FORMS["shop"], _KINDS.index("shop")
    rows = []
    left = ground
    for start, end in _long_sides(ground):
        if rng.random() > 0.46:
            continue
        length = float(np.hypot(*(end - start)))
        along = (end - start) / length
        places, widths = _set_in_row(rng, form, length - 36)
        centre = start + np.outer(places + 18, along) + form.depth / 2 * along[::-1] * (-1, 1)
        size = np.stack([widths, np.full(len(widths), form.depth)], axis=1)
        angle = float(np.arctan2(along[1], along[0]))
        floors = rng.integers(*form.floors, len(widths), endpoint=True)
        rows.append(_Row(block, -1, kind, angle, centre, size, floors))
        band = shapely.linestrings([start, end])
        left = shapely.difference(left, shapely.buffer(band, form.depth + 6, cap_style="flat"))
    return rows, left


def _long_sides(ground: Geometry) -> Iterator[tuple[Floats, Floats]]:
    """Yield the sides of 70 m and more, with the ground on their left."""
    if ground.geom_type != "Polygon" or ground.is_empty:
        return
    ring = shapely.orient_polygons(shapely.simplify(ground, 2.5)).exterior
    # `orient_polygons` turns exteriors counter-clockwise: the inside is on the left.
    corners = shapely.get_coordinates(ring)
    for start, end in pairwise(corners):
        if np.hypot(*(end - start)) >= 70:
            yield start, end


def _clear_corners(ground: Geometry) -> Geometry:
    """Return the largest part of the ground, without necks and corners under 16 m wide."""
    opened = shapely.buffer(
        shapely.buffer(ground, -8.0, join_style="mitre"), 8.0, join_style="mitre"
    )
    parts = shapely.get_parts(opened)
    return parts[np.argmax(shapely.area(parts))] if len(parts) else shapely.Polygon()


def _divide_plots(
    rng: np.random.Generator, ground: Geometry, angle: float, use: str
) -> list[Geometry]:
    """Divide a block's ground into plots, laid level: turned by ``-angle`` about the origin."""
    level = _turn(ground, -angle)
    if level.is_empty:
        return []
    west, south, east, north = level.bounds
    size = {"walk_up": 22_000, "tower": 26_000, "low_rise": 22_000}.get(use, 40_000)
    parts = max(1, round(level.area / (size * rng.uniform(0.8, 1.4))))
    wide = east - west >= north - south
    cuts = np.linspace(west, east, parts + 1) if wide else np.linspace(south, north, parts + 1)
    lanes = [cuts[0] - 5, *cuts[1:-1], cuts[-1] + 5]  # neighbours stand 10 m apart
    boxes = [
        shapely.box(low + 5, south, high - 5, north)
        if wide
        else shapely.box(west, low + 5, east, high - 5)
        for low, high in pairwise(lanes)
    ]
    return list(shapely.intersection(level, np.array(boxes))) if parts > 1 else [level]


def _turn(shape: Geometry, angle: float) -> Geometry:
    cos, sin = np.cos(angle), np.sin(angle)
    return shapely.transform(shape, lambda points: points @ np.array([[cos, sin], [-sin, cos]]))


def _fill_plot(
    rng: np.random.Generator, place: tuple[int, int], ground: Geometry, angle: float, use: str
) -> list[_Row]:
    """Set rows of buildings on a plot, the long sides facing south."""
    use = _vary_use(rng, use)
    form = _FORMS[use]
    usual = int(rng.integers(*form.floors, endpoint=True))
    spots = list(_lay_rows(rng, ground, form, usual))
    if not spots:
        return []
    box = _keep_inside(ground, np.concatenate(spots))
    box = box[rng.random(len(box)) < form.kept]
    floors = np.clip(usual + rng.integers(-1, 2, len(box)), *form.floors)
    cos, sin = np.cos(angle), np.sin(angle)
    centre = box[:, :2] @ np.array([[cos, sin], [-sin, cos]])
    block, plot = place
    walled = plot if form.walled else -1
    return [_Row(block, walled, _KINDS.index(use), angle, centre, box[:, 2:], floors)]


def _vary_use(rng: np.random.Generator, use: str) -> str:
    """Mix homes: some plots of a block have another kind than the rest."""
    homes = ["walk_up", "tower", "low_rise"]
    if use in homes and rng.random() < 0.16:
        return str(rng.choice(homes, p=[0.5, 0.25, 0.25]))
    return use


def _keep_inside(ground: Geometry, box: Floats) -> Floats:
    """Keep the boxes (centre and size, level) that lie inside the ground."""
    shapely.prepare(ground)
    low, high = box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2
    return box[shapely.contains(ground, shapely.box(*low.T, *high.T))]


def _lay_rows(
    rng: np.random.Generator, ground: Geometry, form: _Form, floors: int
) -> Iterator[Floats]:
    """Yield the buildings of each row: centre and size, (n, 4), before they are cut to fit."""
    if ground.is_empty:
        return
    west, south, east, north = ground.bounds
    room = north - south - form.depth - 1
    if room < 0:
        return
    count = int(room // (form.depth + form.yard + form.shade * floors)) + 1
    edge = form.depth / 2 + 0.5
    middles = np.linspace(south + edge, north - edge, count) if count > 1 else [(south + north) / 2]
    corners = shapely.get_coordinates(shapely.get_parts(ground))
    for y in middles:
        west, east = _span_row(corners, y, form.depth / 2)
        places, widths = _set_in_row(rng, form, east - west)
        yield np.stack(
            [places + west, np.full(len(places), y), widths, np.full(len(places), form.depth)],
            axis=1,
        )


def _span_row(corners: Floats, y: float, half: float) -> tuple[float, float]:
    """Return how far a row reaches west and east inside a ring."""
    (x0, y0), (x1, y1) = corners[:-1].T, corners[1:].T
    reach = []
    for level in (y - half, y + half):
        crosses = (y0 <= level) != (y1 <= level)
        slope = (x1 - x0)[crosses] / (y1 - y0)[crosses]
        reach.append(x0[crosses] + (level - y0[crosses]) * slope)
    if not all(map(len, reach)):
        return 0.0, 0.0
    return max(side.min() for side in reach) + 0.5, min(side.max() for side in reach) - 0.5


def _set_in_row(rng: np.random.Generator, form: _Form, width: float) -> tuple[Floats, Floats]:
    """Set buildings side by side: the places of their middles, and their lengths."""
    low, high = form.lengths
    most = max(0, int((width + form.gap) // (low + form.gap)))
    lengths = rng.uniform(low - 0.49 * form.module, high + 0.49 * form.module, most)
    lengths = np.round(lengths / form.module) * form.module if form.module else lengths
    ends = np.cumsum(lengths + form.gap)
    count = int(np.searchsorted(ends, width + form.gap, side="right"))
    if not count:
        return np.zeros(0), np.zeros(0)
    lengths, ends = lengths[:count], ends[:count]
    slack = (width + form.gap - ends[-1]) / count
    return ends - form.gap - lengths / 2 + slack * (np.arange(count) + 0.5), lengths


def _collect_stock(rng: np.random.Generator, rows: list[_Row]) -> Stock:
    """Put all rows in one table, with the homes of each building; drop what would overlap."""
    counts = [len(row.floors) for row in rows]
    block, plot, kind, angle = (
        np.repeat(np.array([row[column] for row in rows]), counts) for column in range(4)
    )
    centre, size = (np.concatenate([row[column] for row in rows]) for column in (4, 5))
    floors = np.concatenate([row.floors for row in rows])
    shape = _draw_boxes(centre, size, angle)
    dwellings = np.zeros(len(shape))
    for number, name in enumerate(_KINDS):
        ours = kind == number
        dwellings[ours] = _count_homes(rng, name, plot[ours], floors[ours], size[ours, 0])
    stock = Stock(block, plot, kind, shape, floors, dwellings)
    return stock.pick(_find_clear(shape))


def _draw_boxes(centre: Floats, size: Floats, angle: Floats) -> Geometries:
    """Draw rectangles, turned by ``angle``, to the millimetre."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x = size[:, :1] / 2 * np.array([-1, 1, 1, -1])
    y = size[:, 1:] / 2 * np.array([-1, -1, 1, 1])
    corners = np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)
    return shapely.polygons(np.round(corners + centre[:, None], 3))


def _find_clear(shape: Geometries) -> Flags:
    """Tell which buildings keep 1.5 m from those before them."""
    later, before = shapely.STRtree(shape).query(shape, predicate="dwithin", distance=1.5)
    clear = np.ones(len(shape), bool)
    clear[later[later > before]] = False
    return clear


def _count_homes(
    rng: np.random.Generator, kind: str, plot: Ints, floors: Ints, length: Floats
) -> Floats:
    """Count the homes that are lived in, from storeys, entrances and flats on a landing."""
    lived_in = rng.uniform(0.9, 1.0, len(floors))
    by_plot = rng.random(plot.max(initial=0) + 1)[plot]  # an estate is of one design
    if kind == "walk_up":
        flats = np.where(by_plot < 0.4, 2, 3)
        return floors * np.round(length / _ENTRANCE) * flats * lived_in
    if kind == "tower":
        return floors * np.array([4, 4, 5, 6])[(by_plot * 4).astype(int)] * lived_in
    if kind == "low_rise":
        return (rng.poisson(1.6, len(floors)) + length / 12) * lived_in
    return rng.uniform(0.6, 2.4, len(floors)) if kind == "villa" else np.zeros(len(floors))


def settle_households(stock: Stock, total: int) -> Stock:
    """Scale the homes of every building, within what its kind holds, to come to ``total``."""
    least, most = np.array([form.households for form in _FORMS.values()])[stock.kind].T
    low, high = 0.2, 5.0
    for _ in range(50):
        scale = (low + high) / 2
        homes = np.clip(np.round(stock.dwellings * scale), least, most)
        low, high = (scale, high) if homes.sum() < total else (low, scale)
    return stock._replace(dwellings=np.clip(np.round(stock.dwellings * high), least, most))
