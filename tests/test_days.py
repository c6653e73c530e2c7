"""The day that counts is China's, whatever the host's clock is set to."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from api.app import create_app
from gridmap import days
from gridmap.days import today_in_china
from gridmap.errors import StoreError
from gridmap.keys import KeyStore
from gridmap.store import PlanStore
from tests.api.conftest import TestClient
from tests.towns import make_four_by_two

#: Midnight of 29 November in China; in UTC it is the 28th for another eight hours.
MIDNIGHT = datetime(2026, 11, 28, 16, tzinfo=UTC)
BEFORE, AFTER = date(2026, 11, 28), date(2026, 11, 29)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch):
    """Return a function that sets the moment that a day is asked at."""

    class Clock(datetime):
        moment = MIDNIGHT

        @classmethod
        def now(cls, tz=None):
            return cls.moment.astimezone(tz)

    monkeypatch.setattr(days, "datetime", Clock)
    return lambda moment: setattr(Clock, "moment", moment)


def test_midnight_in_china(set_clock) -> None:
    """The day changes at 16:00 UTC, not at any midnight of the host."""
    assert today_in_china() == AFTER
    set_clock(MIDNIGHT - timedelta(seconds=1))
    assert today_in_china() == BEFORE


def test_plan_comes_into_force_at_midnight_in_china(tmp_path: Path, set_clock) -> None:
    """Served without a day of its own, a plan is in force from its first midnight in China on."""
    store = PlanStore(tmp_path)
    for name, day in (("old", BEFORE), ("new", AFTER)):
        store.keep(make_four_by_two(), name)
        store.publish(name, day, by="王芳", today=BEFORE)
    with TestClient(create_app(tmp_path)) as client:
        for moment, name in ((MIDNIGHT - timedelta(seconds=1), "old"), (MIDNIGHT, "new")):
            set_clock(moment)
            assert client.get("/plans/in-force").json()["name"] == name
            assert client.get("/locate?lon=122.2&lat=40.6").json()["plan"] == name
            now = moment.isoformat().replace("+00:00", "Z")
            asked = [{}, {"datetime": now}]
            tags = [client.get("/collections/grids/items", params=one).headers for one in asked]
            assert tags[0]["last-modified"] == tags[1]["last-modified"]


def test_other_defaults(tmp_path: Path, set_clock) -> None:
    """A publication for the day that is over in China is refused, and so is a key of that day."""
    store = PlanStore(tmp_path)
    store.keep(make_four_by_two(), "plan")
    store.publish("plan", BEFORE, by="王芳", today=BEFORE)
    with pytest.raises(StoreError, match="2026-11-29"):
        store.publish("plan", BEFORE, by="王芳")
    keys = KeyStore(tmp_path)
    text = keys.add("the desk", "viewer", by="test", expires=BEFORE)
    assert keys.check(text) is None
    set_clock(MIDNIGHT - timedelta(seconds=1))
    assert keys.check(text) is not None
