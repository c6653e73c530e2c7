"""The ways in which people type one building, and what each of them means.

For a town of any size: `list_typed` takes buildings at random and writes each in every form;
`measure` asks the search, and tells how often what was meant came first, and how often the search
was sure of something else.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pypinyin import lazy_pinyin

from gridmap.search import SearchIndex, search
from gridmap.search.entries import Entry

#: Characters of names, and one that sounds the same: the usual slip of a keyboard.
SOUND_ALIKE = dict(
    zip(
        "光顺泉丰花园家城苑佳嘉名新村祥福康瑞明和华金银永春景文学海安平泰林达民",
        "广舜全风华元加成院家佳明心存翔富糠锐鸣合花今吟勇椿井纹雪孩按评太琳答敏",
        strict=True,
    )
)
_NUMERALS = "零一二三四五六七八九"


class Typed(NamedTuple):
    """What somebody typed, in which form, and the codes of all that it fits alike."""

    form: str
    text: str
    means: frozenset[str]


class Rate(NamedTuple):
    """How a form did: of ``asked``, what was meant came first; the search was sure, and wrongly."""

    asked: int
    first: int
    sure: int
    wrong: int


def list_typed(entries: Sequence[Entry], count: int, seed: int = 7) -> list[Typed]:
    """Write buildings of compounds and houses of roads, so many of each, in every form."""
    draw = random.Random(seed)
    buildings = [one for one in entries if one.kind == "building" and one.number.isdigit()]
    blocks = [one for one in buildings if one.name == f"{one.number}号楼" and len(one.parts) == 3]
    houses = [one for one in buildings if one.name == f"{one.parts[-1]}{one.number}号"]
    alike = _Alike(buildings)
    typed: list[Typed] = []
    for one in draw.sample(blocks, min(count, len(blocks))):
        typed += _write_block(one, alike, draw)
        typed += _write_letters(one, alike)
        other = draw.choice([at for at in blocks if at.community != one.community])
        text = f"{other.community}{one.parts[-1]}{one.number}号楼"
        typed.append(Typed("another community", text, frozenset({one.code})))
    for one in draw.sample(houses, min(count, len(houses))):
        typed += _write_house(one, alike)
    return typed


class _Alike:
    """Which buildings are called alike: blocks of one community, and those that sound the same."""

    def __init__(self, buildings: Sequence[Entry]) -> None:
        self.names = {one.parts[-1] for one in buildings}
        self._blocks: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._heard: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in buildings:
            self._heard[_spell(one.parts[-1]), one.number].add(one.code)
            if one.name.endswith("号楼"):
                self._blocks[one.community, one.number].add(one.code)

    def blocks(self, one: Entry) -> frozenset[str]:
        return frozenset(self._blocks[one.community, one.number])

    def heard(self, one: Entry) -> frozenset[str]:
        return frozenset(self._heard[_spell(one.parts[-1]), one.number])


def _write_block(one: Entry, alike: _Alike, draw: random.Random) -> Iterator[Typed]:
    office, community, compound = one.street, one.community, one.parts[-1]
    number, alone = one.number, frozenset({one.code})
    yield Typed("community", f"{community}{number}号楼", alike.blocks(one))
    yield Typed("office, community", f"{office}{community}{number}号楼", alike.blocks(one))
    yield Typed("compound", f"{compound}{number}号楼", alone)
    yield Typed("address", f"{one.address}", alone)
    yield Typed("region, address", f"辽宁省营口市站前区{one.address}", alone)
    short = f"{office.removesuffix('街道')}{community.removesuffix('社区')}"
    yield Typed("abbreviated", f"{short}{compound}{number}", alone)
    for written in (f"{number}#", f"{number}栋", f"第{_write_numeral(number)}幢", f"{number}"):
        yield Typed("number", f"{compound}{written}", alone)
    for home in (
        "号楼2单元501",
        "号楼2单元501室",
        "-2-501",
        "号楼501",
        "号楼二单元五楼",
        "栋2-501",
    ):
        yield Typed("home", f"{compound}{number}{home}", alone)
    slips = _list_slips(compound, alike.names)
    if slips:
        slip = draw.choice(slips)
        yield Typed("slip", f"{slip}{number}号楼", alike.heard(one))
        yield Typed("slip, community", f"{community}{slip}{number}号楼", alone)
    gap = draw.randrange(len(compound))
    left = compound[:gap] + compound[gap + 1 :]
    yield Typed("gap, community", f"{community}{left}{number}号楼", alone)


def _list_slips(name: str, names: set[str]) -> list[str]:
    """Write a name with one character that sounds the same; none that is a name itself."""
    slips = (
        name[:at] + SOUND_ALIKE[letter] + name[at + 1 :]
        for at, letter in enumerate(name)
        if letter in SOUND_ALIKE
    )
    return [slip for slip in slips if slip not in names]


def _write_letters(one: Entry, alike: _Alike) -> Iterator[Typed]:
    compound, number, alone = one.parts[-1], one.number, frozenset({one.code})
    yield Typed("pinyin", f"{_spell(compound)}{number}haolou", alike.heard(one))
    yield Typed("pinyin, community", f"{_spell(one.community)}{_spell(compound)}{number}", alone)
    yield Typed("initials, community", f"{_begin(one.community + compound)}{number}hl", alone)
    mixed = f"{_begin(one.community + compound).upper()} {number}号楼"
    yield Typed("initials, 号楼", mixed, alone)


def _write_house(one: Entry, alike: _Alike) -> Iterator[Typed]:
    alone = frozenset({one.code})
    yield Typed("road", one.name, alone)
    yield Typed("road", f"{one.parts[-1]}{one.number}", alone)
    yield Typed("road, community", f"{one.community}{one.name}", alone)
    yield Typed("road, pinyin", f"{_spell(one.parts[-1])}{one.number}hao", alike.heard(one))


def _write_numeral(number: str) -> str:
    """Write a number as a clerk does: 三, 十二, 二十; above 99 in digits."""
    if len(number) > 2:
        return number
    tens, ones = divmod(int(number), 10)
    ten = f"{_NUMERALS[tens] if tens > 1 else ''}十" if tens else ""
    return ten + (_NUMERALS[ones] if ones or not tens else "")


def _spell(name: str) -> str:
    return "".join(lazy_pinyin(name))


def _begin(name: str) -> str:
    return "".join(sound[0] for sound in lazy_pinyin(name))


def measure(index: SearchIndex, typed: Sequence[Typed]) -> dict[str, Rate]:
    """Ask for everything, and return how each form did.

    The search is wrongly sure where it is sure of what was not meant, or of one of several that fit
    alike.
    """
    rates: dict[str, Rate] = {}
    for form, text, means in typed:
        best = [one.place for one in search(index, text, most=8)[:1]]
        asked, first, sure, wrong = rates.get(form, Rate(0, 0, 0, 0))
        right = bool(best) and best[0].code in means
        is_sure = bool(best) and best[0].sure
        wrong += is_sure and (not right or len(means) > 1)
        rates[form] = Rate(asked + 1, first + right, sure + is_sure, wrong)
    return rates
