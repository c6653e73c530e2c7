"""Which units touch, along how many metres, across what, and where a grid may be joined.

A border is measured on the edges that two units share vertex for vertex; nothing is overlaid.
"""

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy
import shapely

from gridmap.city import City
from gridmap.cutting.coverage import Coverage
from gridmap.rules import Rules
from gridmap.tables import ADJACENCY, CROSSINGS, UNITS, check_table
from gridmap.units import (
    class_lines,
    draw_segments,
    find_water,
    select_lines,
    shared_edges,
    split_segments,
)

if TYPE_CHECKING:
    import networkx as nx

Array = npt.NDArray[Any]

#: Metres within which a line lies along a border: the two were drawn at different times.
ALONG = 2.5
#: Metres between a road's crossing of a river and a border on that river which it bridges.
BRIDGE_REACH = 5.0
#: Metres within which a road meets a river: both were rounded, and borders more than once.
_TOUCH = 0.01
_RIVER = CROSSINGS.index("river")
#: Open water, while borders are summed: a river where two units share no land.
_WATER = len(CROSSINGS)


def build_adjacency(units: gpd.GeoDataFrame, city: City, rules: Rules) -> pd.DataFrame:
    """List each pair of units that share a border, and what lies along it.

    Parameters
    ----------
    units : GeoDataFrame
        Units that tile, as `gridmap.units.make_units` cuts them.
    city : City
        Its streets and barriers say what a border is, its roads and paths where a river is bridged.
    rules : Rules
        ``contact`` is the border in metres below which two units do not join a grid.

    Returns
    -------
    DataFrame
        Keeps `gridmap.tables.ADJACENCY`, sorted by ``unit_a`` and ``unit_b``. ``border`` is the
        length of all that the two share; units that meet in points only are no pair. ``barrier`` is
        what lies along most of it; open water counts only for two units that meet nowhere else, so
        that neighbours on one bank are not parted by the water before them. ``usable`` is false

        - between communities, as a grid lies in one, and around an exclusive zone, which is one;
        - across a river, unless a road or path crosses it within `BRIDGE_REACH` of the border;
        - where ``border`` is below ``rules.contact``. Of these the longest are opened again that
          join parts of a community which otherwise fall apart. A river without bridge is not,
          except towards a part where nobody lives: an islet has to be in some grid.

    Raises
    ------
    TableError
        If ``units`` breaks its contract.

    Examples
    --------
    >>> adjacency = build_adjacency(units, city, Rules())  # doctest: +SKIP
    >>> adjacency[adjacency.barrier == "river"].usable.sum()  # bridges # doctest: +SKIP
    """
    check_table(units, UNITS)
    units = units.sort_index()
    edges = shared_edges(np.asarray(units.geometry.array))
    classes = _class_edges(edges, units["block_id"].to_numpy(), city)
    pairs = _sum_borders(edges, classes, rules.contact)
    bridged = _find_bridged(pairs, edges, classes, city)
    pairs["usable"] = _find_usable(pairs, bridged, units, rules.contact)
    pairs["barrier"] = np.array(CROSSINGS, dtype=object)[pairs["barrier"]]
    ids = units.index.to_numpy()
    pairs["unit_a"], pairs["unit_b"] = ids[pairs["unit_a"]], ids[pairs["unit_b"]]
    check_table(pairs, ADJACENCY)
    return pairs


def to_graph(units: gpd.GeoDataFrame, adjacency: pd.DataFrame) -> "nx.Graph[int]":
    """Return units and their pairs as a graph.

    Nodes are ``unit_id`` with ``households`` and ``community_id``; edges have ``border`` (metres),
    ``barrier`` and ``usable``. Units without neighbour are nodes too.

    Examples
    --------
    >>> graph = to_graph(units, adjacency)  # doctest: +SKIP
    >>> graph.edges[0, 1]["barrier"]  # doctest: +SKIP
    'street'
    """
    import networkx as nx  # late: it takes its time, and few ask for it

    graph: nx.Graph[int] = nx.Graph()
    for unit, households, community in units[["households", "community_id"]].itertuples(name=None):
        graph.add_node(unit, households=households, community_id=community)
    columns = adjacency[["unit_a", "unit_b", "border", "barrier", "usable"]]
    for a, b, border, barrier, usable in columns.itertuples(index=False, name=None):
        graph.add_edge(a, b, border=border, barrier=barrier, usable=usable)
    return graph


# --- what lies along a border ---------------------------------------------------------------------


def _class_edges(edges: Coverage, blocks: Array, city: City) -> Array:
    """Return what lies along each edge: a position in `CROSSINGS`, or `_WATER`.

    A line through the edge counts before the water under it, and that before a line beside it.
    Nothing lies between two units of one block.
    """
    classes = np.zeros(len(edges.left), dtype=np.int8)
    rows = np.flatnonzero(blocks[edges.left] != blocks[edges.right])
    classes[rows] = class_lines(edges.middle[rows], city)
    rows = rows[classes[rows] == 0]
    spots = shapely.STRtree(np.asarray(shapely.points(edges.middle[rows])))
    classes[rows[spots.query(find_water(city), "contains_properly")[1]]] = _WATER
    rows = rows[classes[rows] == 0]
    classes[rows] = class_lines(edges.middle[rows], city, ALONG)
    return classes


def _sum_borders(edges: Coverage, classes: Array, contact: float) -> pd.DataFrame:
    """Return a row per pair with its border and the class of most of it.

    Where two units share ``contact`` metres of dry border, open water does not count.
    """
    table = pd.DataFrame({"unit_a": edges.left, "unit_b": edges.right, "class": classes})
    table["border"] = edges.length
    table["dry"] = table["border"].where(classes != _WATER, 0.0)
    pair = ["unit_a", "unit_b"]
    total = table.groupby(pair, as_index=False)[["border", "dry"]].sum()
    sums = table.groupby([*pair, "class"], as_index=False)[["border", "dry"]].sum()
    shore = sums.merge(total, on=pair, suffixes=("", "_all"))["dry_all"].to_numpy() >= contact
    sums["counts"] = sums["dry"].where(shore, sums["border"])
    order = sums.sort_values([*pair, "counts"], ascending=[True, True, False], kind="stable")
    total["barrier"] = np.minimum(order.drop_duplicates(pair)["class"].to_numpy(), _RIVER)
    return total.drop(columns="dry")


# --- where a grid may be joined -------------------------------------------------------------------


def _find_usable(
    pairs: pd.DataFrame, bridged: Array, units: gpd.GeoDataFrame, contact: float
) -> Array:
    """Return which pairs may be joined in a grid."""
    places = units.groupby(["community_id", *(["zone_id"] if "zone_id" in units else [])])
    place = places.ngroup().to_numpy()
    inside = place[pairs["unit_a"]] == place[pairs["unit_b"]]
    dry = inside & ((pairs["barrier"].to_numpy() != _RIVER) | bridged)
    wide = pairs["border"].to_numpy() >= contact
    households = units["households"].to_numpy()
    usable = dry & wide
    usable = _reopen(pairs, usable, dry & ~wide, np.zeros_like(households))
    return _reopen(pairs, usable, inside & ~dry, households)


def _reopen(pairs: pd.DataFrame, usable: Array, closed: Array, households: Array) -> Array:
    """Open the longest of the closed borders that join two parts, one of them without households.

    Ties go to the first pair. What is opened joins its parts before the next border is looked at.
    """
    usable = usable.copy()
    a, b = pairs["unit_a"].to_numpy(), pairs["unit_b"].to_numpy()
    shape = (len(households), len(households))
    graph = scipy.sparse.coo_array((usable[usable], (a[usable], b[usable])), shape=shape)
    part = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    people = np.bincount(part, weights=households).tolist()
    parent = list(range(len(people)))
    rows = np.flatnonzero(closed & (part[a] != part[b]))
    for row in rows[np.argsort(-pairs["border"].to_numpy()[rows], kind="stable")]:
        one, two = _find_root(parent, part[a[row]]), _find_root(parent, part[b[row]])
        if one != two and min(people[one], people[two]) == 0:
            parent[two] = one
            people[one] += people[two]
            usable[row] = True
    return usable


def _find_root(parent: list[int], part: int) -> int:
    """Return the part that ``part`` was joined to, and shorten the way there."""
    while parent[part] != part:
        parent[part] = parent[parent[part]]
        part = parent[part]
    return part


# --- bridges --------------------------------------------------------------------------------------


def _find_bridged(pairs: pd.DataFrame, edges: Coverage, classes: Array, city: City) -> Array:
    """Tell for each pair whether a road or path crosses the river at the border of the two."""
    keys = pd.MultiIndex.from_frame(pairs[["unit_a", "unit_b"]])
    pair = keys.get_indexer(pd.MultiIndex.from_arrays([edges.left, edges.right]))
    river = (classes >= _RIVER) & (pairs["barrier"].to_numpy()[pair] == _RIVER)
    shores, pair = edges.take(river), pair[river]
    lines = draw_segments(shores.points[shores.start], shores.points[shores.end])
    rivers = np.concatenate([lines, split_segments(select_lines(city, "river"))])
    crossings = _find_crossings(rivers, np.asarray(city.streets.geometry.array))
    near = shapely.STRtree(lines).query(crossings, "dwithin", distance=BRIDGE_REACH)[1]
    bridged = np.zeros(len(pairs), dtype=bool)
    bridged[pair[near]] = True
    return bridged


def _find_crossings(shores: Array, roads: Array) -> Array:
    """Return the points where roads lead from one side of a river's segment to the other.

    A road that ends at the river or runs along it does not cross. Roads have vertices on the river
    and are cut into pieces there: what counts is that they go on at the same place on both sides.
    """
    ways = split_segments(roads)
    shore, way = shapely.STRtree(ways).query(shores, "dwithin", distance=_TOUCH)
    sides = _measure_sides(shores[shore], ways[way])
    through = (sides.min(axis=1) < -_TOUCH) & (sides.max(axis=1) > _TOUCH)
    spots = shapely.get_point(shapely.shortest_line(shores[shore], ways[way]), 0)
    ends = np.flatnonzero(~through & (np.abs(sides).min(axis=1) <= _TOUCH))
    return np.concatenate([spots[through], _meet_at_shore(shore[ends], spots[ends], sides[ends])])


def _measure_sides(shores: Array, ways: Array) -> Array:
    """Return how far left (metres) the two ends of each way are of the line through each shore."""
    start, end = shapely.get_coordinates(shores).reshape(-1, 2, 2).transpose(1, 0, 2)
    along = (end - start) / np.hypot(*(end - start).T)[:, None]
    apart = shapely.get_coordinates(ways).reshape(-1, 2, 2) - start[:, None]
    return along[:, None, 0] * apart[..., 1] - along[:, None, 1] * apart[..., 0]


def _meet_at_shore(shore: Array, spots: Array, sides: Array) -> Array:
    """Return the spots on a shore where ways end that come from both of its sides."""
    place = np.rint(shapely.get_coordinates(spots) / (2 * _TOUCH)).astype(np.int64)
    reach = np.where(np.abs(sides[:, 0]) > np.abs(sides[:, 1]), sides[:, 0], sides[:, 1])
    table = pd.DataFrame({"shore": shore, "x": place[:, 0], "y": place[:, 1]})
    table["left"], table["right"] = reach > _TOUCH, reach < -_TOUCH
    met = table.groupby(["shore", "x", "y"])[["left", "right"]].transform("any").all(axis=1)
    return spots[met.to_numpy(dtype=bool)]
