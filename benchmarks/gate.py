"""CPU microseconds that guard and gate add to a request: ``python benchmarks/gate.py --json FILE``.

The peer is an application that answers at once; what is told is the difference, the best of several
rounds, and beside it that of Starlette's own way of middleware (`BaseHTTPMiddleware`).
"""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from report import Bar, make_bar, make_parser, report  # the script beside this one
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import ASGIApp

from api.door import Door
from api.gate import Gate
from api.guard import Guard
from api.limits import Buckets
from api.settings import Settings
from gridmap.keys import KeyStore

ROUNDS, REQUESTS, GOAL = 7, 20_000, 5.0
HEADERS = [(b"host", b"x"), (b"user-agent", b"wrk"), (b"accept", b"*/*"), (b"x-a", b"b")]


async def answer(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer at once."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


async def time_requests(app: ASGIApp, requests: int, *more: tuple[bytes, bytes]) -> float:
    """Return CPU microseconds of a request, the best of several rounds."""

    async def send(_message: Any) -> None:
        pass

    async def receive() -> Any:
        return {"type": "http.request"}

    client = {"type": "http", "method": "GET", "path": "/locate", "client": ("10.0.0.1", 1)}
    times = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for _ in range(requests):
            await app({**client, "headers": [*HEADERS, *more]}, receive, send)
        times.append((time.process_time() - begun) / requests * 1e6)
    return min(times)


async def measure(folder: Path) -> list[Bar]:
    """Time both kinds of middleware around the same application."""
    keys, settings = KeyStore(folder), Settings(store=folder, rate=1e9, burst=10**9, key_rate=0)
    key = keys.add("benchmark", "viewer", by="benchmark").encode()
    public = Buckets(settings.rate, settings.burst)
    gate = Gate(answer, door=Door(keys, settings, print), settings=settings, public=public)

    async def pass_on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    bare = await time_requests(answer, REQUESTS)
    ours = await time_requests(Guard(gate, settings), REQUESTS) - bare
    keyed = await time_requests(gate, REQUESTS // 10, (b"x-api-key", key)) - bare
    peer = await time_requests(BaseHTTPMiddleware(answer, pass_on), REQUESTS // 20) - bare
    keys.close()
    print(
        f"guard and gate add {ours:.1f} µs, BaseHTTPMiddleware alone {peer:.0f}; a key {keyed:.0f}"
    )
    bar = "µs of CPU that guard and gate add to a request"
    return [make_bar(bar, ours, peer, f"< {GOAL:g}", ours < GOAL)]


def main() -> None:
    """Print the figures, and write them where a file is named."""
    parser = make_parser(__doc__)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        rows = asyncio.run(measure(Path(folder)))
    report(rows, options.json, peer="middleware")


if __name__ == "__main__":
    main()
