"""What changes between two plans: who gets another grid, where, and whose work it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import pandas as pd
import shapely

from gridmap.affected import list_affected_branches, list_affected_workers
from gridmap.days import today_in_china
from gridmap.partition import relate_labels
from gridmap.plan import Plan, find_grids


@dataclass(frozen=True)
class PlanComparison:
    """What changes from one plan to another.

    Parameters
    ----------
    grids : DataFrame
        One row a code of either plan: ``change`` (kept, changed, new, retired), ``before`` and
        ``after`` households, ``gained`` and ``lost`` households, and ``relation``, what became of
        the units of an old grid: U, S, M or X as in `gridmap.partition.relate_labels`; "" for a
        new one.
    matrix : DataFrame
        Households by grid before (``old``) and after (``new``), only pairs that share any land.
    areas : GeoDataFrame
        The land that changes grid, one row for each pair of ``old`` and ``new`` code, with its
        ``households`` and ``buildings``; the most households first. ``old`` is "" where there was
        no grid.
    households, buildings : int
        How many change grid.
    workers : DataFrame
        Who serves a grid that changes, see `gridmap.affected.list_affected_workers`; empty where
        no staff was given.
    branches : DataFrame
        The branches of grids that change, see `gridmap.affected.list_affected_branches`.
    """

    grids: pd.DataFrame
    matrix: pd.DataFrame
    areas: gpd.GeoDataFrame
    households: int
    buildings: int
    workers: pd.DataFrame
    branches: pd.DataFrame

    def to_text(self) -> str:
        """Say in a few words what changes."""
        counts = self.grids["change"].value_counts()
        kinds = ", ".join(
            f"{counts.get(kind, 0)} {kind}" for kind in ("kept", "changed", "new", "retired")
        )
        homes = f"{self.households} households in {self.buildings} buildings"
        return f"{homes} change grid; grids: {kinds}{self._tell_staff()}"

    def _tell_staff(self) -> str:
        """Say how many workers and branches are concerned, where there are any."""
        if self.workers.empty and self.branches.empty:
            return ""
        over = int(self.workers["over"].sum())
        beyond = f" ({over} beyond their limit)" if over else ""
        return f"; {len(self.workers)} workers{beyond} and {len(self.branches)} branches affected"

    def list_changed(self) -> pd.DataFrame:
        """Return the rows of the grids that are not kept as they are."""
        return self.grids[self.grids["change"] != "kept"]

    def to_matrix(self) -> pd.DataFrame:
        """Return the matrix of the grids that change: old codes as rows, new as columns."""
        touched = self.list_changed().index
        part = self.matrix[self.matrix["old"].isin(touched) | self.matrix["new"].isin(touched)]
        return part.pivot_table("households", "old", "new", "sum", fill_value=0)


def compare_plans(
    old: Plan,
    new: Plan,
    *,
    staff: Mapping[str, pd.DataFrame] | None = None,
    on: date | None = None,
) -> PlanComparison:
    """Compare two plans of one city.

    Parameters
    ----------
    old, new : Plan
        If both were cut into the same units they are compared unit by unit; else each unit of
        ``new`` counts for the old grid that its inner point lies in.
    staff : mapping of str to DataFrame, optional
        Who serves the grids of ``old``, as `gridmap.PlanStore.staff` gives it: then the workers
        and branches of grids that change are listed too.
    on : date, optional
        The day whose duties count; today by default.

    Returns
    -------
    PlanComparison
        A household changes grid if its code changes, whatever the reason.

    Raises
    ------
    TableError
        If a table of the staff breaks its contract.
    """
    moves = new.units[["households", "buildings", "grid_code", "geometry"]].assign(
        old=_codes_in(old, new)
    )
    moved = moves[moves["grid_code"] != moves["old"]]
    matrix = moves.groupby(["old", "grid_code"])["households"].sum().reset_index()
    relation = relate_labels(moves["grid_code"], moves["old"].where(moves["old"] != ""))
    grids = _compare_grids(old, new, moved, relation)
    left = old.units.index[_codes_in(new, old) != old.units["grid_code"]] if staff else pd.Index([])
    return PlanComparison(
        grids,
        matrix.rename(columns={"grid_code": "new"}),
        _join_areas(moved),
        int(moved["households"].sum()),
        int(moved["buildings"].sum()),
        list_affected_workers(grids, staff or {}, on or today_in_china()),
        list_affected_branches(grids, staff or {}, left),
    )


def _join_areas(moved: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join the units that change grid by the pair of grids."""
    moved = moved.rename(columns={"grid_code": "new"})
    groups = moved.groupby(["old", "new"])
    counts = groups[["households", "buildings"]].sum().reset_index()
    units = moved.geometry.to_numpy()
    shapes = [shapely.coverage_union_all(units[rows]) for rows in groups.indices.values()]
    areas = gpd.GeoDataFrame(counts, geometry=gpd.GeoSeries(shapes, crs=moved.crs), crs=moved.crs)
    order = ["households", "old", "new"]
    return areas.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _codes_in(plan: Plan, other: Plan) -> pd.Series:
    """Return the grid of ``plan`` that each unit of the other one lies in, or ""."""
    same = plan.units.index.equals(other.units.index)
    if same and plan.units.geometry.geom_equals_exact(other.units.geometry, 0).all():
        return plan.units["grid_code"]
    return find_grids(other.units, plan.grids).fillna("")


def _compare_grids(old: Plan, new: Plan, moved: pd.DataFrame, relation: pd.Series) -> pd.DataFrame:
    codes = old.grids.index.union(new.grids.index)
    table = pd.DataFrame(
        {
            "before": old.grids["households"].reindex(codes, fill_value=0),
            "after": new.grids["households"].reindex(codes, fill_value=0),
            "gained": moved.groupby("grid_code")["households"].sum().reindex(codes, fill_value=0),
            "lost": moved.groupby("old")["households"].sum().reindex(codes, fill_value=0),
            "relation": relation.reindex(codes, fill_value=""),
        },
        index=codes,
    ).rename_axis("grid_code")
    touched = codes.isin(moved["grid_code"]) | codes.isin(moved["old"])
    change = pd.Series("kept", index=codes, dtype="str").mask(touched, "changed")
    change = change.mask(~codes.isin(old.grids.index), "new")
    change = change.mask(~codes.isin(new.grids.index), "retired")
    return table.assign(change=change)[["change", *table.columns]]
