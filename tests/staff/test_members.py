"""Members as counts: read, made up, placed on units; nobody is lost."""

import openpyxl
import pandas as pd
import pytest

from gridmap.errors import RulesError, StaffError, TableError
from gridmap.plan import draw_plan
from gridmap.rules import Rules
from gridmap.staff.members import make_members, place_members, read_members
from gridmap.synthetic import make_city
from gridmap.tables import MEMBERS, check_table
from tests.staff.blocks import make_blocks


@pytest.fixture(scope="module")
def town():
    """Draw a town of 60 grids whose towers are divided into entrances."""
    return draw_plan(make_city(60), Rules(divide_above=60), steps=1)


def test_read_csv(tmp_path):
    """A GBK list with Chinese headers, a counter, an empty cell and a sum below."""
    path = tmp_path / "党员.csv"
    rows = ["楼号,正式党员,预备党员", "A0,12人,1", "A1,3,", "合计,15,1"]
    path.write_text("\n".join(rows), encoding="gbk")
    members = read_members(path, make_blocks("AA").city)
    check_table(members, MEMBERS)
    assert members.to_dict("index") == {
        "A0": {"full": 12, "probationary": 1},
        "A1": {"full": 3, "probationary": 0},
    }


def test_read_workbook(tmp_path):
    """A sheet with a title; the row numbers in errors are those of the sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["党员统计表"],
        ["楼栋编码", "正式党员数", "预备党员数"],
        ["A0", 5, 0],
        ["A9", 1, 0],
    ):
        sheet.append(row)
    book.save(tmp_path / "党员.xlsx")
    with pytest.raises(StaffError, match="row 4: building_id = A9"):
        read_members(tmp_path / "党员.xlsx", make_blocks("AA").city)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("X9,1,0", "building_id"),
        ("A0,-1,0", "full"),
        ("A0,1,0.5", "probationary"),
        ("A0,many,0", "full"),
        ("A1,1,1", "building_id"),
        ("2.1E+14,1,1", "building_id"),
    ],
)
def test_wrong_rows_are_refused(tmp_path, row, column):
    """An unknown building, a negative, broken or worded count, a twin, a shortened code."""
    path = tmp_path / "x.csv"
    path.write_text(f"building_id,full,probationary\nA1,1,1\n{row}\n", encoding="utf-8")
    with pytest.raises(StaffError) as caught:
        read_members(path, make_blocks("AA").city)
    [finding] = caught.value.report.findings
    assert (finding.row, finding.column) == ("row 3", column)


def test_missing_columns_are_named(tmp_path):
    """Without a column of full members the file is no list of members."""
    path = tmp_path / "x.csv"
    path.write_text("楼号,户数\nA0,1\n", encoding="utf-8")
    with pytest.raises(TableError, match="正式党员"):
        read_members(path, make_blocks("AA").city)


def test_made_members_have_the_moments(town):
    """Mean and spread per grid come out as asked for; the same seed gives the same."""
    sums = []
    for seed in range(4):
        members = make_members(town, seed=seed)
        check_table(members, MEMBERS)
        units = place_members(town, members).sum(axis=1)
        lived = town.grids.index[town.grids["households"] > 0]
        sums.append(units.groupby(town.units["grid_code"]).sum()[lived])
    total = pd.concat(sums)
    assert total.mean() == pytest.approx(29.4, abs=2)
    assert total.std() / total.mean() == pytest.approx(0.37, abs=0.06)
    pd.testing.assert_frame_equal(make_members(town, seed=3), members)


def test_nobody_is_lost(town):
    """Members of whole buildings are shared out to their entrances, the sum stays."""
    parts = town.city.buildings["part_of"]
    whole = parts[parts != ""].iloc[0]
    members = make_members(town)
    members = members[~members.index.isin(parts.index[parts == whole])]
    members.loc[whole] = [17, 2]
    placed = place_members(town, members)
    assert placed.sum().tolist() == members.sum().tolist()
    entrances = town.units["building_id"].isin(parts.index[parts == whole])
    assert placed[entrances].sum().tolist() == [17, 2]


def test_buildings_without_a_unit_of_their_own():
    """A building that another's unit contains counts there."""
    plan = make_blocks("AB")
    units = plan.units.assign(building_id=["A0", ""])
    placed = place_members(
        type(plan)(plan.city, units, plan.adjacency, plan.grids, plan.rules),
        pd.DataFrame({"full": [4], "probationary": [1]}, pd.Index(["B0"], name="building_id")),
    )
    assert placed.loc[1].tolist() == [4, 1]


def test_unknown_buildings_and_figures_are_refused():
    """A table that names another city's building, and figures out of range, are errors."""
    plan = make_blocks("AA")
    stray = pd.DataFrame({"full": [4], "probationary": [1]}, pd.Index(["Z"], name="building_id"))
    with pytest.raises(TableError, match="no such building: Z"):
        place_members(plan, stray)
    with pytest.raises(RulesError, match="spread"):
        make_members(plan, spread=0)
