"""The audit log: what goes in stays as it was, and what is missing is noticed."""

import json
import multiprocessing
import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from gridmap.audit import AuditHead, AuditLog
from gridmap.errors import AuditError, StoreError

NOW = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    """Return a log with five entries, two of them old."""
    log = AuditLog(tmp_path)
    for number, days in enumerate((400, 300, 20, 10, 0), 1):
        facts = {"plan": "2026"}
        log.append("王芳", "look-up", f"grid {number}", facts=facts, now=NOW - timedelta(days=days))
    yield log
    log.close()


def tamper(tmp_path, *statements):
    """Change the file behind the log's back, as somebody with its rights could."""
    with sqlite3.connect(tmp_path / "audit.sqlite") as database:
        for name in ("entries_stay", "entries_remain"):
            database.execute(f"DROP TRIGGER IF EXISTS {name}")
        for statement in statements:
            database.execute(statement)
    database.close()


def test_whole(log):
    """An untouched log is whole, with its entries in order and the head that it printed."""
    report = log.verify()
    assert report.whole
    assert report.entries == 5
    table = log.entries()
    assert list(table.index) == [1, 2, 3, 4, 5]
    assert table["before"].iloc[1] == table["hash"].iloc[0]
    assert str(report.head) == f"5:{table['hash'].iloc[-1]}"
    assert report.to_text().startswith("whole: 5 entries")
    assert report.to_dict()["head"] == str(report.head)


def test_empty(tmp_path):
    """A log in which nothing was ever recorded is whole, and reading it makes no file."""
    assert AuditLog(tmp_path).verify().whole
    assert AuditLog(tmp_path).entries().empty
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("statement", "broken", "word"),
    [
        ("UPDATE entries SET who = '李强' WHERE seq = 3", 3, "changed"),
        ("UPDATE entries SET facts = '{}' WHERE seq = 5", 5, "changed"),
        ("UPDATE entries SET at = '2020' WHERE seq = 1", 1, "changed"),
        ("DELETE FROM entries WHERE seq = 2", 2, "missing"),
        ("DELETE FROM entries WHERE seq = 5", 5, "cut off"),
        ("DELETE FROM entries WHERE seq > 2", 3, "cut off"),
        ("DELETE FROM entries WHERE seq <= 2", 1, "missing"),
        ("DELETE FROM entries", 1, "cut off"),
    ],
)
def test_first_broken_link(log, tmp_path, statement, broken, word):
    """Each change behind its back is found, at the first entry that it touches."""
    log.close()
    tamper(tmp_path, statement)
    report = log.verify()
    assert report.broken == broken
    assert word in report.problem
    assert not report.whole


def test_rewritten_chain(log, tmp_path):
    """Who rewrites the rest of the chain and the head is found by a head noted elsewhere."""
    noted = log.verify().head
    log.close()
    tamper(tmp_path, "DELETE FROM entries WHERE seq > 3")
    (tmp_path / "audit.head").unlink()
    forger = AuditLog(tmp_path)
    forger._write_head(AuditHead(3, forger.entries()["hash"].loc[3]))
    forger.append("王芳", "look-up", "grid 9", now=NOW)
    forger.append("王芳", "look-up", "grid 9", now=NOW)
    assert forger.verify().whole
    report = forger.verify(head=noted)
    assert report.broken == 5
    assert "head" in report.problem


def test_pruned_without_a_record(log, tmp_path):
    """Removing the beginning by hand, with an anchor but no entry about it, is found."""
    end = log.entries()["hash"].loc[2]
    log.close()
    tamper(
        tmp_path,
        f"INSERT INTO pruned VALUES (2, '{end}')",
        "DELETE FROM entries WHERE seq <= 2",
    )
    assert "by whom" in log.verify().problem


def test_the_file_refuses(log):
    """Through SQLite itself entries can't be changed or removed."""
    for statement in ("UPDATE entries SET who = ''", "DELETE FROM entries"):
        with pytest.raises(StoreError, match="never"), log._database.write() as database:
            database.execute(statement)
    assert log.verify().whole


def test_a_cut_is_noted_by_what_comes_after(log, tmp_path):
    """Appending after a cut does not cover it up: an entry says what was lost."""
    log.close()
    tamper(tmp_path, "DELETE FROM entries WHERE seq > 3")
    log.append("李强", "publish", "2027", now=NOW)
    report = log.verify()
    assert report.broken is None
    assert report.gaps == (4,)
    assert not report.whole
    assert json.loads(log.entries()["facts"].loc[4])["lost"].startswith("5:")
    assert log.entries()["who"].loc[5] == "李强"


def test_head_that_is_gone(log, tmp_path):
    """Without its head a log can't vouch for its end, and says so."""
    (tmp_path / "audit.head").unlink()
    assert "audit.head is gone" in log.verify().problem


def test_head_behind(log, tmp_path):
    """A process killed between entry and head leaves a head that is behind: that is whole."""
    table = log.entries()
    log._write_head(AuditHead(4, table["hash"].loc[4]))
    assert log.verify().whole


def test_prune(log, tmp_path):
    """What is older goes, the rest stays verifiable, and who did it is recorded."""
    head = log.verify().head
    assert log.prune(by="管理员", now=NOW) == 2
    table = log.entries()
    assert list(table.index) == [3, 4, 5, 6]
    assert (table["who"].loc[6], table["action"].loc[6]) == ("管理员", "prune")
    assert log.verify(head=head).whole
    assert log.prune(by="管理员", now=NOW) == 0
    assert log.prune(by="管理员", now=NOW + timedelta(days=365)) == 4
    assert log.verify().whole
    log.append("王芳", "look-up", "grid 1", now=NOW)
    assert log.verify().whole
    assert b"grid 2" not in (tmp_path / "audit.sqlite").read_bytes()


def test_prune_keeps_half_a_year(log, tmp_path):
    """Fewer than 180 days are refused, and so is a log that is broken."""
    with pytest.raises(AuditError, match="180"):
        log.prune(by="管理员", days=179, now=NOW)
    log.close()
    tamper(tmp_path, "UPDATE entries SET who = 'x' WHERE seq = 4")
    with pytest.raises(AuditError, match="broken at entry 4"):
        log.prune(by="管理员", now=NOW)
    assert len(log.entries()) == 5


def test_entries_by_what_is_asked(log):
    """The list can be narrowed by day, name, action and subject."""
    assert len(log.entries(since=NOW - timedelta(days=10))) == 2
    assert len(log.entries(who="nobody")) == 0
    assert list(log.entries(action="look-up", subject="grid 4").index) == [4]


def test_export(log, tmp_path):
    """The archive has an object in a line, complete enough to follow the chain."""
    assert log.export(tmp_path / "out.jsonl") == 5
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5]
    assert all(two["before"] == one["hash"] for one, two in pairwise(rows))


@pytest.mark.parametrize(
    ("subject", "facts"),
    [
        ("", {"lon": 122}),
        ("", {"Address": "小雨社区3号楼"}),
        ("", {"distance": 12.5}),
        ("122.2345678,40.6543211", {}),
        ("", {"why": "reported at 122.2345 40.6543"}),
    ],
)
def test_no_citizens_place(log, subject, facts):
    """Whatever may say where somebody is, is refused and leaves no entry."""
    with pytest.raises(AuditError, match="where a citizen is"):
        log.append("王芳", "look-up", subject, facts=facts)
    assert len(log.entries()) == 5


def test_harmless_words(log):
    """Codes, days and versions are no places."""
    log.append("王芳", "publish", "plan-2026.0301", facts={"day": "2026-03-01", "grids": 2157})


def test_who_and_what(log):
    """An entry names who and what."""
    for who, action in (("", "look-up"), ("王芳", " ")):
        with pytest.raises(AuditError, match="name both"):
            log.append(who, action)


def test_watch(log):
    """A thing is recorded before it is done, and again if it fails."""
    with log.watch("王芳", "publish", "2027"):
        assert log.entries()["action"].iloc[-1] == "publish"
    with pytest.raises(ZeroDivisionError), log.watch("王芳", "export", "2027"):
        raise ZeroDivisionError
    last = log.entries().iloc[-1]
    assert json.loads(last["facts"]) == {"failed": "ZeroDivisionError"}
    assert len(log.entries()) == 8


def append_many(folder, who):
    """Append twenty entries from a process of its own."""
    log = AuditLog(folder)
    for number in range(20):
        log.append(who, "look-up", str(number))
    log.close()


def test_many_writers(tmp_path):
    """Several processes append at once: every entry is there once, in one whole chain."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append_many, args=(tmp_path, f"w{n}")) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    log = AuditLog(tmp_path)
    assert log.verify().whole
    assert log.verify().head.seq == 60
    assert all(
        list(rows["subject"]) == [str(n) for n in range(20)]
        for _, rows in log.entries().groupby("who")
    )
    log.close()


@pytest.mark.parametrize("text", ["", "5", "5:xyz", "5:" + "a" * 63])
def test_no_head(text):
    """What is no head is refused with how one looks."""
    with pytest.raises(AuditError, match="SEQ:HASH"):
        AuditHead.parse(text)
