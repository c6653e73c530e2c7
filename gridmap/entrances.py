"""Divide large buildings into their entrances (单元), so that a grid need not hold them whole.

A slab with 600 households can't be one grid of at most 500. What one sees of it on the ground are
its entrances: stairs side by side, each with its own door. So a building is divided across its long
axis, never by storeys.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.city import City
from gridmap.errors import TableError
from gridmap.reading.findings import CityReport, Finding
from gridmap.tables import COUNTS

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]

#: A part without known entrances has at most this share of the limit. With the usual limit of 360
#: that is 90 households, less than the width of the band of a grid (240 to 360): a grid that takes
#: such parts one after the other comes into the band at some number of them.
_SHARE = 1 / 4
#: Metres between the parts of a building that is a point, first to last: the distance of two doors
#: where there is room for it, less where there is not.
_SPACINGS = (8.0, 4.0, 2.0, 1.0)
#: How near the parts may come to another building: this share of the way to it.
_REACH = 0.4
#: The ways in which the parts of a point stand, in turns of 45°: W to E as slabs do that face the
#: sun, then S to N, then the diagonals.
_WAYS = (0, 2, 1, 3)
#: Metres: where entrances are nearer to each other along the building, their places tell no order.
_APART = 0.5
#: Metres between a point and a line of parts that begins beside it: it may stand on a street.
_ASIDE = 0.1
#: Halvings in the search for a cut: far below a micrometre of any building.
_HALVINGS = 60


class _Parts(NamedTuple):
    """What a building is divided into: a name and the households of each part, W to E."""

    names: list[str]
    households: list[int]
    known: bool  #: whether the parts are entrances that were named or counted
    spots: Array | None  #: the position of each entrance, if all of them have one
    source: str  #: where that is from, in words


@dataclass(frozen=True)
class _Surroundings:
    """What the parts of a point must keep to."""

    communities: gpd.GeoSeries
    lines: shapely.STRtree
    buildings: shapely.STRtree

    def gap(self, point: Any) -> float:
        """Return the metres to the nearest other building, infinite where there is none."""
        _, metres = self.buildings.query_nearest(point, exclusive=True, return_distance=True)
        return float(metres[0]) if len(metres) else np.inf


def divide_buildings(city: City, limit: int | pd.Series) -> City:
    """Divide the buildings with more than ``limit`` households into their entrances.

    The entrances are those of the table ``entrances``; else as many as the building's column
    ``entrances`` says; else the least number of equal parts that have at most a quarter of the
    limit each. A building that is said to have one entrance stays whole.

    Parameters
    ----------
    city : City
        The city as read. Buildings of exactly ``limit`` households stay whole, and so do the parts
        of an earlier division.
    limit : int or Series
        Households, 1 or more: one number, or building_id -> number, as
        `gridmap.targets.building_limits` gives them. A building without a limit stays whole.

    Returns
    -------
    City
        Each such building is replaced, in its place in the table, by parts "ID-1单元",
        "ID-2单元" … (or the entrance's name) from west to east, or from south to north if its long
        axis runs exactly so. Their column ``part_of`` is its id; it is "" in all other rows. Rows
        of the entrance table name the part. The report says which buildings were divided.

        Households are divided exactly: as the entrance table counts them, scaled where its sum is
        not the building's; else into parts that differ by 1 at most.

        A footprint is cut across the long axis of its minimum rotated rectangle into strips of
        equal area, or half way between the entrances where each has a position. The strips share
        their borders vertex for vertex and their union is the footprint. A strip of a bent building
        may be in several pieces. A point becomes points on a line, 8 m apart or as far down as 1 m,
        in the same community, on the same side of streets and barriers, and nearer to the old place
        than to any other building. A point without such room stays whole, which is reported.

        The same city, if no building is above the limit.

    Raises
    ------
    TableError
        If a limit is below 1.

    Examples
    --------
    >>> divided = divide_buildings(city, 500)  # doctest: +SKIP
    >>> divided.households == city.households  # doctest: +SKIP
    True
    """
    buildings = city.buildings
    limits = limit if isinstance(limit, pd.Series) else pd.Series(limit, buildings.index)
    if (limits < 1).any():
        raise TableError(f"buildings above {limits.min()} households: give 1 or more")
    limits = limits.reindex(buildings.index)
    large = (buildings["households"] > limits).to_numpy()
    if "part_of" in buildings:
        large = large & (buildings["part_of"] == "").to_numpy()
    if not large.any():
        return city
    findings: list[Finding] = []
    rows = _divide_rows(city, limits[large].astype("int64"), findings)
    report = _extend_report(city.report, findings, len(rows))
    if not rows:
        return replace(city, report=report)
    divided, renamed = _replace_rows(buildings, rows)
    entrances = _rename_entrances(city.entrances, renamed)
    return replace(city, buildings=divided, entrances=entrances, report=report)


def _divide_rows(
    city: City, limits: pd.Series, findings: list[Finding]
) -> dict[int, tuple[_Parts, Array]]:
    """Divide some buildings; return the parts and their shapes by the building's position."""
    known = dict(list(city.entrances.groupby("building_id", sort=False)))
    around = _look_around(city)
    rows = {}
    for name, limit in limits.items():
        at = int(city.buildings.index.get_loc(name))
        row = city.buildings.iloc[at]
        parts = _find_parts(row, known.get(row.name), limit)
        shapes = _cut_building(row, parts, around) if len(parts.names) > 1 else None
        problem = f"more than {limit} households: divided into {parts.source}"
        if shapes is not None:
            rows[at] = (parts, shapes)
        elif len(parts.names) == 1:
            problem = f"more than {limit} households, but one entrance: not divided"
        else:
            problem = f"more than {limit} households, but no room for parts of a point: not divided"
        value = f"{row['households']}: {', '.join(map(str, parts.households))}"
        findings.append(Finding("buildings", str(row.name), "households", value, problem, "noted"))
    return rows


def _look_around(city: City) -> _Surroundings:
    """Index the lines and buildings of a city; a path divides nothing."""
    streets = city.streets.geometry[city.streets["kind"] != "path"]
    lines = [*streets, *city.barriers.geometry]
    buildings = city.buildings.geometry.to_numpy()
    return _Surroundings(
        city.communities.geometry, shapely.STRtree(lines), shapely.STRtree(buildings)
    )


# --- what the parts are ---------------------------------------------------------------------------


def _find_parts(row: pd.Series, entrances: pd.DataFrame | None, limit: int) -> _Parts:
    """Say what a building is divided into, by the best that is known of it."""
    households = int(row["households"])
    if entrances is not None:
        return _list_entrances(entrances, households)
    counted = int(row.get("entrances", 0))
    most = max(1, int(limit * _SHARE))
    number = counted or max(2, -(-households // most))
    names = [str(serial) for serial in range(1, number + 1)]
    source = "its number of entrances" if counted else f"equal parts of {most} or fewer"
    return _Parts(names, _share(households, np.ones(number)), bool(counted), None, source)


def _list_entrances(entrances: pd.DataFrame, households: int) -> _Parts:
    """Return the entrances of one building, those of one name together, in the order of names."""
    names = entrances["entrance"].str.strip().str.removesuffix("单元")
    counts = entrances["households"].groupby(names, sort=False).sum()
    counts = counts.loc[sorted(counts.index, key=_natural_key)]
    spots = None
    if isinstance(entrances, gpd.GeoDataFrame) and entrances.geometry.notna().all():
        first = entrances.geometry.groupby(names, sort=False).first()
        spots = first.loc[counts.index].to_numpy()
    weights = counts.to_numpy(np.float64)
    weights = weights if weights.any() else np.ones(len(weights))
    named = [str(name) for name in counts.index]
    return _Parts(named, _share(households, weights), True, spots, "the entrances of its table")


def _natural_key(name: str) -> tuple[int, str]:
    """Sort numbers by size, before all names."""
    return (int(name), "") if re.fullmatch(r"[0-9]{1,9}", name) else (10**9, name)


def _share(total: int, weights: Floats) -> list[int]:
    """Divide a total by weights into whole numbers: floors, the rest to the largest remainders.

    Examples
    --------
    >>> _share(10, np.ones(4)), _share(300, np.array([120.0, 100.0, 80.0]))
    ([3, 3, 2, 2], [120, 100, 80])
    """
    # In whole numbers, for 0.1 × 30 is not 3 everywhere.
    scaled = [total * int(weight) for weight in weights]
    whole = int(weights.sum())
    counts = [each // whole for each in scaled]
    order = sorted(range(len(counts)), key=lambda at: (-(scaled[at] % whole), at))
    for at in order[: total - sum(counts)]:
        counts[at] += 1
    return counts


# --- where the parts are --------------------------------------------------------------------------


def _cut_building(row: pd.Series, parts: _Parts, around: _Surroundings) -> Array | None:
    """Return the shape of each part in the order of the parts, None where there is no room."""
    area = _make_area(row.geometry)
    if not area.is_empty:
        return _cut_footprint(area, len(parts.names), parts.spots)
    community = around.communities[row["community_id"]]
    if parts.spots is not None and _can_stand(parts.spots, community):
        return parts.spots
    return _place_points(shapely.centroid(row.geometry), len(parts.names), community, around)


def _make_area(shape: Any) -> Any:
    """Return the valid area of a footprint; empty for a point, or an outline without area."""
    if shape.geom_type == "Point":
        return shapely.Polygon()
    valid = shape if shape.is_valid else shapely.make_valid(shape, method="structure")
    pieces = shapely.get_parts(valid)
    return shapely.union_all(pieces[shapely.area(pieces) > 0])


def _can_stand(spots: Array, community: Any) -> bool:
    """Tell whether doors can stand for parts: in the community, no two in one place."""
    apart = len(np.unique(shapely.get_coordinates(spots), axis=0)) == len(spots)
    return apart and bool(shapely.covers(community, spots).all())


def _cut_footprint(area: Any, number: int, spots: Array | None) -> Array:
    """Cut an area across its long axis into ``number`` strips; those of doors in their order."""
    axis = _long_axis(area)
    if spots is not None:
        along = shapely.get_coordinates(spots) @ axis
        ranked = np.argsort(along, kind="stable")
        if (np.diff(along[ranked]) >= _APART).all():
            middles = (along[ranked][1:] + along[ranked][:-1]) / 2
            strips = _cut_strips(area, axis, middles)
            if not shapely.is_empty(strips).any():
                return strips[np.argsort(ranked)]
    return _cut_strips(area, axis, _equal_cuts(area, axis, number))


def _long_axis(area: Any) -> Floats:
    """Return the unit vector along the long side of the minimum rotated rectangle, eastwards."""
    # Near the origin, for so far from it as a city lies the rectangle is off by millimetres.
    near = shapely.transform(area, lambda points: points - points.mean(axis=0))
    rectangle = shapely.minimum_rotated_rectangle(near)
    corners = shapely.get_coordinates(rectangle)[:3]
    sides = np.diff(corners, axis=0)
    lengths = np.linalg.norm(sides, axis=1)
    longer = int(lengths[1] > lengths[0] * (1 + 1e-9))
    ahead = sides[longer] / lengths[longer]
    backwards = ahead[0] < -1e-9 or (abs(ahead[0]) <= 1e-9 and ahead[1] < 0)
    return -ahead if backwards else ahead


def _equal_cuts(area: Any, axis: Floats, number: int) -> Floats:
    """Return how far along the axis to cut for strips of equal area, by halving.

    The area up to a cut is the integral of the width along the outline (Green): the cut itself runs
    across the axis and adds nothing.
    """
    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(area)))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    origin = points.mean(axis=0)
    along, across = (points - origin) @ axis, (points - origin) @ [-axis[1], axis[0]]
    first = np.flatnonzero(ring[1:] == ring[:-1])
    start, end = along[first], along[first + 1]
    low_side, rise = across[first], across[first + 1] - across[first]
    run = np.where(end == start, 1.0, end - start)

    def area_before(cuts: Floats) -> Floats:
        one, two = (np.minimum(side, cuts[:, None]) for side in (start, end))
        width = low_side + rise * ((one + two) / 2 - start) / run
        return np.asarray(-((two - one) * width).sum(axis=1))

    wanted = area.area * np.arange(1, number) / number
    low, high = np.full(number - 1, along.min()), np.full(number - 1, along.max())
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        less = area_before(middle) < wanted
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    return np.asarray((low + high) / 2 + origin @ axis)


def _cut_strips(area: Any, axis: Floats, cuts: Floats) -> Array:
    """Cut an area across an axis; the strips share their borders vertex for vertex."""
    aside = np.array([-axis[1], axis[0]])
    points = shapely.get_coordinates(area)
    reach = points @ aside
    low, high = reach.min() - 1.0, reach.max() + 1.0
    starts, ends = (cuts[:, None] * axis + side * aside for side in (low, high))
    lines = np.asarray(shapely.linestrings(np.stack([starts, ends], axis=1)))
    noded = shapely.union_all([shapely.boundary(area), *lines])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    spots = shapely.point_on_surface(faces)
    inside = shapely.intersects(area, spots)
    strip = np.searchsorted(cuts, shapely.get_coordinates(spots) @ axis)
    return np.array(
        [shapely.union_all(faces[inside & (strip == at)]) for at in range(len(cuts) + 1)],
        dtype=object,
    )


def _place_points(point: Any, number: int, community: Any, around: _Surroundings) -> Array | None:
    """Return points on a line that keeps to its surroundings; None if there is none.

    The line lies around the point, or begins beside it where that stands on a border or street.
    """
    gap = around.gap(point)
    place = shapely.get_coordinates(point)[0]
    for spacing in _SPACINGS:
        for start, way in _list_lines(number):
            steps = (np.arange(number) + start) * spacing
            if np.abs(steps).max() > _REACH * gap:
                continue
            ends = np.array([[min(steps[0], _ASIDE)], [max(steps[-1], -_ASIDE)]])
            line = shapely.linestrings(place + ends * way)
            if shapely.covers(community, line) and not len(around.lines.query(line, "intersects")):
                return np.asarray(shapely.points(place + steps[:, None] * way))
    return None


def _list_lines(number: int) -> Iterable[tuple[float, Floats]]:
    """Yield where a line of parts begins, in steps from the point, and its direction."""
    ways = [np.array([np.cos(turn), np.sin(turn)]) for turn in np.array(_WAYS) * np.pi / 4]
    for way in ways:
        yield -(number - 1) / 2, way
    for way in ways:
        # Half a step off: not on the border that the point may stand on.
        yield 0.5, way
        yield 0.5 - number, way


# --- the tables -----------------------------------------------------------------------------------


def _replace_rows(
    buildings: gpd.GeoDataFrame, rows: dict[int, tuple[_Parts, Array]]
) -> tuple[gpd.GeoDataFrame, dict[tuple[str, str], str]]:
    """Put the parts in the place of their buildings; return the id of each entrance too."""
    taken = set(buildings.index)
    ids: list[str] = []
    shapes: list[Any] = []
    source: list[int] = []
    values: list[tuple[str, str, int]] = []
    renamed: dict[tuple[str, str], str] = {}
    for at, (name, shape) in enumerate(zip(buildings.index, buildings.geometry, strict=True)):
        parts, cut = rows.get(at, (None, [shape]))
        new = [name] if parts is None else _name_parts(name, parts.names, taken)
        ids += new
        shapes += list(cut)
        source += [at] * len(new)
        if parts is not None:
            values += list(zip(new, parts.names, parts.households, strict=True))
            renamed |= {(name, own): part for own, part in zip(parts.names, new, strict=True)}
    index = pd.Index(ids, dtype=buildings.index.dtype, name=buildings.index.name)
    table = buildings.iloc[source].set_axis(index, axis=0)
    table = table.set_geometry(gpd.GeoSeries(shapes, index, crs=buildings.crs))
    known = np.isin(source, [at for at, (parts, _) in rows.items() if parts.known])
    return _fill_parts(table, buildings.index[source], values, known), renamed


def _fill_parts(
    table: gpd.GeoDataFrame,
    parents: pd.Index,
    values: Sequence[tuple[str, str, int]],
    known: npt.NDArray[np.bool_],
) -> gpd.GeoDataFrame:
    """Write what the parts have of their own; everything else is their building's."""
    ids = [part for part, _, _ in values]
    parted = table.index.isin(ids)
    before = table.get("part_of", pd.Series("", table.index, dtype="str"))
    own = pd.Series(parents.to_numpy(object), table.index, dtype="str")
    names = table["name"].astype(object)
    named = [f"{names[part]}{entrance}单元" if names[part] else "" for part, entrance, _ in values]
    names.loc[ids] = named
    households = table["households"].copy()
    households.loc[ids] = [count for _, _, count in values]
    table = table.assign(
        households=households, name=names.astype("str"), part_of=before.where(~parted, own)
    )
    table = table.assign(**_share_counts(table, ids, parents))
    if "entrances" in table:
        counted = table["entrances"].where(~parted, known.astype(np.int64))
        table = table.assign(entrances=counted)
    return table


def _share_counts(
    table: gpd.GeoDataFrame, ids: Sequence[str], parents: pd.Index
) -> dict[str, pd.Series]:
    """Share out what is counted in a building among its parts, by their households."""
    parted = pd.Series(parents, table.index).loc[list(ids)]
    shared = {}
    for name in COUNTS:
        if name in table:
            counts = table[name].copy()
            for _, part in parted.groupby(parted, sort=False):
                homes = table.loc[part.index, "households"].to_numpy(np.float64)
                counts.loc[part.index] = _share(int(table.at[part.index[0], name]), homes)
            shared[name] = counts
    return shared


def _name_parts(building: str, entrances: Sequence[str], taken: set[str]) -> list[str]:
    """Make an id of each part that no building has, with dashes as long as it is taken."""
    ids = []
    for entrance in entrances:
        name = f"{building}-{entrance}单元"
        while name in taken:
            name += "-"
        taken.add(name)
        ids.append(name)
    return ids


def _rename_entrances(entrances: pd.DataFrame, renamed: dict[tuple[str, str], str]) -> pd.DataFrame:
    """Let the rows of divided buildings name the part that they are."""
    names = entrances["entrance"].str.strip().str.removesuffix("单元")
    ids = [
        renamed.get((building, name), building)
        for building, name in zip(entrances["building_id"], names, strict=True)
    ]
    return entrances.assign(building_id=pd.Series(ids, entrances.index, dtype="str"))


def _extend_report(report: CityReport, findings: list[Finding], divided: int) -> CityReport:
    """Add what was divided to the report of the city."""
    before = report.counts.get("buildings_divided", 0)
    counts = {**report.counts, "buildings_divided": before + divided}
    return CityReport((*report.findings, *findings), counts)
