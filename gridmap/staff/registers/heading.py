"""What all registers have alike: a heading, a sheet for each district, places beside the rows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from gridmap.plan import Plan
from gridmap.staff.reasons import Language
from gridmap.workbooks import Sheet

Tables = Mapping[str, pd.DataFrame]
#: Chinese and English.
Words = Mapping[Language, str]

_PLAN: Words = {"zh": "网格方案：{plan}　　", "en": "Plan {plan} · "}
_NOTE: Words = {
    "zh": "截至：{on.year}年{on.month}月{on.day}日　　内部资料，请勿外传",
    "en": "as of {on} · internal",
}
#: What stands below a page that is handed out.
SIGNED: Words = {
    "zh": "网格员签字：　　　　　　　　社区审核：　　　　　　　　完成日期：",
    "en": "Signed:                         Checked:                         Done on:",
}
#: What stands in a list in place of a count that may not be told.
_FEW: Words = {"zh": "不足{count}人", "en": "fewer than {count}"}


def pick(words: Mapping[str, Words], lang: Language) -> dict[str, str]:
    """Return words in one language."""
    return {key: both[lang] for key, both in words.items()}


def head(
    plan: Plan, on: date, table: pd.DataFrame, title: str, lang: Language, **looks: Any
) -> Sheet:
    """Give a table its title, and say of which plan and day it is."""
    named = _PLAN[lang].format(plan=plan.name) if plan.name else ""
    note = named + _NOTE[lang].format(on=on)
    return Sheet(table.reset_index(drop=True), title, note, **looks)


def part_districts(name: str, sheet: Sheet, codes: pd.Series) -> dict[str, Sheet]:
    """Give each district a sheet of its own, where there are several.

    Parameters
    ----------
    name : str
        Of the sheet.
    sheet : Sheet
        Rows of all districts.
    codes : Series
        The code of the community or grid of each row, in the order of the rows.
    """
    district = codes.str[:6].to_numpy(object)
    found = sorted(set(district))
    if len(found) < 2:
        return {name: sheet}
    return {
        f"{name} {one}": replace(
            sheet, table=sheet.table[district == one], title=f"{sheet.title}（{one}）"
        )
        for one in found
    }


def place_rows(plan: Plan, community_ids: pd.Series) -> pd.DataFrame:
    """Return ``street`` and ``community`` (names) of each row."""
    places = plan.city.communities
    return pd.DataFrame(
        {
            "street": community_ids.map(places["street"]),
            "community": community_ids.map(places["name"]),
        }
    )


def code_rows(plan: Plan, community_ids: pd.Series) -> pd.Series:
    """Return the code of each row's community."""
    return community_ids.map(plan.city.communities["code"]).astype("str")


def hide_few(counts: pd.Series, least: int, lang: Language) -> list[int | str]:
    """Return counts of people, those below the least in words."""
    few = _FEW[lang].format(count=least)
    return [int(count) if count >= least else few for count in counts]
