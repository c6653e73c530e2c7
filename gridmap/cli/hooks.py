"""Webhooks: other systems that are told of the steps of cases."""

from typing import Annotated

import typer

import gridmap
from gridmap.cli.options import By, StorePath, Where, audited

hooks = typer.Typer(help="Webhooks of the casebook: add, list, remove.", no_args_is_help=True)
app = typer.Typer()
app.add_typer(hooks, name="hooks")


@hooks.command("add")
def add_hook(
    store: StorePath,
    url: Annotated[str, typer.Argument(help="Where deliveries are posted.")],
    hosts: Annotated[
        str,
        typer.Option(envvar="GRIDMAP_HOOK_HOSTS", help="Hosts that may be called, as the service."),
    ] = "",
    action: Annotated[
        list[str] | None, typer.Option(help="Only these steps: open, whistle …; repeatable.")
    ] = None,
    book: Where = None,
    by: By = "",
) -> None:
    """Add a webhook and show its secret, this once."""
    named = [host.strip() for host in hosts.split(",") if host.strip()]
    with (
        audited(store, by, "add hook", url, actions=action or []),
        gridmap.open_casebook(gridmap.PlanStore(store), book) as kept,
    ):
        number, secret = gridmap.add_hook(kept, url, hosts=named, actions=action or [])
    typer.echo(f"webhook {number}; its secret can't be shown again:", err=True)
    typer.echo(secret)


@hooks.command("list")
def list_hooks(store: StorePath, book: Where = None) -> None:
    """List webhooks, with what waits and what was given up."""
    with gridmap.open_casebook(gridmap.PlanStore(store), book) as kept:
        found = gridmap.list_hooks(kept)
    for hook in found:
        actions = " ".join(hook.actions) or "all"
        line = f"{hook.hook_id}  {hook.url}  {actions}  waiting {hook.waiting}"
        typer.echo(f"{line}  failed {hook.failed}")
    if not found:
        typer.echo("no webhook")


@hooks.command("remove")
def remove_hook(
    store: StorePath,
    number: Annotated[int, typer.Argument(help="As listed.")],
    book: Where = None,
    by: By = "",
) -> None:
    """Remove a webhook and what it was to be told."""
    with (
        audited(store, by, "remove hook", str(number)),
        gridmap.open_casebook(gridmap.PlanStore(store), book) as kept,
    ):
        gridmap.remove_hook(kept, number)
    typer.echo(f"webhook {number} is removed")


@hooks.command()
def deliveries(
    store: StorePath,
    number: Annotated[int | None, typer.Option("--hook", help="Only of this webhook.")] = None,
    state: Annotated[str, typer.Option(help="Only waiting, sent or failed.")] = "",
    most: Annotated[int, typer.Option(help="How many at most, the latest first.")] = 50,
    book: Where = None,
) -> None:
    """List what webhooks were told; exit code 1 if any was given up."""
    with gridmap.open_casebook(gridmap.PlanStore(store), book) as kept:
        found = gridmap.list_deliveries(kept, number, state=state, most=most)
    for one in found:
        what = f"case {one.case_id} v{one.version}"
        line = f"{one.number}  hook {one.hook_id}  {what}  {one.state}"
        typer.echo(f"{line}  tries {one.tries}  {one.answer}".rstrip())
    if not found:
        typer.echo("no delivery")
    raise typer.Exit(1 if any(one.state == "failed" for one in found) else 0)
