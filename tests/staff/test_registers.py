"""Registers: the rosters that an office prints, and their layers for a GIS."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from gridmap.errors import GridmapError, StaffError
from gridmap.plan import Plan
from gridmap.rules import DEPARTMENTS
from gridmap.staff.assign import assign_workers
from gridmap.staff.branches import find_leaders, form_branches
from gridmap.staff.contacts import match_branches, match_communities
from gridmap.staff.registers import REGISTERS, write_staff_roster
from gridmap.tables import CONTACTS, LIAISONS
from tests.staff.blocks import CODES, CRS, code_of, count_members, make_blocks
from tests.staff.towns import make_people

DAY = date(2026, 3, 2)


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Three grids of one community, one of a second, one of a third in another district."""
    return make_blocks("AABBCCDDEE", communities=(3, 1, 1))


@pytest.fixture(scope="module")
def tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Return everything that is kept with the plan: people, branches, liaisons, contacts."""
    people = make_people(
        {"name": "王芳", "x": 100.0, "party": "full", "phone": "0417-1"},
        {"name": "李强", "x": 300.0, "party": "probationary"},
    )
    staffing = assign_workers(plan, people, on=DAY)
    members = count_members(plan, A=9, B=(2, 1), C=1, D=(5, 2), E=0)
    branches = form_branches(plan, members, leaders=find_leaders(staffing, people, DAY))
    places = plan.city.communities.index
    rows = [(place, one, "经理", f"{one}员", "0417-2") for place in places for one in DEPARTMENTS]
    rows = [*rows[1:], (places[1], DEPARTMENTS[0], "", "重名", "")]
    contacts = gpd.GeoDataFrame(
        {
            "kind": ["leader", "leader", "unit", "leader"],
            "name": ["市委书记", "街道书记", "图书馆", "无处领导"],
            "scope": ["", "210802003", "", "210803999"],
            "points": 1,
        },
        index=pd.Index(["K1", "K2", "K3", "K4"], name=CONTACTS.index),
        geometry=gpd.points_from_xy([50, 350, 750, 0], [50, 50, 50, 50]),
        crs=CRS,
    )
    return {
        "workers": people,
        "staffing": staffing,
        "members": members,
        **branches.tables,
        "liaisons": pd.DataFrame(rows, columns=list(LIAISONS.columns)).astype("str"),
        "contacts": contacts,
        "contact_matches": match_communities(plan, contacts),
    }


def write(plan: Plan, tables: dict, path: Path, **given: object) -> dict[str, list[tuple]]:
    """Write a workbook and return the rows of each sheet."""
    write_staff_roster(plan, tables, path, on=DAY, **given)
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def test_all_that_is_kept_is_printed(plan: Plan, tables: dict, tmp_path: Path) -> None:
    """In one workbook, a sheet for each district where rows of two are in it."""
    sheets = write(plan, tables, tmp_path / "a.xlsx")
    for name in ("网格名册", "联络员"):
        assert {f"{name} 210802", f"{name} 210803"} < set(sheets)
    for name in ("社区党组织汇总", "党支部", "空缺与重复", "市级领导联系点", "共建单位"):
        assert name in sheets
    for rows in sheets.values():
        assert "截至：2026年3月2日" in rows[1][0]
        assert rows[2][0] == "序号"


def test_branches_have_secretary_committee_members_and_grids(
    plan: Plan, tables: dict, tmp_path: Path
) -> None:
    """Members are counts that add up; a joint branch names its grids; a vacancy stands out."""
    rows = write(plan, tables, tmp_path / "a.xlsx", parts=["branches"])["党支部"]
    header, total = rows[2], rows[-1]
    lines = [dict(zip(header, row, strict=True)) for row in rows[3:-1]]
    assert [line["正式党员"] for line in lines] == [9, 3, 5]
    assert [line["支委会"] for line in lines] == ["设支委会", "不设", "不设"]
    assert lines[0]["支部书记"] == "王芳"
    assert lines[0]["电话"] == "0417-1"
    assert lines[1]["支部书记"] == "▲待选"  # a probationary member can't lead
    assert lines[1]["覆盖网格"] == "、".join(
        plan.grids.loc[[code_of(plan, one) for one in "BC"], "name"]
    )
    assert dict(zip(header, total, strict=True))["党员合计"] == 9 + 3 + 1 + 5 + 2


def test_few_members_of_a_group_are_not_counted_out(
    plan: Plan, tables: dict, tmp_path: Path
) -> None:
    """Three are told where three may be, else it is fewer than four; bare grids have a sheet."""
    sheets = write(plan, tables, tmp_path / "a.xlsx", parts=["branches"])
    assert [row[-1] for row in sheets["党小组"][3:]] == [3]
    strict = replace(plan.rules, party=replace(plan.rules.party, min_members=4))
    shy = write(replace(plan, rules=strict), tables, tmp_path / "b.xlsx", parts=["branches"])
    assert [row[-1] for row in shy["党小组"][3:]] == ["不足4人"]
    assert [row[3] for row in sheets["未覆盖网格"][3:]] == [code_of(plan, "E")]


def test_gaps_of_liaisons_stand_out(plan: Plan, tables: dict, tmp_path: Path) -> None:
    """A row a community, a column a department; who is missing or there twice is marked."""
    sheets = write(plan, tables, tmp_path / "a.xlsx", parts=["liaisons"])
    rows = sheets["联络员 210802"]
    assert rows[2][3 : 3 + len(DEPARTMENTS)] == DEPARTMENTS
    cells = {row[2]: row for row in rows[3:-1]}
    places = plan.city.communities
    first, second = places["name"].iloc[0], places["name"].iloc[1]
    assert cells[first][3] == "▲空缺"
    assert cells[second][3] == f"▲重复2人\n{DEPARTMENTS[0]}员\n重名"
    assert [row[-2:] for row in cells.values() if row[2] == first] == [(13, 1)]
    assert rows[-1][-2:] == (14 * 2 - 2, 2)
    assert len(sheets["空缺与重复"]) == 3 + 2 + 1
    assert len(sheets["联络员通讯录"]) == 3 + 14 * 3


def test_contacts_by_level(plan: Plan, tables: dict, tmp_path: Path) -> None:
    """City leaders, street leaders and units apart; who found nothing stands out."""
    sheets = write(plan, tables, tmp_path / "a.xlsx", parts=["contacts"])
    assert [row[3] for row in sheets["市级领导联系点"][3:]] == ["市委书记"]
    assert [row[3] for row in sheets["区、街道领导联系点 210802"][3:]] == ["街道书记"]
    [lost] = sheets["区、街道领导联系点 210803"][3:]
    assert "▲未结对" in lost
    assert [row[3] for row in sheets["共建单位"][3:]] == ["图书馆"]
    totals = sheets["结对汇总"]
    assert len(totals) == 3 + 3 + 1
    assert (totals[-1][4], totals[-1][6]) == (2, 1)


def test_matches_with_branches(plan: Plan, tables: dict, tmp_path: Path) -> None:
    """The branch is named, with its community; every branch is in the sums, helped or not."""
    branches = form_branches(plan, tables["members"])
    matches = match_branches(plan, branches, tables["contacts"])
    kept = {**tables, "contact_matches": matches}
    sheets = write(plan, kept, tmp_path / "a.xlsx", parts=["contacts"])
    [row] = sheets["市级领导联系点"][3:]
    assert row[6] == "党支部"
    assert row[7].endswith("党支部")
    assert len(sheets["结对汇总"]) == 3 + len(branches.branches) + 1


def test_english(plan: Plan, tables: dict, tmp_path: Path) -> None:
    """Sheets and headings are in English; no sheet's name is cut."""
    sheets = write(plan, tables, tmp_path / "a.xlsx", lang="en")
    assert {"grids 210802", "party branches", "liaisons 210803", "city leaders"} <= set(sheets)
    assert sheets["party branches"][2][:4] == ("No.", "Street office", "Community", "Branch no.")
    assert max(map(len, sheets)) <= 31
    with pytest.raises(GridmapError, match="choose 'zh' or 'en'"):
        write(plan, tables, tmp_path / "b.xlsx", lang="fr")


def test_layers(plan: Plan, tables: dict, tmp_path: Path) -> None:
    """Branches are the land of their units, liaisons communities, matches points in their place."""
    path = tmp_path / "a.gpkg"
    write_staff_roster(plan, tables, path, on=DAY)
    land = gpd.read_file(path, layer="branches").set_index("branch_id")
    units = tables["branch_units"]
    assert land.geometry.area.sum() == pytest.approx(1e4 * (units["branch_id"] != "").sum())
    assert land["secretary"].tolist()[:2] == ["王芳", ""]
    liaisons = gpd.read_file(path, layer="liaisons")
    assert set(DEPARTMENTS) <= set(liaisons.columns)
    matches = gpd.read_file(path, layer="contact_matches")
    found = matches[matches["target_id"] != ""]
    homes = plan.city.communities.geometry.loc[found["target_id"]]
    assert homes.contains(
        gpd.GeoSeries(found.geometry.to_numpy(), homes.index, crs=homes.crs)
    ).all()
    assert matches.geometry.isna().sum() == 1
    again = tmp_path / "b.gpkg"
    write_staff_roster(plan, tables, again, on=DAY)
    assert again.read_bytes() == path.read_bytes()


def test_what_is_not_there_is_said(plan: Plan, tables: dict, tmp_path: Path) -> None:
    """An empty store, a part whose tables are missing, and a part that is none."""
    with pytest.raises(StaffError, match="nothing for a roster"):
        write(plan, {}, tmp_path / "a.xlsx")
    with pytest.raises(StaffError, match="a roster of branches needs branches, branch_grids"):
        write(plan, {"workers": tables["workers"]}, tmp_path / "a.xlsx", parts=["branches"])
    with pytest.raises(StaffError, match="no roster of cats"):
        write(plan, tables, tmp_path / "a.xlsx", parts=["cats"])
    assert list(tmp_path.iterdir()) == []
    assert set(CODES) == set(plan.city.communities["code"])
    assert list(REGISTERS) == ["workers", "branches", "liaisons", "contacts"]
