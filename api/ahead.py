"""Reading plans before anybody asks for them: what is in force today, and what will be tomorrow.

A thread looks at the record of publications and at the day. It decides nothing: each request asks
the shelf for the plan of its day, and finds it there. What is asked most is ready before the
service opens its port; the thread does the rest.
"""

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from importlib import import_module
from threading import Event, Thread

from api.shelf import Shelf
from gridmap.errors import GridmapError

#: Seconds between two looks at the record.
_PAUSE = 1.0
#: What is imported late, for a service is to be up soon, and not by whoever asks first.
_LIBRARIES = ("gridmap.staff.cards", "gridmap.casebook.opening", "gridmap.casebook.summary")
_log = logging.getLogger("gridmap.api")


@contextmanager
def read_ahead(shelf: Shelf, today: Callable[[], date], *, pause: float = _PAUSE) -> Iterator[None]:
    """Keep the plans of today and tomorrow ready while the block runs.

    Parameters
    ----------
    shelf : Shelf
        Where they are kept.
    today : callable
        The current day.
    pause : float
        Seconds between two looks at the record of publications.
    """
    stop = Event()
    thread = Thread(target=_watch, args=(shelf, today, pause, stop), name="read ahead", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(shelf: Shelf, today: Callable[[], date], pause: float, stop: Event) -> None:
    seen = None
    while not stop.is_set():
        try:
            seen = _look(shelf, today(), seen)
        except Exception:  # noqa: BLE001  # no accident ends the watch
            _log.exception("the record could not be looked at")
        finally:
            _collect_garbage()
        stop.wait(pause)


def _look(shelf: Shelf, day: date, seen: object) -> object:
    """Have the plans ready if the record or the day is another; return both."""
    now = shelf.record_stamp(), day
    if now != seen:
        for each in (day, day + timedelta(days=1)):
            _make_ready(shelf, each)
        _import_libraries()
    return now


def _import_libraries() -> None:
    """Import, and let whoever waits for the interpreter have it ten times sooner meanwhile."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 10)
    try:
        for name in _LIBRARIES:
            import_module(name)
    finally:
        sys.setswitchinterval(usual)


def _collect_garbage() -> None:
    """Collect from now on, where a start has put it off; never from what is there already."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _make_ready(shelf: Shelf, day: date) -> None:
    try:
        shelf.make_ready(day)
        shelf.make_rest_ready(day)
    except GridmapError as error:  # whoever asks is told; the others have their plans
        _log.warning("nothing is ready for %s: %s", day, error)
    except Exception:  # noqa: BLE001  # no accident ends the watch: the next plan is read ahead
        _log.exception("the plan of %s could not be read ahead", day)
