"""A plan while somebody redraws it: which grid each unit is in now, and every step back to then.

A draft may be what no plan is, a grid in two pieces; it never holds a grid in two communities.
Units and grids are numbers here, as in the browser: units by their place in the plan, grids by
their place in ``plan.grids``, and then the new ones, ``new-1``, ``new-2`` …
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.edit import assign_units, lock_grids, unlock_grids
from gridmap.editor.encoding import MOST_GRIDS
from gridmap.editor.problems import find_problems
from gridmap.errors import DraftError
from gridmap.partition import evaluate, make_problem
from gridmap.plan import Plan
from gridmap.rules import Rules

Ints = npt.NDArray[np.int64]
#: One line of the journal: ``{"do": "step", …}``, ``{"do": "undo"}`` or ``{"do": "redo"}``.
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """What one gesture does, and what it takes to undo it.

    Parameters
    ----------
    kind : str
        ``brush``, ``lasso``, ``merge``, ``dissolve``, ``propose``, ``lock`` or ``unlock``.
    units, before, after : array of int
        The units that change grid, and their grids before and after.
    grids : array of int
        The grids that are locked or unlocked.
    """

    kind: str
    units: Ints
    before: Ints
    after: Ints
    grids: Ints

    @classmethod
    def read(cls, entry: Entry) -> "Step":
        """Read a step as the browser and the journal write it.

        Raises
        ------
        DraftError
            If it is not of that form.
        """
        try:
            columns = [
                np.array(entry.get(name, []), np.int64)
                for name in ("units", "before", "after", "grids")
            ]
        except (TypeError, ValueError, OverflowError) as error:
            raise DraftError(f"a step holds what is no number of a unit or grid: {error}") from None
        if any(column.ndim != 1 for column in columns):
            raise DraftError("a step holds lists in lists; units and grids are numbers")
        return cls(str(entry.get("kind", "")), *columns)

    def write(self) -> dict[str, Any]:
        """Return the step ready for JSON."""
        if self.kind in ("lock", "unlock"):
            return {"do": "step", "kind": self.kind, "grids": self.grids.tolist()}
        columns = {name: getattr(self, name).tolist() for name in ("units", "before", "after")}
        return {"do": "step", "kind": self.kind, **columns}


class Draft:
    """What has become of a plan so far. It is changed by `follow` alone.

    Parameters
    ----------
    start : Plan
        The plan that the editing starts from; it is not changed.
    rules : Rules
        What sizes are judged by.
    """

    def __init__(self, start: Plan, rules: Rules) -> None:
        self.start, self.rules = start, rules
        self.before = start.grids.index.get_indexer(start.units["grid_code"]).astype(np.int64)
        self.grids = self.before.copy()
        self.locked = set(start.grids.index.get_indexer(start.locked).tolist())
        self.past: list[Step] = []
        self.future: list[Step] = []
        self.revision = 0
        self.problem = make_problem(start.units, start.adjacency)
        community = start.units["community_id"].astype(str)
        zone = pd.Series(self.problem.zone, index=start.units.index).astype(str)
        self._place = pd.factorize(community + "/" + zone)[0]

    # --- steps ------------------------------------------------------------------------------------

    def check(self, entry: Entry) -> None:
        """Refuse an entry that can't follow.

        Raises
        ------
        DraftError
            With the reason.
        """
        match entry.get("do"):
            case "step":
                self._check_step(Step.read(entry))
            case "undo" if not self.past:
                raise DraftError("there is no step to undo")
            case "redo" if not self.future:
                raise DraftError("there is no step to redo")
            case "undo" | "redo":
                pass
            case other:
                raise DraftError(f"{other!r} is neither a step, undo nor redo")

    def follow(self, entry: Entry) -> None:
        """Take one step, or one back or forth, after `check`."""
        self.check(entry)
        if entry["do"] == "step":
            step = Step.read(entry)
            self._apply(step)
            self.past.append(step)
            self.future.clear()
        elif entry["do"] == "undo":
            step = self.past.pop()
            self._revert(step)
            self.future.append(step)
        else:
            step = self.future.pop()
            self._apply(step)
            self.past.append(step)
        self.revision += 1

    def _apply(self, step: Step) -> None:
        self.grids[step.units] = step.after
        numbers = set(step.grids.tolist())
        self.locked = self.locked - numbers if step.kind == "unlock" else self.locked | numbers

    def _revert(self, step: Step) -> None:
        self.grids[step.units] = step.before
        numbers = set(step.grids.tolist())
        self.locked = self.locked | numbers if step.kind == "unlock" else self.locked - numbers

    def _check_step(self, step: Step) -> None:
        count = self.count_grids()
        if len(step.grids) and not 0 <= step.grids.min() <= step.grids.max() < count:
            raise DraftError(f"grids are numbered 0 to {count - 1}, not {step.grids.tolist()}")
        if not len(step.units) == len(step.before) == len(step.after):
            raise DraftError("a step needs a grid before and after for each of its units")
        if not len(step.units):
            return
        self._check_units(step)
        self._check_places(step, count)

    def _check_units(self, step: Step) -> None:
        last = len(self.grids) - 1
        if not 0 <= step.units.min() <= step.units.max() <= last:
            raise DraftError(f"units are numbered 0 to {last}, not {step.units.max()}")
        if len(np.unique(step.units)) != len(step.units):
            raise DraftError("a unit is twice in one step; name it once")
        if (self.grids[step.units] != step.before).any():
            raise DraftError("the step starts from other grids than the draft has; load it again")

    def _check_places(self, step: Step, count: int) -> None:
        """Refuse a step into a grid that is locked, or of another community or exclusive zone."""
        if step.after.min() < 0 or step.after.max() > min(count, MOST_GRIDS):
            raise DraftError(f"the next new grid is number {count}, not {step.after.max()}")
        touched = self.locked & {*step.before.tolist(), *step.after.tolist()}
        if touched:
            raise DraftError(f"grid {self.label(min(touched))} is locked; unlock it first")
        grids = self.grids.copy()
        grids[step.units] = step.after
        rows = np.isin(grids, step.after)
        pairs = np.unique(np.column_stack([grids[rows], self._place[rows]]), axis=0)[:, 0]
        twice = pairs[1:][pairs[1:] == pairs[:-1]]
        if len(twice):
            raise DraftError(
                f"grid {self.label(int(twice[0]))} would lie in more than one community or zone; "
                "a grid belongs to one"
            )

    # --- what the draft is ------------------------------------------------------------------------

    def count_grids(self) -> int:
        """Count the grids that have a number, those without units and undone new ones too."""
        steps = [step.after.max(initial=-1) for step in (*self.past, *self.future)]
        return max(len(self.start.grids), 1 + int(max(steps, default=-1)))

    def label(self, number: int) -> str:
        """Return the code of a grid, or ``new-1`` for one that has none yet."""
        old = len(self.start.grids)
        return str(self.start.grids.index[number]) if number < old else f"new-{number - old + 1}"

    def number(self, label: str) -> int:
        """Return the number of a grid by its label.

        Raises
        ------
        DraftError
            If there is no such grid.
        """
        for number in range(len(self.start.grids), self.count_grids() + 1):
            if label == self.label(number):
                return number
        if label not in self.start.grids.index:
            raise DraftError(f"no grid {label!r}; give a code of the plan, or new-1 for a new one")
        return int(self.start.grids.index.get_loc(label))

    def _name(self, numbers: Ints) -> npt.NDArray[np.object_]:
        """Return the labels of many grids."""
        new = range(len(self.start.grids), self.count_grids())
        names = [*self.start.grids.index, *(self.label(number) for number in new)]
        return np.array(names, object)[numbers]

    def labels(self) -> pd.Series:
        """Return unit_id -> label, of every unit."""
        return pd.Series(
            self._name(self.grids), index=self.start.units.index, name="grid_code", dtype="str"
        )

    def measure(self) -> pd.DataFrame:
        """Return the grids that have units, by label, with what `find_problems` asks for."""
        numbers, labels = np.unique(self.grids, return_inverse=True)
        found = evaluate(self.problem, labels, self.rules).grids
        buildings = np.bincount(labels, self.start.units["buildings"]).astype(np.int64)
        return pd.DataFrame(
            {
                "grid_type": np.where(found["exclusive"] > 0, "exclusive", "base"),
                "households": found["households"].astype(np.int64),
                "buildings": buildings,
                "target": found["target"],
                "deviation": found["deviation"],
                "pieces": found["pieces"].astype(np.int64),
            },
            index=pd.Index(self._name(numbers), name="grid_code"),
        )

    def list_problems(self) -> pd.DataFrame:
        """Return the grids with which something is wrong, as `find_problems` says it."""
        measures = self.measure()
        found = find_problems(measures, self.rules)
        wrong = found.any(axis=1)
        return measures.loc[wrong, ["households", "pieces"]].join(found[wrong])

    def list_changes(self) -> pd.DataFrame:
        """Return the grids whose units changed: households and units before and after."""
        moved = self.grids != self.before
        touched = np.unique([self.before[moved], self.grids[moved]])
        size = self.count_grids()
        households = self.start.units["households"]
        table = {
            name: np.bincount(grids, weights, size).astype(np.int64)[touched]
            for name, grids, weights in (
                ("before", self.before, households),
                ("after", self.grids, households),
                ("units_before", self.before, None),
                ("units_after", self.grids, None),
            )
        }
        index = pd.Index(self._name(touched), name="grid_code")
        return pd.DataFrame(table, index=index, dtype="int64")

    def to_plan(self, *, by: str = "") -> Plan:
        """Return the plan that the draft has become, with its locks.

        Parameters
        ----------
        by : str
            Who edits, for the plan's log; "" is the user of the operating system.

        Raises
        ------
        PlanError
            If a grid is in two pieces.
        """
        plan, labels, why = self.start, self.labels(), "edited on the map"
        locked = [self.label(number) for number in sorted(self.locked)]
        opened = [code for code in plan.locked if code not in locked]
        if opened:
            plan = unlock_grids(plan, opened, by=by or None, why=why)
        if (labels != plan.units["grid_code"]).any():
            plan = assign_units(plan, labels, by=by or None, why=why)
        codes = plan.units["grid_code"].groupby(labels).first()
        closed = [codes[label] for label in locked if codes[label] not in plan.locked]
        return lock_grids(plan, closed, by=by or None, why=why) if closed else plan
