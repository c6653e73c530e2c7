"""Who asks, what that caller may do, and the record of what was done.

The gate (`api.gate`) finds out who asks before any route runs; a route says in its parameters what
it needs::

    def show(caller: Dispatcher, ...):          # 401 without a key, 403 for a viewer's
        if not caller.covers(code): ...
        record(request, caller, "look-up", code)

Keys travel as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from api.problems import ProblemError, describe_problem
from gridmap.audit import AuditLog
from gridmap.keys import Key, Role

__all__ = [
    "PUBLIC",
    "Admin",
    "AnyCaller",
    "Caller",
    "Dispatcher",
    "NeedsRole",
    "Planner",
    "Role",
    "Viewer",
    "admit",
    "describe_access",
    "need_role",
    "record",
    "refuse_elsewhere",
]


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Parameters
    ----------
    name, key_id : str
        Of the key; empty for the public.
    role : Role
        What the key opens.
    districts : tuple of str
        Beginnings of the codes that it is good for; none: everywhere.
    """

    name: str
    key_id: str
    role: Role
    districts: tuple[str, ...] = ()

    def covers(self, code: str) -> bool:
        """Tell whether a grid, community or district of this code is the caller's business."""
        return not self.districts or code.startswith(self.districts)


#: Whoever has no key.
PUBLIC = Caller("", "", Role.PUBLIC)


def admit(key: Key) -> Caller:
    """Return the caller who holds a key."""
    return Caller(key.name, key.key_id, key.role, key.districts)


class NeedsRole(SecurityBase):
    """A dependency: the caller, if the role is enough. FastAPI writes it into the description.

    Parameters
    ----------
    role : Role
        What is needed at least.
    """

    def __init__(self, role: Role) -> None:
        self.role = role
        self.model = HTTPBearer()
        self.scheme_name = role.word

    async def __call__(self, request: Request) -> Caller:
        """Return who asks.

        Raises
        ------
        ProblemError
            401 ``key-needed`` for the public, 403 ``not-allowed`` for a role that is too low.
        """
        # Without the gate nobody is known; then everybody is the public.
        caller: Caller = request.scope.get("gridmap.caller", PUBLIC)
        need_role(caller, self.role)
        return caller


def need_role(caller: Caller, role: Role) -> None:
    """Refuse a caller whose role is too low.

    Raises
    ------
    ProblemError
        401 ``key-needed`` for the public, 403 ``not-allowed`` for a role that is too low.
    """
    if caller.role >= role:
        return
    if caller.role == Role.PUBLIC:
        detail = "Send a key: Authorization: Bearer KEY, or X-API-Key: KEY."
        raise ProblemError(401, "key-needed", detail)
    detail = f"This needs the role {role.word}; the key is a {caller.role.word}'s."
    raise ProblemError(403, "not-allowed", detail)


AnyCaller = Annotated[Caller, Depends(NeedsRole(Role.PUBLIC))]
Viewer = Annotated[Caller, Depends(NeedsRole(Role.VIEWER))]
Dispatcher = Annotated[Caller, Depends(NeedsRole(Role.DISPATCHER))]
Planner = Annotated[Caller, Depends(NeedsRole(Role.PLANNER))]
Admin = Annotated[Caller, Depends(NeedsRole(Role.ADMIN))]


def refuse_elsewhere(caller: Caller, code: str) -> None:
    """Refuse what lies outside the caller's districts.

    Raises
    ------
    ProblemError
        403 ``other-district``.
    """
    if not caller.covers(code):
        detail = f"The key is for {', '.join(caller.districts)}, and {code} is not in it."
        raise ProblemError(403, "other-district", detail)


def record(request: Request, caller: Caller, action: str, subject: str = "", **facts: Any) -> None:
    """Append to the audit log what a caller is about to be told or to change.

    It waits for the disk: call it in a plain ``def`` route, or in a thread, and before the answer.
    Facts never say where a citizen is; such an entry is refused.

    Parameters
    ----------
    request : Request
        Where the caller's address is from.
    caller : Caller
        Who asks.
    action, subject : str
        What is done (look-up, export, publish), and to which code, plan or key.
    **facts : object
        More about it: text, whole numbers, true and false, or lists of text.

    Raises
    ------
    StoreError
        If it can't be recorded; then the route must not go on.
    """
    log: AuditLog = request.app.state.audit
    host = request.client.host if request.client else ""
    log.append(
        caller.name or "public",
        action,
        subject,
        key_id=caller.key_id,
        role=caller.role.word,
        facts={"host": host, **facts},
    )


def describe_access(schema: dict[str, Any]) -> None:
    """Write into an OpenAPI document what each operation needs: ``security``, ``x-role``, 401, 403.

    FastAPI has named each operation's roles as its schemes; in their place come the two ways in
    which keys travel.
    """
    schema["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for path in schema["paths"].values():
        for operation in path.values():
            needed = [Role[name.upper()] for one in operation.get("security", []) for name in one]
            _describe_role(operation, max(needed, default=Role.PUBLIC))


def _describe_role(operation: dict[str, Any], role: Role) -> None:
    """Say what an operation needs, and what gate and guard may answer in its place."""
    optional: list[dict[str, list[str]]] = [{}] if role == Role.PUBLIC else []
    operation["x-role"] = role.word
    operation["security"] = [*optional, {"bearer": []}, {"key": []}]
    refusals = [401, *([403] if role > Role.PUBLIC else []), 429, 503]
    refusals += [400, 408, 413] if "requestBody" in operation else []
    for status in refusals:
        operation["responses"].setdefault(str(status), describe_problem(status))
