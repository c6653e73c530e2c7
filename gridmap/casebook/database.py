"""The engine of a casebook: what is written is on disk when it is acknowledged."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from gridmap.errors import CasebookError

#: Milliseconds to wait for whoever writes at the same time (SQLite).
_PATIENCE = 60_000
_MIGRATIONS = "gridmap.casebook:migrations"
#: Number of the advisory lock under which PostgreSQL is migrated by one process at a time.
_MIGRATION_LOCK = 7_217_001


def read_url(where: str | Path) -> URL:
    """Return the URL of a casebook: of a file of SQLite, or of a PostgreSQL database.

    Raises
    ------
    CasebookError
        If it is neither.

    Examples
    --------
    >>> read_url("cases.sqlite").drivername, read_url("postgresql://u@h/db").drivername
    ('sqlite', 'postgresql+psycopg')
    """
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise CasebookError(f"{where!r} is no URL of a database") from error
    kind = url.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise CasebookError(f"no casebook on {kind}: name a file, or postgresql://…")
    return url.set(drivername="postgresql+psycopg") if kind == "postgresql" else url


def open_engine(where: str | Path) -> Engine:
    """Connect, and bring the schema up to date; an empty database gets it.

    Raises
    ------
    CasebookError
        If the database can't be reached, is of a later version, or is no casebook.
    """
    url = read_url(where)
    if url.get_backend_name() == "sqlite":
        _check_file(url)
        engine = create_engine(url, connect_args={"timeout": _PATIENCE / 1000})
        event.listen(engine, "connect", _set_pragmas)
        event.listen(engine, "begin", _begin)
    else:
        engine = create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)
    try:
        migrate(engine)
    except (SQLAlchemyError, CommandError, sqlite3.Error) as error:
        engine.dispose()
        raise CasebookError(f"can't open the casebook {url}: {_first_line(error)}") from error
    return engine


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to a revision, in one transaction."""
    with begin_writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        config = Config()
        config.set_main_option("script_location", _MIGRATIONS)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@contextmanager
def begin_writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction that may write; it is committed at the end."""
    with engine.connect().execution_options(gridmap_writes=True) as connection, connection.begin():
        yield connection


def _check_file(url: URL) -> None:
    """Refuse a folder that is not there, rather than with SQLite's own words."""
    if url.database and not Path(url.database).parent.is_dir():
        raise CasebookError(f"there is no folder {Path(url.database).parent}; make it first")


def _set_pragmas(connection: Any, _record: Any) -> None:
    """Write ahead, wait for the disk at every commit; transactions are begun by `_begin`."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased is gone from the file
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased is gone from the file
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Take the only write lock at once where something is to be written: no later surprise."""
    writes = connection.get_execution_options().get("gridmap_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_deadlock(error: OperationalError) -> bool:
    """Say whether PostgreSQL gave up one of two transactions that waited for each other."""
    return getattr(error.orig, "sqlstate", "") in ("40P01", "40001")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
