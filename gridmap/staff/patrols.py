"""Rounds on foot: in which order a worker sees his stops, along the streets, day by day.

Each worker's stops are a routing problem with one vehicle a day: PyVRP, a maintained solver, finds
few days and short ways. It is a heuristic; its effort is a number of iterations, and a lower bound
(`gridmap.staff.bounds`) says how far from the best it may be at most.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.days import today_in_china
from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.bounds import bound_rounds
from gridmap.staff.case import check_workers_of, primaries_on
from gridmap.staff.reasons import Language
from gridmap.staff.walking import WalkNet, grid_points, make_walk_net
from gridmap.tables import PATROLS, STAFFING, STOPS, cast_columns, check_table

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class _Proof(NamedTuple):
    """What rounds have, and have at least."""

    days: int
    days_bound: int
    walk: float
    bound: float


_TEXTS: dict[str, dict[Language, str]] = {
    "nobody": {"zh": "网格无人负责", "en": "nobody serves the grid"},
    "far": {
        "zh": "单独前往需{alone:.0f}分钟，超过每日{most:.0f}分钟",
        "en": "takes {alone:.0f} minutes by itself, more than the {most:.0f} of a day",
    },
    "back": {"zh": "返回", "en": "back"},
}
#: Metres that a day counts: one day less is worth a way of 20 km.
_DAY = 20_000


def plan_patrols(
    plan: Plan,
    stops: gpd.GeoDataFrame,
    staffing: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    rules: Rules | None = None,
    *,
    day_minutes: float = 180.0,
    on: date | None = None,
    seed: int = 0,
    iterations: int = 500,
    lang: Language = "zh",
) -> gpd.GeoDataFrame:
    """Plan the rounds of the workers whose grids have stops.

    A stop belongs to the primary worker of the grid that it lies in (the nearest grid, outside of
    all), or to the deputy where the grid is vacant. Rounds begin and end at the worker's home or
    office, or in the middle of his first such grid where that is unknown.

    Parameters
    ----------
    plan : Plan
        The grids and streets.
    stops : GeoDataFrame
        `STOPS` in the CRS of the plan.
    staffing : DataFrame
        `STAFFING`.
    workers : GeoDataFrame
        `WORKERS`. For one worker's rounds give his rows of ``staffing`` only.
    rules : Rules, optional
        The plan's by default; ``staffing.speed`` is that of walking.
    day_minutes : float
        For walking and staying, in one day.
    on : date, optional
        Today by default.
    seed, iterations : int
        The same seed gives the same rounds; more iterations seldom shorten them.
    lang : {"zh", "en"}
        Of the notes.

    Returns
    -------
    GeoDataFrame
        `PATROLS`, by worker, day and order, each with the line walked to it. A stop that takes
        more than a day by itself, or whose grid nobody serves, has day 0 and a note.
        ``attrs["proof"]`` has ``days`` and ``walk`` (m) over all workers, ``days_bound`` and
        ``bound``: no rounds of these stops have fewer days, and none of so many days less metres
        (the whole need not be reachable); ``gap``: the share of ``walk`` above the bound; and
        ``status``: ``optimal`` where both are reached to a metre a leg, else ``within``.

    Raises
    ------
    TableError
        If a table breaks its contract.
    StaffError
        If the CRS differ, a stay is below 0, or PyVRP is not installed
        (``pip install gridmap[staff]``).
    """
    check_table(stops, STOPS)
    check_table(staffing, STAFFING)
    check_workers_of(plan, workers)
    _check_stops(plan, stops, day_minutes)
    rules, net = rules or plan.rules, make_walk_net(plan)
    codes = _find_grids(plan, stops)
    owner = codes.map(_find_owners(staffing, on or today_in_china())).fillna("")
    rows: list[dict[str, Any]] = []
    proofs: list[_Proof] = []
    for who, some in stops.groupby(owner.to_numpy(), sort=True):
        found, proof = _plan_worker(
            *(plan, net, some.assign(grid_code=codes), str(who), workers),
            *(rules.staffing.speed * 1000 / 60, day_minutes, seed, iterations, lang),
        )
        rows += found
        proofs.append(proof)
    frame = pd.DataFrame(rows, columns=[*PATROLS.columns, "geometry"])
    patrols = gpd.GeoDataFrame(
        cast_columns(frame, PATROLS), geometry="geometry", crs=plan.grids.crs
    )
    patrols.attrs["proof"] = _conclude(proofs, legs=len(frame))
    return patrols


def _conclude(proofs: list[_Proof], legs: int) -> dict[str, Any]:
    """Add up what is known of all workers' rounds."""
    none = _Proof(0, 0, 0.0, 0.0)
    days, days_bound, walk, bound = map(sum, zip(none, *proofs, strict=True))
    gap = max(walk - bound, 0.0) / walk if walk else 0.0
    met = days == days_bound and walk - bound <= legs
    return {
        "status": "optimal" if met else "within",
        "days": int(days),
        "days_bound": int(days_bound),
        "walk": float(walk),
        "bound": float(bound),
        "gap": float(gap),
    }


def _check_stops(plan: Plan, stops: gpd.GeoDataFrame, day_minutes: float) -> None:
    if stops.crs != plan.grids.crs:
        raise StaffError(f"stops: CRS {stops.crs} is not that of the plan, {plan.grids.crs}")
    bad = stops.index[~(stops["minutes"] >= 0)]
    if len(bad):
        raise StaffError(f"stop {bad[0]}: {stops.at[bad[0], 'minutes']} minutes; give 0 or more")
    if not day_minutes > 0:
        raise StaffError(f"a day of {day_minutes} minutes: give more than 0")


def _find_grids(plan: Plan, stops: gpd.GeoDataFrame) -> pd.Series:
    """Return the grid that each stop lies in, the nearest where in none, the first of two."""
    areas = plan.grids[["geometry"]].rename_axis("found")
    found = gpd.sjoin_nearest(stops[["geometry"]], areas)["found"]
    return found.groupby(level=0).min().reindex(stops.index)


def _find_owners(staffing: pd.DataFrame, on: date) -> dict[str, str]:
    """Return grid -> who makes its rounds: the primary worker, else the first deputy."""
    deputies = staffing[staffing["role"] == "deputy"].assign(role="primary")
    some = pd.concat([primaries_on(staffing, on), primaries_on(deputies, on)])
    return {str(code): str(who) for code, who in some[~some.index.duplicated()].items()}


def _plan_worker(
    plan: Plan,
    net: WalkNet,
    stops: gpd.GeoDataFrame,
    who: str,
    workers: gpd.GeoDataFrame,
    speed: float,
    day_minutes: float,
    seed: int,
    iterations: int,
    lang: Language,
) -> tuple[list[dict[str, Any]], _Proof]:
    """Return one worker's rows: the days, then what is in none; and how good they are."""
    if who not in workers.index:
        rows = [_leave_out(stop, who, _TEXTS["nobody"][lang]) for stop in stops.itertuples()]
        return rows, _Proof(0, 0, 0.0, 0.0)
    start = _find_start(plan, workers, who, stops)
    points = np.array([start, *stops.geometry], dtype=object)
    walk, _ = net.measure(points, points)
    stay = np.r_[0.0, stops["minutes"].to_numpy()]
    alone = (walk[0] + walk[:, 0]) / speed + stay
    fits = np.flatnonzero(alone <= day_minutes)  # the start is the first of them
    inner = walk[np.ix_(fits, fits)]
    rounds = _route(inner, stay[fits], speed, day_minutes, seed, iterations)
    rows = [
        row
        for day, visits in enumerate(rounds, start=1)
        for row in _write_day(net, stops, points, walk, speed, who, day, fits[visits], lang)
    ]
    proof = _weigh_rounds(rows, inner, stay[fits], len(rounds), speed, day_minutes)
    for at in np.flatnonzero(alone > day_minutes):
        note = _TEXTS["far"][lang].format(alone=alone[at], most=day_minutes)
        rows.append(_leave_out(next(stops.iloc[[at - 1]].itertuples()), who, note))
    return rows, proof


def _weigh_rounds(
    rows: list[dict[str, Any]],
    walk: Floats,
    stay: Floats,
    days: int,
    speed: float,
    day_minutes: float,
) -> _Proof:
    """Hold one worker's rounds against what is the least at best."""
    if not days:
        return _Proof(0, 0, 0.0, 0.0)
    least = (bound_rounds(walk) / speed + float(stay.sum())) / (day_minutes + 0.5)
    metres = float(sum(row["walk"] for row in rows))
    return _Proof(days, max(int(np.ceil(least - 1e-9)), 1), metres, bound_rounds(walk, days))


def _find_start(plan: Plan, workers: gpd.GeoDataFrame, who: str, stops: gpd.GeoDataFrame) -> Any:
    """Return where a worker sets out."""
    point = workers.geometry.loc[who] if isinstance(workers, gpd.GeoDataFrame) else None
    if point is None or point.is_empty:
        return grid_points(plan)[stops["grid_code"].min()]
    return point


def _leave_out(stop: Any, who: str, note: str) -> dict[str, Any]:
    """Return the row of a stop that is in no round."""
    return {
        **{"worker_id": who, "day": 0, "order": 0, "stop_id": str(stop.Index), "name": stop.name},
        **{"kind": stop.kind, "grid_code": stop.grid_code, "walk": np.nan, "arrive": np.nan},
        **{"minutes": stop.minutes, "note": note, "geometry": None},
    }


def _route(
    walk: Floats, stay: Floats, speed: float, day_minutes: float, seed: int, iterations: int
) -> list[Ints]:
    """Return the visits of each day, positions in ``walk``, of which 0 is where days begin."""
    if len(walk) < 2:
        return []
    model_class, stop_rule = _load_solver()
    metres, seconds = np.round(walk).astype(int), np.ceil(walk / speed * 60).astype(int)
    # A day for each stop is always enough: rounding up is within the half minute that is added.
    model = model_class()
    places = [model.add_location(0, 0) for _ in walk]
    model.add_depot(places[0])
    for place, minutes in zip(places[1:], stay[1:], strict=True):
        model.add_client(place, service_duration=int(np.ceil(minutes * 60)))
    model.add_vehicle_type(
        num_available=len(walk) - 1, fixed_cost=_DAY, shift_duration=round(day_minutes * 60) + 30
    )
    for a, b in zip(*np.nonzero(~np.eye(len(walk), dtype=bool)), strict=True):
        model.add_edge(places[a], places[b], int(metres[a, b]), int(seconds[a, b]))
    found = model.solve(stop_rule(iterations), seed=seed, collect_stats=False, display=False)
    if not found.is_feasible():
        raise StaffError(f"no rounds were found in {iterations} iterations: give more")
    rounds = [_list_visits(route) for route in found.best.routes()]
    return sorted(rounds, key=lambda visits: int(visits.min()))


def _list_visits(route: Any) -> Ints:
    """Return the visits of a route, in the direction that begins with the earlier stop."""
    visits = np.array([1 + stop.idx for stop in route if stop.is_client()], np.int64)
    return visits if visits[0] <= visits[-1] else visits[::-1]


def _load_solver() -> tuple[Any, Any]:
    try:
        from pyvrp import Model
        from pyvrp.stop import MaxIterations
    except ImportError as error:
        raise StaffError("rounds are planned by PyVRP: pip install gridmap[staff]") from error
    return Model, MaxIterations


def _write_day(
    net: WalkNet,
    stops: gpd.GeoDataFrame,
    points: Any,
    walk: Floats,
    speed: float,
    who: str,
    day: int,
    visits: Ints,
    lang: Language,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one day, the way back last."""
    clock, before = 0.0, 0
    for order, at in enumerate([*visits, 0], start=1):
        clock += walk[before, at] / speed
        row = {
            **{"worker_id": who, "day": day, "order": order, "walk": walk[before, at]},
            **{"arrive": clock, "note": "", "geometry": net.trace(points[before], points[at])},
        }
        if at:
            stop = next(stops.iloc[[at - 1]].itertuples())
            row |= {"stop_id": str(stop.Index), "name": stop.name, "kind": stop.kind}
            row |= {"grid_code": stop.grid_code, "minutes": stop.minutes}
            clock += stop.minutes
        else:
            row |= {
                "stop_id": "",
                "name": _TEXTS["back"][lang],
                "kind": "",
                "grid_code": "",
                "minutes": 0.0,
            }
        yield row
        before = at
