"""The system's Chromium, as on an office machine: no GPU, no internet."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright

from gridmap.plan import Plan, draw_plan
from gridmap.store import PlanStore
from gridmap.synthetic import make_city
from tests.browser.desk import Desk, keep_town, make_keys
from tests.browser.site import TODAY, is_inside, is_trouble, serve

CHROMIUM = Path("/usr/bin/chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium; without one the tests are skipped, but fail where CI says it is there."""
    if not CHROMIUM.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def town() -> Plan:
    """Draw a town of a dozen grids."""
    return draw_plan(make_city(12), steps=20)


@pytest.fixture(scope="session")
def town_folder(town: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep and publish the town."""
    store = PlanStore(tmp_path_factory.mktemp("town"))
    store.keep(town, "spring")
    store.publish("spring", TODAY, by="王芳", today=TODAY)
    return store.folder


@pytest.fixture(scope="session")
def site(town_folder: Path) -> Iterator[str]:
    """Serve the town; return the address."""
    with serve(town_folder) as address:
        yield address


@pytest.fixture(scope="session")
def grids(site: str):
    """Return the features of /grids, widest first."""
    # The first answer may wait for kernels to be compiled.
    answer = httpx.get(f"{site}/grids", trust_env=False, timeout=120)
    features = answer.json()["features"]
    return sorted(features, key=lambda feature: -feature["properties"]["area"])


@pytest.fixture(scope="session")
def desk(town: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Serve the town with a staffed grid and a casebook."""
    shape = town.grids.to_crs(4326).geometry
    code = str(town.grids.geometry.area.idxmax())
    middle = shape[code].representative_point()
    folder = keep_town(town, tmp_path_factory.mktemp("desk"), code).folder
    keys = make_keys(folder)
    with serve(folder) as address:
        yield Desk(address, code, (middle.x, middle.y), *keys)


@pytest.fixture
def visit(browser: Browser):
    """Return a function that opens an address; in the end nothing may have failed or gone out."""
    troubles, contexts = [], []

    def guard(route):
        if is_inside(route):
            route.continue_()
        else:
            troubles.append(f"asked for {route.request.url}")
            route.abort()

    def open_address(address, width=1280, height=800, ready="html[data-ready='1']", **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.route("**/*", guard)
        page = context.new_page()
        page.on("console", lambda line: troubles.append(line.text) if is_trouble(line) else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(address)
        page.wait_for_selector(ready)
        return page

    yield open_address
    for context in contexts:
        context.close()
    assert troubles == []
