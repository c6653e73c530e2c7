"""The command that serves: its options, and what it must not log."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from api.__main__ import parse_arguments

ROOT = Path(__file__).parents[2]


def test_environment(monkeypatch, tmp_path):
    """What the command line leaves out comes from the environment."""
    monkeypatch.setenv("GRIDMAP_STORE", str(tmp_path))
    monkeypatch.setenv("GRIDMAP_APPROVAL", "审图号")
    options = parse_arguments([])
    assert (options.store_folder, options.approval) == (str(tmp_path), "审图号")
    assert (options.host, options.port) == ("127.0.0.1", 8000)


@pytest.mark.parametrize("arguments", [[], ["/no/such/folder"]])
def test_no_folder(monkeypatch, capsys, arguments):
    """Without a folder that exists it says what to do, and does not start."""
    monkeypatch.delenv("GRIDMAP_STORE", raising=False)
    with pytest.raises(SystemExit, match="2"):
        parse_arguments(arguments)
    assert "folder" in capsys.readouterr().err


def test_places_are_not_logged(town):
    """A served request leaves no trace of its place in what the process writes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "api", str(town.folder), "--port", str(port)]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        address = f"http://127.0.0.1:{port}/locate?lon=122.2345678&lat=40.6543211"
        for path in (address, address + "&datum=mars", address + "&lat=north"):
            assert ask_patiently(path).status_code in (200, 422)
    finally:
        server.terminate()
        written, _ = server.communicate(timeout=20)
    assert "Uvicorn running" in written
    assert "122.2345678" not in written
    assert "40.6543211" not in written


def ask_patiently(address):
    """Ask until the server is up, for half a minute at most."""
    for _ in range(150):
        try:
            return httpx.get(address, trust_env=False)
        except httpx.ConnectError:
            time.sleep(0.2)
    raise AssertionError(f"{address} does not answer")
