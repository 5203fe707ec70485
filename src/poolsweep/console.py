"""The console of every verb."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from poolsweep.shown import ShownStream, shown


class Console(rich.console.Console):
    """rich's console, on which texts are texts: no markup, no highlighting, and control characters are spelled out.

    Args:
        options: rich's.
    """

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(markup=False, highlight=False, **options)

    @property
    def file(self) -> IO[str]:
        """Where it writes: below the stream that would spell out the styles and movements that rich makes itself."""
        file = super().file
        return file.below if isinstance(file, ShownStream) else file

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich does, with every text shown."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=shown(segment.text))
