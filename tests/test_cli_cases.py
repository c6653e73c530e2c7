"""The commands of incidents, on the small town: what is printed, what is written, exit codes."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gridmap.cli import app
from gridmap.days import today_in_china
from gridmap.errors import CaseError, ConflictError, RoleError
from gridmap.store import PlanStore
from tests.incidents.town import SE, SOUTH, SW, WEST, at
from tests.towns import make_four_by_two

EAST_PLACE, NORTH_PLACE = str(at(190, 50).lon), str(at(190, 50).lat)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the plan of the small town, in force since yesterday."""
    folder = tmp_path_factory.mktemp("cases") / "plans"
    store = PlanStore(folder)
    store.keep(make_four_by_two(), "spring")
    store.publish("spring", today_in_china(), by="planner")
    return folder


def call(*words: object):
    """Run ``gridmap cases`` with words."""
    return CliRunner().invoke(app, ["cases", *map(str, words)])


def open_case(store: Path, *words: object, lon: str = EAST_PLACE, lat: str = NORTH_PLACE):
    """Open a case of water at the border of the two communities."""
    return call("open", store, "供水", "--lon", lon, "--lat", lat, "--by", "K1", *words)


def test_a_case_from_its_report_to_acceptance(published: Path, tmp_path: Path) -> None:
    """Opened, suggested as a repeat, stepped, shown, listed, exported, checked."""
    book = ["--book", tmp_path / "one.sqlite"]
    result = open_case(published, "--text", "漏水", *book)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("case 1  供水  found, open  inspect by ")
    assert f"grid {SW} (border, 9 m to the border; next {SE})" in result.output
    assert "may repeat case 1, 0 m away (found)" in open_case(published, *book).output
    for action, *words in (
        ("inspect", "--role", "worker", "--note", "属实", "--version", 1),
        ("whistle", "--role", "worker", "--to", "供水"),
        ("refuse", "--role", "department", "--department", "供水", "--reason", "jurisdiction",
         "--note", "属地不符"),
        ("resolve", "--role", "department", "--department", "供水"),
        ("answer", "--role", "worker"),
        ("accept", "--role", "street"),
    ):  # fmt: skip
        result = call("step", published, 1, action, *words, *book)
        assert result.exit_code == 0, (action, result.exception)
    shown = call("show", published, 1, *book).output
    assert "accepted, closed  no clock" in shown and f"grid {SE}" in shown
    assert "call 1: 供水  refused 属地不符" in shown and "call 2: 供水  called" in shown
    assert "inspect   worker  属实" in shown
    listed = call("list", published, *book).output
    assert listed.startswith("case 2") and "case 1" not in listed
    assert "case 1" in call("list", published, "--all", *book).output
    assert call("list", published, "--overdue", *book).output == ""
    assert call("export", published, tmp_path / "案件.xlsx", *book).output.startswith("2 cases")
    assert call("check", published, *book).output == "0 problems\n"


def test_refusals_are_errors_and_change_nothing(published: Path, tmp_path: Path) -> None:
    """The wrong role, a later version, an unknown category."""
    book = ["--book", tmp_path / "two.sqlite"]
    open_case(published, *book)
    wrong = call("step", published, 1, "inspect", "--role", "street", *book)
    assert isinstance(wrong.exception, RoleError)
    late = call("step", published, 1, "inspect", "--role", "worker", "--version", 9, *book)
    assert isinstance(late.exception, ConflictError)
    strange = call("open", published, "钓鱼", "--lon", EAST_PLACE, "--lat", NORTH_PLACE, *book)
    assert isinstance(strange.exception, CaseError)
    assert "version 1" in call("show", published, 1, *book).output


def test_a_case_without_a_grid_is_exit_code_one(published: Path, tmp_path: Path) -> None:
    """It is kept all the same, for a person to place."""
    book = ["--book", tmp_path / "three.sqlite"]
    result = call("open", published, "供水", "--address", "月球路1号", *book)
    assert result.exit_code == 1 and "look: the address was not found" in result.output
    moved = call("step", published, 1, "move", "--role", "worker", "--lon", WEST + 0.0004,
                 "--lat", SOUTH + 0.0004, *book)  # fmt: skip
    assert f"grid {SW}" in moved.output


def test_what_is_due(published: Path, tmp_path: Path) -> None:
    """Reported ten hours ago and not inspected: the street is told."""
    book = ["--book", tmp_path / "four.sqlite"]
    assert call("due", published, *book).exit_code == 0
    early = datetime.now() - timedelta(hours=14)
    open_case(published, "--at", early.strftime("%Y-%m-%dT%H:%M"), *book)
    # The city's clock is eight hours ahead of UTC: whatever this machine's is, it is long ago.
    result = call("due", published, *book)
    assert result.exit_code == 1 and "breach   case 1: inspect by" in result.output
    assert call("due", published, "--since", 0.01, *book).output == ""


def test_figures_and_workers(published: Path, tmp_path: Path) -> None:
    """Printed as tables; the evaluation is also written."""
    book = ["--book", tmp_path / "five.sqlite"]
    for _ in range(3):
        open_case(published, *book)
    result = call("figures", published, "--by", "category", *book)
    assert result.exit_code == 0, result.exception
    assert "供水" in result.output and "first_right 1" in result.output
    result = call("workers", published, "--out", tmp_path / "评比.csv", *book)
    assert result.exit_code == 0, result.exception
    assert (tmp_path / "评比.csv").read_text("utf-8-sig").startswith("名次,网格员编号,得分")


def test_lists_backups_and_erasure(published: Path, tmp_path: Path) -> None:
    """A list is opened, backed up, restored into an empty casebook, and its reporter erased."""
    book = ["--book", tmp_path / "six.sqlite"]
    path = tmp_path / "台账.csv"
    path.write_text(f"类别,经度,纬度,电话\n供水,{EAST_PLACE},{NORTH_PLACE},138\n", "utf-8")
    assert call("import", published, path, *book).output.startswith("1 cases, 0 without")
    result = call("backup", published, tmp_path / "b.zip", *book)
    assert "cases 1" in result.output and "reporters 1" in result.output
    other = ["--book", tmp_path / "seven.sqlite"]
    assert "cases 1" in call("restore", published, tmp_path / "b.zip", *other).output
    assert call("erase", published, *other).output == "reporters erased of 0 cases\n"
    assert call("erase", published, 1, *other).output == "reporters erased of 1 cases\n"
    again = call("backup", published, tmp_path / "c.zip", *other).output
    assert "reporters 0" in again


def test_the_casebook_lies_beside_the_plans(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default; or where GRIDMAP_CASES says."""
    assert open_case(published).exit_code == 0
    assert (published / "cases.sqlite").exists()
    monkeypatch.setenv("GRIDMAP_CASES", str(published / "other.sqlite"))
    assert call("list", published).output == ""
    assert (published / "other.sqlite").exists()
