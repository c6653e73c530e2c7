"""The faces between lines that cross some areas, and groups of faces of about so many homes."""

import heapq
from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

Positions = npt.NDArray[np.int64]

#: A group may grow to this many times the size before a neighbour counts as full.
_FULL = 4 / 3


def cut_faces(areas: Any, lines: Any) -> tuple[Any, Positions]:
    """Cut areas along lines.

    Parameters
    ----------
    areas : array of Polygon or MultiPolygon
        They don't overlap.
    lines : array of LineString or MultiLineString
        Lines that end inside of a face don't cut it.

    Returns
    -------
    faces : array of Polygon
        They tile the areas, and faces that touch share their vertices; ordered by area, then north
        to south.
    owners : array of int
        Position of the area that each face is part of.
    """
    net = shapely.union_all([*shapely.boundary(areas), *lines])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(net)))
    inner = shapely.point_on_surface(faces)
    at, owner = shapely.STRtree(areas).query(inner, predicate="within")
    x, y = shapely.get_coordinates(inner[at]).T
    order = np.lexsort((x, -y, owner))
    return faces[at[order]], owner[order].astype(np.int64)


def find_faces(points: Any, of: Positions, faces: Any, owners: Positions) -> Positions:
    """Return the position of each point's face among those of the area ``of`` the point.

    On a border the first of the faces has it. A point that rounding left outside of every face of
    its area belongs to the nearest.
    """
    found = np.full(len(points), len(faces), np.int64)
    at, face = shapely.STRtree(faces).query(points, predicate="intersects")
    own = owners[face] == of[at]
    np.minimum.at(found, at[own], face[own])
    for lost in np.flatnonzero(found == len(faces)):
        candidates = np.flatnonzero(owners == of[lost])
        metres = shapely.distance(points[lost], faces[candidates])
        found[lost] = candidates[np.argmin(metres)]
    return found


def join_faces(
    faces: Any, owners: Positions, at: Positions, homes: Positions, size: int
) -> tuple[Any, Positions, Positions]:
    """Join the faces of each area to larger ones of about ``size`` homes, as `group_faces` says.

    Parameters
    ----------
    faces, owners : array
        As `cut_faces` returns them.
    at, homes : array of int
        The face that each building stands in, and its homes.
    size : int
        Homes of a usual joined face.

    Returns
    -------
    faces, owners, at : array
        The same of the joined faces.
    """
    counts = np.bincount(at, homes, len(faces)).astype(np.int64)
    groups = group_faces(faces, owners, counts, size)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    joined = np.array([shapely.coverage_union_all(faces[some]) for some in members], dtype=object)
    return joined, owners[[some[0] for some in members]], groups[at]


def group_faces(faces: Any, owners: Positions, homes: Positions, size: int) -> Positions:
    """Join faces of one area to groups of about ``size`` homes, each of them in one piece.

    The smallest group, as long as it is below ``size``, joins the neighbour with the longest common
    border among those with which it stays within 4/3 of ``size``. If there is none, and it is below
    half of ``size``, it joins the neighbour with the fewest homes. Among equals the first one.

    Returns
    -------
    array of int
        Group of each face, 0 … k-1 in the order of their first faces.
    """
    borders = _measure_borders(faces, owners)
    group, total = list(range(len(faces))), [int(count) for count in homes]
    queue = [(count, face) for face, count in enumerate(total)]
    heapq.heapify(queue)
    while queue:
        count, small = heapq.heappop(queue)
        if group[small] != small or count != total[small] or count >= size:
            continue  # joined or grown since it was put here, or large enough
        other = _choose_neighbour(small, borders[small], total, size)
        if other is None:
            continue
        group[small] = other
        total[other] += count
        _join_borders(borders, small, other)
        heapq.heappush(queue, (total[other], other))
    return _number_groups(group)


def _measure_borders(faces: Any, owners: Positions) -> dict[int, dict[int, float]]:
    """Return the metres that faces of one area share, both ways round."""
    one, two = shapely.STRtree(faces).query(faces, predicate="touches")
    rows = (one < two) & (owners[one] == owners[two])
    one, two = one[rows], two[rows]
    metres = shapely.length(shapely.intersection(faces[one], faces[two]))
    borders: dict[int, dict[int, float]] = defaultdict(dict)
    for left, right, length in zip(one.tolist(), two.tolist(), metres.tolist(), strict=True):
        if length > 0:
            borders[left][right] = borders[right][left] = length
    return borders


def _choose_neighbour(
    small: int, borders: dict[int, float], total: list[int], size: int
) -> int | None:
    """Return the group that ``small`` joins, None if it is to stay as it is."""
    fitting = [other for other in borders if total[other] + total[small] <= _FULL * size]
    if fitting:
        return min(fitting, key=lambda other: (-borders[other], other))
    if borders and total[small] < size / 2:
        return min(borders, key=lambda other: (total[other], other))
    return None


def _join_borders(borders: dict[int, dict[int, float]], gone: int, kept: int) -> None:
    """Give the borders of a group that is gone to the one that took it in."""
    for other, length in borders.pop(gone).items():
        del borders[other][gone]
        if other != kept:
            both = borders[kept].get(other, 0.0) + length
            borders[kept][other] = borders[other][kept] = both


def _number_groups(group: list[int]) -> Positions:
    """Follow each face to the group that it ended in; number the groups by their first faces."""
    ends = []
    for face in range(len(group)):
        end = face
        while group[end] != end:
            end = group[end]
        ends.append(end)
    _, first, number = np.unique(ends, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[number].astype(np.int64)
