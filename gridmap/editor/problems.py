"""What is wrong with the grids of a draft: what `gridmap.check_plan` objects to, kind by kind.

`static/problems.js` says the same grid by grid while somebody paints.
"""

from typing import Any

import pandas as pd

from gridmap.judge import Figures, judge_grid
from gridmap.rules import Rules

#: Rules of `gridmap.judge` by the kind of problem that the editor counts them as.
KINDS = {
    "disconnected": ("in pieces",),
    "over": ("too many households", "far too many households"),
    "under": ("too few households", "far too few households"),
    "empty": ("without households",),
}


def find_problems(measures: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Tell what is wrong with each grid. One that is in pieces and too large counts as both.

    Parameters
    ----------
    measures : DataFrame
        ``grid_type``, ``households``, ``target`` and ``pieces``, as `gridmap.measure` gives them;
        of a draft they need not be those of a plan.
    rules : Rules
        The tolerance.

    Returns
    -------
    DataFrame
        One row a grid, true or false: ``disconnected``; ``over`` and ``under``, outside of the band
        of the grid's target; ``empty``, nobody lives in it where somebody should. An exclusive grid
        has no band to keep.
    """
    judged = measures[["households", "target", "grid_type", "pieces"]]
    broken = [_list_broken(row, rules) for row in judged.itertuples(index=False)]
    return pd.DataFrame(
        {kind: [not each.isdisjoint(names) for each in broken] for kind, names in KINDS.items()},
        index=measures.index,
        dtype=bool,
    )


def _list_broken(row: Any, rules: Rules) -> set[str]:
    """List the rules that a grid breaks by its size and its pieces."""
    figures = Figures(
        households=row.households,
        target=row.target,
        exclusive=row.grid_type == "exclusive",
        pieces=row.pieces,
        rivers=0.0,
        railways=0.0,
        main_roads=0.0,
        compactness=1.0,
    )
    return {verdict.rule for verdict in judge_grid(figures, rules)}
