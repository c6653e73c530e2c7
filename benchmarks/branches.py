"""Party branches of a city: how many for its grids, how long, and whether the choice is proven.

    python benchmarks/branches.py [--grids 2157] [--seeds 3] [--json FILE]

The reference city has 2,257 branches and groups for 2,157 grids, 1.046 to a grid: with as many
members (29.4 to a grid, coefficient of variation 0.37) ours is to be from 1.03 to 1.06.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

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


def judge(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the bars, from medians."""
    ours = statistics.median(run["branches_per_grid"] for run in runs)
    covered = min(run["coverage"] for run in runs)
    proven = sum(run["proven"] for run in runs)
    return [
        _bar("branches to a grid", ours, REFERENCE, "1.03-1.06", 1.03 <= ours <= 1.06),
        _bar("coverage, least (%)", covered, 100.0, "100", covered == 100),
        _bar("seeds proven optimal", proven, len(runs), "all", proven == len(runs)),
    ]


def _bar(bar: str, ours: float, peer: float, goal: str, met: bool) -> dict[str, Any]:
    ratio = round(ours / peer, 4)
    return {"bar": bar, "ours": ours, "peer": peer, "ratio": ratio, "goal": goal, "met": met}


def main() -> None:
    """Read the options, measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grids", type=int, default=2157)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    asked = parser.parse_args()
    bars = judge(measure(asked.grids, asked.seeds))
    for bar in bars:
        print(json.dumps(bar))
    if asked.json:
        asked.json.write_text(json.dumps(bars, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
