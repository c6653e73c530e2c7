"""Edits give new plans with the old codes; what is no plan is refused."""

import pandas as pd
import pytest

from gridmap.edit import (
    assign_units,
    lock_grids,
    merge_grids,
    move_units,
    rebalance,
    rename_grid,
    split_grid,
    swap_units,
    unlock_grids,
)
from gridmap.errors import PlanError
from gridmap.plan import Plan, draw_plan, redraw_plan
from gridmap.synthetic import make_city

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


@pytest.fixture(scope="module")
def town() -> Plan:
    """Draw a small town."""
    return draw_plan(make_city(8, seed=2), steps=20)


def test_swap_moves_both_sides_at_once(four_by_two: Plan) -> None:
    """West to the north and north-east to the south: neither could go alone."""
    swapped = swap_units(four_by_two, [0], [5])
    assert swapped.units["grid_code"].tolist()[:6:4] == [NORTH, NORTH]
    assert swapped.units.at[5, "grid_code"] == SOUTH
    assert swapped.grids.loc[[NORTH, SOUTH], "households"].tolist() == [150, 150]
    assert swapped.log.changes["verb"].tolist() == ["swap_units"]


def test_swap_refuses(four_by_two: Plan) -> None:
    """Units of one grid on both sides, or of several on one."""
    with pytest.raises(PlanError, match="swap units of two grids"):
        swap_units(four_by_two, [0], [1])
    with pytest.raises(PlanError, match="lie in grids"):
        swap_units(four_by_two, [0, 4], [5])


def test_split_by_groups(four_by_two: Plan) -> None:
    """The group and what is left are new grids, numbered west to east; the parent is retired."""
    split = split_grid(four_by_two, NORTH, [[5]])
    assert split.units.loc[[4, 5], "grid_code"].tolist() == ["210802003002003", "210802003002004"]
    assert split.lineage["successors"][NORTH] == "210802003002003 210802003002004"
    assert NORTH not in split.grids.index


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([[4], [4, 5]], "units 4 are in two parts"),
        ([[0], [4]], "units 0 that are not in grid"),
        ([[], [4]], "units none"),
        ([[4, 5]], "would stay one grid"),
        (1, "would stay one grid"),
        (3, "3 grids can't be made"),
    ],
)
def test_split_refuses(four_by_two: Plan, parts: int | list[list[int]], words: str) -> None:
    """Groups that overlap, are empty or of another grid; fewer than two parts, or too many."""
    with pytest.raises(PlanError, match=words):
        split_grid(four_by_two, NORTH, parts)


def test_split_by_the_engine_is_balanced(town: Plan) -> None:
    """Two grids of one community, merged and split again, are both in the band; all else stays."""
    touching = town.adjacency[town.adjacency["usable"]]
    one, two = (touching[side].map(town.units["grid_code"]) for side in ("unit_a", "unit_b"))
    row = (one != two).idxmax()
    merged = merge_grids(town, [one[row], two[row]])
    [large] = set(merged.grids.index) - set(town.grids.index)
    split = split_grid(merged, large, 2)
    new = split.grids.loc[sorted(set(split.grids.index) - set(merged.grids.index))]
    assert len(new) == 2
    assert new["households"].between(240, 360).all()
    rest = merged.grids.index.drop(large)
    assert split.grids.loc[rest].geometry.equals(merged.grids.loc[rest].geometry)
    three = split_grid(merged, large, 3)
    assert len(set(three.grids.index) - set(merged.grids.index)) == 3


def test_rebalance_brings_two_grids_into_the_band(four_by_two: Plan) -> None:
    """210 and 90 become 150 each, in columns; the other community stays, both codes go on."""
    crooked = move_units(four_by_two, [4], SOUTH)
    even = rebalance(crooked, [NORTH, SOUTH])
    assert even.grids.index.equals(crooked.grids.index)
    assert even.grids.loc[[NORTH, SOUTH], "households"].tolist() == [150, 150]
    assert even.units["grid_code"][[2, 3, 6, 7]].equals(crooked.units["grid_code"][[2, 3, 6, 7]])
    assert rebalance(crooked, [NORTH], neighbours=True).grids.equals(even.grids)


def test_rebalance_keeps_the_number_of_grids_unless_asked(town: Plan) -> None:
    """All grids of a community: as many as before, or one more, which gets a new code."""
    community = town.grids["community_id"].iloc[0]
    codes = town.grids.index[town.grids["community_id"] == community].tolist()
    same = rebalance(town, codes, seed=3)
    assert same.grids.index.equals(town.grids.index)
    more = rebalance(town, codes, grids=len(codes) + 1)
    assert len(more.grids) == len(town.grids) + 1
    assert set(town.grids.index) <= set(more.grids.index)
    with pytest.raises(PlanError, match="0 grids can't be made"):
        rebalance(town, codes, grids=0)


def test_assign_gives_new_grids_their_codes(four_by_two: Plan) -> None:
    """Labels become the next codes of their community, N to S; codes that are gone are retired."""
    labels = four_by_two.units["grid_code"].astype("object")
    labels[[0, 1]], labels[[4]] = "new-1", "new-2"
    plan = assign_units(four_by_two, labels, by="李工", why="画")
    assert plan.units["grid_code"].tolist()[:2] == ["210802003002004"] * 2
    assert plan.units["grid_code"].tolist()[4:6] == ["210802003002003", NORTH]
    assert plan.lineage["successors"].to_dict() == {SOUTH: "210802003002004"}
    assert plan.log.changes[["by", "why", "verb"]].to_numpy().tolist() == [
        ["李工", "画", "assign_units"]
    ]


def test_assign_refuses(four_by_two: Plan) -> None:
    """A missing unit, a code that is not of this plan, a grid in two pieces."""
    codes = four_by_two.units["grid_code"]
    with pytest.raises(PlanError, match="units 7 have no grid"):
        assign_units(four_by_two, codes[:7])
    with pytest.raises(PlanError, match="no grid 210802003002009 in this plan"):
        assign_units(four_by_two, codes.mask(codes == NORTH, "210802003002009"))
    with pytest.raises(PlanError, match="2 pieces"):
        assign_units(four_by_two, codes.mask(codes.index.isin([0, 5]), "new-1"))


def test_locked_grids_neither_give_nor_take(four_by_two: Plan) -> None:
    """Every verb refuses and names the grid; unlocked it goes on."""
    plan = lock_grids(four_by_two, [NORTH], by="李工")
    refused = [
        lambda: move_units(plan, [4], SOUTH),
        lambda: move_units(plan, [0], NORTH),
        lambda: swap_units(plan, [0], [4]),
        lambda: merge_grids(plan, [NORTH, SOUTH]),
        lambda: split_grid(plan, NORTH, 2),
        lambda: rebalance(plan, [NORTH, SOUTH]),
        lambda: assign_units(plan, pd.Series("one", plan.units.index)),
    ]
    for call in refused:
        with pytest.raises(PlanError, match=f"grids {NORTH} are locked"):
            call()
    assert rebalance(plan, [SOUTH], neighbours=True) is plan
    assert move_units(unlock_grids(plan, [NORTH]), [4], SOUTH).grids.at[NORTH, "households"] == 90
    with pytest.raises(PlanError, match="no grid 1"):
        lock_grids(plan, ["1"])


def test_names_stay_with_the_code(four_by_two: Plan) -> None:
    """A renamed grid keeps its name when its units change; names are told apart."""
    plan = rename_grid(four_by_two, SOUTH, " 南网格 ")
    assert move_units(plan, [4], SOUTH).grids.at[SOUTH, "name"] == "南网格"
    with pytest.raises(PlanError, match=f"grid {SOUTH} has it"):
        rename_grid(plan, NORTH, "南网格")
    with pytest.raises(PlanError, match="it is empty"):
        rename_grid(plan, NORTH, " ")


def test_redraw_from_a_plan_keeps_what_was_decided(town: Plan) -> None:
    """Locks, names, codes and retired codes of the plan before hold in the redraw."""
    touching = town.adjacency[town.adjacency["usable"]]
    one, two = (touching[side].map(town.units["grid_code"]) for side in ("unit_a", "unit_b"))
    row = (one != two).idxmax()
    merged = merge_grids(town, [one[row], two[row]])
    [large] = set(merged.grids.index) - set(town.grids.index)
    last = merged.grids.index[-1]
    before = rename_grid(lock_grids(merged, [large]), last, "末网格")
    after = redraw_plan(town.city, before=before, steps=20)
    assert after.locked == [large]
    assert after.grids.geometry[large].equals(before.grids.geometry[large])
    assert after.grids.at[last, "name"] == "末网格"
    assert not {one[row], two[row]} & set(after.grids.index)
    assert after.lineage["successors"][[one[row], two[row]]].tolist() == [large, large]
    log = after.log.changes
    assert len(log) == len(before.log.changes) + 1
    assert set(log["state"]) == {"closed"}
