"""The optimum of an L2-penalised softmax classifier: L-BFGS over all rows, preconditioned, the same bits every time."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from poolsweep.probe.objective import Rows

_MEMORY = 50  # pairs of steps and gradient changes
_LINE_TRIALS = 8
_SLOPE_LEFT = 0.1  # a step is long enough when this share of the slope along it is left
_LEAST_CURVATURE = 1e-4
TOLERANCE = 1e-4  # of every probability


@dataclass(frozen=True)
class Solution:
    """A solved classifier.

    Attributes:
        weight: (C, D) float64.
        bias: (C,) float64.
        objective: Mean cross-entropy plus ``penalty / 2`` times the sum of the squared weights.
        loss: The cross-entropy alone.
        change: The most that a further step would change a probability of a row.
        iterations: Passes over the rows, each forth and back.
    """

    weight: Tensor
    bias: Tensor
    objective: float
    loss: float
    change: float
    iterations: int


@dataclass(frozen=True)
class _Pair:
    """A step, how the gradient changed along it, and their product; in the rows' precision, as directions are.

    Shape:
        step, bend (C · (D + 1),): weights and, last of each label, the bias.
    """

    step: Tensor
    bend: Tensor
    product: float

    @classmethod
    def of(cls, step: Tensor, bend: Tensor, *, dtype: torch.dtype) -> _Pair:
        step, bend = step.flatten(), bend.flatten()
        return cls(step.to(dtype), bend.to(dtype), float(torch.dot(step, bend)))

    def with_penalty(self, more: float, *, shape: tuple[int, int]) -> _Pair:
        """The pair as it would be with so much more of a penalty, which leaves the bias alone."""
        step, bend = self.step.view(shape).double(), self.bend.view(shape).double()
        bend[:, :-1] += more * step[:, :-1]
        return _Pair.of(step, bend, dtype=self.step.dtype)


@dataclass(frozen=True)
class _Point:
    """A solution as it is for centred vectors.

    Attributes:
        penalty: Of the solution.
        weight: (C, D) float64.
        bias: (C,) float64.
    """

    penalty: float
    weight: Tensor
    bias: Tensor


class Solver:
    """Minimises ``mean cross-entropy + penalty / 2 · ‖weight‖²`` for one penalty after another; the bias is free.

    The two products with the rows' vectors are all that costs: a line search works on logits, which are linear in the
    step, so every iteration takes one pass forth and one back. Three things save most of the iterations that correlated
    features otherwise cost: L-BFGS starts from the inverse of ``curvature · covariance + penalty``; what it has learned
    of one penalty stays true of the next, once the penalty's own share of it is exchanged; and a penalty starts where
    the two before it point.

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
        self._path: deque[_Point] = deque(maxlen=2)

    def solve(self, penalty: float, *, tolerance: float = TOLERANCE, most_iterations: int = 2000) -> Solution:
        """Solve for one penalty, from the solutions for those before it.

        A step of L-BFGS leads almost to the optimum, so what it changes says how far that is. The last one, which
        changes no probability by more than the tolerance, is taken too; what is left was less than that in all problems
        tried. (Strong convexity bounds ``‖weight - optimum‖`` by ``‖gradient‖ / penalty``: far too much.)

        Args:
            penalty: Strength of the L2 penalty, above 0.
            tolerance: Stop when a further step would change no row's probability by more.
            most_iterations: Stop after so many in any case.
        """
        rows = self._rows
        weight, bias = self._start(penalty)
        logits = self._logits(weight, bias)
        residual, probabilities = rows.residual(logits)
        curvature = max(rows.curvature(probabilities), _LEAST_CURVATURE)
        factor = self._factor(curvature, penalty)
        pairs = self._pairs_for(penalty)
        gradient = self._gradient(residual, weight, penalty)
        iterations = 1
        while True:
            step = self._direction(gradient, pairs, factor, curvature)
            change = self._logits(step[:, :-1], step[:, -1])
            most = _most_change(change)
            if most <= tolerance or iterations >= most_iterations:
                logits, weight, bias = logits.add_(change), weight + step[:, :-1], bias + step[:, -1]
                break
            length, residual = self._search(logits, change, weight, step[:, :-1], gradient, penalty)
            if length == 0:
                break
            step = step * length
            logits = logits.add_(change, alpha=length)
            weight, bias = weight + step[:, :-1], bias + step[:, -1]
            before, gradient = gradient, self._gradient(residual, weight, penalty)
            pair = _Pair.of(step, gradient - before, dtype=self._mean.dtype)
            if pair.product > 0:
                pairs.append(pair)
            iterations += 1
        self._path.append(_Point(penalty, weight, bias))
        loss = rows.loss(logits)
        objective = loss + penalty / 2 * float(weight.square().sum())
        return Solution(weight, bias - weight @ self._mean.double(), objective, loss, most, iterations)

    def _start(self, penalty: float) -> tuple[Tensor, Tensor]:
        """Weights and bias: on the line through the last two solutions, by the penalty's logarithm, or the last one."""
        if not self._path:
            zeros = torch.zeros(
                self._rows.num_labels, len(self._mean) + 1, dtype=torch.float64, device=self._mean.device
            )
            return zeros[:, :-1], zeros[:, -1]
        last, before = self._path[-1], self._path[0]
        if not penalty < last.penalty < before.penalty:
            return last.weight, last.bias
        share = min(1.0, math.log(penalty / last.penalty) / math.log(last.penalty / before.penalty))
        return torch.lerp(before.weight, last.weight, 1 + share), torch.lerp(before.bias, last.bias, 1 + share)

    def _factor(self, curvature: float, penalty: float) -> Tensor:
        """Of ``curvature · covariance + penalty``, which rounding must not make singular."""
        unit = torch.eye(len(self._mean), dtype=self._mean.dtype, device=self._mean.device)
        return torch.linalg.cholesky(curvature * self._covariance + penalty * unit)

    def _pairs_for(self, penalty: float) -> deque[_Pair]:
        """What L-BFGS remembers of the penalty before, made true for this one: only the penalty's share has changed."""
        shape, more = (self._rows.num_labels, -1), penalty - self._penalty
        found = [pair.with_penalty(more, shape=shape) for pair in self._pairs]
        self._pairs, self._penalty = deque((pair for pair in found if pair.product > 0), maxlen=_MEMORY), penalty
        return self._pairs

    def _logits(self, weight: Tensor, bias: Tensor) -> Tensor:
        offset = (bias - weight @ self._mean.double()).to(self._mean.dtype)
        return self._rows.multiply(weight.to(self._mean.dtype)).add_(offset[:, None])

    def _gradient(self, residual: Tensor, weight: Tensor, penalty: float) -> Tensor:
        """By weight and, in the last column, bias; (C, D + 1)."""
        by_bias = residual.sum(dim=1, dtype=torch.float64)
        by_weight = self._rows.multiply_back(residual).double() - torch.outer(by_bias, self._mean.double())
        return torch.cat([by_weight + penalty * weight, by_bias[:, None]], dim=1)

    def _direction(self, gradient: Tensor, pairs: deque[_Pair], factor: Tensor, curvature: float) -> Tensor:
        """The two loops of L-BFGS, with the preconditioner between them."""
        left, shares = gradient.to(factor.dtype, copy=True).flatten(), []
        for pair in reversed(pairs):
            share = float(torch.dot(pair.step, left)) / pair.product
            left.add_(pair.bend, alpha=-share)
            shares.append(share)
        middle = left.view_as(gradient)
        by_weight = torch.cholesky_solve(middle[:, :-1].T, factor).T
        left = torch.cat([by_weight, middle[:, -1:] / curvature], dim=1).flatten()
        for pair, share in zip(pairs, reversed(shares), strict=True):
            left.add_(pair.step, alpha=share - float(torch.dot(pair.bend, left)) / pair.product)
        return left.neg_().view_as(gradient).double()

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


def _most_change(change: Tensor) -> float:
    """At most how much a change of logits changes a probability; logits (C, N).

    A probability's slope by its logit against the others is at most 1/4.
    """
    return float((change.amax(dim=0) - change.amin(dim=0)).max()) / 4
