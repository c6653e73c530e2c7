"""Who serves the grids: workers, branches, liaisons, contacts, visits."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer

import gridmap
from gridmap.cli.options import (
    By,
    Day,
    KeepFrom,
    KeptBy,
    Language,
    ListPath,
    PlanName,
    RulesPath,
    Sheet,
    StorePath,
    audited,
    pick_day,
)
from gridmap.words import check_language

app = typer.Typer()


@app.command()
def staff(
    store: StorePath,
    name: PlanName,
    workers: Annotated[Path, typer.Argument(help="A list of workers: Excel or CSV.")],
    roster: Annotated[Path, typer.Argument(help="The roster to write: .xlsx or .gpkg.")],
    on: Day = None,
    rules_path: RulesPath = None,
    datum: Annotated[str, typer.Option(help="Of degrees in the list.")] = "wgs84",
    current: Annotated[
        Path | None, typer.Option(help="CSV of the staffing until now: who stays, stays.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Also write the staffing as CSV, for the next --current.")
    ] = None,
    map_path: Annotated[
        Path | None, typer.Option("--map", help="Also write a map page that needs no internet.")
    ] = None,
    lang: Language = "zh",
    by: By = "",
) -> None:
    """Give each grid of a kept plan its worker and deputies, and write the roster."""
    check_language(lang)
    plan, day = gridmap.PlanStore(store).load(name), pick_day(on)
    rules = gridmap.read_rules(rules_path) if rules_path else None
    people = gridmap.read_workers(workers, plan, datum=datum)
    held = gridmap.read_staffing(current) if current else None
    staffing = gridmap.assign_workers(
        plan, people, rules, current=held, on=day, lang=cast(Any, lang)
    )
    figures = gridmap.summarize_staffing(plan, staffing, people, on=day)
    with audited(store, by, "export", name, file=roster.name, staff=True):
        gridmap.write_staff_roster(plan, staffing, people, roster, on=day, lang=cast(Any, lang))
    if table:
        gridmap.write_staffing(staffing, table)
    if map_path:
        gridmap.map_staffing(plan, staffing, people, on=day, lang=cast(Any, lang)).save(map_path)
    typer.echo(
        "{workers} workers for {grids} grids: {vacant} vacant, {doubled} workers with several, "
        "{shared} grids shared by several ({short} short of one), {free} free; "
        "{walk_km} km on foot together, largest load {most} households".format(**figures)
    )
    typer.echo(f"{figures['proof']['status']}; roster: {roster}")
    raise typer.Exit(1 if figures["vacant"] or figures["short"] else 0)


@app.command("branches")
def form_branches(
    store: StorePath,
    name: PlanName,
    members: ListPath,
    rules_path: RulesPath = None,
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: KeptBy = "",
    lang: Language = "zh",
) -> None:
    """Form the party branches of a plan from a list of members per building (counts)."""
    check_language(lang)
    plans, day = gridmap.PlanStore(store), pick_day(keep_from)
    plan, kept = plans.load(name), plans.staff(name, day)
    counts = gridmap.read_members(members, plan.city, sheet=sheet)
    known = {"workers", "staffing"} <= set(kept)
    leaders = gridmap.find_leaders(kept["staffing"], kept["workers"], day) if known else None
    current = gridmap.Branches.from_tables(kept) if "branches" in kept else None
    rules = gridmap.read_rules(rules_path) if rules_path else None
    branches = gridmap.form_branches(
        plan, counts, rules, leaders=leaders, current=current, lang=cast(Any, lang)
    )
    typer.echo(branches.to_text())
    _keep_staff(plans, name, {"members": counts, **branches.tables}, keep_from, by)
    raise typer.Exit(0 if branches.branch_violations.empty else 1)


@app.command("liaisons")
def check_liaisons(
    store: StorePath,
    name: PlanName,
    liaisons: ListPath,
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: KeptBy = "",
) -> None:
    """Read the liaisons of departments, and list the communities that miss one or have two."""
    plans = gridmap.PlanStore(store)
    plan = plans.load(name)
    named = plan.rules.departments
    table = gridmap.read_liaisons(liaisons, plan.city, departments=named, sheet=sheet)
    gaps = gridmap.find_liaison_gaps(table, plan.city, departments=named)
    for gap in gaps.itertuples():
        typer.echo(f"{gap.community_id} {gap.department}: {gap.problem}")
    pairs = len(plan.city.communities) * len(named)
    typer.echo(f"{len(table)} liaisons for {pairs} pairs, {len(gaps)} to be put right")
    _keep_staff(plans, name, {"liaisons": table}, keep_from, by)
    raise typer.Exit(0 if gaps.empty else 1)


@app.command("contacts")
def match_contacts(
    store: StorePath,
    name: PlanName,
    contacts: ListPath,
    datum: Annotated[str, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09.")] = "wgs84",
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: KeptBy = "",
) -> None:
    """Match leaders' contact points or co-building units to communities, evenly and near."""
    plans = gridmap.PlanStore(store)
    plan = plans.load(name)
    table = gridmap.read_contacts(contacts, plan.city, datum=datum, sheet=sheet)
    matches = gridmap.match_communities(plan, table)
    for match in matches.to_dict("records"):
        where = str(match["target_id"]) or "nobody"
        typer.echo(f"{match['contact_id']} -> {where}: {match['reason']}")
    _keep_staff(plans, name, {"contacts": table, "contact_matches": matches}, keep_from, by)
    raise typer.Exit(1 if (matches["target_id"] == "").any() else 0)


@app.command("visits")
def measure_visits(
    store: StorePath,
    name: PlanName,
    visits: ListPath,
    starts: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day of the round.")
    ],
    ends: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day of the round.")
    ],
    on: Day = None,
    sheet: Sheet = None,
) -> None:
    """Say which grids fall behind in a round of visits, the worst first."""
    plan = gridmap.PlanStore(store).load(name)
    log = gridmap.read_visits(visits, plan, sheet=sheet)
    table = gridmap.measure_visits(
        plan, log, starts=starts.date(), ends=ends.date(), today=pick_day(on)
    )
    late = table[table["behind"]].sort_values("short", ascending=False, kind="stable")
    for grid in late.itertuples():
        typer.echo(f"{grid.Index}: {grid.coverage:.0f} %, {grid.short} households behind")
    typer.echo(f"{len(late)} of {len(table)} grids are behind")
    raise typer.Exit(0 if late.empty else 1)


def _keep_staff(
    plans: gridmap.PlanStore,
    name: str,
    tables: dict[str, Any],
    keep_from: datetime | None,
    by: str,
) -> None:
    """Keep tables with a plan, if a day is given."""
    if keep_from is not None:
        day, kept = keep_from.date(), sorted(tables)
        with audited(plans.folder, by, "keep staff", name, valid_from=day.isoformat(), tables=kept):
            plans.keep_staff(name, tables, day, by=by)
        typer.echo(f"kept with {name} from {keep_from.date()} on")
