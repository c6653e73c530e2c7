"""Liaisons: read from lists, gaps and doubles found, those of a grid."""

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from gridmap.errors import PlanError, StaffError, TableError
from gridmap.plan import draw_plan
from gridmap.rules import DEPARTMENTS
from gridmap.staff.liaisons import find_liaison_gaps, liaisons_for, read_liaisons
from gridmap.synthetic import make_city
from gridmap.tables import LIAISON_GAPS, LIAISONS, check_table
from tests.staff.blocks import code_of, make_blocks

HEADER = "社区,部门,岗位,联络员,办公电话"


@pytest.fixture(scope="module")
def plan():
    """Two communities of one grid each."""
    return make_blocks("AABB", communities=(1, 1))


def write(folder: Path, *rows: str, encoding: str = "gbk") -> Path:
    """Write a list as an office does."""
    path = folder / "联络员.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding=encoding)
    return path


def full_list(city) -> pd.DataFrame:
    """Return one liaison for each pair."""
    rows = [
        (community, department, f"{department}联络岗", "", "")
        for community in city.communities.index
        for department in DEPARTMENTS
    ]
    return pd.DataFrame(rows, columns=list(LIAISONS.columns)).astype("str")


def test_names_and_codes_of_communities(tmp_path, plan):
    """A community is named by its id or its name, a department by any name that begins with it."""
    path = write(
        tmp_path,
        "小雨社区,供电公司,客户经理,赵敏,95598",
        "210802003003,公安局站前分局,社区民警,,110",
    )
    liaisons = read_liaisons(path, plan.city)
    check_table(liaisons, LIAISONS)
    assert liaisons["community_id"].tolist() == ["210802003002", "210802003003"]
    assert liaisons["department"].tolist() == ["供电", "公安"]
    assert liaisons["phone"].tolist() == ["95598", "110"]


def test_a_workbook(tmp_path, plan):
    """A sheet with a title above its header, and a community merged over its departments."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["站前区部门联络员一览表"])
    sheet.append(HEADER.split(","))
    sheet.append(["小雨社区", "供电", "客户经理", "赵敏", "95598"])
    sheet.append([None, "供水", "管道工", "钱进", "96116"])
    sheet.merge_cells("A3:A4")
    book.save(tmp_path / "联络员.xlsx")
    liaisons = read_liaisons(tmp_path / "联络员.xlsx", plan.city)
    assert liaisons["community_id"].tolist() == ["210802003002"] * 2


def test_wrong_rows_are_all_listed(tmp_path, plan):
    """An unknown community, an unknown department and an empty post are named, row by row."""
    path = write(tmp_path, "无名社区,供电,岗,,", "小雨社区,宇航,岗,,", "小雨社区,供水,,,95598")
    with pytest.raises(StaffError, match=r"row 2.*无名社区") as caught:
        read_liaisons(path, plan.city)
    rows = {(found.row, found.column) for found in caught.value.report.findings}
    assert rows == {("row 2", "community_id"), ("row 3", "department"), ("row 4", "post")}


def test_a_list_without_departments_is_none(tmp_path, plan):
    """A file without the needed columns says which, and by what names they are known."""
    path = tmp_path / "x.csv"
    path.write_text("社区,电话\n小雨社区,1\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"department.*部门"):
        read_liaisons(path, plan.city)


def test_gaps_and_doubles(plan):
    """A missing pair and one with two entries are found; one entry each is no gap."""
    whole = full_list(plan.city)
    assert find_liaison_gaps(whole, plan.city).empty
    wrong = pd.concat([whole.drop(3), whole.iloc[[5]]], ignore_index=True)
    gaps = find_liaison_gaps(wrong, plan.city)
    check_table(gaps, LIAISON_GAPS)
    found = list(zip(gaps["department"], gaps["entries"], strict=True))
    assert found == [(DEPARTMENTS[3], 0), (DEPARTMENTS[5], 2)]
    assert gaps["problem"].tolist() == ["未明确联络员", "重复登记2人，请只保留实际负责的一人"]
    told = find_liaison_gaps(wrong, plan.city, lang="en")["problem"].tolist()
    assert told == ["nobody is named", "2 are named: keep the one who answers"]


def test_other_departments(plan):
    """The departments are a setting."""
    whole = full_list(plan.city)
    assert find_liaison_gaps(whole, plan.city, departments=["供电"]).empty
    assert len(find_liaison_gaps(whole, plan.city, departments=["供电", "气象"])) == 2


def test_liaisons_of_a_grid(plan):
    """A grid has those of its community; an unknown grid is an error."""
    found = liaisons_for(plan, code_of(plan, "B"), full_list(plan.city))
    assert found["department"].tolist() == list(DEPARTMENTS)
    assert set(found["community_id"]) == {"210802003003"}
    with pytest.raises(PlanError, match="no grid '1'"):
        liaisons_for(plan, "1", full_list(plan.city))


def test_fourteen_for_each_community():
    """The pairs are communities × 14, as 189 × 14 = 2,646 in the reference city."""
    assert len(DEPARTMENTS) == 14
    plan = draw_plan(make_city(12), steps=1)
    empty = full_list(plan.city).iloc[:0]
    assert len(find_liaison_gaps(empty, plan.city)) == 14 * len(plan.city.communities)
    assert 189 * len(DEPARTMENTS) == 2646
