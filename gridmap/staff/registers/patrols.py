"""Rounds on foot to hand out: a page for each day of a worker, with the stops in their order."""

from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridmap.errors import StaffError
from gridmap.files import write_whole
from gridmap.staff.reasons import Language
from gridmap.staff.registers.heading import SIGNED, Words, pick
from gridmap.tables import PATROLS, check_table
from gridmap.words import check_language
from gridmap.workbooks import Pages, Sheet, write_book

_NAMES: dict[str, Words] = {
    "days": {"zh": "走访日程", "en": "days"},
    "rounds": {"zh": "走访路线", "en": "rounds"},
}
_TITLES: dict[str, Words] = {
    "days": {"zh": "走访日程表", "en": "Days of the rounds"},
    "rounds": {"zh": "网格员走访路线单", "en": "Round on foot"},
}
_DAY: Words = {
    "zh": "网格员：{name}（{worker}）　　第{day}天\n"
    "共{stops}处，步行{walk:.1f}公里，约{spent:.0f}分钟",
    "en": "{name} ({worker}) · day {day}\n"
    "{stops} stops, {walk:.1f} km on foot, {spent:.0f} minutes",
}
_NO_DAY: Words = {
    "zh": "网格员：{name}（{worker}）　　以下{stops}处未排入路线，原因见备注",
    "en": "{name} ({worker}) · {stops} stops are in no round; the note says why",
}


def write_patrols(
    patrols: gpd.GeoDataFrame,
    workers: gpd.GeoDataFrame,
    path: str | Path,
    *,
    lang: Language = "zh",
) -> None:
    """Write rounds to print: an .xlsx with a page for each worker's day, after a sheet of all days.

    Each line is a stop, in order: the way to it, when he is there and how long he stays, and a box
    to tick. Stops in no round have a page of their own with the reason.

    Raises
    ------
    StaffError
        If the path does not end in .xlsx.
    """
    check_language(lang)
    check_table(patrols, PATROLS)
    path = Path(path)
    if path.suffix != ".xlsx":
        raise StaffError(f"{path.name}: rounds to print are an .xlsx file")
    named = patrols.assign(worker=patrols["worker_id"].map(workers["name"]).fillna(""))
    names, titles = pick(_NAMES, lang), pick(_TITLES, lang)
    days = _list_days(named)
    sheets: dict[str, Sheet | Pages] = {
        names["days"]: Sheet(days, titles["days"], sums=("stops", "walk"))
    }
    late = named.assign(late=named["day"] == 0)
    rounds = late.groupby(["worker_id", "late", "day"], sort=True)
    pages = [_make_page(legs, titles["rounds"], lang) for _, legs in rounds]
    if pages:
        sheets[names["rounds"]] = Pages(tuple(pages))
    with write_whole(path) as draft:
        write_book(sheets, draft, lang)


def _list_days(patrols: pd.DataFrame) -> pd.DataFrame:
    """Add up each day of each worker: stops, metres, minutes; day 0 is what is in no round."""
    at = patrols.assign(
        stops=(patrols["stop_id"] != "").astype("int64"), end=patrols["arrive"] + patrols["minutes"]
    )
    days = at.groupby(["worker_id", "worker", "day"], sort=True, as_index=False).agg(
        stops=("stops", "sum"), walk=("walk", "sum"), spent=("end", "max")
    )
    return days.assign(walk=days["walk"].round().astype("Int64"), spent=days["spent"].round(0))


def _make_page(legs: pd.DataFrame, title: str, lang: Language) -> Sheet:
    """Make the page of one worker's day, or of what is in none of his days."""
    [day] = _list_days(legs).to_dict("records")
    words = _DAY if day["day"] else _NO_DAY
    note = words[lang].format(
        name=day["worker"],
        worker=day["worker_id"],
        day=day["day"],
        stops=day["stops"],
        walk=day["walk"] / 1000,
        spent=day["spent"],
    )
    return Sheet(_list_stops(legs), title, note, foot=SIGNED[lang])


def _list_stops(legs: pd.DataFrame) -> pd.DataFrame:
    """Return the stops of a day as they are printed; the way back has no box."""
    lines = legs.sort_values("order")
    table = pd.DataFrame(lines[["name", "kind", "grid_code"]])
    for column in ("walk", "arrive", "minutes"):
        table[column] = lines[column].round().astype("Int64")
    table["note"] = lines["note"]
    return table.assign(done=["□" if stop else "" for stop in lines["stop_id"]])
