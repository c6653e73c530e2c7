"""The register of liaisons: communities by departments, with what is missing or there twice."""

from datetime import date

import geopandas as gpd
import pandas as pd

from gridmap.plan import Plan
from gridmap.staff.liaisons import find_liaison_gaps
from gridmap.staff.reasons import Language
from gridmap.staff.registers.heading import (
    Tables,
    Words,
    code_rows,
    head,
    part_districts,
    pick,
    place_rows,
)
from gridmap.workbooks import MARK, Sheet

NEEDS = ("liaisons",)
_NOBODY: Words = {"zh": f"{MARK}空缺", "en": f"{MARK}none"}
_SEVERAL: Words = {"zh": f"{MARK}重复{{count}}人", "en": f"{MARK}{{count}} named"}
_NAMES: dict[str, Words] = {
    "matrix": {"zh": "联络员", "en": "liaisons"},
    "gaps": {"zh": "空缺与重复", "en": "gaps and doubles"},
    "list": {"zh": "联络员通讯录", "en": "liaisons by department"},
}
_TITLES: dict[str, Words] = {
    "matrix": {"zh": "社区部门联络员一览表", "en": "Liaisons by community and department"},
    "gaps": {"zh": "部门联络员空缺与重复登记", "en": "Communities without a liaison, or with two"},
    "list": {"zh": "部门联络员通讯录", "en": "Liaisons by department"},
}


def list_sheets(plan: Plan, tables: Tables, on: date, lang: Language) -> dict[str, Sheet]:
    """Print who answers for each department in each community, what is to be put right, a list."""
    names, titles = pick(_NAMES, lang), pick(_TITLES, lang)
    matrix = make_matrix(plan, tables["liaisons"], lang)
    places = place_rows(plan, matrix.index.to_series())
    table = pd.concat([places, matrix], axis=1)
    sums = ("named", "missing")
    printed = head(plan, on, table, titles["matrix"], lang, sums=sums)
    sheets = part_districts(names["matrix"], printed, code_rows(plan, matrix.index.to_series()))
    gaps = _list_gaps(plan, tables["liaisons"], lang)
    if len(gaps):
        sheets[names["gaps"]] = head(plan, on, gaps, titles["gaps"], lang, sums=("entries",))
    sheets[names["list"]] = head(plan, on, _list_people(plan, tables), titles["list"], lang)
    return sheets


def list_layers(plan: Plan, tables: Tables, _on: date) -> dict[str, gpd.GeoDataFrame]:
    """Return the communities with a column for each department."""
    matrix = make_matrix(plan, tables["liaisons"], "zh")
    places = plan.city.communities.loc[matrix.index, ["code", "name", "street", "geometry"]]
    return {"liaisons": places.join(matrix)[[*places.columns[:3], *matrix.columns, "geometry"]]}


def make_matrix(plan: Plan, liaisons: pd.DataFrame, lang: Language) -> pd.DataFrame:
    """Return a row a community and a column a department: who it is, or that there is none.

    Returns
    -------
    DataFrame
        Index community_id, in the order of their codes; the departments of the rules, then how many
        of them are ``named`` by one and how many are ``missing`` or there twice. A cell that is to
        be put right begins with ▲.
    """
    communities = plan.city.communities["code"].sort_values(kind="stable").index
    departments = list(plan.rules.departments)
    told = liaisons["name"].where(liaisons["name"] != "", liaisons["post"])
    by = [liaisons["community_id"], liaisons["department"]]
    cells, counts = (
        told.groupby(by).agg(how).unstack(fill_value=none).reindex(
            index=communities, columns=departments, fill_value=none
        )
        for how, none in (("\n".join, ""), ("size", 0))
    )  # fmt: skip
    cells = cells.where(counts > 0, _NOBODY[lang])
    several = counts.map(lambda count: _SEVERAL[lang].format(count=count) + "\n")
    cells = cells.mask(counts > 1, several + cells).rename_axis(columns=None)
    one = (counts == 1).sum(axis=1)
    return cells.assign(named=one, missing=len(departments) - one)


def _list_gaps(plan: Plan, liaisons: pd.DataFrame, lang: Language) -> pd.DataFrame:
    gaps = find_liaison_gaps(liaisons, plan.city, departments=plan.rules.departments, lang=lang)
    return place_rows(plan, gaps["community_id"]).join(gaps[["department", "entries", "problem"]])


def _list_people(plan: Plan, tables: Tables) -> pd.DataFrame:
    """List the liaisons by department, then by community."""
    rows = tables["liaisons"]
    order = {name: at for at, name in enumerate(plan.rules.departments)}
    rows = rows.assign(at=rows["department"].map(order), code=code_rows(plan, rows["community_id"]))
    rows = rows.sort_values(["at", "code"], kind="stable")
    frame = rows[["department"]].join(place_rows(plan, rows["community_id"]))
    return frame.join(rows[["post", "name", "phone"]].rename(columns={"name": "liaison"}))
