"""Losses that weigh labels are torch's, with weights from the training split or by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from poolsweep.loss.binary_cross_entropy import BinaryCrossEntropy
from poolsweep.loss.cross_entropy import CrossEntropy
from poolsweep.loss.focal import Focal
from poolsweep.model.mean_loss import MeanLoss
from poolsweep.probe.links import LINKS
from poolsweep.probe.objective import Rows
from poolsweep.tasks.label_sets import LabelSets
from poolsweep.tasks.labels import Labels

RANDOM = torch.Generator().manual_seed(0)
NAMES = Labels(("a", "b", "c"))
LOGITS, LABELS = torch.randn(60, 3, generator=RANDOM), torch.tensor([0] * 40 + [1] * 15 + [2] * 5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, "balanced", {"b": 3.0, "c": 0.5}])
def test_cross_entropy_is_torchs(weight, smoothing: float):
    loss = CrossEntropy(weight=weight, label_smoothing=smoothing)
    loss.fit(NAMES, LABELS.numpy())
    given = None if weight is None else torch.tensor([1.0, 3.0, 0.5])
    if weight == "balanced":
        given = torch.from_numpy(compute_class_weight("balanced", classes=np.arange(3), y=LABELS.numpy())).float()
    peer = nn.CrossEntropyLoss(weight=given, label_smoothing=smoothing)
    assert loss(LOGITS, LABELS) == pytest.approx(peer(LOGITS, LABELS).item(), rel=1e-6)
    batches, mean = range(0, 60, 16), MeanLoss()
    for place, start in enumerate(batches):
        rows = slice(start, start + 16)
        counts = loss.weights_of(LABELS[rows])
        weight_of = len(LABELS[rows]) if counts is None else float(counts.sum())
        mean.add(loss(LOGITS[rows], LABELS[rows]), weight=weight_of, place=place)
    assert mean.compute().item() == pytest.approx(peer(LOGITS, LABELS).item(), rel=1e-6), "over batches, too"


def test_focal_without_gamma_is_the_cross_entropy_and_sure_texts_count_less():
    focal, plain = Focal(gamma=0.0, weight="balanced"), CrossEntropy(weight="balanced")
    for loss in (focal, plain):
        loss.fit(NAMES, LABELS.numpy())
    assert focal(LOGITS, LABELS) == pytest.approx(plain(LOGITS, LABELS).item(), rel=1e-6)
    sure = torch.tensor([[4.0, 0.0]])
    p = sure.softmax(dim=1)[0, 0].item()
    assert Focal(gamma=2.0)(sure, torch.tensor([0])) == pytest.approx((1 - p) ** 2 * -np.log(p), rel=1e-4)


@pytest.mark.parametrize("given", ["balanced", {"b": 3.0}])
def test_binary_cross_entropy_is_torchs(given):
    marks = (torch.rand(60, 3, generator=RANDOM) < torch.tensor([0.5, 0.2, 0.0])).to(torch.uint8)
    loss = BinaryCrossEntropy(pos_weight=given)
    loss.fit(LabelSets(("a", "b", "c"), (0.5, 0.5, 0.5)), marks.numpy())
    have = marks.sum(dim=0)
    expected = (60 - have) / have.clamp(min=1)
    expected[2] = 1.0  # no text has it
    expected = expected if given == "balanced" else torch.tensor([1.0, 3.0, 1.0])
    peer = nn.BCEWithLogitsLoss(pos_weight=expected)
    assert loss(LOGITS, marks) == pytest.approx(peer(LOGITS, marks.float()).item(), rel=1e-6)


def test_a_probe_with_weights_is_scikit_learns():
    vectors = LOGITS @ torch.randn(3, 6, generator=RANDOM)
    loss = CrossEntropy(weight="balanced")
    loss.fit(NAMES, LABELS.numpy())
    rows = Rows(lambda: iter([vectors]), torch.full((60,), 1 / 60, dtype=torch.float64))
    found = LINKS["softmax"](rows, LABELS, loss, 3).solve(0.01)
    peer = LogisticRegression(C=1 / (0.01 * 60), class_weight="balanced", tol=1e-10, max_iter=10_000)
    peer.fit(vectors.double().numpy(), LABELS.numpy())
    probabilities = torch.softmax(vectors.double() @ found.weight.T + found.bias, dim=1).numpy()
    assert np.abs(probabilities - peer.predict_proba(vectors.double().numpy())).max() < 1e-4
