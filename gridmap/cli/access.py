"""Who may ask the service, and the record of who did."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

import gridmap
from gridmap.audit import LEAST_DAYS
from gridmap.cli.options import By, JsonPath, StorePath, audited, name_user, print_report

app = typer.Typer()
keys = typer.Typer(no_args_is_help=True, help="Keys of the service: add, list, revoke.")
audit = typer.Typer(no_args_is_help=True, help="The audit log: list, verify, prune, export.")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")

Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only from this day on.")
]


@keys.command("add")
def add_key(
    store: StorePath,
    name: Annotated[str, typer.Option(help="Who or what uses it; one for each.")],
    role: Annotated[str, typer.Option(help="worker, viewer, dispatcher, planner or admin.")],
    district: Annotated[
        list[str] | None,
        typer.Option(help="Beginning of the codes that it is for (210802); repeatable."),
    ] = None,
    worker: Annotated[
        str, typer.Option(help="With --role worker: whose cases it is for (S0012).")
    ] = "",
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it opens.")
    ] = None,
    by: By = "",
) -> None:
    """Make a key and show it, this once."""
    last = expires.date() if expires else None
    facts = {"role": role, "districts": district or [], **({"worker": worker} if worker else {})}
    with audited(store, by, "add key", name, **facts) as who:
        text = gridmap.KeyStore(store).add(
            name, role, districts=district or [], worker_id=worker, expires=last, by=who
        )
    typer.echo("the key; it is not kept anywhere and can't be shown again:", err=True)
    typer.echo(text)


@keys.command("list")
def list_keys(store: StorePath) -> None:
    """List every key: its beginning, name, role, districts and days."""
    table = gridmap.KeyStore(store).keys()
    typer.echo("no key" if table.empty else table.to_string())


@keys.command("revoke")
def revoke_key(
    store: StorePath,
    key_id: Annotated[str, typer.Argument(help="The eight digits, as listed.")],
    by: By = "",
) -> None:
    """Let a key open nothing from the next request on."""
    with audited(store, by, "revoke key", key_id) as who:
        gridmap.KeyStore(store).revoke(key_id, by=who)
    typer.echo(f"key {key_id} is revoked")


@audit.command("list")
def list_entries(
    store: StorePath,
    since: Since = None,
    who: Annotated[str, typer.Option(help="Only of this name.")] = "",
    action: Annotated[str, typer.Option(help="Only this: look-up, export, publish …")] = "",
    subject: Annotated[str, typer.Option(help="Only about this code, plan or key.")] = "",
) -> None:
    """List who looked at, took out or changed what, the oldest first."""
    found = gridmap.AuditLog(store).entries(since=since, who=who, action=action, subject=subject)
    shown = found.drop(columns=["before", "hash"])
    typer.echo("no entry" if shown.empty else shown.to_string())


@audit.command("verify")
def verify_log(
    store: StorePath,
    head: Annotated[
        str, typer.Option(help="An end noted elsewhere, SEQ:HASH, that must still be there.")
    ] = "",
    json_path: JsonPath = None,
) -> None:
    """Look whether the log is what went in; exit code 1 where it is not."""
    known = gridmap.AuditHead.parse(head) if head else None
    report = gridmap.AuditLog(store).verify(head=known)
    print_report(report, json_path)
    raise typer.Exit(0 if report.whole else 1)


@audit.command("prune")
def prune_log(
    store: StorePath,
    days: Annotated[int, typer.Option(help="Keep this many days at least.")] = LEAST_DAYS,
    by: By = "",
) -> None:
    """Remove what is older; that is recorded, and the rest stays verifiable."""
    count = gridmap.AuditLog(store).prune(by=name_user(by), days=days)
    typer.echo(f"{count} entries removed")


@audit.command("export")
def export_log(
    store: StorePath,
    out: Annotated[Path, typer.Argument(help="The file; a JSON object in a line.")],
    by: By = "",
) -> None:
    """Write the whole log into a file, for the archive."""
    with audited(store, by, "export log", out.name):
        count = gridmap.AuditLog(store).export(out)
    typer.echo(f"{count} entries: {out}")
