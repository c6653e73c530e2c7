"""Settings are checked when they are made, and read from TOML."""

from pathlib import Path

import pytest

from gridmap.errors import RulesError
from gridmap.rules import Rules, read_rules


def test_defaults_are_those_of_the_reference_city() -> None:
    """About 300 households, 240 to 360, limits 200 and 500."""
    rules = Rules()
    assert (rules.target, rules.band, rules.hard_min, rules.hard_max) == (300, (240, 360), 200, 500)


@pytest.mark.parametrize(
    "wrong",
    [{"tolerance": 0}, {"tolerance": 1}, {"target": 0}, {"hard_min": 500}, {"contact": -1}],
)
def test_limits_are_refused(wrong: dict[str, float]) -> None:
    """Each setting just beyond its limit is refused by name."""
    with pytest.raises(RulesError, match=next(iter(wrong))):
        Rules(**wrong)  # type: ignore[arg-type]


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
