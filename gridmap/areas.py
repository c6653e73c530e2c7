"""Areas as MapIt names them: grids, communities and streets, each with a number, and how they lie.

MapIt is how FixMyStreet and others ask which areas hold a point. An area has a code: 15 digits of a
grid, the 12 before them of its community, and 9 of its street. FixMyStreet keeps numbers in four
bytes, where most codes do not fit, so areas are numbered (`gridmap.area_numbers`); an area is found
by either. What has no grid, or shares its digits with another, is numbered above all others, in the
order of names.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gridmap.crs import to_xy
from gridmap.geojson import Features
from gridmap.later import later

if TYPE_CHECKING:
    import geopandas as gpd
else:
    gpd = later("geopandas")

#: Types of areas, and what they are called.
AREA_TYPES = {"GRD": "网格", "COM": "社区", "STR": "街道"}
#: How other areas can lie to an area; coverlaps is MapIt's word for covered or overlapping.
RELATIONS = ("touches", "overlaps", "covers", "covered", "coverlaps", "intersects")
#: Degrees (some 10 cm): what shares less land than that along a border only touches it. Corners are
#: rounded to a tenth of that, so a community and its grids do not meet exactly.
_SLIVER = 1e-6
#: Where the numbers of streets and of communities without a code begin: above those of areas with
#: one, and above all codes of 9 digits, but within four bytes.
_UNCODED_STREETS, _UNCODED_COMMUNITIES = 2_000_000_000, 2_100_000_000


@dataclass(frozen=True)
class Area:
    """One area.

    Parameters
    ----------
    id : int
        Its number.
    type : str
        One of `AREA_TYPES`.
    code, name : str
        As the plan has them.
    parent : int or None
        The area that it is a part of.
    """

    id: int
    type: str
    code: str
    name: str
    parent: int | None


class AreaIndex:
    """The areas of a plan: built once, asked often, never changed.

    Parameters
    ----------
    grids, communities : Features
        As `gridmap.geojson` writes them, in degrees.
    told_grids, told_communities : sequence of mapping
        Their properties, in the same order.
    numbers : mapping
        The number of each code, as `gridmap.area_numbers` gives it.
    """

    def __init__(
        self,
        grids: Features,
        communities: Features,
        told_grids: Sequence[Mapping[str, Any]],
        told_communities: Sequence[dict[str, Any]],
        numbers: Mapping[str, int],
    ) -> None:
        names = sorted({one["street"] for one in told_communities if one["street"]})
        owned = _find_codes(grids.ids, told_grids)
        coded = [owned.get(key, "") for key in communities.ids]
        streets = _number_streets(names, told_communities, coded, numbers)
        towns = _number_communities(communities.ids, told_communities, coded, streets, numbers)
        above = dict(zip(communities.ids, towns, strict=True))
        areas = [*streets.values(), *towns]
        areas += [
            Area(numbers[code], "GRD", code, told["name"], above[told["community_id"]].id)
            for code, told in zip(grids.ids, told_grids, strict=True)
        ]
        self.areas = {area.id: area for area in areas}
        self._coded = {area.code: area for area in areas if area.code}
        self._ids = [area.id for area in areas]
        self._places = {area.id: place for place, area in enumerate(areas)}
        joined = _join_streets(communities.shapes, told_communities, names)
        self._shapes = np.concatenate([joined, communities.shapes, grids.shapes])
        self._tree = shapely.STRtree(self._shapes)

    def find(self, number: int | str) -> Area | None:
        """Return the area that has a number or a code; None where there is none."""
        return self.areas.get(int(number)) or self._coded.get(str(number))

    def shape(self, area: int) -> Any:
        """Return the shape of an area, degrees of WGS-84."""
        return self._shapes[self._places[area]]

    def write(self, area: int, form: str, *, tolerance: float = 0.0) -> str:
        """Return the shape of an area as text, degrees of WGS-84.

        Parameters
        ----------
        area : int
            Its number.
        form : str
            ``geojson`` (a geometry), ``wkt`` or ``kml``.
        tolerance : float
            Degrees by which the outline may be simplified; neighbours then no longer fit.
        """
        shape = shapely.simplify(self.shape(area), tolerance) if tolerance else self.shape(area)
        if form == "geojson":
            return str(shapely.to_geojson(shape))
        if form == "wkt":
            return str(shapely.to_wkt(shape, rounding_precision=7))
        return _write_kml(self.areas[area].name, shape)

    def measure(self, area: int, metric: int) -> dict[str, int | float]:
        """Return size and place of an area: metres of a projected system, and degrees.

        Parameters
        ----------
        area : int
            Its number.
        metric : int
            EPSG code of the system.
        """
        flat = to_xy(self.shape(area), metric)
        names = ("min_e", "min_n", "max_e", "max_n")
        degrees = ("min_lon", "min_lat", "max_lon", "max_lat")
        centre = flat.centroid, self.shape(area).centroid
        return {
            "parts": int(shapely.get_num_geometries(flat)),
            "srid_en": metric,
            "area": round(flat.area, 1),
            "perimeter": round(flat.length, 1),
            **dict(zip(names, np.round(flat.bounds, 2).tolist(), strict=True)),
            **dict(zip(degrees, np.round(self.shape(area).bounds, 7).tolist(), strict=True)),
            "centre_e": round(centre[0].x, 2),
            "centre_n": round(centre[0].y, 2),
            "centre_lon": round(centre[1].x, 7),
            "centre_lat": round(centre[1].y, 7),
        }

    def ancestors(self, area: int) -> Iterator[Area]:
        """Yield an area and those that it is a part of, the smallest first."""
        found: int | None = area
        while found is not None:
            yield self.areas[found]
            found = self.areas[found].parent

    def children(self, area: int) -> list[Area]:
        """Return the areas of which an area is the parent."""
        return [one for one in self.areas.values() if one.parent == area]

    def related(self, area: int, relation: str) -> list[Area]:
        """Return the other areas that lie to an area as one of `RELATIONS` says."""
        shape = self.shape(area)
        inner = shapely.buffer(shape, -_SLIVER)
        meeting = self._ask(shape, "intersects")
        sharing = self._ask(inner, "intersects")
        inside = self._ask(shapely.buffer(shape, _SLIVER), "covers")
        around = self._ask(inner, "covered_by")
        found = {
            "touches": meeting - sharing,
            "overlaps": sharing - inside - around,
            "covers": inside,
            "covered": around,
            "coverlaps": around | (sharing - inside),
            "intersects": meeting,
        }[relation]
        places = sorted(found - {self._places[area]})
        return [self.areas[self._ids[place]] for place in places]

    def _ask(self, shape: Any, predicate: Any) -> set[int]:
        return set(self._tree.query(shape, predicate=predicate).tolist())


def _find_codes(codes: Sequence[str], told: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the 12 digits of each community that has grids."""
    return {one["community_id"]: code[:12] for code, one in zip(codes, told, strict=True)}


def _number_streets(
    names: Sequence[str],
    told: Sequence[dict[str, Any]],
    coded: Sequence[str],
    numbers: Mapping[str, int],
) -> dict[str, Area]:
    """Give each street its number: that of the 9 digits of its communities, if they are its own."""
    digits: dict[str, set[str]] = {name: set() for name in names}
    for one, code in zip(told, coded, strict=True):
        if one["street"] and code:
            digits[one["street"]].add(code[:9])
    used = [code for found in digits.values() for code in found]
    areas = {}
    for place, name in enumerate(names):
        own = min(digits[name], default="")
        alone = len(digits[name]) == 1 and used.count(own) == 1
        number = numbers[own] if alone else _UNCODED_STREETS + place
        areas[name] = Area(number, "STR", own if alone else "", name, None)
    return areas


def _number_communities(
    ids: Sequence[str],
    told: Sequence[dict[str, Any]],
    coded: Sequence[str],
    streets: dict[str, Area],
    numbers: Mapping[str, int],
) -> list[Area]:
    """Give each community its number: that of the 12 digits of its grids."""
    rows = zip(ids, told, coded, strict=True)
    return [
        Area(
            numbers[code] if code else _UNCODED_COMMUNITIES + place,
            "COM",
            code or key,
            one["name"],
            streets[one["street"]].id if one["street"] else None,
        )
        for place, (key, one, code) in enumerate(rows)
    ]


def _join_streets(
    shapes: NDArray[np.object_], told: Sequence[dict[str, Any]], streets: Sequence[str]
) -> NDArray[np.object_]:
    """Return the land of each street: its communities together."""
    own = np.array([one["street"] for one in told], object)
    joined = np.empty(len(streets), object)
    for place, name in enumerate(streets):
        joined[place] = shapely.union_all(shapes[own == name])
    return joined


def _write_kml(name: str, shape: Any) -> str:
    frame = gpd.GeoDataFrame({"Name": [name]}, geometry=[shape], crs="EPSG:4326")
    buffer = io.BytesIO()
    frame.to_file(buffer, driver="KML", engine="pyogrio", layer="gridmap")
    return buffer.getvalue().decode()
