"""Waits for submitted runs: their folders say what came of them, Slurm says whether their jobs are still there."""

from __future__ import annotations

import time
from collections.abc import Iterable

from rich.console import Console

from poolsweep.cluster.lost import follow, record_lost
from poolsweep.cluster.slurm import SlurmUnreachableError
from poolsweep.run.files import read_json
from poolsweep.run.folder import RunFolder
from poolsweep.run.lock import holder


def wait_for(folders: Iterable[RunFolder], *, poll_seconds: float, console: Console) -> None:
    """Return when every run has a result, or no job any more that could give one.

    A job that ends without a result gets a failure written down in its place. A job that is requeued is waited for.

    Args:
        folders: Of runs that were submitted, by this process or another.
        poll_seconds: Between two questions to Slurm.
        console: Told when Slurm doesn't answer.
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
                console.print(f"{error}; asking again", highlight=False, soft_wrap=True, markup=False)
            answered = False
            continue
        answered = True
        # Twice in a row: file systems of clusters may show a result some seconds late.
        for folder in suspected & followed.lost.keys():
            record_lost(folder, followed.lost[folder])
        suspected = set(followed.lost)
        waiting = [
            f for f in waiting if f in followed.queued or (_has_no_result(f) and (f in suspected or _is_held(f)))
        ]


def _has_no_result(folder: RunFolder) -> bool:
    return not isinstance(read_json(folder.result), dict)


def _is_held(folder: RunFolder) -> bool:
    """Whether a process seems to be at work on a run: one that was killed on another machine does so for a while."""
    return holder(folder.lock) is not None
