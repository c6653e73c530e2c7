"""A map for a notebook carries all it needs and shows what the plan says."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from branca.element import Figure

from gridmap.errors import GridmapError, TableError
from gridmap.maps import PlanMap, map_plan, map_shading
from gridmap.maps.look import Shading
from gridmap.plan import Plan


def read_data(page: PlanMap) -> dict[str, Any]:
    """Return what the page knows of its plan."""
    pattern = r'<script id="plan" type="application/json">(.*?)</script>'
    [text] = re.findall(pattern, page.to_html(), re.S)
    data: dict[str, Any] = json.loads(text)
    return data


def unpack(
    shapes: list[list[list[int]]], origin: list[int]
) -> list[list[list[tuple[float, float]]]]:
    """Read packed shapes as the page does: degrees of each ring of each shape."""
    start_x, start_y = origin
    unpacked = []
    for rings in shapes:
        places = []
        for flat in rings:
            start_x, start_y = start_x + flat[0], start_y + flat[1]
            x, y, ring = start_x, start_y, [(start_x / 1e6, start_y / 1e6)]
            for at in range(2, len(flat), 2):
                x, y = x + flat[at], y + flat[at + 1]
                ring.append((x / 1e6, y / 1e6))
            places.append(ring)
        unpacked.append(places)
    return unpacked


def test_nothing_is_fetched(four_by_two: Plan, tmp_path: Path) -> None:
    """No script, style, picture or tile of the page is elsewhere; a second save is the same."""
    page = map_plan(four_by_two)
    for name in ("once.html", "twice.html"):
        page.save(tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=[\"'](?!data:)", text)
        assert not re.findall(r"url\((?!data:|#)", text)
        assert "L.map(" in text
        assert "Leaflet 1.9" in text
        assert "default-src 'none'" in text
    assert (tmp_path / "once.html").read_bytes() == (tmp_path / "twice.html").read_bytes()
    assert map_plan(four_by_two).to_html() == page.to_html()


def test_every_grid_is_told(four_by_two: Plan) -> None:
    """Codes, names, communities and households travel with the shapes."""
    data = read_data(map_plan(four_by_two))
    grids = data["grids"]
    assert grids["code"] == four_by_two.grids.index.tolist()
    assert grids["name"] == four_by_two.grids["name"].tolist()
    assert [data["communities"][at][0] for at in grids["community"]] == [
        *("小雨社区", "小雨社区", "东新社区", "东新社区")
    ]
    assert grids["households"] == [180, 120, 180, 120]
    assert grids["deviation"] == ["+20%", "−20%", "+20%", "−20%"]


def test_shapes_come_back(four_by_two: Plan) -> None:
    """Grids, buildings and lines are where they are, to 0.1 m."""
    data = read_data(map_plan(four_by_two))
    city = four_by_two.city
    for rings, frame in (
        (data["grids"]["rings"], four_by_two.grids),
        ([[ring] for ring in data["buildings"]["rings"]], city.buildings),
    ):
        found = unpack(rings, data["origin"])
        boxes = [[min(c) for c in zip(*r[0], strict=True)] for r in found]
        corners = frame.to_crs(4326).bounds[["minx", "miny"]].to_numpy()
        for box in boxes:
            assert min(abs(corners - box).max(axis=1)) < 2e-6
    street = next(line for line in data["lines"] if line["kind"] == "main_road")
    assert not street["closed"]
    assert data["buildings"]["count"] == [2, 2, 2, 2]


def test_no_building_is_told_with_its_households(four_by_two: Plan) -> None:
    """Buildings have a name and a compound, never a count of people."""
    city = four_by_two.city
    buildings = city.buildings.assign(households=7919)
    text = map_plan(replace(four_by_two, city=replace(city, buildings=buildings))).to_html()
    assert "7919" not in text


def test_layers_follow_the_table(four_by_two: Plan) -> None:
    """Each column of a client's table is a layer and is told; the legend lists what there is."""
    table = pd.DataFrame(
        {"worker": ["王芳", "王芳", "李强"], "party_members": [3, 4, 5]},
        index=pd.Index(four_by_two.grids.index[:3], name="grid_code"),
    )
    data = read_data(map_plan(four_by_two, color="worker", table=table))
    assert data["first"] == "worker"
    shading = next(one for one in data["shadings"] if one["key"] == "worker")
    assert shading["name"] == ["网格员", "Grid worker"]
    assert shading["labels"] == [["李强", "李强"], ["王芳", "王芳"], ["无", "none"]]
    assert shading["classes"] == [1, 1, 0, 2]
    assert data["columns"][0]["values"] == ["王芳", "王芳", "李强", None]
    assert [one["key"] for one in data["shadings"]] == [
        *("deviation", "households", "community", "buildings", "worker", "party_members")
    ]
    with pytest.raises(GridmapError, match="'rainbow'; choose deviation, households"):
        map_plan(four_by_two, color="rainbow")


def test_a_shading_of_the_callers_own(four_by_two: Plan) -> None:
    """It is the only one; its legend keeps classes that no grid has; the table is told."""
    words = (("空缺", "vacant"), ("一人一格", "one worker, one grid"))
    shading = Shading("worker", ("谁", "Who"), ("#d1495b", "#cfe3d4"), words, np.ones(4, np.int64))
    table = pd.DataFrame({"worker": ["甲", "乙", "丙", "丁"]}, four_by_two.grids.index)
    data = read_data(map_shading(four_by_two, shading, table=table, lang="en"))
    assert (data["lang"], data["first"], data["approval"]) == ("en", "worker", "")
    [told] = data["shadings"]
    assert told["labels"] == [list(pair) for pair in words]
    assert told["classes"] == [1, 1, 1, 1]
    assert data["columns"][0]["values"] == ["甲", "乙", "丙", "丁"]
    assert data["grids"] == read_data(map_plan(four_by_two))["grids"]


def test_changes_are_a_layer(four_by_two: Plan) -> None:
    """Areas that change grid are told with old and new code; a table without them is refused."""
    unit = four_by_two.units.iloc[[0]]
    changes = gpd.GeoDataFrame(
        {"old": ["a"], "new": ["b"], "households": [60]},
        geometry=unit.geometry.values,
        crs=unit.crs,
    )
    [change] = read_data(map_plan(four_by_two, changes=changes))["changes"]
    assert (change["old"], change["new"], change["households"]) == ("a", "b", 60)
    assert len(change["rings"][0]) == 8
    with pytest.raises(TableError, match="no column new"):
        map_plan(four_by_two, changes=changes.drop(columns="new"))


def test_an_approved_map_hides_small_counts(four_by_two: Plan) -> None:
    """With an approval number counts below the limit are gone, and so is their colour."""
    plan = replace(four_by_two, rules=replace(four_by_two.rules, min_cell=121))
    data = read_data(map_plan(plan, approval="辽S(2026)01号"))
    assert data["grids"]["households"] == [180, None, 180, None]
    assert data["grids"]["deviation"][1] == ""
    shading = data["shadings"][0]
    assert shading["labels"][shading["classes"][1]] == ["未公布", "not published"]
    assert read_data(map_plan(plan))["grids"]["households"] == [180, 120, 180, 120]


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://example.org/plugin.js"></script>',
        "<img src=picture.png>",
        "<style>i { background: url(http://example.org/a.png) }</style>",
        '<script>L.tileLayer("//tiles.example.org/{z}")</script>',
        '<link rel="stylesheet" href="local.css">',
    ],
)
def test_what_would_be_fetched_is_refused(four_by_two: Plan, tmp_path: Path, tag: str) -> None:
    """A remote or neighbouring file anywhere in the page: it is not written, an old one stays."""
    path = tmp_path / "map.html"
    path.write_text("old")
    page = map_plan(four_by_two)
    cast(Figure, page.get_root()).html.add_child(folium.Element(tag))
    with pytest.raises(GridmapError, match="would fetch"):
        page.save(path)
    assert path.read_text() == "old"


def test_names_are_text(four_by_two: Plan) -> None:
    """A name that is an address or a piece of a page changes nothing but what is written."""
    city = four_by_two.city
    name = "</script><img src=x onerror=alert(1)> https://example.org"
    buildings = city.buildings.assign(name=name)
    page = map_plan(replace(four_by_two, city=replace(city, buildings=buildings)))
    assert read_data(page)["buildings"]["name"] == [name] * 8


def test_a_notebook_shows_it_in_a_frame(four_by_two: Plan) -> None:
    """The representation is one escaped frame, so that the notebook's own styles stay out."""
    frame = map_plan(four_by_two)._repr_html_()
    assert frame.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
