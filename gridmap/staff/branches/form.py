"""Form the party branches of a plan: the steps in their order."""

import pandas as pd

from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.branches.attach import attach_grids
from gridmap.staff.branches.community import form_community, link_grids
from gridmap.staff.branches.ground import lay_ground
from gridmap.staff.branches.groups import form_groups
from gridmap.staff.branches.leaders import appoint, check_leaders
from gridmap.staff.branches.naming import name_sets
from gridmap.staff.branches.output import put_together, table_branches
from gridmap.staff.branches.result import Branches
from gridmap.staff.members import place_members
from gridmap.staff.reasons import Language


def form_branches(
    plan: Plan,
    members: pd.DataFrame,
    rules: Rules | None = None,
    *,
    leaders: pd.DataFrame | None = None,
    current: Branches | None = None,
    lang: Language = "zh",
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
    - What is still uncovered goes as a party group to the nearest branch with room: of its
      community, or of another where the rules' ``across_communities`` says so.

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
    lang : {"zh", "en"}
        Of the reasons.

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
    leading = check_leaders(plan, leaders)
    ground = lay_ground(plan, place_members(plan, members), party, current, lang)
    units = plan.units.groupby("community_id").groups
    near = link_grids(plan)
    links = dict(list(near.groupby("community_id")))
    formed = {
        str(community): form_community(
            ground, codes, units[community], links.get(community, near.iloc[:0])
        )
        for community, codes in plan.grids.groupby("community_id").groups.items()
    }
    table, ids, sites = name_sets(ground, formed)
    guests, offers = attach_grids(ground, table, sites, near)
    groups, table = form_groups(ground, table, sites, guests)
    branches = table_branches(ground, formed, ids, sites, groups, guests, table)
    branches = appoint(ground, branches, sites, leading)
    return put_together(ground, formed, branches, table, groups, guests, offers)
