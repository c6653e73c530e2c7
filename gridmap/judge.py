"""What a reviewer makes of the figures of a grid: the rules of `check_plan`, each written once."""

from collections.abc import Iterator
from typing import NamedTuple

from gridmap.rules import Rules, band_ends

#: What a reviewer makes of a finding, worst first.
LEVELS = ("forbidden", "objection", "remark")
#: Compactness (Polsby-Popper) below which a grid is so long or ragged that walking it is no round.
RAGGED = 0.15


class Figures(NamedTuple):
    """The figures of one grid that are judged; see `gridmap.measure.measure`."""

    households: float
    target: float
    exclusive: bool
    pieces: float
    rivers: float
    railways: float
    main_roads: float
    compactness: float
    work_deviation: float = 0.0


class Verdict(NamedTuple):
    """One rule that a grid breaks.

    ``beyond`` says by how much, in the unit of its ``topic``: for sizes the households outside the
    band, whichever of the rules about sizes it is. So two plans can be compared.
    """

    level: str
    rule: str
    value: float
    limit: float
    topic: str
    beyond: float


def judge_grid(figures: Figures, rules: Rules) -> Iterator[Verdict]:
    """List the rules that a grid breaks."""
    if figures.pieces > 1:
        pieces = float(figures.pieces)
        yield Verdict("forbidden", "in pieces", pieces, 1.0, "pieces", pieces - 1)
    if not figures.exclusive:
        yield from _judge_size(figures, rules)
        yield from _judge_work(figures, rules)
    for rule, metres in (
        ("across a river", figures.rivers),
        ("across a railway", figures.railways),
        ("across a main road", figures.main_roads),
    ):
        if metres > 0:
            yield Verdict("remark", rule, round(metres, 1), 0.0, rule, metres)
    if figures.compactness < RAGGED:
        value = round(figures.compactness, 3)
        yield Verdict("remark", "ragged", value, RAGGED, "shape", RAGGED - figures.compactness)


def _judge_work(figures: Figures, rules: Rules) -> Iterator[Verdict]:
    """Judge the workload of a grid, where that is balanced beside the households; in per cent."""
    off, limit = 100 * abs(figures.work_deviation), 100 * rules.tolerance
    if rules.workload.beside and off > limit + 1e-9:
        rule = "too much work" if figures.work_deviation > 0 else "too little work"
        yield Verdict("remark", rule, round(off, 1), limit, "work", off - limit)


def _judge_size(figures: Figures, rules: Rules) -> Iterator[Verdict]:
    """Judge the households of a grid against its target.

    The hard limits are those of a usual grid; a kind of estate with another target scales them.
    """
    low, high = (int(end) for end in band_ends(figures.target, rules.tolerance))
    homes, scale = figures.households, figures.target / rules.target
    least, most = min(round(rules.hard_min * scale), low), max(round(rules.hard_max * scale), high)
    if low <= homes <= high:
        return
    level, rule, limit = "remark", "too many households", high
    if homes == 0:
        level, rule, limit = "objection", "without households", low
    elif homes > most:
        level, rule, limit = "objection", "far too many households", most
    elif homes < least:
        level, rule, limit = "objection", "far too few households", least
    elif homes < low:
        rule, limit = "too few households", low
    beyond = float(max(low - homes, homes - high))
    yield Verdict(level, rule, float(homes), float(limit), "size", beyond)
