"""Two processes train what one does: a solved head, rates that fall, layers that are unfrozen, frozen ones."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest


def curve(folder: Path, column: str) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


UNFROZEN = ["init=probe", "optimizer.layer_decay=0.7", "encoder.unfreeze_every=0.5", "r_drop=0.5"]
FROZEN = ["encoder.train=top:1", "encoder.reinitialise_top=1"]


@pytest.mark.parametrize("recipe", [UNFROZEN, FROZEN], ids=["unfrozen", "frozen"])
def test_two_processes_compute_what_one_does(recipe, cli, short_run, outputs):
    """Dropout off, float64; 51 rows in steps of 8, so that the last of an epoch is uneven."""
    typed = [
        "train",
        *short_run,
        "trainer.precision=64-true",
        "encoder.dropout=0",
        "trainer.strategy=ddp",
        "callbacks=none",
    ]
    typed += recipe
    for study, options in (("one", ["data.batch_size=8"]), ("two", ["data.batch_size=4", "trainer.devices=2"])):
        done = cli(*typed, *options, f"study={study}")
        assert done.status == 0, done.err
    [two], [one] = outputs.glob("two/*/"), outputs.glob("one/*/")
    losses = curve(one, "train/loss")
    assert len(losses) == 14, "premise: a loss per step"
    assert curve(two, "train/loss") == pytest.approx(losses, abs=1e-10)
    for metric in ("val/loss", "test/loss", "test/accuracy"):
        assert curve(two, metric) == pytest.approx(curve(one, metric), abs=1e-6), metric
