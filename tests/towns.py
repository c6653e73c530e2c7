"""Small towns that can be drawn on paper and counted by hand."""

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import LineString, box

from gridmap.adjacency import build_adjacency
from gridmap.city import City
from gridmap.plan import Plan, make_plan
from gridmap.rules import Rules


def make_four_by_two() -> Plan:
    """Return the plan of `four_by_two`: in each community one grid south and one north."""
    column, row = np.tile(np.arange(4), 2), np.repeat([0, 1], 4)
    cells = [
        box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100)
        for x, y in zip(column, row, strict=True)
    ]
    community = np.where(column < 2, "210802003002", "210802003003")
    households = np.where(row == 0, 60, 90)
    buildings = gpd.GeoDataFrame(
        {
            "households": households,
            "community_id": community,
            "compound_id": np.where(column == 0, "west", ""),
            "name": [f"{number}号楼" for number in range(8)],
            "floors": 6.0,
        },
        index=pd.Index([f"b{number}" for number in range(8)], name="building_id"),
        geometry=[cell.buffer(-20, join_style="mitre") for cell in cells],
        crs=4550,
    )
    communities = gpd.GeoDataFrame(
        {
            "code": ["210802003002", "210802003003"],
            "name": ["小雨社区", "东新社区"],
            "street": "建设街道",
        },
        index=pd.Index(["210802003002", "210802003003"], name="community_id"),
        geometry=[box(0, 0, 200, 200), box(200, 0, 400, 200)],
        crs=4550,
    )
    streets = gpd.GeoDataFrame(
        {"kind": ["main_road"], "name": ["建设大街"]},
        index=pd.Index(["s0"], name="street_id"),
        geometry=[LineString([(0, 100), (400, 100)])],
        crs=4550,
    )
    barriers = gpd.GeoDataFrame(
        {"kind": pd.Series([], dtype="str"), "name": pd.Series([], dtype="str")},
        index=pd.Index([], dtype="str", name="barrier_id"),
        geometry=gpd.GeoSeries([], crs=4550),
    )
    city = City(communities, buildings, streets, barriers, name="四乘二")
    units = gpd.GeoDataFrame(
        {
            "households": households,
            "buildings": 1,
            "community_id": community,
            "block_id": row,
            "compound_id": buildings["compound_id"].to_numpy(),
            "building_id": buildings.index.to_numpy(),
        },
        index=pd.Index(range(8), name="unit_id"),
        geometry=[box(*cell.bounds) for cell in cells],
        crs=4550,
    )
    rules = Rules(target=150, hard_min=100, hard_max=200)
    assignment = pd.Series(row * 2 + (column > 1), index=units.index)
    adjacency = build_adjacency(units, city, rules)
    return make_plan(city, units, adjacency, assignment, rules, name="四乘二")
