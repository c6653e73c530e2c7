"""OGC API - Tiles and TileJSON: the plan in force as vector tiles, for any web map."""

import gzip
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from api.caching import NOT_MODIFIED, cache_headers, make_tag, not_modified, tag_tile
from api.dependencies import ONCE, TheShelf
from api.ogc import CRS84, JSON, MVT, TMS, link, name_crs, parse_when, root
from api.problems import OGC_PROBLEMS, ProblemError
from api.shelf import InForce
from api.zipping import takes_gzip
from gridmap.tiles import FIRST, LAST, Tileset

_TMS_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{TMS}"
_REL = "http://www.opengis.net/def/rel/ogc/1.0"
#: Half of the equator in metres of EPSG:3857: where its square begins and ends.
_EDGE = 20037508.3427892
#: Metres of a pixel and the scale of zoom 0, with tiles of 256 pixels of 0.28 mm.
_CELL, _SCALE = 156543.03392804097, 559082264.0287178

#: What describes tiles is told as any JSON object, and may be kept.
_DESCRIBED: dict[int | str, dict[str, Any]] = {200: {"model": dict[str, Any]}, 304: NOT_MODIFIED}

router = APIRouter(tags=["OGC API - Tiles"], responses=OGC_PROBLEMS, dependencies=[ONCE])


def pick_plan(
    request: Request,
    shelf: TheShelf,
    plan: Annotated[
        str | None,
        Query(description="Name of a published plan: its tiles may be kept for ever"),
    ] = None,
    when: Annotated[
        str | None,
        Query(alias="datetime", description="Day, time or interval; by default today"),
    ] = None,
) -> InForce:
    """Return the plan that is asked for by its name, or that was in force on a day.

    Raises
    ------
    ProblemError
        404 if no plan of that name was published.
    """
    if plan is None:
        return shelf.in_force(parse_when(when, request.app.state.today()))
    days = [row.valid_from for row in shelf.publications() if row.name == plan]
    if not days:
        detail = f"No plan {plan!r} was published; /plans lists them."
        raise ProblemError(404, "unknown-plan", detail)
    return shelf.in_force(max(days))


ThePlan = Annotated[InForce, Depends(pick_plan)]


@router.get("/tiles.json", responses=_DESCRIBED)
def get_tilejson(request: Request, shelf: TheShelf, in_force: ThePlan) -> Response:
    """Describe the tiles as TileJSON 3.0, which web maps read."""
    template = _template(request, in_force, "{z}/{y}/{x}")
    attribution = request.app.state.attribution
    about = shelf.tiles(in_force).describe(template, attribution=attribution)
    return _send(request, in_force, about)


@router.get("/tiles", responses=_DESCRIBED)
def list_tilesets(request: Request, shelf: TheShelf, in_force: ThePlan) -> Response:
    """List the tilesets: one, in the web maps' square."""
    tileset = _describe_tileset(request, in_force, shelf.tiles(in_force))
    told = ("title", "dataType", "crs", "tileMatrixSetURI", "links")
    about = {
        "links": [link(f"{root(request)}/tiles", "self", JSON, "Tilesets")],
        "tilesets": [{name: tileset[name] for name in told}],
    }
    return _send(request, in_force, about)


@router.get(f"/tiles/{TMS}", responses=_DESCRIBED)
def get_tileset(request: Request, shelf: TheShelf, in_force: ThePlan) -> Response:
    """Describe the tileset: its layers, zooms and extent."""
    return _send(request, in_force, _describe_tileset(request, in_force, shelf.tiles(in_force)))


def _send(request: Request, in_force: InForce, about: dict[str, Any]) -> Response:
    """Send what describes tiles, which may be kept and asked about; 304 to who has it."""
    # No day of change: it depends on settings and on the service's address, too.
    headers = cache_headers(make_tag("tileset", in_force.plan.name, json.dumps(about)))
    held = not_modified(request, headers)
    return JSONResponse(about, headers=headers) if held is None else held


@router.get(
    f"/tiles/{TMS}/{{zoom}}/{{row}}/{{column}}",
    response_class=Response,
    responses={
        200: {"content": {MVT: {"schema": {"type": "string", "format": "binary"}}}},
        204: {"description": "There is nothing in this tile."},
        304: NOT_MODIFIED,
    },
)
def get_tile(
    request: Request,
    shelf: TheShelf,
    in_force: ThePlan,
    zoom: Annotated[int, Path(description=f"{FIRST} to {LAST}", ge=0, le=30)],
    row: Annotated[int, Path(description="From the north", ge=0)],
    column: Annotated[int, Path(description="From the west", ge=0)],
) -> Response:
    """Return a tile with its grids, communities, streets, barriers and buildings.

    Borders are simplified once for both sides: there is no gap and no overlap at any zoom.
    """
    if not FIRST <= zoom <= LAST or max(row, column) >= 1 << zoom:
        detail = (
            f"Tiles are there from zoom {FIRST} to {LAST}, rows and columns below 2 to the zoom."
        )
        raise ProblemError(404, "unknown-tile", detail)
    named = "plan" in request.query_params
    headers = tag_tile(in_force.plan.name, zoom, row, column, named=named)
    answer = not_modified(request, headers)
    if answer is not None:
        return answer
    body = shelf.tiles(in_force).packed(zoom, column, row)
    if not body:
        return Response(status_code=204, headers=headers)
    if not takes_gzip(dict(request.scope["headers"])):
        return Response(gzip.decompress(body), headers=headers)
    return Response(body, headers={**headers, "Content-Encoding": "gzip"})


@router.get("/tileMatrixSets")
def list_tile_matrix_sets(request: Request) -> dict[str, Any]:
    """List the tile matrix sets: that of web maps."""
    href = f"{root(request)}/tileMatrixSets/{TMS}"
    told = {"id": TMS, "title": TMS, "uri": _TMS_URI, "links": [link(href, "self", JSON, TMS)]}
    return {"tileMatrixSets": [told]}


@router.get(f"/tileMatrixSets/{TMS}")
def get_tile_matrix_set() -> dict[str, Any]:
    """Describe the tile matrix set of web maps, as OGC 17-083r4 defines it."""
    return {
        "id": TMS,
        "title": "Google Maps Compatible for the World",
        "uri": _TMS_URI,
        "crs": name_crs(3857),
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [_describe_matrix(zoom) for zoom in range(LAST + 1)],
    }


def _describe_matrix(zoom: int) -> dict[str, Any]:
    return {
        "id": str(zoom),
        "scaleDenominator": _SCALE / 2**zoom,
        "cellSize": _CELL / 2**zoom,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-_EDGE, _EDGE],
        "tileWidth": 256,
        "tileHeight": 256,
        "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }


def _describe_tileset(request: Request, in_force: InForce, tiles: Tileset) -> dict[str, Any]:
    west, south, east, north = tiles.bounds
    base = root(request)
    item = _template(request, in_force, "{tileMatrix}/{tileRow}/{tileCol}")
    return {
        "title": in_force.plan.name,
        "dataType": "vector",
        "crs": name_crs(3857),
        "tileMatrixSetURI": _TMS_URI,
        "layers": [
            {
                "id": layer["id"],
                "dataType": "vector",
                "minTileMatrix": str(layer["minzoom"]),
                "maxTileMatrix": str(layer["maxzoom"]),
            }
            for layer in tiles.list_layers()
        ],
        "boundingBox": {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84},
        "tileMatrixSetLimits": [_limit_matrix(tiles, zoom) for zoom in range(FIRST, LAST + 1)],
        "links": [
            link(f"{base}/tiles/{TMS}", "self", JSON, "The tileset"),
            link(f"{base}/tileMatrixSets/{TMS}", f"{_REL}/tiling-scheme", JSON, TMS),
            link(item, "item", MVT, "Tiles", templated=True),
            link(f"{base}/tiles.json", "describedby", JSON, "TileJSON"),
        ],
    }


def _limit_matrix(tiles: Tileset, zoom: int) -> dict[str, Any]:
    """Return between which rows and columns a zoom has tiles."""
    west, north, east, south = tiles.limits(zoom)
    return {
        "tileMatrix": str(zoom),
        "minTileRow": north,
        "maxTileRow": south,
        "minTileCol": west,
        "maxTileCol": east,
    }


def _template(request: Request, in_force: InForce, rest: str) -> str:
    """Return where a plan's tiles are; its name is in the address, so they may be kept for ever."""
    return f"{root(request)}/tiles/{TMS}/{rest}?{in_force.plan.query.decode()}"
