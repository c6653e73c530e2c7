"""What an office prints of who serves the grids: rosters."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

import gridmap
from gridmap.cli.options import By, Day, Language, PlanName, StorePath, audited, pick_day

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
    plans, day = gridmap.PlanStore(store), pick_day(on)
    plan, tables = plans.load(name), plans.staff(name, day)
    with audited(store, by, "export", name, file=out.name, staff=True):
        gridmap.write_staff_roster(
            plan, tables, out, parts=parts or None, on=day, lang=cast(Any, lang)
        )
    typer.echo(f"roster of {name} on {day}: {out}")
