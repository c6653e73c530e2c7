"""The widget: it sends the map when a page asks for it, and answers every step that is made."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from gridmap.editor.bundle import compose_module, compose_style
from gridmap.editor.draft import Draft, Entry
from gridmap.editor.encoding import encode_city, pack_integers
from gridmap.editor.journal import Journal, identify_plan
from gridmap.errors import DraftError, GridmapError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.tables import list_some
from gridmap.words import check_language


class PlanEditor(anywidget.AnyWidget):
    """A plan on the map of a notebook, to be redrawn; made by `gridmap.edit_plan`.

    What the mouse does can be done from Python as well: `move`, `lock`, `undo` … are the same steps
    in the same journal, and show on the map at once.
    """

    _esm = compose_module()
    _css = compose_style()
    height = traitlets.Int(640).tag(sync=True)
    lang = traitlets.Unicode("zh").tag(sync=True)

    def __init__(
        self,
        plan: Plan,
        rules: Rules | None = None,
        *,
        journal: str | Path,
        by: str = "",
        lang: str = "zh",
        height: int = 640,
    ) -> None:
        check_language(lang)
        if height < 360:
            raise GridmapError(f"height is {height} pixels; the editor needs 360")
        self._by = by
        self._draft = Draft(plan, rules or plan.rules)
        self._journal = Journal(journal, identify_plan(plan))
        for entry in self._journal.open(plan.name):
            self._draft.follow(entry)
        # First the widget, then the map: the page loads its program while we write the map.
        super().__init__(lang=lang, height=height)
        self._city = encode_city(plan, self._draft.rules, self._draft.problem)
        self.on_msg(self._answer)

    # --- what the draft is ------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The plan as it is now: new grids have the next free codes, emptied ones are retired.

        Locks are the plan's, and its log says what was edited on the map.

        Raises
        ------
        PlanError
            If a grid is in two pieces; `problems` names it.
        """
        return self._draft.to_plan(by=self._by)

    @property
    def start(self) -> Plan:
        """The plan that the editing started from."""
        return self._draft.start

    @property
    def assignment(self) -> pd.Series:
        """unit_id -> grid code, or ``new-1`` for a grid that has none yet."""
        return self._draft.labels()

    @property
    def problems(self) -> pd.DataFrame:
        """The grids with which something is wrong, see `gridmap.editor.problems`."""
        return self._draft.list_problems()

    @property
    def changes(self) -> pd.DataFrame:
        """The grids whose units changed: households and units before and after."""
        return self._draft.list_changes()

    @property
    def locked(self) -> list[str]:
        """The grids that are locked."""
        return [self._draft.label(number) for number in sorted(self._draft.locked)]

    @property
    def steps(self) -> pd.DataFrame:
        """The journal: who did what, and when, one row a step, undo and redo too."""
        return self._journal.read()

    # --- steps from Python ------------------------------------------------------------------------

    def move(self, unit_ids: Iterable[int], grid: str) -> None:
        """Move units into a grid, as the brush does.

        Parameters
        ----------
        unit_ids : iterable of int
            Units of the plan.
        grid : str
            A code, or ``new-1`` for the next new grid.

        Raises
        ------
        DraftError
            If a unit or the grid does not exist, a grid is locked, or the grid would be in two
            communities.
        """
        units = list(unit_ids)
        strange = [unit for unit in units if unit not in self.start.units.index]
        if strange or not units:
            raise DraftError(f"no units {list_some(strange)}; name units of this plan")
        labels = self._draft.labels()
        labels[units] = grid
        self._propose(labels, "brush")

    def propose(self, codes: pd.Series) -> None:
        """Take over another division of the same units as one step, which can be undone.

        Parameters
        ----------
        codes : Series
            unit_id -> code or ``new-1``, of every unit: ``other.units["grid_code"]``, say.

        Raises
        ------
        DraftError
            As for `move`; nothing is changed then.
        """
        missing = self.start.units.index.difference(codes.index[codes.notna()])
        if len(missing):
            raise DraftError(f"units {list_some(missing)} have no grid; give one to every unit")
        self._propose(codes.reindex(self.start.units.index), "propose")

    def lock(self, grids: Iterable[str] | None = None) -> None:
        """Lock grids, all by default: neither the brush nor a proposal changes them.

        Raises
        ------
        DraftError
            If a grid does not exist.
        """
        self._lock("lock", set(self._numbers(grids)) - self._draft.locked)

    def unlock(self, grids: Iterable[str] | None = None) -> None:
        """Unlock grids, all by default.

        Raises
        ------
        DraftError
            If a grid does not exist.
        """
        self._lock("unlock", set(self._numbers(grids)) & self._draft.locked)

    def undo(self) -> None:
        """Take back the last step.

        Raises
        ------
        DraftError
            If there is none.
        """
        self._record({"do": "undo"})
        self._share_state()

    def redo(self) -> None:
        """Take again the step that was undone last.

        Raises
        ------
        DraftError
            If there is none.
        """
        self._record({"do": "redo"})
        self._share_state()

    def discard(self) -> None:
        """Forget every step, in the journal too, and start again from the plan."""
        self._journal.clear()
        self._draft = Draft(self.start, self._draft.rules)
        self._share_state()

    def _numbers(self, grids: Iterable[str] | None) -> list[int]:
        labels = self._draft.measure().index if grids is None else grids
        return [self._draft.number(label) for label in labels]

    def _propose(self, labels: pd.Series, kind: str) -> None:
        names = {label: self._draft.number(label) for label in sorted(set(labels))}
        after = labels.map(names).to_numpy(np.int64)
        units = np.flatnonzero(after != self._draft.grids)
        if not len(units):
            return
        columns = {"units": units, "before": self._draft.grids[units], "after": after[units]}
        step = {name: values.tolist() for name, values in columns.items()}
        self._record({"do": "step", "kind": kind, **step})
        self._share_state()

    def _lock(self, kind: str, numbers: set[int]) -> None:
        if numbers:
            self._record({"do": "step", "kind": kind, "grids": sorted(numbers)})
            self._share_state()

    def _record(self, entry: Entry) -> str:
        """Check an entry, write it to the journal, then follow it; return when that was."""
        self._draft.check(entry)
        made = self._journal.append(self._draft.revision + 1, entry, by=self._by)
        self._draft.follow(entry)
        return made

    # --- the page ---------------------------------------------------------------------------------

    def _answer(self, _: Any, message: Any, __: list[Any]) -> None:
        """Answer a page: `ready` asks for map and draft, `state` for the draft, `entry` is one."""
        kind, view = message.get("type"), message.get("view")
        if kind == "ready":
            header, buffers = self._city
            self.send({"type": "city", "view": view, **header}, buffers)
        if kind in ("ready", "state"):
            self._share_state(view)
        if kind == "entry":
            self._take_entry(view, message)

    def _take_entry(self, view: Any, message: dict[str, Any]) -> None:
        """Follow what a page did; it goes on from the revision that it knows."""
        revision = self._draft.revision
        if message.get("revision") != revision + 1:
            self.send({"type": "refused", "view": view, "reason": "stale", "words": ""})
            return
        try:
            self._draft.check(message["entry"])
        except DraftError as error:
            self.send({"type": "refused", "view": view, "reason": "bad", "words": str(error)})
            return
        try:
            made = self._record(message["entry"])
        except DraftError as error:
            self.send({"type": "refused", "view": view, "reason": "unsaved", "words": str(error)})
            return
        self.send({"type": "saved", "view": view, "revision": revision + 1, "made": made})

    def _share_state(self, view: Any = None) -> None:
        """Send the draft to one page, or to all."""
        draft = self._draft
        header = {
            "type": "state",
            "view": view,
            "draft": self._journal.draft,
            "name": self.start.name,
            "revision": draft.revision,
            "locked": sorted(draft.locked),
            "past": [step.write() for step in draft.past],
            "future": [step.write() for step in draft.future],
        }
        before = pack_integers(np.diff(draft.before, prepend=0))
        self.send(header, [before, pack_integers(np.diff(draft.grids, prepend=0))])
