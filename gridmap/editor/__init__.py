"""Redraw a plan on the map, in a notebook.

::

    editor = gridmap.edit_plan(plan)
    editor                 # the map; every step is saved
    editor.plan            # the plan as it is now

- `draft` is what has become of the plan, `problems` what is wrong with it, `journal` where its
  steps are kept;
- `widget` answers the page, `encoding` writes the map for it, `bundle` puts the page together;
- ``static`` is the page: plain ES modules over the installed Leaflet.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from gridmap.plan import Plan
from gridmap.rules import Rules

if TYPE_CHECKING:
    from gridmap.editor.widget import PlanEditor

#: Where steps are kept unless somebody says otherwise: beside the notebook.
JOURNAL = "gridmap-drafts.sqlite"


def edit_plan(
    plan: Plan,
    rules: Rules | None = None,
    *,
    journal: str | Path = JOURNAL,
    by: str = "",
    lang: str = "zh",
    height: int = 640,
) -> "PlanEditor":
    """Open a plan for redrawing on the map of a notebook.

    Every step is kept on disk as it is made. Opened again, with the same plan and journal, the
    editor goes on where it was, and the steps can still be undone.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    rules : Rules, optional
        What sizes are judged by; the plan's own by default.
    journal : str or Path
        The SQLite file that keeps the steps; by default ``gridmap-drafts.sqlite`` in the folder of
        the notebook. It can hold drafts of many plans.
    by : str
        Who edits; kept with every step.
    lang : {"zh", "en"}
        Of the labels; the editor has a switch.
    height : int
        Pixels, 360 or more.

    Returns
    -------
    PlanEditor
        Shown by Jupyter as it is; `PlanEditor.plan` is the plan as it is now.

    Raises
    ------
    GridmapError
        If the plan has more than 60,000 grids, or ``lang`` or ``height`` is none.
    DraftError
        If the journal can't be read or written.

    Examples
    --------
    >>> editor = edit_plan(plan, by="王芳")  # doctest: +SKIP
    >>> editor.plan.grids  # doctest: +SKIP
    """
    from gridmap.editor.widget import PlanEditor  # ipywidgets takes long to import

    return PlanEditor(plan, rules, journal=journal, by=by, lang=lang, height=height)
