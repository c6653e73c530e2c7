"""A process that is killed at any moment loses nothing that it acknowledged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gridmap.casebook.book import Casebook
from gridmap.incidents.desk import Desk

ROOT = Path(__file__).parents[2]
#: Opens and steps cases from eight threads until it is killed; says what is on disk.
_WORK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from gridmap.casebook.book import Casebook
from tests.incidents.town import CITIZEN, WORKER, make_town_desk, report, step

book = Casebook(sys.argv[1], make_town_desk())

def work(thread):
    for turn in count():
        case = book.open(report(), CITIZEN, key=f"{thread}-{turn}")
        case = book.step(case.case_id, step("inspect", WORKER))
        sys.stdout.write(f"{case.case_id} {case.version}\\n")
        sys.stdout.flush()

with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(8)))
"""


@pytest.mark.parametrize("after", [1, 60])
def test_what_was_acknowledged_survives_a_kill(where: str | Path, desk: Desk, after: int) -> None:
    """Killed in the middle of writing: every case that was said is there, and every chain holds."""
    said = _run_until_killed(where, after)
    assert len(said) >= after
    with Casebook(where, desk) as book:
        for number, version in said:
            case = book.read_at(number, version)
            assert (case.version, case.stage) == (2, "inspected")
        assert book.check() == []


def _run_until_killed(where: str | Path, after: int) -> list[tuple[int, int]]:
    """Return what a process said before it was killed; a line that was cut off was not said."""
    words = [sys.executable, "-c", _WORK, str(where)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said: list[tuple[int, int]] = []
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as child:
        assert child.stdout
        for line in child.stdout:
            if line.endswith("\n"):
                number, version = line.split()
                said.append((int(number), int(version)))
            if len(said) == after:
                child.send_signal(signal.SIGKILL)
    return said
