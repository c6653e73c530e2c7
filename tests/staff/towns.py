"""Strips of square grids, and workers to put into them."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely import LineString, Point, box
from shapely.ops import unary_union

from gridmap.adjacency import build_adjacency
from gridmap.city import City
from gridmap.plan import Plan, make_plan
from gridmap.rules import Rules
from gridmap.tables import BARRIERS, STREETS, WORKERS, empty_table

#: The communities of a strip, W to E.
PLACES = tuple(f"210802003{number:03d}" for number in range(1, 400))


def make_strip(
    households: Sequence[Sequence[int]],
    *,
    rules: Rules | None = None,
    street: bool = True,
    width: int | None = None,
) -> Plan:
    """Return a row of square grids of 100 m, W to E, a community for each list of households.

    The k-th grid of the whole strip is the k-th in the plan's order. A street runs along the
    southern edge. With a ``width`` the strip is wrapped into rows, from S to N, of so many grids;
    a street runs along each, and one joins them in the west.
    """
    rules = rules or Rules()
    flat = [number for some in households for number in some]
    owner = [place for place, some in zip(PLACES, households, strict=False) for _ in some]
    ids = list(dict.fromkeys(owner))
    rows = [divmod(at, width or len(flat)) for at in range(len(flat))]
    cells = [box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100) for y, x in rows]
    communities = gpd.GeoDataFrame(
        {"code": ids, "name": [f"{int(place[-3:])}号社区" for place in ids], "street": "建设街道"},
        index=pd.Index(ids, dtype="str", name="community_id"),
        geometry=[
            unary_union([cell for cell, of in zip(cells, owner, strict=True) if of == place])
            for place in ids
        ],
        crs=4550,
    )
    buildings = gpd.GeoDataFrame(
        {
            "households": flat,
            "community_id": owner,
            "compound_id": "",
            "name": [f"{at}号楼" for at in range(len(flat))],
            "floors": 6.0,
        },
        index=pd.Index([f"b{at}" for at in range(len(flat))], name="building_id"),
        geometry=[cell.buffer(-20, join_style="mitre") for cell in cells],
        crs=4550,
    )
    length, high = 100 * (width or len(flat)), 100 * rows[-1][0]
    lines = [LineString([(0, y), (length, y)]) for y in range(0, high + 1, 100)]
    lines += [LineString([(0, 0), (0, high)])] if high else []
    streets = gpd.GeoDataFrame(
        {"kind": "street", "name": [f"{at}街" for at in range(len(lines))]},
        index=pd.Index([f"s{at}" for at in range(len(lines))], name="street_id"),
        geometry=lines,
        crs=4550,
    )
    city = City(
        communities,
        buildings,
        streets if street else empty_table(STREETS, 4550),
        empty_table(BARRIERS, 4550),
    )
    units = gpd.GeoDataFrame(
        {
            "households": flat,
            "buildings": 1,
            "community_id": owner,
            "block_id": np.arange(len(flat)),
            "compound_id": "",
            "building_id": buildings.index.to_numpy(object),
        },
        index=pd.Index(range(len(flat)), name="unit_id"),
        geometry=cells,
        crs=4550,
    )
    adjacency = build_adjacency(units, city, rules)
    return make_plan(city, units, adjacency, pd.Series(range(len(flat)), units.index), rules)


def make_people(*people: dict[str, Any]) -> gpd.GeoDataFrame:
    """Return workers; what a person doesn't say is usual. ``x`` is metres from the west end."""
    usual: dict[str, Any] = {
        "name": "某人",
        "kind": "cadre",
        "community_id": "",
        "party": "",
        "skills": "",
        "phone": "",
        "capacity": 300,
        "limit": 500,
        "days": 5.0,
        "home_unit": "",
        "starts": None,
        "ends": None,
    }
    rows = [{**usual, "worker_id": f"w{at}", **one} for at, one in enumerate(people)]
    points = [Point(row.pop("x"), 0) if "x" in row else None for row in rows]
    frame = pd.DataFrame(rows).set_index("worker_id")
    frame["person"] = [row.get("person", row["worker_id"]) for row in rows]
    kinds = {"i": "int64", "f": "float64", "O": "str", "M": "datetime64[s]"}
    frame = frame.astype({name: kinds[kind] for name, kind in WORKERS.columns.items()})
    return gpd.GeoDataFrame(
        frame[list(WORKERS.columns)], geometry=gpd.GeoSeries(points, frame.index, crs=4550)
    )
