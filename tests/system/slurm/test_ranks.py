"""Runs on several devices: one task per device and node, started by Slurm, each at its one run."""

from __future__ import annotations

import pandas as pd
import pytest

from poolsweep.files.writing import read_json

pytestmark = pytest.mark.slurm

DDP = ["trainer.strategy=ddp", "trainer.max_epochs=2"]
FEW = "hydra.launcher.setup=['export MASTER_ADDR=127.0.0.1']"  # virtual nodes have no names that resolve


@pytest.fixture(scope="module")
def submitted(lab, output_root) -> None:
    """All at once."""
    lab.submit("ranks", *DDP, "trainer.devices=1,2,2,1", FEW)
    lab.submit("nodes", *DDP, "trainer.num_nodes=2", FEW)
    lab.submit("leaving", *DDP, "trainer.devices=2", "trainer.max_epochs=20", FEW, slow=True)
    lab.submit("left-alone", *DDP, "trainer.devices=2", "trainer.max_epochs=20", FEW)
    lab.submit(
        "raising", *DDP, "trainer.devices=2", FEW,
        "+callbacks.breaker._target_=breaker.Breaker", "trusted=[breaker]", "+callbacks.breaker.how=none,raise-rank-1",
    )  # fmt: skip
    leaving = lab.run("leaving")
    lab.wait("two ranks train", lambda: lab.steps(leaving) >= 25)
    lab.sh("scancel", "--signal=TERM", read_json(leaving / "job.json")["job_id"])
    for study in ("ranks", "nodes", "leaving", "left-alone", "raising"):
        lab.wait(f"{study} ended", lambda study=study: lab.ended(study))


def test_mixed_numbers_of_devices(lab, submitted):
    results = [read_json(path) for path in lab.study("ranks").glob("*/result.json")]
    assert [result["status"] for result in results] == ["finished"] * 2, lab.log("ranks")
    assert len({job.partition("_")[0] for job in lab.jobs("ranks")}) == 2, "one job per number of devices"
    assert len(lab.jobs("ranks")) == 2, "the same run twice is one run"


@pytest.mark.parametrize("study", ["ranks", "nodes", "left-alone"])
def test_every_row_is_tested_once(study, lab, submitted):
    runs = list(lab.study(study).glob("*/result.json"))
    assert runs, "premise"
    for run in runs:
        sizes = read_json(run)["sizes"]
        for split in ("validation", "test"):
            rows = pd.read_parquet(run.parent / f"predictions-{split}.parquet")["row_id"]
            assert (len(rows), rows.is_unique, rows.is_monotonic_increasing) == (sizes[split], True, True)


def test_one_folder_and_one_process_at_it(lab, submitted):
    assert read_json(lab.run("nodes") / "status.json")["attempts"] == 1, lab.log("nodes")
    [script] = lab.study("nodes").glob(".slurm/*/*_submission.sh")
    assert "--nodes=2" in script.read_text()


def test_told_to_leave(lab, submitted, bits):
    leaving, alone = lab.run("leaving"), lab.run("left-alone")
    result = read_json(leaving / "result.json")
    assert (result["status"], result["attempts"]) == ("finished", 2), lab.log("leaving")
    assert result["resumed_at"] >= 25
    assert bits(leaving) == bits(alone)


def test_a_rank_that_raises_fails_its_run_alone(lab, submitted):
    found = {}
    for path in lab.study("raising").glob("*/job.json"):
        result = read_json(path.parent / "result.json") or {"status": "lost"}
        found[read_json(path)["index"]] = result["status"]
    assert found[0] == "finished", lab.log("raising")
    assert found[1] in {"failed", "lost"}
