"""Runs with two towers that are killed, or trained by two processes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest


def the_run(outputs: Path, study: str) -> Path:
    [folder] = outputs.glob(f"{study}/*/")
    return folder


def curve(folder: Path, column: str) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


@pytest.mark.parametrize(
    "batching", [[], ["data.batching=by_tokens", "data.max_length=40", "data.max_tokens=240"]], ids=["rows", "tokens"]
)
def test_killed_and_typed_again_gives_the_same_bits(cli, siamese, outputs, killed_at, bits, batching):
    typed = ["train", *siamese, *batching, "checkpoint.every_steps=1", "trainer.max_epochs=1"]
    assert cli(*typed, "study=alone").status == 0
    with killed_at(4) as kill, pytest.raises(kill.error):
        cli(*typed, "study=killed")
    done = cli(*typed, "study=killed")
    assert done.status == 0, done.err
    assert bits(the_run(outputs, "killed")) == bits(the_run(outputs, "alone"))


def test_two_processes_compute_what_one_does(cli, siamese, outputs):
    typed = [
        "train", *siamese, "trainer.precision=64-true", "encoder.dropout=0", "trainer.strategy=ddp", "callbacks=none",
        "trainer.max_epochs=1",
    ]  # fmt: skip
    assert cli(*typed, "data.batch_size=8", "study=one").status == 0
    done = cli(*typed, "data.batch_size=4", "trainer.devices=2", "study=two")
    assert done.status == 0, done.err
    one, two = the_run(outputs, "one"), the_run(outputs, "two")
    assert len(curve(one, "train/loss")) == 7, "premise: a loss per step"
    for metric in ("train/loss", "val/loss", "test/loss"):
        assert curve(two, metric) == pytest.approx(curve(one, metric), abs=1e-9), metric
