"""What of a plan can be found: grids, communities, street offices, compounds, streets, buildings.

No person is among it: the tables of a plan hold no resident, and workers are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from gridmap.crs import to_degrees
from gridmap.later import later
from gridmap.locate import Locator, make_locator
from gridmap.reading.addresses import (
    normalize_building_number,
    split_address,
    strip_region,
    write_plain,
)
from gridmap.search.spelling import write_name

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from gridmap.plan import Plan
else:
    gpd = later("geopandas")
    pd = later("pandas")

#: What can be found, in the order in which equally good ones are listed.
KINDS = ("community", "office", "grid", "compound", "street", "building")
#: The kinds that have a code which may be typed in part.
CODED = ("grid", "community", "building")
_GRID = re.compile(r"第?([0-9零〇一二两三四五六七八九十百]+)号?网格$")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """One thing that can be found.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    code : str
        Its key in the plan's tables; the name where it has none.
    name, address : str
        What it is called, alone and after the names of what it lies in.
    number : str
        Of a building or grid, in one spelling, or "".
    grid, grid_name : str
        Code and name of the grid that it lies in; "" where it lies in several.
    community, street : str
        Names of its community and street office, or "".
    community_code : str
        The community's code, 12 digits, or "".
    lon, lat : float
        A place of it, in degrees of WGS-84.
    households : int
        How many it has; 0 for streets and offices. Never told in public.
    parts : tuple of str
        The names by which it is found, the widest first, its own last.
    """

    kind: str
    code: str
    name: str
    address: str
    lon: float
    lat: float
    parts: tuple[str, ...]
    number: str = ""
    grid: str = ""
    grid_name: str = ""
    community: str = ""
    street: str = ""
    community_code: str = ""
    households: int = 0


def split_grid(text: str) -> tuple[str, str] | None:
    """Part the number of a grid from the name before it; None where ``text`` names no grid.

    Examples
    --------
    >>> split_grid("小雨社区第十二网格"), split_grid("小雨社区")
    (('小雨社区', '12'), None)
    """
    plain = write_plain(text)
    found = _GRID.search(plain)
    if found is None:
        return None
    return plain[: found.start()], normalize_building_number(f"{found.group(1)}号")[0]


@dataclass(frozen=True)
class _Names:
    """The names of what things lie in.

    Parameters
    ----------
    communities : dict
        Id of a community -> its name, its street office's and its code.
    grids : dict
        Code of a grid -> its name; "" -> "".
    """

    communities: dict[str, tuple[str, str, str]]
    grids: dict[str, str]


def list_entries(plan: Plan) -> list[Entry]:
    """List what of a plan can be found, in the order of `KINDS` and of the plan's tables."""
    communities = plan.city.communities
    named = zip(*(communities[name] for name in ("name", "street", "code")), strict=True)
    grids = dict(zip(plan.grids.index, plan.grids["name"], strict=True))
    names = _Names(dict(zip(communities.index, named, strict=True)), {"": "", **grids})
    buildings = _place_buildings(plan)
    return [
        *_list_communities(plan, names),
        *_list_offices(plan),
        *_list_grids(plan, names),
        *_list_compounds(buildings, names),
        *_list_streets(plan),
        *_list_buildings(buildings, names),
    ]


def _list_grids(plan: Plan, names: _Names) -> Iterator[Entry]:
    row: Any
    for row, (lon, lat) in zip(plan.grids.itertuples(), _place(plan.grids), strict=True):
        stem, number = split_grid(row.name) or (write_plain(row.name), "")
        yield Entry(
            kind="grid",
            code=row.Index,
            name=row.name,
            number=number,
            lon=lon,
            lat=lat,
            households=int(row.households),
            **_lie_in(names, row.community_id, row.Index, [row.name], [stem]),
        )


def _list_communities(plan: Plan, names: _Names) -> Iterator[Entry]:
    communities = plan.city.communities
    of_grids = plan.grids.reset_index().groupby("community_id")
    households = of_grids["households"].sum()
    grids = of_grids["grid_code"].agg(_take_only)
    row: Any
    for row, (lon, lat) in zip(communities.itertuples(), _place(communities), strict=True):
        grid = grids.get(row.Index, "")
        yield Entry(
            kind="community",
            code=row.Index,
            name=row.name,
            address=_join(row.street, row.name),
            grid=grid,
            grid_name=names.grids[grid],
            community=row.name,
            street=row.street,
            community_code=row.code,
            lon=lon,
            lat=lat,
            households=int(households.get(row.Index, 0)),
            parts=_keep_parts(row.street, row.name),
        )


def _list_offices(plan: Plan) -> Iterator[Entry]:
    communities = plan.city.communities
    named = communities[communities["street"] != ""]
    if named.empty:
        return
    offices = named[["street", named.geometry.name]].dissolve("street")
    for name, (lon, lat) in zip(offices.index, _place(offices), strict=True):
        yield Entry(
            kind="office",
            code=name,
            name=name,
            address=name,
            street=name,
            lon=lon,
            lat=lat,
            parts=_keep_parts(name),
        )


def _list_compounds(buildings: pd.DataFrame, names: _Names) -> Iterator[Entry]:
    """List compounds; the place of one is its building that is nearest to their middle."""
    inside = buildings[buildings["compound_id"] != ""]
    of_compound = inside.groupby(["community_id", "compound_id"])
    offset = inside[["lon", "lat"]] - of_compound[["lon", "lat"]].transform("mean")
    away = (offset**2).sum(axis=1)
    middles = inside.loc[away.groupby([inside["community_id"], inside["compound_id"]]).idxmin()]
    grids = of_compound["grid"].agg(_take_only)
    households = of_compound["households"].sum()
    row: Any
    for row, grid, count in zip(middles.itertuples(), grids, households, strict=True):
        own = [row.compound_id]
        yield Entry(
            kind="compound",
            code=row.compound_id,
            name=row.compound_id,
            lon=row.lon,
            lat=row.lat,
            households=int(count),
            **_lie_in(names, row.community_id, grid, own, own),
        )


def _list_streets(plan: Plan) -> Iterator[Entry]:
    """List named streets; the place of one is the middle of its longest piece."""
    streets = plan.city.streets
    named = streets[streets["name"] != ""]
    longest = named.loc[named.length.groupby(named["name"]).idxmax()]
    middles = longest.set_geometry(longest.interpolate(0.5, normalized=True))
    for name, (lon, lat) in zip(longest["name"], _place(middles), strict=True):
        yield Entry(
            kind="street",
            code=name,
            name=name,
            address=name,
            lon=lon,
            lat=lat,
            parts=_keep_parts(name),
        )


def _list_buildings(buildings: pd.DataFrame, names: _Names) -> Iterator[Entry]:
    """List the buildings that have a number or a name."""
    row: Any
    for row in buildings[buildings["name"] != ""].itertuples():
        stem, number, _, _ = split_address(row.name)
        known = [row.compound_id, strip_region(stem)]
        yield Entry(
            kind="building",
            code=row.Index,
            name=row.name,
            number=number,
            lon=row.lon,
            lat=row.lat,
            households=int(row.households),
            **_lie_in(names, row.community_id, row.grid, [row.compound_id, row.name], known),
        )


def _lie_in(
    names: _Names, community_id: str, grid: str, own: Sequence[str], known: Sequence[str]
) -> dict[str, Any]:
    """Return the fields of an entry that say in what it lies.

    ``own`` are the last names of its address, ``known`` those by which it is found.
    """
    community, office, code = names.communities[community_id]
    return {
        "address": _join(office, community, *own),
        "grid": grid,
        "grid_name": names.grids[grid],
        "community": community,
        "street": office,
        "community_code": code,
        "parts": _keep_parts(office, community, *known),
    }


def _take_only(codes: pd.Series) -> str:
    """Return the one code that all rows have, else ""."""
    found = codes.unique()
    return str(found[0]) if len(found) == 1 else ""


def _place_buildings(plan: Plan) -> pd.DataFrame:
    """Return the buildings with the longitude, latitude and grid of each."""
    buildings = plan.city.buildings
    places = np.array(_place(buildings)).reshape(-1, 2)
    codes = _own(make_locator(plan), plan.grids.index, places)
    columns = ["name", "households", "community_id", "compound_id"]
    return pd.DataFrame(buildings[columns]).assign(lon=places[:, 0], lat=places[:, 1], grid=codes)


def _own(locator: Locator, codes: pd.Index, places: Floats) -> list[str]:
    """Return the code of the grid that owns each place, or the nearest, or ""."""
    owners = locator.owners(places[:, 0], places[:, 1])
    listed = [*codes.tolist(), ""]
    found = [listed[owner] for owner in owners.tolist()]
    for at in np.flatnonzero(owners < 0).tolist():
        found[at] = locator.locate(*places[at].tolist()).grid_code or ""
    return found


def _place(frame: gpd.GeoDataFrame) -> list[list[float]]:
    """Return a place of each row, in degrees to seven decimals."""
    points = gpd.GeoSeries(shapely.point_on_surface(frame.geometry.to_numpy()), crs=frame.crs)
    degrees = to_degrees(points.to_frame("geometry")).geometry
    return shapely.get_coordinates(degrees.to_numpy()).round(7).tolist()


def _join(*names: str) -> str:
    """Write names one after the other; one that begins with those before it replaces them.

    Examples
    --------
    >>> _join("建设街道", "小雨社区", "小雨社区第1网格")
    '建设街道小雨社区第1网格'
    """
    text = ""
    for at, name in enumerate(names):
        before = ("".join(names[start:at]) for start in range(at))
        text = text.removesuffix(next(filter(name.startswith, before), "")) + name
    return text


def _keep_parts(*names: str) -> tuple[str, ...]:
    """Return the names in one spelling, each once, without empty ones."""
    return tuple(dict.fromkeys(write_name(name) for name in names if name))
