"""Several labels a text: each label's head is scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from poolsweep.probe.logistic import Logistic
from poolsweep.probe.objective import Rows
from poolsweep.probe.solver import Solution, Solver

N, D = 400, 12


@pytest.fixture(scope="module")
def problem() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Vectors that are not centred, a common label, two rare ones, one that all rows have and one that none has."""
    random = torch.Generator().manual_seed(5)
    vectors = torch.randn(N, D, generator=random) @ torch.randn(D, D, generator=random) / 2 + 1
    logits = vectors @ torch.randn(D, 3, generator=random) * 0.4 - torch.tensor([0.0, 3.0, 4.0])
    marks = torch.rand(N, 3, generator=random) < torch.sigmoid(logits)
    counts = torch.randint(1, 4, (N,), generator=random)
    return vectors, torch.cat([marks, torch.ones(N, 1), torch.zeros(N, 1)], dim=1).to(torch.uint8), counts


def solved(problem, penalty: float, *, positive: torch.Tensor | None = None, path: bool = False) -> Solution:
    vectors, marks, counts = problem
    weights = counts.double() / counts.sum()
    rows = Rows(lambda: iter(vectors.split(100)), weights)
    solver = Solver(rows, Logistic(marks, weights, positive=positive))
    for stronger in (10.0, 1.0, 0.1) if path else ():
        solver.solve(stronger)
    return solver.solve(penalty)


@pytest.mark.parametrize("path", [False, True])
@pytest.mark.parametrize("positive", [None, (1.0, 5.0, 20.0, 1.0, 1.0)], ids=["even", "weighted"])
@pytest.mark.parametrize("penalty", [1.0, 0.01, 0.0001])
def test_each_label_is_scikit_learns_logistic_regression(problem, penalty: float, positive, path: bool):
    vectors, marks, counts = problem
    solution = solved(problem, penalty, positive=None if positive is None else torch.tensor(positive), path=path)
    found = torch.sigmoid(vectors.double() @ solution.weight.T + solution.bias).numpy()
    for label in range(3):
        weight = {0: 1.0, 1: 1.0 if positive is None else positive[label]}
        peer = LogisticRegression(C=1 / (penalty * int(counts.sum())), tol=1e-10, max_iter=10_000, class_weight=weight)
        peer.fit(vectors.double().numpy(), marks[:, label].numpy(), sample_weight=counts.numpy())
        expected = peer.predict_proba(vectors.double().numpy())[:, 1]
        assert np.abs(found[:, label] - expected).max() < 1e-4, label
    assert solution.change <= 1e-4


def test_a_label_of_all_rows_or_none_has_a_bias_alone(problem):
    solution = solved(problem, 0.01, path=True)
    assert not solution.weight[3:].any()
    assert torch.sigmoid(solution.bias[3:]).tolist() == pytest.approx([400.5 / 401, 0.5 / 401])
    assert solution.iterations < 60


@pytest.mark.parametrize("positive", [None, (2.0, 5.0, 20.0, 3.0, 1.0)])
def test_the_loss_is_torchs(problem, positive):
    vectors, marks, counts = problem
    given = None if positive is None else torch.tensor(positive)
    solution = solved(problem, 0.01, positive=given)
    logits = vectors.double() @ solution.weight.T + solution.bias
    losses = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, marks.double(), reduction="none", pos_weight=given
    )
    expected = (losses.mean(dim=1) * counts).sum() / counts.sum()
    assert solution.loss == pytest.approx(expected.item(), rel=1e-5)
    assert solution.objective == pytest.approx(5 * expected.item() + 0.005 * solution.weight.square().sum().item())
