"""Maps of the party's branches, and of who helps which community."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.maps import PlanMap, map_shading
from gridmap.maps.look import shade_column
from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.registers.contacts import place_matches
from gridmap.staff_maps.drawing import Words, draw_dots, draw_lines, explain_drawn, shade_states

Tables = Mapping[str, pd.DataFrame]

#: What covers a grid -> fill and words.
_COVERED: dict[str, tuple[str, Words]] = {
    "own": ("#cfe3d4", ("单独支部", "a branch of its own")),
    "divided": ("#9cc5de", ("分设多个支部", "divided into several")),
    "joint": ("#c9b6e4", ("联合支部", "a joint branch")),
    "attached": ("#fbd0a6", ("挂靠其他支部", "attached to another's")),
    "none": ("#d1495b", ("未覆盖", "none")),
}
_JOINT = ("#0b57d0", ("联合支部范围", "land of a joint branch"))
#: Kind of a contact -> the colour of its lines, and words.
_HELPERS: dict[str, tuple[str, Words]] = {
    "leader": ("#b3261e", ("领导联系点", "leaders' contact points")),
    "unit": ("#0b57d0", ("共建单位", "co-building units")),
}


def map_branches(plan: Plan, tables: Tables, *, lang: Language = "zh") -> PlanMap:
    """Draw which grids have a branch of their own, several, a joint one or none.

    A line runs around the land of each joint branch. Pointing at a grid shows its branches and
    their secretaries, never a count of members.

    Parameters
    ----------
    plan : Plan
        The plan.
    tables : mapping of str to DataFrame
        ``branches``, ``branch_grids`` and ``branch_coverage`` (`Branches.tables`), and ``workers``
        for the names of secretaries.
    lang : {"zh", "en"}
        Of titles, at first; the names are as they stand in the tables.
    """
    covered = tables["branch_coverage"]["covered"].reindex(plan.grids.index)
    shading = shade_states("branch", ("党支部覆盖", "Covered by party branches"), _COVERED, covered)
    pairs, branches = tables["branch_grids"], tables["branches"]
    joint = pairs[pairs["branch_id"].map(branches["kind"]) == "joint"]
    shading = explain_drawn(shading, [_JOINT]) if len(joint) else shading
    page = map_shading(plan, shading, table=_tell_branches(tables), lang=lang)
    land = plan.grids[["geometry"]].loc[joint["grid_code"]]
    land = land.assign(branch_id=joint["branch_id"].to_numpy(object)).dissolve("branch_id")
    draw_lines(page, land.boundary, _JOINT[0], 3)
    return page


def map_contacts(plan: Plan, tables: Tables, *, lang: Language = "zh") -> PlanMap:
    """Draw how many leaders and units help each community, with a line from each office.

    Parameters
    ----------
    plan : Plan
        The plan.
    tables : mapping of str to DataFrame
        ``contacts`` and ``contact_matches``; ``branches`` where contacts are matched to these.
    lang : {"zh", "en"}
        Of titles, at first.
    """
    matches = place_matches(plan, tables)
    matches = matches[matches["target_id"] != ""]
    home = plan.grids["community_id"]
    by = matches.groupby("community_id")["contact"]
    counts = by.size().reindex(home.unique(), fill_value=0)
    told = pd.DataFrame({"helpers": home.map(counts), "contact": home.map(by.agg("、".join))})
    shading = explain_drawn(shade_column(told["helpers"], plan.grids), _HELPERS.values())
    page = map_shading(plan, shading, table=told, lang=lang)
    contacts = tables["contacts"]
    if isinstance(contacts, gpd.GeoDataFrame):
        offices = contacts.geometry.to_crs(plan.grids.crs)
        for kind, (color, _) in _HELPERS.items():
            _draw_helpers(page, offices, matches[matches["contact_kind"] == kind], color)
    return page


def _tell_branches(tables: Tables) -> pd.DataFrame:
    """Tell the branches of each grid, and who leads them."""
    branches, pairs = tables["branches"], tables["branch_grids"]
    people = tables["workers"]["name"].to_dict() if "workers" in tables else {}
    leaders = [
        people.get(one, one) or None for one in pairs["branch_id"].map(branches["secretary"])
    ]
    names = pairs["branch_id"].map(branches["name"])
    return pd.DataFrame({"grid_code": pairs["grid_code"], "branch": names, "secretary": leaders})


def _draw_helpers(
    page: PlanMap, offices: gpd.GeoSeries, matches: gpd.GeoDataFrame, color: str
) -> None:
    """Draw the offices that have a position, with a line to what each is matched to."""
    own = offices.reindex(matches["contact_id"])
    known = (own.notna() & ~own.is_empty).to_numpy()
    there = matches.geometry.to_numpy()[known]
    ends = np.stack([shapely.get_coordinates(own[known]), shapely.get_coordinates(there)], axis=1)
    lines = [shapely.LineString(pair) for pair in ends]
    draw_lines(page, gpd.GeoSeries(lines, crs=own.crs), color, 1.5, 0.6)
    places = own[known].drop_duplicates()
    names = matches.loc[known].groupby("contact_id", sort=False)["contact"].first()
    draw_dots(page, places, [4.0] * len(places), color, names.reindex(places.index))
