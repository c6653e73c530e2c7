"""The command screen: totals that are the service's, filters in the address, live, 4K."""

from collections import Counter

import pytest
from playwright.sync_api import expect

from tests.browser.desk import KEY
from tests.browser.site import NAMELESS, covers, low_contrasts

pytestmark = pytest.mark.browser

CLOCKS = ("overdue", "soon", "fine", "paused")


@pytest.fixture
def open_page(visit, desk):
    """Return a function that opens the screen with a key."""
    for category in ("供水", "供水", "供电"):
        desk.open(category)

    def open_screen(address="", key=desk.viewer, **options):
        options = {"width": 1920, "height": 1080, **options}
        page = visit(f"{desk.site}/screen", **options)
        page.evaluate(KEY.format(key))
        page.goto(f"{desk.site}/screen{address}")
        page.wait_for_selector("html[data-live='1']")
        return page

    return open_screen


def figure(page, name):
    """Return a number on the left."""
    return page.locator(f"[data-figure='{name}'] dd").inner_text()


def bar(facet, value):
    """Return the selector of the number of a bar."""
    return f"#{facet} [data-value='{value}'] .count"


def test_totals_are_the_services(open_page, desk):
    """Every number that the screen counts itself is what the service counts."""
    page = open_page()
    told = desk.ask("internal/screen")
    sums = {"category": Counter(), "stage": Counter(), "clock": Counter()}
    for row in told["totals"]:
        count = sum(row[clock] for clock in CLOCKS)
        sums["category"][row["category"]] += count
        sums["stage"][row["stage"]] += count
        sums["clock"].update({clock: row[clock] for clock in CLOCKS})
    assert figure(page, "open_cases") == str(len(told["cases"]))
    assert figure(page, "opened") == str(told["opened"])
    assert figure(page, "closed") == str(told["closed"])
    for facet in ("category", "stage"):
        shown = page.locator(f"#{facet} .bar").evaluate_all(
            "bars => bars.map(bar => [bar.dataset.value, +bar.children[2].textContent])"
        )
        assert {name: count for name, count in shown if count} == dict(sums[facet])
    chips = page.locator("#clocks strong").all_inner_texts()
    assert chips == [str(sums["clock"][clock]) for clock in CLOCKS]


def test_what_is_told_twice_counts_once(open_page, desk):
    """A case opened just before is in the screen, and in the stream that goes on from it."""
    desk.open()
    page = open_page()
    desk.open(words="第二件")
    told = desk.ask("internal/screen")
    expect(page.locator("[data-figure='open_cases'] dd")).to_have_text(str(len(told["cases"])))
    page.wait_for_timeout(1500)  # the stream looks once a second
    assert figure(page, "opened") == str(told["opened"])


def test_filters_cross_and_are_kept(open_page):
    """A pressed bar filters the rest, not its own facet; the address says so and brings it back."""
    page = open_page()
    whole, water = figure(page, "open_cases"), page.inner_text(bar("category", "供水"))
    power = page.inner_text(bar("category", "供电"))
    page.click("#category [data-value='供水']")
    assert figure(page, "open_cases") == water != whole
    assert page.inner_text(bar("category", "供电")) == power
    assert page.inner_text(bar("stage", "found")) == water
    page.reload()
    page.wait_for_selector("html[data-live='1']")
    expect(page.locator("#category [data-value='供水']")).to_have_attribute("aria-pressed", "true")
    assert figure(page, "open_cases") == water
    expect(page.locator("#urgent li")).to_have_count(min(60, int(water)))
    page.click("#clocks .overdue")
    assert figure(page, "open_cases") == "0"
    expect(page.locator("#urgent")).to_have_text("没有符合条件的案件")
    assert "clock=overdue" in page.url
    page.click("#clear")
    assert figure(page, "open_cases") == whole
    assert page.url.endswith("/screen")


def test_live(open_page, desk):
    """A case appears when it is opened, moves on when it is stepped, and goes when it ends."""
    page = open_page()
    before, waiting = int(figure(page, "open_cases")), int(page.inner_text(bar("stage", "found")))
    number = desk.open("矛盾纠纷")
    expect(page.locator("[data-figure='open_cases'] dd")).to_have_text(str(before + 1))
    desk.step(number, "inspect")
    expect(page.locator(bar("stage", "found"))).to_have_text(str(waiting))
    desk.step(number, "withdraw", note="误报")
    expect(page.locator("[data-figure='open_cases'] dd")).to_have_text(str(before))


def test_stale_data_is_red(open_page):
    """When nothing was heard for a while the time of the data turns red and says for how long."""
    page = open_page()
    page.route("**/internal/cases/stream*", lambda route: None)  # nothing is ever heard
    page.reload()
    page.wait_for_selector("html[data-live='1']")
    expect(page.locator("#data_at")).not_to_be_empty()
    expect(page.locator("#stale")).to_be_hidden()
    page.evaluate("(now => { Date.now = () => now() + 120000; })(Date.now)")
    expect(page.locator("#data_time")).to_have_class("stale")
    expect(page.locator("#stale")).to_contain_text("已 2分未更新")


def test_click_flies_and_shows_who_serves(open_page, desk):
    """A click in the list flies there, rings the case and shows its worker; so does the map's."""
    page = open_page()
    page.click("#urgent li:first-child button")
    expect(page.locator("#card")).to_contain_text("王芳")
    number = page.get_attribute("#urgent li:first-child", "data-case")
    expect(page.locator("#card")).to_have_attribute("data-case", number)
    expect(page.locator("#urgent [aria-current='true']")).to_have_count(1)
    assert covers(page, "#card")
    page.wait_for_timeout(1500)
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#card")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160)])
def test_fits_the_wall(open_page, width, height):
    """At 1920×1080 and at 4K everything is on the wall, and 4K is the same twice as large."""
    page = open_page(width=width, height=height)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.documentElement.scrollHeight") == height
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)")
    assert size == pytest.approx(25.6 * width / 1920, abs=0.1)
    last = page.locator("#stage .bar").last.bounding_box()
    assert last["y"] + last["height"] < height
    points = page.evaluate(
        """() => {
            const canvas = document.querySelector('.leaflet-points-pane canvas');
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            return data.some((value, at) => at % 4 === 3 && value);
        }"""
    )
    assert points


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_list_is_not_cut(open_page, desk, lang):
    """What is urgent is written out, in the width of a small screen; so is each of the bars."""
    desk.open("道路交通")
    page = open_page(f"?lang={lang}", width=1280, height=800)
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
    for selector in ("#urgent strong", "#urgent .place", ".chip", ".bar .name"):
        assert page.locator(selector).count()
        assert page.locator(selector).evaluate_all(cut) == []
    assert page.locator("#category").evaluate("bars => bars.scrollHeight - bars.clientHeight") <= 0
    expect(page.locator("#data_at")).to_contain_text(":")


def test_kiosk_rotates(open_page):
    """The rotation is in the address, is switched off by its button, and shows urgent cases."""
    page = open_page("?kiosk=1")
    expect(page.locator("#kiosk")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#card")).to_be_visible(timeout=20_000)
    page.click("#kiosk")
    assert "kiosk" not in page.url


def test_key_is_needed(visit, desk):
    """Without a key there is the dialog and no case."""
    page = visit(f"{desk.site}/screen", width=1920, height=1080)
    expect(page.locator("#key_dialog")).to_be_visible()
    assert page.locator("#urgent li").count() == 0


@pytest.mark.parametrize("path", ["report", "work", "screen"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_names_contrast_and_language(visit, desk, path, lang):
    """In both languages every control has a name and every text stands out by 4.5 to 1."""
    desk.open()
    page = visit(f"{desk.site}/{path}?lang={lang}")
    page.evaluate(KEY.format(desk.key))
    page.evaluate("sessionStorage.setItem('gridmap-worker', 'w1')")
    page.reload()
    page.wait_for_selector("html[data-ready='1']")
    page.wait_for_timeout(500)
    assert page.evaluate(NAMELESS) == []
    assert low_contrasts(page, "h1, h2, p, button, legend, summary, dt, dd, li, small, time") == []
    assert page.title() == page.inner_text("header h1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")
