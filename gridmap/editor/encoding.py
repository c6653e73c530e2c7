"""A plan's map as small binary messages: shared borders once, quantised deltas, no GeoJSON.

Every array of whole numbers travels as a varint stream (`pack_integers`), coordinates as steps of
`STEP` metres from one point to the next. Borders are thinned by less than a building's wall, but
never where three units meet: what is drawn has no gaps. `static/unpack.js` is the other end.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.cutting.coverage import chain_edges, read_polygons, thin_lines
from gridmap.cutting.mesh import Floats, Ints
from gridmap.errors import GridmapError
from gridmap.partition.problem import Problem, measure_load
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.tables import BARRIER_KINDS, ROAD_KINDS

#: Metres of one step of a coordinate, and how far a drawn border may be from the true one.
STEP, THIN = 0.1, 0.3
#: Grids have numbers of 16 bits in the browser; some are left for new ones.
MOST_GRIDS = 60_000
_LINE_KINDS = (*ROAD_KINDS, *BARRIER_KINDS)


def encode_city(plan: Plan, rules: Rules, problem: Problem) -> tuple[dict[str, Any], list[bytes]]:
    """Describe what does not change while a plan is edited.

    Parameters
    ----------
    plan : Plan
        The plan that the editing starts from.
    rules : Rules
        What sizes are judged by.
    problem : Problem
        The plan's units as `gridmap.partition.make_problem` gives them.

    Returns
    -------
    dict
        What is small, ready for JSON; ``streams`` names the buffers in their order.
    list of bytes
        The buffers.

    Raises
    ------
    GridmapError
        If the plan has more than `MOST_GRIDS` grids.
    """
    if len(plan.grids) > MOST_GRIDS:
        raise GridmapError(
            f"the editor shows at most {MOST_GRIDS} grids, not {len(plan.grids)}; "
            "edit one district at a time"
        )
    origin = np.floor(plan.units.total_bounds[:2])
    load, grain = measure_load(problem, rules)
    streams = {
        **_encode_units(plan, rules, problem, load),
        **_encode_borders(plan, origin),
        **_encode_pairs(plan),
        **_encode_buildings(plan.city.buildings, origin),
        **_encode_lines(plan, origin),
    }
    packed = {name: pack_integers(values) for name, values in streams.items()}
    return {**_describe(plan, rules), "grain": grain, "streams": list(packed)}, list(
        packed.values()
    )


def pack_integers(values: npt.ArrayLike) -> bytes:
    """Write whole numbers as a stream of varints: 7 bits a byte, the sign in the lowest bit.

    Small numbers, of either sign, take one byte.

    Examples
    --------
    >>> pack_integers([0, -1, 1, 100]).hex()
    '000102c801'
    """
    numbers = np.asarray(values, np.int64)
    folded = ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)
    lengths = np.ones(len(folded), np.int64)
    for bits in range(7, 64, 7):
        lengths += folded >> np.uint64(bits) > 0
    ends = np.cumsum(lengths)
    out = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    for place in range(int(lengths.max(initial=0))):
        rows = np.flatnonzero(lengths > place)
        part = (folded[rows] >> np.uint64(7 * place)) & np.uint64(127)
        more = np.where(lengths[rows] > place + 1, 128, 0).astype(np.uint64)
        out[ends[rows] - lengths[rows] + place] = (part | more).astype(np.uint8)
    return out.tobytes()


def _describe(plan: Plan, rules: Rules) -> dict[str, Any]:
    """Return the texts and the numbers that are one for the whole plan."""
    grids, communities = plan.grids, plan.city.communities
    return {
        "step": STEP,
        "target": rules.target,
        "tolerance": rules.tolerance,
        "codes": grids.index.tolist(),
        "names": grids["name"].tolist(),
        "exclusive": (grids["grid_type"] == "exclusive").astype(int).tolist(),
        "communities": communities["name"].tolist(),
        "kinds": list(_LINE_KINDS),
    }


def _encode_units(
    plan: Plan, rules: Rules, problem: Problem, load: Ints
) -> dict[str, npt.ArrayLike]:
    """Return a number or several per unit; targets and loads only where they differ."""
    given = np.where(np.isnan(problem.target), rules.target, problem.target)
    mixed = bool((given != rules.target).any())
    communities = plan.city.communities.index.get_indexer(plan.units["community_id"])
    return {
        "households": plan.units["households"].to_numpy(),
        "buildings": plan.units["buildings"].to_numpy(),
        "community": np.diff(communities, prepend=0),
        "zone": np.diff(problem.zone, prepend=0) if (problem.zone >= 0).any() else [],
        "load": load if mixed else [],
        "targets": np.rint(given * 1000) if mixed else [],
    }


def _encode_borders(plan: Plan, origin: npt.NDArray[Any]) -> dict[str, npt.ArrayLike]:
    """Return each border between two units once, by the number of its left unit."""
    coverage = read_polygons(np.asarray(plan.units.geometry.array))
    arcs = chain_edges(coverage)
    points, counts = thin_lines(coverage.points[arcs.nodes], arcs.heads, THIN)
    order = np.argsort(arcs.left, kind="stable")
    rows = _gather_runs(counts, order)
    return {
        "arc_left": np.diff(arcs.left[order], prepend=0),
        "arc_right": arcs.right[order] - arcs.left[order],
        "arc_points": counts[order],
        "arc_steps": _take_steps(points[rows], origin),
    }


def _thin_shapes(lines: npt.NDArray[Any]) -> tuple[Floats, Ints]:
    """Thin LineStrings or rings."""
    heads = np.concatenate([[0], np.cumsum(shapely.get_num_coordinates(lines))])
    return thin_lines(shapely.get_coordinates(lines), heads, THIN)


def _gather_runs(counts: Ints, order: Ints) -> Ints:
    """Return the rows of runs of rows, with the runs in another order."""
    heads = np.cumsum(counts) - counts
    size = counts[order]
    return np.asarray(np.repeat(heads[order] - (np.cumsum(size) - size), size)) + np.arange(
        int(counts.sum())
    )


def _take_steps(points: npt.NDArray[Any], origin: npt.NDArray[Any]) -> npt.ArrayLike:
    """Return x and y in turn, each as the steps from the point before."""
    whole = np.rint((points - origin) / STEP).astype(np.int64)
    return np.diff(whole, axis=0, prepend=np.zeros((1, 2), np.int64)).reshape(-1)


def _encode_pairs(plan: Plan) -> dict[str, npt.ArrayLike]:
    """Return the pairs of units that join a grid, by position."""
    usable = plan.adjacency[plan.adjacency["usable"]]
    ids = plan.units.index
    pairs = np.column_stack([ids.get_indexer(usable["unit_a"]), ids.get_indexer(usable["unit_b"])])
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    return {"pair_a": np.diff(pairs[:, 0], prepend=0), "pair_b": pairs[:, 1] - pairs[:, 0]}


def _encode_buildings(buildings: gpd.GeoDataFrame, origin: Any) -> dict[str, npt.ArrayLike]:
    """Return the outer rings of buildings, and the places of those that are points."""
    shapes = np.asarray(buildings.geometry.array)
    kinds = shapely.get_type_id(shapes)
    # Taking apart what is in one piece would copy every building of the city.
    parts = [shapes[kinds == 3], shapely.get_parts(shapes[kinds > 3])]
    points, counts = _thin_shapes(shapely.get_exterior_ring(np.concatenate(parts)))
    spots = shapely.get_coordinates(shapes[kinds == 0])
    return {
        "building_points": counts,
        "building_steps": _take_steps(points, origin),
        "spot_steps": _take_steps(spots, origin),
    }


def _encode_lines(plan: Plan, origin: npt.NDArray[Any]) -> dict[str, npt.ArrayLike]:
    """Return streets, railways and the shores of rivers, with the position of their kind."""
    columns = ["kind", "geometry"]
    frame = pd.concat([plan.city.streets[columns], plan.city.barriers[columns]])
    frame = frame.explode(index_parts=False)
    shapes = np.asarray(frame.geometry.array)
    area = shapely.get_type_id(shapes) == 3
    lines = np.where(area, shapely.get_exterior_ring(shapes), shapes)
    points, counts = _thin_shapes(lines)
    return {
        "line_kind": [_LINE_KINDS.index(kind) for kind in frame["kind"]],
        "line_area": area.astype(np.int64),
        "line_points": counts,
        "line_steps": _take_steps(points, origin),
    }
