"""The check at the door names everything that is wrong with a table, at once."""

import geopandas as gpd
import pandas as pd
import pytest
from shapely import Point, Polygon, box

from gridmap.errors import TableError
from gridmap.tables import (
    ADJACENCY,
    COMMUNITIES,
    COMPOUNDS,
    ENTRANCES,
    EXISTING,
    STREETS,
    UNITS,
    ZONES,
    Table,
    check_table,
    empty_table,
    table_columns,
)


def make_units(**changes: object) -> gpd.GeoDataFrame:
    """Two units side by side, with columns changed."""
    columns = {
        "households": [30, 0],
        "buildings": [1, 0],
        "community_id": ["c", "c"],
        "block_id": [0, 0],
        "compound_id": ["", ""],
        "building_id": ["b1", ""],
    }
    index = pd.Index([0, 1], name="unit_id")
    return gpd.GeoDataFrame(
        {**columns, **changes}, index=index, geometry=[box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4550
    )


def test_a_good_table_passes() -> None:
    """Nothing is raised for a table that keeps its contract."""
    check_table(make_units(), UNITS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"households": [30.5, 0]}, "'households' is float64, not whole numbers"),
        ({"households": [30, -1]}, "'households' is negative in rows 1"),
        ({"community_id": ["c", None]}, "'community_id' is empty in rows 1"),
        ({"community_id": [1, 2]}, "'community_id' is int64, not text"),
    ],
)
def test_a_wrong_column_is_named_with_its_rows(changes: dict[str, object], words: str) -> None:
    """Type, sign and missing values are said with column and row."""
    with pytest.raises(TableError, match=words):
        check_table(make_units(**changes), UNITS)


def test_every_problem_is_said_at_once() -> None:
    """Key, column, CRS and geometry in one message."""
    units = make_units().drop(columns="block_id").rename_axis("id").to_crs(4326)
    units = units.set_geometry([Point(0, 0), Polygon()], crs=4326)
    with pytest.raises(TableError) as caught:
        check_table(units, UNITS)
    for words in (
        "'id', not 'unit_id'",
        "no column 'block_id'",
        "projected",
        "not Polygon in rows 0",
        "no geometry in rows 1",
    ):
        assert words in str(caught.value)


def test_duplicate_keys_and_strange_values() -> None:
    """Keys are unique; a column of choices holds nothing else."""
    twice = pd.concat([make_units(), make_units()])
    with pytest.raises(TableError, match="duplicate unit_id: 0, 1"):
        check_table(twice, UNITS)
    pairs = pd.DataFrame(
        {"unit_a": [0], "unit_b": [1], "border": [5.0], "barrier": ["wall"], "usable": [True]}
    )
    with pytest.raises(TableError, match="'barrier' holds wall"):
        check_table(pairs, ADJACENCY)


def test_a_plain_table_is_no_map() -> None:
    """A table of areas without geometry is refused."""
    plain = pd.DataFrame(
        {"code": ["210802003002"], "name": ["小雨社区"], "street": [""]},
        index=pd.Index(["1"], name="community_id"),
    )
    with pytest.raises(TableError, match="no geometry column"):
        check_table(plain, COMMUNITIES)


def test_optional_columns_are_checked_where_they_are() -> None:
    """A column that a table may have keeps its kind and its choices; without it all is well."""
    communities = gpd.GeoDataFrame(
        {"code": ["210802003002"], "name": ["小雨社区"], "street": [""]},
        index=pd.Index(["1"], name="community_id"),
        geometry=[box(0, 0, 1, 1)],
        crs=4550,
    )
    check_table(communities, COMMUNITIES)
    check_table(communities.assign(estate_type="rural"), COMMUNITIES)
    check_table(communities.assign(estate_type=""), COMMUNITIES)
    with pytest.raises(TableError, match="'estate_type' holds village"):
        check_table(communities.assign(estate_type="village"), COMMUNITIES)
    with pytest.raises(TableError, match="'estate_type' is int64, not text"):
        check_table(communities.assign(estate_type=1), COMMUNITIES)


def test_entrances_may_have_points() -> None:
    """Plain, with points, or with some; never with areas or in degrees."""
    plain = pd.DataFrame({"building_id": ["b", "b"], "entrance": ["1", "2"], "households": [3, 4]})
    check_table(plain, ENTRANCES)
    check_table(gpd.GeoDataFrame(plain, geometry=[Point(0, 0), None], crs=4550), ENTRANCES)
    with pytest.raises(TableError, match="geometry is not Point in rows 1"):
        areas = gpd.GeoDataFrame(plain, geometry=[Point(0, 0), box(0, 0, 1, 1)], crs=4550)
        check_table(areas, ENTRANCES)
    with pytest.raises(TableError, match="not a projected one"):
        check_table(gpd.GeoDataFrame(plain, geometry=[Point(0, 0)] * 2, crs=4326), ENTRANCES)


@pytest.mark.parametrize("table", [STREETS, ZONES, EXISTING, COMPOUNDS, ENTRANCES, ADJACENCY])
def test_an_empty_table_keeps_its_contract(table: Table) -> None:
    """With geometry where there must be one, plain where not; without optional columns."""
    empty = empty_table(table, 4550)
    check_table(empty, table)
    assert len(empty) == 0
    placed = isinstance(empty, gpd.GeoDataFrame)
    assert placed == bool(table.geometry and table.placed)
    assert list(table_columns(empty, table)) == list(table.columns)
