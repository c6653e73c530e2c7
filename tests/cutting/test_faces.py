"""Faces between lines tile the areas, and groups of faces are in one piece."""

import networkx as nx
import numpy as np
import pytest
import shapely
from shapely import LineString, Point, box

from gridmap.cutting.faces import cut_faces, find_faces, group_faces, join_faces

AREAS = np.array([box(0, 0, 100, 100), box(100, 0, 200, 100)])


def lines(*coordinates):
    """Return an array of lines."""
    return np.array([LineString(points) for points in coordinates])


def test_faces_tile_their_areas():
    """A line through both areas and one dead end: four faces, N to S in each area."""
    faces, owners = cut_faces(
        AREAS, lines([(-9, 50), (209, 50)], [(50, 70), (50, 120)], [(150, 60), (150, 90)])
    )
    assert owners.tolist() == [0, 0, 1, 1]
    assert shapely.area(faces).tolist() == [5000] * 4
    assert shapely.bounds(faces)[:, 1].tolist() == [50, 0, 50, 0]
    assert shapely.coverage_is_valid(faces)


def test_no_line():
    """Without a line the areas are the faces."""
    faces, owners = cut_faces(AREAS, np.array([], dtype=object))
    assert owners.tolist() == [0, 1]
    assert shapely.equals(faces, AREAS).all()


def test_faces_of_points():
    """A point has a face of its own area: on a border the first, outside the nearest."""
    faces, owners = cut_faces(AREAS, lines([(-9, 50), (209, 50)]))
    points = np.array([Point(10, 60), Point(10, 50), Point(100, 60), Point(100, 60), Point(10, -1)])
    assert find_faces(points, np.array([0, 0, 0, 1, 0]), faces, owners).tolist() == [0, 0, 0, 2, 1]


def strip(homes, heights=None):
    """Return faces in a row, W to E, and their homes."""
    tops = heights or [10] * len(homes)
    faces = [box(10 * at, 0, 10 * at + 10, top) for at, top in enumerate(tops)]
    return np.array(faces), np.zeros(len(faces), np.int64), np.array(homes)


@pytest.mark.parametrize(
    ("homes", "groups"),
    [
        ([50, 50, 50, 50], [0, 0, 1, 1]),  # twos of 100, the first neighbour among equals
        ([100, 100], [0, 1]),  # large enough, both
        ([300, 10, 100], [0, 1, 1]),  # 110 fits into 133, 310 does not
        ([300, 10], [0, 0]),  # too small to stay alone, though it does not fit
        ([300, 60], [0, 1]),  # more than half: stays
        ([0, 0, 0], [0, 0, 0]),
        ([5], [0]),
    ],
)
def test_groups_of_a_hundred(homes, groups):
    """Groups of about 100 homes in a row of faces."""
    assert group_faces(*strip(homes), 100).tolist() == groups


def test_longest_border():
    """The smallest group joins the neighbour with the longest common border."""
    faces = np.array(
        [box(0, 0, 10, 10), box(10, 0, 20, 10), box(10, 10, 13, 20), box(0, 10, 10, 99)]
    )
    groups = group_faces(faces, np.zeros(4, np.int64), np.array([95, 10, 60, 200]), 100)
    assert groups.tolist() == [0, 0, 1, 2]


def test_areas_are_not_mixed():
    """Faces of two areas are never joined."""
    faces, _, homes = strip([5, 5, 5, 5])
    assert group_faces(faces, np.array([0, 0, 1, 1]), homes, 1000).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_in_one_piece(seed):
    """On random streets every group is connected, homes are kept, and small groups are gone."""
    rng = np.random.default_rng(seed)
    ends = rng.uniform(-20, 220, (60, 2, 2))
    faces, owners = cut_faces(np.array([box(0, 0, 200, 200)]), shapely.linestrings(ends))
    homes = rng.integers(0, 30, 5000)
    at = find_faces(
        shapely.points(rng.uniform(0, 200, (5000, 2))), np.zeros(5000, int), faces, owners
    )
    joined, owner, where = join_faces(faces, owners, at, homes, 3000)
    assert (shapely.get_type_id(joined) == 3).all()
    assert (owner == 0).all()
    assert shapely.coverage_is_valid(joined)
    assert shapely.area(joined).sum() == pytest.approx(40_000)
    counts = np.bincount(where, homes, len(joined))
    assert counts.sum() == homes.sum()
    assert counts.min() >= 1500
    pairs = shapely.STRtree(joined).query(joined, predicate="touches").T
    assert nx.is_connected(nx.Graph(pairs.tolist()))
