"""The commands, as a script would call them: output, files and exit codes."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

import gridmap
from gridmap.check import check_plan
from gridmap.cli import app, main
from gridmap.days import today_in_china
from gridmap.edit import merge_grids, split_grid
from gridmap.history import history
from gridmap.measure import summarize
from gridmap.plan import draw_plan
from gridmap.rules import Rules
from gridmap.store import PlanStore
from gridmap.synthetic import make_city

RUN = CliRunner()
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def city_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic city as a folder of files."""
    folder = tmp_path_factory.mktemp("city")
    city = make_city(8, seed=2)
    for name in ("communities", "buildings", "streets", "barriers"):
        table = getattr(city, name)
        if len(table):
            table.reset_index().to_file(folder / f"{name}.gpkg")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep and publish a plan of eight grids."""
    folder = tmp_path_factory.mktemp("store")
    plans = PlanStore(folder)
    plans.keep(draw_plan(make_city(8, seed=2), Rules()), "first")
    plans.publish("first", date(2025, 1, 1), by="test")
    return folder


def run(*words: object) -> tuple[int, str]:
    """Run a command and return its exit code and output."""
    result = RUN.invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> str:
    """Run a command as the shell does, expect exit code 2, return standard error."""
    monkeypatch.setattr("sys.argv", ["gridmap", *[str(word) for word in words]])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_every_command_explains_itself() -> None:
    """`--help` of the program and of each command names its arguments."""
    code, words = run("--help")
    assert code == 0
    for command in (
        "demo",
        "check-city",
        "draw",
        "check",
        "publish",
        "locate",
        "map",
        "atlas",
        "export",
    ):
        assert command in words
        assert run(command, "--help")[0] == 0


def test_draw_check_publish_locate(city_folder: Path, tmp_path: Path) -> None:
    """The flow from files to an owner, with a map, a JSON report and a located table."""
    kept, page, report = tmp_path / "plans", tmp_path / "map.html", tmp_path / "report.json"
    code, words = run("draw", city_folder, kept, "2025", "--map", page)
    assert code == 0, words
    assert "kept as 2025" in words
    assert page.stat().st_size > 100_000
    code, words = run("check", kept, "2025", "--json", report)
    assert code in (0, 1)
    assert json.loads(report.read_text(encoding="utf-8"))["summary"]["grids"] >= 8
    code, words = run("check", kept, "2025", "--certify")
    assert code in (0, 1)
    assert "proof: " in words
    assert run("publish", kept, "2025", "--by", "planner")[1].startswith("2025 is in force from")
    building = make_city(8, seed=2).buildings.representative_point().to_crs(4326).iloc[0]
    code, words = run("locate", kept, building.x, building.y)
    assert code == 0
    assert PlanStore(kept).load("2025").grids.index[0][:6] in words


def test_effort_and_number_of_grids_from_the_command_line(
    city_folder: Path, tmp_path: Path
) -> None:
    """A first split without search, into so many grids."""
    plain = ("draw", city_folder, tmp_path, "plain", "--steps", 0, "--grids", 10)
    assert run(*plain)[0] == 0
    assert run(*plain[:3], "searched", "--grids", 10)[0] == 0
    split, searched = (PlanStore(tmp_path).load(name) for name in ("plain", "searched"))
    assert len(split.grids) == len(searched.grids) == 10
    assert summarize(searched)["cost"]["total"] < summarize(split)["cost"]["total"]


def test_check_proposes_and_applies_fixes(tmp_path: Path) -> None:
    """A plan that was pushed out of shape is mended under another name; its log is listed."""
    plan = draw_plan(make_city(8, seed=2))
    plans, grid = PlanStore(tmp_path), plan.units["grid_code"]
    pairs = plan.adjacency[plan.adjacency["usable"]]
    one, two = (pairs[side].map(grid) for side in ("unit_a", "unit_b"))
    row = (one != two).idxmax()
    plans.keep(merge_grids(plan, [one[row], two[row]], by="李工", why="试一试"), "merged")
    parts = split_grid(plans.load("merged"), plans.load("merged").log.moves["after"].iloc[0], 4)
    plans.keep(parts, "split")
    code, words = run("check", tmp_path, "split", "--history")
    assert code == 1
    assert "fix: merge it" in words
    assert "fix:" not in run("check", tmp_path, "split", "--no-fixes")[1]
    assert "李工" in words
    assert "试一试" in words
    before = len(check_plan(parts).findings)
    assert "kept as mended" in run("check", tmp_path, "split", "--mend-as", "mended")[1]
    assert len(check_plan(plans.load("mended")).findings) < before
    assert history(plans.load("mended"))["verb"].iloc[-1].startswith("apply_fix")


def test_compare_two_kept_plans(tmp_path: Path) -> None:
    """What changes is said, written to a workbook and a map; with staff, whose work it is."""
    plan = draw_plan(make_city(6, seed=2), steps=20)
    plans, pair = PlanStore(tmp_path / "store"), list(plan.grids.index[:2])
    plans.keep(plan, "2025")
    plans.keep(merge_grids(plan, pair, by="李工"), "2026")
    workers = gridmap.make_workers(plan, seed=1)
    day = today_in_china()
    staffing = gridmap.assign_workers(plan, workers, on=day)
    plans.keep_staff("2025", {"workers": workers, "staffing": staffing}, day, by="李工")
    book, page = tmp_path / "变更.xlsx", tmp_path / "变更.html"
    code, words = run("compare", tmp_path / "store", "2025", "2026", "--out", book, "--map", page)
    assert code == 0
    assert "2 retired" in words
    assert "workers and 0 branches affected" in words
    assert pair[0] in words
    assert book.stat().st_size > 5000
    assert "变更" in page.read_text(encoding="utf-8")


def test_locate_a_table(store: Path, tmp_path: Path) -> None:
    """A GBK table with Chinese headers keeps its columns and gains the grid, codes as text."""
    place = make_city(8, seed=2).buildings.representative_point().to_crs(4326).iloc[5]
    source, target = tmp_path / "上报.csv", tmp_path / "located.csv"
    source.write_text(
        f"编号,经度,纬度,内容\n0001,{place.x},{place.y},路灯不亮\n0002,0.5,0.5,太远\n",
        encoding="gbk",
    )
    code, words = run("locate", store, "--points", source, "--out", target)
    assert code == 0, words
    assert "1 of 2" in words
    text = target.read_text(encoding="utf-8-sig")
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "路灯不亮" in text
    assert "0001," in text


def test_check_city_exit_codes(city_folder: Path, tmp_path: Path) -> None:
    """0 for a clean city, 1 after repairs, 2 where something is refused; the file says the same."""
    report = tmp_path / "city.json"
    code, words = run("check-city", city_folder, "--json", report)
    found = json.loads(report.read_text(encoding="utf-8"))
    assert code == {"clean": 0, "repaired": 1}[found["status"]]
    assert "households" in words
    (tmp_path / "empty").mkdir()
    assert run("check-city", tmp_path / "empty")[0] == 2


def test_refusals_are_one_line(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a user can mend is said without a traceback, with exit code 2."""
    assert "error: no" in fail(monkeypatch, capsys, "check", store, "missing").lower()
    assert "nothing to locate" in fail(monkeypatch, capsys, "locate", store)
    assert "2024" in fail(monkeypatch, capsys, "locate", store, 122.2, 40.6, "--at", "2024-12-31")
    assert "error" in fail(monkeypatch, capsys, "draw", store / "nowhere", store, "x").lower()


def test_demo_runs_on_bundled_data(tmp_path: Path) -> None:
    """The demo draws Monaco, publishes it from today, locates a building; a second run keeps it."""
    words = ("demo", DATA / "monaco.gpkg", "--columns", DATA / "monaco.columns.toml")
    code, first = run(*words, "--store", tmp_path / "demo")
    assert code == 0, first
    assert "is in force from" in first
    before = (tmp_path / "demo" / "demo.gpkg").read_bytes()
    code, second = run(*words, "--store", tmp_path / "demo")
    assert code == 0
    assert second in first
    assert (tmp_path / "demo" / "demo.gpkg").read_bytes() == before


def test_redraw_starts_from_existing_grids(city_folder: Path, store: Path, tmp_path: Path) -> None:
    """A folder with a layer of existing grids is redrawn with their codes."""
    grids = PlanStore(store).load("first").grids
    folder = tmp_path / "city"
    shutil.copytree(city_folder, folder)
    grids[["name", "geometry"]].reset_index().to_file(folder / "existing.gpkg")
    code, words = run("draw", folder, tmp_path / "plans", "again", "--redraw")
    assert code == 0, words
    again = PlanStore(tmp_path / "plans").load("again").grids
    assert len(set(again.index) & set(grids.index)) >= len(grids) - 1


def test_datums_and_estimates_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A datum for all or by layer, and an estimate of missing households, reach the reader."""
    path = tmp_path / "楼栋.csv"
    path.write_text("楼号,户数,经度,纬度\n1号楼,36,122.2401,40.6735\n", encoding="utf-8-sig")
    for words in (["--datum", "gcj02"], ["--datum", "buildings=gcj02"], ["--estimate", "90"]):
        assert run("check-city", path, *words)[0] in (0, 1), words
    assert "no datum" in fail(monkeypatch, capsys, "check-city", path, "--datum", "utm")
    two = ("check-city", path, "--datum", "gcj02", "--datum", "bd09")
    assert "LAYER=DATUM" in fail(monkeypatch, capsys, *two)
    assert "dwelling_area" in fail(monkeypatch, capsys, "check-city", path, "--estimate", "0")


def test_maps_and_exports_of_a_kept_plan(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A roster that was filled in comes back as a layer, in the atlas, and beside the grids."""
    roster = tmp_path / "网格.csv"
    assert run("export", store, "first", roster)[0] == 0
    lines = roster.read_text(encoding="utf-8-sig").splitlines()
    filled = [lines[0] + ",网格员", *(line + ",王芳" for line in lines[1:])]
    roster.write_text("\n".join(filled), encoding="gbk")
    for words, name, begin in (
        (("map", "--table", roster, "--color", "worker"), "map.html", b"<!DOCTYPE html>"),
        (("map", "--lang", "en"), "map.png", b"\x89PNG"),
        (("atlas", "--staff", roster, "--base-url", "https://a.cn"), "atlas.pdf", b"%PDF"),
        (("export", "--lang", "zh"), "plan.gpkg", b"SQLite"),
        (("export", "--public"), "plan.geojson", b'{"type":"FeatureCollection"'),
        (("export", "--table", roster), "网格.xlsx", b"PK"),
    ):
        command, *options = words
        code, said = run(command, store, "first", tmp_path / name, *options)
        assert code == 0, said
        assert (tmp_path / name).read_bytes().startswith(begin)
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert '"first":"worker"' in page
    assert "王芳" in page
    wrong = ("export", store, "first", tmp_path / "plan.dwg")
    assert "ends in .dwg; use .gpkg" in fail(monkeypatch, capsys, *wrong)
    mixed = ("export", store, "first", tmp_path / "a.xlsx", "--public", "--table", roster)
    assert "internal use" in fail(monkeypatch, capsys, *mixed)
