"""How the documentation is built: sphinx-build docs OUT.

The notebooks are kept without output, so they are run for it: by the tests, which leave them in the
folder that ``GRIDMAP_EXECUTED`` names, or here, where it names none.
"""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

project = "gridmap"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4  # of pages and from page to page, spelt as GitHub does
html_theme = "alabaster"
html_theme_options = {"description": "Grids for community governance", "page_width": "1080px"}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
suppress_warnings = ["ref.any", "mystnb.unknown_mime_type"]

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"
PAGES = HERE / "notebooks"  # written here, not kept

nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # nothing from a CDN: the editor leaves a picture
nb_mime_priority_overrides = [("*", "application/vnd.jupyter.widget-view+json", None)]
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["notebooks.css"]


def read_executed(path: Path) -> nbformat.NotebookNode:
    """Return a notebook with its output: as the tests left it, or run now."""
    folder = os.environ.get("GRIDMAP_EXECUTED")
    if folder and (Path(folder) / path.name).exists():
        return nbformat.read(Path(folder) / path.name, as_version=4)
    book = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    NotebookClient(book, timeout=300, resources=resources, store_widget_state=False).execute()
    return book


def write_pages() -> None:
    """Write each notebook with its output where Sphinx finds it; one that did not change stays."""
    PAGES.mkdir(exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        page = PAGES / path.name
        if not page.exists() or page.stat().st_mtime < path.stat().st_mtime:
            nbformat.write(read_executed(path), page)


write_pages()
