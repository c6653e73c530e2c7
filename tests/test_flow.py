"""The whole flow on every data set, bundled and shared: no household is lost on the way."""

from pathlib import Path
from typing import Any

import pytest
import shapely

from gridmap.city import read_city
from gridmap.plan import draw_plan
from tests.conftest import SHARED

BUNDLED = Path(__file__).parents[1] / "data"
#: What to read, its columns, and the households that its publisher counts.
CITIES: dict[str, tuple[Path, Any, int]] = {
    "monaco": (BUNDLED / "monaco.gpkg", BUNDLED / "monaco.columns.toml", 22_605),
    "bukit merah": (
        SHARED / "singapore_hdb_bukitmerah_3414.gpkg",
        {
            "communities": {"layer": "subzones", "community_id": "SUBZONE_C"},
            "buildings": {
                "layer": "hdb_blocks",
                "building_id": ["street", "blk_no"],
                "households": "total_dwelling_units",
            },
            "streets": {"layer": "road_sections", "kind": "=street"},
        },
        51_791,
    ),
    "vologda": (
        SHARED / "vologda_osm_32637.gpkg",
        {
            "buildings": {"building_id": "bid", "households": "households_est"},
            "streets": {"layer": "roads", "kind": "=main_road"},
        },
        148_674,
    ),
    "lujiazui": (
        SHARED / "shanghai_lujiazui_osm_32651.gpkg",
        {"buildings": {"building_id": "id", "households": "households_est"}},
        5_229,
    ),
}


@pytest.mark.parametrize("name", CITIES)
def test_households_in_are_households_in_the_plan(name: str) -> None:
    """What the file counts is in the grids, which are a coverage, each in one community."""
    path, columns, households = CITIES[name]
    if not path.exists():
        pytest.skip(f"no data at {path}")
    city = read_city(path, columns=columns)
    plan = draw_plan(city, steps=10)
    assert city.households == households
    assert plan.units["households"].sum() == households
    assert plan.grids["households"].sum() == households
    assert shapely.coverage_is_valid(plan.grids.geometry.to_numpy())
    assert (plan.units.groupby("grid_code")["community_id"].nunique() == 1).all()
