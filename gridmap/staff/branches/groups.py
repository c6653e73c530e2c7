"""Party groups (党小组): parts of branches, which are no branches themselves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gridmap.staff.branches.ground import Ground, Site
from gridmap.staff.branches.shaping import look_up, shape
from gridmap.staff.division import Limits, draw_parts, find_links, merge_small
from gridmap.staff.members import COUNTS
from gridmap.tables import GROUPS

#: Effort of the engine for each unit of a suggested group: it is a suggestion.
_GROUP_STEPS = 5


def form_groups(
    ground: Ground, units: pd.DataFrame, sites: Mapping[str, tuple[Site, ...]]
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
    area = area.where(inside, look_up(units.index.to_series(), suggested.to_dict()))
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
    group = look_up(area, naming.to_dict())
    return shape(table.sort_index(), GROUPS), units.assign(group_id=group)


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
