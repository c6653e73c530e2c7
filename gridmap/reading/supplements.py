"""What a city may have beside its four tables: exclusive zones, grids in use, estates, entrances.

None of them is needed, and none of them changes a household: what does not fit is said in the
report and left out, so that a city is never refused for its zones.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.reading.attributes import (
    settle_estates,
    settle_households,
    settle_ids,
    settle_kinds,
    settle_texts,
)
from gridmap.reading.findings import Finding, find_rows
from gridmap.reading.repairs import drop_shapeless, mend_shapes

#: m² below which an overlap, a gap or what lies outside is rounding, or a border that was drawn
#: twice.
_ROUNDING_AREA = 1.0
#: A zone lies in a community with this share of it or more; less is a border that was drawn twice.
_SPREAD_SHARE = 0.01


def settle_zones(
    frame: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Make exclusive zones of areas that do not overlap; those outside of the city are left out.

    Where two overlap, the smaller one keeps the area: a market in a park is the market.
    """
    frame = settle_ids(frame, "zones", "zone_id", findings)
    frame = settle_texts(settle_kinds(frame, "zones", findings, "other"), ["name"])
    frame = drop_shapeless(mend_shapes(frame, "zones", (2,), findings), "zones", findings)
    frame = _drop_outside(frame, "zones", communities, findings)
    frame = _part_zones(frame, findings)
    _note_spread(frame, communities, findings)
    return frame


def settle_existing(
    frame: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, findings: list[Finding]
) -> gpd.GeoDataFrame:
    """Make the grids in use of areas, as they were drawn; overlaps and gaps are noted."""
    frame = settle_texts(settle_ids(frame, "existing", "grid_code", findings), ["name"])
    frame = drop_shapeless(mend_shapes(frame, "existing", (2,), findings), "existing", findings)
    frame = _drop_outside(frame, "existing", communities, findings)
    shapes = frame.geometry.to_numpy()
    problem = "existing grids overlap"
    for one, two, area in _list_overlaps(shapes):
        value = f"{area:.2f} m² with {frame.index[two]}"
        row = str(frame.index[one])
        findings.append(Finding("existing", row, "geometry", value, problem, "noted"))
    territory = shapely.union_all(communities.geometry.to_numpy())
    gap = shapely.difference(territory, shapely.union_all(shapes)).area
    if len(frame) and gap > _ROUNDING_AREA:
        problem = "of the communities are in no existing grid"
        findings.append(Finding("existing", "", "geometry", f"{gap:.2f} m²", problem, "noted"))
    return frame


def settle_compounds(
    frame: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, findings: list[Finding]
) -> pd.DataFrame:
    """Make a plain table of compounds with their kind of estate."""
    frame = settle_ids(frame, "compounds", "compound_id", findings)
    frame = settle_estates(frame, "compounds", findings)
    unused = frame.index[~frame.index.isin(buildings["compound_id"])]
    problem = "no building names this compound"
    findings += find_rows(
        *("compounds", unused, "compound_id", [""] * len(unused)), problem=problem, action="noted"
    )
    return pd.DataFrame(frame[["estate_type"]])


def settle_entrances(
    frame: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, findings: list[Finding]
) -> pd.DataFrame:
    """Make the table of entrances, with points where there are any.

    Rows of buildings that are not there are left out. Where the entrances of a building have
    other households than it has, its own count.
    """
    frame = settle_texts(frame, ["building_id", "entrance"])
    frame = frame.set_axis([f"row {at + 1}" for at in frame.index], axis=0)
    frame = settle_households(frame, findings, "entrances")
    known = frame["building_id"].isin(buildings.index).to_numpy()
    stray = frame[~known]
    problem = "no such building: left out"
    findings += find_rows(
        *("entrances", stray.index, "building_id", stray["building_id"]),
        problem=problem,
        action="noted",
    )
    frame = _name_entrances(frame[known], findings)
    _compare_sums(frame, buildings, findings)
    return _place_entrances(frame, findings)


def _name_entrances(frame: gpd.GeoDataFrame, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Write "2" for 2单元; number the entrances that have no name in the order of their rows."""
    names = frame["entrance"].str.removesuffix("单元").str.strip()
    missing = names == ""
    serial = (frame.groupby("building_id").cumcount() + 1).astype("str")
    names = names.where(~missing, serial)
    findings += find_rows(
        *("entrances", frame.index[missing], "entrance", names[missing]),
        problem="no name of the entrance: numbered in the order of the rows",
        action="repaired",
    )
    frame = frame.assign(entrance=names.astype("str"))
    twins = frame[frame.duplicated(["building_id", "entrance"])]
    values = [f"{row.building_id} {row.entrance}" for row in twins.itertuples()]
    findings += find_rows(
        *("entrances", twins.index, "entrance", values),
        problem="an entrance that stands in an earlier row too: added up",
        action="noted",
    )
    return frame


def _compare_sums(
    frame: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, findings: list[Finding]
) -> None:
    """Note the buildings whose entrances have other households than they have."""
    sums = frame.groupby("building_id", sort=False)["households"].sum()
    own = buildings["households"].loc[sums.index]
    wrong = sums.index[(sums != own).to_numpy()]
    values = [f"entrances {sums[name]}, building {own[name]}" for name in wrong]
    problem = "households of the entrances are not those of the building, which count"
    findings += find_rows(
        *("entrances", wrong, "households", values), problem=problem, action="noted"
    )


def _place_entrances(frame: gpd.GeoDataFrame, findings: list[Finding]) -> pd.DataFrame:
    """Keep the columns of the table, and points if there are any."""
    columns = ["building_id", "entrance", "households"]
    if frame.geometry.notna().any():
        placed = mend_shapes(frame, "entrances", (0,), findings)
        return placed[[*columns, "geometry"]].reset_index(drop=True)
    return pd.DataFrame(frame[columns]).reset_index(drop=True)


def _drop_outside(
    frame: gpd.GeoDataFrame,
    table: str,
    communities: gpd.GeoDataFrame,
    findings: list[Finding],
) -> gpd.GeoDataFrame:
    """Leave out areas that lie in no community; note the m² that others have outside."""
    territory = shapely.union_all(communities.geometry.to_numpy())
    shapes = frame.geometry.to_numpy()
    areas = shapely.area(shapes)
    outside = areas - shapely.area(shapely.intersection(shapes, territory))
    wholly = outside >= areas - np.minimum(_ROUNDING_AREA, areas / 2)
    for rows, problem in (
        (wholly, "outside every community: left out"),
        (~wholly & (outside > _ROUNDING_AREA), "partly outside every community"),
    ):
        values = [f"{area:.2f} m²" for area in outside[rows]]
        ids = frame.index[rows]
        findings += find_rows(table, ids, "geometry", values, problem=problem, action="noted")
    return frame[~wholly]


def _list_overlaps(shapes: npt.NDArray[Any]) -> list[tuple[int, int, float]]:
    """List the pairs of areas that overlap by more than rounding, and by how many m²."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    areas = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    order = np.lexsort((second, first))
    return [
        (int(first[at]), int(second[at]), float(areas[at]))
        for at in order
        if areas[at] > _ROUNDING_AREA
    ]


def _part_zones(zones: gpd.GeoDataFrame, findings: list[Finding]) -> gpd.GeoDataFrame:
    """Give each overlap to the smaller zone, or of equals the first; any sliver of it too."""
    shapes = zones.geometry.to_numpy()
    sizes = np.lexsort((np.arange(len(shapes)), shapely.area(shapes)))
    rank = np.argsort(sizes)
    for one, two, area in _list_overlaps(shapes):
        large, small = (one, two) if rank[one] > rank[two] else (two, one)
        value = f"{area:.2f} m² with {zones.index[small]}"
        problem = "zones overlap: the smaller one keeps the area"
        row = str(zones.index[large])
        findings.append(Finding("zones", row, "geometry", value, problem, "repaired"))
    parted = shapes.copy()
    one, two = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for large in np.unique(one[rank[one] > rank[two]]):
        smaller = two[(one == large) & (rank[two] < rank[large])]
        rest = shapely.difference(shapes[large], shapely.union_all(shapes[smaller]))
        parts = shapely.get_parts(rest)
        parted[large] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    covered = shapely.is_empty(parted)
    findings += find_rows(
        *("zones", zones.index[covered], "geometry", [""] * int(covered.sum())),
        problem="wholly in smaller zones: left out",
        action="noted",
    )
    return zones.set_geometry(gpd.GeoSeries(parted, zones.index, crs=zones.crs))[~covered]


def _note_spread(
    zones: gpd.GeoDataFrame, communities: gpd.GeoDataFrame, findings: list[Finding]
) -> None:
    """Note the zones that lie in several communities."""
    shapes, areas = zones.geometry.to_numpy(), communities.geometry.to_numpy()
    zone, community = shapely.STRtree(areas).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[zone], areas[community]))
    within = shared >= _SPREAD_SHARE * shapely.area(shapes[zone])
    zone, community = zone[within], community[within]
    problem = "lies in several communities: a grid in each, for a grid never crosses their border"
    for at in np.flatnonzero(np.bincount(zone, minlength=len(zones)) > 1):
        names = sorted(communities.index[community[zone == at]])
        row = str(zones.index[at])
        findings.append(Finding("zones", row, "geometry", ", ".join(names), problem, "noted"))
