"""A map for a notebook carries all it needs and shows what the plan says."""

import json
import re
from pathlib import Path
from typing import cast

import folium
import pytest
from branca.element import Figure

from gridmap.errors import GridmapError
from gridmap.maps import map_plan
from gridmap.plan import Plan


def test_nothing_is_fetched(four_by_two: Plan, tmp_path: Path) -> None:
    """No script, style, picture or tile of the page is elsewhere, on a second save neither."""
    page = map_plan(four_by_two)
    for name in ("once.html", "twice.html"):
        page.save(tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=[\"'](?!data:)", text)
        assert not re.findall(r"url\((?!data:|#)", text)
        assert "L.map(" in text
        assert "Leaflet 1.9" in text


def test_every_grid_is_on_the_map(four_by_two: Plan) -> None:
    """Codes, names and households travel with the shapes."""
    text = map_plan(four_by_two).to_html()
    for code, grid in four_by_two.grids.iterrows():
        assert f'"code": "{code}"' in text
        assert f'"name": {json.dumps(grid["name"])}' in text
    assert text.count('"deviation": "+20%"') == 2
    assert "户数与目标 150 之差" in text


def test_colors_follow_deviation_and_community(four_by_two: Plan) -> None:
    """Two communities have two tints; a grid 20 % off is still pale."""
    fills = re.findall(r'"fill": "(#\w+)"', map_plan(four_by_two).to_html())
    assert set(fills) == {"#e9efe2"}
    fills = re.findall(r'"fill": "(#\w+)"', map_plan(four_by_two, color="community").to_html())
    assert len(set(fills)) == 2
    with pytest.raises(GridmapError, match="rainbow"):
        map_plan(four_by_two, color="rainbow")


def test_buildings_are_left_out_of_large_pages(four_by_two: Plan) -> None:
    """Beyond the limit the page is smaller by the buildings' outlines."""
    full = map_plan(four_by_two).to_html()
    assert len(map_plan(four_by_two, most_buildings=7).to_html()) < len(full)
    assert len(map_plan(four_by_two, most_buildings=8).to_html()) == pytest.approx(
        len(full), rel=0.01
    )


def test_a_layer_from_the_internet_is_refused(four_by_two: Plan) -> None:
    """Remote tiles can be added to any folium map; the page is then not written."""
    page = map_plan(four_by_two)
    cast(Figure, page.get_root()).header.add_child(
        folium.JavascriptLink("https://example.org/plugin.js")
    )
    with pytest.raises(GridmapError, match=r"would fetch .*plugin\.js"):
        page.to_html()


def test_a_notebook_shows_it_in_a_frame(four_by_two: Plan) -> None:
    """The representation is one escaped frame, so that the notebook's own styles stay out."""
    frame = map_plan(four_by_two)._repr_html_()
    assert frame.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
