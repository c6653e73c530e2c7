"""A file is whole or not there."""

import stat
from pathlib import Path

import pytest

from gridmap.files import write_secret, write_whole


def test_it_is_named_when_whole(tmp_path: Path) -> None:
    """The draft takes the place of what was there, and nothing else is left."""
    path = tmp_path / "grids.txt"
    path.write_text("old")
    with write_whole(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    """The old file stays, the draft goes."""
    path = tmp_path / "grids.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), write_whole(path) as draft:
        draft.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_parts_go_along(tmp_path: Path) -> None:
    """What is written beside the draft comes too."""
    with write_whole(tmp_path / "grids.shp") as draft:
        for suffix in (".shp", ".dbf", ".cpg"):
            draft.with_suffix(suffix).write_text(suffix)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "grids.cpg",
        "grids.dbf",
        "grids.shp",
    ]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The error says which folder to make."""
    missing = tmp_path / "nowhere" / "x.pdf"
    with (
        pytest.raises(FileNotFoundError, match=r"no folder .*nowhere; make it"),
        write_whole(missing),
    ):
        pass


def test_a_secret_is_new_whole_and_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else may read it, not while it is written either; nothing is written over."""
    path = tmp_path / "keys.csv"
    with write_secret(path) as draft:
        draft.write_text("secret")
        assert stat.S_IMODE(draft.parent.stat().st_mode) == 0o700
        assert not path.exists()
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("secret", 0o600)
    with pytest.raises(FileExistsError), write_secret(path):
        raise AssertionError("it is there already")
    other = tmp_path / "other.csv"
    with pytest.raises(FileExistsError), write_secret(other) as draft:
        draft.write_text("mine")
        other.write_text("another's")
    assert other.read_text() == "another's"
    with pytest.raises(FileNotFoundError, match="make it first"), write_secret(tmp_path / "a/b"):
        raise AssertionError("there is no such folder")
    assert sorted(tmp_path.iterdir()) == [path, other]
