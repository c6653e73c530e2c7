"""The rules of a reviewer, one grid at a time."""

from gridmap.judge import Figures, judge_grid
from gridmap.rules import Rules


def test_a_verdict_measures_sizes_from_the_band() -> None:
    """520 is 20 over the hard limit and 160 over the band; an exclusive grid has no size."""
    figures = Figures(520, 300, False, 1, 0, 0, 12.34, 0.5)
    size, road = judge_grid(figures, Rules())
    assert (size.rule, size.limit, size.beyond) == ("far too many households", 500, 160)
    assert (road.rule, road.value, road.beyond) == ("across a main road", 12.3, 12.34)
    assert [each.rule for each in judge_grid(figures._replace(exclusive=True), Rules())] == [
        "across a main road"
    ]
