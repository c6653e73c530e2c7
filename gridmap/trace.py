"""Which grid was it then: codes and places through the plans that were in force."""

from datetime import date

import pandas as pd

from gridmap.compare import compare_plans
from gridmap.errors import PlanNotFoundError
from gridmap.locate import Owner
from gridmap.store import PlanStore


def list_periods(store: PlanStore) -> pd.DataFrame:
    """List which plan is in force when, the earliest first.

    Returns
    -------
    DataFrame
        ``plan``, ``valid_from`` and ``valid_to``, both days included; ``valid_to`` is empty for
        the plan that stays in force. A publication that another one for the same day replaced is
        in none of the periods.
    """
    record = store.publications().drop_duplicates("valid_from", keep="last")
    record = record.sort_values("valid_from", ignore_index=True)[["plan", "valid_from"]]
    record = record[record["plan"] != record["plan"].shift()].reset_index(drop=True)
    ends = record["valid_from"].shift(-1) - pd.Timedelta(days=1)
    return record.assign(valid_to=ends)


def locate_on(store: PlanStore, lon: float, lat: float, *, on: date, datum: str = "wgs84") -> Owner:
    """Find the grid that owned a place on a day.

    Parameters
    ----------
    store : PlanStore
        The plans.
    lon, lat : float
        Degrees, read in ``datum``.
    on : date
        The day; also one to come, if a plan is published for it.
    datum : str
        One of `gridmap.datum.DATUMS`.

    Raises
    ------
    PlanNotFoundError
        If no plan was in force on that day.
    DatumError
        If the position is none.
    """
    return store.locator(store.name_in_force(on)).locate(lon, lat, datum=datum)


def trace_code(store: PlanStore, code: str) -> pd.DataFrame:
    """Say when a code was in force, from which grids it came and what came after it.

    Parameters
    ----------
    store : PlanStore
        The plans.
    code : str
        A code of any plan that was ever published.

    Returns
    -------
    DataFrame
        One row for each period in which a plan with the code is in force: ``plan``,
        ``valid_from``, ``valid_to`` (the last day; empty if it goes on), ``name``, ``households``,
        and the grids whose households it took over from the plan before, and gave to the next,
        separated by spaces, the most households first: ``predecessors`` and ``successors``. A grid
        that nobody lives in has those that it shares land with. Both are "" where no plan was in
        force before or after.

    Raises
    ------
    PlanNotFoundError
        If no published plan has the code.
    """
    periods = list_periods(store)
    grids = {name: store.load_grids(name) for name in sorted(set(periods["plan"]))}
    found = [place for place, name in enumerate(periods["plan"]) if code in grids[name].index]
    if not found:
        raise PlanNotFoundError(f"no published plan of {store.folder} has a grid {code}")
    rows = periods.iloc[found].reset_index(drop=True)
    own = [grids[name].loc[code] for name in rows["plan"]]
    return rows.assign(
        name=[row["name"] for row in own],
        households=[int(row["households"]) for row in own],
        predecessors=[_find_related(store, periods, place - 1, "new", code) for place in found],
        successors=[_find_related(store, periods, place, "old", code) for place in found],
    )


def _find_related(store: PlanStore, periods: pd.DataFrame, place: int, side: str, code: str) -> str:
    """Name the grids that share households with a code over the change after a period."""
    if not 0 <= place < len(periods) - 1:
        return ""
    old, new = (store.load(name) for name in periods["plan"].iloc[place : place + 2])
    matrix = compare_plans(old, new).matrix
    other = "old" if side == "new" else "new"
    related = matrix[(matrix[side] == code) & (matrix[other] != "")]
    related = related.sort_values(["households", other], ascending=[False, True])
    lived = related[related["households"] > 0]
    return " ".join((lived if len(lived) else related)[other])
