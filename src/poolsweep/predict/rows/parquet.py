"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from poolsweep.data.formats.as_text import NoTextError, as_text
from poolsweep.data.formats.columns import Asked
from poolsweep.predict.rows.window import ROWS, RowFile, Window, window_of


@dataclass
class ParquetRows(RowFile):
    """Rows of a parquet file; columns that are not read keep their types.

    Args:
        asked: The file and the columns that are read as texts.
    """

    asked: Asked

    def __post_init__(self) -> None:
        super().__post_init__()
        with self._opened() as file:
            self.total = file.metadata.num_rows
            self.asked.require(file.schema_arrow.names)
            self.name_columns(file.schema_arrow.names)

    def windows(self, *, after: int) -> Iterator[Window]:
        """A few thousand rows at a time."""
        start = 0
        try:
            with self._opened() as file:
                for batch in file.iter_batches(ROWS):
                    end = start + len(batch)
                    if start >= after:
                        self.done = end
                        yield self._window(batch, start=start)
                    start = end
        except (pa.ArrowException, OSError, ValueError) as error:  # pyarrow raises all of these on damage
            raise self._unreadable(error) from error

    def _window(self, batch: pa.RecordBatch, *, start: int) -> Window:
        numbers = list(range(start + 1, start + len(batch) + 1))
        texts, lacking = self._texts(batch, self.text, numbers)
        pairs = None
        if self.text_pair is not None:
            pairs, others = self._texts(batch, self.text_pair, numbers)
            lacking |= others
        if lacking:
            keep = pa.array([number not in lacking for number in numbers])
            batch, texts = batch.filter(keep), texts.filter(keep)
            pairs = None if pairs is None else pairs.filter(keep)
            numbers = [number for number in numbers if number not in lacking]
        return window_of(self, texts, pairs, end=start + len(batch) + len(lacking), numbers=numbers, columns=batch)

    def _texts(self, batch: pa.RecordBatch, column: str, numbers: Sequence[int]) -> tuple[pa.Array, set[int]]:
        """A column as texts, and numbers of the rows that hold none: they are told of."""
        values = batch.column(column)
        try:
            return as_text(values), set()
        except NoTextError as error:
            if error.row is None:
                raise self.refuse(f": column {column!r} {error}") from error
        found: list[str | None] = []
        lacking: set[int] = set()
        for place, number in enumerate(numbers):
            try:
                found += as_text(values.slice(place, 1)).to_pylist()
            except NoTextError as error:
                self.on_bad_row(number, f"column {column!r} {error}")
                found.append(None)
                lacking.add(number)
        return pa.array(found, pa.string()), lacking

    def _opened(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.asked.path, memory_map=True, page_checksum_verification=True)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> Exception:
        return self.refuse(f" cannot be read: {str(error).strip().splitlines()[0]}")
