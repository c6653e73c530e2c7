"""Cases for the office: lists, one with its log, the next step, who reported it, figures."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

import gridmap
from api.access import (
    Caller,
    Dispatcher,
    DispatcherOrWorker,
    Viewer,
    ViewerOrWorker,
    record,
    refuse_others,
)
from api.actors import choose_actor, find_own_case, is_own_case, list_parts, scope_key
from api.case_models import (
    InternalCase,
    InternalCases,
    InternalDossier,
    InternalDuplicate,
    InternalEntry,
    InternalFigures,
    InternalNotice,
    InternalPhoto,
    InternalReporter,
    InternalWhistle,
    Name,
    Stage,
    StepBody,
    Text,
)
from api.dependencies import UNKEPT, Day, OnceKey, TheBook
from api.problems import ProblemError
from api.routes.cases import CASE_PROBLEMS, CaseNumber
from gridmap.errors import ConflictError
from gridmap.incidents.model import Case, Location, Report, Step, Whistle
from gridmap.incidents.stages import list_actions

if TYPE_CHECKING:
    from gridmap import CaseQuery
else:  # as `api.dependencies` has it of the casebook
    CaseQuery = Any

router = APIRouter(
    prefix="/internal",
    tags=["internal cases"],
    responses={**CASE_PROBLEMS},
    dependencies=[UNKEPT],
)

#: running: the clock runs or is paused, and something is to be done.
Standing = Literal["running", "all", "open", "suspended", "closed", "withdrawn"]
Group = Literal["", "category", "department", "grid_code", "community_id", "worker_id", "source"]
_STANDINGS: dict[str, tuple[str, ...]] = {"running": ("open", "suspended"), "all": ()}
Language = Literal["zh", "en"]


def read_filters(
    caller: Viewer,
    book: TheBook,
    standing: Standing = "running",
    stage: Annotated[list[Stage], Query()] = [],  # noqa: B006 - FastAPI copies it
    category: Annotated[list[Name], Query(max_length=50)] = [],  # noqa: B006
    department: Annotated[Name, Query(description="Answers for it, or was called.")] = "",
    grid: Annotated[Text, Query(max_length=20, description="Beginning of a code.")] = "",
    community: Annotated[Name, Query()] = "",
    worker: Annotated[Name, Query()] = "",
    overdue: Annotated[bool, Query(description="Only where the next stage is in breach.")] = False,
    flagged: Annotated[bool, Query(description="Only where something does not fit.")] = False,
    text: Annotated[Text, Query(max_length=100, description="In description or address.")] = "",
) -> CaseQuery:
    """Return which cases are asked for, within the caller's districts."""
    return gridmap.CaseQuery(
        standings=_STANDINGS.get(standing, (standing,)),
        stages=tuple(stage),
        categories=tuple(category),
        grid_code=grid,
        areas=caller.districts,
        worker_id=worker,
        shared=book.desk.shared(worker),
        community_id=community,
        department=department,
        overdue_at=datetime.now(UTC) if overdue else None,
        flagged=flagged,
        text=text,
    )


Filters = Annotated[CaseQuery, Depends(read_filters)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get("/cases")
def list_cases(
    caller: Viewer,
    request: Request,
    book: TheBook,
    query: Filters,
    order: Annotated[Literal["due", "latest"], Query(description="due: least time left.")] = "due",
    limit: Limit = 100,
    offset: Offset = 0,
) -> InternalCases:
    """List cases, the nearest breach first; paused ones come last."""
    record(request, caller, "list-cases")
    return _page(book, query, order, limit, offset)


@router.get("/workers/{worker_id}/cases")
def list_worker_cases(
    caller: ViewerOrWorker,
    request: Request,
    book: TheBook,
    worker_id: Annotated[Name, Path()],
    limit: Limit = 100,
    offset: Offset = 0,
) -> InternalCases:
    """List what a grid worker has to do, the nearest breach first.

    Those who share a grid have the same cases there.
    """
    refuse_others(caller, worker_id)
    record(request, caller, "list-cases", worker_id)
    query = gridmap.CaseQuery(
        standings=_STANDINGS["running"],
        worker_id=worker_id,
        shared=book.desk.shared(worker_id),
        areas=caller.districts,
    )
    return _page(book, query, "due", limit, offset)


@router.get("/departments")
def list_departments(_caller: ViewerOrWorker, book: TheBook) -> list[str]:
    """List the departments that a whistle can call."""
    return list(book.desk.departments)


@router.get("/cases.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def export_cases(
    caller: Dispatcher, request: Request, book: TheBook, query: Filters, lang: Language = "zh"
) -> Response:
    """Return cases as a table for Excel, without who reported them."""
    record(request, caller, "export-cases")
    with TemporaryDirectory() as folder:
        path = FilePath(folder) / "cases.csv"
        book.export(path, query, lang=lang)
        body = path.read_bytes()
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="cases.csv"',
    }
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/cases/due")
def list_due(
    caller: Viewer,
    request: Request,
    book: TheBook,
    level: Annotated[
        Literal["worker", "community", "street", "district"] | None,
        Query(description="Only what this level is told."),
    ] = None,
) -> list[InternalNotice]:
    """List who is to be told of which case now: reminders, then breaches level by level."""
    record(request, caller, "list-due")
    notices = book.due(datetime.now(UTC))
    return [
        InternalNotice(**asdict(notice))
        for notice in notices
        if caller.covers(notice.grid_code) and level in (None, notice.level)
    ]


@router.get("/figures")
def get_figures(
    caller: Viewer,
    request: Request,
    by: Annotated[Group, Query(description="What on-time rates are told apart by.")] = "",
    since: Annotated[Day | None, Query(description="First day of the reports.")] = None,
    until: Annotated[Day | None, Query(description="Last day of the reports.")] = None,
) -> InternalFigures:
    """Return on-time rates, loads, hot spots, places that repeat, and how well cases are sent."""
    record(request, caller, "figures")
    state = request.app.state
    today = state.today()
    zone = state.bookcase.open(today).rules.zone
    query = gridmap.CaseQuery(
        areas=caller.districts,
        reported_from=_begin(since, zone),
        reported_to=_begin(until + timedelta(days=1), zone) if until else None,
    )
    return InternalFigures(**state.bookcase.sum_up(today, query, by, datetime.now(UTC)))


@router.get("/cases/{case_id}")
def get_case(
    caller: ViewerOrWorker, request: Request, book: TheBook, case_id: CaseNumber
) -> InternalDossier:
    """Return a case with its log, the departments that were called, and what can be done now."""
    case = find_own_case(book, caller, case_id)
    record(request, caller, "look-at-case", str(case_id))
    return InternalDossier(
        case=_tell(case),
        log=[_tell_entry(asdict(entry)) for entry in book.log(case_id)],
        whistles=[_tell_whistle(call) for call in book.whistles(case_id)],
        actions={part: list_actions(case, part) for part in list_parts(caller)},
        duplicates=_list_duplicates(book, caller, case),
        photos=_list_photos(book, case_id),
        reporter_known=book.reporter(case_id) is not None,
    )


@router.post("/cases/{case_id}/steps")
def step_case(
    caller: DispatcherOrWorker,
    request: Request,
    book: TheBook,
    case_id: CaseNumber,
    body: Annotated[StepBody, Body()],
    key: OnceKey = None,
) -> InternalCase:
    """Do one step. If somebody was quicker: 409 ``conflict``, with the case as it is now."""
    find_own_case(book, caller, case_id)
    step = _read_step(caller, book, body)
    record(request, caller, "step-case", str(case_id), step=body.action, part=step.actor.role)
    try:
        case = book.step(case_id, step, key=scope_key(caller, key), version=body.version)
    except ConflictError as error:
        current = _tell(book.read(case_id)).model_dump(mode="json")
        raise ProblemError(409, "conflict", str(error), current=current) from error
    return _tell(case)


@router.get("/cases/{case_id}/reporter")
def get_reporter(
    caller: Dispatcher, request: Request, book: TheBook, case_id: CaseNumber
) -> InternalReporter:
    """Return who reported a case, to call back; every look is recorded."""
    find_own_case(book, caller, case_id)
    record(request, caller, "look-at-reporter", str(case_id))
    reporter = book.reporter(case_id)
    if reporter is None:
        detail = f"Who reported case {case_id} is not known, or was erased."
        raise ProblemError(404, "no-reporter", detail)
    return InternalReporter(
        case_id=case_id, name=reporter.name, phone=reporter.phone, email=reporter.email
    )


def _page(
    book: gridmap.Casebook, query: gridmap.CaseQuery, order: str, limit: int, offset: int
) -> InternalCases:
    return InternalCases(
        cases=[_tell(case) for case in book.find(query, order=order, limit=limit, offset=offset)],
        total=sum(book.count(("standing",), query).values()),
        limit=limit,
        offset=offset,
        now=datetime.now(UTC),
        soon=book.soon,
    )


def _tell(case: Case) -> InternalCase:
    return InternalCase(**{name: getattr(case, name) for name in InternalCase.model_fields})


def _tell_entry(entry: dict[str, Any]) -> InternalEntry:
    actor = entry.pop("actor")
    del entry["case_id"]
    return InternalEntry(
        **entry, role=actor["role"], actor=actor["name"], department=actor["department"]
    )


def _tell_whistle(call: Whistle) -> InternalWhistle:
    return InternalWhistle(**{name: getattr(call, name) for name in InternalWhistle.model_fields})


def _list_duplicates(book: gridmap.Casebook, caller: Caller, case: Case) -> list[InternalDuplicate]:
    """Return the caller's other cases that may be the same as one that has a place."""
    if case.lon is None or case.category not in book.rules.categories:
        return []
    place = Location(case.lon, case.lat)
    report = Report(case.category, place, reported_at=case.reported_at)
    return [
        InternalDuplicate(
            case_id=other.case_id,
            stage=other.stage,  # type: ignore[arg-type]  # pydantic checks it
            standing=other.standing,  # type: ignore[arg-type]
            reported_at=other.reported_at,
            metres=round(metres, 1),
        )
        for other, metres in book.similar(report)
        if other.case_id != case.case_id and is_own_case(book, caller, other)
    ]


def _list_photos(book: gridmap.Casebook, case_id: int) -> list[InternalPhoto]:
    return [
        InternalPhoto(
            number=number,
            added_at=photo.added_at,
            width=photo.width,
            height=photo.height,
            size=photo.size,
            hint=photo.hint,
        )
        for number, photo in enumerate(book.photos_of(case_id), start=1)
    ]


def _read_step(caller: Caller, book: gridmap.Casebook, body: StepBody) -> Step:
    actor = choose_actor(
        caller,
        book,
        role=body.role,
        worker_id=body.worker_id,
        department=body.department,
    )
    return Step(
        body.action,
        actor,
        body.note,
        body.at,
        hours=body.hours,
        departments=tuple(body.departments),
        grid_code=body.grid_code,
        location=body.location.to_location() if body.location else None,
        reason=body.reason,
        duplicate_of=body.duplicate_of,
    )


def _begin(day: date | None, zone: timezone) -> datetime | None:
    """Return when a day begins by the city's clocks."""
    if day is None:
        return None
    return datetime.combine(day, time(), zone)
