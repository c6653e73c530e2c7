"""Locating points: ours against shapely's STRtree, in one run, on one thread.

    python benchmarks/locate.py [--json FILE] [--grids 2157] [--points 1000000]

The grids are a Voronoi coverage made here; each time is the median of five. ``owners`` does what
the tree does (which grid); ``locate_many`` also measures borders and names runners-up. With the
shared data beside the checkout, real points and real zones are located too, and compared.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import Voronoi

from gridmap.locate import Locator

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
    """Return the median seconds of some runs, after one to warm up."""
    run()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def query_tree(shapes: Any, lon: Any, lat: Any) -> Callable[[], Any]:
    """Return the peer's query: tree and points are built beforehand."""
    tree, points = shapely.STRtree(shapes), shapely.points(lon, lat)
    return lambda: tree.query(points, predicate="intersects")


def make_bar(name: str, ours: float, peer: float | None, goal: str, met: bool) -> dict[str, Any]:
    """Describe one bar; times in µs a point."""
    ratio = None if peer is None else round(peer / ours, 2)
    rounded = None if peer is None else round(peer, 4)
    return {
        "bar": name, "ours": round(ours, 4), "peer": rounded, "ratio": ratio, "goal": goal,
        "met": met,
    }  # fmt: skip


def measure_bars(n_grids: int, n_points: int) -> list[dict[str, Any]]:
    """Time the batch, the full table and single calls on random points."""
    grids, (lon, lat) = make_grids(n_grids), make_points(n_points)
    locator = Locator(grids)
    ask_tree = query_tree(grids.geometry.to_numpy(), lon, lat)
    check_agreement(locator, lon, lat, ask_tree())
    per_point = 1e6 / n_points
    batch = time_median(lambda: locator.owners(lon, lat)) * per_point
    peer = time_median(ask_tree) * per_point
    table = time_median(lambda: locator.locate_many(lon, lat)) * per_point
    some = list(zip(lon[:20_000].tolist(), lat[:20_000].tolist(), strict=True))
    single = time_median(lambda: [locator.locate(x, y) for x, y in some]) * 1e6 / len(some)
    return [
        make_bar(f"locate: batch, {n_grids} grids", batch, peer, "<= 0.10 us", batch <= 0.10),
        make_bar("locate: batch against STRtree", batch, peer, ">= 20x", peer / batch >= 20),
        make_bar("locate: table with borders", table, peer, "none", True),
        make_bar("locate: one call", single, None, "<= 3 us", single <= 3),
    ]


def check_agreement(locator: Locator, lon: Any, lat: Any, pairs: Any) -> None:
    """Stop unless the owner is among the grids that the tree names, for every point."""
    owners = locator.owners(lon, lat)
    agrees = np.bincount(pairs[0], owners[pairs[0]] == pairs[1], len(lon)) == 1
    if not agrees.all():
        raise SystemExit(f"{(~agrees).sum()} points are owned by another grid than shapely's")


def measure_shenzhen() -> dict[str, Any] | None:
    """Time real GPS points in districts of thousands of corners, and count disagreements."""
    path = SHARED / "shenzhen_districts_4326.gpkg"
    if not path.exists():
        return None
    districts = gpd.read_file(path)
    points = pd.read_parquet(SHARED / "points_shenzhen_gps_545k.parquet")
    lon, lat = points["lon"].to_numpy(np.float64), points["lat"].to_numpy(np.float64)
    locator = Locator(districts)
    ask_tree = query_tree(districts.geometry.to_numpy(), lon, lat)
    owners, pairs = locator.owners(lon, lat), ask_tree()
    expected = np.full(len(lon), -1)
    expected[pairs[0][::-1]] = pairs[1][::-1]
    differ = int((owners != expected).sum())
    ours = time_median(lambda: locator.owners(lon, lat)) * 1e6 / len(lon)
    peer = time_median(ask_tree, times=1) * 1e6 / len(lon)
    name = f"locate: Shenzhen, {len(lon)} points, {differ} differ"
    return make_bar(name, ours, peer, ">= 20x", peer / ours >= 20)


def measure_berlin() -> dict[str, Any] | None:
    """Give the share of labelled points that lie in the zone of their label."""
    path = SHARED / "pip_labelled_berlin_4326.gpkg"
    if not path.exists():
        return None
    zones, points = gpd.read_file(path, layer="zones"), gpd.read_file(path, layer="points")
    owners = Locator(zones).owners(points.geometry.x, points.geometry.y)
    found = zones["neighbourhood"].reindex(owners).to_numpy()
    share = float((found == points["label"]).mean() * 100)
    return make_bar("locate: Berlin labels, % agreeing", share, None, ">= 99.995", share >= 99.995)


def main() -> None:
    """Measure, print, and write the file asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--grids", type=int, default=2157)
    parser.add_argument("--points", type=int, default=1_000_000)
    asked = parser.parse_args()
    bars = measure_bars(asked.grids, asked.points)
    bars += [bar for bar in (measure_shenzhen(), measure_berlin()) if bar is not None]
    for bar in bars:
        print(*(f"{key}: {value}" for key, value in bar.items()), sep="  ")
    if asked.json:
        asked.json.write_text(json.dumps(bars, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
