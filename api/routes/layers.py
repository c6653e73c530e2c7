"""The base map: the city's own streets, barriers, communities and buildings."""

from enum import StrEnum

from fastapi import APIRouter, Request, Response

from api.caching import NOT_MODIFIED, GeoJSONResponse, cache_headers, make_tag, not_modified
from api.dependencies import ONCE, InBbox, PlanAt
from api.models import LayerCollection
from api.problems import PROBLEMS, ProblemError

#: Features of one answer: some 4 MB, before compression.
MOST_FEATURES = 20_000

router = APIRouter(
    tags=["layers"], default_response_class=GeoJSONResponse, responses=PROBLEMS, dependencies=[ONCE]
)


class Layer(StrEnum):
    """A layer of the base map."""

    STREETS = "streets"
    BARRIERS = "barriers"
    COMMUNITIES = "communities"
    BUILDINGS = "buildings"


@router.get("/layers/{layer}", responses={200: {"model": LayerCollection}, 304: NOT_MODIFIED})
def get_layer(request: Request, in_force: PlanAt, layer: Layer, bbox: InBbox) -> Response:
    """Return a layer, or what of it meets a bbox. Buildings are footprints, without households."""
    tag = make_tag("layer", in_force.plan.name, layer, bbox)
    headers = cache_headers(tag, in_force.changed)
    answer = not_modified(request, headers)
    if answer is not None:
        return answer
    features = in_force.plan.layers[layer]
    positions = features.find(bbox=bbox)
    if len(positions) > MOST_FEATURES:
        detail = f"{len(positions)} features; ask for a smaller bbox (at most {MOST_FEATURES})."
        raise ProblemError(422, "too-many-features", detail)
    return GeoJSONResponse(features.collection(positions), headers=headers)
