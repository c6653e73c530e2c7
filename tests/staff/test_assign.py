"""Who serves each grid: limits, the optimum against brute force, shortage, reasons."""

from dataclasses import replace
from datetime import date
from itertools import product

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gridmap
from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules, Staffing
from gridmap.staff import (
    assign_workers,
    branching,
    check_staffing,
    make_workers,
    summarize_staffing,
)
from gridmap.staff.assign import list_duties
from gridmap.staff.case import Case, make_case
from gridmap.staff.columns import Duties, Optimum
from gridmap.staff.exchanges import find_exchanges
from gridmap.staff.optimum import find_optimum
from gridmap.tables import STAFFING, check_table
from tests.staff.towns import PLACES, make_people, make_strip

DAY = date(2025, 3, 3)


def serve(plan: Plan, workers: gpd.GeoDataFrame, **options: object) -> pd.DataFrame:
    """Assign on the day of the tests."""
    return assign_workers(plan, workers, on=DAY, **options)  # type: ignore[arg-type]


def primaries(staffing: pd.DataFrame) -> list[str]:
    """Return the primary workers in the order of the grids."""
    return staffing.loc[staffing["role"] == "primary", "worker_id"].tolist()


def test_each_grid_gets_its_nearest_worker() -> None:
    """Three workers at three grids: nobody crosses, and the way is along the street."""
    plan = make_strip([[300, 300, 300]])
    staffing = serve(plan, make_people({"x": 250.0}, {"x": 50.0}, {"x": 150.0}))
    check_table(staffing, STAFFING)
    assert primaries(staffing) == ["w1", "w2", "w0"]
    rows = staffing[staffing["role"] == "primary"]
    assert set(rows["way"]) <= {"block", "streets"}
    assert rows["walk"].tolist() == pytest.approx([65.0] * 3)  # 50 m from the edge, detour 1.3
    assert set(rows["binding"]) == {"nearest"}
    assert staffing.attrs["proof"]["status"] == "optimal"


def test_ways_are_straight_where_there_are_no_streets() -> None:
    """Without streets a way to another block is a straight line with the detour, and says so."""
    plan = make_strip([[300, 300]], street=False)
    staffing = serve(plan, make_people({"x": 150.0}))
    rows = staffing[(staffing["worker_id"] == "w0") & (staffing["role"] == "primary")]
    assert rows["way"].tolist() == ["block"]
    case = make_case(plan, make_people({"x": 150.0}), plan.rules, current=None, on=DAY)
    assert case.walk[0, 0] == pytest.approx(1.3 * np.hypot(100, 50))
    assert case.ways[0, 0] == 2


def test_a_community_worker_stays_in_his_community() -> None:
    """However near the next community's grid is, it stays vacant."""
    plan = make_strip([[300], [300]])
    people = make_people({"kind": "community", "community_id": PLACES[0], "x": 150.0})
    staffing = serve(plan, people, lang="en")
    assert primaries(staffing) == ["w0", ""]
    vacant = staffing[(staffing["worker_id"] == "") & (staffing["role"] == "primary")]
    assert vacant["binding"].tolist() == ["nobody"]


def test_a_cadre_goes_where_he_is_sent_unless_that_leaves_a_grid_empty() -> None:
    """Outside his community he serves only where nobody else can."""
    plan = make_strip([[300], [300]])
    near = {"community_id": PLACES[1], "x": 50.0}
    two = make_people(near, {"community_id": PLACES[0], "x": 150.0})
    assert primaries(serve(plan, two)) == ["w1", "w0"]
    one = serve(plan, make_people(near, {"kind": "community", "community_id": PLACES[1], "x": 0.0}))
    assert primaries(one) == ["w0", "w1"]


@pytest.mark.parametrize(
    ("households", "people", "held"),
    [
        (500, 2, [("w0", 500)]),
        (501, 2, [("w0", 251), ("w1", 250)]),
        (501, 1, [("w0", 251), ("", 250)]),
        (501, 0, [("", 501)]),
        (1000, 3, [("w0", 500), ("w1", 500)]),
        (1001, 3, [("w0", 334), ("w1", 334), ("w2", 333)]),
    ],
)
def test_a_grid_above_the_hard_limit_is_shared(
    households: int, people: int, held: list[tuple[str, int]]
) -> None:
    """500 households have one worker, 501 two, 1,001 three; a share that nobody has is named."""
    plan = make_strip([[households]])
    workers = make_people(*({"x": 10.0 * at} for at in range(3))).iloc[:people]
    staffing = serve(plan, workers, lang="en")
    check_table(staffing, STAFFING)
    rows = staffing[staffing["role"] == "primary"]
    shared = len(held) > 1
    assert len(rows) == len(held)
    assert sorted(rows["households"]) == sorted(count for _, count in held)
    assert sorted(rows["worker_id"] == "") == sorted(who == "" for who, _ in held)
    assert set(rows.loc[rows["worker_id"] != "", "binding"] == "shared") <= {shared}
    assert rows["reason"].str.contains("shared by").all() == shared
    figures = summarize_staffing(plan, staffing, workers, on=DAY)
    lacking = shared and ("", 250) in held
    assert (figures["shared"], figures["short"]) == (int(shared), int(lacking))
    assert figures["vacant"] == (held[0][0] == "")
    if lacking:
        assert rows["reason"].str.contains("某人（w0） has the other 251 of the grid").any()
    found = check_staffing(plan, staffing, workers, on=DAY).findings
    nobody = "a share has no primary worker" if shared else "no primary worker"
    assert [one.problem for one in found] == ([nobody] if lacking or not people else [])


def test_a_second_share_waits_until_every_grid_has_somebody() -> None:
    """Of two workers one serves the large grid and one the small, however near both live."""
    staffing = serve(make_strip([[600], [300]]), make_people({"x": 40.0}, {"x": 50.0}))
    rows = staffing[staffing["role"] == "primary"]
    assert rows[rows["worker_id"] != ""]["grid_code"].nunique() == 2
    vacant = rows[rows["worker_id"] == ""]
    assert vacant["binding"].tolist() == ["short"]
    assert "本网格600户" in vacant["reason"].iloc[0]


def test_nobody_has_two_shares_of_one_grid() -> None:
    """Two of three shares of 200 would be 400, which a worker may carry; he has one."""
    small = {"x": 0.0, "limit": 200, "capacity": 200}
    rows = serve(make_strip([[600]]), make_people(small, small)).query("role == 'primary'")
    assert sorted(rows["worker_id"]) == ["", "w0", "w1"]


def test_shares_stay_with_who_has_them() -> None:
    """With the present staffing both keep their share, and a third who lives nearer waits."""
    plan = make_strip([[900]])
    people = make_people({"x": 10.0}, {"x": 90.0}, {"x": 50.0})
    first = serve(plan, people.iloc[:2]).query("role == 'primary'")
    again = serve(plan, people, current=first).query("role == 'primary'")
    assert sorted(again["worker_id"]) == ["w0", "w1"]
    assert first["worker_id"].tolist() == again["worker_id"].tolist()


def test_check_finds_two_workers_who_do_not_share() -> None:
    """Two of 400 households each are too many for 600; of 300 they are not."""
    plan = make_strip([[600]])
    people = make_people({"x": 10.0}, {"x": 20.0})
    staffing = serve(plan, people)
    assert check_staffing(plan, staffing, people, on=DAY).status == "clean"
    both = staffing.assign(households=400)
    problems = {one.problem for one in check_staffing(plan, both, people, on=DAY).findings}
    assert problems == {"two primary workers at a time"}


@pytest.mark.parametrize(("capacity", "households", "served"), [
    (150, 250, True), (150, 251, False), (300, 500, True), (400, 501, False),
])  # fmt: skip
def test_a_part_timers_limit_is_his_share(capacity: int, households: int, served: bool) -> None:
    """5/3 of the usual load, 500 at most: as `Staffing.limit_of` says."""
    limit = Staffing().limit_of(capacity)
    people = make_people({"capacity": capacity, "limit": limit, "x": 0.0})
    assert (primaries(serve(make_strip([[households]]), people)) == ["w0"]) == served


def test_a_list_can_not_raise_the_hard_limit() -> None:
    """A worker whose list says 900 carries 500 of the rules; of 450 where the rules say so."""
    people = make_people({"x": 0.0, "limit": 900})
    for most, households in ((500, 501), (450, 451)):
        rules = Rules(staffing=Staffing(max_households=most))
        plan = make_strip([[households - 1, 300]], rules=rules)
        assert primaries(serve(plan, people)).count("w0") == 1
        rows = serve(make_strip([[households]], rules=rules), people).query("role == 'primary'")
        assert rows["households"].max() <= most


def test_other_rules_count_for_the_ways_as_well() -> None:
    """With a detour of 2 a way without streets is twice the straight line."""
    plan = make_strip([[300]], street=False)
    rules = Rules(staffing=Staffing(detour=2.0))
    row = serve(plan, make_people({"x": 50.0}), rules=rules).iloc[0]
    assert row["walk"] == pytest.approx(100.0)


@pytest.mark.parametrize(("pair", "doubled"), [((250, 250), True), ((250, 251), False)])
def test_two_adjacent_grids_share_a_worker_when_short(pair: tuple[int, int], doubled: bool) -> None:
    """Together 500 households at most; above that one of them is vacant."""
    staffing = serve(make_strip([pair]), make_people({"x": 100.0}))
    assert primaries(staffing).count("w0") == 1 + doubled
    rows = staffing[(staffing["role"] == "primary") & (staffing["worker_id"] == "w0")]
    assert rows["load"].tolist() == ([500, 500] if doubled else [250])
    assert set(rows["binding"]) == ({"doubled"} if doubled else {"nearest"})


def test_grids_that_are_not_adjacent_do_not_share_a_worker() -> None:
    """The two small grids lie apart, so one stays vacant."""
    plan = make_strip([[200, 450, 200]])
    staffing = serve(plan, make_people({"x": 50.0}, {"x": 150.0}))
    assert primaries(staffing).count("") == 1
    assert len(set(primaries(staffing))) == 3


def test_grids_of_two_communities_do_not_share_a_worker() -> None:
    """Adjacent and small, but across the border of a community."""
    assert primaries(serve(make_strip([[200], [200]]), make_people({"x": 100.0}))).count("") == 1


def test_nobody_has_two_grids_while_somebody_is_free() -> None:
    """A free worker comes from far; the near one does not take both."""
    plan = make_strip([[200, 200]])
    assert sorted(primaries(serve(plan, make_people({"x": 100.0}, {"x": 9000.0})))) == ["w0", "w1"]


@pytest.mark.parametrize(("most", "served"), [(1, 1), (2, 2), (3, 3)])
def test_how_many_grids_one_worker_may_have_is_a_setting(most: int, served: int) -> None:
    """One, two or three grids of 150 households in a row."""
    rules = Rules(staffing=Staffing(max_grids_per_worker=most))
    staffing = serve(make_strip([[150, 150, 150]], rules=rules), make_people({"x": 150.0}))
    assert primaries(staffing).count("w0") == served


def test_a_worker_stays_unless_a_change_saves_enough() -> None:
    """A change counts 500 m: two workers swap for 600 m of walking each, not for 200 m."""
    for gap, swapped in ((2, False), (7, True)):
        plan = make_strip([[300], [300] * (gap - 1), [300]])  # those between have their own
        home = {"kind": "community", "community_id": PLACES[1]}
        between = [{**home, "x": 50.0 + 100 * at} for at in range(1, gap)]
        people = make_people({"x": 50.0}, {"x": 50.0 + 100 * gap}, *between)
        held = serve(plan, people).query("role == 'primary'").copy()
        first, last = plan.grids.index[[0, -1]]
        held["worker_id"] = (
            held["grid_code"].map({first: "w1", last: "w0"}).fillna(held["worker_id"])
        )
        held["starts"] = pd.Timestamp(2024, 1, 1)
        after = serve(plan, people, current=held).query("role == 'primary'")
        now = after.set_index("grid_code")
        assert (now.at[first, "worker_id"] == "w0") == swapped
        day = DAY if swapped else date(2024, 1, 1)
        assert now.at[first, "starts"] == pd.Timestamp(day)
        assert now.at[first, "binding"] == ("nearest" if swapped else "continuity")


def test_who_stays_keeps_the_day_when_he_came() -> None:
    """The first day is that of the staffing before, for a new worker it is the day asked for."""
    plan = make_strip([[300, 300]])
    people = make_people({"x": 50.0}, {"x": 150.0})
    first = assign_workers(plan, people, on=date(2024, 1, 1))
    again = serve(plan, people, current=first)
    assert set(again["starts"]) == {pd.Timestamp(2024, 1, 1)}


def test_who_is_not_there_on_the_day_is_left_out() -> None:
    """A term includes its first and its last day."""
    plan = make_strip([[300]])
    people = make_people({"x": 0.0, "starts": pd.Timestamp(DAY), "ends": pd.Timestamp(DAY)})
    assert primaries(serve(plan, people)) == ["w0"]
    for day in (date(2025, 3, 2), date(2025, 3, 4)):
        assert primaries(assign_workers(plan, people, on=day)) == [""]


def test_no_workers_at_all_is_an_answer() -> None:
    """Every grid is vacant, and named."""
    plan = make_strip([[300, 300]])
    nobody = make_people({"x": 0.0}).iloc[:0]
    staffing = serve(plan, nobody)
    check_table(staffing, STAFFING)
    assert primaries(staffing) == ["", ""]


def test_workers_of_an_unknown_community_are_refused() -> None:
    """With the worker and the community."""
    with pytest.raises(StaffError, match="w0 of 999"):
        serve(make_strip([[300]]), make_people({"community_id": "999"}))


def test_deputies_are_others_and_taken_evenly() -> None:
    """Nobody stands in for himself or twice while somebody else does not; free workers first."""
    plan = make_strip([[300, 300, 300]])
    staffing = serve(plan, make_people({"x": 50.0}, {"x": 150.0}, {"x": 250.0}))
    both = staffing.pivot(index="grid_code", columns="role", values="worker_id")
    assert (both["primary"] != both["deputy"]).all()
    assert sorted(both["deputy"]) == ["w0", "w1", "w2"]
    home = {"kind": "community", "community_id": PLACES[0]}
    spare = serve(plan, make_people(*({**home, "x": x} for x in (50.0, 150.0, 250.0, 900.0))))
    assert spare[spare["binding"] == "spare"]["worker_id"].tolist() == ["w3"]


def test_a_deputy_stays_unless_a_change_saves_enough() -> None:
    """Of two free workers who live 100 m apart the deputy stays; one who is 600 m nearer comes."""
    plan = make_strip([[300]])
    home = {"kind": "community", "community_id": PLACES[0]}
    people = make_people({**home, "x": 50.0}, {**home, "x": 400.0}, {**home, "x": 1000.0})
    first = serve(plan, people)
    assert first["worker_id"].tolist() == ["w0", "w1"]
    for x, deputy in ((500.0, "w2"), (1000.0, "w1")):
        moved = make_people({**home, "x": 50.0}, {**home, "x": 400.0}, {**home, "x": x})
        held = first.replace({"worker_id": {"w1": "w2"}})
        assert serve(plan, moved, current=held)["worker_id"].tolist() == ["w0", deputy]


def test_a_deputys_reason_names_the_next_best() -> None:
    """With the way, and what he costs more; where he stands in elsewhere already, that is said."""
    plan = make_strip([[300, 300]])
    home = {"kind": "community", "community_id": PLACES[0]}
    people = make_people(*({**home, "x": x} for x in (50.0, 150.0, 90.0, 110.0, 700.0)))
    near = serve(plan, people.iloc[:4]).query("role == 'deputy'")
    assert near["worker_id"].tolist() == ["w2", "w3"]
    assert near["rival"].tolist() == ["w3", "w2"]
    ways = near[["walk", "rival_walk"]].sum()
    assert near["extra"].tolist() == pytest.approx([ways["rival_walk"] - ways["walk"]] * 2)
    one = serve(make_strip([[300]]), people.iloc[:3]).query("role == 'deputy'")
    assert one["extra"].tolist() == pytest.approx((one["rival_walk"] - one["walk"]).tolist())
    two = serve(plan, people.iloc[:3]).query("role == 'deputy'")
    assert two["reason"].str.contains("但其已代管别处").any()


def test_how_many_deputies_is_a_setting() -> None:
    """Two ranks of deputies are two people; where there is nobody the row says so."""
    rules = Rules(staffing=Staffing(deputies=2))
    plan = make_strip([[300, 300, 300]], rules=rules)
    staffing = serve(plan, make_people({"x": 50.0}, {"x": 150.0}, {"x": 250.0}))
    some = staffing[staffing["role"] == "deputy"].groupby("grid_code")["worker_id"]
    assert some.nunique().tolist() == [2, 2, 2]
    alone = serve(make_strip([[300]], rules=rules), make_people({"x": 0.0}))
    assert alone["worker_id"].tolist() == ["w0", "", ""]


def test_reasons_name_the_next_best_and_what_kept_the_nearest_out() -> None:
    """The nearest one belongs elsewhere; the next best is named with the way."""
    plan = make_strip([[300], [300]])
    people = make_people(
        {"kind": "community", "community_id": PLACES[1], "x": 110.0, "name": "甲"},
        {"community_id": PLACES[0], "x": 0.0, "name": "乙"},
        {"community_id": PLACES[0], "x": 10.0, "name": "丙"},
        {"kind": "community", "community_id": PLACES[1], "x": 120.0, "name": "丁"},
    )
    row = serve(plan, people, lang="en").query("role == 'primary'").iloc[0]
    assert (row["worker_id"], row["rival"]) == ("w2", "w1")
    assert row["extra"] == pytest.approx(row["rival_walk"] - row["walk"], abs=1)
    assert "next best 乙（w1）" in row["reason"]
    assert serve(plan, people)["reason"].str.contains("次优").any()


@pytest.mark.parametrize(
    ("near", "told"),
    [
        ({"community_id": PLACES[1]}, "is sent to 2号社区, and another community counts 10,000 m"),
        ({"kind": "part_time", "community_id": PLACES[0]}, "is a part-timer, which counts 1,000 m"),
        ({"capacity": 100, "limit": 300}, "usually carries 100 households, which is far from 300"),
    ],
)
def test_who_is_nearer_and_free_is_told_why_he_does_not_serve(
    near: dict[str, object], told: str
) -> None:
    """Sent elsewhere, a part-timer, or with a much smaller usual load: each is said so."""
    plan = make_strip([[300], [300]])
    home = {"kind": "community", "community_id": PLACES[1], "x": 150.0}
    people = make_people({"community_id": PLACES[0], "x": 300.0}, home, {**near, "x": 50.0})
    row = serve(plan, people, lang="en").query("role == 'primary'").iloc[0]
    assert (row["worker_id"], row["binding"]) == ("w0", "elsewhere")
    assert told in row["reason"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(150, 700), min_size=2, max_size=6),
    st.lists(st.tuples(st.integers(0, 600), st.booleans()), min_size=1, max_size=6),
)
def test_an_exchange_costs_what_it_says(
    households: list[int], people: list[tuple[int, bool]]
) -> None:
    """Done by hand, the exchange keeps the rules and costs just so much more, never less."""
    plan = make_strip([households[::2], households[1::2]])
    bound = {"kind": "community"}
    workers = make_people(
        *(
            {"x": float(x), **({**bound, "community_id": PLACES[x > 300]} if stays else {})}
            for x, stays in people
        )
    )
    case = make_case(plan, workers, plan.rules, current=None, on=DAY)
    duties, groups = list_duties(case)
    best = find_optimum(duties)
    primary = np.full(len(case.posts), -1)
    for column in best.columns:
        primary[list(groups[duties.group[column]])] = duties.worker[column]
    found = find_exchanges(case, primary, np.full(case.cost.shape, np.inf))
    for post in np.flatnonzero(found.exact):
        changed = primary.copy()
        theirs = primary == found.rival[post]
        changed[post], changed[theirs] = found.rival[post], primary[post]
        assert total_cost(case, changed) - total_cost(case, primary) == found.extra[post] >= 0


def total_cost(case: Case, primary: np.ndarray) -> float:
    """Add up what a staffing costs, over the sets of posts that each worker has."""
    duties, groups = list_duties(case)
    price = {
        (int(worker), groups[group]): cost
        for worker, group, cost in zip(duties.worker, duties.group, duties.cost, strict=True)
    }
    sets = [
        (who, tuple(np.flatnonzero(primary == who).tolist()))
        for who in set(primary.tolist()) - {-1}
    ]
    return float(case.vacant[primary < 0].sum()) + sum(price[one] for one in sets)


def test_a_vacancy_says_what_filling_it_would_leave_open() -> None:
    """One worker and two grids that he cannot both have: the other would be vacant instead."""
    plan = make_strip([[300, 300]])
    staffing = serve(plan, make_people({"x": 50.0, "name": "甲"}), lang="en")
    [row] = staffing[(staffing["worker_id"] == "") & (staffing["role"] == "primary")].to_dict(
        "records"
    )
    assert row["rival"] == "w0"
    assert "with 甲（w0） here" in row["reason"]
    assert "would be vacant" in row["reason"]
    assert row["extra"] >= 0


def brute_force(plan: Plan, workers: gpd.GeoDataFrame) -> float:
    """Try every worker, or nobody, in every grid; return the least cost."""
    case = make_case(plan, workers, plan.rules, current=None, on=DAY)
    duties, groups = list_duties(case)
    price = {
        (int(worker), groups[group]): cost
        for worker, group, cost in zip(duties.worker, duties.group, duties.cost, strict=True)
    }
    best = float(duties.vacant.sum())
    for choice in product(range(-1, len(case.workers)), repeat=len(case.posts)):
        total = float(duties.vacant[[who < 0 for who in choice]].sum())
        for who in set(choice) - {-1}:
            own = tuple(at for at, one in enumerate(choice) if one == who)
            total += price.get((who, own), np.inf)
        best = min(best, total)
    return best


@settings(max_examples=15, deadline=None)
@given(
    households=st.lists(
        st.lists(st.sampled_from([0, 120, 240, 250, 300, 500, 510]), min_size=1, max_size=2),
        min_size=1, max_size=2,
    ),
    people=st.lists(
        st.tuples(st.sampled_from(["community", "cadre", "part_time", "recruit"]),
                  st.integers(0, 600), st.integers(0, 1), st.sampled_from([150, 300, 450])),
        min_size=0, max_size=3,
    ),
)  # fmt: skip
def test_the_optimum_is_that_of_brute_force(
    households: list[list[int]], people: list[tuple[str, int, int, int]]
) -> None:
    """On small strips nothing is cheaper than what is found, and every limit is kept."""
    plan = make_strip(households)
    some = [
        {
            "kind": kind,
            "x": float(x),
            "community_id": PLACES[min(home, len(households) - 1)],
            "capacity": capacity,
            "limit": Staffing().limit_of(capacity),
        }
        for kind, x, home, capacity in people
    ]
    workers = make_people(*some) if some else make_people({"x": 0.0}).iloc[:0]
    staffing = serve(plan, workers)
    proof = staffing.attrs["proof"]
    assert proof["status"] == "optimal"
    assert proof["cost"] == brute_force(plan, workers)
    assert check_staffing(plan, staffing, workers, on=DAY).status == "clean"
    shares = staffing[staffing["role"] == "primary"].groupby("grid_code")["households"].sum()
    assert shares.tolist() == plan.grids["households"].tolist()


def make_duties(seed: int, people: int) -> Duties:
    """Make what may be in a strip of 17 grids, most of which could share a worker."""
    rng = np.random.default_rng(seed)
    plan = make_strip([rng.integers(150, 300, 9).tolist(), rng.integers(150, 300, 8).tolist()])
    some = [{"x": float(x)} for x in rng.integers(0, 1700, people)]
    bound = [
        {"kind": "community", "community_id": PLACES[at]} if at < 2 else {}
        for at in rng.integers(0, 4, people)
    ]
    workers = make_people(*(one | kind for one, kind in zip(some, bound, strict=True)))
    case = make_case(plan, workers, plan.rules, current=None, on=DAY)
    return list_duties(case)[0]


#: What sends a small problem the ways that large ones go.
ROADS = {
    "whole": {},
    "turns": {"_FEW_COLUMNS": 0},
    "relaxed": {"_LEFT_COLUMNS": 60},
    "branched": {"_LEFT_COLUMNS": -1, "_MOST_COLUMNS": -1},
}
#: Strips (seed, workers) of which some take half of a set in the linear relaxation.
STRIPS = [(0, 9), (5, 12), (6, 13), (18, 13), (30, 12), (54, 10)]


@pytest.mark.parametrize("road", ["turns", "relaxed", "branched"])
def test_every_road_proves_the_same_optimum(road: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wages and sets in turn, linear relaxations, and branching agree with one programme."""
    decided: list[object] = []
    usual = branching._decide
    monkeypatch.setattr(branching, "_decide", lambda *some: decided.append(some) or usual(*some))
    for seed, people in STRIPS:
        duties = make_duties(seed, people)
        whole = find_optimum(duties)
        found = take_road(duties, road, monkeypatch)
        assert found.cost == found.bound == whole.cost == whole.bound
    assert road != "branched" or len(decided) >= 5


@pytest.mark.parametrize("road", list(ROADS))
def test_no_choice_with_a_column_is_below_its_floor(
    road: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each column forced in by hand: what the whole costs then is its bound and reduced cost."""
    duties = make_duties(18, 13)
    found = take_road(duties, road, monkeypatch)
    some = np.random.default_rng(1).choice(len(duties.worker), 40, replace=False)
    forced = np.array([find_optimum(force(duties, int(at))).cost for at in some])
    assert (forced >= found.bound + np.floor(found.reduced[some])).all()
    assert (forced[np.isin(some, found.columns)] == found.cost).all()


def take_road(duties: Duties, road: str, monkeypatch: pytest.MonkeyPatch) -> Optimum:
    """Find the optimum on one of the ways that large problems go."""
    with monkeypatch.context() as patch:
        for name, value in ROADS[road].items():
            patch.setattr(f"gridmap.staff.optimum.{name}", value)
        return find_optimum(duties)


def force(duties: Duties, column: int) -> Duties:
    """Leave a worker one column, and its grids nobody else; vacant they cost what none would."""
    held = duties.groups[[duties.group[column]]].sum(axis=0) > 0
    meets = (duties.groups @ held.astype(float))[duties.group] > 0
    others = (duties.worker != duties.worker[column]) & ~meets
    others[column] = True
    kept = {name: getattr(duties, name)[others] for name in ("worker", "group", "cost")}
    return replace(duties, **kept, vacant=np.where(held, 1e9, duties.vacant))


def test_the_same_input_gives_the_same_staffing() -> None:
    """Row by row, whatever the order in which the workers are listed."""
    plan = gridmap.draw_plan(gridmap.make_city(12))
    workers = make_workers(plan, recruits=1)
    one, two = serve(plan, workers), serve(plan, workers)
    pd.testing.assert_frame_equal(one, two)
    turned = serve(plan, workers.iloc[::-1])
    assert turned.attrs["proof"]["cost"] == one.attrs["proof"]["cost"]


def test_fewer_workers_than_grids_is_a_full_answer() -> None:
    """A city with the reference city's 0.98 workers to a grid: each open grid is named."""
    plan = gridmap.draw_plan(gridmap.make_city(60))
    workers = make_workers(plan)
    staffing = serve(plan, workers)
    figures = summarize_staffing(plan, staffing, workers, on=DAY)
    assert figures["vacant"] + figures["doubled"] >= len(plan.grids) - len(workers) > 0
    assert figures["most"] <= 500
    assert check_staffing(plan, staffing, workers, on=DAY).status == "clean"
    vacant = staffing[(staffing["worker_id"] == "") & (staffing["role"] == "primary")]
    assert (vacant["reason"] != "").all()
    assert set(vacant["binding"]) == {"shortage"}


def test_the_reference_citys_2120_workers_for_2157_grids() -> None:
    """No failure; 37 or more grids are vacant or share a worker; the optimum is proven."""
    rng = np.random.default_rng(0)
    households = rng.normal(300, 25, 2157).round().astype(int).tolist()
    parts = [households[at : at + 11] for at in range(0, 2157, 11)]
    many = make_strip(parts, width=44)
    workers = make_workers(many, community_workers=1500, cadres=620)
    staffing = serve(many, workers)
    figures = summarize_staffing(many, staffing, workers, on=DAY)
    assert (figures["grids"], figures["workers"]) == (2157, 2120)
    assert figures["vacant"] + figures["doubled"] >= 37
    assert figures["vacant"] + 2120 + figures["doubled"] >= 2157
    assert figures["proof"]["status"] == "optimal"
    assert figures["most"] <= 500
    assert len(staffing[staffing["role"] == "primary"]) == 2157
