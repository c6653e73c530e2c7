"""What is wrong with the grids of a draft: what `gridmap.check_plan` objects to, kind by kind.

`static/problems.js` says the same grid by grid while somebody paints.
"""

import pandas as pd

from gridmap.measure import base_band
from gridmap.rules import Rules


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
    households = measures["households"]
    low, high = base_band(measures["target"], rules)
    base = measures["grid_type"] == "base"
    return pd.DataFrame(
        {
            "disconnected": measures["pieces"] > 1,
            "over": base & (households > high),
            "under": base & (households < low) & (households > 0),
            "empty": base & (households < low) & (households == 0),
        }
    )
