"""Who follows whom: a calendar of rotating cadres, over a year.

Terms are chained so that the fewest days are without a worker (`gridmap.staff.chains`). Who comes
to a post takes over what its holder was deputy of; and what no term covers is taken along by a
worker of a grid beside it, where he may carry both.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.case import check_workers_of
from gridmap.staff.chains import (
    chain_terms,
    follow_chains,
    list_kept,
    price_successions,
    swap_tails,
)
from gridmap.staff.filling import fill_gaps
from gridmap.staff.gaps import find_gaps
from gridmap.staff.reasons import Language
from gridmap.staff.successions import Year, hand_deputies_on, name_rivals, write_chain
from gridmap.staff.terms import Terms, list_terms
from gridmap.tables import STAFFING, cast_columns, check_table


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
    his term; nobody else moves. Who comes takes over what the one before him was deputy of. Days
    that no term covers are taken along by the worker of a grid beside, if he may carry both.

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
        over all grids, and ``status``: ``optimal`` where no chains of these terms leave fewer,
        before neighbours take any along; ``found`` where somebody's limit is below the largest of
        these grids, for then a term only follows one of no higher limit. ``extra`` is about the
        chains, before those who come to one community on one day were exchanged to walk less.

    Raises
    ------
    TableError, StaffError
        If a table breaks its contract, a community is not the plan's, or ``days`` is below 1.
    """
    if days < 1:
        raise StaffError(f"a rotation over {days} days: give 1 or more")
    check_table(staffing, STAFFING)
    check_workers_of(plan, cadres)
    year = Year(
        start=start,
        last=start + timedelta(days=days - 1),
        rules=rules or plan.rules,
        calendar=np.busdaycalendar(holidays=[np.datetime64(day) for day in holidays]),
        lang=lang,
    )
    terms = list_terms(plan, staffing, cadres, year.rules, year.start, year.last)
    table = _draw_calendar(plan, staffing, cadres, terms, year, kept)
    if kept is None:
        return table
    check_table(kept, STAFFING)
    # A hand-over that is kept may force others to change; then a new calendar changes less.
    fresh = _draw_calendar(plan, staffing, cadres, terms, year, None)
    return min(table, fresh, key=lambda one: _count_changes(kept, one))


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
    terms: Terms,
    year: Year,
    kept: pd.DataFrame | None,
) -> pd.DataFrame:
    """Chain the terms, write what follows from it, and let neighbours take what is left along."""
    known = set() if kept is None else list_kept(_take_primaries(kept))
    costs = price_successions(terms, year.rules, year.calendar, known, np.datetime64(year.last))
    after, reduced = chain_terms(costs)
    chains = follow_chains(len(terms.codes), after)
    swap_tails(terms, costs, chains, year.rules)
    rows = [row for at, chain in enumerate(chains) for row in write_chain(terms, at, chain, year)]
    name_rivals(terms, rows, costs, reduced, year.lang)
    old = staffing[staffing["worker_id"] != ""]
    rows = fill_gaps(plan, cadres, old, rows, year)
    deputies = old[old["role"] == "deputy"]
    rows += hand_deputies_on(terms, chains, deputies, plan.grids.index, year)
    new = pd.DataFrame(rows, columns=list(STAFFING.columns))
    table = cast_columns(pd.concat([old, new]) if rows else old, STAFFING)
    table = table.sort_values(["grid_code", "role", "starts"], ascending=[True, False, True])
    table = table.reset_index(drop=True)
    gaps = find_gaps(plan, table, year.start, year.last)
    fits = terms.limit.min(initial=10**9) >= terms.households.max(initial=0)
    status = "optimal" if fits else "found"
    table.attrs["proof"] = {"status": status, "uncovered": int(gaps["days"].sum())}
    return table
