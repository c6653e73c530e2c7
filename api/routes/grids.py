"""The grids of the plan in force, as GeoJSON."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.caching import NOT_MODIFIED, GeoJSONResponse, cache_headers, make_tag, not_modified
from api.dependencies import ONCE, InBbox, PlanAt, TheShelf
from api.models import GridCollection, GridContact, GridFeature, GridProperties
from api.problems import PROBLEMS, ProblemError
from api.shelf import ServedPlan
from api.zipping import takes_gzip
from gridmap.codes import parse_code

router = APIRouter(
    tags=["grids"], default_response_class=GeoJSONResponse, responses=PROBLEMS, dependencies=[ONCE]
)


@router.get("/grids", responses={200: {"model": GridCollection}, 304: NOT_MODIFIED})
def list_grids(
    request: Request,
    in_force: PlanAt,
    bbox: InBbox,
    community: Annotated[
        str | None, Query(description="Id or name of a community", max_length=100)
    ] = None,
) -> Response:
    """List the grids of a plan: all, those that meet a bbox, those of a community, or both."""
    plan = in_force.plan
    headers = cache_headers(make_tag("grids", plan.name, bbox, community), in_force.changed)
    answer = not_modified(request, headers)
    if answer is not None:
        return answer
    if bbox is None and community is None:
        return _send_all(request, plan, headers)
    codes = None if community is None else _codes_of(plan, community)
    body = plan.features.collection(plan.features.find(bbox=bbox, ids=codes))
    return GeoJSONResponse(body, headers=headers)


@router.get("/grids/{code}", responses={200: {"model": GridFeature}, 304: NOT_MODIFIED})
def get_grid(
    request: Request,
    in_force: PlanAt,
    shelf: TheShelf,
    code: Annotated[str, Path(description="15 digits", max_length=40)],
) -> Response:
    """Return one grid, and whom to call about it where that is kept.

    A code that was retired answers 410 with the codes that came after it.
    """
    plan = in_force.plan
    find_grid(plan, code)
    contact = shelf.find_contact(in_force, code)
    told = "" if contact is None else contact.model_dump_json()
    # Whom to call changes without a publication: where anybody is kept there is no day of change.
    changed = None if shelf.staff_stamp(in_force) else in_force.changed
    headers = cache_headers(make_tag("grid", plan.name, code, told), changed)
    answer = not_modified(request, headers)
    if answer is not None:
        return answer
    body = plan.features.texts[plan.features.ids.index(code)]
    return GeoJSONResponse(_add_contact(body, contact), headers=headers)


def find_grid(plan: ServedPlan, code: str) -> GridProperties:
    """Return what is told of a grid.

    Raises
    ------
    CodeError
        If it is no code.
    ProblemError
        If the plan does not have it; 410 with what came after it where it was retired.
    """
    parse_code(code)
    if code not in plan.grids:
        raise _missing_grid(code, plan)
    return plan.grids[code]


def _add_contact(body: str, contact: GridContact | None) -> str:
    """Write the contact into a feature, as a member of its own."""
    if contact is None:
        return body
    feature = {**json.loads(body), "contact": contact.model_dump()}
    return json.dumps(feature, ensure_ascii=False, separators=(",", ":"))


def _send_all(request: Request, plan: ServedPlan, headers: dict[str, str]) -> Response:
    """Send the document that was written when the plan was loaded."""
    if takes_gzip(dict(request.scope["headers"])):
        return GeoJSONResponse(plan.document_gzip, headers={**headers, "Content-Encoding": "gzip"})
    return GeoJSONResponse(plan.document, headers=headers)


def _codes_of(plan: ServedPlan, community: str) -> set[str]:
    codes = {
        code
        for code, grid in plan.grids.items()
        if community in (grid.community_id, grid.community)
    }
    if not codes:
        detail = f"No grid of plan {plan.name} is in a community {community!r}."
        raise ProblemError(404, "unknown-community", detail)
    return codes


def _missing_grid(code: str, plan: ServedPlan) -> ProblemError:
    if code in plan.retired:
        successors = plan.retired[code].split()
        detail = f"Grid {code} was retired; after it came {', '.join(successors) or 'none'}."
        return ProblemError(410, "retired-grid", detail, successors=successors)
    detail = f"Plan {plan.name} has no grid {code}; /grids lists them."
    return ProblemError(404, "unknown-grid", detail)
