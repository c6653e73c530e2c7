"""What MapIt answers, over the grids, communities and streets of a plan.

FixMyStreet and others ask MapIt which areas hold a point. Only its interface is kept to; an area
has a number that fits into four bytes, and is found by its code too (`gridmap.areas`); a generation
is a publication, counted from 1.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse

from api.caching import GeoJSONResponse
from api.dependencies import ONCE, TheShelf
from api.problems import PROBLEMS, ProblemError
from api.shelf import InForce, Shelf
from gridmap.areas import AREA_TYPES, RELATIONS, Area, AreaIndex
from gridmap.crs import position_to_degrees
from gridmap.errors import CrsError

router = APIRouter(tags=["MapIt"], responses=PROBLEMS, dependencies=[ONCE])
_NUMBERS = re.compile(r"[0-9]+(,[0-9]+)*")
_POSITION = re.compile(r"(-?[0-9.]+),(-?[0-9.]+)")
_KML = "application/vnd.google-earth.kml+xml"


class Ask:
    """The plan of a request's generation: the one in force today by default.

    Parameters
    ----------
    request : Request
        The request.
    shelf : Shelf
        The plans.
    generation : int
        Which publication.
    kinds : str
        ``type``: only areas of these types, separated by commas.
    """

    def __init__(
        self,
        request: Request,
        shelf: TheShelf,
        generation: Annotated[
            int | None, Query(description="Number of a publication; see /generations")
        ] = None,
        kinds: Annotated[
            str, Query(alias="type", max_length=100, description=", ".join(AREA_TYPES))
        ] = "",
    ) -> None:
        self.shelf = shelf
        self.in_force = _pick_generation(request, shelf, generation)
        self.index: AreaIndex = shelf.area_index(self.in_force)
        self.kinds = {kind for kind in kinds.split(",") if kind} or set(AREA_TYPES)

    def find(self, number: int) -> Area:
        """Return an area by its number or its code.

        Raises
        ------
        ProblemError
            404 if there is none.
        """
        area = self.index.find(number)
        if area is None:
            raise ProblemError(404, "unknown-area", f"There is no area {number}.")
        return area

    def tell(self, area: Area) -> dict[str, Any]:
        """Return what MapIt says of an area."""
        low, high = self.shelf.find_generations(area, self.in_force)
        return {
            "id": area.id,
            "name": area.name,
            "parent_area": area.parent,
            "type": area.type,
            "type_name": AREA_TYPES[area.type],
            "country": "",
            "country_name": "-",
            "generation_low": low,
            "generation_high": high,
            "codes": {"gridmap": area.code} if area.code else {},
            "all_names": {},
        }

    def list(self, areas: Iterable[Area]) -> dict[str, Any]:
        """Return areas of the types that are asked for, by number."""
        return {str(area.id): self.tell(area) for area in areas if area.type in self.kinds}


TheAsk = Annotated[Ask, Depends()]
Number = Annotated[int, Path(description="Number or code of an area", ge=0, le=10**16)]


@router.get("/point/{srid}/{position}")
def find_areas_of_point(
    ask: TheAsk,
    srid: Annotated[str, Path(description="An EPSG code, or latlon", max_length=10)],
    position: Annotated[str, Path(description="x,y: longitude first", max_length=80)],
) -> dict[str, Any]:
    """Return the areas that hold a point: the one grid that owns it, its community, its street."""
    match = _POSITION.fullmatch(position.removesuffix(".json"))
    if match is None:
        raise ProblemError(422, "bad-position", f"{position!r} is not x,y.")
    lon, lat = _read_position(srid, *(float(part) for part in match.groups()))
    owner = ask.in_force.plan.locator.locate(lon, lat)
    if owner.match not in ("inside", "border"):
        return {}
    return ask.list(ask.index.ancestors(ask.find(int(owner.grid_code or 0)).id))


@router.get("/area/{number}.{form}", responses={200: {"content": {_KML: {}, "text/plain": {}}}})
def get_area_shape(
    ask: TheAsk,
    number: Number,
    form: Annotated[str, Path(pattern="^(json|geojson|wkt|kml)$")],
    tolerance: Annotated[
        float, Query(alias="simplify_tolerance", ge=0, le=1, description="Degrees")
    ] = 0.0,
) -> Response:
    """Return an area (json) or its shape (geojson, wkt, kml) in degrees of WGS-84."""
    area = ask.find(number)
    if form == "json":
        return JSONResponse(ask.tell(area))
    text = ask.index.write(area.id, form, tolerance=tolerance)
    if form == "geojson":
        return GeoJSONResponse(text)
    return PlainTextResponse(text) if form == "wkt" else Response(text, media_type=_KML)


@router.get("/area/4326/{number}.{form}", include_in_schema=False)
def get_area_shape_in_degrees(
    ask: TheAsk, number: Number, form: str, simplify_tolerance: float = 0.0
) -> Response:
    """Return the same: shapes are in EPSG:4326 anyway, longitude first."""
    return get_area_shape(ask, number, form, simplify_tolerance)


@router.get("/area/{number}")
def get_area(ask: TheAsk, number: Number) -> dict[str, Any]:
    """Return an area by its number, or its code: 15 digits of a grid, 12 or 9 of what is above."""
    return ask.tell(ask.find(number))


@router.get("/area/{number}/geometry")
def measure_area(ask: TheAsk, number: Number) -> dict[str, int | float]:
    """Return size and place of an area: metres of the plan's own system, and degrees."""
    return ask.index.measure(ask.find(number).id, ask.in_force.plan.metric or 3857)


@router.get("/area/{number}/children")
def list_children(ask: TheAsk, number: Number) -> dict[str, Any]:
    """Return the areas that an area is divided into."""
    return ask.list(ask.index.children(ask.find(number).id))


@router.get("/area/{number}/{relation}")
def list_related(
    ask: TheAsk,
    number: Number,
    relation: Annotated[str, Path(pattern=f"^({'|'.join(RELATIONS)})$")],
) -> dict[str, Any]:
    """Return the areas that touch, overlap, cover, are covered by or meet an area."""
    return ask.list(ask.index.related(ask.find(number).id, relation))


@router.get("/areas/{what}.geojson", response_class=GeoJSONResponse)
def list_shapes(
    ask: TheAsk, what: Annotated[str, Path(pattern=r"^[0-9]+(,[0-9]+)*$", max_length=2_000)]
) -> Response:
    """Return several areas by their numbers, as a GeoJSON collection of geometries."""
    numbers = [ask.find(int(number)).id for number in what.split(",")]
    shapes = ",".join(ask.index.write(number, "geojson") for number in numbers)
    return GeoJSONResponse(f'{{"type":"GeometryCollection","geometries":[{shapes}]}}')


@router.get("/areas/{what}")
def list_areas(
    ask: TheAsk,
    what: Annotated[
        str, Path(max_length=2_000, description="Numbers, types, or the beginning of a name")
    ],
) -> dict[str, Any]:
    """Return areas by their numbers, their types, or the beginning of their names."""
    what = what.removesuffix(".json")
    if _NUMBERS.fullmatch(what):
        found = (ask.index.find(int(one)) for one in what.split(","))
        return ask.list(area for area in found if area is not None)
    kinds = set(what.split(","))
    if kinds <= set(AREA_TYPES):
        return ask.list(area for area in ask.index.areas.values() if area.type in kinds)
    return ask.list(area for area in ask.index.areas.values() if area.name.startswith(what))


@router.get("/code/{kind}/{value}", response_model=None, status_code=302)
def find_code(
    request: Request,
    ask: TheAsk,
    kind: Annotated[str, Path(max_length=40, description="gridmap")],
    value: Annotated[str, Path(max_length=40)],
) -> Response:
    """Send on to the area that has a code."""
    code = value.removesuffix(".json")
    found = [area for area in ask.index.areas.values() if area.code == code]
    if kind != "gridmap" or not found:
        raise ProblemError(404, "unknown-area", f"No area has the code {kind}/{code}.")
    return RedirectResponse(str(request.url_for("get_area", number=found[0].id)), 302)


@router.get("/generations")
def list_generations(request: Request, shelf: TheShelf) -> dict[str, Any]:
    """List the publications, the first as 1; active is what was in force at some time."""
    today = request.app.state.today()
    return {
        str(number): {
            "id": number,
            "created": row.published_at.isoformat(),
            "description": f"{row.name}, {row.valid_from.isoformat()}",
            "active": row.valid_from <= today,
        }
        for number, row in enumerate(shelf.publications(), start=1)
    }


@router.get("/types")
def list_types() -> dict[str, dict[str, str]]:
    """List the types of areas."""
    return {kind: {"code": kind, "description": name} for kind, name in AREA_TYPES.items()}


def _pick_generation(request: Request, shelf: Shelf, generation: int | None) -> InForce:
    if generation is None:
        return shelf.in_force(request.app.state.today())
    published = shelf.publications()
    if not 1 <= generation <= len(published):
        detail = f"There is no generation {generation}; there are 1 to {len(published)}."
        raise ProblemError(404, "unknown-generation", detail)
    return shelf.in_force(published[generation - 1].valid_from)


def _read_position(srid: str, x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude."""
    if srid == "latlon":
        return y, x
    if not srid.isdecimal():
        raise ProblemError(422, "bad-position", f"{srid!r} is no EPSG code.")
    try:
        return (x, y) if srid == "4326" else position_to_degrees(x, y, f"EPSG:{srid}")
    except CrsError as error:
        raise ProblemError(422, "bad-position", str(error)) from None
