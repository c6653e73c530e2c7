"""The notebook's map in Chromium with the network off."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gridmap.maps import map_plan
from gridmap.plan import Plan

pytestmark = pytest.mark.browser


def test_the_map_draws_and_answers_offline(
    browser: Browser, four_by_two: Plan, tmp_path: Path
) -> None:
    """Nothing is asked of any host, the canvas is painted, and pointing at a grid names it."""
    map_plan(four_by_two).save(tmp_path / "map.html")
    context = browser.new_context(offline=True, viewport={"width": 800, "height": 600})
    page, requests, errors = context.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"file://{tmp_path}/map.html")
    page.wait_for_selector(".leaflet-overlay-pane canvas")
    page.mouse.move(300, 220)
    page.mouse.move(302, 222)
    tip = page.locator(".leaflet-tooltip").inner_text()
    painted = page.evaluate(
        "() => { const c = document.querySelector('.leaflet-overlay-pane canvas');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return d.some(value => value > 0) }"
    )
    context.close()
    assert "小雨社区第1网格" in tip
    assert "210802003002001" in tip
    assert painted
    assert not errors
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
