"""Lists of workers: Chinese columns, encodings, and every bad row named."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.staff import check_workers, make_workers, read_workers
from gridmap.tables import WORKERS, check_table
from tests.staff.towns import PLACES, make_strip

GOOD: dict[str, Any] = {
    "编号": "S1", "姓名": "张三", "类别": "社区工作者", "所属社区": "1号社区",
    "政治面貌": "中共党员",
    "办公电话": "0417-2800000", "到岗日期": "2025年1月1日", "结束日期": "长期",
}  # fmt: skip


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two communities of one grid."""
    return make_strip([[300], [300]])


def write(path: Path, *rows: dict[str, Any]) -> Path:
    """Write rows as the suffix says; CSV in GBK, as Excel does."""
    frame = pd.DataFrame(rows)
    if path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, encoding="gbk")
    return path


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_a_list_with_chinese_columns_is_read(tmp_path: Path, plan: Plan, suffix: str) -> None:
    """Names, kinds, communities by name, membership, days; usual load and limit are the rules'."""
    path = write(tmp_path / f"人员{suffix}", GOOD, {
        **GOOD, "编号": "K1", "姓名": "李四", "类别": "下沉干部", "所属社区": "建设街道2号社区",
        "政治面貌": "预备党员", "到岗日期": "2025/1/1", "结束日期": "20250630",
    })  # fmt: skip
    workers = read_workers(path, plan)
    check_table(workers, WORKERS)
    assert workers["kind"].tolist() == ["community", "cadre"]
    assert workers["community_id"].tolist() == list(PLACES[:2])
    assert workers["party"].tolist() == ["full", "probationary"]
    assert workers["phone"].iloc[0] == "0417-2800000"
    assert workers["starts"].tolist() == [pd.Timestamp(2025, 1, 1)] * 2
    assert pd.isna(workers["ends"].iloc[0])
    assert workers["ends"].iloc[1] == pd.Timestamp(2025, 6, 30)
    assert workers[["capacity", "limit"]].to_numpy().tolist() == [[300, 500]] * 2
    assert workers.geometry.isna().all()


@pytest.mark.parametrize(("change", "column", "problem"), [
    ({"所属社区": "9号社区"}, "community", "no such community"),
    ({"所属社区": ""}, "community", "belongs to a community"),
    ({"类别": "路人"}, "kind", "not one of"),
    ({"政治面貌": "什么"}, "party", "not one of"),
    ({"姓名": ""}, "name", "no name"),
    ({"承担户数": -5}, "capacity", "below 0"),
    ({"承担户数": 0}, "capacity", "less than 1"),
    ({"承担户数": "许多"}, "capacity", "not a number"),
    ({"承担户数": 300, "户数上限": 200}, "limit", "below what he usually"),
    ({"到岗天数": 8}, "days", "more than 7 days"),
    ({"到岗日期": "明天"}, "starts", "not a day"),
    ({"到岗日期": "2025-13-01"}, "starts", "not a day"),
    ({"结束日期": "2024-12-31"}, "ends", "before the first day"),
])  # fmt: skip
def test_a_bad_row_is_named(
    tmp_path: Path, plan: Plan, change: dict[str, Any], column: str, problem: str
) -> None:
    """With its row in the file; the other rows are not refused, and none is lost."""
    path = write(tmp_path / "a.xlsx", GOOD, {**GOOD, "编号": "S2", **change})
    report = check_workers(path, plan)
    refused = [found for found in report.findings if found.action == "refused"]
    assert {found.row for found in refused} == {"a:3"}
    assert any(found.column == column and problem in found.problem for found in refused)
    assert report.counts == {"rows": 2, "refused": 1, "workers": 1}
    with pytest.raises(StaffError, match="refused") as caught:
        read_workers(path, plan)
    assert caught.value.report == report


@pytest.mark.parametrize(("begin", "overlaps"), [("2025-06-30", True), ("2025-07-01", False)])
def test_rotations_of_one_person_may_not_overlap(
    tmp_path: Path, plan: Plan, begin: str, overlaps: bool
) -> None:
    """The last day of a term is a day of it; what follows it is a second worker, S1/2."""
    first = {**GOOD, "结束日期": "2025-06-30"}
    path = write(tmp_path / "a.csv", first, {**GOOD, "到岗日期": begin})
    if overlaps:
        with pytest.raises(StaffError, match="begins before the one before it") as caught:
            read_workers(path, plan)
        [one] = caught.value.report.findings
        assert (one.column, one.value) == ("worker_id", "S1")
    else:
        workers = read_workers(path, plan)
        assert workers.index.tolist() == ["S1", "S1/2"]
        assert workers["person"].tolist() == ["S1", "S1"]


def test_one_id_of_two_people_is_refused(tmp_path: Path, plan: Plan) -> None:
    """Both rows are named."""
    other = {**GOOD, "姓名": "李四", "到岗日期": "2027-01-01"}
    path = write(tmp_path / "a.csv", {**GOOD, "结束日期": "2025-06-30"}, other)
    rows = [found.row for found in check_workers(path, plan).findings if "one id" in found.problem]
    assert rows == ["a:2", "a:3"]


def test_private_numbers_are_not_kept(tmp_path: Path, plan: Plan) -> None:
    """A mobile number under 联系电话 is left out and said so; under 办公电话 it is the office's."""
    row = {**GOOD, "联系电话": "13912345678"}
    del row["办公电话"]
    path = write(tmp_path / "a.csv", row)
    report = check_workers(path, plan)
    assert report.status == "clean"
    assert "13912345678" not in report.to_text()
    assert read_workers(path, plan)["phone"].tolist() == [""]
    kept = write(tmp_path / "b.csv", {**GOOD, "办公电话": "13912345678"})
    assert read_workers(kept, plan)["phone"].tolist() == ["13912345678"]


def test_a_usual_load_above_the_hard_limit_is_cut(tmp_path: Path, plan: Plan) -> None:
    """700 households become 500, and the report says so."""
    path = write(tmp_path / "a.csv", {**GOOD, "承担户数": 700})
    report = check_workers(path, plan)
    assert report.status == "repaired"
    assert read_workers(path, plan)["capacity"].tolist() == [500]


def test_part_timers_carry_less(tmp_path: Path, plan: Plan) -> None:
    """Half of a full-timer's load, or by the days that are given."""
    path = write(tmp_path / "a.csv", {**GOOD, "类别": "兼职网格员", "到岗天数": ""},
                 {**GOOD, "编号": "S2", "类别": "兼职网格员", "到岗天数": 1})  # fmt: skip
    workers = read_workers(path, plan)
    assert workers["capacity"].tolist() == [150, 60]
    assert workers["limit"].tolist() == [250, 100]


def test_positions_are_brought_to_the_plans_crs(tmp_path: Path, plan: Plan) -> None:
    """Degrees become metres; a position far from any city is left out."""
    lon, lat = plan.grids.to_crs(4326).representative_point().iloc[0].coords[0]
    rows = [{**GOOD, "经度": lon, "纬度": lat}, {**GOOD, "编号": "S2", "经度": 20.0, "纬度": 40.0}]
    path = write(tmp_path / "a.csv", *rows)
    workers = read_workers(path, plan)
    assert workers.crs == plan.grids.crs
    assert workers.geometry.iloc[0].distance(plan.grids.geometry.iloc[0]) == 0
    assert workers.geometry.iloc[1] is None
    assert check_workers(path, plan).status == "repaired"


def test_every_sheet_of_a_workbook_is_read(tmp_path: Path, plan: Plan) -> None:
    """A sheet for each community; one with positions, one without, sums left out; rows by sheet."""
    lon, lat = plan.grids.to_crs(4326).representative_point().iloc[0].coords[0]
    path = tmp_path / "名单.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame([{**GOOD, "经度": lon, "纬度": lat}]).to_excel(
            book, sheet_name="一", index=False
        )
        rows = [{**GOOD, "编号": "S2", "所属社区": "2号社区"}, {"编号": "合计", "承担户数": 600}]
        pd.DataFrame(rows).to_excel(book, sheet_name="二", index=False)
    workers = read_workers(path, plan)
    assert workers.index.tolist() == ["S1", "S2"]
    assert workers.geometry.iloc[0].distance(plan.grids.geometry.iloc[0]) == 0
    assert workers.geometry.iloc[1] is None
    with pd.ExcelWriter(path) as book:
        for name, row in (("一", GOOD), ("二", {**GOOD, "编号": "S2", "姓名": ""})):
            pd.DataFrame([row]).to_excel(book, sheet_name=name, index=False)
    assert [found.row for found in check_workers(path, plan).findings] == ["名单/二:2"]


def test_columns_of_other_names_are_given(tmp_path: Path, plan: Plan) -> None:
    """A mapping goes before the usual names; an unknown key is refused."""
    row = {("谁" if key == "姓名" else key): value for key, value in GOOD.items()}
    path = write(tmp_path / "a.csv", row)
    assert read_workers(path, plan, columns={"name": "谁"})["name"].tolist() == ["张三"]
    with pytest.raises(StaffError, match="no column wer"):
        read_workers(path, plan, columns={"wer": "谁"})


def test_ids_are_given_where_there_are_none(tmp_path: Path, plan: Plan) -> None:
    """W1, W2 … in the order of the rows, which the report says."""
    path = write(tmp_path / "a.csv", {**GOOD, "编号": ""}, GOOD)
    assert read_workers(path, plan).index.tolist() == ["W1", "S1"]


def test_made_workers_are_as_many_as_asked_for(plan: Plan) -> None:
    """The same seed gives the same workers; community workers belong to communities by need."""
    workers = make_workers(plan, community_workers=5, cadres=3, recruits=2, part_timers=1, seed=7)
    check_table(workers, WORKERS)
    assert workers["kind"].value_counts().to_dict() == {
        "community": 5, "cadre": 3, "recruit": 2, "part_time": 1
    }  # fmt: skip
    pd.testing.assert_frame_equal(
        workers,
        make_workers(plan, community_workers=5, cadres=3, recruits=2, part_timers=1, seed=7),
    )
    with pytest.raises(StaffError, match="0 or more"):
        make_workers(plan, cadres=-1)
