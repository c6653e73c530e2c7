"""Plans are read before anybody asks for them."""

import gc
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from threading import Event
from time import monotonic, sleep

import pytest

from api.ahead import read_ahead
from api.kept import Kept
from api.models import GridProperties
from api.shelf import InForce, Published, Shelf
from gridmap.days import CHINA
from gridmap.store import PlanStore

TODAY, TOMORROW = date(2026, 3, 1), date(2026, 3, 2)


class Noted(Shelf):
    """A shelf that tells when a day was made ready."""

    def __init__(self, store):
        super().__init__(store)
        self.ready = {TODAY: Event(), TOMORROW: Event()}

    def make_ready(self, on):
        """Note the day as soon as it is ready."""
        super().make_ready(on)
        self.ready[on].set()


def test_a_publication_for_tomorrow_is_ready_today(tmp_path, four_by_two):
    """A plan published while the service runs is at hand before its day; today's stays in force."""
    store = PlanStore(tmp_path)
    plan = four_by_two
    for name in ("a", "b"):
        store.keep(plan, name)
    store.publish("a", TODAY, by="planner", today=TODAY)
    shelf = Noted(store)
    with read_ahead(shelf, lambda: TODAY, pause=0.01):
        assert shelf.ready[TOMORROW].wait(60)
        assert shelf.peek(TOMORROW).plan.name == "a"
        for event in shelf.ready.values():
            event.clear()
        store.publish("b", TOMORROW, by="planner", today=TODAY)
        assert shelf.ready[TOMORROW].wait(60)
    assert [shelf.peek(day).plan.name for day in (TODAY, TOMORROW)] == ["a", "b"]


def test_what_is_told_of_a_grid_is_kept_once(tmp_path, four_by_two):
    """Batches and areas read what was prepared; no answer is taken apart again for them."""
    store = PlanStore(tmp_path)
    store.keep(four_by_two, "a")
    store.publish("a", TODAY, by="planner", today=TODAY)
    shelf = Shelf(store)
    served = shelf.in_force(TODAY).plan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GridProperties, "model_dump", None)
        assert served.batches is not None
        areas = shelf.area_index(shelf.in_force(TODAY)).areas.values()
    assert {area.code for area in areas} >= set(served.grids)
    assert {code: GridProperties(**told) for code, told in served.told.items()} == served.grids


def test_nothing_in_force_ends_no_watch(tmp_path, four_by_two):
    """A folder without a plan in force is watched all the same."""
    store = PlanStore(tmp_path)
    store.keep(four_by_two, "a")
    shelf = Noted(store)
    with read_ahead(shelf, lambda: TODAY, pause=0.01):
        assert not shelf.ready[TODAY].is_set()
        store.publish("a", TODAY, by="planner", today=TODAY)
        assert shelf.ready[TODAY].wait(60)


def test_a_record_that_cannot_be_looked_at_ends_no_watch(tmp_path, four_by_two):
    """A share that is away for a while is looked at again when it is back."""
    store = PlanStore(tmp_path)
    store.keep(four_by_two, "a")
    store.publish("a", TODAY, by="planner", today=TODAY)
    shelf = Noted(store)
    looks, away = shelf.record_stamp, [OSError("stale handle")]

    def look():
        if away:
            raise away.pop()
        return looks()

    shelf.record_stamp = look
    with read_ahead(shelf, lambda: TODAY, pause=0.01):
        assert shelf.ready[TODAY].wait(60)


def test_a_day_of_change_is_not_kept_over_midnight(monkeypatch):
    """Asked for before it began a plan has changed when published; afterwards at its midnight."""
    published = datetime(2026, 2, 20, tzinfo=UTC)
    in_force = InForce(None, TOMORROW, Published("b", TOMORROW, published))

    class Clock(datetime):
        moment = datetime(2026, 2, 25, tzinfo=UTC)

        @classmethod
        def now(cls, tz=None):
            return cls.moment

    monkeypatch.setattr("api.shelf.datetime", Clock)
    assert in_force.changed == "Fri, 20 Feb 2026 00:00:00 GMT"
    Clock.moment = datetime(2026, 3, 5, tzinfo=UTC)
    begun = datetime.combine(TOMORROW, time.min, CHINA).astimezone(UTC)
    assert in_force.changed == format_datetime(begun, usegmt=True)


def test_garbage_is_looked_for_when_all_is_there(tmp_path, four_by_two):
    """A start that put it off has it turned on again, and what is there by then left alone."""
    store = PlanStore(tmp_path)
    store.keep(four_by_two, "a")
    store.publish("a", TODAY, by="planner", today=TODAY)
    gc.disable()
    try:
        with read_ahead(Shelf(store), lambda: TODAY, pause=0.01):
            until = monotonic() + 60
            while not gc.isenabled() and monotonic() < until:
                sleep(0.01)
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()


def test_kept_lets_go_of_the_oldest():
    """What was not asked for longest goes first; what failed is tried again."""
    kept = Kept[str, int](2)

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.get("a", fail)
    assert kept.get("a", lambda: 1) == 1
    kept.get("b", lambda: 2)
    assert kept.get("a", lambda: 3) == 1
    kept.get("c", lambda: 4)
    assert ("a" in kept, "b" in kept, kept.peek("c")) == (True, False, 4)
