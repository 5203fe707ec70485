"""csv and tsv."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from poolsweep.data.formats.columns import Asked
from poolsweep.data.formats.delimited import open_delimited
from poolsweep.predict.rows.window import RowFile, Window, full, window_of


@dataclass
class DelimitedRows(RowFile):
    """Rows of a csv or tsv file; every field is a text.

    Args:
        asked: The file and the columns that are read as texts.
    """

    asked: Asked

    def __post_init__(self) -> None:
        super().__post_init__()
        self.total = self.asked.path.stat().st_size
        with open_delimited(self.asked) as file:
            self.name_columns(file.header)

    def windows(self, *, after: int) -> Iterator[Window]:
        """A few thousand rows at a time; fields that lack at the end of a row are empty."""
        width, rows, numbers, characters, number = len(self.names), [], [], 0, 0
        with open_delimited(self.asked) as file:
            for row in file:
                number += 1
                if number <= after:
                    continue
                if (objection := file.objection(row, number)) is not None:
                    self.on_bad_row(number, objection.removeprefix(f": row {number} "))
                else:
                    rows.append(row + [""] * (width - len(row)))
                    numbers.append(number)
                    characters += sum(map(len, row))
                if full(number - after, characters):
                    self.done = file.characters
                    yield self._window(rows, numbers, end=number)
                    rows, numbers, characters, after = [], [], 0, number
        if number > after:
            yield self._window(rows, numbers, end=number)

    def _window(self, rows: list[list[str]], numbers: list[int], *, end: int) -> Window:
        fields = zip(*rows, strict=True) if rows else [()] * len(self.names)
        columns = pa.record_batch([pa.array(values, pa.string()) for values in fields], names=self.names)
        texts, pair = columns.column(self.text), self.text_pair
        return window_of(
            self, texts, None if pair is None else columns.column(pair), end=end, numbers=numbers, columns=columns
        )
