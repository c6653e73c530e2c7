"""Households where nobody counted: an estimate from storeys, footprint and use, if asked for."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from gridmap.errors import RulesError
from gridmap.reading.attributes import parse_numbers
from gridmap.reading.columns import to_text
from gridmap.reading.findings import Finding, find_rows

#: Values of a column of uses that mean that people live there: Chinese registers, OSM `building`,
#: and yes or no of a column such as `is_living`. Compared without case.
RESIDENTIAL_USES = (
    *(
        "住宅",
        "居住",
        "商住",
        "商住楼",
        "住宅楼",
        "居民楼",
        "居民住宅",
        "公寓",
        "成套住宅",
        "商品房",
    ),
    *(
        "非成套住宅",
        "集体宿舍",
        "宿舍",
        "别墅",
        "商住两用",
        "住宅用地",
        "自建房",
        "安置房",
        "公租房",
    ),
    *("residential", "apartments", "house", "detached", "semidetached_house", "terrace"),
    *("dormitory", "bungalow", "mixed", "true", "1", "是"),
)
#: Values that say nothing about the use.
_UNKNOWN_USES = ("", "yes", "unknown", "未知", "其他", "其它", "不详")


@dataclass(frozen=True)
class Estimate:
    """How households are estimated: storeys × footprint m² × share / m² of a dwelling.

    Parameters
    ----------
    dwelling_area : float
        m² of gross floor area (outer walls and stairs included) that go with one dwelling. 90 is
        usual for a walk-up of six storeys in a Chinese city; the estimate in the bundled data of
        Monaco has 146. Compare it with buildings whose households are known, and set it.
    share : float
        Share of the floor area that is lived in, above 0 and at most 1: less than 1 where lower
        storeys are shops.
    residential : tuple of str
        Uses of a building that is lived in, compared without case. Add "yes" for OSM's buildings
        of unknown use, "" for rows and files that say no use.

    Raises
    ------
    RulesError
        If a number is out of range.

    Examples
    --------
    >>> Estimate(share=1.2)
    Traceback (most recent call last):
    gridmap.errors.RulesError: share is 1.2, not above 0 and at most 1
    """

    dwelling_area: float = 90.0
    share: float = 1.0
    residential: tuple[str, ...] = RESIDENTIAL_USES

    def __post_init__(self) -> None:
        if not 0 < self.dwelling_area < np.inf:
            raise RulesError(f"dwelling_area is {self.dwelling_area} m², not above 0")
        if not 0 < self.share <= 1:
            raise RulesError(f"share is {self.share}, not above 0 and at most 1")


def estimate_households(
    frame: gpd.GeoDataFrame, estimate: Estimate, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Fill missing households, rounded half up, and mark them in the column ``estimated``.

    A building that is lived in, with storeys and a footprint, gets the estimate; one of another use
    gets 0. Where the use, the storeys or the footprint are unknown the households stay missing, and
    the report counts such rows.

    Parameters
    ----------
    frame : GeoDataFrame
        Buildings in a metric CRS with ``floors`` as numbers, ``households`` and ``use`` as they
        were written, if they are there at all.
    """
    empty = frame.assign(households="", use="")
    given = frame.get("households", empty["households"])
    missing = (to_text(given) == "").to_numpy()
    uses = to_text(frame.get("use", empty["use"])).str.casefold()
    lived_in = uses.isin([name.casefold() for name in estimate.residential]).to_numpy()
    unknown = uses.isin(_UNKNOWN_USES).to_numpy() & ~lived_in
    floors, _ = parse_numbers(frame["floors"])
    area = shapely.area(frame.geometry.to_numpy())
    measured = np.isfinite(floors) & (floors > 0) & (area > 0)
    homes = np.floor(floors * area * estimate.share / estimate.dwelling_area + 0.5)
    filled = missing & ~unknown & (measured | ~lived_in)
    _note_unestimated(missing & unknown, missing & lived_in & ~measured, len(frame), findings)
    _note_uses(uses[missing & ~lived_in & ~unknown].tolist(), findings)
    values = np.where(lived_in, homes, 0)[filled]
    numbers = given.astype(object).to_numpy(copy=True)
    numbers[filled] = [int(value) for value in values]
    return frame.assign(households=numbers, estimated=filled)


def note_estimate(frame: gpd.GeoDataFrame, estimate: Estimate, findings: list[Finding]) -> int:
    """Report rule, number and share of what was estimated; return the households."""
    households = frame["households"].to_numpy()
    number, total = int(households[frame["estimated"]].sum()), int(households.sum())
    if frame["estimated"].any():
        value = (
            f"{frame['estimated'].sum()} buildings, {number:,} of {total:,} households "
            f"({number / max(total, 1):.1%})"
        )
        problem = (
            f"estimated: storeys × footprint m² × {estimate.share:g} / "
            f"{estimate.dwelling_area:g} m² per dwelling, 0 where nobody lives"
        )
        findings.append(Finding("buildings", "", "households", value, problem, "repaired"))
    return number


def _note_unestimated(
    unknown: npt.NDArray[np.bool_],
    unmeasured: npt.NDArray[np.bool_],
    rows: int,
    findings: list[Finding],
) -> None:
    """Count the rows whose households stay missing."""
    for some, column, problem in (
        (unknown, "use", "no use is said: not estimated; see Estimate(residential=)"),
        (unmeasured, "floors", "no storeys or no footprint: not estimated"),
    ):
        if some.any():
            value = f"{some.sum()} of {rows}"
            findings.append(Finding("buildings", "", column, value, problem, "noted"))


def _note_uses(uses: list[str], findings: list[Finding]) -> None:
    """List the uses that count as 0 households, for a word of another office may be among them."""
    values = [f"{use} × {uses.count(use)}" for use in sorted(set(uses))]
    problem = "a use without households: 0; if people live there, see Estimate(residential=)"
    findings += find_rows(
        "buildings", [""] * len(values), "use", values, problem=problem, action="noted"
    )
