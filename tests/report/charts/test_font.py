"""The font of the figures has what names are written in."""

from __future__ import annotations

from pathlib import Path

from fontTools.ttLib import TTFont
from matplotlib.font_manager import FontProperties, findfont

from poolsweep.report.charts.font import CUT, WHOLE, families


def test_the_cut_font_is_small_and_has_letters_signs_greek_and_cyrillic():
    assert families() == (CUT, WHOLE)
    for weight in ("normal", "bold"):
        path = Path(findfont(FontProperties(family=[CUT], weight=weight), fallback_to_default=False))
        with TTFont(path) as font:
            assert {ord(c) for c in "azAZ09éßΔπЖя−±×…≤↑"} <= set(font.getBestCmap())
            assert "GSUB" not in font
        assert path.stat().st_size < 300_000
    assert families() == (CUT, WHOLE), "it is made once"
