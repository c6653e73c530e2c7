"""Draw real cities with gridmap, METIS and spopt, in one run: python benchmarks/real_cities.py.

The cities are Bukit Merah (Singapore's flats, with real counts of homes) and Vologda (a whole city
without communities), from ``../shared/data`` beside the checkout. Entrances, units and adjacency
are those of the main job, and the same for all. METIS, k-way with contiguous parts, is called for
each connected part. spopt's max-p-regions (Duque, Anselin, Rey 2012; Wei, Rey, Knaap 2021) makes as
many compact regions as it can of the band's lower end or more households; it is called for some
parts of at most ``--largest`` units, and those are set against each other by themselves. Vologda is
one part, so for that it is first divided along its main roads; only two parts are taken, as spopt
needs minutes for one in which most units are empty. ``pip install gridmap[benchmark]`` brings the
peers. ``--json FILE`` writes a list of ``{bar, ours, peer, ratio, goal, met}``.
"""

import argparse
import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
from main_job import CITIES  # the scripts beside this one
from partition import draw_metis, judge, prepare_metis
from report import Bar, make_parser, show, write_bars  # the script beside this one

import gridmap
from gridmap.entrances import divide_buildings
from gridmap.partition import Problem, evaluate, make_problem, partition_problem, take_units
from gridmap.partition.problem import Component, Ints, split_components
from gridmap.targets import building_limits

RULES = gridmap.Rules()
#: City -> connected parts that spopt is called for.
PARTS = {"bukit_merah": 12, "vologda": 2}
#: Bar -> goal against the peer of the table.
GOALS = {
    "grids within 20 %, %": ("ratio", ">=", 1.0),
    "grids within 10 %, %": ("ratio", ">=", 1.0),
    "grids within 5 %, %": ("ratio", ">=", 1.0),
    "mean deviation, %": ("ratio", "<=", 1.0),
    "grids in more than one piece": ("ours", "<=", 0.0),
}


@dataclass(frozen=True)
class Town:
    """A city cut into units: the problem, and where the units are."""

    name: str
    problem: Problem
    points: Any  #: (units, 2) metres


def read_town(name: str, divide: bool = False) -> Town:
    """Read a city and cut it as `gridmap.draw_plan` does; without communities, if it is to be."""
    path, columns, _ = CITIES[name]
    city = gridmap.read_city(path, columns=columns)
    city = gridmap.divide_communities(city) if divide else city
    city = divide_buildings(city, building_limits(city, RULES))
    units = gridmap.make_units(city)
    problem = make_problem(units, gridmap.build_adjacency(units, city, RULES))
    return Town(name, problem, units.representative_point().get_coordinates().to_numpy())


def time_drawing(draw: Callable[[], Ints], runs: int) -> tuple[float, Ints]:
    """Draw several times; give the median of the seconds, and the labels."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        labels = draw()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), labels


def draw_ours(problem: Problem, workers: int) -> Ints:
    """Draw with the default effort."""
    with ThreadPoolExecutor(workers) as executor:
        return partition_problem(problem, RULES, executor=executor)


def draw_spopt(town: Town, problem: Problem, units: Ints) -> Ints:
    """Draw each connected part with max-p-regions; a part below the threshold is one grid."""
    labels, first = np.zeros(len(problem), np.int64), 0
    for component in split_components(problem, RULES):
        part = solve_maxp(component, town.points[units[component.units]])
        labels[component.units] = part + first
        first += int(part.max()) + 1
    return labels


def solve_maxp(component: Component, points: Any) -> Ints:
    """Solve one connected part with spopt."""
    from libpysal.weights import W
    from spopt.region import MaxPHeuristic

    graph, least = component.graph, RULES.band[0]
    if component.grids == 1 or graph.households.sum() < 2 * least:
        return np.zeros(len(points), np.int64)
    kept = graph.usable
    beside = {unit: [] for unit in range(len(points))}
    for one, two in zip(graph.owner[kept].tolist(), graph.neighbour[kept].tolist(), strict=True):
        beside[one].append(two)
    frame = gpd.GeoDataFrame(
        {"x": points[:, 0], "y": points[:, 1], "households": graph.households},
        geometry=gpd.points_from_xy(*points.T),
    )
    np.random.seed(0)  # noqa: NPY002 - spopt draws from numpy's global state
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MaxPHeuristic(frame, W(beside), ["x", "y"], "households", least)
        model.solve()
    return np.unique(np.asarray(model.labels_), return_inverse=True)[1].astype(np.int64)


def score(problem: Problem, labels: Ints, seconds: float) -> dict[str, float]:
    """Measure a drawing, whoever made it."""
    cost = evaluate(problem, labels, RULES)
    off = np.abs(cost.grids["deviation"])
    return {
        "time, s": seconds,
        "grids": float(len(off)),
        "grids within 20 %, %": 100 * float((off <= 0.2).mean()),
        "grids within 10 %, %": 100 * float((off <= 0.1).mean()),
        "grids within 5 %, %": 100 * float((off <= 0.05).mean()),
        "mean deviation, %": 100 * float(off.mean()),
        "worst deviation, %": 100 * float(off.max()),
        "border inside communities, km": cost.counts["border"] / 1000,
        "main roads inside grids, km": cost.counts["main_road"] / 1000,
        "extra splits of compounds": cost.counts["compound"],
        "grids in more than one piece": float((cost.grids["pieces"] > 1).sum()),
        "cost, ours and theirs by our objective": cost.total,
    }


def compare(
    title: str, peer_name: str, ours: dict[str, float], peer: dict[str, float]
) -> list[Bar]:
    """Print one table and give its rows."""
    print(title)
    rows = [
        judge(f"{title}, {peer_name}", bar, value, peer.get(bar), GOALS.get(bar))
        for bar, value in ours.items()
    ]
    show([{**row, "bar": row["bar"].rpartition(": ")[2]} for row in rows], peer_name)
    return rows


def compare_metis(town: Town, wish: argparse.Namespace) -> list[Bar]:
    """Set a whole city against METIS."""
    calls = prepare_metis(town.problem)
    spent, labels = time_drawing(lambda: draw_metis(calls, wish.workers), wish.runs)
    peer = score(town.problem, labels, spent)
    spent, labels = time_drawing(lambda: draw_ours(town.problem, wish.workers), wish.runs)
    title = f"{town.name}, all {len(town.problem)} units"
    return compare(title, "METIS", score(town.problem, labels, spent), peer)


def compare_spopt(town: Town, wish: argparse.Namespace) -> list[Bar]:
    """Set the parts that spopt can solve against it, and against METIS once more."""
    size = np.bincount(town.problem.part)
    homes = np.bincount(town.problem.part, town.problem.households)
    fit = np.flatnonzero((size <= wish.largest) & (homes >= 2 * RULES.band[0]))[: PARTS[town.name]]
    units = np.flatnonzero(np.isin(town.problem.part, fit))
    problem = take_units(town.problem, units)
    spent, labels = time_drawing(lambda: draw_ours(problem, 1), wish.runs)
    ours = score(problem, labels, spent)
    title = f"{town.name}, {problem.part.max() + 1} parts of up to {wish.largest} units"
    spent, labels = time_drawing(lambda: draw_spopt(town, problem, units), 1)
    rows = compare(title, "spopt", ours, score(problem, labels, spent))
    calls = prepare_metis(problem)
    spent, labels = time_drawing(lambda: draw_metis(calls, 1), wish.runs)
    return rows + compare(title, "METIS", ours, score(problem, labels, spent))


def main() -> None:
    """Read the cities, print the tables, write the list."""
    parser = make_parser(__doc__)
    parser.add_argument("--runs", type=int, default=5, help="the median time counts")
    parser.add_argument("--largest", type=int, default=150, help="units of a part for spopt")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    wish = parser.parse_args()
    gridmap.warm_up()
    rows = []
    for name in PARTS:
        town = read_town(name)
        rows += compare_metis(town, wish)
        rows += compare_spopt(read_town(name, divide=True) if name == "vologda" else town, wish)
    write_bars(rows, wish.json)


if __name__ == "__main__":
    main()
