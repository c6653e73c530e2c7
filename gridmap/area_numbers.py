"""The numbers of areas: one for every code that was ever published, given once and for good.

The published plans are gone through in the order of the record; of each the codes that have no
number yet, sorted, get the next ones. So the numbers follow from the record alone. They are kept
with the codes of every plan (``areas.json`` of a store), so no plan that is over is read for them.

A plan that can't be read is left out until it can be, and its codes may be new ones. Until then no
other new code gets a number, for that might be one of the plan's: plans that were published later
are added only if all their codes have a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gridmap.errors import GridmapError

#: Digits of the code of a street, a community and a grid.
_DIGITS = (9, 12, 15)


@dataclass(frozen=True)
class AreaNumbers:
    """The numbers of codes, and which codes each plan has.

    Parameters
    ----------
    numbers : mapping of str to int
        Code -> number, from 1 on without a gap, in the order of numbers.
    plans : mapping of str to frozenset of str
        Name of a published plan -> the codes of its areas.
    lacking : str
        Why the first plan that is left out can't be read; empty: none is.
    """

    numbers: Mapping[str, int] = field(default_factory=dict)
    plans: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lacking: str = ""


def list_codes(grids: Iterable[str]) -> set[str]:
    """Return the codes of grids, and those of the communities and streets that they are in."""
    return {code[:digits] for code in grids for digits in _DIGITS}


def add_plans(
    kept: AreaNumbers, names: Iterable[str], read: Callable[[str], Iterable[str]]
) -> AreaNumbers:
    """Give the codes of plans their numbers; no code that has one gets another.

    Parameters
    ----------
    kept : AreaNumbers
        What was given before.
    names : iterable of str
        All published plans, in the order in which they were published.
    read : callable
        Returns the codes of a plan's grids; called for plans only that are not in ``kept``.

    Examples
    --------
    >>> first, second = "210802003002001", "210802003002002"
    >>> add_plans(AreaNumbers(), ["plan"], lambda name: [second, first]).numbers[second]
    4
    """
    numbers, plans, lacking = dict(kept.numbers), dict(kept.plans), ""
    for name in names:
        if name in plans:
            continue
        try:
            codes = list_codes(read(name))
        except GridmapError as error:
            lacking = lacking or str(error)
            continue
        new = sorted(codes - numbers.keys())
        if not (lacking and new):
            numbers |= {code: number for number, code in enumerate(new, start=len(numbers) + 1)}
            plans[name] = frozenset(codes)
    return AreaNumbers(numbers, plans, lacking)


def to_json(kept: AreaNumbers) -> dict[str, Any]:
    """Return numbers as JSON has them: codes in their order, and of each plan runs of numbers."""
    runs = {
        name: _join_runs(sorted(kept.numbers[code] for code in codes))
        for name, codes in kept.plans.items()
    }
    return {"codes": list(kept.numbers), "plans": runs}


def from_json(told: Mapping[str, Any]) -> AreaNumbers:
    """Return what `to_json` was given.

    Raises
    ------
    ValueError
        If it is something else.
    """
    codes = told.get("codes", [])
    numbers = {str(code): number for number, code in enumerate(codes, start=1)}
    if len(numbers) < len(codes):
        raise ValueError("a code has two numbers")
    plans = {}
    for name, runs in told.get("plans", {}).items():
        if any(not 1 <= first <= last <= len(codes) for first, last in runs):
            raise ValueError(f"plan {name!r} has numbers that no code has")
        plans[name] = frozenset(code for first, last in runs for code in codes[first - 1 : last])
    return AreaNumbers(numbers, plans)


def _join_runs(numbers: list[int]) -> list[list[int]]:
    """Return the first and last of each run of numbers that follow on each other."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs
