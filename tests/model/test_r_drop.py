"""R-Drop's sum is that of its authors' code, however a step is divided."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from poolsweep.loss.binary_cross_entropy import BinaryCrossEntropy
from poolsweep.loss.cross_entropy import CrossEntropy
from poolsweep.loss.mse import MSE
from poolsweep.model.r_drop import RDrop
from poolsweep.tasks import Classification, Multilabel, Regression
from poolsweep.tasks.label_sets import LabelSets
from poolsweep.tasks.labels import Labels
from poolsweep.tasks.scale import Scale

ALPHA = 0.7


def logits(columns: int, *, seed: int) -> Tensor:
    return 3 * torch.randn(5, columns, generator=torch.Generator().manual_seed(seed))


def kl_of_the_authors(p: Tensor, q: Tensor) -> Tensor:
    """The README of dropreg/R-Drop, with the mean over texts."""
    p_loss = F.kl_div(F.log_softmax(p, dim=-1), F.softmax(q, dim=-1), reduction="none").sum(dim=-1)
    q_loss = F.kl_div(F.log_softmax(q, dim=-1), F.softmax(p, dim=-1), reduction="none").sum(dim=-1)
    return (p_loss + q_loss) / 2


def r_drop_of(task, contract, loss) -> RDrop:
    return RDrop(ALPHA, divergence=lambda one, other: task.divergence(contract, one, other), loss=loss)


def test_classes():
    one, other = logits(3, seed=1), logits(3, seed=2)
    found = r_drop_of(Classification(), Labels(("a", "b", "c")), CrossEntropy())(one, other, torch.zeros(5).long())
    assert found.item() == pytest.approx(ALPHA * kl_of_the_authors(one, other).mean().item(), rel=1e-5)


def test_several_labels_are_a_distribution_of_two_each():
    one, other = logits(2, seed=1), logits(2, seed=2)
    found = r_drop_of(Multilabel(), LabelSets(("a", "b"), (0.5, 0.5)), BinaryCrossEntropy())(
        one, other, torch.zeros(5, 2)
    )
    pairs = [torch.stack([torch.zeros_like(side), side], dim=-1) for side in (one, other)]
    assert found.item() == pytest.approx(ALPHA * kl_of_the_authors(*pairs).mean().item(), rel=1e-5)


@pytest.mark.parametrize("bounds", [None, (0.0, 5.0)])
def test_scores_differ_by_their_squares(bounds):
    scale = Scale(2.0, 1.5, bounds)
    one, other = logits(1, seed=1), logits(1, seed=2)
    found = r_drop_of(Regression(), scale, MSE())(one, other, torch.zeros(5))
    scores = [Regression().predicted(scale, side)[:, 0] / 1.5 for side in (one, other)]
    assert found.item() == pytest.approx(ALPHA * F.mse_loss(*scores).item(), rel=1e-5)


@pytest.mark.parametrize("weight", [None, {"a": 3.0}])
def test_the_parts_of_a_step_add_up_to_it(weight):
    contract, loss = Labels(("a", "b")), CrossEntropy(weight=weight)
    targets = torch.tensor([0, 1, 1, 0, 1])
    loss.fit(contract, targets.numpy())
    r_drop = r_drop_of(Classification(), contract, loss)
    one, other = logits(2, seed=1), logits(2, seed=2)
    counts = loss.weights_of(targets)
    counts = torch.ones(5) if counts is None else counts

    def whole(rows: slice) -> Tensor:
        return loss(one[rows], targets[rows]) + r_drop(one[rows], other[rows], targets[rows])

    parts = [slice(0, 2), slice(2, 5)]
    shares = [counts[rows].sum() / counts.sum() for rows in parts]
    together = sum(share * whole(rows) for share, rows in zip(shares, parts, strict=True))
    assert together.item() == pytest.approx(whole(slice(0, 5)).item(), rel=1e-6)


def test_equal_passes_add_nothing_and_gradients_are_finite_at_certainty():
    one = torch.tensor([[200.0, 0.0]], requires_grad=True)
    task, labels = Classification(), Labels(("a", "b"))
    assert task.divergence(labels, one, one).item() == 0
    task.divergence(labels, one, torch.tensor([[0.0, 200.0]])).sum().backward()
    assert one.grad is not None
    assert np.isfinite(one.grad.numpy()).all()
