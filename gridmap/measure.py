"""One number a grid: size, shape and what lies across it; and the figures of a whole plan."""

from typing import Any

import numpy as np
import pandas as pd

from gridmap.plan import Plan, count_pieces


def measure(plan: Plan) -> pd.DataFrame:
    """Measure each grid of a plan, whoever drew it.

    Returns
    -------
    DataFrame
        Index grid_code, with

        - ``name``, ``community_id``, ``households``, ``buildings``,
        - ``deviation``: households beyond the target, as a share of it (0.2 is 20 % too many),
        - ``largest``: households of its largest unit, which no redraw makes smaller,
        - ``area`` (m²), ``perimeter`` (m),
        - ``compactness``: Polsby-Popper, 4π · area / perimeter²; a disc has 1,
        - ``main_roads``, ``railways``, ``rivers``: metres of each that its units join across,
        - ``pieces``: 1, or more where only a closed crossing (a river without a bridge, a corner)
          holds it together,
        - ``split_compounds``: compounds that it shares with other grids.
    """
    grids, units = plan.grids, plan.units
    by_grid = units["households"].groupby(units["grid_code"])
    usable = plan.adjacency[plan.adjacency["usable"]]
    crossed = _measure_crossings(plan)
    return pd.DataFrame(
        {
            "name": grids["name"],
            "community_id": grids["community_id"],
            "households": grids["households"],
            "buildings": grids["buildings"],
            "deviation": grids["households"] / plan.rules.target - 1,
            "largest": by_grid.max().reindex(grids.index),
            "area": grids["area"],
            "perimeter": grids["perimeter"],
            "compactness": 4 * np.pi * grids["area"] / grids["perimeter"] ** 2,
            "main_roads": crossed["main_road"].reindex(grids.index, fill_value=0.0),
            "railways": crossed["railway"].reindex(grids.index, fill_value=0.0),
            "rivers": crossed["river"].reindex(grids.index, fill_value=0.0),
            "pieces": count_pieces(usable, units["grid_code"]).reindex(grids.index),
            "split_compounds": _count_split_compounds(plan).reindex(grids.index, fill_value=0),
        },
        index=grids.index,
    )


def summarize(plan: Plan) -> dict[str, Any]:
    """Return the figures of a whole plan: how many grids, how even, how compact.

    Returns
    -------
    dict
        ``grids``, ``communities``, ``households``; ``mean`` households; ``within_5``,
        ``within_10``, ``within_20``: per cent of grids that far from the target at most;
        ``in_band``: per cent inside the tolerance of the rules; ``worst``: the largest deviation in
        per cent; ``border_km`` between grids of one community; ``compactness``: the mean
        Polsby-Popper; ``across_main_roads``: grids that lie across one; ``split_compounds``:
        compounds with homes in more than one grid.
    """
    measures = measure(plan)
    off = measures["deviation"].abs()
    low, high = plan.rules.band
    return {
        "grids": len(measures),
        "communities": int(measures["community_id"].nunique()),
        "households": int(measures["households"].sum()),
        "mean": _round(measures["households"].mean()),
        "within_5": _percent(off <= 0.05),
        "within_10": _percent(off <= 0.10),
        "within_20": _percent(off <= 0.20),
        "in_band": _percent(measures["households"].between(low, high)),
        "worst": _round(100 * off.max()),
        "border_km": _round(_measure_inner_border(plan) / 1000),
        "compactness": _round(measures["compactness"].mean(), 3),
        "across_main_roads": int((measures["main_roads"] > 0).sum()),
        "split_compounds": int((_grids_of_compounds(plan) > 1).sum()),
    }


def _measure_crossings(plan: Plan) -> pd.DataFrame:
    """Metres of each class of barrier that lie between two units of one grid."""
    grid = plan.units["grid_code"]
    pairs = plan.adjacency.assign(
        grid=plan.adjacency["unit_a"].map(grid), other=plan.adjacency["unit_b"].map(grid)
    )
    inner = pairs[pairs["grid"] == pairs["other"]]
    metres = inner.pivot_table(index="grid", columns="barrier", values="border", aggfunc="sum")
    return metres.reindex(columns=["main_road", "railway", "river"]).fillna(0.0)


def _measure_inner_border(plan: Plan) -> float:
    """Metres of border between grids of one community."""
    first = plan.units.loc[plan.adjacency["unit_a"], ["grid_code", "community_id"]].to_numpy()
    second = plan.units.loc[plan.adjacency["unit_b"], ["grid_code", "community_id"]].to_numpy()
    between = (first[:, 0] != second[:, 0]) & (first[:, 1] == second[:, 1])
    return float(plan.adjacency["border"].to_numpy()[between].sum())


def _grids_of_compounds(plan: Plan) -> pd.Series:
    """Count the grids that the homes of each compound are in."""
    homes = plan.units[(plan.units["compound_id"] != "") & (plan.units["households"] > 0)]
    return homes.groupby("compound_id")["grid_code"].nunique()


def _count_split_compounds(plan: Plan) -> pd.Series:
    spread = _grids_of_compounds(plan)
    homes = plan.units[plan.units["compound_id"].isin(spread.index[spread > 1])]
    return homes[homes["households"] > 0].groupby("grid_code")["compound_id"].nunique()


def _percent(flags: pd.Series) -> float:
    return _round(100 * flags.mean())


def _round(value: float, digits: int = 1) -> float:
    return round(float(value), digits)
