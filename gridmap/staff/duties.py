"""Duties of a grid worker: the ten basic ones, a task list for each grid, and the round of visits.

Visits are logged as counts: how many calls on a day, and how many households were visited for the
first time in the round. Nobody's name or door is in the log.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from gridmap.errors import RulesError, TableError
from gridmap.plan import Plan
from gridmap.reading.findings import Finding
from gridmap.reading.lists import (
    Names,
    read_list,
    refuse_list,
    refuse_twins,
    refuse_unknown,
    settle_counts,
    settle_days,
    settle_words,
)
from gridmap.rules import Rules
from gridmap.staff.reasons import Language
from gridmap.tables import (
    DUTIES,
    TASKS,
    VISIT_BANDS,
    VISIT_COVERAGE,
    VISITS,
    check_table,
    list_some,
)

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
#: More households visited than there are.
_OVER: dict[Language, str] = {
    "zh": "走访{count}户，超过全部{whole}户：每轮只计首次走访",
    "en": "{count} households visited of {whole}: count first visits of the round only",
}
#: A round is behind from so many per cent below its pace.
_SLACK = 5.0


class _TaskKind(NamedTuple):
    """A column of counts, the duty that it is part of, and the words of the task."""

    duty: int
    words: str


#: Column of counts (per building, or of the grid itself) -> task. The figure stands for {}.
TASK_KINDS = {
    "households": _TaskKind(1, "入户走访 {} 户，核对基础信息"),
    "elderly": _TaskKind(4, "定期探访独居、高龄老人 {} 人"),
    "disabled": _TaskKind(4, "联系残疾人 {} 人，了解需求"),
    "rented": _TaskKind(1, "登记出租房 {} 处"),
    "shops": _TaskKind(9, "走访沿街商铺 {} 家，督促门前三包和消防安全"),
    "hydrants": _TaskKind(7, "查看消火栓 {} 处"),
    "stations": _TaskKind(8, "值守服务站点 {} 处，受理代办事项"),
    "zones": _TaskKind(7, "与专属网格单位联络 {} 处，查看安全"),
    "old_estates": _TaskKind(6, "到无物业老旧小区 {} 个听取意见"),
    "high_rises": _TaskKind(7, "检查高层住宅 {} 栋的楼道和消防通道"),
    "main_roads": _TaskKind(9, "巡查主干道沿线 {} 米"),
}
#: Storeys from which a residential building is a high-rise.
_HIGH = 11

VISIT_NAMES: Names = {
    "day": ("day", "日期", "走访日期", "date"),
    "grid_code": ("grid_code", "网格编码", "网格代码", "网格编号", "网格"),
    "worker_id": ("worker_id", "网格员编号", "工号", "网格员"),
    "visits": ("visits", "走访次数", "走访户次", "次数", "户次"),
    "households": ("households", "走访户数", "新走访户数", "首次走访户数", "户数"),
}


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
    stations: pd.Series | None = None,
) -> pd.DataFrame:
    """Write the personal task list of each grid from what is in it.

    Parameters
    ----------
    plan : Plan
        The plan: households, exclusive zones, old estates, high-rises, main roads along the grid.
    features : DataFrame, optional
        Counts by building_id in columns of `TASK_KINDS`, such as ``shops`` or ``elderly``; columns
        of these names in the plan's buildings count as well. Other columns are passed over.
    stations : Series, optional
        How many service stations each grid_code has.

    Returns
    -------
    DataFrame
        `TASKS`, by grid and duty; only what there is one of.

    Raises
    ------
    TableError
        If a count is no whole number from 0 up, or of a building or grid that is not there.
    """
    counts = _count_things(plan).join(_count_features(plan, features))
    counts["stations"] = _count_stations(plan, stations)
    rows = [
        (str(code), kind.duty, subject, int(amount), kind.words.format(int(amount)))
        for code, line in zip(counts.index, counts.to_dict("records"), strict=True)
        for subject, kind in TASK_KINDS.items()
        if (amount := line.get(subject, 0)) > 0
    ]
    table = pd.DataFrame(rows, columns=list(TASKS.columns))
    kinds = {"i": "int64", "O": "str"}
    table = table.astype({name: kinds[kind] for name, kind in TASKS.columns.items()})
    return table.sort_values(["grid_code", "duty_id"], kind="stable").reset_index(drop=True)


def read_visits(path: str | Path, plan: Plan, *, sheet: str | None = None) -> pd.DataFrame:
    """Read a log of visits: a row a day and grid, as counts.

    Parameters
    ----------
    path : str or Path
        日期, 网格编码, 走访次数, 走访户数 (visited for the first time in the round), 网格员编号.
    plan : Plan
        Whose grids they are.
    sheet : str, optional
        The sheet of the workbook.

    Returns
    -------
    DataFrame
        `VISITS`, by day.

    Raises
    ------
    StaffError
        With every row that is wrong: no day, an unknown grid, a negative count, more new households
        than visits, a row that stands there twice.
    TableError
        If the file can't be read or has no such columns.
    """
    findings: list[Finding] = []
    rows = read_list(path, VISIT_NAMES, ("day", "grid_code", "households"), sheet=sheet)
    rows = settle_words(rows, ("worker_id",))
    rows = rows if "visits" in rows else rows.assign(visits=rows["households"])
    rows = settle_counts(rows, VISITS.name, ("visits", "households"), findings)
    rows = settle_days(rows, VISITS.name, "day", findings)
    refuse_unknown(rows, VISITS.name, "grid_code", plan.grids.index, findings, what="grid")
    many = rows[rows["households"] > rows["visits"]]
    findings += [
        Finding(VISITS.name, str(row), "households", str(count), "more than the visits", "refused")
        for row, count in many["households"].items()
    ]
    keys = ["day", "grid_code", "worker_id"]
    refuse_twins(rows, VISITS.name, keys, findings, "the day stands in a row above: add them up")
    refuse_list(path, VISITS.name, findings)
    return rows[list(VISITS.columns)].sort_values("day", kind="stable").reset_index(drop=True)


def extend_visits(log: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the log with new rows at its end; what is in it stays as it is.

    Raises
    ------
    TableError
        If a table breaks its contract, or a day of a grid and worker is in the log already.
    """
    check_table(log, VISITS)
    check_table(new, VISITS)
    keys = ["day", "grid_code", "worker_id"]
    longer = pd.concat([log, new], ignore_index=True)
    twice = longer[longer.duplicated(keys)]
    if len(twice):
        rows = twice["day"].dt.strftime("%Y-%m-%d") + " " + twice["grid_code"]
        raise TableError(f"visits: {list_some(rows)} are in the log already; a log only grows")
    return longer


def measure_visits(
    plan: Plan,
    visits: pd.DataFrame,
    rules: Rules | None = None,
    *,
    starts: date,
    ends: date,
    today: date,
    lang: Language = "zh",
) -> pd.DataFrame:
    """Measure the round of visits of each grid, and who falls behind.

    Parameters
    ----------
    plan : Plan
        The plan.
    visits : DataFrame
        `VISITS`.
    rules : Rules, optional
        ``visit_bands``; the plan's by default.
    starts, ends : date
        First and last day of the round; visits on other days are passed over.
    today : date
        The day on which is asked; visits after it are passed over too. The pace is even: half of
        the round over, half of the households.
    lang : {"zh", "en"}
        Of the problems.

    Returns
    -------
    DataFrame
        `VISIT_COVERAGE`. ``band`` is that of the coverage reached so far: by default full from 95
        per cent, good from 90, fair from 85, else none. ``behind`` is more than 5 points below the
        pace.

    Raises
    ------
    RulesError
        If the round ends before it starts.
    TableError
        If the log breaks its contract or names a grid that the plan does not have.
    """
    if ends < starts:
        raise RulesError(f"the round ends on {ends}, before it starts on {starts}")
    check_table(visits, VISITS)
    stray = visits[~visits["grid_code"].isin(plan.grids.index)]
    if len(stray):
        raise TableError(f"visits: no such grid: {list_some(stray['grid_code'].unique())}")
    last = pd.Timestamp(min(today, ends))
    chosen = visits[visits["day"].between(pd.Timestamp(starts), last)]
    by = chosen.groupby("grid_code")
    homes = plan.grids["households"]
    sums = by[["visits", "households"]].sum().reindex(homes.index, fill_value=0)
    share = _pace(starts, ends, today)
    return _table_coverage(homes, sums, by["day"].max(), 100 * share, rules or plan.rules, lang)


def _pace(starts: date, ends: date, today: date) -> float:
    """Return how much of a round is over at the end of a day, from 0 to 1.

    Examples
    --------
    >>> _pace(date(2026, 3, 1), date(2026, 3, 10), date(2026, 3, 5))
    0.5
    """
    done = (today - starts).days + 1
    return min(max(done / ((ends - starts).days + 1), 0.0), 1.0)


def _table_coverage(
    homes: pd.Series,
    sums: pd.DataFrame,
    last: pd.Series,
    pace: float,
    rules: Rules,
    lang: Language,
) -> pd.DataFrame:
    visited = sums["households"]
    coverage = (100 * visited / homes.where(homes > 0)).clip(upper=100)
    bands = [coverage >= limit for limit in rules.visit_bands]
    band = np.select([coverage.isna(), *bands], [VISIT_BANDS[0], *VISIT_BANDS[:3]], VISIT_BANDS[3])
    short = np.maximum(np.ceil(homes * pace / 100 - visited), 0)
    over = visited > homes
    problems = [
        _OVER[lang].format(count=count, whole=whole) if wrong else ""
        for count, whole, wrong in zip(visited, homes, over, strict=True)
    ]
    return pd.DataFrame(
        {
            "households": homes,
            "visits": sums["visits"].astype("int64"),
            "visited": visited.astype("int64"),
            "coverage": coverage.astype("float64"),
            "band": pd.Series(band, homes.index, dtype="str"),
            "expected": float(pace),
            "short": short.astype("int64"),
            "behind": (coverage < pace - _SLACK).fillna(False),
            "last": last.reindex(homes.index).astype("datetime64[s]"),
            "problem": pd.Series(problems, homes.index, dtype="str"),
        }
    ).rename_axis(VISIT_COVERAGE.index)


def _count_things(plan: Plan) -> pd.DataFrame:
    """Count what the plan itself knows of each grid."""
    grids, units, city = plan.grids, plan.units, plan.city
    code = units["grid_code"]
    buildings = units["building_id"].map(city.buildings["floors"])
    high = (buildings >= _HIGH) & (units["households"] > 0)
    kinds = units["compound_id"].map(city.compounds["estate_type"])
    old = units["compound_id"].where(kinds == "old_estate").groupby(code).nunique()
    zones = plan.units.get("zone_id", pd.Series("", units.index))
    ends = plan.adjacency[plan.adjacency["barrier"] == "main_road"]
    sides = pd.concat([ends.set_index(side)["border"] for side in ("unit_a", "unit_b")])
    along = sides.groupby(sides.index.map(code)).sum().round()
    return (
        pd.DataFrame(
            {
                "households": grids["households"],
                "zones": zones.where(zones != "").groupby(code).nunique(),
                "old_estates": old,
                "high_rises": high.groupby(code).sum(),
                "main_roads": along,  # m
            }
        )
        .reindex(grids.index)
        .fillna(0)
        .astype("int64")
    )


def _count_features(plan: Plan, features: pd.DataFrame | None) -> pd.DataFrame:
    """Add up counts per building by grid."""
    tables = [plan.city.buildings] if features is None else [plan.city.buildings, features]
    known: Sequence[str] = [
        name for name in TASK_KINDS if name not in ("households", "stations", "zones")
    ]
    frames = [table[[name for name in known if name in table]] for table in tables]
    home = plan.units[plan.units["building_id"] != ""].drop_duplicates("building_id")
    code = home.set_index("building_id")["grid_code"]
    sums = pd.DataFrame(index=plan.grids.index)
    for frame in frames:
        stray = frame.index.difference(plan.city.buildings.index)
        if len(stray):
            raise TableError(f"features: no such building: {list_some(stray)}")
        for name, values in frame.items():
            wrong = ~(values.fillna(0) >= 0) | (values.fillna(0) % 1 != 0)
            if wrong.any():
                raise TableError(
                    f"features: {name} of {list_some(values.index[wrong])} is no whole number "
                    "from 0 up"
                )
            added = values.fillna(0).groupby(values.index.map(code)).sum()
            sums[name] = added.reindex(sums.index).fillna(0).astype("int64")
    return sums.drop(columns=["old_estates", "high_rises", "main_roads"], errors="ignore")


def _count_stations(plan: Plan, stations: pd.Series | None) -> pd.Series:
    if stations is None:
        return pd.Series(0, plan.grids.index)
    stray = stations.index.difference(plan.grids.index)
    if len(stray):
        raise TableError(f"stations: no such grid: {list_some(stray)}")
    return stations.reindex(plan.grids.index).fillna(0).astype("int64")
