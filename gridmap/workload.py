"""How much work the people of each unit ask for: a weighted sum of what is counted there."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd

from gridmap.errors import RulesError
from gridmap.rules import Rules
from gridmap.tables import list_some

Units = TypeVar("Units", bound=pd.DataFrame)

#: Columns of units that are numbers, but count nothing.
_NUMBERS = ("block_id", "target", "workload")


def unit_workload(units: pd.DataFrame, rules: Rules) -> pd.Series:
    """Return the workload of each unit: the columns of ``rules.workload``, weighted and added up.

    Parameters
    ----------
    units : DataFrame
        `UNITS`, with a column for each that the rules name. `make_units` adds up the counts of the
        buildings (`gridmap.tables.COUNTS`).
    rules : Rules
        ``workload.columns``: what counts, and how much.

    Returns
    -------
    Series
        unit_id -> workload (float), named ``workload``.

    Raises
    ------
    RulesError
        If the units have no such column of numbers from 0 up.

    Examples
    --------
    >>> from gridmap.rules import Workload
    >>> units = pd.DataFrame({"households": [100, 80], "shops": [0, 12]})
    >>> rules = Rules(workload=Workload({"households": 1, "shops": 2.5}))
    >>> unit_workload(units, rules).tolist()
    [100.0, 110.0]
    """
    work = pd.Series(0.0, units.index, name="workload")
    for name, weight in rules.workload.columns.items():
        work += float(weight) * _read_counts(units, name)
    return work


def fit_workload(units: Units, rules: Rules) -> tuple[Units, Rules]:
    """Give units their workload, and write that of a usual grid into the rules.

    Where the rules leave the target open, it is the mean: all workload outside of exclusive zones,
    by the grids that the households there ask for. Without columns nothing changes.

    Raises
    ------
    RulesError
        If there is nothing to balance.
    """
    if not rules.workload.columns:
        return units, rules
    units = units.assign(workload=unit_workload(units, rules))
    if rules.workload.target is not None:
        return units, rules
    base = units.get("zone_id", pd.Series("", units.index)).fillna("") == ""
    targets = units.get("target", pd.Series(np.nan, units.index)).fillna(float(rules.target))
    due = float((units["households"] / targets)[base].sum())
    total = float(units["workload"][base].sum())
    if total == 0 or due == 0:
        raise RulesError(
            f"no unit has any of {list_some(rules.workload.columns)}, or nobody lives here: there "
            "is no workload to balance"
        )
    target = round(total / due, 3)
    if target == 0:
        raise RulesError(
            f"the workload of all units is {total:g}, next to nothing for {due:.0f} grids: give "
            f"{list_some(rules.workload.columns)} larger weights"
        )
    return units, replace(rules, workload=replace(rules.workload, target=target))


def _read_counts(units: pd.DataFrame, name: str) -> pd.Series:
    kinds = {column: units[column].dtype.kind for column in units.columns}
    known = [each for each, kind in kinds.items() if kind in "iuf" and each not in _NUMBERS]
    if name not in known:
        raise RulesError(
            f"workload.columns.{name}: the units have no such numbers; there are {list_some(known)}"
        )
    counts = units[name].astype("float64")
    wrong = ~(np.isfinite(counts) & (counts >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise RulesError(
            f"workload.columns.{name}: unit {units.index[row]} has {counts.iloc[row]:g}, "
            "not a number from 0 up"
        )
    return counts
