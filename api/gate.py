"""The gate: who asks, how often, and with how long a body; before any route runs."""

import hashlib
import logging
import math
import time
from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import PUBLIC, Caller, admit
from api.limits import Buckets, Lockout, name_address
from api.problems import problem_response
from api.settings import Settings
from gridmap.errors import StoreError
from gridmap.keys import KeyStore, read_key_id

#: A place is 100 bytes; nobody has a reason to send more than this, but to the paths below.
MOST_BYTES = 16_384
#: Longest body by beginning of the path; a router that takes more is named here.
BODY_LIMITS: dict[str, int] = {"/locate": 4_000_000, "/cases/": 12_000_000}  # photos
_log = logging.getLogger("gridmap.api")
_BEARER = b"bearer "
#: Pairs of address and key that are remembered as good.
_MOST_GOOD = 10_000


class Gate:
    """ASGI middleware: puts the `Caller` into the scope; refuses bad keys, haste and long bodies.

    Parameters
    ----------
    app : ASGI application
        What is behind it.
    keys : KeyStore
        The keys that are good.
    settings : Settings
        Its limits.
    public : Buckets
        How often an address may ask without a key.
    on_lock : callable
        Told the address and the key's id when somebody is locked out; it may wait for the disk.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: KeyStore,
        settings: Settings,
        public: Buckets,
        on_lock: Callable[[str, str], None],
    ) -> None:
        self._app, self._keys, self._on_lock = app, keys, on_lock
        self._public, self._keyed = public, Buckets(settings.key_rate, settings.key_burst)
        self._lockout = Lockout(settings.wrong_keys, settings.lock_seconds)
        self._good: dict[tuple[str, bytes], None] = {}
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
            refusal = _tell_haste(wait) if wait else None
        else:
            refusal = await self._admit(scope, key, name_address(host))
        if refusal is None and (b"content-length" in headers or b"transfer-encoding" in headers):
            refusal = self._refuse_long(scope["path"], headers)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    async def _admit(self, scope: Scope, text: str, address: str) -> Response | None:
        """Find out who holds a key, and put that into the scope; or say why not."""
        now, key_id = time.monotonic(), read_key_id(text) or ""
        known = (address, hashlib.sha256(text.encode()).digest())
        # Who guesses locks nobody out who has used the right key from there before.
        wait = 0.0 if known in self._good else self._wait(address, key_id, now)
        if wait:
            detail = "Too many wrong keys; try again later, or ask who made the key."
            return _refuse(429, "locked-out", detail, wait)
        try:
            caller = self._find_caller(text)
        except StoreError as error:
            _log.error("%s", error, exc_info=error)
            return problem_response(503, "store-unavailable", "The keys can't be read now.")
        if caller is None:
            self._good.pop(known, None)
            return await self._count_wrong(address, key_id, now)
        self._remember(known)
        scope["gridmap.caller"] = caller
        wait = self._keyed.take(caller.key_id, now)
        return _tell_haste(wait) if wait else None

    def _find_caller(self, text: str) -> Caller | None:
        key = self._keys.check(text)
        return None if key is None else admit(key)

    def _wait(self, address: str, key_id: str, now: float) -> float:
        wait = self._lockout.wait(address, now)
        return max(wait, self._lockout.wait("key " + key_id, now)) if key_id else wait

    async def _count_wrong(self, address: str, key_id: str, now: float) -> Response:
        locked = self._lockout.count_wrong(address, now)
        if key_id:
            locked |= self._lockout.count_wrong("key " + key_id, now)
        if locked:
            await run_in_threadpool(self._on_lock, address, key_id)
        detail = "The key is wrong, over or revoked; ask who made it, or leave it out."
        return problem_response(401, "bad-key", detail)

    def _remember(self, known: tuple[str, bytes]) -> None:
        if known not in self._good:
            self._good[known] = None
            if len(self._good) > _MOST_GOOD:
                del self._good[next(iter(self._good))]

    def _refuse_long(self, path: str, headers: Mapping[bytes, bytes]) -> Response | None:
        """Refuse a body that is too long, or does not say how long it is."""
        most = next((most for start, most in self._limits if path.startswith(start)), MOST_BYTES)
        length = headers.get(b"content-length", b"")
        fits = len(length) < 16 and length.isdigit() and int(length) <= most
        if fits and b"transfer-encoding" not in headers:
            return None
        detail = f"Send a body of at most {most} bytes, and its length."
        return problem_response(413, "too-long", detail)


def _find_key(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the key that a request carries; another kind of authorisation is no key."""
    if b"x-api-key" in headers:
        return headers[b"x-api-key"].decode("latin-1").strip()
    if b"authorization" in headers:
        words = headers[b"authorization"]
        if words[:7].lower() == _BEARER:
            return words[7:].decode("latin-1").strip()
    return None


def _tell_haste(wait: float) -> Response:
    detail = "More requests than are answered to one address or key; wait a moment."
    return _refuse(429, "too-many-requests", detail, wait)


def _refuse(status: int, code: str, detail: str, wait: float) -> Response:
    return problem_response(status, code, detail, headers={"Retry-After": str(math.ceil(wait))})
