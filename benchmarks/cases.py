"""New cases a second, and what a kill -9 in the middle loses.

    python benchmarks/cases.py [--json FILE] [--cases 100000] [--threads 32] [--only sqlite]

A process opens cases from many threads, as an API does: each is located among 2,157 grids, put on
its clocks, sent to a worker and a department, written with its log, its reporter and its
idempotency key, and acknowledged when it is on disk. Half-way the process is killed (SIGKILL);
another one sends again what was not acknowledged. Then every acknowledged case must be there, each
once, and every log must lead to its case.

The peer is the plain way on the same disk: one INSERT and one COMMIT a case, without any of the
above. PostgreSQL runs as it is installed, with fsync on, on a server of its own.
"""

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from report import Bar, make_bar, make_parser, report  # the script beside this one

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

GRIDS, COMMUNITIES = 2157, 189
GOALS = {"sqlite": 200, "postgresql": 500}
REPORTED = datetime(2026, 3, 1, 1, tzinfo=UTC)
CATEGORIES = ("市容环境", "供水", "道路交通", "矛盾纠纷")


def make_desk() -> Any:
    """Return the desk of a city like Yingkou: 2,157 grids, a worker each, 189 × 14 liaisons."""
    from locate import make_grids

    from gridmap.incidents.desk import Desk, Liaison, Ward
    from gridmap.locate import Locator
    from gridmap.rules import DEPARTMENTS

    grids = make_grids(GRIDS)
    wards = {
        str(code): Ward(f"c{place * COMMUNITIES // GRIDS}", f"K{place}")
        for place, code in enumerate(grids.index)
    }
    liaisons = {
        (f"c{place}", name): Liaison(f"{name}联络岗", "", "0417-0000000")
        for place in range(COMMUNITIES)
        for name in DEPARTMENTS
    }
    return Desk(Locator(grids), wards, liaisons, plan="benchmark")


def open_cases(where: str, threads: int, total: int) -> None:
    """Open the cases whose numbers come on standard input; say each when it is on disk."""
    from locate import make_points

    from gridmap.casebook.book import Casebook
    from gridmap.incidents.model import Actor, Location, Report, Reporter

    numbers = [int(line) for line in sys.stdin]
    east, north = make_points(total)
    citizen = Actor("reporter")
    out, pen = sys.stdout, threading.Lock()
    with Casebook(where, make_desk(), photos="photos") as book:

        def open_one(number: int) -> None:
            report = Report(
                CATEGORIES[number % len(CATEGORIES)],
                Location(float(east[number]), float(north[number])),
                f"第{number}件",
                reporter=Reporter("某某", "13800000000"),
                reported_at=REPORTED,
            )
            book.open(report, citizen, key=f"n{number}")
            with pen:
                out.write(f"{number}\n")
                out.flush()

        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(open_one, numbers, chunksize=1):
                pass


def run_child(
    where: str, total: int, threads: int, numbers: list[int], stop_after: int | None = None
) -> tuple[list[int], float]:
    """Run a process that opens cases; kill it after so many; return those said, and how fast."""
    words = [sys.executable, __file__, "--child", where, "--threads", str(threads)]
    words += ["--cases", str(total)]
    start = 0.0
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        child.stdin.write("".join(f"{number}\n" for number in numbers))
        child.stdin.close()
        said: list[int] = []
        for line in child.stdout:
            if line.endswith("\n"):
                said.append(int(line))
            start = start or time.perf_counter()  # the program is loaded, the first case is kept
            if len(said) == stop_after:
                os.kill(child.pid, signal.SIGKILL)
    return said, len(said) / (time.perf_counter() - start)


def count_lost(where: str, said: set[int], total: int) -> tuple[int, int, list[str]]:
    """Return how many acknowledged cases are missing, how many are there twice, and the check."""
    from sqlalchemy import func, select

    from gridmap.casebook.book import Casebook
    from gridmap.casebook.schema import cases, keys

    with Casebook(where, make_desk(), photos="photos") as book, book.engine.connect() as reading:
        kept = {int(key[1:]) for key in reading.execute(select(keys.c.key)).scalars()}
        count = reading.execute(select(func.count()).select_from(cases)).scalar_one()
        return len(said - kept), count - total, list(book.check())


def measure(where: str, total: int, threads: int) -> dict[str, Any]:
    """Open so many cases with a kill in the middle; return the rate and what is wrong."""
    everything = list(range(total))
    first, _ = run_child(where, total, threads, everything, total // 2)
    said, killed = set(first), len(first)
    missing = [number for number in everything if number not in said]
    again, rate = run_child(where, total, threads, missing)
    lost, extra, problems = count_lost(where, said | set(again), total)
    return {"rate": rate, "killed": killed, "lost": lost, "extra": extra, "problems": problems}


def measure_bare(where: str, count: int = 500) -> float:
    """Return rows a second of one INSERT and one COMMIT each, by the bare driver."""
    if "://" in where:
        import psycopg

        connection: Any = psycopg.connect(where)
    else:
        connection = sqlite3.connect(f"{where}.bare")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    sign = "%s" if "://" in where else "?"
    connection.execute("CREATE TABLE bare (number INTEGER, body TEXT)")
    connection.commit()
    start = time.perf_counter()
    for number in range(count):
        connection.execute(f"INSERT INTO bare VALUES ({sign}, {sign})", (number, "x" * 500))
        connection.commit()
    rate = count / (time.perf_counter() - start)
    connection.close()
    return rate


def judge(kind: str, where: str, total: int, threads: int) -> list[Bar]:
    """Measure one database, print it, and return its bars."""
    bare = measure_bare(where)
    found = measure(where, total, threads)
    rate, goal = found["rate"], GOALS[kind]
    print(
        f"{kind}: {rate:.0f} new cases a second (goal {goal}), bare commits {bare:.0f}; "
        f"killed after {found['killed']:,} of {total:,}: {found['lost']} lost, "
        f"{found['extra']} twice, {len(found['problems'])} problems"
    )
    for problem in found["problems"][:5]:
        print(" ", problem)
    whole = not (found["lost"] or found["extra"] or found["problems"])
    return [
        make_bar(
            f"new cases a second on {kind}", rate, bare, f">= {goal}", rate >= goal,
            ratio=rate / bare,
        ),
        make_bar(
            f"acknowledged cases lost of {total} by a kill -9 on {kind}",
            found["lost"] + found["extra"] + len(found["problems"]), None, "0", whole,
        ),
    ]  # fmt: skip


def run(total: int, threads: int, only: str) -> list[Bar]:
    """Measure the databases that are asked for."""
    from tests.postgres import make_database, run_server

    bars: list[Bar] = []
    if only in ("", "sqlite"):
        with TemporaryDirectory() as folder:
            bars += judge("sqlite", str(Path(folder) / "cases.sqlite"), total, threads)
    if only in ("", "postgresql"):
        with run_server("") as server:
            bars += judge("postgresql", make_database(server, "cases"), total, threads)
    return bars


def main() -> None:
    """Run it."""
    parser = make_parser(__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--only", default="", choices=["", "sqlite", "postgresql"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        open_cases(asked.child, asked.threads, asked.cases)
        return
    bars = run(asked.cases, asked.threads, asked.only)
    report(bars, asked.json, peer="bare")


if __name__ == "__main__":
    main()
