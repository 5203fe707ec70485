"""A part of a notebook cell's output that is drawn again and again; rich's own needs widgets for that."""

from __future__ import annotations

import io
from typing import Any

from rich.console import RenderableType

from poolsweep.terminal.console import Console

_PAGE = '<pre style="white-space:pre;overflow-x:auto;line-height:normal">{code}</pre>'
_WIDTH = 140


class CellArea:
    """Some lines in the output of the cell that is being run; IPython is there in a notebook."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown = ""

    def show(self, content: RenderableType) -> None:
        """Put something in place of what was shown before.

        Args:
            content: What rich draws.
        """
        canvas = Console(
            file=io.StringIO(), record=True, width=_WIDTH, force_jupyter=False, force_terminal=True,
            color_system="truecolor",
        )  # fmt: skip
        canvas.quiet = False
        canvas.print(content)
        plain = canvas.export_text(clear=False)
        page = canvas.export_html(inline_styles=True, code_format=_PAGE)
        if page == self._shown:
            return
        from IPython.display import display

        self._shown, bundle = page, {"text/html": page, "text/plain": plain}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
