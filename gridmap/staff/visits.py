"""The round of visits: a log of counts, the coverage of each grid, and who falls behind.

Visits are logged as counts: how many calls on a day, and how many households were visited for the
first time in the round. Nobody's name or door is in the log.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from gridmap.days import today_in_china
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
from gridmap.tables import VISIT_BANDS, VISIT_COVERAGE, VISITS, check_table, duties_on, list_some

VISIT_NAMES: Names = {
    "day": ("day", "日期", "走访日期", "date"),
    "grid_code": ("grid_code", "网格编码", "网格代码", "网格编号", "网格"),
    "worker_id": ("worker_id", "网格员编号", "工号", "网格员"),
    "visits": ("visits", "走访次数", "走访户次", "次数", "户次"),
    "households": ("households", "走访户数", "新走访户数", "首次走访户数", "户数"),
}


#: More households visited than there are.
_OVER: dict[Language, str] = {
    "zh": "走访{count}户，超过全部{whole}户：每轮只计首次走访",
    "en": "{count} households visited of {whole}: count first visits of the round only",
}
#: A round is behind from so many per cent below its pace.
_SLACK = 5.0


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
    given = [name for name in ("visits", "households") if name in rows]
    rows = settle_counts(rows, VISITS.name, given, findings)
    rows = rows if "visits" in given else rows.assign(visits=rows["households"])
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
        raise TableError(f"visits: {list_some(rows)} are in the log already: give only what is new")
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
    homes, counted = plan.grids["households"], rules or plan.rules
    return cover_visits(homes, visits, counted, starts=starts, ends=ends, today=today, lang=lang)


def cover_visits(
    homes: pd.Series,
    visits: pd.DataFrame,
    rules: Rules,
    *,
    starts: date,
    ends: date,
    today: date,
    lang: Language = "zh",
) -> pd.DataFrame:
    """Do what `measure_visits` does where the plan is not at hand, only its households by grid."""
    if ends < starts:
        raise RulesError(f"the round ends on {ends}, before it starts on {starts}")
    check_table(visits, VISITS)
    stray = visits[~visits["grid_code"].isin(homes.index)]
    if len(stray):
        raise TableError(f"visits: no such grid: {list_some(stray['grid_code'].unique())}")
    last = pd.Timestamp(min(today, ends))
    chosen = visits[visits["day"].between(pd.Timestamp(starts), last)]
    by = chosen.groupby("grid_code")
    sums = by[["visits", "households"]].sum().reindex(homes.index, fill_value=0)
    pace = 100 * _pace(starts, ends, today)
    return _table_coverage(homes, sums, by["day"].max(), pace, rules.visit_bands, lang)


def list_behind(
    plan: Plan,
    coverage: pd.DataFrame,
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    on: date | None = None,
) -> pd.DataFrame:
    """List the grids that fall behind in a round, the worst first, with who serves them.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverage : DataFrame
        `VISIT_COVERAGE`, as `measure_visits` gives it.
    tables : mapping of str to DataFrame, optional
        ``workers`` and ``staffing``, as `PlanStore.staff` gives them.
    on : date, optional
        The day of the staffing; today by default.

    Returns
    -------
    DataFrame
        Index grid_code; ``community`` and ``grid`` (names), ``worker`` ("" where nobody is known),
        ``households``, ``visited``, ``coverage``, ``short``, ``last``.
    """
    check_table(coverage, VISIT_COVERAGE)
    told = name_round(plan, coverage, tables=tables, on=on)
    late = told[told["behind"]].sort_values("short", ascending=False, kind="stable")
    columns = ["community", "grid", "worker", "households", "visited", "coverage", "short", "last"]
    return late[columns]


def name_round(
    plan: Plan,
    coverage: pd.DataFrame,
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    on: date | None = None,
) -> pd.DataFrame:
    """Put names beside a `VISIT_COVERAGE`: ``community``, ``grid`` and ``worker``."""
    names = name_primary(tables or {}, on or today_in_china()).reindex(coverage.index)
    communities = plan.grids["community_id"].map(plan.city.communities["name"])
    places = {"community": communities, "grid": plan.grids["name"], "worker": names.fillna("")}
    return coverage.assign(**{key: some.reindex(coverage.index) for key, some in places.items()})


def name_primary(tables: Mapping[str, pd.DataFrame], on: date) -> pd.Series:
    """Return the name of each grid's primary worker; of several that of the one who stays."""
    if "staffing" not in tables or "workers" not in tables:
        return pd.Series([], dtype="str")
    rows = duties_on(tables["staffing"], on)
    rows = rows[(rows["role"] == "primary") & (rows["worker_id"] != "")]
    rows = rows.sort_values("ends", na_position="last", kind="stable")
    last = rows.drop_duplicates("grid_code", keep="last").set_index("grid_code")["worker_id"]
    return last.map(tables["workers"]["name"])


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
    limits: tuple[float, ...],
    lang: Language,
) -> pd.DataFrame:
    visited = sums["households"]
    coverage = (100 * visited / homes.where(homes > 0)).clip(upper=100)
    return pd.DataFrame(
        {
            "households": homes,
            "visits": sums["visits"].astype("int64"),
            "visited": visited.astype("int64"),
            "coverage": coverage.astype("float64"),
            "band": _name_bands(coverage, limits),
            "expected": float(pace),
            "short": np.maximum(np.ceil(homes * pace / 100 - visited), 0).astype("int64"),
            "behind": (coverage < pace - _SLACK).fillna(False),
            "last": last.reindex(homes.index).astype("datetime64[s]"),
            "problem": _find_problems(visited, homes, lang),
        }
    ).rename_axis(VISIT_COVERAGE.index)


def _name_bands(coverage: pd.Series, limits: tuple[float, ...]) -> pd.Series:
    """Name the band of each coverage; a grid without households has the best."""
    reached = [coverage >= limit for limit in limits]
    band = np.select(
        [coverage.isna(), *reached], [VISIT_BANDS[0], *VISIT_BANDS[:3]], VISIT_BANDS[3]
    )
    return pd.Series(band, coverage.index, dtype="str")


def _find_problems(visited: pd.Series, homes: pd.Series, lang: Language) -> pd.Series:
    """Say where more households were visited than there are."""
    told = [
        _OVER[lang].format(count=count, whole=whole) if count > whole else ""
        for count, whole in zip(visited, homes, strict=True)
    ]
    return pd.Series(told, homes.index, dtype="str")
