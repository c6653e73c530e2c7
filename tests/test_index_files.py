"""Arrays in a file that processes share: whole, of this version and of this plan, or refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridmap.errors import IndexFileError
from gridmap.index_files import open_arrays, write_arrays
from gridmap.locate import Locator, open_locator
from tests.test_locate import make_town, make_voronoi, pick_points


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a small file."""
    arrays = {"a": np.arange(7, dtype=np.int32), "b": np.ones((3, 2)), "none": np.zeros((0, 4))}
    write_arrays(tmp_path / "x.index", arrays, {"what": "test"})
    return tmp_path / "x.index"


def test_arrays_come_back(path: Path) -> None:
    """With their types and shapes, aligned, and what they are made of."""
    about, arrays = open_arrays(path)
    assert about == {"what": "test"}
    assert arrays["a"].tolist() == list(range(7))
    assert arrays["a"].dtype == np.int32
    assert arrays["b"].shape == (3, 2)
    assert arrays["none"].shape == (0, 4)
    assert all(array.ctypes.data % 64 == 0 for array in arrays.values() if array.size)


def test_writing_in_memory_changes_no_file(path: Path) -> None:
    """Pages are private as soon as somebody writes to them."""
    _, arrays = open_arrays(path)
    arrays["a"][0] = 99
    assert open_arrays(path)[1]["a"][0] == 0


def test_every_cut_is_refused(path: Path) -> None:
    """A file that ends early, wherever, is no index; nor is one with bytes behind it."""
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(IndexFileError):
            open_arrays(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(IndexFileError, match="bytes"):
        open_arrays(path)


def test_other_files_are_refused(path: Path) -> None:
    """Another kind of file, another version and a changed header are told apart."""
    whole = path.read_bytes()
    path.write_bytes(b"SQLite format 3\0" + whole)
    with pytest.raises(IndexFileError, match="no index of gridmap"):
        open_arrays(path)
    path.write_bytes(whole.replace(b"INDEX 1", b"INDEX 2", 1))
    with pytest.raises(IndexFileError, match="another version"):
        open_arrays(path)
    path.write_bytes(whole.replace(b'"what"', b'"whom"', 1))
    with pytest.raises(IndexFileError, match="damaged"):
        open_arrays(path)


def test_a_locator_comes_back(tmp_path: Path) -> None:
    """Every answer is the same, for one point and for many, and so are codes and distances."""
    grids = make_voronoi(60, seed=5)
    made = Locator(grids, near_border=12, nearest=80)
    made.save(tmp_path / "a.locator", fingerprint="f")
    opened = open_locator(tmp_path / "a.locator", fingerprint="f")
    lon, lat = pick_points(grids, 500, margin=0.1)
    pd.testing.assert_frame_equal(opened.locate_many(lon, lat), made.locate_many(lon, lat))
    assert (opened.owners(lon, lat) == made.owners(lon, lat)).all()
    one = opened.locate(lon[0], lat[0])
    assert str(one) == str(made.locate(lon[0], lat[0]))
    assert (len(opened), opened.near_border, opened.nearest) == (60, 12, 80)
    assert opened.codes == made.codes


def test_another_plan_is_refused(tmp_path: Path) -> None:
    """The fingerprint tells which plan an index is of; what is no locator is told too."""
    Locator(make_town()).save(tmp_path / "a.locator", fingerprint="one")
    with pytest.raises(IndexFileError, match="made of the plan one"):
        open_locator(tmp_path / "a.locator", fingerprint="other")
    write_arrays(tmp_path / "b.locator", {}, {"what": "something else"})
    with pytest.raises(IndexFileError, match="another kind"):
        open_locator(tmp_path / "b.locator")
    with pytest.raises(FileNotFoundError):
        open_locator(tmp_path / "c.locator")


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
def test_pages_are_shared(tmp_path: Path) -> None:
    """A process that has located has no private page of the arrays: all are the file's own."""
    Locator(make_voronoi(400)).save(tmp_path / "a.locator")
    code = (
        "import sys; from gridmap.locate import open_locator\n"
        "locator = open_locator(sys.argv[1]); locator.owners([122.21] * 9, [40.61] * 9)\n"
        "text = open('/proc/self/smaps').read()\n"
        "part = text[text.index('a.locator'):].split('VmFlags')[0]\n"
        "sizes = dict(line.split(':') for line in part.splitlines()[1:] if ':' in line)\n"
        "print(sizes['Private_Dirty'].split()[0], sizes['Rss'].split()[0])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.locator")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    private, resident = map(int, run.stdout.split())
    assert private == 0
    assert resident > 0
