"""How every figure looks.

Colour carries the verdict: one for contenders that could be the best, one for the baseline, grey for the rest. A page
shows the same figure in light and dark: the colours below become its variables.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from poolsweep.report.charts.font import families
from poolsweep.report.comparison import Comparison

INK, MUTED, GRID, SURFACE = "#1b2027", "#59626c", "#d7dce1", "#fefefe"
LEAD, BASE, REST = "#0b63c5", "#b4540a", "#78818b"
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", SURFACE: "surface", LEAD: "lead", BASE: "base", REST: "rest"}
WIDE, HALF = 9.6, 5.4  # inches; 72 of an SVG's units each
_RC: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "text.parse_math": False,  # a name may hold $
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "svg.fonttype": "none",
    "svg.hashsalt": "poolsweep",
    "pdf.fonttype": 42,
}


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure with its words.

    Attributes:
        name: For file names.
        title: Heading.
        caption: How to read it.
        summary: What it shows, for who cannot see it.
        figure: Drawn.
    """

    name: str
    title: str
    caption: str
    summary: str
    figure: Figure


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save in our style, whatever the user's own is; a glyph that the font lacks is no one's business."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        matplotlib.rcParams["font.family"] = families()
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message=".*does not have a glyph for")
        yield


def role_colour(comparison: Comparison, name: str) -> str:
    """The colour of a contender: the baseline's, a leader's, or grey."""
    if name == comparison.baseline:
        return BASE
    return LEAD if name in comparison.leading else REST


def short(text: str, limit: int = 26) -> str:
    """A name that fits, its middle left out if need be, and without what is not printed.

    Example:
        >>> short("concat[last=3,norm_per_layer=true]+mean", 20)
        'concat[las…rue]+mean'
    """
    kept = "".join(c if unicodedata.category(c)[0] != "C" else "·" for c in " ".join(text.split()))
    if len(kept) <= limit:
        return kept
    half = limit // 2
    return f"{kept[:half]}…{kept[len(kept) - (limit - half - 1) :]}"


class Cells:
    """The cells of a matrix: filled and outlined rectangles and words, gathered and drawn at once.

    Args:
        axes: Axes to draw into; their limits and ticks become the matrix's.
        rows: Names.
        columns: Names.
    """

    def __init__(self, axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
        self.axes = axes
        self._filled: list[tuple[Rectangle, tuple]] = []
        self._outlined: list[Rectangle] = []
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xticks(range(len(columns)), columns, color=INK)
        axes.set_yticks(range(len(rows)), rows, color=INK)
        plain_axes(axes)

    def fill(self, row: int, column: int, colour: str, opacity: float) -> None:
        """Colour a cell."""
        self._filled.append((Rectangle((column - 0.48, row - 0.48), 0.96, 0.96), to_rgba(colour, opacity)))

    def outline(self, row: int, column: int) -> None:
        """Draw a line around a cell."""
        self._outlined.append(Rectangle((column - 0.45, row - 0.45), 0.9, 0.9))

    def write(self, row: float, column: int, text: str, *, size: float, bold: bool = False) -> None:
        """Write into a cell."""
        weight = "bold" if bold else "normal"
        written = self.axes.text(column, row, text, ha="center", va="center", fontsize=size, fontweight=weight)
        written.set_in_layout(False)

    def draw(self) -> None:
        """Draw what was gathered."""
        colours = [colour for _, colour in self._filled]
        self.axes.add_collection(PatchCollection([p for p, _ in self._filled], facecolors=colours, edgecolors="none"))
        outlines = PatchCollection(self._outlined, facecolors="none", edgecolors=INK, linewidths=1.3)
        self.axes.add_collection(outlines)


def turn_names(axes: Axes) -> None:
    """Put the names of a matrix's columns above it, slanted."""
    axes.xaxis.tick_top()
    for label in axes.get_xticklabels():
        label.set(rotation=40, ha="left", rotation_mode="anchor")


def plain_axes(axes: Axes, *, grid: str | None = None) -> None:
    """No frame; a light grid along one axis."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    if grid == "x":
        axes.grid(axis="x")
    elif grid == "y":
        axes.grid(axis="y")


def roles(comparison: Comparison, names: Sequence[str]) -> list[Artist]:
    """A mark for each role that some of the contenders have: could be the best, the baseline, the others."""
    meanings = {LEAD: "could be the best", BASE: f"baseline {comparison.baseline}", REST: "others"}
    used = {role_colour(comparison, name) for name in names}
    return [mark("o", colour, text) for colour, text in meanings.items() if colour in used]


def mark(shape: str, colour: str, text: str) -> Line2D:
    """A mark without a line."""
    return Line2D([], [], linestyle="none", marker=shape, color=colour, markersize=6, markeredgewidth=0, label=text)


def add_legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Put a legend above a figure's panels; none if there is nothing to tell apart."""
    if handles:
        figure.legend(
            handles=list(handles), loc="outside upper left", ncols=min(len(handles), 8), labelcolor=INK, borderpad=0,
            handletextpad=0.3, columnspacing=1.2, borderaxespad=0,
        )  # fmt: skip
