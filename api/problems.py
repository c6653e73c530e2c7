"""Problems as RFC 9457 has them: every answer above 399 is application/problem+json."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

from api.models import Problem


def describe_problem(status: int) -> dict[str, Any]:
    """Return what the OpenAPI document says of a problem."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": HTTPStatus(status).phrase,
        "content": {"application/problem+json": {"schema": schema}},
    }


#: For the OpenAPI document: what routes answer when something is wrong. 400: a parameter is twice.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: describe_problem(status) for status in (400, 404, 422, 500)
}
#: The same of the OGC APIs' routes: a parameter that is wrong is a bad request there.
OGC_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: describe_problem(status) for status in (400, 404, 500)
}


class ProblemError(Exception):
    """Something that is wrong with a request and that gridmap itself can't know.

    Parameters
    ----------
    status : int
        HTTP status.
    code : str
        Stable name of the problem.
    detail : str
        What is wrong, and what to do.
    wait : float
        Seconds until it is worth trying again; 0 where it is not.
    more : object
        Members that only this problem has.
    """

    def __init__(
        self, status: int, code: str, detail: str, *, wait: float = 0.0, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.wait, self.more = wait, more


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    wait: float = 0.0,
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Write a problem; ``title`` is the status in words, ``type`` a URN that ends in the code.

    Whoever should ``wait`` is told so by ``Retry-After``, in whole seconds that are not too few.
    """
    problem = Problem(
        type=f"urn:gridmap:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        **(more or {}),
    )
    fixed = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        fixed["WWW-Authenticate"] = "Bearer"
    if wait:
        fixed["Retry-After"] = str(math.ceil(wait))
    return JSONResponse(
        problem.model_dump(),
        status,
        {**fixed, **(headers or {})},
        media_type="application/problem+json",
    )
