"""Who could take a grid along for some days: workers of grids beside it, within their limits."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import geopandas as gpd

from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.case import find_beside
from gridmap.staff.gaps import Duty


class Neighbour(NamedTuple):
    """Somebody who could take a grid along, and the households that he would have then."""

    who: str
    load: int
    limit: int


class Neighbours:
    """The workers of each grid over some days; who takes a grid along is added.

    Parameters
    ----------
    plan : Plan
        The grids.
    workers : GeoDataFrame
        `WORKERS`.
    rules : Rules
        How many grids and households one worker may have.
    duties : iterable of Duty
        Primary duties.
    """

    def __init__(
        self, plan: Plan, workers: gpd.GeoDataFrame, rules: Rules, duties: Iterable[Duty]
    ) -> None:
        most = rules.staffing.max_households
        self._limits = workers["limit"].clip(upper=most).to_dict()
        self._most_grids = rules.staffing.max_grids_per_worker
        self._beside: dict[str, list[str]] = {}
        codes = plan.grids.index.tolist()
        for a, b in find_beside(plan).tolist():
            self._beside.setdefault(codes[a], []).append(codes[b])
            self._beside.setdefault(codes[b], []).append(codes[a])
        self._by_grid: dict[str, list[Duty]] = {}
        self._by_worker: dict[str, list[Duty]] = {}
        for duty in duties:
            self.add(duty)

    def add(self, duty: Duty) -> None:
        """Count a duty from now on; one of nobody, or of a stranger, is passed over."""
        if duty.who in self._limits:
            self._by_grid.setdefault(duty.code, []).append(duty)
            self._by_worker.setdefault(duty.who, []).append(duty)

    def find(self, code: str, households: int, begin: date, until: date) -> list[Neighbour]:
        """List who could take a grid along from a day until before another.

        He is in a grid beside it on all of these days, has no part of it, and keeps the limits.
        """
        there = [duty for near in self._beside.get(code, []) for duty in self._by_grid.get(near, [])
                 if duty.starts <= begin and duty.until >= until]  # fmt: skip
        found = [self._weigh(duty.who, code, households, begin, until) for duty in there]
        return list(dict.fromkeys(one for one in found if one is not None))

    def _weigh(
        self, who: str, code: str, households: int, begin: date, until: date
    ) -> Neighbour | None:
        """Add a grid to what somebody has on some days; None if that is too much."""
        own = self.list_own(who, begin, until)
        load, limit = sum(own.values()) + households, int(self._limits[who])
        if code in own or len(own) >= self._most_grids or load > limit:
            return None
        return Neighbour(who, load, limit)

    def list_own(self, who: str, begin: date, until: date) -> dict[str, int]:
        """List the grids that somebody has between two days, with his households in each."""
        return {
            duty.code: duty.homes
            for duty in self._by_worker.get(who, [])
            if duty.starts < until and duty.until > begin
        }

    def list_changes(self, code: str, begin: date, until: date) -> list[date]:
        """List the days between two on which somebody comes to a grid beside, or leaves it."""
        days = {begin, until}
        for near in self._beside.get(code, []):
            for duty in self._by_grid.get(near, []):
                days |= {day for day in (duty.starts, duty.until) if begin < day < until}
        return sorted(days)
