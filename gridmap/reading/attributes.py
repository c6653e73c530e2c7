"""Attributes of a city's tables: ids, households, storeys, kinds and codes out of what was written.

Every function takes a raw table (columns of the contract as they were found, index: the row's id)
and the list of findings, adds to the list, and returns a new table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gridmap.codes import is_community_code, make_community_codes, rank_positions
from gridmap.later import later
from gridmap.reading.columns import to_text
from gridmap.reading.findings import Finding, find_rows
from gridmap.tables import COUNTS

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
else:
    gpd = later("geopandas")
    pd = later("pandas")

#: More households than any building has: the column holds something else.
_MOST_HOUSEHOLDS = 100_000
_NUMBER = re.compile(r"([+-]?\d[\d,]*(?:\.\d+)?|[+-]?\.\d+)(?:户|戶|家|households|层|層|f)?", re.I)
_ROAD_KINDS = {
    "main_road": (
        *(
            "main_road",
            "major_road",
            "highway",
            "motorway",
            "trunk",
            "primary",
            "secondary",
            "expressway",
            "arterial",
        ),
        *("高速", "高速公路", "快速路", "快速干道", "主干道", "主干路", "次干道", "次干路", "国道"),
        *("省道", "一级公路", "二级公路", "城市主干路", "城市次干路", "城市快速路"),
    ),
    "street": (
        *(
            "street",
            "minor_road",
            "tertiary",
            "unclassified",
            "residential",
            "living_street",
            "road",
            "busway",
        ),
        *(
            "支路",
            "支道",
            "城市支路",
            "街道",
            "街巷",
            "县道",
            "乡道",
            "村道",
            "三级公路",
            "四级公路",
        ),
    ),
    "path": (
        *("path", "footway", "cycleway", "pedestrian", "steps", "track", "bridleway", "corridor"),
        *("service", "platform", "小路", "步行街", "人行道", "步道", "小区内部路", "内部道路"),
        *("内部路", "胡同", "里弄", "巷道"),
    ),
}
_BARRIER_KINDS = {
    "railway": ("railway", "rail", "light_rail", "narrow_gauge", "subway", "tram", "铁路", "轨道"),
    "river": (
        *("river", "water", "canal", "stream", "waterway", "lake", "wetland", "河流", "河", "水系"),
        *("水体", "水域", "湖", "湖泊", "运河", "沟渠", "水库"),
    ),
}

_ZONE_KINDS = {
    "park": ("park", "公园", "绿地", "广场", "景区", "风景区", "游园"),
    "mall": ("mall", "商场", "商圈", "购物中心", "商业综合体", "综合体", "百货", "步行街", "商业"),
    "school": (
        "school",
        "学校",
        "校园",
        "幼儿园",
        "小学",
        "中学",
        "高中",
        "大学",
        "高校",
        "college",
    ),
    "hospital": ("hospital", "医院", "医疗机构", "卫生院", "医疗", "clinic"),
    "market": ("market", "市场", "农贸市场", "菜市场", "集贸市场", "批发市场", "专业市场"),
    "office": (
        *("office", "办公", "写字楼", "楼宇", "商务楼宇", "商务楼", "办公楼", "机关", "机关单位"),
        *("企业", "企事业单位", "园区", "产业园", "产业园区", "工业园区", "行政中心"),
    ),
    "other": ("other", "其他", "其它"),
}
_ESTATES = {
    "old_estate": (
        *("old_estate", "老旧小区", "老旧", "老小区", "老旧小区/无物业", "老旧散小区", "无物业"),
        *("无物业小区", "开放式小区", "开放小区", "弃管小区", "弃管楼"),
    ),
    "managed_estate": (
        *("managed_estate", "物业小区", "商品房", "物业小区/商品房", "商品房小区", "有物业"),
        *("物业管理小区", "有物业小区", "封闭小区", "封闭式小区", "商品住宅"),
    ),
    "rural": ("rural", "农村", "村", "农村/村", "乡村", "村庄", "行政村", "自然村", "农村社区"),
}
_KINDS = {"streets": _ROAD_KINDS, "barriers": _BARRIER_KINDS, "zones": _ZONE_KINDS}


def settle_ids(
    frame: gpd.GeoDataFrame, table: str, column: str, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Make the id column the index: text, none missing (b1, b2 … are given), none twice."""
    empty = pd.Series("", frame.index, dtype="str")
    given = to_text(frame[column]) if column in frame else empty
    missing = (given == "").to_numpy()
    ids = _fill_ids(given.tolist(), table[0])
    if missing.all():
        problem = f"no ids: {ids[0]} to {ids[-1]} are given in the order of the rows"
        findings.append(Finding(table, "", column, "", problem, "noted"))
    else:
        rows = [ids[at] for at in np.flatnonzero(missing)]
        findings += find_rows(
            table, rows, column, [""] * len(rows), problem="id given", action="repaired"
        )
    unique = _part_twins(ids)
    changed = [at for at, name in enumerate(unique) if name != ids[at]]
    problem = "id stands in several rows: made unique"
    rows, values = [unique[at] for at in changed], [ids[at] for at in changed]
    findings += find_rows(table, rows, column, values, problem=problem, action="repaired")
    return frame.drop(columns=column, errors="ignore").set_axis(
        pd.Index(unique, dtype="str", name=column), axis=0
    )


def drop_totals(frame: gpd.GeoDataFrame, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Leave out the rows that add up others, and compare what they say with the sum.

    A 小计 adds up the rows since the total before it, a 总计 all rows, a 合计 or 共计 those since
    the one before, or the rows below where it stands above them.

    Parameters
    ----------
    frame : GeoDataFrame
        Rows in the order of the file, with the columns ``row`` and ``total`` of
        `gridmap.reading.sources.read_pieces`.
    """
    kinds = frame["total"].to_numpy(object)
    if not (kinds != "").any():
        return frame
    nothing = pd.Series(np.nan, frame.index)
    values, _ = parse_numbers(frame.get("households", nothing))
    for at in np.flatnonzero(kinds != ""):
        rows = _summed_rows(kinds, int(at))
        total = float(np.nansum(values[rows]))
        same = np.isnan(values[at]) or values[at] == total
        said = kinds[at] if np.isnan(values[at]) else f"{kinds[at]} {values[at]:.15g}"
        value = f"{said}, {len(rows)} rows have {total:.15g}"
        problem = (
            "a total: left out" if same else "a total that is not the sum of its rows: left out"
        )
        row = str(frame["row"].iloc[at])
        findings.append(Finding("buildings", row, "households", value, problem, "noted"))
    return frame[kinds == ""]


def settle_households(
    frame: gpd.GeoDataFrame, findings: list[Finding], table: str = "buildings"
) -> gpd.GeoDataFrame:
    """Make ``households`` whole numbers from 0; what can't be read as one is refused.

    A missing number counts as 0, which is reported unless the row is ``unlisted``: then it was.
    """
    given = frame.get("households", pd.Series("", frame.index, dtype="str"))
    values, rewritten = parse_numbers(given)
    written = to_text(given).to_numpy(object)
    missing = written == ""
    unlisted = frame["unlisted"].eq(True).to_numpy() if "unlisted" in frame else np.False_
    wrong = ~missing & ~np.isfinite(values)
    negative, huge = values < 0, values > _MOST_HOUSEHOLDS
    whole = np.floor(np.where(np.isfinite(values), values, 0) + 0.5)
    kinds = (
        (wrong, "not a number", "refused"),
        (negative, "below 0", "refused"),
        (huge, f"more than {_MOST_HOUSEHOLDS}: is this another column?", "refused"),
        (missing & ~unlisted, "missing: counted as 0", "repaired"),
        (rewritten & ~negative & ~huge, "read as the number in it", "repaired"),
        (np.isfinite(values) & (values != whole), "not whole: rounded half up", "repaired"),
    )
    for rows, problem, action in kinds:
        ids = frame.index[rows]
        findings += find_rows(
            table, ids, "households", written[rows], problem=problem, action=action
        )
    counted = np.where(wrong | negative | huge | missing, 0, whole).astype(np.int64)
    return frame.assign(households=counted)


def settle_floors(frame: gpd.GeoDataFrame, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Make ``floors`` numbers, unknown (NaN) where none can be read."""
    if "floors" not in frame:
        return frame.assign(floors=np.nan)
    values, _ = parse_numbers(frame["floors"])
    written = to_text(frame["floors"]).to_numpy(object)
    wrong = (written != "") & ~(np.isfinite(values) & (values >= 0))
    problem = "no number of floors: taken as unknown"
    ids = frame.index[wrong]
    findings += find_rows(
        "buildings", ids, "floors", written[wrong], problem=problem, action="noted"
    )
    return frame.assign(floors=np.where(wrong, np.nan, values))


def parse_numbers(values: pd.Series) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Read numbers, also full-width digits and such as 12户 or 1,200.

    Returns
    -------
    numbers : array of float
        NaN where there is none.
    rewritten : array of bool
        True where text had to be understood, not only converted.

    Examples
    --------
    >>> parse_numbers(pd.Series(["12", "１２", "12户", "many"]))
    (array([12., 12., 12., nan]), array([False,  True,  True, False]))
    """
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return values.to_numpy(np.float64, na_value=np.nan), np.zeros(len(values), np.bool_)
    texts = to_text(values)
    plain = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    # Python takes full-width digits for digits, and so may pandas: only ASCII counts as plain.
    ascii_only = np.array([text.isascii() for text in texts], np.bool_)
    plain = np.where(ascii_only, plain, np.nan)
    found = np.array([_number_in(text) for text in texts.where(np.isnan(plain), "")], np.float64)
    return np.where(np.isnan(plain), found, plain), ~np.isnan(found)


def settle_kinds(
    frame: gpd.GeoDataFrame, table: str, findings: list[Finding], default: str
) -> gpd.GeoDataFrame:
    """Translate OSM and Chinese classes to the kinds of the table; unknown ones are ``default``."""
    frame = frame.assign(kind=frame.get("kind", ""))
    return _translate(frame, table, "kind", _KINDS[table], default, findings)


def settle_estates(
    frame: gpd.GeoDataFrame, table: str, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Translate the kinds of estates, "" where none is known; a frame without them stays so."""
    if "estate_type" not in frame:
        return frame
    return _translate(frame, table, "estate_type", _ESTATES, "", findings)


def settle_entrance_counts(frame: gpd.GeoDataFrame, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Make the numbers of entrances whole, 0 where unknown; a frame without them stays so."""
    if "entrances" not in frame:
        return frame
    values, _ = parse_numbers(frame["entrances"])
    written = to_text(frame["entrances"]).to_numpy(object)
    known = np.isfinite(values) & (values >= 0) & (values < _MOST_HOUSEHOLDS)
    wrong = (written != "") & ~(known & (values == np.floor(values)))
    problem = "no number of entrances: taken as unknown"
    findings += find_rows(
        *("buildings", frame.index[wrong], "entrances", written[wrong]),
        problem=problem,
        action="noted",
    )
    return frame.assign(entrances=np.where(known & ~wrong, values, 0).astype(np.int64))


def settle_work_counts(frame: gpd.GeoDataFrame, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Make what is counted besides households whole, 0 where nothing is; columns need not exist."""
    for name in COUNTS:
        if name in frame:
            values, _ = parse_numbers(frame[name])
            written = to_text(frame[name]).to_numpy(object)
            known = np.isfinite(values) & (values >= 0) & (values <= _MOST_HOUSEHOLDS)
            wrong = (written != "") & ~(known & (values == np.floor(values)))
            findings += find_rows(
                *("buildings", frame.index[wrong], name, written[wrong]),
                problem="no count: taken as 0",
                action="noted",
            )
            counts = np.where(known & ~wrong, values, 0).astype(np.int64)
            frame = frame.assign(**{name: counts})
    return frame


def _translate(
    frame: gpd.GeoDataFrame,
    table: str,
    column: str,
    known: Mapping[str, Sequence[str]],
    default: str,
    findings: list[Finding],
) -> gpd.GeoDataFrame:
    """Translate the classes of a column; those that are not known are counted in the report."""
    kinds = {name: kind for kind, names in known.items() for name in names}
    given = to_text(frame[column])
    plain = given.str.casefold().str.removesuffix("_link")
    translated = plain.map(kinds)
    counts = given[translated.isna()].value_counts().sort_index()
    values = [f"{value or 'no class'} × {number}" for value, number in counts.items()]
    problem = f"unknown class, taken as {default or 'none'}"
    findings += find_rows(
        table, [""] * len(values), column, values, problem=problem, action="noted"
    )
    return frame.assign(**{column: translated.fillna(default).astype("str")})


def settle_texts(frame: gpd.GeoDataFrame, columns: Iterable[str]) -> gpd.GeoDataFrame:
    """Make text columns text, "" where there is none."""
    empty = pd.Series("", frame.index, dtype="str")
    return frame.assign(
        **{name: to_text(frame[name]) if name in frame else empty for name in columns}
    )


def settle_codes(communities: gpd.GeoDataFrame, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Give every community a 12-digit code: its own, its id if that is one, else a placeholder."""
    ids = communities.index.to_series()
    given = settle_texts(communities, ["code"])["code"].map(_plain_digits)
    valid, valid_ids = (np.array([*map(is_community_code, each)]) for each in (given, ids))
    own = given.where(valid, ids.where(valid_ids, ""))
    wrong = (given != "") & ~valid & (given != ids)
    twice = own.duplicated() & (own != "")
    for rows, values, problem in (
        (wrong, given, "not the 12-digit code of a community: replaced"),
        (twice, own, "code of another community too: replaced"),
    ):
        found = values[rows.to_numpy()]
        findings += find_rows(
            "communities", found.index, "code", found, problem=problem, action="repaired"
        )
    own = own.where(~twice, "")
    missing = (own == "").to_numpy()
    if missing.any():
        value = f"{missing.sum()} of {len(own)}"
        problem = "communities without a 12-digit code: placeholders 999999… are given"
        findings.append(Finding("communities", "", "code", value, problem, "noted"))
    codes = own.to_numpy(object)
    free = np.array(free_codes(int(missing.sum()), set(own)), dtype=object)
    codes[missing] = free[rank_areas(communities.geometry[missing])]
    return communities.assign(code=pd.Series(codes, communities.index, dtype="str"))


def rank_areas(shapes: gpd.GeoSeries) -> npt.NDArray[np.int64]:
    """Rank areas in rows from north to south, W to E inside a row; a row is a median area high."""
    points, bounds = shapes.representative_point(), shapes.bounds
    height = float((bounds["maxy"] - bounds["miny"]).median())
    return rank_positions(points.x, points.y, height)


def free_codes(number: int, used: set[str]) -> list[str]:
    """Return the first placeholder codes of communities that are not in use."""
    codes = make_community_codes(range(number + len(used)))
    return [code for code in codes if code not in used][:number]


def _summed_rows(kinds: npt.NDArray[np.object_], at: int) -> npt.NDArray[np.int64]:
    """Return the rows that the total in row ``at`` adds up."""
    ordinary = np.flatnonzero(kinds == "")
    ends = np.flatnonzero(kinds != "" if kinds[at] == "小计" else np.isin(kinds, ("合计", "共计")))
    if kinds[at] == "总计":
        return ordinary
    before, after = ends[ends < at], ends[ends > at]
    start = before[-1] if len(before) else -1
    above = ordinary[(ordinary > start) & (ordinary < at)]
    stop = after[0] if len(after) else len(kinds)
    return above if len(above) else ordinary[(ordinary > at) & (ordinary < stop)]


def _fill_ids(ids: Sequence[str], prefix: str) -> list[str]:
    """Put prefix + row number where the id is "", with dashes as long as that is taken."""
    taken = set(ids)
    filled = []
    for at, given in enumerate(ids, 1):
        name = given or f"{prefix}{at}"
        while not given and name in taken:
            name += "-"
        filled.append(name)
    return filled


def _part_twins(ids: Sequence[str]) -> list[str]:
    """Add -2, -3 … to ids that stood in an earlier row."""
    taken, seen, next_number = set(ids), set[str](), dict[str, int]()
    unique = []
    for name in ids:
        number = next_number.get(name, 2)
        new = name
        while new in seen or (new != name and new in taken):
            new, number = f"{name}-{number}", number + 1
        next_number[name] = number
        seen.add(new)
        unique.append(new)
    return unique


def _number_in(text: str) -> float:
    """Return the number that a text speaks of, NaN if it is none."""
    match = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).replace(" ", ""))
    return float(match.group(1).replace(",", "")) if match else np.nan


def _plain_digits(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace(" ", "")
