"""The shortest way to an answer: the server's own protocol gives it as soon as it has the headers.

Through ASGI a request costs a task, a scope and messages, more than finding the grid and writing
the answer. What `api.express` can answer needs none of them, for it never waits. What holds for
every request holds here: the same limits, the same headers, no log of addresses. Whatever is
unusual (a key, a body, another method, a client that is slow to read or has not got its last
answer) takes the way through ASGI, and is answered there in its turn.
"""

import logging
import time
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.express import PATHS, Answer, Asked, Express, Pairs
from api.guard import security_headers
from api.limits import Buckets, name_address
from api.settings import Settings
from api.zipping import takes_gzip

#: Headers that say who asks, or that there is a body.
_UNUSUAL = frozenset(
    (b"authorization", b"x-api-key", b"content-length", b"transfer-encoding", b"expect")
)
_ORIGIN = (b"origin",)
_FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto")
_STARTS = tuple(path.encode() for path in PATHS)
#: Requests that a client may send ahead and have answered at once; then others have their turn.
_AT_ONCE = 16
#: Status, and all that comes after the server's own headers.
Written = tuple[int, bytes]
_log = logging.getLogger("gridmap.api")


class Direct:
    """What may be answered without ASGI, and how it is written.

    Parameters
    ----------
    express : Express
        What gives the answers.
    public : Buckets
        How often an address may ask; the same that the gate counts in.
    settings : Settings
        How the service is run.
    """

    def __init__(self, express: Express, public: Buckets, settings: Settings) -> None:
        self._express, self._public = express, public
        self._unusual = _UNUSUAL.union(
            _ORIGIN if settings.allowed_origins else (),
            _FORWARDED if settings.trusted_proxies else (),
        )
        own = security_headers().items()
        self._own = _write((name.lower().encode(), value.encode()) for name, value in own)

    def answer(self, url: bytes, headers: Pairs, host: str, scheme: str) -> Written | None:
        """Return the answer to a GET request; None where it has to go through ASGI.

        Parameters
        ----------
        url : bytes
            As it was sent.
        headers : list of pairs of bytes
            As they were sent, the names in lower case.
        host, scheme : str
            Address of the client, and how it came.
        """
        if not url.startswith(_STARTS):
            return None
        asked, address, now = dict(headers), name_address(host), time.monotonic()
        if not self._unusual.isdisjoint(asked) or self._public.wait(address, now):
            return None
        path, _, query = url.partition(b"?")
        if path.startswith(b"/collections/") and takes_gzip(asked):
            return None  # compressed by the layer that does it for all
        answer = self._express.answer(Asked(path.decode("latin-1"), query, asked, scheme, ""))
        if answer is not None:
            self._public.take(address, now)
        return None if answer is None else self._write(answer)

    def _write(self, answer: Answer) -> Written:
        status, headers, body = answer
        length = b"content-length: %d\r\n" % len(body) if body else b""
        return status, b"%b%b%b\r\n%b" % (_write(headers), self._own, length, body)


class DirectProtocol(HttpToolsProtocol):
    """Uvicorn's protocol on httptools, which asks the application's `Direct` first."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        state = getattr(self.app, "state", None)  # another application may be around ours
        self._direct: Direct | None = getattr(state, "direct", None)
        self._answered = 0

    def data_received(self, data: bytes) -> None:
        """Read what came; requests may be ahead of their answers."""
        self._answered = 0
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Answer now, or have it done as usual."""
        told = self._ask() if self._may_answer() else None
        if told is None:
            super().on_headers_complete()
            return
        status, rest = told
        self._answered += 1
        self.transport.write(STATUS_LINE[status] + _write(self.server_state.default_headers) + rest)
        self.on_response_complete()

    def on_message_complete(self) -> None:
        """End a request; one that was answered has nothing to be told."""
        if self.cycle is not None:
            super().on_message_complete()

    def _may_answer(self) -> bool:
        """Tell whether a request is the next in turn, and leaves the connection as it is."""
        parser, limit = self.parser, self.limit_concurrency
        return (
            self._direct is not None
            and (self.cycle is None or self.cycle.response_complete)
            and self._answered < _AT_ONCE
            and not self.flow.write_paused
            and parser.get_method() == b"GET"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and not self.root_path
            and (limit is None or max(len(self.connections), len(self.tasks)) < limit)
        )

    def _ask(self) -> Written | None:
        assert self._direct is not None
        host, scheme = self.client[0] if self.client else "", self.scheme or "http"
        try:
            return self._direct.answer(self.url, self.headers, host, scheme)
        except Exception:  # noqa: BLE001  # a fault: the way through ASGI meets it too, and tells the client
            _log.exception("the direct way failed")
            return None


def _write(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
