"""The pages on the reference city, in a Chromium without a GPU.

    python benchmarks/pages.py [--json FILE] [--grids 2157] [--store FOLDER] [--runs 3]

From one run, medians: seconds until /embed and /dispatch are drawn (each time in a fresh browser
context, so nothing is cached), milliseconds from a click on the map to the owner's card, from Enter
to the card, and a frame while the whole city is dragged. A plan is drawn and published first;
``--store`` keeps it for the next run. Nobody else's page shows these grids offline, so there is no
peer.
"""

import statistics
import sys
import tempfile
from datetime import date
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from gridmap import PlanStore, draw_plan, make_city

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how to serve a store

from report import Bar, make_limit, make_parser, report  # the script beside this one

from benchmarks.editor import WATCH_FRAMES, percentile
from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.browser.site import TODAY, serve

WATCH_READY = """new MutationObserver(() => {
    if (document.documentElement?.dataset.ready === '1') window.ready ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true })"""
WATCH_CARD = """() => {
    window.waits = [];
    const card = document.getElementById('card');
    let asked = null;
    const ask = ({ type, key, timeStamp }) => {
        if (type === 'click' || key === 'Enter') asked = timeStamp;
    };
    document.getElementById('map').addEventListener('click', ask, true);
    document.addEventListener('keydown', ask, true);
    new MutationObserver(() => {
        if (asked !== null && !card.hidden) window.waits.push(performance.now() - asked);
        asked = null;
    }).observe(card, { childList: true });
}"""


def open_page(browser: Browser, address: str) -> tuple[Page, float]:
    """Open a page as for the first time; return it, and seconds until it was drawn."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.add_init_script(WATCH_READY)
    page.goto(address)
    page.wait_for_selector("html[data-ready='1']", timeout=60_000)
    return page, page.evaluate("window.ready / 1000")


def measure_opening(browser: Browser, address: str, runs: int) -> float:
    """Return the median seconds until a page is drawn."""
    seconds = []
    for _ in range(runs):
        page, ready = open_page(browser, address)
        page.context.close()
        seconds.append(ready)
    return statistics.median(seconds)


def measure_clicks(browser: Browser, site: str) -> float:
    """Click all over the city; return the median milliseconds until the card is there."""
    page, _ = open_page(browser, f"{site}/embed")
    page.evaluate(WATCH_CARD)
    for step in range(9):
        page.mouse.click(520 + 40 * step, 260 + 30 * step)
        page.wait_for_timeout(250)
    waits: list[float] = page.evaluate("window.waits")
    page.context.close()
    return statistics.median(waits)


def measure_enters(browser: Browser, site: str) -> float:
    """Paste positions and press Enter; return the median milliseconds until the card is there."""
    page, _ = open_page(browser, f"{site}/dispatch")
    west, south, east, north = page.evaluate(
        "fetch('plans/in-force').then(answer => answer.json()).then(({ bbox }) => bbox)"
    )
    page.evaluate(WATCH_CARD)
    for step in range(9):
        share = 0.3 + 0.05 * step
        page.fill("#query", f"{west + share * (east - west)},{south + share * (north - south)}")
        page.press("#query", "Enter")
        page.wait_for_timeout(250)
    waits: list[float] = page.evaluate("window.waits")
    page.context.close()
    return statistics.median(waits)


def measure_panning(browser: Browser, site: str) -> float:
    """Drag the whole city to and fro; return the milliseconds that 95 % of the frames keep."""
    page, _ = open_page(browser, f"{site}/embed")
    page.mouse.move(640, 400)
    page.mouse.down()
    page.evaluate(WATCH_FRAMES)
    for step in range(90):
        page.mouse.move(640 + 2 * (step if step < 45 else 90 - step), 400 + step)
    page.mouse.up()
    frames = page.evaluate("(cancelAnimationFrame(window.watching), window.frames_seen)")
    page.context.close()
    return percentile(frames, 0.95)


def judge(name: str, ours: float, most: float) -> Bar:
    """Describe one bar."""
    return make_limit(f"pages: {name}", ours, most)


def measure_bars(store: Path, runs: int) -> list[Bar]:
    """Serve the store and do it all."""
    with serve(store) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        bars = [
            judge("/embed ready, s", measure_opening(browser, f"{site}/embed", runs), 2),
            judge("/dispatch ready, s", measure_opening(browser, f"{site}/dispatch", runs), 2),
            judge("click to card, ms", measure_clicks(browser, site), 500),
            judge("Enter to card, ms", measure_enters(browser, site), 500),
            judge("pan whole city, ms a frame, 95 %", measure_panning(browser, site), 100),
        ]
        browser.close()
    return bars


def get_store(grids: int, folder: Path | None) -> Path:
    """Draw and publish a plan, or find it in the folder; return the folder."""
    store = PlanStore(folder or tempfile.mkdtemp())
    if store.plans().empty:
        store.keep(draw_plan(make_city(grids), steps=3), "city")
        store.publish("city", date(2026, 1, 1), by="benchmark", today=TODAY)
    return store.folder


def main() -> None:
    """Measure, print, and write the file asked for."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, default=2157)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    bars = measure_bars(get_store(asked.grids, asked.store), asked.runs)
    report(bars, asked.json)


if __name__ == "__main__":
    main()
