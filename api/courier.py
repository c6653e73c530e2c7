"""Deliveries of webhooks, from a thread of each process that serves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread

import gridmap
from gridmap.errors import GridmapError

#: Seconds between two looks into the log.
_TICK = 1.0
_log = logging.getLogger("gridmap.api")


class Courier:
    """Sends what is due until it is stopped; what it was about to send waits in the casebook.

    Parameters
    ----------
    open_book : callable
        Returns the casebook.
    hosts : sequence of str
        Hosts that may be called; without one nothing is sent and no thread runs.
    """

    def __init__(self, open_book: Callable[[], gridmap.Casebook], hosts: Sequence[str]) -> None:
        self._open_book, self._hosts = open_book, tuple(hosts)
        self._stopped = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin."""
        if self._hosts:
            self._stopped.clear()
            self._thread = Thread(target=self._run, name="gridmap-hooks", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, after the delivery that is on its way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError  # late: where nothing is sent it is not needed

        while not self._stopped.wait(_TICK):
            try:
                gridmap.deliver_hooks(self._open_book(), self._hosts, go_on=self._goes_on)
            except (GridmapError, SQLAlchemyError) as error:
                _log.warning("webhooks wait: %s", error)
            except Exception:  # noqa: BLE001  # no accident ends the deliveries of a process
                _log.exception("webhooks wait")

    def _goes_on(self) -> bool:
        return not self._stopped.is_set()
