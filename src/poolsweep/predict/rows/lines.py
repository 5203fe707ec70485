"""Plain lines of standard input, a text each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from poolsweep.data.formats.plain_text import LONGEST
from poolsweep.predict.rows.window import RowFile, Window, full, window_of


@dataclass
class Lines(RowFile):
    """Lines of UTF-8 text; they can be read once.

    Args:
        stream: Gives the lines.
    """

    stream: BinaryIO

    def __post_init__(self) -> None:
        super().__post_init__()
        self.name_columns([self.text])

    def windows(self, *, after: int) -> Iterator[Window]:
        """A few thousand lines at a time."""
        texts, numbers, characters, number = [], [], 0, after
        while line := self.stream.readline(LONGEST):
            number += 1
            text = self._decoded(line, number)
            if text is not None:
                texts.append(text)
                numbers.append(number)
                characters += len(text)
            if full(number - after, characters):
                yield self._window(texts, numbers, end=number)
                texts, numbers, characters, after = [], [], 0, number
        if number > after:
            yield self._window(texts, numbers, end=number)

    def _decoded(self, line: bytes, number: int) -> str | None:
        try:
            return line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            self.on_bad_row(number, f"is not UTF-8 text (byte 0x{line[error.start]:02x})")
            return None

    def _window(self, texts: list[str], numbers: list[int], *, end: int) -> Window:
        column = pa.array(texts, pa.string())
        columns = pa.record_batch([column], names=[self.text])
        return window_of(self, column, None, end=end, numbers=numbers, columns=columns)
