"""How often somebody may ask, what becomes of guessing, whom the address is taken from."""

import asyncio
import math
import socket
from datetime import date

import pytest
from starlette.responses import PlainTextResponse

from api.answers import MOST_WITH_KEY
from api.door import Door
from api.gate import BODY_LIMITS, KEY_BODY_LIMITS, MOST_BYTES, MOST_HELD, Gate
from api.limits import Buckets, Lockout, name_address
from api.settings import Settings
from gridmap.audit import AuditLog
from gridmap.keys import KeyStore
from gridmap.store import PlanStore
from tests.api.test_direct import serve

WRONG = "gm_00000000_" + "A" * 43


@pytest.fixture
def store(tmp_path, four_by_two):
    """Publish a small plan in a store of its own."""
    plans = PlanStore(tmp_path)
    plans.keep(four_by_two, "plan")
    plans.publish("plan", date(2026, 5, 1), by="王芳", today=date(2026, 5, 1))
    return tmp_path


def ask(client, text=None, **headers):
    """Ask for the plans, with a key; return status and code."""
    if text is not None:
        headers["X-API-Key"] = text
    answer = client.get("/health", headers=headers)
    return answer.status_code, answer.json().get("code")


def test_buckets():
    """A burst at once, then so many a second; what was not used does not add up beyond it."""
    buckets = Buckets(rate=2, burst=3)
    assert [buckets.take("a", 10.0) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 10.0) == pytest.approx(0.5)
    assert buckets.take("b", 10.0) == 0
    assert buckets.take("a", 10.4) == pytest.approx(0.1)
    assert buckets.take("a", 10.5) == 0
    assert [buckets.take("a", 99.0) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 99.0) > 0


def test_buckets_forget(monkeypatch):
    """However many addresses ask, only so many are remembered, and full buckets go first."""
    monkeypatch.setattr("api.limits._MOST", 10)
    buckets = Buckets(rate=1, burst=1)
    for number in range(100):
        buckets.take(str(number), number / 100)
        assert len(buckets._full) <= 11
    assert buckets.take("99", 1.0) > 0


def test_lockout():
    """The last of too many wrong tries locks; it ends by itself, and old tries do not count."""
    lockout = Lockout(3, seconds=10)
    assert [lockout.count_wrong("a", 0.0) for _ in range(2)] == [False, False]
    assert lockout.wait("a", 0.0) == 0
    assert lockout.count_wrong("a", 1.0)
    assert lockout.wait("a", 2.0) == pytest.approx(9)
    assert lockout.wait("b", 2.0) == 0
    assert lockout.wait("a", 11.0) == 0
    assert not lockout.count_wrong("a", 12.0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8:0:0:9::7", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("::nonsense::", "testclient", False),
    ],
)
def test_addresses(one, other, same):
    """IPv6 counts by the network of a line, IPv4 by address; nonsense is only itself."""
    assert (name_address(one) == name_address(other)) is same


def test_rate_of_an_address(make_client, store):
    """Beyond the burst an address is told when to come back."""
    client = make_client(store, rate=0.1, burst=3)
    assert [ask(client)[0] for _ in range(3)] == [200] * 3
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_rate_of_a_key(make_client, store):
    """A key has a bucket of its own, from wherever it is used."""
    client = make_client(store, rate=0.1, burst=1, key_rate=0.1, key_burst=2)
    one, other = (KeyStore(store).add(name, "viewer", by="t") for name in "ab")
    assert ask(client)[0] == 200
    assert ask(client)[0] == 429
    assert [ask(client, one)[0] for _ in range(3)] == [200, 200, 429]
    assert ask(client, other)[0] == 200


def test_no_limit(make_client, store):
    """0 switches the limits off."""
    client = make_client(store, rate=0, burst=1, key_rate=0, key_burst=1)
    text = KeyStore(store).add("a", "viewer", by="t")
    assert {ask(client)[0] for _ in range(20)} == {200}
    assert {ask(client, text)[0] for _ in range(20)} == {200}


def test_guessing_locks_an_address_out(make_client, store):
    """After so many wrong keys even a right one is not looked at, but the public is served."""
    client = make_client(store, wrong_keys=3, lock_seconds=60)
    right = KeyStore(store).add("a", "viewer", by="t")
    guesses = [f"gm_{number:08x}_" + "A" * 43 for number in range(3)]
    assert [ask(client, guess) for guess in guesses] == [(401, "bad-key")] * 3
    answer = client.get("/health", headers={"X-API-Key": right})
    assert (answer.status_code, answer.json()["code"]) == (429, "locked-out")
    assert 50 < int(answer.headers["Retry-After"]) <= 60
    assert ask(client)[0] == 200
    [entry] = AuditLog(store).entries(action="lockout").to_dict("records")
    assert "testclient" in entry["facts"]


def test_guessing_locks_a_key_out(make_client, store):
    """Guesses at one key lock it for every address but those that it was used from before."""
    client = make_client(store, wrong_keys=3, lock_seconds=60, trusted_proxies=("testclient",))
    right = KeyStore(store).add("a", "viewer", by="t")
    at_home = {"X-Forwarded-For": "10.0.0.1"}
    assert ask(client, right, **at_home)[0] == 200
    for number in range(3):
        there = {"X-Forwarded-For": f"192.0.2.{number}"}
        assert ask(client, right[:12] + "A" * 43, **there) == (401, "bad-key")
    assert ask(client, right, **{"X-Forwarded-For": "192.0.2.9"}) == (429, "locked-out")
    assert ask(client, right, **at_home)[0] == 200
    assert ask(client, right[:12] + "B" * 43, **at_home) == (429, "locked-out")


def test_revoked_key_of_a_known_address(make_client, store):
    """That a key was good before does not help it once it is revoked."""
    client = make_client(store)
    text = KeyStore(store).add("a", "viewer", by="t")
    assert ask(client, text)[0] == 200
    KeyStore(store).revoke(text[3:11], by="t")
    assert ask(client, text) == (401, "bad-key")


def test_addresses_behind_a_proxy(make_client, store):
    """X-Forwarded-For counts from a trusted proxy only; from anybody else it changes nothing."""
    believed = make_client(store, rate=0.1, burst=1, trusted_proxies=("testclient",))
    for host in ("10.0.0.1", "10.0.0.2"):
        assert ask(believed, **{"X-Forwarded-For": host})[0] == 200
        assert ask(believed, **{"X-Forwarded-For": host})[0] == 429
    doubted = make_client(store, rate=0.1, burst=1)
    assert ask(doubted, **{"X-Forwarded-For": "10.0.0.1"})[0] == 200
    assert ask(doubted, **{"X-Forwarded-For": "10.0.0.2"})[0] == 429


def test_body_limits(make_client, store):
    """Bodies are short by default, and as long as set under a path; the longest path counts."""
    limits = {"/locate": 20_000, "/loc": 5}
    client = make_client(store, body_limits=limits)
    headers = {"Content-Type": "application/json"}

    def post(path, size):
        return client.post(path, content=b" " * size, headers=headers).status_code

    assert post("/locate", 20_000) == 422
    assert post("/locate", 20_001) == 413
    assert post("/loc", 6) == 413
    assert post("/grids", MOST_BYTES) == 405
    assert post("/grids", MOST_BYTES + 1) == 413


def test_body_limits_of_keys(make_client, store, bearer):
    """A key sends as much as is documented: a million points; its limit can be set, too."""
    points = b"[122.2345678,40.6712345]," * 1_000_000
    assert MOST_WITH_KEY == 1_000_000
    assert BODY_LIMITS["/locate"] < len(points) < KEY_BODY_LIMITS["/locate"]
    json, key = {"Content-Type": "application/json"}, bearer(store, "viewer")
    client = make_client(store, body_limits={"/locate": 50}, key_body_limits={"/locate": 100})

    def post(size, path="/locate", **headers):
        return client.post(path, content=b" " * size, headers={**json, **headers}).status_code

    assert [post(50), post(51), post(51, **key)] == [422, 413, 422]
    assert [post(100, **key), post(101, **key)] == [422, 413]
    assert post(MOST_BYTES + 1, "/search", **key) == 413


def test_long_bodies_one_by_one(store):
    """Bodies above the public's limits are held up to a sum; one alone is let in whatever it is."""
    settings = Settings(store=store, body_limits={"/locate": 5}, key_body_limits={"/locate": 10**9})
    door = Door(KeyStore(store), settings, lambda *_: None)
    key = KeyStore(store).add("the desk", "viewer", by="test")
    told, waiting, done = [], asyncio.Event(), asyncio.Event()

    async def answer(scope, receive, send):
        told.append(await receive())
        waiting.set()
        await done.wait()

    gate = Gate(answer, door=door, settings=settings, public=Buckets(0, 1))

    async def ask(length):
        sent = []
        length = (b"content-length", b"%d" % length)
        scope = {
            "type": "http",
            "path": "/locate",
            "client": ("10.0.0.1", 1),
            "headers": [(b"x-api-key", key.encode()), length],
        }

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        await gate(scope, receive, send)
        return sent[0]["status"] if sent else 200

    async def run():
        first = asyncio.create_task(ask(MOST_HELD + 1))
        await waiting.wait()
        assert await ask(6) == 503
        done.set()
        assert await first == 200
        assert [await ask(5), await ask(6)] == [200, 200]

    asyncio.run(run())
    assert len(told) == 3


def test_a_slow_sender_is_in_nobodys_way(store):
    """Half a long body keeps its own key from sending another, and nobody else; in turn it ends."""
    settings = Settings(store=store, body_limits={"/locate": 5}, key_body_limits={"/locate": 10**9})
    door = Door(KeyStore(store), settings, lambda *_: None)
    slow, quick = (KeyStore(store).add(name, "viewer", by="test") for name in ("slow", "quick"))
    ended, lines = [], {key: asyncio.Queue() for key in (slow, quick)}
    answered = asyncio.Event()

    async def answer(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        ended.append(scope["gridmap.caller"].name)
        if ended == ["quick"]:
            await answered.wait()
        await PlainTextResponse("done")(scope, receive, send)

    gate = Gate(answer, door=door, settings=settings, public=Buckets(0, 1))

    def send(key, **more):
        told = {"x-api-key": key, "content-length": str(MOST_HELD), **more}
        return asyncio.create_task(ask_gate(gate, told, lines[key].get))

    async def run():
        first = send(slow)
        await lines[slow].put(part(b"half", more=True))
        await asyncio.sleep(0)
        assert (await send(slow, expect="100-continue"))[0]["status"] == 503
        second = send(quick)
        await lines[quick].put(part(b"whole"))
        while not ended:
            await asyncio.sleep(0)
        await lines[slow].put(part(b"whole"))
        for _ in range(20):
            await asyncio.sleep(0)
        assert ended == ["quick"]
        answered.set()
        assert [(await task)[0]["status"] for task in (second, first)] == [200, 200]
        third = send(slow)
        await lines[slow].put(part(b"whole"))
        assert (await third)[0]["status"] == 200

    asyncio.run(run())
    assert ended == ["quick", "slow", "slow"]


def part(body, *, more=False):
    """Return a piece of a body, as a server passes it on."""
    return {"type": "http.request", "body": body, "more_body": more}


async def ask_gate(gate, headers, receive, path="/locate"):
    """Send a request through a gate; return the messages that it answers."""
    sent = []
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "client": ("10.0.0.1", 1), "headers": pairs}

    async def send(message):
        sent.append(message)

    await gate(scope, receive, send)
    return sent


@pytest.fixture
def count_read(store):
    """Return a function that sends a body through a gate: what is read of it, and the answer."""
    settings = Settings(store=store, wrong_keys=2, body_limits={"/locate": 1000})
    public = Buckets(0.001, 3)
    door = Door(KeyStore(store), settings, lambda *_: None)
    gate = Gate(None, door=door, settings=settings, public=public)

    def count(headers):
        read = []

        async def receive():
            read.append(100)
            return part(b" " * 100, more=True)

        start = asyncio.run(ask_gate(gate, headers, receive))[0]
        return sum(read), start["status"], dict(start["headers"]).get(b"connection")

    return count


@pytest.mark.parametrize("body", [{"content-length": "1500"}, {"transfer-encoding": "chunked"}])
def test_nothing_is_read_of_whom_is_not_let_in(count_read, body):
    """A wrong key, one too many of them, or no token: answered at once, and hung up on."""
    wrong = {"x-api-key": WRONG, **body}
    assert [count_read(wrong) for _ in range(3)] == [
        (0, 401, b"close"), (0, 401, b"close"), (0, 429, b"close"),
    ]  # fmt: skip
    assert [count_read(body)[1] for _ in range(3)] == [413] * 3
    assert count_read(body) == (0, 429, b"close")
    assert count_read({}) == (0, 429, None)


def test_a_body_too_long_is_read_up_to_a_few_times_its_limit(count_read):
    """One without a length, as far as that; one that is said to be longer not at all."""
    assert count_read({"transfer-encoding": "chunked"}) == (2100, 413, b"close")
    assert count_read({"content-length": "2001"}) == (0, 413, b"close")
    assert count_read({"content-length": "9" * 20}) == (0, 413, b"close")


@pytest.mark.parametrize("chunked", [False, True])
def test_long_body_is_answered_readably(store, chunked):
    """A client that sends all of its body, and then closes, learns that it was too long."""
    size = BODY_LIMITS["/locate"] + 3_000_000
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    head = f"POST /locate HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{length}\r\n\r\n"
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, b" " * size) if chunked else b" " * size
    with serve(store, rate=0) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.settimeout(20)
        line.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"at most 4000000 bytes" in answer


def test_a_client_that_waits_sends_nothing(store):
    """Who asks first whether to send his body is told at once that it is too long."""
    told = (b"POST /locate HTTP/1.1", b"Host: x", b"Content-Length: 9000000")
    head = b"\r\n".join([*told, b"Expect: 100-continue", b"", b""])
    with serve(store, rate=0) as port, socket.create_connection(("127.0.0.1", port)) as line:
        line.settimeout(20)
        line.sendall(head)
        assert line.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_damaged_keys(make_client, store):
    """A key store that can't be read is 503 for those with a key; the public is served."""
    (store / "keys.sqlite").write_bytes(b"this is no database" * 100)
    client = make_client(store)
    assert ask(client, WRONG) == (503, "store-unavailable")
    assert ask(client)[0] == 200


def test_retry_after_is_whole_seconds(make_client, store):
    """A wait below a second is told as one second, never as none."""
    client = make_client(store, rate=100, burst=1)
    answers = [client.get("/health") for _ in range(50)]
    waits = {answer.headers["Retry-After"] for answer in answers if answer.status_code == 429}
    assert waits <= {str(math.ceil(0.01))}
