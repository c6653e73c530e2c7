"""The casebook: open a case, step it, read it. Every write is in the log, or did not happen."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from gridmap.casebook.archive import back_up, restore
from gridmap.casebook.changes import Change, Screen, find_changes, read_screen
from gridmap.casebook.checking import check_book
from gridmap.casebook.database import open_engine
from gridmap.casebook.exchange import (
    read_reports,
    table_cases,
    table_steps,
    table_votes,
    table_whistles,
    write_cases,
)
from gridmap.casebook.ledger import (
    Opening,
    add_facts,
    find_case,
    find_whistles,
    keep_step,
    open_cases,
    write_once,
)
from gridmap.casebook.lists import CaseQuery, count_cases, find_cases, find_similar, walk_cases
from gridmap.casebook.photos import (
    Photo,
    add_row,
    drop_rows,
    find_file,
    list_rows,
    read_picture,
    store_picture,
)
from gridmap.casebook.receipts import give_receipt, read_receipt
from gridmap.casebook.rows import (
    read_entry,
    sign,
)
from gridmap.casebook.schema import cases, entries, keys, reporters
from gridmap.casebook.votes import Vote, cast_vote
from gridmap.casebook.writer import Writer
from gridmap.errors import (
    CasebookError,
    CaseError,
    CaseNotFoundError,
    ConflictError,
    PhotoError,
)
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
from gridmap.incidents.steps import open_case, replay, take_step

#: By how much the clock of a device may be ahead.
_AHEAD = timedelta(minutes=5)
#: Cases of one statement when many are opened.
_PART = 500
#: Steps that carry more than a `Step` does.
_OWN_VERBS = {"photo": "add_photo", "erase": "erase"}


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
        _refuse_future(report.reported_at)
        outcome = open_case(report, actor, self.rules, self.desk)
        request = sign(["open", report, actor]) if key else ""
        opening = Opening(outcome, report.reporter, key, request)
        try:
            case: Case = self.writer.write_together(open_cases, opening)
        except IntegrityError:  # another process used the key at that moment: see what it wrote
            case = self.writer.write_together(open_cases, opening)
        return case

    def open_many(self, reports: Sequence[Report], actor: Actor, *, key: str = "") -> list[Case]:
        """Open many cases in one transaction: all or none.

        With a key, each case has that key and its number in the list.
        """
        for report in reports:
            _refuse_future(report.reported_at)
        openings = [
            Opening(
                open_case(report, actor, self.rules, self.desk),
                report.reporter,
                f"{key}/{number}" if key else "",
                sign(["open", report, actor]) if key else "",
            )
            for number, report in enumerate(reports)
        ]

        def work(connection: Connection) -> list[Case]:
            parts = [openings[at : at + _PART] for at in range(0, len(openings), _PART)]
            answers = [one for part in parts for one in open_cases(connection, part)]
            for one in answers:
                if isinstance(one, ConflictError):
                    raise one
            return [one for one in answers if isinstance(one, Case)]

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
        if step.action in _OWN_VERBS:
            raise CaseError(f"{step.action} has a verb of its own: {_OWN_VERBS[step.action]}")
        _refuse_future(step.at)
        request = sign(["step", case_id, step, version])

        def work(connection: Connection) -> Case:
            take = partial(self._step, case_id=case_id, step=step, version=version)
            return write_once(connection, key, request, take)

        return self._write(work)

    def read(self, case_id: int) -> Case:
        """Return a case as it stands.

        Raises
        ------
        CaseNotFoundError
            If there is no such case.
        """
        with self.engine.connect() as connection:
            return find_case(connection, case_id)

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
            return find_whistles(connection, case_id)

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
            find_case(connection, case_id)
            statement = select(reporters).where(reporters.c.case_id == case_id)
            row = connection.execute(statement).one_or_none()
        return None if row is None else Reporter(row.name, row.phone, row.email, row.device)

    def give_receipt(self, case_id: int) -> str:
        """Return a new receipt, by which the reporter reads the case (`casebook.receipts`)."""

        def give(connection: Connection) -> str:
            return give_receipt(connection, find_case(connection, case_id).case_id)

        receipt: str = self._write(give)
        return receipt

    def read_receipt(self, receipt: str) -> Case:
        """Return the case of a receipt.

        Raises
        ------
        CaseNotFoundError
            If no such receipt was given.
        """
        with self.engine.connect() as connection:
            return find_case(connection, read_receipt(connection, receipt))

    @property
    def soon(self) -> float:
        """Hours before a breach from which it is soon: when the grid worker is reminded first."""
        return max(self.rules.remind, default=0)

    def screen(self, now: datetime, areas: Sequence[str] = (), *, most: int = 20) -> Screen:
        """Return what a command screen shows (`gridmap.casebook.changes`).

        Parameters
        ----------
        now : datetime
            The moment; what is about to be in breach is what the grid worker is reminded of.
        areas : sequence of str
            Beginnings of grid codes; all without one.
        most : int
            How many cases are named as the most urgent.
        """
        city = now.astimezone(self.rules.zone)
        midnight = city.replace(hour=0, minute=0, second=0, microsecond=0)
        with self.engine.connect() as connection:
            return read_screen(
                connection, now, since=midnight, soon=self.soon, areas=areas, most=most
            )

    def changes(self, since: datetime, until: datetime, areas: Sequence[str] = ()) -> list[Change]:
        """Return what was written, and which clocks ran out, from a moment to another."""
        with self.engine.connect() as connection:
            return find_changes(connection, since, until, areas=areas)

    def add_photo(
        self, case_id: int, data: bytes, actor: Actor, *, at: datetime | None = None, key: str = ""
    ) -> Case:
        """Add a photo to a case: read by its content, stripped, written anew.

        A photo that the case has already changes nothing.

        Raises
        ------
        PhotoError
            If it is none, or too large.
        CasebookError
            If the casebook has no folder for photos.
        """
        folder = self._photo_folder()
        picture = read_picture(data, self.rules.photo_bytes)
        request, wanted = (
            sign(["photo", case_id, picture.sha256, actor]),
            Step("photo", actor, at=at),
        )
        store_picture(folder, picture)

        def add(connection: Connection) -> Case:
            case = find_case(connection, case_id, for_update=True)
            if picture.sha256 in [photo.sha256 for photo in list_rows(connection, case_id)]:
                return case
            facts = {"sha256": picture.sha256}
            case = self._step(connection, case_id, wanted, None, facts)
            add_row(connection, case_id, picture, case.updated_at)
            return case

        return self._write(lambda connection: write_once(connection, key, request, add))

    def photos_of(self, case_id: int) -> Sequence[Photo]:
        """Return what is said of the photos of a case; for the staff only."""
        with self.engine.connect() as connection:
            return list_rows(connection, case_id)

    def photo_path(self, case_id: int, sha256: str) -> Path:
        """Return the file of a photo of a case; for the staff only.

        Raises
        ------
        PhotoError
            If the case has no such photo.
        """
        if sha256 not in [photo.sha256 for photo in self.photos_of(case_id)]:
            raise PhotoError(f"case {case_id} has no photo {sha256!r}")
        return find_file(self._photo_folder(), sha256)

    def erase(self, case_id: int, actor: Actor, *, photos: bool = False) -> Case:
        """Erase who reported a case, and its photos if asked; the log says that it was done.

        Raises
        ------
        RoleError
            If the actor is not of the district.
        """

        def erase(connection: Connection) -> tuple[Case, list[str]]:
            find_case(connection, case_id, for_update=True)
            gone = connection.execute(delete(reporters).where(reporters.c.case_id == case_id))
            names = [photo.sha256 for photo in list_rows(connection, case_id)] if photos else []
            orphans = drop_rows(connection, case_id) if photos else []
            facts = {"reporter": gone.rowcount, "photos": names}
            return self._step(connection, case_id, Step("erase", actor), None, facts), orphans

        case, orphans = self._write(erase)
        for name in orphans:
            find_file(self._photo_folder(), name).unlink(missing_ok=True)
        return case

    def erase_old(self, now: datetime, actor: Actor) -> Sequence[int]:
        """Erase the reporters of cases that ended ``reporter_days`` ago or earlier.

        Idempotency keys of that age are forgotten, too. Returns the numbers of the cases.
        """
        limit = settle_moment(now) - timedelta(days=self.rules.reporter_days)
        ended = cases.c.standing.in_(("closed", "withdrawn"))
        statement = (
            select(reporters.c.case_id)
            .join(cases, cases.c.case_id == reporters.c.case_id)
            .where(ended, cases.c.updated_at <= limit)
            .order_by(reporters.c.case_id)
        )
        with self.engine.connect() as connection:
            numbers = connection.execute(statement).scalars().all()
        for number in numbers:
            self.erase(number, actor)
        self._write(lambda connection: connection.execute(delete(keys).where(keys.c.at <= limit)))
        return numbers

    def vote(self, worker_id: str, device: str, score: int, *, at: datetime | None = None) -> Vote:
        """Count a resident's vote for a grid worker, once a device and day.

        Parameters
        ----------
        worker_id : str
            Who serves a grid of the plan.
        device : str
            A random text that the device keeps; what is stored of it can't be traced back.
        score : int
            1 to 5.
        at : datetime, optional
            Now by default; the day is that of the city's clocks.

        Raises
        ------
        ConflictError
            If the device has voted on that day.
        CaseError
            If nobody of that number serves a grid, or the score is out of range.
        """
        if worker_id not in self.desk.workers:
            raise CaseError(f"no worker {worker_id!r} serves a grid of the plan {self.desk.plan}")
        moment = settle_moment(at)
        day = moment.astimezone(self.rules.zone).date()
        return self._write(
            lambda connection: cast_vote(connection, worker_id, device, score, day, moment)
        )

    def check(self) -> Sequence[str]:
        """Say where the casebook is not what was written; an empty list is: nowhere."""
        with self.engine.connect() as connection:
            return check_book(connection)

    def tables(self, query: CaseQuery | None = None) -> dict[str, pd.DataFrame]:
        """Return what figures are made of: ``cases``, ``whistles``, ``votes`` and ``steps``.

        None of them has a reporter, a device or anybody's words but the description of the case.
        """
        with self.engine.connect() as connection:
            return {
                "cases": table_cases(connection, query or CaseQuery()),
                "whistles": table_whistles(connection),
                "votes": table_votes(connection),
                "steps": table_steps(connection),
            }

    def export(self, path: str | Path, query: CaseQuery | None = None, *, lang: str = "zh") -> int:
        """Write cases as .xlsx or .csv, without reporters; return how many."""
        with self.engine.connect() as connection:
            table = table_cases(connection, query or CaseQuery())
        write_cases(table, path, self.rules, lang)
        return len(table)

    def import_list(
        self, path: str | Path, actor: Actor, *, datum: str = "wgs84", sheet: str | None = None
    ) -> Sequence[Case]:
        """Open a case for each row of a list (`gridmap.casebook.exchange.read_reports`).

        All rows or none; the same file a second time gives the same cases.
        """
        reports = read_reports(path, self.rules, datum=datum, sheet=sheet)
        key = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        return self.open_many(reports, actor, key=f"list/{key}/{sheet or ''}")

    def back_up(self, path: str | Path) -> dict[str, int]:
        """Write every row and photo into one file; return how many (`casebook.archive`)."""
        return back_up(self.engine, self.photos, path)

    def restore(self, path: str | Path) -> dict[str, int]:
        """Read a backup into this casebook, which must be empty; return how many rows."""
        return restore(path, self.engine, self.photos)

    def _photo_folder(self) -> Path:
        if self.photos is None:
            raise CasebookError("this casebook has no folder for photos: name one (photos=)")
        return self.photos

    def _write(self, work: Callable[[Connection], Any]) -> Any:
        """Write; where another process used the same key at that moment, see what it wrote."""
        try:
            return self.writer.write(work)
        except IntegrityError:
            return self.writer.write(work)

    def _step(
        self,
        connection: Connection,
        case_id: int,
        step: Step,
        version: int | None,
        facts: Mapping[str, Any] | None = None,
    ) -> Case:
        case = find_case(connection, case_id, for_update=True)
        if version is not None and version != case.version:
            raise ConflictError(
                f"case {case_id} is at version {case.version} ({case.stage}, {case.standing}), "
                f"not {version}: read it again"
            )
        if step.duplicate_of is not None:
            find_case(connection, step.duplicate_of)
        calls = find_whistles(connection, case_id)
        outcome = add_facts(take_step(case, step, self.rules, self.desk, calls), facts)
        keep_step(connection, case, outcome, calls)
        return outcome.case


def _refuse_future(at: datetime | None) -> None:
    """Refuse a moment that is not yet: no later step could follow one of a wrong clock."""
    if at is not None and settle_moment(at) > settle_moment(None) + _AHEAD:
        raise CaseError(f"{at.isoformat()} lies ahead: look at the clock of the device")


def find_folder(where: str | Path) -> Path | None:
    """Return the folder of photos beside a file of SQLite; None for another database."""
    if isinstance(where, str) and "://" in where:
        return None
    path = Path(where)
    return path.with_name(f"{path.stem}.photos")
