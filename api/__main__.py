"""Serve the plans of a folder: ``python -m api STORE_FOLDER``."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from api.app import create_app

#: Requests at a time; more are told to come back (503).
_MOST_REQUESTS = 500


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; what it does not say is taken from the environment."""
    parser = argparse.ArgumentParser("python -m api", description=__doc__)
    folder = os.environ.get("GRIDMAP_STORE")
    parser.add_argument(
        "store_folder", nargs="?", default=folder, help="folder of plans (or GRIDMAP_STORE)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port (%(default)s)")
    parser.add_argument(
        "--attribution",
        default=os.environ.get("GRIDMAP_ATTRIBUTION", ""),
        help="whom the data is from, shown on the map (or GRIDMAP_ATTRIBUTION)",
    )
    parser.add_argument(
        "--approval",
        default=os.environ.get("GRIDMAP_APPROVAL", ""),
        help="approval number of the map, 审图号 (or GRIDMAP_APPROVAL)",
    )
    options = parser.parse_args(arguments)
    if not options.store_folder:
        parser.error("name the folder of plans, or set GRIDMAP_STORE")
    if not Path(options.store_folder).is_dir():
        parser.error(f"there is no folder {options.store_folder}; keep a plan in it first")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped.

    There is no access log: addresses hold the places that citizens asked about.
    """
    options = parse_arguments(arguments)
    app = create_app(
        options.store_folder,
        attribution=options.attribution,
        approval=options.approval,
    )
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_REQUESTS,
    )


if __name__ == "__main__":
    main()
