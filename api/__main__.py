"""Serve the plans of a folder: ``python -m api STORE_FOLDER``."""

# ruff: noqa: E402

import gc

gc.disable()  # a quarter of a start is looking for garbage in what stays; `api.ahead` turns it on

import os
import sys

import uvicorn

from api.direct import DirectProtocol
from api.settings import read_settings, write_environment

#: Connections of a process, for each request that it answers at a time; most of them only wait.
_CONNECTIONS = 4


def main() -> None:
    """Serve until stopped; what runs then is answered first.

    There is no access log: addresses hold the places that citizens asked about.
    """
    settings = read_settings(sys.argv[1:])
    os.environ.update(write_environment(settings))
    uvicorn.run(
        "api.app:create_app_from_environment",
        factory=True,
        http=DirectProtocol,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the application believes only the proxies that it was told of
        limit_concurrency=settings.most_requests * _CONNECTIONS,
        timeout_graceful_shutdown=round(settings.seconds),
    )


if __name__ == "__main__":
    main()
