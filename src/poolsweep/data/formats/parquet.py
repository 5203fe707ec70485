"""Parquet, whatever plain types its columns have."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from poolsweep.data.formats.as_text import NoTextError, as_text, class_names, label_text
from poolsweep.data.formats.columns import ROWS_AT_ONCE, Asked, Found, Sink
from poolsweep.terminal.progress import Progress


def read_parquet(asked: Asked, sink: Sink) -> Found:
    """Read a parquet file; class labels of the ``datasets`` package are read as their names.

    Args:
        asked: What is to be read.
        sink: Gets the columns.
    Raises:
        UserError: If it cannot be read, a column is missing, or one holds something else than text.
    """
    try:
        with pq.ParquetFile(asked.path, memory_map=True, page_checksum_verification=True) as file:
            return _read(asked, file, sink)
    except (pa.ArrowException, OSError, ValueError) as error:  # pyarrow raises all of these on damage
        raise asked.refuse(f" cannot be read: {str(error).strip().splitlines()[0]}") from error


def _read(asked: Asked, file: pq.ParquetFile, sink: Sink) -> Found:
    schema = file.schema_arrow
    asked.require(schema.names)
    names = class_names(_feature(schema, asked.columns["label"])) if "label" in asked.columns else None
    progress = Progress(f"reading {asked.path}", file.metadata.num_rows)
    done = 0
    for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(asked.columns.values())):
        found = {}
        for name, column in asked.columns.items():
            values = batch.column(batch.schema.get_field_index(column))
            try:
                found[name] = label_text(values, names) if name == "label" else as_text(values)
            except NoTextError as error:
                raise asked.refuse(f": column {column!r} {error.at(done)}") from error
        sink(found)
        done += len(batch)
        progress.at(done)
    return Found(label_names=names)


def _feature(schema: pa.Schema, label: str) -> Any:  # noqa: ANN401
    """What ``datasets`` says of a column beside the schema; None where it did not write the file."""
    try:
        return json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"][label]
    except (KeyError, ValueError, TypeError):
        return None
