"""Grid codes: 15 digits of text, district 6 + street 3 + community 3 + serial 3.

The structure is that of DB11/T 2157-2023; the serial runs west to east in rows from north to south.
A code is given once: a redraw keeps it, and a retired code is never given again. It is text, never
a number: Excel keeps 15 significant digits and shows 2.10802E+14.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gridmap.errors import CodeError

#: District part of a code where the city's communities have none (not a GB/T 2260 code).
UNCODED_DISTRICT = "999999"
#: First two digits of the codes of GB/T 2260: the provinces.
_PROVINCES = (
    *("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37"),
    *("41", "42", "43", "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64"),
    *("65", "71", "81", "82"),
)
#: Community parts from here on count communities that were merged (CJ/T 349-2010).
_FIRST_MERGED = 601


@dataclass(frozen=True)
class Code:
    """A code taken apart.

    Parameters
    ----------
    standard : str
        ``community`` (12 digits), ``CJ/T 213`` (14), ``DB11/T 2157`` (15) or ``CJ/T 349`` (20).
    district, street, community : str
        6, 3 and 3 digits.
    serial : int or None
        Number of the grid in its community; None for a community's own code, 0 in CJ/T 349 for a
        community that is not divided.
    object_code : str
        The 6 digits that CJ/T 349 puts in front; "" elsewhere.
    merged : bool
        The grid merges several communities (CJ/T 349 only).
    """

    standard: str
    district: str
    street: str
    community: str
    serial: int | None
    object_code: str = ""
    merged: bool = False


def parse_code(code: str, *, districts: Iterable[str] | None = None) -> Code:
    """Take a code apart and say of which standard it is.

    Parameters
    ----------
    code : str
        12, 14, 15 or 20 digits.
    districts : iterable of str, optional
        The district codes to accept; by default any whose province exists, and 999999.

    Raises
    ------
    CodeError
        If the text is not a code, or its district is unknown.

    Examples
    --------
    >>> parse_code("210802003002001")
    Code(standard='DB11/T 2157', district='210802', street='003', community='002', serial=1, \
object_code='', merged=False)
    >>> parse_code("21080200300201").standard
    'CJ/T 213'
    """
    if not isinstance(code, str) or not re.fullmatch(r"[0-9]+", code):
        raise CodeError(f"{code!r} is not a code: it must be text of digits")
    standards = {12: "community", 14: "CJ/T 213", 15: "DB11/T 2157", 20: "CJ/T 349"}
    if len(code) not in standards:
        raise CodeError(f"{code!r} has {len(code)} digits; codes have 12, 14, 15 or 20")
    object_code, rest = (code[:6], code[6:]) if len(code) == 20 else ("", code)
    district, street, community, serial = rest[:6], rest[6:9], rest[9:12], rest[12:]
    _check_district(code, district, districts)
    return Code(
        standards[len(code)],
        district,
        street,
        community,
        int(serial) if serial else None,
        object_code,
        len(code) == 20 and int(community) >= _FIRST_MERGED,
    )


def is_community_code(text: str) -> bool:
    """Tell whether ``text`` is the 12-digit code of a community.

    Examples
    --------
    >>> is_community_code("210802003002"), is_community_code("BMSZ09")
    (True, False)
    """
    return bool(re.fullmatch(r"[0-9]{12}", text)) and (
        text[:2] in _PROVINCES or text.startswith(UNCODED_DISTRICT)
    )


def is_grid_code(text: str, community_code: str) -> bool:
    """Tell whether ``text`` is the 15-digit code of a grid of the community.

    Examples
    --------
    >>> is_grid_code("210802003002001", "210802003002"), is_grid_code("old 7", "210802003002")
    (True, False)
    """
    return bool(re.fullmatch(r"[0-9]{15}", text)) and text.startswith(community_code)


def make_codes(community_code: str, order: Sequence[int], *, used: Iterable[str] = ()) -> list[str]:
    """Give the next free codes of a community.

    Parameters
    ----------
    community_code : str
        12 digits.
    order : sequence of int
        Rank of each new grid, from 0, as `rank_positions` gives it.
    used : iterable of str
        Codes that were ever given, retired ones too: numbering goes on after those of the
        community. Text that is no code of it is passed over.

    Raises
    ------
    CodeError
        If the community would need a serial above 999.

    Examples
    --------
    >>> make_codes("210802003002", [1, 0])
    ['210802003002002', '210802003002001']
    """
    if not is_community_code(community_code):
        raise CodeError(f"{community_code!r} is not a 12-digit community code")
    serials = (int(code[12:]) for code in used if is_grid_code(code, community_code))
    first = max(serials, default=0) + 1
    if first + len(order) - 1 > 999:
        raise CodeError(
            f"community {community_code} would need serial {first + len(order) - 1}, above 999: "
            "divide the territory into communities first (divide_communities), or make larger "
            "grids (Rules.target)"
        )
    return [f"{community_code}{first + rank:03d}" for rank in order]


def make_community_codes(order: Sequence[int]) -> list[str]:
    """Give placeholder codes (district 999999) to communities that have none, 999 to a street.

    Examples
    --------
    >>> make_community_codes([0, 1])
    ['999999001001', '999999001002']
    """
    return [f"{UNCODED_DISTRICT}{rank // 999 + 1:03d}{rank % 999 + 1:03d}" for rank in order]


def rank_positions(x: npt.ArrayLike, y: npt.ArrayLike, row_height: float) -> npt.NDArray[np.int64]:
    """Rank positions in rows from north to south, west to east inside a row.

    Parameters
    ----------
    x, y : array of float, shape (n,)
        Metres; representative points of the areas.
    row_height : float
        Metres; the median height of the areas. Rows count from the northernmost position.

    Returns
    -------
    array of int, shape (n,)
        The rank of each position, from 0. Equal positions keep their order.

    Examples
    --------
    >>> rank_positions([0, 100, 50], [90, 100, 0], row_height=50)
    array([0, 1, 2])
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if not len(x):
        return np.zeros(0, np.int64)
    row = np.floor((y.max() - y) / max(row_height, 1e-9)).astype(np.int64)
    ranks = np.empty(len(x), np.int64)
    ranks[np.lexsort((-y, x, row))] = np.arange(len(x))
    return ranks


def _check_district(code: str, district: str, districts: Iterable[str] | None) -> None:
    if districts is None:
        known = district[:2] in _PROVINCES or district == UNCODED_DISTRICT
    else:
        known = district in set(districts)
    if not known:
        raise CodeError(f"{code!r} begins with {district}, which is no district code known here")
