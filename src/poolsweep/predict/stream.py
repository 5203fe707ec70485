"""Rows in, rows with a model's answers out, a window at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from poolsweep.errors import UserError
from poolsweep.predict.model import Output
from poolsweep.predict.output.part import Part, Progressed
from poolsweep.predict.output.sink import Sink
from poolsweep.predict.rows.window import RowFile, Window
from poolsweep.terminal.console import Console
from poolsweep.terminal.text import ShownStream, in_one_line, shown

_NAMED = 5  # rows that were left out and are named at the end


@dataclass(frozen=True)
class Stream:
    """A file of rows and what is made of each.

    Attributes:
        rows: The input.
        read: The model, asked for what is wanted of a window's texts.
        columns: The columns that are made of what it gave.
        sink: Writes the output.
        console: Shows how far it is.
    """

    rows: RowFile
    read: Callable[[Window], Output]
    columns: Callable[[Output], Mapping[str, pa.Array]]
    sink: Sink
    console: Console

    def to_file(self, part: Part) -> None:
        """Write a file, from where an interrupted one ended."""
        with part.opened() as file:
            for window, answers in self._answered(part.progressed):
                self.sink.write(file, window, answers)
                part.wrote(file)
            self.rows.require_unchanged()
            part.finish(file, self.sink)

    def to_stdout(self, progressed: Progressed) -> None:
        """Write to standard output: as it is to a file or a pipe, and with control characters shown to a terminal."""
        target = _Stdout()
        for window, answers in self._answered(progressed):
            self.sink.write(target, window, answers)

    def _answered(self, progressed: Progressed) -> Iterator[tuple[Window, Mapping[str, pa.Array]]]:
        with _bar(self.rows, self.console, before=progressed.written) as tick:
            for window in self.rows.windows(after=progressed.rows):
                output = self.read(window)
                progressed.rows = window.end
                progressed.written += len(window)
                progressed.cut += int(output.truncated.sum())
                yield window, self.columns(output)
                tick(progressed)


class BadRows:
    """Decides what becomes of rows that cannot be read: the first ends the command, or all are left out and counted.

    Args:
        where: How messages call the file.
        skip: Whether they are left out.
    Attributes:
        progressed: Counts them.
    """

    def __init__(self, where: str, *, skip: bool) -> None:
        self._where, self._skip = where, skip
        self.progressed = Progressed()

    def __call__(self, number: int, problem: str) -> None:
        """Told of a row.

        Raises:
            UserError: If none may be left out.
        """
        said = f"row {number}: {problem}"
        if not self._skip:
            raise UserError(f"{self._where}: {said}; --on-error skip leaves such rows out")
        self.progressed.skipped += 1
        if len(self.progressed.first_skipped) < _NAMED:
            self.progressed.first_skipped.append(said)


def summary(progressed: Progressed, *, max_length: int, seconds: float, before: int) -> Iterator[str]:
    """What a user should know at the end, a sentence each.

    Args:
        progressed: How far it came.
        max_length: Tokens that a text was cut to.
        seconds: Time it took.
        before: Rows that an earlier attempt had written.
    """
    done = progressed.written - before
    rate = f", {done / seconds:,.0f} rows/s" if done and seconds > 0 else ""
    yield f"{progressed.written:,} row{'s' * (progressed.written != 1)} in {seconds:.1f} s{rate}"
    if progressed.cut:
        share = progressed.cut / progressed.written
        yield f"{share:.1%} of the rows ({progressed.cut:,}) were cut to {max_length} tokens"
    if progressed.skipped:
        named = "; ".join(progressed.first_skipped)
        more = f"; and {progressed.skipped - _NAMED:,} more" if progressed.skipped > _NAMED else ""
        yield f"left out {progressed.skipped:,} row{'s' * (progressed.skipped != 1)}: {in_one_line(named)}{more}"


@contextmanager
def _bar(rows: RowFile, console: Console, *, before: int) -> Iterator[Callable[[Progressed], None]]:
    """A bar with rows, rows per second and the time left, where there is a terminal.

    Args:
        rows: The input.
        console: Console that is drawn on.
        before: Rows that an earlier attempt had written.
    """
    if not console.is_terminal:
        yield lambda progressed: None
        return
    columns = (BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as bar:
        task: TaskID = bar.add_task("", total=rows.total, said="")
        begun = time.monotonic()

        def tick(progressed: Progressed) -> None:
            rate = max(1, progressed.written - before) / max(1e-9, time.monotonic() - begun)
            said = f"{progressed.written:,} rows, {rate:,.0f} rows/s"
            if rows.total and rows.done:  # its rows may be counted in bytes
                left = (rows.total - rows.done) * progressed.rows / rows.done / rate
                said += f", {timedelta(seconds=max(0, round(left)))} left"
            bar.update(task, completed=rows.done, said=said)

        yield tick


class _Stdout:
    """Standard output as a file of bytes that begins empty."""

    def __init__(self) -> None:
        stream = sys.stdout
        self._below = stream.below if isinstance(stream, ShownStream) else stream
        self._terminal = self._below.isatty()
        self._written = 0

    def tell(self) -> int:
        """Bytes so far."""
        return self._written

    def write(self, content: bytes) -> int:
        """Write bytes: to a terminal as text with control characters shown."""
        if self._terminal or not hasattr(self._below, "buffer"):
            text = content.decode("utf-8", "replace")
            self._below.write(shown(text) if self._terminal else text)
        else:
            self._below.buffer.write(content)
        self._below.flush()
        self._written += len(content)
        return len(content)
