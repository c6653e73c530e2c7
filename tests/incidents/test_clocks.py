"""Breach times: on the wall, in working time, through holidays; pauses; who is told when."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from gridmap.errors import CalendarError, CaseError, RulesError
from gridmap.incident_rules import Category, Incidents
from gridmap.incidents.calendar import add_working, count_working, is_workday
from gridmap.incidents.clocks import breach_times, find_notices, list_notices
from gridmap.incidents.steps import open_case, take_step
from gridmap.rules import Rules
from tests.incidents.town import (
    CITIZEN,
    COMMUNITY,
    DISTRICT,
    SATURDAY,
    STREET,
    WORKER,
    make_town_desk,
    report,
    step,
)

WORKING = Incidents(clock="working", hours=(("09:00", "12:00"), ("13:00", "18:00")))


def moment(text: str) -> datetime:
    """Return a moment of Chinese time."""
    return datetime.fromisoformat(f"{text}+08:00")


def test_the_saturday_of_the_reference_city() -> None:
    """Reported on Saturday at 9: 12:00, Sunday 9:00, Sunday 21:00, Monday 9:00."""
    times = breach_times(SATURDAY, Incidents(), "市容环境")
    assert list(times.values()) == [
        moment("2022-12-10T12:00"),
        moment("2022-12-11T09:00"),
        moment("2022-12-11T21:00"),
        moment("2022-12-12T09:00"),
    ]


def test_working_time_begins_on_monday() -> None:
    """The same report on a working clock: 3 hours of Monday morning, 24 of three days."""
    times = breach_times(SATURDAY, WORKING, "市容环境")
    assert times["inspect"] == moment("2022-12-12T12:00")
    assert times["resolve"] == moment("2022-12-14T18:00")


def test_make_up_days_are_worked_and_holidays_are_not() -> None:
    """Spring festival 2023: Saturday 28 and Sunday 29 January are worked, the week before not."""
    assert is_workday(date(2023, 1, 28), WORKING) and is_workday(date(2023, 1, 29), WORKING)
    assert not any(is_workday(date(2023, 1, day), WORKING) for day in range(21, 28))
    friday = moment("2023-01-20T17:00")
    assert add_working(friday, 2, WORKING) == moment("2023-01-28T10:00")
    assert count_working(friday, moment("2023-01-28T10:00"), WORKING) == 2


def test_beyond_the_calendar_a_working_clock_is_refused() -> None:
    """No guess for a year whose holidays are not announced; days of one's own make it known."""
    far = moment("2099-01-05T09:00")
    with pytest.raises(CalendarError, match=r"holidays of 2099 are not known.*incidents.holidays"):
        breach_times(far, WORKING, "市容环境")
    assert breach_times(far, Incidents(), "市容环境")["inspect"] == far + timedelta(hours=3)
    own = replace(WORKING, holidays=("2099-01-01", "2099-01-05"), workdays=("2099-01-10",))
    assert not is_workday(date(2099, 1, 5), own) and is_workday(date(2099, 1, 10), own)
    assert is_workday(date(2099, 1, 6), own) and not is_workday(date(2099, 1, 4), own)


def test_categories_have_tables_of_their_own() -> None:
    """Clock and hours per category; days are working days on a working clock."""
    told = {
        "hours": [["09:00", "12:00"], ["13:00", "18:00"]],
        "categories": {
            "市容环境": {"clock": "working", "inspect": "4h", "resolve": "1d", "answer": "2d",
                     "accept": "3d"},
            "积水": {"department": "住房城建", "duplicate_radius": 0},
        },
    }  # fmt: skip
    rules = Incidents.from_dict(told)
    assert rules.hours_of("市容环境") == {"inspect": 4, "resolve": 8, "answer": 16, "accept": 24}
    assert rules.hours_of("积水") == Incidents().hours_of("供水")
    assert rules.duplicates_of("积水") == (0, 72)
    assert Rules.from_dict({"incidents": told}).incidents == rules
    assert Incidents.from_dict(rules.to_dict()) == rules
    assert list(Incidents.from_dict({"only": ["供水"]}).categories) == ["供水"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"clock": "sun"}, r"clock is 'sun'; choose wall, working"),
        ({"anchor": "end"}, r"anchor is 'end'; choose report, stage"),
        ({"inspect": -1}, r"inspect is -1, not a number from 0 up"),
        ({"inspect": "3"}, r"inspect is '3', not a number"),
        ({"escalate": [0, 2, 1, 4]}, r"escalate is \[0, 2, 1, 4\], not 4 rising"),
        ({"escalate": [0, 2]}, r"not 4 rising"),
        ({"extensions": [1]}, r"extensions is \[1\], not 3 numbers"),
        ({"hours": [["12:00", "09:00"]]}, r"not spans in order"),
        ({"hours": []}, r"not spans in order"),
        ({"hours": [["noon", "13:00"]]}, r"'noon' is no time of day"),
        ({"holidays": ["1 May"]}, r"'1 May' is no day"),
        ({"speed": 1}, r"no setting incidents.speed; there are clock"),
        ({"only": ["钓鱼"]}, r"only names 钓鱼"),
        ({"categories": {"钓鱼": {}}}, r"钓鱼 has no department"),
        ({"categories": {"供水": {"colour": 1}}}, r"no setting incidents.categories.供水.colour"),
        ({"categories": {"供水": {"inspect": "3w"}}}, r"'3w' is no span"),
        ({"categories": {"供水": {"clock": "sun"}}}, r"clock is 'sun'"),
        ({"categories": {"供水": {"resolve": 1}}}, r"resolve is 1 h, before inspect"),
        ({"categories": 3}, r"not settings"),
        ([], r"incidents is \[\], not settings"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], words: str) -> None:
    """Each is refused by its name, with what there is."""
    with pytest.raises(RulesError, match=words):
        Incidents.from_dict(settings)


def test_an_unknown_category_lists_those_there_are() -> None:
    """A report can't start a clock that nobody set."""
    with pytest.raises(CaseError, match=r"no category '钓鱼'; there are 市容环境"):
        breach_times(SATURDAY, Incidents(), "钓鱼")


def test_a_pause_moves_what_lay_ahead() -> None:
    """Suspended from hour 5 to 15: the inspection was in breach before and stays; the rest +10."""
    desk, rules = make_town_desk(), Incidents()
    case = open_case(report(), CITIZEN, rules, desk).case
    before = case
    case = take_step(case, step("suspend", STREET, 5), rules, desk).case
    assert case.next_due is None and case.next_duty == "inspect"
    case = take_step(case, step("resume", STREET, 15), rules, desk).case
    assert case.due_inspect == before.due_inspect
    assert case.due_resolve - before.due_resolve == timedelta(hours=10)
    assert case.due_accept - before.due_accept == timedelta(hours=10)


def test_a_pause_of_a_working_clock_moves_by_working_time() -> None:
    """Paused over Monday noon for 3 hours of which 2 are worked: 2 hours later."""
    desk = make_town_desk()
    case = open_case(report(), CITIZEN, WORKING, desk).case
    first = take_step(case, step("suspend", STREET, 50), WORKING, desk).case  # Monday 11:00
    again = take_step(first, step("resume", STREET, 53), WORKING, desk).case  # 14:00
    assert case.due_inspect == moment("2022-12-12T12:00")
    assert again.due_inspect == moment("2022-12-12T15:00")


def test_an_extension_is_limited_by_who_grants_it() -> None:
    """24 h are a community's, 25 the street's; duties that are done stay as they were."""
    desk, rules = make_town_desk(), Incidents()
    case = open_case(report(), CITIZEN, rules, desk).case
    case = take_step(case, step("inspect", WORKER), rules, desk).case
    longer = take_step(case, step("extend", COMMUNITY, 2, hours=24.0), rules, desk).case
    assert longer.due_inspect == case.due_inspect
    assert longer.due_resolve - case.due_resolve == timedelta(hours=24)
    with pytest.raises(CaseError, match=r"25 h is above the 24 h of a community"):
        take_step(case, step("extend", COMMUNITY, 2, hours=25.0), rules, desk)
    assert take_step(case, step("extend", DISTRICT, 2, hours=360.0), rules, desk)
    with pytest.raises(CaseError, match=r"of 0 h is none"):
        take_step(case, step("extend", COMMUNITY, 2), rules, desk)


def test_stages_may_count_from_one_another() -> None:
    """With the anchor stage, inspecting after one hour leaves 21 hours to resolve from then."""
    desk, rules = make_town_desk(), Incidents(anchor="stage")
    case = open_case(report(), CITIZEN, rules, desk).case
    case = take_step(case, step("inspect", WORKER, 1), rules, desk).case
    assert case.due_resolve == SATURDAY + timedelta(hours=22)
    assert case.due_accept == SATURDAY + timedelta(hours=46)


def test_reminders_and_escalation_go_up_the_levels() -> None:
    """11:00 and 12:00 the worker, 14:00 the community, 18:00 the street, 24:00 the district."""
    desk, rules = make_town_desk(), Incidents()
    case = open_case(report(), CITIZEN, rules, desk).case
    told = [(notice.at, notice.kind, notice.level) for notice in list_notices(case, rules)]
    hours = [(2, "reminder", "worker"), (3, "breach", "worker"), (5, "breach", "community"),
             (9, "breach", "street"), (15, "breach", "district")]  # fmt: skip
    assert told == [(SATURDAY + timedelta(hours=hour), *rest) for hour, *rest in hours]
    now = SATURDAY + timedelta(hours=9)
    [last] = find_notices([case], rules, now=now)
    assert (last.level, last.worker_id, last.duty) == ("street", "K1", "inspect")
    since = find_notices([case], rules, now=now, since=SATURDAY + timedelta(hours=3))
    assert [notice.level for notice in since] == ["community", "street"]
    assert find_notices([case], rules, now=SATURDAY) == []


def test_category_of_its_own_clock() -> None:
    """One category in working time among others on the wall."""
    rules = Incidents(categories={"甲": Category("供水", clock="working"), "乙": Category("供水")})
    assert (rules.clock_of("甲"), rules.clock_of("乙")) == ("working", "wall")
