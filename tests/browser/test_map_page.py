"""The map page in Chromium, with every other host cut off."""

import re
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from gridmap.datum import from_wgs84
from gridmap.edit import merge_grids
from gridmap.store import PlanStore
from tests.browser.site import NAMELESS, TODAY, covers, low_contrasts, serve

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page(visit, site):
    """Return a function that opens the map."""

    def open_map(address="", site=site, **options):
        return visit(f"{site}/map{address}", **options)

    return open_map


def ask(site, lon, lat):
    """Ask /locate."""
    parameters = {"lon": lon, "lat": lat}
    return httpx.get(f"{site}/locate", params=parameters, trust_env=False).json()


def pin_of(page):
    """Return the place in the page's address."""
    page.wait_for_function("location.hash.includes('pin=')")
    lon, lat = re.search(r"pin=([-\d.]+),([-\d.]+)", page.url).groups()
    return float(lon), float(lat)


def test_click(open_page, site):
    """A click shows the card of the owner that /locate names for that place, on top of the map."""
    page = open_page()
    page.mouse.click(640, 420)
    expect(page.locator("#card")).to_be_visible()
    answer = ask(site, *pin_of(page))
    assert answer["grid_code"]
    expect(page.locator("#card h1")).to_have_text(answer["street"] + answer["name"])
    expect(page.locator("#card dd.code").first).to_have_text(answer["grid_code"])
    expect(page.locator("#card")).to_contain_text(f"{answer['households']} 户")
    expect(page.locator("#card")).to_contain_text(f"{answer['street']} · {answer['community']}")
    assert covers(page, "#card")
    assert covers(page, "#mark")


def test_owner_is_drawn(open_page, grids):
    """The owner's outline is painted: blue appears on the map, and goes when the card is closed."""
    page = open_page()
    blue = """() => {
        let found = 0;
        for (const canvas of document.querySelectorAll('#map canvas')) {
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            const blue = 11 | (87 << 8) | (208 << 16) | (255 << 24);
            for (const pixel of new Int32Array(data.buffer)) found += pixel === blue;
        }
        return found;
    }"""
    assert page.evaluate(blue) == 0
    page.fill("#query", grids[0]["id"])
    page.press("#query", "Enter")
    expect(page.locator("#card")).to_be_visible()
    page.wait_for_timeout(300)
    assert page.evaluate(blue) > 500
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    page.wait_for_timeout(300)
    assert page.evaluate(blue) == 0


def test_border(open_page, site, grids):
    """Near a border the card says how near, and which other grid it may be."""
    for feature in grids:
        lon, lat = feature["geometry"]["coordinates"][0][0]
        answer = ask(site, lon, lat)
        if answer["runner_up"]:
            break
    page = open_page(f"#18/{lat}/{lon}&pin={lon},{lat}")
    hint = page.locator("#card .hint")
    expect(hint).to_contain_text(f"距网格边界 {answer['border_m']:.1f} m — 也可能属于：")
    expect(hint).to_contain_text(answer["runner_up"]["name"])


def test_outside(open_page, grids):
    """A click 2 km north of every grid says so, and shows what is wrong."""
    lon, north = grids[0]["bbox"][0], max(feature["bbox"][3] for feature in grids)
    page = open_page(f"#16/{north + 0.02}/{lon}")
    page.mouse.click(640, 400)
    expect(page.locator("#card h1")).to_have_text("不在任何网格内")
    expect(page.locator("#card")).to_have_attribute("data-match", "none")
    expect(page.locator("#card .hint")).to_contain_text("附近没有网格")


def test_code(open_page, grids):
    """A code and Enter show that grid, in view."""
    feature = grids[3]
    page = open_page()
    page.fill("#query", feature["id"])
    page.press("#query", "Enter")
    expect(page.locator("#card")).to_have_attribute("data-grid", feature["id"])
    assert feature["id"] in page.url
    page.fill("#query", feature["id"][:12] + "999")
    page.press("#query", "Enter")
    expect(page.locator("#message")).to_contain_text("没有编码为")


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_place(open_page, grids, datum):
    """Longitude and latitude, in the datum that is chosen, show the grid that owns the place."""
    lon, lat = grids[0]["properties"]["label"]
    east, north = from_wgs84(lon, lat, datum)
    page = open_page()
    page.select_option("#datum", datum)
    page.fill("#query", f"{east:.7f}，{north:.7f}")
    page.press("#query", "Enter")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])


def test_name(open_page, grids):
    """Part of a name lists the grids that have it; a click on one shows it."""
    page = open_page()
    page.fill("#query", grids[0]["properties"]["community"])
    page.click("#go")
    rows = page.locator("#results [role=option]")
    expect(rows.first).to_be_visible()
    code = rows.nth(1).locator("small").inner_text()
    rows.nth(1).click()
    expect(page.locator("#card")).to_have_attribute("data-grid", code)
    expect(page.locator("#results")).to_be_hidden()
    page.fill("#query", "没有这样的网格")
    page.press("#query", "Enter")
    expect(page.locator("#message")).to_contain_text("没有找到")
    page.fill("#query", "122.2,")
    page.press("#query", "Enter")
    expect(page.locator("#message")).to_contain_text("坐标不对")


def test_language(open_page):
    """The button changes every text, and the address keeps the language."""
    page = open_page()
    page.mouse.click(640, 420)
    expect(page.locator("#card dt").first).to_have_text("编码")
    expect(page.locator("#mark")).to_contain_text("内部使用（未经地图审核）")
    page.click("#language")
    expect(page.locator("#card dt").first).to_have_text("Code")
    expect(page.locator("#mark")).to_contain_text("Internal use – not for publication")
    expect(page.locator("#mark")).to_contain_text("© 测试数据")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "lang=en" in page.url
    left = "".join(
        page.locator(part).inner_text() for part in ("#legend", "#mark strong", "#datum")
    )
    assert not re.search(r"[\u4e00-\u9fff]", left)


def test_address(open_page):
    """A copied address shows the same grid, place and view, in the same language."""
    page = open_page("?lang=en")
    page.mouse.click(640, 420)
    expect(page.locator("#card")).to_be_visible()
    pin = pin_of(page)
    parts = urlsplit(page.url)
    other = open_page(f"?{parts.query}#{parts.fragment}")
    expect(other.locator("#card h1")).to_have_text(page.locator("#card h1").inner_text())
    assert pin_of(other) == pin
    assert other.url == page.url


def test_phone(open_page):
    """On a phone nothing is wider than the screen; the card leaves map and mark in sight."""
    page = open_page(width=390, height=844)
    page.mouse.click(195, 420)
    expect(page.locator("#card")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in ("#search", "#card", "#mark", "#language", "#legend"):
        box = page.locator(part).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert covers(page, part)
    card, mark = (page.locator(part).bounding_box() for part in ("#card", "#mark"))
    assert card["y"] > 300
    assert card["y"] + card["height"] <= mark["y"] + 1


def test_keyboard(open_page, site):
    """Without a mouse: `/` to search, Enter on the map asks for its centre, Escape closes."""
    page = open_page()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "query"
    page.keyboard.press("Shift+Tab")
    page.focus("#map")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#crosshair")).to_be_visible()
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_be_visible()
    expect(page.locator("#card")).to_have_attribute(
        "data-grid", ask(site, *pin_of(page))["grid_code"]
    )
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()


def test_names(open_page):
    """Every button, field and picker has a name that can be read out."""
    page = open_page()
    page.mouse.click(640, 420)
    expect(page.locator("#card")).to_be_visible()
    assert page.evaluate(NAMELESS) == []


def test_contrast(open_page, grids):
    """Text stands out from what is behind it at least 4.5 to 1."""
    page = open_page()
    page.fill("#query", grids[0]["id"])
    page.press("#query", "Enter")
    expect(page.locator("#card")).to_be_visible()
    assert low_contrasts(page, "h1, dt, dd, button, select, input, summary, li, #mark *") == []


def test_buildings_come_near(open_page, grids):
    """Buildings are asked for when they can be seen, and only those around the view."""
    lon, lat = grids[0]["properties"]["label"]
    page = open_page(f"#14/{lat}/{lon}")
    with page.expect_response("**/layers/buildings**") as response:
        page.evaluate(f"location.hash = '#17/{lat}/{lon}'")
    assert "bbox=" in response.value.url
    assert response.value.json()["features"]
    assert page.locator(".label").count() > 0


def test_no_name_lies_on_another(open_page, site, grids):
    """Where two are in each other's way the larger grid is named, or the one that is marked."""
    large, small = grids[0], grids[1]
    lon, lat = large["properties"]["label"]

    def crowd(route):
        told = route.fetch().json()
        for feature in told["features"]:
            if feature["id"] == small["id"]:
                feature["properties"]["label"] = [lon + 1e-5, lat]
        route.fulfill(json=told)

    page = open_page()
    page.route(f"{site}/grids", crowd)
    page.goto(f"{site}/map#17/{lat}/{lon}")
    page.reload()
    page.wait_for_selector("html[data-ready='1']")
    names = page.locator(".label > div")

    def count(feature):
        return names.filter(has_text=f"第{int(feature['id'][-3:])}网格").count()

    assert (count(large), count(small)) == (1, 0)
    page.fill("#query", small["id"])
    page.press("#query", "Enter")
    expect(page.locator("#card")).to_be_visible()
    page.evaluate(f"location.hash = '#17/{lat}/{lon}'")
    expect(names.filter(has_text=f"第{int(small['id'][-3:])}网格")).to_have_count(1)
    assert count(large) == 0


def test_no_plan(browser, site):
    """Before the first plan the page says that there was none."""
    page = browser.new_page()
    page.goto(f"{site}/map?at=2020-01-01")
    expect(page.locator("#message")).to_have_text("这一天没有生效的网格方案。")
    page.close()


def test_new_publication(open_page, town, tmp_path):
    """A plan that is published while the page is open is drawn with the next answer."""
    code = town.units["grid_code"]
    pairs = zip(code.loc[town.adjacency["unit_a"]], code.loc[town.adjacency["unit_b"]], strict=True)
    pair = next([one, other] for one, other in pairs if one != other and one[:12] == other[:12])
    merged = merge_grids(town, pair)
    store = PlanStore(tmp_path)
    for name, plan in (("old", town), ("new", merged)):
        store.keep(plan, name)
    store.publish("old", TODAY, by="王芳", today=TODAY)
    with serve(tmp_path) as address:
        page = open_page(site=address)
        expect(page.locator("#plan")).to_contain_text("方案 old")
        store.publish("new", TODAY, by="王芳", today=TODAY)
        page.mouse.click(640, 420)
        expect(page.locator("#plan")).to_contain_text(
            f"方案 new，2026-05-01 起生效，{len(merged.grids)}"
        )
        expect(page.locator("#card")).to_be_visible()
