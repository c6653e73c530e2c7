"""The audit log: who of the office looked at, took out or changed what. It only grows.

::

    folder/
      audit.sqlite       the entries, each with the hash of the one before
      audit.head         number and hash of the last entry

A changed or removed entry breaks the chain of hashes, and `AuditLog.verify` finds the first break.
What is cut off at the end leaves a whole chain: that is what the head is for. Whoever can write the
log can write the head too, so note it elsewhere now and then, and verify against that. What is
appended after a cut begins with an entry that says so. A process killed at any point leaves its
entry in the log or not, and a head that is at most behind.

An entry holds codes, names and counts. Where a citizen is or was never goes in, and is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from gridmap.databases import PATIENCE, HeldDatabase
from gridmap.errors import AuditError, StoreError
from gridmap.files import write_whole
from gridmap.later import later

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = later("pandas")

#: Days that an entry is kept at least (网络安全法, article on logs: six months).
LEAST_DAYS = 180
_FILE, _HEAD = "audit.sqlite", "audit.head"
_LAYOUT = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, key_id TEXT NOT NULL,
    role TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, facts TEXT NOT NULL,
    before TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS pruned (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER IF NOT EXISTS entries_remain BEFORE DELETE ON entries
    WHEN OLD.seq > (SELECT COALESCE(MAX(seq), 0) FROM pruned)
    BEGIN SELECT RAISE(ABORT, 'entries are never removed'); END;
"""
_SELECT = "SELECT seq, at, who, key_id, role, action, subject, facts, before, hash FROM entries"
_INSERT = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#: Actions that only the log itself records.
_PRUNE, _GAP = "prune", "gap"
#: What facts may not be called: they would say where somebody is.
_PLACES = {
    *("lon", "lat", "lng", "x", "y", "longitude", "latitude", "point", "place", "position"),
    *("location", "coordinates", "geometry", "bbox", "address", "q", "query"),
}
#: Degrees written out, with four decimals or more: within 10 m of somebody.
_DEGREES = re.compile(r"(?<![\d.])-?\d{1,3}\.\d{4,}")


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Parameters
    ----------
    seq : int
        Its number, from 1 on.
    at : str
        When, UTC, ISO 8601.
    who, key_id, role : str
        The caller's name; key and role are empty for a command.
    action, subject : str
        What was done (look-up, export, publish), and to which code, plan or key.
    facts : str
        More about it, a JSON object.
    before, hash : str
        SHA-256 of the entry before, and of this one with it.
    """

    seq: int
    at: str
    who: str
    key_id: str
    role: str
    action: str
    subject: str
    facts: str
    before: str = ""
    hash: str = ""

    def sealed(self) -> Entry:
        """Return the entry with its hash."""
        *members, _ = asdict(self).values()
        text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
        return replace(self, hash=hashlib.sha256(text.encode()).hexdigest())


@dataclass(frozen=True)
class AuditHead:
    """The end of the log as it was at some time: ``SEQ:HASH`` in text."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> AuditHead:
        """Read ``SEQ:HASH``.

        Raises
        ------
        AuditError
            If it is something else.
        """
        found = re.fullmatch(r"(\d+):([0-9a-f]{64})", text.strip())
        if not found:
            raise AuditError(f"{text!r} is no head of an audit log: SEQ:HASH, as verify prints it")
        return cls(int(found[1]), found[2])


@dataclass(frozen=True)
class AuditReport:
    """Whether the log is what went in.

    Parameters
    ----------
    entries : int
        How many are there.
    head : AuditHead
        The end; note it elsewhere, and hand it to a later `AuditLog.verify`.
    broken : int, optional
        Number of the first entry that is not as it was, or is gone; None: all are.
    problem : str
        What is wrong there, or empty.
    gaps : tuple of int
        Entries that were appended when the end before them was cut off.
    """

    entries: int
    head: AuditHead
    broken: int | None = None
    problem: str = ""
    gaps: tuple[int, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything is there and as it was."""
        return self.broken is None and not self.gaps

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"whole": self.whole, **asdict(self), "head": str(self.head)}

    def to_text(self) -> str:
        """Say it in a line."""
        if self.broken is not None:
            return f"broken at entry {self.broken}: {self.problem}"
        if self.gaps:
            return f"entries were cut off before {', '.join(map(str, self.gaps))}; see those"
        return f"whole: {self.entries} entries; head {self.head}"


#: Before the first entry.
_BEGINNING = AuditHead(0, "0" * 64)


class AuditLog:
    """The log of a store. Any number of processes may append at the same time.

    Parameters
    ----------
    folder : path
        Of the `gridmap.store.PlanStore`; it is made with the first entry.
    """

    def __init__(self, folder: str | Path) -> None:
        self._path = Path(folder) / _FILE
        self._database = HeldDatabase(self._path, _LAYOUT)
        self._head_path = Path(folder) / _HEAD

    def append(
        self,
        who: str,
        action: str,
        subject: str = "",
        *,
        key_id: str = "",
        role: str = "",
        facts: Mapping[str, Any] | None = None,
        now: datetime | None = None,
    ) -> Entry:
        """Add an entry; it is on the disk when this returns.

        Parameters
        ----------
        who, action, subject, key_id, role : str
            See `Entry`.
        facts : mapping, optional
            Text, whole numbers, true and false, or lists of text.
        now : datetime, optional
            By default the system's clock.

        Raises
        ------
        AuditError
            If nobody is named, or a fact says where somebody is.
        StoreError
            If it can't be written. Then what was to be recorded must not be done.
        """
        said = _check_said(who, action, subject, facts or {})
        with self._alone() as database:
            draft = Entry(0, _say(now), who, key_id, role, action, subject, said)
            return _add(database, draft)

    @contextmanager
    def watch(
        self, who: str, action: str, subject: str = "", *, facts: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """Record what a block does before it begins, and once more if it fails.

        Raises
        ------
        AuditError, StoreError
            As `append`; then the block is not begun.
        """
        self.append(who, action, subject, facts=facts)
        try:
            yield
        except BaseException as error:
            failed = {**(facts or {}), "failed": type(error).__name__}
            self.append(who, action, subject, facts=failed)
            raise

    def entries(
        self, *, since: datetime | None = None, who: str = "", action: str = "", subject: str = ""
    ) -> pd.DataFrame:
        """List entries, the oldest first.

        Returns
        -------
        DataFrame
            Index ``seq``; the members of `Entry`.
        """
        asked = {"who": who, "action": action, "subject": subject}
        given = {name: value for name, value in asked.items() if value}
        where = " AND ".join(["at >= ?", *(f"{name} = ?" for name in given)])
        values = (_say(since) if since else "", *given.values())
        columns = list(Entry.__dataclass_fields__)
        with self._database.read() as database:
            rows = database.execute(f"{_SELECT} WHERE {where} ORDER BY seq", values).fetchall()
        return pd.DataFrame(rows, columns=columns).set_index("seq")

    def verify(self, *, head: AuditHead | None = None) -> AuditReport:
        """Walk the chain, and look whether its end is where it was.

        Parameters
        ----------
        head : AuditHead, optional
            An end that was noted elsewhere, beside the one in the file.

        Raises
        ------
        StoreError
            If the file can't be read at all.
        """
        remembered = self._read_head()  # before the entries: they may only be ahead of it
        with self._database.read() as database:
            report, hashes = _walk(database, _find_pruned(database))
        if report.broken is None and report.entries and remembered is None:
            report = replace(
                report, broken=report.head.seq, problem=f"{self._head_path.name} is gone"
            )
        for known in (remembered, head):
            if report.broken is None and known is not None:
                report = _compare_head(report, hashes, known)
        return report

    def prune(self, *, by: str, days: int = LEAST_DAYS, now: datetime | None = None) -> int:
        """Remove entries older than some days; that is an entry itself, and the chain stays whole.

        Returns
        -------
        int
            How many were removed.

        Raises
        ------
        AuditError
            If it is fewer days than `LEAST_DAYS`, or the chain is broken: evidence is not removed.
        """
        if days < LEAST_DAYS:
            raise AuditError(f"{days} days: entries are kept {LEAST_DAYS} days at least")
        report = self.verify()
        if report.broken is not None:
            raise AuditError(f"the log is {report.to_text()}; find out why before you prune it")
        now = now or datetime.now(UTC)
        with self._alone() as database:
            end, count = _remove_before(database, _say(now - timedelta(days=days)))
            if count:
                facts = {"until": end.seq, "hash": end.hash, "removed": count, "days": days}
                said = _check_said(by, "prune", "", facts)
                _add(database, Entry(0, _say(now), by, "", "", _PRUNE, "", said))
        return count

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()

    def export(self, path: str | Path) -> int:
        """Write every entry into a file, a JSON object in a line; return how many."""
        rows = self.entries().reset_index().to_dict("records")
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        with write_whole(path) as draft:
            draft.write_text("".join(lines), encoding="utf-8")
        return len(lines)

    @contextmanager
    def _alone(self) -> Iterator[sqlite3.Connection]:
        """Give the log inside a transaction that nobody else writes in; then move the head."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._path.with_name(".audit.lock")
            with FileLock(lock, timeout=PATIENCE, poll_interval=0.005):
                if not self._path.exists() and self._read_head() is None:
                    self._write_head(_BEGINNING)
                with self._database.write() as database:
                    self._note_cut(database)
                    yield database
                    last = _find_last(database)
                self._write_head(last)
        except Timeout as error:
            raise StoreError(f"{self._path} was busy for {PATIENCE} s; try again") from error
        except OSError as error:
            raise StoreError(
                f"{self._path}: {error}; look at the free space and the rights"
            ) from error

    def _note_cut(self, database: sqlite3.Connection) -> None:
        """Begin with an entry that says so where the end that is remembered is not there."""
        known, last = self._read_head(), _find_last(database)
        if known is None or known.seq > last.seq:
            facts = json.dumps({"lost": str(known or self._head_path.name)})
            _add(database, Entry(0, _say(None), "gridmap", "", "", _GAP, "", facts))

    def _read_head(self) -> AuditHead | None:
        """Read what is remembered of the end; None where nothing sensible is."""
        try:
            return AuditHead.parse(self._head_path.read_text(encoding="ascii"))
        except (FileNotFoundError, AuditError, UnicodeDecodeError):
            return None

    def _write_head(self, head: AuditHead) -> None:
        """Write over what is there in one go: the same length, less than a sector."""
        line = f"{head.seq:020d}:{head.hash}\n".encode()
        with self._head_path.open("r+b" if self._head_path.exists() else "wb", 0) as file:
            file.write(line)


def _say(moment: datetime | None) -> str:
    """Write a moment, now by default, so that text is in the order of time."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")


def _check_said(who: str, action: str, subject: str, facts: Mapping[str, Any]) -> str:
    """Return the facts as JSON; refuse what says nothing of whom, or where somebody is."""
    if not who.strip() or not action.strip():
        raise AuditError(f"an entry without {'action' if who.strip() else 'who'}; name both")
    said = json.dumps(facts, ensure_ascii=False, sort_keys=True)
    named = sorted(_PLACES & {name.lower() for name in facts})
    degrees = _DEGREES.search(f"{subject} {said}")
    if named or degrees or any(isinstance(value, float) for value in facts.values()):
        raise AuditError(
            f"{action}: {', '.join(named) or 'a number'} may say where a citizen is; that never "
            "goes into the audit log"
        )
    return said


def _add(database: sqlite3.Connection, draft: Entry) -> Entry:
    """Add an entry after the last one."""
    last = _find_last(database)
    entry = replace(draft, seq=last.seq + 1, before=last.hash).sealed()
    database.execute(_INSERT, tuple(asdict(entry).values()))
    return entry


def _find_last(database: sqlite3.Connection) -> AuditHead:
    row = database.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return AuditHead(*row) if row else _find_pruned(database)


def _find_pruned(database: sqlite3.Connection) -> AuditHead:
    """Return the last entry that was removed in order; the chain goes on from it."""
    row = database.execute("SELECT seq, hash FROM pruned ORDER BY seq DESC LIMIT 1").fetchone()
    return AuditHead(*row) if row else _BEGINNING


def _remove_before(database: sqlite3.Connection, first: str) -> tuple[AuditHead, int]:
    """Remove the entries up to the first that is younger; return the last removed and how many."""
    row = database.execute(
        "SELECT seq, hash FROM entries WHERE seq < "
        "COALESCE((SELECT MIN(seq) FROM entries WHERE at >= ?), 9e18) ORDER BY seq DESC LIMIT 1",
        (first,),
    ).fetchone()
    if row is None:
        return _BEGINNING, 0
    end = AuditHead(*row)
    database.execute("INSERT INTO pruned VALUES (?, ?)", (end.seq, end.hash))
    removed = database.execute("DELETE FROM entries WHERE seq <= ?", (end.seq,)).rowcount
    return end, removed


def _walk(database: sqlite3.Connection, start: AuditHead) -> tuple[AuditReport, dict[int, str]]:
    """Follow the chain from its start to the first entry that does not fit."""
    hashes, gaps, pruned = {start.seq: start.hash}, [], start == _BEGINNING
    last = start
    for row in database.execute(f"{_SELECT} ORDER BY seq"):
        entry = Entry(*row)
        problem = _find_problem(entry, last)
        if problem:
            return AuditReport(len(hashes) - 1, last, last.seq + 1, problem), hashes
        last = AuditHead(entry.seq, entry.hash)
        hashes[last.seq] = last.hash
        gaps += [entry.seq] if entry.action == _GAP else []
        pruned |= entry.action == _PRUNE and json.loads(entry.facts).get("hash") == start.hash
    report = AuditReport(len(hashes) - 1, last, gaps=tuple(gaps))
    if not pruned:
        problem = "the entries before were removed, and no entry says by whom"
        report = replace(report, broken=start.seq + 1, problem=problem)
    return report, hashes


def _find_problem(entry: Entry, last: AuditHead) -> str:
    """Say what is wrong with an entry that follows another; nothing: an empty text."""
    if entry.seq != last.seq + 1:
        return f"it is missing; the next is {entry.seq}"
    if entry.before != last.hash:
        return "it does not follow the entry before, or that one was changed"
    return "" if entry.sealed() == entry else "it was changed"


def _compare_head(report: AuditReport, hashes: Mapping[int, str], known: AuditHead) -> AuditReport:
    """Say where the log departs from an end that is known; one before its start says nothing."""
    if known.seq > report.head.seq:
        problem = f"the end was cut off; there were {known.seq} entries"
        return replace(report, broken=report.head.seq + 1, problem=problem)
    if hashes.get(known.seq, known.hash) != known.hash:
        return replace(report, broken=known.seq, problem=f"it is not the one of head {known}")
    return report
