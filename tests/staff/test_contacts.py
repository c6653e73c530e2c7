"""Contact points and co-building units: even shares, the least cost, scopes, reasons."""

from itertools import product

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.errors import RulesError, StaffError, TableError
from gridmap.staff.branches import form_branches
from gridmap.staff.contacts import (
    MatchWeights,
    join_contacts,
    match_branches,
    match_communities,
    measure_need,
)
from gridmap.staff.places import read_contacts
from gridmap.staff.sharing import match_evenly
from gridmap.tables import CONTACT_MATCHES, CONTACTS, check_table
from tests.staff.blocks import CRS, count_members, make_blocks


@pytest.fixture(scope="module")
def plan():
    """Three communities side by side, 200 m each; the third in another district."""
    return make_blocks("AABBCC", communities=(1, 1, 1))


def offices(*spots, scope="", points=1) -> gpd.GeoDataFrame:
    """Return contacts with offices at x metres along the communities."""
    return gpd.GeoDataFrame(
        {"kind": "leader", "name": "领导", "scope": scope, "points": points},
        index=pd.Index([f"K{at}" for at in range(len(spots))], name=CONTACTS.index),
        geometry=gpd.points_from_xy(spots, [50] * len(spots)),
        crs=CRS,
    )


def alike(plan) -> pd.Series:
    """Return the same need for every community."""
    return pd.Series(0.5, plan.city.communities.index)


def price(cost, chosen) -> tuple[int, float]:
    """Return the evenness (sum of squares) and the cost of a matching."""
    used = np.bincount([at for some in chosen for at in some], minlength=cost.shape[1])
    total = sum(cost[row, at] for row, some in enumerate(chosen) for at in some)
    return int((used**2).sum()), round(total, 6)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_no_matching_is_better(data):
    """Most contacts matched, then evenest, then cheapest: as of all matchings tried."""
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    cells = st.one_of(st.just(np.inf), st.integers(0, 9).map(float))
    cost = np.array([[data.draw(cells) for _ in range(columns)] for _ in range(rows)])
    points = np.array([data.draw(st.integers(0, 2)) for _ in range(rows)])
    choices = []
    for row in range(rows):
        allowed = [at for at in range(columns) if np.isfinite(cost[row, at])]
        size = min(int(points[row]), len(allowed))
        sets = [s for s in product([0, 1], repeat=len(allowed)) if sum(s) == size]
        choices.append([[at for at, flag in zip(allowed, s, strict=True) if flag] for s in sets])
    best = min(price(cost, chosen) for chosen in product(*choices))
    found = match_evenly(cost, points)
    assert all(len(some) == len(choices[row][0]) for row, some in enumerate(found))
    assert price(cost, found) == best


def test_nearest_where_shares_are_even(plan):
    """Three offices for three communities of one need: each takes the nearest that is left."""
    matches = match_communities(plan, offices(100, 120, 500), need=alike(plan))
    check_table(matches, CONTACT_MATCHES)
    assert matches["target_id"].tolist() == ["210802003002", "210802003003", "210803002001"]
    assert matches["rank"].tolist() == [1, 1, 1]
    assert "已由另外1个结对" in matches["reason"].iloc[1]
    told = match_communities(plan, offices(100, 120, 500), need=alike(plan), lang="en")
    assert "has its share of 1 from others" in told["reason"].iloc[1]
    pd.testing.assert_frame_equal(told.drop(columns="reason"), matches.drop(columns="reason"))
    assert matches["extra"].iloc[1] < 0 < matches["extra"].iloc[0]


def test_need_decides_who_gets_more(plan):
    """Of four contacts the neediest community gets two, unless need counts nothing."""
    need = alike(plan).where(plan.city.communities.index != "210803002001", 1.0)
    chosen = match_communities(plan, offices(100, 100, 100, 100), need=need)
    assert chosen["target_id"].value_counts()["210803002001"] == 2
    near = match_communities(
        plan, offices(100, 100, 100, 100), need=need, weights=MatchWeights(need=0)
    )
    assert near["target_id"].value_counts()["210802003002"] == 2


def test_scope_holds(plan):
    """A leader of a street stays in it, however uneven that is; without a place it is said."""
    matches = match_communities(plan, offices(100, 100, 100, scope="210803"), need=alike(plan))
    assert set(matches["target_id"]) == {"210803002001"}
    assert matches["rank"].tolist() == [1, 2, 3]
    lost = match_communities(plan, offices(100, scope="999"), need=alike(plan))
    assert lost["target_id"].tolist() == [""]
    assert "范围“999”内的社区" in lost["reason"].iloc[0]


def test_several_points_are_several_places(plan):
    """A contact with two points gets two communities, never one twice."""
    matches = match_communities(plan, offices(100, 500, points=2), need=alike(plan))
    assert len(matches) == 4
    assert not matches.duplicated(["contact_id", "target_id"]).any()
    too_many = match_communities(plan, offices(100, points=5), need=alike(plan))
    assert (too_many["target_id"] == "").sum() == 2


def test_contacts_without_positions(plan):
    """An office that nobody placed is matched by need, and its distance is unknown."""
    plain = pd.DataFrame(offices(0, 0)).drop(columns="geometry")
    matches = match_communities(plan, plain, need=alike(plan))
    assert matches["distance"].isna().all()
    assert matches["target_id"].nunique() == 2


def test_branches_as_targets(plan):
    """Units are matched to branches in the same form."""
    branches = form_branches(plan, count_members(plan, A=9, B=9, C=9))
    matches = match_branches(plan, branches, offices(50, 550))
    check_table(matches, CONTACT_MATCHES)
    assert set(matches["target"]) == {"branch"}
    assert matches["target_id"].isin(branches.branches.index).all()


def test_need_of_communities(plan):
    """Fewer full members, more need; from 0 to 1."""
    need = measure_need(plan, form_branches(plan, count_members(plan, A=3, B=9, C=20)))
    assert need.idxmax() == "210802003002"
    assert (need.min(), need.max()) == (0.0, 1.0)
    with pytest.raises(TableError, match="nothing for"):
        match_communities(plan, offices(1), need=need.iloc[:1])
    with pytest.raises(TableError, match="not 0 to 1"):
        match_communities(plan, offices(1), need=need + 1)


def test_each_kind_has_even_shares(plan):
    """Three leaders and three units: a community has one of each, whatever the other kind has."""
    both = offices(100, 100, 100, 100, 100, 100)
    both["kind"] = ["leader", "unit"] * 3
    matches = match_communities(plan, both, need=alike(plan))
    assert matches["contact_id"].tolist() == [f"K{at}" for at in range(6)]
    kinds = both["kind"].loc[matches["contact_id"]].to_numpy()
    for kind in ("leader", "unit"):
        assert matches.loc[kinds == kind, "target_id"].nunique() == 3
        assert matches.loc[kinds == kind, "rank"].tolist() == [1, 1, 1]


def test_reasons_name_the_next_best(plan):
    """By its name, as offices know it."""
    reason = match_communities(plan, offices(100), need=alike(plan))["reason"].iloc[0]
    assert "次优东新社区" in reason


def test_a_list_of_units_leaves_the_leaders(plan):
    """What is kept of the other kind stays; of the same kind the new list counts."""
    leaders, units = offices(100, 300), offices(500).set_axis(["G1"], axis=0)
    units = units.assign(kind="unit").rename_axis(CONTACTS.index)
    first = join_contacts({}, leaders, match_communities(plan, leaders))
    both = join_contacts(first, units, match_communities(plan, units))
    assert both["contacts"].index.tolist() == ["K0", "K1", "G1"]
    check_table(both["contacts"], CONTACTS)
    check_table(both["contact_matches"], CONTACT_MATCHES)
    fewer = join_contacts(both, leaders.iloc[:1], match_communities(plan, leaders.iloc[:1]))
    assert fewer["contact_matches"]["contact_id"].tolist() == ["G1", "K0"]
    twin = units.set_axis(["K0"], axis=0).rename_axis(CONTACTS.index)
    with pytest.raises(TableError, match="K0 are kept as another kind"):
        join_contacts(first, twin, match_communities(plan, twin))


def test_reference_city_is_even():
    """359 contact points for 189 communities: one or two each; 570 units: three or four."""
    rng = np.random.default_rng(0)
    for contacts, expected in ((359, {1, 2}), (570, {3, 4})):
        cost = rng.random((contacts, 189))
        chosen = match_evenly(cost, np.ones(contacts, np.int64))
        used = np.bincount([some[0] for some in chosen], minlength=189)
        assert set(used.tolist()) == expected


def test_read_contacts(tmp_path, plan):
    """A list with Chinese headers and degrees becomes a table in the city's CRS."""
    path = tmp_path / "共建单位.csv"
    rows = [
        "编号,类别,名称,范围,点数,经度,纬度",
        "G1,共建单位,市图书馆,,2,122.2,40.6",
        "G2,领导,,210802,,,",
    ]
    path.write_text("\n".join(rows), encoding="gb18030")
    contacts = read_contacts(path, plan.city)
    check_table(contacts, CONTACTS)
    assert contacts["points"].tolist() == [2, 1]
    assert contacts["kind"].tolist() == ["unit", "leader"]
    assert contacts.crs == plan.city.crs
    assert contacts.geometry.isna().tolist() == [False, True]


def test_wrong_contacts_are_listed(tmp_path, plan):
    """A wrong kind, scope, number and id are named row by row."""
    path = tmp_path / "x.csv"
    rows = ["编号,类别,名称,范围,点数", "G1,狗,a,,1", "G2,领导,b,99,1", "G2,领导,c,,-1"]
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(StaffError) as caught:
        read_contacts(path, plan.city)
    found = {(one.row, one.column) for one in caught.value.report.findings}
    expected = {("row 2", "kind"), ("row 3", "scope"), ("row 4", "points"), ("row 4", "contact_id")}
    assert found == expected


def test_weights_are_checked():
    """A negative weight is refused."""
    with pytest.raises(RulesError, match="need is -1"):
        MatchWeights(need=-1)
