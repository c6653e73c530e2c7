"""Contract the units without households, so that the search moves what matters.

Where most units are empty (fields, garages, sheds), nearly every move of the search would be of
one of them, at a temperature at which their borders mean nothing. So each empty unit first joins
the inhabited unit that is nearest, barriers counted as a detour: the *atoms* are compact, and the
search has a graph of inhabited units only, with the same cost. Empty units then move one by one in
a last, cool run over the whole graph.
"""

import numpy as np
import scipy

from gridmap.partition.problem import Floats, Graph, Ints, Positions

#: Share of inhabited units below which a part is contracted.
CONTRACT_BELOW = 0.5
#: Metres of detour that crossing a barrier counts, by position in `gridmap.tables.CROSSINGS`.
DETOUR = np.array([0.0, 20.0, 200.0, 1000.0, 1000.0])


def should_contract(graph: Graph, grids: int) -> bool:
    """Say whether so many units are empty that the part is better contracted first."""
    lived = int(np.count_nonzero(graph.load))
    return grids < lived < CONTRACT_BELOW * len(graph.load)


def grow_atoms(graph: Graph) -> Positions:
    """Give each unit the nearest inhabited one; atoms are numbered in the order of those.

    The way from one unit to the next is half the side of two squares of their perimeters, as
    positions have no coordinates here, and the detour. Every atom is connected over usable pairs.
    O(pairs · log units).
    """
    seeds = np.flatnonzero(graph.load)
    sides = np.bincount(graph.owner, graph.border, minlength=len(graph.load)) / 4
    way = (sides[graph.owner] + sides[graph.neighbour]) / 2 + DETOUR[graph.barrier]
    kept = graph.usable
    ways = scipy.sparse.csr_array(
        (np.maximum(way[kept], 1e-3), (graph.owner[kept], graph.neighbour[kept])),
        (len(graph.load), len(graph.load)),
    )
    before = scipy.sparse.csgraph.dijkstra(
        ways, indices=seeds, min_only=True, return_predecessors=True
    )[1]
    origin = np.where(before < 0, np.arange(len(before)), before)
    while (origin[origin] != origin).any():  # follow every way back, twice as far each time
        origin = origin[origin]
    return np.searchsorted(seeds, origin).astype(np.int32)


def contract_graph(graph: Graph, atom: Positions) -> tuple[Graph, Ints]:
    """Make the graph of the atoms: one pair and side where any two of their units touch.

    Returns
    -------
    Graph
        Borders add up; the barrier of a pair is the one along most of its border.
    int64 array, per pair and side of ``graph``
        The pair and side of the result that it became part of, -1 inside an atom. Costs of sides
        add up over it.
    """
    size = int(atom.max(initial=-1)) + 1
    seeds = np.flatnonzero(graph.load)
    mine, other = atom[graph.owner].astype(np.int64), atom[graph.neighbour]
    apart = np.flatnonzero(mine != other)
    keys, inverse = np.unique(mine[apart] * size + other[apart], return_inverse=True)
    place = np.full(len(mine), -1, np.int64)
    place[apart] = inverse
    metres = np.zeros((len(keys), len(DETOUR)))
    np.add.at(metres, (inverse, graph.barrier[apart]), graph.border[apart])
    owner, neighbour = np.divmod(keys, size)
    ends = np.cumsum(np.bincount(owner, minlength=size))
    contracted = Graph(
        households=graph.households[seeds],
        compound=graph.compound[seeds],
        block=graph.block[seeds],
        indptr=np.concatenate([[0], ends]).astype(np.int32),
        owner=owner.astype(np.int32),
        neighbour=neighbour.astype(np.int32),
        border=metres.sum(axis=1),
        barrier=metres.argmax(axis=1).astype(np.int8),
        usable=np.bincount(inverse, graph.usable[apart], minlength=len(keys)) > 0,
        load=graph.load[seeds],
        work=np.bincount(atom, graph.work, size).astype(np.int64),
    )
    return contracted, place


def add_sides(inside: Floats, place: Ints, sides: int) -> Floats:
    """Add up the cost of the sides that became one."""
    kept = place >= 0
    total = np.zeros(sides)
    np.add.at(total, place[kept], inside[kept])
    return total
