"""Incidents: open, step, list, figures, lists in and out, backups."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

import gridmap
from gridmap.cli.options import ListPath, RulesPath, Sheet, StorePath, Where
from gridmap.days import today_in_china

cases = typer.Typer(
    help="Follow incidents from the report to acceptance.",
    no_args_is_help=True,
    add_completion=False,
)
app = typer.Typer()
app.add_typer(cases, name="cases")

Number = Annotated[int, typer.Argument(help="Number of the case.")]
Moment = Annotated[
    datetime | None,
    typer.Option("--at", formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help="The city's time."),
]
Role = Annotated[
    str, typer.Option(help="reporter, worker, community, street, district, department")
]
By = Annotated[str, typer.Option("--by", help="Account or number of who does it, for the log.")]


@cases.command("open")
def open_(
    store: StorePath,
    category: Annotated[str, typer.Argument(help="Of the rules: 市容环境, 供水 …")],
    lon: Annotated[float | None, typer.Option(help="Degrees in --datum.")] = None,
    lat: Annotated[float | None, typer.Option(help="Degrees in --datum.")] = None,
    address: Annotated[str, typer.Option(help="Instead of a point, or beside it.")] = "",
    datum: Annotated[str, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09.")] = "wgs84",
    text: Annotated[str, typer.Option(help="What it is, in words.")] = "",
    role: Role = "worker",
    by: By = "",
    at: Moment = None,
    photo: Annotated[Path | None, typer.Option(help="A photo of it.")] = None,
    rules_path: RulesPath = None,
    book: Where = None,
) -> None:
    """Open a case: grid, worker, department and breach times; cases that it may repeat."""
    with _open_book(store, book, rules_path) as kept:
        report = gridmap.Report(
            category,
            gridmap.Location(lon, lat, datum, address),
            text,
            source="citizen" if role == "reporter" else "worker",
            reported_at=_in_zone(at, kept),
        )
        similar = kept.similar(report)
        actor = gridmap.Actor(role, by)
        case = kept.open(report, actor)
        if photo:
            case = kept.add_photo(case.case_id, photo.read_bytes(), actor, at=case.updated_at)
        typer.echo(_describe(case, kept))
        for other, metres in similar:
            typer.echo(f"may repeat case {other.case_id}, {metres:.0f} m away ({other.stage})")
    raise typer.Exit(1 if case.flag or not case.grid_code else 0)


@cases.command()
def step(
    store: StorePath,
    number: Number,
    action: Annotated[str, typer.Argument(help="inspect, resolve, answer, accept, return …")],
    role: Role,
    by: By = "",
    department: Annotated[str, typer.Option(help="Of a liaison.")] = "",
    note: Annotated[str, typer.Option(help="In words.")] = "",
    at: Moment = None,
    hours: Annotated[float | None, typer.Option(help="Of an extension.")] = None,
    call: Annotated[
        list[str] | None, typer.Option("--to", help="Department called or rerouted to; repeatable.")
    ] = None,
    grid: Annotated[str, typer.Option(help="Grid rerouted to.")] = "",
    lon: Annotated[float | None, typer.Option(help="Of the new pin.")] = None,
    lat: Annotated[float | None, typer.Option(help="Of the new pin.")] = None,
    datum: Annotated[str, typer.Option(help="Of the new pin.")] = "wgs84",
    reason: Annotated[str, typer.Option(help="Of a refusal: jurisdiction or duty.")] = "",
    repeats: Annotated[int | None, typer.Option(help="Case that this one is merged into.")] = None,
    version: Annotated[int | None, typer.Option(help="Refuse if the case changed since.")] = None,
    rules_path: RulesPath = None,
    book: Where = None,
) -> None:
    """Do one step of a case."""
    with _open_book(store, book, rules_path) as kept:
        wanted = gridmap.Step(
            action,
            gridmap.Actor(role, by, department),
            note,
            _in_zone(at, kept),
            hours=hours,
            departments=tuple(call or ()),
            grid_code=grid,
            location=None if lon is None else gridmap.Location(lon, lat, datum),
            reason=reason,
            duplicate_of=repeats,
        )
        typer.echo(_describe(kept.step(number, wanted, version=version), kept))


@cases.command("list")
def list_(
    store: StorePath,
    grid: Annotated[str, typer.Option(help="A grid, or the beginning of its code.")] = "",
    worker: Annotated[str, typer.Option(help="Number of a grid worker.")] = "",
    department: Annotated[str, typer.Option(help="Answers for it, or was called.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Ended cases, too.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="In breach only.")] = False,
    limit: Annotated[int, typer.Option(help="Lines at most.")] = 50,
    book: Where = None,
) -> None:
    """List cases, the nearest breach first."""
    with _open_book(store, book) as kept:
        query = gridmap.CaseQuery(
            standings=() if everything else ("open", "suspended"),
            grid_code=grid,
            worker_id=worker,
            shared=kept.desk.shared(worker),
            department=department,
            overdue_at=datetime.now(UTC) if overdue else None,
        )
        for case in kept.find(query, limit=limit):
            typer.echo(_write_line(case, kept))


@cases.command()
def show(store: StorePath, number: Number, book: Where = None) -> None:
    """Show a case: where, its clocks, its log, who was called. Not who reported it."""
    with _open_book(store, book) as kept:
        case = kept.read(number)
        typer.echo(_describe(case, kept))
        if case.description:
            typer.echo(f"  {case.description}")
        for call in kept.whistles(number):
            who = " ".join(word for word in (call.post, call.liaison, call.phone) if word)
            typer.echo(f"  call {call.hop}: {call.department} {who} {call.state} {call.answer}")
        for entry in kept.log(number):
            who = " ".join(word for word in (entry.actor.role, entry.actor.name) if word)
            typer.echo(f"  {_tell(entry.at, kept)}  {entry.action:9} {who}  {entry.note}".rstrip())


@cases.command()
def due(
    store: StorePath,
    since: Annotated[
        float | None, typer.Option(help="Only what came due in the last so many minutes.")
    ] = None,
    rules_path: RulesPath = None,
    book: Where = None,
) -> None:
    """List who is to be told of which case: reminders, then worker, community, street, district."""
    now = datetime.now(UTC)
    after = None if since is None else now - timedelta(minutes=since)
    with _open_book(store, book, rules_path) as kept:
        notices = kept.due(now, since=after)
        for one in notices:
            who = one.worker_id if one.level == "worker" else one.community_id
            typer.echo(
                f"{one.level:9} {one.kind:8} case {one.case_id}: {one.duty} by "
                f"{_tell(one.due, kept)}, grid {one.grid_code or '-'} {who}".rstrip()
            )
    raise typer.Exit(1 if notices else 0)


@cases.command()
def figures(
    store: StorePath,
    by: Annotated[
        str, typer.Option(help="category, department, grid_code, community_id, worker_id, source")
    ] = "",
    book: Where = None,
) -> None:
    """Print on-time rates, how well cases are sent, places that come back, load of the workers."""
    now = datetime.now(UTC)
    with _open_book(store, book) as kept:
        tables = kept.tables()
    rates = gridmap.rate_on_time(tables["cases"], by, now=now)
    _print_table("in time", rates.assign(rate=(100 * rates["rate"]).round(1)))
    sent = gridmap.rate_dispatch(tables["cases"], tables["whistles"])
    typer.echo("\nsent: " + ", ".join(f"{name} {value:.3g}" for name, value in sent.items()))
    repeats = gridmap.find_repeats(tables["cases"]).drop(columns="case_ids")
    _print_table("\nplaces that come back", repeats.head(20))
    _print_table("\nload", gridmap.measure_load(tables["cases"], now=now).head(20))


@cases.command("workers")
def rate_workers(
    store: StorePath,
    visits: Annotated[Path | None, typer.Option(help="Log of visits: Excel or CSV.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write it: .xlsx or .csv.")] = None,
    book: Where = None,
) -> None:
    """Put the grid workers side by side: cases, on time, visits, residents' votes."""
    plans = gridmap.PlanStore(store)
    plan = plans.load(plans.name_in_force(today_in_china()))
    with _open_book(store, book) as kept:
        tables = kept.tables()
    log = gridmap.read_visits(visits, plan) if visits else None
    table = gridmap.rate_workers(tables, log, now=datetime.now(UTC))
    _print_table("workers", table.round(3))
    if out:
        gridmap.write_evaluation(table, out)


@cases.command("import")
def import_(
    store: StorePath,
    reports: ListPath,
    datum: Annotated[str, typer.Option(help="Of degrees in the list.")] = "wgs84",
    sheet: Sheet = None,
    by: By = "",
    rules_path: RulesPath = None,
    book: Where = None,
) -> None:
    """Open a case for each row of a list; all or none, once however often it is read."""
    with _open_book(store, book, rules_path) as kept:
        actor = gridmap.Actor("district", by)
        opened = kept.import_list(reports, actor, datum=datum, sheet=sheet)
    flagged = [case for case in opened if case.flag or not case.grid_code]
    typer.echo(f"{len(opened)} cases, {len(flagged)} without a grid or with something to look at")
    raise typer.Exit(1 if flagged else 0)


@cases.command()
def export(
    store: StorePath,
    out: Annotated[Path, typer.Argument(help=".xlsx or .csv.")],
    everything: Annotated[bool, typer.Option("--all/--open", help="Ended cases, too.")] = True,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    book: Where = None,
) -> None:
    """Write cases as a list, without who reported them."""
    query = gridmap.CaseQuery(standings=() if everything else ("open", "suspended"))
    with _open_book(store, book) as kept:
        typer.echo(f"{kept.export(out, query, lang=lang)} cases: {out}")


@cases.command()
def backup(
    store: StorePath,
    out: Annotated[Path, typer.Argument(help="The file, .zip.")],
    book: Where = None,
) -> None:
    """Write every case, log, reporter, vote and photo into one file."""
    with _open_book(store, book) as kept:
        _tell_counts(kept.back_up(out))


@cases.command()
def restore(
    store: StorePath,
    archive: Annotated[Path, typer.Argument(help="A backup.")],
    book: Where = None,
) -> None:
    """Read a backup into an empty casebook, of the same or of the other kind of database."""
    with _open_book(store, book) as kept:
        _tell_counts(kept.restore(archive))


@cases.command()
def erase(
    store: StorePath,
    number: Annotated[
        int | None, typer.Argument(help="A case; otherwise all that are due.")
    ] = None,
    photos: Annotated[bool, typer.Option("--photos", help="Its photos, too.")] = False,
    by: By = "",
    rules_path: RulesPath = None,
    book: Where = None,
) -> None:
    """Erase who reported a case, or every case that ended long enough ago (reporter_days)."""
    actor = gridmap.Actor("district", by)
    with _open_book(store, book, rules_path) as kept:
        if number is None:
            gone = list(kept.erase_old(datetime.now(UTC), actor))
        else:
            gone = [kept.erase(number, actor, photos=photos).case_id]
    typer.echo(f"reporters erased of {len(gone)} cases")


@cases.command()
def check(store: StorePath, book: Where = None) -> None:
    """Say whether the casebook is what was written: every hash, every case against its log."""
    with _open_book(store, book) as kept:
        problems = kept.check()
    for problem in problems:
        typer.echo(problem)
    typer.echo(f"{len(problems)} problems")
    raise typer.Exit(1 if problems else 0)


def _open_book(store: Path, where: str | None, rules_path: Path | None = None) -> gridmap.Casebook:
    rules = gridmap.read_rules(rules_path) if rules_path else None
    return gridmap.open_casebook(gridmap.PlanStore(store), where, rules=rules)


def _in_zone(moment: datetime | None, kept: gridmap.Casebook) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=kept.rules.zone)


def _tell(moment: datetime, kept: gridmap.Casebook) -> str:
    return moment.astimezone(kept.rules.zone).strftime("%Y-%m-%d %H:%M")


def _describe(case: gridmap.Case, kept: gridmap.Casebook) -> str:
    lines = [_write_line(case, kept)]
    place = f"{case.match}, {case.border:.0f} m to the border" if case.border else case.match
    lines.append(f"  grid {case.grid_code or '-'} ({place}; next {case.runner_up or '-'})")
    lines.append(f"  worker {case.worker_id or '-'}, {case.department}, version {case.version}")
    if case.flag:
        lines.append(f"  look: {case.flag}")
    return "\n".join(lines)


def _write_line(case: gridmap.Case, kept: gridmap.Casebook) -> str:
    clock = f"{case.next_duty} by {_tell(case.next_due, kept)}" if case.next_due else "no clock"
    return f"case {case.case_id}  {case.category}  {case.stage}, {case.standing}  {clock}"


def _print_table(title: str, table: Any) -> None:
    typer.echo(f"{title}\n{table.to_string() if len(table) else '  none'}")


def _tell_counts(counts: dict[str, int]) -> None:
    typer.echo(", ".join(f"{name} {count}" for name, count in counts.items()))
