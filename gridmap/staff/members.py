"""Party members as counts per building: read from a list, made up for a city, placed on units."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.city import City
from gridmap.errors import RulesError, TableError
from gridmap.plan import Plan
from gridmap.reading.findings import Finding
from gridmap.reading.lists import (
    Names,
    read_list,
    refuse_list,
    refuse_twins,
    refuse_unknown,
    settle_counts,
)
from gridmap.tables import MEMBERS, check_table, list_some

COUNTS = ("full", "probationary")
#: Names of the columns of a list of members, best first.
MEMBER_NAMES: Names = {
    "building_id": (
        *("building_id", "楼栋编码", "楼栋编号", "建筑编码", "建筑编号", "房屋编码", "bid", "id"),
        *("编号", "编码", "楼号", "楼栋号", "栋号", "幢号", "楼栋"),
    ),
    "full": ("full", "正式党员", "正式党员数", "正式党员人数", "正式", "full_members"),
    "probationary": (
        *("probationary", "预备党员", "预备党员数", "预备党员人数", "预备"),
        "probationary_members",
    ),
}


def read_members(path: str | Path, city: City, *, sheet: str | None = None) -> pd.DataFrame:
    """Read a list of party members per building from a CSV file or a workbook.

    Parameters
    ----------
    path : str or Path
        A row for each building: its id (楼栋编码, 楼号 …), 正式党员 and 预备党员. A column of
        anything else, a name for instance, is not read.
    city : City
        Whose buildings they are, or the city of a plan: an id may also be that of a whole building
        whose entrances are buildings of their own there.
    sheet : str, optional
        The sheet of the workbook; by default the first with these columns.

    Returns
    -------
    DataFrame
        `MEMBERS`; buildings that are not in the list have none.

    Raises
    ------
    StaffError
        If any row is wrong: an unknown building, one twice, a count that is negative or no whole
        number. The error lists every one, and its ``report`` too.
    TableError
        If the file can't be read, or has no column of buildings or of full members.
    """
    findings: list[Finding] = []
    rows = read_list(path, MEMBER_NAMES, ("building_id", "full"), sheet=sheet)
    rows = settle_counts(rows, MEMBERS.name, COUNTS, findings)
    known = name_buildings(city)
    refuse_unknown(rows, MEMBERS.name, "building_id", known, findings, what="building")
    problem = "the building stands in a row above: add the two up"
    refuse_twins(rows, MEMBERS.name, ["building_id"], findings, problem)
    refuse_list(path, MEMBERS.name, findings)
    return rows.set_index("building_id")[list(COUNTS)].astype("int64")


def make_members(
    plan: Plan,
    *,
    mean: float = 29.4,
    spread: float = 0.37,
    probationary: float = 0.03,
    seed: int = 0,
) -> pd.DataFrame:
    """Make up the party members of a plan's buildings, like those of the reference city.

    The members of a grid are drawn from a gamma distribution rounded to whole numbers, and live in
    its buildings by their households. Nobody lives in a grid without households.

    Parameters
    ----------
    plan : Plan
        The plan.
    mean : float
        Members to a grid with households; Zhanqian district has 14,485 in about 493 grids.
    spread : float
        Coefficient of variation of that.
    probationary : float
        Share of them that are probationary.
    seed : int
        Same plan and seed, same members.

    Returns
    -------
    DataFrame
        `MEMBERS`, of every building with a member.

    Raises
    ------
    RulesError
        If a figure is out of range.
    """
    if not (mean > 0 and spread > 0 and 0 <= probationary <= 1 and seed >= 0):
        raise RulesError("mean and spread are above 0, probationary from 0 to 1, seed from 0 up")
    rng = np.random.default_rng(seed)
    lived = plan.grids.index[plan.grids["households"] > 0]
    shape = spread**-2
    totals = np.rint(rng.gamma(shape, mean / shape, len(lived))).astype(np.int64)
    units = plan.units[plan.units["households"] > 0]
    total = np.zeros(len(units), np.int64)
    rows = units.groupby("grid_code").indices
    for code, count in zip(lived, totals.tolist(), strict=True):
        weights = units["households"].to_numpy()[rows[code]]
        total[rows[code]] = rng.multinomial(count, weights / weights.sum())
    young = rng.binomial(total, probationary)
    made = pd.DataFrame(
        {"full": total - young, "probationary": young},
        index=pd.Index(units["building_id"], dtype="str", name=MEMBERS.index),
    )
    return made[total > 0].groupby(level=0).sum()


def place_members(plan: Plan, members: pd.DataFrame) -> pd.DataFrame:
    """Return the members of each unit of a plan, placed as `place_counts` does.

    Parameters
    ----------
    plan : Plan
        The plan.
    members : DataFrame
        `MEMBERS`.

    Returns
    -------
    DataFrame
        ``full`` and ``probationary`` by unit_id, of every unit; nobody is lost.

    Raises
    ------
    TableError
        If the table breaks its contract, or names a building that the plan does not have.
    """
    check_table(members, MEMBERS)
    return place_counts(plan, members[list(COUNTS)], MEMBERS.name)


def place_counts(plan: Plan, counts: pd.DataFrame, called: str) -> pd.DataFrame:
    """Return counts by building as counts of each unit of a plan; nothing is lost.

    A building that is no unit of its own counts where an inner point of it lies. A whole building
    whose entrances are units is shared out to them by their households, by largest remainders.

    Parameters
    ----------
    plan : Plan
        The plan.
    counts : DataFrame of int64
        Index: buildings.
    called : str
        What the table is called in messages.

    Returns
    -------
    DataFrame
        The same columns by unit_id, of every unit.

    Raises
    ------
    TableError
        If there is a building that the plan does not have.
    """
    known = name_buildings(plan.city)
    stray = counts.index[~counts.index.isin(known)]
    if len(stray):
        raise TableError(f"{called}: no such building: {list_some(stray)}; read with this city")
    whole = counts[~counts.index.isin(plan.city.buildings.index)]
    own = counts.drop(whole.index)
    placed = pd.concat([own, *(_share_out(plan.city, name, row) for name, row in whole.iterrows())])
    units = _find_units(plan, placed.index)
    sums = placed.groupby(units.to_numpy()).sum()
    return sums.reindex(plan.units.index, fill_value=0).astype("int64")


def name_buildings(city: City) -> list[str]:
    """List the buildings that members may live in: those of the table, and whole ones of parts."""
    parts = city.buildings.get("part_of", pd.Series([], dtype="str"))
    return [*city.buildings.index, *parts[parts != ""].unique()]


def _share_out(city: City, name: object, counts: pd.Series) -> pd.DataFrame:
    """Share the counts of a whole building out to its entrances."""
    parts = city.buildings[city.buildings["part_of"] == name]
    weights = parts["households"].to_numpy(float)
    return pd.DataFrame(
        {one: _round_shares(counts[one], weights) for one in counts.index}, parts.index
    )


def _round_shares(count: int, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Share a count out by weights in whole numbers, by largest remainders.

    Examples
    --------
    >>> _round_shares(5, np.array([10.0, 10.0, 1.0])).tolist()
    [3, 2, 0]
    """
    weights = weights if weights.sum() > 0 else np.ones(len(weights))
    exact = count * weights / weights.sum()
    shares = np.floor(exact).astype(np.int64)
    order = np.argsort(shares - exact, kind="stable")
    shares[order[: count - shares.sum()]] += 1
    return shares


def _find_units(plan: Plan, buildings: pd.Index) -> pd.Series:
    """Return the unit of each building: its own, else the one that an inner point of it lies in."""
    named = plan.units[plan.units["building_id"] != ""]
    own = pd.Series(named.index, index=named["building_id"].to_numpy())
    own = own[~own.index.duplicated()]
    rest = buildings[~buildings.isin(own.index)].unique()
    if len(rest):
        shapes = plan.city.buildings.loc[rest].representative_point()
        points = gpd.GeoDataFrame(geometry=shapes).rename_axis("building")
        near = gpd.sjoin_nearest(points, plan.units[["geometry"]].rename_axis("unit"))["unit"]
        own = pd.concat([own, near.groupby(level=0).min()])
    return own.reindex(buildings).astype("int64")
