"""However a job is told to end, its run goes on at the very step, and ends with the bits of a run left alone."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from poolsweep.cli import main
from poolsweep.files.writing import read_json

pytestmark = pytest.mark.slurm

ALONE = "alone"
LONGER = "trainer.max_epochs=40"
NODES = {"sigterm": "n0", "sigusr2": "n1", "node failure": "n2", "requeue": "n3", "time limit": "n3", "stray": "n3"}
DISTURBANCES = tuple(NODES)


def study_of(kind: str) -> str:
    return kind.replace(" ", "-")


def preempt(lab, node: str) -> None:
    lab.sh(
        "sbatch",
        "--partition=urgent",
        f"--nodelist={node}",
        "--exclusive",
        "--mem=100",
        "--wrap=sleep 1",
        "--output=/dev/null",
    )


def send_user_signal(lab, *, on: bool) -> None:
    conf = lab.state / "slurm.conf"
    text = conf.read_text()
    before, after = ("idle_on_node_suspend", "preempt_send_user_signal")[:: 1 if on else -1]
    conf.write_text(text.replace(f"SlurmctldParameters={before}", f"SlurmctldParameters={after}"))
    lab.sh("scontrol", "reconfigure")
    lab.wait("reconfigured", lambda: after in lab.sh("scontrol", "show", "config"), seconds=30)


def minutes_since_start(lab, job_id: str) -> int:
    """Rounded up; ``TimeUsed`` is m:ss or h:mm:ss."""
    *hours, minutes, seconds = map(int, lab.sh("squeue", "-h", "-j", job_id, "-O", "TimeUsed").strip().split(":"))
    return 60 * sum(hours) + minutes + (seconds > 0)


def disturb(lab, kind: str, run: Path, found: dict[str, list[str]]) -> None:
    job_id, status = read_json(run / "job.json")["job_id"], read_json(run / "status.json")
    if kind in {"sigterm", "sigusr2"}:
        send_user_signal(lab, on=kind == "sigusr2")
        preempt(lab, NODES[kind])
    elif kind == "requeue":
        lab.sh("scontrol", "requeue", job_id)
    elif kind == "stray":  # a person's, or a site's own way of asking a job to make room
        lab.sh("scancel", "--signal=TERM", job_id)
    elif kind == "time limit":  # one that is nearer than warning_seconds: Slurm warns at its next look
        lab.sh("scontrol", "update", f"JobId={job_id}", f"TimeLimit={minutes_since_start(lab, job_id) + 2}")
    else:
        lab.kill_node(NODES[kind], status["pid"])
        found[kind] = saved(run)  # at once: when it goes on it saves again
        lab.sh("scontrol", "update", f"NodeName={NODES[kind]}", "State=DOWN", "Reason=died")
        time.sleep(1)
        subprocess.run(["slurmd", "-N", NODES[kind]], check=True)
        lab.wait("the node is back", lambda: is_up(lab, NODES[kind]), seconds=60)


def is_up(lab, node: str) -> bool:
    """Whether jobs may begin on a node; it is asked to let them until it does.

    Slurm refuses that if the node has come back by itself, which it may do at any moment once its daemon has started.
    """
    subprocess.run(["scontrol", "update", f"NodeName={node}", "State=RESUME"], capture_output=True, timeout=120)
    return "DOWN" not in lab.sh("scontrol", "show", "node", node)


def saved(run: Path) -> list[str]:
    return [path.name for path in (run / "checkpoints").glob("step-*")]


def left(run: Path) -> bool:
    status = read_json(run / "status.json") or {}
    return status.get("state") in {"interrupted", "finished"} or status.get("attempts", 1) > 1


@pytest.fixture(scope="module")
def disturbed(lab, output_root) -> dict[str, list[str]]:
    """One run per disturbance; gives what lay in checkpoints/ when each had left."""
    lab.submit(ALONE, "+hydra.launcher.sbatch.nodelist=n3", LONGER)  # where nobody is preempted
    for kind, node in NODES.items():
        saving = ["checkpoint.every_steps=10"] if kind == "node failure" else []
        lab.submit(study_of(kind), f"+hydra.launcher.sbatch.nodelist={node}", LONGER, *saving, slow=True)
    found: dict[str, list[str]] = {}
    for kind in DISTURBANCES:
        run = lab.run(study_of(kind))
        lab.wait(f"{kind}: in training", lambda run=run: lab.steps(run) >= 25)
        disturb(lab, kind, run, found)
        lab.wait(f"{kind}: has left", lambda run=run: left(run))
        found.setdefault(kind, saved(run))
        if kind == "time limit":
            lab.sh("scontrol", "update", f"JobId={read_json(run / 'job.json')['job_id']}", "TimeLimit=60")
    for study in (ALONE, *map(study_of, DISTURBANCES)):
        lab.wait(f"{study} ended", lambda study=study: lab.ended(study))
    return found


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_the_same_bits_as_left_alone(kind, lab, disturbed, bits):
    run, alone = lab.run(study_of(kind)), lab.run(ALONE)
    result = read_json(run / "result.json")
    assert result["status"] == "finished", lab.log(study_of(kind))
    assert result["attempts"] == 2
    steps = [int(name.split("-")[1]) for name in disturbed[kind]]
    assert result["resumed_at"] == max(steps), "it went on from the last checkpoint"
    if kind != "node failure":
        assert len(steps) == 1, "premise: it saved because it was told to leave, and at no other time"
    assert bits(run) == bits(alone)
    assert len(lab.jobs(study_of(kind))) == 1, "the job was requeued, not submitted again"


def test_here_and_in_a_job_are_the_same_run(lab, bits, disturbed):
    """The reference itself, without Slurm."""
    typed = [word for word in lab.typed("here", LONGER) if not word.startswith(("hydra", "-m"))]
    assert main(typed) == 0
    [here] = lab.study("here").glob("*/")
    assert here.name == lab.run(ALONE).name, "the same run id"
    assert bits(here) == bits(lab.run(ALONE))


def test_a_cancelled_job_stays_cancelled(lab):
    lab.submit("cancelled", slow=True)
    run = lab.run("cancelled")
    lab.wait("training", lambda: lab.steps(run) > 5)
    lab.sh("scancel", read_json(run / "job.json")["job_id"])
    lab.wait("ended", lambda: lab.ended("cancelled"))
    assert lab.sh("sacct", "-nPX", "--format=State", f"--jobs={lab.jobs('cancelled')[0]}").startswith("CANCELLED")
    assert read_json(run / "status.json")["state"] == "interrupted"
    assert list((run / "checkpoints").glob("step-*")), "it saved, so the same command goes on"
