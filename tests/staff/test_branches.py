"""Party branches: thresholds on both sides, coverage, division, joint branches, secretaries."""

import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from gridmap.errors import TableError
from gridmap.partition import match_labels
from gridmap.plan import count_pieces, draw_plan
from gridmap.rules import Party, Rules
from gridmap.staff.branches import Branches, find_leaders, form_branches
from gridmap.staff.members import make_members
from gridmap.synthetic import make_city
from gridmap.tables import LEADERS
from tests.staff.blocks import code_of, count_members, make_blocks

ROW = "AAABBBCCCDDDEEEFFF"


def form(plan, **grids) -> Branches:
    """Form the branches of a plan with so many members."""
    return form_branches(plan, count_members(plan, **grids), lang="en")


def lead(**grids: tuple[str, str]) -> pd.DataFrame:
    """Return leaders by grid code: worker and party."""
    rows = [(code, *who) for code, who in grids.items()]
    return pd.DataFrame(rows, columns=list(LEADERS.columns)).astype("str")


def covers(branches: Branches) -> list[list[str]]:
    """Return the serials of the grids of each branch."""
    grids = branches.branch_grids.groupby("branch_id")["grid_code"].agg(list)
    return sorted(sorted(code[-3:] for code in some) for some in grids)


# --- one grid -------------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [0, 1, 2])
def test_too_few_alone_are_uncovered(full):
    """A community with fewer than three full members has no branch, and the row says why."""
    branches = form(make_blocks("AA"), A=full)
    assert branches.branches.empty
    assert branches.summarize()["coverage"] == 0
    violation = branches.branch_violations.iloc[0]
    assert (violation["rule"], violation["value"], violation["limit"]) == ("uncovered", full, 3)
    assert "whole community" in violation["problem"]


@pytest.mark.parametrize(
    ("full", "count", "committee"),
    [(3, 1, False), (6, 1, False), (7, 1, True), (49, 1, True), (50, 1, True), (51, 2, True)],
)
def test_thresholds_of_a_grid(full, count, committee):
    """Three make a branch, seven a committee, 51 two branches."""
    spread = [full // 4 + (at < full % 4) for at in range(4)]
    branches = form(make_blocks("AAAA"), A=spread)
    assert len(branches.branches) == count
    assert branches.branches["committee"].tolist() == [committee] * count
    assert branches.branch_violations.empty
    assert branches.summarize()["coverage"] == 100
    assert set(branches.branch_coverage["covered"]) == {"own" if count == 1 else "divided"}


@pytest.mark.parametrize(("probationary", "count"), [(2, 1), (3, 2)])
def test_cap_counts_probationary_members(probationary, count):
    """48 full members and 2 probationary are one branch, with 3 they are two."""
    branches = form(make_blocks("AAAA"), A=[12, 12, 12, (12, probationary)])
    assert len(branches.branches) == count


def test_probationary_members_make_no_branch():
    """Two full members and forty probationary ones are too few for a branch."""
    assert form(make_blocks("AA"), A=(2, 40)).branches.empty


@pytest.mark.parametrize(
    ("members", "suggested"),
    [(49, ""), (50, "general_branch"), (99, "general_branch"), (100, "party_committee")],
)
def test_suggestions_above_the_branches(members, suggested):
    """From 50 members of a community a general branch is suggested, from 100 a committee."""
    branches = form(
        make_blocks("AABB"), A=[members // 4] * 2, B=[members - members // 4 * 2 - 9, 9]
    )
    assert branches.branch_communities["suggested"].tolist() == [suggested]


def test_settings_count():
    """Another minimum and another cap give other branches."""
    plan = make_blocks("AAAA")
    party = Party(branch_min_full=5, branch_max_total=10)
    members = count_members(plan, A=[4, 4, 4, 4])
    assert len(form_branches(plan, members, Rules(party=party)).branches) == 2
    assert form_branches(plan, count_members(plan, A=4), Rules(party=party)).branches.empty


# --- large grids ----------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [51, 99, 100, 101, 149, 150, 151])
def test_large_grids_are_divided_into_the_fewest(total):
    """Each branch of a divided grid is in one piece, has three full members and 50 at most."""
    plan = make_blocks("AAAAAA", "AAAAAA")
    spread = [total // 12 + (at < total % 12) for at in range(12)]
    branches = form(plan, A=spread)
    table = branches.branches
    assert len(table) == -(-total // 50)
    assert (table["kind"] == "divided").all()
    assert table["full"].between(3, 50).all()
    assert table["full"].sum() == total
    assert (count_pieces(plan.adjacency, branches.branch_units["branch_id"]) == 1).all()
    assert table["name"].is_unique


def test_buildings_stay_whole():
    """Three buildings of 30 make three branches, though 90 members would fit into two."""
    branches = form(make_blocks("AAA"), A=[30, 30, 30])
    assert branches.branches["full"].tolist() == [30, 30, 30]
    assert branches.branch_violations.empty


def test_a_building_above_the_cap_is_said():
    """A building with 57 members can't be divided by building: its branch is over the cap."""
    branches = form(make_blocks("AAA"), A=[57, 20, 20])
    assert sorted(branches.branches["full"]) == [40, 57]
    [violation] = branches.branch_violations.to_dict("records")
    assert (violation["rule"], violation["value"], violation["limit"]) == ("over_cap", 57, 50)


def test_too_few_full_members_to_divide():
    """60 members, 4 of them full, are one branch above the cap: two would lack full members."""
    branches = form(make_blocks("AAA"), A=[(2, 18), (2, 18), (0, 20)])
    assert branches.branches["full"].tolist() == [4]
    assert branches.branch_violations["rule"].tolist() == ["over_cap"]


def test_each_part_has_three_full_members():
    """Where full members live in two buildings only, the division follows them."""
    branches = form(make_blocks("AAAA"), A=[(3, 10), (0, 14), (0, 14), (3, 10)])
    assert branches.branches["full"].tolist() == [3, 3]
    assert branches.branch_violations.empty


# --- weak grids -----------------------------------------------------------------------------------


def test_six_grids_of_two_make_joint_branches():
    """Six grids with two full members each: at least two joint branches, of five grids at most."""
    branches = form(make_blocks(ROW), A=2, B=2, C=2, D=2, E=2, F=2)
    assert len(branches.branches) >= 2
    assert (branches.branches["kind"] == "joint").all()
    assert (branches.branches["grids"] <= 5).all()
    assert covers(branches) == [["001", "002"], ["003", "004"], ["005", "006"]]
    assert branches.branch_communities["proof"].tolist() == ["optimal"]


def test_nobody_in_a_grid():
    """A grid without members is covered by a neighbour's branch, and so is one with one or two."""
    branches = form(make_blocks("AABBCC"), A=0, B=5, C=2)
    assert covers(branches) == [["001", "002", "003"]]
    assert branches.branch_coverage["covered"].tolist() == ["joint"] * 3
    assert "nobody" in branches.branch_coverage["reason"].iloc[0]
    assert branches.branches["name"].tolist() == ["小雨社区第1、2、3网格联合党支部"]


def test_five_grids_at_most():
    """Of six grids with members in the last one only, the far one stays uncovered."""
    branches = form(make_blocks(ROW), A=0, B=0, C=0, D=0, E=0, F=9)
    assert covers(branches) == [["002", "003", "004", "005", "006"]]
    assert branches.branch_violations["rule"].tolist() == ["uncovered"]
    assert branches.branch_violations["grid_code"].str[-3:].tolist() == ["001"]


def test_strong_grids_keep_their_own_branches():
    """A grid of two joins one neighbour; the other strong grids are left alone."""
    branches = form(make_blocks(ROW), A=9, B=9, C=2, D=9, E=9, F=9)
    sizes = sorted(branches.branches["grids"])
    assert sizes == [1, 1, 1, 1, 2]


def test_never_across_communities():
    """A neighbour of another community does not help."""
    branches = form(make_blocks("AABB", communities=(1, 1)), A=2, B=9)
    assert covers(branches) == [["002"]]
    assert branches.branch_coverage["covered"].tolist() == ["none", "own"]


def test_a_full_neighbour_is_divided_to_make_room():
    """A grid of two beside one of 50: that one is divided, and a part takes the two in."""
    branches = form(make_blocks("AABBBB"), A=2, B=[13, 13, 12, 12])
    assert branches.summarize()["coverage"] == 100
    assert branches.branch_violations.empty
    assert sorted(branches.branches["kind"]) == ["divided", "joint"]
    assert branches.branches["full"].max() <= 50
    assert branches.branches["reason"].str.contains("make room").any()


def test_grids_that_do_not_touch_come_last():
    """Where the neighbour can't be divided, the nearest grid beyond it is taken, and it is said."""
    members = {"A": 2, "B": [50, 0, 0], "C": 9}
    branches = form(make_blocks("AABBBCC"), **members)
    assert branches.summarize()["coverage"] == 100
    assert branches.branch_violations["rule"].tolist() == ["apart"]
    assert covers(branches) == [["001", "003"], ["002"]]
    [told] = branches.branches["reason"][branches.branches["kind"] == "joint"]
    assert re.search(r"full members live in \S*网格 \(2\): no branch alone", told), told


def test_too_many_members_and_too_few_full():
    """55 members, 2 of them full, fit into no joint branch and make none."""
    branches = form(make_blocks("AABB"), A=(2, 53), B=9)
    assert branches.branch_coverage["covered"].tolist() == ["none", "own"]
    assert "too few full" in branches.branch_violations["problem"].iloc[0]


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("members", "count"), [(19, 0), (20, 2), (30, 3)])
def test_groups_are_suggested_from_twenty(members, count):
    """From 20 members groups of about ten are suggested, each of three with a full member."""
    spread = [members // 5 + (at < members % 5) for at in range(5)]
    branches = form(make_blocks("AAAAA"), A=spread)
    assert len(branches.groups) == count
    assert branches.branches["groups"].tolist() == [count]
    assert (branches.groups["full"] >= 3).all()
    assert set(branches.groups["kind"]) <= {"suggested"}


def test_a_weak_grid_is_a_group_of_its_joint_branch():
    """Three members with a full one make a group in the joint branch; two make none."""
    branches = form(make_blocks("AABBCC"), A=(1, 2), B=9, C=2)
    groups = branches.groups
    assert groups["kind"].tolist() == ["grid", "grid"]
    assert groups["name"].tolist() == ["小雨社区第1网格党小组", "小雨社区第2网格党小组"]
    facts = branches.summarize()
    assert (facts["branches"], facts["groups"]) == (1, 2)


@pytest.mark.parametrize(
    ("members", "covered", "groups"),
    [((1, 2), "attached", 1), ((2, 1), "attached", 1), ((1, 1), "none", 0), ((0, 3), "none", 0)],
)
def test_a_grid_beyond_a_full_joint_branch_is_a_group_of_it(members, covered, groups):
    """A sixth grid is no unit of a joint branch; three members with a full one are its group."""
    plan = make_blocks(ROW)
    branches = form(plan, A=members, **dict.fromkeys("BCDE", (0, 5)), F=(3, 0))
    assert branches.branch_coverage["covered"].iloc[0] == covered
    attached = branches.groups[branches.groups["kind"] == "attached"]
    assert len(attached) == groups == branches.summarize()["attached_groups"]
    if groups:
        host = branches.branches.loc[attached["branch_id"].iloc[0]]
        assert attached["grid_code"].tolist() == [code_of(plan, "A")]
        assert host["full"] + host["probationary"] <= 50
        assert "can form no branch" in host["reason"]
        assert branches.summarize()["coverage"] == 100


@pytest.mark.parametrize(("across", "covered"), [(False, "none"), (True, "attached")])
def test_a_community_without_a_branch_joins_another_only_where_the_rules_say_so(across, covered):
    """Two full members and two others are a group; the row names the branch that has room."""
    plan = make_blocks("AABB", communities=(1, 1))
    rules = Rules(party=Party(across_communities=across))
    branches = form_branches(plan, count_members(plan, A=(2, 2), B=9), rules, lang="en")
    assert branches.branch_coverage["covered"].tolist() == [covered, "own"]
    [name] = branches.branches.index
    assert name in branches.branch_coverage["reason"].iloc[0]
    assert ("across_communities" in branches.branch_coverage["reason"].iloc[0]) == (not across)
    assert branches.groups["kind"].tolist() == ["attached"] * across
    row = branches.branches.loc[name]
    assert (row["full"], row["grids"]) == ((11, 2) if across else (9, 1))
    assert len(branches.branch_violations) == (not across)
    assert branches.branch_communities["full"].tolist() == [2, 9]


def test_few_members_go_without_a_group():
    """One full member of another community is taken in, and is no group; neither is nobody."""
    plan = make_blocks("AABB", communities=(1, 1))
    rules = Rules(party=Party(across_communities=True))
    for members in (1, 0):
        branches = form_branches(plan, count_members(plan, A=members, B=9), rules)
        assert branches.branch_coverage["covered"].tolist() == ["attached", "own"]
        assert branches.groups.empty
        assert branches.branches["full"].tolist() == [9 + members]


@pytest.mark.parametrize(("host", "covered"), [(46, "attached"), (47, "none")])
def test_guests_keep_to_the_cap(host, covered):
    """With four guests a branch of 46 has 50 members, one of 47 has no room."""
    plan = make_blocks("AAB", communities=(1, 1))
    rules = Rules(party=Party(across_communities=True))
    branches = form_branches(plan, count_members(plan, A=(2, 2), B=host), rules)
    assert branches.branch_coverage["covered"].iloc[0] == covered


def test_groups_of_touching_grids_are_one():
    """Two grids of a community with one and two members, one of them full, are a group together."""
    plan = make_blocks("AABBCC", communities=(2, 1))
    rules = Rules(party=Party(across_communities=True))
    branches = form_branches(plan, count_members(plan, A=(1, 0), B=(0, 2), C=9), rules)
    assert branches.groups["full"].tolist() == [1]
    assert branches.groups["probationary"].tolist() == [2]
    assert branches.branch_coverage["covered"].tolist() == ["attached", "attached", "own"]
    assert set(branches.branch_units["branch_id"]) == set(branches.branches.index)


def test_formed_again_guests_stay():
    """Branches with guests keep their ids and their guests."""
    plan = make_blocks("AABB", communities=(1, 1))
    members = count_members(plan, A=(2, 2), B=9)
    rules = Rules(party=Party(across_communities=True))
    first = form_branches(plan, members, rules)
    again = form_branches(plan, members, rules, current=first)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])


def test_reasons_are_chinese_by_default():
    """Every text there is can be written in both languages, with the same facts."""
    plan = make_blocks(ROW, ROW, communities=(2, 4))
    members = count_members(plan, A=[20] * 6, B=2, C=[1, 1], D=(9, 3), E=1, F=7)
    for lang, word in (("zh", "正式党员"), ("en", "full members")):
        branches = form_branches(plan, members, lang=lang)
        assert branches.branches["reason"].str.contains(word).all()
        assert branches.branch_coverage["reason"].str.contains(word).all()
    assert (branches.groups["reason"] != "").all()


def test_no_group_without_a_full_member():
    """Two buildings of ten probationary members each make no group by themselves."""
    branches = form(make_blocks("AAA"), A=[(9, 0), (0, 6), (0, 6)])
    assert (branches.groups["full"] >= 1).all()


# --- present branches -----------------------------------------------------------------------------


def test_same_members_change_nothing():
    """Formed again from themselves, branches keep their ids and units."""
    plan = make_blocks(ROW, ROW)
    members = count_members(plan, A=[20] * 6, B=2, C=9, D=1, E=1, F=1)
    first = form_branches(plan, members)
    again = form_branches(plan, members, current=first)
    pd.testing.assert_frame_equal(first.branches, again.branches)
    pd.testing.assert_frame_equal(first.branch_units, again.branch_units)


def test_present_joint_branches_decide_between_equals():
    """Of two neighbours that are as near, a weak grid stays with the one that it is with."""
    plan = make_blocks("AABBCC")
    for home, away in (("A", "C"), ("C", "A")):
        now = form(plan, **{home: 9, "B": 2, away: 0})
        whole = form_branches(plan, count_members(plan, A=9, B=2, C=9), current=_only(now, home))
        together = whole.branch_grids.groupby("branch_id")["grid_code"].agg(set)
        assert {code_of(plan, home), code_of(plan, "B")} in together.tolist()


def test_present_division_stays_while_it_keeps_the_rules():
    """A division that is in use stays, though it is less even than the engine's."""
    plan = make_blocks("AAAAAA")
    members = count_members(plan, A=[10] * 6)
    now = form_branches(plan, members)
    uneven = now.branch_units.assign(branch_id=["x-1"] * 5 + ["x-2"])
    uneven["branch_id"] = uneven["branch_id"].astype("str")
    kept = form_branches(plan, members, current=_with(now, branch_units=uneven))
    assert kept.branch_units["branch_id"].tolist() == ["x-1"] * 5 + ["x-2"]
    too_many = count_members(plan, A=[15, 15, 15, 15, 3, 3])
    changed = form_branches(plan, too_many, current=kept)
    assert (changed.branches["full"] <= 50).all()


def test_ids_go_on_where_members_stay():
    """A branch that loses a grid keeps its id."""
    plan = make_blocks("AABBCC")
    now = form(plan, A=2, B=9, C=9)
    after = form_branches(plan, count_members(plan, A=5, B=9, C=9), current=now)
    joint = now.branches.index[now.branches["kind"] == "joint"][0]
    kept = match_labels(
        after.branch_units["branch_id"], now.branch_units["branch_id"], after.branch_units["full"]
    )
    assert kept[joint] == joint
    assert after.branches.index.is_unique


def _only(now: Branches, home: str) -> Branches:
    """Return the branches as they were, with the far grid in none."""
    far = ~now.branch_units["building_id"].str[0].isin([home, "B"])
    units = now.branch_units.assign(branch_id=now.branch_units["branch_id"].where(~far, ""))
    return _with(now, branch_units=units)


def _with(branches: Branches, **tables) -> Branches:
    return Branches.from_tables({**branches.tables, **tables})


# --- secretaries ----------------------------------------------------------------------------------


def test_secretary_is_the_leader_when_a_full_member():
    """A full member leads; a probationary one and one who is none do not, and the row says so."""
    plan = make_blocks("AABBCC")
    members = count_members(plan, A=9, B=9, C=9)
    a, b, c = (code_of(plan, letter) for letter in "ABC")
    leaders = lead(**{a: ("w1", "full"), b: ("w2", "probationary"), c: ("w3", "")})
    table = form_branches(plan, members, leaders=leaders, lang="en").branches
    assert table["secretary"].tolist() == ["w1", "", ""]
    assert table["reason"].str.contains("probationary member|is no member").tolist()[1:] == [
        True,
        True,
    ]


def test_one_person_leads_one_branch():
    """A worker of two grids, or of a divided one, is the secretary of one branch."""
    plan = make_blocks("AABBBB")
    members = count_members(plan, A=9, B=[20, 20, 20, 20])
    leaders = lead(**dict.fromkeys(plan.grids.index, ("w1", "full")))
    table = form_branches(plan, members, leaders=leaders).branches
    assert sorted(table["secretary"]) == ["", "", "w1"]
    assert table.loc[table["secretary"] == "w1", "full"].tolist() == [40]


def test_a_joint_branch_takes_any_of_its_leaders():
    """Where the leader of the first grid is none, another grid's full member leads."""
    plan = make_blocks("AABB")
    leaders = lead(**{code_of(plan, "B"): ("w2", ""), code_of(plan, "A"): ("w1", "full")})
    table = form_branches(plan, count_members(plan, A=2, B=9), leaders=leaders).branches
    assert table["secretary"].tolist() == ["w1"]


def test_leaders_of_a_day():
    """Of two primary workers at a hand-over the one who stays leads; deputies never do."""
    days = pd.to_datetime(["2026-01-01", "2026-06-01", "2026-01-01"]).astype("datetime64[s]")
    ends = pd.to_datetime(["2026-06-05", None, None]).astype("datetime64[s]")
    staffing = pd.DataFrame(
        {
            "grid_code": "210802003002001",
            "worker_id": ["w1", "w2", "w3"],
            "role": ["primary", "primary", "deputy"],
            "starts": days,
            "ends": ends,
        }
    )
    workers = pd.DataFrame({"party": ["full", "full", ""]}, index=["w1", "w2", "w3"])
    found = [
        find_leaders(staffing, workers, day)["worker_id"].tolist()
        for day in (date(2026, 5, 31), date(2026, 6, 3), date(2026, 6, 6))
    ]
    assert found == [["w1"], ["w2"], ["w2"]]


def test_wrong_leaders_are_refused():
    """An unknown grid, and two leaders of one, are errors that name them."""
    plan = make_blocks("AA")
    members = count_members(plan, A=9)
    with pytest.raises(TableError, match="no such grid: 123"):
        form_branches(plan, members, leaders=lead(**{"123": ("w", "full")}))
    twice = pd.concat([lead(**{code_of(plan, "A"): ("w", "full")})] * 2)
    with pytest.raises(TableError, match="have two"):
        form_branches(plan, members, leaders=twice)


# --- tables ---------------------------------------------------------------------------------------


def test_nobody_is_lost_and_everything_adds_up():
    """Members add up over grids, branches, compounds and units, grid for grid."""
    plan = make_blocks(ROW, ROW, communities=(2, 4))
    members = count_members(plan, A=[20] * 6, B=2, C=[1, 1], D=(9, 3), E=1, F=7)
    branches = form_branches(plan, members)
    total = members.sum()
    for table in (branches.branches, branches.branch_grids, branches.branch_coverage):
        assert table[["full", "probationary"]].sum().equals(total)
    walled = plan.city.buildings.index[plan.city.buildings["compound_id"] != ""]
    there = members.loc[members.index.isin(walled), "full"].sum()
    assert branches.branch_compounds["full"].sum() == there
    assert (branches.branch_units["branch_id"] != "").all()
    rebuilt = Branches.from_tables({**branches.tables, "other": pd.DataFrame()})
    assert rebuilt.branches.equals(branches.branches)
    with pytest.raises(TableError, match="no table groups"):
        Branches.from_tables({k: v for k, v in branches.tables.items() if k != "groups"})


def test_a_compound_and_a_branch_are_many_to_many():
    """A compound that lies in two grids has two branches, and a branch several compounds."""
    branches = form(make_blocks("AB", "AB"), A=9, B=9)
    assert branches.branch_compounds["compound_id"].tolist() == ["银泉小区", "银泉小区"]
    assert branches.branch_compounds["branch_id"].nunique() == 2


def test_a_branch_has_several_compounds():
    """A joint branch of two grids lies in the compounds of both; its members add up."""
    plan = make_blocks("AABB")
    walled = plan.units["compound_id"].replace("", "金海小区")
    members = count_members(plan, A=2, B=[(1, 1), 3])
    branches = form_branches(replace(plan, units=plan.units.assign(compound_id=walled)), members)
    table = branches.branch_compounds
    assert table["branch_id"].nunique() == 1
    assert table.set_index("compound_id")["full"].to_dict() == {"银泉小区": 2, "金海小区": 4}
    assert table["probationary"].sum() == 1


def test_report_in_words():
    """The text counts branches and groups apart and lists every violation."""
    text = form(make_blocks("AABB", communities=(1, 1)), A=2, B=9).to_text()
    assert text.startswith("1 branches for 2 grids")
    assert "coverage 50.0 %" in text
    assert "is in no branch" in text


# --- like the reference city ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def town():
    """Draw a town of 120 grids."""
    return draw_plan(make_city(120), steps=10)


def test_more_branches_than_grids_as_in_the_reference_city(town):
    """With 29.4 members to a grid, spread 0.37, branches per grid average 1.03 to 1.06."""
    ratios = []
    for seed in range(3):
        branches = form_branches(town, make_members(town, seed=seed))
        facts = branches.summarize()
        ratios.append(facts["branches_per_grid"])
        assert facts["coverage"] == 100
        assert facts["proven"]
        assert set(facts["violations"]) <= {"over_cap"}
        pieces = count_pieces(town.adjacency, branches.branch_units["branch_id"])
        assert (pieces == 1).all()
    assert 1.03 <= sum(ratios) / len(ratios) <= 1.06
