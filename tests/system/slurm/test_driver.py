"""The process on the login node may leave, be killed or be started twice: no run is submitted twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from poolsweep.cli import main
from poolsweep.files.writing import read_json, write_json

pytestmark = pytest.mark.slurm

HELD = "+hydra.launcher.sbatch.hold=true"
SHORT = "trainer.max_epochs=1"


def test_typed_again_while_pending(lab, capsys):
    lab.submit("twice", SHORT, "seed=0,1", HELD)
    names = {read_json(path)["name"] for path in lab.study("twice").glob("*/job.json")}
    assert len(names) == 1
    assert main(["status", "twice", "--json"]) == 0
    [study] = json.loads(capsys.readouterr().out)["studies"]
    assert study["counts"]["queued"] == 2
    said = lab.submit("twice", SHORT, "seed=0,1,2", HELD)
    assert "2 runs have a job already, which is left to them" in said
    assert "submitted 1 runs" in said
    assert len(lab.jobs("twice")) == 3
    [array] = {job.partition("_")[0] for job in lab.jobs("twice") if "_" in job}
    lab.sh("scancel", array, *[job for job in lab.jobs("twice") if "_" not in job])


def test_a_driver_that_died_before_it_noted_the_ids(lab):
    lab.submit("forgot", SHORT, "seed=0,1", HELD)
    for path in lab.study("forgot").glob("*/job.json"):
        write_json(path, read_json(path) | {"job_id": None, "log": None})
    assert "2 runs have a job already" in lab.submit("forgot", SHORT, "seed=0,1", HELD)
    names = {read_json(path)["name"] for path in lab.study("forgot").glob("*/job.json")}
    assert len(lab.sh("squeue", "-hr", f"--name={','.join(names)}").splitlines()) == 2
    lab.sh("scancel", f"--name={names.pop()}")


def test_driver_killed_and_typed_again(lab):
    typed = lab.typed("killed", SHORT, "seed=0,1")
    command = [sys.executable, "-m", "poolsweep", *typed]
    driver = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    jobs = lab.study("killed")
    lab.wait("submitted", lambda: [p for p in jobs.glob("*/job.json") if read_json(p)["job_id"]])
    time.sleep(0.5)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert main(typed) == 0
    results = [read_json(path) for path in jobs.glob("*/result.json")]
    assert [(result["status"], result["attempts"]) for result in results] == [("finished", 1)] * 2
    assert len(lab.jobs("killed")) == 2, "the jobs of the first were left to their runs"


def test_two_drivers_at_once(lab):
    command = [
        sys.executable,
        "-m",
        "poolsweep",
        *lab.typed("both", SHORT, "seed=0,1", HELD, "hydra.launcher.wait=false"),
    ]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=600)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("submitted 2 runs" in text for text in said) == [False, True]
    assert len(lab.jobs("both")) == 2
    lab.sh("scancel", lab.jobs("both")[0].partition("_")[0])


def test_slurm_that_does_not_answer_submits_nothing(lab, monkeypatch, capsys):
    lab.submit("deaf", SHORT, HELD)
    before = lab.jobs("deaf")
    monkeypatch.setenv("SLURM_CONF", str(lab.folder / "missing.conf"))
    assert main(lab.typed("deaf", SHORT, HELD)) == 2
    assert "squeue" in capsys.readouterr().err
    monkeypatch.undo()
    assert lab.jobs("deaf") == before
    lab.sh("scancel", before[0])
