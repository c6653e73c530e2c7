"""The notebook's map in Chromium with the network off."""

from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from playwright.sync_api import Browser, Page, expect

from gridmap.adjacency import build_adjacency
from gridmap.city import City
from gridmap.maps import PlanMap, map_plan
from gridmap.plan import Plan, draw_plan, make_plan
from gridmap.rules import Rules
from gridmap.synthetic import make_city
from gridmap.tables import BARRIERS, STREETS, empty_table

pytestmark = pytest.mark.browser

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def town() -> Plan:
    """Return a town of eight grids with streets and buildings."""
    return draw_plan(make_city(8, seed=2))


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Return a function that opens a map offline; at the end nothing was asked for or failed."""
    contexts, troubles = [], []

    def open_page(page_map: PlanMap, width: int = 1280, height: int = 800) -> Page:
        page_map.save(tmp_path / "map.html")
        context = browser.new_context(offline=True, viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: note(request.url))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text))
        page.goto(f"file://{tmp_path}/map.html")
        page.wait_for_selector("html[data-ready='1']")
        return page

    def note(url: str) -> None:
        if not url.startswith(("file:", "data:")):
            troubles.append(url)

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def count_pixels(page: Page, colour: tuple[int, int, int]) -> int:
    """Count the pixels of a colour on the canvas above."""
    return page.evaluate(
        """([r, g, b]) => {
            const canvas = document.querySelector('.leaflet-overlay-pane canvas');
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            const wanted = (r | (g << 8) | (b << 16) | (255 << 24));
            let found = 0;
            for (const pixel of new Int32Array(data.buffer)) found += pixel === wanted;
            return found;
        }""",
        colour,
    )


def covers(page: Page, selector: str) -> bool:
    """Tell whether what people see in the middle of an element is that element."""
    return page.evaluate(
        """selector => {
            const box = document.querySelector(selector).getBoundingClientRect();
            const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return Boolean(seen && seen.closest(selector));
        }""",
        selector,
    )


def test_pointing_at_a_grid_names_it(open_page: Opener, four_by_two: Plan) -> None:
    """The tooltip has name, code, street, households and the client's column."""
    staff = pd.DataFrame({"worker": "王芳"}, index=four_by_two.grids.index)
    page = open_page(map_plan(four_by_two, table=staff), 800, 600)
    page.mouse.move(300, 220)
    page.mouse.move(302, 222)
    tip = page.locator(".leaflet-tooltip")
    for words in ("小雨社区第1网格", "210802003002001", "建设街道", "180 户（+20%）", "王芳"):
        expect(tip).to_contain_text(words)


def test_search_finds_grids_communities_and_buildings(open_page: Opener, town: Plan) -> None:
    """A code shows the card of its grid, a building that of its own; Escape closes."""
    page = open_page(map_plan(town))
    code = town.grids.index[3]
    page.fill("#query", code)
    page.press("#query", "Enter")
    expect(page.locator("#card")).to_have_attribute("data-grid", code)
    assert covers(page, "#card")
    assert count_pixels(page, (11, 87, 208)) > 300
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()

    lived = town.city.buildings[town.city.buildings["compound_id"] != ""].iloc[0]
    page.fill("#query", f"{lived['compound_id']} {lived['name']}")
    page.locator("#results button").first.click()
    expect(page.locator("#card")).to_contain_text(lived["name"])

    page.fill("#query", town.city.communities["name"].iloc[0])
    expect(page.locator("#results button").first).to_contain_text("社区")
    page.fill("#query", "没有这样的地方")
    expect(page.locator("#results")).to_have_text("没有找到")


def test_layers_and_legend_are_switched(open_page: Opener, town: Plan) -> None:
    """Another column repaints the map and its legend; a layer that is off is gone."""
    staff = pd.DataFrame(
        {"worker": ["王芳", "李强"] * (len(town.grids) // 2)}, index=town.grids.index
    )
    page = open_page(map_plan(town, table=staff))
    before = page.locator("#classes").inner_text()
    page.select_option("#shading", "worker")
    expect(page.locator("#classes li")).to_have_text(["李强", "王芳"])
    assert before != page.locator("#classes").inner_text()
    labels = page.locator("#overlays label").all_inner_texts()
    assert "道路" in labels
    assert "变更区域" not in labels
    page.evaluate("void map_map.setZoom(17)")
    expect(page.locator(".label").first).to_be_attached()
    page.uncheck("#overlays label:has-text('网格名称') input")
    expect(page.locator(".label")).to_have_count(0)


def test_changes_are_painted(open_page: Opener, four_by_two: Plan) -> None:
    """Areas that change grid are red, with old and new code in their tooltip."""
    unit = four_by_two.units.iloc[[0]]
    old, new = four_by_two.grids.index[:2]
    changes = gpd.GeoDataFrame(
        {"old": [old], "new": [new], "households": [60]},
        geometry=unit.geometry.values,
        crs=unit.crs,
    )
    page = open_page(map_plan(four_by_two, changes=changes), 800, 600)
    assert count_pixels(page, (179, 38, 30)) > 100
    page.mouse.move(180, 380)
    page.mouse.move(182, 382)
    expect(page.locator(".leaflet-tooltip")).to_contain_text(f"{old} → {new}")
    expect(page.locator(".leaflet-tooltip")).to_contain_text("60 户变更网格")


def test_language_and_mark(open_page: Opener, four_by_two: Plan) -> None:
    """The button changes every word; the mark says internal use, or the approval number."""
    page = open_page(map_plan(four_by_two, attribution="© 市测绘院"))
    expect(page.locator("#mark")).to_contain_text("内部使用（未经地图审核）")
    expect(page.locator("#mark")).to_contain_text("© 市测绘院")
    page.click("#language")
    expect(page.locator("#mark")).to_contain_text("Internal use – not for publication")
    expect(page.locator("#classes")).to_have_text("within ±20%")
    assert page.evaluate("document.documentElement.lang") == "en"
    page = open_page(map_plan(four_by_two, approval="辽S(2026)01号"))
    expect(page.locator("#mark strong")).to_have_text("审图号：辽S(2026)01号")


def test_phone(open_page: Opener, town: Plan) -> None:
    """Nothing is wider than a phone; search, legend, buttons and mark can be touched."""
    page = open_page(map_plan(town), 390, 780)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in ("#query", "#language", "#layers", "#mark", ".leaflet-control-zoom"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert covers(page, part)


def make_wide_city() -> Plan:
    """Return 2,157 grids of 60 vertices, as many as the reference city has, without drawing."""
    across, size = 51, 200.0
    cells = [
        shapely.box(x * size, y * size, (x + 1) * size, (y + 1) * size)
        for y in range(43)
        for x in range(across)
    ][:2157]
    waves = shapely.transform(
        shapely.segmentize(cells, size / 15), lambda at: at + 9 * np.sin(at[:, ::-1] / 17)
    )
    community = np.arange(2157) // 800
    places = ["210802003002", "210802003003", "210802003004"]
    units = gpd.GeoDataFrame(
        {
            "households": np.arange(2157) % 200 + 200,
            "buildings": 1,
            "community_id": [places[number] for number in community],
            "block_id": np.arange(2157),
            "compound_id": "",
            "building_id": "",
        },
        index=pd.RangeIndex(2157, name="unit_id"),
        geometry=list(waves),
        crs=4550,
    )
    areas = units.dissolve("community_id")[["geometry"]]
    communities = areas.assign(code=areas.index, name=["甲社区", "乙社区", "丙社区"], street="")
    buildings = gpd.GeoDataFrame(
        {
            "households": [1],
            "community_id": places[:1],
            "compound_id": "",
            "name": "1号楼",
            "floors": 6.0,
        },
        index=pd.Index(["b"], name="building_id"),
        geometry=[shapely.Point(100, 100).buffer(10)],
        crs=4550,
    )
    city = City(
        communities.rename_axis("community_id"),
        buildings,
        empty_table(STREETS, 4550),
        empty_table(BARRIERS, 4550),
    )
    rules = Rules()
    adjacency = build_adjacency(units, city, rules)
    return make_plan(city, units, adjacency, pd.Series(range(2157), units.index), rules)


def test_a_city_pans_smoothly_without_a_gpu(
    open_page: Opener, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """2,157 grids are less than 4 MB and follow the mouse; usual is a frame each 17 ms."""
    page = open_page(map_plan(make_wide_city()))
    size = (tmp_path / "map.html").stat().st_size
    assert size < 4_000_000
    page.evaluate(
        """() => {
            window.frames_ = [];
            const tick = (now) => { window.frames_.push(now); requestAnimationFrame(tick); };
            requestAnimationFrame(tick);
        }"""
    )
    page.mouse.move(600, 400)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(600 + 4 * step, 400 + 2 * step)
    frames = np.diff(page.evaluate("window.frames_"))
    page.mouse.up()
    record_property("median frame in ms", round(float(np.median(frames)), 1))
    record_property("95 % of frames in ms", round(float(np.quantile(frames, 0.95)), 1))
    record_property("page in bytes", size)
    assert np.median(frames) < 100
