"""From what a person types to what is meant, the best first.

The question is read (`question`), names that resemble it and what hangs on them are taken from the
index, and each is judged (`scores`).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from gridmap.locate import Locator
from gridmap.search.entries import KINDS, Entry
from gridmap.search.index import OWN, SearchIndex
from gridmap.search.question import Question, read_question
from gridmap.search.scores import LEAST_DIGITS, Fit, Judge
from gridmap.search.spelling import ask_tokens

#: Names that are looked at, those of them that are followed, and entries that are compared.
_MOST_PARTS, _FOLLOWED, _MOST_ENTRIES = 60, 16, 200
#: Names of which everything that hangs on them is compared, where no number was typed.
_OPENED, _MOST_MEMBERS = 3, 60
#: Answers that score less, or that much less than the best, are none.
_LEAST, _FAR = 0.5, 0.3
#: What scores so fits exactly.
_EXACT = 1.0 - 1e-9
#: Where several fit exactly none is the one: each loses this.
_SHARED = 0.05
#: How well a thing must fit to be meant where it is the only answer.
_ONLY = 0.85
_NUMERAL = r"[-+]?[0-9]{1,3}\.[0-9]+"
_POSITION = re.compile(rf"\(?({_NUMERAL})°?[EN]?(?:[,;/|、]\s*|\s+)({_NUMERAL})°?[EN]?\)?")
_CODE = re.compile(r"(?=.*[0-9])[0-9A-Z]+")


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
        How well it fits, 0 to 1; 1 is what was typed, exactly, and nothing else fits so.
    hint : str
        Of a position without a grid: what could be wrong with it.
    missing : str
        Names that were typed and are not the answer's, or are nobody's, and characters that are
        nowhere in it, two at least: it may not be what was meant.
    sure : bool
        Whether it is meant without doubt: all that was typed is in its names, exactly, and in no
        other's; or it is the only answer, and fits well. Else ask before you send anybody.
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
    sure: bool = False


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
    question = read_question(index, text)
    judge, fits = Judge(question), dict[Entry, Fit]()
    for entry in (*_find_codes(index, question), *_find_entries(index, question, judge)):
        fits[entry] = fits.get(entry) or judge.judge(entry)
    kept = _keep_best(_share(fits))
    sure = _is_sure(kept)
    return [
        _describe(entry, fit, sure=sure and not at) for at, (entry, fit) in enumerate(kept[:most])
    ]


def _share(fits: dict[Entry, Fit]) -> dict[Entry, Fit]:
    """Lower the scores of those that fit exactly, where there are several."""
    exact = [entry for entry, fit in fits.items() if fit.score >= _EXACT]
    if len(exact) < 2:
        return fits
    return fits | {entry: fits[entry]._replace(score=1 - _SHARED) for entry in exact}


def _keep_best(fits: dict[Entry, Fit]) -> list[tuple[Entry, Fit]]:
    """Return what fits well enough, beside the best, in the order in which it is listed."""
    least = max(_LEAST, max((fit.score for fit in fits.values()), default=0.0) - _FAR)
    kept = [(entry, fit) for entry, fit in fits.items() if fit.score >= least]
    return sorted(kept, key=lambda found: _order(found[1].score, found[0]))


def _is_sure(kept: Sequence[tuple[Entry, Fit]]) -> bool:
    """Tell whether the first answer is meant without doubt."""
    if not kept or kept[0][1].missing:
        return False
    best = kept[0][1]
    if best.whole and (best.score >= _EXACT or sum(fit.whole for _, fit in kept) == 1):
        return True
    return len(kept) == 1 and best.score >= _ONLY


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


# --- candidates --------------------------------------------------------------------------------


def _find_codes(index: SearchIndex, question: Question) -> list[Entry]:
    plain = question.plain
    if len(plain) < LEAST_DIGITS or not _CODE.fullmatch(plain):
        return []
    return index.find_codes(plain, _MOST_ENTRIES)


def _find_entries(index: SearchIndex, question: Question, judge: Judge) -> list[Entry]:
    """Return what the question may mean: by names, and by the number where one was typed."""
    followed = [*question.followed, *_find_parts(index, question, judge)][:_FOLLOWED]
    found = index.find_linked(followed, (*question.numbers, OWN), _MOST_ENTRIES)
    if not question.numbers:
        for part in followed[:_OPENED]:
            found += index.find_members(part, _MOST_MEMBERS)
    elif all(question.numbered) and (question.numbered or not question.cells):
        found += index.find_numbered(tuple(question.numbers), _MOST_ENTRIES)
    return found


def _find_parts(index: SearchIndex, question: Question, judge: Judge) -> list[int]:
    """Return names that resemble what is in no known name, the best first."""
    asked = question.name if question.letters else question.free
    parts = index.find_parts(ask_tokens(asked, letters=question.letters), _MOST_PARTS)
    if question.letters:  # among many that share letters the very name may be too far down
        parts = list(dict.fromkeys([*index.find_spelled(question.free), *parts]))
    parts.sort(key=lambda part: -judge.weigh_name(part[1]))
    return [number for number, _ in parts]


def _order(score: float, entry: Entry) -> tuple[float, int, int, str, str]:
    """Return the key by which answers are listed: score, kind, short before long, name."""
    kind = KINDS.index(entry.kind)
    return -round(score, 3), kind, len(entry.address), entry.address, entry.code


# --- answers -----------------------------------------------------------------------------------


def _describe(entry: Entry, fit: Fit, *, sure: bool) -> Found:
    place = Place(
        *(entry.kind, entry.code, entry.name, entry.address, entry.grid, entry.grid_name),
        *(
            entry.community,
            entry.street,
            entry.community_code,
            entry.lon,
            entry.lat,
            round(fit.score, 3),
        ),
        missing=fit.missing,
        sure=sure,
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
        sure=grid is not None,
    )
    return [Found(place, 0)]
