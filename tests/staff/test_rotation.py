"""Calendars of cadres: no day without a worker where avoidable, hand-overs, small changes."""

from datetime import date, timedelta
from itertools import pairwise, permutations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules, Staffing
from gridmap.staff import (
    assign_workers,
    check_staffing,
    find_gaps,
    plan_rotation,
    replace_worker,
)
from gridmap.tables import STAFFING, check_table
from tests.staff.towns import PLACES, make_people, make_strip

START, LAST = date(2025, 1, 1), date(2025, 12, 31)


def term(begin: str, end: str | None, **more: object) -> dict[str, object]:
    """Return one term of a cadre."""
    ends = pd.Timestamp(end) if end else None
    return {"starts": pd.Timestamp(begin), "ends": ends, **more}


def rotate(plan: Plan, cadres: gpd.GeoDataFrame, **options: object) -> pd.DataFrame:
    """Assign on the first day and plan the year."""
    staffing = assign_workers(plan, cadres, on=START)
    return plan_rotation(plan, staffing, cadres, start=START, **options)  # type: ignore[arg-type]


def duties(calendar: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return who is primary from when to when, in order."""
    rows = calendar[calendar["role"] == "primary"].sort_values(["grid_code", "starts"])
    return [
        (row.worker_id, str(row.starts.date()), "" if pd.isna(row.ends) else str(row.ends.date()))
        for row in rows.itertuples()
    ]


def test_a_successor_comes_five_working_days_before() -> None:
    """30 June 2025 is a Monday: with it the five last working days begin on Tuesday the 24th."""
    plan = make_strip([[300]])
    cadres = make_people(term("2025-01-01", "2025-06-30"), term("2025-06-01", "2025-12-31"))
    calendar = rotate(plan, cadres)
    check_table(calendar, STAFFING)
    assert duties(calendar) == [
        ("w0", "2025-01-01", "2025-06-30"), ("w1", "2025-06-24", "2025-12-31")
    ]  # fmt: skip
    assert calendar.attrs["proof"] == {"status": "optimal", "uncovered": 0}
    row = calendar[calendar["worker_id"] == "w1"].iloc[0]
    assert row["binding"] == "handover"
    assert "交接5个工作日" in row["reason"]


@pytest.mark.parametrize(("days", "begin"), [(0, "2025-07-01"), (1, "2025-06-30"),
                                             (10, "2025-06-17")])  # fmt: skip
def test_the_length_of_a_hand_over_is_a_setting(days: int, begin: str) -> None:
    """In working days, of which 0 is none."""
    plan = make_strip([[300]], rules=Rules(staffing=Staffing(handover=days)))
    cadres = make_people(term("2025-01-01", "2025-06-30"), term("2025-06-01", "2025-12-31"))
    assert duties(rotate(plan, cadres))[1][1] == begin


def test_holidays_are_no_working_days() -> None:
    """With the Monday off the hand-over begins a working day earlier."""
    plan = make_strip([[300]])
    cadres = make_people(term("2025-01-01", "2025-06-30"), term("2025-06-01", "2025-12-31"))
    assert duties(rotate(plan, cadres, holidays=[date(2025, 6, 27)]))[1][1] == "2025-06-23"


def test_days_that_nobody_covers_are_named() -> None:
    """Who comes late leaves a gap with its dates and who is the first; the rest of a year too."""
    plan = make_strip([[300]])
    cadres = make_people(term("2025-01-01", "2025-03-31"), term("2025-04-11", "2025-11-30"))
    calendar = rotate(plan, cadres)
    gaps = find_gaps(plan, calendar, START, LAST)
    found = [(str(a.date()), str(b.date())) for a, b in zip(gaps["starts"], gaps["ends"],
                                                             strict=True)]  # fmt: skip
    assert found == [("2025-04-01", "2025-04-10"), ("2025-12-01", "2025-12-31")]
    assert gaps["days"].tolist() == [10, 31]
    assert calendar.attrs["proof"]["uncovered"] == 41
    named = calendar[(calendar["worker_id"] == "") & (calendar["role"] == "primary")]
    assert "w1" in named["reason"].iloc[0]


def test_a_share_without_a_worker_is_a_gap() -> None:
    """A grid of 600 households that has one worker of two: half of it has nobody, every day.

    Somebody who has the other share in March closes it for that month, also while it is handed on.
    """
    plan = make_strip([[600]])
    people = make_people({"x": 50.0})
    staffing = assign_workers(plan, people, on=START)
    gaps = find_gaps(plan, staffing, START, LAST)
    assert gaps[["days", "households"]].to_numpy().tolist() == [[365, 300]]
    held = staffing[(staffing["role"] == "primary") & (staffing["worker_id"] != "")]
    days = {"starts": pd.Timestamp(2025, 3, 1), "ends": pd.Timestamp(2025, 3, 31)}
    spring = pd.concat([held, held.assign(worker_id="w9", **days)]).astype(held.dtypes)
    gaps = find_gaps(plan, spring, START, LAST)
    assert gaps[["days", "households"]].to_numpy().tolist() == [[59, 300], [275, 300]]
    assert find_gaps(plan, staffing.iloc[:0], START, START)["households"].tolist() == [600]
    three = pd.concat([spring, staffing[staffing["worker_id"] == ""]]).astype(held.dtypes)
    assert find_gaps(plan, three, START, LAST)["days"].tolist() == [365]


def test_an_open_duty_needs_nobody() -> None:
    """A worker without a last day stays; the cadre who is free is not used."""
    plan = make_strip([[300]])
    cadres = make_people(term("2025-01-01", None), term("2025-06-01", "2025-12-31", x=9e3))
    assert duties(rotate(plan, cadres)) == [("w0", "2025-01-01", "")]


def test_the_own_next_term_needs_no_hand_over() -> None:
    """A person who comes back stays in his grid rather than a stranger coming."""
    plan = make_strip([[300]])
    cadres = make_people(
        term("2025-01-01", "2025-06-30", person="a"),
        term("2025-07-01", "2025-12-31", person="a"),
        term("2025-07-01", "2025-12-31", person="b"),
    )
    assert duties(rotate(plan, cadres))[1] == ("w1", "2025-07-01", "2025-12-31")


def test_successors_walk_least_where_several_change_on_a_day() -> None:
    """Two grids change hands on one day: each gets the one who lives there, in both waves."""
    plan = make_strip([[300], [300] * 6, [300]])
    people = [term("2025-01-01", "2025-04-30", x=50.0), term("2025-01-01", "2025-04-30", x=750.0)]
    for begin, end in (("2025-04-20", "2025-08-31"), ("2025-08-20", "2025-12-31")):
        people += [term(begin, end, x=740.0), term(begin, end, x=60.0)]
    home = {"kind": "community", "community_id": PLACES[1]}
    own = [{**home, "x": 150.0 + 100 * at} for at in range(6)]  # they stay in those between
    calendar = rotate(plan, make_people(*people, *own))
    rows = calendar[(calendar["role"] == "primary") & calendar["ends"].notna()]
    assert rows["walk"].max() < 200
    assert len(rows) == 6
    told = calendar["reason"][calendar["extra"] < 1]
    assert told.str.contains("代价大致?相同").any()
    assert not told.str.contains("多0米").any()


def test_a_calendar_keeps_what_was_planned_when_one_drops_out() -> None:
    """Without one of the cadres only the grid that he would have had changes."""
    plan = make_strip([[300, 300, 300]])
    first = [term("2025-01-01", "2025-06-30", x=50.0 + 100 * at) for at in range(3)]
    second = [term("2025-06-15", "2025-12-31", x=250.0 - 100 * at) for at in range(3)]
    cadres = make_people(*first, *second, term("2025-06-15", "2025-12-31", x=5000.0))
    staffing = assign_workers(plan, cadres.iloc[:3], on=START)
    calendar = plan_rotation(plan, staffing, cadres, start=START)
    [lost] = calendar.loc[calendar["grid_code"] == plan.grids.index[0], "worker_id"].iloc[-1:]
    again = plan_rotation(plan, staffing, cadres.drop(index="w3"), start=START, kept=calendar)
    before, after = set(duties(calendar)), set(duties(again))
    assert len(before - after) == 1
    assert len(after - before) == 1
    assert lost in cadres.index


def test_each_share_of_a_large_grid_has_its_own_chain() -> None:
    """600 households, two workers: who leaves is followed, and the other one's share stays."""
    plan = make_strip([[600]])
    cadres = make_people(
        term("2025-01-01", "2025-06-30"),
        term("2025-01-01", "2025-12-31"),
        term("2025-06-01", "2025-12-31"),
    )
    staffing = assign_workers(plan, cadres.iloc[:2], on=START)
    calendar = plan_rotation(plan, staffing, cadres, start=START)
    assert sorted(duties(calendar)) == [
        ("w0", "2025-01-01", "2025-06-30"),
        ("w1", "2025-01-01", "2025-12-31"),
        ("w2", "2025-06-24", "2025-12-31"),
    ]
    assert calendar.loc[calendar["role"] == "primary", "households"].tolist() == [300] * 3
    for day in (date(2025, 6, 26), date(2025, 7, 1)):
        assert check_staffing(plan, calendar, cadres, on=day).status == "clean"


def test_days_below_one_are_refused() -> None:
    """A rotation has a day at least."""
    plan = make_strip([[300]])
    staffing = assign_workers(plan, make_people({"x": 0.0}), on=START)
    with pytest.raises(StaffError, match="0 days"):
        plan_rotation(plan, staffing, make_people({"x": 0.0}), start=START, days=0)


def least_uncovered(terms: list[tuple[int, int]], grids: int, days: int) -> int:
    """Try every order of the terms in which each goes to the grid that is free first, or last."""
    best = grids * days
    for order in permutations(range(len(terms))):
        for split in range(grids ** len(terms)):
            covered = np.zeros((grids, days), bool)
            for place, at in enumerate(order):
                grid = split // grids**place % grids
                covered[grid, terms[at][0] : terms[at][1] + 1] = True
            best = min(best, int((~covered).sum()))
        break  # which grid each term is in is all that counts
    return best


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(5, 40)), min_size=1, max_size=4))
def test_no_calendar_leaves_fewer_days_open(terms: list[tuple[int, int]]) -> None:
    """Against every way to give the terms to two grids that are vacant at first."""
    days = 60
    spans = [(a, min(a + length, days - 1)) for a, length in terms]
    # A term inside of another's days adds nothing to its grid: both counts are of covered days.
    plan = make_strip([[300, 300]], rules=RULES)
    cadres = make_people(*(
        term(str(START + timedelta(days=1 + a)), str(START + timedelta(days=1 + b)))
        for a, b in spans
    ))  # fmt: skip
    staffing = assign_workers(plan, cadres, on=START)
    begin = START + timedelta(days=1)
    calendar = plan_rotation(plan, staffing, cadres, start=begin, days=days)
    assert calendar.attrs["proof"]["uncovered"] == least_uncovered(spans, 2, days)


TERMS = st.lists(st.tuples(st.integers(0, 40), st.integers(5, 40)), min_size=2, max_size=6)


def make_terms(terms: list[tuple[int, int]]) -> gpd.GeoDataFrame:
    """Return cadres whose terms begin so many days after the first and last so many days."""
    return make_people(*(
        term(str(START + timedelta(days=a)), str(START + timedelta(days=a + length)), x=20.0 * a)
        for a, length in terms
    ))  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(TERMS, st.integers(0, 6))
def test_nobody_hands_over_for_longer_than_asked_for(
    terms: list[tuple[int, int]], handover: int
) -> None:
    """Two are in a grid together for the hand-over at most, and fully where both terms allow it."""
    plan = make_strip([[300, 300]], rules=Rules(staffing=Staffing(handover=handover)))
    cadres = make_terms(terms)
    calendar = rotate(plan, cadres, days=90)
    held = calendar[(calendar["role"] == "primary") & (calendar["worker_id"] != "")]
    for _, rows in held.sort_values("starts").groupby("grid_code"):
        for one, two in pairwise(rows.itertuples()):
            both = np.busday_count(two.starts.date(), one.ends.date() + timedelta(days=1))
            able = np.busday_count(
                max(cadres.at[two.worker_id, "starts"].date(), START),
                one.ends.date() + timedelta(days=1),
            )
            assert max(both, 0) == min(handover, max(able, 0))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(TERMS, st.integers(0, 5))
def test_who_drops_out_changes_as_little_as_can_be(
    terms: list[tuple[int, int]], place: int
) -> None:
    """As few days are open as in a new calendar, no more rows change; the unused change none."""
    plan = make_strip([[300, 300]])
    cadres = make_terms(terms)
    staffing = assign_workers(plan, cadres, on=START)
    calendar = plan_rotation(plan, staffing, cadres, start=START, days=90)
    out = cadres.index[place % len(cadres)]
    if out in set(staffing["worker_id"]):
        return  # who serves on the first day is replaced, not dropped
    rest = cadres.drop(index=out)
    again = plan_rotation(plan, staffing, rest, start=START, days=90, kept=calendar)
    fresh = plan_rotation(plan, staffing, rest, start=START, days=90)
    assert again.attrs["proof"]["uncovered"] == fresh.attrs["proof"]["uncovered"]
    before = served_by(calendar)
    assert len(before - served_by(again)) <= len(before - served_by(fresh))
    if out not in set(calendar["worker_id"]):
        assert served_by(again) == before


def served_by(calendar: pd.DataFrame) -> set[tuple[str, str]]:
    """Return who is primary worker where."""
    rows = calendar[(calendar["role"] == "primary") & (calendar["worker_id"] != "")]
    return set(zip(rows["grid_code"], rows["worker_id"], strict=True))


RULES = Rules()


def test_a_free_worker_stands_in_for_a_sick_one() -> None:
    """His days are cut out; nobody else's row changes."""
    plan = make_strip([[300, 300]])
    home = {"kind": "community", "community_id": PLACES[0]}
    people = make_people(*({**home, "x": x} for x in (50.0, 150.0, 900.0)))
    staffing = assign_workers(plan, people, on=START)
    after = replace_worker(plan, staffing, people, "w0", date(2025, 3, 3), date(2025, 3, 7))
    check_table(after, STAFFING)
    rows = [row for row in duties(after) if row[0] != "w1"]
    assert rows == [
        ("w0", "2025-01-01", "2025-03-02"), ("w2", "2025-03-03", "2025-03-07"),
        ("w0", "2025-03-08", ""),
    ]  # fmt: skip
    assert find_gaps(plan, after, START, LAST).empty
    kept = staffing[staffing["worker_id"] != "w0"]
    assert len(after.merge(kept.drop(columns="reason"))) == len(kept)
    assert check_staffing(plan, after, people, on=date(2025, 3, 5)).status == "clean"


@pytest.mark.parametrize(("households", "covered"), [(250, True), (251, False)])
def test_a_deputy_stands_in_within_his_limit(households: int, covered: bool) -> None:
    """250 and 250 are his 500; one more and the days are named instead."""
    plan = make_strip([[250, households]])
    home = {"kind": "community", "community_id": PLACES[0]}
    people = make_people({**home, "x": 50.0}, {**home, "x": 150.0})
    staffing = assign_workers(plan, people, on=START)
    after = replace_worker(plan, staffing, people, "w0", date(2025, 3, 3), date(2025, 3, 7))
    gaps = find_gaps(plan, after, START, LAST)
    assert gaps["days"].tolist() == ([] if covered else [5])
    middle = after[after["binding"].isin(["replacement", "absence"])]
    assert middle["worker_id"].tolist() == (["w1"] if covered else [""])
    assert ("501" in middle["reason"].iloc[0]) == (not covered)


def test_a_deputy_whose_grid_is_not_beside_does_not_take_it_along() -> None:
    """Two grids of one worker are adjacent: the far deputy of two stays, whatever room he has.

    The one beside it has 450 households already. With 300 of his own he takes it along instead.
    """
    rules = Rules(staffing=Staffing(deputies=2))
    for middle, binding, told in ((450, "absence", "450"), (300, "replacement", "500户")):
        plan = make_strip([[200, middle, 200]], rules=rules)
        home = {"kind": "community", "community_id": PLACES[0]}
        people = make_people(*({**home, "x": x} for x in (50.0, 150.0, 250.0)))
        staffing = assign_workers(plan, people, on=START)
        after = replace_worker(plan, staffing, people, "w0", date(2025, 3, 3), date(2025, 3, 7))
        [row] = after[after["binding"].isin(["replacement", "absence"])].to_dict("records")
        assert row["binding"] == binding
        assert row["worker_id"] == ("w1" if binding == "replacement" else "")
        assert told in row["reason"] or binding == "absence"
        assert check_staffing(plan, after, people, on=date(2025, 3, 5)).status == "clean"


def test_a_neighbour_stands_in_where_the_deputy_can_not() -> None:
    """The deputy has 450 households; who is on the other side has 200, and takes 200 more."""
    plan = make_strip([[450, 200, 200]])
    people = make_people({"x": 50.0}, {"x": 150.0}, {"x": 250.0})
    staffing = assign_workers(plan, people, on=START)
    deputy = (staffing["role"] == "deputy") & (staffing["grid_code"] == plan.grids.index[1])
    staffing.loc[deputy, "worker_id"] = "w0"
    after = replace_worker(
        plan, staffing, people, "w1", date(2025, 3, 3), date(2025, 3, 7), lang="en"
    )
    [row] = after[after["binding"] == "replacement"].to_dict("records")
    assert (row["worker_id"], row["load"]) == ("w2", 400)
    assert "has a grid beside it" in row["reason"]


def test_who_stands_in_is_not_his_own_deputy() -> None:
    """While the deputy is primary worker of the grid it has no other row of his."""
    plan = make_strip([[250, 250]])
    home = {"kind": "community", "community_id": PLACES[0]}
    people = make_people({**home, "x": 50.0}, {**home, "x": 150.0})
    staffing = assign_workers(plan, people, on=START)
    after = replace_worker(plan, staffing, people, "w0", date(2025, 3, 3), date(2025, 3, 7))
    mine = after[(after["grid_code"] == plan.grids.index[0]) & (after["worker_id"] == "w1")]
    held = [(row.role, str(row.starts.date())) for row in mine.itertuples()]
    assert held == [("primary", "2025-03-03"), ("deputy", "2025-01-01"), ("deputy", "2025-03-08")]


def test_a_deputy_is_one_again_when_he_does_not_stand_in_any_more() -> None:
    """The duty of who is away ends in the middle of his absence, and with it that of the stand-in.

    So he is deputy again from the day after, though the other one is still away.
    """
    plan = make_strip([[250, 250]])
    home = {"kind": "community", "community_id": PLACES[0]}
    people = make_people({**home, "x": 50.0}, {**home, "x": 150.0})
    staffing = assign_workers(plan, people, on=START)
    mine = (staffing["worker_id"] == "w0") & (staffing["role"] == "primary")
    staffing.loc[mine, "ends"] = pd.Timestamp(2025, 3, 5)
    after = replace_worker(plan, staffing, people, "w0", date(2025, 3, 3), date(2025, 3, 7))
    first = after[(after["grid_code"] == plan.grids.index[0]) & (after["worker_id"] == "w1")]
    held = [(row.role, str(row.starts.date()), str(row.ends)[:10]) for row in first.itertuples()]
    assert held == [
        ("primary", "2025-03-03", "2025-03-05"),
        ("deputy", "2025-01-01", "2025-03-02"), ("deputy", "2025-03-06", "NaT"),
    ]  # fmt: skip


def test_who_is_away_himself_does_not_stand_in() -> None:
    """One stands in for another; when he falls ill too, nobody does, and both grids are named.

    Somebody who stood in twice before is not taken for ill between these days.
    """
    plan = make_strip([[200, 200, 450]])
    home = {"kind": "community", "community_id": PLACES[0]}
    people = make_people(*({**home, "x": x} for x in (50.0, 150.0, 250.0)))
    staffing = assign_workers(plan, people, on=START)
    week = (date(2025, 3, 3), date(2025, 3, 7))
    first = replace_worker(plan, staffing, people, "w0", *week)
    assert first.loc[first["binding"] == "replacement", "worker_id"].tolist() == ["w1"]
    for days in ((date(2025, 2, 3), date(2025, 2, 7)), (date(2025, 4, 7), date(2025, 4, 11))):
        staffing = replace_worker(plan, staffing, people, "w0", *days)
    again = replace_worker(plan, staffing, people, "w0", *week)
    assert again.loc[again["binding"] == "replacement", "worker_id"].tolist() == ["w1"] * 3
    both = replace_worker(plan, staffing, people, "w1", *week)
    both = replace_worker(plan, both, people, "w0", *week)
    now = both[(both["starts"] == pd.Timestamp(week[0])) & (both["role"] == "primary")]
    assert now[["worker_id", "binding"]].to_numpy().tolist() == [["", "absence"]] * 2


def test_a_replacement_names_the_next_best() -> None:
    """Of two who are free the nearer one comes; the other one is named with what he walks more."""
    plan = make_strip([[300]])
    people = make_people({"x": 50.0}, {"x": 100.0}, {"x": 400.0})
    staffing = assign_workers(plan, people, on=START)
    after = replace_worker(plan, staffing, people, "w0", date(2025, 3, 3), date(2025, 3, 7))
    [row] = after[after["binding"] == "replacement"].to_dict("records")
    assert (row["worker_id"], row["rival"]) == ("w1", "w2")
    assert row["extra"] == pytest.approx(row["rival_walk"] - row["walk"], abs=1)
    assert "次优某人（w2）" in row["reason"]


def test_a_nearer_one_who_has_a_grid_is_said_to_have_one() -> None:
    """Who has no grid stands in though he walks farther; the reason says why not the nearer one."""
    plan = make_strip([[200, 200]])
    people = make_people({"x": 50.0}, {"x": 150.0}, {"x": 900.0})
    staffing = assign_workers(plan, people, on=START)
    after = replace_worker(plan, staffing, people, "w0", date(2025, 3, 3), date(2025, 3, 7))
    [row] = after[after["binding"] == "replacement"].to_dict("records")
    assert (row["worker_id"], row["rival"]) == ("w2", "w1")
    assert row["rival_walk"] < row["walk"]
    assert "次优某人（w1），已有网格，步行" in row["reason"]


def test_who_comes_takes_over_what_the_one_before_was_deputy_of() -> None:
    """Each of two grids has a deputy all year, though the worker of one changes in summer."""
    plan = make_strip([[300, 300]])
    home = {"kind": "community", "community_id": PLACES[0], "x": 150.0}
    cadres = make_people(
        term("2025-01-01", "2025-06-30", x=50.0), home, term("2025-06-01", "2025-12-31", x=50.0)
    )
    staffing = assign_workers(plan, cadres.iloc[:2], on=START)
    calendar = plan_rotation(plan, staffing, cadres, start=START)
    second = calendar[
        (calendar["role"] == "deputy") & (calendar["grid_code"] == plan.grids.index[1])
    ]
    held = [(row.worker_id, str(row.starts.date()), str(row.ends.date()))
            for row in second.itertuples()]  # fmt: skip
    assert held == [("w0", "2025-01-01", "2025-06-30"), ("w2", "2025-07-01", "2025-12-31")]
    assert second["walk"].tolist() == pytest.approx([165.0] * 2)
    assert "接替w0，并接其代管" in second["reason"].iloc[1]


@pytest.mark.parametrize(("households", "filled"), [(250, True), (251, False)])
def test_days_that_no_term_covers_are_taken_along_from_beside(
    households: int, filled: bool
) -> None:
    """Who has 250 households takes 250 more for the ten days between two cadres, not 251."""
    plan = make_strip([[250, households]])
    home = {"kind": "community", "community_id": PLACES[0], "x": 50.0}
    cadres = make_people(
        home, term("2025-01-01", "2025-03-31", x=150.0), term("2025-04-11", "2025-12-31", x=150.0)
    )
    staffing = assign_workers(plan, cadres.iloc[:2], on=START)
    calendar = plan_rotation(plan, staffing, cadres, start=START)
    assert calendar.attrs["proof"]["uncovered"] == (0 if filled else 10)
    rows = calendar[(calendar["starts"] == pd.Timestamp(2025, 4, 1))]
    assert rows["worker_id"].tolist() == (["w0"] if filled else [""])
    assert rows["ends"].tolist() == [pd.Timestamp(2025, 4, 10)]
    if filled:
        assert rows[["load", "binding"]].to_numpy().tolist() == [[500, "doubled"]]
        assert "某人（w0）兼管" in rows["reason"].iloc[0]
    report = check_staffing(plan, calendar, cadres, on=date(2025, 4, 5))
    assert (report.status, len(report.findings)) == ("clean", int(not filled))


def test_a_gap_is_cut_where_the_neighbour_leaves() -> None:
    """Who is beside takes it along while he is there; the rest of the year is named."""
    plan = make_strip([[200, 200]])
    cadres = make_people(
        term("2025-01-01", "2025-06-30", x=50.0), term("2025-01-01", "2025-03-31", x=150.0)
    )
    staffing = assign_workers(plan, cadres, on=START)
    calendar = plan_rotation(plan, staffing, cadres, start=START)
    second = calendar[
        (calendar["role"] == "primary") & (calendar["grid_code"] == plan.grids.index[1])
    ]
    held = [(row.worker_id, str(row.starts.date()), str(row.ends.date()))
            for row in second.itertuples()]  # fmt: skip
    assert held[1:] == [("w0", "2025-04-01", "2025-06-30"), ("", "2025-07-01", "2025-12-31")]
    assert "2025-07-01至2025-12-31无人" in second["reason"].iloc[2]


def test_who_has_no_grid_can_not_be_replaced() -> None:
    """Nor can days that end before they begin."""
    plan = make_strip([[300]])
    people = make_people({"x": 50.0})
    staffing = assign_workers(plan, people, on=START)
    with pytest.raises(StaffError, match="w9 is primary worker of no grid"):
        replace_worker(plan, staffing, people, "w9", START, LAST)
    with pytest.raises(StaffError, match="before the first"):
        replace_worker(plan, staffing, people, "w0", LAST, START)
