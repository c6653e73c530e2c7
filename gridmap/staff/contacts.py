"""Leaders' contact points (领导包联) and co-building units (共建单位): who helps where.

Each contact gets communities or branches inside its scope, so that nobody has two leaders, or two
units, while another has none, and of all such matchings the one that costs least by distance and
need.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.errors import RulesError, TableError
from gridmap.plan import Plan
from gridmap.staff.branches import Branches
from gridmap.staff.match_reasons import Matching, explain_matches
from gridmap.staff.reasons import Language
from gridmap.staff.sharing import match_evenly
from gridmap.tables import (
    CONTACT_KINDS,
    CONTACT_MATCHES,
    CONTACTS,
    check_table,
    empty_table,
    list_some,
)

Floats = npt.NDArray[np.float64]


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

    Leaders and units are matched each by themselves, so every community has its share of both.

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
            "name": communities["name"],
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
        {"code": code, "name": table["name"], "need": _take_need(given, table.index)},
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


def join_contacts(
    kept: Mapping[str, pd.DataFrame], contacts: gpd.GeoDataFrame, matches: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Put new contacts and their matches in the place of those of the same kind that are kept.

    An office has a list of its leaders and another one of units: what one list says of leaders
    leaves the units as they are.

    Parameters
    ----------
    kept : mapping of str to DataFrame
        ``contacts`` and ``contact_matches``, where they are kept, as `PlanStore.staff` gives them.
    contacts, matches
        `CONTACTS` and `CONTACT_MATCHES` of the new list.

    Returns
    -------
    dict of str to DataFrame
        ``contacts`` and ``contact_matches``.

    Raises
    ------
    TableError
        If an id of the list is that of a contact of another kind.
    """
    if not {"contacts", "contact_matches"} <= set(kept):
        return {"contacts": contacts, "contact_matches": matches}
    others = kept["contacts"][~kept["contacts"]["kind"].isin(contacts["kind"])]
    twice = others.index.intersection(contacts.index)
    if len(twice):
        raise TableError(
            f"contacts: {list_some(twice)} are kept as another kind; give the list ids of its own"
        )
    stay = kept["contact_matches"][kept["contact_matches"]["contact_id"].isin(others.index)]
    together = pd.concat([gpd.GeoDataFrame(others), contacts])
    return {
        "contacts": gpd.GeoDataFrame(together, crs=contacts.crs),
        "contact_matches": pd.concat([stay, matches], ignore_index=True),
    }


def _match(
    contacts: pd.DataFrame,
    targets: gpd.GeoDataFrame,
    target: str,
    weights: MatchWeights,
    lang: Language,
) -> pd.DataFrame:
    """Match each kind by itself; the rows are in the order of the contacts."""
    check_table(contacts, CONTACTS)
    kinds = [contacts[contacts["kind"] == kind] for kind in CONTACT_KINDS]
    parts = [_match_kind(some, targets, target, weights, lang) for some in kinds if len(some)]
    if not parts:
        return empty_table(CONTACT_MATCHES, None)
    rows = pd.concat(parts)
    order = contacts.index.get_indexer(pd.Index(rows["contact_id"])).argsort(kind="stable")
    return rows.iloc[order].reset_index(drop=True)


def _match_kind(
    contacts: pd.DataFrame,
    targets: gpd.GeoDataFrame,
    target: str,
    weights: MatchWeights,
    lang: Language,
) -> pd.DataFrame:
    apart = _measure_distances(contacts, targets)
    lack = 1 - targets["need"].to_numpy()
    cost = weights.distance * np.nan_to_num(apart) + weights.need * lack
    codes = targets["code"].to_numpy(object)
    open_to = np.array(
        [[code.startswith(scope) for code in codes] for scope in contacts["scope"]], bool
    ).reshape(cost.shape)
    price = np.where(open_to, cost, np.inf)
    chosen = match_evenly(price, contacts["points"].to_numpy(np.int64))
    return explain_matches(Matching(contacts, targets, target, apart, price, chosen), lang)


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
