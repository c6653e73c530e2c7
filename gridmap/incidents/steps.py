"""What a step makes of a case: the line of its log, what changes, which departments are called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from gridmap.errors import CaseError, RoleError, StepError
from gridmap.incident_rules import Incidents
from gridmap.incidents.clocks import (
    breach_times,
    extend_times,
    renew_times,
    shift_times,
    to_changes,
)
from gridmap.incidents.desk import Desk
from gridmap.incidents.model import (
    NEXT_DUTY,
    Actor,
    Case,
    Entry,
    Placement,
    Report,
    Step,
    Whistle,
    settle_moment,
)
from gridmap.incidents.stages import Transition, find_transition

Changes = dict[str, Any]
_PLACED = tuple(item.name for item in fields(Placement))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case after a step, the line of its log, and the calls that are new or changed."""

    case: Case
    entry: Entry
    whistles: tuple[Whistle, ...] = ()


def open_case(report: Report, actor: Actor, rules: Incidents, desk: Desk) -> Outcome:
    """Place a report, start its clocks and send it to a grid and a department; number 0 as yet.

    Raises
    ------
    CaseError
        If there is no such category or the time has no zone.
    DatumError
        If the point is not on Earth or its datum unknown.
    """
    at = settle_moment(report.reported_at)
    place = desk.place(report.location)
    placed: Changes = {name: getattr(place, name) for name in _PLACED}
    times: Changes = to_changes(breach_times(at, rules, report.category))
    case = Case(
        case_id=0,
        version=1,
        source=report.source,
        category=report.category,
        department=report.department or rules.categories[report.category].department,
        description=report.description.strip(),
        stage="found",
        standing="open",
        plan=desk.plan,
        reported_at=at,
        updated_at=at,
        **placed,
        **times,
    )
    return Outcome(case, Entry(0, 1, at, "open", actor, "", {}, _state_of(case)))


def number_case(outcome: Outcome, case_id: int) -> Outcome:
    """Return what was opened under its number."""
    return Outcome(replace(outcome.case, case_id=case_id), replace(outcome.entry, case_id=case_id))


def take_step(
    case: Case, step: Step, rules: Incidents, desk: Desk, whistles: Sequence[Whistle] = ()
) -> Outcome:
    """Do one step, or say why not.

    Parameters
    ----------
    case : Case
        As it stands.
    step : Step
        What somebody wants to do.
    rules : Incidents
        Clocks and limits.
    desk : Desk
        Whom a place belongs to.
    whistles : sequence of Whistle
        The departments that were called so far.

    Raises
    ------
    StepError, RoleError
        If the table of transitions does not allow it (`gridmap.incidents.stages`).
    CaseError
        If something is missing: a reason, the hours, a department that was not called.
    """
    row = find_transition(step.action, step.actor.role, case.stage, case.standing)
    if row.reasoned and not step.note.strip():
        raise CaseError(f"{row.action} ({row.name}) needs a note that says why")
    at = settle_moment(step.at) if step.at else max(settle_moment(None), case.updated_at)
    if at < case.updated_at:
        raise CaseError(f"{at.isoformat()} is before the last step, {case.updated_at.isoformat()}")
    job = _Job(case, step, at, rules, desk, tuple(whistles))
    changes, facts, calls = _WORK.get(step.action, _only_move)(job)
    changes = {**_move_on(case, row, at, rules), **changes}
    changed = {key: value for key, value in changes.items() if getattr(case, key) != value}
    after = replace(case, **changed, version=case.version + 1, updated_at=at)
    entry = Entry(
        case.case_id, after.version, at, step.action, step.actor, step.note.strip(), facts, changed
    )
    return Outcome(after, entry, calls)


def replay(entries: Sequence[Entry]) -> Case:
    """Return the case that a log leads to; what was opened is in its first entry."""
    first, *rest = entries
    state = {**first.changes, "case_id": first.case_id, "version": 1, "updated_at": first.at}
    case = Case(**state)
    for entry in rest:
        case = replace(case, **entry.changes, version=entry.version, updated_at=entry.at)
    return case


@dataclass(frozen=True, slots=True)
class _Job:
    case: Case
    step: Step
    at: datetime
    rules: Incidents
    desk: Desk
    whistles: tuple[Whistle, ...]


Work = tuple[Changes, dict[str, Any], tuple[Whistle, ...]]


def _move_on(case: Case, row: Transition, at: datetime, rules: Incidents) -> Changes:
    """Return the stage and standing after a step, and the clocks that follow from them."""
    changes: Changes = {}
    if row.standing:
        changes["standing"] = row.standing
    if row.target:
        changes["stage"] = row.target
        if NEXT_DUTY.get(case.stage) == row.action:
            changes[f"done_{row.action}"] = at
            changes |= to_changes(renew_times(case, row.action, at, rules))
        else:
            changes |= _undo_duties(row.target)
    return changes


def _undo_duties(target: str) -> Changes:
    """Return what is to be done again after a return."""
    stages = list(NEXT_DUTY)
    return {f"done_{NEXT_DUTY[stage]}": None for stage in stages[stages.index(target) :]}


def _only_move(job: _Job) -> Work:
    """Do nothing beside what the table says; a department must be concerned."""
    if job.step.actor.role == "department" and job.step.action != "note":
        _check_concerned(job)
    return {}, {}, ()


def _check_concerned(job: _Job) -> None:
    """Refuse a department that neither answers for the case nor was called to it."""
    own = job.step.actor.department
    called = {one.department for one in job.whistles if one.state != "refused"}
    if own != job.case.department and own not in called:
        raise RoleError(f"{own} neither answers for case {job.case.case_id} nor was called to it")


def _extend(job: _Job) -> Work:
    hours, role = job.step.hours or 0, job.step.actor.role
    offices = ("community", "street", "district")
    limit = job.rules.extensions[offices.index(role)]
    if not hours > 0:
        raise CaseError(f"an extension of {hours} h is none: say how many hours")
    if hours > limit:
        raise RoleError(f"an extension of {hours:g} h is above the {limit:g} h of a {role}")
    return to_changes(extend_times(job.case, hours, job.rules)), {"hours": hours}, ()


def _suspend(job: _Job) -> Work:
    return {"suspended_at": job.at}, {}, ()


def _resume(job: _Job) -> Work:
    times = shift_times(job.case, job.at, job.rules)
    return {"suspended_at": None, **to_changes(times)}, {}, ()


def _end(_job: _Job) -> Work:
    return {"suspended_at": None}, {}, ()


def _merge(job: _Job) -> Work:
    other = job.step.duplicate_of
    if other is None or other == job.case.case_id:
        raise CaseError("a merge names the other case that this one repeats")
    return {"suspended_at": None, "duplicate_of": other}, {"duplicate_of": other}, ()


def _move(job: _Job) -> Work:
    """Move the pin: the place is located anew; the log keeps the one before."""
    if job.step.location is None:
        raise CaseError("a move names the new location")
    place = job.desk.place(job.step.location)
    changes = {name: getattr(place, name) for name in _PLACED} | {"plan": job.desk.plan}
    before = {name: getattr(job.case, name) for name in ("lon", "lat", "address", "grid_code")}
    return _count_hop(job.case, changes), {"before": before}, ()


def _reroute(job: _Job) -> Work:
    """Send a case to another grid, another department, or both."""
    step = job.step
    if not step.grid_code and len(step.departments) != 1:
        raise CaseError("a reroute names another grid, one other department, or both")
    changes: Changes = {}
    if step.grid_code:
        changes |= _send_to(job, step.grid_code)
    if step.departments:
        changes["department"] = _check_department(step.departments[0], job.desk)
    changes = _count_hop(job.case, changes)
    if "hops" not in changes:
        raise CaseError("the case is there already: name another grid or department")
    return changes, {}, ()


def _whistle(job: _Job) -> Work:
    """Call departments: the liaison of each in the community of the case."""
    names = job.step.departments
    if not names or len(set(names)) < len(names):
        raise CaseError(f"a whistle names departments, each once: {list(names)}")
    if not job.case.grid_code:
        raise CaseError("the case is in no grid: place it before departments are called")
    waiting = {one.department for one in job.whistles if one.state in ("called", "arrived")}
    twice = [name for name in names if name in waiting]
    if twice:
        raise StepError(f"{', '.join(twice)} was called already and has not answered")
    calls = _call(job, job.case, names, len(job.whistles))
    return {}, {"departments": list(names), "hops": [one.hop for one in calls]}, calls


def _call(job: _Job, case: Case, names: Sequence[str], count: int) -> tuple[Whistle, ...]:
    calls = []
    for hop, name in enumerate(names, start=count + 1):
        department = _check_department(name, job.desk)
        who = job.desk.liaison(case.community_id, department)
        calls.append(
            Whistle(
                case_id=case.case_id,
                hop=hop,
                department=department,
                grid_code=case.grid_code,
                community_id=case.community_id,
                post=who.post,
                liaison=who.name,
                phone=who.phone,
                state="called",
                called_at=job.at,
            )
        )
    return tuple(calls)


def _arrive(job: _Job) -> Work:
    call = _find_call(job, ("called",))
    return {}, {"hop": call.hop}, (replace(call, state="arrived", arrived_at=job.at),)


def _reply(job: _Job) -> Work:
    if not job.step.note.strip():
        raise CaseError("a reply says in its note what was done")
    call = _find_call(job, ("called", "arrived"))
    answer = job.step.note.strip()
    done = replace(call, state="answered", answered_at=job.at, answer=answer)
    return {}, {"hop": call.hop}, (done,)


def _refuse(job: _Job) -> Work:
    """Refuse a call. For another grid's jurisdiction the runner-up takes the case, once."""
    if job.step.reason not in ("jurisdiction", "duty"):
        raise CaseError(f"reason is {job.step.reason!r}; choose jurisdiction or duty")
    call = _find_call(job, ("called", "arrived"))
    answer = job.step.note.strip()
    refused = replace(call, state="refused", answered_at=job.at, answer=answer)
    facts = {"hop": call.hop, "reason": job.step.reason}
    if job.step.reason == "duty":
        return {"flag": f"{call.department} refused: another department's"}, facts, (refused,)
    tried = {one.grid_code for one in job.whistles if one.department == call.department}
    other = job.case.runner_up
    if not other or other in tried or other not in job.desk.wards:
        return {"flag": _nobody(job.case, call)}, facts, (refused,)
    changes = _count_hop(job.case, _send_to(job, other))
    moved = replace(job.case, **changes)
    [next_call] = _call(job, moved, [call.department], len(job.whistles))
    facts |= {"sent_to": other, "next_hop": next_call.hop}
    return changes, facts, (refused, next_call)


def _nobody(case: Case, call: Whistle) -> str:
    why = "no grid is next" if not case.runner_up else "the runner-up was asked before"
    return f"{call.department} refused jurisdiction and {why}: the street decides"


def _find_call(job: _Job, states: tuple[str, ...]) -> Whistle:
    """Return the last call of the actor's department that is in one of the states."""
    own = job.step.actor.department
    calls = [one for one in job.whistles if one.department == own and one.state in states]
    if not calls:
        raise StepError(f"{own} has no call of case {job.case.case_id} that is {_or(states)}")
    return calls[-1]


def _or(words: Sequence[str]) -> str:
    return " or ".join(words)


def _send_to(job: _Job, grid_code: str) -> Changes:
    case = job.case
    place = Placement(**{name: getattr(case, name) for name in _PLACED})
    sent = job.desk.send_to(place, grid_code)
    return {name: getattr(sent, name) for name in _PLACED}


def _count_hop(case: Case, changes: Changes) -> Changes:
    """Count a hop where a case that had a grid gets another one, or another department."""
    moved = case.grid_code and changes.get("grid_code", case.grid_code) != case.grid_code
    handed = changes.get("department", case.department) != case.department
    return {**changes, "hops": case.hops + 1} if moved or handed else changes


def _check_department(name: str, desk: Desk) -> str:
    if name not in desk.departments:
        raise CaseError(f"no department {name!r}; there are {', '.join(desk.departments)}")
    return name


def _state_of(case: Case) -> Changes:
    skipped = ("case_id", "version", "updated_at")
    return {
        item.name: getattr(case, item.name) for item in fields(case) if item.name not in skipped
    }


_WORK: Mapping[str, Callable[[_Job], Work]] = {
    "extend": _extend,
    "suspend": _suspend,
    "resume": _resume,
    "withdraw": _end,
    "merge": _merge,
    "move": _move,
    "reroute": _reroute,
    "whistle": _whistle,
    "arrive": _arrive,
    "reply": _reply,
    "refuse": _refuse,
}
