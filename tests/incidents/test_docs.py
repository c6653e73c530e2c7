"""The how-to page says what the code does."""

import re
from pathlib import Path

from gridmap.incidents.stages import ACTIONS, TRANSITIONS
from gridmap.rules import read_rules

PAGE = (Path(__file__).parents[2] / "docs" / "incidents.md").read_text("utf-8")


def test_the_settings_of_the_page_are_read(tmp_path: Path) -> None:
    """As they stand; what they change is changed."""
    [block] = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    path = tmp_path / "rules.toml"
    path.write_text(block, "utf-8")
    incidents = read_rules(path).incidents
    assert incidents.hours_of("市容环境") == {
        "inspect": 2,
        "resolve": 8,
        "answer": 16,
        "accept": 24,
    }
    assert incidents.categories["积水"].english == "Standing water"
    assert incidents.duplicates_of("市容环境") == (30, 72)


def test_every_step_is_on_the_page_with_its_name() -> None:
    """Each action in code and in Chinese; the erasure has a section of its own."""
    for action in ACTIONS:
        assert f"`{action}`" in PAGE or f"book.{action}" in PAGE, action
    for row in TRANSITIONS:
        assert row.name[:2] in PAGE or row.action == "erase", row.name
