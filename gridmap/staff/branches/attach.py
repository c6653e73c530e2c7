"""Grids that no branch of their community can cover: their members go to the nearest with room.

Members of such grids that touch are enough for a party group (党小组) or not. A group goes to the
nearest branch of its community that has room for its members; how many grids a joint branch may
have does not count for it, since a group is no unit. Branches of another community count only
where the rules say so (``across_communities``): then members who are too few for a group go as
well, as in a joint branch. Else what could be done is told, and the grids stay uncovered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy

from gridmap.staff.branches.ground import Ground, Site


@dataclass(frozen=True)
class Guest:
    """Grids whose members go to a branch that meets elsewhere.

    Parameters
    ----------
    codes : tuple of str
        The grids, the one with most members first.
    full, young : int
        Their full and probationary members.
    branch : str
        The branch that takes them, "" where none has room.
    metres : float
        From the first grid to the one that the branch meets in.
    grouped : bool
        They are enough for a party group.
    away : bool
        The branch is of another community.
    """

    codes: tuple[str, ...]
    full: int
    young: int
    branch: str
    metres: float
    grouped: bool
    away: bool


def attach_grids(
    ground: Ground, units: pd.DataFrame, sites: Mapping[str, tuple[Site, ...]], near: pd.DataFrame
) -> tuple[list[Guest], list[Guest]]:
    """Find where the members of uncovered grids can go.

    Parameters
    ----------
    ground : Ground
        What the branches were made on.
    units : DataFrame
        ``grid_code`` and ``branch_id`` ("" for none) by unit_id.
    sites : mapping
        The places of each branch, the first the one that it meets in.
    near : DataFrame
        Pairs of units of two grids of one community that touch.

    Returns
    -------
    tuple of list and list
        Those that go, and those that could only go to another community's branch. In the order of
        the grids; each takes the nearest room that those before it leave.
    """
    hosts = _list_hosts(ground, units, sites)
    taken: list[Guest] = []
    offered: list[Guest] = []
    for cluster in _join_uncovered(ground, units, near):
        for guest in _place(ground, hosts, cluster):
            if not guest.away or ground.party.across_communities:
                here = hosts.index == guest.branch
                hosts = hosts.assign(
                    room=hosts["room"] - here * (guest.full + guest.young),
                    grids=hosts["grids"] + here * len(guest.codes),
                )
                taken.append(guest)
            else:
                offered.append(guest)
    return taken, offered


def _list_hosts(
    ground: Ground, units: pd.DataFrame, sites: Mapping[str, tuple[Site, ...]]
) -> pd.DataFrame:
    """Return each branch with its place, its community and the members that it may still take."""
    names = sorted(sites)
    first = [sites[name][0].code for name in names]
    members = ground.counts.sum(axis=1).groupby(units["branch_id"]).sum()
    return pd.DataFrame(
        {
            "community": ground.plan.grids["community_id"].reindex(first).to_numpy(object),
            "x": ground.spots["x"].reindex(first).to_numpy(),
            "y": ground.spots["y"].reindex(first).to_numpy(),
            "grids": [len({site.code for site in sites[name]}) for name in names],
            "room": ground.party.branch_max_total - members.reindex(names).to_numpy(np.int64),
        },
        index=pd.Index(names, dtype="str"),
    )


def _join_uncovered(
    ground: Ground, units: pd.DataFrame, near: pd.DataFrame
) -> Iterator[tuple[str, ...]]:
    """Yield the uncovered grids, those that touch together."""
    codes = pd.Index(sorted(units.loc[units["branch_id"] == "", "grid_code"].unique()))
    ends = [codes.get_indexer(near[side].map(units["grid_code"])) for side in ("unit_a", "unit_b")]
    both = (ends[0] >= 0) & (ends[1] >= 0)
    size = (len(codes), len(codes))
    graph = scipy.sparse.coo_array(
        (np.ones(int(both.sum())), (ends[0][both], ends[1][both])), shape=size
    )
    label = (
        scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
        if len(codes)
        else np.zeros(0)
    )
    total = ground.by_grid.sum(axis=1)
    for one in np.unique(label):
        some = codes[label == one]
        yield tuple(sorted(some, key=lambda code: (-total[code], code)))


def _place(ground: Ground, hosts: pd.DataFrame, codes: tuple[str, ...]) -> list[Guest]:
    """Find a branch for grids together, else for each that finds one alone."""
    whole = _find_host(ground, hosts, codes)
    if whole.branch or len(codes) == 1:
        return [whole] if whole.branch else []
    alone = [_find_host(ground, hosts, (code,)) for code in codes]
    return [guest for guest in alone if guest.branch]


def _find_host(ground: Ground, hosts: pd.DataFrame, codes: tuple[str, ...]) -> Guest:
    """Find the nearest branch with room, of the community before others."""
    party, grids = ground.party, ground.plan.grids
    full, young = map(int, ground.by_grid.loc[list(codes)].sum())
    grouped = full >= 1 and full + young >= party.group_min
    guest = Guest(codes, full, young, "", 0.0, grouped, False)
    spot = ground.spots.loc[codes[0]]
    metres = np.hypot(hosts["x"] - spot["x"], hosts["y"] - spot["y"])
    away = hosts["community"] != grids.at[codes[0], "community_id"]
    fits = hosts["room"] >= full + young
    if not grouped:
        fits &= away & (hosts["grids"] + len(codes) <= party.joint_max_units)
    order = pd.DataFrame({"away": away, "metres": metres})[fits].sort_values(
        ["away", "metres"], kind="stable"
    )
    if order.empty:
        return guest
    best = str(order.index[0])
    return replace(guest, branch=best, metres=float(metres[best]), away=bool(away[best]))
