"""Who serves each grid: the cheapest staffing that keeps every limit, and why it is that one."""

from collections.abc import Iterator
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from gridmap.days import today_in_china
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.case import Case, make_case
from gridmap.staff.columns import Duties, Optimum
from gridmap.staff.deputies import find_deputies
from gridmap.staff.optimum import find_optimum
from gridmap.staff.reasons import Choice, Language, Reason, explain_deputies, explain_primaries
from gridmap.tables import STAFFING, WAYS, cast_columns

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def assign_workers(
    plan: Plan,
    workers: gpd.GeoDataFrame,
    rules: Rules | None = None,
    *,
    current: pd.DataFrame | None = None,
    on: date | None = None,
    lang: Language = "zh",
) -> pd.DataFrame:
    """Give each grid its primary worker and its deputies.

    A grid that nobody may carry alone is shared by as few workers as can be, each with a row of his
    own; where they are not enough, those who are there are named and the rest is a vacant share.

    What always holds: a community worker or part-timer serves his own community only; nobody
    carries more households than his limit; more than one grid only where they are adjacent, of one
    community, and the rules' ``max_grids_per_worker`` allows it. What is weighed, in the rules'
    ``staffing``: grids without a worker, grids that share one, the way on foot, changes, even
    loads, cadres outside the community they are sent to. The weighted sum is the least that there
    can be, over the whole city; `attrs` say so.

    Deputies are given after that: a free worker, else the primary worker of a grid beside it, each
    as seldom as can be. A deputy stands in; the grid is not counted in his load.

    Parameters
    ----------
    plan : Plan
        The grids.
    workers : GeoDataFrame
        `WORKERS` in the CRS of the plan; `read_workers` or `make_workers`.
    rules : Rules, optional
        The plan's by default.
    current : DataFrame, optional
        `STAFFING` in force until now; who stays in a grid keeps the first day there. Grids and
        workers that are no more are passed over.
    on : date, optional
        The first day; today by default. Workers whose days do not include it are left out.
    lang : {"zh", "en"}
        Of the reasons.

    Returns
    -------
    DataFrame
        `STAFFING`: for each grid one primary row (``worker_id`` "" where it is vacant), for
        a shared one a row for each share, and as many deputies as the rules ask for, with the
        reason. ``attrs["proof"]`` has ``status`` (optimal
        or within), ``cost``, ``bound`` and ``gap`` in metres.

    Raises
    ------
    TableError
        If the workers break their contract.
    StaffError
        If a worker is of a community that the plan doesn't have, or the CRS differ.
    """
    rules = rules or plan.rules
    case = make_case(plan, workers, rules, current=current, on=on)
    day = pd.Timestamp(on or today_in_china())
    duties, groups = list_duties(case)
    optimum = find_optimum(duties)
    primary = _spread(duties, groups, optimum.columns, len(case.posts))
    choice = _make_choice(case, duties, optimum, primary)
    deputies = find_deputies(case, primary)
    rows = [
        *explain_primaries(case, choice, lang),
        *explain_deputies(case, choice, deputies, lang),
    ]
    staffing = _tabulate(case, choice, rows, day, current)
    gap = optimum.cost - optimum.bound
    status = "optimal" if gap < 1 else "within"
    staffing.attrs["proof"] = {
        "status": status, "cost": optimum.cost, "bound": optimum.bound, "gap": gap
    }  # fmt: skip
    return staffing


def list_duties(case: Case) -> tuple[Duties, list[tuple[int, ...]]]:
    """List everything that a worker may be given, with its cost, and the sets of posts."""
    n = len(case.posts)
    most = max(case.workers["limit"].max(), 0) if len(case.workers) else 0
    groups: list[tuple[int, ...]] = [(at,) for at in range(n)]
    groups += _list_groups(case, int(most))
    singles = np.isfinite(case.cost)
    worker, grid = np.nonzero(singles)
    parts = [(worker, grid, case.cost[singles])]
    parts += _price_groups(case, groups[n:], n)
    workers, group, cost = (np.concatenate(column) for column in zip(*parts, strict=True))
    rows = np.repeat(np.arange(len(groups)), [len(one) for one in groups])
    flat = np.array([grid for one in groups for grid in one], np.int64)
    members = scipy.sparse.csr_array((np.ones(len(flat)), (rows, flat)), shape=(len(groups), n))
    doubled = float(round(case.weights.doubled))
    duties = Duties(
        *(workers.astype(np.int64), group.astype(np.int64), cost, members, doubled),
        *(case.vacant, len(case.workers)),
    )
    return duties, groups


def _list_groups(case: Case, most: int) -> list[tuple[int, ...]]:
    """List the sets of posts in two and more adjacent grids that ``most`` households allow."""
    households, of = case.posts["households"].to_numpy(), case.posts["grid"].tolist()
    near: dict[int, list[int]] = {}
    for a, b in case.beside.tolist():
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    found: list[tuple[int, ...]] = []
    level: list[tuple[int, ...]] = [(at,) for at in sorted(near)]
    for _ in range(case.weights.max_grids_per_worker - 1):
        wider = {tuple(sorted((*one, b))) for one in level for a in one for b in near[a]
                 if of[b] not in {of[at] for at in one}}  # fmt: skip
        level = sorted(one for one in wider if households[list(one)].sum() <= most)
        found += level
    return found


def _price_groups(
    case: Case, groups: list[tuple[int, ...]], first: int
) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Price each set of grids for each worker who may take all of it."""
    weights, households = case.weights, case.posts["households"].to_numpy()
    limit = case.workers["limit"].to_numpy()
    capacity = np.maximum(case.workers["capacity"].to_numpy(float), 1.0)
    for at, some in enumerate(groups, start=first):
        members = list(some)
        load = int(households[members].sum())
        rows = np.flatnonzero(case.open_to[:, members].all(axis=1) & (limit >= load))
        usual = capacity[rows]
        single = households[members][None, :] / usual[:, None]
        uneven = (load / usual - 1) ** 2 - ((single - 1) ** 2).sum(axis=1)
        cost = case.cost[rows][:, members].sum(axis=1) + weights.fairness * uneven
        cost += round(weights.doubled) * (len(members) - 1)
        yield rows, np.full(len(rows), at), np.round(cost)


def _spread(duties: Duties, groups: list[tuple[int, ...]], columns: Ints, grids: int) -> Ints:
    """Return the worker of each grid, -1 where it is vacant."""
    primary = np.full(grids, -1)
    for column in columns:
        primary[list(groups[duties.group[column]])] = duties.worker[column]
    return primary


def _make_choice(case: Case, duties: Duties, optimum: Optimum, primary: Ints) -> Choice:
    """Put together what the reasons are told from."""
    single = duties.group < len(primary)
    reduced = np.full(case.cost.shape, np.inf)
    reduced[duties.worker[single], duties.group[single]] = optimum.reduced[single]
    gap = optimum.cost - optimum.bound
    extra = np.maximum(np.floor(reduced - gap), 0.0)
    load = np.zeros(len(case.workers), np.int64)
    served = primary >= 0
    np.add.at(load, primary[served], case.posts["households"].to_numpy()[served])
    return Choice(primary, load, extra)


def _tabulate(
    case: Case, choice: Choice, rows: list[Reason], day: pd.Timestamp, current: pd.DataFrame | None
) -> pd.DataFrame:
    """Make the table of duties out of the reasons, one row each."""
    grid = np.array([row.grid for row in rows], np.int64)
    worker = np.array([row.worker for row in rows], np.int64)
    rival = np.array([row.rival for row in rows], np.int64)
    codes = case.posts["grid_code"].to_numpy(object)[grid]
    frame = pd.DataFrame(
        {
            "grid_code": codes,
            "worker_id": _take(case.workers.index, worker, ""),
            "role": [row.role for row in rows],
            "starts": day,
            "ends": _take(case.workers["ends"], worker, pd.NaT),
            "households": case.posts["households"].to_numpy()[grid],
            "load": np.where(worker >= 0, choice.load[worker], 0) if len(choice.load) else 0,
            "walk": _take_pairs(case.walk, worker, grid, np.nan),
            "way": np.array(WAYS)[_take_pairs(case.ways, worker, grid, len(WAYS) - 1)],
            "binding": [row.binding for row in rows],
            "rival": _take(case.workers.index, rival, ""),
            "rival_walk": _take_pairs(case.walk, rival, grid, np.nan),
            "extra": [row.extra for row in rows],
            "reason": [row.text for row in rows],
        }
    )
    frame = _keep_starts(cast_columns(frame, STAFFING), current)
    return frame.sort_values(["grid_code", "role"], ascending=[True, False], ignore_index=True)


def _take(values: pd.Series | pd.Index, at: Ints, missing: object) -> list[object]:
    """Take values at positions, of which -1 is missing."""
    some = list(values)
    return [some[where] if where >= 0 else missing for where in at]


def _take_pairs(values: Floats | Ints, worker: Ints, grid: Ints, missing: float) -> Floats | Ints:
    """Take values of workers and grids, missing where the worker is -1."""
    if not len(values):
        return np.full(len(grid), missing)
    return np.where(worker >= 0, values[worker, grid], missing)


def _keep_starts(frame: pd.DataFrame, current: pd.DataFrame | None) -> pd.DataFrame:
    """Let who stays in a duty keep the day when he came to it."""
    if current is None:
        return frame
    key = ["grid_code", "worker_id", "role"]
    since = current[current["worker_id"] != ""].groupby(key)["starts"].max()
    day = frame["starts"].iloc[0] if len(frame) else pd.NaT
    days = since.reindex(pd.MultiIndex.from_frame(frame[key])).to_numpy()
    kept = pd.Series(days, frame.index, dtype="datetime64[s]")
    return frame.assign(starts=frame["starts"].where(kept.isna() | (kept > day), kept))
