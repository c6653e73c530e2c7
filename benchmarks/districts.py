"""Draw US states into congressional districts: python benchmarks/districts.py.

The graphs are ``benchmark/us_county_*.json`` and ``us_tract_*.json`` in ``../shared/data`` beside
the checkout: population 2010, pairs that touch. Asked for are as many districts as the state had in
Congress 2010 to 2020, connected, each within 0.5 % of the mean, with the fewest cut edges. The
table shows one run per seed; the figure of the bar is the first seed's.

``proven`` are optima published by Validi and Buchanan, "Political districting to minimize cut
edges" (Mathematical Programming Computation 2022; results of March and April 2021 in their public
repository), found by integer programming in up to 2,800 s; ``best`` is the best that they know.
The peer is GerryChain, if it is installed (pip install gerrychain): a ReCom chain of so many
steps, tilted towards fewer cut edges, from a recursive tree split of its own.

The islet of Ohio that touches nothing is joined to the tract that is nearest. ``--json FILE``
writes a list of ``{bar, ours, peer, ratio, goal, met}``.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from report import Bar, make_bar, make_parser, report  # the script beside this one

from gridmap.partition import (
    DEFAULT_STEPS,
    Problem,
    assemble_problem,
    evaluate,
    partition_problem,
    warm_up,
)
from gridmap.partition.problem import Ints
from gridmap.rules import Costs, Rules

try:
    import gerrychain
    from gerrychain.optimization import SingleMetricOptimizer
    from gerrychain.partition import recursive_tree_part
    from gerrychain.tree import BalanceError, bipartition_tree
except ImportError:
    gerrychain = None

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "benchmark"
TOLERANCE = 0.005
#: Level -> state -> districts.
DISTRICTS = {
    "county": {
        "AL": 7,
        "AR": 4,
        "IA": 4,
        "ID": 2,
        "KS": 4,
        "LA": 6,
        "ME": 2,
        "MS": 4,
        "NE": 3,
        "NM": 3,
        "OK": 5,
        "WV": 3,
    },
    "tract": {
        "AL": 7,
        "IA": 4,
        "ID": 2,
        "IL": 18,
        "ME": 2,
        "MS": 4,
        "NE": 3,
        "NH": 2,
        "NM": 3,
        "OH": 16,
        "OK": 5,
        "WV": 3,
    },
}
#: Cut edges published as proven: level -> state -> optimum.
PROVEN = {
    "county": {
        "AL": 55,
        "AR": 33,
        "IA": 33,
        "ID": 10,
        "KS": 32,
        "LA": 49,
        "ME": 16,
        "MS": 34,
        "NE": 19,
        "NM": 17,
        "OK": 40,
        "WV": 23,
    },
    "tract": {"ID": 17, "ME": 20, "NE": 44, "NH": 26, "NM": 43, "WV": 43},
}
#: The best published where no proof is.
PUBLISHED = {"tract": {"MS": 62}}
#: Trees that the peer may draw for one cut of its first plan.
ATTEMPTS = 20_000
#: Graphs that are goals of the project, and those that the peer is run on.
GOALS = {("county", "AL"): 55, ("county", "IA"): 33}
PEERS = (("county", "AL"), ("county", "IA"), ("tract", "NM"))


def read_state(level: str, state: str) -> Problem:
    """Read a graph as one community whose pairs have a border of 1."""
    path = FOLDER / f"us_{level}_{state}.json"
    if not path.exists():
        sys.exit(f"{path} is missing: put the graphs into shared/data beside the checkout")
    data = json.loads(path.read_text(encoding="utf-8"))
    nodes = data["nodes"]
    spots = np.array([[node["lon"], node["lat"]] for node in nodes])
    pairs = [*map(tuple, data["edges"]), *join_islands(data["edges"], spots)]
    return assemble_problem(
        households=[node["pop"] for node in nodes],
        community=np.zeros(len(nodes), int),
        compound=np.full(len(nodes), -1),
        block=np.zeros(len(nodes), int),
        pairs=pairs,
        border=np.ones(len(pairs)),
        barrier=np.zeros(len(pairs), np.int8),
        usable=np.ones(len(pairs), bool),
    )


def join_islands(edges: list[list[int]], spots: Any) -> list[tuple[int, int]]:
    """Pair each part but the largest with the largest, where they are nearest."""
    graph = nx.Graph(edges)
    graph.add_nodes_from(range(len(spots)))
    largest, *others = sorted(nx.connected_components(graph), key=len, reverse=True)
    main, pairs = np.array(sorted(largest)), []
    for part in map(sorted, others):
        apart = ((spots[part][:, None] - spots[main][None]) ** 2).sum(axis=2)
        one, two = np.unravel_index(int(apart.argmin()), apart.shape)
        pairs.append((part[int(one)], int(main[two])))
    return pairs


def make_rules(problem: Problem, districts: int) -> Rules:
    """Ask for so many districts within the tolerance, with the fewest cut edges."""
    population = int(problem.households.sum())
    return Rules.for_grids(population, districts, tolerance=TOLERANCE, costs=Costs.cut_edges())


def check_plan(problem: Problem, labels: Ints, districts: int) -> tuple[int, bool]:
    """Count cut edges, and say if every district is there, connected and in the band: networkx."""
    owner = np.repeat(np.arange(len(problem)), np.diff(problem.indptr))
    graph = nx.Graph(zip(owner.tolist(), problem.neighbour.tolist(), strict=True))
    cut = sum(int(labels[one] != labels[two]) for one, two in graph.edges)
    total, good = int(problem.households.sum()), len(np.unique(labels)) == districts
    for label in np.unique(labels):
        units = np.flatnonzero(labels == label)
        people = int(problem.households[units].sum())
        inside = 995 * total <= 1000 * districts * people <= 1005 * total
        good &= inside and nx.is_connected(graph.subgraph(units.tolist()))
    return cut, good


def draw_state(
    problem: Problem, districts: int, seed: int, wish: argparse.Namespace
) -> tuple[int, bool, float]:
    """Draw once: cut edges, whether the plan holds, and seconds."""
    rules, start = make_rules(problem, districts), time.perf_counter()
    with ThreadPoolExecutor(wish.workers) as executor:
        labels = partition_problem(problem, rules, seed=seed, steps=wish.steps, executor=executor)
    seconds = time.perf_counter() - start
    cut, good = check_plan(problem, labels, districts)
    reported = evaluate(problem, labels, rules)
    assert reported.counts["border"] == cut, "the engine counts otherwise than networkx"
    assert (reported.counts["outside"] == 0) <= good, "the engine calls a bad plan good"
    return cut, good, seconds


def draw_peer(problem: Problem, districts: int, steps: int) -> tuple[int | None, float]:
    """Run GerryChain: the fewest cut edges met, None if it finds no start, and seconds."""
    owner = np.repeat(np.arange(len(problem)), np.diff(problem.indptr))
    graph = nx.Graph(zip(owner.tolist(), problem.neighbour.tolist(), strict=True))
    for unit, people in enumerate(problem.households.tolist()):
        graph.nodes[unit]["people"] = people
    rules, begin = make_rules(problem, districts), time.perf_counter()
    try:
        start = gerrychain.Partition.from_random_assignment(
            gerrychain.Graph.from_networkx(graph),
            districts,
            TOLERANCE,
            "people",
            {"people": gerrychain.updaters.Tally("people"), "cut": gerrychain.updaters.cut_edges},
            partition_fn=partial(
                recursive_tree_part,
                bipartition_tree_fn=partial(
                    bipartition_tree, max_attempts=ATTEMPTS, warn_attempts=ATTEMPTS
                ),
            ),
            rng=0,
        )
    except (BalanceError, RuntimeError):
        return None, time.perf_counter() - begin
    propose = partial(
        gerrychain.proposals.recom,
        pop_col="people",
        pop_target=rules.target,
        epsilon=TOLERANCE,
        bipartition_tree_fn=partial(
            bipartition_tree, max_attempts=100, allow_pair_reselection=True
        ),
    )
    within = gerrychain.constraints.within_percent_of_ideal_population(start, TOLERANCE, "people")
    search = SingleMetricOptimizer(
        propose, [within], start, lambda plan: len(plan["cut"]), maximize=False, rng=0
    )
    least = min(len(plan["cut"]) for plan in search.tilted_run(steps, 0.1))
    return least, time.perf_counter() - begin


def run_state(level: str, state: str, wish: argparse.Namespace) -> list[Bar]:
    """Draw a state with every seed, print its line, and judge."""
    districts, problem = DISTRICTS[level][state], read_state(level, state)
    runs = [draw_state(problem, districts, seed, wish) for seed in range(wish.seeds)]
    cuts = [cut if good else None for cut, good, _ in runs]
    seconds = float(np.median([run[2] for run in runs]))
    proven = PROVEN[level].get(state)
    best = proven or PUBLISHED.get(level, {}).get(state)
    known = "-" if best is None else f"{best}{' proven' if proven else ''}"
    spread = " ".join("none" if cut is None else str(cut) for cut in cuts)
    name = f"{level} {state}"
    print(f"{name:10s}{len(problem):6d}{districts:4d}  {known:12s}{seconds:7.1f}  {spread}")
    sys.stdout.flush()
    goal = GOALS.get((level, state), proven)
    found = cuts[0]
    what = f"{level} graph of {state}"
    return [
        make_bar(
            f"cut edges, {what}, {districts} districts", found, best,
            None if goal is None else f"<= {goal}",
            None if goal is None else found is not None and found <= goal,
            ratio=found / best if found and best else None,
        ),
        make_bar(f"seconds, {what}", seconds),
    ]  # fmt: skip


def run_peer(level: str, state: str, ours: Any, wish: argparse.Namespace) -> Bar:
    """Run the peer on a state and print its line."""
    districts, problem = DISTRICTS[level][state], read_state(level, state)
    cut, seconds = draw_peer(problem, districts, wish.peer_steps)
    print(f"{level} {state}: {cut or 'no'} cut edges in {seconds:.1f} s, ours {ours}")
    met = ours is not None and (cut is None or ours <= cut)
    ratio = ours / cut if ours and cut else None
    name = f"cut edges, {level} graph of {state}, GerryChain"
    return make_bar(name, ours, cut, "<= 1 x peer", met, ratio=ratio)


def main() -> None:
    """Run the states asked for, print the table, write the list."""
    parser = make_parser(__doc__)
    parser.add_argument("--level", choices=[*DISTRICTS, "both"], default="both")
    parser.add_argument("--states", nargs="*", help="AL IA …; all by default")
    parser.add_argument("--steps", type=int, default=DEFAULT_STEPS)
    parser.add_argument("--seeds", type=int, default=5, help="runs per graph, seeds 0, 1, …")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--peer-steps", type=int, default=2000, help="0 leaves GerryChain out")
    wish = parser.parse_args()
    warm_up()
    print(f"{'graph':10s}{'units':>6s}{'k':>4s}  {'known':12s}{'s':>7s}  cut edges, seed by seed")
    rows, first = [], {}
    for level in DISTRICTS if wish.level == "both" else [wish.level]:
        for state in wish.states or DISTRICTS[level]:
            if state in DISTRICTS[level]:
                rows += run_state(level, state, wish)
                first[level, state] = rows[-2]["ours"]
    if gerrychain is None:
        print("gerrychain is not installed: no peer in this run", file=sys.stderr)
    elif wish.peer_steps:
        print(f"GerryChain, {wish.peer_steps} steps:")
        rows += [run_peer(*key, first[key], wish) for key in PEERS if key in first]
    report(rows, wish.json, peer="known")


if __name__ == "__main__":
    main()
