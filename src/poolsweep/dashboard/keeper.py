"""Writes the report anew when results have changed, in a process of its own, and keeps the last one that was whole."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from pathlib import Path

from poolsweep.process.interpreter import python_command
from poolsweep.runs.secrets import redacted

_EVERY_SECONDS = 2.0
_PATIENCE_SECONDS = 600.0


class ReportKeeper:
    """The newest report of a study.

    ``poolsweep report`` does the work: whatever a damaged study does to it, it does not do to the server.

    Args:
        study: Folder of the study.
        with_texts: Whether the page may show texts of the test split.
        every_seconds: Between two looks at the results.
    Attributes:
        version: Changes when the page does; 0 = there is none yet.
        problem: Why the newest results have no page.
        writing: Whether a page is being made.
    """

    def __init__(self, study: Path, *, with_texts: bool = True, every_seconds: float = _EVERY_SECONDS) -> None:
        self.version = 0
        self.problem: str | None = None
        self.writing = False
        self._study, self._with_texts, self._every = study, with_texts, every_seconds
        self._page = b""
        self._seen: frozenset[tuple[str, int, int]] | None = None
        self._shown: frozenset[tuple[str, int, int]] = frozenset()
        self._stop = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._watch, daemon=True, name="poolsweep-report")

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; a report that is being made is given up."""
        self._stop.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def page(self) -> bytes:
        """The last page; empty if there is none."""
        return self._page

    @property
    def lacks(self) -> int:
        """How many results have come or changed since those of the page; 0 without a page."""
        return len(_results(self._study) - self._shown) if self.version else 0

    def look(self) -> None:
        """Make a page if the results are not those of the last one."""
        found = _results(self._study)
        if found == self._seen:
            return
        self._seen = found
        if not found:
            self.problem = None
            return
        self.writing = True
        try:
            self._make(found)
        finally:
            self.writing = False

    def _watch(self) -> None:
        while True:
            try:
                self.look()
            except OSError as error:  # a folder that vanished; the next look may find it again
                self.problem = str(error)
            if self._stop.wait(self._every):
                return

    def _make(self, found: frozenset[tuple[str, int, int]]) -> None:
        with tempfile.TemporaryDirectory(prefix="poolsweep-dashboard-") as folder:
            command = python_command("-m", "poolsweep", "report", str(self._study.absolute()), "--out", folder)
            self._process = subprocess.Popen(
                command if self._with_texts else [*command, "--no-texts"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=_politely,
            )  # fmt: skip
            try:
                _, said = self._process.communicate(timeout=_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                said = f"the report took longer than {_PATIENCE_SECONDS:g} s"
            page = Path(folder) / "report.html"
            if self._process.returncode == 0 and page.is_file():
                self._page, self._shown, self.problem = page.read_bytes(), found, None
                self.version += 1
            elif not self._stop.is_set():
                lines = said.strip().splitlines() or [f"exit status {self._process.returncode}"]
                self.problem = redacted(lines[-1].removeprefix("poolsweep: "))


def _results(study: Path) -> frozenset[tuple[str, int, int]]:
    """What tells one state of the results from another, without reading them."""
    found = set()
    for path in study.glob("*/result.json"):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found.add((path.parent.name, stat.st_mtime_ns, stat.st_size))
    return frozenset(found)


def _politely() -> None:
    """The sweep that is watched goes first."""
    os.nice(10)
