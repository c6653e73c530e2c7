"""The way round FastAPI for batches of points, as almost everybody sends them.

For 10,000 points in Arrow the route's parameters cost as much as finding their grids. A batch of
today's plan without parameters is answered here, or refused as the route would, for reading it
again would tell nothing more. What else there may be, the route gets as it came.
"""

from collections.abc import Awaitable, Callable
from datetime import date

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import PUBLIC
from api.answers import answer_batch
from api.problems import ProblemError
from api.shelf import Shelf
from gridmap.batches import JSON, MEDIA_TYPES
from gridmap.errors import DatumError

#: Bytes that one place never has: JSON that is longer is a batch.
_LONG = 4_096
#: Batches that are answered at a time. With more, each takes longer, and none is done sooner.
_AT_ONCE = 2


class BatchWay:
    """ASGI middleware: answers a usual batch of points, and lets the routes do everything else.

    Parameters
    ----------
    app : ASGI application
        What answers everything else.
    shelf : Shelf
        The plans.
    today : callable
        The current day.
    tell : callable
        Tells a client what is wrong with his batch, as it is told for the route.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        shelf: Shelf,
        today: Callable[[], date],
        tell: Callable[[Request, Exception], Awaitable[Response]],
    ) -> None:
        self._app, self._shelf, self._today, self._tell = app, shelf, today, tell
        self._limit: CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        kind = _find_kind(scope)
        if kind is None:
            await self._app(scope, receive, send)
            return
        messages = await _receive_all(receive)
        try:
            answer = await self._answer(scope, kind, messages)
        except (ProblemError, DatumError) as error:
            problem = await self._tell(Request(scope), error)
            await problem(scope, receive, send)
            return
        if answer is None:
            await self._app(scope, _repeat(messages, receive), send)
            return
        await respond(answer, kind)(scope, receive, send)

    async def _answer(self, scope: Scope, kind: str, messages: list[Message]) -> bytes | None:
        """Return the answers to a batch; None where the route must look at it.

        Raises
        ------
        ProblemError, DatumError
            If something is wrong with it; see `api.answers.answer_batch`.
        """
        in_force = self._shelf.peek(self._today())
        if in_force is None or messages[-1]["type"] != "http.request":
            return None
        body = b"".join([message.get("body", b"") for message in messages])
        if may_be_one(body, kind):
            return None
        caller = scope.get("gridmap.caller", PUBLIC)
        if self._limit is None:
            self._limit = CapacityLimiter(_AT_ONCE)
        return await to_thread.run_sync(
            answer_batch, in_force, body, kind, None, caller, limiter=self._limit
        )


def name_kind(content_type: str) -> str:
    """Return the media type that a header names, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def may_be_one(body: bytes, kind: str) -> bool:
    """Tell whether a body of a media type is so short that it may be one place, and no batch."""
    return kind == JSON and len(body.strip()) <= _LONG


def respond(answers: bytes, kind: str) -> Response:
    """Make the response with the answers to a batch; nobody keeps it."""
    return Response(answers, media_type=kind, headers={"Cache-Control": "no-store"})


def _find_kind(scope: Scope) -> str | None:
    """Return the media type of a batch; None where a request is another, or may be."""
    if scope["type"] != "http" or scope["path"] != "/locate" or scope["method"] != "POST":
        return None
    headers = dict(scope["headers"])
    kind = name_kind(headers.get(b"content-type", b"").decode("latin-1"))
    if scope["query_string"] or kind not in MEDIA_TYPES:
        return None
    return kind if kind != JSON or int(headers.get(b"content-length", b"0")) > _LONG else None


async def _receive_all(receive: Receive) -> list[Message]:
    """Return the messages of a body, or of what there is of one whose client went away."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


def _repeat(messages: list[Message], receive: Receive) -> Receive:
    """Return a way to receive what was received, and then what comes."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return receive_again
