"""Compile every kernel before somebody waits for it."""

from gridmap.batches import make_batches
from gridmap.cutting.coverage import chain_edges, read_polygons, thin_lines
from gridmap.locate import make_locator
from gridmap.plan import draw_plan
from gridmap.synthetic import make_city
from gridmap.tiles import make_tiles
from gridmap.tiles.levels import FIRST, LAST


def warm_up() -> None:
    """Compile the kernels of the cut, the engine, the locator, the tiles and the editor.

    It is done on a small town.

    The first time this takes a minute or so; what is compiled is kept beside the package, and the
    next process loads it in about a second. Call it at installation, before the first user comes.
    """
    plan = draw_plan(make_city(3), steps=10)
    west, south, _, _ = plan.grids.to_crs("EPSG:4326").total_bounds
    locator = make_locator(plan)
    locator.locate(west, south)
    locator.locate_many([west], [south])
    locator.owners([west], [south])
    make_batches(locator)
    coverage = read_polygons(plan.units.geometry.to_numpy())
    arcs = chain_edges(coverage)
    thin_lines(coverage.points[arcs.nodes], arcs.heads, 1.0)
    tiles = make_tiles(plan)
    for zoom in (FIRST, LAST):
        list(tiles.tiles(zoom))
