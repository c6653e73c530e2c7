"""Staffing a city: ours against a greedy pass and plain nearest, on the same ways, in one run.

    python benchmarks/staff.py [--json FILE] [--grids 2157]

The greedy pass takes pairs of worker and grid by rising cost, as an office does by hand, then lets
workers take a second, adjacent grid; plain nearest goes from grid to grid and takes the nearest
worker who may serve it and is free. Both keep every limit that ours keeps. Then 5 % of the workers
leave and as many come: how many grids change hands that did not have to. Last a year's rotation of
all cadres, in three waves: against an office that gives each grid the first one in the list who is
sent to its community, else the first at all.
"""

import time
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from report import Bar, make_bar, make_parser, report  # the script beside this one

import gridmap
from gridmap.staff.assign import list_duties
from gridmap.staff.case import Case, make_case

DAY = date(2025, 3, 3)
Ints = npt.NDArray[np.int64]


def assign_greedily(case: Case) -> Ints:
    """Take pairs by rising cost, each worker once; then second grids for those that are left."""
    order = np.argsort(case.cost, axis=None, kind="stable")
    pairs = np.stack(np.unravel_index(order, case.cost.shape), axis=1)
    pairs = pairs[np.isfinite(case.cost[pairs[:, 0], pairs[:, 1]])]
    return double_up(case, take_in_order(case, pairs.tolist()))


def assign_nearest(case: Case) -> Ints:
    """Go from grid to grid and take the nearest free worker who may serve it."""
    walk = np.where(case.open_to, case.walk, np.inf)
    taken = np.full(len(case.posts), -1)
    free = np.ones(len(case.workers), bool)
    for grid in range(len(taken)):
        way = np.where(free, walk[:, grid], np.inf)
        best = int(way.argmin())
        if np.isfinite(way[best]):
            taken[grid], free[best] = best, False
    return double_up(case, taken)


PEERS = {"greedy": assign_greedily, "nearest": assign_nearest}
#: What is compared, and the goal.
FIGURES = {
    "cost_km": "> 1x",
    "vacant": "<= peer",
    "walk_km": "> 1x",
    "outside": "<= peer",
    "most": "<= 500 households",
}


def take_in_order(case: Case, pairs: list[list[int]]) -> Ints:
    """Give each grid the first worker of the pairs who is free."""
    taken = np.full(len(case.posts), -1)
    free = np.ones(len(case.workers), bool)
    for worker, grid in pairs:
        if free[worker] and taken[grid] < 0:
            taken[grid], free[worker] = worker, False
    return taken


def double_up(case: Case, taken: Ints) -> Ints:
    """Let the worker of an adjacent grid take one that is vacant, where both are within limits."""
    households = case.posts["households"].to_numpy()
    limit = case.workers["limit"].to_numpy()
    for a, b in [*case.beside.tolist(), *case.beside[:, ::-1].tolist()]:
        who = taken[a]
        if not taken[b] < 0 <= who or (taken == who).sum() > 1:
            continue
        if case.open_to[who, b] and households[[a, b]].sum() <= limit[who]:
            taken[b] = who
    return taken


def price(case: Case, taken: Ints) -> float:
    """Price a choice as ours is priced."""
    duties, groups = list_duties(case)
    places = {group: at for at, group in enumerate(groups)}
    table = pd.Series(duties.cost, pd.MultiIndex.from_arrays([duties.worker, duties.group]))
    total = float(duties.vacant[taken < 0].sum())
    for who in np.unique(taken[taken >= 0]):
        group = places[tuple(np.flatnonzero(taken == who).tolist())]
        total += float(table[(who, group)])
    return total


def describe(case: Case, taken: Ints) -> dict[str, Any]:
    """Return the figures of a choice."""
    served = np.flatnonzero(taken >= 0)
    households = case.posts["households"].to_numpy()
    loads = np.bincount(taken[served], households[served])
    return {
        "walk_km": float(case.walk[taken[served], served].sum() / 1000),
        "most": int(loads.max()),
        "vacant": int((taken < 0).sum()),
        "outside": int((~case.home[taken[served], served]).sum()),
        "cost_km": price(case, taken) / 1000,
    }


def take_primaries(case: Case, staffing: pd.DataFrame) -> Ints:
    """Return the workers of a staffing as positions."""
    rows = staffing[staffing["role"] == "primary"]  # in the order of the posts
    rows = rows.sort_values(["grid_code", "households"], ascending=[True, False], kind="stable")
    return case.workers.index.get_indexer(rows["worker_id"])


def turn_over(workers: gpd.GeoDataFrame, share: float, seed: int) -> gpd.GeoDataFrame:
    """Replace a share of the workers by others of the same kind who live elsewhere."""
    rng = np.random.default_rng(seed)
    leave = rng.choice(len(workers), round(share * len(workers)), replace=False)
    others = workers.iloc[leave].copy()
    others.index = pd.Index([f"N{name}" for name in others.index], name=workers.index.name)
    others["geometry"] = others.geometry.to_numpy()[rng.permutation(len(others))]
    return gpd.GeoDataFrame(pd.concat([workers.drop(workers.index[leave]), others]))


def count_changes(before: pd.Series, after: pd.Series, there: pd.Index) -> int:
    """Count grids that change hands though their worker stays."""
    return int(((before != after) & before.isin(there)).sum())


def hold(plan: gridmap.Plan, case: Case, taken: Ints) -> pd.Series:
    """Return grid_code -> worker_id of a choice."""
    ids = np.append(case.workers.index.to_numpy(object), "")
    return pd.Series(ids[taken], plan.grids.index)


def measure_bars(grids: int) -> list[Bar]:
    """Staff the city in three ways, then again after a change of 5 % of the workers."""
    plan = gridmap.draw_plan(gridmap.make_city(grids))
    workers = gridmap.make_workers(plan)
    gridmap.assign_workers(plan, workers.iloc[:2], on=DAY)  # imports and caches
    start, spent = time.perf_counter(), time.process_time()
    staffing = gridmap.assign_workers(plan, workers, on=DAY)
    seconds, spent = time.perf_counter() - start, time.process_time() - spent
    case = make_case(plan, workers, plan.rules, current=None, on=DAY)
    ours = describe(case, take_primaries(case, staffing))
    peers = {name: assign(case) for name, assign in PEERS.items()}
    gap = staffing.attrs["proof"]["gap"]
    size = f"staff: {len(plan.grids)} grids, {len(workers)} workers"
    bars = [
        make_bar(f"{size}, seconds of a processor", spent, None, "< 10 s", spent < 10),
        make_bar(f"{size}, seconds on the clock", seconds, None, "< 10 s", seconds < 10),
        make_bar(f"{size}, gap to the bound, m", gap, None, "0", gap == 0),
    ]
    bars += compare(case, ours, peers, "")
    bars += measure_changes(plan, workers, staffing, case, peers)
    bars += measure_plenty(plan)
    return bars + measure_year(plan, workers)


def measure_plenty(plan: gridmap.Plan) -> list[Bar]:
    """Staff the city with recruits enough for every grid: here the ways can be compared."""
    workers = gridmap.make_workers(plan, recruits=round(0.15 * len(plan.grids)))
    staffing = gridmap.assign_workers(plan, workers, on=DAY)
    case = make_case(plan, workers, plan.rules, current=None, on=DAY)
    peers = {name: assign(case) for name, assign in PEERS.items()}
    return compare(case, describe(case, take_primaries(case, staffing)), peers, ", 15 % recruits")


#: First and last days of the waves of cadres, and how many of a wave do not come.
WAVES = (("01-01", "04-30", 0), ("04-20", "08-31", 0), ("08-20", "12-31", 5))


def make_waves(workers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Let the cadres come in three waves, each from other homes than the one before."""
    cadres, waves = workers[workers["kind"] == "cadre"], []
    for number, (first, last, missing) in enumerate(WAVES):
        rng = np.random.default_rng(number)
        wave = cadres.copy()
        wave["geometry"] = cadres.geometry.to_numpy()[rng.permutation(len(cadres))]
        for column, day in (("starts", first), ("ends", last)):
            wave[column] = np.datetime64(f"2025-{day}", "s")
        wave.index = pd.Index([f"{name}-{number}" for name in cadres.index], name=cadres.index.name)
        waves.append(wave.assign(person=wave.index).iloc[: len(wave) - missing])
    return gpd.GeoDataFrame(pd.concat([workers[workers["kind"] != "cadre"], *waves]))


def follow_the_list(
    plan: gridmap.Plan, staffing: pd.DataFrame, people: gpd.GeoDataFrame, last: date
) -> int:
    """Count the days without a worker where each wave follows in the order of the list."""
    held = staffing[staffing["role"] == "primary"]
    leaving = held[held["ends"].notna() | (held["worker_id"] == "")]
    start = pd.Timestamp(DAY.year, 1, 1)
    free = [start - pd.Timedelta(days=1) if pd.isna(end) else end for end in leaving["ends"]]
    places = plan.grids["community_id"].reindex(leaving["grid_code"]).tolist()
    terms = people[(people["kind"] == "cadre") & ~people.index.isin(held["worker_id"])]
    terms = terms.sort_values("starts", kind="stable")[["community_id", "starts", "ends"]]
    left = terms.to_numpy().tolist()
    uncovered = 0
    while open_ := [at for at, end in enumerate(free) if end < pd.Timestamp(last)]:
        at = min(open_, key=lambda one: free[one])
        later = [one for one in left if one[2] > free[at]]
        term = next((one for one in later if one[0] == places[at]), later[0] if later else None)
        end = pd.Timestamp(last) if term is None else term[2]
        begin = pd.Timestamp(last) + pd.Timedelta(days=1) if term is None else term[1]
        uncovered += max((begin - free[at]).days - 1, 0)
        free[at] = end
        if term is not None:
            left.remove(term)
    return uncovered


def measure_year(plan: gridmap.Plan, workers: gpd.GeoDataFrame) -> list[Bar]:
    """Plan a year in which all cadres change twice, and replace one of them."""
    people, start, last = make_waves(workers), date(DAY.year, 1, 1), date(DAY.year, 12, 31)
    staffing = gridmap.assign_workers(plan, people, on=start)
    before = time.perf_counter()
    calendar = gridmap.plan_rotation(plan, staffing, people, start=start, days=365)
    seconds = time.perf_counter() - before
    ours, peer = calendar.attrs["proof"]["uncovered"], follow_the_list(plan, staffing, people, last)
    title = "staff: a year's rotation"
    return [
        make_bar(f"{title}, seconds on the clock", seconds, None, "< 10 s", seconds < 10),
        make_bar(f"{title}, days without a worker", ours, peer, "<= peer", ours <= peer),
    ]


def compare(case: Case, ours: dict[str, Any], peers: dict[str, Ints], where: str) -> list[Bar]:
    """Compare figures; ways only where the peer serves as many grids: no way is the shortest."""
    bars = []
    for name, taken in peers.items():
        peer = describe(case, taken)
        for figure, goal in FIGURES.items():
            met = ours[figure] <= (500 if figure == "most" else peer[figure])
            if figure in ("walk_km", "outside") and ours["vacant"] < peer["vacant"]:
                continue
            title = f"staff: {figure} against {name}{where}"
            bars.append(make_bar(title, ours[figure], peer[figure], goal, met))
    return bars


def measure_changes(
    plan: gridmap.Plan,
    workers: gpd.GeoDataFrame,
    staffing: pd.DataFrame,
    case: Case,
    peers: dict[str, Ints],
) -> list[Bar]:
    """Count needless changes after 5 % of the workers were replaced."""
    others = turn_over(workers, 0.05, seed=1)
    again = gridmap.assign_workers(plan, others, current=staffing, on=DAY)
    new = make_case(plan, others, plan.rules, current=None, on=DAY)
    stays = others.index
    before = hold(plan, case, take_primaries(case, staffing))
    ours = count_changes(before, hold(plan, new, take_primaries(new, again)), stays)
    bars = []
    for name, assign in PEERS.items():
        old = hold(plan, case, peers[name])
        theirs = count_changes(old, hold(plan, new, assign(new)), stays)
        title = f"staff: needless changes when 5 % of workers change, against {name}"
        bars.append(make_bar(title, ours, theirs, "> 1x", ours <= theirs))
    return bars


def main() -> None:
    """Measure, print, and write the file asked for."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, default=2157)
    asked = parser.parse_args()
    bars = measure_bars(asked.grids)
    report(bars, asked.json)


if __name__ == "__main__":
    main()
