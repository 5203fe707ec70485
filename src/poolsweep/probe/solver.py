"""The optimum of an L2-penalised softmax classifier: L-BFGS over all rows, preconditioned, the same bits every time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from poolsweep.probe.objective import Rows

_MEMORY = 30  # pairs of steps and gradient changes
_LINE_TRIALS = 8
_SLOPE_LEFT = 0.1  # a step is long enough when this share of the slope along it is left


@dataclass(frozen=True)
class Solution:
    """A solved classifier.

    Attributes:
        weight: (C, D) float64.
        bias: (C,) float64.
        objective: Mean cross-entropy plus ``penalty / 2`` times the sum of the squared weights.
        loss: The cross-entropy alone.
        gap: About how far the objective is above its minimum.
        iterations: Passes over the rows, each forth and back.
    """

    weight: Tensor
    bias: Tensor
    objective: float
    loss: float
    gap: float
    iterations: int


@dataclass(frozen=True)
class _Pair:
    """A step, how the gradient changed along it, and their product.

    Shape:
        step, bend (C · (D + 1),) float64: weights and, last of each label, the bias.
    """

    step: Tensor
    bend: Tensor
    product: float

    @classmethod
    def of(cls, step: Tensor, bend: Tensor) -> _Pair:
        step, bend = step.flatten(), bend.flatten()
        return cls(step, bend, float(torch.dot(step, bend)))

    def with_penalty(self, more: float, *, shape: tuple[int, int]) -> _Pair:
        """The pair as it would be with so much more of a penalty, which leaves the bias alone."""
        step, bend = self.step.view(shape), self.bend.view(shape).clone()
        bend[:, :-1] += more * step[:, :-1]
        return _Pair.of(step, bend)


class Solver:
    """Minimises ``mean cross-entropy + penalty / 2 · ‖weight‖²``; the bias is not penalised.

    The two products with the rows' vectors are all that costs: a line search works on logits, which are linear in the
    step, so every iteration takes one pass forth and one back. Two things save most of the iterations that correlated
    features otherwise cost: L-BFGS starts from the inverse of ``curvature · covariance + penalty``, and what it has
    learned of one penalty stays true of the next, once the penalty's own share of it is exchanged.

    Args:
        rows: What is fitted.
    Reference:
        Nocedal and Wright (2006), "Numerical Optimization", algorithm 7.5; the bound behind the preconditioner is
        Böhning (1992), "Multinomial logistic regression algorithm". Differs: the mean curvature of the present
        solution stands in for the bound's 1/2.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._mean, self._covariance = rows.moments()
        self._pairs: deque[_Pair] = deque(maxlen=_MEMORY)
        self._penalty = 0.0

    def solve(
        self, penalty: float, *, start: Solution | None = None, tolerance: float = 1e-6, most_iterations: int = 500
    ) -> Solution:
        """Solve for one penalty.

        Args:
            penalty: Strength of the L2 penalty, above 0.
            start: Where to start, such as the solution for a neighbouring penalty; None = zeros.
            tolerance: Stop when the gap is at most this share of the objective.
            most_iterations: Stop after so many in any case.
        """
        rows, mean = self._rows, self._mean
        weight, bias = self._from(start)
        logits = self._logits(weight, bias)
        residual, probabilities = rows.residual(logits)
        curvature = max(rows.curvature(probabilities), 1e-4)
        unit = torch.eye(len(mean), dtype=mean.dtype, device=mean.device)
        factor = torch.linalg.cholesky(curvature * self._covariance + penalty * unit)
        pairs = self._pairs_for(penalty)
        gradient = self._gradient(residual, weight, penalty)
        iterations, gap, objective = 1, torch.inf, torch.inf
        while True:
            loss = rows.loss(logits)
            objective = loss + penalty / 2 * float(weight.square().sum())
            step = self._direction(gradient, pairs, factor, curvature)
            gap = -float((gradient * step).sum()) / 2
            if gap <= tolerance * objective or iterations >= most_iterations:
                break
            change = self._logits(step[:, :-1], step[:, -1])
            length, residual = self._search(logits, change, weight, step[:, :-1], gradient, penalty)
            if length == 0:
                break
            step = step * length
            logits = logits.add_(change, alpha=length)
            weight, bias = weight + step[:, :-1], bias + step[:, -1]
            before, gradient = gradient, self._gradient(residual, weight, penalty)
            bend = gradient - before
            pair = _Pair.of(step, bend)
            if pair.product > 0:
                pairs.append(pair)
            iterations += 1
        uncentred = bias - weight @ mean.double()
        return Solution(weight, uncentred, objective, loss, gap, iterations)

    def _pairs_for(self, penalty: float) -> deque[_Pair]:
        """What L-BFGS remembers of the penalty before, made true for this one: only the penalty's share has changed."""
        shape, more = (self._rows.num_labels, -1), penalty - self._penalty
        found = [pair.with_penalty(more, shape=shape) for pair in self._pairs]
        self._pairs, self._penalty = deque((pair for pair in found if pair.product > 0), maxlen=_MEMORY), penalty
        return self._pairs

    def _from(self, start: Solution | None) -> tuple[Tensor, Tensor]:
        """Weights, and the bias as it is for centred vectors."""
        if start is None:
            zeros = torch.zeros(
                self._rows.num_labels, len(self._mean) + 1, dtype=torch.float64, device=self._mean.device
            )
            return zeros[:, :-1], zeros[:, -1]
        return start.weight, start.bias + start.weight @ self._mean.double()

    def _logits(self, weight: Tensor, bias: Tensor) -> Tensor:
        offset = (bias - weight @ self._mean.double()).to(self._mean.dtype)
        return self._rows.multiply(weight.to(self._mean.dtype)).add_(offset[:, None])

    def _gradient(self, residual: Tensor, weight: Tensor, penalty: float) -> Tensor:
        """By weight and, in the last column, bias; (C, D + 1)."""
        by_bias = residual.sum(dim=1, dtype=torch.float64)
        by_weight = self._rows.multiply_back(residual).double() - torch.outer(by_bias, self._mean.double())
        return torch.cat([by_weight + penalty * weight, by_bias[:, None]], dim=1)

    def _precondition(self, gradient: Tensor, factor: Tensor, curvature: float) -> Tensor:
        by_weight = torch.cholesky_solve(gradient[:, :-1].T.to(factor.dtype), factor).T.double()
        return torch.cat([by_weight, gradient[:, -1:] / curvature], dim=1)

    def _direction(self, gradient: Tensor, pairs: deque[_Pair], factor: Tensor, curvature: float) -> Tensor:
        """The two loops of L-BFGS."""
        left, shares = gradient.flatten().clone(), []
        for pair in reversed(pairs):
            share = float(torch.dot(pair.step, left)) / pair.product
            left.add_(pair.bend, alpha=-share)
            shares.append(share)
        left = self._precondition(left.view_as(gradient), factor, curvature).flatten()
        for pair, share in zip(pairs, reversed(shares), strict=True):
            left.add_(pair.step, alpha=share - float(torch.dot(pair.bend, left)) / pair.product)
        return left.neg_().view_as(gradient)

    def _search(
        self, logits: Tensor, change: Tensor, weight: Tensor, step: Tensor, gradient: Tensor, penalty: float
    ) -> tuple[float, Tensor]:
        """The step length where the slope is almost gone, by Newton's method within a bracket, and the residual."""
        rows = self._rows
        row_weights = rows.weights
        across, square = penalty * float((weight * step).sum()), penalty * float(step.square().sum())
        low, high, length = 0.0, torch.inf, 1.0
        first = None
        for _ in range(_LINE_TRIALS):
            residual, probabilities = rows.residual(torch.add(logits, change, alpha=length))
            slope = float((residual * change).sum(dtype=torch.float64)) + across + length * square
            centre = (probabilities * change).sum(dim=0)
            spread = (probabilities * change.square()).sum(dim=0) - centre.square()
            bend = float(torch.dot(spread.double(), row_weights)) + square
            first = slope - length * bend if first is None else first
            if abs(slope) <= _SLOPE_LEFT * abs(first):
                return length, residual
            low, high = (length, high) if slope < 0 else (low, length)
            length = length - slope / bend if bend > 0 else torch.inf
            if not low < length < high:
                length = (low + high) / 2 if high < torch.inf else 2 * low
        return (length, rows.residual(torch.add(logits, change, alpha=length))[0]) if low > 0 else (0.0, logits)
