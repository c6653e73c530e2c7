"""Draw the benchmark city with gridmap and with METIS, in one run: python benchmarks/partition.py.

Two tables, the presets `balance` and `shape`, with the curve between them; then `balance` against
KaHIP (fast), which does not keep grids in one piece, and at high effort.

The city is ``city_graph_40k.npz`` in ``../shared/data`` beside the checkout. The peer is METIS,
k-way with contiguous parts and 5 % imbalance, community by community; it is told of barriers and
compounds through the weights of the pairs. ``pip install gridmap[benchmark]`` brings the peers;
where one is missing only ours is run and bars against it stay open. ``--json FILE`` writes a list
of ``{bar, ours, peer, ratio, goal, met}``.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from report import Bar, make_bar, make_parser, show, write_bars  # the script beside this one

from gridmap.partition import (
    DEFAULT_STEPS,
    Problem,
    assemble_problem,
    evaluate,
    partition_problem,
    warm_up,
)
from gridmap.partition.problem import Component, Ints, split_components
from gridmap.rules import Costs, Rules

try:
    import pymetis
except ImportError:
    pymetis = None
try:
    import kahip
except ImportError:
    kahip = None

CITY = Path(__file__).parents[2] / "shared" / "data" / "city_graph_40k.npz"
RULES = Rules(target=300)
#: What METIS pays per decimetre of border, by what lies along it: along barriers it is to cut.
EASE = np.array([1.0, 0.5, 0.25, 0.1, 0.1])
#: How a bar is judged: ours against a number, or ours / peer against a ratio.
Goal: TypeAlias = tuple[str, str, float]
#: Preset -> bar -> goal.
GOALS: dict[str, dict[str, Goal]] = {
    "balance": {
        "time, s": ("ratio", "<=", 3.0),
        "grids within 20 %, %": ("ours", ">=", 99.3),
        "grids within 10 %, %": ("ours", ">=", 92.0),
        "grids within 5 %, %": ("ours", ">=", 66.0),
        "border inside communities, km": ("ratio", "<=", 0.95),
        "grids across a main road": ("ratio", "<=", 0.65),
        "grids in more than one piece": ("ours", "<=", 0.0),
    },
    "shape": {
        "time, s": ("ratio", "<=", 5.0),
        "grids within 20 %, %": ("ours", ">=", 98.8),
        "grids within 10 %, %": ("ours", ">=", 86.0),
        "border inside communities, km": ("ratio", "<=", 0.865),
        "grids across a main road": ("ratio", "<=", 0.44),
        "extra splits of compounds": ("ratio", "<=", 0.57),
        "mean Polsby-Popper": ("ours", ">=", 0.60),
    },
}
#: Moves per unit at high effort.
HIGH = 6000
#: Bars of the preset balance at high effort.
HIGH_GOALS: dict[str, Goal] = {
    "time, s": ("ours", "<=", 60.0),
    "grids within 20 %, %": ("ours", ">=", 99.6),
    "grids within 10 %, %": ("ours", ">=", 95.0),
    "grids within 5 %, %": ("ours", ">=", 73.0),
    "grids in more than one piece": ("ours", "<=", 0.0),
}
#: Columns of the curve between the presets.
CURVE = (
    "time, s",
    "grids within 20 %, %",
    "grids within 10 %, %",
    "border inside communities, km",
    "grids across a main road",
    "extra splits of compounds",
    "mean Polsby-Popper",
)


def read_city(path: Path = CITY) -> tuple[Problem, Any]:
    """Read the benchmark's problem, and its arrays."""
    if not path.exists():
        sys.exit(f"{path} is missing: put city_graph_40k.npz into shared/data beside the checkout")
    city = dict(np.load(path))
    problem = assemble_problem(
        households=city["w"],
        community=city["comm"],
        compound=city["compound"],
        block=city["block"],
        pairs=np.column_stack([city["eu"], city["ev"]]),
        border=city["elen"],
        barrier=city["eroad"],
        usable=city["eusable"],
    )
    return problem, city


def draw_ours(
    problem: Problem, costs: Costs, steps: int, seed: int, workers: int, start: Ints | None = None
) -> Ints:
    """Draw, or redraw, with gridmap, on so many threads."""
    rules = replace(RULES, costs=costs)
    with ThreadPoolExecutor(workers) as executor:
        return partition_problem(
            problem, rules, steps=steps, seed=seed, executor=executor, start=start
        )


def prepare_metis(problem: Problem) -> list[tuple[Component, dict[str, Any]]]:
    """Put each connected part into METIS's form."""
    return [
        (
            component,
            {
                "adjacency": pymetis.CSRAdjacency(ends, neighbour),
                "vweights": homes,
                "eweights": weights,
            },
        )
        for component, ends, neighbour, homes, weights in weigh_pairs(problem)
    ]


def weigh_pairs(problem: Problem) -> Iterator[tuple[Component, Any, Any, list[int], list[int]]]:
    """Give each connected part as rows of usable pairs, with households and weighted borders."""
    for component in split_components(problem, RULES):
        graph = component.graph
        kept = np.flatnonzero(graph.usable)
        one, two = graph.owner[kept], graph.neighbour[kept]
        estate = np.where(graph.compound[one] == graph.compound[two], 2.0, 1.0)
        weights = 10 * graph.border[kept] * EASE[graph.barrier[kept]] * estate
        counts = np.bincount(one, minlength=len(component.units))
        ends = np.concatenate([[0], np.cumsum(counts)])
        whole = np.maximum(1, weights).astype(int).tolist()
        yield component, ends, two, graph.households.tolist(), whole


def draw_kahip(problem: Problem) -> Ints:
    """Draw with KaHIP, fast, 5 %, part by part; it holds the interpreter, so on one thread."""
    labels, first = np.empty(len(problem), np.int64), 0
    for component, ends, neighbour, homes, weights in weigh_pairs(problem):
        wanted = component.grids
        graph = (homes, ends.tolist(), weights, neighbour.tolist())
        parts = kahip.kaffpa(*graph, wanted, 0.05, True, 0, kahip.FAST)[1] if wanted > 1 else 0
        labels[component.units] = np.asarray(parts) + first
        first += wanted
    return np.unique(labels, return_inverse=True)[1]


def draw_metis(calls: list[tuple[Component, dict[str, Any]]], workers: int) -> Ints:
    """Draw with METIS k-way, contiguous, 5 %; one grid per part needs no call."""
    options = pymetis.Options(contig=1, ufactor=50, seed=0)

    def draw(call: tuple[Component, dict[str, Any]]) -> Ints:
        component, arrays = call
        if component.grids == 1:
            return np.zeros(len(component.units), np.int64)
        _, parts = pymetis.part_graph(component.grids, recursive=False, options=options, **arrays)
        return np.asarray(parts, np.int64)

    labels = np.empty(sum(len(component.units) for component, _ in calls), np.int64)
    first = 0
    with ThreadPoolExecutor(workers) as executor:
        for (component, _), parts in zip(calls, executor.map(draw, calls), strict=True):
            labels[component.units] = parts + first
            first += component.grids
    return np.unique(labels, return_inverse=True)[1]


def time_runs(draw: Callable[[], Ints], runs: int) -> tuple[float, Ints]:
    """Run several times; give the median time, in seconds, and the labels."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        labels = draw()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), labels


def score(problem: Problem, city: Any, labels: Ints, seconds: float) -> dict[str, float]:
    """Measure a labelling as the benchmark's scorer does."""
    cost = evaluate(problem, labels, RULES)
    off = np.abs(cost.grids["deviation"])
    blocks = np.unique(np.column_stack([labels, city["superblock"]]), axis=0)[:, 0]
    return {
        "time, s": seconds,
        "grids within 20 %, %": 100 * float((off <= 0.2).mean()),
        "grids within 10 %, %": 100 * float((off <= 0.1).mean()),
        "grids within 5 %, %": 100 * float((off <= 0.05).mean()),
        "mean deviation, %": 100 * float(off.mean()),
        "worst deviation, %": 100 * float(off.max()),
        "border inside communities, km": cost.counts["border"] / 1000,
        "grids across a main road": float((np.bincount(blocks) > 1).sum()),
        "extra splits of compounds": cost.counts["compound"],
        "mean Polsby-Popper": measure_compactness(city, labels),
        "grids in more than one piece": float((cost.grids["pieces"] > 1).sum()),
        "grids": float(len(off)),
    }


def measure_compactness(city: Any, labels: Ints) -> float:
    """Compute the mean of 4π · area / perimeter² over the grids."""
    inner = labels[city["eu"]] == labels[city["ev"]]
    shared = np.bincount(labels[city["eu"]][inner], city["elen"][inner], labels.max() + 1)
    around = np.bincount(labels, city["perim"]) - 2 * shared
    return float((4 * np.pi * np.bincount(labels, city["area"]) / around**2).mean())


def judge(table: str, bar: str, ours: float, peer: float | None, goal: Goal | None = None) -> Bar:
    """Compare with the goal; ``met`` is None where the peer is missing or no goal is set."""
    ratio, name = ours / peer if peer else None, f"{table}: {bar}"
    if goal is None:
        return make_bar(name, ours, peer, ratio=ratio)
    kind, sign, limit = goal
    value = ratio if kind == "ratio" else ours
    met = None if value is None else value <= limit if sign == "<=" else value >= limit
    wanted = f"{sign} {limit:g}" + (" x peer" if kind == "ratio" else "")
    return make_bar(name, ours, peer, wanted, met, ratio=ratio)


def compare_presets(problem: Problem, city: Any, wish: argparse.Namespace) -> list[Bar]:
    """Draw with both presets and with METIS, print both tables and the curve."""
    peer: dict[str, float] = {}
    if pymetis is not None:
        calls = prepare_metis(problem)
        seconds, labels = time_runs(lambda: draw_metis(calls, wish.workers), wish.runs)
        peer = score(problem, city, labels, seconds)
    else:
        print("pymetis is not installed: no peer in this run", file=sys.stderr)
    curve, rows = {}, []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        draw = partial(
            draw_ours, problem, Costs.between(share), wish.steps, wish.seed, wish.workers
        )
        seconds, labels = time_runs(draw, wish.runs)
        curve[share] = score(problem, city, labels, seconds)
    for preset, share in (("balance", 0.0), ("shape", 1.0)):
        table = [
            judge(preset, bar, ours, peer.get(bar), GOALS[preset].get(bar))
            for bar, ours in curve[share].items()
        ]
        show(table, "METIS")
        rows += table
    if kahip is not None:
        seconds, labels = time_runs(partial(draw_kahip, problem), 1)
        other = score(problem, city, labels, seconds)
        table = [judge("kahip", bar, ours, other[bar]) for bar, ours in curve[0.0].items()]
        show(table, "KaHIP")
        rows += table
    if wish.high > 0:
        draw = partial(draw_ours, problem, Costs.balance(), wish.high, wish.seed, wish.workers)
        high = score(problem, city, *reversed(time_runs(draw, 1)))
        table = [
            judge("high", bar, ours, peer.get(bar), HIGH_GOALS.get(bar))
            for bar, ours in high.items()
        ]
        show(table, "METIS")
        rows += table
    print(f"{'from balance (0) to shape (1)':42s}" + "".join(f"{share:10.2f}" for share in curve))
    for bar in CURVE:
        print(f"{bar:42s}" + "".join(f"{each[bar]:10.2f}" for each in curve.values()))
    print()
    return rows


def main() -> None:
    """Run everything, print the tables, write the list."""
    parser = make_parser(__doc__)
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--high", type=int, default=HIGH, help="steps at high effort; 0: skip it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=5, help="the median time counts")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    wish = parser.parse_args()
    problem, city = read_city()
    warm_up()
    rows = compare_presets(problem, city, wish)
    write_bars(rows, wish.json)


if __name__ == "__main__":
    main()
