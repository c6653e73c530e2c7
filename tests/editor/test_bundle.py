"""The page's program: plain modules, the installed Leaflet, nothing from outside."""

import re
import subprocess
import sys
from pathlib import Path

from gridmap.editor import bundle
from gridmap.editor.bundle import compose_module, compose_style, read_module

STATIC = Path(bundle.__file__).parent / "static"


def test_every_module_is_part_of_the_program() -> None:
    """Each file of ours is in the whole once, and what it imports comes before it."""
    program = compose_module()
    for path in STATIC.glob("*.js"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert program.count(first) == 1, path.name
    assert not re.search(r"^import ", program, re.M)
    assert re.findall(r"^export .*", program, re.M) == ["export default { render };"]


def test_imports_name_what_is_exported() -> None:
    """A name that a module imports is exported by the other: joined, a slip would stay unseen."""
    for path in STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for names, module in re.findall(r"^import \{([^}]*)\} from \"\./([\w.]+)\";", text, re.M):
            for name in filter(None, (part.strip() for part in names.split(","))):
                declared = rf"^export (?:const|class|function|async function) {name}\b"
                assert re.search(declared, read_module(module), re.M), (path.name, name)
                assert len(re.findall(rf"\b{name}\b", text)) > 1, (path.name, name)


def test_nothing_comes_from_outside() -> None:
    """No address of another host in our own files, and no picture left as a file in the style."""
    for path in STATIC.iterdir():
        urls = re.findall(r"https?://[\w.-]+", path.read_text(encoding="utf-8"))
        assert [url for url in urls if url != "http://www.w3.org"] == [], path.name
    assert not re.search(r"url\((?!data:|#)", compose_style())


def test_leaflet_is_not_copied() -> None:
    """Leaflet is read from its package; our folder has no third party's code."""
    assert "Vladimir Agafonkin" in compose_module()
    assert all("Agafonkin" not in path.read_text(encoding="utf-8") for path in STATIC.iterdir())


def test_importing_gridmap_does_not_import_widgets() -> None:
    """The packages of widgets are loaded with the first editor, not with gridmap."""
    code = "import sys, gridmap; print('ipywidgets' in sys.modules, 'anywidget' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_both_languages_say_the_same_things() -> None:
    """Chinese and English have the same texts with the same gaps."""
    text = (STATIC / "words.js").read_text(encoding="utf-8")
    languages = re.findall(r"^  (?:zh|en): \{\n(.*?)^  \},", text, re.M | re.S)
    zh, en = (re.findall(r"^    (\w+): (\([^)]*\) =>)?", part, re.M) for part in languages)
    assert len(zh) > 80
    assert zh == en
