"""What every answer carries, and how long it may take."""

import asyncio
import logging

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.open311 import put_in_form
from api.problems import problem_response
from api.settings import Settings

_EMBED = "/embed"
_log = logging.getLogger("gridmap.api")
#: A large answer to a slow reader may take longer, once it has begun.
_TIMES_LONGER = 20


def security_headers(ancestors: tuple[str, ...] = ("'self'",)) -> dict[str, str]:
    """Return what every answer carries.

    Only our own files: no script, style, picture or data from anywhere else, and nothing inline.

    Parameters
    ----------
    ancestors : tuple of str
        Who may show the answer in a frame.
    """
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        f"frame-ancestors {' '.join(ancestors)}",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


class Guard:
    """ASGI middleware: headers on every answer, HEAD wherever there is GET, an end to waiting.

    Parameters
    ----------
    app : ASGI application
        What it guards.
    settings : Settings
        Its limits, and who may embed.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._most, self._seconds = settings.most_requests, settings.seconds
        self._own = _encode(security_headers())
        self._embedded = _encode(security_headers(settings.embed_ancestors))
        self._running: dict[_Answer, None] = {}
        self._watched: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = self._embedded if scope["path"].startswith(_EMBED) else self._own
        answer = _Answer(scope, receive, send, headers)
        if len(self._running) >= self._most:
            await put_in_form(scope, _refuse_busy())(scope, receive, answer.send)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        elif scope["method"] != "GET":
            answer.received, receive = False, answer.receive
        self._watch(answer)
        try:
            await self._app(scope, receive, answer.send)
        except asyncio.CancelledError:
            if answer.late is None:
                raise
            answer.task.uncancel()
        finally:
            del self._running[answer]
        if answer.late is not None:
            await answer.late

    def _watch(self, answer: "_Answer") -> None:
        """Have an answer looked after, with all others at once: that costs next to nothing."""
        loop = asyncio.get_running_loop()
        answer.due = loop.time() + self._seconds
        self._running[answer] = None
        if self._watched is not loop:
            self._watched = loop
            self._look_later(loop)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(min(1.0, self._seconds / 10), self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is over time; an answer that has begun gets longer, for slow readers."""
        now = loop.time()
        for answer in list(self._running):
            if answer.due <= now and answer.late is None:
                if answer.begun and not answer.extended:
                    answer.due, answer.extended = now + self._seconds * _TIMES_LONGER, True
                else:
                    answer.end()
        if self._running:
            self._look_later(loop)
        else:
            self._watched = None


class _Answer:
    """One answer on its way out."""

    __slots__ = (
        *("_headers", "_receive", "_scope", "_send"),
        *("begun", "due", "extended", "late", "received", "task"),
    )

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, headers: list[tuple[bytes, bytes]]
    ) -> None:
        self._scope, self._receive, self._send, self._headers = scope, receive, send, headers
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.due, self.begun, self.extended, self.received = 0.0, False, False, True
        self.late: asyncio.Task[None] | None = None

    def end(self) -> None:
        """Answer in place of the application, and end it; its thread, if any, runs out."""
        self.late = asyncio.get_running_loop().create_task(self._tell_late())
        self.task.cancel()

    async def _tell_late(self) -> None:
        """Say that it took too long; an answer that had begun just breaks off."""
        if self.begun:
            return
        if self.received:
            # Not the whole path: a place may be in it.
            _log.error("/%s took too long", self._scope["path"].split("/")[1])
            detail = "This took too long; ask for less."
            refusal: Response = problem_response(503, "timed-out", detail)
        else:
            refusal = problem_response(408, "too-slow", "The body did not come in time.")
        instead = _Answer(self._scope, self._receive, self._send, self._headers)
        refusal = put_in_form(self._scope, refusal)
        await refusal(self._scope, self._receive, instead.send)

    async def receive(self) -> Message:
        """Receive from the client, and notice the end of the body."""
        message = await self._receive()
        if not message.get("more_body"):
            self.received = True
        return message

    async def send(self, message: Message) -> None:
        """Send to the client, unless it was told already that this took too long."""
        if self.late is not None:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            headers = list(message["headers"])
            present = {name for name, _ in headers}
            headers += [header for header in self._headers if header[0] not in present]
            message["headers"] = _vary_once(headers) if b"vary" in present else headers
        elif self._scope["method"] == "HEAD":
            message["body"] = b""
        await self._send(message)


def _refuse_busy() -> Response:
    detail = "More requests than the service answers at a time; try again in a moment."
    return problem_response(503, "busy", detail, wait=1)


def _vary_once(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Name each header that an answer depends on once: several layers say so of the same."""
    told = [
        value.strip() for name, values in headers if name == b"vary" for value in values.split(b",")
    ]
    others = [header for header in headers if header[0] != b"vary"]
    return [*others, (b"vary", b", ".join(dict.fromkeys(told)))]


def _encode(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
