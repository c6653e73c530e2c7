"""The grid worker's page: the most urgent first, a step in one tap, and no line needed for it."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.desk import KEY, WORKER

pytestmark = pytest.mark.browser

SENT = 15_000  # a step waits five seconds in which it can be taken back


@pytest.fixture
def open_page(visit, desk):
    """Return a function that opens a worker's list."""

    def open_work(address="", key=desk.key):
        page = visit(f"{desk.site}/work", width=390, height=844)
        page.evaluate(KEY.format(key))
        page.evaluate(f"sessionStorage.setItem('gridmap-worker', '{WORKER}')")
        page.goto(f"{desk.site}/work{address}")
        page.reload()
        page.wait_for_selector("html[data-ready='1']")
        return page

    return open_work


def item(number):
    """Return the selector of a case in the list."""
    return f"#cases li[data-case='{number}']"


def test_key_is_asked_for(visit, desk):
    """Without a key nothing is listed, and the dialog is open; a wrong key is said to be wrong."""
    page = visit(f"{desk.site}/work", width=390, height=844)
    expect(page.locator("#key_dialog")).to_be_visible()
    expect(page.locator("#key_text")).to_be_focused()
    close, title = (page.locator(part).bounding_box() for part in ("#key_close", "#key_title"))
    assert title["x"] + title["width"] <= close["x"]
    page.fill("#key_text", "gm_nosuchkey")
    page.press("#key_text", "Enter")
    expect(page.locator("#key_wrong")).to_be_visible()
    page.fill("#key_text", desk.key)
    page.press("#key_text", "Enter")
    expect(page.locator("#key_dialog")).to_be_hidden()
    number = desk.open()
    page.fill("#worker_id", WORKER)
    page.press("#worker_id", "Enter")
    expect(page.locator(item(number))).to_contain_text("垃圾没人收")


def test_a_workers_own_key_knows_him(visit, desk):
    """Nobody is asked for a number: his list is there at once, and a step goes through."""
    number = desk.open()
    page = visit(f"{desk.site}/work", width=390, height=844)
    page.fill("#key_text", desk.worker)
    page.press("#key_text", "Enter")
    expect(page.locator(item(number))).to_contain_text("垃圾没人收")
    expect(page.locator("#who")).to_be_hidden()
    page.click(f"{item(number)} button.main")
    expect(page.locator(f"{item(number)} button.main")).to_have_text("已解决", timeout=SENT)
    page.click("#key")
    page.click("#key_forget")
    expect(page.locator("#who")).to_be_visible()
    expect(page.locator("#cases li")).to_have_count(0)


def test_most_urgent_first(open_page, desk):
    """The list is the service's, nearest breach first; an inspected case has more time."""
    later = desk.open(words="先报的")
    desk.step(later, "inspect")
    desk.open(words="后报的")
    page = open_page()
    told = desk.ask(f"internal/workers/{WORKER}/cases")["cases"]
    shown = page.locator("#cases li").evaluate_all("rows => rows.map(row => +row.dataset.case)")
    assert shown == [case["case_id"] for case in told]
    assert shown[-1] == later
    expect(page.locator(f"{item(later)} .clock")).to_have_attribute("aria-label", "正常")


def test_a_case_says_in_which_grid_it_lies(open_page, desk, town):
    """By its name, in the list and on its sheet: a code says nothing to a person."""
    number = desk.open()
    name = town.grids.at[desk.code, "name"]
    page = open_page()
    expect(page.locator(f"{item(number)} .where")).to_contain_text(name)
    page.click(f"{item(number)} .next button:last-child")
    expect(page.locator("#case dl")).to_contain_text(name)


def test_step_in_one_tap_and_taken_back(open_page, desk):
    """One tap, and the step is on its way as the worker's; until then it can be taken back."""
    number = desk.open()
    page = open_page()
    page.click(f"{item(number)} .main")
    expect(page.locator("#toast")).to_contain_text(f"查验 #{number}")
    page.click("#toast button")
    expect(page.locator(f"{item(number)} .pending")).to_have_count(0)
    page.click(f"{item(number)} .main")
    expect(page.locator(f"{item(number)} .main")).to_have_text("已解决", timeout=SENT)
    expect(page.locator(f"{item(number)} .pending")).to_have_count(0, timeout=SENT)
    assert desk.log(number)[1:] == [("inspect", WORKER)]


def test_steps_wait_for_the_line(open_page, desk):
    """Steps made without a line survive a reload and are sent in order, each once."""
    number = desk.open()
    page = open_page()
    page.context.set_offline(True)
    page.click(f"{item(number)} .main")
    page.click(f"{item(number)} .main")
    expect(page.locator(f"{item(number)} .pending")).to_have_count(2)
    expect(page.locator("#line")).to_contain_text("没有网络", timeout=SENT)
    assert len(desk.log(number)) == 1
    page.context.set_offline(False)
    page.reload()
    expect(page.locator(f"{item(number)} .main")).to_have_text("已反馈", timeout=SENT)
    expect(page.locator(f"{item(number)} .pending")).to_have_count(0, timeout=SENT)
    assert desk.log(number)[1:] == [("inspect", WORKER), ("resolve", WORKER)]


def test_conflict_shows_who_was_quicker(open_page, desk):
    """Somebody was quicker: the page says who did what; dropped, the case is as they left it."""
    number = desk.open()
    page = open_page()
    desk.step(number, "inspect", note="电话核实")
    page.click(f"{item(number)} .main")
    stuck = page.locator(f"{item(number)} .stuck")
    expect(stuck).to_contain_text("社区 指挥中心 查验", timeout=SENT)
    stuck.locator("text=放弃我的").click()
    expect(stuck).to_have_count(0)
    expect(page.locator(f"{item(number)} .main")).to_have_text("已解决")
    assert len(desk.log(number)) == 2


def test_conflict_is_sent_anyway(open_page, desk):
    """After somebody's note the worker's step still fits, and is sent on his word."""
    number = desk.open()
    page = open_page()
    desk.step(number, "note", note="居民来电催办")
    page.click(f"{item(number)} .main")
    page.locator(f"{item(number)} .stuck >> text=仍然提交").click(timeout=SENT)
    expect(page.locator(f"{item(number)} .main")).to_have_text("已解决", timeout=SENT)
    expect(page.locator(f"{item(number)} .pending")).to_have_count(0, timeout=SENT)
    assert desk.log(number)[-1] == ("inspect", WORKER)


def test_note_whistle_photo_and_way(open_page, desk, tmp_path):
    """On the sheet: a note, a whistle with its liaison, a photo, a map, and the way there."""
    number = desk.open()
    Image.new("RGB", (900, 600), "green").save(tmp_path / "photo.png")
    page = open_page(f"#case={number}")
    place = f"geo:{desk.place[1]},{desk.place[0]}?"
    assert page.get_attribute("text=导航", "href").startswith(place)
    page.fill("#note", "与住户沟通，明早清运")
    page.click("text=记日志")
    page.click(".whistle summary")
    page.click(".choices >> text=供电")
    page.click(".whistle .main")
    page.set_input_files("#work_photo", tmp_path / "photo.png")
    expect(page.locator("#case")).to_contain_text("赵敏", timeout=3 * SENT)
    expect(page.locator("#case .log").last).to_contain_text("与住户沟通")
    page.click("text=看照片（1）", timeout=3 * SENT)
    measure = "image => image.decode().then(() => image.naturalWidth)"
    assert page.locator(".photos img").evaluate(measure) == 900
    page.click("text=地图")
    expect(page.locator(".picker .pin")).to_be_visible()
    assert {action for action, _ in desk.log(number)} == {"open", "note", "whistle", "photo"}


def test_signing_out_clears_the_phone(open_page, desk):
    """Who signs out leaves no case and no step on the phone."""
    number = desk.open()
    page = open_page()
    page.click(f"{item(number)} .main")
    page.click("#key")
    page.click("#key_forget")
    expect(page.locator("#cases li")).to_have_count(0)
    page.wait_for_timeout(500)
    left = page.evaluate(
        """() => new Promise(resolve => {
            indexedDB.open('gridmap').onsuccess = ({target: {result}}) => {
                const keys = result.transaction('kept').objectStore('kept').getAllKeys();
                keys.onsuccess = () => resolve(keys.result);
            };
        })"""
    )
    assert [key for key in left if key.startswith(("step:", "work"))] == []
    page.wait_for_timeout(6000)  # the step would have been sent by now
    assert len(desk.log(number)) == 1
