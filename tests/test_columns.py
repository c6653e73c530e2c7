"""Recognising layers and columns by name, and by a mapping."""

import numpy as np
import pandas as pd
import pytest

from gridmap.columns import (
    choose_layers,
    find_sources,
    missing_columns,
    read_mapping,
    recognise_layer,
    take_column,
    to_text,
)
from gridmap.errors import TableError


@pytest.mark.parametrize(
    ("name", "table", "kind"),
    [
        ("communities", "communities", ""),
        ("站前区社区", "communities", ""),
        ("社区边界", "communities", ""),
        ("subzones", "communities", ""),
        ("gis_osm_buildings_a_free_1", "buildings", ""),
        ("房屋面", "buildings", ""),
        ("楼栋", "buildings", ""),
        ("Roads", "streets", ""),
        ("road_sections", "streets", ""),
        ("主要道路", "streets", ""),
        ("railways", "barriers", "railway"),
        ("铁路线", "barriers", "railway"),
        ("gis_osm_waterways_free_1", "barriers", "river"),
        ("水系", "barriers", "river"),
        ("boundary", "boundary", ""),
        ("行政边界", "boundary", ""),
        ("broadcast", "", ""),
        ("街道", "", ""),
        ("schools", "", ""),
    ],
)
def test_layer_names(name, table, kind):
    """Names in English and Chinese; a word inside of another word does not count."""
    assert recognise_layer(name) == (table, kind)


def test_mapped_layers_serve_one_table():
    """A layer in the mapping is not recognised once more; what is not mapped is, with its kind."""
    mapping = read_mapping(
        {
            "streets": [{"layer": "railways", "kind": "=street"}],
            "barriers": {"name": "label"},
            "boundary": [],
        }
    )
    uses = choose_layers(["railways", "water", "buildings", "boundary", "water"], mapping)
    assert [(use.table, use.layer, dict(use.columns)) for use in uses] == [
        ("streets", "railways", {"kind": "=street"}),
        ("barriers", "water", {"kind": "=river", "name": "label"}),
        ("buildings", "buildings", {}),
    ]


def test_mapping_from_toml(tmp_path):
    """A TOML file holds the same as a dict: one mapping or a list of them."""
    path = tmp_path / "columns.toml"
    path.write_text(
        '[buildings]\nlayer = "楼"\nbuilding_id = ["a", "b"]\n'
        '[[barriers]]\nlayer = "r"\nkind = "=railway"\n[[barriers]]\nlayer = "w"\n',
        encoding="utf-8-sig",
    )
    assert read_mapping(path) == {
        "buildings": [{"layer": "楼", "building_id": ["a", "b"]}],
        "barriers": [{"layer": "r", "kind": "=railway"}, {"layer": "w"}],
    }
    path.write_bytes("name = '社区'".encode("gbk"))
    with pytest.raises(TableError, match="is not TOML in UTF-8"):
        read_mapping(path)


def test_everything_wrong_in_a_mapping():
    """One error names every table, column and value that a mapping does not have."""
    wrong = {
        "roads": {},
        "streets": "roads",
        "buildings": {"layer": ["a"], "flats": "x", "name": 3, "floors": []},
    }
    with pytest.raises(TableError) as caught:
        read_mapping(wrong)
    for part in (
        "no table 'roads'",
        "streets is 'roads', not a mapping",
        "buildings.layer is ['a']",
        "no column 'flats'; there are layer, building_id",
        "buildings.name is 3",
        "buildings.floors is []",
    ):
        assert part in str(caught.value)


def test_columns_by_name():
    """Columns are found without regard to case and spaces, the best name first."""
    (use,) = choose_layers(["buildings"], read_mapping({"buildings": {"name": "=x"}}))
    columns = ["ID", " 户数", "总户数", "小区", "层数", "name", "BID"]
    assert find_sources(use, columns) == {
        "name": "=x",
        "building_id": "BID",
        "households": " 户数",
        "compound_id": "小区",
        "floors": "层数",
    }


def test_sources_of_a_column():
    """A column, a constant, the first that is filled, several joined; what is missing is named."""
    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["x", "", None], "c": [7, 8, 9]})
    assert take_column(frame, "a").dtype == float
    assert take_column(frame, "=街").tolist() == ["街"] * 3
    assert take_column(frame, "b|c").tolist() == ["x", 8, 9]
    assert take_column(frame, ["a", "b", "=号"]).tolist() == ["1 x 号", "号", "3 号"]
    assert missing_columns(["a|y", "=z", "x"], frame.columns) == ["y", "x"]


def test_text_of_values():
    """Whole numbers lose .0 and keep every digit; missing values of any type are empty."""
    assert to_text(pd.Series([1.5, 2.0, None])).tolist() == ["1.5", "2", ""]
    assert to_text(pd.Series([210802003002, 3])).tolist() == ["210802003002", "3"]
    mixed = pd.Series([1.0, " a ", None, np.nan, True], dtype=object)
    assert to_text(mixed).tolist() == ["1", "a", "", "", "True"]
    assert to_text(pd.Series([np.inf])).tolist() == ["inf"]
