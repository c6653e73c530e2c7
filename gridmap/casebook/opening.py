"""The casebook of a store: beside its plans, with the plan in force and its people."""

from datetime import date
from pathlib import Path

from gridmap.casebook.book import Casebook
from gridmap.casebook.lists import CaseQuery
from gridmap.days import today_in_china
from gridmap.incidents.desk import Desk, FindAddress, make_desk
from gridmap.rules import Rules
from gridmap.search import SearchIndex, search
from gridmap.store import PlanStore

__all__ = ["CaseQuery", "Casebook", "make_finder", "open_casebook", "open_desk"]

_FILE = "cases.sqlite"
#: Things that are a place rather than an area or a line.
_PLACES = ("building", "compound", "grid", "position")


def make_finder(index: SearchIndex) -> FindAddress:
    """Return what finds an address in a plan: the place that is meant without doubt.

    A street or a community is too large to be where something happened, and half an address may
    mean several places: then it is not found, and a person places the pin.
    """

    def find(address: str) -> tuple[float, float] | None:
        found = [one.place for one in search(index, address, most=1)]
        sure = [place for place in found if place.kind in _PLACES and place.sure]
        return (sure[0].lon, sure[0].lat) if sure else None

    return find


def open_desk(
    store: PlanStore,
    on: date,
    *,
    rules: Rules | None = None,
    find_address: FindAddress | None = None,
) -> Desk:
    """Prepare the desk of the plan that is in force on a day, as `open_casebook` does.

    Raises
    ------
    PlanNotFoundError
        If no plan is in force on that day.
    """
    name = store.name_in_force(on)
    return make_desk(
        store.load(name),
        store.staff(name, on),
        on=on,
        rules=rules.incidents if rules else None,
        find_address=find_address or make_finder(store.search_index(name)),
    )


def open_casebook(
    store: PlanStore,
    where: str | Path | None = None,
    *,
    on: date | None = None,
    rules: Rules | None = None,
    find_address: FindAddress | None = None,
) -> Casebook:
    """Open the casebook of a store, located by the plan in force.

    Parameters
    ----------
    store : PlanStore
        The plans, and who serves their grids.
    where : str or Path, optional
        A file, or the URL of a PostgreSQL database; ``cases.sqlite`` in the store's folder by
        default. Photos lie in the store's folder.
    on : date, optional
        The day whose plan and staff count; today by default.
    rules : Rules, optional
        Other settings than those of the plan.
    find_address : callable, optional
        What finds an address: (longitude, latitude) in WGS-84, or None. By default the plan is
        searched (`make_finder`).

    Raises
    ------
    PlanNotFoundError
        If no plan is in force on that day.
    CasebookError
        If the database can't be opened.
    """
    desk = open_desk(store, on or today_in_china(), rules=rules, find_address=find_address)
    folder = Path(store.folder)
    return Casebook(where or folder / _FILE, desk, photos=folder / "cases.photos")
