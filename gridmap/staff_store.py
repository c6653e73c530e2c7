"""Who serves the grids of a kept plan, kept beside it: tables with the day from which they count.

::

    folder/
      staff.sqlite       every record that was ever kept; it only grows

A record is one table under one plan: its rows (Parquet), a SHA-256 of them, its first day, who kept
it and why. Records are never changed or removed: triggers in the file refuse it. The tables of one
call are written in one transaction, so a process killed at any point leaves all of them or none.
The plan's own file is not touched, nor is its fingerprint.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gridmap.databases import open_database
from gridmap.errors import PlanDamagedError, StoreError
from gridmap.later import later
from gridmap.tables import (
    BRANCH_COMMUNITIES,
    BRANCH_COMPOUNDS,
    BRANCH_COVERAGE,
    BRANCH_GRIDS,
    BRANCH_UNITS,
    BRANCH_VIOLATIONS,
    BRANCHES,
    CONTACT_MATCHES,
    CONTACTS,
    GROUPS,
    LIAISONS,
    MEMBERS,
    OLD_BINDINGS,
    STAFFING,
    STATIONS,
    TASKS,
    VISITS,
    WORKERS,
    Table,
    check_table,
    list_some,
)

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
else:
    gpd = later("geopandas")
    pd = later("pandas")
    pa = later("pyarrow")
    pq = later("pyarrow.parquet")

_FILE = "staff.sqlite"
_TABLES = (
    *(WORKERS, STAFFING, MEMBERS, BRANCHES, BRANCH_GRIDS, BRANCH_COMPOUNDS, BRANCH_UNITS, GROUPS),
    *(BRANCH_COVERAGE, BRANCH_COMMUNITIES, BRANCH_VIOLATIONS, LIAISONS, CONTACTS),
    *(CONTACT_MATCHES, TASKS, VISITS, STATIONS),
)
#: Every table that can be kept with a plan, by name. A new one is registered here.
STAFF_TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
#: Logs: a later record begins with the rows of the one before.
GROWING = (VISITS.name,)
_LAYOUT = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY,
    plan TEXT NOT NULL, fingerprint TEXT NOT NULL, name TEXT NOT NULL, valid_from TEXT NOT NULL,
    kept_at TEXT NOT NULL, kept_by TEXT NOT NULL, why TEXT NOT NULL,
    size INTEGER NOT NULL, types TEXT NOT NULL, sha256 TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS records_by_plan ON records (plan, name, valid_from);
CREATE TRIGGER IF NOT EXISTS records_stay BEFORE UPDATE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
CREATE TRIGGER IF NOT EXISTS records_remain BEFORE DELETE ON records
    BEGIN SELECT RAISE(ABORT, 'records are never removed'); END;
"""


@dataclass(frozen=True)
class Entry:
    """What is said of a record.

    Parameters
    ----------
    plan, fingerprint : str
        The plan that it belongs to, and the SHA-256 of that plan's file.
    valid_from : date
        First day on which it counts.
    by, why : str
        Who kept it, and the reason given.
    """

    plan: str
    fingerprint: str
    valid_from: date
    by: str
    why: str = ""


def keep_tables(
    folder: Path,
    entry: Entry,
    tables: Mapping[str, pd.DataFrame],
    *,
    grids: Collection[str],
    today: date,
) -> None:
    """Keep tables under a plan, all of them or none.

    Parameters
    ----------
    folder : Path
        Of the store.
    entry : Entry
        Which plan, from when, who and why.
    tables : mapping of str to DataFrame
        Name in `STAFF_TABLES` -> the table.
    grids : collection of str
        Codes of the plan; a ``grid_code`` that is none of them is refused.
    today : date
        What counted on days that are over can't be changed: ``valid_from`` is today or later where
        a table of that name counted on that day. Logs (`GROWING`) are the exception: they only
        grow.

    Raises
    ------
    StoreError
        If a table is not registered, names another plan's grid, would change the past or shorten a
        log, or the file can't be written.
    TableError
        If a table breaks its contract.
    """
    if not tables:
        raise StoreError("no table to keep; give one of " + ", ".join(STAFF_TABLES))
    for name, table in tables.items():
        _check_kept(name, table, grids)
    with open_database(folder / _FILE) as database:
        database.executescript(_LAYOUT)
        with database:
            database.execute("BEGIN IMMEDIATE")
            for name, table in tables.items():
                _refuse_change(database, entry, name, table, today)
                _add_record(database, entry, name, table)


def read_tables(folder: Path, plan: str, on: date) -> dict[str, pd.DataFrame]:
    """Read the tables of a plan that count on a day: of each name the latest first day up to it.

    Of two for the same day the later record counts. A store that never kept one gives none.

    Raises
    ------
    PlanDamagedError
        If a record is not what was kept.
    StoreError
        If the file can't be read.
    """
    found: dict[str, pd.DataFrame] = {}
    if not (folder / _FILE).exists():
        return found
    with open_database(folder / _FILE) as database:
        for name in STAFF_TABLES:
            record = _find_record(database, plan, name, on)
            if record is not None:
                found[name] = record
    return _fill_columns(found)


def _fill_columns(found: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Bring tables that were kept under an older contract to that of today.

    The records stay as they are. Groups meet where their branch does; reasons that were not told
    are empty.
    """
    groups, branches = found.get("groups"), found.get("branches")
    if groups is not None:
        missing = [name for name in GROUPS.columns if name not in groups]
        for column in missing:
            words = pd.Series("", groups.index, dtype="str")
            if branches is not None and column != "reason":
                words = groups["branch_id"].map(branches[column]).fillna("").astype("str")
            groups = groups.assign(**{column: words})
        found["groups"] = groups[list(GROUPS.columns)] if missing else groups
    if "staffing" in found:
        found["staffing"] = found["staffing"].replace({"binding": OLD_BINDINGS})
    return found


def stamp_tables(folder: Path, plan: str) -> int:
    """Return a number that changes whenever something is kept for a plan: 0 for nothing."""
    if not (folder / _FILE).exists():
        return 0
    with open_database(folder / _FILE) as database:
        row = database.execute("SELECT MAX(id) FROM records WHERE plan = ?", (plan,)).fetchone()
    return int(row[0] or 0)


def list_records(folder: Path, plan: str) -> pd.DataFrame:
    """List every record of a plan, in the order in which they were kept.

    Returns
    -------
    DataFrame
        ``table``, ``valid_from``, ``kept_at`` (UTC), ``by``, ``why``, ``rows``, ``sha256``,
        ``fingerprint`` of the plan.
    """
    columns = ["table", "valid_from", "kept_at", "by", "why", "rows", "sha256", "fingerprint"]
    rows = []
    if (folder / _FILE).exists():
        with open_database(folder / _FILE) as database:
            rows = database.execute(
                "SELECT name, valid_from, kept_at, kept_by, why, size, sha256, fingerprint "
                "FROM records WHERE plan = ? ORDER BY id",
                (plan,),
            ).fetchall()
    record = pd.DataFrame(rows, columns=columns).astype({"rows": "int64"})
    record["valid_from"] = pd.to_datetime(record["valid_from"], format="%Y-%m-%d")
    record["kept_at"] = pd.to_datetime(record["kept_at"], utc=True)
    return record


def _check_kept(name: str, table: pd.DataFrame, grids: Collection[str]) -> None:
    """Refuse a table that is not registered, breaks its contract or is of other grids."""
    if name not in STAFF_TABLES:
        raise StoreError(
            f"no table {name!r} is kept with plans; there are {', '.join(STAFF_TABLES)}"
        )
    check_table(table, STAFF_TABLES[name])
    codes = table.index if table.index.name == "grid_code" else table.get("grid_code")
    if codes is not None:
        stray = sorted(set(codes) - set(grids))
        if stray:
            raise StoreError(f"{name}: grids {list_some(stray)} are not in the plan")


def _refuse_change(
    database: sqlite3.Connection, entry: Entry, name: str, table: pd.DataFrame, today: date
) -> None:
    """Refuse what would change a day that is over, or shorten a log."""
    before = _find_record(database, entry.plan, name, entry.valid_from)
    if before is None:
        return
    if name in GROWING:
        head = table.iloc[: len(before)].reset_index(drop=True)
        if not head.equals(before.reset_index(drop=True)):
            raise StoreError(
                f"{name} does not begin with the {len(before)} rows that are kept: a log only grows"
            )
    elif entry.valid_from < today:
        raise StoreError(
            f"valid_from {entry.valid_from} is before today, {today}, and {name} of plan "
            f"{entry.plan!r} counted then: keep it from today or a later day on"
        )


def _add_record(database: sqlite3.Connection, entry: Entry, name: str, table: pd.DataFrame) -> None:
    body = _write_body(table)
    types = json.dumps({str(column): str(kind) for column, kind in table.dtypes.items()})
    if not _read_body(body, json.loads(types)).equals(table):
        raise StoreError(f"{name} would not come back as it is: use numbers, text and days only")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    database.execute(
        "INSERT INTO records (plan, fingerprint, name, valid_from, kept_at, kept_by, why, size, "
        "types, sha256, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(entry.plan, entry.fingerprint, name, entry.valid_from.isoformat(), now, entry.by),
            *(entry.why, len(table), types, hashlib.sha256(body).hexdigest(), body),
        ),
    )


def _find_record(
    database: sqlite3.Connection, plan: str, name: str, on: date
) -> pd.DataFrame | None:
    """Read the record that counts on a day, and check that it is what was kept."""
    row = database.execute(
        "SELECT id, types, sha256, body FROM records WHERE plan = ? AND name = ? "
        "AND valid_from <= ? ORDER BY valid_from DESC, id DESC LIMIT 1",
        (plan, name, on.isoformat()),
    ).fetchone()
    if row is None:
        return None
    number, types, sha256, body = row
    if hashlib.sha256(body).hexdigest() != sha256:
        raise PlanDamagedError(
            f"record {number} ({name} of plan {plan!r}) in {_FILE} was changed since it was kept; "
            "restore the file from a backup"
        )
    return _read_body(body, json.loads(types))


def _write_body(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def _read_body(body: bytes, types: Mapping[str, str]) -> pd.DataFrame:
    """Read a table back with the types that it had."""
    source = pa.BufferReader(body)
    if b"geo" in (pq.read_schema(source).metadata or {}):
        plain = {name: kind for name, kind in types.items() if kind != "geometry"}
        return gpd.read_parquet(io.BytesIO(body)).astype(plain)
    return pd.read_parquet(io.BytesIO(body)).astype(dict(types))
