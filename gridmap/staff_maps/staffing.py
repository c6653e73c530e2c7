"""The map of a staffing: the grids by their workers' loads."""

from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.maps import PlanMap, map_shading
from gridmap.maps.look import Shading, drop_unused
from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.roster import list_duties

#: State of a grid -> fill, and what the legend says.
_STATES: dict[str, tuple[str, dict[Language, str]]] = {
    "usual": ("#cfe3d4", {"zh": "一人一格", "en": "one worker, one grid"}),
    "heavy": (
        "#f4b183",
        {"zh": "超过常规户数20%以上", "en": "20 % above the usual load"},
    ),
    "doubled": ("#9cc5de", {"zh": "一人兼管多格", "en": "one worker for several grids"}),
    "shared": ("#c9b6e4", {"zh": "多人分担一格", "en": "several workers share one grid"}),
    "vacant": ("#d1495b", {"zh": "空缺", "en": "vacant"}),
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
    shading = Shading(
        "worker",
        ("谁来负责", "Who serves it"),
        tuple(fill for fill, _ in _STATES.values()),
        tuple((words["zh"], words["en"]) for _, words in _STATES.values()),
        _class_states(duties),
    )
    return map_shading(plan, drop_unused(shading), table=table, lang=lang)


def _class_states(duties: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the place of each grid's state in `_STATES`."""
    many = duties["worker_id"].map(duties["worker_id"].value_counts()) > 1
    heavy = duties["load"] > 1.2 * duties["capacity"]
    states = np.select(
        [duties["worker_id"] == "", duties["others"] != "", many, heavy],
        ["vacant", "shared", "doubled", "heavy"],
        "usual",
    )
    return np.array([list(_STATES).index(state) for state in states], np.int64)
