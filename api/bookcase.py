"""The casebook of the service: opened at the first request that needs it, its desk kept up to date.

A case is located by the plan that is in force when it is reported, and served by who is on duty
then; so the desk is made anew when a plan is published, staff is kept, or a day begins.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import gridmap
from gridmap.store import PlanStore


class Bookcase:
    """The one casebook of a service.

    Parameters
    ----------
    store : PlanStore
        The plans.
    where : str or Path, optional
        As `gridmap.open_casebook` has it.
    """

    def __init__(self, store: PlanStore, where: str | Path | None = None) -> None:
        self._store, self._where = store, where
        self._book: gridmap.Casebook | None = None
        self._made_for: tuple[str, int, date] | None = None
        self._lock = Lock()

    def open(self, on: date) -> gridmap.Casebook:
        """Return the casebook, with the desk of a day.

        Raises
        ------
        PlanNotFoundError
            If no plan is in force on that day.
        CasebookError
            If the casebook can't be opened.
        """
        name = self._store.name_in_force(on)
        wanted = (name, self._store.staff_stamp(name), on)
        with self._lock:
            if self._book is None:
                self._book = gridmap.open_casebook(self._store, self._where, on=on)
            elif self._made_for != wanted:
                from gridmap.casebook.opening import open_desk  # late, as the casebook is

                desk = open_desk(self._store, on)
                self._book.desk, self._book.rules = desk, desk.rules
            self._made_for = wanted
            return self._book

    def sum_up(self, on: date, query: gridmap.CaseQuery, by: str, now: datetime) -> dict[str, Any]:
        """Return the figures of cases, over the grids that are in force on a day."""
        from gridmap.casebook.summary import sum_up

        grids = self._store.load_grids(self._store.name_in_force(on))
        return sum_up(self.open(on), grids, query, by=by, now=now)

    def close(self) -> None:
        """Give back the connections."""
        if self._book is not None:
            self._book.close()
