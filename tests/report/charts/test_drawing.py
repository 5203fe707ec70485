"""How figures become files."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib.figure import Figure

from poolsweep.report.charts import drawing
from poolsweep.report.charts.drawing import draw
from poolsweep.report.charts.style import house_style, short


def figure(text: str = "hello") -> Figure:
    with house_style():
        made = Figure(figsize=(2, 1), layout="constrained")
        axes = made.add_subplot()
        axes.plot([0, 1], [0.123456789, 1])
        axes.set_title(text)
    return made


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


@pytest.mark.parametrize("titled", [False, True])
def test_what_is_not_measured_moves_nothing(titled: bool, monkeypatch):
    def made() -> Figure:
        one = figure("a title" if titled else "")
        one.axes[0].set_ylabel("up")
        one.axes[0].fill_between([0, 1], [0, 0], [1, 2])
        return one

    sparing = draw(made())
    monkeypatch.setattr(drawing, "_measure_less", lambda _: None)
    assert draw(made()).svg == sparing.svg
    assert draw(made()).pdf == sparing.pdf
