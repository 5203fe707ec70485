"""How a probe is chosen: which penalties are tried, and on what sample of the training rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import numpy as np
from annotated_types import Len
from pytorch_lightning.loggers import Logger

from poolsweep.bounds import Described, PositiveFloat
from poolsweep.metric_names import sign
from poolsweep.probe.objective import Rows
from poolsweep.probe.solver import Solution, Solver

SAMPLES = "bootstrap samples of the training rows"
Penalties = Annotated[list[PositiveFloat], Len(1), Described("one or more numbers above 0")]
_PATIENCE = 2


class Probe:
    """Solves a linear softmax head for a path of L2 penalties and keeps the one that is best on validation.

    A linear head on fixed vectors is a convex problem: there is one best head for each penalty and no learning rate,
    schedule or number of epochs to choose. The loss is the mean cross-entropy plus ``penalty / 2 · ‖weight‖²``, the
    bias not penalised: scikit-learn's ``LogisticRegression(C=1 / (penalty · rows))``. Penalties are tried from the
    strongest until two are worse than the best so far; on a tie the stronger one stays. Each is judged by a head whose
    probabilities are within 1e-4 of the optimum's.

    It has no seed noise. With ``bootstrap`` a seed draws a sample of the training rows, with replacement, as many of
    each label as there are, so that intervals over seeds say what other training texts would have given.

    Args:
        penalties: L2 penalties to try.
        bootstrap: Fit each seed to a bootstrap sample of the training rows of its own, rather than to all of them.
        monitor: The validation metric that chooses.
        accelerator: Device of the encoder's pass and of the solver: cpu, cuda, mps (the solver then takes the CPU).
        devices: One.
        precision: Precision of the encoder's pass; vectors are float32 and sums over them float64.
        loggers: Get the metrics of each penalty.
    """

    def __init__(
        self,
        *,
        penalties: Penalties,
        bootstrap: bool = True,
        monitor: str = "val/accuracy",
        accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"] = "auto",
        devices: Literal[1] = 1,
        precision: str | int = 32,
        loggers: Sequence[Logger] = (),
    ) -> None:
        self.penalties = sorted(penalties, reverse=True)
        self.bootstrap = bootstrap
        self.monitor = monitor
        self.sign = sign(monitor)
        self.accelerator = accelerator
        self.loggers = list(loggers)

    def sample(self, labels: np.ndarray, *, seed: int) -> np.ndarray:
        """How often each training row is in the sample; with ``bootstrap=False`` once.

        Shape:
            labels (N,) ids; returns (N,) int64, whose sum is N.
        """
        if not self.bootstrap:
            return np.ones(len(labels), dtype=np.int64)
        counts = np.zeros(len(labels), dtype=np.int64)
        random = np.random.default_rng(seed)
        for label in np.unique(labels):
            rows = np.flatnonzero(labels == label)
            counts += np.bincount(random.choice(rows, size=len(rows)), minlength=len(labels))
        return counts

    def choose(
        self, rows: Rows, *, measure: Callable[[float, Solution], float]
    ) -> tuple[float, Solution, dict[float, float]]:
        """Solve for one penalty after another, and keep the best.

        Args:
            rows: Rows of the training sample.
            measure: Gives the monitored metric of a penalty's solution.
        Returns:
            The penalty that is best, its solution, and the metric of each penalty that was tried.
        """
        solver = Solver(rows)
        tried: dict[float, float] = {}
        best: tuple[float, Solution] | None = None
        worse = 0
        for penalty in self.penalties:
            solution = solver.solve(penalty)
            tried[penalty] = value = measure(penalty, solution)
            if best is None or self.sign * value > self.sign * tried[best[0]]:
                best, worse = (penalty, solution), 0
            elif value != tried[best[0]]:
                worse += 1
            if worse == _PATIENCE:
                break
        assert best is not None, "no penalty"
        return *best, tried
