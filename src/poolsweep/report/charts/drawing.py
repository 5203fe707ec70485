"""Figures become files: SVG for pages, PDF for papers; several are drawn side by side."""

from __future__ import annotations

import io
import os
import re
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread
from types import TracebackType
from typing import Self

from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from poolsweep.cores import usable_cores
from poolsweep.report.charts.font import WHOLE
from poolsweep.report.charts.style import Chart, house_style

_MOST = 8  # processes; each takes a second to start and some 100 MiB


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


def _svg(figure: Figure) -> str:
    for axes in figure.axes:  # what is drawn within the axes need not be measured to lay them out
        for artist in (*axes.collections, *axes.lines, *axes.patches):
            artist.set_in_layout(False)
    text = io.StringIO()  # savefig would draw everything twice, the first time for its size
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
    figure.set_layout_engine("none")  # it is laid out now: once is enough
    svg = re.sub(r"font-family: [^;\"]*", f"font-family: '{WHOLE}', Verdana, sans-serif", text.getvalue())
    return re.sub(r"<[^>]*>", _shorter, svg)


def _pdf(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasPdf(figure).print_pdf(buffer, metadata={"CreationDate": None})
    return buffer.getvalue()


def _shorter(tag: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number.group()):.2f}", tag.group())


class Drawing:
    """Draws charts in processes of their own while the next ones are made; where there is one core, when asked for.

    Drawing is most of what a report takes, and matplotlib draws on one core. The processes are new ones (spawned):
    a fork would copy the threads' locks of what reads the predictions.
    """

    def __init__(self) -> None:
        self._begun: dict[Chart, Future[Drawn]] = {}
        self._here: dict[Chart, Drawn] = {}
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        cores = len(usable_cores())
        if cores > 1:
            self._pool = ProcessPoolExecutor(min(cores, _MOST), mp_context=get_context("spawn"), initializer=_serve)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def begin(self, charts: Sequence[Chart]) -> None:
        """Start to draw some charts."""
        if self._pool is None:
            return
        with suppress(BrokenProcessPool):  # drawn() draws what was not begun
            for chart in charts:
                self._begun[chart] = self._pool.submit(draw, chart.figure)

    def drawn(self, chart: Chart) -> Drawn:
        """The files of a chart, now or when they are there."""
        if chart in self._begun:
            try:
                return self._begun[chart].result()
            except BrokenProcessPool:  # killed, or the program that calls us cannot be started twice
                del self._begun[chart]
        if chart not in self._here:
            self._here[chart] = draw(chart.figure)
        return self._here[chart]


def _serve() -> None:
    """What a drawing process does first: leave Ctrl-C to the one that started it, and end when that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
