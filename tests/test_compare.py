"""What changes between two plans: who, which grids, and where."""

import dataclasses

from shapely import box

from gridmap.compare import compare_plans
from gridmap.edit import merge_grids, move_units
from gridmap.plan import Plan

NORTH, SOUTH = "210802003002001", "210802003002002"


def test_compare_counts_what_moves(four_by_two: Plan) -> None:
    """One unit of 90 households and one building moves from north to south."""
    change = compare_plans(four_by_two, move_units(four_by_two, [4], SOUTH))
    assert (change.households, change.buildings) == (90, 1)
    assert change.grids["change"].tolist() == ["changed", "changed", "kept", "kept"]
    assert change.grids.loc[SOUTH, ["before", "after", "gained", "lost"]].tolist() == [
        120,
        210,
        90,
        0,
    ]
    rows = change.matrix.set_index(["old", "new"])["households"]
    assert rows[(NORTH, SOUTH)] == 90
    assert "2 kept, 2 changed" in change.to_text()


def test_compare_finds_old_grids_by_place(four_by_two: Plan) -> None:
    """Units numbered otherwise are matched by place; merged grids are new, parents retired."""
    merged = merge_grids(four_by_two, [NORTH, SOUTH])
    shifted = dataclasses.replace(merged, units=merged.units.set_axis(merged.units.index + 100))
    change = compare_plans(four_by_two, shifted)
    assert change.grids["change"].to_dict()["210802003002003"] == "new"
    assert change.grids["change"].to_dict()[NORTH] == "retired"
    assert change.households == 300


def test_compare_gives_the_land_that_changes(four_by_two: Plan) -> None:
    """One area for each pair of grids, with what lives there; the most households first."""
    moved = move_units(move_units(four_by_two, [4], SOUTH), [7], "210802003003002")
    change = compare_plans(four_by_two, moved)
    assert change.areas[["old", "new", "households", "buildings"]].to_numpy().tolist() == [
        [NORTH, SOUTH, 90, 1],
        ["210802003003001", "210802003003002", 90, 1],
    ]
    assert change.areas.geometry.iloc[0].equals(box(0, 100, 100, 200))
    assert change.areas.crs == four_by_two.units.crs
    table = change.to_matrix()
    assert table.loc[NORTH].to_dict() == {
        **dict.fromkeys(table.columns, 0),
        NORTH: 90,
        SOUTH: 90,
    }


def test_plans_that_are_the_same_have_no_changes(four_by_two: Plan) -> None:
    """No area, no household, and an empty matrix."""
    change = compare_plans(four_by_two, four_by_two)
    assert change.areas.empty
    assert change.to_matrix().empty
