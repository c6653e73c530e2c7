"""What a reviewer objects to in a plan: the list, worst first, and the report that holds it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from gridmap.judge import LEVELS, Figures, Verdict, judge_grid
from gridmap.measure import measure, summarize
from gridmap.partition import make_problem
from gridmap.plan import Plan
from gridmap.rules import Rules, band_ends


@dataclass(frozen=True)
class Fix:
    """One step that mends a finding, see `gridmap.fixes`.

    Parameters
    ----------
    kind : str
        ``move`` units to a neighbour, ``join`` a loose piece to the grid that it touches, ``merge``
        a grid into a neighbour, or ``rebalance`` it with neighbours.
    moves : tuple of (int, str)
        The units that move, in order, and the grid that each comes to.
    households : int
        How many households change grid.
    words : str
        The same in a sentence.
    """

    kind: str
    moves: tuple[tuple[int, str], ...]
    households: int
    words: str


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
    fix : Fix, optional
        What mends it in one step, where `gridmap.fixes.find_fixes` looked for it and found one.
    """

    level: str
    grid_code: str
    rule: str
    value: float
    limit: float
    words: str
    fix: Fix | None = None


#: How statuses with figures are counted.
_STATUSES = {r"within .*": "within some %", r"optimal for .*": "optimal for the number of grids"}


@dataclass(frozen=True)
class PlanCertificates:
    """How far the balance of a plan is from the best that there can be.

    Parameters
    ----------
    parts : DataFrame
        One row a connected part of a community, in the order of the units: ``community_id``,
        ``grids``, ``cost`` of its balance, ``bound`` below which no division into so many grids
        comes, ``least`` below which none comes with any number of grids, ``other_grids``, another
        number that is or may be more even (0 for none), ``status`` (``optimal``, ``optimal for 3
        grids`` where another number may be better, ``within x %`` or ``bounded``), ``worst`` and
        ``worst_bound`` (relative deviations) and ``words``, which say what could be saved, and
        name a building that no redraw can mend.
    grids : DataFrame
        By ``grid_code``: ``deviation`` from the target (relative, signed), ``avoidable``, how much
        of it the grid of the same rank has less in the best division known (0 where the part is
        optimal; beside the least uneven loads where no better division is known), and ``status``
        of its part. Of a grid in pieces the part that deviates most counts.
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
        status = self.parts["status"].replace(_STATUSES, regex=True)
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
        left = left.assign(gain=left["cost"] - left["least"]).sort_values(
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
        if "workload" in figures:
            work = figures["workload"]
            lines.append(
                f"workload: {work['mean']} a grid in the mean; within 5 / 10 / 20 % of "
                f"{work['target']:g}: {work['within_5']} / {work['within_10']} / "
                f"{work['within_20']} %; worst {work['worst']} %"
            )
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
            for item in found[:most]:
                yield f"  {item.grid_code}  {item.words}"
                if item.fix is not None:
                    yield f"      fix: {item.fix.words}"
            if len(found) > most:
                yield f"  … and {len(found) - most} more"


def judge_plan(plan: Plan) -> PlanReport:
    """List what each grid breaks by the plan's own rules, worst first, without what mends it."""
    findings = sorted(_list_findings(_add_parts(plan, measure(plan)), plan.rules), key=_badness)
    return PlanReport(summarize(plan), tuple(findings))


def _add_parts(plan: Plan, measures: pd.DataFrame) -> pd.DataFrame:
    """Add what the base grids of a connected part of a community have together, for each of them.

    Columns ``part_grids``, ``part_households``, ``part_target``, and ``cut_off``: the part is not
    all of its community; and ``stacked``: the buildings that the grid's largest unit is made of.
    """
    by_size = plan.units.sort_values("households", kind="stable")
    parts = pd.Series(make_problem(plan.units, plan.adjacency).part, plan.units.index)
    first = parts.groupby(plan.units["grid_code"]).first()
    base = measures[measures["grid_type"] == "base"]
    part = base.groupby(first.reindex(base.index))
    beside = first.groupby(base["community_id"]).transform("nunique").reindex(base.index) > 1
    return measures.assign(
        part_grids=part["households"].transform("size"),
        part_households=part["households"].transform("sum"),
        part_target=part["target"].transform("sum"),
        cut_off=beside.reindex(measures.index, fill_value=False),
        stacked=by_size.groupby("grid_code")["buildings"].last(),
    )


def _badness(finding: Objection) -> tuple[int, str, float, str]:
    """Sort by level, rule, how far beyond the limit, and grid."""
    return (
        LEVELS.index(finding.level),
        finding.rule,
        -abs(finding.value - finding.limit),
        finding.grid_code,
    )


def _list_findings(measures: pd.DataFrame, rules: Rules) -> Iterator[Objection]:
    """Judge every grid, and say the verdicts in words."""
    for code, row in zip(measures.index, measures.to_dict("records"), strict=True):
        for verdict in judge_grid(_take_figures(row), rules):
            words = _explain(verdict, row, rules)
            yield Objection(
                verdict.level, str(code), verdict.rule, verdict.value, verdict.limit, words
            )


def _take_figures(row: dict[Any, Any]) -> Figures:
    own = {
        "exclusive": row["grid_type"] == "exclusive",
        "work_deviation": row.get("workload_deviation", 0.0),
    }
    return Figures(**{name: row[name] for name in Figures._fields if name not in own}, **own)


def _explain(verdict: Verdict, row: dict[Any, Any], rules: Rules) -> str:
    """Say what is wrong, and why where nothing better exists."""
    name, value = row["name"], verdict.value
    if verdict.topic == "size":
        reason = _explain_size(row, band_ends(row["target"], rules.tolerance))
        return f"{name} has {value:.0f} households, limit {verdict.limit:.0f}{reason}"
    if verdict.topic == "work":
        return (
            f"{name} has a workload of {row['workload']:.0f}, {value:.0f} % "
            f"{'more' if row['workload_deviation'] > 0 else 'less'} than a usual grid"
        )
    if verdict.topic == "pieces":
        return (
            f"{name} falls into {value:.0f} pieces: what joins them is a river without a bridge, "
            "or a corner"
        )
    if verdict.topic == "shape":
        return f"{name} is long or ragged: compactness {value}, usual 0.3 to 0.8"
    return f"{name} lies {verdict.rule}, joined along {value:.0f} m of it"


def _explain_size(row: dict[Any, Any], band: tuple[int, int]) -> str:
    """Say what no redraw can mend: one building too large, or a place of odd size."""
    low, high = band
    homes = row["part_households"]
    place = "cut-off part of the community" if row["cut_off"] else "community"
    if row["households"] > high and row["largest"] > high:
        if row["stacked"] > 1:
            return f"; {row['stacked']} buildings that nothing separates have {row['largest']}"
        return f"; one building alone has {row['largest']}"
    if row["households"] < low and homes < low:
        if homes == 0:
            return f"; nobody lives in its {place}"
        return f"; its {'' if row['cut_off'] else 'whole '}{place} has only {homes:.0f}"
    share, grids = homes / row["part_target"] * row["target"], int(row["part_grids"])
    if (row["households"] < low and share < low) or (row["households"] > high and share > high):
        return f"; its {place} has {homes:.0f} for {grids} grid{'s' if grids != 1 else ''}"
    return ""
