"""Lists without coordinates: one spelling of compounds and numbers, and the join to footprints."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from gridmap.reading.addresses import normalize_building_number, normalize_compound, place_lists


@pytest.mark.parametrize(
    ("written", "number", "entrance"),
    [
        *((text, "3", "") for text in ("3号楼", "3#", "3栋", "3幢", "三号楼", "３号楼", "3 号楼")),
        *((text, "3", "") for text in ("3", "03", "003号", "第三栋", "3座", "3#楼", "No.3", "3.0")),
        *((text, "A", "") for text in ("A座", "a座", "Ａ栋", "A")),
        *((text, "12-3", "") for text in ("12-3号楼", "12－3#", "012—03幢", "十二-三号楼")),
        ("3号楼2单元", "3", "2"),
        ("3#二单元", "3", "2"),
        ("3-2单元", "3", "2"),
        ("12-3号楼甲单元", "12-3", "甲"),
        ("10号楼", "10", ""),
        ("十号楼", "10", ""),
        ("二十三栋", "23", ""),
        ("一百零二号", "102", ""),
        ("一二号楼", "12", ""),
        ("3号楼A座", "3-A", ""),
        ("3号楼（东）", "3-东", ""),
        ("东1号楼", "东1", ""),
        ("甲3栋", "甲3", ""),
        ("配电室", "配电室", ""),
        ("", "", ""),
    ],
)
def test_building_numbers(written, number, entrance):
    """Every way to write a number is one; different numbers stay different."""
    assert normalize_building_number(written) == (number, entrance)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        *(
            (text, "幸福小区")
            for text in (
                *("幸福小区", " 幸福 小区", "营口市幸福小区", "站前区幸福小区", "建设街道幸福小区"),
                *("辽宁省营口市站前区建设街道幸福小区", "西市区幸福小区", "建设街道办事处幸福小区"),
            )
        ),
        ("幸福", "幸福"),
        ("幸福花园", "幸福花园"),
        ("幸福小区（一期）", "幸福小区(一期)"),
        ("幸福小区【一期】", "幸福小区(一期)"),
        ("ＡＢ公馆", "AB公馆"),
        ("万科东区花园", "万科东区花园"),
        ("万科西区花园", "万科西区花园"),
        ("营口市小区", "营口市小区"),
        ("永辉超市家属楼", "永辉超市家属楼"),
        ("幸福社区", "幸福社区"),
        ("", ""),
    ],
)
def test_compounds(written, name):
    """City, district and street go; what tells compounds apart stays."""
    assert normalize_compound(written) == name


def footprints(numbers, compound="幸福小区", **columns):
    """Return footprints F1, F2 … with their numbers."""
    count = len(numbers)
    table = {
        "building_id": [f"F{at + 1}" for at in range(count)],
        "compound_id": [compound] * count,
        "number": numbers,
        "total": "",
        "row": [f"row {at + 1}" for at in range(count)],
        **columns,
    }
    shapes = [box(30 * at, 0, 30 * at + 20, 20) for at in range(count)]
    return gpd.GeoDataFrame(table, geometry=shapes, crs=4550)


def rows(numbers, households, compound="幸福小区", **columns):
    """Return a list without positions, of a sheet whose header is row 1."""
    table = {
        "compound_id": [compound] * len(numbers),
        "number": numbers,
        "households": households,
        "total": "",
        "row": [f"台账 row {at + 2}" for at in range(len(numbers))],
        **columns,
    }
    return gpd.GeoDataFrame(table, geometry=[None] * len(numbers))


def join(*pieces):
    """Join pieces; return the footprints and what was found."""
    findings = []
    return pd.concat(place_lists(pieces, findings), ignore_index=True), findings


def listed(findings, word):
    """List action, row and value of the findings whose problem contains a word."""
    return [(f.action, f.row, f.value) for f in findings if word in f.problem]


def test_rows_meet_their_footprints():
    """However the two are written, each row finds its footprint, in any order."""
    drawn = footprints(["1号楼", "2号楼", "3号楼"], floors=[6, 6, np.nan])
    sheet = rows(["三栋", "1#", "０２幢"], ["30", "10户", 20], "营口市站前区幸福小区")
    sheet = sheet.assign(floors=["11层", None, None], building_id=["x", "y", "z"])
    frame, findings = join(drawn, sheet)
    assert frame["building_id"].tolist() == ["F1", "F2", "F3"]  # the footprint's stays
    assert frame["households"].tolist() == ["10户", 20, "30"]
    assert frame["floors"].tolist() == [6, 6, "11层"]  # the list's where it says one
    assert frame.geometry.tolist() == drawn.geometry.tolist()
    assert frame.crs == 4550
    assert listed(findings, "are joined") == [("noted", "", "3 of 3")]
    assert len(findings) == 1


def test_number_with_the_compound_in_it():
    """A number that repeats the compound is the number all the same."""
    frame, _ = join(footprints(["3号楼"]), rows(["幸福小区3号楼"], [7]))
    assert frame["households"].tolist() == [7]


def test_ids_of_the_list_where_footprints_have_none():
    """Without an id of its own a footprint takes the one of the list."""
    drawn = footprints(["1", "2"]).assign(building_id=["F1", None])
    frame, _ = join(drawn, rows(["1", "2"], [3, 4], building_id=["L1", "L2"]))
    assert frame["building_id"].tolist() == ["F1", "L2"]
    frame, _ = join(drawn.drop(columns="building_id"), rows(["2"], [4], building_id=["L2"]))
    assert frame["building_id"].fillna("").tolist() == ["", "L2"]


def test_what_does_not_match_is_named_on_both_sides():
    """A row without footprint is refused if it has households; a footprint without row is noted."""
    sheet = rows(["1", "9", "10", "11"], [5, 72, 0, None])
    frame, findings = join(footprints(["1", "2"]), sheet)
    assert listed(findings, "no footprint of this compound and number") == [
        ("refused", "台账 row 3", "幸福小区 9, 72 households"),
        ("noted", "台账 row 4", "幸福小区 10, 0 households"),
        ("refused", "台账 row 5", "幸福小区 11, no households"),
    ]
    assert listed(findings, "in no row of the list") == [("noted", "F2", "幸福小区 2")]
    assert frame["unlisted"].tolist() == [False, True]
    assert listed(findings, "are joined") == [("noted", "", "1 of 4")]


def test_rows_without_compound_or_number():
    """Without a number a row with households is refused, a line of signatures is left out."""
    sheet = rows(["1", None, None], [5, 7, None]).assign(compound_id=["幸福小区", "", "填表人"])
    _, findings = join(footprints(["1"]), sheet)
    assert listed(findings, "no compound or no number") == [
        ("refused", "台账 row 3", "7 households"),
        ("noted", "台账 row 4", "填表人, no households"),
    ]


def test_several_footprints_of_a_number():
    """Two footprints of one number are refused with both ids, and none of them is unlisted."""
    _, findings = join(footprints(["1号楼", "1#", "2"]), rows(["1", "2"], [5, 6]))
    assert listed(findings, "several footprints") == [
        ("refused", "台账 row 2", "幸福小区 1, 5 households: F1, F2")
    ]
    assert not listed(findings, "in no row of the list")


def test_same_number_in_two_compounds():
    """Numbers are told apart by their compounds."""
    drawn = footprints(["1", "1"]).assign(compound_id=["东苑", "西苑"])
    sheet = rows(["1", "1"], [5, 6]).assign(compound_id=["西苑", "东苑"])
    assert join(drawn, sheet)[0]["households"].tolist() == [6, 5]


@pytest.mark.parametrize(
    ("numbers", "entrance", "households"),
    [
        (["3号楼1单元", "3号楼2单元"], None, 30),
        (["3", "3"], ["1", "二单元"], 30),
        (["3", "3"], ["2", "二单元"], None),
        (["3", "3"], ["1", None], None),
        (["3", "3号楼"], None, None),
    ],
)
def test_rows_of_entrances(numbers, entrance, households):
    """Rows of different entrances add up; rows that may be the same one twice are refused."""
    columns = {} if entrance is None else {"entrance": entrance}
    frame, findings = join(footprints(["3"]), rows(numbers, [10, "20户"], **columns))
    twice = listed(findings, "several rows of this compound and number")
    if households:
        assert frame["households"].tolist() == [households]
        assert not twice
    else:
        assert [(action, row) for action, row, _ in twice] == [
            ("refused", "台账 row 2"),
            ("refused", "台账 row 3"),
        ]
        assert "台账 row 2, 台账 row 3" in twice[0][2]


def test_entrances_that_are_no_number():
    """What can't be added up is left as it was written, to be refused as no number."""
    frame, _ = join(footprints(["3"]), rows(["3号楼1单元", "3号楼2单元"], ["10", "many"]))
    assert frame["households"].tolist() == ["10 + many"]


def test_own_households_of_unlisted_footprints():
    """A footprint that the list does not name keeps the households of its own layer."""
    frame, _ = join(footprints(["1", "2"], households=[8, 9]), rows(["1"], [5]))
    assert frame["households"].tolist() == [5, 9]


def test_several_lists_and_layers():
    """Lists of several sheets and footprints of several layers are one to the join."""
    west, east = footprints(["1"], "西苑"), footprints(["1"], "东苑")
    frame, findings = join(west, rows(["1"], [5], "东苑"), east, rows(["1"], [6], "西苑"))
    assert frame["households"].tolist() == [6, 5]
    assert listed(findings, "are joined") == [("noted", "", "2 of 2")]


def test_no_footprints_at_all():
    """A list alone can't be placed, which is refused once."""
    findings = []
    assert place_lists([rows(["1", "2"], [5, 6])], findings) == []
    assert listed(findings, "no layer of footprints") == [("refused", "", "2 rows from 台账 row 2")]


def test_no_list_at_all():
    """Layers with a geometry only are as they were."""
    drawn, findings = footprints(["1"]), []
    assert place_lists([drawn], findings)[0] is drawn
    assert not findings
