"""The state machine of a case: what may be done when, and by whom.

::

    found ─ inspect ─▶ inspected ─ resolve ─▶ resolved ─ answer ─▶ answered ─ accept ─▶ accepted
    发现     查验                     解决                  反馈                  验收

Side exits: extend 延期, return 回退, suspend and resume 挂账, reroute 改派, withdraw 撤回, merge
并案, and the whistle 吹哨: whistle, arrive 报到, reply, refuse 退单.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gridmap.errors import RoleError, StepError
from gridmap.incidents.model import STAGE_NAMES, Case

_STAFF = ("worker", "community", "street", "district")
_OFFICES = ("community", "street", "district")
_HANDS = ("worker", "community", "department")
_BEFORE_END = ("found", "inspected", "resolved", "answered")
_ALL = (*_BEFORE_END, "accepted")


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table.

    Parameters
    ----------
    action : str
        What is done.
    name : str
        In Chinese.
    stages : tuple of str
        Where it may be done.
    target : str
        The stage after it; "" where it stays.
    roles : tuple of str
        Who may do it.
    standings : tuple of str
        Whether the clock may run, be paused, or have ended.
    standing : str
        The standing after it; "" where it stays.
    reasoned : bool
        Whether the step needs a note.
    """

    action: str
    name: str
    stages: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    standings: tuple[str, ...] = ("open",)
    standing: str = ""
    reasoned: bool = False


_EITHER = ("open", "suspended")
_ANY = ("open", "suspended", "closed", "withdrawn")
#: Every step there is; one that is in no row is impossible.
TRANSITIONS = (
    Transition("inspect", "查验", ("found",), "inspected", _HANDS),
    Transition("resolve", "解决", ("inspected",), "resolved", _HANDS),
    Transition("answer", "反馈", ("resolved",), "answered", _HANDS),
    Transition(
        "accept", "验收", ("answered",), "accepted", ("reporter", *_OFFICES), standing="closed"
    ),
    Transition("return", "回退", ("inspected",), "found", _OFFICES, reasoned=True),
    Transition("return", "回退", ("resolved", "answered"), "inspected", _OFFICES, reasoned=True),
    Transition("return", "回退", ("answered",), "inspected", ("reporter",), reasoned=True),
    Transition("extend", "延期", _BEFORE_END, "", _OFFICES, reasoned=True),
    Transition(
        "suspend",
        "挂账",
        _BEFORE_END,
        "",
        ("street", "district"),
        standing="suspended",
        reasoned=True,
    ),
    Transition(
        "resume", "恢复", _BEFORE_END, "", ("street", "district"), ("suspended",), standing="open"
    ),
    Transition("reroute", "改派", _BEFORE_END, "", _OFFICES),
    Transition(
        "withdraw",
        "撤回",
        _BEFORE_END,
        "",
        _OFFICES,
        _EITHER,
        standing="withdrawn",
        reasoned=True,
    ),
    Transition("withdraw", "撤回", ("found",), "", ("reporter",), _EITHER, standing="withdrawn"),
    Transition("merge", "并案", _BEFORE_END, "", _STAFF, _EITHER, standing="withdrawn"),
    Transition("move", "移动位置", _BEFORE_END, "", _STAFF, _EITHER),
    Transition("move", "移动位置", ("found",), "", ("reporter",), _EITHER),
    Transition("whistle", "吹哨", _BEFORE_END, "", _STAFF),
    Transition("arrive", "报到", _BEFORE_END, "", ("department",)),
    Transition("reply", "答复", _BEFORE_END, "", ("department",)),
    Transition("refuse", "退单", _BEFORE_END, "", ("department",), reasoned=True),
    Transition("note", "记事", _ALL, "", (*_STAFF, "department"), _ANY, reasoned=True),
    Transition("photo", "照片", _BEFORE_END, "", ("reporter", *_STAFF, "department"), _EITHER),
    Transition("erase", "清除报告人信息", _ALL, "", ("district",), _ANY),
)
ACTIONS = tuple(dict.fromkeys(row.action for row in TRANSITIONS))


def find_transition(action: str, role: str, stage: str, standing: str) -> Transition:
    """Return the row by which a role does something at a stage.

    Raises
    ------
    StepError
        If there is no such action, or nobody can do it now; with what can be done.
    RoleError
        If somebody else can.

    Examples
    --------
    >>> find_transition("inspect", "worker", "found", "open").target
    'inspected'
    >>> find_transition("accept", "worker", "answered", "open")
    Traceback (most recent call last):
    gridmap.errors.RoleError: accept (验收) is not for worker: reporter, community, street, district
    """
    rows = _rows_at(stage, standing)
    fitting = [row for row in rows if row.action == action]
    if not fitting:
        raise StepError(_explain(action, stage, standing))
    for row in fitting:
        if role in row.roles:
            return row
    roles = ", ".join(dict.fromkeys(role for row in fitting for role in row.roles))
    raise RoleError(f"{action} ({fitting[0].name}) is not for {role}: {roles}")


def list_actions(case: Case, role: str) -> list[str]:
    """Return what a role may do with a case now, in the order of the table."""
    rows = _rows_at(case.stage, case.standing)
    return list(dict.fromkeys(row.action for row in rows if role in row.roles))


def _rows_at(stage: str, standing: str) -> list[Transition]:
    return [row for row in TRANSITIONS if stage in row.stages and standing in row.standings]


def _explain(action: str, stage: str, standing: str) -> str:
    if action not in ACTIONS:
        return f"no action {action!r}; there are {_join(ACTIONS)}"
    possible = dict.fromkeys(row.action for row in _rows_at(stage, standing))
    return (
        f"{action} is not possible: the case is {standing} at {stage} ({STAGE_NAMES[stage]}); "
        f"possible: {_join(possible)}"
    )


def _join(words: Iterable[str]) -> str:
    return ", ".join(words)
