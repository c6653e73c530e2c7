"""What was typed, in one spelling and in parts: names, a number, and how the number is worded.

A name that something in the plan bears, and that was typed in full, stands for itself: 光顺社区 is
not 光顺小区, nor a road of that name. What ends like the name of a street office or a community and
is none is kept apart too, to be told.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gridmap.reading.addresses import split_address, strip_region, write_plain
from gridmap.search.entries import split_grid
from gridmap.search.index import SearchIndex
from gridmap.search.spelling import OFFICIAL, find_generic, split_characters, write_name

#: What is typed beyond this is not read.
MOST_CHARACTERS = 100
#: Characters of a name, at most.
_LONGEST = 20
#: Weight of each character of a generic word, beside a character of a name.
_GENERIC = 0.3
#: Each part that is cut from a number (12-3, 12) costs this; an entrance before a home hardly.
_CUT, _ENTRANCE = 0.1, 0.02
#: The last part of a number that is a home: 501 in 3-2-501.
_HOME = re.compile("[0-9]{3,4}")
#: A number with a word that only buildings of a compound have; 号 is a house's as well.
_BLOCK = re.compile("(?:号楼|[栋幢座#楼])")
#: Pinyin with a number: d3, 3hl, 3haolou, 3dong, d3wg, 3hl2dy501 …
_LATIN = re.compile(
    "(?P<name>[A-Z0-9]*?)(?P<numbered>(?:DI|D)?(?P<number>[0-9]+(?:-[0-9]+)*)"
    "(?P<word>HAOLOU|HAO|HL|H|LOU|L|DONG|D|ZHUANG|Z|ZUO|WANGGE|WG|#|)"
    "(?:[0-9]+(?:DANYUAN|DY)[0-9]*|[0-9]{3,4})?(?:(?<=[0-9])SHI)?)"
)
#: Letters before a number that is worded in Chinese: GQXC3号楼.
_MIXED = re.compile("([A-Z]{2,})(.*[^A-Z].*)")


@dataclass(frozen=True)
class Named:
    """A name among what was typed.

    Parameters
    ----------
    start, end : int
        Which cells of the question it is, the last one not included.
    name : str
        The name, in one spelling.
    known : bool
        Whether something in the plan bears it; else it ends as the name of a street office or a
        community does, and is none.
    """

    start: int
    end: int
    name: str
    known: bool


@dataclass(frozen=True)
class Question:
    """What was typed, in one spelling and in parts.

    Parameters
    ----------
    plain : str
        All of it.
    letters : bool
        Whether it is pinyin; then ``cells`` are its letters, number included.
    cells, weights : tuple
        Characters that names must explain, and what each counts.
    named : tuple of Named
        The names among them, as far as they stand for themselves.
    followed : tuple of int
        Ids, in the index, of those that are known.
    numbers : mapping
        The number, and what is left of it when its last parts are cut off -> how well it fits.
    numbered : tuple of bool
        Which cells the number explains by itself; none where it is not among the cells.
    kind : str
        ``grid``, ``block`` or ``building`` where a word with the number says so: 3号楼 is a block
        in a compound, 3号 any building.
    """

    plain: str
    letters: bool
    cells: tuple[str, ...]
    weights: tuple[float, ...]
    named: tuple[Named, ...] = ()
    followed: tuple[int, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    numbered: tuple[bool, ...] = ()
    kind: str = ""

    @property
    def name(self) -> str:
        """Return what names must explain."""
        return "".join(self.cells)

    @property
    def free(self) -> str:
        """Return of that what is in no known name, and no number."""
        taken = {at for one in self.named if one.known for at in range(one.start, one.end)}
        taken |= {at for at, by_number in enumerate(self.numbered) if by_number}
        return "".join(cell for at, cell in enumerate(self.cells) if at not in taken)


def read_question(index: SearchIndex, text: str) -> Question:
    """Bring what was typed to one spelling, part its number from it, and find known names in it."""
    plain = strip_region(write_plain(text[:MOST_CHARACTERS]))
    if plain.isascii() and any(letter.isalpha() for letter in plain):
        return _read_letters(plain)
    mixed = _MIXED.fullmatch(plain)
    if mixed:
        name, number, kind = _split_number(mixed.group(2))
        if number and not name:
            return _read_mixed(plain, mixed.group(1), number, kind)
    name, number, kind = _split_number(plain)
    name = write_name(name)
    cells, weights = tuple(split_characters(name)), weigh_characters(name)
    known, ids = _find_known(cells, index)
    named = (*known, *_list_unknown(cells, known))
    numbers = _cut_number(number)
    return Question(plain, False, cells, weights, named, ids, numbers, kind=kind)


def weigh_characters(name: str) -> tuple[float, ...]:
    """Return what each character of a name counts: those of generic words little.

    Examples
    --------
    >>> weigh_characters("小雨社区")
    (1.0, 1.0, 0.3, 0.3)
    """
    return tuple(_GENERIC if generic else 1.0 for generic in find_generic(name))


def _split_number(plain: str) -> tuple[str, str, str]:
    """Part a text into the name, the number and the kind that a word with it names."""
    grid = split_grid(plain)
    if grid is not None:
        return *grid, "grid"
    name, number, _, worded = split_address(plain)
    if not (worded or "-" in number):
        return name, number, ""
    return name, number, "block" if worded and _BLOCK.search(plain, len(name)) else "building"


def _read_letters(plain: str) -> Question:
    found = _LATIN.fullmatch(plain)
    text = "".join(split_characters(plain)).lower()
    weights = (1.0,) * len(text)
    if found is None:
        return Question(plain, True, tuple(text), weights)
    inside = len(found.group("numbered").replace("-", "").replace("#", ""))
    numbered = tuple(at >= len(text) - inside for at in range(len(text)))
    word = found.group("word")
    kinds = {"": "", "WANGGE": "grid", "WG": "grid", "HAO": "building", "H": "building"}
    numbers = _cut_number(found.group("number"))
    kind = kinds.get(word, "block")
    return Question(plain, True, tuple(text), weights, (), (), numbers, numbered, kind)


def _read_mixed(plain: str, letters: str, number: str, kind: str) -> Question:
    cells = tuple(letters.lower())
    weights = (1.0,) * len(cells)
    return Question(plain, True, cells, weights, numbers=_cut_number(number), kind=kind)


def _cut_number(number: str) -> dict[str, float]:
    """Return a number, and it without its last parts, each with how well it fits.

    Examples
    --------
    >>> _cut_number("12-3-501"), _cut_number("12-3"), _cut_number("")
    ({'12-3-501': 1.0, '12-3': 1.0, '12': 0.98}, {'12-3': 1.0, '12': 0.9}, {})
    """
    pieces = number.lstrip("0").split("-") if number else []
    home = len(pieces) > 1 and _HOME.fullmatch(pieces[-1])
    fits, how = {}, 1.0
    for count in range(len(pieces), 0, -1):
        fits["-".join(pieces[:count])] = how
        last = count == len(pieces)
        how = round(how - ((0.0 if last else _ENTRANCE) if home else _CUT), 2)
    return fits


# --- names that stand for themselves -----------------------------------------------------------


def _find_known(
    cells: Sequence[str], index: SearchIndex
) -> tuple[tuple[Named, ...], tuple[int, ...]]:
    """Return the names of the plan that stand among cells, and their ids.

    Of two that share cells the longer counts, then the later: it is nearer to the number.
    """
    spans = {span: "".join(cells[slice(*span)]) for span in _list_spans(cells)}
    ids = {key: number for number, key in index.find_named(sorted(set(spans.values())))}
    found: list[Named] = []
    for (start, end), key in sorted(spans.items(), key=_rank_span):
        free = all(end <= one.start or start >= one.end for one in found)
        if free and key in ids:
            found.append(Named(start, end, key, known=True))
    return tuple(found), tuple(ids[one.name] for one in found)


def _rank_span(span: tuple[tuple[int, int], str]) -> tuple[int, int]:
    (start, end), _ = span
    return start - end, -start


def _list_spans(cells: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the runs of cells that may be a name: none parts 街道 or 社区, or ends before it."""
    words = _list_official(cells)
    parted = {at + 1 for at in words}
    for start in range(len(cells)):
        for end in range(start + 2, min(start + _LONGEST, len(cells)) + 1):
            if start not in parted and end not in parted and end not in words:
                yield start, end


def _list_official(cells: Sequence[str]) -> list[int]:
    """Return where 街道 and 社区 begin."""
    return [at for at in range(len(cells) - 1) if cells[at] + cells[at + 1] in OFFICIAL]


def _list_unknown(cells: Sequence[str], known: Sequence[Named]) -> Iterator[Named]:
    """Yield what ends with 街道 or 社区, from the end of the name before it, and is not known."""
    ends = [0, *(one.end for one in known)]
    for at in _list_official(cells):
        if any(one.start <= at < one.end for one in known):
            continue
        start = max(end for end in ends if end <= at)
        ends.append(at + len(OFFICIAL[0]))
        if start < at:
            yield Named(start, ends[-1], "".join(cells[start : ends[-1]]), known=False)
