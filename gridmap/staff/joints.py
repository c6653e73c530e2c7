"""Which places of a community could share a branch: every joint set, and what each costs.

A *strong* place has the full members that a branch needs. A joint branch never needs two strong
places, because such a set falls apart into pieces with one each, and every rule holds in the
pieces, with fewer grids. So sets have at most one, and nothing is lost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridmap.rules import Party

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Places:
    """The places of a community that branches are made of: its grids, or parts of large ones.

    Parameters
    ----------
    grid : int64 per place
        Position of its grid.
    mode : int64 per place
        Which division of the grid it is part of; the grid is divided by exactly one. Mode 0 is the
        usual one, the others make room.
    full, total : int64 per place
        Full members, and all members.
    spot : float64, places × 2
        An inner point, m.
    company : int64 per place
        Its present branch, -1 where it has none or lies in several.
    links : array of int, pairs × 2
        Places that touch.
    bridges : array of int, pairs × 2
        Places that do not, and may share a branch where nothing else is left.
    """

    grid: Ints
    mode: Ints
    full: Ints
    total: Ints
    spot: Floats
    company: Ints
    links: Ints
    bridges: Ints

    def __len__(self) -> int:
        return len(self.grid)


@dataclass(frozen=True)
class Candidate:
    """A candidate branch, and what it adds to each term."""

    places: tuple[int, ...]
    contiguous: bool
    extent: float
    grids: int
    changes: int


def list_candidates(places: Places, party: Party) -> list[Candidate]:
    """List the joint sets that could be a branch, with what each adds."""
    touching = _list_neighbours(places, places.links)
    return [
        _weigh_set(places, some, touching)
        for some in list_joint_sets(places, party)
        if _may_be_branch(places, some, party)
    ]


def list_joint_sets(places: Places, party: Party) -> Iterator[tuple[int, ...]]:
    """List every connected set of two places and more that is small enough, each once.

    A set grows from its first place by neighbours that come after it, and stops where it would
    have more members or grids than a branch may have, or two strong places.
    """
    links = np.concatenate([places.links, places.bridges])
    neighbours = _list_neighbours(places, links)
    strong = (places.full >= party.branch_min_full).tolist()
    total = places.total.tolist()
    for first in range(len(places)):
        start = {place for place in neighbours[first] if place > first}
        stack: list[tuple[tuple[int, ...], tuple[int, ...], set[int]]]
        stack = [((first,), tuple(sorted(start)), start | {first})]
        while stack:
            some, reach, seen = stack.pop()
            if len(some) > 1:
                yield tuple(sorted(some))
            if len(some) == party.joint_max_units:
                continue
            members, host = sum(total[at] for at in some), any(strong[at] for at in some)
            for at, place in enumerate(reach):
                if members + total[place] > party.branch_max_total or (host and strong[place]):
                    continue
                new = [one for one in neighbours[place] if one > first and one not in seen]
                grown = (*reach[at + 1 :], *new)
                stack.append(((*some, place), grown, seen | set(new)))


def _may_be_branch(places: Places, some: Sequence[int], party: Party) -> bool:
    chosen = list(some)
    enough = places.full[chosen].sum() >= party.branch_min_full
    return bool(enough and places.total[chosen].sum() <= party.branch_max_total)


def _list_neighbours(places: Places, links: Ints) -> list[list[int]]:
    """Return the neighbours of each place, in order."""
    found: list[set[int]] = [set() for _ in range(len(places))]
    for one, two in links.tolist():
        found[one].add(two)
        found[two].add(one)
    return [sorted(some) for some in found]


def _weigh_set(places: Places, some: tuple[int, ...], touching: list[list[int]]) -> Candidate:
    """Find the place that a joint branch meets in, and what the branch costs."""
    chosen = np.array(some)
    apart = places.spot[chosen][:, None] - places.spot[chosen][None]
    metres = np.hypot(apart[..., 0], apart[..., 1]).sum(axis=1)
    # The nearest to all the others; of equal ones that with most members.
    middle = min(range(len(some)), key=lambda at: (round(metres[at]), -places.total[some[at]], at))
    order = (some[middle], *(place for place in some if place != some[middle]))
    extent = float(metres[middle])
    return Candidate(
        order, _is_connected(some, touching), extent, len(some), _count_changes(places, some)
    )


def _is_connected(some: Sequence[int], touching: list[list[int]]) -> bool:
    inside, seen, ahead = set(some), {some[0]}, [some[0]]
    while ahead:
        for place in touching[ahead.pop()]:
            if place in inside and place not in seen:
                seen.add(place)
                ahead.append(place)
    return len(seen) == len(inside)


def _count_changes(places: Places, some: Sequence[int]) -> int:
    """Count pairs that come together, less pairs that stay together.

    Over all sets that is the number of pairs that change, less the pairs that are together now.
    """
    if not (places.company >= 0).any():
        return 0
    company = places.company[list(some)]
    pairs = len(some) * (len(some) - 1) // 2
    _, sizes = np.unique(company[company >= 0], return_counts=True)
    together = int((sizes * (sizes - 1) // 2).sum())
    return pairs - 2 * together
