"""Who takes compressed answers: as RFC 9110 weighs it, not by whether the word occurs."""

from collections.abc import Mapping
from functools import lru_cache

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

_NAME = b"accept-encoding"


class ZipWay(GZipMiddleware):
    """ASGI middleware: compresses for who takes gzip, and tells all below in one word who does."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            headers = [header for header in scope["headers"] if header[0] != _NAME]
            if takes_gzip(dict(scope["headers"])):
                headers.append((_NAME, b"gzip"))
            scope = {**scope, "headers": headers}
        await super().__call__(scope, receive, send)


def takes_gzip(headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether a client takes gzip, by its headers in lower case.

    Examples
    --------
    >>> takes_gzip({b"accept-encoding": b"br, gzip;q=0.5"}), takes_gzip({b"accept-encoding": b"*"})
    (True, True)
    >>> takes_gzip({b"accept-encoding": b"gzip;q=0, *"}), takes_gzip({})
    (False, False)
    """
    told = headers.get(_NAME)
    return told is not None and _takes_gzip(told)


@lru_cache(256)
def _takes_gzip(told: bytes) -> bool:
    weights = {}
    for one in told.lower().split(b","):
        coding, _, rest = one.partition(b";")
        weights[coding.strip()] = _read_weight(rest.strip())
    return weights.get(b"gzip", weights.get(b"*", 0.0)) > 0


def _read_weight(text: bytes) -> float:
    """Return the weight of a coding: 1 without one, 0 where it is none."""
    if not text:
        return 1.0
    try:
        return float(text.partition(b"=")[2])
    except ValueError:
        return 0.0
