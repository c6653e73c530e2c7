"""Workers and grids of one day as arrays: who may serve what, how far it is, what it costs."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, product
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.days import today_in_china
from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.rules import Staffing as Weights
from gridmap.staff.posts import list_posts, posts_on, price_vacant
from gridmap.staff.walking import grid_points, make_walk_net
from gridmap.tables import WORKERS, check_table, duties_on, list_some

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Kinds of workers who serve their own community only.
BOUND_KINDS = ("community", "part_time")


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
    posts : DataFrame
        What one worker is given, as `gridmap.staff.posts.list_posts` does: each grid once, but for
        those that are shared.
    walk, ways : arrays of shape (workers, posts)
        Metres (NaN where a worker has no position), and positions in `WAYS`.
    home : array of bool, shape (workers, posts)
        Whether the grid is in the worker's own community; true for one who has none.
    open_to : array of bool, shape (workers, posts)
        Whether the worker may serve it, by community and by limit.
    cost : array of shape (workers, posts)
        Whole metres for the one post; infinite where it is not open to him.
    vacant : array of shape (posts,)
        Whole metres for leaving it vacant.
    own : array of shape (posts,)
        The present primary worker, or -1.
    aides : array of bool, shape (workers, posts)
        Who is deputy of it now.
    beside : array of int, shape (pairs, 2)
        Posts of one community whose grids touch, or of one grid.
    """

    plan: Plan
    workers: gpd.GeoDataFrame
    weights: Weights
    posts: pd.DataFrame
    walk: Floats
    ways: Ints
    home: Flags
    open_to: Flags
    cost: Floats
    vacant: Floats
    own: Ints
    aides: Flags
    beside: Ints


def make_case(
    plan: Plan,
    workers: gpd.GeoDataFrame,
    rules: Rules,
    *,
    current: pd.DataFrame | None,
    on: date | None,
    posts: pd.DataFrame | None = None,
) -> Case:
    """Put workers and grids of one day into arrays.

    Parameters
    ----------
    plan, workers, rules, current, on
        As for `assign_workers`.
    posts : DataFrame, optional
        As `gridmap.staff.posts.list_posts` returns them; by default those of all grids.

    Raises
    ------
    TableError, StaffError
        See `assign_workers`.
    """
    day, weights = on or today_in_china(), rules.staffing
    there = keep_present(check_workers_of(plan, workers), day)
    there = there.assign(limit=there["limit"].clip(upper=weights.max_households))
    limit = there["limit"].to_numpy(np.int64)[:, None]
    home = _find_home(plan, there)
    allowed = home | ~there["kind"].isin(BOUND_KINDS).to_numpy()[:, None]
    if posts is None:
        posts = list_posts(plan, np.where(allowed, limit, 0).max(axis=0, initial=0))
    at, loads = posts["grid"].to_numpy(np.int64), posts["households"].to_numpy()[None, :]
    walk, ways = measure_walks(plan, there, rules, at)
    open_to = allowed[:, at] & (limit >= loads)
    own = _find_own(there, plan, posts, current, day)
    filled = _fill_walks(plan, there, walk, at, weights.detour)
    cost = _price(there, weights, loads, filled, home[:, at])
    cost += _price_changes(own, len(there), weights)
    return Case(
        plan=plan,
        workers=there,
        weights=weights,
        posts=posts,
        walk=walk,
        ways=ways,
        home=home[:, at],
        open_to=open_to,
        cost=np.where(open_to, np.round(cost), np.inf),
        vacant=price_vacant(posts, rules),
        own=own,
        aides=_find_aides(there, posts, current, day),
        beside=_pair_posts(posts, find_beside(plan)),
    )


def _find_home(plan: Plan, workers: gpd.GeoDataFrame) -> Flags:
    """Say which grids lie in each worker's own community."""
    places = plan.city.communities.index
    known = places.get_indexer(pd.Index(workers["community_id"]))[:, None]
    of = places.get_indexer(pd.Index(plan.grids["community_id"]))[None, :]
    return np.asarray((known == of) | (known < 0))


def _pair_posts(posts: pd.DataFrame, beside: Ints) -> Ints:
    """Return the pairs of posts of grids that touch, and of one grid."""
    at = posts["grid"].to_numpy(np.int64)
    members: dict[int, list[int]] = {}
    pairs: list[tuple[int, int]] = []
    for post, grid in enumerate(at.tolist()):
        members.setdefault(grid, []).append(post)
    for some in members.values():
        pairs += combinations(some, 2)
    for a, b in beside.tolist():
        pairs += product(
            members.get(a, []), members.get(b, [])
        )  # posts are in the order of their grids
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


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


def measure_walks(
    plan: Plan, workers: gpd.GeoDataFrame, rules: Rules, at: Ints | None = None
) -> tuple[Floats, Ints]:
    """Measure the way from each worker to grids of a plan: metres, positions in `WAYS`.

    ``at`` are positions of grids, any number of times; by default all.
    """
    points = grid_points(plan).to_numpy()
    some = np.arange(len(points)) if at is None else np.unique(at)
    walk, ways = make_walk_net(plan, rules).measure(_positions(workers), points[some])
    if at is None or np.array_equal(some, at):
        return walk, ways
    place = np.searchsorted(some, at)
    return walk[:, place], ways[:, place]


def _positions(workers: gpd.GeoDataFrame) -> Any:
    if isinstance(workers, gpd.GeoDataFrame):
        return workers.geometry.to_numpy()
    return np.full(len(workers), None, dtype=object)


def _fill_walks(
    plan: Plan, workers: gpd.GeoDataFrame, walk: Floats, at: Ints, detour: float
) -> Floats:
    """Let who has no position come from the middle of his community, or from everywhere alike."""
    unknown = np.isnan(walk).any(axis=1)
    if not unknown.any():
        return walk
    points = grid_points(plan)
    xy = np.stack([points.x, points.y], axis=1)
    community = plan.grids["community_id"].to_numpy(object)
    filled = walk.copy()
    for row in np.flatnonzero(unknown):
        inside = community == workers["community_id"].iloc[row]
        middle = xy[inside].mean(axis=0) if inside.any() else xy.mean(axis=0)
        off = np.hypot(*(xy - middle).T) * detour
        filled[row] = off[at] if inside.any() else off.mean()
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


def _price_changes(own: Ints, workers: int, weights: Weights) -> Floats:
    """Price whoever is not the one that a post has now, where it has one who is there."""
    others = (own[None, :] >= 0) & (own[None, :] != np.arange(workers)[:, None])
    return np.asarray(weights.change * others, np.float64)


def _find_own(
    workers: gpd.GeoDataFrame,
    plan: Plan,
    posts: pd.DataFrame,
    current: pd.DataFrame | None,
    on: date,
) -> Ints:
    """Return each post's present primary worker among those who are there, else -1."""
    if current is None:
        return np.full(len(posts), -1)
    held = posts_on(plan, current, _last_in_force(current, on))
    held["share"] = held.groupby("grid_code").cumcount() + 1
    holders = held.set_index(["grid_code", "share"])["worker_id"]
    keys = pd.MultiIndex.from_frame(posts[["grid_code", "share"]])
    return workers.index.get_indexer(holders.reindex(keys).fillna(""))


def _find_aides(
    workers: gpd.GeoDataFrame, posts: pd.DataFrame, current: pd.DataFrame | None, on: date
) -> Flags:
    """Flag each post's present deputies among those who are there."""
    aides = np.zeros((len(workers), len(posts)), bool)
    if current is None:
        return aides
    rows = duties_on(current, _last_in_force(current, on))
    rows = rows[rows["role"] == "deputy"]
    rows = rows[rows["worker_id"].isin(workers.index)].reset_index(drop=True)
    held = posts[["grid_code"]].reset_index(names="post").merge(rows, on="grid_code")
    aides[workers.index.get_indexer(pd.Index(held["worker_id"])), held["post"]] = True
    return aides


def _last_in_force(current: pd.DataFrame, on: date) -> date:
    """Return the day, or the one before it if what was in force ended then."""
    rows = duties_on(current, on)
    some = (rows["role"] == "primary") & (rows["worker_id"] != "")
    return on if some.any() else on - timedelta(days=1)


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
