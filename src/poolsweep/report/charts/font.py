"""The font of the figures: DejaVu Sans as matplotlib carries it, cut down so that embedding it takes no time.

A PDF embeds the glyphs that it uses. Picking them out of 6,000 glyphs with layout tables takes two thirds of the time
of a figure's PDF. So the font is cut down once, to the scripts that names are mostly written in. Other glyphs come from
the whole font. Matplotlib's Type 3 fonts would be as fast, but publishers refuse them.
"""

from __future__ import annotations

import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from fontTools import subset
from matplotlib.font_manager import fontManager

WHOLE, CUT = "DejaVu Sans", "Poolsweep Sans"  # the licence asks for another name
_RANGES = ((0x20, 0x17F), (0x370, 0x3FF), (0x400, 0x45F), (0x2000, 0x22FF))
_NAMES = (1, 3, 4, 6, 16)  # records that hold the family's name


@cache
def families() -> tuple[str, ...]:
    """The fonts to draw with, the cut one first; they are known to matplotlib from now on."""
    folder = _folder()
    for style in ("DejaVuSans", "DejaVuSans-Bold"):
        path = Path(folder.name) / f"{style}.ttf"
        _cut(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{style}.ttf", path)
        fontManager.addfont(path)
    return CUT, WHOLE


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="poolsweep-font-")  # removed when the program ends


def _cut(source: Path, target: Path) -> None:
    dropped = ["FFTM", "MATH", "kern", "GDEF", "GPOS", "GSUB"]
    options = subset.Options(layout_features=[], drop_tables=dropped, name_IDs=["*"], notdef_outline=True)
    with warnings.catch_warnings(), subset.load_font(str(source), options) as font:
        warnings.simplefilter("ignore")
        chosen = subset.Subsetter(options)
        chosen.populate(unicodes=[code for low, high in _RANGES for code in range(low, high + 1)])
        chosen.subset(font)
        names: Any = font["name"]
        for record in names.names:
            if record.nameID in _NAMES:
                record.string = str(record).replace("DejaVu", "Poolsweep")
        font.save(target)
