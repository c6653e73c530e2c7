"""A list of buildings without coordinates meets footprints: by compound and building number.

Offices keep two things: a list (楼栋台账) that counts households, and a drawing of the buildings,
each with a compound (小区) and a number (楼号), and each written as the clerk of the day did. Both
are brought to one spelling; only an exact match of that counts, for a wrong building is worse than
a row to look at.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.attributes import parse_numbers
from gridmap.columns import to_text
from gridmap.findings import Finding, find_rows

#: Compound and number, each in one spelling.
Key = tuple[str, str]
#: Where a footprint is: its piece, and its position there.
Place = tuple[int, int]

_DIGITS = {digit: number % 10 for number, digit in enumerate("零一二三四五六七八九〇")} | {"两": 2}
_TENS = {"十": 10, "百": 100}
_CHINESE = "".join((*_DIGITS, *_TENS))
_DASHES = re.compile(r"[-‐‑‒–—―−－~〜]+")
_ENTRANCE = re.compile(rf"([A-Z0-9甲乙丙丁戊东西南北中{_CHINESE}]+?)(?:单元|門|门)$")
#: The words for a building after its number; 号楼 before 号.
_BUILDING = re.compile(r"号楼|#楼|号|栋楼|栋|幢楼|幢|座|#|楼")
_NUMERAL = re.compile(rf"(?<![^\-])[{_CHINESE}]+(?![^\-])")

#: Characters before 区 and 市 where these end no name of a district or city: 小区, 东区, 超市.
_NO_DISTRICT = "东西南北中新老旧内外前后左右上下一二三四五六七八九十小社厂校园矿库院营景林牧特片街宅活属军期"
_NO_CITY = "都城超集菜花夜门闹早"
_NAME = "[\\u4e00-\\u9fff]"
_PREFIX = re.compile(
    rf"(?:{_NAME}{{2,3}}省)?"
    rf"(?:{_NAME}{{2,4}}?(?<![{_NO_CITY}])市)?"
    rf"(?:{_NAME}{{2,3}}?(?<![{_NO_DISTRICT}])区|站前区)?"
    rf"(?:{_NAME}{{2,5}}?街道(?:办事处|办)?)?"
)
#: What is no name of a compound alone, so that what stands before it belongs to the name.
_GENERIC = ("小区", "花园", "家园", "公寓", "大院", "广场", "家属院", "家属楼", "住宅小区", "新村")
_BRACKETS = str.maketrans("【】〔〕[]{}「」《》<>", "()()()()()()()")


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
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper().translate(_BRACKETS)
    plain = re.sub(r"^(\d+)\.0$", r"\1", plain)
    entrance = _ENTRANCE.search(_DASHES.sub("-", plain))
    plain = plain[: -len(entrance.group())] if entrance else plain
    parts = _BUILDING.sub("-", re.sub(r"[()]", "-", plain).replace("第", ""))
    number = _DASHES.sub("-", parts).strip("-")
    return _write_numerals(number), _write_numerals(entrance.group(1)) if entrance else ""


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
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper().translate(_BRACKETS)
    name = plain[_PREFIX.match(plain).end() :]  # type: ignore[union-attr]  # it may match nothing
    return plain if len(name) < 2 or name in _GENERIC else name
