"""Two GPUs compute what one does."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices"),
]


def losses(folder: Path) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_gpus_compute_what_one_does(strategy, cli, short_run, outputs):
    """Dropout off, float64; 51 rows in steps of 8, so that the last of an epoch is uneven."""
    typed = [
        "train", *short_run, "trainer.accelerator=cuda", "trainer.precision=64-true", "encoder.dropout=0",
        f"trainer.strategy={strategy}", "callbacks=none", "data.effective_batch_size=8",
    ]  # fmt: skip
    for devices in (1, 2):
        done = cli(*typed, f"trainer.devices={devices}", f"study=on{devices}")
        assert done.status == 0, done.err
    [one], [two] = outputs.glob("on1/*/"), outputs.glob("on2/*/")
    assert json.loads((two / "result.json").read_text())["hardware"]["devices"] == 2
    assert len(losses(one)) == 14, "premise: a loss per step"
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    for split in ("validation", "test"):
        found, expected = (pq.read_table(folder / f"predictions-{split}.parquet") for folder in (two, one))
        assert found["row_id"].to_pylist() == expected["row_id"].to_pylist()
        assert found["predicted"].equals(expected["predicted"])
