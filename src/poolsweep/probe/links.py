"""What a probe solves for a task, by the name that the task calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from poolsweep.probe.logistic import Logistic
from poolsweep.probe.objective import Rows
from poolsweep.probe.ridge import Ridge
from poolsweep.probe.softmax import Softmax
from poolsweep.probe.solver import PathSolver, Solver


def _softmax(rows: Rows, targets: Tensor, loss: nn.Module, num_outputs: int) -> PathSolver:
    smoothing = loss.label_smoothing
    assert isinstance(smoothing, float | int)
    return Solver(rows, Softmax(targets, rows.weights, num_labels=num_outputs, smoothing=float(smoothing)))


def _logistic(rows: Rows, targets: Tensor, loss: nn.Module, num_outputs: int) -> PathSolver:
    return Solver(rows, Logistic(targets, rows.weights))


def _ridge(rows: Rows, targets: Tensor, loss: nn.Module, num_outputs: int) -> PathSolver:
    return Ridge(rows, targets)


# Each gets the vectors, their targets as the loss reads them (N, …), the loss of the config and the number of outputs.
LINKS: Mapping[str, Callable[[Rows, Tensor, nn.Module, int], PathSolver]] = {
    "softmax": _softmax,
    "logistic": _logistic,
    "ridge": _ridge,
}
