"""Who is watched, and for how long, once a process of a run has ended."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from poolsweep.training import supervise


def ranks(*programs: str) -> list[subprocess.Popen[bytes]]:
    return [subprocess.Popen([sys.executable, "-c", f"import time\n{program}"]) for program in programs]


@pytest.fixture
def watched():
    """Gives statuses and seconds of watching; what is left is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def watch(*programs: str, requested: int | None = None) -> tuple[list[int | None], float]:
        started.extend(ranks(*programs))
        before = time.monotonic()
        return supervise._watch(started, SimpleNamespace(requested=requested)), time.monotonic() - before

    yield watch
    for process in started:
        process.kill()
        process.wait()


def test_a_process_that_fails_is_noticed_while_the_first_goes_on(watched, monkeypatch):
    monkeypatch.setattr(supervise, "_GRACE_SECONDS", 0.2)
    statuses, seconds = watched("time.sleep(60)", "raise SystemExit(3)")
    assert statuses == [None, 3]
    assert seconds < 30


def test_one_that_saves_after_a_signal_is_waited_for(watched, monkeypatch):
    monkeypatch.setattr(supervise, "_GRACE_SECONDS", 0.0)
    statuses, _ = watched("time.sleep(3); raise SystemExit(143)", "raise SystemExit(143)")
    assert statuses == [143, 143]
