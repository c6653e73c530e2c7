"""What a plan breaks, worst first, and what changes between two plans."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from gridmap.measure import base_band, measure, summarize
from gridmap.partition import Certificate, make_problem, prove
from gridmap.plan import Plan, find_grids
from gridmap.rules import Rules

#: What a reviewer makes of a finding, worst first.
LEVELS = ("forbidden", "objection", "remark")
#: Effort of a proof for each connected part: some seconds for a city.
PLAN_STEPS = 100_000


@dataclass(frozen=True)
class Objection:
    """One rule that one grid breaks.

    Parameters
    ----------
    level : str
        ``forbidden`` (it should not be published), ``objection`` (outside the hard limits) or
        ``remark`` (outside the band, or ugly).
    grid_code : str
        The grid.
    rule : str
        Short name of the rule, the same in every version.
    value, limit : float
        What the grid has, and what the rule asks.
    words : str
        The same in a sentence, with the reason where nothing better exists.
    """

    level: str
    grid_code: str
    rule: str
    value: float
    limit: float
    words: str


@dataclass(frozen=True)
class PlanCertificates:
    """How far the balance of a plan is from the best that there can be.

    Parameters
    ----------
    parts : DataFrame
        One row a connected part of a community, in the order of the units: ``community_id``,
        ``grids``, ``cost`` of its balance, ``bound`` below which no division into so many grids
        comes, ``status`` (``optimal``, ``within x %`` or ``bounded``), ``worst`` and
        ``worst_bound`` (relative deviations) and ``words``, which name a building that no redraw
        can mend.
    grids : DataFrame
        By ``grid_code``: ``deviation`` from the target (relative, signed), ``avoidable``, how much
        of it lies beyond what some grid there must deviate (0 where the part is optimal), and
        ``status`` of its part. Of a grid in pieces the part that deviates most counts.
    """

    parts: pd.DataFrame
    grids: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return both tables as lists of rows, ready for JSON."""
        return {
            "parts": self.parts.to_dict("records"),
            "grids": self.grids.reset_index().to_dict("records"),
        }

    def to_text(self, most: int = 5) -> str:
        """Count what is proven; list the worst ``most`` parts, then large buildings."""
        status = self.parts["status"].str.replace(r"within .*", "within some %", regex=True)
        counts = ", ".join(f"{count} {name}" for name, count in status.value_counts().items())
        avoidable = self.grids["avoidable"]
        lines = [
            f"proof: {counts} of {len(self.parts)}; avoidable deviation "
            f"{100 * avoidable.mean():.1f} % in the mean, {100 * avoidable.max():.1f} % at worst"
        ]
        return "\n".join([*lines, *self._list_open(most), *self._list_forced(most)])

    def _list_open(self, most: int) -> Iterator[str]:
        """List the parts that are not optimal, those first that could gain most."""
        left = self.parts[self.parts["status"] != "optimal"]
        left = left.assign(gain=left["cost"] - left["bound"]).sort_values(
            "gain", ascending=False, kind="stable"
        )
        yield from (f"  {row.community_id}  {row.words}" for row in left.head(most).itertuples())
        if len(left) > most:
            yield f"  … and {len(left) - most} more"

    def _list_forced(self, most: int) -> Iterator[str]:
        forced = self.parts[self.parts["words"].str.endswith("nothing better exists")]
        yield from (f"  {row.community_id}  {row.words}" for row in forced.head(most).itertuples())
        if len(forced) > most:
            yield f"  … and {len(forced) - most} more where nothing better exists"


@dataclass(frozen=True)
class PlanReport:
    """A plan's figures and everything in it that breaks a rule.

    Parameters
    ----------
    summary : dict
        As `summarize` gives it.
    findings : tuple of Objection
        Worst first.
    certificates : PlanCertificates, optional
        How far the plan is from the best; only where that was asked for.
    """

    summary: dict[str, Any]
    findings: tuple[Objection, ...]
    certificates: PlanCertificates | None = None

    def count(self, level: str) -> int:
        """Count the findings of a level."""
        return sum(finding.level == level for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the report for machines, ready for JSON."""
        findings = [asdict(item) for item in self.findings]
        report: dict[str, Any] = {"summary": self.summary, "findings": findings}
        if self.certificates is not None:
            report["certificates"] = self.certificates.to_dict()
        return report

    def to_text(self, most: int = 5) -> str:
        """Write the report in plain words; of each rule the worst ``most`` grids are listed."""
        figures = self.summary
        lines = [
            f"{figures['grids']} grids ({figures['exclusive']} exclusive) in "
            f"{figures['communities']} communities, "
            f"{figures['households']} households, {figures['mean']} a grid in the mean",
            f"balance: {figures['in_band']} % in the band; within 5 / 10 / 20 % of the target: "
            f"{figures['within_5']} / {figures['within_10']} / {figures['within_20']} %; "
            f"worst {figures['worst']} %",
            f"shape: {figures['border_km']} km of border between grids, compactness "
            f"{figures['compactness']}; {figures['across_main_roads']} grids across a main road, "
            f"compounds split {figures['split_compounds']} times more than they need",
        ]
        counts = ", ".join(f"{self.count(level)} {level}" for level in LEVELS)
        lines.append(f"findings: {counts}" if self.findings else "findings: none")
        lines.extend(self._list_rules(most))
        if self.certificates is not None:
            lines.append(self.certificates.to_text(most))
        return "\n".join(lines)

    def _list_rules(self, most: int) -> Iterator[str]:
        for rule in dict.fromkeys(finding.rule for finding in self.findings):
            found = [finding for finding in self.findings if finding.rule == rule]
            yield f"{found[0].level}: {rule} ({len(found)})"
            yield from (f"  {item.grid_code}  {item.words}" for item in found[:most])
            if len(found) > most:
                yield f"  … and {len(found) - most} more"


def check_plan(plan: Plan, rules: Rules | None = None, *, certify: bool = False) -> PlanReport:
    """List what a reviewer would object to, worst first.

    Parameters
    ----------
    plan : Plan
        Any plan, drawn by the engine or by hand.
    rules : Rules, optional
        What to judge by; the plan's own by default.
    certify : bool
        Also say how far the plan is from the best that there can be: `certify_plan` with its
        default effort.

    Returns
    -------
    PlanReport
        With the plan's figures under the same rules.
    """
    judged = plan if rules is None else Plan(**{**vars(plan), "rules": rules})
    measures = measure(judged)
    findings = [
        *_check_pieces(measures),
        *_check_sizes(measures, judged),
        *_check_crossings(measures),
        *_check_shapes(measures),
    ]
    worst_first = tuple(sorted(findings, key=_badness))
    return PlanReport(summarize(judged), worst_first, certify_plan(judged) if certify else None)


def _badness(finding: Objection) -> tuple[int, str, float, str]:
    """Sort by level, rule, how far beyond the limit, and grid."""
    return (
        LEVELS.index(finding.level),
        finding.rule,
        -abs(finding.value - finding.limit),
        finding.grid_code,
    )


def _check_pieces(measures: pd.DataFrame) -> Iterator[Objection]:
    for code, row in measures[measures["pieces"] > 1].iterrows():
        yield Objection(
            "forbidden",
            str(code),
            "in pieces",
            float(row["pieces"]),
            1.0,
            f"{row['name']} falls into {row['pieces']} pieces: what joins them is a river without "
            "a bridge, or a corner",
        )


def _check_sizes(measures: pd.DataFrame, plan: Plan) -> Iterator[Objection]:
    """Object to grids outside the band of their target; an exclusive grid has none to keep."""
    base = measures[measures["grid_type"] == "base"]
    low, high = base_band(base["target"], plan.rules)
    base = base.assign(low=low, high=high)
    whole = base.groupby("community_id")[["households", "target"]].sum()
    for code, row in base[~base["households"].between(low, high)].iterrows():
        level, rule, limit = _judge_size(row, plan.rules)
        reason = _explain_size(row, whole.loc[row["community_id"]])
        words = f"{row['name']} has {row['households']} households, limit {limit}{reason}"
        yield Objection(level, str(code), rule, float(row["households"]), float(limit), words)


def _judge_size(row: pd.Series, rules: Rules) -> tuple[str, str, int]:
    """Return level, rule and the limit that a grid outside the band breaks.

    The hard limits are those of a usual grid; a kind of estate with another target scales them.
    """
    scale = row["target"] / rules.target
    least = min(round(rules.hard_min * scale), row["low"])
    most = max(round(rules.hard_max * scale), row["high"])
    if row["households"] == 0:
        return "objection", "without households", int(row["low"])
    if row["households"] > most:
        return "objection", "far too many households", int(most)
    if row["households"] < least:
        return "objection", "far too few households", int(least)
    if row["households"] > row["high"]:
        return "remark", "too many households", int(row["high"])
    return "remark", "too few households", int(row["low"])


def _explain_size(row: pd.Series, community: pd.Series) -> str:
    """Say what no redraw can mend: one building too large, or a community of odd size."""
    if row["households"] > row["high"] and row["largest"] > row["high"]:
        return f"; one building alone has {row['largest']}"
    if row["households"] < row["low"] and community["households"] < row["low"]:
        return f"; its whole community has only {community['households']:.0f}"
    share = community["households"] / community["target"] * row["target"]
    if not row["low"] <= share <= row["high"]:
        grids = round(community["target"] / row["target"])
        return f"; its community has {community['households']:.0f} for {grids} grids"
    return ""


def _check_crossings(measures: pd.DataFrame) -> Iterator[Objection]:
    for column, rule in (
        ("rivers", "across a river"),
        ("railways", "across a railway"),
        ("main_roads", "across a main road"),
    ):
        for code, row in measures[measures[column] > 0].iterrows():
            metres = float(row[column])
            words = f"{row['name']} lies {rule}, joined along {metres:.0f} m of it"
            yield Objection("remark", str(code), rule, round(metres, 1), 0.0, words)


def _check_shapes(measures: pd.DataFrame, least: float = 0.15) -> Iterator[Objection]:
    """Remark on grids so long or ragged that walking them is no round (Polsby-Popper)."""
    for code, row in measures[measures["compactness"] < least].iterrows():
        value = round(float(row["compactness"]), 3)
        words = f"{row['name']} is long or ragged: compactness {value}, usual 0.3 to 0.8"
        yield Objection("remark", str(code), "ragged", value, least, words)


def certify_plan(
    plan: Plan,
    *,
    steps: int = PLAN_STEPS,
    executor: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> PlanCertificates:
    """Say for each community and grid how far its balance is from the best that there can be.

    Parameters
    ----------
    plan : Plan
        Any plan, drawn by the engine or by hand. An exclusive zone is one grid of any size.
    steps : int
        Effort for each connected part of a community; 0 gives a bound in a second or two for a
        whole city, 4,000,000 proves most communities of up to 64 units, in up to a second each.
    executor : Executor, optional
        Runs parts side by side; the answer is the same with any.
    progress : callable, optional
        Called as ``progress("prove", units done, units)``.

    Returns
    -------
    PlanCertificates
    """
    problem = make_problem(plan.units, plan.adjacency)
    labels = plan.grids.index.get_indexer(plan.units["grid_code"])
    found = prove(problem, labels, plan.rules, steps=steps, executor=executor, progress=progress)
    communities = plan.units["community_id"].to_numpy()
    return PlanCertificates(_table_parts(found, communities), _table_grids(found, plan.grids.index))


def prove_plan(
    plan: Plan,
    *,
    steps: int = PLAN_STEPS,
    executor: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> pd.DataFrame:
    """Say for each community how far its balance is from the best that there can be.

    Parameters
    ----------
    plan, steps, executor, progress
        As for `certify_plan`.

    Returns
    -------
    DataFrame
        The ``parts`` of `PlanCertificates`.
    """
    return certify_plan(plan, steps=steps, executor=executor, progress=progress).parts


def _table_parts(found: list[Certificate], communities: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "community_id": [communities[part.units[0]] for part in found],
            "grids": [len(part.grids) for part in found],
            "cost": [part.cost for part in found],
            "bound": [part.bound for part in found],
            "status": [part.status for part in found],
            "worst": [part.worst for part in found],
            "worst_bound": [part.worst_bound for part in found],
            "words": [part.to_text() for part in found],
        }
    )


def _table_grids(found: list[Certificate], codes: pd.Index) -> pd.DataFrame:
    rows = pd.DataFrame(
        [
            (codes[grid], deviation, avoidable, part.status)
            for part in found
            for grid, deviation, avoidable in zip(
                part.grids, part.deviation, part.avoidable, strict=True
            )
        ],
        columns=["grid_code", "deviation", "avoidable", "status"],
    )
    worst = rows["deviation"].abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[worst].drop_duplicates("grid_code").set_index("grid_code").reindex(codes)


@dataclass(frozen=True)
class PlanComparison:
    """What changes from one plan to another.

    Parameters
    ----------
    grids : DataFrame
        One row a code of either plan: ``change`` (kept, changed, new, retired), ``before`` and
        ``after`` households, ``gained`` and ``lost`` households.
    matrix : DataFrame
        Households by old grid (rows) and new grid (columns), only pairs that share any.
    households, buildings : int
        How many change grid.
    """

    grids: pd.DataFrame
    matrix: pd.DataFrame
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
    moves = new.units[["households", "buildings", "grid_code"]].assign(old=_old_codes(old, new))
    moved = moves[moves["grid_code"] != moves["old"]]
    matrix = moves.groupby(["old", "grid_code"])["households"].sum().reset_index()
    return PlanComparison(
        _compare_grids(old, new, moved),
        matrix.rename(columns={"grid_code": "new"}),
        int(moved["households"].sum()),
        int(moved["buildings"].sum()),
    )


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
