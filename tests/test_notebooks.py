"""The notebooks run from top to bottom, and are kept without output."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"), key=lambda path: int(path.name.split("_")[0]))
#: Where docs/conf.py finds the notebooks with their output.
EXECUTED = os.environ.get("GRIDMAP_EXECUTED")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path) -> None:
    """Every cell runs in a fresh kernel, and the last code cell shows something."""
    book = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(book, timeout=300, resources=resources, store_widget_state=False).execute()
    if EXECUTED:
        nbformat.write(book, Path(EXECUTED) / path.name)
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert cells[-1].outputs


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_output(path: Path) -> None:
    """No output and no execution count is stored, so that a change shows what changed."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_a_story(path: Path) -> None:
    """10 to 15 cells under a numbered title that says what happens to whom."""
    cells = nbformat.read(path, as_version=4).cells
    assert 10 <= len(cells) <= 15
    assert cells[0].source.startswith(f"# {path.name.split('_')[0]}. ")
    assert len(cells[0].source.splitlines()) >= 3


def test_notebooks_are_numbered_by_the_flow() -> None:
    """1, 2, 3 … without a gap."""
    numbers = [int(path.name.split("_")[0]) for path in NOTEBOOKS]
    assert numbers == list(range(1, len(NOTEBOOKS) + 1))
