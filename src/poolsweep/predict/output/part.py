"""A file that is written bit by bit, and goes on where it was when the same command is typed again.

Two files lie beside ``out.csv`` while it is written. ``out.csv.part`` has the rows so far; ``.out.csv.made-from.json``
says what they are made from, and how many bytes of them are whole. The second stays: it tells a finished output from a
file that somebody else wrote, which is never written over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from poolsweep.errors import UserError
from poolsweep.files.writing import make_durable, only_plain, read_json, remove, write_json
from poolsweep.predict.output.sink import Sink

_SECONDS_BETWEEN = 2.0  # two notes of how far it is; each waits for the disk


@dataclass
class Progressed:
    """How far an output is.

    Attributes:
        rows: Rows of the input that are behind.
        bytes: Size of the part.
        written: Rows that were written.
        cut: Texts that were cut to the maximum length.
        skipped: Rows that were left out.
        first_skipped: What was said of the first of them.
    """

    rows: int = 0
    bytes: int = 0
    written: int = 0
    cut: int = 0
    skipped: int = 0
    first_skipped: list[str] = field(default_factory=list)


class Part:
    """The unfinished file behind an output.

    Args:
        output: File that the user asked for.
        made_from: What its content follows from: the model, the input, the options. None where nobody can know.
    Attributes:
        progressed: How far it is.
        finished: Whether the output is there already, whole and of the same.
        note: What a user should know of how it begins; None if there is nothing.
    """

    def __init__(self, output: Path, made_from: Mapping[str, str] | None) -> None:
        self.output, self._made_from = output, made_from
        self._part = output.with_name(f"{output.name}.part")
        self._whole = output.with_name(f".{output.name}.whole")
        self._record = output.with_name(f".{output.name}.made-from.json")
        self.progressed, self.finished, self.note = Progressed(), False, None
        self._noted = -_SECONDS_BETWEEN
        known = self._known()
        self._stamp = known.get("output")
        if known.get("finished") and _stamp(output) != self._stamp:  # killed before it had its name
            for whole in (self._part, self._whole):
                if self._stamp and _stamp(whole) == self._stamp:
                    whole.replace(output)
                    remove(self._part)
        if os.path.lexists(output) and _stamp(output) != self._stamp:
            why = "was changed since it was written" if self._stamp else "was not written by this command"
            raise UserError(f"--output={output} exists, and {why}; choose another name, or remove it")
        same = made_from is not None and known.get("made_from") == dict(made_from)
        if same and known.get("finished") and os.path.lexists(output):
            self.finished = True
            self.progressed = _progressed(known)
        elif same and not known.get("finished") and self._size() >= _progressed(known).bytes > 0:
            self.progressed = _progressed(known)
            self.note = f"{output} goes on after row {self.progressed.rows:,}"
        elif known.get("made_from"):
            self.note = self._why_anew(known)

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The part, to be written to at its end; nobody else may write meanwhile.

        Raises:
            UserError: If another process is at it.
        """
        self.output.parent.mkdir(parents=True, exist_ok=True)
        lock = self.output.with_name(f".{self.output.name}.lock")
        try:
            with FileLock(only_plain(lock), timeout=0):
                only_plain(self._part).touch()
                with self._part.open("r+b") as file:
                    file.truncate(self.progressed.bytes)
                    file.seek(0, os.SEEK_END)
                    try:
                        yield file
                    finally:
                        lock.unlink(missing_ok=True)
        except Timeout as error:
            raise UserError(f"--output={self.output} is being written by another process") from error

    def wrote(self, file: BinaryIO) -> None:
        """A window is written; from time to time how far it is is noted, so that it can go on from there."""
        if time.monotonic() - self._noted >= _SECONDS_BETWEEN:
            self._note(file)

    def finish(self, file: BinaryIO, sink: Sink) -> None:
        """Give the whole file its name."""
        self._note(file)
        file.close()
        whole = sink.finish(self._part, only_plain(self._whole))
        make_durable(whole)
        self._stamp = _stamp(whole)  # renaming does not change it
        self._write_record(finished=True)
        whole.replace(self.output)
        remove(self._part)

    def _note(self, file: BinaryIO) -> None:
        file.flush()
        make_durable(self._part)
        self.progressed.bytes = file.tell()
        self._write_record(finished=False)
        self._noted = time.monotonic()

    def _write_record(self, *, finished: bool) -> None:
        made_from = None if self._made_from is None else dict(self._made_from)
        content = {"made_from": made_from, "finished": finished, "output": self._stamp, **asdict(self.progressed)}
        write_json(self._record, content)

    def _known(self) -> dict[str, Any]:
        with suppress(OSError, TypeError, ValueError, KeyError):
            known = read_json(self._record)
            numbers = [known[name] for name in ("rows", "bytes", "written", "cut", "skipped")]
            if all(isinstance(number, int) and number >= 0 for number in numbers) and _progressed(known):
                return known
        return {}

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.is_file() and not self._part.is_symlink() else -1

    def _why_anew(self, record: Mapping[str, Any]) -> str:
        """Why it is not gone on with."""
        before, now = record["made_from"], self._made_from
        if now is None or not isinstance(before, dict):
            return f"{self.output} is written anew: standard input can be read only once"
        changed = [name for name in now if before.get(name) != now[name]]
        if not changed:
            return f"{self.output} is written anew: what there was of it is gone"
        return f"{self.output} is written anew: the {' and the '.join(changed)} changed since"


def _progressed(record: Mapping[str, Any]) -> Progressed:
    return Progressed(**{name: record[name] for name in Progressed.__dataclass_fields__})


def _stamp(path: Path) -> list[int] | None:
    with suppress(OSError):
        stat = path.lstat()
        return [stat.st_size, stat.st_mtime_ns]
    return None
