"""From a city's files to plans in force: read, draw, check, publish, locate."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

import gridmap
from gridmap.cli.options import (
    CityPath,
    Columns,
    Datums,
    Day,
    Dwelling,
    JsonPath,
    Language,
    PlanName,
    RulesPath,
    StorePath,
    audited,
    name_datums,
    pick_day,
    print_report,
    read_estimate,
    show_progress,
)
from gridmap.crs import to_degrees
from gridmap.days import today_in_china
from gridmap.errors import GridmapError
from gridmap.search import parse_position

app = typer.Typer()


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
    plan = plans.in_force(today_in_china())
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
        city,
        columns=columns,
        datum=name_datums(datums),
        estimate=read_estimate(dwelling_area),
    )
    print_report(report, json_path)
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
    steps: Annotated[
        int | None,
        typer.Option(help="Effort of the search: moves for each unit at most."),
    ] = None,
    grids: Annotated[
        int | None, typer.Option(help="How many grids to make, whatever the households ask for.")
    ] = None,
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
        city,
        columns=columns,
        datum=name_datums(datums),
        estimate=read_estimate(dwelling_area),
    )
    if divide:
        town = gridmap.divide_communities(town, households=divide)
    typer.echo(town.report.to_text())
    verb = gridmap.redraw_plan if redraw else gridmap.draw_plan
    with show_progress() as progress:
        effort: dict[str, Any] = {} if steps is None else {"steps": steps}
        plan = verb(town, rules, seed=seed, grids=grids, progress=progress, **effort)
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
        bool, typer.Option(help="Also say what mends each finding in one step.")
    ] = True,
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
    report = gridmap.check_plan(plan, certify=certify, fixes=fixes)
    print_report(report, json_path)
    if log:
        typer.echo(gridmap.history(plan).to_string())
    if report.count("forbidden"):
        raise typer.Exit(2)
    raise typer.Exit(1 if report.count("objection") else 0)


@app.command()
def compare(
    store: StorePath,
    old: Annotated[str, typer.Argument(help="Name of the kept plan before.")],
    new: Annotated[str, typer.Argument(help="Name of the kept plan after.")],
    on: Day = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write all tables to this workbook (.xlsx).")
    ] = None,
    map_path: Annotated[
        Path | None, typer.Option("--map", help="Also write a map of the land that changes grid.")
    ] = None,
    lang: Language = "zh",
) -> None:
    """Say what changes between two kept plans: homes, grids, and the staff of the plan before."""
    plans, day = gridmap.PlanStore(store), pick_day(on)
    before, after = plans.load(old), plans.load(new)
    change = gridmap.compare_plans(before, after, staff=plans.staff(old, day), on=day)
    typer.echo(change.to_text())
    for table in (change.list_changed(), change.workers, change.branches):
        if len(table):
            typer.echo(table.to_string())
    if out:
        gridmap.write_comparison(change, out, lang=lang)
    if map_path:
        gridmap.map_changes(after, change).save(map_path)


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
    day = pick_day(valid_from)
    with audited(store, by, "publish", name, valid_from=day.isoformat(), why=why):
        gridmap.PlanStore(store).publish(name, day, by=by, why=why)
    typer.echo(f"{name} is in force from {day}")


@app.command()
def locate(
    store: StorePath,
    lon: Annotated[float | None, typer.Argument(help="Longitude, degrees.")] = None,
    lat: Annotated[float | None, typer.Argument(help="Latitude, degrees.")] = None,
    datum: Annotated[
        str | None, typer.Option(help="wgs84 (by default), cgcs2000, gcj02 or bd09.")
    ] = None,
    at: Day = None,
    points: Annotated[
        Path | None, typer.Option(help="A CSV of points instead; its columns are kept.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write the points' grids to.")] = None,
) -> None:
    """Find the grid that owns a place, or those of a whole table of incidents."""
    plans, day = gridmap.PlanStore(store), pick_day(at)
    locator = plans.locator(plans.name_in_force(day))
    if points and out:
        located = gridmap.locate_points(locator, gridmap.read_points(points), datum=datum)
        gridmap.write_points(located, out)
        typer.echo(gridmap.summarize_points(located))
    elif lon is not None and lat is not None:
        owner = locator.locate(lon, lat, datum=datum or "wgs84")
        typer.echo(gridmap.describe_owner(plans.in_force(day), owner))
    else:
        raise GridmapError("nothing to locate: give LON LAT, or --points FILE and --out FILE")


@app.command()
def search(
    store: StorePath,
    text: Annotated[str, typer.Argument(help="Code, name, address, pinyin or LON,LAT.")],
    at: Day = None,
    most: Annotated[int, typer.Option(help="How many answers at most.")] = 10,
) -> None:
    """Find a grid, community, compound, street or building by what a person types."""
    plans = gridmap.PlanStore(store)
    name = plans.name_in_force(pick_day(at))
    located = parse_position(text) is not None
    locator = gridmap.Locator(plans.load_grids(name)) if located else None
    found = gridmap.search(plans.search_index(name), text, locator=locator, most=most)
    typer.echo(gridmap.list_found(found))
    raise typer.Exit(0 if found else 1)


def _find_largest(plan: gridmap.Plan) -> tuple[float, float]:
    """Return longitude and latitude of the building with most households."""
    row = plan.city.buildings.nlargest(1, "households")
    point = to_degrees(row.set_geometry(row.representative_point())).geometry.iloc[0]
    return point.x, point.y
