"""Figures become files: SVG for pages, PDF for papers."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from poolsweep.report.charts.font import WHOLE
from poolsweep.report.charts.style import house_style


@dataclass(frozen=True, eq=False)
class Drawn:
    """The files of a figure.

    Attributes:
        svg: Text stays text, numbers have two decimals.
        pdf: Laid out as the SVG is.
    """

    svg: str
    pdf: bytes


def draw(figure: Figure) -> Drawn:
    """Lay a figure out and draw it as both files."""
    with house_style():
        return Drawn(_svg(figure), _pdf(figure))


def _measure_less(figure: Figure) -> None:
    """Spare the layout what moves nothing: artists within the axes, and places of titles and labels that are empty."""
    for axes in figure.axes:
        for artist in (*axes.collections, *axes.lines, *axes.patches):
            artist.set_in_layout(False)
        if not any(axes.get_title(place) for place in ("left", "center", "right")):
            axes.set_title("", y=1)
        for axis in (axes.xaxis, axes.yaxis):
            if not axis.get_label_text():
                axis.set_label_coords(0, 0)


def _svg(figure: Figure) -> str:
    _measure_less(figure)
    text = io.StringIO()  # savefig would draw everything twice, the first time for its size
    FigureCanvasSVG(figure).print_svg(text, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    figure.set_layout_engine("none")  # it is laid out now: once is enough
    svg = re.sub(r"font-family: [^;\"]*", f"font-family: '{WHOLE}', Verdana, sans-serif", text.getvalue())
    return re.sub(r"<[^>]*>", _shorter, svg)


def _pdf(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasPdf(figure).print_pdf(buffer, metadata={"CreationDate": None})
    return buffer.getvalue()


def _shorter(tag: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number.group()):.2f}", tag.group())
