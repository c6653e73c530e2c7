"""Shapes of a city's tables, made to fit together; what can't be without loss is refused.

Every function takes a table (index: the row's id) and the list of findings, adds to the list, and
returns a new table. Nothing is dropped in silence, and no household at all: the sum that comes in
goes out, or the city is refused. Coordinates are not rounded here: that is left to the cutting of
units, which nodes every line anyway.
"""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.reading.findings import Finding, find_rows

#: Metres: a building this near to a community is taken into it; farther ones are an error.
_NEAR_TERRITORY = 100.0
#: Metres: streets and barriers this near to the territory are kept, for they may bound a block.
_NEAR_STREETS = 200.0
#: Overlaps of communities that no rounding explains: share of the smaller one, and m² with
#: buildings in them.
_OVERLAP_SHARE, _OVERLAP_AREA = 0.01, 1000.0
#: m² below which an overlap or a gap is rounding, and metres of width up to which gaps are closed.
_ROUNDING_AREA, _GAP_WIDTH = 0.01, 1.0
#: Name of the one community of a territory that has none.
WHOLE = "全域"
#: Metres that an outline found from the buildings leaves around them.
_OUTLINE_MARGIN = 30.0
#: Dimension -> the geometry types (shapely's numbers) that are of it alone.
_TYPES = {0: (0,), 1: (1, 5), 2: (3, 6)}


def mend_shapes(
    frame: gpd.GeoDataFrame, table: str, dimensions: Sequence[int], findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Make geometries flat, valid and of the dimensions (0 points, 1 lines, 2 areas) allowed.

    Of a geometry of several dimensions the highest allowed one is kept. What has none becomes None
    and is dealt with by the table: see `drop_shapeless` and `drop_unplaced`.
    """
    shapes = shapely.force_2d(frame.geometry.to_numpy())
    lost = ~np.isfinite(shapely.bounds(shapes)).all(axis=1)
    shapes[lost] = None
    broken = ~lost & ~shapely.is_valid(shapes)
    reasons = shapely.is_valid_reason(shapes[broken])
    problem = "invalid geometry: made valid"
    ids = frame.index[broken]
    findings += find_rows(table, ids, "geometry", reasons, problem=problem, action="repaired")
    shapes[broken] = shapely.make_valid(shapes[broken])
    simple = np.isin(shapely.get_type_id(shapes), [kind for d in dimensions for kind in _TYPES[d]])
    for at in np.flatnonzero(~simple & ~lost):
        kind, row = shapes[at].geom_type, str(frame.index[at])
        shapes[at], problem = _change_dimension(shapes[at], dimensions)
        if not broken[at]:  # else that is a part of making it valid
            action = "noted" if shapes[at] is None else "repaired"
            findings.append(Finding(table, row, "geometry", kind, problem, action))
    return frame.set_geometry(gpd.GeoSeries(shapes, frame.index, crs=frame.crs))


def drop_shapeless(
    frame: gpd.GeoDataFrame, table: str, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Leave out lines that have no geometry; refuse communities that have none."""
    lost = frame.geometry.isna().to_numpy()
    refused = table in ("communities", "boundary")
    problem = "no geometry that can be read" + ("" if refused else ": left out")
    action = "refused" if refused else "noted"
    rows = frame.index[lost]
    findings += find_rows(table, rows, "geometry", [""] * len(rows), problem=problem, action=action)
    return frame[~lost]


def drop_unplaced(frame: gpd.GeoDataFrame, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Leave out buildings without geometry and households; refuse those with households."""
    lost = frame.geometry.isna().to_numpy()
    lived_in = lost & (frame["households"] > 0).to_numpy()
    for rows, problem, action in (
        (lived_in, "no geometry that can be read, but households", "refused"),
        (lost & ~lived_in, "no geometry and no households: left out", "noted"),
    ):
        values = frame["households"][rows]
        findings += find_rows(
            "buildings", values.index, "households", values, problem=problem, action=action
        )
    return frame[~lost]


def make_territory(
    boundary: gpd.GeoDataFrame | None, buildings: gpd.GeoDataFrame, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Make one community where there is none: the boundary, else an outline of the buildings."""
    if boundary is not None and len(boundary):
        shape: Any = shapely.union_all(boundary.geometry.to_numpy())
        name = boundary["name"].iloc[0]
        problem = "no communities: the boundary is taken as one"
    else:
        corners = shapely.multipoints(shapely.get_coordinates(buildings.geometry.to_numpy()))
        shape = shapely.buffer(shapely.concave_hull(corners, ratio=0.3), _OUTLINE_MARGIN)
        name = ""
        problem = f"no communities: an outline {_OUTLINE_MARGIN:.0f} m around the buildings is one"
    value = f"{shapely.area(shape) / 1e6:.3f} km²"
    findings.append(Finding("communities", "", "", value, problem, "noted"))
    index = pd.Index(["c1"], dtype="str", name="community_id")
    return gpd.GeoDataFrame(
        {"name": [name or WHOLE]}, geometry=[shape], index=index, crs=buildings.crs
    )


def mend_overlaps(
    communities: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Make the communities a coverage: no overlaps, shared borders vertex for vertex the same.

    Overlaps of more than 1 % of the smaller community, or of more than 1000 m² with a building in
    them, are refused. Smaller ones go to the neighbour with the longer border, as do gaps narrower
    than 1 m; both are reported with their m².
    """
    shapes = communities.geometry.to_numpy()
    if shapely.coverage_is_valid(shapes, gap_width=_GAP_WIDTH):
        return communities
    refused = _list_overlaps(communities, buildings, findings)
    if refused:
        return communities
    # types-shapely, where it is installed, does not know this function of shapely 2.2 yet.
    cleaned = shapely.coverage_clean(shapes, gap_width=_GAP_WIDTH)  # type: ignore[attr-defined, unused-ignore]
    closed = shapely.area(cleaned).sum() - shapely.area(shapely.union_all(shapes))
    if closed > _ROUNDING_AREA:
        problem = f"gaps narrower than {_GAP_WIDTH:.0f} m between communities: closed"
        findings.append(
            Finding("communities", "", "geometry", f"{closed:.2f} m²", problem, "repaired")
        )
    return communities.set_geometry(gpd.GeoSeries(cleaned, communities.index, crs=communities.crs))


def place_buildings(
    buildings: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Give each building the community that its representative point lies in.

    On a border between communities the one of the smaller id has it. A building outside of all is
    moved, as a point, to the nearest place inside if that is within 100 m; a farther one is refused
    if it has households and left out if not.
    """
    points = shapely.point_on_surface(buildings.geometry.to_numpy())
    owners = find_communities(points, communities)
    outside = owners < 0
    shapes = communities.geometry.to_numpy()
    nearest, metres = _nearest_communities(points[outside], communities)
    near = metres <= _NEAR_TERRITORY
    _report_outside(buildings[outside], metres, near, findings)
    moved = np.flatnonzero(outside)[near]
    owners[moved] = nearest[near]
    new_shapes = buildings.geometry.to_numpy().copy()
    new_shapes[moved] = [
        move_inside(points[at], shapes[owner])
        for at, owner in zip(moved, nearest[near], strict=True)
    ]
    placed = owners >= 0
    ids = pd.Series(communities.index.to_numpy(object)[owners], buildings.index, dtype="str")
    geometry = gpd.GeoSeries(new_shapes, buildings.index, crs=buildings.crs)
    return buildings.assign(community_id=ids).set_geometry(geometry)[placed]


def compare_communities(
    buildings: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, findings: list[Finding]
) -> None:
    """Note the buildings of which the file says that they belong to another community."""
    owners: dict[str, set[str]] = {}
    for column in (communities.index.to_series(), communities["code"], communities["name"]):
        for owner, text in column.items():
            owners.setdefault(text.removesuffix("社区"), set()).add(str(owner))
    said = buildings["community"].str.strip().str.removesuffix("社区")
    strange = [
        bool(text) and owner not in owners.get(text, {owner})
        for text, owner in zip(said, buildings["community_id"], strict=True)
    ]
    rows = buildings[np.array(strange, np.bool_)]
    values = [
        f"{text}, lies in {owner}"
        for text, owner in zip(rows["community"], rows["community_id"], strict=True)
    ]
    problem = (
        "the file says another community than the one that the building lies in: it stays there"
    )
    findings += find_rows(
        "buildings", rows.index, "community", values, problem=problem, action="noted"
    )


def find_communities(points: Any, communities: gpd.GeoDataFrame) -> npt.NDArray[np.int64]:
    """Return the position of each point's community, -1 outside; on a border the smaller id's."""
    ranks = np.empty(len(communities), np.int64)
    order = np.argsort(communities.index.to_numpy(str), kind="stable")
    ranks[order] = np.arange(len(order))
    at, area = shapely.STRtree(communities.geometry.to_numpy()).query(
        points, predicate="intersects"
    )
    best = np.full(len(points), len(order), np.int64)
    np.minimum.at(best, at, ranks[area])
    return np.append(order, -1)[best]


def move_inside(point: Any, area: Any) -> Any:
    """Return a place in ``area`` within about a metre of the point of it nearest to ``point``."""
    foot = shapely.get_point(shapely.shortest_line(point, area), 1)
    for radius in (1.0, 10.0, 100.0):
        place = shapely.point_on_surface(shapely.intersection(foot.buffer(radius), area))
        if shapely.contains_properly(area, place):
            return place
    return shapely.point_on_surface(area)


def keep_near(
    lines: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, table: str, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Leave out what lies farther than 200 m from every community."""
    tree = shapely.STRtree(communities.geometry.to_numpy())
    hits, _ = tree.query(lines.geometry.to_numpy(), predicate="dwithin", distance=_NEAR_STREETS)
    near = np.zeros(len(lines), np.bool_)
    near[hits] = True
    if not near.all():
        problem = f"farther than {_NEAR_STREETS:.0f} m from the territory: left out"
        value = f"{(~near).sum()} of {len(near)}"
        findings.append(Finding(table, "", "geometry", value, problem, "noted"))
    return lines[near]


def _change_dimension(shape: Any, dimensions: Sequence[int]) -> tuple[Any, str]:
    """Make a geometry of an allowed dimension out of another one, or None; say what was done."""
    parts = shapely.get_parts(shape)
    for dimension, name in ((2, "areas"), (1, "lines")):
        chosen = parts[shapely.get_dimensions(parts) == dimension]
        if len(chosen) and dimension in dimensions:
            return shapely.union_all(chosen), f"several types in one geometry: its {name} are kept"
    if 0 in dimensions:
        return shapely.point_on_surface(shape), "neither area nor point: a point on it is kept"
    if dimensions == (1,) and shapely.get_dimensions(shape) == 2:
        return shapely.boundary(shape), "an area among lines: its outline is kept"
    return None, "of a type that has no place here"


def _list_overlaps(
    communities: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, findings: list[Finding]
) -> bool:
    """Report each overlap that is more than rounding; tell whether one is refused."""
    shapes = communities.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.intersection(shapes[first], shapes[second])
    areas = shapely.area(shared)
    smaller = np.minimum(shapely.area(shapes[first]), shapely.area(shapes[second]))
    points = shapely.STRtree(shapely.point_on_surface(buildings.geometry.to_numpy()))
    built = np.isin(np.arange(len(shared)), points.query(shared, predicate="contains")[0])
    real = (areas > _OVERLAP_SHARE * smaller) | ((areas > _OVERLAP_AREA) & built)
    for at in np.lexsort((second, first)):
        if areas[at] > _ROUNDING_AREA:
            problem, action = _judge_overlap(bool(real[at]))
            other = communities.index[second[at]]
            value = f"{areas[at]:.2f} m² with {other}"
            row = str(communities.index[first[at]])
            findings.append(Finding("communities", row, "geometry", value, problem, action))
    return bool(real.any())


def _judge_overlap(real: bool) -> tuple[str, str]:
    if real:
        return "communities overlap: say which of them has the area", "refused"
    return "communities overlap by a sliver: given to one of them", "repaired"


def _nearest_communities(
    points: Any, communities: gpd.GeoDataFrame
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the position of the nearest community, the smallest id's among equals, and metres."""
    order = np.argsort(communities.index.to_numpy(str), kind="stable")
    shapes = communities.geometry.to_numpy()[order]
    if not len(points):
        return np.zeros(0, np.int64), np.zeros(0)
    (at, area), metres = shapely.STRtree(shapes).query_nearest(points, return_distance=True)
    first = np.unique(at[np.lexsort((area, at))], return_index=True)[1]
    chosen = np.lexsort((area, at))[first]
    return order[area[chosen]], metres[chosen]


def _report_outside(
    buildings: gpd.GeoDataFrame,
    metres: npt.NDArray[np.float64],
    near: npt.NDArray[np.bool_],
    findings: list[Finding],
) -> None:
    households = buildings["households"].to_numpy()
    empty = households == 0
    limit = f"{_NEAR_TERRITORY:.0f} m"
    for rows, problem, action in (
        (near, "outside every community: moved to the nearest place inside", "repaired"),
        (~near & ~empty, f"more than {limit} outside every community", "refused"),
        (~near & empty, f"more than {limit} outside, without households: left out", "noted"),
    ):
        values = [
            f"{distance:.1f} m, {number} households"
            for distance, number in zip(metres[rows], households[rows], strict=True)
        ]
        ids = buildings.index[rows]
        findings += find_rows("buildings", ids, "geometry", values, problem=problem, action=action)
