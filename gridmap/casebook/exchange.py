"""Cases as tables: for figures, for Excel and CSV, and reports read from an office's list."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, select

from gridmap.casebook.lists import CaseQuery, walk_cases
from gridmap.casebook.schema import entries, votes, whistles
from gridmap.errors import CaseError, GridmapError
from gridmap.files import write_whole
from gridmap.incident_rules import Incidents
from gridmap.incidents.model import SOURCES, STAGE_NAMES, Case, Location, Report, Reporter
from gridmap.reading.findings import CityReport, Finding
from gridmap.reading.lists import Names, read_list, settle_words
from gridmap.rosters import undress, write_sheet
from gridmap.words import check_language

#: Columns of a list of reports, by the names that offices give them.
REPORT_NAMES: Names = {
    "category": ("category", "类别", "案件类别", "事件类别", "问题类别", "分类"),
    "description": ("description", "描述", "问题描述", "内容", "事项描述", "诉求内容"),
    "lon": ("lon", "经度", "lng", "longitude"),
    "lat": ("lat", "纬度", "latitude"),
    "datum": ("datum", "坐标系", "坐标基准"),
    "address": ("address", "地址", "位置", "事发地址", "地点"),
    "reported_at": ("reported_at", "上报时间", "报告时间", "受理时间", "时间"),
    "department": ("department", "责任部门", "主办部门", "部门"),
    "source": ("source", "来源", "渠道"),
    "name": ("name", "报告人", "姓名", "联系人"),
    "phone": ("phone", "联系电话", "电话", "手机"),
}
_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
#: Field of a case -> its header in an export, Chinese and English.
_HEADERS = {
    "case_id": ("案件编号", "Case"),
    "category": ("类别", "Category"),
    "department": ("责任部门", "Department"),
    "stage": ("阶段", "Stage"),
    "standing": ("状态", "Standing"),
    "grid_code": ("网格编码", "Grid code"),
    "match": ("匹配", "Match"),
    "runner_up": ("候选网格", "Runner-up"),
    "worker_id": ("网格员编号", "Worker no."),
    "address": ("地址", "Address"),
    "lon": ("经度", "Longitude"),
    "lat": ("纬度", "Latitude"),
    "description": ("描述", "Description"),
    "flag": ("提示", "Flag"),
    "source": ("来源", "Source"),
    "reported_at": ("上报时间", "Reported"),
    "due_inspect": ("查验时限", "Inspect by"),
    "due_resolve": ("解决时限", "Resolve by"),
    "due_answer": ("反馈时限", "Answer by"),
    "due_accept": ("验收时限", "Accept by"),
    "done_inspect": ("查验时间", "Inspected"),
    "done_resolve": ("解决时间", "Resolved"),
    "done_answer": ("反馈时间", "Answered"),
    "done_accept": ("验收时间", "Accepted"),
    "hops": ("派单次数", "Hops"),
    "duplicate_of": ("并入案件", "Repeats"),
}
_STANDINGS = {"open": "在办", "suspended": "挂账", "closed": "办结", "withdrawn": "撤回"}


def table_cases(connection: Connection, query: CaseQuery) -> pd.DataFrame:
    """Return cases as a table, index ``case_id``; no reporters. Moments are in UTC."""
    names = [item.name for item in fields(Case)]
    rows = [[getattr(case, name) for name in names] for case in walk_cases(connection, query)]
    table = pd.DataFrame(rows, columns=names).set_index("case_id")
    moments = [name for name in names if name.endswith("_at") or name[:4] in ("due_", "done")]
    return table.assign(**{name: pd.to_datetime(table[name], utc=True) for name in moments})


def table_whistles(connection: Connection) -> pd.DataFrame:
    """Return every call of a department as a table."""
    return _read_table(connection, whistles, ("called_at", "arrived_at", "answered_at"))


def table_votes(connection: Connection) -> pd.DataFrame:
    """Return the votes as a table: worker, day, score; no devices."""
    table = _read_table(connection, votes, ("at",))
    return table[["worker_id", "day", "score"]]


def table_steps(connection: Connection) -> pd.DataFrame:
    """Return who did what when, as a table: without words."""
    columns = ("case_id", "version", "at", "action", "role", "actor")
    statement = select(*(entries.c[name] for name in columns)).order_by(
        entries.c.case_id, entries.c.version
    )
    table = pd.DataFrame(connection.execute(statement).all(), columns=list(columns))
    return table.assign(at=pd.to_datetime(table["at"], utc=True))


def write_cases(table: pd.DataFrame, path: str | Path, rules: Incidents, lang: str) -> None:
    """Write a table of cases for Excel or as CSV, in the city's time; internal.

    Raises
    ------
    TableError
        If the suffix is neither .xlsx nor .csv.
    """
    check_language(lang)
    place = ("zh", "en").index(lang)
    told = table.reset_index()[list(_HEADERS)]
    if lang == "zh":
        told["stage"] = told["stage"].map(STAGE_NAMES)
        told["standing"] = told["standing"].map(_STANDINGS)
    for name in told.columns[told.dtypes.map(lambda kind: hasattr(kind, "tz"))]:
        told[name] = _write_times(told[name], rules)
    told = told.rename(columns={name: heads[place] for name, heads in _HEADERS.items()})
    with write_whole(path) as draft:
        write_sheet(told, draft, lang)


def read_reports(
    path: str | Path, rules: Incidents, *, datum: str = "wgs84", sheet: str | None = None
) -> list[Report]:
    """Read a list of reports: Excel or CSV, Chinese or English headers.

    Parameters
    ----------
    path : str or Path
        类别, and 经度 and 纬度 or 地址; 描述, 上报时间, 责任部门, 来源, 报告人, 电话 where known.
    rules : Incidents
        Which categories there are, and the city's clocks: times without a zone are theirs.
    datum : str
        Of degrees in rows that do not say which.
    sheet : str, optional
        Of a workbook.

    Raises
    ------
    CaseError
        With every row that can't be read; then nothing is.
    TableError
        If the file can't be read, or has no such columns.
    """
    rows = read_list(path, REPORT_NAMES, ("category",), sheet=sheet)
    rows = settle_words(pd.DataFrame(rows), REPORT_NAMES).map(undress)
    findings: list[Finding] = []
    reports = []
    for key, row in zip(rows.index, rows.to_dict("records"), strict=True):
        try:
            reports.append(_read_report({str(k): v for k, v in row.items()}, rules, datum))
        except GridmapError as error:
            findings.append(Finding("reports", str(key), "", "", str(error), "refused"))
    if findings:
        report = CityReport(tuple(findings), subject="reports")
        raise CaseError(f"{Path(path).name}: {report.to_text(most=20)}")
    return reports


def _read_report(row: dict[str, Any], rules: Incidents, datum: str) -> Report:
    if row["category"] not in rules.categories:
        raise CaseError(f"no category {row['category']!r}")
    lon, lat = (_read_number(row[name]) for name in ("lon", "lat"))
    known = row["name"] or row["phone"]
    return Report(
        row["category"],
        Location(lon, lat, row["datum"] or datum, row["address"]),
        row["description"],
        row["source"] if row["source"] in SOURCES else "import",
        Reporter(row["name"], row["phone"]) if known else None,
        _read_time(row["reported_at"], rules),
        row["department"],
    )


def _read_number(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError as error:
        raise CaseError(f"{text!r} is no number of degrees") from error


def _read_time(text: str, rules: Incidents) -> datetime | None:
    if not text.strip():
        return None
    readings: Sequence[Callable[[str], datetime]] = (
        datetime.fromisoformat,
        *(lambda text, form=form: datetime.strptime(text, form) for form in _TIMES),
    )
    for reading in readings:
        try:
            moment = reading(text.strip())
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=rules.zone)
    raise CaseError(f"{text!r} is no time such as 2026-03-01 09:30")


def _write_times(times: pd.Series, rules: Incidents) -> pd.Series:
    return times.dt.tz_convert(rules.zone).dt.strftime("%Y-%m-%d %H:%M:%S").fillna("")


def _read_table(connection: Connection, table: Any, moments: Sequence[str]) -> pd.DataFrame:
    statement = select(table).order_by(*table.primary_key.columns)
    columns = [column.name for column in table.columns]
    found = pd.DataFrame(connection.execute(statement).all(), columns=columns)
    return found.assign(**{name: pd.to_datetime(found[name], utc=True) for name in moments})
