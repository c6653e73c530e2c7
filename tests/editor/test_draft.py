"""The draft: steps, what they refuse, what is wrong, and the plan that comes out."""

import random

import numpy as np
import pandas as pd
import pytest

from gridmap.check import check_plan
from gridmap.edit import lock_grids
from gridmap.editor.draft import Draft, Step
from gridmap.editor.problems import KINDS, find_problems
from gridmap.errors import DraftError, PlanError
from gridmap.measure import measure
from gridmap.plan import Plan, draw_plan
from gridmap.synthetic import make_city

NORTH_A, SOUTH_A, NORTH_B, SOUTH_B = 0, 1, 2, 3


@pytest.fixture
def draft(four_by_two: Plan) -> Draft:
    """Open the plan of `four_by_two`: 180, 120, 180 and 120 households."""
    return Draft(four_by_two, four_by_two.rules)


def step(draft: Draft, after: dict[int, int], kind: str = "brush") -> dict[str, object]:
    """Return an entry that puts units into grids."""
    units = list(after)
    before = [int(draft.grids[unit]) for unit in units]
    return {
        "do": "step",
        "kind": kind,
        "units": units,
        "before": before,
        "after": list(after.values()),
    }


def test_steps_undo_and_redo(draft: Draft) -> None:
    """A step, its undo and redo change exactly its units; a new step ends what could be redone."""
    start = draft.grids.tolist()
    draft.follow(step(draft, {4: SOUTH_A}))
    assert draft.grids[4] == SOUTH_A
    draft.follow({"do": "undo"})
    assert draft.grids.tolist() == start
    draft.follow({"do": "redo"})
    assert draft.grids[4] == SOUTH_A
    draft.follow({"do": "undo"})
    draft.follow(step(draft, {5: SOUTH_A}))
    with pytest.raises(DraftError, match="no step to redo"):
        draft.follow({"do": "redo"})
    assert draft.revision == 5


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"do": "step", "units": [99], "before": [0], "after": [1]}, "numbered 0 to 7, not 99"),
        ({"do": "step", "units": [4], "before": [1], "after": [1]}, "other grids than the draft"),
        ({"do": "step", "units": [4, 4], "before": [0, 0], "after": [1, 1]}, "twice in one step"),
        ({"do": "step", "units": [4], "before": [0], "after": [9]}, "next new grid is number 4"),
        ({"do": "step", "units": [4], "before": [0], "after": [-1]}, "next new grid is number 4"),
        ({"do": "step", "units": [4], "before": [0], "after": [2]}, "more than one community"),
        ({"do": "step", "units": [4, 6], "before": [0, 2], "after": [4, 4]}, "more than one comm"),
        ({"do": "step", "units": [4], "before": [], "after": [1]}, "before and after for each"),
        ({"do": "step", "units": ["x"], "before": [0], "after": [1]}, "no number"),
        ({"do": "step", "units": [[4]], "before": [[0]], "after": [[1]]}, "lists in lists"),
        ({"do": "step", "kind": "lock", "grids": [7]}, "numbered 0 to 3"),
        ({"do": "undo"}, "no step to undo"),
        ({"do": "dance"}, "'dance' is neither"),
    ],
)
def test_bad_entries_change_nothing(draft: Draft, entry: dict[str, object], words: str) -> None:
    """What can't follow is refused with the reason, and the draft is as it was."""
    start = draft.grids.tolist()
    with pytest.raises(DraftError, match=words):
        draft.follow(entry)
    assert (draft.grids.tolist(), draft.revision, draft.past) == (start, 0, [])


def test_locked_grids_neither_give_nor_take(draft: Draft) -> None:
    """A lock is a step: it can be undone, and holds until then."""
    draft.follow({"do": "step", "kind": "lock", "grids": [NORTH_A]})
    for after in ({4: SOUTH_A}, {0: NORTH_A}):
        with pytest.raises(DraftError, match="210802003002001 is locked"):
            draft.follow(step(draft, after))
    draft.follow({"do": "undo"})
    draft.follow(step(draft, {4: SOUTH_A}))
    draft.follow({"do": "step", "kind": "lock", "grids": [SOUTH_A]})
    draft.follow({"do": "step", "kind": "unlock", "grids": [SOUTH_A]})
    draft.follow({"do": "undo"})
    assert draft.locked == {SOUTH_A}


def test_steps_survive_writing(draft: Draft) -> None:
    """What a step writes is read as the same step."""
    for entry in (step(draft, {4: SOUTH_A}), {"do": "step", "kind": "lock", "grids": [2]}):
        assert Step.read(Step.read(entry).write()).write() == entry


def test_new_grids_get_codes(draft: Draft, four_by_two: Plan) -> None:
    """New grids are new-1, new-2 … in the draft and have their communities' next codes after."""
    draft.follow(step(draft, {5: 4}, "lasso"))
    draft.follow(step(draft, {7: 5}, "lasso"))
    assert draft.labels()[[5, 7]].tolist() == ["new-1", "new-2"]
    plan = draft.to_plan()
    assert plan.units.loc[[5, 7], "grid_code"].tolist() == ["210802003002003", "210802003003003"]
    assert plan.lineage.empty
    assert plan.grids["households"].sum() == four_by_two.grids["households"].sum()


def test_emptied_grids_are_retired(draft: Draft) -> None:
    """The plan knows what came after a grid that gave all its units."""
    draft.follow(step(draft, {4: SOUTH_A, 5: SOUTH_A}))
    plan = draft.to_plan()
    assert plan.lineage["successors"].to_dict() == {"210802003002001": "210802003002002"}
    changes = draft.list_changes()
    assert changes.loc["210802003002001"].tolist() == [180, 0, 2, 0]


def test_a_grid_in_two_pieces_is_no_plan(draft: Draft) -> None:
    """The draft takes it and lists it; the plan is refused with the grid's code."""
    draft.follow(step(draft, {1: NORTH_A}))
    draft.follow(step(draft, {5: 4}))
    problems = draft.list_problems()
    assert problems.index[problems["disconnected"]].tolist() == ["210802003002001"]
    with pytest.raises(PlanError, match="210802003002001"):
        draft.to_plan()


def test_problems_count_each_kind_by_itself(draft: Draft) -> None:
    """A grid that is in pieces and too large counts as both."""
    draft.follow(step(draft, {0: NORTH_A}))
    draft.follow(step(draft, {4: SOUTH_A}))
    row = draft.list_problems().loc["210802003002001"]
    assert row[["disconnected", "over"]].tolist() == [True, False]
    draft.rules = type(draft.rules)(target=100, hard_min=50, hard_max=120)
    row = draft.list_problems().loc["210802003002001"]
    assert row[["disconnected", "over"]].tolist() == [True, True]


def test_draft_and_plan_are_judged_alike() -> None:
    """On a town that somebody changed at random, draft, plan and check name the same grids."""
    town = draw_plan(make_city(12), steps=20)
    draft = Draft(town, town.rules)
    work = random.Random(5)
    pairs = town.adjacency[town.adjacency["usable"]][["unit_a", "unit_b"]].to_numpy().tolist()
    for _ in range(120):  # enough for grids of both kinds
        a, b = work.choice(pairs)
        draft.follow(step(draft, {a: int(draft.grids[b])}))
        try:
            plan = draft.to_plan()
        except PlanError:
            draft.follow({"do": "undo"})
    plan = draft.to_plan()
    problems = find_problems(measure(plan), plan.rules)
    expected = problems[problems.any(axis=1)]
    pd.testing.assert_frame_equal(draft.list_problems()[list(expected)], expected)
    findings = check_plan(plan).findings
    for kind, rules in KINDS.items():
        objected = {finding.grid_code for finding in findings if finding.rule in rules}
        assert objected == set(expected.index[expected[kind]]), kind
    assert expected[["over", "under"]].any().all()


def test_households_of_a_draft_never_change(draft: Draft) -> None:
    """Whatever is done, the sum stays."""
    work = np.random.default_rng(1)
    for _ in range(40):
        unit = int(work.integers(8))
        after = int(work.choice([SOUTH_A, NORTH_A] if unit % 4 < 2 else [SOUTH_B, NORTH_B]))
        draft.follow(step(draft, {unit: after}))
        assert draft.measure()["households"].sum() == 600


def test_locks_are_the_plans(four_by_two: Plan) -> None:
    """Grids that are locked in the plan are so in the draft; what changes there is in the plan."""
    north, south = four_by_two.grids.index[[0, 1]]
    draft = Draft(lock_grids(four_by_two, [north], by="王芳"), four_by_two.rules)
    assert draft.locked == {NORTH_A}
    with pytest.raises(DraftError, match="is locked"):
        draft.follow(step(draft, {4: SOUTH_A}))
    draft.follow({"do": "step", "kind": "unlock", "grids": [NORTH_A]})
    draft.follow(step(draft, {4: 4}))
    draft.follow({"do": "step", "kind": "lock", "grids": [SOUTH_A, 4]})
    plan = draft.to_plan(by="李明")
    assert plan.locked == [south, "210802003002003"]
    changes = plan.log.changes
    assert changes["verb"].tolist() == ["lock_grids", "unlock_grids", "assign_units", "lock_grids"]
    assert changes["by"].tolist() == ["王芳", *["李明"] * 3]
