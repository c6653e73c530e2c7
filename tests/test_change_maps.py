"""The map of what changes between two plans."""

import json
from pathlib import Path

from gridmap.change_maps import map_changes
from gridmap.compare import compare_plans
from gridmap.edit import move_units
from gridmap.plan import Plan

#: The label of the grid before, as folium writes it.
BEFORE = json.dumps("原网格")[1:-1]
NORTH, SOUTH = "210802003002001", "210802003002002"


def test_the_map_shows_what_changes(four_by_two: Plan, tmp_path: Path) -> None:
    """The page carries both codes and the households, and fetches nothing."""
    moved = move_units(four_by_two, [4], SOUTH)
    page = map_changes(moved, compare_plans(four_by_two, moved))
    page.save(tmp_path / "changes.html")
    text = (tmp_path / "changes.html").read_text(encoding="utf-8")
    assert BEFORE in text
    assert json.dumps(f"小雨社区第1网格 {NORTH}") in text


def test_a_map_without_changes(four_by_two: Plan) -> None:
    """Where nothing changes the grids are drawn alone."""
    page = map_changes(four_by_two, compare_plans(four_by_two, four_by_two))
    assert BEFORE not in page.to_html()
