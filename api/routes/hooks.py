"""Webhooks, for admins: add one, list them, see what came, remove one."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

import gridmap
from api.access import Admin, record
from api.case_models import Text
from api.dependencies import TheBook
from api.internal_models import Internal
from api.routes.cases import CASE_PROBLEMS

router = APIRouter(prefix="/internal/hooks", tags=["webhooks"], responses={**CASE_PROBLEMS})
HookNumber = Annotated[int, Path(ge=1, le=2**53, description="Number of a webhook.")]


class HookBody(BaseModel):
    """A webhook that is to be added."""

    model_config = ConfigDict(extra="forbid")

    url: Text = Field(max_length=2000, description="Its host is one that the service may call.")
    secret: Text = Field("", max_length=200, description="Random by default.")
    actions: list[Annotated[Text, Field(max_length=20)]] = Field(
        [], max_length=30, description="Only these steps; all by default."
    )


class HookAdded(Internal):
    """A webhook that was added."""

    hook_id: int
    secret: str = Field(description="It can't be shown again.")


class HookAnswer(Internal):
    """A webhook, without its secret."""

    hook_id: int
    url: str
    actions: list[str]
    added_at: datetime
    waiting: int
    failed: int = Field(description="Deliveries that were given up.")


class DeliveryAnswer(Internal):
    """What a webhook was told of one step."""

    number: int
    hook_id: int
    case_id: int
    version: int
    body: str
    state: Literal["waiting", "sent", "failed"]
    tries: int
    next_at: datetime
    done_at: datetime | None
    answer: str


@router.post("", status_code=201)
def add(
    caller: Admin, request: Request, book: TheBook, body: Annotated[HookBody, Body()]
) -> HookAdded:
    """Add a webhook; it is told of what happens from now on."""
    hosts = request.app.state.hook_hosts
    number, secret = gridmap.add_hook(
        book, body.url, hosts=hosts, secret=body.secret, actions=body.actions
    )
    record(request, caller, "add-hook", str(number), actions=body.actions)
    return HookAdded(hook_id=number, secret=secret)


@router.get("")
def list_all(caller: Admin, request: Request, book: TheBook) -> list[HookAnswer]:
    """List webhooks."""
    record(request, caller, "list-hooks")
    return [
        HookAnswer(**{**asdict(hook), "actions": list(hook.actions)})
        for hook in gridmap.list_hooks(book)
    ]


@router.get("/deliveries")
def list_told(
    caller: Admin,
    request: Request,
    book: TheBook,
    hook: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    state: Literal["", "waiting", "sent", "failed"] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[DeliveryAnswer]:
    """List what webhooks were told, the latest first."""
    record(request, caller, "list-deliveries")
    found = gridmap.list_deliveries(book, hook, state=state, most=limit)
    return [DeliveryAnswer(**asdict(one)) for one in found]


@router.delete("/{number}", status_code=204)
def remove(caller: Admin, request: Request, book: TheBook, number: HookNumber) -> Response:
    """Remove a webhook and what it was to be told."""
    gridmap.remove_hook(book, number)
    record(request, caller, "remove-hook", str(number))
    return Response(status_code=204)
