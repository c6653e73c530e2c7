"""The command that serves: several processes, a graceful stop, and what must not be logged."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx

from gridmap.keys import KeyStore

ROOT = Path(__file__).parents[2]


@contextmanager
def serve(folder, *options):
    """Run the command on a free port; give its address and the process, and stop it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "api", str(folder), "--port", str(port), *options]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.terminate()
        try:
            server.communicate(timeout=20)
        except ValueError:  # a test has read all of it
            server.wait(timeout=20)


def ask_patiently(address, **options):
    """Ask until the server is up, for a minute at most."""
    for _ in range(300):
        try:
            return httpx.get(address, trust_env=False, **options)
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"{address} does not answer")


def test_places_are_not_logged(town):
    """A served request leaves no trace of its place in what the process writes."""
    with serve(town.folder) as (address, server):
        place = f"{address}/locate?lon=122.2345678&lat=40.6543211"
        for path in (place, place + "&datum=mars", place + "north"):
            assert ask_patiently(path).status_code in (200, 422)
        server.terminate()
        written, _ = server.communicate(timeout=20)
    assert "Uvicorn running" in written
    assert "122.2345678" not in written
    assert "40.6543211" not in written


def test_two_workers(town, tmp_path):
    """Two processes serve the same; a key that is made and revoked meanwhile counts in both."""
    folder = shutil.copytree(town.folder, tmp_path / "town")
    code = town.spring.grids.index[0]
    with serve(folder, "--workers", "2", "--wrong-keys", "100") as (address, server):
        ask_patiently(f"{address}/health")
        text = KeyStore(folder).add("test", "viewer", by="test")
        statuses = []
        for _ in range(2):
            for _ in range(12):  # a connection each: either process may take it
                answer = httpx.get(
                    f"{address}/internal/grids/{code}",
                    params={"at": "2026-05-01"},
                    headers={"X-API-Key": text},
                    trust_env=False,
                )
                statuses.append(answer.status_code)
            if len(statuses) == 12:
                KeyStore(folder).revoke(text[3:11], by="test")
        assert statuses == [200] * 12 + [401] * 12
        server.terminate()
        written, _ = server.communicate(timeout=20)
    assert written.count("Started server process") == 2
    assert server.returncode in (0, -signal.SIGTERM)


def test_graceful_stop(town):
    """A request that runs when the service is told to stop is answered first."""
    with serve(town.folder) as (address, server):
        ask_patiently(f"{address}/health")
        body = b'{"lon": 122.2, "lat": 40.6}'
        head = (
            "POST /locate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        port = int(address.rsplit(":", 1)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(head.encode() + body[:10])
            time.sleep(0.5)
            server.terminate()
            time.sleep(0.5)
            client.sendall(body[10:])
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
        written, _ = server.communicate(timeout=20)
    assert "Traceback" not in written


def test_wrong_settings(town):
    """A setting that is wrong ends the command with what is wrong, before anything is served."""
    command = [sys.executable, "-m", "api", str(town.folder), "--workers", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--workers 0" in done.stderr
