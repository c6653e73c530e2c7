"""Numbers of areas: given once, in the order of the record, whatever can't be read later."""

import json

import pytest

from gridmap.area_numbers import AreaNumbers, add_plans, from_json, to_json
from gridmap.errors import PlanDamagedError

A, B, C, D = (f"21080200300{town}00{grid}" for town, grid in ("21", "22", "31", "32"))
PLANS = {"one": [B, A], "two": [A], "three": [C, A], "four": [D, C]}


def reader(*gone):
    """Return what reads codes of plans, but of those that are gone."""

    def read(name):
        if name in gone:
            raise PlanDamagedError(f"{name} is gone")
        return PLANS[name]

    return read


def test_numbers_follow_the_record():
    """Codes get numbers plan by plan, sorted, and areas above grids theirs; none gets two."""
    made = add_plans(AreaNumbers(), PLANS, reader())
    street, west, east = A[:9], A[:12], C[:12]
    assert list(made.numbers) == [street, west, A, B, east, C, D]
    assert list(made.numbers.values()) == list(range(1, 8))
    assert made.plans["two"] == {street, west, A}
    assert made.plans["four"] == {street, east, C, D}
    assert not made.lacking


def test_what_was_given_is_not_read_again():
    """Plan by plan gives what all at once does, and a plan that has numbers may be gone."""
    kept = AreaNumbers()
    for number, name in enumerate(PLANS):
        before = list(PLANS)[:number]
        kept = add_plans(kept, [*before, name], reader(*before))
    assert kept == add_plans(AreaNumbers(), PLANS, reader())


@pytest.mark.parametrize("gone", PLANS)
def test_what_cannot_be_read_moves_no_number(gone):
    """Of other plans only those are added whose codes are known; all is as it was after the gap."""
    whole = add_plans(AreaNumbers(), PLANS, reader())
    some = add_plans(AreaNumbers(), PLANS, reader(gone))
    assert gone not in some.plans
    assert some.lacking == f"{gone} is gone"
    assert some.numbers.items() <= whole.numbers.items()
    assert all(some.plans[name] == whole.plans[name] for name in some.plans)
    assert (
        set(some.plans)
        == {
            "one": set(),
            "two": {"one"},
            "three": {"one", "two"},
            "four": {"one", "two", "three"},
        }[gone]
    )
    assert add_plans(some, PLANS, reader()) == whole


def test_json_and_back():
    """A file holds each code once and of plans only runs of numbers; it gives back the same."""
    made = add_plans(AreaNumbers(), PLANS, reader())
    told = json.loads(json.dumps(to_json(made)))
    assert told["plans"] == {
        "one": [[1, 4]],
        "two": [[1, 3]],
        "three": [[1, 3], [5, 6]],
        "four": [[1, 1], [5, 7]],
    }
    assert from_json(told) == made
    assert from_json({}) == AreaNumbers()


@pytest.mark.parametrize(
    "told",
    [
        {"codes": [A, A], "plans": {}},
        {"codes": [A], "plans": {"one": [[1, 2]]}},
        {"codes": [A], "plans": {"one": [[0, 1]]}},
    ],
)
def test_damage(told):
    """Codes that are there twice, and numbers of none, are refused."""
    with pytest.raises(ValueError, match="number"):
        from_json(told)
