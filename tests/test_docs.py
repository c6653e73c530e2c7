"""The documents say what the code does: commands, exports and the planner's lines."""

import re
import shlex
from collections import Counter
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer
from markdown_it import MarkdownIt
from markdown_it.token import Token

import gridmap
from gridmap.cli import app
from gridmap.days import today_in_china

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
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
    return [
        line.strip()
        for page in PAGES
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


def test_pictures_of_the_readme_are_there() -> None:
    """Every picture is a file of the checkout."""
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert pictures
    for target in pictures:
        assert (ROOT / target).exists(), target


def list_tokens(page: Path) -> list[Token]:
    """Return what a Markdown page consists of, down to the parts of its lines."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    return [part for token in tokens for part in (token, *(token.children or []))]


def list_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the documentation make them."""
    tokens, found = list_tokens(page), Counter[str]()
    anchors = set()
    for token, line in pairwise(token for token in tokens if token.level <= 1):
        if token.type == "heading_open" and int(token.tag[1:]) <= 4:
            words = "".join(part.content for part in line.children or [])
            anchor = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            anchors.add(f"{anchor}-{found[anchor]}" if found[anchor] else anchor)
            found[anchor] += 1
    return anchors


def list_broken_links(page: Path) -> list[str]:
    """Return the links of a page to files and headings that are not there."""
    links = [
        unquote(str(one.attrs["href"])) for one in list_tokens(page) if one.type == "link_open"
    ]
    broken = []
    for link in links:
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and anchor not in list_anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_pages_and_headings_that_exist(page: Path) -> None:
    """Every link of a page to one of ours is a file, and its anchor a heading of that."""
    assert list_broken_links(page) == []


def test_a_link_to_no_heading_is_found(tmp_path: Path) -> None:
    """Anchors are read in both languages, with their signs and doubles; code is no heading."""
    (tmp_path / "a.md").write_text(
        "# OGC API - `Features`\n\n## 吹哨报到（一）\n\n## Keys\n\n## Keys\n\n```\n## Code\n```\n",
        encoding="utf-8",
    )
    page = tmp_path / "b.md"
    good = (
        "a.md",
        "a.md#ogc-api---features",
        "a.md#吹哨报到一",
        "a.md#keys-1",
        "#b",
        "https://x#y",
    )
    bad = ("c.md", "a.md#code", "a.md#keys-2", "#keys", "c.md#keys")
    page.write_text("# B\n" + " ".join(f"[x]({link})" for link in (*good, *bad)), encoding="utf-8")
    assert list_broken_links(page) == list(bad)
    assert "myst_heading_anchors = 4" in (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")


def test_the_weights_that_are_shown_are_those_of_the_presets() -> None:
    """The table of the objective has a row for each weight, with its value in both presets."""
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = re.findall(r"^`(\w+)` \| [^|]+ \| ([\d.]+) \| ([\d.]+)$", page, re.M)
    presets = asdict(gridmap.Costs.balance()), asdict(gridmap.Costs.shape())
    shown = {name: (float(one), float(two)) for name, one, two in rows}
    assert shown == {name: tuple(each[name] for each in presets) for name in shown}
    assert set(presets[0]) - set(shown) == {"slack"}


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
