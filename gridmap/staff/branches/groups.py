"""Party groups (党小组): parts of branches, which are no branches themselves."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from gridmap.staff.branches.attach import Guest
from gridmap.staff.branches.ground import Ground, Site
from gridmap.staff.branches.reasons import say
from gridmap.staff.branches.shaping import look_up, shape
from gridmap.staff.division import draw_parts, find_links, merge_small
from gridmap.staff.members import COUNTS
from gridmap.staff.part_limits import Limits
from gridmap.staff.reasons import write_metres
from gridmap.tables import GROUPS

#: Effort of the engine for each unit of a suggested group: it is a suggestion.
_GROUP_STEPS = 5


def form_groups(
    ground: Ground,
    units: pd.DataFrame,
    sites: Mapping[str, tuple[Site, ...]],
    guests: Sequence[Guest],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Form the groups: grids inside joint branches, parts of large branches, members who go there.

    Returns
    -------
    tuple of DataFrame and DataFrame
        `GROUPS`, and the units with ``group_id`` and the branch of those who go elsewhere.
    """
    area, kind = _find_areas(ground, units, sites)
    branch = units["branch_id"].copy()
    for guest in guests:
        rows = units["grid_code"].isin(guest.codes)
        branch[rows] = guest.branch
        if guest.grouped:
            area[rows], kind[rows] = f"{guest.branch}/~{guest.codes[0]}", "attached"
    units = units.assign(branch_id=branch)
    naming = _name_groups(area[area != ""], branch)
    groups = _table_groups(ground, units.assign(area=area, kind=kind)[area != ""], naming, guests)
    return groups, units.assign(group_id=look_up(area, naming.to_dict()))


def _find_areas(
    ground: Ground, units: pd.DataFrame, sites: Mapping[str, tuple[Site, ...]]
) -> tuple[pd.Series, pd.Series]:
    """Return the area of each unit's group inside its branch, "" for none, and the group's kind."""
    party = ground.party
    joint = {name for name, some in sites.items() if len({site.code for site in some}) > 1}
    inside = units["branch_id"].isin(joint)
    area = (units["branch_id"] + "/" + units["grid_code"]).where(inside, "")
    sums = units[inside].groupby(area[inside])[list(COUNTS)].sum()
    enough = (sums["full"] >= 1) & (sums.sum(axis=1) >= party.group_min)
    area = area.where(area.isin(sums.index[enough]), "")
    suggested = _suggest_groups(ground, units[~inside & (units["branch_id"] != "")])
    area = area.where(inside, look_up(units.index.to_series(), suggested.to_dict()))
    kinds = np.where(area.isin(suggested.unique()), "suggested", "grid")
    return area, pd.Series(kinds, area.index, dtype="str")


def _name_groups(area: pd.Series, branch: pd.Series) -> pd.Series:
    """Return area -> group_id, numbered inside each branch."""
    firsts = branch[area.index].groupby(area, sort=True).first()
    serial = firsts.groupby(firsts).cumcount() + 1
    names = [f"{name}-{at:02d}" for name, at in zip(firsts, serial, strict=True)]
    return pd.Series(names, firsts.index, dtype="str")


def _table_groups(
    ground: Ground, rows: pd.DataFrame, naming: pd.Series, guests: Sequence[Guest]
) -> pd.DataFrame:
    """Make one row a group."""
    by_area = rows.groupby("area", sort=True)
    firsts = by_area[["branch_id", "grid_code", "kind"]].first()
    going = {guest.codes[0]: guest for guest in guests if guest.grouped}
    attached = firsts["kind"] == "attached"
    firsts.loc[attached, "grid_code"] = [str(area).split("~")[1] for area in firsts.index[attached]]
    titles = [
        ground.plan.grids.at[code, "name"]
        + (f"第{int(name[-2:])}党小组" if kind == "suggested" else "党小组")
        for code, kind, name in zip(firsts["grid_code"], firsts["kind"], naming, strict=True)
    ]
    table = by_area[list(COUNTS)].sum().join(firsts)
    reasons = [
        _say_group(ground, row["kind"], int(row["full"]), going.get(row["grid_code"]))
        for row in table.to_dict("records")
    ]
    communities = table["grid_code"].map(ground.plan.grids["community_id"])
    table = table.assign(name=titles, community_id=communities, reason=reasons)
    table = table.set_axis(pd.Index(naming, dtype="str", name=GROUPS.index), axis=0)
    return shape(table.sort_index(), GROUPS)


def _say_group(ground: Ground, kind: str, full: int, guest: Guest | None) -> str:
    if kind == "attached" and guest is not None:
        return say(ground, "group_attached", metres=write_metres(guest.metres, ground.lang))
    if kind == "suggested":
        return say(ground, "group_suggested")
    return say(ground, "group_grid" if full < ground.party.branch_min_full else "group_host")


def _suggest_groups(ground: Ground, units: pd.DataFrame) -> pd.Series:
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
