"""A data set of the Hugging Face hub."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import xxhash

from poolsweep.data.cache import cache_dir
from poolsweep.data.formats.as_text import NoTextError, as_text, class_names, label_text
from poolsweep.data.formats.columns import ROWS_AT_ONCE, Asked, Found, LabelColumns, Sink, columns_of, require_different
from poolsweep.data.source import Source
from poolsweep.data.sources.rows import rows_by_key
from poolsweep.data.split_off import Splitting, split_rows
from poolsweep.data.splits import Split, Splits
from poolsweep.errors import UserError, nearest
from poolsweep.files.hashing import file_hash
from poolsweep.tasks.labels import names_as_read

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


class Hub(Source):
    """A data set from the hub, its local cache, or a folder that is laid out as on the hub.

    Args:
        name: The data set's name, such as ``fancyzhx/ag_news``, or a path.
        subset: Name of the data set's configuration, such as ``sst2`` of ``nyu-mll/glue``.
        revision: Branch, tag or commit.
        train: Name of the training split.
        validation: Name of the validation split; null or absent = split off the training split.
        test: Name of the test split; null or absent = split off the training split.
        text: Name of the column with the text.
        text_pair: Name of the column with a second text, if each example is a pair.
        label: Name of the column with the label or, of several labels a text, the list of them; or the names of
            several columns of 0 and 1, one for each label.
        labels: All label names in the order of their ids; None = the data set's own order, else sorted.
        validation_fraction: Share of the training rows, if split off.
        test_fraction: Share of the training rows, if split off.
        split_seed: Seed of the splitting.
        folds: Folds of the training rows, each held out once: for test, or for validation where there is a test split.
        fold: The fold that is held out, 0 to ``folds`` − 1.
        group: Name of a column of the training split; rows with the same value go into the same split.
    """

    found_by = ("name", "train", "validation", "test")

    def __init__(
        self,
        *,
        name: str,
        subset: str | None = None,
        revision: str | None = None,
        train: str = "train",
        validation: str | None = "validation",
        test: str | None = "test",
        text: str = "text",
        text_pair: str | None = None,
        label: LabelColumns = "label",
        labels: list[str | int | float | bool] | None = None,
        validation_fraction: float = 0.1,
        test_fraction: float = 0.1,
        split_seed: int = 0,
        folds: int | None = None,
        fold: int | None = None,
        group: str | None = None,
    ) -> None:
        self.name, self.subset, self.revision = name, subset, revision
        self.names = {"train": train, "validation": validation, "test": test}
        self.columns = columns_of(text, text_pair, label)
        self.columns_named = None if isinstance(label, str) else tuple(label)
        self.labels, self.group = labels, group
        self.splitting = Splitting(validation_fraction, test_fraction, split_seed, folds, fold)

    def fingerprint(self) -> str:
        """The rows of the splits that are read, whatever the hub or its cache calls them."""
        return xxhash.xxh3_128_hexdigest(repr([(name, part.content) for name, part in self._parts.items()]).encode())

    def read(self) -> Splits:
        """Load the data set.

        Raises:
            UserError: If there is no such data set, split or column, or it cannot be reached.
        """
        found, given = {}, None
        for split, part in self._parts.items():
            rows, about = rows_by_key(part.content, part.asked, part.read)
            found[split] = Split(split, part.asked.where, rows, np.arange(len(rows)))
            given = about.label_names if split == "train" else given
        of = f"{self.name}[{self.names['train']}]"
        splits, notes = split_rows(found, self.splitting, of=of, strata=self.strata)
        given = self.columns_named or given
        if self.labels is not None:
            given = names_as_read(self.labels, set(splits["train"].column("label").unique().to_pylist()))
        return Splits(
            splits["train"], splits["validation"], splits.get("test"),
            label_names=given, notes=notes, given_id=self.fingerprint(),
        )  # fmt: skip

    def read_again(self) -> Splits:
        """Load the data set from the local cache; a folder is refused, because its card may name files to fetch.

        Raises:
            UserError: If the name is a file or a folder, or the cache lacks the data set.
        """
        if Path(str(self.name)).exists():
            raise UserError("its data.name is a file or a folder here, and a report reads no folder as a data set")
        with _offline():
            return self.read()

    @cached_property
    def _parts(self) -> dict[str, _Part]:
        require_different(self._columns("train"))
        loaded = _load(self.name, self.subset, self.revision)
        train = self.names["train"]
        if train not in loaded:
            raise UserError(f"data.train={train} is no split of {self.name}; {nearest(str(train), map(str, loaded))}")
        return {
            split: _Part(loaded[name], Asked(Path(self.name), f"{self.name}[{name}]", self._columns(split)))
            for split, name in self.names.items()
            if name is not None and name in loaded
        }

    def _columns(self, split: str) -> dict[str, str]:
        return self.columns | ({"group": self.group} if self.group is not None and split == "train" else {})


class _Part:
    """One split as ``datasets`` gives it."""

    def __init__(self, rows: Dataset, asked: Asked) -> None:
        asked.require(rows.column_names)
        self.asked = asked
        self._rows = rows.select_columns(list(asked.columns.values()))
        self._class_names = class_names(rows.features[asked.label]) if "label" in asked.columns else None

    @cached_property
    def content(self) -> str:
        """A hash of all that ``read`` gives."""
        digest = xxhash.xxh3_128(repr(self._class_names).encode("utf-8", "surrogatepass"))
        for columns in self._batches():
            for name in self.asked.columns:
                values = columns[name].fill_null("\0")
                digest.update(f"{name} {[len(text) for text in values.to_pylist()]}".encode())
                digest.update("".join(values.to_pylist()).encode())
        return digest.hexdigest()

    def read(self, sink: Sink) -> Found:
        for columns in self._batches():
            sink(columns)
        return Found(label_names=self._class_names)

    def _batches(self) -> Iterator[dict[str, pa.Array]]:
        rows: Any = self._rows.with_format("arrow")
        for start in range(0, len(self._rows), ROWS_AT_ONCE):
            table = rows[start : start + ROWS_AT_ONCE]
            yield {name: self._text(table, name, start) for name in self.asked.columns}

    def _text(self, table: pa.Table, name: str, start: int) -> pa.Array:
        column = self.asked.columns[name]
        values = pa.concat_arrays(table.column(column).chunks)
        try:
            return label_text(values, self._class_names) if name == "label" else as_text(values)
        except NoTextError as error:
            raise self.asked.refuse(f": column {column!r} {error.at(start)}") from error


@contextmanager
def _offline() -> Iterator[None]:
    """Keep the hub's clients off the network, also where they were imported before and have read their variable."""
    flags = [(sys.modules.get(name), "HF_HUB_OFFLINE") for name in ("datasets.config", "huggingface_hub.constants")]
    before = [(module, flag, getattr(module, flag)) for module, flag in flags if module is not None]
    os.environ["HF_HUB_OFFLINE"] = "1"  # for those that are imported only now
    for module, flag, _ in before:
        setattr(module, flag, True)
    try:
        yield
    finally:
        for module, flag, value in before:
            setattr(module, flag, value)


def _load(name: str, subset: str | None, revision: str | None) -> DatasetDict:
    import datasets

    datasets.disable_progress_bars()
    # A folder's own cache is known by path and times; here it is known by content.
    cache = str(cache_dir() / "datasets" / _folder_hash(Path(name))) if Path(name).is_dir() else None
    try:
        loaded: Any = datasets.load_dataset(name, subset, revision=revision, cache_dir=cache)
    except Exception as error:  # the hub's client raises many types, none of them ours
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"data.name={name} cannot be loaded: {reason}; offline, use data=icd10 or data=files"
        ) from error
    return loaded


def _folder_hash(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return xxhash.xxh3_128_hexdigest(repr([(str(p.relative_to(folder)), file_hash(p)) for p in files]).encode())
