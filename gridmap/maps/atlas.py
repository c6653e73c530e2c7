"""The printed atlas of a plan: a PDF with the city, its communities and a page for each grid.

Every name of a place leads to its page, and the outline beside the pages has streets, communities
and grids. A page is clipped to its frame before it is drawn, so it is a few kilobytes.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from reportlab.lib.colors import HexColor
from reportlab.pdfgen.canvas import Canvas

from gridmap.errors import GridmapError
from gridmap.files import write_whole
from gridmap.maps.ground import (
    GROUND,
    OWN_GROUND,
    Ground,
    draw_borders,
    draw_ground,
    draw_houses,
    find_neighbours,
    make_ground,
    name_areas,
    name_streets,
    number_houses,
    outline_community,
)
from gridmap.maps.look import Shading, legend_rows, shade_deviation
from gridmap.maps.paper import (
    FAINT,
    INK,
    LINE,
    LINK,
    RED,
    SIZES,
    Box,
    Window,
    draw_code,
    draw_frame,
    draw_rules,
    draw_table,
    fit_window,
    measure_words,
    open_canvas,
    reserve_marks,
    table_height,
    wrap_words,
    write_words,
)
from gridmap.measure import measure, summarize
from gridmap.plan import Plan
from gridmap.rosters import gather_columns, make_roster
from gridmap.words import check_language, name_column, write_deviation

_MARGIN, _GAP = 28.0, 14.0
_WORDS = {
    "atlas": ("网格图册", "Grid atlas"),
    "overview": ("全市总览", "Overview"),
    "index": ("社区索引", "Communities"),
    "internal": ("内部使用（未经地图审核）", "Internal use – not for publication"),
    "approval": ("审图号：", "Map approval no. "),
    "north": ("北", "N"),
    "belongs": ("所属", "Part of"),
    "code": ("编码", "Code"),
    "neighbours": ("相邻网格", "Neighbours"),
    "houses": ("楼栋（户数）", "Buildings (households)"),
    "more": ("另有 {} 栋", "and {} more"),
    "none_lived": ("另有 {} 栋无住户", "{} more without households"),
    "nameless": ("（无名）", "(no name)"),
    "scan": ("扫码查看网格", "Scan for the grid's page"),
    "page": ("页", "Page"),
    "of": ("第 {} / {} 页", "page {} of {}"),
    "plan": ("方案", "plan"),
    "hidden": ("未公布", "not published"),
    "hectares": ("公顷", "ha"),
    "metres": ("米", "m"),
    "homes": ("户", "households"),
    "grid": ("网格", "Grid"),
    "grids": ("网格数", "Grids"),
    "communities": ("社区数", "Communities"),
    "mean": ("平均户数", "Mean households"),
    "in_band": ("户数达标", "In the band"),
    "worst": ("最大偏差", "Worst deviation"),
    "continued": ("（续）", " (continued)"),
}
_WINDS = (
    *(("北", "N"), ("东北", "NE"), ("东", "E"), ("东南", "SE")),
    *(("南", "S"), ("西南", "SW"), ("西", "W"), ("西北", "NW")),
)


@dataclass(frozen=True)
class _Book:
    """What every page of an atlas needs."""

    plan: Plan
    ground: Ground
    roster: pd.DataFrame
    staff: pd.DataFrame
    shading: Shading
    neighbours: dict[int, list[int]]
    homes: dict[int, list[tuple[str, int]]]
    numbers: dict[str, int]
    pages: int
    size: tuple[float, float]
    lang: str
    approval: str
    attribution: str
    base_url: str

    def say(self, key: str) -> str:
        """Return a word in the atlas's language."""
        return _WORDS[key][0 if self.lang == "zh" else 1]

    @property
    def frame(self) -> Box:
        """Where the map of a page stands."""
        width, height = self.size
        return (_MARGIN, _MARGIN + 16, width - _MARGIN - self.side - _GAP, height - _MARGIN - 34)

    @property
    def side(self) -> float:
        """Width of the column beside the map."""
        return 196.0 if self.size == SIZES["A4"] else 250.0

    @property
    def rows(self) -> int:
        """Rows of a table in the column beside the map."""
        return int((self.frame[3] - self.frame[1]) // (8 * 1.55)) - 1


def make_atlas(
    plan: Plan,
    path: str | Path,
    *,
    paper: str = "A4",
    lang: str = "zh",
    approval: str = "",
    attribution: str = "",
    base_url: str = "",
    staff: pd.DataFrame | None = None,
) -> None:
    """Print a plan as a PDF: the city, each community, and a page for each grid.

    A grid's page has its map (buildings with their numbers, streets with their names, the borders
    and names of its neighbours), its code, figures and staff, its neighbours with their pages, its
    buildings with their households, scale, scale bar and north arrow. A community's sheet has its
    grids coloured by their deviation, and a table of them.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : path
        The PDF. It is complete or not there; the same plan gives the same bytes.
    paper : {"A4", "A3"}
        Size of the sheets, in landscape.
    lang : {"zh", "en"}
        Language of the words.
    approval : str
        The map's approval number (审图号). Without one every page is marked 内部使用. With one the
        atlas may leave the house: no building's households are in it, and counts below
        ``plan.rules.min_cell`` are hidden.
    attribution : str
        Whom the data is from, at the foot of each page.
    base_url : str
        Address of the map service, such as ``https://wangge.example.cn``: each grid's page gets a
        QR code that opens the grid there.
    staff : DataFrame, optional
        With ``grid_code`` as index or column, one row or several a grid; every other column is
        printed (网格员, 电话, 党支部).

    Raises
    ------
    GridmapError
        If ``paper`` or ``lang`` is none of those.
    TableError
        If ``staff`` has no grid codes, or codes of other grids.
    """
    check_language(lang)
    if paper not in SIZES:
        raise GridmapError(f"paper is {paper!r}; choose {' or '.join(SIZES)}")
    roster = make_roster(plan, min_cell=plan.rules.min_cell if approval else 0)
    measures = measure(plan).assign(deviation=roster["deviation"])
    numbers, pages = _number_pages(plan, SIZES[paper])
    ground = make_ground(plan)
    book = _Book(
        plan=plan,
        ground=ground,
        roster=roster,
        staff=pd.DataFrame(index=roster.index) if staff is None else gather_columns(staff, plan),
        shading=shade_deviation(measures, plan.rules),
        neighbours=find_neighbours(plan),
        homes={} if approval else _gather_homes(plan, ground),
        numbers=numbers,
        pages=pages,
        size=SIZES[paper],
        lang=lang,
        approval=approval,
        attribution=attribution,
        base_url=base_url.rstrip("/"),
    )
    with write_whole(path) as draft, open_canvas(draft, book.size, _title(book)) as canvas:
        _draw_book(canvas, book)


def _title(book: _Book) -> str:
    names = (book.plan.city.name, book.plan.name, book.say("atlas"))
    return " · ".join(filter(None, dict.fromkeys(names)))


# --- the order of the pages -----------------------------------------------------------------------


def _communities(plan: Plan) -> pd.DataFrame:
    """Return the communities that have grids, street by street, in the order of their codes."""
    used = plan.city.communities.index.isin(plan.grids["community_id"])
    communities = pd.DataFrame(plan.city.communities.drop(columns="geometry"))[used]
    first = communities.groupby("street")["code"].transform("min")
    return communities.assign(first=first).sort_values(["first", "code"], kind="stable")


def _number_pages(plan: Plan, size: tuple[float, float]) -> tuple[dict[str, int], int]:
    """Return the page of each community and grid, and how many there are."""
    communities = _communities(plan)
    per_index = _index_rows(size) * _INDEX_COLUMNS
    page = 2 + -(-len(communities) // per_index)
    numbers: dict[str, int] = {}
    members = plan.grids.groupby("community_id").groups
    for key in communities.index:
        numbers[f"c{key}"] = page
        page += 1 + _continuations(len(members[key]), size)
        for code in members[key]:
            numbers[f"g{code}"] = page
            page += 1
    return numbers, page - 1


_INDEX_COLUMNS = 2


def _index_rows(size: tuple[float, float]) -> int:
    return int((size[1] - 2 * _MARGIN - 60) // (9 * 1.55)) - 1


def _table_rows(size: tuple[float, float]) -> int:
    """Return the rows of a table beside a map."""
    return int((size[1] - 2 * _MARGIN - 50) // (8 * 1.55)) - 1


def _continuations(grids: int, size: tuple[float, float]) -> int:
    """Return how many more pages the table of a community's grids needs."""
    first = _table_rows(size)
    return -(-max(0, grids - first) // (first * _INDEX_COLUMNS))


def _draw_book(canvas: Canvas, book: _Book) -> None:
    communities = _communities(book.plan)
    members = book.plan.grids.groupby("community_id").groups
    position = {code: at for at, code in enumerate(book.roster.index)}
    _draw_overview(canvas, book, communities)
    _draw_index(canvas, book, communities)
    street = ""
    for key, community in communities.iterrows():
        if community["street"] and community["street"] != street:
            street = str(community["street"])
            canvas.bookmarkPage(f"s{key}")
            canvas.addOutlineEntry(street, f"s{key}", 0, closed=True)
        level = 1 if community["street"] else 0
        _draw_community(canvas, book, str(key), list(members[key]), level)
        for code in members[key]:
            _draw_grid(canvas, book, position[code], level + 1)


# --- what every page has --------------------------------------------------------------------------


def _begin_page(
    canvas: Canvas, book: _Book, title: str, note: str, bookmark: str, level: int | None
) -> None:
    """Write the head of a page and put it into the outline."""
    width, height = book.size
    canvas.bookmarkPage(bookmark)
    if level is not None:
        canvas.addOutlineEntry(title, bookmark, level, closed=level > 0)
    room = width - 2 * _MARGIN
    write_words(canvas, _MARGIN, height - _MARGIN - 18, title, 20)
    if measure_words(title, 20) + measure_words(note, 11) < room - 20:
        write_words(
            canvas, width - _MARGIN, height - _MARGIN - 16, note, 11, color=FAINT, align="right"
        )


def _end_page(canvas: Canvas, book: _Book, scale: str = "") -> None:
    """Write the foot of a page: what it may be used for, where it is from, which one it is."""
    width = book.size[0]
    plan = f"{book.say('plan')} {book.plan.name}" if book.plan.name else ""
    parts = (book.plan.city.name, plan, book.plan.city.crs.name, scale, book.attribution)
    write_words(canvas, _MARGIN, _MARGIN, " · ".join(filter(None, parts)), 7.5, color=FAINT)
    mark = f"{book.say('approval')}{book.approval}" if book.approval else book.say("internal")
    color = INK if book.approval else RED
    write_words(canvas, width - _MARGIN - 90, _MARGIN, mark, 8.5, color=color, align="right")
    page = book.say("of").format(canvas.getPageNumber(), book.pages)
    write_words(canvas, width - _MARGIN, _MARGIN, page, 8.5, color=FAINT, align="right")
    canvas.showPage()


def _open_frame(canvas: Canvas, window: Window) -> None:
    """Draw only inside the frame from here on."""
    left, bottom, right, top = window.box
    canvas.saveState()
    path = canvas.beginPath()
    path.rect(left, bottom, right - left, top - bottom)
    canvas.clipPath(path, stroke=0, fill=0)


def _close_frame(canvas: Canvas, window: Window, book: _Book) -> None:
    canvas.restoreState()
    draw_frame(canvas, window, book.say("north"))


def _scale(window: Window) -> str:
    return f"1:{window.denominator:,.0f}".replace(",", " ")


# --- the city -------------------------------------------------------------------------------------


def _draw_overview(canvas: Canvas, book: _Book, communities: pd.DataFrame) -> None:
    _begin_page(canvas, book, _title(book), "", "overview", 0)
    window = fit_window(tuple(book.plan.grids.total_bounds), book.frame, 0.02)
    reserve_marks(window)
    _open_frame(canvas, window)
    draw_ground(canvas, window, book.ground, book.shading.fills())
    draw_borders(canvas, window, book.ground)
    seen = book.ground.communities.clip(window.bounds)
    names = book.plan.city.communities["name"].tolist()
    labels = {at: [str(name)] for at, name in enumerate(names) if name}
    boxes = name_areas(canvas, window, seen, labels, 5.5)
    for at, box in boxes.items():
        _link(canvas, book, f"c{book.plan.city.communities.index[at]}", box)
    _close_frame(canvas, window, book)
    _draw_figures(canvas, book, len(communities))
    _end_page(canvas, book, _scale(window))


def _link(canvas: Canvas, book: _Book, page: str, box: Box) -> None:
    if page in book.numbers:
        canvas.linkAbsolute("", page, Rect=box)


def _draw_figures(canvas: Canvas, book: _Book, communities: int) -> None:
    """Write the figures of the whole plan and the legend beside the map."""
    figures = summarize(book.plan)
    rows = [
        (book.say("communities"), f"{communities}"),
        (book.say("grids"), f"{figures['grids']}"),
        # Of what is told: from the whole a hidden count could be computed.
        (name_column("households", book.lang), f"{book.roster['households'].sum():,}"),
        (book.say("mean"), f"{figures['mean']:g}"),
        (book.say("in_band"), f"{figures['in_band']:g}%"),
        (book.say("worst"), f"{figures['worst']:g}%"),
    ]
    left, top = book.frame[2] + _GAP, book.frame[3]
    bottom = _draw_facts(canvas, book, left, top, rows)
    _draw_legend(canvas, book, left, bottom - 14, set(book.shading.fills()))


def _draw_facts(
    canvas: Canvas, book: _Book, left: float, top: float, rows: Sequence[tuple[str, str]]
) -> float:
    """Write names and values below each other; return where they end."""
    indent = max(measure_words(name, 8.5) for name, _ in rows) + 10
    indent = min(indent, book.side * 0.45)
    y = top - 9
    for name, value in rows:
        write_words(canvas, left, y, name, 8.5, color=FAINT)
        for line in wrap_words(value, 9.5, book.side - indent, 2):
            write_words(canvas, left + indent, y, line, 9.5)
            y -= 14.5
    return y + 6


def _draw_legend(
    canvas: Canvas, book: _Book, left: float, top: float, used: Collection[str]
) -> None:
    """List the classes whose colour is on the page."""
    title = book.shading.title[0 if book.lang == "zh" else 1]
    write_words(canvas, left, top - 8, title, 8.5, color=FAINT)
    y = top - 24
    rows = [row for row in legend_rows(book.shading, book.lang) if row[0] in used]
    for color, words in rows:
        canvas.setFillColor(HexColor(color))
        canvas.setStrokeColor(HexColor(LINE))
        canvas.setLineWidth(0.5)
        canvas.rect(left, y - 1, 18, 9, stroke=1, fill=1)
        write_words(canvas, left + 24, y, words, 8.5)
        y -= 14


def _draw_index(canvas: Canvas, book: _Book, communities: pd.DataFrame) -> None:
    """List the communities with their pages."""
    grids = book.roster.groupby(book.plan.grids["community_id"])["households"]
    header = [
        *(name_column("street", book.lang), name_column("community", book.lang)),
        *(book.say("code"), book.say("grids")),
        *(name_column("households", book.lang), book.say("page")),
    ]
    told = grids.agg(["size", "sum"])
    rows = [
        [
            *(str(row["street"]), str(row["name"]), str(row["code"])),
            *(str(told.at[key, "size"]), str(told.at[key, "sum"]), str(book.numbers[f"c{key}"])),
        ]
        for key, row in communities.iterrows()
    ]
    targets = [f"c{key}" for key in communities.index]
    _draw_columns(canvas, book, "index", header, rows, targets)


def _draw_columns(
    canvas: Canvas,
    book: _Book,
    bookmark: str,
    header: list[str],
    rows: list[list[str]],
    targets: list[str],
) -> None:
    """Draw a table over two columns a page, as many pages as it takes."""
    most, room = _index_rows(book.size), (book.size[0] - 2 * _MARGIN - 24) / _INDEX_COLUMNS
    shares = (0.24, 0.26, 0.2, -0.09, -0.12, -0.09)
    top = book.size[1] - _MARGIN - 36
    for first in range(0, len(rows), most * _INDEX_COLUMNS):
        title = book.say("index") + (book.say("continued") if first else "")
        _begin_page(canvas, book, title, "", f"{bookmark}{first}", None if first else 0)
        for column in range(_INDEX_COLUMNS):
            begin = first + column * most
            part = [header, *rows[begin : begin + most]]
            left = _MARGIN + column * (room + 24)
            if len(part) > 1:
                widths = [share * room for share in shares]
                lead = targets[begin : begin + most]
                draw_table(canvas, left, top, widths, part, size=9, targets=lead)
        _end_page(canvas, book)


# --- a community ----------------------------------------------------------------------------------


def _draw_community(canvas: Canvas, book: _Book, key: str, codes: list[str], level: int) -> None:
    community = book.plan.city.communities.loc[key]
    place = " · ".join(filter(None, (str(community["street"]), str(community["code"]))))
    _begin_page(canvas, book, str(community["name"]), place, f"c{key}", level)
    window = _draw_community_map(canvas, book, key, codes)
    rows = [_community_row(book, code) for code in codes]
    header = [
        *(book.say("grid"), name_column("households", book.lang), "±"),
        *(name_column("buildings", book.lang), book.say("page")),
    ]
    left, first = book.frame[2] + _GAP, _table_rows(book.size)
    fills = dict(zip(book.roster.index, book.shading.fills(), strict=True))
    used = {fills[code] for code in codes}
    legend = 30 + 14 * len(used)
    fits = table_height(len(rows), 8) + legend < book.frame[3] - book.frame[1]
    targets = [f"g{code}" for code in codes]
    end = _draw_grids(canvas, book, left, [header, *rows[:first]], targets)
    if fits:
        _draw_legend(canvas, book, left, end - 12, used)
    _end_page(canvas, book, _scale(window))
    per_page = first * _INDEX_COLUMNS
    for begin in range(first, len(rows), per_page):
        title = f"{community['name']}{book.say('continued')}"
        _begin_page(canvas, book, title, place, f"c{key}-{begin}", None)
        for column in range(_INDEX_COLUMNS):
            at = begin + column * first
            if rows[at : at + first]:
                part = [header, *rows[at : at + first]]
                x = _MARGIN + column * (book.side + 60)
                _draw_grids(canvas, book, x, part, targets[at:])
        _end_page(canvas, book)


def _draw_grids(
    canvas: Canvas, book: _Book, left: float, rows: list[list[str]], targets: list[str]
) -> float:
    widths = [share * book.side for share in (0.4, -0.18, -0.15, -0.15, -0.12)]
    return draw_table(canvas, left, book.frame[3], widths, rows, size=8, targets=targets)


def _community_row(book: _Book, code: str) -> list[str]:
    row = book.roster.loc[code]
    hidden = pd.isna(row["households"])
    return [
        str(row["name"]).replace(str(row["community"]), ""),
        "—" if hidden else f"{row['households']}",
        "—" if hidden else write_deviation(row["deviation"]),
        f"{row['buildings']}",
        f"{book.numbers[f'g{code}']}",
    ]


def _draw_community_map(canvas: Canvas, book: _Book, key: str, codes: list[str]) -> Window:
    """Draw the grids of a community in their colours; those around it stay pale."""
    at = book.plan.city.communities.index.get_loc(key)
    shape = book.ground.communities.shapes[at]
    window = fit_window(shape.bounds, book.frame, 0.04)
    reserve_marks(window)
    inside = set(codes)
    fills = [
        fill if code in inside else GROUND
        for code, fill in zip(book.roster.index, book.shading.fills(), strict=True)
    ]
    _open_frame(canvas, window)
    draw_ground(canvas, window, book.ground, fills)
    draw_houses(canvas, window, book.ground)
    seen = draw_borders(canvas, window, book.ground)
    outline_community(canvas, window, book.ground, at)
    labels = {}
    for number, code in enumerate(book.roster.index):
        if code in inside:
            name, homes, *_ = _community_row(book, code)
            labels[number] = [name, homes if homes == "—" else f"{homes} {book.say('homes')}"]
    for number, box in name_areas(canvas, window, seen, labels, 7).items():
        _link(canvas, book, f"g{book.roster.index[number]}", box)
    name_streets(canvas, window, book.ground)
    _close_frame(canvas, window, book)
    return window


# --- a grid ---------------------------------------------------------------------------------------


def _draw_grid(canvas: Canvas, book: _Book, at: int, level: int) -> None:
    code, row = book.roster.index[at], book.roster.iloc[at]
    _begin_page(canvas, book, str(row["name"]), code, f"g{code}", level)
    window = _draw_grid_map(canvas, book, at)
    left = book.frame[2] + _GAP
    y = _draw_facts(canvas, book, left, book.frame[3], _grid_facts(book, at))
    y = _list_neighbours(canvas, book, at, left, y - 4)
    floor = book.frame[1] + (78 if book.base_url else 0)
    _list_houses(canvas, book, at, left, y - 4, floor)
    if book.base_url:
        _draw_link(canvas, book, code, left)
    _end_page(canvas, book, _scale(window))


def _draw_grid_map(canvas: Canvas, book: _Book, at: int) -> Window:
    window = fit_window(book.ground.grids.shapes[at].bounds, book.frame)
    reserve_marks(window)
    fills = [GROUND] * len(book.roster)
    fills[at] = OWN_GROUND
    _open_frame(canvas, window)
    draw_ground(canvas, window, book.ground, fills)
    houses = draw_houses(canvas, window, book.ground, at)
    found, parts = draw_borders(canvas, window, book.ground, at)
    others = found != at
    labels = {
        int(other): [str(book.roster["name"].iloc[other]), book.roster.index[other]]
        for other in found[others]
    }
    name_areas(canvas, window, (found[others], parts[others]), labels, 6.5)
    name_streets(canvas, window, book.ground)
    number_houses(canvas, window, book.ground, houses, at)
    _close_frame(canvas, window, book)
    return window


def _grid_facts(book: _Book, at: int) -> list[tuple[str, str]]:
    """Return what is told of a grid, line by line; staff where there is any."""
    row, lang = book.roster.iloc[at], book.lang
    homes = book.say("hidden")
    if pd.notna(row["households"]):
        off = write_deviation(row["deviation"])
        homes = f"{row['households']}（{off}）" if lang == "zh" else f"{row['households']} ({off})"
    place = " · ".join(filter(None, (row["street"], row["community"])))
    facts = [
        (book.say("code"), str(book.roster.index[at])),
        (book.say("belongs"), place),
        (name_column("households", lang), homes),
        (name_column("buildings", lang), f"{row['buildings']}"),
        (name_column("area", lang), f"{row['area'] / 10_000:.2f} {book.say('hectares')}"),
        (name_column("perimeter", lang), f"{row['perimeter']:,} {book.say('metres')}"),
    ]
    own = book.staff.iloc[at]
    return facts + [
        (name_column(str(name), lang), str(value)) for name, value in own.items() if pd.notna(value)
    ]


def _list_neighbours(
    canvas: Canvas, book: _Book, at: int, left: float, top: float, most: int = 10
) -> float:
    """List the neighbours clockwise from north, each with its page."""
    others = book.neighbours.get(at, [])
    if not others:
        return top
    shapes = book.ground.grids.shapes
    middle = shapes[at].centroid
    bearings = []
    for other in others:
        there = shapes[other].centroid
        turn = np.degrees(np.arctan2(there.x - middle.x, there.y - middle.y)) % 360
        bearings.append((float(turn), other))
    rows = [["", book.say("neighbours"), "", book.say("page")]]
    codes = []
    for turn, other in sorted(bearings)[:most]:
        code = book.roster.index[other]
        wind = _WINDS[round(turn / 45) % 8][0 if book.lang == "zh" else 1]
        name = str(book.roster["name"].iloc[other])
        rows.append([wind, name, code, f"{book.numbers[f'g{code}']}"])
        codes.append(f"g{code}")
    widths = [share * book.side for share in (0.11, 0.42, 0.36, -0.11)]
    return draw_table(canvas, left, top, widths, rows, size=7, targets=codes)


def _list_houses(
    canvas: Canvas, book: _Book, at: int, left: float, top: float, floor: float
) -> None:
    """List the buildings that people live in, in two columns as far as there is room."""
    homes = book.homes.get(at, [])
    lines = [(name or book.say("nameless"), count) for name, count in homes if count]
    size, height, column = 7.0, 9.6, book.side / 2
    most = max(0, int((top - 24 - floor) // height)) * 2
    if not lines or most < 2:
        return
    write_words(canvas, left, top - 9, book.say("houses"), 7, color=FAINT)
    draw_rules(canvas, left, left + book.side - 4, [top - 12], width=0.7)
    shown = lines[:most]
    half = -(-len(shown) // 2)
    for number, (name, count) in enumerate(shown):
        x = left + (number // half) * column
        y = top - 21 - (number % half) * height
        text = wrap_words(name, size, column - 26, 1) or [""]
        write_words(canvas, x, y, text[0], size)
        write_words(canvas, x + column - 8, y, f"{count}", size, align="right")
    rest, empty = len(lines) - len(shown), len(homes) - len(lines)
    words = [book.say("more").format(rest)] if rest else []
    words += [book.say("none_lived").format(empty)] if empty else []
    y = top - 21 - half * height
    write_words(
        canvas, left, y, "，".join(words) if book.lang == "zh" else ", ".join(words), 7, color=FAINT
    )


def _gather_homes(plan: Plan, ground: Ground) -> dict[int, list[tuple[str, int]]]:
    """Return the buildings of each grid with their households, in the order of their names."""
    buildings = plan.city.buildings
    names = (buildings["compound_id"] + " " + buildings["name"]).str.strip().tolist()
    rows = zip(ground.owners.tolist(), names, buildings["households"].tolist(), strict=True)
    homes: dict[int, list[tuple[str, int]]] = {}
    for owner, name, count in sorted(rows, key=lambda row: (row[0], _natural(row[1]), row[2])):
        homes.setdefault(owner, []).append((name, count))
    return homes


def _natural(words: str) -> list[Any]:
    """Return a key that sorts 2号楼 before 10号楼."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", words)
    ]


def _draw_link(canvas: Canvas, book: _Book, code: str, left: float) -> None:
    """Draw the QR code of the grid's page on the map service."""
    url = f"{book.base_url}/g/{code}"
    side, bottom = 66.0, book.frame[1]
    draw_code(canvas, left, bottom, side, url)
    canvas.linkURL(url, (left, bottom, left + side, bottom + side))
    write_words(canvas, left + side + 6, bottom + 36, book.say("scan"), 8.5)
    for number, line in enumerate(wrap_words(book.base_url, 7, book.side - side - 8, 2)):
        write_words(canvas, left + side + 6, bottom + 24 - 9 * number, line, 7, color=LINK)
