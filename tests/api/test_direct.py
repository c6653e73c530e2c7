"""The shortest way: the same answers, limits and order as through ASGI, on real connections."""

import logging
import re
import shutil
import socket
import threading
from contextlib import contextmanager
from datetime import date
from email.utils import format_datetime
from itertools import pairwise

import pytest
import uvicorn

from api import direct, express
from api.app import create_app
from api.settings import Settings
from gridmap.keys import KeyStore

DAY = date(2026, 5, 1)
PLACE = "/locate?lon=122.2&lat=40.6"


@contextmanager
def serve(folder, limit=None, **options):
    """Serve a folder on a socket of this process, with a limit of connections; give the port."""
    app = create_app(Settings(store=folder, **options), today=lambda: DAY)
    config = uvicorn.Config(
        app,
        http=direct.DirectProtocol,
        limit_concurrency=limit,
        proxy_headers=False,
        log_config=None,
        server_header=False,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="module")
def port(town):
    """Serve the town without limits."""
    with serve(town.folder, rate=0) as port:
        yield port


@pytest.fixture
def ways(monkeypatch):
    """Return a list of the addresses that were answered directly."""
    seen, answer = [], direct.Direct.answer

    def look(self, url, *more):
        told = answer(self, url, *more)
        if told is not None:
            seen.append(url.decode())
        return told

    monkeypatch.setattr(direct.Direct, "answer", look)
    return seen


def write(path, *headers, method="GET", version="1.1"):
    """Write a request."""
    lines = [f"{method} {path} HTTP/{version}", "Host: testserver", *headers, "", ""]
    return "\r\n".join(lines).encode()


class Connection:
    """A connection on which answers are read one after the other."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def read(self, method="GET"):
        """Return status, headers and body of the next answer."""
        status = int(self.file.readline().split()[1])
        headers = {}
        for line in iter(self.file.readline, b"\r\n"):
            name, value = line.decode("latin-1").rstrip("\r\n").split(": ", 1)
            headers[name] = f"{headers[name]}; AND {value}" if name in headers else value
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        return status, headers, self.file.read(length)

    def ask(self, *request, **options):
        """Send a request, and return its answer."""
        self.socket.sendall(write(*request, **options))
        return self.read(options.get("method", "GET"))

    def is_over(self):
        """Tell whether the server has closed it."""
        return self.file.read(1) == b""


@pytest.fixture
def connection(port):
    """Return a connection to the town's service."""
    with Connection(port) as connection:
        yield connection


@pytest.fixture
def addresses(client, town):
    """Return a place, a box and a tile that is cut already, as they are asked for."""
    west, south, east, north = town.spring.grids.to_crs("EPSG:4326").total_bounds.round(6)
    limits = client.get("/tiles/WebMercatorQuad").json()["tileMatrixSetLimits"][4]
    tile = "/tiles/WebMercatorQuad/{tileMatrix}/{minTileRow}/{minTileCol}".format(**limits)
    return [
        f"/locate?lon={west + 0.01:.6f}&lat={south + 0.01:.6f}&datum=gcj02",
        f"/collections/grids/items?bbox={west},{south},{east},{north}&limit=3",
        tile,
        f"{tile}?plan=spring",
    ]


def test_same_as_through_asgi(client, connection, addresses, ways):
    """Status, headers and body are those of the application, but for the server's date."""
    for address in addresses:
        zipped = "gzip" if address.startswith("/tiles") else "identity"
        connection.ask(address, "Accept-Encoding: gzip")  # cuts the tile
        ways.clear()
        status, headers, _ = connection.ask(address, f"Accept-Encoding: {zipped}")
        assert ways == [address]
        expected = client.get(address, headers={"Accept-Encoding": zipped})
        assert status == expected.status_code == 200
        assert headers.pop("date")
        assert headers == dict(expected.headers)


@pytest.mark.parametrize("kind", ["tag", "tags", "weak", "day", "later"])
def test_what_the_client_has(client, connection, addresses, ways, kind):
    """Who has the answer is told 304, with what a 304 must say, and no body."""
    address = addresses[1]
    held = client.get(address)
    tag, changed = held.headers["ETag"], held.headers["Last-Modified"]
    later = format_datetime(client.app.state.shelf.in_force(DAY).published.published_at)
    asked = {
        "tag": f"If-None-Match: {tag}",
        "tags": f'If-None-Match: "x", {tag}',
        "weak": f"If-None-Match: {tag.removeprefix('W/')}",
        "day": f"If-Modified-Since: {changed}",
        "later": f"If-Modified-Since: {later.replace('2026', '2036').replace('+0000', 'GMT')}",
    }[kind]
    status, headers, body = connection.ask(address, asked)
    assert (status, body) == (304, b"")
    assert ways == [address]
    assert headers["etag"] == tag
    assert headers["last-modified"] == changed
    assert "content-length" not in headers
    expected = client.get(address, headers=dict([asked.split(": ", 1)]))
    assert expected.status_code == 304
    assert {name: value for name, value in headers.items() if name != "date"} == dict(
        expected.headers
    )


@pytest.mark.parametrize(
    "asked",
    [
        'If-None-Match: "other"',
        "If-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT",
        "If-Modified-Since: yesterday",
        "If-Modified-Since: Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "If-Modified-Since: Mon, 01 Jan 2035 00:00:00 -0000",
    ],
)
def test_what_the_client_has_not(connection, addresses, asked):
    """Another tag, an earlier day or none at all: the whole answer."""
    status, headers, body = connection.ask(addresses[1], asked)
    assert status == 200
    assert len(body) == int(headers["content-length"])


def test_a_tag_counts_before_a_day(connection, addresses):
    """Where a tag is told it decides, whatever the day is."""
    asked = ('If-None-Match: "other"', "If-Modified-Since: Mon, 01 Jan 2035 00:00:00 GMT")
    assert connection.ask(addresses[1], *asked)[0] == 200


def test_a_tile_that_is_held_stays_for_ever(connection, addresses, ways):
    """The 304 of a tile whose address names the plan says again that it may be kept."""
    connection.ask(addresses[3], "Accept-Encoding: gzip")
    _, headers, _ = connection.ask(addresses[3], "Accept-Encoding: gzip")
    tag = f"If-None-Match: {headers['etag']}"
    status, again, _ = connection.ask(addresses[3], "Accept-Encoding: gzip", tag)
    assert status == 304
    assert ways[-1] == addresses[3]
    assert again["cache-control"] == headers["cache-control"]
    assert "immutable" in again["cache-control"]


def test_ahead_of_the_answers(connection, ways):
    """Requests that are sent ahead are answered in order, whichever way each takes."""
    paths = [f"/locate?lon=122.2&lat=40.{number:03d}" for number in range(100)]
    paths[5] = paths[50] = "/health"
    paths[51] = "/nothing"
    connection.socket.sendall(b"".join(map(write, paths)))
    for path in paths:
        status, _, body = connection.read()
        assert status == (404 if path == "/nothing" else 200)
        place = re.search(r"lat=(.*)", path)
        if place:
            assert b'"lat":%b}' % repr(float(place[1])).encode() in body
    assert 5 <= len(ways) < 100  # not all at once: others have their turn


def test_slow_reader(connection, addresses):
    """Who asks for much and reads late gets all of it, in order."""
    requests, answers = 600, []
    request = write(addresses[1].replace("limit=3", "limit=1000"))
    thread = threading.Thread(target=connection.socket.sendall, args=(request * requests,))
    thread.start()
    answers = [connection.read() for _ in range(requests)]
    thread.join()
    assert {status for status, _, _ in answers} == {200}
    assert len({body for _, _, body in answers}) == 1


def test_piece_by_piece(connection, ways):
    """A request that comes in many pieces is one request."""
    for byte in write(PLACE):
        connection.socket.sendall(bytes([byte]))
    assert connection.read()[0] == 200
    assert ways == [PLACE]


def test_end_of_a_connection(port, ways):
    """Who wants the connection closed, or speaks HTTP 1.0, has it closed after the answer."""
    for options in ({"version": "1.0"}, {"close": True}):
        headers = ["Connection: close"] if options.pop("close", False) else []
        with Connection(port) as connection:
            assert connection.ask(PLACE, *headers, **options)[0] == 200
            assert connection.is_over()
    assert ways == []


def test_unusual_requests(connection, ways):
    """Other methods, bodies, addresses and parameters are answered as ever."""
    status, headers, body = connection.ask(PLACE, method="HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 100
    connection.socket.sendall(write(PLACE, "Content-Length: 5") + b"12345")
    assert connection.read()[0] == 200
    for path, status in (
        ("/locate?lon=999&lat=40.6", 422),
        ("/locate?lon=122.2&lat=40.6&at=1990-01-01", 404),
        ("/locate?lon=1&lon=2&lat=3", 400),
        ("/locate", 422),
        ("/locate%3flon=122.2", 404),
        ("/collections/units/items?bbox=1,2,3,4", 401),
        ("/locatelon=122.2", 404),
    ):
        found, headers, _ = connection.ask(path)
        assert (found, headers["content-type"]) == (status, "application/problem+json"), path
    assert ways == []
    connection.socket.sendall(b"no request\r\n\r\n")
    assert connection.read()[0] == 400


def test_compressed(connection, addresses, ways):
    """What the layer for it compresses is left to it."""
    address = addresses[1]
    status, headers, _ = connection.ask(address, "Accept-Encoding: gzip")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert headers["vary"] == "Accept-Encoding"
    assert ways == []


def test_refused_compression(connection, addresses, ways):
    """Who says that he takes no gzip gets none, by the short way and by the long one."""
    for address in (addresses[1], addresses[3], "/grids", "/collections"):
        for refused in ("gzip;q=0", "*, gzip;q=0"):
            status, headers, _ = connection.ask(address, f"Accept-Encoding: {refused}")
            assert (status, headers.get("content-encoding")) == (200, None)
    assert addresses[1] in ways


def test_haste(town, ways):
    """Both ways count in the same buckets; who is too quick is told so."""
    with serve(town.folder, rate=0.01, burst=6) as port, Connection(port) as connection:
        paths = [PLACE, "/health"] * 4
        statuses = [connection.ask(path)[0] for path in paths]
        assert statuses == [200] * 6 + [429] * 2
        status, headers, body = connection.ask(PLACE)
    assert (status, int(headers["retry-after"]) > 0) == (429, True)
    assert b"too-many-requests" in body
    assert ways == [PLACE] * 3


def test_keys(town, tmp_path, ways):
    """A key is looked at, right or wrong: nobody gets round the gate."""
    folder = shutil.copytree(town.folder, tmp_path / "town")
    key = KeyStore(folder).add("test", "viewer", by="test")
    with serve(folder) as port, Connection(port) as connection:
        for header, status in (
            ("X-API-Key: wrong", 401),
            ("Authorization: Bearer wrong", 401),
            (f"X-API-Key: {key}", 200),
        ):
            assert connection.ask(PLACE, header)[0] == status
    assert ways == []


def test_other_origins(town, ways):
    """Where pages of another origin may ask, their answers say so; without a setting none does."""
    origin = "Origin: https://city.example"
    options = {"allowed_origins": ("https://city.example",)}
    with serve(town.folder, **options) as port, Connection(port) as connection:
        _, headers, _ = connection.ask(PLACE, origin)
        assert headers["access-control-allow-origin"] == "https://city.example"
        assert connection.ask(PLACE)[0] == 200
    assert ways == [PLACE]


def test_behind_a_proxy(town, ways):
    """The address that a trusted proxy names is the one that is counted."""
    options = {"rate": 0.01, "burst": 2, "trusted_proxies": ("127.0.0.1",)}
    with serve(town.folder, **options) as port, Connection(port) as connection:
        statuses = [
            connection.ask(PLACE, f"X-Forwarded-For: 10.0.0.{number // 3}")[0]
            for number in range(6)
        ]
    assert statuses == [200, 200, 429] * 2
    assert ways == []


def test_too_many_connections(town, ways):
    """The server's own limit of connections holds, for both ways alike."""
    with serve(town.folder, limit=2) as port, Connection(port) as one:
        assert one.ask(PLACE)[0] == 200
        with Connection(port) as other:
            assert other.ask(PLACE)[0] == 503
            assert other.is_over()
        assert one.ask(PLACE)[0] in (200, 503)  # the other may not be gone yet
    assert 1 <= len(ways) <= 2


def test_a_fault(connection, monkeypatch, caplog):
    """A fault is logged without the place, and told as it is on the way through ASGI."""

    def fail(*_):
        raise RuntimeError("a fault")

    monkeypatch.setattr(express.Express, "answer", fail)
    with caplog.at_level(logging.ERROR):
        status, headers, body = connection.ask("/locate?lon=122.2345678&lat=40.6543211")
    assert (status, headers["content-type"]) == (500, "application/problem+json")
    assert b"internal-error" in body
    assert "the direct way failed" in caplog.text
    assert "122.2345678" not in caplog.text


def test_idle_connections_are_closed(port, monkeypatch):
    """A connection on which nothing more is asked is closed after a while."""
    made, protocol = [], direct.DirectProtocol.connection_made

    def shorten(self, transport):
        protocol(self, transport)
        self.timeout_keep_alive = 0.2
        made.append(self)

    monkeypatch.setattr(direct.DirectProtocol, "connection_made", shorten)
    with Connection(port) as connection:
        answers = [connection.ask(PLACE)[0] for _ in range(3)]
        assert answers == [200] * 3
        assert connection.is_over()
    assert made[0].server_state.total_requests >= 3


def test_order_of_headers_does_not_matter(connection):
    """Each header is there once."""
    _, headers, _ = connection.ask(PLACE)
    assert not [name for name, value in headers.items() if "; AND " in value]
    names = sorted(headers)
    assert all(one != other for one, other in pairwise(names))
    assert {"date", "content-security-policy", "x-content-type-options"} <= set(names)
