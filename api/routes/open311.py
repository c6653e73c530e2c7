"""Open311 GeoReport v2 over the same cases, so that apps that know it can report.

It describes itself by its discovery document, so it is not in the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

import gridmap
from api import VERSION
from api.access import AnyCaller, Caller, Role, record
from api.actors import CITIZEN, scope_key
from api.case_models import Text, Words
from api.dependencies import OnceKey, TheBook
from api.door import Door
from api.limits import name_client
from api.open311 import (
    PREFIX,
    define_service,
    describe_endpoint,
    describe_request,
    describe_services,
    write_one,
    write_rows,
)
from api.open311 import Form as AnswerForm
from api.problems import ProblemError
from gridmap.errors import CaseNotFoundError
from gridmap.incidents.model import Case, Location, Report, Reporter

#: GeoReport's limits of a list.
_MOST = 1000
_STANDINGS = {"open": ("open", "suspended"), "closed": ("closed", "withdrawn")}
Short = Annotated[Text, Field(max_length=200)]


class PostedReport(BaseModel):
    """The form of a new request; a picture's address is taken and never followed."""

    model_config = ConfigDict(extra="ignore")

    service_code: Short
    lat: float | None = Field(None, allow_inf_nan=False)
    long: float | None = Field(None, allow_inf_nan=False)
    address_string: Short = ""
    email: Short = ""
    device_id: Short = ""
    first_name: Short = ""
    last_name: Short = ""
    phone: Short = ""
    description: Words = ""
    jurisdiction_id: Short = ""
    api_key: Short = ""


def check_jurisdiction(
    request: Request, jurisdiction_id: Annotated[Text, Query(max_length=200)] = ""
) -> None:
    """Refuse another jurisdiction than the one that is served.

    Raises
    ------
    ProblemError
        404 as GeoReport has it.
    """
    own = request.app.state.jurisdiction
    if own and jurisdiction_id and jurisdiction_id != own:
        raise ProblemError(404, "no-jurisdiction", f"jurisdiction_id is not {own}")


def find_caller(
    request: Request, caller: AnyCaller, api_key: Annotated[Text, Query(max_length=200)] = ""
) -> Caller:
    """Return who asks: by a header as everywhere, or by ``api_key`` in the query."""
    return _admit(request, caller, api_key)


TheCaller = Annotated[Caller, Depends(find_caller)]
router = APIRouter(
    prefix=PREFIX, include_in_schema=False, dependencies=[Depends(check_jurisdiction)]
)


@router.get("/discovery.{form}")
def discover(request: Request, form: AnswerForm) -> Response:
    """Say where the service is and in which forms it answers."""
    url = str(request.base_url).rstrip("/") + PREFIX
    return write_one(form, describe_endpoint(url, VERSION), "discovery")


@router.get("/services.{form}")
def list_services(book: TheBook, form: AnswerForm) -> Response:
    """List what can be reported."""
    return write_rows(form, describe_services(book.rules), "services", "service")


@router.get("/services/{code}.{form}")
def get_service(book: TheBook, code: Annotated[Text, Path()], form: AnswerForm) -> Response:
    """Return the definition of a service."""
    if code not in book.rules.categories:
        raise ProblemError(404, "no-service", f"service_code {code!r} was not found")
    return write_one(form, define_service(book.rules, code), "service_definition")


@router.post("/requests.{form}")
def post_request(
    caller: AnyCaller,
    request: Request,
    book: TheBook,
    form: AnswerForm,
    posted: Annotated[PostedReport, Form()],
    key: OnceKey = None,
) -> Response:
    """Report an incident; the answer has its number and, as token, the reporter's receipt."""
    caller = _admit(request, caller, posted.api_key)
    if caller.role == Role.PUBLIC and not request.app.state.open311_public:
        raise ProblemError(403, "key-needed", "api_key is missing: ask the office for a key")
    check_jurisdiction(request, posted.jurisdiction_id)
    report = Report(
        posted.service_code,
        Location(posted.long, posted.lat, address=posted.address_string),
        posted.description,
        "open311",
        _read_reporter(posted),
    )
    case = book.open(report, CITIZEN, key=scope_key(caller, key))
    if caller.role > Role.PUBLIC:
        record(request, caller, "open-case", str(case.case_id))
    told = {
        "service_request_id": str(case.case_id),
        "token": book.give_receipt(case.case_id),
        "service_notice": case.flag or None,
        "account_id": None,
    }
    return write_rows(form, [told], "service_requests", "request", status=201)


@router.get("/requests.{form}")
def list_requests(
    caller: TheCaller,
    book: TheBook,
    form: AnswerForm,
    service_request_id: Annotated[Text, Query(max_length=2000)] = "",
    service_code: Annotated[Text, Query(max_length=2000)] = "",
    start_date: AwareDatetime | None = None,
    end_date: AwareDatetime | None = None,
    updated_after: AwareDatetime | None = None,
    status: Annotated[str, Query(pattern=r"^(|open|closed|open,closed|closed,open)$")] = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
    page_size: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> Response:
    """List requests, the latest first; by number whatever else is asked."""
    if service_request_id:
        cases = _find_numbered(book, service_request_id.split(",")[:_MOST])
    else:
        query = gridmap.CaseQuery(
            standings=_read_status(status),
            categories=tuple(code for code in service_code.split(",") if code),
            reported_from=start_date,
            reported_to=end_date,
            updated_from=updated_after,
        )
        offset = (page - 1) * page_size
        cases = book.find(query, order="latest", limit=page_size, offset=offset)
    rows = [describe_request(case, caller, book.rules) for case in cases]
    return write_rows(form, rows, "service_requests", "request")


@router.get("/requests/{number}.{form}")
def get_request(
    caller: TheCaller,
    book: TheBook,
    number: Annotated[Text, Path(max_length=20)],
    form: AnswerForm,
) -> Response:
    """Return one request."""
    found = _find_numbered(book, [number])
    if not found:
        raise ProblemError(404, "no-such-case", f"service_request_id {number!r} was not found")
    rows = [describe_request(found[0], caller, book.rules)]
    return write_rows(form, rows, "service_requests", "request")


@router.get("/tokens/{token}.{form}")
def get_token(
    book: TheBook, token: Annotated[Text, Path(max_length=100)], form: AnswerForm
) -> Response:
    """Return the number of the request that a token was given for."""
    case = book.read_receipt(token)
    told = {"service_request_id": str(case.case_id), "token": token}
    return write_rows(form, [told], "service_requests", "request")


def _admit(request: Request, caller: Caller, api_key: str) -> Caller:
    """Return the holder of an ``api_key``, or whom the gate found.

    Raises
    ------
    ProblemError
        403 for a key that is wrong, 429 for one too many of these or too many requests, with the
        seconds to wait.
    """
    if not api_key:
        return caller
    door: Door = request.app.state.door
    found = door.admit(api_key, name_client(request.scope))
    if isinstance(found, Caller):
        return found
    if found.locks:
        door.on_lock(*found.locks)
    if found.code == "bad-key":
        raise ProblemError(403, "bad-key", "api_key is wrong, over or revoked")
    raise ProblemError(found.status, found.code, found.detail, wait=found.wait)


def _read_reporter(posted: PostedReport) -> Reporter | None:
    name = f"{posted.last_name}{posted.first_name}"
    told = Reporter(name, posted.phone, posted.email, posted.device_id)
    return told if told != Reporter() else None


def _read_status(text: str) -> tuple[str, ...]:
    return tuple(one for word in text.split(",") if word for one in _STANDINGS[word])


def _find_numbered(book: gridmap.Casebook, words: Sequence[str]) -> list[Case]:
    """Return the cases of these numbers that there are."""
    found = []
    for word in words:
        if word.strip().isdecimal() and len(word) < 16:
            try:
                found.append(book.read(int(word)))
            except CaseNotFoundError:
                continue
    return found
