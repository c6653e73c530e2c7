"""Webhooks: signed, in order, again until it came, given up aloud, and only where it is allowed."""

import hashlib
import hmac
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sqlalchemy import text

import gridmap
from gridmap.casebook.book import Casebook
from gridmap.casebook.courier import check_url
from gridmap.casebook.hooks import TRIES
from gridmap.errors import HookError
from tests.incidents.town import CITIZEN, COMMUNITY, WORKER, report, step

SECRET = "a secret of the receiver"


class Receiver:
    """A server on loopback that keeps what it is told, and answers what it is told to."""

    def __init__(self):
        self.got, self.answers = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                self.send_response(outer.answers.pop(0) if outer.answers else 204)
                self.send_header("Location", "http://127.0.0.1:9/")
                self.end_headers()

            def log_message(self, *_arguments):
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}/cases?x=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self):
        """Return case, version and action of what came."""
        bodies = [json.loads(body) for _, body in self.got]
        return [(body["case_id"], body["version"], body["action"]) for body in bodies]


@pytest.fixture
def receiver():
    """Run a receiver."""
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def add(book: Casebook, receiver: Receiver, **options) -> int:
    """Add the receiver as a webhook."""
    options = {"hosts": [receiver.host], "secret": SECRET, **options}
    return gridmap.add_hook(book, receiver.url, **options)[0]


def let_wait_end(book: Casebook) -> None:
    """Let every waiting delivery be due."""
    with book.engine.begin() as connection:
        connection.execute(text("UPDATE deliveries SET next_at = 0"))


def test_signed_and_in_order(book: Casebook, receiver: Receiver) -> None:
    """Each step is told once, in the order of the log, under a signature of time and body."""
    book.open(report(), CITIZEN)  # before the hook: not told
    add(book, receiver)
    case = book.open(report(), CITIZEN)
    book.step(case.case_id, step("inspect", WORKER))
    book.step(case.case_id, step("note", COMMUNITY, 2))
    assert gridmap.deliver_hooks(book, [receiver.host], go_on=lambda: False) == 0
    assert gridmap.deliver_hooks(book, [receiver.host]) == 3
    assert gridmap.deliver_hooks(book, [receiver.host]) == 0
    number = case.case_id
    assert receiver.told() == [(number, 1, "open"), (number, 2, "inspect"), (number, 3, "note")]
    for headers, body in receiver.got:
        signed = headers["X-Gridmap-Timestamp"].encode() + b"." + body
        expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["X-Gridmap-Signature"] == f"sha256={expected}"
    told = json.loads(receiver.got[0][1])
    assert told["case"]["grid_code"] == case.grid_code
    assert told["case"]["stage"] == "found"


def test_no_words_and_no_place(book: Casebook, receiver: Receiver) -> None:
    """A delivery has neither the reporter nor the description, a note or a position."""
    add(book, receiver)
    person = gridmap.Reporter(name="哨兵", phone="139")
    case = book.open(report(description="哨兵", reporter=person), CITIZEN)
    book.step(case.case_id, step("note", WORKER, note="哨兵"))
    gridmap.deliver_hooks(book, [receiver.host])
    everything = b"".join(body for _, body in receiver.got)
    for secret in ("哨兵", "139", str(case.lon)):
        assert secret.encode() not in everything


def test_again_until_it_came(book: Casebook, receiver: Receiver) -> None:
    """A refusal is tried again, later each time; what came after it waits behind it."""
    add(book, receiver)
    receiver.answers = [500, 302]
    case = book.open(report(), CITIZEN)
    book.step(case.case_id, step("inspect", WORKER))
    assert gridmap.deliver_hooks(book, [receiver.host]) == 1
    assert gridmap.deliver_hooks(book, [receiver.host]) == 0  # not yet
    waits = []
    for _ in range(2):
        first = gridmap.list_deliveries(book)[-1]
        waits.append(first.tries)
        let_wait_end(book)
        gridmap.deliver_hooks(book, [receiver.host])
    assert waits == [1, 2]
    assert [version for _, version, _ in receiver.told()] == [1, 1, 1, 2]
    found = gridmap.list_deliveries(book)
    assert [(one.state, one.tries, one.answer) for one in found] == [
        ("sent", 1, "204"),
        ("sent", 3, "204"),
    ]


def test_given_up_aloud(
    book: Casebook, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """After the last try a delivery has failed, the log says so, and the next one goes out."""
    hook = add(book, receiver)
    book.open(report(), CITIZEN)
    book.open(report(north=60), CITIZEN)
    receiver.answers = [503] * TRIES
    with caplog.at_level(logging.ERROR):
        for _ in range(TRIES):
            let_wait_end(book)
            gridmap.deliver_hooks(book, [receiver.host])
    [failed] = gridmap.list_deliveries(book, hook, state="failed")
    assert (failed.tries, failed.answer) == (TRIES, "503")
    assert "gave up delivery" in caplog.text
    assert [one.state for one in gridmap.list_deliveries(book)] == ["sent", "failed"]
    [listed] = gridmap.list_hooks(book)
    assert (listed.failed, listed.waiting) == (1, 0)


def test_only_some_actions(book: Casebook, receiver: Receiver) -> None:
    """A hook that asked for whistles is told of nothing else."""
    add(book, receiver, actions=["whistle"])
    case = book.open(report(), CITIZEN)
    book.step(case.case_id, step("whistle", WORKER, departments=("供水",)))
    gridmap.deliver_hooks(book, [receiver.host])
    assert receiver.told() == [(case.case_id, 2, "whistle")]


def test_an_idle_hook_writes_nothing(book: Casebook, receiver: Receiver, monkeypatch) -> None:
    """With nothing to tell, or a try to wait for, a look writes nothing; a step is told at once."""
    case = book.open(report(), CITIZEN)
    add(book, receiver, actions=["resolve"])
    written, write = [], book.writer.write
    monkeypatch.setattr(book.writer, "write", lambda work: written.append(work) or write(work))
    for _ in range(3):
        assert gridmap.deliver_hooks(book, [receiver.host]) == 0
    book.open(report(), CITIZEN)  # of no interest to it
    written.clear()
    assert gridmap.deliver_hooks(book, [receiver.host]) == 0
    assert written == []
    add(book, receiver)
    book.step(case.case_id, step("inspect", WORKER))
    receiver.answers = [500]
    assert gridmap.deliver_hooks(book, [receiver.host]) == 1
    written.clear()
    assert gridmap.deliver_hooks(book, [receiver.host]) == 0  # the next try is to come
    assert written == []
    let_wait_end(book)
    assert gridmap.deliver_hooks(book, [receiver.host]) == 1
    assert written


def test_reading_moves_on_past_what_is_not_told(book: Casebook, receiver: Receiver) -> None:
    """Where the log goes on with other steps, a hook need not look through all of them for ever."""
    add(book, receiver, actions=["resolve"])
    with book.engine.begin() as connection:
        connection.execute(text("UPDATE hooks SET read_to = 0, added_at = 0"))
    book.open(report(), CITIZEN)
    gridmap.deliver_hooks(book, [receiver.host])
    with book.engine.connect() as connection:
        assert connection.scalar(text("SELECT read_to FROM hooks")) > 0
    assert receiver.got == []


def test_a_host_that_is_no_longer_named(book: Casebook, receiver: Receiver) -> None:
    """Hosts are looked at again when it is sent: nothing reaches one that was taken away."""
    add(book, receiver)
    book.open(report(), CITIZEN)
    gridmap.deliver_hooks(book, ["other.example"])
    assert receiver.got == []
    [waiting] = gridmap.list_deliveries(book)
    assert (waiting.state, waiting.answer[:9]) == ("waiting", "HookError")


def test_nobody_listens(book: Casebook, receiver: Receiver) -> None:
    """A receiver that is down costs a try and nothing else."""
    add(book, receiver)
    receiver.server.shutdown()
    receiver.server.server_close()
    book.open(report(), CITIZEN)
    assert gridmap.deliver_hooks(book, [receiver.host]) == 1
    assert gridmap.list_deliveries(book)[0].answer.startswith("ConnectionRefusedError")


def test_one_sender_at_a_time(book: Casebook, receiver: Receiver) -> None:
    """Many processes that send at once tell each step once, still in order."""
    add(book, receiver)
    for metres in range(10, 60, 10):
        book.open(report(north=metres), CITIZEN)
    threads = [
        threading.Thread(target=gridmap.deliver_hooks, args=(book, [receiver.host]))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gridmap.deliver_hooks(book, [receiver.host])
    assert receiver.told() == sorted(set(receiver.told()))
    assert len(receiver.got) == 5


def test_killed_while_sending(where, desk, tmp_path, receiver: Receiver) -> None:
    """What was acknowledged before kill -9 is told afterwards, by another process."""
    with Casebook(where, desk) as book:
        add(book, receiver)
    code = (
        "import sys, time\n"
        "from gridmap.casebook.book import Casebook\n"
        "from tests.incidents.town import CITIZEN, make_town_desk, report\n"
        "book = Casebook(sys.argv[1], make_town_desk())\n"
        "for north in range(10, 40, 10): book.open(report(north=north), CITIZEN)\n"
        "print('written', flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(where)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
    with Casebook(where, desk) as book:
        gridmap.deliver_hooks(book, [receiver.host])
    assert [version for _, version, _ in receiver.told()] == [1, 1, 1]


def test_a_lease_that_ran_out(book: Casebook, receiver: Receiver) -> None:
    """A process that died while it sent keeps the others waiting for a minute, not for ever."""
    add(book, receiver)
    book.open(report(), CITIZEN)
    later = "UPDATE hooks SET leased_to = leased_to + 60000"
    with book.engine.begin() as connection:
        connection.execute(text(later))
    assert gridmap.deliver_hooks(book, [receiver.host]) == 0
    with book.engine.begin() as connection:
        connection.execute(text(later.replace("+", "-")))
    assert gridmap.deliver_hooks(book, [receiver.host]) == 1


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        ("https://a.example/x", ["a.example"], True),
        ("https://A.example/x", ["a.example"], True),
        ("https://a.example:443/", ["a.example:443"], True),
        ("https://a.example:8443/", ["a.example"], False),
        ("http://a.example:8080/", ["a.example:8080"], True),
        ("https://a.example/", [], False),
        ("https://a.example.evil/", ["a.example"], False),
        ("https://a.example@evil/", ["a.example"], False),
        ("https://evil/?a.example", ["a.example"], False),
        ("http://169.254.169.254/", ["a.example"], False),
        ("file:///etc/passwd", ["a.example"], False),
        ("ftp://a.example/", ["a.example"], False),
        ("https://a.example/\r\nX: y", ["a.example"], False),
        ("https://a.example:port/", ["a.example"], False),
        ("nothing", ["a.example"], False),
    ],
)
def test_hosts(url: str, hosts: list[str], allowed: bool) -> None:
    """Only hosts and ports that were named, however the URL is written."""
    if allowed:
        assert check_url(url, hosts).hostname == "a.example"
        return
    with pytest.raises(HookError):
        check_url(url, hosts)


def test_bad_hooks(book: Casebook) -> None:
    """A short secret and an unknown step are refused; a hook that is not there can't go."""
    for options in ({"secret": "short"}, {"actions": ["dance"]}, {"secret": "密" * 20}):
        with pytest.raises(HookError):
            gridmap.add_hook(book, "https://a.example/", hosts=["a.example"], **options)
    with pytest.raises(HookError, match="no webhook 7"):
        gridmap.remove_hook(book, 7)


def test_removed(book: Casebook, receiver: Receiver) -> None:
    """What a removed hook was to be told goes with it."""
    hook = add(book, receiver)
    book.open(report(), CITIZEN)
    gridmap.deliver_hooks(book, ["elsewhere"])
    gridmap.remove_hook(book, hook)
    assert gridmap.list_hooks(book) == gridmap.list_deliveries(book) == []
