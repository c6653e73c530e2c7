"""What the public is told. Internal tables never leave; these types do.

A count of households below the plan's ``min_cell`` is null, and no building has one at all.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gridmap.datum import DATUMS


class Public(BaseModel):
    """A public answer: what is not named here does not leave the house."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Households = Annotated[
    int | None, Field(description="Households; null where there are fewer than may be told.")
]


class Problem(Public):
    """What went wrong (RFC 9457, application/problem+json)."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = Field(description="A URN that ends in the code.")
    title: str
    status: int
    detail: str = Field(description="What is wrong, and what to do.")
    code: str = Field(description="Stable: programs may rely on it.")


class GridProperties(Public):
    """What is told of a grid."""

    name: str
    grid_type: Literal["base", "exclusive"] = Field(
        description="exclusive: one zone (专属网格), without a household target."
    )
    community_id: str
    community: str
    street: str = Field(description="The street office (街道) above the community, or empty.")
    households: Households
    deviation: float | None = Field(description="Relative deviation from the target; 0.1 is +10 %.")
    area: int = Field(description="m²")
    label: tuple[float, float] = Field(description="Longitude and latitude to write a label at.")


class GridContact(Public):
    """Whom a resident may call about a grid: what has to be posted in public, and nothing else."""

    worker: str = Field(description="The grid worker's name as it is posted.")
    office_phone: str = Field(description="Phone of the office, or empty.")


class GridRef(Public):
    """A grid by code and name."""

    code: str
    name: str


class Hint(Public):
    """What may be wrong with a place, or what to ask about it."""

    code: Literal["border", "nearest", "swapped", "datum", "outside"] = Field(
        description="border: ask on which side; nearest: outside, but close; swapped: longitude "
        "and latitude look exchanged; datum: it would lie in a grid as another datum; outside: no "
        "grid is near."
    )
    text: str
    datum: str | None = Field(
        default=None, description="With code datum: the datum under which it fits."
    )


class Position(Public):
    """A place on a map, in WGS-84."""

    lon: float
    lat: float


class LocateAnswer(Public):
    """The one grid that owns a place, and how surely."""

    grid_code: str | None = Field(description="15 digits; null where match is none.")
    name: str | None
    community: str | None
    street: str | None
    households: Households
    match: Literal["inside", "border", "nearest", "none"]
    border_m: float | None = Field(description="Metres to the border of the grid.")
    distance_m: float | None = Field(description="Metres outside the territory; 0 inside.")
    runner_up: GridRef | None = Field(description="The grid across the nearest border.")
    hint: Hint | None
    place: Position | None = Field(
        description="The place in WGS-84, whatever its datum was; null where it is not on Earth."
    )
    plan: str = Field(description="The plan in force on that day.")
    as_of: date = Field(description="The day that was asked for.")


class Place(BaseModel):
    """A place to locate, in a body: then it is in no log of addresses on the way."""

    model_config = ConfigDict(extra="ignore")

    # Limits are the library's affair: it tells exchanged longitudes and latitudes from nonsense.
    lon: float = Field(allow_inf_nan=False, description="Longitude in degrees of the datum.")
    lat: float = Field(allow_inf_nan=False, description="Latitude in degrees of the datum.")
    datum: str = Field("wgs84", max_length=20, description=" | ".join(DATUMS))


class PointBatch(BaseModel):
    """Many places to locate: columns of longitudes and latitudes, or pairs."""

    lon: list[float | None] | None = None
    lat: list[float | None] | None = None
    points: list[tuple[float | None, float | None]] | None = Field(
        default=None, description="Pairs of longitude and latitude, instead of lon and lat."
    )
    datum: str | None = Field(
        default=None, description="Of all of them; WGS-84 where the query names none either."
    )


class LocatedPoint(Public):
    """The one grid that owns a point of a batch."""

    grid_code: str | None
    name: str | None
    community: str | None
    street: str | None
    match: Literal["inside", "border", "nearest", "none"]
    border_m: float | None = Field(
        description="Metres to the border of the grid, where that is near; null far inside."
    )
    distance_m: float | None = Field(description="Metres outside the territory; 0 inside.")
    runner_up: str | None = Field(description="Code of the grid across a border that is near.")
    suspect: str | None = Field(
        description="What may be wrong with a point in no grid: missing, swapped, or the datum "
        "in which it would be in one."
    )


class LocateBatch(Public):
    """The answers to many points, in their order."""

    answers: list[LocatedPoint]
    plan: str = Field(description="The plan in force on that day.")
    as_of: date = Field(description="The day that was asked for.")


class FoundPlace(Public):
    """Something that was found by what a person typed; no count of households."""

    kind: Literal["grid", "community", "office", "compound", "street", "building", "position"] = (
        Field(description="office: a street office (街道); street: a road; position: lon,lat.")
    )
    code: str = Field(description="Its key; the name where it has none, empty for a position.")
    name: str
    address: str = Field(description="The name after the names of what it lies in.")
    grid: GridRef | None = Field(
        description="The grid that it lies in; null where it lies in several or in none."
    )
    community: str | None
    street: str | None = Field(description="The street office (街道) above it.")
    lon: float = Field(description="Longitude of a place of it, WGS-84.")
    lat: float = Field(description="Latitude of it.")
    score: float = Field(
        description="How well it fits, 0 to 1; 1 is what was typed, exactly, and nothing else is."
    )
    hint: str | None = Field(description="Of a position: what may be wrong with it.")
    missing: str | None = Field(
        description="Names that were typed and are not its own, or that nothing is called."
    )
    sure: bool = Field(
        description="Whether it is meant without doubt; else ask before you send anybody."
    )


class SearchAnswer(Public):
    """What was found, the best first; empty where nothing fits."""

    results: list[FoundPlace]
    plan: str = Field(description="The plan in force on that day.")
    as_of: date = Field(description="The day that was asked for.")


class Wanted(BaseModel):
    """What to search for, in a body: then it is in no log of addresses on the way."""

    model_config = ConfigDict(extra="ignore")

    q: str = Field(min_length=1, max_length=100, description="Code, name, address, pinyin, lon,lat")
    limit: int = Field(10, ge=1, le=50, description="How many results at most.")


class PlanRow(Public):
    """A published plan."""

    name: str
    valid_from: date
    grids: int
    in_force: bool


class PlanAnswer(Public):
    """The plan in force on a day, with what a map needs to know of it."""

    name: str
    valid_from: date
    as_of: date
    grids: int
    households: int = Field(description="Of the grids whose households are told.")
    hidden_grids: int = Field(description="Grids whose households are not told.")
    communities: int
    target: int | float
    band: tuple[int, int] = Field(description="Fewest and most households of a balanced grid.")
    min_cell: int
    near_border: float = Field(description="Metres from a border below which a place is near it.")
    bbox: tuple[float, float, float, float] | None = Field(description="West, south, east, north.")


class Health(Public):
    """Whether the service is up, and with which plan."""

    status: Literal["ok", "no-plan"]
    version: str
    plan: PlanAnswer | None


class Geometry(BaseModel):
    """A GeoJSON geometry in WGS-84."""

    type: str
    coordinates: list[object]


class GridFeature(BaseModel):
    """A grid as a GeoJSON feature; its id is its code."""

    type: Literal["Feature"]
    id: str
    bbox: tuple[float, float, float, float]
    geometry: Geometry
    properties: GridProperties
    contact: GridContact | None = Field(
        default=None, description="With one grid by its code, where its worker is kept."
    )


class GridCollection(BaseModel):
    """Grids as a GeoJSON feature collection."""

    type: Literal["FeatureCollection"]
    bbox: tuple[float, float, float, float] | None = None
    features: list[GridFeature]


class Link(BaseModel):
    """A link of an OGC API."""

    href: str
    rel: str
    type: str
    title: str


class AnyFeature(BaseModel):
    """A feature of any collection; its properties are those of ``/collections/{id}/queryables``."""

    type: Literal["Feature"]
    id: str
    bbox: tuple[float, float, float, float] | None = None
    geometry: Geometry | None
    properties: dict[str, Any]
    links: list[Link] | None = Field(default=None, description="With one feature by its id.")


class AnyCollection(BaseModel):
    """A page of features."""

    type: Literal["FeatureCollection"]
    numberMatched: int = Field(description="Features on all pages.")  # noqa: N815  # OGC's name
    numberReturned: int = Field(description="Features on this page.")  # noqa: N815
    links: list[Link]
    features: list[AnyFeature]


class LayerProperties(Public):
    """What is told of a street, barrier, community or building."""

    name: str
    kind: str | None = None
    code: str | None = None
    street: str | None = None
    floors: float | None = None


class LayerFeature(BaseModel):
    """A thing of the base map."""

    type: Literal["Feature"]
    id: str
    geometry: Geometry
    properties: LayerProperties


class LayerCollection(BaseModel):
    """A layer of the base map as a GeoJSON feature collection."""

    type: Literal["FeatureCollection"]
    bbox: tuple[float, float, float, float] | None = None
    features: list[LayerFeature]
