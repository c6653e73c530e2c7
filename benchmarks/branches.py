"""Party branches of a city: how many for its grids, how long, and whether the choice is proven.

Usage: python benchmarks/branches.py [GRIDS] [SEEDS]
"""

import json
import sys
import time

import gridmap


def main(grids: int = 2157, seeds: int = 3) -> None:
    """Form the branches of a made-up city for some seeds of its members."""
    plan = gridmap.draw_plan(gridmap.make_city(grids), steps=40)
    for seed in range(seeds):
        members = gridmap.make_members(plan, seed=seed)
        begun = time.perf_counter()
        branches = gridmap.form_branches(plan, members)
        seconds = round(time.perf_counter() - begun, 1)
        print(json.dumps({"seed": seed, "seconds": seconds, **branches.summarize()}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
