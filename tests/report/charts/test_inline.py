"""Figures as part of a page."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from matplotlib.figure import Figure

from poolsweep.report.charts.drawing import draw
from poolsweep.report.charts.inline import Inliner
from poolsweep.report.charts.style import INK


def svg() -> str:
    figure = Figure(figsize=(3, 2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1, 2], [0, 1, 0], marker="o", color=INK)
    axes.set_title("a < b & c")
    return draw(figure).svg


def test_two_figures_share_no_id_and_every_reference_is_met():
    inliner = Inliner()
    both = inliner.take(svg(), prefix="one", label="A") + inliner.take(svg(), prefix="two", label="B")
    ids = re.findall(r' id="([^"]+)"', both)
    assert len(ids) == len(set(ids)) > 0
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', both))
    assert used
    assert used <= set(ids)


def test_it_is_named_whole_and_in_the_pages_colours():
    inliner = Inliner()
    taken = inliner.take(svg(), prefix="one", label='says "hi" <b>')
    root = ElementTree.fromstring(taken)
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'says "hi" <b>'
    assert "a < b & c" in "".join(root.itertext())
    css = inliner.css()
    assert INK not in taken + css
    assert "var(--ink)" in taken + css
    classes = set(re.findall(r'class="(\w+)"', taken))
    assert classes
    assert classes <= set(re.findall(r"^\.(\w+) ", css, re.MULTILINE))


def test_nothing_is_fetched_and_styles_are_told_once():
    inliner = Inliner()
    taken = inliner.take(svg(), prefix="one", label="A")
    once = inliner.css()
    again = inliner.take(svg(), prefix="two", label="A")
    assert inliner.css() == once, "the same styles have the same classes"
    for text in (taken, again):
        assert not re.search(r'(?:src|href)="(?!#)', text)
        assert "@import" not in text
    assert len(taken) < len(svg())
