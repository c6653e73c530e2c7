"""Leaders' contact points (领导包联) and co-building units (共建单位): who helps where.

Each contact gets communities or branches inside its scope, so that nobody has two while another has
none, and of all such matchings the one that costs least by distance and need. It is an assignment
problem, and its solution is exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from gridmap.errors import RulesError, TableError
from gridmap.plan import Plan
from gridmap.staff.branches import Branches
from gridmap.staff.reasons import Language
from gridmap.tables import CONTACT_MATCHES, CONTACTS, check_table, list_some

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TEXTS: dict[str, dict[Language, str]] = {
    "facts": {
        "zh": "{far}，需求度{need:.2f}（{total}个中第{rank}位）",
        "en": "{far}, need {need:.2f} (number {rank} of {total})",
    },
    "far": {"zh": "距离{km:.2f}公里", "en": "{km:.2f} km"},
    "nowhere": {"zh": "位置不明", "en": "no position"},
    "only": {"zh": "；范围内别无其他", "en": "; nothing else in its scope"},
    "next": {
        "zh": "；次优{other}，代价多{extra:.2f}",
        "en": "; next best {other}, {extra:.2f} more",
    },
    "full": {
        "zh": "；{other}代价少{better:.2f}，但已由另外{share}个结对，为均衡未再安排",
        "en": "; {other} would be {better:.2f} better, and has its share of {share} from others",
    },
    "community": {
        "zh": "范围“{scope}”内的社区已全部结对，无可再配",
        "en": "no community left whose code begins with {scope!r}",
    },
    "branch": {
        "zh": "范围“{scope}”内的党支部已全部结对，无可再配",
        "en": "no branch left whose community's code begins with {scope!r}",
    },
}


@dataclass(frozen=True)
class MatchWeights:
    """What a contact and a target cost together, beside an even share.

    Examples
    --------
    >>> MatchWeights(distance=-1)
    Traceback (most recent call last):
    gridmap.errors.RulesError: distance is -1, not a number from 0 up
    """

    distance: float = 1.0  #: per km between the contact's office and the target
    need: float = 5.0  #: for a target of no need, and nothing for the one of the greatest

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < float("inf"):
                raise RulesError(f"{name} is {value}, not a number from 0 up")


def measure_need(plan: Plan, branches: Branches | None = None) -> pd.Series:
    """Say how much each community needs help, from 0 to 1.

    The mean of two ranks: households to a grid (much work), and full members to 1,000 households
    (few helpers), where the branches say how many there are; the neediest is 1.

    Returns
    -------
    Series
        By community_id, of every community of the plan.
    """
    grids = plan.grids.groupby("community_id")["households"].agg(["sum", "mean"])
    parts = [grids["mean"].rank(pct=True)]
    if branches is not None:
        full = branches.branch_communities["full"].reindex(grids.index, fill_value=0)
        parts.append((full / grids["sum"].clip(lower=1)).rank(pct=True, ascending=False))
    need = sum(parts) / len(parts)
    low, high = need.min(), need.max()
    return ((need - low) / (high - low) if high > low else need * 0 + 1.0).rename("need")


def match_communities(
    plan: Plan,
    contacts: pd.DataFrame,
    *,
    need: pd.Series | None = None,
    weights: MatchWeights | None = None,
    lang: Language = "zh",
) -> pd.DataFrame:
    """Match contacts to communities: evenly first, then by distance and need.

    Parameters
    ----------
    plan : Plan
        The plan.
    contacts : DataFrame or GeoDataFrame
        `CONTACTS`.
    need : Series, optional
        By community_id, from 0 to 1; `measure_need` by default.
    weights : MatchWeights, optional
        What distance and need count.
    lang : {"zh", "en"}
        Of the reasons.

    Returns
    -------
    DataFrame
        `CONTACT_MATCHES`: one row for each point of a contact, with the next best and the reason.
    """
    communities = plan.city.communities
    targets = gpd.GeoDataFrame(
        {
            "code": communities["code"],
            "need": _take_need(measure_need(plan) if need is None else need, communities.index),
        },
        geometry=communities.representative_point(),
    )
    return _match(contacts, targets.sort_index(), "community", weights or MatchWeights(), lang)


def match_branches(
    plan: Plan,
    branches: Branches,
    contacts: pd.DataFrame,
    *,
    need: pd.Series | None = None,
    weights: MatchWeights | None = None,
    lang: Language = "zh",
) -> pd.DataFrame:
    """Match contacts to party branches, as `match_communities` does to communities.

    ``need`` is by branch_id here; by default that of the branch's community.
    """
    table = branches.branches
    code = table["community_id"].map(plan.city.communities["code"])
    given = table["community_id"].map(measure_need(plan, branches)) if need is None else need
    points = plan.grids.geometry.representative_point().loc[table["grid_code"]]
    targets = gpd.GeoDataFrame(
        {"code": code, "need": _take_need(given, table.index)},
        geometry=gpd.GeoSeries(points.to_numpy(), table.index, crs=plan.city.crs),
    )
    return _match(contacts, targets.sort_index(), "branch", weights or MatchWeights(), lang)


def _take_need(need: pd.Series, targets: pd.Index) -> pd.Series:
    """Return the need of each target, or say which have none."""
    missing = targets.difference(need.index)
    if len(missing):
        raise TableError(f"need: nothing for {list_some(missing)}; give every target one")
    wrong = need[~need.between(0, 1)]
    if len(wrong):
        raise TableError(f"need: {list_some(wrong)} of {list_some(wrong.index)} is not 0 to 1")
    return need.reindex(targets).astype("float64")


def _match(
    contacts: pd.DataFrame,
    targets: gpd.GeoDataFrame,
    target: str,
    weights: MatchWeights,
    lang: Language,
) -> pd.DataFrame:
    check_table(contacts, CONTACTS)
    metres = _measure_distances(contacts, targets)
    cost = weights.distance * np.nan_to_num(metres) + weights.need * (
        1 - targets["need"].to_numpy()
    )
    codes = targets["code"].to_numpy(object)
    open_to = np.array(
        [[code.startswith(scope) for code in codes] for scope in contacts["scope"]], bool
    ).reshape(cost.shape)
    price = np.where(open_to, cost, np.inf)
    chosen = match_evenly(price, contacts["points"].to_numpy(np.int64))
    return _explain_matches(contacts, targets, target, metres, price, chosen, lang)


def match_evenly(cost: Floats, points: Ints) -> list[list[int]]:
    """Give each contact so many targets: shares as even as can be, then the least sum of costs.

    The k-th contact of a target pays k levels, each more than all costs together: so the shares
    are the evenest that the forbidden pairs leave. An optimum that uses fewer levels than there
    were to choose from is the optimum over any number of them.

    Parameters
    ----------
    cost : array of float, contacts × targets
        0 or more; infinite where the pair is not allowed.
    points : int64 per contact
        How many different targets it takes.

    Returns
    -------
    list of list of int
        The targets of each contact, in order; fewer than its points where no more are allowed.

    Examples
    --------
    >>> match_evenly(np.array([[1.0, 5.0], [1.0, 9.0]]), np.array([1, 1]))
    [[1], [0]]
    """
    wanted = int(points.sum())
    if not wanted or not cost.shape[1]:
        return [[] for _ in points]
    levels = -(-wanted // cost.shape[1]) + 1
    solve = _assign_each if points.max() <= 1 else _flow_points
    while True:
        chosen = solve(cost, points, levels)
        used = np.bincount([at for some in chosen for at in some], minlength=cost.shape[1])
        if used.max() < levels or levels > wanted:
            return chosen
        levels *= 2


def _step_of(cost: Floats, points: Ints) -> float:
    """Return what a level costs: more than all pairs can differ by, over all contacts.

    One contact more, or one level less, is then worth any change of pairs: an augmenting path adds
    one contact to one target, whatever else it moves.
    """
    known = cost[np.isfinite(cost)]
    return 1.0 + float(known.max(initial=0.0)) * int(points.sum())


def _assign_each(cost: Floats, points: Ints, levels: int) -> list[list[int]]:
    """Solve it for contacts that take one target each: slots of targets, by assignment."""
    rows = np.flatnonzero(points)
    step = _step_of(cost, points)
    price = np.concatenate([cost[rows] + step * level for level in range(levels)], axis=1)
    allowed = np.isfinite(price)
    row, slot = scipy.optimize.linear_sum_assignment(np.where(allowed, price, step * (levels + 1)))
    chosen: list[list[int]] = [[] for _ in points]
    for at, where in zip(row, slot, strict=True):
        if allowed[at, where]:
            chosen[int(rows[at])] = [int(where) % cost.shape[1]]
    return chosen


def _flow_points(cost: Floats, points: Ints, levels: int) -> list[list[int]]:
    """Solve it for contacts that take several: a flow, whose linear program is whole by itself.

    Columns: allowed pairs, points that find no target, levels of targets.
    """
    one, two = np.nonzero(np.isfinite(cost))
    pairs, contacts, targets = len(one), *cost.shape
    columns = pairs + contacts + targets * levels
    level = np.arange(targets * levels)
    rows = np.concatenate([one, np.arange(contacts), contacts + two, contacts + level % targets])
    places = np.concatenate(
        [np.arange(pairs), pairs + np.arange(contacts), np.arange(pairs), pairs + contacts + level]
    )
    values = np.concatenate([np.ones(pairs + contacts), np.ones(pairs), -np.ones(len(level))])
    matrix = scipy.sparse.csc_array(
        scipy.sparse.coo_array((values, (rows, places)), (contacts + targets, columns))
    )
    step = _step_of(cost, points)
    nothing = np.full(contacts, step * (levels + 1))
    price = np.concatenate([cost[one, two], nothing, step * (level // targets)])
    upper = np.concatenate([np.ones(pairs), points, np.ones(len(level))])
    right = np.concatenate([points, np.zeros(targets)])
    bounds = np.column_stack([np.zeros(columns), upper])
    solver: Any = scipy.optimize.linprog  # its types know no sparse matrix
    result = solver(price, A_eq=matrix, b_eq=right, bounds=bounds, method="highs-ds")
    chosen: list[list[int]] = [[] for _ in points]
    for pair in np.flatnonzero(result.x[:pairs] > 0.5).tolist():
        chosen[int(one[pair])].append(int(two[pair]))
    return chosen


def _measure_distances(contacts: pd.DataFrame, targets: gpd.GeoDataFrame) -> Floats:
    """Return km between each office and each target, NaN for an office without position."""
    apart = np.full((len(contacts), len(targets)), np.nan)
    if isinstance(contacts, gpd.GeoDataFrame):
        points = contacts.geometry.to_crs(targets.crs) if contacts.crs else contacts.geometry
        known = (points.notna() & ~points.is_empty).to_numpy()
        x, y = points[known].x.to_numpy(), points[known].y.to_numpy()
        there = targets.geometry
        apart[known] = np.hypot(x[:, None] - there.x.to_numpy(), y[:, None] - there.y.to_numpy())
    return apart / 1000


def _explain_matches(
    contacts: pd.DataFrame,
    targets: gpd.GeoDataFrame,
    target: str,
    apart: Floats,
    cost: Floats,
    chosen: list[list[int]],
    lang: Language,
) -> pd.DataFrame:
    """Write each pair with the next best target, what that would cost, and why it is not that."""
    shares = np.bincount([at for some in chosen for at in some], minlength=len(targets))
    order: dict[int, int] = {}
    rows: list[dict[str, Any]] = []
    for contact, some in enumerate(chosen):
        name = str(contacts.index[contact])
        missing = int(contacts["points"].iloc[contact]) - len(some)
        by_cost = np.argsort(cost[contact], kind="stable").tolist()
        others = [one for one in by_cost if one not in some and np.isfinite(cost[contact, one])]
        rival = others[0] if others else -1
        for at in some:
            order[at] = order.get(at, 0) + 1
            rows.append(
                _write_match(targets, target, name, at, rival, apart[contact], cost[contact])
                | {"rank": order[at]}
            )
            rows[-1]["reason"] = _say_match(
                targets, apart[contact], at, rival, rows[-1], shares, lang
            )
        scope = contacts["scope"].iloc[contact]
        rows += [_write_unmatched(name, target, scope, lang) for _ in range(missing)]
    frame = pd.DataFrame(rows, columns=list(CONTACT_MATCHES.columns))
    words = {name: "str" for name, kind in CONTACT_MATCHES.columns.items() if kind == "O"}
    numbers = {"rank": "int64", "distance": "float64", "need": "float64"}
    return frame.astype({**words, **numbers, "cost": "float64", "extra": "float64"})


def _write_match(
    targets: gpd.GeoDataFrame,
    target: str,
    name: str,
    at: int,
    rival: int,
    apart: Floats,
    cost: Floats,
) -> dict[str, Any]:
    return {
        "contact_id": name,
        "target": target,
        "target_id": str(targets.index[at]),
        "distance": float(apart[at]),
        "need": float(targets["need"].iloc[at]),
        "cost": float(cost[at]),
        "rival_id": "" if rival < 0 else str(targets.index[rival]),
        "extra": float(cost[rival] - cost[at]) if rival >= 0 else float("nan"),
    }


def _write_unmatched(name: str, target: str, scope: str, lang: Language) -> dict[str, Any]:
    nothing = dict.fromkeys(("distance", "need", "cost", "extra"), float("nan"))
    reason = _TEXTS[target][lang].format(scope=scope)
    empty = {"target_id": "", "rank": 0, "rival_id": ""}
    return {"contact_id": name, "target": target, **empty, **nothing, "reason": reason}


def _say_match(
    targets: gpd.GeoDataFrame,
    apart: Floats,
    at: int,
    rival: int,
    match: Mapping[str, Any],
    shares: Ints,
    lang: Language,
) -> str:
    """Say how far, how needy, and what stands against the next best."""
    told = {name: texts[lang] for name, texts in _TEXTS.items()}
    km, need = float(apart[at]), targets["need"]
    facts = told["facts"].format(
        far=told["nowhere"] if np.isnan(km) else told["far"].format(km=km),
        need=need.iloc[at],
        rank=int((need > need.iloc[at]).sum()) + 1,
        total=len(targets),
    )
    if rival < 0:
        return facts + told["only"]
    other, extra = targets.index[rival], match["extra"]
    if extra >= 0:
        return facts + told["next"].format(other=other, extra=extra)
    return facts + told["full"].format(other=other, better=-extra, share=shares[rival])
