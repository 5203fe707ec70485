"""Shows how runs go by reading their status files, so that it works under every launcher."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import holder
from poolsweep.runs.records import known_status
from poolsweep.sweep.estimate import about_left, seconds_left
from poolsweep.terminal.console import Console
from poolsweep.terminal.notebook import CellArea
from poolsweep.terminal.text import number

_ENDED = {"finished", "failed", "interrupted", "pruned"}
_KEPT_LINES = 30  # of a notebook's cell


class Display:
    """One bar for all runs, a line per running run, and a line that stays for each run that ends.

    The bar moves with the runs under way, not only when one ends, and says when all of them will have. Without a
    terminal there are plain lines alone: one per run that ends, and for a single run one per validation too. In a
    notebook all of it is one part of the cell's output.

    Args:
        runs: Folder → name of each run that is going to run.
        console: Console that is drawn on.
    """

    def __init__(self, runs: Mapping[RunFolder, str], *, console: Console) -> None:
        self._runs = dict(runs)
        self._console = console
        self._ended = 0
        self._took: list[float] = []
        self._left: float | None = None
        self._stale = {folder: _earlier_attempt(folder) for folder in runs}
        self._seen_epochs: dict[RunFolder, int] = {}
        self._cell = CellArea() if console.is_jupyter and not console.quiet else None
        self._kept: list[Text] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._bar = Progress(
            TextColumn("[bold]sweep" if len(runs) > 1 else "[bold]run"), BarColumn(),
            TextColumn("{task.fields[ended]}/{task.total}"), TimeElapsedColumn(), TextColumn("{task.fields[left]}"),
            console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=len(runs), ended=0, left="")

    def __enter__(self) -> Display:
        if self._cell is not None:
            self._cell.show(self._bar)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        if self._cell is not None:
            while not self._stop.wait(0.5):
                self._cell.show(self._with_kept(self._draw()))
            self._draw()
            self._cell.show(self._with_kept())
        elif self._console.is_terminal:
            with Live(console=self._console, refresh_per_second=4, transient=True, redirect_stdout=False) as live:
                while not self._stop.wait(0.25):
                    live.update(self._draw())
                self._draw()
        else:
            while not self._stop.wait(0.5):
                self._draw()
            self._draw()

    def _draw(self) -> Group:
        running: dict[str, Mapping[str, Any]] = {}
        ended: list[tuple[str, Mapping[str, Any]]] = []
        for folder, name in list(self._runs.items()):
            status = known_status(folder.path)
            if not status or status.get("started") == self._stale[folder]:
                continue  # an earlier attempt's
            if status.get("state") in _ENDED:
                ended.append((name, status))
                if status["state"] == "finished":
                    # Not what it did for the others: tokenised, and filled the feature store.
                    self._took.append(max(0.0, _seconds(status) - status.get("shared_seconds", 0.0)))
                del self._runs[folder]
            else:
                running[name] = status
                self._print_epoch(folder, status)
        waiting = len(self._runs) - len(running)
        for place, (name, status) in enumerate(ended, 1):
            self._ended += 1
            last = place == len(ended)
            self._left = self._estimate(running, waiting) if last else None
            self._print_end(name, status)
        self._left = self._estimate(running, waiting)
        shares = sum(_share(status) for status in running.values())
        self._bar.update(self._task, completed=self._ended + shares, ended=self._ended, left=about_left(self._left))
        room = max(1, self._console.height - 4)
        lines = [Text(f"  ▶ {name}  {_progress(status)}") for name, status in list(running.items())[:room]]
        if len(running) > room:
            lines.append(Text(f"  … and {len(running) - room} more", "dim"))
        return Group(self._bar, *lines)

    def _estimate(self, running: Mapping[str, Mapping[str, Any]], waiting: int) -> float | None:
        if not self._runs:
            return None
        return seconds_left(took=self._took, running=list(running.values()), waiting=waiting, now=time.time())

    def _print_epoch(self, folder: RunFolder, status: Mapping[str, Any]) -> None:
        epoch = status.get("epoch", 0) if "value" in status else 0
        if len(self._stale) == 1 and not self._console.is_terminal and epoch > self._seen_epochs.get(folder, 0):
            self._seen_epochs[folder] = epoch
            self._say(Text(f"  {_progress(status)}"))

    def _print_end(self, name: str, status: Mapping[str, Any]) -> None:
        total = len(self._stale)
        count = f"[{self._ended}/{total}] " if total > 1 else ""
        seconds = f"{_seconds(status):.1f} s"
        if not self._console.is_terminal and about_left(self._left):
            seconds += f"  ({about_left(self._left)})"
        if status["state"] == "finished":
            shown = "  ".join(f"{name} {number(value, '.4f')}" for name, value in _main_metrics(status))
            self._say(Text(f"{count}finished  {name}  {shown}  {seconds}"))
        else:
            self._say(Text(f"{count}{status['state']}  {name}  {status.get('reason', '')}  {seconds}", style="red"))

    def _say(self, line: Text) -> None:
        if self._cell is not None:
            self._kept.append(line)
        else:
            self._console.say(line, hang=6)

    def _with_kept(self, *below: Group) -> Group:
        """The last lines that stay, for a notebook; a thousand runs do not fill its page."""
        hidden = len(self._kept) - _KEPT_LINES
        more = [Text(f"… {hidden} lines before", "dim")] if hidden > 0 else []
        return Group(*more, *self._kept[-_KEPT_LINES:], *below)


def _earlier_attempt(folder: RunFolder) -> float | None:
    """When an attempt that is over was started; None if there was none, or another process is at work on the run."""
    return None if holder(folder.lock) is not None else known_status(folder.path).get("started", 0.0)


def _seconds(status: Mapping[str, Any]) -> float:
    """How long a run that has ended took."""
    return status.get("seconds", 0.0)


def _share(status: Mapping[str, Any]) -> float:
    step, steps = status.get("step"), status.get("steps")
    return min(1.0, step / steps) if step and steps else 0.0


def _progress(status: Mapping[str, Any]) -> str:
    step, steps = status.get("step"), status.get("steps")
    percent = f" {100 * step / steps:.0f}%" if step and steps else ""
    epoch = f" epoch {status['epoch']}/{status['epochs']}" if "epoch" in status and "epochs" in status else ""
    value = f" {status['monitor']} {number(status['value'], '.4f')}" if "value" in status else ""
    left = about_left(status.get("seconds_left"))
    return f"{status.get('phase', '')}{epoch}{percent}{value}" + (f"  {left}" if left else "")


def _main_metrics(status: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The metric that selected, on validation and test; of a run that selects nothing the first that it has."""
    metrics = status.get("metrics", {})
    others = (name for name in metrics if name.startswith("val/") and name != "val/loss")
    selected = str(status.get("monitor") or next(others, "val/loss")).partition("/")[2]
    return [(name, metrics[name]) for name in (f"val/{selected}", f"test/{selected}") if name in metrics]
