"""A city like the reference city (Yingkou), from a seed: streets, buildings, communities, names.

The plan is drawn on a lattice of street lines that is bent and turned afterwards. Every block,
community, street and barrier takes its vertices from the same lattice nodes, so they share them
exactly. Figures that it reproduces: 300 households and 159 m × 159 m to a grid, 11.4 grids to a
community, 19 buildings to a grid, communities of 5 to 25 grids. No household, name of an estate or
number of a house is anybody's; districts and street offices have their published codes and names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, depth_first_order, minimum_spanning_tree

from gridmap.city import City
from gridmap.codes import rank_positions
from gridmap.errors import RulesError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Geometry: TypeAlias = Any  # of shapely, which ships no types in the releases that we support
Geometries: TypeAlias = Any  # an array of them, or of text

CRS = "EPSG:4550"  # CGCS2000, 3-degree Gauss-Krüger, central meridian 123° E
_CENTRE = (435_700.0, 4_504_200.0)  # 122.24° E, 40.67° N in it
_HOUSEHOLDS = 300  # to a grid
#: m; 159 in the inner city (建设街道: 1.76 km², 20,984 households), more with river and outskirts.
_GRID_SIDE = 172.0
_GRIDS_PER_COMMUNITY = 11.4
_COMMUNITY_GRIDS = (5.2, 24.5)  # fewest and most grids' worth of households
_COMMUNITIES_PER_OFFICE = 13
_SUPERBLOCK = 650.0  # m between main roads
_TRIES = 16  # times that the extent is corrected for the households that found room

# What a lattice edge is. SEAM parts two blocks where no line runs (a river bank without a bridge).
_OPEN, _SEAM, _STREET, _MAIN, _RAILWAY, _RIVER = range(6)
_ROAD_KINDS = {_STREET: "street", _MAIN: "main_road"}
_BARRIER_KINDS = {_RAILWAY: "railway", _RIVER: "river"}
#: How unwilling a community is to reach across an edge of each kind.
_RELUCTANCE = np.array([0.0, 1.5, 1.0, 4.0, 8.0, 30.0])

#: District, street offices (街道) in it: code and name (NBS list of 2023-06-30).
_OFFICES = (
    *(
        ("210802", "001", "八田地街道"),
        ("210802", "002", "建丰街道"),
        ("210802", "003", "建设街道"),
    ),
    *(("210802", "004", "跃进街道"), ("210802", "007", "新建街道"), ("210802", "008", "东兴街道")),
    *(("210803", "002", "清华街道"), ("210803", "003", "滨海街道"), ("210803", "004", "得胜街道")),
    *(("210803", "005", "五台子街道"), ("210803", "006", "渔市街道")),
    *(("210811", "001", "老边街道"), ("210804", "001", "红海街道"), ("210804", "002", "海星街道")),
    ("210804", "003", "望海街道"),
)
_FIRST = "兴安永新春怡学银金富惠福康文光华明祥瑞和嘉景"
_SECOND = "盛园府湖民光珠平宁乐泰顺达丰苑林泉源海辰"
_ESTATE_SUFFIXES = ("小区", "花园", "家园", "新村", "嘉园", "名苑", "新城", "佳苑")
_MAIN_ROADS = (
    *(
        "渤海",
        "辽河",
        "新兴",
        "学府",
        "盼盼",
        "东升",
        "金牛山",
        "平安",
        "市府",
        "光华",
        "智泉",
        "昆仑",
    ),
    *(
        "青花",
        "新联",
        "民生",
        "体育馆",
        "营大",
        "清华",
        "得胜",
        "公园",
        "澄湖",
        "新东",
        "滨海",
        "青年",
    ),
)


class _Form(NamedTuple):
    """How buildings of one kind stand: metres, storeys, households."""

    depth: float
    gap: float  # between neighbours of a row
    yard: float  # between rows, whatever the height
    shade: float  # more of it for each storey: the sun reaches the ground floor in winter
    lengths: tuple[float, float]
    module: float  # lengths are whole numbers of it; 0: any length
    floors: tuple[int, int]
    kept: float  # share of the places that are built on
    households: tuple[int, int]  # fewest and most
    walled: bool  # stands in a compound


_ENTRANCE = 15.0  # m of a slab to an entrance
_FORMS = {
    "walk_up": _Form(12, 7, 4, 2.8, (30, 75), _ENTRANCE, (5, 7), 0.98, (20, 84), True),
    "tower": _Form(17, 15, 24, 0.3, (27, 42), 0, (18, 33), 0.95, (68, 264), True),
    "low_rise": _Form(8, 4, 7, 0, (9, 22), 0, (1, 3), 0.94, (1, 10), False),
    "villa": _Form(11, 10, 15, 0, (11, 14), 0, (2, 3), 0.96, (1, 2), True),
    "shop": _Form(11, 5, 0, 0, (12, 36), 0, (1, 4), 0.94, (0, 0), False),
    "office": _Form(22, 18, 24, 0, (24, 52), 0, (3, 20), 0.85, (0, 0), False),
    "school": _Form(14, 18, 30, 0, (36, 60), 0, (3, 5), 0.55, (0, 0), False),
    "park": _Form(10, 80, 90, 0, (10, 16), 0, (1, 1), 0.10, (0, 0), False),
}
_KINDS = tuple(_FORMS)
#: Share of the land, first scattered over the whole city, then of the rest from the centre out.
_SCATTERED = (("park", 0.04), ("school", 0.035))
_RINGS = (("office", 0.05), ("walk_up", 0.56), ("tower", 0.215), ("low_rise", 0.15), ("villa", 1.0))


def make_city(grids: int = 2157, *, seed: int = 0) -> City:
    """Make a city like the reference city, for about ``grids`` grids of 300 households.

    From five grids on it has a river with bridges and a railway with crossings, and a community
    that lies on both banks.

    Parameters
    ----------
    grids : int
        How many grids the city should come to: households are within 1 % of 300 times that,
        communities about one to 11.4.
    seed : int
        0 or more; the same seed gives the same city on any machine.

    Raises
    ------
    RulesError
        If ``grids`` is below 1 or ``seed`` below 0.

    Examples
    --------
    >>> city = make_city(20)
    >>> len(city.communities), round(city.households / 20)
    (2, 300)
    """
    if grids < 1 or seed < 0:
        raise RulesError(f"grids is {grids} and seed {seed}: at least 1 and 0 are needed")
    net, blocks, stock = _build_to_size(grids, seed)
    rng = np.random.default_rng([seed, grids, 1])
    community = _group_communities(rng, blocks, stock, grids)
    communities = _table_communities(rng, blocks, community)
    streets = _table_lines(net, _ROAD_KINDS, "street_id", "S", _name_roads(rng, net))
    barriers = _table_lines(net, _BARRIER_KINDS, "barrier_id", "R", None)
    buildings = _table_buildings(rng, stock, community, communities, streets)
    return City(
        communities.sort_index(), buildings, streets, barriers, name=f"示例城市（{grids}网格）"
    )


def _build_to_size(grids: int, seed: int) -> "tuple[_Net, _Blocks, _Stock]":
    """Build the city, and again a little larger or smaller until its households find room."""
    scale, best, found = 1.0, (True, np.inf), None
    total = grids * _HOUSEHOLDS
    for attempt in range(_TRIES):
        rng = np.random.default_rng([seed, grids])
        net = _lay_net(rng, grids, scale)
        blocks = _cut_blocks(net)
        stock = _fill_blocks(rng, blocks)
        room = float(stock.dwellings.sum()) / total
        stock = _settle_households(stock, total)
        off = abs(float(stock.dwellings.sum()) / total - 1)
        if (off > 0.003, abs(np.log(room))) < best:
            best, found = (off > 0.003, abs(np.log(room))), (net, blocks, stock)
        if best < (False, 0.14):
            break
        # Smaller and smaller steps: a town of few blocks jumps to and fro.
        scale *= float(np.clip(room, 0.5, 2.0)) ** (-0.5 / (1 + attempt / 4))
    assert found is not None
    return found


# --- the street net ------------------------------------------------------------------------------


class _Axis(NamedTuple):
    """The lines across one direction of the plan, and the strips of cells between them."""

    position: Floats  # (n,) m
    role: Ints  # (n,) what runs along the line; _OPEN: an inner street may
    knot: Flags  # (n,) a corner of superblocks
    owner: Ints  # (n - 1,) the superblock that the strip belongs to
    strip: Flags  # (n - 1,) the strip lies between a barrier and the road beside it


@dataclass(frozen=True)
class _Net:
    """The lattice of lines: nodes (n, m), edges along either direction, cells (n - 1, m - 1)."""

    u: _Axis
    v: _Axis
    nodes: Floats  # (n, m, 2) m in `CRS`
    kept: Flags  # cells of the city
    north: Ints  # (n, m - 1) what the edge from (a, b) to (a, b + 1) is
    east: Ints  # (n - 1, m) what the edge from (a, b) to (a + 1, b) is
    bridges: Ints  # lines of u that cross the river on a bridge


def _lay_net(rng: np.random.Generator, grids: int, scale: float) -> _Net:
    area = grids * _GRID_SIDE**2
    side = float(np.clip(np.sqrt(area) / 3, 150, _SUPERBLOCK))
    count = max(1, round(area / side**2))
    side = np.sqrt(area / count)
    across = int(np.ceil(np.sqrt(count * (1.25 if count > 9 else 1))))
    superblocks = _grow_superblocks(rng, count, across)
    u = _lay_axis(rng, across, side, _RAILWAY, round(across * 0.62) if count > 5 else 0)
    v = _lay_axis(rng, across, side, _RIVER, round(across * 0.4) if count > 5 else -1)
    kept = superblocks[np.ix_(u.owner, v.owner)]
    nodes = np.round(_place_nodes(rng, u, v, side) * scale + _CENTRE, 3)
    net = _Net(u, v, nodes, kept, *_draw_main_edges(u, v), np.zeros(0, np.int64))
    net = _open_bridges(rng, net)
    _end_main_roads(rng, net)
    _draw_inner_streets(rng, net, superblocks)
    return _drop_outside(net)


def _lay_axis(rng: np.random.Generator, count: int, side: float, barrier: int, at: int) -> _Axis:
    """Lay ``count`` superblocks in a row, with a barrier in its strip after the first ``at``."""
    sizes = side * rng.uniform(0.82, 1.18, count) if count > 3 else np.full(count, side)
    half = min(55.0 if barrier == _RIVER else 32.0, 0.11 * side)
    rows = [(0.0, barrier if at == 0 else _rank_road(side, -1, at), True, 0, False)]
    for place, size in enumerate(sizes):
        before, after = at not in (0, place + 1) and place == at, place + 1 == at
        if before:
            rows.append((half, _STREET, False, place, True))
        pieces = _divide_width(rng, size - half * (before + after))
        rows += [(width, _OPEN, False, place, False) for width in pieces[:-1]]
        end = _STREET if after else _rank_road(side, place, at)
        rows.append((pieces[-1], end, not after, place, False))
        if after:
            rows.append((half, barrier, True, place, True))
    width, role, knot, owner, strip = (np.array(column) for column in zip(*rows, strict=True))
    return _Axis(np.cumsum(width), role, knot, owner[1:], strip[1:])


def _rank_road(side: float, place: int, at: int) -> int:
    """Return what the road after superblock ``place`` is: in a small town every second is main."""
    return _MAIN if side >= 400 or (place - at) % 2 == 0 else _STREET


def _divide_width(rng: np.random.Generator, width: float) -> Floats:
    """Divide a superblock into uneven strips of about 70 m."""
    pieces = max(2, round(width / 70))
    parts = rng.uniform(0.75, 1.25, pieces)
    return width * parts / parts.sum()


def _grow_superblocks(rng: np.random.Generator, count: int, across: int) -> Flags:
    """Take ``count`` superblocks from the middle outwards, so that they are in one piece."""
    place = np.arange(across) - (across - 1) / 2
    x, y = np.meshgrid(place, place, indexing="ij")
    bearing = np.arctan2(y, x)
    lobes = 0.08 * np.sin(3 * bearing + rng.uniform(0, 6)) + 0.04 * np.sin(5 * bearing)
    score = np.hypot(x * 0.93, y) * (1 + lobes * (across > 4)) + rng.uniform(0, 0.01, x.shape)
    taken = np.zeros((across, across), bool)
    taken.flat[np.argmin(np.hypot(x, y))] = True
    for _ in range(count - 1):
        padded = np.pad(taken, 1)
        beside = padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
        taken.flat[np.argmin(np.where(beside & ~taken, score, np.inf))] = True
    return taken


def _place_nodes(rng: np.random.Generator, u: _Axis, v: _Axis, side: float) -> Floats:
    """Bend and turn the lattice: corners shift, the river winds, everything swings gently."""
    blend = [_blend_knots(axis) for axis in (u, v)]
    shift = rng.uniform(-0.05, 0.05, (2, blend[0].shape[1], blend[1].shape[1])) * side
    x, y = np.meshgrid(u.position, v.position, indexing="ij")
    x, y = (plane + blend[0] @ move @ blend[1].T for plane, move in zip((x, y), shift, strict=True))
    phase = rng.uniform(0, 2 * np.pi, 5)
    for river in v.position[v.role == _RIVER]:
        reach = np.exp(-(((y - river) / (1.1 * side)) ** 2))
        y = y + 0.22 * side * reach * np.sin(2 * np.pi * x / (4.5 * side) + phase[4])
    for wave, height, turn in ((max(1800.0, 0.8 * x.max()), 0.014, 0), (950.0, 0.006, 2)):
        swing = wave * height
        x, y = (
            x + swing * np.sin(2 * np.pi * y / wave + phase[turn]),
            y + swing * np.sin(2 * np.pi * x / wave + phase[turn + 1]),
        )
    return _turn_plane(x, y, np.radians(rng.uniform(4, 12) * rng.choice([-1, 1])))


def _blend_knots(axis: _Axis) -> Floats:
    """Return the matrix (lines, knots) that spreads what happens at corners along the lines."""
    knots = axis.position[axis.knot]
    return np.stack([np.interp(axis.position, knots, one) for one in np.eye(len(knots))], axis=1)


def _turn_plane(x: Floats, y: Floats, angle: float) -> Floats:
    x, y = x - x.mean(), y - y.mean()
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)


def _draw_main_edges(u: _Axis, v: _Axis) -> tuple[Ints, Ints]:
    """Run each line's role along it; roads stop at the river, streets at the railway."""
    north = np.repeat(u.role[:, None], len(v.position) - 1, axis=1)
    east = np.repeat(v.role[None, :], len(u.position) - 1, axis=0)
    north[np.ix_(np.isin(u.role, (_STREET, _MAIN)), v.strip)] = _SEAM
    east[np.ix_(u.strip, v.role == _STREET)] = _SEAM
    return north, east


def _open_bridges(rng: np.random.Generator, net: _Net) -> _Net:
    """Lead some of the main roads across the river: at least one, about every third."""
    across = net.kept[:, net.v.strip]
    if not across.shape[1]:
        return net
    both = np.pad(across.all(axis=1), 1)
    lines = np.flatnonzero((net.u.role == _MAIN) & (both[1:] | both[:-1]))
    chosen = np.unique(np.append(lines[rng.integers(0, 3) :: 3], lines[len(lines) // 2]))
    net.north[np.ix_(chosen, np.flatnonzero(net.v.strip))] = _MAIN
    return replace(net, bridges=chosen)


def _end_main_roads(rng: np.random.Generator, net: _Net) -> None:
    """Let some main roads go on as a street from one of their crossings."""
    for axis, other, edges in ((net.u, net.v, net.north), (net.v, net.u, net.east.T)):
        for line in np.flatnonzero(axis.role == _MAIN)[1:-1]:
            cut = rng.choice(np.flatnonzero(other.knot))
            part = slice(cut, None) if rng.random() < 0.5 else slice(None, cut)
            bridge = axis is net.u and line in net.bridges
            if rng.random() < 0.3 and not bridge and len(other.position) > 40:
                beyond = edges[line, part]
                beyond[beyond == _MAIN] = _STREET


def _draw_inner_streets(rng: np.random.Generator, net: _Net, superblocks: Flags) -> None:
    """Draw streets inside each superblock; some stop at the next one, some are missing."""
    for p, q in np.argwhere(superblocks):
        columns = np.flatnonzero((net.u.owner == p) & ~net.u.strip)
        rows = np.flatnonzero((net.v.owner == q) & ~net.v.strip)
        across = _choose_lines(rng, net.u.position, columns)
        along = _choose_lines(rng, net.v.position, rows)
        stretches = [
            (edges, line, slice(first, last))
            for edges, lines, stops in ((net.north, across, along), (net.east.T, along, across))
            for line in lines[1:-1]
            for first, last in pairwise(stops)
        ]
        missing = rng.choice(len(stretches), rng.integers(0, 3), False) if stretches[3:] else ()
        for place, (edges, line, stretch) in enumerate(stretches):
            edges[line, stretch] = _OPEN if place in missing else _STREET


def _choose_lines(rng: np.random.Generator, position: Floats, cells: Ints) -> list[int]:
    """Choose the lines of streets in one direction of a superblock, its two ends included."""
    end = int(cells[-1]) + 1
    chosen = [int(cells[0])]
    while True:
        least = position[chosen[-1]] + rng.uniform(130, 235)
        further = [line for line in range(chosen[-1] + 1, end) if position[line] >= least]
        if not further or position[end] - position[further[0]] < 120:
            return [*chosen, end]
        chosen.append(further[0])


def _drop_outside(net: _Net) -> _Net:
    """Clear the edges that no cell of the city touches."""
    sides = np.pad(net.kept, ((1, 1), (0, 0)))
    ends = np.pad(net.kept, ((0, 0), (1, 1)))
    return replace(
        net,
        north=np.where(sides[1:] | sides[:-1], net.north, _OPEN),
        east=np.where(ends[:, 1:] | ends[:, :-1], net.east, _OPEN),
    )


# --- blocks --------------------------------------------------------------------------------------


class _Blocks(NamedTuple):
    """The faces between lines, and which of them share a border."""

    shape: Geometries  # (b,)
    angle: Floats  # (b,) radians, of its rows of houses
    strip: Flags  # (b,) a river bank or the verge of a railway: nothing stands there
    busy: Flags  # (b,) on a main road or a railway
    pairs: Ints  # (e, 2) blocks that share an edge
    kind: Ints  # (e,) what lies between them
    length: Floats  # (e,) m
    bridge: Flags  # (e,) across the river, at a bridge
    dead_ends: dict[int, Geometries]  # the lines that end inside a block


def _cut_blocks(net: _Net) -> _Blocks:
    """Join the cells that no line parts."""
    number = np.where(net.kept, np.cumsum(net.kept).reshape(net.kept.shape) - 1, -1)
    pairs, kind, line = _list_edges(net, number)
    open_pairs = pairs[kind == _OPEN]
    size = int(net.kept.sum())
    joined = coo_array((np.ones(len(open_pairs)), open_pairs.T), shape=(size, size))
    label = connected_components(joined, directed=False)[1].astype(np.int64)
    cells = np.argwhere(net.kept)
    quads = _cell_quads(net, cells)
    shape = _join_shapes(quads, label)
    strip = np.zeros(len(shape), bool)
    strip[label[net.u.strip[cells[:, 0]] | net.v.strip[cells[:, 1]]]] = True
    angle = _turn_of_blocks(net, cells, label, len(shape))
    return _pair_blocks(net, label[pairs], kind, line, shape=shape, angle=angle, strip=strip)


def _join_shapes(shapes: Geometries, label: Ints) -> Geometries:
    """Join the shapes of each label, 0 and on; neighbours keep the vertices that they share."""
    order = np.argsort(label, kind="stable")
    joined = np.empty(int(label.max()) + 1, object)
    for place, members in enumerate(np.split(order, np.cumsum(np.bincount(label))[:-1])):
        joined[place] = shapely.coverage_union_all(shapes[members])
    return joined


def _list_edges(net: _Net, number: Ints) -> tuple[Ints, Ints, Geometries]:
    """List the edges between two cells of the city: cells, what it is, its two nodes' line."""
    beside = np.stack([number[:-1, :], number[1:, :]], axis=-1).reshape(-1, 2)
    above = np.stack([number[:, :-1], number[:, 1:]], axis=-1).reshape(-1, 2)
    kind = np.concatenate([net.north[1:-1].ravel(), net.east[:, 1:-1].ravel()])
    inner = np.stack([net.nodes[1:-1, :-1], net.nodes[1:-1, 1:]], axis=-2).reshape(-1, 2, 2)
    level = np.stack([net.nodes[:-1, 1:-1], net.nodes[1:, 1:-1]], axis=-2).reshape(-1, 2, 2)
    pairs, ends = np.concatenate([beside, above]), np.concatenate([inner, level])
    both = (pairs >= 0).all(axis=1)
    return pairs[both], kind[both], shapely.linestrings(ends[both])


def _cell_quads(net: _Net, cells: Ints) -> Geometries:
    a, b = cells.T
    corners = ((a, b), (a + 1, b), (a + 1, b + 1), (a, b + 1))
    return shapely.polygons(np.stack([net.nodes[corner] for corner in corners], axis=1))


def _turn_of_blocks(net: _Net, cells: Ints, label: Ints, count: int) -> Floats:
    """Return the angle of each block's street side, that of its cells on average."""
    a, b = cells.T
    step = net.nodes[a + 1, b] - net.nodes[a, b] + net.nodes[a + 1, b + 1] - net.nodes[a, b + 1]
    east, north = (np.bincount(label, step[:, axis], count) for axis in (0, 1))
    return np.arctan2(north, east)


def _pair_blocks(
    net: _Net,
    pairs: Ints,
    kind: Ints,
    line: Geometries,
    *,
    shape: Geometries,
    angle: Floats,
    strip: Flags,
) -> _Blocks:
    """Tell borders between blocks from lines that end in one, and find what is at a bridge."""
    inside = (pairs[:, 0] == pairs[:, 1]) & (kind != _OPEN)
    owners = pairs[inside, 0]
    dead_ends = {int(block): line[inside][owners == block] for block in np.unique(owners)}
    apart = pairs[:, 0] != pairs[:, 1]
    pairs, kind, line = pairs[apart], kind[apart], line[apart]
    ends = shapely.get_coordinates(line).reshape(-1, 2, 2)
    river = net.v.role == _RIVER
    heads = net.nodes[net.bridges][:, river].reshape(-1, 2)
    touches = (ends[:, :, None] == heads).all(axis=-1).any(axis=(1, 2))
    at_bridge = np.asarray(touches, bool) & (kind == _RIVER)
    busy = np.zeros(len(shape), bool)
    busy[pairs[np.isin(kind, (_MAIN, _RAILWAY))].ravel()] = True
    return _Blocks(
        shape,
        angle,
        strip,
        busy,
        pairs,
        kind,
        np.asarray(shapely.length(line), np.float64),
        at_bridge,
        dead_ends,
    )


# --- buildings -----------------------------------------------------------------------------------


class _Row(NamedTuple):
    """Buildings of one plot or street front, before they are put in one table."""

    block: int
    plot: int  # the walled compound, or -1
    kind: int  # place in `_KINDS`
    angle: float
    centre: Floats  # (n, 2) m
    size: Floats  # (n, 2) m
    floors: Ints  # (n,)


class _Stock(NamedTuple):
    """Every building of the city."""

    block: Ints
    plot: Ints
    kind: Ints
    shape: Geometries
    floors: Ints
    dwellings: Floats  # homes that are lived in; fractions are rounded when the total is settled

    def pick(self, rows: Any) -> "_Stock":
        """Return the buildings of some rows, or all in another order."""
        return _Stock(
            *(self.block[rows], self.plot[rows], self.kind[rows]),
            *(self.shape[rows], self.floors[rows], self.dwellings[rows]),
        )


def _fill_blocks(rng: np.random.Generator, blocks: _Blocks) -> _Stock:
    """Build on every block, as its use is."""
    uses = _zone_blocks(rng, blocks)
    rows: list[_Row] = []
    plots = 0
    built = np.flatnonzero(~blocks.strip)
    for block, own in zip(built, rng.spawn(len(built)), strict=True):
        ground = shapely.buffer(
            blocks.shape[block], -14.0 if blocks.busy[block] else -9.0, join_style="mitre"
        )
        for line in blocks.dead_ends.get(int(block), ()):
            ground = shapely.difference(ground, shapely.buffer(line, 8.0))
        use = uses[block]
        if use not in ("office", "school", "park"):
            fronts, ground = _line_streets(own, int(block), ground)
            rows += fronts
        angle = float(blocks.angle[block])
        for plot in _divide_plots(own, _clear_corners(ground), angle, use):
            rows += _fill_plot(own, (int(block), plots), plot, angle, use)
            plots += 1
    return _collect_stock(rng, rows)


def _zone_blocks(rng: np.random.Generator, blocks: _Blocks) -> Geometries:
    """Give each block its use, in shares of the land that hold for few blocks too."""
    area = np.where(blocks.strip, 0.0, shapely.area(blocks.shape))
    centres = shapely.get_coordinates(shapely.centroid(blocks.shape))
    reach = np.sqrt(area.sum() / np.pi)
    away = np.hypot(*(centres - centres.mean(axis=0)).T) / reach
    uses = _share_out(rng.random(len(area)), area, _SCATTERED, "")
    score = away + rng.normal(0, 0.42, len(area))
    rest = uses == ""
    uses[rest] = _share_out(score[rest], area[rest], _RINGS, "villa")
    # A block of towers alone must not be more than a community holds.
    uses[(uses == "tower") & (area > 60_000)] = "walk_up"
    return uses


def _share_out(
    score: Floats, area: Floats, shares: tuple[tuple[str, float], ...], last: str
) -> Geometries:
    """Hand out the land in the order of ``score``, each use its share of the area."""
    order = np.argsort(score, kind="stable")
    middle = np.cumsum(area[order]) - area[order] / 2
    limits = np.cumsum([share for _, share in shares]) * area.sum()
    names = np.array([*(name for name, _ in shares), last], object)
    uses = np.empty(len(area), object)
    uses[order] = names[np.searchsorted(limits, middle, side="right")]
    return uses


def _line_streets(
    rng: np.random.Generator, block: int, ground: Geometry
) -> tuple[list[_Row], Geometry]:
    """Put shops along some sides of a block; return them and the ground that is left."""
    form, kind = _FORMS["shop"], _KINDS.index("shop")
    rows = []
    left = ground
    for start, end in _long_sides(ground):
        if rng.random() > 0.46:
            continue
        length = float(np.hypot(*(end - start)))
        along = (end - start) / length
        places, widths = _set_in_row(rng, form, length - 36)
        centre = start + np.outer(places + 18, along) + form.depth / 2 * along[::-1] * (-1, 1)
        size = np.stack([widths, np.full(len(widths), form.depth)], axis=1)
        angle = float(np.arctan2(along[1], along[0]))
        floors = rng.integers(*form.floors, len(widths), endpoint=True)
        rows.append(_Row(block, -1, kind, angle, centre, size, floors))
        band = shapely.linestrings([start, end])
        left = shapely.difference(left, shapely.buffer(band, form.depth + 6, cap_style="flat"))
    return rows, left


def _long_sides(ground: Geometry) -> Iterator[tuple[Floats, Floats]]:
    """Yield the sides of 70 m and more, with the ground on their left."""
    if ground.geom_type != "Polygon" or ground.is_empty:
        return
    ring = shapely.orient_polygons(shapely.simplify(ground, 2.5)).exterior
    # `orient_polygons` turns exteriors counter-clockwise: the inside is on the left.
    corners = shapely.get_coordinates(ring)
    for start, end in pairwise(corners):
        if np.hypot(*(end - start)) >= 70:
            yield start, end


def _clear_corners(ground: Geometry) -> Geometry:
    """Return the largest part of the ground, without necks and corners under 16 m wide."""
    opened = shapely.buffer(
        shapely.buffer(ground, -8.0, join_style="mitre"), 8.0, join_style="mitre"
    )
    parts = shapely.get_parts(opened)
    return parts[np.argmax(shapely.area(parts))] if len(parts) else shapely.Polygon()


def _divide_plots(
    rng: np.random.Generator, ground: Geometry, angle: float, use: str
) -> list[Geometry]:
    """Divide a block's ground into plots, laid level: turned by ``-angle`` about the origin."""
    level = _turn(ground, -angle)
    if level.is_empty:
        return []
    west, south, east, north = level.bounds
    size = {"walk_up": 22_000, "tower": 26_000, "low_rise": 22_000}.get(use, 40_000)
    parts = max(1, round(level.area / (size * rng.uniform(0.8, 1.4))))
    wide = east - west >= north - south
    cuts = np.linspace(west, east, parts + 1) if wide else np.linspace(south, north, parts + 1)
    lanes = [cuts[0] - 5, *cuts[1:-1], cuts[-1] + 5]  # neighbours stand 10 m apart
    boxes = [
        shapely.box(low + 5, south, high - 5, north)
        if wide
        else shapely.box(west, low + 5, east, high - 5)
        for low, high in pairwise(lanes)
    ]
    return list(shapely.intersection(level, np.array(boxes))) if parts > 1 else [level]


def _turn(shape: Geometry, angle: float) -> Geometry:
    cos, sin = np.cos(angle), np.sin(angle)
    return shapely.transform(shape, lambda points: points @ np.array([[cos, sin], [-sin, cos]]))


def _fill_plot(
    rng: np.random.Generator, place: tuple[int, int], ground: Geometry, angle: float, use: str
) -> list[_Row]:
    """Set rows of buildings on a plot, the long sides facing south."""
    use = _vary_use(rng, use)
    form = _FORMS[use]
    usual = int(rng.integers(*form.floors, endpoint=True))
    spots = list(_lay_rows(rng, ground, form, usual))
    if not spots:
        return []
    box = _keep_inside(ground, np.concatenate(spots))
    box = box[rng.random(len(box)) < form.kept]
    floors = np.clip(usual + rng.integers(-1, 2, len(box)), *form.floors)
    cos, sin = np.cos(angle), np.sin(angle)
    centre = box[:, :2] @ np.array([[cos, sin], [-sin, cos]])
    block, plot = place
    walled = plot if form.walled else -1
    return [_Row(block, walled, _KINDS.index(use), angle, centre, box[:, 2:], floors)]


def _vary_use(rng: np.random.Generator, use: str) -> str:
    """Mix homes: some plots of a block have another kind than the rest."""
    homes = ["walk_up", "tower", "low_rise"]
    if use in homes and rng.random() < 0.16:
        return str(rng.choice(homes, p=[0.5, 0.25, 0.25]))
    return use


def _keep_inside(ground: Geometry, box: Floats) -> Floats:
    """Keep the boxes (centre and size, level) that lie inside the ground."""
    shapely.prepare(ground)
    low, high = box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2
    return box[shapely.contains(ground, shapely.box(*low.T, *high.T))]


def _lay_rows(
    rng: np.random.Generator, ground: Geometry, form: _Form, floors: int
) -> Iterator[Floats]:
    """Yield the buildings of each row: centre and size, (n, 4), before they are cut to fit."""
    if ground.is_empty:
        return
    west, south, east, north = ground.bounds
    room = north - south - form.depth - 1
    if room < 0:
        return
    count = int(room // (form.depth + form.yard + form.shade * floors)) + 1
    edge = form.depth / 2 + 0.5
    middles = np.linspace(south + edge, north - edge, count) if count > 1 else [(south + north) / 2]
    corners = shapely.get_coordinates(shapely.get_parts(ground))
    for y in middles:
        west, east = _span_row(corners, y, form.depth / 2)
        places, widths = _set_in_row(rng, form, east - west)
        yield np.stack(
            [places + west, np.full(len(places), y), widths, np.full(len(places), form.depth)],
            axis=1,
        )


def _span_row(corners: Floats, y: float, half: float) -> tuple[float, float]:
    """Return how far a row reaches west and east inside a ring."""
    (x0, y0), (x1, y1) = corners[:-1].T, corners[1:].T
    reach = []
    for level in (y - half, y + half):
        crosses = (y0 <= level) != (y1 <= level)
        slope = (x1 - x0)[crosses] / (y1 - y0)[crosses]
        reach.append(x0[crosses] + (level - y0[crosses]) * slope)
    if not all(map(len, reach)):
        return 0.0, 0.0
    return max(side.min() for side in reach) + 0.5, min(side.max() for side in reach) - 0.5


def _set_in_row(rng: np.random.Generator, form: _Form, width: float) -> tuple[Floats, Floats]:
    """Set buildings side by side: the places of their middles, and their lengths."""
    low, high = form.lengths
    most = max(0, int((width + form.gap) // (low + form.gap)))
    lengths = rng.uniform(low - 0.49 * form.module, high + 0.49 * form.module, most)
    lengths = np.round(lengths / form.module) * form.module if form.module else lengths
    ends = np.cumsum(lengths + form.gap)
    count = int(np.searchsorted(ends, width + form.gap, side="right"))
    if not count:
        return np.zeros(0), np.zeros(0)
    lengths, ends = lengths[:count], ends[:count]
    slack = (width + form.gap - ends[-1]) / count
    return ends - form.gap - lengths / 2 + slack * (np.arange(count) + 0.5), lengths


def _collect_stock(rng: np.random.Generator, rows: list[_Row]) -> _Stock:
    """Put all rows in one table, with the homes of each building; drop what would overlap."""
    counts = [len(row.floors) for row in rows]
    block, plot, kind, angle = (
        np.repeat(np.array([row[column] for row in rows]), counts) for column in range(4)
    )
    centre, size = (np.concatenate([row[column] for row in rows]) for column in (4, 5))
    floors = np.concatenate([row.floors for row in rows])
    shape = _draw_boxes(centre, size, angle)
    dwellings = np.zeros(len(shape))
    for number, name in enumerate(_KINDS):
        ours = kind == number
        dwellings[ours] = _count_homes(rng, name, plot[ours], floors[ours], size[ours, 0])
    stock = _Stock(block, plot, kind, shape, floors, dwellings)
    return stock.pick(_find_clear(shape))


def _draw_boxes(centre: Floats, size: Floats, angle: Floats) -> Geometries:
    """Draw rectangles, turned by ``angle``, to the millimetre."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x = size[:, :1] / 2 * np.array([-1, 1, 1, -1])
    y = size[:, 1:] / 2 * np.array([-1, -1, 1, 1])
    corners = np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)
    return shapely.polygons(np.round(corners + centre[:, None], 3))


def _find_clear(shape: Geometries) -> Flags:
    """Tell which buildings keep 1.5 m from those before them."""
    later, before = shapely.STRtree(shape).query(shape, predicate="dwithin", distance=1.5)
    clear = np.ones(len(shape), bool)
    clear[later[later > before]] = False
    return clear


def _count_homes(
    rng: np.random.Generator, kind: str, plot: Ints, floors: Ints, length: Floats
) -> Floats:
    """Count the homes that are lived in, from storeys, entrances and flats on a landing."""
    lived_in = rng.uniform(0.9, 1.0, len(floors))
    by_plot = rng.random(plot.max(initial=0) + 1)[plot]  # an estate is of one design
    if kind == "walk_up":
        flats = np.where(by_plot < 0.4, 2, 3)
        return floors * np.round(length / _ENTRANCE) * flats * lived_in
    if kind == "tower":
        return floors * np.array([4, 4, 5, 6])[(by_plot * 4).astype(int)] * lived_in
    if kind == "low_rise":
        return (rng.poisson(1.6, len(floors)) + length / 12) * lived_in
    return rng.uniform(0.6, 2.4, len(floors)) if kind == "villa" else np.zeros(len(floors))


def _settle_households(stock: _Stock, total: int) -> _Stock:
    """Scale the homes of every building, within what its kind holds, to come to ``total``."""
    least, most = np.array([form.households for form in _FORMS.values()])[stock.kind].T
    low, high = 0.2, 5.0
    for _ in range(50):
        scale = (low + high) / 2
        homes = np.clip(np.round(stock.dwellings * scale), least, most)
        low, high = (scale, high) if homes.sum() < total else (low, scale)
    return stock._replace(dwellings=np.clip(np.round(stock.dwellings * high), least, most))


# --- communities ---------------------------------------------------------------------------------


class _Graph(NamedTuple):
    """Areas and the borders between them, for dividing a city into parts."""

    weight: Floats  # (n,)
    pairs: Ints  # (e, 2)
    cost: Floats  # (e,) how unwillingly a part reaches across the border
    length: Floats  # (e,) m


_TREES = 16  # drawn for each cut; the best is kept


def _group_communities(
    rng: np.random.Generator, blocks: _Blocks, stock: _Stock, grids: int
) -> Ints:
    """Group blocks into communities: each in one piece, one of them on both banks of the river."""
    count = max(1, round(grids / _GRIDS_PER_COMMUNITY))
    weight = _sum_by(stock.block, stock.dwellings, len(blocks.shape))
    if count == 1:
        return np.zeros(len(weight), np.int64)
    dry = blocks.kind != _RIVER
    cost = _RELUCTANCE[blocks.kind[dry]]
    # A bank belongs to the blocks behind it: no community is held together by a bank alone.
    cost[blocks.strip[blocks.pairs[dry]].all(axis=1)] = 12.0
    graph = _join_borders(weight, blocks.pairs[dry], cost, blocks.length[dry])
    bank = _find_pieces(graph, len(weight))
    shares = _share_parts(_sum_by(bank, weight, bank.max() + 1), count + bool(blocks.bridge.any()))
    bounds = (
        min(_COMMUNITY_GRIDS[0] * _HOUSEHOLDS, 0.6 * weight.sum() / shares.sum()),
        _COMMUNITY_GRIDS[1] * _HOUSEHOLDS,
    )
    group = np.zeros(len(weight), np.int64)
    for side, parts in enumerate(shares):
        members = np.flatnonzero(bank == side)
        group[members] = _divide(rng, graph, members, int(parts), bounds) + shares[:side].sum()
    return _join_banks(group, weight, blocks.pairs[blocks.bridge])


def _sum_by(group: Ints, values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(group, values, count), np.float64)


def _join_borders(weight: Floats, pairs: Ints, cost: Floats, length: Floats) -> _Graph:
    """Make one border of all edges between the same two areas, at their mean cost."""
    pairs, where = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True)
    metres = _sum_by(where, length, len(pairs))
    return _Graph(weight, pairs, _sum_by(where, cost * length, len(pairs)) / metres, metres)


def _find_pieces(graph: _Graph, count: int) -> Ints:
    links = coo_array((np.ones(len(graph.pairs)), graph.pairs.T), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def _share_parts(weight: Floats, parts: int) -> Ints:
    """Share ``parts`` among pieces by weight, at least one each; the largest takes the rest."""
    shares = np.maximum(1, np.round(weight / weight.sum() * parts)).astype(np.int64)
    shares[np.argmax(weight)] += parts - shares.sum()
    return shares


def _join_banks(group: Ints, weight: Floats, bridges: Ints) -> Ints:
    """Join the two lightest groups that face each other at a bridge; number groups from 0."""
    if len(bridges):
        total = _sum_by(group, weight, group.max() + 1)
        facing = group[bridges]
        one, other = facing[np.argmin(total[facing].sum(axis=1))]
        group = np.where(group == other, one, group)
    return np.unique(group, return_inverse=True)[1]


def _divide(
    rng: np.random.Generator,
    graph: _Graph,
    members: Ints,
    parts: int,
    bounds: tuple[float, float],
) -> Ints:
    """Divide connected areas into connected parts by cutting spanning trees, again and again."""
    label = np.zeros(len(members), np.int64)
    parts = min(parts, len(members))
    if parts == 1:
        return label
    place = np.full(len(graph.weight), -1)
    place[members] = np.arange(len(members))
    inside = (place[graph.pairs] >= 0).all(axis=1)
    local = _Graph(
        graph.weight[members],
        place[graph.pairs[inside]],
        graph.cost[inside],
        graph.length[inside],
    )
    half = parts // 2
    first = _cut_in_two(rng, local, (half, parts - half), bounds)
    label[first] = _divide(rng, graph, members[first], half, bounds)
    label[~first] = half + _divide(rng, graph, members[~first], parts - half, bounds)
    return label


def _cut_in_two(
    rng: np.random.Generator, graph: _Graph, halves: tuple[int, int], bounds: tuple[float, float]
) -> Flags:
    """Return the first side of the best cut into sides that will have ``halves`` parts.

    A good cut leaves what each side needs, is short, and runs along main roads and railways.
    """
    want = graph.weight.sum() * halves[0] / sum(halves) * float(np.exp(rng.normal(0, 0.16)))
    best, side = np.inf, np.zeros(len(graph.weight), bool)
    for _ in range(_TREES):
        order, size, weight, lived = _draw_tree(rng, graph)
        for flip in (False, True):
            sides = (weight[0] - weight, lived[0] - lived) if flip else (weight, lived)
            miss = _miss_target(graph, sides, halves, want, bounds)
            miss[size == len(order)] = np.inf  # the root: no cut
            for start in np.argsort(miss, kind="stable")[:3]:
                chosen = np.zeros(len(order), bool)
                chosen[order[start : start + size[start]]] = True
                score = float(miss[start]) + _rate_border(graph, chosen)
                if score < best:
                    best, side = score, ~chosen if flip else chosen
    return side


def _miss_target(
    graph: _Graph,
    sides: tuple[Floats, Ints],
    halves: tuple[int, int],
    want: float,
    bounds: tuple[float, float],
) -> Floats:
    """Rate how far each cut's first side (weight, inhabited areas) is from its target."""
    heavy, many = sides
    total = graph.weight.sum()
    low, high = (_bound_parts(parts, bounds) for parts in halves)
    least, most = max(low[0], total - high[1]), min(low[1], total - high[0])
    want = float(np.clip(want, least, max(least, most)))
    beyond = np.maximum(least - heavy, 0) + np.maximum(heavy - most, 0)
    inhabited = int((graph.weight > 0).sum())
    short = np.maximum(halves[0] - many, 0) + np.maximum(halves[1] - inhabited + many, 0)
    return (np.abs(heavy - want) + 20 * beyond) / total + 100.0 * short


def _bound_parts(parts: int, bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the least and most weight of a side that is yet to be cut into ``parts``."""
    slack = 1.0 if parts == 1 else 1.35  # blocks are coarse: the next cuts need room
    return parts * bounds[0] * slack, parts * bounds[1] / slack


def _rate_border(graph: _Graph, chosen: Flags) -> float:
    """Rate the border of a cut: short is good, along main roads and railways is better."""
    cut = chosen[graph.pairs[:, 0]] != chosen[graph.pairs[:, 1]]
    return 1.2 * float((graph.length[cut] / np.sqrt(graph.cost[cut])).sum() / graph.length.sum())


def _draw_tree(rng: np.random.Generator, graph: _Graph) -> tuple[Ints, Ints, Floats, Ints]:
    """Draw a spanning tree; return its preorder, and for each place what lies below it.

    That is how many areas, their weight, and how many of them have any.
    """
    count = len(graph.weight)
    price = graph.cost * rng.uniform(0.4, 1.6, len(graph.cost))
    links: Any = csr_array((price, graph.pairs.T), shape=(count, count))
    tree = minimum_spanning_tree(links)
    order, before = depth_first_order(tree, 0, directed=False)
    size, weight = np.ones(count, np.int64), graph.weight.copy()
    lived = (weight > 0).astype(np.int64)
    for node in order[:0:-1]:
        size[before[node]] += size[node]
        weight[before[node]] += weight[node]
        lived[before[node]] += lived[node]
    return order.astype(np.int64), size[order], weight[order], lived[order]


# --- tables and names ----------------------------------------------------------------------------


def _table_communities(
    rng: np.random.Generator, blocks: _Blocks, community: Ints
) -> gpd.GeoDataFrame:
    """Return the communities in the order of their numbers, coded and named."""
    count = int(community.max()) + 1
    shape = _join_shapes(blocks.shape, community)
    office = _group_offices(rng, blocks, community, shape)
    serial = _number_with_gaps(rng, office, shape)
    names = _compose_names(rng, count, ("社区",))
    rows = [_OFFICES[number] for number in office]
    code = [f"{row[0]}{row[1]}{place:03d}" for row, place in zip(rows, serial, strict=True)]
    table = {"code": code, "name": names, "street": [row[2] for row in rows]}
    index = pd.Index(code, name="community_id", dtype=str)
    return gpd.GeoDataFrame(pd.DataFrame(table, index=index), geometry=shape, crs=CRS)


def _group_offices(
    rng: np.random.Generator, blocks: _Blocks, community: Ints, shape: Geometries
) -> Ints:
    """Put communities under street offices that are in one piece, west to east."""
    count = len(shape)
    parts = int(np.clip(round(count / _COMMUNITIES_PER_OFFICE), 1, min(count, len(_OFFICES))))
    pairs = community[blocks.pairs]
    apart = pairs[:, 0] != pairs[:, 1]
    cost = _RELUCTANCE[blocks.kind[apart]]
    graph = _join_borders(np.ones(count), pairs[apart], cost, blocks.length[apart])
    mean = count / parts
    office = _divide(rng, graph, np.arange(count), parts, (0.6 * mean, 1.5 * mean + 1))
    middle = shapely.get_coordinates(shapely.centroid(shape))
    west = np.bincount(office, middle[:, 0]) / np.bincount(office)
    return np.argsort(np.argsort(west))[office]


def _number_with_gaps(rng: np.random.Generator, office: Ints, shape: Geometries) -> Ints:
    """Give the communities of each office numbers from north to south, with gaps."""
    middle = shapely.get_coordinates(shapely.centroid(shape))
    bounds = shapely.bounds(shape)
    height = float(np.median(bounds[:, 3] - bounds[:, 1]))
    serial = np.zeros(len(office), np.int64)
    for number in np.unique(office):
        ours = np.flatnonzero(office == number)
        steps = np.cumsum(rng.choice([1, 2, 3], len(ours), p=[0.8, 0.15, 0.05]))
        serial[ours] = steps[rank_positions(middle[ours, 0], middle[ours, 1], height)]
    return serial


def _compose_names(rng: np.random.Generator, count: int, endings: tuple[str, ...]) -> list[str]:
    """Compose ``count`` different names of two characters and an ending."""
    stems = [first + second for first in _FIRST for second in _SECOND]
    stems = [stem for stem in stems if stem[0] != stem[1]]
    pool = [stem + ending for ending in endings for stem in stems]
    rounds = -(-count // len(pool))
    draws = rng.permutation(len(pool))
    names = [pool[place] for place in draws]
    later = [name[:2] + f"第{turn}" + name[2:] for turn in range(2, rounds + 1) for name in names]
    return (names + later)[:count]


def _name_roads(rng: np.random.Generator, net: _Net) -> dict[tuple[str, int], str]:
    """Name each line of the lattice: 大街 and 街 run west to east, 路 north to south."""
    lines = [("north", line) for line in range(len(net.u.position))]
    lines += [("east", line) for line in range(len(net.v.position))]
    stems = [name[:-1] for name in _compose_names(rng, len(lines), ("街",))]
    main = [_MAIN_ROADS[place] for place in rng.permutation(len(_MAIN_ROADS))]
    names = {}
    for (way, line), stem in zip(lines, stems, strict=True):
        is_main = (net.u if way == "north" else net.v).role[line] == _MAIN and bool(main)
        ending = ("大街" if is_main else "街") if way == "east" else "路"
        names[way, line] = (main.pop() if is_main else stem) + ending
    return names


def _table_lines(
    net: _Net,
    kinds: dict[int, str],
    key: str,
    prefix: str,
    names: dict[tuple[str, int], str] | None,
) -> gpd.GeoDataFrame:
    """Return the lines of some kinds, a row for each stretch of one kind along a lattice line."""
    rows, shapes = [], []
    for way, edges, nodes in (
        ("north", net.north, net.nodes),
        ("east", net.east.T, net.nodes.transpose(1, 0, 2)),
    ):
        for line, first, last in _find_stretches(edges, tuple(kinds)):
            kind = kinds[int(edges[line, first])]
            name = names[way, line] if names else {"river": "清河", "railway": "沈大铁路支线"}[kind]
            rows.append((kind, name))
            shapes.append(shapely.linestrings(nodes[line, first : last + 1]))
    index = pd.Index(
        [f"{prefix}{place + 1:05d}" for place in range(len(rows))], name=key, dtype=str
    )
    table = pd.DataFrame(rows, columns=["kind", "name"], index=index, dtype=str)
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def _find_stretches(edges: Ints, kinds: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Yield line, first and last node of each longest run of edges of one of the kinds."""
    for line, row in enumerate(edges):
        changes = np.flatnonzero(np.diff(row)) + 1
        for first, last in zip([0, *changes], [*changes, len(row)], strict=True):
            if row[first] in kinds:
                yield line, int(first), int(last)


def _table_buildings(
    rng: np.random.Generator,
    stock: _Stock,
    community: Ints,
    communities: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    """Return the buildings by community, numbered, in their compounds."""
    home = community[stock.block]
    order = np.lexsort((np.arange(len(home)), communities.index.to_numpy(object)[home].astype(str)))
    stock, home = stock.pick(order), home[order]
    codes = communities.index.to_numpy(object)[home]
    serial = _count_within(home) + 1
    compound = _name_compounds(rng, stock.plot)
    table = {
        "households": stock.dwellings.astype(np.int64),
        "community_id": codes,
        "compound_id": compound,
        "name": _name_buildings(stock, compound, streets),
        "floors": stock.floors.astype(np.float64),
    }
    ids = [f"{code}B{number:05d}" for code, number in zip(codes, serial, strict=True)]
    index = pd.Index(ids, name="building_id", dtype=str)
    text = dict.fromkeys(("community_id", "compound_id", "name"), str)
    return gpd.GeoDataFrame(
        pd.DataFrame(table, index=index).astype(text), geometry=stock.shape, crs=CRS
    )


def _count_within(groups: npt.ArrayLike) -> Ints:
    """Count the rows of each group from 0, in their order."""
    series = pd.Series(np.asarray(groups))
    return np.asarray(series.groupby(series).cumcount(), np.int64)


def _name_compounds(rng: np.random.Generator, plot: Ints) -> Geometries:
    """Give each walled plot the name of an estate that no other in the city has."""
    plots, place = np.unique(plot, return_inverse=True)
    names = np.array(_compose_names(rng, len(plots), _ESTATE_SUFFIXES), object)
    return np.where(plots == -1, "", names)[place]


def _name_buildings(stock: _Stock, compound: Geometries, streets: gpd.GeoDataFrame) -> list[str]:
    """Name buildings: 3号楼 of an estate, else the nearest street and a number on it."""
    middle = shapely.centroid(stock.shape)
    nearest = streets["name"].to_numpy(object)[shapely.STRtree(streets.geometry).nearest(middle)]
    walled = compound != ""
    numbers = _count_within(np.where(walled, compound, nearest)) + 1
    return [
        f"{number}号楼" if inside else f"{road}{number}号"
        for number, inside, road in zip(numbers, walled, nearest, strict=True)
    ]
