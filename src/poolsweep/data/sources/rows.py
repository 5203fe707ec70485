"""Rows of a file as a memory-mapped data set, made once for each content and checked whenever it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from poolsweep.data.cache import cached, cannot_write
from poolsweep.data.formats.columns import Asked, Found, Sink, marks_as_lists
from poolsweep.data.formats.delimited import read_delimited
from poolsweep.data.formats.json_lines import read_json_lines
from poolsweep.data.formats.parquet import read_parquet
from poolsweep.files.hashing import file_hash

if TYPE_CHECKING:
    from datasets import Dataset

READERS: dict[str, Callable[[Asked, Sink], Found]] = {
    ".csv": read_delimited, ".tsv": read_delimited, ".jsonl": read_json_lines, ".json": read_json_lines,
    ".parquet": read_parquet,
}  # fmt: skip
_VERSION = 1  # of what the readers give
_FILE = "rows.arrow"


def rows_of_file(asked: Asked) -> tuple[Dataset, Found]:
    """Read a file, or what was made of the same bytes before.

    Args:
        asked: What is to be read.
    Raises:
        UserError: If it cannot be read, or changes meanwhile.
    """
    ending = asked.path.suffix.lower()

    def read(sink: Sink) -> Found:
        with _readable(asked):
            found = READERS[ending](asked, sink)
            if file_hash(asked.path) != content:
                raise asked.refuse(" changed while it was read; type the command again")
        return found

    with _readable(asked):
        content = file_hash(asked.path)
    return rows_by_key(f"{content} {ending} {asked.quoted}", asked, read)


@contextmanager
def _readable(asked: Asked) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise asked.refuse(f" cannot be read: {error.strerror or error}") from error


def rows_by_key(key: str, asked: Asked, read: Callable[[Sink], Found]) -> tuple[Dataset, Found]:
    """Rows by what they are made from.

    Args:
        key: What they follow from, beside the columns.
        asked: The columns.
        read: Gives them to a sink.
    """
    from datasets import Dataset

    def make(folder: Path) -> Mapping[str, Any]:
        with pa.OSFile(str(folder / _FILE), "wb") as file:
            found, count = _write(file, asked, read, folder)
        if not count:
            raise asked.refuse(" has no rows")
        return {"label_names": found.label_names, "cautions": found.cautions}

    columns = sorted(asked.columns.items())
    rows = cached("rows", f"{_VERSION} {key} {columns}", make, what="rows that were read before")
    names = rows.about["label_names"]
    found = Found(None if names is None else tuple(names), tuple(rows.about["cautions"]))
    return Dataset.from_file(str(rows.folder / _FILE)), found


def _write(file: pa.OSFile, asked: Asked, read: Callable[[Sink], Found], folder: Path) -> tuple[Found, int]:
    schema = pa.schema([(name, pa.string()) for name in asked.names])
    count = 0
    with pa.ipc.new_stream(file, schema) as writer:

        def sink(columns: Mapping[str, pa.Array]) -> None:
            nonlocal count
            merged = marks_as_lists(asked, columns, start=count)
            batch = pa.record_batch([merged[name] for name in schema.names], schema=schema)
            try:
                writer.write_batch(batch)
            except OSError as error:
                raise cannot_write(folder.parent, error) from error
            count += len(batch)

        return read(sink), count
