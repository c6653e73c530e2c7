"""Workers and grids of one day as arrays: who may serve what, how far it is, what it costs."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.rules import Staffing as Weights
from gridmap.staff.walking import grid_points, make_walk_net
from gridmap.tables import STAFFING, WORKERS, check_table, duties_on, list_some

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """Workers and grids on one day, as arrays: what may be, and what it costs.

    Parameters
    ----------
    plan : Plan
        Grids in its order.
    workers : GeoDataFrame
        `WORKERS`: those who are there on the day, in order.
    weights : gridmap.rules.Staffing
        Limits and weights.
    walk, ways : arrays of shape (workers, grids)
        Metres (NaN where a worker has no position), and positions in `WAYS`.
    home : array of bool, shape (workers, grids)
        Whether the grid is in the worker's own community; true for one who has none.
    open_to : array of bool, shape (workers, grids)
        Whether the worker may serve it, by community and by limit.
    cost : array of shape (workers, grids)
        Whole metres for the one grid; infinite where it is not open to him.
    own : array of shape (grids,)
        The present primary worker, or -1.
    beside : array of int, shape (pairs, 2)
        Grids of one community that touch.
    """

    plan: Plan
    workers: gpd.GeoDataFrame
    weights: Weights
    walk: Floats
    ways: Ints
    home: Flags
    open_to: Flags
    cost: Floats
    own: Ints
    beside: Ints


def make_case(
    plan: Plan,
    workers: gpd.GeoDataFrame,
    rules: Rules,
    *,
    current: pd.DataFrame | None,
    on: date | None,
) -> Case:
    """Put workers and grids of one day into arrays.

    Raises
    ------
    TableError, StaffError
        See `assign_workers`.
    """
    there = keep_present(check_workers_of(plan, workers), on or date.today())
    weights, grids = rules.staffing, plan.grids
    walk, ways = measure_walks(plan, there)
    known = there["community_id"].to_numpy(object)[:, None]
    home = (known == grids["community_id"].to_numpy(object)[None, :]) | (known == "")
    limit = there["limit"].to_numpy()[:, None] >= grids["households"].to_numpy()[None, :]
    bound = there["kind"].isin(["community", "part_time"]).to_numpy()[:, None]
    open_to = limit & (home | ~bound)
    own = _find_own(there, plan, current, on or date.today())
    beside = find_beside(plan)
    loads = grids["households"].to_numpy()[None, :]
    cost = _price(there, weights, loads, _fill_walks(plan, there, walk), home)
    rows = np.arange(len(there))[:, None]
    cost += weights.change * ((own[None, :] >= 0) & (own[None, :] != rows))
    cost = np.where(open_to, np.round(cost), np.inf)
    return Case(plan, there, weights, walk, ways, home, open_to, cost, own, beside)


def check_workers_of(plan: Plan, workers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the workers if they keep the contract and their communities are the plan's."""
    check_table(workers, WORKERS)
    if isinstance(workers, gpd.GeoDataFrame) and workers.crs != plan.grids.crs:
        raise StaffError(f"workers: CRS {workers.crs} is not that of the plan, {plan.grids.crs}")
    known = workers["community_id"].isin([*plan.city.communities.index, ""])
    if not known.all():
        rows = [f"{row} of {name}" for row, name in workers["community_id"][~known].items()]
        raise StaffError(f"workers of communities that the plan does not have: {list_some(rows)}")
    return workers


def keep_present(workers: gpd.GeoDataFrame, on: date) -> gpd.GeoDataFrame:
    """Return the workers whose days include ``on``, both ends inside."""
    day = pd.Timestamp(on)
    begun = workers["starts"].isna() | (workers["starts"] <= day)
    return workers[begun & (workers["ends"].isna() | (workers["ends"] >= day))]


def measure_walks(plan: Plan, workers: gpd.GeoDataFrame) -> tuple[Floats, Ints]:
    """Measure the way from each worker to each grid of a plan: metres, positions in `WAYS`."""
    points = _positions(workers)
    return make_walk_net(plan).measure(points, grid_points(plan).to_numpy())


def _positions(workers: gpd.GeoDataFrame) -> Any:
    if isinstance(workers, gpd.GeoDataFrame):
        return workers.geometry.to_numpy()
    return np.full(len(workers), None, dtype=object)


def _fill_walks(plan: Plan, workers: gpd.GeoDataFrame, walk: Floats) -> Floats:
    """Let who has no position come from the middle of his community, or from everywhere alike."""
    unknown = np.isnan(walk).any(axis=1)
    if not unknown.any():
        return walk
    points = grid_points(plan)
    xy = np.stack([points.x, points.y], axis=1)
    community = plan.grids["community_id"].to_numpy(object)
    filled = walk.copy()
    for at in np.flatnonzero(unknown):
        inside = community == workers["community_id"].iloc[at]
        middle = xy[inside].mean(axis=0) if inside.any() else xy.mean(axis=0)
        off = np.hypot(*(xy - middle).T) * plan.rules.staffing.detour
        filled[at] = off if inside.any() else off.mean()
    return filled


def _price(
    workers: gpd.GeoDataFrame, weights: Weights, loads: Any, walk: Floats, home: Flags
) -> Floats:
    """Price workers (rows) for some loads: the way, the load, where and what they are."""
    capacity = np.maximum(workers["capacity"].to_numpy(float)[:, None], 1.0)
    part_time = (workers["kind"] == "part_time").to_numpy()[:, None]
    return (
        weights.walk * walk
        + weights.fairness * (loads / capacity - 1) ** 2
        + weights.outside * ~home
        + weights.part_time * part_time
    )


def _find_own(
    workers: gpd.GeoDataFrame, plan: Plan, current: pd.DataFrame | None, on: date
) -> Ints:
    """Return each grid's present primary worker among those who are there, else -1."""
    if current is None:
        return np.full(len(plan.grids), -1)
    check_table(current, STAFFING)
    held = primaries_on(current, on)
    if held.empty:  # what was in force ended the day before
        held = primaries_on(current, on - timedelta(days=1))
    return workers.index.get_indexer(held.reindex(plan.grids.index))


def primaries_on(staffing: pd.DataFrame, on: date) -> pd.Series:
    """Return grid_code -> its primary worker on a day; of two the one who came first."""
    rows = duties_on(staffing, on)
    rows = rows[(rows["role"] == "primary") & (rows["worker_id"] != "")]
    return rows.sort_values(["grid_code", "starts"]).groupby("grid_code")["worker_id"].first()


def find_beside(plan: Plan) -> Ints:
    """List the pairs of grids (positions) of one community that touch where one may cross."""
    pairs = plan.adjacency[plan.adjacency["usable"]]
    codes = plan.units["grid_code"]
    ends = [plan.grids.index.get_indexer(pairs[side].map(codes)) for side in ("unit_a", "unit_b")]
    both = np.sort(np.stack(ends, axis=1), axis=1)
    both = np.unique(both[both[:, 0] != both[:, 1]], axis=0)
    community = plan.grids["community_id"].to_numpy(object)
    return both[community[both[:, 0]] == community[both[:, 1]]]
