"""Incidents for citizens: report one, follow it by its receipt, see how many there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

import gridmap
from api.access import AnyCaller, Caller, DispatcherOrWorker, Role, need_role, record
from api.actors import CITIZEN, choose_actor, find_own_case, scope_key
from api.case_models import (
    CaseCount,
    CaseMap,
    CaseOpened,
    CasePublic,
    CategoryAnswer,
    Number,
    PhotoAnswer,
    ReceiptAnswer,
    ReceiptStep,
    ReportBody,
    SimilarAnswer,
    SimilarCase,
    Text,
)
from api.dependencies import OnceKey, TheBook
from api.problems import PROBLEMS, ProblemError, describe_problem
from gridmap.errors import PhotoError
from gridmap.incidents.model import Actor, Case, Report, Step, hide_case
from gridmap.incidents.stages import list_actions

#: What may be wrong with a write: somebody was quicker, or the key was used for something else.
CASE_PROBLEMS = {**PROBLEMS, 409: describe_problem(409), 503: describe_problem(503)}

router = APIRouter(tags=["cases"], responses={**CASE_PROBLEMS})
_RUNNING = ("open", "suspended")
_STAGES = {"inspected": "inspect", "resolved": "resolve", "answered": "answer"} | {
    "accepted": "accept"
}
Receipt = Annotated[Text, Path(description="As it was given.", min_length=8, max_length=100)]
CaseNumber = Annotated[Number, Path(description="Number of a case.")]
_PICTURE = {"type": "string", "format": "binary"}
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "image/jpeg": {"schema": _PICTURE},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"photo": _PICTURE},
                    "required": ["photo"],
                }
            },
        },
    }
}


@router.get("/categories")
def list_categories(book: TheBook, response: Response) -> list[CategoryAnswer]:
    """List the kinds of incidents, who answers for each, and within how many hours."""
    response.headers["Cache-Control"] = "no-cache"
    rules = book.rules
    return [
        CategoryAnswer(
            name=name,
            english=category.english,
            department=category.department,
            clock=rules.clock_of(name),  # type: ignore[arg-type]  # pydantic checks it
            hours=rules.hours_of(name),
        )
        for name, category in rules.categories.items()
    ]


@router.post("/cases", status_code=201)
def open_case(
    caller: AnyCaller,
    request: Request,
    response: Response,
    book: TheBook,
    body: Annotated[ReportBody, Body()],
    key: OnceKey = None,
) -> CaseOpened:
    """Report an incident: at once it has a grid, a department and breach times.

    A point and an address may both be given: the point counts, and ``flag`` says if they disagree.
    A request that is repeated with its Idempotency-Key gives the same case, and another receipt.
    """
    actor = _choose_reporter(caller, book, body.source)
    case = book.open(read_report(body), actor, key=scope_key(caller, key))
    if caller.role > Role.PUBLIC:
        record(request, caller, "open-case", str(case.case_id))
    response.headers["Cache-Control"] = "no-store"
    receipt = book.give_receipt(case.case_id)
    return CaseOpened(**_tell(case), next_due=case.next_due, flag=case.flag, receipt=receipt)


@router.post("/cases/similar")
def find_similar(
    book: TheBook, response: Response, body: Annotated[ReportBody, Body()]
) -> SimilarAnswer:
    """Find cases that a report may repeat, before it is sent: how far, how old, how far along."""
    response.headers["Cache-Control"] = "no-store"
    now = datetime.now(UTC)
    return SimilarAnswer(
        cases=[
            SimilarCase(
                category=case.category,
                stage=case.stage,  # type: ignore[arg-type]  # pydantic checks it
                standing=case.standing,  # type: ignore[arg-type]
                metres=round(metres, -1),  # type: ignore[arg-type]
                hours=max(0, round((now - case.reported_at).total_seconds() / 3600)),
            )
            for case, metres in book.similar(read_report(body))
        ]
    )


@router.get("/cases/map")
def map_cases(request: Request, book: TheBook, response: Response) -> CaseMap:
    """Count open cases by grid and category; small counts are not told, and never where."""
    response.headers["Cache-Control"] = "no-cache"
    today = request.app.state.today()
    least = request.app.state.shelf.in_force(today).plan.rules.min_cell
    query = gridmap.CaseQuery(standings=_RUNNING)
    counts = book.count_public(("grid_code", "category"), query, min_cell=least)
    return CaseMap(
        counts=[
            CaseCount(grid_code=grid, category=category, cases=count)
            for (grid, category), count in counts.items()
        ],
        min_cell=least,
    )


@router.get("/cases/receipt/{receipt}")
def read_by_receipt(book: TheBook, receipt: Receipt, response: Response) -> ReceiptAnswer:
    """Return what a reporter may see of his own case: how far it is, and when the rest is due."""
    response.headers["Cache-Control"] = "no-store"
    return _tell_reporter(book, book.read_receipt(receipt))


@router.post("/cases/receipt/{receipt}/steps", responses={403: describe_problem(403)})
def step_by_receipt(
    book: TheBook,
    receipt: Receipt,
    response: Response,
    body: Annotated[ReceiptStep, Body()],
    key: OnceKey = None,
) -> ReceiptAnswer:
    """Withdraw or move a case that nobody has inspected; accept or return one that is answered."""
    response.headers["Cache-Control"] = "no-store"
    found = book.read_receipt(receipt)
    place = body.location.to_location() if body.location else None
    step = Step(body.action, CITIZEN, body.note, location=place)
    case = book.step(found.case_id, step, key=f"receipt/{found.case_id}/{key}" if key else "")
    return _tell_reporter(book, case)


@router.post(
    "/cases/{case_id}/photos",
    status_code=201,
    openapi_extra=_UPLOAD,
    responses={403: describe_problem(403), 413: describe_problem(413)},
)
async def add_photo(
    caller: AnyCaller,
    request: Request,
    case_id: CaseNumber,
    receipt: Annotated[
        str | None, Header(alias="X-Receipt", max_length=100, description="Of the reporter.")
    ] = None,
    key: OnceKey = None,
) -> PhotoAnswer:
    """Add a photo: the body is the picture, or a form with the field ``photo``.

    It is known by its content, written anew without what the camera noted, and shown to the office
    alone. Who sends it has the case's receipt, a dispatcher's key, or that of its grid worker.
    """
    data = await _read_picture(request)
    return await run_in_threadpool(_keep_photo, request, caller, case_id, receipt, key, data)


@router.get(
    "/cases/{case_id}/photos/{number}",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {"schema": _PICTURE}}}},
)
def get_photo(
    caller: DispatcherOrWorker,
    request: Request,
    book: TheBook,
    case_id: CaseNumber,
    number: Annotated[int, Path(ge=1, le=10_000, description="From 1, in order of arrival.")],
) -> Response:
    """Return a photo of a case; every look is recorded."""
    find_own_case(book, caller, case_id)
    photos = book.photos_of(case_id)
    if number > len(photos):
        raise ProblemError(404, "no-such-photo", f"Case {case_id} has {len(photos)} photos.")
    record(request, caller, "look-at-photo", str(case_id), number=number)
    path = book.photo_path(case_id, photos[number - 1].sha256)
    return Response(
        path.read_bytes(), media_type="image/jpeg", headers={"Cache-Control": "no-store"}
    )


def read_report(body: ReportBody) -> Report:
    """Return a report as the casebook has it."""
    return Report(
        body.category,
        body.location.to_location(),
        body.description,
        body.source,
        body.reporter.to_reporter() if body.reporter else None,
    )


def _choose_reporter(caller: Caller, book: gridmap.Casebook, source: str) -> Actor:
    """Return who opens a case: a citizen, or the office for what reached it in another way."""
    if source == "citizen":
        return CITIZEN
    need_role(caller, Role.DISPATCHER, or_worker=True)
    return choose_actor(caller, book, role="worker" if source == "worker" else "community")


def _tell(case: Case) -> dict[str, Any]:
    hidden = hide_case(case)
    return {name: getattr(hidden, name) for name in CasePublic.model_fields}


def _tell_reporter(book: gridmap.Casebook, case: Case) -> ReceiptAnswer:
    stages = {"found": case.reported_at} | {
        stage: getattr(case, f"done_{duty}") for stage, duty in _STAGES.items()
    }
    return ReceiptAnswer(
        **_tell(case),
        next_due=case.next_due,
        stages=stages,
        actions=list_actions(case, "reporter"),
        photos=len(book.photos_of(case.case_id)),
    )


async def _read_picture(request: Request) -> bytes:
    """Read a picture from a body that is one, or from the first file of a form."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await request.body()
    async with request.form(max_files=1, max_fields=5) as form:
        files = [part for part in form.values() if isinstance(part, UploadFile)]
        if not files:
            raise PhotoError("the form has no file: name its field photo")
        return await files[0].read()


def _keep_photo(
    request: Request,
    caller: Caller,
    case_id: int,
    receipt: str | None,
    key: str | None,
    data: bytes,
) -> PhotoAnswer:
    book: gridmap.Casebook = request.app.state.bookcase.open(request.app.state.today())
    book.read(case_id)
    if receipt is not None:
        if book.read_receipt(receipt).case_id != case_id:
            raise ProblemError(403, "other-case", "The receipt is another case's.")
        actor = CITIZEN
    else:
        need_role(caller, Role.DISPATCHER, or_worker=True)
        find_own_case(book, caller, case_id)
        part = "worker" if caller.role == Role.WORKER else "community"
        actor = choose_actor(caller, book, role=part)
        record(request, caller, "add-photo", str(case_id))
    book.add_photo(case_id, data, actor, key=scope_key(caller, key))
    return PhotoAnswer(case_id=case_id, photos=len(book.photos_of(case_id)))
