"""Values out of what was written: numbers, kinds, ids and codes."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from gridmap.reading.attributes import (
    drop_totals,
    free_codes,
    parse_numbers,
    rank_areas,
    settle_floors,
    settle_households,
    settle_ids,
    settle_kinds,
)


def table(**columns):
    """Return a raw table without geometry that matters."""
    frame = pd.DataFrame(columns)
    return gpd.GeoDataFrame(frame, geometry=[box(0, 0, 1, 1)] * len(frame), crs=4550)


@pytest.mark.parametrize(
    ("written", "number", "rewritten"),
    [
        ("12", 12, False),
        (" 12 ", 12, False),
        ("1e2", 100, False),
        ("-3", -3, False),
        ("１２", 12, True),
        ("１２．５", 12.5, True),
        ("12户", 12, True),
        ("12 户", 12, True),
        ("1,200", 1200, True),
        ("6F", 6, True),
        ("十二", np.nan, False),
        ("12-14", np.nan, False),
        ("5;6", np.nan, False),
        ("", np.nan, False),
        (None, np.nan, False),
    ],
)
def test_numbers_in_text(written, number, rewritten):
    """A number is read out of what people write, and nothing is guessed."""
    numbers, changed = parse_numbers(pd.Series([written], dtype=object))
    assert numbers[0] == pytest.approx(number, nan_ok=True)
    assert changed[0] == rewritten


def test_floors_that_are_no_number():
    """Storeys that can't be read are unknown and noted; text with a number is read."""
    findings = []
    floors = settle_floors(table(floors=["6", "6层", "many", None, "-1"]), findings)["floors"]
    assert floors.tolist() == pytest.approx([6, 6, np.nan, np.nan, np.nan], nan_ok=True)
    assert [(f.row, f.value, f.action) for f in findings] == [
        ("2", "many", "noted"),
        ("4", "-1", "noted"),
    ]
    assert settle_floors(table(a=[1]), [])["floors"].isna().all()


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        *(
            (name, "main_road")
            for name in ("motorway", "primary_link", "secondary", "主干道", "次干路")
        ),
        *((name, "street") for name in ("tertiary", "residential", "支路", "Street", "minor_road")),
        *((name, "path") for name in ("footway", "steps", "service", "步行街")),
    ],
)
def test_road_classes(given, kind):
    """OSM's and Chinese road classes have their kind, known ones without a finding."""
    findings = []
    assert settle_kinds(table(kind=[given]), "streets", findings, "street")["kind"][0] == kind
    assert not findings


def test_unknown_classes_are_counted():
    """An unknown class is the default, noted once with how often it is there."""
    findings = []
    frame = settle_kinds(table(kind=["x", "rail", "x", None]), "barriers", findings, "river")
    assert frame["kind"].tolist() == ["river", "railway", "river", "river"]
    assert [f.value for f in findings] == ["no class × 1", "x × 2"]
    findings = []
    settle_kinds(table(a=[1, 2]), "streets", findings, "street")
    assert [f.value for f in findings] == ["no class × 2"]


def test_ids_never_meet():
    """New ids keep clear of those that are there already, before and after."""
    findings = []
    given = ["b2", "", "b2", "b2-2", "b2"]
    ids = settle_ids(table(building_id=given), "buildings", "building_id", findings).index
    assert ids.tolist() == ["b2", "b2-", "b2-3", "b2-2", "b2-4"]
    assert ids.name == "building_id"
    assert [f.row for f in findings] == ["b2-", "b2-3", "b2-4"]


def test_many_twins_are_fast():
    """A constant column as id takes linear time: 50,000 twins in a moment."""
    frame = table(building_id=["7"] * 50_000)
    ids = settle_ids(frame, "buildings", "building_id", []).index
    assert ids.is_unique
    assert ids[-1] == "7-50000"


def test_placeholder_codes():
    """Placeholders leave out codes in use; areas are ranked N to S, W to E."""
    assert free_codes(2, {"999999001001", "999999001003"}) == ["999999001002", "999999001004"]
    areas = gpd.GeoSeries([box(1, 0, 2, 1), box(1, 1, 2, 2), box(0, 1, 1, 2)])
    assert rank_areas(areas).tolist() == [2, 1, 0]


def summed(*rows):
    """Drop the totals of a list of (households, total); return what stays and what was found."""
    frame = table(
        households=[count for count, _ in rows],
        total=[kind for _, kind in rows],
        row=[f"row {at + 1}" for at in range(len(rows))],
    )
    findings = []
    kept = drop_totals(frame, findings)["households"].tolist()
    return kept, [(f.row, f.value, "not the sum" in f.problem) for f in findings]


def test_total_at_the_end():
    """A total goes; what it says is compared with the sum."""
    assert summed(("3", ""), ("4户", ""), ("7", "合计")) == (
        ["3", "4户"],
        [("row 3", "合计 7, 2 rows have 7", False)],
    )
    assert summed((3, ""), (4, ""), (8, "总计"))[1] == [("row 3", "总计 8, 2 rows have 7", True)]
    assert summed((3, ""), (None, "合计"))[1] == [("row 2", "合计, 1 rows have 3", False)]


def test_totals_of_parts():
    """A 小计 adds up its part, a 合计 all parts and no 小计; one above its rows adds up those."""
    kept, found = summed(
        *((3, ""), (4, ""), (7, "小计"), (5, ""), (5, "小计"), (12, "合计"), (12, "总计"))
    )
    assert kept == [3, 4, 5]
    assert not any(wrong for *_, wrong in found)
    assert summed((7, "合计"), (3, ""), (4, ""))[1] == [("row 1", "合计 7, 2 rows have 7", False)]
    assert summed((3, ""), (3, "合计"), (4, ""), (4, "合计"))[1][1][2] is False


def test_list_without_totals_is_the_same():
    """Nothing is changed where there is no total."""
    frame = table(households=[1], total=[""], row=["row 1"])
    assert drop_totals(frame, []) is frame


def test_unlisted_rows_are_reported_once():
    """A footprint that no list names is 0 without a second finding; others are reported."""
    findings = []
    frame = table(households=["", None, 4], unlisted=[True, False, np.nan])
    assert settle_households(frame, findings)["households"].tolist() == [0, 0, 4]
    assert [(f.row, f.problem) for f in findings] == [("1", "missing: counted as 0")]
