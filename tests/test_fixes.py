"""A fix is proposed only if it helps, and does what it says."""

import dataclasses

import pytest

from gridmap.check import check_plan
from gridmap.edit import lock_grids, merge_grids, move_units, split_grid
from gridmap.errors import PlanError
from gridmap.fixes import apply_fix, find_fixes, fix_plan
from gridmap.plan import Plan, draw_plan
from gridmap.reports import Objection, PlanReport
from gridmap.rules import Rules
from gridmap.synthetic import make_city

NORTH, SOUTH = "210802003002001", "210802003002002"


@pytest.fixture(scope="module")
def crooked() -> Plan:
    """Draw a town, then push units over borders until sizes are wrong."""
    plan = draw_plan(make_city(12, seed=4), steps=20)
    for number in range(0, 60, 3):
        pairs, grid = plan.adjacency, plan.units["grid_code"]
        one, two = pairs["unit_a"].map(grid), pairs["unit_b"].map(grid)
        rows = pairs[pairs["usable"] & (one != two)]
        row = rows.iloc[(number * 7) % len(rows)]
        try:
            plan = move_units(plan, [row["unit_a"]], grid[row["unit_b"]], by="test")
        except PlanError:
            continue
    return plan


def find(report: PlanReport, rule: str) -> Objection:
    """Return the first finding of a rule."""
    return next(item for item in report.findings if item.rule == rule)


def excesses(plan: Plan) -> dict[tuple[str, str], float]:
    """How far beyond what is asked each grid is, by grid and rule."""
    findings = check_plan(plan).findings
    return {(item.grid_code, item.rule): abs(item.value - item.limit) for item in findings}


def test_a_too_large_grid_gives_a_unit(four_by_two: Plan) -> None:
    """210 and 90: the unit of 90 goes back; one of 60 would lie across the main road."""
    crooked = move_units(four_by_two, [4], SOUTH, by="test")
    large = find(find_fixes(crooked), "far too many households")
    assert large.fix is not None
    assert large.fix.kind == "move"
    assert large.fix.moves == ((4, NORTH),)
    assert large.fix.words == "move unit 4 with 90 households to 小雨社区第1网格"
    mended = apply_fix(crooked, large, by="李工")
    assert mended.grids.loc[[NORTH, SOUTH], "households"].tolist() == [180, 120]
    assert mended.log.changes["verb"].tolist() == ["move_units", "apply_fix (move)"]
    assert mended.log.changes["why"].tolist()[1].startswith("far too many households: ")


def test_a_tiny_grid_is_merged(four_by_two: Plan) -> None:
    """A grid of one unit of 60 joins its neighbour, whose code goes on."""
    rules = Rules(target=150, tolerance=0.3, hard_min=100, hard_max=200)
    tiny = split_grid(dataclasses.replace(four_by_two, rules=rules), SOUTH, [[0]], by="test")
    report = find_fixes(tiny)
    small = next(item for item in report.findings if item.grid_code == "210802003002003")
    assert small.fix is not None
    assert small.fix.kind == "merge"
    assert len(apply_fix(tiny, small, by="test").grids) == len(tiny.grids) - 1


def test_one_household_is_one(four_by_two: Plan) -> None:
    """Words count one household as one."""
    units = four_by_two.units.copy()
    units.loc[0, "households"] = 1
    grids = four_by_two.grids.copy()
    grids.loc[SOUTH, "households"] = 61
    rules = Rules(target=100, tolerance=0.9, hard_min=10, hard_max=200)
    tiny = dataclasses.replace(four_by_two, units=units, grids=grids, rules=rules)
    report = find_fixes(split_grid(tiny, SOUTH, [[0]], by="test"))
    (words,) = [item.fix.words for item in report.findings if item.fix]
    assert "with 1 household " in words or words.startswith("merge it, 1 household, into")


def test_a_loose_piece_joins_what_it_touches(four_by_two: Plan) -> None:
    """Unit 4 hangs on to the south over a closed crossing: it goes to the grid beside it."""
    closed = four_by_two.adjacency.assign(usable=four_by_two.adjacency["barrier"] == "none")
    plan = dataclasses.replace(four_by_two, adjacency=closed, rules=Rules(target=165))
    loose = move_units(plan, [4], SOUTH, by="test")
    worst = find_fixes(loose).findings[0]
    assert (worst.rule, worst.grid_code) == ("in pieces", SOUTH)
    assert worst.fix is not None
    assert (worst.fix.kind, worst.fix.moves) == ("join", ((4, NORTH),))
    mended = apply_fix(loose, worst, by="test")
    assert mended.units["grid_code"].equals(plan.units["grid_code"])


def test_what_can_not_be_mended_has_no_fix(four_by_two: Plan) -> None:
    """One grid of 300 in its community has no neighbour; a locked grid is left alone."""
    merged = merge_grids(four_by_two, [NORTH, SOUTH], by="test")
    assert [item.fix for item in find_fixes(merged).findings] == [None, None]
    with pytest.raises(PlanError, match="no single step mends 'far too many households'"):
        apply_fix(merged, check_plan(merged).findings[0])
    crooked = move_units(four_by_two, [4], SOUTH, by="test")
    locked = lock_grids(crooked, [NORTH], by="test")
    assert not any(item.fix for item in find_fixes(locked).findings)


def test_a_fix_of_another_plan_is_refused(four_by_two: Plan) -> None:
    """What was mended already is no finding; what does not help any more is refused."""
    crooked = move_units(four_by_two, [4], SOUTH, by="test")
    finding = find(find_fixes(crooked), "far too many households")
    with pytest.raises(PlanError, match="is not 'far too many households' in this plan"):
        apply_fix(four_by_two, finding)
    with pytest.raises(PlanError, match="does not help in this plan"):
        apply_fix(lock_grids(crooked, [NORTH], by="test"), finding)


def test_every_fix_helps_and_harms_nothing(crooked: Plan) -> None:
    """By `check_plan` of the whole plan: the finding is gone, no other is new or larger in sum."""
    before = excesses(crooked)
    report = find_fixes(crooked)
    fixed = [item for item in report.findings if item.fix]
    assert {item.fix.kind for item in fixed if item.fix} >= {"move"}
    for item in fixed:
        mended = apply_fix(crooked, item, by="test")
        after = excesses(mended)
        assert (item.grid_code, item.rule) not in after
        assert len(after) < len(before)
        assert mended.grids["households"].sum() == crooked.grids["households"].sum()
        for key, value in after.items():
            if "households" not in key[1]:
                assert value <= before.get(key, 0) + 0.06  # metres are rounded to 0.1


def test_fix_plan_mends_all_that_it_can(crooked: Plan) -> None:
    """Fewer findings, each step in the log; again, nothing is left to do."""
    mended = fix_plan(crooked, by="test")
    assert len(check_plan(mended).findings) < len(check_plan(crooked).findings)
    assert len(mended.log.changes) > len(crooked.log.changes)
    assert not any(item.fix for item in find_fixes(mended).findings)
    assert fix_plan(mended, by="test") is mended


def test_reports_say_the_fix(four_by_two: Plan) -> None:
    """In words under the grid, and in the dictionary."""
    report = find_fixes(move_units(four_by_two, [4], SOUTH, by="test"))
    assert "      fix: move unit 4 with 90 households to 小雨社区第1网格" in report.to_text()
    assert report.to_dict()["findings"][0]["fix"]["kind"] == "move"
