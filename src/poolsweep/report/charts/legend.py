"""What colours and shapes mean, in the figure itself: a file stands in a paper without the page's words."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from poolsweep.report.charts.style import BASE, INK, LEAD, REST, role_colour
from poolsweep.report.comparison import Comparison


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
