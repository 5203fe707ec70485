"""``hydra/launcher=slurm`` against a Slurm that is played; the real one is in tests/system/slurm."""

from __future__ import annotations

import json
import pickle
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from poolsweep.files.writing import read_json, write_json
from poolsweep.process.owner import owner
from poolsweep.runs.folder import RunFolder
from poolsweep.runs.lock import RunLock
from poolsweep.runs.status import StatusFile

TYPED = ["train", "-m", "hydra/launcher=slurm", "hydra.launcher.wait=false", "study=s"]


def records(outputs) -> list[dict]:
    return [read_json(path) for path in sorted(outputs.glob("s/*/job.json"))]


def test_submits_once(cli, tiny_run, slurm, outputs):
    done = cli(*TYPED, *tiny_run, "seed=0,1,2")
    assert done.status == 0, done.err
    assert "submitted 3 runs as Slurm job 1" in done.err
    assert sorted(record["job_id"] for record in records(outputs)) == ["1_0", "1_1", "1_2"]
    again = cli(*TYPED, *tiny_run, "seed=0,1,2,3")
    assert "3 runs have a job already" in again.err
    assert "submitted 1 runs as Slurm job 2" in again.err
    assert len(slurm.queue) == 4


def test_what_is_submitted_is_what_was_planned(cli, tiny_run, slurm, outputs):
    assert cli(*TYPED, *tiny_run, "seed=0,1").status == 0
    with next(outputs.glob("s/.slurm/*/1_1_submitted.pkl")).open("rb") as file:
        task = pickle.load(file).function
    assert (task.config.seed, task.config.trainer["accelerator"]) == (1, "cpu")
    assert task.name == "seed=1"


def test_one_array_per_number_of_devices(cli, tiny_run, slurm, outputs):
    done = cli(*TYPED, *tiny_run, "trainer.devices=1,2", "seed=0,1", "hydra.launcher.parallel=3")
    assert done.status == 0, done.err
    assert "as Slurm 2 arrays 1 2" in done.err
    tasks = {re.search(r"ntasks-per-node=(\d)", job["script"])[1] for job in slurm.queue if job["id"].startswith("2_")}
    assert tasks == {"2"}
    assert all("--array=0-1%2" in job["script"] for job in slurm.queue)


def test_arrays_are_split(cli, tiny_run, slurm):
    assert cli(*TYPED, *tiny_run, "seed=0,1,2", "hydra.launcher.array_size=2").status == 0
    assert [job["id"] for job in slurm.queue] == ["1_0", "1_1", "2"]


def test_a_name_without_an_id_is_looked_for(cli, tiny_run, slurm, outputs):
    cli(*TYPED, *tiny_run, "seed=0,1")
    for path in outputs.glob("s/*/job.json"):
        write_json(path, read_json(path) | {"job_id": None})
    assert "2 runs have a job already" in cli(*TYPED, *tiny_run, "seed=0,1").err
    assert len(slurm.queue) == 2


@pytest.mark.parametrize("began", [False, True])
def test_status(began, cli, tiny_run, slurm, outputs):
    cli(*TYPED, *tiny_run)
    if began:
        [path] = outputs.glob("s/*/job.json")
        lock = RunLock(path.parent)
        assert lock.acquire()
        status = StatusFile(RunFolder(path.parent), name="seed=0", run_id=path.parent.name, lock=lock)
        status.update(force=True, step=3, steps=4)
        lock.release()
    shown = cli("status", "s").out
    assert ("1 requeued" if began else "1 queued") in shown
    assert "job 1  Priority" in shown
    slurm.set_state("RUNNING")
    assert "1 running" in cli("status", "s").out


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("COMPLETED", "COMPLETED and left no result"),
        ("OUT_OF_MEMORY", "OUT_OF_MEMORY"),
        ("CANCELLED by 0", "1 missing"),
    ],
)
def test_a_job_that_left_nothing(state, shown, cli, tiny_run, slurm, outputs):
    cli(*TYPED, *tiny_run)
    slurm.end(state)
    done = cli("status", "s")
    assert shown in done.out
    assert done.status == (0 if "missing" in shown else 1)
    again = cli(*TYPED, *tiny_run, "retry=never")
    assert ("submitted" in again.err) == ("missing" in shown)
    assert "submitted 1 runs" in cli(*TYPED, *tiny_run, "retry=failed").err or "missing" in shown
    assert len(slurm.queue) == 1


def test_waiting_writes_down_what_is_lost(cli, tiny_run, slurm, outputs, monkeypatch):
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        slurm.end("NODE_FAIL")

    monkeypatch.setattr("poolsweep.launch.cluster.watch.time.sleep", sleep)
    done = cli(*TYPED, *tiny_run, "hydra.launcher.wait=true", "hydra.launcher.poll_seconds=3")
    assert done.status == 1
    assert "1 of 1 runs did not finish" in done.err
    assert 3 in slept
    [result] = outputs.glob("s/*/result.json")
    assert read_json(result)["kind"] == "lost_job"
    assert "NODE_FAIL" in read_json(result)["reason"]


def test_waiting_out_the_sign_of_life_of_a_job_that_was_killed(cli, tiny_run, slurm, outputs, monkeypatch):
    monkeypatch.setattr("poolsweep.runs.lock.PATIENCE_SECONDS", 3.0)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if not slurm.queue:
            time.sleep(0.5)
            return
        [job] = outputs.glob("s/*/job.json")
        # A process on another machine began the run, and could say nothing when it was killed.
        write_json(job.parent / "lock.json", owner() | {"machine": "another", "token": "its", "since": time.time()})
        held = RunLock(job.parent, token="its")
        status = StatusFile(RunFolder(job.parent), name="seed=0", run_id=job.parent.name, lock=held)
        status.update(force=True, state="running", job="1")
        slurm.end("OUT_OF_MEMORY")

    monkeypatch.setattr("poolsweep.launch.cluster.watch.time", SimpleNamespace(sleep=sleep))
    done = cli(*TYPED, *tiny_run, "hydra.launcher.wait=true", "hydra.launcher.poll_seconds=3")
    assert done.status == 1
    assert len(slept) > 3, "premise: its lock looked alive for a while"
    assert len(slurm.read()["ended"]) == 1, "it is not submitted again"
    [result] = outputs.glob("s/*/result.json")
    assert "OUT_OF_MEMORY" in read_json(result)["reason"]


def test_slurm_that_does_not_answer(cli, tiny_run, slurm, outputs):
    cli(*TYPED, *tiny_run)
    slurm.set(deaf=True)
    done = cli(*TYPED, *tiny_run)
    assert done.status == 2
    assert "Unable to contact slurm controller" in done.err
    status = cli("status", "s")
    assert status.status == 0
    assert "Unable to contact slurm controller" in status.out


def test_sbatch_that_refuses(cli, tiny_run, slurm, outputs):
    slurm.set(full=True)
    done = cli(*TYPED, *tiny_run)
    assert done.status == 2
    assert "sbatch refused: sbatch: error: Invalid account" in done.problems[-1]
    slurm.set(full=False)
    assert cli(*TYPED, *tiny_run).status == 0


def test_a_single_run_is_no_sweep(cli, tiny_run, slurm):
    done = cli("train", "hydra/launcher=slurm", *tiny_run)
    assert done.status == 2
    assert "poolsweep train -m" in done.err


def test_gpus_are_planned_where_there_are_none(cli, tiny_run, slurm, outputs):
    given = [word for word in tiny_run if not word.startswith("trainer.accelerator")]
    for gpus in ("auto", "0"):
        done = cli(*TYPED, *given, f"hydra.launcher.gpus={gpus}", "trainer.precision=16-true")
        assert done.status == (0 if gpus == "auto" else 2), done.err
    assert "#SBATCH --gpus-per-node=1" in slurm.queue[0]["script"]
    assert cli("train", *given, "study=here", "trainer.precision=16-true").status == 2, "the plan is forgotten"


def test_percent_in_a_study_is_no_pattern_of_slurm_s(cli, tiny_run, slurm, outputs):
    """Slurm puts the job's id in place of %j, and the folder of the log would not exist."""
    done = cli("submit", *tiny_run, 'study="top50%jobs"', "pooling=cls", "seed=0,1")
    assert done.status == 0, done.err
    script = slurm.queue[0]["script"]
    [output] = [line.partition("=")[2] for line in script.splitlines() if line.startswith("#SBATCH --output=")]
    expanded = output.replace("%A", "1").replace("%a", "0").replace("%%", "%")
    log = json.loads(next(outputs.glob("top50%jobs/*/job.json")).read_text())["log"]
    assert "top50%%jobs" in output
    assert expanded.startswith(f"{outputs}/top50%jobs/.slurm/")
    assert Path(expanded).parent.is_dir()
    assert Path(log).parent == Path(expanded).parent
    assert sorted(path.name for path in outputs.iterdir() if path.name[0] != ".") == ["top50%jobs"]


def test_without_slurm_s_commands_it_is_said_so(cli, tiny_run, monkeypatch, no_new_files, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = cli("submit", *tiny_run, "pooling=cls", "seed=0")
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert "there is no sbatch or srun or squeue here" in done.err
