"""Who follows whom: a calendar of rotating cadres, and who stands in while somebody is away.

Each grid whose worker's term ends needs a chain of terms, one after the other, until the last day.
To cover every grid with chains is an assignment problem: each worker or term is given the one that
follows, or none. Its optimum leaves the fewest days without a worker; no other calendar has fewer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.case import check_workers_of, measure_walks
from gridmap.staff.matching import find_wages
from gridmap.staff.posts import posts_on
from gridmap.staff.reasons import Language, write_metres
from gridmap.tables import STAFFING, WAYS, check_table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Metres that a day without a worker counts, and a working day of hand-over that is missing.
_GAP_DAY, _MISSED_DAY = 1_000_000.0, 200.0
#: Kinds that are sent where they are needed.
_SENT = ("cadre", "recruit")
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class _Terms:
    """Grids that need somebody, and the terms that may follow, as arrays.

    Days are numpy days. ``free`` is the last day of the worker that a grid has, the day before the
    first where it has none.
    """

    codes: list[str]  # of each post that needs somebody, its grid
    grid: Ints  # position in the plan
    holder: list[str]  # worker_id, or ""
    person: list[str]
    free: Any
    ids: list[str]
    people: list[str]
    starts: Any
    ends: Any
    walk: Floats  # (terms, all grids)
    ways: Ints
    home: Flags  # (terms, grids that need somebody)
    community: list[str]
    limit: Ints
    households: Ints
    names: list[str]


def plan_rotation(
    plan: Plan,
    staffing: pd.DataFrame,
    cadres: gpd.GeoDataFrame,
    rules: Rules | None = None,
    *,
    start: date,
    days: int = 365,
    kept: pd.DataFrame | None = None,
    holidays: Sequence[date] = (),
    lang: Language = "zh",
) -> pd.DataFrame:
    """Plan who follows whom in the grids whose workers leave, over a year.

    Least of all there are days on which a grid has no primary worker. Then the successor comes
    early enough for a hand-over of the rules' ``handover`` working days, is sent to the community
    that the grid lies in, and walks as little as can be. Who is in a grid stays to the last day of
    his term; nobody else moves.

    Parameters
    ----------
    plan : Plan
        The grids.
    staffing : DataFrame
        `STAFFING` in force on the first day.
    cadres : GeoDataFrame
        `WORKERS`: the terms of the year. Cadres and recruits who do not serve a grid on the first
        day can follow; a term serves one grid.
    rules : Rules, optional
        The plan's by default.
    start : date
        The first day.
    days : int
        How many days are planned.
    kept : DataFrame, optional
        A calendar made before, for one in which somebody drops out: a succession that is not in
        it counts four changes more, so that little is changed.
    holidays : sequence of date
        Days that are no working days, beside Saturdays and Sundays.
    lang : {"zh", "en"}
        Of the reasons.

    Returns
    -------
    DataFrame
        `STAFFING`, the rows given and the new ones. A row with ``worker_id`` "" names the days on
        which a grid has nobody. ``attrs["proof"]`` has ``uncovered``, the days without a worker
        over all grids, and ``status``: ``optimal`` where no calendar of these terms has fewer;
        ``found`` where somebody's limit is below the largest of these grids, for then a term only
        follows one of no higher limit. ``extra`` is about the chains, before those who come to one
        community on one day were exchanged to walk less.

    Raises
    ------
    TableError, StaffError
        If a table breaks its contract, a community is not the plan's, or ``days`` is below 1.
    """
    if days < 1:
        raise StaffError(f"a rotation over {days} days: give 1 or more")
    check_table(staffing, STAFFING)

    def draw(kept: pd.DataFrame | None) -> pd.DataFrame:
        return _draw_calendar(
            plan, staffing, cadres, rules or plan.rules, start, days, kept, holidays, lang
        )

    table = draw(kept)
    if kept is None:
        return table
    # A hand-over that is kept may force others to change; then a new calendar changes less.
    return min(table, draw(None), key=lambda one: _count_changes(kept, one))


def _count_changes(kept: pd.DataFrame, table: pd.DataFrame) -> tuple[int, int]:
    """Return the days without a worker, and how many who were primary in a grid are no longer."""
    before, after = (
        set(rows[["grid_code", "worker_id"]].itertuples(index=False, name=None))
        for rows in map(_take_primaries, (kept, table))
    )
    return table.attrs["proof"]["uncovered"], len(before - after)


def _take_primaries(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["role"] == "primary") & (table["worker_id"] != "")]


def _draw_calendar(
    plan: Plan,
    staffing: pd.DataFrame,
    cadres: gpd.GeoDataFrame,
    rules: Rules,
    start: date,
    days: int,
    kept: pd.DataFrame | None,
    holidays: Sequence[date],
    lang: Language,
) -> pd.DataFrame:
    last = start + timedelta(days=days - 1)
    terms = _list_terms(plan, staffing, check_workers_of(plan, cadres), start, last)
    calendar = np.busdaycalendar(holidays=[np.datetime64(day) for day in holidays])
    costs = _price_arcs(terms, rules, calendar, _list_kept(kept), np.datetime64(last))
    after, reduced = _chain(costs)
    chains = _swap_tails(terms, costs, _follow_chains(terms, after), rules)
    rows = [
        row
        for at, chain in enumerate(chains)
        for row in _write_chain(terms, at, chain, rules, calendar, start, last, lang)
    ]
    rows = _name_rivals(terms, plan, rows, costs, reduced, lang)
    old = staffing[staffing["worker_id"] != ""]
    table = pd.concat([old, _tabulate(rows)]) if rows else old
    table = table.sort_values(["grid_code", "role", "starts"], ascending=[True, False, True])
    table = table.reset_index(drop=True)
    gaps = find_gaps(plan, table, start, last)
    fits = terms.limit.min(initial=10**9) >= terms.households.max(initial=0)
    status = "optimal" if fits else "found"
    table.attrs["proof"] = {"status": status, "uncovered": int(gaps["days"].sum())}
    return table


def find_gaps(plan: Plan, staffing: pd.DataFrame, start: date, last: date) -> pd.DataFrame:
    """List the days on which a grid, or a share of one that several workers share, has nobody.

    A day counts if those who hold the grid have fewer households together than it has, or if a
    share of it is a row without a worker.

    Returns
    -------
    DataFrame
        ``grid_code``, ``starts``, ``ends`` (both days without a worker), how many ``days``, and how
        many ``households`` have nobody on each of them.
    """
    check_table(staffing, STAFFING)
    primary = staffing[staffing["role"] == "primary"]
    rows = dict(iter(primary.groupby("grid_code")))
    found = [
        (code, begin, end, (end - begin).days + 1, homes)
        for code, whole in plan.grids["households"].items()
        for begin, end, homes in _uncovered(rows.get(code, primary.iloc[:0]), whole, start, last)
    ]
    frame = pd.DataFrame(found, columns=["grid_code", "starts", "ends", "days", "households"])
    kinds = {"starts": "datetime64[s]", "ends": "datetime64[s]", "days": "int64"}
    return frame.astype({"grid_code": "str", **kinds, "households": "int64"})


def _uncovered(
    rows: pd.DataFrame, whole: int, start: date, last: date
) -> Iterator[tuple[date, date, int]]:
    """Yield the stretches of days on which households of a grid have nobody, and how many."""
    terms = _list_days(rows, start, last)
    days = {start, last + timedelta(days=1)}
    days |= {day for begin, end, *_ in terms for day in (begin, end) if start < day <= last}
    stretches: list[tuple[date, date, int]] = []
    for begin, end in pairwise(sorted(days)):
        missing = _count_missing(
            [(who, homes) for a, b, who, homes in terms if a <= begin < b], whole
        )
        if missing is None:
            continue
        goes_on = stretches and stretches[-1][1:] == (begin - timedelta(days=1), missing)
        first = stretches.pop()[0] if goes_on else begin
        stretches.append((first, end - timedelta(days=1), missing))
    yield from stretches


def _count_missing(there: list[tuple[str, int]], whole: int) -> int | None:
    """Return how many households have nobody, None where everybody is served.

    During a hand-over two workers have one share, so a share that is said to be vacant counts
    whatever the others add up to. A grid without households needs somebody too.
    """
    held = [homes for who, homes in there if who]
    vacant = sum(homes for who, homes in there if not who and homes < whole)
    missing = max(whole - sum(held), vacant if held else 0)
    return missing if missing > 0 or not held else None


def _list_days(rows: pd.DataFrame, start: date, last: date) -> list[tuple[date, date, str, int]]:
    """List the first day of each row, the day after its last, who it is, and the households."""
    far = last + timedelta(days=1)
    return [
        (first.date(), far if pd.isna(end) else end.date() + timedelta(days=1), who, homes)
        for first, end, who, homes in zip(
            *(rows[name] for name in ("starts", "ends", "worker_id", "households")), strict=True
        )
        if first.date() <= last and (pd.isna(end) or end.date() >= start)
    ]


def _list_terms(
    plan: Plan, staffing: pd.DataFrame, cadres: gpd.GeoDataFrame, start: date, last: date
) -> _Terms:
    """Find the grids whose workers leave before the last day, and the terms that may follow."""
    held = posts_on(plan, staffing, start)
    held = held.assign(ends=_last_days(staffing, held, start))
    first, final = pd.Timestamp(start), pd.Timestamp(last)
    there = cadres["kind"].isin(_SENT) & ~cadres.index.isin(held["worker_id"])
    leaving = held[held["ends"] < final]
    grid = plan.grids.index.get_indexer(leaving["grid_code"]).astype(np.int64)
    there &= cadres["starts"].isna() | (cadres["starts"] <= final)
    some = cadres[there & (cadres["ends"].isna() | (cadres["ends"] >= first))]
    walk, ways = measure_walks(plan, some)
    communities = some["community_id"].to_numpy(object)
    of = plan.grids["community_id"].to_numpy(object)[grid]
    people = cadres["person"].to_dict()
    return _Terms(
        codes=leaving["grid_code"].tolist(),
        grid=grid,
        holder=leaving["worker_id"].tolist(),
        person=[str(people.get(who, who)) for who in leaving["worker_id"]],
        free=leaving["ends"].to_numpy("datetime64[D]"),
        ids=some.index.tolist(),
        people=some["person"].tolist(),
        starts=some["starts"].fillna(first).clip(lower=first).to_numpy("datetime64[D]"),
        ends=some["ends"].fillna(final + pd.Timedelta(days=1)).to_numpy("datetime64[D]"),
        walk=walk,
        ways=ways,
        home=(communities[:, None] == of[None, :]) | (communities == "")[:, None],
        community=[*some["community_id"], *of],
        limit=some["limit"].to_numpy(np.int64),
        households=leaving["households"].to_numpy(np.int64),
        names=some["name"].tolist(),
    )


def _last_days(staffing: pd.DataFrame, held: pd.DataFrame, start: date) -> pd.Series:
    """Return the last day of each post's worker; far off if open, the day before if vacant."""
    rows = staffing[staffing["role"] == "primary"]
    rows = rows[rows["ends"].isna() | (rows["ends"] >= pd.Timestamp(start))]
    far = pd.Timestamp(2200, 1, 1)
    last = rows["ends"].fillna(far).groupby([rows["grid_code"], rows["worker_id"]]).max()
    key = pd.MultiIndex.from_frame(held[["grid_code", "worker_id"]])
    days = pd.Series(last.reindex(key).to_numpy(), held.index)
    before = pd.Timestamp(start) - pd.Timedelta(days=1)
    return days.where((held["worker_id"] != "") & days.notna(), before)


def _list_kept(kept: pd.DataFrame | None) -> set[tuple[str, str, str]]:
    """List who came after whom in a grid: its code, the one before, the one after.

    Not only the next one: where one between them drops out, who came after stays in that grid.
    """
    if kept is None:
        return set()
    check_table(kept, STAFFING)
    rows = _take_primaries(kept).sort_values(["grid_code", "starts"])
    return {
        (str(code), before, after)
        for code, some in rows.groupby("grid_code")["worker_id"]
        for before, after in combinations(["", *some], 2)
    }


def _price_arcs(
    terms: _Terms,
    rules: Rules,
    calendar: np.busdaycalendar,
    kept: set[tuple[str, str, str]],
    last: Any,
) -> Floats:
    """Price each succession: rows are grids then terms, columns terms then "nobody"; inf if none.

    A term that follows itself is one that is not used.
    """
    weights, n, k = rules.staffing, len(terms.codes), len(terms.ids)
    ends = np.concatenate([terms.free, terms.ends])
    gaps = np.maximum((terms.starts[None, :] - ends[:, None]) // _DAY - 1, 0).astype(float)
    cost = gaps * _GAP_DAY
    cost += _MISSED_DAY * _missed(terms, ends, weights.handover, calendar)
    people = np.array([*terms.person, *terms.people], object)
    cost += weights.change * (people[:, None] != np.array(terms.people, object)[None, :])
    place = np.array(terms.community, object)
    sent = place[:k]
    away = (np.r_[place[k:], sent][:, None] != sent[None, :]) & (sent != "")[None, :]
    cost += weights.outside * away
    cost[:n] += weights.walk * np.nan_to_num(terms.walk[:, terms.grid].T)
    if kept:
        cost += _price_kept(terms, kept, weights.change)
    cost[(terms.ends[None, :] <= ends[:, None])] = np.inf
    cost[:n][terms.households[:, None] > terms.limit[None, :]] = np.inf
    most = terms.households.max(initial=0)
    fits = (terms.limit[None, :] >= terms.limit[:, None]) | (terms.limit >= most)[None, :]
    cost[n:][~fits] = np.inf
    cost[n + np.arange(k), np.arange(k)] = 0.0
    nobody = np.maximum((last - ends) // _DAY, 0).astype(float) * _GAP_DAY
    return np.column_stack([np.round(cost), nobody])


def _missed(terms: _Terms, ends: Any, handover: int, calendar: np.busdaycalendar) -> Floats:
    """Count the working days of hand-over that each succession is short of."""
    shared = np.zeros((len(ends), len(terms.ids)))
    if handover and len(terms.ids):
        for at, first in enumerate(terms.starts):
            both = np.busday_count(first, ends + _DAY, busdaycal=calendar)
            shared[:, at] = np.clip(both, 0, handover)
    held = np.array([*map(bool, terms.holder), *[True] * len(terms.ids)])
    return np.where(held[:, None], handover - shared, 0.0)


def _price_kept(terms: _Terms, kept: set[tuple[str, str, str]], change: float) -> Floats:
    """Price every succession that is not in the calendar made before."""
    price = np.full((len(terms.codes) + len(terms.ids), len(terms.ids)), 4 * change)
    place = {name: at for at, name in enumerate(terms.ids)}
    posts: dict[str, list[int]] = {}
    for at, code in enumerate(terms.codes):
        posts.setdefault(code, []).append(at)
    for code, before, after in kept:
        rows = [len(terms.codes) + place[before]] if before in place else posts.get(code, [])
        if after in place:
            price[rows, place[after]] = 0.0
    return price


def _chain(costs: Floats) -> tuple[Ints, Floats]:
    """Find who follows each grid's worker and each term, -1 for nobody; and the reduced costs."""
    rows, k = costs.shape[0], costs.shape[1] - 1
    if not rows:  # nobody leaves, and nobody is free
        return np.empty(0, np.int64), np.empty((0, k))
    arc, to = np.nonzero(np.isfinite(costs[:, :k]))
    at = np.concatenate([arc, np.arange(rows)])
    seats = np.concatenate([to, k + np.arange(rows)])
    price = np.concatenate([costs[arc, to], costs[:, k]])
    graph = scipy.sparse.coo_array((price + 1, (at, seats)), shape=(rows, k + rows)).tocsr()
    row, seat = scipy.sparse.csgraph.min_weight_full_bipartite_matching(graph)
    seat_of = np.empty(rows, np.int64)
    seat_of[row] = seat
    wages = find_wages(graph, seat_of)
    own = np.where(seat_of < k, costs[np.arange(rows), np.minimum(seat_of, k)], costs[:, k])
    reduced = costs[:, :k] - (own - wages[seat_of])[:, None] - wages[None, :k]
    return np.where(seat_of < k, seat_of, -1), reduced


def _follow_chains(terms: _Terms, after: Ints) -> list[list[int]]:
    """Return the terms of each grid in their order."""
    n, chains = len(terms.codes), []
    for at in range(n):
        chain, term = list[int](), int(after[at])
        while term >= 0:
            chain.append(term)
            term = int(after[n + term])
        chains.append(chain)
    return chains


def _swap_tails(
    terms: _Terms, costs: Floats, chains: list[list[int]], rules: Rules
) -> list[list[int]]:
    """Let those who come to one community on one day be where they walk least.

    The chains were found without the way of any but the first term of each. What follows on a day
    in a community can be exchanged between its grids: in the order of the days that is matched
    anew, and never dearer.
    """
    n = len(terms.codes)
    where = np.array(terms.community[len(terms.ids) :], object)
    walk = rules.staffing.walk * np.nan_to_num(terms.walk[:, terms.grid])
    days = sorted({terms.starts[term] for chain in chains for term in chain})
    for day in days:
        for place in dict.fromkeys(where):
            cut = [
                (int(at), spots[0])
                for at in np.flatnonzero(where == place)
                if (spots := [i for i, term in enumerate(chains[at]) if terms.starts[term] == day])
            ]
            if len(cut) > 1:
                _match_tails(terms, costs, chains, cut, walk, n)
    return chains


def _match_tails(
    terms: _Terms, costs: Floats, chains: list[list[int]], cut: list[Any], walk: Floats, n: int
) -> None:
    """Exchange the tails of some chains from some places on, in place."""
    tails = [chains[at][spot:] for at, spot in cut]
    before = [at if spot == 0 else n + chains[at][spot - 1] for at, spot in cut]
    price = np.full((len(cut), len(cut)), np.inf)
    for row, (at, spot) in enumerate(cut):
        for column, tail in enumerate(tails):
            ways = walk[tail[1:], at].sum() + (0.0 if spot == 0 else walk[tail[0], at])
            fits = all(terms.limit[term] >= terms.households[at] for term in tail)
            price[row, column] = costs[before[row], tail[0]] + ways if fits else np.inf
    if not np.isfinite(price.diagonal()).all():
        return
    rows, columns = scipy.optimize.linear_sum_assignment(np.where(np.isfinite(price), price, 1e12))
    for place, column in zip(rows.tolist(), columns.tolist(), strict=True):
        at, spot = cut[place]
        chains[at][spot:] = tails[column]


def _write_chain(
    terms: _Terms,
    at: int,
    chain: list[int],
    rules: Rules,
    calendar: np.busdaycalendar,
    start: date,
    last: date,
    lang: Language,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one grid: terms with their hand-overs, stretches without anybody."""
    end, who, person = terms.free[at], terms.holder[at], terms.person[at]
    place = len(terms.codes)
    row = at
    for term in chain:
        begin = terms.starts[term]
        if person == terms.people[term]:
            early = end + _DAY
        elif who and rules.staffing.handover:
            back = 1 - rules.staffing.handover
            early = np.busday_offset(end, back, roll="backward", busdaycal=calendar)
        else:
            early = end + _DAY
        begin = max(begin, early, np.datetime64(start))
        if begin > end + _DAY:
            yield _gap_row(terms, at, end + _DAY, begin - _DAY, who, term, lang)
        shared = int(np.busday_count(begin, end + _DAY, busdaycal=calendar)) if who else 0
        yield _term_row(terms, at, term, begin, who, max(shared, 0), row, lang)
        end, who, person, row = terms.ends[term], terms.ids[term], terms.people[term], place + term
    if end < np.datetime64(last):
        yield _gap_row(terms, at, end + _DAY, np.datetime64(last), who, -1, lang)


_HANDOVER: dict[Language, str] = {
    "zh": "接替{who}，交接{shared}个工作日，步行{walk}",
    "en": "follows {who}, {shared} working days together, {walk} on foot",
}
_FILLS: dict[Language, str] = {
    "zh": "到岗补空缺，步行{walk}",
    "en": "comes to a vacant grid, {walk} on foot",
}
_GAP: dict[Language, str] = {
    "zh": "{begin}至{end}无人：{why}",
    "en": "nobody from {begin} to {end}: {why}",
}
_WHY: dict[str, dict[Language, str]] = {
    "later": {
        "zh": "此前没有可到的人员，最早{who}于{end}次日到岗",
        "en": "nobody is free before; {who} is the first, the day after {end}",
    },
    "none": {
        "zh": "其后没有任期覆盖这些日子的人员",
        "en": "no free term covers these days",
    },
}
_RIVAL: dict[Language, str] = {
    "zh": "；次优{rival}，接续代价约多{extra:,.0f}米",
    "en": "; next best {rival}, about {extra:,.0f} m worse for the chains",
}


def _term_row(
    terms: _Terms,
    at: int,
    term: int,
    begin: Any,
    who: str,
    shared: int,
    row: int,
    lang: Language,
) -> dict[str, Any]:
    walk = float(terms.walk[term, terms.grid[at]])
    told = _HANDOVER if who else _FILLS
    text = told[lang].format(who=who, shared=shared, walk=write_metres(walk, lang))
    return {
        **_plain_row(terms, at, begin, terms.ends[term]),
        "worker_id": terms.ids[term],
        "load": int(terms.households[at]),
        "walk": walk,
        "way": WAYS[terms.ways[term, terms.grid[at]]],
        "binding": "handover",
        "reason": text,
        "succession": (row, term),
    }


def _gap_row(
    terms: _Terms, at: int, begin: Any, end: Any, who: str, term: int, lang: Language
) -> dict[str, Any]:
    named = terms.ids[term] if term >= 0 else who
    why = _WHY["later" if term >= 0 else "none"][lang].format(who=named, end=end)
    text = _GAP[lang].format(begin=begin, end=end, why=why)
    return {**_plain_row(terms, at, begin, end), "binding": "term", "reason": text}


def _plain_row(terms: _Terms, at: int, begin: Any, end: Any) -> dict[str, Any]:
    """Return a row of a grid without a worker."""
    return {
        "grid_code": terms.codes[at],
        "worker_id": "",
        "role": "primary",
        "starts": begin,
        "ends": end,
        "households": int(terms.households[at]),
        "load": 0,
        "walk": np.nan,
        "way": "",
        "binding": "term",
        "rival": "",
        "rival_walk": np.nan,
        "extra": np.nan,
        "reason": "",
    }


def _name_rivals(
    terms: _Terms,
    plan: Plan,
    rows: list[dict[str, Any]],
    costs: Floats,
    reduced: Floats,
    lang: Language,
) -> list[dict[str, Any]]:
    """Add the next best successor of each row and what he would cost."""
    used = {row["succession"] for row in rows if "succession" in row}
    for row in rows:
        if "succession" not in row:
            continue
        before, term = row.pop("succession")
        price = np.where(np.isfinite(costs[before, :-1]), reduced[before], np.inf)
        price[term] = np.inf
        if before >= len(terms.codes):
            price[before - len(terms.codes)] = np.inf  # a term does not follow itself
        rival = int(price.argmin()) if len(price) else -1
        if rival >= 0 and np.isfinite(price[rival]) and (before, rival) not in used:
            extra = max(float(price[rival]), 0.0)
            walk = float(terms.walk[rival, plan.grids.index.get_loc(row["grid_code"])])
            row |= {"rival": terms.ids[rival], "extra": extra, "rival_walk": walk}
            row["reason"] += _RIVAL[lang].format(rival=terms.ids[rival], extra=extra)
    return rows


def _tabulate(rows: list[dict[str, Any]]) -> pd.DataFrame:
    kinds = {"i": "int64", "f": "float64", "O": "str", "M": "datetime64[s]"}
    frame = pd.DataFrame(rows, columns=list(STAFFING.columns))
    return frame.astype({name: kinds[kind] for name, kind in STAFFING.columns.items()})
