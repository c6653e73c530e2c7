"""A JupyterLab of its own for a test: a free port, a temporary folder, no internet."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import nbformat

ROOT = Path(__file__).parents[2]
TOKEN = "editor-test"


@contextmanager
def start_lab(folder: Path):
    """Start JupyterLab in a folder; give its address, and stop it with all its kernels."""
    port = find_port()
    homes = {
        name: str(folder / ".jupyter" / name)
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    options = [
        "--no-browser", "--allow-root", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={TOKEN}",
        "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    environment = {**os.environ, **homes, "PYTHONPATH": str(ROOT)}
    with (folder / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(address, server, folder / "lab.log")
        yield address
    finally:
        stop_kernels(address)
        server.terminate()
        server.wait(20)


def find_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(address, server, log, seconds=60):
    """Wait until the server answers."""
    for _ in range(seconds * 5):
        if server.poll() is not None:
            break
        try:
            if httpx.get(f"{address}/api", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab does not answer:\n{log.read_text(errors='replace')}")


def ask(method, address, path, **options):
    """Call the server's own interface."""
    headers = {"Authorization": f"token {TOKEN}"}
    return httpx.request(
        method, f"{address}/api/{path}", headers=headers, trust_env=False, timeout=20, **options
    )


def list_kernels(address):
    """Return the ids of the running kernels."""
    return [kernel["id"] for kernel in ask("GET", address, "kernels").json()]


def stop_kernels(address):
    """Shut down every kernel of this server."""
    for kernel in list_kernels(address):
        ask("DELETE", address, f"kernels/{kernel}")


def write_notebook(path: Path, *cells: str) -> None:
    """Write a notebook of code cells."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    book.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(book, path)


def open_notebook(page, address, name):
    """Open a notebook in Lab and wait until its kernel is there."""
    page.goto(f"{address}/lab/tree/{name}?token={TOKEN}&reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for(timeout=60_000)


def run_cell(page, number):
    """Run a cell with Shift+Enter."""
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(number).click()
    page.keyboard.press("Shift+Enter")
