"""The map of a staffing: the grids by their workers' loads."""

from collections.abc import Iterable
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.maps import PlanMap, map_shading
from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.roster import list_duties
from gridmap.staff_maps.drawing import Words, shade_states

#: State of a grid -> fill, and what the legend says.
_STATES: dict[str, tuple[str, Words]] = {
    "usual": ("#cfe3d4", ("一人一格", "one worker, one grid")),
    "heavy": ("#f4b183", ("超过常规户数20%以上", "20 % above the usual load")),
    "doubled": ("#9cc5de", ("一人兼管多格", "one worker for several grids")),
    "shared": ("#c9b6e4", ("多人分担一格", "several workers share one grid")),
    "vacant": ("#d1495b", ("空缺", "vacant")),
}
#: Of a grid, in its tooltip.
_TOLD = ["worker", "load", "walk", "others", "deputies", "reason"]


def map_staffing(
    plan: Plan,
    staffing: pd.DataFrame,
    workers: gpd.GeoDataFrame,
    *,
    on: date | None = None,
    lang: Language = "zh",
) -> PlanMap:
    """Draw the grids of a plan by who serves them on a day; it needs no internet.

    Pointing at a grid shows its worker, load, way, deputies and the reason.

    Parameters
    ----------
    plan, staffing, workers
        The grids, `STAFFING` and `WORKERS`.
    on : date, optional
        Today by default.
    lang : {"zh", "en"}
        Of titles, at first; the reasons are as they stand in the table.
    """
    duties = list_duties(plan, staffing, workers, on=on)
    table = duties[_TOLD].assign(walk=duties["walk"].round().astype("Int64"))
    title = ("谁来负责", "Who serves it")
    shading = shade_states("worker", title, _STATES, _name_states(duties))
    return map_shading(plan, shading, table=table, lang=lang)


def _name_states(duties: pd.DataFrame) -> Iterable[str]:
    """Return the state of each grid, of `_STATES`."""
    many = duties["worker_id"].map(duties["worker_id"].value_counts()) > 1
    heavy = duties["load"] > 1.2 * duties["capacity"]
    return np.select(
        [duties["worker_id"] == "", duties["others"] != "", many, heavy],
        ["vacant", "shared", "doubled", "heavy"],
        "usual",
    )
