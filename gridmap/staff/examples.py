"""Workers like those of the reference city, from a seed; nobody's name, home or phone.

The reference city has 2,157 grids, more than 1,500 community workers and 620 rotating cadres: 0.98
workers to a grid, so that at least 37 grids have none until others are recruited.
"""

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.tables import WORKERS, cast_columns

Ints = npt.NDArray[np.int64]

#: Workers to a grid in the reference city.
_COMMUNITY_WORKERS, _CADRES = 1500 / 2157, 620 / 2157
_CADRES_IN_A_UNIT = 12
_AT_HOME = 0.75  # share of community workers who live in their community
_UNITS = (
    "财政局",
    "教育局",
    "民政局",
    "水利局",
    "审计局",
    "统计局",
    "商务局",
    "交通局",
    "供电公司",
)
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡林郭何高罗"
_GIVEN = "文明华国平安宁建新春秋晓玉兰芳林海江山云雪晨阳志远思敏佳怡子涵一诺"
_SKILLS = ("调解", "应急救护", "法律", "手语", "计算机", "驾驶")


def make_workers(
    plan: Plan,
    *,
    community_workers: int | None = None,
    cadres: int | None = None,
    recruits: int = 0,
    part_timers: int = 0,
    year: int = 2025,
    seed: int = 0,
) -> gpd.GeoDataFrame:
    """Make workers for a plan, as many to a grid as the reference city has.

    Parameters
    ----------
    plan : Plan
        Community workers are spread over its communities by their grids; three of four live in
        their community. Cadres come from offices of a dozen each and are sent to the communities
        that have fewest workers to a grid.
    community_workers, cadres : int, optional
        How many; by default 1,500 and 620 to 2,157 grids.
    recruits, part_timers : int
        Others, who belong to no community and to theirs.
    year : int
        Cadres serve from its first day to its last, the others without end.
    seed : int
        The same seed gives the same workers on any machine.

    Returns
    -------
    GeoDataFrame
        `WORKERS` in the CRS of the plan.

    Raises
    ------
    StaffError
        If a number is below 0.
    """
    grids = len(plan.grids)
    numbers = {
        "community": round(grids * _COMMUNITY_WORKERS) if community_workers is None else
        community_workers,
        "cadre": round(grids * _CADRES) if cadres is None else cadres,
        "recruit": recruits,
        "part_time": part_timers,
    }  # fmt: skip
    if min(numbers.values()) < 0:
        raise StaffError(f"numbers of workers {numbers}: each is 0 or more")
    rng = np.random.default_rng([seed, grids, 2])
    need = plan.grids.groupby("community_id").size()
    settled = _share_out(numbers["community"], need)
    sent = _share_out(numbers["cadre"], (need - settled).clip(lower=0) + 1e-6 * need)
    helpers = _share_out(numbers["part_time"], need)
    parts = [
        _make_kind(plan, rng, "community", np.repeat(need.index, settled), year),
        _make_kind(plan, rng, "cadre", np.repeat(need.index, sent), year),
        _make_kind(plan, rng, "recruit", np.full(recruits, ""), year),
        _make_kind(plan, rng, "part_time", np.repeat(need.index, helpers), year),
    ]
    return gpd.GeoDataFrame(pd.concat(parts), crs=plan.grids.crs).rename_axis(WORKERS.index)


def _share_out(number: int, weight: pd.Series) -> Ints:
    """Share a number out by weight, in whole parts with the largest remainders first."""
    exact = number * weight.to_numpy(float) / max(weight.sum(), 1e-9)
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: number - parts.sum()]] += 1
    return parts


def _make_kind(
    plan: Plan, rng: np.random.Generator, kind: str, communities: Any, year: int
) -> gpd.GeoDataFrame:
    """Make the workers of one kind, one for each community named."""
    n, staffing = len(communities), plan.rules.staffing
    points, units = _place_kind(plan, rng, kind, communities)
    usual = staffing.target_households // (2 if kind == "part_time" else 1)
    letter = {"community": "S", "cadre": "K", "recruit": "Z", "part_time": "J"}[kind]
    ids = pd.Index([f"{letter}{at:04d}" for at in range(1, n + 1)], dtype="str")
    ends = pd.Timestamp(date(year, 12, 31)) if kind == "cadre" else pd.NaT
    columns = {
        "name": _name_people(rng, n),
        "kind": kind,
        "community_id": communities,
        "party": rng.choice(["full", "probationary", ""], n, p=_MEMBERS[kind]),
        "skills": np.where(rng.random(n) < 0.3, rng.choice(_SKILLS, n), ""),
        "phone": [f"0417-{number}" for number in rng.integers(2_000_000, 4_999_999, n)],
        "capacity": usual,
        "limit": staffing.limit_of(usual),
        "days": 5.0 if kind != "part_time" else 3.0,
        "home_unit": units,
        "person": ids,
        "starts": pd.Series(pd.Timestamp(date(year, 1, 1)), ids, dtype="datetime64[s]"),
        "ends": pd.Series(ends, ids, dtype="datetime64[s]"),
    }
    frame = cast_columns(pd.DataFrame(columns, ids), WORKERS)
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(points, ids, crs=plan.grids.crs))


#: Full members, probationary members and others among workers of a kind.
_MEMBERS = {
    "community": (0.45, 0.05, 0.5),
    "cadre": (0.8, 0.05, 0.15),
    "recruit": (0.3, 0.1, 0.6),
    "part_time": (0.4, 0.0, 0.6),
}


def _place_kind(
    plan: Plan, rng: np.random.Generator, kind: str, communities: Any
) -> tuple[Any, Any]:
    """Return homes, or for cadres their offices, and the units that these belong to."""
    buildings = plan.city.buildings
    points = buildings.geometry.representative_point().to_numpy()
    homes = np.flatnonzero((buildings["households"] > 0).to_numpy())
    anywhere = rng.choice(homes, len(communities))
    if kind == "cadre":
        offices = rng.choice(homes, -(-len(communities) // _CADRES_IN_A_UNIT))
        unit = rng.integers(0, max(len(offices), 1), len(communities))
        names = [_UNITS[at % len(_UNITS)] + _number_unit(at // len(_UNITS)) for at in unit]
        return points[offices[unit]] if len(offices) else points[:0], names
    of = buildings["community_id"].to_numpy()[homes]
    near = {name: homes[of == name] for name in np.unique(communities)}
    local = [rng.choice(near[name]) if len(near[name]) else other
             for name, other in zip(communities, anywhere, strict=True)]  # fmt: skip
    stays = rng.random(len(communities)) < _AT_HOME
    return points[np.where(stays, np.array(local, np.int64), anywhere)], ""


def _number_unit(number: int) -> str:
    return f"第{number}分局" if number else ""


def _name_people(rng: np.random.Generator, n: int) -> list[str]:
    first, given = rng.choice(list(_SURNAMES), n), rng.choice(list(_GIVEN), (n, 2))
    return ["".join((surname, *names)) for surname, names in zip(first, given, strict=True)]
