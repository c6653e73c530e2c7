"""The command screen: every open case in one answer, then what changes, as it happens."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

import gridmap
from api.access import Viewer, record
from api.case_models import InternalScreen, UrgentCase
from api.dependencies import TheBook
from api.routes.cases import CASE_PROBLEMS
from gridmap.incidents.model import Case
from gridmap.later import later

if TYPE_CHECKING:
    from gridmap.casebook import changes as log
else:
    log = later("gridmap.casebook.changes")

router = APIRouter(prefix="/internal", tags=["internal cases"], responses={**CASE_PROBLEMS})

_COLUMNS = ["case_id", "lon", "lat", "category", "stage", "due", "grid_code"]
#: Seconds between two looks into the casebook, and between two signs of life.
_TICK, _BEAT = 1.0, 15.0
#: Milliseconds since 1970, from 1973 to 2109.
Moment = Annotated[int | None, Query(ge=10**11, le=2**42, description="Version of a screen.")]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "Events opened, stepped, breached; reset where there are too many.",
    }
}


@router.get("/screen", response_class=JSONResponse, responses={200: {"model": InternalScreen}})
def get_screen(
    caller: Viewer,
    request: Request,
    book: TheBook,
    urgent: Annotated[int, Query(ge=0, le=200, description="How many to name.")] = 20,
) -> Response:
    """Return what a command screen shows now; follow it with GET /internal/cases/stream."""
    record(request, caller, "screen")
    screen = book.screen(datetime.now(UTC), caller.districts, most=urgent)
    body = orjson.dumps(_tell_screen(screen, book.soon))
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/cases/stream", response_class=Response, responses=_STREAM)
def follow_cases(
    caller: Viewer,
    request: Request,
    book: TheBook,
    since: Moment = None,
    last: Annotated[
        int | None, Header(alias="Last-Event-ID", ge=10**11, le=2**42, description="To resume.")
    ] = None,
) -> Response:
    """Follow cases as server-sent events: ``opened``, ``stepped``, ``breached``.

    Data are ``case_id``, ``version``, ``action``, ``standing`` and ``row``, the case as it stands
    now in the columns of the screen. A client that comes back with the last id misses nothing; it
    may be told something again, with the same case and version. ``reset``: ask for the screen anew.
    """
    record(request, caller, "follow-cases")
    begin = last or since
    start = _read_moment(begin) if begin else datetime.now(UTC)
    end = time.monotonic() + request.app.state.stream_seconds
    events = _follow(_Follower(book, caller.districts, start), end)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@dataclass
class _Follower:
    """Where somebody who follows the casebook stands."""

    book: gridmap.Casebook
    areas: tuple[str, ...]
    cursor: datetime
    seen: dict[tuple[str, int, int], datetime] = field(default_factory=dict)

    def look(self) -> list[bytes] | None:
        """Return the events since the last look; None where there are too many to tell."""
        now = datetime.now(UTC)
        changes = self.book.changes(self.cursor - log.OVERLAP, now, self.areas)
        fresh = [change for change in changes if _name(change) not in self.seen]
        too_many = len(changes) > log.MOST
        before, self.cursor = self.cursor, max(self.cursor, now)
        self.seen |= {_name(change): change.at for change in fresh}
        limit = self.cursor - 2 * log.OVERLAP
        self.seen = {name: at for name, at in self.seen.items() if at >= limit}
        return None if too_many else [_write(change, before) for change in fresh]


async def _follow(follower: _Follower, end: float) -> AsyncIterator[bytes]:
    """Give events until the end; a client resumes then, and its key is looked at again."""
    yield b"retry: 1000\n\n"
    beat = time.monotonic()
    while True:
        events = await run_in_threadpool(follower.look)
        if events is None:
            yield _frame("reset", follower.cursor, {})
        for event in events or ():
            yield event
        now = time.monotonic()
        if now - beat >= _BEAT:
            beat = now
            yield f": beat\nid: {log.to_milliseconds(follower.cursor)}\n\n".encode()
        if now + _TICK > end:
            return
        await asyncio.sleep(_TICK)


def _name(change: log.Change) -> tuple[str, int, int]:
    return change.kind, change.case_id, change.version


def _write(change: log.Change, before: datetime) -> bytes:
    told = {
        "case_id": change.case_id,
        "version": change.version,
        "action": change.action,
        "standing": change.standing,
        "row": change.row,
    }
    return _frame(change.kind, max(change.at, before), told)


def _frame(event: str, at: datetime, told: dict[str, Any]) -> bytes:
    data = orjson.dumps(told)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (log.to_milliseconds(at), event.encode(), data)


def _read_moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def _tell_screen(screen: log.Screen, soon: float) -> dict[str, Any]:
    at = log.to_milliseconds(screen.at)
    return {
        "version": at,
        "now": at,
        "soon": soon,
        "opened": screen.opened,
        "closed": screen.closed,
        "totals": _tell_totals(screen),
        "urgent": [_tell_urgent(case) for case in screen.urgent if case.next_due],
        "columns": _COLUMNS,
        "cases": screen.rows,
    }


def _tell_totals(screen: log.Screen) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (category, stage, clock), count in screen.totals.items():
        counts[category, stage][clock] = count
    none = dict.fromkeys(("overdue", "soon", "fine", "paused"), 0)
    return [
        {"category": category, "stage": stage, **none, **clocks}
        for (category, stage), clocks in counts.items()
    ]


def _tell_urgent(case: Case) -> dict[str, Any]:
    told: dict[str, Any] = {"duty": case.next_duty, "due": case.next_due}
    names = [name for name in UrgentCase.model_fields if name not in told]
    return UrgentCase(**{name: getattr(case, name) for name in names}, **told).model_dump()
