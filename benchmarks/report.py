"""What every benchmark here tells: bars, printed as a table and written as a list.

A bar is a dict of ``bar`` (what was measured), ``ours``, ``peer`` (the same of another program, in
the same run; None for none), ``ratio``, ``goal`` and ``met`` (None where nothing is asked).
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Bar = dict[str, Any]
_DIGITS = 5  # of a figure: more are noise


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options, of a benchmark with a docstring, with ``--json FILE``."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the bars are written")
    return parser


def make_bar(
    bar: str,
    ours: float | None,
    peer: float | None = None,
    goal: str | None = None,
    met: bool | None = None,
    *,
    ratio: float | None = None,
) -> Bar:
    """Describe one bar.

    Parameters
    ----------
    bar : str
        What was measured, with its unit.
    ours, peer : float, optional
        Figures of gridmap and of another program.
    goal : str, optional
        What is asked for, in words.
    met : bool, optional
        Whether it is so; decided by the benchmark, from figures that are not rounded.
    ratio : float, optional
        By default how often our figure goes into the peer's: how many times faster for seconds.
    """
    if ratio is None and peer and ours:
        ratio = peer / ours
    return {
        "bar": bar,
        "ours": _round(ours),
        "peer": _round(peer),
        "ratio": _round(ratio),
        "goal": goal,
        "met": None if met is None else bool(met),
    }


def make_limit(bar: str, ours: float, most: float | None) -> Bar:
    """Describe a bar without a peer, which is to be at most so much if anything is asked."""
    if most is None:
        return make_bar(bar, ours)
    return make_bar(bar, ours, goal=f"<= {most:g}", met=ours <= most)


def report(bars: Sequence[Bar], path: Path | None, peer: str = "peer") -> None:
    """Print the bars, and write them where a file is named.

    Parameters
    ----------
    bars : sequence of bars
        As `make_bar` makes them.
    path : path, optional
        What ``--json`` named.
    peer : str
        The name of the peer, above its column.
    """
    show(bars, peer)
    write_bars(bars, path)


def write_bars(bars: Sequence[Bar], path: Path | None) -> None:
    """Write bars as a list where a file is named."""
    if path:
        path.write_text(json.dumps(list(bars), indent=1, ensure_ascii=False) + "\n", "utf-8")


def show(bars: Sequence[Bar], peer: str = "peer") -> None:
    """Print a table of bars, and an empty line below."""
    width = max((len(row["bar"]) for row in bars), default=0) + 2
    goals = max([4, *(len(row["goal"] or "") for row in bars)]) + 2
    column = max(len(peer) + 1, 11)
    print(f"{'bar':{width}}{'ours':>11}{peer:>{column}}{'ratio':>9}  {'goal':{goals}}met")
    for row in bars:
        ours, theirs, ratio = (_write(row[key]) for key in ("ours", "peer", "ratio"))
        met = {True: "yes", False: "NO", None: ""}[row["met"]]
        told = f"{ours:>11}{theirs:>{column}}{ratio:>9}  {row['goal'] or '':{goals}}{met}"
        print(f"{row['bar']:{width}}{told}".rstrip())
    print()


def _round(figure: float | None) -> float | None:
    """Return a figure with as many digits as mean something; counts stay whole."""
    if figure is None or isinstance(figure, int):
        return figure
    return float(f"{figure:.{_DIGITS}g}")


def _write(figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if abs(figure) >= 1000 else f"{figure:.{_DIGITS}g}"
