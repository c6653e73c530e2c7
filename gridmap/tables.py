"""What each table holds, once, and the check at the door.

A parameter called ``units`` is always a table that keeps `UNITS`, and so on. The index is the key;
the small carries the id of the large (unit -> grid -> community), never the reverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from gridmap.errors import TableError
from gridmap.later import later

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
else:
    gpd = later("geopandas")
    pd = later("pandas")

ROAD_KINDS = ("main_road", "street", "path")
BARRIER_KINDS = ("railway", "river")
GRID_TYPES = ("base", "exclusive")
#: What can lie between two units, weakest first.
CROSSINGS = ("none", "street", "main_road", "railway", "river")
#: What an exclusive grid (专属网格) is made for.
ZONE_KINDS = ("park", "mall", "school", "hospital", "market", "office", "other")
#: What a list of buildings may count besides households: people aged 60 or more who live alone
#: (独居老人), shops (商铺), places where disputes arise again and again (矛盾纠纷易发点).
COUNTS = ("elderly_alone", "shops", "disputes")
#: Kinds of estate that have a size of grid of their own: `gridmap.rules.Estates`.
ESTATE_TYPES = ("old_estate", "managed_estate", "rural")
#: Community worker (社区工作者), rotating cadre (下沉干部), recruited full-timer (专职网格员),
#: part-timer (兼职网格员).
WORKER_KINDS = ("community", "cadre", "recruit", "part_time")
#: Party membership: none, full (正式) or probationary (预备) member.
MEMBERSHIPS = ("", "full", "probationary")
ROLES = ("primary", "deputy")
#: What a distance was walked along: streets, one block, or a straight line with a detour; "" where
#: the worker has no position.
WAYS = ("streets", "block", "straight", "")
#: What decided who serves a grid, or that nobody does; see `gridmap.staff.reasons`.
BINDINGS = (
    *("nearest", "continuity", "community", "limit", "elsewhere", "doubled", "shared", "neighbour"),
    *("spare", "shortage", "short", "nobody", "replacement", "absence", "handover", "term"),
)

#: What bindings of staffings that were kept long ago are called today.
OLD_BINDINGS = {"too_large": "nobody"}

#: A change that counts, one that was undone, one that can't be redone as others came after it, and
#: one from before the plan was redrawn, which can't be undone any more.
CHANGE_STATES = ("done", "undone", "dropped", "closed")
#: What a change can do to a grid: name it, lock it, retire it (the codes that came after it); a
#: closed change only says which codes it named.
MARK_FIELDS = ("name", "locked", "successors", "code")


@dataclass(frozen=True)
class Table:
    """The contract of one table.

    Parameters
    ----------
    name : str
        What the table is called in messages and as a layer of a file.
    index : str or None
        Name of the index, which is the key; None where rows have no key.
    columns : dict of str to str
        Column -> dtype kind: ``i`` whole numbers, ``f`` floats, ``O`` text, ``b`` true or false,
        ``M`` days, which may be missing (NaT).
    geometry : tuple of str
        The geometry types allowed; empty for a table without geometry.
    choices : dict of str to tuple, optional
        Column -> the values allowed.
    optional : dict of str to str, optional
        Columns that a table may have, as ``columns`` says what they hold.
    placed : bool
        Whether every row has a geometry. If not, rows may be without one, and the table plain.
    """

    name: str
    index: str | None
    columns: dict[str, str]
    geometry: tuple[str, ...] = ()
    choices: dict[str, tuple[str, ...]] | None = None
    optional: dict[str, str] | None = None
    placed: bool = True


AREAS = ("Polygon", "MultiPolygon")
LINES = ("LineString", "MultiLineString")

COMMUNITIES = Table(
    "communities",
    "community_id",  # text; the 12-digit code where the city has one
    {
        "code": "O",  # 12 digits: district 6, street 3, community 3; 999999… where none was given
        "name": "O",  # 小雨社区
        "street": "O",  # name of the street office (街道) above it, or ""
    },
    AREAS,
    {"estate_type": ("", *ESTATE_TYPES)},
    {"estate_type": "O"},  # of its homes outside of a compound that has one; or ""
)
BUILDINGS = Table(
    "buildings",
    "building_id",  # text
    {
        "households": "i",  # how many live in it, 0 or more
        "community_id": "O",  # the community that it lies in
        "compound_id": "O",  # the walled estate (小区) that it belongs to, or ""
        "name": "O",  # its number or address, or ""
        "floors": "f",  # storeys above ground; NaN where unknown
    },
    (*AREAS, "Point"),
    optional={
        "estimated": "b",  # households are an estimate, not a count
        "entrances": "i",  # how many entrances (单元) it has; 0 where unknown
        "part_of": "O",  # the building that it is an entrance of, or ""; gridmap.entrances
        **dict.fromkeys(COUNTS, "i"),  # 0 where nobody counted
    },
)
STREETS = Table("streets", "street_id", {"kind": "O", "name": "O"}, LINES, {"kind": ROAD_KINDS})
BARRIERS = Table(
    "barriers", "barrier_id", {"kind": "O", "name": "O"}, (*LINES, *AREAS), {"kind": BARRIER_KINDS}
)
ZONES = Table(  # exclusive zones (专属网格): a grid each, in every community that they lie in
    "zones", "zone_id", {"kind": "O", "name": "O"}, AREAS, {"kind": ZONE_KINDS}
)
EXISTING = Table(  # the grids that are in use: 15 digits where they have a code, else any text
    "existing", "grid_code", {"name": "O"}, AREAS
)
COMPOUNDS = Table(
    "compounds",
    "compound_id",  # as in the buildings
    {"estate_type": "O"},  # or ""
    (),
    {"estate_type": ("", *ESTATE_TYPES)},
)
ENTRANCES = Table(  # 单元表: the homes of a building, entrance by entrance
    "entrances",
    None,
    {
        "building_id": "O",
        "entrance": "O",  # its number in the building: "2"
        "households": "i",
    },
    ("Point",),
    placed=False,
)
UNITS = Table(
    "units",
    "unit_id",  # 0 … n-1
    {
        "households": "i",  # 0 or more
        "buildings": "i",  # how many buildings stand in it; 0 for an empty block
        "community_id": "O",
        "block_id": "i",  # the face between streets and barriers that it is part of
        "compound_id": "O",  # or ""
        "building_id": "O",  # its building (the one with most households), or ""
    },
    ("Polygon",),
    optional={
        "zone_id": "O",  # the exclusive zone that it is part of, or ""
        "part_of": "O",  # the building that it is an entrance (单元) of, or ""
        "target": "f",  # households of a usual grid of its kind of estate; else rules.target
        **dict.fromkeys(COUNTS, "i"),  # of its buildings
        "workload": "f",  # weighted sum of such columns: gridmap.workload
    },
)
ADJACENCY = Table(
    "adjacency",
    None,
    {
        "unit_a": "i",
        "unit_b": "i",  # unit_a < unit_b
        "border": "f",  # metres of border that the two share
        "barrier": "O",  # what lies along most of it: one of CROSSINGS
        "usable": "b",  # may a grid be joined through it
    },
    (),
    {"barrier": CROSSINGS},
)
GRIDS = Table(
    "grids",
    "grid_code",  # 15 digits, text
    {
        "name": "O",  # 小雨社区第1网格
        "grid_type": "O",  # base, or exclusive (专属网格): one zone, without a household target
        "community_id": "O",
        "households": "i",
        "buildings": "i",
        "area": "f",  # m²
        "perimeter": "f",  # m
    },
    ("Polygon",),
    {"grid_type": GRID_TYPES},
    {"locked": "b"},  # neither gives nor takes units; the column is there while any grid is locked
)
LINEAGE = Table(
    "lineage",
    "grid_code",  # a code that was retired, never to be given again
    {"successors": "O"},  # the codes that came after it, separated by spaces
)
CHANGES = Table(  # the log of a plan: one row an edit, in the order in which they were made
    "changes",
    "number",  # 1, 2, 3 …; a number is never given again
    {
        "at": "O",  # when, ISO 8601 with the time zone
        "by": "O",  # who
        "why": "O",  # the reason given, or ""
        "verb": "O",  # what was called: move_units, merge_grids …
        "details": "O",  # the same in a few words
        "state": "O",
    },
    choices={"state": CHANGE_STATES},
)
MOVES = Table(  # the units that each change moved
    "moves",
    None,
    {
        "number": "i",  # of the change
        "unit_id": "i",
        "before": "O",  # grid that it was in
        "after": "O",  # grid that it came to
    },
)
MARKS = Table(  # what each change did to grids besides their units
    "marks",
    None,
    {
        "number": "i",  # of the change
        "grid_code": "O",
        "field": "O",
        "before": "O",
        "after": "O",  # "" for none; locked is "yes" or ""
    },
    choices={"field": MARK_FIELDS},
)

WORKERS = Table(
    "workers",
    "worker_id",  # text; a person's second term is another worker: K017/2
    {
        "name": "O",  # as it is posted in public
        "kind": "O",  # one of WORKER_KINDS
        "community_id": "O",  # that a community worker belongs to or a cadre is sent to; or ""
        "party": "O",  # one of MEMBERSHIPS
        "skills": "O",  # words separated by spaces, or ""
        "phone": "O",  # of the office, or ""
        "capacity": "i",  # households that he usually carries
        "limit": "i",  # households that he never exceeds
        "days": "f",  # present in a week
        "home_unit": "O",  # the agency or enterprise that sent him, or ""
        "person": "O",  # the same in every term of a person
        "starts": "M",  # first day; NaT: long ago
        "ends": "M",  # last day; NaT: open
    },
    ("Point",),  # home or office
    {"kind": WORKER_KINDS, "party": MEMBERSHIPS},
    placed=False,
)
STAFFING = Table(  # one row a duty; a grid without a primary worker has a row with worker_id ""
    "staffing",
    None,
    {
        "grid_code": "O",
        "worker_id": "O",  # or ""
        "role": "O",  # one of ROLES
        "starts": "M",  # first day
        "ends": "M",  # last day; NaT: open
        "households": "i",  # of the grid, or of the share of it that this worker has
        "load": "i",  # households of all grids that the worker is primary of on these days
        "walk": "f",  # m from the worker's home or office; NaN where unknown
        "way": "O",  # one of WAYS: what that was measured along
        "binding": "O",  # one of BINDINGS: what decided it
        "rival": "O",  # the next best worker, or ""
        "rival_walk": "f",  # m from the rival's home or office to the grid; NaN where unknown
        "extra": "f",  # m: by how much the whole would be worse with the rival in exchange
        "reason": "O",  # all of that in words
    },
    (),
    {"role": ROLES, "way": WAYS, "binding": BINDINGS},
)

STATIONS = Table(  # service stations (驿站, 党群服务站), or places where one could be
    "stations", "station_id", {"name": "O"}, ("Point",)
)
STOPS = Table(  # what is looked at on a round: shops, hydrants, homes that need a visit
    "stops",
    "stop_id",
    {
        "name": "O",  # of the place, never of a resident
        "kind": "O",  # any text: 商铺, 消火栓, 走访户
        "minutes": "f",  # how long one stays
    },
    ("Point",),
)
PATROLS = Table(  # one row a visit, in order; the last row of a day is the way back
    "patrols",
    None,
    {
        "worker_id": "O",  # or "" where nobody serves the grid
        "day": "i",  # 1, 2 …; 0: in no round, and the note says why
        "order": "i",  # 1, 2 … in the day; 0: in no round
        "stop_id": "O",  # "" for the way back
        "name": "O",
        "kind": "O",
        "grid_code": "O",  # that the stop lies in
        "walk": "f",  # m from the stop before
        "arrive": "f",  # minutes after setting out
        "minutes": "f",  # how long one stays
        "note": "O",
    },
    ("LineString",),  # the way from the stop before
    placed=False,
)

MEMBERS = Table(  # party members as counts, never names
    "members",
    "building_id",  # of the city's table, or the whole building that entrances are parts of
    {
        "full": "i",  # 正式党员
        "probationary": "i",  # 预备党员
    },
)
LEADERS = Table(  # who leads a grid: its primary worker, from STAFFING and WORKERS
    "leaders",
    None,
    {"grid_code": "O", "worker_id": "O", "party": "O"},
    (),
    {"party": MEMBERSHIPS},
)
#: A grid's own branch, one of those that a grid is divided into, one of several grids.
BRANCH_KINDS = ("grid", "divided", "joint")
BRANCHES = Table(
    "branches",
    "branch_id",  # 210802003002001-1: the grid that it meets in, and a serial
    {
        "name": "O",  # 小雨社区第1网格党支部
        "kind": "O",  # one of BRANCH_KINDS
        "community_id": "O",
        "grid_code": "O",  # the grid that it meets in
        "grids": "i",  # how many it covers, this one and those attached too
        "full": "i",
        "probationary": "i",
        "committee": "b",  # elects a committee (支委会)
        "groups": "i",  # how many party groups it has
        "secretary": "O",  # worker_id of the grid's leader, or "" where it is vacant
        "extent": "f",  # m from the inner points of its other grids to that of this one, added up
        "contiguous": "b",  # its grids touch
        "reason": "O",
    },
    (),
    {"kind": BRANCH_KINDS},
)
BRANCH_GRIDS = Table(  # branch × grid, many to many
    "branch_grids",
    None,
    {
        "branch_id": "O",
        "grid_code": "O",
        "full": "i",  # of the branch that live in the grid
        "probationary": "i",
    },
)
BRANCH_COMPOUNDS = Table(  # branch × compound (小区), many to many
    "branch_compounds",
    None,
    {"branch_id": "O", "compound_id": "O", "buildings": "i", "full": "i", "probationary": "i"},
)
BRANCH_UNITS = Table(  # where a branch is: every unit of a covered grid is in one
    "branch_units",
    "unit_id",
    {
        "grid_code": "O",
        "building_id": "O",  # or "", as in the units
        "branch_id": "O",
        "group_id": "O",  # or ""
        "full": "i",
        "probationary": "i",
    },
)
#: The members of one grid of a joint branch; a part of a large branch, as a suggestion; grids that
#: can form or join no branch of their community, with the nearest that has room.
GROUP_KINDS = ("grid", "suggested", "attached")
GROUPS = Table(
    "groups",
    "group_id",  # 210802003002001-1-01
    {
        "name": "O",
        "kind": "O",  # one of GROUP_KINDS
        "branch_id": "O",
        "community_id": "O",
        "grid_code": "O",  # where most of its members live
        "full": "i",
        "probationary": "i",
        "reason": "O",
    },
    (),
    {"kind": GROUP_KINDS},
)
#: A branch of its own, several, a joint one; members go to a branch that meets elsewhere; none.
COVERAGES = ("own", "divided", "joint", "attached", "none")
BRANCH_COVERAGE = Table(
    "branch_coverage",
    "grid_code",
    {
        "community_id": "O",
        "full": "i",
        "probationary": "i",
        "covered": "O",  # one of COVERAGES
        "branches": "i",
        "groups": "i",
        "reason": "O",
    },
    (),
    {"covered": COVERAGES},
)
#: What a community's members suggest above the branches.
SUGGESTIONS = ("", "general_branch", "party_committee")
BRANCH_COMMUNITIES = Table(
    "branch_communities",
    "community_id",
    {
        "grids": "i",
        "covered": "i",
        "full": "i",
        "probationary": "i",
        "branches": "i",
        "joint": "i",
        "groups": "i",
        "suggested": "O",  # one of SUGGESTIONS; each needs an approval
        "proof": "O",  # optimal, or what is known
        "candidates": "i",  # joint branches that were compared
    },
    (),
    {"suggested": SUGGESTIONS},
)
BRANCH_VIOLATIONS = Table(
    "branch_violations",
    None,
    {
        "rule": "O",  # uncovered, over_cap, apart
        "grid_code": "O",
        "branch_id": "O",  # or ""
        "value": "i",
        "limit": "i",
        "problem": "O",
    },
)
LIAISONS = Table(  # (community, department) -> a named post (联络员)
    "liaisons",
    None,
    {
        "community_id": "O",
        "department": "O",
        "post": "O",  # 站前供电分公司客户经理
        "name": "O",  # as it is posted in public, or ""
        "phone": "O",  # of the office, or ""
    },
)
LIAISON_GAPS = Table(
    "liaison_gaps",
    None,
    {
        "community_id": "O",
        "department": "O",
        "entries": "i",  # 0: nobody is named; 2 and more: who is it?
        "problem": "O",
    },
)
#: A leader who has a contact point (领导包联); an agency or enterprise that helps (共建单位).
CONTACT_KINDS = ("leader", "unit")
CONTACTS = Table(
    "contacts",
    "contact_id",
    {
        "kind": "O",  # one of CONTACT_KINDS
        "name": "O",  # of the post or the unit, never of a person's home
        "scope": "O",  # beginning of the community codes that may be matched: 210802, or "" for all
        "points": "i",  # how many communities or branches it takes
    },
    ("Point",),  # the office
    {"kind": CONTACT_KINDS},
    placed=False,
)
CONTACT_MATCHES = Table(
    "contact_matches",
    None,
    {
        "contact_id": "O",
        "target": "O",  # community or branch
        "target_id": "O",  # or "" where nothing was left in the scope
        "rank": "i",  # the how many-th contact of the target, from 1; 0 without a target
        "distance": "f",  # km between the office and the target; NaN where unknown
        "need": "f",  # 0 to 1
        "cost": "f",  # what the pair costs by the weights
        "rival_id": "O",  # the next best target, or ""
        "extra": "f",  # by how much the pair with it would cost more; NaN without
        "reason": "O",
    },
)
DUTIES = Table(
    "duties",
    "duty_id",  # 1 … 10
    {"name": "O", "english": "O"},
)
TASKS = Table(  # the personal task list of each grid
    "tasks",
    None,
    {
        "grid_code": "O",
        "duty_id": "i",
        "subject": "O",  # the column or the thing in the grid that it comes from
        "amount": "i",  # how many there are
        "task": "O",  # in Chinese, for the worker
    },
)
VISITS = Table(  # a log as counts; it only grows
    "visits",
    None,
    {
        "day": "M",
        "grid_code": "O",
        "worker_id": "O",  # or ""
        "visits": "i",  # all calls of the day
        "households": "i",  # of these, households that were visited for the first time in the round
    },
)
VISIT_BANDS = ("full", "good", "fair", "none")
VISIT_COVERAGE = Table(
    "visit_coverage",
    "grid_code",
    {
        "households": "i",
        "visits": "i",
        "visited": "i",  # households visited in the round
        "coverage": "f",  # per cent; NaN for a grid without households
        "band": "O",  # one of VISIT_BANDS
        "expected": "f",  # per cent that the pace of the round asks for by now
        "short": "i",  # households behind that pace
        "behind": "b",
        "last": "M",  # day of the last visit; NaT without any
        "problem": "O",  # more households visited than there are, or ""
    },
    (),
    {"band": VISIT_BANDS},
)


def check_table(frame: pd.DataFrame, table: Table) -> None:
    """Raise one error that names everything in which ``frame`` breaks the contract of ``table``.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The table to check. It is not changed.
    table : Table
        The contract.

    Raises
    ------
    TableError
        With each missing column, wrong type, duplicate key, missing value and wrong geometry.

    Examples
    --------
    >>> import pandas as pd
    >>> check_table(pd.DataFrame({"unit_a": [0]}), ADJACENCY)
    Traceback (most recent call last):
    gridmap.errors.TableError: adjacency: no column 'unit_b'; no column 'border'; no column \
'barrier'; no column 'usable'
    """
    problems = [*_index_problems(frame, table), *_column_problems(frame, table)]
    if table.geometry and (table.placed or isinstance(frame, gpd.GeoDataFrame)):
        problems += _geometry_problems(frame, table)
    if problems:
        raise TableError(f"{table.name}: " + "; ".join(problems))


def empty_table(table: Table, crs: Any) -> gpd.GeoDataFrame:
    """Make a table of no rows that keeps the contract, for a city without streets, say.

    It is a plain table where the contract asks for no geometry.

    Examples
    --------
    >>> empty_table(STREETS, "EPSG:32651").columns.tolist()
    ['kind', 'name', 'geometry']
    """
    frame = cast_columns(pd.DataFrame(columns=list(table.columns)), table)
    if table.geometry and table.placed:
        frame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    if table.index is None:
        return frame
    return frame.set_axis(pd.Index([], dtype="str", name=table.index), axis=0)


_DTYPES = {"i": "int64", "f": "float64", "O": "str", "b": "bool", "M": "datetime64[s]"}


def cast_columns(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return a frame whose columns have the types that the contract asks for.

    Examples
    --------
    >>> rows = pd.DataFrame({"name": ["二道社区驿站"]}, dtype=object)
    >>> cast_columns(rows, STATIONS)["name"].dtype == "str"
    True
    """
    return frame.astype({name: _DTYPES[kind] for name, kind in table.columns.items()})


def table_columns(frame: pd.DataFrame, table: Table) -> dict[str, str]:
    """Return the columns of the contract with their kind, the optional ones that are there too.

    Examples
    --------
    >>> list(table_columns(pd.DataFrame({"part_of": [""]}), BUILDINGS))
    ['households', 'community_id', 'compound_id', 'name', 'floors', 'part_of']
    """
    optional = table.optional or {}
    there = {name: kind for name, kind in optional.items() if name in frame.columns}
    return {**table.columns, **there}


def _index_problems(frame: pd.DataFrame, table: Table) -> Iterator[str]:
    if table.index is None:
        return
    if frame.index.name != table.index:
        yield f"the index is {frame.index.name!r}, not {table.index!r}"
    if not frame.index.is_unique:
        yield f"duplicate {table.index}: {list_some(frame.index[frame.index.duplicated()])}"


def _column_problems(frame: pd.DataFrame, table: Table) -> Iterator[str]:
    for column, kind in table_columns(frame, table).items():
        if column not in frame.columns:
            yield f"no column {column!r}"
            continue
        values = frame[column]
        if _kind(values) != kind:
            yield f"column {column!r} is {values.dtype}, not {_KIND_NAMES[kind]}"
        elif kind not in "fM" and values.isna().any():
            yield f"column {column!r} is empty in rows {list_some(frame.index[values.isna()])}"
        elif column in (table.choices or {}):
            strange = sorted(set(values.unique()) - set((table.choices or {})[column]))
            if strange:
                yield f"column {column!r} holds {list_some(strange)}"
        if kind == "i" and _kind(values) == "i" and (values < 0).any():
            yield f"column {column!r} is negative in rows {list_some(frame.index[values < 0])}"


def _geometry_problems(frame: pd.DataFrame, table: Table) -> Iterator[str]:
    if not isinstance(frame, gpd.GeoDataFrame):
        yield "no geometry column"
        return
    if frame.crs is None or not frame.crs.is_projected:
        yield f"the CRS is {frame.crs}, not a projected one in metres"
    missing = frame.geometry.isna() | frame.geometry.is_empty
    if missing.any() and table.placed:
        yield f"no geometry in rows {list_some(frame.index[missing])}"
    wrong = ~missing & ~frame.geom_type.isin(table.geometry)
    if wrong.any():
        rows = list_some(frame.index[wrong])
        yield f"geometry is not {' or '.join(table.geometry)} in rows {rows}"


_KIND_NAMES = {"i": "whole numbers", "f": "floats", "O": "text", "b": "true or false", "M": "days"}


def _kind(values: pd.Series) -> str:
    """Return the dtype kind, with every text dtype as ``O``."""
    if pd.api.types.is_string_dtype(values.dtype):
        return "O"
    kind = np.dtype(values.dtype).kind if isinstance(values.dtype, np.dtype) else values.dtype.kind
    return "i" if kind == "u" else str(kind)


def duties_on(staffing: pd.DataFrame, on: date) -> pd.DataFrame:
    """Return the rows of `STAFFING` that count on a day."""
    day = pd.Timestamp(on)
    return staffing[
        (staffing["starts"] <= day) & (staffing["ends"].isna() | (staffing["ends"] >= day))
    ]


def list_some(values: Iterable[Any], most: int = 5) -> str:
    """Name the first few values in a message, and how many more there are.

    Examples
    --------
    >>> list_some(range(7))
    '0, 1, 2, 3, 4 and 2 more'
    """
    values = list(values)
    text = ", ".join(str(value) for value in values[:most])
    return text if len(values) <= most else f"{text} and {len(values) - most} more"
