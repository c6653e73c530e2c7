"""What a reviewer objects to, worst first."""

import dataclasses
import json

import geopandas as gpd
import pytest

from gridmap.check import certify_plan, check_plan, prove_plan
from gridmap.edit import lock_grids, merge_grids, move_units
from gridmap.fixes import apply_fix
from gridmap.plan import Plan
from gridmap.rules import Rules

NORTH, SOUTH = "210802003002001", "210802003002002"


def test_a_plan_in_the_band_has_no_findings(four_by_two: Plan) -> None:
    """180 and 120 are the ends of 150 ± 20 %, both inside."""
    assert check_plan(four_by_two).findings == ()
    assert "findings: none" in check_plan(four_by_two).to_text()


def test_both_sides_of_every_size_limit(four_by_two: Plan) -> None:
    """One household beyond the band is a remark, beyond the hard limit an objection."""

    def rules_found(**settings: int) -> list[tuple[str, str]]:
        report = check_plan(four_by_two, Rules(**settings))
        return sorted({(item.level, item.rule) for item in report.findings})

    assert rules_found(target=149, hard_min=100, hard_max=200) == [
        ("remark", "too many households")
    ]
    assert rules_found(target=149, hard_min=100, hard_max=179) == [
        ("objection", "far too many households")
    ]
    assert rules_found(target=152, hard_min=100, hard_max=200) == [("remark", "too few households")]
    assert rules_found(target=152, hard_min=121, hard_max=200) == [
        ("objection", "far too few households")
    ]


def test_findings_come_worst_first_with_reasons(four_by_two: Plan) -> None:
    """A merged grid is far too large before it lies across a road; the report counts both."""
    merged = merge_grids(four_by_two, [NORTH, SOUTH])
    report = check_plan(merged)
    assert [item.rule for item in report.findings] == [
        "far too many households",
        "across a main road",
    ]
    assert report.findings[0].value == 300
    assert "its community has 300 for 1 grid" in report.findings[0].words
    assert "1 grids" not in report.findings[0].words
    assert (report.count("objection"), report.count("remark")) == (1, 1)
    assert json.loads(json.dumps(report.to_dict()))["summary"]["grids"] == 3


def test_a_closed_crossing_is_forbidden(four_by_two: Plan) -> None:
    """A grid that only a river without a bridge holds together should not be published."""
    river = four_by_two.adjacency.assign(usable=four_by_two.adjacency["barrier"] == "none")
    merged = merge_grids(dataclasses.replace(four_by_two, adjacency=river), [NORTH, SOUTH])
    worst = check_plan(merged).findings[0]
    assert (worst.level, worst.rule, worst.value) == ("forbidden", "in pieces", 2.0)


def test_one_large_building_is_named(four_by_two: Plan) -> None:
    """Where one building is over the band, the words say that nothing better exists."""
    report = check_plan(four_by_two, Rules(target=70, hard_min=1, hard_max=500))
    assert any("one building alone has 90" in item.words for item in report.findings)


def test_buildings_on_one_spot_are_not_called_one(four_by_two: Plan) -> None:
    """Three buildings that share a unit, as they overlap, are three."""
    rules, units = Rules(target=70, hard_min=1, hard_max=500), four_by_two.units.copy()
    for unit, what in (
        (4, "one building alone has"),
        (5, "3 buildings that nothing separates have"),
    ):
        units.loc[unit, "buildings"] = 3  # of two units of 90 the last counts as the largest
        report = check_plan(dataclasses.replace(four_by_two, units=units.copy()), rules)
        words = {item.grid_code: item.words for item in report.findings}
        assert words[NORTH].endswith(f"; {what} 90")


def test_a_community_below_the_band_is_named(four_by_two: Plan) -> None:
    """Where a whole community has fewer households than a grid, the words say so."""
    merged = merge_grids(four_by_two, [NORTH, SOUTH])
    report = check_plan(merged, Rules(target=900, hard_min=1, hard_max=2000))
    assert any("its whole community has only 300" in item.words for item in report.findings)


def test_a_part_that_is_cut_off_is_named(four_by_two: Plan) -> None:
    """What a grid beyond a river without a bridge lacks is explained by its own side alone."""
    river = four_by_two.adjacency.assign(
        usable=~(four_by_two.adjacency["unit_a"].lt(4) & four_by_two.adjacency["unit_b"].ge(4))
    )
    plan = dataclasses.replace(four_by_two, adjacency=river)
    words = {item.grid_code: item.words for item in check_plan(plan, Rules(target=300)).findings}
    assert words[SOUTH].endswith("; its cut-off part of the community has only 120")
    empty = plan.units.assign(households=plan.units["households"].where(plan.units.index > 3, 0))
    bare = dataclasses.replace(plan, units=empty, grids=_count_homes(plan, empty))
    words = {item.grid_code: item.words for item in check_plan(bare).findings}
    assert words[SOUTH].endswith("; nobody lives in its cut-off part of the community")


def test_a_size_is_not_explained_by_its_opposite(four_by_two: Plan) -> None:
    """Too many households for the grids of a community are no reason why one is too small."""
    crooked = move_units(four_by_two, [4], SOUTH)  # 90 and 210
    rules = Rules(target=120, tolerance=0.2, hard_min=1, hard_max=900)
    words = {item.grid_code: item.words for item in check_plan(crooked, rules).findings}
    assert words[SOUTH].endswith("; its community has 300 for 2 grids")
    assert words[NORTH].endswith("has 90 households, limit 96")


def _count_homes(plan: Plan, units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return plan.grids.assign(households=units["households"].groupby(units["grid_code"]).sum())


def test_locked_grids_are_not_held_against_a_plan(four_by_two: Plan) -> None:
    """What could be better only by changing a locked grid is no better plan."""
    free = certify_plan(four_by_two)
    locked = certify_plan(lock_grids(four_by_two, [SOUTH]))
    assert free.grids.loc[[NORTH, SOUTH], "avoidable"].tolist() == pytest.approx([0.2, 0.2])
    assert locked.grids.loc[[NORTH, SOUTH], "avoidable"].tolist() == [0, 0]
    here = locked.parts["community_id"] == "210802003002"
    assert locked.parts["words"][here].tolist() == [
        "optimal; the grid is locked",
        "optimal; this part of the community has 180 households for 1 grid, the target is 150",
    ]


def test_a_plan_that_can_not_be_better_is_proven(four_by_two: Plan) -> None:
    """Columns of 90 + 60 are 150 each: then the plan is optimal, and before it the bound is 0."""
    found = prove_plan(four_by_two)
    assert found["community_id"].tolist() == ["210802003002", "210802003003"]
    assert found["grids"].tolist() == [2, 2]
    assert (found["bound"] == 0).all()
    swapped = move_units(move_units(four_by_two, [0], NORTH), [5], SOUTH)
    proven = prove_plan(swapped).iloc[0]
    assert (proven["status"], proven["cost"]) == ("optimal", 0)


def test_a_report_carries_certificates_when_asked_for(four_by_two: Plan) -> None:
    """Two swapped units could be avoided: each grid says by how much, the report in words."""
    found = certify_plan(four_by_two)
    assert found.grids.index.tolist() == four_by_two.grids.index.tolist()
    assert found.grids.loc[[NORTH, SOUTH], "deviation"].tolist() == pytest.approx([0.2, -0.2])
    assert found.grids["avoidable"].tolist() == pytest.approx([0.2] * 4)
    plain, report = check_plan(four_by_two), check_plan(four_by_two, certify=True)
    assert type(plain) is type(report)
    assert plain.certificates is None
    assert "certificates" not in plain.to_dict()
    assert "proof" not in plain.to_text()
    assert "proof: 2 bounded of 2; avoidable deviation 20.0 % in the mean" in report.to_text()
    words = "210802003002  bounded, better grids are known (optimal), which save 20 points"
    assert words in report.to_text()
    written = json.loads(json.dumps(report.to_dict()))["certificates"]
    assert [row["community_id"] for row in written["parts"]] == ["210802003002", "210802003003"]
    assert written["grids"][0]["avoidable"] == pytest.approx(0.2)


def test_certificates_name_a_building_that_nothing_mends(four_by_two: Plan) -> None:
    """A tower of 900, and 150 households beside it: nothing better exists, none is avoidable."""
    units = four_by_two.units.copy()
    units.loc[[0, 1, 4, 5], "households"] = [900, 50, 50, 50]
    codes = units["grid_code"].mask(units.index.isin([1, 4, 5]), NORTH)
    found = certify_plan(dataclasses.replace(four_by_two, units=units.assign(grid_code=codes)))
    words = "a building alone has 900 households, the target is 150: nothing better exists"
    assert f"210802003002  {words}" in found.to_text()
    assert found.grids.loc[[NORTH, SOUTH], "avoidable"].tolist() == [0, 0]


def test_a_plan_with_too_few_grids_is_not_optimal(four_by_two: Plan) -> None:
    """One grid of 300 where two of 150 are the target: the certificate says so, and the report."""
    found = certify_plan(merge_grids(four_by_two, [NORTH, SOUTH]))
    part = found.parts.iloc[0]
    assert (part["grids"], part["status"], part["other_grids"]) == (1, "optimal for 1 grid", 2)
    assert (part["bound"] > 1, part["least"]) == (True, 0.0)
    assert "1 optimal for the number of grids" in found.to_text()
    assert "2 grids would be more even and save 100 points of deviation a grid" in found.to_text()
    assert found.grids["avoidable"].max() == pytest.approx(1.0)
    assert json.loads(json.dumps(found.to_dict()))["parts"][1]["other_grids"] == 0


def test_each_finding_carries_its_repair(four_by_two: Plan) -> None:
    """`check_plan` gives the one-step repair, `apply_fix` performs it; without is asked for."""
    crooked = move_units(four_by_two, [4], SOUTH)
    report = check_plan(crooked)
    fix = report.findings[0].fix
    assert fix is not None
    assert fix.moves == ((4, NORTH),)
    assert f"fix: {fix.words}" in report.to_text()
    assert report.to_dict()["findings"][0]["fix"]["kind"] == "move"
    assert check_plan(apply_fix(crooked, report.findings[0])).findings == ()
    assert all(item.fix is None for item in check_plan(crooked, fixes=False).findings)


def test_repairs_are_judged_by_the_rules_given(four_by_two: Plan) -> None:
    """Under other rules other grids are wrong, and what mends them keeps to those rules."""
    crooked = move_units(four_by_two, [4], SOUTH)
    wide = Rules(target=150, tolerance=0.5, hard_min=50, hard_max=300)
    rules = {item.rule for item in check_plan(crooked, wide).findings}
    assert rules == {"across a main road"}
    assert "far too many households" in {item.rule for item in check_plan(crooked).findings}
    narrow = Rules(target=150, tolerance=0.1, hard_min=50, hard_max=300)
    assert all(item.fix is None for item in check_plan(four_by_two, narrow).findings)
