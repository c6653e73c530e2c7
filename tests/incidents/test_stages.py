"""The table of transitions: the loop, its side exits, who may do what."""

import itertools

import pytest

from gridmap.errors import RoleError, StepError
from gridmap.incidents.model import ROLES, STAGES, STANDINGS
from gridmap.incidents.stages import ACTIONS, TRANSITIONS, find_transition


def test_the_loop_is_the_five_stages_in_order() -> None:
    """发现 → 查验 → 解决 → 反馈 → 验收, each by one step, and nothing leads past one."""
    forward = {
        (stage, row.target): row.action
        for row in TRANSITIONS
        for stage in row.stages
        if row.target and STAGES.index(row.target) > STAGES.index(stage)
    }
    assert forward == {
        ("found", "inspected"): "inspect",
        ("inspected", "resolved"): "resolve",
        ("resolved", "answered"): "answer",
        ("answered", "accepted"): "accept",
    }


def test_every_side_exit_of_the_domain_is_there() -> None:
    """延期, 回退, 挂账, 改派, 撤回, and the whistle with its answers."""
    names = {row.name for row in TRANSITIONS}
    assert {"延期", "回退", "挂账", "改派", "撤回", "吹哨", "报到", "答复", "退单"} <= names


def test_nobody_accepts_his_own_work() -> None:
    """The worker and the department resolve and answer; others accept."""
    [accept] = [row for row in TRANSITIONS if row.action == "accept"]
    assert not {"worker", "department"} & set(accept.roles)


def test_each_row_is_of_known_words_and_none_contradicts_another() -> None:
    """For each action, stage, standing and role there is one row at most."""
    for row in TRANSITIONS:
        assert set(row.stages) <= set(STAGES) and set(row.roles) <= set(ROLES)
        assert set(row.standings) <= set(STANDINGS) and row.target in ("", *STAGES)
    for cell in itertools.product(ACTIONS, STAGES, STANDINGS, ROLES):
        action, stage, standing, role = cell
        rows = [
            row
            for row in TRANSITIONS
            if row.action == action
            and stage in row.stages
            and standing in row.standings
            and role in row.roles
        ]
        assert len(rows) <= 1, cell


def test_an_ended_case_takes_only_notes_and_the_erasure() -> None:
    """Closed and withdrawn cases stay as they are."""
    for standing in ("closed", "withdrawn"):
        ending = {row.action for row in TRANSITIONS if standing in row.standings}
        assert ending == {"note", "erase"}


def test_refusals_say_what_is_possible_and_who_may() -> None:
    """A wrong stage lists the steps; a wrong role the roles; an unknown word the actions."""
    with pytest.raises(StepError, match=r"resolve is not possible.*at found.*inspect"):
        find_transition("resolve", "worker", "found", "open")
    with pytest.raises(RoleError, match=r"suspend \(挂账\) is not for worker: street, district"):
        find_transition("suspend", "worker", "found", "open")
    with pytest.raises(StepError, match=r"no action 'fix'; there are inspect, resolve"):
        find_transition("fix", "worker", "found", "open")
