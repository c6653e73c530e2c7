"""The branches of one community: its grids joined, and where one is left over, farther."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from gridmap.plan import Plan
from gridmap.rules import Party
from gridmap.staff.branches.ground import Ground, Site
from gridmap.staff.covering import Cover, cover_places
from gridmap.staff.division import divide_areas
from gridmap.staff.joints import Places
from gridmap.staff.members import COUNTS
from gridmap.staff.part_limits import Limits

#: Nearest places that a grid may share a branch with where none that it touches has room.
_BRIDGES = 5


@dataclass(frozen=True)
class Formed:
    """The branches of one community before they have names."""

    branches: list[tuple[Site, ...]]
    cover: Cover
    labels: pd.Series  # unit -> position in branches, -1 for none


def link_grids(plan: Plan) -> pd.DataFrame:
    """Return the pairs of units that lie in two grids of a community and may be joined."""
    pairs = plan.adjacency.loc[plan.adjacency["usable"], ["unit_a", "unit_b"]]
    ends = [plan.units[["grid_code", "community_id"]].loc[pairs[side]] for side in pairs]
    (code, home), (other, there) = ([end[name].to_numpy() for name in end] for end in ends)
    apart = (code != other) & (home == there)
    return pairs[apart].assign(community_id=home[apart])


def form_community(ground: Ground, codes: pd.Index, units: pd.Index, near: pd.DataFrame) -> Formed:
    """Cover the grids of a community; where one is left over, look farther."""
    division = {0: ground.parts[units]}
    sites, places = _list_places(ground, codes, division, near)
    cover = cover_places(places, ground.party)
    if cover.uncovered:
        hosts = _find_hosts(ground, sites, places, cover)
        division |= _make_room(ground, units, hosts)
        sites, places = _list_places(ground, codes, division, near)
        wider = _add_bridges(places, ground.party)
        cover = cover_places(wider, ground.party)
    labels = _label_units(ground, sites, division, cover)
    branches = [tuple(sites[place] for place in some) for some in cover.sets]
    return Formed(branches, cover, labels)


def _list_places(
    ground: Ground, codes: pd.Index, division: Mapping[int, pd.Series], near: pd.DataFrame
) -> tuple[list[Site], Places]:
    """Make a place of each grid, and of each part of a divided one, in each division."""
    table = pd.concat([_key_units(ground, mode, parts) for mode, parts in division.items()])
    grouped = table.groupby(["code", "mode", "part"], sort=True)
    sums, at = grouped[list(COUNTS)].sum(), grouped.ngroup()
    of = [at[(table["mode"] == mode).to_numpy()] for mode in division]
    ends = [
        np.column_stack([near["unit_a"].map(one), near["unit_b"].map(two)])
        for one in of
        for two in of
    ]
    pairs = np.concatenate(ends).astype(float)
    pairs = np.unique(np.sort(pairs[~np.isnan(pairs).any(axis=1)].astype(np.int64)), axis=0)
    sites = [Site(str(code), int(mode), int(part)) for code, mode, part in sums.index]
    where = sums.index.get_level_values("code")
    now = ground.present[table.index].groupby(at.to_numpy())
    single = now.first().where(now.nunique() == 1, "")
    company, names = pd.factorize(single)
    places = Places(
        grid=codes.get_indexer(where).astype(np.int64),
        mode=sums.index.get_level_values("mode").to_numpy(np.int64),
        full=sums["full"].to_numpy(np.int64),
        total=sums.sum(axis=1).to_numpy(np.int64),
        spot=ground.spots.loc[where].to_numpy(float),
        company=np.where(names[company] == "", -1, company).astype(np.int64),
        links=pairs.reshape(-1, 2),
        bridges=np.zeros((0, 2), np.int64),
    )
    return sites, places


def _key_units(ground: Ground, mode: int, parts: pd.Series) -> pd.DataFrame:
    """Return the members of each unit with the place that it is part of."""
    code = ground.plan.units.loc[parts.index, "grid_code"]
    return ground.counts.loc[parts.index].assign(code=code, mode=mode, part=parts)


def _find_hosts(ground: Ground, sites: list[Site], places: Places, cover: Cover) -> list[str]:
    """List the grids beside uncovered ones that would have enough members for one branch more."""
    wide = np.concatenate([places.links, _add_bridges(places, ground.party).bridges])
    left = np.isin(wide, list(cover.uncovered))
    beside = np.unique(np.concatenate([wide[left[:, 0], 1], wide[left[:, 1], 0]]))
    codes = {sites[place].code for place in beside.tolist()}
    hosts = []
    for code in sorted(codes):
        mine = [at for at, site in enumerate(sites) if site.code == code]
        full = int(places.full[mine].sum())
        if full >= ground.party.branch_min_full * (len(mine) + 1) and not ground.excess[code]:
            hosts.append(code)
    return hosts


def _make_room(ground: Ground, units: pd.Index, hosts: list[str]) -> dict[int, pd.Series]:
    """Divide grids into one part more, as another division to choose from."""
    grid_of = ground.plan.units["grid_code"]
    rows = units[grid_of[units].isin(hosts)]
    if not len(rows):
        return {}
    now = ground.parts[rows].groupby(grid_of[rows]).nunique()
    frame = ground.plan.units.loc[rows].assign(area=grid_of[rows])
    limits = Limits(ground.party.branch_min_full, most=ground.party.branch_max_total)
    labels, over = divide_areas(frame, ground.plan.adjacency, ground.counts, now + 1, limits)
    made = labels.groupby(frame["area"]).nunique()
    good = made.index[(made > now) & (over == 0)]
    return {1: labels[frame["area"].isin(good)]} if len(good) else {}


def _add_bridges(places: Places, party: Party) -> Places:
    """Let each weak place share a branch with the nearest ones that it does not touch."""
    found = []
    for place in np.flatnonzero(places.full < party.branch_min_full).tolist():
        metres = np.hypot(*(places.spot - places.spot[place]).T)
        order = [at for at in np.argsort(metres, kind="stable").tolist() if at != place]
        found += [(min(place, at), max(place, at)) for at in order[:_BRIDGES]]
    known = {tuple(pair) for pair in places.links.tolist()}
    new = sorted(set(found) - known)
    values = {item.name: getattr(places, item.name) for item in fields(Places)}
    return Places(**{**values, "bridges": np.array(new, np.int64).reshape(-1, 2)})


def _label_units(
    ground: Ground, sites: list[Site], division: Mapping[int, pd.Series], cover: Cover
) -> pd.Series:
    """Return the position of the branch of each unit, -1 for none."""
    of = {sites[place]: at for at, some in enumerate(cover.sets) for place in some}
    modes = {site.code: site.mode for site in of}
    usual = division[0]
    codes = ground.plan.units.loc[usual.index, "grid_code"].tolist()
    labels = []
    for unit, code, part in zip(usual.index.tolist(), codes, usual.tolist(), strict=True):
        mode = modes.get(code, 0)
        labels.append(of.get(Site(code, mode, part if not mode else int(division[mode][unit])), -1))
    return pd.Series(labels, usual.index, dtype="int64")
