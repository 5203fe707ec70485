"""Runs with trainer=probe: the folder of any run, nothing random, and one line for what does not go with it."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from poolsweep.config.keys import LOADING_KEYS
from poolsweep.config.probe import _UNUSED_OF_DATA
from poolsweep.runs.identity import setting_id
from poolsweep.training.job import folder_of
from poolsweep.training.load import load_run


@pytest.fixture
def probe(animals) -> list[str]:
    return [
        "encoder=tiny", "encoder.frozen=true", "trainer=probe", "trainer.accelerator=cpu", "data=files",
        f"data.train={animals}",
    ]  # fmt: skip


def folders(outputs, study: str = "default"):
    return sorted(path.parent for path in (outputs / study).glob("*/result.json"))


def test_a_run_leaves_what_any_run_leaves(cli, probe, outputs, animal_rows):
    done = cli("train", *probe, "pooling=masked_mean", "trainer.penalties=[1,0.1,0.01,0.001]")
    assert done.status == 0, done.err
    (folder,) = folders(outputs)
    result = json.loads((folder / "result.json").read_text())
    tried = result["penalties_tried"]
    assert result["penalty"] in [entry["penalty"] for entry in tried]
    assert result["penalty"] == max(tried, key=lambda entry: entry["val/accuracy"])["penalty"], "first = strongest wins"
    assert result["seeds_are"] == "bootstrap samples of the training rows"
    assert result["distinct_rows"] < result["sizes"]["train"]
    assert 0 < result["cpu_seconds"] < 60
    assert result["parameters"] == {"trained": 3 * 32 + 3, "pooled_size": 32}
    table = pq.read_table(folder / "predictions-test.parquet").to_pydict()
    assert len(table["row_id"]) == result["sizes"]["test"]
    assert [animal_rows[i][1] for i in table["row_id"]] == table["label"]
    right = np.mean([a == b for a, b in zip(table["label"], table["predicted"], strict=True)])
    assert right == pytest.approx(result["metrics"]["test/accuracy"])
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["test/accuracy"] != "" for row in rows] == [False] * len(tried) + [True], "test is evaluated once"
    assert [float(row["penalty"]) for row in rows] == [*[e["penalty"] for e in tried], result["penalty"]]
    assert json.loads((folder / "status.json").read_text())["state"] == "finished"


def test_the_weights_that_are_left_give_the_predictions(cli, probe, outputs, animal_rows):
    assert cli("train", *probe, "pooling=last4_concat", "postprocess=whiten").status == 0
    (folder,) = folders(outputs)
    table = pq.read_table(folder / "predictions-test.parquet").to_pydict()
    loaded = load_run(folder)
    with torch.no_grad():
        logits = loaded.classifier(loaded.batch([animal_rows[i][0] for i in table["row_id"]]))
    assert np.allclose(torch.softmax(logits, dim=1).numpy(), table["probabilities"], atol=1e-4)


def test_same_bits_and_another_sample_for_another_seed(cli, probe, outputs):
    for study, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert cli("train", *probe, f"study={study}", f"seed={seed}").status == 0
    a, b, c = (load_file(folders(outputs, study)[0] / "checkpoints" / "best.safetensors") for study in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["head.classifier.weight"], c["head.classifier.weight"])
    assert not torch.equal(a["postprocess.mean"], c["postprocess.mean"]), "fitted on the sample alone"


def test_large_data_is_read_block_by_block_with_the_same_result(cli, probe, outputs, monkeypatch):
    assert cli("train", *probe, "study=whole").status == 0
    monkeypatch.setattr("poolsweep.probe.vectors.IN_MEMORY_BYTES", 0)
    monkeypatch.setattr("poolsweep.probe.vectors._BLOCK_ROWS", 8)
    assert cli("train", *probe, "study=blocks").status == 0
    whole, blocks = (json.loads((folders(outputs, s)[0] / "result.json").read_text()) for s in ("whole", "blocks"))
    assert whole["penalty"] == blocks["penalty"]
    for name, value in whole["metrics"].items():
        assert blocks["metrics"][name] == pytest.approx(value, abs=1e-3), name


def test_what_a_probe_does_not_read_are_keys_that_there_are():
    assert {*_UNUSED_OF_DATA} < {*LOADING_KEYS}


def test_without_bootstrap_all_seeds_are_one_run(cli, probe, outputs):
    done = cli("train", "-m", *probe, "trainer.bootstrap=false", "seed=0,1,2")
    assert done.status == 0
    assert "1 runs" in done.err
    (folder,) = folders(outputs)
    result = json.loads((folder / "result.json").read_text())
    assert result["seeds_are"] is None
    assert result["distinct_rows"] == result["sizes"]["train"]
    again = cli("train", "-m", *probe, "trainer.bootstrap=false", "seed=0,1,2")
    assert again.status == 0, "a run of another seed is the same run"
    assert "1 finished before" in again.err


def test_what_a_probe_does_not_use_may_be_typed_otherwise(cli, probe, outputs):
    assert cli("train", *probe).status == 0
    again = cli("train", *probe, "data.batch_size=16", "optimizer.lr=1", "head.dropout=0.5", "callbacks=none")
    assert again.status == 0, again.err
    assert len(folders(outputs)) == 1


def test_a_leaderboard_says_what_its_seeds_are(cli, probe):
    done = cli("train", "-m", *probe, "pooling=cls,masked_mean", "seed=0,1")
    assert done.status == 0
    assert "Seeds are bootstrap samples of the training rows" in done.out


def test_what_is_not_used_is_not_in_the_identity(compose, probe):
    def of(*overrides: str) -> tuple[str, str]:
        content = compose(*probe, *overrides)
        return folder_of(content)[1], setting_id(content)

    unused = ["optimizer.head_lr=1", "scheduler=cosine", "callbacks=none", "head.dropout=0.5", "data.batch_size=7"]
    unused += ["init_seed=1"]
    for override in unused:
        assert of(override) == of(), override
    assert of("seed=1") == of("data_seed=1"), "a probe's seed draws the bootstrap sample, and nothing else"
    assert of("pooling=pooler") != of("pooling=pooler", "init_seed=1"), "which may lack weights, and draws them"
    used = ["data_seed=1", "trainer.penalties=[1]", "trainer.bootstrap=false", "postprocess=none"]
    assert len({of(), *(of(override) for override in used)}) == len(used) + 1
    assert of("trainer.bootstrap=false", "seed=1") == of("trainer.bootstrap=false")


REFUSED = {
    "a trained encoder": (["encoder.frozen=false"], "trainer=probe needs encoder.frozen=true: it solves a head on"),
    "a pooling with parameters": (
        ["pooling/tokens=attention"],
        "trainer=probe needs a pooling without parameters of its own; pooling=last+attention has",
    ),
    "several devices": (["trainer.devices=2"], "trainer.devices "),
    "a penalty of zero": (["trainer.penalties=[1,0]"], "trainer.penalties must be one or more numbers above 0"),
    "an option of Lightning's": (["trainer.max_epochs=3"], "trainer=probe has no key max_epochs"),
}  # fmt: skip


@pytest.mark.usefixtures("no_new_files")
@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_line(cli, probe, what: str):
    overrides, message = REFUSED[what]
    done = cli("train", *probe, *overrides)
    assert done.status == 2
    (problem,) = done.problems
    assert problem.startswith(message)
