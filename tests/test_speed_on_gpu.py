"""The script that measures a GPU runs, on a CPU and at tiny sizes, to its last part."""

from __future__ import annotations

import copy
import importlib
from pathlib import Path

import pytest
from architectures import CONFIGS


@pytest.fixture
def experiments(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "experiments" / "speed")


def test_every_table_has_its_rows(experiments, capsys):
    models, gpu = (importlib.import_module(name) for name in ("gpu_models", "gpu"))
    configs = {name: copy.deepcopy(CONFIGS[name]) for name in ("bert", "modernbert")}
    gpu.gpu(models.Setting("cpu", configs, {"like SST-2's": 8, "all of 128": 4}, steps=1, repeats=1))
    said = capsys.readouterr().out
    rows = [line for line in said.splitlines() if line.startswith("| ") and "×" in line]
    assert len(rows) == 2 * 2 * 2 + 2 + 2, "both models, training and inference, two lengths; dropout; small batches"
    assert sum(line.startswith("| bert, training") for line in rows) == 3
    assert "left out" not in said


def test_operations_are_counted_for_real_tokens(experiments):
    models = importlib.import_module("gpu_models")
    linear = 3 * (4 * 16 * 16 + 2 * 16 * 32)
    assert models.forward_flops(CONFIGS["bert"], [5, 3]) == 2 * linear * 8 + 4 * 16 * 3 * (25 + 9)
