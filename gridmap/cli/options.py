"""Arguments and options that several commands have, and what commands do alike."""

import getpass
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import gridmap
from gridmap.days import today_in_china
from gridmap.errors import GridmapError
from gridmap.words import check_language

CityPath = Annotated[
    Path, typer.Argument(help="A GeoPackage with layers, or a folder of GIS and CSV files.")
]
StorePath = Annotated[Path, typer.Argument(help="The folder that plans are kept in.")]
PlanName = Annotated[str, typer.Argument(help="Name of a kept plan.")]
Columns = Annotated[
    Path | None, typer.Option(help="TOML file: which layer and column is what (see data/README).")
]
Datums = Annotated[
    list[str] | None,
    typer.Option(
        "--datum", help="Datum of degrees: gcj02 for every layer, or buildings=gcj02; repeatable."
    ),
]
Dwelling = Annotated[
    float | None,
    typer.Option(
        "--estimate",
        help="Estimate missing households: m² of floor for each, for example 90. See docs/formats.",
    ),
]
RulesPath = Annotated[Path | None, typer.Option("--rules", help="TOML file of settings.")]
Day = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day; today in China by default.")
]
Language = Annotated[str, typer.Option(help="zh or en.")]
Approval = Annotated[
    str, typer.Option(help="The map's approval number (审图号); without one: internal use.")
]
Attribution = Annotated[str, typer.Option(help="Whom the data is from, printed on the map.")]
ListPath = Annotated[Path, typer.Argument(help="A CSV file or a workbook.")]
Sheet = Annotated[str | None, typer.Option(help="Sheet of the workbook; found by default.")]
KeepFrom = Annotated[
    datetime | None,
    typer.Option(
        "--keep-from", formats=["%Y-%m-%d"], help="Keep it with the plan, from this day on."
    ),
]
By = Annotated[str, typer.Option(help="Who does it, for the audit log; your login by default.")]
KeptBy = Annotated[
    str, typer.Option("--by", help="Who keeps it, for the record; your login by default.")
]
RosterPath = Annotated[
    Path | None, typer.Option("--roster", help="Also write the roster to print: .xlsx or .gpkg.")
]
Datum = Annotated[str, typer.Option(help="Of degrees in lists: wgs84, cgcs2000, gcj02 or bd09.")]
MapPath = Annotated[
    Path | None, typer.Option("--map", help="Also write a map page that needs no internet.")
]
WorkerList = Annotated[
    Path | None, typer.Option("--workers", help="A list of workers; those kept by default.")
]
Current = Annotated[
    Path | None, typer.Option("--current", help="CSV of the staffing; that kept by default.")
]
From = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")]
To = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")]
Where = Annotated[
    str | None,
    typer.Option(
        "--book",
        envvar="GRIDMAP_CASES",
        help="Another file, or postgresql://…; STORE/cases.sqlite by default.",
    ),
]
JsonPath = Annotated[
    Path | None, typer.Option("--json", help="Also write the report to this file, as JSON.")
]


def name_datums(words: list[str] | None) -> str | dict[str, str] | None:
    """Return one datum for all, or a datum by layer for words like buildings=gcj02."""
    pairs = [word.partition("=")[::2] for word in words or []]
    if len(pairs) == 1 and not pairs[0][1]:
        return pairs[0][0]
    if any(not datum for _, datum in pairs):
        raise GridmapError(f"--datum {' '.join(words or [])}: name one datum, or LAYER=DATUM each")
    return dict(pairs) or None


def read_estimate(dwelling_area: float | None) -> gridmap.Estimate | None:
    """Return how missing households are estimated, if they are."""
    return None if dwelling_area is None else gridmap.Estimate(dwelling_area=dwelling_area)


def open_plan(store: Path, name: str, lang: str) -> tuple[gridmap.PlanStore, gridmap.Plan]:
    """Open a store and a plan of it; refuse a language that nothing is written in before.

    A plan without a name of its own is called as it is kept: lists and maps say of which plan they
    are.
    """
    check_language(lang)
    plans = gridmap.PlanStore(store)
    plan = plans.load(name)
    return plans, replace(plan, name=plan.name or name)


def pick_day(moment: datetime | None) -> date:
    """Return the day that was given, today in China by default."""
    return moment.date() if moment else today_in_china()


def name_user(by: str) -> str:
    """Return who runs a command: the name that is given, or the login."""
    try:
        return by.strip() or getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return f"user {os.getuid()}"


@contextmanager
def audited(store: Path, by: str, action: str, subject: str = "", **facts: Any) -> Iterator[str]:
    """Record what the block does in the store's audit log; give the name of who does it."""
    who = name_user(by)
    with gridmap.AuditLog(store).watch(who, action, subject, facts=facts):
        yield who


def keep_staff(
    plans: gridmap.PlanStore,
    name: str,
    tables: dict[str, Any],
    keep_from: datetime | None,
    by: str,
) -> None:
    """Keep tables with a plan, if a day is given."""
    if keep_from is not None:
        day, kept = keep_from.date(), sorted(tables)
        facts = {"valid_from": day.isoformat(), "tables": kept}
        with audited(plans.folder, by, "keep staff", name, **facts) as who:
            plans.keep_staff(name, tables, day, by=who)
        typer.echo(f"kept with {name} from {day} on")


def write_part(
    plans: gridmap.PlanStore,
    name: str,
    plan: gridmap.Plan,
    tables: Mapping[str, Any],
    part: str,
    path: Path | None,
    *,
    on: date,
    by: str,
    lang: str,
) -> None:
    """Write one register, if a path is given."""
    if path is not None:
        with audited(plans.folder, by, "export", name, file=path.name, staff=True):
            gridmap.write_staff_roster(
                plan, tables, path, parts=[part], on=on, lang=cast(Any, lang)
            )
        typer.echo(f"roster: {path}")


def save_map(
    plans: gridmap.PlanStore, name: str, page: Any, path: Path, by: str, *, staff: bool = True
) -> None:
    """Write a map of a plan, of who serves it unless it is said, and record it."""
    with audited(plans.folder, by, "export", name, file=path.name, staff=staff):
        page.save(path)


def print_report(report: Any, json_path: Path | None) -> None:
    """Print a report, and write it as JSON where a path is given."""
    typer.echo(report.to_text())
    if json_path:
        text = json.dumps(report.to_dict(), ensure_ascii=False, indent=1)
        json_path.write_text(text + "\n", encoding="utf-8")


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each stage; nothing where the output is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield show
