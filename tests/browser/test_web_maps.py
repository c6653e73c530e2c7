"""Other people's web maps in Chromium: MapLibre GL draws our tiles, Leaflet our GeoJSON."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

#: WebGL in software: MapLibre draws with nothing else.
SOFTWARE_GL = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
MAPLIBRE = """<!doctype html><link rel="stylesheet" href="/lib/maplibre-gl.css">
<div id="map" style="position:absolute;inset:0"></div><script src="/lib/maplibre-gl.js"></script>
<script>
const layer = (id, type, name) => ({id, type, source: "plan", "source-layer": name});
const map = new maplibregl.Map({container: "map", style: {version: 8,
  sources: {plan: {type: "vector", url: location.origin + "/tiles.json"}},
  layers: [layer("grids", "fill", "grids"), layer("streets", "line", "streets"),
    layer("buildings", "fill", "buildings")]}});
map.on("error", event => { window.wrong = String(event.error); });
map.on("load", () => map.fitBounds(map.getSource("plan").bounds, {animate: false}));
map.on("idle", () => {
  const codes = map.queryRenderedFeatures({layers: ["grids"]}).map(one => one.properties.code);
  window.found = [...new Set(codes)].sort();
});
</script>"""
LEAFLET = """<!doctype html><link rel="stylesheet" href="/static/leaflet/leaflet.css">
<div id="map" style="height:600px"></div><script src="/static/leaflet/leaflet.js"></script>
<script>
const map = L.map("map");
fetch("/collections/grids/items").then(answer => answer.json()).then(grids => {
  const drawn = L.geoJSON(grids).addTo(map);
  map.fitBounds(drawn.getBounds());
  window.found = drawn.getLayers().map(one => one.feature.id).sort();
});
</script>"""


def find_maplibre() -> Path:
    """Return the folder of the files of MapLibre GL; its package is not imported."""
    found = importlib.util.find_spec("maplibre")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "srcjs"


def open_page(browser, address: str, body: str):
    """Show a page that lies beside the service, as an intranet's proxy would put it there."""
    page = browser.new_page()
    page.route(f"{address}/page.html", lambda route: route.fulfill(body=body))
    page.route(
        f"{address}/lib/*",
        lambda route: route.fulfill(path=find_maplibre() / route.request.url.rsplit("/", 1)[1]),
    )
    page.goto(f"{address}/page.html")
    page.wait_for_function("window.found && window.found.length", timeout=60_000)
    return page


def test_maplibre_draws_every_grid(browser, site, town) -> None:
    """MapLibre GL finds the tiles through TileJSON and draws every grid, without an error."""
    with browser.browser_type.launch(
        executable_path="/usr/bin/chromium", args=SOFTWARE_GL
    ) as painter:
        page = open_page(painter, site, MAPLIBRE)
        assert page.evaluate("window.found") == sorted(town.grids.index)
        assert page.evaluate("window.wrong") is None


def test_leaflet_draws_every_grid(browser, site, town) -> None:
    """Leaflet draws the items of the collection as they are."""
    page = open_page(browser, site, LEAFLET)
    assert page.evaluate("window.found") == sorted(town.grids.index)
    page.close()
