"""From what a person types to what is meant, the best first.

Each answer has a score between 0 and 1: how much of what was typed it explains (four fifths), and
how much of its own name was typed (one fifth). A character is explained by a pair in one of the
names that stand for the answer; alone, or by its sound, it counts less. So one wrong or missing
character costs little, and a word that belongs to something else costs its share.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gridmap.locate import Locator
from gridmap.reading.addresses import split_address, strip_region, write_plain
from gridmap.search.entries import KINDS, Entry, split_grid
from gridmap.search.index import OWN, SearchIndex
from gridmap.search.spelling import (
    ask_tokens,
    drop_generic,
    find_generic,
    list_letters,
    list_runs,
    split_characters,
)

#: What is typed beyond this is not read.
MOST_CHARACTERS = 100
#: Names that are looked at, those of them that are followed, and entries that are compared.
_MOST_PARTS, _FOLLOWED, _MOST_ENTRIES = 60, 16, 200
#: Names of which everything that hangs on them is compared, where no number was typed.
_OPENED, _MOST_MEMBERS = 3, 60
#: Answers that score less, or that much less than the best, are none.
_LEAST, _FAR = 0.5, 0.3
#: Characters that begin or end a code, at least.
_LEAST_DIGITS = 3
#: Weight of a number, and of each character of a generic word, beside a character of a name.
_NUMBER, _GENERIC = 2.0, 0.3
#: How well a pair of sounds, a character alone, and a sound alone explain what was typed.
_SOUNDS, _ALONE, _SOUND = 0.85, 0.5, 0.4
#: How well initials do, and a form of which only the beginning was typed.
_INITIALS, _BEGUN = 0.9, 0.8
#: How well the number of a grid explains that of a building, or the other way round, and one that
#: stands alone: that is a building's rather.
_OTHER_KIND, _BARE = 0.3, 0.9
#: Each part that is cut from a number (12-3-501, 12-3, 12) costs this.
_CUT = 0.1
_OWN = 0.2
_NUMERAL = r"[-+]?[0-9]{1,3}\.[0-9]+"
_POSITION = re.compile(rf"\(?({_NUMERAL})°?[EN]?(?:[,;/|、]\s*|\s+)({_NUMERAL})°?[EN]?\)?")
_CODE = re.compile(r"(?=.*[0-9])[0-9A-Z]+")
#: Pinyin with a number: d3, 3hl, 3haolou, 3dong, d3wg, 3hl2dy …
_LATIN = re.compile(
    "(?P<name>[A-Z0-9]*?)(?P<numbered>(?:DI|D)?(?P<number>[0-9]+(?:-[0-9]+)*)"
    "(?P<word>HAOLOU|HAO|HL|H|LOU|L|DONG|D|ZHUANG|Z|ZUO|WANGGE|WG|#|)(?:[0-9]+(?:DANYUAN|DY))?)"
)


@dataclass(frozen=True)
class Place:
    """What the public is told of something that was found.

    Parameters
    ----------
    kind : str
        One of `gridmap.search.entries.KINDS`, or ``position``.
    code : str
        Its key in the plan's tables; the name where it has none; "" for a position.
    name, address : str
        What it is called, alone and after the names of what it lies in.
    grid_code, grid_name : str
        The grid that it lies in, or "" where it lies in several or in none.
    community, street : str
        Its community and street office, or "".
    community_code : str
        The community's code, or "".
    lon, lat : float
        A place of it, in degrees of WGS-84.
    score : float
        How well it fits, 0 to 1.
    hint : str
        Of a position without a grid: what could be wrong with it.
    missing : str
        Characters of a name that were typed and are nowhere in the answer, two at least: it may
        be in another community than the one that was meant.
    """

    kind: str
    code: str
    name: str
    address: str
    grid_code: str
    grid_name: str
    community: str
    street: str
    community_code: str
    lon: float
    lat: float
    score: float
    hint: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Found:
    """What the office is told: a place, and how many households it has.

    Parameters
    ----------
    place : Place
        What the public is told.
    households : int
        Households of a grid, community, compound or building; 0 for what has none.
    """

    place: Place
    households: int


def search(
    index: SearchIndex, text: str, *, locator: Locator | None = None, most: int = 10
) -> list[Found]:
    """Find what a person means: a code, a name, an address, a position; the best first.

    Parameters
    ----------
    index : SearchIndex
        Of a plan (`gridmap.PlanStore.search_index`).
    text : str
        Any part of a grid's code from its beginning or end; names of grids, communities, street
        offices, compounds and streets; addresses of buildings, with the usual abbreviations
        (3#楼, 3栋, 三号楼), without 街道 and 社区, with a wrong or missing character; pinyin or its
        initials; longitude and latitude. The first `MOST_CHARACTERS` characters count.
    locator : Locator, optional
        Of the same plan, for the grid of a position.
    most : int
        How many answers at most.
    """
    position = parse_position(text)
    if position is not None:
        return _describe_position(index, locator, *position)
    question = read_question(text)
    entries = [*_find_codes(index, question), *_find_entries(index, question)]
    scored = [(_score(entry, question), entry) for entry in dict.fromkeys(entries)]
    least = max([score - _FAR for score, _ in scored], default=_LEAST)
    kept = [(score, entry) for score, entry in scored if score >= max(_LEAST, least)]
    kept.sort(key=lambda found: _order(*found))
    return [_describe(entry, score, _tell_missing(entry, question)) for score, entry in kept[:most]]


def list_found(found: Sequence[Found]) -> str:
    """Write answers for a terminal, a line each: kind, address, grid, how well it fits."""
    if not found:
        return "nothing fits; try fewer words, or the number alone"
    return "\n".join(_write_line(one.place) for one in found)


def _write_line(place: Place) -> str:
    grid = f"  {place.grid_name} {place.grid_code}" if place.grid_code else ""
    hint = f"  ({place.hint})" if place.hint else ""
    hint += f"  (without {place.missing})" if place.missing else ""
    named = "" if place.kind == "grid" else grid
    code = f"  {place.code}" if place.kind in ("grid", "community") else ""
    return f"{place.score:.2f}  {place.kind:9}  {place.address}{code}{named}{hint}"


def parse_position(text: str) -> tuple[float, float] | None:
    """Read ``lon,lat``; None where that is not what was typed.

    Examples
    --------
    >>> parse_position("122.235, 40.672"), parse_position("１２２．２３５，４０．６７２")
    ((122.235, 40.672), (122.235, 40.672))
    >>> parse_position("3-2"), parse_position("999,40") is None
    (None, True)
    """
    found = _POSITION.fullmatch(unicodedata.normalize("NFKC", text).strip().upper())
    if found is None:
        return None
    lon, lat = float(found.group(1)), float(found.group(2))
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 180 else None


@dataclass(frozen=True)
class _Question:
    """What was typed, in one spelling and in parts.

    Parameters
    ----------
    plain : str
        All of it.
    letters : bool
        Whether it is pinyin; then ``cells`` are its letters, number included.
    cells, weights : tuple
        Characters that names must explain, and what each counts.
    numbers : tuple of str
        The number, and what is left of it when its last parts are cut off.
    numbered : tuple of bool
        Which cells the number explains by itself; none where it is not among the cells.
    kind : str
        ``grid`` or ``building`` where a word with the number says so.
    known, typed : dict
        How well each name explains each cell, and how much of it was typed, as it is found.
    """

    plain: str
    letters: bool
    cells: tuple[str, ...]
    weights: tuple[float, ...]
    numbers: tuple[str, ...] = ()
    numbered: tuple[bool, ...] = ()
    kind: str = ""
    known: dict[str, tuple[float, ...]] = field(default_factory=dict, compare=False)
    typed: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """Return what names must explain."""
        return "".join(self.cells)

    def explain(self, name: str) -> tuple[float, ...]:
        """Return how well a name explains each cell, 0 to 1."""
        if name not in self.known:
            explain = self._explain_letters if self.letters else self._explain_characters
            self.known[name], self.typed[name] = explain(name)
        return self.known[name]

    def measure(self, name: str) -> float:
        """Return how much of a name was typed, 0 to 1."""
        self.explain(name)
        return self.typed[name]

    def _explain_characters(self, name: str) -> tuple[tuple[float, ...], float]:
        core = drop_generic(name)
        back = compare_runs(core, self.name)
        return tuple(compare_runs(self.name, name)), sum(back) / max(len(back), 1)

    def _explain_letters(self, name: str) -> tuple[tuple[float, ...], float]:
        """Find the whole forms of a name among the letters, or one that is begun at an end."""
        how, typed, text = [0.0] * len(self.cells), 0.0, self.name
        for form in list_letters(name):
            worth = 1.0 if len(form) > len(split_characters(name)) else _INITIALS
            start, length = text.find(form), len(form)
            if start < 0:
                worth *= _BEGUN
                start, length = _find_begun(text, form, self._ends())
            how[start : start + length] = [max(worth, one) for one in how[start : start + length]]
            typed = max(typed, worth * length / len(form))
        return tuple(how), typed

    def weigh(self, explained: Sequence[float]) -> float:
        """Return how much is explained, of the weight of all cells."""
        return sum(how * weight for how, weight in zip(explained, self.weights, strict=True))

    def _ends(self) -> tuple[int, ...]:
        """Return where a name that is only begun may end: before the number, or at the end."""
        before = self.numbered.index(True) if True in self.numbered else len(self.cells)
        return tuple({before, len(self.cells)})


def read_question(text: str) -> _Question:
    """Bring what was typed to one spelling and part its number from it."""
    plain = strip_region(write_plain(text[:MOST_CHARACTERS]))
    if plain.isascii() and any(letter.isalpha() for letter in plain):
        return _read_letters(plain)
    grid = split_grid(plain)
    if grid is not None:
        name, number, kind = *grid, "grid"
    else:
        name, number, _, worded = split_address(plain)
        kind = "building" if worded or "-" in number else ""
    cells, weights = _weigh_characters(name)
    return _Question(plain, False, cells, weights, _cut_number(number), kind=kind)


def _read_letters(plain: str) -> _Question:
    found = _LATIN.fullmatch(plain)
    text = "".join(split_characters(plain)).lower()
    weights = (1.0,) * len(text)
    if found is None:
        return _Question(plain, True, tuple(text), weights)
    inside = len(found.group("numbered").replace("-", "").replace("#", ""))
    numbered = tuple(at >= len(text) - inside for at in range(len(text)))
    word = found.group("word")
    kind = "grid" if word.startswith("W") else "building" if word else ""
    numbers = _cut_number(found.group("number"))
    return _Question(plain, True, tuple(text), weights, numbers, numbered, kind)


def _weigh_characters(name: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    cells = tuple(split_characters(name))
    generic = find_generic(name)
    return cells, tuple(_GENERIC if word else 1.0 for word in generic)


def _cut_number(number: str) -> tuple[str, ...]:
    """Return a number, and it without its last parts.

    Examples
    --------
    >>> _cut_number("12-3-501"), _cut_number("")
    (('12-3-501', '12-3', '12'), ())
    """
    pieces = number.lstrip("0").split("-") if number else []
    return tuple("-".join(pieces[:count]) for count in range(len(pieces), 0, -1))


# --- candidates --------------------------------------------------------------------------------


def _find_codes(index: SearchIndex, question: _Question) -> list[Entry]:
    plain = question.plain
    if len(plain) < _LEAST_DIGITS or not _CODE.fullmatch(plain):
        return []
    return index.find_codes(plain, _MOST_ENTRIES)


def _find_entries(index: SearchIndex, question: _Question) -> list[Entry]:
    """Return what the question may mean: by names, and by the number where one was typed."""
    tokens = ask_tokens(question.name, letters=question.letters)
    parts = index.find_parts(tokens, _MOST_PARTS)
    parts.sort(key=lambda part: -question.weigh(question.explain(part[1])))
    followed = [number for number, _ in parts[:_FOLLOWED]]
    found = index.find_linked(followed, (*question.numbers, OWN), _MOST_ENTRIES)
    if not question.numbers:
        for part in followed[:_OPENED]:
            found += index.find_members(part, _MOST_MEMBERS)
    elif all(question.numbered) or not question.cells:
        found += index.find_numbered(question.numbers, _MOST_ENTRIES)
    return found


# --- scores ------------------------------------------------------------------------------------


def _score(entry: Entry, question: _Question) -> float:
    return max(_score_code(entry.code.upper(), question.plain), _score_name(entry, question))


def _score_code(code: str, typed: str) -> float:
    if len(typed) < _LEAST_DIGITS or not (code.startswith(typed) or code.endswith(typed)):
        return 0.0
    return 1.0 - _OWN * (1.0 - len(typed) / len(code))


def _score_name(entry: Entry, question: _Question) -> float:
    number = _explain_number(entry, question)
    numbered = question.numbered or [False] * 100
    explained = [
        max(how, number) if by_number else how
        for how, by_number in zip(_explain_cells(entry, question), numbered, strict=False)
    ]
    apart = _NUMBER if question.numbers and not question.letters else 0.0
    total = sum(question.weights) + apart
    if not total:
        return 0.0
    covered = (question.weigh(explained) + apart * number) / total
    return (1 - _OWN) * covered + _OWN * _measure_own(entry, question, number)


def _explain_cells(entry: Entry, question: _Question) -> list[float]:
    """Return how well the names of an entry explain each cell: the best of them counts."""
    return [max(ways) for ways in zip(*map(question.explain, entry.parts), strict=True)]


def _explain_number(entry: Entry, question: _Question) -> float:
    if not entry.number or entry.number not in question.numbers:
        return 0.0
    how = 1.0 - _CUT * question.numbers.index(entry.number)
    grid = entry.kind == "grid"
    if not question.kind:
        return how * _BARE if grid else how
    return how if grid == (question.kind == "grid") else how * _OTHER_KIND


def _measure_own(entry: Entry, question: _Question, number: float) -> float:
    """Return how much of an entry's own name was typed, its number included."""
    typed = question.measure(entry.parts[-1])
    return (typed + number) / 2 if entry.number else typed


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


def _order(score: float, entry: Entry) -> tuple[float, int, int, str, str]:
    """Return the key by which answers are listed: score, kind, short before long, name."""
    kind = KINDS.index(entry.kind)
    return -round(score, 3), kind, len(entry.address), entry.address, entry.code


# --- answers -----------------------------------------------------------------------------------


def _tell_missing(entry: Entry, question: _Question) -> str:
    """Say which characters of a name that was typed are nowhere in an answer, two at least."""
    if question.letters or _score_code(entry.code.upper(), question.plain):
        return ""
    cells = zip(question.cells, _explain_cells(entry, question), question.weights, strict=True)
    missing = "".join(cell for cell, how, weight in cells if not how and weight == 1.0)
    return missing if len(missing) > 1 else ""


def _describe(entry: Entry, score: float, missing: str) -> Found:
    place = Place(
        *(entry.kind, entry.code, entry.name, entry.address, entry.grid, entry.grid_name),
        *(
            entry.community,
            entry.street,
            entry.community_code,
            entry.lon,
            entry.lat,
            round(score, 3),
        ),
        missing=missing,
    )
    return Found(place, entry.households)


def _describe_position(
    index: SearchIndex, locator: Locator | None, lon: float, lat: float
) -> list[Found]:
    """Answer a position with the grid that owns it, and a hint where none does."""
    name = f"{lon:.6f},{lat:.6f}"
    owner = locator.locate(lon, lat) if locator else None
    code = owner.grid_code if owner else None
    found = index.find_codes(code, 1) if code else []
    grid = found[0] if found else None
    place = Place(
        kind="position",
        code="",
        name=name,
        address=f"{grid.address} {name}" if grid else name,
        grid_code=grid.code if grid else "",
        grid_name=grid.name if grid else "",
        community=grid.community if grid else "",
        street=grid.street if grid else "",
        community_code=grid.community_code if grid else "",
        lon=lon,
        lat=lat,
        score=1.0,
        hint=owner.hint if owner else "",
    )
    return [Found(place, 0)]
