"""How many households a grid should have where each unit lies: by the kind of its estate."""

import geopandas as gpd
import pandas as pd

from gridmap.city import City
from gridmap.errors import TableError
from gridmap.rules import Rules
from gridmap.tables import ESTATE_TYPES, list_some


def unit_targets(units: gpd.GeoDataFrame, city: City, rules: Rules) -> pd.Series:
    """Return the households of a usual grid for each unit.

    A unit's load is its households divided by this: a grid is on target where the loads of its
    units add up to 1, also where it joins estates of two kinds.

    Parameters
    ----------
    units : GeoDataFrame
        `UNITS`, of this city.
    city : City
        Its ``compounds`` say the kind of each compound, the optional column ``estate_type`` of its
        communities that of the homes outside of such compounds.
    rules : Rules
        The size of each kind (``rules.estates``, the middle of the range), and ``target`` where
        the city says no kind.

    Returns
    -------
    Series
        unit_id -> households (float), named ``target``.

    Raises
    ------
    TableError
        If a unit lies in a community that the city does not have.
    """
    sizes = {name: getattr(rules.estates, name).target for name in ESTATE_TYPES}
    targets = find_estate_types(units, city).map({**sizes, "": float(rules.target)})
    return targets.astype("float64").rename("target")


def building_limits(city: City, rules: Rules) -> pd.Series:
    """Return the households above which each building is divided into its entrances.

    Parameters
    ----------
    city : City
        See `unit_targets`.
    rules : Rules
        ``divide_above``; where that is not set, the upper end of the band: the target of the
        building's kind of estate, and ``tolerance`` more.

    Returns
    -------
    Series
        building_id -> households, 1 or more, named ``limit``; empty if ``divide_above`` is 0, for
        then none is divided.
    """
    buildings = city.buildings
    if rules.divide_above is not None:
        limits = pd.Series(rules.divide_above, buildings.index[: None if rules.divide_above else 0])
    else:
        limits = (unit_targets(buildings, city, rules) * (1 + rules.tolerance)).round()
    return limits.astype("int64").rename("limit")


def find_estate_types(places: pd.DataFrame, city: City) -> pd.Series:
    """Return the kind of estate of each row: its compound's, else its community's, else "".

    Parameters
    ----------
    places : DataFrame
        Units or buildings of this city: with ``compound_id`` and ``community_id``.
    city : City
        See `unit_targets`.

    Returns
    -------
    Series
        The table's index -> one of `ESTATE_TYPES` or "", named ``estate_type``.

    Raises
    ------
    TableError
        If a row lies in a community that the city does not have.
    """
    strange = places["community_id"][~places["community_id"].isin(city.communities.index)]
    if len(strange):
        raise TableError(
            f"no such community: {list_some(strange.unique())}; give the units of this city"
        )
    known = city.compounds["estate_type"].reindex(places["compound_id"], fill_value="")
    types = known.set_axis(places.index, axis=0)
    if "estate_type" in city.communities:
        community = places["community_id"].map(city.communities["estate_type"])
        types = types.where(types != "", community)
    return types.astype("str").rename("estate_type")
