"""Locating points: ours against shapely's STRtree, in one run, on one thread.

    python benchmarks/locate.py [--json FILE] [--grids 2157 150000 2000000] [--points 1000000]
    python benchmarks/locate.py --exact [--points 10000000]  # no disagreement, or it stops

Grids are a Voronoi coverage (2,157) or jittered bricks of six corners (more), made here. Times are
those of the processor, medians of five, so that a busy machine counts for both alike. ``owners``
does what the tree does (which grid); ``locate_many`` also measures borders and names runners-up.
Each size runs in processes of their own: one builds the index, saves it and ends; another opens the
file and answers. Both say how much memory they took at most.

The tree is asked in bulk with the predicate "intersects", the quickest that names the grid of a
point ("within" takes half as long again), for the same points, which are shapely's before the clock
starts, as the tree is; ours starts from two columns of degrees. A line more gives what shapely can
do with some work: candidates of the tree, and polygons that are prepared, asked by coordinates.

With the shared data beside the checkout, real points and real zones are located too.

**Exactness.** What shapely must answer is defined on whole numbers: corners and points are rounded
to 1e-7 degrees, as the locator does, and shapely is given those, which floats hold exactly. Then
one grid meets a point inside, and the owner must be that grid; two or more meet a point on a
border, and the owner must be the one that meets a spot just north of due east of it, or, where none
does, one of them; and where none meets it there must be no owner.
"""

import argparse
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from report import Bar, make_bar, make_parser, report  # the script beside this one
from scipy.spatial import Voronoi

from gridmap.locate import Locator, open_locator

SHARED = Path(__file__).parents[2] / "shared" / "data"
WEST, SOUTH, EAST, NORTH = 122.2, 40.6, 122.31, 40.68  # about 9 km by 9 km: grids as in Yingkou


def make_grids(n: int, seed: int = 0) -> gpd.GeoDataFrame:
    """Make a coverage of n Voronoi cells over the box, in degrees."""
    seeds = np.random.default_rng(seed).random((n, 2))
    mirrors = [seeds * flip + shift for flip, shift in (
        ([1, 1], [0, 0]), ([-1, 1], [0, 0]), ([1, -1], [0, 0]), ([-1, 1], [2, 0]), ([1, -1], [0, 2])
    )]  # fmt: skip
    cells = Voronoi(np.vstack(mirrors))
    corners = [WEST, SOUTH] + np.clip(cells.vertices, 0, 1) * [EAST - WEST, NORTH - SOUTH]
    corners = np.round(corners, 7)
    shapes = [shapely.Polygon(corners[cells.regions[cells.point_region[i]]]) for i in range(n)]
    codes = pd.Index([f"210802003002{i:04d}" for i in range(n)], name="grid_code")
    return gpd.GeoDataFrame(geometry=shapes, index=codes, crs="EPSG:4326")


def make_points(n: int, seed: int = 1) -> tuple[Any, Any]:
    """Make random positions of seven decimals in the box."""
    random = np.random.default_rng(seed)
    lon, lat = random.uniform(WEST, EAST, n), random.uniform(SOUTH, NORTH, n)
    return np.round(lon, 7), np.round(lat, 7)


def time_median(run: Callable[[], Any], times: int = 5) -> float:
    """Return the median processor seconds in some runs, after one to warm up."""
    run()
    seconds = []
    for _ in range(times):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds)


def query_tree(shapes: Any, lon: Any, lat: Any) -> Callable[[], Any]:
    """Return the peer's query: tree and points are built beforehand."""
    tree, points = shapely.STRtree(shapes), shapely.points(lon, lat)
    return lambda: tree.query(points, predicate="intersects")


def query_prepared(shapes: Any, lon: Any, lat: Any) -> Callable[[], Any]:
    """Return what takes shapely least: boxes by the tree, then prepared polygons."""
    tree, points = shapely.STRtree(shapes), shapely.points(lon, lat)
    shapely.prepare(shapes)

    def run() -> Any:
        point, grid = tree.query(points)
        inside = shapely.intersects_xy(shapes[grid], lon[point], lat[point])
        return point[inside], grid[inside]

    return run


def make_bricks(n: int, seed: int = 0) -> gpd.GeoDataFrame:
    """Make a coverage of about n bricks of six corners, all corners moved at random."""
    columns = math.isqrt(n)
    rows = -(-n // columns)
    random = np.random.default_rng(seed)
    y, x = np.meshgrid(np.arange(rows + 1), np.arange(2 * columns + 2), indexing="ij")
    step = (
        (EAST - WEST) / columns * math.sqrt(n / 2157),
        (NORTH - SOUTH) / rows * math.sqrt(n / 2157),
    )
    shift = random.uniform(-0.2, 0.2, (2, *x.shape))
    corners = np.stack([WEST + (x / 2 + shift[0] / 2) * step[0], SOUTH + (y + shift[1]) * step[1]])
    corners = np.round(corners, 7)
    row, column = np.divmod(np.arange(rows * columns), columns)
    first = 2 * column + row % 2
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0), (0, 0)]
    lines = np.stack([corners[:, row + up, first + along].T for up, along in ring], axis=1)
    codes = pd.Index([f"{i:015d}" for i in range(len(row))], name="grid_code")
    return gpd.GeoDataFrame(geometry=shapely.polygons(lines), index=codes, crs="EPSG:4326")


def make_coverage(n: int) -> gpd.GeoDataFrame:
    """Make the coverage of a size."""
    return make_grids(n) if n < 10_000 else make_bricks(n)


def pick_inside(grids: gpd.GeoDataFrame, n: int, seed: int = 1) -> tuple[Any, Any]:
    """Pick positions of seven decimals at random over the bounds."""
    west, south, east, north = grids.total_bounds
    random = np.random.default_rng(seed)
    return np.round(random.uniform(west, east, n), 7), np.round(random.uniform(south, north, n), 7)


def take_peak() -> float:
    """Return the most megabytes that this process had in memory.

    What getrusage says begins with the memory of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024


def build(n: int, path: str) -> dict[str, float]:
    """Build the index of a size and save it."""
    grids = make_coverage(n)
    before = take_peak()
    start = time.process_time()
    Locator(grids).save(path)
    return {"seconds": time.process_time() - start, "grids_mb": before, "peak_mb": take_peak()}


def ask(_n: int, path: str, points: str, count: int) -> dict[str, float]:
    """Open an index and answer, without the grids in memory."""
    lon, lat = np.load(points)[:, :count]
    locator = open_locator(path)
    batch = time_median(lambda: locator.owners(lon, lat)) * 1e6 / len(lon)
    peak = take_peak()
    table = time_median(lambda: locator.locate_many(lon, lat), 3) * 1e6 / len(lon)
    some = list(zip(lon[:20_000].tolist(), lat[:20_000].tolist(), strict=True))
    single = time_median(lambda: [locator.locate(x, y) for x, y in some]) * 1e6 / len(some)
    return {"batch": batch, "table": table, "single": single, "peak_mb": peak}


def ask_peer(n: int, path: str, points: str, count: int) -> dict[str, float]:
    """Ask the tree, and see that it agrees with the index."""
    lon, lat = np.load(points)[:, :count]
    ask_tree = query_tree(make_coverage(n).geometry.to_numpy(), lon, lat)
    check_agreement(open_locator(path), lon, lat, ask_tree())
    prepared = query_prepared(make_coverage(n).geometry.to_numpy(), lon, lat)
    return {
        "tree": time_median(ask_tree, 3) * 1e6 / len(lon),
        "prepared": time_median(prepared, 3) * 1e6 / len(lon),
    }


def run_alone(step: str, *arguments: Any) -> dict[str, float]:
    """Run a step in a process of its own."""
    command = [sys.executable, __file__, "--step", step, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


#: Grids -> how many times faster than the tree, and megabytes of the process that answers.
GOALS = {2157: (20, None), 150_000: (12, None), 2_000_000: (10, 1300)}


def measure_size(n: int, count: int, folder: Path) -> list[Bar]:
    """Measure one size."""
    path, points = folder / "grids.locator", folder / "points.npy"
    np.save(points, pick_inside(make_coverage(n), count))
    made = run_alone("build", n, path)
    ours = run_alone("ask", n, path, points, count)
    peers = run_alone("ask_peer", n, path, points, min(count, 300_000))
    peer = peers["tree"]
    goal, most = GOALS.get(n, (10, None))
    met = peer / ours["batch"] >= goal and (most is None or ours["peak_mb"] <= most)
    told = (
        f">= {goal}x" + (f", <= {most} MB" if most else "") + (", <= 0.10 us" if n == 2157 else "")
    )
    met = met and (n != 2157 or ours["batch"] <= 0.10)
    note = f"{ours['peak_mb']:.0f} MB; built in {made['seconds']:.1f} s, {made['peak_mb']:.0f} MB"
    bars = [
        make_bar(f"locate: batch, {n} grids ({note})", ours["batch"], peer, told, met),
        make_bar(
            f"locate: batch, {n} grids, beside prepared polygons", ours["batch"], peers["prepared"]
        ),
        make_bar(f"locate: table with borders, {n} grids", ours["table"], peer),
    ]  # fmt: skip
    single = ours["single"]
    bars.append(make_bar(f"locate: one call, {n} grids", single, None, "<= 3 us", single <= 3))
    return bars


def measure_vertices(count: int = 200_000) -> list[Bar]:
    """Time the same 2,157 grids with more and more corners along their borders."""
    grids, bars = make_grids(2157), []
    lines = grids.geometry.to_numpy()
    lon, lat = pick_inside(grids, count)
    for corners in (1, 8, 64):
        step = shapely.length(lines).sum() / shapely.get_num_coordinates(lines).sum()
        shapes = shapely.segmentize(lines, step / corners)
        locator, ask_tree = (
            Locator(grids.set_geometry(shapes, crs=4326)),
            query_tree(shapes, lon, lat),
        )
        ours = time_median(lambda one=locator: one.owners(lon, lat)) * 1e6 / count
        peer = time_median(ask_tree, 1) * 1e6 / count
        vertices = int(shapely.get_num_coordinates(shapes).sum())
        bars.append(make_bar(f"locate: {vertices} corners, 2157 grids", ours, peer))
    return bars


def measure_corners(count: int = 50_000) -> Bar:
    """Give the share of corners with one owner that has that corner; the tree names several."""
    grids = make_grids(2157)
    corners, grid = shapely.get_coordinates(grids.geometry, return_index=True)
    picked = np.random.default_rng(3).choice(len(corners), count)
    lon, lat = np.ascontiguousarray(corners[picked].T)
    owners = Locator(grids).owners(lon, lat)
    has = pd.MultiIndex.from_arrays([*corners.T, grid])
    right = pd.MultiIndex.from_arrays([lon, lat, owners]).isin(has)
    point, _ = query_tree(grids.geometry.to_numpy(), lon, lat)()
    single = np.bincount(point, minlength=count) == 1
    share, peer = 100 * float(right.mean()), 100 * float(single.mean())
    name = f"locate: corners with one owner, % of {count}"
    return make_bar(name, share, peer, "100", share == 100)


def check_agreement(locator: Locator, lon: Any, lat: Any, pairs: Any) -> None:
    """Stop unless the owner is among the grids that the tree names, for every point."""
    owners = locator.owners(lon, lat)
    agrees = np.bincount(pairs[0], owners[pairs[0]] == pairs[1], len(lon)) == 1
    outside = np.bincount(pairs[0], minlength=len(lon)) == 0
    agrees[outside] = owners[outside] < 0
    if not agrees.all():
        raise SystemExit(f"{(~agrees).sum()} points are owned by another grid than shapely's")


# --- exactness ---------------------------------------------------------------------------------


def to_whole(values: Any) -> Any:
    """Return degrees in whole numbers of 1e-7, as floats that hold them exactly."""
    return np.rint(np.round(values, 7) * 1e7)


def find_disagreements(shapes: Any, owners: Any, lon: Any, lat: Any) -> Any:
    """Return the points whose owner is not the one that shapely's answers on whole numbers give."""
    whole = shapely.transform(shapes, to_whole)
    tree, points = shapely.STRtree(whole), np.column_stack([to_whole(lon), to_whole(lat)])
    point, grid = tree.query(shapely.points(points), predicate="intersects")
    count = np.bincount(point, minlength=len(owners))
    listed = np.bincount(point, owners[point] == grid, len(owners)) == 1
    right = np.where(count == 0, owners < 0, listed)
    border = np.flatnonzero(count > 1)
    nudged = points[border] + [2.0**-3, 2.0**-21]
    at, seen = tree.query(shapely.points(nudged), predicate="intersects")
    right[border[at]] &= owners[border[at]] == seen
    return np.flatnonzero(~right)


def pick_adversarial(shapes: Any, n: int, seed: int = 2) -> tuple[Any, Any]:
    """Pick corners, points on edges, and both moved by the least that a float can be moved."""
    random = np.random.default_rng(seed)
    corners, ring = shapely.get_coordinates(shapely.get_exterior_ring(shapes), return_index=True)
    edge = np.flatnonzero(ring[1:] == ring[:-1])
    chosen = random.choice(edge, n)
    share = random.random((n, 1)) * random.integers(0, 2, (n, 1))  # half of them at a corner
    spots = corners[chosen] + share * (corners[chosen + 1] - corners[chosen])
    third = n // 3
    spots[:third] = np.round(spots[:third], 7)
    spots[third : 2 * third] = np.nextafter(spots[third : 2 * third], np.inf)
    spots[2 * third :] = np.nextafter(spots[2 * third :], -np.inf)
    return spots[:, 0], spots[:, 1]


def check_exactness(n_grids: int, n_points: int) -> None:
    """Stop at the first disagreement among random points and a tenth as many adversarial ones."""
    grids = make_grids(n_grids)
    shapes, locator = grids.geometry.to_numpy(), Locator(grids)
    for name, total, pick in (
        ("random", n_points, lambda size, seed: pick_inside(grids, size, seed)),
        ("adversarial", n_points // 10, lambda size, seed: pick_adversarial(shapes, size, seed)),
    ):
        for seed, start in enumerate(range(0, total, 1_000_000)):
            lon, lat = pick(min(1_000_000, total - start), seed)
            wrong = find_disagreements(shapes, locator.owners(lon, lat), lon, lat)
            if len(wrong):
                raise SystemExit(f"{len(wrong)} {name} points disagree, first {lon[wrong[0]]!r}")
        print(f"locate: {total} {name} points, 0 disagreements")


def measure_shenzhen() -> Bar | None:
    """Time real GPS points in districts of thousands of corners, and explain disagreements.

    Shapely is given the floats as they are. Where it names another district than ours, the point
    must lie within the rounding of its border (1.5 units, 17 mm), and shapely must agree as soon as
    it is given what was rounded.
    """
    path = SHARED / "shenzhen_districts_4326.gpkg"
    if not path.exists():
        return None
    districts = gpd.read_file(path)
    shapes = districts.geometry.to_numpy()
    points = pd.read_parquet(SHARED / "points_shenzhen_gps_545k.parquet")
    lon, lat = points["lon"].to_numpy(np.float64), points["lat"].to_numpy(np.float64)
    locator = Locator(districts)
    ask_tree = query_tree(shapes, lon, lat)
    owners, pairs = locator.owners(lon, lat), ask_tree()
    expected = np.full(len(lon), -1)
    expected[pairs[0][::-1]] = pairs[1][::-1]
    differ = np.flatnonzero(owners != expected)
    border = shapely.union_all(shapely.boundary(shapes))
    off = shapely.distance(shapely.points(lon[differ], lat[differ]), border)
    left = find_disagreements(shapes, owners, lon, lat)
    for row, metres in zip(differ, off * 111_000, strict=True):
        print(f"  {lon[row]!r}, {lat[row]!r}: {1000 * metres:.2f} mm from the border")
    if len(left) or (off > 1.5e-7).any():
        raise SystemExit(f"{len(left)} disagreements in Shenzhen are not due to rounding")
    ours = time_median(lambda: locator.owners(lon, lat)) * 1e6 / len(lon)
    peer = time_median(ask_tree, times=1) * 1e6 / len(lon)
    name = (
        f"locate: Shenzhen, {len(lon)} points, {len(differ)} differ from shapely on what was not "
        f"rounded, {len(left)} on what was"
    )
    return make_bar(name, ours, peer, ">= 20x", peer / ours >= 20)


def measure_berlin() -> Bar | None:
    """Give the share of labelled points that lie in the zone of their label.

    Where one does not, shapely must say the same: then the label is at odds with the zones.
    """
    path = SHARED / "pip_labelled_berlin_4326.gpkg"
    if not path.exists():
        return None
    zones, points = gpd.read_file(path, layer="zones"), gpd.read_file(path, layer="points")
    lon, lat = points.geometry.x.to_numpy(), points.geometry.y.to_numpy()
    locator = Locator(zones)
    owners = locator.owners(lon, lat)
    shapes = zones.geometry.to_numpy()
    check_agreement(locator, lon, lat, query_tree(shapes, lon, lat)())
    found = zones["neighbourhood"].reindex(owners).to_numpy()
    right = found == points["label"]
    for row in np.flatnonzero(~right):
        where = "no zone" if owners[row] < 0 else f"zone {found[row]}"
        print(f"  {lon[row]}, {lat[row]} is in {where}, for shapely too; label {points.label[row]}")
    share = float(right.mean() * 100)
    name = f"locate: Berlin labels, % agreeing ({(~right).sum()} not: nor do they for shapely)"
    return make_bar(name, share, None, ">= 99.995", share >= 99.995)


STEPS = {"build": build, "ask": ask, "ask_peer": ask_peer}


def run_step(step: str, *arguments: str) -> None:
    """Run a step of a size, and print what it found."""
    values = [int(one) if one.isdigit() else one for one in arguments]
    print(json.dumps(STEPS[step](*values)))


def main() -> None:
    """Measure, print, and write the file asked for."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, nargs="+", default=[2157, 150_000, 2_000_000])
    parser.add_argument("--points", type=int)
    parser.add_argument("--exact", action="store_true", help="only look for disagreements")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        run_step(*asked.step)
        return
    if asked.exact:
        check_exactness(2157, asked.points or 10_000_000)
        return
    with tempfile.TemporaryDirectory() as folder:
        bars = [
            bar
            for n in asked.grids
            for bar in measure_size(n, asked.points or 1_000_000, Path(folder))
        ]
    bars += [measure_corners(), *measure_vertices()]
    bars += [bar for bar in (measure_shenzhen(), measure_berlin()) if bar is not None]
    report(bars, asked.json, peer="shapely")


if __name__ == "__main__":
    main()
