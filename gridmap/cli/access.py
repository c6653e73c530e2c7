"""Who may ask the service, and the record of who did."""

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

import gridmap
from gridmap.audit import LEAST_DAYS
from gridmap.cli.options import (
    By,
    Day,
    JsonPath,
    Language,
    Sheet,
    StorePath,
    audited,
    name_user,
    pick_day,
    print_report,
)
from gridmap.errors import PlanNotFoundError, StaffError
from gridmap.tables import list_some

app = typer.Typer()
keys = typer.Typer(
    no_args_is_help=True, help="Keys of the service: add, list, revoke; for all workers at once."
)
audit = typer.Typer(no_args_is_help=True, help="The audit log: list, verify, prune, export.")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")

Roster = Annotated[
    str, typer.Option("--plan", help="The plan whose roster counts; that in force by default.")
]
Districts = Annotated[
    list[str] | None,
    typer.Option("--district", help="Beginning of the codes that it is for (210802); repeatable."),
]
Expires = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it opens.")
]
Since = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only from this day on.")
]


@keys.command("add")
def add_key(
    store: StorePath,
    name: Annotated[str, typer.Option(help="Who or what uses it; one for each.")],
    role: Annotated[str, typer.Option(help="worker, viewer, dispatcher, planner or admin.")],
    district: Districts = None,
    worker: Annotated[
        str, typer.Option(help="With --role worker: whose cases it is for (S0012).")
    ] = "",
    expires: Expires = None,
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


@keys.command("add-workers")
def add_worker_keys(
    store: StorePath,
    out: Annotated[Path, typer.Argument(help="The new file of the keys, .csv.")],
    plan: Roster = "",
    workers: Annotated[
        Path | None,
        typer.Option(
            "--list", help="CSV or workbook of those who are to have one; the roster by default."
        ),
    ] = None,
    sheet: Sheet = None,
    on: Day = None,
    district: Districts = None,
    expires: Expires = None,
    by: By = "",
    lang: Language = "zh",
) -> None:
    """Make a key for each worker without one, all in one file."""
    roster = _list_roster(store, plan, on)
    people = gridmap.read_key_holders(workers, roster, sheet=sheet) if workers else roster
    if not people:
        raise StaffError(
            "the roster names nobody: keep the workers with the plan, or give a --list"
        )
    made = gridmap.add_worker_keys(
        store,
        people,
        out,
        by=name_user(by),
        districts=district or [],
        expires=expires.date() if expires else None,
        lang=lang,
    )
    _tell_made(made, people, roster, out)


@keys.command("left")
def list_left(
    store: StorePath,
    plan: Roster = "",
    on: Day = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Revoke them, too.")] = False,
    by: By = "",
) -> None:
    """List the keys of workers who left the roster, or revoke them."""
    roster = _list_roster(store, plan, on)
    if revoke:
        left = gridmap.revoke_left_keys(store, roster, by=name_user(by))
    else:
        left = gridmap.list_left_keys(store, roster)
    for key_id, key in left.iterrows():
        typer.echo(f"{key_id}  {key['worker_id']}  {key['name']}  since {key['created_at'][:10]}")
    done = "revoked" if revoke else "--revoke revokes them" if len(left) else "nothing to revoke"
    typer.echo(f"keys of workers who left the roster of {len(roster)}: {len(left)}; {done}")


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


def _list_roster(store: Path, plan: str, on: datetime | None) -> dict[str, str]:
    """Return number -> name of the workers of a plan; nobody where no plan is in force."""
    plans, day = gridmap.PlanStore(store), pick_day(on)
    try:
        name = plan or plans.name_in_force(day)
    except PlanNotFoundError:
        return {}
    return gridmap.list_key_holders(plans.staff(name, day), on=day)


def _tell_made(
    made: Collection[str], people: Collection[str], roster: Collection[str], out: Path
) -> None:
    """Say who got a key, who had one, and who is on no roster."""
    had, strange = len(people) - len(made), [one for one in made if one not in roster]
    if had:
        typer.echo(f"{had} of {len(people)} workers have a key that opens, and got no other")
    if strange:
        typer.echo(f"not in the roster: {list_some(strange)}")
    if made:
        typer.echo(f"keys made: {len(made)}; they are kept nowhere but in {out}")
        typer.echo("hand each worker his own, then delete the file", err=True)
    else:
        typer.echo("nothing was written")
