"""Duties of a grid worker: the ten basic ones, and a task list for each grid from what is in it."""

from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import pandas as pd

from gridmap.errors import TableError
from gridmap.plan import Plan
from gridmap.staff.members import place_counts
from gridmap.staff.reasons import Language
from gridmap.tables import DUTIES, TASKS, cast_columns, check_table, list_some

#: The ten duties that published lists of grid workers have in common.
BASIC_DUTIES = (
    ("基础信息采集", "collect basic data"),
    ("矛盾纠纷排查化解", "settle disputes"),
    ("政策法规宣传", "make laws and policies known"),
    ("特殊群体服务", "serve special groups"),
    ("重点人员帮扶", "help key persons"),
    ("社情民意收集", "listen to opinions"),
    ("治安巡查防范", "patrol for security"),
    ("代办服务", "run errands for those who can't"),
    ("城市管理监督", "watch over the city's order"),
    ("文明创建引导", "lead to civility"),
)


class TaskKind(NamedTuple):
    """A column of counts, the duty that it is part of, and the words of the task."""

    duty: int
    words: Mapping[Language, str]


def _kind(duty: int, zh: str, en: str) -> TaskKind:
    return TaskKind(duty, {"zh": zh, "en": en})


#: Column of counts (per building, or of the grid itself) -> task. The figure stands for {}.
TASK_KINDS = {
    "households": _kind(
        1, "入户走访 {} 户，核对基础信息", "visit {} households and check the basic data"
    ),
    "elderly_alone": _kind(
        4, "定期探访独居老人 {} 人", "look in on {} elderly people living alone"
    ),
    "elderly": _kind(4, "看望高龄老人 {} 人", "call on {} very old people"),
    "disabled": _kind(4, "联系残疾人 {} 人，了解需求", "ask {} disabled people what they need"),
    "rented": _kind(1, "登记出租房 {} 处", "register {} rented homes"),
    "disputes": _kind(2, "排查矛盾纠纷易发点 {} 处", "watch {} places of repeated disputes"),
    "shops": _kind(
        *(9, "走访沿街商铺 {} 家，督促门前三包和消防安全"),
        "call at {} shops about order at their doors and fire safety",
    ),
    "hydrants": _kind(7, "查看消火栓 {} 处", "look at {} hydrants"),
    "stations": _kind(
        *(8, "值守服务站点 {} 处，受理代办事项", "attend {} service stations and take on errands")
    ),
    "zones": _kind(
        *(7, "与专属网格单位联络 {} 处，查看安全"),
        "keep in touch with {} exclusive grids about their safety",
    ),
    "old_estates": _kind(
        *(6, "到无物业老旧小区 {} 个听取意见", "hear opinions in {} old estates without a manager")
    ),
    "high_rises": _kind(
        *(7, "检查高层住宅 {} 栋的楼道和消防通道"),
        "check corridors and fire lanes of {} high-rises",
    ),
    "main_roads": _kind(9, "巡查主干道沿线 {} 米", "walk {} m along main roads"),
}
#: What the plan itself knows of each grid; the others are counts per building.
_OF_THE_GRID = ("households", "stations", "zones", "old_estates", "high_rises", "main_roads")
#: Storeys from which a residential building is a high-rise.
_HIGH = 11


def basic_duties() -> pd.DataFrame:
    """Return the ten basic duties, `DUTIES`, numbered 1 to 10.

    Examples
    --------
    >>> len(basic_duties()), basic_duties().at[1, "name"]
    (10, '基础信息采集')
    """
    names, english = zip(*BASIC_DUTIES, strict=True)
    index = pd.RangeIndex(1, len(names) + 1, name=DUTIES.index)
    return pd.DataFrame({"name": names, "english": english}, index).astype("str")


def list_tasks(
    plan: Plan,
    *,
    features: pd.DataFrame | None = None,
    kept: pd.DataFrame | None = None,
    stations: pd.Series | gpd.GeoDataFrame | None = None,
    lang: Language = "zh",
) -> pd.DataFrame:
    """Write the personal task list of each grid from what is in it.

    Parameters
    ----------
    plan : Plan
        The plan: households, exclusive zones, old estates, high-rises, main roads along the grid.
    features : DataFrame, optional
        Counts by building_id in columns of `TASK_KINDS`, such as ``shops`` or ``elderly_alone``
        (`read_features`); they are added to what the plan's buildings count. Other columns are
        passed over.
    kept : DataFrame, optional
        `TASKS` of this plan that were listed before: where there are no ``features``, what was
        counted by building then counts on.
    stations : Series or GeoDataFrame, optional
        How many service stations each grid_code has, or `STATIONS`.
    lang : {"zh", "en"}
        Of the tasks.

    Returns
    -------
    DataFrame
        `TASKS`, by grid and duty; only what there is one of.

    Raises
    ------
    TableError
        If a count is no whole number from 0 up, or of a building or grid that is not there.
    """
    if features is None and kept is not None:
        counted = _recount(plan, kept)
    else:
        counted = _count_features(plan, features)
    counts = _count_things(plan).join(counted)
    counts["stations"] = _count_stations(plan, stations)
    rows = [
        (str(code), kind.duty, subject, int(amount), kind.words[lang].format(int(amount)))
        for code, line in zip(counts.index, counts.to_dict("records"), strict=True)
        for subject, kind in TASK_KINDS.items()
        if (amount := line.get(subject, 0)) > 0
    ]
    table = cast_columns(pd.DataFrame(rows, columns=list(TASKS.columns)), TASKS)
    return table.sort_values(["grid_code", "duty_id"], kind="stable").reset_index(drop=True)


def _count_things(plan: Plan) -> pd.DataFrame:
    """Count what the plan itself knows of each grid."""
    grids, units, city = plan.grids, plan.units, plan.city
    code = units["grid_code"]
    floors = units["building_id"].map(city.buildings["floors"])
    high = (floors >= _HIGH) & (units["households"] > 0)
    kinds = units["compound_id"].map(city.compounds["estate_type"])
    old = units["compound_id"].where(kinds == "old_estate").groupby(code).nunique()
    zones = units.get("zone_id", pd.Series("", units.index))
    counts = {
        "households": grids["households"],
        "zones": zones.where(zones != "").groupby(code).nunique(),
        "old_estates": old,
        "high_rises": high.groupby(code).sum(),
        "main_roads": _measure_roads(plan),
    }
    return pd.DataFrame(counts).reindex(grids.index).fillna(0).astype("int64")


def _measure_roads(plan: Plan) -> pd.Series:
    """Return the metres of each grid's units along main roads."""
    ends = plan.adjacency[plan.adjacency["barrier"] == "main_road"]
    sides = pd.concat([ends.set_index(side)["border"] for side in ("unit_a", "unit_b")])
    return sides.groupby(sides.index.map(plan.units["grid_code"])).sum().round()


def _count_features(plan: Plan, features: pd.DataFrame | None) -> pd.DataFrame:
    """Add up counts per building by grid, those of the city's own table and those given."""
    known = [name for name in TASK_KINDS if name not in _OF_THE_GRID]
    tables = [plan.city.buildings] if features is None else [plan.city.buildings, features]
    counts = [table[[name for name in known if name in table]].fillna(0) for table in tables]
    for table in counts:
        for name, values in table.items():
            wrong = ~(values >= 0) | (values % 1 != 0)
            if wrong.any():
                raise TableError(
                    f"features: {name} of {list_some(values.index[wrong])} is no whole number "
                    "from 0 up"
                )
    summed = pd.concat(counts).fillna(0).astype("int64").groupby(level=0, sort=False).sum()
    placed = place_counts(plan, summed, "features")
    by_grid = placed.groupby(plan.units["grid_code"]).sum()
    return by_grid.reindex(plan.grids.index, fill_value=0)


def _recount(plan: Plan, kept: pd.DataFrame) -> pd.DataFrame:
    """Count by grid what was counted by building when tasks were listed before."""
    check_table(kept, TASKS)
    known = kept[kept["grid_code"].isin(plan.grids.index) & ~kept["subject"].isin(_OF_THE_GRID)]
    counts = known.pivot_table("amount", "grid_code", "subject", aggfunc="sum")
    return counts.reindex(plan.grids.index).fillna(0).astype("int64")


def _count_stations(plan: Plan, stations: pd.Series | gpd.GeoDataFrame | None) -> pd.Series:
    if stations is None:
        return pd.Series(0, plan.grids.index)
    if isinstance(stations, gpd.GeoDataFrame):
        points = stations[["geometry"]].to_crs(plan.grids.crs)
        inside = gpd.sjoin(points, plan.grids[["geometry"]])
        stations = inside[~inside.index.duplicated()]["grid_code"].value_counts()
    stray = stations.index.difference(plan.grids.index)
    if len(stray):
        raise TableError(f"stations: no such grid: {list_some(stray)}")
    return stations.reindex(plan.grids.index).fillna(0).astype("int64")
