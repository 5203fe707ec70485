"""One run by one process and by two: the same numbers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest


def the_run(outputs: Path, study: str) -> Path:
    [folder] = outputs.glob(f"{study}/*/")
    return folder


def curve(folder: Path, column: str) -> list[float]:
    with (folder / "metrics.csv").open() as file:
        return [float(row[column]) for row in csv.DictReader(file) if row[column]]


def require_two_do_what_one_does(cli: Callable[..., Any], overrides: Sequence[str], outputs: Path) -> None:
    """Train a run by one and by two processes, dropout off and in float64, and compare all that is recorded.

    Args:
        cli: The fixture.
        overrides: Overrides of a short run with 51 training rows.
        outputs: The fixture.
    """
    typed = [
        "train", *overrides, "trainer.precision=64-true", "encoder.dropout=0", "trainer.strategy=ddp",
        "callbacks=none", "trainer.max_epochs=1",
    ]  # fmt: skip
    assert cli(*typed, "data.batch_size=8", "study=one").status == 0
    done = cli(*typed, "data.batch_size=4", "trainer.devices=2", "study=two")
    assert done.status == 0, done.err
    one, two = the_run(outputs, "one"), the_run(outputs, "two")
    assert len(curve(one, "train/loss")) == 7, "premise: a loss per step"
    for metric in ("train/loss", "val/loss", "test/loss"):
        assert curve(two, metric) == pytest.approx(curve(one, metric), abs=1e-9), metric
    results = [json.loads((run / "result.json").read_text()) for run in (one, two)]
    assert results[1]["metrics"] == pytest.approx(results[0]["metrics"], abs=1e-6)
    contracts = [_numbers(json.loads((run / "labels.json").read_text())) for run in (one, two)]
    assert contracts[1] == pytest.approx(contracts[0], abs=1e-6), "thresholds and temperature too"


def _numbers(node: object) -> list[float]:
    """All numbers of a file, in its order."""
    if isinstance(node, dict | list):
        return [number for one in (node.values() if isinstance(node, dict) else node) for number in _numbers(one)]
    return [float(node)] if isinstance(node, int | float) else []
