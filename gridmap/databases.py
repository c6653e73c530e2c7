"""SQLite files beside the plans: opened alike, and refusing in words that help."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

from gridmap.errors import StoreError

#: Seconds to wait for whoever writes at the same time.
PATIENCE = 60


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file for a block, and say what to do when it refuses.

    Transactions are begun by whoever writes (``BEGIN IMMEDIATE``); a block that fails inside one
    leaves the file as it was.

    Raises
    ------
    StoreError
        If the disk is full, the rights are missing or the file is damaged.
    """
    with _explain(path), closing(_connect(path)) as database:
        yield database


class HeldDatabase:
    """A file whose connection stays open between uses; a file that was restored is noticed.

    Parameters
    ----------
    path : path
        The file.
    layout : str
        SQL that makes the tables where they are not there.
    """

    def __init__(self, path: Path, layout: str) -> None:
        self.path = path
        self._layout = layout
        self._lock = Lock()
        self._held: tuple[tuple[int, int], sqlite3.Connection] | None = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give the connection, to one thread at a time; an empty one where there is no file."""
        with self._lock, _explain(self.path):
            if self._identify() is None:
                with closing(_connect(":memory:")) as empty:
                    empty.executescript(self._layout)
                    yield empty
            else:
                yield self._connect()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction; the file is made where there is none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, _explain(self.path), self._connect() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._held is not None:
            self._held[1].close()
            self._held = None

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _connect(self) -> sqlite3.Connection:
        """Return the connection to the file that has the name now."""
        identity = self._identify()
        if self._held is None or self._held[0] != identity:
            self._drop()
            database = _connect(self.path)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA secure_delete = ON")
            database.executescript(self._layout)
            identity = self._identify()
            assert identity is not None
            self._held = (identity, database)
        return self._held[1]


def _connect(path: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


@contextmanager
def _explain(path: Path) -> Iterator[None]:
    """Name the file that SQLite could not read or write."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path}: {error}; look at the free space and the rights, or restore it from a backup"
        ) from error
