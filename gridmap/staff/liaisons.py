"""Liaisons (联络员): each department names a post for each community, and so for its grids."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from gridmap.city import City
from gridmap.errors import PlanError
from gridmap.plan import Plan
from gridmap.reading.findings import Finding
from gridmap.reading.lists import Names, read_list, refuse_list, refuse_unknown, settle_words
from gridmap.rules import DEPARTMENTS
from gridmap.staff.reasons import Language
from gridmap.tables import LIAISON_GAPS, LIAISONS, check_table

#: Names of the columns of a list of liaisons, best first.
LIAISON_NAMES: Names = {
    "community_id": (
        *("community_id", "社区编码", "社区代码", "社区编号", "社区", "社区名称", "所属社区"),
        *("居委会", "community"),
    ),
    "department": ("department", "部门", "单位", "部门名称", "单位名称", "条线", "责任部门"),
    "post": ("post", "岗位", "职务", "岗位名称", "职位"),
    "name": ("name", "联络员", "联络员姓名", "姓名", "公示名"),
    "phone": ("phone", "办公电话", "联系电话", "电话", "联系方式", "服务电话"),
}

_GAPS: dict[str, dict[Language, str]] = {
    "none": {"zh": "未明确联络员", "en": "nobody is named"},
    "many": {
        "zh": "重复登记{count}人，请只保留实际负责的一人",
        "en": "{count} are named: keep the one who answers",
    },
}


def read_liaisons(
    path: str | Path,
    city: City,
    *,
    departments: Iterable[str] = DEPARTMENTS,
    sheet: str | None = None,
) -> pd.DataFrame:
    """Read the list of liaisons: who answers for a department in a community.

    Parameters
    ----------
    path : str or Path
        A row for each pair: 社区 (its id or name), 部门, 岗位, 联络员, 办公电话.
    city : City
        Whose communities they are.
    departments : iterable of str
        The departments that there are; of ``rules.departments``, for instance. 供电局, 供电公司
        and 供电 are one: a name counts if it begins with a department's.
    sheet : str, optional
        The sheet of the workbook.

    Returns
    -------
    DataFrame
        `LIAISONS`, in the order of the list, with doubles as they stand (`find_liaison_gaps`).

    Raises
    ------
    StaffError
        With every row of an unknown community or department, or without a post and a name.
    TableError
        If the file can't be read or has no such columns.
    """
    findings: list[Finding] = []
    rows = read_list(path, LIAISON_NAMES, ("community_id", "department"), sheet=sheet)
    rows = settle_words(rows, ("post", "name", "phone"))
    communities = _name_communities(city)
    known = list(departments)
    told = rows.assign(
        community_id=rows["community_id"].map(lambda text: communities.get(text, text)),
        department=rows["department"].map(lambda text: _find_department(text, known)),
    ).astype({"community_id": "str", "department": "str"})
    ids = city.communities.index
    refuse_unknown(told, LIAISONS.name, "community_id", ids, findings, what="community")
    refuse_unknown(told, LIAISONS.name, "department", known, findings, what="department")
    nobody = told.index[(told["post"] == "") & (told["name"] == "")]
    findings += [
        Finding(LIAISONS.name, str(row), "post", "", "neither a post nor a name", "refused")
        for row in nobody
    ]
    refuse_list(path, LIAISONS.name, findings)
    return told[list(LIAISONS.columns)].reset_index(drop=True)


def find_liaison_gaps(
    liaisons: pd.DataFrame,
    city: City,
    *,
    departments: Iterable[str] = DEPARTMENTS,
    lang: Language = "zh",
) -> pd.DataFrame:
    """List the pairs of community and department for which nobody is named, or more than one.

    Parameters
    ----------
    liaisons : DataFrame
        `LIAISONS`.
    city : City
        Whose communities are to have one for each department.
    departments : iterable of str
        The departments.
    lang : {"zh", "en"}
        Of the problems.

    Returns
    -------
    DataFrame
        `LIAISON_GAPS`, by community and department; empty where each pair has just one.
    """
    check_table(liaisons, LIAISONS)
    pairs = pd.MultiIndex.from_product(
        [sorted(city.communities.index), list(departments)], names=["community_id", "department"]
    )
    counts = liaisons.groupby(["community_id", "department"]).size().reindex(pairs, fill_value=0)
    wrong = counts[counts != 1].rename("entries").reset_index()
    said = [
        _GAPS["many" if count else "none"][lang].format(count=count) for count in wrong["entries"]
    ]
    wrong = wrong.assign(problem=pd.Series(said, wrong.index, dtype="str"))
    kinds = {"community_id": "str", "department": "str", "entries": "int64"}
    return wrong[list(LIAISON_GAPS.columns)].astype(kinds)


def liaisons_for(plan: Plan, grid_code: str, liaisons: pd.DataFrame) -> pd.DataFrame:
    """Return who answers for each department in a grid: the liaisons of its community.

    Returns
    -------
    DataFrame
        Rows of `LIAISONS`, by department in the order of the table.

    Raises
    ------
    PlanError
        If the plan has no such grid.
    """
    if grid_code not in plan.grids.index:
        raise PlanError(f"no grid {grid_code!r} in the plan; its grids are in plan.grids")
    community = plan.grids.at[grid_code, "community_id"]
    return liaisons[liaisons["community_id"] == community].reset_index(drop=True)


def _name_communities(city: City) -> dict[str, str]:
    """Return name or code -> id, of names that only one community has."""
    names = city.communities["name"]
    single = names[~names.duplicated(keep=False) & (names != "")]
    codes = city.communities["code"]
    return {
        **{str(name): str(key) for key, name in single.items()},
        **{str(code): str(key) for key, code in codes.items()},
    }


def _find_department(text: str, departments: list[str]) -> str:
    """Return the department that a name begins with, the longest one, else the name."""
    fits = [one for one in departments if text.startswith(one)]
    return max(fits, key=len, default=text)
