"""Group blocks into communities of about eleven grids, along what people do not cross gladly."""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, depth_first_order, minimum_spanning_tree

from gridmap.synthetic.blocks import Blocks
from gridmap.synthetic.figures import HOUSEHOLDS, Flags, Floats, Ints
from gridmap.synthetic.net import RIVER
from gridmap.synthetic.stock import Stock

_GRIDS_PER_COMMUNITY = 11.4
_COMMUNITY_GRIDS = (5.2, 24.5)  # fewest and most grids' worth of households

#: How unwilling a community is to reach across an edge of each kind.
RELUCTANCE = np.array([0.0, 1.5, 1.0, 4.0, 8.0, 30.0])


class _Graph(NamedTuple):
    """Areas and the borders between them, for dividing a city into parts."""

    weight: Floats  # (n,)
    pairs: Ints  # (e, 2)
    cost: Floats  # (e,) how unwillingly a part reaches across the border
    length: Floats  # (e,) m


_TREES = 16  # drawn for each cut; the best is kept


def group_communities(rng: np.random.Generator, blocks: Blocks, stock: Stock, grids: int) -> Ints:
    """Group blocks into communities: each in one piece, one of them on both banks of the river."""
    count = max(1, round(grids / _GRIDS_PER_COMMUNITY))
    weight = _sum_by(stock.block, stock.dwellings, len(blocks.shape))
    if count == 1:
        return np.zeros(len(weight), np.int64)
    dry = blocks.kind != RIVER
    cost = RELUCTANCE[blocks.kind[dry]]
    # A bank belongs to the blocks behind it: no community is held together by a bank alone.
    cost[blocks.strip[blocks.pairs[dry]].all(axis=1)] = 12.0
    graph = join_borders(weight, blocks.pairs[dry], cost, blocks.length[dry])
    bank = _find_pieces(graph, len(weight))
    shares = _share_parts(_sum_by(bank, weight, bank.max() + 1), count + bool(blocks.bridge.any()))
    bounds = (
        min(_COMMUNITY_GRIDS[0] * HOUSEHOLDS, 0.6 * weight.sum() / shares.sum()),
        _COMMUNITY_GRIDS[1] * HOUSEHOLDS,
    )
    group = np.zeros(len(weight), np.int64)
    for side, parts in enumerate(shares):
        members = np.flatnonzero(bank == side)
        group[members] = divide(rng, graph, members, int(parts), bounds) + shares[:side].sum()
    return _join_banks(group, weight, blocks.pairs[blocks.bridge])


def _sum_by(group: Ints, values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(group, values, count), np.float64)


def join_borders(weight: Floats, pairs: Ints, cost: Floats, length: Floats) -> _Graph:
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


def divide(
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
    label[first] = divide(rng, graph, members[first], half, bounds)
    label[~first] = half + divide(rng, graph, members[~first], parts - half, bounds)
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
