"""The dispatcher's page: paste anything, one owner; batches from Excel; more with a key."""

import csv
import io
from datetime import date

import geopandas as gpd
import httpx
import pandas as pd
import pytest
import shapely
from playwright.sync_api import expect

from gridmap.datum import from_wgs84
from gridmap.keys import KeyStore
from gridmap.staff.contacts import match_communities
from gridmap.store import PlanStore
from tests.api.test_staff import make_staffing, make_workers
from tests.browser.site import NAMELESS, TODAY, covers, low_contrasts, serve

pytestmark = pytest.mark.browser

CLIPBOARD = ["clipboard-read", "clipboard-write"]
STORED = "[...Object.values(localStorage), ...Object.values(sessionStorage)].join('|')"


@pytest.fixture
def open_page(visit, site):
    """Return a function that opens the page, with the clipboard that an office's browser has."""

    def open_dispatch(address="", site=site, **options):
        return visit(f"{site}/dispatch{address}", permissions=CLIPBOARD, **options)

    return open_dispatch


@pytest.fixture(scope="module")
def staffed(town, grids, tmp_path_factory):
    """Serve the town with who serves its widest grid; return address, folder and code."""
    store = PlanStore(tmp_path_factory.mktemp("staffed"))
    store.keep(town, "spring")
    store.publish("spring", TODAY, by="王芳", today=TODAY)
    code = grids[0]["id"]
    liaison = [town.grids.at[code, "community_id"], "供电", "客户经理", "赵敏", "95598"]
    liaisons = pd.DataFrame(
        [liaison], columns=["community_id", "department", "post", "name", "phone"]
    )
    tables = {"workers": make_workers(), "staffing": make_staffing(code), "liaisons": liaisons}
    unit = {"kind": "unit", "name": "图书馆", "scope": code[:12], "points": 1}
    contacts = pd.DataFrame([unit], index=pd.Index(["U1"], name="contact_id"))
    tables |= {"contacts": contacts, "contact_matches": match_communities(town, contacts)}
    store.keep_staff("spring", tables, date(2026, 5, 1), by="王芳", today=TODAY)
    with serve(store.folder) as address:
        yield address, store.folder, code


def find_several(town):
    """Return a community, the number of a block that several compounds in it have, and one such."""
    buildings = town.city.buildings
    blocks = buildings[(buildings["compound_id"] != "") & buildings["name"].str.endswith("号楼")]
    counts = blocks.groupby(["community_id", "name"])["compound_id"].nunique()
    key, number = counts[counts > 1].index[0]
    compound = blocks.loc[
        (blocks["community_id"] == key) & (blocks["name"] == number), "compound_id"
    ].iloc[0]
    return town.city.communities.at[key, "name"], number, compound


def find_beside(town, metres):
    """Return a place so many metres from the border of two grids, and the one across."""
    shapes = town.grids.geometry
    for code, shape in shapes.items():
        ring = shape.buffer(-metres).exterior
        for at in range(0, int(ring.length), 5):
            point = ring.interpolate(at)
            away = shapes.distance(point).drop(code).sort_values()
            if away.iloc[0] < metres + 0.01 and away.iloc[1] > 2 * metres:
                return to_lon_lat(point, shapes.crs), away.index[0]
    raise AssertionError("no such place")


def to_lon_lat(point, crs):
    """Return the degrees of a point."""
    [place] = gpd.GeoSeries([point], crs=crs).to_crs(4326)
    return place.x, place.y


def centre(feature):
    """Return longitude and latitude well inside a grid."""
    return feature["properties"]["label"]


def look_up(page, text):
    """Paste a text over what is in the box, and press Enter."""
    page.fill("#query", text)
    page.press("#query", "Enter")


def clipboard(page):
    """Return what is in the clipboard."""
    return page.evaluate("navigator.clipboard.readText()")


def use_key(page, text):
    """Enter a key in its dialog."""
    page.click("#key")
    page.fill("#key_text", text)
    page.press("#key_text", "Enter")


# --- one look-up -----------------------------------------------------------------------------


def test_cursor_is_in_the_box(open_page, grids):
    """Without a click: what is pasted is searched with Enter, and the next paste replaces it."""
    page = open_page()
    assert page.evaluate("document.activeElement.id") == "query"
    assert page.evaluate("getComputedStyle(document.activeElement).fontSize") == "19px"
    for feature in grids[:2]:
        page.evaluate(
            "text => navigator.clipboard.writeText(text)", "{},{}".format(*centre(feature))
        )
        page.keyboard.press("Control+v")
        page.keyboard.press("Enter")
        expect(page.locator("#card")).to_have_attribute("data-grid", feature["id"])
        expect(page.locator("#card h1")).to_have_count(1)
        assert page.evaluate("document.activeElement.id") == "query"


@pytest.mark.parametrize(
    "form",
    [
        "{lon}，{lat}",
        "经度：{lon} 纬度：{lat}",
        "lat={lat}, lng={lon}",
        "{lat}N {lon}E",
        "({lon} {lat})",
    ],
)
def test_forms_of_a_position(open_page, grids, form):
    """A position is read as people write it; named axes count, whatever their order."""
    page = open_page()
    lon, lat = centre(grids[0])
    look_up(page, form.format(lon=lon, lat=lat))
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])


def test_degrees_minutes_seconds(open_page, grids):
    """Degrees, minutes and seconds are read too."""

    def write(angle):
        minutes, seconds = divmod(angle * 3600, 60)
        return f"{int(minutes // 60)}°{int(minutes % 60)}′{seconds:.2f}″"

    lon, lat = centre(grids[0])
    page = open_page()
    look_up(page, f"东经{write(lon)} 北纬{write(lat)}")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])


@pytest.mark.parametrize(
    ("link", "datum", "said"),
    [
        ("https://uri.amap.com/marker?position={lon},{lat}&name=甲", "gcj02", "GCJ-02（高德链接）"),
        ("https://uri.amap.com/marker?coordinate=wgs84&position={lon},{lat}", "wgs84", "WGS-84"),
        ("https://api.map.baidu.com/marker?location={lat},{lon}&title=甲", "bd09", "BD-09（百度"),
        ("baidumap://map/marker?location={lat},{lon}&coord_type=gcj02", "gcj02", "GCJ-02（百度"),
        (
            "https://apis.map.qq.com/uri/v1/marker?marker=coord:{lat},{lon};title:甲",
            "gcj02",
            "腾讯",
        ),
        ("qqmap://map/marker?marker=coord:{lat},{lon}&coord_type=1", "wgs84", "WGS-84（腾讯"),
        ("geo:{lat},{lon};u=20", "wgs84", "WGS-84（geo"),
        ("甲在这里 https://x.cn/map#17/1/2&pin={lon},{lat}&crs=bd09 ，请看", "bd09", "BD-09（网格"),
    ],
)
def test_links_of_map_services(open_page, grids, link, datum, said):
    """A pasted link is read in the datum that its maker's form implies, whatever is chosen."""
    page = open_page()
    page.select_option("#datum", "cgcs2000")
    lon, lat = from_wgs84(*centre(grids[0]), datum)
    look_up(page, link.format(lon=f"{lon:.7f}", lat=f"{lat:.7f}"))
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])
    expect(page.locator("#card")).to_contain_text(said)
    assert page.locator("#datum").input_value() == "cgcs2000"


def test_parameters_of_a_link(open_page, grids):
    """lat= and lon= name no datum: the chosen one counts; a link without a position says so."""
    page = open_page()
    page.select_option("#datum", "gcj02")
    lon, lat = from_wgs84(*centre(grids[0]), "gcj02")
    for text in (f"lat={lat:.7f}&lon={lon:.7f}", f"https://x.cn/?lng={lon:.7f}&lat={lat:.7f}#a"):
        look_up(page, text)
        expect(page.locator("#card")).to_be_visible()
        expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])
        page.keyboard.press("Escape")
        expect(page.locator("#card")).to_be_hidden()
    look_up(page, "https://surl.amap.com/abcDEF")
    expect(page.locator("#message")).to_contain_text("链接里没有坐标")
    expect(page.locator("#card")).to_be_hidden()


def test_one_of_several_is_asked(open_page, town, grids):
    """A community, and a number that several of its compounds have: the list asks."""
    community, number, _ = find_several(town)
    page = open_page()
    look_up(page, f"{community}{number}")
    rows = page.locator("#results li")
    expect(rows.first).to_contain_text(community)
    assert rows.count() > 1
    expect(page.locator("#card")).to_be_hidden()
    look_up(page, f"海棠社区{number}")
    expect(rows.first).to_contain_text("“海棠社区”不在其中")
    assert page.locator("#results [aria-selected=true]").count() == 0
    page.press("#query", "Enter")
    expect(rows.first).to_contain_text("“海棠社区”不在其中")
    expect(page.locator("#card")).to_be_hidden()


def test_datum_is_remembered(open_page, grids):
    """The datum that is chosen stays chosen; the pin stands where the place is in WGS-84."""
    page = open_page()
    page.select_option("#datum", "gcj02")
    page.reload()
    page.wait_for_selector("html[data-ready='1']")
    assert page.locator("#datum").input_value() == "gcj02"
    assert page.locator("#batch_datum").input_value() == "gcj02"
    lon, lat = centre(grids[0])
    look_up(page, "{:.7f},{:.7f}".format(*from_wgs84(lon, lat, "gcj02")))
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])
    expect(page.locator("#card")).to_contain_text(f"{lon:.5f}"[:9])
    expect(page.locator("#map .pin")).to_have_count(1)


def test_wrong_datum_is_said_and_not_moved(open_page, grids, site):
    """A place that fits only in another datum, or exchanged, says so and offers to ask again."""
    lon, lat = centre(grids[0])
    page = open_page()
    look_up(page, f"{lat},{lon}")
    expect(page.locator("#card")).to_have_attribute("data-match", "none")
    expect(page.locator("#card .hint")).to_have_text("经度和纬度好像写反了。")
    page.click("#card .again")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])
    east = max(grids, key=lambda feature: feature["bbox"][2])
    place = from_wgs84(*centre(east), "bd09")
    parameters = {"lon": float(place[0]), "lat": float(place[1])}
    answer = httpx.get(f"{site}/locate", params=parameters, trust_env=False).json()
    assert (answer["match"], answer["hint"]["code"]) == ("none", "datum")
    look_up(page, "{:.7f},{:.7f}".format(*place))
    expect(page.locator("#card .hint")).to_contain_text("坐标系可能选错了")
    page.click("#card .again")
    expect(page.locator("#card")).not_to_have_attribute("data-match", "none")
    assert page.locator("#datum").input_value() == answer["hint"]["datum"]


@pytest.mark.parametrize(("metres", "match"), [(14, "border"), (16, "inside")])
def test_within_15_metres_of_a_border(open_page, town, metres, match):
    """Up to 15 m from a border the card says so and names the grid across; beyond it does not."""
    place, across = find_beside(town, metres)
    page = open_page()
    look_up(page, "{:.7f},{:.7f}".format(*place))
    expect(page.locator("#card")).to_have_attribute("data-match", match)
    hint = page.locator("#card .hint")
    if match == "border":
        expect(hint).to_contain_text(f"距网格边界 {metres}.0 m — 也可能属于：")
        expect(hint).to_contain_text(town.grids.at[across, "name"])
    else:
        expect(hint).to_have_count(0)


def test_border_names_the_neighbours(open_page, grids):
    """Where three grids meet the card says how near the border is, and names both others."""
    shapes = {feature["id"]: shapely.geometry.shape(feature["geometry"]) for feature in grids}
    corners = {tuple(place) for shape in shapes.values() for place in shape.exterior.coords}
    meet = {
        corner: [code for code, shape in shapes.items() if shape.touches(shapely.Point(corner))]
        for corner in sorted(corners)
    }
    corner, codes = next((corner, codes) for corner, codes in meet.items() if len(codes) >= 3)
    page = open_page()
    look_up(page, "{},{}".format(*corner))
    expect(page.locator("#card")).to_have_attribute("data-match", "border")
    owner = page.locator("#card").get_attribute("data-grid")
    assert owner in codes
    hint = page.locator("#card .hint")
    expect(hint).to_contain_text("距网格边界 0.0 m — 也可能属于：")
    names = {feature["id"]: feature["properties"]["name"] for feature in grids}
    for code in set(codes) - {owner}:
        expect(hint).to_contain_text(names[code])
    expect(hint).not_to_contain_text(names[owner] + "、")


def test_copy_by_key(open_page, grids):
    """Ctrl+C after Enter copies what is passed on; with other text selected it copies that."""
    page = open_page()
    lon, lat = centre(grids[0])
    look_up(page, f"{lon},{lat}")
    expect(page.locator("#card")).to_be_visible()
    page.keyboard.press("Control+c")
    expect(page.get_by_role("button", name="已复制")).to_be_visible()
    told = grids[0]["properties"]
    text = clipboard(page)
    assert text.startswith(f"【{told['street']}{told['name']}】编码 {grids[0]['id']} 网格员 暂缺")
    assert text.endswith(f"坐标 {lon:.6f},{lat:.6f}（WGS-84）")
    page.fill("#query", "另一个地址")
    page.press("#query", "Control+a")
    page.keyboard.press("Control+c")
    assert clipboard(page) == "另一个地址"


def test_click_on_the_map(open_page, site):
    """A click asks as well, and its place goes into no address."""
    page = open_page()
    page.mouse.click(800, 420)
    expect(page.locator("#card")).to_be_visible()
    assert page.url == f"{site}/dispatch"
    assert covers(page, "#card")


def test_words(open_page, grids):
    """Words with several answers list them; a second Enter takes the first."""
    page = open_page()
    look_up(page, grids[0]["properties"]["community"])
    rows = page.locator("#results [role=option]")
    expect(rows.nth(1)).to_be_visible()
    page.keyboard.press("ArrowDown")
    code = rows.nth(1).locator("small").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_have_attribute("data-grid", code)
    look_up(page, "龘龘龘")
    expect(page.locator("#message")).to_contain_text("没有找到“龘龘龘”")
    assert covers(page, "#message")


# --- the last ones ---------------------------------------------------------------------------


def test_last_ten_stay_in_the_page(open_page, grids):
    """The last ten are listed, newest first, a click shows one again; nothing of them is stored."""
    page = open_page()
    for feature in grids[:11]:
        look_up(page, "{},{}".format(*centre(feature)))
        expect(page.locator("#card")).to_have_attribute("data-grid", feature["id"])
    rows = page.locator("#lookups button")
    expect(rows).to_have_count(10)
    expect(rows.first).to_contain_text(grids[10]["properties"]["name"])
    assert page.evaluate(STORED) == ""
    rows.nth(3).click()
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[7]["id"])
    page.reload()
    page.wait_for_selector("html[data-ready='1']")
    expect(page.locator("#lookups button")).to_have_count(0)
    expect(page.locator("#recent_none")).to_be_visible()


def test_kept_when_asked(open_page, grids):
    """Only with the box ticked are look-ups stored, and they go when it is unticked."""
    page = open_page()
    look_up(page, "{},{}".format(*centre(grids[0])))
    expect(page.locator("#lookups button")).to_have_count(1)
    page.check("#recent_keep")
    page.reload()
    page.wait_for_selector("html[data-ready='1']")
    page.click("#lookups button")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[0]["id"])
    page.uncheck("#recent_keep")
    assert page.evaluate(STORED) == ""
    page.click("#recent_clear")
    expect(page.locator("#lookups button")).to_have_count(0)


# --- batches ---------------------------------------------------------------------------------


def run_batch(page, rows, separator="\t"):
    """Paste rows into the batch dialog, run it, and return what `copy` copies, as rows."""
    if not page.locator("#batch_dialog").is_visible():
        page.click("#batch")
    page.fill("#batch_rows", "\n".join(separator.join(map(str, row)) for row in rows))
    page.click("#batch_form .main")
    expect(page.locator("#batch_message")).to_contain_text(
        f"{len(rows)} 行" if separator == "," else "行，"
    )
    page.click("#batch_copy")
    expect(page.get_by_role("button", name="已复制")).to_be_visible()
    return [line.split("\t") for line in clipboard(page).split("\r\n")]


def test_batch_of_positions(open_page, grids):
    """Rows with a header come back in order with their owner; codes stay text in Excel."""
    rows = [["编号", "纬度", "经度"]]
    rows += [[f"A{at}", *reversed(centre(feature))] for at, feature in enumerate(grids[:5])]
    rows += [["A5", 0.5, 0.5]]
    page = open_page()
    header, *body = run_batch(page, rows)
    assert header[:4] == ["编号", "纬度", "经度", "网格编码"]
    assert [row[0] for row in body] == ["A0", "A1", "A2", "A3", "A4", "A5"]
    assert [row[3] for row in body[:5]] == [f'="{feature["id"]}"' for feature in grids[:5]]
    assert body[5][3:7] == ["", "", "", "无网格"]
    expect(page.locator("#batch_message")).to_contain_text("6 行，5 行有网格")
    expect(page.locator("#batch_table tbody tr")).to_have_count(6)
    assert covers(page, "#batch_table")


def test_batch_is_one_request(open_page, grids):
    """Many rows are one request, in the datum that is chosen, and say what may be wrong."""
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.click("#batch")
    page.select_option("#batch_datum", "gcj02")
    place = from_wgs84(*centre(grids[0]), "gcj02")
    rows = [["lon", "lat"], *[[f"{place[0]:.7f}", f"{place[1]:.7f}"]] * 1500]
    rows += [list(reversed(rows[1]))]
    _, *body = run_batch(page, rows)
    assert {row[2] for row in body[:1500]} == {f'="{grids[0]["id"]}"'}
    assert body[1500][6] == "经度和纬度好像写反了。"
    assert len([url for url in asked if "/locate" in url]) == 1
    expect(page.locator("#batch_table tbody tr")).to_have_count(200)


def test_batch_as_csv(open_page, grids):
    """The file begins with a BOM, so that Excel reads it as UTF-8, and holds every row."""
    page = open_page()
    run_batch(page, [["地点", "lon", "lat"], ["甲, 乙", *centre(grids[0])]])
    with page.expect_download() as download:
        page.click("#batch_save")
    content = download.value.path().read_bytes()
    assert download.value.suggested_filename == "网格查询结果.csv"
    assert content.startswith(b"\xef\xbb\xbf")
    [row] = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    assert (row["地点"], row["网格编码"]) == ("甲, 乙", grids[0]["id"])


def test_batch_without_a_header(open_page, grids):
    """The columns are told by what lies in the city, whichever comes first."""
    for order in (list, reversed):
        page = open_page()
        _, *body = run_batch(page, [list(order(centre(feature))) for feature in grids[:3]])
        assert [row[2] for row in body] == [f'="{feature["id"]}"' for feature in grids[:3]]


def test_batch_of_words(open_page, town, grids):
    """A column of addresses and codes is looked up too; what is not found keeps its row."""
    name = town.grids.at[grids[1]["id"], "name"]
    rows = [["地址"], [grids[0]["id"]], [name], ["龘龘龘"]]
    page = open_page()
    _, *body = run_batch(page, rows)
    codes = [row[1].strip('="') for row in body]
    assert codes == [grids[0]["id"], grids[1]["id"], ""]
    assert [row[4] for row in body][2] == "未找到"


def test_batch_of_places_and_words(open_page, town, grids):
    """A bad place says so and gets no grid; a row without one is searched, as surely as alone."""
    community, number, compound = find_several(town)
    lon, lat = centre(grids[0])
    east, north = from_wgs84(lon, lat, "gcj02")
    rows = [
        ["地址", "经度", "纬度"],
        ["甲", lon, lat],
        ["乙", "x", ""],
        ["丙", lon, ""],
        ["丁", "一", "二"],
        [f"{compound}{number}", "", ""],
        [f"{community}{number}", "", ""],
        ["龘龘龘", "", ""],
        [f"https://uri.amap.com/marker?position={east:.7f},{north:.7f}", "", ""],
        ["https://surl.amap.com/abc", "", ""],
    ]
    page = open_page()
    header, *body = run_batch(page, rows)
    told = dict(zip(header, zip(*body, strict=True), strict=True))
    assert told["判定"][1:4] == ("坐标有误",) * 3
    assert told["判定"][5:7] == ("待确认", "未找到")
    assert told["判定"][-1] == "链接无坐标"
    assert [bool(code) for code in told["网格编码"]] == [
        *(True, False, False, False, True, False, False, True, False),
    ]
    assert told["网格编码"][7] == f'="{grids[0]["id"]}"'
    assert compound in told["备注"][4]
    assert told["备注"][5].startswith("可能是：")
    assert compound in told["备注"][5] or told["备注"][5].count(community) == 3
    message = page.locator("#batch_message")
    expect(message).to_contain_text("9 行，3 行有网格")
    expect(message).to_contain_text("1 行待确认；4 行坐标有误")


def test_a_formula_stays_text(open_page, grids):
    """A cell that Excel would run is disarmed on the way back; a negative number is left alone."""
    page = open_page()
    rows = [["备注", "数", "lon", "lat"], ["=1+1", "-5", *centre(grids[0])]]
    _, row = run_batch(page, rows)
    assert row[:2] == ["'=1+1", "-5"]


# --- keys ------------------------------------------------------------------------------------


def test_with_a_key(open_page, staffed):
    """With a key the card names deputies and liaisons with their phones, in this tab only."""
    address, folder, code = staffed
    key = KeyStore(folder).add("白班", "dispatcher", by="王芳")
    page = open_page(site=address)
    look_up(page, code)
    card = page.locator("#card")
    expect(card).to_contain_text("王芳")
    expect(card).not_to_contain_text("赵敏")
    use_key(page, key)
    expect(card).to_contain_text("供电 赵敏 95598")
    expect(card).to_contain_text("李强")
    expect(card).to_contain_text("图书馆")
    expect(card.locator("a.phone").first).to_have_attribute("href", "tel:04171234567")
    assert key not in page.evaluate("Object.values(localStorage).join()")
    page.reload()
    page.wait_for_selector("html[data-ready='1']")
    look_up(page, code)
    expect(card).to_contain_text("赵敏")
    page.click("#key")
    page.click("#key_forget")
    expect(card).not_to_contain_text("赵敏")
    assert page.evaluate(STORED) == ""


def test_wrong_and_narrow_keys(open_page, staffed):
    """A wrong key is refused; one for another district shows the public card and says why."""
    address, folder, code = staffed
    page = open_page(site=address)
    use_key(page, "gm-wrong")
    expect(page.locator("#key_wrong")).to_be_visible()
    assert page.evaluate(STORED) == ""
    page.fill(
        "#key_text", KeyStore(folder).add("别处", "dispatcher", by="王芳", districts=["110101"])
    )
    page.press("#key_text", "Enter")
    expect(page.locator("#key_dialog")).to_be_hidden()
    look_up(page, code)
    expect(page.locator("#card")).to_contain_text("王芳")
    expect(page.locator("#card .hint")).to_contain_text("不在密钥的辖区内")


def test_revoked_key(open_page, staffed):
    """A key that is revoked meanwhile is said to be, and forgotten."""
    address, folder, code = staffed
    keys = KeyStore(folder)
    key = keys.add("夜班", "dispatcher", by="王芳")
    page = open_page(site=address)
    use_key(page, key)
    expect(page.locator("#key")).to_have_attribute("aria-pressed", "true")
    keys.revoke(keys.keys().index[-1], by="王芳")
    page.wait_for_timeout(1100)
    look_up(page, code)
    expect(page.locator("#message")).to_contain_text("密钥无效或已停用")
    expect(page.locator("#key")).to_have_attribute("aria-pressed", "false")


# --- for everyone ----------------------------------------------------------------------------


def test_keyboard_story(open_page, grids):
    """Without a mouse: look up, close with Esc, look up again with `/`, run a batch, leave it."""
    page = open_page()
    page.keyboard.type(grids[0]["id"])
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type(grids[1]["id"])
    page.keyboard.press("Enter")
    expect(page.locator("#card")).to_have_attribute("data-grid", grids[1]["id"])
    page.focus("#batch")
    page.keyboard.press("Enter")
    page.focus("#batch_rows")
    page.keyboard.insert_text("{}\t{}".format(*centre(grids[0])))
    page.focus("#batch_form .main")
    page.keyboard.press("Enter")
    expect(page.locator("#batch_table tbody tr")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#batch_dialog")).to_be_hidden()
    expect(page.locator("#card")).to_be_visible()


def test_names_and_contrast(open_page, grids):
    """Whatever can be pressed has a name; all text stands out from what is behind it."""
    page = open_page()
    look_up(page, grids[0]["id"])
    expect(page.locator("#card")).to_be_visible()
    texts = "h1, dt, dd, p, a, button, kbd, select, input, summary, strong, small, label"
    assert page.evaluate(NAMELESS) == []
    assert low_contrasts(page, texts) == []
    for dialog in ("batch", "key"):
        page.click(f"#{dialog}")
        assert page.evaluate(NAMELESS) == []
        assert low_contrasts(page, f"#{dialog}_dialog :is({texts}, textarea)") == []
        page.keyboard.press("Escape")


def test_english(open_page, grids):
    """In English no Chinese is left beside names."""
    page = open_page("?lang=en")
    look_up(page, grids[0]["id"])
    expect(page.locator("#card dt").first).to_have_text("Code")
    page.click("#batch")
    for part in ("#recent", "#tools", "#batch_dialog", "#card dt", "#card .buttons"):
        text = page.locator(part).first.inner_text()
        text = text.replace("中文", "").replace(grids[0]["properties"]["name"], "")
        text = text.replace(grids[0]["properties"]["street"], "")
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in text.replace("高德百度", ""))


def test_phone(open_page, grids):
    """On a phone nothing is wider than the screen; card, search and dialogs are on top."""
    page = open_page(width=390, height=844)
    for part in ("#tools", "#search"):
        assert covers(page, part)
    look_up(page, grids[0]["id"])
    expect(page.locator("#card")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for part in ("#search", "#card", "#mark"):
        assert covers(page, part)
    page.click("#card .close")
    page.click("#batch")
    box = page.locator("#batch_dialog").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
