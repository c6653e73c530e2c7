"""The cut of blocks: nearest label, nodes on outlines, doubts settled by GEOS."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from shapely import box

from gridmap.cutting import tessellation
from gridmap.cutting.coverage import make_polygons, read_polygons, trace_rings
from gridmap.cutting.tessellation import Seeds, cut_blocks, measure_gaps

BLOCKS = np.array([box(0, 0, 100, 100), box(100, 0, 200, 100)])
spot = st.tuples(st.integers(1, 199), st.integers(1, 99))


def cut(seeds, blocks=BLOCKS, **options):
    """Cut blocks; return pieces, the block and the label of each."""
    cells = cut_blocks(read_polygons(blocks), seeds, **options)
    rings = trace_rings(cells.graph)
    graph = cells.graph._replace(left=rings.sides[:, 0], right=rings.sides[:, 1])
    label = np.full(len(rings.whole), -1)
    known = cells.labels >= 0
    label[rings.sides[known]] = cells.labels[known]
    return make_polygons(graph), rings.whole, label


def place(spots, shift=0.0):
    """Return seeds at spots, each with a label of its own, in the block that holds it."""
    points = np.array(spots, dtype=float)
    block = (points[:, 0] > 100).astype(np.int64)
    return Seeds(points + shift, np.arange(len(points)), block)


def assert_nearest(pieces, whole, label, seeds):
    """Check that pieces tile and that what lies deep in one is nearest to its label."""
    assert shapely.coverage_is_valid(pieces)
    assert shapely.area(pieces).sum() == pytest.approx(20_000, rel=1e-9)
    for block in (0, 1):
        own = np.flatnonzero(seeds.block == block)
        for piece, name in zip(pieces[whole == block], label[whole == block], strict=True):
            assert (name == -1) == (len(own) < 2)
            deep = shapely.get_coordinates(shapely.point_on_surface(shapely.buffer(piece, -0.4)))
            if name >= 0 and len(deep) and np.isfinite(deep).all():
                nearest = own[cKDTree(seeds.points[own]).query(deep)[1]]
                assert seeds.label[nearest].tolist() == [name]


@given(st.lists(spot, min_size=1, max_size=30, unique=True))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_places_belong_to_the_nearest(spots):
    """Lattice seeds, where circles and outlines meet in corners, divide exactly all the same."""
    seeds = place(spots)
    assert_nearest(*cut(seeds), seeds)


@given(st.lists(spot, min_size=3, max_size=30, unique=True))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_geos_gives_the_same_pieces(spots):
    """Where GEOS nodes the block instead, pieces and labels are the same."""
    seeds = place(spots, 0.123)
    fast = cut(seeds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tessellation, "_clip_arcs", doubt_everything)
        slow = cut(seeds)
    assert_nearest(*slow, seeds)
    assert sorted(fast[2].tolist()) == sorted(slow[2].tolist())
    assert np.sort(shapely.area(fast[0])) == pytest.approx(np.sort(shapely.area(slow[0])), abs=1e-4)


CLIP = tessellation._clip_arcs


def doubt_everything(task, arcs, heads, whole):
    """Clip, and say that no block is sure to be plane."""
    found, doubts = CLIP(task, arcs, heads, whole)
    return found, doubts._replace(blocks=np.ones_like(doubts.blocks))


def test_lines_that_touch_get_their_vertices_back(monkeypatch):
    """Straightened by far too much, lines cross; whole ones do not, and GEOS is not needed."""
    rng = np.random.default_rng(3)
    spots = rng.uniform(1, 99, (400, 2))
    seeds = Seeds(spots, np.arange(400) % 9, np.zeros(400, dtype=np.int64))
    exact = cut(seeds)
    monkeypatch.setattr(tessellation, "STRAIGHTEN", 10.0)
    mended = []
    mend = tessellation._mend_block
    monkeypatch.setattr(
        tessellation, "_mend_block", lambda *block: mended.append(1) or mend(*block)
    )
    pieces, _, _ = cut(seeds)
    assert mended
    assert shapely.coverage_is_valid(pieces)
    assert shapely.area(pieces).sum() == pytest.approx(20_000, rel=1e-9)
    assert len(pieces) <= len(exact[0])


def test_neighbours_get_the_node():
    """Where a line ends on an outline the uncut block beyond has a node too."""
    pieces, whole, _ = cut(
        Seeds(np.array([[90.0, 20], [90, 60]]), np.array([0, 1]), np.zeros(2, int))
    )
    beyond = shapely.get_coordinates(pieces[whole == 1])
    assert [100.0, 40.0] in beyond.tolist()


def test_workers_change_nothing():
    """Threads give the same bytes, with many tasks too."""
    points = np.random.default_rng(1).uniform(0, 100, (45_000, 2)) * [2, 1]
    seeds = Seeds(points, np.arange(len(points)) // 9, (points[:, 0] > 100).astype(np.int64))
    alone = cut_blocks(read_polygons(BLOCKS), seeds)
    with ThreadPoolExecutor(2) as executor:
        together = cut_blocks(read_polygons(BLOCKS), seeds, executor)
    assert alone.graph.points.tobytes() == together.graph.points.tobytes()
    assert alone.labels.tobytes() == together.labels.tobytes()


def test_gaps():
    """The gap is to the nearest point of another label in the same block, within reach."""
    x, y = np.array([0.0, 3, 5, 40, 0.5]), np.zeros(5)
    gaps = measure_gaps(x, y, np.array([0, 0, 1, 2, 3]), np.array([0, 0, 0, 0, 1]), 12.0)
    assert gaps.tolist() == [5.0, 2.0, 2.0, 12.0, 12.0]
