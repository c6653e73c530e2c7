"""The command line: each command is a verb of the library.

Exit codes, the same for every command: 0 done and nothing to object to; 1 done, with repairs or
objections that the report names; 2 refused: nothing was written, and the error says why.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import gridmap
from gridmap.crs import to_degrees
from gridmap.errors import GridmapError

app = typer.Typer(
    help="Draw grids for community governance, publish them, find the grid that owns a place.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

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
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day; today by default.")
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
KeptBy = Annotated[str, typer.Option("--by", help="Who keeps it, for the record.")]
JsonPath = Annotated[
    Path | None, typer.Option("--json", help="Also write the report to this file, as JSON.")
]


@app.command()
def demo(
    city: CityPath = Path("data/monaco.gpkg"),
    columns: Columns = Path("data/monaco.columns.toml"),
    store: Annotated[Path, typer.Option(help="Folder for the plan.")] = Path("demo"),
) -> None:
    """Read a city, draw its grids, publish them from today and locate one building.

    The plan goes into a folder that `python -m api FOLDER` serves. Run twice, the second run
    keeps what is there.
    """
    plans = gridmap.PlanStore(store)
    if "demo" not in plans.plans().index:
        draw(city, store, "demo", columns=columns)
    if plans.publications().empty:
        publish(store, "demo", by="gridmap demo", why="first plan")
    plan = plans.in_force(date.today())
    lon, lat = _find_largest(plan)
    typer.echo(f"who owns {lon:.6f}, {lat:.6f}, the building with most households?")
    typer.echo(gridmap.describe_owner(plan, gridmap.make_locator(plan).locate(lon, lat)))


@app.command("check-city")
def check_city(
    city: CityPath,
    columns: Columns = None,
    datums: Datums = None,
    dwelling_area: Dwelling = None,
    json_path: JsonPath = None,
) -> None:
    """Say everything that is wrong with a city's files: what was repaired, what is refused."""
    report = gridmap.check_city(
        city, columns=columns, datum=_name_datums(datums), estimate=_estimate(dwelling_area)
    )
    _print_report(report, json_path)
    raise typer.Exit({"clean": 0, "repaired": 1, "refused": 2}[report.status])


@app.command()
def draw(
    city: CityPath,
    store: StorePath,
    name: Annotated[str, typer.Argument(help="Name to keep the plan under.")],
    columns: Columns = None,
    datums: Datums = None,
    dwelling_area: Dwelling = None,
    rules_path: RulesPath = None,
    seed: Annotated[int, typer.Option(help="Same seed, same plan.")] = 0,
    divide: Annotated[
        int | None,
        typer.Option(help="Divide the town along its main roads into communities of this size."),
    ] = None,
    redraw: Annotated[
        bool,
        typer.Option(
            help="Start from the files' existing grids; move as few households as can be."
        ),
    ] = False,
    map_path: Annotated[
        Path | None, typer.Option("--map", help="Also write a map page that needs no internet.")
    ] = None,
) -> None:
    """Draw the grids of a city and keep the plan."""
    rules = gridmap.read_rules(rules_path) if rules_path else gridmap.Rules()
    town = gridmap.read_city(
        city, columns=columns, datum=_name_datums(datums), estimate=_estimate(dwelling_area)
    )
    if divide:
        town = gridmap.divide_communities(town, households=divide)
    typer.echo(town.report.to_text())
    verb = gridmap.redraw_plan if redraw else gridmap.draw_plan
    with _progress() as progress:
        plan = verb(town, rules, seed=seed, progress=progress)
    fingerprint = gridmap.PlanStore(store).keep(plan, name)
    typer.echo(gridmap.check_plan(plan).to_text())
    typer.echo(f"kept as {name} in {store} (sha256 {fingerprint[:12]}…)")
    if map_path:
        gridmap.map_plan(plan).save(map_path)
        typer.echo(f"map: {map_path}")


@app.command()
def check(
    store: StorePath,
    name: PlanName,
    rules_path: RulesPath = None,
    json_path: JsonPath = None,
    fixes: Annotated[
        bool, typer.Option("--fixes", help="Also say what mends each finding in one step.")
    ] = False,
    mended: Annotated[
        str | None,
        typer.Option("--mend-as", help="Apply every fix, and keep the plan under this name."),
    ] = None,
    log: Annotated[
        bool, typer.Option("--history", help="Also list who changed the plan by hand.")
    ] = False,
    certify: Annotated[
        bool, typer.Option("--certify", help="Also prove how far the balance is from the best.")
    ] = False,
) -> None:
    """List what a reviewer would object to in a kept plan, worst first."""
    plans = gridmap.PlanStore(store)
    plan = plans.load(name)
    if rules_path:
        plan = replace(plan, rules=gridmap.read_rules(rules_path))
    if mended:
        plan = gridmap.fix_plan(plan)
        plans.keep(plan, mended)
        typer.echo(f"kept as {mended} in {store}")
    report = gridmap.check_plan(plan, certify=certify)
    _print_report(gridmap.find_fixes(plan, report) if fixes else report, json_path)
    if log:
        typer.echo(gridmap.history(plan).to_string())
    if report.count("forbidden"):
        raise typer.Exit(2)
    raise typer.Exit(1 if report.count("objection") else 0)


@app.command()
def publish(
    store: StorePath,
    name: PlanName,
    valid_from: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day; today by default."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who publishes it.")] = "",
    why: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """Put a kept plan in force from a date on, in one step."""
    day = _day(valid_from)
    gridmap.PlanStore(store).publish(name, day, by=by, why=why)
    typer.echo(f"{name} is in force from {day}")


@app.command()
def locate(
    store: StorePath,
    lon: Annotated[float | None, typer.Argument(help="Longitude, degrees.")] = None,
    lat: Annotated[float | None, typer.Argument(help="Latitude, degrees.")] = None,
    datum: Annotated[str, typer.Option(help="wgs84, cgcs2000, gcj02 or bd09.")] = "wgs84",
    at: Day = None,
    points: Annotated[
        Path | None, typer.Option(help="A CSV of points instead; its columns are kept.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write the points' grids to.")] = None,
) -> None:
    """Find the grid that owns a place, or those of a whole table of incidents."""
    plan = gridmap.PlanStore(store).in_force(_day(at))
    locator = gridmap.make_locator(plan)
    if points and out:
        located = gridmap.locate_points(locator, gridmap.read_points(points), datum=datum)
        gridmap.write_points(located, out)
        typer.echo(gridmap.summarize_points(located))
    elif lon is not None and lat is not None:
        typer.echo(gridmap.describe_owner(plan, locator.locate(lon, lat, datum=datum)))
    else:
        raise GridmapError("nothing to locate: give LON LAT, or --points FILE and --out FILE")


@app.command("map")
def map_(
    store: StorePath,
    name: PlanName,
    out: Annotated[Path, typer.Argument(help="The page, .html; or a figure, .png, .svg or .pdf.")],
    color: Annotated[
        str, typer.Option(help="deviation, households, community, buildings or a column of --table")
    ] = "deviation",
    table: Annotated[
        Path | None, typer.Option(help="CSV or Excel by grid code, shown as further layers.")
    ] = None,
    lang: Language = "zh",
    approval: Approval = "",
    attribution: Attribution = "",
) -> None:
    """Write a kept plan as a map page that needs no internet, or as a figure for a report."""
    plan = gridmap.PlanStore(store).load(name)
    columns = gridmap.read_roster(table) if table else None
    if out.suffix.lower() in (".png", ".svg", ".pdf"):
        figure = gridmap.figure_plan(plan, color=color, table=columns, lang=lang, approval=approval)
        figure.save(out)
    else:
        page = gridmap.map_plan(
            plan,
            color=color,
            table=columns,
            lang=lang,
            approval=approval,
            attribution=attribution,
        )
        page.save(out)
    typer.echo(f"map: {out}")


@app.command()
def atlas(
    store: StorePath,
    name: PlanName,
    out: Annotated[Path, typer.Argument(help="The PDF.")],
    paper: Annotated[str, typer.Option(help="A4 or A3, landscape.")] = "A4",
    staff: Annotated[
        Path | None, typer.Option(help="CSV or Excel by grid code: workers, phones, branches.")
    ] = None,
    base_url: Annotated[
        str, typer.Option(help="Address of the map service; each page gets a code to scan.")
    ] = "",
    lang: Language = "zh",
    approval: Approval = "",
    attribution: Attribution = "",
) -> None:
    """Print a kept plan as a PDF: a page a grid, a sheet a community, an overview."""
    gridmap.make_atlas(
        gridmap.PlanStore(store).load(name),
        out,
        paper=paper,
        lang=lang,
        approval=approval,
        attribution=attribution,
        base_url=base_url,
        staff=gridmap.read_roster(staff) if staff else None,
    )
    typer.echo(f"atlas: {out}")


@app.command()
def export(
    store: StorePath,
    name: PlanName,
    out: Annotated[
        Path,
        typer.Argument(
            help=".gpkg, .parquet, .fgb, .shp, .zip (Shapefile), .geojson; .xlsx or .csv: a roster."
        ),
    ],
    public: Annotated[
        bool, typer.Option("--public", help="Whole grids only, small counts hidden.")
    ] = False,
    layer: Annotated[
        str | None, typer.Option(help="grids, units, communities, buildings, streets or barriers.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Of a roster: CSV or Excel by grid code to put beside.")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="Names of columns: zh or en.")] = None,
    encoding: Annotated[str, typer.Option(help="Of a Shapefile: UTF-8 or GBK.")] = "UTF-8",
) -> None:
    """Write a kept plan for QGIS and other programs, or its grids as a list for Excel."""
    plan = gridmap.PlanStore(store).load(name)
    if table and (public or layer):
        raise GridmapError("--table goes into a list of grids for internal use; leave the rest out")
    lang = lang or ("zh" if out.suffix.lower() in (".xlsx", ".csv") else "en")
    if table:
        gridmap.write_roster(plan, out, table=gridmap.read_roster(table), lang=lang)
    elif public:
        gridmap.export_public(plan, out, lang=lang, encoding=encoding)
    else:
        gridmap.export_plan(plan, out, layer=layer, lang=lang, encoding=encoding)
    typer.echo(f"{'public' if public else 'internal'} export: {out}")


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
    language: Annotated[str, typer.Option(help="Of the roster: zh or en.")] = "zh",
) -> None:
    """Give each grid of a kept plan its worker and deputies, and write the roster."""
    if language not in ("zh", "en"):
        raise GridmapError(f"--language {language}: choose zh or en")
    plan, day = gridmap.PlanStore(store).load(name), _day(on)
    rules = gridmap.read_rules(rules_path) if rules_path else None
    people = gridmap.read_workers(workers, plan, datum=datum)
    held = gridmap.read_staffing(current) if current else None
    staffing = gridmap.assign_workers(
        plan, people, rules, current=held, on=day, language=cast(Any, language)
    )
    figures = gridmap.summarize_staffing(plan, staffing, people, on=day)
    gridmap.write_staff_roster(plan, staffing, people, roster, on=day, language=cast(Any, language))
    if table:
        gridmap.write_staffing(staffing, table)
    if map_path:
        gridmap.map_staffing(plan, staffing, people, on=day, language=cast(Any, language)).save(
            map_path
        )
    typer.echo(
        "{workers} workers for {grids} grids: {vacant} vacant, {doubled} workers with several, "
        "{free} free; {walk_km} km on foot together, largest load {most} households".format(
            **figures
        )
    )
    typer.echo(f"{figures['proof']['status']}; roster: {roster}")
    raise typer.Exit(1 if figures["vacant"] else 0)


@app.command("branches")
def form_branches(
    store: StorePath,
    name: PlanName,
    members: ListPath,
    rules_path: RulesPath = None,
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: KeptBy = "",
) -> None:
    """Form the party branches of a plan from a list of members per building (counts)."""
    plans, day = gridmap.PlanStore(store), _day(keep_from)
    plan, kept = plans.load(name), plans.staff(name, day)
    counts = gridmap.read_members(members, plan.city, sheet=sheet)
    known = {"workers", "staffing"} <= set(kept)
    leaders = gridmap.find_leaders(kept["staffing"], kept["workers"], day) if known else None
    current = gridmap.Branches.from_tables(kept) if "branches" in kept else None
    rules = gridmap.read_rules(rules_path) if rules_path else None
    branches = gridmap.form_branches(plan, counts, rules, leaders=leaders, current=current)
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
        plan, log, starts=starts.date(), ends=ends.date(), today=_day(on)
    )
    late = table[table["behind"]].sort_values("short", ascending=False, kind="stable")
    for grid in late.itertuples():
        typer.echo(f"{grid.Index}: {grid.coverage:.0f} %, {grid.short} households behind")
    typer.echo(f"{len(late)} of {len(table)} grids are behind")
    raise typer.Exit(0 if late.empty else 1)


def main() -> None:
    """Run a command; a refusal is one line on standard error and exit code 2."""
    try:
        app()
    except (GridmapError, OSError) as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False)
        sys.exit(2)


def _keep_staff(
    plans: gridmap.PlanStore,
    name: str,
    tables: dict[str, Any],
    keep_from: datetime | None,
    by: str,
) -> None:
    """Keep tables with a plan, if a day is given."""
    if keep_from is not None:
        plans.keep_staff(name, tables, keep_from.date(), by=by)
        typer.echo(f"kept with {name} from {keep_from.date()} on")


def _name_datums(words: list[str] | None) -> str | dict[str, str] | None:
    """Return one datum for all, or a datum by layer for words like buildings=gcj02."""
    pairs = [word.partition("=")[::2] for word in words or []]
    if len(pairs) == 1 and not pairs[0][1]:
        return pairs[0][0]
    if any(not datum for _, datum in pairs):
        raise GridmapError(f"--datum {' '.join(words or [])}: name one datum, or LAYER=DATUM each")
    return dict(pairs) or None


def _estimate(dwelling_area: float | None) -> gridmap.Estimate | None:
    return None if dwelling_area is None else gridmap.Estimate(dwelling_area=dwelling_area)


def _find_largest(plan: gridmap.Plan) -> tuple[float, float]:
    """Return longitude and latitude of the building with most households."""
    row = plan.city.buildings.nlargest(1, "households")
    point = to_degrees(row.set_geometry(row.representative_point())).geometry.iloc[0]
    return point.x, point.y


def _day(moment: datetime | None) -> date:
    return moment.date() if moment else date.today()


def _print_report(report: Any, json_path: Path | None) -> None:
    typer.echo(report.to_text())
    if json_path:
        text = json.dumps(report.to_dict(), ensure_ascii=False, indent=1)
        json_path.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
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
