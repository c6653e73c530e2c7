"""Why a branch is as it is, and why a grid is covered or not, in words."""

from collections.abc import Mapping

import pandas as pd

from gridmap.staff.branches.ground import Ground
from gridmap.tables import list_some


def explain(
    ground: Ground,
    codes: list[str],
    kind: str,
    full: int,
    young: int,
    divided: Mapping[str, list[str]],
    extent: float,
) -> str:
    """Say why a branch is as it is."""
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


def _count_full(ground: Ground, code: str) -> int:
    return int(ground.by_grid["full"].to_numpy()[ground.by_grid.index.get_loc(code)])


def say_covered(ground: Ground, code: str, full: int, mine: list[str], spread: pd.Series) -> str:
    """Say what covers a grid, or why nothing does."""
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


def _say_uncovered(ground: Ground, code: str, full: int) -> str:
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
