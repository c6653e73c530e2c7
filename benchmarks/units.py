"""Cut two cities into units with gridmap and with momepy, in one run.

    python benchmarks/units.py                 both cities; momepy on a sample of blocks
    python benchmarks/units.py vologda --full  one of them; momepy on every block (some minutes)
    python benchmarks/units.py --curve         also the cost from 2,000 to 200,000 buildings
    python benchmarks/units.py --json FILE     also write [{bar, ours, peer, ratio, goal, met}]

The peer is ``momepy.enclosed_tessellation`` (n_jobs=1) with its own settings, on the blocks that
gridmap found and the same footprints. The sample are whole blocks drawn at random (seed 0) until
they hold 2,000 buildings; its time is given per building. Ours is all of `make_units`: streets,
rivers and blocks too, on one thread. Times are medians of three runs, compilation excluded. Each
city runs in a process of its own, so that its peak memory is its own. The curve counts processor
time: what else the machine does would bend it otherwise. Without momepy (pip install
momepy) only ours is run.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from main_job import CITIES
from report import Bar, make_bar, make_parser, report  # the script beside this one

import gridmap
from gridmap.city import City

try:
    import momepy
except ImportError:
    momepy = None

NAMES = ("vologda", "synthetic")
SAMPLE, RUNS = 2_000, 3
SIZES = (2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000)
BUILDINGS_PER_GRID = 17.4
#: Goals: momepy's time over ours, likeness of the cells, seconds and megabytes, the exponent of n.
FASTER, LIKE, SECONDS, MEGABYTES, EXPONENT = 20.0, 0.98, 15.0, 1536, 1.1


def read_city(name: str) -> City:
    """Read or make one of the cities."""
    path, columns, _ = CITIES[name]
    return gridmap.read_city(path, columns=columns) if path else gridmap.make_city(2157)


def time_runs(verb: Callable[[], Any]) -> tuple[float, Any]:
    """Return the median seconds of three runs, and the last result."""
    taken, result = [], None
    for _ in range(RUNS):
        start = time.perf_counter()
        result = verb()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken), result


def cut_city(city: City) -> tuple[dict[str, Any], gpd.GeoDataFrame]:
    """Cut a city with gridmap; return seconds and peak megabytes, and the units."""
    small = gridmap.make_city(5)
    gridmap.build_adjacency(gridmap.make_units(small), small, gridmap.Rules())
    units_s, units = time_runs(lambda: gridmap.make_units(city))
    rules = gridmap.Rules()
    adjacency_s, pairs = time_runs(lambda: gridmap.build_adjacency(units, city, rules))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    area = units.area.groupby(units["community_id"]).sum()
    off = np.abs(area / city.communities.area[area.index] - 1).max()
    figures = {
        "buildings": len(city.buildings),
        "units": len(units),
        "pairs": len(pairs),
        "units_s": units_s,
        "adjacency_s": adjacency_s,
        "peak_mb": peak,
        "area_off": float(off),
        "valid": bool(shapely.coverage_is_valid(units.geometry.to_numpy())),
    }
    return figures, units


def draw_blocks(units: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the block polygons."""
    shapes = units.geometry.to_numpy()
    groups = units.groupby("block_id").indices
    whole = [shapely.coverage_union_all(shapes[groups[block]]) for block in sorted(groups)]
    return gpd.GeoSeries(whole, index=sorted(groups), crs=units.crs)


def choose_blocks(units: gpd.GeoDataFrame, full: bool) -> Any:
    """Return the numbers of blocks for the peer: a random sample of whole ones, or all."""
    held = units.groupby("block_id")["buildings"].sum()
    if full:
        return held.index.to_numpy()
    order = np.random.default_rng(0).permutation(len(held))
    count = np.searchsorted(held.to_numpy()[order].cumsum(), SAMPLE) + 1
    return np.sort(held.index.to_numpy()[order[:count]])


def cut_peer(city: City, units: gpd.GeoDataFrame, full: bool) -> dict[str, Any]:
    """Cut the chosen blocks with momepy; return seconds per building and how alike cells are."""
    chosen = choose_blocks(units, full)
    blocks = draw_blocks(units)[chosen]
    shapes = city.buildings.geometry.reset_index(drop=True)
    shapes = shapes[shapes.is_valid]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seconds, cells = time_runs(lambda: momepy.enclosed_tessellation(shapes, blocks, n_jobs=1))
    held = int(units["buildings"][units["block_id"].isin(chosen)].sum())
    like = compare_cells(city, units, cells[cells.index >= 0])
    return {
        "blocks": len(chosen),
        "held": held,
        "seconds": seconds,
        "like": float(np.median(like)),
        "like_10": float(np.quantile(like, 0.1)),
        "compared": len(like),
    }


def compare_cells(city: City, units: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> Any:
    """Return the intersection over union of each building's cell here and there.

    Left out are cells that momepy lost (no geometry) and buildings that share a unit here.
    """
    cells = cells[~(cells.geometry.isna() | cells.geometry.is_empty)]
    own = units[units["buildings"] == 1].reset_index().set_index(["building_id", "block_id"])
    ids = city.buildings.index.to_numpy()[cells.index]
    place = own.index.get_indexer(list(zip(ids, cells["enclosure_index"], strict=True)))
    ours = own.geometry.to_numpy()[place[place >= 0]]
    theirs = shapely.make_valid(cells.geometry.to_numpy()[place >= 0])
    common = shapely.area(shapely.intersection(ours, theirs))
    return common / (shapely.area(ours) + shapely.area(theirs) - common)


def measure_curve() -> list[tuple[int, float, float]]:
    """Return buildings, processor seconds of units and of adjacency for growing cities."""
    rows = []
    for size in SIZES:
        city = gridmap.make_city(round(size / BUILDINGS_PER_GRID))
        start = time.process_time()
        units = gridmap.make_units(city)
        middle = time.process_time()
        gridmap.build_adjacency(units, city, gridmap.Rules())
        rows.append((len(city.buildings), middle - start, time.process_time() - middle))
    return rows


def run_inner(task: str, full: bool) -> Any:
    """Do one task of a fresh process: a city, or the curve."""
    if task == "curve":
        small = gridmap.make_city(5)
        gridmap.build_adjacency(gridmap.make_units(small), small, gridmap.Rules())
        return measure_curve()
    city = read_city(task)
    figures, units = cut_city(city)
    return {"ours": figures, "peer": cut_peer(city, units, full) if momepy else None}


def run_apart(task: str, full: bool) -> Any:
    """Run a task in a process of its own."""
    command = [sys.executable, __file__, task, "--inner", *(["--full"] if full else [])]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def judge_city(name: str, found: dict[str, Any]) -> list[Bar]:
    """Return the bars of one city."""
    ours, peer = found["ours"], found["peer"]
    cost = 1000 * ours["units_s"] / ours["buildings"]
    both = ours["units_s"] + ours["adjacency_s"]
    bars = [
        make_bar(f"{name}: units and adjacency, s", both, None, f"< {SECONDS:g}", both < SECONDS),
        make_bar(
            f"{name}: peak, MB",
            ours["peak_mb"],
            None,
            f"< {MEGABYTES}",
            ours["peak_mb"] < MEGABYTES,
        ),
    ]
    if peer:
        theirs = 1000 * peer["seconds"] / peer["held"]
        met, goal = theirs / cost >= FASTER, f"momepy / ours >= {FASTER:g}"
        bars.append(make_bar(f"{name}: units, ms per building", cost, theirs, goal, met))
        met = peer["like"] >= LIKE
        bars.append(
            make_bar(f"{name}: median IoU with momepy", peer["like"], None, f">= {LIKE}", met)
        )
    return bars


def judge_curve(rows: list[tuple[int, float, float]]) -> Bar:
    """Print the curve and return its bar: the exponent of n from 10,000 buildings on."""
    print("\nbuildings   units s   adjacency s   µs per building")
    for count, units, adjacency in rows:
        print(f"{count:9d}{units:10.2f}{adjacency:14.2f}{1e6 * (units + adjacency) / count:18.0f}")
    large = np.log([(count, a + b) for count, a, b in rows if count >= 9_000])
    slope = float(np.polyfit(large[:, 0], large[:, 1], 1)[0])
    return make_bar("cost grows with n to the", slope, None, f"<= {EXPONENT}", slope <= EXPONENT)


def print_city(name: str, found: dict[str, Any]) -> None:
    """Print what was cut, and on what the peer was timed."""
    ours, peer = found["ours"], found["peer"]
    print(
        f"\n{name}: {ours['buildings']} buildings -> {ours['units']} units, {ours['pairs']} pairs; "
        f"units {ours['units_s']:.2f} s, adjacency {ours['adjacency_s']:.2f} s; areas agree to "
        f"{ours['area_off']:.1e}, coverage {'valid' if ours['valid'] else 'INVALID'}"
    )
    if peer:
        print(
            f"  momepy: {peer['blocks']} whole blocks, {peer['held']} buildings, "
            f"{peer['seconds']:.2f} s; {peer['compared']} cells compared, IoU median "
            f"{peer['like']:.4f}, worst tenth below {peer['like_10']:.4f}"
        )


def main() -> None:
    """Run the cities named, or both; print the table, write the list."""
    parser = make_parser(__doc__)
    parser.add_argument("cities", nargs="*", choices=[*NAMES, "curve", []])
    parser.add_argument("--full", action="store_true", help="momepy on every block")
    parser.add_argument("--curve", action="store_true", help="2,000 to 200,000 buildings")
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.inner:
        print(json.dumps(run_inner(wish.cities[0], wish.full)))
        return
    if momepy is None:
        print("momepy is not installed: no peer in this run", file=sys.stderr)
    bars = []
    for name in [city for city in wish.cities or NAMES if city != "curve"]:
        path = CITIES[name][0]
        if path and not path.exists():
            print(f"\n{name}: no data at {path}, left out")
            continue
        found = run_apart(name, wish.full)
        print_city(name, found)
        bars += judge_city(name, found)
    if wish.curve or "curve" in wish.cities:
        bars.append(judge_curve(run_apart("curve", False)))
    print()
    report(bars, wish.json, peer="momepy")


if __name__ == "__main__":
    main()
