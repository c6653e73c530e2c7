"""A city: what gridmap divides, read from the files of a city office, with all that is wrong there.

Reading is a row of steps of `gridmap.reading`, each of which adds what it finds to one report:
`layers` opens the files, `columns` tells which column is which, `attributes` makes values out of
what was written, `repairs` makes the shapes fit together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmap.crs import is_metric
from gridmap.cutting.faces import cut_faces, find_faces, join_faces
from gridmap.errors import CityError, TableError
from gridmap.reading.addresses import place_lists
from gridmap.reading.alignment import find_misread
from gridmap.reading.attributes import (
    drop_totals,
    free_codes,
    rank_areas,
    settle_codes,
    settle_entrance_counts,
    settle_estates,
    settle_floors,
    settle_households,
    settle_ids,
    settle_kinds,
    settle_texts,
    settle_work_counts,
)
from gridmap.reading.columns import (
    PLAIN_TABLES,
    choose_layers,
    find_named,
    read_aliases,
    read_mapping,
    recognise_layer,
)
from gridmap.reading.estimates import Estimate, estimate_households, note_estimate
from gridmap.reading.findings import CityReport, Finding
from gridmap.reading.layers import Source, list_layers
from gridmap.reading.repairs import (
    compare_communities,
    drop_shapeless,
    drop_unplaced,
    keep_near,
    make_territory,
    mend_overlaps,
    mend_shapes,
    place_buildings,
)
from gridmap.reading.sources import Datums, check_datums, join_pieces, read_pieces
from gridmap.reading.supplements import (
    settle_compounds,
    settle_entrances,
    settle_existing,
    settle_zones,
)
from gridmap.tables import (
    BARRIERS,
    BUILDINGS,
    COMMUNITIES,
    COMPOUNDS,
    ENTRANCES,
    EXISTING,
    STREETS,
    ZONES,
    Table,
    check_table,
    empty_table,
    list_some,
    table_columns,
)

__all__ = [
    "City",
    "CityReport",
    "Estimate",
    "Finding",
    "check_city",
    "divide_communities",
    "read_city",
]

#: Stands for an empty table, which can't be made before the CRS of the city is known.
_EMPTY: Any = None


@dataclass(frozen=True)
class City:
    """The tables of a city in one metric CRS, checked together.

    Parameters
    ----------
    communities, buildings, streets, barriers : GeoDataFrame
        Tables that keep `COMMUNITIES`, `BUILDINGS`, `STREETS` and `BARRIERS`. A city without
        streets or barriers has empty tables (`gridmap.tables.empty_table`).
    name : str
        What the city is called.
    report : CityReport
        What was found while it was read.
    zones, existing : GeoDataFrame, optional
        Exclusive zones (`ZONES`) and the grids in use (`EXISTING`); empty by default.
    compounds : DataFrame, optional
        `COMPOUNDS`: the kind of estate of compounds; empty by default.
    entrances : DataFrame or GeoDataFrame, optional
        `ENTRANCES`: the homes of buildings by entrance, with points or without; empty by default.

    Raises
    ------
    TableError
        If a table breaks its contract, the tables differ in CRS, the CRS is not metric, there is no
        community, a building lies in a community that does not exist, or an entrance belongs to
        such a building.
    """

    communities: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    name: str = ""
    report: CityReport = field(default_factory=CityReport)
    zones: gpd.GeoDataFrame = _EMPTY
    existing: gpd.GeoDataFrame = _EMPTY
    compounds: pd.DataFrame = _EMPTY
    entrances: pd.DataFrame = _EMPTY

    def __post_init__(self) -> None:
        check_table(self.communities, COMMUNITIES)
        for table in (ZONES, EXISTING, COMPOUNDS, ENTRANCES):
            given = getattr(self, table.name)
            if given is None or not len(given):  # frozen: set once, before anybody sees it
                object.__setattr__(self, table.name, empty_table(table, self.communities.crs))
        for table in (BUILDINGS, STREETS, BARRIERS, ZONES, EXISTING, COMPOUNDS, ENTRANCES):
            check_table(getattr(self, table.name), table)
        _check_together(self)

    @property
    def crs(self) -> Any:
        """The metric CRS of every table."""
        return self.communities.crs

    @property
    def households(self) -> int:
        """How many households live in the city."""
        return int(self.buildings["households"].sum())


def read_city(
    path: str | Path,
    *,
    columns: Mapping[str, Any] | str | Path | None = None,
    datum: Datums = None,
    estimate: Estimate | None = None,
) -> City:
    """Read a city from a file or a folder of layers.

    Parameters
    ----------
    path : str or Path
        A GeoPackage, GeoJSON, Shapefile (also in a .zip), Parquet, Excel (.xlsx) or CSV file, or a
        folder of such files. A list of buildings without positions is joined to the footprints of
        another layer; see `gridmap.reading.addresses.place_lists`.
    columns : mapping or path of a TOML file, optional
        Which layer is which table, and which column is which; see `columns`. By default
        both are recognised by their names, English or Chinese.
    datum : str or mapping of str to str, optional
        Datum of the degrees in the files (`gridmap.datum.DATUMS`): one for all, or those of some
        tables or layers, as in ``{"buildings": "gcj02"}``. A layer's own goes before its table's,
        then comes a ``datum`` in ``columns``, then the one for all. By default degrees are what
        the files' CRS says, and WGS-84 (or CGCS2000) where it doesn't say. A projected layer is
        moved only by a datum that is named for it or its table.
    estimate : Estimate, optional
        How households are estimated where none are given; the report says how many were, and the
        buildings' column ``estimated`` which. By default nothing is estimated.

    Returns
    -------
    City
        In one metric CRS: that of the communities, boundary or buildings if it is one, else the
        local one. Its report says what was repaired.

    Raises
    ------
    CityError
        With the whole report, if anything can't be read without a loss.
    DatumError
        If a datum is unknown, or named for something that is no table and no layer.
    """
    city, report = _read(path, columns, datum, estimate)
    if city is None:
        raise CityError(report.to_text(), report)
    return city


def check_city(
    path: str | Path,
    *,
    columns: Mapping[str, Any] | str | Path | None = None,
    datum: Datums = None,
    estimate: Estimate | None = None,
) -> CityReport:
    """Report everything that is wrong with a city's files, without an error for any of it.

    Parameters are those of `read_city`.

    Raises
    ------
    DatumError
        If a datum is unknown, or named for something that is no table and no layer.
    """
    return _read(path, columns, datum, estimate)[1]


def divide_communities(city: City, households: int = 3000) -> City:
    """Divide each community along main roads, railways and rivers into ones of about a size.

    Streets divide only the faces between those lines that are too large, or the whole city where it
    has no main roads. Faces are then joined, the smallest first, to the neighbour with which they
    share the longest border, as long as the two stay within 4/3 of the size; a face that is larger
    alone stays as it is. A community with no line through it, or of the size already, stays one and
    keeps its id, name and code.

    Parameters
    ----------
    city : City
        Usually of one community: a territory without communities.
    households : int
        Of a usual new community.

    Returns
    -------
    City
        New communities tile the old ones exactly, each of them in one piece where the old one was.
        They are named 片区1, 片区2 … from W to E in rows from N to S; their ids are placeholder
        codes. On a new border the first of the faces, from N to S, has a building.

    Raises
    ------
    TableError
        If ``households`` is less than 1.
    """
    if households < 1:
        raise TableError(f"communities of {households} households: give 1 or more")
    old, homes = city.communities, city.buildings["households"].to_numpy()
    points = shapely.point_on_surface(city.buildings.geometry.to_numpy())
    of = old.index.get_indexer(city.buildings["community_id"])
    main, streets = _dividing_lines(city)
    faces, owners = cut_faces(old.geometry.to_numpy(), main)
    at = find_faces(points, of, faces, owners)
    large = np.bincount(at, homes, len(faces)) > households
    within = shapely.STRtree(streets).query(faces[large], predicate="intersects")[1]
    parts, face_of = cut_faces(faces, streets[np.unique(within)])
    at = find_faces(points, at, parts, face_of)
    # Within a face first, so that a main road is crossed only where one side of it is too small.
    parts, face_of, at = join_faces(parts, face_of, at, homes, households)
    parts, owners, at = join_faces(parts, owners[face_of], at, homes, households)
    communities = _name_quarters(old, parts, owners)
    ids = pd.Series(communities.index.to_numpy(object)[at], city.buildings.index, dtype="str")
    return replace(
        city,
        communities=communities.sort_index(),
        buildings=city.buildings.assign(community_id=ids),
    )


def _check_together(city: City) -> None:
    """Check what no table can tell alone."""
    if city.crs is None or not is_metric(city.crs):
        raise TableError(f"communities: CRS {city.crs} is not metric; use gridmap.crs.to_metric")
    for name in ("buildings", "streets", "barriers", "zones", "existing", "entrances"):
        frame = getattr(city, name)
        crs = frame.crs if isinstance(frame, gpd.GeoDataFrame) else city.crs
        if crs != city.crs:
            raise TableError(f"{name}: CRS {crs} is not that of the communities, {city.crs}")
    if city.communities.empty:
        raise TableError("communities: no row; a city has one community or more")
    stray = city.buildings[~city.buildings["community_id"].isin(city.communities.index)]
    if len(stray):
        rows = list_some(f"{row} in {value!r}" for row, value in stray["community_id"].items())
        raise TableError(f"buildings: no such community: {rows}")
    stray = city.entrances[~city.entrances["building_id"].isin(city.buildings.index)]
    if len(stray):
        raise TableError(f"entrances: no such building: {list_some(stray['building_id'].unique())}")


def _read(
    path: str | Path, columns: Any, datum: Datums, estimate: Estimate | None
) -> tuple[City | None, CityReport]:
    """Read as far as possible; the city is None if anything was refused."""
    findings: list[Finding] = []
    try:
        mapping, aliases = read_mapping(columns), read_aliases(columns)
        sources = _keep_known(list_layers(path, plain=True), mapping)
    except TableError as error:
        return None, CityReport((Finding("files", "", "", "", str(error), "refused"),))
    check_datums(datum, [source.name for source in sources])
    uses = choose_layers([source.name for source in sources], mapping, aliases)
    pieces = read_pieces(sources, uses, datum, findings, counted=estimate is None)
    lists = [drop_totals(piece, findings) for piece in pieces.get("buildings", [])]
    pieces["buildings"] = place_lists(lists, findings)
    findings += find_misread(pieces)
    raw = join_pieces(pieces)
    if not any(use.table == "buildings" for use in uses):
        names = ", ".join(source.name for source in sources) or "none"
        problem = "no layer of buildings is recognised: name it with columns="
        findings.append(Finding("buildings", "", "", f"layers: {names}", problem, "refused"))
    tables, counts = _settle_tables(raw, estimate, findings)
    report = CityReport(tuple(findings), counts)
    if report.status == "refused":
        return None, report
    return City(**tables, name=Path(path).stem, report=report), report


def _keep_known(
    sources: Sequence[Source], mapping: Mapping[str, list[dict[str, Any]]]
) -> list[Source]:
    """Leave out tables without geometry, but for those that need none."""
    named = find_named(mapping, PLAIN_TABLES)
    return [
        source
        for source in sources
        if not source.plain
        or source.name in named
        or recognise_layer(source.name)[0] in PLAIN_TABLES
    ]


def _settle_tables(
    raw: Mapping[str, gpd.GeoDataFrame], estimate: Estimate | None, findings: list[Finding]
) -> tuple[dict[str, gpd.GeoDataFrame], dict[str, int]]:
    """Make the tables out of raw ones, as far as they are there, and count."""
    tables: dict[str, gpd.GeoDataFrame] = {}
    counts: dict[str, int] = {}
    buildings = _settle_buildings(raw, estimate, counts, findings)
    communities = _settle_communities(raw, buildings, findings)
    lines = {
        "streets": _settle_lines(raw, STREETS, (1,), "street", findings),
        "barriers": _settle_lines(raw, BARRIERS, (2, 1), "river", findings),
    }
    if communities is None or buildings is None:
        return tables, counts
    communities = settle_codes(mend_overlaps(communities, buildings, findings), findings)
    tables["communities"] = _shape_table(communities, COMMUNITIES)
    placed = place_buildings(buildings, communities, findings)
    compare_communities(placed, communities, findings)
    tables["buildings"] = _shape_table(placed, BUILDINGS)
    for (name, given), table in zip(lines.items(), (STREETS, BARRIERS), strict=True):
        frame = empty_table(table, communities.crs) if given is None else given
        tables[name] = _shape_table(keep_near(frame, communities, name, findings), table)
    counts["buildings_out"] = len(tables["buildings"])
    counts["households_out"] = int(tables["buildings"]["households"].sum())
    counts |= {name: len(frame) for name, frame in tables.items() if name != "buildings"}
    supplements = _settle_supplements(raw, tables, findings)
    counts |= {name: len(frame) for name, frame in supplements.items()}
    return {**tables, **supplements}, counts


def _settle_supplements(
    raw: Mapping[str, gpd.GeoDataFrame],
    tables: Mapping[str, gpd.GeoDataFrame],
    findings: list[Finding],
) -> dict[str, pd.DataFrame]:
    """Make the tables that a city need not have, as far as they are there."""
    communities, buildings = tables["communities"], tables["buildings"]
    made: dict[str, pd.DataFrame] = {}
    if "zones" in raw:
        made["zones"] = _shape_table(settle_zones(raw["zones"], communities, findings), ZONES)
    if "existing" in raw:
        existing = settle_existing(raw["existing"], communities, findings)
        made["existing"] = _shape_table(existing, EXISTING)
    if "compounds" in raw:
        made["compounds"] = settle_compounds(raw["compounds"], buildings, findings)
    if "entrances" in raw:
        made["entrances"] = settle_entrances(raw["entrances"], buildings, findings)
    return made


def _settle_buildings(
    raw: Mapping[str, gpd.GeoDataFrame],
    estimate: Estimate | None,
    counts: dict[str, int],
    findings: list[Finding],
) -> gpd.GeoDataFrame | None:
    """Make buildings with households and a geometry, not yet in a community."""
    if "buildings" not in raw:
        return None
    frame = settle_ids(raw["buildings"], "buildings", "building_id", findings)
    frame = settle_entrance_counts(settle_floors(frame, findings), findings)
    frame = settle_work_counts(frame, findings)
    frame = settle_texts(frame, ["compound_id", "name", "community"])
    if "part_of" in frame:
        frame = settle_texts(frame, ["part_of"])
    frame = mend_shapes(frame, "buildings", (2, 0), findings)
    if estimate is not None:
        frame = estimate_households(frame, estimate, findings)
    frame = settle_households(frame, findings)
    counts["buildings_in"], counts["households_in"] = len(frame), int(frame["households"].sum())
    if estimate is not None:
        counts["households_estimated"] = note_estimate(frame, estimate, findings)
    frame = drop_unplaced(frame, findings)
    if frame.empty:
        findings.append(Finding("buildings", "", "", "", "no building has a place", "refused"))
        return None
    return frame


def _settle_communities(
    raw: Mapping[str, gpd.GeoDataFrame],
    buildings: gpd.GeoDataFrame | None,
    findings: list[Finding],
) -> gpd.GeoDataFrame | None:
    """Make communities, of the boundary or the buildings where there are none; codes come later."""
    if "communities" in raw:
        frame = settle_ids(raw["communities"], "communities", "community_id", findings)
        frame = settle_estates(frame, "communities", findings)
        frame = settle_texts(frame, ["name", "street"])
        names = frame["name"].where(frame["name"] != "", frame.index.to_series())
        frame = mend_shapes(frame.assign(name=names), "communities", (2,), findings)
        frame = drop_shapeless(frame, "communities", findings)
        return None if frame.empty else frame
    boundary = raw.get("boundary")
    if boundary is not None:
        boundary = settle_texts(mend_shapes(boundary, "boundary", (2,), findings), ["name"])
        boundary = drop_shapeless(boundary, "boundary", findings)
    if buildings is None:
        return None
    return settle_texts(make_territory(boundary, buildings, findings), ["street"])


def _settle_lines(
    raw: Mapping[str, gpd.GeoDataFrame],
    table: Table,
    dimensions: Sequence[int],
    default: str,
    findings: list[Finding],
) -> gpd.GeoDataFrame | None:
    """Make streets or barriers, wherever they lie; a class that is not known is ``default``."""
    if table.name not in raw:
        return None
    frame = settle_ids(raw[table.name], table.name, str(table.index), findings)
    frame = settle_texts(settle_kinds(frame, table.name, findings, default), ["name"])
    frame = mend_shapes(frame, table.name, dimensions, findings)
    return drop_shapeless(frame, table.name, findings)


def _shape_table(frame: gpd.GeoDataFrame, table: Table) -> gpd.GeoDataFrame:
    """Keep the columns of the table only, in its order."""
    return frame[[*table_columns(frame, table), "geometry"]]


def _dividing_lines(city: City) -> tuple[Any, Any]:
    """Return main roads (else streets), barriers and outlines of water; and all streets."""
    roads, kinds = city.streets.geometry.to_numpy(), city.streets["kind"].to_numpy()
    barriers = city.barriers.geometry.to_numpy()
    areas = shapely.get_dimensions(barriers) == 2
    banks = shapely.boundary(barriers[areas])
    streets = roads[kinds == "street"]
    main = roads[kinds == "main_road"] if "main_road" in kinds else streets
    return np.concatenate([main, barriers[~areas], banks]), streets


def _name_quarters(
    old: gpd.GeoDataFrame, shapes: Any, owners: npt.NDArray[np.int64]
) -> gpd.GeoDataFrame:
    """Make a community of each shape; the only one of its parent is its parent still."""
    table = old.iloc[owners].reset_index().set_geometry(gpd.GeoSeries(shapes, crs=old.crs))
    new = table["community_id"].duplicated(keep=False).to_numpy()
    ranks = rank_areas(table.geometry[new])
    codes = np.array(free_codes(len(ranks), set(old["code"]) | set(old.index)), dtype=object)
    names = np.array([f"片区{rank + 1}" for rank in range(len(ranks))], dtype=object)
    table.loc[new, "community_id"] = table.loc[new, "code"] = codes[ranks]
    table.loc[new, "name"] = names[ranks]
    return _shape_table(table.set_index("community_id"), COMMUNITIES)
