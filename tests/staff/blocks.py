"""Plans on squared paper: each square of 100 m is a unit with one building; letters are grids."""

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import box

from gridmap.adjacency import build_adjacency
from gridmap.city import City
from gridmap.plan import Plan, make_plan
from gridmap.rules import Rules
from gridmap.tables import BARRIERS, MEMBERS, STREETS, empty_table

CRS = 4550
CODES = ("210802003002", "210802003003", "210803002001")


def make_blocks(*rows: str, communities: tuple[int, ...] = ()) -> Plan:
    """Make a plan of letters, the northern row first: ``make_blocks("AAB", "CCB")``.

    Grids are numbered as letters come in the alphabet; ``communities`` says how many letters each
    community has, all in one by default. Buildings are A0, A1 … from west to east, north to south.
    """
    letters = np.array([list(row) for row in rows])
    height, width = letters.shape
    y, x = np.indices(letters.shape)
    places = [
        box(100 * i, 100 * (height - 1 - j), 100 * (i + 1), 100 * (height - j))
        for i, j in zip(x.ravel(), y.ravel(), strict=True)
    ]
    label = letters.ravel()
    alphabet = sorted(set(label))
    sizes = communities or (len(alphabet),)
    home = dict(zip(alphabet, np.repeat(CODES[: len(sizes)], sizes), strict=True))
    community = np.array([home[one] for one in label])
    serial = pd.Series(label).groupby(label).cumcount()
    ids = [f"{one}{at}" for one, at in zip(label, serial, strict=True)]
    city = _make_city(places, community, ids, width)
    units = gpd.GeoDataFrame(
        {
            "households": 30,
            "buildings": 1,
            "community_id": community,
            "block_id": 0,
            "compound_id": city.buildings["compound_id"].to_numpy(),
            "building_id": ids,
        },
        index=pd.RangeIndex(len(places), name="unit_id"),
        geometry=places,
        crs=CRS,
    )
    adjacency = build_adjacency(units, city, Rules())
    codes = [f"{home[one]}{alphabet.index(one) + 1:03d}" for one in label]
    kept = pd.Series(codes, label)
    kept = kept[~kept.index.duplicated()]
    labels = pd.Series(label, units.index)
    return make_plan(city, units, adjacency, labels, Rules(), kept=kept)


def count_members(plan: Plan, **grids: object) -> pd.DataFrame:
    """Return members by grid letter: a number of full members, (full, probationary), or a list.

    A number goes to the grid's first building, a list to its buildings in order.
    """
    rows: dict[str, tuple[int, int]] = {}
    for letter, given in grids.items():
        counts = given if isinstance(given, list) else [given]
        for at, count in enumerate(counts):
            rows[f"{letter}{at}"] = count if isinstance(count, tuple) else (count, 0)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=["full", "probationary"])
    return frame.astype("int64").set_axis(pd.Index(list(rows), dtype="str", name=MEMBERS.index))


def code_of(plan: Plan, letter: str) -> str:
    """Return the code of a grid."""
    return str(plan.units.loc[plan.units["building_id"] == f"{letter}0", "grid_code"].iloc[0])


def _make_city(places: list[object], community: np.ndarray, ids: list[str], width: int) -> City:
    shapes = gpd.GeoSeries(places, crs=CRS)
    outlines = shapes.groupby(community).apply(lambda some: some.union_all())
    names = {"210802003002": "小雨社区", "210802003003": "东新社区", "210803002001": "清华社区"}
    communities = gpd.GeoDataFrame(
        {"code": outlines.index, "name": outlines.index.map(names), "street": "建设街道"},
        index=pd.Index(outlines.index, name="community_id"),
        geometry=gpd.GeoSeries(outlines.to_numpy(), crs=CRS).to_numpy(),
        crs=CRS,
    )
    west = np.arange(len(ids)) % width < 2
    buildings = gpd.GeoDataFrame(
        {
            "households": 30,
            "community_id": community,
            "compound_id": np.where(west, "银泉小区", ""),
            "name": ids,
            "floors": 6.0,
        },
        index=pd.Index(ids, name="building_id"),
        geometry=[place.buffer(-20, join_style="mitre") for place in places],
        crs=CRS,
    )
    return City(communities, buildings, empty_table(STREETS, CRS), empty_table(BARRIERS, CRS))
