"""Cut the territory into indivisible units: each building's share of the block it stands in.

Streets, railways, rivers and community borders cut the territory into blocks. In a block every
place belongs to its nearest building (the enclosed tessellation of Fleischmann et al. 2020, as in
momepy). Blocks and cells are faces of one plane graph, in which an edge is kept once with what is
left and right of it: units tile each community and neighbours share their border vertex for vertex.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy
import shapely

from gridmap.city import City
from gridmap.cutting.coverage import (
    GRID,
    Coverage,
    Rings,
    dissolve,
    draw_polygons,
    make_polygons,
    read_outlines,
    read_polygons,
    trace_rings,
)
from gridmap.cutting.tessellation import Cells, Seeds, cut_blocks, measure_gaps
from gridmap.errors import TableError
from gridmap.tables import COUNTS, CROSSINGS, UNITS, check_table

Array = npt.NDArray[Any]
Progress = Callable[[str, int, int], None]
_log = logging.getLogger(__name__)

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
#: Blocks, and units in a block, are numbered in rows of this height (metres), N to S.
_BLOCK_ROW, _UNIT_ROW = 100.0, 20.0
#: How much of a border counts when a face looks for the neighbour to join: not across a river.
_JOINS = np.array([1.0, 0.5, 0.4, 1e-3, 1e-6])
#: Metres within which a line runs through a point of a border.
_ON_LINE = 0.002


class _Faces(NamedTuple):
    """Polygons that tile something larger: blocks a community, cells a block.

    ``graph`` has their positions left and right of its edges; ``whole`` is the position of the
    community or block that each is part of.
    """

    graph: Coverage
    polygons: Array
    whole: Array


def make_units(
    city: City, *, executor: Executor | None = None, progress: Progress | None = None
) -> gpd.GeoDataFrame:
    """Cut every community into units: blocks, and in a block each building's share of it.

    Parameters
    ----------
    city : City
        Main roads, streets, railways, rivers and the outlines of exclusive zones cut; paths and
        dead ends do not. Water of 1 ha and
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
        multiples of `coverage.GRID`. Buildings that no border can separate (one above the
        other) share a unit, which is named after the one with most households. A building across a
        line stands in the block that holds most of its footprint, in its own community. A block
        without buildings is one unit of 0 households.

    Raises
    ------
    TableError
        If a community has no territory of its own, because others that come first cover it.

    Notes
    -----
    Blocks without buildings that are narrower than `SLIVER_WIDTH` or smaller than `SLIVER_AREA`
    join the neighbour in the community with most border, rather not across a barrier; what a
    barrier or another cell cuts off from its building joins a neighbour in the block. Logger
    ``gridmap.units`` tells at level INFO how many there were. A sliver whose community has nothing
    beside it stays: an islet is a place.

    O(n log n) for n corners of buildings and lines.

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
    cells = cut_blocks(blocks.graph, seeds, executor, report)
    report("units", 0, 1)
    units = _gather_units(cells, seeds, blocks, sites, homes, footprints, city)
    report("units", 1, 1)
    check_table(units, UNITS)
    return units


def _no_progress(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


# --- shared with adjacency ------------------------------------------------------------------------


def shared_edges(polygons: Array) -> Coverage:
    """Return every edge that two of the polygons share, ``left`` < ``right``.

    The polygons are a valid coverage: an edge belongs to one or two of them.
    """
    return _inner_edges(read_polygons(polygons))


def _inner_edges(graph: Coverage) -> Coverage:
    """Return the edges with a face on both sides, ``left`` < ``right``."""
    graph = graph.take((graph.left >= 0) & (graph.right >= 0) & (graph.left != graph.right))
    turned = graph.left > graph.right
    columns = ((graph.start, graph.end), (graph.left, graph.right))
    (start, end), (left, right) = (
        (np.where(turned, b, a), np.where(turned, a, b)) for a, b in columns
    )
    return Coverage(graph.points, start, end, left, right)


def class_lines(points: Array, city: City, along: float = _ON_LINE) -> Array:
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
    areas = [shapely.boundary(water), shapely.boundary(np.asarray(city.zones.geometry.array))]
    lines = [outlines, *areas, *(select_lines(city, kind) for kind in kinds)]
    faces = _in_communities(_polygonize(np.concatenate(lines)), city)
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


def _polygonize(lines: Array) -> Array:
    """Node lines on the grid; return the faces between them. Dead ends bound nothing."""
    noded = shapely.union_all(lines, grid_size=GRID)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


def _in_communities(polygons: Array, city: City) -> _Faces:
    """Keep the faces that lie in a community; where two overlap the first one has it."""
    communities = np.asarray(city.communities.geometry.array)
    owner = _first_containing(communities, shapely.point_on_surface(polygons))
    polygons = polygons[owner >= 0]
    return _Faces(read_polygons(polygons), polygons, owner[owner >= 0])


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
    edges = _inner_edges(faces.graph)
    same = faces.whole[edges.left] == faces.whole[edges.right]
    edges = edges.take(same & (wet[edges.left] != wet[edges.right]))
    edges = edges.take(class_lines(edges.middle, city) == 0)
    basin = np.where(wet[edges.left], edges.left, edges.right)
    bank = np.where(wet[edges.left], edges.right, edges.left)
    start, end = edges.points[edges.start], edges.points[edges.end]
    points, row = _step_segments(start, end, np.full(len(basin), _BANK_SPACING))
    seeds = Seeds(points, bank[row], basin[row])
    cells = cut_blocks(faces.graph, seeds)
    rings = trace_rings(cells.graph)
    pieces = _use_faces(cells.graph, rings)
    owner = _join_shores(pieces, rings.whole, wet, _label_faces(cells, rings, seeds), faces, city)
    return _merge(pieces, faces.whole[rings.whole], owner)


def _use_faces(graph: Coverage, rings: Rings) -> Coverage:
    """Return a graph with the faces that were traced left and right of its edges."""
    return graph._replace(left=rings.sides[:, 0], right=rings.sides[:, 1])


def _label_faces(cells: Cells, rings: Rings, seeds: Seeds) -> Array:
    """Return the label of each face: along its edges, or the only one of its block; else -1."""
    only = np.full(rings.whole.max(initial=-1) + 1, -1)
    only[seeds.block] = seeds.label
    label = only[rings.whole]
    known = cells.labels >= 0
    label[rings.sides[known]] = cells.labels[known]
    return label


def _join_shores(
    pieces: Coverage, source: Array, wet: Array, label: Array, faces: _Faces, city: City
) -> Array:
    """Return the piece that each piece joins: land stays, water joins its nearest bank.

    ``source`` is the face that each piece was cut from, ``wet`` tells which faces are water,
    ``label`` is the nearest bank of a piece of water.
    """
    target = np.where(wet[source], label, source)
    edges = _inner_edges(pieces)
    one, two = source[edges.left], source[edges.right]
    edges = edges.take((faces.whole[one] == faces.whole[two]) & (wet[one] | wet[two]))
    wanted = target[edges.left] == target[edges.right]
    weight = edges.length * _JOINS[class_lines(edges.middle, city)]
    return absorb(wet[source], edges, weight * np.where(wanted, 1e6, 1.0))


def _join_slivers(faces: _Faces, homes: Array, city: City) -> tuple[_Faces, Array]:
    """Join empty faces that are too thin to be a place; return blocks and the buildings' blocks."""
    empty = np.bincount(homes, minlength=len(faces.polygons)) == 0
    area, around = shapely.area(faces.polygons), shapely.length(faces.polygons)
    loose = empty & ((2 * area < SLIVER_WIDTH * around) | (area < SLIVER_AREA))
    edges = _inner_edges(faces.graph)
    same = faces.whole[edges.left] == faces.whole[edges.right]
    edges = edges.take(same & (loose[edges.left] | loose[edges.right]))
    weight = edges.length * _JOINS[class_lines(edges.middle, city)]
    owner = absorb(loose, edges, weight)
    _log.info(
        "%d empty slivers (below %g m wide or %g m²): %d joined a neighbour",
        *(loose.sum(), SLIVER_WIDTH, SLIVER_AREA, np.count_nonzero(owner != np.arange(len(owner)))),
    )
    position = np.unique(owner, return_inverse=True)[1]
    blocks = _merge(faces.graph, faces.whole, owner)
    blocks, rank = _sort_rows(blocks, _BLOCK_ROW)
    return blocks, rank[position[homes]]


def absorb(loose: Array, edges: Coverage, weight: Array) -> Array:
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


def _merge(graph: Coverage, whole: Array, owner: Array) -> _Faces:
    """Dissolve the faces of each owner into one polygon; owners keep their order."""
    kept, position = np.unique(owner, return_inverse=True)
    merged = dissolve(graph, position)
    return _Faces(merged, make_polygons(merged), whole[kept])


def _sort_rows(faces: _Faces, height: float) -> tuple[_Faces, Array]:
    """Sort faces by what they are part of, then in rows N to S, each W to E; return the ranks."""
    x, y = shapely.get_coordinates(shapely.centroid(faces.polygons)).T
    order = np.lexsort([-y, x, np.floor(-y / height), faces.whole])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    beside = np.append(rank, -1)
    graph = faces.graph
    graph = graph._replace(left=beside[graph.left], right=beside[graph.right])
    return _Faces(graph, faces.polygons[order], faces.whole[order]), rank


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
    graph = scipy.sparse.coo_array((same[same], (one[same], two[same])), shape=(len(homes),) * 2)
    group = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    crowded = (common > 0) & (group[one] != group[two])
    sites = np.unique(group, return_index=True)[1][group]
    return sites, np.unique(np.concatenate([one[crowded], two[crowded]]))


def _drop_covered(
    seeds: Seeds, footprints: Array, sites: Array, homes: Array, crowded: Array
) -> Seeds:
    """Leave out seeds inside of another footprint of the block: that place is not theirs alone."""
    near = np.flatnonzero(np.isin(seeds.label, sites[crowded]))
    tree = shapely.STRtree(np.asarray(shapely.points(seeds.points[near])))
    building, seed = tree.query(footprints[crowded], "contains_properly")
    building, seed = crowded[building], near[seed]
    covered = (sites[building] != seeds.label[seed]) & (homes[building] == seeds.block[seed])
    kept = np.ones(len(seeds.label), dtype=bool)
    kept[seed[covered]] = False
    return Seeds(*(column[kept] for column in seeds))


def _seed_footprints(footprints: Array, sites: Array, homes: Array) -> Seeds:
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
    return Seeds(points, sites[owner], homes[owner])


def _inset_outlines(footprints: Array) -> tuple[Array, Array, Array]:
    """Return the segments of all outlines, moved inwards, and the building of each."""
    areas, several = (np.flatnonzero(shapely.get_type_id(footprints) == kind) for kind in (3, 6))
    parts, part_of = shapely.get_parts(footprints[several], return_index=True)
    parts = np.concatenate([footprints[areas], parts])
    owner = np.concatenate([areas, several[part_of]])
    points, heads, part, inwards = read_outlines(parts)
    ring = np.repeat(np.arange(len(part)), np.diff(heads))
    first = np.flatnonzero((ring[1:] == ring[:-1]) & (points[1:] != points[:-1]).any(axis=1))
    start, end, ring = points[first], points[first + 1], ring[first]
    ahead = (end - start) / np.hypot(*(end - start).T)[:, None]
    first = np.flatnonzero(np.diff(ring, prepend=-1))
    last = np.append(first, len(ring))[1:] - 1
    before, after = np.arange(len(ring)) - 1, np.arange(len(ring)) + 1
    before[first], after[last] = last, first
    inset = np.minimum(_INSET, 0.5 * shapely.area(parts) / shapely.length(parts))[part]
    corners = start + _point_inwards(ahead[before], ahead) * (inset * inwards)[ring][:, None]
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
    x, y = points.T.copy()
    return np.asarray(measure_gaps(x, y, sites, blocks, _FARTHEST / _SPACING))


# --- units ----------------------------------------------------------------------------------------


def _gather_units(
    cells: Cells,
    seeds: Seeds,
    blocks: _Faces,
    sites: Array,
    homes: Array,
    footprints: Array,
    city: City,
) -> gpd.GeoDataFrame:
    """Put cells together into one unit per building."""
    rings = trace_rings(cells.graph)
    label = _label_faces(cells, rings, seeds)
    stands = _find_anchors(cells.graph, rings, label, sites, homes, footprints, blocks)
    graph = _use_faces(cells.graph, rings)
    owner = _join_fragments(graph, rings.whole, stands)
    shapes, rank = _sort_rows(_merge(graph, rings.whole, owner), _UNIT_ROW)
    position = np.unique(owner, return_inverse=True)[1]
    return _fill_table(shapes, rank[position[stands]], blocks, city)


def _find_anchors(
    graph: Coverage,
    rings: Rings,
    label: Array,
    sites: Array,
    homes: Array,
    footprints: Array,
    blocks: _Faces,
) -> Array:
    """Return the face that each building stands in: the only one of its site, or by a point."""
    count = np.bincount(label[label >= 0], minlength=len(sites))
    stands = np.full(len(sites), -1)
    stands[label[label >= 0]] = np.flatnonzero(label >= 0)
    rest = np.unique(sites[count[sites] != 1])
    spots = _find_spots(footprints[rest], blocks.polygons[homes[rest]])
    near = np.flatnonzero(np.isin(rings.whole, homes[rest]))
    polygons = draw_polygons(graph.points, rings, near)
    stands[rest] = near[_nearest_own(spots, homes[rest], polygons, rings.whole[near])]
    return stands[sites]


def _find_spots(footprints: Array, areas: Array) -> Array:
    """Return a point of each footprint, in its area if any of it lies there."""
    part = shapely.intersection(footprints, areas)
    return shapely.point_on_surface(np.where(shapely.is_empty(part), footprints, part))


def _nearest_own(spots: Array, of: Array, polygons: Array, whole: Array) -> Array:
    """Return the polygon of the same whole that each spot lies in, or the nearest one."""
    found = np.full(len(spots), len(polygons))
    polygon, spot = shapely.STRtree(spots).query(polygons, "intersects")
    rows = whole[polygon] == of[spot]
    np.minimum.at(found, spot[rows], polygon[rows])
    for spot in np.flatnonzero(found == len(polygons)):
        own = np.flatnonzero(whole == of[spot])
        found[spot] = own[shapely.distance(polygons[own], spots[spot]).argmin()]
    return found


def _join_fragments(graph: Coverage, source: Array, stands: Array) -> Array:
    """Join what is cut off from its building to the neighbour in the block with most border."""
    firm = np.bincount(stands, minlength=len(source)) > 0
    filled = np.bincount(source[stands], minlength=source.max(initial=0) + 1) > 0
    first = np.unique(source, return_index=True)[1]
    firm[first] |= ~filled[source[first]]
    edges = _inner_edges(graph)
    edges = edges.take(source[edges.left] == source[edges.right])
    edges = edges.take(~firm[edges.left] | ~firm[edges.right])
    owner = absorb(~firm, edges, edges.length)
    _log.info("%d pieces cut off from their building joined a neighbour", (~firm).sum())
    return owner


def _find_zones(blocks: Array, city: City) -> Array:
    """Return the exclusive zone that most of each block lies in, "" for none."""
    found = np.full(len(blocks), "", dtype=object)
    zones = np.asarray(city.zones.geometry.array)
    zone, block = shapely.STRtree(blocks).query(zones, "intersects")
    shared = shapely.area(shapely.intersection(zones[zone], blocks[block]))
    most = shared > shapely.area(blocks[block]) / 2
    found[block[most]] = city.zones.index.to_numpy(dtype=object)[zone[most]]
    return found


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
    counts = {
        name: np.bincount(unit, buildings[name], len(households)).astype(np.int64)
        for name in COUNTS
        if name in buildings
    }
    parts = buildings.get("part_of")
    columns = {
        "households": households,
        "buildings": count.astype(np.int64),
        "community_id": city.communities.index.to_numpy()[blocks.whole[shapes.whole]],
        "block_id": shapes.whole.astype(np.int64),
        "compound_id": best["compound_id"].fillna("").to_numpy(dtype=object),
        "building_id": best["building_id"].fillna("").to_numpy(dtype=object),
        "zone_id": _find_zones(blocks.polygons, city)[shapes.whole],
        **counts,
    }
    if parts is not None:
        columns["part_of"] = best["building_id"].map(parts).fillna("").to_numpy(dtype=object)
    index = pd.RangeIndex(len(shapes.polygons), name="unit_id")
    return gpd.GeoDataFrame(
        columns, geometry=shapes.polygons, index=index, crs=city.communities.crs
    )
