"""``poolsweep predict`` and ``poolsweep encode``: a file of texts in, predictions or vectors out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from poolsweep.errors import UserError
from poolsweep.predict.model import Model, Output, Reads, VectorModel
from poolsweep.predict.output.arrays import NpySink, ParquetSink
from poolsweep.predict.output.part import Part
from poolsweep.predict.output.sink import Sink
from poolsweep.predict.output.text import CsvSink, JsonlSink, joined
from poolsweep.predict.rows.opening import content_of, open_rows
from poolsweep.predict.rows.window import RowFile, Window
from poolsweep.predict.stream import BadRows, Stream, summary
from poolsweep.process.signals import stop_signals
from poolsweep.terminal.console import Console

_OF_PREDICTIONS: dict[str, type[Sink]] = {".csv": CsvSink, ".jsonl": JsonlSink, ".parquet": ParquetSink}
_OF_VECTORS: dict[str, type[Sink]] = {".npy": NpySink, ".parquet": ParquetSink}


@dataclass(frozen=True, kw_only=True)
class RowOptions:
    """What was typed after either verb.

    Attributes:
        input: A file, or ``-`` for plain lines of standard input.
        output: A file; None = standard output.
        text: Column with the text; None = as the model was trained.
        text_pair: Column with the second text; None = as the model was trained.
        quoted: Whether ``"`` quotes fields; None = in csv, but not in tsv.
        skip: Whether rows that cannot be read are left out.
        prefix: Put before the names of new columns.
    """

    input: str
    output: Path | None = None
    text: str | None = None
    text_pair: str | None = None
    quoted: bool | None = None
    skip: bool = False
    prefix: str = ""


def predict_rows(model: Model, typed: RowOptions, *, all_outputs: bool, console: Console) -> None:
    """Write the input with the columns that the task predicts.

    Args:
        model: Any that predicts.
        typed: What was typed.
        all_outputs: Whether every output has a column of its own, too.
        console: Shows how far it is, and says what a user should know.
    Raises:
        UserError: If something does not fit.
    """

    if all_outputs and not model.task.has_labels:
        raise UserError(f"--probabilities: {model.name} predicts a score for each text, and no probabilities")
    holds_lists = sink_of(typed.output, _OF_PREDICTIONS).holds_lists

    def columns(output: Output) -> Mapping[str, pa.Array]:
        found = model.task.answers(model.contract, output.values, all_outputs=all_outputs)
        return found if holds_lists else joined(found, model.contract.separator)

    _run(
        model, model.reads, typed, lambda window: model.predict(window.texts, window.pairs), columns,
        sinks=_OF_PREDICTIONS, options=f"predict {all_outputs}", console=console,
    )  # fmt: skip


def encode_rows(model: VectorModel, typed: RowOptions, *, console: Console) -> None:
    """Write the input with a column ``vector``, or the vectors alone, as ``predict_rows`` writes predictions."""

    def columns(output: Output) -> Mapping[str, pa.Array]:
        flat = pa.array(output.values.reshape(-1), pa.float32())
        return {"vector": pa.FixedSizeListArray.from_arrays(flat, output.values.shape[1])}

    _run(
        model, model.reads.of_vectors, typed, lambda window: model.encode(window.texts, window.pairs), columns,
        sinks=_OF_VECTORS, options="encode", console=console,
    )  # fmt: skip


def sink_of(output: Path | None, sinks: Mapping[str, type[Sink]]) -> Sink:
    """What writes an output, by its ending.

    Raises:
        UserError: If there is none.
    """
    if output is None:
        return CsvSink()
    if output.suffix.lower() not in sinks:
        raise UserError(f"--output={output} must end in {' or '.join(sinks)}")
    if output.is_dir():
        raise UserError(f"--output={output} is a folder")
    return sinks[output.suffix.lower()]()


def check_output(typed: RowOptions, *, vectors: bool) -> None:
    """Refuse an output that cannot be, before anything is loaded.

    Raises:
        UserError: With why not.
    """
    sink = sink_of(typed.output, _OF_VECTORS if vectors else _OF_PREDICTIONS)
    if not sink.keeps_columns and typed.skip:
        raise UserError("--on-error skip would leave rows out of an array: row i of it must be row i of the input; "
                        "--output FILE.parquet keeps the columns beside the vectors")  # fmt: skip
    output, given = typed.output, Path(typed.input)
    if output is not None and output.exists() and given.exists() and output.samefile(given):
        raise UserError(f"--output={output} is the input itself")


def _run(
    model: VectorModel,
    reads: Reads,
    typed: RowOptions,
    read: Callable[[Window], Output],
    columns: Callable[[Output], Mapping[str, pa.Array]],
    *,
    sinks: Mapping[str, type[Sink]],
    options: str,
    console: Console,
) -> None:
    sink = sink_of(typed.output, sinks)
    bad = BadRows(f"--input={typed.input}", skip=typed.skip)
    rows = open_rows(
        typed.input, text=typed.text or reads.text, text_pair=_pair(reads, typed), quoted=typed.quoted,
        objects=isinstance(sink, JsonlSink), on_bad_row=bad,
    )  # fmt: skip

    def named(output: Output) -> Mapping[str, pa.Array]:
        return {f"{typed.prefix}{name}": column for name, column in columns(output).items()}

    if sink.keeps_columns:
        _require_new(rows, list(named(read(Window(0, [], None if rows.text_pair is None else [])))))
    stream = Stream(rows, read, named, sink, console)
    begun = time.monotonic()
    if typed.output is None:
        progressed, before = bad.progressed, 0
        stream.to_stdout(progressed)
    else:
        content = content_of(rows)
        options = f"{options} {typed.quoted} {typed.skip} {typed.prefix!r}"
        made_from = None if content is None else {"model": model.identity, "input": content, "options": options}
        part = Part(typed.output, made_from)
        if part.finished:
            console.say(f"{typed.output} is finished: {part.progressed.written:,} rows; remove it to write it anew")
            return
        if part.note:
            console.say(part.note)
        bad.progressed = progressed = part.progressed
        before = progressed.written
        with stop_signals:
            stream.to_file(part)
    for line in summary(progressed, max_length=reads.max_length, seconds=time.monotonic() - begun, before=before):
        console.say(line)


def _pair(reads: Reads, typed: RowOptions) -> str | None:
    if reads.text_pair is None and typed.text_pair is not None:
        column = typed.text_pair
        towers = f"; --text {column} gives that column's" if reads.two_towers else ""
        raise UserError(f"--text-pair {column}: the model reads single texts{towers}")
    return typed.text_pair or reads.text_pair


def _require_new(rows: RowFile, names: Sequence[str]) -> None:
    clash = [name for name in names if name in rows.names]
    if clash:
        raise rows.refuse(
            f" has a column {clash[0]!r} already; --prefix puts something before the names of new columns"
        )
