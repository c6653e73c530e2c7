"""The log of a plan: what was changed by hand, by whom, when and why; only grows.

Three tables: `CHANGES` for people, and `MOVES` and `MARKS` with what each change did to units and
to grids, before and after, so that it can be undone and redone exactly. An edit that was undone
stays in the log: the codes that it gave are not given again, as the plan may have been published
meanwhile.
"""

import getpass
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pandas as pd

from gridmap.errors import PlanError
from gridmap.tables import CHANGES, MARKS, MOVES, empty_table, list_some


def _no_changes() -> pd.DataFrame:
    return empty_table(CHANGES, None).set_axis(pd.Index([], dtype="int64", name=CHANGES.index))


def _no_moves() -> pd.DataFrame:
    return empty_table(MOVES, None)


def _no_marks() -> pd.DataFrame:
    return empty_table(MARKS, None)


@dataclass(frozen=True)
class ChangeLog:
    """Who changed what in a plan, in the order in which it was changed.

    Parameters
    ----------
    changes : DataFrame
        `CHANGES`.
    moves : DataFrame
        `MOVES`.
    marks : DataFrame
        `MARKS`.
    """

    changes: pd.DataFrame = field(default_factory=_no_changes)
    moves: pd.DataFrame = field(default_factory=_no_moves)
    marks: pd.DataFrame = field(default_factory=_no_marks)

    def codes(self) -> list[str]:
        """List every code that a change named, also of changes that were undone."""
        moves, marks = self.moves, self.marks
        return sorted({*moves["before"], *moves["after"], *marks["grid_code"]})

    def moves_of(self, number: int) -> pd.DataFrame:
        """Return the rows of `MOVES` of one change."""
        return self.moves[self.moves["number"] == number]

    def marks_of(self, number: int) -> pd.DataFrame:
        """Return the rows of `MARKS` of one change."""
        return self.marks[self.marks["number"] == number]

    def last_done(self) -> int | None:
        """Return the number of the change that `undo` takes back."""
        return _find_end(self.changes, "done", -1)

    def first_undone(self) -> int | None:
        """Return the number of the change that `redo` makes again."""
        return _find_end(self.changes, "undone", 0)

    def set_state(self, number: int, state: str) -> "ChangeLog":
        """Return the log with another state of one change."""
        states = self.changes["state"].mask(self.changes.index == number, state)
        return replace(self, changes=self.changes.assign(state=states))

    def close(self, details: str) -> "ChangeLog":
        """Return the log of a plan that was redrawn from this one: it goes on, nothing is undone.

        The changes stay to be read. Their moves are of units that are no more, so of each only the
        codes that it named are kept: they are not given again. The redraw is one more change; who
        keeps and publishes the plan signs for it, so that the same redraw has the same log.
        """
        pairs = [
            self.moves[["number", side]].set_axis(["number", "grid_code"], axis=1)
            for side in ("before", "after")
        ]
        named = pd.concat([*pairs, self.marks[["number", "grid_code"]]]).drop_duplicates()
        named = named.sort_values(["number", "grid_code"]).assign(field="code", before="", after="")
        states = self.changes["state"].replace({"done": "closed", "undone": "dropped"})
        kept = ChangeLog(
            self.changes.assign(state=states), _no_moves(), _append(_no_marks(), named)
        )
        texts = {"at": "", "by": "", "why": "", "verb": "redraw_plan", "details": details}
        log = kept.add(texts, _no_moves(), _no_marks())
        return log.set_state(int(log.changes.index[-1]), "closed")

    def add(self, change: dict[str, str], moves: pd.DataFrame, marks: pd.DataFrame) -> "ChangeLog":
        """Return the log with one more change; what was undone before can't be redone after it.

        Parameters
        ----------
        change : dict of str to str
            ``at``, ``by``, ``why``, ``verb`` and ``details``.
        moves, marks : DataFrame
            `MOVES` and `MARKS` without the number.
        """
        number = int(self.changes.index.max()) + 1 if len(self.changes) else 1
        row = pd.DataFrame([{**change, "state": "done"}], pd.Index([number], name=CHANGES.index))
        states = self.changes["state"].replace("undone", "dropped")
        before = self.changes.assign(state=states)
        return ChangeLog(
            _append(before, row.astype("str"), ignore_index=False),
            _append(self.moves, moves.assign(number=number)),
            _append(self.marks, marks.assign(number=number)),
        )


def sign_change(by: str | None, why: str, at: datetime | None) -> dict[str, str]:
    """Say who changes something, why and when, as the log writes it.

    Parameters
    ----------
    by : str or None
        Who; None is the user of the operating system.
    why : str
        The reason, for the record.
    at : datetime or None
        When, with a time zone; None is now.

    Raises
    ------
    PlanError
        If ``by`` is empty or ``at`` has no time zone.
    """
    by = _name_user() if by is None else by.strip()
    if not by:
        raise PlanError("by is empty; name who changes the plan")
    if at is not None and at.tzinfo is None:
        raise PlanError(f"at is {at!r}, without a time zone; give one, such as at.astimezone()")
    moment = datetime.now(UTC).astimezone() if at is None else at
    return {"at": moment.isoformat(timespec="seconds"), "by": by, "why": why}


def make_marks(rows: Iterable[tuple[str, str, str, str]]) -> pd.DataFrame:
    """Make a table of marks from rows of grid, field, value before and after."""
    columns = ["grid_code", "field", "before", "after"]
    return pd.DataFrame(list(rows), columns=columns).astype("str")


def name_units(units: Iterable[int]) -> str:
    """Name units in a sentence.

    Examples
    --------
    >>> name_units([4]), name_units(range(5))
    ('unit 4', 'units 0, 1, 2 and 2 more')
    """
    listed = list(units)
    return f"unit{'' if len(listed) == 1 else 's'} {list_some(listed, 3)}"


def _find_end(changes: pd.DataFrame, state: str, place: int) -> int | None:
    numbers = changes.index[changes["state"] == state]
    return int(numbers[place]) if len(numbers) else None


def _append(table: pd.DataFrame, rows: pd.DataFrame, *, ignore_index: bool = True) -> pd.DataFrame:
    """Add rows below a table, with its columns and types."""
    rows = rows[list(table.columns)].astype(table.dtypes.to_dict())
    return pd.concat([table, rows], ignore_index=ignore_index)


def _name_user() -> str:
    """Return the user of the operating system; a container may have none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
