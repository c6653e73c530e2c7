"""Edits give new plans with the old codes; what is no plan is refused."""

import pytest

from gridmap.edit import merge_grids, move_units
from gridmap.errors import PlanError
from gridmap.plan import Plan

NORTH, SOUTH, EAST = "210802003002001", "210802003002002", "210802003003001"


def test_move_keeps_codes_and_households(four_by_two: Plan) -> None:
    """One unit moves, its households with it; the plan it came from is as it was."""
    moved = move_units(four_by_two, [4], SOUTH)
    assert moved.grids.loc[[NORTH, SOUTH], "households"].tolist() == [90, 210]
    assert moved.grids["households"].sum() == four_by_two.grids["households"].sum()
    assert four_by_two.grids.loc[NORTH, "households"] == 180
    assert moved.lineage.empty


def test_the_last_unit_retires_its_grid(four_by_two: Plan) -> None:
    """A grid that is emptied is retired, with the grid that took it as successor."""
    moved = move_units(four_by_two, [4, 5], SOUTH)
    assert NORTH not in moved.grids.index
    assert moved.lineage["successors"].to_dict() == {NORTH: SOUTH}


@pytest.mark.parametrize(
    ("units", "grid", "words"),
    [
        ([4], EAST, "more than one community"),
        ([99], SOUTH, "no units 99"),
        ([], SOUTH, "name units"),
        ([4], "210802003002009", "no grid 210802003002009"),
    ],
)
def test_move_refuses(four_by_two: Plan, units: list[int], grid: str, words: str) -> None:
    """Another community's grid, and units or grids that do not exist."""
    with pytest.raises(PlanError, match=words):
        move_units(four_by_two, units, grid)


def test_move_refuses_to_break_a_grid(four_by_two: Plan) -> None:
    """A grid of three in a row can't lose its middle."""
    three = move_units(four_by_two, [1], NORTH)
    with pytest.raises(PlanError, match=f"{NORTH}.* 2 pieces"):
        move_units(three, [5], SOUTH)


def test_merge_gives_the_next_free_code(four_by_two: Plan) -> None:
    """Both parents are retired; their codes are never given again, not by the next merge either."""
    merged = merge_grids(four_by_two, [NORTH, SOUTH])
    assert merged.grids.loc["210802003002003", "households"] == 300
    assert merged.lineage["successors"].to_dict() == dict.fromkeys(
        [NORTH, SOUTH], "210802003002003"
    )
    back = move_units(merged, [0], "210802003002003")
    assert back is merged


def test_merge_refuses(four_by_two: Plan) -> None:
    """One grid, grids of two communities, grids that do not exist."""
    with pytest.raises(PlanError, match="two grids or more"):
        merge_grids(four_by_two, [NORTH, NORTH])
    with pytest.raises(PlanError, match="more than one community"):
        merge_grids(four_by_two, [NORTH, EAST])
    with pytest.raises(PlanError, match="no grid 1"):
        merge_grids(four_by_two, [NORTH, "1"])
