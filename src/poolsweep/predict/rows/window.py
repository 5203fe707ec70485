"""A window of rows, and what a file of rows is to whoever reads it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from poolsweep.data.checks import blank
from poolsweep.errors import UserError

ROWS = 4096
CHARACTERS = 2**23  # of a window's rows, so that long texts do not fill the memory

# Told of a row that cannot be read: its number, 1 = first after the header, and the reason.
OnBadRow = Callable[[int, str], None]


@dataclass(frozen=True)
class Window:
    """Consecutive rows that can be read.

    Attributes:
        end: Rows of the file that lie before the next window, those that cannot be read included.
        texts: The text of each row.
        pairs: The second text of each row, where there are pairs.
        columns: All columns of the input; None where rows are ``objects``.
        objects: Each row as the JSON object that it is in the input, in one line.
    """

    end: int
    texts: list[str]
    pairs: list[str] | None
    columns: pa.RecordBatch | None = None
    objects: list[str] | None = None

    def __len__(self) -> int:
        return len(self.texts)


@dataclass
class RowFile(ABC):
    """Rows that are read one window after the other, always in the same windows.

    Attributes:
        path: The file; None = standard input.
        where: How messages call it.
        text: Name of the column with the text.
        text_pair: Name of the column with the second text; None where texts are single.
        on_bad_row: Function that is told of every row that is left out; it may raise.
        total: Bytes or rows in all; None where nobody knows.
        done: Bytes or rows that are behind.
        names: Names of the columns; empty where rows are objects with keys of their own.
    """

    path: Path | None
    where: str
    text: str
    text_pair: str | None
    on_bad_row: OnBadRow
    total: int | None = field(default=None, init=False)
    done: int = field(default=0, init=False)
    names: Sequence[str] = field(default=(), init=False)
    _stamp: tuple[int, int] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._stamp = self._stamp_now()

    def name_columns(self, names: Sequence[str]) -> None:
        """Take the names of the columns, of which none may stand there twice, since all are written again.

        Raises:
            UserError: If one does.
        """
        self.names = names
        if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
            raise self.refuse(f" has the column {twice!r} more than once")

    @abstractmethod
    def windows(self, *, after: int) -> Iterator[Window]:
        """The windows from a row on.

        Args:
            after: Rows to leave out: the ``end`` of a window, or 0.
        Raises:
            UserError: If the file cannot be read.
        """

    def require_unchanged(self) -> None:
        """Refuse a file that somebody writes to.

        Raises:
            UserError: If it changed since it was opened.
        """
        if self._stamp_now() != self._stamp:
            raise self.refuse(" changed while it was read; type the command again")

    def _stamp_now(self) -> tuple[int, int] | None:
        if self.path is None or not self.path.exists():
            return None
        stat = self.path.stat()
        return stat.st_size, stat.st_mtime_ns

    def refuse(self, problem: str) -> UserError:
        """An error of this file."""
        return UserError(f"{self.where}{problem}")

    def readable(self, texts: pa.Array, pairs: pa.Array | None, numbers: Sequence[int]) -> pa.Array:
        """Which rows have a text, or two where they must; the others are told of.

        Args:
            texts: Texts of the rows.
            pairs: Their second texts.
            numbers: Numbers of the rows, 1 = first after the header.
        """
        keep = ~blank(texts)
        empty = {self.text: ~keep}
        if pairs is not None and self.text_pair is not None:
            empty[self.text_pair] = blank(pairs)
            keep &= ~empty[self.text_pair]
        for place in (~keep).nonzero()[0].tolist():
            column = next(name for name, is_empty in empty.items() if is_empty[place])
            self.on_bad_row(numbers[place], f"column {column!r} is empty")
        return pa.array(keep)


def full(rows: int, characters: int) -> bool:
    """Whether a window with so many rows of so many characters is complete."""
    return rows >= ROWS or characters >= CHARACTERS


def window_of(
    file: RowFile, texts: pa.Array, pairs: pa.Array | None, *, end: int, numbers: Sequence[int],
    columns: pa.RecordBatch | None = None, objects: Sequence[str] | None = None,
) -> Window:  # fmt: skip
    """A window without the rows that have no text; as ``Window`` and ``RowFile.readable`` say."""
    keep = file.readable(texts, pairs, numbers)
    return Window(
        end,
        texts.filter(keep).to_pylist(),
        None if pairs is None else pairs.filter(keep).to_pylist(),
        None if columns is None else columns.filter(keep),
        None if objects is None else [row for row, kept in zip(objects, keep.to_pylist(), strict=True) if kept],
    )
