"""The register of leaders' contact points and co-building units: who helps where, and why there."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.registers.heading import Tables, Words, head, part_districts, pick, place_rows
from gridmap.workbooks import MARK, Sheet

NEEDS = ("contacts", "contact_matches")
#: Digits of a scope -> whose leader it is.
_LEVELS: dict[int, Words] = {
    0: {"zh": "市级", "en": "city"},
    4: {"zh": "市级", "en": "city"},
    6: {"zh": "区级", "en": "district"},
    9: {"zh": "街道", "en": "street"},
    12: {"zh": "社区", "en": "community"},
}
_TARGETS: dict[str, Words] = {
    "community": {"zh": "社区", "en": "community"},
    "branch": {"zh": "党支部", "en": "branch"},
}
_NOWHERE: Words = {"zh": f"{MARK}未结对", "en": f"{MARK}unmatched"}
_NAMES: dict[str, Words] = {
    "city": {"zh": "市级领导联系点", "en": "city leaders"},
    "leader": {"zh": "区、街道领导联系点", "en": "other leaders"},
    "unit": {"zh": "共建单位", "en": "co-building units"},
    "targets": {"zh": "结对汇总", "en": "by target"},
}
_TITLES: dict[str, Words] = {
    "city": {"zh": "市级领导网格联系点名册", "en": "Contact points of city leaders"},
    "leader": {
        "zh": "区、街道领导网格联系点名册",
        "en": "Contact points of district and street leaders",
    },
    "unit": {"zh": "共建单位结对名册", "en": "Co-building units"},
    "targets": {"zh": "社区、党支部结对汇总表", "en": "Who helps each community or branch"},
}
_LEADING = ("level", "contact_id", "contact", "street", "community", "matched_to", "target_name")


def list_sheets(plan: Plan, tables: Tables, on: date, lang: Language) -> dict[str, Sheet]:
    """Print city leaders, other leaders by district, units, and what each target has."""
    names, titles = pick(_NAMES, lang), pick(_TITLES, lang)
    rows = list_matches(plan, tables, lang)
    city = rows["level"] == _LEVELS[0][lang]
    leads = rows["contact_kind"] == "leader"
    groups = {"city": rows[leads & city], "leader": rows[leads & ~city], "unit": rows[~leads]}
    sheets: dict[str, Sheet] = {}
    for key, some in groups.items():
        if some.empty:
            continue
        printed = some[[*_LEADING, "distance", "need", "reason"]]
        sheet = head(plan, on, printed, titles[key], lang, room=170)
        # A leader who found nothing is still of the district that his scope names.
        place = some["code"].where(some["code"] != "", some["scope"])
        apart = key == "leader"
        sheets |= part_districts(names[key], sheet, place) if apart else {names[key]: sheet}
    table = _list_targets(plan, tables, rows)
    sums = ("leaders", "units")
    sheets[names["targets"]] = head(plan, on, table, titles["targets"], lang, sums=sums)
    return sheets


def list_layers(plan: Plan, tables: Tables, _on: date) -> dict[str, gpd.GeoDataFrame]:
    """Return each match as a point in what it is matched to."""
    return {"contact_matches": place_matches(plan, tables)}


def place_matches(plan: Plan, tables: Tables) -> gpd.GeoDataFrame:
    """Return the matches, each in the middle of its target; one without a target lies nowhere."""
    rows = list_matches(plan, tables, "zh")
    middles = plan.city.communities.representative_point()
    grids = plan.grids.geometry.representative_point()
    own = rows["target_id"].map(middles)
    points = own.where(rows["target"] == "community", _meet(tables, rows["target_id"]).map(grids))
    kept = rows.drop(columns=["matched_to", "code"])
    return gpd.GeoDataFrame(kept, geometry=gpd.GeoSeries(points, rows.index, crs=plan.grids.crs))


def list_matches(plan: Plan, tables: Tables, lang: Language) -> pd.DataFrame:
    """List every match with names, leaders before units and by their numbers."""
    contacts, matches = tables["contacts"], tables["contact_matches"]
    who = contacts.loc[matches["contact_id"], ["kind", "name", "scope"]].reset_index(drop=True)
    frame = matches.reset_index(drop=True)
    ids = _find_communities(plan, tables, frame)
    frame = pd.concat([frame, place_rows(plan, ids).fillna("")], axis=1)
    frame["community_id"] = ids
    frame["code"] = ids.map(plan.city.communities["code"]).fillna("")
    frame["contact_kind"], frame["contact"] = who["kind"], who["name"]
    frame["scope"] = who["scope"]
    frame["level"] = [
        _LEVELS[max(size for size in _LEVELS if size <= len(scope))][lang] for scope in who["scope"]
    ]
    frame["matched_to"] = [_TARGETS[one][lang] for one in frame["target"]]
    frame["target_name"] = _name_targets(plan, tables, frame).where(
        frame["target_id"] != "", _NOWHERE[lang]
    )
    frame["distance"], frame["need"] = frame["distance"].round(2), frame["need"].round(2)
    order = frame.assign(unit=who["kind"] == "unit", wide=who["scope"].str.len())
    return frame.loc[order.sort_values(["unit", "wide", "contact_id"], kind="stable").index]


def _meet(tables: Tables, branch_ids: pd.Series) -> pd.Series:
    """Return the grid that each branch meets in."""
    if "branches" not in tables:
        return pd.Series(np.nan, branch_ids.index, dtype="object")
    return branch_ids.map(tables["branches"]["grid_code"])


def _find_communities(plan: Plan, tables: Tables, matches: pd.DataFrame) -> pd.Series:
    """Return the community of each target, itself or that of the branch; "" without one."""
    grids = _meet(tables, matches["target_id"])
    homes = grids.map(plan.grids["community_id"])
    own = matches["target_id"].where(matches["target"] == "community", homes)
    return own.fillna("").astype("str")


def _name_targets(plan: Plan, tables: Tables, matches: pd.DataFrame) -> pd.Series:
    names = matches["target_id"].map(plan.city.communities["name"])
    if "branches" in tables:
        names = names.fillna(matches["target_id"].map(tables["branches"]["name"]))
    return names.fillna(matches["target_id"])


def _list_targets(plan: Plan, tables: Tables, matches: pd.DataFrame) -> pd.DataFrame:
    """List each community, or branch, with the leaders and units that it has; and who has none."""
    kinds = set(matches["target"])
    parts = []
    if "community" in kinds:
        communities = plan.city.communities.sort_values("code", kind="stable")
        places = place_rows(plan, communities.index.to_series())
        parts.append(places.assign(target_name=communities["name"]))
    if "branch" in kinds and "branches" in tables:
        branches = tables["branches"].sort_values("grid_code", kind="stable")
        places = place_rows(plan, branches["community_id"])
        parts.append(places.assign(target_name=branches["name"]))
    frame = pd.concat(parts) if parts else pd.DataFrame(columns=["target_name"])
    for column, kind in (("leaders", "leader"), ("units", "unit")):
        mine = matches[matches["contact_kind"] == kind]
        names = mine["contact"].groupby(mine["target_id"])
        frame[column] = names.size().reindex(frame.index).fillna(0).astype("int64")
        frame[f"{column}_named"] = names.agg("、".join).reindex(frame.index).fillna("")
    return frame
