"""The posted notice: what a grid ends at on each side, and its small map."""

import xml.etree.ElementTree as ET

import geopandas as gpd
import pytest
from shapely import LineString, box

from gridmap.geojson import BASE_LAYERS, frame_features
from gridmap.notices import SIDES, Bound, draw_code, make_notice

SVG = "{http://www.w3.org/2000/svg}"
STEP = 0.002  # about 170 m from west to east, 220 m from south to north
WEST, SOUTH = 122.0, 40.0


def cell(column, row):
    """Return a cell of a chessboard of grids."""
    x, y = WEST + column * STEP, SOUTH + row * STEP
    return box(x, y, x + STEP, y + STEP)


def make_features(rows, **columns):
    """Write shapes as features; ids are the keys of ``rows``."""
    frame = gpd.GeoDataFrame(columns, index=list(rows), geometry=list(rows.values()), crs=4326)
    return frame_features(frame)


@pytest.fixture(scope="module")
def board():
    """Return a grid between three others, with a street east and a river south of it."""
    cells = {"own": (1, 1), "e": (2, 1), "s": (1, 0), "n": (1, 2)}  # nothing in the west
    codes = {name: cell(*place) for name, place in cells.items()}
    names = [f"平安社区第{number}网格" for number in range(1, 5)]
    grids = make_features(codes, name=names, community="平安社区")
    x, y = WEST + 2 * STEP, SOUTH + STEP
    street = {"S1": LineString([(x, SOUTH), (x, SOUTH + 3 * STEP)])}
    river = {"R1": LineString([(WEST, y), (WEST + 3 * STEP, y)])}
    layers = {
        "streets": make_features(street, kind="main_road", name="振兴路"),
        "barriers": make_features(river, kind="river", name=""),
        "communities": make_features({"C1": box(WEST, SOUTH, WEST + 3 * STEP, SOUTH + 3 * STEP)}),
        "buildings": make_features(
            {"B1": box(x - STEP / 2, y + STEP / 4, x - STEP / 4, y + STEP / 2)}
        ),
    }
    assert set(layers) == set(BASE_LAYERS)
    return grids, layers


def test_bounds(board):
    """A street and an unnamed river count before who lies beyond; the edge of the city is empty."""
    bounds = make_notice(*board, "own").bounds
    assert tuple(bounds) == SIDES
    assert bounds == {
        "east": (Bound("main_road", "振兴路"),),
        "south": (Bound("river", ""),),
        "west": (),
        "north": (Bound("grid", "平安社区第4网格"),),
    }


@pytest.mark.parametrize(
    ("share", "named"),
    [
        (0.5, ["振兴路", "平安社区第2网格"]),
        (0.35, ["平安社区第2网格", "振兴路"]),
        (0.2, ["平安社区第2网格"]),
    ],
)
def test_a_side_of_two(board, share, named):
    """The longer of a side's parts comes first, and scraps are left out."""
    grids, layers = board
    x, top, reach = WEST + 2 * STEP, SOUTH + 2 * STEP, 25 / 111_320
    line = {"S1": LineString([(x, top), (x, top - share * STEP + reach)])}
    streets = make_features(line, kind="street", name="振兴路")
    bounds = make_notice(grids, {**layers, "streets": streets}, "own").bounds
    assert [bound.name for bound in bounds["east"]] == named


def test_map(board):
    """The map is plain SVG: the grid's outline in blue, its name and its neighbours', a scale."""
    svg = make_notice(*board, "own").svg
    tree = ET.fromstring(svg)
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    assert texts[0] == "平安社区第1网格"
    assert {"第2网格", "第3网格", "第4网格", "振兴路", "100 m", "N"} <= set(texts)
    own = [path for path in tree.iter(f"{SVG}path") if path.get("stroke") == "#0b57d0"]
    assert len(own) == 1
    assert own[0].get("d").count("L") == 4
    for forbidden in ("style=", "href", "<script", "onload"):
        assert forbidden not in svg


def test_no_name_lies_on_the_scale(board):
    """In the corner of the scale nobody is named; in the other corner somebody is."""
    _, layers = board
    cells = {"own": (1, 1), "west": (0, 0), "east": (2, 0)}
    grids = make_features(
        {name: cell(*place) for name, place in cells.items()}, name=list(cells), community=""
    )
    texts = {text.text for text in ET.fromstring(make_notice(grids, layers, "own").svg).iter()}
    assert "east" in texts
    assert "west" not in texts


def test_names_are_text(board):
    """A name that looks like markup stays text."""
    _, layers = board
    name = '<script>alert("1")</script>'
    rows = {"own": cell(1, 1)}
    svg = make_notice(make_features(rows, name=name, community=""), layers, "own").svg
    assert "<script" not in svg
    assert ET.fromstring(svg).find(f"{SVG}text").text == name


def test_code_leads_to_the_address():
    """The code is a square of modules, the same for the same address."""
    address = "https://grid.example/g/210802001002001"
    assert draw_code(address) == draw_code(address) != draw_code(address + "?")
    assert ET.fromstring(draw_code(address)).get("viewBox") == "0 0 33 33"
