"""Cases, entries and whistles as rows of the tables, and back; the hash of an entry."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, RowMapping

from gridmap.casebook.schema import cases
from gridmap.incidents.model import Actor, Case, Entry, Whistle

_CASE_FIELDS = tuple(item.name for item in fields(Case))
#: The columns that make a `Case`.
CASE_COLUMNS = tuple(cases.c[name] for name in _CASE_FIELDS)
_MOMENTS = frozenset(item.name for item in fields(Case) if item.type in (datetime, datetime | None))
_SIGNED = (
    *("case_id", "version", "at", "action", "role", "actor", "department", "note", "facts"),
    *("changes", "previous"),
)


def write_case(case: Case) -> dict[str, Any]:
    """Return the row of a case; a case that is not numbered yet has no number in it."""
    row = {name: getattr(case, name) for name in _CASE_FIELDS} | {"next_due": case.next_due}
    if not case.case_id:
        del row["case_id"]
    return row


def read_case(row: Row[Any]) -> Case:
    """Return the case of a row of `CASE_COLUMNS`."""
    return Case(*tuple(row))


def write_entry(entry: Entry, previous: str, recorded_at: datetime) -> dict[str, Any]:
    """Return the row of an entry, chained to the hash of the one before ("" for the first)."""
    row = {
        "case_id": entry.case_id,
        "version": entry.version,
        "at": entry.at,
        "recorded_at": recorded_at,
        "action": entry.action,
        "role": entry.actor.role,
        "actor": entry.actor.name,
        "department": entry.actor.department,
        "note": entry.note,
        "facts": write_json(entry.facts),
        "changes": write_json(entry.changes),
        "previous": previous,
    }
    return {**row, "hash": sign_entry(row)}


def sign_entry(row: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what an entry says and of the hash before it."""
    return sign([row[name] for name in _SIGNED])


def sign(value: Any) -> str:
    """Return the SHA-256 of a value as canonical JSON."""
    return hashlib.sha256(write_json(value).encode()).hexdigest()


def read_entry(row: RowMapping) -> Entry:
    """Return the entry of a row."""
    changes = {
        name: datetime.fromisoformat(value) if value and name in _MOMENTS else value
        for name, value in json.loads(row["changes"]).items()
    }
    actor = Actor(row["role"], row["actor"], row["department"])
    facts = json.loads(row["facts"])
    head = (row["case_id"], row["version"], row["at"], row["action"])
    return Entry(*head, actor, row["note"], facts, changes)


def write_whistle(whistle: Whistle) -> dict[str, Any]:
    """Return the row of a whistle."""
    return asdict(whistle)


def write_json(value: Any) -> str:
    """Write canonical JSON: sorted, without spaces, moments in ISO 8601."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_encode
    )


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in fields(value)}
    raise TypeError(f"{value!r} is not a value of a casebook")
