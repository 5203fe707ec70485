"""Starts the processes of a run, and makes sure that all of them end: a small torchrun for one run of a sweep.

Each process is a new interpreter that gets one resolved run on its standard input, so that none ever sees the command
line, Hydra or a launcher. This process stays outside the group: it keeps no port, no environment variable and no state
of theirs, and outlives whatever happens to them. Should it die itself, theirs ends with their standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from poolsweep.config import Node
from poolsweep.distributed.world import OURS
from poolsweep.files.writing import open_to_append
from poolsweep.process.interpreter import python_command
from poolsweep.process.signals import Interrupted, stop_signals
from poolsweep.training.rank_failures import RankFailedError, first_failure

_POLL_SECONDS = 0.05
_GRACE_SECONDS = 10.0  # for the others to say what they know once one has failed
_SAVING_SECONDS = 600.0  # for the first to write a checkpoint once they were asked to leave
_ASKED = (128 + signal.SIGTERM, 128 + signal.SIGINT)  # statuses of a process that saved and left
LOST_LOCK = 75  # exit status of a process whose run was taken over
# -P and sys.path as it is here: what a user's folder holds must not stand in for a library.
_START = (
    "import json, sys; job = json.loads(sys.stdin.readline()); sys.path[:] = job['path']\n"
    "from poolsweep.process.collector import importing, own_process; own_process()\n"
    "with importing(): from poolsweep.training.rank import main\n"
    "sys.exit(main(job))"
)


@dataclass(frozen=True)
class RankJob:
    """One run, as its processes get it.

    Attributes:
        content: Keys of a validated config.
        folder: The run's.
        identity: Run id.
        name: What a person calls it.
        token: Token of the lock that this process holds for them.
        micro_batches: Steps that each batch is divided into.
    """

    content: Node
    folder: Path
    identity: str
    name: str
    token: str
    micro_batches: int


def run_in_ranks(job: RankJob, *, processes: int, log: Path) -> None:
    """Run a job in processes of its own, and return when all of them have ended well.

    Args:
        job: What they run.
        processes: How many, all on this machine.
        log: File that their output goes to.
    Raises:
        RankFailedError: If one failed or was killed; the others have been ended then.
        Interrupted: If this process or one of them was asked to leave; what they had is saved.
    """
    with tempfile.TemporaryDirectory(prefix="poolsweep-") as temporary, open_to_append(log) as output:
        reports = Path(temporary)
        store = dist.TCPStore("127.0.0.1", 0, processes, is_master=True, wait_for_workers=False)
        ranks: list[subprocess.Popen[bytes]] = []
        with _signals_deferred() as asked:
            try:
                for rank in range(processes):
                    ranks.append(
                        _start(job, rank=rank, processes=processes, port=store.port, reports=reports, output=output)
                    )
                by_themselves = _watch(ranks, asked)
            finally:
                _end(ranks)
                del store  # and with it the port
        statuses = [rank.returncode for rank in ranks]
        if any(statuses):
            raise _what_happened(statuses, by_themselves, reports)


def _start(
    job: RankJob,
    *,
    rank: int,
    processes: int,
    port: int,
    reports: Path,
    output: Any,  # noqa: ANN401
) -> subprocess.Popen[bytes]:
    said = {
        "content": job.content.plain(), "folder": str(job.folder), "identity": job.identity, "name": job.name,
        "token": job.token, "micro_batches": job.micro_batches, "reports": str(reports), "path": sys.path,
        "threads": max(1, torch.get_num_threads() // processes),
    }  # fmt: skip
    process = subprocess.Popen(
        python_command("-c", _START),
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        env=_environment(rank=rank, processes=processes, port=port),
        start_new_session=True,  # Ctrl-C is for this process, which passes it on
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # it is gone already, which is seen in a moment
        process.stdin.write(json.dumps(said).encode() + b"\n")
        process.stdin.flush()
    return process


def _environment(*, rank: int, processes: int, port: int) -> dict[str, str]:
    """What a process of the run sees: ours, without what a scheduler said about the processes that it started."""
    mine = {key: value for key, value in os.environ.items() if key not in {"SLURM_PROCID", "SLURM_LOCALID"}}
    lo = {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    return lo | mine | {
        OURS: str(rank), "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0", "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "TORCHELASTIC_USE_AGENT_STORE": "True",
    }  # fmt: skip


def _watch(ranks: list[subprocess.Popen[bytes]], asked: Any) -> list[int | None]:  # noqa: ANN401
    """Wait until all have ended well, or one has not; gives the statuses of those that ended before we end them."""
    told = False
    while None in [rank.poll() for rank in ranks]:  # of all: one that waits for a failed one may wait for long
        if asked.requested is not None and not told:
            told = True
            for rank in ranks:
                rank.send_signal(signal.SIGTERM)
        if any(rank.returncode for rank in ranks):
            was_asked = asked.requested is not None or any(rank.returncode in _ASKED for rank in ranks)
            _give_time(ranks, seconds=_SAVING_SECONDS if was_asked else _GRACE_SECONDS)
            break
        time.sleep(_POLL_SECONDS)
    return [rank.poll() for rank in ranks]


def _give_time(ranks: list[subprocess.Popen[bytes]], *, seconds: float) -> None:
    """Let the others end by themselves, which they do at once if they notice, unless they save before."""
    deadline = time.monotonic() + seconds
    while None in [rank.poll() for rank in ranks] and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _end(ranks: list[subprocess.Popen[bytes]]) -> None:
    for rank in ranks:
        if rank.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(rank.pid, signal.SIGKILL)  # with its data loaders; it leads a group of its own
        rank.wait()
        if rank.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                rank.stdin.close()


def _what_happened(statuses: list[int], by_themselves: list[int | None], reports: Path) -> BaseException:
    failure = first_failure(reports)
    lost = [(rank, -status) for rank, status in enumerate(by_themselves) if status is not None and status < 0]
    if failure is not None and failure.is_a_consequence and lost:  # it misses one that could not say anything
        return _killed(*lost[0], len(statuses))
    if failure is not None:
        of = f"process {failure.rank} of {len(statuses)}: "
        return RankFailedError(of + failure.reason, kind=failure.kind, facts=failure.facts)
    if LOST_LOCK in statuses:
        from poolsweep.runs.lock import LockLostError

        return LockLostError("another process took this run over, since this one gave no sign of life for long")
    killed = [(rank, -status) for rank, status in enumerate(statuses) if status < 0]
    for rank, signum in killed:
        if signum != signal.SIGKILL or len(killed) < len(statuses):
            return _killed(rank, signum, len(statuses))
    asked = [status - 128 for status in statuses if status in _ASKED]
    if asked:
        return Interrupted(stop_signals.requested or asked[0])
    if killed:
        return _killed(*killed[0], len(statuses))
    rank = next(number for number, status in enumerate(statuses) if status)
    return RankFailedError(f"process {rank} of {len(statuses)} ended with status {statuses[rank]}", kind="exception")


def _killed(rank: int, signum: int, processes: int) -> RankFailedError:
    return RankFailedError(f"process {rank} of {processes} was killed by {signal.Signals(signum).name}", kind="killed")


@contextmanager
def _signals_deferred() -> Iterator[Any]:
    """A first signal is passed on and waited for; a second ends this process, and with it the others."""
    before = stop_signals.deferring
    stop_signals.deferring = True
    try:
        yield stop_signals
    finally:
        stop_signals.deferring = before
