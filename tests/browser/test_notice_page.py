"""The posted notice as people see it: without scripts, on a phone, and on paper."""

import io

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.browser.site import NAMELESS, low_contrasts

pytestmark = pytest.mark.browser


@pytest.fixture
def open_notice(visit, site):
    """Return a function that opens the notice of a grid in a browser without scripts."""

    def open_it(code, **options):
        return visit(f"{site}/g/{code}", ready="h1", java_script_enabled=False, **options)

    return open_it


def test_without_scripts(open_notice, grids):
    """Map, name, code and extent are there, and the link leads to the grid on the map."""
    page = open_notice(grids[0]["id"])
    told = grids[0]["properties"]
    expect(page.locator("h1")).to_have_text(told["street"] + told["name"])
    expect(page.locator("figure svg")).to_be_visible()
    expect(page.locator(".extent")).to_contain_text("东至")
    assert page.locator(".more").get_attribute("href") == f"../map#grid={grids[0]['id']}"
    page.click(".language")
    expect(page.locator(".kind")).to_have_text("Public notice of a grid")


def test_phone(open_notice, grids):
    """On a phone nothing is wider than the screen."""
    page = open_notice(grids[0]["id"], width=390, height=844)
    for part in ("main", "figure svg", "h1", "dl"):
        box = page.locator(part).first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def test_paper(open_notice, grids):
    """It is one sheet of A4, in black on white, with its address beside the code."""
    page = open_notice(grids[0]["id"])
    pages = PdfReader(io.BytesIO(page.pdf(format="A4"))).pages
    assert len(pages) == 1
    text = pages[0].extract_text()
    assert grids[0]["id"] in text
    assert f"/g/{grids[0]['id']}" in text


def test_names_and_contrast(visit, site, grids):
    """Links have names; text stands out from what is behind it."""
    page = visit(f"{site}/g/{grids[0]['id']}", ready="h1")
    assert page.evaluate(NAMELESS) == []
    assert low_contrasts(page, "h1, p, a, dt, dd, figcaption, span") == []


def test_unknown_code(open_notice):
    """A code that nobody has says so, and leads to the map."""
    page = open_notice("210802001001999")
    expect(page.locator(".lead")).to_contain_text("没有编码为 210802001001999 的网格")
    assert page.locator("main a[href^='../map']").count() == 1
