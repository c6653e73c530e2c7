"""Plans for people and programs: maps, the atlas, exports."""

from pathlib import Path
from typing import Annotated

import typer

import gridmap
from gridmap.cli.options import Approval, Attribution, By, Language, PlanName, StorePath, audited
from gridmap.errors import GridmapError

app = typer.Typer()


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
    by: By = "",
) -> None:
    """Write a kept plan as a map page that needs no internet, or as a figure for a report."""
    plan = gridmap.PlanStore(store).load(name)
    columns = gridmap.read_roster(table) if table else None
    with audited(store, by, "export", name, file=out.name, staff=columns is not None):
        if out.suffix.lower() in (".png", ".svg", ".pdf"):
            figure = gridmap.figure_plan(
                plan, color=color, table=columns, lang=lang, approval=approval
            )
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
    by: By = "",
) -> None:
    """Print a kept plan as a PDF: a page a grid, a sheet a community, an overview."""
    plan = gridmap.PlanStore(store).load(name)
    with audited(store, by, "export", name, file=out.name, staff=staff is not None):
        gridmap.make_atlas(
            plan,
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
    by: By = "",
) -> None:
    """Write a kept plan for QGIS and other programs, or its grids as a list for Excel."""
    plan = gridmap.PlanStore(store).load(name)
    if table and (public or layer):
        raise GridmapError("--table goes into a list of grids for internal use; leave the rest out")
    lang = lang or ("zh" if out.suffix.lower() in (".xlsx", ".csv") else "en")
    with audited(store, by, "export", name, file=out.name, public=public, layer=layer or ""):
        if table:
            gridmap.write_roster(plan, out, table=gridmap.read_roster(table), lang=lang)
        elif public:
            gridmap.export_public(plan, out, lang=lang, encoding=encoding)
        else:
            gridmap.export_plan(plan, out, layer=layer, lang=lang, encoding=encoding)
    typer.echo(f"{'public' if public else 'internal'} export: {out}")


@app.command()
def tiles(
    store: StorePath,
    name: PlanName,
    out: Annotated[Path, typer.Argument(help="The archive, .pmtiles.")],
    internal: Annotated[
        bool, typer.Option("--internal", help="With small counts too: not for the public.")
    ] = False,
    attribution: Attribution = "",
) -> None:
    """Write the vector tiles of a kept plan into one PMTiles archive, for a plain file server."""
    plan = gridmap.PlanStore(store).load(name)
    made = gridmap.make_tiles(plan, min_cell=0 if internal else None)
    count = gridmap.export_tiles(made, out, attribution=attribution)
    typer.echo(f"{'internal' if internal else 'public'} tiles: {count} in {out}")
