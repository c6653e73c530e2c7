"""What an office prints: rosters, task lists of the workers, how far a round of visits is."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

import gridmap
from gridmap.cli.options import (
    By,
    Day,
    From,
    KeepFrom,
    Language,
    MapPath,
    PlanName,
    RosterPath,
    Sheet,
    StorePath,
    To,
    audited,
    keep_staff,
    open_plan,
    pick_day,
    save_map,
)
from gridmap.errors import StaffError

app = typer.Typer()


@app.command()
def roster(
    store: StorePath,
    name: PlanName,
    out: Annotated[Path, typer.Argument(help="The roster: .xlsx to print, .gpkg for a GIS.")],
    parts: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            help="workers, branches, liaisons or contacts; repeatable. All that are kept by "
            "default.",
        ),
    ] = None,
    on: Day = None,
    by: By = "",
    lang: Language = "zh",
) -> None:
    """Write who serves the grids, as it is kept with a plan on a day, to print and hang up."""
    plans, plan = open_plan(store, name, lang)
    day = pick_day(on)
    tables = plans.staff(name, day)
    with audited(store, by, "export", name, file=out.name, staff=True):
        gridmap.write_staff_roster(
            plan, tables, out, parts=parts or None, on=day, lang=cast(Any, lang)
        )
    typer.echo(f"roster of {name} on {day}: {out}")


@app.command()
def tasks(
    store: StorePath,
    name: PlanName,
    out: Annotated[
        Path | None,
        typer.Argument(
            help=".xlsx, .html or .txt: a page a worker; .csv: a table. On the screen by default."
        ),
    ] = None,
    features: Annotated[
        Path | None,
        typer.Option(
            help="A list of counts by building: shops, hydrants, people living alone. Without one "
            "the counts of the tasks that are kept."
        ),
    ] = None,
    worker: Annotated[str, typer.Option(help="Only this worker's page, by number.")] = "",
    sheet: Sheet = None,
    on: Day = None,
    keep_from: KeepFrom = None,
    by: By = "",
    lang: Language = "zh",
) -> None:
    """Write the ten duties and the tasks of each worker's grids, from what is in them."""
    plans, plan = open_plan(store, name, lang)
    day, words = pick_day(on), cast(Any, lang)
    kept = plans.staff(name, day)
    counts = gridmap.read_features(features, plan.city, sheet=sheet) if features else None
    listed = gridmap.list_tasks(
        plan, features=counts, kept=kept.get("tasks"), stations=kept.get("stations"), lang=words
    )
    pages: dict[str, Any] = {"tables": kept, "worker": worker, "on": day, "lang": words}
    if out is None:
        typer.echo(gridmap.tell_tasks(plan, listed, **pages))
    else:
        with audited(store, by, "export", name, file=out.name, staff=True):
            gridmap.write_tasks(plan, listed, out, **pages)
        mine = listed
        if worker:
            given = gridmap.assign_tasks(plan, listed, tables=kept, on=day)
            mine = given[given["worker_id"] == worker]
        typer.echo(f"{len(mine)} tasks in {mine['grid_code'].nunique()} grids: {out}")
    keep_staff(plans, name, {"tasks": listed}, keep_from, by)


@app.command("visits")
def measure_visits(
    store: StorePath,
    name: PlanName,
    starts: From,
    ends: To,
    visits: Annotated[
        Path | None,
        typer.Argument(help="A log of counts: CSV or workbook; without one what is kept."),
    ] = None,
    roster_path: RosterPath = None,
    map_path: MapPath = None,
    on: Day = None,
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: By = "",
    lang: Language = "zh",
) -> None:
    """Say which grids fall behind in a round of visits, the worst first."""
    plans, plan = open_plan(store, name, lang)
    day, words = pick_day(on), cast(Any, lang)
    kept = plans.staff(name, day)
    log = _find_log(plan, kept, visits, sheet, name)
    table = gridmap.measure_visits(
        plan, log, starts=starts.date(), ends=ends.date(), today=day, lang=words
    )
    late = gridmap.list_behind(plan, table, tables=kept, on=day)
    _tell_visits(table, late)
    if roster_path:
        with audited(store, by, "export", name, file=roster_path.name, staff=True):
            gridmap.write_visits(plan, table, roster_path, tables=kept, on=day, lang=words)
    if map_path:
        page = gridmap.map_visits(plan, table, tables=kept, on=day, lang=words)
        save_map(plans, name, page, map_path, by)
    keep_staff(plans, name, {"visits": log}, keep_from, by)
    raise typer.Exit(0 if late.empty and (table["problem"] == "").all() else 1)


def _find_log(
    plan: gridmap.Plan, kept: dict[str, Any], path: Path | None, sheet: str | None, name: str
) -> Any:
    """Return the log that is kept, with the rows of a list at its end."""
    if path is None:
        if "visits" not in kept:
            raise StaffError(f"no visits kept with plan {name!r}: give a list of them")
        return kept["visits"]
    new = gridmap.read_visits(path, plan, sheet=sheet)
    return gridmap.extend_visits(kept["visits"], new) if "visits" in kept else new


def _tell_visits(table: Any, late: Any) -> None:
    """Print who is behind, what can't be, and the sums."""
    for grid in late.itertuples():
        who = f" {grid.worker}" if grid.worker else ""
        typer.echo(
            f"{grid.Index} {grid.grid}{who}: {grid.coverage:.0f} %, {grid.short} households behind"
        )
    for grid in table[table["problem"] != ""].itertuples():
        typer.echo(f"{grid.Index}: {grid.problem}")
    homes, visited = table["households"].sum(), table[["visited", "households"]].min(axis=1).sum()
    typer.echo(
        f"{visited:,} of {homes:,} households visited in {table['visits'].sum():,} calls; "
        f"the pace asks for {table['expected'].max():.0f} %"
    )
    typer.echo(f"{len(late)} of {len(table)} grids are behind")
