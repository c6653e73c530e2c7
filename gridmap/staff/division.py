"""Divide areas by building into connected parts with enough members and not too many.

The partition engine draws the parts, with members for households: even, compact, compounds whole.
What it leaves that breaks a limit is drawn again by an exact program (HiGHS), which also tells how
many parts are needed where buildings are too large for the fewest.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.partition import partition_units
from gridmap.rules import Rules
from gridmap.staff.exact_division import divide_exactly
from gridmap.staff.part_limits import Limits, keeps_limits

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Effort of the engine for each unit.
STEPS = 40
#: Times that the engine draws what breaks a limit, before the exact program does.
_SEEDS = 4
#: The engine's own target is of no matter: each unit has one.
_RULES = Rules(target=100, tolerance=0.2)


def divide_areas(
    units: pd.DataFrame,
    adjacency: pd.DataFrame,
    counts: pd.DataFrame,
    parts: pd.Series,
    limits: Limits,
) -> tuple[pd.Series, pd.Series]:
    """Divide areas into the fewest connected parts that keep the limits.

    Parameters
    ----------
    units : GeoDataFrame
        `UNITS` of the areas, with the column ``area``; each area is in one piece.
    adjacency : DataFrame
        `ADJACENCY`; pairs of two areas are passed over.
    counts : DataFrame
        ``full`` and ``probationary`` by unit_id.
    parts : Series
        area -> how many parts at least, 2 or more.
    limits : Limits
        What each part keeps.

    Returns
    -------
    tuple of Series and Series
        unit_id -> 0 … k-1 inside its area; area -> members beyond ``limits.most``, over all parts.
        An area that can't be divided at all is one part.
    """
    labels = pd.Series(0, units.index)
    excess = pd.Series(0, parts.index)
    left: Any = parts.index
    for seed in range(_SEEDS):
        rows = units[units["area"].isin(left)]
        if len(rows):
            labels[rows.index] = draw_parts(rows, adjacency, counts, parts[left], seed=seed)
        left = [
            area
            for area in left
            if labels[units["area"] == area].nunique() != parts[area]
            or not keeps_limits(*_take_area(units, adjacency, counts, area, labels), limits)
        ]
    for area in left:
        _, links, numbers = _take_area(units, adjacency, counts, area, labels)
        found, over = _divide_hard(links, numbers, int(parts[area]), limits)
        labels[units.index[units["area"] == area]] = found
        excess[area] = over
    return labels, excess


def draw_parts(
    units: pd.DataFrame,
    adjacency: pd.DataFrame,
    counts: pd.DataFrame,
    parts: pd.Series,
    *,
    seed: int = 0,
    steps: int = STEPS,
) -> pd.Series:
    """Divide areas into connected parts of about equal numbers of members, by the engine.

    Parameters
    ----------
    units, adjacency, counts
        As for `divide_areas`.
    parts : Series
        area -> how many; the engine may make fewer or more where buildings are large.
    seed, steps : int
        Of the engine; steps for each unit.

    Returns
    -------
    Series of int64
        unit_id -> 0 … k-1 inside its area.
    """
    members = counts.loc[units.index].sum(axis=1)
    share = members.groupby(units["area"]).sum() / parts
    loads = units.assign(
        households=members.astype("int64"),
        community_id=units["area"].astype("str"),
        target=units["area"].map(share).clip(lower=0.5).astype("float64"),
    ).drop(columns="zone_id", errors="ignore")
    inside = adjacency["unit_a"].isin(units.index) & adjacency["unit_b"].isin(units.index)
    pairs = adjacency[inside].assign(usable=True)
    labels = partition_units(loads, pairs, _RULES, seed=seed, steps=steps)
    return labels - labels.groupby(units["area"]).transform("min")


def merge_small(labels: Ints, links: Ints, counts: Ints, limits: Limits) -> Ints:
    """Join parts that are below a limit to the smallest part that touches them.

    Parameters are those of `keeps_limits`; ``limits.most`` is passed over.
    """
    labels = labels.copy()
    while True:
        full, young = (np.bincount(labels, column) for column in counts.T)
        total = full + young
        there = np.bincount(labels) > 0
        small = np.flatnonzero(there & ((full < limits.full) | (total < limits.total)))
        sides = np.concatenate([labels[links], labels[links][:, ::-1]])
        for part in small[np.argsort(total[small], kind="stable")].tolist():
            beside = np.unique(sides[(sides[:, 0] == part) & (sides[:, 1] != part), 1])
            if len(beside):
                labels[labels == part] = beside[np.argmin(total[beside])]
                break
        else:
            return np.unique(labels, return_inverse=True)[1]


def _take_area(
    units: pd.DataFrame,
    adjacency: pd.DataFrame,
    counts: pd.DataFrame,
    area: object,
    labels: pd.Series,
) -> tuple[Ints, Ints, Ints]:
    """Return the labels, the touching pairs and the members of an area, by position."""
    rows = units.index[units["area"] == area]
    return labels[rows].to_numpy(), find_links(rows, adjacency), counts.loc[rows].to_numpy()


def find_links(units: pd.Index, adjacency: pd.DataFrame) -> Ints:
    """Return the pairs of some units that touch, by position."""
    ends = [units.get_indexer(pd.Index(adjacency[side])) for side in ("unit_a", "unit_b")]
    links = np.column_stack(ends).astype(np.int64)
    return links[(links >= 0).all(axis=1)]


def _divide_hard(links: Ints, counts: Ints, parts: int, limits: Limits) -> tuple[Ints, int]:
    """Divide an area that the engine could not, into more parts if it must be."""
    atom = _join_empty(links, counts.sum(axis=1))
    pairs = np.unique(np.sort(atom[links], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    members = np.column_stack([np.bincount(atom, column) for column in counts.T]).astype(np.int64)
    total = members.sum(axis=1)
    floor = int(np.maximum(total - limits.most, 0).sum())  # of buildings that alone are too large
    best, least = np.zeros(len(total), np.int64), int(total.sum()) - limits.most
    most = min(int(members[:, 0].sum()) // max(limits.full, 1), len(total))
    for count in range(parts, most + 1):
        found = divide_exactly(pairs, members, count, limits)
        if found is not None and found[1] < least:
            best, least = found
        if least <= floor:
            break
    return best[atom], least


def _join_empty(links: Ints, total: Ints) -> Ints:
    """Join units without members to those with some that are the fewest steps away."""
    lived = np.flatnonzero(total)
    atom = np.full(len(total), -1, np.int64)
    atom[lived] = np.arange(len(lived))
    sides = np.concatenate([links, links[:, ::-1]])
    while (atom < 0).any():
        ahead = sides[(atom[sides[:, 0]] >= 0) & (atom[sides[:, 1]] < 0)]
        if not len(ahead):
            break
        atom[ahead[::-1, 1]] = atom[ahead[::-1, 0]]
    return np.maximum(atom, 0)
