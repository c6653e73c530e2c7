"""Branch over sets of grids, how many of those that meet are taken, until the rest is proven.

A node is what is decided. Its linear relaxation is solved over the columns that matter, and all
others are priced against it. Where it takes each set wholly or not at all, the rest is an
assignment, which costs as much as the relaxation does. Few sets are ever in question, so there are
few nodes.
"""

import heapq
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from gridmap.staff.columns import Duties, Floats, Ints, Optimum, list_left, take_bound, take_columns
from gridmap.staff.matching import match_sets
from gridmap.staff.programs import Decision, bound_structure, relax_columns, solve_columns

Flags = npt.NDArray[np.bool_]

#: Reduced costs from here on are negative: costs are whole metres, prices are floats.
_BELOW = -1e-6
#: Metres that a bound may lose by columns which are not priced out.
_LOST = 0.5
#: Reduced cost (m) up to which columns are in the first linear programme.
_NEAR = 300.0
#: Columns that one linear programme adds for each set of grids, and for each worker.
_ADDED = 12
#: Linear programmes of one node, and nodes: budgets of steps, not of seconds.
_ROUNDS, _NODES = 60, 60
#: A set of which less is taken, or all but less, is decided.
_WHOLE = 1e-5


class _Node(NamedTuple):
    """What is decided, and what that costs at least; nodes are in the order of their bounds."""

    bound: float
    decisions: tuple[Decision, ...]
    taken: Floats  # how much of each set the relaxation takes
    reduced: Floats  # of each column


@dataclass(frozen=True)
class _Search:
    duties: Duties
    least: float  # what vacant and doubled grids cost, at least
    parts: list[tuple[int, ...]]  # the sets of several grids: those that meet, directly or not
    kept: Flags  # columns of the linear programmes; grows in place


def branch_sets(duties: Duties, found: Optimum, few: int) -> Optimum:
    """Bound by linear relaxations, with more and more sets decided.

    Parameters
    ----------
    duties : Duties
        What may be.
    found : Optimum
        The best so far.
    few : int
        Columns left that are few enough for one programme: then nothing is decided.

    Returns
    -------
    Optimum
        Proven, unless few columns are left or 60 nodes are not enough.
    """
    kept = _pick_first(duties, found)
    search = _Search(duties, bound_structure(duties), _list_parts(duties), kept)
    nodes = [_relax_node(search, (), found.cost)]
    best, _ = solve_columns(duties, np.flatnonzero(kept), found.columns)
    found = take_columns(duties, found, best)
    found = take_bound(found, nodes[0].bound, nodes[0].reduced)
    if len(list_left(found)) <= few:
        return found
    while nodes[0].bound <= found.cost - 1 and len(nodes) < _NODES:
        node = heapq.heappop(nodes)
        for decision in _decide(search, node):
            child = _relax_node(search, (*node.decisions, decision), found.cost)
            found = take_columns(duties, found, _match(duties, child.taken, found))
            heapq.heappush(nodes, child)
    floors = np.minimum.reduce([node.bound + node.reduced for node in nodes])
    return take_bound(found, nodes[0].bound, floors - nodes[0].bound)


def _list_parts(duties: Duties) -> list[tuple[int, ...]]:
    """List the sets of several grids, those together that meet directly or through others."""
    n = len(duties.vacant)
    several = duties.groups[n:].astype(float)
    _, part = scipy.sparse.csgraph.connected_components(several @ several.T, directed=False)
    return [tuple((n + np.flatnonzero(part == one)).tolist()) for one in np.unique(part)]


def _decide(search: _Search, node: _Node) -> tuple[Decision, Decision]:
    """Decide how many of the sets that meet are taken, else of the set most in question."""
    sums = np.array([node.taken[list(sets)].sum() for sets in search.parts])
    if (np.abs(sums - np.round(sums)) > _WHOLE).any():
        most = int(np.abs(sums - np.floor(sums) - 0.5).argmin())
        sets, number = search.parts[most], int(np.floor(sums[most]))
    else:
        n = len(search.duties.vacant)
        sets, number = (n + int(np.abs(node.taken[n:] - 0.5).argmin()),), 0
    return Decision(sets, 1, number), Decision(sets, -1, number + 1)


def _match(duties: Duties, taken: Floats, found: Optimum) -> Ints:
    """Match the sets that are mostly taken, and every other grid, with the columns left."""
    n = len(duties.vacant)
    sets = n + np.flatnonzero(taken[n:] > 0.5)
    held = np.asarray(duties.groups[sets].sum(axis=0)).ravel() > 0
    rows = np.concatenate([np.flatnonzero(~held), sets])
    return match_sets(duties, rows, list_left(found))[0]


def _relax_node(search: _Search, decisions: tuple[Decision, ...], cost: float) -> _Node:
    """Solve the relaxation of a node until no column would lower it, or it is not below a cost.

    Where nothing is decided yet it is enough that its value no longer falls.
    """
    duties, kept = search.duties, search.kept
    node = _Node(-np.inf, decisions, np.empty(0), np.empty(0))
    value = np.inf
    for _ in range(_ROUNDS):
        found = relax_columns(duties, np.flatnonzero(kept), search.least, decisions)
        lost = _count_missing(duties, found.reduced)
        if found.value + lost > node.bound:
            reduced = np.maximum(found.reduced, 0.0)
            node = _Node(found.value + lost, decisions, found.taken, reduced)
        stalled = not decisions and found.value > value - _LOST
        if lost > -_LOST or stalled or found.value + lost > cost - 1:
            break
        value = found.value
        new = (found.reduced < _BELOW) & ~kept
        kept |= new & _pick_cheapest(duties, np.where(new, found.reduced, np.inf))
    return node


def _count_missing(duties: Duties, reduced: Floats) -> float:
    """Return what a bound loses by columns that were not priced out: one for each worker."""
    worst = np.zeros(duties.workers)
    np.minimum.at(worst, duties.worker, np.minimum(reduced, 0.0))
    return float(worst.sum())


def _pick_first(duties: Duties, found: Optimum) -> Flags:
    """Flag the columns of the first programme."""
    kept = (found.reduced <= _NEAR) & (duties.group < len(duties.vacant))
    kept[found.columns] = True
    return np.asarray(kept | _pick_cheapest(duties, found.reduced))


def _pick_cheapest(duties: Duties, reduced: Floats) -> Flags:
    """Flag the columns of lowest reduced cost of each worker and of each set."""
    flags = np.zeros(len(reduced), bool)
    some = np.flatnonzero(reduced < np.inf)
    for owner in (duties.group[some], duties.worker[some]):
        order = np.lexsort((reduced[some], owner))
        ranked = owner[order]
        first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        place = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
        flags[some[order[place < _ADDED]]] = True
    return flags & ((duties.group >= len(duties.vacant)) | (reduced < _NEAR))
