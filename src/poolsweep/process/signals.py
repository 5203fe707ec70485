"""SIGTERM, SIGUSR2 and Ctrl-C: the first lets the running step end and be saved, the second leaves at once.

They have one owner, this module; the handlers of Lightning and submitit are put aside while a run is at work.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

from poolsweep.process.slurm_job import in_own_job

# SIGUSR2 is how Slurm warns a job before its time is over, or before it is preempted.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR2") if hasattr(signal, name))


class Interrupted(BaseException):
    """The process was asked to leave.

    Args:
        signum: By which signal; the exit status is 128 more.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


class StopSignals:
    """Handles both signals while it is entered, in the main thread; elsewhere it does nothing.

    While ``deferring``, a first signal is only noted, and whoever defers looks at ``requested`` after each step. At all
    other times it raises ``Interrupted`` on the spot. A second signal ends the process without further ado, except in a
    job of a cluster that is not asked by a person: Slurm sends SIGTERM and SIGUSR2 for one and the same preemption.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self.received: list[int] = []
        self.deferring = False
        self._depth = 0
        self._before: dict[int, Any] = {}
        self._pid = 0

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            if self._depth == 0:
                self.requested, self.received, self.deferring, self._pid = None, [], False, os.getpid()
                self._before = {signum: signal.getsignal(signum) for signum in _SIGNALS}
                self.install()
            self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if threading.current_thread() is threading.main_thread():
            self._depth -= 1
            if self._depth == 0:
                for signum, handler in self._before.items():
                    signal.signal(signum, handler)

    def install(self) -> None:
        """Put the handlers (again) in place: Lightning adds one of its own that would end a run a step too late."""
        if threading.current_thread() is threading.main_thread():
            for signum in _SIGNALS:
                signal.signal(signum, self._handle)

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:  # a forked worker of a data loader: its parent ends it
            if signum == signal.SIGTERM:
                os._exit(128 + signum)
            return
        self.received.append(signum)
        if self.requested is not None:
            if in_own_job() and signum != signal.SIGINT:
                return
            _leave(signum)
        self.requested = signum
        if not self.deferring:
            raise Interrupted(signum)
        with contextlib.suppress(OSError):  # whoever read it may be gone, which is why this process was asked to leave
            os.write(2, b"\npoolsweep: saving after this step; once more to leave at once\n")


def _leave(signum: int) -> None:
    if sys.stderr.isatty():
        os.write(2, b"\x1b[?25h")  # the progress display hides the cursor
    os._exit(128 + signum)


stop_signals = StopSignals()
