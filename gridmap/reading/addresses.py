"""A list of buildings without coordinates meets footprints: by compound and building number.

Offices keep two things: a list (楼栋台账) that counts households, and a drawing of the buildings,
each with a compound (小区) and a number (楼号), and each written as the clerk of the day did. Both
are brought to one spelling; only an exact match of that counts, for a wrong building is worse than
a row to look at.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from gridmap.later import later
from gridmap.reading.attributes import parse_numbers
from gridmap.reading.columns import to_text
from gridmap.reading.findings import Finding, find_rows
from gridmap.tables import COUNTS

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
else:
    gpd = later("geopandas")
    pd = later("pandas")

#: Compound and number, each in one spelling.
Key = tuple[str, str]
#: Where a footprint is: its piece, and its position there.
Place = tuple[int, int]

_DIGITS = {digit: number % 10 for number, digit in enumerate("零一二三四五六七八九〇")} | {"两": 2}
_TENS = {"十": 10, "百": 100}
_CHINESE = "".join((*_DIGITS, *_TENS))
_DASHES = re.compile(r"[-‐‑‒–—―−－~〜]+")
_COUNT = f"[0-9{_CHINESE}]+"
_ENTRANCE = re.compile(
    rf"([A-Z0-9甲乙丙丁戊东西南北中{_CHINESE}]+?)(?:单元|门洞)$|(?<=[楼栋幢座#号-])({_COUNT})门$"
)
#: The words for a building after its number; 号楼 before 号.
_BUILDING = re.compile(r"号楼|#楼|号|栋楼|栋|幢楼|幢|座|#|楼")
_NUMERAL = re.compile(rf"(?<![^\-])[{_CHINESE}]+(?![^\-])")

#: Characters before 区 and 市 where these end no name of a district or city: 小区, 东区, 超市.
_NO_DISTRICT = "东西南北中新老旧内外一二三四五六七八九十小社厂校园矿库院营景林牧特片街宅活属军期"
_NO_CITY = "都城超集菜花夜门闹早"
_NAME = "[\u4e00-\u9fff]"
#: 街, 路, 道 and 区 are in no city's name, and 市府路 or 市场街 is a road: 市 ends no city there.
_CITY = rf"(?:(?![街路道区]){_NAME}){{2,4}}?(?<![{_NO_CITY}])市(?![府场])"
_REGION = re.compile(
    rf"(?:{_NAME}{{2,3}}省)?(?:{_CITY})?(?:{_NAME}{{2,3}}?(?<![{_NO_DISTRICT}])区)?"
)
_PREFIX = re.compile(rf"{_REGION.pattern}(?:{_NAME}{{2,5}}?街道(?:办事处|办)?)?")
#: What is no name of a compound alone, so that what stands before it belongs to the name.
_GENERIC = ("小区", "花园", "家园", "公寓", "大院", "广场", "家属院", "家属楼", "住宅小区", "新村")
#: A home or a floor that says so (501室, 东户, 5层), and numbers that are one by what is before
#: them: an entrance (2单元501, 2门5楼501) or a building (3号楼501, 3栋2-501, 3号楼5楼).
_HOME = re.compile(
    rf"(?:[-,]?[0-9]{{1,4}}[室户房]|[-,]?{_COUNT}层"
    rf"|(?<=单元|门洞|[0-9{_CHINESE}]门)[-,]?(?:{_COUNT}楼)?(?:{_COUNT}号?)?"
    rf"|(?<=[楼栋幢座#])[-,]?{_COUNT}楼(?:[0-9]{{1,4}})?"
    r"|(?<=[楼栋幢座#号])[-,]?(?:[0-9]{1,2}-)?[0-9]{3,4})?(?:[东西南北中]{1,2}户)?$"
)
_PIECE = (
    rf"(?:[A-Z]?[0-9]+[A-Z]?|[A-Z]|[甲乙丙丁戊][0-9]*|[东西南北中](?=[座栋幢楼])|[{_CHINESE}]+)"
)
#: A number with its word, anywhere (2栋3号楼), or bare at the end (3, 12-3).
_NUMBERED = re.compile(
    rf"(?:第?{_PIECE}(?:-{_PIECE})*(?:{_BUILDING.pattern}))+|(?:第|NO\.?)?[0-9]+[A-Z]?(?:-[0-9]+)*$"
)
_BRACKETS = str.maketrans("【】〔〕[]{}「」《》<>", "()()()()()()()")


class Address(NamedTuple):
    """An address in one spelling, in parts.

    Parameters
    ----------
    name : str
        Everything but the number: street office, community, compound, street.
    number : str
        The building's or house's number as `normalize_building_number` writes it, or "".
    entrance : str
        The unit (单元), or "".
    worded : bool
        Whether a word for a building stands with the number (3号楼), not the number alone.
    """

    name: str
    number: str
    entrance: str
    worded: bool


def split_address(text: str) -> Address:
    """Part the number of a building or house from the names before it; homes are left out.

    Examples
    --------
    >>> split_address("建设街道 小雨社区３号楼2单元501室")
    Address(name='建设街道小雨社区', number='3', entrance='2', worded=True)
    >>> [split_address(text)[:2] for text in ("小雨三幢", "永园街144号", "小雨12-3")]
    [('小雨', '3'), ('永园街', '144'), ('小雨', '12-3')]
    >>> [split_address(f"小雨3{home}")[:3] for home in ("号楼2单元501", "栋2-501", "号楼5楼东户")]
    [('小雨', '3', '2'), ('小雨', '3', ''), ('小雨', '3', '')]
    >>> split_address("七一路"), split_address("A座")[:2]
    (Address(name='七一路', number='', entrance='', worded=False), ('', 'A'))
    """
    plain = _DASHES.sub("-", write_plain(text))
    plain = _HOME.sub("", plain)
    plain, unit = _cut_entrance(plain)
    plain = plain.rstrip("-") if unit else plain
    numbered = list(_NUMBERED.finditer(plain))
    if not numbered:
        return Address(plain, "", unit, False)
    last = numbered[-1]
    number = normalize_building_number(last.group())[0]
    name = (plain[: last.start()] + plain[last.end() :]).strip("-")
    return Address(name, number, unit, not last.group()[-1].isalnum() or last.group()[-1] > "Z")


def write_plain(text: str) -> str:
    """Write full-width characters half-width, letters large, brackets round, without spaces.

    Examples
    --------
    >>> write_plain("小雨 【一期】 ３＃ a座")
    '小雨(一期)3#A座'
    """
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper().translate(_BRACKETS)


def strip_region(text: str) -> str:
    """Leave out the names of province, city and district before an address in one spelling.

    Examples
    --------
    >>> strip_region("辽宁省营口市站前区建设街道"), strip_region("超市")
    ('建设街道', '超市')
    >>> strip_region("跃进街道市府路60号"), strip_region("营口市市府路60号")
    ('跃进街道市府路60号', '市府路60号')
    """
    name = text[_REGION.match(text).end() :]  # type: ignore[union-attr]  # it may match nothing
    return name if len(name) >= 2 else text


def normalize_building_number(text: str) -> tuple[str, str]:
    """Bring a building's number to one spelling, and part the entrance from it.

    Width, spaces, words for a building, Chinese numerals, leading zeros and kinds of dashes make no
    difference. What is no number stays what it is (配电室).

    Returns
    -------
    number : str
        "" where there is none.
    entrance : str
        The unit (单元) that is named with it, else "".

    Examples
    --------
    >>> [normalize_building_number(text)[0] for text in ("3号楼", "3#", "３栋", "第三幢", "03 号")]
    ['3', '3', '3', '3', '3']
    >>> normalize_building_number("12-3号楼2单元"), normalize_building_number("Ａ座")
    (('12-3', '2'), ('A', ''))
    """
    plain = write_plain(text)
    plain = re.sub(r"^(\d+)\.0$", r"\1", plain.removeprefix("NO."))
    plain, entrance = _cut_entrance(_DASHES.sub("-", plain))
    parts = _BUILDING.sub("-", re.sub(r"[()]", "-", plain).replace("第", ""))
    number = _DASHES.sub("-", parts).strip("-")
    return _write_numerals(number), entrance


def _cut_entrance(plain: str) -> tuple[str, str]:
    """Part the entrance at the end from what is before it; "" where there is none."""
    found = _ENTRANCE.search(plain)
    if found is None:
        return plain, ""
    return plain[: found.start()], _write_numerals(found.group(1) or found.group(2))


def normalize_compound(text: str) -> str:
    """Bring a compound's name to one spelling.

    Width, spaces, case and kinds of brackets make no difference, nor do the names of province,
    city, district and street office before it. Words such as 小区 or 花园 belong to the name:
    幸福 and 幸福花园 may be two compounds.

    Examples
    --------
    >>> normalize_compound("营口市站前区建设街道 幸福小区（一期）")
    '幸福小区(一期)'
    >>> normalize_compound("万科东区花园"), normalize_compound("西市区")
    ('万科东区花园', '西市区')
    """
    plain = write_plain(text)
    name = plain[_PREFIX.match(plain).end() :]  # type: ignore[union-attr]  # it may match nothing
    return plain if len(name) < 2 or name in _GENERIC else name


def place_lists(
    pieces: Sequence[gpd.GeoDataFrame], findings: list[Finding]
) -> list[gpd.GeoDataFrame]:
    """Join lists without coordinates to the footprints of the same compound and number.

    What the list says goes to the footprint; where it is silent, and for the id, the footprint's
    own columns stay. Rows of one building that name different entrances are added up. A row that
    finds no footprint, or several, or that stands twice, is refused if it has households. A
    footprint that the list does not know is noted and marked ``unlisted``.

    Parameters
    ----------
    pieces : sequence of GeoDataFrame
        Layers of buildings as `sources.read_pieces` gives them, without totals. Those
        without any geometry are lists.
    findings : list of Finding
        What is found is added to it.

    Returns
    -------
    list of GeoDataFrame
        The footprints. Without any, lists that have columns of positions stay for the row by row
        report of those.
    """
    placed = [piece for piece in pieces if _find_shapes(piece).any()]
    lists = [piece for piece in pieces if not _find_shapes(piece).any()]
    if not placed:
        return [piece for piece in lists if not _refuse_homeless(piece, findings)]
    if not lists:
        return placed
    plain = [pd.DataFrame(piece.drop(columns="geometry")) for piece in lists]
    listed = pd.concat(plain, ignore_index=True)
    keys = _make_keys(listed)
    known: defaultdict[Key, list[Place]] = defaultdict(list)
    for number, piece in enumerate(placed):
        keyed = zip(_make_keys(piece), _find_shapes(piece), strict=True)
        for at, (key, shaped) in enumerate(keyed):
            if all(key[:2]) and shaped:
                known[key[:2]].append((number, at))
    found = _match_rows(listed, keys, known, placed, findings)
    joined = [_overlay(piece, listed, found, number) for number, piece in enumerate(placed)]
    total = sum(len(rows) for rows in found.values())
    problem = "rows of the list are joined to footprints by compound and number"
    value = f"{total} of {len(listed)}"
    findings.append(Finding("buildings", "", "number", value, problem, "noted"))
    return _mark_unlisted(joined, {key[:2] for key in keys}, known, findings)


def _find_shapes(piece: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """Tell which rows have a geometry that is not empty."""
    shapes = piece.geometry.to_numpy()
    return ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))


def _refuse_homeless(piece: gpd.GeoDataFrame, findings: list[Finding]) -> bool:
    """Refuse a list that has no columns of positions and no footprints to be joined to."""
    if piece.crs is None:
        problem = "a list without positions, and no layer of footprints to join it to"
        value = f"{len(piece)} rows from {piece['row'].iloc[0]}" if len(piece) else "no rows"
        findings.append(Finding("buildings", "", "", value, problem, "refused"))
    return piece.crs is None


def _make_keys(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return compound, number and entrance of each row, in one spelling."""
    texts = {
        name: to_text(frame[name]) if name in frame else pd.Series("", frame.index, dtype="str")
        for name in ("compound_id", "number", "entrance")
    }
    keys = []
    for compound, number, entrance in zip(*texts.values(), strict=True):
        name = normalize_compound(compound)
        plain, named = normalize_building_number(number)
        own = named or _write_numerals(entrance.removesuffix("单元"))
        keys.append((name, plain.removeprefix(name).strip("-"), own))
    return keys


def _match_rows(
    listed: pd.DataFrame,
    keys: Sequence[tuple[str, str, str]],
    known: Mapping[Key, list[Place]],
    placed: Sequence[gpd.GeoDataFrame],
    findings: list[Finding],
) -> dict[Place, list[int]]:
    """Find the rows of each footprint; report those that find none, or no single one."""
    rows_of: defaultdict[Key, list[int]] = defaultdict(list)
    for at, (compound, number, _) in enumerate(keys):
        rows_of[(compound, number)].append(at)
    found: dict[Place, list[int]] = {}
    unplaced: dict[int, str] = {}
    refused: dict[int, tuple[str, str]] = {}
    for key, rows in rows_of.items():
        places = known.get(key, [])
        entrances = {keys[at][2] for at in rows} - {""}
        if not places:
            problem = "no footprint of this compound and number"
            unplaced |= dict.fromkeys(rows, problem if all(key) else "no compound or no number")
        elif len(places) > 1:
            names = ", ".join(
                name for of, at in places for name in _name_rows(placed[of].iloc[[at]])
            )
            problem = "several footprints of this compound and number: number them, or join them"
            refused |= dict.fromkeys(rows, (problem, names))
        elif len(rows) > 1 and len(entrances) < len(rows):
            names = ", ".join(listed["row"].iloc[rows])
            problem = "several rows of this compound and number, without different entrances (单元)"
            refused |= dict.fromkeys(rows, (problem, names))
        else:
            found[places[0]] = rows
    _report_unmatched(listed, unplaced, refused, findings)
    return found


def _report_unmatched(
    listed: pd.DataFrame,
    unplaced: Mapping[int, str],
    refused: Mapping[int, tuple[str, str]],
    findings: list[Finding],
) -> None:
    """Refuse rows of the list; unplaced ones without households, or without text, are noted."""
    names, texts = listed["row"].tolist(), _describe_rows(listed)
    households = _households(listed)
    zero = parse_numbers(households)[0] == 0
    missing = (to_text(households) == "").to_numpy()
    for at, problem in sorted(unplaced.items()):
        nobody = zero[at] or (missing[at] and problem.startswith("no compound"))
        end, action = (", and no households: left out", "noted") if nobody else ("", "refused")
        findings.append(Finding("buildings", names[at], "number", texts[at], problem + end, action))
    for at, (problem, others) in sorted(refused.items()):
        text = f"{texts[at]}: {others}"
        findings.append(Finding("buildings", names[at], "number", text, problem, "refused"))


def _describe_rows(rows: pd.DataFrame) -> list[str]:
    """Write compound, number and households of rows of the list."""
    names = [to_text(rows[name]) for name in ("compound_id", "number")]
    households = [f"{text or 'no'} households" for text in to_text(_households(rows))]
    return [
        ", ".join(filter(None, (" ".join(filter(None, name)), count)))
        for name, count in zip(zip(*names, strict=True), households, strict=True)
    ]


def _households(rows: pd.DataFrame) -> pd.Series:
    """Return the households as they were written; a list that is to be estimated has none."""
    if "households" in rows:
        return rows["households"]
    return pd.Series("", rows.index, dtype="str")


def _name_rows(piece: pd.DataFrame) -> list[str]:
    """Name footprints by their ids, else by their rows."""
    ids = to_text(piece["building_id"]) if "building_id" in piece else [""] * len(piece)
    return [own or row for own, row in zip(ids, piece["row"], strict=True)]


def _overlay(
    piece: gpd.GeoDataFrame,
    listed: pd.DataFrame,
    found: Mapping[Place, list[int]],
    number: int,
) -> gpd.GeoDataFrame:
    """Write what the list says over the columns of the footprints."""
    rows = {at: some for (of, at), some in found.items() if of == number}
    given = listed.iloc[[some[0] for some in rows.values()]].copy()
    for name in given.columns.intersection(["households", *COUNTS], sort=False):
        counts = listed[name].astype(object)
        summed = [
            counts[some[0]] if len(some) == 1 else _add_up(counts[some]) for some in rows.values()
        ]
        given[name] = pd.Series(summed, given.index, dtype=object)
    at = np.array(list(rows), np.int64)
    changed = {}
    for name in given.columns.drop(["row", "total"]):
        values = np.full(len(piece), None, dtype=object)
        if name in piece:
            values = piece[name].astype(object).to_numpy(copy=True)
        filled = (to_text(given[name]) != "").to_numpy()
        if name == "building_id":
            own = to_text(pd.Series(values[at], dtype=object))
            filled = filled & (own == "").to_numpy()
        values[at[filled]] = given[name].astype(object).to_numpy()[filled]
        changed[name] = values
    return piece.assign(**changed)


def _add_up(counts: pd.Series) -> object:
    """Add up what is counted by entrance; what is no number is left for the report to refuse."""
    numbers, _ = parse_numbers(counts)
    return float(numbers.sum()) if np.isfinite(numbers).all() else " + ".join(to_text(counts))


def _mark_unlisted(
    pieces: Sequence[gpd.GeoDataFrame],
    listed: set[Key],
    known: Mapping[Key, list[Place]],
    findings: list[Finding],
) -> list[gpd.GeoDataFrame]:
    """Note and mark the footprints that no row of the list names."""
    in_list = {place for key, places in known.items() if key in listed for place in places}
    problem = (
        "a footprint in no row of the list: 0 households, unless it has its own or an estimate"
    )
    marked = []
    for number, piece in enumerate(pieces):
        unlisted = np.array([(number, at) not in in_list for at in range(len(piece))], np.bool_)
        rows = np.flatnonzero(unlisted)
        names = _name_rows(piece.iloc[rows])
        values = [" ".join(filter(None, key[:2])) for key in _make_keys(piece.iloc[rows])]
        findings += find_rows("buildings", names, "number", values, problem=problem, action="noted")
        marked.append(piece.assign(unlisted=unlisted))
    return marked


def _write_numerals(text: str) -> str:
    """Write Chinese numerals between dashes as digits, and no leading zeros.

    Examples
    --------
    >>> _write_numerals("二十三-〇五"), _write_numerals("甲"), _write_numerals("一百零二")
    ('23-5', '甲', '102')
    """
    plain = _NUMERAL.sub(lambda match: str(_read_numeral(match.group())), text)
    return re.sub(r"(?<!\d)0+(?=\d)", "", plain)


def _read_numeral(text: str) -> int:
    """Read a Chinese numeral below 1000, with tens and hundreds or digit by digit (一二: 12)."""
    total, digit = 0, 0
    for character in text:
        if character in _TENS:
            total += max(digit, 1) * _TENS[character]
            digit = 0
        elif any(tens in text for tens in _TENS):
            digit = _DIGITS[character]
        else:
            digit = digit * 10 + _DIGITS[character]
    return total + digit
