"""The look of every table on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text


def make_table(first: str, *others: str, title: str | None = None, narrowest: int | None = None) -> Table:
    """A table of names and numbers, to be filled with rows.

    Args:
        first: Head of the names; long ones go on in the next line.
        others: Heads of the numbers, which stand to the right and are never broken.
        title: Lines above it.
        narrowest: Fewest columns that the names get.
    """
    table = Table(
        title=None if title is None else Text(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0), show_edge=False, pad_edge=False,
    )  # fmt: skip
    table.add_column(first, overflow="fold", min_width=narrowest)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table
