"""Labelled texts in named splits, before tokenisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import xxhash
from pyarrow import compute

if TYPE_CHECKING:  # its import takes a second
    from datasets import Dataset

pc: Any = compute  # its functions are made when it is imported, so no type checker sees them

SPLIT_NAMES = ("train", "validation", "test")
_ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Split:
    """The examples of one split, in the order of their source.

    Attributes:
        name: train, validation or test.
        origin: The file or data set they come from, for messages.
        rows: Columns ``text``, ``label`` (both string) and, for pairs, ``text_pair``; ``group`` until they are divided.
        row_ids: (N,) int64, each example's row in ``origin``, 0 = first after the header.
        is_split_off: Whether they were training rows of the source, and split off.
    """

    name: str
    origin: str
    rows: Dataset
    row_ids: np.ndarray
    is_split_off: bool = False

    def __len__(self) -> int:
        return len(self.row_ids)

    @property
    def is_pair(self) -> bool:
        """Whether each example is a pair of texts."""
        return "text_pair" in self.rows.column_names

    @cached_property
    def towers(self) -> tuple[Split, Split]:
        """The first texts of pairs and the second ones, as splits of single texts."""
        first = self.rows.select_columns(["text", "label"])
        second = self.rows.select_columns(["text_pair", "label"]).rename_column("text_pair", "text")
        return replace(self, rows=first), replace(self, rows=second)

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

    def where(self, chosen: np.ndarray) -> Split:
        """Some of its rows, in their order; ``chosen`` (N,) bool, True = stays."""
        rows = np.flatnonzero(chosen)
        return replace(self, rows=self.rows.select(rows), row_ids=self.row_ids[rows])

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns, in an order that does not depend on the source."""
        return tuple(name for name in ("text", "text_pair", "label") if name in self.rows.column_names)


@dataclass(frozen=True)
class Splits:
    """All splits of a data set, with what the source knows of its labels.

    Attributes:
        train: What is trained on.
        validation: What is selected on.
        test: What is reported; evaluated once. None = all rows are fitted, and none are left to report on.
        label_names: Label names in the order of their ids, where the source gives one; None = decided from train.
        notes: What was done to the data, for the log ("validation split off train: …").
        cautions: What of the data undermines a result, for log and report.
        given_id: What identifies the content, where the source says it; see ``content_id``.
        as_read: What a source read, where rows were left out since: it is what identifies the content.
    """

    train: Split
    validation: Split
    test: Split | None
    label_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = field(default=())
    cautions: tuple[str, ...] = field(default=())
    given_id: str | None = None
    as_read: Splits | None = None

    def __iter__(self) -> Iterator[Split]:
        return (split for split in (self.train, self.validation, self.test) if split is not None)

    @cached_property
    def train_and_validation(self) -> Split:
        """The rows of both as one training split."""
        from datasets import concatenate_datasets

        parts = (self.train, self.validation)
        rows = concatenate_datasets([split.rows.select_columns(self.train.rows.column_names) for split in parts])
        return replace(self.train, rows=rows, row_ids=np.concatenate([split.row_ids for split in parts]))

    def fitted(self, *, selects: bool) -> tuple[Split, ...]:
        """The splits as a run reads them.

        Args:
            selects: Whether validation rows are held back; else they are trained on.
        """
        if selects:
            return tuple(self)
        return (self.train_and_validation, *(() if self.test is None else (self.test,)))

    def without(self, left_out: Mapping[str, np.ndarray], *, notes: Sequence[str] = ()) -> Splits:
        """The same splits without some rows; what identifies their content stays that of all.

        Args:
            left_out: Split → True at each row that goes, (N,) bool.
            notes: What to say of it.
        """
        changed = {name: getattr(self, name).where(~rows) for name, rows in left_out.items() if rows.any()}
        return replace(self, **changed, notes=(*self.notes, *notes), as_read=self.as_read or self)

    @cached_property
    def fingerprint(self) -> str:
        """What identifies the content and, unless the source says what does, how it is split."""
        if self.as_read is not None:
            return self.as_read.fingerprint
        if self.given_id is not None:
            return self.given_id
        digest = xxhash.xxh3_128(repr(self.label_names).encode("utf-8", "surrogatepass"))
        for split in self:
            digest.update(f"{split.name} {split.columns} {split.content_hash}".encode())
            digest.update(split.hashes("label").tobytes())
            digest.update(np.asarray(split.row_ids, dtype=np.int64).tobytes())
        return digest.hexdigest()

    @cached_property
    def content_id(self) -> str:
        """What identifies the content, however it is split; of rows that no source vouches for, a sum over them."""
        if self.as_read is not None:
            return self.as_read.content_id
        if self.given_id is not None:
            return self.given_id
        total = 0
        for split in self:
            whole = np.zeros(len(split), dtype=np.uint64)
            for name in split.columns:
                whole = (whole + split.hashes(name)) * np.uint64(0x9E3779B97F4A7C15)
            total = (total + int(whole.sum(dtype=np.uint64))) % 2**64
        return f"{sum(map(len, self))} rows {total:016x}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
