"""Prove what can be proven of the benchmark city's plans: python benchmarks/prove.py.

The city is ``city_graph_40k.npz`` in ``../shared/data`` beside the checkout. Plans drawn at default
and at high effort are set against the optima that `gridmap.partition.prove` finds, by size of the
community. There is no peer: nothing on the market gives such certificates. ``--json FILE`` writes a
list of ``{bar, ours, peer, ratio, goal, met}``.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from partition import read_city  # the script beside this one
from report import Bar, make_bar, make_parser, report  # the script beside this one

from gridmap.partition import (
    DEFAULT_STEPS,
    Problem,
    assemble_problem,
    partition_problem,
    warm_up,
)
from gridmap.partition.prove import DEFAULT_STEPS as PROOF_STEPS
from gridmap.partition.prove import Certificate, prove
from gridmap.rules import Rules

RULES = Rules(target=300)
#: Effort of a plan drawn at leisure, as a multiple of the default.
HIGH = 40
#: Units of a community, from and to, by which the table is divided.
SIZES = ((22, 40), (41, 64), (65, 128), (129, 1000))
#: Bar -> the least or most that counts as met.
GOALS = {
    "communities of 22-40 units proven, %": (">=", 100 * 27 / 32),
    "median time of these, s": ("<=", 0.47),
    "balance above the optimum, default effort, %": ("<=", 5.0),
    "balance above the optimum, high effort, %": ("<=", 1.0),
    "all proven, default effort, %": ("<=", 5.0),
    "all proven, high effort, %": ("<=", 1.0),
}


def time_proofs(
    problem: Problem, labels: Any, steps: int, largest: int
) -> dict[int, tuple[Certificate, float]]:
    """Prove each community of up to so many units alone: community -> certificate and seconds."""
    proofs = {}
    for community in range(int(problem.community.max()) + 1):
        units = np.flatnonzero(problem.community == community)
        if len(units) > largest:
            continue
        part = take_community(problem, units)
        start = time.perf_counter()
        (one,) = prove(part, labels[units], RULES, steps=steps)
        proofs[community] = one, time.perf_counter() - start
    return proofs


def take_community(problem: Problem, units: Any) -> Problem:
    """Cut one community out, so that it can be timed alone."""
    place = np.full(len(problem), -1)
    place[units] = np.arange(len(units))
    owner = np.repeat(np.arange(len(problem)), np.diff(problem.indptr))
    kept = (place[owner] >= 0) & (place[problem.neighbour] > place[owner])
    return assemble_problem(
        households=problem.households[units],
        community=problem.community[units],
        compound=problem.compound[units],
        block=problem.block[units],
        pairs=np.column_stack([place[owner[kept]], place[problem.neighbour[kept]]]),
        border=problem.border[kept],
        barrier=problem.barrier[kept],
        usable=problem.usable[kept],
    )


def mean_gap(costs: list[float], floors: list[float]) -> float:
    """Say how far the mean of costs is above that of their floors, %."""
    return 100 * (sum(costs) / sum(floors) - 1) if sum(floors) > 0 else float("nan")


def show_sizes(proofs: dict[int, tuple[Certificate, float]]) -> None:
    """Print a line per class of size."""
    print("units      parts  proven  median s  plan above bound %  best known above bound %")
    for low, high in SIZES:
        some = [(one, spent) for one, spent in proofs.values() if low <= len(one.units) <= high]
        if not some:
            continue
        bounds = [one.bound for one, _ in some]
        print(
            f"{low:4d}-{high:<5d}{len(some):6d}{sum(one.settled for one, _ in some):8d}"
            f"{np.median([spent for _, spent in some]):10.3f}"
            f"{mean_gap([one.cost for one, _ in some], bounds):20.1f}"
            f"{mean_gap([one.best for one, _ in some], bounds):26.1f}"
        )


def compare_plan(
    problem: Problem, labels: Any, proofs: dict[int, tuple[Certificate, float]]
) -> tuple[float, float]:
    """Set a plan against the proven optima: % above in the mean of balance, and mean % above."""
    plan = {one.key[0]: one.cost for one in prove(problem, labels, RULES, steps=0)}
    best = {key: one.best for key, (one, _) in proofs.items() if one.settled}
    ratios = [plan[key] / best[key] - 1 for key in best if best[key] > 1e-4]
    return mean_gap([plan[key] for key in best], list(best.values())), 100 * float(np.mean(ratios))


def judge(bar: str, ours: float) -> Bar:
    """Set a figure against its goal; the sketch's figures are goals, not a peer of this run."""
    sign, limit = GOALS[bar]
    met = ours <= limit if sign == "<=" else ours >= limit
    return make_bar(bar, ours, None, f"{sign} {limit:.3g}", met)


def main() -> None:
    """Draw, prove, print, write the list."""
    parser = make_parser(__doc__)
    parser.add_argument("--steps", type=int, default=PROOF_STEPS, help="of a proof")
    parser.add_argument("--high", type=int, default=HIGH, help="high effort: times the default")
    parser.add_argument("--largest", type=int, default=1000, help="units of a community to prove")
    wish = parser.parse_args()
    problem = read_city()[0]
    warm_up()
    workers = os.cpu_count() or 1
    plans = []
    for steps in (DEFAULT_STEPS, wish.high * DEFAULT_STEPS):
        with ThreadPoolExecutor(workers) as executor:
            plans.append(partition_problem(problem, RULES, steps=steps, executor=executor))
    time_proofs(problem, plans[0], wish.steps, 30)  # compiles
    proofs = time_proofs(problem, plans[0], wish.steps, wish.largest)
    show_sizes(proofs)
    low, high = SIZES[0]
    small = {key: pair for key, pair in proofs.items() if low <= len(pair[0].units) <= high}
    figures = [
        100 * float(np.mean([one.settled for one, _ in small.values()])),
        float(np.median([spent for _, spent in small.values()])),
    ]
    for title, some in (("22-40 units", small), ("all", proofs)):
        for name, labels in zip(("default", "high"), plans, strict=True):
            of_means, of_ratios = compare_plan(problem, labels, some)
            figures.append(of_means)
            print(
                f"{name} effort above proven optima of {title}, %: {of_means:.1f} in the mean of "
                f"balance, {of_ratios:.1f} mean of ratios"
            )
    rows = [judge(bar, ours) for bar, ours in zip(GOALS, figures, strict=True)]
    report(rows, wish.json)


if __name__ == "__main__":
    main()
