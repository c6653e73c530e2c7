"""Webhooks as they are kept: who is told, what is to be told, whether it came.

Nothing is noted beside a step: the log is what is told from. For each hook it is read from where
the last reading ended, and a little before (`gridmap.casebook.changes.OVERLAP`), and an entry is
taken once. So whatever is in the log is told, though every process may die at any moment.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, func, insert, select, update

from gridmap.casebook.changes import OVERLAP
from gridmap.casebook.ledger import find_case_at
from gridmap.casebook.schema import deliveries, entries, hooks
from gridmap.errors import HookError
from gridmap.incidents.model import settle_moment

#: Entries that are taken at once, so that a transaction stays short.
_MOST = 500
#: How long a process has to send one delivery before another one may.
_LEASE = timedelta(seconds=60)
#: How far the log may go on with what a hook is not told of until its reading moves on.
_BEHIND = timedelta(minutes=1)
#: Tries until a delivery is given up, and the longest wait between two: 16 are four hours.
TRIES, _LONGEST = 16, timedelta(hours=1)
#: What is told of a case: what a dispatch system needs to ask for the rest with its own key.
_TOLD = (
    *("category", "department", "stage", "standing", "grid_code", "community_id", "worker_id"),
    *("due_inspect", "due_resolve", "due_answer", "due_accept"),
)


@dataclass(frozen=True, slots=True)
class Hook:
    """A system that is told of steps; ``actions`` "" is every one. Its secret is not shown."""

    hook_id: int
    url: str
    actions: tuple[str, ...]
    added_at: datetime
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a hook is told of one step.

    ``state`` is waiting, sent or failed; ``answer`` what became of the last try.
    """

    number: int
    hook_id: int
    case_id: int
    version: int
    body: str
    state: str
    tries: int
    next_at: datetime
    done_at: datetime | None
    answer: str


def insert_hook(connection: Connection, url: str, secret: str, actions: Sequence[str]) -> int:
    """Add a hook; it is told of what happens from now on."""
    now = settle_moment(None)
    row = {"url": url, "secret": secret, "actions": " ".join(actions), "added_at": now}
    statement = insert(hooks).values(**row, read_to=now, leased_to=now)
    number: int = connection.execute(statement.returning(hooks.c.hook_id)).scalar_one()
    return number


def delete_hook(connection: Connection, hook_id: int) -> None:
    """Remove a hook and what it was to be told.

    Raises
    ------
    HookError
        If there is none of that number.
    """
    connection.execute(delete(deliveries).where(deliveries.c.hook_id == hook_id))
    if not connection.execute(delete(hooks).where(hooks.c.hook_id == hook_id)).rowcount:
        raise HookError(f"no webhook {hook_id}")


def number_hooks(connection: Connection) -> list[int]:
    """Return the number of every hook; what they were told is not looked at."""
    return list(connection.scalars(select(hooks.c.hook_id).order_by(hooks.c.hook_id)))


def read_hooks(connection: Connection) -> list[Hook]:
    """Return every hook."""
    rows = connection.execute(select(hooks).order_by(hooks.c.hook_id)).all()
    kind = deliveries.c.hook_id, deliveries.c.state
    counted = connection.execute(select(*kind, func.count()).group_by(*kind)).all()
    counts = {(number, state): count for number, state, count in counted}
    return [
        Hook(
            row.hook_id,
            row.url,
            tuple(row.actions.split()),
            row.added_at,
            counts.get((row.hook_id, "waiting"), 0),
            counts.get((row.hook_id, "failed"), 0),
        )
        for row in rows
    ]


def read_deliveries(
    connection: Connection, hook_id: int | None, state: str, most: int
) -> list[Delivery]:
    """Return deliveries, the latest first."""
    statement = select(deliveries).order_by(deliveries.c.number.desc()).limit(most)
    if hook_id is not None:
        statement = statement.where(deliveries.c.hook_id == hook_id)
    if state:
        statement = statement.where(deliveries.c.state == state)
    return [Delivery(**row) for row in connection.execute(statement).mappings()]


def is_due(connection: Connection, hook_id: int, now: datetime) -> bool:
    """Tell, without writing, whether a hook may have to be told something.

    It also may where the log went on for a while with what it is not told of: then the reading
    moves on, or each look would go through all of that.
    """
    hook = connection.execute(select(hooks).where(_is(hook_id))).first()
    if hook is None or hook.leased_to > now:
        return False
    next_at = connection.scalar(_next_waiting(hook_id).with_only_columns(deliveries.c.next_at))
    if next_at is not None:
        return bool(next_at <= now)
    if connection.execute(_not_taken(hook).limit(1)).first() is not None:
        return True
    latest = connection.scalar(select(func.max(entries.c.recorded_at)))
    return latest is not None and latest > hook.read_to + _BEHIND


def _next_waiting(hook_id: int) -> Select[Any]:
    """Return the question for the delivery that a hook is to be told next."""
    waiting = select(deliveries).where(
        deliveries.c.hook_id == hook_id, deliveries.c.state == "waiting"
    )
    return waiting.order_by(deliveries.c.number).limit(1)


def _not_taken(hook: Row[Any]) -> Select[Any]:
    """Return the question for the entries of the log that a hook is to be told of."""
    taken = and_(
        deliveries.c.hook_id == hook.hook_id,
        deliveries.c.case_id == entries.c.case_id,
        deliveries.c.version == entries.c.version,
    )
    begin = max(hook.added_at, hook.read_to - OVERLAP)
    statement = (
        select(entries)
        .outerjoin(deliveries, taken)
        .where(entries.c.recorded_at >= begin, deliveries.c.number.is_(None))
        .order_by(entries.c.recorded_at, entries.c.case_id, entries.c.version)
    )
    if hook.actions:
        statement = statement.where(entries.c.action.in_(hook.actions.split()))
    return statement


def take_entries(connection: Connection, hook: Row[Any], now: datetime) -> None:
    """Make a delivery of each entry of the log that a hook has not been told of."""
    found = connection.execute(_not_taken(hook).limit(_MOST)).all()
    rows = [_make_delivery(connection, hook.hook_id, row, now) for row in found]
    if rows:
        connection.execute(insert(deliveries), rows)
    read_to = now if len(found) < _MOST else found[-1].recorded_at
    connection.execute(update(hooks).where(_is(hook.hook_id)).values(read_to=read_to))


def lease_delivery(
    connection: Connection, hook_id: int, now: datetime
) -> tuple[Row[Any], Delivery] | None:
    """Return a hook and what it is to be told next, for this process to send; None: nothing.

    One after the other: while a delivery waits for its next try, later ones wait behind it.
    """
    free = update(hooks).where(_is(hook_id), hooks.c.leased_to <= now)
    if not connection.execute(free.values(leased_to=now + _LEASE)).rowcount:
        return None
    hook = connection.execute(select(hooks).where(_is(hook_id))).one()
    take_entries(connection, hook, now)
    row = connection.execute(_next_waiting(hook_id)).mappings().first()
    if row is None or row["next_at"] > now:
        connection.execute(update(hooks).where(_is(hook_id)).values(leased_to=now))
        return None
    return hook, Delivery(**row)


def note_try(connection: Connection, delivery: Delivery, ok: bool, answer: str) -> None:
    """Write down how a try went, and when the next one is due; let others send again."""
    now, tries = settle_moment(None), delivery.tries + 1
    state = "sent" if ok else "failed" if tries >= TRIES else "waiting"
    wait = min(timedelta(seconds=2**delivery.tries), _LONGEST)
    values: dict[str, Any] = {"state": state, "tries": tries, "answer": answer[:500]}
    values |= {"next_at": now + wait, "done_at": now if state != "waiting" else None}
    mine = deliveries.c.number == delivery.number
    connection.execute(update(deliveries).where(mine).values(values))
    connection.execute(update(hooks).where(_is(delivery.hook_id)).values(leased_to=now))


def _is(hook_id: int) -> Any:
    return hooks.c.hook_id == hook_id


def _make_delivery(
    connection: Connection, hook_id: int, entry: Row[Any], now: datetime
) -> dict[str, Any]:
    case = find_case_at(connection, entry.case_id, entry.version)
    told = {name: getattr(case, name) for name in _TOLD}
    body = {
        "case_id": entry.case_id,
        "version": entry.version,
        "action": entry.action,
        "role": entry.role,
        "at": entry.at,
        "case": told,
        "path": f"/internal/cases/{entry.case_id}",
    }
    return {
        "hook_id": hook_id,
        "case_id": entry.case_id,
        "version": entry.version,
        "body": json.dumps(body, ensure_ascii=False, default=_write_moment),
        "state": "waiting",
        "tries": 0,
        "next_at": now,
        "answer": "",
    }


def _write_moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in a delivery")
