"""Webhooks over the service: admins alone, and what is reported is told while it runs."""

import shutil
import time
from datetime import date
from threading import Event

import pytest

from api.courier import Courier
from gridmap.audit import AuditLog
from gridmap.store import PlanStore
from tests.api.test_access import problem_of
from tests.api.test_cases import TODAY, report
from tests.casebook.test_hooks import Receiver
from tests.towns import make_four_by_two


@pytest.fixture
def receiver():
    """Run a receiver on loopback."""
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def folder(tmp_path):
    """Publish the small town."""
    store = PlanStore(tmp_path)
    store.keep(make_four_by_two(), "plan")
    store.publish("plan", TODAY, by="王芳", today=TODAY)
    return tmp_path


def test_told_while_it_runs(folder, make_client, bearer, receiver):
    """An admin adds a hook; a report is delivered by the service itself, and listed as sent."""
    client = make_client(folder, hook_hosts=(receiver.host,), today=lambda: date(2026, 5, 1))
    admin = bearer(folder, "admin")
    added = client.post("/internal/hooks", json={"url": receiver.url}, headers=admin)
    assert added.status_code == 201
    assert len(added.json()["secret"]) == 43
    number = report(client)["case_id"]
    end = time.monotonic() + 30
    while not receiver.got and time.monotonic() < end:
        time.sleep(0.1)
    assert receiver.told() == [(number, 1, "open")]
    client.app.state.courier.stop()
    [told] = client.get("/internal/hooks/deliveries", headers=admin).json()
    assert (told["state"], told["answer"]) == ("sent", "204")
    [hook] = client.get("/internal/hooks", headers=admin).json()
    assert "secret" not in hook
    gone = client.delete(f"/internal/hooks/{hook['hook_id']}", headers=admin)
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get("/internal/hooks", headers=admin).json() == []
    assert len(AuditLog(folder).entries(action="add-hook")) == 1


def test_no_accident_ends_the_deliveries(monkeypatch):
    """A folder that was away is opened again; a courier that is stopped sends no more."""
    asked, tried = [], Event()

    def open_book():
        asked.append(1)
        if len(asked) == 1:
            raise OSError("stale handle")
        return "book"

    def deliver(book, hosts, *, go_on):
        assert (book, hosts, go_on()) == ("book", ("here",), True)
        tried.go_on = go_on
        tried.set()

    monkeypatch.setattr("gridmap.deliver_hooks", deliver)
    monkeypatch.setattr("api.courier._TICK", 0.01)
    courier = Courier(open_book, ["here"])
    courier.start()
    assert tried.wait(30)
    courier.stop()
    assert not tried.go_on()


def test_no_host_by_default(folder, make_client, bearer, receiver):
    """Without the setting no host may be called, and nothing below an admin may ask."""
    client = make_client(shutil.copytree(folder, folder / "copy"), today=lambda: date(2026, 5, 1))
    admin, planner = (bearer(folder / "copy", role) for role in ("admin", "planner"))
    body = {"url": receiver.url}
    refused = client.post("/internal/hooks", json=body, headers=admin)
    assert problem_of(refused) == (422, "bad-hook")
    assert client.post("/internal/hooks", json=body, headers=planner).status_code == 403
    assert client.delete("/internal/hooks/9", headers=admin).status_code == 422
