"""What was found in a city's files, and the report of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: What was done about a finding, worst first.
ACTIONS = ("refused", "repaired", "noted")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or worth knowing, in a city's files.

    Parameters
    ----------
    layer : str
        The table or the source layer it was found in.
    row : str
        Id of the row, or "" where it concerns the layer.
    column : str
        The column, or "".
    value : str
        The value as it was read, or a measure of it (metres, m²).
    problem : str
        What is wrong, and what was done or is to be done.
    action : str
        ``noted`` (kept as it is, or left out without loss), ``repaired`` or ``refused``.
    """

    layer: str
    row: str
    column: str
    value: str
    problem: str
    action: str


@dataclass(frozen=True)
class CityReport:
    """Everything that was found while a city was read.

    Parameters
    ----------
    findings : tuple of Finding
        In the order in which they were found.
    counts : mapping of str to int
        What came in and what came out: rows, households.
    subject : str
        What was read.
    """

    findings: tuple[Finding, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    subject: str = "city"

    @property
    def status(self) -> str:
        """``refused``, ``repaired`` or ``clean``: the worst that had to be done."""
        actions = {finding.action for finding in self.findings}
        return next((action for action in ACTIONS[:2] if action in actions), "clean")

    def to_text(self, most: int = 5) -> str:
        """Write the report for a person: counts, then problems by kind, worst first.

        Parameters
        ----------
        most : int
            Rows that are listed of each kind of problem; the others are counted.

        Examples
        --------
        >>> finding = Finding("buildings", "b7", "households", "-3", "below 0", "refused")
        >>> print(CityReport((finding,), {"buildings_in": 9}).to_text())
        city: refused
        buildings_in 9
        refused: buildings: below 0 (1)
            b7: households = -3
        """
        lines = [f"{self.subject}: {self.status}"]
        if self.counts:
            lines.append(", ".join(self._write_count(name) for name in self.counts))
        for (action, layer, problem), rows in self._kinds():
            lines.append(": ".join(filter(None, (action, layer, problem))) + f" ({len(rows)})")
            lines += [f"    {text}" for text in map(_name_row, rows[:most]) if text]
            lines += [f"    and {len(rows) - most} more"] if len(rows) > most else []
        return "\n".join(lines)

    def _write_count(self, name: str) -> str:
        """Write a count, and what share of all households was estimated."""
        text, total = f"{name} {self.counts[name]:,}", self.counts.get("households_in", 0)
        estimated = name == "households_estimated" and total > 0
        return f"{text} ({self.counts[name] / total:.1%})" if estimated else text

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "status": self.status,
            "counts": dict(self.counts),
            "findings": [dict(vars(finding)) for finding in self.findings],
        }

    def _kinds(self) -> list[tuple[tuple[str, str, str], list[Finding]]]:
        """Group the findings by what was done, where, and what is wrong; worst first."""
        kinds: dict[tuple[str, str, str], list[Finding]] = {}
        for found in self.findings:
            kinds.setdefault((found.action, found.layer, found.problem), []).append(found)
        return sorted(kinds.items(), key=lambda kind: ACTIONS.index(kind[0][0]))


def find_rows(
    layer: str,
    rows: Iterable[Any],
    column: str,
    values: Iterable[Any],
    *,
    problem: str,
    action: str,
) -> list[Finding]:
    """Make one finding of each row and its value."""
    return [
        Finding(layer, str(row), column, str(value), problem, action)
        for row, value in zip(rows, values, strict=True)
    ]


def _name_row(found: Finding) -> str:
    """Name the row, the column and the value of a finding, as far as there are any."""
    value = " = ".join(filter(None, (found.column, found.value)))
    return ": ".join(filter(None, (found.row, value)))
