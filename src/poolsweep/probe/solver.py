"""The optimum of an L2-penalised linear classifier: L-BFGS over all rows, preconditioned, the same bits every time."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor

from poolsweep.probe.objective import Objective, Rows
from poolsweep.probe.preconditioner import Preconditioner

_LINE_TRIALS = 8
_SLOPE_LEFT = 0.3  # a step is long enough when this share of the slope along it is left
_MEMORY = 50  # pairs of steps and gradient changes
_EXTRAPOLATED = 3  # solutions on the path that say where the next penalty starts
_MARGIN = 2  # a step leads at least half of the way
TOLERANCE = 1e-4  # of every probability


@dataclass(frozen=True)
class Solution:
    """A solved classifier.

    Attributes:
        weight: (C, D) float64.
        bias: (C,) float64.
        objective: Mean loss plus ``penalty / 2`` times the sum of the squared weights.
        loss: The loss alone, as training would log it.
        change: The most that further steps would change a probability of a row.
        iterations: Passes over the rows, each forth and back.
    """

    weight: Tensor
    bias: Tensor
    objective: float
    loss: float
    change: float
    iterations: int


class PathSolver(Protocol):
    """Solves for one penalty after another, the strongest first."""

    def solve(self, penalty: float) -> Solution:
        """The head for one penalty, above 0."""
        ...


@dataclass(frozen=True)
class _Point:
    """Where the solver is.

    Attributes:
        head: (C, D + 1) float64: weights and, last of each label, the bias, as they are for centred vectors.
        logits: (C, N) of the rows.
        residual: (C, N) gradient of the loss by the logits.
        probabilities: (C, N).
    """

    head: Tensor
    logits: Tensor
    residual: Tensor
    probabilities: Tensor


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


class Solver:
    """Minimises ``mean loss + penalty / 2 · ‖weight‖²`` for one penalty after another; the bias is free.

    The two products with the rows' vectors are most of what it costs: a line search works on logits, which are linear
    in the step, so every iteration takes one pass forth and one back. A preconditioner that is fitted to each penalty
    saves most of the iterations, and a penalty starts where the three before it point.

    Args:
        rows: What is fitted.
        objective: The loss of their logits.
    Reference:
        Nocedal and Wright (2006), "Numerical Optimization", algorithm 7.5.
    """

    def __init__(self, rows: Rows, objective: Objective) -> None:
        self._rows, self._objective = rows, objective
        self._mean, covariance = rows.moments()
        self._precondition = Preconditioner(rows, objective, mean=self._mean, covariance=covariance)
        self._path: deque[tuple[float, Tensor]] = deque(maxlen=_EXTRAPOLATED)

    def solve(self, penalty: float, *, tolerance: float = TOLERANCE, most_iterations: int = 2000) -> Solution:
        """Solve for one penalty, from the solutions for those before it.

        A step of L-BFGS leads more than half of the way to the optimum, so what it changes says how far that is. The
        last one, which changes no probability by more than half of the tolerance, is taken too; what is left was less
        than the tolerance in all problems tried. Of other rows it was up to 2.5 times the default tolerance, where
        features are as many as rows and the penalty is weak: float32 tells no more of what the rows hardly tell.
        (Strong convexity bounds ``‖weight - optimum‖`` by ``‖gradient‖ / penalty``: far too much.)

        Args:
            penalty: Strength of the L2 penalty, above 0.
            tolerance: Stop when further steps would change no row's probability by more.
            most_iterations: Stop after so many in any case.
        """
        head = self._start(penalty)
        point = self._point(head, self._logits(head))
        self._precondition.fit(point.probabilities, penalty)
        gradient, pairs = self._gradient(point, penalty), deque[_Pair](maxlen=_MEMORY)
        iterations = 1
        while True:
            step = self._direction(gradient, pairs)
            change = self._logits(step)
            most = _MARGIN * self._objective.most_change(change)
            if most <= tolerance or iterations >= most_iterations:
                point = self._point(point.head + step, point.logits + change)
                break
            slope = float((gradient * step).sum())
            found = self._search(point, step, change, slope, penalty) if slope < 0 else None
            if found is None:
                break
            before, gradient = gradient, self._gradient(found, penalty)
            pair = _Pair.of(found.head - point.head, gradient - before, dtype=self._mean.dtype)
            if pair.product > 0:
                pairs.append(pair)
            point, iterations = found, iterations + 1
        self._path.append((penalty, point.head))
        weight, bias, loss = point.head[:, :-1], point.head[:, -1], self._objective.loss(point.logits)
        objective, shown = loss + penalty / 2 * float(weight.square().sum()), self._objective.shown(loss)
        return Solution(weight, bias - weight @ self._mean.double(), objective, shown, most, iterations)

    def _start(self, penalty: float) -> Tensor:
        """On the curve through the last solutions, by the penalty's logarithm; the last one where the path turns."""
        if not self._path:
            return self._objective.start(len(self._mean)).to(self._mean.device)
        penalties, heads = zip(*self._path, strict=True)
        if not all(high > low for high, low in pairwise([*penalties, penalty])):
            return heads[-1]
        shares = _lagrange([math.log(before) for before in penalties], math.log(penalty))
        return torch.tensordot(heads[0].new_tensor(shares), torch.stack(heads), dims=1)

    def _logits(self, head: Tensor) -> Tensor:
        offset = (head[:, -1] - head[:, :-1] @ self._mean.double()).to(self._mean.dtype)
        return self._rows.multiply(head[:, :-1].to(self._mean.dtype)).add_(offset[:, None])

    def _point(self, head: Tensor, logits: Tensor) -> _Point:
        return _Point(head, logits, *self._objective.residual(logits))

    def _gradient(self, point: _Point, penalty: float) -> Tensor:
        """By weight and, in the last column, bias; (C, D + 1)."""
        by_bias = point.residual.sum(dim=1, dtype=torch.float64)
        by_weight = self._rows.multiply_back(point.residual).double() - torch.outer(by_bias, self._mean.double())
        return torch.cat([by_weight + penalty * point.head[:, :-1], by_bias[:, None]], dim=1)

    def _direction(self, gradient: Tensor, pairs: deque[_Pair]) -> Tensor:
        """The two loops of L-BFGS, with the preconditioner between them."""
        left, shares = gradient.to(self._mean.dtype, copy=True).flatten(), []
        for pair in reversed(pairs):
            share = float(torch.dot(pair.step, left)) / pair.product
            left.add_(pair.bend, alpha=-share)
            shares.append(share)
        left = self._precondition(left.view_as(gradient)).flatten()
        for pair, share in zip(pairs, reversed(shares), strict=True):
            left.add_(pair.step, alpha=share - float(torch.dot(pair.bend, left)) / pair.product)
        return left.neg_().view_as(gradient).double()

    def _search(self, point: _Point, direction: Tensor, change: Tensor, slope: float, penalty: float) -> _Point | None:
        """The point along a direction where the slope is almost gone, by Newton's method within a bracket."""
        step = direction[:, :-1]
        across = penalty * float((point.head[:, :-1] * step).sum())
        square = penalty * float(step.square().sum())
        first, length, low, high = slope, 0.0, 0.0, math.inf
        found = point
        for _ in range(_LINE_TRIALS):
            bend = self._objective.bend(found.probabilities, change) + square
            length = length - slope / bend if bend > 0 else math.inf
            if not low < length < high:
                length = (low + high) / 2 if high < math.inf else 2 * low or 1.0
            found = self._point(point.head + length * direction, torch.add(point.logits, change, alpha=length))
            slope = float((found.residual * change).sum(dtype=torch.float64)) + across + length * square
            if abs(slope) <= _SLOPE_LEFT * abs(first):
                return found
            low, high = (length, high) if slope < 0 else (low, length)
        return found if low == length else None


def _lagrange(places: list[float], place: float) -> list[float]:
    """What each of the values at some places counts in the value of their polynomial at another."""
    return [math.prod((place - other) / (one - other) for other in places if other != one) for one in places]
