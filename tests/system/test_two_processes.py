"""Sweeps over runs of two processes: failures, kills, resuming, and processes that others start. Real process trees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from two_processes import require_two_do_what_one_does

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at processes through /proc"),
]

FAULTY = '''
import os
import torch
from poolsweep.pooling.tokens.mean import Mean

class Faulty(Mean):
    """Fails in its process `rank` after a few steps, or runs out of memory with more than `most` rows."""

    def __init__(self, *, input_size: int, include_special: bool = True, rank: int = -1, most: int = 999):
        super().__init__(input_size=input_size)
        self.rank, self.most, self.steps = rank, most, 0

    def forward(self, hidden, mask, context):
        self.steps += self.training
        if self.steps > 3 and os.environ.get("RANK") == str(self.rank):
            raise ValueError("boom")
        if self.training and len(hidden) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(hidden, mask, context)
'''


@pytest.fixture
def typed(short_run) -> list[str]:
    return ["train", "-m", *short_run, "data.batch_size=4", "trainer.strategy=ddp"]


@pytest.fixture
def start(tmp_path, outputs):
    """Start poolsweep in a process of its own, in a folder from which it could import faulty.py."""
    (tmp_path / "faulty.py").write_text(FAULTY)
    paths = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    began: list[subprocess.Popen[str]] = []

    def popen(*arguments: str, command: tuple[str, ...] = ("-m", "poolsweep"), **environment: str):
        variables = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, **environment}
        process = subprocess.Popen(
            [sys.executable, *command, *arguments], cwd=tmp_path, env=variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        began.append(process)
        return process

    yield popen
    for process in began:
        process.kill()
        process.communicate()


def ranks(outputs: Path) -> dict[int, int]:
    """Rank → process id of all processes of runs under a folder of outputs."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                variables = dict(
                    part.split("=", 1) for part in (folder / "environ").read_text().split("\0") if "=" in part
                )
            except (OSError, UnicodeDecodeError):
                continue
            if "POOLSWEEP_RANK" in variables and variables.get("POOLSWEEP_OUTPUTS") == str(outputs):
                found[int(variables["POOLSWEEP_RANK"])] = int(folder.name)
    return found


def wait_for(outputs: Path, pattern: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 300
    while not list(outputs.glob(pattern)):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def gone(outputs: Path) -> bool:
    deadline = time.monotonic() + 10
    while ranks(outputs) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not ranks(outputs)


def results(outputs: Path, study: str) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(outputs.glob(f"{study}/*/result.json"))]


def test_device_counts_change_within_a_sweep(start, typed, outputs, tmp_path):
    """Lightning#11300, lightning-hydra-template#393: each process ran the whole sweep, into folders of its own."""
    process = start(*typed, "seed=0,1", "trainer.devices=1,2", "callbacks=none", "study=mixed")
    _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    found = results(outputs, "mixed")
    assert sorted(result["hardware"]["devices"] for result in found) == [1, 1, 2, 2]
    assert all(result["sizes"]["train"] == 51 for result in found)
    assert all(result["steps"] == (26 if result["hardware"]["devices"] == 1 else 14) for result in found)
    assert {result["attempts"] for result in found} == {1}
    assert sorted(path.name for path in outputs.iterdir() if path.is_dir()) == ["mixed"], "no second sweep folder"
    assert {path.name for path in tmp_path.iterdir()} <= {"outputs", "faulty.py", "__pycache__"}
    assert gone(outputs)


@pytest.mark.slow  # short enough for make test-system too
def test_early_stopping_and_the_best_weights_are_those_of_one_process(cli, typed, outputs):
    """Float64 and dropout off, so that what is left to differ is the order of sums."""
    line = [
        *typed, "trainer.precision=64-true", "encoder.dropout=0", "callbacks.early_stopping.patience=2",
        "trainer.max_epochs=20",
    ]  # fmt: skip
    for study, how in (("two", "trainer.devices=2"), ("one", "data.batch_size=8")):
        done = cli(*line, how, f"study={study}")
        assert done.status == 0, done.err
    [two], [one] = results(outputs, "two"), results(outputs, "one")
    assert one["steps"] < 20 * 7, "premise: it stopped early"
    assert one["best_epoch"] < one["epochs"], "premise: the best weights are not the last"
    for key in ("steps", "epochs", "best_epoch", "metrics"):
        assert two[key] == pytest.approx(one[key], abs=1e-9), key
    assert two["batch"]["effective"] == one["batch"]["effective"]
    weights, expected = (
        load_file(next(outputs.glob(f"{study}/*/checkpoints/best.safetensors"))) for study in ("two", "one")
    )
    assert weights.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-9, rtol=0, msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["regression", "weighted"])
def test_two_processes_compute_what_one_does(cli, run_of, outputs, kind):
    require_two_do_what_one_does(cli, run_of(kind), outputs)


@pytest.mark.slow  # short enough for make test-system too
def test_the_same_weights_are_evaluated_to_the_same_bits(cli, typed, outputs):
    """In float32, whose sums depend on their order: a learning rate of 0 gives both runs the same weights."""
    line = [*typed, "optimizer.lr=0", "optimizer.head_lr=0", "optimizer.pooling_lr=0", "trainer.max_epochs=1"]
    for study, processes in (("two", 2), ("one", 1)):
        done = cli(*line, f"trainer.devices={processes}", f"study={study}")
        assert done.status == 0, done.err
    [two], [one] = outputs.glob("two/*/"), outputs.glob("one/*/")
    for file in ("checkpoints/best.safetensors", "predictions-validation.parquet", "predictions-test.parquet"):
        assert (two / file).read_bytes() == (one / file).read_bytes(), file
    assert results(outputs, "two")[0]["metrics"] == results(outputs, "one")[0]["metrics"]


def test_a_process_that_raises_fails_its_run_alone(start, typed, outputs):
    """Lightning#8130: the others waited for it for ever."""
    process = start(
        *typed, "trainer.devices=2", "pooling.tokens._target_=faulty.Faulty", "trusted=[faulty]",
        "+pooling.tokens.rank=1,7", "study=raises",
    )  # fmt: skip
    _, err = process.communicate(timeout=600)
    assert process.returncode == 1
    failed, finished = sorted(results(outputs, "raises"), key=lambda result: result["status"])
    assert (failed["status"], finished["status"]) == ("failed", "finished")
    assert failed["reason"] == "RankFailedError: process 1 of 2: ValueError: boom", err
    assert gone(outputs)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_is_killed_fails_its_run_alone(victim, start, typed, outputs):
    """Lightning's observer killed the whole sweep with it."""
    process = start(*typed, "trainer.devices=2", "seed=0,1", "study=killed", "checkpoint.every_steps=1")
    wait_for(outputs, "killed/*/checkpoints/step-*", process)
    os.kill(ranks(outputs)[victim], signal.SIGKILL)
    process.communicate(timeout=600)
    assert process.returncode == 1
    failed, finished = sorted(results(outputs, "killed"), key=lambda result: result["status"])
    assert (failed["status"], failed["kind"], finished["status"]) == ("failed", "killed", "finished")
    assert f"process {victim} of 2 was killed by SIGKILL" in failed["reason"]
    assert gone(outputs)


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [("ddp", None), ("fsdp", None), ("ddp", "multilabel"), ("ddp", "regression"), ("ddp", "weighted")],
)
def test_killed_and_asked_to_leave_it_goes_on_with_the_same_bits(strategy, kind, start, typed, run_of, outputs, bits):
    line = [
        *(typed if kind is None else ["train", "-m", *run_of(kind), "data.batch_size=4"]), "trainer.devices=2",
        f"trainer.strategy={strategy}", "checkpoint.every_steps=1", "trainer.max_epochs=6",
        "callbacks.early_stopping.patience=50",  # not before the second signal
    ]  # fmt: skip
    alone = start(*line, "study=alone")
    _, err = alone.communicate(timeout=300)
    assert alone.returncode == 0, err
    for signum in (signal.SIGKILL, signal.SIGTERM):
        process = start(*line, "study=again")
        wait_for(outputs, f"again/*/checkpoints/step-{'0000003' if signum == signal.SIGTERM else '0000000'}*", process)
        process.send_signal(signum)
        process.communicate(timeout=120)
        assert process.returncode == (128 + signum if signum == signal.SIGTERM else -signum)
        assert gone(outputs), "none outlives the process that started them"
    last = start(*line, "study=again")
    _, err = last.communicate(timeout=300)
    assert last.returncode == 0, err
    [folder], [expected] = outputs.glob("again/*/"), outputs.glob("alone/*/")
    assert bits(folder) == bits(expected)
    assert json.loads((folder / "result.json").read_text())["resumed_at"]


def test_memory_that_runs_out_in_one_of_two(start, typed, outputs):
    process = start(
        *typed, "trainer.devices=2", "pooling.tokens._target_=faulty.Faulty", "trusted=[faulty]",
        "+pooling.tokens.most=3", "trainer.on_oom=halve", "study=oom",
    )  # fmt: skip
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    [result] = results(outputs, "oom")
    assert result["batch"] == {"effective": 8, "per_device": 2, "processes": 2, "accumulated": 2}
    assert result["attempts"] == 1


@pytest.mark.parametrize("launcher", ["srun", "torchrun"])
def test_processes_that_a_launcher_started(launcher, start, typed, outputs, bits):
    """hydra#2231, Lightning#2727: no process may start others, or read a command line that is not its own."""
    line = ["train", *typed[2:], "trainer.devices=2"]
    own = start(*line, "study=own")
    _, err = own.communicate(timeout=300)
    assert own.returncode == 0, err
    if launcher == "torchrun":
        run = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29622", "-m", "poolsweep")
        processes = [start(*line, "study=given", command=run)]
    else:
        processes = [
            start(
                *line, "study=given", SLURM_STEP_NUM_TASKS="2", SLURM_NTASKS="2", SLURM_PROCID=str(rank),
                SLURM_LOCALID=str(rank), SLURM_NODEID="0", SLURM_JOB_ID="123", SLURM_STEP_ID="0",
            )
            for rank in (0, 1)
        ]  # fmt: skip
    for process in processes:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
    [expected], [folder] = outputs.glob("own/*/"), outputs.glob("given/*/")
    assert bits(folder) == bits(expected), "the same numbers whoever starts the processes"
