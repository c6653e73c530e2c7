"""Cover the grids of a community by branches: which of them share one, proven best.

A *strong* place has the full members that a branch needs: it is one by itself, or takes neighbours
in. A *weak* one needs others. Every set of touching places that may be a joint branch is listed
(`gridmap.staff.joints`), and a set partitioning program (HiGHS) picks the best of them.

What counts, in this order: grids that no branch covers (of equal numbers, those with fewer
members), joint branches whose grids do not touch, grids that are divided only to make room, grids
in joint branches, metres between them, pairs of grids that come together or part against the
present branches. Each is minimised with all before it held at their least.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from gridmap.rules import Party
from gridmap.staff.joints import Candidate, Places, list_candidates

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Branch-and-bound nodes of one program at most: a budget of steps, not of seconds.
_NODES = 100_000
#: What is minimised, first to last.
TERMS = ("uncovered", "apart", "divided", "grids", "extent", "changes")


@dataclass(frozen=True)
class Cover:
    """The branches of a community, as sets of places.

    Parameters
    ----------
    sets : tuple of tuple of int
        Places of each branch; the first is the one that it meets in.
    contiguous : tuple of bool
        Whether the places of each touch.
    extents : tuple of float
        Metres from the other places of each to its first.
    uncovered : tuple of int
        Places in none.
    values : dict of str to int
        Each of `TERMS` as it came out.
    candidates : int
        Joint branches that were compared.
    proven : bool
        Nothing better exists among all joint branches over these links.
    """

    sets: tuple[tuple[int, ...], ...]
    contiguous: tuple[bool, ...]
    extents: tuple[float, ...]
    uncovered: tuple[int, ...]
    values: dict[str, int]
    candidates: int
    proven: bool


def cover_places(places: Places, party: Party) -> Cover:
    """Choose the branches of a community.

    Parameters
    ----------
    places : Places
        Of one community; at least one.
    party : Party
        Sizes.

    Returns
    -------
    Cover
        Sets in order of their first place. Every strong place of the divisions chosen is in one.
    """
    strong = places.full >= party.branch_min_full
    joint = list_candidates(places, party)
    alone = [Candidate((place,), True, 0.0, 0, 0) for place in np.flatnonzero(strong).tolist()]
    if not joint:
        return _cover_alone(places, alone, strong)
    return _solve(places, [*alone, *joint], strong, len(joint))


def _cover_alone(places: Places, alone: list[Candidate], strong: npt.NDArray[np.bool_]) -> Cover:
    """Take every strong place by itself: there is no joint branch to choose."""
    usual = [one for one in alone if places.mode[one.places[0]] == 0]
    left = tuple(np.flatnonzero(~strong).tolist())
    values = dict.fromkeys(TERMS, 0)
    values |= {"uncovered": len(left), "changes": _count_together(places)}
    count = len(usual)
    sets = tuple(one.places for one in usual)
    return Cover(sets, (True,) * count, (0.0,) * count, left, values, 0, True)


def _solve(
    places: Places, sets: list[Candidate], strong: npt.NDArray[np.bool_], candidates: int
) -> Cover:
    """Minimise one term after the other, each with those before at their least."""
    weak = np.flatnonzero(~strong)
    modes, mode_of = np.unique(
        np.column_stack([places.grid, places.mode])[strong], axis=0, return_inverse=True
    )
    base = _make_constraints(places, sets, weak, modes, mode_of.ravel(), strong)
    costs = _make_costs(places, sets, weak, modes)
    held: list[tuple[Floats, float]] = []
    proven, chosen = True, np.zeros(len(sets) + len(weak) + len(modes))
    for term in TERMS:
        cost = costs[term]
        if not cost.any():
            continue
        chosen, done = _minimise(cost, base, held)
        proven &= done
        held.append((cost, float(np.rint(cost @ chosen))))
    return _read_cover(places, sets, weak, modes, chosen, candidates, proven)


def _make_constraints(
    places: Places,
    sets: list[Candidate],
    weak: Ints,
    modes: Ints,
    mode_of: Ints,
    strong: npt.NDArray[np.bool_],
) -> "scipy.optimize.LinearConstraint":
    """Every weak place in one set or uncovered, every strong one in one if its division counts.

    Columns: sets, then weak places that stay uncovered, then divisions of strong grids.
    """
    cells = [(place, at) for at, one in enumerate(sets) for place in one.places]
    rows, columns = (list(part) for part in zip(*cells, strict=True))
    values = [1.0] * len(rows)
    first, second = len(sets), len(sets) + len(weak)
    rows += weak.tolist()
    columns += range(first, second)
    values += [1.0] * len(weak)
    rows += np.flatnonzero(strong).tolist()
    columns += (second + mode_of).tolist()
    values += [-1.0] * len(mode_of)
    grids, grid_of = np.unique(modes[:, 0], return_inverse=True)
    rows += (len(places) + grid_of).tolist()
    columns += range(second, second + len(modes))
    values += [1.0] * len(modes)
    shape = (len(places) + len(grids), second + len(modes))
    right = np.zeros(shape[0])
    right[weak], right[len(places) :] = 1.0, 1.0
    return scipy.optimize.LinearConstraint(
        scipy.sparse.csc_array(scipy.sparse.coo_array((values, (rows, columns)), shape)),
        right,
        right,
    )


def _make_costs(
    places: Places, sets: list[Candidate], weak: Ints, modes: Ints
) -> dict[str, Floats]:
    """Return what each column adds to each term, in whole numbers."""
    size = len(sets) + len(weak) + len(modes)
    costs = {term: np.zeros(size) for term in TERMS}
    members = places.total[weak]
    costs["uncovered"][len(sets) : len(sets) + len(weak)] = members + members.sum() + 1
    costs["divided"][len(sets) + len(weak) :] = modes[:, 1]
    costs["apart"][: len(sets)] = [not one.contiguous for one in sets]
    costs["grids"][: len(sets)] = [one.grids for one in sets]
    costs["extent"][: len(sets)] = [round(one.extent) for one in sets]
    costs["changes"][: len(sets)] = [one.changes for one in sets]
    return costs


def _minimise(
    cost: Floats, base: "scipy.optimize.LinearConstraint", held: list[tuple[Floats, float]]
) -> tuple[Floats, bool]:
    """Solve one program; what was minimised before keeps its value."""
    constraints = [base]
    if held:
        rows = scipy.sparse.vstack([scipy.sparse.coo_array(before[None]) for before, _ in held])
        most = np.array([value for _, value in held]) + 0.5  # whole numbers: half is rounding
        constraints.append(
            scipy.optimize.LinearConstraint(scipy.sparse.csc_array(rows), -np.inf, most)
        )
    result = scipy.optimize.milp(
        cost,
        integrality=np.ones(len(cost), np.int64),
        bounds=scipy.optimize.Bounds(0, 1),
        constraints=constraints,
        options={"mip_rel_gap": 0.0, "node_limit": _NODES},
    )
    assert result.x is not None  # each place alone or uncovered is always a solution
    return np.rint(result.x), result.status == 0


def _read_cover(
    places: Places,
    sets: list[Candidate],
    weak: Ints,
    modes: Ints,
    chosen: Floats,
    candidates: int,
    proven: bool,
) -> Cover:
    picked = [one for one, flag in zip(sets, chosen, strict=False) if flag]
    picked.sort(key=lambda one: one.places[0])
    left = weak[chosen[len(sets) : len(sets) + len(weak)] > 0]
    values = {
        "uncovered": len(left),
        "apart": sum(not one.contiguous for one in picked),
        "divided": int(modes[chosen[len(sets) + len(weak) :] > 0, 1].sum()),
        "grids": sum(one.grids for one in picked),
        "extent": sum(round(one.extent) for one in picked),
        "changes": sum(one.changes for one in picked) + _count_together(places),
    }
    return Cover(
        tuple(one.places for one in picked),
        tuple(one.contiguous for one in picked),
        tuple(one.extent for one in picked),
        tuple(left.tolist()),
        values,
        candidates,
        proven,
    )


def _count_together(places: Places) -> int:
    """Count the pairs of places that share a branch now."""
    now = places.company[(places.mode == 0) & (places.company >= 0)]
    _, sizes = np.unique(now, return_counts=True)
    return int((sizes * (sizes - 1) // 2).sum())
