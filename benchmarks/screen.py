"""The command screen with 20,000 open cases, in a Chromium without a GPU.

    python benchmarks/screen.py [--json FILE] [--cases 20000] [--grids 2157] [--plan FILE]

From one run, medians: seconds from the address to the first complete picture, milliseconds from a
press on a bar until the filtered picture is drawn, and milliseconds from the news of a change on
the stream until the picture with it is drawn. "Drawn" is the frame after the work: what is seen.
A plan is drawn first, which takes minutes; ``--plan`` keeps it in a file for the next run. The peer
is the same page with a twentieth of the cases: the ratio says what 20 times as many cost.
"""

import pickle
import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how to serve a store
sys.path.insert(0, str(Path(__file__).parent))

from editor import get_plan
from report import Bar, make_bar, make_parser, report  # the script beside this one

from gridmap.casebook.opening import Casebook, open_casebook
from gridmap.incidents.model import Actor, Location, Report
from gridmap.keys import KeyStore
from gridmap.store import PlanStore
from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.browser.site import TODAY, serve

RUNS = 7
SHARE = 20
SETTLE = 2000
#: Resolves, with milliseconds, in the frame after the screen has drawn what an action changed.
TIME_DRAWING = """act => new Promise(resolve => {
    const begun = performance.now();
    new MutationObserver((_, watch) => {
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
    }).observe(document.querySelector('#figures'), { childList: true });
    (0, eval)(act);
})"""
#: Gives a promise of the milliseconds from the news of a change to the frame that shows it.
WATCH_CHANGE = """() => {
    const heard = new Promise(resolve => {
        const parse = JSON.parse;
        JSON.parse = text => {
            JSON.parse = parse;
            resolve(performance.now());
            return parse(text);
        };
    });
    const seen = begun => new Promise(resolve => new MutationObserver((_, watch) => {
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
    }).observe(document.querySelector('#figures'), { childList: true }));
    return { drawn: heard.then(seen) };
}"""


def make_store(grids: int, path: Path | None) -> PlanStore:
    """Keep and publish the plan."""
    store = PlanStore(tempfile.mkdtemp())
    store.keep(pickle.loads(get_plan(grids, path).read_bytes()), "spring")
    store.publish("spring", TODAY, by="benchmark", today=TODAY)
    return store


def open_cases(store: PlanStore, total: int) -> None:
    """Open cases all over the city, reported within the last day."""
    chance, now = random.Random(0), datetime.now(UTC)
    west, south, east, north = store.load("spring").grids.to_crs(4326).total_bounds
    with open_casebook(store, on=TODAY) as book:
        names = list(book.rules.categories)
        reports = [
            Report(
                chance.choice(names),
                Location(chance.uniform(west, east), chance.uniform(south, north)),
                reported_at=now - timedelta(hours=chance.uniform(0, 4)),
            )
            for _ in range(total)
        ]
        for start in range(0, total, 1000):
            book.open_many(reports[start : start + 1000], Actor("reporter"))


def open_page(browser: Browser, site: str, key: str) -> tuple[Page, float]:
    """Open the screen; return it, and the seconds until it was complete."""
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.add_init_script(f"sessionStorage.setItem('gridmap-key', '{key}')")
    page.goto(f"{site}/screen")
    page.wait_for_selector("html[data-live='1']")
    seconds = page.evaluate(
        "new Promise(done => requestAnimationFrame(() => done(performance.now())))"
    )
    page.wait_for_timeout(SETTLE)
    return page, seconds / 1000


def time_filter(page: Page) -> float:
    """Press a bar; return milliseconds until the picture is drawn."""
    press = "document.querySelector('#category .bar').click()"
    return float(page.evaluate(TIME_DRAWING, press))


def time_change(page: Page, book: Casebook, number: int) -> float:
    """Step a case; return milliseconds from the news of it to the picture with it."""
    waiting = page.evaluate_handle(WATCH_CHANGE)
    place = Location(122.2351234, 40.6721234 + number * 1e-6)
    book.open(Report("供水", place), Actor("reporter"))
    return float(waiting.evaluate("waiting => waiting.drawn"))


def measure(browser: Browser, store: PlanStore) -> dict[str, float]:
    """Return the medians of one store."""
    key = KeyStore(store.folder).add("screen", "viewer", by="benchmark")
    with serve(store.folder) as site, open_casebook(store, on=TODAY) as book:
        opened = [open_page(browser, site, key) for _ in range(3)]
        page = opened[-1][0]
        for other, _ in opened[:-1]:
            other.close()
        told = {
            "ready, s": statistics.median(seconds for _, seconds in opened),
            "filter, ms": _median(lambda _: time_filter(page)),
            "update, ms": _median(lambda number: time_change(page, book, number)),
        }
        page.close()
    return told


def _median(take: Callable[[int], float]) -> float:
    return statistics.median(take(number) for number in range(RUNS))


def judge(ours: dict[str, float], peer: dict[str, float]) -> list[Bar]:
    """Return the bars; an update is to be seen within a second."""
    goals = {"ready, s": 5.0, "filter, ms": 1000.0, "update, ms": 1000.0}
    return [
        make_bar(
            f"screen {name}", value, peer[name], f"below {goals[name]:g}", value < goals[name],
            ratio=value / peer[name],
        )
        for name, value in ours.items()
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--grids", type=int, default=2157)
    options = parser.parse_args()
    store = make_store(options.grids, options.plan)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        open_cases(store, options.cases // SHARE)
        peer = measure(browser, store)
        open_cases(store, options.cases - options.cases // SHARE)
        bars = judge(measure(browser, store), peer)
        browser.close()
    print(f"{options.cases} cases beside {options.cases // SHARE}:")
    report(bars, options.json, peer="fewer")


if __name__ == "__main__":
    main()
