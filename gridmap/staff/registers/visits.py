"""The sheet of a round of visits: every grid by street and community, who is behind marked."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridmap.days import today_in_china
from gridmap.errors import StaffError
from gridmap.files import write_layers, write_whole
from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.staff.registers.heading import Tables, Words, head, part_districts, pick, place_rows
from gridmap.staff.visits import name_round
from gridmap.tables import VISIT_COVERAGE, check_table
from gridmap.words import check_language
from gridmap.workbooks import MARK, write_book

_NAMES: dict[str, Words] = {
    "grids": {"zh": "走访进度", "en": "visits"},
    "communities": {"zh": "社区汇总", "en": "by community"},
}
_TITLES: dict[str, Words] = {
    "grids": {"zh": "网格入户走访进度表", "en": "Visits by grid"},
    "communities": {"zh": "社区入户走访进度汇总表", "en": "Visits by community"},
}
_STATES: dict[str, Words] = {
    "behind": {"zh": f"{MARK}落后{{short}}户", "en": f"{MARK}{{short}} behind"},
    "on": {"zh": "正常", "en": "on pace"},
}
_COUNTS = ("households", "visits", "visited")


def write_visits(
    plan: Plan,
    coverage: pd.DataFrame,
    path: str | Path,
    *,
    tables: Tables | None = None,
    on: date | None = None,
    lang: Language = "zh",
) -> None:
    """Write how far a round of visits is: .xlsx to print, .gpkg for a GIS; as counts.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverage : DataFrame
        `VISIT_COVERAGE`, as `measure_visits` gives it.
    path : path
        The workbook has a sheet of the communities and one of the grids, for each district.
    tables : mapping of str to DataFrame, optional
        ``workers`` and ``staffing``, for the names of those who visit.
    on : date, optional
        The day of the figures; today by default.
    lang : {"zh", "en"}
        Of headings.

    Raises
    ------
    StaffError
        If the suffix is another.
    """
    check_language(lang)
    check_table(coverage, VISIT_COVERAGE)
    path, day = Path(path), on or today_in_china()
    if path.suffix not in (".gpkg", ".xlsx"):
        raise StaffError(f"{path.name}: a round is written to an .xlsx or a .gpkg file")
    told = name_round(plan, coverage, tables=tables, on=day)
    with write_whole(path) as draft:
        if path.suffix == ".gpkg":
            layer = gpd.GeoDataFrame(told, geometry=plan.grids.geometry.reindex(told.index))
            write_layers({"visits": layer}, draft)
            return
        names, titles = pick(_NAMES, lang), pick(_TITLES, lang)
        by_community = _list_communities(plan, told)
        grids = _list_grids(plan, told, lang)
        printed = head(plan, day, grids, titles["grids"], lang, sums=_COUNTS)
        sums = ("grids_in_all", *_COUNTS, "late")
        summary = head(plan, day, by_community, titles["communities"], lang, sums=sums)
        sheets = {names["communities"]: summary}
        sheets |= part_districts(names["grids"], printed, grids["grid_code"])
        write_book(sheets, draft, lang)


def _list_grids(plan: Plan, told: pd.DataFrame, lang: Language) -> pd.DataFrame:
    places = place_rows(plan, plan.grids["community_id"]).reindex(told.index)
    frame = places.assign(grid_code=told.index)
    for column in ("grid", "worker", *_COUNTS):
        frame[column] = told[column]
    frame["coverage"] = told["coverage"].round(1)
    frame["state"] = [
        _STATES["behind" if late else "on"][lang].format(short=short)
        for late, short in zip(told["behind"], told["short"], strict=True)
    ]
    return frame.assign(last=told["last"].dt.date, problem=told["problem"])


def _list_communities(plan: Plan, told: pd.DataFrame) -> pd.DataFrame:
    """Add up by community; more visited than there are count as all."""
    by = told.assign(
        grids_in_all=1,
        late=told["behind"].astype("int64"),
        known=told[["visited", "households"]].min(axis=1),
    )
    keys = plan.grids["community_id"].reindex(told.index)
    sums = by.groupby(keys)[["grids_in_all", *_COUNTS, "late", "known"]].sum()
    order = plan.city.communities["code"].reindex(sums.index).sort_values(kind="stable").index
    sums = sums.loc[order]
    share = (100 * sums["known"] / sums["households"].where(sums["households"] > 0)).round(1)
    places = place_rows(plan, sums.index.to_series())
    return places.join(sums.drop(columns="known")).assign(coverage=share)
