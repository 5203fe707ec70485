"""Reliability bins and the expected calibration error, against a naive loop and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from poolsweep.report.charts.calibration import NUM_BINS, calibration, calibration_error, reliability_table
from poolsweep.report.leaderboard import compare_all
from poolsweep.report.predicted import read_predictions
from poolsweep.report.results import load_runs


def test_the_table_is_that_of_a_loop():
    chance = np.random.default_rng(0)
    confidence, correct = chance.uniform(0.2, 1, 500), chance.random(500) < 0.7
    table = reliability_table(confidence, correct)
    for i in range(NUM_BINS):
        rows = (confidence > i / NUM_BINS) & (confidence <= (i + 1) / NUM_BINS)
        assert table[:, i] == pytest.approx([rows.sum(), confidence[rows].sum(), correct[rows].sum()])
    assert table[0].sum() == 500


def test_the_ends_have_a_bin():
    table = reliability_table([0.0, 1.0], [True, True])
    assert (table[0, 0], table[0, -1]) == (1, 1)


def test_the_error_is_torchmetrics(make_study):
    study = make_study(poolings=["cls", "max"])
    [comparison] = compare_all(load_runs([study]))
    found = calibration(comparison.contender("max"))
    assert found is not None
    for error, run in zip(found.errors, comparison.contender("max").runs.values(), strict=True):
        p = read_predictions(run, outputs=True)
        assert p is not None
        wanted = multiclass_calibration_error(
            torch.from_numpy(np.asarray(p.outputs)), torch.tensor(p.targets), num_classes=3, n_bins=NUM_BINS
        )
        assert error == pytest.approx(float(wanted), abs=1e-6)
    assert found.error == pytest.approx(np.mean(found.errors))
    assert found.count.sum() == 600
    filled = found.count > 0
    assert np.isnan(found.accuracy[~filled]).all()
    assert not np.isnan(found.accuracy[filled]).any()


def test_perfect_and_overconfident():
    assert calibration_error(reliability_table([1.0, 1.0], [True, True])) == 0
    assert calibration_error(reliability_table([1.0, 1.0], [False, False])) == 1


def test_without_predictions_there_is_none(make_study):
    [comparison] = compare_all(load_runs([make_study(predictions=False)]))
    assert calibration(comparison.contender("cls")) is None
