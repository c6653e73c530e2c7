"""The map inside another page: its address, its search, and what it says to the page around it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from api.app import create_app
from api.settings import Settings
from gridmap.datum import from_wgs84
from tests.browser.site import (
    NAMELESS,
    TODAY,
    contrast,
    covers,
    low_contrasts,
    run,
    serve_page,
)

pytestmark = pytest.mark.browser

HOST = """<!DOCTYPE html><title>另一个系统</title><body style="margin:0">
<iframe id="map" width="800" height="500" style="border:0;display:block" title="网格地图"></iframe>
<div style="height:2000px"></div>
<script>
window.heard = [];
const frame = document.getElementById('map');
addEventListener('message', event => window.heard.push({origin: event.origin, ...event.data}));
window.show = address => { frame.src = address; };
window.say = (data, origin) => frame.contentWindow.postMessage(data, origin);
</script>"""


@pytest.fixture
def open_embed(visit, site):
    """Return a function that opens the page by itself."""
    return lambda address="", **options: visit(f"{site}/embed{address}", **options)


@pytest.fixture(scope="module")
def host():
    """Serve a page of somebody else's that frames ours; return its address."""
    with serve_page(HOST) as address:
        yield address


@pytest.fixture(scope="module")
def framed_site(town_folder, host):
    """Serve the town so that the other page may frame it; return the address."""
    app = create_app(Settings(store=town_folder, embed_ancestors=(host,)), today=lambda: TODAY)
    with run(app) as address:
        yield address


@pytest.fixture
def open_framed(visit, host, framed_site):
    """Return a function that opens the other page with ours in it: page and frame."""

    def open_both(query="", parent=host):
        page = visit(host, ready="iframe")
        page.evaluate("address => show(address)", f"{framed_site}/embed?parent={parent}{query}")
        frame = page.frame_locator("#map")
        expect(frame.locator("html[data-ready='1']")).to_be_attached(timeout=15_000)
        return page, frame

    return open_both


def heard(page, kind):
    """Wait for a message of a kind, and return the last one."""
    page.wait_for_function("kind => heard.some(({type}) => type === kind)", arg=kind)
    return [one for one in page.evaluate("heard") if one["type"] == kind][-1]


def say(page, origin, **content):
    """Say something to the frame, as the page around it does."""
    page.evaluate(
        "([data, origin]) => say(data, origin)", [{"target": "gridmap", **content}, origin]
    )


def centre(feature):
    """Return longitude and latitude well inside a grid."""
    return feature["properties"]["label"]


# --- the address -----------------------------------------------------------------------------


def test_grid_in_the_address(open_embed, grids):
    """`grid` shows that grid, in view, with its community and that it has no worker."""
    page = open_embed(f"?grid={grids[2]['id']}")
    card = page.locator("#card")
    expect(card).to_have_attribute("data-grid", grids[2]["id"])
    expect(card).to_contain_text(grids[2]["properties"]["community"])
    expect(card).to_contain_text("网格员暂缺")
    assert covers(page, "#card")


def test_place_in_the_address(open_embed, grids):
    """`pin` shows the owner of a place; `lon`, `lat` and `z` say where the map is."""
    lon, lat = centre(grids[0])
    page = open_embed(f"?pin={lon},{lat}&lon={lon}&lat={lat}&z=18")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])
    assert page.url.split("#")[1].startswith(f"18/{lat:.5f}/{lon:.5f}&pin=")
    page = open_embed(f"?lon={lon}&lat={lat}&z=18")
    assert page.locator("#card").is_hidden()


@pytest.mark.parametrize("datum", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_pin_in_a_datum(open_embed, grids, datum):
    """`crs` says in which datum the pin is; the address keeps it in WGS-84."""
    lon, lat = centre(grids[0])
    given = "{:.7f},{:.7f}".format(*from_wgs84(lon, lat, datum))
    page = open_embed(f"?pin={given}&crs={datum}")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])
    assert f"pin={lon:.5f}"[:12] in page.url
    assert "crs" not in page.url


def test_pin_with_exchanged_axes(open_embed, grids):
    """A pin in the wrong order is told and not moved; a reload tells it again."""
    lon, lat = centre(grids[0])
    page = open_embed(f"?pin={lat},{lon}")
    for _ in range(2):
        expect(page.locator("#card")).to_have_attribute("data-match", "none")
        expect(page.locator("#card .hint")).to_have_text("经度和纬度好像写反了。")
        page.reload()
        page.wait_for_selector("html[data-ready='1']")
    page.click("#card .again")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("pin=122.2", "坐标不对"),
        ("pin=a,b", "坐标不对"),
        ("pin=122.2,40.6&crs=itrf", "坐标系 itrf"),
    ],
)
def test_a_bad_pin_is_told(open_embed, query, said):
    """What is no place, or in no known datum, is told in words."""
    page = open_embed(f"?{query}")
    expect(page.locator("#message")).to_contain_text(said)
    assert covers(page, "#message")


def test_query_in_the_address(open_embed, grids):
    """`q` searches: what is meant without doubt is shown."""
    page = open_embed(f"?q={grids[1]['id']}")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[1]["id"])


def test_address_follows(open_embed):
    """Every move is written into the address, after the # that no server sees; it restores all."""
    page = open_embed("?color=street&ui=full&z=15.5&lon=122.235&lat=40.67")
    before = page.url
    assert "color=street" in before
    assert "lon=" not in before
    page.focus("#map")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => location.href !== before", arg=before)
    page.mouse.click(640, 420)
    expect(page.locator("#card")).to_be_visible()
    page.wait_for_function("location.hash.includes('pin=')")
    other = open_embed(page.url.split("/embed")[1])
    code = page.locator("#card").get_attribute("data-grid")
    expect(other.locator("#card")).to_have_attribute("data-grid", code)
    assert other.url == page.url


def test_plan_by_name(open_embed):
    """`plan` shows a published plan by its name; one that was not published is said to be so."""
    page = open_embed("?plan=spring")
    expect(page.locator("#plan")).to_contain_text("方案 spring")
    page = open_embed("?plan=autumn", ready="#message:not([hidden])")
    expect(page.locator("#message")).to_have_text("没有发布过方案 autumn。")


def test_colours(open_embed):
    """`color` chooses what fills the grids, and the legend says what that is."""
    titles = {"balance": "每网格户数（目标 300）", "street": "街道", "none": "图例"}
    for color, title in titles.items():
        page = open_embed(f"?color={color}")
        expect(page.locator("#legend_title")).to_have_text(title)


def test_layers(visit, site):
    """`layers` leaves roads and buildings out: they are not even asked for."""
    for layers, wanted in (("", False), ("roads", True)):
        asked = []
        page = visit(f"{site}/embed?layers={layers}&lon=122.235&lat=40.67&z=17")
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.reload()
        page.wait_for_selector("html[data-ready='1']")
        assert any("layers/streets" in url for url in asked) == wanted
        assert not any("layers/buildings" in url for url in asked)


@pytest.mark.parametrize(("ui", "hidden"), [("min", "#search"), ("none", "#card")])
def test_less_beside_the_map(open_embed, grids, ui, hidden):
    """With `ui=min` there is only the card, with `none` only the map; the mark always stands."""
    page = open_embed(f"?ui={ui}&grid={grids[0]['id']}")
    assert page.locator("#search").is_hidden()
    assert page.locator("#legend").is_hidden()
    assert page.locator(hidden).is_hidden()
    assert page.locator("#card").is_visible() == (ui == "min")
    assert covers(page, "#mark")


def test_bad_parameters_are_refused(visit, site):
    """What is no choice is a problem that names the parameter."""
    page = visit(f"{site}/map")
    for query in ("ui=all", "color=red", "lang=fr"):
        answer = page.request.get(f"{site}/embed?{query}")
        assert (answer.status, answer.json()["code"]) == (422, "bad-parameter")


# --- search ----------------------------------------------------------------------------------


def test_search_by_keyboard(open_embed, grids):
    """`/` goes to the box; typing lists; ↓ ↑ choose; Esc closes the list; Enter takes."""
    community = grids[0]["properties"]["community"]
    page = open_embed()
    page.keyboard.press("/")
    page.keyboard.type(community)
    rows = page.locator("#results [role=option]")
    expect(rows.nth(2)).to_be_visible()
    assert covers(page, "#results")
    page.keyboard.press("Escape")
    expect(page.locator("#results")).to_be_hidden()
    page.keyboard.type("第")
    expect(rows.nth(2)).to_be_visible()
    for key, marked in (("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowDown", 1)):
        page.keyboard.press(key)
        expect(rows.nth(marked)).to_have_attribute("aria-selected", "true")
    active = page.locator("#query").get_attribute("aria-activedescendant")
    assert active == rows.nth(1).get_attribute("id")
    code = rows.nth(1).locator("small").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_have_attribute("data-grid", code)
    expect(page.locator("#results")).to_be_hidden()


def test_search_for_everything(open_embed, town, grids):
    """A code, pinyin initials, a position and a house's address find the grid that owns them."""
    page = open_embed()
    building = town.city.buildings.iloc[0]
    [unit] = town.units.index[town.units.contains(building.geometry.representative_point())][:1]
    wanted = {
        grids[3]["id"]: grids[3]["id"],
        ",".join(map(str, centre(grids[4]))): grids[4]["id"],
        f"{town.city.communities.at[building['community_id'], 'name']}{building['name']}": (
            town.units.at[unit, "grid_code"]
        ),
    }
    for text, code in wanted.items():
        page.fill("#query", text)
        page.press("#query", "Enter")
        if page.locator("#results li").count():
            page.press("#query", "Enter")
        expect(page.locator("#card")).to_have_attribute("data-grid", str(code))
    page.fill("#query", "kysqd10wg")  # 康苑社区第10网格
    expect(page.locator("#results li").first).to_contain_text("康苑社区第10网格")


# --- the card --------------------------------------------------------------------------------


def test_copies(open_embed, grids):
    """The card copies what a dispatcher passes on, the address of what is seen, and a snippet."""
    page = open_embed(f"?grid={grids[0]['id']}", permissions=["clipboard-read", "clipboard-write"])
    copied = {}
    for name in ("复制派单信息", "分享链接", "嵌入代码"):
        button = page.get_by_role("button", name=name)
        button.click()
        expect(page.get_by_role("button", name="已复制")).to_be_visible()
        copied[name] = page.evaluate("navigator.clipboard.readText()")
        expect(button).to_be_visible()
    told = grids[0]["properties"]
    assert copied["复制派单信息"].startswith(
        f"【{told['street']}{told['name']}】编码 {grids[0]['id']}"
    )
    assert copied["分享链接"] == page.url
    source = re.search(r'src="([^"]+)"', copied["嵌入代码"])[1]
    assert urlsplit(source).path == "/embed"
    assert parse_qs(urlsplit(source).query)["grid"] == [grids[0]["id"]]
    assert 'allow="clipboard-write"' in copied["嵌入代码"]


def test_copy_without_a_clipboard(open_embed, grids):
    """Where the browser has no clipboard for us, as over http, the text is copied all the same."""
    page = open_embed(f"?grid={grids[0]['id']}", permissions=["clipboard-read"])
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    pasted = page.evaluate_handle("document.body.appendChild(document.createElement('textarea'))")
    page.get_by_role("button", name="分享链接").click()
    expect(page.get_by_role("button", name="已复制")).to_be_visible()
    pasted.as_element().focus()
    page.keyboard.press("Control+v")
    assert pasted.as_element().input_value() == page.url


def test_a_slow_answer_does_not_linger(open_embed, grids):
    """An answer that comes after a later one is not shown: the card is of the last question."""
    page = open_embed()
    slow = grids[0]["id"]
    page.route(f"**/grids/{slow}", lambda route: (page.wait_for_timeout(600), route.continue_()))
    for code in (slow, grids[1]["id"]):
        page.fill("#query", code)
        page.press("#query", "Enter")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[1]["id"])
    page.wait_for_timeout(900)
    assert page.locator("#card").get_attribute("data-grid") == grids[1]["id"]


def test_name_under_the_mouse(open_embed):
    """The grid under the mouse is named beside it, in white on dark, and nothing lies on that."""
    page = open_embed()
    page.mouse.move(640, 420)
    tip = page.locator(".tip")
    expect(tip).to_contain_text("网格 · ")
    front, back = tip.evaluate(
        "tip => [getComputedStyle(tip).color, getComputedStyle(tip).backgroundColor]"
    )
    assert contrast(front, back) >= 4.5
    page.mouse.move(5, 300)
    expect(tip).to_have_count(0)


def test_works_without_webgl(open_embed):
    """There is no WebGL in this browser, and the map is drawn."""
    page = open_embed()
    assert page.evaluate("document.createElement('canvas').getContext('webgl')") is None
    colours = page.evaluate(
        """() => {
            const canvas = document.querySelector('#map canvas');
            const { width, height } = canvas;
            const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
            return new Set(new Int32Array(data.buffer)).size;
        }"""
    )
    assert colours > 3


def test_names_and_contrast(open_embed, grids):
    """Whatever can be pressed has a name; all text stands out from what is behind it."""
    page = open_embed(f"?grid={grids[0]['id']}")
    assert page.evaluate(NAMELESS) == []
    assert low_contrasts(page, "h1, dt, dd, a, button, select, input, summary, li, #mark *") == []


def test_phone(open_embed, grids):
    """On a phone nothing is wider than the screen, and the card covers neither search nor mark."""
    page = open_embed(f"?grid={grids[0]['id']}", width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in ("#search", "#card", "#mark"):
        assert covers(page, part)


def test_the_card_alone_on_a_phone(open_embed, grids):
    """It lies at the foot of the map, no higher than its words, and leaves the grid to be seen."""
    page = open_embed(f"?grid={grids[0]['id']}&ui=min", width=390, height=844)
    box = page.locator("#card").bounding_box()
    assert box["width"] == 390
    assert box["y"] > 844 / 2
    assert covers(page, "#card")


def test_a_grid_is_seen_in_a_low_frame(open_embed, grids):
    """Above the card it is shown as near as it can be, with its name."""
    code = grids[-1]["id"]
    page = open_embed(f"?grid={code}&ui=min", width=600, height=400)
    name = page.locator(".label > div").filter(has_text=f"第{int(code[-3:])}网格")
    expect(name).to_be_visible()
    assert name.bounding_box()["y"] < page.locator("#card").bounding_box()["y"]


def test_a_message_on_a_phone(open_embed):
    """It stands above the legend and the tools, readable to its end."""
    page = open_embed("?q=nowhere at all", width=390, height=844)
    expect(page.locator("#message")).to_be_visible()
    covered = page.evaluate(
        """() => {
            const box = document.querySelector('#message').getBoundingClientRect();
            return [0.1, 0.3, 0.5, 0.7, 0.9].filter((part) => !document
                .elementFromPoint(box.x + box.width * part, box.y + 12).closest('#message'));
        }"""
    )
    assert covered == []


# --- the page around it ----------------------------------------------------------------------


def test_events(open_framed, framed_site, host, grids):
    """The page around is told ready, hover, select and miss, by ours and nobody else."""
    page, frame = open_framed()
    ready = heard(page, "ready")
    assert (ready["origin"], ready["source"], ready["v"]) == (framed_site, "gridmap", 1)
    assert ready["plan"] == "spring"
    page.mouse.move(400, 260)
    assert heard(page, "hover")["code"] is not None
    page.mouse.click(400, 260)
    selected = heard(page, "select")
    expect(frame.locator("#card")).to_have_attribute("data-grid", selected["grid"]["code"])
    assert set(selected["grid"]) == {"code", "name", "community", "street", "households"}
    assert set(selected["point"]) == {"lon", "lat"}
    say(page, framed_site, type="locate", lon=122.5, lat=40.9)
    assert heard(page, "miss")["point"] == {"lon": 122.5, "lat": 40.9}


def test_commands(open_framed, framed_site, grids):
    """The page around may focus, locate in any datum, highlight, recolour and ask for the state."""
    page, frame = open_framed()
    card = frame.locator("#card")
    say(page, framed_site, type="focus", grid=grids[0]["id"])
    expect(card).to_have_attribute("data-grid", grids[0]["id"])
    lon, lat = centre(grids[1])
    say(page, framed_site, type="locate", lon=lon, lat=lat)
    expect(card).to_have_attribute("data-grid", grids[1]["id"])
    say(page, framed_site, type="color", value="street")
    expect(frame.locator("#legend_title")).to_have_text("街道")
    say(page, framed_site, type="highlight", grids=[grids[2]["id"]])
    say(page, framed_site, type="state")
    state = heard(page, "state")
    assert (state["grid"]["code"], state["color"]) == (grids[1]["id"], "street")
    for message, code in (
        ({"type": "color", "value": "red"}, "bad-color"),
        ({"type": "focus", "grid": "1"}, "bad-code"),
        ({"type": "eval"}, "unknown-type"),
    ):
        page.evaluate("heard.length = 0")
        say(page, framed_site, **message)
        assert heard(page, "error")["code"] == code


def test_wrong_origin(open_framed, framed_site, grids):
    """Where the page around is not the one that was named, it is told nothing and not obeyed."""
    page, frame = open_framed(parent="http://127.0.0.1:9")
    say(page, framed_site, type="focus", grid=grids[0]["id"])
    page.mouse.click(400, 260)
    card = frame.locator("#card")
    expect(card).to_be_visible()
    code = card.get_attribute("data-grid")
    say(page, framed_site, type="focus", grid=next(g["id"] for g in grids if g["id"] != code))
    page.wait_for_timeout(500)
    assert card.get_attribute("data-grid") == code
    assert page.evaluate("heard") == []


@pytest.mark.parametrize("parent", ["", "*", "null", "javascript:1"])
def test_no_origin(open_framed, framed_site, grids, parent):
    """Without the origin of the page around nothing is said or heard; * is no origin."""
    page, frame = open_framed(parent=parent)
    say(page, framed_site, type="focus", grid=grids[0]["id"])
    page.wait_for_timeout(300)
    expect(frame.locator("#card")).to_be_hidden()
    assert page.evaluate("heard") == []


def test_others_may_not_frame(browser, framed_site, site, host):
    """A page that is not on the list can't show ours; /dispatch can be framed by nobody else."""
    for address in (f"{site}/embed", f"{framed_site}/dispatch"):
        page = browser.new_page()
        page.goto(host)
        page.evaluate("address => show(address)", address)
        page.wait_for_timeout(700)
        assert page.frame_locator("#map").locator("#map").count() == 0
        page.close()


def test_wheel_scrolls_the_page_around(open_framed, framed_site):
    """The wheel over the framed map scrolls the page; once the map has the focus it zooms."""
    page, frame = open_framed()
    before = heard(page, "ready")["view"]["zoom"]
    page.mouse.move(400, 250)
    page.mouse.wheel(0, 300)
    page.wait_for_function("scrollY === 300")
    expect(frame.locator("#wheel")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    assert ask_zoom(page, framed_site) == before
    frame.locator("#map").focus()
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(700)
    assert page.evaluate("scrollY") == 0
    assert ask_zoom(page, framed_site) > before


def ask_zoom(page, origin):
    """Ask the framed map for its zoom."""
    page.evaluate("heard.length = 0")
    say(page, origin, type="state")
    return heard(page, "state")["view"]["zoom"]
