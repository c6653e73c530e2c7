"""The register of party branches: secretary, committee, counts of members, grids covered."""

from datetime import date

import geopandas as gpd
import pandas as pd

from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.registers.heading import (
    Tables,
    Words,
    code_rows,
    head,
    hide_few,
    part_districts,
    pick,
    place_rows,
)
from gridmap.workbooks import MARK, Sheet

NEEDS = (
    *("branches", "branch_grids", "branch_units", "groups", "branch_coverage"),
    "branch_communities",
)
_KINDS: dict[str, Words] = {
    "grid": {"zh": "单独支部", "en": "one grid"},
    "divided": {"zh": "分设支部", "en": "of a divided grid"},
    "joint": {"zh": "联合支部", "en": "joint"},
}
_GROUP_KINDS: dict[str, Words] = {
    "grid": {"zh": "网格党小组", "en": "of a grid"},
    "suggested": {"zh": "建议设置", "en": "suggested"},
    "attached": {"zh": "挂靠党小组", "en": "attached"},
}
_SUGGESTED: dict[str, Words] = {
    "": {"zh": "", "en": ""},
    "general_branch": {"zh": "党总支", "en": "general branch"},
    "party_committee": {"zh": "党委", "en": "party committee"},
}
_COMMITTEE: dict[bool, Words] = {
    True: {"zh": "设支委会", "en": "committee"},
    False: {"zh": "不设", "en": "none"},
}
_NOBODY: Words = {"zh": f"{MARK}待选", "en": f"{MARK}vacant"}
_NAMES: dict[str, Words] = {
    "communities": {"zh": "社区党组织汇总", "en": "party by community"},
    "branches": {"zh": "党支部", "en": "party branches"},
    "groups": {"zh": "党小组", "en": "party groups"},
    "uncovered": {"zh": "未覆盖网格", "en": "uncovered grids"},
}
_TITLES: dict[str, Words] = {
    "communities": {"zh": "社区网格党组织汇总表", "en": "Party organisation by community"},
    "branches": {"zh": "网格党支部名册", "en": "Party branches of the grids"},
    "groups": {"zh": "网格党小组名册", "en": "Party groups of the grids"},
    "uncovered": {"zh": "未被党支部覆盖的网格", "en": "Grids that no branch covers"},
}
_COUNTS = ("full", "probationary", "total")


def list_sheets(plan: Plan, tables: Tables, on: date, lang: Language) -> dict[str, Sheet]:
    """Print sums by community, the branches by district, the groups, and what is not covered."""
    names, titles = pick(_NAMES, lang), pick(_TITLES, lang)
    rows = list_branches(plan, tables, lang)
    codes = code_rows(plan, tables["branches"].loc[rows["branch_id"], "community_id"])
    sums = (*_COUNTS, "groups")
    printed = head(plan, on, rows, titles["branches"], lang, sums=sums, room=190)
    by_community = _list_communities(plan, tables, lang)
    added = ("grids_in_all", "covered", "branches", "joint", "groups", *_COUNTS)
    sheets = {
        names["communities"]: head(plan, on, by_community, titles["communities"], lang, sums=added),
        **part_districts(names["branches"], printed, codes),
        names["groups"]: head(plan, on, _list_groups(plan, tables, lang), titles["groups"], lang),
    }
    uncovered = _list_uncovered(plan, tables)
    if len(uncovered):
        sheets[names["uncovered"]] = head(plan, on, uncovered, titles["uncovered"], lang)
    return sheets


def list_layers(plan: Plan, tables: Tables, _on: date) -> dict[str, gpd.GeoDataFrame]:
    """Return the land of each branch, its units together, and the grids with what covers them."""
    units = tables["branch_units"]
    land = plan.units[["geometry"]].join(units["branch_id"])
    land = land[land["branch_id"].fillna("") != ""].dissolve("branch_id")
    rows = list_branches(plan, tables, "zh").set_index("branch_id")
    plain = tables["branches"][["kind", "committee"]]
    rows = rows.drop(columns=list(plain.columns)).join(plain)
    rows["secretary"] = rows["secretary"].where(tables["branches"]["secretary"] != "", "")
    coverage = tables["branch_coverage"]
    return {
        "branches": gpd.GeoDataFrame(rows.join(land), geometry="geometry", crs=plan.grids.crs),
        "branch_coverage": gpd.GeoDataFrame(
            coverage, geometry=plan.grids.geometry.reindex(coverage.index), crs=plan.grids.crs
        ),
    }


def list_branches(plan: Plan, tables: Tables, lang: Language) -> pd.DataFrame:
    """List the branches as they are printed, in the order of their communities' codes."""
    branches = tables["branches"].rename_axis("branch_id")
    branches = branches.assign(code=code_rows(plan, branches["community_id"]))
    branches = branches.sort_values(["code", "grid_code"], kind="stable")
    leaders, phones = _name_leaders(branches["secretary"], tables, lang)
    frame = place_rows(plan, branches["community_id"])
    frame["branch_id"], frame["branch"] = branches.index, branches["name"]
    frame["kind"] = [_KINDS[kind][lang] for kind in branches["kind"]]
    frame["secretary"], frame["phone"] = leaders, phones
    frame["committee"] = [_COMMITTEE[bool(one)][lang] for one in branches["committee"]]
    frame["full"], frame["probationary"] = branches["full"], branches["probationary"]
    frame["total"] = branches["full"] + branches["probationary"]
    frame["groups"] = branches["groups"]
    frame["covered_grids"] = _name_grids(plan, tables).reindex(branches.index).fillna("")
    return frame.reset_index(drop=True)


def _name_leaders(
    secretaries: pd.Series, tables: Tables, lang: Language
) -> tuple[pd.Series, pd.Series]:
    """Return the name and the office phone of each secretary; who is not among the workers: id."""
    vacant = secretaries == ""
    if "workers" not in tables:
        return secretaries.mask(vacant, _NOBODY[lang]), secretaries.mask(~vacant, "")
    workers = tables["workers"]
    names = secretaries.map(workers["name"]).fillna(secretaries).mask(vacant, _NOBODY[lang])
    return names, secretaries.map(workers["phone"]).fillna("")


def _name_grids(plan: Plan, tables: Tables) -> pd.Series:
    """Name the grids where each branch has members."""
    pairs = tables["branch_grids"]
    names = pairs["grid_code"].map(plan.grids["name"])
    return names.groupby(pairs["branch_id"]).agg("、".join)


def _list_communities(plan: Plan, tables: Tables, lang: Language) -> pd.DataFrame:
    sums = tables["branch_communities"]
    ids = sums.index.to_series()
    sums = sums.assign(code=code_rows(plan, ids)).sort_values("code", kind="stable")
    frame = place_rows(plan, sums.index.to_series())
    frame["grids_in_all"] = sums["grids"]
    for column in ("covered", "branches", "joint", "groups", "full", "probationary"):
        frame[column] = sums[column]
    frame["total"] = sums["full"] + sums["probationary"]
    frame["suggested"] = [_SUGGESTED[one][lang] for one in sums["suggested"]]
    return frame


def _list_groups(plan: Plan, tables: Tables, lang: Language) -> pd.DataFrame:
    """List the groups; few members of one are not counted out."""
    groups = tables["groups"]
    least = plan.rules.party.min_members
    frame = place_rows(plan, groups["community_id"])
    frame["group_id"], frame["group"] = groups.index, groups["name"]
    frame["kind"] = [_GROUP_KINDS[kind][lang] for kind in groups["kind"]]
    frame["branch"] = groups["branch_id"].map(tables["branches"]["name"]).fillna("")
    frame["grid"] = groups["grid_code"].map(plan.grids["name"])
    frame["total"] = hide_few(groups["full"] + groups["probationary"], least, lang)
    return frame


def _list_uncovered(plan: Plan, tables: Tables) -> pd.DataFrame:
    coverage = tables["branch_coverage"]
    bare = coverage[coverage["covered"] == "none"]
    frame = place_rows(plan, bare["community_id"])
    frame["grid_code"], frame["grid"] = bare.index, plan.grids["name"].reindex(bare.index)
    frame["reason"] = bare["reason"]
    return frame
