"""The log of a plan grows, and says who changed what."""

from datetime import UTC, datetime

import pytest

from gridmap.changes import ChangeLog, make_marks, sign_change
from gridmap.edit import move_units
from gridmap.errors import PlanError
from gridmap.history import history
from gridmap.plan import Plan
from gridmap.tables import CHANGES, MARKS, MOVES, check_table

SOUTH = "210802003002002"


def test_an_empty_log_keeps_the_contracts() -> None:
    """A plan that nobody changed has three empty tables, and nothing to undo."""
    log = ChangeLog()
    for name, contract in (("changes", CHANGES), ("moves", MOVES), ("marks", MARKS)):
        check_table(getattr(log, name), contract)
    assert log.last_done() is None
    assert log.first_undone() is None
    assert log.codes() == []


def test_a_change_drops_what_was_undone() -> None:
    """Numbers go on; codes of dropped changes are still named."""
    change = {**sign_change("李工", "", None), "verb": "lock_grids", "details": ""}
    marks = make_marks([("a", "locked", "", "yes")])
    log = ChangeLog()
    empty = log.moves.drop(columns="number")
    log = log.add(change, empty, marks).set_state(1, "undone")
    assert log.first_undone() == 1
    log = log.add(change, empty, make_marks([("b", "locked", "", "yes")]))
    assert log.changes["state"].to_dict() == {1: "dropped", 2: "done"}
    assert log.codes() == ["a", "b"]
    assert log.marks_of(2)["grid_code"].tolist() == ["b"]


def test_who_is_the_user_by_default(four_by_two: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``by`` the system's user signs; an empty name, a time without zone are refused."""
    monkeypatch.setattr("getpass.getuser", lambda: "planner")
    assert history(move_units(four_by_two, [4], SOUTH))["by"].tolist() == ["planner"]

    def nobody() -> str:
        raise KeyError(1234)

    monkeypatch.setattr("getpass.getuser", nobody)
    assert sign_change(None, "", None)["by"] == "unknown"
    noon = datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert sign_change(" 李工 ", "学区", noon) == {
        "at": "2025-03-01T12:00:00+00:00",
        "by": "李工",
        "why": "学区",
    }
    with pytest.raises(PlanError, match="by is empty"):
        sign_change(" ", "", None)
    with pytest.raises(PlanError, match="without a time zone"):
        sign_change("李工", "", datetime(2025, 3, 1))
