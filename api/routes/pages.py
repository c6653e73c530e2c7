"""Pages for people, and the files that they are made of; nothing comes from another host."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates
from xstatic.pkg import leaflet

PAGES = Path(__file__).parent.parent / "pages"

Language = Literal["zh", "en"]
#: What a map page has beside the map: everything, the card alone, nothing.
Controls = Literal["full", "min", "none"]
Colouring = Literal["balance", "street", "none"]

#: Where the browser may be asked where it is; not even inside this page for anybody else.
_PLACED = {"Permissions-Policy": "camera=(), microphone=(), geolocation=(self)"}

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(PAGES)


@router.get("/map")
@router.get("/embed")
def show_map(
    request: Request, lang: Language = "zh", ui: Controls = "full", color: Colouring = "balance"
) -> Response:
    """Show the map of the plan in force; /embed is the same inside another page."""
    return show_page(request, "map.html", lang=lang, ui=ui, color=color)


@router.get("/dispatch")
def show_dispatch(request: Request, lang: Language = "zh") -> Response:
    """Show the dispatcher's page: whatever is pasted, the one grid that owns it."""
    return show_page(request, "dispatch.html", lang=lang)


@router.get("/report")
def show_report(request: Request, lang: Language = "zh") -> Response:
    """Show the citizen's page: report an incident, and follow it by its receipt."""
    return show_page(request, "report.html", headers=_PLACED, lang=lang)


@router.get("/work")
def show_work(request: Request, lang: Language = "zh") -> Response:
    """Show the grid worker's page: his cases, nearest breach first, and the next step of each."""
    return show_page(request, "work.html", lang=lang)


@router.get("/screen")
def show_screen(request: Request, lang: Language = "zh") -> Response:
    """Show the command screen: open cases by category, stage and clock, as they happen."""
    return show_page(request, "screen.html", lang=lang)


def show_page(
    request: Request,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> Response:
    """Fill a page; which map law applies to it stands on every one."""
    state = request.app.state
    context |= {"attribution": state.attribution, "approval": state.approval}
    context["modules"] = list_modules(name.replace(".html", ".js"))
    return _templates.TemplateResponse(
        request, name, context, status, headers={"Cache-Control": "no-cache", **(headers or {})}
    )


@cache
def list_modules(name: str) -> tuple[str, ...]:
    """Return a page's module and all that it imports, so that browsers fetch them at once."""
    path = PAGES / "static" / name
    if not path.exists():
        return ()
    imported = re.findall(r'^import [^;]*"\./([\w.]+)";$', path.read_text(encoding="utf-8"), re.M)
    below = (module for found in imported for module in list_modules(found))
    return tuple(dict.fromkeys((name, *below)))


class PageFiles(StaticFiles):
    """Scripts and styles that a browser keeps, but asks about before it uses them again."""

    def file_response(self, *args: object, **options: object) -> Response:
        """Return a file, or 304."""
        response = super().file_response(*args, **options)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_files(app: FastAPI) -> None:
    """Serve our scripts and styles, and Leaflet's from its installed package."""
    app.mount("/static/leaflet", PageFiles(directory=leaflet.BASE_DIR), name="leaflet")
    app.mount("/static", PageFiles(directory=PAGES / "static"), name="static")
