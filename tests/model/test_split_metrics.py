"""Metrics of validation and test against scikit-learn, where a class is missing too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    matthews_corrcoef,
    roc_auc_score,
    top_k_accuracy_score,
)

from poolsweep.model.split_metrics import SplitMetrics
from poolsweep.tasks import Classification, Contract, Multilabel, Task
from poolsweep.tasks.label_sets import LabelSets
from poolsweep.tasks.labels import Labels

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


def measured(task: Task, contract: Contract, names: Sequence[str], logits: np.ndarray, targets: np.ndarray):
    """Metrics of a split that came in batches, the later ones first."""
    metrics = SplitMetrics(task, contract, names, prefix="test/", settles=False)
    for place, part in reversed([*enumerate(torch.arange(len(targets)).split(32))]):
        metrics.update(torch.from_numpy(logits)[part].float(), torch.from_numpy(targets)[part], place=place)
    return {name.removeprefix("test/"): value.item() for name, value in metrics.compute().items()}


@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_decisions_are_measured_as_scikit_learn_does(case: str):
    labels, predicted, classes = CASES[case]
    labels_of = Labels(tuple("abcdefg"[:classes]))
    names = ("accuracy", "f1_macro", "mcc", "balanced_accuracy", "f1_weighted", "f1_micro")
    found = measured(Classification(), labels_of, names, np.eye(classes)[predicted], labels)
    expected = {
        "accuracy": accuracy_score(labels, predicted),
        "f1_macro": f1_score(labels, predicted, average="macro", zero_division=0),
        "mcc": matthews_corrcoef(labels, predicted),
        "balanced_accuracy": balanced_accuracy_score(labels, predicted),
        "f1_weighted": f1_score(labels, predicted, average="weighted", zero_division=0),
        "f1_micro": f1_score(labels, predicted, average="micro", zero_division=0),
    }
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 7])
def test_rankings_are_measured_as_scikit_learn_does(classes: int):
    labels = RANDOM.integers(classes, size=300)
    logits = (RANDOM.normal(size=(300, classes)) + 2 * np.eye(classes)[labels]).round(1)
    names = ("top3_accuracy", "top5_accuracy", "roc_auc", "average_precision")
    found = measured(Classification(), Labels(tuple("abcdefg"[:classes])), names, logits, labels)
    stored = torch.from_numpy(logits).float().softmax(dim=1).numpy()
    marks, ranked = np.eye(classes)[labels], stored
    if classes == 2:
        marks, ranked = marks[:, 1], stored[:, 1]
    expected = {
        "roc_auc": roc_auc_score(marks, ranked, average="macro"),
        "average_precision": average_precision_score(marks, ranked, average="macro"),
    }
    expected |= {
        f"top{k}_accuracy": 1.0 if k >= classes else top_k_accuracy_score(labels, stored, k=k, labels=range(classes))
        for k in (3, 5)
    }
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("thresholds", [0.5, "fitted", (("b", 0.3), ("c", 0.9))])
def test_several_labels_are_measured_as_scikit_learn_does(thresholds):
    marks = (RANDOM.random((300, 4)) < (0.5, 0.1, 0.02, 0.3)).astype(np.uint8)
    logits = RANDOM.normal(size=(300, 4)) - 1 + 2 * marks
    task = Multilabel(thresholds=thresholds)
    names = ("a", "b", "c", "d")
    contract = LabelSets(names, (0.5,) * 4 if thresholds == "fitted" else task._thresholds(names))
    metrics = SplitMetrics(task, contract, task.metrics, prefix="val/", settles=True)
    metrics.update(torch.from_numpy(logits).float(), torch.from_numpy(marks))
    found = {name.removeprefix("val/"): value.item() for name, value in metrics.compute().items()}
    stored = torch.from_numpy(logits).float().sigmoid().numpy()
    settled = task.settled(contract, marks, torch.from_numpy(logits).float())
    assert isinstance(settled, LabelSets)
    said = stored >= np.array(settled.thresholds, dtype=np.float32)
    expected = {
        "f1_micro": f1_score(marks, said, average="micro"),
        "f1_macro": f1_score(marks, said, average="macro", zero_division=0),
        "subset_accuracy": accuracy_score(marks, said),
        "mean_average_precision": average_precision_score(marks, stored, average="macro"),
        "roc_auc": roc_auc_score(marks, stored, average="macro"),
    }
    assert found == pytest.approx(expected, abs=1e-9)
    if thresholds == "fitted":
        for label in range(4):
            tried = [f1_score(marks[:, label], stored[:, label] >= t) for t in np.unique(stored[:, label])]
            assert f1_score(marks[:, label], said[:, label]) == pytest.approx(max(tried)), "no other cut is better"
