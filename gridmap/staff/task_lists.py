"""Task lists to hand out: a page a worker with the ten duties and what his grids ask for.

The same pages are written as a workbook, as one HTML page and as text.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from gridmap.days import today_in_china
from gridmap.errors import StaffError
from gridmap.files import write_whole
from gridmap.plan import Plan
from gridmap.rosters import write_sheet
from gridmap.staff.duties import basic_duties
from gridmap.staff.posts import posts_on
from gridmap.staff.reasons import Language
from gridmap.staff.registers.heading import SIGNED, Words, pick
from gridmap.tables import TASKS, check_table
from gridmap.words import check_language, name_header
from gridmap.workbooks import Pages, Sheet, write_book

#: What is known of grids or people, by their codes and numbers.
Facts = Mapping[Any, Mapping[Any, Any]]

_TITLE: Words = {"zh": "网格员任务清单", "en": "Tasks of a grid worker"}
_WHO: Words = {
    "zh": "网格员：{name}（{worker}）　　办公电话：{phone}　　"
    "日期：{on.year}年{on.month}月{on.day}日",
    "en": "{name} ({worker}) · office phone {phone} · {on}",
}
_NOBODY: Words = {
    "zh": "网格员：空缺　　日期：{on.year}年{on.month}月{on.day}日",
    "en": "vacant · {on}",
}
_WHERE: Words = {
    "zh": "负责网格：{grid}（{code}，{homes}户{shared}）",
    "en": "grid: {grid} ({code}, {homes} households{shared})",
}
_SHARED: Words = {"zh": "，{count}人分担", "en": ", shared by {count}"}
_DAILY: Words = {"zh": "日常开展，做好记录", "en": "as it comes up; keep a record"}
_COLON: Words = {"zh": "：", "en": ": "}
_NAMES: dict[str, Words] = {
    "pages": {"zh": "任务清单", "en": "task lists"},
    "all": {"zh": "任务总表", "en": "all tasks"},
}
_SUFFIXES = (".xlsx", ".html", ".txt", ".csv")
_BOX = "□"


def write_tasks(
    plan: Plan,
    tasks: pd.DataFrame,
    path: str | Path,
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    worker: str = "",
    on: date | None = None,
    lang: Language = "zh",
) -> None:
    """Write the ten duties and the tasks of each grid to hand out, a page a worker.

    Parameters
    ----------
    plan : Plan
        The plan.
    tasks : DataFrame
        `TASKS`, as `list_tasks` gives them in the same language.
    path : path
        ``.xlsx`` (the pages below each other in one sheet, and a sheet of all tasks), ``.html``
        (printed from a browser, it needs no internet), ``.txt`` (pages part by a form feed) or
        ``.csv`` (all tasks, a row each).
    tables : mapping of str to DataFrame, optional
        ``workers`` and ``staffing``, as `PlanStore.staff` gives them; without these a page a grid.
    worker : str, optional
        Only the page of this worker_id.
    on : date, optional
        Whose grid it is on that day; today by default.
    lang : {"zh", "en"}
        Of headings and duties.

    Raises
    ------
    StaffError
        If the suffix is another, or nobody of this number serves a grid.
    """
    check_language(lang)
    path = Path(path)
    if path.suffix not in _SUFFIXES:
        raise StaffError(f"{path.name}: task lists are written to {', '.join(_SUFFIXES)}")
    check_table(tasks, TASKS)
    kept, day = tables or {}, on or today_in_china()
    mine = _pick_worker(_list_posts(plan, kept, day), worker)
    with write_whole(path) as draft:
        table = _list_all(plan, mine.merge(tasks, on="grid_code", sort=False), kept, lang)
        if path.suffix == ".csv":
            write_sheet(table, draft, lang)
            return
        pages = _list_pages(plan, tasks, mine, kept, day, lang)
        if path.suffix == ".xlsx":
            names = pick(_NAMES, lang)
            write_book({names["pages"]: Pages(pages), names["all"]: table}, draft, lang)
        else:
            write = _write_html if path.suffix == ".html" else _write_text
            draft.write_text(write(pages, lang), encoding="utf-8")


def tell_tasks(
    plan: Plan,
    tasks: pd.DataFrame,
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    worker: str = "",
    on: date | None = None,
    lang: Language = "zh",
) -> str:
    """Return the pages of `write_tasks` as text."""
    check_language(lang)
    check_table(tasks, TASKS)
    kept, day = tables or {}, on or today_in_china()
    mine = _pick_worker(_list_posts(plan, kept, day), worker)
    return _write_text(_list_pages(plan, tasks, mine, kept, day, lang), lang)


def assign_tasks(
    plan: Plan,
    tasks: pd.DataFrame,
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    on: date | None = None,
) -> pd.DataFrame:
    """Say whose each task is on a day.

    Returns
    -------
    DataFrame
        `TASKS` with ``worker_id`` in front ("" where a grid is vacant), in the order of the
        workers' first grids; a grid that several share is there for each of them.

    Raises
    ------
    TableError
        If the tasks break their contract.
    """
    check_table(tasks, TASKS)
    posts = _list_posts(plan, tables or {}, on or today_in_china())
    listed = posts.merge(tasks, on="grid_code", sort=False)
    return listed[["worker_id", *TASKS.columns]].astype({"worker_id": "str"})


def _list_posts(plan: Plan, tables: Mapping[str, pd.DataFrame], on: date) -> pd.DataFrame:
    """List who serves which grid, and with how many.

    ``page`` is that on which it stands: a worker's, or that of a vacant grid.
    """
    posts = pd.DataFrame({"grid_code": plan.grids.index, "worker_id": ""})
    if {"workers", "staffing"} <= set(tables):
        held = posts_on(plan, tables["staffing"], on)
        posts = held[["grid_code", "worker_id"]].drop_duplicates()
    page = posts["worker_id"].where(posts["worker_id"] != "", posts["grid_code"])
    served = (posts["worker_id"] != "").groupby(posts["grid_code"]).transform("sum")
    posts = posts.assign(page=pd.factorize(page)[0], served=served)
    return posts.sort_values(["page", "grid_code"])


def _pick_worker(posts: pd.DataFrame, worker: str) -> pd.DataFrame:
    """Return one worker's grids, or everybody's."""
    mine = posts[posts["worker_id"] == worker] if worker else posts
    if mine.empty:
        raise StaffError(f"worker {worker!r} serves no grid on that day: give another number")
    return mine


def _list_pages(
    plan: Plan,
    tasks: pd.DataFrame,
    mine: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    on: date,
    lang: Language,
) -> tuple[Sheet, ...]:
    """Make a page of each worker's grids and of each vacant grid, with tasks or without."""
    grids = pd.DataFrame(plan.grids[["name", "households"]]).T.to_dict()
    known = pd.DataFrame(tables["workers"])[["name", "phone"]] if "workers" in tables else None
    who = {} if known is None else known.T.to_dict()
    return tuple(
        Sheet(
            _list_rows(grids, page.merge(tasks, on="grid_code"), len(page) > 1, lang),
            _TITLE[lang],
            _head_page(grids, page, who, on, lang),
            foot=SIGNED[lang],
        )
        for _, page in mine.groupby("page", sort=False)
    )


def _head_page(grids: Facts, mine: pd.DataFrame, people: Facts, on: date, lang: Language) -> str:
    """Say who it is, and which grids are his."""
    worker = str(mine["worker_id"].iloc[0])
    lines = [_NOBODY[lang].format(on=on)]
    if worker:
        person = people.get(worker, {"name": worker, "phone": ""})
        name, phone = person["name"], person["phone"] or "—"
        lines = [_WHO[lang].format(name=name, worker=worker, phone=phone, on=on)]
    for code, count in zip(mine["grid_code"], mine["served"], strict=True):
        homes = grids[code]["households"]
        shared = _SHARED[lang].format(count=count) if count > 1 else ""
        lines.append(
            _WHERE[lang].format(grid=grids[code]["name"], code=code, homes=homes, shared=shared)
        )
    return "\n".join(lines)


def _list_rows(grids: Facts, mine: pd.DataFrame, several: bool, lang: Language) -> pd.DataFrame:
    """List the ten duties with their tasks; one that nothing in the grids asks for is there too."""
    of_duty: dict[int, list[tuple[str, int | None]]] = {}
    columns = (mine[name].tolist() for name in ("duty_id", "grid_code", "task", "amount"))
    for duty, code, task, amount in zip(*columns, strict=True):
        where = f"{grids[code]['name']}{_COLON[lang]}" if several else ""
        of_duty.setdefault(duty, []).append((where + task, amount))
    rows = [
        (name, task, amount, _BOX, "")
        for number, name in _name_duties(lang).items()
        for task, amount in of_duty.get(number, [(_DAILY[lang], None)])
    ]
    return pd.DataFrame(rows, columns=["duty", "task", "amount", "done", "note"], dtype=object)


def _name_duties(lang: Language) -> dict[Any, str]:
    return basic_duties()["name" if lang == "zh" else "english"].to_dict()


def _list_all(
    plan: Plan, listed: pd.DataFrame, tables: Mapping[str, pd.DataFrame], lang: Language
) -> pd.DataFrame:
    """List every task in a row, with names."""
    table = listed[["worker_id"]].copy()
    names = tables["workers"]["name"].to_dict() if "workers" in tables else {}
    table["worker"] = [str(names.get(one, one)) for one in listed["worker_id"]]
    table["grid_code"] = listed["grid_code"]
    table["grid"] = listed["grid_code"].map(plan.grids["name"])
    table["duty"] = listed["duty_id"].map(_name_duties(lang))
    return table.join(listed[["task", "amount"]])


def _write_text(pages: tuple[Sheet, ...], lang: Language) -> str:
    """Write the pages as text, a form feed between them."""
    written = []
    for page in pages:
        lines = [page.title, *page.note.split("\n"), ""]
        for at, row in enumerate(page.table.to_dict("records"), start=1):
            lines.append(f"{_BOX} {at:>2} {row['duty']}{_COLON[lang]}{row['task']}")
        written.append("\n".join([*lines, "", page.foot]) + "\n")
    return "\f".join(written)


def _write_html(pages: tuple[Sheet, ...], lang: Language) -> str:
    """Write the pages as one document that is printed from a browser."""
    source = (Path(__file__).parent / "tasks.html").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, trim_blocks=True).from_string(source)
    shown = [
        {
            "title": page.title,
            "notes": page.note.split("\n"),
            "header": [name_header(str(column), lang) for column in page.table.columns],
            "rows": page.table.astype(object).where(page.table.notna(), "").to_numpy().tolist(),
            "foot": page.foot,
        }
        for page in pages
    ]
    return template.render(pages=shown, title=_TITLE[lang], zh=lang == "zh") + "\n"
