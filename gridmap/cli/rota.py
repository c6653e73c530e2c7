"""Who follows whom, who stands in, where stations are and who walks where."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, cast

import typer

import gridmap
from gridmap.cli.options import (
    By,
    Current,
    Datum,
    Day,
    From,
    KeepFrom,
    Language,
    ListPath,
    MapPath,
    PlanName,
    Sheet,
    StorePath,
    To,
    WorkerList,
    audited,
    keep_staff,
    open_plan,
    pick_day,
    save_map,
)
from gridmap.days import CHINA
from gridmap.errors import StaffError

app = typer.Typer()


@app.command()
def rotate(
    store: StorePath,
    name: PlanName,
    out: Annotated[Path, typer.Argument(help="The calendar to write: .xlsx or .csv.")],
    starts: From,
    days: Annotated[int, typer.Option(help="How many days are planned.")] = 365,
    workers: WorkerList = None,
    current: Current = None,
    kept: Annotated[
        Path | None, typer.Option(help="CSV of a calendar made before: little is changed.")
    ] = None,
    holidays: Annotated[
        list[datetime] | None,
        typer.Option(
            "--holiday",
            formats=["%Y-%m-%d"],
            help="A day off beside Saturdays and Sundays; repeatable.",
        ),
    ] = None,
    datum: Datum = "wgs84",
    keep_from: KeepFrom = None,
    by: By = "",
    lang: Language = "zh",
) -> None:
    """Plan who follows whom over a year, and list the days on which a grid has nobody."""
    plans, plan = open_plan(store, name, lang)
    start = starts.date()
    people, staffing = _find_staff(plans, name, plan, starts, workers, current, datum)
    before = gridmap.read_staffing(kept) if kept else None
    calendar = gridmap.plan_rotation(
        *(plan, staffing, people),
        start=start,
        days=days,
        kept=before,
        holidays=[day.date() for day in holidays or []],
        lang=cast(Any, lang),
    )
    last = start + timedelta(days=days - 1)
    with audited(store, by, "export", name, file=out.name, staff=True):
        gridmap.write_rotation(
            plan, calendar, people, out, start=start, last=last, lang=cast(Any, lang)
        )
    gaps = gridmap.find_gaps(plan, calendar, start, last)
    _tell_gaps(gaps)
    empty, status = gaps["grid_code"].nunique(), calendar.attrs["proof"]["status"]
    typer.echo(
        f"{gaps['days'].sum()} days without a worker in {empty} of {len(plan.grids)} grids "
        f"({status}); calendar: {out}"
    )
    keep_staff(plans, name, {"workers": people, "staffing": calendar}, keep_from, by)
    raise typer.Exit(0 if gaps.empty else 1)


@app.command()
def replace(
    store: StorePath,
    name: PlanName,
    worker: Annotated[str, typer.Argument(help="Number of the worker who is away: S0012.")],
    out: Annotated[Path, typer.Argument(help="The staffing to write, .csv.")],
    starts: From,
    ends: To,
    workers: WorkerList = None,
    current: Current = None,
    datum: Datum = "wgs84",
    keep_from: KeepFrom = None,
    by: By = "",
    lang: Language = "zh",
) -> None:
    """Name who stands in while a worker is away; nobody else is moved."""
    plans, plan = open_plan(store, name, lang)
    day = starts.date()
    people, staffing = _find_staff(plans, name, plan, starts, workers, current, datum)
    after = gridmap.replace_worker(
        plan, staffing, people, worker, day, ends.date(), lang=cast(Any, lang)
    )
    with audited(store, by, "export", name, file=out.name, staff=True):
        gridmap.write_staffing(after, out)
    new = _list_new(after, staffing, starts, ends)
    for row in new.to_dict("records"):
        typer.echo(f"{row['grid_code']}: {row['worker_id'] or '—'}: {row['reason']}")
    open_ = int((new["worker_id"] == "").sum())
    typer.echo(f"{len(new)} duties of {worker}, {open_} without anybody; staffing: {out}")
    keep_staff(plans, name, {"workers": people, "staffing": after}, keep_from, by)
    raise typer.Exit(1 if open_ else 0)


@app.command()
def stations(
    store: StorePath,
    name: PlanName,
    candidates: ListPath,
    out: Annotated[Path, typer.Argument(help="The stations to write: .xlsx or .gpkg.")],
    minutes: Annotated[float, typer.Option(help="On foot.")] = 15.0,
    number: Annotated[
        int | None, typer.Option(help="New stations; by default as few as reach all.")
    ] = None,
    aim: Annotated[str, typer.Option(help="cover or walk (the least walk, with --number).")] = (
        "cover"
    ),
    existing: Annotated[
        Path | None, typer.Option(help="A list of stations that stay; those kept by default.")
    ] = None,
    map_path: MapPath = None,
    on: Day = None,
    datum: Datum = "wgs84",
    sheet: Sheet = None,
    keep_from: KeepFrom = None,
    by: By = "",
    lang: Language = "zh",
) -> None:
    """Choose places for stations on foot from the homes, and list the homes out of reach."""
    plans, plan = open_plan(store, name, lang)
    places = gridmap.read_stations(candidates, plan, datum=datum, sheet=sheet)
    old = plans.staff(name, pick_day(on)).get("stations")
    if existing is not None:
        old = gridmap.read_stations(existing, plan, datum=datum)
    if old is not None:  # a place where a station is can't get another
        places = places[~places.index.isin(old.index)]
    siting = gridmap.site_stations(
        plan, places, minutes=minutes, number=number, aim=cast(Any, aim), existing=old
    )
    with audited(store, by, "export", name, file=out.name, staff=False):
        gridmap.write_stations(siting, out, lang=cast(Any, lang))
    if map_path:
        page = gridmap.map_stations(plan, siting, lang=cast(Any, lang))
        save_map(plans, name, page, map_path, by, staff=False)
    _tell_stations(siting, out)
    typer.echo(siting.to_text())
    keep_staff(plans, name, {"stations": siting.stations}, keep_from, by)
    raise typer.Exit(0 if siting.uncovered.empty else 1)


@app.command()
def rounds(
    store: StorePath,
    name: PlanName,
    stops: ListPath,
    out: Annotated[Path, typer.Argument(help="The rounds to print, .xlsx.")],
    worker: Annotated[str, typer.Option(help="Only this worker's rounds.")] = "",
    minutes: Annotated[float, typer.Option(help="For walking and staying, in a day.")] = 180.0,
    workers: WorkerList = None,
    current: Current = None,
    map_path: MapPath = None,
    on: Day = None,
    datum: Datum = "wgs84",
    sheet: Sheet = None,
    by: By = "",
    lang: Language = "zh",
) -> None:
    """Order what each worker looks at along the streets, day by day, to print."""
    plans, plan = open_plan(store, name, lang)
    moment = on or datetime.now(CHINA)
    places = gridmap.read_stops(stops, plan, datum=datum, sheet=sheet)
    people, staffing = _find_staff(plans, name, plan, moment, workers, current, datum)
    legs = gridmap.plan_patrols(
        *(plan, places, staffing, people),
        day_minutes=minutes,
        on=moment.date(),
        lang=cast(Any, lang),
    )
    if worker:
        legs = _pick_worker(legs, worker)
    with audited(store, by, "export", name, file=out.name, staff=True):
        gridmap.write_patrols(legs, people, out, lang=cast(Any, lang))
    if map_path:
        page = gridmap.map_patrols(plan, legs, lang=cast(Any, lang))
        save_map(plans, name, page, map_path, by)
    left = legs[legs["day"] == 0]
    for stop in left.to_dict("records"):
        typer.echo(f"{stop['stop_id']} {stop['name']}: {stop['note']}")
    typer.echo(f"{_sum_rounds(legs)}; {len(left)} stops in none; rounds: {out}")
    raise typer.Exit(0 if left.empty else 1)


#: Buildings out of reach that are told; the file has all.
_SHOWN = 20


def _list_new(after: Any, before: Any, starts: datetime, ends: datetime) -> Any:
    """List the duties taken over on these days that nobody had taken over before."""
    new = after[after["binding"].isin(["replacement", "absence"])]
    new = new[(new["starts"] >= starts) & (new["ends"] <= ends)]
    row = ["grid_code", "worker_id", "starts", "ends", "reason"]
    known = set(before[row].itertuples(index=False, name=None))
    return new[[one not in known for one in new[row].itertuples(index=False, name=None)]]


def _tell_gaps(gaps: Any) -> None:
    """Print the days on which a grid has nobody."""
    for gap in gaps.itertuples():
        typer.echo(
            f"{gap.grid_code} {gap.starts.date()} to {gap.ends.date()}: "
            f"{gap.households} households have nobody for {gap.days} days"
        )


def _tell_stations(siting: gridmap.Siting, out: Path) -> None:
    """Print the stations, and the homes that reach none."""
    for key, place in siting.stations.iterrows():
        kind = "existing" if place["existing"] else "new"
        typer.echo(f"{key} {place['name']}: {kind}, {place['households']} households")
    for key, home in siting.uncovered.head(_SHOWN).iterrows():
        typer.echo(f"out of reach: {key}, {home['households']} households")
    if (more := len(siting.uncovered) - _SHOWN) > 0:
        typer.echo(f"… and {more} more buildings, all of them in {out}")


def _sum_rounds(legs: Any) -> str:
    """Add up what is walked."""
    walked = legs[legs["day"] > 0]
    days = len(walked[["worker_id", "day"]].drop_duplicates())
    seen = int((walked["stop_id"] != "").sum())
    return (
        f"{seen} stops in {days} days of {walked['worker_id'].nunique()} workers, "
        f"{walked['walk'].sum() / 1000:.1f} km on foot"
    )


def _pick_worker(legs: Any, worker: str) -> Any:
    """Return one worker's rounds; each worker's are planned by themselves."""
    mine = legs[legs["worker_id"] == worker]
    if mine.empty:
        raise StaffError(f"no stop is worker {worker}'s: give the number of one who serves a grid")
    return mine


def _find_staff(
    plans: gridmap.PlanStore,
    name: str,
    plan: gridmap.Plan,
    moment: datetime,
    workers: Path | None,
    current: Path | None,
    datum: str,
) -> tuple[Any, Any]:
    """Return workers and staffing: from files, or those kept with the plan on the day."""
    kept = plans.staff(name, moment.date())
    people = gridmap.read_workers(workers, plan, datum=datum) if workers else kept.get("workers")
    staffing = gridmap.read_staffing(current) if current else kept.get("staffing")
    for table, option, word in (
        (people, "--workers", "workers"),
        (staffing, "--current", "staffing"),
    ):
        if table is None:
            raise StaffError(
                f"no {word} kept with plan {name!r} on {moment.date()}: give {option}, or keep "
                "them by `gridmap staff … --keep-from`"
            )
    return people, staffing
