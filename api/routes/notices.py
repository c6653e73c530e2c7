"""The public page of each grid: what has to be posted of it, readable without scripts."""

import re
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.caching import cache_headers, make_tag, not_modified
from api.dependencies import PlanAt, TheShelf
from api.models import GridContact
from api.routes.pages import Language, show_page
from api.shelf import InForce, ServedPlan
from gridmap.notices import SIDES, Bound, draw_code, make_notice

router = APIRouter(include_in_schema=False)

#: How a notice names the sides, and what has no name of its own, in Chinese and English.
_SIDES = {"east": ("东至", "east:"), "south": ("南至", "south:")} | {
    "west": ("西至", "west:"),
    "north": ("北至", "north:"),
}
_KINDS = {"railway": ("铁路", "railway"), "river": ("河流", "river")}
_EDGE = ("辖区边界", "the edge of the territory")
_GONE, _NONE = ("网格已撤销", "Retired grid"), ("没有这个网格", "No such grid")
_RETIRED = "网格 {code} 已撤销，现由下列网格负责：", "Grid {code} was retired; after it came:"
_ENDED = "网格 {code} 已撤销，没有后继网格。", "Grid {code} was retired, and none came after it."
_UNKNOWN = "没有编码为 {code} 的网格，请核对。", "There is no grid {code}; please check the code."


@router.get("/g/{code}")
def show_notice(
    request: Request,
    in_force: PlanAt,
    shelf: TheShelf,
    code: Annotated[str, Path(description="15 digits", max_length=40)],
    lang: Language = "zh",
) -> Response:
    """Show the notice of a grid; of a retired code what came after it (410)."""
    plan = in_force.plan
    grid = plan.grids.get(code)
    if grid is None:
        return _show_missing(request, plan, code, lang)
    contact = shelf.find_contact(in_force, code)
    headers = cache_headers(_tag(request, in_force, contact))
    held = not_modified(request, headers)
    if held is not None:
        return held
    notice = make_notice(plan.features, plan.layers, code)
    address = str(request.url_for("show_notice", code=code))
    return show_page(
        request,
        "notice.html",
        headers=headers,
        lang=lang,
        other_language=_write_query(request, lang),
        title=name_fully(grid.street, grid.name),
        code=code,
        grid=grid,
        contact=contact,
        dial=re.sub(r"[^\d+]", "", contact.office_phone) if contact else "",
        notice=notice,
        extent=_tell_extent(notice.bounds, lang),
        qr=draw_code(address),
        address=address,
        in_force=in_force,
    )


def _tag(request: Request, in_force: InForce, contact: GridContact | None) -> str:
    """Return the tag of a notice: its day and whom to call stand on it, and what settings say."""
    state, told = request.app.state, "" if contact is None else contact.model_dump_json()
    about = (in_force.plan.name, in_force.as_of, told, state.attribution, state.approval)
    return make_tag("notice", request.url, *about)


def name_fully(street: str, name: str) -> str:
    """Return a grid's name after its street office's, unless it begins with it."""
    return name if name.startswith(street) else street + name


def _show_missing(request: Request, plan: ServedPlan, code: str, lang: Language) -> Response:
    """Say what became of a code: a retired one answers 410, one that never was 404."""
    retired = code in plan.retired
    successors = _follow(plan, code)
    words = _UNKNOWN if not retired else _RETIRED if successors else _ENDED
    named = [(after, plan.grids[after]) for after in successors]
    return show_page(
        request,
        "notice.html",
        status=410 if retired else 404,
        lang=lang,
        other_language=_write_query(request, lang),
        title=_pick(_GONE if retired else _NONE, lang),
        lead=_pick(words, lang).format(code=code),
        successors=[(after, name_fully(grid.street, grid.name)) for after, grid in named],
    )


def _follow(plan: ServedPlan, code: str) -> list[str]:
    """Return the grids of today that came after a code, through all that were retired since."""
    found: dict[str, None] = {}
    waiting, seen = [code], {code}
    while waiting:
        for after in plan.retired.get(waiting.pop(0), "").split():
            if after in plan.grids:
                found[after] = None
            elif after not in seen:
                waiting.append(after)
            seen.add(after)
    return list(found)


def _tell_extent(bounds: dict[str, tuple[Bound, ...]], lang: Language) -> list[tuple[str, str]]:
    """Return each side and what lies there, in words."""
    joint = "、" if lang == "zh" else ", "
    return [
        (
            _pick(_SIDES[side], lang),
            joint.join(_tell_bound(bound, lang) for bound in bounds[side]) or _pick(_EDGE, lang),
        )
        for side in SIDES
    ]


def _tell_bound(bound: Bound, lang: Language) -> str:
    return bound.name or _pick(_KINDS[bound.kind], lang)


def _pick(words: tuple[str, str], lang: Language) -> str:
    return words[lang == "en"]


def _write_query(request: Request, lang: Language) -> str:
    """Return the query of the same page in the other language."""
    return request.url.include_query_params(lang="zh" if lang == "en" else "en").query
