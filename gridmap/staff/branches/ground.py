"""What branches are made on: members by grid, large grids divided, the present branches."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gridmap.plan import Plan
from gridmap.rules import Party
from gridmap.staff.branches.result import Branches
from gridmap.staff.division import divide_areas, find_links
from gridmap.staff.part_limits import Limits, keeps_limits
from gridmap.staff.reasons import Language


@dataclass(frozen=True)
class Site:
    """Where a place is: a grid, or one of the parts that it is divided into."""

    code: str
    mode: int
    part: int


@dataclass(frozen=True)
class Ground:
    """What the branches of a plan are made on."""

    plan: Plan
    party: Party
    counts: pd.DataFrame  # by unit
    by_grid: pd.DataFrame  # the same, added up
    present: pd.Series  # unit -> branch now, "" for none
    parts: pd.Series  # unit -> part of its grid
    excess: pd.Series  # grid -> members beyond the cap that no division avoids
    spots: pd.DataFrame  # x and y of an inner point of each grid
    lang: Language  # of the reasons


def lay_ground(
    plan: Plan, counts: pd.DataFrame, party: Party, current: Branches | None, lang: Language
) -> Ground:
    """Add members up by grid, divide grids with too many, and find the present branches."""
    present = _find_present(plan, current)
    inner = plan.grids.geometry.representative_point()
    parts, excess = _divide_large(plan, counts, party, present)
    return Ground(
        plan=plan,
        party=party,
        counts=counts,
        by_grid=counts.groupby(plan.units["grid_code"]).sum().reindex(plan.grids.index),
        present=present,
        parts=parts,
        excess=excess,
        spots=pd.DataFrame({"x": inner.x, "y": inner.y}),
        lang=lang,
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
