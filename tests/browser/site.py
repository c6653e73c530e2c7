"""A served store for the pages, and what people see of a page."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.settings import Settings

TODAY = date(2026, 5, 1)

NAMELESS = """() => [...document.querySelectorAll('button, input, select, textarea, a')]
    .filter(part => part.checkVisibility())
    .filter(part => !(part.getAttribute('aria-label') || part.innerText
        || part.closest('label')?.innerText || '').trim())
    .map(part => part.outerHTML)"""

PAIRS = """selector => {
    const behind = part => {
        for (; part; part = part.parentElement) {
            const colour = getComputedStyle(part).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    return [...document.querySelectorAll(selector)].filter(part => part.checkVisibility())
        .map(part => [part.outerHTML, getComputedStyle(part).color, behind(part)]);
}"""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a store on a free port, in a thread; give its address."""
    app = create_app(Settings(store=folder, attribution="© 测试数据"), today=lambda: TODAY)
    with run(app) as address:
        yield address


@contextmanager
def run(app: FastAPI) -> Iterator[str]:
    """Run an application on a free port, in a thread; give its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def serve_page(html: str) -> Iterator[str]:
    """Serve one page of somebody else's on a free port; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def covers(page, selector):
    """Tell whether what people see in the middle of an element is that element."""
    return page.evaluate(
        """selector => {
            const box = document.querySelector(selector).getBoundingClientRect();
            const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return Boolean(seen && seen.closest(selector));
        }""",
        selector,
    )


def is_inside(route):
    """Tell whether a request stays on this machine."""
    return urlsplit(route.request.url).hostname == "127.0.0.1"


def is_trouble(line):
    """Tell whether a line of the console is an error.

    A code, key or receipt that nobody has is none, nor is a step that somebody overtook, nor a
    line that a test has cut.
    """
    expected = ("/grids/", "/g/", "/plans/in-force", "/cases/receipt/", "/steps")
    cut = "ERR_INTERNET_DISCONNECTED" in line.text
    known = any(path in line.location["url"] for path in expected)
    return line.type == "error" and not cut and not known


def low_contrasts(page, selector):
    """Return the visible texts that stand out from what is behind them less than 4.5 to 1."""
    pairs = page.evaluate(PAIRS, selector)
    assert pairs
    return [text for text, front, back in pairs if contrast(front, back) < 4.5]


def contrast(front, back):
    """Return the contrast of two CSS colours (WCAG 2)."""
    dark, light = sorted((luminance(front), luminance(back)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    """Return the relative luminance of a CSS rgb() colour (WCAG 2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
