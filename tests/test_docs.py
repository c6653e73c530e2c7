"""The documents say what the code does: commands, exports and the planner's lines."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

import gridmap
from gridmap.cli import app
from gridmap.days import today_in_china

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


def list_shown() -> list[str]:
    """Return each command that the README and the pages show."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [
        line.strip()
        for page in pages
        for block in re.findall(r"```(?:\w*)\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
        for line in re.findall(r"^(?:\$ )?gridmap (.+?)(?:  #.*)?$", block, re.M)
        if not line.endswith("\\")
    ]


def parse(command: Any, words: list[str]) -> None:
    """Take a command line apart as the program does, down to a group's command; run nothing."""
    if not hasattr(command, "commands"):
        command.make_context(command.name, list(words))
        return
    assert words[0] in command.commands, f"no command {words[0]}"
    parse(command.commands[words[0]], words[1:])


@pytest.mark.parametrize("line", list_shown())
def test_every_command_that_is_shown_can_be_given(line: str) -> None:
    """Names, options and numbers of arguments are those of the program."""
    parse(typer.main.get_command(app), shlex.split(line))


def test_a_command_that_is_shown_wrongly_is_found() -> None:
    """Many are looked at, and an option that is none is an error."""
    assert len(list_shown()) > 40
    with pytest.raises(Exception, match="--colour"):
        parse(typer.main.get_command(app), ["roster", "plans", "2026", "a.xlsx", "--colour"])


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
    assert store.name_in_force(today_in_china()) == "2025"
    last = lines.strip().splitlines()[-1].split("  #")[0]
    owner = eval(last, names)
    assert owner.match in ("inside", "border")
