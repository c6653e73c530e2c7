"""The notebook editor on the reference city, in JupyterLab and a Chromium without a GPU.

    python benchmarks/editor.py [--json FILE] [--grids 2157] [--plan FILE]

From one run: seconds from Shift+Enter to the drawn map, bytes over the kernel's socket until then,
milliseconds from a movement of the mouse in a stroke to the table of changes, and milliseconds a
frame while the map is dragged, of the whole city and near by. A plan is drawn first, which takes
minutes; ``--plan`` keeps it in a file for the next run.
"""

import pickle
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from gridmap import draw_plan, make_city

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how to start a JupyterLab

from report import Bar, make_limit, make_parser, report  # the script beside this one

from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.browser.editor_page import EDITOR, at, choose, settle
from tests.browser.lab import open_notebook, run_cell, start_lab, write_notebook

WATCH_TABLE = """() => {
    window.waits = [];
    let moved = null;
    const table = document.querySelector('.gm-changes');
    document.querySelector('.gm-map').addEventListener('pointermove', event => {
        if (event.buttons) moved ??= event.timeStamp;
    }, true);
    new MutationObserver(() => {
        if (moved !== null) window.waits.push(performance.now() - moved);
        moved = null;
    }).observe(table, { subtree: true, childList: true, characterData: true, attributes: true });
}"""
WATCH_FRAMES = """() => {
    window.frames_seen = [];
    let before = null;
    const next = now => {
        if (before !== null) window.frames_seen.push(now - before);
        before = now;
        window.watching = requestAnimationFrame(next);
    };
    window.watching = requestAnimationFrame(next);
}"""


def get_plan(grids: int, path: Path | None) -> Path:
    """Draw the plan, or find it in the file; return the file."""
    path = path or Path(tempfile.mkdtemp()) / "plan.pickle"
    if not path.exists():
        path.write_bytes(pickle.dumps(draw_plan(make_city(grids), steps=3)))
    return path


def count_bytes(page: Page) -> list[int]:
    """Collect the sizes of what comes and goes over every socket of the page."""
    sizes: list[int] = []

    def note(frame: str | bytes) -> None:
        sizes.append(len(frame) if isinstance(frame, bytes) else len(frame.encode()))

    def watch(socket: Any) -> None:
        socket.on("framereceived", note)
        socket.on("framesent", note)

    page.on("websocket", watch)
    return sizes


def measure_opening(page: Page, sizes: list[int]) -> tuple[float, float]:
    """Run the cell; return seconds until the map is drawn, and megabytes until then."""
    page.evaluate(
        """() => {
            addEventListener('keydown', event => {
                if (event.key === 'Enter') window.began = performance.now();
            }, true);
            new MutationObserver(() => {
                if (document.querySelector('[data-ready="1"]')) window.ready ??= performance.now();
            }).observe(document.body, { subtree: true, childList: true, attributes: true });
        }"""
    )
    sizes.clear()
    run_cell(page, 1)
    page.wait_for_selector('[data-ready="1"]', timeout=120_000)
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))")
    return page.evaluate("(window.ready - window.began) / 1000"), sum(sizes) / 1e6


def measure_strokes(page: Page, strokes: int) -> list[float]:
    """Paint over the borders of some grids; return the wait of each movement, in milliseconds."""
    page.evaluate(WATCH_TABLE)
    for grid in range(0, 40 * strokes, 40):
        page.evaluate(f"{EDITOR}.goTo({grid})")
        settle(page)
        unit = page.evaluate(f"[...{EDITOR}.draft.members[{grid}]][0]")
        choose(page, unit)
        page.keyboard.press("b")
        x, y = at(page, unit)
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(12):
            page.mouse.move(x + 14 * step, y + 6 * step)
            page.wait_for_timeout(30)
        page.mouse.up()
        settle(page)
        page.keyboard.press("Control+z")
        settle(page)
    return page.evaluate("window.waits")


def measure_panning(page: Page) -> list[float]:
    """Drag the map to and fro; return the milliseconds of each frame."""
    page.keyboard.press("v")
    settle(page)
    box = page.locator(".gm-map").bounding_box() or {}
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(WATCH_FRAMES)
    for step in range(90):
        page.mouse.move(x + 2 * (step if step < 45 else 90 - step), y + step)
    page.mouse.up()
    return page.evaluate("(cancelAnimationFrame(window.watching), window.frames_seen)")


def judge(name: str, ours: float, most: float) -> Bar:
    """Describe one bar; nobody else's editor draws this city offline, so there is no peer."""
    return make_limit(f"editor: {name}", ours, most)


def percentile(values: list[float], share: float) -> float:
    """Return the value that so much of the values is below or at."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure_bars(plan: Path, strokes: int) -> list[Bar]:
    """Open the plan in JupyterLab and do it all."""
    setup = (
        f"import pickle, gridmap\nplan = pickle.load(open({str(plan)!r}, 'rb'))\n"
        "gridmap.check_plan(plan)\nprint('go')"
    )
    folder = Path(tempfile.mkdtemp())
    write_notebook(folder / "city.ipynb", setup, "editor = gridmap.edit_plan(plan)\neditor")
    with start_lab(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        sizes = count_bytes(page)
        open_notebook(page, address, "city.ipynb")
        run_cell(page, 0)
        page.locator(".jp-OutputArea-output", has_text="go").wait_for(timeout=300_000)
        ready, megabytes = measure_opening(page, sizes)
        page.locator(".gm-editor").scroll_into_view_if_needed()
        page.focus(".gm-map")
        whole = measure_panning(page)
        waits = measure_strokes(page, strokes)
        near = measure_panning(page)
        browser.close()
    wait, near_frame, whole_frame = (statistics.median(some) for some in (waits, near, whole))
    late, slow = percentile(waits, 0.95), percentile(whole, 0.95)
    return [
        judge("stroke to table, ms, median", wait, 60),
        judge("stroke to table, ms, 95 %", late, 60),
        judge("pan, ms a frame, median", near_frame, 17),
        judge("pan whole city, ms a frame, median", whole_frame, 17),
        judge("pan whole city, ms a frame, 95 %", slow, 100),
        judge("Shift+Enter to ready, s", ready, 3),
        judge("over the socket, MB", megabytes, 4),
    ]


def main() -> None:
    """Measure, print, and write the file asked for."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, default=2157)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--strokes", type=int, default=8)
    asked = parser.parse_args()
    bars = measure_bars(get_plan(asked.grids, asked.plan), asked.strokes)
    report(bars, asked.json)


if __name__ == "__main__":
    main()
