"""The commands for rotations, sick leave, stations and rounds: from lists to files."""

from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

import gridmap
from api.app import create_app
from gridmap.cli import app
from gridmap.crs import to_degrees
from gridmap.days import today_in_china
from gridmap.errors import StaffError
from gridmap.store import PlanStore
from tests.api.conftest import TestClient
from tests.staff.towns import make_strip

DAY = "2025-03-03"
HEADER = "编号,姓名,类别,所属社区,到岗日期,结束日期"


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder with a kept plan: two grids of 300 households, one of 600."""
    monkeypatch.chdir(tmp_path)
    PlanStore("plans").keep(make_strip([[300, 300, 600]]), "2025")
    return tmp_path


def write(name: str, *rows: str) -> str:
    """Write a list as an office does."""
    Path(name).write_text("\n".join(rows) + "\n", encoding="gbk")
    return name


def call(*words: str):
    """Run a command."""
    return CliRunner().invoke(app, list(words))


def staff_town(*terms: str) -> None:
    """Write a list of workers and a staffing of 2025.csv."""
    write("人员.csv", HEADER, *terms)
    done = call("staff", "plans", "2025", "人员.csv", "a.xlsx", "--on", DAY, "--table", "2025.csv")
    assert done.exit_code in (0, 1), done.output


FOUR = [f"S{at},员{at},社区工作者,1号社区,," for at in range(4)]
FILES = ["--workers", "人员.csv", "--current", "2025.csv"]


def list_sheets(path: str) -> dict[str, list[tuple]]:
    """Return the rows of each sheet of a workbook."""
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def test_a_rotation_lists_the_days_that_nobody_covers(town: Path) -> None:
    """A cadre leaves, the next comes ten days later; a share of the large grid is vacant all year.

    That is exit code 1, the workbook has the same gaps, and a further cadre each closes them.
    """
    terms = [*FOUR[:2], "K1,干部甲,下沉干部,1号社区,2025-03-01,2025-06-30"]
    staff_town(*terms)
    write("人员.csv", HEADER, *terms, "K2,干部乙,下沉干部,1号社区,2025-07-11,")
    given = ["--from", DAY, "--days", "180", *FILES, "--by", "王芳"]
    done = call("rotate", "plans", "2025", "轮换.xlsx", *given)
    assert done.exit_code == 1, done.output
    assert "2025-07-01 to 2025-07-10" in done.output
    sheets = list_sheets("轮换.xlsx")
    assert list(sheets) == ["轮换日历", "按月", "无人日期"]
    gaps = sheets["无人日期"][1:]
    assert len(gaps) == sum(
        " households have nobody for " in row for row in done.output.split("\n")
    )
    assert any("干部乙" in row for row in sheets["轮换日历"])
    assert "2025-07" in sheets["按月"][0]
    noted = gridmap.AuditLog(Path("plans")).entries().iloc[-1]
    assert (noted["action"], noted["who"]) == ("export", "王芳")


def test_a_holiday_moves_a_hand_over(town: Path) -> None:
    """Five working days end on Monday 30 June; with the Friday off they begin a day before."""
    terms = [*FOUR[:3], "K1,干部甲,下沉干部,1号社区,2025-03-01,2025-06-30"]
    staff_town(*terms)
    write("人员.csv", HEADER, *terms, "K2,干部乙,下沉干部,1号社区,2025-06-01,")
    given = ["--from", DAY, "--days", "180", *FILES]
    for options, day in (((), "2025-06-24"), (("--holiday", "2025-06-27"), "2025-06-23")):
        done = call("rotate", "plans", "2025", "轮换.csv", *given, *options)
        assert done.exit_code == 0, done.output
        rows = gridmap.read_staffing("轮换.csv")
        starts = rows.loc[(rows["worker_id"] == "K2") & (rows["role"] == "primary"), "starts"]
        assert starts.dt.date.astype("str").tolist() == [day]
    more = [f"N{at},新人{at},专职网格员,,2025-01-01," for at in range(3)]
    staff_town(*FOUR, *more)
    done = call("rotate", "plans", "2025", "轮换.csv", *given, "--lang", "en")
    assert done.exit_code == 0, done.output
    assert "0 days without a worker in 0 of 3 grids (optimal)" in done.output
    assert len(gridmap.read_staffing("轮换.csv"))
    assert isinstance(call("rotate", "plans", "2025", "轮换.txt", *given).exception, StaffError)


def test_sick_leave(town: Path) -> None:
    """A free worker stands in on these days, and what is kept is what the next command takes.

    Who is ill is not called back when the other one falls ill as well.
    """
    staff_town(*FOUR, "S9,空闲,社区工作者,1号社区,,")
    first, last = today_in_china().isoformat(), (today_in_china() + timedelta(days=4)).isoformat()
    given = ["replace", "plans", "2025", "S0", "替岗.csv", "--from", first, "--to", last]
    keep = ["--keep-from", first, "--by", "王芳"]
    nothing = call(*given).exception
    assert isinstance(nothing, StaffError)
    assert "--workers" in str(nothing)
    done = call(*given, *FILES, *keep)
    assert done.exit_code == 0, done.output
    assert "S9: 顶替S0" in done.output
    assert "1 duties of S0, 0 without anybody" in done.output
    kept = PlanStore("plans").staff("2025", today_in_china())["staffing"]
    assert "replacement" in set(kept["binding"])
    other = call("replace", "plans", "2025", "S1", "替岗.csv", "--from", first, "--to", last)
    assert "1 duties of S1, 1 without anybody" in other.output
    assert "顶替S0" not in other.output
    page = call("tasks", "plans", "2025", "任务.txt", "--worker", "S1")
    assert "in 1 grids: 任务.txt" in page.output
    again = call("replace", "plans", "2025", "S9", "替岗.csv", "--from", first, "--to", first)
    assert again.exit_code == 1, again.output
    assert "1 without anybody" in again.output


def place(name: str, header: str, rows: list[tuple[str, float]]) -> str:
    """Write places along the street of the strip, in degrees."""
    from geopandas import GeoSeries, points_from_xy

    points = to_degrees(GeoSeries(points_from_xy([x for _, x in rows], [0] * len(rows)), crs=4550))
    told = [f"{text},{p.x:.7f},{p.y:.7f}" for (text, _), p in zip(rows, points, strict=True)]
    return write(name, header, *told)


def test_stations_are_kept_and_served(town: Path) -> None:
    """The one chosen is a collection of the service; the next run keeps it, and says who is out."""
    PlanStore("plans").publish("2025", today_in_china(), by="王芳")
    spots = place("候选.csv", "编号,名称,经度,纬度", [("Z1,甲站", 50), ("Z2,乙站", 250)])
    given = ["stations", "plans", "2025", spots, "驿站.xlsx", "--minutes", "2.5", "--by", "王芳"]
    today = today_in_china().isoformat()
    done = call(*given, "--number", "1", "--map", "a.html", "--keep-from", today)
    assert done.exit_code == 1, done.output
    assert "Z2 乙站: new, 900 households" in done.output
    assert "out of reach: b0, 300 households" in done.output
    assert [row[0] for row in list_sheets("驿站.xlsx")["未覆盖楼栋"]] == ["楼栋编码", "b0"]
    answer = TestClient(create_app(Path("plans"))).get("/collections/stations/items").json()
    assert [one["properties"]["name"] for one in answer["features"]] == ["乙站"]
    done = call(*given)
    assert done.exit_code == 0, done.output
    assert "Z2 乙站: existing, 600 households" in done.output
    assert "Z1 甲站: new, 600 households" in done.output
    near = call(*given, "--number", "1", "--aim", "walk", "--existing", place(
        "已有.csv", "名称,经度,纬度", [("老站", 150)]))  # fmt: skip
    assert "老站 老站: existing" in near.output
    assert isinstance(call(*given, "--aim", "walk").exception, StaffError)


def test_bad_stations_are_listed_row_by_row(town: Path) -> None:
    """No position, no name and an id that stands there twice."""
    rows = ["A,甲站,122.2,40.6", "B,乙站,,", "C,,122.2,40.6", "A,丁站,122.2,40.6"]
    path = write("候选.csv", "编号,名称,经度,纬度", *rows)
    error = call("stations", "plans", "2025", path, "x.gpkg").exception
    assert isinstance(error, StaffError)
    found = {(one.row, one.column) for one in error.report.findings}
    assert found == {("row 3", "position"), ("row 4", "name"), ("row 5", "station_id")}
    assert not Path("x.gpkg").exists()


def test_rounds(town: Path) -> None:
    """Stops go to the workers of their grids; one that fits into no day is exit code 1."""
    staff_town(*FOUR)
    header = "编号,名称,类别,停留分钟,经度,纬度"
    path = place("走访点.csv", header, [("T1,店,商铺,", 20), ("T2,栓,消火栓,5分钟", 120)])
    given = ["rounds", "plans", "2025", path, "走访.xlsx", *FILES, "--on", DAY]
    done = call(*given, "--map", "a.html")
    assert done.exit_code == 0, done.output
    assert "2 stops in 2 days of 2 workers" in done.output
    assert "走访日程" in list_sheets("走访.xlsx")
    long = place("走访点.csv", header, [("T1,店,商铺,", 20), ("T2,仓库,商铺,500", 120)])
    done = call(*given[:3], long, *given[4:])
    assert done.exit_code == 1, done.output
    assert "T2 仓库: 单独前往需" in done.output
    done = call(*given[:3], long, *given[4:], "--lang", "en")
    assert "T2 仓库: takes 50" in done.output
    strange = call(*given, "--worker", "S77").exception
    assert "S77" in str(strange)
    bad = write("坏.csv", header, "T1,店,商铺,很久,122.2,40.6", "T1,店,商铺,5,,")
    error = call("rounds", "plans", "2025", bad, "走访.xlsx", *FILES).exception
    found = {(one.row, one.column) for one in error.report.findings}
    assert found == {("row 2", "minutes"), ("row 3", "position"), ("row 3", "stop_id")}
