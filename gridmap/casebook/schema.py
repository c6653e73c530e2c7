"""The tables of a casebook, the same on SQLite and PostgreSQL.

::

    cases       one row a case as it stands: what lists and maps read
    entries     the log: one row a step, hash-chained; triggers refuse changes
    whistles    departments that were called (吹哨报到), as they stand
    reporters   who reported: apart from everything else, erased in time
    photos      what is said of a photo; the files lie in a folder beside
    keys        idempotency keys of writes
    hooks       other systems that are told of steps
    deliveries  what they are told, and whether it came
    receipts    what a reporter reads his own case by: hashes of it
    votes       residents' votes for a grid worker, hash-chained; triggers refuse changes

Migrations (`gridmap/casebook/migrations`) make them; a test holds that both agree.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

_START = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(milliseconds=1)


class Moment(TypeDecorator[datetime]):
    """A moment with its zone, kept as milliseconds since 1970 in UTC: the same everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Return milliseconds."""
        return None if value is None else (value - _START) // _STEP

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """Return the moment in UTC."""
        return None if value is None else _START + value * _STEP


#: SQLite numbers rows by itself only where the key is INTEGER.
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

cases = Table(
    "cases",
    metadata,
    Column("case_id", _NUMBER, primary_key=True, autoincrement=True),
    Column("version", Integer, nullable=False),
    Column("source", String(20), nullable=False),
    Column("category", String(80), nullable=False),
    Column("department", String(80), nullable=False),
    Column("description", Text, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("standing", String(20), nullable=False),
    Column("lon", Float),
    Column("lat", Float),
    Column("address", Text, nullable=False),
    Column("grid_code", String(20), nullable=False),
    Column("match", String(20), nullable=False),
    Column("border", Float),
    Column("distance", Float),
    Column("runner_up", String(20), nullable=False),
    Column("community_id", String(80), nullable=False),
    Column("worker_id", String(80), nullable=False),
    Column("flag", Text, nullable=False),
    Column("plan", String(200), nullable=False),
    Column("reported_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("due_inspect", Moment, nullable=False),
    Column("due_resolve", Moment, nullable=False),
    Column("due_answer", Moment, nullable=False),
    Column("due_accept", Moment, nullable=False),
    Column("done_inspect", Moment),
    Column("done_resolve", Moment),
    Column("done_answer", Moment),
    Column("done_accept", Moment),
    Column("suspended_at", Moment),
    Column("duplicate_of", BigInteger),
    Column("hops", Integer, nullable=False),
    Column("next_due", Moment),  # of `Case.next_due`, for lists: nearest breach first
    Index("ix_cases_category_lat", "category", "lat"),  # duplicates: a strip of latitude
    Index("ix_cases_next_due", "next_due"),
    Index("ix_cases_grid_code", "grid_code", "standing"),
    Index("ix_cases_worker_id", "worker_id", "standing"),
    Index("ix_cases_reported_at", "reported_at"),
    Index("ix_cases_updated_at", "updated_at"),
    sqlite_autoincrement=True,  # a number is never given twice
)

entries = Table(
    "entries",
    metadata,
    Column("case_id", _NUMBER, ForeignKey("cases.case_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("action", String(20), nullable=False),
    Column("role", String(20), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("department", String(80), nullable=False),
    Column("note", Text, nullable=False),
    Column("facts", Text, nullable=False),  # JSON
    Column("changes", Text, nullable=False),  # JSON
    Column("previous", String(64), nullable=False),  # hash of the entry before, or ""
    Column("hash", String(64), nullable=False),
    Index("ix_entries_recorded_at", "recorded_at"),
    Index("ix_entries_actor", "actor"),
)

whistles = Table(
    "whistles",
    metadata,
    Column("case_id", _NUMBER, ForeignKey("cases.case_id"), primary_key=True),
    Column("hop", Integer, primary_key=True),
    Column("department", String(80), nullable=False),
    Column("grid_code", String(20), nullable=False),
    Column("community_id", String(80), nullable=False),
    Column("post", String(200), nullable=False),
    Column("liaison", String(200), nullable=False),
    Column("phone", String(80), nullable=False),
    Column("state", String(20), nullable=False),
    Column("called_at", Moment, nullable=False),
    Column("arrived_at", Moment),
    Column("answered_at", Moment),
    Column("answer", Text, nullable=False),
    Index("ix_whistles_department", "department", "state"),
)

reporters = Table(
    "reporters",
    metadata,
    Column("case_id", _NUMBER, ForeignKey("cases.case_id"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("device", Text, nullable=False),
)

photos = Table(
    "photos",
    metadata,
    Column("case_id", _NUMBER, ForeignKey("cases.case_id"), primary_key=True),
    Column("sha256", String(64), primary_key=True),  # of the file as it is stored
    Column("added_at", Moment, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("hint_lon", Float),  # where the camera said that it was (WGS-84)
    Column("hint_lat", Float),
)

keys = Table(
    "keys",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("request", String(64), nullable=False),  # SHA-256 of what was asked
    Column("case_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Index("ix_keys_at", "at"),
)

hooks = Table(
    "hooks",
    metadata,
    Column("hook_id", _NUMBER, primary_key=True, autoincrement=True),
    Column("url", Text, nullable=False),
    Column("secret", String(200), nullable=False),  # signs what is sent, so it can't be hashed
    Column("actions", Text, nullable=False),  # with spaces between them; "" is every one
    Column("added_at", Moment, nullable=False),
    Column("read_to", Moment, nullable=False),  # of the log
    Column("leased_to", Moment, nullable=False),  # one process at a time sends
    sqlite_autoincrement=True,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("hook_id", _NUMBER, ForeignKey("hooks.hook_id"), nullable=False),
    Column("case_id", _NUMBER, ForeignKey("cases.case_id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(20), nullable=False),  # waiting, sent or failed
    Column("tries", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("done_at", Moment),
    Column("answer", Text, nullable=False),  # of the last try
    UniqueConstraint("hook_id", "case_id", "version"),
    Index("ix_deliveries_hook_id", "hook_id", "state", "number"),
    sqlite_autoincrement=True,
)

receipts = Table(
    "receipts",
    metadata,
    Column("hash", String(64), primary_key=True),  # SHA-256 of the receipt, which is not kept
    Column("case_id", _NUMBER, ForeignKey("cases.case_id"), nullable=False),
    Column("given_at", Moment, nullable=False),
    Index("ix_receipts_case_id", "case_id"),
)

votes = Table(
    "votes",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("worker_id", String(80), nullable=False),
    Column("device", String(64), nullable=False),  # keyed hash: no device can be read from it
    Column("day", Date, nullable=False),
    Column("score", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("device", "day"),
    Index("ix_votes_worker_id", "worker_id"),
)

#: Tables whose rows are never changed or removed.
APPEND_ONLY = ("entries", "votes")
