"""The editor's page in Chromium, without WebGL and without any network, over the real widget."""

import random
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from gridmap.check import check_plan
from gridmap.editor import edit_plan
from gridmap.editor.encoding import pack_integers
from gridmap.editor.problems import KINDS
from gridmap.plan import draw_plan
from gridmap.rules import band_ends
from gridmap.synthetic import make_city
from tests.browser.editor_page import (
    ADDRESS,
    EDITOR,
    at,
    choose,
    click,
    count_colour,
    grids,
    is_seen,
    lasso,
    open_page,
    settle,
    stroke,
)

pytestmark = pytest.mark.browser

#: Of `four_by_two`: the grids south and north in community A, then in B; 120, 180, 120, 180 homes.
SOUTH_A, NORTH_A, SOUTH_B, NORTH_B = (
    f"21080200300{community}00{serial}" for community, serial in ((2, 2), (2, 1), (3, 2), (3, 1))
)


@pytest.fixture(scope="module")
def town():
    """Draw a town of a dozen grids."""
    return draw_plan(make_city(12), steps=20)


@pytest.fixture
def open_editor(browser, tmp_path):
    """Return a function that opens the page of a plan; in the end nothing may have gone wrong."""
    troubles, doors = [], []

    def enter(plan, **options):
        journal = options.pop("journal", tmp_path / "drafts.sqlite")
        lang = options.pop("lang", "zh")
        widget = edit_plan(plan, journal=journal, by="王芳", lang=lang)
        door = open_page(browser, widget, offline_check=troubles, **options)
        page = door.__enter__()
        doors.append(door)
        page.wait_for_selector('[data-ready="1"]')
        settle(page)
        return page, widget

    yield enter
    for door in doors:
        door.__exit__(None, None, None)
    assert troubles == []


def number(plan, code):
    """Return the number of a grid."""
    return plan.grids.index.get_loc(code)


def go_to(page, grid):
    """Show a grid by its number, and give the map the focus."""
    page.evaluate(f"{EDITOR}.goTo({grid})")
    page.focus(".gm-map")


def homes_on_card(page):
    """Return the households on the card."""
    return int(re.search(r"\d+", page.locator(".gm-sum strong").inner_text())[0])


def row_of(page, code):
    """Return the row of a grid in the table of changes."""
    return page.locator(f'.gm-row[data-grid="{code}"]')


def journal_rows(widget):
    """Return what was done, in order."""
    return (widget.steps["do"] + ":" + widget.steps["kind"]).tolist()


# --- where units come from ------------------------------------------------------------------------


def test_source_filter(open_editor, town):
    """With a source the brush takes from that grid alone, whatever else it goes over."""
    page, widget = open_editor(town)
    target, source, bystander = three_in_a_row(town)
    go_to(page, target)
    page.keyboard.press("b")
    page.keyboard.press("s")
    expect(page.locator(".gm-toast")).to_contain_text("单击来源网格")
    page.mouse.click(*at(page, first_unit(page, source)))
    expect(page.locator(".gm-source")).to_contain_text("来源：只从")
    page.evaluate(f"{EDITOR}.pick({target})")
    before = grids(page)
    units = [first_unit(page, grid) for grid in (source, bystander)]
    stroke(page, first_unit(page, target), *units)
    settle(page)
    after = grids(page)
    moved = [unit for unit, grid in enumerate(after) if grid != before[unit]]
    assert moved
    assert {before[unit] for unit in moved} == {source}
    stroke(page, first_unit(page, bystander))
    expect(page.locator(".gm-toast")).to_contain_text("按 S 取消来源限制")
    page.keyboard.press("s")
    expect(page.locator(".gm-source")).to_contain_text("来源：所有网格")
    page.mouse.click(*at(page, first_unit(page, bystander)))
    settle(page)
    assert grids(page) != after
    assert widget.steps["kind"].tolist() == ["brush", "brush"]


def test_the_source_is_another_grid_and_escape_drops_the_question(open_editor, four_by_two):
    """The chosen grid is no source of itself; the lasso keeps to the source, merging does not."""
    page, _ = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("s")
    click(page, 0)
    expect(page.locator(".gm-toast")).to_have_text("来源应是另一个网格")
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    click(page, 4)
    assert page.evaluate(f"{EDITOR}.source") is None
    choose(page, 0)
    page.keyboard.press("s")
    click(page, 6)
    page.evaluate(f"{EDITOR}.pick(1)")
    page.keyboard.press("l")
    lasso(page, 5)
    expect(page.locator(".gm-toast")).to_contain_text("没有划入")
    page.keyboard.press("m")
    click(page, 4)
    expect(page.locator(".gm-bar")).to_be_visible()


def three_in_a_row(plan):
    """Return three grids of one community, by number, of which the first touches the second."""
    grid = plan.units["grid_code"]
    pairs = plan.adjacency[plan.adjacency["usable"]]
    one, two = (pairs[side].map(grid) for side in ("unit_a", "unit_b"))
    for first, second in zip(one, two, strict=True):
        beside = set(two[(one == second)]) | set(one[two == second])
        rest = sorted(beside - {first, second})
        if first != second and rest:
            return [number(plan, code) for code in (first, second, rest[0])]
    raise AssertionError("no such grids in this town")


def first_unit(page, grid):
    """Return a unit of a grid that is in view."""
    return page.evaluate(f"[...{EDITOR}.draft.members[{grid}]][0]")


# --- fingers --------------------------------------------------------------------------------------


def touch(page, kind, *spots):
    """Send what a touch screen sends: fingers at these places."""
    points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(spots)]
    page.touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_finger_paints_and_two_move_the_map(open_editor, four_by_two):
    """A tap chooses, a finger paints with the brush; a second one drops the stroke and zooms."""
    page, widget = open_editor(four_by_two, has_touch=True)
    page.touches = page.context.new_cdp_session(page)
    page.touchscreen.tap(*at(page, 0))
    expect(page.locator(".gm-code")).to_have_text(SOUTH_A)
    page.locator('button[data-tool="brush"]').tap()
    (x, y), (east, north) = at(page, 0), at(page, 4)
    touch(page, "touchStart", (x, y))
    touch(page, "touchMove", ((x + east) / 2, (y + north) / 2))
    touch(page, "touchMove", (east, north))
    touch(page, "touchEnd")
    settle(page)
    assert widget.assignment[[4]].tolist() == [SOUTH_A]
    zoom, edited = page.evaluate(f"{EDITOR}.map.getZoom()"), grids(page)
    east, north = at(page, 5)
    touch(page, "touchStart", (east, north))
    touch(page, "touchStart", (east, north), (east + 60, north))
    touch(page, "touchMove", (east - 60, north), (east + 120, north))
    page.wait_for_timeout(50)
    touch(page, "touchMove", (east - 90, north), (east + 150, north))
    touch(page, "touchEnd")
    page.wait_for_function(f"{EDITOR}.map.getZoom() > {zoom}")
    settle(page)
    assert grids(page) == edited
    assert journal_rows(widget) == ["step:brush"]


# --- opening --------------------------------------------------------------------------------------


def test_opens_and_draws(open_editor, four_by_two):
    """The plan is painted with units, main road and buildings; the page has its height."""
    page, widget = open_editor(four_by_two)
    assert count_colour(page, (0xF1, 0xF2, 0xEA)) > 20_000  # in the band
    assert count_colour(page, (255, 255, 255)) > 1_000  # the main road
    assert count_colour(page, (0x9A, 0x94, 0x86)) > 5_000  # buildings
    assert page.locator(".gm-editor").bounding_box()["height"] == widget.height == 640
    assert grids(page) == widget.start.grids.index.get_indexer(widget.assignment).tolist()
    expect(page.locator(".gm-panel footer")).to_have_text("网格 4 · 达标 100.0% · 改动 0 个单元")


def test_labels_have_glyphs(open_editor, four_by_two):
    """What is written on the map is Chinese, not the box of a missing glyph."""
    page, _ = open_editor(four_by_two)
    shapes = page.evaluate(
        """() => [..."网格户囗"].map(letter => {
            const canvas = document.createElement('canvas');
            const ctx = canvas.getContext('2d');
            ctx.font = getComputedStyle(document.querySelector('.gm-editor')).font;
            ctx.fillText(letter, 10, 40);
            return canvas.toDataURL();
        })"""
    )
    assert len(set(shapes)) == 4
    assert count_colour(page, (0x1B, 0x1B, 0x1B), 1) > 100


def test_modules_load_one_by_one(open_editor, four_by_two):
    """The modules are plain: a browser loads them as they stand, and every one is used."""
    page, _ = open_editor(four_by_two)
    names = page.evaluate(
        f"""async () => {{
            const module = await import("{ADDRESS}/static/editor.js");
            return [typeof module.default.render, typeof window.L];
        }}"""
    )
    assert names == ["function", "undefined"]


# --- brush ----------------------------------------------------------------------------------------


def test_brush(open_editor, four_by_two):
    """Pick a grid, then feed it: the tip foretells the card; bar and table move before release."""
    page, widget = open_editor(four_by_two)
    choose(page, 0)
    assert homes_on_card(page) == 120
    page.keyboard.press("b")
    page.mouse.move(*at(page, 4))
    tip = page.locator(".gm-tip")
    expect(tip).to_have_text("+1 栋 +90 户 → 210（+40%）")
    page.mouse.down()
    page.mouse.move(*[value + 1 for value in at(page, 4)])
    expect(row_of(page, SOUTH_A)).to_contain_text("120→210")
    expect(row_of(page, NORTH_A)).to_contain_text("180→90")
    assert homes_on_card(page) == 210
    assert widget.changes.empty  # the mouse is still down
    page.mouse.up()
    settle(page)
    assert homes_on_card(page) == 210
    assert widget.changes.loc[[SOUTH_A, NORTH_A], "after"].tolist() == [210, 90]
    assert journal_rows(widget) == ["step:brush"]
    assert widget.steps["made_by"].tolist() == ["王芳"]


def test_undo_and_redo(open_editor, four_by_two):
    """Changed units are 1, 0, 1, and Python has the same."""
    page, widget = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4)
    counts = []
    for key in (None, "Control+z", "Control+Shift+z", "Control+z", "Control+y"):
        if key:
            page.keyboard.press(key)
        settle(page)
        moved = page.evaluate(f"{EDITOR}.draft.moved")
        counts.append((moved, int((widget.assignment != widget.start.units["grid_code"]).sum())))
        assert grids(page) == widget._draft.grids.tolist()
    assert counts == [(1, 1), (0, 0), (1, 1), (0, 0), (1, 1)]
    expect(page.locator(".gm-toast")).to_have_text("已重做：画笔")


def test_brush_has_the_size_that_it_shows(open_editor, town):
    """[ and ] change the circle; what is shaded before the click is what the click moves."""
    page, widget = open_editor(town)
    go_to(page, 5)
    page.keyboard.press("b")
    for _ in range(6):
        page.keyboard.press("]")
    radius = page.evaluate(f"{EDITOR}.radius")
    expect(page.locator(".gm-sizer span")).to_have_text(f"画笔半径 {radius} m")
    start = widget.assignment
    other = next(
        int(b if a_code == code else a)
        for a, b, a_code, b_code in pairs_between(town)
        for code in [town.grids.index[5]]
        if code in (a_code, b_code)
    )
    page.mouse.move(*at(page, other))
    settle(page)
    shaded = page.evaluate(f"[...{EDITOR}.preview]")
    page.mouse.down()
    page.mouse.up()
    settle(page)
    moved = np.flatnonzero((widget.assignment != start).to_numpy()).tolist()
    assert sorted(shaded) == moved
    assert len(moved) >= 1


def pairs_between(plan):
    """Return usable pairs of units in two grids, with both codes."""
    code = plan.units["grid_code"]
    pairs = plan.adjacency[plan.adjacency["usable"]]
    a, b = pairs["unit_a"].map(code), pairs["unit_b"].map(code)
    rows = zip(pairs["unit_a"], pairs["unit_b"], a, b, strict=True)
    return [row for row in rows if row[2] != row[3]]


def test_escape_leaves_nothing(open_editor, four_by_two):
    """Esc in a stroke: no unit has moved, nothing is written."""
    page, widget = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("b")
    page.mouse.move(*at(page, 4))
    page.mouse.down()
    page.mouse.move(*at(page, 5), steps=3)
    expect(page.locator(".gm-changes h3")).to_have_text("变动网格 2")
    page.keyboard.press("Escape")
    page.mouse.up()
    settle(page)
    assert page.evaluate(f"{EDITOR}.draft.moved") == 0
    assert widget.steps.empty
    expect(page.locator(".gm-changes h3")).to_have_text("变动网格 0")


def test_brush_stays_in_the_community(open_editor, four_by_two):
    """Units of another community are passed over, and a stroke over them alone says why."""
    page, widget = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 2)
    expect(page.locator(".gm-toast")).to_have_text("网格不能跨社区或专属区，没有划入")
    stroke(page, 4, 6)
    settle(page)
    moved = widget.assignment[widget.assignment != widget.start.units["grid_code"]]
    assert moved.index.tolist() == [4, 5]


def test_first_press_picks_where_no_grid_is_chosen(open_editor, four_by_two):
    """With the brush and no grid the press picks the grid under it, and the stroke feeds that."""
    page, widget = open_editor(four_by_two)
    page.focus(".gm-map")
    page.keyboard.press("b")
    expect(page.locator(".gm-toast")).to_contain_text("先选一个网格")
    stroke(page, 1, 5)
    settle(page)
    assert widget.assignment[5] == SOUTH_A
    page.keyboard.down("Alt")
    click(page, 7)
    page.keyboard.up("Alt")
    expect(page.locator(".gm-code")).to_have_text(NORTH_B)


# --- lasso, new, merge, dissolve ------------------------------------------------------------------


def test_lasso_asks_first(open_editor, four_by_two):
    """The what-if bar tells old and new of each grid; Esc drops it, Enter does it."""
    page, widget = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("l")
    lasso(page, 4, 5)
    bar = page.locator(".gm-bar")
    expect(bar).to_contain_text("如果将 2 栋 180 户划入 小雨社区第2网格")
    expect(bar).to_contain_text("120→300")
    expect(bar).to_contain_text("180→0")
    assert is_seen(page, ".gm-bar")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    assert widget.steps.empty
    lasso(page, 4)
    page.keyboard.press("Enter")
    settle(page)
    assert widget.assignment[4] == SOUTH_A
    assert journal_rows(widget) == ["step:lasso"]


def test_new_grid(open_editor, four_by_two):
    """A lasso and N make a new grid; the plan gives it the community's next free code."""
    page, widget = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("l")
    lasso(page, 1, 5)
    page.locator(".gm-bar button", has_text="建成新网格").click()
    expect(page.locator(".gm-bar")).to_contain_text("划入 新网格 1")
    page.locator(".gm-bar .gm-primary").click()
    settle(page)
    assert widget.assignment[[1, 5]].tolist() == ["new-1", "new-1"]
    expect(row_of(page, "new-1")).to_contain_text("→150")
    plan = widget.plan
    assert plan.units.loc[[1, 5], "grid_code"].tolist() == ["210802003002003"] * 2
    assert plan.grids.loc["210802003002003", "households"] == 150
    page.keyboard.press("Control+z")
    page.keyboard.press("n")
    page.keyboard.press("b")
    stroke(page, 5, 4)
    settle(page)
    assert widget.assignment[[4, 5]].tolist() == ["new-1", "new-1"]
    assert widget.plan.lineage.loc[NORTH_A, "successors"] == "210802003002003"


def test_merge(open_editor, four_by_two):
    """M and a click take a whole neighbour in; the emptied code is retired with its successor."""
    page, widget = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("m")
    expect(page.locator(".gm-toast")).to_contain_text("单击要并入的相邻网格")
    click(page, 5)
    expect(page.locator(".gm-bar")).to_contain_text("120→300")
    page.keyboard.press("Enter")
    settle(page)
    assert widget.assignment[[4, 5]].tolist() == [SOUTH_A, SOUTH_A]
    assert widget.plan.lineage.loc[NORTH_A, "successors"] == SOUTH_A
    expect(row_of(page, NORTH_A)).to_contain_text("撤")


def test_dissolve(open_editor, town):
    """X divides a grid among its neighbours, each in one piece; nobody is lost."""
    page, widget = open_editor(town)
    code = min(town.grids.index, key=lambda one: town.grids.loc[one, "households"])
    go_to(page, number(town, code))
    page.focus(".gm-map")
    page.keyboard.press("x")
    expect(page.locator(".gm-bar")).to_contain_text("如果撤并")
    page.keyboard.press("Enter")
    settle(page)
    plan = widget.plan
    assert code not in plan.grids.index
    assert set(plan.lineage.loc[code, "successors"].split()) <= set(town.grids.index)
    assert plan.grids["households"].sum() == town.grids["households"].sum()
    page.keyboard.press("Control+z")
    settle(page)
    assert widget.changes.empty


# --- locks ----------------------------------------------------------------------------------------


def test_locks(open_editor, four_by_two):
    """A locked grid gives nothing and takes nothing; undo opens it; the lock is hatched."""
    page, widget = open_editor(four_by_two)
    choose(page, 4)
    plain = count_colour(page, (0xF1, 0xF2, 0xEA))
    page.keyboard.press("k")
    settle(page)
    assert count_colour(page, (0xF1, 0xF2, 0xEA)) < 0.95 * plain
    assert widget.locked == [NORTH_A]
    expect(page.locator(".gm-facts")).to_contain_text("已锁定")
    page.keyboard.press("b")
    stroke(page, 0)
    expect(page.locator(".gm-toast")).to_contain_text("已锁定，先按 K 解锁")
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4)
    expect(page.locator(".gm-toast")).to_have_text("这里的网格已锁定，没有划入")
    settle(page)
    assert widget.changes.empty
    page.keyboard.press("Control+z")
    settle(page)
    assert widget.locked == []


def test_lock_all(open_editor, four_by_two):
    """The button locks every grid, then unlocks every one; locks are there after reopening."""
    page, widget = open_editor(four_by_two)
    button = page.locator('[data-tool="lockAll"]')
    button.click()
    settle(page)
    assert widget.locked == sorted(four_by_two.grids.index)
    expect(button).to_have_text("全解")
    again, other = open_editor(four_by_two)
    assert other.locked == sorted(four_by_two.grids.index)
    again.locator('[data-tool="lockAll"]').click()
    settle(again)
    assert other.locked == []


# --- what is wrong --------------------------------------------------------------------------------


def test_split_warns_on_top(open_editor, four_by_two):
    """A stroke that splits a grid says so within 300 ms, on top of the map; undo mends it."""
    page, widget = open_editor(four_by_two)
    make_row(page, widget)
    page.evaluate(
        """() => {
            const toast = document.querySelector('.gm-toast');
            const act = () => { if (!toast.hidden) window.told ||= performance.now(); };
            new MutationObserver(act).observe(toast, { attributes: true, childList: true });
            document.addEventListener('pointerup', () => (window.up = performance.now()), true);
        }"""
    )
    page.focus(".gm-map")
    page.keyboard.press("n")
    page.evaluate("window.told = 0")
    stroke(page, 5)
    settle(page)
    toast = page.locator(".gm-toast")
    expect(toast).to_have_text("小雨社区第1网格 断成 2 片，Ctrl+Z 撤销")
    assert is_seen(page, ".gm-toast")
    assert 0 <= page.evaluate("window.told - window.up") < 300
    expect(page.locator('[data-problem="disconnected"] b')).to_have_text("1")
    assert widget.problems.index[widget.problems["disconnected"]].tolist() == [NORTH_A]
    page.keyboard.press("Control+z")
    settle(page)
    expect(page.locator('[data-problem="disconnected"] b')).to_have_text("0")
    assert not widget.problems["disconnected"].any()


def make_row(page, widget):
    """Give unit 1 to the northern grid, which then hangs together through unit 5 alone."""
    widget.move([1], NORTH_A)
    page.evaluate(f"{EDITOR}.link.send({{ type: 'state' }})")
    page.wait_for_function(f"{EDITOR}.draft.moved === 1")


def test_emptied_grid_is_named(open_editor, four_by_two):
    """A grid that gives its last unit is said to be retired."""
    page, widget = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4, 5)
    expect(page.locator(".gm-toast")).to_contain_text("小雨社区第1网格 已没有单元")
    settle(page)
    assert NORTH_A not in widget.plan.grids.index


def test_problems_agree_with_python(open_editor, town):
    """After random strokes the counters list the grids that Python lists, kind by kind."""
    page, widget = open_editor(town)
    work = random.Random(7)
    for turn in range(6):
        a, b, _, code = work.choice(pairs_between(town))
        go_to(page, number(town, code))
        page.keyboard.press("b")
        page.evaluate(f"{EDITOR}.pixels = {10 + 12 * turn}")
        stroke(page, b, a)
        settle(page)
        for kind in ("disconnected", "over", "under", "empty"):
            shown = page.evaluate(f"[...{EDITOR}.draft.byProblem.{kind}].sort((a, b) => a - b)")
            found = widget.problems.index[widget.problems[kind]]
            assert [widget._draft.label(grid) for grid in shown] == sorted(found)
            count = page.locator(f'[data-problem="{kind}"] b').inner_text()
            assert int(count) == len(found)
    assert len(widget.problems)


def test_a_plan_s_problems_are_those_of_the_check(open_editor, town):
    """What the editor counts in a plan is what `check_plan` objects to."""
    page, widget = open_editor(town)
    go_to(page, 0)
    widget.move(*some_move(town))
    page.evaluate(f"{EDITOR}.link.send({{ type: 'state' }})")
    page.wait_for_function(f"{EDITOR}.draft.moved > 0")
    findings = check_plan(widget.plan).findings
    for kind, rules in KINDS.items():
        objected = {finding.grid_code for finding in findings if finding.rule in rules}
        shown = page.evaluate(f"[...{EDITOR}.draft.byProblem.{kind}]")
        assert {widget._draft.label(grid) for grid in shown} == objected


def some_move(plan):
    """Return units and a neighbour that makes both grids too small or large, and no third."""
    households = plan.grids["households"]
    a, _, _, code = max(pairs_between(plan), key=lambda pair: households[pair[3]])
    return [a], code


def test_going_to_problems(open_editor, four_by_two):
    """Each click goes to the next grid with that problem, chooses it and shows it; P and back."""
    page, widget = open_editor(four_by_two)
    widget.move([4], SOUTH_A)
    widget.move([6], SOUTH_B)
    page.evaluate(f"{EDITOR}.link.send({{ type: 'state' }})")
    page.wait_for_function(f"{EDITOR}.draft.moved === 2")
    next_over = page.locator('[data-problem="over"] .gm-next')
    settle(page)
    codes = []
    for _ in range(3):
        next_over.click()
        settle(page)
        codes.append(page.locator(".gm-code").inner_text())
        assert page.evaluate(f"{EDITOR}.flash.length") == 3
        box = page.evaluate(
            f"""() => {{ const e = {EDITOR};
                const [left, low, right, high] = e.ground.boxOf(e.draft.members[e.active]);
                return e.map.getBounds().contains([[low, left], [high, right]]); }}"""
        )
        assert box
    assert codes == [SOUTH_A, SOUTH_B, SOUTH_A]
    page.locator('[data-problem="over"] .gm-previous').click()
    expect(page.locator(".gm-code")).to_have_text(SOUTH_B)
    page.focus(".gm-map")
    page.keyboard.press("p")
    expect(page.locator(".gm-toast")).to_contain_text("低于下限")
    expect(page.locator('[data-problem="empty"] .gm-next')).to_be_disabled()


def test_compare(open_editor, four_by_two):
    """C tints the units that moved and draws where the borders were."""
    page, _ = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4)
    pink = (0xC2, 0x18, 0x7A)
    assert count_colour(page, pink) == 0
    page.keyboard.press("c")
    settle(page)
    assert count_colour(page, pink) > 100
    assert page.locator('[data-tool="compare"]').get_attribute("aria-pressed") == "true"
    page.keyboard.press("c")
    settle(page)
    assert count_colour(page, pink) == 0


# --- saving ---------------------------------------------------------------------------------------


def test_reopening_restores(open_editor, four_by_two):
    """Another page and widget on the same journal have the same draft, and can still undo it."""
    page, _ = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4)
    expect(page.locator(".gm-status")).to_contain_text("已保存", timeout=2_000)
    settle(page)
    again, widget = open_editor(four_by_two)
    expect(again.locator(".gm-toast")).to_have_text("已恢复上次的 1 步")
    assert widget.assignment[4] == SOUTH_A
    assert grids(again) == grids(page)
    again.focus(".gm-map")
    again.keyboard.press("Control+z")
    settle(again)
    assert widget.changes.empty


def test_a_dead_kernel_loses_nothing(open_editor, four_by_two, tmp_path):
    """Steps that no kernel heard of wait in the browser, and go on when the editor is reopened."""
    page, widget = open_editor(four_by_two)
    page.kernel.alive = False
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4)
    stroke(page, 5)
    page.wait_for_timeout(4_300)
    expect(page.locator(".gm-status")).to_have_text("未保存（2 步）")
    assert widget.steps.empty
    page.kernel.alive = True
    page.kernel.widget = edit_plan(four_by_two, journal=tmp_path / "drafts.sqlite")
    page.reload()
    page.wait_for_selector('[data-ready="1"]')
    settle(page)
    assert page.kernel.widget.assignment[[4, 5]].tolist() == [SOUTH_A, SOUTH_A]
    expect(page.locator(".gm-status")).to_contain_text("已保存")
    page.reload()
    page.wait_for_selector('[data-ready="1"]')
    settle(page)
    assert len(page.kernel.widget.steps) == 2


def test_two_editors_do_not_mix(open_editor, four_by_two):
    """Who opened a draft last has it; the editor before is for reading, and can take it back."""
    page, first = open_editor(four_by_two)
    other_page, other = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4)
    expect(page.locator(".gm-toast")).to_have_text("草稿已在另一处打开，这里只能查看")
    expect(page.locator(".gm-status")).to_have_text("只读")
    assert other.steps.empty
    assert page.evaluate(f"() => {EDITOR}.draft.moved") == 0
    before = grids(page)
    stroke(page, 4)
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert grids(page) == before
    for tool in ("brush", "lasso", "fresh", "undo", "lockAll"):
        assert page.locator(f'button[data-tool="{tool}"]').is_disabled(), tool
    choose(other_page, 0)
    other_page.keyboard.press("b")
    stroke(other_page, 4)
    settle(other_page)
    page.get_by_role("button", name="在这里继续编辑").click()
    expect(page.locator(".gm-notice")).to_be_hidden()
    settle(page)
    assert grids(page) == grids(other_page)
    assert first.steps["kind"].tolist() == ["brush"]
    other_page.evaluate(f"{EDITOR}.link.asked = 0")
    other_page.locator('button[data-tool="select"]').focus()
    expect(other_page.locator(".gm-status")).to_have_text("只读")


def test_the_other_editor_is_told_when_it_is_looked_at(open_editor, four_by_two):
    """Nobody has to paint in vain: the first editor asks as soon as it has the focus again."""
    page, _ = open_editor(four_by_two)
    open_editor(four_by_two)
    expect(page.locator(".gm-notice")).to_be_hidden()
    page.focus(".gm-map")
    expect(page.locator(".gm-notice")).to_be_visible()
    assert is_seen(page, ".gm-notice")


def test_what_python_does_is_shown(open_editor, four_by_two):
    """A bad step of a page is refused and the page loads the draft again."""
    page, widget = open_editor(four_by_two)
    bad = {"do": "step", "kind": "brush", "units": [99], "before": [0], "after": [1]}
    page.evaluate(f"entry => {EDITOR}.link.record(entry)", bad)
    expect(page.locator(".gm-toast")).to_contain_text("内核拒绝了这一步：units are numbered 0 to 7")
    settle(page)
    assert widget.steps.empty
    assert grids(page) == widget._draft.grids.tolist()


# --- the notebook around it -----------------------------------------------------------------------


def test_wheel_belongs_to_the_notebook(open_editor, four_by_two):
    """Over an unfocused map the wheel scrolls the page; once it has the focus it zooms."""
    page, _ = open_editor(four_by_two, height=500)
    page.evaluate("document.querySelector('#below').hidden = false")
    zoom = f"{EDITOR}.map.getZoom()"
    before = page.evaluate(zoom)
    page.mouse.move(300, 300)
    page.mouse.wheel(0, 200)
    page.wait_for_function("scrollY > 100")
    assert page.evaluate(zoom) == before
    page.mouse.click(300, 100)
    page.mouse.wheel(0, -200)
    page.wait_for_function(f"{zoom} > {before}")


def test_panning(open_editor, town):
    """The select tool drags the map; space drags it with the brush, and paints nothing."""
    page, widget = open_editor(town)
    middle = f"{EDITOR}.map.getCenter().lng"
    click(page, 0)
    for keys in ("v", "b"):
        page.keyboard.press(keys)
        if keys == "b":
            page.keyboard.down(" ")
        before = page.evaluate(middle)
        page.mouse.move(400, 300)
        page.mouse.down()
        page.mouse.move(300, 300, steps=5)
        page.mouse.up()
        page.keyboard.up(" ")
        assert page.evaluate(middle) > before + 10
    settle(page)
    assert widget.steps.empty


def test_narrow_cell(open_editor, four_by_two):
    """In a narrow cell the panel is below the map, and nothing is cut off."""
    page, _ = open_editor(four_by_two, width=520)
    place, panel = (page.locator(part).bounding_box() for part in (".gm-place", ".gm-panel"))
    assert place["width"] > 500
    assert panel["y"] >= place["y"] + place["height"] - 2
    assert page.evaluate("document.documentElement.scrollWidth") == 520


def test_language(open_editor, four_by_two):
    """The switch changes every text but names of places."""
    page, _ = open_editor(four_by_two)
    choose(page, 0)
    page.locator("header .gm-small").first.click()
    expect(page.locator('[data-tool="brush"]')).to_have_text("Brush")
    settle(page)
    left = [
        text
        for text in page.locator(".gm-panel *:not(:has(*)):not(path)").all_inner_texts()
        if re.search(r"[\u4e00-\u9fff]", text)
    ]
    assert set(left) <= {"中文", "小雨社区第2网格", "四乘二"}
    page.keyboard.press("?")
    assert "Lasso" in page.locator(".gm-help").inner_text()


def test_keyboard_only(open_editor, four_by_two):
    """Without a mouse: choose a grid, feed it, lock it, go to a problem, undo."""
    page, widget = open_editor(four_by_two)
    page.focus(".gm-map")
    page.keyboard.press("ArrowLeft")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator(".gm-code")).to_have_text(SOUTH_A)
    page.keyboard.press("b")
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    settle(page)
    assert journal_rows(widget) == ["step:brush"]
    assert widget.assignment[[4, 5]].eq(SOUTH_A).sum() == 1
    page.keyboard.press("k")
    page.keyboard.press("p")
    expect(page.locator(".gm-toast")).to_contain_text("低于下限")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    settle(page)
    assert widget.changes.empty
    assert widget.locked == []


def test_names(open_editor, four_by_two):
    """Every button has a name that can be read out, and keeps the notebook's shortcuts off."""
    page, _ = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("l")
    lasso(page, 4)
    page.keyboard.press("?")
    bad = page.evaluate(
        """() => [...document.querySelectorAll('.gm-editor button, .gm-editor [tabindex]')]
            .filter(part => !(part.getAttribute('aria-label') || part.innerText || '').trim()
                || !part.dataset.lmSuppressShortcuts)
            .map(part => part.outerHTML)"""
    )
    assert bad == []


def test_contrast(open_editor, four_by_two):
    """Text stands out from what is behind it at least 4.5 to 1."""
    page, _ = open_editor(four_by_two)
    choose(page, 0)
    page.keyboard.press("b")
    stroke(page, 4)
    settle(page)
    pairs = page.evaluate(
        """() => {
            const behind = part => {
                for (; part; part = part.parentElement) {
                    const colour = getComputedStyle(part).backgroundColor;
                    if (!/, 0\\)$/.test(colour)) return colour;
                }
                return 'rgb(255, 255, 255)';
            };
            return [...document.querySelectorAll('.gm-editor *')]
                .filter(part => part.offsetParent && !part.disabled && !part.closest(':disabled'))
                .filter(part => [...part.childNodes].some(
                    node => node.nodeType === 3 && node.data.trim()))
                .map(part => [getComputedStyle(part).color, behind(part), part.innerText]);
        }"""
    )
    assert len(pairs) > 20
    for ink, paper, text in pairs:
        light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ink, paper)


def luminance(colour):
    """Return the relative luminance of a CSS rgb() colour (WCAG 2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- everything at once ---------------------------------------------------------------------------


def test_nobody_is_lost(open_editor, town):
    """After 200 random operations the households are the same, and page and Python agree."""
    page, widget = open_editor(town)
    total = int(town.units["households"].sum())
    work = random.Random(3)
    keys = [
        "v",
        "b",
        "l",
        "n",
        "m",
        "x",
        "k",
        "c",
        "p",
        "Enter",
        "Escape",
        "Control+z",
        "Control+y",
    ]
    page.focus(".gm-map")
    for turn in range(200):
        if work.random() < 0.5:
            page.keyboard.press(work.choice(keys))
        else:
            x, y = work.randint(60, 820), work.randint(40, 560)
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + work.randint(-90, 90), y + work.randint(-90, 90), steps=3)
            if work.random() < 0.1:
                page.keyboard.press("Escape")
            page.mouse.up()
        if turn % 20 == 19:
            page.evaluate(f"{EDITOR}.showWhole()")
            settle(page)
            assert page.evaluate(f"{EDITOR}.draft.totalHouseholds()") == total
    page.keyboard.press("Escape")
    settle(page)
    assert grids(page) == widget._draft.grids.tolist()
    assert page.evaluate(f"[...{EDITOR}.draft.locked].sort((a, b) => a - b)") == sorted(
        widget._draft.locked
    )
    assert widget._draft.measure()["households"].sum() == total
    assert len(widget.steps) > 20


# --- single functions -----------------------------------------------------------------------------


def test_numbers_survive_the_way(open_editor, four_by_two):
    """What `pack_integers` writes, `unpackIntegers` reads."""
    page, _ = open_editor(four_by_two)
    numbers = [0, -1, 1, 63, -64, 64, 127, 128, -8193, 2_000_000, -2_000_000, 2**30, -(2**31)]
    text = pack_integers(numbers).hex()
    read = page.evaluate(
        f"""async text => {{
            const {{ unpackIntegers }} = await import("{ADDRESS}/static/unpack.js");
            const bytes = Uint8Array.from(text.match(/../g), pair => parseInt(pair, 16));
            return [...unpackIntegers(new DataView(bytes.buffer))];
        }}""",
        text,
    )
    assert read == numbers


def test_bands_are_those_of_the_rules(open_editor, four_by_two):
    """The page has the same fewest and most households for a target as Python, none rounded out."""
    page, _ = open_editor(four_by_two)
    targets = [50, 62.5, 112.5, 250, 300, 303, 312.5, 333.3, 400, 137.3]
    bands = page.evaluate(
        f"""async targets => {{
            const {{ bandOf }} = await import("{ADDRESS}/static/problems.js");
            return targets.flatMap(target => [0.2, 0.1, 0.15].map(share => bandOf(target, share)));
        }}""",
        targets,
    )
    expected = [
        [int(end) for end in band_ends(target, share)]
        for target in targets
        for share in (0.2, 0.1, 0.15)
    ]
    assert bands == expected
