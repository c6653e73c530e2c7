"""The main job end to end: a city's files to a kept plan and a located building, stage by stage.

Each city runs in a process of its own, so that its peak memory is its own. Compilation is excluded:
the engine is warmed up before the clock starts, and the time of that is printed.

    python benchmarks/main_job.py                   every city whose data is there
    python benchmarks/main_job.py monaco            one of them
    python benchmarks/main_job.py --json FILE       also write [{bar, ours, peer, ratio, goal, met}]

There is no peer: no other tool does the whole job. Goals are seconds for the whole of it.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import make_limit, make_parser, report  # the script beside this one

HERE = Path(__file__).resolve().parents[1]
SHARED = HERE.parent / "shared" / "data"
BUKIT_MERAH = {
    "communities": {"layer": "subzones", "community_id": "SUBZONE_C", "name": "SUBZONE_N"},
    "buildings": {
        "layer": "hdb_blocks",
        "building_id": ["street", "blk_no"],
        "households": "total_dwelling_units",
        "floors": "max_floor_lvl",
    },
    "streets": {"layer": "road_sections", "kind": "=street", "name": "RD_CD_DESC"},
}
VOLOGDA = {
    "buildings": {
        "building_id": "bid",
        "households": "households_est",
        "floors": "number_of_floors",
    },
    "streets": {"layer": "roads", "kind": "=main_road"},
}
#: City -> what to read, its columns, and the goal in seconds for the whole job.
CITIES: dict[str, tuple[Path | None, Any, float | None]] = {
    "monaco": (HERE / "data" / "monaco.gpkg", HERE / "data" / "monaco.columns.toml", None),
    "bukit_merah": (SHARED / "singapore_hdb_bukitmerah_3414.gpkg", BUKIT_MERAH, None),
    "vologda": (SHARED / "vologda_osm_32637.gpkg", VOLOGDA, 180.0),
    "synthetic": (None, None, None),
}


def run_city(name: str) -> dict[str, Any]:
    """Run every stage on one city and return seconds, peak megabytes and the plan's figures."""
    import gridmap
    from gridmap.entrances import divide_buildings
    from gridmap.targets import building_limits

    stages: dict[str, float] = {}

    def timed(stage: str, verb: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = verb()
        stages[stage] = round(time.perf_counter() - start, 2)
        peaks[stage] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return result

    peaks: dict[str, int] = {}
    path, columns, _ = CITIES[name]
    rules = gridmap.Rules()
    timed("warm up", gridmap.warm_up)
    city = timed(
        "read",
        lambda: gridmap.read_city(path, columns=columns) if path else gridmap.make_city(2157),
    )
    households = city.households
    city = timed("entrances", lambda: divide_buildings(city, building_limits(city, rules)))
    units = timed("units", lambda: gridmap.make_units(city))
    adjacency = timed("adjacency", lambda: gridmap.build_adjacency(units, city, rules))
    labels = timed("partition", lambda: gridmap.partition_units(units, adjacency, rules))
    plan = timed("plan", lambda: gridmap.make_plan(city, units, adjacency, labels, rules))
    report = timed("check", lambda: gridmap.check_plan(plan))
    with tempfile.TemporaryDirectory() as folder:
        store = gridmap.PlanStore(folder)
        timed("keep", lambda: store.keep(plan, name))
        store.publish(name, gridmap.today_in_china(), by="benchmark")
        kept = timed("load", lambda: store.in_force(gridmap.today_in_china()))
    timed("locator", lambda: gridmap.make_locator(kept))
    return {
        "city": name,
        "buildings and entrances": len(city.buildings),
        "units": len(units),
        "lost households": households - int(plan.grids["households"].sum()),
        **report.summary,
        "forbidden": report.count("forbidden"),
        "seconds": stages,
        "peak_mb": peaks,
        "total_s": round(sum(stages.values()) - stages["warm up"], 1),
    }


def run_apart(name: str) -> dict[str, Any]:
    """Run one city in a fresh process."""
    command = [sys.executable, __file__, name, "--inner"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def print_figures(figures: dict[str, Any]) -> None:
    """Print what one city took, and how good its plan is."""
    print(
        f"\n{figures['city']}: {figures['buildings and entrances']} buildings and entrances, "
        f"{figures['units']} units, "
        f"{figures['households']} households ({figures['lost households']} lost) -> "
        f"{figures['grids']} grids; within 5/10/20 %: {figures['within_5']} / "
        f"{figures['within_10']} / {figures['within_20']} %, worst {figures['worst']} %, "
        f"{figures['forbidden']} forbidden"
    )
    for stage, seconds in figures["seconds"].items():
        print(f"  {stage:10s} {seconds:8.2f} s   peak {figures['peak_mb'][stage]:5d} MB")
    print(f"  {'in all':10s} {figures['total_s']:8.2f} s   (warm-up excluded)")


def main() -> None:
    """Run the cities named, or all that are there."""
    parser = make_parser(__doc__)
    parser.add_argument("cities", nargs="*", choices=[*CITIES, []])
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inner:
        print(json.dumps(run_city(options.cities[0])))
        return
    bars = []
    for name in options.cities or CITIES:
        path, _, goal = CITIES[name]
        if path and not path.exists():
            print(f"\n{name}: no data at {path}, left out")
            continue
        figures = run_apart(name)
        print_figures(figures)
        bars.append(make_limit(f"{name}: whole job, seconds", figures["total_s"], goal))
    print()
    report(bars, options.json)


if __name__ == "__main__":
    main()
