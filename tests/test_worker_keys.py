"""Keys for all workers at once: one file, whole, and no key that is not in it."""

import csv
import json
import os
import stat
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

import gridmap
from gridmap.audit import AuditLog
from gridmap.cli import app
from gridmap.errors import KeyRefusedError, StaffError, StoreError
from gridmap.keys import KeyStore, Role
from gridmap.plan import Plan
from gridmap.store import PlanStore
from tests.api.test_staff import make_staffing, make_workers

TODAY = date(2026, 5, 1)
PEOPLE = {"S0012": "王芳", "0013": "=李强", "S0014": ""}


def add(folder: Path, people: dict[str, str], name: str = "keys.csv", **options) -> list[str]:
    """Make keys for workers on a day."""
    return gridmap.add_worker_keys(folder, people, folder / name, by="王芳", today=TODAY, **options)


def read(path: Path) -> list[list[str]]:
    """Return the rows of a file as a spreadsheet has them, without its header."""
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(path.read_text(encoding="utf-8-sig").splitlines())
    assert header == ["网格员编号", "网格员", "密钥"]
    return rows


def list_files(folder: Path) -> set[str]:
    """Return the files of a folder that are not of the two databases."""
    return {path.name for path in folder.iterdir() if "sqlite" not in path.name} - {
        *("audit.head", ".audit.lock"),
    }


def test_a_key_for_each(tmp_path: Path) -> None:
    """Each key opens what is that worker's; the file is the owner's alone and opens in Excel."""
    assert add(tmp_path, PEOPLE, districts=["210802"], expires=date(2026, 12, 31)) == list(PEOPLE)
    path = tmp_path / "keys.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = read(path)
    assert [row[:2] for row in rows] == [["S0012", "王芳"], ['="0013"', "'=李强"], ["S0014", ""]]
    store = KeyStore(tmp_path)
    found = [store.check(row[2], today=date(2026, 12, 31)) for row in rows]
    assert [key.worker_id for key in found if key] == list(PEOPLE)
    assert [key.name for key in found if key] == ["王芳", "=李强", "S0014"]
    assert {(key.role, key.districts) for key in found if key} == {(Role.WORKER, ("210802",))}
    assert store.check(rows[0][2], today=date(2027, 1, 1)) is None
    store.close()


def test_the_header_in_english(tmp_path: Path) -> None:
    """It is in the language that is asked for."""
    add(tmp_path, PEOPLE, lang="en")
    first = (tmp_path / "keys.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    assert first == "Worker no.,Grid worker,Key"


def test_each_is_recorded_as_one_alone(tmp_path: Path) -> None:
    """The log says of each key who made it, for whom, and with which districts."""
    add(tmp_path, PEOPLE, districts=["210802"])
    entries = AuditLog(tmp_path).entries()
    assert set(zip(entries["who"], entries["action"], strict=True)) == {("王芳", "add key")}
    assert list(entries["subject"]) == ["王芳", "=李强", "S0014"]
    facts = [json.loads(text) for text in entries["facts"]]
    assert facts[0] == {"role": "worker", "districts": ["210802"], "worker": "S0012"}


def test_again_only_for_those_without(tmp_path: Path) -> None:
    """Who has a key that opens gets no other; revoked and expired ones do not count."""
    add(tmp_path, {"S1": "", "S2": ""})
    add(tmp_path, {"S3": ""}, "short.csv", expires=date(2026, 4, 30))
    store = KeyStore(tmp_path)
    store.revoke(read(tmp_path / "keys.csv")[1][2][3:11], by="王芳")
    everybody = {"S1": "", "S2": "", "S3": "", "S4": ""}
    assert add(tmp_path, everybody, "more.csv") == ["S2", "S3", "S4"]
    assert [row[0] for row in read(tmp_path / "more.csv")] == ["S2", "S3", "S4"]
    assert add(tmp_path, everybody, "none.csv") == []
    assert not (tmp_path / "none.csv").exists()
    store.close()


def test_no_file_is_written_over(tmp_path: Path) -> None:
    """A file of that name stays as it is, there is no key, and the log has nothing."""
    (tmp_path / "keys.csv").write_text("mine")
    with pytest.raises(FileExistsError, match="is there already"):
        add(tmp_path, PEOPLE)
    assert (tmp_path / "keys.csv").read_text() == "mine"
    assert KeyStore(tmp_path).keys().empty
    assert AuditLog(tmp_path).entries().empty


@pytest.mark.parametrize("broken", ["write_sheet", "fsync", "folder", "link", "log"])
def test_what_fails_before_the_file_is_whole_leaves_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A full disk, or another file that came first: no key, no file, and the log says it failed."""

    def fail(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    def come_first(_draft: Path, path: Path) -> None:
        path.write_text("another's")
        raise FileExistsError(path)

    monkeypatch.setattr(
        *{
            "write_sheet": ("gridmap.worker_keys.write_sheet", fail),
            "fsync": ("os.fsync", fail),
            "folder": ("gridmap.files.sync_folder", fail),
            "link": ("gridmap.files._name_first", come_first),
            "log": ("gridmap.audit.AuditLog.append", fail),
        }[broken]
    )
    with pytest.raises(OSError, match=r"No space|is there already"):
        add(tmp_path, PEOPLE)
    monkeypatch.undo()
    assert list_files(tmp_path) == ({"keys.csv"} if broken == "link" else set())
    assert KeyStore(tmp_path).keys().empty
    facts = [json.loads(text) for text in AuditLog(tmp_path).entries()["facts"]]
    assert len([one for one in facts if "failed" in one]) == (0 if broken == "log" else 3)


def test_keys_that_cannot_be_kept_take_their_file_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the database fails at the last moment there is no file with keys that open nothing."""
    real = KeyStore.add_for_workers

    def fail_late(self, people, *, hand_over, **options):
        def hand_over_and_fail(made):
            hand_over(made)
            assert (tmp_path / "keys.csv").exists()
            raise StoreError("disk full")

        return real(self, people, hand_over=hand_over_and_fail, **options)

    monkeypatch.setattr(KeyStore, "add_for_workers", fail_late)
    with pytest.raises(StoreError, match="disk full"):
        add(tmp_path, PEOPLE)
    assert list_files(tmp_path) == set()
    assert KeyStore(tmp_path).keys().empty
    assert len(AuditLog(tmp_path).entries()) == 6


def test_a_disk_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a USB stick the file gets its name in another way, and is written over no more there."""

    def refuse(*_: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert len(add(tmp_path, PEOPLE)) == 3
    assert len(read(tmp_path / "keys.csv")) == 3
    with pytest.raises(FileExistsError):
        add(tmp_path, {"S9": ""})
    assert list_files(tmp_path) == {"keys.csv"}


@pytest.mark.parametrize(
    ("people", "name"), [({"S1": "a\nb"}, "a.csv"), ({" ": ""}, "a.csv"), ({"S1": ""}, "a.txt")]
)
def test_what_is_no_key_refuses_all(tmp_path: Path, people: dict[str, str], name: str) -> None:
    """A name of two lines, no number, another kind of file: nobody gets a key."""
    with pytest.raises(KeyRefusedError):
        add(tmp_path, {"S0": "", **people}, name)
    assert KeyStore(tmp_path).keys().empty
    assert list_files(tmp_path) == set()


def test_the_roster_is_who_is_there_or_will_come() -> None:
    """Who left before the day needs none; who only stands in the staffing has no name."""
    workers = make_workers()
    assert list(gridmap.list_key_holders({"workers": workers}, on=TODAY)) == list(workers.index)
    gone = workers.assign(ends=pd.Timestamp("2026-04-30"))
    tables = {"workers": gone, "staffing": make_staffing("210802003001001")}
    assert gridmap.list_key_holders({"workers": gone}, on=date(2026, 4, 30)).keys() == {"w1", "w2"}
    assert gridmap.list_key_holders(tables, on=TODAY) == {"w1": "", "w2": ""}
    assert gridmap.list_key_holders(tables, on=date(2026, 7, 1)) == {"w2": ""}
    assert gridmap.list_key_holders({}, on=TODAY) == {}


def test_lists_as_offices_keep_them(tmp_path: Path) -> None:
    """GBK, a title above, codes with zeros, somebody twice; the roster's name counts first."""
    path = tmp_path / "名单.csv"
    path.write_text("序号,工号,姓名\n1,0012,王芳\n2,0013,李强\n3,0012,王芳\n", encoding="gbk")
    found = gridmap.read_key_holders(path, {"0013": "李强(东)"})
    assert found == {"0012": "王芳", "0013": "李强(东)"}
    book = openpyxl.Workbook()
    for row in (["网格员名单"], ["网格员编号", "网格员姓名"], ["0012", "王芳"], ["合计", "1"]):
        book.active.append(row)
    book.save(tmp_path / "名单.xlsx")
    assert gridmap.read_key_holders(tmp_path / "名单.xlsx", {}) == {"0012": "王芳"}
    path.write_text("工号,姓名\nS1,王芳\n,李强\n", encoding="utf-8")
    with pytest.raises(StaffError, match="row 3"):
        gridmap.read_key_holders(path, {})


@pytest.fixture
def office(tmp_path: Path, four_by_two: Plan) -> Path:
    """Return a store whose plan in force has the workers w1 and w2, all year."""
    store = PlanStore(tmp_path / "plans")
    store.keep(four_by_two, "plan")
    store.publish("plan", TODAY, by="王芳", today=TODAY)
    store.keep_staff("plan", {"workers": make_workers()}, TODAY, by="王芳", today=TODAY)
    return tmp_path / "plans"


def run(*words: object):
    """Run a command of ``gridmap keys``."""
    result = CliRunner().invoke(app, ["keys", *(str(word) for word in words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_commands(office: Path, tmp_path: Path) -> None:
    """From the roster in force; again for a list; who left is listed, and revoked when told to."""
    day = ("--on", TODAY.isoformat(), "--by", "王芳")
    done = run("add-workers", office, tmp_path / "a.csv", *day)
    assert "keys made: 2" in done.stdout
    named = [row[:2] for row in read(tmp_path / "a.csv")]
    assert named == [[one, row["name"]] for one, row in make_workers().iterrows()]
    assert "nothing was written" in run("add-workers", office, tmp_path / "b.csv", *day).stdout
    assert not (tmp_path / "b.csv").exists()
    words = tmp_path / "名单.csv"
    words.write_text("工号\nw1\nS9\n", encoding="gbk")
    told = run("add-workers", office, tmp_path / "c.csv", "--list", words, *day).stdout
    assert "1 of 2 workers have a key" in told
    assert "not in the roster: S9" in told
    assert "keys made: 1" in told
    listed = run("left", office, *day).stdout
    assert "S9" in listed
    assert "--revoke revokes them" in listed
    store = KeyStore(office)
    assert (store.keys()["revoked_at"] == "").all()
    assert "roster of 2: 1; revoked" in run("left", office, "--revoke", *day).stdout
    assert list(store.keys()["revoked_by"]) == ["", "", "王芳"]
    assert len(AuditLog(office).entries(action="revoke key")) == 1
    assert "nothing to revoke" in run("left", office, *day).stdout
    store.close()


def test_an_empty_roster_revokes_nobody(office: Path, tmp_path: Path) -> None:
    """Before a plan is in force nobody is known to have left, and nobody to have come."""
    day = ("--on", "2020-01-01")
    with pytest.raises(StaffError, match="names nobody"):
        run("left", office, "--revoke", *day)
    with pytest.raises(StaffError, match="names nobody"):
        run("add-workers", office, tmp_path / "a.csv", *day)
