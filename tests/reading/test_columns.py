"""Recognising layers and columns by name, and by a mapping."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridmap.errors import TableError
from gridmap.reading.columns import (
    COLUMN_NAMES,
    choose_layers,
    find_sources,
    missing_columns,
    read_aliases,
    read_mapping,
    recognise_layer,
    take_column,
    to_text,
)


@pytest.mark.parametrize(
    ("name", "table", "kind"),
    [
        ("communities", "communities", ""),
        ("站前区社区", "communities", ""),
        ("社区边界", "communities", ""),
        ("subzones", "communities", ""),
        ("gis_osm_buildings_a_free_1", "buildings", ""),
        ("房屋面", "buildings", ""),
        ("小雨社区楼栋台账", "buildings", ""),
        ("台账/小雨社区", "buildings", ""),
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


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("households", ["户数", "总户数", "住户数", "总户数（户）", "户 数", "*户数"]),
        ("number", ["楼号", "楼栋号", "栋号", "幢号"]),
        ("entrance", ["单元", "单元号"]),
        ("floors", ["层数", "楼层", "总层数", "总层数(层)"]),
        ("compound_id", ["小区", "小区名称", "楼盘"]),
        ("community", ["社区", "社区名称", "社区编码"]),
        ("name", ["地址", "门牌"]),
        ("use", ["用途", "房屋用途", "building", "is_living"]),
    ],
)
def test_names_in_lists_of_buildings(column, names):
    """Every header that lists of buildings use is recognised."""
    (use,) = choose_layers(["楼栋"], {})
    for name in names:
        assert find_sources(use, ["序号", name])[column] == name


def test_names_of_communities_and_streets():
    """社区名称, 社区编码, 街道名称 are a community's."""
    (use,) = choose_layers(["社区"], {})
    sources = find_sources(use, ["社区编码", "社区名称", "街道名称"])
    assert sources == {
        "community_id": "社区编码",
        "code": "社区编码",
        "name": "社区名称",
        "street": "街道名称",
    }


def test_vacant_households_are_no_households():
    """A bracket that is no unit is another column: 户数（空置）."""
    (use,) = choose_layers(["楼栋"], {})
    assert "households" not in find_sources(use, ["户数（空置）"])


def test_aliases_add_to_the_names(tmp_path):
    """An alias comes first, the built-in names and the mapping go on working."""
    path = tmp_path / "columns.toml"
    path.write_text(
        '[buildings]\nname = "label"\n[aliases.buildings]\nhouseholds = ["常住户"]\n',
        encoding="utf-8",
    )
    mapping, aliases = read_mapping(path), read_aliases(path)
    assert mapping == {"buildings": [{"name": "label"}]}
    (use,) = choose_layers(["楼栋"], mapping, aliases)
    assert find_sources(use, ["户数", "常住户"]) == {"name": "label", "households": "常住户"}
    assert find_sources(use, ["户数"])["households"] == "户数"
    (other,) = choose_layers(["社区"], mapping, aliases)
    assert not other.aliases
    assert read_aliases(None) == {}


@pytest.mark.parametrize(
    ("aliases", "problem"),
    [
        ({"houses": {"households": ["x"]}}, "aliases.houses has no column 'households'; there are"),
        ({"buildings": {"flats": ["x"]}}, "aliases.buildings has no column 'flats'"),
        ({"buildings": {"households": "x"}}, "aliases.buildings.households is 'x', not a list"),
        ({"buildings": ["x"]}, r"not tables such as \[aliases.buildings\]"),
        (["x"], "not tables such as"),
    ],
)
def test_wrong_aliases(aliases, problem):
    """A table or column that does not exist, and a value that is no list, are named."""
    with pytest.raises(TableError, match=problem):
        read_aliases({"aliases": aliases})


def test_names_are_documented():
    """The page on formats lists every name of a building's columns."""
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    for column, names in COLUMN_NAMES["buildings"].items():
        shown = ", ".join(f"`{name}`" if name.isascii() else name for name in names)
        assert f"`{column}` | {shown}\n" in text
