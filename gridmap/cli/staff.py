"""Who serves the grids: workers, branches, liaisons, contacts, visits."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, cast

import typer

import gridmap
from gridmap.cli.options import (
    By,
    Datum,
    Day,
    KeepFrom,
    KeptBy,
    Language,
    ListPath,
    MapPath,
    PlanName,
    RosterPath,
    RulesPath,
    Sheet,
    StorePath,
    audited,
    keep_staff,
    open_plan,
    pick_day,
    save_map,
    write_part,
)
from gridmap.errors import StaffError

app = typer.Typer()


@app.command()
def staff(
    store: StorePath,
    name: PlanName,
    workers: Annotated[Path, typer.Argument(help="A list of workers: Excel or CSV.")],
    roster: Annotated[Path, typer.Argument(help="The roster to write: .xlsx or .gpkg.")],
    on: Day = None,
    rules_path: RulesPath = None,
    datum: Datum = "wgs84",
    current: Annotated[
        Path | None, typer.Option(help="CSV of the staffing until now: who stays, stays.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Also write the staffing as CSV, for the next --current.")
    ] = None,
    map_path: MapPath = None,
    keep_from: KeepFrom = None,
    lang: Language = "zh",
    by: By = "",
) -> None:
    """Give each grid of a kept plan its worker and deputies, and write the roster."""
    plans, plan = open_plan(store, name, lang)
    day = pick_day(on)
    rules = gridmap.read_rules(rules_path) if rules_path else None
    people = gridmap.read_workers(workers, plan, datum=datum)
    held = gridmap.read_staffing(current) if current else None
    staffing = gridmap.assign_workers(
        plan, people, rules, current=held, on=day, lang=cast(Any, lang)
    )
    figures = gridmap.summarize_staffing(plan, staffing, people, on=day)
    with audited(store, by, "export", name, file=roster.name, staff=True):
        gridmap.write_staff_roster(
            plan, {"workers": people, "staffing": staffing}, roster, on=day, lang=cast(Any, lang)
        )
    if table:
        with audited(store, by, "export", name, file=table.name, staff=True):
            gridmap.write_staffing(staffing, table)
    if map_path:
        page = gridmap.map_staffing(plan, staffing, people, on=day, lang=cast(Any, lang))
        save_map(plans, name, page, map_path, by)
    _tell_open(staffing, roster)
    typer.echo(
        "{workers} workers for {grids} grids: {vacant} vacant, {doubled} workers with several, "
        "{shared} grids shared by several ({short} short of one), {free} free; "
        "{walk_km} km on foot together, largest load {most} households".format(**figures)
    )
    typer.echo(f"{figures['proof']['status']}; roster: {roster}")
    keep_staff(plans, name, {"workers": people, "staffing": staffing}, keep_from, by)
    raise typer.Exit(1 if figures["vacant"] or figures["short"] else 0)


#: Grids that are told; the roster has all.
_SHOWN = 40


def _tell_open(staffing: Any, roster: Path) -> None:
    """Print which grids have nobody, or somebody who has another one, and why."""
    rows = staffing[staffing["binding"].isin(["nobody", "shortage", "short", "doubled"])]
    rows = rows[rows["role"] == "primary"]
    for row in rows.head(_SHOWN).to_dict("records"):
        typer.echo(f"{row['grid_code']} {row['worker_id'] or '—'}: {row['reason']}")
    if (more := len(rows) - _SHOWN) > 0:
        typer.echo(f"… and {more} more grids, all of them in {roster}")


@app.command("branches")
def form_branches(
    store: StorePath,
    name: PlanName,
    members: ListPath,
    rules_path: RulesPath = None,
    roster: RosterPath = None,
    map_path: MapPath = None,
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: KeptBy = "",
    lang: Language = "zh",
) -> None:
    """Form the party branches of a plan from a list of members per building (counts)."""
    plans, plan = open_plan(store, name, lang)
    day = pick_day(keep_from)
    kept = plans.staff(name, day)
    counts = gridmap.read_members(members, plan.city, sheet=sheet)
    known = {"workers", "staffing"} <= set(kept)
    leaders = gridmap.find_leaders(kept["staffing"], kept["workers"], day) if known else None
    current = gridmap.Branches.from_tables(kept) if "branches" in kept else None
    rules = gridmap.read_rules(rules_path) if rules_path else None
    branches = gridmap.form_branches(
        plan, counts, rules, leaders=leaders, current=current, lang=cast(Any, lang)
    )
    typer.echo(branches.to_text())
    tables = {**kept, **branches.tables}
    write_part(plans, name, plan, tables, "branches", roster, on=day, by=by, lang=lang)
    if map_path:
        page = gridmap.map_branches(plan, tables, lang=cast(Any, lang))
        save_map(plans, name, page, map_path, by)
    keep_staff(plans, name, {"members": counts, **branches.tables}, keep_from, by)
    raise typer.Exit(0 if branches.branch_violations.empty else 1)


@app.command("liaisons")
def check_liaisons(
    store: StorePath,
    name: PlanName,
    liaisons: ListPath,
    roster: RosterPath = None,
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: KeptBy = "",
    lang: Language = "zh",
) -> None:
    """Read the liaisons of departments, and list the communities that miss one or have two."""
    plans, plan = open_plan(store, name, lang)
    named = plan.rules.departments
    table = gridmap.read_liaisons(liaisons, plan.city, departments=named, sheet=sheet)
    gaps = gridmap.find_liaison_gaps(table, plan.city, departments=named, lang=cast(Any, lang))
    names = plan.city.communities["name"]
    for gap in gaps.itertuples():
        where = f"{gap.community_id} {names[gap.community_id]}".strip()
        typer.echo(f"{where} {gap.department}: {gap.problem}")
    pairs = len(plan.city.communities) * len(named)
    typer.echo(f"{len(table)} liaisons for {pairs} pairs, {len(gaps)} to be put right")
    day = pick_day(keep_from)
    write_part(plans, name, plan, {"liaisons": table}, "liaisons", roster, on=day, by=by, lang=lang)
    keep_staff(plans, name, {"liaisons": table}, keep_from, by)
    raise typer.Exit(0 if gaps.empty else 1)


@app.command("contacts")
def match_contacts(
    store: StorePath,
    name: PlanName,
    contacts: ListPath,
    roster: RosterPath = None,
    map_path: MapPath = None,
    datum: Datum = "wgs84",
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: KeptBy = "",
    to: Annotated[str, typer.Option(help="community or branch: those kept with the plan.")] = (
        "community"
    ),
    lang: Language = "zh",
) -> None:
    """Match leaders' contact points or co-building units to communities or branches, evenly."""
    plans, plan = open_plan(store, name, lang)
    table = gridmap.read_contacts(contacts, plan.city, datum=datum, sheet=sheet)
    day = pick_day(keep_from)
    kept = plans.staff(name, day)
    matches, names = _match(name, plan, kept, table, to, day, lang)
    for match in matches.to_dict("records"):
        told = str(match["target_id"])
        where = f"{told} {names[told]}".strip() if told else "nobody"
        who = f"{match['contact_id']} {table.at[match['contact_id'], 'name']}"
        typer.echo(f"{who} -> {where}: {match['reason']}")
    lost = int((matches["target_id"] == "").sum())
    shares = matches["target_id"].value_counts().drop("", errors="ignore").reindex(names.index)
    shares = shares.fillna(0).astype(int)
    typer.echo(
        f"{len(matches) - lost} points of {len(table)} contacts for {len(names)} targets, "
        f"{shares.min()} to {shares.max()} each; {lost} without one"
    )
    joined = gridmap.join_contacts(kept, table, matches)
    shown = {**kept, **joined}
    write_part(plans, name, plan, shown, "contacts", roster, on=day, by=by, lang=lang)
    if map_path:
        page = gridmap.map_contacts(plan, shown, lang=cast(Any, lang))
        save_map(plans, name, page, map_path, by)
    keep_staff(plans, name, joined, keep_from, by)
    raise typer.Exit(1 if lost else 0)


def _match(
    name: str,
    plan: gridmap.Plan,
    kept: dict[str, Any],
    table: Any,
    to: str,
    day: date,
    lang: str,
) -> tuple[Any, Any]:
    """Match contacts to communities, or to the branches that are kept; and name the targets."""
    if to not in ("community", "branch"):
        raise StaffError(f"--to {to}: choose community or branch")
    if to == "community":
        matches = gridmap.match_communities(plan, table, lang=cast(Any, lang))
        return matches, plan.city.communities["name"]
    if "branches" not in kept:
        raise StaffError(
            f"no branches kept with plan {name!r} on {day}: `gridmap branches … --keep-from` first"
        )
    branches = gridmap.Branches.from_tables(kept)
    matches = gridmap.match_branches(plan, branches, table, lang=cast(Any, lang))
    return matches, branches.branches["name"]
