"""Figures have the glyphs, the legend of what is on them, and the mark."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest
from matplotlib import rcParams
from pypdf import PdfReader

import gridmap
from gridmap.errors import GridmapError
from gridmap.maps.figures import PlanFigure, figure_balance, figure_plan
from gridmap.plan import Plan


def words_of(figure: PlanFigure) -> list[str]:
    """Return every text of a figure that says something."""
    texts = figure.findobj(lambda part: hasattr(part, "get_text"))
    return [text.get_text() for text in texts if text.get_text()]


def test_nothing_is_missing(four_by_two: Plan, tmp_path: Path) -> None:
    """A warning about a glyph would fail here; rare characters get the printers' mark."""
    city = four_by_two.city
    names = ["\U0002a6d6雨社区", "东新社区"]
    plan = replace(four_by_two, city=replace(city, communities=city.communities.assign(name=names)))
    figure_plan(plan).save(tmp_path / "plan.png")
    figure_balance(plan).save(tmp_path / "balance.png")
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    assert "〓雨社区" in words_of(figure_plan(plan))


def test_no_font_of_the_system_is_needed(four_by_two: Plan) -> None:
    """Every text is set in the font that is carried along, ticks too."""
    for figure in (figure_plan(four_by_two), figure_balance(four_by_two)):
        figure.canvas.draw()
        texts = figure.findobj(lambda part: hasattr(part, "get_fontfamily"))
        used = {name for text in texts if text.get_text() for name in text.get_fontfamily()}
        assert used == {"gridmap-sans"}
    assert rcParams["font.family"] != ["gridmap-sans"]


def test_marks(four_by_two: Plan) -> None:
    """Internal use unless there is an approval number; title, north and legend in the language."""
    words = words_of(figure_plan(four_by_two))
    assert {"内部使用（未经地图审核）", "北", "±20% 以内", "四乘二", "小雨社区"} <= set(words)
    words = words_of(figure_plan(four_by_two, lang="en", approval="辽S(2026)01号", title="Draft"))
    assert {"Map approval no. 辽S(2026)01号", "N", "Draft", "within ±20%"} <= set(words)
    with pytest.raises(GridmapError, match="'rainbow'; choose deviation"):
        figure_plan(four_by_two, color="rainbow")


def test_changes_are_drawn(four_by_two: Plan) -> None:
    """Areas that change grid have their row in the legend."""
    unit = four_by_two.units.iloc[[0]]
    changes = gpd.GeoDataFrame(
        {"old": ["a"], "new": ["b"], "households": [60]},
        geometry=unit.geometry.values,
        crs=unit.crs,
    )
    assert "变更区域" in words_of(figure_plan(four_by_two, changes=changes))
    assert "变更区域" not in words_of(figure_plan(four_by_two))


def test_balance_counts(four_by_two: Plan) -> None:
    """All four grids are drawn, with band and worst deviation."""
    figure = figure_balance(four_by_two)
    bars = [patch.get_height() for patch in figure.axes[0].patches[:-1]]
    assert sum(bars) == 4
    words = " ".join(words_of(figure))
    assert "允许范围 120–180" in words
    assert "100.0% 达标 (±20%)" in words
    assert "最大偏差 20%" in words


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_same_bytes(four_by_two: Plan, tmp_path: Path, suffix: str) -> None:
    """The same plan is the same file."""
    for name in ("one", "two"):
        figure_plan(four_by_two).save(tmp_path / f"{name}{suffix}")
    one, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
    assert one == two


def test_text_of_a_pdf_figure_is_text(four_by_two: Plan, tmp_path: Path) -> None:
    """Title, legend and mark can be searched for in a figure of a report."""
    figure_plan(four_by_two, title="小雨社区调整").save(tmp_path / "plan.pdf")
    assert "小雨社区调整" in PdfReader(tmp_path / "plan.pdf").pages[0].extract_text()


def test_a_notebook_shows_it(four_by_two: Plan) -> None:
    """Without pyplot, as a picture."""
    assert gridmap.figure_balance(four_by_two)._repr_png_().startswith(b"\x89PNG")


def test_gridmap_is_imported_without_what_prints() -> None:
    """Drawing and printing libraries come when they are asked for."""
    code = (
        "import sys, gridmap; "
        "assert not {'matplotlib', 'reportlab', 'segno'} & set(sys.modules); "
        "gridmap.make_atlas, gridmap.figure_plan"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="figure_nothing"):
        _ = gridmap.figure_nothing
