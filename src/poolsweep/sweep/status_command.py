"""``poolsweep status``: prints where the runs of a study are, once or again and again."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from poolsweep.console import Console
from poolsweep.run.files import remove_half_written
from poolsweep.run.folder import RunFolder
from poolsweep.run.tidy import tidy
from poolsweep.sweep.estimate import duration
from poolsweep.sweep.status import RunStatus, StudyStatus, all_ended, find_studies, study_status

_LISTED = 12  # of each state; --json has all
_STYLES = {
    "finished": "green", "running": "cyan", "queued": "blue", "requeued": "blue", "failed": "red",
    "pruned": "magenta", "interrupted": "yellow", "damaged": "yellow", "missing": "dim",
}  # fmt: skip


def run_status(study: str | None, *, watch: bool = False, as_json: bool = False, every_seconds: float = 2.0) -> int:
    """Print the status of a study, or of all; returns the exit status, 1 if a run has failed or is damaged.

    Args:
        study: A folder or a name; None = all studies of the output root.
        watch: Go on until every run has ended, or Ctrl-C.
        as_json: For programs; with ``watch`` one line each time.
        every_seconds: Between two looks.
    """
    paths = find_studies(study)
    found = [study_status(path) for path in paths]
    for one in found:
        _tidy(one)
    console = Console()
    if as_json or not watch or not console.is_terminal:
        _show(found, console, as_json=as_json, in_one_line=watch)
        while watch and not all_ended(found):
            time.sleep(every_seconds)
            found = [study_status(path) for path in paths]
            _show(found, console, as_json=as_json, in_one_line=True)
    else:
        with Live(_drawn(found), console=console, auto_refresh=False) as live:
            while not all_ended(found):
                time.sleep(every_seconds)
                found = [study_status(path) for path in paths]
                live.update(_drawn(found), refresh=True)
    return 1 if any(study.of("failed", "damaged") for study in found) else 0


def _tidy(study: StudyStatus) -> None:
    """Remove what killed processes left for good; who may not write there leaves it."""
    remove_half_written(study.path)
    for run in study.of("finished"):
        tidy(RunFolder(study.path / run.run_id))


def _show(found: list[StudyStatus], console: Console, *, as_json: bool, in_one_line: bool) -> None:
    if as_json:
        content = {"studies": [study.as_json() for study in found]}
        print(json.dumps(content, ensure_ascii=False, indent=None if in_one_line else 2), flush=True)
    else:
        console.print(_drawn(found), soft_wrap=True)


def _drawn(found: list[StudyStatus]) -> Group:
    parts: list[RenderableType] = []
    for study in found:
        parts.append(_headline(study))
        if study.search:
            parts.append(_search(study.search))
        if study.of("running"):
            parts.append(_running(study.of("running")))
        for state in ("requeued", "queued", "failed", "damaged", "interrupted", "missing"):
            runs = study.of(state)
            parts += [_line(run) for run in runs[:_LISTED]]
            if len(runs) > _LISTED:
                parts.append(Text(f"  … and {len(runs) - _LISTED} more {state}", _STYLES[state]))
    return Group(*parts)


def _headline(study: StudyStatus) -> Text:
    line = Text(f"{study.study}: {len(study.runs)} runs", "bold")
    for state, count in study.counts.items():
        if count:
            line.append(f", {count} {state}", _STYLES[state])
    if study.seconds_left is not None:
        line.append(f", about {duration(study.seconds_left)} left", "")
    if study.driven:
        line.append("; more may be planned", "")
    return line


def _search(search: Mapping[str, Any]) -> Text:
    states = [f"{search[state]} {state}" for state in ("finished", "pruned", "failed", "running") if search.get(state)]
    line = f"  search: {search.get('trials')} trials, {', '.join(states) or 'none begun'}"
    best = search.get("best")
    if isinstance(best, dict):
        chosen = "  ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in best["params"].items())
        line += f"; best {search.get('monitor')} {best['value']:.4f} in trial {best['trial']}: {chosen}"
    return Text(line)


def _running(runs: list[RunStatus]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for run in runs[:_LISTED]:
        progress = "" if run.progress is None else f"{100 * run.progress:.0f}%"
        left = "" if run.seconds_left is None else f"{duration(run.seconds_left)} left"
        beat = "" if run.heartbeat_age is None else f"heard {duration(run.heartbeat_age)} ago"
        table.add_row(
            Text("  running", "cyan"),
            Text(run.name),
            run.phase,
            progress,
            left,
            f"{run.host}:{run.pid}" if run.pid else f"job {run.job}",
            beat,
        )
    if len(runs) > _LISTED:
        table.add_row(f"  … and {len(runs) - _LISTED} more running")
    return table


def _line(run: RunStatus) -> Text:
    line = Text(f"  {run.state}  ", _STYLES[run.state]).append(run.name, "default")
    if run.state == "failed":
        line.append(f"  {run.kind}: {run.reason}" if run.kind else f"  {run.reason}", "default")
    elif run.state in {"interrupted", "requeued"} and run.progress is not None:
        line.append(f"  at {100 * run.progress:.0f}%", "default")
    if run.job is not None:
        line.append(f"  job {run.job}", "default")
    if run.state != "failed" and run.reason is not None:
        line.append(f"  {run.reason}", "dim")
    return line
