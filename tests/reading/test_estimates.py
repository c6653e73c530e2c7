"""Households estimated from storeys, footprint and use: the rule, and where it does not apply."""

import geopandas as gpd
import numpy as np
import pytest
from shapely import Point, box

from gridmap.errors import RulesError
from gridmap.reading.estimates import RESIDENTIAL_USES, Estimate, estimate_households, note_estimate

#: 300 m²: with six storeys 1800 m², 20 dwellings of 90 m².
FOOTPRINT = box(0, 0, 30, 10)


def houses(shapes=None, **columns):
    """Return a raw table of buildings in metres."""
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=shapes or [FOOTPRINT] * count, crs=4550)


def estimate(frame, **settings):
    """Estimate; return households, marks and what was found."""
    findings = []
    filled = estimate_households(frame, Estimate(**settings), findings)
    marks = filled["estimated"].tolist()
    return filled["households"].tolist(), marks, [(f.column, f.value) for f in findings]


def test_only_missing_households_are_estimated():
    """What was counted stays, 0 too; a missing number is storeys × m² / m² per dwelling."""
    frame = houses(households=["7", None, "", "0"], floors=[6.0] * 4, use=["住宅"] * 4)
    assert estimate(frame) == (["7", 20, 20, "0"], [False, True, True, False], [])


def test_a_column_that_is_absent():
    """Without the column every row is estimated."""
    assert estimate(houses(floors=[6.0, 1.0], use=["住宅", "住宅"]))[0] == [20, 3]


@pytest.mark.parametrize(
    ("settings", "households"),
    [
        ({}, 20),
        ({"dwelling_area": 146}, 12),  # 12.3
        ({"share": 0.5}, 10),
        ({"dwelling_area": 720}, 3),  # 2.5: half up
        ({"dwelling_area": 3601}, 0),  # just below one half
        ({"dwelling_area": 3600}, 1),
    ],
)
def test_parameters_and_rounding(settings, households):
    """Both parameters work, and halves are rounded up as counted ones are."""
    frame = houses(floors=[6.0], use=["住宅"])
    assert estimate(frame, **settings)[0] == [households]


@pytest.mark.parametrize("use", ["住宅", "商住", "apartments", "Residential", "TRUE", "公寓"])
def test_uses_that_are_lived_in(use):
    """Chinese and OSM words, and a yes, are residential in any case of letters."""
    assert estimate(houses(floors=[6.0], use=[use]))[0] == [20]


@pytest.mark.parametrize("use", ["仓库", "商业", "retail", "school", "false", "0", "否"])
def test_uses_that_are_not(use):
    """Other uses have no households, storeys or not; which ones is in the report."""
    for floors in (6.0, np.nan):
        households, marks, found = estimate(houses(floors=[floors], use=[use]))
        assert (households, marks) == ([0], [True])
        assert found == [("use", f"{use} × 1")]


@pytest.mark.parametrize("use", ["yes", "", None, "其他"])
def test_unknown_uses_are_not_estimated(use):
    """A building of unknown use stays missing, unless the caller counts it as residential."""
    frame = houses(floors=[6.0], use=[use], households=[None])
    assert estimate(frame) == ([None], [False], [("use", "1 of 1")])
    known = (*RESIDENTIAL_USES, "yes", "", "其他")
    assert estimate(frame, residential=known)[0] == [20]
    assert estimate(houses(floors=[6.0]), residential=("",))[0] == [20]


@pytest.mark.parametrize(
    ("floors", "shape"),
    [(np.nan, FOOTPRINT), (0.0, FOOTPRINT), (6.0, Point(0, 0)), (6.0, None)],
)
def test_no_storeys_or_no_footprint(floors, shape):
    """Without storeys or an area nothing is estimated, and such rows are counted."""
    frame = houses([shape], floors=[floors], use=["住宅"], households=[""])
    assert estimate(frame) == ([""], [False], [("floors", "1 of 1")])


@pytest.mark.parametrize("settings", [{"dwelling_area": 0}, {"share": 0}, {"share": 1.01}])
def test_parameters_out_of_range(settings):
    """A dwelling of no area and a share outside of 0 to 1 are the caller's errors."""
    with pytest.raises(RulesError, match=next(iter(settings))):
        Estimate(**settings)


def test_report_of_the_estimate():
    """The report names rule, parameters, buildings, households and share; none if none."""
    findings = []
    frame = houses(households=[30, 10], estimated=[False, True])
    assert note_estimate(frame, Estimate(share=0.9), findings) == 10
    assert findings[0].value == "1 buildings, 10 of 40 households (25.0%)"
    assert "storeys × footprint m² × 0.9 / 90 m² per dwelling" in findings[0].problem
    assert findings[0].action == "repaired"
    findings = []
    assert note_estimate(frame.assign(estimated=False), Estimate(), findings) == 0
    assert not findings
