"""One number a grid: size, shape and what lies across it; and the figures of a whole plan."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.errors import PlanError
from gridmap.partition import Cost, evaluate, make_problem
from gridmap.plan import Plan
from gridmap.rules import Rules, band_ends
from gridmap.workload import fit_workload


def measure(plan: Plan) -> pd.DataFrame:
    """Measure each grid of a plan, whoever drew it.

    Returns
    -------
    DataFrame
        Index grid_code, with

        - ``name``, ``grid_type``, ``community_id``, ``households``, ``buildings``,
        - ``target``: the households that its kinds of estate ask for, else the rules' target,
        - ``deviation``: households beyond the target, as a share of it (0.2 is 20 % too many); an
          exclusive grid has no target to keep, so 0,
        - ``largest``: households of its largest unit, which no redraw makes smaller,
        - ``area`` (m²), ``perimeter`` (m),
        - ``compactness``: Polsby-Popper, 4π · area / perimeter²; a disc has 1,
        - ``main_roads``, ``railways``, ``rivers``: metres of each that its units join across,
        - ``pieces``: 1, or more where only a closed crossing (a river without a bridge, a corner)
          holds it together,
        - ``split_compounds``: compounds in it that are spread over more grids than they need,
        - ``workload`` and ``workload_deviation`` (a share, signed), where the rules have one.
    """
    return _tabulate(plan, evaluate_plan(plan))


def judge_by(plan: Plan, rules: Rules) -> Plan:
    """Return the plan under other rules, its units with the workload that these count."""
    units, rules = fit_workload(plan.units, rules)
    return replace(plan, units=units, rules=rules)


def evaluate_plan(plan: Plan, start: npt.NDArray[np.int64] | None = None) -> Cost:
    """Compute what a plan costs, term by term, as the engine does; grids in the plan's order."""
    problem = make_problem(plan.units, plan.adjacency)
    labels = plan.grids.index.get_indexer(plan.units["grid_code"])
    return evaluate(problem, labels, plan.rules, start=start)


def explain_cost(plan: Plan, by: str = "grid", *, start: Plan | None = None) -> pd.DataFrame:
    """Say what a plan costs by the engine's objective, term by term, whoever drew it.

    Parameters
    ----------
    plan : Plan
    by : str
        One row a ``grid``, a ``community``, or one for the whole ``plan``.
    start : Plan, optional
        A plan of the same units before: then what moved is a term, too.

    Returns
    -------
    DataFrame
        Index grid_code, community_id or the plan's name; columns are the terms of
        `gridmap.partition.objective`, weighted by ``plan.rules.costs``, and their ``total``. What
        two grids share, a border or a compound, is shared out evenly, so rows add up to the plan.

    Raises
    ------
    PlanError
        If ``by`` is something else, or the plan before has other units.
    """
    index = {
        "grid": pd.Index(plan.grids.index),
        "community": pd.Index(plan.grids["community_id"]),
        "plan": pd.Index([plan.name] * len(plan.grids), name="plan"),
    }
    if by not in index:
        raise PlanError(f"by is {by!r}, not 'grid', 'community' or 'plan'")
    before = None if start is None else _find_before(plan, start)
    table = pd.DataFrame(evaluate_plan(plan, before).shares).set_axis(index[by], axis=0)
    table = table.groupby(level=0).sum() if by != "grid" else table
    return table.assign(total=table.sum(axis=1))


def _find_before(plan: Plan, start: Plan) -> npt.NDArray[np.int64]:
    """Return the position of the grid that each unit was in."""
    if not start.units.index.equals(plan.units.index):
        raise PlanError("the plan before has other units; give one of the same city as it was cut")
    return np.asarray(start.grids.index.get_indexer(start.units["grid_code"]), np.int64)


def summarize(plan: Plan) -> dict[str, Any]:
    """Return the figures of a whole plan: how many grids, how even, how compact.

    Returns
    -------
    dict
        ``grids``, of these ``exclusive``, ``communities``, ``households``; of the other grids
        ``mean`` households, ``within_5``, ``within_10``, ``within_20``: per cent that are so far
        from their target at most, ``in_band``: per cent inside the tolerance of the rules,
        ``worst``: the largest deviation in per cent; ``border_km`` between grids of one community;
        ``compactness``: the mean Polsby-Popper; ``across_main_roads``: grids that lie across one;
        ``split_compounds``: grids that compounds are spread over beyond what their size needs;
        ``workload``, where the rules have one: its ``target``, and of base grids ``mean``,
        ``within_5``, ``within_10``, ``within_20`` and ``worst``;
        ``cost``: the terms of the engine's objective (`gridmap.partition.objective`) and their
        ``total``.
    """
    cost = evaluate_plan(plan)
    measures = _tabulate(plan, cost)
    base = measures[measures["grid_type"] == "base"]
    off = base["deviation"].abs()
    low, high = base_band(base["target"], plan.rules)
    return {
        "grids": len(measures),
        "exclusive": len(measures) - len(base),
        "communities": int(measures["community_id"].nunique()),
        "households": int(measures["households"].sum()),
        "mean": _round(base["households"].mean()) if len(base) else 0.0,
        "within_5": _percent(off <= 0.05),
        "within_10": _percent(off <= 0.10),
        "within_20": _percent(off <= 0.20),
        "in_band": _percent(base["households"].between(low, high)),
        "worst": _round(100 * off.max()) if len(off) else 0.0,
        "border_km": _round(cost.counts["border"] / 1000),
        "compactness": _round(measures["compactness"].mean(), 3),
        "across_main_roads": int((measures["main_roads"] > 0).sum()),
        "split_compounds": int(cost.counts["compound"]),
        **_summarize_work(base, plan.rules),
        "cost": {
            name: _round(value, 4) for name, value in [*cost.terms.items(), ("total", cost.total)]
        },
    }


def _summarize_work(base: pd.DataFrame, rules: Rules) -> dict[str, Any]:
    if not rules.workload.columns:
        return {}
    off = base["workload_deviation"].abs()
    figures: dict[str, Any] = {
        "target": rules.workload.target,
        "mean": _round(base["workload"].mean()) if len(base) else 0.0,
        "worst": _round(100 * off.max()) if len(off) else 0.0,
    }
    figures |= {f"within_{share}": _percent(off <= share / 100) for share in (5, 10, 20)}
    return {"workload": figures}


def base_band(targets: pd.Series, rules: Rules) -> tuple[pd.Series, pd.Series]:
    """Return the fewest and most households of balanced grids with these targets, both inside."""
    low, high = band_ends(targets, rules.tolerance)
    return low.astype("int64"), high.astype("int64")


def _tabulate(plan: Plan, cost: Cost) -> pd.DataFrame:
    """Put together the table of `measure`."""
    grids, terms = plan.grids, cost.grids
    largest = plan.units["households"].groupby(plan.units["grid_code"]).max()
    crossed = _measure_crossings(plan).reindex(grids.index, fill_value=0.0)
    table = pd.DataFrame(
        {
            "name": grids["name"],
            "grid_type": grids["grid_type"],
            "community_id": grids["community_id"],
            "households": grids["households"],
            "buildings": grids["buildings"],
            "target": terms["target"],
            "deviation": terms["deviation"],
            "largest": largest.reindex(grids.index),
            "area": grids["area"],
            "perimeter": grids["perimeter"],
            "compactness": 4 * np.pi * grids["area"] / grids["perimeter"] ** 2,
            "main_roads": crossed["main_road"],
            "railways": crossed["railway"],
            "rivers": crossed["river"],
            "pieces": terms["pieces"].astype(np.int64),
            "split_compounds": terms["compound"].astype(np.int64),
        },
        index=grids.index,
    )
    counted = [name for name in ("workload", "workload_deviation") if name in terms]
    return table.assign(**{name: terms[name] for name in counted})


def _measure_crossings(plan: Plan) -> pd.DataFrame:
    """Metres of each class of barrier that lie between two units of one grid."""
    grid = plan.units["grid_code"]
    pairs = plan.adjacency.assign(
        grid=plan.adjacency["unit_a"].map(grid), other=plan.adjacency["unit_b"].map(grid)
    )
    inner = pairs[pairs["grid"] == pairs["other"]]
    metres = inner.pivot_table(index="grid", columns="barrier", values="border", aggfunc="sum")
    return metres.reindex(columns=["main_road", "railway", "river"]).fillna(0.0)


def _percent(flags: pd.Series) -> float:
    return _round(100 * flags.mean()) if len(flags) else 100.0


def _round(value: float, digits: int = 1) -> float:
    return round(float(value), digits)
