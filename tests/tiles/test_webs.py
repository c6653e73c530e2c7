"""Webs of edges: what is shared stays shared, whatever the lattice."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Voronoi

from gridmap.cutting.coverage import Coverage, make_polygons, read_outlines
from gridmap.tiles.thinning import thin_web
from gridmap.tiles.webs import Web, find_areas, relabel, round_web, weave


def make_cells(count: int, size: int, seed: int) -> list[shapely.Polygon]:
    """Make a coverage of a square of whole numbers."""
    seeds = np.random.default_rng(seed).random((count, 2))
    mirrors = [seeds, seeds * [-1, 1], seeds * [1, -1], [2, 0] + seeds * [-1, 1]]
    cells = Voronoi(np.vstack([*mirrors, [0, 2] + seeds * [1, -1]]))
    corners = np.rint(np.clip(cells.vertices, 0, 1) * size)
    return [shapely.Polygon(corners[cells.regions[cells.point_region[i]]]) for i in range(count)]


def make_web(shapes: list[shapely.Polygon], *, own_planes: bool = False) -> Web:
    """Weave polygons, each an area of its own."""
    number = np.arange(len(shapes))
    planes = number if own_planes else np.zeros_like(number)
    return weave(read_outlines(np.array(shapes)), number, planes)


def count_crossings(web: Web) -> int:
    """Count the pairs of edges that share more than an end."""
    ends = np.column_stack([web.x[web.start], web.y[web.start], web.x[web.end], web.y[web.end]])
    lines = shapely.linestrings(ends.reshape(-1, 2, 2).astype(float))
    one, other = shapely.STRtree(lines).query(lines, predicate="intersects")
    pairs = one < other
    common = shapely.intersection(lines[one[pairs]], lines[other[pairs]])
    at_end = [
        shapely.get_type_id(spot) == 0
        and any(shapely.equals(spot, shapely.get_point(lines[row], at)) for at in (0, -1))
        and any(shapely.equals(spot, shapely.get_point(lines[mate], at)) for at in (0, -1))
        for spot, row, mate in zip(common, one[pairs], other[pairs], strict=True)
    ]
    return len(at_end) - sum(at_end)


def draw_areas(web: Web) -> np.ndarray:
    """Return the polygons of a web's faces."""
    points = np.column_stack([web.x, web.y]).astype(np.float64)
    return make_polygons(Coverage(points, web.start, web.end, web.left, web.right))


def test_two_squares_share_an_edge() -> None:
    """Seven edges, one of them with a square on either side."""
    web = make_web([shapely.box(0, 0, 4, 4), shapely.box(4, 0, 8, 4)])
    assert len(web.start) == 7
    inner = (web.left >= 0) & (web.right >= 0)
    assert inner.sum() == 1
    assert set(web.x[[*web.start[inner], *web.end[inner]]]) == {4}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_rounding_never_crosses(seed: int, shift: int) -> None:
    """On a coarser lattice edges meet at their ends only, and cover the same square."""
    web = round_web(make_web(make_cells(40, 4096, seed)), shift)
    assert count_crossings(web) == 0
    shapes = draw_areas(web)
    assert shapely.is_valid(shapes).all()
    assert shapely.area(shapes).sum() == shapely.area(shapely.union_all(shapes))
    assert shapely.area(shapes).sum() == (4096 >> shift) ** 2


def test_a_pixel_has_its_west_and_south_sides() -> None:
    """An edge along the south side of a pixel is bent to its centre, one along the north not."""
    spot = tuple(np.array([value]) for value in (5, 1, 0))  # its pixel: 36 … 44, 4 … 12
    for y, bent in ((4, True), (12, False)):
        shape = shapely.Polygon([(0, y), (80, y), (80, 400)])
        web = round_web(make_web([shape]), 3, spot)
        assert ((web.x == 5) & (web.y == 1)).any() == bent


def test_what_collapses_is_told() -> None:
    """A strip narrower than a step is gone, and its neighbours share one edge."""
    shapes = [shapely.box(0, 0, 64, 64), shapely.box(64, 0, 66, 64), shapely.box(66, 0, 128, 64)]
    web = round_web(make_web(shapes), 4)
    assert find_areas(web, 3).tolist() == [True, False, True]
    inner = (web.left >= 0) & (web.right >= 0)
    assert {(web.left[inner][0], web.right[inner][0])} <= {(0, 2), (2, 0)}


def test_planes_do_not_meet() -> None:
    """Two shapes on each other in planes of their own keep all their edges."""
    web = make_web([shapely.box(0, 0, 4, 4)] * 2, own_planes=True)
    assert len(web.start) == 8
    assert len(round_web(web, 1).start) == 8


def test_joined_areas_lose_their_border() -> None:
    """Areas of one group have no edge between them."""
    web = make_web([shapely.box(0, 0, 4, 4), shapely.box(4, 0, 8, 4)])
    assert len(relabel(web, np.array([0, 0])).start) == 6


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([8, 512, 100_000]))
def test_thinning_keeps_what_the_web_is(seed: int, most: int) -> None:
    """However much may go: no edge crosses, no area is lost, junctions and the square stay."""
    shapes = [shapely.segmentize(cell, 60) for cell in make_cells(25, 1024, seed)]
    web = round_web(make_web(shapes), 1)
    thin = thin_web(web, most)
    assert len(thin.start) < len(web.start)
    assert count_crossings(thin) == 0
    assert (find_areas(thin, 25) == find_areas(web, 25)).all()
    polygons = draw_areas(thin)
    assert shapely.is_valid(polygons).all()
    assert shapely.area(polygons).sum() == pytest.approx(shapely.area(shapely.union_all(polygons)))
    assert len(polygons) == len(draw_areas(web))


def test_an_island_stays_on_its_side() -> None:
    """A corner goes only if nothing lies in its triangle: the island is inside, not outside."""
    bay = shapely.Polygon([(0, 0), (100, 0), (100, 90), (50, 40), (0, 90)])
    island = shapely.box(45, 30, 55, 36)
    holed = bay.difference(island)
    thin = thin_web(make_web([holed, island]), 1_000_000)
    around = draw_areas(thin)
    assert shapely.is_valid(around).all()
    assert len(around[0].interiors) == 1
