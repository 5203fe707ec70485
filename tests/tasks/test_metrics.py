"""Metrics of validation and test against scikit-learn, where a class is missing too."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from poolsweep.statistics import metric_scores
from poolsweep.tasks.metrics import classification_metrics

RANDOM = np.random.default_rng(0)
CASES = {
    "two classes": (RANDOM.integers(2, size=200), RANDOM.integers(2, size=200), 2),
    "five classes": (RANDOM.integers(5, size=200), RANDOM.integers(5, size=200), 5),
    "mostly right": (np.arange(90) % 3, np.where(np.arange(90) % 10, np.arange(90) % 3, 0), 3),
    "one predicted, two classes": (np.repeat([0, 1], [90, 10]), np.zeros(100, int), 2),
    "the rarer one predicted": (np.repeat([0, 1], [90, 10]), np.ones(100, int), 2),
    "one predicted, three classes": (np.repeat([0, 1, 2], [50, 30, 20]), np.zeros(100, int), 3),
    "one label, all right": (np.zeros(20, int), np.zeros(20, int), 2),
    "one label, all wrong": (np.zeros(20, int), np.ones(20, int), 2),
    "one label, some right": (np.zeros(20, int), np.arange(20) % 2, 2),
    "all right": (np.arange(20) % 2, np.arange(20) % 2, 2),
    "all wrong": (np.arange(20) % 2, (np.arange(20) + 1) % 2, 2),
}


@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_metrics_are_those_of_scikit_learn_and_of_the_report(case: str):
    labels, predicted, classes = CASES[case]
    metrics = classification_metrics(classes, ("accuracy", "f1_macro", "mcc"), prefix="test/")
    logits = torch.nn.functional.one_hot(torch.from_numpy(predicted), classes).float()
    for part in torch.arange(len(labels)).split(32):
        metrics.update(logits[part], torch.from_numpy(labels)[part])
    found = {name: value.item() for name, value in metrics.compute().items()}
    expected = {
        "test/accuracy": accuracy_score(labels, predicted),
        "test/f1_macro": f1_score(labels, predicted, average="macro", zero_division=0),
        "test/mcc": matthews_corrcoef(labels, predicted),
    }
    assert found == pytest.approx(expected, abs=1e-6)
    assert {name: metric_scores(name, labels, predicted).mean() for name in found} == pytest.approx(found, abs=1e-6)
