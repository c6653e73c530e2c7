"""The widget from Python: the same steps as by hand, the journal, and what notebooks store."""

import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import gridmap
from gridmap.editor import picture
from gridmap.editor.widget import PlanEditor
from gridmap.errors import DraftError, DraftTakenError, GridmapError
from gridmap.plan import Plan

NORTH_A, SOUTH_A = "210802003002001", "210802003002002"


@pytest.fixture
def editor(four_by_two: Plan, tmp_path: Path) -> PlanEditor:
    """Open the plan of `four_by_two`."""
    return gridmap.edit_plan(four_by_two, journal=tmp_path / "drafts.sqlite", by="王芳")


def test_the_plan_is_ordinary(editor: PlanEditor, four_by_two: Plan) -> None:
    """`plan` is what the verbs take; the start stays as it was."""
    editor.move([4], SOUTH_A)
    plan = editor.plan
    assert isinstance(plan, Plan)
    assert plan.grids.loc[[NORTH_A, SOUTH_A], "households"].tolist() == [90, 210]
    assert gridmap.compare_plans(four_by_two, plan).households == 90
    assert editor.start is four_by_two
    assert four_by_two.units.loc[4, "grid_code"] == NORTH_A


def test_steps_from_python(editor: PlanEditor) -> None:
    """Moving, locking, undoing and redoing are steps of the journal."""
    editor.move([4], SOUTH_A)
    editor.undo()
    editor.redo()
    editor.lock([SOUTH_A])
    editor.lock()
    editor.unlock()
    assert editor.locked == []
    assert editor.steps["do"].tolist() == ["step", "undo", "redo", "step", "step", "step"]
    assert editor.steps["kind"].tolist()[3:] == ["lock", "lock", "unlock"]
    assert editor.changes["after"].to_dict() == {NORTH_A: 90, SOUTH_A: 210}
    assert editor.problems.index.tolist() == [NORTH_A, SOUTH_A]


def test_proposal(editor: PlanEditor, four_by_two: Plan) -> None:
    """Another division is one step; one that touches a locked grid changes nothing."""
    other = four_by_two.units["grid_code"].copy()
    other[[0, 4]], other[[1, 5]] = SOUTH_A, NORTH_A
    editor.lock([SOUTH_A])
    with pytest.raises(DraftError, match="locked"):
        editor.propose(other)
    editor.unlock()
    editor.propose(other)
    assert editor.assignment.equals(other)
    assert editor.steps["kind"].iloc[-1] == "propose"
    editor.undo()
    assert editor.changes.empty
    with pytest.raises(DraftError, match="have no grid"):
        editor.propose(other.drop(3))


def test_reopening(editor: PlanEditor, four_by_two: Plan, tmp_path: Path) -> None:
    """The next editor of the plan goes on; `discard` begins anew, in the journal too."""
    editor.move([5], "new-1")
    editor.lock([NORTH_A])
    again = gridmap.edit_plan(four_by_two, journal=tmp_path / "drafts.sqlite")
    assert again.assignment[5] == "new-1"
    assert again.locked == [NORTH_A]
    with pytest.raises(DraftError, match="another editor"):
        editor.undo()
    again.undo()
    again.undo()
    assert again.changes.empty
    again.discard()
    assert again.steps.empty
    assert gridmap.edit_plan(four_by_two, journal=tmp_path / "drafts.sqlite").changes.empty


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda editor: editor.move([99], SOUTH_A), "no units 99"),
        (lambda editor: editor.move([], SOUTH_A), "no units"),
        (lambda editor: editor.move([4], "210802003002999"), "no grid '210802003002999'"),
        (lambda editor: editor.move([4], "new-2"), "no grid 'new-2'"),
        (lambda editor: editor.move([4], "210802003003001"), "more than one community"),
        (lambda editor: editor.lock(["x"]), "no grid 'x'"),
        (lambda editor: editor.undo(), "no step to undo"),
    ],
)
def test_what_is_refused(editor: PlanEditor, act: object, words: str) -> None:
    """Nothing is changed and nothing written."""
    with pytest.raises(DraftError, match=words):
        act(editor)  # type: ignore[operator]
    assert editor.changes.empty
    assert editor.steps.empty


def test_settings(four_by_two: Plan, tmp_path: Path) -> None:
    """A language or height that there is not is refused before a file is made."""
    for options in ({"lang": "fr"}, {"height": 100}):
        with pytest.raises(GridmapError):
            gridmap.edit_plan(four_by_two, journal=tmp_path / "a.sqlite", **options)
    assert not (tmp_path / "a.sqlite").exists()


def test_rules_of_its_own(four_by_two: Plan, tmp_path: Path) -> None:
    """Other rules change what is wrong, not the plan's rules."""
    rules = gridmap.Rules(target=100, hard_min=50, hard_max=150)
    editor = gridmap.edit_plan(four_by_two, rules, journal=tmp_path / "a.sqlite")
    assert editor.problems["over"].sum() == 2
    assert editor.plan.rules == four_by_two.rules


def test_an_executed_notebook_is_small(tmp_path: Path) -> None:
    """The map is not part of the stored widget: below 500 KB with nbclient's defaults."""
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell(
            "import gridmap\nplan = gridmap.draw_plan(gridmap.make_city(40), steps=2)\n"
            "gridmap.edit_plan(plan)"
        )
    ]
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    text = nbformat.writes(book)
    assert "application/vnd.jupyter.widget-view+json" in text
    assert len(text.encode()) < 500_000
    assert (tmp_path / "gridmap-drafts.sqlite").exists()


def open_picture(editor: PlanEditor) -> Image.Image:
    """Return the still picture that goes with the widget."""
    data, _ = editor._repr_mimebundle_()
    return Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")


def colour_at(editor: PlanEditor, x: float, y: float) -> tuple[int, ...]:
    """Return the colour of a place, in metres, on the picture of the town of 400 by 200 m."""
    left, top, scale = picture._fit(np.array([0.0, 0.0, 400.0, 200.0]))
    at = ((x - left) * scale / picture.FINER, (top - y) * scale / picture.FINER)
    colour = open_picture(editor).getpixel((round(at[0]), round(at[1])))
    assert isinstance(colour, tuple)
    return colour


def test_a_reader_without_a_kernel_sees_a_picture(editor: PlanEditor) -> None:
    """The bundle holds the widget and a PNG of the draft as it is: an edit changes its colours."""
    data, _ = editor._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == "PlanEditor of plan '四乘二': 4 grids, 0 steps"
    assert open_picture(editor).size == (960, 634)
    before = colour_at(editor, 10, 110)
    editor.move([4], SOUTH_A)
    after = colour_at(editor, 10, 110)
    assert min(before[:2]) > 230  # pale: in the band
    assert after[0] - after[2] > 60  # red: far too many homes
    assert colour_at(editor, 210, 110) == before


def test_the_picture_of_a_new_grid_and_a_retired_one(editor: PlanEditor) -> None:
    """A grid without a code yet is drawn, one without units is not, in either language."""
    editor.move([4, 5], SOUTH_A)
    editor.move([2, 6], "new-1")
    editor.lang = "en"
    assert open_picture(editor).size == (960, 634)
    colours = open_picture(editor).getcolors(100_000)
    assert colours is not None
    assert len(colours) > 4


def test_a_draft_can_be_taken_back(four_by_two: Plan, tmp_path: Path) -> None:
    """Who opened it last has it; the one before is refused until it takes the draft back."""
    first = gridmap.edit_plan(four_by_two, journal=tmp_path / "a.sqlite")
    second = gridmap.edit_plan(four_by_two, journal=tmp_path / "a.sqlite")
    second.move([4], SOUTH_A)
    with pytest.raises(DraftTakenError, match="take_over"):
        first.move([5], SOUTH_A)
    first.take_over()
    assert first.assignment[4] == SOUTH_A
    first.move([5], SOUTH_A)
    with pytest.raises(DraftTakenError):
        second.undo()
    assert len(first.steps) == 2
