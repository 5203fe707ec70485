"""Parquet, and vectors alone as an array of numpy."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poolsweep.predict.output.sink import Sink, Target
from poolsweep.predict.rows.window import Window

_WINDOWS_OF_A_GROUP = 8  # row group of a parquet file


class ParquetSink(Sink):
    """Parquet; columns keep their types.

    A parquet file can't be added to. Until all rows are there, they lie in Arrow's format for streams.
    """

    def write(self, file: Target, window: Window, answers: Mapping[str, pa.Array]) -> None:
        """A message per window."""
        assert window.columns is not None
        columns = {**dict(zip(window.columns.schema.names, window.columns.columns, strict=True)), **answers}
        plain = {name: _plain(column) for name, column in columns.items()}
        batch = pa.record_batch(list(plain.values()), names=list(plain))
        if file.tell() == 0:
            file.write(batch.schema.serialize())
        file.write(batch.serialize())

    def finish(self, part: Path, whole: Path) -> Path:
        """Turn the stream into parquet, a few windows at a time."""
        with (
            pa.OSFile(str(part)) as source,
            pa.ipc.open_stream(source) as stream,
            pq.ParquetWriter(whole, stream.schema) as writer,
        ):
            while batches := list(islice(stream, _WINDOWS_OF_A_GROUP)):
                writer.write_table(pa.Table.from_batches(batches))
        return whole


class NpySink(Sink):
    """The vectors alone, (N, D) float32, to be opened with ``numpy.load(…, mmap_mode="r")``."""

    keeps_columns = False

    def write(self, file: Target, window: Window, answers: Mapping[str, pa.Array]) -> None:
        """Numbers without a header; room for one is left."""
        (vectors,) = answers.values()
        values = vectors.flatten().to_numpy().reshape(len(vectors), vectors.type.list_size)
        if file.tell() == 0:
            np.lib.format.write_array_header_1_0(file, _header(0, values.shape[1]))  # type: ignore[arg-type]
        file.write(np.ascontiguousarray(values, dtype="<f4").tobytes())

    def finish(self, part: Path, whole: Path) -> Path:
        """Write the number of rows into the header: numpy leaves room for it."""
        with part.open("r+b") as file:
            np.lib.format.read_magic(file)
            (_, width), _, _ = np.lib.format.read_array_header_1_0(file)
            start = file.tell()
            rows = (part.stat().st_size - start) // (4 * width)
            file.seek(0)
            np.lib.format.write_array_header_1_0(file, _header(rows, width))
            if file.tell() != start:
                raise AssertionError(f"numpy's header has {file.tell()} bytes for {rows} rows, and {start} for none")
        return part


def _header(rows: int, width: int) -> dict[str, object]:
    return {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}


def _plain(column: pa.Array) -> pa.Array:
    """A column without dictionaries, which would be different ones in every window."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
