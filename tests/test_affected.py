"""Whose work a redraw changes: workers and branches of the grids that change, and nobody else."""

import dataclasses
from datetime import date

import openpyxl
import pandas as pd
import pytest

import gridmap
from gridmap.errors import TableError
from gridmap.plan import Plan
from gridmap.tables import BRANCH_GRIDS, BRANCH_UNITS, BRANCHES, STAFFING

NORTH, SOUTH = "210802003002001", "210802003002002"
EAST = "210802003003001"
DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def staff(four_by_two: Plan) -> dict[str, pd.DataFrame]:
    """Give the four grids a worker each, of four; the second also stands in for the first."""
    workers = gridmap.make_workers(four_by_two, seed=1)
    staffing = gridmap.assign_workers(four_by_two, workers, on=DAY)
    return {"workers": workers, "staffing": staffing}


def make_branches(plan: Plan) -> dict[str, pd.DataFrame]:
    """Return a branch in the north and a joint one of the south and the east."""
    texts = dict.fromkeys(BRANCHES.columns, "")
    numbers = {"grids": 1, "full": 5, "probationary": 0, "groups": 0, "extent": 0.0}
    flags = {"committee": False, "contiguous": True}
    rows = [
        {**texts, **numbers, **flags, "name": "北支部", "kind": "grid", "grid_code": NORTH},
        {**texts, **numbers, **flags, "name": "联合支部", "kind": "joint", "grid_code": SOUTH},
    ]
    ids = pd.Index(["n-1", "s-1"], name="branch_id")
    covers = [("n-1", NORTH), ("s-1", SOUTH), ("s-1", EAST)]
    grid = plan.units["grid_code"]
    here = grid.isin([NORTH, SOUTH, EAST])
    units = pd.DataFrame(
        {
            "grid_code": grid[here],
            "building_id": "",
            "branch_id": grid[here].map(lambda code: "n-1" if code == NORTH else "s-1"),
            "group_id": "",
            "full": 2,
            "probationary": 1,
        }
    )
    return {
        BRANCHES.name: pd.DataFrame(rows, ids),
        BRANCH_GRIDS.name: pd.DataFrame(covers, columns=["branch_id", "grid_code"]).assign(
            full=5, probationary=0
        ),
        BRANCH_UNITS.name: units,
    }


def test_workers_of_grids_that_change(four_by_two: Plan, staff: dict[str, pd.DataFrame]) -> None:
    """The primary workers of both grids are listed with what they carry before and after."""
    moved = gridmap.move_units(four_by_two, [4], SOUTH)
    change = gridmap.compare_plans(four_by_two, moved, staff=staff, on=DAY)
    duties = staff["staffing"].query("role == 'primary' and worker_id != ''")
    owner = duties.set_index("grid_code")["worker_id"]
    listed = change.workers
    assert listed.loc[owner[NORTH], "grids"].split()[0] == NORTH
    carried = four_by_two.grids["households"][owner.index[owner == owner[SOUTH]]].sum()
    assert listed.loc[owner[SOUTH], ["before", "after", "gained"]].tolist() == [
        carried, carried + 90, 90,
    ]  # fmt: skip
    outside = set(owner) - set(owner[[NORTH, SOUTH]])
    named = staff["staffing"].query("grid_code in [@NORTH, @SOUTH]")["worker_id"]
    assert set(listed.index) == set(named) - {""}
    assert outside - set(named) == outside - set(listed.index)
    assert f"{len(listed)} workers" in change.to_text()


def test_a_worker_beyond_his_limit(four_by_two: Plan, staff: dict[str, pd.DataFrame]) -> None:
    """Who would carry more than his limit is marked; on a day without duties nobody is."""
    moved = gridmap.move_units(four_by_two, [4], SOUTH)
    tight = {**staff, "workers": staff["workers"].assign(limit=200, capacity=150)}
    change = gridmap.compare_plans(four_by_two, moved, staff=tight, on=DAY)
    assert (change.workers["over"] == (change.workers["after"] > 200)).all()
    assert change.workers["over"].any()
    assert "beyond their limit" in change.to_text()
    early = gridmap.compare_plans(four_by_two, moved, staff=tight, on=date(2000, 1, 1))
    assert early.workers.empty


def test_a_retired_grid_leaves_its_worker_without(
    four_by_two: Plan, staff: dict[str, pd.DataFrame]
) -> None:
    """Merged grids are retired: their households are nobody's until somebody is assigned."""
    merged = gridmap.merge_grids(four_by_two, [NORTH, SOUTH])
    workers = gridmap.compare_plans(four_by_two, merged, staff=staff, on=DAY).workers
    primary = workers[workers["grids"] != ""]
    assert primary["retired"].gt(0).all()
    assert primary["lost"].sum() == 300


def test_branches_and_their_members(four_by_two: Plan) -> None:
    """Both branches of the border that moves; members are counted in the units that move."""
    moved = gridmap.move_units(four_by_two, [4], SOUTH)
    change = gridmap.compare_plans(four_by_two, moved, staff=make_branches(four_by_two))
    assert change.branches["name"].to_dict() == {"n-1": "北支部", "s-1": "联合支部"}
    assert change.branches["grids"].to_dict() == {"n-1": NORTH, "s-1": SOUTH}
    assert change.branches["members"].to_dict() == {"n-1": 3, "s-1": 0}
    assert "2 branches affected" in change.to_text()
    renumbered = dataclasses.replace(moved, units=moved.units.set_axis(moved.units.index + 100))
    again = gridmap.compare_plans(four_by_two, renumbered, staff=make_branches(four_by_two))
    pd.testing.assert_frame_equal(again.branches, change.branches)


def test_nothing_changes_nobody_is_concerned(
    four_by_two: Plan, staff: dict[str, pd.DataFrame]
) -> None:
    """The same plan twice; and a staff table that breaks its contract is refused."""
    change = gridmap.compare_plans(four_by_two, four_by_two, staff=staff, on=DAY)
    assert change.workers.empty
    assert "workers" not in change.to_text()
    broken = {STAFFING.name: staff["staffing"].drop(columns="starts")}
    with pytest.raises(TableError, match="starts"):
        gridmap.compare_plans(four_by_two, four_by_two, staff=broken)


def test_the_comparison_as_a_workbook(tmp_path, four_by_two: Plan, staff) -> None:
    """A sheet for each table, in Chinese, codes as text; another suffix is refused."""
    moved = gridmap.move_units(four_by_two, [4], SOUTH)
    tables = {**staff, **make_branches(four_by_two)}
    change = gridmap.compare_plans(four_by_two, moved, staff=tables, on=DAY)
    gridmap.write_comparison(change, tmp_path / "变更.xlsx")
    book = openpyxl.load_workbook(tmp_path / "变更.xlsx")
    assert book.sheetnames == ["变更网格", "户数去向", "网格员", "党支部"]
    rows = list(book["变更网格"].values)
    assert rows[0][:2] == ("网格编码", "变化")
    assert rows[1][:2] == (NORTH, "调整")
    assert [row[:3] for row in book["户数去向"].values][1:] == [
        (NORTH, NORTH, 90), (NORTH, SOUTH, 90), (SOUTH, SOUTH, 120),
    ]  # fmt: skip
    with pytest.raises(TableError, match="xlsx"):
        gridmap.write_comparison(change, tmp_path / "变更.csv")


def test_a_shared_grid_counts_by_its_shares(four_by_two: Plan, staff) -> None:
    """Two workers who share a grid evenly each carry half of what it has before and after."""
    staffing = staff["staffing"]
    row = staffing.query("grid_code == @NORTH and role == 'primary'").iloc[:1]
    halves = pd.concat([row, row.assign(worker_id="K9")]).assign(households=90)
    others = staffing.drop(index=row.index)
    shared = {"staffing": pd.concat([others, halves], ignore_index=True)}
    moved = gridmap.move_units(four_by_two, [4], SOUTH)
    workers = gridmap.compare_plans(four_by_two, moved, staff=shared, on=DAY).workers
    assert workers.loc["K9", ["before", "after", "lost"]].tolist() == [90, 45, 45]
