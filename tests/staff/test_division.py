"""Areas are divided into connected parts that keep the limits, and nothing better exists."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.staff.division import merge_small
from gridmap.staff.exact_division import divide_exactly
from gridmap.staff.part_limits import Limits, keeps_limits

LIMITS = Limits(full=2, most=10)


@st.composite
def areas(draw):
    """Draw a connected area of up to seven units with members."""
    size = draw(st.integers(2, 7))
    links = {(draw(st.integers(0, at - 1)), at) for at in range(1, size)}
    extra = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    links |= {(a, b) for a, b in draw(st.lists(extra, max_size=3)) if a < b}
    counts = [(draw(st.integers(0, 5)), draw(st.integers(0, 3))) for _ in range(size)]
    return np.array(sorted(links), np.int64), np.array(counts, np.int64)


def least_excess(links, counts, parts) -> int | None:
    """Try every division into connected parts with enough full members."""
    best = None
    for labels in product(range(parts), repeat=len(counts)):
        chosen = np.array(labels)
        if len(set(labels)) == parts and keeps_limits(chosen, links, counts, Limits(LIMITS.full)):
            total = np.bincount(chosen, counts.sum(axis=1), parts)
            over = int(np.maximum(total - LIMITS.most, 0).sum())
            best = over if best is None else min(best, over)
    return best


@settings(max_examples=60, deadline=None)
@given(areas(), st.integers(2, 3))
def test_no_division_has_less_excess(area, parts):
    """The program finds the least excess over all divisions, and none where there is none."""
    links, counts = area
    found = divide_exactly(links, counts, parts, LIMITS)
    best = least_excess(links, counts, parts)
    if found is None:
        assert best is None
        return
    labels, over = found
    assert over == best
    assert keeps_limits(labels, links, counts, Limits(LIMITS.full))


@pytest.mark.parametrize(
    ("labels", "kept"), [([0, 0, 1, 1], True), ([0, 1, 1, 0], False), ([0, 1, 1, 1], False)]
)
def test_limits(labels, kept):
    """Two pieces of one part, or a part with too few full members, break the limits."""
    links = np.array([[0, 1], [1, 2], [2, 3]])
    counts = np.array([[1, 0], [1, 4], [1, 4], [1, 0]])
    assert keeps_limits(np.array(labels), links, counts, LIMITS) is kept


@settings(max_examples=60, deadline=None)
@given(areas())
def test_small_parts_are_joined(area):
    """After joining, every part keeps the least sizes, or nothing touches it."""
    links, counts = area
    merged = merge_small(np.arange(len(counts)), links, counts, Limits(full=1, total=3))
    full, young = (np.bincount(merged, column) for column in counts.T)
    if len(full) > 1:
        assert (full >= 1).all()
        assert (full + young >= 3).all()
