"""The lines of a casebook: open cases, keep a step, find a case; each inside a transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Select, bindparam, insert, select, update

from gridmap.casebook.rows import (
    CASE_COLUMNS,
    read_case,
    read_entry,
    write_case,
    write_entry,
    write_whistle,
)
from gridmap.casebook.schema import cases, entries, keys, reporters, whistles
from gridmap.errors import CaseNotFoundError, ConflictError
from gridmap.incidents.model import Case, Reporter, Whistle, settle_moment
from gridmap.incidents.steps import Outcome, number_case, replay

# Statements that are run for every case are built once.
_ADD_CASE = insert(cases).returning(cases.c.case_id, sort_by_parameter_order=True)
_ADD_ENTRY, _ADD_REPORTER, _ADD_KEY = insert(entries), insert(reporters), insert(keys)
_FIND_KEYS = select(keys).where(keys.c.key.in_(bindparam("names", expanding=True)))


@dataclass(frozen=True, slots=True)
class Opening:
    """A case that is to be written, with its reporter and its idempotency key (or "")."""

    outcome: Outcome
    reporter: Reporter | None
    key: str
    request: str


def open_cases(connection: Connection, openings: Sequence[Opening]) -> list[Case | ConflictError]:
    """Write many new cases; what a key says was written before is given again.

    A key that was used for something else is the answer of that opening alone.
    """
    known = find_keys(connection, [one.key for one in openings if one.key])
    answers: list[Case | ConflictError | None] = []
    fresh: list[Opening] = []
    first: dict[str, Opening] = {}
    for one in openings:
        row = known.get(one.key)
        twin = first.get(one.key)
        answers.append(_find_again(connection, row, one) if row is not None else None)
        if twin is not None and twin.request != one.request:
            answers[-1] = _misuse(one.key)
        elif row is None and twin is None:
            fresh.append(one)
            if one.key:
                first[one.key] = one
    written = _write_cases(connection, fresh)
    return _fill_in(openings, answers, fresh, written)


def _fill_in(
    openings: Sequence[Opening],
    answers: Sequence[Case | ConflictError | None],
    fresh: Sequence[Opening],
    written: Sequence[Case],
) -> list[Case | ConflictError]:
    """Put the cases that were written where they were asked for, twins of one key alike."""
    by_opening = {id(one): case for one, case in zip(fresh, written, strict=True)}
    by_key = {one.key: case for one, case in zip(fresh, written, strict=True) if one.key}
    return [
        answer or by_opening.get(id(one)) or by_key[one.key]
        for one, answer in zip(openings, answers, strict=True)
    ]


def _write_cases(connection: Connection, openings: Sequence[Opening]) -> list[Case]:
    """Write cases, the first line of each log, the reporters apart, and the keys."""
    if not openings:
        return []
    rows = [write_case(one.outcome.case) for one in openings]
    numbers = connection.execute(_ADD_CASE, rows).scalars().all()
    now = settle_moment(None)
    numbered = [
        number_case(one.outcome, number) for one, number in zip(openings, numbers, strict=True)
    ]
    connection.execute(_ADD_ENTRY, [write_entry(one.entry, "", now) for one in numbered])
    people = [
        {"case_id": number, **_write_reporter(one.reporter)}
        for one, number in zip(openings, numbers, strict=True)
        if one.reporter is not None
    ]
    if people:
        connection.execute(_ADD_REPORTER, people)
    marks = [
        _write_key(one.key, one.request, made.case)
        for one, made in zip(openings, numbered, strict=True)
        if one.key
    ]
    if marks:
        connection.execute(_ADD_KEY, marks)
    return [one.case for one in numbered]


def find_keys(connection: Connection, names: Sequence[str]) -> Mapping[str, Any]:
    """Return key -> its row, of those that were used."""
    if not names:
        return {}
    return {row.key: row for row in connection.execute(_FIND_KEYS, {"names": list(names)})}


def _find_again(connection: Connection, row: Any, one: Opening) -> Case | ConflictError:
    if row.request != one.request:
        return _misuse(one.key)
    return find_case_at(connection, row.case_id, row.version)


def _misuse(key: str) -> ConflictError:
    return ConflictError(f"key {key!r} was used for something else: take another one")


def write_once(
    connection: Connection, key: str, request: str, write: Callable[[Connection], Case]
) -> Case:
    """Write, unless the key says that it was written before: then return what it was."""
    row = find_keys(connection, [key] if key else []).get(key)
    if row is not None:
        if row.request != request:
            raise _misuse(key)
        return find_case_at(connection, row.case_id, row.version)
    case = write(connection)
    if key:
        connection.execute(_ADD_KEY, _write_key(key, request, case))
    return case


def keep_step(
    connection: Connection, before: Case, outcome: Outcome, calls: Sequence[Whistle]
) -> None:
    """Write a step, unless another one came first.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    before : Case
        As it was when the step was taken.
    outcome : Outcome
        What the step made.
    calls : sequence of Whistle
        Those that there were before.
    """
    case = outcome.case
    changed = connection.execute(
        update(cases)
        .where(cases.c.case_id == case.case_id, cases.c.version == before.version)
        .values(write_case(case))
    )
    if changed.rowcount != 1:
        raise ConflictError(f"case {case.case_id} was changed at the same time: read it again")
    line = (entries.c.case_id == case.case_id, entries.c.version == before.version)
    previous = connection.execute(select(entries.c.hash).where(*line)).scalar_one()
    connection.execute(_ADD_ENTRY, write_entry(outcome.entry, previous, settle_moment(None)))
    _keep_whistles(connection, outcome.whistles, {one.hop for one in calls})


def add_facts(outcome: Outcome, facts: Mapping[str, Any] | None) -> Outcome:
    """Return an outcome whose entry says more."""
    if facts is None:
        return outcome
    return replace(outcome, entry=replace(outcome.entry, facts=facts))


def _keep_whistles(connection: Connection, calls: Iterable[Whistle], known: set[int]) -> None:
    for call in calls:
        row = write_whistle(call)
        if call.hop in known:
            place = (whistles.c.case_id == call.case_id, whistles.c.hop == call.hop)
            connection.execute(update(whistles).where(*place).values(row))
        else:
            connection.execute(insert(whistles), row)


def find_case(connection: Connection, case_id: int, *, for_update: bool = False) -> Case:
    """Return a case as it stands; for an update nobody else changes it meanwhile.

    Raises
    ------
    CaseNotFoundError
        If there is no such case.
    """
    statement: Select[Any] = select(*CASE_COLUMNS).where(cases.c.case_id == case_id)
    if for_update:
        statement = statement.with_for_update()
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise CaseNotFoundError(f"no case {case_id}")
    return read_case(row)


def find_case_at(connection: Connection, case_id: int, version: int) -> Case:
    """Return a case as it stood at a version, from its log."""
    statement = (
        select(entries)
        .where(entries.c.case_id == case_id, entries.c.version <= version)
        .order_by(entries.c.version)
    )
    return replay([read_entry(row) for row in connection.execute(statement).mappings()])


def find_whistles(connection: Connection, case_id: int) -> list[Whistle]:
    """Return the departments that were called to a case, in order."""
    statement = select(whistles).where(whistles.c.case_id == case_id).order_by(whistles.c.hop)
    return [Whistle(**row) for row in connection.execute(statement).mappings()]


def _write_reporter(reporter: Reporter) -> dict[str, str]:
    return {name: getattr(reporter, name) for name in ("name", "phone", "email", "device")}


def _write_key(key: str, request: str, case: Case) -> dict[str, Any]:
    place = {"case_id": case.case_id, "version": case.version}
    return {"key": key, "request": request, "at": settle_moment(None), **place}
