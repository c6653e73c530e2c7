"""The journal: rows on disk, one holder, nothing half written."""

import sqlite3
from pathlib import Path

import pytest

from gridmap.edit import move_units
from gridmap.editor.journal import Journal, identify_plan
from gridmap.errors import DraftError
from gridmap.plan import Plan

ENTRY = {"do": "step", "kind": "brush", "units": [4], "before": [0], "after": [1]}


def test_entries_come_back_in_order(tmp_path: Path) -> None:
    """What was written is there for the next who opens, in another process too."""
    journal = Journal(tmp_path / "a.sqlite", "draft")
    assert journal.open("春季") == []
    journal.append(1, ENTRY, by="王芳")
    journal.append(2, {"do": "undo"})
    assert Journal(tmp_path / "a.sqlite", "draft").open("春季") == [ENTRY, {"do": "undo"}]
    assert Journal(tmp_path / "a.sqlite", "other").open("秋季") == []
    table = journal.read()
    assert table["made_by"].tolist() == ["王芳", ""]
    assert table[["do", "kind", "units", "grids"]].to_numpy().tolist() == [
        ["step", "brush", 1, 2],
        ["undo", "", 0, 0],
    ]


def test_who_opened_last_holds_the_draft(tmp_path: Path) -> None:
    """An editor from before is refused, and what it wanted to write is not there."""
    first, second = (Journal(tmp_path / "a.sqlite", "draft") for _ in range(2))
    first.open("")
    second.open("")
    for act in (lambda: first.append(1, ENTRY), first.clear):
        with pytest.raises(DraftError, match="another editor"):
            act()
    second.append(1, ENTRY)
    assert len(second.read()) == 1


def test_a_revision_is_written_once(tmp_path: Path) -> None:
    """Two entries of one number are refused by the file itself."""
    journal = Journal(tmp_path / "a.sqlite", "draft")
    journal.open("")
    journal.append(1, ENTRY)
    with pytest.raises(DraftError, match="UNIQUE"):
        journal.append(1, {"do": "undo"})
    assert journal.read()["do"].tolist() == ["step"]


def test_a_file_that_is_no_journal(tmp_path: Path) -> None:
    """It is named, and left as it was."""
    path = tmp_path / "notes.txt"
    path.write_text("方案说明" * 2000, encoding="utf-8")
    with pytest.raises(DraftError, match=r"notes\.txt can't be used"):
        Journal(path, "draft").open("")
    assert path.read_text(encoding="utf-8") == "方案说明" * 2000
    with pytest.raises(DraftError, match="unable to open"):
        Journal(tmp_path / "nowhere" / "a.sqlite", "draft").open("")


def test_a_file_in_use_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who holds the file for good makes an error, not a silence."""
    journal = Journal(tmp_path / "a.sqlite", "draft")
    journal.open("")
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, timeout: connect(path, timeout=0.1))
    other = connect(tmp_path / "a.sqlite")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DraftError, match="locked"):
        journal.append(1, ENTRY)
    other.rollback()
    other.close()
    journal.append(1, ENTRY)
    assert len(journal.read()) == 1


def test_a_plan_has_one_name(four_by_two: Plan) -> None:
    """The same plan has the same draft, another division another."""
    assert identify_plan(four_by_two) == identify_plan(four_by_two)
    moved = move_units(four_by_two, [4], "210802003002002")
    assert identify_plan(moved) != identify_plan(four_by_two)
