"""Which term follows which: chains of terms that leave the fewest days without a worker.

Each post whose worker leaves needs a chain of terms, one after the other, until the last day. To
cover every post with chains is an assignment problem: each worker or term is given the one that
follows, or none. Its optimum leaves the fewest days without a worker; no other chains have fewer.
"""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from gridmap.rules import Rules
from gridmap.staff.matching import find_wages, match_rows
from gridmap.staff.terms import Terms

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Metres that a day without a worker counts, and a working day of hand-over that is missing.
_GAP_DAY, _MISSED_DAY = 1_000_000.0, 200.0
#: Changes that a succession which was not planned before counts more.
_STRANGE = 4
_DAY = np.timedelta64(1, "D")
Kept = set[tuple[str, str, str]]


def list_kept(primaries: pd.DataFrame) -> Kept:
    """List who came after whom in a grid: its code, the one before, the one after.

    Not only the next one: where one between them drops out, who came after stays in that grid.
    """
    rows = primaries.sort_values(["grid_code", "starts"])
    return {
        (str(code), before, after)
        for code, some in rows.groupby("grid_code")["worker_id"]
        for before, after in combinations(["", *some], 2)
    }


def price_successions(
    terms: Terms, rules: Rules, calendar: np.busdaycalendar, kept: Kept, last: Any
) -> Floats:
    """Price each succession: rows are posts then terms, columns terms then "nobody"; inf if none.

    A term that follows itself is one that is not used.
    """
    weights, n, k = rules.staffing, len(terms.codes), len(terms.ids)
    ends = np.concatenate([terms.free, terms.ends])
    gaps = np.maximum((terms.starts[None, :] - ends[:, None]) // _DAY - 1, 0).astype(float)
    cost = gaps * _GAP_DAY
    cost += _MISSED_DAY * _count_missed(terms, ends, weights.handover, calendar)
    people = np.array([*terms.person, *terms.people], object)
    cost += weights.change * (people[:, None] != people[None, n:])
    places, sent = np.array([*terms.place, *terms.sent], object), np.array(terms.sent, object)
    cost += weights.outside * ((places[:, None] != sent[None, :]) & (sent != "")[None, :])
    cost[:n] += weights.walk * np.nan_to_num(terms.walk[:, terms.grid].T)
    if kept:
        cost += _STRANGE * weights.change * _flag_strange(terms, kept)
    cost[~_allow(terms, ends)] = np.inf
    cost[n + np.arange(k), np.arange(k)] = 0.0
    nobody = np.maximum((last - ends) // _DAY, 0).astype(float) * _GAP_DAY
    return np.column_stack([np.round(cost), nobody])


def _allow(terms: Terms, ends: Any) -> npt.NDArray[np.bool_]:
    """Flag the terms that end later than who is before, and may carry what he leaves.

    Which post a term comes to is not known before, so a term only follows one of no higher limit,
    unless it may carry any of the posts.
    """
    n, most = len(terms.codes), terms.households.max(initial=0)
    allowed = terms.ends[None, :] > ends[:, None]
    allowed[:n] &= terms.households[:, None] <= terms.limit[None, :]
    fits = (terms.limit[None, :] >= terms.limit[:, None]) | (terms.limit >= most)[None, :]
    allowed[n:] &= fits
    return np.asarray(allowed)


def _count_missed(terms: Terms, ends: Any, handover: int, calendar: np.busdaycalendar) -> Floats:
    """Count the working days of hand-over that each succession is short of."""
    shared = np.zeros((len(ends), len(terms.ids)))
    if handover and len(terms.ids):
        for at, first in enumerate(terms.starts):
            both = np.busday_count(first, ends + _DAY, busdaycal=calendar)
            shared[:, at] = np.clip(both, 0, handover)
    held = np.array([*map(bool, terms.holder), *[True] * len(terms.ids)])
    return np.where(held[:, None], handover - shared, 0.0)


def _flag_strange(terms: Terms, kept: Kept) -> Floats:
    """Flag every succession that is not in the calendar made before."""
    strange = np.ones((len(terms.codes) + len(terms.ids), len(terms.ids)))
    place = {name: at for at, name in enumerate(terms.ids)}
    posts: dict[str, list[int]] = {}
    for at, code in enumerate(terms.codes):
        posts.setdefault(code, []).append(at)
    for code, before, after in kept:
        rows = [len(terms.codes) + place[before]] if before in place else posts.get(code, [])
        if after in place:
            strange[rows, place[after]] = 0.0
    return strange


def chain_terms(costs: Floats) -> tuple[Ints, Floats]:
    """Find who follows each post's worker and each term, -1 for nobody; and the reduced costs."""
    rows, k = costs.shape[0], costs.shape[1] - 1
    if not rows:  # nobody leaves, and nobody is free
        return np.empty(0, np.int64), np.empty((0, k))
    arc, to = np.nonzero(np.isfinite(costs[:, :k]))
    graph, seat_of = match_rows(arc, to, costs[arc, to], costs[:, k], k)
    wages = find_wages(graph, seat_of)
    own = np.where(seat_of < k, costs[np.arange(rows), np.minimum(seat_of, k)], costs[:, k])
    reduced = costs[:, :k] - (own - wages[seat_of])[:, None] - wages[None, :k]
    return np.where(seat_of < k, seat_of, -1), reduced


def follow_chains(posts: int, after: Ints) -> list[list[int]]:
    """Return the terms of each post in their order."""
    chains = []
    for at in range(posts):
        chain, term = list[int](), int(after[at])
        while term >= 0:
            chain.append(term)
            term = int(after[posts + term])
        chains.append(chain)
    return chains


def swap_tails(terms: Terms, costs: Floats, chains: list[list[int]], rules: Rules) -> None:
    """Let those who come to one community on one day be where they walk least, in place.

    The chains were found without the way of any but the first term of each. What follows on a day
    in a community can be exchanged between its posts: in the order of the days that is matched
    anew, and never dearer.
    """
    walk = rules.staffing.walk * np.nan_to_num(terms.walk[:, terms.grid])
    where = np.array(terms.place, object)
    for day in sorted({terms.starts[term] for chain in chains for term in chain}):
        spots = [
            next((i for i, term in enumerate(chain) if terms.starts[term] == day), -1)
            for chain in chains
        ]
        some = np.flatnonzero(np.array(spots) >= 0)
        for place in dict.fromkeys(where[some]):
            cut = [(int(at), spots[at]) for at in some[where[some] == place]]
            if len(cut) > 1:
                _match_tails(terms, costs, chains, cut, walk)


def _match_tails(
    terms: Terms,
    costs: Floats,
    chains: list[list[int]],
    cut: list[tuple[int, int]],
    walk: Floats,
) -> None:
    """Exchange the tails of some chains from some places on, in place."""
    tails = [chains[at][spot:] for at, spot in cut]
    price = np.array(
        [[_price_tail(terms, costs, chains[at], at, spot, tail, walk) for tail in tails]
         for at, spot in cut]
    )  # fmt: skip
    if not np.isfinite(price.diagonal()).all():
        return
    rows, columns = scipy.optimize.linear_sum_assignment(np.where(np.isfinite(price), price, 1e12))
    for place, column in zip(rows.tolist(), columns.tolist(), strict=True):
        at, spot = cut[place]
        chains[at][spot:] = tails[column]


def _price_tail(
    terms: Terms,
    costs: Floats,
    chain: list[int],
    at: int,
    spot: int,
    tail: list[int],
    walk: Floats,
) -> float:
    """Price a tail at a place of a post's chain; infinite if somebody may not carry the post."""
    if any(terms.limit[term] < terms.households[at] for term in tail):
        return np.inf
    before = len(terms.codes) + chain[spot - 1] if spot else at
    walked = tail[1:] if not spot else tail  # the first way of a chain is in its price
    return float(costs[before, tail[0]] + walk[walked, at].sum())
