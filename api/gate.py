"""The gate: who asks, how often, and with how long a body; before any route runs."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import PUBLIC, Role
from api.door import Door, Refusal, tell_haste
from api.limits import Buckets, name_client
from api.open311 import put_in_form
from api.settings import Settings

#: A place is 100 bytes; nobody has a reason to send more than this, but to the paths below.
MOST_BYTES = 16_384
#: Longest body by beginning of the path; a router that takes more is named here.
BODY_LIMITS: dict[str, int] = {"/locate": 4_000_000, "/cases/": 12_000_000}  # photos
#: The same of whoever has a key, but a worker's: a million points, with some columns beside them.
KEY_BODY_LIMITS: dict[str, int] = {"/locate": 64_000_000}
#: Bytes of bodies above the public's limits that a process answers at a time: what answers them
#: takes ten times the room. A key may be sending as much at a time; `Guard` ends who is too slow.
MOST_HELD = 64_000_000
#: A refused body is read up to so many times its limit, so that its client reads the answer then.
_READ_OFF = 2
_BEARER = b"bearer "


class Gate:
    """ASGI middleware: puts the `Caller` into the scope; refuses bad keys, haste and long bodies.

    Parameters
    ----------
    app : ASGI application
        What is behind it.
    door : Door
        Knows the keys.
    settings : Settings
        How long a body may be.
    public : Buckets
        How often an address may ask without a key.
    """

    def __init__(self, app: ASGIApp, *, door: Door, settings: Settings, public: Buckets) -> None:
        self._app, self._door, self._public = app, door, public
        self._limits = _sort_limits({**BODY_LIMITS, **settings.body_limits})
        self._key_limits = _sort_limits({**KEY_BODY_LIMITS, **settings.key_body_limits})
        #: Bytes of long bodies: those on their way by key, and those that are whole.
        self._coming: Counter[str] = Counter()
        self._held = 0
        self._freed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        refusal = await self._find_caller(scope, headers)
        has_body = b"content-length" in headers or b"transfer-encoding" in headers
        if refusal is not None:
            # Nobody reads what follows: the client is to send it over another connection.
            await _refuse(scope, receive, send, refusal, closes=has_body)
        elif has_body:
            await self._answer_body(scope, headers, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _find_caller(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Refusal | None:
        """Put into the scope who asks; or say why he is not answered."""
        address, key = name_client(scope), _find_key(headers)
        if key is not None:
            return await self._admit(scope, key, address)
        scope["gridmap.caller"] = PUBLIC
        wait = self._public.take(address, time.monotonic())
        return tell_haste(wait) if wait else None

    async def _admit(self, scope: Scope, text: str, address: str) -> Refusal | None:
        """Find out who holds a key, and put that into the scope; or say why not."""
        found = self._door.admit(text, address)
        if isinstance(found, Refusal):
            if found.locks:
                await run_in_threadpool(self._door.on_lock, *found.locks)
            return found
        scope["gridmap.caller"] = found
        return None

    async def _answer_body(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        """Answer a request that has a body, if it is not too long."""
        found = self._weigh(scope, headers)
        if isinstance(found, Refusal):
            is_whole = await _read_off(receive, headers, _READ_OFF * self._find_most(scope)[1])
            await _refuse(scope, receive, send, found, closes=not is_whole)
        elif found:
            await self._answer_long(scope, receive, send, found)
        else:
            await self._app(scope, receive, send)

    def _weigh(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Refusal | int:
        """Return how much of a body counts as held; refuse one too long or without a length."""
        usual, most = self._find_most(scope)
        told = headers.get(b"content-length", b"")
        length = int(told) if len(told) < 16 and told.isdigit() else most + 1
        if length > most or b"transfer-encoding" in headers:
            detail = f"Send a body of at most {most} bytes, and its length."
            return Refusal(413, "too-long", detail)
        if length <= usual:
            return 0
        coming = self._coming[scope["gridmap.caller"].key_id]
        if not (_fits(self._held, length) and _fits(coming, length)):
            detail = "Bodies as long as this are answered one by one; try again in a moment."
            return Refusal(503, "busy", detail, 1)
        return length

    def _find_most(self, scope: Scope) -> tuple[int, int]:
        """Return the bytes that anybody may send to a path, and those that the caller may."""
        path = scope["path"]
        usual = most = _find_limit(self._limits, path, MOST_BYTES)
        if scope["gridmap.caller"].role >= Role.VIEWER:
            most = max(usual, _find_limit(self._key_limits, path, 0))
        return usual, most

    async def _answer_long(self, scope: Scope, receive: Receive, send: Send, length: int) -> None:
        """Answer a long body: until it is whole it is in the way of nobody but its own key."""
        key, is_whole = scope["gridmap.caller"].key_id, False

        async def receive_in_turn() -> Message:
            """Pass on what comes; the end of the body when there is room to answer it."""
            nonlocal is_whole
            message = await receive()
            if not is_whole and not message.get("more_body", False):
                await self._take_turn(length)
                self._coming[key] -= length
                is_whole = True
            return message

        self._coming[key] += length
        try:
            await self._app(scope, receive_in_turn, send)
        finally:
            if is_whole:
                self._held -= length
                self._freed.set()
            else:
                self._coming[key] -= length

    async def _take_turn(self, length: int) -> None:
        while not _fits(self._held, length):
            self._freed.clear()
            await self._freed.wait()
        self._held += length


async def _refuse(
    scope: Scope, receive: Receive, send: Send, refusal: Refusal, *, closes: bool
) -> None:
    await put_in_form(scope, refusal.respond(closes=closes))(scope, receive, send)


def _sort_limits(limits: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return limits by the beginning of a path, the longest first."""
    return sorted(limits.items(), key=lambda limit: -len(limit[0]))


def _find_limit(limits: list[tuple[str, int]], path: str, otherwise: int) -> int:
    return next((most for start, most in limits if path.startswith(start)), otherwise)


def _fits(held: int, length: int) -> bool:
    """Tell whether there is room for a long body; one alone is let in whatever it is."""
    return not held or held + length <= MOST_HELD


async def _read_off(receive: Receive, headers: Mapping[bytes, bytes], most: int) -> bool:
    """Read a refused body, for most clients send all of it before they read an answer.

    Returns whether it came to its end. One that waits to be told to go on (``Expect``) or is longer
    than ``most`` bytes is answered at once.
    """
    told = headers.get(b"content-length", b"")
    if b"expect" in headers or len(told) > 15 or (told.isdigit() and int(told) > most):
        return False
    more, count = True, 0
    while more and count <= most:
        message = await receive()
        count += len(message.get("body", b""))
        more = message.get("more_body", False)
    return not more


def _find_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the key that a request carries; another kind of authorisation is no key."""
    if b"x-api-key" in headers:
        return headers[b"x-api-key"].decode("latin-1").strip()
    if b"authorization" in headers:
        words = headers[b"authorization"]
        if words[:7].lower() == _BEARER:
            return words[7:].decode("latin-1").strip()
    return None
