"""Service stations: how few reach every home on foot, or how many homes some of them reach.

Location set covering, maximal covering (Church and ReVelle) and the p-median (Hakimi) through
spopt, on walking distances.
Homes that the same places reach count as one, which changes nothing but the size of the programme.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.rules import Rules
from gridmap.staff.walking import make_walk_net
from gridmap.tables import STATIONS, check_table, list_some

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Homes × places that one p-median programme is made of; beyond, the homes of a grid are one.
_MOST_PAIRS = 40_000


@dataclass(frozen=True)
class Siting:
    """Stations, and who reaches which.

    Parameters
    ----------
    stations : GeoDataFrame
        `STATIONS`, the existing ones and those chosen, with ``existing`` (true or false),
        ``households`` that have no nearer one and reach it in time, and the ``farthest`` of these
        (m).
    homes : GeoDataFrame
        Each building with households: ``households``, the nearest ``station_id`` of the stations,
        ``walk`` to it (m) and whether it is ``covered`` in time; its point.
    minutes : float
        The time on foot.
    proof : str
        ``optimal``: no choice needs fewer stations, covers more households, or lets them walk less;
        ``optimal by grid``: none does if the homes of a grid all go to one station, as they do
        where homes and places are too many for one programme.
    """

    stations: gpd.GeoDataFrame
    homes: gpd.GeoDataFrame
    minutes: float
    proof: str

    @property
    def covered(self) -> int:
        """Households that reach a station in time."""
        return int(self.homes.loc[self.homes["covered"], "households"].sum())

    @property
    def uncovered(self) -> gpd.GeoDataFrame:
        """The homes that reach none in time, most households first."""
        return self.homes[~self.homes["covered"]].sort_values("households", ascending=False)

    @property
    def mean_walk(self) -> float:
        """Metres from a household to its nearest station, on average; NaN without a station."""
        total = int(self.homes["households"].sum())
        return float((self.homes["walk"] * self.homes["households"]).sum(skipna=False)) / max(
            total, 1
        )

    def to_text(self) -> str:
        """Say in a few lines what was chosen and what is not covered."""
        total = int(self.homes["households"].sum())
        old = int(self.stations["existing"].sum())
        share = self.covered / total if total else 1.0
        return (
            f"{len(self.stations)} stations ({old} existing), {self.proof}: {self.covered:,} of "
            f"{total:,} households ({share:.1%}) within {self.minutes:g} minutes on foot; "
            f"{total - self.covered:,} are not; {self.mean_walk:,.0f} m to the nearest on average"
        )


def site_stations(
    plan: Plan,
    candidates: gpd.GeoDataFrame,
    *,
    minutes: float = 15.0,
    number: int | None = None,
    aim: Literal["cover", "walk"] = "cover",
    existing: gpd.GeoDataFrame | None = None,
    rules: Rules | None = None,
) -> Siting:
    """Choose places for stations within a time on foot of the homes.

    Parameters
    ----------
    plan : Plan
        Its city's buildings are the demand, its streets the ways.
    candidates : GeoDataFrame
        `STATIONS` in the CRS of the plan: where one could be.
    minutes : float
        On foot at the rules' ``staffing.speed``.
    number : int, optional
        How many new ones. By default the least number that reaches every home that any candidate
        reaches (location set covering).
    aim : {"cover", "walk"}
        With a number: those that most households reach in time (maximal covering), or those to
        which all households together walk least, whatever the time (p-median).
    existing : GeoDataFrame, optional
        `STATIONS` that stay; what they reach needs no new one.
    rules : Rules, optional
        The plan's by default.

    Returns
    -------
    Siting
        Homes that no place reaches in time are in ``uncovered``.

    Raises
    ------
    TableError
        If a table breaks its contract.
    StaffError
        If the CRS differ, an id stands in both tables, a number is out of range, or spopt is not
        installed (``pip install gridmap[staff]``).
    """
    rules = rules or plan.rules
    old = existing if existing is not None else candidates.iloc[:0]
    _check_places(plan, candidates, old, minutes, number)
    _check_aim(aim, number)
    homes = _list_homes(plan)
    places = pd.concat([old[["name", "geometry"]], candidates[["name", "geometry"]]])
    net = make_walk_net(plan)
    walk, _ = net.measure(places.geometry.to_numpy(), homes.geometry.to_numpy())
    reach = walk <= minutes * rules.staffing.speed * 1000 / 60
    if aim == "walk":
        chosen, proof = _walk_least(plan, homes, walk, len(old), number or 0)
        kept = np.concatenate([np.arange(len(old)), len(old) + chosen])
        return _put_together(places, homes, walk, reach, kept, len(old), minutes, proof)
    open_homes = ~reach[: len(old)].any(axis=0) & reach[len(old) :].any(axis=0)
    cover, weights = _merge_homes(
        reach[len(old) :, open_homes].T, homes["households"].to_numpy()[open_homes]
    )
    chosen, solved = _choose_places(cover, weights, number)
    kept = np.concatenate([np.arange(len(old)), len(old) + chosen])
    proof = "optimal" if solved else "not solved to the end"
    return _put_together(places, homes, walk, reach, kept, len(old), minutes, proof)


def _check_places(
    plan: Plan,
    candidates: gpd.GeoDataFrame,
    existing: gpd.GeoDataFrame,
    minutes: float,
    number: int | None,
) -> None:
    for frame in (candidates, existing):
        check_table(frame, STATIONS)
        if frame.crs != plan.grids.crs:
            raise StaffError(f"stations: CRS {frame.crs} is not that of the plan")
    both = candidates.index.intersection(existing.index)
    if len(both):
        raise StaffError(f"stations {list_some(both)} are candidates and existing; name them apart")
    if not minutes > 0:
        raise StaffError(f"{minutes} minutes on foot: give more than 0")
    if number is not None and not 0 <= number <= len(candidates):
        raise StaffError(f"{number} new stations: give 0 to {len(candidates)}, the candidates")


def _check_aim(aim: str, number: int | None) -> None:
    if aim not in ("cover", "walk"):
        raise StaffError(f"aim is {aim!r}; choose 'cover' or 'walk'")
    if aim == "walk" and number is None:
        raise StaffError("to walk least a number of new stations is needed: every one more helps")


def _walk_least(
    plan: Plan, homes: gpd.GeoDataFrame, walk: Floats, old: int, number: int
) -> tuple[Ints, str]:
    """Return the candidates to which households walk least, the existing stations given."""
    if number == 0 or not len(homes):
        return np.empty(0, np.int64), "optimal"
    ways, weights = walk.T, homes["households"].to_numpy(float)
    by_grid = ways.size > _MOST_PAIRS
    if by_grid:
        ways, weights = _merge_by_grid(plan, homes, ways, weights)
    if old:  # all that stay are one: the nearest of them
        ways = np.column_stack([ways[:, :old].min(axis=1), ways[:, old:]])
    locate, pulp = _load_solver()
    fixed = np.r_[1, np.zeros(ways.shape[1] - 1, np.int64)] if old else None
    with warnings.catch_warnings():  # spopt builds on calls that PuLP 4 renames
        warnings.simplefilter("ignore", DeprecationWarning)
        model = locate.PMedian.from_cost_matrix(
            ways, weights, p_facilities=number + bool(old), predefined_facilities_arr=fixed
        )
        model = model.solve(pulp.PULP_CBC_CMD(msg=False, threads=1), results=False)
    taken = [at - bool(old) for at, place in enumerate(model.fac_vars) if place.value() > 0.5]
    solved = model.problem.status == pulp.LpStatusOptimal
    proof = ("optimal by grid" if by_grid else "optimal") if solved else "not solved to the end"
    return np.array([at for at in taken if at >= 0], np.int64), proof


def _merge_by_grid(
    plan: Plan, homes: gpd.GeoDataFrame, ways: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    """Merge the homes of each grid; the way of a grid is the average of its households'."""
    units = plan.units[plan.units["building_id"] != ""].drop_duplicates("building_id")
    code = units.set_index("building_id")["grid_code"].reindex(homes.index).fillna("")
    number = pd.factorize(code)[0]
    total = np.bincount(number, weights)
    merged = np.zeros((len(total), ways.shape[1]))
    np.add.at(merged, number, ways * weights[:, None])
    return merged / total[:, None], total.astype(float)


def _list_homes(plan: Plan) -> gpd.GeoDataFrame:
    buildings = plan.city.buildings
    homes = buildings.loc[buildings["households"] > 0, ["households", "geometry"]]
    return homes.set_geometry(homes.representative_point())


def _merge_homes(reach: Flags, households: Ints) -> tuple[Flags, Ints]:
    """Merge homes that the same places reach; households add up."""
    if not len(reach):
        return reach, households
    cover, place = np.unique(reach, axis=0, return_inverse=True)
    weights = np.bincount(place.ravel(), households, len(cover))
    return cover, weights.astype(np.int64)


def _choose_places(cover: Flags, weights: Ints, number: int | None) -> tuple[Ints, bool]:
    """Return the places chosen (positions of candidates), and whether that is optimal."""
    if not len(cover) or number == 0:
        return np.empty(0, np.int64), True
    locate, pulp = _load_solver()
    far = (~cover).astype(float)  # 0 is within the radius, 1 is not
    with warnings.catch_warnings():  # spopt builds on calls that PuLP 4 renames
        warnings.simplefilter("ignore", DeprecationWarning)
        solver = pulp.PULP_CBC_CMD(msg=False, threads=1)
        if number is None:
            model = locate.LSCP.from_cost_matrix(far, 0.5)
        else:
            model = locate.MCLP.from_cost_matrix(far, weights, 0.5, p_facilities=number)
        model = model.solve(solver, results=False)
    taken = [at for at, place in enumerate(model.fac_vars) if place.value() > 0.5]
    return np.array(taken, np.int64), model.problem.status == pulp.LpStatusOptimal


def _load_solver() -> tuple[Any, Any]:
    try:
        import pulp
        from spopt import locate
    except ImportError as error:
        raise StaffError("stations are chosen by spopt: pip install gridmap[staff]") from error
    return locate, pulp


def _put_together(
    places: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    walk: Floats,
    reach: Flags,
    kept: Ints,
    old: int,
    minutes: float,
    proof: str,
) -> Siting:
    """Give each home its nearest station, and count."""
    stations = places.iloc[kept].rename_axis(STATIONS.index)
    stations = stations.assign(existing=kept < old)
    if len(kept):
        nearest = walk[kept].argmin(axis=0)
        columns = np.arange(len(homes))
        homes = homes.assign(
            station_id=pd.Series(
                stations.index.to_numpy(object)[nearest], homes.index, dtype="str"
            ),
            walk=walk[kept[nearest], columns],
            covered=reach[kept[nearest], columns],
        )
    else:
        homes = homes.assign(station_id="", walk=np.nan, covered=False)
    inside = homes[homes["covered"]].groupby("station_id")
    stations["households"] = (
        inside["households"].sum().reindex(stations.index, fill_value=0).astype("int64")
    )
    stations["farthest"] = inside["walk"].max().reindex(stations.index)
    return Siting(stations, homes, minutes, proof)
