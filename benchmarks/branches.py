"""Party branches of a city: how many for its grids, how long, and whether the choice is proven.

    python benchmarks/branches.py [--grids 2157] [--seeds 3] [--json FILE]

The reference city has 2,257 branches and groups for 2,157 grids, 1.046 to a grid: with as many
members (29.4 to a grid, coefficient of variation 0.37) ours is to be from 1.03 to 1.06.
"""

import json
import statistics
import time
from typing import Any

from report import Bar, make_bar, make_parser, report  # the script beside this one

import gridmap

#: Branches to a grid that the reference city published.
REFERENCE = 2257 / 2157


def measure(grids: int, seeds: int) -> list[dict[str, Any]]:
    """Form the branches of a made-up city for some seeds of its members."""
    runs = []
    plan = gridmap.draw_plan(gridmap.make_city(grids), steps=40)
    for seed in range(seeds):
        members = gridmap.make_members(plan, seed=seed)
        begun = time.perf_counter()
        branches = gridmap.form_branches(plan, members)
        seconds = round(time.perf_counter() - begun, 1)
        runs.append({"seed": seed, "seconds": seconds, **branches.summarize()})
        print(json.dumps(runs[-1]))
    return runs


def judge(runs: list[dict[str, Any]]) -> list[Bar]:
    """Return the bars, from medians."""
    ours = statistics.median(run["branches_per_grid"] for run in runs)
    covered = min(run["coverage"] for run in runs)
    proven = sum(run["proven"] for run in runs)
    return [
        make_bar(
            "branches to a grid",
            ours,
            REFERENCE,
            "1.03-1.06",
            1.03 <= ours <= 1.06,
            ratio=ours / REFERENCE,
        ),
        make_bar("coverage, least (%)", covered, 100.0, "100", covered == 100, ratio=covered / 100),
        make_bar(
            "seeds proven optimal",
            proven,
            len(runs),
            "all",
            proven == len(runs),
            ratio=proven / len(runs),
        ),
    ]


def main() -> None:
    """Read the options, measure, judge."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, default=2157)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    bars = judge(measure(asked.grids, asked.seeds))
    report(bars, asked.json, peer="reference")


if __name__ == "__main__":
    main()
