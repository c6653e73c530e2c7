"""What a step makes of a case: the loop, the pin, the whistle and its refusals."""

from dataclasses import replace

import pytest

from gridmap.errors import CaseError, DatumError, RoleError, StepError
from gridmap.incident_rules import Incidents
from gridmap.incidents.desk import Desk
from gridmap.incidents.model import Actor, Case, Location, Report, Step, Whistle, hide_case
from gridmap.incidents.steps import Outcome, open_case, replay, take_step
from tests.incidents.town import (
    CITIZEN,
    COMMUNITY,
    NE,
    NW,
    SE,
    STREET,
    SW,
    WATER,
    WORKER,
    at,
    make_town_desk,
    report,
    step,
)

RULES = Incidents()
DESK = make_town_desk()


class Book:
    """One case with its log and calls, in memory."""

    def __init__(self, *told: object, desk: Desk = DESK, **named: object) -> None:
        first = open_case(report(*told, **named), CITIZEN, RULES, desk)  # type: ignore[arg-type]
        self.desk, self.case, self.log = desk, first.case, [first.entry]
        self.calls: dict[int, Whistle] = {}

    def do(self, action: str, actor: Actor, hour: float = 1, **told: object) -> Case:
        """Do a step and keep what it made."""
        wanted = step(action, actor, hour, **told)
        made = take_step(self.case, wanted, RULES, self.desk, tuple(self.calls.values()))
        self._keep(made)
        return self.case

    def _keep(self, made: Outcome) -> None:
        self.case = made.case
        self.log.append(made.entry)
        self.calls |= {call.hop: call for call in made.whistles}


def test_a_report_is_located_and_sent_at_once() -> None:
    """Grid, how sure, runner-up, worker, department, all four breach times."""
    case = Book(50, 60).case
    assert (case.grid_code, case.match, case.runner_up) == (SW, "inside", NW)
    assert (case.worker_id, case.department, case.community_id) == ("K1", "供水", SW[:12])
    assert (case.stage, case.standing, case.next_duty) == ("found", "open", "inspect")
    assert Book(50, 97).case.match == "border"


def test_a_case_goes_round_the_loop_and_its_log_leads_to_it() -> None:
    """Five stages, closed at the end; the log alone gives the same case."""
    book = Book()
    for hour, (action, actor) in enumerate(
        [("inspect", WORKER), ("resolve", WATER), ("answer", COMMUNITY), ("accept", CITIZEN)], 1
    ):
        book.do(action, actor, hour)
    assert (book.case.stage, book.case.standing, book.case.version) == ("accepted", "closed", 5)
    assert book.case.next_due is None
    assert replay(book.log) == book.case


def test_a_return_undoes_what_has_to_be_done_again() -> None:
    """Not accepted: back to inspected; the times of the work before are gone."""
    book = Book()
    for hour, (action, actor) in enumerate([("inspect", WORKER), ("resolve", WATER)], 1):
        book.do(action, actor, hour)
    book.do("answer", COMMUNITY, 3)
    case = book.do("return", CITIZEN, 4)
    assert (case.stage, case.done_resolve, case.done_answer) == ("inspected", None, None)
    assert case.done_inspect is not None and case.next_duty == "resolve"
    assert book.do("return", STREET, 5).stage == "found"
    with pytest.raises(RoleError, match="return"):
        book.do("inspect", WORKER, 6)
        book.do("return", CITIZEN, 7)


def test_moving_the_pin_locates_anew_and_keeps_the_place_before() -> None:
    """Another grid, another worker; the log says where it was; it counts as a hop."""
    book = Book(50, 50)
    case = book.do("move", WORKER, location=at(350, 150))
    assert (case.grid_code, case.worker_id, case.hops) == (NE, "K4", 2)
    assert book.log[-1].facts["before"]["grid_code"] == SW
    assert replay(book.log) == case
    assert book.do("move", WORKER, location=at(340, 150)).hops == 2  # the same grid
    with pytest.raises(CaseError, match="new location"):
        book.do("move", WORKER)


def test_a_datum_is_named_and_an_unknown_one_refused() -> None:
    """BD-09 lies a kilometre off, so the case lies elsewhere; nonsense is an error."""
    told = Report("供水", Location(118.5135, 0.0005, "bd09"))
    case = open_case(told, CITIZEN, RULES, DESK).case
    assert case.lon is not None and abs(case.lon - 118.5135) > 0.005
    with pytest.raises(DatumError):
        open_case(Report("供水", Location(1, 1, "mars")), CITIZEN, RULES, DESK)
    with pytest.raises(CaseError, match="give both"):
        Location(118.0)
    with pytest.raises(CaseError, match="no location"):
        Location(address=" ")


def test_an_address_is_searched_and_a_disagreement_flagged() -> None:
    """Found: located. Not found: flagged, no grid. Both apart: the point counts, flagged."""
    places = {"东北角": (at(350, 150).lon, at(350, 150).lat)}
    desk = Desk(DESK.locator, DESK.wards, DESK.liaisons, find_address=places.get)  # type: ignore[arg-type]
    found = open_case(Report("供水", Location(address="东北角")), CITIZEN, RULES, desk).case
    assert (found.grid_code, found.flag) == (NE, "")
    lost = open_case(Report("供水", Location(address="月球")), CITIZEN, RULES, desk).case
    assert (lost.grid_code, lost.match, lost.lon) == ("", "none", None)
    assert "not found" in lost.flag
    both = replace(at(50, 50), address="东北角")
    apart = open_case(Report("供水", both), CITIZEN, RULES, desk).case
    assert apart.grid_code == SW and "m apart" in apart.flag
    near = replace(at(345, 150), address="东北角")
    assert open_case(Report("供水", near), CITIZEN, RULES, desk).case.flag == ""


def test_a_point_outside_is_a_case_with_a_hint() -> None:
    """Nothing is lost: the case has no grid and says what could be wrong."""
    swapped = Report("供水", Location(0.0005, 89.9))
    case = open_case(swapped, CITIZEN, RULES, DESK).case
    assert (case.grid_code, case.worker_id, case.match) == ("", "", "none")


def test_a_whistle_calls_the_liaison_of_the_community() -> None:
    """Several at once, each with its post; no department twice; none where there is no grid."""
    book = Book(350, 50)
    book.do("whistle", WORKER, departments=("供水", "公安"))
    assert [(call.department, call.post, call.state) for call in book.calls.values()] == [
        ("供水", "供水联络岗", "called"),
        ("公安", "公安联络岗", "called"),
    ]
    assert {call.community_id for call in book.calls.values()} == {SE[:12]}
    with pytest.raises(StepError, match="公安 was called already"):
        book.do("whistle", WORKER, departments=("公安",))
    with pytest.raises(CaseError, match="no department '气象'"):
        book.do("whistle", WORKER, departments=("气象",))
    with pytest.raises(CaseError, match="names departments"):
        book.do("whistle", WORKER)


def test_arrival_and_answer_are_kept() -> None:
    """报到, then an answer; a second arrival has no call."""
    book = Book()
    book.do("whistle", WORKER, 1, departments=("供水",))
    book.do("arrive", WATER, 2)
    with pytest.raises(StepError, match="no call"):
        book.do("arrive", WATER, 3)
    book.do("reply", WATER, 3, note="修好了")
    call = book.calls[1]
    assert (call.state, call.answer) == ("answered", "修好了")
    assert call.arrived_at is not None and call.called_at < call.arrived_at < call.answered_at  # type: ignore[operator]


def test_a_refused_jurisdiction_goes_to_the_runner_up_once() -> None:
    """The grid across the border and its liaison get it; refused again, the street decides."""
    book = Book(190, 50)  # 10 m from the other community
    assert (book.case.grid_code, book.case.runner_up) == (SW, SE)
    book.do("whistle", WORKER, 1, departments=("供水",))
    case = book.do("refuse", WATER, 2, reason="jurisdiction", note="属地不符")
    assert (case.grid_code, case.worker_id, case.runner_up, case.hops) == (SE, "K3", SW, 2)
    assert [(call.state, call.grid_code) for call in book.calls.values()] == [
        ("refused", SW),
        ("called", SE),
    ]
    assert book.log[-1].facts["sent_to"] == SE and book.log[-1].note == "属地不符"
    case = book.do("refuse", WATER, 3, reason="jurisdiction", note="也不是我们")
    assert case.grid_code == SE and "the street decides" in case.flag
    assert replay(book.log) == case


def test_a_refused_duty_flags_the_case() -> None:
    """Not this department's: nobody else is called, a person reroutes."""
    book = Book()
    book.do("whistle", WORKER, 1, departments=("供水",))
    assert "another department" in book.do("refuse", WATER, 2, reason="duty").flag
    case = book.do("reroute", STREET, 3, departments=("供电",), grid_code=NW)
    assert (case.department, case.grid_code, case.hops) == ("供电", NW, 2)
    with pytest.raises(CaseError, match="choose jurisdiction or duty"):
        Book().do("refuse", WATER, 2)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "names another grid"),
        ({"grid_code": SW}, "is there already"),
        ({"grid_code": "x"}, "no grid 'x'"),
        ({"departments": ("气象",)}, "no department"),
    ],
)
def test_a_reroute_leads_somewhere_else(told: dict[str, object], words: str) -> None:
    """Nowhere, the same place and unknown names are refused."""
    with pytest.raises(CaseError, match=words):
        Book().do("reroute", STREET, **told)


def test_a_department_acts_on_what_concerns_it() -> None:
    """Its own cases and those it was called to; no others."""
    power = Actor("department", "p", "供电")
    book = Book()
    with pytest.raises(RoleError, match="供电 neither answers for case 0 nor was called"):
        book.do("inspect", power)
    book.do("whistle", WORKER, departments=("供电",))
    assert book.do("inspect", power, 2).stage == "inspected"
    with pytest.raises(CaseError, match="names the department"):
        Actor("department")


def test_reasons_are_needed_and_time_goes_forward() -> None:
    """A suspension says why; no step lies before the last; a moment has a zone."""
    book = Book()
    with pytest.raises(CaseError, match="needs a note"):
        book.do("suspend", STREET, note=" ")
    book.do("inspect", WORKER, 2)
    with pytest.raises(CaseError, match="before the last step"):
        book.do("resolve", WORKER, 1)
    with pytest.raises(CaseError, match="has no zone"):
        book.do("resolve", WORKER, at=replace_zone(book.case))


def replace_zone(case: Case) -> object:
    """Return a moment without a zone."""
    return case.updated_at.replace(tzinfo=None)


def test_a_merge_names_another_case() -> None:
    """It ends as a repeat of that case; of itself it can't be one."""
    case = Book().do("merge", WORKER, duplicate_of=7)
    assert (case.standing, case.duplicate_of) == ("withdrawn", 7)
    with pytest.raises(CaseError, match="names the other case"):
        Book().do("merge", WORKER, duplicate_of=0)


def test_a_step_without_a_time_is_now() -> None:
    """It never lies before the last step, whatever the clocks of two machines say."""
    case = open_case(Report("供水", at(50, 50)), CITIZEN, RULES, DESK).case
    after = take_step(case, Step("inspect", WORKER), RULES, DESK).case
    assert after.updated_at >= case.updated_at


def test_the_public_sees_neither_place_nor_words() -> None:
    """What `hide_case` makes has no field for them."""
    hidden = hide_case(Book(description="张三家漏水").case)
    text = repr(hidden)
    assert "张三" not in text and "lon" not in text and "worker" not in text
    assert hidden.grid_code == SW
