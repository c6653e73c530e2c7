"""Redraw a plan by hand. Each edit gives a new plan; what is not a plan is refused, ugly is not."""

from collections.abc import Iterable, Sequence

import pandas as pd

from gridmap.codes import make_codes
from gridmap.errors import PlanError
from gridmap.plan import Plan, codes_ever_given, regroup
from gridmap.tables import list_some


def move_units(plan: Plan, unit_ids: Iterable[int], grid_code: str) -> Plan:
    """Move units into a grid that exists.

    A grid that gives its last unit is retired, with ``grid_code`` as its successor.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    unit_ids : iterable of int
        The units to move.
    grid_code : str
        The grid that takes them.

    Returns
    -------
    Plan
        With every code kept.

    Raises
    ------
    PlanError
        If a unit or the grid does not exist, or a grid would be in two pieces or two communities.
    """
    units = _known_units(plan, unit_ids)
    _known_grids(plan, [grid_code])
    codes = plan.units["grid_code"].copy()
    givers = sorted(set(codes[units]) - {grid_code})
    codes[units] = grid_code
    emptied = [code for code in givers if not (codes == code).any()]
    return regroup(plan, codes, lineage={code: [grid_code] for code in emptied})


def merge_grids(plan: Plan, grid_codes: Sequence[str]) -> Plan:
    """Merge grids of one community into a new one, and retire their codes.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    grid_codes : sequence of str
        Two or more grids, connected with each other.

    Returns
    -------
    Plan
        The new grid has the community's next free serial.

    Raises
    ------
    PlanError
        If a grid does not exist, fewer than two are named, or they do not form one piece.
    """
    parents = sorted(set(grid_codes))
    _known_grids(plan, parents)
    if len(parents) < 2:
        raise PlanError(
            f"{list_some(parents) or 'nothing'} can't be merged; name two grids or more"
        )
    [merged] = make_codes(parents[0][:12], [0], used=codes_ever_given(plan))
    codes = plan.units["grid_code"]
    codes = codes.mask(codes.isin(parents), merged)
    return regroup(plan, codes, lineage={code: [merged] for code in parents})


def _known_units(plan: Plan, unit_ids: Iterable[int]) -> pd.Index:
    units = pd.Index(list(unit_ids))
    strange = units.difference(plan.units.index)
    if len(strange) or not len(units):
        raise PlanError(f"no units {list_some(strange)}; name units of this plan")
    return units


def _known_grids(plan: Plan, grid_codes: Sequence[str]) -> None:
    strange = [code for code in grid_codes if code not in plan.grids.index]
    if strange:
        raise PlanError(f"no grid {list_some(strange)} in this plan; it has {len(plan.grids)}")
