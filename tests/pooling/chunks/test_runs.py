"""Runs over documents in windows: trained, solved, read back, swept, refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from poolsweep.pooling.presets import half_names
from poolsweep.predict.load import load_model
from poolsweep.training.load import load_run

SHORT = "data.max_length=10"  # the texts have up to three windows of it
PROBE = ["encoder.frozen=true", "trainer=probe", "trainer.bootstrap=false", "trainer.accelerator=cpu"]


@pytest.fixture(scope="session")
def solved(short_run) -> list[str]:
    """A probe."""
    return [*(one for one in short_run if not one.startswith(("trainer.", "optimizer."))), *PROBE]


def folders(outputs: Path, study: str) -> dict[str, Path]:
    found = {}
    for path in outputs.glob(f"{study}/*/result.json"):
        found[json.loads(path.read_text())["pooling"]] = path.parent
    return found


def probabilities(folder: Path) -> np.ndarray:
    return np.array(pq.read_table(folder / "predictions-test.parquet")["probabilities"].to_pylist())


@pytest.mark.parametrize("regime", ["fine-tuned", "frozen"])
def test_one_window_is_no_chunking_to_the_bit(cli, short_run, outputs, regime):
    """Without clipping: attention's query, though its gradient is 0, is one more summand of the gradients' norm."""
    given = [*short_run, "trainer.max_epochs=1", "trainer.gradient_clip_val=null", "pooling=max", "study=s"]
    given += ["encoder.frozen=true"] if regime == "frozen" else []
    done = cli("train", "-m", *given, f"pooling/chunks={','.join(half_names('chunks'))}")
    assert done.status == 0, done.err
    found = folders(outputs, "s")
    assert len(found) == len(half_names("chunks")) > 6
    plain = found.pop("max")
    weights = load_file(plain / "checkpoints" / "best.safetensors")
    for name, folder in found.items():
        assert np.array_equal(probabilities(folder), probabilities(plain)), name
        own = load_file(folder / "checkpoints" / "best.safetensors")
        assert all(torch.equal(own[key], value) for key, value in weights.items()), name


def test_documents_are_swept_solved_and_read_back(cli, solved, outputs, animals, tmp_path):
    chunks = "pooling/chunks=truncate,mean,max,weighted,first,tokens"
    done = cli("train", "-m", *solved, SHORT, "data.stride=5", chunks, "pooling=masked_mean", "study=s")
    assert done.status == 0, done.err
    found = folders(outputs, "s")
    assert len(found) == 6
    assert np.array_equal(probabilities(found["masked_mean"]), probabilities(found["masked_mean+first_chunks"]))
    for name, folder in found.items():
        result = json.loads((folder / "result.json").read_text())
        reads_all = name not in ("masked_mean", "masked_mean+first_chunks")
        assert (result["truncated_share"]["test"] == 0) is reads_all
        assert (result.get("windows", {}).get("test", 0) > 1) is reads_all
        run, table = load_run(folder), pq.read_table(folder / "predictions-test.parquet").to_pydict()
        texts = [row.split(",")[0] for row in Path(animals).read_text().splitlines()[1:]]
        output = load_model(str(folder)).predict([texts[i] for i in table["row_id"]])
        assert np.allclose(output.values, table["probabilities"], atol=1e-5), f"{name}: features and predict agree"
        with torch.no_grad():
            logits = run.classifier(run.batch([texts[i] for i in table["row_id"]]))
        assert np.allclose(logits.softmax(dim=1), table["probabilities"], atol=1e-5)
    rows = ["--input", str(animals), "--output", str(tmp_path / "p.csv")]
    done = cli("predict", "s:masked_mean+tokens_chunks", *rows)
    assert done.status == 0, done.err
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 64, "one row a text"
    assert cli("refit", "s:masked_mean+mean_chunks").status == 0


def test_what_needs_one_input_is_refused_in_one_line(cli, solved, outputs, tmp_path):
    assert cli("train", *solved, SHORT, "pooling/chunks=mean", "study=s").status == 0
    [folder] = folders(outputs, "s").values()
    done = cli("export", str(folder), "--to", "torch", "--output", str(tmp_path / "e"))
    assert done.status == 2
    assert done.problems[-1].endswith("poolsweep predict and encode read such a run")
    assert not (tmp_path / "e").exists()
    done = cli("explain", str(folder), "--text", "meow " * 9)
    assert done.status == 2
    assert "windows, and explain shows one" in done.problems[-1]
    assert cli("explain", str(folder), "--text", "meow").status == 0


def test_a_pooling_of_one_token_is_not_joined(cli, solved):
    done = cli("train", *solved, SHORT, "pooling=cls", "pooling/chunks=tokens")
    assert done.status == 2
    assert done.problems == [
        "pooling=cls+tokens_chunks reads one token, which stands in one window; pooling/chunks=mean reads it in each"
    ]


def test_a_cut_that_does_not_fit_is_refused_before_anything_runs(cli, solved, no_new_files):
    done = cli("train", *solved, SHORT, "pooling/chunks=mean", "data.stride=9")
    assert (done.status, len(done.problems)) == (2, 1)
    assert done.problems[0].startswith("data.stride must be at most the 8 tokens")
    done = cli("train", *solved, SHORT, "pooling.chunks.keep=head_tail")
    assert (done.status, len(done.problems)) == (2, 1)
    assert done.problems[0].startswith("pooling.chunks.head_tokens must be below the 8 tokens")


def test_a_stride_that_nothing_reads_is_said(cli, solved):
    done = cli("train", *solved, SHORT, "data.stride=4")
    assert done.status == 0
    assert "data.stride=4 is of windows, and this pooling/chunks reads none" in done.out + done.err


@pytest.mark.parametrize("chunks", ["attention", "tokens"])
def test_killed_and_typed_again_gives_the_same_bits(cli, short_run, outputs, killed_at, bits, chunks):
    typed = ["train", *short_run, SHORT, f"pooling/chunks={chunks}", "checkpoint.every_steps=1", "trainer.max_epochs=1"]
    assert cli(*typed, "study=alone").status == 0
    with killed_at(4) as kill, pytest.raises(kill.error):
        cli(*typed, "study=killed")
    done = cli(*typed, "study=killed")
    assert done.status == 0, done.err
    [alone], [killed] = (list(folders(outputs, study).values()) for study in ("alone", "killed"))
    assert bits(killed) == bits(alone)


def curve(folder: Path, column: str) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


def test_two_processes_compute_what_one_does(cli, short_run, outputs):
    typed = [
        "train", *short_run, SHORT, "trainer.precision=64-true", "encoder.dropout=0", "trainer.strategy=ddp",
        "callbacks=none", "trainer.max_epochs=1", "pooling/chunks=attention",
    ]  # fmt: skip
    assert cli(*typed, "data.batch_size=8", "study=one").status == 0
    done = cli(*typed, "data.batch_size=4", "trainer.devices=2", "study=two")
    assert done.status == 0, done.err
    [one], [two] = (list(folders(outputs, study).values()) for study in ("one", "two"))
    assert len(curve(one, "train/loss")) == 7, "premise: a loss per step"
    for metric in ("train/loss", "val/loss", "test/loss"):
        assert curve(two, metric) == pytest.approx(curve(one, metric), abs=1e-9), metric
