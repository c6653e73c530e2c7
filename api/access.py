"""Who asks, what that caller may do, and the record of what was done.

The gate (`api.gate`) finds out who asks before any route runs; a route says in its parameters what
it needs::

    def show(caller: Dispatcher, ...):          # 401 without a key, 403 for a viewer's
        if not caller.covers(code): ...
        record(request, caller, "look-up", code)

A grid worker's key is below a viewer's, so nothing internal is open to it but what says so:
`ViewerOrWorker`, `DispatcherOrWorker`, and then only his own cases (`refuse_others`).

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
    "DispatcherOrWorker",
    "NeedsRole",
    "Planner",
    "Role",
    "Viewer",
    "ViewerOrWorker",
    "Worker",
    "admit",
    "describe_access",
    "need_role",
    "record",
    "refuse_elsewhere",
    "refuse_others",
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
    worker_id : str
        The grid worker whose cases alone are the caller's business; empty: everybody's.
    """

    name: str
    key_id: str
    role: Role
    districts: tuple[str, ...] = ()
    worker_id: str = ""

    def covers(self, code: str) -> bool:
        """Tell whether a grid, community or district of this code is the caller's business."""
        return not self.districts or code.startswith(self.districts)


#: Whoever has no key.
PUBLIC = Caller("", "", Role.PUBLIC)


def admit(key: Key) -> Caller:
    """Return the caller who holds a key."""
    return Caller(key.name, key.key_id, key.role, key.districts, key.worker_id)


#: Behind a role in the name of a scheme: grid workers may, too, for their own cases.
_OR_WORKER = " or worker"


class NeedsRole(SecurityBase):
    """A dependency: the caller, if the role is enough. FastAPI writes it into the description.

    Parameters
    ----------
    role : Role
        What is needed at least.
    or_worker : bool
        A grid worker may, too; the route sees to it that the case is his.
    """

    def __init__(self, role: Role, *, or_worker: bool = False) -> None:
        self.role, self.or_worker = role, or_worker
        self.model = HTTPBearer()
        self.scheme_name = role.word + _OR_WORKER * or_worker

    async def __call__(self, request: Request) -> Caller:
        """Return who asks.

        Raises
        ------
        ProblemError
            401 ``key-needed`` for the public, 403 ``not-allowed`` for a role that is too low.
        """
        # Without the gate nobody is known; then everybody is the public.
        caller: Caller = request.scope.get("gridmap.caller", PUBLIC)
        need_role(caller, self.role, or_worker=self.or_worker)
        return caller


def need_role(caller: Caller, role: Role, *, or_worker: bool = False) -> None:
    """Refuse a caller whose role is too low, unless it is a grid worker and those may, too.

    Raises
    ------
    ProblemError
        401 ``key-needed`` for the public, 403 ``not-allowed`` for a role that is too low.
    """
    if caller.role >= role or (or_worker and caller.role == Role.WORKER):
        return
    if caller.role == Role.PUBLIC:
        detail = "Send a key: Authorization: Bearer KEY, or X-API-Key: KEY."
        raise ProblemError(401, "key-needed", detail)
    detail = f"This needs the role {role.word}; the key is a {caller.role.word}'s."
    raise ProblemError(403, "not-allowed", detail)


AnyCaller = Annotated[Caller, Depends(NeedsRole(Role.PUBLIC))]
Worker = Annotated[Caller, Depends(NeedsRole(Role.WORKER))]
Viewer = Annotated[Caller, Depends(NeedsRole(Role.VIEWER))]
ViewerOrWorker = Annotated[Caller, Depends(NeedsRole(Role.VIEWER, or_worker=True))]
Dispatcher = Annotated[Caller, Depends(NeedsRole(Role.DISPATCHER))]
DispatcherOrWorker = Annotated[Caller, Depends(NeedsRole(Role.DISPATCHER, or_worker=True))]
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


def refuse_others(caller: Caller, worker_id: str) -> None:
    """Refuse a grid worker what is another's business.

    Raises
    ------
    ProblemError
        403 ``other-worker``.
    """
    if caller.role == Role.WORKER and worker_id != caller.worker_id:
        detail = f"The key is for the cases of worker {caller.worker_id}, and this is none of his."
        raise ProblemError(403, "other-worker", detail)


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

    ``x-or-worker`` stands where a grid worker's key will do for his own cases. FastAPI has named
    each operation's roles as its schemes; in their place come the two ways in which keys travel.
    """
    schema["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for path in schema["paths"].values():
        for operation in path.values():
            schemes = [name for one in operation.get("security", []) for name in one]
            needed = [Role[name.removesuffix(_OR_WORKER).upper()] for name in schemes]
            _describe_role(operation, max(needed, default=Role.PUBLIC))
            if schemes and all(name.endswith(_OR_WORKER) for name in schemes):
                operation["x-or-worker"] = True


def _describe_role(operation: dict[str, Any], role: Role) -> None:
    """Say what an operation needs, and what gate and guard may answer in its place."""
    optional: list[dict[str, list[str]]] = [{}] if role == Role.PUBLIC else []
    operation["x-role"] = role.word
    operation["security"] = [*optional, {"bearer": []}, {"key": []}]
    refusals = [401, *([403] if role > Role.PUBLIC else []), 429, 503]
    refusals += [400, 408, 413] if "requestBody" in operation else []
    for status in refusals:
        operation["responses"].setdefault(str(status), describe_problem(status))
