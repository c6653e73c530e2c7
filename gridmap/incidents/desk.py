"""The dispatcher's desk: where a location lies in a plan, who serves it, whom a whistle calls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isnan

import pandas as pd
from pyproj import Geod

from gridmap.datum import to_wgs84
from gridmap.days import today_in_china
from gridmap.errors import CaseError
from gridmap.incident_rules import Incidents
from gridmap.incidents.model import Case, Location, Placement
from gridmap.locate import Locator, Owner, make_locator
from gridmap.plan import Plan
from gridmap.rules import DEPARTMENTS

_EARTH = Geod(ellps="WGS84")
#: Finds an address: its longitude and latitude in WGS-84, or None where it is not known.
FindAddress = Callable[[str], tuple[float, float] | None]

#: Grids that a worker serves with others, each with all who do.
Shared = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Liaison:
    """Who answers for a department in a community; "" where nobody is named."""

    post: str = ""
    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Ward:
    """What a grid belongs to, who serves it, and who else: in other shares, or handing it over."""

    community_id: str
    worker_id: str = ""
    others: tuple[str, ...] = ()

    @property
    def team(self) -> tuple[str, ...]:
        """Everybody who serves it."""
        return (self.worker_id, *self.others) if self.worker_id else ()


class Desk:
    """Everything that a case needs to know of a plan, looked up in advance.

    Parameters
    ----------
    locator : Locator
        The grids.
    wards : mapping of str to Ward
        Grid code -> its community and primary workers.
    liaisons : mapping of (str, str) to Liaison
        (Community, department) -> who answers.
    plan : str
        Name of the plan.
    departments : sequence of str
        The departments that there are.
    rules : Incidents
        From how many metres on a point and its address disagree.
    find_address : callable, optional
        What finds an address.
    """

    def __init__(
        self,
        locator: Locator,
        wards: Mapping[str, Ward],
        liaisons: Mapping[tuple[str, str], Liaison],
        *,
        plan: str = "",
        departments: Sequence[str] = DEPARTMENTS,
        rules: Incidents | None = None,
        find_address: FindAddress | None = None,
    ) -> None:
        self.locator, self.wards, self.liaisons = locator, dict(wards), dict(liaisons)
        self.plan, self.rules = plan, rules or Incidents()
        self.departments = tuple(departments)
        self.workers = frozenset(one for ward in self.wards.values() for one in ward.team)
        self._shared = _list_shared(self.wards)
        self._find_address = find_address

    def place(self, location: Location) -> Placement:
        """Say where a location lies and who serves it.

        A point counts before an address. An address alone is searched; one that is not found
        leaves the case without a grid, with a flag, for a person to place.

        Raises
        ------
        DatumError
            If the datum is unknown or the point is not on Earth.
        """
        found = self._search(location.address)
        if location.lon is None or location.lat is None:
            point, flag = found, "" if found else "the address was not found: place the pin"
        else:
            lon, lat = to_wgs84(location.lon, location.lat, location.datum)
            point = (float(lon), float(lat))
            flag = self._compare(point, found)
        if point is None:
            return Placement(None, None, location.address, flag=flag)
        owner = self.locator.locate(*point)
        flag = "; ".join(text for text in (flag, owner.hint) if text)
        return self._fill(Placement(*point, location.address, flag=flag), owner)

    def send_to(self, placement: Placement, grid_code: str) -> Placement:
        """Return the placement with another grid than the one that owns the point.

        Raises
        ------
        CaseError
            If the plan has no such grid.
        """
        if grid_code not in self.wards:
            raise CaseError(f"no grid {grid_code!r} in the plan {self.plan}")
        ward, before = self.wards[grid_code], placement.grid_code
        runner_up = before if before != grid_code else placement.runner_up
        return replace(
            placement,
            grid_code=grid_code,
            runner_up=runner_up,
            community_id=ward.community_id,
            worker_id=ward.worker_id,
        )

    def liaison(self, community_id: str, department: str) -> Liaison:
        """Return who answers for a department in a community."""
        return self.liaisons.get((community_id, department), Liaison())

    def shared(self, worker_id: str) -> Shared:
        """Return the grids that a worker serves with others, each with all who do."""
        return self._shared.get(worker_id, ())

    def is_of(self, worker_id: str, case: Case) -> bool:
        """Tell whether a case is a worker's: his own, or of who serves its grid with him."""
        return case.worker_id == worker_id or any(
            case.grid_code == grid and case.worker_id in team
            for grid, team in self.shared(worker_id)
        )

    def _search(self, address: str) -> tuple[float, float] | None:
        if not address.strip() or self._find_address is None:
            return None
        return self._find_address(address)

    def _compare(self, point: tuple[float, float], found: tuple[float, float] | None) -> str:
        """Say whether a point and what its address says lie apart."""
        if found is None:
            return ""
        _, _, metres = _EARTH.inv(*point, *found)
        if metres < self.rules.disagreement:
            return ""
        return f"the point and the address are {metres:.0f} m apart"

    def _fill(self, placement: Placement, owner: Owner) -> Placement:
        ward = self.wards.get(owner.grid_code or "", Ward(""))
        return replace(
            placement,
            grid_code=owner.grid_code or "",
            match=owner.match,
            border=_finite(owner.border_m),
            distance=_finite(owner.distance_m),
            runner_up=owner.runner_up or "",
            community_id=ward.community_id,
            worker_id=ward.worker_id,
        )


def make_desk(
    plan: Plan,
    staff: Mapping[str, pd.DataFrame] | None = None,
    *,
    on: date | None = None,
    rules: Incidents | None = None,
    find_address: FindAddress | None = None,
) -> Desk:
    """Prepare the desk of a plan.

    Parameters
    ----------
    plan : Plan
        The plan in force.
    staff : mapping of str to DataFrame, optional
        Its tables (`gridmap.PlanStore.staff`): ``staffing`` says who serves a grid, ``liaisons``
        whom a whistle calls. Without them cases have a grid and nobody by name.
    on : date, optional
        The day of the staffing; today by default.
    rules : Incidents, optional
        Other settings than those of the plan.
    find_address : callable, optional
        What finds an address: (longitude, latitude) in WGS-84, or None.
    """
    staff = staff or {}
    workers = _list_workers(staff.get("staffing"), on or today_in_china())
    communities = plan.grids["community_id"].items()
    wards = {
        str(code): Ward(str(key), *workers.get(str(code), ("", ()))) for code, key in communities
    }
    return Desk(
        make_locator(plan),
        wards,
        _list_liaisons(staff.get("liaisons")),
        plan=plan.name,
        departments=plan.rules.departments,
        rules=rules or plan.rules.incidents,
        find_address=find_address,
    )


def _list_shared(wards: Mapping[str, Ward]) -> dict[str, Shared]:
    """Return worker -> the grids that he serves with others, each with all who do."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for code, ward in wards.items():
        for worker_id in ward.team if ward.others else ():
            found.setdefault(worker_id, []).append((code, ward.team))
    return {worker_id: tuple(grids) for worker_id, grids in found.items()}


def _list_workers(
    staffing: pd.DataFrame | None, on: date
) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return grid -> its primary worker of a day, who stays longest, and the others."""
    if staffing is None:
        return {}
    day = pd.Timestamp(on)
    ends = staffing["ends"]
    held = staffing[
        (staffing["role"] == "primary")
        & ~(staffing["starts"] > day)
        & (ends.isna() | (ends >= day))
        & (staffing["worker_id"] != "")
    ].sort_values("ends", na_position="last", kind="stable")
    teams: dict[str, dict[str, None]] = {}
    for code, worker_id in zip(held["grid_code"], held["worker_id"], strict=True):
        teams.setdefault(str(code), {})[str(worker_id)] = None
    return {code: (last, tuple(before)) for code, (*before, last) in teams.items()}


def _list_liaisons(liaisons: pd.DataFrame | None) -> dict[tuple[str, str], Liaison]:
    """Return (community, department) -> who answers; of doubles the first."""
    named: dict[tuple[str, str], Liaison] = {}
    for row in () if liaisons is None else liaisons.itertuples(index=False):
        key = (str(row.community_id), str(row.department))
        named.setdefault(key, Liaison(str(row.post), str(row.name), str(row.phone)))
    return named


def _finite(value: float) -> float | None:
    return None if isnan(value) else float(value)
