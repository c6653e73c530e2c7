"""A plan: which grid each unit is in, the grids with their codes, and the drawing in one call."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy
import shapely

from gridmap.adjacency import build_adjacency
from gridmap.changes import ChangeLog
from gridmap.city import City
from gridmap.codes import is_grid_code, make_codes, rank_positions
from gridmap.entrances import divide_buildings
from gridmap.errors import PlanError
from gridmap.partition import DEFAULT_STEPS, match_labels, partition_units
from gridmap.rules import Rules
from gridmap.tables import (
    ADJACENCY,
    GRIDS,
    LINEAGE,
    UNITS,
    check_table,
    empty_table,
    list_some,
)
from gridmap.targets import building_limits, find_estate_types, unit_targets
from gridmap.units import make_units
from gridmap.workload import fit_workload

Progress = Callable[[str, int, int], None]


def no_lineage() -> pd.DataFrame:
    """Return the lineage of a first plan: no code has been retired."""
    return empty_table(LINEAGE, None)


@dataclass(frozen=True)
class Plan:
    """Grids of a city: each unit in one grid, each grid in one piece and in one community.

    An edit gives a new plan; a plan never changes.

    Parameters
    ----------
    city : City
        What the plan was drawn from.
    units : GeoDataFrame
        `UNITS`, with the text column ``grid_code``.
    adjacency : DataFrame
        `ADJACENCY` of the units.
    grids : GeoDataFrame
        `GRIDS`; each shape is the union of its units, vertex for vertex.
    rules : Rules
        What it was drawn under.
    name : str
        What people call it.
    lineage : DataFrame
        `LINEAGE`: the codes that were retired and what came after them.
    log : ChangeLog
        The edits by hand: who, when, why, and what is needed to undo them.
    """

    city: City
    units: gpd.GeoDataFrame
    adjacency: pd.DataFrame
    grids: gpd.GeoDataFrame
    rules: Rules
    name: str = ""
    lineage: pd.DataFrame = field(default_factory=no_lineage)
    log: ChangeLog = field(default_factory=ChangeLog)

    @property
    def locked(self) -> list[str]:
        """The codes of the locked grids, in their order."""
        return [str(code) for code in self.grids.index[_find_locked(self.grids)]]


def draw_plan(
    city: City,
    rules: Rules | None = None,
    *,
    seed: int = 0,
    steps: int = DEFAULT_STEPS,
    grids: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Draw the grids of a city: cut it into units, join them to grids, number them.

    Buildings that are too large for a balanced grid are divided into their entrances first
    (`gridmap.entrances.divide_buildings`, ``rules.divide_above``), and the city of the plan has
    their parts.

    Parameters
    ----------
    city : City
        The city as read.
    rules : Rules, optional
        Sizes and costs; the reference city's by default.
    seed : int
        Same city, rules, seed and steps: same plan, byte for byte.
    steps : int
        Effort of the search, in steps for each unit.
    grids : int, optional
        How many grids to make of the whole city, whatever its households ask for.
    executor : Executor, optional
        Runs communities side by side; the plan is the same with any.
    progress : callable, optional
        Called as ``progress(stage, done, total)``.

    Raises
    ------
    PlanError, CodeError
        If a community would need more than 999 grids, or there can't be so many as asked for.
    """
    rules = rules or Rules()
    city, units, adjacency = _prepare(city, rules, executor, progress)
    assignment = partition_units(
        *(units, adjacency, rules),
        seed=seed,
        steps=steps,
        grids=grids,
        executor=executor,
        progress=progress,
    )
    return make_plan(city, units, adjacency, assignment, rules)


def redraw_plan(
    city: City,
    rules: Rules | None = None,
    *,
    before: Plan | None = None,
    locked: Iterable[str] = (),
    seed: int = 0,
    steps: int = DEFAULT_STEPS,
    grids: int | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Draw again from the grids that a city has, moving as few households as possible.

    Parameters
    ----------
    city : City
        With ``existing`` grids, if there is no plan ``before``; a place in none of them is free
        for all.
    rules : Rules, optional
        Sizes and costs; ``costs.moved`` is the price of a household that changes grid.
    before : Plan, optional
        The plan to start from, whatever grids the city has. Its locks hold, its names stay with
        the codes, and its retired codes stay retired; its log goes on, though what
        was edited before the redraw can't be undone after it.
    locked : iterable of str, or one
        Grids that stay as they are, besides those that are locked in ``before``.
    seed, steps, executor, progress
        As for `draw_plan`.
    grids : int, optional
        How many grids there are to be beside the locked ones. By default one more or one fewer
        is made where that is cheaper, by the same objective that pays for each household moved.

    Returns
    -------
    Plan
        A grid that goes on keeps its code where that is a code of its community; the others get
        new ones. Codes that end are in the plan's lineage with what came after them.

    Raises
    ------
    PlanError
        If the city has no existing grids, ``locked`` names another one, or there can't be so many.
    """
    if before is None and city.existing.empty:
        raise PlanError("the city has no existing grids to start from; use draw_plan")
    rules = rules or Rules()
    city, units, adjacency = _prepare(city, rules, executor, progress)
    start = find_grids(units, city.existing if before is None else before.grids)
    asked = [locked] if isinstance(locked, str) else locked
    locked = sorted({*asked, *(before.locked if before else ())})
    labels = partition_units(
        *(units, adjacency, rules),
        seed=seed,
        steps=steps,
        grids=grids,
        start=start,
        locked=locked,
        executor=executor,
        progress=progress,
    )
    kept = match_labels(labels, start, units["households"])
    used = codes_ever_given(before) if before else ()
    plan = make_plan(city, units, adjacency, labels, rules, kept=kept, used=used)
    if before is None:
        return replace(plan, lineage=_trace_lineage(start, plan, no_lineage()))
    grids = set_locks(_keep_columns(plan.grids, before.grids, ["name"]), before.locked)
    lineage = _trace_lineage(start, plan, before.lineage)
    log = before.log.close(_describe_redraw(start, plan, before))
    return replace(plan, grids=grids, lineage=lineage, log=log)


def _describe_redraw(start: pd.Series, plan: Plan, before: Plan) -> str:
    """Say for the log what a redraw started from and how much it changed."""
    moved = start.fillna("") != plan.units["grid_code"]
    homes = int(plan.units["households"][moved].sum())
    kept = len(before.grids.index.intersection(plan.grids.index))
    return (
        f"from {before.name or 'the plan before'}: {kept} of {len(before.grids)} codes go on, "
        f"{homes} households come to another grid"
    )


def find_grids(units: gpd.GeoDataFrame, grids: gpd.GeoDataFrame) -> pd.Series:
    """Return unit_id -> the grid that an inner point of the unit lies in, or missing.

    Parameters
    ----------
    units : GeoDataFrame
        `UNITS`.
    grids : GeoDataFrame
        Areas, with their codes as index. Of two that overlap the first code in order counts.
    """
    points = gpd.GeoDataFrame(geometry=units.representative_point())
    areas = grids[["geometry"]].rename_axis("found").to_crs(points.crs)
    found = gpd.sjoin(points, areas, how="left", predicate="intersects")["found"]
    return found.groupby(level=0).min().reindex(units.index).rename("grid_code")


def _prepare(
    city: City, rules: Rules, executor: Executor | None, progress: Progress | None
) -> tuple[City, gpd.GeoDataFrame, pd.DataFrame]:
    """Divide large buildings, cut the city into units and say which touch."""
    city = divide_buildings(city, building_limits(city, rules))
    units = make_units(city, executor=executor, progress=progress)
    units = _add_targets(units, city, rules)
    return city, units, build_adjacency(units, city, rules)


def _add_targets(units: gpd.GeoDataFrame, city: City, rules: Rules) -> gpd.GeoDataFrame:
    """Give units their own target where the city says the kind of estate, else leave the rules'."""
    known = find_estate_types(units, city) != ""
    if not known.any():
        return units
    return units.assign(target=unit_targets(units, city, rules).where(known))


def make_plan(
    city: City,
    units: gpd.GeoDataFrame,
    adjacency: pd.DataFrame,
    assignment: pd.Series,
    rules: Rules,
    *,
    name: str = "",
    kept: pd.Series | None = None,
    used: Iterable[str] = (),
) -> Plan:
    """Make a plan of an assignment, whoever made that: form the grids and number them.

    Parameters
    ----------
    city, units, adjacency
        The city, and what `make_units` and `build_adjacency` made of it.
    assignment : Series
        unit_id -> grid, any label. Labels become codes, numbered in each community in rows from
        north to south, west to east inside a row.
    rules : Rules
        What the plan is judged by. A workload without a target gets the city's mean.
    name : str
        What people call it.
    kept : Series, optional
        Label -> code of a grid that goes on; labels that are not in it, and those whose code is
        none of their community, get new codes after all of these.
    used : iterable of str
        Further codes that were given at any time, and are not given again.

    Raises
    ------
    PlanError
        If a unit is missing or twice, or a grid is in two communities or in two pieces.
    """
    check_table(units, UNITS)
    check_table(adjacency, ADJACENCY)
    labels = check_assignment(units, assignment)
    units, rules = fit_workload(units, rules)
    _check_grids(units, adjacency, labels)
    shapes = _form_grids(units, labels)
    own = {} if kept is None else kept.to_dict()
    given = [*used, *map(str, city.existing.index), *own.values()]
    codes = _number_grids(shapes, city, own, given)
    units = units.assign(grid_code=labels.map(codes).astype("str"))
    grids = shapes.set_index(shapes.index.map(codes).astype("str")).sort_index()
    return Plan(city, units, adjacency, _name_grids(grids, city), rules, name)


def regroup(
    plan: Plan, codes: pd.Series, *, lineage: Mapping[str, list[str]] | None = None
) -> Plan:
    """Return the plan with units in other grids; only grids that change are formed again.

    Parameters
    ----------
    plan : Plan
        The plan to start from; it is not changed.
    codes : Series
        unit_id -> 15-digit code, of every unit. Codes are kept as they are given.
    lineage : mapping of str to list of str, optional
        Codes that this retires -> the codes that follow.

    Raises
    ------
    PlanError
        If a grid would be in two communities or in two pieces.
    """
    before = plan.units["grid_code"]
    codes = check_assignment(plan.units, codes).astype("str")
    touched = set(before[codes != before]) | set(codes[codes != before])
    if not touched:
        return plan
    part = codes.isin(touched)
    _check_grids(plan.units[part], plan.adjacency, codes[part])
    formed = _name_grids(_form_grids(plan.units[part], codes[part]), plan.city)
    own = [name for name in plan.grids.columns if name not in formed.columns]
    formed = _keep_columns(formed, plan.grids, ["name", *own])
    kept = plan.grids[~plan.grids.index.isin(touched)]
    grids = pd.concat([kept, formed]).sort_index().rename_axis(GRIDS.index)
    retired = _extend_lineage(plan.lineage, lineage or {})
    return replace(plan, units=plan.units.assign(grid_code=codes), grids=grids, lineage=retired)


def make_new_codes(plan: Plan, labels: pd.Series) -> dict[object, str]:
    """Give codes to new grids of a plan: label -> the next of its community, N to S and W to E.

    Parameters
    ----------
    plan : Plan
    labels : Series
        unit_id -> new grid, any label, of the units of the new grids only.

    Raises
    ------
    CodeError
        If a community would need a serial above 999.
    """
    shapes = _form_grids(plan.units.loc[labels.index], labels)
    return _number_grids(shapes, plan.city, {}, codes_ever_given(plan))


def codes_ever_given(plan: Plan) -> list[str]:
    """Return the codes that no new grid gets.

    Those of the plan, of every grid before it, and those that an edit gave which was undone: the
    plan may have been kept and published before that.
    """
    existing = map(str, plan.city.existing.index)
    return sorted({*plan.grids.index, *plan.lineage.index, *existing, *plan.log.codes()})


def set_locks(grids: gpd.GeoDataFrame, locked: Iterable[str]) -> gpd.GeoDataFrame:
    """Return the grids with these locked and no others; without the column if there are none."""
    flags = grids.index.isin(list(locked))
    if flags.any():
        return grids.assign(locked=flags)
    return grids.drop(columns="locked", errors="ignore")


def _find_locked(grids: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    return np.asarray(grids["locked"] if "locked" in grids else np.zeros(len(grids), bool), bool)


def _keep_columns(
    formed: gpd.GeoDataFrame, before: gpd.GeoDataFrame, columns: list[str]
) -> gpd.GeoDataFrame:
    """Give grids that go on what they had in these columns; a new one is not locked."""
    known = before[columns].reindex(formed.index)
    known["name"] = known["name"].fillna(formed["name"])
    if "locked" in known:
        known["locked"] = known["locked"].eq(True)
    return formed.assign(**{name: known[name] for name in columns})


def check_assignment(units: gpd.GeoDataFrame, assignment: pd.Series) -> pd.Series:
    """Return the assignment in the order of the units, or say which units it misses.

    Raises
    ------
    PlanError
        If a unit has no grid, is named twice or does not exist.
    """
    if not assignment.index.is_unique:
        twice = assignment.index[assignment.index.duplicated()]
        raise PlanError(f"units {list_some(twice)} are assigned twice; give each unit one grid")
    missing = units.index.difference(assignment.index[assignment.notna()])
    if len(missing):
        raise PlanError(f"units {list_some(missing)} have no grid; assign every unit")
    strange = assignment.index.difference(units.index)
    if len(strange):
        raise PlanError(f"units {list_some(strange)} do not exist; assign the units of this city")
    return assignment.reindex(units.index)


def _check_grids(units: gpd.GeoDataFrame, adjacency: pd.DataFrame, labels: pd.Series) -> None:
    """Refuse a grid in two communities, zones or pieces; any shared border joins two units."""
    communities = units["community_id"].groupby(labels).nunique()
    if (communities > 1).any():
        raise PlanError(
            f"grids {list_some(communities.index[communities > 1])} lie in more than one "
            "community; a grid belongs to one"
        )
    zones = _zones_of(units).groupby(labels).nunique()
    if (zones > 1).any():
        raise PlanError(
            f"grids {list_some(zones.index[zones > 1])} join an exclusive zone with what is not "
            "in it; a zone is a grid of its own"
        )
    pieces = count_pieces(adjacency, labels)
    if (pieces > 1).any():
        apart = pieces.index[pieces > 1]
        raise PlanError(
            f"grids {list_some(apart)} are in {list_some(pieces[apart])} pieces; "
            "a grid is in one piece"
        )


def count_pieces(adjacency: pd.DataFrame, labels: pd.Series) -> pd.Series:
    """Count the pieces of each grid over the pairs given.

    Parameters
    ----------
    adjacency : DataFrame
        The pairs that join units: all that touch, or only those that are usable.
    labels : Series
        unit_id -> grid. Pairs with a unit that is not in it are passed over.

    Returns
    -------
    Series
        Grid -> number of pieces, 1 where it is connected.
    """
    first = labels.index.get_indexer(pd.Index(adjacency["unit_a"]))
    second = labels.index.get_indexer(pd.Index(adjacency["unit_b"]))
    known = (first >= 0) & (second >= 0)
    first, second = first[known], second[known]
    number, grids = pd.factorize(labels)
    same = number[first] == number[second]
    first, second = first[same], second[same]
    graph = scipy.sparse.coo_matrix(
        (np.ones(len(first), np.int8), (first, second)), (len(labels),) * 2
    )
    part = scipy.sparse.csgraph.connected_components(graph, directed=False)[1]
    pieces = pd.DataFrame({"grid": number, "part": part}).groupby("grid")["part"].nunique()
    return pd.Series(pieces.to_numpy(), index=grids)


def _form_grids(units: gpd.GeoDataFrame, labels: pd.Series) -> gpd.GeoDataFrame:
    """Return one row a label: its households, buildings, community and the union of its units."""
    groups = units.groupby(labels.to_numpy(), sort=True)
    shapes = [
        shapely.coverage_union_all(units.geometry.to_numpy()[rows])
        for rows in groups.indices.values()
    ]
    grids = groups.agg(
        {"community_id": "first", "households": "sum", "buildings": "sum"}
    ).rename_axis(GRIDS.index)
    grids["zone_id"] = _zones_of(units).groupby(labels.to_numpy(), sort=True).first()
    outlines = gpd.GeoSeries([_one_polygon(shape) for shape in shapes], grids.index, crs=units.crs)
    return gpd.GeoDataFrame(
        grids.assign(area=outlines.area, perimeter=outlines.length), geometry=outlines
    )


def _one_polygon(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the polygon of a union that is in one piece, in the same form however it was made."""
    parts = shapely.get_parts(shape)
    return shapely.normalize(parts[0] if len(parts) == 1 else shape)


def _number_grids(
    shapes: gpd.GeoDataFrame, city: City, kept: Mapping[Any, str], used: Iterable[str]
) -> dict[object, str]:
    """Give each label its code: its own, or the next in rows N to S and W to E.

    New codes come after all that are ``used``: a code in use is not given again.
    """
    codes: dict[object, str] = {}
    used = list(used)
    points = shapes.geometry.representative_point()
    bounds = shapes.geometry.bounds
    heights = bounds["maxy"] - bounds["miny"]
    for community, labels in shapes.groupby("community_id").groups.items():
        code = str(city.communities.at[community, "code"])
        own = {label: kept[label] for label in labels if is_grid_code(kept.get(label, ""), code)}
        rest = labels[~labels.isin(list(own))]
        ranks = rank_positions(points[rest].x, points[rest].y, float(heights[labels].median()))
        new = make_codes(code, ranks.tolist(), used=used)
        codes.update({**own, **dict(zip(rest, new, strict=True))})
    return codes


def _trace_lineage(start: pd.Series, plan: Plan, lineage: pd.DataFrame) -> pd.DataFrame:
    """Extend a lineage by what came after the grids of the start that the plan no longer has."""
    ended = start[start.notna() & ~start.isin(plan.grids.index)]
    after = plan.units["grid_code"].groupby(ended).agg(lambda codes: sorted(set(codes)))
    return _extend_lineage(lineage, after.to_dict())


def _name_grids(grids: gpd.GeoDataFrame, city: City) -> gpd.GeoDataFrame:
    """Name each grid after its community and serial, 小雨社区第1网格; a zone's with its own."""
    community = grids["community_id"].map(city.communities["name"])
    names = [
        f"{place}第{int(code[-3:])}{_name_type(zone, city)}"
        for code, place, zone in zip(grids.index, community, grids["zone_id"], strict=True)
    ]
    types = np.where(grids["zone_id"] != "", "exclusive", "base")
    named = grids.assign(
        name=pd.Series(names, grids.index, dtype="str"),
        grid_type=pd.Series(types, grids.index, dtype="str"),
    )
    return named[[*GRIDS.columns, "geometry"]].rename_axis(GRIDS.index)


def _name_type(zone_id: str, city: City) -> str:
    if not zone_id:
        return "网格"
    name = str(city.zones["name"].get(zone_id, ""))
    return f"专属网格（{name}）" if name else "专属网格"


def _zones_of(units: gpd.GeoDataFrame) -> pd.Series:
    """Return the exclusive zone of each unit, "" where there is none."""
    return units.get("zone_id", pd.Series("", index=units.index, dtype="str"))


def _extend_lineage(lineage: pd.DataFrame, retired: Mapping[str, list[str]]) -> pd.DataFrame:
    new = pd.DataFrame(
        {"successors": pd.Series([" ".join(codes) for codes in retired.values()], dtype="str")}
    ).set_index(pd.Index(list(retired), dtype="str", name=LINEAGE.index))
    return pd.concat([lineage, new]) if len(new) else lineage
