"""One score per text: a ridge regression in closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from poolsweep.probe.objective import Rows
from poolsweep.probe.solver import Solution


class Ridge:
    """Minimises ``mean squared error + penalty · ‖weight‖²`` exactly, for one penalty after another; the bias is free.

    This is scikit-learn's ``Ridge(alpha=penalty · rows)``. One pass over the rows gives their second moments, in
    float64 and block by block; every penalty is a Cholesky factor of them.

    Args:
        rows: Vectors that are fitted.
        targets: (N,) scores.
    Reference:
        Hoerl and Kennard (1970), "Ridge Regression: Biased Estimation for Nonorthogonal Problems". Differs: the penalty
        counts a row's mean, not the rows' sum.
    """

    def __init__(self, rows: Rows, targets: Tensor) -> None:
        targets = targets.double()
        moments: Tensor | None = None
        for places, piece in rows.pieces():
            vectors, wanted = piece.double(), targets[places, None]
            known = torch.cat([vectors, wanted, torch.ones_like(wanted)], dim=1)
            weighted = (known * rows.weights[places, None]).T
            moments = weighted @ known if moments is None else moments.addmm_(weighted, known)
        assert moments is not None, "rows without a block"
        mean = moments[:-1, -1]
        centred = moments[:-1, :-1] - torch.outer(mean, mean)
        self._mean, self._target_mean = mean[:-1], mean[-1]
        self._covariance, self._shared, self._variance = centred[:-1, :-1], centred[:-1, -1:], centred[-1, -1]

    def solve(self, penalty: float) -> Solution:
        """The best head for one penalty, above 0."""
        bent = self._covariance.clone()
        bent.diagonal().add_(penalty)
        weight = torch.cholesky_solve(self._shared, torch.linalg.cholesky(bent))
        explained = 2 * weight.T @ self._shared - weight.T @ self._covariance @ weight
        loss = float((self._variance - explained).clamp(min=0))
        bias = self._target_mean - self._mean @ weight
        objective = loss + penalty * float(weight.square().sum())
        return Solution(weight.T.contiguous(), bias, objective, loss, change=0.0, iterations=1)
