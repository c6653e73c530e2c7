"""No way to an illegal state: a machine tries every step, in any order, by anybody.

What is legal is written here once more, as the domain says it, not as the table of the code does.
"""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from gridmap.casebook.book import Casebook
from gridmap.errors import CaseError, ConflictError, RoleError, StepError
from gridmap.incidents.model import ROLES, Actor, Case, Step
from gridmap.incidents.stages import ACTIONS
from tests.incidents.town import CITIZEN, NE, SATURDAY, at, make_town_desk, report

STAGES = ["found", "inspected", "resolved", "answered", "accepted"]
FORWARD = {"inspect": 0, "resolve": 1, "answer": 2, "accept": 3}
DESK = make_town_desk()
OFFICES = {"community", "street", "district"}
MAY = {
    "inspect": {"worker", "community", "department"},
    "resolve": {"worker", "community", "department"},
    "answer": {"worker", "community", "department"},
    "accept": {"reporter", *OFFICES},
    "return": {"reporter", *OFFICES},
    "extend": OFFICES,
    "suspend": {"street", "district"},
    "resume": {"street", "district"},
    "reroute": OFFICES,
    "withdraw": {"reporter", *OFFICES},
    "merge": {"worker", *OFFICES},
    "move": {"reporter", "worker", *OFFICES},
    "whistle": {"worker", *OFFICES},
    "arrive": {"department"},
    "reply": {"department"},
    "refuse": {"department"},
    "note": {"worker", "department", *OFFICES},
}


class Loop(RuleBasedStateMachine):
    """Cases in a real casebook, and what each step may have made of them."""

    numbers = Bundle("numbers")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.book = Casebook(Path(self.folder.name) / "cases.sqlite", DESK)
        self.now: datetime = SATURDAY
        self.seen: dict[int, list[Case]] = {}

    def teardown(self) -> None:
        """Every log must lead to its case at the end, and each version to what was answered."""
        assert self.book.check() == []
        for number, versions in self.seen.items():
            assert self.book.read(number) == versions[-1]
            assert self.book.read_at(number, 1) == versions[0]
            assert [entry.version for entry in self.book.log(number)] == [
                case.version for case in versions
            ]
        self.book.close()
        self.folder.cleanup()

    @rule(target=numbers, east=st.integers(1, 399), north=st.integers(1, 199))
    def open(self, east: int, north: int) -> int:
        """Report a case somewhere in the town."""
        case = self.book.open(report(east, north, reported_at=self.now), CITIZEN)
        self.seen[case.case_id] = [case]
        assert case.due_inspect - case.reported_at == timedelta(hours=3)
        return case.case_id

    @precondition(lambda self: self.seen)
    @rule(
        number=numbers,
        other=numbers,
        action=st.sampled_from([*ACTIONS, "nonsense"]),
        role=st.sampled_from(ROLES),
        department=st.sampled_from(["供水", "供电"]),
        note=st.sampled_from(["因为", "因为", ""]),
        minutes=st.integers(0, 600),
        hours=st.sampled_from([None, 0, 5, 30, 100, 400]),
        reason=st.sampled_from(["", "jurisdiction", "duty"]),
        grid=st.sampled_from(["", NE, "none"]),
        stale=st.sampled_from([False, False, False, True]),
    )
    def step(
        self,
        number: int,
        other: int,
        action: str,
        role: str,
        department: str,
        note: str,
        minutes: int,
        hours: float | None,
        reason: str,
        grid: str,
        stale: bool,
    ) -> None:
        """Try a step; what is done must be legal, what is refused must leave everything."""
        self.now += timedelta(minutes=minutes)
        before = self.seen[number][-1]
        actor = Actor(role, "somebody", department if role == "department" else "")
        told = {"hours": hours, "reason": reason, "grid_code": grid, "duplicate_of": other}
        wanted = Step(
            action, actor, note, self.now, departments=(department,), location=at(350, 150), **told
        )
        version = before.version - 1 if stale else before.version
        try:
            after = self.book.step(number, wanted, version=version)
        except (StepError, RoleError, ConflictError, CaseError):
            assert self.book.read(number) == before
            return
        assert not stale
        self.judge(before, after, action, role, note)
        self.seen[number].append(after)

    @precondition(lambda self: self.seen)
    @rule(number=numbers, role=st.sampled_from(["worker", "street"]))
    def advance(self, number: int, role: str) -> None:
        """Go on as the loop does, so that its end is reached often."""
        before = self.seen[number][-1]
        action = before.next_duty or "note"
        wanted = Step(action, Actor(role, "somebody"), "因为", self.now)
        try:
            after = self.book.step(number, wanted)
        except (StepError, RoleError):
            assert before.standing != "open" or role not in MAY[action]
            return
        self.judge(before, after, action, role, "因为")
        self.seen[number].append(after)

    @precondition(lambda self: self.seen)
    @rule(
        number=numbers,
        action=st.sampled_from(["suspend", "resume", "whistle", "refuse", "withdraw"]),
        minutes=st.integers(0, 600),
    )
    def leave(self, number: int, action: str, minutes: int) -> None:
        """Take a side exit as it is meant, so that each is often open when others are tried."""
        self.now += timedelta(minutes=minutes)
        before = self.seen[number][-1]
        role = "department" if action == "refuse" else "street"
        actor = Actor(role, "somebody", "供水" if role == "department" else "")
        told = {"departments": ("供水",), "reason": "jurisdiction"}
        try:
            after = self.book.step(number, Step(action, actor, "因为", self.now, **told))
        except StepError:
            assert self.book.read(number) == before
            return
        self.judge(before, after, action, role, "因为")
        self.seen[number].append(after)

    def judge(self, before: Case, after: Case, action: str, role: str, note: str) -> None:
        """Say whether one step was legal, by the words of the domain."""
        assert after.version == before.version + 1 and role in MAY[action]
        if before.standing in ("closed", "withdrawn"):
            assert action == "note" and after.stage == before.stage
        was, now = STAGES.index(before.stage), STAGES.index(after.stage)
        if action in FORWARD:
            assert (was, now) == (FORWARD[action], was + 1) and before.standing == "open"
        elif action == "return":
            assert now < was and note and (role != "reporter" or before.stage == "answered")
        else:
            assert now == was
        if before.standing == "suspended":
            assert action in ("resume", "withdraw", "merge", "move", "note")
        if action in ("return", "extend", "suspend", "refuse", "note"):
            assert note

    @invariant()
    def states_are_legal(self) -> None:
        """Whatever was done: stage, standing, clocks and grid fit together."""
        for versions in self.seen.values():
            case = versions[-1]
            assert (case.standing == "closed") == (case.stage == "accepted")
            assert (case.suspended_at is not None) == (case.standing == "suspended")
            assert (case.next_due is not None) == (case.standing == "open")
            place = STAGES.index(case.stage)
            done = [getattr(case, f"done_{duty}") is not None for duty in FORWARD]
            assert done == [position < place for position in range(4)]
            assert case.due_inspect <= case.due_resolve <= case.due_answer <= case.due_accept
            assert case.grid_code in DESK.wards and case.runner_up != case.grid_code
            assert case.updated_at >= case.reported_at
            assert case.duplicate_of is None or case.standing == "withdrawn"


TestLoop = Loop.TestCase
TestLoop.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
