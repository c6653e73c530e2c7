"""The casebook: open a case, step it, read it. Every write is in the log, or did not happen."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from gridmap.casebook.database import open_engine
from gridmap.casebook.lists import CaseQuery, count_cases, find_cases, find_similar, walk_cases
from gridmap.casebook.rows import (
    CASE_COLUMNS,
    read_case,
    read_entry,
    sign,
    write_case,
    write_entry,
    write_whistle,
)
from gridmap.casebook.schema import cases, entries, keys, reporters, whistles
from gridmap.casebook.writer import Writer
from gridmap.errors import CaseNotFoundError, ConflictError
from gridmap.incident_rules import Incidents
from gridmap.incidents.clocks import Notice, check_category, find_notices
from gridmap.incidents.desk import Desk
from gridmap.incidents.model import (
    Actor,
    Case,
    Entry,
    Report,
    Reporter,
    Step,
    Whistle,
    settle_moment,
)
from gridmap.incidents.steps import Outcome, number_case, open_case, replay, take_step


class Casebook:
    """Cases and their history.

    What `open` or `step` has returned is on disk and survives the end of the process at any
    moment. The log only grows; a step that somebody else's overtook is refused. It may be used
    from many threads, and from many processes.

    Parameters
    ----------
    where : str or Path
        A file of SQLite, made if it is not there, or the URL of a PostgreSQL database.
    desk : Desk
        The plan in force (`gridmap.make_desk`): whom a place belongs to.
    rules : Incidents, optional
        Categories and clocks; those of the desk by default.
    photos : str or Path, optional
        Folder of the photos; beside a file of SQLite by default.

    Raises
    ------
    CasebookError
        If the database can't be opened.
    """

    def __init__(
        self,
        where: str | Path,
        desk: Desk,
        rules: Incidents | None = None,
        *,
        photos: str | Path | None = None,
    ) -> None:
        self.engine = open_engine(where)
        self.desk, self.rules = desk, rules or desk.rules
        self.photos = Path(photos) if photos else find_folder(where)
        self.writer = Writer(self.engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self.engine.dispose()

    def open(self, report: Report, actor: Actor, *, key: str = "") -> Case:
        """Open a case: locate it, start its clocks, send it to a grid and a department.

        Parameters
        ----------
        report : Report
            What is told.
        actor : Actor
            Who opens it.
        key : str
            Idempotency key: the same request with the same key gives the same case again.

        Raises
        ------
        CaseError, DatumError, CalendarError
            As `gridmap.incidents.steps.open_case`.
        ConflictError
            If the key was used for something else.
        """
        outcome = open_case(report, actor, self.rules, self.desk)
        request = sign(["open", report, actor])

        def work(connection: Connection) -> Case:
            return _once(
                connection, key, request, lambda: _add(connection, outcome, report.reporter)
            )

        return self._write(work)

    def open_many(self, reports: Sequence[Report], actor: Actor, *, key: str = "") -> list[Case]:
        """Open many cases in one transaction: all or none.

        With a key, each case has that key and its number in the list.
        """
        outcomes = [open_case(report, actor, self.rules, self.desk) for report in reports]

        def work(connection: Connection) -> list[Case]:
            return [
                _once(
                    connection,
                    f"{key}/{number}" if key else "",
                    sign(["open", report, actor]) if key else "",
                    lambda outcome=outcome, report=report: _add(  # type: ignore[misc]
                        connection, outcome, report.reporter
                    ),
                )
                for number, (report, outcome) in enumerate(zip(reports, outcomes, strict=True))
            ]

        return self._write(work)

    def step(self, case_id: int, step: Step, *, key: str = "", version: int | None = None) -> Case:
        """Do one step of a case.

        Parameters
        ----------
        case_id : int
            The case.
        step : Step
            What is done, and by whom.
        key : str
            Idempotency key.
        version : int, optional
            The version that the caller saw: the step is refused if there is a later one.

        Raises
        ------
        CaseNotFoundError
            If there is no such case.
        StepError, RoleError, CaseError
            As `gridmap.incidents.steps.take_step`.
        ConflictError
            If the case was changed since, or the key was used for something else.
        """
        request = sign(["step", case_id, step, version])

        def work(connection: Connection) -> Case:
            return _once(
                connection, key, request, lambda: self._step(connection, case_id, step, version)
            )

        return self._write(work)

    def read(self, case_id: int) -> Case:
        """Return a case as it stands.

        Raises
        ------
        CaseNotFoundError
            If there is no such case.
        """
        with self.engine.connect() as connection:
            return _find(connection, case_id)

    def read_at(self, case_id: int, version: int) -> Case:
        """Return a case as it stood after one of its entries, from its log."""
        log = [entry for entry in self.log(case_id) if entry.version <= version]
        if not log:
            raise CaseNotFoundError(f"case {case_id} has no version {version}")
        return replay(log)

    def log(self, case_id: int) -> list[Entry]:
        """Return the log of a case, from its report on."""
        statement = select(entries).where(entries.c.case_id == case_id).order_by(entries.c.version)
        with self.engine.connect() as connection:
            found = [read_entry(row) for row in connection.execute(statement).mappings()]
        if not found:
            raise CaseNotFoundError(f"no case {case_id}")
        return found

    def whistles(self, case_id: int) -> list[Whistle]:
        """Return the departments that were called to a case, in order."""
        with self.engine.connect() as connection:
            return _find_whistles(connection, case_id)

    def find(
        self,
        query: CaseQuery | None = None,
        *,
        order: str = "due",
        limit: int = 100,
        offset: int = 0,
    ) -> list[Case]:
        """Return the cases that a query asks for.

        Parameters
        ----------
        query : CaseQuery, optional
            Which; all by default.
        order : str
            ``due``: nearest breach first, those without a running clock last; ``latest``.
        limit, offset : int
            How many, after how many.
        """
        with self.engine.connect() as connection:
            return find_cases(
                connection, query or CaseQuery(), order=order, limit=limit, offset=offset
            )

    def count(self, by: Sequence[str], query: CaseQuery | None = None) -> dict[Any, int]:
        """Count cases by columns of `gridmap.casebook.lists.COUNTED`; for the staff, unhidden."""
        with self.engine.connect() as connection:
            return count_cases(connection, by, query or CaseQuery())

    def count_public(
        self, by: Sequence[str], query: CaseQuery | None = None, *, min_cell: int = 5
    ) -> dict[Any, int | None]:
        """Count cases for everybody: a count below ``min_cell`` is None."""
        counts = self.count(by, query)
        return {name: count if count >= min_cell else None for name, count in counts.items()}

    def similar(self, report: Report) -> Sequence[tuple[Case, float]]:
        """Return cases that a report may repeat, with the metres between them, nearest first.

        The same category, within the metres and hours that the rules say of it.
        """
        check_category(report.category, self.rules)
        place = self.desk.place(report.location)
        if place.lon is None or place.lat is None:
            return []
        radius, hours = self.rules.duplicates_of(report.category)
        at = settle_moment(report.reported_at)
        where = (report.category, place.lon, place.lat, at)
        with self.engine.connect() as connection:
            return find_similar(connection, *where, radius=radius, hours=hours)

    def due(self, now: datetime, *, since: datetime | None = None) -> Sequence[Notice]:
        """List who is to be told of which case by now: reminders, then levels.

        Without ``since`` the last notice of each open case that is due; with it every notice that
        came due after that moment.
        """
        ahead = now + timedelta(hours=max(self.rules.remind, default=0))
        query = CaseQuery(standings=("open",), overdue_at=ahead + timedelta(milliseconds=1))
        with self.engine.connect() as connection:
            running = walk_cases(connection, query)
            return find_notices(running, self.rules, now=now, since=since)

    def reporter(self, case_id: int) -> Reporter | None:
        """Return who reported a case, for those who call back; None where it is not known."""
        with self.engine.connect() as connection:
            _find(connection, case_id)
            statement = select(reporters).where(reporters.c.case_id == case_id)
            row = connection.execute(statement).one_or_none()
        return None if row is None else Reporter(row.name, row.phone, row.email, row.device)

    def _write(self, work: Callable[[Connection], Any]) -> Any:
        """Write; where another process used the same key at that moment, see what it wrote."""
        try:
            return self.writer.write(work)
        except IntegrityError:
            return self.writer.write(work)

    def _step(self, connection: Connection, case_id: int, step: Step, version: int | None) -> Case:
        case = _find(connection, case_id, for_update=True)
        if version is not None and version != case.version:
            raise ConflictError(
                f"case {case_id} is at version {case.version} ({case.stage}, {case.standing}), "
                f"not {version}: read it again"
            )
        if step.duplicate_of is not None:
            _find(connection, step.duplicate_of)
        calls = _find_whistles(connection, case_id)
        outcome = take_step(case, step, self.rules, self.desk, calls)
        _keep(connection, case, outcome, {one.hop for one in calls})
        return outcome.case


def find_folder(where: str | Path) -> Path | None:
    """Return the folder of photos beside a file of SQLite; None for another database."""
    if isinstance(where, str) and "://" in where:
        return None
    path = Path(where)
    return path.with_name(f"{path.stem}.photos")


def _once(connection: Connection, key: str, request: str, write: Callable[[], Case]) -> Case:
    """Write, unless the key says that it was written before: then return what it was."""
    if key:
        row = connection.execute(select(keys).where(keys.c.key == key)).one_or_none()
        if row is not None:
            if row.request != request:
                raise ConflictError(f"key {key!r} was used for something else: take another one")
            return _find_at(connection, row.case_id, row.version)
    case = write()
    if key:
        row_of_key = {"key": key, "request": request, "at": settle_moment(None)}
        values = {**row_of_key, "case_id": case.case_id, "version": case.version}
        connection.execute(insert(keys), values)
    return case


def _add(connection: Connection, outcome: Outcome, reporter: Reporter | None) -> Case:
    """Write a new case, the first line of its log, and its reporter apart."""
    number = connection.execute(
        insert(cases).returning(cases.c.case_id), write_case(outcome.case)
    ).scalar_one()
    outcome = number_case(outcome, number)
    connection.execute(insert(entries), write_entry(outcome.entry, "", settle_moment(None)))
    if reporter is not None:
        connection.execute(insert(reporters), {"case_id": number, **asdict(reporter)})
    return outcome.case


def _keep(connection: Connection, before: Case, outcome: Outcome, known: set[int]) -> None:
    """Write a step, unless another one came first."""
    case = outcome.case
    changed = connection.execute(
        update(cases)
        .where(cases.c.case_id == case.case_id, cases.c.version == before.version)
        .values(write_case(case))
    )
    if changed.rowcount != 1:
        raise ConflictError(f"case {case.case_id} was changed at the same time: read it again")
    previous = connection.execute(
        select(entries.c.hash).where(
            entries.c.case_id == case.case_id, entries.c.version == before.version
        )
    ).scalar_one()
    connection.execute(insert(entries), write_entry(outcome.entry, previous, settle_moment(None)))
    _keep_whistles(connection, outcome.whistles, known)


def _keep_whistles(connection: Connection, calls: Iterable[Whistle], known: set[int]) -> None:
    for call in calls:
        row = write_whistle(call)
        if call.hop in known:
            place = (whistles.c.case_id == call.case_id, whistles.c.hop == call.hop)
            connection.execute(update(whistles).where(*place).values(row))
        else:
            connection.execute(insert(whistles), row)


def _find(connection: Connection, case_id: int, *, for_update: bool = False) -> Case:
    statement: Select[Any] = select(*CASE_COLUMNS).where(cases.c.case_id == case_id)
    if for_update:
        statement = statement.with_for_update()
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise CaseNotFoundError(f"no case {case_id}")
    return read_case(row)


def _find_at(connection: Connection, case_id: int, version: int) -> Case:
    """Return a case as it stood at a version, from its log."""
    statement = (
        select(entries)
        .where(entries.c.case_id == case_id, entries.c.version <= version)
        .order_by(entries.c.version)
    )
    return replay([read_entry(row) for row in connection.execute(statement).mappings()])


def _find_whistles(connection: Connection, case_id: int) -> list[Whistle]:
    statement = select(whistles).where(whistles.c.case_id == case_id).order_by(whistles.c.hop)
    return [Whistle(**row) for row in connection.execute(statement).mappings()]
