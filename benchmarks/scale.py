"""What the engine costs as cities grow, and before it starts: python benchmarks/scale.py.

    python benchmarks/scale.py                   all three tables
    python benchmarks/scale.py curve             one territory of 1,000 to 400,000 units
    python benchmarks/scale.py memory            peak of a process that draws the 40k city
    python benchmarks/scale.py start             import, first call after installation, later calls

The curve draws a made town as one connected territory without communities, at the default effort,
and fits the exponent of time over units; near-linear is 1. The first call after installation is
measured with an empty cache of compiled kernels in a temporary folder, which takes a minute or two;
the cache of the package is left alone. There is no peer. ``--json FILE`` writes a list of ``{bar,
ours, peer, ratio, goal, met}``.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from report import Bar, make_limit, make_parser, report  # the script beside this one

HERE = Path(__file__).resolve().parent
SIZES = (1_000, 4_000, 16_000, 64_000, 200_000, 400_000)
#: Bar -> goal.
GOALS = {
    "exponent of time over units": 1.15,
    "peak of the 40k city, MB": 1000.0,
    "import gridmap, s": 1.0,
    "first call after installation, s": None,
    "first call of a later process, s": 2.0,
}


def make_town(units: int, seed: int = 0) -> Any:
    """Make one territory of so many units on a lattice: streets every 8, main roads every 40.

    A third of the units are empty, the others have up to 60 households; compounds are 4 by 4.
    """
    import numpy as np

    from gridmap.partition import assemble_problem

    rng = np.random.default_rng(seed)
    side = round(units**0.5)
    spot = np.arange(side * side).reshape(side, side)
    row, column = np.divmod(spot, side)
    pairs, barrier = [], []
    for one, two, place in (
        (spot[:, :-1], spot[:, 1:], column[:, 1:]),
        (spot[:-1], spot[1:], row[1:]),
    ):
        pairs.append(np.column_stack([one.ravel(), two.ravel()]))
        barrier.append(np.where(place % 40 == 0, 2, np.where(place % 8 == 0, 1, 0)).ravel())
    return assemble_problem(
        households=rng.integers(1, 60, side * side) * (rng.random(side * side) < 2 / 3),
        community=np.zeros(side * side, int),
        compound=(row // 4 * side + column // 4).ravel(),
        block=(row // 8 * side + column // 8).ravel(),
        pairs=np.concatenate(pairs),
        border=rng.uniform(5, 40, sum(map(len, pairs))),
        barrier=np.concatenate(barrier),
        usable=np.ones(sum(map(len, pairs)), bool),
    )


def run_curve(most: int) -> dict[str, float]:
    """Draw towns of growing size; print seconds and evenness, give the exponent."""
    import numpy as np

    from gridmap.partition import evaluate, partition_problem, warm_up
    from gridmap.rules import Rules

    warm_up()
    print("   units   grids   seconds  us a unit  within 20 %  within 10 %  pieces  peak MB")
    sizes, seconds = [size for size in SIZES if size <= most], []
    for size in sizes:
        town = make_town(size)
        start = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as executor:
            labels = partition_problem(town, Rules(), executor=executor)
        seconds.append(time.perf_counter() - start)
        grids = evaluate(town, labels, Rules()).grids
        off = np.abs(grids["deviation"])
        print(
            f"{len(town):8d}{len(off):8d}{seconds[-1]:10.2f}{1e6 * seconds[-1] / len(town):11.1f}"
            f"{100 * (off <= 0.2).mean():13.2f}{100 * (off <= 0.1).mean():13.2f}"
            f"{int(grids['pieces'].max()):8d}{peak():9d}"
        )
    slope = np.polyfit(np.log(sizes), np.log(seconds), 1)[0] if len(sizes) > 1 else float("nan")
    return {"exponent of time over units": float(slope)}


def peak() -> int:
    """Give the largest size that this process had, MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def run_memory() -> dict[str, float]:
    """Draw the benchmark city and give the peak of the process."""
    sys.path.insert(0, str(HERE))
    from partition import draw_ours, read_city

    from gridmap.partition import warm_up
    from gridmap.rules import Costs

    problem, _ = read_city()
    warm_up()
    draw_ours(problem, Costs(), 150, 0, os.cpu_count() or 1)
    return {"peak of the 40k city, MB": float(peak())}


def time_process(code: str, bytecode: str, kernels: str | None = None) -> float:
    """Run a line in a fresh process; give its seconds, interpreter included.

    Python's bytecode is kept in one folder, compiled kernels in another, if one is given.
    """
    setting = {"PYTHONPYCACHEPREFIX": bytecode}
    setting |= {} if kernels is None else {"NUMBA_CACHE_DIR": kernels}
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=kept | setting)
    return time.perf_counter() - start


def run_start() -> dict[str, float]:
    """Time import, the first call after installation and that of a later process."""
    warm = "import gridmap; gridmap.warm_up()"
    with tempfile.TemporaryDirectory() as bytecode, tempfile.TemporaryDirectory() as kernels:
        bare = min(time_process("pass", bytecode) for _ in range(3))
        cold = time_process(warm, bytecode, kernels) - bare
        imported = min(time_process("import gridmap", bytecode) for _ in range(5)) - bare
        later = min(time_process(warm, bytecode, kernels) for _ in range(3)) - bare - imported
    return {
        "import gridmap, s": imported,
        "first call after installation, s": cold,
        "first call of a later process, s": later,
    }


def run_apart(name: str) -> dict[str, float]:
    """Run one table in a fresh process."""
    command = [sys.executable, __file__, name, "--inner"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def judge(figures: dict[str, float]) -> list[Bar]:
    """Set figures against their goals."""
    return [make_limit(bar, ours, GOALS[bar]) for bar, ours in figures.items()]


def main() -> None:
    """Run the tables that were asked for, print them, write the list."""
    parser = make_parser(__doc__)
    parser.add_argument("tables", nargs="*", help="curve, memory, start; all by default")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="units of the largest town")
    parser.add_argument("--inner", action="store_true", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.inner:
        print(json.dumps(run_memory()))
        return
    runs = {
        "curve": lambda: run_curve(wish.most),
        "memory": lambda: run_apart("memory"),
        "start": run_start,
    }
    rows = []
    for name in wish.tables or runs:
        rows += judge(runs[name]())
    report(rows, wish.json)


if __name__ == "__main__":
    main()
