"""The register of grids: each with its worker and deputies, who is open, and the people."""

from datetime import date

import geopandas as gpd
import pandas as pd

from gridmap.plan import Plan
from gridmap.staff.case import keep_present
from gridmap.staff.posts import posts_on
from gridmap.staff.reasons import Language
from gridmap.staff.registers.heading import Tables, Words, head, part_districts, pick, place_rows
from gridmap.staff.roster import list_duties
from gridmap.workbooks import MARK, Sheet

NEEDS = ("workers", "staffing")
KINDS: dict[str, Words] = {
    "community": {"zh": "社区工作者", "en": "community worker"},
    "cadre": {"zh": "轮换干部", "en": "cadre"},
    "recruit": {"zh": "专职网格员", "en": "recruit"},
    "part_time": {"zh": "兼职网格员", "en": "part-timer"},
    "": {"zh": "", "en": ""},
}
_NAMES: dict[str, Words] = {
    "duties": {"zh": "网格名册", "en": "grids"},
    "open": {"zh": "空缺、兼管与分担", "en": "vacant, doubled, shared"},
    "workers": {"zh": "人员", "en": "workers"},
    "why": {"zh": "安排依据", "en": "reasons"},
}
_TITLES: dict[str, Words] = {
    "duties": {"zh": "网格员名册", "en": "Grids and their workers"},
    "open": {"zh": "空缺、兼管与分担网格", "en": "Vacant, doubled and shared grids"},
    "workers": {"zh": "网格工作人员名册", "en": "Workers and their grids"},
    "why": {"zh": "网格员安排依据", "en": "Why each grid has its worker"},
}
_VACANT: Words = {"zh": f"{MARK}空缺", "en": f"{MARK}vacant"}
#: What is printed of each grid.
_PRINTED = (
    *("street", "community", "grid_code", "grid", "households", "worker_id", "worker", "kind"),
    *("home_unit", "phone", "starts", "ends", "load", "deputies", "others"),
)
_OPEN = ("street", "community", "grid_code", "grid", "households", "worker", "load", "others")
_WHY = ("grid_code", "grid", "worker_id", "load", "capacity", "limit", "walk", "reason")


def list_sheets(plan: Plan, tables: Tables, on: date, lang: Language) -> dict[str, Sheet]:
    """Print the grids by district, those that are open, the people, and the reasons."""
    people = gpd.GeoDataFrame(tables["workers"])
    table = _list_grids(plan, tables["staffing"], people, on, lang)
    held = posts_on(plan, tables["staffing"], on)
    held = held.assign(grid=held["grid_code"].map(plan.grids["name"]))
    many = table["worker_id"].map(held["worker_id"].value_counts()) > 1
    wanting = table[(table["worker_id"] == "") | many | (table["others"] != "")]
    names, titles = pick(_NAMES, lang), pick(_TITLES, lang)
    sums = ("households", "load")
    all_grids = head(plan, on, table[[*_PRINTED]], titles["duties"], lang, sums=sums, room=190)
    workers = _list_people(held, keep_present(people, on), lang)
    return {
        **part_districts(names["duties"], all_grids, table["grid_code"]),
        names["open"]: head(plan, on, wanting[[*_OPEN, "reason"]], titles["open"], lang),
        names["workers"]: head(plan, on, workers, titles["workers"], lang, sums=("load",)),
        names["why"]: head(plan, on, table[[*_WHY]], titles["why"], lang),
    }


def list_layers(plan: Plan, tables: Tables, on: date) -> dict[str, gpd.GeoDataFrame]:
    """Return the grids with everything that `list_duties` says of them."""
    duties = list_duties(plan, tables["staffing"], gpd.GeoDataFrame(tables["workers"]), on=on)
    return {"staffing": gpd.GeoDataFrame(duties, geometry=plan.grids.geometry)}


def _list_grids(
    plan: Plan, staffing: pd.DataFrame, workers: gpd.GeoDataFrame, on: date, lang: Language
) -> pd.DataFrame:
    """List the grids as they are printed: words for kinds, whole metres, days without hours."""
    table = list_duties(plan, staffing, workers, on=on).rename_axis("grid_code")
    table["street"] = place_rows(plan, plan.grids["community_id"])["street"]
    table["worker"] = table["worker"].where(table["worker_id"] != "", _VACANT[lang])
    table["kind"] = [KINDS[kind][lang] for kind in table["kind"]]
    table["walk"] = table["walk"].round().astype("Int64")
    for column in ("starts", "ends"):
        table[column] = table[column].dt.date
    return table.reset_index()


def _list_people(held: pd.DataFrame, workers: gpd.GeoDataFrame, lang: Language) -> pd.DataFrame:
    """List the workers with their grids, those without any too."""
    names = held["grid"].groupby(held["worker_id"]).agg("、".join)
    load = held["households"].groupby(held["worker_id"]).sum()
    frame = pd.DataFrame(index=workers.index)
    frame["worker_id"], frame["worker"] = workers.index, workers["name"]
    frame["kind"] = [KINDS[kind][lang] for kind in workers["kind"]]
    frame["home_unit"], frame["phone"] = workers["home_unit"], workers["phone"]
    frame["load"] = load.reindex(workers.index).fillna(0).astype("int64")
    frame["capacity"], frame["limit"] = workers["capacity"], workers["limit"]
    frame["grids"] = names.reindex(workers.index).fillna("")
    return frame
