"""The printed atlas: milliseconds and kilobytes a page, beside the same pages by matplotlib.

    python benchmarks/atlas.py                    a city of 200 grids
    python benchmarks/atlas.py --grids 2157       the size of the reference city (drawn first)
    python benchmarks/atlas.py --json FILE        also write [{bar, ours, peer, ratio, goal, met}]

The peer is what people write for an atlas: geopandas and matplotlib, each page clipped to its frame
with `GeoDataFrame.clip`, on 20 grids. Both run on one core; times are of the processor.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from report import Bar, make_bar, make_parser, report  # the script beside this one

import gridmap
from gridmap.maps.fonts import font_path

SAMPLE = 20
#: The reference city's grids, which its atlas has a page for.
PAGES = 2157


def print_ours(plan: gridmap.Plan, path: Path) -> tuple[float, float]:
    """Print the whole atlas; return milliseconds and kilobytes a page."""
    start = time.process_time()
    gridmap.make_atlas(plan, path, base_url="https://wangge.example.cn")
    seconds = time.process_time() - start
    return _a_page(seconds, path, _count_pages(plan))


def _count_pages(plan: gridmap.Plan) -> int:
    """Return the pages of grids and communities; overview and index are left out."""
    return len(plan.grids) + plan.grids["community_id"].nunique()


def print_peer(plan: gridmap.Plan, path: Path) -> tuple[float, float]:
    """Print some grids by geopandas and matplotlib; return milliseconds and kilobytes a page."""
    start = time.process_time()
    font = FontProperties(fname=str(font_path()))
    with PdfPages(path) as book:
        for code in plan.grids.index[:SAMPLE]:
            book.savefig(_plot_grid(plan, code, font))
    return _a_page(time.process_time() - start, path, SAMPLE)


def _plot_grid(plan: gridmap.Plan, code: str, font: FontProperties) -> Figure:
    grid = plan.grids.loc[[code]]
    west, south, east, north = grid.buffer(60).total_bounds
    frame = shapely.box(west, south, east, north)
    figure = Figure(figsize=(11.7, 8.3))
    axes = figure.add_axes((0.04, 0.06, 0.7, 0.84))

    def plot(layer: gpd.GeoDataFrame, **style: Any) -> gpd.GeoDataFrame:
        seen = layer.clip(frame)
        if len(seen):
            seen.plot(ax=axes, **style)
        return seen

    plot(plan.grids, color="#f1f0e9")
    plot(plan.city.streets, color="white", linewidth=5)
    houses = plot(plan.city.buildings, color="#d3d0c5")
    grids = plot(plan.grids.boundary.to_frame("geometry"), color="#77746b", linewidth=0.7)
    grid.boundary.plot(ax=axes, color="#c1281e", linewidth=2.2)
    for layer, names in ((houses, houses["name"]), (grids, plan.grids.loc[grids.index, "name"])):
        for point, name in zip(layer.representative_point(), names, strict=True):
            axes.text(point.x, point.y, name, fontproperties=font, fontsize=6, ha="center")
    axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[])
    figure.text(0.04, 0.94, grid["name"].iloc[0], fontproperties=font, fontsize=20)
    for row, (name, value) in enumerate(grid.drop(columns="geometry").iloc[0].items()):
        figure.text(0.77, 0.88 - 0.03 * row, f"{name}: {value}", fontproperties=font, fontsize=9)
    return figure


def _a_page(seconds: float, path: Path, pages: int) -> tuple[float, float]:
    return 1000 * seconds / pages, path.stat().st_size / pages / 1000


def list_bars(ours: tuple[float, float], peer: tuple[float, float]) -> list[Bar]:
    """Return the bars: time and size of a page, and the size of a whole atlas."""
    rows = [
        ("atlas, ms a page", ours[0], peer[0], 121.0),
        ("atlas, KB a page", ours[1], peer[1], None),
        (f"atlas of {PAGES} grids, MB", ours[1] * PAGES / 1000, peer[1] * PAGES / 1000, 25.0),
    ]
    return [
        make_bar(
            bar, mine, theirs, None if goal is None else f"< {goal:g}",
            None if goal is None else mine < goal,
        )
        for bar, mine, theirs, goal in rows
    ]  # fmt: skip


def main() -> None:
    """Draw a city, print it in both ways, say what it took."""
    parser = make_parser(__doc__)
    parser.add_argument("--grids", type=int, default=200)
    options = parser.parse_args()
    plan = gridmap.draw_plan(gridmap.make_city(options.grids))
    with tempfile.TemporaryDirectory() as folder:
        ours = print_ours(plan, Path(folder) / "ours.pdf")
        peer = print_peer(plan, Path(folder) / "peer.pdf")
    bars = list_bars(ours, peer)
    report(bars, options.json, peer="matplotlib")


if __name__ == "__main__":
    main()
