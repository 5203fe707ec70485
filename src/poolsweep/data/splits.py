"""Labelled texts in named splits, before tokenisation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from datasets import Dataset
from pyarrow import compute

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them

SPLIT_NAMES = ("train", "validation", "test")
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Split:
    """The examples of one split, in the order of their source.

    Attributes:
        name: train, validation or test.
        origin: The file or data set they come from, for messages.
        rows: Columns ``text``, ``label`` (both string) and, for pairs, ``text_pair``.
        row_ids: (N,) int64, each example's row in ``origin``, 0 = first after the header.
    """

    name: str
    origin: str
    rows: Dataset
    row_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.row_ids)

    @property
    def is_pair(self) -> bool:
        """Whether each example is a pair of texts."""
        return "text_pair" in self.rows.column_names

    def column(self, name: str) -> pa.ChunkedArray:
        """A short column, such as the labels, whole and as Arrow, in the order of ``row_ids``."""
        return pa.chunked_array(self._arrays(name), pa.string())

    def slices(self, name: str) -> Iterator[pa.Array]:
        """A column a few thousand rows at a time: for what must not hold all texts in memory at once."""
        return (pc.fill_null(values, "") for values in self._arrays(name))

    def _arrays(self, name: str) -> Iterator[pa.Array]:
        # Of rows that were selected, datasets gives a chunk each, which takes a kilobyte: never of all rows at once.
        chosen = self.rows.select_columns([name]).with_format("arrow")
        for start in range(0, len(self), _ROWS_AT_ONCE):
            table: Any = chosen[start : start + _ROWS_AT_ONCE]  # a table in this format, whatever the annotation says
            yield pa.concat_arrays(table.column(name).chunks)

    def hashes(self, name: str) -> np.ndarray:
        """A 64-bit fingerprint of each value of a column; (N,) uint64."""
        found = np.empty(len(self), dtype=np.uint64)
        start = 0
        for values in self.slices(name):
            texts = values.to_pylist()
            found[start : start + len(texts)] = [xxhash.xxh3_64_intdigest(_bytes(text)) for text in texts]
            start += len(texts)
        return found

    @cached_property
    def content_hash(self) -> str:
        """A fingerprint of texts and their order; labels do not enter, since features do not depend on them."""
        digest = xxhash.xxh3_128()
        for name in ("text", "text_pair"):
            if name in self.rows.column_names:
                digest.update(name.encode())
                for values in self.slices(name):
                    digest.update(pc.binary_length(values).to_numpy(zero_copy_only=False).tobytes())
                    digest.update(_bytes("".join(values.to_pylist())))
        return digest.hexdigest()


@dataclass(frozen=True)
class Splits:
    """All splits of a data set, with what the source knows of its labels.

    Attributes:
        train: What is trained on.
        validation: What is selected on.
        test: What is reported; evaluated once.
        label_names: Label names in the order of their ids, where the source gives one; None = decided from train.
        notes: What was done to the data, for the log ("validation carved out of train: …").
    """

    train: Split
    validation: Split
    test: Split
    label_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = field(default=())

    def __iter__(self):  # noqa: ANN204
        return iter((self.train, self.validation, self.test))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
