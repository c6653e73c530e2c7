"""The application: its routes, its guards, and the one table from errors to HTTP."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api import VERSION
from api.access import describe_access
from api.ahead import read_ahead
from api.batch_way import BatchWay
from api.bookcase import Bookcase
from api.courier import Courier
from api.direct import Direct
from api.door import Door
from api.express import Express, ExpressWay
from api.gate import Gate
from api.guard import Guard, security_headers
from api.limits import Buckets
from api.models import Problem
from api.ogc import is_ogc
from api.open311 import put_in_form
from api.problems import ProblemError, problem_response
from api.routes import (
    cases,
    features,
    grids,
    hooks,
    internal,
    internal_cases,
    internal_places,
    landing,
    layers,
    locate,
    mapit,
    notices,
    open311,
    pages,
    plans,
    screen,
    search,
    tiles,
)
from api.settings import Settings, read_settings
from api.shelf import Shelf
from api.zipping import ZipWay
from gridmap.audit import AuditLog
from gridmap.days import today_in_china
from gridmap.errors import (
    CalendarError,
    CasebookError,
    CaseError,
    CaseNotFoundError,
    CodeError,
    ConflictError,
    DatumError,
    GridmapError,
    HookError,
    PhotoError,
    PlanDamagedError,
    PlanNotFoundError,
    RoleError,
    StepError,
    StoreError,
)
from gridmap.keys import KeyStore
from gridmap.store import PlanStore

#: Class of error -> status, code, and what to say where the message is not for the public (it
#: names folders and drafts). The first class that fits counts.
ERRORS: tuple[tuple[type[GridmapError], int, str, str | None], ...] = (
    (DatumError, 422, "bad-position", None),
    (CaseNotFoundError, 404, "no-such-case", None),
    (ConflictError, 409, "conflict", None),
    (StepError, 409, "not-possible", None),
    (RoleError, 403, "not-your-step", None),
    (PhotoError, 422, "bad-photo", None),
    (CaseError, 422, "bad-case", None),
    (CalendarError, 422, "beyond-calendar", None),
    (CasebookError, 503, "casebook-unavailable", "The casebook can't be opened; try again later."),
    (HookError, 422, "bad-hook", None),
    (CodeError, 422, "bad-code", None),
    (PlanNotFoundError, 404, "no-plan-in-force", "No plan was in force on that day; see /plans."),
    (PlanDamagedError, 503, "plan-damaged", "The plan can't be read; its keeper must restore it."),
    (StoreError, 503, "store-unavailable", "The plans can't be read now; try again later."),
    (GridmapError, 500, "internal-error", "This is a fault of the service, and was logged."),
)
#: What answers, in the order in which addresses are compared.
ROUTES = (
    *(landing, locate, search, grids, layers, plans, features, tiles, mapit, pages, notices),
    *(internal, internal_places, cases, screen, internal_cases, hooks, open311),
)
Tell = Callable[[Request, Exception], Awaitable[Response]]
_log = logging.getLogger("gridmap.api")


def create_app(
    settings: Settings | str | Path, *, today: Callable[[], date] = today_in_china
) -> FastAPI:
    """Make the application over a folder of plans.

    Parameters
    ----------
    settings : Settings or path
        How it is run; a path is the folder of plans, with everything else as it is by default. A
        publication in the folder counts from the next request on.
    today : callable
        The current day, by default China's whatever the host's time zone; requests without a date
        ask for it.
    """
    if not isinstance(settings, Settings):
        settings = Settings(store=Path(settings))
    app = FastAPI(
        title="gridmap",
        version=VERSION,
        summary="Which grid owns a place, and the grids of a city.",
        openapi_url=None,  # `api.routes.landing` tells it, and what it is
        docs_url=None,  # they load scripts from another host
        redoc_url=None,
        lifespan=_load_first_plan,
    )
    app.state.shelf = Shelf(PlanStore(settings.store))
    app.state.bookcase = Bookcase(PlanStore(settings.store), settings.cases or None)
    app.state.stream_seconds = settings.stream_seconds
    app.state.hook_hosts = settings.hook_hosts
    app.state.courier = Courier(
        lambda: app.state.bookcase.open(app.state.today()), settings.hook_hosts
    )
    app.state.open311_public = settings.open311_public
    app.state.jurisdiction = settings.jurisdiction
    app.state.today = today
    app.state.attribution, app.state.approval = settings.attribution, settings.approval
    app.state.keys, app.state.audit = KeyStore(settings.store), AuditLog(settings.store)
    for module in ROUTES:
        app.include_router(module.router)
    pages.mount_files(app)
    _guard(app, settings)
    _handle_errors(app)
    app.openapi = lambda: _describe_api(app)  # type: ignore[method-assign]  # FastAPI's own way
    return app


def create_app_from_environment() -> FastAPI:
    """Make the application as the environment says (`api.settings`); each worker process does."""
    return create_app(read_settings())


def _guard(app: FastAPI, settings: Settings) -> None:
    """Put around the routes what every request passes, the innermost first."""
    audit: AuditLog = app.state.audit

    def note_lockout(address: str, key_id: str) -> None:
        _log.warning("locked out after wrong keys: %s, key %s", address, key_id or "unknown")
        audit.append("gridmap", "lockout", key_id, facts={"host": address})

    shelf, today = app.state.shelf, app.state.today
    express = Express(shelf, today)
    public = Buckets(settings.rate, settings.burst)
    app.state.direct = Direct(express, public, settings)  # for `api.direct.DirectProtocol`
    app.add_middleware(BatchWay, shelf=shelf, today=today, tell=_tell_batch_error)
    app.add_middleware(ExpressWay, express=express)
    app.add_middleware(ZipWay, minimum_size=1000)
    app.state.door = Door(app.state.keys, settings, note_lockout)
    app.add_middleware(Gate, door=app.state.door, settings=settings, public=public)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type", "If-None-Match"],
            expose_headers=["ETag", "Content-Crs", "Link", "Location", "Retry-After"],
        )
    app.add_middleware(Guard, settings=settings)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))


@asynccontextmanager
async def _load_first_plan(app: FastAPI) -> AsyncIterator[None]:
    """Have the plan in force ready before the first request; a service without one starts too."""
    _settle_routes(app)
    try:
        await run_in_threadpool(app.state.shelf.make_ready, app.state.today())
    except GridmapError as error:
        _log.warning("no plan to begin with: %s", error)
    app.state.courier.start()
    with read_ahead(app.state.shelf, app.state.today):
        yield
    await run_in_threadpool(app.state.courier.stop)
    app.state.bookcase.close()
    app.state.keys.close()
    app.state.audit.close()


def _settle_routes(app: FastAPI) -> None:
    """Have FastAPI work out what each route needs: whoever asks first would wait for it."""
    nowhere = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in app.router.routes:
        route.matches({**nowhere})


def _handle_errors(app: FastAPI) -> None:
    app.add_exception_handler(GridmapError, _in_form(_tell_gridmap_error))
    app.add_exception_handler(ProblemError, _in_form(_tell_problem))
    app.add_exception_handler(RequestValidationError, _in_form(_tell_validation_error))
    app.add_exception_handler(HTTPException, _in_form(_tell_http_error))
    app.add_exception_handler(Exception, _in_form(_tell_unexpected_error))


def _in_form(tell: Tell) -> Tell:
    """Let problems be told in the form of whose route it is."""

    async def tell_in_form(request: Request, error: Exception) -> Response:
        return put_in_form(request.scope, await tell(request, error))

    return tell_in_form


async def _tell_gridmap_error(_request: Request, error: Exception) -> Response:
    status, code, words = next(
        (status, code, words) for kind, status, code, words in ERRORS if isinstance(error, kind)
    )
    if status >= 500:
        _log.error("%s", error, exc_info=error)
    return problem_response(status, code, words or str(error))


async def _tell_problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problem_response(
        error.status, error.code, error.detail, wait=error.wait, more=error.more
    )


async def _tell_batch_error(request: Request, error: Exception) -> Response:
    tell = _tell_problem if isinstance(error, ProblemError) else _tell_gridmap_error
    return await tell(request, error)


async def _tell_validation_error(request: Request, error: Exception) -> Response:
    """Name each parameter that is wrong; values stay out, they may be where a citizen lives."""
    assert isinstance(error, RequestValidationError)
    errors = [_name_parameter(found) for found in error.errors()]
    detail = "; ".join(f"{one['parameter']}: {one['problem']}" for one in errors)
    status = 400 if is_ogc(request) else 422
    return problem_response(status, "bad-parameter", detail, more={"errors": errors})


def _name_parameter(found: Mapping[str, Any]) -> dict[str, str]:
    # Where JSON is broken, FastAPI's place is a count of characters.
    broken = found["type"] == "json_invalid"
    place: Sequence[Any] = ["body"] if broken else found["loc"][1:] or found["loc"]
    return {
        "parameter": ".".join(map(str, place)),
        "problem": found["msg"].removeprefix("Value error, "),
    }


async def _tell_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(_list_methods(request))
    return problem_response(error.status_code, code, error.detail, headers=headers)


def _list_methods(request: Request) -> list[str]:
    """Return the methods of an address, of whichever routes; HEAD is wherever GET is."""
    found = [
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        for route in request.app.router.routes
        if route.matches({**request.scope, "method": method})[0] == Match.FULL
    ]
    return [*dict.fromkeys(found), *(["HEAD"] if "GET" in found else [])]


async def _tell_unexpected_error(_request: Request, _error: Exception) -> Response:
    """Answer in place of a traceback; Starlette logs it, and Guard does not see this answer."""
    words = "This is a fault of the service, and was logged."
    return problem_response(500, "internal-error", words, headers=security_headers())


def _describe_api(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document; every problem is described as a `Problem`."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        schemas = schema["components"]["schemas"]
        describe_access(schema)
        _drop_answers(schema, of="HTTPValidationError")
        schemas["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = schema
    return app.openapi_schema


def _drop_answers(schema: dict[str, Any], *, of: str) -> None:
    """Remove the answers of a model that FastAPI adds and we never give."""
    for path in schema["paths"].values():
        for operation in path.values():
            answers = operation["responses"]
            for status in [status for status, told in answers.items() if of in str(told)]:
                del answers[status]
