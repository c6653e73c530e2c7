"""The citizen's page: reported in a minute, nothing lost on a bad line, a receipt to return to."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from gridmap.datum import from_wgs84

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def open_page(visit, desk):
    """Return a function that opens the page on a phone that stands in the staffed grid."""
    lon, lat = desk.place

    def open_report(address="", **options):
        where = {"longitude": lon, "latitude": lat, "accuracy": 8}
        return visit(
            f"{desk.site}/report{address}",
            **{"geolocation": where, "permissions": ["geolocation"], **PHONE, **options},
        )

    return open_report


@pytest.fixture
def photo(tmp_path):
    """Return a photo as large as a phone's, with where it was taken in its EXIF."""
    path = tmp_path / "photo.jpg"
    picture = Image.effect_noise((2400, 1800), 60).convert("RGB")
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    picture.save(path, quality=95, exif=exif)
    return path


def choose(page, category="市容环境"):
    """Take the phone's position and a category."""
    page.click("#here")
    expect(page.locator("#place")).to_have_attribute("data-grid", re.compile(r"\d{15}"))
    page.click(f"#categories [data-category='{category}']")


def newest(desk):
    """Return the case that was opened last, with everything about it."""
    number = desk.ask("internal/cases", standing="all", order="latest", limit=1)["cases"][0]
    return desk.ask(f"internal/cases/{number['case_id']}")


def test_report_and_receipt(open_page, desk, photo):
    """A photo, the phone's position, a category and a few words arrive; the link leads back."""
    before = desk.total()
    page = open_page()
    page.set_input_files("#photo", photo)
    choose(page, "园林绿化")
    page.fill("#words", "树枝断了")
    page.click("#contact summary")
    page.fill("#name", "张三")
    page.click("#send")
    expect(page.locator("#receipt h2")).to_contain_text("上报成功")
    told = newest(desk)
    assert desk.total() == before + 1
    assert (told["case"]["category"], told["case"]["description"]) == ("园林绿化", "树枝断了")
    assert told["case"]["grid_code"] == desk.code
    assert told["reporter_known"]
    [kept] = told["photos"]
    assert max(kept["width"], kept["height"]) == 1600
    assert kept["hint"] is None
    assert re.fullmatch(r"[^?]*/report#receipt=[\w-]{20,}", page.url)
    page.reload()
    expect(page.locator("#receipt [data-stage='found']")).to_have_class("reached")
    expect(page.locator("#receipt [data-stage='inspected']")).to_have_class("")
    page.click("#another")
    expect(page.locator("#words")).to_have_value("")


def test_draft_survives_a_reload(open_page, photo):
    """What was entered is there again after a reload: words, place, category and photo."""
    page = open_page()
    choose(page, "供水")
    page.set_input_files("#photo", photo)
    page.fill("#words", "没水三天了")
    page.click("#contact summary")
    page.fill("#phone", "13800000000")
    expect(page.locator("#photos img")).to_have_count(1)
    page.wait_for_timeout(900)  # until typing has paused
    page.reload()
    page.wait_for_selector("html[data-ready='1']")
    expect(page.locator("#words")).to_have_value("没水三天了")
    expect(page.locator("#phone")).to_have_value("13800000000")
    expect(page.locator("#categories [aria-pressed='true']")).to_have_text("供水")
    expect(page.locator("#place")).to_have_attribute("data-grid", re.compile(r"\d{15}"))
    expect(page.locator("#photos img")).to_have_count(1)
    page.click("#photos .away")
    expect(page.locator("#photos img")).to_have_count(0)


def test_sent_when_the_line_is_back(open_page, desk):
    """Without a line nothing is lost: it is said, and sent once as soon as there is one."""
    before = desk.total()
    page = open_page()
    choose(page, "供电")
    page.context.set_offline(True)
    page.click("#send")
    expect(page.locator("#message")).to_contain_text("恢复后自动提交")
    assert desk.total() == before
    page.context.set_offline(False)
    expect(page.locator("#receipt h2")).to_contain_text("上报成功")
    assert desk.total() == before + 1


def test_lost_answer_opens_one_case(open_page, desk):
    """The report arrived but its answer did not: sent again, it is the same case."""
    before = desk.total()
    page = open_page()
    choose(page, "供热")
    lost = []

    def lose(route):
        if lost:
            route.fallback()
        else:
            lost.append(route.fetch().status)
            route.abort("internetdisconnected")

    page.route("**/cases", lose)
    page.click("#send")
    expect(page.locator("#message")).to_contain_text("恢复后自动提交")
    assert lost == [201]
    page.click("#send")
    expect(page.locator("#receipt h2")).to_contain_text("上报成功")
    assert desk.total() == before + 1


def test_photo_is_sent_after_an_interruption(open_page, desk, photo):
    """The line broke between case and photo: after a reload the photo follows, to the same case."""
    before = desk.total()
    page = open_page()
    page.set_input_files("#photo", photo)
    choose(page, "燃气")
    page.route("**/photos", lambda route: route.abort("internetdisconnected"))
    page.click("#send")
    expect(page.locator("#message")).to_contain_text("恢复后自动提交")
    page.unroute("**/photos")
    page.reload()
    expect(page.locator("#receipt h2")).to_contain_text("上报成功")
    assert desk.total() == before + 1
    assert len(newest(desk)["photos"]) == 1


def test_duplicates_are_shown_first(open_page, desk):
    """Before it is sent, the page says that the same was reported near by, and not where."""
    desk.open("道路交通", metres=20)
    page = open_page()
    choose(page, "道路交通")
    expect(page.locator("#similar")).to_contain_text("约 20 米外")
    page.click("#categories [data-category='社会治安']")
    expect(page.locator("#similar")).to_be_hidden()


def test_typed_position_and_its_datum(open_page, desk):
    """A typed GCJ-02 position is kept where it is in WGS-84; the datum is asked only then."""
    lon, lat = desk.place
    page = open_page()
    expect(page.locator("#datum")).to_be_hidden()
    page.fill("#query", "{:.7f},{:.7f}".format(*from_wgs84(lon, lat, "gcj02")))
    page.select_option("#datum", "gcj02")
    page.press("#query", "Enter")
    expect(page.locator("#place")).to_have_attribute("data-grid", desk.code)
    page.click("#categories [data-category='宣传广告']")
    page.click("#send")
    expect(page.locator("#receipt h2")).to_contain_text("上报成功")
    case = newest(desk)["case"]
    assert (case["lon"], case["lat"]) == pytest.approx((lon, lat), abs=1e-6)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_typed_position_can_be_read(open_page, desk, lang):
    """All of it, where its datum is asked; and no button is too narrow for its word."""
    page = open_page(f"?lang={lang}")
    page.fill("#query", "{:.6f},{:.6f}".format(*desk.place))
    expect(page.locator("#datum")).to_be_visible()
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.outerHTML)"
    assert page.locator("#query, #categories button").evaluate_all(cut) == []


def test_place_on_the_map(open_page, desk):
    """The map comes when it is asked for; what is below its cross is the place."""
    page = open_page()
    assert page.evaluate("window.L === undefined")
    page.click("#here")
    expect(page.locator("#place")).to_have_attribute("data-grid", desk.code)
    page.click("#pick")
    expect(page.locator("#picker .leaflet-control-zoom")).to_be_visible()
    page.locator("#picker .map").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(400)
    page.click("#picker button.main")
    expect(page.locator("#picker")).to_be_hidden()
    lon = float(re.search(r"(\d+\.\d{6}), ", page.inner_text("#place"))[1])
    assert 0.0005 < desk.place[0] - lon < 0.01


def test_what_is_missing_is_said(open_page, desk):
    """Without a place or a category nothing is sent; the page says what is missing."""
    before = desk.total()
    page = open_page()
    page.click("#send")
    expect(page.locator("#message")).to_have_text("请先选位置。")
    page.click("#here")
    expect(page.locator("#place")).to_have_attribute("data-grid", desk.code)
    page.click("#send")
    expect(page.locator("#message")).to_have_text("请选类别。")
    assert desk.total() == before


def test_reporter_returns_what_is_not_solved(open_page, desk):
    """When the case is answered the receipt offers to accept or return it; a return says why."""
    page = open_page()
    choose(page, "公用设施")
    page.click("#send")
    expect(page.locator("#receipt h2")).to_contain_text("上报成功")
    number = newest(desk)["case"]["case_id"]
    for action in ("inspect", "resolve", "answer"):
        desk.step(number, action)
    page.reload()
    page.fill("#receipt textarea", "灯还是不亮")
    page.click("text=没解决，退回")
    expect(page.locator("#receipt [data-stage='resolved']")).to_have_class("")
    told = desk.ask(f"internal/cases/{number}")
    assert told["case"]["stage"] == "inspected"
    assert told["log"][-1]["note"] == "灯还是不亮"


def test_unknown_receipt(open_page):
    """A link that is not whole is said to be so."""
    page = open_page("#receipt=nosuchreceipt")
    expect(page.locator("#message")).to_contain_text("检查链接是否完整")


def test_light_on_a_slow_line(open_page, desk):
    """All that the page needs until it can be used is below 60 kB on the line."""
    page = open_page()
    cdp = page.context.new_cdp_session(page)
    cdp.send("Network.enable")
    cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes = []
    cdp.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    page.reload()
    page.wait_for_selector("html[data-ready='1']")
    assert len(sizes) > 10
    assert 10_000 < sum(sizes) < 60_000
