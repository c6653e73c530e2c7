"""As whom the holder of a key may act on a case, and which cases are his business.

======== ===========================================================
worker   worker: his own cases and those of who shares a grid, as himself
viewer   reads
dispatcher worker, community, street, department: what is told at the desk
planner  the same, and the district
admin    the same
======== ===========================================================
"""

from __future__ import annotations

import gridmap
from api.access import Caller, Role, refuse_elsewhere, refuse_others
from api.problems import ProblemError
from gridmap.errors import CaseError
from gridmap.incidents.model import Actor, Case

_DESK = ("worker", "community", "street", "department")
_ACTS = {
    Role.PUBLIC: (),
    Role.WORKER: ("worker",),
    Role.VIEWER: (),
    Role.DISPATCHER: _DESK,
    Role.PLANNER: (*_DESK, "district"),
    Role.ADMIN: (*_DESK, "district"),
}
#: As whom a key acts when a step does not say; the others act for the community.
_OWN_PARTS = {Role.WORKER: "worker", Role.PLANNER: "district", Role.ADMIN: "district"}
#: A reporter has no name: who he is stands apart from the case.
CITIZEN = Actor("reporter")


def list_parts(caller: Caller) -> tuple[str, ...]:
    """Return as whom a caller may act."""
    return _ACTS[caller.role]


def choose_actor(
    caller: Caller,
    book: gridmap.Casebook,
    *,
    role: str | None,
    worker_id: str = "",
    department: str = "",
) -> Actor:
    """Return who acts: the key's name stands in the log, or the grid worker's number.

    Raises
    ------
    ProblemError
        403 ``not-allowed`` for a part that the key does not play, ``other-worker`` for a number
        that is not that of a worker's key.
    CaseError
        If nobody of that number serves a grid, or a liaison names no department.
    """
    part = role or _OWN_PARTS.get(caller.role, "community")
    if part not in list_parts(caller):
        detail = f"A {caller.role.word}'s key does not act as {part}."
        raise ProblemError(403, "not-allowed", detail)
    worker_id = worker_id or caller.worker_id
    refuse_others(caller, worker_id)
    if part == "worker" and worker_id:
        if worker_id not in book.desk.workers:
            raise CaseError(f"no worker {worker_id!r} serves a grid of the plan {book.desk.plan}")
        return Actor("worker", worker_id)
    return Actor(part, caller.name, department if part == "department" else "")


def find_own_case(book: gridmap.Casebook, caller: Caller, case_id: int) -> Case:
    """Return a case that lies in the caller's districts, and is a grid worker's own or his grid's.

    Raises
    ------
    CaseNotFoundError
        If there is no such case.
    ProblemError
        403 ``other-district``; a case in no grid is for keys without districts. 403
        ``other-worker``.
    """
    case = book.read(case_id)
    _refuse_case(book, caller, case)
    return case


def is_own_case(book: gridmap.Casebook, caller: Caller, case: Case) -> bool:
    """Tell whether `find_own_case` would return a case."""
    try:
        _refuse_case(book, caller, case)
    except ProblemError:
        return False
    return True


def _refuse_case(book: gridmap.Casebook, caller: Caller, case: Case) -> None:
    if not book.desk.is_of(caller.worker_id, case):
        refuse_others(caller, case.worker_id)
    refuse_elsewhere(caller, case.grid_code or "a case in no grid")


def scope_key(caller: Caller, key: str | None) -> str:
    """Return an idempotency key of a caller's own: nobody meets another's by chance."""
    return f"{caller.key_id or 'public'}/{key}" if key else ""
