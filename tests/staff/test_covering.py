"""The choice of joint branches is the best there is: compared with every possibility."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.rules import Party
from gridmap.staff.covering import Cover, cover_places
from gridmap.staff.joints import Places, list_joint_sets

PARTY = Party(branch_min_full=3, branch_max_total=12, joint_max_units=3)


def lay(full, total, spots, links, company=None) -> Places:
    """Make places of whole grids."""
    count = len(full)
    return Places(
        grid=np.arange(count),
        mode=np.zeros(count, np.int64),
        full=np.array(full),
        total=np.array(total),
        spot=np.array(spots, float).reshape(-1, 2),
        company=np.full(count, -1) if company is None else np.array(company),
        links=np.array(sorted(links), np.int64).reshape(-1, 2),
        bridges=np.zeros((0, 2), np.int64),
    )


@st.composite
def towns(draw) -> Places:
    """Draw up to six places on a lattice, linked at random to their neighbours."""
    count = draw(st.integers(1, 6))
    full = [draw(st.integers(0, 5)) for _ in range(count)]
    total = [one + draw(st.integers(0, 4)) for one in full]
    spots = [(100 * (at % 3), 100 * (at // 3) + draw(st.integers(0, 30))) for at in range(count)]
    pairs = list(combinations(range(count), 2))
    links = [pair for pair in pairs if draw(st.booleans())]
    company = [draw(st.integers(-1, 2)) for _ in range(count)] if draw(st.booleans()) else None
    return lay(full, total, spots, links, company)


def partitions(items):
    """List every way to part a list into sets."""
    if not items:
        yield []
        return
    first, *rest = items
    for parts in partitions(rest):
        yield [[first], *parts]
        for at in range(len(parts)):
            yield [*parts[:at], [first, *parts[at]], *parts[at + 1 :]]


def connected(some, links) -> bool:
    """Say whether places hang together."""
    seen, ahead = {some[0]}, [some[0]]
    while ahead:
        here = ahead.pop()
        for one, two in links:
            for a, b in ((one, two), (two, one)):
                if a == here and b in some and b not in seen:
                    seen.add(b)
                    ahead.append(b)
    return len(seen) == len(some)


def price(places: Places, parts, party) -> tuple[int, ...] | None:
    """Return the terms of a division into sets; a set with too few full members is uncovered."""
    left, grids, metres, together = [], 0, 0, []
    for some in parts:
        full, total = places.full[some].sum(), places.total[some].sum()
        if len(some) == 1:
            if full < party.branch_min_full:
                left.append(some[0])
            continue
        if full < party.branch_min_full or total > party.branch_max_total:
            return None
        if len(some) > party.joint_max_units or not connected(some, places.links.tolist()):
            return None
        apart = places.spot[some][:, None] - places.spot[some][None]
        metres += round(np.hypot(apart[..., 0], apart[..., 1]).sum(axis=1).min())
        grids += len(some)
        together += [frozenset(pair) for pair in combinations(some, 2)]
    company = places.company
    known = (company >= 0).any()
    now = {
        frozenset(pair)
        for pair in combinations(range(len(company)), 2)
        if company[pair[0]] == company[pair[1]] >= 0
    }
    changes = len(now ^ set(together)) if known else 0
    members = int(places.total[left].sum())
    return len(left), members, grids, metres, changes


def told(places: Places, cover: Cover) -> tuple[int, ...]:
    """Return the same terms of a cover."""
    values = cover.values
    members = int(places.total[list(cover.uncovered)].sum())
    return values["uncovered"], members, values["grids"], values["extent"], values["changes"]


@settings(max_examples=150, deadline=None)
@given(towns())
def test_no_cover_is_better(places):
    """Of all divisions into sets, those with several strong places too, none is better."""
    cover = cover_places(places, PARTY)
    prices = [price(places, parts, PARTY) for parts in partitions(list(range(len(places))))]
    best = min(one for one in prices if one is not None)
    assert cover.proven
    assert told(places, cover) == best


@settings(max_examples=100, deadline=None)
@given(towns())
def test_cover_keeps_the_rules(places):
    """Each place is in one set or uncovered; sets touch, are small and have full members."""
    cover = cover_places(places, PARTY)
    inside = [place for some in cover.sets for place in some]
    assert sorted([*inside, *cover.uncovered]) == list(range(len(places)))
    for some in cover.sets:
        assert places.full[list(some)].sum() >= 3
        assert len(some) <= 3
        assert connected(list(some), places.links.tolist())
        if len(some) > 1:
            assert places.total[list(some)].sum() <= 12


@settings(max_examples=60, deadline=None)
@given(towns())
def test_every_joint_set_is_listed_once(places):
    """Connected sets with one strong place at most, within the limits, and no other."""
    listed = list(list_joint_sets(places, PARTY))
    assert len(listed) == len(set(listed))
    expected = {
        some
        for size in (2, 3)
        for some in combinations(range(len(places)), size)
        if connected(list(some), places.links.tolist())
        and places.total[list(some)].sum() <= 12
        and (places.full[list(some)] >= 3).sum() <= 1
    }
    assert {some for some in listed if places.total[list(some)].sum() <= 12} == expected


def test_a_grid_has_one_division():
    """Of two divisions of a grid just one is used, and the usual one where it serves as well."""
    places = Places(
        grid=np.array([0, 1, 1, 1]),
        mode=np.array([0, 0, 1, 1]),
        full=np.array([1, 12, 6, 6]),
        total=np.array([1, 12, 6, 6]),
        spot=np.zeros((4, 2)),
        company=np.full(4, -1),
        links=np.array([[0, 1], [0, 2]]),
        bridges=np.zeros((0, 2), np.int64),
    )
    cover = cover_places(places, PARTY)
    assert sorted(map(sorted, cover.sets)) == [[0, 2], [3]]
    assert cover.values["divided"] == 1
    roomy = Places(
        **{**vars(places), "full": np.array([1, 9, 6, 3]), "total": np.array([1, 9, 6, 3])}
    )
    assert sorted(map(sorted, cover_places(roomy, PARTY).sets)) == [[0, 1]]


@pytest.mark.parametrize("count", [6, 12, 25])
def test_six_twos_and_more(count):
    """A row of grids with two full members each makes pairs, and is proven."""
    links = [(at, at + 1) for at in range(count - 1)]
    spots = [(100 * at, 0) for at in range(count)]
    cover = cover_places(lay([2] * count, [2] * count, spots, links), Party())
    assert not cover.uncovered
    assert cover.proven
    assert len(cover.sets) == count // 2
