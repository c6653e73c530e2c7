"""What changes between two plans: who gets another grid, and where."""

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from gridmap.plan import Plan, find_grids


@dataclass(frozen=True)
class PlanComparison:
    """What changes from one plan to another.

    Parameters
    ----------
    grids : DataFrame
        One row a code of either plan: ``change`` (kept, changed, new, retired), ``before`` and
        ``after`` households, ``gained`` and ``lost`` households.
    matrix : DataFrame
        Households by grid before (``old``) and after (``new``), only pairs that share any land.
    areas : GeoDataFrame
        The land that changes grid, one row for each pair of ``old`` and ``new`` code, with its
        ``households`` and ``buildings``; the most households first. ``old`` is "" where there was
        no grid.
    households, buildings : int
        How many change grid.
    """

    grids: pd.DataFrame
    matrix: pd.DataFrame
    areas: gpd.GeoDataFrame
    households: int
    buildings: int

    def to_text(self) -> str:
        """Say in a few words what changes."""
        counts = self.grids["change"].value_counts()
        kinds = ", ".join(
            f"{counts.get(kind, 0)} {kind}" for kind in ("kept", "changed", "new", "retired")
        )
        homes = f"{self.households} households in {self.buildings} buildings"
        return f"{homes} change grid; grids: {kinds}"

    def to_matrix(self) -> pd.DataFrame:
        """Return the matrix of the grids that change: old codes as rows, new as columns."""
        touched = self.grids.index[self.grids["change"] != "kept"]
        part = self.matrix[self.matrix["old"].isin(touched) | self.matrix["new"].isin(touched)]
        return part.pivot_table("households", "old", "new", "sum", fill_value=0)


def compare_plans(old: Plan, new: Plan) -> PlanComparison:
    """Compare two plans of one city.

    Parameters
    ----------
    old, new : Plan
        If both were cut into the same units they are compared unit by unit; else each unit of
        ``new`` counts for the old grid that its inner point lies in.

    Returns
    -------
    PlanComparison
        A household changes grid if its code changes, whatever the reason.
    """
    moves = new.units[["households", "buildings", "grid_code", "geometry"]].assign(
        old=_old_codes(old, new)
    )
    moved = moves[moves["grid_code"] != moves["old"]]
    matrix = moves.groupby(["old", "grid_code"])["households"].sum().reset_index()
    return PlanComparison(
        _compare_grids(old, new, moved),
        matrix.rename(columns={"grid_code": "new"}),
        _join_areas(moved),
        int(moved["households"].sum()),
        int(moved["buildings"].sum()),
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


def _old_codes(old: Plan, new: Plan) -> pd.Series:
    same = old.units.index.equals(new.units.index)
    if same and old.units.geometry.geom_equals_exact(new.units.geometry, 0).all():
        return old.units["grid_code"]
    return find_grids(new.units, old.grids).fillna("")


def _compare_grids(old: Plan, new: Plan, moved: pd.DataFrame) -> pd.DataFrame:
    codes = old.grids.index.union(new.grids.index)
    table = pd.DataFrame(
        {
            "before": old.grids["households"].reindex(codes, fill_value=0),
            "after": new.grids["households"].reindex(codes, fill_value=0),
            "gained": moved.groupby("grid_code")["households"].sum().reindex(codes, fill_value=0),
            "lost": moved.groupby("old")["households"].sum().reindex(codes, fill_value=0),
        },
        index=codes,
    ).rename_axis("grid_code")
    touched = codes.isin(moved["grid_code"]) | codes.isin(moved["old"])
    change = pd.Series("kept", index=codes, dtype="str").mask(touched, "changed")
    change = change.mask(~codes.isin(old.grids.index), "new")
    change = change.mask(~codes.isin(new.grids.index), "retired")
    return table.assign(change=change)[["change", *table.columns]]
