"""Settings are checked when they are made, and read from TOML."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gridmap.errors import RulesError
from gridmap.rules import Costs, Estates, EstateSize, Rules, Workload, read_rules


def test_defaults_are_those_of_the_reference_city() -> None:
    """About 300 households, 240 to 360, limits 200 and 500."""
    rules = Rules()
    assert (rules.target, rules.band, rules.hard_min, rules.hard_max) == (300, (240, 360), 200, 500)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tolerance": 0},
        {"tolerance": 1},
        {"target": 0},
        {"hard_min": 500},
        {"contact": -1},
        {"divide_above": -1},
    ],
)
def test_limits_are_refused(wrong: dict[str, float]) -> None:
    """Each setting just beyond its limit is refused by name."""
    with pytest.raises(RulesError, match=next(iter(wrong))):
        Rules(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Rules(target="300"), "target is '300', not a number"),
        (lambda: Rules(tolerance=None), "tolerance is None, not a number"),
        (lambda: Rules(target=np.inf), "target is inf households"),
        (lambda: Rules(costs={"border": 1}), "costs is .*, not Costs.*Rules.from_dict reads"),
        (lambda: Costs(border="a"), "costs.border is 'a', not a number from 0 up"),
        (lambda: Workload(["households"]), "workload.columns is .*, not settings"),
    ],
)
def test_values_of_another_kind_are_refused(make: Callable[[], object], words: str) -> None:
    """A text, a list or plain settings where rules ask for something else are named."""
    with pytest.raises(RulesError, match=words):
        make()


def test_numbers_of_numpy_are_numbers() -> None:
    """A target may come out of a table."""
    assert Rules(target=np.int64(280), tolerance=np.float64(0.25)).band == (210, 350)


def test_read_names_what_is_unknown(tmp_path: Path) -> None:
    """A misspelt setting is an error that lists the right ones, not a silent default."""
    path = tmp_path / "rules.toml"
    path.write_text("targett = 280\n", encoding="utf-8")
    with pytest.raises(RulesError, match=r"targett.*target, tolerance"):
        read_rules(path)
    path.write_text("target = '280'\n", encoding="utf-8")
    with pytest.raises(RulesError, match="not a number"):
        read_rules(path)
    path.write_text("target =\n", encoding="utf-8")
    with pytest.raises(RulesError, match="not TOML"):
        read_rules(path)


def test_read_keeps_other_defaults(tmp_path: Path) -> None:
    """A file names only what differs; costs are a table of it; a BOM does not matter."""
    path = tmp_path / "rules.toml"
    path.write_text("target = 280\n[costs]\nmain_road = 1.0\n", encoding="utf-8-sig")
    rules = read_rules(path)
    assert (rules.target, rules.costs.main_road, rules.tolerance) == (280, 1.0, 0.2)
    assert Rules.from_dict(rules.to_dict()) == rules


def test_costs_begin_with_a_preset(tmp_path: Path) -> None:
    """A file names a preset, and what differs from it; another name is refused."""
    path = tmp_path / "rules.toml"
    path.write_text("[costs]\npreset = 'shape'\nmoved = 0.001\n", encoding="utf-8")
    assert read_rules(path).costs == replace(Costs.shape(), moved=0.001)
    path.write_text("[costs]\npreset = 0.3\n", encoding="utf-8")
    assert read_rules(path).costs == Costs.between(0.3)
    for wrong in ("'nice'", "1.5", "true"):
        path.write_text(f"[costs]\npreset = {wrong}\n", encoding="utf-8")
        with pytest.raises(RulesError, match=r"costs.preset is .*, not one of balance, shape"):
            read_rules(path)


def test_costs_lie_between_the_presets() -> None:
    """Halfway each weight is the geometric mean; beyond the ends there is nothing."""
    half = Costs.between(0.5)
    assert half.border == pytest.approx((Costs.balance().border * Costs.shape().border) ** 0.5)
    with pytest.raises(RulesError, match=r"1\.1 is no share between the presets"):
        Costs.between(1.1)


def test_sizes_of_estates_are_those_published() -> None:
    """200 to 300 without property management, 300 to 500 with it, 30 to 70 in villages."""
    estates = Rules().estates
    sizes = (estates.old_estate, estates.managed_estate, estates.rural)
    assert [(size.low, size.high, size.target) for size in sizes] == [
        (200, 300, 250),
        (300, 500, 400),
        (30, 70, 50),
    ]


def test_read_sizes_of_estates(tmp_path: Path) -> None:
    """A file names the bounds that differ; all survive the way to a dict and back."""
    path = tmp_path / "rules.toml"
    path.write_text("[estates.old_estate]\nhigh = 280\n[estates.rural]\nlow = 40\nhigh = 60\n")
    rules = read_rules(path)
    assert rules.estates == Estates(old_estate=EstateSize(200, 280), rural=EstateSize(40, 60))
    assert Rules.from_dict(rules.to_dict()) == rules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[estates.villa]\nlow = 1", r"no setting estates.villa; there are old_estate, managed"),
        ("[estates.rural]\nmost = 1", r"no setting estates.rural.most; there are low, high"),
        ("[estates.rural]\nlow = 'a'", r"estates.rural.low is 'a', not a number"),
        ("[estates.rural]\nlow = 71", r"estates.rural: .*low 71 is not from 1 up to its high 70"),
        ("[estates.rural]\nlow = 0", r"low 0 is not from 1"),
        ("[estates]\nrural = 50", r"estates.rural is 50, not settings such as \[estates.rural\]"),
        ("estates = 1", r"estates is 1, not settings"),
        ("costs = 1", r"costs is 1, not settings"),
        ("[costs]\nsea = 1", r"no setting costs.sea"),
    ],
)
def test_wrong_sizes_are_named(tmp_path: Path, text: str, words: str) -> None:
    """The setting with its path, and what there is."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(RulesError, match=words):
        read_rules(path)


def test_a_low_that_equals_high_is_a_size() -> None:
    """The narrowest range is one number."""
    assert EstateSize(50, 50).target == 50


def test_the_way_to_a_dict_and_back() -> None:
    """Also where it is not set, or is 0, which buildings are divided."""
    for rules in (Rules(), Rules(divide_above=0), Rules(divide_above=360)):
        assert Rules.from_dict(rules.to_dict()) == rules


def test_party_settings_are_those_published(tmp_path: Path) -> None:
    """3 full members, 50 at most, 5 grids, 7 for a committee, 50 and 100; a file changes them."""
    party = Rules().party
    assert (party.branch_min_full, party.branch_max_total, party.joint_max_units) == (3, 50, 5)
    assert (party.committee_from_full, party.committee_size) == (7, (3, 5, 7))
    assert (party.general_branch_from, party.party_committee_from) == (50, 100)
    assert (party.group_min, party.group_from_members) == (3, 20)
    path = tmp_path / "rules.toml"
    text = "departments = ['供电', '供水']\nvisit_bands = [90, 80, 70]\n"
    path.write_text(
        text + "[party]\nbranch_max_total = 40\ncommittee_size = [3, 3, 5]\n"
        "across_communities = true\n",
        "utf-8",
    )
    rules = read_rules(path)
    assert (rules.party.branch_max_total, rules.party.branch_min_full) == (40, 3)
    assert rules.party.committee_size == (3, 3, 5)
    assert rules.party.across_communities and not party.across_communities
    assert (rules.departments, rules.visit_bands) == (("供电", "供水"), (90, 80, 70))
    assert Rules.from_dict(rules.to_dict()) == rules


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"party": {"branch_min_full": 0}}, "party: branch_min_full is 0"),
        ({"party": {"across_communities": 1}}, "party.across_communities is 1, not true or false"),
        ({"party": {"group_min": 2.5}}, "whole number"),
        ({"party": {"branch_min_full": 51}}, "above branch_max_total"),
        ({"party": {"committee_size": [5, 3, 7]}}, "rising order"),
        ({"party": {"committee_size": [3, 5]}}, "list of 3 numbers"),
        ({"party": {"size": 3}}, "no setting party.size"),
        ({"departments": []}, "one at least"),
        ({"departments": ["a", "a"]}, "each once"),
        ({"departments": [3]}, "list of texts"),
        ({"visit_bands": [80, 90, 95]}, "falling"),
        ({"visit_bands": [90, 80]}, "list of 3 numbers"),
    ],
)
def test_party_settings_are_checked(settings: dict[str, object], match: str) -> None:
    """Each wrong setting is refused by its name."""
    with pytest.raises(RulesError, match=match):
        Rules.from_dict(settings)


def test_rules_kept_before_a_setting_existed_are_read() -> None:
    """As plans carry them from earlier: what is not there has its default."""
    later = ("staffing", "party", "departments", "visit_bands")
    old = {name: value for name, value in Rules().to_dict().items() if name not in later}
    assert Rules.from_dict(json.loads(json.dumps(old))) == Rules()
    assert Rules.from_dict(json.loads(json.dumps(Rules().to_dict()))) == Rules()
