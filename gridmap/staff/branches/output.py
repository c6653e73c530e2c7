"""The tables that tell of branches: each adds up, each row has its reason."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from gridmap.staff.branches.attach import Guest
from gridmap.staff.branches.community import Formed
from gridmap.staff.branches.ground import Ground, Site
from gridmap.staff.branches.naming import find_kind, title
from gridmap.staff.branches.reasons import (
    explain,
    say,
    say_attached,
    say_covered,
    say_uncovered,
)
from gridmap.staff.branches.result import Branches
from gridmap.staff.branches.shaping import shape
from gridmap.staff.members import COUNTS
from gridmap.tables import (
    BRANCH_COMMUNITIES,
    BRANCH_COMPOUNDS,
    BRANCH_COVERAGE,
    BRANCH_GRIDS,
    BRANCH_UNITS,
    BRANCH_VIOLATIONS,
    BRANCHES,
)

Value = TypeVar("Value")


def table_branches(
    ground: Ground,
    formed: Mapping[str, Formed],
    ids: Mapping[tuple[str, int], str],
    sites: Mapping[str, tuple[Site, ...]],
    groups: pd.DataFrame,
    guests: Sequence[Guest],
    units: pd.DataFrame,
) -> pd.DataFrame:
    """Make one row a branch, still without a secretary."""
    sums = units.groupby("branch_id")[list(COUNTS)].sum()
    grouped = groups["branch_id"].value_counts()
    going = _gather((guest.branch, guest) for guest in guests)
    divided = _gather((site.code, name) for name, some in sites.items() for site in some)
    rows: dict[str, dict[str, Any]] = {}
    for (community, at), name in ids.items():
        codes = list(dict.fromkeys(site.code for site in sites[name]))
        full, young = map(int, sums.loc[name, list(COUNTS)])
        cover = formed[community].cover
        extent, coming = cover.extents[at], going.get(name, [])
        rows[name] = {
            "community_id": community,
            "groups": int(grouped.get(name, 0)),
            "extent": extent,
            "contiguous": cover.contiguous[at],
            **_write_branch(ground, codes, name, full, young, divided, extent, coming),
        }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(BRANCHES.columns))
    table = table.set_axis(pd.Index(table.index, dtype="str", name=BRANCHES.index), axis=0)
    return shape(table.sort_index(), BRANCHES)


def _gather(pairs: Iterable[tuple[str, Value]]) -> dict[str, list[Value]]:
    """Gather what each key has, in order."""
    found: dict[str, list[Value]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _write_branch(
    ground: Ground,
    codes: list[str],
    name: str,
    full: int,
    young: int,
    divided: Mapping[str, list[str]],
    extent: float,
    coming: list[Guest],
) -> dict[str, Any]:
    """Name a branch, and say what it is and why."""
    kind = find_kind(codes, divided)
    return {
        "name": title(ground.plan, codes, kind, name, divided),
        "kind": kind,
        "grid_code": codes[0],
        "grids": len(codes) + sum(len(guest.codes) for guest in coming),
        "full": full,
        "probationary": young,
        "committee": full >= ground.party.committee_from_full,
        "secretary": "",
        "reason": explain(ground, codes, kind, full, young, divided, extent, coming),
    }


def put_together(
    ground: Ground,
    formed: Mapping[str, Formed],
    branches: pd.DataFrame,
    units: pd.DataFrame,
    groups: pd.DataFrame,
    guests: Sequence[Guest],
    offers: Sequence[Guest],
) -> Branches:
    """Make the tables that follow from the branch of each unit."""
    covered = units[units["branch_id"] != ""]
    by_grid = covered.groupby(["branch_id", "grid_code"], sort=True)[list(COUNTS)].sum()
    compounds = ground.plan.units["compound_id"].reindex(covered.index)
    walled = covered.assign(compound_id=compounds, buildings=1)[compounds != ""]
    keys = ["branch_id", "compound_id"]
    by_compound = walled.groupby(keys, sort=True)[["buildings", *COUNTS]].sum()
    coverage = _table_coverage(ground, by_grid, units, guests, offers)
    return Branches(
        branches=branches,
        branch_grids=shape(by_grid.reset_index(), BRANCH_GRIDS),
        branch_compounds=shape(by_compound.reset_index(), BRANCH_COMPOUNDS),
        branch_units=shape(units, BRANCH_UNITS),
        groups=groups,
        branch_coverage=coverage,
        branch_communities=_table_communities(ground, formed, branches, coverage),
        branch_violations=_table_violations(ground, branches, coverage),
    )


def _table_coverage(
    ground: Ground,
    by_grid: pd.DataFrame,
    units: pd.DataFrame,
    guests: Sequence[Guest],
    offers: Sequence[Guest],
) -> pd.DataFrame:
    """Say of each grid which branches cover it, and why none does."""
    grids = ground.plan.grids
    sums = ground.by_grid
    going, offered = (
        {code: one for one in some for code in one.codes} for some in (guests, offers)
    )
    pairs = by_grid.reset_index()
    pairs = pairs[~pairs["grid_code"].isin(going)]
    serving = pairs.groupby("grid_code")["branch_id"].agg(list)
    spread = pairs.groupby("branch_id")["grid_code"].agg(list)
    grouped = units[units["group_id"] != ""].groupby("grid_code")["group_id"].nunique()

    def explain_grid(code: str, full: int) -> tuple[str, str]:
        mine = serving.get(code, [])
        if code in going:
            return "attached", say_attached(ground, code, going[code])
        if not mine:
            return "none", say_uncovered(ground, code, offered.get(code))
        return _name_coverage(mine, spread), say_covered(ground, code, full, mine, spread)

    told = [explain_grid(str(code), int(full)) for code, full in sums["full"].items()]
    table = sums.assign(
        community_id=grids["community_id"],
        covered=[kind for kind, _ in told],
        branches=[1 if code in going else len(serving.get(code, [])) for code in grids.index],
        groups=grouped.reindex(grids.index, fill_value=0),
        reason=[reason for _, reason in told],
    )
    return shape(table.rename_axis(BRANCH_COVERAGE.index), BRANCH_COVERAGE)


def _name_coverage(mine: list[str], spread: pd.Series) -> str:
    if len(mine) > 1:
        return "divided"
    return "joint" if len(spread[mine[0]]) > 1 else "own"


def _table_communities(
    ground: Ground,
    formed: Mapping[str, Formed],
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
    return shape(table.rename_axis(BRANCH_COMMUNITIES.index), BRANCH_COMMUNITIES)


def _table_violations(
    ground: Ground, branches: pd.DataFrame, coverage: pd.DataFrame
) -> pd.DataFrame:
    """List each rule that could not be kept."""
    party = ground.party
    rows: list[tuple[Any, ...]] = []
    for grid in coverage[coverage["covered"] == "none"].itertuples():
        problem = say(ground, "uncovered", code=grid.Index, why=grid.reason)
        rows.append(("uncovered", grid.Index, "", grid.full, party.branch_min_full, problem))
    total = branches["full"] + branches["probationary"]
    for name, size in total[total > party.branch_max_total].items():
        branch: Any = branches.loc[str(name)]
        problem = say(ground, "above", branch=name, size=size, why=branch["reason"])
        code = branch["grid_code"]
        rows.append(("over_cap", code, str(name), int(size), party.branch_max_total, problem))
    for name, branch in branches[~branches["contiguous"]].iterrows():
        problem = say(ground, "apart", branch=name)
        metres = math.ceil(branch["extent"])
        rows.append(("apart", branch["grid_code"], str(name), metres, 0, problem))
    frame = pd.DataFrame(rows, columns=list(BRANCH_VIOLATIONS.columns))
    return shape(frame, BRANCH_VIOLATIONS)
