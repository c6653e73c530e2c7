"""Filters in CQL2 text: what is true, what is unknown, what is refused before it costs anything."""

import json

import pytest

from gridmap.errors import FilterError
from gridmap.filters import DEEPEST, LONGEST, parse_filter

PROPERTIES = {"name": "string", "households": "integer", "area": "number"}
SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
FEATURES = [
    json.dumps({"type": "Feature", "id": key, "geometry": SQUARE, "properties": told})
    for key, told in (
        ("a", {"name": "一号网格", "households": 310, "area": 100.5}),
        ("b", {"name": "二号网格", "households": None, "area": 20.0}),
        ("c", {"name": "O'Hara", "households": 250, "area": 300.0}),
    )
]


def find(text: str) -> tuple[int, ...]:
    """Return the positions of the features for which a filter is true."""
    return parse_filter(text, PROPERTIES).find(FEATURES, range(len(FEATURES)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("area > 100", (0, 2)),
        ("name = '一号网格'", (0,)),
        ("name LIKE '%网格'", (0, 1)),
        ("name = 'O''Hara'", (2,)),
        ("households IN (250, 310) AND NOT (area < 200)", (2,)),
        ("area > 200 OR area < 50 AND name LIKE '二%'", (1, 2)),
        ("households BETWEEN 300 AND 320", (0,)),
        ("area * 2 = 201", (0,)),
        ("S_INTERSECTS(geometry, POINT(0.5 0.5)) AND area < 50", (1,)),
        ("S_WITHIN(geometry, BBOX(-1, -1, 0.5, 0.5))", ()),
    ],
)
def test_a_filter_finds_what_it_says(text: str, expected: tuple[int, ...]) -> None:
    """AND binds before OR, % stands for any text, quotes are doubled, shapes are in degrees."""
    assert find(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("households > 0", (0, 2)),
        ("NOT (households > 0)", ()),
        ("households > 400 OR area < 50", (1,)),
        ("households IS NULL", (1,)),
        ("households IS NOT NULL", (0, 2)),
    ],
)
def test_a_hidden_count_is_unknown(text: str, expected: tuple[int, ...]) -> None:
    """A comparison with null is neither true nor false, but may not decide: as in SQL."""
    assert find(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("area >", "no CQL2"),
        ("residents = 3", "no property residents"),
        ("area > 'x'", "other types"),
        ("area", "other types"),
        ("nosuch(area) = 1", "other types"),
        ("", "no CQL2"),
    ],
)
def test_what_can_not_be_asked_is_refused(text: str, words: str) -> None:
    """A filter that would be true of nothing because it is wrong says so."""
    with pytest.raises(FilterError, match=words):
        find(text)


def test_deep_and_long_filters_are_refused_unread() -> None:
    """Open parentheses cost the parser twice as much with each level; both sides of the limits."""
    deep = "(" * DEEPEST + "area > 1" + ")" * DEEPEST
    assert find(deep) == (0, 1, 2)
    with pytest.raises(FilterError, match="inside one another"):
        find("(" * 400 + "area > 1")
    with pytest.raises(FilterError, match="characters"):
        find("area > 1".ljust(LONGEST + 1))
    assert find("area > 1".ljust(LONGEST)) == (0, 1, 2)


def test_a_feature_without_shape_meets_no_shape() -> None:
    """A spatial filter is unknown where there is no geometry."""
    bare = json.dumps({"type": "Feature", "id": "d", "geometry": None, "properties": {}})
    asked = parse_filter("S_INTERSECTS(geometry, POINT(0.5 0.5))", PROPERTIES)
    assert asked.find([bare], [0]) == ()
