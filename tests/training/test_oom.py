"""When memory runs out: the size that fits is said, or taken with the same result."""

from __future__ import annotations

import csv
import json

import pytest
import torch

from poolsweep.data.batch import Batch
from poolsweep.model.lightning import LightningClassifier


@pytest.fixture
def memory_for(monkeypatch):
    """Training steps of more rows run out of memory, perhaps after some that did not."""

    def limit(rows: int, *, after: int = 0) -> None:
        original, left = LightningClassifier.forward, [after]

        def forward(self, batch: Batch):
            left[0] -= self.training
            if self.training and len(batch) > rows and left[0] < 0:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return original(self, batch)

        monkeypatch.setattr(LightningClassifier, "forward", forward)

    return limit


def test_the_size_that_fits_is_said(cli, short_run, outputs, memory_for):
    memory_for(3)
    done = cli("train", *short_run)
    assert done.status == 1
    assert done.problems[-1] == (
        "out of memory with 8 texts at once; data.batch_size=2 trainer.accumulate_grad_batches=4 fits and computes the "
        "same, and trainer.on_oom=halve finds it by itself"
    )
    [folder] = outputs.glob("default/*/")
    assert json.loads((folder / "result.json").read_text())["kind"] == "out_of_memory"


def test_not_even_one(cli, short_run, memory_for):
    memory_for(0)
    assert "one alone does not fit either" in cli("train", *short_run).problems[-1]


@pytest.mark.parametrize("after", [0, 7], ids=["at once", "when the encoder is trained already"])
def test_halving_gives_the_same_result_and_is_recorded(cli, short_run, outputs, memory_for, after: int):
    typed = ["train", *short_run, "trainer.precision=64-true", "encoder.dropout=0", "trainer.on_oom=halve"]
    assert cli(*typed, "study=whole").status == 0
    memory_for(3, after=after)
    done = cli(*typed, "study=halved")
    assert done.status == 0, done.err
    [whole], [halved] = outputs.glob("whole/*/"), outputs.glob("halved/*/")
    assert json.loads((whole / "result.json").read_text())["batch"] == {
        "effective": 8, "per_device": 8, "processes": 1, "accumulated": 1,
    }  # fmt: skip
    result = json.loads((halved / "result.json").read_text())
    assert result["batch"] == {"effective": 8, "per_device": 2, "processes": 1, "accumulated": 4}
    rows = []
    for folder in (whole, halved):
        with (folder / "metrics.csv").open() as file:
            rows.append([float(value) if value else None for row in csv.DictReader(file) for value in row.values()])
    assert len(rows[0]) > 100, "premise: a line per step and validation"
    assert rows[1] == pytest.approx(rows[0], abs=1e-6)
