"""The editor inside JupyterLab: a real kernel, Chromium, and no host but this one."""

import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.editor_page import EDITOR, at, choose, click, grids, lasso, settle, stroke
from tests.browser.lab import open_notebook, run_cell, start_lab, write_notebook

if os.environ.get("CI") != "true":  # there it has to be installed
    pytest.importorskip("jupyterlab", reason="no JupyterLab: pip install .[notebooks]")
pytestmark = pytest.mark.browser

SETUP = """
import os
from pathlib import Path
import gridmap
from tests.towns import make_four_by_two
Path("pid").write_text(str(os.getpid()))
"""
OPEN = "editor = gridmap.edit_plan(make_four_by_two(), by='王芳', journal='{}.sqlite')\neditor"
TELL = """
before = editor.start.units["grid_code"]
Path("told").write_text(repr((
    editor.assignment[editor.assignment != before].to_dict(), editor.locked,
    editor.plan.grids.households.to_list(),
)))
"""
NORTH_A, SOUTH_A = "210802003002001", "210802003002002"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start one JupyterLab for the module; give its address and folder."""
    folder = tmp_path_factory.mktemp("lab")
    with start_lab(folder) as address:
        yield address, folder


@pytest.fixture
def open_lab(browser, lab):
    """Return a function that opens a new notebook with the editor; nothing may go outside."""
    address, folder = lab
    troubles, contexts = [], []

    def watch(request):
        if request.url.startswith("http") and urlsplit(request.url).hostname != "127.0.0.1":
            troubles.append(f"asked for {request.url}")

    def enter(name):
        write_notebook(folder / name, SETUP, OPEN.format(name), TELL)
        context = browser.new_context(viewport={"width": 1500, "height": 1000})
        contexts.append(context)
        page = context.new_page()
        page.on("request", watch)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        open_notebook(page, address, name)
        return page

    yield enter
    for context in contexts:
        context.close()
    assert troubles == []


def open_editor(page):
    """Run the first two cells and wait for the map."""
    run_cell(page, 0)
    run_cell(page, 1)
    page.wait_for_selector('[data-ready="1"]', timeout=60_000)
    page.locator(".gm-editor").scroll_into_view_if_needed()
    settle(page)


def tell(page, folder: Path):
    """Run the last cell: what the kernel has."""
    (folder / "told").unlink(missing_ok=True)
    run_cell(page, 2)
    for _ in range(100):
        page.wait_for_timeout(100)
        if (folder / "told").exists() and (folder / "told").read_text():
            return eval((folder / "told").read_text())
    raise AssertionError("the kernel does not answer")


def test_story_in_lab(open_lab, lab):
    """Paint, lasso, lock, undo; the keys are the editor's, and the kernel has the same plan."""
    _, folder = lab
    page = open_lab("story.ipynb")
    open_editor(page)
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4)
    expect(page.locator(".gm-status")).to_contain_text("已保存", timeout=2_000)
    page.keyboard.press("l")
    lasso(page, 5)
    expect(page.locator(".gm-bar")).to_contain_text("210→300")
    page.keyboard.press("Enter")
    settle(page)
    page.keyboard.press("Control+z")
    page.keyboard.press("v")
    click(page, 6)
    page.keyboard.press("k")
    for key in "cdd":  # in the notebook: copy and delete the cell
        page.keyboard.press(key)
    page.locator('[data-tool="compare"]').click()
    page.keyboard.press("d")
    page.keyboard.press("d")
    settle(page)
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells
    moved, locked, households = tell(page, folder)
    assert moved == {4: SOUTH_A}
    assert locked == ["210802003003001"]
    assert households == [90, 210, 180, 120]


def test_reload_and_killed_kernel(open_lab, lab):
    """A reload of the page keeps the draft; after a kill of the kernel, reopening restores it."""
    _, folder = lab
    page = open_lab("crash.ipynb")
    open_editor(page)
    start = grids(page)
    choose(page, 2)
    page.keyboard.press("b")
    stroke(page, 6)
    settle(page)
    edited = grids(page)
    assert edited != start
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(0).click()
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1_500)
    page.reload()
    page.wait_for_selector('[data-ready="1"]', timeout=60_000)
    settle(page)
    assert grids(page) == edited
    size = (folder / "crash.ipynb").stat().st_size
    assert size < 500_000
    assert nbformat.read(folder / "crash.ipynb", as_version=4).cells[1].outputs
    os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
    page.locator(".jp-Dialog", has_text="Kernel Restarting").wait_for(timeout=60_000)
    dismiss_dialogs(page)
    page.locator(".jp-StatusBar-TextItem", has_text="| Idle").wait_for(timeout=60_000)
    page.wait_for_timeout(2_000)
    old = (folder / "pid").read_text()
    open_again(page)
    assert (folder / "pid").read_text() != old
    assert grids(page) == edited
    assert page.evaluate(f"{EDITOR}.draft.past.length") >= 1
    moved, _, _ = tell(page, folder)
    assert 6 in moved


def dismiss_dialogs(page):
    """Close what Lab says about the kernel that died."""
    while page.locator(".jp-Dialog-button.jp-mod-accept").count():
        page.locator(".jp-Dialog-button.jp-mod-accept").first.click()
        page.wait_for_timeout(300)


def open_again(page):
    """Run the first two cells in the new kernel and wait for the new map."""
    page.evaluate(f"{EDITOR}.root.dataset.ready = 'old'")
    run_cell(page, 0)
    run_cell(page, 1)
    page.wait_for_selector('[data-ready="1"]', timeout=60_000)
    settle(page)


def test_wheel_in_lab(open_lab):
    """Over the map the wheel scrolls the notebook until the map is clicked, then it zooms."""
    page = open_lab("wheel.ipynb")
    open_editor(page)
    zoom = f"{EDITOR}.map.getZoom()"
    before = page.evaluate(zoom)
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(0).click()
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    spot = at(page, 0)
    page.mouse.move(*spot)
    page.mouse.wheel(0, 120)
    page.wait_for_timeout(400)
    assert page.evaluate(zoom) == before
    page.mouse.click(*at(page, 0))
    page.mouse.wheel(0, -240)
    page.wait_for_function(f"{zoom} > {before}")
