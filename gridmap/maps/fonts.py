"""The font of figures and of print: a full Noto Sans SC, from an installed package.

It is read from the files of ``zhplot`` (SIL Open Font Licence), which is not imported: that would
change matplotlib's settings for everybody. No font of the system is needed.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

#: The name under which matplotlib and the PDF writer know it.
FAMILY = "gridmap-sans"
_FILE = "fonts/NotoSansSC-Regular.ttf"
#: What is written for a character that the font does not have: the usual mark of printers.
_UNKNOWN = "〓"


def font_path() -> Path:
    """Return the font's file.

    Raises
    ------
    FileNotFoundError
        If the package ``zhplot`` or its font is gone.
    """
    package = find_spec("zhplot")
    folders = list(package.submodule_search_locations or []) if package else []
    paths = [Path(folder) / _FILE for folder in folders]
    if not paths or not paths[0].is_file():
        raise FileNotFoundError("no font to print with; install zhplot, which carries one")
    return paths[0]


@cache
def known_characters() -> frozenset[int]:
    """Return the code points of the characters that the font has: 30,890."""
    from fontTools.ttLib import TTFont

    with TTFont(font_path(), lazy=True) as font:
        return frozenset(font.getBestCmap())


def printable(text: str) -> str:
    r"""Return the text with a mark for each character that the font does not have.

    Examples
    --------
    >>> printable("幸福里\U0002a6d6号")
    '幸福里〓号'
    """
    known = known_characters()
    return "".join(sign if ord(sign) in known else _UNKNOWN for sign in text)
