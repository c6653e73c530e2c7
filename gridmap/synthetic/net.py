"""Lay the street net: a lattice of lines, bent and turned, with a river, a railway and bridges."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gridmap.synthetic.figures import Flags, Floats, Ints

_CENTRE = (435_700.0, 4_504_200.0)  # 122.24° E, 40.67° N in it

#: m; 159 in the inner city (建设街道: 1.76 km², 20,984 households), more with river and outskirts.
_GRID_SIDE = 172.0
_SUPERBLOCK = 650.0  # m between main roads

# What a lattice edge is. SEAM parts two blocks where no line runs (a river bank without a bridge).
OPEN, _SEAM, _STREET, MAIN, RAILWAY, RIVER = range(6)
ROAD_KINDS = {_STREET: "street", MAIN: "main_road"}
BARRIER_KINDS = {RAILWAY: "railway", RIVER: "river"}


class _Axis(NamedTuple):
    """The lines across one direction of the plan, and the strips of cells between them."""

    position: Floats  # (n,) m
    role: Ints  # (n,) what runs along the line; OPEN: an inner street may
    knot: Flags  # (n,) a corner of superblocks
    owner: Ints  # (n - 1,) the superblock that the strip belongs to
    strip: Flags  # (n - 1,) the strip lies between a barrier and the road beside it


@dataclass(frozen=True)
class Net:
    """The lattice of lines: nodes (n, m), edges along either direction, cells (n - 1, m - 1)."""

    u: _Axis
    v: _Axis
    nodes: Floats  # (n, m, 2) m in `CRS`
    kept: Flags  # cells of the city
    north: Ints  # (n, m - 1) what the edge from (a, b) to (a, b + 1) is
    east: Ints  # (n - 1, m) what the edge from (a, b) to (a + 1, b) is
    bridges: Ints  # lines of u that cross the river on a bridge


def lay_net(rng: np.random.Generator, grids: int, scale: float) -> Net:
    """Lay the net of a city of ``grids`` grids on ``scale`` times the land that they need."""
    area = grids * _GRID_SIDE**2
    side = float(np.clip(np.sqrt(area) / 3, 150, _SUPERBLOCK))
    count = max(1, round(area / side**2))
    side = np.sqrt(area / count)
    across = int(np.ceil(np.sqrt(count * (1.25 if count > 9 else 1))))
    superblocks = _grow_superblocks(rng, count, across)
    u = _lay_axis(rng, across, side, RAILWAY, round(across * 0.62) if count > 5 else 0)
    v = _lay_axis(rng, across, side, RIVER, round(across * 0.4) if count > 5 else -1)
    kept = superblocks[np.ix_(u.owner, v.owner)]
    nodes = np.round(_place_nodes(rng, u, v, side) * scale + _CENTRE, 3)
    net = Net(u, v, nodes, kept, *_draw_main_edges(u, v), np.zeros(0, np.int64))
    net = _open_bridges(rng, net)
    _end_main_roads(rng, net)
    _draw_inner_streets(rng, net, superblocks)
    return _drop_outside(net)


def _lay_axis(rng: np.random.Generator, count: int, side: float, barrier: int, at: int) -> _Axis:
    """Lay ``count`` superblocks in a row, with a barrier in its strip after the first ``at``."""
    sizes = side * rng.uniform(0.82, 1.18, count) if count > 3 else np.full(count, side)
    half = min(55.0 if barrier == RIVER else 32.0, 0.11 * side)
    rows = [(0.0, barrier if at == 0 else _rank_road(side, -1, at), True, 0, False)]
    for place, size in enumerate(sizes):
        before, after = at not in (0, place + 1) and place == at, place + 1 == at
        if before:
            rows.append((half, _STREET, False, place, True))
        pieces = _divide_width(rng, size - half * (before + after))
        rows += [(width, OPEN, False, place, False) for width in pieces[:-1]]
        end = _STREET if after else _rank_road(side, place, at)
        rows.append((pieces[-1], end, not after, place, False))
        if after:
            rows.append((half, barrier, True, place, True))
    width, role, knot, owner, strip = (np.array(column) for column in zip(*rows, strict=True))
    return _Axis(np.cumsum(width), role, knot, owner[1:], strip[1:])


def _rank_road(side: float, place: int, at: int) -> int:
    """Return what the road after superblock ``place`` is: in a small town every second is main."""
    return MAIN if side >= 400 or (place - at) % 2 == 0 else _STREET


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
    for river in v.position[v.role == RIVER]:
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
    north[np.ix_(np.isin(u.role, (_STREET, MAIN)), v.strip)] = _SEAM
    east[np.ix_(u.strip, v.role == _STREET)] = _SEAM
    return north, east


def _open_bridges(rng: np.random.Generator, net: Net) -> Net:
    """Lead some of the main roads across the river: at least one, about every third."""
    across = net.kept[:, net.v.strip]
    if not across.shape[1]:
        return net
    both = np.pad(across.all(axis=1), 1)
    lines = np.flatnonzero((net.u.role == MAIN) & (both[1:] | both[:-1]))
    chosen = np.unique(np.append(lines[rng.integers(0, 3) :: 3], lines[len(lines) // 2]))
    net.north[np.ix_(chosen, np.flatnonzero(net.v.strip))] = MAIN
    return replace(net, bridges=chosen)


def _end_main_roads(rng: np.random.Generator, net: Net) -> None:
    """Let some main roads go on as a street from one of their crossings."""
    for axis, other, edges in ((net.u, net.v, net.north), (net.v, net.u, net.east.T)):
        for line in np.flatnonzero(axis.role == MAIN)[1:-1]:
            cut = rng.choice(np.flatnonzero(other.knot))
            part = slice(cut, None) if rng.random() < 0.5 else slice(None, cut)
            bridge = axis is net.u and line in net.bridges
            if rng.random() < 0.3 and not bridge and len(other.position) > 40:
                beyond = edges[line, part]
                beyond[beyond == MAIN] = _STREET


def _draw_inner_streets(rng: np.random.Generator, net: Net, superblocks: Flags) -> None:
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
            edges[line, stretch] = OPEN if place in missing else _STREET


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


def _drop_outside(net: Net) -> Net:
    """Clear the edges that no cell of the city touches."""
    sides = np.pad(net.kept, ((1, 1), (0, 0)))
    ends = np.pad(net.kept, ((0, 0), (1, 1)))
    return replace(
        net,
        north=np.where(sides[1:] | sides[:-1], net.north, OPEN),
        east=np.where(ends[:, 1:] | ends[:, :-1], net.east, OPEN),
    )
