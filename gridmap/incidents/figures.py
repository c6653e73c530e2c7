"""Figures of cases: in time or not, sent right or not, where they gather, who carries how many.

Every function takes the tables that `gridmap.Casebook.tables` gives, and knows no reporter. They
are for the office: small counts are not hidden.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from gridmap.errors import CaseError, GridmapError
from gridmap.files import write_whole
from gridmap.incident_rules import DUTIES
from gridmap.rosters import write_sheet
from gridmap.words import check_language

#: What on-time rates can be told apart by.
GROUPS = ("category", "department", "grid_code", "community_id", "worker_id", "source")
#: What a grid worker's score is made of, of 100.
WEIGHTS: Mapping[str, float] = MappingProxyType({"on_time": 40, "visits": 30, "votes": 30})
#: Column of the evaluation -> its header, Chinese and English.
_EVALUATED = {
    "rank": ("名次", "Rank"),
    "worker_id": ("网格员编号", "Worker no."),
    "score": ("得分", "Score"),
    "cases": ("案件数", "Cases"),
    "decided": ("应办环节数", "Duties decided"),
    "on_time": ("按时率", "On time"),
    "notes": ("民情日志条数", "Notes"),
    "visits": ("走访次数", "Visits"),
    "votes": ("票数", "Votes"),
    "vote": ("居民评分", "Mean vote"),
}
#: Votes and duties of the mean that everybody is given: few of them say little.
_PRIOR_VOTES, _PRIOR_DUTIES = 10, 10
_METRES_A_DEGREE = 111_320.0


def rate_on_time(cases: pd.DataFrame, by: str = "", *, now: datetime) -> pd.DataFrame:
    """Say how many duties were done in time, of those that are decided.

    A duty is decided when it is done, or when its time is over while the case is open. What a
    withdrawn case left undone is not.

    Parameters
    ----------
    cases : DataFrame
        ``tables()["cases"]``.
    by : str
        One of `GROUPS`, or "" for all together.
    now : datetime
        The moment.

    Returns
    -------
    DataFrame
        Index ``by`` (where given) and ``duty``, in the order of the duties; ``decided``,
        ``on_time``, ``rate`` (NaN where none is decided).
    """
    if by not in ("", *GROUPS):
        raise CaseError(f"can't tell rates apart by {by!r}: {', '.join(GROUPS)}")
    moment = pd.Timestamp(now)
    parts = [
        _judge_duty(cases, duty, moment).assign(group=cases[by] if by else "") for duty in DUTIES
    ]
    judged = pd.concat(parts) if parts else pd.DataFrame()
    judged["duty"] = pd.Categorical(judged["duty"], DUTIES)
    table = judged.groupby(["group", "duty"], observed=False)[["decided", "on_time"]].sum()
    table = table.assign(rate=table["on_time"] / table["decided"].where(table["decided"] > 0))
    if not by:
        return table.droplevel("group")
    return table.rename_axis([by, "duty"])


def _judge_duty(cases: pd.DataFrame, duty: str, now: pd.Timestamp) -> pd.DataFrame:
    done, due = cases[f"done_{duty}"], cases[f"due_{duty}"]
    running = (cases["standing"] == "open") & done.isna() & (due < now)
    on_time = done.notna() & (done <= due)
    return pd.DataFrame(
        {"duty": duty, "decided": done.notna() | running, "on_time": on_time}, index=cases.index
    )


def rate_dispatch(cases: pd.DataFrame, whistles: pd.DataFrame) -> dict[str, float]:
    """Say how well cases are sent: the figures that a hotline is judged by.

    Returns
    -------
    dict
        ``cases`` with a grid; ``first_right``: the share that stayed with the grid and department
        they were first sent to; ``hops``: how many places a case is sent to on average;
        ``whistles``; ``arrived``: the share of calls that somebody came to; ``returned``: the share
        that was refused. NaN where there is nothing to count.
    """
    sent = cases[cases["grid_code"] != ""]
    calls, states = len(whistles), whistles["state"]
    return {
        "cases": len(sent),
        "first_right": float((sent["hops"] == 1).mean()) if len(sent) else np.nan,
        "hops": float(sent["hops"].mean()) if len(sent) else np.nan,
        "whistles": calls,
        "arrived": float(whistles["arrived_at"].notna().mean()) if calls else np.nan,
        "returned": float((states == "refused").mean()) if calls else np.nan,
    }


def find_hot_spots(
    cases: pd.DataFrame,
    grids: gpd.GeoDataFrame,
    *,
    per_household: bool = False,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """Find grids where cases gather, with their neighbours: Getis and Ord's Gi*.

    A grid is hot when it and its neighbours have more cases than chance would put there. As every
    grid is tested, the bar is raised by Benjamini and Hochberg's rule (false discovery rate).

    Parameters
    ----------
    cases : DataFrame
        ``tables()["cases"]``.
    grids : GeoDataFrame
        ``plan.grids``: neighbours touch, at a corner too.
    per_household : bool
        Test cases per 100 households rather than cases; grids without households are left out.
    alpha : float
        Share of hot grids that may be there by chance.

    Returns
    -------
    DataFrame
        Index ``grid_code``: ``cases``, ``value`` (what was tested), ``z``, ``p``, ``hot`` and
        ``cold``; the hottest first.

    Raises
    ------
    GridmapError
        If PySAL is not installed (``pip install gridmap[figures]``).
    """
    counts = cases.groupby("grid_code").size().reindex(grids.index, fill_value=0)
    table = pd.DataFrame({"cases": counts, "value": counts.astype(float)}, index=grids.index)
    if per_household:
        homes = grids["households"].where(grids["households"] > 0)
        table["value"] = 100 * counts / homes
        table = table[table["value"].notna()]
    table["z"], table["p"] = _measure_g(table["value"], grids.loc[table.index])
    bar = _raise_bar(table["p"], alpha)
    table["hot"] = (table["z"] > 0) & (table["p"] <= bar)
    table["cold"] = (table["z"] < 0) & (table["p"] <= bar)
    return table.sort_values("z", ascending=False, kind="stable")


def _measure_g(values: pd.Series, grids: gpd.GeoDataFrame) -> tuple[Any, Any]:
    """Return z and two-sided p of Gi* for each grid; 0 and 1 where all have the same value."""
    if len(values) < 3 or values.nunique() == 1:
        return 0.0, 1.0
    try:
        from esda import G_Local
        from libpysal.graph import Graph
    except ImportError as error:
        raise GridmapError("hot spots need PySAL: pip install gridmap[figures]") from error
    neighbours = Graph.build_contiguity(grids.geometry, rook=False)
    with np.errstate(invalid="ignore", divide="ignore"):  # who touches all others is like all
        found = G_Local(values, neighbours, transform="B", permutations=0, star=True)
    return np.nan_to_num(found.Zs), np.nan_to_num(np.minimum(2 * found.p_norm, 1.0), nan=1.0)


def _raise_bar(p: pd.Series, alpha: float) -> float:
    """Return the p below which a test counts, by the false discovery rate."""
    ordered = np.sort(p.to_numpy())
    steps = alpha * np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
    passed = ordered[ordered <= steps]
    return float(passed.max()) if passed.size else -1.0


def find_repeats(cases: pd.DataFrame, *, radius: float = 30, least: int = 3) -> pd.DataFrame:
    """Find places to which one category comes back.

    Cases of a category that lie within ``radius`` metres of one another, directly or through
    others, are one place.

    Returns
    -------
    DataFrame
        A row a place with ``least`` cases or more, the most first: ``category``, ``cases``,
        ``lon``, ``lat`` (the middle), ``grid_code`` (of most of them), ``first``, ``last``,
        ``open``, ``case_ids`` (a list).
    """
    placed = cases[cases["lon"].notna() & (cases["standing"] != "withdrawn")]
    rows = [
        _describe_place(category, place)
        for category, group in placed.groupby("category")
        for _, place in group.groupby(_join_near(group, radius))
        if len(place) >= least
    ]
    columns = ["category", "cases", "lon", "lat", "grid_code", "first", "last", "open", "case_ids"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("cases", ascending=False, kind="stable", ignore_index=True)


def _join_near(cases: pd.DataFrame, radius: float) -> np.ndarray[Any, Any]:
    """Return a number of its place for each case."""
    lat = cases["lat"].to_numpy()
    scale = _METRES_A_DEGREE * np.array([np.cos(np.radians(lat.mean())), 1.0])
    pairs = KDTree(cases[["lon", "lat"]].to_numpy() * scale).query_pairs(
        radius, output_type="ndarray"
    )
    ones = np.ones(len(pairs), np.int8)
    near = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(cases), len(cases)))
    return connected_components(near, directed=False)[1]


def _describe_place(category: Any, cases: pd.DataFrame) -> list[Any]:
    return [
        category,
        len(cases),
        round(float(cases["lon"].mean()), 7),
        round(float(cases["lat"].mean()), 7),
        cases["grid_code"].mode().iloc[0],
        cases["reported_at"].min(),
        cases["reported_at"].max(),
        int(cases["standing"].isin(("open", "suspended")).sum()),
        [int(number) for number in cases.index],
    ]


def measure_load(cases: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """Say what each grid worker carries now; cases that nobody serves stand under "".

    Returns
    -------
    DataFrame
        Index ``worker_id``: ``open``, ``overdue`` (of these, in breach), ``suspended``, ``closed``;
        the most open first.
    """
    moment = pd.Timestamp(now)
    running = cases["standing"] == "open"
    late = pd.Series(False, cases.index)
    for duty in DUTIES:
        late |= running & cases[f"done_{duty}"].isna() & (cases[f"due_{duty}"] < moment)
    counts = pd.DataFrame(
        {
            "open": running,
            "overdue": late,
            "suspended": cases["standing"] == "suspended",
            "closed": cases["standing"] == "closed",
        }
    )
    table = counts.groupby(cases["worker_id"]).sum()
    return table.sort_values(["open", "overdue"], ascending=False, kind="stable")


def rate_workers(
    tables: Mapping[str, pd.DataFrame],
    visits: pd.DataFrame | None = None,
    *,
    now: datetime,
    weights: Mapping[str, float] = WEIGHTS,
) -> pd.DataFrame:
    """Put the grid workers side by side, as a city does that chooses its best.

    The score says how it was made, of 100: the share of duties in time; visits, as a share of the
    most that anybody made; residents' votes, 1 to 5. Duties and votes are drawn towards the mean of
    all as by ten of them, so that one lucky case or one friend is not a landslide. A part that
    nobody has (no visits were told, no votes cast) gives its weight to the others.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        `gridmap.Casebook.tables`.
    visits : DataFrame, optional
        ``VISITS`` (`gridmap.read_visits`).
    now : datetime
        The moment.
    weights : mapping of str to float
        Of ``on_time``, ``visits`` and ``votes``.

    Returns
    -------
    DataFrame
        Index ``worker_id``, the best first: ``cases``, ``decided``, ``on_time`` (share), ``notes``
        (民情日志), ``visits``, ``votes``, ``vote`` (mean), ``score``, ``rank``.
    """
    _check_weights(weights)
    cases, votes = tables["cases"], tables["votes"]
    served = cases[cases["worker_id"] != ""]
    by_duty = rate_on_time(served, "worker_id", now=now).groupby(level=0).sum()
    table = pd.DataFrame(index=_list_workers(served, votes, visits))
    table["cases"] = served.groupby("worker_id").size()
    table["decided"] = by_duty["decided"]
    table["on_time"] = by_duty["on_time"] / by_duty["decided"].where(by_duty["decided"] > 0)
    table["notes"] = _count_notes(tables["steps"])
    table["visits"] = None if visits is None else visits.groupby("worker_id")["visits"].sum()
    table["votes"] = votes.groupby("worker_id").size()
    table["vote"] = votes.groupby("worker_id")["score"].mean()
    counted = ["cases", "decided", "notes", "visits", "votes"]
    table[counted] = table[counted].astype(float).fillna(0).astype("int64")
    table["score"] = _score(table, votes, weights).round(1)
    table = table.rename_axis("worker_id").sort_index()
    table["rank"] = table["score"].rank(ascending=False, method="min").astype("int64")
    return table.sort_values("score", ascending=False, kind="stable")


def write_evaluation(table: pd.DataFrame, path: str | Path, *, lang: str = "zh") -> None:
    """Write the table of `rate_workers` for Excel or as CSV.

    Raises
    ------
    TableError
        If the suffix is neither .xlsx nor .csv.
    """
    check_language(lang)
    place = ("zh", "en").index(lang)
    told = table.reset_index()[list(_EVALUATED)].round(3)
    told = told.rename(columns={name: heads[place] for name, heads in _EVALUATED.items()})
    with write_whole(path) as draft:
        write_sheet(told, draft, lang)


def _check_weights(weights: Mapping[str, float]) -> None:
    if set(weights) != set(WEIGHTS) or min(weights.values()) < 0 or sum(weights.values()) <= 0:
        raise CaseError(f"weights are {dict(weights)}: name {', '.join(WEIGHTS)}, from 0 up")


def _list_workers(
    cases: pd.DataFrame, votes: pd.DataFrame, visits: pd.DataFrame | None
) -> pd.Index:
    """Return everybody who has a case, a vote or a visit."""
    found = [cases["worker_id"], votes["worker_id"]]
    if visits is not None:
        found.append(visits["worker_id"])
    names = pd.concat(found).astype(str).unique()
    return pd.Index(sorted(name for name in names if name), dtype="str")


def _count_notes(steps: pd.DataFrame) -> pd.Series:
    own = steps[(steps["role"] == "worker") & (steps["action"] == "note")]
    return own.groupby("actor").size()


def _score(table: pd.DataFrame, votes: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series:
    """Return 0 to 100 from the parts that there are."""
    parts: dict[str, pd.Series] = {}
    if table["decided"].sum():
        done = table["on_time"].fillna(0) * table["decided"]
        parts["on_time"] = _draw_to_mean(done, table["decided"], _PRIOR_DUTIES)
    if table["visits"].sum():
        parts["visits"] = table["visits"] / table["visits"].max()
    if len(votes):
        points = table["vote"].fillna(0) * table["votes"]
        parts["votes"] = (_draw_to_mean(points, table["votes"], _PRIOR_VOTES) - 1) / 4
    whole = sum(weights[name] for name in parts)
    zero = pd.Series(0.0, table.index)
    if not whole:
        return zero
    return sum((100 * weights[name] / whole * part for name, part in parts.items()), zero)


def _draw_to_mean(sums: pd.Series, counts: pd.Series, prior: int) -> pd.Series:
    """Return means that so many of the common mean were added to."""
    return (sums + prior * sums.sum() / counts.sum()) / (counts + prior)
