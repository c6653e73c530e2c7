"""Cut the territory into indivisible units: each building's share of the block it stands in.

Streets, railways, rivers and community borders cut the territory into blocks. In a block every
place belongs to its nearest building (the enclosed tessellation of Fleischmann et al. 2020, as in
momepy). Everything is noded once more on one 1 mm grid and put together from the faces, so that
units tile each community and neighbours share their border vertex for vertex.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, cKDTree

from gridmap.city import City
from gridmap.errors import TableError
from gridmap.tables import CROSSINGS, UNITS, check_table

Array = npt.NDArray[Any]
Progress = Callable[[str, int, int], None]

#: Coordinates are whole multiples of it (metres): saving and loading changes nothing.
GRID = 0.001
#: An empty face that is narrower (2 × area / perimeter, metres) is no place but two lines that mean
#: the same thing: a road and the community border that was drawn along it.
SLIVER_WIDTH = 3.0
#: An empty face that is smaller (m²) is the inside of a crossing.
SLIVER_AREA = 60.0
#: Water (m²) that is smaller does not separate its banks: one walks round it.
WATER_AREA = 10_000.0
#: Two footprints are one building for the map if they share more than this part of the smaller.
SAME_PLACE = 0.5

#: Seeds stand this far inside of a footprint (metres), so that walls that touch are told apart.
_INSET = 0.3
#: Metres between seeds: this part of the gap to the next building, within these limits.
_SPACING, _CLOSEST, _FARTHEST = 0.5, 0.6, 6.0
#: Metres between seeds along a bank.
_BANK_SPACING = 4.0
#: Metres by which a border between cells may be straightened.
_STRAIGHTEN = 0.15
#: Borders of cells overshoot their block by this much (metres), so that noding always joins them;
#: less than half the grid, so that they mostly end on its outline all the same.
_OVERSHOOT = 0.0004
#: Blocks, and units in a block, are numbered in rows of this height (metres), N to S.
_BLOCK_ROW, _UNIT_ROW = 100.0, 20.0
#: How much of a border counts when a face looks for the neighbour to join: not across a river.
_JOINS = np.array([1.0, 0.5, 0.4, 1e-3, 1e-6])
_CHUNK = 64


class Edges(NamedTuple):
    """Every edge that two of some polygons share, ``left`` < ``right``.

    Parameters
    ----------
    left, right : array of int
        Positions of the two polygons.
    start, end : array of float, shape (n, 2)
        The ends of the edge, metres.
    """

    left: Array
    right: Array
    start: Array
    end: Array

    @property
    def length(self) -> Array:
        """Metres of each edge."""
        return np.hypot(*(self.end - self.start).T)

    @property
    def middle(self) -> Array:
        """The point half way along each edge."""
        return (self.start + self.end) / 2

    def take(self, rows: Array) -> "Edges":
        """Return the edges at ``rows`` (positions or a mask)."""
        return Edges(*(column[rows] for column in self))


class _Faces(NamedTuple):
    """Polygons that tile something larger: blocks a community, cells a block.

    ``whole`` is the position of the community or block that each is part of.
    """

    polygons: Array
    whole: Array


class _Seeds(NamedTuple):
    """Points that claim what is nearest to them: for a label, in a block."""

    points: Array
    label: Array
    block: Array


def make_units(
    city: City, *, executor: Executor | None = None, progress: Progress | None = None
) -> gpd.GeoDataFrame:
    """Cut every community into units: blocks, and in a block each building's share of it.

    Parameters
    ----------
    city : City
        Main roads, streets, railways and rivers cut; paths and dead ends do not. Water of 1 ha and
        more is divided between its banks, smaller water belongs to what is around it.
    executor : Executor, optional
        Where cells are computed, some blocks at a time. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Returns
    -------
    GeoDataFrame
        Keeps `gridmap.tables.UNITS`; ordered by community, then block N to S and W to E. The units
        tile every community: borders are shared vertex for vertex and coordinates are whole
        millimetres. Buildings that no border can separate (one above the other) share a unit, which
        is named after the one with most households. A building across a line stands in the block
        that holds most of its footprint, in its own community. A block without buildings is one
        unit of 0 households.

    Raises
    ------
    TableError
        If a community has no territory of its own, because others that come first cover it.

    Examples
    --------
    >>> units = make_units(city)  # doctest: +SKIP
    >>> units.households.sum() == city.households  # doctest: +SKIP
    True
    """
    report = progress or _no_progress
    report("blocks", 0, 1)
    footprints = _repair_footprints(np.asarray(city.buildings.geometry.array))
    faces = _cut_faces(city)
    homes = _place_buildings(footprints, _community_positions(city), faces)
    blocks, homes = _join_slivers(faces, homes, city)
    report("blocks", 1, 1)
    sites, crowded = _join_overlapping(footprints, homes)
    seeds = _seed_footprints(footprints, sites, homes)
    seeds = _drop_covered(seeds, footprints, sites, homes, crowded)
    borders = _cut_blocks(seeds, blocks.polygons, executor, report)
    report("units", 0, 1)
    units = _gather_units(borders, blocks, homes, footprints, city)
    report("units", 1, 1)
    check_table(units, UNITS)
    return units


def _no_progress(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


# --- shared with adjacency ------------------------------------------------------------------------


def shared_edges(polygons: Array) -> Edges:
    """Return every edge that two of the polygons share, found by its two ends in millimetres.

    The polygons are a valid coverage: an edge belongs to one or two of them.
    """
    rings, owner = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    nodes = _number_points(points)
    first = np.flatnonzero(ring[1:] == ring[:-1])
    low, high = np.sort([nodes[first], nodes[first + 1]], axis=0)
    keys = low * (nodes.max(initial=0) + 1) + high
    order = np.argsort(keys, kind="stable")
    twin = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    one, two = first[order[twin]], first[order[twin + 1]]
    left, right = np.sort([owner[ring[one]], owner[ring[two]]], axis=0)
    rows = left != right
    return Edges(left, right, points[one], points[one + 1]).take(rows)


def round_points(points: Array) -> Array:
    """Return points in whole millimetres, with the very floats that GEOS rounds to."""
    return np.rint(points * 1000) / 1000


def _number_points(points: Array) -> Array:
    """Return the same number for points that are the same to the millimetre."""
    if len(points) == 0:
        return np.empty(0, dtype=np.int64)
    whole = np.rint(points * 1000).astype(np.int64)
    x, y = (whole - whole.min(axis=0)).T
    return np.unique(x * (y.max() + 1) + y, return_inverse=True)[1].reshape(-1)


def class_lines(points: Array, city: City, along: float = 2 * GRID) -> Array:
    """Return the position in `CROSSINGS` of the strongest line within ``along`` metres of a point.

    Paths are no line; open water is none either (see `find_water`), but a river drawn as a line is.
    """
    classes = np.zeros(len(points), dtype=np.int8)
    spots = shapely.points(points)
    for position, kind in enumerate(CROSSINGS[1:], start=1):
        tree = shapely.STRtree(split_segments(select_lines(city, kind)))
        classes[tree.query(spots, "dwithin", distance=along)[0]] = position
    return classes


def select_lines(city: City, kind: str) -> Array:
    """Return the lines (not the areas) of a kind of street or barrier."""
    found = [np.asarray(t.geometry.array)[t["kind"] == kind] for t in (city.streets, city.barriers)]
    lines = np.concatenate(found)
    return lines[np.isin(shapely.get_type_id(lines), (1, 5))]


def split_segments(lines: Array) -> Array:
    """Return every segment of ``lines`` as a line of its own."""
    points, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    first = np.flatnonzero(line[1:] == line[:-1])
    return draw_segments(points[first], points[first + 1])


def draw_segments(start: Array, end: Array) -> Array:
    """Return a line from each start to its end."""
    return np.asarray(shapely.linestrings(np.stack([start, end], axis=1)))


def find_water(city: City) -> Array:
    """Return the open water that separates its banks: areas of 1 ha and more, one per body."""
    barriers = np.asarray(city.barriers.geometry.array)
    areas = barriers[np.isin(shapely.get_type_id(barriers), (3, 6))]
    bodies = shapely.get_parts(shapely.union_all(_make_areas(areas), grid_size=GRID))
    return bodies[shapely.area(bodies) >= WATER_AREA]


# --- blocks ---------------------------------------------------------------------------------------


def _cut_faces(city: City) -> _Faces:
    """Cut communities along streets, barriers and the middle of open water."""
    outlines = shapely.boundary(np.asarray(city.communities.geometry.array))
    water = find_water(city)
    kinds = ("street", "main_road", "railway", "river")
    lines = [outlines, shapely.boundary(water), *(select_lines(city, kind) for kind in kinds)]
    faces = _in_communities(_polygonize(np.concatenate(lines), np.empty(0, dtype=object)), city)
    _require_land(faces, city)
    return _divide_water(faces, water, city) if len(water) else faces


def _require_land(faces: _Faces, city: City) -> None:
    """Raise an error for a community that others cover, or that is thinner than the grid."""
    count = np.bincount(faces.whole, minlength=len(city.communities))
    covered = city.communities.index[count == 0].tolist()
    if covered:
        raise TableError(
            f"communities: nothing is left of {', '.join(covered)}: another community covers it, "
            "or it has no area; draw its own territory or leave it out"
        )


def _polygonize(outlines: Array, borders: Array) -> Array:
    """Node lines on the grid; return the faces between them. Dead ends bound nothing.

    Borders of cells come in whole millimetres and meet in common ends, so there is mostly nothing
    to round where they do not reach an outline, and noding those in floats takes half the time. The
    coordinates show whether it was so.
    """
    across = np.zeros(len(borders), dtype=bool)
    across[shapely.STRtree(borders).query(outlines, "intersects")[1]] = True
    noded = shapely.union_all(np.concatenate([outlines, borders[across]]), grid_size=GRID)
    if not across.all():
        frame = shapely.get_parts(noded)
        noded = shapely.union_all(np.concatenate([frame, borders[~across]]))
        points = shapely.get_coordinates(noded)
        if (round_points(points) != points).any():
            noded = shapely.union_all(noded, grid_size=GRID)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


def _in_communities(polygons: Array, city: City) -> _Faces:
    """Keep the faces that lie in a community; where two overlap the first one has it."""
    communities = np.asarray(city.communities.geometry.array)
    owner = _first_containing(communities, shapely.point_on_surface(polygons))
    return _Faces(polygons[owner >= 0], owner[owner >= 0])


def _first_containing(areas: Array, points: Array) -> Array:
    """Return the position of the first area that holds each point, or -1."""
    owner = np.full(len(points), len(areas))
    area, point = shapely.STRtree(points).query(areas, "intersects")
    np.minimum.at(owner, point, area)
    return np.where(owner < len(areas), owner, -1)


def _divide_water(faces: _Faces, water: Array, city: City) -> _Faces:
    """Give open water to the blocks on its banks, each place to the nearest bank.

    Only shores count as banks: what is across a street or a border from the water has no part.
    """
    wet = _first_containing(water, shapely.point_on_surface(faces.polygons)) >= 0
    edges = shared_edges(faces.polygons)
    same = faces.whole[edges.left] == faces.whole[edges.right]
    edges = edges.take(same & (wet[edges.left] != wet[edges.right]))
    edges = edges.take(class_lines(edges.middle, city) == 0)
    basin = np.where(wet[edges.left], edges.left, edges.right)
    bank = np.where(wet[edges.left], edges.right, edges.left)
    points, row = _step_segments(edges.start, edges.end, np.full(len(basin), _BANK_SPACING))
    seeds = _Seeds(points, bank[row], basin[row])
    borders = _cut_blocks(seeds, faces.polygons)
    pieces = _in_communities(_polygonize(shapely.boundary(faces.polygons), borders), city)
    source = _containing_face(pieces.polygons, faces.polygons)
    return _merge(pieces, _join_shores(pieces, source, wet, seeds, city))


def _join_shores(pieces: _Faces, source: Array, wet: Array, seeds: _Seeds, city: City) -> Array:
    """Return the piece that each piece joins: land stays, water joins its nearest bank.

    ``source`` is the face that each piece was cut from, ``wet`` tells which faces are water.
    """
    spots = shapely.get_coordinates(shapely.point_on_surface(pieces.polygons))
    target = np.where(wet[source], _nearest_label(spots, source, seeds), source)
    edges = shared_edges(pieces.polygons)
    same = pieces.whole[edges.left] == pieces.whole[edges.right]
    wanted = target[edges.left] == target[edges.right]
    weight = edges.length * _JOINS[class_lines(edges.middle, city)]
    return absorb(wet[source], edges, weight * same * np.where(wanted, 1e6, 1.0))


def _join_slivers(faces: _Faces, homes: Array, city: City) -> tuple[_Faces, Array]:
    """Join empty faces that are too thin to be a place; return blocks and the buildings' blocks."""
    empty = np.bincount(homes, minlength=len(faces.polygons)) == 0
    area, around = shapely.area(faces.polygons), shapely.length(faces.polygons)
    loose = empty & ((2 * area < SLIVER_WIDTH * around) | (area < SLIVER_AREA))
    edges = shared_edges(faces.polygons)
    edges = edges.take(faces.whole[edges.left] == faces.whole[edges.right])
    weight = edges.length * _JOINS[class_lines(edges.middle, city)]
    owner = absorb(loose, edges, weight)
    position = np.unique(owner, return_inverse=True)[1]
    blocks = _merge(faces, owner)
    blocks, rank = _sort_rows(blocks, _BLOCK_ROW)
    return blocks, rank[position[homes]]


def absorb(loose: Array, edges: Edges, weight: Array) -> Array:
    """Return the face that each face joins: a loose one the neighbour of most weight, in rounds.

    Loose faces that touch only loose ones follow when those have joined; those that never meet a
    firm face stay on their own. Edges of weight 0 join nothing. Ties go to the first face.
    """
    owner = np.where(loose, -1, np.arange(len(loose)))
    sides = np.concatenate([[edges.left, edges.right], [edges.right, edges.left]], axis=1)
    weight = np.concatenate([weight, weight])
    while True:
        rows = (owner[sides[0]] < 0) & (owner[sides[1]] >= 0) & (weight > 0)
        if not rows.any():
            return np.where(owner < 0, np.arange(len(owner)), owner)
        faces, joined = _heaviest(sides[0][rows], owner[sides[1][rows]], weight[rows])
        owner[faces] = joined


def _heaviest(faces: Array, owners: Array, weight: Array) -> tuple[Array, Array]:
    """Return for each face the owner with the greatest sum of weight."""
    table = pd.DataFrame({"face": faces, "owner": owners, "weight": weight})
    sums = table.groupby(["face", "owner"], as_index=False)[["weight"]].sum()
    best = sums.sort_values(["face", "weight"], ascending=[True, False], kind="stable")
    best = best.drop_duplicates("face")
    return best["face"].to_numpy(), best["owner"].to_numpy()


def _merge(faces: _Faces, owner: Array) -> _Faces:
    """Dissolve the faces of each owner into one polygon; owners keep their order."""
    kept, position, count = np.unique(owner, return_inverse=True, return_counts=True)
    polygons = faces.polygons[kept]
    order = np.argsort(position, kind="stable")
    ends = np.cumsum(count)
    for group in np.flatnonzero(count > 1):
        parts = faces.polygons[order[ends[group] - count[group] : ends[group]]]
        polygons[group] = shapely.get_geometry(shapely.coverage_union_all(parts), 0)
    return _Faces(polygons, faces.whole[kept])


def _sort_rows(faces: _Faces, height: float) -> tuple[_Faces, Array]:
    """Sort faces by what they are part of, then in rows N to S, each W to E; return the ranks."""
    x, y = shapely.get_coordinates(shapely.centroid(faces.polygons)).T
    order = np.lexsort([-y, x, np.floor(-y / height), faces.whole])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return _Faces(faces.polygons[order], faces.whole[order]), rank


# --- buildings ------------------------------------------------------------------------------------


def _repair_footprints(footprints: Array) -> Array:
    """Return valid footprints: outlines that cross themselves are untangled, flat ones points."""
    wrong = np.flatnonzero(~shapely.is_valid(footprints))
    untangled = _make_areas(footprints[wrong])
    rings = shapely.get_exterior_ring(shapely.get_geometry(footprints[wrong], 0))
    footprints = footprints.copy()
    empty = shapely.is_empty(untangled)
    footprints[wrong] = np.where(empty, shapely.get_point(rings, 0), untangled)
    return footprints


def _make_areas(shapes: Array) -> Array:
    """Return valid areas, empty where nothing is left of one."""
    return shapely.make_valid(shapes, method="structure", keep_collapsed=False)


def _community_positions(city: City) -> Array:
    """Return the position of each building's community."""
    return city.communities.index.get_indexer(city.buildings["community_id"])


def _place_buildings(footprints: Array, community: Array, faces: _Faces) -> Array:
    """Return the face of each building: most of its footprint, in its own community.

    One that lies wholly outside of its community stands in the nearest face of it. Of several
    equal shares (a point on a border) the first face has it.
    """
    homes = np.full(len(footprints), -1)
    tree = shapely.STRtree(footprints)
    face, building = tree.query(faces.polygons, "contains_properly")
    rows = faces.whole[face] == community[building]
    homes[building[rows]] = face[rows]
    _place_across(homes, footprints, community, faces)
    for position in np.unique(community[homes < 0]):
        rest = np.flatnonzero((homes < 0) & (community == position))
        own = np.flatnonzero(faces.whole == position)
        homes[rest] = own[shapely.STRtree(faces.polygons[own]).nearest(footprints[rest])]
    return homes


def _place_across(homes: Array, footprints: Array, community: Array, faces: _Faces) -> None:
    """Place the buildings that lie across lines where the most of them is."""
    rest = np.flatnonzero(homes < 0)
    face, row = shapely.STRtree(footprints[rest]).query(faces.polygons, "intersects")
    own = faces.whole[face] == community[rest[row]]
    face, row = face[own], row[own]
    share = shapely.area(shapely.intersection(faces.polygons[face], footprints[rest[row]]))
    order = np.lexsort([face, -share, row])
    first = order[np.unique(row[order], return_index=True)[1]]
    homes[rest[row[first]]] = face[first]


def _join_overlapping(footprints: Array, homes: Array) -> tuple[Array, Array]:
    """Return the first building that each one can't be told apart from, or itself.

    Beside it the buildings that overlap another one a little, so that both keep a cell.
    """
    one, two = shapely.STRtree(footprints).query(footprints, "intersects")
    rows = (one < two) & (homes[one] == homes[two])
    one, two = one[rows], two[rows]
    common = shapely.area(shapely.intersection(footprints[one], footprints[two]))
    least = np.minimum(shapely.area(footprints[one]), shapely.area(footprints[two]))
    same = common >= SAME_PLACE * least
    graph = coo_array((same[same], (one[same], two[same])), shape=(len(homes),) * 2)
    group = connected_components(graph, directed=False)[1]
    crowded = (common > 0) & (group[one] != group[two])
    sites = np.unique(group, return_index=True)[1][group]
    return sites, np.unique(np.concatenate([one[crowded], two[crowded]]))


def _drop_covered(
    seeds: _Seeds, footprints: Array, sites: Array, homes: Array, crowded: Array
) -> _Seeds:
    """Leave out seeds inside of another footprint of the block: that place is not theirs alone."""
    near = np.flatnonzero(np.isin(seeds.label, sites[crowded]))
    tree = shapely.STRtree(np.asarray(shapely.points(seeds.points[near])))
    building, seed = tree.query(footprints[crowded], "contains_properly")
    building, seed = crowded[building], near[seed]
    covered = (sites[building] != seeds.label[seed]) & (homes[building] == seeds.block[seed])
    kept = np.ones(len(seeds.label), dtype=bool)
    kept[seed[covered]] = False
    return _Seeds(*(column[kept] for column in seeds))


def _seed_footprints(footprints: Array, sites: Array, homes: Array) -> _Seeds:
    """Return points just inside of the outlines that claim for their site, in its block.

    They stand the closer, the nearer another building of the block is: a border is as exact as its
    distance from the walls asks for.
    """
    start, end, owner = _inset_outlines(footprints)
    start, row = _step_segments(start, end, np.full(len(start), _FARTHEST))
    end = end[row]
    inner = np.flatnonzero(row[1:] == row[:-1])
    end[inner] = start[inner + 1]
    owner = owner[row]
    gap = _measure_gaps((start + end) / 2, sites[owner], homes[owner])
    points, row = _step_segments(start, end, np.clip(_SPACING * gap, _CLOSEST, _FARTHEST))
    spots = np.flatnonzero(shapely.get_type_id(footprints) == 0)
    points = np.concatenate([points, shapely.get_coordinates(footprints[spots])])
    owner = np.concatenate([owner[row], spots])
    return _Seeds(points, sites[owner], homes[owner])


def _inset_outlines(footprints: Array) -> tuple[Array, Array, Array]:
    """Return the segments of all outlines, moved inwards, and the building of each."""
    parts, owner = shapely.get_parts(footprints, return_index=True)
    areas = shapely.get_type_id(parts) == 3
    parts, owner = shapely.orient_polygons(parts[areas]), owner[areas]
    rings, part = shapely.get_rings(shapely.remove_repeated_points(parts), return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(ring[1:] == ring[:-1])
    start, end, ring = points[first], points[first + 1], ring[first]
    ahead = (end - start) / np.hypot(*(end - start).T)[:, None]
    count = np.bincount(ring, minlength=len(rings))
    heads = np.cumsum(count) - count
    before, after = np.arange(len(first)) - 1, np.arange(len(first)) + 1
    before[heads], after[heads + count - 1] = heads + count - 1, heads
    inset = np.minimum(_INSET, 0.5 * shapely.area(parts) / shapely.length(parts))[part[ring]]
    corners = start + _point_inwards(ahead[before], ahead) * inset[:, None]
    return corners, corners[after], owner[part[ring]]


def _point_inwards(before: Array, ahead: Array) -> Array:
    """Return how far to move a corner for its two walls to move inwards by 1, at most by 2."""
    normals = [np.stack([-way[:, 1], way[:, 0]], axis=1) for way in (before, ahead)]
    open_up = 1 + (before * ahead).sum(axis=1)
    return (normals[0] + normals[1]) / np.maximum(open_up, 0.5)[:, None]


def _step_segments(start: Array, end: Array, spacing: Array) -> tuple[Array, Array]:
    """Return points at most ``spacing`` apart, from each start up to its end, and their segments.

    The end itself is left out: it is the start of the next segment.
    """
    count = np.maximum(np.ceil(np.hypot(*(end - start).T) / spacing), 1).astype(int)
    row = np.repeat(np.arange(len(start)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return start[row] + (end - start)[row] * (step / count[row])[:, None], row


def _measure_gaps(points: Array, sites: Array, blocks: Array) -> Array:
    """Return metres from each point to the nearest one of another building in the same block.

    Gaps are looked for as far as they matter to `_SPACING`.
    """
    if len(points) == 0:
        return np.empty(0)
    lifted, most = _lift(points, blocks), _FARTHEST / _SPACING
    found = cKDTree(lifted).query(lifted, k=range(2, 12), distance_upper_bound=most)
    distance, nearest = found
    other = np.append(sites, -1)[nearest] != sites[:, None]
    return np.where(other, distance, most).min(axis=1)


def _lift(points: Array, blocks: Array) -> Array:
    """Set each block's points on a storey of its own: the nearest point is one of the block."""
    return np.column_stack([points - points.min(axis=0), blocks * 1e6])


def _nearest_label(spots: Array, blocks: Array, seeds: _Seeds) -> Array:
    """Return the label of the nearest seed of the same block; of any, if the block has none."""
    if len(seeds.points) == 0:
        return np.full(len(spots), -1)
    lifted = _lift(np.concatenate([seeds.points, spots]), np.concatenate([seeds.block, blocks]))
    nearest = cKDTree(lifted[: len(seeds.points)]).query(lifted[len(seeds.points) :])[1]
    return seeds.label[nearest]


# --- cells ----------------------------------------------------------------------------------------


def _cut_blocks(
    seeds: _Seeds,
    polygons: Array,
    executor: Executor | None = None,
    report: Progress = _no_progress,
) -> Array:
    """Return the borders between labels in every block, some blocks at a time."""
    tasks = list(_pack_blocks(seeds, polygons))
    cut: Iterable[Array] = (executor.map if executor else map)(_cut_chunk, tasks)
    found: list[Array] = [np.empty(0, dtype=object)]
    report("cells", 0, len(tasks))
    for done, lines in enumerate(cut, start=1):
        found.append(lines)
        report("cells", done, len(tasks))
    return np.concatenate(found)


def _pack_blocks(seeds: _Seeds, polygons: Array) -> Iterable[list[tuple[Array, Array, Any]]]:
    """Yield chunks of blocks that hold more than one label: points, labels, polygon."""
    order = np.lexsort([seeds.label, seeds.block])
    points, label, block = (column[order] for column in seeds)
    cuts = np.flatnonzero(np.diff(block)) + 1
    starts, ends = np.append(0, cuts), np.append(cuts, len(block))
    rows = [
        (points[a:b], label[a:b], polygons[block[a]])
        for a, b in zip(starts, ends, strict=True)
        if a < b and label[a] != label[b - 1]
    ]
    for first in range(0, len(rows), _CHUNK):
        yield rows[first : first + _CHUNK]


def _cut_chunk(chunk: Sequence[tuple[Array, Array, Any]]) -> Array:
    """Return the borders between the labels of each block of a chunk, clipped to it."""
    found = [_cut_block(*block) for block in chunk]
    return np.concatenate(found)


def _cut_block(seeds: Array, labels: Array, polygon: Any) -> Array:
    """Return the borders between the nearest-seed regions of different labels in a block."""
    start, end = _trace_ridges(seeds, labels, polygon)
    segments = shapely.multilinestrings(draw_segments(start, end))
    arcs = shapely.get_parts(shapely.line_merge(segments))
    arcs = shapely.simplify(arcs, _STRAIGHTEN, preserve_topology=False)
    shapely.prepare(polygon)
    inside = shapely.contains_properly(polygon, arcs)
    across = arcs[~inside & shapely.intersects(polygon, arcs)]
    reach = shapely.buffer(polygon, _OVERSHOOT, join_style="mitre")
    clipped = shapely.get_parts(shapely.intersection(reach, across))
    return np.concatenate([arcs[inside], clipped[shapely.get_dimensions(clipped) == 1]])


def _trace_ridges(seeds: Array, labels: Array, polygon: Any) -> tuple[Array, Array]:
    """Return the Voronoi ridges between seeds of different labels, as ends in whole millimetres.

    A ridge joins the circumcentres of two Delaunay triangles. A wide ring of seeds without label
    closes every cell far outside of the block.
    """
    first = np.unique(_number_points(seeds), return_index=True)[1]
    seeds, labels = seeds[np.sort(first)], labels[np.sort(first)]
    corners = np.concatenate([seeds, np.reshape(shapely.bounds(polygon), (2, 2))])
    origin, size = corners.min(axis=0), np.ptp(corners, axis=0).max() + 1.0
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = size * (0.5 + 5 * np.column_stack([np.cos(turn), np.sin(turn)]))
    mesh = Delaunay(np.concatenate([seeds - origin, ring]))
    marks = np.concatenate([labels, np.full(len(ring), -1)])[mesh.simplices]
    centres = round_points(_circumcentres(mesh.points[mesh.simplices]) + origin)
    found = [np.empty((0, 2, 2))]
    for corner in range(3):
        beyond = mesh.neighbors[:, corner]
        one, two = marks[:, (corner + 1) % 3], marks[:, (corner + 2) % 3]
        once = (beyond > np.arange(len(beyond))) & (one != two) & (one >= 0) & (two >= 0)
        found.append(np.stack([centres[once], centres[beyond[once]]], axis=1))
    start, end = np.concatenate(found).transpose(1, 0, 2)
    long = (start != end).any(axis=1)
    return start[long], end[long]


def _circumcentres(triangles: Array) -> Array:
    """Return the circumcentres of triangles; the centroid of one whose corners are in line."""
    a = triangles[:, 0]
    (ux, uy), (vx, vy) = (triangles[:, 1] - a).T, (triangles[:, 2] - a).T
    cross = 2 * (ux * vy - uy * vx)
    flat = np.abs(cross) < 1e-9
    cross[flat] = 1.0
    uu, vv = ux * ux + uy * uy, vx * vx + vy * vy
    centres = a + np.column_stack([vy * uu - uy * vv, ux * vv - vx * uu]) / cross[:, None]
    centres[flat] = triangles[flat].mean(axis=1)
    return centres


# --- units ----------------------------------------------------------------------------------------


def _gather_units(
    borders: Array, blocks: _Faces, homes: Array, footprints: Array, city: City
) -> gpd.GeoDataFrame:
    """Put blocks and borders together into faces, and faces into one unit per building."""
    polygons = _polygonize(shapely.boundary(blocks.polygons), borders)
    source = _containing_face(polygons, blocks.polygons)
    polygons, source = polygons[source >= 0], source[source >= 0]
    stands = _find_anchors(footprints, homes, polygons, source, blocks)
    owner = _join_fragments(polygons, source, stands)
    shapes, rank = _sort_rows(_merge(_Faces(polygons, source), owner), _UNIT_ROW)
    position = np.unique(owner, return_inverse=True)[1]
    return _fill_table(shapes, rank[position[stands]], blocks, city)


def _containing_face(polygons: Array, faces: Array) -> Array:
    """Return the position of the face that each polygon is part of, or -1 for none."""
    spots = shapely.point_on_surface(polygons)
    source = _first_containing(faces, spots)
    lost = np.flatnonzero(source < 0)
    row, face = shapely.STRtree(faces).query_nearest(spots[lost], max_distance=GRID / 10)
    source[lost[row]] = face
    return source


def _find_anchors(
    footprints: Array, homes: Array, polygons: Array, source: Array, blocks: _Faces
) -> Array:
    """Return the face that each building stands in: one of its block, by a point inside of it."""
    across = ~shapely.contains_properly(blocks.polygons[homes], footprints)
    within = footprints.copy()
    part = shapely.intersection(footprints[across], blocks.polygons[homes[across]])
    within[across] = np.where(shapely.is_empty(part), footprints[across], part)
    spots = shapely.point_on_surface(within)
    stands = np.full(len(spots), len(polygons))
    face, spot = shapely.STRtree(spots).query(polygons, "intersects")
    rows = source[face] == homes[spot]
    np.minimum.at(stands, spot[rows], face[rows])
    for spot in np.flatnonzero(stands == len(polygons)):
        own = np.flatnonzero(source == homes[spot])
        stands[spot] = own[shapely.distance(polygons[own], spots[spot]).argmin()]
    return stands


def _join_fragments(polygons: Array, source: Array, stands: Array) -> Array:
    """Join what is cut off from its building to the neighbour in the block with most border."""
    firm = np.bincount(stands, minlength=len(polygons)) > 0
    filled = np.bincount(source[stands], minlength=source.max(initial=0) + 1) > 0
    first = np.unique(source, return_index=True)[1]
    firm[first] |= ~filled[source[first]]
    edges = shared_edges(polygons)
    edges = edges.take(source[edges.left] == source[edges.right])
    return absorb(~firm, edges, edges.length)


def _fill_table(shapes: _Faces, unit: Array, blocks: _Faces, city: City) -> gpd.GeoDataFrame:
    """Return the units table; ``unit`` is the unit of each building, ``shapes`` knows blocks."""
    buildings = city.buildings
    people = pd.DataFrame(
        {
            "unit": unit,
            "households": buildings["households"].to_numpy(),
            "building_id": buildings.index.to_numpy(),
            "compound_id": buildings["compound_id"].to_numpy(),
        }
    )
    best = people.sort_values(["unit", "households", "building_id"], ascending=[True, False, True])
    best = best.drop_duplicates("unit").set_index("unit").reindex(range(len(shapes.polygons)))
    count = np.bincount(unit, minlength=len(shapes.polygons))
    households = np.zeros(len(shapes.polygons), dtype=np.int64)
    np.add.at(households, unit, people["households"].to_numpy())
    columns = {
        "households": households,
        "buildings": count.astype(np.int64),
        "community_id": city.communities.index.to_numpy()[blocks.whole[shapes.whole]],
        "block_id": shapes.whole.astype(np.int64),
        "compound_id": best["compound_id"].fillna("").to_numpy(dtype=object),
        "building_id": best["building_id"].fillna("").to_numpy(dtype=object),
    }
    index = pd.RangeIndex(len(shapes.polygons), name="unit_id")
    return gpd.GeoDataFrame(
        columns, geometry=shapes.polygons, index=index, crs=city.communities.crs
    )
