"""What is in a grid beside households, as counts by building: read from an office's own list."""

from pathlib import Path

import pandas as pd

from gridmap.city import City
from gridmap.errors import TableError
from gridmap.reading.columns import COLUMN_NAMES
from gridmap.reading.findings import Finding
from gridmap.reading.lists import (
    Names,
    read_list,
    refuse_list,
    refuse_twins,
    refuse_unknown,
    settle_counts,
)
from gridmap.staff.members import MEMBER_NAMES, name_buildings
from gridmap.tables import COUNTS

#: Names of the columns of counts, best first; those that lists of buildings have too are the same.
FEATURE_NAMES: Names = {
    **{name: COLUMN_NAMES["buildings"][name] for name in COUNTS},
    "elderly": ("elderly", "高龄老人", "高龄老人数", "老年人", "老年人数"),
    "disabled": ("disabled", "残疾人", "残疾人数"),
    "rented": ("rented", "出租房", "出租房数", "出租屋", "出租屋数", "出租户"),
    "hydrants": ("hydrants", "消火栓", "消防栓", "消火栓数", "消防栓数"),
}


def read_features(path: str | Path, city: City, *, sheet: str | None = None) -> pd.DataFrame:
    """Read counts by building of what a grid worker looks after: shops, hydrants, people.

    Parameters
    ----------
    path : str or Path
        A row for each building: its id (楼栋编码, 楼号 …) and any of 独居老人, 高龄老人, 残疾人,
        出租房, 商铺, 消火栓, 矛盾纠纷易发点 as whole numbers. Counts, never names: no other column
        is read.
    city : City
        Whose buildings they are; an id may also be that of a whole building whose entrances are
        buildings of their own there.
    sheet : str, optional
        The sheet of the workbook.

    Returns
    -------
    DataFrame
        Index building_id; an int64 column for each count that the list has.

    Raises
    ------
    StaffError
        With every row that is wrong: an unknown building, one twice, a count that is negative or
        no whole number.
    TableError
        If the file can't be read, or has no column of buildings or of counts.
    """
    findings: list[Finding] = []
    names: Names = {"building_id": MEMBER_NAMES["building_id"], **FEATURE_NAMES}
    rows = read_list(path, names, ("building_id",), sheet=sheet)
    found = [name for name in FEATURE_NAMES if name in rows]
    if not found:
        known = ", ".join(f"{name} ({some[1]})" for name, some in FEATURE_NAMES.items())
        raise TableError(f"{Path(path).name}: no column of counts; there may be {known}")
    rows = settle_counts(rows, "features", found, findings)
    known_ids = name_buildings(city)
    refuse_unknown(rows, "features", "building_id", known_ids, findings, what="building")
    problem = "the building stands in a row above: add the two up"
    refuse_twins(rows, "features", ["building_id"], findings, problem)
    refuse_list(path, "features", findings)
    return rows.set_index("building_id")[found].astype("int64")
