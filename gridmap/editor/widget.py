"""The widget: it sends the map when a page asks for it, and answers every step that is made."""

import base64
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
from gridmap.editor.picture import draw_picture
from gridmap.errors import DraftError, DraftTakenError, GridmapError
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
        self._journal = Journal(journal, identify_plan(plan))
        self._draft = self._open_draft(plan, rules or plan.rules)
        # First the widget, then the map: the page loads its program while we write the map.
        super().__init__(lang=lang, height=height)
        self._city = encode_city(plan, self._draft.rules, self._draft.problem)
        self.on_msg(self._answer)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return the widget, and a picture for a reader without a kernel."""
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data, metadata = bundle
        picture = base64.b64encode(draw_picture(self._draft, self.lang)).decode()
        return {**data, "image/png": picture, "text/plain": self._describe()}, metadata

    def _describe(self) -> str:
        draft = self._draft
        name = f" {self.start.name!r}" if self.start.name else ""
        return f"PlanEditor of plan{name}: {len(self.start.grids)} grids, {len(draft.past)} steps"

    def _open_draft(self, plan: Plan, rules: Rules) -> Draft:
        """Take hold of the draft in the journal, and follow its steps."""
        draft = Draft(plan, rules)
        for entry in self._journal.open(plan.name):
            draft.follow(entry)
        return draft

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

    def take_over(self) -> None:
        """Take the draft back from an editor that opened it after this one, with its steps.

        The other editor is for reading only from then on.

        Raises
        ------
        DraftError
            If the journal can't be read or written.
        """
        self._draft = self._open_draft(self.start, self._draft.rules)
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
        """Answer a page.

        `ready` asks for map and draft, `state` for the draft, `held` whether it is still ours,
        `take` takes it back, `entry` is a step.
        """
        kind, view = message.get("type"), message.get("view")
        if kind == "ready":
            header, buffers = self._city
            self.send({"type": "city", "view": view, **header}, buffers)
        if kind in ("ready", "state"):
            self._share_state(view)
        if kind == "held":
            self._tell_holder(view)
        if kind == "take":
            self._take_back(view)
        if kind == "entry":
            self._take_entry(view, message)

    def _tell_holder(self, view: Any) -> None:
        """Tell a page if the draft was opened elsewhere."""
        if not self._is_held():
            self._refuse(view, "taken", "")

    def _is_held(self) -> bool:
        try:
            return self._journal.is_held()
        except DraftError:
            return True  # a journal that can't be read is told at the next step

    def _take_back(self, view: Any) -> None:
        try:
            self.take_over()
        except DraftError as error:
            self._refuse(view, "unsaved", str(error))

    def _refuse(self, view: Any, reason: str, words: str) -> None:
        self.send({"type": "refused", "view": view, "reason": reason, "words": words})

    def _take_entry(self, view: Any, message: dict[str, Any]) -> None:
        """Follow what a page did; it goes on from the revision that it knows."""
        revision = self._draft.revision
        if message.get("revision") != revision + 1:
            self._refuse(view, "stale", "")
            return
        try:
            self._draft.check(message["entry"])
        except DraftError as error:
            self._refuse(view, "bad", str(error))
            return
        try:
            made = self._record(message["entry"])
        except DraftError as error:
            taken = isinstance(error, DraftTakenError)
            self._refuse(view, "taken" if taken else "unsaved", str(error))
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
            "held": self._is_held(),
            "locked": sorted(draft.locked),
            "past": [step.write() for step in draft.past],
            "future": [step.write() for step in draft.future],
        }
        before = pack_integers(np.diff(draft.before, prepend=0))
        self.send(header, [before, pack_integers(np.diff(draft.grids, prepend=0))])
