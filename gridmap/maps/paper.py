"""A sheet of paper: words that fit, small tables, codes to scan, and a frame that shows a map.

Lengths are points (1/72 inch) from the left and the bottom of the sheet; a map's are metres.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import segno
import shapely
from reportlab import rl_config
from reportlab.lib.colors import HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from gridmap.maps.fonts import FAMILY, font_path, printable

INK, FAINT, LINE, RED, LINK = "#1d1c19", "#5b5953", "#c9c7bf", "#9b1c14", "#0b57d0"
#: Width and height in landscape.
SIZES = {"A4": (841.89, 595.28), "A3": (1190.55, 841.89)}
#: Scales that a ruler is made for.
_SCALES = tuple(
    step * power
    for power in (100, 1000, 10_000, 100_000, 1_000_000)
    for step in (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5)
)
_POINTS_PER_METRE = 72 / 0.0254
#: Shapes are drawn to a fifth of a point, 0.07 mm, in whole numbers: half the bytes of decimals.
_STEP = 0.2
_WHITE = HexColor("#ffffff", hasAlpha=False)

Box = tuple[float, float, float, float]


@contextmanager
def open_canvas(path: Path, size: tuple[float, float], title: str) -> Iterator[Canvas]:
    """Give a PDF to draw and write it when the block ends.

    It has no date, so that the same pages are the same bytes.
    """
    if FAMILY not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(FAMILY, str(font_path())))
    canvas = Canvas(str(path), pagesize=size, invariant=1, pageCompression=1)
    canvas.setTitle(title)
    canvas.setCreator("gridmap")
    before, rl_config.useA85 = rl_config.useA85, 0  # text around bytes: a quarter more of them
    try:
        yield canvas
        canvas.save()
    finally:
        rl_config.useA85 = before


# --- words -------------------------------------------------------------------------------------


def measure_words(words: str, size: float) -> float:
    """Return the width of a text."""
    return float(pdfmetrics.stringWidth(words, FAMILY, size))


def cut_words(words: str, size: float, width: float) -> str:
    """Return the text as far as it fits, with … where something is left out."""
    words = printable(words)
    if measure_words(words, size) <= width:
        return words
    while words and measure_words(f"{words}…", size) > width:
        words = words[:-1]
    return f"{words}…"


def wrap_words(words: str, size: float, width: float, most: int) -> list[str]:
    """Break a text into lines, between any two characters as Chinese is; the last one is cut."""
    rest = printable(words)
    lines: list[str] = []
    while rest and len(lines) < most - 1:
        end = len(rest)
        while end > 1 and measure_words(rest[:end], size) > width:
            end -= 1
        lines.append(rest[:end])
        rest = rest[end:]
    return [*lines, cut_words(rest, size, width)] if rest else lines


def write_words(
    canvas: Canvas,
    x: float,
    y: float,
    words: str,
    size: float,
    *,
    color: str = INK,
    align: str = "left",
) -> None:
    """Write a line of text, its baseline at ``y``."""
    canvas.setFont(FAMILY, size)
    canvas.setFillColor(HexColor(color))
    draw = {
        "left": canvas.drawString,
        "right": canvas.drawRightString,
        "middle": canvas.drawCentredString,
    }
    draw[align](x, y, printable(words))


def draw_table(
    canvas: Canvas,
    x: float,
    top: float,
    widths: Sequence[float],
    rows: Sequence[Sequence[str]],
    *,
    size: float,
    targets: Sequence[str] = (),
) -> float:
    """Draw rows, the first one as header; return where the table ends.

    A width below 0 aligns the column to the right. ``targets`` are the pages that rows lead to.
    """
    height, right = size * 1.55, x + sum(map(abs, widths)) - 4
    levels = [top - (number + 1) * height + size * 0.05 for number in range(len(rows))]
    draw_rules(canvas, x, right, levels[:1], width=0.7)
    draw_rules(canvas, x, right, levels[1:], width=0.25)
    for number, row in enumerate(rows):
        y = top - (number + 1) * height + size * 0.45
        color = FAINT if number == 0 else INK
        at = x
        for words, width in zip(row, widths, strict=True):
            room = abs(width) - 4
            text = cut_words(words, size, room)
            if width < 0:
                write_words(canvas, at + room, y, text, size, color=color, align="right")
            else:
                write_words(canvas, at, y, text, size, color=color)
            at += abs(width)
        if number and targets and targets[number - 1]:
            box = (x, round(y - size * 0.35, 1), round(right, 1), round(y + size * 0.95, 1))
            canvas.linkAbsolute("", targets[number - 1], Rect=box)
    return top - len(rows) * height


def table_height(rows: int, size: float) -> float:
    """Return the height of a table with so many rows and a header."""
    return (rows + 1) * size * 1.55


def draw_rules(
    canvas: Canvas, left: float, right: float, levels: Sequence[float], *, width: float
) -> None:
    """Draw thin lines, one above the other."""
    if levels:
        canvas.setStrokeColor(HexColor(LINE))
        canvas.setLineWidth(width)
        canvas.setDash()
        canvas.lines([(left, round(y, 1), right, round(y, 1)) for y in levels])


def write_numbers(
    canvas: Canvas, places: Iterable[tuple[float, float, str]], size: float, color: str
) -> None:
    """Write many short words of one kind, each centred on its place."""
    text = canvas.beginText()
    text.setFont(FAMILY, size)
    text.setFillColor(HexColor(color))
    for x, y, words in places:
        left = x - measure_words(words, size) / 2
        text.setTextOrigin(round(left, 1), round(y - 0.36 * size, 1))
        text.textOut(words)
    canvas.drawText(text)


def draw_code(canvas: Canvas, x: float, y: float, side: float, text: str) -> None:
    """Draw a QR code; the quiet zone of 2 modules is inside ``side``."""
    modules = segno.make(text, error="m", boost_error=False).matrix
    drawn = ["n"]
    for number, row in enumerate(modules):
        cells = np.flatnonzero(np.diff(np.r_[0, np.asarray(row, np.int8), 0])).tolist()
        bottom = len(modules) + 1 - number
        drawn += [
            f"{begin + 2} {bottom} {end - begin} 1 re"
            for begin, end in zip(cells[::2], cells[1::2], strict=True)
        ]
    canvas.saveState()
    canvas.translate(x, y)
    canvas.scale(side / (len(modules) + 4), side / (len(modules) + 4))
    canvas.setFillColor(HexColor("#000000"))
    canvas.drawPath(PDFPathObject(drawn), stroke=0, fill=1)
    canvas.restoreState()


# --- a map on the sheet ------------------------------------------------------------------------


@dataclass
class Window:
    """A frame on the sheet through which a part of the city is seen.

    Parameters
    ----------
    box : tuple of float
        Left, bottom, right and top of the frame, in points.
    west, south : float
        What lies in its corner, in metres.
    denominator : float
        The scale is 1 : denominator.
    taken : list of tuple
        Where something is written already.
    """

    box: Box
    west: float
    south: float
    denominator: float
    taken: list[Box] = field(default_factory=list)

    @property
    def points(self) -> float:
        """Points on the sheet for a metre in the city."""
        return _POINTS_PER_METRE / self.denominator

    @property
    def bounds(self) -> Box:
        """West, south, east and north of what is seen, in metres."""
        left, bottom, right, top = self.box
        east, north = (right - left) / self.points, (top - bottom) / self.points
        return self.west, self.south, self.west + east, self.south + north

    def place(self, metres: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the points of places, to a tenth."""
        corner = np.array([self.west, self.south])
        shift = np.array(self.box[:2])
        return ((np.asarray(metres, float) - corner) * self.points + shift).round(1)

    def claim(self, box: Box) -> bool:
        """Take a part of the frame for writing; False where that is outside or taken."""
        left, bottom, right, top = self.box
        inside = box[0] >= left and box[1] >= bottom and box[2] <= right and box[3] <= top
        if not inside or any(_overlap(box, other) for other in self.taken):
            return False
        self.taken.append(box)
        return True


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def fit_window(bounds: Box, box: Box, margin: float = 0.12) -> Window:
    """Return the window of the largest usual scale that shows bounds with a margin around them."""
    west, south, east, north = bounds
    width, height = box[2] - box[0], box[3] - box[1]
    need = (1 + 2 * margin) * max((east - west) / width, (north - south) / height)
    denominator = next((one for one in _SCALES if one >= need * _POINTS_PER_METRE), _SCALES[-1])
    points = _POINTS_PER_METRE / denominator
    middle = ((west + east) / 2, (south + north) / 2)
    return Window(box, middle[0] - width / points / 2, middle[1] - height / points / 2, denominator)


def fill_areas(canvas: Canvas, window: Window, shapes: npt.NDArray[np.object_], color: str) -> None:
    """Fill areas with a colour, without outline."""
    if not len(shapes):
        return
    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(shapes)))
    canvas.saveState()
    canvas.scale(_STEP, _STEP)
    canvas.setFillColor(HexColor(color))
    canvas.drawPath(_trace(window, rings, closed=True), stroke=0, fill=1, fillMode=1)
    canvas.restoreState()


def stroke_lines(
    canvas: Canvas,
    window: Window,
    shapes: npt.NDArray[np.object_],
    color: str,
    width: float,
    dash: Sequence[float] = (),
) -> None:
    """Draw lines, and areas by their outline."""
    if not len(shapes):
        return
    areas = shapely.get_dimensions(shapes) == 2
    lines = np.concatenate(
        [shapely.get_parts(shapes[~areas]), shapely.get_rings(shapely.get_parts(shapes[areas]))]
    )
    canvas.saveState()
    canvas.scale(_STEP, _STEP)
    canvas.setStrokeColor(HexColor(color))
    canvas.setLineWidth(round(width / _STEP, 1))
    canvas.setLineJoin(1)
    canvas.setLineCap(1)
    canvas.setDash([length / _STEP for length in dash])
    canvas.drawPath(_trace(window, lines, closed=False), stroke=1, fill=0)
    canvas.restoreState()


def _trace(window: Window, lines: npt.NDArray[np.object_], *, closed: bool) -> PDFPathObject:
    """Return lines as one path in whole steps.

    It is written here, for the canvas takes as long for one point as this for twenty.
    """
    end = " h" if closed else ""
    drawn = ["n"]
    for line in _split(window, lines):
        (x, y), *rest = line
        drawn.append(f"{x} {y} m " + " ".join(f"{x} {y} l" for x, y in rest) + end)
    return PDFPathObject(drawn)


def _split(window: Window, lines: npt.NDArray[np.object_]) -> Iterable[list[list[int]]]:
    """Give each line in whole steps, without the vertices that nobody could see."""
    seen = shapely.simplify(lines, 1.5 * _STEP / window.points)
    places, row = shapely.get_coordinates(seen, return_index=True)
    points = np.rint(window.place(places) / _STEP).astype(np.int64)
    fresh = np.r_[
        np.ones(len(row[:1]), bool),
        (np.diff(points, axis=0) != 0).any(axis=1) | (np.diff(row) != 0),
    ]
    ends = np.searchsorted(row[fresh], np.arange(len(lines) + 1))
    points = points[fresh]
    for first, last in pairwise(ends.tolist()):
        if last - first > 1:
            yield points[first:last].tolist()


def write_label(
    canvas: Canvas,
    window: Window,
    at: Sequence[float],
    lines: Sequence[str],
    size: float,
    *,
    color: str = INK,
) -> Box | None:
    """Write centred lines on white around a point if there is room; return where, or None."""
    width = max(measure_words(printable(line), size) for line in lines) + 3
    height = len(lines) * size * 1.2 + 1
    left, bottom, right, top = window.box
    x = min(max(at[0], left + width / 2 + 2), right - width / 2 - 2)
    y = min(max(at[1], bottom + height / 2 + 2), top - height / 2 - 2)
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    if not window.claim(box):
        return None
    canvas.saveState()
    canvas.setFillColor(_WHITE, alpha=0.75)
    canvas.rect(box[0], box[1], width, height, stroke=0, fill=1)
    canvas.restoreState()
    for number, line in enumerate(lines):
        base = box[3] - (number + 1) * size * 1.2 + size * 0.25
        write_words(canvas, x, base, line, size, color=color, align="middle")
    return box


def write_along(
    canvas: Canvas,
    window: Window,
    start: Sequence[float],
    end: Sequence[float],
    words: str,
    size: float,
) -> None:
    """Write beside a line, never upside down, if it is long enough and there is room.

    Beside and not on it, because borders of grids run along the middle of streets.
    """
    run, rise = end[0] - start[0], end[1] - start[1]
    width = measure_words(printable(words), size)
    if np.hypot(run, rise) < width + 6:
        return
    angle = np.arctan2(rise, run)
    angle = (angle + np.pi / 2) % np.pi - np.pi / 2
    away = 0.85 * size
    x = (start[0] + end[0]) / 2 - float(np.sin(angle)) * away
    y = (start[1] + end[1]) / 2 + float(np.cos(angle)) * away
    half = (abs(np.cos(angle)) * width + size, abs(np.sin(angle)) * width + size)
    if not window.claim((x - half[0] / 2, y - half[1] / 2, x + half[0] / 2, y + half[1] / 2)):
        return
    canvas.saveState()
    canvas.translate(round(x, 2), round(y, 2))
    canvas.rotate(round(float(np.degrees(angle)), 2))
    write_words(canvas, 0, -0.36 * size, words, size, color=FAINT, align="middle")
    canvas.restoreState()


def draw_frame(canvas: Canvas, window: Window, north: str) -> None:
    """Draw the frame of a map with its north arrow and scale bar."""
    left, bottom, right, top = window.box
    canvas.setDash()
    canvas.setStrokeColor(HexColor(INK))
    canvas.setLineWidth(0.8)
    canvas.rect(left, bottom, right - left, top - bottom, stroke=1, fill=0)
    _draw_arrow(canvas, right - 18, top - 14, north)
    _draw_bar(canvas, window)


def reserve_marks(window: Window) -> None:
    """Keep the corners of the arrow and of the bar free from labels."""
    left, bottom, right, top = window.box
    window.taken += [(right - 34, top - 52, right, top), (left, bottom, left + 150, bottom + 28)]


def _draw_arrow(canvas: Canvas, x: float, top: float, north: str) -> None:
    canvas.saveState()
    canvas.setFillColor(_WHITE, alpha=0.8)
    canvas.rect(x - 11, top - 34, 22, 42, stroke=0, fill=1)
    canvas.restoreState()
    arrow = canvas.beginPath()
    arrow.moveTo(x, top + 4)
    arrow.lineTo(x + 5, top - 18)
    arrow.lineTo(x, top - 13)
    arrow.lineTo(x - 5, top - 18)
    arrow.close()
    canvas.setFillColor(HexColor(INK))
    canvas.drawPath(arrow, stroke=0, fill=1)
    write_words(canvas, x, top - 30, north, 9, align="middle")


def _draw_bar(canvas: Canvas, window: Window) -> None:
    """Draw a scale bar of a round length, in four pieces, with the scale in numbers."""
    left, bottom = window.box[0] + 10, window.box[1] + 9
    most = 110 / window.points
    power = 10 ** np.floor(np.log10(most))
    length = float(power * max(step for step in (1, 2, 5) if step * power <= most))
    piece = length * window.points / 4
    words = f"{length:g} m" if length < 1000 else f"{length / 1000:g} km"
    scale = f"1:{window.denominator:,.0f}".replace(",", " ")
    canvas.saveState()
    canvas.setFillColor(_WHITE, alpha=0.8)
    canvas.rect(left - 6, bottom - 6, 4 * piece + 40, 24, stroke=0, fill=1)
    canvas.restoreState()
    canvas.setStrokeColor(HexColor(INK))
    canvas.setLineWidth(0.5)
    for number in range(4):
        canvas.setFillColor(HexColor(INK) if number % 2 == 0 else _WHITE)
        canvas.rect(round(left + number * piece, 2), bottom, round(piece, 2), 3, stroke=1, fill=1)
    write_words(canvas, left, bottom + 6, scale, 7.5)
    write_words(canvas, left + 4 * piece + 4, bottom, words, 7.5)
