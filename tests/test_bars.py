"""What benchmarks tell: one table, one list, whatever was measured."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from tests.scripts import load_script


@pytest.fixture(scope="module")
def telling() -> ModuleType:
    """Load the script that tells bars."""
    return load_script("report")


def test_a_bar(telling: ModuleType) -> None:
    """The ratio says how many times ours goes into the peer's; figures keep five digits."""
    bar = telling.make_bar("seconds", 0.1234567, 1.0, "< 1", True)
    assert bar == {
        "bar": "seconds", "ours": 0.12346, "peer": 1.0, "ratio": 8.1, "goal": "< 1", "met": True,
    }  # fmt: skip
    alone = telling.make_bar("grids", 2_157_001)
    assert (alone["ours"], alone["ratio"], alone["goal"], alone["met"]) == (
        2157001,
        None,
        None,
        None,
    )
    assert telling.make_bar("km", 2.0, 1.0, ratio=2.0)["ratio"] == 2.0
    assert telling.make_bar("lost", 0, 3)["ratio"] is None


def test_bars_are_printed_and_written(
    telling: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each, with what is not met in capitals; the file holds the same, in order."""
    bars = [
        telling.make_bar("µs a point", 0.05, 1.0, ">= 20x", True),
        telling.make_bar("MB", 1_400.0, None, "<= 1300", False),
        telling.make_bar("seconds", 3.0),
    ]
    telling.report(bars, tmp_path / "bars.json", peer="shapely")
    assert json.loads((tmp_path / "bars.json").read_text("utf-8")) == bars
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert told[0] == ["bar", "ours", "shapely", "ratio", "goal", "met"]
    assert told[1] == ["µs", "a", "point", "0.05", "1", "20", ">=", "20x", "yes"]
    assert told[2] == ["MB", "1,400", "-", "-", "<=", "1300", "NO"]
    assert told[3] == ["seconds", "3", "-", "-"]
