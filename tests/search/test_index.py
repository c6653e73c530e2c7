"""The file: the same for the same plan, made anew where it is not the plan's, shared."""

import subprocess
import sys

import pytest

from gridmap.days import today_in_china
from gridmap.errors import PlanNotFoundError
from gridmap.search import SearchIndex, search, write_index
from gridmap.search.index import is_current
from gridmap.store import PlanStore


@pytest.fixture
def store(plan, tmp_path) -> PlanStore:
    """Keep the town in a store."""
    store = PlanStore(tmp_path / "plans")
    store.keep(plan, "spring")
    store.publish("spring", today_in_china(), by="王芳")
    return store


def test_kept_with_the_plan(store):
    """Keeping a plan writes its index; opening it writes nothing."""
    path = store.folder / "spring.search.sqlite"
    before = path.stat().st_mtime_ns, path.stat().st_size
    found = search(store.search_index("spring"), "幸福花园3号楼")
    assert found[0].place.name == "3号楼"
    assert (path.stat().st_mtime_ns, path.stat().st_size) == before


@pytest.mark.parametrize("content", [None, b"", b"no database at all", "other plan"])
def test_made_anew(store, plan, content):
    """An index that is missing, damaged or another plan's is made anew."""
    path = store.folder / "spring.search.sqlite"
    path.unlink()
    if content == "other plan":
        write_index(plan, path, fingerprint="another")
    elif content is not None:
        path.write_bytes(content)
    assert search(store.search_index("spring"), "幸福花园3号楼")[0].place.score == 1.0
    assert is_current(path, store.plans().loc["spring", "fingerprint"])


def test_replaced_while_open(store, plan):
    """Who has the old file open goes on answering when another takes its place."""
    index = store.search_index("spring")
    before = search(index, "小雨")
    write_index(plan, store.folder / "spring.search.sqlite", fingerprint="another")
    assert search(index, "小雨") == before


def test_same_bytes(plan, tmp_path):
    """The same plan gives the same file."""
    for name in ("a", "b"):
        write_index(plan, tmp_path / name, fingerprint="x")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_unknown_plan(store):
    """A plan that is not kept has no index."""
    with pytest.raises(PlanNotFoundError, match="no plan 'autumn'"):
        store.search_index("autumn")


def test_other_process(store):
    """Another process answers from the same file, and does not change it."""
    path = store.folder / "spring.search.sqlite"
    before = path.read_bytes()
    script = (
        "import sys; from gridmap.search import SearchIndex, search; "
        "print(search(SearchIndex(sys.argv[1]), 'xfhy3')[0].place.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == search(SearchIndex(path), "xfhy3")[0].place.code
    assert path.read_bytes() == before
