"""``poolsweep status``: prints where the runs of a study are, once or again and again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.text import Text

from poolsweep.files.writing import remove_half_written
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.locate import all_studies, find_study
from poolsweep.runs.plan import Skipped
from poolsweep.runs.tidy import tidy
from poolsweep.sweep.estimate import about_left, duration
from poolsweep.sweep.status import RunStatus, State, StudyStatus, all_ended, study_status
from poolsweep.terminal.console import Console
from poolsweep.terminal.text import number

_NAMED: tuple[State, ...] = ("running", "requeued", "queued", "failed", "damaged", "interrupted", "missing")
_OVERRIDES = re.compile(r" (?=[+~]*[\w./@-]+=)")  # what separates them: their values may have spaces
_LISTED = 12  # of each state; --json has all
_STYLES = {
    "finished": "green", "running": "cyan", "queued": "blue", "requeued": "blue", "failed": "red",
    "pruned": "magenta", "interrupted": "yellow", "damaged": "yellow", "missing": "dim",
}  # fmt: skip


def run_status(
    studies: Sequence[str], *, watch: bool = False, as_json: bool = False, every_seconds: float = 2.0
) -> int:
    """Print the status of some studies; returns the exit status, 1 if a run has failed or is damaged.

    Args:
        studies: Folders or names; none = all studies of the output root.
        watch: Go on until every run has ended, or Ctrl-C.
        as_json: For programs; with ``watch`` one line each time.
        every_seconds: Between two looks.
    """
    paths = [find_study(study, begun=False) for study in studies] or all_studies()
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
        with Live(Group(*_drawn(found)), console=console, auto_refresh=False) as live:
            while not all_ended(found):
                time.sleep(every_seconds)
                found = [study_status(path) for path in paths]
                live.update(Group(*_drawn(found)), refresh=True)
    bad = {"failed", "damaged"}
    return 1 if any(run.state in bad for study in found for run in (*study.runs, *study.refits)) else 0


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
        for line in _drawn(found):
            console.say(line, hang=4)


def _drawn(found: list[StudyStatus]) -> list[Text]:
    lines: list[Text] = []
    for study in found:
        lines.append(_headline(study))
        if study.optuna:
            lines.append(_trials(study.optuna))
        shared = shared_overrides([run.name for run in study.runs])
        if shared and study.of(*_NAMED):
            lines.append(Text(f"  all runs: {' '.join(shared)}"))
        for state in _NAMED:
            runs = study.of(state)
            lines += [_line(run, shared) for run in runs[:_LISTED]]
            if len(runs) > _LISTED:
                lines.append(Text(f"  … and {len(runs) - _LISTED} more {state}", _STYLES[state]))
        lines += [_skipped(one) for one in study.skipped[:_LISTED]]
        if len(study.skipped) > _LISTED:
            lines.append(Text(f"  … and {len(study.skipped) - _LISTED} more skipped", "dim"))
        lines += [_line(run, ()).append(f"  {study.path / run.run_id}", "dim") for run in study.refits]
    return lines


def shared_overrides(names: Sequence[str]) -> list[str]:
    """The overrides that all runs have in common; none where there is one run.

    Example:
        >>> shared_overrides(["encoder=tiny pooling=cls seed=0", "encoder=tiny pooling=cls seed=1"])
        ['encoder=tiny', 'pooling=cls']
    """
    split = [_OVERRIDES.split(name) for name in names]
    return [word for word in split[0] if all(word in words for words in split)] if len(split) > 1 else []


def _headline(study: StudyStatus) -> Text:
    line = Text(f"{study.study}: {len(study.runs)} runs", "bold")
    for state, count in study.counts.items():
        if count:
            line.append(f", {count} {state}", _STYLES[state])
    if study.skipped:
        line.append(f"; {len(study.skipped)} skipped, which cannot be", "dim")
    if left := about_left(study.seconds_left):
        line.append(f", {left}", "")
    if study.planning:
        line.append("; more may be planned", "")
    return line


def _skipped(one: Skipped) -> Text:
    return Text("  skipped  ", "dim").append(one.name, "default").append(f"  {one.reason}", "dim")


def _trials(optuna: Mapping[str, Any]) -> Text:
    states = [f"{optuna[state]} {state}" for state in ("finished", "pruned", "failed", "running") if optuna.get(state)]
    line = f"  optuna: {optuna.get('trials')} trials, {', '.join(states) or 'none begun'}"
    best = optuna.get("best")
    if isinstance(best, dict):
        chosen = "  ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in best["params"].items())
        line += f"; best {optuna.get('monitor')} {number(best['value'], '.4f')} in trial {best['trial']}: {chosen}"
    return Text(line)


def _line(run: RunStatus, shared: Sequence[str]) -> Text:
    own = " ".join(word for word in _OVERRIDES.split(run.name) if word not in shared)
    parts = [own or run.run_id]
    if run.state == "running":
        parts += _progress(run)
    elif run.state == "failed":
        parts.append(f"{run.kind}: {run.reason}" if run.kind else str(run.reason))
    elif run.state in {"interrupted", "requeued"} and run.progress is not None:
        parts.append(f"at {100 * run.progress:.0f}%")
    if run.job is not None:
        parts.append(f"job {run.job}")
    line = Text(f"  {run.state}  ", _STYLES[run.state]).append("  ".join(parts), "default")
    if run.state != "failed" and run.reason is not None:
        line.append(f"  {run.reason}", "dim")
    return line


def _progress(run: RunStatus) -> list[str]:
    """What a running run is doing, how far it is, who does it, and when it was last heard."""
    percent = "" if run.progress is None else f" {100 * run.progress:.0f}%"
    where = f"{run.host}:{run.pid}" if run.pid else ""
    heard = "" if run.heartbeat_age is None else f"heard {duration(run.heartbeat_age)} ago"
    return [part for part in (f"{run.phase or ''}{percent}", about_left(run.seconds_left), where, heard) if part]
