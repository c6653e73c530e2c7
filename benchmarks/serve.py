"""The service under load: ours, tipg on PostGIS and pygeoapi on PostGIS, in one run.

    python benchmarks/serve.py [--json FILE] [--store FOLDER] [--peers FOLDER] [--only ours]

A city is drawn, kept and published (``--store`` keeps it for the next run), each server runs with
one worker, and wrk asks it on loopback with 32 connections: a point look-up, the grids in a box,
and for ours batches of points. Told are requests a second, the 99th percentile, and µs of CPU a
request of the server's process (and of its database), which depend less on what else the machine
does. Ours is started once more with two workers. A cold tile is one that a server is asked for the
first time, so ours is started anew for each round of the tiles of zoom 12. It cut them when the
plan was published (`benchmarks/tiles.py` times that, beside the same statement); tipg cuts them
when it is asked, and keeps none. Ours has four layers there; tipg gives a tile for each, asked for
one after the other, with fewer properties. Peers are installed into environments of their own under
``--peers``; what does not install, start or answer is left out, with the reason. PostgreSQL's
programs must be installed.
"""

import http.client
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import psycopg
from report import Bar, make_bar, make_parser, report  # the script beside this one

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how to run PostgreSQL

import gridmap
from gridmap.days import today_in_china
from gridmap.geojson import TOLD
from gridmap.tiles import LAYERS
from tests.postgres import find_binaries, run_server

ROOT = Path(__file__).parents[1]
PEERS = {
    "tipg": ["tipg", "uvicorn"],
    "pygeoapi": ["pygeoapi", "gunicorn", "psycopg2-binary", "geoalchemy2"],
}
POINTS, BATCH, FIRST = 2_000, 10_000, 100
MERCATOR, ZOOM, ROUNDS = "WebMercatorQuad", 12, 5
TILE_LAYERS = tuple(layer for layer, first in LAYERS.items() if first <= ZOOM)
ZIPPED = 'wrk.headers["Accept-Encoding"] = "gzip"\n'
TICK = os.sysconf("SC_CLK_TCK")
SCRIPT = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
local requests, at = {}, 0
init = function() for i, path in ipairs(paths) do requests[i] = wrk.format("GET", path) end end
request = function() at = at %% #requests + 1; return requests[at] end
"""
POST = """
local file = io.open("%s", "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = "%s"
"""


@dataclass(frozen=True)
class Load:
    """What wrk and /proc saw."""

    rate: float
    p99: float
    cpu: float
    database: float


# --- servers -----------------------------------------------------------------------------------


def find_port() -> int:
    """Return a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, process: subprocess.Popen[bytes], seconds: float = 60) -> float:
    """Return the seconds until an address answers."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(address, timeout=seconds) as answer:
                answer.read()
            return time.perf_counter() - start
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"{address} does not answer")


@contextmanager
def serve(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends."""
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def count_cpu(pids: Sequence[int]) -> float:
    """Return the CPU seconds that processes and their children have used."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # its own, and of children that ended
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            continue
        ticks += round(count_cpu([int(child) for child in children]) * TICK)
    return ticks / TICK


def wait_until_idle(pid: int, seconds: float = 60) -> None:
    """Wait until a server has read ahead what it wants, so that only requests are measured."""
    before, until = -1.0, time.perf_counter() + seconds
    while (now := count_cpu([pid])) != before and time.perf_counter() < until:
        before = now
        time.sleep(0.5)


def list_family(pid: int) -> list[int]:
    """Return a process and those that it started."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in list_family(int(child)))]


def measure_memory(pid: int) -> float:
    """Return the MB of a process and its children, shared pages divided among who shares them."""
    total = 0
    for one in list_family(pid):
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.M)
        total += int(found.group(1)) if found else 0
    return total / 1024


def ask(
    base: str,
    script: str,
    pids: Sequence[int],
    database: Sequence[int],
    seconds: int,
    connections: int,
) -> Load:
    """Ask a server with wrk, after a second to warm up."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", "--latency", "-s", file.name]
        subprocess.run([*command, "-d1s", base], capture_output=True, check=True)
        before, kept = count_cpu(pids), count_cpu(database)
        done = subprocess.run(
            [*command, f"-d{seconds}s", base], capture_output=True, text=True, check=True
        )
        used, stored = count_cpu(pids) - before, count_cpu(database) - kept
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    if wrong:
        raise RuntimeError(f"{wrong.group(1)} answers of {base} were errors")
    requests = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    if not requests:
        raise RuntimeError(f"{base} answered nothing in {seconds} s")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout).groups()
    p99 = float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
    return Load(rate, p99, used / requests * 1e6, stored / requests * 1e6)


# --- what is asked -----------------------------------------------------------------------------


def make_points(plan: gridmap.Plan, count: int) -> list[tuple[float, float]]:
    """Make places where people are: up to some 50 m from a random building."""
    rng = random.Random(0)
    buildings = plan.city.buildings.sample(count, replace=True, random_state=0)
    shapes = buildings.representative_point().to_crs("EPSG:4326")
    return [
        (round(at.x + rng.uniform(-5e-4, 5e-4), 6), round(at.y + rng.uniform(-5e-4, 5e-4), 6))
        for at in shapes
    ]


def make_boxes(points: Sequence[tuple[float, float]]) -> list[str]:
    """Make boxes of 600 m or so from places: a screen of a phone, some 10 grids."""
    size = 0.006
    return [f"{lon},{lat},{lon + size:.6f},{lat + size:.6f}" for lon, lat in points]


def list_tiles(plan: gridmap.Plan) -> list[tuple[int, int, int]]:
    """List the tiles of a zoom that the city lies in: zoom, column and row."""
    west, north, east, south = gridmap.make_tiles(plan, layers=("grids",)).limits(ZOOM)
    return [(ZOOM, x, y) for x in range(west, east + 1) for y in range(north, south + 1)]


def write_paths(folder: Path, paths: Sequence[str]) -> str:
    """Write a wrk script that asks for paths in turn."""
    file = folder / f"paths-{abs(hash(tuple(paths)))}.txt"
    file.write_text("\n".join(paths) + "\n")
    return SCRIPT % file


def write_batch(folder: Path, name: str, body: bytes, media_type: str) -> str:
    """Write a wrk script that posts a body."""
    file = folder / name
    file.write_bytes(body)
    return POST % (file, media_type)


def make_batches(points: Sequence[tuple[float, float]]) -> dict[str, tuple[bytes, str]]:
    """Return a batch of points in each kind."""
    import pyarrow as pa

    lon, lat = (list(column) for column in zip(*points, strict=True))
    sink = pa.BufferOutputStream()
    table = pa.table({"lon": lon, "lat": lat})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    rows = "".join(f"{x},{y}\n" for x, y in points)
    return {
        "JSON": (json.dumps({"lon": lon, "lat": lat}).encode(), "application/json"),
        "CSV": (f"lon,lat\n{rows}".encode(), "text/csv"),
        "Arrow": (sink.getvalue().to_pybytes(), "application/vnd.apache.arrow.stream"),
    }


# --- ours --------------------------------------------------------------------------------------


def make_store(folder: Path, grids: int) -> gridmap.PlanStore:
    """Draw, keep and publish a city; what is there already is taken."""
    store = gridmap.PlanStore(folder)
    if store.publications().empty:
        print(f"drawing a city of {grids} grids …")
        store.keep(gridmap.draw_plan(gridmap.make_city(grids), steps=5), "bench")
        store.publish("bench", today_in_china(), by="benchmark")
    return store


@contextmanager
def start_ours(
    store: Path, folder: Path, workers: int
) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """Run ours; give its address, its process and the seconds until it answered the first time."""
    port = find_port()
    command = [sys.executable, "-m", "api", str(store), "--port", str(port)]
    command += ["--workers", str(workers), "--rate", "0", "--key-rate", "0"]
    with serve(command, {"PYTHONPATH": str(ROOT)}, folder) as process:
        base = f"http://127.0.0.1:{port}"
        yield base, process, wait_for(f"{base}/locate?lon=122.2&lat=40.6", process)


@contextmanager
def serve_ours(
    store: Path, folder: Path, workers: int
) -> Iterator[tuple[str, subprocess.Popen[bytes], float]]:
    """Run ours as `start_ours` does, and wait until it has read ahead what it wants."""
    with start_ours(store, folder, workers) as (base, process, started):
        wait_until_idle(process.pid)
        yield base, process, started


# --- peers -------------------------------------------------------------------------------------


@contextmanager
def serve_database(store: gridmap.PlanStore) -> Iterator[tuple[str, int]]:
    """Run PostGIS with the grids in it; give its address and its process."""
    if find_binaries() is None:
        raise OSError("no PostgreSQL server on this machine")
    with run_server() as address:
        fill_database(address, store)
        with psycopg.connect(address) as link:
            data = Path(link.execute("SHOW data_directory").fetchone()[0])
        yield address, int((data / "postmaster.pid").read_text().split()[0])


def fill_database(address: str, store: gridmap.PlanStore) -> None:
    """Write the grids of the plan in force, and its base map, into tables with spatial indexes."""
    plan = store.in_force(today_in_china())
    grids = plan.grids.to_crs("EPSG:4326")
    with psycopg.connect(address, autocommit=True) as database:
        database.execute("CREATE EXTENSION postgis")
        database.execute(
            "CREATE TABLE grids (grid_code text PRIMARY KEY, name text, community_id text, "
            "households integer, geom geometry(Polygon, 4326))"
        )
        rows = zip(
            *(grids.index, grids["name"], grids["community_id"], grids["households"].tolist()),
            grids.geometry.to_wkb(),
            strict=True,
        )
        with database.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO grids VALUES (%s, %s, %s, %s, ST_GeomFromWKB(%s, 4326))", list(rows)
            )
        database.execute("CREATE INDEX ON grids USING gist (geom)")
        database.execute("ANALYZE grids")
        for layer in TILE_LAYERS[1:]:
            fill_layer(database, layer, getattr(plan.city, layer).to_crs("EPSG:4326"))


def fill_layer(database: psycopg.Connection[Any], layer: str, frame: gpd.GeoDataFrame) -> None:
    """Write a layer of the base map, with what the public is told of it."""
    names = TOLD[layer]
    columns = "".join(f", {name} text" for name in names)
    database.execute(
        f"CREATE TABLE {layer} (id serial PRIMARY KEY, geom geometry(Geometry, 4326){columns})"
    )
    told = frame[list(names)].astype(object).where(frame[list(names)].notna(), None)
    rows = zip(frame.geometry.to_wkb(), *(told[name] for name in names), strict=True)
    marks = ", %s" * len(names)
    with database.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {layer} (geom, {', '.join(names)}) "
            f"VALUES (ST_GeomFromWKB(%s, 4326){marks})",
            list(rows),
        )
    database.execute(f"CREATE INDEX ON {layer} USING gist (geom)")
    database.execute(f"ANALYZE {layer}")


def install(name: str, folder: Path) -> Path:
    """Install a peer into an environment of its own; return the folder of its programs."""
    home = folder / name
    if not (home / "bin" / PEERS[name][1]).exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", *PEERS[name]], check=True)
    return home / "bin"


@contextmanager
def serve_tipg(programs: Path, address: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Run tipg with one worker."""
    port = find_port()
    command = [str(programs / "uvicorn"), "tipg.main:app", "--port", str(port)]
    settings = {
        "DATABASE_URL": address,
        "TIPG_DB_SCHEMAS": '["public"]',
        "TIPG_CATALOG_TTL": "3600",
    }
    with serve([*command, "--no-access-log"], settings, folder) as process:
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/collections/public.grids", process)
        yield base, process.pid


@contextmanager
def serve_pygeoapi(programs: Path, address: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Run pygeoapi with one worker."""
    port = find_port()
    config, described = folder / "pygeoapi.json", folder / "openapi.json"
    config.write_text(json.dumps(configure_pygeoapi(address, port)))
    settings = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(described)}
    generate = [programs / "pygeoapi", "openapi", "generate", config, "-f", "json"]
    with described.open("wb") as file:
        subprocess.run(generate, env={**os.environ, **settings}, stdout=file, check=True)
    command = [str(programs / "gunicorn"), "-w1", "-b", f"127.0.0.1:{port}"]
    with serve([*command, "pygeoapi.flask_app:APP"], settings, folder) as process:
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/collections/grids?f=json", process)
        yield base, process.pid


def configure_pygeoapi(address: str, port: int) -> dict[str, Any]:
    """Return a configuration with one collection of the database."""
    host = re.search(r"@([^:]+):(\d+)", address)
    assert host
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 100, "max_items": 1000},
            "map": {"url": "http://127.0.0.1/{z}/{x}/{y}", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": "grids",
                "description": "grids",
                "keywords": ["grids"],
                "keywords_type": "theme",
                "terms_of_service": "none",
                "url": "http://127.0.0.1",
            },
            "license": {"name": "none", "url": "http://127.0.0.1"},
            "provider": {"name": "none", "url": "http://127.0.0.1"},
            "contact": {"name": "none", "position": "none", "email": "a@example.org"},
        },
        "resources": {
            "grids": {
                "type": "collection",
                "title": "grids",
                "description": "grids",
                "keywords": ["grids"],
                "extents": {
                    "spatial": {
                        "bbox": [-180, -90, 180, 90],
                        "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
                    }
                },
                "links": [],
                "providers": [
                    {
                        "type": "feature",
                        "name": "PostgreSQL",
                        "data": {
                            "host": host.group(1),
                            "port": int(host.group(2)),
                            "dbname": "postgres",
                            "user": "gridmap",
                            "password": "",
                            "search_path": ["public"],
                        },
                        "id_field": "grid_code",
                        "table": "grids",
                        "geom_field": "geom",
                    }
                ],
            }
        },
    }


# --- the run -----------------------------------------------------------------------------------


class Bench:
    """One run: what is asked, of whom, and what came of it."""

    def __init__(self, store: gridmap.PlanStore, folder: Path, seconds: int) -> None:
        self.store, self.folder, self.seconds = store, folder, seconds
        plan = store.in_force(today_in_china())
        self.batch = make_points(plan, BATCH)
        self.points = self.batch[:POINTS]
        self.boxes = make_boxes(self.points[: POINTS // 4])
        self.tiles = list_tiles(plan)
        self.loads: dict[tuple[str, str], Load] = {}
        self.cold: dict[str, list[float]] = {}
        self.cold_cpu: dict[str, list[float]] = {}
        self.bars: list[Bar] = []

    def measure(
        self,
        who: str,
        what: str,
        base: str,
        script: str,
        pid: int,
        database: Sequence[int] = (),
        connections: int = 32,
    ) -> None:
        """Ask, and print what came of it."""
        load = ask(base, script, [pid], database, self.seconds, connections)
        self.loads[who, what] = load
        stored = f" and {load.database:.0f} of its database" if database else ""
        print(
            f"  {who:9} {what:12} {load.rate:9.0f} requests/s  p99 {load.p99:7.1f} ms  "
            f"{load.cpu:7.0f} µs of CPU a request{stored}"
        )

    def time_cold(
        self, who: str, base: str, tiles: Sequence[Sequence[str]], pids: Sequence[int]
    ) -> None:
        """Ask for the parts of each tile; note the milliseconds of each, and of CPU a tile."""
        before = count_cpu(pids)
        seconds = [sum(time_requests(base, parts)) for parts in tiles]
        used = count_cpu(pids) - before
        self.cold.setdefault(who, []).extend(1000 * one for one in seconds)
        self.cold_cpu.setdefault(who, []).append(1000 * used / len(tiles))

    def compare_cold(self) -> None:
        """Add the bars of cold tiles."""
        times = {who: statistics.median(rows) for who, rows in self.cold.items()}
        cpu = {who: statistics.mean(rows) for who, rows in self.cold_cpu.items()}
        for what, figures, who, goal, least in (
            ("cold tile, ms", times, "tipg", ">= 20 x tipg", 20),
            ("cold tile, ms, beside one of grids alone", times, "tipg, grids", None, 0),
            ("cold tile, ms CPU", cpu, "tipg", None, 0),
            ("cold tile, ms CPU, beside one of grids alone", cpu, "tipg, grids", None, 0),
        ):
            ours, peer = figures["ours"], figures.get(who)
            ratio = peer / ours if peer and ours else None  # a tick may be more than it took
            met = (ratio is None or ratio >= least) if goal else None
            self.add(f"z{ZOOM}: {what}", ours, peer, ratio, goal, met)

    def compare(self, what: str, goal: str, rate: float, ratio: float) -> None:
        """Add the bars of one kind of request."""
        ours = self.loads.get(("ours", what))
        peer = self.loads.get(("tipg", what))
        if ours is None:
            return
        times = ours.rate / peer.rate if peer else None
        met = ours.rate >= rate and (times is None or times >= ratio)
        self.add(f"{what}, requests/s", ours.rate, peer.rate if peer else None, times, goal, met)
        if peer:
            cpu = (peer.cpu + peer.database) / ours.cpu
            self.add(f"{what}, µs CPU", ours.cpu, peer.cpu + peer.database, cpu)
        other = self.loads.get(("pygeoapi", what))
        if other:
            times = ours.rate / other.rate
            self.add(f"{what}, requests/s, pygeoapi", ours.rate, other.rate, times)

    def add(
        self,
        bar: str,
        ours: float,
        peer: float | None = None,
        ratio: float | None = None,
        goal: str | None = None,
        met: bool | None = None,
    ) -> None:
        """Add one bar."""
        self.bars.append(make_bar(bar, ours, peer, goal, met, ratio=ratio))


def run_ours(bench: Bench) -> None:
    """Measure ours."""
    with serve_ours(bench.store.folder, bench.folder, 1) as (base, process, started):
        pid = process.pid
        print(f"  ours starts in {started:.2f} s; {measure_memory(pid):.0f} MB")
        bench.add("start-up, s", started, goal="< 2", met=started < 2)
        points = [f"/locate?lon={lon}&lat={lat}" for lon, lat in bench.points]
        bench.measure("ours", "point", base, write_paths(bench.folder, points), pid)
        boxes = [f"/collections/grids/items?bbox={box}&limit=100" for box in bench.boxes]
        bench.measure("ours", "items", base, write_paths(bench.folder, boxes), pid)
        boxes = [f"/grids?bbox={box}" for box in bench.boxes]
        bench.measure("ours", "grids", base, write_paths(bench.folder, boxes), pid)
        words = ["祥府花园3号楼", "anyuan", "210802001", "小雨社区3#", "清华路"]
        asked = [f"/search?q={urllib.parse.quote(word)}" for word in words]
        wait_for(base + asked[0], process)  # the first search opens the index
        bench.measure("ours", "search", base, write_paths(bench.folder, asked), pid, connections=2)
        for kind, (body, media_type) in make_batches(bench.batch).items():
            script = write_batch(bench.folder, kind, body, media_type)
            bench.measure("ours", kind, f"{base}/locate", script, pid, connections=16)


def run_first(bench: Bench) -> None:
    """Ask ours as soon as it answers: who comes first should not wait longer than others."""
    zoom, x, y = bench.tiles[0]
    kinds = {
        "point": [f"/locate?lon={lon}&lat={lat}" for lon, lat in bench.points[:FIRST]],
        "tile": [f"/tiles/{MERCATOR}/{zoom}/{y}/{x}"] * FIRST,
        "items": [f"/collections/grids/items?bbox={box}&limit=100" for box in bench.boxes[:FIRST]],
        "search": ["/search?q=anyuan"] * FIRST,
    }
    with start_ours(bench.store.folder, bench.folder, 1) as (base, _, _):
        for kind, paths in kinds.items():
            slowest = 1000 * max(time_requests(base, paths))
            print(f"  the slowest of the first {FIRST} answers, {kind}: {slowest:.1f} ms")
            bar = f"slowest of the first {FIRST} answers, {kind}, ms"
            bench.add(bar, slowest)


def run_two_workers(bench: Bench) -> None:
    """Measure how much memory a second worker takes, and that both answer."""
    with serve_ours(bench.store.folder, bench.folder, 2) as (base, process, started):
        pid = process.pid
        points = [f"/locate?lon={lon}&lat={lat}" for lon, lat in bench.points]
        bench.measure("ours × 2", "point", base, write_paths(bench.folder, points), pid)
        print(f"  two workers start in {started:.2f} s; {measure_memory(pid):.0f} MB together")


def run_peer(bench: Bench, name: str, programs: Path, address: str, database: int) -> None:
    """Measure a peer."""
    start = {"tipg": serve_tipg, "pygeoapi": serve_pygeoapi}[name]
    items = {
        "tipg": "/collections/public.grids/items?limit={}&bbox={}",
        "pygeoapi": "/collections/grids/items?f=json&limit={}&bbox={}",
    }[name]
    with start(programs, address, bench.folder) as (base, pid):
        points = [items.format(1, f"{lon},{lat},{lon},{lat}") for lon, lat in bench.points]
        bench.measure(name, "point", base, write_paths(bench.folder, points), pid, [database])
        boxes = [items.format(100, box) for box in bench.boxes]
        bench.measure(name, "items", base, write_paths(bench.folder, boxes), pid, [database])
        for _ in range(ROUNDS if name == "tipg" else 0):
            for layers, who in ((TILE_LAYERS, "tipg"), (TILE_LAYERS[:1], "tipg, grids")):
                parts = [
                    [
                        f"/collections/public.{layer}/tiles/{MERCATOR}/{z}/{x}/{y}"
                        for layer in layers
                    ]
                    for z, x, y in bench.tiles
                ]
                bench.time_cold(who, base, parts, [pid, database])


def run_peers(bench: Bench, folder: Path, names: Sequence[str]) -> None:
    """Measure the peers that install and start; say why for the others."""
    try:
        with serve_database(bench.store) as (address, database):
            for name in names:
                try:
                    run_peer(bench, name, install(name, folder), address, database)
                except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
                    print(f"  {name} is left out: {error}")
    except (OSError, subprocess.CalledProcessError, psycopg.Error) as error:
        print(f"  the peers are left out, for there is no PostGIS: {error}")


def run_tiles(bench: Bench) -> None:
    """Ask ours for each tile of a zoom in servers that were not asked before; then again."""
    for turn in range(ROUNDS):
        with serve_ours(bench.store.folder, bench.folder, 1) as (base, process, _):
            paths = [f"/tiles/{MERCATOR}/{zoom}/{y}/{x}" for zoom, x, y in bench.tiles]
            bench.time_cold("ours", base, [[path] for path in paths], [process.pid])
            if turn == ROUNDS - 1:
                script = write_paths(bench.folder, paths)
                bench.measure("ours", "kept tiles", base, ZIPPED + script, process.pid)


def time_requests(base: str, paths: Sequence[str]) -> list[float]:
    """Ask for paths one after the other, and return the seconds of each."""
    link = http.client.HTTPConnection(base.removeprefix("http://"))
    link.connect()
    seconds = []
    for path in paths:
        start = time.perf_counter()
        link.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = link.getresponse()
        body = answer.read()
        seconds.append(time.perf_counter() - start)
        if answer.status not in (200, 204):
            raise RuntimeError(f"{base}{path} answered {answer.status}: {body[:200]!r}")
    link.close()
    return seconds


def conclude(bench: Bench) -> None:
    """Add the bars."""
    bench.compare("point", ">= 10000 and >= 40 x tipg", 10_000, 40)
    ours = bench.loads["ours", "point"]
    bench.add("point, p99 ms at 32 connections", ours.p99, goal="< 10", met=ours.p99 < 10)
    bench.compare("items", ">= 3000 and >= 20 x tipg", 3_000, 20)
    kept = bench.loads["ours", "kept tiles"].rate
    bench.add("kept tiles, requests/s", kept, goal=">= 5000", met=kept >= 5000)
    bench.compare_cold()
    for kind, goal in (("JSON", 2e6), ("CSV", 2e6), ("Arrow", 5e6)):
        load = bench.loads.get(("ours", kind))
        if load:
            rate = load.rate * BATCH
            bench.add(f"batch {kind}, points/s", rate, goal=f">= {goal:.0f}", met=rate >= goal)
            bench.add(f"batch {kind}, µs CPU a point", load.cpu / BATCH)
    search = bench.loads["ours", "search"]
    bench.add("search, ms CPU", search.cpu / 1000, goal="< 20", met=search.cpu < 20_000)


def main() -> None:
    """Run, print, and write the bars."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, default=2157)
    parser.add_argument("--store", type=Path, help="folder of a published plan, made if missing")
    parser.add_argument("--peers", type=Path, help="folder of the peers' environments")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", choices=["ours", *PEERS])
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = make_store(options.store or folder / "store", options.grids)
        bench = Bench(store, folder, options.seconds)
        run_ours(bench)
        run_first(bench)
        run_two_workers(bench)
        run_tiles(bench)
        if options.only != "ours":
            names = [options.only] if options.only else list(PEERS)
            run_peers(bench, options.peers or folder / "peers", names)
        conclude(bench)
    report(bench.bars, options.json)


if __name__ == "__main__":
    main()
