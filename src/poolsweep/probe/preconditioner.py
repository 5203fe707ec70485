"""An approximate inverse of a linear classifier's curvature, which spares the solver most of its iterations."""

from __future__ import annotations

import torch
from torch import Tensor

from poolsweep.probe.objective import Objective, Rows

_DIRECTIONS = 16  # principal directions in which labels are coupled
_SAMPLE_ROWS = 1500
_LEAST_CURVATURE = 1e-4
_REST = 2.0  # what the mean curvature is multiplied with: rows far from the mean bend the loss more
_SUBSPACE_STEPS = 4
_RIDGE = 1e-5  # keeps factors regular under rounding


class Preconditioner:
    """Two levels: exact curvature in a few principal directions, the Böhning bound's shape in all others.

    The slow directions of a softmax classifier couple labels, and lie where vectors vary most. There the curvature
    (of a softmax ``Σ weight (diag(p) - p pᵀ) ⊗ x xᵀ + penalty``) is measured on a sample of the rows and factored with
    the bias, for all labels together where they are coupled. In the other directions ``curvature · covariance +
    penalty``, the same for each label, is near enough.

    Args:
        rows: What is fitted.
        objective: The loss of their logits.
        mean: (D,) mean of the vectors.
        covariance: (D, D) of the vectors.
    Reference:
        Böhning (1992), "Multinomial logistic regression algorithm". Differs: twice the mean curvature of the present
        solution stands in for the bound's 1/2.
    """

    def __init__(self, rows: Rows, objective: Objective, *, mean: Tensor, covariance: Tensor) -> None:
        self._objective = objective
        self._covariance = covariance
        self._principal = _principal_directions(covariance, min(_DIRECTIONS, len(mean)))
        self._every = max(1, len(rows) // _SAMPLE_ROWS)
        sample = (rows.every(self._every) - mean) @ self._principal
        self._sample = torch.cat([sample, sample.new_ones(len(sample), 1)], dim=1)

    def fit(self, probabilities: Tensor, penalty: float) -> None:
        """Factor the curvature at a point; probabilities (C, N)."""
        curvature = max(self._objective.curvature(probabilities), _LEAST_CURVATURE)
        self._factor = _factor(_REST * curvature * self._covariance, torch.full_like(self._covariance[0], penalty))
        top = self._objective.coupled(probabilities, sample=self._sample, every=self._every).double()
        ridge = top.new_full((len(probabilities), self._sample.shape[1]), max(penalty, _LEAST_CURVATURE))
        ridge[:, -1] = _LEAST_CURVATURE  # a bias is not penalised, and free up to a shift
        self._top = _factor(top, ridge.view(len(top), -1))

    def __call__(self, gradient: Tensor) -> Tensor:
        """About the Newton step for a gradient by weights and, in the last column, bias; (C, D + 1) → (C, D + 1)."""
        by_weight, by_bias = gradient[:, :-1], gradient[:, -1:]
        top = by_weight @ self._principal
        rest = torch.cholesky_solve(torch.addmm(by_weight, top, self._principal.T, alpha=-1).T, self._factor).T
        exact = torch.cat([top, by_bias], dim=1).double()
        exact = torch.cholesky_solve(exact.view(len(self._top), -1, 1), self._top).view_as(exact).to(gradient.dtype)
        by_weight = torch.addmm(rest, exact[:, :-1] - rest @ self._principal, self._principal.T)
        return torch.cat([by_weight, exact[:, -1:]], dim=1)


def _factor(curvature: Tensor, ridge: Tensor) -> Tensor:
    least = _RIDGE * curvature.diagonal(dim1=-2, dim2=-1).mean(dim=-1, keepdim=True)
    return torch.linalg.cholesky(curvature + torch.diag_embed(torch.maximum(ridge, least)))


def _principal_directions(covariance: Tensor, count: int) -> Tensor:
    """About the first principal directions, by subspace iteration; (D, count)."""
    size = len(covariance)
    start = torch.randn(size, min(count + 8, size), generator=torch.Generator().manual_seed(0))
    basis = start.to(covariance)
    for _ in range(_SUBSPACE_STEPS):
        basis = torch.linalg.qr(covariance @ basis)[0]
    return (basis @ torch.linalg.eigh(basis.T @ covariance @ basis)[1][:, -count:]).contiguous()
