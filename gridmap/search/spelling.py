"""One spelling for names and for what is typed: characters, their sounds, and their letters.

A name is looked for three ways. By its characters (小雨社区), of which one may be wrong or missing;
by its sounds, for the usual wrong character is one that sounds the same (小鱼社区); and by letters,
the whole pinyin (xiaoyushequ) or its initials (xysq).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from gridmap.reading.addresses import write_plain

#: Words that people leave out.
GENERIC = re.compile("街道|社区|小区")
#: The words with which the name of a street office or of a community ends.
OFFICIAL = ("街道", "社区")
#: Other words for the same.
_SYNONYMS = (
    (re.compile("(?:街道)?办事处|街道办"), "街道"),
    (re.compile("(?:社区)?(?:居民委员会|居委会)"), "社区"),
    (re.compile("村?(?:村民委员会|村委会)"), "村"),
)
_HANZI = "[\u3400-\u9fff]"
#: A character of its own, or a run of digits or letters.
_PARTS = re.compile(rf"{_HANZI}|[0-9]+|[A-Za-z]+")
#: Letters of a word that stands for one syllable or more can't be told from one another below this.
_LONG = 3


@lru_cache(maxsize=20_000)
def write_name(text: str) -> str:
    """Bring a name to one spelling, and words for an office or a community to one word.

    Examples
    --------
    >>> write_name("小雨 居委会"), write_name("建设街道办事处")
    ('小雨社区', '建设街道')
    """
    name = write_plain(text)
    for words, word in _SYNONYMS:
        name = words.sub(word, name)
    return name


@lru_cache(maxsize=20_000)
def write_key(name: str) -> str:
    """Return what of a name in one spelling is compared: characters, digits and letters.

    Examples
    --------
    >>> write_key("幸福小区(一期)")
    '幸福小区一期'
    """
    return "".join(split_characters(name))


@lru_cache(maxsize=20_000)
def drop_generic(name: str) -> str:
    """Leave out words such as 街道 and 社区, unless nothing else is there.

    Examples
    --------
    >>> drop_generic("建设街道小雨社区"), drop_generic("社区")
    ('建设小雨', '社区')
    """
    return GENERIC.sub("", name) or name


def split_characters(text: str) -> list[str]:
    """Return the characters of a text, and its runs of digits and of letters.

    Examples
    --------
    >>> split_characters("第12社区A")
    ['第', '12', '社', '区', 'A']
    """
    return _PARTS.findall(text)


def find_generic(text: str) -> list[bool]:
    """Tell of each part of `split_characters` whether it belongs to a word such as 社区.

    Examples
    --------
    >>> find_generic("小雨社区")
    [False, False, True, True]
    """
    words = [word.span() for word in GENERIC.finditer(text)]
    return [
        any(start <= part.start() < end for start, end in words) for part in _PARTS.finditer(text)
    ]


@lru_cache(maxsize=20_000)
def spell(text: str) -> tuple[str, ...]:
    """Return the sound of each part of `split_characters`, without tones, in lower case.

    Examples
    --------
    >>> spell("小雨社区3")
    ('xiao', 'yu', 'she', 'qu', '3')
    """
    from pypinyin import lazy_pinyin  # late: its dictionary takes a quarter of a second

    return tuple(
        sound.lower()
        for run in re.findall(rf"{_HANZI}+|[0-9]+|[A-Za-z]+", text)
        for sound in lazy_pinyin(run)
    )


class Runs(NamedTuple):
    """The characters and sounds of a text, alone and in pairs."""

    parts: tuple[str, ...]
    sounds: tuple[str, ...]
    singles: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    sound_singles: frozenset[str]
    sound_pairs: frozenset[tuple[str, str]]


@lru_cache(maxsize=20_000)
def list_runs(text: str) -> Runs:
    """Return the characters and sounds of a text.

    Examples
    --------
    >>> list_runs("小雨").pairs, list_runs("小雨").sounds
    (frozenset({('小', '雨')}), ('xiao', 'yu'))
    """
    parts, sounds = tuple(split_characters(text)), spell(text)
    return Runs(
        *(parts, sounds, frozenset(parts), frozenset(pairwise(parts))),
        *(frozenset(sounds), frozenset(pairwise(sounds))),
    )


@lru_cache(maxsize=20_000)
def list_letters(name: str) -> tuple[str, ...]:
    """Return the ways in which a name is typed in letters, the longest first.

    Examples
    --------
    >>> list_letters("小雨社区")
    ('xiaoyushequ', 'xiaoyu', 'xysq', 'xy')
    """
    forms = set()
    for sounds in (spell(name), spell(drop_generic(name))):
        forms.add("".join(sounds))
        forms.add("".join(sound if sound.isdigit() else sound[0] for sound in sounds))
    return tuple(sorted(forms - {""}, key=lambda form: (-len(form), form)))


def make_tokens(name: str) -> list[str]:
    """Return the tokens under which a name is indexed; the first letter says of which kind.

    Examples
    --------
    >>> make_tokens("雨")
    ['h雨', 'syu', 'iy', 'iyu']
    """
    core = drop_generic(name)
    tokens = [*_hanzi_tokens(core), *_sound_tokens(core)]
    for form in sorted(list_letters(name), key=len):
        tokens += _letter_tokens(form)
    return list(dict.fromkeys(tokens))


def ask_tokens(text: str, *, letters: bool) -> list[str]:
    """Return the tokens to look for, of a text in one spelling.

    Parameters
    ----------
    text : str
        What was typed, without the number of a building.
    letters : bool
        Whether it is pinyin.
    """
    if letters:
        return list(dict.fromkeys(_letter_tokens(text)))
    core = drop_generic(text)
    return list(dict.fromkeys([*_hanzi_tokens(core), *_sound_tokens(core)]))


def _hanzi_tokens(core: str) -> list[str]:
    parts = split_characters(core)
    return [f"h{part}" for part in parts] + [f"h{pair}" for pair in _join_pairs(parts)]


def _sound_tokens(core: str) -> list[str]:
    sounds = spell(core)
    return [f"s{sound}" for sound in sounds] + [f"s{pair}" for pair in _join_pairs(sounds)]


def _letter_tokens(form: str) -> list[str]:
    return [f"i{form[at : at + 2]}" for at in range(max(len(form) - 1, 1))] + [
        f"l{form[at : at + _LONG]}" for at in range(len(form) - _LONG + 1)
    ]


def _join_pairs(parts: Sequence[str]) -> list[str]:
    return [one + other for one, other in pairwise(parts)]
