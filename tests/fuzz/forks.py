"""Runs work in forks of one warmed process: each in a folder, session and limit of its own."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

LIMIT_SECONDS = 60.0
_MEMORY_BYTES = 6 * 2**30  # of data: what asks for more fails by name, and takes nobody else's


@dataclass(frozen=True)
class Ended:
    """How a fork ended.

    Attributes:
        status: Exit status; negative = killed by that signal; None = still at work at the limit.
        out: Standard output.
        err: Standard error.
        seconds: Time it took.
    """

    status: int | None
    out: str
    err: str
    seconds: float


def forked(work: Callable[[], int], *, folder: Path, limit: float = LIMIT_SECONDS) -> Ended:
    """Do some work in a fork, as a program of its own would.

    Args:
        work: Gives the exit status; what it raises is printed as Python prints it, with status 1.
        folder: Current folder of the fork; ``out`` and ``err`` lie beside it.
        limit: Seconds after which the fork and all that it started are killed.
    """
    files = [folder.parent / f"{folder.name}.{name}" for name in ("out", "err")]
    os.environ.update(_environment(folder))
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _as_a_program(work, folder=folder, out=files[0], err=files[1])
    status = _wait(pid, until=started + limit)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if status is None:
        os.waitpid(pid, 0)
    texts = [path.read_text(encoding="utf-8", errors="backslashreplace") for path in files]
    return Ended(status, *texts, time.monotonic() - started)


def typed(arguments: Sequence[str], *, folder: Path, limit: float = LIMIT_SECONDS) -> Ended:
    """Run ``poolsweep`` in a fork.

    Args:
        arguments: What is typed after ``poolsweep``.
        folder: The folder it is typed in; ``outputs`` and ``cache`` in it are the program's.
        limit: As for ``forked``.
    """

    def work() -> int:
        from poolsweep.cli import main

        return main(list(arguments))

    return forked(work, folder=folder, limit=limit)


def warm(lines: Sequence[Sequence[str]], *, folder: Path) -> None:
    """Import here all that some lines import, so that their like need not.

    Args:
        lines: Command lines that must end well.
        folder: As for ``typed``.
    Raises:
        RuntimeError: If one of them does not.
    """
    for line in lines:
        known = folder / "modules.json"

        def work(line: Sequence[str] = line, known: Path = known) -> int:
            from poolsweep.cli import main

            status = main(list(line))
            known.write_text(json.dumps(sorted(sys.modules)))
            return status

        ended = forked(work, folder=folder)
        if ended.status != 0:
            raise RuntimeError(f"a line that must work ended with {ended.status}: {line}\n{ended.out}{ended.err}")
        for name in json.loads(known.read_text()):
            with contextlib.suppress(Exception):  # modules that are made, not found
                importlib.import_module(name)
        known.unlink()


def _wait(pid: int, *, until: float) -> int | None:
    while time.monotonic() < until:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return None


def _as_a_program(work: Callable[[], int], *, folder: Path, out: Path, err: Path) -> None:
    """Do the work and end the process, never coming back."""
    status = 1
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.chdir(folder)
        for path, number in ((Path(os.devnull), 0), (out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
            for number, mode, errors in ((0, "r", "strict"), (1, "w", "strict"), (2, "w", "backslashreplace"))
        )
        status = work()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(status)


def _environment(folder: Path) -> dict[str, str]:
    places = {"POOLSWEEP_OUTPUTS": "outputs", "POOLSWEEP_CACHE": "cache", "HOME": "home", "TMPDIR": "tmp"}
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    return {name: str(folder / place) for name, place in places.items()} | {
        "HF_HOME": str(folder / "home" / "hf"),
        "HF_DATASETS_CACHE": str(folder / "home" / "hf" / "datasets"),
    }
