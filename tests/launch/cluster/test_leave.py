from __future__ import annotations

import signal

import pytest

from poolsweep.launch.cluster.leave import leave_job
from poolsweep.process.slurm_job import in_own_job


@pytest.fixture
def job(slurm, monkeypatch):
    """A job that is running."""
    content = slurm.read()
    content["queue"] = [{"id": "7", "name": "j", "state": "RUNNING"}]
    slurm.set(queue=content["queue"])
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("POOLSWEEP_REQUEUES", "2")
    return slurm


def leave(*signals: int) -> int:
    with pytest.raises(SystemExit) as left:
        leave_job(lambda: signals, patience_seconds=0)
    return left.value.code


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGUSR2])
def test_a_running_job_puts_itself_back(signum, job):
    assert leave(signum) == 128 + signum
    assert job.queue[0]["state"] == "PENDING"


@pytest.mark.parametrize("state", ["COMPLETING", "CANCELLED", "PENDING"])
def test_what_slurm_has_decided_stands(state, job):
    job.set_state(state)
    leave(signal.SIGTERM)
    assert job.queue[0]["state"] == state


def test_a_person_s_ctrl_c_ends_it(job):
    assert leave(signal.SIGINT) == 130
    assert job.queue[0]["state"] == "RUNNING"


def test_other_ranks_leave_it_to_the_first(job, monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "1")
    leave(signal.SIGUSR2)
    assert job.queue[0]["state"] == "RUNNING"


def test_not_for_ever(job, monkeypatch, capsys):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert leave(signal.SIGUSR2) == 1
    assert job.queue[0]["state"] == "RUNNING"
    assert "max_requeues" in capsys.readouterr().out


def test_a_shell_in_an_allocation_is_none_of_ours(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert not in_own_job()
