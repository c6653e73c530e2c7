"""The one verb that writes registers: all that is kept, or some of it, as Excel or GeoPackage."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd

from gridmap.days import today_in_china
from gridmap.errors import StaffError
from gridmap.files import write_layers, write_whole
from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.registers import branches, contacts, grids, liaisons
from gridmap.staff.registers.heading import Tables
from gridmap.tables import list_some
from gridmap.words import check_language
from gridmap.workbooks import Sheet, write_book


@dataclass(frozen=True)
class Register:
    """A kind of register.

    Parameters
    ----------
    needs : tuple of str
        The tables that it is made of.
    sheets, layers : callable
        What it is in a workbook and in a GeoPackage, by name.
    """

    needs: tuple[str, ...]
    sheets: Callable[[Plan, Tables, date, Language], dict[str, Sheet]]
    layers: Callable[[Plan, Tables, date], dict[str, gpd.GeoDataFrame]]


#: Every register by its name, in the order in which they are written.
REGISTERS: dict[str, Register] = {
    "workers": Register(grids.NEEDS, grids.list_sheets, grids.list_layers),
    "branches": Register(branches.NEEDS, branches.list_sheets, branches.list_layers),
    "liaisons": Register(liaisons.NEEDS, liaisons.list_sheets, liaisons.list_layers),
    "contacts": Register(contacts.NEEDS, contacts.list_sheets, contacts.list_layers),
}


def write_staff_roster(
    plan: Plan,
    tables: Tables,
    path: str | Path,
    *,
    parts: Iterable[str] | None = None,
    on: date | None = None,
    lang: Language = "zh",
) -> None:
    """Write who serves the grids: .xlsx to print for an office, .gpkg for a GIS.

    Every sheet has its title and day, numbered rows, lines around the cells, a last line of sums,
    its header on each page of A4 across, and codes as text; a city of several districts has a sheet
    for each. It is an internal document: `list_contacts` is what may be posted.

    Parameters
    ----------
    plan : Plan
        The plan.
    tables : mapping of str to DataFrame
        As `PlanStore.staff` gives them, or made just now: ``{"workers": workers, "staffing":
        staffing}``.
    path : path
        Where to write.
    parts : iterable of str, optional
        Of ``workers`` (grids with their workers), ``branches`` (with secretary, committee and
        counts of members), ``liaisons`` (community by department, gaps marked) and ``contacts``
        (leaders and co-building units with what they are matched to); by default all whose tables
        are there.
    on : date, optional
        Today by default.
    lang : {"zh", "en"}
        Of headings; names and reasons are as they stand in the tables.

    Raises
    ------
    StaffError
        If the suffix is another, or a part is none or its tables are missing.
    """
    check_language(lang)
    path, day = Path(path), on or today_in_china()
    if path.suffix not in (".gpkg", ".xlsx"):
        raise StaffError(f"{path.name}: a roster is an .xlsx or a .gpkg file")
    chosen = [REGISTERS[name] for name in _choose_parts(tables, parts)]
    with write_whole(path) as draft:
        if path.suffix == ".xlsx":
            sheets = [one.sheets(plan, tables, day, lang) for one in chosen]
            write_book(
                {name: sheet for some in sheets for name, sheet in some.items()}, draft, lang
            )
            return
        layers = [one.layers(plan, tables, day) for one in chosen]
        write_layers({name: layer for some in layers for name, layer in some.items()}, draft)


def _choose_parts(tables: Tables, parts: Iterable[str] | None) -> list[str]:
    """Return the registers to write, in their order."""
    if parts is None:
        found = [name for name, one in REGISTERS.items() if set(one.needs) <= set(tables)]
        if not found:
            raise StaffError(
                "nothing for a roster: keep workers and staffing, branches, liaisons or contacts "
                "with the plan first"
            )
        return found
    wanted = list(parts)
    strange = [name for name in wanted if name not in REGISTERS]
    if strange:
        raise StaffError(f"no roster of {list_some(strange)}; there are {', '.join(REGISTERS)}")
    for name in wanted:
        missing = [table for table in REGISTERS[name].needs if table not in tables]
        if missing:
            raise StaffError(f"a roster of {name} needs {', '.join(missing)}, which is not there")
    return [name for name in REGISTERS if name in wanted]
