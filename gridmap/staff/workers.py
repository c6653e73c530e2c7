"""Workers as an office lists them: Excel or CSV with Chinese columns, every bad row named.

A row is one term of one person: a cadre who comes twice in a year has two rows with one id, and
their days may not overlap.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import StaffError
from gridmap.plan import Plan
from gridmap.reading.attributes import parse_numbers
from gridmap.reading.findings import CityReport, Finding, find_rows
from gridmap.reading.lists import place_list, read_sheets, refuse_rows, settle_days
from gridmap.staff.case import BOUND_KINDS
from gridmap.tables import WORKERS, list_some

#: Column -> the names that it is recognised by, best first.
WORKER_COLUMNS: dict[str, tuple[str, ...]] = {
    "worker_id": ("worker_id", "网格员编号", "人员编号", "工号", "编号", "证件编号", "id", "序号"),
    "name": ("name", "姓名", "网格员姓名", "人员姓名", "网格员", "干部姓名"),
    "kind": ("kind", "类别", "人员类别", "人员类型", "网格员类别", "身份", "类型", "岗位类别"),
    "community": (
        *("community_id", "community", "所属社区", "社区", "社区名称", "社区编码", "下派社区"),
        *("派驻社区", "包保社区", "下沉社区", "所在社区"),
    ),
    "party": ("party", "党员", "是否党员", "政治面貌"),
    "skills": ("skills", "特长", "技能", "专业特长", "专长"),
    "office_phone": ("office_phone", "办公电话", "工作电话", "单位电话", "值班电话", "座机"),
    "phone": ("phone", "联系电话", "电话", "联系方式", "手机", "手机号", "手机号码"),
    "capacity": ("capacity", "可承担户数", "承担户数", "额定户数", "常规户数"),
    "limit": ("limit", "户数上限", "最多户数", "最高户数", "上限户数"),
    "days": ("days", "每周到岗天数", "到岗天数", "每周天数", "出勤天数"),
    "home_unit": ("home_unit", "派出单位", "工作单位", "所在单位", "原单位", "单位", "单位名称"),
    "starts": (
        *("starts", "开始日期", "到岗日期", "上岗日期", "起始日期", "下派日期", "轮换开始"),
        *("开始时间", "到岗时间"),
    ),
    "ends": (
        *(
            "ends",
            "结束日期",
            "离岗日期",
            "到期日期",
            "截止日期",
            "轮换结束",
            "结束时间",
            "到期时间",
        ),
    ),
}
_KINDS = {
    "community": ("community", "社区工作者", "社工", "专职社区工作者", "社区干部", "社区两委"),
    "cadre": (
        *("cadre", "下沉干部", "轮换干部", "机关干部", "选派干部", "包保干部", "下派干部", "干部"),
        *("轮岗干部", "企事业干部"),
    ),
    "recruit": ("recruit", "专职网格员", "招聘", "公开招聘", "招聘网格员", "专职", "全职"),
    "part_time": ("part_time", "兼职网格员", "兼职", "楼长", "单元长", "志愿者", "公益岗"),
}
_PARTY = {
    "full": ("full", "党员", "中共党员", "正式党员", "是", "中国共产党党员", "y", "yes", "1"),
    "probationary": ("probationary", "预备党员", "中共预备党员"),
    "": ("", "群众", "否", "非党员", "团员", "共青团员", "民主党派", "无", "n", "no", "0"),
}
_OPEN = ("", "长期", "至今", "无", "不限", "-")
_MOBILE = re.compile(r"(?:\+?86)?1[3-9]\d{9}")
#: Days in a week of who says nothing: a full-timer's, a part-timer's.
_FULL_DAYS, _PART_DAYS = 5.0, 2.5
_FAR_OFF = 100_000.0  # m from the city: no home or office from which one walks


def read_workers(
    path: str | Path,
    plan: Plan,
    *,
    columns: Mapping[str, str] | None = None,
    datum: str = "wgs84",
) -> gpd.GeoDataFrame:
    """Read the workers of a plan's city from a list.

    Parameters
    ----------
    path : str or Path
        Excel, CSV or a GIS file (`layers.list_layers`), one row a term. Longitude and
        latitude of home or office are optional.
    plan : Plan
        Whose communities and rules count. Communities are named or given by id or code.
    columns : mapping of str to str, optional
        A key of `WORKER_COLUMNS` -> the column in the file, where that has another name.
    datum : str
        Of degrees in the file.

    Returns
    -------
    GeoDataFrame
        `WORKERS` in the CRS of the plan. Who has no usual load in the file gets the rules' target,
        less by the days of a week that he is not there.

    Raises
    ------
    StaffError
        With the whole report, if any row can't be taken as it is.
    TableError
        If the file can't be read.
    """
    workers, report = _read(path, plan, columns or {}, datum)
    if report.status == "refused":
        raise StaffError(report.to_text(), report)
    return workers


def check_workers(
    path: str | Path,
    plan: Plan,
    *,
    columns: Mapping[str, str] | None = None,
    datum: str = "wgs84",
) -> CityReport:
    """Report everything that is wrong with a list of workers, row by row.

    Parameters are those of `read_workers`.

    Raises
    ------
    TableError
        If the file can't be read.
    """
    return _read(path, plan, columns or {}, datum)[1]


def _read(
    path: str | Path, plan: Plan, columns: Mapping[str, str], datum: str
) -> tuple[gpd.GeoDataFrame, CityReport]:
    """Read every row, and find what is wrong with each."""
    strange = sorted(set(columns) - set(WORKER_COLUMNS))
    if strange:
        raise StaffError(f"no column {list_some(strange)}; there are {', '.join(WORKER_COLUMNS)}")
    findings: list[Finding] = []
    raw = read_sheets(path, dict(_named(columns)))
    if raw.empty:
        findings.append(Finding("workers", "", "", str(path), "no rows", "refused"))
        return gpd.GeoDataFrame(), CityReport(tuple(findings), {}, "workers")
    frame = _settle(place_list(raw, plan.grids.crs, datum), plan, findings)
    refused = {found.row for found in findings if found.action == "refused"}
    counts = {"rows": len(raw), "refused": len(refused), "workers": len(raw) - len(refused)}
    return frame, CityReport(tuple(findings), counts, "workers")


def _named(columns: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return each column with the names to look for: those given alone, else the usual ones."""
    return [
        (name, (columns[name],) if name in columns else usual)
        for name, usual in WORKER_COLUMNS.items()
    ]


def _settle(raw: gpd.GeoDataFrame, plan: Plan, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Make the table of workers; what can't be is found, row by row."""
    text = pd.DataFrame({name: raw.get(name, "") for name in WORKER_COLUMNS}, raw.index).fillna("")
    _refuse(text.index[text["name"] == ""], text["name"], "name", "no name", findings)
    frame = pd.DataFrame(index=raw.index)
    frame["name"] = text["name"]
    frame["kind"] = _choose(text["kind"], "kind", _KINDS, findings)
    frame["community_id"] = _find_communities(text["community"], frame["kind"], plan, findings)
    frame["party"] = _choose(text["party"], "party", _PARTY, findings)
    frame["skills"] = text["skills"].str.replace(r"[、,，;；/\s]+", " ", regex=True)
    frame["phone"] = _choose_phones(text, findings)
    frame = frame.assign(**_settle_loads(text, frame["kind"], plan, findings))
    frame["home_unit"] = text["home_unit"]
    for name in ("starts", "ends"):
        frame[name] = settle_days(text, "workers", name, findings, blank=_OPEN)[name]
    backwards = frame["ends"] < frame["starts"]
    _refuse(frame.index[backwards], text["ends"], "ends", "before the first day", findings)
    ids = _settle_ids(text["worker_id"], frame, findings)
    placed = gpd.GeoDataFrame(frame, geometry=_keep_near(raw.geometry, plan, findings))
    placed = placed.assign(person=ids["person"])
    return placed.set_index(pd.Index(ids["worker_id"], name=WORKERS.index))[
        [*WORKERS.columns, "geometry"]
    ]


def _refuse(
    rows: Any, values: pd.Series, column: str, problem: str, findings: list[Finding]
) -> None:
    findings += refuse_rows("workers", column, values[rows], problem)


def _choose(
    values: pd.Series, column: str, words: Mapping[str, tuple[str, ...]], findings: list[Finding]
) -> pd.Series:
    """Translate words to the choices of a column."""
    known = {word: choice for choice, some in words.items() for word in some}
    found = values.str.casefold().str.replace(" ", "").map(known)
    unknown = found.index[found.isna()]
    some = [word for word in known if not word.isascii()]
    problem = f"not one of {list_some(some, 8)}" if (values != "").any() else "no such column"
    _refuse(unknown, values, column, problem, findings)
    return found.fillna(list(words)[-1]).astype("str")


def _find_communities(
    values: pd.Series, kinds: pd.Series, plan: Plan, findings: list[Finding]
) -> pd.Series:
    """Find each community by id, code or name; a name of two needs the street before it."""
    places = plan.city.communities
    keys: dict[str, list[str]] = {}
    for place, code, name, street in zip(
        places.index, places["code"], places["name"], places["street"], strict=True
    ):
        for key in {str(place), str(code), str(name), f"{street}{name}"}:
            keys.setdefault(key, []).append(str(place))
    ids = [keys.get(value.replace(" ", ""), []) for value in values]
    number = np.array([len(some) for some in ids])
    given = (values != "").to_numpy()
    _refuse(values.index[given & (number == 0)], values, "community", "no such community", findings)
    problem = "several communities of this name: write the street office before it, or the code"
    _refuse(values.index[number > 1], values, "community", problem, findings)
    bound = kinds.isin(BOUND_KINDS).to_numpy()
    problem = "a community worker or part-timer belongs to a community: name it"
    _refuse(values.index[~given & bound], values, "community", problem, findings)
    return pd.Series([some[0] if some else "" for some in ids], values.index, dtype="str")


def _choose_phones(text: pd.DataFrame, findings: list[Finding]) -> pd.Series:
    """Take the office's number; a private mobile number is left out, and said so."""
    plain = text["phone"].str.replace(r"[\s-]", "", regex=True)
    private = plain.str.fullmatch(_MOBILE) & (text["office_phone"] == "")
    problem = "a mobile number that is not called the office's is not kept (办公电话 would be)"
    findings += find_rows(
        "workers", text.index[private], "phone", ["…"] * int(private.sum()),
        problem=problem, action="noted",
    )  # fmt: skip
    office = text["phone"].where(~plain.str.fullmatch(_MOBILE), "")
    return text["office_phone"].where(text["office_phone"] != "", office)


def _settle_loads(
    text: pd.DataFrame, kinds: pd.Series, plan: Plan, findings: list[Finding]
) -> dict[str, pd.Series]:
    """Return days, usual load and limit of each worker."""
    rules = plan.rules.staffing
    usual_days = pd.Series(np.where(kinds == "part_time", _PART_DAYS, _FULL_DAYS), text.index)
    days = _read_numbers(text["days"], "days", findings).fillna(usual_days)
    _refuse(days.index[days > 7], text["days"], "days", "more than 7 days in a week", findings)
    usual = (rules.target_households * (days.clip(upper=_FULL_DAYS) / _FULL_DAYS)).round()
    capacity = _read_numbers(text["capacity"], "capacity", findings).fillna(usual)
    zero = (capacity < 1) & (text["capacity"] != "")
    _refuse(text.index[zero], text["capacity"], "capacity", "less than 1 household", findings)
    over = capacity > rules.max_households
    findings += find_rows(
        "workers", text.index[over], "capacity", text["capacity"][over],
        problem=f"more than the hard limit: {rules.max_households} is taken", action="repaired",
    )  # fmt: skip
    capacity = capacity.clip(1, rules.max_households).round().astype("int64")
    most = pd.Series([rules.limit_of(value) for value in capacity], text.index)
    limit = _read_numbers(text["limit"], "limit", findings).fillna(most)
    low = limit < capacity
    _refuse(text.index[low], text["limit"], "limit", "below what he usually carries", findings)
    limit = limit.clip(upper=rules.max_households).round().astype("int64")
    return {"capacity": capacity, "limit": limit, "days": days.astype("float64")}


def _read_numbers(values: pd.Series, column: str, findings: list[Finding]) -> pd.Series:
    """Read numbers of 0 and more; NaN where nothing is given or it is refused."""
    numbers = pd.Series(parse_numbers(values)[0], values.index)
    unread = numbers.isna() & (values != "")
    _refuse(values.index[unread], values, column, "not a number", findings)
    _refuse(values.index[numbers < 0], values, column, "below 0", findings)
    return numbers.where(numbers >= 0)


def _settle_ids(
    given: pd.Series, frame: pd.DataFrame, findings: list[Finding]
) -> dict[str, list[str]]:
    """Name each term: its person's id, /2 and so on from the second; find those that overlap."""
    missing = given == ""
    if missing.any():
        problem = "id given: W1, W2 … in the order of the rows"
        findings += find_rows(
            "workers", given.index[missing], "worker_id", given[missing],
            problem=problem, action="noted",
        )  # fmt: skip
    numbered = [f"W{at}" for at in range(1, len(given) + 1)]
    person = pd.Series(np.where(missing, numbered, given), given.index)
    terms = frame.assign(person=person).sort_values(["person", "starts"], kind="stable")
    _refuse_overlaps(terms, findings)
    place = terms.groupby("person").cumcount().reindex(given.index)
    ids = [f"{who}/{at + 1}" if at else str(who) for who, at in zip(person, place, strict=True)]
    return {"worker_id": ids, "person": [str(who) for who in person]}


def _refuse_overlaps(terms: pd.DataFrame, findings: list[Finding]) -> None:
    """Refuse terms of one person that share a day, and one id of two people."""
    ends = terms["ends"].fillna(pd.Timestamp.max.floor("D").as_unit("s"))
    latest = ends.groupby(terms["person"]).cummax().groupby(terms["person"]).shift()
    starts = terms["starts"].fillna(pd.Timestamp(1900, 1, 1))
    bad = terms.index[latest.notna() & (starts <= latest)]
    problem = "this term begins before the one before it of the same person ends"
    _refuse(bad, terms["person"], "worker_id", problem, findings)
    names = terms.groupby("person")["name"].nunique()
    twins = terms.index[terms["person"].isin(names.index[names > 1])]
    _refuse(twins, terms["person"], "worker_id", "one id of people of several names", findings)


def _keep_near(points: gpd.GeoSeries, plan: Plan, findings: list[Finding]) -> gpd.GeoSeries:
    """Leave out positions that are nowhere near the city, and say so."""
    west, south, east, north = plan.grids.total_bounds
    points = points.where(points.geom_type == "Point", None)
    x, y = points.x, points.y
    far = (x < west - _FAR_OFF) | (x > east + _FAR_OFF)
    far |= (y < south - _FAR_OFF) | (y > north + _FAR_OFF)
    findings += find_rows(
        "workers", points.index[far], "position", points[far].to_wkt(),
        problem="more than 100 km from the city: the position is left out", action="repaired",
    )  # fmt: skip
    return points.where(~far, None)
