"""What a probe solves for a task, by the name that the task calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from poolsweep.loss.binary_cross_entropy import BinaryCrossEntropy
from poolsweep.loss.cross_entropy import CrossEntropy
from poolsweep.probe.logistic import Logistic
from poolsweep.probe.objective import Rows
from poolsweep.probe.ridge import Ridge
from poolsweep.probe.softmax import Softmax
from poolsweep.probe.solver import PathSolver, Solver


def _softmax(rows: Rows, targets: Tensor, loss: nn.Module, num_outputs: int) -> PathSolver:
    assert isinstance(loss, CrossEntropy)
    weights = loss.weights_of(targets)
    if weights is not None:
        weighted = rows.weights * weights
        rows = Rows(rows.blocks, weighted / weighted.sum())
    return Solver(rows, Softmax(targets, rows.weights, num_labels=num_outputs, smoothing=float(loss.label_smoothing)))


def _logistic(rows: Rows, targets: Tensor, loss: nn.Module, num_outputs: int) -> PathSolver:
    assert isinstance(loss, BinaryCrossEntropy)
    return Solver(rows, Logistic(targets, rows.weights, positive=loss.pos_weight))


def _ridge(rows: Rows, targets: Tensor, loss: nn.Module, num_outputs: int) -> PathSolver:
    return Ridge(rows, targets)


# Each gets the vectors, their targets as the loss reads them (N, …), the loss of the config and the number of outputs.
LINKS: Mapping[str, Callable[[Rows, Tensor, nn.Module, int], PathSolver]] = {
    "softmax": _softmax,
    "logistic": _logistic,
    "ridge": _ridge,
}
