"""The editor's page as one module: our plain ES modules and the installed Leaflet, put together.

A widget carries its program as one text. Ours is many small modules, as they stand in ``static``,
which a browser also loads one by one. Nothing is translated: imports of each other are left out,
and the modules follow one another so that each comes after what it uses. Leaflet comes from the
installed package ``xstatic-leaflet``.
"""

import base64
import re
from functools import cache
from pathlib import Path

from xstatic.pkg import leaflet

_STATIC = Path(__file__).parent / "static"
_LEAFLET = Path(leaflet.BASE_DIR)
_IMPORT = re.compile(r"^import [^;]*? from \"\./([\w.]+)\";\n", re.M)


@cache
def compose_module() -> str:
    """Return the whole program as one ES module."""
    order: list[str] = []
    _follow_imports("editor.js", order)
    return "\n".join(_take_module(name) for name in order)


@cache
def compose_style() -> str:
    """Return the style sheets of Leaflet and of the editor; Leaflet's pictures are inside."""
    style = (_LEAFLET / "leaflet.css").read_text(encoding="utf-8")
    style = re.sub(r"url\((images/[^)]+)\)", _inline_picture, style)
    return style + (_STATIC / "editor.css").read_text(encoding="utf-8")


def read_module(name: str) -> str:
    """Return the text of one module as it stands; ``leaflet.js`` is made from the package's."""
    if name == "leaflet.js":
        return _wrap_leaflet()
    return (_STATIC / name).read_text(encoding="utf-8")


def _follow_imports(name: str, order: list[str]) -> None:
    """Append a module to ``order``, after those that it imports."""
    for imported in _IMPORT.findall(read_module(name)):
        if imported not in order:
            _follow_imports(imported, order)
    order.append(name)


def _take_module(name: str) -> str:
    """Return a module without its imports; only what the widget asks for stays exported."""
    text = _IMPORT.sub("", read_module(name))
    return re.sub(r"^export (?!default)", "", text, flags=re.M)


def _wrap_leaflet() -> str:
    """Return Leaflet as a module that leaves the page's own ``window.L`` alone."""
    script = (_LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    script = re.sub(r"//# sourceMappingURL=.*", "", script)
    return (
        "export const L = (() => {\nconst module = { exports: {} }, exports = module.exports;\n"
        f"{script}\nreturn exports.noConflict();\n}})();\n"
    )


def _inline_picture(link: re.Match[str]) -> str:
    picture = base64.b64encode((_LEAFLET / link[1]).read_bytes()).decode()
    return f"url(data:image/png;base64,{picture})"
