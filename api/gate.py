"""The gate: who asks, how often, and with how long a body; before any route runs."""

import time
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import PUBLIC, Role
from api.door import Door, Refusal, tell_haste
from api.limits import Buckets, name_address
from api.settings import Settings

#: A place is 100 bytes; nobody has a reason to send more than this, but to the paths below.
MOST_BYTES = 16_384
#: Longest body by beginning of the path; a router that takes more is named here.
BODY_LIMITS: dict[str, int] = {"/locate": 4_000_000, "/cases/": 12_000_000}  # photos
#: The same of whoever has a key: a million points, with some columns beside them.
KEY_BODY_LIMITS: dict[str, int] = {"/locate": 64_000_000}
#: Bytes of bodies above the public's limits that a process holds at a time: what answers them takes
#: ten times the room.
MOST_HELD = 64_000_000
#: Bytes of a refused body that are read, so that its client comes to read the answer.
_MOST_READ_OFF = 256_000_000
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
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        host = scope["client"][0] if scope["client"] else ""
        key = _find_key(headers)
        if key is None:
            scope["gridmap.caller"] = PUBLIC
            wait = self._public.take(name_address(host), time.monotonic())
            refusal = tell_haste(wait) if wait else None
        else:
            refusal = await self._admit(scope, key, name_address(host))
        held = 0
        if b"content-length" in headers or b"transfer-encoding" in headers:
            if refusal is None:
                found = self._weigh(scope, headers)
                refusal, held = (found, 0) if isinstance(found, Refusal) else (None, found)
            if refusal is not None:
                await _read_off(receive, headers)
        if refusal is not None:
            await refusal.respond()(scope, receive, send)
            return
        self._held += held
        try:
            await self._app(scope, receive, send)
        finally:
            self._held -= held

    async def _admit(self, scope: Scope, text: str, address: str) -> Refusal | None:
        """Find out who holds a key, and put that into the scope; or say why not."""
        found = self._door.admit(text, address)
        if isinstance(found, Refusal):
            if found.locks:
                await run_in_threadpool(self._door.on_lock, *found.locks)
            return found
        scope["gridmap.caller"] = found
        return None

    def _weigh(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Refusal | int:
        """Return how much of a body counts as held; refuse one too long or without a length."""
        path = scope["path"]
        usual = most = _find_limit(self._limits, path, MOST_BYTES)
        if scope["gridmap.caller"].role >= Role.VIEWER:
            most = max(usual, _find_limit(self._key_limits, path, 0))
        told = headers.get(b"content-length", b"")
        length = int(told) if len(told) < 16 and told.isdigit() else most + 1
        if length > most or b"transfer-encoding" in headers:
            detail = f"Send a body of at most {most} bytes, and its length."
            return Refusal(413, "too-long", detail)
        if length <= usual:
            return 0
        if self._held and self._held + length > MOST_HELD:
            detail = "Bodies as long as this are answered one by one; try again in a moment."
            return Refusal(503, "busy", detail, 1)
        return length


def _sort_limits(limits: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return limits by the beginning of a path, the longest first."""
    return sorted(limits.items(), key=lambda limit: -len(limit[0]))


def _find_limit(limits: list[tuple[str, int]], path: str, otherwise: int) -> int:
    return next((most for start, most in limits if path.startswith(start)), otherwise)


async def _read_off(receive: Receive, headers: Mapping[bytes, bytes]) -> None:
    """Read the body of a refused request: most clients send all of it before they read an answer.

    One that waits to be told to go on (``Expect``) is answered at once.
    """
    more, count = b"expect" not in headers, 0
    while more and count < _MOST_READ_OFF:
        message = await receive()
        count += len(message.get("body", b""))
        more = message.get("more_body", False)


def _find_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the key that a request carries; another kind of authorisation is no key."""
    if b"x-api-key" in headers:
        return headers[b"x-api-key"].decode("latin-1").strip()
    if b"authorization" in headers:
        words = headers[b"authorization"]
        if words[:7].lower() == _BEARER:
            return words[7:].decode("latin-1").strip()
    return None
