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
    types = find_estate_types(units, city)
    sizes = {name: getattr(rules.estates, name).target for name in ESTATE_TYPES}
    targets = types.map({**sizes, "": float(rules.target)})
    return targets.astype("float64").rename("target")


def find_estate_types(units: gpd.GeoDataFrame, city: City) -> pd.Series:
    """Return the kind of estate of each unit: its compound's, else its community's, else "".

    Parameters
    ----------
    units : GeoDataFrame
        `UNITS`, of this city.
    city : City
        See `unit_targets`.

    Returns
    -------
    Series
        unit_id -> one of `ESTATE_TYPES` or "", named ``estate_type``.

    Raises
    ------
    TableError
        If a unit lies in a community that the city does not have.
    """
    strange = units["community_id"][~units["community_id"].isin(city.communities.index)]
    if len(strange):
        raise TableError(
            f"units: no such community: {list_some(strange.unique())}; give the units of this city"
        )
    known = city.compounds["estate_type"].reindex(units["compound_id"], fill_value="")
    types = known.set_axis(units.index, axis=0)
    if "estate_type" in city.communities:
        community = units["community_id"].map(city.communities["estate_type"])
        types = types.where(types != "", community)
    return types.astype("str").rename("estate_type")
