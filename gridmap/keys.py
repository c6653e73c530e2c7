"""Keys of the service: who may ask what, where, until when.

::

    folder/
      keys.sqlite        of each key a SHA-256, its name, role, districts, worker and days; never
                         the key

A key is shown once, when it is made. It carries 256 random bits, so a plain SHA-256 is enough to
keep it by: nobody can try them out. There is no key to begin with, and none that opens everything
by default. A key that is revoked stays in the list.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from gridmap.databases import HeldDatabase
from gridmap.days import today_in_china
from gridmap.errors import KeyRefusedError
from gridmap.later import later

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = later("pandas")

_FILE = "keys.sqlite"
_LAYOUT = """
CREATE TABLE IF NOT EXISTS keys (
    key_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
    districts TEXT NOT NULL, created_at TEXT NOT NULL, created_by TEXT NOT NULL,
    expires TEXT NOT NULL, revoked_at TEXT NOT NULL, revoked_by TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS keys_remain BEFORE DELETE ON keys
    BEGIN SELECT RAISE(ABORT, 'keys are revoked, never removed'); END;
CREATE TABLE IF NOT EXISTS workers (key_id TEXT PRIMARY KEY, worker_id TEXT NOT NULL);
"""
_COLUMNS = (
    *("key_id", "name", "role", "districts", "worker_id", "created_at", "created_by"),
    *("expires", "revoked_at", "revoked_by"),
)
_INSERT = (
    "INSERT INTO keys (key_id, sha256, name, role, districts, created_at, created_by, expires, "
    "revoked_at, revoked_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', '')"
)
_BIND = "INSERT INTO workers (key_id, worker_id) VALUES (?, ?)"
_SELECT = (
    "SELECT key_id, name, role, districts, COALESCE(worker_id, ''), created_at, created_by, "
    "expires, revoked_at, revoked_by FROM keys LEFT JOIN workers USING (key_id) ORDER BY keys.rowid"
)
_FIND = (
    "SELECT sha256, name, role, districts, COALESCE(worker_id, ''), expires, revoked_at FROM keys "
    "LEFT JOIN workers USING (key_id) WHERE key_id = ?"
)
#: Workers who have a key that opens something on a day.
_FIND_WORKERS = (
    "SELECT worker_id FROM keys JOIN workers USING (key_id) WHERE revoked_at = '' "
    "AND (expires = '' OR expires >= ?)"
)
_REVOKE = "UPDATE keys SET revoked_at = ?, revoked_by = ? WHERE key_id = ? AND revoked_at = ''"
_SECRET_BYTES = 32
_KEY = re.compile(r"gm_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")


class Role(IntEnum):
    """What a caller may do; each role may do what those below it may. In lower case outside.

    A worker's key is for the cases of one grid worker: it takes their next step, as him, and shows
    nothing else that is internal.
    """

    PUBLIC = 0
    WORKER = 1
    VIEWER = 2
    DISPATCHER = 3
    PLANNER = 4
    ADMIN = 5

    @property
    def word(self) -> str:
        """Its name outside: ``viewer``."""
        return self.name.lower()


@dataclass(frozen=True)
class Key:
    """What is known of a key, without the key itself.

    Parameters
    ----------
    key_id : str
        Eight hexadecimal digits; the beginning of the key, and no secret.
    name : str
        Who or what uses it.
    role : Role
        What it opens.
    districts : tuple of str
        Beginnings of the codes that it is good for; none: everywhere.
    worker_id : str
        Whose cases a worker's key is for; empty for any other.
    """

    key_id: str
    name: str
    role: Role
    districts: tuple[str, ...] = ()
    worker_id: str = ""


class KeyStore:
    """The keys of a store.

    Parameters
    ----------
    folder : path
        Of the `gridmap.store.PlanStore`; it is made when the first key is. Any number of processes
        may add, revoke and check at the same time: a key that is revoked opens nothing from the
        next request on.
    """

    def __init__(self, folder: str | Path) -> None:
        self._database = HeldDatabase(Path(folder) / _FILE, _LAYOUT)

    def add(
        self,
        name: str,
        role: Role | str,
        *,
        districts: Sequence[str] = (),
        worker_id: str = "",
        expires: date | None = None,
        by: str,
    ) -> str:
        """Make a key, and return it: it can't be shown again.

        Parameters
        ----------
        name : str
            Who or what uses it; a key for each, so that one can be revoked alone.
        role : Role or str
            worker, viewer, dispatcher, planner or admin.
        districts : sequence of str
            Beginnings of the codes that it is good for (210802); none: everywhere.
        worker_id : str, optional
            The grid worker whose cases a worker's key is for.
        expires : date, optional
            The last day on which it opens something; never by default.
        by : str
            Who makes it.

        Raises
        ------
        KeyRefusedError
            If the name or ``by`` is empty, the role is none that a key can have, a district is no
            beginning of a code, a worker's key names no worker, or another key names one.
        StoreError
            If the file can't be written; then there is no such key.
        """
        role = _read_role(role)
        worker_id = _check_worker(worker_id, role)
        said = _check_said(name, role, districts, by, expires)
        with self._database.write() as database:
            return _insert(database, said, worker_id)

    def add_for_workers(
        self,
        people: Mapping[str, str],
        *,
        districts: Sequence[str] = (),
        expires: date | None = None,
        by: str,
        hand_over: Callable[[Mapping[str, str]], None],
        today: date | None = None,
    ) -> dict[str, str]:
        """Make a key for each grid worker who has none that opens something: all, or none.

        Parameters
        ----------
        people : mapping of str to str
            Worker -> name of the key; the number where it is empty.
        districts, expires, by
            See `add`; of every key.
        hand_over : callable
            Is given worker -> key before any of them counts. Unless it returns there is none.
        today : date, optional
            The day on which a key must open something; China's by default.

        Returns
        -------
        dict
            Worker -> key, in the order of ``people``.

        Raises
        ------
        KeyRefusedError, StoreError
            As `add`; then there is none of them.
        """
        day = (today or today_in_china()).isoformat()
        with self._database.write() as database:
            held = {worker_id for (worker_id,) in database.execute(_FIND_WORKERS, (day,))}
            made = {
                worker_id: _insert(
                    database,
                    _check_said(name or worker_id, Role.WORKER, districts, by, expires),
                    _check_worker(worker_id, Role.WORKER),
                )
                for worker_id, name in people.items()
                if worker_id not in held
            }
            hand_over(made)
        return made

    def keys(self) -> pd.DataFrame:
        """List every key that was ever made, in that order.

        Returns
        -------
        DataFrame
            Index ``key_id``; ``name``, ``role``, ``districts``, ``worker_id``, ``created_at``,
            ``created_by``, ``expires``, ``revoked_at``, ``revoked_by``; empty where it is not so.
        """
        with self._database.read() as database:
            rows = database.execute(_SELECT).fetchall()
        return pd.DataFrame(rows, columns=list(_COLUMNS), dtype="str").set_index("key_id")

    def revoke(self, key_id: str, *, by: str) -> None:
        """Let a key open nothing any more.

        Raises
        ------
        KeyRefusedError
            If there is no such key, or it was revoked before.
        StoreError
            If the file can't be written.
        """
        by = _check_words(by, "by")
        with self._database.write() as database:
            changed = database.execute(_REVOKE, (_now(), by, key_id)).rowcount
        if changed:
            return
        known = key_id in self.keys().index
        problem = "was revoked before" if known else "is not there"
        raise KeyRefusedError(f"key {key_id!r} {problem}; list the keys to see them")

    def check(self, text: str, *, today: date | None = None) -> Key | None:
        """Return what a key opens today; None for one that is wrong, over or revoked.

        It takes some 20 µs, and the same time for any key of the right form that is known.
        """
        key_id = read_key_id(text)
        if key_id is None:
            return None
        with self._database.read() as database:
            row = database.execute(_FIND, (key_id,)).fetchone()
        if row is None or not hmac.compare_digest(row[0], _hash(text)):
            return None
        _, name, role, districts, worker_id, expires, revoked_at = row
        if revoked_at or (expires and (today or today_in_china()).isoformat() > expires):
            return None
        return Key(key_id, name, Role[role.upper()], tuple(districts.split()), worker_id)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._database.close()


def _check_said(
    name: str, role: Role, districts: Sequence[str], by: str, expires: date | None
) -> tuple[str, ...]:
    """Return what is kept of a key beside itself, in the order of the table."""
    return (
        _check_words(name, "name"),
        role.word,
        " ".join(_check_districts(districts)),
        *(_now(), _check_words(by, "by"), expires.isoformat() if expires else ""),
    )


def _insert(database: sqlite3.Connection, said: Sequence[str], worker_id: str) -> str:
    """Make a key, keep what is kept of it, and return it."""
    key_id = secrets.token_hex(4)
    while database.execute(_FIND, (key_id,)).fetchone():
        key_id = secrets.token_hex(4)
    text = f"gm_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
    database.execute(_INSERT, (key_id, _hash(text), *said))
    if worker_id:
        database.execute(_BIND, (key_id, worker_id))
    return text


def read_key_id(text: str) -> str | None:
    """Return the beginning of a key that tells which one it is; None for what is no key."""
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check_words(words: str, called: str) -> str:
    if not words.strip() or not words.isprintable():
        raise KeyRefusedError(f"{called} is {words!r}; say in a line who that is")
    return words.strip()


def _read_role(role: Role | str) -> Role:
    """Return a role that a key can have; the public needs none."""
    for known in list(Role)[1:]:
        if role in (known, known.word):
            return known
    words = ", ".join(known.word for known in list(Role)[1:])
    raise KeyRefusedError(f"role {role!r}: a key is for one of {words}")


def _check_worker(worker_id: str, role: Role) -> str:
    """Return the number of the worker whom a worker's key is for."""
    if role == Role.WORKER:
        return _check_words(worker_id, "worker")
    if worker_id:
        raise KeyRefusedError(
            f"worker {worker_id!r} with the role {role.word}: only a key of the role worker is for "
            "one grid worker's cases"
        )
    return ""


def _check_districts(districts: Sequence[str]) -> Sequence[str]:
    for district in districts:
        if not re.fullmatch(r"[0-9]{2,15}", district):
            raise KeyRefusedError(
                f"district {district!r}: give the beginning of the codes, such as 210802"
            )
    return districts
