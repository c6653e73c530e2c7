"""Ids that go on, and names as offices write them."""

from collections.abc import Mapping

import pandas as pd

from gridmap.partition import match_labels
from gridmap.plan import Plan
from gridmap.staff.branches.community import Formed
from gridmap.staff.branches.ground import Ground, Site
from gridmap.staff.branches.shaping import look_up
from gridmap.staff.members import COUNTS

_DIGITS = "零一二三四五六七八九"


def name_sets(
    ground: Ground, formed: Mapping[str, Formed]
) -> tuple[pd.DataFrame, dict[tuple[str, int], str], dict[str, tuple[Site, ...]]]:
    """Give each branch its id: the present one where it goes on, else a new one."""
    units = ground.plan.units[["grid_code", "building_id"]].join(ground.counts)
    at_unit = {
        unit: f"{community}/{at}"
        for community, one in formed.items()
        for unit, at in one.labels.items()
        if at >= 0
    }
    labels = look_up(units.index.to_series(), at_unit)
    covered = labels[labels != ""]
    present = ground.present[covered.index]
    weights = units.loc[covered.index, list(COUNTS)].sum(axis=1)
    kept = match_labels(covered, present.where(present != ""), weights).to_dict()
    taken = {*kept.values(), *ground.present.unique()}
    ids: dict[tuple[str, int], str] = {}
    sites: dict[str, tuple[Site, ...]] = {}
    for community, one in formed.items():
        for at, some in enumerate(one.branches):
            name = kept.get(f"{community}/{at}") or _next_id(some[0].code, taken)
            taken.add(name)
            ids[community, at] = name
            sites[name] = some
    naming = {f"{community}/{at}": name for (community, at), name in ids.items()}
    branch = look_up(labels, naming)
    return units.assign(branch_id=branch), ids, sites


def _next_id(code: str, taken: set[str]) -> str:
    serial = 1
    while f"{code}-{serial}" in taken:
        serial += 1
    return f"{code}-{serial}"


def find_kind(codes: list[str], divided: Mapping[str, list[str]]) -> str:
    """Tell a branch of one grid, one of a divided grid and a joint one apart."""
    if len(codes) > 1:
        return "joint"
    return "divided" if len(divided[codes[0]]) > 1 else "grid"


def title(
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
