"""Posts (岗位): what one worker is given, a grid or a share of one that nobody may carry alone.

A grid of more households than anybody who may serve it can carry is shared: by as few workers as
can be, in shares as even as can be. Rows of `STAFFING` are posts, so the households of a grid's
primary rows add up to those of the grid; one that nobody holds is a row without a worker.
"""

from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.tables import STAFFING, check_table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def list_posts(plan: Plan, most: Ints) -> pd.DataFrame:
    """List the posts of a plan's grids, in their order.

    Parameters
    ----------
    plan : Plan
        The grids.
    most : array of int, one per grid
        Households that the ablest of those who may serve it can carry; 0 where nobody may.

    Returns
    -------
    DataFrame
        ``grid`` (position in the plan), ``grid_code``, ``name``, ``community_id``, ``households``,
        ``share`` (1, 2 …) and ``shares``: of how many. A grid that one can carry is 1 of 1.
    """
    grids = plan.grids
    households = grids["households"].to_numpy(np.int64)
    shares = np.where(most > 0, -(-households // np.maximum(most, 1)), 1)
    shares = np.maximum(shares, 1)
    grid = np.repeat(np.arange(len(grids)), shares)
    share = 1 + np.arange(len(grid)) - np.repeat(np.cumsum(shares) - shares, shares)
    even, rest = households // shares, households % shares
    return pd.DataFrame(
        {
            "grid": grid,
            "grid_code": grids.index.to_numpy(object)[grid],
            "name": grids["name"].to_numpy(object)[grid],
            "community_id": grids["community_id"].to_numpy(object)[grid],
            "households": even[grid] + (share <= rest[grid]),
            "share": share,
            "shares": shares[grid],
        }
    )


def take_posts(plan: Plan, rows: pd.DataFrame) -> pd.DataFrame:
    """Return posts as `list_posts` does, one for each row of `STAFFING`."""
    grid = plan.grids.index.get_indexer(rows["grid_code"])
    return pd.DataFrame(
        {
            "grid": grid,
            "grid_code": rows["grid_code"].to_numpy(object),
            "name": plan.grids["name"].to_numpy(object)[grid],
            "community_id": plan.grids["community_id"].to_numpy(object)[grid],
            "households": rows["households"].to_numpy(np.int64),
            "share": 1,
            "shares": 1,
        }
    )


def price_vacant(posts: pd.DataFrame, rules: Rules) -> Floats:
    """Price each post for staying vacant: a whole grid is worse than the second share of one."""
    weights = rules.staffing
    first = (posts["share"] == 1).to_numpy()
    price = np.where(first, weights.vacant, weights.short)
    return np.round(price + weights.unserved * posts["households"].to_numpy(float))


def posts_on(plan: Plan, staffing: pd.DataFrame, on: date) -> pd.DataFrame:
    """List who holds the posts of each grid on a day.

    Returns
    -------
    DataFrame
        ``grid_code``, ``worker_id`` ("" where a post is vacant), ``households``: by grid, those
        who came first before others. While somebody is handed a post over, the one who leaves
        holds it. A grid without any row has one vacant post; grids of other plans are left out.
    """
    check_table(staffing, STAFFING)
    day = pd.Timestamp(on)
    rows = staffing[(staffing["role"] == "primary") & (staffing["starts"] <= day)]
    rows = rows[rows["ends"].isna() | (rows["ends"] >= day)]
    rows = rows[rows["grid_code"].isin(plan.grids.index)].assign(open=rows["worker_id"] == "")
    rows = rows.sort_values(["grid_code", "open", "starts"], kind="stable")
    whole = rows["grid_code"].map(plan.grids["households"])
    before = rows.groupby("grid_code")["households"].cumsum() - rows["households"]
    first = ~rows["grid_code"].duplicated()
    held = rows.loc[first | (before + rows["households"] <= whole), list(_HELD)]
    bare = plan.grids.index[~plan.grids.index.isin(held["grid_code"])]
    rest = pd.DataFrame(
        {
            "grid_code": bare.to_numpy(object),
            "worker_id": "",
            "households": plan.grids["households"].reindex(bare).to_numpy(np.int64),
        }
    )
    posts = pd.concat([held, rest]).astype(_HELD) if len(rest) else held.astype(_HELD)
    return posts.sort_values("grid_code", kind="stable", ignore_index=True)


_HELD = {"grid_code": "str", "worker_id": "str", "households": "int64"}
