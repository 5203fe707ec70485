"""How figures become files."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from poolsweep.report.charts import drawing
from poolsweep.report.charts.drawing import Drawing, draw
from poolsweep.report.charts.style import Chart, house_style, short


def figure(text: str = "hello") -> Figure:
    with house_style():
        made = Figure(figsize=(2, 1), layout="constrained")
        axes = made.add_subplot()
        axes.plot([0, 1], [0.123456789, 1])
        axes.set_title(text)
    return made


def chart(text: str) -> Chart:
    return Chart("x", "X", "caption", "summary", figure(text))


def test_svg_is_whole_keeps_text_and_is_the_same_each_time():
    first, second = draw(figure()).svg, draw(figure()).svg
    assert first == second
    root = ElementTree.fromstring(first)
    assert root.tag.endswith("svg")
    assert "hello" in "".join(root.itertext())
    assert "0.123456" not in first


def test_pdf_is_a_pdf_and_the_same_each_time():
    first, second = draw(figure()).pdf, draw(figure()).pdf
    assert first.startswith(b"%PDF")
    assert first.rstrip().endswith(b"%%EOF")
    assert first == second


@pytest.mark.parametrize("name", ["$x_1$ \\frac", "<script>&\"'", "日本語", "a\nb\x07", "😀"])
def test_any_name_can_be_drawn(name: str):
    drawn = draw(figure(short(name)))
    assert drawn.pdf
    assert short(name)[:2] in "".join(ElementTree.fromstring(drawn.svg).itertext())


@pytest.mark.parametrize("cores", [1, 2])
def test_charts_are_drawn_elsewhere_as_they_are_here(cores: int, monkeypatch):
    monkeypatch.setattr(drawing, "usable_cores", lambda: list(range(cores)))
    charts = [chart(text) for text in ("one", "two", "three")]
    with Drawing() as side:
        side.begin(charts[:2])
        assert len(multiprocessing.active_children()) == (0 if cores == 1 else 2)
        found = [side.drawn(one) for one in charts]
    assert not multiprocessing.active_children()
    for one, text in zip(found, ("one", "two", "three"), strict=True):
        here = draw(figure(text))
        assert one.svg == here.svg
        assert one.pdf == here.pdf


def test_a_killed_process_costs_no_chart(monkeypatch):
    monkeypatch.setattr(drawing, "usable_cores", lambda: [0, 1])
    charts = [chart(str(i)) for i in range(4)]
    with Drawing() as side:
        side.begin(charts[:2])
        for child in multiprocessing.active_children():
            child.kill()
        assert side.drawn(charts[0]).svg == draw(figure("0")).svg
        side.begin(charts[2:])
        assert [side.drawn(one).svg for one in charts] == [draw(figure(str(i))).svg for i in range(4)]


def test_processes_end_with_the_one_that_started_them(tmp_path: Path):
    program = """
import multiprocessing
import os
import signal
from poolsweep.report.charts import drawing
from poolsweep.report.charts.style import Chart
from matplotlib.figure import Figure
if __name__ == "__main__":
    drawing.usable_cores = lambda: [0, 1]
    side = drawing.Drawing().__enter__()
    chart = Chart("x", "X", "", "", Figure())
    side.begin([chart, Chart("y", "Y", "", "", Figure())])
    assert side.drawn(chart).svg and multiprocessing.active_children()
    print("drawn", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "program.py"
    path.write_text(program, encoding="utf-8")
    # Whoever holds the pipe's other end keeps it open: the output ends when the last process does.
    done = subprocess.run([sys.executable, str(path)], stdout=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert "drawn" in done.stdout
