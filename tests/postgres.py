"""A PostgreSQL server of the tests' own, in a folder that goes away, on a free port."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

#: What a test server need not do: it is gone when the tests are.
_FAST = "-c fsync=off -c full_page_writes=off -c max_wal_size=2GB"


def find_binaries() -> Path | None:
    """Return the newest server's programs, from PATH or where Debian and Fedora put them."""
    initdb = shutil.which("initdb")
    if initdb:
        return Path(initdb).resolve().parent
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    found = [folder for folder in folders if (folder / "initdb").exists()]
    return max(found, key=lambda folder: folder.parent.name.zfill(9), default=None)


@contextmanager
def run_server(options: str = _FAST) -> Iterator[str]:
    """Run a server; give the URL of its database, which may create others."""
    binaries = find_binaries()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no PostgreSQL server: install the package postgresql")
        pytest.skip("no PostgreSQL server on this machine (package postgresql)")
    folder, port = Path(mkdtemp(prefix="gridmap-pg-")), _free_port()
    try:
        _run(folder, [binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "gridmap"])
        serve = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 {options}"
        control = [binaries / "pg_ctl", "-D", folder / "data", "-w"]
        _run(folder, [*control, "-l", folder / "log", "-o", serve, "start"])
        try:
            yield f"postgresql://gridmap@127.0.0.1:{port}/postgres"
        finally:
            _run(folder, [*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_database(server: str, name: str, template: str = "template0") -> str:
    """Make a database on a server, and return its URL."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" ENCODING UTF8')
    return server.rsplit("/", 1)[0] + f"/{name}"


def drop_database(url: str) -> None:
    """Drop a database, whoever is connected to it."""
    server, name = url.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(folder: Path, command: list[str | Path]) -> None:
    """Run a program of the server, as somebody else where we are root: it refuses root."""
    user = _somebody() if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user.pw_uid, user.pw_gid)
    subprocess.run(
        [str(word) for word in command],
        check=True,
        cwd=folder,
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


def _somebody() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("no account beside root that could run PostgreSQL")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
