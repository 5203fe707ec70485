"""``poolsweep sync``: sends the offline W&B runs of a study, after saying which."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from poolsweep.errors import UserError
from poolsweep.loggers.keys import has_key, host
from poolsweep.process.interpreter import python_command
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.locate import argument_for
from poolsweep.runs.lock import holder
from poolsweep.runs.secrets import redacted
from poolsweep.terminal.console import Console


@dataclass(frozen=True)
class OfflineRun:
    """One run that W&B keeps on this machine.

    Attributes:
        folder: ``wandb/offline-run-<time>-<run id>`` of a study.
        run_id: Identity of the run, here and there.
        size: In bytes.
        sent: Whether it has been sent before.
        busy: Whether a process is at work on the run.
    """

    folder: Path
    run_id: str
    size: int
    sent: bool
    busy: bool


def offline_runs(study: Path) -> Iterator[OfflineRun]:
    """The offline runs of a study, the oldest first.

    Args:
        study: Folder of the study.
    """
    for folder in sorted(study.glob("wandb/offline-run-*")):
        run_id = folder.name.rsplit("-", 1)[-1]
        if folder.is_dir() and any(folder.glob("run-*.wandb")):
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            busy = holder(RunFolder(study / run_id).lock) is not None
            yield OfflineRun(folder, run_id, size, any(folder.glob("*.synced")), busy)


def sync(study: Path, *, send: bool, timeout_minutes: float, console: Console) -> int:
    """Say which runs would be sent, or send them; returns the exit status, 1 if one could not be sent.

    Args:
        study: Folder of the study.
        send: Whether to send them.
        timeout_minutes: For each run.
        console: Console to print to.
    Raises:
        UserError: If there are none, or no key to send them with.
    """
    runs = list(offline_runs(study))
    if not runs:
        raise UserError(f"{study} has no offline W&B runs; poolsweep train … logger=wandb makes them where no key is")
    waiting = [run for run in runs if not run.sent and not run.busy]
    megabytes = sum(run.size for run in waiting) / 1e6
    console.say(f"{len(waiting)} of {len(runs)} offline runs to send to {host()}, {megabytes:.1f} MB{_rest(runs)}")
    if not send:
        for run in waiting:
            console.print(f"  {run.run_id}  {run.size / 1e6:.1f} MB  {run.folder}", soft_wrap=True)
        if waiting:
            console.print(f"nothing was sent; to send: poolsweep sync {argument_for(study)} --yes", soft_wrap=True)
        return 0
    if waiting and not has_key():
        raise UserError(f"there is no W&B key for {host()}: wandb login, or set WANDB_API_KEY; nothing was sent")
    failed = 0
    for place, run in enumerate(waiting, 1):
        problem = _send(run, timeout_minutes=timeout_minutes)
        failed += problem is not None
        console.say(f"[{place}/{len(waiting)}] {run.run_id}  {problem or 'sent'}")
    if failed:
        console.say(f"{failed} of {len(waiting)} runs were not sent; the same command sends what is left")
    return 1 if failed else 0


def _send(run: OfflineRun, *, timeout_minutes: float) -> str | None:
    """Send one run with W&B's own command; gives what went wrong."""
    command = python_command("-m", "wandb", "sync", "--yes", str(run.folder))
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60 * timeout_minutes, env={**os.environ, "NO_COLOR": "1"},
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"not sent: it took longer than {timeout_minutes:g} minutes (--timeout-minutes)"
    if done.returncode == 0 and any(run.folder.glob("*.synced")):
        return None
    said = [line.removeprefix("wandb: ") for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in said if "error" in line.lower()] or said or [f"exit status {done.returncode}"]
    return f"not sent: {redacted(errors[-1].strip())}"


def _rest(runs: list[OfflineRun]) -> str:
    sent, busy = sum(run.sent for run in runs), sum(run.busy and not run.sent for run in runs)
    return (f", {sent} sent before" if sent else "") + (f", {busy} running now" if busy else "")
