"""Where a client of the OGC APIs begins: the landing page, and what the service conforms to."""

import json
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.ogc import CONFORMS_TO, HTML, JSON, OPENAPI, link, root
from api.problems import OGC_PROBLEMS

router = APIRouter(tags=["OGC API - Common"], responses=OGC_PROBLEMS)
_REL = "http://www.opengis.net/def/rel/ogc/1.0"


@router.get("/", response_model=None, responses={307: {"description": "People go to the map."}})
def land(request: Request) -> Response | dict[str, Any]:
    """Say where everything is. A browser is sent to the map."""
    if HTML in request.headers.get("accept", ""):
        return RedirectResponse("map")
    base = root(request)
    return {
        "title": request.app.title,
        "description": request.app.summary,
        "links": [
            link(f"{base}/", "self", JSON, "This page"),
            link(f"{base}/openapi.json", "service-desc", OPENAPI, "The API for machines"),
            link(f"{base}/map", "service-doc", HTML, "The map"),
            link(f"{base}/conformance", "conformance", JSON, "What the service conforms to"),
            link(f"{base}/conformance", f"{_REL}/conformance", JSON, "Conformance"),
            link(f"{base}/collections", "data", JSON, "The collections of features"),
            link(f"{base}/collections", f"{_REL}/data", JSON, "Collections"),
            link(f"{base}/tiles", f"{_REL}/tilesets-vector", JSON, "Vector tiles"),
            link(f"{base}/tileMatrixSets", f"{_REL}/tiling-schemes", JSON, "Tile matrix sets"),
            link(f"{base}/tiles.json", "describedby", JSON, "TileJSON of the vector tiles"),
        ],
    }


@router.get("/openapi.json", include_in_schema=False)
async def describe(request: Request) -> Response:
    """Describe the API for machines."""
    text = json.dumps(request.app.openapi(), ensure_ascii=False)
    return Response(text, media_type=OPENAPI)


@router.get("/conformance")
def get_conformance() -> dict[str, list[str]]:
    """List the conformance classes of the OGC APIs that the service keeps to."""
    return {"conformsTo": list(CONFORMS_TO)}
