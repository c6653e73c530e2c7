"""The branches of a plan as one value: tables that keep their contracts, figures, words."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd

from gridmap.errors import TableError
from gridmap.staff.members import COUNTS
from gridmap.tables import (
    BRANCH_COMMUNITIES,
    BRANCH_COMPOUNDS,
    BRANCH_COVERAGE,
    BRANCH_GRIDS,
    BRANCH_UNITS,
    BRANCH_VIOLATIONS,
    BRANCHES,
    GROUP_KINDS,
    GROUPS,
    Table,
    check_table,
    list_some,
)

_CONTRACTS: dict[str, Table] = {
    "branches": BRANCHES,
    "branch_grids": BRANCH_GRIDS,
    "branch_compounds": BRANCH_COMPOUNDS,
    "branch_units": BRANCH_UNITS,
    "groups": GROUPS,
    "branch_coverage": BRANCH_COVERAGE,
    "branch_communities": BRANCH_COMMUNITIES,
    "branch_violations": BRANCH_VIOLATIONS,
}


@dataclass(frozen=True)
class Branches:
    """The party branches of a plan, in tables that keep the contracts of their names.

    Parameters
    ----------
    branches : DataFrame
        `BRANCHES`: one row a branch, with its kind, members, secretary and reason.
    branch_grids, branch_compounds : DataFrame
        `BRANCH_GRIDS`, `BRANCH_COMPOUNDS`: which branch has members where, many to many.
    branch_units : DataFrame
        `BRANCH_UNITS`: the branch and group of each unit, with its building.
    groups : DataFrame
        `GROUPS`: party groups (党小组) inside branches; they are no branches.
    branch_coverage : DataFrame
        `BRANCH_COVERAGE`: one row a grid, for a map by grid_code.
    branch_communities : DataFrame
        `BRANCH_COMMUNITIES`: sums, what is suggested above the branches, and the proof.
    branch_violations : DataFrame
        `BRANCH_VIOLATIONS`: each rule that could not be kept, and where.
    """

    branches: pd.DataFrame
    branch_grids: pd.DataFrame
    branch_compounds: pd.DataFrame
    branch_units: pd.DataFrame
    groups: pd.DataFrame
    branch_coverage: pd.DataFrame
    branch_communities: pd.DataFrame
    branch_violations: pd.DataFrame

    def __post_init__(self) -> None:
        for name, table in _CONTRACTS.items():
            check_table(getattr(self, name), table)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by its name, as `gridmap.store.PlanStore.keep_staff` takes them."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_tables(cls, tables: Mapping[str, pd.DataFrame]) -> "Branches":
        """Put together what `tables` took apart; other tables are passed over.

        Raises
        ------
        TableError
            If a table is missing or breaks its contract.
        """
        missing = [name for name in _CONTRACTS if name not in tables]
        if missing:
            raise TableError(f"branches: no table {list_some(missing)}; keep all that they have")
        return cls(**{name: tables[name] for name in _CONTRACTS})

    def summarize(self) -> dict[str, Any]:
        """Return the figures: branches and groups counted apart, coverage in per cent.

        Returns
        -------
        dict
            ``branches`` and of them ``grid``, ``divided``, ``joint``; ``groups`` and of them
            ``grid_groups``, ``suggested_groups``, ``attached_groups``. A published number may mix
            branches and groups, so neither contains the other.
        """
        kinds = self.branches["kind"].value_counts()
        sorts = self.groups["kind"].value_counts()
        covered = self.branch_coverage["covered"] != "none"
        per_grid = len(self.branches) / max(len(covered), 1)
        return {
            "grids": len(covered),
            "members": int(self.branch_coverage[list(COUNTS)].sum().sum()),
            "branches": len(self.branches),
            **{kind: int(kinds.get(kind, 0)) for kind in ("grid", "divided", "joint")},
            "groups": len(self.groups),
            **{f"{kind}_groups": int(sorts.get(kind, 0)) for kind in GROUP_KINDS},
            "branches_per_grid": round(per_grid, 4),
            "coverage": round(100 * float(covered.mean()), 2) if len(covered) else 100.0,
            "secretaries": int((self.branches["secretary"] != "").sum()),
            "violations": self.branch_violations["rule"].value_counts().sort_index().to_dict(),
            "proven": bool((self.branch_communities["proof"] == "optimal").all()),
        }

    def to_text(self) -> str:
        """Say it in a few lines, and each violation."""
        facts = self.summarize()
        lines = [
            f"{facts['branches']} branches for {facts['grids']} grids "
            f"({facts['branches_per_grid']:.3f} to a grid): {facts['grid']} of one grid, "
            f"{facts['divided']} in divided grids, {facts['joint']} joint",
            f"{facts['groups']} party groups: {facts['grid_groups']} of grids in joint branches, "
            f"{facts['suggested_groups']} suggested in large ones, {facts['attached_groups']} with "
            "a branch elsewhere",
            f"coverage {facts['coverage']} %, {facts['secretaries']} secretaries, "
            + ("proven optimal" if facts["proven"] else "not proven optimal everywhere"),
        ]
        return "\n".join([*lines, *self.branch_violations["problem"]])
