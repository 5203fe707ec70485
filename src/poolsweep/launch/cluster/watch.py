"""Waits for submitted runs: their folders say what came of them, Slurm says whether their jobs are still there."""

from __future__ import annotations

import time
from collections.abc import Iterable

from poolsweep.launch.cluster.lost import follow, record_lost
from poolsweep.launch.cluster.slurm import SlurmUnreachableError
from poolsweep.runs.folder import RunFolder
from poolsweep.terminal.console import Console


def wait_for(folders: Iterable[RunFolder], *, poll_seconds: float, console: Console) -> None:
    """Return when every run has a result, or no job any more that could give one.

    A job that ends without a result gets a failure written down in its place. A job that is requeued is waited for.

    Args:
        folders: Folders of runs that were submitted, by this process or another.
        poll_seconds: Between two questions to Slurm.
        console: Console that is told when Slurm doesn't answer.
    """
    waiting = list(folders)
    suspected: set[RunFolder] = set()
    answered = True
    while waiting:
        time.sleep(poll_seconds)
        try:
            followed = follow(waiting)
        except SlurmUnreachableError as error:
            if answered:
                console.say(f"{error}; asking again")
            answered = False
            continue
        answered = True
        # Twice in a row: file systems of clusters may show a result some seconds late.
        recorded = suspected & followed.lost.keys()
        for folder in recorded:
            record_lost(folder, followed.lost[folder])
        suspected = followed.lost.keys() - recorded
        waiting = [f for f in waiting if f in followed.queued or f in followed.held or f in suspected]
