"""The temperature of probabilities, against a fit by other libraries, and where validation holds none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax
from sklearn.metrics import log_loss

from poolsweep.tasks import Classification, Multilabel
from poolsweep.tasks.label_sets import LabelSets
from poolsweep.tasks.labels import Labels
from poolsweep.tasks.temperature import BOUNDS, at_bound, best_temperature
from poolsweep.tasks.thresholds import best_threshold

RANDOM = np.random.default_rng(0)
IDS = RANDOM.integers(5, size=400)
MARKS = (RANDOM.random((400, 5)) < (0.5, 0.3, 0.1, 0.02, 0.6)).astype(np.uint8)
NAMES = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize("true", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("targets", [IDS, MARKS, IDS % 2])
def test_it_is_the_minimum_of_scikit_learns_log_loss(targets: np.ndarray, true: float):
    classes = 2 if targets.max() == 1 and targets.ndim == 1 else 5
    marks = targets if targets.ndim == 2 else np.eye(classes)[targets]
    logits = (true * (RANDOM.normal(size=marks.shape) + 1.5 * marks - 0.5)).astype(np.float32)

    def loss(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        if targets.ndim == 2:
            return log_loss(targets.ravel(), expit(scaled).ravel())
        return log_loss(targets, softmax(scaled, axis=1))

    expected = np.exp(minimize_scalar(loss, bracket=(-1, 1), tol=1e-12).x)
    assert BOUNDS[0] < expected < BOUNDS[1], "premise: there is a minimum"
    assert best_temperature(logits, targets) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("targets", [IDS, MARKS])
def test_where_there_is_no_minimum_it_is_bounded_and_said(targets):
    marks = targets if targets.ndim == 2 else np.eye(5)[targets]
    right = (2.0 * marks - 1).astype(np.float32)
    assert best_temperature(right, targets) == BOUNDS[0]
    assert best_temperature(-right, targets) == BOUNDS[1]
    assert best_temperature(0 * right, targets) == 1, "any is as good"
    assert best_temperature(1e4 * right, targets) == 1, "the loss is 0 as it is, and nothing overflows"
    assert "hardly a text is wrong" in str(at_bound(BOUNDS[0]))
    assert "say nothing of its labels" in str(at_bound(BOUNDS[1]))
    assert at_bound(1.0) is None


@pytest.mark.parametrize("task", [Classification(calibrate="temperature"), Multilabel(calibrate="temperature")])
def test_what_was_said_before_is_known_afterwards(task):
    one_label = isinstance(task, Classification)
    targets = IDS if one_label else MARKS
    logits = torch.from_numpy(RANDOM.normal(size=(400, 5)) * 4).float()
    contract = Labels(NAMES) if one_label else LabelSets(NAMES, (0.5,) * 5)
    settled = task.settled(contract, targets, logits)
    assert settled.temperature > 1.5, "premise: it matters"
    raw, found = (task.outcomes(one, targets, task.predicted(one, logits).numpy()) for one in (contract, settled))
    assert task.before_temperature(contract, raw) is None
    before = task.before_temperature(settled, found)
    np.testing.assert_allclose(before.outputs, raw.outputs, atol=1e-4)
    assert np.array_equal(before.predicted, found.predicted)
    assert task.scores("log_loss", found).mean() < task.scores("log_loss", raw).mean()
    assert task.read_contract(settled.to_mapping()) == settled
    readout = task.readout(settled)
    assert readout.contract.temperature == 1
    folded = task.predicted(readout.contract, readout.factor * logits).numpy()
    np.testing.assert_allclose(folded, found.outputs, atol=1e-6)


def test_thresholds_are_fitted_on_calibrated_probabilities():
    logits = torch.from_numpy(RANDOM.normal(size=(400, 5)) * 4 + 4 * MARKS).float()
    task = Multilabel(thresholds="fitted", calibrate="temperature")
    settled = task.settled(LabelSets(NAMES, (0.5,) * 5), MARKS, logits)
    assert isinstance(settled, LabelSets)
    assert settled.temperature == best_temperature(logits.numpy(), MARKS)
    probabilities = (logits / settled.temperature).sigmoid().numpy()
    assert settled.thresholds == tuple(best_threshold(*pair) for pair in zip(MARKS.T, probabilities.T, strict=True))


def test_models_together_have_the_geometric_mean():
    two = [Labels(("a", "b"), temperature=t) for t in (0.5, 2.0)]
    assert two[0].together(two[1:]).temperature == 1
    sets = [LabelSets(("a", "b"), (0.5, 0.5), temperature=t) for t in (1.0, 4.0)]
    assert sets[0].together(sets[1:]).temperature == pytest.approx(2)
    with pytest.raises(ValueError, match="have other labels"):
        two[0].together([Labels(("a", "c"))])


@pytest.mark.parametrize("temperature", [0, -1, "2", None, True, float("nan"), float("inf"), [1]])
def test_a_strangers_temperature_is_a_number_above_0(temperature):
    labels = {"a": 0, "b": 1}
    with pytest.raises(ValueError, match="a number above 0"):
        Labels.read({"labels": labels, "temperature": temperature})
    with pytest.raises(ValueError, match="a number above 0"):
        LabelSets.read({"labels": labels, "separator": "|", "thresholds": [0, 1], "temperature": temperature})


def test_labels_may_be_called_labels_and_temperature():
    assert Labels.read({"labels": 1, "temperature": 0}).names == ("temperature", "labels")
    again = Labels(("labels", "temperature"), temperature=2.0)
    assert Labels.read(again.to_mapping()) == again
    with pytest.raises(ValueError, match="names with their ids"):
        Labels.read({"labels": {"labels": {"a": 0}, "temperature": 2}, "temperature": 2})
