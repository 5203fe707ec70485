"""Worker processes that each run one job after another."""

from __future__ import annotations

import collections
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

from poolsweep.launch.launcher import Job
from poolsweep.launch.local.slots import Slot
from poolsweep.process.interpreter import python_command

_LINES = 15
_PATIENCE_SECONDS = 10.0


class WorkerDiedError(Exception):
    """A worker ended in the middle of a job.

    Args:
        status: Exit status, negative for a signal.
        last_lines: The end of what it said.
    """

    def __init__(self, status: int, last_lines: Sequence[str]) -> None:
        self.last_lines = list(last_lines)
        self.kind = "killed" if status < 0 else "exception"
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        why = self.last_lines[-1:] if status > 0 else []
        why += ["the system does that when memory runs out"] if status == -signal.SIGKILL else []
        super().__init__("; ".join([f"its process {how}", *why]))


class WorkerPool:
    """One worker per slot, started when first needed and again after it died.

    Args:
        slots: What each may use.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = slots
        self._workers: dict[int, _Worker] = {}
        self._said: set[str] = set()
        self._stopped = False

    def run(self, place: int, job: Job) -> tuple[str, Any]:
        """Run a job in a slot and wait; called by one thread per slot.

        Args:
            place: Which slot.
            job: Run to make.
        Raises:
            WorkerDiedError: If its process ends before the job does.
        """
        worker = self._workers.get(place)
        if worker is None:
            worker = self._workers[place] = _Worker(self._slots[place], said=self._said)
        if self._stopped:  # while it was started
            worker.process.terminate()
        try:
            return worker.ask(job)
        except (EOFError, OSError, pickle.UnpicklingError):
            del self._workers[place]
            raise WorkerDiedError(*worker.end()) from None

    def stop(self, signum: int | None) -> None:
        """Pass a signal on to all workers: they save what they have and leave."""
        self._stopped = True
        for worker in list(self._workers.values()):
            worker.process.send_signal(signum or signal.SIGTERM)

    def close(self) -> None:
        """End all workers; they must be idle."""
        while self._workers:
            self._workers.popitem()[1].end()


class _Worker:
    """A process that reads jobs from its standard input and answers on its standard output."""

    def __init__(self, slot: Slot, *, said: set[str]) -> None:
        cores = ",".join(map(str, slot.cores))
        self.process = subprocess.Popen(
            python_command("-m", "poolsweep.launch.local.worker", cores, *(p for p in sys.path if p)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=slot.environment(os.environ),
            start_new_session=True,  # Ctrl-C reaches the sweep alone, which passes it on once
        )  # fmt: skip
        self._said = said
        self._lines: collections.deque[str] = collections.deque(maxlen=_LINES)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def ask(self, job: Job) -> tuple[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        pickle.dump(job, self.process.stdin)
        self.process.stdin.flush()
        return pickle.load(self.process.stdout)

    def end(self) -> tuple[int, list[str]]:
        """Let it leave if it lives, or take note that it has: its exit status, and the end of what it said."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdout.close()
        status = self.process.wait()
        self._listener.join(_PATIENCE_SECONDS)
        return status, list(self._lines)

    def _listen(self) -> None:
        """Keep the end of what it says; what ``poolsweep`` itself says to the user is said once for all workers."""
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for raw in lines:
                line = raw.decode(errors="replace").rstrip()
                self._lines.append(line)
                if line.startswith("poolsweep: ") and line not in self._said:
                    self._said.add(line)
                    print(line, file=sys.stderr)
