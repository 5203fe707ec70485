"""One process per run, and none for ever: a dead owner's lock is taken over."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from poolsweep.process.owner import is_alive, owner, process_started
from poolsweep.runs import lock as locks
from poolsweep.runs.lock import LockLostError, RunLock, holder


@pytest.fixture
def sleeper():
    """Another living process, as a lock file names it."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield {**owner(), "pid": process.pid, "process_started": process_started(process.pid), "token": "theirs"}
    process.kill()
    process.wait()


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "study" / "run"
    folder.mkdir(parents=True)
    return folder


def write(run, content) -> None:
    (run / "lock.json").write_text(json.dumps(content))


def test_held_by_one_and_given_back(run):
    first, second = RunLock(run), RunLock(run)
    assert first.acquire()
    assert not second.acquire()
    assert holder(run / "lock.json")["pid"] == os.getpid()
    first.check()
    first.release()
    assert not (run / "lock.json").exists()
    assert second.acquire()
    second.release()


def test_of_many_at_once_one_gets_it(run):
    candidates = [RunLock(run) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(RunLock.acquire, candidates))
    assert sum(got) == 1
    candidates[got.index(True)].release()


def test_a_living_process_keeps_it_however_long_it_says_nothing(run, sleeper):
    write(run, sleeper)
    os.utime(run / "lock.json", (0, 0))
    assert not RunLock(run).acquire()


def test_a_dead_process_loses_it(run, sleeper):
    write(run, sleeper)
    os.kill(sleeper["pid"], signal.SIGKILL)
    while process_started(sleeper["pid"]) is not None:
        time.sleep(0.01)
    lock = RunLock(run)
    assert lock.acquire()
    lock.release()


def test_a_process_id_that_was_given_away_again_is_not_the_owner(run, sleeper):
    write(run, {**sleeper, "process_started": "1"})
    lock = RunLock(run)
    assert lock.acquire()
    lock.release()


@pytest.mark.parametrize(("age", "held"), [(10, True), (locks.PATIENCE_SECONDS + 10, False)])
def test_another_machine_is_judged_by_its_heartbeat(run, sleeper, age, held):
    write(run, {**sleeper, "machine": "elsewhere"})
    os.utime(run / "lock.json", (time.time() - age, time.time() - age))
    lock = RunLock(run)
    assert lock.acquire() is not held
    lock.release()


@pytest.mark.parametrize("content", ['{"pid": 1', "", "[]", "null", "\0\0", '{"pid": "x"}', "folder", "[" * 10**5])
def test_a_lock_file_that_is_not_whole_is_nobodys(run, content):
    if content == "folder":
        (run / "lock.json").mkdir()
    else:
        content = json.dumps({**owner(), "pid": "x"}) if "x" in content else content
        (run / "lock.json").write_text(content)
    lock = RunLock(run)
    assert lock.acquire()
    lock.release()


def test_the_heartbeat_touches_the_file_and_notices_when_it_is_lost(run, sleeper, monkeypatch):
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.01)
    lock = RunLock(run)
    assert lock.acquire()
    os.utime(run / "lock.json", (0, 0))
    deadline = time.monotonic() + 10
    while (run / "lock.json").stat().st_mtime == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    write(run, sleeper)
    while not lock.lost:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(LockLostError):
        lock.check()
    lock.release()
    assert json.loads((run / "lock.json").read_text()) == sleeper, "another's lock is left alone"


@pytest.mark.parametrize("minutes", [-5, 5])
def test_this_machines_clock_decides_nothing_about_another_machine(run, sleeper, minutes, monkeypatch):
    write(run, {**sleeper, "machine": "elsewhere"})
    lock, clock = RunLock(run), time.time
    (run.parent / ".locks").touch()
    monkeypatch.setattr(time, "time", lambda: clock() + 60 * minutes)
    assert holder(run / "lock.json") is not None
    assert not lock.acquire()
    long_ago = clock() - locks.PATIENCE_SECONDS - 10
    os.utime(run / "lock.json", (long_ago, long_ago))
    assert holder(run / "lock.json") is None


def test_a_lock_that_cannot_be_removed_is_given_back_even_so(run, monkeypatch):
    lock = RunLock(run)
    assert lock.acquire()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _read_only)
        lock.release()
    assert (run / "lock.json").exists(), "premise: it is still there"
    assert holder(run / "lock.json") is None
    again = RunLock(run)
    assert again.acquire()
    again.release()


def _read_only(path, **_):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


def test_owner_lives():
    me = owner()
    assert is_alive(me)
    assert is_alive({**me, "machine": "elsewhere"}) is None, "its heartbeat decides"
    assert not any(is_alive({**me, "pid": pid}) for pid in ("x", None, -1, 2**70, [1]))
    assert process_started(2**22 + 1) is None
