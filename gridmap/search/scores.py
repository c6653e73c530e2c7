"""How well things fit a question.

A score between 0 and 1 is how much of what was typed is explained (four fifths), and how much of
the thing's own name was typed (one fifth). A character is explained by a pair in one of the names
that stand for the thing; alone, or by its sound, it counts less. So one wrong or missing character
costs little, and a word that belongs to something else costs its share. A known name that was typed
in full is explained by itself alone.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from gridmap.search.entries import Entry
from gridmap.search.question import Named, Question, weigh_characters
from gridmap.search.spelling import (
    list_letters,
    list_runs,
    split_characters,
    write_key,
    write_name,
)

#: Characters that begin or end a code, at least.
LEAST_DIGITS = 3
#: Weight of a number beside a character of a name.
_NUMBER = 2.0
#: How well a pair of sounds, a character alone, and a sound alone explain what was typed.
_SOUNDS, _ALONE, _SOUND = 0.85, 0.5, 0.4
#: How well initials do, and a form of which only the beginning was typed.
_INITIALS, _BEGUN = 0.9, 0.8
#: How well a name that is no community's explains one that was called a community.
_ELSEWHERE = 0.6
#: How well the number of a grid explains that of a building, or the other way round; one that
#: stands alone: that is a building's rather; and the number of a house that of a block.
_OTHER_KIND, _BARE, _HOUSE = 0.3, 0.9, 0.8
#: A number that fits so well is the one that was typed.
_WHOLE = 0.95
_OWN = 0.2


class Fit(NamedTuple):
    """How well something fits.

    Parameters
    ----------
    score : float
        0 to 1.
    whole : bool
        Whether all that was typed stands in its names, exactly, and its own from the beginning.
    missing : str
        Names that were typed and are not among its own, "" for none; and characters that are
        nowhere in it, two at least.
    """

    score: float
    whole: bool
    missing: str


class Judge:
    """Judges how well things fit one question; remembers what it found of their names."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._named = {one.name for one in question.named if one.known}
        self._known: dict[str, tuple[float, ...]] = {}
        self._typed: dict[str, float] = {}
        self._begun: dict[str, bool] = {}

    def weigh_name(self, name: str) -> float:
        """Return how much of the question a name explains, of the weight of all cells."""
        return self._weigh(self._explain_name(name))

    def judge(self, entry: Entry) -> Fit:
        """Return how well an entry fits."""
        question = self._question
        code = _score_code(entry.code.upper(), question.plain)
        number = _explain_number(entry, question)
        cells = self._explain_cells(entry)
        missing = "" if code else self._tell_missing(cells)
        numbered = question.numbered or (False,) * len(cells)
        cells = [
            max(how, number) if by_number else how
            for how, by_number in zip(cells, numbered, strict=True)
        ]
        score = max(code, self._score_name(entry, cells, number))
        return Fit(score, code == 1.0 or self._is_exact(entry, cells, number), missing)

    def _is_exact(self, entry: Entry, cells: Sequence[float], number: float) -> bool:
        exact = min(cells, default=1.0) == 1.0 and (number >= _WHOLE or not self._question.numbers)
        return exact and self._begun[entry.parts[-1]]

    def _score_name(self, entry: Entry, cells: Sequence[float], number: float) -> float:
        question = self._question
        apart = _NUMBER if question.numbers and not question.numbered else 0.0
        total = sum(question.weights) + apart
        if not total:
            return 0.0
        covered = (self._weigh(cells) + apart * number) / total
        return (1 - _OWN) * covered + _OWN * self._measure_own(entry, number)

    def _weigh(self, cells: Sequence[float]) -> float:
        return sum(how * weight for how, weight in zip(cells, self._question.weights, strict=True))

    # --- cells -----------------------------------------------------------------------------

    def _explain_cells(self, entry: Entry) -> list[float]:
        """Return how well the names of an entry explain each cell: the best of them counts."""
        cells = _take_best([self._explain_name(name) for name in entry.parts])
        keys = {write_key(name) for name in entry.parts}
        for one in self._question.named:
            here = slice(one.start, one.end)
            if one.known:
                cells[here] = [float(one.name in keys)] * (one.end - one.start)
            else:
                cells[here] = self._explain_official(entry, cells, here)
        return cells

    def _explain_official(self, entry: Entry, cells: Sequence[float], here: slice) -> list[float]:
        """Explain what was called an office or a community by those that an entry lies in.

        The word itself (街道, 社区) is in all their names: it counts as the characters before it.
        """
        above = [write_name(name) for name in (entry.street, entry.community) if name]
        ways = [self._explain_name(name)[here] for name in above]
        how = _take_best([*ways, [_ELSEWHERE * cell for cell in cells[here]]])
        stem = how[:-2]
        return [*stem, *[sum(stem) / len(stem)] * 2]

    def _explain_name(self, name: str) -> tuple[float, ...]:
        """Return how well a name explains each cell, 0 to 1."""
        if name not in self._known:
            explain = self._explain_letters if self._question.letters else self._explain_text
            self._known[name], self._typed[name], self._begun[name] = explain(name)
        return self._known[name]

    def _explain_text(self, name: str) -> tuple[tuple[float, ...], float, bool]:
        how = tuple(compare_runs(self._question.name, name))
        if write_key(name) in self._named:
            return how, 1.0, True
        weights = weigh_characters(name)
        back = compare_runs(name, self._question.free)
        typed = sum(part * weight for part, weight in zip(back, weights, strict=True))
        return how, typed / max(sum(weights), 1.0), not typed or back[0] == 1.0

    def _explain_letters(self, name: str) -> tuple[tuple[float, ...], float, bool]:
        """Find the whole forms of a name among the letters, or one that is begun at an end."""
        how, typed, text = [0.0] * len(self._question.cells), 0.0, self._question.name
        for form in list_letters(name):
            worth = 1.0 if len(form) > len(split_characters(name)) else _INITIALS
            start, length = text.find(form), len(form)
            if start < 0:
                worth *= _BEGUN
                start, length = _find_begun(text, form, self._list_ends())
            how[start : start + length] = [max(worth, one) for one in how[start : start + length]]
            typed = max(typed, worth * length / len(form))
        return tuple(how), typed, True

    def _list_ends(self) -> tuple[int, ...]:
        """Return where a name that is only begun may end: before the number, or at the end."""
        numbered, length = self._question.numbered, len(self._question.cells)
        return tuple({numbered.index(True) if True in numbered else length, length})

    def _measure_own(self, entry: Entry, number: float) -> float:
        """Return how much of an entry's own name was typed, its number included."""
        own = entry.parts[-1]
        self._explain_name(own)
        return (self._typed[own] + number) / 2 if entry.number else self._typed[own]

    def _tell_missing(self, cells: Sequence[float]) -> str:
        """Say which names that were typed are not an entry's, and which characters are nowhere."""
        question = self._question
        if question.letters:
            return ""
        told = [(one.start, one.name) for one in question.named if not _is_whole(cells, one)]
        taken = {at for one in question.named for at in range(one.start, one.end)}
        left = [
            at
            for at, (how, weight) in enumerate(zip(cells, question.weights, strict=True))
            if at not in taken and not how and weight == 1.0
        ]
        if len(left) > 1:
            told.append((left[0], "".join(question.cells[at] for at in left)))
        return "、".join(name for _, name in sorted(told))


def _is_whole(cells: Sequence[float], one: Named) -> bool:
    return min(cells[one.start : one.end]) == 1.0


def _take_best(ways: Sequence[Sequence[float]]) -> list[float]:
    return [max(cell) for cell in zip(*ways, strict=True)]


def _score_code(code: str, typed: str) -> float:
    if len(typed) < LEAST_DIGITS or not (code.startswith(typed) or code.endswith(typed)):
        return 0.0
    return 1.0 - _OWN * (1.0 - len(typed) / len(code))


def _explain_number(entry: Entry, question: Question) -> float:
    how = question.numbers.get(entry.number, 0.0) if entry.number else 0.0
    if entry.kind == "grid":
        return how * {"grid": 1.0, "": _BARE}.get(question.kind, _OTHER_KIND)
    if question.kind == "block" and entry.name.endswith("号"):
        return how * _HOUSE
    return how * _OTHER_KIND if question.kind == "grid" else how


def compare_runs(text: str, name: str) -> list[float]:
    """Return how well a name explains each character of a text: in a pair, alone, or by its sound.

    Examples
    --------
    >>> compare_runs("小鱼区", "小雨社区")
    [0.85, 0.85, 0.5]
    """
    asked, known = list_runs(text), list_runs(name)
    alone, sound = (1.0, _SOUNDS) if len(asked.parts) == 1 else (_ALONE, _SOUND)
    exact = _explain_run(asked.parts, known.singles, known.pairs, 1.0, alone)
    heard = _explain_run(asked.sounds, known.sound_singles, known.sound_pairs, _SOUNDS, sound)
    return list(map(max, exact, heard))


def _explain_run(
    cells: Sequence[str],
    singles: frozenset[str],
    pairs: frozenset[tuple[str, str]],
    paired: float,
    alone: float,
) -> list[float]:
    how = [alone if cell in singles else 0.0 for cell in cells]
    for at, pair in enumerate(pairwise(cells)):
        if pair in pairs:
            how[at] = how[at + 1] = paired
    return how


def _find_begun(text: str, form: str, ends: Sequence[int]) -> tuple[int, int]:
    """Return where the longest beginning of a form stands that reaches an end, and its length."""
    for length in range(len(form) - 1, 0, -1):
        for end in ends:
            start = end - length
            if (start == 0 or (start > 0 and length >= 2)) and text.startswith(
                form[:length], start
            ):
                return start, length
    return 0, 0
