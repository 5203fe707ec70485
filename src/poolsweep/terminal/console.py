"""The console of every verb."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO, Any

import rich.console
from rich.cells import cell_len
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from poolsweep.terminal.progress import is_silent
from poolsweep.terminal.text import ShownStream, shown


class Console(rich.console.Console):
    """rich's console, on which texts are texts: no markup, no highlighting, and control characters are spelled out.

    Args:
        options: rich's.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        quiet = is_silent("progress" if options.get("stderr") else "answers")
        super().__init__(markup=False, highlight=False, quiet=quiet, **options)

    @property
    def file(self) -> IO[str]:
        """Where it writes: below the stream that would spell out the styles and movements that rich makes itself."""
        file = super().file
        return file.below if isinstance(file, ShownStream) else file

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def say(self, text: str | Text, *, style: str | Style = "", hang: int = 0) -> None:
        """Print sentences: a terminal breaks lines between words, under their indent; elsewhere each stays one line.

        No word is broken, so that a path can be copied; a command to copy has spaces, and needs ``soft_wrap``.

        Args:
            text: Lines of prose.
            style: Colour of all lines.
            hang: Columns by which what does not fit stands further in.
        """
        for line in (text if isinstance(text, Text) else Text(text)).split("\n", allow_blank=True):
            indent = line[: len(line) - len(line.plain.lstrip(" "))]
            words = line[len(indent) :]
            places = _breaks(words.plain, width=self.width - len(indent), hang=hang) if self.is_terminal else []
            for place, part in enumerate(words.divide(places)):
                part.rstrip()
                self.print(indent + (" " * hang if place else "") + part, style=style, soft_wrap=True)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does, with every text shown."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=shown(segment.text))


def _breaks(text: str, *, width: int, hang: int) -> list[int]:
    """Where lines begin after the first, so that none is wider unless a word is."""
    places: list[int] = []
    column = 0
    for found in re.finditer(r"\S+\s*", text):
        if column > (hang if places else 0) and column + cell_len(found[0].rstrip()) > width:
            places.append(found.start())
            column = hang
        column += cell_len(found[0])
    return places
