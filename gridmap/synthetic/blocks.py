"""Cut the land between the streets into blocks, and say which of them touch."""

from typing import NamedTuple

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridmap.synthetic.figures import Flags, Floats, Geometries, Ints
from gridmap.synthetic.net import MAIN, OPEN, RAILWAY, RIVER, Net


class Blocks(NamedTuple):
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


def cut_blocks(net: Net) -> Blocks:
    """Join the cells that no line parts."""
    number = np.where(net.kept, np.cumsum(net.kept).reshape(net.kept.shape) - 1, -1)
    pairs, kind, line = _list_edges(net, number)
    open_pairs = pairs[kind == OPEN]
    size = int(net.kept.sum())
    joined = coo_array((np.ones(len(open_pairs)), open_pairs.T), shape=(size, size))
    label = connected_components(joined, directed=False)[1].astype(np.int64)
    cells = np.argwhere(net.kept)
    quads = _cell_quads(net, cells)
    shape = join_shapes(quads, label)
    strip = np.zeros(len(shape), bool)
    strip[label[net.u.strip[cells[:, 0]] | net.v.strip[cells[:, 1]]]] = True
    angle = _turn_of_blocks(net, cells, label, len(shape))
    return _pair_blocks(net, label[pairs], kind, line, shape=shape, angle=angle, strip=strip)


def join_shapes(shapes: Geometries, label: Ints) -> Geometries:
    """Join the shapes of each label, 0 and on; neighbours keep the vertices that they share."""
    order = np.argsort(label, kind="stable")
    joined = np.empty(int(label.max()) + 1, object)
    for place, members in enumerate(np.split(order, np.cumsum(np.bincount(label))[:-1])):
        joined[place] = shapely.coverage_union_all(shapes[members])
    return joined


def _list_edges(net: Net, number: Ints) -> tuple[Ints, Ints, Geometries]:
    """List the edges between two cells of the city: cells, what it is, its two nodes' line."""
    beside = np.stack([number[:-1, :], number[1:, :]], axis=-1).reshape(-1, 2)
    above = np.stack([number[:, :-1], number[:, 1:]], axis=-1).reshape(-1, 2)
    kind = np.concatenate([net.north[1:-1].ravel(), net.east[:, 1:-1].ravel()])
    inner = np.stack([net.nodes[1:-1, :-1], net.nodes[1:-1, 1:]], axis=-2).reshape(-1, 2, 2)
    level = np.stack([net.nodes[:-1, 1:-1], net.nodes[1:, 1:-1]], axis=-2).reshape(-1, 2, 2)
    pairs, ends = np.concatenate([beside, above]), np.concatenate([inner, level])
    both = (pairs >= 0).all(axis=1)
    return pairs[both], kind[both], shapely.linestrings(ends[both])


def _cell_quads(net: Net, cells: Ints) -> Geometries:
    a, b = cells.T
    corners = ((a, b), (a + 1, b), (a + 1, b + 1), (a, b + 1))
    return shapely.polygons(np.stack([net.nodes[corner] for corner in corners], axis=1))


def _turn_of_blocks(net: Net, cells: Ints, label: Ints, count: int) -> Floats:
    """Return the angle of each block's street side, that of its cells on average."""
    a, b = cells.T
    step = net.nodes[a + 1, b] - net.nodes[a, b] + net.nodes[a + 1, b + 1] - net.nodes[a, b + 1]
    east, north = (np.bincount(label, step[:, axis], count) for axis in (0, 1))
    return np.arctan2(north, east)


def _pair_blocks(
    net: Net,
    pairs: Ints,
    kind: Ints,
    line: Geometries,
    *,
    shape: Geometries,
    angle: Floats,
    strip: Flags,
) -> Blocks:
    """Tell borders between blocks from lines that end in one, and find what is at a bridge."""
    inside = (pairs[:, 0] == pairs[:, 1]) & (kind != OPEN)
    owners = pairs[inside, 0]
    dead_ends = {int(block): line[inside][owners == block] for block in np.unique(owners)}
    apart = pairs[:, 0] != pairs[:, 1]
    pairs, kind, line = pairs[apart], kind[apart], line[apart]
    ends = shapely.get_coordinates(line).reshape(-1, 2, 2)
    river = net.v.role == RIVER
    heads = net.nodes[net.bridges][:, river].reshape(-1, 2)
    touches = (ends[:, :, None] == heads).all(axis=-1).any(axis=(1, 2))
    at_bridge = np.asarray(touches, bool) & (kind == RIVER)
    busy = np.zeros(len(shape), bool)
    busy[pairs[np.isin(kind, (MAIN, RAILWAY))].ravel()] = True
    return Blocks(
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
