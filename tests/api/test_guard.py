"""Headers, HEAD, time and number of requests: what holds for every answer."""

import asyncio
import threading
import time

import pytest
from fastapi import FastAPI, Request

from api.app import create_app
from api.guard import Guard
from api.settings import Settings
from tests.api.conftest import TestClient

PATHS = ["/map", "/grids", "/plans", "/health", "/openapi.json", "/static/map.js", "/nothing"]


def guard(folder, **options):
    """Return a client of a small guarded application with slow answers."""
    app = FastAPI()
    never = asyncio.Event

    @app.get("/quick")
    def answer_quickly() -> dict[str, int]:
        return {"a": 1}

    @app.get("/waits/{place}")
    async def wait_for_ever(place: str) -> None:
        await never().wait()

    @app.get("/thinks")
    def think() -> dict[str, int]:
        time.sleep(0.4)
        return {"a": 1}

    @app.post("/reads")
    async def read(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    app.add_middleware(Guard, settings=Settings(store=folder, **options))
    return TestClient(app)


@pytest.mark.parametrize("path", PATHS)
def test_head(client, path):
    """HEAD answers as GET does, with the same headers and nothing else."""
    got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    different = {
        name
        for name in {*got.headers, *head.headers}
        if got.headers.get(name) != head.headers.get(name)
    }
    assert different <= {"date"}


def test_head_of_what_is_only_posted(tmp_path):
    """Where there is no GET there is no HEAD."""
    assert guard(tmp_path).head("/reads").status_code == 405


def test_frames(make_client, town):
    """/embed may be shown in frames of the configured origins; all else only in our own."""
    client = make_client(town.folder, embed_ancestors=("https://www.city.gov.cn", "'self'"))
    policies = {path: client.get(path).headers["Content-Security-Policy"] for path in PATHS}
    assert all(policy.endswith("frame-ancestors 'self'") for policy in policies.values())
    policy = client.get("/embed").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors https://www.city.gov.cn 'self'")


def test_embed_is_closed_by_default(client):
    """Without a setting nobody else may show /embed either."""
    policy = client.get("/embed").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self'")


def test_too_long_in_waiting(tmp_path, caplog):
    """An answer that does not come is 503 in time, logged without the place that was asked for."""
    with guard(tmp_path, seconds=0.2) as client:
        answer = client.get("/waits/122.2345678,40.6543211")
        assert (answer.status_code, answer.json()["code"]) == (503, "timed-out")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert client.get("/quick").json() == {"a": 1}
    assert "/waits took too long" in caplog.text
    assert "122.2345678" not in caplog.text


def test_too_long_in_a_thread(tmp_path):
    """A thread can't be stopped, but its answer is not waited for nor sent after the other."""
    with guard(tmp_path, seconds=0.1) as client:
        assert client.get("/thinks").json()["code"] == "timed-out"
        assert client.get("/quick").json() == {"a": 1}


def run_raw(app, receive):
    """Run an ASGI application on one request; return the messages that it sent."""
    sent, scope = [], {"type": "http", "method": "POST", "path": "/x", "headers": []}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def test_body_that_does_not_come(tmp_path):
    """Who sends half a body and no more is told 408."""

    async def read_on(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    part = {"type": "http.request", "body": b"x", "more_body": True}
    waits = iter([0, 60])

    async def receive():
        await asyncio.sleep(next(waits))
        return part

    sent = run_raw(Guard(read_on, Settings(store=tmp_path, seconds=0.1)), receive)
    assert sent[0]["status"] == 408
    assert b"too-slow" in sent[1]["body"]


def test_slow_reader(tmp_path, monkeypatch):
    """An answer that has begun may take longer, and then breaks off without a second answer."""
    monkeypatch.setattr("api.guard._TIMES_LONGER", 2)

    async def trickle(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.01)

    begun = time.monotonic()
    sent = run_raw(Guard(trickle, Settings(store=tmp_path, seconds=0.1)), None)
    assert time.monotonic() - begun > 0.25
    assert [message["type"] for message in sent].count("http.response.start") == 1


def test_a_client_that_goes_away_is_no_late_answer(tmp_path):
    """What is cancelled from outside stays cancelled."""

    async def wait(scope, receive, send):
        await asyncio.sleep(60)

    async def run():
        app = Guard(wait, Settings(store=tmp_path))
        scope = {"type": "http", "method": "GET", "path": "/x", "headers": []}
        task = asyncio.create_task(app(scope, None, None))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_too_many_at_a_time(tmp_path):
    """More requests at a time than set are told to come back; the others are answered."""
    with guard(tmp_path, most_requests=2) as client:
        answers = []
        threads = [
            threading.Thread(target=lambda: answers.append(client.get("/thinks"))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        busy = [answer for answer in answers if answer.status_code == 503]
        assert len(busy) == 2
        assert {answer.json()["code"] for answer in busy} == {"busy"}
        assert {answer.headers["Retry-After"] for answer in busy} == {"1"}
        assert client.get("/quick").status_code == 200


def test_cors_is_off(client):
    """Pages of other origins may read nothing, unless it is set."""
    headers = {"Origin": "https://city.example", "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in client.get("/grids", headers=headers).headers
    assert client.options("/grids", headers=headers).status_code == 405


def test_cors(make_client, town):
    """A configured origin may ask with a key and read tags; another may not. Problems, too."""
    client = make_client(town.folder, allowed_origins=("https://city.example",), burst=3, rate=0.01)
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "X-API-Key"}
    preflight = client.options("/grids", headers={"Origin": "https://city.example", **asked})
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://city.example"
    assert "X-API-Key" in preflight.headers["Access-Control-Allow-Headers"]
    assert preflight.headers["X-Content-Type-Options"] == "nosniff"
    other = client.options("/grids", headers={"Origin": "https://other.example", **asked})
    assert other.status_code == 400
    answers = [client.get("/health", headers={"Origin": "https://city.example"}) for _ in range(4)]
    assert "ETag" in answers[0].headers["Access-Control-Expose-Headers"]
    assert answers[3].status_code == 429
    assert answers[3].headers["Access-Control-Allow-Origin"] == "https://city.example"


def test_a_folder_is_enough(town):
    """A path alone makes the application, with everything else as it is by default."""
    with TestClient(create_app(town.folder)) as client:
        assert client.get("/openapi.json").status_code == 200
