"""How grids are coloured: classes with a colour and words, and the class of each grid.

The same shading fills the page, the figure and the sheets of the atlas. Only classes that some grid
has are in it, so a legend lists what is on the map. Blue is below, orange and red above: told apart
by those who don't see red and green alike.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.words import LANGUAGES, name_column

_FAR_BELOW, _BELOW, _BAND, _ABOVE, _FAR_ABOVE = (
    *("#6ba3cb", "#bcdcea", "#eef1e6"),
    *("#fbd0a6", "#e0705f"),
)
#: One hue from pale to dark, for amounts.
_AMOUNTS = ("#eef3e2", "#c9dfc3", "#93c4a8", "#559e8c", "#2b7372")
#: Pale and distinct, for kinds; neighbours get different ones.
_TINTS = (
    *("#cfe3d4", "#f3dcc2", "#d5dcef", "#efd3dd", "#e9e6b8", "#c9e6ea"),
    *("#e2d4ec", "#dcdcdc", "#f6c9b9", "#bcd3b0", "#b9c6e6", "#d8c3a5"),
)
_NOTHING = "#ffffff"
#: The most kinds that a legend lists one by one.
_MOST_KINDS = 12


@dataclass(frozen=True)
class Shading:
    """What fills the grids of a map.

    Parameters
    ----------
    key : str
        The column that it shows.
    title : tuple of str
        Of the legend, in Chinese and English.
    colors : tuple of str
        The colour of each class, as #rrggbb.
    labels : tuple of (str, str)
        Chinese and English words of each class; empty where colours only part neighbours.
    classes : array of int
        The class of each grid, in the plan's order.
    """

    key: str
    title: tuple[str, str]
    colors: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    classes: npt.NDArray[np.int64]

    def fills(self) -> list[str]:
        """Return the colour of each grid."""
        return [self.colors[at] for at in self.classes]


def shade_deviation(measures: pd.DataFrame, rules: Rules) -> Shading:
    """Shade by how far households are from the target, in steps of the tolerance.

    A grid at either end of the band is in it. An exclusive grid has no target to keep.
    """
    near, far = round(100 * rules.tolerance), round(200 * rules.tolerance)
    off = (100 * measures["deviation"]).round(9).to_numpy()
    classes = np.select(
        [np.isnan(off), off < -far, off < -near, off <= near, off <= far], [5, 0, 1, 2, 3], 4
    )
    labels = (
        (f"少 {far}% 以上", f"more than {far}% below"),
        (f"少 {near}–{far}%", f"{near}–{far}% below"),
        (f"±{near}% 以内", f"within ±{near}%"),
        (f"多 {near}–{far}%", f"{near}–{far}% above"),
        (f"多 {far}% 以上", f"more than {far}% above"),
        ("未公布", "not published"),
    )
    title = (f"户数与目标 {rules.target} 之差", f"Households against the target of {rules.target}")
    colors = (_FAR_BELOW, _BELOW, _BAND, _ABOVE, _FAR_ABOVE, _NOTHING)
    return drop_unused(Shading("deviation", title, colors, labels, classes))


def shade_column(values: pd.Series, grids: gpd.GeoDataFrame) -> Shading:
    """Shade by any column: numbers in five classes of equal counts, anything else by its kinds.

    Parameters
    ----------
    values : Series
        One value a grid, in the order of ``grids``; missing ones stay white.
    grids : GeoDataFrame
        `GRIDS`; neighbours of different kinds get different colours.
    """
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > len(_AMOUNTS):
        return drop_unused(_shade_amounts(values))
    return drop_unused(_shade_kinds(values, grids))


def _shade_amounts(values: pd.Series) -> Shading:
    numbers = values.to_numpy(float, na_value=np.nan)
    quantiles = np.nanquantile(numbers, np.linspace(0, 1, len(_AMOUNTS) + 1))
    step = 10 ** np.floor(np.log10(max(quantiles[-1] - quantiles[0], 1e-9)) - 1)
    limits = np.unique(np.round(quantiles[1:-1] / step) * step)
    known = np.searchsorted(limits, np.nan_to_num(numbers), side="right")
    ends = [_write_number(limit) for limit in limits]
    words = [
        (f"{ends[0]} 以下", f"below {ends[0]}"),
        *((f"{low} 至 {high} 以下", f"{low} to below {high}") for low, high in pairwise(ends)),
        (f"{ends[-1]} 及以上", f"{ends[-1]} and more"),
    ]
    colors = [_AMOUNTS[round(at)] for at in np.linspace(0, len(_AMOUNTS) - 1, len(words))]
    return _with_missing(values, tuple(colors), tuple(words), known)


def _shade_kinds(values: pd.Series, grids: gpd.GeoDataFrame) -> Shading:
    """Give each kind a colour; of many kinds only neighbours differ, and none is listed."""
    number, kinds = pd.factorize(values, sort=True)
    colour = _color_neighbours(number, grids)
    if len(kinds) > _MOST_KINDS:
        return _with_missing(
            values, _TINTS, (("", ""),) * len(_TINTS), np.append(colour, -1)[number]
        )
    if len(set(colour)) < len(kinds):
        colour = np.arange(len(kinds))
    words = tuple((_write_kind(kind),) * 2 for kind in kinds)
    return _with_missing(values, tuple(_TINTS[at] for at in colour), words, number)


def _with_missing(
    values: pd.Series,
    colors: tuple[str, ...],
    labels: tuple[tuple[str, str], ...],
    classes: npt.NDArray[np.int64],
) -> Shading:
    """Put grids without a value into a class of their own."""
    key = str(values.name)
    title = (name_column(key, "zh"), name_column(key, "en"))
    classes = np.where(values.isna(), len(colors), classes)
    return Shading(key, title, (*colors, _NOTHING), (*labels, ("无", "none")), classes)


def _color_neighbours(
    number: npt.NDArray[np.int64], grids: gpd.GeoDataFrame
) -> npt.NDArray[np.int64]:
    """Return a tint for each kind; kinds with grids side by side differ as far as tints go."""
    tree = shapely.STRtree(grids.geometry.to_numpy())
    first, second = tree.query(grids.geometry.to_numpy(), predicate="intersects")
    pairs = pd.DataFrame({"one": number[first], "other": number[second]})
    pairs = pairs[(pairs["one"] >= 0) & (pairs["other"] >= 0) & (pairs["one"] != pairs["other"])]
    beside = pairs.drop_duplicates().groupby("one")["other"].agg(list).to_dict()
    colour = np.full(number.max(initial=-1) + 1, -1)
    for kind in range(len(colour)):
        used = {colour[other] for other in beside.get(kind, [])}
        turn = [(kind + step) % len(_TINTS) for step in range(len(_TINTS))]
        colour[kind] = next((tint for tint in turn if tint not in used), turn[0])
    return colour


def find_owners(plan: Plan, shapes: gpd.GeoDataFrame) -> npt.NDArray[np.int64]:
    """Return the position of the grid that an inner point of each shape is in.

    A point in no grid belongs to the nearest one; of two grids that it touches the first counts.
    """
    points = shapes.geometry.representative_point().to_numpy()
    tree = shapely.STRtree(plan.grids.geometry.to_numpy())
    point, grid = tree.query(points, predicate="intersects")
    owners = np.full(len(points), len(plan.grids))
    np.minimum.at(owners, point, grid)
    lost = owners == len(plan.grids)
    owners[lost] = tree.nearest(points[lost])
    return owners


def shorten_number(name: str) -> str:
    """Return what is written on a building: the number at the end of its name or address.

    Examples
    --------
    >>> shorten_number("3号楼"), shorten_number("永园街144号"), shorten_number("TELOK BLANGAH 43A")
    ('3', '144', '43A')
    >>> shorten_number("市政府")
    ''
    """
    found = re.search(r"[0-9A-Za-z]*[0-9][0-9A-Za-z-]*(?=(号楼|号|栋|幢|座|#|楼)?$)", name)
    return found[0] if found else ""


def drop_unused(shading: Shading) -> Shading:
    """Leave out the classes that no grid has: a legend lists what is on the map."""
    used, classes = np.unique(shading.classes, return_inverse=True)
    return Shading(
        shading.key,
        shading.title,
        tuple(shading.colors[at] for at in used),
        tuple(shading.labels[at] for at in used),
        classes.astype(np.int64),
    )


def _write_number(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.6g}"


def _write_kind(kind: object) -> str:
    return _write_number(kind) if isinstance(kind, float) else str(kind)


def legend_rows(shading: Shading, lang: str) -> list[tuple[str, str]]:
    """Return colour and words of each class that has words."""
    at = LANGUAGES.index(lang)
    rows = zip(shading.colors, (words[at] for words in shading.labels), strict=True)
    return [(color, words) for color, words in rows if words]
