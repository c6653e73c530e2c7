"""Party branches: every grid covered, large grids divided, weak ones joined, proven best.

::

    form_branches
      place_members    members per unit                        gridmap.staff.members
      divide_areas     grids with too many members, by building  gridmap.staff.division
      cover_places     which grids share a branch, exactly      gridmap.staff.covering
      groups, names, secretaries, tables

The rules are those of the 支部工作条例; every threshold is a setting of `gridmap.rules.Party`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.errors import TableError
from gridmap.partition import match_labels
from gridmap.plan import Plan
from gridmap.rules import Party, Rules
from gridmap.staff.covering import Cover, Places, cover_places
from gridmap.staff.division import (
    Limits,
    divide_areas,
    draw_parts,
    find_links,
    keeps_limits,
    merge_small,
)
from gridmap.staff.members import COUNTS, place_members
from gridmap.tables import (
    BRANCH_COMMUNITIES,
    BRANCH_COMPOUNDS,
    BRANCH_COVERAGE,
    BRANCH_GRIDS,
    BRANCH_UNITS,
    BRANCH_VIOLATIONS,
    BRANCHES,
    GROUPS,
    LEADERS,
    Table,
    check_table,
    empty_table,
    list_some,
    table_columns,
)

Ints = npt.NDArray[np.int64]
_CONTRACTS: dict[str, Table] = {
    "branches": BRANCHES,
    "branch_grids": BRANCH_GRIDS,
    "branch_compounds": BRANCH_COMPOUNDS,
    "branch_units": BRANCH_UNITS,
    "groups": GROUPS,
    "branch_coverage": BRANCH_COVERAGE,
    "branch_communities": BRANCH_COMMUNITIES,
    "branch_violations": BRANCH_VIOLATIONS,
}
#: Nearest places that a grid may share a branch with where none that it touches has room.
_BRIDGES = 5
#: Effort of the engine for each unit of a suggested group: it is a suggestion.
_GROUP_STEPS = 5
_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Branches:
    """The party branches of a plan, in tables that keep the contracts of their names.

    Parameters
    ----------
    branches : DataFrame
        `BRANCHES`: one row a branch, with its kind, members, secretary and reason.
    branch_grids, branch_compounds : DataFrame
        `BRANCH_GRIDS`, `BRANCH_COMPOUNDS`: which branch has members where, many to many.
    branch_units : DataFrame
        `BRANCH_UNITS`: the branch and group of each unit, with its building.
    groups : DataFrame
        `GROUPS`: party groups (党小组) inside branches; they are no branches.
    branch_coverage : DataFrame
        `BRANCH_COVERAGE`: one row a grid, for a map by grid_code.
    branch_communities : DataFrame
        `BRANCH_COMMUNITIES`: sums, what is suggested above the branches, and the proof.
    branch_violations : DataFrame
        `BRANCH_VIOLATIONS`: each rule that could not be kept, and where.
    """

    branches: pd.DataFrame
    branch_grids: pd.DataFrame
    branch_compounds: pd.DataFrame
    branch_units: pd.DataFrame
    groups: pd.DataFrame
    branch_coverage: pd.DataFrame
    branch_communities: pd.DataFrame
    branch_violations: pd.DataFrame

    def __post_init__(self) -> None:
        for name, table in _CONTRACTS.items():
            check_table(getattr(self, name), table)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by its name, as `gridmap.store.PlanStore.keep_staff` takes them."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_tables(cls, tables: Mapping[str, pd.DataFrame]) -> "Branches":
        """Put together what `tables` took apart; other tables are passed over.

        Raises
        ------
        TableError
            If a table is missing or breaks its contract.
        """
        missing = [name for name in _CONTRACTS if name not in tables]
        if missing:
            raise TableError(f"branches: no table {list_some(missing)}; keep all that they have")
        return cls(**{name: tables[name] for name in _CONTRACTS})

    def summarize(self) -> dict[str, Any]:
        """Return the figures: branches and groups counted apart, coverage in per cent."""
        kinds = self.branches["kind"].value_counts()
        covered = self.branch_coverage["covered"] != "none"
        per_grid = len(self.branches) / max(len(covered), 1)
        return {
            "grids": len(covered),
            "members": int(self.branch_coverage[list(COUNTS)].sum().sum()),
            "branches": len(self.branches),
            **{kind: int(kinds.get(kind, 0)) for kind in ("grid", "divided", "joint")},
            "groups": len(self.groups),
            "branches_per_grid": round(per_grid, 4),
            "coverage": round(100 * float(covered.mean()), 2) if len(covered) else 100.0,
            "secretaries": int((self.branches["secretary"] != "").sum()),
            "violations": self.branch_violations["rule"].value_counts().sort_index().to_dict(),
            "proven": bool((self.branch_communities["proof"] == "optimal").all()),
        }

    def to_text(self) -> str:
        """Say it in a few lines, and each violation."""
        facts = self.summarize()
        lines = [
            f"{facts['branches']} branches for {facts['grids']} grids "
            f"({facts['branches_per_grid']:.3f} to a grid): {facts['grid']} of one grid, "
            f"{facts['divided']} in divided grids, {facts['joint']} joint; "
            f"{facts['groups']} party groups",
            f"coverage {facts['coverage']} %, {facts['secretaries']} secretaries, "
            + ("proven optimal" if facts["proven"] else "not proven optimal everywhere"),
        ]
        return "\n".join([*lines, *self.branch_violations["problem"]])


@dataclass(frozen=True)
class _Site:
    """Where a place is: a grid, or one of the parts that it is divided into."""

    code: str
    mode: int
    part: int


@dataclass(frozen=True)
class _Ground:
    """What the branches of a plan are made on."""

    plan: Plan
    party: Party
    counts: pd.DataFrame  # by unit
    by_grid: pd.DataFrame  # the same, added up
    present: pd.Series  # unit -> branch now, "" for none
    parts: pd.Series  # unit -> part of its grid
    excess: pd.Series  # grid -> members beyond the cap that no division avoids
    spots: pd.DataFrame  # x and y of an inner point of each grid


@dataclass(frozen=True)
class _Formed:
    """The branches of one community before they have names."""

    branches: list[tuple[_Site, ...]]
    cover: Cover
    labels: pd.Series  # unit -> position in branches, -1 for none


def form_branches(
    plan: Plan,
    members: pd.DataFrame,
    rules: Rules | None = None,
    *,
    leaders: pd.DataFrame | None = None,
    current: Branches | None = None,
) -> Branches:
    """Form the party branches of a plan: every grid covered where that can be.

    - From ``branch_min_full`` full members a grid has a branch of its own.
    - Above ``branch_max_total`` members it is divided by building into the fewest branches, each
      in one piece with enough full members; a division that is in use stays while it keeps that.
    - Grids with fewer full members share a joint branch with neighbours of their community that
      touch: at most ``joint_max_units`` grids and ``branch_max_total`` members. The choice is the
      optimum of `gridmap.staff.covering`, community by community. Only where that leaves a grid
      uncovered, a neighbour without room is divided, or the nearest grids that do not touch are
      taken (``contiguous`` is false then, and it is a violation).

    Parameters
    ----------
    plan : Plan
        The plan.
    members : DataFrame
        `MEMBERS`: full and probationary members per building.
    rules : Rules, optional
        ``party`` says how large; the plan's by default.
    leaders : DataFrame, optional
        `LEADERS`: who leads each grid (`find_leaders`). A leader who is a full member is the
        secretary; one person leads one branch. Other branches have none.
    current : Branches, optional
        The branches now: of equal covers the one with fewer changes counts, and branches that go
        on keep their ids.

    Returns
    -------
    Branches
        Tables with a reason in each row.

    Raises
    ------
    TableError
        If a table breaks its contract or names a building or grid that the plan does not have.
    """
    party = (rules or plan.rules).party
    leading = _check_leaders(plan, leaders)
    ground = _lay_ground(plan, place_members(plan, members), party, current)
    units = plan.units.groupby("community_id").groups
    links = dict(list(_link_grids(plan).groupby("community_id")))
    nothing = _link_grids(plan).iloc[:0]
    formed = {
        str(community): _form_community(
            ground, codes, units[community], links.get(community, nothing)
        )
        for community, codes in plan.grids.groupby("community_id").groups.items()
    }
    table, ids, sites = _name_sets(ground, formed)
    groups, table = _form_groups(ground, table, sites)
    sums = table.groupby("branch_id")[list(COUNTS)].sum()
    branches = _table_branches(ground, formed, ids, sites, groups, sums)
    return _put_together(ground, formed, _appoint(branches, sites, leading), table, groups)


def find_leaders(staffing: pd.DataFrame, workers: pd.DataFrame, on: date) -> pd.DataFrame:
    """Say who leads each grid on a day: its primary worker, with his party membership.

    Parameters
    ----------
    staffing : DataFrame
        `STAFFING`.
    workers : DataFrame
        `WORKERS`.
    on : date
        The day.

    Returns
    -------
    DataFrame
        `LEADERS`; of two at a hand-over the one who stays longer.
    """
    day = pd.Timestamp(on)
    led = staffing[(staffing["role"] == "primary") & (staffing["worker_id"] != "")]
    there = (led["starts"].isna() | (led["starts"] <= day)) & (
        led["ends"].isna() | (led["ends"] >= day)
    )
    led = led[there].sort_values("ends", na_position="last", kind="stable")
    led = led.drop_duplicates("grid_code", keep="last").sort_values("grid_code")
    party = _look_up(led["worker_id"], workers["party"].to_dict())
    return led[["grid_code", "worker_id"]].assign(party=party).reset_index(drop=True)


# --- the ground ----------------------------------------------------------------------------------


def _check_leaders(plan: Plan, leaders: pd.DataFrame | None) -> pd.DataFrame:
    """Return the leaders by grid, or say which rows are wrong."""
    table = empty_table(LEADERS, None) if leaders is None else leaders
    check_table(table, LEADERS)
    stray = table[~table["grid_code"].isin(plan.grids.index)]
    if len(stray):
        raise TableError(f"leaders: no such grid: {list_some(stray['grid_code'])}")
    twice = table[table["grid_code"].duplicated()]
    if len(twice):
        raise TableError(f"leaders: grids {list_some(twice['grid_code'])} have two; name one each")
    return table.set_index("grid_code")


def _lay_ground(
    plan: Plan, counts: pd.DataFrame, party: Party, current: Branches | None
) -> _Ground:
    present = _find_present(plan, current)
    inner = plan.grids.geometry.representative_point()
    parts, excess = _divide_large(plan, counts, party, present)
    return _Ground(
        plan=plan,
        party=party,
        counts=counts,
        by_grid=counts.groupby(plan.units["grid_code"]).sum().reindex(plan.grids.index),
        present=present,
        parts=parts,
        excess=excess,
        spots=pd.DataFrame({"x": inner.x, "y": inner.y}),
    )


def _find_present(plan: Plan, current: Branches | None) -> pd.Series:
    """Return the present branch of each unit by its building, and of the others by their id."""
    empty = pd.Series("", plan.units.index, dtype="str")
    if current is None:
        return empty
    rows = current.branch_units
    named = rows[rows["building_id"] != ""].drop_duplicates("building_id")
    by_building = named.set_index("building_id")["branch_id"].to_dict()
    blank = rows[rows["building_id"] == ""]
    by_unit = dict(
        zip(zip(blank.index, blank["grid_code"], strict=True), blank["branch_id"], strict=True)
    )
    units = plan.units
    found = [
        by_building.get(building, "") if building else by_unit.get((unit, code), "")
        for unit, building, code in zip(
            units.index, units["building_id"], units["grid_code"], strict=True
        )
    ]
    return pd.Series(found, units.index, dtype="str")


def _divide_large(
    plan: Plan, counts: pd.DataFrame, party: Party, present: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Divide the grids with too many members; a present division that keeps the rules stays."""
    total = counts.sum(axis=1).groupby(plan.units["grid_code"]).sum()
    full = counts["full"].groupby(plan.units["grid_code"]).sum()
    parts = pd.Series(0, plan.units.index)
    excess = (total - party.branch_max_total).clip(lower=0)
    excess[full < party.branch_min_full] = 0  # too weak for a branch of any size
    wanted = -(-total // party.branch_max_total)
    large = total.index[(wanted > 1) & (full >= 2 * party.branch_min_full)]
    units = plan.units.assign(area=plan.units["grid_code"])[plan.units["grid_code"].isin(large)]
    limits = Limits(party.branch_min_full, most=party.branch_max_total)
    kept = [
        code for code in large if _keep_parts(units, plan, counts, present, code, parts, limits)
    ]
    excess[kept] = 0
    rest = units[~units["area"].isin(kept)]
    if len(rest):
        areas = large.difference(kept)
        labels, over = divide_areas(rest, plan.adjacency, counts, wanted[areas], limits)
        parts[rest.index] = labels
        excess[areas] = over
    return parts, excess


def _keep_parts(
    units: pd.DataFrame,
    plan: Plan,
    counts: pd.DataFrame,
    present: pd.Series,
    code: str,
    parts: pd.Series,
    limits: Limits,
) -> bool:
    """Keep the present division of a grid, if it keeps the limits."""
    rows = units.index[units["area"] == code]
    now = present[rows]
    if (now == "").any():
        return False
    labels = pd.factorize(now)[0].astype(np.int64)
    links = find_links(rows, plan.adjacency)
    if not keeps_limits(labels, links, counts.loc[rows].to_numpy(), limits):
        return False
    parts[rows] = labels
    return True


# --- one community -------------------------------------------------------------------------------


def _link_grids(plan: Plan) -> pd.DataFrame:
    """Return the pairs of units that lie in two grids of a community and may be joined."""
    pairs = plan.adjacency.loc[plan.adjacency["usable"], ["unit_a", "unit_b"]]
    ends = [plan.units[["grid_code", "community_id"]].loc[pairs[side]] for side in pairs]
    (code, home), (other, there) = ([end[name].to_numpy() for name in end] for end in ends)
    apart = (code != other) & (home == there)
    return pairs[apart].assign(community_id=home[apart])


def _form_community(
    ground: _Ground, codes: pd.Index, units: pd.Index, near: pd.DataFrame
) -> _Formed:
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
    return _Formed(branches, cover, labels)


def _list_places(
    ground: _Ground, codes: pd.Index, division: Mapping[int, pd.Series], near: pd.DataFrame
) -> tuple[list[_Site], Places]:
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
    sites = [_Site(str(code), int(mode), int(part)) for code, mode, part in sums.index]
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


def _key_units(ground: _Ground, mode: int, parts: pd.Series) -> pd.DataFrame:
    """Return the members of each unit with the place that it is part of."""
    code = ground.plan.units.loc[parts.index, "grid_code"]
    return ground.counts.loc[parts.index].assign(code=code, mode=mode, part=parts)


def _find_hosts(ground: _Ground, sites: list[_Site], places: Places, cover: Cover) -> list[str]:
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


def _make_room(ground: _Ground, units: pd.Index, hosts: list[str]) -> dict[int, pd.Series]:
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
    ground: _Ground, sites: list[_Site], division: Mapping[int, pd.Series], cover: Cover
) -> pd.Series:
    """Return the position of the branch of each unit, -1 for none."""
    of = {sites[place]: at for at, some in enumerate(cover.sets) for place in some}
    modes = {site.code: site.mode for site in of}
    usual = division[0]
    codes = ground.plan.units.loc[usual.index, "grid_code"].tolist()
    labels = []
    for unit, code, part in zip(usual.index.tolist(), codes, usual.tolist(), strict=True):
        mode = modes.get(code, 0)
        labels.append(
            of.get(_Site(code, mode, part if not mode else int(division[mode][unit])), -1)
        )
    return pd.Series(labels, usual.index, dtype="int64")


# --- names, groups, tables -----------------------------------------------------------------------


def _name_sets(
    ground: _Ground, formed: Mapping[str, _Formed]
) -> tuple[pd.DataFrame, dict[tuple[str, int], str], dict[str, tuple[_Site, ...]]]:
    """Give each branch its id: the present one where it goes on, else a new one."""
    units = ground.plan.units[["grid_code", "building_id"]].join(ground.counts)
    at_unit = {
        unit: f"{community}/{at}"
        for community, one in formed.items()
        for unit, at in one.labels.items()
        if at >= 0
    }
    labels = _look_up(units.index.to_series(), at_unit)
    covered = labels[labels != ""]
    present = ground.present[covered.index]
    weights = units.loc[covered.index, list(COUNTS)].sum(axis=1)
    kept = match_labels(covered, present.where(present != ""), weights).to_dict()
    taken = {*kept.values(), *ground.present.unique()}
    ids: dict[tuple[str, int], str] = {}
    sites: dict[str, tuple[_Site, ...]] = {}
    for community, one in formed.items():
        for at, some in enumerate(one.branches):
            name = kept.get(f"{community}/{at}") or _next_id(some[0].code, taken)
            taken.add(name)
            ids[community, at] = name
            sites[name] = some
    naming = {f"{community}/{at}": name for (community, at), name in ids.items()}
    branch = _look_up(labels, naming)
    return units.assign(branch_id=branch), ids, sites


def _next_id(code: str, taken: set[str]) -> str:
    serial = 1
    while f"{code}-{serial}" in taken:
        serial += 1
    return f"{code}-{serial}"


def _form_groups(
    ground: _Ground, units: pd.DataFrame, sites: Mapping[str, tuple[_Site, ...]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Form the groups: weak grids inside joint branches, and parts of large branches."""
    party = ground.party
    joint = {name for name, some in sites.items() if len({site.code for site in some}) > 1}
    inside = units["branch_id"].isin(joint)
    area = (units["branch_id"] + "/" + units["grid_code"]).where(inside, "")
    sums = units[inside].groupby(area[inside])[list(COUNTS)].sum()
    enough = (sums["full"] >= 1) & (sums.sum(axis=1) >= party.group_min)
    area = area.where(area.isin(sums.index[enough]), "")
    suggested = _suggest_groups(ground, units[~inside & (units["branch_id"] != "")])
    area = area.where(inside, _look_up(units.index.to_series(), suggested.to_dict()))
    kinds = area.isin(suggested.unique())
    rows = units.assign(area=area, kind=np.where(kinds, "suggested", "grid"))[area != ""]
    firsts = rows.groupby("area", sort=True)[["branch_id", "grid_code", "kind"]].first()
    serial = firsts.groupby("branch_id").cumcount() + 1
    names = [f"{branch}-{at:02d}" for branch, at in zip(firsts["branch_id"], serial, strict=True)]
    naming = pd.Series(names, firsts.index, dtype="str")
    counts = rows.groupby("area", sort=True)[list(COUNTS)].sum()
    titles = [
        ground.plan.grids.at[code, "name"] + (f"第{at}党小组" if kind == "suggested" else "党小组")
        for code, kind, at in zip(firsts["grid_code"], firsts["kind"], serial, strict=True)
    ]
    table = counts.assign(name=titles, kind=firsts["kind"], branch_id=firsts["branch_id"])
    table = table.set_axis(pd.Index(naming, dtype="str", name=GROUPS.index), axis=0)
    group = _look_up(area, naming.to_dict())
    return _shape(table.sort_index(), GROUPS), units.assign(group_id=group)


def _suggest_groups(ground: _Ground, units: pd.DataFrame) -> pd.Series:
    """Divide branches of many members into groups by building; unit_id -> area of its group."""
    party = ground.party
    sums = units.groupby("branch_id")[list(COUNTS)].sum()
    total = sums.sum(axis=1)
    wanted = (total / party.group_size).round().astype("int64")
    wanted = wanted.clip(upper=sums["full"]).clip(upper=total // party.group_min)
    wanted = wanted[(total >= party.group_from_members) & (wanted > 1)]
    rows = ground.plan.units.loc[units.index].assign(area=units["branch_id"])
    rows = rows[rows["area"].isin(wanted.index)]
    if not len(rows):
        return pd.Series([], dtype="str")
    labels = draw_parts(rows, ground.plan.adjacency, ground.counts, wanted, steps=_GROUP_STEPS)
    limits = Limits(full=1, total=party.group_min)
    pairs = ground.plan.adjacency
    same = pairs["unit_a"].map(rows["area"]) == pairs["unit_b"].map(rows["area"])
    whole = labels + labels.groupby(rows["area"]).ngroup() * (labels.max() + 1)
    links = find_links(rows.index, pairs[same])
    numbers = ground.counts.loc[rows.index].to_numpy()
    merged = merge_small(pd.factorize(whole)[0].astype(np.int64), links, numbers, limits)
    first = pd.Series(merged, rows.index).groupby(rows["area"]).transform("min")
    names = rows["area"] + "/" + (pd.Series(merged, rows.index) - first).astype("str").str.zfill(3)
    alone = pd.Series(merged, rows.index).groupby(rows["area"]).transform("nunique") == 1
    return names[~alone].astype("str")


def _table_branches(
    ground: _Ground,
    formed: Mapping[str, _Formed],
    ids: Mapping[tuple[str, int], str],
    sites: Mapping[str, tuple[_Site, ...]],
    groups: pd.DataFrame,
    sums: pd.DataFrame,
) -> pd.DataFrame:
    """Make one row a branch, still without a secretary."""
    party = ground.party
    grouped = groups["branch_id"].value_counts()
    divided: dict[str, list[str]] = {}
    for name, some in sites.items():
        for site in some:
            divided.setdefault(site.code, []).append(name)
    rows: dict[str, dict[str, Any]] = {}
    for (community, at), name in ids.items():
        one = formed[community]
        codes = list(dict.fromkeys(site.code for site in sites[name]))
        kind = _find_kind(codes, divided)
        full, young = map(int, sums.loc[name, list(COUNTS)])
        rows[name] = {
            "name": _title(ground.plan, codes, kind, name, divided),
            "kind": kind,
            "community_id": community,
            "grid_code": codes[0],
            "grids": len(codes),
            "full": full,
            "probationary": young,
            "committee": full >= party.committee_from_full,
            "groups": int(grouped.get(name, 0)),
            "secretary": "",
            "extent": one.cover.extents[at],
            "contiguous": one.cover.contiguous[at],
            "reason": _explain(ground, codes, kind, full, young, divided, one.cover.extents[at]),
        }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(BRANCHES.columns))
    table = table.set_axis(pd.Index(table.index, dtype="str", name=BRANCHES.index), axis=0)
    return _shape(table.sort_index(), BRANCHES)


def _find_kind(codes: list[str], divided: Mapping[str, list[str]]) -> str:
    if len(codes) > 1:
        return "joint"
    return "divided" if len(divided[codes[0]]) > 1 else "grid"


def _title(
    plan: Plan, codes: list[str], kind: str, name: str, divided: Mapping[str, list[str]]
) -> str:
    """Name a branch as offices do: 小雨社区第1网格党支部, 小雨社区第1、2网格联合党支部."""
    if kind == "joint":
        community = plan.city.communities.at[plan.grids.at[codes[0], "community_id"], "name"]
        serials = "、".join(str(int(code[-3:])) for code in sorted(codes))
        return f"{community}第{serials}网格联合党支部"
    grid = str(plan.grids.at[codes[0], "name"])
    if kind == "divided":
        return f"{grid}第{_write_number(sorted(divided[codes[0]]).index(name) + 1)}党支部"
    return f"{grid}党支部"


def _write_number(number: int) -> str:
    """Write 1 to 99 in Chinese.

    Examples
    --------
    >>> _write_number(2), _write_number(10), _write_number(12), _write_number(21)
    ('二', '十', '十二', '二十一')
    """
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


def _explain(
    ground: _Ground,
    codes: list[str],
    kind: str,
    full: int,
    young: int,
    divided: Mapping[str, list[str]],
    extent: float,
) -> str:
    party, total = ground.party, full + young
    said = f"{full} full members and {young} probationary"
    if kind == "joint":
        weak = [code for code in codes if _count_full(ground, code) < party.branch_min_full]
        told = ", ".join(f"{code[-3:]}: {_count_full(ground, code)}" for code in sorted(weak))
        text = (
            f"{said} of {len(codes)} grids; fewer than {party.branch_min_full} full members live "
            f"in {told}; {extent:.0f} m to the grid that it meets in"
        )
    elif kind == "divided":
        whole = int(ground.by_grid.loc[codes[0]].to_numpy().sum())
        why = (
            f"the grid has {whole} members, more than {party.branch_max_total}"
            if whole > party.branch_max_total
            else "the grid is divided to make room for a neighbour"
        )
        text = f"{said}; {why}: {len(divided[codes[0]])} branches by building"
    else:
        text = f"{said}: a branch of its own from {party.branch_min_full} full members"
    if total > party.branch_max_total:
        text += f"; above the cap of {party.branch_max_total}, and no division by building keeps it"
    if full >= party.committee_from_full:
        low, usual, most = party.committee_size
        text += f"; a committee of {low} to {usual}, at most {most}"
    return text


def _count_full(ground: _Ground, code: str) -> int:
    return int(ground.by_grid["full"].to_numpy()[ground.by_grid.index.get_loc(code)])


def _appoint(
    table: pd.DataFrame, sites: Mapping[str, tuple[_Site, ...]], leading: pd.DataFrame
) -> pd.DataFrame:
    """Make the grid's leader the secretary where he is a full member and leads no other branch.

    A member belongs to one branch; so of several that a leader could lead, the one with most
    members, which comes first, gets him.
    """
    if leading.empty:
        return table
    order = table.assign(total=table["full"] + table["probationary"])
    order = order.sort_values(["grids", "total"], ascending=[True, False], kind="stable")
    busy: set[str] = set()
    chosen: dict[str, str] = {}
    leader = leading.to_dict("index")
    reasons = table["reason"].to_dict()
    for name in order.index:
        codes = dict.fromkeys(site.code for site in sites[name])
        led = [leader[code] for code in codes if code in leader]
        fit = [str(one["worker_id"]) for one in led if one["party"] == "full"]
        free = [worker for worker in fit if worker not in busy]
        if free:
            chosen[name] = free[0]
            busy.add(free[0])
        else:
            reasons[name] += f"; no secretary: {_say_vacant(led, fit)}"
    names = table.index.to_series()
    return table.assign(
        secretary=_look_up(names, chosen),
        reason=names.map(reasons).astype("str"),
    )


def _say_vacant(led: list[Any], fit: list[str]) -> str:
    if fit:
        return f"{list_some(fit)} leads another branch"
    if led:
        said = {"": "is no member", "probationary": "is a probationary member"}
        return f"the grid's leader {led[0]['worker_id']} {said[led[0]['party']]}"
    return "the grid has no leader"


def _put_together(
    ground: _Ground,
    formed: Mapping[str, _Formed],
    branches: pd.DataFrame,
    units: pd.DataFrame,
    groups: pd.DataFrame,
) -> Branches:
    """Make the tables that follow from the branch of each unit."""
    covered = units[units["branch_id"] != ""]
    by_grid = covered.groupby(["branch_id", "grid_code"], sort=True)[list(COUNTS)].sum()
    compounds = ground.plan.units["compound_id"].reindex(covered.index)
    walled = covered.assign(compound_id=compounds, buildings=1)[compounds != ""]
    keys = ["branch_id", "compound_id"]
    by_compound = walled.groupby(keys, sort=True)[["buildings", *COUNTS]].sum()
    coverage = _table_coverage(ground, by_grid, units)
    return Branches(
        branches=branches,
        branch_grids=_shape(by_grid.reset_index(), BRANCH_GRIDS),
        branch_compounds=_shape(by_compound.reset_index(), BRANCH_COMPOUNDS),
        branch_units=_shape(units, BRANCH_UNITS),
        groups=groups,
        branch_coverage=coverage,
        branch_communities=_table_communities(ground, formed, branches, coverage),
        branch_violations=_table_violations(ground, branches, coverage),
    )


def _table_coverage(ground: _Ground, by_grid: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Say of each grid which branches cover it, and why none does."""
    grids = ground.plan.grids
    sums = ground.by_grid
    serving = by_grid.reset_index().groupby("grid_code")["branch_id"].agg(list)
    spread = by_grid.reset_index().groupby("branch_id")["grid_code"].agg(list)
    grouped = units[units["group_id"] != ""].groupby("grid_code")["group_id"].nunique()
    covered, reasons = [], []
    for code, full in zip(grids.index, sums["full"], strict=True):
        mine = serving.get(code, [])
        joint = any(len(spread[name]) > 1 for name in mine)
        covered.append(
            "none" if not mine else "divided" if len(mine) > 1 else "joint" if joint else "own"
        )
        reasons.append(_say_covered(ground, str(code), int(full), mine, spread))
    table = sums.assign(
        community_id=grids["community_id"],
        covered=covered,
        branches=[len(serving.get(code, [])) for code in grids.index],
        groups=grouped.reindex(grids.index, fill_value=0),
        reason=reasons,
    )
    return _shape(table.rename_axis(BRANCH_COVERAGE.index), BRANCH_COVERAGE)


def _say_covered(ground: _Ground, code: str, full: int, mine: list[str], spread: pd.Series) -> str:
    party = ground.party
    if not mine:
        return _say_uncovered(ground, code, full)
    others = sorted({other for name in mine for other in spread[name]} - {code})
    if not others:
        return f"{full} full members: {list_some(mine)}"
    who = "nobody is a full member here" if full == 0 else f"{full} full members"
    if full < party.branch_min_full:
        return f"{who}: joined with {list_some(others)} in {mine[0]}"
    return f"{who}: takes in {list_some(others)}"


def _say_uncovered(ground: _Ground, code: str, full: int) -> str:
    """Say which rule stands against every branch that could cover a grid."""
    party, grids = ground.party, ground.plan.grids
    here = grids.index[grids["community_id"] == grids.at[code, "community_id"]]
    total, all_full = (
        int(ground.by_grid.loc[code].to_numpy().sum()),
        int(ground.by_grid.loc[here, "full"].sum()),
    )
    if total > party.branch_max_total:
        return (
            f"{total} members, but {full} of them full: too many for a joint branch, too few full "
            "ones for a division"
        )
    if all_full < party.branch_min_full:
        return (
            f"its whole community has {all_full} full members; {party.branch_min_full} are needed"
        )
    return (
        f"{full} full members, {total} members: a joint branch that takes it in leaves another "
        f"grid out, or has more than {party.joint_max_units} grids, more than "
        f"{party.branch_max_total} members or fewer than {party.branch_min_full} full ones"
    )


def _table_communities(
    ground: _Ground,
    formed: Mapping[str, _Formed],
    branches: pd.DataFrame,
    coverage: pd.DataFrame,
) -> pd.DataFrame:
    """Add up by community, and suggest what stands above its branches."""
    party = ground.party
    by = coverage.assign(grids=1, covered=(coverage["covered"] != "none").astype("int64"))
    table = by.groupby("community_id")[["grids", "covered", *COUNTS]].sum()
    kinds = branches.assign(one=1, joint=(branches["kind"] == "joint").astype("int64"))
    sums = kinds.groupby("community_id")[["one", "joint", "groups"]].sum()
    sums = sums.reindex(table.index, fill_value=0).rename(columns={"one": "branches"})
    total = table["full"] + table["probationary"]
    suggested = np.select(
        [total >= party.party_committee_from, total >= party.general_branch_from],
        ["party_committee", "general_branch"],
        "",
    )
    covers = [formed[str(community)].cover for community in table.index]
    table = table.join(sums).assign(
        suggested=pd.Series(suggested, table.index, dtype="str"),
        proof=["optimal" if cover.proven else "best found" for cover in covers],
        candidates=[cover.candidates for cover in covers],
    )
    return _shape(table.rename_axis(BRANCH_COMMUNITIES.index), BRANCH_COMMUNITIES)


def _table_violations(
    ground: _Ground, branches: pd.DataFrame, coverage: pd.DataFrame
) -> pd.DataFrame:
    """List each rule that could not be kept."""
    party = ground.party
    rows: list[tuple[Any, ...]] = []
    for grid in coverage[coverage["covered"] == "none"].itertuples():
        problem = f"grid {grid.Index} is in no branch: {grid.reason}"
        rows.append(("uncovered", grid.Index, "", grid.full, party.branch_min_full, problem))
    total = branches["full"] + branches["probationary"]
    for name, size in total[total > party.branch_max_total].items():
        branch: Any = branches.loc[str(name)]
        problem = f"branch {name} has {size} members: {branch['reason']}"
        code = branch["grid_code"]
        rows.append(("over_cap", code, str(name), int(size), party.branch_max_total, problem))
    for name, branch in branches[~branches["contiguous"]].iterrows():
        problem = f"the grids of joint branch {name} do not touch: nothing nearer has room"
        metres = math.ceil(branch["extent"])
        rows.append(("apart", branch["grid_code"], str(name), metres, 0, problem))
    frame = pd.DataFrame(rows, columns=list(BRANCH_VIOLATIONS.columns))
    return _shape(frame, BRANCH_VIOLATIONS)


def _look_up(values: pd.Series, known: Mapping[Any, str]) -> pd.Series:
    """Return the text for each value, "" where there is none."""
    return pd.Series([known.get(value, "") for value in values], values.index, dtype="str")


def _shape(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return the columns of a contract, in its types."""
    kinds = {"i": "int64", "f": "float64", "O": "str", "b": "bool"}
    columns = table_columns(frame, table)
    return frame[list(columns)].astype({name: kinds[kind] for name, kind in columns.items()})
