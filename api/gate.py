"""The gate: finds out who asks before any route runs."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import PUBLIC, Caller, admit
from api.problems import problem_response
from gridmap.keys import KeyStore

_BEARER = "bearer "


class Gate:
    """ASGI middleware: puts the `Caller` into the scope, and refuses keys that open nothing.

    Parameters
    ----------
    app : ASGI application
        What is behind it.
    keys : KeyStore
        The keys that are good.
    """

    def __init__(self, app: ASGIApp, keys: KeyStore) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or refuse its key."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        text = find_key(scope)
        caller = PUBLIC if text is None else self._admit(text)
        if caller is None:
            detail = "The key is wrong, over or revoked; ask who made it, or leave it out."
            await problem_response(401, "bad-key", detail)(scope, receive, send)
            return
        scope["gridmap.caller"] = caller
        await self._app(scope, receive, send)

    def _admit(self, text: str) -> Caller | None:
        key = self._keys.check(text)
        return None if key is None else admit(key)


def find_key(scope: Scope) -> str | None:
    """Return the key that a request carries; another kind of authorisation is no key."""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return str(value.decode("latin-1").strip())
        if name == b"authorization":
            words = value.decode("latin-1")
            if words[:7].lower() == _BEARER:
                return str(words[7:].strip())
    return None
