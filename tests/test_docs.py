"""The documents say what the code does: commands, exports and the planner's lines."""

import re
from datetime import date
from pathlib import Path

import pytest
import typer

import gridmap
from gridmap.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_export_exists_and_is_explained() -> None:
    """`__all__` is sorted, complete and documented."""
    assert sorted(gridmap.__all__) == gridmap.__all__
    for name in gridmap.__all__:
        assert getattr(gridmap, name).__doc__, name


def test_every_command_is_in_the_readme() -> None:
    """Each command of the program is shown in use."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name in commands:
        assert f"gridmap {name} " in README, name


def test_links_of_the_readme_lead_somewhere() -> None:
    """Every relative link and picture is a file of the checkout."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_the_planners_lines_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines of the README, as they stand, from reading to an owner."""
    [lines] = re.findall(r"## What a planner types\n\n```python\n(.*?)```", README, re.S)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data")
    names: dict[str, object] = {}
    exec(compile(lines, "README.md", "exec"), names)
    store = names["store"]
    assert isinstance(store, gridmap.PlanStore)
    assert store.name_in_force(date.today()) == "2025"
    last = lines.strip().splitlines()[-1].split("  #")[0]
    owner = eval(last, names)
    assert owner.match in ("inside", "border")
