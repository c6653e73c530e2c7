"""The gate: who asks, how often, and with how long a body; before any route runs."""

import time
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import PUBLIC
from api.door import Door, Refusal, tell_haste
from api.limits import Buckets, name_address
from api.settings import Settings

#: A place is 100 bytes; nobody has a reason to send more than this, but to the paths below.
MOST_BYTES = 16_384
#: Longest body by beginning of the path; a router that takes more is named here.
BODY_LIMITS: dict[str, int] = {"/locate": 4_000_000, "/cases/": 12_000_000}  # photos
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
        limits = {**BODY_LIMITS, **settings.body_limits}
        self._limits = sorted(limits.items(), key=lambda limit: -len(limit[0]))

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
        if refusal is None and (b"content-length" in headers or b"transfer-encoding" in headers):
            refusal = self._refuse_long(scope["path"], headers)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal.respond()(scope, receive, send)

    async def _admit(self, scope: Scope, text: str, address: str) -> Refusal | None:
        """Find out who holds a key, and put that into the scope; or say why not."""
        found = self._door.admit(text, address)
        if isinstance(found, Refusal):
            if found.locks:
                await run_in_threadpool(self._door.on_lock, *found.locks)
            return found
        scope["gridmap.caller"] = found
        return None

    def _refuse_long(self, path: str, headers: Mapping[bytes, bytes]) -> Refusal | None:
        """Refuse a body that is too long, or does not say how long it is."""
        most = next((most for start, most in self._limits if path.startswith(start)), MOST_BYTES)
        length = headers.get(b"content-length", b"")
        fits = len(length) < 16 and length.isdigit() and int(length) <= most
        if fits and b"transfer-encoding" not in headers:
            return None
        detail = f"Send a body of at most {most} bytes, and its length."
        return Refusal(413, "too-long", detail)


def _find_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the key that a request carries; another kind of authorisation is no key."""
    if b"x-api-key" in headers:
        return headers[b"x-api-key"].decode("latin-1").strip()
    if b"authorization" in headers:
        words = headers[b"authorization"]
        if words[:7].lower() == _BEARER:
            return words[7:].decode("latin-1").strip()
    return None
